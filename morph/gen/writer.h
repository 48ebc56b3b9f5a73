/* What gear 2 and regions write alike: single ops, the stubs of exits and faults. For emit.c here and in region/. */
#pragma once
#include "gen.h"
#include "words.h"

enum { WRITER_FAULTS_MAX = 64, WRITER_STUB_WORDS = 4 };

struct writer {
    const struct ir_block *ir;
    const struct gen_info *info; /* [DUKE_OP_COUNT] */
    uint32_t jump;               /* words of a jump, see writer_begin */
    const struct gen_place *p;
    struct gen_code *out;
    uint32_t nfaults;                   /* more than WRITER_FAULTS_MAX: the code is useless */
    uint32_t faults[WRITER_FAULTS_MAX]; /* addresses of branches to the stub that undoes the translation */
};

static inline void writer_begin(struct writer *w, const struct ir_block *b, const struct gen_info *info,
                                const struct gen_place *p, struct gen_code *out)
{
    w->ir = b;
    w->info = info;
    w->jump = info[DUKE_OP_J].fmt == DUKE_FMT_J ? 1 : 2;
    w->p = p;
    w->out = out;
    w->nfaults = 0;
}

/* The native address of the word at `at`. */
static inline uint32_t writer_here(const struct writer *w, const uint32_t *at)
{
    return w->p->native + (uint32_t)((const char *)at - (const char *)w->p->words);
}

static inline uint32_t *writer_put(uint32_t *at, const struct gen_op *o)
{
    at[0] = o->w[0];
    at[1] = o->w[1]; /* there is room; what follows overwrites it if the op has one word */
    return at + o->nwords;
}

/* A jump without target, for writer_patch. Returns behind it. */
static inline uint32_t *writer_jump(const struct writer *w, uint32_t *at)
{
    at[0] = w->info[DUKE_OP_J].imm;
    at[1] = w->info[DUKE_OP_J].ext[1]; /* as above */
    return at + w->jump;
}

/* The code says first what its cycles are counted as, in its first bundle. Returns behind that. */
static inline uint32_t *writer_category(const struct writer *w, uint32_t *at)
{
    if (!w->p->category)
        return at;
    *at = w->info[DUKE_OP_CAT].imm | w->p->category << 6;
    return at + 1;
}

/* The first bundle has been written, and might not take the op before it. */
static inline void writer_category_end(const struct writer *w)
{
    uint32_t *at = w->p->words, n = 1;
    if (!w->p->category)
        return;
    while (n <= DUKE_MAX_WORDS && !(at[n] & DUKE_END))
        n++;
    if (n >= DUKE_MAX_WORDS)
        at[0] |= DUKE_END;
}

/* The branch at native address `at`, which has been written, goes to `target`. */
static inline void writer_patch(const struct writer *w, uint32_t at, uint32_t target)
{
    gen_patch(w->p->words + (at - w->p->native) / 4, at, target);
}

/* Notes or fills in the target of the branch just put at `at`. */
static inline void writer_use(struct writer *w, unsigned use, unsigned exit, uint32_t *at)
{
    uint32_t address = writer_here(w, at);
    switch (use) {
    case GEN_EXIT: w->out->exit[exit].branch = address; break;
    case GEN_FAULT:
        if (w->nfaults < WRITER_FAULTS_MAX)
            w->faults[w->nfaults] = address;
        w->nfaults++;
        break;
    case GEN_INDIRECT: gen_patch(at, address, w->p->exit_indirect); break;
    default: gen_patch(at, address, w->p->exit_interp); break;
    }
}

/* A bundle that jumps to `target`. Returns behind it. */
static inline uint32_t *writer_jump_to(const struct writer *w, uint32_t *at, uint32_t target)
{
    uint32_t *start = at;
    at = writer_jump(w, at);
    gen_patch(start, writer_here(w, start), target);
    at[-1] |= DUKE_END;
    return at;
}

/* The stub of exit i: li r48, number; j exit_direct. Returns behind it. */
static inline uint32_t *writer_stub(const struct writer *w, uint32_t *at, uint32_t i)
{
    struct gen_op o;
    words_li(&o, &w->info[DUKE_OP_LI], 48, w->p->first_exit + i);
    at = writer_put(at, &o);
    if (w->jump != 1)
        return writer_jump_to(w, at, w->p->exit_direct);
    int32_t d = (int32_t)(w->p->exit_direct - writer_here(w, at)) >> 2;
    at[0] = w->info[DUKE_OP_J].imm | DUKE_END | ((uint32_t)d & 0xffffff);
    return at + 1;
}

/* Writes the stub of exit i at `at` and lets the exit's branch, if there is one, go there. */
static inline uint32_t *writer_exit(const struct writer *w, uint32_t *at, uint32_t i)
{
    struct gen_exit_code *x = &w->out->exit[i];
    x->stub = writer_here(w, at);
    w->out->nbundles++;
    if (x->branch)
        writer_patch(w, x->branch, x->stub);
    return writer_stub(w, at, i);
}

/* Where the branches in `faults` go: undoes the translation. */
static inline uint32_t *writer_fault_stub(const struct writer *w, uint32_t *at)
{
    struct gen_op o;
    uint32_t stub = writer_here(w, at);
    words_r3i(&o, &w->info[DUKE_OP_TRAP], 0, 0, 1);
    at = writer_put(at, &o);
    at[-1] |= DUKE_END;
    w->out->nbundles++;
    for (uint32_t i = 0; i < w->nfaults && i < WRITER_FAULTS_MAX; i++)
        writer_patch(w, w->faults[i], stub);
    return at;
}
