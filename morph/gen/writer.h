/* What gear 2 and regions write alike: single ops, the stubs of exits and faults. For emit.c here and in region/. */
#pragma once
#include "gen.h"
#include "words.h"

enum { WRITER_FAULTS_MAX = 64, WRITER_STUB_WORDS = 11 };

struct writer {
    const struct ir_block *ir;
    const struct gen_info *info; /* [DUKE_OP_COUNT] */
    const struct gen_place *p;
    struct gen_code *out;
    uint32_t nfaults;                   /* more than WRITER_FAULTS_MAX: the code is useless */
    uint32_t faults[WRITER_FAULTS_MAX]; /* addresses of branches to the stub that undoes the translation */
};

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

/* The branch at native address `at`, which has been written, goes to `target`. */
static inline void writer_patch(const struct writer *w, uint32_t at, uint32_t target)
{
    gen_patch(w->p->words + (at - w->p->native) / 4, at, target);
}

/* Notes or fills in what depends on the address of the op just put at `at`. */
static inline void writer_use(struct writer *w, const struct gen_op *o, uint32_t *at)
{
    uint32_t address = writer_here(w, at);
    switch (o->use) {
    case GEN_EXIT: w->out->exit[o->exit].branch = address; break;
    case GEN_FAULT:
        if (w->nfaults < WRITER_FAULTS_MAX)
            w->faults[w->nfaults] = address;
        w->nfaults++;
        break;
    case GEN_INDIRECT: gen_patch(at, address, w->p->exit_indirect); break;
    default: gen_patch(at, address, w->p->exit_interp); break;
    }
}

/* li r30, target: what does not fit into 47 bits, as addresses near the top of a 64-bit program's, takes a bundle more. */
static inline uint32_t *writer_target(const struct writer *w, uint32_t *at, int64_t target)
{
    bool whole = target == (int64_t)((uint64_t)target << 17) >> 17;
    struct gen_op o;
    words_li(&o, &w->info[DUKE_OP_LI], 30, whole ? target : (int64_t)(uint32_t)target);
    at = writer_put(at, &o);
    if (whole)
        return at;
    at[-1] |= DUKE_END;
    w->out->nbundles++;
    words_ri(&o, &w->info[DUKE_OP_ORHI], 30, 30, target >> 32);
    return writer_put(at, &o);
}

/* The stub of exit i: li r30, target; li r48, number; j exit_direct */
static inline uint32_t *writer_stub(const struct writer *w, uint32_t *at, uint32_t i)
{
    struct gen_exit_code *x = &w->out->exit[i];
    struct gen_op o;
    x->stub = writer_here(w, at);
    at = writer_target(w, at, (int64_t)w->ir->exit[i].target);
    words_li(&o, &w->info[DUKE_OP_LI], 48, w->p->first_exit + i);
    at = writer_put(at, &o);
    at[0] = w->info[DUKE_OP_J].imm | DUKE_END;
    gen_patch(at, writer_here(w, at), w->p->exit_direct);
    w->out->nbundles++;
    if (x->branch)
        writer_patch(w, x->branch, x->stub);
    return at + 1;
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
