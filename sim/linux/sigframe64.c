/* Signal frames of 64-bit code, as a kernel without XSAVE builds them:
 *
 *     handler's rsp -> rt_sigframe, so that (rsp + 8) is a multiple of 16
 *                      the fxsave image at a multiple of 64
 *                      the red zone of the interrupted code (128 bytes), or the top of the alternate stack
 */
#include <string.h>

#include "linux.h"

enum { A_RESTORER = 0x04000000, A_ONSTACK = 0x08000000, A_SIGINFO = 4, SS_DISABLED = 2, RED_ZONE = 128, MIN_ALTSTACK = 2048 };
enum { UC_SIGCONTEXT_SS = 2, UC_STRICT_RESTORE_SS = 4 };
#define SS_AUTO_DISARM (1u << 31)

/* Floating point ----------------------------------------------------------------------------------------------------- */

static struct abi64_fxsave fp_image(const struct guest_cpu *c)
{
    const struct guest_x87 *x = &c->x87;
    struct abi64_fxsave fx;
    memset(&fx, 0, sizeof fx);
    fx.cw = x->cw;
    fx.sw = x->sw;
    fx.fop = x->fop;
    fx.fip = x->fip;
    fx.fdp = x->fdp;
    fx.mxcsr = c->mxcsr;
    fx.mxcsr_mask = 0xffff;
    for (unsigned i = 0; i < 8; i++) {
        unsigned phys = ((x->sw >> 11 & 7) + i) & 7;
        fx.tag |= (uint8_t)((x->tw >> (2 * i) & 3) != 3) << i;
        memcpy(fx.st[i], &x->mant[phys], 8);
        memcpy(fx.st[i] + 8, &x->se[phys], 2);
    }
    memcpy(fx.xmm, c->xmm, sizeof fx.xmm);
    return fx;
}

static bool fp_restore(struct linux_process *p, uint64_t at)
{
    struct guest_x87 *x = &p->cpu->x87;
    struct abi64_fxsave fx;
    if (!at) {
        sigframe_reset_fp(p->cpu);
        return true;
    }
    if (!user_get(p, &fx, at, sizeof fx) || (fx.mxcsr & ~0xffffu))
        return false;
    *x = (struct guest_x87){.cw = fx.cw, .sw = fx.sw, .fop = fx.fop, .fip = fx.fip, .fdp = fx.fdp};
    for (unsigned i = 0; i < 8; i++) {
        unsigned phys = ((x->sw >> 11 & 7) + i) & 7;
        x->tw |= (uint16_t)((fx.tag >> i & 1 ? 0 : 3) << (2 * i));
        memcpy(&x->mant[phys], fx.st[i], 8);
        memcpy(&x->se[phys], fx.st[i] + 8, 2);
    }
    memcpy(p->cpu->xmm, fx.xmm, sizeof fx.xmm);
    p->cpu->mxcsr = fx.mxcsr;
    return true;
}

/* Registers ---------------------------------------------------------------------------------------------------------- */

static struct abi64_sigcontext registers(const struct linux_process *p, uint64_t fpstate, uint64_t oldmask)
{
    const struct guest_cpu *c = p->cpu;
    const uint64_t *g = c->gpr;
    struct abi64_sigcontext sc = {
        .di = g[GUEST_RDI],
        .si = g[GUEST_RSI],
        .bp = g[GUEST_RBP],
        .bx = g[GUEST_RBX],
        .dx = g[GUEST_RDX],
        .ax = g[GUEST_RAX],
        .cx = g[GUEST_RCX],
        .sp = g[GUEST_RSP],
        .ip = c->rip,
        .flags = c->flags | c->sysflags,
        .cs = (uint16_t)c->seg_sel[GUEST_CS],
        .ss = (uint16_t)c->seg_sel[GUEST_SS],
        .err = p->trap_error,
        .trapno = p->trapno,
        .oldmask = oldmask,
        .cr2 = c->cr2,
        .fpstate = fpstate,
    };
    memcpy(&sc.r8, &g[GUEST_R8], 8 * sizeof sc.r8);
    return sc;
}

static void registers_restore(struct guest_cpu *c, const struct abi64_sigcontext *sc)
{
    enum { KEPT = EFL_AC | EFL_DF | EFL_TF | EFL_RF };
    uint64_t *g = c->gpr;
    g[GUEST_RDI] = sc->di;
    g[GUEST_RSI] = sc->si;
    g[GUEST_RBP] = sc->bp;
    g[GUEST_RBX] = sc->bx;
    g[GUEST_RDX] = sc->dx;
    g[GUEST_RAX] = sc->ax;
    g[GUEST_RCX] = sc->cx;
    g[GUEST_RSP] = sc->sp;
    memcpy(&g[GUEST_R8], &sc->r8, 8 * sizeof sc->r8);
    c->rip = sc->ip;
    c->flags = sc->flags & EFL_ARITH;
    c->sysflags = (c->sysflags & ~(uint64_t)KEPT) | (sc->flags & KEPT);
}

/* Frames ------------------------------------------------------------------------------------------------------------- */

static bool on_altstack(const struct linux_process *p, uint64_t sp)
{
    const struct abi64_stack *s = &p->altstack;
    return !((uint32_t)s->flags & SS_AUTO_DISARM) && sp > s->sp && sp - s->sp <= s->size;
}

bool sigframe64_push(struct linux_process *p, int signal, const struct linux_action *a, const struct abi64_siginfo *info,
                     uint64_t oldmask)
{
    struct guest_cpu *c = p->cpu;
    uint64_t sp = c->gpr[GUEST_RSP] - RED_ZONE;
    if ((a->flags & A_ONSTACK) && p->altstack.size && !on_altstack(p, c->gpr[GUEST_RSP]))
        sp = p->altstack.sp + p->altstack.size;
    struct abi64_fxsave fx = fp_image(c);
    uint64_t fpstate = (sp - sizeof fx) & ~UINT64_C(63);
    uint64_t at = ((fpstate - sizeof(struct abi64_rt_sigframe)) & ~UINT64_C(15)) - 8;
    struct abi64_rt_sigframe f = {.pretcode = a->restorer};
    f.uc.flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    f.uc.stack = p->altstack;
    f.uc.mcontext = registers(p, fpstate, oldmask);
    f.uc.sigmask = oldmask;
    if (a->flags & A_SIGINFO)
        f.info = *info;
    if (!(a->flags & A_RESTORER) || !user_put(p, fpstate, &fx, sizeof fx) || !user_put(p, at, &f, sizeof f))
        return false;
    if ((uint32_t)p->altstack.flags & SS_AUTO_DISARM)
        p->altstack = (struct abi64_stack){.flags = SS_DISABLED};
    c->gpr[GUEST_RDI] = (uint64_t)signal;
    c->gpr[GUEST_RSI] = at + offsetof(struct abi64_rt_sigframe, info);
    c->gpr[GUEST_RDX] = at + offsetof(struct abi64_rt_sigframe, uc);
    c->gpr[GUEST_RAX] = 0;
    c->gpr[GUEST_RSP] = at;
    c->rip = a->handler;
    c->sysflags &= ~(uint64_t)(EFL_DF | EFL_RF | EFL_TF);
    sigframe_reset_fp(c);
    return true;
}

bool sigframe64_pop(struct linux_process *p)
{
    enum { KILL_AND_STOP = 1 << 8 | 1 << 18 };
    struct abi64_rt_sigframe f;
    if (!user_get(p, &f, p->cpu->gpr[GUEST_RSP] - 8, sizeof f)) /* the handler's return has popped pretcode */
        return false;
    p->blocked = f.uc.sigmask & ~(uint64_t)KILL_AND_STOP;
    registers_restore(p->cpu, &f.uc.mcontext);
    if (!fp_restore(p, f.uc.mcontext.fpstate))
        return false;
    if (f.uc.stack.size == 0 || f.uc.stack.size >= MIN_ALTSTACK)
        p->altstack = f.uc.stack;
    return true;
}
