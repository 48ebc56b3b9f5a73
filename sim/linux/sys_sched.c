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

static bool is_there(struct linux_process *p, uint64_t tid)
{
    for (const struct linux_process *t = p->k->tasks; t; t = t->next)
        if (!t->dead && t->tid == (int32_t)tid)
            return true;
    return tid == 0;
}

int64_t sys_sched_getaffinity(struct linux_process *p, const uint64_t a[6])
{
    if ((uint32_t)a[1] < user_word(p) || a[1] % user_word(p))
        return -EINVAL;
    if (!is_there(p, a[0]))
        return -ESRCH;
    return user_put_word(p, a[2], 1) ? (int64_t)user_word(p) : -EFAULT;
}

/* A set with the one core in it is obeyed. */
int64_t sys_sched_setaffinity(struct linux_process *p, const uint64_t a[6])
{
    uint8_t first = 0;
    if (!is_there(p, a[0]))
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
    return is_there(p, a[0]) ? SCHED_OTHER : -ESRCH;
}

int64_t sys_sched_getparam(struct linux_process *p, const uint64_t a[6])
{
    const int32_t priority = 0;
    if (!is_there(p, a[0]))
        return -ESRCH;
    return user_put(p, a[1], &priority, sizeof priority) ? 0 : -EFAULT;
}

/* The policies without a priority, which all do the same here. */
int64_t sys_sched_setscheduler(struct linux_process *p, const uint64_t a[6])
{
    int32_t priority;
    if (!is_there(p, a[0]))
        return -ESRCH;
    if (!user_get(p, &priority, a[2], sizeof priority))
        return -EFAULT;
    if (a[1] != SCHED_OTHER && a[1] != SCHED_BATCH && a[1] != SCHED_IDLE)
        return a[1] == SCHED_FIFO || a[1] == SCHED_RR ? -EPERM : -EINVAL;
    return priority ? -EINVAL : 0;
}

static int64_t priority(uint64_t policy, int64_t real_time)
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
    return priority(a[0], 99);
}

int64_t sys_sched_get_priority_min(struct linux_process *p, const uint64_t a[6])
{
    (void)p;
    return priority(a[0], 1);
}
