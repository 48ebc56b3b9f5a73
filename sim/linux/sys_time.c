/* Time is virtual: a guest instruction takes a nanosecond, sleeping takes what was asked for, and every run starts at the
 * same moment. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "syscalls.h"

#define NS INT64_C(1000000000)
enum { TICKS = 100 };

int64_t time_now(struct linux_process *p) { return (int64_t)p->k->icount(p->k->arg) + p->k->time_skipped; }

void time_skip(struct linux_kernel *k, int64_t ns)
{
    if (ns > 0 && ns <= LINUX_TIME_END && k->time_skipped <= LINUX_TIME_END)
        k->time_skipped += ns;
}

/* CLOCK_PROCESS_CPUTIME_ID and its like, and what clock_getcpuclockid and pthread_getcpuclockid make: a process's or thread's
 * number, negated, above three bits. */
bool clock_owner(const struct linux_process *p, uint32_t clock, int *pid, int *tid)
{
    enum { THREAD = 4, KIND = 3 };
    *pid = clock == CLOCK_PROCESS_CPUTIME_ID ? p->group->pid : 0;
    *tid = clock == CLOCK_THREAD_CPUTIME_ID ? p->tid : 0;
    if (*pid || *tid)
        return true;
    int number = ~((int32_t)clock >> 3);
    if ((int32_t)clock >= 0 || (clock & KIND) == KIND)
        return false;
    if (!(clock & THREAD)) {
        *pid = number ? number : p->group->pid;
        return clock_of_owner(p->k, *pid, 0) >= 0;
    }
    *tid = number ? number : p->tid;
    for (const struct linux_process *t = p->k->tasks; t; t = t->next)
        if (!t->dead && t->tid == *tid)
            return t->group == p->group;
    return false;
}

int64_t clock_of_owner(const struct linux_kernel *k, int pid, int tid)
{
    for (const struct linux_group *g = k->groups; pid && g; g = g->next)
        if (g->pid == pid)
            return group_cpu_time(k, g);
    for (const struct linux_process *t = k->tasks; tid && t; t = t->next)
        if (!t->dead && t->tid == tid)
            return thread_cpu_time(t);
    return -1;
}

/* False: no such clock. */
static bool clock_read(struct linux_process *p, uint32_t clock, struct abi_timespec64 *t)
{
    int64_t ns;
    int pid, tid;
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI: ns = p->k->epoch * NS + time_now(p); break;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME: ns = time_now(p); break;
    default:
        if (!clock_owner(p, clock, &pid, &tid))
            return false;
        ns = clock_of_owner(p->k, pid, tid);
        break;
    }
    *t = (struct abi_timespec64){ns / NS, ns % NS};
    return true;
}

int64_t sys_time(struct linux_process *p, const uint64_t a[6])
{
    int64_t t = p->k->epoch + time_now(p) / NS;
    return a[0] && !user_put_word(p, a[0], (uint64_t)t) ? -EFAULT : p->wide ? t : (int32_t)t;
}

int64_t sys_gettimeofday(struct linux_process *p, const uint64_t a[6])
{
    int64_t now = time_now(p);
    struct abi64_timeval t = {p->k->epoch + now / NS, now % NS / 1000};
    static const uint32_t zone[2];
    if (a[0] && !user_put_timeval(p, a[0], t))
        return -EFAULT;
    return a[1] && !user_put(p, a[1], zone, sizeof zone) ? -EFAULT : 0;
}

static int64_t put_time(struct linux_process *p, uint64_t to, const struct abi_timespec64 *t, bool wide)
{
    struct abi_timespec narrow = {(int32_t)t->sec, (int32_t)t->nsec};
    bool ok = wide ? user_put(p, to, t, sizeof *t) : user_put(p, to, &narrow, sizeof narrow);
    return ok ? 0 : -EFAULT;
}

int64_t time_get(struct linux_process *p, uint64_t from, struct abi_timespec64 *t, bool wide)
{
    struct abi_timespec narrow;
    if (wide ? !user_get(p, t, from, sizeof *t) : !user_get(p, &narrow, from, sizeof narrow))
        return -EFAULT;
    if (!wide)
        *t = (struct abi_timespec64){narrow.sec, narrow.nsec};
    if (!p->wide)
        t->nsec = (int32_t)t->nsec; /* the upper half is padding */
    return t->sec < 0 || t->nsec < 0 || t->nsec >= NS ? -EINVAL : 0;
}

int64_t sys_clock_gettime(struct linux_process *p, const uint64_t a[6])
{
    struct abi_timespec64 t;
    return clock_read(p, a[0], &t) ? put_time(p, a[1], &t, false) : -EINVAL;
}

int64_t sys_clock_gettime64(struct linux_process *p, const uint64_t a[6])
{
    struct abi_timespec64 t;
    return clock_read(p, a[0], &t) ? put_time(p, a[1], &t, true) : -EINVAL;
}

static int64_t getres(struct linux_process *p, const uint64_t a[6], bool wide)
{
    struct abi_timespec64 t;
    if (!clock_read(p, a[0], &t))
        return -EINVAL;
    t = (struct abi_timespec64){0, 1};
    return a[1] ? put_time(p, a[1], &t, wide) : 0;
}

int64_t sys_clock_getres(struct linux_process *p, const uint64_t a[6]) { return getres(p, a, false); }

int64_t sys_clock_getres64(struct linux_process *p, const uint64_t a[6]) { return getres(p, a, true); }

static int64_t sleep_for(struct linux_process *p, uint32_t clock, uint32_t absolute, const uint64_t at[2], bool wide)
{
    struct abi_timespec64 t, now;
    if (p->wait.again)
        return time_now(p) >= p->wait.deadline ? 0 : LINUX_WAIT;
    int64_t r = time_get(p, at[0], &t, wide);
    if (r < 0)
        return r;
    if (!clock_read(p, clock, &now))
        return -EINVAL;
    int64_t sec = t.sec - (absolute ? now.sec : 0);
    if (sec > INT32_MAX)
        sec = INT32_MAX;
    int64_t ns = sec * NS + t.nsec - (absolute ? now.nsec : 0);
    if (ns <= 0)
        return 0;
    p->wait.remaining = absolute ? 0 : at[1];
    p->wait.wide = wide;
    return wait_for(p, "sleeps", time_now(p) + ns, absolute);
}

void time_interrupted(struct linux_process *p)
{
    int64_t left = p->wait.deadline - time_now(p);
    struct abi_timespec64 t = {left / NS, left % NS};
    if (p->wait.remaining && left > 0)
        put_time(p, p->wait.remaining, &t, p->wait.wide);
}

int64_t sys_nanosleep(struct linux_process *p, const uint64_t a[6]) { return sleep_for(p, CLOCK_MONOTONIC, 0, a, p->wide); }

int64_t sys_clock_nanosleep(struct linux_process *p, const uint64_t a[6])
{
    return sleep_for(p, a[0], a[1] & TIMER_ABSTIME, a + 2, false);
}

int64_t sys_clock_nanosleep64(struct linux_process *p, const uint64_t a[6])
{
    return sleep_for(p, a[0], a[1] & TIMER_ABSTIME, a + 2, true);
}

/* The alarm and its like ---------------------------------------------------------------------------------------------------------- */

/* ITIMER_REAL, ITIMER_VIRTUAL or ITIMER_PROF. A guest spends no time in its kernel, so the latter two are alike. */
static struct linux_timer *alarm_of(struct linux_process *p, uint64_t which, int64_t *now)
{
    *now = which ? linux_cpu_time(p) : time_now(p);
    return which ? &p->group->cpu_alarm[which - 1] : &p->group->alarm;
}

static void alarm_set(struct linux_process *p, uint64_t which, int64_t value, int64_t interval)
{
    int64_t now;
    struct linux_timer *t = alarm_of(p, which, &now);
    *t = (struct linux_timer){value ? now + value : 0, interval};
    linux_slice(p->k);
}

static int64_t alarm_left(struct linux_process *p, uint64_t which)
{
    int64_t now;
    const struct linux_timer *t = alarm_of(p, which, &now);
    return !t->at ? 0 : t->at > now ? t->at - now : 1;
}

int64_t sys_alarm(struct linux_process *p, const uint64_t a[6])
{
    int64_t left = (alarm_left(p, 0) + NS / 2) / NS;
    if (!left && p->group->alarm.at)
        left = 1;
    alarm_set(p, 0, (uint32_t)a[0] * NS, 0);
    return left;
}

static struct abi64_timeval timeval_of(int64_t ns) { return (struct abi64_timeval){ns / NS, ns % NS / 1000}; }

int64_t sys_getitimer(struct linux_process *p, const uint64_t a[6])
{
    struct abi64_timeval t[2] = {{0, 0}, {0, 0}};
    int64_t now;
    if ((uint32_t)a[0] > 2)
        return -EINVAL;
    t[0] = timeval_of(alarm_of(p, (uint32_t)a[0], &now)->interval);
    t[1] = timeval_of(alarm_left(p, (uint32_t)a[0]));
    uint64_t second = a[1] + 2 * user_word(p);
    return user_put_timeval(p, a[1], t[0]) && user_put_timeval(p, second, t[1]) ? 0 : -EFAULT;
}

int64_t sys_setitimer(struct linux_process *p, const uint64_t a[6])
{
    struct abi64_timeval t[2] = {{0, 0}, {0, 0}};
    if ((uint32_t)a[0] > 2)
        return -EINVAL;
    if (a[1] && (!user_get_timeval(p, a[1], &t[0]) || !user_get_timeval(p, a[1] + 2 * user_word(p), &t[1])))
        return -EFAULT;
    for (int i = 0; i < 2; i++)
        if (t[i].sec < 0 || t[i].usec < 0 || t[i].usec > 999999)
            return -EINVAL;
        else if (t[i].sec > INT32_MAX)
            t[i].sec = INT32_MAX;
    if (a[2] && sys_getitimer(p, (uint64_t[6]){a[0], a[2]}) < 0)
        return -EFAULT;
    alarm_set(p, (uint32_t)a[0], t[1].sec * NS + t[1].usec * INT64_C(1000), t[0].sec * NS + t[0].usec * INT64_C(1000));
    return 0;
}

int64_t sys_times(struct linux_process *p, const uint64_t a[6])
{
    struct abi64_tms w = {.utime = linux_cpu_time(p) / (NS / TICKS), .cutime = p->group->child_ns / (NS / TICKS)};
    struct abi_tms n = {.utime = (int32_t)w.utime, .cutime = (int32_t)w.cutime};
    if (a[0] && !(p->wide ? user_put(p, a[0], &w, sizeof w) : user_put(p, a[0], &n, sizeof n)))
        return -EFAULT;
    return (time_now(p) / (NS / TICKS)) & INT32_MAX;
}
