/* Signals: exceptions become them, pending ones are delivered before the guest goes on. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "syscalls.h"

enum { SIG_DEFAULT = 0, SIG_IGNORED = 1, CODE_KERNEL = 0x80 };
enum { FIRST_QUEUED = 32 /* the first signal of real time */, MOST_QUEUED = 1024 };
enum { F_RESTART = 0x10000000, F_NODEFER = 0x40000000 };
#define F_ONESHOT 0x80000000u
enum {
    VEC_DE = 0,
    VEC_DB = 1,
    VEC_BP = 3,
    VEC_UD = 6,
    VEC_NP = 11,
    VEC_SS = 12,
    VEC_PF = 14,
    VEC_MF = 16,
    VEC_AC = 17,
    VEC_XF = 19
};

static uint64_t bit(int signal) { return UINT64_C(1) << (signal - 1); }

#define UNBLOCKABLE (bit(SIGKILL) | bit(SIGSTOP))

const char *linux_signal_name(int signal)
{
    const char *name = signal > 0 && signal < LINUX_SIGNALS ? sigabbrev_np(signal) : NULL;
    return name ? name : "?";
}

static bool ignored_by_default(int signal)
{
    return signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT;
}

static bool ignored(const struct linux_group *g, int signal)
{
    uint64_t handler = g->action[signal].handler;
    return handler == SIG_IGNORED || (handler == SIG_DEFAULT && ignored_by_default(signal));
}

static bool stops(int signal) { return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU; }

/* SIGCONT and SIGKILL make a stopped process run again when they are sent, whatever it thinks of them. */
static void go_on(struct linux_group *g, struct linux_pending *to, int signal)
{
    const uint64_t stopping = bit(SIGSTOP) | bit(SIGTSTP) | bit(SIGTTIN) | bit(SIGTTOU);
    if (signal == SIGCONT)
        linux_unqueue(to, stopping);
    else if (stops(signal))
        linux_unqueue(to, bit(SIGCONT));
    if (g->stopped && (signal == SIGCONT || signal == SIGKILL)) {
        g->stopped = 0;
        g->stop_is_news = false;
        g->cont_is_news = signal == SIGCONT;
    }
}

/* One more signal that waits. Where there is no memory for it, or too many wait, that it was sent is all that is known. */
static bool enqueue(struct linux_pending *to, const struct abi64_siginfo *info)
{
    struct linux_queued **end = &to->first, *q = malloc(sizeof *q);
    to->set |= bit(info->signo);
    if (!q)
        return false;
    while (*end)
        end = &(*end)->next;
    *end = q;
    *q = (struct linux_queued){.info = *info};
    return true;
}

/* Takes the first signal of that number. */
static struct abi64_siginfo take(struct linux_pending *from, int signal)
{
    struct abi64_siginfo info = {.signo = signal};
    struct linux_queued **at = &from->first, *q;
    while (*at && (*at)->info.signo != signal)
        at = &(*at)->next;
    if ((q = *at)) {
        info = q->info;
        *at = q->next;
        free(q);
    }
    while (*at && (*at)->info.signo != signal)
        at = &(*at)->next;
    if (!*at)
        from->set &= ~bit(signal);
    return info;
}

void linux_unqueue(struct linux_pending *from, uint64_t set)
{
    struct linux_queued **at = &from->first;
    from->set &= ~set;
    while (*at) {
        struct linux_queued *q = *at;
        if (set & bit(q->info.signo)) {
            *at = q->next;
            free(q);
        } else {
            at = &q->next;
        }
    }
}

bool pending_has_timer(const struct linux_pending *q, int signal, int32_t id)
{
    for (const struct linux_queued *i = q->first; i; i = i->next)
        if (i->info.signo == signal && i->info.code == SI_TIMER && i->info.kill.pid == id)
            return true;
    return false;
}

static unsigned count(const struct linux_pending *q)
{
    unsigned n = 0;
    for (const struct linux_queued *i = q->first; i; i = i->next)
        n++;
    return n;
}

bool linux_queue(struct linux_group *g, struct linux_pending *to, uint64_t blocked, const struct abi64_siginfo *info)
{
    go_on(g, to, info->signo);
    bool again = to->set & bit(info->signo);
    if ((again && info->signo < FIRST_QUEUED) || (ignored(g, info->signo) && !(blocked & bit(info->signo))))
        return true;
    if (again && count(to) >= MOST_QUEUED)
        return false;
    return enqueue(to, info);
}

void linux_raise(struct linux_process *p, int signal, int code)
{
    struct abi64_siginfo info = {.signo = signal, .code = code};
    info.kill.pid = p->k->current->group->pid;
    info.kill.uid = getuid();
    linux_queue(p->group, &p->pending, p->blocked, &info);
}

/* What threads of the process block: a signal to all of them is kept if one of them might want it later. */
uint64_t group_blocked(const struct linux_kernel *k, const struct linux_group *g)
{
    uint64_t blocked = 0;
    for (const struct linux_process *t = k->tasks; t; t = t->next)
        if (!t->dead && t->group == g)
            blocked |= t->blocked;
    return blocked;
}

void linux_raise_group(struct linux_kernel *k, struct linux_group *g, int signal, int code, const struct linux_process *from)
{
    struct abi64_siginfo info = {.signo = signal, .code = code};
    info.kill.pid = from ? from->group->pid : 0;
    info.kill.uid = from ? getuid() : 0;
    if (!g->zombie)
        linux_queue(g, &g->pending, group_blocked(k, g), &info);
}

bool linux_signal_waits(const struct linux_process *p)
{
    uint64_t ready = (p->pending.set | p->group->pending.set) & ~p->blocked;
    for (int i = 1; i < LINUX_SIGNALS; i++)
        if ((ready & bit(i)) && !ignored(p->group, i))
            return true;
    return false;
}

/* A signal that the kernel forces on the process: one that is blocked or ignored kills. */
static void force(struct linux_process *p, int signal, int code, uint64_t addr)
{
    struct abi64_siginfo info = {.signo = signal, .code = code};
    info.addr = addr;
    if ((p->blocked & bit(signal)) || p->group->action[signal].handler == SIG_IGNORED) {
        p->group->action[signal].handler = SIG_DEFAULT;
        p->blocked &= ~bit(signal);
    }
    linux_unqueue(&p->pending, bit(signal));
    enqueue(&p->pending, &info);
}

void linux_force_segv(struct linux_process *p) { force(p, SIGSEGV, CODE_KERNEL, 0); }

/* Exceptions --------------------------------------------------------------------------------------------------------- */

static int fp_code(uint32_t status, uint32_t masked)
{
    uint32_t e = status & ~masked;
    if (e & 1)
        return FPE_FLTINV;
    if (e & 4)
        return FPE_FLTDIV;
    if (e & 8)
        return FPE_FLTOVF;
    if (e & 0x12)
        return FPE_FLTUND;
    return e & 0x20 ? FPE_FLTRES : 0;
}

static void page_fault(struct linux_process *p, uint32_t error, uint64_t address)
{
    enum { ERROR_PRESENT = 1, ERROR_WRITE = 2, ERROR_FETCH = 16, USER_BITS = 47 };
    int access = error & ERROR_FETCH ? MM_EXEC : error & ERROR_WRITE ? MM_WRITE : MM_READ;
    enum mm_fault r = address >> USER_BITS ? MM_FAULT_MAPERR : mm_fault(p->mm, address, access);
    if (address >> USER_BITS) /* the kernel tells nobody what it has mapped itself */
        p->trap_error |= ERROR_PRESENT;
    uint64_t size = p->mm->mem.size;
    switch (r) {
    case MM_FAULT_FIXED: return;
    case MM_FAULT_BUS: force(p, SIGBUS, BUS_ADRERR, address); return;
    case MM_FAULT_NOMEM:
        linux_kill(p, SIGKILL);
        if (p->k->end != LINUX_RUNNING)
            snprintf(p->k->end_text, sizeof p->k->end_text, "guest memory is used up (%llu MiB); raise memory.dram_mib",
                     (unsigned long long)(size >> 20));
        return;
    default: force(p, SIGSEGV, r == MM_FAULT_MAPERR ? SEGV_MAPERR : SEGV_ACCERR, address);
    }
}

void linux_exception(struct linux_kernel *k, unsigned vector, uint32_t error, uint64_t address)
{
    struct linux_process *p = k->current;
    uint64_t ip = p->cpu->rip;
    p->trapno = vector;
    p->trap_error = error;
    switch (vector) {
    case VEC_DE: force(p, SIGFPE, FPE_INTDIV, ip); break;
    case VEC_DB: force(p, SIGTRAP, p->cpu->sysflags & EFL_TF ? TRAP_TRACE : TRAP_BRKPT, ip); break;
    case VEC_BP: force(p, SIGTRAP, CODE_KERNEL, 0); break;
    case VEC_UD: force(p, SIGILL, ILL_ILLOPN, ip); break;
    case VEC_NP:
    case VEC_SS: force(p, SIGBUS, CODE_KERNEL, 0); break;
    case VEC_PF: page_fault(p, error, p->cpu->mode == GUEST_X86_64 ? address : (uint32_t)address); break;
    case VEC_MF: force(p, SIGFPE, fp_code(p->cpu->x87.sw, p->cpu->x87.cw & 0x3f), ip); break;
    case VEC_AC: force(p, SIGBUS, BUS_ADRALN, 0); break;
    case VEC_XF: force(p, SIGFPE, fp_code(p->cpu->mxcsr, p->cpu->mxcsr >> 7 & 0x3f), ip); break;
    default: force(p, SIGSEGV, CODE_KERNEL, 0); break; /* overflow, bound, general protection */
    }
    if (!p->dead)
        linux_deliver(p);
    if (k->end == LINUX_RUNNING && (p->dead || p->group->stopped || linux_turn_over(k)))
        linux_schedule(k);
}

/* Delivery ----------------------------------------------------------------------------------------------------------- */

static int next_signal(uint64_t ready)
{
    static const int synchronous[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS};
    uint64_t first = 0;
    for (size_t i = 0; i < sizeof synchronous / sizeof *synchronous; i++)
        first |= bit(synchronous[i]);
    if (ready & first)
        ready &= first;
    return __builtin_ctzll(ready) + 1;
}

static void default_action(struct linux_process *p, int signal, const struct abi64_siginfo *info)
{
    if (ignored_by_default(signal))
        return;
    if (stops(signal)) {
        struct linux_group *g = p->group;
        g->stopped = signal;
        g->stop_is_news = true;
        g->cont_is_news = false;
        if (g->parent && !(g->parent->action[SIGCHLD].flags & SA_NOCLDSTOP))
            group_tell_parent(p->k, g, CLD_STOPPED, signal);
        return;
    }
    p->k->end_info = *info;
    linux_kill(p, signal);
}

/* The call that the signal has interrupted is made again after the handler, or fails. */
static void settle_call(struct linux_process *p, bool again)
{
    enum { CALL_BYTES = 2 /* int 0x80 and syscall */ };
    if (!p->interrupted)
        return;
    p->interrupted = false;
    if (again)
        p->cpu->rip -= CALL_BYTES;
    p->cpu->gpr[GUEST_RAX] = again ? p->restart_number : p->cpu->mode == GUEST_X86_64 ? (uint64_t)-EINTR : (uint32_t)-EINTR;
}

static void deliver_one(struct linux_process *p, struct linux_pending *from, int signal)
{
    struct linux_action *slot = &p->group->action[signal], a = *slot;
    struct abi64_siginfo info = take(from, signal);
    timer_taken(p, &info);
    if (a.handler == SIG_IGNORED)
        return;
    if (a.handler == SIG_DEFAULT) {
        default_action(p, signal, &info);
        return;
    }
    if (a.flags & F_ONESHOT)
        slot->handler = SIG_DEFAULT;
    settle_call(p, p->restart && (a.flags & F_RESTART));
    uint64_t old = p->restore_mask ? p->saved_mask : p->blocked;
    p->restore_mask = false;
    bool wide = p->cpu->mode == GUEST_X86_64;
    if (!rseq_leave(p) || !(wide ? sigframe64_push : sigframe_push)(p, signal, &a, &info, old)) {
        if (signal == SIGSEGV || p->group->action[SIGSEGV].handler <= SIG_IGNORED || (p->blocked & bit(SIGSEGV))) {
            p->k->end_info = (struct abi64_siginfo){.signo = SIGSEGV, .code = CODE_KERNEL};
            linux_kill(p, SIGSEGV);
        } else {
            force(p, SIGSEGV, CODE_KERNEL, 0);
        }
        return;
    }
    p->blocked |= a.mask | (a.flags & F_NODEFER ? 0 : bit(signal));
    p->blocked &= ~UNBLOCKABLE;
}

void linux_deliver(struct linux_process *p)
{
    struct linux_kernel *k = p->k;
    while (!p->dead && !p->group->stopped && k->end == LINUX_RUNNING) {
        uint64_t own = p->pending.set & ~p->blocked, all = p->group->pending.set & ~p->blocked;
        if (!(own | all))
            break;
        int signal = next_signal(own | all);
        deliver_one(p, own & bit(signal) ? &p->pending : &p->group->pending, signal);
    }
    if (p->dead)
        return;
    settle_call(p, true);
    if (p->restore_mask) { /* a wait that no handler ended */
        p->blocked = p->saved_mask;
        p->restore_mask = false;
    }
}

int linux_dequeue(struct linux_process *p, uint64_t set, struct abi64_siginfo *info)
{
    struct linux_pending *from[] = {&p->pending, &p->group->pending};
    for (int i = 0; i < 2; i++) {
        if (!(from[i]->set & set))
            continue;
        int signal = next_signal(from[i]->set & set);
        *info = take(from[i], signal);
        timer_taken(p, info);
        return signal;
    }
    return 0;
}

bool linux_signal_tells(const struct linux_kernel *k, const struct linux_group *g, int signal)
{
    return !ignored(g, signal) || (group_blocked(k, g) & bit(signal));
}

bool linux_alarm_tells(const struct linux_kernel *k, const struct linux_group *g)
{
    return !g->zombie && !(g->pending.set & bit(SIGALRM)) && linux_signal_tells(k, g, SIGALRM);
}

static void take_alarm(struct linux_kernel *k, struct linux_group *g, struct linux_timer *t, int64_t now, int signal)
{
    if (!t->at || now < t->at)
        return;
    t->at = t->interval ? t->at + t->interval : 0;
    if (t->at && t->at <= now) /* missed ones are not made up for */
        t->at = now + t->interval;
    linux_raise_group(k, g, signal, CODE_KERNEL, NULL);
}

void linux_take_timers(struct linux_kernel *k)
{
    int64_t now = (int64_t)k->icount(k->arg) + k->time_skipped;
    for (struct linux_group *g = k->groups; g; g = g->next) {
        take_alarm(k, g, &g->alarm, now, SIGALRM);
        if (!g->cpu_alarm[0].at && !g->cpu_alarm[1].at)
            continue;
        int64_t spent = group_cpu_time(k, g);
        take_alarm(k, g, &g->cpu_alarm[0], spent, SIGVTALRM);
        take_alarm(k, g, &g->cpu_alarm[1], spent, SIGPROF);
    }
    timer_fire(k, now);
}
