/* Reading and writing several buffers by one call. */
#include <errno.h>

#include "syscalls.h"

enum { LONGEST = 0x7ffff000 /* bytes moved by one call */, IOVECS = 1024 };

int64_t vector_do(struct linux_process *p, uint32_t fd, uint64_t at, uint64_t n, int64_t offset, file_fn *fn)
{
    int64_t skip = p->wait.done, done = 0; /* what has been moved before this call had to wait */
    if (fd_host(p, fd) < 0)
        return -EBADF;
    if (n > IOVECS)
        return -EINVAL;
    for (uint32_t i = 0; i < n; i++, at += 2 * user_word(p)) {
        uint64_t base, length;
        if (!user_get_word(p, at, &base) || !user_get_word(p, at + user_word(p), &length))
            return done ? done : -EFAULT;
        if (length > LONGEST)
            length = LONGEST;
        int64_t len = (int64_t)length, before = skip < len ? skip : len;
        done += before;
        skip -= before;
        if (before == len)
            continue;
        p->wait.done = 0;
        int64_t r = fn(p, fd, base + (uint64_t)before, (uint64_t)(len - before), offset < 0 ? -1 : offset + done);
        if (r == LINUX_WAIT) {
            p->wait.done += done;
            return fn == file_read && done ? done : r;
        }
        if (r < 0)
            return done ? done : r;
        done += r;
        if (r < len - before)
            break;
    }
    return done;
}

int64_t sys_readv(struct linux_process *p, const uint64_t a[6])
{
    return vector_do(p, (uint32_t)a[0], a[1], a[2], -1, file_read);
}

int64_t sys_writev(struct linux_process *p, const uint64_t a[6])
{
    const struct linux_file *f = fd_file(p, (uint32_t)a[0]);
    if (f && !socket_is_pipe(f))
        return socket_writev(p, f, a[1], a[2]);
    return vector_do(p, (uint32_t)a[0], a[1], a[2], -1, file_write);
}

/* An offset in two words: the upper one of a 64-bit program's is nothing. */
static int64_t offset_of(const struct linux_process *p, const uint64_t a[6])
{
    return (int64_t)(p->wide ? a[3] : pair64(a[3], a[4]));
}

static int64_t at_offset(struct linux_process *p, const uint64_t a[6], file_fn *fn)
{
    int64_t offset = offset_of(p, a);
    return offset < 0 ? -EINVAL : vector_do(p, (uint32_t)a[0], a[1], a[2], offset, fn);
}

int64_t sys_preadv(struct linux_process *p, const uint64_t a[6]) { return at_offset(p, a, file_read); }

int64_t sys_pwritev(struct linux_process *p, const uint64_t a[6]) { return at_offset(p, a, file_write); }

/* Offset -1 is the file's position. What the flags ask for beyond that, nothing here does differently; RWF_NOWAIT and RWF_APPEND
 * would. */
static int64_t with_flags(struct linux_process *p, const uint64_t a[6], file_fn *fn)
{
    enum { HIPRI = 1, DSYNC = 2, SYNC = 4 };
    int64_t offset = offset_of(p, a);
    if (a[5] & ~(uint64_t)(HIPRI | DSYNC | SYNC))
        return -EOPNOTSUPP;
    return offset < -1 ? -EINVAL : vector_do(p, (uint32_t)a[0], a[1], a[2], offset, fn);
}

int64_t sys_preadv2(struct linux_process *p, const uint64_t a[6]) { return with_flags(p, a, file_read); }

int64_t sys_pwritev2(struct linux_process *p, const uint64_t a[6]) { return with_flags(p, a, file_write); }

/* Bytes of the program's into a pipe; that the pages would not be copied is nothing that can be seen. */
int64_t sys_vmsplice(struct linux_process *p, const uint64_t a[6])
{
    const struct linux_file *f = fd_file(p, (uint32_t)a[0]);
    if (!f)
        return -EBADF;
    return f->kind != FD_PIPE || f->source || f->socket ? -EBADF : vector_do(p, (uint32_t)a[0], a[1], a[2], -1, file_write);
}
