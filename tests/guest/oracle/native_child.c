/* The process that runs cases natively. Each end, INT3 or exception, is a signal on a stack of its own: its frame has the guest's
 * whole state, whatever the guest did to the registers. The handler takes that, puts the next case's state into the same frame and
 * returns. So there is no way back to be kept, and no instruction of the guest's is traced.
 */
#include <asm/sigcontext.h>

#include "child_call.h"
#include "native.h"

enum { SA_FLAGS = 0x4 | 0x04000000 | 0x08000000 | 0x40000000, SIGNAL_SET = 8, ARCH_SET_GS = 0x1001, ARCH_SET_FS = 0x1002 };
enum { FXSAVE_IN_FRAME = sizeof(long) == 4 ? 112 : 0 }; /* 32-bit frames have an FNSAVE image before */

#if defined(__x86_64__)
typedef struct sigcontext_64 machine_context;
#else
typedef struct sigcontext_32 machine_context;
#endif

struct context {
    unsigned long flags;
    void *link;
    struct {
        void *sp;
        int flags;
        unsigned long size;
    } stack;
    machine_context m;
};

struct action {
    void (*handler)(int, void *, struct context *);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

/* The state is at work after its first byte came. */
static bool started;

static struct native_shared *shared(void) { return (struct native_shared *)NATIVE_SHARED; }

static void copy(void *to, const void *from, unsigned long n)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

static void quit(int status)
{
    for (;;)
        call(__NR_exit, status, 0, 0, 0, 0, 0);
}

/* The registers that hold floating-point numbers, as FXSAVE lays them out. */
static void get_fp(const struct context *c, struct oracle_state *s)
{
    const struct _fpstate_64 *fx = (const struct _fpstate_64 *)((unsigned long)c->m.fpstate + FXSAVE_IN_FRAME);
    copy(s->xmm, fx->xmm_space, sizeof(long) == 4 ? sizeof s->xmm / 2 : sizeof s->xmm);
    for (unsigned i = 0; i < 8; i++) {
        unsigned phys = ((unsigned)(fx->swd >> 11) + i) & 7;
        copy(&s->st[phys], &fx->st_space[4 * i], 8);
        copy(&s->se[phys], &fx->st_space[4 * i + 2], 2);
    }
    s->mxcsr = fx->mxcsr;
    s->fcw = fx->cwd;
    s->fsw = fx->swd;
    s->st_used = (uint8_t)fx->twd;
}

static void set_fp(struct context *c, const struct oracle_state *s)
{
    struct _fpstate_64 *fx = (struct _fpstate_64 *)((unsigned long)c->m.fpstate + FXSAVE_IN_FRAME);
    copy(fx->xmm_space, s->xmm, sizeof(long) == 4 ? sizeof s->xmm / 2 : sizeof s->xmm);
    fx->mxcsr = s->mxcsr;
    if (fx->sw_reserved.magic1 == FP_XSTATE_MAGIC1)
        ((struct _header *)(fx + 1))->xfeatures |= 3;
#if defined(__x86_64__)
    fx->cwd = s->fcw;
    fx->swd = s->fsw;
    fx->twd = s->st_used;
    fx->fop = 0;
    fx->rip = fx->rdp = 0;
#else
    struct _fpstate_32 *env = (struct _fpstate_32 *)c->m.fpstate;
    env->cw = s->fcw;
    env->sw = s->fsw;
    env->tag = env->ipoff = env->cssel = env->dataoff = env->datasel = 0;
    for (unsigned i = 0; i < 8; i++)
        env->tag |= (s->st_used >> i & 1 ? 0u : 3u) << (2 * i); /* the kernel asks only which are empty */
#endif
    for (unsigned i = 0; i < 8; i++) {
        unsigned phys = ((unsigned)(s->fsw >> 11) + i) & 7;
#if defined(__x86_64__)
        copy(&fx->st_space[4 * i], &s->st[phys], 8);
        copy(&fx->st_space[4 * i + 2], &s->se[phys], 2);
#else
        copy(&env->_st[i].significand, &s->st[phys], 8);
        env->_st[i].exponent = s->se[phys];
#endif
    }
}

static void get_state(const struct context *c, struct oracle_state *s)
{
    const machine_context *m = &c->m;
    s->gpr[GUEST_RAX] = m->ax;
    s->gpr[GUEST_RCX] = m->cx;
    s->gpr[GUEST_RDX] = m->dx;
    s->gpr[GUEST_RBX] = m->bx;
    s->gpr[GUEST_RSP] = m->sp;
    s->gpr[GUEST_RBP] = m->bp;
    s->gpr[GUEST_RSI] = m->si;
    s->gpr[GUEST_RDI] = m->di;
    s->rip = m->ip;
    s->eflags = (uint32_t)m->flags;
    s->seg[GUEST_CS] = m->cs;
    s->seg[GUEST_SS] = m->ss;
#if defined(__x86_64__)
    copy(&s->gpr[8], &m->r8, 8 * 8);
    uint16_t es, ds, fs, gs;
    __asm__ volatile("mov %%es, %0; mov %%ds, %1; mov %%fs, %2; mov %%gs, %3" : "=r"(es), "=r"(ds), "=r"(fs), "=r"(gs));
    s->seg[GUEST_ES] = es;
    s->seg[GUEST_DS] = ds;
    s->seg[GUEST_FS] = fs;
    s->seg[GUEST_GS] = gs;
#else
    s->seg[GUEST_ES] = m->es;
    s->seg[GUEST_DS] = m->ds;
    s->seg[GUEST_FS] = m->fs;
    s->seg[GUEST_GS] = m->gs;
#endif
    s->vector = (int32_t)m->trapno;
    s->error = (int32_t)m->err;
    s->addr = m->trapno == 14 ? m->cr2 : 0;
    if (shared()->sse)
        get_fp(c, s);
}

static void set_state(struct context *c, const struct oracle_state *s)
{
    machine_context *m = &c->m;
    m->ax = s->gpr[GUEST_RAX];
    m->cx = s->gpr[GUEST_RCX];
    m->dx = s->gpr[GUEST_RDX];
    m->bx = s->gpr[GUEST_RBX];
    m->sp = s->gpr[GUEST_RSP];
    m->bp = s->gpr[GUEST_RBP];
    m->si = s->gpr[GUEST_RSI];
    m->di = s->gpr[GUEST_RDI];
    m->ip = s->rip;
    m->flags = s->eflags;
    m->cs = s->seg[GUEST_CS];
    m->ss = s->seg[GUEST_SS];
#if defined(__x86_64__)
    copy(&m->r8, &s->gpr[8], 8 * 8);
#else
    m->es = s->seg[GUEST_ES];
    m->ds = s->seg[GUEST_DS];
    m->fs = s->seg[GUEST_FS];
    m->gs = s->seg[GUEST_GS];
#endif
    if (shared()->sse)
        set_fp(c, s);
}

/* Reports a batch as done, if one was begun, and waits for the next. */
static void wait_for_parent(void)
{
    char byte = 0;
    if (started && call(__NR_write, NATIVE_SOCKET, (long)&byte, 1, 0, 0, 0) != 1)
        quit(0);
    if (call(__NR_read, NATIVE_SOCKET, (long)&byte, 1, 0, 0, 0) != 1)
        quit(0);
}

static void handler(int signal, void *info, struct context *c)
{
    struct native_shared *sh = shared();
    (void)signal, (void)info;
    if (started) {
        struct native_case *done = &sh->cases[sh->at];
        get_state(c, &done->after);
        copy(done->mem.data, sh->mem.data, ORACLE_RW_SIZE);
        sh->at++;
    }
    if (!started || sh->at >= sh->count)
        wait_for_parent();
    started = true;
    const struct native_case *next = &sh->cases[sh->at];
    copy(&sh->mem, &next->mem, sizeof sh->mem);
    set_state(c, &next->before);
}

void restorer(void);
#if defined(__x86_64__)
__asm__(".globl restorer\nrestorer: mov $15, %eax\n\tsyscall");
#else
__asm__(".globl restorer\nrestorer: mov $173, %eax\n\tint $0x80");
#endif

static void take_signals(void)
{
    static const int signals[] = {4, 5, 7, 8, 11};
    const struct {
        void *sp;
        int flags;
        unsigned long size;
    } stack = {(void *)NATIVE_STACK, 0, NATIVE_STACK_SIZE};
    const struct action a = {.handler = handler, .flags = SA_FLAGS, .restorer = restorer};
    long r = call(__NR_sigaltstack, (long)&stack, 0, 0, 0, 0, 0);
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
        r |= call(__NR_rt_sigaction, signals[i], (long)&a, 0, SIGNAL_SET, 0, 0);
    if (r)
        quit(4);
}

/* No page of the guest's is to be missing for the kernel alone: error codes would tell. */
static void touch(void)
{
    for (unsigned long i = 0; i < ORACLE_DATA_SIZE; i += 4096)
        (void)*(volatile uint8_t *)(ORACLE_DATA + i);
    for (unsigned long i = 0; i < ORACLE_RW_SIZE; i += 4096)
        *(volatile uint8_t *)(ORACLE_DATA + i) = 0;
    (void)*(volatile uint8_t *)ORACLE_CODE;
}

void _start(void)
{
    enum { ANONYMOUS_FIXED = 0x32 };
    map_guest();
    map(NATIVE_SHARED, (sizeof(struct native_shared) + 4095) & ~4095u, READ | WRITE, 0);
    if (call(NR_MAP, NATIVE_STACK, NATIVE_STACK_SIZE, READ | WRITE, ANONYMOUS_FIXED, -1, 0) != NATIVE_STACK)
        quit(3);
    touch();
    take_signals();
#if defined(__x86_64__)
    call(__NR_arch_prctl, ARCH_SET_FS, ORACLE_FS, 0, 0, 0, 0);
    call(__NR_arch_prctl, ARCH_SET_GS, ORACLE_TLS, 0, 0, 0, 0);
    /* Neither stack nor vdso from here on. */
    __asm__ volatile("mov $11, %%eax\n\tmov $0x60000000, %%edi\n\tmovabs $0x7fff9ffff000, %%rsi\n\tsyscall\n\tint3\n\t" ::
                         : "memory");
#else
    __asm__ volatile("mov $91, %%eax\n\tmov $0x60000000, %%ebx\n\tmov $0x9fffe000, %%ecx\n\tint $0x80\n\tint3\n\t" ::
                         : "memory");
#endif
    for (;;)
        ;
}
