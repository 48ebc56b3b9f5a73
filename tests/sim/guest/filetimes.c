/* Times of files that a program makes and changes, against its clock. Relations are printed, not times; the output is compared
 * with the host's. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#define NS INT64_C(1000000000)

static int64_t ns(struct timespec t) { return t.tv_sec * NS + t.tv_nsec; }

/* The host's files have the time of the last tick. */
static int64_t tick(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME_COARSE, &t);
    return ns(t);
}

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return ns(t);
}

static struct stat of(const char *name)
{
    struct stat st;
    if (lstat(name, &st))
        memset(&st, 0, sizeof st);
    return st;
}

static int64_t begin;

/* Which of a file's times are since `begin` and not to come. */
static void fresh(const char *what, const char *name)
{
    struct stat st = of(name);
    const struct timespec t[3] = {st.st_atim, st.st_mtim, st.st_ctim};
    struct statx sx;
    int64_t end = now();
    printf("%s:", what);
    for (int i = 1; i < 3; i++)
        printf(" %s", ns(t[i]) < begin ? "old" : ns(t[i]) > end ? "to come" : "now");
    if (!statx(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, STATX_ALL, &sx))
        printf(" %d%d%d", sx.stx_mtime.tv_sec == t[1].tv_sec && sx.stx_mtime.tv_nsec == t[1].tv_nsec,
               sx.stx_ctime.tv_sec == t[2].tv_sec && sx.stx_ctime.tv_nsec == t[2].tv_nsec,
               !(sx.stx_mask & STATX_BTIME) || sx.stx_btime.tv_sec * NS + sx.stx_btime.tv_nsec <= end);
    putchar('\n');
}

static void put(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_APPEND, 0644);
    write(fd, text, strlen(text));
    close(fd);
}

static void pass(int ms)
{
    struct timespec t = {0, ms * 1000000};
    nanosleep(&t, NULL);
    begin = tick();
}

static void changes(void)
{
    int fd;
    begin = tick();
    put("a", "first");
    fresh("made", "a");
    fresh("its folder", ".");
    pass(20);
    printf("and not since: %d\n", ns(of("a").st_mtim) < begin);
    put("a", "second");
    fresh("written", "a");
    pass(20);
    chmod("a", 0600);
    fresh("mode", "a");
    pass(20);
    truncate("a", 3);
    fresh("cut", "a");
    pass(20);
    fd = open("a", O_RDWR | O_TRUNC);
    fresh("opened anew", "a");
    pass(20);
    posix_fallocate(fd, 0, 4096);
    fresh("allocated", "a");
    pass(20);
    write(fd, "", 0);
    fresh("nothing written", "a");
    char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    m[0] = 'x';
    msync(m, 4096, MS_SYNC);
    munmap(m, 4096);
    close(fd);
    fresh("mapped", "a");
    pass(20);
    link("a", "b");
    fresh("linked", "a");
    pass(20);
    rename("b", "c");
    fresh("renamed", "c");
    pass(20);
    symlink("a", "d");
    mkdir("e", 0755);
    mkfifo("f", 0644);
    fresh("link", "d");
    fresh("folder", "e");
    fresh("FIFO", "f");
    pass(20);
    put("e/g", "");
    fresh("folder with a file", "e");
    pass(20);
    unlink("e/g");
    fresh("and without", "e");
    struct sockaddr_un s = {AF_UNIX, "h"};
    int sock = socket(AF_UNIX, SOCK_STREAM, 0);
    printf("%d\n", bind(sock, (struct sockaddr *)&s, sizeof s));
    fresh("socket", "h");
    close(sock);
    for (const char *n = "c\0d\0f\0h\0"; *n; n += 2)
        unlink(n);
    rmdir("e");
}

/* Files that are written one after the other, by several processes, some waiting between: none is older than the one before. */
static void order(void)
{
    struct stat last = of("a"), st;
    char name[8] = "n0";
    int younger = 0, same = 0;
    for (int i = 0; i < 26; i++) {
        name[1] = (char)('a' + i);
        if (i % 3 == 1)
            pass(20);
        fflush(stdout);
        if (i % 5 == 4 && !fork()) {
            put(name, "child");
            _exit(0);
        }
        if (i % 5 == 4)
            wait(NULL);
        else
            put(name, "parent");
        st = of(name);
        if (ns(st.st_mtim) < ns(last.st_mtim) || ns(st.st_mtim) > now())
            printf("%s is out of order\n", name);
        younger += i % 3 == 1 && ns(st.st_mtim) > ns(last.st_mtim);
        same += ns(of(name).st_mtim) == ns(st.st_mtim);
        last = st;
        unlink(name);
    }
    printf("%d younger, %d the same when asked again\n", younger, same);
}

static void show_set(const char *what, const char *name, struct timespec a, struct timespec m)
{
    struct stat st = of(name);
    printf("%s: %d %d\n", what, ns(st.st_atim) == ns(a), ns(st.st_mtim) == ns(m));
}

/* Times that are set are the times that are seen. */
static void settings(void)
{
    struct timespec old = {1000000000, 123456789}, t[2];
    clock_gettime(CLOCK_REALTIME, &t[0]);
    pass(20);
    clock_gettime(CLOCK_REALTIME, &t[1]);
    const struct timespec first = t[0], second = t[1], mid = {second.tv_sec, second.tv_nsec / 2};
    pass(20);
    utimensat(AT_FDCWD, "a", t, 0);
    show_set("within the run", "a", first, second);
    fresh("its state", "a");
    put("b", "");
    utimensat(AT_FDCWD, "b", (struct timespec[2]){second, first}, 0);
    show_set("another", "b", second, first);
    show_set("the first still", "a", first, second);
    utimensat(AT_FDCWD, "a", (struct timespec[2]){{0, UTIME_OMIT}, old}, 0);
    show_set("long ago", "a", first, old);
    utimensat(AT_FDCWD, "a", (struct timespec[2]){{1999999999, 7}, {0, UTIME_OMIT}}, 0);
    show_set("to come", "a", (struct timespec){1999999999, 7}, old);
    begin = tick();
    utimensat(AT_FDCWD, "a", (struct timespec[2]){old, {0, UTIME_NOW}}, 0);
    fresh("now", "a");
    printf("%d\n", ns(of("a").st_atim) == ns(old));
    futimes(open("a", O_RDWR), (struct timeval[2]){{second.tv_sec, 999999}, {first.tv_sec - 1, 1}});
    show_set("microseconds", "a", (struct timespec){second.tv_sec, 999999000}, (struct timespec){first.tv_sec - 1, 1000});
    utime("a", &(struct utimbuf){first.tv_sec, 77});
    show_set("seconds", "a", (struct timespec){first.tv_sec, 0}, (struct timespec){77, 0});
    pass(20);
    utimensat(AT_FDCWD, "a", NULL, 0);
    fresh("touched", "a");
    printf("%d\n", ns(of("a").st_atim) >= begin);
    symlink("a", "l");
    utimensat(AT_FDCWD, "l", (struct timespec[2]){second, mid}, AT_SYMLINK_NOFOLLOW);
    show_set("a link's", "l", second, mid);
    fresh("not what it leads to", "a");
    errno = 0;
    printf("%d", utimensat(AT_FDCWD, "a", (struct timespec[2]){{1, NS}, {1, 0}}, 0));
    printf(" %s\n", strerrorname_np(errno));
    for (const char *n = "a\0b\0l\0"; *n; n += 2)
        unlink(n);
}

int main(void)
{
    changes();
    order();
    settings();
    return 0;
}
