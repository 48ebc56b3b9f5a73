/* Code that changes: programs that write, patch and move what they execute, in every way that differs for a translator. Prints a
 * sum a way, which the host and Selkirk must agree on. Built for i386 and for x86-64; the code written is the same for both.
 *
 *     smc [WAY [TIMES]]     one way alone, so many times: for measuring
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, RWX = PROT_READ | PROT_WRITE | PROT_EXEC };

typedef uint32_t function(void);

static void check(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(1);
    }
}

static uint8_t *map(size_t size)
{
    uint8_t *p = mmap(NULL, size, RWX, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(p != MAP_FAILED, "mmap");
    return p;
}

static uint32_t call(const uint8_t *code)
{
    function *f;
    memcpy(&f, &(const void *){code}, sizeof f);
    __asm__ volatile("" ::: "memory"); /* what was written is what is called */
    return f();
}

static void put32(uint8_t *at, uint32_t v) { memcpy(at, &v, 4); }

/* mov eax, v; ret */
static void put_return(uint8_t *at, uint32_t v)
{
    at[0] = 0xb8;
    put32(at + 1, v);
    at[5] = 0xc3;
}

/* The immediate of a function that is called, again and again. */
static uint32_t way_immediate(unsigned n)
{
    uint8_t *code = map(PAGE);
    uint32_t sum = 0;
    put_return(code, 0);
    for (unsigned i = 0; i < n; i++) {
        put32(code + 1, i * 2654435761u);
        sum = sum * 3 + call(code);
    }
    return sum;
}

/* A loop that stores into an immediate of its own, two instructions ahead; then one that lies behind. */
static uint32_t run_loop(const uint8_t *loop, size_t size, size_t immediate, unsigned n)
{
    uint8_t *code = map(PAGE);
    memcpy(code, loop, size);
    put32(code + 1, n);
    uint32_t sum = 0;
    /* The store goes through a register, as an address of 64 bits would not fit. */
#ifdef __x86_64__
    __asm__ volatile("call *%1" : "=a"(sum) : "r"(code), "S"(code + immediate) : "rcx", "rdx", "memory", "cc");
#else
    __asm__ volatile("call *%1" : "=a"(sum) : "r"(code), "S"(code + immediate) : "ecx", "edx", "memory", "cc");
#endif
    return sum;
}

static uint32_t way_loop_ahead(unsigned n)
{
    static const uint8_t code[] = {
        0xb9, 0,    0,    0, 0,    /* mov ecx, n */
        0x31, 0xc0,                /* xor eax, eax */
        0x89, 0x0e,                /* L: mov [rsi], ecx */
        0x8d, 0x04, 0x40,          /* lea eax, [rax + rax * 2] */
        0x81, 0xc0, 0,    0, 0, 0, /* add eax, immediate */
        0xff, 0xc9,                /* dec ecx */
        0x75, 0xf1,                /* jnz L */
        0xc3,
    };
    return run_loop(code, sizeof code, 14, n);
}

static uint32_t way_loop_behind(unsigned n)
{
    static const uint8_t code[] = {
        0xb9, 0,    0,    0, 0,    /* mov ecx, n */
        0x31, 0xc0,                /* xor eax, eax */
        0x81, 0xc0, 0,    0, 0, 0, /* L: add eax, immediate */
        0x8d, 0x04, 0x40,          /* lea eax, [rax + rax * 2] */
        0x89, 0x0e,                /* mov [rsi], ecx */
        0xff, 0xc9,                /* dec ecx */
        0x75, 0xf1,                /* jnz L */
        0xc3,
    };
    return run_loop(code, sizeof code, 9, n);
}

/* A loop beside its data: `distance` bytes behind the code, a counter. */
static uint32_t beside(unsigned n, unsigned distance)
{
    static const uint8_t loop[] = {
        0xb9, 0,    0, 0, 0, /* mov ecx, n */
        0x01, 0x0e,          /* L: add [rsi], ecx */
        0x8b, 0x06,          /* mov eax, [rsi] */
        0xff, 0xc9,          /* dec ecx */
        0x75, 0xf8,          /* jnz L */
        0xc3,
    };
    return run_loop(loop, sizeof loop, distance, n);
}
static uint32_t way_data_near(unsigned n) { return beside(n, 16); }
static uint32_t way_data_on_page(unsigned n) { return beside(n, 2048); }

/* A function written anew at the same place each time, other code of another length. */
static uint32_t way_generate(unsigned n)
{
    uint8_t *code = map(PAGE);
    uint32_t sum = 0;
    for (unsigned i = 0; i < n; i++) {
        uint8_t *at = code;
        put_return(at, i);
        at += 5;
        for (unsigned k = 0; k <= i % 7; k++) {
            *at++ = 0x05 + 8 * ((i + k) % 4 ? 0 : 6); /* add or xor eax, imm32 */
            put32(at, i * 77 + k);
            at += 4;
        }
        *at = 0xc3;
        for (unsigned k = 0; k < 4; k++)
            sum = sum * 5 + call(code);
    }
    return sum;
}

/* Two ways into the same bytes: what is an immediate for one is code for the other. Then a byte of both changes, or one of
 * the second. */
static uint32_t way_overlap(unsigned n)
{
    static const uint8_t code[] = {
        0xb8, 0xb8, 1,    2,    5, /* mov eax, 0x050201b8;  1: mov eax, 0xeb050201 */
        0xeb, 4,                   /* jmp 11;               6: add al, 7 */
        7,    0xc3, 0x90, 0x90,    /*                       8: ret */
        0x05, 9,    8,    7,    6, /* 11: add eax, 0x06070809 */
        0xc3,
    };
    uint8_t *at = map(PAGE);
    uint32_t sum = 0;
    memcpy(at, code, sizeof code);
    for (unsigned i = 0; i < n; i++) {
        sum = sum * 3 + call(at);
        sum = sum * 5 + call(at + 1);
        if (i % 16 == 15)
            at[i % 32 == 15 ? 2 : 7] = (uint8_t)i;
    }
    return sum;
}

/* The kernel writes code: read from a pipe. */
static uint32_t way_read(unsigned n)
{
    uint8_t *code = map(PAGE), bytes[6];
    uint32_t sum = 0;
    int ends[2];
    check(pipe(ends) == 0, "pipe");
    for (unsigned i = 0; i < n; i++) {
        put_return(bytes, i * i);
        check(write(ends[1], bytes, sizeof bytes) == sizeof bytes, "write");
        check(read(ends[0], code + i % 3 * 8, sizeof bytes) == sizeof bytes, "read");
        for (unsigned k = 0; k < 3; k++)
            sum = sum * 3 + call(code + i % 3 * 8);
    }
    close(ends[0]);
    close(ends[1]);
    return sum;
}

/* Another thread writes code, and says so through a flag. */
struct writer {
    uint8_t *code;
    unsigned n;
    uint32_t turn; /* even: the writer's */
};

static void *write_code(void *arg)
{
    struct writer *w = arg;
    for (unsigned i = 0; i < w->n; i++) {
        while (__atomic_load_n(&w->turn, __ATOMIC_ACQUIRE) != 2 * i)
            sched_yield();
        put32(w->code + 1, i * 31337);
        __atomic_store_n(&w->turn, 2 * i + 1, __ATOMIC_RELEASE);
    }
    return NULL;
}

static uint32_t way_thread(unsigned n)
{
    struct writer w = {map(PAGE), n / 8 + 1, 0};
    pthread_t thread;
    uint32_t sum = 0;
    put_return(w.code, 1);
    check(pthread_create(&thread, NULL, write_code, &w) == 0, "pthread_create");
    for (unsigned i = 0; i < w.n; i++) {
        while (__atomic_load_n(&w.turn, __ATOMIC_ACQUIRE) != 2 * i + 1)
            sched_yield();
        for (unsigned k = 0; k < 4; k++)
            sum = sum * 3 + call(w.code);
        __atomic_store_n(&w.turn, 2 * i + 2, __ATOMIC_RELEASE);
    }
    check(pthread_join(thread, NULL) == 0, "pthread_join");
    return sum;
}

/* One page in two places: written here, executed there. */
static uint32_t way_alias(unsigned n)
{
    int fd = memfd_create("code", 0);
    check(fd >= 0 && ftruncate(fd, PAGE) == 0, "memfd_create");
    uint8_t *data = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    uint8_t *code = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    check(data != MAP_FAILED && code != MAP_FAILED, "mmap");
    uint32_t sum = 0;
    for (unsigned i = 0; i < n; i++) {
        if (i % 4 == 0)
            put_return(data + 128, i);
        sum = sum * 3 + call(code + 128);
    }
    close(fd);
    return sum;
}

/* Written while it may not be executed, executed while it may not be written. */
static uint32_t way_protect(unsigned n)
{
    uint8_t *code = map(PAGE);
    uint32_t sum = 0;
    for (unsigned i = 0; i < n / 4 + 1; i++) {
        check(mprotect(code, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
        put_return(code, i ^ 0x55);
        check(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0, "mprotect");
        for (unsigned k = 0; k < 4; k++)
            sum = sum * 3 + call(code);
    }
    return sum;
}

/* Taken away and put back at the same address with other content. */
static uint32_t way_remap(unsigned n)
{
    uint8_t *code = map(PAGE);
    uint32_t sum = 0;
    for (unsigned i = 0; i < n / 4 + 1; i++) {
        check(mmap(code, PAGE, RWX, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == code, "mmap");
        put_return(code, i * 17);
        for (unsigned k = 0; k < 4; k++)
            sum = sum * 3 + call(code);
    }
    return sum;
}

/* Copied by rep movsb, across a page boundary. */
static uint32_t way_copy(unsigned n)
{
    uint8_t *code = map(2 * PAGE) + PAGE - 3, bytes[6];
    uint32_t sum = 0;
    for (unsigned i = 0; i < n; i++) {
        put_return(bytes, i * 3 + 1);
        void *to = code, *from = bytes;
        size_t count = sizeof bytes;
        __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
        sum = sum * 3 + call(code);
    }
    return sum;
}

/* Two versions in turn, as a switch in a running program is patched. */
static uint32_t way_toggle(unsigned n)
{
    uint8_t *code = map(PAGE);
    uint32_t sum = 0;
    put_return(code, 11);
    for (unsigned i = 0; i < n; i++) {
        if (i % 8 == 0)
            code[1] = i % 16 ? 22 : 11;
        sum = sum * 3 + call(code);
    }
    return sum;
}

static const struct {
    const char *name;
    uint32_t (*run)(unsigned n);
    unsigned n;
} ways[] = {
    {"immediate", way_immediate, 400},
    {"loop_ahead", way_loop_ahead, 400},
    {"loop_behind", way_loop_behind, 400},
    {"data_near", way_data_near, 400},
    {"data_on_page", way_data_on_page, 4000},
    {"generate", way_generate, 300},
    {"overlap", way_overlap, 800},
    {"read", way_read, 300},
    {"thread", way_thread, 400},
    {"alias", way_alias, 400},
    {"protect", way_protect, 400},
    {"remap", way_remap, 400},
    {"copy", way_copy, 300},
    {"toggle", way_toggle, 1000},
};

int main(int argc, char *argv[])
{
    unsigned done = 0;
    for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (argc > 1 && strcmp(argv[1], ways[i].name) != 0)
            continue;
        printf("%-14s %08x\n", ways[i].name, ways[i].run(argc > 2 ? (unsigned)atoi(argv[2]) : ways[i].n));
        done++;
    }
    if (!done)
        fprintf(stderr, "smc: there is no way \"%s\"\n", argv[1]);
    return !done;
}
