/* prctl: what a thread may ask for about itself. */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>

#include "syscalls.h"

enum { DEFAULT_SLACK = 50000 /* ns */, CAPABILITIES = 41, TASK_COMM = 16, KEEP_CAPS = 16 /* of securebits */ };

static int64_t put_int(struct linux_process *p, uint64_t at, int32_t value)
{
    return user_put(p, at, &value, sizeof value) ? 0 : -EFAULT;
}

static int64_t set_name(struct linux_process *p, uint64_t at)
{
    char path[LINUX_PATH];
    if (path_copy(p, path, at) < 0)
        return -EFAULT;
    snprintf(p->comm, sizeof p->comm, "%.15s", path);
    return 0;
}

/* There are no capabilities, so they can be given up, but not had. */
static int64_t ambient(const uint64_t a[6])
{
    switch ((uint32_t)a[1]) {
    case PR_CAP_AMBIENT_CLEAR_ALL: return a[2] | a[3] | a[4] ? -EINVAL : 0;
    case PR_CAP_AMBIENT_IS_SET:
    case PR_CAP_AMBIENT_LOWER: return a[2] >= CAPABILITIES || (a[3] | a[4]) ? -EINVAL : 0;
    case PR_CAP_AMBIENT_RAISE: return a[2] >= CAPABILITIES || (a[3] | a[4]) ? -EINVAL : -EPERM;
    default: return -EINVAL;
    }
}

/* Options that change something. */
static int64_t change(struct linux_process *p, const uint64_t a[6])
{
    switch ((uint32_t)a[0]) {
    case PR_SET_NAME: return set_name(p, a[1]);
    case PR_SET_PDEATHSIG:
        if (a[1] >= LINUX_SIGNALS)
            return -EINVAL;
        p->death_signal = (int)a[1];
        return 0;
    case PR_SET_DUMPABLE:
        if (a[1] > 1)
            return -EINVAL;
        p->space->undumpable = !a[1];
        return 0;
    case PR_SET_KEEPCAPS:
        if (a[1] > 1)
            return -EINVAL;
        p->keep_caps = a[1];
        return 0;
    case PR_SET_TIMERSLACK: p->timer_slack = (p->wide ? (int64_t)a[1] : (int32_t)a[1]) > 0 ? a[1] : 0; return 0;
    case PR_SET_CHILD_SUBREAPER: p->group->subreaper = a[1]; return 0;
    case PR_SET_NO_NEW_PRIVS: return a[1] != 1 || (a[2] | a[3] | a[4]) ? -EINVAL : 0;
    case PR_SET_THP_DISABLE:
        if (a[2] | a[3] | a[4])
            return -EINVAL;
        p->space->small_pages = a[1];
        return 0;
    case PR_SET_TSC: return a[1] == PR_TSC_ENABLE ? 0 : -EINVAL;
    case PR_SET_TIMING: return a[1] == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
    case PR_SET_SECUREBITS:
    case PR_CAPBSET_DROP:
    case PR_SET_MM: return -EPERM;
    case PR_TASK_PERF_EVENTS_DISABLE:
    case PR_TASK_PERF_EVENTS_ENABLE:
    case PR_SET_PTRACER:
    case PR_SET_VMA: return 0;
    default: return -EINVAL;
    }
}

int64_t sys_prctl(struct linux_process *p, const uint64_t a[6])
{
    switch ((uint32_t)a[0]) {
    case PR_GET_NAME: return user_put(p, a[1], p->comm, TASK_COMM) ? 0 : -EFAULT;
    case PR_GET_PDEATHSIG: return put_int(p, a[1], p->death_signal);
    case PR_GET_DUMPABLE: return !p->space->undumpable;
    case PR_GET_KEEPCAPS: return p->keep_caps;
    case PR_GET_TIMERSLACK: return (int64_t)(p->timer_slack ? p->timer_slack : DEFAULT_SLACK);
    case PR_GET_CHILD_SUBREAPER: return put_int(p, a[1], p->group->subreaper);
    case PR_GET_NO_NEW_PRIVS: return a[1] | a[2] | a[3] | a[4] ? -EINVAL : 1; /* as /proc/self/status says */
    case PR_GET_THP_DISABLE: return a[1] | a[2] | a[3] | a[4] ? -EINVAL : p->space->small_pages;
    case PR_GET_TSC: return put_int(p, a[1], PR_TSC_ENABLE);
    case PR_GET_TID_ADDRESS: return user_put_word(p, a[1], p->clear_tid) ? 0 : -EFAULT;
    case PR_CAPBSET_READ: return a[1] < CAPABILITIES ? 0 : -EINVAL;
    case PR_CAP_AMBIENT: return ambient(a);
    case PR_GET_SECUREBITS: return p->keep_caps ? KEEP_CAPS : 0;
    case PR_GET_TIMING:
    case PR_GET_SECCOMP: return 0;
    default: return change(p, a);
    }
}
