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
        if (fd[i] >= 0)
            fd_file(p, (uint32_t)fd[i])->nonblock = a[1] & SOCK_NONBLOCK;
    }
    if (fd[0] >= 0 && fd[1] >= 0 && user_put(p, a[3], fd, sizeof fd))
        return 0;
    int64_t r = fd[0] < 0 ? fd[0] : fd[1] < 0 ? fd[1] : -EFAULT;
    for (int i = 0; i < 2; i++)
        if (fd[i] >= 0)
            fd_close(p, (uint32_t)fd[i]);
    return r;
}

/* Every other call on sockets: no descriptor here can be bound, connected or asked for its name. */
int64_t sys_not_socket(struct linux_process *p, const uint64_t a[6]) { return fd_host(p, a[0]) < 0 ? -EBADF : -ENOTSOCK; }

/* i386's one call for all of them: a number and the address of the arguments. */
int64_t sys_socketcall(struct linux_process *p, const uint64_t a[6])
{
    enum { SOCKET = 1, SOCKETPAIR = 8, LAST = 20 };
    uint64_t args[6] = {0};
    if (a[0] < SOCKET || a[0] > LAST)
        return -EINVAL;
    size_t n = a[0] == SOCKET ? 3 : a[0] == SOCKETPAIR ? 4 : 1;
    for (size_t i = 0; i < n; i++)
        if (!user_get(p, &args[i], a[1] + 4 * i, 4))
            return -EFAULT;
    return a[0] == SOCKET ? sys_socket(p, args) : a[0] == SOCKETPAIR ? sys_socketpair(p, args) : sys_not_socket(p, args);
}
