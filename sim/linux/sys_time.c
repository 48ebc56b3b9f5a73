/* Time is virtual: a guest instruction takes a nanosecond, sleeping takes what was asked for, and every run starts at the
 * same moment. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "syscalls.h"

#define NS INT64_C(1000000000)
enum { TICKS = 100 };

int64_t time_now(struct linux_process *p) { return (int64_t)p->icount(p->icount_arg) + p->time_skipped; }

void time_skip(struct linux_process *p, int64_t ns)
{
    if (ns > 0 && ns < INT64_MAX / 4 && p->time_skipped < INT64_MAX / 4)
        p->time_skipped += ns;
}

/* False: no such clock. */
static bool clock_read(struct linux_process *p, uint32_t clock, struct abi_timespec64 *t)
{
    int64_t ns;
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI: ns = p->epoch * NS + time_now(p); break;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME: ns = time_now(p); break;
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID: ns = (int64_t)p->icount(p->icount_arg); break;
    default: return false;
    }
    *t = (struct abi_timespec64){ns / NS, ns % NS};
    return true;
}

int64_t sys_time(struct linux_process *p, const uint32_t a[6])
{
    int32_t t = (int32_t)(p->epoch + time_now(p) / NS);
    return a[0] && !user_put(p, a[0], &t, 4) ? -EFAULT : t;
}

int64_t sys_gettimeofday(struct linux_process *p, const uint32_t a[6])
{
    int64_t now = time_now(p);
    struct abi_timeval t = {(int32_t)(p->epoch + now / NS), (int32_t)(now % NS / 1000)};
    static const uint32_t zone[2];
    if (a[0] && !user_put(p, a[0], &t, sizeof t))
        return -EFAULT;
    return a[1] && !user_put(p, a[1], zone, sizeof zone) ? -EFAULT : 0;
}

static int64_t put_time(struct linux_process *p, uint32_t to, const struct abi_timespec64 *t, bool wide)
{
    struct abi_timespec narrow = {(int32_t)t->sec, (int32_t)t->nsec};
    bool ok = wide ? user_put(p, to, t, sizeof *t) : user_put(p, to, &narrow, sizeof narrow);
    return ok ? 0 : -EFAULT;
}

static int64_t get_time(struct linux_process *p, uint32_t from, struct abi_timespec64 *t, bool wide)
{
    struct abi_timespec narrow;
    if (wide ? !user_get(p, t, from, sizeof *t) : !user_get(p, &narrow, from, sizeof narrow))
        return -EFAULT;
    if (!wide)
        *t = (struct abi_timespec64){narrow.sec, narrow.nsec};
    t->nsec = (int32_t)t->nsec; /* the upper half is padding */
    return t->sec < 0 || t->nsec < 0 || t->nsec >= NS ? -EINVAL : 0;
}

int64_t sys_clock_gettime(struct linux_process *p, const uint32_t a[6])
{
    struct abi_timespec64 t;
    return clock_read(p, a[0], &t) ? put_time(p, a[1], &t, false) : -EINVAL;
}

int64_t sys_clock_gettime64(struct linux_process *p, const uint32_t a[6])
{
    struct abi_timespec64 t;
    return clock_read(p, a[0], &t) ? put_time(p, a[1], &t, true) : -EINVAL;
}

static int64_t getres(struct linux_process *p, const uint32_t a[6], bool wide)
{
    struct abi_timespec64 t;
    if (!clock_read(p, a[0], &t))
        return -EINVAL;
    t = (struct abi_timespec64){0, 1};
    return a[1] ? put_time(p, a[1], &t, wide) : 0;
}

int64_t sys_clock_getres(struct linux_process *p, const uint32_t a[6]) { return getres(p, a, false); }

int64_t sys_clock_getres64(struct linux_process *p, const uint32_t a[6]) { return getres(p, a, true); }

static int64_t sleep_for(struct linux_process *p, uint32_t clock, uint32_t absolute, uint32_t from, bool wide)
{
    struct abi_timespec64 t, now;
    int64_t r = get_time(p, from, &t, wide);
    if (r < 0)
        return r;
    if (!clock_read(p, clock, &now))
        return -EINVAL;
    int64_t sec = t.sec - (absolute ? now.sec : 0);
    if (sec > INT32_MAX)
        sec = INT32_MAX;
    time_skip(p, sec * NS + t.nsec - (absolute ? now.nsec : 0));
    return 0;
}

int64_t sys_nanosleep(struct linux_process *p, const uint32_t a[6]) { return sleep_for(p, CLOCK_MONOTONIC, 0, a[0], false); }

int64_t sys_clock_nanosleep(struct linux_process *p, const uint32_t a[6])
{
    return sleep_for(p, a[0], a[1] & TIMER_ABSTIME, a[2], false);
}

int64_t sys_clock_nanosleep64(struct linux_process *p, const uint32_t a[6])
{
    return sleep_for(p, a[0], a[1] & TIMER_ABSTIME, a[2], true);
}

int64_t sys_times(struct linux_process *p, const uint32_t a[6])
{
    struct abi_tms t = {.utime = (int32_t)(p->icount(p->icount_arg) / (NS / TICKS))};
    if (a[0] && !user_put(p, a[0], &t, sizeof t))
        return -EFAULT;
    return (time_now(p) / (NS / TICKS)) & INT32_MAX;
}

int64_t sys_getrusage(struct linux_process *p, const uint32_t a[6])
{
    struct abi_rusage u;
    uint64_t cpu = p->icount(p->icount_arg);
    memset(&u, 0, sizeof u);
    if ((int32_t)a[0] != -1) { /* RUSAGE_CHILDREN: there are none */
        u.utime.sec = (int32_t)(cpu / NS);
        u.utime.usec = (int32_t)(cpu % NS / 1000);
    }
    return user_put(p, a[1], &u, sizeof u) ? 0 : -EFAULT;
}
