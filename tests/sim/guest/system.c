/* What the kernel says of processes: identities, capabilities, limits, priorities, personality, pages in memory. Printed so that
 * a run on the host and one on Selkirk can be compared. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static char home[4096];

static void show(const char *what, long r) { printf("%s: %ld %s\n", what, r, r < 0 ? strerrorname_np(errno) : ""); }
#define SHOW(call) show(#call, (long)(call))

/* Programs such as make set their identities to what these are. */
static void identity(void)
{
    uid_t real, effective, saved;
    SHOW(setresuid(-1, geteuid(), -1));
    SHOW(setresuid(getuid(), geteuid(), geteuid()));
    SHOW(setresgid(-1, getegid(), getegid()));
    SHOW(setreuid(getuid(), -1));
    SHOW(setregid(-1, getegid()));
    SHOW(setuid(getuid()));
    SHOW(setgid(getgid()));
    SHOW(setuid(-1));
    SHOW(setfsuid(-1) == geteuid());
    SHOW(setfsgid(getegid()) == getegid());
    SHOW(getresuid(&real, &effective, &saved));
    printf("%d\n", real == getuid() && effective == geteuid() && saved == effective);
}

static void capabilities(void)
{
    uint32_t header[2] = {0x20080522, 0}, sets[6];
    SHOW(syscall(SYS_capget, header, sets));
    header[0] = 0x19980330;
    SHOW(syscall(SYS_capget, header, sets));
    header[0] = 5;
    SHOW(syscall(SYS_capget, header, NULL));
    printf("version %x\n", header[0]);
    SHOW(syscall(SYS_capget, header, NULL));
    header[0] = 5;
    SHOW(syscall(SYS_capget, header, sets));
    header[1] = 999999;
    SHOW(syscall(SYS_capget, header, sets));
    SHOW(syscall(SYS_capget, NULL, sets));
    memset(sets, 0, sizeof sets);
    header[1] = 0;
    if (!fork()) /* which gives up what it has */
        _exit(syscall(SYS_capset, header, sets) ? errno : 0);
    int status;
    wait(&status);
    printf("capset %d\n", WEXITSTATUS(status));
}

static void limits(void)
{
    struct rlimit l = {20, 40}, old;
    int fd[30], n = 0;
    SHOW(setrlimit(RLIMIT_NOFILE, &l));
    SHOW(getrlimit(RLIMIT_NOFILE, &l));
    printf("%ld %ld\n", (long)l.rlim_cur, (long)l.rlim_max);
    while (n < 30 && (fd[n] = dup(1)) >= 0)
        n++;
    printf("highest %d, then %s\n", fd[n - 1], strerrorname_np(errno));
    while (n)
        close(fd[--n]);
    SHOW(dup2(1, 20));
    SHOW(dup2(1, 19));
    SHOW(close(19));
    l = (struct rlimit){30, 20};
    SHOW(setrlimit(RLIMIT_NOFILE, &l));
    l = (struct rlimit){1 << 20, RLIM_INFINITY};
    SHOW(setrlimit(RLIMIT_FSIZE, &l));
    l = (struct rlimit){4096, RLIM_INFINITY};
    SHOW(prlimit(0, RLIMIT_FSIZE, &l, &old));
    printf("%ld %d\n", (long)old.rlim_cur, old.rlim_max == RLIM_INFINITY);
    SHOW(prlimit(0, 99, NULL, &old));
    SHOW(prlimit(999999, RLIMIT_FSIZE, NULL, &old));
    if (!fork()) {
        getrlimit(RLIMIT_FSIZE, &l);
        _exit(l.rlim_cur >> 8);
    }
    int status;
    wait(&status);
    printf("inherited %d\n", WEXITSTATUS(status));
}

static void priorities(void)
{
    int start = getpriority(PRIO_PROCESS, 0); /* the host may have begun with another one */
    SHOW(setpriority(PRIO_PROCESS, 0, start + 1));
    SHOW(getpriority(PRIO_PROCESS, getpid()) - start);
    SHOW(nice(1) - start);
    SHOW(setpriority(PRIO_PROCESS, 0, 100));
    SHOW(getpriority(PRIO_PROCESS, 0));
    SHOW(getpriority(9, 0));
    SHOW(getpriority(PRIO_PROCESS, 999999));
    SHOW(setpriority(PRIO_PROCESS, 999999, 0));
    printf("seccomp %ld\n", syscall(SYS_seccomp, 0, 1, NULL)); /* refused for its flags, or because there is none */
    SHOW(syscall(SYS_ioprio_set, 1, 0, 3 << 13));
    SHOW(syscall(SYS_ioprio_get, 1, 0));
    SHOW(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6));
    SHOW(syscall(SYS_ioprio_get, 1, getpid()));
    SHOW(syscall(SYS_ioprio_set, 1, 0, 6 << 13));
    SHOW(syscall(SYS_ioprio_get, 4, 0));
    SHOW(syscall(SYS_ioprio_get, 1, 999999));
    int status;
    if (!fork())
        _exit(getpriority(PRIO_PROCESS, 0) * 10 + (syscall(SYS_ioprio_get, 1, 0) & 7));
    wait(&status);
    printf("inherited %d\n", WEXITSTATUS(status));
}

static void names(void)
{
    struct utsname u;
    SHOW(personality(0xffffffff) & 0xff);
    SHOW(personality(PER_LINUX32));
    SHOW(uname(&u));
    puts(u.machine);
    SHOW(personality(PER_LINUX));
    SHOW(uname(&u));
    puts(u.machine);
}

static void pages(void)
{
    unsigned char here[3] = {9, 9, 9};
    char *at = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    SHOW(mincore(at, 2 * 4096 + 1, here));
    printf("%d %d %d\n", here[0] & 1, here[1] & 1, here[2] & 1);
    SHOW(munmap(at + 4096, 4096));
    SHOW(mincore(at, 2 * 4096, here));
    SHOW(mincore(at + 1, 1, here));
    SHOW(mincore(at, 4096, NULL));
}

/* Files of /dev/shm, by glibc's functions and by name. */
static void memory_files(void)
{
    char name[40], other[60], buf[8] = "";
    struct stat st;
    snprintf(name, sizeof name, "/selkirk-%d", getpid());
    snprintf(other, sizeof other, "/dev/shm%s-2", name);
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    printf("made %d\n", fd >= 0);
    SHOW(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
    SHOW(ftruncate(fd, 5000));
    char *at = mmap(NULL, 5000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (!fork()) {
        int own = shm_open(name, O_RDWR, 0);
        char *here = mmap(NULL, 5000, PROT_READ | PROT_WRITE, MAP_SHARED, own, 0);
        strcpy(here + 4096, "child");
        _exit(0);
    }
    wait(NULL);
    puts(at + 4096);
    char first[60];
    snprintf(first, sizeof first, "/dev/shm%s", name);
    SHOW(stat(first, &st));
    printf("%o %ld\n", (unsigned)st.st_mode, (long)st.st_size);
    SHOW(link(first, other));
    SHOW(link(first, other));
    SHOW(shm_unlink(name));
    SHOW(shm_unlink(name));
    SHOW(access(first, F_OK));
    SHOW(rename(other, first));
    SHOW(access(first, R_OK | W_OK));
    int again = open(first, O_RDONLY);
    SHOW(pread(again, buf, 5, 4096));
    puts(buf);
    SHOW(rmdir(first));
    SHOW(rename(first, "here"));
    SHOW(unlink(first));
    SHOW(open(first, O_RDONLY));
    sem_t *s = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
    printf("semaphore %d\n", s != SEM_FAILED);
    SHOW(sem_wait(s));
    SHOW(sem_trywait(s));
    if (!fork()) {
        sem_t *own = sem_open(name, 0);
        _exit(sem_post(own));
    }
    SHOW(sem_wait(s));
    SHOW(sem_unlink(name));
    SHOW(sem_unlink(name));
    wait(NULL);
}

/* Files without a name, and links that are opened themselves. */
static void oddities(void)
{
    char text[20] = "", path[60];
    struct stat st;
    FILE *f = tmpfile();
    printf("tmpfile %d\n", f != NULL);
    fputs("text", f);
    rewind(f);
    printf("%s\n", fgets(text, sizeof text, f));
    fclose(f);
    SHOW(chdir(home));
    int fd = open(".", O_TMPFILE | O_RDWR, 0640);
    SHOW(fstat(fd, &st));
    printf("%o %ld\n", (unsigned)st.st_mode, (long)st.st_nlink);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    SHOW(unlink("named"));
    fd = open("/tmp", O_TMPFILE | O_RDWR | O_EXCL, 0600);
    SHOW(write(fd, "x", 1));
    SHOW(open("/tmp", O_TMPFILE | O_RDONLY, 0600));
    SHOW(symlink("target", "link"));
    fd = open("link", O_PATH | O_NOFOLLOW);
    SHOW(fstat(fd, &st));
    printf("%o\n", (unsigned)(st.st_mode & S_IFMT));
    SHOW(readlinkat(fd, "", text, sizeof text));
    SHOW(read(fd, text, 1));
    SHOW(fchmodat(AT_FDCWD, "link", 0700, AT_SYMLINK_NOFOLLOW));
    SHOW(open("link", O_RDONLY | O_NOFOLLOW));
    SHOW(unlink("link"));
    SHOW(unlink("named"));
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    getcwd(home, sizeof home);
    identity();
    capabilities();
    names();
    pages();
    priorities();
    memory_files();
    oddities();
    limits();
    return 0;
}
