/* Signal frames of 64-bit code, as a kernel without XSAVE builds them:
 *
 *     handler's rsp -> rt_sigframe, so that (rsp + 8) is a multiple of 16
 *                      the fxsave image at a multiple of 64
 *                      the red zone of the interrupted code (128 bytes), or the top of the alternate stack
 */
#include <string.h>

#include "sigframe.h"

enum { RED_ZONE = 128, UC_SIGCONTEXT_SS = 2, UC_STRICT_RESTORE_SS = 4 };

/* Floating point ----------------------------------------------------------------------------------------------------- */

static bool fp_restore(struct linux_process *p, uint64_t at)
{
    struct guest_x87 *x = &p->cpu->x87;
    struct abi64_fxsave fx;
    if (!at) {
        sigframe_reset_fp(p->cpu);
        return true;
    }
    if (!user_get(p, &fx, at, sizeof fx) || !fx_load_sse(p->cpu, &fx, true))
        return false;
    *x = (struct guest_x87){.cw = fx.cw, .sw = fx.sw, .fop = fx.fop, .fip = fx.fip, .fdp = fx.fdp};
    for (unsigned i = 0; i < 8; i++)
        x->tw |= (uint16_t)((fx.tag >> i & 1 ? 0 : 3) << (2 * i));
    fx_load_stack(x, fx.st[0], sizeof fx.st[0]);
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
    frame_set_flags(c, sc->flags);
}

/* Frames ------------------------------------------------------------------------------------------------------------- */

bool sigframe64_push(struct linux_process *p, int signal, const struct linux_action *a, const struct abi64_siginfo *info,
                     uint64_t oldmask)
{
    struct guest_cpu *c = p->cpu;
    struct abi64_fxsave fx = fx_image(c, true);
    uint64_t fpstate = (frame_stack(p, a, RED_ZONE) - sizeof fx) & ~UINT64_C(63);
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
    frame_disarm(p);
    c->gpr[GUEST_RDI] = (uint64_t)signal;
    c->gpr[GUEST_RSI] = at + offsetof(struct abi64_rt_sigframe, info);
    c->gpr[GUEST_RDX] = at + offsetof(struct abi64_rt_sigframe, uc);
    c->gpr[GUEST_RAX] = 0;
    frame_enter(c, a, at);
    return true;
}

bool sigframe64_pop(struct linux_process *p)
{
    struct abi64_rt_sigframe f;
    if (!user_get(p, &f, p->cpu->gpr[GUEST_RSP] - 8, sizeof f)) /* the handler's return has popped pretcode */
        return false;
    frame_set_mask(p, f.uc.sigmask);
    registers_restore(p->cpu, &f.uc.mcontext);
    if (!fp_restore(p, f.uc.mcontext.fpstate))
        return false;
    frame_take_back(p, &f.uc.stack);
    return true;
}
