/* System calls that move bytes from one descriptor to another. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "syscalls.h"

enum { CHUNK = 1 << 16, LONGEST = 0x7ffff000 };

/* Whether sendfile reads from it: files, and devices that have a position as /dev/zero has. Not pipes, sockets, counters or terminals,
 * which would lose what is read and not sent, and may give without end. */
static bool is_sent(const struct linux_file *f)
{
    struct stat st;
    return f->kind == FD_HOST && !f->source && !fstat(f->host, &st) &&
           (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode) || (S_ISCHR(st.st_mode) && lseek(f->host, 0, SEEK_CUR) >= 0));
}

static int64_t send_file(struct linux_process *p, const uint64_t a[6], uint64_t *offset, bool with_offset)
{
    struct linux_file *out = fd_file(p, a[0]), *in = fd_file(p, a[1]);
    uint8_t buf[CHUNK];
    int64_t done = p->wait.done;
    if (!out || !in)
        return -EBADF;
    if (!is_sent(in) || out->source || !socket_is_pipe(out))
        return -EINVAL;
    mm_before_access(p->mm, in->host);
    *offset += (uint64_t)done;
    int64_t all = seals_room(out, -1, a[3] < LONGEST ? a[3] : LONGEST);
    if (all < 0)
        return all;
    while (done < all) {
        size_t want = all - done < CHUNK ? (size_t)(all - done) : CHUNK;
        ssize_t n = with_offset ? pread(in->host, buf, want, (off_t)*offset) : read(in->host, buf, want);
        if (n < 0)
            return done ? done : -errno;
        if (n == 0)
            break;
        ssize_t put = write(out->host, buf, (size_t)n);
        int error = put < 0 ? errno : 0;
        if (put < n && !with_offset) /* what has not gone out is still to be read */
            lseek(in->host, (put < 0 ? 0 : put) - n, SEEK_CUR);
        if (put < 0 && error == EAGAIN && out->kind == FD_PIPE)
            return pipe_wait(p, out, POLLOUT, done);
        if (put < 0)
            return done ? done : -error;
        done += put;
        *offset += (uint64_t)put;
    }
    mm_after_write(p->mm, out->host);
    if (done)
        file_written(p, out);
    return done;
}

int64_t sys_sendfile64(struct linux_process *p, const uint64_t a[6])
{
    uint64_t offset = 0;
    if (a[2] && !user_get(p, &offset, a[2], 8))
        return -EFAULT;
    int64_t r = send_file(p, a, &offset, a[2] != 0);
    return a[2] && r >= 0 && !user_put(p, a[2], &offset, 8) ? -EFAULT : r;
}

int64_t sys_sendfile(struct linux_process *p, const uint64_t a[6])
{
    uint32_t offset32 = 0;
    if (a[2] && !user_get(p, &offset32, a[2], 4))
        return -EFAULT;
    uint64_t offset = offset32;
    int64_t r = send_file(p, a, &offset, a[2] != 0);
    offset32 = (uint32_t)offset;
    return a[2] && r >= 0 && !user_put(p, a[2], &offset32, 4) ? -EFAULT : r;
}

static bool is_spliced(const struct linux_file *f) { return (f->kind == FD_HOST || f->kind == FD_PIPE) && !f->source; }

/* The host's own splice or tee, which must not wait; the guest does. */
static int64_t splice_result(struct linux_process *p, const struct linux_file *in, const struct linux_file *out, ssize_t n,
                             uint64_t flags)
{
    int error = n < 0 ? errno : 0;
    if (error == EPIPE)
        linux_raise(p, SIGPIPE, 0);
    if (error != EAGAIN)
        return n < 0 ? -error : n;
    if ((flags & SPLICE_F_NONBLOCK) || in->nonblock || out->nonblock)
        return -EAGAIN;
    const struct pollfd ends[2] = {{.fd = in->host, .events = POLLIN}, {.fd = out->host, .events = POLLOUT}};
    if (in->outside || out->outside)
        outside_note(p, outside_ready(in->host, POLLIN) ? &ends[1] : &ends[0], 1);
    return wait_for(p, "waits for a pipe", -1, true);
}

enum { SPLICE_FLAGS = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT };

int64_t sys_splice(struct linux_process *p, const uint64_t a[6])
{
    const struct linux_file *in = fd_file(p, (uint32_t)a[0]), *out = fd_file(p, (uint32_t)a[2]);
    off_t from = 0, to = 0;
    if (a[5] & ~(uint64_t)SPLICE_FLAGS)
        return -EINVAL;
    if (!a[4])
        return 0;
    if (!in || !out)
        return -EBADF;
    if (!is_spliced(in) || !is_spliced(out) || !socket_is_pipe(out))
        return -EINVAL;
    if ((a[1] && !user_get(p, &from, a[1], sizeof from)) || (a[3] && !user_get(p, &to, a[3], sizeof to)))
        return -EFAULT;
    int64_t size = seals_room(out, a[3] ? to : -1, a[4] < LONGEST ? a[4] : LONGEST);
    if (size < 0)
        return size;
    mm_before_access(p->mm, in->host);
    mm_before_access(p->mm, out->host);
    ssize_t n = splice(in->host, a[1] ? &from : NULL, out->host, a[3] ? &to : NULL, (size_t)size, SPLICE_F_NONBLOCK);
    if (n > 0 && ((a[1] && !user_put(p, a[1], &from, sizeof from)) || (a[3] && !user_put(p, a[3], &to, sizeof to))))
        return -EFAULT;
    mm_after_write(p->mm, out->host);
    if (n > 0)
        file_written(p, out);
    return splice_result(p, in, out, n, a[5]);
}

int64_t sys_tee(struct linux_process *p, const uint64_t a[6])
{
    const struct linux_file *in = fd_file(p, (uint32_t)a[0]), *out = fd_file(p, (uint32_t)a[1]);
    if (a[3] & ~(uint64_t)SPLICE_FLAGS)
        return -EINVAL;
    if (!a[2])
        return 0;
    if (!in || !out)
        return -EBADF;
    if (!is_spliced(in) || !is_spliced(out))
        return -EINVAL;
    return splice_result(p, in, out, tee(in->host, out->host, a[2] < LONGEST ? a[2] : LONGEST, SPLICE_F_NONBLOCK), a[3]);
}

/* An offset that the guest may give; without one the descriptor's own position counts, and moves. */
static int64_t get_offset(struct linux_process *p, uint64_t at, int host, int64_t *offset)
{
    if (at && !user_get(p, offset, at, sizeof *offset))
        return -EFAULT;
    if (!at)
        *offset = lseek(host, 0, SEEK_CUR);
    return *offset < 0 ? -EINVAL : 0;
}

static int64_t put_offset(struct linux_process *p, uint64_t at, int host, int64_t offset)
{
    if (at)
        return user_put(p, at, &offset, sizeof offset) ? 0 : -EFAULT;
    return lseek(host, offset, SEEK_SET) < 0 ? -errno : 0;
}

static bool is_regular(const struct linux_file *f)
{
    struct stat st;
    return f->kind == FD_HOST && !fstat(f->host, &st) && S_ISREG(st.st_mode);
}

int64_t sys_copy_file_range(struct linux_process *p, const uint64_t a[6])
{
    struct linux_file *in = fd_file(p, (uint32_t)a[0]), *out = fd_file(p, (uint32_t)a[2]);
    int64_t from, to, done = 0, all = a[4] < LONGEST ? (int64_t)a[4] : LONGEST, r;
    uint8_t buf[CHUNK];
    if (!in || !out)
        return -EBADF;
    if (a[5] || !is_regular(in) || !is_regular(out))
        return -EINVAL;
    if ((r = get_offset(p, a[1], in->host, &from)) < 0 || (r = get_offset(p, a[3], out->host, &to)) < 0)
        return r;
    if ((all = seals_room(out, to, (uint64_t)all)) < 0)
        return all;
    mm_before_access(p->mm, in->host);
    mm_before_access(p->mm, out->host);
    while (done < all) {
        ssize_t n = pread(in->host, buf, all - done < CHUNK ? (size_t)(all - done) : CHUNK, from + done);
        ssize_t put = n > 0 ? pwrite(out->host, buf, (size_t)n, to + done) : n;
        if (put < 0 && !done)
            return -errno;
        if (put <= 0)
            break;
        done += put;
    }
    mm_after_write(p->mm, out->host);
    if (done)
        file_written(p, out);
    if ((r = put_offset(p, a[1], in->host, from + done)) < 0 || (r = put_offset(p, a[3], out->host, to + done)) < 0)
        return r;
    return done;
}
