/* Guest paths to host descriptors, and the confinement of the guest.
 *
 * With a root folder given (confined), every path is resolved inside it by openat2's RESOLVE_IN_ROOT. Without one, the guest
 * sees the host's paths, may read them, and may change only what lies below the folder it was started in. In neither case does
 * the host's kernel follow a "magic" link such as /proc/self/fd/5 or /proc/1/root, whatever symbolic links lead there.
 *
 * Every path is first walked to an O_PATH descriptor, which has no side effect. What may be done with it is judged on that
 * descriptor (file system, kind, canonical path), and the operation then goes through /proc/self/fd/N, so that nothing can
 * change in between. The host's /proc would show the simulator, so the guest has emulated names instead: a path that leads there,
 * be it through the guest's own links, is turned into such a name, and one that a link there leads to is a path like any other.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "file_times.h"
#include "linux.h"

struct path_link path_link(int host_fd)
{
    struct path_link n;
    snprintf(n.text, sizeof n.text, "/proc/self/fd/%d", host_fd);
    return n;
}

static int canonical(int fd, char out[LINUX_PATH])
{
    ssize_t n = readlink(path_link(fd).text, out, LINUX_PATH - 1);
    if (n < 0)
        return -errno;
    out[n] = 0;
    return 0;
}

bool path_inside(const char *path, const char *root)
{
    size_t n = strlen(root);
    if (n == 1)
        return true;
    return !strncmp(path, root, n) && (path[n] == '/' || path[n] == 0);
}

/* The path of a host descriptor as the guest knows it. */
int path_of(struct linux_process *p, int host_fd, char out[LINUX_PATH])
{
    int r = canonical(host_fd, out);
    if (r < 0 || !p->k->confined || strlen(p->k->root_path) == 1)
        return r;
    if (!path_inside(out, p->k->root_path))
        return -ENOENT;
    size_t n = strlen(p->k->root_path);
    memmove(out, out + n, strlen(out + n) + 1);
    if (!out[0])
        strcpy(out, "/");
    return 0;
}

int path_copy(struct linux_process *p, char path[LINUX_PATH], uint64_t addr)
{
    for (size_t n = 0; n < LINUX_PATH;) {
        size_t chunk = MM_PAGE - (addr + n) % MM_PAGE;
        if (chunk > LINUX_PATH - n)
            chunk = LINUX_PATH - n;
        if (!user_get(p, path + n, addr + n, chunk))
            return -EFAULT;
        if (memchr(path + n, 0, chunk))
            return 0;
        n += chunk;
    }
    return -ENAMETOOLONG;
}

static int base_fd(struct linux_process *p, int dirfd)
{
    if (dirfd == AT_FDCWD)
        return p->files->cwd_fd;
    return fd_host(p, (uint32_t)dirfd);
}

static int walk(const struct linux_kernel *k, int base, const char *path, int flags, uint64_t resolve)
{
    struct open_how how = {.flags = (unsigned)flags, .resolve = resolve | RESOLVE_NO_MAGICLINKS};
    long fd = syscall(SYS_openat2, base, path, &how, sizeof how);
    if (fd < 0 && errno == ENOSYS && k->trusted)
        fd = openat(base, path, flags);
    return fd < 0 ? -errno : (int)fd;
}

bool path_works(const struct linux_kernel *k)
{
    int fd = walk(k, k->root_fd, ".", O_PATH | O_CLOEXEC, RESOLVE_IN_ROOT);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int walk_confined(struct linux_process *p, int base, const char *path, int flags)
{
    char full[2 * LINUX_PATH];
    if (path[0] != '/') {
        int r = path_of(p, base, full);
        if (r < 0)
            return r;
        size_t n = strlen(full);
        snprintf(full + n, sizeof full - n, "/%s", path);
        path = full;
    }
    return walk(p->k, p->k->root_fd, path, flags, RESOLVE_IN_ROOT);
}

int path_judge(struct linux_process *p, int fd, bool write)
{
    struct statfs fs;
    char path[LINUX_PATH];
    if (fstatfs(fd, &fs))
        return -errno;
    if (fs.f_type == PROC_SUPER_MAGIC)
        return -ENOENT;
    if (!write || p->k->confined)
        return 0;
    int r = canonical(fd, path);
    if (r < 0)
        return r;
    return path_inside(path, p->k->root_path) ? 0 : -EROFS;
}

int path_may_change(struct linux_process *p, int fd)
{
    char path[LINUX_PATH];
    int r = canonical(fd, path);
    if (r < 0)
        return r;
    return path[0] != '/' || path_inside(path, p->k->root_path) ? 0 : -EROFS; /* others are pipes and sockets */
}

/* "/proc/self/fd/3" in its one form, "/dev/stdin" and the like name what the guest has open. */
static bool special(struct linux_process *p, const char *path, const struct linux_file **f)
{
    static const char *const names[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
    static const char folder[] = "/dev/fd/";
    struct linux_process *of = p;
    uint32_t fd = LINUX_FDS;
    size_t n = strlen(folder);
    bool found = proc_fd(p, path, &of, &fd);
    for (uint32_t i = 0; i < 3; i++) {
        if (!strcmp(path, names[i])) {
            fd = i;
            found = true;
        }
    }
    if (!strncmp(path, folder, n) && path[n] >= '0' && path[n] <= '9') {
        found = true;
        if (!path[n + strspn(path + n, "0123456789")] && strlen(path + n) < 9)
            fd = (uint32_t)atoi(path + n);
    }
    *f = found ? fd_file(of, fd) : NULL;
    return found;
}

const struct linux_file *path_special(struct linux_process *p, int dirfd, const char *path)
{
    char full[LINUX_PATH];
    const struct linux_file *f;
    special(p, proc_path(p, dirfd, path, true, full), &f);
    return f;
}

/* Another descriptor for what a path names by the number of a descriptor. */
static int special_node(struct linux_process *p, const struct linux_file *f, bool write)
{
    if (!f)
        return -ENOENT;
    if (tty_is(f))
        return tty_file_node(f);
    int r = write ? f->proc ? -EACCES : path_may_change(p, f->host) : 0;
    return r < 0 ? r : fd_copy(f->host);
}

enum { HOPS = 8 }; /* links of the guest's into /proc and out of it again */

/* A descriptor of one part of a path without links. */
static int look_at(const struct linux_kernel *k, const char *path)
{
    return walk(k, k->root_fd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC, k->confined ? RESOLVE_IN_ROOT : 0);
}

/* Whether a path leads to the guest's /proc by symbolic links, by .. or from the root as the current folder: as the host's is not
 * the guest's, the host cannot walk there. Looks at one part after the other; what comes of it is a name, which is walked anew. */
static bool leads_to_proc(struct linux_process *p, int dirfd, const char *path, bool follow, char full[LINUX_PATH])
{
    enum { LINKS = 40 };
    char at[LINUX_PATH] = "", rest[LINUX_PATH], link[LINUX_PATH];
    const int base = path[0] == '/' ? p->k->root_fd : base_fd(p, dirfd);
    if (base < 0 || (path[0] != '/' && (path_of(p, base, at) < 0 || at[0] != '/')))
        return false;
    if (!at[1])
        at[0] = 0; /* the root */
    strcpy(rest, path);
    for (int links = 0; links < LINKS;) {
        const char *name = rest + strspn(rest, "/");
        size_t size = strcspn(name, "/"), n = strlen(at);
        const char *behind = name + size;
        bool last = !behind[strspn(behind, "/")];
        if (!size || n + size + 2 > LINUX_PATH)
            return false;
        if (size == 2 && !strncmp(name, "..", 2)) {
            at[n ? strrchr(at, '/') - at : 0] = 0;
        } else if (size != 1 || name[0] != '.') {
            snprintf(at + n, sizeof at - n, "/%.*s", (int)size, name);
            if (!strcmp(at, "/proc"))
                return snprintf(full, LINUX_PATH, "/proc%s", behind) < LINUX_PATH;
            int fd = last && !follow && !*behind ? -1 : look_at(p->k, at);
            if (fd < 0)
                return false;
            ssize_t got = readlinkat(fd, "", link, sizeof link - 1);
            close(fd);
            if (got > 0) {
                link[got] = 0;
                char joined[2 * LINUX_PATH];
                if (snprintf(joined, sizeof joined, "%s%s", link, behind) >= LINUX_PATH)
                    return false;
                strcpy(rest, joined);
                at[link[0] == '/' ? 0 : n] = 0;
                links++;
                continue;
            }
        }
        memmove(rest, behind, strlen(behind) + 1);
    }
    return false;
}

/* Why a name in /proc is not there: a part of it is none, or no folder. */
static int missing(struct linux_process *p, const char *path)
{
    char part[LINUX_PATH];
    struct stat st;
    strcpy(part, path);
    for (char *end = strrchr(part, '/'); end > part; end = strrchr(part, '/')) {
        *end = 0;
        if (proc_stat(p, part, true, &st))
            return S_ISREG(st.st_mode) ? -ENOTDIR : -ENOENT;
    }
    return -ENOENT;
}

/* A terminal by its number in /dev/pts, which is `base`. -EINVAL: it is none. */
static int own_terminal(struct linux_process *p, int base, const char *path)
{
    char name[LINUX_PATH];
    size_t n = strspn(path, "0123456789");
    if (!n || n > 8 || path[n] || path_of(p, base, name) < 0 || strcmp(name, "/dev/pts") != 0)
        return -EINVAL;
    snprintf(name + strlen(name), sizeof name - strlen(name), "/%s", path);
    return tty_node(p, name);
}

/* As path_find, of a path that leads to /proc only as it is spelled. */
static int find(struct linux_process *p, int dirfd, const char *path, bool follow, bool write, char where[LINUX_PATH])
{
    char full[LINUX_PATH];
    const struct linux_file *f;
    where[0] = 0;
    path = proc_path(p, dirfd, path, follow, full);
    bool proc = !strcmp(path, "/proc") || !strncmp(path, "/proc/", 6);
    if (proc)
        strcpy(where, path);
    int flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
    int base = path[0] == '/' ? p->k->root_fd : base_fd(p, dirfd), r;
    if (base < 0)
        return base;
    if (!path[0])
        return -ENOENT;
    if (shm_is(path))
        return shm_node(p, path);
    if (follow && special(p, path, &f)) {
        if (!f || !f->proc)
            where[0] = 0;
        else
            strcpy(where, f->proc);
        return special_node(p, f, write);
    }
    int fd = tty_node(p, path);
    if (fd != -EINVAL)
        return fd;
    if (follow && proc_is_exe(p, path)) {
        where[0] = 0;
        fd = fd_copy(p->space->exe_fd);
    } else {
        fd = proc_node(p, path);
    }
    if (fd == -ENOENT && proc_is_folder(p, path))
        fd = fd_copy(p->k->root_fd);
    if (fd >= 0) {
        if (write) {
            close(fd);
            return -EACCES;
        }
        return fd;
    }
    if (proc)
        return missing(p, path);
    fd = p->k->confined ? walk_confined(p, base, path, flags) : walk(p->k, base, path, flags, 0);
    if ((fd >= 0 || fd == -ENOENT) && path[0] != '/' && (r = own_terminal(p, base, path)) != -EINVAL) {
        if (fd >= 0)
            close(fd);
        return r;
    }
    if (fd < 0)
        return fd;
    r = path_judge(p, fd, write);
    if (r < 0) {
        close(fd);
        return r;
    }
    return fd;
}

int path_find(struct linux_process *p, int dirfd, const char *path, bool follow, bool write, char where[LINUX_PATH])
{
    char full[LINUX_PATH], spelled[LINUX_PATH];
    for (int hops = 0;; hops++) {
        path = proc_path(p, dirfd, path, follow, spelled);
        int fd = find(p, dirfd, path, follow, write, where);
        if ((fd != -ENOENT && fd != -ELOOP) || where[0] || !path[0])
            return fd;
        if (!leads_to_proc(p, dirfd, path, follow, full))
            return fd;
        if (hops == HOPS)
            return -ELOOP;
        path = full;
        dirfd = AT_FDCWD;
    }
}

int path_node(struct linux_process *p, int dirfd, const char *path, bool follow, bool write)
{
    char where[LINUX_PATH];
    return path_find(p, dirfd, path, follow, write, where);
}

int path_parent(struct linux_process *p, int dirfd, const char *path, char name[256])
{
    char folder[LINUX_PATH + 1], where[LINUX_PATH];
    size_t n = strlen(path);
    if (!n)
        return -ENOENT;
    while (n > 1 && path[n - 1] == '/')
        n--;
    size_t start = n;
    while (start > 0 && path[start - 1] != '/')
        start--;
    if (n - start > 255)
        return -ENAMETOOLONG;
    memcpy(name, path + start, n - start);
    name[n - start] = 0;
    if (!name[0]) /* the root itself */
        strcpy(name, ".");
    snprintf(folder, sizeof folder, "%.*s", (int)start, path);
    int r = path_find(p, dirfd, start ? folder : ".", true, true, where);
    if (r != -EACCES || !where[0])
        return r;
    r = path_find(p, dirfd, path, false, false, where);
    if (r >= 0)
        close(r);
    return r < 0 ? r : -EPERM; /* in /proc: nothing can be made there, and what is there stays */
}

/* Devices that a program may open: those without state of the host. */
static int open_device(const struct stat *st, enum linux_fd_kind *kind)
{
    static const struct {
        unsigned major, minor;
        enum linux_fd_kind kind;
    } allowed[] = {
        {1, 3, FD_HOST}, {1, 5, FD_HOST}, {1, 7, FD_HOST}, {1, 8, FD_RANDOM}, {1, 9, FD_RANDOM}, {5, 0, FD_HOST},
    };
    for (size_t i = 0; S_ISCHR(st->st_mode) && i < sizeof allowed / sizeof *allowed; i++) {
        if (allowed[i].major == major(st->st_rdev) && allowed[i].minor == minor(st->st_rdev)) {
            *kind = allowed[i].kind;
            return 0;
        }
    }
    return -EACCES;
}

static int reopen(struct linux_process *p, int node, int flags, unsigned mode, enum linux_fd_kind *kind)
{
    struct stat st;
    bool write = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
    int r = 0;
    if (fstat(node, &st))
        return -errno;
    *kind = FD_HOST;
    if (S_ISLNK(st.st_mode)) /* O_PATH with O_NOFOLLOW opens the link itself */
        return flags & O_PATH ? ((r = path_judge(p, node, false)) < 0 ? r : fd_copy(node)) : -ELOOP;
    if (S_ISSOCK(st.st_mode) && !(flags & O_PATH))
        return -ENXIO;
    if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
        r = write ? path_judge(p, node, true) : 0;
    else if (S_ISFIFO(st.st_mode)) {
        *kind = flags & O_PATH ? FD_HOST : FD_FIFO;
        flags |= O_NONBLOCK; /* whose other end the host would wait for */
        r = path_judge(p, node, true);
    } else
        r = open_device(&st, kind);
    if (r < 0)
        return r;
    int drop = O_CREAT | O_NOFOLLOW | ((flags & O_TMPFILE) == O_TMPFILE ? 0 : O_EXCL);
    int fd = open(path_link(node).text, (flags & ~drop) | O_CLOEXEC | O_NOCTTY, mode & 07777);
    if (fd < 0)
        return -errno;
    if ((flags & O_TMPFILE) == O_TMPFILE)
        times_changed(p->k, fd, TIME_ALL);
    else if ((flags & O_TRUNC) && S_ISREG(st.st_mode))
        times_changed(p->k, fd, TIME_WRITTEN);
    return fd;
}

/* A file without a name where the guest may not write, which is what tmpfile() makes in /tmp: it is made in the guest's own
 * folder instead, and gets no name there either. */
static int nameless(const struct linux_process *p, int flags, unsigned mode)
{
    int fd = openat(p->k->root_fd, ".", (flags & ~O_NOFOLLOW) | O_EXCL | O_CLOEXEC, mode & 07777);
    if (fd < 0)
        return -errno;
    times_changed(p->k, fd, TIME_ALL);
    return fd;
}

/* What is to be opened lies in /proc, or is something that the guest has open. -EINVAL: neither. */
static int open_special(struct linux_process *p, const char *path, int flags, enum linux_fd_kind *kind, char where[LINUX_PATH])
{
    const struct linux_file *f = NULL;
    bool named = special(p, path, &f);
    if (named && !f)
        return -ENOENT;
    if (f && f->proc)
        path = f->proc;
    if (!strcmp(path, "/proc") || !strncmp(path, "/proc/", 6))
        strcpy(where, path);
    if (proc_is_folder(p, path)) {
        if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT))
            return -EISDIR;
        *kind = FD_PROC;
        int folder = openat(p->k->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return folder < 0 ? -errno : folder;
    }
    if (f && !f->proc) {
        where[0] = 0;
        *kind = f->kind;
        return fd_copy(f->host);
    }
    if (!proc_is_exe(p, path))
        return -EINVAL;
    where[0] = 0;
    return fd_copy(p->space->exe_fd);
}

static int open_file(struct linux_process *p, int dirfd, const char *path, int flags, unsigned mode, enum linux_fd_kind *kind,
                     char where[LINUX_PATH], int hops)
{
    char full[LINUX_PATH];
    *kind = FD_HOST;
    where[0] = 0;
    path = proc_path(p, dirfd, path, !(flags & O_NOFOLLOW), full);
    if (shm_is(path))
        return shm_open_file(p, path, flags, mode);
    int fd = open_special(p, path, flags, kind, where);
    if (fd != -EINVAL)
        return fd;
    int node = find(p, dirfd, path, !(flags & O_NOFOLLOW), false, where);
    char proc[LINUX_PATH];
    if ((node == -ENOENT || node == -ELOOP) && !where[0] && path[0] &&
        leads_to_proc(p, dirfd, path, !(flags & O_NOFOLLOW), proc))
        return hops == HOPS ? -ELOOP : open_file(p, AT_FDCWD, proc, flags, mode, kind, where, hops + 1);
    if (node >= 0) {
        fd = (flags & O_CREAT) && (flags & O_EXCL) ? -EEXIST : reopen(p, node, flags, mode, kind);
        close(node);
        return fd == -EROFS && (flags & O_TMPFILE) == O_TMPFILE ? nameless(p, flags, mode) : fd;
    }
    if (node != -ENOENT || !(flags & O_CREAT))
        return node;
    if (path[0] && path[strlen(path) - 1] == '/')
        return -EISDIR;
    char name[256];
    int parent = path_parent(p, dirfd, path, name);
    if (parent < 0)
        return parent;
    fd = openat(parent, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, mode & 07777);
    if (fd < 0) {
        fd = -errno;
    } else {
        times_changed(p->k, fd, TIME_ALL);
        times_changed(p->k, parent, TIME_WRITTEN);
    }
    close(parent);
    return fd;
}

int path_open(struct linux_process *p, int dirfd, const char *path, int flags, unsigned mode, enum linux_fd_kind *kind,
              char where[LINUX_PATH])
{
    return open_file(p, dirfd, path, flags, mode, kind, where, 0);
}
