/* System calls on signals. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "sigframe.h"
#include "syscalls.h"

enum { MASK_BYTES = 8, MIN_ALTSTACK = 2048, ONSTACK = 1, DISABLED = 2 };
#define AUTODISARM (1u << 31)

static uint64_t bit(int signal) { return UINT64_C(1) << (signal - 1); }

#define UNBLOCKABLE (bit(SIGKILL) | bit(SIGSTOP))

/* Actions ------------------------------------------------------------------------------------------------------------ */

static void drop_pending(struct linux_process *p, int signal)
{
    linux_unqueue(&p->group->pending, bit(signal));
    for (struct linux_process *t = p->k->tasks; t; t = t->next)
        if (t->group == p->group)
            linux_unqueue(&t->pending, bit(signal));
}

static int64_t set_action(struct linux_process *p, uint32_t signal, const struct linux_action *new)
{
    if (signal == 0 || signal >= LINUX_SIGNALS || signal == SIGKILL || signal == SIGSTOP)
        return -EINVAL;
    p->group->action[signal] = *new;
    p->group->action[signal].mask &= ~UNBLOCKABLE;
    if (new->handler == 1 || (new->handler == 0 && (signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH)))
        drop_pending(p, (int)signal);
    return 0;
}

static bool get_action(struct linux_process *p, struct linux_action *to, uint64_t from)
{
    struct abi_sigaction s;
    struct abi64_sigaction w;
    if (p->wide ? !user_get(p, &w, from, sizeof w) : !user_get(p, &s, from, sizeof s))
        return false;
    *to = p->wide ? (struct linux_action){w.handler, w.restorer, w.mask, (uint32_t)w.flags}
                  : (struct linux_action){s.handler, s.restorer, s.mask, s.flags};
    return true;
}

static bool put_action(struct linux_process *p, uint64_t to, const struct linux_action *a)
{
    struct abi_sigaction s = {(uint32_t)a->handler, a->flags, (uint32_t)a->restorer, a->mask};
    struct abi64_sigaction w = {a->handler, a->flags, a->restorer, a->mask};
    return p->wide ? user_put(p, to, &w, sizeof w) : user_put(p, to, &s, sizeof s);
}

int64_t sys_rt_sigaction(struct linux_process *p, const uint64_t a[6])
{
    struct linux_action new = {0};
    if (a[3] != MASK_BYTES || a[0] == 0 || a[0] >= LINUX_SIGNALS)
        return -EINVAL;
    struct linux_action old = p->group->action[a[0]];
    if (a[1]) {
        if (!get_action(p, &new, a[1]))
            return -EFAULT;
        int64_t r = set_action(p, (uint32_t)a[0], &new);
        if (r < 0)
            return r;
    }
    return a[2] && !put_action(p, a[2], &old) ? -EFAULT : 0;
}

int64_t sys_sigaction(struct linux_process *p, const uint64_t a[6])
{
    struct abi_old_sigaction s;
    if (a[0] == 0 || a[0] >= LINUX_SIGNALS)
        return -EINVAL;
    struct linux_action old = p->group->action[a[0]];
    if (a[1]) {
        if (!user_get(p, &s, a[1], sizeof s))
            return -EFAULT;
        struct linux_action new = {s.handler, s.restorer, s.mask, s.flags};
        int64_t r = set_action(p, (uint32_t)a[0], &new);
        if (r < 0)
            return r;
    }
    s = (struct abi_old_sigaction){(uint32_t)old.handler, (uint32_t)old.mask, old.flags, (uint32_t)old.restorer};
    return a[2] && !user_put(p, a[2], &s, sizeof s) ? -EFAULT : 0;
}

int64_t sys_signal(struct linux_process *p, const uint64_t a[6])
{
    enum { ONESHOT_NOMASK = 0xc0000000 };
    struct linux_action new = {.handler = a[1], .flags = ONESHOT_NOMASK};
    uint64_t old = a[0] < LINUX_SIGNALS ? p->group->action[a[0]].handler : 0;
    int64_t r = set_action(p, (uint32_t)a[0], &new);
    return r < 0 ? r : (int64_t)old;
}

/* Masks -------------------------------------------------------------------------------------------------------------- */

static int64_t change_mask(struct linux_process *p, uint32_t how, uint64_t set)
{
    switch (how) {
    case SIG_BLOCK: p->blocked |= set; break;
    case SIG_UNBLOCK: p->blocked &= ~set; break;
    case SIG_SETMASK: p->blocked = set; break;
    default: return -EINVAL;
    }
    p->blocked &= ~UNBLOCKABLE;
    return 0;
}

int64_t sys_rt_sigprocmask(struct linux_process *p, const uint64_t a[6])
{
    uint64_t set, old = p->blocked;
    if (a[3] != MASK_BYTES)
        return -EINVAL;
    if (a[1]) {
        if (!user_get(p, &set, a[1], 8))
            return -EFAULT;
        int64_t r = change_mask(p, a[0], set);
        if (r < 0)
            return r;
    }
    return a[2] && !user_put(p, a[2], &old, 8) ? -EFAULT : 0;
}

int64_t sys_sigprocmask(struct linux_process *p, const uint64_t a[6])
{
    uint32_t set, old = (uint32_t)p->blocked;
    if (a[1]) {
        if (!user_get(p, &set, a[1], 4))
            return -EFAULT;
        uint64_t wide = a[0] == SIG_SETMASK ? (p->blocked & ~UINT64_C(0xffffffff)) | set : set;
        int64_t r = change_mask(p, a[0], wide);
        if (r < 0)
            return r;
    }
    return a[2] && !user_put(p, a[2], &old, 4) ? -EFAULT : 0;
}

int64_t sys_rt_sigpending(struct linux_process *p, const uint64_t a[6])
{
    uint64_t set = (p->pending.set | p->group->pending.set) & p->blocked;
    if (a[1] > MASK_BYTES)
        return -EINVAL;
    return user_put(p, a[0], &set, a[1]) ? 0 : -EFAULT;
}

static int64_t suspend(struct linux_process *p)
{
    return wait_for(p, "waits for a signal, and there is nobody to send one", -1, false);
}

int64_t sys_rt_sigsuspend(struct linux_process *p, const uint64_t a[6])
{
    uint64_t mask;
    if (a[1] != MASK_BYTES)
        return -EINVAL;
    if (!p->wait.again) {
        if (!user_get(p, &mask, a[0], 8))
            return -EFAULT;
        p->saved_mask = p->blocked;
        p->restore_mask = true;
        p->blocked = mask & ~UNBLOCKABLE;
    }
    return suspend(p);
}

int64_t sys_pause(struct linux_process *p, const uint64_t a[6])
{
    (void)a;
    return suspend(p);
}

/* Alternate stack ---------------------------------------------------------------------------------------------------- */

/* A stack_t of either word size. */
static bool get_stack(struct linux_process *p, struct abi64_stack *to, uint64_t from)
{
    struct abi_stack n;
    if (p->wide)
        return user_get(p, to, from, sizeof *to);
    if (!user_get(p, &n, from, sizeof n))
        return false;
    *to = (struct abi64_stack){.sp = n.sp, .flags = n.flags, .size = n.size};
    return true;
}

static bool put_stack(struct linux_process *p, uint64_t to, const struct abi64_stack *s)
{
    struct abi_stack n = {(uint32_t)s->sp, s->flags, (uint32_t)s->size};
    return p->wide ? user_put(p, to, s, sizeof *s) : user_put(p, to, &n, sizeof n);
}

int64_t sys_sigaltstack(struct linux_process *p, const uint64_t a[6])
{
    struct abi64_stack new, old = p->altstack;
    bool on = frame_on_altstack(p, p->cpu->gpr[GUEST_RSP]);
    old.flags = (int32_t)((uint32_t)old.flags & AUTODISARM) | (old.size == 0 ? DISABLED : on ? ONSTACK : 0);
    if (a[0]) {
        if (!get_stack(p, &new, a[0]))
            return -EFAULT;
        uint32_t mode = (uint32_t)new.flags & ~AUTODISARM;
        if (on)
            return -EPERM;
        if (mode != DISABLED && mode != ONSTACK && mode != 0)
            return -EINVAL;
        if (mode == DISABLED)
            new.sp = new.size = 0;
        else if (new.size < MIN_ALTSTACK)
            return -ENOMEM;
        p->altstack = new;
    }
    return a[1] && !put_stack(p, a[1], &old) ? -EFAULT : 0;
}

/* Sending and returning ---------------------------------------------------------------------------------------------- */

static int64_t send_thread(struct linux_process *p, int32_t pid, int32_t tid, uint32_t signal)
{
    if (signal >= LINUX_SIGNALS || tid <= 0)
        return -EINVAL;
    for (struct linux_process *t = p->k->tasks; t; t = t->next) {
        if (t->dead || t->tid != tid || (pid && t->group->pid != pid))
            continue;
        if (signal)
            linux_raise(t, (int)signal, SI_TKILL);
        return 0;
    }
    return -ESRCH;
}

/* pid > 0: that process, 0: the caller's process group, -1: all but the caller, below: that process group. */
int64_t sys_kill(struct linux_process *p, const uint64_t a[6])
{
    int32_t pid = (int32_t)a[0];
    int found = 0;
    if (a[1] >= LINUX_SIGNALS)
        return -EINVAL;
    if (pid == INT32_MIN)
        return -ESRCH;
    for (struct linux_group *g = p->k->groups; g; g = g->next) {
        int pgid = pid ? -pid : p->group->pgid;
        if (g->zombie && g == p->k->first && !g->parent && g != p->group)
            continue;
        if (pid > 0 ? g->pid != pid : pid == -1 ? g == p->group : g->pgid != pgid)
            continue;
        found++;
        if (a[1])
            linux_raise_group(p->k, g, (int)a[1], SI_USER, p);
    }
    return found ? 0 : -ESRCH;
}

int64_t sys_tkill(struct linux_process *p, const uint64_t a[6]) { return send_thread(p, 0, (int32_t)a[0], a[1]); }

int64_t sys_tgkill(struct linux_process *p, const uint64_t a[6])
{
    return (int32_t)a[0] <= 0 ? -EINVAL : send_thread(p, (int32_t)a[0], (int32_t)a[1], a[2]);
}

/* With a siginfo of the sender's; only the kernel may claim to be the kernel. */
static int64_t get_info(struct linux_process *p, struct abi64_siginfo *info, uint64_t at, uint32_t signal)
{
    if (signal == 0 || signal >= LINUX_SIGNALS)
        return -EINVAL;
    if (!user_get_siginfo(p, at, info))
        return -EFAULT;
    info->signo = (int32_t)signal;
    return 0;
}

int64_t sys_rt_sigqueueinfo(struct linux_process *p, const uint64_t a[6])
{
    struct abi64_siginfo info;
    struct linux_group *g = group_find(p->k, (int)a[0]);
    int64_t r = get_info(p, &info, a[2], a[1]);
    if (r < 0)
        return r;
    if (!g)
        return -ESRCH;
    if ((info.code >= 0 || info.code == SI_TKILL) && g != p->group)
        return -EPERM;
    return g->zombie || linux_queue(g, &g->pending, group_blocked(p->k, g), &info) ? 0 : -EAGAIN;
}

int64_t sys_rt_tgsigqueueinfo(struct linux_process *p, const uint64_t a[6])
{
    struct abi64_siginfo info;
    int64_t r = get_info(p, &info, a[3], a[2]);
    if (r < 0)
        return r;
    for (struct linux_process *t = p->k->tasks; t; t = t->next) {
        if (t->dead || t->tid != (int)a[1] || t->group->pid != (int)a[0])
            continue;
        if ((info.code >= 0 || info.code == SI_TKILL) && t->group != p->group)
            return -EPERM;
        return linux_queue(t->group, &t->pending, t->blocked, &info) ? 0 : -EAGAIN;
    }
    return -ESRCH;
}

/* Takes one of the signals of a set, or waits for it. */
static int64_t timed_wait(struct linux_process *p, const uint64_t a[6], bool wide)
{
    uint64_t set;
    struct abi64_siginfo info;
    int64_t deadline = p->wait.deadline;
    if (a[3] != MASK_BYTES)
        return -EINVAL;
    if (!user_get(p, &set, a[0], 8))
        return -EFAULT;
    if (!p->wait.again && a[2]) {
        struct abi_timespec64 t;
        int64_t r = time_get(p, a[2], &t, wide);
        if (r < 0)
            return r;
        deadline = time_now(p) + (t.sec > INT32_MAX ? INT32_MAX : t.sec) * 1000000000 + t.nsec;
    }
    int signal = linux_dequeue(p, set & ~UNBLOCKABLE, &info);
    if (signal)
        return a[1] && !user_put_siginfo(p, a[1], &info) ? -EFAULT : signal;
    if (deadline >= 0 && time_now(p) >= deadline)
        return -EAGAIN;
    return wait_for(p, "waits for a signal, and there is nobody to send one", deadline, false);
}

int64_t sys_rt_sigtimedwait(struct linux_process *p, const uint64_t a[6]) { return timed_wait(p, a, false); }

int64_t sys_rt_sigtimedwait64(struct linux_process *p, const uint64_t a[6]) { return timed_wait(p, a, true); }

static int64_t frame_return(struct linux_process *p, bool rt)
{
    if (!(p->wide ? sigframe64_pop(p) : sigframe_pop(p, rt))) {
        p->k->end_info = (struct abi64_siginfo){.signo = SIGSEGV, .code = SI_KERNEL};
        linux_kill(p, SIGSEGV);
    }
    return LINUX_NO_RESULT;
}

int64_t sys_sigreturn(struct linux_process *p, const uint64_t a[6])
{
    (void)a;
    return frame_return(p, false);
}

int64_t sys_rt_sigreturn(struct linux_process *p, const uint64_t a[6])
{
    (void)a;
    return frame_return(p, true);
}
