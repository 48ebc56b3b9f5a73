/* What /proc says about the process itself, as far as it is the same everywhere: printed so that a run on the host and one on
 * Selkirk can be compared. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *what, long r) { printf("%s: %ld %s\n", what, r, r < 0 ? strerrorname_np(errno) : ""); }
#define SHOW(call) show(#call, (long)(call))

static char text[1 << 16];

static ssize_t slurp(const char *path)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1), all = n;
    while (n > 0 && (n = read(fd, text + all, sizeof text - 1 - (size_t)all)) > 0)
        all += n;
    if (fd >= 0)
        close(fd);
    text[all < 0 ? 0 : all] = 0;
    return all;
}

/* The number behind a name at the beginning of a line, or -1. */
static long value(const char *name, int base)
{
    for (char *at = text; (at = strstr(at, name)); at++)
        if (at == text || at[-1] == '\n')
            return strtol(at + strlen(name), NULL, base);
    return -1;
}

static void texts(void)
{
    static const char *const paths[] = {"self/status",
                                        "self/stat",
                                        "self/statm",
                                        "self/maps",
                                        "self/smaps",
                                        "self/limits",
                                        "self/cgroup",
                                        "self/mountinfo",
                                        "self/mounts",
                                        "self/comm",
                                        "self/cmdline",
                                        "self/auxv",
                                        "self/oom_score_adj",
                                        "thread-self/status",
                                        "cpuinfo",
                                        "meminfo",
                                        "stat",
                                        "uptime",
                                        "loadavg",
                                        "version",
                                        "filesystems",
                                        "mounts",
                                        "cmdline",
                                        "devices",
                                        "swaps",
                                        "sys/kernel/ostype",
                                        "sys/kernel/osrelease",
                                        "sys/kernel/version",
                                        "sys/kernel/hostname",
                                        "sys/kernel/pid_max",
                                        "sys/kernel/threads-max",
                                        "sys/kernel/cap_last_cap",
                                        "sys/kernel/random/uuid",
                                        "sys/kernel/random/boot_id",
                                        "sys/kernel/random/entropy_avail",
                                        "sys/vm/overcommit_memory",
                                        "sys/vm/max_map_count",
                                        "sys/vm/swappiness",
                                        "sys/fs/file-max",
                                        "sys/fs/nr_open",
                                        "sys/fs/pipe-max-size"};
    char path[300], first[64];
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        snprintf(path, sizeof path, "/proc/%s", paths[i]);
        printf("%s %d\n", path, slurp(path) > 0);
    }
    SHOW(open("/proc/self/nothing", O_RDONLY));
    SHOW(open("/proc/999999/stat", O_RDONLY));
    SHOW(open("/proc/sys/kernel/nothing", O_RDONLY));
    slurp("/proc/self/status");
    printf("pid %d parent %d threads %ld umask %ld uid %d blocked %ld\n", value("Pid:", 10) == getpid(),
           value("PPid:", 10) == getppid(), value("Threads:", 10), value("Umask:", 8), value("Uid:", 10) == getuid(),
           value("SigBlk:", 16));
    int pid, parent;
    char state, name[32];
    slurp("/proc/self/stat");
    printf("stat %d", sscanf(text, "%d (%31[^)]) %c %d", &pid, name, &state, &parent));
    printf(" %d %s %c %d", pid == getpid(), strncmp(name, "procfs", 6) ? name : "procfs", state, parent == getppid());
    int fields = 0;
    for (char *at = strtok(text, " "); at; at = strtok(NULL, " "))
        fields++;
    printf(" fields %d\n", fields);
    slurp("/proc/self/limits");
    printf("limits %.25s: %d\n", text, value("Max open files", 10) > 0);
    slurp("/proc/sys/kernel/random/uuid");
    memcpy(first, text, 37);
    slurp("/proc/sys/kernel/random/uuid");
    printf("uuid %zu %c, another one %d\n", strlen(text), text[14], memcmp(first, text, 36) != 0);
    slurp("/proc/meminfo");
    printf("memory %d\n", value("MemTotal:", 10) > value("MemFree:", 10));
    slurp("/proc/cpuinfo");
    static const char *const told[] = {"processor\t: 0\n", "cpu MHz\t\t: ", "siblings\t: ", "cpu cores\t: ", "bogomips\t: "};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        printf("%s%d", i ? " " : "cpuinfo ", strstr(text, told[i]) != NULL);
    puts("");
    slurp("/proc/stat");
    printf("cpu %d btime %d\n", !strncmp(text, "cpu ", 4), value("btime", 10) > 1000000000);
    /* The auxiliary vector is the one on the stack. */
    slurp("/proc/self/auxv");
    unsigned long *aux = (unsigned long *)text;
    int same = 1, n = 0;
    for (; aux[2 * n]; n++)
        same &= getauxval(aux[2 * n]) == aux[2 * n + 1];
    printf("auxv %d %d\n", n > 10, same);
}

/* The names in a folder, as far as they are asked for. */
static void look(const char *what, const char *path, const char *const *names)
{
    struct dirent *e;
    int seen = 0, all = 0, kinds[16] = {0};
    DIR *d = opendir(path);
    printf("%s: %s", what, d ? "" : strerrorname_np(errno));
    while (d && (e = readdir(d))) {
        all++;
        for (int i = 0; names[i]; i++)
            if (!strcmp(e->d_name, names[i]))
                seen++, kinds[i] = e->d_type;
    }
    for (int i = 0; names[i]; i++)
        printf(" %s/%d", atoi(names[i]) == getpid() ? "own" : names[i], kinds[i]);
    printf(" seen %d more %d\n", seen, all > seen);
    if (d)
        closedir(d);
}

static void folders(void)
{
    char own[16], path[64], link[300] = "", other[300];
    struct stat st;
    int p[2], fd, to[2];
    sprintf(own, "%d", getpid());
    look("/proc", "/proc", (const char *const[]){".", "..", own, "self", "sys", "cpuinfo", NULL});
    look("/proc/self", "/proc/self", (const char *const[]){"fd", "task", "exe", "cwd", "root", "stat", "maps", NULL});
    look("/proc/sys/kernel/", "/proc/sys/kernel/", (const char *const[]){"random", "ostype", NULL});
    sprintf(path, "/proc/%d/task", getpid());
    look("task", path, (const char *const[]){own, NULL});
    sprintf(path, "/proc/self/task/%d", getpid());
    look("thread", path, (const char *const[]){"stat", "status", "comm", NULL});
    look("/proc/self/nothing", "/proc/self/nothing", (const char *const[]){"x", NULL});
    look("/proc/self/stat", "/proc/self/stat", (const char *const[]){"x", NULL});
    pipe(p);
    fd = dup2(p[0], 77);
    look("/proc/self/fd", "/proc/self/fd", (const char *const[]){"0", "1", "2", "77", "78", NULL});
    int dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
    SHOW(readlinkat(dir, "77", link, sizeof link) > 0);
    printf("%.6s\n", link);
    sprintf(path, "/proc/self/fd/%d", p[1]);
    memset(other, 0, sizeof other);
    readlink(path, other, sizeof other - 1);
    printf("the same pipe %d\n", !strcmp(link, other));
    SHOW(readlinkat(dir, "78", link, sizeof link));
    SHOW(fstat(dir, &st));
    printf("folder %d\n", S_ISDIR(st.st_mode));
    SHOW(faccessat(dir, "77", R_OK, 0));
    SHOW((fd = openat(dir, "77", O_RDONLY | O_NONBLOCK)) >= 0);
    write(p[1], "x", 1);
    SHOW(read(fd, path, 1));
    SHOW(openat(dir, "new", O_WRONLY | O_CREAT, 0600) < 0);
    close(dir);
    memset(link, 0, sizeof link);
    SHOW(readlink("/proc/self", link, sizeof link) > 0);
    printf("self %d\n", atoi(link) == getpid());
    memset(link, 0, sizeof link);
    SHOW(readlink("/proc/self/cwd", link, sizeof link) > 0);
    printf("cwd %d\n", !strcmp(link, getcwd(other, sizeof other)));
    memset(link, 0, sizeof link);
    SHOW(readlink("/proc/self/root", link, sizeof link));
    puts(link);
    SHOW(open("/proc/self/fd", O_RDWR));
    SHOW(mkdir("/proc/x", 0700) < 0);
    /* A child that waits. */
    pipe(to);
    pid_t child = fork();
    if (!child) {
        close(to[1]);
        read(to[0], path, 1);
        _exit(0);
    }
    usleep(20000);
    sprintf(path, "/proc/%d/stat", child);
    slurp(path);
    char state = '?';
    int pid = 0, parent = 0;
    sscanf(text, "%d (%*[^)]) %c %d", &pid, &state, &parent);
    printf("child %d %c %d\n", pid == child, state, parent == getpid());
    sprintf(path, "/proc/%d/cmdline", child);
    printf("cmdline %d\n", slurp(path) > 0);
    close(to[1]);
    wait(NULL);
    SHOW(open(path, O_RDONLY));
}

/* What stat says of names in /proc: kinds, and that each is a thing of its own. */
static void kinds(void)
{
    static const char *const paths[] = {"/proc",
                                        "/proc/",
                                        "/proc/self",
                                        "/proc/self/",
                                        "/proc/self/fd",
                                        "/proc/self/task",
                                        "/proc/self/exe",
                                        "/proc/self/cwd",
                                        "/proc/self/root",
                                        "/proc/self/stat",
                                        "/proc/cpuinfo",
                                        "/proc/sys",
                                        "/proc/sys/kernel",
                                        "/proc/sys/kernel/ostype",
                                        "/proc/thread-self",
                                        "/proc/nothing",
                                        "/proc/self/fd/0",
                                        "/proc/self/fd/777"};
    char own[64], name[512], here[512];
    struct stat a, b;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        long one = lstat(paths[i], &a), two = stat(paths[i], &b);
        printf("%s: %ld %o, %ld %o\n", paths[i], one, one ? 0 : a.st_mode & S_IFMT, two,
               two || i == 16 ? 0 : b.st_mode & S_IFMT); /* what descriptor 0 is, is not ours to say */
    }
    sprintf(own, "/proc/%d", getpid());
    printf("same %d", !stat(own, &a) && !stat("/proc/self", &b) && a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    printf(", not the root %d", !stat("/", &b) && (a.st_ino != b.st_ino || a.st_dev != b.st_dev));
    printf(", not /proc %d\n", !stat("/proc", &b) && a.st_ino != b.st_ino);
    int fd = open("/proc", O_RDONLY | O_DIRECTORY);
    printf("folder %d", !fstat(fd, &a) && a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    int file = openat(fd, "cpuinfo", O_RDONLY);
    printf(" file %d", !fstat(file, &a) && !fstatat(fd, "cpuinfo", &b, 0) && a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    printf(" size %d", (int)a.st_size);
    printf(" link %d\n", !fstatat(fd, "self", &a, AT_SYMLINK_NOFOLLOW) && S_ISLNK(a.st_mode));
    close(file);
    close(fd);
    /* Through links. */
    getcwd(here, sizeof here);
    printf("cwd %d", !stat("/proc/self/cwd", &a) && !stat(here, &b) && a.st_ino == b.st_ino);
    printf(" root %d", !stat("/proc/self/root", &a) && !stat("/", &b) && a.st_ino == b.st_ino);
    fd = open("/proc/self/cwd", O_RDONLY | O_DIRECTORY);
    printf(" opened %d\n", fd > 2 && !fstat(fd, &a) && !stat(".", &b) && a.st_ino == b.st_ino);
    close(fd);
    SHOW(open("/proc/self/root/nothing/there", O_RDONLY));
    sprintf(name, "/proc/self/task/%d", getpid());
    look("a thread", name, (const char *const[]){".", "..", "fd", "task", "stat", "exe", NULL});
    sprintf(name, "/proc/self/task/%d/task", getpid());
    SHOW(open(name, O_RDONLY));
    if (!(fd = fork()))
        for (;;)
            pause();
    sprintf(name, "/proc/%d/exe", fd);
    printf("a child's program %d\n", !stat(name, &a) && !stat("/proc/self/exe", &b) && a.st_ino == b.st_ino);
    kill(fd, SIGKILL);
    wait(NULL);
    SHOW(open("/proc/self/cwd/nothing", O_RDONLY));
}

/* A path as it is, but for the process's number. */
static void show_path(const char *path)
{
    char own[16];
    size_t n = (size_t)sprintf(own, "%d", getpid());
    for (const char *at = path; *at; at++) {
        if (!strncmp(at, own, n) && at > path && at[-1] == '/' && (!at[n] || at[n] == '/')) {
            putchar('N');
            at += n - 1;
        } else {
            putchar(*at);
        }
    }
    putchar('\n');
}

static void show_cwd(const char *to)
{
    char path[300] = "";
    int r = chdir(to);
    printf("%s: %s ", to, r ? strerrorname_np(errno) : "");
    show_path(r || !getcwd(path, sizeof path) ? "" : path);
}

static void show_file(const char *path)
{
    struct stat st;
    printf("%s: %zd ", path, slurp(path) > 0 ? 1 : slurp(path));
    printf("%s, ", slurp(path) < 0 ? strerrorname_np(errno) : "");
    printf("%o\n", stat(path, &st) ? 0 : st.st_mode & S_IFMT);
}

/* Folders of /proc as the current one, and paths that go into it and out of it again. */
static void ways(void)
{
    char here[300], path[600], link[300] = "";
    struct stat a, b;
    int back = open(".", O_RDONLY | O_DIRECTORY), dir;
    getcwd(here, sizeof here);
    show_cwd("/proc");
    show_file("self/stat");
    show_file("./sys//kernel/ostype");
    show_file("../proc/version");
    show_file("nothing");
    show_file("version/x");
    show_file("version/");
    SHOW(open("nothing", O_CREAT | O_WRONLY, 0600));
    SHOW(mkdir("nothing", 0700));
    SHOW(unlink("nothing"));
    SHOW(rename("nothing", "other"));
    show_cwd("self");
    printf("by name %d\n", !stat(".", &a) && !stat("/proc/self/", &b) && a.st_ino == b.st_ino);
    look("here", ".", (const char *const[]){"fd", "stat", "cwd", NULL});
    SHOW(readlink("exe", path, sizeof path) > 0);
    readlink("cwd", link, sizeof link);
    show_path(link);
    show_cwd("fd");
    show_cwd("../..");
    show_cwd("version");
    show_cwd("self/nothing");
    show_cwd("thread-self");
    show_cwd("../..");
    show_cwd("../../..");
    show_cwd("root/");
    SHOW(chdir("/proc/self"));
    if (!fork()) { /* it is the parent's */
        printf("%d\n", !access("stat", R_OK) && atoi((slurp("stat"), text)) == getppid());
        fflush(stdout);
        _exit(0);
    }
    fflush(stdout);
    wait(NULL);
    SHOW(fchdir(back));
    dir = open("/proc/self", O_RDONLY | O_DIRECTORY);
    SHOW(openat(dir, "stat", O_RDONLY) >= 0);
    SHOW(fstatat(dir, "root/etc", &a, 0));
    SHOW(fstatat(dir, "cwd/nothing", &a, 0));
    SHOW(faccessat(dir, "../version", R_OK, 0));
    SHOW(fchdir(dir));
    show_cwd(".");
    SHOW(fchdir(back));
    show_file("/proc/self/root/proc/version");
    show_file("/proc/self/root/../proc/self/root/proc/version");
    show_file("/proc/nothing/../version");
    show_file("/proc/version/../version");
    show_file("/../proc/./version");
    show_file("/etc/../proc/version");
    /* The program's own links. */
    symlink("/proc/self", "link");
    symlink("link/version", "second");
    symlink("link/../version", "third");
    symlink("/proc/self/root/proc/self/comm", "fourth");
    for (const char *const *n =
             (const char *const[]){"link", "link/comm", "second", "third", "fourth", "link/cwd/link/comm", NULL};
         *n; n++)
        show_file(*n);
    printf("%d %d\n", !lstat("link", &a) && S_ISLNK(a.st_mode), !lstat("link/", &a) && S_ISDIR(a.st_mode));
    sprintf(path, "/proc/self/fd/%d/third", back);
    printf("by descriptor %zd %d\n", slurp(path) > 0, !stat(path, &a) && S_ISREG(a.st_mode));
    sprintf(path, "/proc/%d/fd/%d", getpid(), back);
    printf("folder %d %d\n", !stat(path, &a) && S_ISDIR(a.st_mode), open(path, O_RDONLY | O_DIRECTORY) > 2);
    sprintf(path, "/proc/%d/cwd/link/comm", getpid());
    printf("by number %d\n", slurp(path) > 0);
    for (const char *n = "link\0second\0third\0fourth\0"; *n; n += strlen(n) + 1)
        unlink(n);
    close(back);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOFBF, 65536);
    umask(022);
    texts();
    fflush(stdout);
    folders();
    kinds();
    ways();
    return 0;
}
