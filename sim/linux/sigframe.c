/* Signal frames on the guest's stack, as a 64-bit kernel without XSAVE builds them for a compatibility-mode process:
 *
 *     handler's esp -> sigframe or rt_sigframe, so that (esp + 4) is a multiple of 16
 *                      _fpstate: legacy fsave image (112 bytes), then the fxsave image at a multiple of 64
 *                      the interrupted stack, or the top of the alternate one
 */
#include <string.h>

#include "sigframe.h"

enum { RT_TRAMPOLINE = 16 /* offset in the signal page */ };
#define HIGH_ONES 0xffff0000u

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

static struct abi_fregs legacy_image(const struct linux_process *p)
{
    const struct guest_x87 *x = &p->cpu->x87;
    struct abi_fregs env;
    unsigned tags = 0;
    memset(&env, 0, sizeof env);
    for (unsigned i = 0; i < 8; i++) {
        unsigned phys = ((x->sw >> 11 & 7) + i) & 7;
        tags |= x87_tag(x, i) << (2 * i);
        memcpy(env.st[i], &x->mant[phys], 8);
        memcpy(env.st[i] + 8, &x->se[phys], 2);
    }
    env.cw = x->cw | HIGH_ONES;
    env.sw = x->sw | HIGH_ONES;
    env.tag = tags | HIGH_ONES;
    env.ipoff = (uint32_t)x->fip;
    env.cssel = p->cpu->seg_sel[GUEST_CS];
    env.dataoff = (uint32_t)x->fdp;
    env.datasel = p->cpu->seg_sel[GUEST_DS] | HIGH_ONES;
    env.status = x->sw;
    return env;
}

/* Control words and the stack come from the legacy part, as in the kernel; SSE state from the fxsave image. */
static bool fp_restore(struct linux_process *p, const struct abi_fregs *env, const struct abi64_fxsave *fx)
{
    struct guest_x87 *x = &p->cpu->x87;
    if (!fx_load_sse(p->cpu, fx, false))
        return false;
    x->cw = (uint16_t)env->cw;
    x->sw = (uint16_t)env->sw;
    x->tw = (uint16_t)env->tag;
    x->fip = env->ipoff;
    x->fdp = env->dataoff;
    x->fop = env->cssel >> 16 & 0x7ff;
    fx_load_stack(x, env->st[0], sizeof env->st[0]);
    return true;
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
    frame_set_flags(c, sc->flags);
    return true;
}

/* Frames ------------------------------------------------------------------------------------------------------------- */

static uint32_t frame_place(const struct linux_process *p, const struct linux_action *a, uint32_t frame_size, uint32_t *fpstate)
{
    uint32_t sp = (uint32_t)frame_stack(p, a, 0);
    uint32_t fx = (sp - (uint32_t)sizeof(struct abi64_fxsave)) & ~63u;
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
    frame_disarm(p);
    return true;
}

bool sigframe_push(struct linux_process *p, int signal, const struct linux_action *a, const struct abi64_siginfo *info,
                   uint64_t oldmask)
{
    bool rt = a->flags & A_SIGINFO;
    struct abi_fregs env = legacy_image(p);
    struct abi64_fxsave fx = fx_image(p->cpu, false);
    uint32_t fpstate;
    uint32_t at = frame_place(p, a, rt ? sizeof(struct abi_rt_sigframe) : sizeof(struct abi_sigframe), &fpstate);
    if (!user_put(p, fpstate, &env, sizeof env) || !user_put(p, fpstate + (uint32_t)sizeof env, &fx, sizeof fx))
        return false;
    if (!(rt ? push_rt(p, signal, a, info, oldmask, at, fpstate) : push_plain(p, signal, a, oldmask, at, fpstate)))
        return false;
    struct guest_cpu *c = p->cpu;
    c->gpr[GUEST_RAX] = (uint32_t)signal;
    segment_set(c, GUEST_DS, ABI_USER_DS);
    segment_set(c, GUEST_ES, ABI_USER_DS);
    segment_set(c, GUEST_SS, ABI_USER_DS);
    segment_set(c, GUEST_CS, ABI_USER_CS);
    frame_enter(c, a, at);
    return true;
}

static bool pop_fp(struct linux_process *p, uint64_t at)
{
    struct abi_fregs env;
    struct abi64_fxsave fx;
    if (!at) {
        sigframe_reset_fp(p->cpu);
        return true;
    }
    return user_get(p, &env, at, sizeof env) && user_get(p, &fx, at + (uint32_t)sizeof env, sizeof fx) &&
           fp_restore(p, &env, &fx);
}

bool sigframe_pop(struct linux_process *p, bool rt)
{
    uint32_t sp = (uint32_t)p->cpu->gpr[GUEST_RSP];
    struct abi_sigframe f;
    struct abi_rt_sigframe r;
    const struct abi_sigcontext *sc = rt ? &r.uc.mcontext : &f.sc;
    /* The handler's return has popped pretcode; the plain trampoline has also popped sig. */
    if (rt ? !user_get(p, &r, sp - 4, sizeof r) : !user_get(p, &f, sp - 8, sizeof f))
        return false;
    frame_set_mask(p, rt ? r.uc.sigmask : (uint64_t)f.extramask << 32 | f.sc.oldmask);
    if (!registers_restore(p, sc) || !pop_fp(p, sc->fpstate))
        return false;
    const struct abi_stack *s = &r.uc.stack;
    if (rt)
        frame_take_back(p, &(struct abi64_stack){.sp = s->sp, .flags = s->flags, .size = s->size});
    return true;
}
