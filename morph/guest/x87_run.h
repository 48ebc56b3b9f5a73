/* One x87 instruction on its way: the stack, flags and exceptions; internal to x87*.c. */
#pragma once
#include "../morph.h"
#include "../port.h"
#include "ginsn.h"
#include "x87.h"
#include "x87_num.h"

struct x87_run {
    struct shared *sh;
    struct guest_cpu *cpu;
    struct guest_x87 *f;
    const struct ginsn *g;
    uint64_t ea;
    struct x87_env e;
};

enum { TAG_VALID, TAG_ZERO, TAG_SPECIAL, TAG_EMPTY };

static inline unsigned x87_top(const struct guest_x87 *f) { return f->sw >> 11 & 7; }

static inline void x87_set_top(struct guest_x87 *f, unsigned top) { f->sw = (uint16_t)((f->sw & ~0x3800u) | (top & 7) << 11); }

static inline unsigned x87_tag(const struct guest_x87 *f, unsigned phys) { return f->tw >> (2 * phys) & 3; }

static inline void x87_set_tag(struct guest_x87 *f, unsigned phys, unsigned tag)
{
    f->tw = (uint16_t)((f->tw & ~(3u << (2 * phys))) | tag << (2 * phys));
}

/* ES and B say whether any exception is unmasked and pending. */
static inline void x87_summarize(struct guest_x87 *f)
{
    f->sw &= (uint16_t)~(SW_ES | SW_B);
    if (f->sw & ~f->cw & SW_EXCEPTIONS)
        f->sw |= SW_ES | SW_B;
}

unsigned x87_tag_of(struct f80 v); /* x87_state.c */

/* ---- Registers and stack ------------------------------------------------------------------------------------------------- */

static inline unsigned x87_phys(const struct x87_run *r, unsigned i) { return (x87_top(r->f) + i) & 7; }

static inline bool x87_empty(const struct x87_run *r, unsigned i) { return x87_tag(r->f, x87_phys(r, i)) == TAG_EMPTY; }

static inline struct f80 x87_st(const struct x87_run *r, unsigned i)
{
    unsigned p = x87_phys(r, i);
    return (struct f80){r->f->mant[p], r->f->se[p]};
}

static inline void x87_set_st(struct x87_run *r, unsigned i, struct f80 v)
{
    unsigned p = x87_phys(r, i);
    r->f->mant[p] = v.mant;
    r->f->se[p] = v.se;
    x87_set_tag(r->f, p, x87_tag_of(v));
}

static inline void x87_pop(struct x87_run *r)
{
    x87_set_tag(r->f, x87_phys(r, 0), TAG_EMPTY);
    x87_set_top(r->f, x87_top(r->f) + 1);
}

static inline bool x87_unmasked(const struct x87_run *r, unsigned exceptions) { return r->e.raised & ~r->e.cw & exceptions; }

/* Whether an unmasked exception forbids results; raises nothing yet, so that a store may still fault. */
static inline bool x87_blocked(const struct x87_run *r) { return x87_unmasked(r, SW_IE | SW_DE | SW_ZE); }

static inline bool x87_settle(struct x87_run *r)
{
    bool stop = x87_blocked(r);
    if (stop) /* found before there was anything to round */
        r->e.raised &= SW_IE | SW_DE | SW_ZE | SW_SF | (r->e.raised & SW_SF ? SW_C1 : 0);
    r->f->sw = (uint16_t)((r->f->sw & ~SW_C1) | r->e.raised);
    x87_summarize(r->f);
    return !stop;
}

static inline void x87_stack_underflow(struct x87_run *r) { r->e.raised |= SW_IE | SW_SF; }

static inline void x87_push(struct x87_run *r, struct f80 v)
{
    if (!x87_empty(r, 7) && !(r->e.raised & SW_SF)) {
        r->e.raised = SW_IE | SW_SF | SW_C1;
        v = f80_indefinite();
    }
    x87_settle(r);
    if (!x87_unmasked(r, SW_IE)) { /* a denormal is pushed in any case */
        x87_set_top(r->f, x87_top(r->f) + 7);
        x87_set_st(r, 0, v);
    }
}

static inline void x87_set_codes(struct x87_run *r, uint16_t codes)
{
    r->f->sw = (uint16_t)((r->f->sw & ~(SW_C0 | SW_C2 | SW_C3)) | (codes & (SW_C0 | SW_C2 | SW_C3)));
}

/* ---- The parts ----------------------------------------------------------------------------------------------------------- */

/* x87_ops.c, x87_move.c: false if the instruction is not among theirs. */
bool x87_execute_op(struct x87_run *r);
bool x87_execute_move(struct x87_run *r);
/* x87_move.c: the memory operand as a number. A narrow denormal raises DE. */
struct f80 x87_load_real(struct x87_run *r);
struct f80 x87_load_int(struct x87_run *r);

/* x87_state.c */
void x87_init(struct guest_x87 *f);
void x87_load_cw(struct guest_x87 *f, uint16_t cw);
void x87_store_env(struct x87_run *r); /* FNSTENV */
void x87_load_env(struct x87_run *r);  /* FLDENV */
void x87_save(struct x87_run *r);      /* FNSAVE */
void x87_restore(struct x87_run *r);   /* FRSTOR */
