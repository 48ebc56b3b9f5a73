/* Fuzz target: the Linux personality and its loader, over a plain buffer of guest memory.
 *
 * The first byte chooses: the rest is a program file that is loaded (0), or system calls of a process of 32 (1) or 64 bits (2). A
 * call is its number in two bytes and six arguments, each a byte that says what it is and up to eight bytes of it. Held: no crash, no
 * leak, no hang; memory of the guest stays within its buffer; nothing is made outside the root.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DRAM = 3 << 20, CALLS = 64, MEMORY = 0x20000, MEMORY_SIZE = 0x4000, CODE = 0x10000 };

static uint8_t dram[DRAM];
static char root[] = "/tmp/personality-XXXXXX";

static bool buf_read(void *arg, uint32_t paddr, void *buf, size_t size)
{
    (void)arg;
    if (paddr > DRAM || size > DRAM - paddr)
        abort();
    memcpy(buf, dram + paddr, size);
    return true;
}

static bool buf_write(void *arg, uint32_t paddr, const void *buf, size_t size)
{
    (void)arg;
    if (paddr > DRAM || size > DRAM - paddr)
        abort();
    memcpy(dram + paddr, buf, size);
    return true;
}

static uint8_t *buf_direct(void *arg, uint32_t paddr, size_t size)
{
    (void)arg;
    return paddr <= DRAM && size <= DRAM - paddr ? dram + paddr : NULL;
}

static uint64_t now;

static uint64_t icount(void *arg)
{
    (void)arg;
    return now += 1000;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind;
    if (at->level)
        remove(path);
    return 0;
}

static void clean(void) { nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS); }

static void end(void)
{
    clean();
    rmdir(root);
}

static void begin(void)
{
    const struct rlimit small = {1 << 24, 1 << 24}; /* libFuzzer's own files count as well: a merge's list is some megabytes */
    if (!mkdtemp(root) || atexit(end))
        abort();
    setrlimit(RLIMIT_FSIZE, &small);
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

static void put_file(const char *name, const void *data, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", root, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0777);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
}

/* The least program: a segment of code and one of data. */
#define PUT_PROGRAM(bits, word_size, machine)                                                                                  \
    do {                                                                                                                       \
        const Elf##bits##_Ehdr h = {.e_ident = {0x7f, 'E', 'L', 'F', word_size, ELFDATA2LSB, EV_CURRENT},                      \
                                    .e_type = ET_EXEC,                                                                         \
                                    .e_machine = machine,                                                                      \
                                    .e_version = 1,                                                                            \
                                    .e_entry = CODE,                                                                           \
                                    .e_phoff = sizeof h,                                                                       \
                                    .e_ehsize = sizeof h,                                                                      \
                                    .e_phentsize = sizeof(Elf##bits##_Phdr),                                                   \
                                    .e_phnum = 2};                                                                             \
        const Elf##bits##_Phdr p[2] = {                                                                                        \
            {.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = CODE, .p_filesz = sizeof file, .p_memsz = sizeof file},     \
            {.p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_vaddr = MEMORY, .p_memsz = MEMORY_SIZE}};                           \
        memcpy(file, &h, sizeof h);                                                                                            \
        memcpy(file + sizeof h, p, sizeof p);                                                                                  \
    } while (0)

static void put_program(bool wide)
{
    uint8_t file[0x200] = {0};
    if (wide)
        PUT_PROGRAM(64, ELFCLASS64, EM_X86_64);
    else
        PUT_PROGRAM(32, ELFCLASS32, EM_386);
    put_file("prog", file, sizeof file);
}

struct input {
    const uint8_t *at, *end;
};

static uint64_t take(struct input *in, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes && in->at < in->end; i++)
        v |= (uint64_t)*in->at++ << 8 * i;
    return v;
}

static uint64_t argument(struct input *in)
{
    unsigned kind = (unsigned)take(in, 1);
    switch (kind >> 5) {
    case 0: return kind & 31;                            /* a descriptor, a small number */
    case 1: return MEMORY + (kind & 31) * 64;            /* a name or a structure */
    case 2: return MEMORY + MEMORY_SIZE - (kind & 31);   /* one that reaches beyond */
    case 3: return UINT64_C(1) << (kind & 31);           /* a flag */
    case 4: return (uint64_t)-(int64_t)(kind & 31) - 80; /* about AT_FDCWD */
    case 5: return take(in, 2);
    case 6: return take(in, 4);
    default: return kind & 1 ? take(in, 8) : UINT64_MAX - (kind & 31);
    }
}

/* Names and numbers that a call may point to; the input changes them. */
static void fill_memory(struct mm *mm, struct input *in)
{
    static const char *const names[] = {"a",          "b",
                                        "d/x",        "d",
                                        "../z",       "prog",
                                        "link",       "",
                                        "/",          "/proc/self/fd/1",
                                        "/dev/ptmx",  "/proc/self/cwd/../proc/self",
                                        "a/../d/./y", "/dev/pts/0",
                                        "."};
    char page[MEMORY_SIZE] = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        strcpy(page + 64 * i, names[i]);
    for (size_t i = 16 * 64; i < 32 * 64; i += 8) {
        uint64_t v = i % 16 ? 8 : MEMORY + i / 2 % MEMORY_SIZE;
        memcpy(page + i, &v, 8);
    }
    memcpy(page + 64 * 15, "\1\0sock", 6); /* a socket's name; messages of either word size, with a descriptor */
    static const uint64_t wide[] = {0, 0, MEMORY + 64 * 16, 1, MEMORY + 64 * 33, 24},
                          wide_control[] = {20, 1 | UINT64_C(1) << 32, 1};
    static const uint32_t narrow[] = {0, 0, MEMORY + 64 * 16, 1, MEMORY + 64 * 34, 16}, narrow_control[] = {16, 1, 1, 1};
    memcpy(page + 64 * 30, wide, sizeof wide);
    memcpy(page + 64 * 31, narrow, sizeof narrow);
    memcpy(page + 64 * 33, wide_control, sizeof wide_control);
    memcpy(page + 64 * 34, narrow_control, sizeof narrow_control);
    unsigned n = (unsigned)take(in, 1) & 31;
    for (unsigned i = 0; i < n; i++) {
        unsigned at = (unsigned)take(in, 2) % (MEMORY_SIZE - 8);
        uint64_t v = argument(in);
        memcpy(page + at, &v, 8);
    }
    mm_copy_out(mm, MEMORY, page, sizeof page);
}

/* Calls that end the run. */
static bool left_out(const char *name)
{
    static const char *const names[] = {"exit_group", "pause"};
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i]))
            return true;
    return false;
}

static void make_calls(struct linux_kernel *k, bool wide, struct input *in)
{
    for (unsigned i = 0; i < CALLS && in->at < in->end && k->end == LINUX_RUNNING; i++) {
        uint64_t *g = k->cpu->gpr, a[6];
        unsigned number = (unsigned)take(in, 2) % 460;
        for (int n = 0; n < 6; n++)
            a[n] = argument(in);
        if (left_out(linux_syscall_name(number, wide)))
            continue;
        static const uint8_t regs[2][6] = {{GUEST_RBX, GUEST_RCX, GUEST_RDX, GUEST_RSI, GUEST_RDI, GUEST_RBP},
                                           {GUEST_RDI, GUEST_RSI, GUEST_RDX, GUEST_R8 + 2, GUEST_R8, GUEST_R8 + 1}};
        for (int n = 0; n < 6; n++)
            g[regs[wide][n]] = wide ? a[n] : (uint32_t)a[n];
        g[GUEST_RAX] = number;
        linux_syscall(k, wide);
    }
}

/* Nothing comes from the world outside: who waits for it is interrupted. */
int __real_poll(struct pollfd *fds, nfds_t n, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
    int r = __real_poll(fds, n, 0);
    if (r || timeout == 0)
        return r;
    errno = EINTR;
    return -1;
}

static void run(const uint8_t *data, size_t size)
{
    static char *const empty[] = {NULL};
    char program[64], *const argv[] = {program, NULL};
    struct mm mm;
    struct guest_cpu cpu = {0};
    struct linux_kernel k;
    char err[512];
    unsigned kind = data[0] % 3;
    snprintf(program, sizeof program, "%s/prog", root);
    struct input in = {data + 1, data + size};
    if (kind)
        put_program(kind == 2);
    else
        put_file("prog", data + 1, size - 1);
    memset(dram, 0, sizeof dram);
    now = 0;
    if (!mm_init(&mm, (struct pmem){NULL, DRAM, buf_read, buf_write, buf_direct}))
        abort();
    mm.refs = 1; /* this function's */
    if (!linux_init(&k, &mm, &cpu, root, false, err, sizeof err))
        abort();
    k.icount = icount;
    k.max_tasks = 6;
    k.max_fds = 32;
    umask(022);
    for (uint32_t fd = 0; fd < 3; fd++) /* those of the fuzzer */
        if (fd_file(k.current, fd))
            fd_close(k.current, fd);
    if (linux_load(k.current, program, argv, empty, err, sizeof err) && kind) {
        fill_memory(k.current->mm, &in);
        make_calls(&k, kind == 2, &in);
    }
    linux_free(&k);
    mm_free(&mm);
    umask(022);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool begun;
    if (!size || size > 4096)
        return 0;
    if (!begun)
        begin();
    begun = true;
    run(data, size);
    clean();
    return 0;
}
