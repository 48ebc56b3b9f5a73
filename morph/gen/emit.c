/* Bundles to words, and the stubs behind them. */
#include "gen.h"

#include "ir/ir.h"

enum { FAULTS_MAX = 32, STUB_WORDS = 7 };

struct writer {
    const struct gen *g;
    const struct gen_place *p;
    struct gen_code *out;
    uint32_t n; /* words written */
    uint32_t nfaults;
    uint32_t faults[FAULTS_MAX]; /* addresses of branches to the stub that undoes the block */
};

static uint32_t here(const struct writer *w) { return w->p->native + 4 * w->n; }

static void put(struct writer *w, struct duke_op o)
{
    uint32_t words[2] = {0, 0};
    unsigned n = duke_encode_words(&o, words);
    w->p->words[w->n++] = words[0];
    if (n == 2)
        w->p->words[w->n++] = words[1];
}

static void end_bundle(struct writer *w)
{
    w->p->words[w->n - 1] |= DUKE_END;
    w->out->nbundles++;
}

static int64_t big_part(const struct gen_op *o, int64_t k)
{
    if (o->op == DUKE_OP_ORHI)
        return k >> 32;
    return o->x ? (int64_t)(uint32_t)k : k;
}

static void put_op(struct writer *w, const struct gen_op *o)
{
    const struct ir_block *b = w->g->ir;
    struct duke_op d = {.op = o->op, .form = o->form, .rd = o->rd, .ra = o->ra, .rb = o->rb, .rc = o->rc, .imm = o->imm};
    unsigned fmt = duke_ops[o->op].fmt;
    if (fmt == DUKE_FMT_MEM)
        d.scale = o->x;
    else
        d.cc = o->x;
    switch (o->use) {
    case GEN_IMM: break;
    case GEN_BIG: d.imm = big_part(o, b->consts[o->imm]); break;
    case GEN_LOW: d.imm = (uint32_t)o->imm; break;
    case GEN_EXIT:
        w->out->exit[o->imm].branch = here(w);
        d.imm = 0;
        break;
    case GEN_TARGET: d.imm = (int64_t)b->exit[o->imm].target; break;
    case GEN_NUMBER: d.imm = w->p->first_exit + (uint32_t)o->imm; break;
    case GEN_FAULT:
        if (w->nfaults < FAULTS_MAX)
            w->faults[w->nfaults++] = here(w);
        d.imm = 0;
        break;
    case GEN_INDIRECT: d.imm = (int64_t)w->p->exit_indirect - here(w); break;
    case GEN_INTERP: d.imm = (int64_t)w->p->exit_interp - here(w); break;
    default: break;
    }
    put(w, d);
}

static void put_li(struct writer *w, unsigned rd, int64_t k)
{
    struct duke_op d = {.op = DUKE_OP_LI, .rd = (uint8_t)rd, .imm = k};
    d.form = (uint8_t)(k == (k << 46) >> 46 ? DUKE_FORM_IMM : DUKE_FORM_EXT);
    put(w, d);
}

/* li r30, target; li r48, number; j exit_direct */
static void put_stub(struct writer *w, uint32_t i)
{
    w->out->exit[i].stub = here(w);
    put_li(w, 30, (int64_t)w->g->ir->exit[i].target);
    put_li(w, 48, w->p->first_exit + i);
    struct duke_op j = {.op = DUKE_OP_J, .form = DUKE_FORM_IMM};
    j.imm = (int64_t)w->p->exit_direct - here(w);
    put(w, j);
    end_bundle(w);
}

static void put_bundle(struct writer *w, const struct gen_bundle *u)
{
    for (unsigned i = 0; i < u->n; i++)
        put_op(w, &w->g->op[u->op[i]]);
    w->out->nops += u->n;
    if (u->commit) {
        struct duke_op c = {.op = DUKE_OP_COMMIT, .form = DUKE_FORM_IMM, .imm = u->commit - 1};
        if (c.imm > 31)
            c.form = DUKE_FORM_EXT;
        put(w, c);
    }
    end_bundle(w);
}

void gen_patch(uint32_t *words, uint32_t at, uint32_t target)
{
    int64_t d = ((int64_t)target - at) / 4;
    uint32_t w0 = words[0];
    if ((w0 >> 24 & 0x7f) == duke_ops[DUKE_OP_J].opcode) {
        words[0] = (w0 & 0xff000000u) | ((uint32_t)d & 0xffffff);
        return;
    }
    words[0] = (w0 & ~0xfffu) | ((uint32_t)d & 0xfff);
    words[1] = (words[1] & ~0x1fffffffu) | ((uint32_t)(d >> 12) & 0x1fffffff);
}

static void patch(const struct writer *w, uint32_t at, uint32_t target)
{
    gen_patch(w->p->words + (at - w->p->native) / 4, at, target);
}

bool gen_emit(const struct gen *g, const struct gen_place *p, struct gen_code *out)
{
    const struct ir_block *b = g->ir;
    struct writer w = {.g = g, .p = p, .out = out};
    out->nwords = out->nbundles = out->nops = 0;
    if (2 * g->nops + g->ncycles + STUB_WORDS * (b->nexits + 1) > p->max_words)
        return false;
    for (uint32_t i = 0; i < b->nexits; i++)
        out->exit[i] = (struct gen_exit_code){0};
    uint32_t next_exit = 0;
    for (uint32_t c = 0; c < g->ncycles; c++) {
        const struct gen_bundle *u = &g->bundle[c];
        if (u->n || u->commit)
            put_bundle(&w, u);
        for (; next_exit < b->nexits && g->exit_cycle[next_exit] <= c; next_exit++)
            out->exit[next_exit].after = here(&w);
    }
    for (uint32_t i = 0; i < b->nexits; i++) {
        unsigned kind = b->exit[i].kind;
        if (kind != IR_EXIT_DIRECT && kind != IR_EXIT_RETURN)
            continue;
        put_stub(&w, i);
        if (out->exit[i].branch)
            patch(&w, out->exit[i].branch, out->exit[i].stub);
    }
    if (g->has_fault) {
        uint32_t stub = here(&w);
        put(&w, (struct duke_op){.op = DUKE_OP_TRAP, .form = DUKE_FORM_IMM, .imm = 1});
        end_bundle(&w);
        for (uint32_t i = 0; i < w.nfaults; i++)
            patch(&w, w.faults[i], stub);
    }
    out->nwords = w.n;
    return w.nfaults < FAULTS_MAX;
}
