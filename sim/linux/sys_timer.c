/* System calls on timers: timer_create and its like, timerfd. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/timerfd.h>
#include <time.h>

#include "syscalls.h"

/* timer_create ------------------------------------------------------------------------------------------------------- */

static struct linux_ticker *find(struct linux_process *p, uint64_t id)
{
    struct linux_ticker *t = p->k->tickers;
    while (t && (t->group != p->group || t->id != (int32_t)id))
        t = t->next;
    return t;
}

/* How a timer tells: a struct sigevent. */
static int64_t get_event(struct linux_process *p, uint64_t at, struct linux_ticker *t)
{
    enum { THREAD_ID = 4, THREAD = 2 };
    int32_t signal_notify[3];
    t->signal = SIGALRM;
    t->value = (uint32_t)t->id;
    if (!at)
        return 0;
    if (!user_get_word(p, at, &t->value) || !user_get(p, signal_notify, at + user_word(p), sizeof signal_notify))
        return -EFAULT;
    t->signal = signal_notify[0];
    int notify = signal_notify[1];
    if (notify == SIGEV_NONE) {
        t->signal = 0;
        return 0;
    }
    if (t->signal < 1 || t->signal >= LINUX_SIGNALS || (notify & ~(THREAD_ID | THREAD)))
        return -EINVAL;
    if (!(notify & THREAD_ID))
        return 0;
    t->tid = signal_notify[2];
    for (const struct linux_process *o = p->k->tasks; o; o = o->next)
        if (!o->dead && o->group == p->group && o->tid == t->tid)
            return 0;
    return -EINVAL;
}

int64_t sys_timer_create(struct linux_process *p, const uint64_t a[6])
{
    int pid = 0, tid = 0;
    if (!timer_clock((uint32_t)a[0]) && !clock_owner(p, (uint32_t)a[0], &pid, &tid))
        return -EINVAL;
    struct linux_ticker *t = timer_add(p->k);
    if (!t)
        return -EAGAIN;
    t->clock = (uint32_t)a[0];
    t->cpu_pid = pid;
    t->cpu_tid = tid;
    t->group = p->group;
    t->id = p->group->next_timer++;
    int64_t r = get_event(p, a[1], t);
    if (r >= 0 && !user_put(p, a[2], &t->id, sizeof t->id))
        r = -EFAULT;
    if (r < 0)
        timer_drop(t);
    return r;
}

static int64_t settime(struct linux_process *p, const uint64_t a[6], bool wide)
{
    struct linux_ticker *t = find(p, a[0]);
    return t && a[2] ? timer_set(p, t, a[1] & TIMER_ABSTIME, a[2], a[3], wide) : -EINVAL;
}

int64_t sys_timer_settime(struct linux_process *p, const uint64_t a[6]) { return settime(p, a, false); }

int64_t sys_timer_settime64(struct linux_process *p, const uint64_t a[6]) { return settime(p, a, true); }

static int64_t gettime(struct linux_process *p, const uint64_t a[6], bool wide)
{
    const struct linux_ticker *t = find(p, a[0]);
    return t ? timer_get(p, t, a[1], wide) : -EINVAL;
}

int64_t sys_timer_gettime(struct linux_process *p, const uint64_t a[6]) { return gettime(p, a, false); }

int64_t sys_timer_gettime64(struct linux_process *p, const uint64_t a[6]) { return gettime(p, a, true); }

int64_t sys_timer_getoverrun(struct linux_process *p, const uint64_t a[6])
{
    const struct linux_ticker *t = find(p, a[0]);
    return t ? t->overrun : -EINVAL;
}

int64_t sys_timer_delete(struct linux_process *p, const uint64_t a[6])
{
    struct linux_ticker *t = find(p, a[0]);
    if (!t)
        return -EINVAL;
    timer_drop(t);
    return 0;
}

/* timerfd ------------------------------------------------------------------------------------------------------------ */

static bool fd_ready(struct linux_process *p, const struct linux_file *f)
{
    (void)p;
    return ((const struct linux_ticker *)f->of)->ticks != 0;
}

static int64_t fd_read(struct linux_process *p, struct linux_file *f, uint64_t to, uint64_t size)
{
    struct linux_ticker *t = f->of;
    if (size < sizeof t->ticks)
        return -EINVAL;
    if (!t->ticks)
        return LINUX_WAIT;
    uint64_t ticks = t->ticks;
    t->ticks = 0;
    return user_put(p, to, &ticks, sizeof ticks) ? (int64_t)sizeof ticks : -EFAULT;
}

static void fd_drop(struct linux_file *f) { timer_drop(f->of); }

static const struct linux_source timerfd = {fd_ready, fd_read, fd_drop, NULL};

int64_t sys_timerfd_create(struct linux_process *p, const uint64_t a[6])
{
    uint32_t flags = (uint32_t)a[1];
    if (!timer_clock((uint32_t)a[0]) || (uint32_t)a[0] == CLOCK_TAI || (flags & ~(uint32_t)(TFD_CLOEXEC | TFD_NONBLOCK)))
        return -EINVAL;
    struct linux_ticker *t = timer_add(p->k);
    if (!t)
        return -ENOMEM;
    t->clock = (uint32_t)a[0];
    return source_open(p, &timerfd, t, flags & TFD_NONBLOCK, flags & TFD_CLOEXEC);
}

static struct linux_ticker *of_fd(struct linux_process *p, uint64_t fd, int64_t *error)
{
    const struct linux_file *f = fd_file(p, (uint32_t)fd);
    *error = f ? -EINVAL : -EBADF;
    return f && f->source == &timerfd ? f->of : NULL;
}

static int64_t fd_settime(struct linux_process *p, const uint64_t a[6], bool wide)
{
    int64_t r;
    struct linux_ticker *t = of_fd(p, a[0], &r);
    if (!t || (a[1] & ~(uint64_t)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)))
        return t ? -EINVAL : r;
    return timer_set(p, t, a[1] & TFD_TIMER_ABSTIME, a[2], a[3], wide);
}

int64_t sys_timerfd_settime(struct linux_process *p, const uint64_t a[6]) { return fd_settime(p, a, false); }

int64_t sys_timerfd_settime64(struct linux_process *p, const uint64_t a[6]) { return fd_settime(p, a, true); }

static int64_t fd_gettime(struct linux_process *p, const uint64_t a[6], bool wide)
{
    int64_t r;
    const struct linux_ticker *t = of_fd(p, a[0], &r);
    return t ? timer_get(p, t, a[1], wide) : r;
}

int64_t sys_timerfd_gettime(struct linux_process *p, const uint64_t a[6]) { return fd_gettime(p, a, false); }

int64_t sys_timerfd_gettime64(struct linux_process *p, const uint64_t a[6]) { return fd_gettime(p, a, true); }
