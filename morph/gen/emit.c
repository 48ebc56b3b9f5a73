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

/* Words one by one: pairs would not be aligned. Most bundles have up to four. */
static inline void copy_words(uint32_t *to, const uint32_t *from, uint64_t n)
{
    uint64_t i = 0;
    do {
        uint32_t a = from[i], b = from[i + 1], c = from[i + 2], d = from[i + 3];
        to[i] = a;
        to[i + 1] = b;
        to[i + 2] = c;
        to[i + 3] = d;
        i += 4;
    } while (i < n);
}

static uint32_t *put_bundles(struct writer *w, struct gen *g, uint32_t *at)
{
    uint64_t nops = 0, nbundles = 0, ncycles = g->ncycles;
    uint64_t native = writer_here(w, at);
    for (uint64_t i = 0; i < ncycles; i++) {
        struct gen_cycle *u = &g->cycle[i];
        uint64_t n = u->n & 255, commit = u->commit;
        u->at = (uint32_t)native;
        if (!(n | commit))
            continue;
        if (commit) {
            struct gen_op o;
            words_r3i(&o, &g->info[DUKE_OP_COMMIT], 0, 0, (int32_t)commit - 1);
            u->w[n] = o.w[0];
            u->w[n + 1] = o.w[1];
            n += o.nwords;
        }
        copy_words(at, u->w, n);
        at[n - 1] = u->w[n - 1] | DUKE_END;
        at += n;
        native += 4 * n;
        nops += u->n >> 8;
        nbundles++;
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
    at = writer_jump(w, at);
    words_r3i(&o, &w->info[DUKE_OP_COMMIT], 0, 0, w->ir->exit[i].ninsns);
    at = writer_put(at, &o);
    at[-1] |= DUKE_END;
    w->out->nbundles++;
    return at;
}

/* Exits find out where they are, and get their stubs, at `at`. Returns behind these. */
static uint32_t *put_exits(const struct writer *w, const struct gen *g, uint32_t *at)
{
    const struct ir_block *b = g->ir;
    const struct gen_place *p = w->p;
    uint64_t nexits = b->nexits, end = writer_here(w, at);
    for (uint64_t i = 0; i < nexits; i++) {
        const struct gen_exit_at *e = &g->exit_at[i];
        struct gen_exit_code *x = &w->out->exit[i];
        uint64_t next = e->after + 1u, nwords = e->nwords, kind = b->exit[i].kind;
        x->after = (uint32_t)(next < g->ncycles ? g->cycle[next].at : end);
        if (!nwords || (kind != IR_EXIT_DIRECT && kind != IR_EXIT_RETURN)) {
            x->branch = x->stub = 0;
            continue;
        }
        uint32_t branch = g->cycle[e->cycle].at + 4u * e->word, stub = writer_here(w, at);
        uint32_t *word = p->words + (branch - p->native) / 4, d = (uint32_t)((int32_t)(stub - branch) >> 2);
        x->branch = branch;
        if (b->exit[i].flags & IR_EXIT_LATE) {
            at = writer_exit(w, put_late(w, at, (uint32_t)i), (uint32_t)i);
            continue;
        }
        x->stub = stub;
        at = writer_stub(w, at, (uint32_t)i);
        w->out->nbundles++;
        if (nwords == 1) {
            word[0] |= d & 0xffffff;
        } else {
            word[0] |= d & 0xfff;
            word[1] |= d >> 12 & 0x1fffffff;
        }
    }
    return at;
}

bool gen_emit(struct gen *g, const struct gen_place *p, struct gen_code *out)
{
    struct writer w;
    writer_begin(&w, g->ir, g->info, p, out);
    if (gen_worst_words(g, p->max_words) > p->max_words)
        return false;
    uint32_t *at = put_bundles(&w, g, writer_category(&w, p->words));
    writer_category_end(&w);
    at = put_exits(&w, g, at);
    for (uint64_t i = 0; i < g->nfixes; i++) {
        const struct gen_fix *f = &g->fix[i];
        uint32_t address = g->cycle[f->cycle].at + 4u * f->word;
        writer_use(&w, f->use, 0, p->words + (address - p->native) / 4);
    }
    if (g->has_fault)
        at = writer_fault_stub(&w, at);
    out->nwords = (uint32_t)(at - p->words);
    return w.nfaults <= WRITER_FAULTS_MAX;
}

uint32_t gen_worst_words(const struct gen *g, uint32_t room)
{
    uint32_t stubs = (WRITER_STUB_WORDS + 4) * (g->ir->nexits + 1) +
                     5; /* the category; copy_words writes up to three too many */
    uint32_t words = (uint32_t)(GEN_CYCLE_WORDS * g->ncycles) + stubs;
    if (words <= room)
        return words;
    words = stubs;
    for (uint64_t i = 0; i < g->ncycles; i++)
        words += (g->cycle[i].n & 255u) + 2;
    return words;
}
