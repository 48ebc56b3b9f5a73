/* sendmsg and recvmsg on the ends of a pair of sockets. Descriptors and credentials do not travel. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "syscalls.h"

enum { MOST = 1 << 18 /* bytes of a message */, IOVECS = 1024 };
enum { NAME, NAME_SIZE, IOV, IOV_COUNT, CONTROL, CONTROL_SIZE, FLAGS, WORDS }; /* a struct msghdr, each in a word of its own */

struct message {
    uint64_t word[WORDS];
    struct {
        uint64_t base, size;
    } part[IOVECS];
    size_t parts, size;
    uint8_t *bytes; /* NULL: none yet */
};

static int64_t get_message(struct linux_process *p, uint64_t at, struct message *m)
{
    size_t word = user_word(p);
    m->size = 0;
    m->bytes = NULL;
    for (int i = 0; i < WORDS; i++) {
        bool half = i == NAME_SIZE || i == FLAGS;
        m->word[i] = 0;
        if (!user_get(p, &m->word[i], at + (size_t)i * word, half ? 4 : word))
            return -EFAULT;
    }
    if (m->word[IOV_COUNT] > IOVECS)
        return -EMSGSIZE;
    m->parts = m->word[IOV_COUNT];
    for (size_t i = 0; i < m->parts; i++) {
        uint64_t from = m->word[IOV] + i * 2 * word;
        if (!user_get_word(p, from, &m->part[i].base) || !user_get_word(p, from + word, &m->part[i].size))
            return -EFAULT;
        if (m->part[i].size > MOST - m->size)
            m->part[i].size = MOST - m->size;
        m->size += m->part[i].size;
    }
    m->bytes = malloc(m->size ? m->size : 1);
    return m->bytes ? 0 : -ENOMEM;
}

static int64_t not_now(struct linux_process *p, const struct linux_file *f, uint64_t flags, short events)
{
    return flags & MSG_DONTWAIT ? -EAGAIN : pipe_wait(p, f, events, 0);
}

static int64_t send_it(struct linux_process *p, const struct linux_file *f, const struct message *m, uint64_t flags)
{
    size_t done = 0;
    for (size_t i = 0; i < m->parts; done += m->part[i++].size)
        if (!user_get(p, m->bytes + done, m->part[i].base, m->part[i].size))
            return -EFAULT;
    size_t before = (size_t)p->wait.done; /* of a stream that was full */
    ssize_t n = send(f->host, m->bytes + before, m->size - before, MSG_DONTWAIT | MSG_NOSIGNAL | (int)(flags & MSG_EOR));
    if (n < 0 && errno == EPIPE && !(flags & MSG_NOSIGNAL))
        linux_raise(p, SIGPIPE, 0);
    if (n < 0 && errno != EAGAIN)
        return before ? (int64_t)before : -errno;
    before += n > 0 ? (size_t)n : 0;
    if (n >= 0 && (before == m->size || f->socket != SOCK_STREAM))
        return (int64_t)before;
    int64_t r = not_now(p, f, flags, POLLOUT);
    p->wait.done = (int64_t)before;
    return r != LINUX_WAIT && before ? (int64_t)before : r;
}

int64_t sys_sendmsg(struct linux_process *p, const uint64_t a[6])
{
    int64_t r;
    const struct linux_file *f = socket_file(p, a[0], &r);
    if (!f)
        return r;
    if (a[2] & ~(uint64_t)(MSG_NOSIGNAL | MSG_DONTWAIT | MSG_EOR))
        return -EOPNOTSUPP;
    struct message *m = malloc(sizeof *m);
    if (!m)
        return -ENOMEM;
    r = get_message(p, a[1], m);
    if (r >= 0)
        r = m->word[NAME] && m->word[NAME_SIZE] ? -EISCONN : m->word[CONTROL_SIZE] ? -EOPNOTSUPP : send_it(p, f, m, a[2]);
    free(m->bytes);
    free(m);
    return r;
}

static int64_t receive(struct linux_process *p, const struct linux_file *f, const struct message *m, uint64_t at,
                       uint64_t flags)
{
    struct iovec whole = {m->bytes, m->size};
    struct msghdr h = {.msg_iov = &whole, .msg_iovlen = 1};
    const uint32_t none = 0;
    ssize_t n = recvmsg(f->host, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | (int)(flags & (MSG_PEEK | MSG_TRUNC)));
    if (n < 0)
        return errno == EAGAIN ? not_now(p, f, flags, POLLIN) : -errno;
    size_t there = (size_t)n < m->size ? (size_t)n : m->size, done = 0;
    for (size_t i = 0; i < m->parts && done < there; i++) {
        size_t part = there - done < m->part[i].size ? there - done : m->part[i].size;
        if (!user_put(p, m->part[i].base, m->bytes + done, part))
            return -EFAULT;
        done += part;
    }
    uint32_t got = (uint32_t)h.msg_flags & ~(uint32_t)MSG_CMSG_CLOEXEC;
    size_t word = user_word(p);
    bool ok = (!m->word[NAME] || user_put(p, at + NAME_SIZE * word, &none, 4)) &&
              user_put_word(p, at + CONTROL_SIZE * word, 0) && user_put(p, at + FLAGS * word, &got, 4);
    return ok ? n : -EFAULT;
}

int64_t sys_recvmsg(struct linux_process *p, const uint64_t a[6])
{
    int64_t r;
    const struct linux_file *f = socket_file(p, a[0], &r);
    if (!f)
        return r;
    if (a[2] & ~(uint64_t)(MSG_NOSIGNAL | MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC | MSG_CMSG_CLOEXEC))
        return -EOPNOTSUPP;
    struct message *m = malloc(sizeof *m);
    if (!m)
        return -ENOMEM;
    r = get_message(p, a[1], m);
    if (r >= 0)
        r = receive(p, f, m, a[1], a[2]);
    free(m->bytes);
    free(m);
    return r;
}
