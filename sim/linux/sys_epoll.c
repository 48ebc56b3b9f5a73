/* epoll and eventfd. An epoll instance is a list of descriptors of the guest's that poll is asked about. What it watches is
 * forgotten when the descriptor is closed; a copy of the descriptor does not keep it alive, as it would in Linux. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "syscalls.h"

enum { POLLED = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLRDNORM | EPOLLRDBAND | EPOLLWRNORM | EPOLLWRBAND };

struct item {
    uint32_t fd;
    const struct linux_file *file; /* a name for it only: it may be gone */
    uint64_t id;                   /* of the file, as addresses come again */
    uint32_t events, was;          /* what it was ready for when it was last looked at */
    uint64_t data;
};

struct linux_epoll {
    size_t n;
    struct item item[LINUX_FDS];
};

/* As the guest has it, in both word sizes. */
struct event {
    uint32_t events;
    uint64_t data;
} __attribute__((packed));

enum { NESTS = 5 /* instances in one another */ };

void epoll_drop(struct linux_epoll *e) { free(e); }

static bool is_ready(struct linux_process *p, const struct linux_file *f);

static void nothing(struct linux_file *f) { (void)f; }

static const struct linux_source watching = {is_ready, NULL, nothing, NULL};

static int64_t make(struct linux_process *p, uint32_t flags)
{
    if (flags & ~(uint32_t)EPOLL_CLOEXEC)
        return -EINVAL;
    struct linux_epoll *e = calloc(1, sizeof *e);
    int64_t fd = e ? source_open(p, &watching, NULL, false, flags & EPOLL_CLOEXEC) : -ENOMEM;
    if (fd < 0) {
        free(e);
        return fd;
    }
    fd_file(p, (uint32_t)fd)->kind = FD_EPOLL;
    fd_file(p, (uint32_t)fd)->epoll = e;
    return fd;
}

int64_t sys_epoll_create(struct linux_process *p, const uint64_t a[6]) { return (int32_t)a[0] > 0 ? make(p, 0) : -EINVAL; }

int64_t sys_epoll_create1(struct linux_process *p, const uint64_t a[6]) { return make(p, (uint32_t)a[0]); }

static struct linux_epoll *epoll_of(struct linux_process *p, uint64_t fd)
{
    const struct linux_file *f = fd_file(p, (uint32_t)fd);
    return f ? f->epoll : NULL;
}

static bool alive(struct linux_process *p, const struct item *i)
{
    const struct linux_file *f = fd_file(p, i->fd);
    return f && f == i->file && f->id == i->id;
}

static void forget_closed(struct linux_process *p, struct linux_epoll *e)
{
    size_t n = 0;
    for (size_t i = 0; i < e->n; i++)
        if (alive(p, &e->item[i]))
            e->item[n++] = e->item[i];
    e->n = n;
}

/* Files and folders: they are always ready. */
static bool never_waits(const struct linux_file *f)
{
    struct stat st;
    return !fstat(f->host, &st) && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

/* Instances that this one has in it, in each other: 1 for none. More than NESTS if `what` is among them. */
static unsigned height(struct linux_process *p, const struct linux_file *f, const struct linux_file *what, unsigned above)
{
    unsigned most = 0;
    if (f == what || above > NESTS)
        return NESTS + 1;
    for (size_t i = 0; i < f->epoll->n; i++) {
        const struct item *w = &f->epoll->item[i];
        unsigned h = alive(p, w) && w->file->epoll ? height(p, w->file, what, above + 1) : 0;
        most = h > most ? h : most;
    }
    return most + 1;
}

int64_t sys_epoll_ctl(struct linux_process *p, const uint64_t a[6])
{
    uint32_t op = (uint32_t)a[1], fd = (uint32_t)a[2];
    const struct linux_file *f = fd_file(p, fd);
    struct linux_epoll *e = epoll_of(p, a[0]);
    struct event ev = {0, 0};
    struct item *i;
    if (!f || !fd_file(p, (uint32_t)a[0]))
        return -EBADF;
    if (!e || f->epoll == e || op < EPOLL_CTL_ADD || op > EPOLL_CTL_MOD)
        return -EINVAL;
    if (op != EPOLL_CTL_DEL && !user_get(p, &ev, a[3], sizeof ev))
        return -EFAULT;
    forget_closed(p, e);
    for (i = e->item; i < e->item + e->n && i->fd != fd; i++)
        ;
    bool there = i < e->item + e->n;
    if (there == (op == EPOLL_CTL_ADD))
        return there ? -EEXIST : -ENOENT;
    if (op == EPOLL_CTL_ADD && never_waits(f))
        return -EPERM;
    if (op == EPOLL_CTL_ADD && f->epoll && height(p, f, fd_file(p, (uint32_t)a[0]), 0) > NESTS - 1)
        return -ELOOP;
    if (op == EPOLL_CTL_DEL) {
        memmove(i, i + 1, (size_t)(e->item + --e->n - i) * sizeof *i);
        return 0;
    }
    *i = (struct item){fd, f, f->id, ev.events, 0, ev.data};
    e->n += !there;
    return 0;
}

/* EPOLLET: what can be written to stays so and is told once, and with other news; input is told again, which a program must be
 * able to bear. */
static uint32_t news(struct item *i, uint32_t ready)
{
    uint32_t old = i->events & EPOLLET ? i->was & EPOLLOUT : 0, told = ready & ~old;
    if (told)
        told |= old;
    i->was = ready | (i->was & EPOLLOUT);
    return told & (i->events | EPOLLERR | EPOLLHUP);
}

/* EPOLLOUT if it has been told and nothing has changed since. */
static uint32_t told_already(struct item *i)
{
    struct pollfd now = {.fd = i->file->host, .events = POLLOUT};
    if (!(i->events & EPOLLET) || !(i->was & EPOLLOUT))
        return 0;
    if (poll(&now, 1, 0) <= 0 || !(now.revents & POLLOUT))
        i->was &= ~(uint32_t)EPOLLOUT;
    return i->was & EPOLLOUT;
}

/* What poll is to be asked about, and of which items. */
static uint32_t ask_for(struct linux_process *p, struct linux_epoll *e, struct pollfd fds[LINUX_FDS],
                        struct item *watched[LINUX_FDS], bool *outside)
{
    uint32_t n = 0;
    forget_closed(p, e);
    for (size_t i = 0; i < e->n; i++) {
        struct item *w = &e->item[i];
        uint32_t once = told_already(w);
        if (!(w->events & POLLED)) /* one shot, fired */
            continue;
        fds[n] = (struct pollfd){.fd = w->file->host, .events = (short)(w->events & POLLED & ~once)};
        source_look(p, fd_file(p, w->fd), &fds[n].events);
        *outside |= w->file->outside;
        watched[n++] = w;
    }
    return n;
}

/* For poll, and for an instance that this one is in. */
static bool is_ready(struct linux_process *p, const struct linux_file *f)
{
    struct pollfd fds[LINUX_FDS];
    struct item *watched[LINUX_FDS];
    bool outside = false, ready = false;
    if (p->k->epoll_depth >= NESTS)
        return false;
    p->k->epoll_depth++;
    uint32_t n = ask_for(p, f->epoll, fds, watched, &outside);
    ready = n && poll(fds, n, 0) > 0;
    p->k->epoll_depth--;
    if (!ready && outside)
        outside_note(p, fds, n);
    return ready;
}

static int64_t wait_events(struct linux_process *p, const uint64_t a[6], int64_t timeout)
{
    struct linux_epoll *e = epoll_of(p, a[0]);
    struct pollfd fds[LINUX_FDS];
    struct item *watched[LINUX_FDS];
    uint32_t done = 0, most = (uint32_t)a[2];
    bool outside = false;
    if (!fd_file(p, (uint32_t)a[0]))
        return -EBADF;
    if (!e || (int32_t)a[2] <= 0)
        return -EINVAL;
    uint32_t n = ask_for(p, e, fds, watched, &outside);
    int64_t r = poll_wait(p, fds, n, timeout, outside);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < n && done < most; i++) {
        fds[i].revents = source_seen(p, watched[i]->file, (short)(watched[i]->events & POLLED), fds[i].revents);
        uint32_t ready = news(watched[i], (uint16_t)fds[i].revents);
        struct event ev = {ready, watched[i]->data};
        if (!ready)
            continue;
        if (!user_put(p, a[1] + done * sizeof ev, &ev, sizeof ev))
            return done ? (int64_t)done : -EFAULT;
        if (watched[i]->events & EPOLLONESHOT)
            watched[i]->events &= ~(uint32_t)POLLED;
        done++;
    }
    return done;
}

static int64_t milliseconds(uint64_t a) { return (int32_t)a < 0 ? -1 : (int64_t)(int32_t)a * 1000000; }

int64_t sys_epoll_wait(struct linux_process *p, const uint64_t a[6]) { return wait_events(p, a, milliseconds(a[3])); }

int64_t sys_epoll_pwait(struct linux_process *p, const uint64_t a[6])
{
    int64_t r = poll_mask_begin(p, a[4], a[5]);
    return r < 0 ? r : poll_mask_end(p, wait_events(p, a, milliseconds(a[3])));
}

int64_t sys_epoll_pwait2(struct linux_process *p, const uint64_t a[6])
{
    struct abi_timespec64 t = {0, 0};
    int64_t r = a[3] ? time_get(p, a[3], &t, true) : 0;
    if (r >= 0)
        r = poll_mask_begin(p, a[4], a[5]);
    if (r < 0)
        return r;
    int64_t timeout = !a[3] || t.sec > INT32_MAX ? -1 : t.sec * 1000000000 + t.nsec;
    return poll_mask_end(p, wait_events(p, a, timeout));
}

/* A counter. It never blocks the host, as with pipes. */
static int64_t make_event(struct linux_process *p, uint32_t value, uint32_t flags)
{
    if (flags & ~(uint32_t)(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE))
        return -EINVAL;
    int host = eventfd(value, (int)(flags | EFD_NONBLOCK | EFD_CLOEXEC));
    int fd = host < 0 ? -errno : fd_add(p, host, FD_PIPE, 0, flags & EFD_CLOEXEC);
    if (fd >= 0)
        fd_file(p, (uint32_t)fd)->nonblock = flags & EFD_NONBLOCK;
    return fd;
}

int64_t sys_eventfd(struct linux_process *p, const uint64_t a[6]) { return make_event(p, (uint32_t)a[0], 0); }

int64_t sys_eventfd2(struct linux_process *p, const uint64_t a[6]) { return make_event(p, (uint32_t)a[0], (uint32_t)a[1]); }
