/* Memory as Linux gives it: break, mappings, protection, the stack; printed for comparison with a run on the host. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile int code;
static volatile uintptr_t where;

static void on_fault(int sig, siginfo_t *info, void *context)
{
    (void)context;
    code = sig * 10 + info->si_code;
    where = (uintptr_t)info->si_addr;
    siglongjmp(back, 1);
}

/* 0, or signal * 10 + code. */
static int touch(volatile char *at, int write)
{
    code = 0;
    if (!sigsetjmp(back, 1)) {
        if (write)
            *at = 1;
        else
            (void)*at;
    }
    return code;
}

static void show(const char *what, void *p) { printf("%s: %s\n", what, p == MAP_FAILED ? strerrorname_np(errno) : "mapped"); }

static int deep(int n)
{
    volatile char frame[4096];
    frame[0] = (char)n;
    return n ? deep(n - 1) + (frame[0] != (char)n) : 0;
}

static int returns_seven(void)
{
    static const unsigned char bytes[] = {0xb8, 7, 0, 0, 0, 0xc3}; /* mov eax, 7; ret */
    unsigned char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(p, bytes, sizeof bytes);
    int first = ((int (*)(void))(uintptr_t)p)();
    p[1] = 9; /* code that changes */
    return first * 100 + ((int (*)(void))(uintptr_t)p)();
}

static void mappings(void)
{
    char *p = mmap((void *)0x40000000, 0x4000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    strcpy(p, "text");
    printf("protect %d\n", mprotect(p + 0x1000, 0x1000, PROT_READ));
    printf("touch %d %d %d\n", touch(p + 0x1000, 0), touch(p + 0x1000, 1), touch(p + 0x2000, 1));
    printf("none %d\n", mprotect(p + 0x1000, 0x1000, PROT_NONE));
    printf("touch %d at +%#lx\n", touch(p + 0x1234, 0), (unsigned long)(where - (uintptr_t)p));
    printf("unmap %d touch %d\n", munmap(p + 0x2000, 0x1000), touch(p + 0x2000, 0));
    printf("hole %d %s\n", mprotect(p, 0x4000, PROT_READ), strerrorname_np(errno));
    printf("grow %d\n", mremap(p + 0x3000, 0x1000, 0x2000, 0) == p + 0x3000);
    char *q = mremap(p, 0x1000, 0x8000, MREMAP_MAYMOVE);
    printf("moved %d \"%s\" old %d\n", q != MAP_FAILED, q, touch(p, 0));
    printf("dontneed %d %d\n", madvise(q, 0x1000, MADV_DONTNEED), q[0]);
    show("unaligned", mmap((void *)0x40000001, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    show("taken", mmap((void *)(p + 0x3000), 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    show("huge", mmap(NULL, 0xf8000000u, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    show("empty", mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    char *big = mmap(NULL, 0x20000000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    printf("big %d %d\n", big != MAP_FAILED, touch(big + 0x12345678, 1));
    printf("read back %d %d\n", big[0x12345678], big[0x12345679]);
}

#ifdef __x86_64__
static void error(const char *what, int r) { printf("%s %d %s\n", what, r, r < 0 ? strerrorname_np(errno) : ""); }

/* What only 64-bit programs can do. */
static void terabytes(void)
{
    const size_t size = (size_t)1 << 44;
    const int kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    char *p = mmap(NULL, size, PROT_NONE, kind, -1, 0);
    printf("reserved %d %d\n", p != MAP_FAILED, touch(p + size / 2, 0));
    error("open", mprotect(p, size, PROT_READ | PROT_WRITE));
    p[0] = p[size / 2] = p[size - 1] = 'x';
    error("dontneed", madvise(p + 4096, size - 4096, MADV_DONTNEED));
    printf("left %d %d %d\n", p[0], p[size / 2], p[size - 1]);
    error("close", munmap(p, size));
    printf("gone %d\n", touch(p, 0));
    char *q = mmap((void *)0x7e0000001000, 4096, PROT_READ | PROT_WRITE, kind | MAP_FIXED, -1, 0);
    *q = 'y';
    printf("fixed %p %c\n", (void *)q, *q);
    printf("hint %p\n", mmap((void *)0x123456789000, 4096, PROT_READ, kind, -1, 0));
    show("beyond", mmap((void *)((uintptr_t)1 << 47), 4096, PROT_READ, kind | MAP_FIXED, -1, 0));
    show("last", mmap((void *)(((uintptr_t)1 << 47) - 4096), 4096, PROT_READ, kind | MAP_FIXED, -1, 0));
    show("kernel", mmap((void *)~(uintptr_t)4095, 4096, PROT_READ, kind | MAP_FIXED, -1, 0));
    show("endless", mmap(NULL, ~(size_t)0, PROT_READ, kind, -1, 0));
    show("too large", mmap(NULL, (size_t)1 << 47, PROT_READ, kind, -1, 0));
    error("unmap beyond", munmap((void *)((uintptr_t)1 << 47), 4096));
    error("unmap endless", munmap(q, ~(size_t)8191));
    error("protect beyond", mprotect((void *)((uintptr_t)1 << 48), 4096, PROT_READ));
    error("advise beyond", madvise((void *)((uintptr_t)1 << 48), 4096, MADV_DONTNEED));
    char *far = mremap(q, 4096, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)0x600000000000);
    printf("moved %p %c\n", (void *)far, *far);
}
#endif

static void files(void)
{
    char buf[5000];
    int fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
    memset(buf, 'm', sizeof buf);
    if (write(fd, buf, sizeof buf) != sizeof buf)
        abort();
    char *p = mmap(NULL, 0x3000, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    printf("file %c %c %d\n", p[0], p[4999], p[5000]);
    p[0] = 'x';
    if (pread(fd, buf, 1, 0) != 1)
        abort();
    printf("private %c\n", buf[0]);
    printf("behind the end %d\n", touch(p + 0x2000, 0));
    char *s = mmap(NULL, 0x1000, PROT_READ, MAP_SHARED, fd, 0x1000);
    printf("shared %c, write %d\n", s[0], touch(s, 1));
    show("bad descriptor", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 99, 0));
    /* Growing, in its place and elsewhere. */
    if (ftruncate(fd, 0x5000) || pwrite(fd, "far", 3, 0x4100) != 3 || pwrite(fd, "near", 4, 0x2100) != 4)
        abort();
    char *room = mmap(NULL, 0x20000, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(room + 0x4000, 0xc000);
    char *g = mmap(room + 0x4000, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0x1000);
    printf("in place %d\n", mremap(g, 0x1000, 0x2000, 0) == g);
    printf("again, as one %d\n", mremap(g, 0x2000, 0x4000, 0) == g);
    printf("%s %s\n", g + 0x1100, g + 0x3100);
    g[0x3100] = 'F';
    char *h = mremap(g, 0x4000, 0x5000, MREMAP_MAYMOVE | MREMAP_FIXED, room + 0xa000);
    printf("moved %d %s, behind the end %d, old %d\n", h == room + 0xa000, h + 0x3100, touch(h + 0x4000, 0), touch(g, 0));
    if (ftruncate(fd, 0x6000) || pread(fd, buf, 3, 0x4100) != 3)
        abort();
    printf("file %.3s, longer %d\n", buf, touch(h + 0x4000, 1));
    char *own = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0x1000);
    own[1] = 'o';
    own = mremap(own, 0x1000, 0x4000, MREMAP_MAYMOVE);
    own[0x3101] = 'O';
    printf("private %c %s %s %c\n", own[1], own + 0x1100, own + 0x3100, h[0x3101]);
    printf("no room %d %s\n", mremap(h, 0x5000, 0x30000, 0) == MAP_FAILED, strerrorname_np(errno));
    unlink("mapped");
}

static char byte_at(int fd, off_t at)
{
    char c = '?';
    if (pread(fd, &c, 1, at) != 1)
        c = '-';
    return c ? c : '0';
}

/* Stores to a shared mapping reach the file and all who map it; what is written to the file reaches them. */
static void shared_files(void)
{
    int fd = open("shared", O_RDWR | O_CREAT | O_TRUNC, 0600), reader = open("shared", O_RDONLY), status, go[2];
    show("empty", mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? MAP_FAILED : NULL);
    if (ftruncate(fd, 10000) || pwrite(fd, "abcdef", 6, 4094) != 6)
        abort();
    char *p = mmap(NULL, 0x4000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *q = mmap(NULL, 0x1000, PROT_READ, MAP_SHARED, reader, 0x1000);
    char *own = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0x1000);
    show("of a file to be read", mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0));
    int changed = mprotect(q, 4096, PROT_READ | PROT_WRITE);
    printf("protect %d %s\n", changed, strerrorname_np(errno));
    printf("read %.6s\n", p + 4094);
    own[1] = 'o';
    p[4096] = 'X';
    p[0] = 'Y';
    printf("seen %c %c%c %c%c\n", q[0], byte_at(fd, 4096), byte_at(reader, 0), own[0] == 'c' || own[0] == 'X' ? '.' : '!',
           own[1]);
    if (pwrite(fd, "Z", 1, 4097) != 1)
        abort();
    printf("written %c %c, private %c\n", q[1], p[4097], own[1]);
    fflush(stdout);
    if (pipe(go))
        abort();
    if (fork() == 0) {
        char c;
        p[1] = 'k';
        if (read(go[0], &c, 1) != 1)
            _exit(1);
        char *r = mmap(NULL, 0x2000, PROT_READ | PROT_WRITE, MAP_SHARED, open("shared", O_RDWR), 0x1000);
        r[5] = p[2]; /* what the parent has stored since */
        r[0x1000] = 'e';
        _exit(r[6] == 'n' ? 7 : 8);
    }
    p[2] = 'm';
    p[4096 + 6] = 'n';
    if (write(go[1], "g", 1) != 1)
        abort();
    wait(&status);
    printf("child %x: %c %c %c %c\n", status, p[1], q[5], p[0x2000], byte_at(reader, 0x2000));
    errno = 0;
    int synchronised = msync(p, 0x3000, MS_SYNC);
    printf("msync %d %d", synchronised, errno);
    int both = msync(p, 0x3000, MS_SYNC | MS_ASYNC);
    printf(" %d %s", both, strerrorname_np(errno));
    int nothing = msync((char *)4096, 0x1000, MS_SYNC);
    printf(" %d %s\n", nothing, strerrorname_np(errno));
    p[0x2001] = 'u';
    p[9999] = 'l';
    p[10001] = 'b'; /* behind the file's end: of no consequence */
    int unmapped = munmap(p, 0x4000);
    printf("unmap %d: %c%c%c\n", unmapped, byte_at(fd, 0x2001), byte_at(fd, 9999), byte_at(fd, 10001));
    printf("size %d\n", (int)lseek(fd, 0, SEEK_END));
    p = mmap(NULL, 0x3000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    printf("again %c%c%c%c\n", p[0], p[1], p[2], p[0x2001]);
    p[0x1800] = 'w';
    if (ftruncate(fd, 0x1400) || ftruncate(fd, 0x3000))
        abort();
    printf("cut %c%c%d\n", p[0], p[0x1000], p[0x1800]);
    if (madvise(p, 0x3000, MADV_DONTNEED))
        abort();
    printf("kept %c\n", p[0]);
    fflush(stdout);
    if (fork() == 0) {
        strcpy(p + 100, "left to the end"); /* no msync, no munmap */
        _exit(0);
    }
    wait(&status);
    char text[16] = "";
    if (pread(reader, text, 15, 100) != 15)
        abort();
    printf("%s\n", text);
    munmap(p, 0x3000);
    munmap(q, 0x1000);
    unlink("shared");
    strcpy(own, "x");
}

/* One address, another page each time, more often than what is kept of page tables counts to. */
static void replaced(void)
{
    int fd = open("replaced", O_RDWR | O_CREAT | O_TRUNC, 0600), wrong = 0;
    for (int i = 0; i < 3; i++)
        pwrite(fd, &i, sizeof i, i * 4096);
    ftruncate(fd, 3 * 4096);
    int *p = NULL;
    for (int i = 0; i < 5000; i++) {
        p = mmap(p, 4096, PROT_READ, MAP_PRIVATE | (p ? MAP_FIXED : 0), fd, i % 3 * 4096);
        wrong += *p != i % 3;
    }
    printf("replaced, wrong %d\n", wrong);
    munmap(p, 4096);
    close(fd);
    unlink("replaced");
}

/* Pages enough to be forgotten by any TLB, twice over, then all but one of every four taken away. */
static void many(void)
{
    const int pages = 6000;
    int sum = 0, faults = 0;
    volatile char *p = mmap(NULL, (size_t)pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < pages; i++)
        p[i * 4096 + i % 4096] = (char)i;
    for (int i = 0; i < pages; i++)
        sum += p[i * 4096 + i % 4096];
    for (int i = 0; i < pages; i += 4)
        mprotect((void *)(p + i * 4096), 3 * 4096, i & 4 ? PROT_READ : PROT_NONE);
    for (int i = 0; i < pages; i += 7) {
        faults += touch((char *)p + i * 4096, 1);
        faults += touch((char *)p + i * 4096, 0);
    }
    printf("many: sum %d, faults %d\n", sum, faults);
    munmap((void *)p, (size_t)pages * 4096);
}

int main(void)
{
    struct sigaction a = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    static char stack[32768];
    sigaction(SIGSEGV, &a, NULL);
    sigaction(SIGBUS, &a, NULL);
    char *b = sbrk(0);
    printf("brk %d %d\n", sbrk(0x3000) == b, sbrk(0) == b + 0x3000);
    b[0x2fff] = 1;
    sbrk(-0x2000);
    printf("after %d\n", touch((char *)(((uintptr_t)b + 0x2fff) & ~(uintptr_t)4095), 0));
    printf("code %d\n", returns_seven());
    mappings();
#ifdef __x86_64__
    terabytes();
#endif
    files();
    shared_files();
    replaced();
    many();
    printf("stack %d\n", deep(1500)); /* six megabytes of eight */
    stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&ss, NULL);
    a.sa_flags |= SA_ONSTACK;
    sigaction(SIGSEGV, &a, NULL);
    code = 0;
    if (!sigsetjmp(back, 1))
        deep(1000000);
    printf("overflow %d\n", code);
    printf("exec %d\n", touch((char *)1, 0));
    return 0;
}
