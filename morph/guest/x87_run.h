/* One x87 instruction on its way: the stack, flags and exceptions; internal to x87.c and x87_state.c. */
#pragma once
#include "../morph.h"
#include "../port.h"
#include "ginsn.h"
#include "x87.h"
#include "x87_num.h"

struct x87_run {
    struct guest_cpu *cpu;
    struct guest_x87 *f;
    const struct ginsn *g;
    uint64_t ea;
    struct x87_env e;
};

enum { TAG_VALID, TAG_ZERO, TAG_SPECIAL, TAG_EMPTY };

static inline unsigned x87_top(const struct guest_x87 *f)
{
    return f->sw >> 11 & 7;
}

static inline void x87_set_top(struct guest_x87 *f, unsigned top)
{
    f->sw = (uint16_t)((f->sw & ~0x3800) | (top & 7) << 11);
}

static inline unsigned x87_tag(const struct guest_x87 *f, unsigned phys)
{
    return f->tw >> (2 * phys) & 3;
}

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

/* x87_state.c */
unsigned x87_tag_of(struct f80 v);
void x87_init(struct guest_x87 *f);
void x87_load_cw(struct guest_x87 *f, uint16_t cw);
void x87_store_env(struct x87_run *r); /* FNSTENV */
void x87_load_env(struct x87_run *r);  /* FLDENV */
void x87_save(struct x87_run *r);      /* FNSAVE */
void x87_restore(struct x87_run *r);   /* FRSTOR */
