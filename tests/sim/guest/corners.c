/* Seals of files, timers of processor time, instances of epoll in one another, locks that would wait for each other: printed so
 * that a run on the host and one on Selkirk can be compared. Works in the current directory. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void show(const char *what, long r) { printf("%s: %ld %s\n", what, r, r < 0 ? strerrorname_np(errno) : ""); }
#define SHOW(call) show(#call, (long)(call))

/* Files without a name that are to stay as they are. */
static void seals(void)
{
    char link[40], a[8] = "";
    int fd = memfd_create("sealed", MFD_ALLOW_SEALING), plain = memfd_create("plain", 0), other;
    struct iovec v = {"xyz", 3};
    SHOW(fcntl(plain, F_GET_SEALS));
    SHOW(fcntl(plain, F_ADD_SEALS, F_SEAL_WRITE));
    SHOW(fcntl(0, F_GET_SEALS));
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(write(fd, "0123456789", 10));
    SHOW(fcntl(fd, F_ADD_SEALS, 0x4000));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    SHOW(ftruncate(fd, 5));
    SHOW(ftruncate(fd, 20));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(ftruncate(fd, 30));
    SHOW(pwrite(fd, "x", 1, 20));
    SHOW(pwrite(fd, "x", 1, 19));
    SHOW(fallocate(fd, 0, 10, 20));
    SHOW(fallocate(fd, 0, 10, 10));
    char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    SHOW(munmap(map, 4096));
    char *private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    SHOW(pwrite(fd, "x", 1, 0));
    SHOW(pwritev(fd, &v, 1, 0));
    SHOW(write(plain, "abc", 3));
    SHOW(lseek(plain, 0, SEEK_SET));
    SHOW(sendfile(fd, plain, NULL, 3));
    SHOW(copy_file_range(plain, NULL, fd, NULL, 3, 0));
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 10));
    SHOW(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    printf("%s\n", strerrorname_np(errno));
    private[0] = 'p';
    SHOW(pread(fd, a, 4, 0));
    puts(a);
    sprintf(link, "/proc/self/fd/%d", fd);
    SHOW((other = open(link, O_RDWR)) >= 0);
    SHOW(write(other, "x", 1));
    SHOW(truncate(link, 3));
    SHOW(fcntl(other, F_GET_SEALS));
    SHOW(fcntl(other, F_ADD_SEALS, F_SEAL_SEAL));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
    SHOW(fcntl(fd, F_GET_SEALS));
    close(other);
    close(fd);
    fd = memfd_create("future", MFD_ALLOW_SEALING);
    ftruncate(fd, 4096);
    map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
    SHOW(write(fd, "x", 1));
    map[1] = 'm';
    SHOW(pread(fd, a, 2, 0));
    printf("%c\n", a[1]);
    munmap(map, 4096);
    close(fd);
    close(plain);
}

/* What a signal of processor time interrupts. */
static volatile sig_atomic_t spent;

static void on_time(int signal) { spent++; }

static void spin(int until)
{
    for (volatile long i = 0; spent < until && i < 4000000000; i++)
        ;
}

static void processor_time(void)
{
    struct itimerval once = {.it_value = {0, 2000}}, often = {{0, 1000}, {0, 1000}}, off = {{0}}, old;
    struct itimerspec spec = {.it_value = {0, 2000000}}, left;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct timespec a, b;
    timer_t timer;
    clockid_t clock;
    signal(SIGVTALRM, on_time);
    signal(SIGPROF, on_time);
    signal(SIGUSR1, on_time);
    SHOW(setitimer(ITIMER_VIRTUAL, &once, NULL));
    spin(1);
    SHOW(getitimer(ITIMER_VIRTUAL, &old));
    printf("spent %d left %ld %ld\n", (int)spent, (long)old.it_value.tv_sec, (long)old.it_value.tv_usec);
    spent = 0;
    SHOW(setitimer(ITIMER_PROF, &often, NULL));
    spin(3);
    SHOW(setitimer(ITIMER_PROF, &off, &old));
    printf("spent %d interval %ld left %d\n", spent >= 3, (long)old.it_interval.tv_usec, old.it_value.tv_sec == 0);
    /* Who sleeps spends nothing. */
    spent = 0;
    once.it_value = (struct timeval){0, 500000};
    SHOW(setitimer(ITIMER_PROF, &once, NULL));
    usleep(600000);
    SHOW(setitimer(ITIMER_PROF, &off, &old));
    printf("spent %d left %d\n", (int)spent, old.it_value.tv_usec > 100000);
    SHOW(setitimer(3, &off, NULL));
    SHOW(getitimer(3, &old));
    for (int i = 0; i < 2; i++) {
        spent = 0;
        SHOW(timer_create(i ? CLOCK_THREAD_CPUTIME_ID : CLOCK_PROCESS_CPUTIME_ID, &event, &timer));
        SHOW(timer_settime(timer, 0, &spec, NULL));
        SHOW(timer_gettime(timer, &left));
        printf("left %d\n", left.it_value.tv_sec == 0 && left.it_value.tv_nsec <= 2000000);
        spin(1);
        SHOW(timer_gettime(timer, &left));
        printf("spent %d left %ld\n", (int)spent, left.it_value.tv_nsec);
        SHOW(timer_delete(timer));
    }
    SHOW(clock_getcpuclockid(getpid(), &clock));
    SHOW(clock_gettime(clock, &a));
    SHOW(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b));
    printf("clocks %d\n", a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec <= b.tv_nsec));
    SHOW(clock_getcpuclockid(0, &clock));
    spent = 0;
    SHOW(timer_create(clock, &event, &timer));
    clock_gettime(clock, &spec.it_value);
    SHOW(timer_settime(timer, TIMER_ABSTIME, &spec, NULL)); /* past at once */
    spin(1);
    printf("spent %d\n", (int)spent);
    SHOW(timer_delete(timer));
    SHOW(clock_getcpuclockid(0x3fffff, &clock));
    SHOW(clock_gettime((clockid_t)((~0x3fffffu << 3) | 2), &a));
    SHOW(clock_gettime((clockid_t)((~0x3fffffu << 3) | 6), &a));
    SHOW(timer_create((clockid_t)((~0x3fffffu << 3) | 6), &event, &timer));
    fflush(stdout);
    once.it_value = (struct timeval){100, 0};
    setitimer(ITIMER_VIRTUAL, &once, NULL);
    if (fork() == 0) { /* a child has none */
        getitimer(ITIMER_VIRTUAL, &old);
        _exit(old.it_value.tv_sec == 0 && old.it_value.tv_usec == 0 ? 3 : 4);
    }
    int status;
    wait(&status);
    printf("child %d\n", WEXITSTATUS(status));
    setitimer(ITIMER_VIRTUAL, &off, NULL);
}

/* Instances of epoll that are watched themselves. */
static void nested(void)
{
    int inner = epoll_create1(0), outer = epoll_create1(0), p[2], chain[8];
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = 1};
    struct pollfd f = {.fd = inner, .events = POLLIN | POLLOUT};
    char c;
    SHOW(pipe(p));
    SHOW(epoll_ctl(inner, EPOLL_CTL_ADD, p[0], &e));
    SHOW(poll(&f, 1, 0));
    SHOW(epoll_ctl(inner, EPOLL_CTL_ADD, inner, &e));
    e.data.u32 = 2;
    SHOW(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &e));
    SHOW(epoll_ctl(inner, EPOLL_CTL_ADD, outer, &e));
    SHOW(epoll_wait(outer, &e, 1, 0));
    SHOW(write(p[1], "x", 1));
    SHOW(poll(&f, 1, -1));
    printf("events %d\n", f.revents);
    SHOW(epoll_wait(outer, &e, 1, -1));
    printf("outer %d events %d\n", e.data.u32, e.events);
    SHOW(epoll_wait(inner, &e, 1, -1));
    printf("inner %d\n", e.data.u32);
    SHOW(read(p[0], &c, 1));
    SHOW(poll(&f, 1, 0));
    SHOW(epoll_wait(outer, &e, 1, 0));
    fflush(stdout);
    if (fork() == 0) {
        usleep(1000);
        write(p[1], "y", 1);
        _exit(0);
    }
    fd_set set;
    FD_ZERO(&set);
    FD_SET(outer, &set);
    SHOW(select(outer + 1, &set, NULL, NULL, NULL));
    wait(NULL);
    SHOW(fcntl(outer, F_GETFL));
    SHOW(close(p[0]));
    SHOW(close(p[1]));
    SHOW(poll(&f, 1, 0));
    close(inner);
    close(outer);
    int n = 0;
    e = (struct epoll_event){.events = EPOLLIN};
    for (; n < 8; n++) {
        chain[n] = epoll_create1(0);
        if (n && epoll_ctl(chain[n], EPOLL_CTL_ADD, chain[n - 1], &e))
            break;
    }
    printf("one in another %d %s\n", n, n < 8 ? strerrorname_np(errno) : "");
    for (int i = 0; i <= n && i < 8; i++)
        close(chain[i]);
}

/* Two processes that wait for each other's locks. */
static void deadlock(void)
{
    int fd = open("locked", O_RDWR | O_CREAT, 0600), go[2], back[2], status;
    struct flock first = {.l_type = F_WRLCK, .l_start = 0, .l_len = 1}, second = {.l_type = F_WRLCK, .l_start = 1, .l_len = 1};
    char c;
    pipe(go);
    pipe(back);
    SHOW(fcntl(fd, F_SETLK, &first));
    fflush(stdout);
    if (fork() == 0) {
        fcntl(fd, F_SETLK, &second);
        write(back[1], "x", 1);
        int r = fcntl(fd, F_SETLKW, &first); /* the parent gives up before */
        _exit(r == 0 ? 5 : 6);
    }
    read(back[0], &c, 1);
    usleep(200000);
    SHOW(fcntl(fd, F_SETLKW, &second));
    SHOW(fcntl(fd, F_SETLK, &second));
    first.l_type = F_UNLCK;
    SHOW(fcntl(fd, F_SETLK, &first));
    SHOW(fcntl(fd, F_SETLKW, &second));
    wait(&status);
    printf("child %d\n", WEXITSTATUS(status));
    close(fd);
    unlink("locked");
    close(go[0]);
    close(go[1]);
    close(back[0]);
    close(back[1]);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOFBF, 65536);
    seals();
    processor_time();
    nested();
    deadlock();
    return 0;
}
