/* pidfds: descriptors that become readable when a process has ended. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>

#include "syscalls.h"

static bool ended(struct linux_process *p, const struct linux_file *f)
{
    const struct linux_group *g = group_find(p->k, *(const int *)f->of);
    return !g || g->zombie;
}

static void drop(struct linux_file *f) { free(f->of); }

static const struct linux_source pidfd = {ended, NULL, drop, NULL};

int64_t sys_pidfd_open(struct linux_process *p, const uint64_t a[6])
{
    if ((int32_t)a[0] <= 0 || (a[1] & ~(uint64_t)O_NONBLOCK))
        return -EINVAL;
    if (!group_find(p->k, (int)a[0]))
        return -ESRCH;
    int *pid = malloc(sizeof *pid);
    if (!pid)
        return -ENOMEM;
    *pid = (int)a[0];
    return source_open(p, &pidfd, pid, a[1] & O_NONBLOCK, true);
}

int pidfd_pid(struct linux_process *p, uint64_t fd)
{
    const struct linux_file *f = fd_file(p, (uint32_t)fd);
    return f && f->source == &pidfd ? *(const int *)f->of : -EBADF;
}

int64_t sys_pidfd_send_signal(struct linux_process *p, const uint64_t a[6])
{
    int pid = pidfd_pid(p, a[0]);
    if (pid < 0 || a[3])
        return pid < 0 ? pid : -EINVAL;
    return a[2] ? sys_rt_sigqueueinfo(p, (uint64_t[6]){(uint32_t)pid, a[1], a[2]})
                : sys_kill(p, (uint64_t[6]){(uint32_t)pid, a[1]});
}
