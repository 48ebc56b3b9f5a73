/* What tty.c and tty_jobs.c have in common: both ends of a pseudo-terminal, and what is seen of them. */
#pragma once
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
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static void show(const char *what, long r) { printf("%s: %ld %s\n", what, r, r < 0 ? strerrorname_np(errno) : ""); }
#define SHOW(call) show(#call, (long)(call))

static int master, slave;
#define BAD_ADDRESS ((void *)8)

static void settle(void) { usleep(50000); } /* the host's kernel does it in the background */

static void print(const char *text, ssize_t n)
{
    printf(" \"");
    for (ssize_t i = 0; i < n; i++)
        printf(text[i] < ' ' || text[i] > '~' ? "\\x%02x" : "%c", (unsigned char)text[i]);
    printf("\"");
}

/* What there is to be read, each piece as read gives it. */
static void drain(const char *name, int fd)
{
    char buf[8192];
    ssize_t n;
    int pieces = 0;
    printf("  %s:", name);
    while (pieces++ < 10 && (n = read(fd, buf, sizeof buf)) > 0)
        print(buf, n);
    printf("%s %s\n", n == 0 ? " end" : "", n < 0 ? strerrorname_np(errno) : "");
}

/* The master's end: its pieces are a matter of luck on the host. */
static void echoed(void)
{
    char buf[8192];
    ssize_t n, all = 0;
    while ((n = read(master, buf + all, sizeof buf - (size_t)all)) > 0)
        all += n;
    printf("  echo:");
    print(buf, all);
    printf(" %s\n", n < 0 ? strerrorname_np(errno) : "end");
}

static void nonblock(int fd, int on) { ioctl(fd, FIONBIO, &on); }

static void type(const char *text, size_t n)
{
    printf("typed");
    print(text, (ssize_t)n);
    printf("\n");
    if (write(master, text, n) != (ssize_t)n)
        perror("write");
    settle();
    echoed();
    drain("read", slave);
}
#define TYPE(text) type(text, sizeof(text) - 1)

static struct termios usual;

static void opening(void)
{
    char name[64];
    int number = -1, locked = -1, fd, copy;
    struct stat st;
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    SHOW(master > 2);
    SHOW(ioctl(master, TIOCGPTN, &number));
    SHOW(ioctl(master, TIOCGPTLCK, &locked));
    SHOW(locked);
    sprintf(name, "/dev/pts/%d", number);
    SHOW(open(name, O_RDWR | O_NOCTTY));
    SHOW(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
    SHOW(grantpt(master));
    SHOW(unlockpt(master));
    SHOW(strcmp(ptsname(master), name));
    slave = open(name, O_RDWR | O_NOCTTY);
    SHOW(slave > 2);
    SHOW(strcmp(ttyname(slave), name));
    SHOW(isatty(slave) + isatty(master));
    SHOW(fstat(slave, &st));
    printf("major %u, ours %d, kind %o, links %d, size %d\n", major(st.st_rdev), minor(st.st_rdev) == (unsigned)number,
           st.st_mode & S_IFMT, (int)st.st_nlink, (int)st.st_size);
    SHOW(stat(name, &st));
    printf("major %u, ours %d\n", major(st.st_rdev), minor(st.st_rdev) == (unsigned)number);
    SHOW(fstat(master, &st));
    printf("major %u, minor %u, kind %o\n", major(st.st_rdev), minor(st.st_rdev), st.st_mode & S_IFMT);
    SHOW(chmod(name, 0600));
    SHOW(stat(name, &st));
    printf("mode %o\n", st.st_mode);
    SHOW(fchmod(slave, 0620));
    SHOW(access(name, R_OK | W_OK));
    SHOW(lseek(slave, 0, SEEK_CUR));
    SHOW(pread(slave, name, 1, 0));
    SHOW(ftruncate(slave, 0));
    SHOW(open(name, O_RDONLY | O_DIRECTORY));
    SHOW(open("/dev/pts/777", O_RDWR));
    SHOW(open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
    fd = open(name, O_RDONLY | O_NOCTTY);
    SHOW(write(fd, "x", 1));
    SHOW(fcntl(fd, F_GETFL) & O_ACCMODE);
    SHOW(ioctl(fd, FIOCLEX));
    SHOW(fcntl(fd, F_GETFD));
    sprintf(name, "/proc/self/fd/%d", fd);
    copy = open(name, O_WRONLY | O_NOCTTY);
    SHOW(read(copy, name, 1));
    SHOW(isatty(copy));
    close(copy);
    close(fd);
    SHOW(ioctl(slave, TIOCGPTN, &number));
    SHOW(ioctl(slave, TIOCGWINSZ, (void *)8));
    SHOW(ioctl(slave, TCGETS, (void *)8));
    SHOW(ioctl(slave, TCSETS, (void *)8));
    SHOW(ioctl(slave, 0x5499, 0));
    SHOW(read(slave, (void *)8, 0));
    SHOW(tcgetattr(slave, &usual));
    printf("%o %o %o %o\n", usual.c_iflag, usual.c_oflag, usual.c_cflag, usual.c_lflag);
    for (int i = 0; i < 17; i++)
        printf("%d ", usual.c_cc[i]);
    printf("\n");
    nonblock(master, 1);
    nonblock(slave, 1);
}

static void polled(const char *what)
{
    struct pollfd p[3] = {{master, POLLIN | POLLOUT}, {slave, POLLIN | POLLOUT}, {master, 0}};
    fd_set r, w;
    struct timeval none = {0, 0};
    settle();
    int n = poll(p, 3, 0);
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_SET(master, &r);
    FD_SET(slave, &r);
    FD_SET(slave, &w);
    int s = select(64, &r, &w, NULL, &none);
    printf("%s: %d, master %x %x, slave %x; select %d: %d %d %d\n", what, n, p[0].revents, p[2].revents, p[1].revents, s,
           FD_ISSET(master, &r), FD_ISSET(slave, &r), FD_ISSET(slave, &w));
}
