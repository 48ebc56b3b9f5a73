/* System calls on descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "file_times.h"
#include "syscalls.h"
#include "tty.h"

enum { CHUNK = 1 << 16, LONGEST = 0x7ffff000 /* bytes moved by one call */ };

/* Moving bytes ------------------------------------------------------------------------------------------------------- */

int64_t pipe_wait(struct linux_process *p, const struct linux_file *f, short events, int64_t done)
{
    static const char why[] = "waits for a pipe";
    int flags = f->kind == FD_PIPE ? 0 : fcntl(f->host, F_GETFL);
    if (f->nonblock || (flags > 0 && (flags & O_NONBLOCK)))
        return done ? done : -EAGAIN;
    p->wait.done = done;
    return f->outside ? outside_wait_for(p, why, f->host, events) : wait_for(p, why, -1, true);
}

/* The host would block in reading or writing it. What cannot be read or written at all fails at once. */
static bool would_block(const struct linux_process *p, const struct linux_file *f, short events)
{
    bool asks = events == POLLIN || p->k->ntasks > 1; /* a lonely writer holds nobody up */
    if (!asks || !f->outside || f->kind != FD_HOST || outside_ready(f->host, events))
        return false;
    return (fcntl(f->host, F_GETFL) & O_ACCMODE) != (events == POLLIN ? O_WRONLY : O_RDONLY);
}

/* Whether a buffer reaches beyond any program's addresses. */
static bool beyond(uint64_t at, uint64_t size)
{
    const uint64_t end = UINT64_C(1) << 47;
    return size > end || at > end - size;
}

void file_written(struct linux_process *p, const struct linux_file *f)
{
    if (f->kind == FD_HOST && !f->outside)
        times_changed(p->k, f->host, TIME_WRITTEN);
}

int64_t file_read(struct linux_process *p, uint32_t fd, uint64_t to, uint64_t size, int64_t offset)
{
    struct linux_file *f = fd_file(p, fd);
    uint8_t buf[CHUNK];
    int64_t done = 0;
    if (!f)
        return -EBADF;
    if (f->kind == FD_EPOLL)
        return -EINVAL;
    if (beyond(to, size))
        return -EFAULT;
    if (tty_is(f))
        return offset < 0 ? tty_read(p, f, to, size) : -ESPIPE;
    if (f->source)
        return offset < 0 ? source_read(p, f, to, size) : -ESPIPE;
    mm_before_access(p->mm, f->host);
    if (size > LONGEST)
        size = LONGEST;
    do {
        size_t want = size - (uint64_t)done < CHUNK ? size - (uint64_t)done : CHUNK;
        ssize_t n;
        if (offset < 0 && would_block(p, f, POLLIN))
            return pipe_wait(p, f, POLLIN, 0);
        if (f->kind == FD_RANDOM) {
            for (size_t i = 0; i < want; i++)
                buf[i] = (uint8_t)linux_random(p);
            n = (ssize_t)want;
        } else {
            n = offset < 0 ? read(f->host, buf, want) : pread(f->host, buf, want, offset + done);
        }
        if (n < 0 && errno == EAGAIN && f->kind == FD_PIPE && !done)
            return pipe_wait(p, f, POLLIN, 0);
        if (n < 0)
            return done ? done : -errno;
        if (!user_put(p, to + (uint64_t)done, buf, (size_t)n))
            return done ? done : -EFAULT;
        done += n;
        /* Only of a file may more be asked for than is there now: a pipe would make the guest wait. */
        if ((size_t)n < want || (f->kind != FD_RANDOM && (uint64_t)done < size && lseek(f->host, 0, SEEK_CUR) < 0))
            break;
    } while ((uint64_t)done < size);
    if (f->sock)
        parcel_sweep(p->k); /* what came with the bytes is gone */
    return done;
}

int64_t file_write(struct linux_process *p, uint32_t fd, uint64_t from, uint64_t size, int64_t offset)
{
    struct linux_file *f = fd_file(p, fd);
    uint8_t buf[CHUNK];
    int64_t done = p->wait.done;
    if (!f)
        return -EBADF;
    if (offset < 0 && !socket_is_pipe(f))
        return socket_write(p, fd, from, size);
    if (f->kind == FD_EPOLL || (f->source && !tty_is(f)))
        return -EINVAL;
    if (beyond(from, size))
        return -EFAULT;
    if (tty_is(f))
        return offset < 0 ? tty_write(p, f, from, size) : -ESPIPE;
    int64_t room = seals_room(f, offset, size);
    if (room < 0)
        return room;
    size = (uint64_t)room;
    mm_before_access(p->mm, f->host);
    if (size > LONGEST)
        size = LONGEST;
    do {
        size_t want = size - (uint64_t)done < CHUNK ? size - (uint64_t)done : CHUNK;
        if (offset < 0 && would_block(p, f, POLLOUT))
            return pipe_wait(p, f, POLLOUT, done);
        if (f->outside && f->kind == FD_HOST && p->k->ntasks > 1 && want > PIPE_BUF)
            want = PIPE_BUF; /* what goes into a pipe that has room for anything */
        size_t have = mm_copy_in(p->mm, buf, from + (uint64_t)done, want);
        if (want && !have)
            return done ? done : -EFAULT;
        ssize_t n = offset < 0 ? write(f->host, buf, have) : pwrite(f->host, buf, have, offset + done);
        if (n < 0 && errno == EAGAIN && f->kind == FD_PIPE)
            return pipe_wait(p, f, POLLOUT, done);
        if (n < 0) {
            int error = errno;
            if (error == EPIPE)
                linux_raise(p, 13 /* SIGPIPE */, 0);
            return done ? done : -error;
        }
        done += n;
        if ((size_t)n < want && f->kind != FD_PIPE)
            break;
    } while ((uint64_t)done < size);
    mm_after_write(p->mm, f->host);
    if (done)
        file_written(p, f);
    return done;
}

int64_t sys_read(struct linux_process *p, const uint64_t a[6]) { return file_read(p, a[0], a[1], a[2], -1); }

int64_t sys_write(struct linux_process *p, const uint64_t a[6]) { return file_write(p, a[0], a[1], a[2], -1); }

/* An offset of 64 bits: one argument, or two. */
static int64_t offset64(const struct linux_process *p, const uint64_t a[2])
{
    return (int64_t)(p->wide ? a[0] : pair64(a[0], a[1]));
}

int64_t sys_pread64(struct linux_process *p, const uint64_t a[6])
{
    int64_t offset = offset64(p, &a[3]);
    return offset < 0 ? -EINVAL : file_read(p, a[0], a[1], a[2], offset);
}

int64_t sys_pwrite64(struct linux_process *p, const uint64_t a[6])
{
    int64_t offset = offset64(p, &a[3]);
    return offset < 0 ? -EINVAL : file_write(p, a[0], a[1], a[2], offset);
}

/* Descriptors -------------------------------------------------------------------------------------------------------- */

int64_t sys_close_range(struct linux_process *p, const uint64_t a[6])
{
    enum { RANGE_UNSHARE = 2, RANGE_CLOEXEC = 4 };
    uint32_t first = (uint32_t)a[0], last = (uint32_t)a[1], flags = (uint32_t)a[2];
    if (first > last || (flags & ~(uint32_t)(RANGE_UNSHARE | RANGE_CLOEXEC)))
        return -EINVAL;
    if ((flags & RANGE_UNSHARE) && !files_unshare(p))
        return -ENOMEM;
    for (uint32_t fd = first; fd <= last && fd < LINUX_FDS; fd++) {
        if (flags & RANGE_CLOEXEC)
            p->files->fd[fd].cloexec = p->files->fd[fd].file != NULL;
        else
            fd_close(p, fd);
    }
    return 0;
}

int64_t sys_close(struct linux_process *p, const uint64_t a[6])
{
    if (fd_host(p, a[0]) < 0)
        return -EBADF;
    fd_close(p, a[0]);
    return 0;
}

static int64_t seek(struct linux_process *p, uint32_t fd, int64_t offset, int whence)
{
    int host = fd_host(p, fd);
    int64_t r;
    if (host < 0)
        return host;
    if (tty_is(fd_file(p, fd)))
        return -ESPIPE;
    if (folder_seek(p, fd, offset, whence, &r))
        return r;
    r = lseek(host, offset, whence);
    return r < 0 ? -errno : r;
}

int64_t sys_lseek(struct linux_process *p, const uint64_t a[6])
{
    int64_t r = seek(p, (uint32_t)a[0], p->wide ? (int64_t)a[1] : (int32_t)a[1], (int)a[2]);
    return r > INT32_MAX && !p->wide ? -EOVERFLOW : r;
}

int64_t sys_llseek(struct linux_process *p, const uint64_t a[6])
{
    int64_t r = seek(p, a[0], (int64_t)pair64(a[2], a[1]), (int)a[4]);
    if (r < 0)
        return r;
    return user_put(p, a[3], &r, 8) ? 0 : -EFAULT;
}

static int64_t duplicate(struct linux_process *p, uint32_t fd, unsigned lowest, bool cloexec)
{
    struct linux_file *f = fd_file(p, fd);
    if (!f)
        return -EBADF;
    if (lowest >= limit_fds(p))
        return -EINVAL;
    f->refs++;
    return fd_put(p, f, lowest, cloexec);
}

int64_t sys_dup(struct linux_process *p, const uint64_t a[6]) { return duplicate(p, a[0], 0, false); }

static int64_t duplicate_to(struct linux_process *p, uint64_t from, uint64_t to, bool cloexec)
{
    struct linux_file *f = fd_file(p, from);
    if (!f || to >= limit_fds(p))
        return -EBADF;
    f->refs++;
    fd_close(p, to);
    p->files->fd[to] = (struct linux_fd){f, cloexec};
    return to;
}

int64_t sys_dup2(struct linux_process *p, const uint64_t a[6])
{
    if ((uint32_t)a[0] == (uint32_t)a[1])
        return fd_host(p, (uint32_t)a[0]) < 0 ? -EBADF : (int64_t)(uint32_t)a[0];
    return duplicate_to(p, a[0], a[1], false);
}

int64_t sys_dup3(struct linux_process *p, const uint64_t a[6])
{
    if ((uint32_t)a[0] == (uint32_t)a[1] || (a[2] & ~(uint32_t)O_CLOEXEC))
        return -EINVAL;
    return duplicate_to(p, a[0], a[1], a[2] & O_CLOEXEC);
}

/* What a file's flags look like to the guest, whose pipes never block the host. */
static int64_t get_flags(const struct linux_file *f)
{
    int r = fcntl(f->host, F_GETFL);
    if (r >= 0 && (f->kind == FD_PIPE || f->kind == FD_EPOLL) && !f->nonblock)
        r &= ~O_NONBLOCK;
    if (r >= 0 && tty_is(f))
        r = (r & ~O_ACCMODE) | tty_end(f)->mode;
    return r < 0 ? -errno : r;
}

static int64_t set_flags(struct linux_file *f, uint32_t flags)
{
    flags &= O_APPEND | O_NONBLOCK;
    if (f->kind == FD_PIPE || f->kind == FD_EPOLL) {
        f->nonblock = flags & O_NONBLOCK;
        flags |= O_NONBLOCK;
    }
    return fcntl(f->host, F_SETFL, flags) < 0 ? -errno : 0;
}

int64_t sys_fcntl64(struct linux_process *p, const uint64_t a[6])
{
    enum { GETLK = 5, SETLK, SETLKW, GETLK64 = 12, SETLK64, SETLKW64, OFD_GETLK = 36, OFD_SETLK, OFD_SETLKW };
    struct linux_file *f = fd_file(p, a[0]);
    int r;
    if (!f)
        return -EBADF;
    switch ((uint32_t)a[1]) {
    case F_DUPFD: return duplicate(p, a[0], a[2], false);
    case F_DUPFD_CLOEXEC: return duplicate(p, a[0], a[2], true);
    case F_GETFD: return p->files->fd[(uint32_t)a[0]].cloexec;
    case F_SETFD: p->files->fd[(uint32_t)a[0]].cloexec = a[2] & FD_CLOEXEC; return 0;
    case F_GETFL: return get_flags(f);
    case F_SETFL: return set_flags(f, a[2]);
    case F_SETPIPE_SZ:
    case F_GETPIPE_SZ: r = fcntl(f->host, (int)a[1], a[2]); return r < 0 ? -errno : r;
    case GETLK:
    case SETLK:
    case SETLKW: return lock_call(p, f, (enum lock_op)(a[1] - GETLK), false, false, a[2]);
    case GETLK64:
    case SETLK64:
    case SETLKW64: return p->wide ? -EINVAL : lock_call(p, f, (enum lock_op)(a[1] - GETLK64), true, false, a[2]);
    case OFD_GETLK:
    case OFD_SETLK:
    case OFD_SETLKW: f->locked = p->k; return lock_call(p, f, (enum lock_op)(a[1] - OFD_GETLK), true, true, a[2]);
    case F_ADD_SEALS: return seals_add(p, f, a[2]);
    case F_GET_SEALS: return seals_get(f);
    default: return -EINVAL;
    }
}

int64_t sys_ioctl(struct linux_process *p, const uint64_t a[6])
{
    static const struct {
        uint32_t request;
        uint8_t in, out;
    } known[] = {
        {TCGETS, 0, 36},    {TCSETS, 36, 0},    {TCSETSW, 36, 0}, {TCSETSF, 36, 0},
        {TIOCGWINSZ, 0, 8}, {TIOCSWINSZ, 8, 0}, {FIONREAD, 0, 4}, {FIONBIO, 4, 0},
    };
    struct linux_file *f = fd_file(p, a[0]);
    if (f && ((uint32_t)a[1] == FIOCLEX || (uint32_t)a[1] == FIONCLEX)) {
        p->files->fd[(uint32_t)a[0]].cloexec = (uint32_t)a[1] == FIOCLEX;
        return 0;
    }
    uint8_t buf[64] = {0}; /* the kernel's structures here are the same for both ABIs */
    if (!f)
        return -EBADF;
    if (tty_is(f) && (uint32_t)a[1] != FIONBIO)
        return tty_ioctl(p, f, (uint32_t)a[1], a[2]);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].request != (uint32_t)a[1])
            continue;
        if (known[i].in && !user_get(p, buf, a[2], known[i].in))
            return -EFAULT;
        if ((uint32_t)a[1] == FIONBIO && f->kind == FD_PIPE)
            return set_flags(f, buf[0] | buf[1] | buf[2] | buf[3] ? O_NONBLOCK : 0);
        if (syscall(SYS_ioctl, f->host, a[1], buf) < 0)
            return -errno;
        return known[i].out && !user_put(p, a[2], buf, known[i].out) ? -EFAULT : 0;
    }
    return -ENOTTY;
}

static int64_t make_pipe(struct linux_process *p, uint64_t at, uint32_t flags)
{
    int host[2];
    int32_t fd[2];
    if (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    if (pipe2(host, O_NONBLOCK | O_CLOEXEC))
        return -errno;
    for (int i = 0; i < 2; i++) {
        fd[i] = fd_add(p, host[i], FD_PIPE, 0, flags & O_CLOEXEC);
        if (fd[i] >= 0)
            fd_file(p, (uint32_t)fd[i])->nonblock = flags & O_NONBLOCK;
    }
    for (int i = 0; fd[0] >= 0 && fd[1] >= 0 && i < 2; i++)
        fd_file(p, (uint32_t)fd[i])->pipe = fd_file(p, (uint32_t)fd[0])->id;
    if (fd[0] >= 0 && fd[1] >= 0 && user_put(p, at, fd, sizeof fd))
        return 0;
    int64_t r = fd[0] < 0 || fd[1] < 0 ? -EMFILE : -EFAULT;
    for (int i = 0; i < 2; i++)
        if (fd[i] >= 0)
            fd_close(p, (uint32_t)fd[i]);
    return r;
}

int64_t sys_pipe(struct linux_process *p, const uint64_t a[6]) { return make_pipe(p, a[0], 0); }

int64_t sys_pipe2(struct linux_process *p, const uint64_t a[6]) { return make_pipe(p, a[0], a[1]); }

int64_t sys_ftruncate64(struct linux_process *p, const uint64_t a[6])
{
    int host = fd_host(p, a[0]);
    if (host < 0)
        return host;
    int64_t r = seals_resize(p->k, host, offset64(p, &a[1]));
    if (r < 0)
        return r;
    mm_before_access(p->mm, host);
    r = ftruncate(host, offset64(p, &a[1])) ? -errno : 0;
    if (r >= 0)
        times_changed(p->k, host, TIME_WRITTEN);
    mm_after_write(p->mm, host);
    return r;
}

int64_t sys_ftruncate(struct linux_process *p, const uint64_t a[6])
{
    return sys_ftruncate64(p, (uint64_t[6]){a[0], a[1], (int32_t)a[1] < 0 ? UINT32_MAX : 0}); /* p->wide: a[1] alone */
}

int64_t sys_fsync(struct linux_process *p, const uint64_t a[6])
{
    int host = fd_host(p, a[0]);
    if (host < 0)
        return host;
    mm_before_access(p->mm, host);
    return fsync(host) ? -errno : 0;
}

/* What the host's kernel may do early, late or not at all: the arguments are looked at, as programs look at the answer. */
static int64_t advised(struct linux_process *p, uint64_t fd)
{
    struct stat st;
    int host = fd_host(p, (uint32_t)fd);
    if (host < 0)
        return host;
    return fstat(host, &st) ? -errno : S_ISFIFO(st.st_mode) ? -ESPIPE : 0;
}

int64_t sys_fadvise64(struct linux_process *p, const uint64_t a[6])
{
    enum { ADVICE = 6 };
    int64_t r = advised(p, a[0]);
    return r < 0 ? r : (uint32_t)a[p->wide ? 3 : 4] >= ADVICE ? -EINVAL : 0;
}

int64_t sys_fadvise64_64(struct linux_process *p, const uint64_t a[6])
{
    return sys_fadvise64(p, (uint64_t[6]){a[0], a[1], a[2], a[3], a[5]});
}

int64_t sys_readahead(struct linux_process *p, const uint64_t a[6])
{
    int64_t r = advised(p, a[0]);
    if (r >= 0 && (fcntl(fd_host(p, (uint32_t)a[0]), F_GETFL) & O_ACCMODE) == O_WRONLY)
        return -EBADF;
    return r == -ESPIPE ? -EINVAL : r;
}

int64_t sys_sync_file_range(struct linux_process *p, const uint64_t a[6])
{
    enum { FLAGS = 7 };
    uint32_t flags = (uint32_t)a[p->wide ? 3 : 5];
    int64_t at = offset64(p, &a[1]), size = offset64(p, &a[p->wide ? 2 : 3]), r = advised(p, a[0]);
    if (r == -EBADF)
        return r;
    return (flags & ~(uint32_t)FLAGS) || at < 0 || size < 0 || at + (uint64_t)size > INT64_MAX ? -EINVAL : r;
}

int64_t sys_syncfs(struct linux_process *p, const uint64_t a[6])
{
    int host = fd_host(p, (uint32_t)a[0]);
    return host < 0 ? host : 0;
}

int64_t sys_sync(struct linux_process *p, const uint64_t a[6])
{
    (void)p, (void)a;
    return 0;
}

int64_t sys_flock(struct linux_process *p, const uint64_t a[6])
{
    int host = fd_host(p, a[0]);
    if (host < 0)
        return host;
    if (!flock(host, (int)a[1] | LOCK_NB))
        return 0;
    /* The holder may be another process of the guest, or of the host. */
    if (errno == EWOULDBLOCK && !(a[1] & LOCK_NB))
        return outside_wait_for(p, "waits for a lock on a file", -1, 0);
    return -errno;
}

int64_t sys_fallocate(struct linux_process *p, const uint64_t a[6])
{
    int host = fd_host(p, a[0]);
    if (host < 0)
        return host;
    int64_t at = offset64(p, &a[2]), size = offset64(p, &a[p->wide ? 3 : 4]);
    int64_t r = seals_allocate(fd_file(p, (uint32_t)a[0]), (int)a[1], at, size);
    if (r < 0 || fallocate(host, (int)a[1], at, size))
        return r < 0 ? r : -errno;
    times_changed(p->k, host, TIME_WRITTEN);
    return 0;
}
