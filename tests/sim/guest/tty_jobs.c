/* Terminals of sessions: children whose terminal one is, jobs in front of and behind others, ends that are gone. Prints what it sees. */
#define _GNU_SOURCE
#include "tty.h"

static void on(int signal)
{
    char text[40];
    int n = sprintf(text, "<%s>", sigabbrev_np(signal));
    write(1, text, (size_t)n);
}

static void show_status(const char *what, int pid)
{
    int status;
    pid = waitpid(pid, &status, WUNTRACED);
    printf("%s: %s %d\n", what,
           WIFEXITED(status)     ? "exit"
           : WIFSIGNALED(status) ? "killed"
                                 : "stopped",
           WIFEXITED(status)     ? WEXITSTATUS(status)
           : WIFSIGNALED(status) ? WTERMSIG(status)
                                 : WSTOPSIG(status));
    fflush(stdout);
}

static sigset_t nothing;

/* A child whose terminal it is, in a session of its own; what it does runs there. */
static int session(void (*does)(void))
{
    fflush(stdout);
    int pid = fork();
    if (pid)
        return pid;
    setsid();
    if (ioctl(slave, TIOCSCTTY, 0))
        perror("TIOCSCTTY");
    does();
    fflush(stdout);
    _exit(7);
}

static void waits(void)
{
    for (;;)
        pause();
}

static void asks(void)
{
    int fd;
    SHOW(tcgetpgrp(slave) == getpid());
    SHOW(tcgetsid(slave) == getpid());
    SHOW(ioctl(slave, TIOCSCTTY, 0));
    fd = open("/dev/tty", O_RDWR);
    SHOW(fd > 2);
    SHOW(isatty(fd));
    SHOW(tcgetpgrp(fd) == getpid());
    SHOW(tcsetpgrp(fd, 1) < 0);
    SHOW(tcsetpgrp(fd, 99999));
    SHOW(tcsetpgrp(fd, -5));
    SHOW(write(fd, "to the terminal", 15));
    signal(SIGWINCH, on);
    signal(SIGINT, on);
    signal(SIGQUIT, on);
    fflush(stdout);
    kill(getppid(), SIGUSR1);
    for (int i = 0; i < 4; i++)
        pause();
}

static void reads_behind(void)
{
    char buf[10];
    int child = fork();
    if (!child) {
        setpgid(0, 0);
        long n = read(slave, buf, 10);
        printf("read %ld\n", n);
        signal(SIGTTIN, SIG_IGN);
        setpgid(0, getpgid(getppid()));
        fflush(stdout);
        _exit(3);
    }
    setpgid(child, child);
    show_status("reads in the background", child);
    SHOW(tcgetpgrp(slave) == getpid());
    SHOW(tcsetpgrp(slave, child));
    SHOW(tcgetpgrp(slave) == child);
    write(master, "typed\n", 6); /* is there before the child asks, which does not wait */
    settle();
    kill(child, SIGCONT);
    show_status("then in front", child);
    /* Now this process is the one behind. */
    signal(SIGTTOU, SIG_IGN);
    SHOW(tcsetpgrp(slave, getpid()));
    if (!(child = fork())) {
        setpgid(0, 0);
        signal(SIGTTIN, SIG_IGN);
        SHOW(read(slave, buf, 10));
        signal(SIGTTOU, SIG_DFL);
        fflush(stdout);
        SHOW(tcsetattr(slave, TCSANOW, &usual));
        fflush(stdout);
        _exit(4);
    }
    show_status("sets in the background", child);
    kill(child, SIGKILL);
    show_status("and is killed", child);
}

static void forsaken(void)
{
    char buf[10];
    signal(SIGHUP, on);
    signal(SIGCONT, on);
    close(master);
    sigsuspend(&nothing);
    SHOW(read(slave, buf, 10));
    SHOW(write(slave, buf, 10));
    SHOW(ioctl(slave, TIOCGWINSZ, buf));
    SHOW(open("/dev/tty", O_RDWR));
    struct pollfd p = {.fd = slave, .events = POLLIN | POLLOUT};
    SHOW(poll(&p, 1, 0));
    SHOW(p.revents);
}

static int go[2], done[2];

static void leaves(void)
{
    int child = fork();
    if (!child) {
        char c;
        signal(SIGHUP, on);
        sigsuspend(&nothing);
        write(done[1], "", 1);
        close(go[1]);
        read(go[0], &c, 1);
        SHOW(read(slave, &c, 1));
        fflush(stdout);
        _exit(0);
    }
}

static void nobody_left(void)
{
    SHOW(write(slave, "last words", 10));
    close(slave);
}

static void sessions(void)
{
    char buf[100];
    int sent;
    sigset_t set;
    struct winsize w = {24, 80, 1, 2}, got;
    SHOW(tcgetpgrp(slave));
    SHOW(tcgetpgrp(master));
    SHOW(tcgetsid(master));
    SHOW(tcsetpgrp(slave, getpid()));
    int pid = session(waits);
    settle();
    TYPE("lost\x03");
    show_status("^C", pid);
    pid = session(waits);
    settle();
    TYPE("\x1c");
    show_status("^\\", pid);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid = session(asks);
    sigwaitinfo(&set, NULL);
    settle();
    SHOW(tcgetpgrp(master) == pid);
    SHOW(tcgetsid(master) == pid);
    SHOW(tcgetpgrp(slave));
    SHOW(ioctl(slave, TIOCSCTTY, 0) < 0);
    fflush(stdout);
    sent = ioctl(master, TIOCSWINSZ, &w);
    settle();
    SHOW(sent);
    SHOW(ioctl(slave, TIOCSWINSZ, &w));
    SHOW(ioctl(slave, TIOCGWINSZ, &got));
    SHOW(got.ws_row * 1000 + got.ws_col);
    fflush(stdout);
    fflush(stdout);
    TYPE("\x03");
    fflush(stdout);
    sent = ioctl(master, TIOCSIG, SIGQUIT);
    settle();
    SHOW(sent);
    SHOW(ioctl(master, TIOCSIG, SIGKILL));
    fflush(stdout);
    w.ws_col++;
    sent = ioctl(slave, TIOCSWINSZ, &w);
    show_status("asks", pid);
    SHOW(sent);
    pid = session(reads_behind);
    show_status("jobs", pid);
    echoed();
}

static void again(void)
{
    close(slave);
    close(master);
    opening();
}

static void ends(void)
{
    char buf[20];
    again();
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGHUP);
    sigaddset(&held, SIGCONT);
    sigprocmask(SIG_BLOCK, &held, NULL);
    if (pipe(go) || pipe(done))
        perror("pipe");
    int pid = session(leaves);
    close(done[1]);
    SHOW(read(done[0], buf, 1));
    show_status("its leader leaves", pid);
    settle();
    SHOW(read(slave, buf, 10));
    SHOW(read(master, buf, 10));
    polled("hung up");
    fflush(stdout);
    close(go[1]);
    SHOW(read(done[0], buf, 1)); /* ends when the one left behind does */
    close(slave);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    SHOW(slave > 0);
    nonblock(slave, 1);
    TYPE("alive\n");
    nonblock(master, 0);
    pid = session(nobody_left);
    close(slave);
    show_status("the slave is closed", pid);
    settle();
    SHOW(read(master, buf, 20));
    SHOW(read(master, buf, 20));
    struct pollfd p = {.fd = master, .events = POLLIN | POLLOUT};
    SHOW(poll(&p, 1, 0));
    SHOW(p.revents);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    SHOW(poll(&p, 1, 0));
    SHOW(p.revents);
    again();
    pid = session(forsaken);
    usleep(50000);
    close(master);
    show_status("the master is closed", pid);
    SHOW(read(slave, buf, 10));
    close(slave);
}

static void many(void)
{
    int fd[40], n = 0;
    while (n < 40 && (fd[n] = posix_openpt(O_RDWR | O_NOCTTY)) >= 0)
        n++;
    printf("%d at a time\n", n);
    while (n)
        close(fd[--n]);
}

int main(void)
{
    opening();
    sessions();
    ends();
    many();
    return 0;
}
