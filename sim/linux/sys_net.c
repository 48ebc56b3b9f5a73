/* Sockets: this machine has no network, so there are those alone by which its own processes talk. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "socket.h"

enum { TYPE = 0xf };

/* A socket without an other end: what is told of it is whether somebody waits to be accepted. */
static bool somebody_waits(struct linux_process *p, const struct linux_file *f)
{
    (void)p;
    return f->sock && f->sock->queue;
}

static void nothing(struct linux_file *f) { (void)f; }

static const struct linux_source unconnected = {somebody_waits, NULL, nothing, NULL};

/* The socket takes its place behind the descriptor, or goes if that is an error. */
static int64_t open_as(struct linux_process *p, int64_t fd, struct linux_socket *s, uint64_t type)
{
    if (fd < 0) {
        socket_drop(s);
        return fd;
    }
    struct linux_file *f = fd_file(p, (uint32_t)fd);
    f->socket = s->type;
    f->sock = s;
    f->nonblock = type & SOCK_NONBLOCK;
    return fd;
}

/* What is sent to it the host takes in at the other end of a pair. */
static int64_t open_datagrams(struct linux_process *p, struct linux_socket *s, uint64_t type)
{
    int host[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, host))
        return open_as(p, -errno, s, type);
    s->inlet = host[1];
    if (s->inlet >= p->k->host_fds) {
        close(host[0]);
        return open_as(p, -ENFILE, s, type);
    }
    return open_as(p, fd_add(p, host[0], FD_PIPE, 0, type & SOCK_CLOEXEC), s, type);
}

static int64_t check_type(uint64_t domain, uint64_t type, uint64_t protocol)
{
    int kind = (int)type & TYPE;
    if ((uint32_t)domain != AF_UNIX)
        return -EAFNOSUPPORT;
    if ((uint32_t)type & ~(uint32_t)(TYPE | SOCK_NONBLOCK | SOCK_CLOEXEC))
        return -EINVAL;
    if ((uint32_t)protocol && (uint32_t)protocol != AF_UNIX)
        return -EPROTONOSUPPORT;
    return kind == SOCK_STREAM || kind == SOCK_DGRAM || kind == SOCK_SEQPACKET ? 0 : -ESOCKTNOSUPPORT;
}

int64_t sys_socket(struct linux_process *p, const uint64_t a[6])
{
    int64_t r = check_type(a[0], a[1], a[2]);
    if (r < 0)
        return r;
    struct linux_socket *s = socket_new(p->k, (int)a[1] & TYPE);
    if (!s)
        return -ENOMEM;
    if (s->type == SOCK_DGRAM)
        return open_datagrams(p, s, a[1]);
    return open_as(p, source_open(p, &unconnected, NULL, false, a[1] & SOCK_CLOEXEC), s, a[1]);
}

/* A pair is a pipe in both directions; as with pipes, it never blocks the host. */
int64_t sys_socketpair(struct linux_process *p, const uint64_t a[6])
{
    int host[2];
    int32_t fd[2];
    int64_t r = check_type(a[0], a[1], a[2]);
    if (r < 0)
        return r;
    int type = (int)a[1] & TYPE;
    struct linux_socket *s[2] = {socket_new(p->k, type), socket_new(p->k, type)};
    if (!s[0] || !s[1] || socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, host)) {
        r = s[0] && s[1] ? -errno : -ENOMEM;
        socket_drop(s[0]);
        socket_drop(s[1]);
        return r;
    }
    for (int i = 0; i < 2; i++) {
        s[i]->state = SOCKET_CONNECTED;
        s[i]->other = s[1 - i]->id;
        s[i]->peer_cred = socket_cred_of(p);
    }
    for (int i = 0; i < 2; i++)
        fd[i] = (int32_t)open_as(p, fd_add(p, host[i], FD_PIPE, 0, a[1] & SOCK_CLOEXEC), s[i], a[1]);
    if (fd[0] >= 0 && fd[1] >= 0 && user_put(p, a[3], fd, sizeof fd))
        return 0;
    r = fd[0] < 0 ? fd[0] : fd[1] < 0 ? fd[1] : -EFAULT;
    for (int i = 0; i < 2; i++)
        if (fd[i] >= 0)
            fd_close(p, (uint32_t)fd[i]);
    return r;
}

struct linux_file *socket_file(struct linux_process *p, uint64_t fd, int64_t *error)
{
    struct linux_file *f = fd_file(p, (uint32_t)fd);
    *error = !f ? -EBADF : -ENOTSOCK;
    return f && f->sock ? f : NULL;
}

bool socket_is_pipe(const struct linux_file *f)
{
    const struct linux_socket *s = f->sock;
    if (!s)
        return true;
    if (s->type != SOCK_STREAM || s->state != SOCKET_CONNECTED || s->pass_cred)
        return false;
    const struct linux_socket *to = socket_find(s->k, s->other);
    return !to || !to->pass_cred;
}

int64_t sys_getsockopt(struct linux_process *p, const uint64_t a[6])
{
    enum { BUFFER = 212992 /* Linux' default */ };
    int64_t error;
    const struct linux_file *f = socket_file(p, a[0], &error);
    uint32_t size = 4, room = 4;
    int32_t value = 0;
    const void *from = &value;
    if (!f)
        return error;
    if ((int32_t)a[1] != SOL_SOCKET)
        return -EOPNOTSUPP;
    switch ((int32_t)a[2]) {
    case SO_TYPE: value = f->socket; break;
    case SO_DOMAIN: value = AF_UNIX; break;
    case SO_SNDBUF:
    case SO_RCVBUF: value = BUFFER; break;
    case SO_ACCEPTCONN: value = f->sock->state == SOCKET_LISTENS; break;
    case SO_PASSCRED: value = f->sock->pass_cred; break;
    case SO_PEERCRED:
        from = &f->sock->peer_cred;
        room = sizeof f->sock->peer_cred;
        break;
    case SO_ERROR:
    case SO_PROTOCOL:
    case SO_REUSEADDR:
    case SO_KEEPALIVE: break;
    default: return -ENOPROTOOPT;
    }
    if (!user_get(p, &size, a[4], sizeof size))
        return -EFAULT;
    if ((int32_t)size < 0)
        return -EINVAL;
    size = size < room ? size : room;
    return user_put(p, a[3], from, size) && user_put(p, a[4], &size, sizeof size) ? 0 : -EFAULT;
}

/* Sizes of buffers and the like are taken note of only. */
int64_t sys_setsockopt(struct linux_process *p, const uint64_t a[6])
{
    int64_t error;
    const struct linux_file *f = socket_file(p, a[0], &error);
    int32_t value;
    if (!f)
        return error;
    if ((int32_t)a[1] != SOL_SOCKET)
        return -EOPNOTSUPP;
    if ((int32_t)a[2] != SO_PASSCRED)
        return 0;
    if ((uint32_t)a[4] < sizeof value)
        return -EINVAL;
    if (!user_get(p, &value, a[3], sizeof value))
        return -EFAULT;
    f->sock->pass_cred = value != 0;
    return 0;
}

int64_t sys_shutdown(struct linux_process *p, const uint64_t a[6])
{
    int64_t error;
    const struct linux_file *f = socket_file(p, a[0], &error);
    if (!f)
        return error;
    if ((uint32_t)a[1] > SHUT_RDWR)
        return -EINVAL;
    if (f->source) /* there is nothing to shut yet */
        return 0;
    return shutdown(f->host, (int)a[1]) ? -errno : 0;
}

/* i386's one call for all of them: a number and the address of the arguments. */
int64_t sys_socketcall(struct linux_process *p, const uint64_t a[6])
{
    static const struct {
        syscall_fn *call;
        uint8_t arguments;
    } calls[] = {
        {NULL, 0},           {sys_socket, 3},      {sys_bind, 3},        {sys_connect, 3},    {sys_listen, 2},
        {sys_accept, 3},     {sys_getsockname, 3}, {sys_getpeername, 3}, {sys_socketpair, 4}, {sys_sendto, 4},
        {sys_recvfrom, 4},   {sys_sendto, 6},      {sys_recvfrom, 6},    {sys_shutdown, 2},   {sys_setsockopt, 5},
        {sys_getsockopt, 5}, {sys_sendmsg, 3},     {sys_recvmsg, 3},     {sys_accept4, 4},    {sys_recvmmsg, 5},
        {sys_sendmmsg, 4},
    };
    uint64_t args[6] = {0};
    if (a[0] < 1 || a[0] >= sizeof calls / sizeof *calls)
        return -EINVAL;
    for (unsigned i = 0; i < calls[a[0]].arguments; i++)
        if (!user_get(p, &args[i], a[1] + 4 * i, 4))
            return -EFAULT;
    return calls[a[0]].call(p, args);
}
