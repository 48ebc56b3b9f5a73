/* Timers besides the alarm: those of timer_create, which send signals, and those of timerfd_create, which make a descriptor
 * readable. All are in one list and fire when the scheduler looks: what was missed is counted. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "syscalls.h"

struct linux_ticker *timer_add(struct linux_kernel *k)
{
    enum { MOST = 4096 };
    struct linux_ticker *t = k->ntickers < MOST ? calloc(1, sizeof *t) : NULL, **end = &k->tickers;
    if (!t)
        return NULL;
    while (*end)
        end = &(*end)->next;
    *end = t;
    k->ntickers++;
    t->k = k;
    return t;
}

void timer_drop(struct linux_ticker *t)
{
    struct linux_ticker **at = &t->k->tickers;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    t->k->ntickers--;
    free(t);
}

void timer_drop_group(struct linux_kernel *k, const struct linux_group *g)
{
    for (struct linux_ticker *t = k->tickers, *next; t; t = next) {
        next = t->next;
        if (t->group == g)
            timer_drop(t);
    }
}

/* A timer's signal, which waits to be delivered. */
static bool is_queued(const struct linux_kernel *k, const struct linux_ticker *t)
{
    if (pending_has_timer(&t->group->pending, t->signal, t->id))
        return true;
    for (const struct linux_process *p = k->tasks; p; p = p->next)
        if (!p->dead && p->group == t->group && pending_has_timer(&p->pending, t->signal, t->id))
            return true;
    return false;
}

static struct linux_process *thread_of(struct linux_kernel *k, const struct linux_ticker *t)
{
    struct linux_process *p = k->tasks;
    while (p && (p->dead || p->group != t->group || p->tid != t->tid))
        p = p->next;
    return p;
}

static void send_signal(struct linux_kernel *k, struct linux_ticker *t, int64_t times)
{
    struct abi64_siginfo info = {.signo = t->signal, .code = SI_TIMER};
    struct linux_process *p = t->tid ? thread_of(k, t) : NULL;
    info.kill.pid = t->id;
    info.kill.value = (int64_t)t->value;
    if (!t->signal || (t->tid && !p))
        return;
    if (is_queued(k, t)) {
        t->missed += times;
        return;
    }
    t->missed = times - 1;
    if (p)
        linux_queue(t->group, &p->pending, p->blocked, &info);
    else
        linux_queue(t->group, &t->group->pending, group_blocked(k, t->group), &info);
}

void timer_taken(struct linux_process *p, struct abi64_siginfo *info)
{
    for (struct linux_ticker *t = p->k->tickers; info->code == SI_TIMER && t; t = t->next) {
        if (t->group != p->group || t->id != info->kill.pid)
            continue;
        t->overrun = t->missed > INT32_MAX ? INT32_MAX : (int32_t)t->missed;
        t->missed = 0;
        info->kill.uid = (uint32_t)t->overrun;
    }
}

/* It would be news to somebody: a signal that waits already, or nobody looks at, is none. */
bool timer_tells(const struct linux_kernel *k, const struct linux_ticker *t)
{
    if (!t->group)
        return !t->ticks;
    return t->signal && !is_queued(k, t) && linux_signal_tells(k, t->group, t->signal) && !t->group->zombie;
}

/* By the timer's own clock; nobody's processor time stands still. */
static int64_t now_of(const struct linux_kernel *k, const struct linux_ticker *t, int64_t now)
{
    return t->cpu_pid || t->cpu_tid ? clock_of_owner(k, t->cpu_pid, t->cpu_tid) : now;
}

void timer_fire(struct linux_kernel *k, int64_t time)
{
    for (struct linux_ticker *t = k->tickers; t; t = t->next) {
        struct linux_timer *when = &t->when;
        int64_t now = when->at ? now_of(k, t, time) : 0;
        if (!when->at || now < when->at)
            continue;
        int64_t times = 1 + (when->interval ? (now - when->at) / when->interval : 0);
        when->at = when->interval ? when->at + times * when->interval : 0;
        if (t->group)
            send_signal(k, t, times);
        else
            t->ticks += (uint64_t)times;
    }
}

/* Setting and reading ------------------------------------------------------------------------------------------------ */

bool timer_clock(uint64_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME || clock == CLOCK_TAI ||
           clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}

/* A struct itimerspec: the interval, then the time. */
static int64_t put_spec(struct linux_process *p, uint64_t to, const struct linux_ticker *of, bool wide)
{
    const int64_t ns = 1000000000, now = now_of(p->k, of, time_now(p));
    const struct linux_timer *t = &of->when;
    int64_t left = !t->at ? 0 : t->at > now ? t->at - now : 1;
    struct abi_timespec64 spec[2] = {{t->interval / ns, t->interval % ns}, {left / ns, left % ns}};
    struct abi_timespec narrow[2];
    for (int i = 0; i < 2; i++)
        narrow[i] = (struct abi_timespec){(int32_t)spec[i].sec, (int32_t)spec[i].nsec};
    return (wide ? user_put(p, to, spec, sizeof spec) : user_put(p, to, narrow, sizeof narrow)) ? 0 : -EFAULT;
}

static int64_t nanoseconds(const struct abi_timespec64 *t)
{
    return (t->sec > INT32_MAX ? INT32_MAX : t->sec) * 1000000000 + t->nsec;
}

int64_t timer_get(struct linux_process *p, const struct linux_ticker *t, uint64_t to, bool wide)
{
    return put_spec(p, to, t, wide);
}

int64_t timer_set(struct linux_process *p, struct linux_ticker *t, bool absolute, uint64_t from, uint64_t old, bool wide)
{
    struct abi_timespec64 interval, value;
    size_t size = wide ? sizeof(struct abi_timespec64) : sizeof(struct abi_timespec);
    int64_t r = time_get(p, from, &interval, wide);
    if (r >= 0)
        r = time_get(p, from + size, &value, wide);
    if (r >= 0 && old)
        r = put_spec(p, old, t, wide);
    if (r < 0)
        return r;
    int64_t ns = nanoseconds(&value), now = now_of(p->k, t, time_now(p));
    bool real = t->clock == CLOCK_REALTIME || t->clock == CLOCK_TAI || t->clock == CLOCK_REALTIME_ALARM;
    int64_t at = !absolute ? now + ns : real ? ns - p->k->epoch * 1000000000 : ns;
    t->when = (struct linux_timer){ns ? (at > 0 ? at : 1) : 0, ns ? nanoseconds(&interval) : 0};
    t->ticks = 0;
    t->missed = 0;
    timer_fire(p->k, time_now(p)); /* what lies in the past is due */
    linux_slice(p->k);
    return 0;
}
