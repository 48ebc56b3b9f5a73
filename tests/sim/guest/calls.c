/* System calls on files, descriptors and the process, printed so that a run on the host and one on Selkirk can be compared.
 * Works in the current directory. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <sched.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/vfs.h>
#include <linux/close_range.h>
#include <unistd.h>

static void show(const char *what, long r) { printf("%s: %ld %s\n", what, r, r < 0 ? strerrorname_np(errno) : ""); }
#define SHOW(call) show(#call, (long)(call))

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static void list(const char *path)
{
    struct dirent **names;
    int n = scandir(path, &names, NULL, by_name);
    printf("%s:", path);
    for (int i = 0; i < n; i++)
        printf(" %s/%d", names[i]->d_name, names[i]->d_type);
    printf("\n");
}

static void files(void)
{
    struct stat st;
    char buf[64] = "";
    int fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0640);
    show("open", fd);
    SHOW(open("f", O_RDWR | O_CREAT | O_EXCL, 0640));
    SHOW(open("nothere", O_RDONLY));
    SHOW(open("f/g", O_RDONLY));
    SHOW(open("f", O_RDONLY | O_DIRECTORY));
    SHOW(write(fd, "hello, world", 12));
    struct iovec v[3] = {{"one", 3}, {NULL, 0}, {"two", 3}};
    SHOW(writev(fd, v, 3));
    SHOW(lseek(fd, 7, SEEK_SET));
    SHOW(read(fd, buf, 5));
    puts(buf);
    SHOW(pread(fd, buf, 6, 12));
    puts(buf);
    SHOW(pwrite(fd, "HELLO", 5, 0));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek64(fd, 0x123456789, SEEK_SET));
    SHOW(read(fd, buf, 5));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(ftruncate(fd, 14));
    SHOW(fstat(fd, &st));
    printf("%lld %o %d %d\n", (long long)st.st_size, st.st_mode, (int)st.st_nlink, st.st_uid == getuid());
    SHOW(write(fd, (void *)0x10, 4));
    SHOW(read(fd, (void *)0x10, 4));
    SHOW(write(99, "x", 1));
    SHOW(stat((char *)0x10, &st));
    SHOW(fcntl(fd, F_GETFL) & O_ACCMODE);
    SHOW(dup(fd));
    SHOW(fcntl(fd, F_DUPFD, 20));
    SHOW(dup2(fd, 30));
    SHOW(dup2(fd, fd));
    SHOW(dup2(77, 5));
    SHOW(close(30));
    SHOW(close(30));
    SHOW(fcntl(fd, F_SETFD, FD_CLOEXEC));
    SHOW(fcntl(fd, F_GETFD));
    struct flock lock = {.l_type = F_WRLCK};
    SHOW(fcntl(fd, F_SETLK, &lock));
    SHOW(fsync(fd));
    SHOW(close(fd));
}

static void names(void)
{
    struct stat st;
    char buf[256] = "", cwd[4096], *last;
    SHOW(mkdir("d", 0755));
    SHOW(mkdir("d", 0755));
    SHOW(mkdir("d/e/", 0700));
    SHOW(symlink("../f", "d/link"));
    SHOW(readlink("d/link", buf, sizeof buf));
    puts(buf);
    SHOW(readlink("f", buf, sizeof buf));
    SHOW(lstat("d/link", &st));
    printf("%o %lld\n", st.st_mode & S_IFMT, (long long)st.st_size);
    SHOW(stat("d/link", &st));
    printf("%o %lld\n", st.st_mode, (long long)st.st_size);
    SHOW(link("f", "d/hard"));
    SHOW(rename("d/hard", "d/e/moved"));
    SHOW(rename("d", "d/e/x"));
    SHOW(chmod("f", 0604));
    SHOW(access("f", R_OK));
    SHOW(access("f", F_OK));
    SHOW(access("none", F_OK));
    SHOW(truncate("f", 3));
    struct timespec t[2] = {{1000000000, 5}, {1100000000, 7}};
    SHOW(utimensat(AT_FDCWD, "f", t, 0));
    SHOW(stat("f", &st));
    printf("%o %lld %ld.%ld %ld\n", st.st_mode, (long long)st.st_size, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
           (long)st.st_atim.tv_sec);
    list(".");
    list("d");
    SHOW(chdir("d/e"));
    getcwd(cwd, sizeof cwd);
    last = strrchr(cwd, '/');
    puts(last);
    SHOW(getcwd(cwd, 2) == NULL);
    list("..");
    SHOW(chdir("../.."));
    SHOW(chdir("f"));
    int dir = open("d", O_RDONLY | O_DIRECTORY);
    SHOW(faccessat(dir, "e/moved", R_OK, 0));
    SHOW(openat(dir, "new", O_CREAT | O_WRONLY, 0600) >= 0);
    SHOW(unlinkat(dir, "new", 0));
    SHOW(unlinkat(dir, "e", 0));
    SHOW(fchdir(dir));
    SHOW(rmdir("e"));
    SHOW(unlink("e/moved"));
    SHOW(unlink("e/moved"));
    SHOW(rmdir("e"));
    SHOW(chdir(".."));
    SHOW(unlink("d/link"));
    SHOW(rmdir("d"));
    SHOW(unlink("f"));
    struct statfs fs;
    SHOW(statfs(".", &fs));
    SHOW(umask(027));
    SHOW(umask(022));
}

static void descriptors(void)
{
    int p[2];
    char buf[16] = "";
    struct winsize w;
    SHOW(pipe(p));
    printf("%d %d\n", p[0] < p[1], p[1] - p[0]);
    struct pollfd f = {.fd = p[0], .events = POLLIN};
    SHOW(poll(&f, 1, 10));
    SHOW(write(p[1], "ping", 4));
    SHOW(poll(&f, 1, -1));
    printf("revents %x\n", f.revents);
    int n = -1;
    SHOW(ioctl(p[0], FIONREAD, &n));
    printf("%d\n", n);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(p[0], &set);
    struct timeval tv = {1, 0};
    SHOW(select(p[0] + 1, &set, NULL, NULL, &tv));
    printf("%d\n", FD_ISSET(p[0], &set) != 0);
    SHOW(read(p[0], buf, sizeof buf));
    puts(buf);
    SHOW(close(p[1]));
    SHOW(read(p[0], buf, sizeof buf));
    SHOW(ioctl(p[0], TIOCGWINSZ, &w));
    SHOW(isatty(p[0]));
    SHOW(lseek(p[0], 0, SEEK_CUR));
    int null = open("/dev/null", O_WRONLY);
    SHOW(write(null, "x", 1));
    int zero = open("/dev/zero", O_RDONLY);
    SHOW(read(zero, buf, 4));
    int rnd = open("/dev/urandom", O_RDONLY);
    SHOW(read(rnd, buf, 16));
    int out = open("copy", O_CREAT | O_RDWR | O_TRUNC, 0600), in = open("copy2", O_CREAT | O_RDWR, 0600);
    SHOW(write(in, "abcdefgh", 8));
    off_t at = 2;
    SHOW(sendfile(out, in, &at, 4));
    printf("%ld\n", (long)at);
    SHOW(pread(out, buf, 8, 0));
    printf("%.4s\n", buf);
    SHOW(sendfile(out, zero, NULL, 4));
    int ends[2];
    SHOW(pipe(ends));
    SHOW(write(ends[1], "pipe", 4));
    SHOW(sendfile(out, ends[0], NULL, 4));
    SHOW(read(ends[0], buf, 8));
    SHOW(close(ends[0]) | close(ends[1]));
    SHOW(unlink("copy"));
    SHOW(unlink("copy2"));
}

static void process(void)
{
    struct utsname u;
    struct rlimit lim;
    SHOW(uname(&u));
    puts(u.sysname);
    SHOW(getpid() == (pid_t)syscall(SYS_gettid));
    SHOW(getuid() == geteuid());
    SHOW(getrlimit(RLIMIT_STACK, &lim));
    printf("%ld\n", (long)lim.rlim_cur);
    SHOW(syscall(SYS_futex, &lim, 1, 1));
    SHOW(syscall(9999));
    SHOW(kill(getpid(), 0));
    SHOW(kill(getpid(), 99));
    struct timespec a, b, nap = {0, 1000000};
    clock_gettime(CLOCK_MONOTONIC, &a);
    SHOW(nanosleep(&nap, NULL));
    clock_gettime(CLOCK_MONOTONIC, &b);
    printf("slept %d\n", (b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec >= 1000000);
    SHOW(clock_gettime(1234, &a));
    printf("time %d\n", time(NULL) > 1600000000);
    unsigned char r[40] = {0};
    SHOW(syscall(SYS_getrandom, r, sizeof r, 0));
    SHOW(syscall(SYS_getrandom, (void *)8, 4, 0));
}

/* Structures that differ by word size, and sizes beyond 32 bits. */
static void layouts(void)
{
    struct timeval tv, wanted[2] = {{1000000000, 250000}, {1100000000, 750000}};
    struct timespec ts = {0, 1000000};
    struct itimerval it = {.it_interval = {3, 500000}, .it_value = {100, 0}}, old;
    struct sysinfo si;
    struct rusage ru;
    struct statfs fs;
    struct stat64 st;
    struct tms tms;
    cpu_set_t cpus;
    char a[4] = "", b[4] = "";
    SHOW(gettimeofday(&tv, NULL));
    printf("now %d %d\n", tv.tv_sec - time(NULL) >= -1 && tv.tv_sec - time(NULL) <= 1, tv.tv_usec >= 0 && tv.tv_usec < 1000000);
    tv = (struct timeval){0, 2000};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(0, &set);
    SHOW(select(0, NULL, NULL, NULL, &tv));
    SHOW(pselect(0, NULL, NULL, NULL, &ts, NULL));
    SHOW(ppoll(NULL, 0, &ts, NULL));
    SHOW(setitimer(ITIMER_REAL, &it, NULL));
    SHOW(setitimer(ITIMER_REAL, &(struct itimerval){0}, &old));
    printf("timer %ld %ld %d\n", (long)old.it_interval.tv_sec, (long)old.it_interval.tv_usec, old.it_value.tv_sec >= 99);
    SHOW(sysinfo(&si));
    printf("sysinfo %d %d %d\n", si.totalram > si.freeram, si.mem_unit > 0, si.uptime >= 0);
    SHOW(getrusage(RUSAGE_SELF, &ru));
    printf("usage %d %d\n", ru.ru_utime.tv_sec >= 0 && ru.ru_utime.tv_sec < 60, ru.ru_utime.tv_usec < 1000000);
    SHOW(times(&tms) != (clock_t)-1);
    printf("times %d\n", tms.tms_utime >= 0 && tms.tms_cutime == 0);
    SHOW(sched_getaffinity(0, sizeof cpus, &cpus));
    printf("cpus %d\n", CPU_COUNT(&cpus) > 0);
    SHOW(syscall(SYS_sched_getaffinity, 0, 3, &cpus));
    int fd = open("layouts", O_RDWR | O_CREAT | O_TRUNC | O_LARGEFILE, 0600);
    SHOW(ftruncate64(fd, 6ll << 30));
    SHOW(pwrite64(fd, "far", 3, 5ll << 30));
    printf("seek %lld\n", (long long)lseek64(fd, 5ll << 30, SEEK_SET));
    printf("seek %lld\n", (long long)lseek64(fd, -2, SEEK_CUR));
    printf("seek %lld\n", (long long)lseek64(fd, 2, SEEK_CUR));
    struct iovec v[3] = {{a, 1}, {NULL, 0}, {b, 3}};
    SHOW(readv(fd, v, 3));
    printf("read %s %d\n", a, b[0]);
    SHOW(fstat64(fd, &st));
    printf("size %lld blocks %d mode %o links %d uid %d\n", (long long)st.st_size, st.st_blocks > 0, st.st_mode,
           (int)st.st_nlink, st.st_uid == getuid());
    SHOW(utimes("layouts", wanted));
    SHOW(fstat64(fd, &st));
    printf("times %lld.%ld %lld.%ld\n", (long long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long long)st.st_mtim.tv_sec,
           st.st_mtim.tv_nsec);
    SHOW(utimensat(AT_FDCWD, "layouts", (struct timespec[2]){{5, 6}, {0, UTIME_OMIT}}, 0));
    SHOW(stat64("layouts", &st));
    printf("times %lld.%ld %lld\n", (long long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long long)st.st_mtim.tv_sec);
    SHOW(fstatfs(fd, &fs));
    printf("fs %d %d %d\n", fs.f_bsize > 0, fs.f_namelen, fs.f_blocks >= fs.f_bfree);
    SHOW(truncate64("layouts", 10));
    int to = open("layouts2", O_RDWR | O_CREAT | O_TRUNC, 0600);
    SHOW(pwrite(fd, "0123456789", 10, 0));
    off64_t from = 3;
    SHOW(copy_file_range(fd, &from, to, NULL, 4, 0));
    SHOW(copy_file_range(fd, &from, to, NULL, 100, 0));
    SHOW(copy_file_range(fd, &from, to, NULL, 100, 0));
    SHOW(copy_file_range(fd, &from, 0, NULL, 100, 1));
    printf("%lld %lld\n", (long long)from, (long long)lseek64(to, 0, SEEK_CUR));
    SHOW(close_range(to, ~0u, CLOSE_RANGE_CLOEXEC));
    SHOW(fcntl(to, F_GETFD));
    SHOW(close_range(fd, ~0u, 0));
    SHOW(fcntl(to, F_GETFD));
    SHOW(close_range(5, 4, 0));
    SHOW(unlink("layouts"));
    SHOW(unlink("layouts2"));
}

static void waited(const char *what, int ep, int most)
{
    struct epoll_event e[4] = {{0}};
    int n = epoll_wait(ep, e, most, 0);
    printf("%s: %d %s", what, n, n < 0 ? strerrorname_np(errno) : "");
    for (int i = 0; i < n; i++)
        printf(" %x:%llx", e[i].events, (unsigned long long)e[i].data.u64);
    printf("\n");
}

/* epoll, counters, pairs of sockets. */
static void events(void)
{
    int ep = epoll_create1(EPOLL_CLOEXEC), p[2], q[2], s[2];
    char buf[16] = "";
    uint64_t value = 5;
    SHOW(fcntl(ep, F_GETFD));
    SHOW(pipe(p));
    SHOW(pipe(q));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &(struct epoll_event){EPOLLIN, {.u64 = 0x123456789abcdef0}}));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &(struct epoll_event){EPOLLIN}));
    SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, q[0], &(struct epoll_event){EPOLLIN}));
    SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, q[0], NULL));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, 99, &(struct epoll_event){EPOLLIN}));
    SHOW(epoll_ctl(p[0], EPOLL_CTL_ADD, q[0], &(struct epoll_event){EPOLLIN}));
    int file = open("events", O_RDWR | O_CREAT, 0600);
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, file, &(struct epoll_event){EPOLLIN}));
    SHOW(unlink("events"));
    waited("nothing", ep, 4);
    waited("no room", ep, 0);
    SHOW(epoll_wait(ep, (struct epoll_event *)buf, 1, 20));
    SHOW(write(p[1], "xy", 2));
    waited("input", ep, 4);
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, q[1], &(struct epoll_event){EPOLLOUT | EPOLLONESHOT, {.u32 = 7}}));
    waited("both", ep, 4);
    waited("one shot", ep, 4);
    SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, q[1], &(struct epoll_event){EPOLLOUT | EPOLLET, {.u32 = 8}}));
    SHOW(read(p[0], buf, 2));
    waited("edge", ep, 4);
    waited("edge again", ep, 4);
    SHOW(close(p[1]));
    waited("hang-up", ep, 4);
    SHOW(close(p[0]));
    SHOW(close(q[0]));
    waited("closed", ep, 4);
    SHOW(read(ep, buf, 8));
    SHOW(close(q[1]));
    int counter = eventfd(3, EFD_NONBLOCK);
    SHOW(read(counter, buf, 4));
    SHOW(write(counter, &value, 8));
    SHOW(read(counter, &value, 8));
    printf("counter %d\n", (int)value);
    SHOW(read(counter, &value, 8));
    SHOW(write(counter, &value, 8));
    SHOW(sendfile(counter, counter, NULL, 1 << 20));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, counter, &(struct epoll_event){EPOLLIN | EPOLLOUT, {.u32 = 9}}));
    waited("counter", ep, 4);
    SHOW(close(counter));
    SHOW(close(ep));
    SHOW(epoll_wait(ep, (struct epoll_event *)buf, 1, 0));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    SHOW(send(s[0], "hello", 5, MSG_NOSIGNAL));
    SHOW(recv(s[1], buf, 3, 0));
    SHOW(recv(s[1], buf + 3, 9, MSG_DONTWAIT));
    printf("%s\n", buf);
    SHOW(recv(s[1], buf, 9, MSG_DONTWAIT));
    int type = 0;
    socklen_t size = sizeof type;
    SHOW(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &type, &size));
    printf("type %d %d\n", type, (int)size);
    SHOW(getsockopt(0, SOL_SOCKET, SO_TYPE, &type, &size));
    struct sockaddr name = {.sa_family = 99};
    size = sizeof name;
    SHOW(getsockname(s[0], &name, &size));
    printf("name %d %d\n", name.sa_family, (int)size);
    SHOW(shutdown(s[0], SHUT_WR));
    SHOW(recv(s[1], buf, 9, 0));
    SHOW(close(s[0]));
    SHOW(send(s[1], "x", 1, MSG_NOSIGNAL));
    SHOW(connect(s[1], &name, sizeof name) < 0);
    SHOW(close(s[1]));
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOFBF, 65536);
    printf("argc %d %s\n", argc, argc > 1 ? argv[1] : "");
    files();
    names();
    descriptors();
    process();
    layouts();
    events();
    return 3;
}
