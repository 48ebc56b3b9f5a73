/* Bundles to memory, and the stubs behind them. */
#include "gen.h"

#include "ir/ir.h"
#include "words.h"

enum { FAULTS_MAX = 32, STUB_WORDS = 9 };

struct writer {
    const struct gen *g;
    const struct gen_place *p;
    struct gen_code *out;
    uint32_t nfaults;
    uint32_t faults[FAULTS_MAX]; /* addresses of branches to the stub that undoes the block */
};

/* The native address of the word at `at`. */
static inline uint32_t here(const struct writer *w, const uint32_t *at)
{
    return w->p->native + (uint32_t)((const char *)at - (const char *)w->p->words);
}

static inline uint32_t *put(uint32_t *at, const struct gen_op *o)
{
    at[0] = o->w[0];
    at[1] = o->w[1]; /* there is room; what follows overwrites it if the op has one word */
    return at + o->nwords;
}

void gen_patch(uint32_t *words, uint32_t at, uint32_t target)
{
    int32_t d = (int32_t)(target - at) >> 2;
    uint32_t w0 = words[0];
    if ((w0 >> 24 & 0x7f) == duke_ops[DUKE_OP_J].opcode) {
        words[0] = (w0 & 0xff000000u) | ((uint32_t)d & 0xffffff);
        return;
    }
    words[0] = (w0 & ~0xfffu) | ((uint32_t)d & 0xfff);
    words[1] = (words[1] & ~0x1fffffffu) | ((uint32_t)(d >> 12) & 0x1fffffff);
}

/* Notes or fills in what depends on the address of the op just put at `at`. */
static void place_use(struct writer *w, const struct gen_op *o, uint32_t *at)
{
    uint32_t address = here(w, at);
    switch (o->use) {
    case GEN_EXIT: w->out->exit[o->exit].branch = address; break;
    case GEN_FAULT:
        if (w->nfaults < FAULTS_MAX)
            w->faults[w->nfaults] = address;
        w->nfaults++;
        break;
    case GEN_INDIRECT: gen_patch(at, address, w->p->exit_indirect); break;
    default: gen_patch(at, address, w->p->exit_interp); break;
    }
}

static uint32_t *put_bundles(struct writer *w, uint32_t *at)
{
    const struct gen *g = w->g;
    uint64_t nops = 0, nbundles = 0, ncycles = g->ncycles;
    uint64_t exit = 0, nexits = g->ir->nexits, exit_cycle = nexits ? g->exit_cycle[0] : ncycles;
    for (uint64_t c = 0; c < ncycles; c++) {
        const struct gen_bundle *u = &g->bundle[c];
        uint64_t n = u->n, commit = u->commit;
        uint32_t last = 0; /* the last word so far: reading it back would wait for the store */
        for (uint64_t i = 0; i < n; i++) {
            const struct gen_op *o = &g->op[u->op[i]];
            uint32_t *start = at;
            uint64_t nwords = o->nwords;
            uint32_t w0 = o->w[0], w1 = o->w[1];
            at[0] = w0;
            at[1] = w1;
            at += nwords;
            last = nwords == 1 ? w0 : w1;
            if (o->use) {
                place_use(w, o, start);
                last = at[-1];
            }
        }
        if (commit) {
            struct gen_op o;
            words_r3i(&o, &g->info[DUKE_OP_COMMIT], 0, 0, (int32_t)commit - 1);
            at = put(at, &o);
            last = o.w[o.nwords - 1];
        }
        if (n | commit) {
            at[-1] = last | DUKE_END;
            nops += n;
            nbundles++;
        }
        while (exit_cycle <= c) {
            w->out->exit[exit].after = here(w, at);
            exit_cycle = ++exit < nexits ? g->exit_cycle[exit] : ncycles;
        }
    }
    w->out->nops = (uint32_t)nops;
    w->out->nbundles = (uint32_t)nbundles;
    return at;
}

static uint32_t *put_li(const struct writer *w, uint32_t *at, unsigned rd, int64_t k)
{
    struct gen_op o;
    words_li(&o, &w->g->info[DUKE_OP_LI], rd, k);
    return put(at, &o);
}

static void patch(const struct writer *w, uint32_t at, uint32_t target)
{
    gen_patch(w->p->words + (at - w->p->native) / 4, at, target);
}

/* A late exit's branch leads to a bundle that commits and jumps on; that jump is then what the exit leaves by. */
static uint32_t *put_late(const struct writer *w, uint32_t *at, uint32_t i)
{
    struct gen_exit_code *x = &w->out->exit[i];
    struct gen_op o;
    patch(w, x->branch, here(w, at));
    x->branch = here(w, at);
    x->after = 0;
    at[0] = w->g->info[DUKE_OP_J].imm;
    words_r3i(&o, &w->g->info[DUKE_OP_COMMIT], 0, 0, w->g->ir->exit[i].ninsns);
    at = put(at + 1, &o);
    at[-1] |= DUKE_END;
    w->out->nbundles++;
    return at;
}

/* li r30, target; li r48, number; j exit_direct */
static uint32_t *put_stub(const struct writer *w, uint32_t *at, uint32_t i)
{
    struct gen_exit_code *x = &w->out->exit[i];
    x->stub = here(w, at);
    at = put_li(w, at, 30, (int64_t)w->g->ir->exit[i].target);
    at = put_li(w, at, 48, w->p->first_exit + i);
    at[0] = w->g->info[DUKE_OP_J].imm | DUKE_END;
    gen_patch(at, here(w, at), w->p->exit_direct);
    w->out->nbundles++;
    if (x->branch)
        patch(w, x->branch, x->stub);
    return at + 1;
}

static uint32_t *put_fault_stub(const struct writer *w, uint32_t *at)
{
    struct gen_op o;
    uint32_t stub = here(w, at);
    words_r3i(&o, &w->g->info[DUKE_OP_TRAP], 0, 0, 1);
    at = put(at, &o);
    at[-1] |= DUKE_END;
    w->out->nbundles++;
    for (uint32_t i = 0; i < w->nfaults && i < FAULTS_MAX; i++)
        patch(w, w->faults[i], stub);
    return at;
}

bool gen_emit(const struct gen *g, const struct gen_place *p, struct gen_code *out)
{
    const struct ir_block *b = g->ir;
    struct writer w;
    w.g = g;
    w.p = p;
    w.out = out;
    w.nfaults = 0;
    if (gen_worst_words(g) > p->max_words)
        return false;
    for (uint32_t i = 0; i < b->nexits; i++)
        out->exit[i].branch = 0;
    uint32_t *at = put_bundles(&w, p->words);
    for (uint32_t i = 0; i < b->nexits; i++) {
        if (b->exit[i].kind == IR_EXIT_DIRECT || b->exit[i].kind == IR_EXIT_RETURN)
            at = put_stub(&w, b->exit[i].flags & IR_EXIT_LATE ? put_late(&w, at, i) : at, i);
        else
            out->exit[i].stub = 0;
    }
    if (g->has_fault)
        at = put_fault_stub(&w, at);
    out->nwords = (uint32_t)(at - p->words);
    return w.nfaults <= FAULTS_MAX;
}

uint32_t gen_worst_words(const struct gen *g)
{
    return (uint32_t)(2 * g->nops + 2 * g->ncycles) + STUB_WORDS * (g->ir->nexits + 1) + 1;
}
