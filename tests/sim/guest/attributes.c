/* What a process may ask the kernel to keep for it: prctl, attributes of scheduling, advice; orphans and who gets them; programs
 * executed by descriptor. The output is compared with the host's. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *what, long r) { printf("%s: %ld %s\n", what, r, r < 0 ? strerrorname_np(errno) : ""); }
#define SHOW(call) show(#call, call)

static void thread_options(void)
{
    int value = -1;
    char name[16] = "";
    SHOW(prctl(PR_SET_NAME, "a name that is too long", 0, 0, 0));
    SHOW(prctl(PR_GET_NAME, name, 0, 0, 0));
    printf("%s\n", name);
    SHOW(prctl(PR_SET_PDEATHSIG, 65, 0, 0, 0));
    SHOW(prctl(PR_SET_PDEATHSIG, SIGUSR2, 0, 0, 0));
    SHOW(prctl(PR_GET_PDEATHSIG, &value, 0, 0, 0));
    printf("%d\n", value);
    SHOW(prctl(PR_GET_PDEATHSIG, 8, 0, 0, 0));
    fflush(stdout);
    if (!fork()) { /* not inherited */
        prctl(PR_GET_PDEATHSIG, &value, 0, 0, 0);
        _exit(value);
    }
    wait(&value);
    printf("%d\n", value);
    SHOW(prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0));
    SHOW(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0));
    SHOW(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_TIMERSLACK, 0, 0, 0, 0));
    SHOW(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_KEEPCAPS, 2, 0, 0, 0));
    SHOW(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
    SHOW(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
    SHOW(prctl(PR_CAPBSET_READ, 999, 0, 0, 0));
    SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 3, 0, 0));
    SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 99, 0, 0));
    SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
    SHOW(prctl(PR_CAP_AMBIENT, 77, 0, 0, 0));
    SHOW(prctl(12345, 0, 0, 0, 0));
}

static void process_options(void)
{
    int value = -1;
    SHOW(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_DUMPABLE, 2, 0, 0, 0));
    SHOW(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
    SHOW(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 1));
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SHOW(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
    SHOW(prctl(PR_GET_TSC, &value, 0, 0, 0));
    printf("%d\n", value);
    SHOW(prctl(PR_GET_TIMING, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_TIMING, 1, 0, 0, 0));
    SHOW(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
    SHOW(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_THP_DISABLE, 0, 0, 1, 0));
    SHOW(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
    SHOW(prctl(PR_GET_CHILD_SUBREAPER, &value, 0, 0, 0));
    printf("%d\n", value);
}

static volatile sig_atomic_t got, from;

static void note(int signal, siginfo_t *info, void *context)
{
    got = signal;
    from = info->si_pid;
}

/* A child whose own child goes on when it has ended: whose is it then, what does it hear, and who may wait for it? */
static void orphan(bool adopt)
{
    int out[2], status, word[3] = {0};
    struct sigaction a = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
    sigset_t usr, old;
    sigemptyset(&usr);
    sigaddset(&usr, SIGUSR1);
    pipe(out);
    SHOW(prctl(PR_SET_CHILD_SUBREAPER, adopt, 0, 0, 0));
    fflush(stdout);
    pid_t self = getpid(), child = fork();
    if (!child) {
        pid_t middle = getpid();
        sigprocmask(SIG_BLOCK, &usr, &old);
        if (!fork()) {
            sigaction(SIGUSR1, &a, NULL);
            prctl(PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0);
            if (getppid() != middle)
                _exit(9);
            write(out[1], "!", 1);
            while (!got)
                sigsuspend(&old);
            word[0] = got;
            word[1] = from == middle;
            word[2] = getppid() == self;
            write(out[1], word, sizeof word);
            _exit(5);
        }
        char go;
        read(out[0], &go, 1);
        _exit(3);
    }
    SHOW(waitpid(child, &status, 0) == child);
    printf("%x\n", status);
    read(out[0], word, sizeof word);
    printf("signal %d, of the parent's %d, mine %d\n", word[0], word[1], word[2]);
    status = 0;
    SHOW(wait(&status) > 0);
    printf("%x\n", status);
    close(out[0]);
    close(out[1]);
}

/* ... and one that has ended before its parent did. */
static void inherited_zombie(void)
{
    int status = 0;
    SHOW(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
    fflush(stdout);
    if (!fork()) {
        siginfo_t info;
        if (!fork())
            _exit(6);
        waitid(P_ALL, 0, &info, WEXITED | WNOWAIT);
        _exit(4);
    }
    for (int sum = 0, i = 0; i < 2; i++) {
        SHOW(wait(&status) > 0);
        sum += status >> 8;
        if (i)
            printf("sum %d\n", sum);
    }
    SHOW(wait(&status));
    SHOW(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0));
}

/* Who waits has been asked already when it is somebody else's turn, who then ends or stops without having run. */
static void late_news(int signal)
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        pid_t self = getpid();
        if (!fork())
            _exit(kill(self, signal));
        for (;;)
            pause();
    }
    SHOW(waitpid(child, &status, WUNTRACED) == child);
    printf("%x\n", status);
    if (WIFSTOPPED(status)) {
        kill(child, SIGKILL);
        SHOW(waitpid(child, &status, 0) == child);
    }
}

struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t deadline[3];
    uint32_t clamp[2];
};

static void scheduling(void)
{
    struct sched_param none = {0}, one = {1};
    struct attributes v = {0};
    struct timespec slice = {-1, -1};
    SHOW(syscall(SYS_sched_getattr, 0, &v, 48, 0));
    printf("%u %u %llx %u\n", v.size, v.policy, (unsigned long long)v.flags, v.priority);
    SHOW(syscall(SYS_sched_getattr, 0, &v, 47, 0));
    SHOW(syscall(SYS_sched_getattr, 0, &v, 48, 1));
    SHOW(syscall(SYS_sched_getattr, 0x7fffffff, &v, 48, 0));
    SHOW(syscall(SYS_sched_getattr, -1, &v, 48, 0));
    SHOW(syscall(SYS_sched_getattr, 0, NULL, 48, 0));
    v.policy = SCHED_BATCH;
    v.nice = 19;
    SHOW(syscall(SYS_sched_setattr, 0, &v, 0));
    SHOW(sched_getscheduler(0));
    SHOW(getpriority(PRIO_PROCESS, 0));
    v.policy = 99;
    SHOW(syscall(SYS_sched_setattr, 0, &v, 0));
    v.size = 40;
    SHOW(syscall(SYS_sched_setattr, 0, &v, 0));
    SHOW(syscall(SYS_sched_setattr, 0, NULL, 0));
    SHOW(sched_setparam(0, &one));
    SHOW(sched_setparam(0, &none));
    SHOW(syscall(SYS_sched_setparam, 0, NULL));
    SHOW(sched_setscheduler(0, SCHED_IDLE, &none));
    fflush(stdout);
    if (!fork()) {
        SHOW(sched_getscheduler(0));
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    SHOW(sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none));
    SHOW(sched_getscheduler(0));
    SHOW(sched_getscheduler(-1));
    SHOW(sched_setscheduler(0, SCHED_FIFO, &none));
    SHOW(sched_setscheduler(0, -1, &none));
    SHOW(sched_rr_get_interval(0, &slice));
    printf("%d\n", slice.tv_sec == 0 && slice.tv_nsec >= 0);
    SHOW(sched_rr_get_interval(0x7fffffff, &slice));
}

static void advice(void)
{
    int fd = open("advised", O_RDWR | O_CREAT | O_TRUNC, 0600), only = open("advised", O_WRONLY), ends[2];
    struct timeval times[2] = {{1000, 5}, {2000, 7}}, bad[2] = {{0, -1}, {0, 0}};
    struct stat st;
    pipe(ends);
    SHOW(write(fd, "text", 4));
    printf("%d\n", posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    printf("%s\n", strerrorname_np(posix_fadvise(fd, 0, 0, 6)));
    printf("%s\n", strerrorname_np(posix_fadvise(99, 0, 0, POSIX_FADV_DONTNEED)));
    printf("%s\n", strerrorname_np(posix_fadvise(ends[0], 0, 0, POSIX_FADV_DONTNEED)));
    SHOW(readahead(fd, 0, 4096));
    SHOW(readahead(only, 0, 4096));
    SHOW(readahead(ends[0], 0, 4096));
    SHOW(readahead(99, 0, 4096));
    SHOW(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
    SHOW(sync_file_range(fd, -1, 0, SYNC_FILE_RANGE_WRITE));
    SHOW(sync_file_range(fd, 0, 0, 8));
    SHOW(sync_file_range(ends[1], 0, 0, 0));
    SHOW(sync_file_range(99, 0, 0, 8));
    SHOW(syncfs(fd));
    SHOW(syncfs(99));
    SHOW(mlock2(times, sizeof times, 2));
    SHOW(mlock2(times, sizeof times, MLOCK_ONFAULT));
    SHOW(futimesat(AT_FDCWD, "advised", times));
    SHOW(fstat(fd, &st));
    printf("%ld %ld %ld %ld\n", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    SHOW(syscall(SYS_futimesat, fd, NULL, bad));
    SHOW(syscall(SYS_futimesat, fd, NULL, NULL));
    SHOW(futimesat(99, "advised", times));
    SHOW(unlink("advised"));
    close(fd);
    close(only);
    close(ends[0]);
    close(ends[1]);
}

static void long_waits(void)
{
    struct timespec little = {0, 1000}, bad = {0, 1000000000}, long_ago = {-((time_t)1 << (8 * sizeof(time_t) - 2)), 0};
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = 7};
    int ends[2], fd = epoll_create1(0);
    pipe(ends);
    SHOW(epoll_ctl(fd, EPOLL_CTL_ADD, ends[0], &e));
    SHOW(epoll_pwait2(fd, &e, 1, &little, NULL));
    SHOW(epoll_pwait2(fd, &e, 1, &bad, NULL));
    SHOW(epoll_pwait2(fd, &e, 1, &long_ago, NULL));
    write(ends[1], "x", 1);
    SHOW(epoll_pwait2(fd, &e, 1, NULL, NULL));
    printf("%u\n", e.data.u32);
    close(fd);
    close(ends[0]);
    close(ends[1]);
}

static int run(int fd, char *const argv[])
{
    int status = 0;
    fflush(stdout);
    if (!fork()) {
        char *env[] = {NULL};
        fexecve(fd, argv, env);
        _exit(errno);
    }
    wait(&status);
    return status;
}

static void by_descriptor(char *self)
{
    static const char text[] = "#! ./attributes_self\n";
    char *argv[] = {self, "child", NULL}, *none[] = {self, NULL};
    char buffer[65536];
    int from = open(self, O_RDONLY), to = open("attributes_self", O_WRONLY | O_CREAT | O_TRUNC, 0700), script;
    for (ssize_t n; (n = read(from, buffer, sizeof buffer)) > 0;)
        write(to, buffer, (size_t)n);
    close(to);
    printf("%x\n", run(from, argv));
    fcntl(from, F_SETFD, FD_CLOEXEC);
    printf("%x\n", run(from, argv));
    printf("%x\n", run(open(".", O_RDONLY | O_DIRECTORY), argv));
    SHOW(syscall(SYS_execveat, 99, "", argv, none, AT_EMPTY_PATH));
    SHOW(syscall(SYS_execveat, from, "", argv, none, 0));
    SHOW(syscall(SYS_execveat, from, "", argv, none, 1));
    script = open("attributes_script", O_WRONLY | O_CREAT | O_TRUNC, 0700);
    write(script, text, sizeof text - 1);
    close(script);
    script = open("attributes_script", O_RDONLY);
    int place = dup2(script, 50);
    close(script);
    printf("%x\n", run(place, none));
    fcntl(place, F_SETFD, FD_CLOEXEC);
    printf("%x\n", run(place, none));
    SHOW(unlink("attributes_self"));
    SHOW(unlink("attributes_script"));
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "argument")) { /* the child, or the interpreter of the script */
        printf("run with %s\n", argv[1]);
        return 7;
    }
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    thread_options();
    process_options();
    orphan(true);
    inherited_zombie();
    late_news(SIGTERM);
    late_news(SIGSTOP);
    advice();
    long_waits();
    by_descriptor(argv[0]);
    scheduling();
    return 0;
}
