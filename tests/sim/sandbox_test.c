/* The sandbox by itself: what a process inside can and cannot do, whatever linux/path.c would have let through. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"

static int failures, checks;

/* The call's result is at least 0 (`want` is 0), or its error is `want`. */
static void expect(const char *what, long r, int want)
{
    int got = r < 0 ? errno : 0;
    checks++;
    if (got == want)
        return;
    failures++;
    printf("FAIL %s: %s, not %s\n", what, strerrorname_np(got), strerrorname_np(want));
}

static void calls(void)
{
    char *none[] = {NULL};
    expect("execve", execve("/bin/true", none, none), ENOSYS);
    expect("fork", syscall(SYS_fork), ENOSYS);
    expect("thread", syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0), ENOSYS);
    expect("socket", socket(AF_INET, SOCK_STREAM, 0), ENOSYS);
    expect("Unix socket", socket(AF_UNIX, SOCK_STREAM, 0), ENOSYS);
    expect("bind", bind(0, &(struct sockaddr){.sa_family = AF_UNIX}, 2), ENOSYS);
    expect("connect", connect(0, &(struct sockaddr){.sa_family = AF_UNIX}, 2), ENOSYS);
    expect("listen", listen(0, 1), ENOSYS);
    expect("accept", accept(0, NULL, NULL), ENOSYS);
    expect("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){0}), 0);
    expect("socketpair, other", socketpair(AF_INET, SOCK_STREAM, 0, (int[2]){0}), EPERM);
    expect("ptrace", syscall(SYS_ptrace, 0, 0, 0, 0), ENOSYS);
    expect("kill", kill(getppid(), 0), ENOSYS);
    expect("tgkill of another", syscall(SYS_tgkill, getppid(), getppid(), 0), EPERM);
    expect("tgkill of itself", syscall(SYS_tgkill, getpid(), getpid(), 0), 0);
    expect("TIOCSTI", ioctl(0, TIOCSTI, "x"), EPERM);
    expect("bpf", syscall(SYS_bpf, 0, 0, 0), ENOSYS);
    expect("chroot", chroot("/"), ENOSYS);
    expect("setuid", syscall(SYS_setuid, 0), ENOSYS);
    void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect("new code", code == MAP_FAILED ? -1 : 0, EPERM);
    void *data = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect("data", data == MAP_FAILED ? -1 : 0, 0);
    expect("data becomes code", mprotect(data, 4096, PROT_READ | PROT_EXEC), EPERM);
}

static void files(bool confined)
{
    expect("write inside", open("inside/new", O_WRONLY | O_CREAT | O_TRUNC, 0666), 0);
    expect("mkdir inside", mkdir("inside/d", 0777), 0);
    expect("move inside", rename("inside/new", "inside/d/new"), 0);
    expect("link inside", link("inside/d/new", "inside/second"), 0);
    expect("symlink inside", symlink("x", "inside/symlink"), 0);
    expect("fifo inside", mknod("inside/fifo", S_IFIFO | 0666, 0), 0);
    expect("socket inside", mknod("inside/socket", S_IFSOCK | 0666, 0), 0);
    expect("truncate inside", truncate("inside/second", 0), 0);
    expect("read outside", open("outside/secret", O_RDONLY), confined ? EACCES : 0);
    expect("list outside", open("outside", O_RDONLY | O_DIRECTORY), confined ? EACCES : 0);
    expect("write outside", open("outside/secret", O_WRONLY), EACCES);
    expect("create outside", open("outside/new", O_WRONLY | O_CREAT, 0666), EACCES);
    expect("mkdir outside", mkdir("outside/d", 0777), EACCES);
    expect("socket outside", mknod("outside/socket", S_IFSOCK | 0666, 0), EACCES);
    expect("unlink outside", unlink("outside/secret"), EACCES);
    expect("truncate outside", truncate("outside/secret", 0), EACCES);
    expect("move in", rename("outside/secret", "inside/secret"), EACCES);
    expect("move out", rename("inside/second", "outside/second"), EACCES);
    expect("/dev/null", open("/dev/null", O_RDWR), confined ? EACCES : 0);
    expect("output", open("output/stats.new", O_WRONLY | O_CREAT, 0666), 0);
    expect("rename output", rename("output/stats.new", "output/stats"), 0);
    expect("folder beside output", mkdir("output/d", 0777), EACCES);
}

static int inside(bool confined)
{
    static const char *const outputs[] = {"output/stats", NULL};
    struct sandbox_plan plan = {SANDBOX_AUTO, open("inside", O_PATH | O_DIRECTORY), confined, outputs};
    char report[256] = "";
    bool ok = sandbox_enter(&plan, report, sizeof report);
    expect("enter", ok ? 0 : -1, 0);
    puts(report);
    if (strstr(report, "sandbox: none")) /* built with a sanitizer */
        return 0;
    if (strstr(report, " seccomp"))
        calls();
    int version = 0;
    const char *found = strstr(report, "Landlock version ");
    if (found && sscanf(found, "Landlock version %d", &version) == 1 && version >= 3)
        files(confined);
    printf("%d checks, %d failed\n", checks, failures);
    fflush(stdout);
    return failures != 0;
}

static int in_child(bool confined)
{
    int status = 1;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid)
        _exit(inside(confined));
    waitpid(pid, &status, 0);
    return status;
}

int main(void)
{
    char folder[] = "/tmp/sandbox-XXXXXX", command[64];
    if (!mkdtemp(folder) || chdir(folder))
        return 2;
    int status = 0;
    for (int confined = 0; confined < 2; confined++) {
        if (system("rm -rf inside outside output; mkdir inside outside output; echo secret > outside/secret"))
            return 2;
        status |= in_child(confined);
    }
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) || status ? 1 : 0;
}
