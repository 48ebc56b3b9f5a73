/* System calls that read and change what is known about a file: stat, mode, owner, size, times. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "file_times.h"
#include "syscalls.h"

static int64_t result(int r) { return r < 0 ? -errno : r; }

/* A descriptor of the file that a call names, to be closed: by path, or by the guest's descriptor if name is 0. */
static int node(struct linux_process *p, uint32_t dirfd, uint64_t name, bool follow, bool write)
{
    char path[LINUX_PATH] = "", where[LINUX_PATH];
    int r = name ? path_copy(p, path, name) : 0;
    if (r < 0)
        return r;
    if (path[0]) {
        r = path_find(p, (int)dirfd, path, follow, write, where);
        return r == -EACCES && write && where[0] ? -EPERM : r;
    }
    int host = (int)dirfd == AT_FDCWD ? p->files->cwd_fd : fd_host(p, dirfd);
    if (host < 0)
        return host;
    const struct linux_file *f = (int)dirfd == AT_FDCWD ? NULL : fd_file(p, dirfd);
    if (write && (f ? f->proc : p->files->cwd_proc))
        return -EPERM;
    if (tty_is(fd_file(p, dirfd)))
        return tty_file_node(fd_file(p, dirfd));
    r = write ? path_may_change(p, host) : 0;
    if (r < 0)
        return r;
    r = fcntl(host, F_DUPFD_CLOEXEC, 3);
    return r < 0 ? -errno : r;
}

/* stat --------------------------------------------------------------------------------------------------------------- */

static struct abi64_stat wide_stat(const struct stat *s)
{
    return (struct abi64_stat){
        .dev = s->st_dev,
        .ino = s->st_ino,
        .nlink = s->st_nlink,
        .mode = s->st_mode,
        .uid = s->st_uid,
        .gid = s->st_gid,
        .rdev = s->st_rdev,
        .size = s->st_size,
        .blksize = s->st_blksize,
        .blocks = s->st_blocks,
        .atime = s->st_atim.tv_sec,
        .atime_nsec = s->st_atim.tv_nsec,
        .mtime = s->st_mtim.tv_sec,
        .mtime_nsec = s->st_mtim.tv_nsec,
        .ctime = s->st_ctim.tv_sec,
        .ctime_nsec = s->st_ctim.tv_nsec,
    };
}

/* What a call names, and its name as node() has it. 0, or a negative error number. */
static int look(struct linux_process *p, uint32_t dirfd, uint64_t name, bool follow, struct stat *s)
{
    char path[LINUX_PATH] = "", where[LINUX_PATH];
    int r = name ? path_copy(p, path, name) : 0;
    if (r < 0)
        return r;
    const struct linux_file *f = (int)dirfd == AT_FDCWD ? NULL : fd_file(p, dirfd);
    const char *proc = (int)dirfd == AT_FDCWD ? p->files->cwd_proc : f ? f->proc : NULL;
    int fd = path[0] ? path_find(p, (int)dirfd, path, follow, false, where) : node(p, dirfd, 0, follow, false);
    if (path[0] ? where[0] && proc_stat(p, where, follow, s) : proc && proc_stat(p, proc, true, s)) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    if (fd < 0)
        return fd;
    int error = fstatat(fd, "", s, AT_EMPTY_PATH) ? errno : 0;
    close(fd);
    if (!error) {
        times_show(p->k, s);
        tty_stat(p->k, s);
    }
    return -error;
}

/* stat64 of i386, stat of x86-64. */
static int64_t put_stat64(struct linux_process *p, int r, const struct stat *s, uint64_t to)
{
    if (r)
        return r;
    if (p->wide) {
        struct abi64_stat wide = wide_stat(s);
        return user_put(p, to, &wide, sizeof wide) ? 0 : -EFAULT;
    }
    struct abi_stat64 out = {
        .dev = s->st_dev,
        .ino32 = (uint32_t)s->st_ino,
        .mode = s->st_mode,
        .nlink = (uint32_t)s->st_nlink,
        .uid = s->st_uid,
        .gid = s->st_gid,
        .rdev = s->st_rdev,
        .size = s->st_size,
        .blksize = (uint32_t)s->st_blksize,
        .blocks = (uint64_t)s->st_blocks,
        .atime = (uint32_t)s->st_atim.tv_sec,
        .atime_nsec = (uint32_t)s->st_atim.tv_nsec,
        .mtime = (uint32_t)s->st_mtim.tv_sec,
        .mtime_nsec = (uint32_t)s->st_mtim.tv_nsec,
        .ctime = (uint32_t)s->st_ctim.tv_sec,
        .ctime_nsec = (uint32_t)s->st_ctim.tv_nsec,
        .ino = s->st_ino,
    };
    return user_put(p, to, &out, sizeof out) ? 0 : -EFAULT;
}

static int64_t put_stat(struct linux_process *p, int r, const struct stat *s, uint64_t to)
{
    if (r)
        return r;
    if (s->st_size > INT32_MAX)
        return -EOVERFLOW;
    struct abi_stat out = {
        .dev = (uint32_t)s->st_dev,
        .ino = (uint32_t)s->st_ino,
        .mode = (uint16_t)s->st_mode,
        .nlink = (uint16_t)s->st_nlink,
        .uid = (uint16_t)s->st_uid,
        .gid = (uint16_t)s->st_gid,
        .rdev = (uint32_t)s->st_rdev,
        .size = (uint32_t)s->st_size,
        .blksize = (uint32_t)s->st_blksize,
        .blocks = (uint32_t)s->st_blocks,
        .atime = (uint32_t)s->st_atim.tv_sec,
        .atime_nsec = (uint32_t)s->st_atim.tv_nsec,
        .mtime = (uint32_t)s->st_mtim.tv_sec,
        .mtime_nsec = (uint32_t)s->st_mtim.tv_nsec,
        .ctime = (uint32_t)s->st_ctim.tv_sec,
        .ctime_nsec = (uint32_t)s->st_ctim.tv_nsec,
    };
    return user_put(p, to, &out, sizeof out) ? 0 : -EFAULT;
}

/* An empty name stands for the descriptor itself, if a flag says so. */
static int check_name(struct linux_process *p, uint64_t name, uint32_t flags)
{
    char first;
    if (!user_get(p, &first, name, 1))
        return -EFAULT;
    return first || (flags & AT_EMPTY_PATH) ? 0 : -ENOENT;
}

static int by_name(struct linux_process *p, uint64_t name, bool follow)
{
    int r = check_name(p, name, 0);
    return r ? r : node(p, (uint32_t)AT_FDCWD, name, follow, false);
}

static int by_fd(struct linux_process *p, uint32_t fd) { return (int)fd < 0 ? -EBADF : node(p, fd, 0, true, false); }

/* At a descriptor, where AT_EMPTY_PATH may stand for the descriptor itself. */
static int by_name_at(struct linux_process *p, uint32_t dirfd, uint64_t name, uint32_t flags, bool write)
{
    int r = check_name(p, name, flags);
    return r ? r : node(p, dirfd, name, !(flags & AT_SYMLINK_NOFOLLOW), write);
}

static int look_at(struct linux_process *p, uint32_t dirfd, uint64_t name, uint32_t flags, struct stat *s)
{
    int r = check_name(p, name, flags);
    return r ? r : look(p, dirfd, name, !(flags & AT_SYMLINK_NOFOLLOW), s);
}

static int look_name(struct linux_process *p, uint64_t name, uint32_t flags, struct stat *s)
{
    return look_at(p, (uint32_t)AT_FDCWD, name, flags, s);
}

static int look_fd(struct linux_process *p, uint32_t fd, struct stat *s)
{
    return (int)fd < 0 ? -EBADF : look(p, fd, 0, true, s);
}

int64_t sys_stat64(struct linux_process *p, const uint64_t a[6])
{
    struct stat s;
    int r = look_name(p, a[0], 0, &s);
    return put_stat64(p, r, &s, a[1]);
}

int64_t sys_lstat64(struct linux_process *p, const uint64_t a[6])
{
    struct stat s;
    int r = look_name(p, a[0], AT_SYMLINK_NOFOLLOW, &s);
    return put_stat64(p, r, &s, a[1]);
}

int64_t sys_fstat64(struct linux_process *p, const uint64_t a[6])
{
    struct stat s;
    int r = look_fd(p, (uint32_t)a[0], &s);
    return put_stat64(p, r, &s, a[1]);
}

int64_t sys_fstatat64(struct linux_process *p, const uint64_t a[6])
{
    struct stat s;
    int r = look_at(p, (uint32_t)a[0], a[1], (uint32_t)a[3], &s);
    return put_stat64(p, r, &s, a[2]);
}

int64_t sys_stat(struct linux_process *p, const uint64_t a[6])
{
    struct stat s;
    int r = look_name(p, a[0], 0, &s);
    return put_stat(p, r, &s, a[1]);
}

int64_t sys_lstat(struct linux_process *p, const uint64_t a[6])
{
    struct stat s;
    int r = look_name(p, a[0], AT_SYMLINK_NOFOLLOW, &s);
    return put_stat(p, r, &s, a[1]);
}

int64_t sys_fstat(struct linux_process *p, const uint64_t a[6])
{
    struct stat s;
    int r = look_fd(p, (uint32_t)a[0], &s);
    return put_stat(p, r, &s, a[1]);
}

/* What stat says, as statx has it. */
static void statx_of(struct statx *sx, const struct stat *s)
{
    sx->stx_mask |= STATX_BASIC_STATS;
    sx->stx_blksize = (uint32_t)s->st_blksize;
    sx->stx_nlink = (uint32_t)s->st_nlink;
    sx->stx_uid = s->st_uid;
    sx->stx_gid = s->st_gid;
    sx->stx_mode = (uint16_t)s->st_mode;
    sx->stx_ino = s->st_ino;
    sx->stx_size = (uint64_t)s->st_size;
    sx->stx_blocks = (uint64_t)s->st_blocks;
    sx->stx_atime = (struct statx_timestamp){.tv_sec = s->st_atim.tv_sec, .tv_nsec = (uint32_t)s->st_atim.tv_nsec};
    sx->stx_ctime = (struct statx_timestamp){.tv_sec = s->st_ctim.tv_sec, .tv_nsec = (uint32_t)s->st_ctim.tv_nsec};
    sx->stx_mtime = (struct statx_timestamp){.tv_sec = s->st_mtim.tv_sec, .tv_nsec = (uint32_t)s->st_mtim.tv_nsec};
    sx->stx_rdev_major = major(s->st_rdev);
    sx->stx_rdev_minor = minor(s->st_rdev);
    sx->stx_dev_major = major(s->st_dev);
    sx->stx_dev_minor = minor(s->st_dev);
}

int64_t sys_statx(struct linux_process *p, const uint64_t a[6])
{
    struct statx sx = {0};
    struct stat s;
    int r = look_at(p, (uint32_t)a[0], a[1], (uint32_t)a[2], &s);
    if (r)
        return r;
    int fd = by_name_at(p, a[0], a[1], a[2], false); /* none: a link in /proc */
    if (fd >= 0) {
        r = (int)result(statx(fd, "", AT_EMPTY_PATH | (int)(a[2] & AT_STATX_SYNC_TYPE), a[3], &sx));
        close(fd);
        times_show_birth(p->k, &sx);
    }
    statx_of(&sx, &s);
    return r < 0 || user_put(p, a[4], &sx, sizeof sx) ? r : -EFAULT;
}

static int64_t put_statfs(struct linux_process *p, int fd, uint64_t to, bool wide)
{
    struct statfs s;
    if (fd < 0)
        return fd;
    int64_t r = result(fstatfs(fd, &s));
    close(fd);
    if (r < 0)
        return r;
    if (p->wide) {
        struct abi64_statfs w = {
            .type = s.f_type,
            .bsize = s.f_bsize,
            .blocks = s.f_blocks,
            .bfree = s.f_bfree,
            .bavail = s.f_bavail,
            .files = s.f_files,
            .ffree = s.f_ffree,
            .namelen = s.f_namelen,
            .frsize = s.f_frsize,
            .flags = s.f_flags,
        };
        return user_put(p, to, &w, sizeof w) ? 0 : -EFAULT;
    }
    struct abi_statfs64 b = {
        .type = (uint32_t)s.f_type,
        .bsize = (uint32_t)s.f_bsize,
        .blocks = s.f_blocks,
        .bfree = s.f_bfree,
        .bavail = s.f_bavail,
        .files = s.f_files,
        .ffree = s.f_ffree,
        .namelen = (uint32_t)s.f_namelen,
        .frsize = (uint32_t)s.f_frsize,
        .flags = (uint32_t)s.f_flags,
    };
    if (wide)
        return user_put(p, to, &b, sizeof b) ? 0 : -EFAULT;
    if ((b.blocks | b.files) >> 32)
        return -EOVERFLOW;
    struct abi_statfs n = {
        .type = b.type,
        .bsize = b.bsize,
        .blocks = (uint32_t)b.blocks,
        .bfree = (uint32_t)b.bfree,
        .bavail = (uint32_t)b.bavail,
        .files = (uint32_t)b.files,
        .ffree = (uint32_t)b.ffree,
        .namelen = b.namelen,
        .frsize = b.frsize,
        .flags = b.flags,
    };
    return user_put(p, to, &n, sizeof n) ? 0 : -EFAULT;
}

int64_t sys_statfs(struct linux_process *p, const uint64_t a[6]) { return put_statfs(p, by_name(p, a[0], true), a[1], false); }

int64_t sys_fstatfs(struct linux_process *p, const uint64_t a[6]) { return put_statfs(p, by_fd(p, a[0]), a[1], false); }

int64_t sys_statfs64(struct linux_process *p, const uint64_t a[6]) { return put_statfs(p, by_name(p, a[0], true), a[2], true); }

int64_t sys_fstatfs64(struct linux_process *p, const uint64_t a[6]) { return put_statfs(p, by_fd(p, a[0]), a[2], true); }

/* Changes ------------------------------------------------------------------------------------------------------------ */

/* A program of the guest's never gets the bits by which others would run it as the user, or as root. */
static int64_t change_mode(struct linux_process *p, int fd, uint32_t mode)
{
    struct stat st;
    if (fd < 0)
        return fd;
    if (!fstat(fd, &st) && !S_ISDIR(st.st_mode))
        mode &= ~(uint32_t)(S_ISUID | S_ISGID);
    int64_t r = result(chmod(path_link(fd).text, mode & 07777));
    if (r >= 0)
        times_changed(p->k, fd, TIME_STATE);
    close(fd);
    return r;
}

int64_t sys_fchmodat(struct linux_process *p, const uint64_t a[6])
{
    return change_mode(p, by_name_at(p, a[0], a[1], 0, true), a[2]);
}

int64_t sys_chmod(struct linux_process *p, const uint64_t a[6])
{
    return change_mode(p, by_name_at(p, (uint32_t)AT_FDCWD, a[0], 0, true), a[1]);
}

int64_t sys_fchmod(struct linux_process *p, const uint64_t a[6])
{
    return change_mode(p, (int)a[0] < 0 ? -EBADF : node(p, a[0], 0, true, true), a[1]);
}

static int64_t change_owner(struct linux_process *p, int fd, uint32_t uid, uint32_t gid)
{
    if (fd < 0)
        return fd;
    int64_t r = result(fchownat(fd, "", uid, gid, AT_EMPTY_PATH));
    if (r >= 0)
        times_changed(p->k, fd, TIME_STATE);
    close(fd);
    return r;
}

int64_t sys_fchownat(struct linux_process *p, const uint64_t a[6])
{
    return change_owner(p, by_name_at(p, a[0], a[1], a[4], true), a[2], a[3]);
}

int64_t sys_chown(struct linux_process *p, const uint64_t a[6])
{
    return change_owner(p, by_name_at(p, (uint32_t)AT_FDCWD, a[0], 0, true), a[1], a[2]);
}

int64_t sys_lchown(struct linux_process *p, const uint64_t a[6])
{
    return change_owner(p, by_name_at(p, (uint32_t)AT_FDCWD, a[0], AT_SYMLINK_NOFOLLOW, true), a[1], a[2]);
}

int64_t sys_fchown(struct linux_process *p, const uint64_t a[6])
{
    return change_owner(p, (int)a[0] < 0 ? -EBADF : node(p, a[0], 0, true, true), a[1], a[2]);
}

int64_t sys_truncate64(struct linux_process *p, const uint64_t a[6])
{
    int fd = by_name_at(p, (uint32_t)AT_FDCWD, a[0], 0, true);
    if (fd < 0)
        return fd;
    int64_t r = seals_resize(p->k, fd, (int64_t)(p->wide ? a[1] : pair64(a[1], a[2])));
    if (r >= 0)
        r = result(truncate(path_link(fd).text, (off_t)(p->wide ? a[1] : pair64(a[1], a[2]))));
    if (r >= 0)
        times_changed(p->k, fd, TIME_WRITTEN);
    close(fd);
    return r;
}

int64_t sys_truncate(struct linux_process *p, const uint64_t a[6])
{
    return sys_truncate64(p, (uint64_t[6]){a[0], a[1], (int32_t)a[1] < 0 ? UINT32_MAX : 0});
}

static int64_t change_times(struct linux_process *p, int fd, const struct timespec *times)
{
    if (fd < 0)
        return fd;
    int64_t r = times_set(p->k, fd, times);
    close(fd);
    return r;
}

static int times_node(struct linux_process *p, const uint64_t a[6])
{
    if (!a[1]) /* futimens */
        return (int)a[0] == AT_FDCWD ? -EFAULT : node(p, a[0], 0, true, true);
    return by_name_at(p, a[0], a[1], a[3], true);
}

int64_t sys_utimensat(struct linux_process *p, const uint64_t a[6])
{
    struct abi_timespec t[2];
    if (!a[2])
        return change_times(p, times_node(p, a), NULL);
    if (!user_get(p, t, a[2], sizeof t))
        return -EFAULT;
    return change_times(p, times_node(p, a), (struct timespec[2]){{t[0].sec, t[0].nsec}, {t[1].sec, t[1].nsec}});
}

int64_t sys_utimensat64(struct linux_process *p, const uint64_t a[6])
{
    struct abi_timespec64 t[2];
    if (!a[2])
        return change_times(p, times_node(p, a), NULL);
    if (!user_get(p, t, a[2], sizeof t))
        return -EFAULT;
    for (int i = 0; i < 2 && !p->wide; i++)
        t[i].nsec = (int32_t)t[i].nsec; /* the upper half is padding */
    return change_times(p, times_node(p, a), (struct timespec[2]){{t[0].sec, t[0].nsec}, {t[1].sec, t[1].nsec}});
}

int64_t sys_futimesat(struct linux_process *p, const uint64_t a[6])
{
    struct abi64_timeval t[2] = {{0, 0}, {0, 0}};
    for (int i = 0; i < 2; i++)
        if (a[2] && !user_get_timeval(p, a[2] + (uint64_t)i * 2 * user_word(p), &t[i]))
            return -EFAULT;
    for (int i = 0; i < 2; i++)
        if (t[i].usec < 0 || t[i].usec > 999999)
            return -EINVAL;
    const struct timespec times[2] = {{t[0].sec, t[0].usec * 1000}, {t[1].sec, t[1].usec * 1000}};
    return change_times(p, times_node(p, (uint64_t[6]){a[0], a[1]}), a[2] ? times : NULL);
}

int64_t sys_utimes(struct linux_process *p, const uint64_t a[6])
{
    return sys_futimesat(p, (uint64_t[6]){(uint32_t)AT_FDCWD, a[0], a[1]});
}

int64_t sys_utime(struct linux_process *p, const uint64_t a[6])
{
    uint64_t t[2] = {0, 0};
    for (int i = 0; i < 2; i++)
        if (a[1] && !user_get_word(p, a[1] + (uint64_t)i * user_word(p), &t[i]))
            return -EFAULT;
    for (int i = 0; i < 2 && !p->wide; i++)
        t[i] = (uint64_t)(int32_t)t[i];
    const struct timespec times[2] = {{(time_t)t[0], 0}, {(time_t)t[1], 0}};
    return change_times(p, by_name_at(p, (uint32_t)AT_FDCWD, a[0], 0, true), a[1] ? times : NULL);
}
