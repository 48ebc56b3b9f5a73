/* Timers, queued signals, and the descriptors that tell of them; buffers in pieces; messages; what moves between pipes; watches.
 * Prints what it sees. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void show(const char *what, long r) { printf("%s: %ld %s\n", what, r, r < 0 ? strerrorname_np(errno) : ""); }
#define SHOW(call) show(#call, (long)(call))

static void block(int a, int b, int c)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, a);
    sigaddset(&set, b);
    sigaddset(&set, c);
    sigprocmask(SIG_SETMASK, &set, NULL);
}

/* Signals of real time are queued, each with its value; the others are not. Lower numbers come first. */
static void queues(void)
{
    const int first = SIGRTMIN + 1, second = SIGRTMIN + 2;
    siginfo_t info;
    sigset_t set, pending;
    block(first, second, SIGUSR1);
    for (int i = 0; i < 3; i++) {
        sigqueue(getpid(), second, (union sigval){.sival_int = 20 + i});
        sigqueue(getpid(), first, (union sigval){.sival_int = 10 + i});
        sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = i});
    }
    sigprocmask(SIG_SETMASK, NULL, &set);
    struct timespec zero = {0, 0};
    for (int s; (s = sigtimedwait(&set, &info, &zero)) > 0;) {
        sigpending(&pending);
        printf("signal %d value %d code %d still %d\n", s >= SIGRTMIN ? s - SIGRTMIN + 100 : s, info.si_value.sival_int,
               info.si_code, sigismember(&pending, s));
    }
    SHOW(sigtimedwait(&set, &info, &zero));
    /* To ignore one drops all of it. */
    sigqueue(getpid(), first, (union sigval){.sival_int = 1});
    sigqueue(getpid(), first, (union sigval){.sival_int = 2});
    signal(first, SIG_IGN);
    signal(first, SIG_DFL);
    SHOW(sigtimedwait(&set, &info, &zero));
}

static volatile int handled, values[8];

static void handler(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    if (handled < 8)
        values[handled] = info->si_value.sival_int;
    handled++;
}

static void timers(void)
{
    struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 42};
    struct itimerspec spec = {.it_value = {0, 2000000}}, old;
    timer_t timer, quiet;
    siginfo_t info;
    sigset_t set;
    sigaction(SIGRTMIN, &a, NULL);
    sigprocmask(SIG_SETMASK, &(sigset_t){{0}}, NULL);
    SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
    SHOW(timer_settime(timer, 0, &spec, NULL));
    while (!handled)
        pause();
    printf("handled %d value %d overrun %d\n", handled, values[0], timer_getoverrun(timer));
    SHOW(timer_gettime(timer, &old));
    printf("left %ld %ld\n", (long)old.it_value.tv_sec, old.it_value.tv_nsec);
    /* What fires while its signal waits is counted. */
    block(SIGRTMIN, SIGUSR2, SIGUSR2);
    spec.it_interval.tv_nsec = 1000000;
    SHOW(timer_settime(timer, 0, &spec, NULL));
    usleep(30000);
    sigprocmask(SIG_SETMASK, NULL, &set);
    printf("took %d", sigwaitinfo(&set, &info) == SIGRTMIN);
    printf(" code %d value %d overruns %d %d\n", info.si_code, info.si_value.sival_int, info.si_overrun > 5,
           timer_getoverrun(timer) == info.si_overrun);
    spec.it_interval.tv_nsec = 0;
    spec.it_value = (struct timespec){100, 0};
    SHOW(timer_settime(timer, 0, &spec, &old));
    printf("interval %ld\n", old.it_interval.tv_nsec);
    SHOW(timer_gettime(timer, &old));
    printf("left %d\n", old.it_value.tv_sec > 60 && old.it_value.tv_sec <= 100);
    SHOW(timer_delete(timer));
    SHOW(syscall(SYS_timer_delete, 77));
    SHOW(timer_create(1234, &event, &timer));
    event.sigev_signo = 99;
    SHOW(timer_create(CLOCK_REALTIME, &event, &timer));
    event.sigev_notify = SIGEV_NONE;
    SHOW(timer_create(CLOCK_REALTIME, &event, &quiet));
    clock_gettime(CLOCK_REALTIME, &spec.it_value);
    spec.it_value.tv_sec += 50;
    SHOW(timer_settime(quiet, TIMER_ABSTIME, &spec, NULL));
    SHOW(timer_gettime(quiet, &old));
    printf("left %d\n", old.it_value.tv_sec > 20 && old.it_value.tv_sec <= 50);
    if (fork() == 0) /* a child has none */
        _exit(syscall(SYS_timer_gettime, (int)(intptr_t)quiet, &old) < 0 && errno == EINVAL ? 3 : 4);
    int status;
    wait(&status);
    printf("child %d\n", WEXITSTATUS(status));
    spec.it_value.tv_nsec = 1000000000;
    SHOW(timer_settime(quiet, 0, &spec, NULL));
    SHOW(timer_delete(quiet));
}

static void descriptors(void)
{
    struct itimerspec spec = {.it_value = {0, 3000000}}, old;
    uint64_t ticks = 0;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), ep = epoll_create1(0);
    struct pollfd f = {.fd = fd, .events = POLLIN | POLLOUT};
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = 5};
    SHOW(poll(&f, 1, 0));
    SHOW(write(fd, &ticks, 8));
    SHOW(timerfd_settime(fd, 0, &spec, NULL));
    SHOW(poll(&f, 1, -1));
    printf("events %d\n", f.revents);
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
    SHOW(epoll_wait(ep, &e, 1, -1));
    SHOW(read(fd, &ticks, 4));
    SHOW(read(fd, &ticks, 8));
    printf("ticks %d\n", (int)ticks);
    SHOW(epoll_wait(ep, &e, 1, 0));
    spec.it_interval.tv_nsec = 1000000;
    SHOW(timerfd_settime(fd, 0, &spec, &old));
    printf("old %ld\n", old.it_value.tv_nsec);
    usleep(20000);
    SHOW(read(fd, &ticks, 8));
    printf("many %d\n", ticks >= 10);
    SHOW(read(fd, &ticks, 8));
    SHOW(timerfd_gettime(fd, &old));
    printf("interval %ld, left %d\n", old.it_interval.tv_nsec, old.it_value.tv_nsec <= 1000000);
    memset(&spec, 0, sizeof spec);
    SHOW(timerfd_settime(fd, 0, &spec, NULL));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    SHOW(read(fd, &ticks, 8));
    clock_gettime(CLOCK_MONOTONIC, &spec.it_value);
    SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL)); /* past at once */
    SHOW(read(fd, &ticks, 8));
    SHOW(close(fd));
    SHOW(close(ep));
    SHOW(timerfd_create(99, 0));
    SHOW(timerfd_settime(0, 0, &spec, NULL));

    struct signalfd_siginfo s[3];
    sigset_t set;
    block(SIGUSR1, SIGCHLD, SIGRTMIN + 4);
    sigprocmask(SIG_SETMASK, NULL, &set);
    SHOW(fd = signalfd(-1, &set, SFD_NONBLOCK));
    SHOW(read(fd, s, sizeof s));
    f = (struct pollfd){.fd = fd, .events = POLLIN};
    SHOW(poll(&f, 1, 0));
    for (int i = 0; i < 2; i++)
        sigqueue(getpid(), SIGRTMIN + 4, (union sigval){.sival_int = 70 + i});
    SHOW(poll(&f, 1, 0));
    SHOW(read(fd, s, 100));
    SHOW(read(fd, s, sizeof s) / sizeof *s);
    for (int i = 0; i < 2; i++)
        printf("signal %d code %d value %d mine %d\n", s[i].ssi_signo - SIGRTMIN, s[i].ssi_code, s[i].ssi_int,
               s[i].ssi_pid == getpid());
    fcntl(fd, F_SETFL, 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(23);
    SHOW(read(fd, s, sizeof s) / sizeof *s);
    printf("signal %d code %d status %d pid %d\n", s->ssi_signo, s->ssi_code, s->ssi_status, s->ssi_pid == pid);
    int pidfd = syscall(SYS_pidfd_open, pid, 0);
    f = (struct pollfd){.fd = pidfd, .events = POLLIN};
    SHOW(poll(&f, 1, 0));
    siginfo_t info;
    SHOW(waitid(P_PIDFD, pidfd, &info, WEXITED));
    printf("status %d\n", info.si_status);
    SHOW(close(pidfd));
    SHOW(syscall(SYS_pidfd_open, pid, 0));
    if ((pid = fork()) == 0)
        for (;;)
            pause();
    pidfd = syscall(SYS_pidfd_open, pid, 0);
    f = (struct pollfd){.fd = pidfd, .events = POLLIN};
    SHOW(poll(&f, 1, 0));
    SHOW(read(pidfd, s, 8));
    SHOW(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0));
    SHOW(poll(&f, 1, -1));
    SHOW(wait(NULL) == pid);
    SHOW(close(pidfd));
    SHOW(close(fd));
    sigprocmask(SIG_SETMASK, &(sigset_t){{0}}, NULL);
}

static void pieces(void)
{
    char a[8] = "", b[8] = "";
    struct iovec v[2] = {{"first", 5}, {"second", 6}}, in[2] = {{a, 3}, {b, 7}};
    int fd = open("pieces", O_RDWR | O_CREAT, 0600), p[2], q[2];
    SHOW(pwritev(fd, v, 2, 4));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(preadv(fd, in, 2, 5));
    printf("%s %s\n", a, b);
    SHOW(preadv(fd, in, 2, -1));
    SHOW(preadv2(fd, in, 1, -1, 0));
    SHOW(pwritev2(fd, v, 1, 0, RWF_SYNC));
    SHOW(preadv2(fd, in, 1, 0, 0x4000));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(pipe(p));
    SHOW(pipe(q));
    SHOW(pwritev(p[1], v, 2, 0));
    off64_t from = 4;
    SHOW(splice(fd, &from, p[1], NULL, 5, 0));
    printf("offset %d\n", (int)from);
    SHOW(tee(p[0], q[1], 100, 0));
    SHOW(vmsplice(q[1], v, 1, 0));
    memset(a, 0, sizeof a);
    SHOW(read(p[0], a, 7));
    SHOW(splice(q[0], NULL, fd, NULL, 100, 0));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(splice(q[0], NULL, fd, NULL, 100, SPLICE_F_NONBLOCK));
    SHOW(splice(fd, NULL, fd, NULL, 100, 0));
    SHOW(tee(p[0], q[1], 100, SPLICE_F_NONBLOCK));
    fflush(stdout);
    if (fork() == 0) {
        usleep(1000);
        write(p[1], "late", 4);
        _exit(0);
    }
    SHOW(splice(p[0], NULL, q[1], NULL, 100, 0));
    SHOW(wait(NULL) > 0);
    close(p[1]);
    SHOW(splice(p[0], NULL, q[1], NULL, 100, 0));
    close(p[0]);
    close(q[0]);
    close(q[1]);
    close(fd);
    SHOW(unlink("pieces"));
    fd = memfd_create("name", MFD_CLOEXEC);
    SHOW(fcntl(fd, F_GETFD));
    SHOW(ftruncate(fd, 5000));
    SHOW(pwrite(fd, "memory", 6, 4094));
    SHOW(pread(fd, a, 4, 4096));
    printf("%.4s %d\n", a, (int)lseek(fd, 0, SEEK_END));
    close(fd);
    SHOW(memfd_create("name", 0x4000));
}

static void messages(void)
{
    int s[2], d[2];
    char a[8] = "", b[8] = "", control[64];
    struct iovec v[2] = {{"first", 5}, {"second", 6}}, in[2] = {{a, 3}, {b, 7}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 2}, r = {.msg_iov = in, .msg_iovlen = 2};
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    SHOW(socketpair(AF_UNIX, SOCK_DGRAM, 0, d));
    SHOW(sendmsg(s[0], &m, 0));
    r.msg_control = control;
    r.msg_controllen = sizeof control;
    SHOW(recvmsg(s[1], &r, MSG_PEEK));
    SHOW(recvmsg(s[1], &r, 0));
    printf("%s %s flags %x control %d\n", a, b, r.msg_flags, (int)r.msg_controllen);
    SHOW(recvmsg(s[1], &r, MSG_DONTWAIT));
    SHOW(recvmsg(s[1], &r, MSG_DONTWAIT));
    SHOW(sendmsg(d[0], &m, 0));
    SHOW(sendmsg(d[0], &m, 0));
    SHOW(recvmsg(d[1], &r, 0)); /* cut off */
    printf("flags %x\n", r.msg_flags);
    r.msg_iovlen = 1;
    SHOW(recvmsg(d[1], &r, MSG_TRUNC));
    SHOW(recvmsg(d[1], &r, MSG_DONTWAIT));
    fflush(stdout);
    if (fork() == 0) {
        usleep(1000);
        sendmsg(d[0], &m, MSG_NOSIGNAL);
        _exit(0);
    }
    SHOW(recvmsg(d[1], &r, 0));
    wait(NULL);
    SHOW(sendmsg(0, &m, 0));
    close(s[1]);
    SHOW(sendmsg(s[0], &m, MSG_NOSIGNAL));
    close(s[0]);
    close(d[0]);
    close(d[1]);
}

static void tell(int fd)
{
    char buf[4096] __attribute__((aligned(8)));
    ssize_t n = read(fd, buf, sizeof buf);
    if (n < 0)
        show("events", n);
    for (ssize_t at = 0; at < n;) {
        struct inotify_event *e = (struct inotify_event *)(buf + at);
        printf("event %x watch %d name %s cookie %d\n", e->mask, e->wd, e->len ? e->name : "", e->cookie != 0);
        at += (ssize_t)(sizeof *e + e->len);
    }
}

static void watches(void)
{
    int fd = inotify_init1(IN_NONBLOCK), f;
    mkdir("watched", 0700);
    SHOW(inotify_add_watch(fd, "watched", IN_CREATE | IN_DELETE | IN_MOVE | IN_CLOSE_WRITE));
    SHOW(inotify_add_watch(fd, "nothere", IN_CREATE));
    SHOW(inotify_add_watch(0, "watched", IN_CREATE));
    tell(fd);
    f = open("watched/a", O_WRONLY | O_CREAT, 0600);
    SHOW(inotify_add_watch(fd, "watched/a", IN_MODIFY));
    write(f, "x", 1);
    close(f);
    tell(fd);
    rename("watched/a", "watched/b");
    tell(fd);
    SHOW(inotify_rm_watch(fd, 2));
    tell(fd);
    SHOW(inotify_rm_watch(fd, 2));
    fcntl(fd, F_SETFL, 0);
    fflush(stdout);
    if (fork() == 0) { /* as tail -f waits */
        usleep(1000);
        _exit(unlink("watched/b"));
    }
    tell(fd);
    wait(NULL);
    rmdir("watched");
    close(fd);
}

static void scheduling(void)
{
    struct sched_param none = {0};
    cpu_set_t set;
    CPU_ZERO(&set);
    SHOW(sched_setaffinity(0, sizeof set, &set));
    CPU_SET(0, &set);
    SHOW(sched_setaffinity(0, sizeof set, &set));
    SHOW(sched_getscheduler(0));
    SHOW(sched_getparam(0, &none));
    SHOW(sched_setscheduler(0, SCHED_BATCH, &none));
    SHOW(sched_setscheduler(0, SCHED_OTHER, &none));
    SHOW(sched_setscheduler(0, 77, &none));
    SHOW(sched_get_priority_max(SCHED_RR));
    SHOW(sched_get_priority_min(SCHED_FIFO));
    SHOW(sched_get_priority_max(SCHED_OTHER));
    SHOW(sched_get_priority_max(77));
    SHOW(sched_getscheduler(0x7fffffff));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOFBF, 65536);
    queues();
    timers();
    fflush(stdout);
    descriptors();
    pieces();
    messages();
    watches();
    scheduling();
    return 0;
}
