/* Bundles to memory, and the stubs behind them. */
#include "gen.h"

#include "ir/ir.h"
#include "words.h"

enum { FAULTS_MAX = 32, STUB_WORDS = 6 };

struct writer {
    const struct gen *g;
    const struct gen_place *p;
    struct gen_code *out;
    uint32_t *at;  /* next word */
    uint32_t here; /* its native address */
    uint32_t nfaults;
    uint32_t faults[FAULTS_MAX]; /* addresses of branches to the stub that undoes the block */
};

static inline void put(struct writer *w, const struct gen_op *o)
{
    w->at[0] = o->w[0];
    if (o->nwords == 2)
        w->at[1] = o->w[1];
    w->at += o->nwords;
    w->here += 4u * o->nwords;
}

static inline void end_bundle(struct writer *w)
{
    w->at[-1] |= DUKE_END;
    w->out->nbundles++;
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

/* Notes or fills in what depends on the address of the op that is about to be put. */
static void place_use(struct writer *w, const struct gen_op *o, struct gen_op *copy)
{
    switch (o->use) {
    case GEN_EXIT: w->out->exit[o->exit].branch = w->here; break;
    case GEN_FAULT:
        if (w->nfaults < FAULTS_MAX)
            w->faults[w->nfaults] = w->here;
        w->nfaults++;
        break;
    case GEN_INDIRECT: gen_patch(copy->w, w->here, w->p->exit_indirect); break;
    default: gen_patch(copy->w, w->here, w->p->exit_interp); break;
    }
}

static void put_bundle(struct writer *w, const struct gen_bundle *u)
{
    for (unsigned i = 0; i < u->n; i++) {
        const struct gen_op *o = &w->g->op[u->op[i]];
        if (o->use) {
            struct gen_op copy = *o;
            place_use(w, o, &copy);
            put(w, &copy);
        } else {
            put(w, o);
        }
    }
    w->out->nops += u->n;
    if (u->commit) {
        struct gen_op c;
        words_r3i(&c, &w->g->info[DUKE_OP_COMMIT], 0, 0, u->commit - 1);
        put(w, &c);
    }
    end_bundle(w);
}

static void put_li(struct writer *w, unsigned rd, int64_t k)
{
    struct gen_op o;
    words_li(&o, &w->g->info[DUKE_OP_LI], rd, k);
    put(w, &o);
}

static void patch(const struct writer *w, uint32_t at, uint32_t target)
{
    gen_patch(w->p->words + (at - w->p->native) / 4, at, target);
}

/* li r30, target; li r48, number; j exit_direct */
static void put_stub(struct writer *w, uint32_t i)
{
    struct gen_exit_code *x = &w->out->exit[i];
    struct gen_op j = {.w = {w->g->info[DUKE_OP_J].imm}, .nwords = 1};
    x->stub = w->here;
    put_li(w, 30, (int64_t)w->g->ir->exit[i].target);
    put_li(w, 48, w->p->first_exit + i);
    gen_patch(j.w, w->here, w->p->exit_direct);
    put(w, &j);
    end_bundle(w);
    if (x->branch)
        patch(w, x->branch, x->stub);
}

static void put_fault_stub(struct writer *w)
{
    struct gen_op o;
    uint32_t stub = w->here;
    words_r3i(&o, &w->g->info[DUKE_OP_TRAP], 0, 0, 1);
    put(w, &o);
    end_bundle(w);
    for (uint32_t i = 0; i < w->nfaults && i < FAULTS_MAX; i++)
        patch(w, w->faults[i], stub);
}

bool gen_emit(const struct gen *g, const struct gen_place *p, struct gen_code *out)
{
    const struct ir_block *b = g->ir;
    struct writer w = {.g = g, .p = p, .out = out, .at = p->words, .here = p->native};
    uint32_t next_exit = 0;
    out->nbundles = out->nops = 0;
    if (gen_worst_words(g) > p->max_words)
        return false;
    for (uint32_t i = 0; i < b->nexits; i++)
        out->exit[i] = (struct gen_exit_code){0};
    for (uint32_t c = 0; c < g->ncycles; c++) {
        const struct gen_bundle *u = &g->bundle[c];
        if (u->n | u->commit)
            put_bundle(&w, u);
        for (; next_exit < b->nexits && g->exit_cycle[next_exit] <= c; next_exit++)
            out->exit[next_exit].after = w.here;
    }
    for (uint32_t i = 0; i < b->nexits; i++)
        if (b->exit[i].kind == IR_EXIT_DIRECT || b->exit[i].kind == IR_EXIT_RETURN)
            put_stub(&w, i);
    if (g->has_fault)
        put_fault_stub(&w);
    out->nwords = (uint32_t)(w.at - p->words);
    return w.nfaults <= FAULTS_MAX;
}

uint32_t gen_worst_words(const struct gen *g)
{
    return 2 * g->nops + 2 * g->ncycles + STUB_WORDS * (g->ir->nexits + 1);
}
