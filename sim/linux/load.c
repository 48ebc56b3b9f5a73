/* A new process: program image, stack, auxiliary vector and registers, as Linux makes them for a static i386 program in
 * compatibility mode with address randomisation off.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "elf32.h"
#include "linux.h"

enum { STACK_EXPAND = 128 << 10, PAGE = MM_PAGE, MINSIGSTKSZ_SAID = 732 + 112 + 512 + 64 };

static uint32_t page_down(uint32_t a)
{
    return a & ~(uint32_t)(PAGE - 1);
}

static uint32_t page_up(uint32_t a)
{
    return page_down(a + PAGE - 1);
}

static int segment_prot(const struct linux_process *p, uint32_t flags)
{
    int prot = (flags & PF_R ? MM_READ : 0) | (flags & PF_W ? MM_WRITE : 0) | (flags & PF_X ? MM_EXEC : 0);
    return p->read_implies_exec && (prot & MM_READ) ? prot | MM_EXEC : prot;
}

/* The file's pages are mapped whole, as Linux does it; only the rest of the last one is cleared for the bss. */
static bool load_segment(struct linux_process *p, const Elf32_Phdr *s, struct mm_file *file)
{
    uint32_t start = page_down(s->p_vaddr), file_end = s->p_vaddr + s->p_filesz, end = s->p_vaddr + s->p_memsz;
    int prot = segment_prot(p, s->p_flags);
    uint32_t mapped = s->p_filesz ? page_up(file_end) : start;
    if (mapped > start && !mm_map(p->mm, start, mapped - start, prot, file, page_down(s->p_offset)))
        return false;
    if (page_up(end) > mapped && !mm_map(p->mm, mapped, page_up(end) - mapped, prot, NULL, 0))
        return false;
    if (end > file_end && file_end < mapped) {
        static const uint8_t zeros[PAGE];
        uint32_t n = mapped - file_end;
        return mm_write(p->mm, file_end, zeros, n);
    }
    return true;
}

static bool load_image(struct linux_process *p, const struct elf32 *e)
{
    int fd = fcntl(p->exe_fd, F_DUPFD_CLOEXEC, 3);
    struct mm_file *file = fd < 0 ? NULL : mm_file_new(fd);
    bool ok = file != NULL;
    for (unsigned i = 0; ok && i < e->header.e_phnum; i++)
        if (e->segment[i].p_type == PT_LOAD && e->segment[i].p_memsz)
            ok = load_segment(p, &e->segment[i], file);
    mm_file_drop(file);
    return ok;
}

/* Trampolines for handlers without a restorer; where Linux has its vdso, which this kernel does not show. */
static bool load_sigpage(struct linux_process *p)
{
    static const uint8_t code[] = {
        0x58, 0xb8, 0x77, 0, 0, 0,    0xcd, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, /* pop eax; mov eax, sigreturn; int 0x80 */
        0xb8, 0xad, 0,    0, 0, 0xcd, 0x80,                               /* mov eax, rt_sigreturn; int 0x80 */
    };
    p->sigpage = LINUX_MMAP_BASE - PAGE;
    return mm_map(p->mm, p->sigpage, PAGE, MM_READ | MM_EXEC, NULL, 0) && mm_write(p->mm, p->sigpage, code, sizeof code);
}

/* Stack -------------------------------------------------------------------------------------------------------------- */

static uint32_t push_bytes(struct linux_process *p, uint32_t sp, const void *bytes, size_t n, bool *ok)
{
    sp -= (uint32_t)n;
    *ok = *ok && mm_write(p->mm, sp, bytes, n);
    return sp;
}

struct strings {
    uint32_t argc, envc, argv, envp; /* argv: address of the first argument's bytes; the others follow */
    uint32_t exec_name;
};

static uint32_t count(char *const list[])
{
    uint32_t n = 0;
    while (list[n])
        n++;
    return n;
}

static uint32_t push_strings(struct linux_process *p, uint32_t sp, const char *name, char *const argv[], char *const envp[],
                             struct strings *s, bool *ok)
{
    s->argc = count(argv);
    s->envc = count(envp);
    sp = s->exec_name = push_bytes(p, sp, name, strlen(name) + 1, ok);
    for (uint32_t i = s->envc; i-- > 0;)
        sp = push_bytes(p, sp, envp[i], strlen(envp[i]) + 1, ok);
    s->envp = sp;
    for (uint32_t i = s->argc; i-- > 0;)
        sp = push_bytes(p, sp, argv[i], strlen(argv[i]) + 1, ok);
    s->argv = sp;
    return sp;
}

/* What the CPU models say in CPUID leaf 1, EDX. */
static uint32_t hwcap(unsigned guest_cpu)
{
    enum { FPU = 1, TSC = 1 << 4, CX8 = 1 << 8, SEP = 1 << 11, CMOV = 1 << 15, MMX = 1 << 23, FXSR = 1 << 24, SSE = 3 << 25 };
    uint32_t i686 = FPU | TSC | CX8 | CMOV;
    return guest_cpu == 0 ? i686 : i686 | SEP | MMX | FXSR | SSE;
}

static uint32_t push_tables(struct linux_process *p, uint32_t sp, const struct elf32 *e, const struct strings *s,
                            unsigned guest_cpu, bool *ok)
{
    uint64_t bytes[2] = {linux_random(p), linux_random(p)};
    sp &= ~15u;
    uint32_t platform = sp = push_bytes(p, sp, "i686", 5, ok);
    uint32_t random = sp = push_bytes(p, sp, bytes, sizeof bytes, ok);
    const uint32_t aux[][2] = {
        {AT_MINSIGSTKSZ, MINSIGSTKSZ_SAID},
        {AT_HWCAP, hwcap(guest_cpu)},
        {AT_PAGESZ, PAGE},
        {AT_CLKTCK, 100},
        {AT_PHDR, e->phdr_addr},
        {AT_PHENT, sizeof(Elf32_Phdr)},
        {AT_PHNUM, e->header.e_phnum},
        {AT_BASE, 0},
        {AT_FLAGS, 0},
        {AT_ENTRY, e->header.e_entry},
        {AT_UID, getuid()},
        {AT_EUID, geteuid()},
        {AT_GID, getgid()},
        {AT_EGID, getegid()},
        {AT_SECURE, 0},
        {AT_RANDOM, random},
        {AT_HWCAP2, 0},
        {AT_EXECFN, s->exec_name},
        {AT_PLATFORM, platform},
        {AT_NULL, 0},
    };
    enum { AUX_WORDS = sizeof aux / sizeof(uint32_t) };
    uint32_t words = 1 + s->argc + 1 + s->envc + 1;
    sp = (sp - AUX_WORDS * 4 - words * 4) & ~15u;
    uint32_t *table = calloc(words + AUX_WORDS, 4);
    if (!table)
        return 0;
    uint32_t n = 0, at = s->argv;
    table[n++] = s->argc;
    for (uint32_t i = 0; i < s->argc + s->envc; i++) {
        char c = 1;
        if (i == s->argc)
            table[n++] = 0;
        table[n++] = at;
        while (c && *ok) {
            *ok = mm_read(p->mm, at, &c, 1);
            at++;
        }
    }
    if (!s->envc)
        table[n++] = 0;
    table[n++] = 0;
    memcpy(table + n, aux, sizeof aux);
    *ok = *ok && mm_write(p->mm, sp, table, (words + AUX_WORDS) * 4);
    free(table);
    return sp;
}

static size_t strings_size(const char *name, char *const argv[], char *const envp[])
{
    size_t n = strlen(name) + 1;
    for (; *argv; argv++)
        n += strlen(*argv) + 1 + 4;
    for (; *envp; envp++)
        n += strlen(*envp) + 1 + 4;
    return n;
}

static bool load_stack(struct linux_process *p, const struct elf32 *e, const char *name, char *const argv[], char *const envp[],
                       unsigned guest_cpu, char *err, size_t err_size)
{
    size_t need = strings_size(name, argv, envp);
    if (need > LINUX_STACK_SIZE / 4) {
        snprintf(err, err_size, "arguments and environment have %zu bytes; at most %u are possible", need,
                 LINUX_STACK_SIZE / 4);
        return false;
    }
    uint32_t size = page_up((uint32_t)need + PAGE) + STACK_EXPAND;
    int prot = MM_READ | MM_WRITE | (e->exec_stack || !e->has_stack_note ? MM_EXEC : 0);
    bool ok = mm_map(p->mm, LINUX_STACK_TOP - size, size, prot, NULL, 0);
    if (ok) {
        struct strings s;
        mm_set_stack(p->mm, LINUX_STACK_TOP - size, LINUX_STACK_TOP - LINUX_STACK_SIZE);
        uint32_t sp = push_strings(p, LINUX_STACK_TOP - 8, name, argv, envp, &s, &ok);
        p->cpu->gpr[GUEST_RSP] = push_tables(p, sp, e, &s, guest_cpu, &ok);
    }
    if (!ok)
        snprintf(err, err_size, "does not fit: no guest memory for the stack; raise memory.dram_mib");
    return ok;
}

static void start_registers(struct linux_process *p, const struct elf32 *e)
{
    struct guest_cpu *c = p->cpu;
    uint64_t sp = c->gpr[GUEST_RSP];
    memset(c->gpr, 0, sizeof c->gpr);
    c->gpr[GUEST_RSP] = sp;
    c->rip = e->header.e_entry;
    c->flags = 0;
    c->sysflags = EFL_FIXED | EFL_IF;
    c->mode = GUEST_IA32;
    c->user = 1;
    for (int i = 0; i < GUEST_SEGS; i++) {
        c->seg_base[i] = 0;
        c->seg_sel[i] = i == GUEST_CS ? ABI_USER_CS : i == GUEST_FS || i == GUEST_GS ? 0 : ABI_USER_DS;
    }
}

/* What /proc/self/exe names: an absolute path as the guest sees it. A program from outside its root is shown as if it lay
 * there, as the host's path is none of its business. */
static void name_program(struct linux_process *p, const char *path)
{
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    if (path_of(p, p->exe_fd, p->exe_path) < 0)
        snprintf(p->exe_path, sizeof p->exe_path, "/%s", base);
    snprintf(p->comm, sizeof p->comm, "%s", base);
}

bool linux_load(struct linux_process *p, const char *path, char *const argv[], char *const envp[], unsigned guest_cpu,
                char *err, size_t err_size)
{
    struct elf32 e;
    char why[256];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* not to wait for the other end of a FIFO */
    if (fd < 0) {
        snprintf(err, err_size, "%s: %s", path, strerror(errno));
        return false;
    }
    p->exe_fd = fd;
    if (!elf32_read(&e, fd, LINUX_STACK_TOP - LINUX_STACK_SIZE, p->mm->mem.size, why, sizeof why)) {
        snprintf(err, err_size, "%s: %s", path, why);
        return false;
    }
    name_program(p, path);
    p->read_implies_exec = !e.has_stack_note;
    if (!load_image(p, &e) || !load_sigpage(p)) {
        snprintf(err, err_size, "%s: does not fit: guest memory has %llu MiB; raise memory.dram_mib", path,
                 (unsigned long long)(p->mm->mem.size >> 20));
        return false;
    }
    if (!load_stack(p, &e, path, argv, envp, guest_cpu, why, sizeof why)) {
        snprintf(err, err_size, "%s: %s", path, why);
        return false;
    }
    p->brk_start = p->brk = page_up(e.end);
    start_registers(p, &e);
    return true;
}
