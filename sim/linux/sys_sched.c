/* System calls on scheduling: there is one core, and everybody's turn comes. */
#include <errno.h>
#include <sched.h>

#include "syscalls.h"

int64_t sys_sched_yield(struct linux_process *p, const uint64_t a[6])
{
    (void)a;
    p->k->slice_end = p->k->ntasks > 1 ? 0 : p->k->slice_end;
    return 0;
}

/* The thread of that number, 0 for the caller, or NULL. */
static struct linux_process *thread(struct linux_process *p, uint64_t tid)
{
    struct linux_process *t = (uint32_t)tid ? p->k->tasks : p;
    while (t && (uint32_t)tid && (t->dead || t->tid != (int32_t)tid))
        t = t->next;
    return t;
}

int64_t sys_sched_getaffinity(struct linux_process *p, const uint64_t a[6])
{
    if ((uint32_t)a[1] < user_word(p) || a[1] % user_word(p))
        return -EINVAL;
    if (!thread(p, a[0]))
        return -ESRCH;
    return user_put_word(p, a[2], 1) ? (int64_t)user_word(p) : -EFAULT;
}

/* A set with the one core in it is obeyed. */
int64_t sys_sched_setaffinity(struct linux_process *p, const uint64_t a[6])
{
    uint8_t first = 0;
    if (!thread(p, a[0]))
        return -ESRCH;
    if ((uint32_t)a[1] && !user_get(p, &first, a[2], 1))
        return -EFAULT;
    return first & 1 ? 0 : -EINVAL;
}

/* One node, and memory comes from there. */
int64_t sys_get_mempolicy(struct linux_process *p, const uint64_t a[6])
{
    enum { F_NODE = 1, F_ADDR = 2, F_MEMS_ALLOWED = 4, NODES = 1 };
    const uint32_t policy = 0;
    if ((a[4] & ~(uint64_t)(F_NODE | F_ADDR | F_MEMS_ALLOWED)) || (a[1] && a[2] < NODES) || (a[3] && !(a[4] & F_ADDR)))
        return -EINVAL;
    if (a[0] && !user_put(p, a[0], &policy, 4))
        return -EFAULT;
    const uint64_t words = a[1] ? (a[2] - 1 + 8 * user_word(p) - 1) / (8 * user_word(p)) : 0;
    for (uint64_t i = 0; i < words && i < 8; i++)
        if (!user_put_word(p, a[1] + i * user_word(p), i == 0 && (a[4] & F_MEMS_ALLOWED)))
            return -EFAULT;
    return 0;
}

int64_t sys_set_mempolicy(struct linux_process *p, const uint64_t a[6])
{
    enum { POLICIES = 6, FLAGS = 0xe000 };
    (void)p;
    return ((uint32_t)a[0] & ~(uint32_t)FLAGS) < POLICIES ? 0 : -EINVAL;
}

int64_t sys_sched_getscheduler(struct linux_process *p, const uint64_t a[6])
{
    const struct linux_process *t = thread(p, a[0]);
    return (int32_t)a[0] < 0 ? -EINVAL : t ? (int64_t)t->policy : -ESRCH;
}

int64_t sys_sched_getparam(struct linux_process *p, const uint64_t a[6])
{
    const int32_t priority = 0;
    if ((int32_t)a[0] < 0 || !a[1])
        return -EINVAL;
    if (!thread(p, a[0]))
        return -ESRCH;
    return user_put(p, a[1], &priority, sizeof priority) ? 0 : -EFAULT;
}

/* The policies without a priority, which all do the same here. */
static int64_t set_policy(struct linux_process *t, uint32_t policy, int32_t priority)
{
    uint32_t name = policy & ~(uint32_t)SCHED_RESET_ON_FORK;
    if (!t)
        return -ESRCH;
    if (name == SCHED_FIFO || name == SCHED_RR)
        return priority > 0 && priority < 100 ? -EPERM : -EINVAL;
    if ((name != SCHED_OTHER && name != SCHED_BATCH && name != SCHED_IDLE) || priority)
        return -EINVAL;
    t->policy = policy;
    return 0;
}

int64_t sys_sched_setscheduler(struct linux_process *p, const uint64_t a[6])
{
    int32_t priority;
    if ((int32_t)a[0] < 0 || (int32_t)a[1] < 0 || !a[2])
        return -EINVAL;
    return user_get(p, &priority, a[2], sizeof priority) ? set_policy(thread(p, a[0]), (uint32_t)a[1], priority) : -EFAULT;
}

int64_t sys_sched_setparam(struct linux_process *p, const uint64_t a[6])
{
    struct linux_process *t = thread(p, a[0]);
    int32_t priority;
    if ((int32_t)a[0] < 0 || !a[1])
        return -EINVAL;
    return user_get(p, &priority, a[1], sizeof priority) ? set_policy(t, t ? t->policy : 0, priority) : -EFAULT;
}

/* As sched_getattr and sched_setattr have it. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t deadline[3];
    uint32_t clamp[2];
};

enum { ATTRIBUTES_0 = 48 /* bytes of their first version */, RESET_ON_FORK = 1 /* of flags */ };

int64_t sys_sched_getattr(struct linux_process *p, const uint64_t a[6])
{
    const struct linux_process *t = thread(p, a[0]);
    uint32_t size = (uint32_t)a[2];
    if ((int32_t)a[0] < 0 || !a[1] || size < ATTRIBUTES_0 || size > MM_PAGE || (uint32_t)a[3])
        return -EINVAL;
    if (!t)
        return -ESRCH;
    struct attributes v = {
        .size = size < sizeof v ? size : sizeof v,
        .policy = t->policy & ~(uint32_t)SCHED_RESET_ON_FORK,
        .flags = t->policy & SCHED_RESET_ON_FORK ? RESET_ON_FORK : 0,
        .nice = t->group->nice,
    };
    return user_put(p, a[1], &v, v.size) ? 0 : -EFAULT;
}

int64_t sys_sched_setattr(struct linux_process *p, const uint64_t a[6])
{
    struct attributes v = {0};
    struct linux_process *t = thread(p, a[0]);
    if ((int32_t)a[0] < 0 || !a[1] || (uint32_t)a[2])
        return -EINVAL;
    if (!user_get(p, &v, a[1], sizeof v.size))
        return -EFAULT;
    uint32_t size = v.size ? v.size : ATTRIBUTES_0;
    if (size < ATTRIBUTES_0 || size > sizeof v) {
        v.size = sizeof v;
        return user_put(p, a[1], &v.size, sizeof v.size) ? -E2BIG : -EFAULT;
    }
    if (!user_get(p, &v, a[1], size))
        return -EFAULT;
    if (v.flags & ~(uint64_t)RESET_ON_FORK)
        return -EINVAL;
    if (t && v.nice < t->group->nice && (v.policy == SCHED_OTHER || v.policy == SCHED_BATCH))
        return -EPERM;
    int64_t r = set_policy(t, v.policy | (v.flags ? SCHED_RESET_ON_FORK : 0), (int32_t)v.priority);
    if (!r && v.policy != SCHED_IDLE)
        t->group->nice = v.nice > 19 ? 19 : v.nice;
    return r;
}

/* The slice of a Linux whose timer ticks 250 times a second. */
static int64_t slice_length(struct linux_process *p, const uint64_t a[6], bool wide)
{
    const struct abi_timespec64 t = {0, 4000000};
    const struct abi_timespec narrow = {0, 4000000};
    if ((int32_t)a[0] < 0)
        return -EINVAL;
    if (!thread(p, a[0]))
        return -ESRCH;
    return (wide ? user_put(p, a[1], &t, sizeof t) : user_put(p, a[1], &narrow, sizeof narrow)) ? 0 : -EFAULT;
}

int64_t sys_sched_rr_get_interval(struct linux_process *p, const uint64_t a[6]) { return slice_length(p, a, false); }

int64_t sys_sched_rr_get_interval64(struct linux_process *p, const uint64_t a[6]) { return slice_length(p, a, true); }

static int64_t limit(uint64_t policy, int64_t real_time)
{
    switch (policy) {
    case SCHED_FIFO:
    case SCHED_RR: return real_time;
    case SCHED_OTHER:
    case SCHED_BATCH:
    case SCHED_IDLE: return 0;
    default: return -EINVAL;
    }
}

int64_t sys_sched_get_priority_max(struct linux_process *p, const uint64_t a[6])
{
    (void)p;
    return limit(a[0], 99);
}

int64_t sys_sched_get_priority_min(struct linux_process *p, const uint64_t a[6])
{
    (void)p;
    return limit(a[0], 1);
}
