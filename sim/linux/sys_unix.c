/* Sockets with names, which only processes of the guest's have: the host's kernel sees pairs and nothing else. A path is that of
 * a file in the guest's folder, made as mknod does; who connects is looked for among the guest's own sockets by the file that
 * the path leads to. So no program outside can be reached, whatever sockets the guest sees, and none outside reaches the guest.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_times.h"
#include "socket.h"

enum { FAMILY = 2 /* bytes before the name */, MOST_WAITING = 128 };

struct linux_socket *socket_new(struct linux_kernel *k, int type)
{
    struct linux_socket *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->next = k->sockets;
    k->sockets = s;
    s->k = k;
    s->id = ++k->next_socket;
    s->type = type;
    s->node = s->inlet = s->host = -1;
    s->peer_cred = (struct socket_cred){0, UINT32_MAX, UINT32_MAX};
    return s;
}

void socket_drop(struct linux_socket *s)
{
    if (!s)
        return;
    struct linux_kernel *k = s->k;
    struct linux_socket **at = &k->sockets;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    const int own[] = {s->node, s->inlet, s->host};
    for (int i = 0; i < 3; i++)
        if (own[i] >= 0)
            close(own[i]);
    while (s->queue) {
        struct linux_socket *q = s->queue;
        s->queue = q->queued;
        socket_drop(q);
    }
    free(s);
    parcel_sweep(k);
}

struct linux_socket *socket_find(struct linux_kernel *k, uint64_t id)
{
    struct linux_socket *s = id ? k->sockets : NULL;
    while (s && s->id != id)
        s = s->next;
    return s;
}

/* Names -------------------------------------------------------------------------------------------------------------- */

int64_t socket_put_name(struct linux_process *p, uint64_t to, uint64_t size_at, const struct socket_name *name, bool always)
{
    uint8_t raw[FAMILY + SOCKET_NAME + 1] = {AF_UNIX};
    uint32_t room, size = name->size || always ? FAMILY + name->size : 0;
    memcpy(raw + FAMILY, name->text, name->size);
    if (name->size && name->text[0]) /* a path has its end told as well */
        size++;
    if (!user_get(p, &room, size_at, sizeof room))
        return -EFAULT;
    if ((int32_t)room < 0)
        return -EINVAL;
    bool ok = user_put(p, to, raw, room < size ? room : size) && user_put(p, size_at, &size, sizeof size);
    return ok ? 0 : -EFAULT;
}

static int64_t get_name(struct linux_process *p, uint64_t at, uint64_t size, struct socket_name *n)
{
    uint8_t raw[FAMILY + SOCKET_NAME];
    uint16_t family;
    size = (uint32_t)size;
    if (size < FAMILY || size > sizeof raw)
        return -EINVAL;
    if (!user_get(p, raw, at, size))
        return -EFAULT;
    memcpy(&family, raw, sizeof family);
    if (family != AF_UNIX)
        return family == AF_UNSPEC ? -EAFNOSUPPORT : -EINVAL;
    *n = (struct socket_name){.size = (uint32_t)size - FAMILY};
    memcpy(n->text, raw + FAMILY, n->size);
    if (n->size && n->text[0])
        n->size = (uint32_t)strnlen(n->text, n->size);
    return 0;
}

/* Each type has names of its own. */
static struct linux_socket *find_abstract(struct linux_kernel *k, const struct socket_name *n, int type)
{
    struct linux_socket *s = k->sockets;
    while (s && (s->type != type || s->name.size != n->size || memcmp(s->name.text, n->text, n->size) != 0 || s->host >= 0 ||
                 s->state == SOCKET_CONNECTED))
        s = s->next;
    return s;
}

/* The socket whose file the path leads to. */
static struct linux_socket *find_path(struct linux_process *p, const struct socket_name *n, int64_t *error)
{
    char path[SOCKET_NAME + 1] = "";
    struct stat st;
    memcpy(path, n->text, n->size);
    int node = path_node(p, AT_FDCWD, path, true, false);
    *error = node;
    if (node < 0)
        return NULL;
    bool there = !fstat(node, &st), may = !faccessat(AT_FDCWD, path_link(node).text, W_OK, AT_EACCESS);
    close(node);
    *error = may ? -ECONNREFUSED : -EACCES;
    struct linux_socket *s = there && may ? p->k->sockets : NULL;
    while (s && (s->node < 0 || s->dev != st.st_dev || s->ino != st.st_ino))
        s = s->next;
    return s;
}

struct linux_socket *socket_named(struct linux_process *p, uint64_t at, uint64_t size, int type, int64_t *error)
{
    struct socket_name n;
    *error = get_name(p, at, size, &n);
    if (*error >= 0 && !n.size)
        *error = -EINVAL;
    if (*error < 0)
        return NULL;
    *error = -ECONNREFUSED;
    return n.text[0] ? find_path(p, &n, error) : find_abstract(p->k, &n, type);
}

bool socket_may_send(const struct linux_socket *from, const struct linux_socket *to)
{
    return !to->other || to->other == from->id;
}

/* The first of the names that Linux gives away by itself. */
static int64_t bind_any(struct linux_kernel *k, struct linux_socket *s)
{
    struct socket_name n = {.size = 6};
    char digits[8];
    for (unsigned i = 1; i < 1u << 20; i++) {
        snprintf(digits, sizeof digits, "%05x", i);
        memcpy(n.text + 1, digits, 5);
        if (!find_abstract(k, &n, s->type)) {
            s->name = n;
            return 0;
        }
    }
    return -ENOSPC;
}

static int64_t bind_path(struct linux_process *p, struct linux_socket *s, const struct socket_name *n)
{
    char path[SOCKET_NAME + 1] = "", name[256];
    struct stat st;
    int64_t r = 0;
    memcpy(path, n->text, n->size);
    int dir = path_parent(p, AT_FDCWD, path, name);
    if (dir < 0)
        return dir;
    if (mknodat(dir, name, S_IFSOCK | 0777, 0)) {
        r = errno == EEXIST ? -EADDRINUSE : -errno;
    } else if (s->name.size) { /* only now, as Linux does */
        unlinkat(dir, name, 0);
        r = -EINVAL;
    } else {
        s->node = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (s->node < 0 || s->node >= p->k->host_fds || fstat(s->node, &st)) {
            r = s->node < 0 ? -errno : -ENFILE;
            unlinkat(dir, name, 0);
            close(s->node);
            s->node = -1;
        } else {
            s->dev = st.st_dev;
            s->ino = st.st_ino;
            s->name = *n;
            times_changed(p->k, dir, TIME_WRITTEN);
            times_changed_at(p->k, dir, name, TIME_ALL);
        }
    }
    close(dir);
    return r;
}

int64_t sys_bind(struct linux_process *p, const uint64_t a[6])
{
    int64_t r;
    struct socket_name n;
    const struct linux_file *f = socket_file(p, a[0], &r);
    if (!f)
        return r;
    r = get_name(p, a[1], a[2], &n);
    if (r < 0)
        return r == -EAFNOSUPPORT ? -EINVAL : r;
    if (!n.size)
        return f->sock->name.size ? 0 : bind_any(p->k, f->sock);
    if (n.text[0])
        return bind_path(p, f->sock, &n);
    if (f->sock->name.size)
        return -EINVAL;
    if (find_abstract(p->k, &n, f->sock->type))
        return -EADDRINUSE;
    f->sock->name = n;
    return 0;
}

/* Connections -------------------------------------------------------------------------------------------------------- */

int64_t sys_listen(struct linux_process *p, const uint64_t a[6])
{
    int64_t r;
    const struct linux_file *f = socket_file(p, a[0], &r);
    if (!f)
        return r;
    struct linux_socket *s = f->sock;
    if (s->type == SOCK_DGRAM)
        return -EOPNOTSUPP;
    if (!s->name.size || s->state == SOCKET_CONNECTED)
        return -EINVAL;
    s->state = SOCKET_LISTENS;
    s->backlog = (uint32_t)a[1] < MOST_WAITING ? (uint32_t)a[1] : MOST_WAITING;
    s->peer_cred = socket_cred_of(p);
    return 0;
}

static int64_t connect_datagrams(struct linux_process *p, struct linux_socket *s, const uint64_t a[6])
{
    int64_t r;
    if (s->inlet < 0)
        return -EISCONN; /* an end of a pair stays one */
    struct linux_socket *to = socket_named(p, a[1], a[2], s->type, &r);
    if (!to && r == -EAFNOSUPPORT) {
        s->other = 0;
        return 0;
    }
    if (!to)
        return r;
    if (to->type != SOCK_DGRAM)
        return -EPROTOTYPE;
    if (to->inlet < 0 || !socket_may_send(s, to))
        return -EPERM;
    s->other = to->id;
    return 0;
}

/* The other end of a connection to a socket that listens, in its queue. */
static struct linux_socket *queue_up(struct linux_process *p, struct linux_socket *to, const struct linux_socket *from,
                                     int host)
{
    struct linux_socket *s = socket_new(p->k, to->type), **end = &to->queue;
    if (!s)
        return NULL;
    s->state = SOCKET_CONNECTED;
    s->host = host;
    s->name = to->name;
    s->peer = from->name;
    s->other = from->id;
    s->peer_cred = socket_cred_of(p);
    s->pass_cred = to->pass_cred;
    while (*end)
        end = &(*end)->queued;
    *end = s;
    to->waiting++;
    return s;
}

static int64_t connect_stream(struct linux_process *p, struct linux_file *f, const uint64_t a[6])
{
    int64_t r;
    int host[2];
    struct linux_socket *s = f->sock, *to;
    to = socket_named(p, a[1], a[2], s->type, &r);
    if (!to)
        return r == -EAFNOSUPPORT ? -EINVAL : r;
    if (to->type != s->type)
        return -EPROTOTYPE;
    if (to->state != SOCKET_LISTENS)
        return -ECONNREFUSED;
    if (s->state != SOCKET_NEW)
        return s->state == SOCKET_LISTENS ? -EINVAL : -EISCONN;
    if (to->waiting > to->backlog)
        return f->nonblock ? -EAGAIN : wait_for(p, "waits for a connection to be accepted", -1, true);
    if (socketpair(AF_UNIX, s->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, host))
        return -errno;
    struct linux_socket *end = host[0] < p->k->host_fds && host[1] < p->k->host_fds ? queue_up(p, to, s, host[1]) : NULL;
    if (!end) {
        close(host[0]);
        close(host[1]);
        return -ENFILE;
    }
    close(f->host);
    f->host = host[0];
    f->source = NULL;
    f->told = false;
    s->state = SOCKET_CONNECTED;
    s->other = end->id;
    s->peer = to->name;
    s->peer_cred = to->peer_cred;
    return 0;
}

int64_t sys_connect(struct linux_process *p, const uint64_t a[6])
{
    int64_t r;
    struct linux_file *f = socket_file(p, a[0], &r);
    if (!f)
        return r;
    return f->socket == SOCK_DGRAM ? connect_datagrams(p, f->sock, a) : connect_stream(p, f, a);
}

int64_t sys_accept4(struct linux_process *p, const uint64_t a[6])
{
    int64_t r;
    const struct linux_file *f = socket_file(p, a[0], &r);
    if (a[3] & ~(uint64_t)(SOCK_NONBLOCK | SOCK_CLOEXEC))
        return -EINVAL;
    if (!f)
        return r;
    struct linux_socket *s = f->sock, *first = s->queue;
    if (s->state != SOCKET_LISTENS)
        return s->type == SOCK_DGRAM ? -EOPNOTSUPP : -EINVAL;
    if (!first)
        return pipe_wait(p, f, POLLIN, 0);
    int host = first->host;
    s->queue = first->queued;
    s->waiting--;
    first->queued = NULL;
    first->host = -1;
    int fd = fd_add(p, host, FD_PIPE, 0, a[3] & SOCK_CLOEXEC);
    if (fd < 0) {
        socket_drop(first);
        return fd;
    }
    struct linux_file *n = fd_file(p, (uint32_t)fd);
    n->nonblock = a[3] & SOCK_NONBLOCK;
    n->socket = first->type;
    n->sock = first;
    if (a[1] && (r = socket_put_name(p, a[1], a[2], &first->peer, true)) < 0) {
        fd_close(p, (uint32_t)fd);
        return r;
    }
    return fd;
}

int64_t sys_accept(struct linux_process *p, const uint64_t a[6]) { return sys_accept4(p, (uint64_t[6]){a[0], a[1], a[2], 0}); }

int64_t sys_getsockname(struct linux_process *p, const uint64_t a[6])
{
    int64_t error;
    const struct linux_file *f = socket_file(p, a[0], &error);
    return f ? socket_put_name(p, a[1], a[2], &f->sock->name, true) : error;
}

int64_t sys_getpeername(struct linux_process *p, const uint64_t a[6])
{
    int64_t error;
    const struct linux_file *f = socket_file(p, a[0], &error);
    if (!f)
        return error;
    if (f->socket != SOCK_DGRAM)
        return f->sock->state == SOCKET_CONNECTED ? socket_put_name(p, a[1], a[2], &f->sock->peer, true) : -ENOTCONN;
    const struct linux_socket *to = socket_find(p->k, f->sock->other);
    return to ? socket_put_name(p, a[1], a[2], &to->name, true) : -ENOTCONN;
}
