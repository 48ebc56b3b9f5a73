/* What the signal frames of both word sizes have in common: the fxsave image, the alternate stack, the handler's first state. */
#include <string.h>

#include "sigframe.h"

enum { SS_DISABLED = 2, MIN_ALTSTACK = 2048 };
#define SS_AUTO_DISARM (1u << 31)

struct abi64_fxsave fx_image(const struct guest_cpu *c, bool wide)
{
    const struct guest_x87 *x = &c->x87;
    struct abi64_fxsave fx;
    memset(&fx, 0, sizeof fx);
    fx.cw = x->cw;
    fx.sw = x->sw;
    fx.fop = x->fop;
    fx.fip = wide ? x->fip : (uint32_t)x->fip;
    fx.fdp = wide ? x->fdp : (uint32_t)x->fdp;
    fx.mxcsr = c->mxcsr;
    fx.mxcsr_mask = 0xffff;
    for (unsigned i = 0; i < 8; i++) {
        unsigned phys = ((x->sw >> 11 & 7) + i) & 7;
        fx.tag |= (uint8_t)((x->tw >> (2 * i) & 3) != 3) << i;
        memcpy(fx.st[i], &x->mant[phys], 8);
        memcpy(fx.st[i] + 8, &x->se[phys], 2);
    }
    memcpy(fx.xmm, c->xmm, (wide ? 16 : 8) * sizeof *fx.xmm); /* 32-bit code sees eight of them */
    return fx;
}

bool fx_load_sse(struct guest_cpu *c, const struct abi64_fxsave *fx, bool wide)
{
    if (fx->mxcsr & ~0xffffu)
        return false;
    memcpy(c->xmm, fx->xmm, (wide ? 16 : 8) * sizeof *fx->xmm);
    c->mxcsr = fx->mxcsr;
    return true;
}

void fx_load_stack(struct guest_x87 *x, const uint8_t *st, size_t stride)
{
    for (unsigned i = 0; i < 8; i++, st += stride) {
        unsigned phys = ((x->sw >> 11 & 7) + i) & 7;
        memcpy(&x->mant[phys], st, 8);
        memcpy(&x->se[phys], st + 8, 2);
    }
}

void sigframe_reset_fp(struct guest_cpu *c)
{
    memset(&c->x87, 0, sizeof c->x87);
    memset(c->xmm, 0, sizeof c->xmm);
    c->x87.cw = 0x37f;
    c->x87.tw = 0xffff;
    c->mxcsr = 0x1f80;
}

void frame_set_flags(struct guest_cpu *c, uint64_t flags)
{
    enum { KEPT = EFL_AC | EFL_DF | EFL_TF | EFL_RF };
    c->flags = flags & EFL_ARITH;
    c->sysflags = (c->sysflags & ~(uint64_t)KEPT) | (flags & KEPT);
}

void frame_enter(struct guest_cpu *c, const struct linux_action *a, uint64_t frame)
{
    c->gpr[GUEST_RSP] = frame;
    c->rip = a->handler;
    c->sysflags &= ~(uint64_t)(EFL_DF | EFL_RF | EFL_TF);
    sigframe_reset_fp(c);
}

uint64_t frame_stack(const struct linux_process *p, const struct linux_action *a, uint64_t below)
{
    const struct abi64_stack *s = &p->altstack;
    uint64_t sp = p->cpu->gpr[GUEST_RSP];
    return (a->flags & A_ONSTACK) && s->size && !frame_on_altstack(p, sp) ? s->sp + s->size : sp - below;
}

bool frame_on_altstack(const struct linux_process *p, uint64_t sp)
{
    const struct abi64_stack *s = &p->altstack;
    return !((uint32_t)s->flags & SS_AUTO_DISARM) && sp > s->sp && sp - s->sp <= s->size;
}

void frame_disarm(struct linux_process *p)
{
    if ((uint32_t)p->altstack.flags & SS_AUTO_DISARM)
        p->altstack = (struct abi64_stack){.flags = SS_DISABLED};
}

void frame_take_back(struct linux_process *p, const struct abi64_stack *s)
{
    if (s->size == 0 || s->size >= MIN_ALTSTACK)
        p->altstack = *s;
}

void frame_set_mask(struct linux_process *p, uint64_t mask)
{
    enum { KILL_AND_STOP = 1 << 8 | 1 << 18 };
    p->blocked = mask & ~(uint64_t)KILL_AND_STOP;
}
