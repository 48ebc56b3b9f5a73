/* Placing ops in cycles, for sched.c and direct.c. Per register we know when it can be read and written, and that is all. */
#pragma once
#include "gen.h"
#include "words.h"

/* Cycles are counted in whole registers: a 32-bit number would have to be cut to size again and again. */
static inline uint64_t gen_max(uint64_t a, uint64_t b) { return a > b ? a : b; }

static inline bool gen_is_home(unsigned r) { return r - (unsigned)GEN_FIRST_HOME < IR_G_COUNT; }

/* Cycles up to c exist afterwards, unless there are too many. */
static inline bool gen_extend(struct gen *g, uint64_t c)
{
    if (c >= GEN_CYCLES_MAX) {
        g->overflow = 1;
        return false;
    }
    uint64_t i = g->ncycles;
    g->ncycles = c + 1;
    do {
        __builtin_memcpy(&g->cycle[i], g->empty, sizeof g->empty);
    } while (i++ < c);
    return true;
}

/* Puts op o into the first cycle from c on that has room. */
static inline uint64_t gen_put_at(struct gen *g, const struct gen_op *o, uint64_t c, uint64_t need)
{
    for (;; c++) {
        if (c >= g->ncycles && !gen_extend(g, c))
            return 0;
        struct gen_cycle *u = &g->cycle[c];
        uint64_t left = u->free - need;
        if ((left & GEN_GUARDS) != GEN_GUARDS)
            continue;
        uint64_t n = u->n;
        uint32_t *w = u->w + (n & 255);
        u->free = (uint16_t)left;
        u->n = (uint16_t)(n + 256 + o->nwords);
        w[0] = o->w[0];
        w[1] = o->w[1]; /* there is room; what follows overwrites it if the op has one word */
        return c;
    }
}

/* Places an op whose operands are ready at `from` and which writes rd. Returns the cycle. */
static inline uint64_t gen_place_write(struct gen *g, const struct gen_op *o, const struct gen_info *t, unsigned rd,
                                       uint64_t from)
{
    bool home = gen_is_home(rd);
    uint64_t wmin = g->reg[rd].wmin, floor = home ? g->floor : 0;
    uint64_t c = gen_put_at(g, o, gen_max(gen_max(from, wmin), floor), t->need);
    uint64_t last = g->last;
    g->reg[rd] = (struct gen_reg){(uint16_t)(c + t->latency), (uint16_t)(c + 1)};
    g->reg[0] = (struct gen_reg){0, 0};
    g->last = home ? gen_max(last, c) : last;
    return c;
}

static inline void gen_read_at(struct gen *g, unsigned r, uint64_t c) { g->reg[r].wmin = (uint16_t)gen_max(g->reg[r].wmin, c); }

/* Whoever emits has to fill in the target of the branch of `nwords` that was just put into cycle c. */
static inline void gen_note_branch(struct gen *g, uint64_t c, unsigned nwords, unsigned use, uint32_t exit)
{
    unsigned word = (g->cycle[c].n & 255u) - nwords;
    if (use == GEN_EXIT) {
        g->exit_at[exit] = (struct gen_exit_at){(uint16_t)c, (uint16_t)c, (uint16_t)word, (uint16_t)nwords};
        return;
    }
    uint64_t i = g->nfixes;
    if (i == GEN_FIXES_MAX) {
        g->overflow = 1;
        return;
    }
    g->nfixes = i + 1;
    g->fix[i] = (struct gen_fix){(uint16_t)c, (uint16_t)word, (uint16_t)use, 0};
}

/* The first cycle for a load, as far as the stores before it go. `key` says which registers the address is made of, and what
 * they held. Addresses of the same key whose displacements differ within a page cannot meet, whatever the page tables say. */
static inline uint64_t gen_after_stores(const struct gen *g, uint32_t key, int32_t disp, uint32_t size, unsigned scale)
{
    uint64_t from = g->last_store;
    for (uint64_t i = 0; i < g->nstores; i++) {
        const struct gen_store *s = &g->store[i];
        uint32_t d = (uint32_t)disp - (uint32_t)s->disp, up = d & 4095, down = (0 - d) & 4095;
        if (s->key == key && s->scale == scale && up >= s->size && down >= size)
            continue;
        from = gen_max(from, s->cycle + 1);
    }
    return from;
}

/* What comes from now on is compared with the stores so far by their cycle alone. */
static inline void gen_forget_stores(struct gen *g)
{
    for (uint64_t i = 0; i < g->nstores; i++)
        g->last_store = gen_max(g->last_store, g->store[i].cycle + 1);
    g->nstores = 0;
}

static inline void gen_remember_store(struct gen *g, uint32_t key, int32_t disp, unsigned scale, uint32_t size, uint64_t c)
{
    if (g->nstores == GEN_STORES)
        gen_forget_stores(g);
    g->store[g->nstores++] = (struct gen_store){key, disp, (uint32_t)c, (uint16_t)size, (uint16_t)scale};
}
