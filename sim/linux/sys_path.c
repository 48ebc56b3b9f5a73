/* System calls on names: opening, making, removing and changing files. Confinement is path.c's. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_times.h"
#include "syscalls.h"

static int64_t result(int r) { return r < 0 ? -errno : r; }

static int64_t close_with(int fd, int64_t r)
{
    close(fd);
    return r;
}

/* The node that a call names; with an empty path and AT_EMPTY_PATH the descriptor's own. */
static int node(struct linux_process *p, uint32_t dirfd, uint64_t name, uint32_t flags, bool follow, bool write)
{
    char path[LINUX_PATH];
    int r = path_copy(p, path, name);
    if (r < 0)
        return r;
    if (path[0] || !(flags & AT_EMPTY_PATH))
        return path_node(p, (int)dirfd, path, follow, write);
    int host = (int)dirfd == AT_FDCWD ? p->files->cwd_fd : fd_host(p, dirfd);
    if (host < 0)
        return host;
    if (write && ((int)dirfd == AT_FDCWD ? p->files->cwd_proc : fd_file(p, dirfd)->proc))
        return -EPERM;
    if (write && (r = path_judge(p, host, true)) < 0)
        return r;
    r = fcntl(host, F_DUPFD_CLOEXEC, 3);
    return r < 0 ? -errno : r;
}

/* A name has been made in a folder, or has gone: `which` times of what it means have changed too. Closes the folder. */
static int64_t folder_changed(struct linux_process *p, int dir, const char *name, unsigned which, int64_t r)
{
    if (r >= 0) {
        times_changed(p->k, dir, TIME_WRITTEN);
        if (which)
            times_changed_at(p->k, dir, name, which);
    }
    return close_with(dir, r);
}

static int parent(struct linux_process *p, uint32_t dirfd, uint64_t at, char name[256])
{
    char path[LINUX_PATH];
    int r = path_copy(p, path, at);
    return r < 0 ? r : path_parent(p, (int)dirfd, path, name);
}

/* link and rename in /dev/shm: what comes of it, or 1 if neither name is there. */
static int in_shm(struct linux_process *p, const uint64_t a[6], bool move)
{
    char from[LINUX_PATH], to[LINUX_PATH];
    int r = path_copy(p, from, a[1]);
    if (r >= 0)
        r = path_copy(p, to, a[3]);
    if (r < 0)
        return r;
    return shm_is(from) || shm_is(to) ? shm_link(p, from, to, move) : 1;
}

/* Names -------------------------------------------------------------------------------------------------------------- */

int64_t sys_faccessat2(struct linux_process *p, const uint64_t a[6])
{
    if (a[2] & ~7u)
        return -EINVAL;
    int fd = node(p, a[0], a[1], a[3], !(a[3] & AT_SYMLINK_NOFOLLOW), a[2] & W_OK);
    if (fd < 0)
        return fd;
    return close_with(fd, result(faccessat(AT_FDCWD, path_link(fd).text, (int)a[2], (int)a[3] & AT_EACCESS)));
}

int64_t sys_faccessat(struct linux_process *p, const uint64_t a[6])
{
    return sys_faccessat2(p, (uint64_t[6]){a[0], a[1], a[2]});
}

int64_t sys_access(struct linux_process *p, const uint64_t a[6])
{
    return sys_faccessat2(p, (uint64_t[6]){(uint32_t)AT_FDCWD, a[0], a[1]});
}

int64_t sys_readlinkat(struct linux_process *p, const uint64_t a[6])
{
    char path[LINUX_PATH], where[LINUX_PATH] = "", target[LINUX_PATH];
    int r = path_copy(p, path, a[1]);
    ssize_t n;
    if (r < 0)
        return r;
    if ((int32_t)a[3] <= 0)
        return -EINVAL;
    int fd = path[0] ? path_find(p, (int)a[0], path, false, false, where) : node(p, a[0], a[1], AT_EMPTY_PATH, false, false);
    n = where[0] ? proc_link(p, where, target) : -1;
    if (n >= 0 && fd >= 0)
        close(fd);
    if (n < 0) {
        if (fd < 0)
            return fd;
        n = readlinkat(fd, "", target, sizeof target);
        if (n < 0)
            return close_with(fd, errno == ENOENT ? -EINVAL : -errno); /* ENOENT: no symbolic link */
        close(fd);
    }
    if (n > (ssize_t)(int32_t)a[3])
        n = (ssize_t)(int32_t)a[3];
    return user_put(p, a[2], target, (size_t)n) ? n : -EFAULT;
}

int64_t sys_readlink(struct linux_process *p, const uint64_t a[6])
{
    return sys_readlinkat(p, (uint64_t[6]){(uint32_t)AT_FDCWD, a[0], a[1], a[2]});
}

int64_t sys_mkdirat(struct linux_process *p, const uint64_t a[6])
{
    char name[256];
    int dir = parent(p, a[0], a[1], name);
    return dir < 0 ? dir : folder_changed(p, dir, name, TIME_ALL, result(mkdirat(dir, name, a[2] & 07777)));
}

int64_t sys_mkdir(struct linux_process *p, const uint64_t a[6])
{
    return sys_mkdirat(p, (uint64_t[6]){(uint32_t)AT_FDCWD, a[0], a[1]});
}

int64_t sys_unlinkat(struct linux_process *p, const uint64_t a[6])
{
    char name[256];
    char path[LINUX_PATH];
    if (a[2] & ~(uint32_t)AT_REMOVEDIR)
        return -EINVAL;
    int r = path_copy(p, path, a[1]);
    if (r < 0)
        return r;
    if (shm_is(path))
        return a[2] ? -ENOTDIR : shm_unlink_name(p, path);
    int dir = path_parent(p, (int)a[0], path, name);
    return dir < 0 ? dir : folder_changed(p, dir, name, 0, result(unlinkat(dir, name, (int)a[2])));
}

int64_t sys_unlink(struct linux_process *p, const uint64_t a[6])
{
    return sys_unlinkat(p, (uint64_t[6]){(uint32_t)AT_FDCWD, a[0], 0});
}

int64_t sys_rmdir(struct linux_process *p, const uint64_t a[6])
{
    return sys_unlinkat(p, (uint64_t[6]){(uint32_t)AT_FDCWD, a[0], AT_REMOVEDIR});
}

int64_t sys_renameat2(struct linux_process *p, const uint64_t a[6])
{
    char from[256], to[256];
    int r = in_shm(p, a, true);
    if (r <= 0)
        return r;
    int old = parent(p, a[0], a[1], from);
    if (old < 0)
        return old;
    int new = parent(p, a[2], a[3], to);
    if (new < 0)
        return close_with(old, new);
    int64_t done = result(renameat2(old, from, new, to, a[4]));
    return folder_changed(p, old, from, a[4] & RENAME_EXCHANGE ? TIME_STATE : 0, folder_changed(p, new, to, TIME_STATE, done));
}

int64_t sys_renameat(struct linux_process *p, const uint64_t a[6])
{
    return sys_renameat2(p, (uint64_t[6]){a[0], a[1], a[2], a[3], 0});
}

int64_t sys_rename(struct linux_process *p, const uint64_t a[6])
{
    return sys_renameat2(p, (uint64_t[6]){(uint32_t)AT_FDCWD, a[0], (uint32_t)AT_FDCWD, a[1], 0});
}

int64_t sys_linkat(struct linux_process *p, const uint64_t a[6])
{
    char to[256];
    int done = in_shm(p, a, false);
    if (done <= 0)
        return done;
    /* The source must be writable too: a second name must not give rights that the first does not. */
    int old = node(p, a[0], a[1], a[4], a[4] & AT_SYMLINK_FOLLOW, true);
    if (old < 0)
        return old;
    int dir = parent(p, a[2], a[3], to);
    if (dir < 0)
        return close_with(old, dir);
    int64_t r = result(linkat(AT_FDCWD, path_link(old).text, dir, to, AT_SYMLINK_FOLLOW));
    return close_with(old, folder_changed(p, dir, to, TIME_STATE, r));
}

int64_t sys_link(struct linux_process *p, const uint64_t a[6])
{
    return sys_linkat(p, (uint64_t[6]){(uint32_t)AT_FDCWD, a[0], (uint32_t)AT_FDCWD, a[1], 0});
}

int64_t sys_symlinkat(struct linux_process *p, const uint64_t a[6])
{
    char target[LINUX_PATH], name[256];
    int r = path_copy(p, target, a[0]);
    if (r < 0)
        return r;
    int dir = parent(p, a[1], a[2], name);
    return dir < 0 ? dir : folder_changed(p, dir, name, TIME_ALL, result(symlinkat(target, dir, name)));
}

int64_t sys_symlink(struct linux_process *p, const uint64_t a[6])
{
    return sys_symlinkat(p, (uint64_t[6]){a[0], (uint32_t)AT_FDCWD, a[1]});
}

int64_t sys_mknodat(struct linux_process *p, const uint64_t a[6])
{
    char name[256];
    uint32_t type = a[2] & S_IFMT;
    if (type && type != S_IFREG && type != S_IFIFO && type != S_IFSOCK)
        return -EPERM; /* devices are not for guests to make */
    int dir = parent(p, a[0], a[1], name);
    if (dir < 0)
        return dir;
    return folder_changed(p, dir, name, TIME_ALL, result(mknodat(dir, name, a[2] & ~(uint32_t)(S_ISUID | S_ISGID), 0)));
}

int64_t sys_mknod(struct linux_process *p, const uint64_t a[6])
{
    return sys_mknodat(p, (uint64_t[6]){(uint32_t)AT_FDCWD, a[0], a[1], a[2]});
}

/* Folders ------------------------------------------------------------------------------------------------------------ */

/* Takes the descriptor over. `proc`: the folder is that one in /proc; or NULL. */
static int64_t change_cwd(struct linux_process *p, int fd, const char *proc)
{
    struct stat st;
    if (fd < 0)
        return fd;
    if (proc && !proc_is_folder(p, proc))
        return close_with(fd, -ENOTDIR);
    if (fstat(fd, &st) || !S_ISDIR(st.st_mode))
        return close_with(fd, -ENOTDIR);
    if (faccessat(AT_FDCWD, path_link(fd).text, X_OK, AT_EACCESS))
        return close_with(fd, -errno);
    char *copy = proc ? strdup(proc) : NULL;
    if (proc && !copy)
        return close_with(fd, -ENOMEM);
    close(p->files->cwd_fd);
    free(p->files->cwd_proc);
    p->files->cwd_fd = fd;
    p->files->cwd_proc = copy;
    return 0;
}

int64_t sys_chdir(struct linux_process *p, const uint64_t a[6])
{
    char path[LINUX_PATH], where[LINUX_PATH];
    int r = path_copy(p, path, a[0]);
    if (r < 0)
        return r;
    r = path_find(p, AT_FDCWD, path, true, false, where);
    return change_cwd(p, r, where[0] ? where : NULL);
}

int64_t sys_fchdir(struct linux_process *p, const uint64_t a[6])
{
    int host = fd_host(p, a[0]);
    if (host < 0)
        return host;
    return change_cwd(p, fd_copy(host), fd_file(p, (uint32_t)a[0])->proc);
}

int64_t sys_getcwd(struct linux_process *p, const uint64_t a[6])
{
    char path[LINUX_PATH];
    const char *proc = p->files->cwd_proc;
    int r = proc ? 0 : path_of(p, p->files->cwd_fd, path);
    if (r < 0 || (proc && !proc_is_folder(p, proc)))
        return r < 0 ? r : -ENOENT;
    if (proc)
        strcpy(path, proc);
    size_t n = strlen(path) + 1;
    if (n > a[1])
        return -ERANGE;
    return user_put(p, a[0], path, n) ? (int64_t)n : -EFAULT;
}

int64_t sys_umask(struct linux_process *p, const uint64_t a[6])
{
    p->files->umask = a[0] & 0777;
    return umask(p->files->umask);
}
