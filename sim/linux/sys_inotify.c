/* inotify: the host's, which sees what the guest's processes do to its files, and what others do. */
#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "syscalls.h"

int64_t sys_inotify_init1(struct linux_process *p, const uint64_t a[6])
{
    if (a[0] & ~(uint64_t)(IN_CLOEXEC | IN_NONBLOCK))
        return -EINVAL;
    int host = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    int fd = host < 0 ? -errno : fd_add(p, host, FD_PIPE, 0, a[0] & IN_CLOEXEC);
    if (fd < 0)
        return fd;
    struct linux_file *f = fd_file(p, (uint32_t)fd);
    f->nonblock = a[0] & IN_NONBLOCK;
    f->outside = true;
    f->inotify = true;
    return fd;
}

int64_t sys_inotify_init(struct linux_process *p, const uint64_t a[6])
{
    (void)a;
    return sys_inotify_init1(p, (uint64_t[6]){0});
}

static const struct linux_file *inotify_file(struct linux_process *p, uint64_t fd, int64_t *error)
{
    const struct linux_file *f = fd_file(p, (uint32_t)fd);
    *error = f ? -EINVAL : -EBADF;
    return f && f->inotify ? f : NULL;
}

int64_t sys_inotify_add_watch(struct linux_process *p, const uint64_t a[6])
{
    char path[LINUX_PATH];
    int64_t r;
    const struct linux_file *f = inotify_file(p, a[0], &r);
    int node = f ? path_copy(p, path, a[1]) : (int)r;
    if (node >= 0)
        node = path_node(p, -100 /* AT_FDCWD */, path, !(a[2] & IN_DONT_FOLLOW), false);
    if (node < 0)
        return node;
    r = inotify_add_watch(f->host, path_link(node).text, (uint32_t)a[2] & ~(uint32_t)IN_DONT_FOLLOW);
    if (r < 0)
        r = -errno;
    close(node);
    return r;
}

int64_t sys_inotify_rm_watch(struct linux_process *p, const uint64_t a[6])
{
    int64_t r;
    const struct linux_file *f = inotify_file(p, a[0], &r);
    return !f ? r : inotify_rm_watch(f->host, (int)a[1]) ? -errno : 0;
}
