/* Tries to leave its confinement, and prints how each attempt ended: the name of the error, or what it reached.
 *
 * Arguments: the host's path of a folder outside with the file "secret" and the sockets "service" and "datagrams", the host's
 * process number of somebody to kill, and the name in no folder of a third socket. It is started in a folder of its own
 * with the links "out" (to the folder outside) and "abs" (to /). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static void say(const char *what, long r) { printf("%s: %s\n", what, r < 0 ? strerrorname_np(errno) : "DONE"); }

/* Whether the secret can be read by that path; what is written there must not arrive. */
static void reach(const char *what, const char *path)
{
    char c = 0;
    int fd = open(path, O_RDONLY);
    printf("%s: %s", what, fd < 0 ? strerrorname_np(errno) : read(fd, &c, 1) == 1 ? "read" : strerrorname_np(errno));
    if (fd >= 0)
        close(fd);
    fd = open(path, O_WRONLY);
    printf(", %s\n", fd < 0 ? strerrorname_np(errno) : "WRITTEN");
    if (fd >= 0) {
        (void)!write(fd, "stolen", 6);
        close(fd);
    }
}

static char *outside(const char *folder, const char *name)
{
    static char text[4][1024];
    static int at;
    char *t = text[at++ % 4];
    snprintf(t, sizeof text[0], "%s/%s", folder, name);
    return t;
}

static void paths(const char *out)
{
    char dots[1200];
    snprintf(dots, sizeof dots, "../../../../../../../../../../../../../../../..%s/secret", out);
    reach("..", "../outside/secret");
    reach("many ..", dots);
    reach("link to a folder", "out/secret");
    reach("link to the root", outside("abs", outside(out, "secret")));
    reach("absolute", outside(out, "secret"));
    mkdir("d", 0777);
    symlink("../../outside", "d/l");
    reach("own link", "d/l/secret");
    symlink("/proc/self/root", "root");
    reach("own link to /proc/self/root", outside("root", outside(out, "secret")));
    reach("/proc/self/root", outside("/proc/self/root", outside(out, "secret")));
    reach("/proc/self/cwd", "/proc/self/cwd/../outside/secret");
    reach("/proc/1/root", outside("/proc/1/root", outside(out, "secret")));
    reach("spelled /proc", outside("/./proc//self/root", outside(out, "secret")));
    int folder = open(".", O_RDONLY | O_DIRECTORY), back = open(".", O_RDONLY | O_DIRECTORY);
    char text[64];
    snprintf(text, sizeof text, "/proc/self/fd/%d/../outside/secret", folder);
    reach("folder by its number", text);
    chdir("/proc/self/root");
    chdir("/proc/self");
    reach("from /proc", outside("root", outside(out, "secret")));
    fchdir(back);
    close(folder);
    close(back);
    /* One that leads to itself by way of /proc. */
    char here[1024];
    if (getcwd(here, sizeof here))
        symlink(outside("/proc/self/root", outside(here, "circle")), "circle");
    reach("links in circles through /proc", "circle");
    unlink("circle");
    unlink("d/l");
    unlink("root");
    /* A folder that is moved while it is open. */
    mkdir("d/e", 0777);
    int e = open("d/e", O_RDONLY | O_DIRECTORY);
    rename("d/e", "e");
    say("moved folder", openat(e, "../../outside/secret", O_RDWR));
    rmdir("e");
    say("removed folder", openat(e, "../../outside/secret", O_RDWR));
    close(e);
    rmdir("d");
}

static void changes(const char *out)
{
    char *secret = outside(out, "secret"), *new = outside(out, "new");
    say("create", open(new, O_WRONLY | O_CREAT, 0666));
    say("create by link", open("out/new", O_WRONLY | O_CREAT, 0666));
    say("mkdir", mkdir("out/new", 0777));
    say("mknod", mknod("out/new", S_IFIFO | 0666, 0));
    say("symlink", symlink("x", "out/new"));
    say("unlink", unlink("out/secret"));
    say("rmdir", rmdir("../outside"));
    say("rename from", rename("out/secret", "stolen"));
    close(open("mine", O_WRONLY | O_CREAT, 0666));
    say("rename to", rename("mine", "out/new"));
    say("link from", link(secret, "linked"));
    say("link to", link("mine", new));
    say("truncate", truncate("out/secret", 0));
    say("chmod", chmod(secret, 0777));
    say("chown", chown("out/secret", getuid(), getgid()));
    say("utimes", utimensat(AT_FDCWD, "out/secret", NULL, 0));
    say("setxattr", setxattr("out/secret", "user.x", "x", 1, 0));
    say("device", mknod("sda", S_IFBLK | 0666, 0x800));
    int fd = open("out/secret", O_RDONLY);
    say("fchmod", fchmod(fd, 0777));
    say("futimens", futimens(fd, NULL));
    say("ftruncate", ftruncate(fd, 0));
    say("mapping", (long)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == -1 ? -1 : 0);
    close(fd);
    say("mode of its input", fchmod(0, 0777)); /* the secret, opened by who started the run */
    say("owner of its input", fchown(0, getuid(), getgid()));
    say("times of its input", futimens(0, NULL));
    say("input by name", chmod("/dev/stdin", 0777));
    fd = open("/dev/null", O_RDONLY);
    say("mode of a device", fchmod(fd, 0666));
    say("times of a device", futimens(fd, NULL));
    close(fd);
    chmod("mine", 06755);
    struct stat st = {0};
    stat("mine", &st);
    printf("set-user-ID: %o\n", st.st_mode & 07777);
    unlink("mine");
}

static void descriptors(void)
{
    char path[64], c;
    int open_ones = 0, read_ones = 0;
    for (int fd = 3; fd < 1100; fd++) {
        open_ones += fcntl(fd, F_GETFD) >= 0 || dup(fd) >= 0 || openat(fd, ".", O_RDONLY) >= 0 || read(fd, &c, 1) >= 0;
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        read_ones += open(path, O_RDONLY) >= 0;
        snprintf(path, sizeof path, "/proc/self/fd/../fd/%d", fd);
        read_ones += open(path, O_RDONLY) >= 0;
        snprintf(path, sizeof path, "/dev/../proc/self/fd/%d", fd);
        read_ones += open(path, O_RDONLY) >= 0;
        snprintf(path, sizeof path, "/proc/thread-self/fd/%d", fd);
        read_ones += open(path, O_RDONLY) >= 0;
    }
    printf("descriptors of the simulator: %d open, %d by path\n", open_ones, read_ones);
    for (int fd = 3; fd < 1100; fd++)
        close(fd);
    say("negative descriptor", openat(-7, "x", O_RDONLY));
    say("huge descriptor", openat(0x7ffffff0, "x", O_RDONLY));
    say("file as a folder", openat(0, "x", O_RDONLY));
    say("/proc/self/mem", open("/proc/self/mem", O_RDWR));
    say("/proc/self/map_files", open("/proc/self/map_files", O_RDONLY));
    say("/proc/1/environ", open("/proc/1/environ", O_RDONLY));
    say("/proc/sysrq-trigger", open("/proc/sysrq-trigger", O_WRONLY));
    say("/dev/mem", open("/dev/mem", O_RDWR));
    say("/dev/kmsg", open("/dev/kmsg", O_RDWR));
    say("TIOCSTI", ioctl(0, TIOCSTI, "x"));
}

static void others(int victim)
{
    char byte;
    struct iovec v = {&byte, 1};
    say("kill", kill(victim, SIGKILL));
    say("kill its group", kill(-victim, SIGKILL));
    say("tgkill", syscall(SYS_tgkill, victim, victim, SIGKILL));
    say("sigqueue", sigqueue(victim, SIGKILL, (union sigval){0}));
    say("ptrace", ptrace(PTRACE_ATTACH, victim, NULL, NULL));
    say("ptrace of the parent", ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
    say("traceme", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
    say("process_vm_readv", process_vm_readv(victim, &v, 1, &v, 1, 0));
    say("setpriority", setpgid(victim, victim));
    say("chroot", chroot("abs"));
    say("mount", mount("none", ".", "tmpfs", 0, NULL));
    say("unshare", unshare(CLONE_NEWUSER));
    say("namespaces", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
}

static struct sockaddr_un name_of(const char *text)
{
    struct sockaddr_un n = {.sun_family = AF_UNIX};
    snprintf(n.sun_path, sizeof n.sun_path, "%s", text);
    return n;
}

/* Somebody of the host's listens there. */
static void service(const char *what, struct sockaddr_un n, int type)
{
    int fd = socket(AF_UNIX, type, 0);
    say(what, connect(fd, (struct sockaddr *)&n, sizeof n));
    if (type == SOCK_DGRAM)
        say("send a datagram", sendto(fd, "x", 1, 0, (struct sockaddr *)&n, sizeof n));
    close(fd);
}

static void sockets(const char *out, const char *abstract)
{
    struct sockaddr_un n = name_of(outside(out, "service")), hidden = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    service("connect outside", n, SOCK_STREAM);
    service("connect by a link", name_of("out/service"), SOCK_STREAM);
    service("connect by ..", name_of("../outside/service"), SOCK_STREAM);
    service("datagrams outside", name_of("out/datagrams"), SOCK_DGRAM);
    snprintf(hidden.sun_path + 1, sizeof hidden.sun_path - 1, "%s", abstract);
    say("connect without a folder",
        connect(fd, (struct sockaddr *)&hidden, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(abstract))));
    n = name_of("out/new");
    say("bind outside", bind(fd, (struct sockaddr *)&n, sizeof n));
    say("mknod of a socket", mknod("out/new", S_IFSOCK | 0666, 0));
    say("open of a socket", open("out/service", O_RDWR));
    n = name_of("own");
    say("bind inside", bind(fd, (struct sockaddr *)&n, sizeof n));
    unlink("own");
    close(fd);
}

static void socket_bomb(void)
{
    int pair[2], n = 0;
    char c = 0;
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof pair)];
    } control = {.head = {CMSG_LEN(sizeof pair), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec v = {&c, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    for (; n < 5000 && !socketpair(AF_UNIX, SOCK_STREAM, 0, pair); n++) { /* each in itself, and nobody can take it */
        memcpy(CMSG_DATA(&control.head), pair, sizeof pair);
        long r = sendmsg(pair[0], &m, MSG_DONTWAIT);
        close(pair[0]);
        close(pair[1]);
        if (r < 0)
            break;
    }
    printf("sockets in themselves: %s\n", n < 5000 ? strerrorname_np(errno) : "ENDLESS");
    say("and after them", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    close(pair[0]);
    close(pair[1]);
}

static void network(void)
{
    int pair[2];
    char c = 0;
    say("socket, IPv4", socket(AF_INET, SOCK_STREAM, 0));
    say("socket, IPv6", socket(AF_INET6, SOCK_DGRAM, 0));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    say("socket, Unix", fd);
    close(fd);
    say("socket, packet", socket(AF_PACKET, SOCK_RAW, 0));
    say("socket, netlink", socket(AF_NETLINK, SOCK_RAW, 0));
    say("connect", connect(0, (struct sockaddr *)&(struct sockaddr){AF_INET, {0}}, 16));
    say("connect nothing", connect(77, (struct sockaddr *)&(struct sockaddr){AF_INET, {0}}, 16));
    say("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    printf("through it: %s\n", write(pair[0], "x", 1) == 1 && read(pair[1], &c, 1) == 1 && c == 'x' ? "a byte" : "nothing");
    close(pair[0]);
    close(pair[1]);
}

static void descriptor_bomb(void)
{
    int n = 0, first = -1, last = -1, fd;
    while ((fd = open(".", O_RDONLY)) >= 0) {
        first = first < 0 ? fd : first;
        last = fd;
        n++;
    }
    printf("open files: %d, then %s\n", n, strerrorname_np(errno));
    say("dup", dup(0));
    say("dup2 beyond", dup2(0, last + 1));
    say("pipe", pipe((int[2]){0}));
    for (fd = first; fd <= last; fd++)
        close(fd);
    say("and after them", close(open(".", O_RDONLY)));
}

static void memory_bomb(void)
{
    enum { STEP = 1 << 20, MOST = 4096 };
    pid_t child = fork();
    if (!child) {
        int n = 0;
        for (;; n++) {
            char *p = mmap(NULL, STEP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
            if (p == MAP_FAILED || n == MOST)
                break;
            p[0] = 1;
        }
        _exit(n == MOST ? 1 : errno == ENOMEM ? 2 : 3);
    }
    int status = 0;
    waitpid(child, &status, 0);
    printf("memory: %s\n", WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : WEXITSTATUS(status) == 2 ? "ENOMEM" : "ENDLESS");
    child = fork();
    if (!child) { /* memory that is promised, and then not there */
        char *p = mmap(NULL, 1u << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        for (size_t i = 0; p != MAP_FAILED && i < 1u << 30; i += 4096)
            p[i] = 1;
        _exit(p == MAP_FAILED ? 2 : 0);
    }
    waitpid(child, &status, 0);
    printf("promised memory: %s\n", WIFSIGNALED(status)   ? strsignal(WTERMSIG(status))
                                    : WEXITSTATUS(status) ? "ENOMEM"
                                                          : "ENDLESS");
    int areas = 0;
    void *first = mmap(NULL, 70000 * 8192u, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    while (areas < 70000 && first != MAP_FAILED && !mprotect((char *)first + areas * 8192u, 4096, PROT_READ))
        areas++;
    printf("areas: %s\n", areas == 70000 ? "ENDLESS" : strerrorname_np(errno));
    say("and after them", munmap(first, 70000 * 8192u));
}

static void process_bomb(void)
{
    int made = 0, error = 0, ended = 0;
    int hold[2];
    char c;
    if (pipe(hold))
        return;
    for (;;) {
        pid_t pid = fork();
        if (pid < 0) {
            error = errno;
            break;
        }
        if (!pid) { /* lives until its parent lets go */
            close(hold[1]);
            _exit(read(hold[0], &c, 1));
        }
        if (++made == 5000)
            break;
    }
    printf("processes: %d, then %s\n", made, strerrorname_np(error));
    close(hold[1]);
    close(hold[0]);
    /* Zombies count as well. */
    struct timespec pause = {0, 50000000};
    nanosleep(&pause, NULL);
    say("fork beside zombies", fork());
    while (waitpid(-1, NULL, 0) > 0)
        ended++;
    printf("ended: %s\n", ended == made ? "all" : "some");
    pid_t pid = fork();
    if (!pid)
        _exit(0);
    say("and after them", waitpid(pid, NULL, 0));
}

static void full(void)
{
    int fd = open("/dev/full", O_WRONLY);
    if (fd >= 0)
        say("full device", write(fd, "x", 1));
    close(fd);
    fd = open("large", O_RDWR | O_CREAT, 0666);
    say("beyond the host's limit", pwrite(fd, "x", 1, 64 << 20));
    say("truncate beyond it", ftruncate(fd, 64 << 20));
    say("below it", pwrite(fd, "x", 1, 1000));
    close(fd);
    unlink("large");
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    setvbuf(stdout, NULL, _IONBF, 0);
    paths(argv[1]);
    changes(argv[1]);
    descriptors();
    others(atoi(argv[2]));
    network();
    sockets(argv[1], argv[3]);
    socket_bomb();
    descriptor_bomb();
    memory_bomb();
    process_bomb();
    full();
    puts("still confined");
    return 0;
}
