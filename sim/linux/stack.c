/* The first stack of a program: strings, auxiliary vector and argument tables, as Linux lays them out. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "guest_ops.h"
#include "load.h"

enum { STACK_EXPAND = 128 << 10, PAGE = MM_PAGE, MINSIGSTKSZ_SAID = 732 + 112 + 512 + 64, MINSIGSTKSZ64 = 2048 };

static uint64_t page_up(uint64_t a) { return (a + PAGE - 1) & ~(uint64_t)(PAGE - 1); }

static uint64_t push_bytes(struct linux_process *p, uint64_t sp, const void *bytes, size_t n, bool *ok)
{
    sp -= n;
    *ok = *ok && mm_write(p->mm, sp, bytes, n);
    return sp;
}

struct strings {
    uint32_t argc, envc;
    uint64_t argv, envp; /* argv: address of the first argument's bytes; the others follow */
    uint64_t exec_name;
};

static uint32_t count(char *const list[])
{
    uint32_t n = 0;
    while (list[n])
        n++;
    return n;
}

static uint64_t push_strings(struct linux_process *p, uint64_t sp, const char *name, char *const argv[], char *const envp[],
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
    p->space->arg_start = s->argv;
    p->space->arg_end = s->envp;
    p->space->env_end = s->exec_name;
    return sp;
}

/* What the CPU models say in CPUID leaf 1, EDX. */
static uint32_t hwcap(const struct linux_process *p)
{
    unsigned guest_cpu = linux_model(p);
    uint32_t bits = 0;
#define X(name, flag, leaf, reg, bit, model) \
    if (leaf == 1 && reg == 3 && (int)guest_cpu >= model) \
        bits |= UINT32_C(1) << bit;
    GFEAT_TABLE(X)
#undef X
    return bits;
}

/* argc, the two lists and the auxiliary vector, in words of the program's size. */
static bool write_words(struct linux_process *p, uint64_t to, const uint64_t *words, size_t n)
{
    if (p->space->wide)
        return mm_write(p->mm, to, words, n * 8);
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++) {
        uint32_t narrow = (uint32_t)words[i];
        ok = mm_write(p->mm, to + 4 * i, &narrow, 4);
    }
    return ok;
}

static uint64_t push_tables(struct linux_process *p, uint64_t sp, const struct program *g, const struct strings *s, bool *ok)
{
    bool wide = p->space->wide;
    uint64_t bytes[2] = {linux_random(p), linux_random(p)};
    /* As Linux leaves a random gap here: whole pages, so that the program's stack does not move with the length of its name. */
    sp &= ~(uint64_t)(PAGE - 1);
    uint64_t platform = sp = wide ? push_bytes(p, sp, "x86_64", 7, ok) : push_bytes(p, sp, "i686", 5, ok);
    uint64_t random = sp = push_bytes(p, sp, bytes, sizeof bytes, ok);
    const uint64_t aux[][2] = {
        {AT_MINSIGSTKSZ, wide ? MINSIGSTKSZ64 : MINSIGSTKSZ_SAID},
        {AT_HWCAP, hwcap(p)},
        {AT_PAGESZ, PAGE},
        {AT_CLKTCK, 100},
        {AT_PHDR, g->phdr},
        {AT_PHENT, wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)},
        {AT_PHNUM, g->phnum},
        {AT_BASE, g->interpreter_base},
        {AT_FLAGS, 0},
        {AT_ENTRY, g->entry},
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
    enum { AUX_WORDS = sizeof aux / sizeof **aux };
    size_t words = 1 + s->argc + 1 + s->envc + 1 + AUX_WORDS;
    sp = (sp - words * (wide ? 8 : 4)) & ~UINT64_C(15);
    uint64_t *table = calloc(words, sizeof *table);
    if (!table)
        return 0;
    uint64_t at = s->argv;
    size_t n = 0;
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
    *ok = *ok && write_words(p, sp, table, words);
    p->space->auxv_start = sp + n * (wide ? 8 : 4);
    p->space->auxv_end = sp + words * (wide ? 8 : 4);
    free(table);
    return sp;
}

static size_t strings_size(size_t word, const char *name, char *const argv[], char *const envp[])
{
    size_t n = strlen(name) + 1;
    for (; *argv; argv++)
        n += strlen(*argv) + 1 + word;
    for (; *envp; envp++)
        n += strlen(*envp) + 1 + word;
    return n;
}

bool load_stack(struct linux_process *p, const struct program *g, const char *name, char *const argv[], char *const envp[],
                char *err, size_t err_size)
{
    size_t need = strings_size(p->space->wide ? 8 : 4, name, argv, envp);
    if (need > LINUX_STACK_SIZE / 4) {
        snprintf(err, err_size, "arguments and environment have %zu bytes; at most %u are possible", need,
                 LINUX_STACK_SIZE / 4);
        return false;
    }
    uint64_t size = page_up(need + 2 * PAGE) + STACK_EXPAND, top = p->space->layout->stack_top;
    int prot = MM_READ | MM_WRITE | (g->exec_stack ? MM_EXEC : 0);
    bool ok = mm_map(p->mm, top - size, size, prot, NULL, 0);
    if (ok) {
        struct strings s;
        mm_set_stack(p->mm, top - size, top - LINUX_STACK_SIZE);
        uint64_t sp = push_strings(p, top - 8, name, argv, envp, &s, &ok);
        p->cpu->gpr[GUEST_RSP] = push_tables(p, sp, g, &s, &ok);
    }
    if (!ok)
        snprintf(err, err_size, "does not fit: no guest memory for the stack; raise memory.dram_mib");
    return ok;
}
