/* Bundles to memory, and the stubs behind them. */
#include "writer.h"

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

static uint32_t *put_bundles(struct writer *w, const struct gen *g, uint32_t *at)
{
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
                writer_use(w, o, start);
                last = at[-1];
            }
        }
        if (commit) {
            struct gen_op o;
            words_r3i(&o, &g->info[DUKE_OP_COMMIT], 0, 0, (int32_t)commit - 1);
            at = writer_put(at, &o);
            last = o.w[o.nwords - 1];
        }
        if (n | commit) {
            at[-1] = last | DUKE_END;
            nops += n;
            nbundles++;
        }
        while (exit_cycle <= c) {
            w->out->exit[exit].after = writer_here(w, at);
            exit_cycle = ++exit < nexits ? g->exit_cycle[exit] : ncycles;
        }
    }
    w->out->nops = (uint32_t)nops;
    w->out->nbundles = (uint32_t)nbundles;
    return at;
}

/* A late exit's branch leads to a bundle that commits and jumps on; that jump is then what the exit leaves by. */
static uint32_t *put_late(const struct writer *w, uint32_t *at, uint32_t i)
{
    struct gen_exit_code *x = &w->out->exit[i];
    struct gen_op o;
    writer_patch(w, x->branch, writer_here(w, at));
    x->branch = writer_here(w, at);
    x->after = 0;
    at[0] = w->info[DUKE_OP_J].imm;
    words_r3i(&o, &w->info[DUKE_OP_COMMIT], 0, 0, w->ir->exit[i].ninsns);
    at = writer_put(at + 1, &o);
    at[-1] |= DUKE_END;
    w->out->nbundles++;
    return at;
}

bool gen_emit(const struct gen *g, const struct gen_place *p, struct gen_code *out)
{
    const struct ir_block *b = g->ir;
    struct writer w;
    w.ir = b;
    w.info = g->info;
    w.p = p;
    w.out = out;
    w.nfaults = 0;
    if (gen_worst_words(g) > p->max_words)
        return false;
    for (uint32_t i = 0; i < b->nexits; i++)
        out->exit[i].branch = 0;
    uint32_t *at = put_bundles(&w, g, p->words);
    for (uint32_t i = 0; i < b->nexits; i++) {
        if (b->exit[i].kind == IR_EXIT_DIRECT || b->exit[i].kind == IR_EXIT_RETURN)
            at = writer_stub(&w, b->exit[i].flags & IR_EXIT_LATE ? put_late(&w, at, i) : at, i);
        else
            out->exit[i].stub = 0;
    }
    if (g->has_fault)
        at = writer_fault_stub(&w, at);
    out->nwords = (uint32_t)(at - p->words);
    return w.nfaults <= WRITER_FAULTS_MAX;
}

uint32_t gen_worst_words(const struct gen *g)
{
    return (uint32_t)(2 * g->nops + 2 * g->ncycles) + WRITER_STUB_WORDS * (g->ir->nexits + 1) + 1;
}
