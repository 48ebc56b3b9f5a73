/* Descriptors whose readiness the personality decides: timers, signals, the ends of processes. Each has an event counter of the
 * host's, which is made readable before poll looks at it, so that all of them can be waited for together. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "syscalls.h"

int64_t source_open(struct linux_process *p, const struct linux_source *source, void *of, bool nonblock, bool cloexec)
{
    struct linux_file dead = {.of = of};
    int host = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int fd = host < 0 ? -errno : fd_add(p, host, FD_PIPE, 0, cloexec);
    if (fd < 0) {
        source->drop(&dead);
        return fd;
    }
    struct linux_file *f = fd_file(p, (uint32_t)fd);
    f->source = source;
    f->of = of;
    f->nonblock = nonblock;
    return fd;
}

void source_look(struct linux_process *p, struct linux_file *f, short *events)
{
    uint64_t count = 1;
    if (!f->source)
        return;
    short now = f->source->events ? f->source->events(p, f) : 0;
    if (!(now & POLLOUT))
        *events &= (short)~(POLLOUT | POLLWRNORM);
    if ((now & POLLHUP) || (now & *events & POLLPRI))
        *events |= POLLIN; /* as which the counter tells it */
    bool ready = f->source->ready(p, f);
    if (ready == f->told)
        return;
    f->told = ready;
    ssize_t n = ready ? write(f->host, &count, sizeof count) : read(f->host, &count, sizeof count);
    (void)n; /* a counter that is zero takes one, one that is one gives it */
}

short source_seen(struct linux_process *p, const struct linux_file *f, short asked, short seen)
{
    if (!f || !f->source || !f->source->events)
        return seen;
    return (short)(f->source->events(p, f) & (asked | POLLERR | POLLHUP));
}

int64_t source_read(struct linux_process *p, struct linux_file *f, uint64_t to, uint64_t size)
{
    int64_t r = f->source->read ? f->source->read(p, f, to, size) : -EINVAL;
    return r == LINUX_WAIT ? pipe_wait(p, f, POLLIN, 0) : r;
}
