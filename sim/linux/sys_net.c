/* Sockets: this machine has no network, so no socket can be made but a pair that talks to itself. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "syscalls.h"

int64_t sys_socket(struct linux_process *p, const uint64_t a[6])
{
    (void)p, (void)a;
    return -EAFNOSUPPORT;
}

/* A pair is a pipe in both directions; as with pipes, it never blocks the host. */
int64_t sys_socketpair(struct linux_process *p, const uint64_t a[6])
{
    int host[2];
    int32_t fd[2];
    if (a[0] != AF_UNIX)
        return -EAFNOSUPPORT;
    if (socketpair(AF_UNIX, (int)(a[1] | SOCK_NONBLOCK | SOCK_CLOEXEC), (int)a[2], host))
        return -errno;
    for (int i = 0; i < 2; i++) {
        fd[i] = fd_add(p, host[i], FD_PIPE, 0, a[1] & SOCK_CLOEXEC);
        if (fd[i] < 0)
            continue;
        fd_file(p, (uint32_t)fd[i])->nonblock = a[1] & SOCK_NONBLOCK;
        fd_file(p, (uint32_t)fd[i])->socket = (int)a[1] & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    if (fd[0] >= 0 && fd[1] >= 0 && user_put(p, a[3], fd, sizeof fd))
        return 0;
    int64_t r = fd[0] < 0 ? fd[0] : fd[1] < 0 ? fd[1] : -EFAULT;
    for (int i = 0; i < 2; i++)
        if (fd[i] >= 0)
            fd_close(p, (uint32_t)fd[i]);
    return r;
}

struct linux_file *socket_file(struct linux_process *p, uint64_t fd, int64_t *error)
{
    struct linux_file *f = fd_file(p, (uint32_t)fd);
    *error = !f ? -EBADF : -ENOTSOCK;
    return f && f->socket ? f : NULL;
}

/* The ends of a pair have no names. */
static int64_t put_name(struct linux_process *p, uint64_t to, uint64_t size_at, uint16_t family, uint32_t size)
{
    uint32_t room;
    if (!user_get(p, &room, size_at, sizeof room))
        return -EFAULT;
    if ((int32_t)room < 0)
        return -EINVAL;
    bool ok = user_put(p, to, &family, room < size ? room : size) && user_put(p, size_at, &size, sizeof size);
    return ok ? 0 : -EFAULT;
}

int64_t sys_getsockname(struct linux_process *p, const uint64_t a[6])
{
    int64_t error;
    return socket_file(p, a[0], &error) ? put_name(p, a[1], a[2], AF_UNIX, 2) : error;
}

int64_t sys_getsockopt(struct linux_process *p, const uint64_t a[6])
{
    enum { BUFFER = 212992 /* Linux' default */ };
    int64_t error;
    const struct linux_file *f = socket_file(p, a[0], &error);
    uint32_t size = 4;
    int32_t value = 0;
    if (!f)
        return error;
    if ((int32_t)a[1] != SOL_SOCKET)
        return -EOPNOTSUPP;
    switch ((int32_t)a[2]) {
    case SO_TYPE: value = f->socket; break;
    case SO_DOMAIN: value = AF_UNIX; break;
    case SO_SNDBUF:
    case SO_RCVBUF: value = BUFFER; break;
    case SO_ERROR:
    case SO_PROTOCOL:
    case SO_ACCEPTCONN: break;
    default: return -ENOPROTOOPT;
    }
    if (!user_get(p, &size, a[4], sizeof size))
        return -EFAULT;
    if ((int32_t)size < 0)
        return -EINVAL;
    size = size < sizeof value ? size : sizeof value;
    return user_put(p, a[3], &value, size) && user_put(p, a[4], &size, sizeof size) ? 0 : -EFAULT;
}

/* Sizes of buffers and the like are taken note of only. */
int64_t sys_setsockopt(struct linux_process *p, const uint64_t a[6])
{
    int64_t error;
    if (!socket_file(p, a[0], &error))
        return error;
    return (int32_t)a[1] == SOL_SOCKET ? 0 : -EOPNOTSUPP;
}

int64_t sys_shutdown(struct linux_process *p, const uint64_t a[6])
{
    int64_t error;
    const struct linux_file *f = socket_file(p, a[0], &error);
    return !f ? error : shutdown(f->host, (int)a[1]) ? -errno : 0;
}

/* read or write, with MSG_DONTWAIT for this call alone. */
static int64_t transfer(struct linux_process *p, const uint64_t a[6], syscall_fn *call)
{
    int64_t r;
    struct linux_file *f = socket_file(p, a[0], &r);
    if (!f)
        return r;
    if (a[3] & ~(uint64_t)(MSG_NOSIGNAL | MSG_DONTWAIT))
        return -EOPNOTSUPP;
    bool nonblock = f->nonblock;
    f->nonblock |= (a[3] & MSG_DONTWAIT) != 0;
    r = call(p, a);
    f->nonblock = nonblock;
    return r;
}

int64_t sys_sendto(struct linux_process *p, const uint64_t a[6])
{
    const uint64_t sigpipe = UINT64_C(1) << 12;
    uint64_t before = p->pending.set;
    int64_t r = a[4] ? -EISCONN : transfer(p, a, sys_write);
    if (r == -EPIPE && (a[3] & MSG_NOSIGNAL) && !(before & sigpipe))
        linux_unqueue(&p->pending, sigpipe);
    return r;
}

int64_t sys_recvfrom(struct linux_process *p, const uint64_t a[6])
{
    int64_t r = transfer(p, a, sys_read);
    if (r >= 0 && a[4] && put_name(p, a[4], a[5], 0, 0) < 0)
        return -EFAULT;
    return r;
}

/* Every other call on sockets: no descriptor here can be bound or connected. */
int64_t sys_not_socket(struct linux_process *p, const uint64_t a[6])
{
    int64_t error;
    return socket_file(p, a[0], &error) ? -EOPNOTSUPP : error;
}

/* i386's one call for all of them: a number and the address of the arguments. */
int64_t sys_socketcall(struct linux_process *p, const uint64_t a[6])
{
    static const struct {
        syscall_fn *call;
        uint8_t arguments;
    } calls[] = {
        {NULL, 0},           {sys_socket, 3},      {sys_not_socket, 1},  {sys_not_socket, 1}, {sys_not_socket, 1},
        {sys_not_socket, 1}, {sys_getsockname, 3}, {sys_getsockname, 3}, {sys_socketpair, 4}, {sys_sendto, 4},
        {sys_recvfrom, 4},   {sys_sendto, 6},      {sys_recvfrom, 6},    {sys_shutdown, 2},   {sys_setsockopt, 5},
        {sys_getsockopt, 5}, {sys_sendmsg, 3},     {sys_recvmsg, 3},     {sys_not_socket, 1}, {sys_not_socket, 1},
        {sys_not_socket, 1},
    };
    uint64_t args[6] = {0};
    if (a[0] < 1 || a[0] >= sizeof calls / sizeof *calls)
        return -EINVAL;
    for (unsigned i = 0; i < calls[a[0]].arguments; i++)
        if (!user_get(p, &args[i], a[1] + 4 * i, 4))
            return -EFAULT;
    return calls[a[0]].call(p, args);
}
