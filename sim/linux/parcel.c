/* What messages carry besides bytes: open files, the sender's credentials and name.
 *
 * Files of the guest's are more than descriptors of the host's, so these do not travel. The host carries one end of a new pipe
 * with the message, by which the receiver finds the parcel. When a message is thrown away unread the host closes that end, and
 * the end that is kept here comes to its end of file: so parcels are found that nobody can receive any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "socket.h"

enum { MOST = 512 /* parcels under way */, CONTROL_MOST = 1 << 16 };

struct socket_cred socket_cred_of(const struct linux_process *p)
{
    return (struct socket_cred){p->group->pid, geteuid(), getegid()};
}

struct linux_parcel *parcel_new(struct linux_process *p, const struct socket_name *from)
{
    struct linux_parcel *q = calloc(1, sizeof *q);
    if (!q)
        return NULL;
    q->end = -1;
    q->cred = socket_cred_of(p);
    q->from = *from;
    return q;
}

void parcel_free(struct linux_parcel *q)
{
    if (!q)
        return;
    if (q->end >= 0)
        close(q->end);
    for (unsigned i = 0; i < q->nfiles; i++)
        file_drop(q->file[i]);
    free(q);
}

/* A struct cmsghdr begins with its size in a word of the guest's. */
static size_t header(const struct linux_process *p) { return user_word(p) + 8; }

static size_t aligned(const struct linux_process *p, size_t n) { return (n + user_word(p) - 1) & ~(user_word(p) - 1); }

static int64_t add_files(struct linux_process *p, struct linux_parcel *q, uint64_t at, size_t n)
{
    if (n > SOCKET_FILES - q->nfiles)
        return -EINVAL;
    for (size_t i = 0; i < n; i++, at += 4) {
        int32_t fd;
        if (!user_get(p, &fd, at, sizeof fd))
            return -EFAULT;
        struct linux_file *f = fd_file(p, (uint32_t)fd);
        if (!f)
            return -EBADF;
        f->refs++;
        q->file[q->nfiles++] = f;
    }
    return 0;
}

/* Nobody here may be somebody else, not even the superuser. */
static int64_t check_cred(struct linux_process *p, uint64_t at)
{
    struct socket_cred c, own = socket_cred_of(p);
    if (!user_get(p, &c, at, sizeof c))
        return -EFAULT;
    bool same = c.pid == own.pid && (c.uid == own.uid || c.uid == getuid()) && (c.gid == own.gid || c.gid == getgid());
    return same ? 0 : -EPERM;
}

int64_t parcel_fill(struct linux_process *p, struct linux_parcel *q, uint64_t control, uint64_t size, bool *explicit)
{
    if (size > CONTROL_MOST)
        return -ENOBUFS;
    for (uint64_t left = size, at = control; left >= header(p);) {
        uint64_t length = 0;
        int32_t kind[2]; /* level, type */
        int64_t r = 0;
        if (!user_get_word(p, at, &length) || !user_get(p, kind, at + user_word(p), sizeof kind))
            return -EFAULT;
        if (length < header(p) || length > left)
            return -EINVAL;
        uint64_t body = at + header(p), bytes = length - header(p);
        if (kind[0] == SOL_SOCKET && kind[1] == SCM_RIGHTS)
            r = add_files(p, q, body, bytes / 4);
        else if (kind[0] == SOL_SOCKET && kind[1] == SCM_CREDENTIALS)
            r = bytes == sizeof(struct socket_cred) ? check_cred(p, body) : -EINVAL;
        else if (kind[0] == SOL_SOCKET)
            r = -EINVAL;
        if (r < 0)
            return r;
        *explicit |= kind[0] == SOL_SOCKET;
        uint64_t step = aligned(p, length);
        at += step;
        left -= step < left ? step : left;
    }
    return 0;
}

int parcel_wrap(struct linux_kernel *k, struct linux_parcel *q)
{
    int end[2];
    struct stat st;
    if (k->nparcels >= MOST)
        return -ETOOMANYREFS;
    if (pipe2(end, O_CLOEXEC | O_NONBLOCK))
        return -errno;
    q->end = end[0];
    if (end[1] >= k->host_fds || fstat(end[0], &st)) {
        close(end[1]);
        return -ENFILE;
    }
    q->ino = st.st_ino;
    return end[1];
}

void parcel_sent(struct linux_kernel *k, struct linux_parcel *q)
{
    q->next = k->parcels;
    k->parcels = q;
    k->nparcels++;
}

struct linux_parcel *parcel_find(struct linux_kernel *k, int host)
{
    struct stat st;
    struct linux_parcel *q = fstat(host, &st) ? NULL : k->parcels;
    while (q && q->ino != st.st_ino)
        q = q->next;
    return q;
}

void parcel_taken(struct linux_kernel *k, struct linux_parcel *q)
{
    struct linux_parcel **at = &k->parcels;
    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    k->nparcels--;
    parcel_free(q);
}

void parcel_sweep(struct linux_kernel *k)
{
    char none;
    if (k->sweeping) /* a parcel with a socket that has parcels of its own: the loop below comes to them */
        return;
    k->sweeping = true;
    for (struct linux_parcel *q = k->parcels; q;) {
        if (read(q->end, &none, 1) == 0) {
            parcel_taken(k, q);
            q = k->parcels;
        } else {
            q = q->next;
        }
    }
    k->sweeping = false;
}

void parcel_drop_all(struct linux_kernel *k)
{
    k->sweeping = true;
    while (k->parcels)
        parcel_taken(k, k->parcels);
}

/* Telling the receiver ----------------------------------------------------------------------------------------------- */

static bool put_header(struct linux_process *p, uint64_t at, size_t length, int32_t type)
{
    const int32_t kind[2] = {SOL_SOCKET, type};
    return user_put_word(p, at, length) && user_put(p, at + user_word(p), kind, sizeof kind);
}

/* As much as there is room for; *used grows. */
static bool put_cred(struct linux_process *p, const struct socket_cred *c, uint64_t control, uint64_t size, uint64_t *used,
                     uint32_t *flags)
{
    size_t length = header(p) + sizeof *c;
    if (size < header(p)) {
        *flags |= MSG_CTRUNC;
        return true;
    }
    if (size < length) {
        *flags |= MSG_CTRUNC;
        length = size;
    }
    *used = aligned(p, length) < size ? aligned(p, length) : size;
    return put_header(p, control, length, SCM_CREDENTIALS) && user_put(p, control + header(p), c, length - header(p));
}

static bool put_files(struct linux_process *p, const struct linux_parcel *q, uint64_t control, uint64_t size, bool cloexec,
                      uint64_t *used, uint32_t *flags)
{
    size_t room = size > header(p) ? (size - header(p)) / 4 : 0;
    unsigned n = 0;
    bool ok = true;
    for (; ok && n < q->nfiles && n < room; n++) {
        q->file[n]->refs++;
        int32_t fd = fd_put(p, q->file[n], 0, cloexec);
        if (fd < 0)
            break;
        ok = user_put(p, control + header(p) + 4u * n, &fd, sizeof fd);
    }
    if (n < q->nfiles)
        *flags |= MSG_CTRUNC;
    if (!n)
        return ok;
    size_t length = header(p) + 4u * n;
    *used += aligned(p, length) < size ? aligned(p, length) : size;
    return ok && put_header(p, control, length, SCM_RIGHTS);
}

int64_t parcel_tell(struct linux_process *p, const struct linux_parcel *q, bool cred, uint64_t control, uint64_t size,
                    uint64_t receive_flags, uint32_t *flags)
{
    enum { NOBODY = 65534 };
    const struct socket_cred nobody = {0, NOBODY, NOBODY};
    uint64_t used = 0;
    if (!control)
        size = 0;
    if (cred && !put_cred(p, q ? &q->cred : &nobody, control, size, &used, flags))
        return -EFAULT;
    bool cloexec = receive_flags & MSG_CMSG_CLOEXEC;
    if (q && !put_files(p, q, control + used, size - used, cloexec, &used, flags))
        return -EFAULT;
    return (int64_t)used;
}
