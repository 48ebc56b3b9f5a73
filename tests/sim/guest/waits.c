/* Calls that wait for another process or for the world outside: FIFOs, locks, limits that are never reached, standard input.
 * Prints what it sees; with "stdin" as its argument, what comes there while a child works. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *what, long r) { printf("%s: %ld %s\n", what, r, r < 0 ? strerrorname_np(errno) : ""); }

static void nothing(int signal) { (void)signal; }

static int child_status(void)
{
    int status = -1;
    wait(&status);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Reads until the end: how much, and the last byte. */
static void drain(const char *what, int fd)
{
    char buf[1000], last = '-';
    long all = 0;
    for (ssize_t n; (n = read(fd, buf, sizeof buf)) > 0; all += n)
        last = buf[n - 1];
    printf("%s: %ld bytes, last %c\n", what, all, last);
}

static void fifos(void)
{
    struct sigaction a = {.sa_handler = nothing};
    struct stat st;
    char c = 0;
    show("mkfifo", mkfifo("fifo", 0600));
    stat("fifo", &st);
    printf("mode %o\n", st.st_mode);
    show("no reader, non-blocking", open("fifo", O_WRONLY | O_NONBLOCK));
    int fd = open("fifo", O_RDONLY | O_NONBLOCK);
    show("no writer, non-blocking", read(fd, &c, 1));
    struct pollfd f = {.fd = fd, .events = POLLIN};
    show("poll before a writer", poll(&f, 1, 0));
    int w = open("fifo", O_WRONLY);
    show("a reader is there", write(w, "xyz", 3));
    show("poll", poll(&f, 1, 0));
    printf("events %d\n", f.revents);
    show("flags", fcntl(w, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
    show("flags", fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
    close(w);
    drain("rest", fd);
    close(fd);

    fd = open("fifo", O_RDWR);
    show("both ends", write(fd, "b", 1));
    show("both ends", read(fd, &c, 1));
    w = open("fifo", O_WRONLY);
    int r = open("fifo", O_RDONLY); /* with a writer about */
    show("third", write(w, "t", 1));
    show("third", read(r, &c, 1));
    close(fd);
    close(w);
    drain("closed", r);
    close(r);
    show("path only", fd = open("fifo", O_PATH));
    close(fd);

    fflush(stdout);
    if (fork() == 0) { /* the reader comes first */
        w = open("fifo", O_WRONLY);
        for (int i = 0; i < 30000; i++)
            if (write(w, "line\n", 5) != 5)
                _exit(1);
        if (write(w, "!", 1) != 1)
            _exit(2);
        _exit(3);
    }
    fd = open("fifo", O_RDONLY);
    drain("reader", fd);
    close(fd);
    printf("writer ended with %d\n", child_status());

    if (fork() == 0) { /* the writer does, and is gone when the reader looks */
        usleep(1000);
        fd = open("fifo", O_RDONLY);
        usleep(1000);
        _exit(read(fd, &c, 1) == 1 && c == 'w' && read(fd, &c, 1) == 0 ? 4 : 5);
    }
    w = open("fifo", O_WRONLY);
    show("write", write(w, "w", 1));
    close(w);
    printf("reader ended with %d\n", child_status());

    sigaction(SIGALRM, &a, NULL);
    struct itimerval timer = {.it_value = {0, 20000}};
    setitimer(ITIMER_REAL, &timer, NULL);
    show("interrupted reader", open("fifo", O_RDONLY));
    setitimer(ITIMER_REAL, &timer, NULL);
    show("interrupted writer", open("fifo", O_WRONLY));
    show("unlink", unlink("fifo"));
}

static void locks(void)
{
    int fd[2], mine = open("lock", O_RDWR | O_CREAT, 0600), other = open("lock", O_RDWR);
    char text[3] = "";
    show("flock", flock(mine, LOCK_EX));
    show("another descriptor", flock(other, LOCK_EX | LOCK_NB));
    pipe(fd);
    fflush(stdout);
    if (fork() == 0) {
        close(mine);
        int r = flock(other, LOCK_EX);
        write(fd[1], "b", 1);
        _exit(r);
    }
    usleep(20000);
    write(fd[1], "a", 1);
    flock(mine, LOCK_UN);
    printf("child %d", child_status());
    read(fd[0], text, 2);
    printf(", order %s\n", text);
    unlink("lock");
}

static struct flock range(int type, off_t start, off_t size)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = size};
}

static int lock(int fd, int op, int type, off_t start, off_t size)
{
    struct flock l = range(type, start, size);
    return fcntl(fd, op, &l);
}

static void ask(const char *what, int fd, int op, int type, off_t start, off_t size)
{
    struct flock l = range(type, start, size);
    int r = fcntl(fd, op, &l);
    printf("%s: %d type %d whence %d start %ld size %ld %s\n", what, r, l.l_type, l.l_whence, (long)l.l_start, (long)l.l_len,
           l.l_type == F_UNLCK    ? ""
           : l.l_pid == getppid() ? "the parent's"
           : l.l_pid == -1        ? "a file's"
                                  : "?");
}

static void records(void)
{
    enum { OFD_GETLK = 36, OFD_SETLK };
    int fd = open("records", O_RDWR | O_CREAT, 0600), reader = open("records", O_RDONLY), to[2], from[2];
    char c;
    write(fd, "0123456789", 10);
    show("lock", lock(fd, F_SETLK, F_WRLCK, 10, 20));
    show("unlock the middle", lock(fd, F_SETLK, F_UNLCK, 15, 5));
    show("read", lock(fd, F_SETLK, F_RDLCK, 100, 0));
    show("write with a reader's descriptor", lock(reader, F_SETLK, F_WRLCK, 50, 1));
    show("bad kind", lock(fd, F_SETLK, 7, 50, 1));
    show("negative", lock(fd, F_SETLK, F_RDLCK, -1, 1));
    show("before", lock(fd, F_SETLK, F_WRLCK, 60, -5));
    show("before everything", lock(fd, F_SETLK, F_WRLCK, 3, -5));
    ask("own locks are no hindrance", fd, F_GETLK, F_WRLCK, 0, 0);
    pipe(to);
    pipe(from);
    fflush(stdout);
    if (fork() == 0) {
        ask("first", fd, F_GETLK, F_WRLCK, 0, 0);
        ask("first part", fd, F_GETLK, F_WRLCK, 0, 12);
        ask("middle", fd, F_GETLK, F_WRLCK, 15, 5);
        ask("last part", fd, F_GETLK, F_RDLCK, 16, 10);
        ask("two readers", fd, F_GETLK, F_RDLCK, 200, 10);
        ask("a reader and a writer", fd, F_GETLK, F_WRLCK, 200, 10);
        ask("backwards", fd, F_GETLK, F_WRLCK, 55, 1);
        show("try", lock(fd, F_SETLK, F_WRLCK, 14, 1));
        show("free", lock(fd, F_SETLK, F_WRLCK, 17, 1));
        fflush(stdout);
        write(from[1], "a", 1);
        show("wait", lock(fd, F_SETLKW, F_WRLCK, 25, 1));
        show("after the wait", read(to[0], &c, 1));
        fflush(stdout);
        _exit(c == 'u' ? 9 : 1);
    }
    read(from[0], &c, 1);
    usleep(20000);
    show("the child's", lock(fd, F_SETLK, F_RDLCK, 0, 0));
    write(to[1], "u", 1);
    fflush(stdout);
    close(reader); /* which unlocks all of this process's */
    printf("child %d\n", child_status());
    show("all of it", lock(fd, F_SETLK, F_WRLCK, 0, 0));
    int other = open("records", O_RDWR);
    show("a file's", lock(other, OFD_SETLK, F_WRLCK, 0, 1));
    show("unlock", lock(fd, F_SETLK, F_UNLCK, 0, 0));
    show("a file's", lock(other, OFD_SETLK, F_WRLCK, 3, 4));
    ask("a file's", fd, F_GETLK, F_RDLCK, 0, 0);
    show("try", lock(fd, F_SETLK, F_RDLCK, 0, 4));
    close(other);
    show("closed", lock(fd, F_SETLK, F_RDLCK, 0, 4));
    close(fd);
    unlink("records");
}

/* A limit of many years is as good as none: a signal ends it. A timer that tells nobody anything does not keep the others. */
static void limits(void)
{
    struct timeval ages = {(time_t)1 << (sizeof(time_t) > 4 ? 40 : 30), 0};
    struct itimerval timer = {.it_value = {0, 20000}};
    struct sigaction a = {.sa_handler = nothing};
    int fd[2];
    char c;
    sigaction(SIGALRM, &a, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    show("select for ages", select(0, NULL, NULL, NULL, &ages));
    pipe(fd);
    fflush(stdout);
    if (fork() == 0) {
        signal(SIGALRM, SIG_IGN);
        timer.it_interval = timer.it_value;
        setitimer(ITIMER_REAL, &timer, NULL);
        usleep(30000);
        write(fd[1], "x", 1);
        _exit(6);
    }
    show("read", read(fd[0], &c, 1));
    printf("child %d\n", child_status());
    pid_t sleeper = fork();
    if (sleeper == 0) {
        usleep(20000);
        _exit(7);
    }
    kill(sleeper, SIGSTOP);
    int status;
    waitpid(sleeper, &status, WUNTRACED);
    usleep(40000); /* its sleep is over while it is stopped */
    kill(sleeper, SIGCONT);
    printf("sleeper %d\n", child_status());
}

/* What comes to standard input late; a child works in the meantime, and a limit that is not reached is none. */
static int input(void)
{
    int fd[2];
    char line[16] = "", c;
    pipe(fd);
    if (fork() == 0) {
        for (int i = 0; i < 5; i++) {
            usleep(1000);
            write(fd[1], "c", 1);
        }
        _exit(0);
    }
    close(fd[1]);
    if (fork() == 0) {
        read(0, line, sizeof line);
        printf("a child read %s", line);
        return 0;
    }
    for (int i = 0; i < 5; i++)
        show("from the child", read(fd[0], &c, 1));
    printf("children %d", child_status());
    printf(" %d\n", child_status());
    struct pollfd f = {.fd = 0, .events = POLLIN};
    show("poll", poll(&f, 1, 20000));
    show("read", read(0, line, sizeof line));
    show("none", poll(&f, 1, 10));
    alarm(20);
    show("read", read(0, line, sizeof line));
    printf("%ld seconds of alarm are left\n", (long)(alarm(0) + 4) / 10 * 10);
    return 0;
}

/* Nobody will ever end these, however often a timer fires: the run is stuck, which must be seen. */
static int forever(char which)
{
    struct timeval ages = {(time_t)1 << (sizeof(time_t) > 4 ? 40 : 30), 0};
    struct itimerval timer = {.it_value = {0, 20000}, .it_interval = {0, 20000}};
    sigset_t set;
    pid_t sleeper;
    switch (which) {
    case '1': /* a limit beyond the end of time; where time_t has 32 bits, of 34 years each */
        for (;;)
            select(0, NULL, NULL, NULL, &ages);
    case '2': /* a timer whose signal nobody takes */
        sigemptyset(&set);
        sigaddset(&set, SIGALRM);
        sigprocmask(SIG_BLOCK, &set, NULL);
        setitimer(ITIMER_REAL, &timer, NULL);
        return pause();
    case '3': /* ... and one whose signal is ignored */
        signal(SIGALRM, SIG_IGN);
        setitimer(ITIMER_REAL, &timer, NULL);
        return pause();
    default: /* somebody who is stopped while he sleeps */
        if ((sleeper = fork()) == 0) {
            usleep(20000);
            _exit(7);
        }
        kill(sleeper, SIGSTOP);
        return child_status();
    }
}

int main(int argc, char **argv)
{
    if (argc > 2 && !strcmp(argv[1], "forever"))
        return forever(argv[2][0]);
    if (argc > 1 && !strcmp(argv[1], "stdin"))
        return input();
    fifos();
    locks();
    records();
    limits();
    return 0;
}
