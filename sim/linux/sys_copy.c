/* System calls that move bytes from one descriptor to another. */
#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "syscalls.h"

enum { CHUNK = 1 << 16, LONGEST = 0x7ffff000 };

static int64_t send_file(struct linux_process *p, const uint64_t a[6], uint64_t *offset, bool with_offset)
{
    struct linux_file *out = fd_file(p, a[0]), *in = fd_file(p, a[1]);
    uint8_t buf[CHUNK];
    int64_t done = p->wait.done;
    if (!out || !in)
        return -EBADF;
    *offset += (uint64_t)done;
    int64_t all = a[3] < LONGEST ? (int64_t)a[3] : LONGEST;
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
    while (done < all) {
        ssize_t n = pread(in->host, buf, all - done < CHUNK ? (size_t)(all - done) : CHUNK, from + done);
        ssize_t put = n > 0 ? pwrite(out->host, buf, (size_t)n, to + done) : n;
        if (put < 0 && !done)
            return -errno;
        if (put <= 0)
            break;
        done += put;
    }
    if ((r = put_offset(p, a[1], in->host, from + done)) < 0 || (r = put_offset(p, a[3], out->host, to + done)) < 0)
        return r;
    return done;
}
