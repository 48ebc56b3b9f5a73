/* Opening files. Where a name leads is path.c's; a FIFO is opened when somebody else has opened its other end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "syscalls.h"

static bool same_file(int a, int b)
{
    struct stat x, y;
    return !fstat(a, &x) && !fstat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* A process of the guest's has the FIFO open for writing. */
static bool has_writer(const struct linux_kernel *k, int host)
{
    for (const struct linux_process *t = k->tasks; t; t = t->next) {
        for (uint32_t fd = 0; !t->dead && fd < LINUX_FDS; fd++) {
            const struct linux_file *f = t->files->fd[fd].file;
            if (f && f->kind == FD_PIPE && f->outside && (fcntl(f->host, F_GETFL) & O_ACCMODE) != O_RDONLY &&
                same_file(f->host, host))
                return true;
        }
    }
    return false;
}

/* The host's descriptor never blocks, and a reader's is opened at once: by it the writer sees that there is a reader. A writer
 * that comes from outside is seen by what it writes or by its end. */
static int64_t open_fifo(struct linux_process *p, int host, int flags)
{
    struct pollfd end = {.fd = host, .events = POLLIN};
    p->wait.holds = false;
    if ((flags & O_ACCMODE) == O_RDONLY && !(flags & O_NONBLOCK) && !has_writer(p->k, host) && poll(&end, 1, 0) == 0) {
        p->wait.holds = true;
        p->wait.held = host;
        return outside_wait_for(p, "waits for a writer of a FIFO", host, POLLIN);
    }
    int fd = fd_add(p, host, FD_PIPE, 0, flags & O_CLOEXEC);
    if (fd >= 0) {
        fd_file(p, (uint32_t)fd)->outside = true;
        fd_file(p, (uint32_t)fd)->nonblock = flags & O_NONBLOCK;
    }
    return fd;
}

int64_t sys_openat(struct linux_process *p, const uint64_t a[6])
{
    /* O_SYNC has O_DSYNC in it, O_TMPFILE has O_DIRECTORY. */
    enum {
        KNOWN = O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_NONBLOCK | O_NOFOLLOW | O_PATH | O_SYNC | O_NOCTTY |
                O_CLOEXEC | O_TMPFILE
    };
    char path[LINUX_PATH], where[LINUX_PATH];
    enum linux_fd_kind kind;
    int flags = (int)(a[2] & KNOWN);
    if (p->wait.holds)
        return open_fifo(p, p->wait.held, flags);
    int r = path_copy(p, path, a[1]);
    if (r < 0)
        return r;
    int64_t terminal;
    if (tty_open(p, path, path_special(p, (int)a[0], path), (uint32_t)flags, &terminal))
        return terminal;
    int host = path_open(p, (int)a[0], path, flags, a[3] & ~(uint32_t)(S_ISUID | S_ISGID), &kind, where);
    if (kind != FD_FIFO) {
        int fd = fd_add(p, host, kind == FD_PROC ? FD_HOST : kind, 0, a[2] & O_CLOEXEC);
        if (fd >= 0 && where[0]) /* stat says the same of it as of its name */
            fd_file(p, (uint32_t)fd)->proc = strdup(where);
        if (fd >= 0 && p->k->seals) /* by the name of a descriptor */
            seals_note(p, fd_file(p, (uint32_t)fd));
        return fd;
    }
    if (host == -ENXIO && !(flags & O_NONBLOCK))
        return outside_wait_for(p, "waits for a reader of a FIFO", -1, 0);
    return host < 0 ? host : open_fifo(p, host, flags);
}

int64_t sys_open(struct linux_process *p, const uint64_t a[6])
{
    return sys_openat(p, (uint64_t[6]){(uint32_t)AT_FDCWD, a[0], a[1], a[2]});
}

int64_t sys_creat(struct linux_process *p, const uint64_t a[6])
{
    return sys_openat(p, (uint64_t[6]){(uint32_t)AT_FDCWD, a[0], O_CREAT | O_WRONLY | O_TRUNC, a[1]});
}
