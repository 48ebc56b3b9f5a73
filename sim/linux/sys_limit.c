/* System calls on limits and priorities of processes. All are kept and inherited; of the limits the one on descriptors is obeyed,
 * of the priorities none, as everybody's turn comes. */
#include <errno.h>
#include <sys/resource.h>

#include "syscalls.h"

static struct abi_rlimit64 first_limit(const struct linux_kernel *k, uint32_t resource)
{
    switch (resource) {
    case RLIMIT_STACK: return (struct abi_rlimit64){LINUX_STACK_SIZE, UINT64_MAX};
    case RLIMIT_NOFILE: return (struct abi_rlimit64){k->max_fds, k->max_fds};
    case RLIMIT_CORE: return (struct abi_rlimit64){0, 0};
    case RLIMIT_NPROC: return (struct abi_rlimit64){k->max_tasks, k->max_tasks};
    default: return (struct abi_rlimit64){UINT64_MAX, UINT64_MAX};
    }
}

static struct abi_rlimit64 limit_of(const struct linux_kernel *k, const struct linux_group *g, uint32_t resource)
{
    return g->limits_set >> resource & 1 ? g->limit[resource] : first_limit(k, resource);
}

void limit_get(const struct linux_process *p, uint32_t resource, uint64_t *soft, uint64_t *hard)
{
    struct abi_rlimit64 r = limit_of(p->k, p->group, resource);
    *soft = r.cur;
    *hard = r.max;
}

unsigned limit_fds(const struct linux_process *p)
{
    struct abi_rlimit64 r = limit_of(p->k, p->group, RLIMIT_NOFILE);
    return r.cur < p->k->max_fds ? (unsigned)r.cur : p->k->max_fds;
}

static int64_t set_limit(const struct linux_kernel *k, struct linux_group *g, uint32_t resource, struct abi_rlimit64 r)
{
    if (r.cur > r.max)
        return -EINVAL;
    if (r.max > limit_of(k, g, resource).max)
        return -EPERM;
    g->limit[resource] = r;
    g->limits_set |= 1u << resource;
    return 0;
}

static struct abi_rlimit narrow(struct abi_rlimit64 r)
{
    return (struct abi_rlimit){r.cur > UINT32_MAX ? UINT32_MAX : (uint32_t)r.cur,
                               r.max > UINT32_MAX ? UINT32_MAX : (uint32_t)r.max};
}

int64_t sys_getrlimit(struct linux_process *p, const uint64_t a[6])
{
    if ((uint32_t)a[0] >= RLIM_NLIMITS)
        return -EINVAL;
    struct abi_rlimit64 r = limit_of(p->k, p->group, (uint32_t)a[0]);
    struct abi_rlimit n = narrow(r);
    return (p->wide ? user_put(p, a[1], &r, sizeof r) : user_put(p, a[1], &n, sizeof n)) ? 0 : -EFAULT;
}

int64_t sys_setrlimit(struct linux_process *p, const uint64_t a[6])
{
    struct abi_rlimit64 r;
    struct abi_rlimit n = {0, 0};
    if (!(p->wide ? user_get(p, &r, a[1], sizeof r) : user_get(p, &n, a[1], sizeof n)))
        return -EFAULT;
    if (!p->wide)
        r = (struct abi_rlimit64){n.cur == UINT32_MAX ? UINT64_MAX : n.cur, n.max == UINT32_MAX ? UINT64_MAX : n.max};
    return (uint32_t)a[0] < RLIM_NLIMITS ? set_limit(p->k, p->group, (uint32_t)a[0], r) : -EINVAL;
}

int64_t sys_prlimit64(struct linux_process *p, const uint64_t a[6])
{
    struct linux_group *g = a[0] ? group_find(p->k, (int)a[0]) : p->group;
    struct abi_rlimit64 wanted = {0, 0};
    if ((uint32_t)a[1] >= RLIM_NLIMITS)
        return -EINVAL;
    if (a[2] && !user_get(p, &wanted, a[2], sizeof wanted))
        return -EFAULT;
    if (!g)
        return -ESRCH;
    struct abi_rlimit64 old = limit_of(p->k, g, (uint32_t)a[1]);
    int64_t r = a[2] ? set_limit(p->k, g, (uint32_t)a[1], wanted) : 0;
    return !r && a[3] && !user_put(p, a[3], &old, sizeof old) ? -EFAULT : r;
}

/* Priorities --------------------------------------------------------------------------------------------------------- */

/* The next process after `g` (NULL: the first one) that `which` and `who` mean, or NULL. ioprio's `which` is one larger. */
static struct linux_group *next_meant(struct linux_process *p, struct linux_group *g, uint32_t which, uint32_t who)
{
    for (g = g ? g->next : p->k->groups; g; g = g->next) {
        if (g->zombie)
            continue;
        if (which == PRIO_PROCESS ? g->pid == (who ? (int)who : p->group->pid)
                                  : which == PRIO_USER || g->pgid == (who ? (int)who : p->group->pgid))
            return g;
    }
    return NULL;
}

int64_t sys_getpriority(struct linux_process *p, const uint64_t a[6])
{
    int best = 0; /* the kernel's way to say a nice value: 20 less it */
    if ((uint32_t)a[0] > PRIO_USER)
        return -EINVAL;
    for (struct linux_group *g = NULL; (g = next_meant(p, g, (uint32_t)a[0], (uint32_t)a[1]));)
        best = 20 - g->nice > best ? 20 - g->nice : best;
    return best ? best : -ESRCH;
}

int64_t sys_setpriority(struct linux_process *p, const uint64_t a[6])
{
    int nice = (int)a[2] < -20 ? -20 : (int)a[2] > 19 ? 19 : (int)a[2];
    int64_t r = -ESRCH;
    if ((uint32_t)a[0] > PRIO_USER)
        return -EINVAL;
    for (struct linux_group *g = NULL; (g = next_meant(p, g, (uint32_t)a[0], (uint32_t)a[1]));) {
        if (nice < g->nice) {
            r = -EACCES;
            continue;
        }
        g->nice = nice;
        r = r == -ESRCH ? 0 : r;
    }
    return r;
}

enum { IOPRIO_SHIFT = 13, IOPRIO_REAL_TIME = 1, IOPRIO_CLASSES = 4 };

int64_t sys_ioprio_get(struct linux_process *p, const uint64_t a[6])
{
    if ((uint32_t)a[0] - 1 > PRIO_USER)
        return -EINVAL;
    const struct linux_group *g = next_meant(p, NULL, (uint32_t)a[0] - 1, (uint32_t)a[1]);
    return g ? g->ioprio : -ESRCH;
}

int64_t sys_ioprio_set(struct linux_process *p, const uint64_t a[6])
{
    uint32_t class = (uint32_t)a[2] >> IOPRIO_SHIFT & 7;
    int64_t r = -ESRCH;
    if ((uint32_t)a[0] - 1 > PRIO_USER || class >= IOPRIO_CLASSES || (!class && (uint32_t)a[2]))
        return -EINVAL;
    if (class == IOPRIO_REAL_TIME)
        return -EPERM;
    for (struct linux_group *g = NULL; (g = next_meant(p, g, (uint32_t)a[0] - 1, (uint32_t)a[1]));) {
        g->ioprio = (int)a[2];
        r = 0;
    }
    return r;
}
