/* Messages: sendmsg, recvmsg and what is like them. What travels besides bytes is parcel.c's. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "socket.h"

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

static void message_free(struct message *m)
{
    if (m)
        free(m->bytes);
    free(m);
}

/* The buffers, and memory for what is in them. */
static int64_t get_parts(struct linux_process *p, struct message *m, uint64_t iov, uint64_t n)
{
    size_t word = user_word(p);
    if (n > IOVECS)
        return -EMSGSIZE;
    m->parts = n;
    for (size_t i = 0; i < m->parts; i++) {
        uint64_t from = iov + i * 2 * word;
        if (!user_get_word(p, from, &m->part[i].base) || !user_get_word(p, from + word, &m->part[i].size))
            return -EFAULT;
    }
    return 0;
}

static int64_t get_room(struct message *m)
{
    m->size = 0;
    for (size_t i = 0; i < m->parts; i++) {
        if (m->part[i].size > MOST - m->size)
            m->part[i].size = MOST - m->size;
        m->size += m->part[i].size;
    }
    m->bytes = malloc(m->size ? m->size : 1);
    return m->bytes ? 0 : -ENOMEM;
}

static int64_t get_message(struct linux_process *p, uint64_t at, struct message *m)
{
    size_t word = user_word(p);
    for (int i = 0; i < WORDS; i++) {
        bool half = i == NAME_SIZE || i == FLAGS;
        m->word[i] = 0;
        if (!user_get(p, &m->word[i], at + (size_t)i * word, half ? 4 : word))
            return -EFAULT;
    }
    int64_t r = get_parts(p, m, m->word[IOV], m->word[IOV_COUNT]);
    return r < 0 ? r : get_room(m);
}

/* A message of one buffer, as sendto and recvfrom have it. */
static struct message *message_of(uint64_t at, uint64_t size)
{
    struct message *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->parts = 1;
    m->part[0].base = at;
    m->part[0].size = size;
    if (get_room(m) >= 0)
        return m;
    message_free(m);
    return NULL;
}

static int64_t not_now(struct linux_process *p, const struct linux_file *f, uint64_t flags, short events)
{
    return flags & MSG_DONTWAIT ? -EAGAIN : pipe_wait(p, f, events, 0);
}

/* Sending ------------------------------------------------------------------------------------------------------------ */

/* The descriptor of the host that a message goes to, and the socket that will receive it: NULL is one that is gone. */
static int64_t way_out(struct linux_process *p, const struct linux_file *f, const struct message *m, struct linux_socket **to)
{
    const struct linux_socket *s = f->sock;
    int64_t error = 0;
    *to = socket_find(p->k, s->other);
    if (s->type != SOCK_DGRAM) {
        if (m->word[NAME] && m->word[NAME_SIZE])
            return s->state == SOCKET_CONNECTED ? -EISCONN : s->type == SOCK_STREAM ? -EOPNOTSUPP : -ENOTCONN;
        return s->state == SOCKET_CONNECTED ? f->host : -ENOTCONN;
    }
    if (m->word[NAME] && m->word[NAME_SIZE]) {
        *to = socket_named(p, m->word[NAME], m->word[NAME_SIZE], s->type, &error);
        if (!*to)
            return error;
    } else if (!s->other) {
        return -ENOTCONN;
    } else if (s->inlet < 0) {
        return f->host;
    }
    if (!*to)
        return -ECONNREFUSED;
    if ((*to)->inlet < 0 || !socket_may_send(s, *to))
        return -EPERM;
    return (*to)->inlet;
}

/* One attempt of the host's, with a parcel or without: bytes, or an error of it. */
static ssize_t hand_over(struct linux_process *p, int out, const uint8_t *bytes, size_t size, int flags, struct linux_parcel *q)
{
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec whole = {(void *)(uintptr_t)bytes, size};
    struct msghdr h = {.msg_iov = &whole, .msg_iovlen = 1};
    int end = q ? parcel_wrap(p->k, q) : -1;
    if (q && end < 0)
        return end;
    if (q) {
        memcpy(CMSG_DATA(&control.head), &end, sizeof end);
        h.msg_control = &control;
        h.msg_controllen = sizeof control;
    }
    ssize_t n = sendmsg(out, &h, MSG_DONTWAIT | MSG_NOSIGNAL | flags);
    int error = errno;
    if (end >= 0)
        close(end);
    return n < 0 ? -error : n;
}

/* What must travel with the message; *q NULL: nothing. */
static int64_t pack(struct linux_process *p, const struct linux_socket *s, const struct linux_socket *to,
                    const struct message *m, struct linux_parcel **q)
{
    bool needed = s->pass_cred || (to && to->pass_cred) || (s->type == SOCK_DGRAM && s->name.size);
    *q = NULL;
    if (!needed && !(m->word[CONTROL] && m->word[CONTROL_SIZE]))
        return 0;
    *q = parcel_new(p, &s->name);
    int64_t r = *q ? 0 : -ENOMEM;
    if (r >= 0 && m->word[CONTROL])
        r = parcel_fill(p, *q, m->word[CONTROL], m->word[CONTROL_SIZE], &needed);
    if (r < 0 || !needed) {
        parcel_free(*q);
        *q = NULL;
    }
    return r;
}

static int64_t send_it(struct linux_process *p, const struct linux_file *f, const struct message *m, uint64_t flags)
{
    struct linux_socket *to;
    struct linux_parcel *q = NULL;
    size_t done = 0;
    int64_t out = way_out(p, f, m, &to);
    if (out < 0)
        return out;
    for (size_t i = 0; i < m->parts; done += m->part[i++].size)
        if (!user_get(p, m->bytes + done, m->part[i].base, m->part[i].size))
            return -EFAULT;
    size_t before = (size_t)p->wait.done; /* of a stream that was full */
    if (before > m->size)                 /* another thread has made the message shorter meanwhile */
        return (int64_t)before;
    int64_t r = before ? 0 : pack(p, f->sock, to, m, &q);
    if (r < 0)
        return r;
    ssize_t n = hand_over(p, (int)out, m->bytes + before, m->size - before, (int)(flags & MSG_EOR), q);
    if (q && n >= 0 && (n > 0 || f->socket != SOCK_STREAM))
        parcel_sent(p->k, q);
    else
        parcel_free(q);
    if (n == -EPIPE && f->socket == SOCK_STREAM && !(flags & MSG_NOSIGNAL))
        linux_raise(p, SIGPIPE, 0);
    if (n < 0 && n != -EAGAIN)
        return before ? (int64_t)before : n;
    bool full = n < 0;
    before += full ? 0 : (size_t)n;
    if (!full && (before == m->size || f->socket != SOCK_STREAM))
        return (int64_t)before;
    r = not_now(p, f, flags, POLLOUT);
    p->wait.done = (int64_t)before;
    return r != LINUX_WAIT && before ? (int64_t)before : r;
}

enum { SEND_FLAGS = MSG_NOSIGNAL | MSG_DONTWAIT | MSG_EOR };

int64_t sys_sendmsg(struct linux_process *p, const uint64_t a[6])
{
    int64_t r;
    const struct linux_file *f = socket_file(p, a[0], &r);
    if (!f)
        return r;
    if (a[2] & ~(uint64_t)SEND_FLAGS)
        return -EOPNOTSUPP;
    struct message *m = calloc(1, sizeof *m);
    r = m ? get_message(p, a[1], m) : -ENOMEM;
    if (r >= 0)
        r = send_it(p, f, m, a[2]);
    message_free(m);
    return r;
}

/* Several messages. Only the first may wait: what it has sent so far would be sent again with the second. */
int64_t sys_sendmmsg(struct linux_process *p, const uint64_t a[6])
{
    size_t step = 8 * user_word(p);
    uint32_t n = (uint32_t)a[2] < IOVECS ? (uint32_t)a[2] : IOVECS;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t at = a[1] + i * step;
        int64_t r = sys_sendmsg(p, (uint64_t[6]){a[0], at, a[3] | (i ? MSG_DONTWAIT : 0)});
        uint32_t sent = (uint32_t)r;
        if (r < 0)
            return i ? (int64_t)i : r;
        if (!user_put(p, at + WORDS * user_word(p), &sent, sizeof sent))
            return i ? (int64_t)i : -EFAULT;
    }
    return n;
}

/* As write, for this call alone with MSG_DONTWAIT and without SIGPIPE. */
static int64_t write_stream(struct linux_process *p, struct linux_file *f, const uint64_t a[6])
{
    const uint64_t sigpipe = UINT64_C(1) << (SIGPIPE - 1);
    uint64_t before = p->pending.set;
    bool nonblock = f->nonblock;
    f->nonblock |= (a[3] & MSG_DONTWAIT) != 0;
    int64_t r = file_write(p, (uint32_t)a[0], a[1], a[2], -1);
    f->nonblock = nonblock;
    if (r == -EPIPE && (a[3] & MSG_NOSIGNAL) && !(before & sigpipe))
        linux_unqueue(&p->pending, sigpipe);
    return r;
}

int64_t sys_sendto(struct linux_process *p, const uint64_t a[6])
{
    int64_t r;
    struct linux_file *f = socket_file(p, a[0], &r);
    if (!f)
        return r;
    if (a[3] & ~(uint64_t)SEND_FLAGS)
        return -EOPNOTSUPP;
    if (!a[4] && socket_is_pipe(f))
        return write_stream(p, f, a);
    if (f->socket != SOCK_STREAM && a[2] > MOST)
        return -EMSGSIZE;
    struct message *m = message_of(a[1], a[2]);
    if (!m)
        return -ENOMEM;
    m->word[NAME] = a[4];
    m->word[NAME_SIZE] = (uint32_t)a[5];
    r = send_it(p, f, m, a[3]);
    message_free(m);
    return r;
}

int64_t socket_write(struct linux_process *p, uint32_t fd, uint64_t from, uint64_t size)
{
    return sys_sendto(p, (uint64_t[6]){fd, from, size});
}

/* One message of several buffers. */
int64_t socket_writev(struct linux_process *p, const struct linux_file *f, uint64_t iov, uint64_t n)
{
    struct message *m = calloc(1, sizeof *m);
    int64_t r = !m ? -ENOMEM : n > IOVECS ? -EINVAL : get_parts(p, m, iov, n);
    if (r >= 0)
        r = get_room(m);
    if (r >= 0)
        r = send_it(p, f, m, 0);
    message_free(m);
    return r;
}

/* Receiving ---------------------------------------------------------------------------------------------------------- */

/* What has arrived, and how the guest is told. */
struct arrival {
    struct linux_parcel *parcel;
    uint32_t flags;
    int end; /* the descriptor that came for the parcel, or -1 */
};

static ssize_t take(struct linux_process *p, const struct linux_file *f, const struct message *m, uint64_t flags,
                    struct arrival *got)
{
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(4 * sizeof(int))];
    } control;
    struct iovec whole = {m->bytes, m->size};
    struct msghdr h = {.msg_iov = &whole, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    *got = (struct arrival){.end = -1};
    ssize_t n = recvmsg(f->host, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | (int)(flags & (MSG_PEEK | MSG_TRUNC)));
    if (n < 0)
        return -errno;
    got->flags = (uint32_t)h.msg_flags & ~(uint32_t)(MSG_CMSG_CLOEXEC | MSG_CTRUNC);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (!got->parcel)
                got->parcel = parcel_find(p->k, fd);
            close(fd);
        }
    }
    return n;
}

/* What is left of a parcel whose message has been looked at, or taken. */
static void put_away(struct linux_process *p, const struct arrival *got, uint64_t flags)
{
    if (got->parcel && !(flags & MSG_PEEK))
        parcel_taken(p->k, got->parcel);
}

static int64_t put_bytes(struct linux_process *p, const struct message *m, ssize_t n)
{
    size_t there = (size_t)n < m->size ? (size_t)n : m->size, done = 0;
    for (size_t i = 0; i < m->parts && done < there; i++) {
        size_t part = there - done < m->part[i].size ? there - done : m->part[i].size;
        if (!user_put(p, m->part[i].base, m->bytes + done, part))
            return -EFAULT;
        done += part;
    }
    return n;
}

/* The sender's name as the receiver is told it. */
static const struct socket_name *sender(const struct linux_file *f, const struct arrival *got)
{
    static const struct socket_name nobody;
    return f->socket != SOCK_DGRAM ? &f->sock->peer : got->parcel ? &got->parcel->from : &nobody;
}

static int64_t receivable(const struct linux_file *f)
{
    if (f->socket == SOCK_DGRAM || f->sock->state == SOCKET_CONNECTED)
        return 0;
    return f->socket == SOCK_STREAM ? -EINVAL : -ENOTCONN;
}

enum { RECEIVE_FLAGS = MSG_NOSIGNAL | MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC | MSG_CMSG_CLOEXEC };

static int64_t receive(struct linux_process *p, const struct linux_file *f, const struct message *m, uint64_t at,
                       uint64_t flags)
{
    size_t word = user_word(p);
    struct arrival got;
    ssize_t n = take(p, f, m, flags, &got);
    if (n < 0)
        return n == -EAGAIN ? not_now(p, f, flags, POLLIN) : n;
    int64_t r = put_bytes(p, m, n), used = 0;
    if (r >= 0) {
        bool told = (n || f->socket != SOCK_STREAM) && f->sock->pass_cred;
        used = parcel_tell(p, got.parcel, told, m->word[CONTROL], m->word[CONTROL_SIZE], flags, &got.flags);
    }
    if (r >= 0 && m->word[NAME] && socket_put_name(p, m->word[NAME], at + NAME_SIZE * word, sender(f, &got), false) < 0)
        r = -EFAULT;
    put_away(p, &got, flags);
    if (r < 0 || used < 0)
        return -EFAULT;
    bool ok = user_put_word(p, at + CONTROL_SIZE * word, (uint64_t)used) && user_put(p, at + FLAGS * word, &got.flags, 4);
    return ok ? r : -EFAULT;
}

int64_t sys_recvmsg(struct linux_process *p, const uint64_t a[6])
{
    int64_t r;
    const struct linux_file *f = socket_file(p, a[0], &r);
    if (!f || (r = receivable(f)) < 0)
        return r;
    if (a[2] & ~(uint64_t)RECEIVE_FLAGS)
        return -EOPNOTSUPP;
    struct message *m = calloc(1, sizeof *m);
    r = m ? get_message(p, a[1], m) : -ENOMEM;
    if (r >= 0)
        r = receive(p, f, m, a[1], a[2]);
    message_free(m);
    return r;
}

int64_t sys_recvmmsg(struct linux_process *p, const uint64_t a[6])
{
    enum { WAIT_FOR_ONE = 0x10000 };
    size_t step = 8 * user_word(p);
    uint32_t n = (uint32_t)a[2] < IOVECS ? (uint32_t)a[2] : IOVECS, i = (uint32_t)p->wait.done;
    for (; i < n; i++) {
        uint64_t at = a[1] + i * step, flags = a[3] & ~(uint64_t)WAIT_FOR_ONE;
        if (i && (a[3] & WAIT_FOR_ONE))
            flags |= MSG_DONTWAIT;
        int64_t r = sys_recvmsg(p, (uint64_t[6]){a[0], at, flags});
        uint32_t got = (uint32_t)r;
        p->wait.done = i;
        if (r < 0)
            return i && r != LINUX_WAIT ? (int64_t)i : r;
        if (!user_put(p, at + WORDS * user_word(p), &got, sizeof got))
            return i ? (int64_t)i : -EFAULT;
    }
    return n;
}

int64_t sys_recvfrom(struct linux_process *p, const uint64_t a[6])
{
    int64_t r;
    struct arrival got;
    const struct linux_file *f = socket_file(p, a[0], &r);
    if (!f || (r = receivable(f)) < 0)
        return r;
    if (a[3] & ~(uint64_t)RECEIVE_FLAGS)
        return -EOPNOTSUPP;
    struct message *m = message_of(a[1], a[2]);
    if (!m)
        return -ENOMEM;
    ssize_t n = take(p, f, m, a[3], &got);
    if (n < 0) {
        r = n == -EAGAIN ? not_now(p, f, a[3], POLLIN) : n;
    } else {
        r = put_bytes(p, m, n);
        if (r >= 0 && a[4] && socket_put_name(p, a[4], a[5], sender(f, &got), false) < 0)
            r = -EFAULT;
        put_away(p, &got, a[3]);
    }
    message_free(m);
    return r;
}
