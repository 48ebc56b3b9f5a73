/* A new program in a process: its image and its interpreter's, stack and registers, as Linux makes them with address
 * randomisation off.
 */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf_file.h"

enum { PAGE = MM_PAGE };

struct image {
    struct elf e;
    int fd;
    uint64_t base; /* added to the file's addresses */
};

const struct linux_layout linux_layouts[2] = {
    {.stack_top = 0xffffe000, .mmap_base = 0xf7ffe000, .pie_base = 0x56555000},
    {.stack_top = 0x7ffffffff000, .mmap_base = 0x7ffff7fff000, .pie_base = 0x555555554000},
};

static uint64_t page_down(uint64_t a) { return a & ~(uint64_t)(PAGE - 1); }

static uint64_t page_up(uint64_t a) { return page_down(a + PAGE - 1); }

static int segment_prot(const struct linux_process *p, uint32_t flags)
{
    int prot = (flags & PF_R ? MM_READ : 0) | (flags & PF_W ? MM_WRITE : 0) | (flags & PF_X ? MM_EXEC : 0);
    return p->space->read_implies_exec && (prot & MM_READ) ? prot | MM_EXEC : prot;
}

/* The file's pages are mapped whole, as Linux does it; only the rest of the last one is cleared for the bss. */
static bool load_segment(struct linux_process *p, const Elf64_Phdr *s, uint64_t base, struct mm_file *file)
{
    uint64_t at = s->p_vaddr + base, start = page_down(at), file_end = at + s->p_filesz, end = at + s->p_memsz;
    int prot = segment_prot(p, s->p_flags);
    uint64_t mapped = s->p_filesz ? page_up(file_end) : start;
    if (mapped > start && !mm_map(p->mm, start, mapped - start, prot, file, page_down(s->p_offset)))
        return false;
    if (page_up(end) > mapped && !mm_map(p->mm, mapped, page_up(end) - mapped, prot, NULL, 0))
        return false;
    if (end > file_end && file_end < mapped) {
        static const uint8_t zeros[PAGE];
        uint64_t n = mapped - file_end;
        return mm_write(p->mm, file_end, zeros, n);
    }
    return true;
}

/* Where an image goes. A program that an interpreter will start has its own region; what has none, and the interpreter
 * itself, lies among the mappings. */
static bool place(struct linux_process *p, struct image *i)
{
    const struct elf *e = &i->e;
    uint64_t start = page_down(e->start), size = page_up(e->end) - start;
    i->base = 0;
    if (e->header.e_type == ET_EXEC)
        return mm_is_free(p->mm, start, size);
    if (e->interpreter[0]) {
        i->base = p->space->layout->pie_base - start;
        return mm_is_free(p->mm, p->space->layout->pie_base, size);
    }
    uint64_t at = mm_gap_below(p->mm, p->space->mmap_top, LINUX_MMAP_MIN, size);
    i->base = at - start;
    return at != 0;
}

static bool load_image(struct linux_process *p, struct image *i)
{
    if (!place(p, i))
        return false;
    int fd = fcntl(i->fd, F_DUPFD_CLOEXEC, 3), again = fcntl(i->fd, F_DUPFD_CLOEXEC, 3);
    struct mm_file *file = fd < 0 ? NULL : mm_file_new(fd), *code = again < 0 ? NULL : mm_file_shared(p->mm, again, false);
    bool ok = file && code;
    for (unsigned n = 0; ok && n < i->e.header.e_phnum; n++) {
        bool shares = (i->e.segment[n].p_flags & (PF_X | PF_W)) == PF_X; /* the pages, with all who run the program */
        if (i->e.segment[n].p_type == PT_LOAD && i->e.segment[n].p_memsz)
            ok = load_segment(p, &i->e.segment[n], i->base, shares ? code : file);
    }
    mm_file_drop(file);
    mm_file_drop(code);
    return ok;
}

/* Trampolines for handlers without a restorer; where Linux has its vdso, which this kernel does not show. */
static bool load_sigpage(struct linux_process *p)
{
    p->space->mmap_top = p->space->layout->mmap_base;
    if (p->space->wide) /* x86-64 handlers have their own restorer */
        return true;
    static const uint8_t code[] = {
        0x58, 0xb8, 0x77, 0, 0, 0,    0xcd, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, /* pop eax; mov eax, sigreturn; int 0x80 */
        0xb8, 0xad, 0,    0, 0, 0xcd, 0x80,                               /* mov eax, rt_sigreturn; int 0x80 */
    };
    p->space->mmap_top = p->space->sigpage = p->space->layout->mmap_base - PAGE;
    return mm_map(p->mm, p->space->sigpage, PAGE, MM_READ | MM_EXEC, NULL, 0) &&
           mm_write(p->mm, p->space->sigpage, code, sizeof code);
}

static void start_registers(struct linux_process *p, uint64_t entry)
{
    struct guest_cpu *c = p->cpu;
    uint64_t sp = c->gpr[GUEST_RSP];
    memset(c->gpr, 0, sizeof c->gpr);
    c->gpr[GUEST_RSP] = sp;
    c->rip = entry;
    c->flags = 0;
    c->sysflags = EFL_FIXED | EFL_IF;
    c->mode = p->space->wide ? GUEST_X86_64 : GUEST_IA32;
    c->user = 1;
    sigframe_reset_fp(c);
    memset(c->tls_base, 0, sizeof c->tls_base);
    memset(c->seg_base, 0, sizeof c->seg_base);
    memset(c->seg_sel, 0, sizeof c->seg_sel);
    c->seg_sel[GUEST_CS] = p->space->wide ? ABI64_USER_CS : ABI_USER_CS;
    c->seg_sel[GUEST_SS] = ABI_USER_DS;
    c->seg_sel[GUEST_DS] = c->seg_sel[GUEST_ES] = p->space->wide ? 0 : ABI_USER_DS;
}

/* What /proc/self/exe names: an absolute path as the guest sees it. A program from outside its root is shown as if it lay
 * there, as the host's path is none of its business. */
static void name_program(struct linux_process *p, const char *path)
{
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    if (path_of(p, p->space->exe_fd, p->space->exe_path) < 0)
        snprintf(p->space->exe_path, sizeof p->space->exe_path, "/%s", base);
}

static bool open_interpreter(struct linux_process *p, const struct elf *program, struct image *i, char *err, size_t err_size)
{
    enum linux_fd_kind kind;
    char where[LINUX_PATH];
    char why[200];
    i->fd = path_open(p, AT_FDCWD, program->interpreter, O_RDONLY | O_NONBLOCK, 0, &kind, where);
    if (i->fd < 0) {
        snprintf(err, err_size, "its interpreter %s cannot be opened: %s", program->interpreter, strerror(-i->fd));
        return false;
    }
    bool ok = elf_read(&i->e, i->fd, p->mm->mem.size, why, sizeof why);
    if (ok && i->e.wide != program->wide) {
        snprintf(why, sizeof why, "a %d-bit ELF file for a %d-bit program", i->e.wide ? 64 : 32, program->wide ? 64 : 32);
        ok = false;
    }
    if (!ok)
        snprintf(err, err_size, "its interpreter %.255s: %s", program->interpreter, why);
    return ok;
}

static int does_not_fit(const struct linux_process *p, char *err, size_t err_size)
{
    snprintf(err, err_size, "does not fit: guest memory has %llu MiB; raise memory.dram_mib",
             (unsigned long long)(p->mm->mem.size >> 20));
    return -ENOMEM;
}

/* Everything into an empty address space. The images' descriptors are the caller's to close. */
static int load(struct linux_process *p, struct image *program, struct image *interpreter, const char *name, char *const argv[],
                char *const envp[], char *err, size_t err_size)
{
    const struct elf *e = &program->e;
    if (!elf_read(&program->e, program->fd, p->mm->mem.size, err, err_size))
        return -ENOEXEC;
    p->space->wide = e->wide;
    p->space->layout = &linux_layouts[e->wide];
    bool dynamic = e->interpreter[0];
    if (dynamic && !open_interpreter(p, e, interpreter, err, err_size))
        return interpreter->fd < 0 ? interpreter->fd : -ENOEXEC;
    p->space->read_implies_exec = !e->has_stack_note && !e->wide;
    if (!load_sigpage(p) || !load_image(p, program) || (dynamic && !load_image(p, interpreter)))
        return does_not_fit(p, err, err_size);
    struct program g = {
        .phdr = e->phdr_addr ? e->phdr_addr + program->base : 0,
        .phnum = e->header.e_phnum,
        .entry = e->header.e_entry + program->base,
        .interpreter_base = dynamic ? interpreter->base : 0,
        .exec_stack = e->exec_stack || !e->has_stack_note,
    };
    if (!load_stack(p, &g, name, argv, envp, err, err_size))
        return -ENOMEM;
    bool among_mappings = e->header.e_type == ET_DYN && !dynamic; /* no room to grow there */
    p->space->brk_start = p->space->brk = among_mappings ? p->space->layout->pie_base : page_up(e->end + program->base);
    start_registers(p, dynamic ? interpreter->e.header.e_entry + interpreter->base : g.entry);
    return 0;
}

int load_program(struct linux_process *p, int fd, const char *path, char *const argv[], char *const envp[], char *err,
                 size_t err_size)
{
    struct image program = {.fd = fd}, interpreter = {.fd = -1};
    name_program(p, path);
    int r = load(p, &program, &interpreter, path, argv, envp, err, err_size);
    if (interpreter.fd >= 0)
        close(interpreter.fd);
    return r;
}

/* With a root of the guest's own, a program is looked for there first. */
static int open_program(struct linux_process *p, const char *path)
{
    enum linux_fd_kind kind;
    char where[LINUX_PATH];
    int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK; /* not to wait for a FIFO's other end */
    int fd = p->k->confined ? path_open(p, AT_FDCWD, path, flags, 0, &kind, where) : -ENOENT;
    return fd >= 0 ? fd : open(path, flags);
}

/* The program itself, or what runs it if it is a script, as execve has it: open, with `path` and `argv` that go with it. */
static int open_runnable(struct linux_process *p, char path[LINUX_PATH], struct list *argv, char *err, size_t err_size)
{
    for (int depth = 0; depth <= LINUX_SCRIPTS; depth++) {
        int fd = open_program(p, path);
        if (fd < 0) {
            snprintf(err, err_size, "%s: %s", path, strerror(errno));
            return fd;
        }
        int64_t r = script_interpreter(fd, argv, path);
        if (!r)
            return fd;
        close(fd);
        if (r < 0) {
            snprintf(err, err_size, "%s: %s", path, r == -ENOEXEC ? "its first line names no interpreter" : strerror((int)-r));
            return -1;
        }
    }
    snprintf(err, err_size, "%s: scripts that run scripts, too many", path);
    return -1;
}

bool linux_load(struct linux_process *p, const char *path, char *const argv[], char *const envp[], char *err, size_t err_size)
{
    char why[512], file[LINUX_PATH];
    struct list words = {0};
    const char *base = strrchr(path, '/');
    bool ok = snprintf(file, sizeof file, "%s", path) < (int)sizeof file;
    for (size_t i = 0; ok && argv[i]; i++)
        ok = list_insert(&words, i, argv[i]);
    if (!ok) {
        snprintf(err, err_size, "%.100s...: too long", path);
        list_free(&words);
        return false;
    }
    int fd = p->space->exe_fd = open_runnable(p, file, &words, err, err_size);
    if (fd >= 0) {
        snprintf(p->comm, sizeof p->comm, "%.15s", base ? base + 1 : path);
        ok = load_program(p, fd, file, words.item, envp, why, sizeof why) == 0;
        if (!ok)
            snprintf(err, err_size, "%s: %s", file, why);
    }
    list_free(&words);
    return fd >= 0 && ok;
}
