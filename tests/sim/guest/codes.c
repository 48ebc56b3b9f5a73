/* Different code at the same address in processes that take turns, and code that changes under them. Prints what it returns. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HOT = 300 /* calls that are enough to be translated */, TURNS = 6 };

typedef int fn(void);

static void put(unsigned char *at, int value)
{
    unsigned char code[] = {0xb8, 0, 0, 0, 0, 0xc3}; /* mov $value, %eax; ret */
    memcpy(code + 1, &value, 4);
    memcpy(at, code, sizeof code);
}

/* The sum of many calls over what one call should give. */
static int calls(const void *at)
{
    int sum = 0;
    for (int i = 0; i < HOT; i++)
        sum += ((fn *)(uintptr_t)at)();
    return sum % HOT ? -1 : sum / HOT;
}

static unsigned char *map(void *where, int prot, int flags, int fd)
{
    void *p = mmap(where, 4096, prot, flags | (where ? MAP_FIXED : 0), fd, 0);
    if (p == MAP_FAILED)
        abort();
    return p;
}

static int there[2], back[2];

static void to(const int pipe[2])
{
    if (write(pipe[1], "x", 1) != 1)
        _exit(1);
}

static void from(const int pipe[2])
{
    char c;
    if (read(pipe[0], &c, 1) != 1)
        _exit(1);
}

/* Parent and child take turns; each does something to its page and calls it. */
static void turns(const char *name, unsigned char *page, unsigned char *writes, void change(unsigned char *, int),
                  int child_too)
{
    int sums[TURNS];
    fflush(stdout);
    pid_t pid = fork();
    for (int i = 0; i < TURNS; i++) {
        if (pid == 0) {
            from(there);
            if (child_too)
                change(writes, 1000 + i);
            printf("%s child %d: %d\n", name, i, calls(page));
            fflush(stdout);
            to(back);
        } else {
            change(writes, 100 + i);
            sums[i] = calls(page);
            to(there);
            from(back);
            printf("%s parent %d: %d %d\n", name, i, sums[i], calls(page));
            fflush(stdout);
        }
    }
    if (pid == 0)
        _exit(0);
    wait(NULL);
}

static void rewrite(unsigned char *page, int value) { put(page, value); }

static void remap(unsigned char *page, int value)
{
    munmap(page, 4096);
    map(page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    put(page, value);
}

static void protect(unsigned char *page, int value)
{
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
    put(page, value);
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static int file;
static void *file_page;

static void by_write(unsigned char *page, int value)
{
    unsigned char code[6];
    (void)page;
    put(code, value);
    if (pwrite(file, code, sizeof code, 0) != sizeof code)
        abort();
}

static void new_file(unsigned char *page, int value)
{
    unlink("code.file");
    close(file);
    file = open("code.file", O_RDWR | O_CREAT | O_TRUNC, 0700);
    by_write(page, value);
    map(file_page, PROT_READ | PROT_EXEC, MAP_PRIVATE, file);
}

int main(int argc, char **argv)
{
    const int all = PROT_READ | PROT_WRITE | PROT_EXEC;
    if (argc > 2) { /* executed in a loop: its own code at an address that others use, too */
        int n = atoi(argv[2]);
        unsigned char *p = map((void *)0x30000000, all, MAP_PRIVATE | MAP_ANONYMOUS, -1);
        put(p, n);
        printf("executed %d: %d\n", n, calls(p));
        fflush(stdout);
        if (n < 8) {
            sprintf(argv[2], "%d", n + 1);
            execv(argv[0], argv);
            return 1;
        }
        return 0;
    }
    pipe(there);
    pipe(back);
    unsigned char *page = map((void *)0x30000000, all, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    put(page, 1);
    printf("first: %d\n", calls(page));
    turns("parent rewrites", page, page, rewrite, 0);
    turns("both rewrite", page, page, rewrite, 1);
    turns("both remap", page, page, remap, 1);
    turns("both protect", page, page, protect, 1);
    munmap(page, 4096);
    page = map((void *)0x30000000, all, MAP_SHARED | MAP_ANONYMOUS, -1);
    put(page, 2);
    turns("shared", page, page, rewrite, 1);
    file = open("code.file", O_RDWR | O_CREAT | O_TRUNC, 0700);
    by_write(NULL, 3);
    if (ftruncate(file, 4096))
        abort();
    munmap(page, 4096);
    page = file_page = map((void *)0x30000000, PROT_READ | PROT_EXEC, MAP_SHARED, file);
    unsigned char *writes = map(NULL, PROT_READ | PROT_WRITE, MAP_SHARED, file);
    printf("file: %d\n", calls(page));
    turns("a shared file, written to", page, NULL, by_write, 1);
    turns("a shared file by another address", page, writes, rewrite, 1);
    munmap(writes, 4096);
    turns("a file anew", page, NULL, new_file, 1);
    unlink("code.file");
    fflush(stdout);
    if (fork() == 0)
        execl(argv[0], argv[0], "again", "1", NULL);
    wait(NULL);
    printf("after all: %d\n", calls(page));
    return 0;
}
