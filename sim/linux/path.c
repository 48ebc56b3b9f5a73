/* Guest paths to host descriptors, and the confinement of the guest.
 *
 * With a root folder given (confined), every path is resolved inside it by openat2's RESOLVE_IN_ROOT. Without one, the guest
 * sees the host's paths, may read them, and may change only what lies below the folder it was started in. In neither case does
 * the host's kernel follow a "magic" link such as /proc/self/fd/5 or /proc/1/root, whatever symbolic links lead there.
 *
 * Every path is first walked to an O_PATH descriptor, which has no side effect. What may be done with it is judged on that
 * descriptor (file system, kind, canonical path), and the operation then goes through /proc/self/fd/N, so that nothing can
 * change in between. The host's /proc would show the simulator, so the guest has none but for a few emulated names.
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

/* "/proc/self/fd/3", "/dev/stdin" and the like name the guest's own descriptors. */
static int special_fd(const char *path)
{
    static const char *const names[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(path, names[i]))
            return i;
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(folders[i]);
        if (!strncmp(path, folders[i], n) && path[n] >= '0' && path[n] <= '9')
            return path[n + strspn(path + n, "0123456789")] || strlen(path + n) > 8 ? LINUX_FDS : atoi(path + n);
    }
    return -1;
}

const struct linux_file *path_special(struct linux_process *p, int dirfd, const char *path)
{
    char full[LINUX_PATH];
    int fd = special_fd(proc_path(p, dirfd, path, full));
    return fd < 0 ? NULL : fd_file(p, (uint32_t)fd);
}

/* Another descriptor for a file of the guest's that a path names by its number. */
static int special_node(struct linux_process *p, int fd, bool write)
{
    int host = fd_host(p, (uint32_t)fd);
    if (host < 0)
        return -ENOENT;
    if (tty_is(fd_file(p, (uint32_t)fd)))
        return tty_file_node(fd_file(p, (uint32_t)fd));
    int r = write ? path_may_change(p, host) : 0;
    return r < 0 ? r : fd_copy(host);
}

int path_node(struct linux_process *p, int dirfd, const char *path, bool follow, bool write)
{
    char full[LINUX_PATH];
    path = proc_path(p, dirfd, path, full);
    if (follow)
        path = proc_follow(p, path, full);
    int flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
    int base = path[0] == '/' ? p->k->root_fd : base_fd(p, dirfd);
    if (base < 0)
        return base;
    if (!path[0])
        return -ENOENT;
    if (shm_is(path))
        return shm_node(p, path);
    int special = follow ? special_fd(path) : -1;
    if (special >= 0)
        return special_node(p, special, write);
    int fd = tty_node(p, path);
    if (fd != -EINVAL)
        return fd;
    fd = follow && proc_is_exe(p, path) ? fcntl(p->space->exe_fd, F_DUPFD_CLOEXEC, 3) : proc_node(p, path);
    if (fd == -ENOENT && proc_is_folder(p, path))
        fd = fcntl(p->k->root_fd, F_DUPFD_CLOEXEC, 3);
    if (fd >= 0) {
        if (write) {
            close(fd);
            return -EACCES;
        }
        return fd;
    }
    if (!strncmp(path, "/proc/", 6)) /* what the guest's /proc does not have */
        return -ENOENT;
    fd = p->k->confined ? walk_confined(p, base, path, flags) : walk(p->k, base, path, flags, 0);
    if (fd < 0)
        return fd;
    int r = path_judge(p, fd, write);
    if (r < 0) {
        close(fd);
        return r;
    }
    return fd;
}

int path_parent(struct linux_process *p, int dirfd, const char *path, char name[256])
{
    char folder[LINUX_PATH + 1];
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
    return path_node(p, dirfd, start ? folder : ".", true, true);
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
    return fd < 0 ? -errno : fd;
}

/* A file without a name where the guest may not write, which is what tmpfile() makes in /tmp: it is made in the guest's own
 * folder instead, and gets no name there either. */
static int nameless(const struct linux_process *p, int flags, unsigned mode)
{
    int fd = openat(p->k->root_fd, ".", (flags & ~O_NOFOLLOW) | O_EXCL | O_CLOEXEC, mode & 07777);
    return fd < 0 ? -errno : fd;
}

int path_open(struct linux_process *p, int dirfd, const char *path, int flags, unsigned mode, enum linux_fd_kind *kind)
{
    char full[LINUX_PATH];
    path = proc_path(p, dirfd, path, full);
    if (!(flags & O_NOFOLLOW))
        path = proc_follow(p, path, full);
    int special = special_fd(path);
    int source = -1;
    *kind = FD_HOST;
    if (shm_is(path))
        return shm_open_file(p, path, flags, mode);
    if (proc_is_folder(p, path)) {
        if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT))
            return -EISDIR;
        *kind = FD_PROC;
        int folder = openat(p->k->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return folder < 0 ? -errno : folder;
    }
    if (special >= 0) {
        const struct linux_file *f = fd_file(p, (uint32_t)special);
        source = f ? f->host : -EBADF;
        *kind = f ? f->kind : FD_HOST;
    }
    if (special < 0 && proc_is_exe(p, path))
        source = p->space->exe_fd;
    if (special >= 0 || source >= 0) {
        if (source < 0)
            return -ENOENT;
        int copy = fcntl(source, F_DUPFD_CLOEXEC, 3);
        return copy < 0 ? -errno : copy;
    }
    int node = path_node(p, dirfd, path, !(flags & O_NOFOLLOW), false);
    if (node >= 0) {
        int fd = (flags & O_CREAT) && (flags & O_EXCL) ? -EEXIST : reopen(p, node, flags, mode, kind);
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
    int fd = openat(parent, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, mode & 07777);
    if (fd < 0)
        fd = -errno;
    close(parent);
    return fd;
}
