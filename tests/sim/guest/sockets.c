/* Sockets with names, and descriptors and credentials that travel through them, printed so that a run on the host and one on
 * Selkirk can be compared. Works in the current directory. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *what, long r) { printf("%s: %ld %s\n", what, r, r < 0 ? strerrorname_np(errno) : ""); }
#define SHOW(call) show(#call, (long)(call))

union control {
    struct cmsghdr head;
    char space[256];
};

/* One byte with descriptors. */
static ssize_t give(int s, const int *fds, size_t n, const char *text)
{
    union control c;
    struct iovec v = {(void *)text, strlen(text)};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = CMSG_SPACE(n * sizeof *fds)};
    memset(&c, 0, sizeof c);
    c.head.cmsg_len = CMSG_LEN(n * sizeof *fds);
    c.head.cmsg_level = SOL_SOCKET;
    c.head.cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(&c.head), fds, n * sizeof *fds);
    return sendmsg(s, &m, MSG_NOSIGNAL);
}

/* The number of descriptors that came; what else came is printed. */
static int get(int s, int *fds, size_t room, int flags)
{
    union control c;
    char text[32] = "";
    struct iovec v = {text, sizeof text - 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = room};
    ssize_t n = recvmsg(s, &m, flags);
    int count = 0;
    printf("got %zd %s \"%s\" flags %x control %d\n", n, n < 0 ? strerrorname_np(errno) : "", text,
           m.msg_flags & ~MSG_CMSG_CLOEXEC, (int)m.msg_controllen);
    if (n < 0)
        return -1;
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
        size_t size = h->cmsg_len - CMSG_LEN(0);
        printf("level %d type %d size %d\n", h->cmsg_level, h->cmsg_type, (int)size);
        if (h->cmsg_type == SCM_CREDENTIALS && size == sizeof(struct ucred)) {
            struct ucred *u = (struct ucred *)CMSG_DATA(h);
            printf("from itself %d parent %d uid %d gid %d\n", u->pid == getpid(), u->pid == getppid(), u->uid == getuid(),
                   u->gid == getgid());
        } else if (h->cmsg_type == SCM_RIGHTS) {
            count = (int)(size / sizeof *fds);
            memcpy(fds, CMSG_DATA(h), size);
        }
    }
    return count;
}

static void rights(void)
{
    int s[2], p[2], q[2], got[8], file;
    char buf[16] = "";
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    SHOW(pipe(p));
    SHOW(give(s[0], &p[1], 1, "one"));
    SHOW(get(s[1], got, 256, 0));
    SHOW(fcntl(got[0], F_GETFD));
    SHOW(write(got[0], "through", 7));
    SHOW(read(p[0], buf, 7));
    puts(buf);
    SHOW(close(got[0]));
    /* A file with its position, of which there is one. */
    file = open("rights", O_RDWR | O_CREAT | O_TRUNC, 0600);
    SHOW(write(file, "0123456789", 10));
    SHOW(lseek(file, 4, SEEK_SET));
    int three[3] = {file, p[0], file};
    SHOW(give(s[0], three, 3, "three"));
    SHOW(get(s[1], got, 256, MSG_CMSG_CLOEXEC));
    SHOW(fcntl(got[1], F_GETFD));
    SHOW(read(got[2], buf, 3));
    printf("%.3s %ld\n", buf, (long)lseek(file, 0, SEEK_CUR));
    for (int i = 0; i < 3; i++)
        close(got[i]);
    /* Too little room, none, none asked for. */
    SHOW(give(s[0], three, 3, "room"));
    SHOW(get(s[1], got, CMSG_LEN(2 * sizeof(int)), 0));
    close(got[0]);
    close(got[1]);
    SHOW(give(s[0], three, 3, "little"));
    SHOW(get(s[1], got, 5, 0));
    SHOW(give(s[0], three, 3, "none"));
    SHOW(get(s[1], got, 0, 0));
    SHOW(give(s[0], &file, 1, "peek"));
    SHOW(get(s[1], got, 256, MSG_PEEK));
    close(got[0]);
    SHOW(get(s[1], got, 256, 0));
    close(got[0]);
    /* Bytes with descriptors and bytes without them come apart. */
    SHOW(give(s[0], &file, 1, "first"));
    SHOW(write(s[0], "plain", 5));
    SHOW(give(s[0], &file, 1, "second"));
    SHOW(get(s[1], got, 256, 0));
    close(got[0]);
    SHOW(get(s[1], got, 256, 0));
    close(got[0]);
    /* What is not taken goes with the bytes, or with the socket. */
    SHOW(pipe(q));
    SHOW(give(s[0], &q[1], 1, "lost"));
    SHOW(close(q[1]));
    fcntl(q[0], F_SETFL, O_NONBLOCK);
    SHOW(read(q[0], buf, 1));
    SHOW(read(s[1], buf, 16));
    SHOW(read(q[0], buf, 1));
    close(q[0]);
    SHOW(pipe(q));
    SHOW(give(s[0], &q[1], 1, "lost"));
    SHOW(close(q[1]));
    SHOW(close(s[1]));
    SHOW(read(q[0], buf, 1));
    SHOW(give(s[0], &file, 1, "nobody"));
    close(q[0]);
    close(s[0]);
    /* Errors. */
    SHOW(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s));
    int none = 999;
    SHOW(give(s[0], &none, 1, "none"));
    union control c = {.head = {3, SOL_SOCKET, SCM_RIGHTS}};
    struct iovec v = {"x", 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof c};
    SHOW(sendmsg(s[0], &m, 0));
    c.head.cmsg_len = CMSG_LEN(4);
    c.head.cmsg_type = 77;
    SHOW(sendmsg(s[0], &m, 0));
    c.head.cmsg_level = 78;
    m.msg_controllen = CMSG_LEN(4);
    SHOW(sendmsg(s[0], &m, 0));
    SHOW(get(s[1], got, 256, 0));
    /* Packets keep their ends, however they are written. */
    struct iovec two[2] = {{"ab", 2}, {"cde", 3}};
    SHOW(writev(s[0], two, 2));
    SHOW(write(s[0], "", 0));
    SHOW(write(s[0], "f", 1));
    SHOW(read(s[1], buf, 16));
    SHOW(read(s[1], buf, 16));
    SHOW(read(s[1], buf, 16));
    /* To a child, of every kind of descriptor. */
    int ep = epoll_create1(0), counter = eventfd(5, 0);
    epoll_ctl(ep, EPOLL_CTL_ADD, counter, &(struct epoll_event){EPOLLIN, {.u32 = 6}});
    fflush(stdout);
    if (fork() == 0) {
        close(ep);
        close(counter);
        uint64_t value = 0;
        struct iovec one = {buf, 1};
        memset(got, 0, sizeof got);
        SHOW(get(s[1], got, 256, 0));
        SHOW(read(got[0], &value, 8));
        printf("counter %d\n", (int)value);
        SHOW(read(got[1], buf, 3));
        SHOW(write(got[2], "child", 5));
        fflush(stdout);
        _exit(0);
    }
    int kinds[3] = {counter, file, s[1]};
    lseek(file, 0, SEEK_SET);
    usleep(1000);
    SHOW(give(s[0], kinds, 3, "kinds"));
    wait(NULL);
    SHOW(lseek(file, 0, SEEK_CUR));
    SHOW(read(s[0], buf, 16));
    close(ep);
    close(counter);
    /* A socket inside itself. */
    SHOW(give(s[0], &s[1], 1, "myself"));
    close(s[0]);
    close(s[1]);
    close(file);
    close(p[0]);
    close(p[1]);
    SHOW(unlink("rights"));
}

static struct sockaddr_un name_of(const char *text)
{
    struct sockaddr_un n = {.sun_family = AF_UNIX};
    strcpy(n.sun_path, text);
    return n;
}

static void tell_name(const char *what, int r, const struct sockaddr_un *n, socklen_t size)
{
    printf("%s: %d %s family %d size %d %s\n", what, r, r < 0 ? strerrorname_np(errno) : "", size ? n->sun_family : 0,
           (int)size, size > 2 ? n->sun_path + !n->sun_path[0] : "");
}

static void tell_names(int fd)
{
    struct sockaddr_un n = {0};
    socklen_t size = sizeof n;
    int r = getsockname(fd, (struct sockaddr *)&n, &size);
    tell_name("own name", r, &n, size);
    memset(&n, 0, sizeof n);
    size = sizeof n;
    r = getpeername(fd, (struct sockaddr *)&n, &size);
    tell_name("peer's name", r, &n, r < 0 ? 0 : size);
}

static void credentials(void)
{
    int s[2], on = 1, got[4];
    struct ucred u = {0};
    socklen_t size = sizeof u;
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    SHOW(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &size));
    printf("peer itself %d uid %d size %d\n", u.pid == getpid(), u.uid == getuid(), (int)size);
    SHOW(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    on = 0;
    size = sizeof on;
    SHOW(getsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, &size));
    printf("on %d\n", on);
    SHOW(write(s[0], "written", 7));
    SHOW(get(s[1], got, 256, 0));
    SHOW(give(s[0], s, 2, "both"));
    SHOW(get(s[1], got, 256, 0));
    close(got[0]);
    close(got[1]);
    SHOW(send(s[0], "short", 5, 0));
    SHOW(get(s[1], got, CMSG_LEN(4), 0));
    SHOW(send(s[0], "none", 4, 0));
    SHOW(get(s[1], got, 0, 0));
    fflush(stdout);
    if (fork() == 0) {
        SHOW(get(s[1], got, 256, 0));
        fflush(stdout);
        _exit(0);
    }
    union control c;
    memset(&c, 0, sizeof c);
    struct iovec v = {"said", 4};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = CMSG_SPACE(sizeof u)};
    c.head.cmsg_len = CMSG_LEN(sizeof u);
    c.head.cmsg_level = SOL_SOCKET;
    c.head.cmsg_type = SCM_CREDENTIALS;
    *(struct ucred *)CMSG_DATA(&c.head) = (struct ucred){getpid(), getuid(), getgid()};
    SHOW(sendmsg(s[0], &m, 0));
    wait(NULL);
    close(s[0]);
    close(s[1]);
}

static void streams(void)
{
    struct sockaddr_un n = name_of("d/stream"), other;
    struct sockaddr *at = (struct sockaddr *)&n;
    socklen_t size;
    struct stat st;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), client, server;
    char buf[16] = "";
    struct pollfd f = {.fd = fd, .events = POLLIN};
    SHOW(fcntl(fd, F_GETFD));
    tell_names(fd);
    SHOW(read(fd, buf, 1));
    SHOW(send(fd, buf, 1, MSG_NOSIGNAL));
    SHOW(recv(fd, buf, 1, 0));
    SHOW(shutdown(fd, SHUT_WR));
    SHOW(listen(fd, 1));
    SHOW(accept(fd, NULL, NULL));
    SHOW(bind(fd, at, sizeof n));
    SHOW(mkdir("d", 0700));
    umask(027);
    SHOW(bind(fd, at, sizeof n));
    umask(022);
    SHOW(stat("d/stream", &st));
    printf("mode %o\n", st.st_mode);
    SHOW(open("d/stream", O_RDWR));
    SHOW(bind(fd, at, sizeof n));
    client = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(bind(client, at, sizeof n));
    SHOW(connect(client, at, sizeof n));
    SHOW(listen(fd, 1));
    int value = 0;
    size = sizeof value;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size));
    printf("accepts %d\n", value);
    SHOW(poll(&f, 1, 0));
    /* By another path: it is the file that counts. */
    SHOW(rename("d/stream", "moved"));
    SHOW(connect(client, at, sizeof n));
    SHOW(symlink("moved", "link"));
    other = name_of("d/../link");
    SHOW(connect(client, (struct sockaddr *)&other, sizeof other));
    SHOW(connect(client, (struct sockaddr *)&other, sizeof other));
    tell_names(client);
    SHOW(poll(&f, 1, -1));
    SHOW(send(client, "early", 5, 0));
    size = sizeof other;
    SHOW((server = accept4(fd, (struct sockaddr *)&other, &size, SOCK_CLOEXEC)) >= 0);
    tell_name("accepted", 0, &other, size);
    SHOW(fcntl(server, F_GETFD));
    tell_names(server);
    SHOW(poll(&f, 1, 0));
    SHOW(recv(server, buf, 16, 0));
    puts(buf);
    SHOW(write(server, "answer", 6));
    size = sizeof other;
    memset(&other, 0, sizeof other);
    SHOW(recvfrom(client, buf, 16, 0, (struct sockaddr *)&other, &size));
    tell_name("from", 0, &other, size);
    SHOW(sendto(client, "x", 1, 0, at, sizeof n));
    SHOW(listen(client, 1));
    SHOW(connect(fd, at, sizeof n));
    SHOW(shutdown(server, SHUT_WR));
    SHOW(read(client, buf, 1));
    SHOW(close(server));
    SHOW(send(client, "x", 1, MSG_NOSIGNAL));
    close(client);
    /* Nobody takes them. */
    other = name_of("moved");
    int waiting[4];
    for (int i = 0; i < 3; i++) {
        waiting[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        SHOW(connect(waiting[i], (struct sockaddr *)&other, sizeof other));
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    SHOW(write(waiting[1], "second", 6));
    for (int i = 0; i < 2; i++) {
        server = accept(fd, NULL, NULL);
        SHOW(fcntl(server, F_GETFL) & O_NONBLOCK);
        fcntl(server, F_SETFL, O_NONBLOCK);
        SHOW(read(server, buf, 16));
        close(server);
    }
    SHOW(accept(fd, NULL, NULL));
    for (int i = 0; i < 3; i++)
        close(waiting[i]);
    /* Processes, with one that waits for room and one that waits for a client. */
    fcntl(fd, F_SETFL, 0);
    fflush(stdout);
    for (int i = 0; i < 5; i++) {
        if (fork())
            continue;
        client = socket(AF_UNIX, SOCK_STREAM, 0);
        if (connect(client, (struct sockaddr *)&other, sizeof other))
            _exit(1);
        struct ucred u = {0};
        size = sizeof u;
        getsockopt(client, SOL_SOCKET, SO_PEERCRED, &u, &size);
        char mine[2] = {(char)('a' + i), u.pid == getppid()};
        write(client, mine, 2);
        _exit(read(client, buf, 1) != 1 || buf[0] != mine[0]);
    }
    int sum = 0, good = 0;
    for (int i = 0; i < 5; i++) {
        struct ucred u = {0};
        size = sizeof u;
        server = accept(fd, NULL, NULL);
        getsockopt(server, SOL_SOCKET, SO_PEERCRED, &u, &size);
        read(server, buf, 2);
        sum += buf[0];
        good += buf[1] == 1 && u.pid != getpid() && u.pid > 0;
        write(server, buf, 1);
        close(server);
    }
    for (int i = 0, status; i < 5; i++)
        good += wait(&status) > 0 && status == 0;
    printf("clients %d %d\n", sum, good);
    SHOW(close(fd));
    client = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(connect(client, (struct sockaddr *)&other, sizeof other));
    SHOW(unlink("moved"));
    SHOW(connect(client, (struct sockaddr *)&other, sizeof other));
    close(open("moved", O_WRONLY | O_CREAT, 0600));
    SHOW(connect(client, (struct sockaddr *)&other, sizeof other));
    SHOW(connect(client, at, 1));
    SHOW(connect(client, at, sizeof n + 1));
    SHOW(connect(client, (void *)16, sizeof n));
    SHOW(connect(client, (struct sockaddr *)&(struct sockaddr){AF_INET}, 16));
    SHOW(bind(client, (struct sockaddr *)&(struct sockaddr){AF_INET}, 16));
    SHOW(connect(client, (struct sockaddr *)&(struct sockaddr){AF_UNIX}, 2));
    close(client);
    SHOW(unlink("link"));
    SHOW(unlink("moved"));
    SHOW(rmdir("d"));
    SHOW(socket(AF_UNIX, SOCK_STREAM, 77));
    SHOW(socket(AF_UNIX, 9, 0));
}

static void abstract_names(void)
{
    struct sockaddr_un n = {.sun_family = AF_UNIX, .sun_path = "\0selkirk-test"}, any = {.sun_family = AF_UNIX}, other;
    socklen_t size = offsetof(struct sockaddr_un, sun_path) + 13, other_size = sizeof other;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0), client = socket(AF_UNIX, SOCK_SEQPACKET, 0), server, got[4];
    char buf[16] = "";
    SHOW(bind(fd, (struct sockaddr *)&n, size));
    SHOW(bind(client, (struct sockaddr *)&n, size));
    SHOW(bind(client, (struct sockaddr *)&any, 2));
    memset(&other, 0, sizeof other);
    SHOW(getsockname(client, (struct sockaddr *)&other, &other_size));
    printf("any: size %d first %d length %d\n", (int)other_size, other.sun_path[0], (int)strlen(other.sun_path + 1));
    SHOW(listen(fd, 5));
    SHOW(connect(client, (struct sockaddr *)&n, size - 1));
    SHOW(connect(client, (struct sockaddr *)&n, size));
    SHOW((server = accept(fd, NULL, NULL)) >= 0);
    SHOW(give(client, &client, 1, "packet"));
    SHOW(write(client, "", 0));
    SHOW(send(client, "last", 4, 0));
    SHOW(get(server, got, 256, 0));
    SHOW(write(got[0], "itself", 6));
    SHOW(read(server, buf, 16));
    SHOW(read(server, buf, 2));
    SHOW(read(server, buf, 16));
    int stream = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(connect(stream, (struct sockaddr *)&n, size));
    close(stream);
    close(fd);
    close(server);
    SHOW(recv(client, buf, 16, 0));
    close(client);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(bind(fd, (struct sockaddr *)&n, size));
    close(fd);
}

static void datagrams(void)
{
    struct sockaddr_un a = name_of("a"), b = name_of("b"), from;
    socklen_t size = sizeof from;
    char buf[16] = "", first[8], second[8];
    int one = socket(AF_UNIX, SOCK_DGRAM, 0), two = socket(AF_UNIX, SOCK_DGRAM, 0), three = socket(AF_UNIX, SOCK_DGRAM, 0);
    int got[4], on = 1;
    struct pollfd f = {.fd = one, .events = POLLIN};
    SHOW(bind(one, (struct sockaddr *)&a, sizeof a));
    SHOW(bind(two, (struct sockaddr *)&b, sizeof b));
    SHOW(listen(one, 1));
    SHOW(accept(one, NULL, NULL));
    SHOW(send(two, "x", 1, 0));
    SHOW(sendto(two, "hello", 5, 0, (struct sockaddr *)&a, sizeof a));
    SHOW(sendto(three, "nameless", 8, 0, (struct sockaddr *)&a, sizeof a));
    SHOW(poll(&f, 1, 0));
    SHOW(recvfrom(one, buf, 16, MSG_PEEK, (struct sockaddr *)&from, &size));
    tell_name("from", 0, &from, size);
    size = sizeof from;
    memset(&from, 0, sizeof from);
    SHOW(recvfrom(one, buf, 3, MSG_TRUNC, (struct sockaddr *)&from, &size));
    tell_name("from", 0, &from, size);
    SHOW(sendto(one, "back", 4, 0, (struct sockaddr *)&from, size));
    SHOW(read(two, buf, 16));
    size = sizeof from;
    SHOW(recvfrom(one, buf, 16, 0, (struct sockaddr *)&from, &size));
    printf("nameless %d\n", (int)size);
    SHOW(connect(two, (struct sockaddr *)&a, sizeof a));
    tell_names(two);
    SHOW(connect(one, (struct sockaddr *)&b, sizeof b));
    SHOW(sendto(three, "x", 1, 0, (struct sockaddr *)&a, sizeof a));
    SHOW(write(two, "written", 7));
    SHOW(give(two, &three, 1, "given"));
    SHOW(read(one, buf, 16));
    SHOW(get(one, got, 256, 0));
    close(got[0]);
    SHOW(setsockopt(one, SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    struct iovec v[2] = {{"first", 5}, {"second", 6}}, in[2] = {{first, 8}, {second, 8}};
    struct mmsghdr m[2] = {{{.msg_iov = &v[0], .msg_iovlen = 1}}, {{.msg_iov = &v[1], .msg_iovlen = 1}}};
    SHOW(sendmmsg(two, m, 2, 0));
    printf("sizes %d %d\n", m[0].msg_len, m[1].msg_len);
    SHOW(get(one, got, 256, 0));
    SHOW(sendmmsg(two, m, 1, 0));
    struct mmsghdr r[2] = {{{.msg_iov = &in[0], .msg_iovlen = 1}}, {{.msg_iov = &in[1], .msg_iovlen = 1}}};
    SHOW(recvmmsg(one, r, 2, 0, NULL));
    printf("sizes %d %d %.5s\n", r[0].msg_len, r[1].msg_len, second);
    SHOW(recvmmsg(one, r, 2, MSG_DONTWAIT, NULL));
    SHOW(connect(two, (struct sockaddr *)&(struct sockaddr){AF_UNSPEC}, 2));
    SHOW(send(two, "x", 1, 0));
    fflush(stdout);
    SHOW(connect(one, (struct sockaddr *)&(struct sockaddr){AF_UNSPEC}, 2));
    if (fork() == 0) { /* more than there is room for */
        connect(two, (struct sockaddr *)&a, sizeof a);
        for (int i = 0; i < 700; i++)
            if (send(two, &i, sizeof i, 0) != sizeof i)
                _exit(1);
        _exit(0);
    }
    usleep(2000);
    int right = 0, number = -1;
    for (int i = 0; i < 700; i++)
        right += read(one, &number, sizeof number) == sizeof number && number == i;
    int status = -1;
    wait(&status);
    printf("received %d status %d\n", right, status);
    SHOW(close(one));
    SHOW(sendto(two, "x", 1, 0, (struct sockaddr *)&a, sizeof a));
    int stream = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(connect(stream, (struct sockaddr *)&b, sizeof b));
    SHOW(sendto(stream, "x", 1, 0, (struct sockaddr *)&b, sizeof b));
    close(stream);
    close(two);
    close(three);
    SHOW(unlink("a"));
    SHOW(unlink("b"));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOFBF, 65536);
    rights();
    credentials();
    streams();
    abstract_names();
    datagrams();
    return 0;
}
