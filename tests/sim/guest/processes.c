/* Several processes: fork, vfork, execve, wait, pipes, signals between them, alarms. Prints what it sees; each line comes from
 * one process while the others wait, so that the order does not depend on who runs first. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char **arguments;

static void show(const char *what, long r) { printf("%s: %ld %s\n", what, r, r < 0 ? strerrorname_np(errno) : ""); }

static int wait_status(pid_t pid)
{
    int status = -1;
    pid_t got = waitpid(pid, &status, 0);
    return got == pid ? status : -1;
}

static void forks(void)
{
    static int private = 1;
    int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        private = 2;
        shared[0] = getppid() != 1;
        shared[1] = getpgrp() == getpgid(getppid());
        _exit(7);
    }
    int first = wait_status(pid); /* before what the child writes is looked at */
    printf("status %x, private %d, shared %d %d\n", first, private, shared[0], shared[1]);
    show("wait without children", wait(NULL));
    if (fork() == 0)
        abort();
    int status;
    wait(&status);
    printf("abort %d %d\n", WIFSIGNALED(status), WTERMSIG(status));
    if (fork() == 0)
        *(volatile int *)16 = 0;
    wait(&status);
    printf("fault %d %d\n", WIFSIGNALED(status), WTERMSIG(status));
    show("WNOHANG without children", waitpid(-1, &status, WNOHANG));
    /* A child of a child that has gone belongs to init. */
    int fd[2];
    pipe(fd);
    if (fork() == 0) {
        if (fork() == 0) {
            while (getppid() != 1)
                sched_yield();
            write(fd[1], "orphan", 6);
        }
        _exit(0);
    }
    char text[16] = "";
    close(fd[1]);
    printf("%ld ", (long)read(fd[0], text, sizeof text));
    printf("%s, then %ld\n", text, (long)read(fd[0], text, sizeof text));
    wait(NULL);
    close(fd[0]);
    munmap(shared, 4096);
}

/* More than a pipe holds goes through, and what is written before the reader is there waits for it. */
static void pipes(void)
{
    enum { SIZE = 300000 };
    int fd[2];
    unsigned sum = 0;
    char *bytes = malloc(SIZE);
    pipe(fd);
    fflush(stdout);
    if (fork() == 0) {
        close(fd[0]);
        for (int i = 0; i < SIZE; i++)
            bytes[i] = (char)(i * 7);
        _exit(write(fd[1], bytes, SIZE) != SIZE);
    }
    close(fd[1]);
    size_t got = 0;
    for (ssize_t n; (n = read(fd[0], bytes, 12345)) > 0; got += (size_t)n)
        for (ssize_t i = 0; i < n; i++)
            sum = sum * 31 + (unsigned char)bytes[i];
    printf("through the pipe: %zu, %08x, status %d\n", got, sum, wait_status(-1) != -1);
    close(fd[0]);
    free(bytes);

    pipe2(fd, O_NONBLOCK);
    char c;
    show("empty, non-blocking", read(fd[0], &c, 1));
    show("flags", fcntl(fd[0], F_GETFL) & O_NONBLOCK);
    fcntl(fd[0], F_SETFL, 0);
    show("flags", fcntl(fd[0], F_GETFL) & O_NONBLOCK);
    struct pollfd f = {.fd = fd[0], .events = POLLIN};
    show("poll with a limit", poll(&f, 1, 5));
    if (fork() == 0) {
        usleep(2000);
        write(fd[1], "z", 1);
        _exit(0);
    }
    show("poll", poll(&f, 1, -1));
    printf("revents %d, read %ld\n", f.revents, (long)read(fd[0], &c, 1));
    wait(NULL);
    signal(SIGPIPE, SIG_IGN);
    close(fd[0]);
    show("no reader", write(fd[1], "z", 1));
    signal(SIGPIPE, SIG_DFL);
    close(fd[1]);
}

static void executes(void)
{
    extern char **environ;
    char *const argv[] = {arguments[0], "child", "two words", "", NULL}, *const env[] = {"NAME=value", NULL};
    pid_t pid;
    fflush(stdout);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), kept = open("/dev/null", O_RDONLY);
    signal(SIGUSR1, SIG_IGN);
    if ((pid = vfork()) == 0) {
        execve(argv[0], argv, env);
        _exit(99);
    }
    printf("status %x\n", wait_status(pid));
    fflush(stdout);
    int r = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);
    printf("spawned %d, status %x\n", r, r ? -1 : wait_status(pid));
    show("nothing there", execve("nothere", argv, env));
    show("no program", execve("/dev/null", argv, env));
    show("a folder", execve(".", argv, env));
    FILE *f = fopen("script", "w");
    fprintf(f, "#!%s child\nnothing\n", arguments[0]);
    fclose(f);
    show("not executable", execve("./script", argv, env));
    chmod("script", 0700);
    fflush(stdout);
    if ((pid = fork()) == 0) {
        execl("./script", "ignored", "last", NULL);
        _exit(98);
    }
    printf("script: status %x\n", wait_status(pid));
    f = fopen("script", "w");
    fprintf(f, "no program at all\n");
    fclose(f);
    show("no format", execve("./script", argv, env));
    remove("script");
    close(fd);
    close(kept);
}

static volatile sig_atomic_t signals, last_code, last_value;
static volatile pid_t last_pid;

static void handler(int signal, siginfo_t *info, void *context)
{
    signals++;
    last_code = info->si_code;
    last_pid = info->si_pid;
    last_value = signal == SIGCHLD ? info->si_status : 0;
}

static void catch (int signal, int flags)
{
    struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigaction(signal, &a, NULL);
}

/* On the host the pauses must be long enough for the parent to have run, whatever the load. */
static void sends(void)
{
    int fd[2];
    char c = 0;
    pipe(fd);
    fflush(stdout);
    catch (SIGUSR1, 0);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        usleep(200000);
        kill(parent, SIGUSR1);
        usleep(200000);
        kill(parent, SIGUSR1);
        usleep(200000);
        write(fd[1], "x", 1);
        _exit(5);
    }
    show("interrupted read", read(fd[0], &c, 1));
    catch (SIGUSR1, SA_RESTART);
    show("restarted read", read(fd[0], &c, 1));
    printf("signals %d, code %d, from the child %d\n", signals, last_code, last_pid == pid);
    printf("status %x\n", wait_status(pid));

    catch (SIGCHLD, SA_RESTART);
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, &old);
    signals = 0;
    if ((pid = fork()) == 0)
        _exit(9);
    show("sigsuspend", sigsuspend(&old));
    printf("SIGCHLD %d, code %d, status %d, pid %d\n", signals, last_code, last_value, last_pid == pid);
    sigprocmask(SIG_SETMASK, &old, NULL);
    wait(NULL);
    signal(SIGCHLD, SIG_IGN);
    if (fork() == 0)
        _exit(1);
    show("children nobody waits for", wait(NULL));
    signal(SIGCHLD, SIG_DFL);
    if ((pid = fork()) == 0) {
        for (;;)
            pause();
    }
    kill(pid, SIGKILL);
    printf("killed: %x\n", wait_status(pid));
    if ((pid = fork()) == 0) { /* needs the other one's turn to end */
        for (volatile unsigned n = 0;; n++)
            if (n % 100000 == 0)
                getppid();
    }
    usleep(1000);
    show("kill", kill(pid, SIGTERM));
    printf("spinning: %x\n", wait_status(pid));
    show("gone", kill(pid, 0));
    show("kill the group that cannot be", kill((pid_t)0x80000000, 0));
    siginfo_t info = {0};
    show("wait for the group that cannot be", waitpid((pid_t)0x80000000, NULL, WNOHANG));
    show("waitid for process -1", waitid(P_PID, (id_t)-1, &info, WEXITED | WNOHANG));
    show("waitid for a group below 0", waitid(P_PGID, (id_t)0x80000000, &info, WEXITED | WNOHANG));
    if (fork() == 0)
        _exit(33);
    show("waitid", waitid(P_ALL, 0, &info, WEXITED));
    printf("signo %d code %d status %d\n", info.si_signo, info.si_code, info.si_status);
}

static void stops(void)
{
    int status = 0, fd[2];
    char c;
    pipe(fd);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        raise(SIGSTOP);
        write(fd[1], "c", 1);
        pause();
    }
    show("WNOHANG", waitpid(pid, &status, WNOHANG));
    show("stopped", waitpid(pid, &status, WUNTRACED) == pid);
    printf("status %x\n", status);
    kill(pid, SIGCONT);
    show("continued", waitpid(pid, &status, WCONTINUED) == pid);
    printf("status %x, runs %ld\n", status, (long)read(fd[0], &c, 1));
    kill(pid, SIGSTOP);
    siginfo_t info = {0};
    waitid(P_PID, (id_t)pid, &info, WSTOPPED);
    printf("code %d status %d\n", info.si_code, info.si_status);
    kill(pid, SIGKILL);
    printf("killed %x\n", wait_status(pid));
    close(fd[0]);
    close(fd[1]);
}

/* Signals that are waited for instead of handled. */
static void takes(void)
{
    sigset_t set;
    siginfo_t info = {0};
    struct timespec limit = {0, 1000000};
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    show("none", sigtimedwait(&set, &info, &limit));
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 77});
    kill(getpid(), SIGUSR2);
    show("first", sigwaitinfo(&set, &info));
    show("second", sigwaitinfo(&set, &info) == SIGRTMIN);
    printf("code %d value %d\n", info.si_code, info.si_value.sival_int);
    fflush(stdout);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        usleep(1000);
        kill(parent, SIGUSR2);
        _exit(0);
    }
    show("from the child", sigwaitinfo(&set, &info));
    printf("%d\n", info.si_pid == pid);
    wait(NULL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void alarms(void)
{
    struct timespec long_sleep = {10, 0}, left = {0, 0};
    struct itimerval timer = {.it_interval = {0, 10000}, .it_value = {0, 10000}}, was;
    catch (SIGALRM, 0);
    signals = 0;
    alarm(1);
    show("sleep", nanosleep(&long_sleep, &left));
    printf("%d signals, about %ld seconds left\n", signals, (long)(left.tv_sec + (left.tv_nsec > 500000000)));
    signals = 0;
    setitimer(ITIMER_REAL, &timer, NULL);
    for (int i = 0; i < 3; i++)
        pause();
    timer = (struct itimerval){0};
    setitimer(ITIMER_REAL, &timer, &was);
    printf("signals: %d, interval %ld\n", signals >= 3, (long)was.it_interval.tv_usec);
    show("no alarm", alarm(0));
}

static int child(int argc, char **argv, char **env)
{
    struct sigaction a;
    sigaction(SIGUSR1, NULL, &a);
    printf("child:");
    for (int i = 1; i < argc; i++)
        printf(" \"%s\"", argv[i]);
    printf(", environment %s, ignored %d, descriptors", env[0] && !strcmp(env[0], "NAME=value") ? "given" : "other",
           a.sa_handler == SIG_IGN);
    for (int fd = 0; fd < 10; fd++)
        printf("%d", fcntl(fd, F_GETFD) >= 0);
    printf("\n");
    return 3;
}

int main(int argc, char **argv, char **env)
{
    if (argc > 1 && !strcmp(argv[1], "child"))
        return child(argc, argv, env);
    arguments = argv;
    forks();
    pipes();
    executes();
    sends();
    stops();
    takes();
    alarms();
    return 0;
}
