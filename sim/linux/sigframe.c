/* Signal frames on the guest's stack, as a 64-bit kernel without XSAVE builds them for a compatibility-mode process:
 *
 *     handler's esp -> sigframe or rt_sigframe, so that (esp + 4) is a multiple of 16
 *                      _fpstate: legacy fsave image (112 bytes), then the fxsave image at a multiple of 64
 *                      the interrupted stack, or the top of the alternate one
 */
#include <string.h>

#include "linux.h"

enum { A_SIGINFO = 4, A_RESTORER = 0x04000000, A_ONSTACK = 0x08000000 };
enum { SS_DISABLED = 2, RT_TRAMPOLINE = 16 /* offset in the signal page */ };
#define SS_AUTO_DISARM (1u << 31)
#define HIGH_ONES      0xffff0000u

/* Floating point ----------------------------------------------------------------------------------------------------- */

static unsigned x87_tag(const struct guest_x87 *x, unsigned phys)
{
    uint16_t exponent = x->se[phys] & 0x7fff;
    if ((x->tw >> (2 * phys) & 3) == 3)
        return 3;
    if (exponent == 0x7fff)
        return 2;
    if (exponent == 0)
        return x->mant[phys] ? 2 : 1;
    return x->mant[phys] >> 63 ? 0 : 2;
}

static void fp_save(const struct linux_process *p, struct abi_fregs *env, struct abi_fxsave *fx)
{
    const struct guest_x87 *x = &p->cpu->x87;
    unsigned top = x->sw >> 11 & 7, tags = 0, full = 0;
    memset(env, 0, sizeof *env);
    memset(fx, 0, sizeof *fx);
    for (unsigned i = 0; i < 8; i++) {
        unsigned tag = x87_tag(x, i), phys = (top + i) & 7;
        full |= tag << (2 * i);
        tags |= (unsigned)(tag != 3) << i;
        memcpy(env->st[i], &x->mant[phys], 8);
        memcpy(env->st[i] + 8, &x->se[phys], 2);
        memcpy(fx->st[i], env->st[i], 10);
        memcpy(fx->xmm[i], p->cpu->xmm[i], 16);
    }
    env->cw = x->cw | HIGH_ONES;
    env->sw = x->sw | HIGH_ONES;
    env->tag = full | HIGH_ONES;
    env->ipoff = (uint32_t)x->fip;
    env->cssel = p->cpu->seg_sel[GUEST_CS];
    env->dataoff = (uint32_t)x->fdp;
    env->datasel = p->cpu->seg_sel[GUEST_DS] | HIGH_ONES;
    env->status = x->sw;
    env->magic = 0;
    fx->cw = x->cw;
    fx->sw = x->sw;
    fx->tag = (uint8_t)tags;
    fx->fop = x->fop;
    fx->fip = (uint32_t)x->fip;
    fx->fdp = (uint32_t)x->fdp;
    fx->mxcsr = p->cpu->mxcsr;
    fx->mxcsr_mask = 0xffff;
}

/* Control words and the stack come from the legacy part, as in the kernel; SSE state from the fxsave image. */
static bool fp_restore(struct linux_process *p, const struct abi_fregs *env, const struct abi_fxsave *fx)
{
    struct guest_x87 *x = &p->cpu->x87;
    if (fx->mxcsr & ~0xffffu)
        return false;
    x->cw = (uint16_t)env->cw;
    x->sw = (uint16_t)env->sw;
    x->tw = (uint16_t)env->tag;
    x->fip = env->ipoff;
    x->fdp = env->dataoff;
    x->fop = env->cssel >> 16 & 0x7ff;
    unsigned top = x->sw >> 11 & 7;
    for (unsigned i = 0; i < 8; i++) {
        unsigned phys = (top + i) & 7;
        memcpy(&x->mant[phys], env->st[i], 8);
        memcpy(&x->se[phys], env->st[i] + 8, 2);
        memcpy(p->cpu->xmm[i], fx->xmm[i], 16);
    }
    p->cpu->mxcsr = fx->mxcsr;
    return true;
}

void sigframe_reset_fp(struct guest_cpu *c)
{
    memset(&c->x87, 0, sizeof c->x87);
    memset(c->xmm, 0, sizeof c->xmm);
    c->x87.cw = 0x37f;
    c->x87.tw = 0xffff;
    c->mxcsr = 0x1f80;
}

/* Registers ---------------------------------------------------------------------------------------------------------- */

static void registers_save(const struct linux_process *p, struct abi_sigcontext *sc, uint32_t fpstate, uint64_t oldmask)
{
    const struct guest_cpu *c = p->cpu;
    const uint64_t *g = c->gpr;
    *sc = (struct abi_sigcontext){
        .gs = c->seg_sel[GUEST_GS],
        .fs = c->seg_sel[GUEST_FS],
        .es = c->seg_sel[GUEST_ES],
        .ds = c->seg_sel[GUEST_DS],
        .di = (uint32_t)g[GUEST_RDI],
        .si = (uint32_t)g[GUEST_RSI],
        .bp = (uint32_t)g[GUEST_RBP],
        .sp = (uint32_t)g[GUEST_RSP],
        .bx = (uint32_t)g[GUEST_RBX],
        .dx = (uint32_t)g[GUEST_RDX],
        .cx = (uint32_t)g[GUEST_RCX],
        .ax = (uint32_t)g[GUEST_RAX],
        .trapno = p->trapno,
        .err = p->trap_error,
        .ip = (uint32_t)c->rip,
        .cs = c->seg_sel[GUEST_CS],
        .flags = (uint32_t)(c->flags | c->sysflags),
        .sp_at_signal = (uint32_t)g[GUEST_RSP],
        .ss = c->seg_sel[GUEST_SS],
        .fpstate = fpstate,
        .oldmask = (uint32_t)oldmask,
        .cr2 = (uint32_t)c->cr2,
    };
}

static void segment_set(struct guest_cpu *c, enum guest_seg seg, uint32_t selector)
{
    uint32_t entry = (selector & 0xffff) >> 3;
    bool tls = entry >= ABI_GDT_TLS && entry < ABI_GDT_TLS + ABI_TLS_ENTRIES;
    bool flat = (selector & 0xfffc) == (ABI_USER_DS & ~3) || (selector & 0xfffc) == (ABI_USER_CS & ~3);
    c->seg_base[seg] = tls ? c->tls_base[entry - ABI_GDT_TLS] : 0;
    c->seg_sel[seg] = tls || flat ? (selector & 0xffff) | 3 : 0;
}

static bool registers_restore(struct linux_process *p, const struct abi_sigcontext *sc)
{
    enum { KEPT = EFL_AC | EFL_DF | EFL_TF | EFL_RF };
    struct guest_cpu *c = p->cpu;
    uint64_t *g = c->gpr;
    if ((sc->cs & 0xffff) != ABI_USER_CS || (sc->ss & 0xffff) != ABI_USER_DS)
        return false; /* 64-bit code and other stacks: no part of an i386 process here */
    segment_set(c, GUEST_GS, sc->gs);
    segment_set(c, GUEST_FS, sc->fs);
    segment_set(c, GUEST_ES, sc->es);
    segment_set(c, GUEST_DS, sc->ds);
    g[GUEST_RDI] = sc->di;
    g[GUEST_RSI] = sc->si;
    g[GUEST_RBP] = sc->bp;
    g[GUEST_RSP] = sc->sp;
    g[GUEST_RBX] = sc->bx;
    g[GUEST_RDX] = sc->dx;
    g[GUEST_RCX] = sc->cx;
    g[GUEST_RAX] = sc->ax;
    c->rip = sc->ip;
    c->flags = sc->flags & EFL_ARITH;
    c->sysflags = (c->sysflags & ~(uint64_t)KEPT) | (sc->flags & KEPT);
    return true;
}

/* Frames ------------------------------------------------------------------------------------------------------------- */

static bool on_altstack(const struct linux_process *p, uint32_t sp)
{
    const struct abi64_stack *s = &p->altstack;
    return !((uint32_t)s->flags & SS_AUTO_DISARM) && sp > s->sp && sp - s->sp <= s->size;
}

static uint32_t frame_place(const struct linux_process *p, const struct linux_action *a, uint32_t frame_size, uint32_t *fpstate)
{
    uint32_t sp = (uint32_t)p->cpu->gpr[GUEST_RSP];
    if ((a->flags & A_ONSTACK) && p->altstack.size && !on_altstack(p, sp))
        sp = (uint32_t)(p->altstack.sp + p->altstack.size);
    uint32_t fx = (sp - (uint32_t)sizeof(struct abi_fxsave)) & ~63u;
    *fpstate = fx - (uint32_t)sizeof(struct abi_fregs);
    return ((*fpstate - frame_size + 4) & ~15u) - 4;
}

static bool push_plain(struct linux_process *p, int signal, const struct linux_action *a, uint64_t oldmask, uint32_t at,
                       uint32_t fpstate)
{
    static const uint8_t retcode[8] = {0x58, 0xb8, 0x77, 0, 0, 0, 0xcd, 0x80};
    struct abi_sigframe f;
    memset(&f, 0, sizeof f);
    f.pretcode = a->flags & A_RESTORER ? (uint32_t)a->restorer : (uint32_t)p->space->sigpage;
    f.sig = signal;
    registers_save(p, &f.sc, fpstate, oldmask);
    f.extramask = (uint32_t)(oldmask >> 32);
    memcpy(f.retcode, retcode, sizeof retcode);
    if (!user_put(p, at, &f, sizeof f))
        return false;
    p->cpu->gpr[GUEST_RDX] = 0;
    p->cpu->gpr[GUEST_RCX] = 0;
    return true;
}

static bool push_rt(struct linux_process *p, int signal, const struct linux_action *a, const struct abi64_siginfo *info,
                    uint64_t oldmask, uint32_t at, uint32_t fpstate)
{
    static const uint8_t retcode[8] = {0xb8, 0xad, 0, 0, 0, 0xcd, 0x80, 0};
    struct abi_rt_sigframe f;
    memset(&f, 0, sizeof f);
    f.pretcode = a->flags & A_RESTORER ? (uint32_t)a->restorer : (uint32_t)p->space->sigpage + RT_TRAMPOLINE;
    f.sig = signal;
    f.pinfo = at + (uint32_t)offsetof(struct abi_rt_sigframe, info);
    f.puc = at + (uint32_t)offsetof(struct abi_rt_sigframe, uc);
    f.info = siginfo_narrow(info);
    registers_save(p, &f.uc.mcontext, fpstate, oldmask);
    f.uc.sigmask = oldmask;
    f.uc.stack = (struct abi_stack){(uint32_t)p->altstack.sp, p->altstack.flags, (uint32_t)p->altstack.size};
    memcpy(f.retcode, retcode, sizeof retcode);
    if (!user_put(p, at, &f, sizeof f))
        return false;
    p->cpu->gpr[GUEST_RDX] = f.pinfo;
    p->cpu->gpr[GUEST_RCX] = f.puc;
    if ((uint32_t)p->altstack.flags & SS_AUTO_DISARM)
        p->altstack = (struct abi64_stack){.flags = SS_DISABLED};
    return true;
}

bool sigframe_push(struct linux_process *p, int signal, const struct linux_action *a, const struct abi64_siginfo *info,
                   uint64_t oldmask)
{
    bool rt = a->flags & A_SIGINFO;
    struct abi_fregs env;
    struct abi_fxsave fx;
    uint32_t fpstate;
    uint32_t at = frame_place(p, a, rt ? sizeof(struct abi_rt_sigframe) : sizeof(struct abi_sigframe), &fpstate);
    fp_save(p, &env, &fx);
    if (!user_put(p, fpstate, &env, sizeof env) || !user_put(p, fpstate + (uint32_t)sizeof env, &fx, sizeof fx))
        return false;
    if (!(rt ? push_rt(p, signal, a, info, oldmask, at, fpstate) : push_plain(p, signal, a, oldmask, at, fpstate)))
        return false;
    struct guest_cpu *c = p->cpu;
    c->gpr[GUEST_RAX] = (uint32_t)signal;
    c->gpr[GUEST_RSP] = at;
    c->rip = a->handler;
    c->sysflags &= ~(uint64_t)(EFL_DF | EFL_RF | EFL_TF);
    segment_set(c, GUEST_DS, ABI_USER_DS);
    segment_set(c, GUEST_ES, ABI_USER_DS);
    segment_set(c, GUEST_SS, ABI_USER_DS);
    segment_set(c, GUEST_CS, ABI_USER_CS);
    sigframe_reset_fp(p->cpu);
    return true;
}

static bool pop_fp(struct linux_process *p, uint64_t at)
{
    struct abi_fregs env;
    struct abi_fxsave fx;
    if (!at) {
        sigframe_reset_fp(p->cpu);
        return true;
    }
    return user_get(p, &env, at, sizeof env) && user_get(p, &fx, at + (uint32_t)sizeof env, sizeof fx) &&
           fp_restore(p, &env, &fx);
}

bool sigframe_pop(struct linux_process *p, bool rt)
{
    enum { KILL_AND_STOP = 1 << 8 | 1 << 18 };
    uint32_t sp = (uint32_t)p->cpu->gpr[GUEST_RSP];
    struct abi_sigframe f;
    struct abi_rt_sigframe r;
    const struct abi_sigcontext *sc = rt ? &r.uc.mcontext : &f.sc;
    /* The handler's return has popped pretcode; the plain trampoline has also popped sig. */
    if (rt ? !user_get(p, &r, sp - 4, sizeof r) : !user_get(p, &f, sp - 8, sizeof f))
        return false;
    p->blocked = (rt ? r.uc.sigmask : (uint64_t)f.extramask << 32 | f.sc.oldmask) & ~(uint64_t)KILL_AND_STOP;
    if (!registers_restore(p, sc) || !pop_fp(p, sc->fpstate))
        return false;
    if (rt && (r.uc.stack.size == 0 || r.uc.stack.size >= 2048))
        p->altstack = (struct abi64_stack){.sp = r.uc.stack.sp, .flags = r.uc.stack.flags, .size = r.uc.stack.size};
    return true;
}
