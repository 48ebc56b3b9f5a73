/* The sandbox: Landlock rules for files, then a seccomp filter for system calls.
 *
 * The filter is written by hand and not by libseccomp: it is one list, needs no library on the host, and what it means can be
 * read here. A call that is not in the list fails with ENOSYS, so that a forgotten one is an error and not the end of a run.
 */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* Landlock ----------------------------------------------------------------------------------------------------------- */

/* The headers may be older than the kernel. */
#define FS_REFER     (UINT64_C(1) << 13) /* version 2 */
#define FS_TRUNCATE  (UINT64_C(1) << 14) /* 3 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15) /* 5 */
#define FS_FIRST     ((UINT64_C(1) << 13) - 1)
#define NET_ALL      (UINT64_C(3)) /* 4: bind and connect */
#define SCOPE_ALL    (UINT64_C(3)) /* 6: abstract sockets and signals */

#define FS_READ  (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_FILE  (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV)
#define FS_WRITE                                                                                                            \
    (FS_READ | FS_FILE | FS_REFER | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                        \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM |   \
     LANDLOCK_ACCESS_FS_MAKE_SOCK)
#define FS_OUTPUT (LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG)

struct ruleset {
    uint64_t fs, net, scope; /* as the newest kernel has it; older ones take less of it */
};

static bool allow(int ruleset, uint64_t handled, int fd, uint64_t rights)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = rights & handled, .parent_fd = fd};
    return fd >= 0 && !syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

/* What does not exist needs no right. */
static bool allow_path(int ruleset, uint64_t handled, const char *path, uint64_t rights)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
    bool ok = allow(ruleset, handled, fd, rights);
    close(fd);
    return ok;
}

/* The folder of a file that the simulator will make, or the folder itself. */
static bool allow_output(int ruleset, uint64_t handled, const char *path)
{
    char folder[4096];
    struct stat st;
    if (strlen(path) >= sizeof folder)
        return false;
    strcpy(folder, path);
    if (stat(path, &st) || !S_ISDIR(st.st_mode)) {
        char *slash = strrchr(folder, '/');
        if (!slash)
            strcpy(folder, ".");
        else
            slash[slash == folder] = 0;
    }
    if (!strcmp(folder, "/dev")) /* /dev/null and its like: nothing is made beside them */
        return allow_path(ruleset, handled, path, FS_FILE);
    return allow_path(ruleset, handled, folder, FS_OUTPUT);
}

static bool add_rules(int ruleset, uint64_t handled, const struct sandbox_plan *plan)
{
    static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"};
    bool ok = allow(ruleset, handled, plan->root_fd, FS_WRITE);
    if (!plan->confined) {
        ok = ok && allow_path(ruleset, handled, "/", FS_READ);
        for (size_t i = 0; i < COUNT(devices); i++)
            ok = ok && allow_path(ruleset, handled, devices[i], FS_FILE);
    }
    for (const char *const *o = plan->outputs; ok && *o; o++)
        ok = allow_output(ruleset, handled, *o);
    return ok;
}

/* The version that holds, 0 if the kernel has none that serves, or a negative error. */
static int landlock_enter(const struct sandbox_plan *plan)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 2) /* the first one forbids to move a file to another folder */
        return 0;
    struct ruleset r = {.fs = FS_FIRST | FS_REFER};
    r.fs |= version >= 3 ? FS_TRUNCATE : 0;
    r.fs |= version >= 5 ? FS_IOCTL_DEV : 0;
    r.net = version >= 4 ? NET_ALL : 0;
    r.scope = version >= 6 ? SCOPE_ALL : 0;
    size_t size = version >= 6 ? sizeof r : version >= 4 ? offsetof(struct ruleset, scope) : offsetof(struct ruleset, net);
    int fd = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
    if (fd < 0)
        return -errno;
    bool ok = add_rules(fd, r.fs, plan) && !syscall(SYS_landlock_restrict_self, fd, 0);
    int error = errno;
    close(fd);
    return ok ? (int)version : error ? -error : -EINVAL;
}

/* seccomp ------------------------------------------------------------------------------------------------------------ */

/* What the personality, the engines and the C library need while a guest runs. */
/* clang-format off */
static const uint16_t allowed[] = {
    /* descriptors */
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_close, SYS_lseek, SYS_dup, SYS_dup2, SYS_dup3,
    SYS_fcntl, SYS_pipe2, SYS_shutdown, SYS_poll, SYS_ppoll, SYS_select, SYS_pselect6, SYS_ftruncate, SYS_fallocate, SYS_fsync,
    SYS_fdatasync, SYS_flock, SYS_sendfile, SYS_copy_file_range, SYS_getdents64, SYS_fadvise64, SYS_memfd_create, SYS_eventfd2,
    SYS_splice, SYS_tee, SYS_sendto, SYS_sendmsg, SYS_recvmsg, SYS_inotify_init1, SYS_inotify_add_watch, SYS_inotify_rm_watch,
    /* names */
    SYS_open, SYS_openat, SYS_openat2, SYS_stat, SYS_lstat, SYS_fstat, SYS_newfstatat, SYS_statx, SYS_statfs, SYS_fstatfs,
    SYS_access, SYS_faccessat, SYS_faccessat2, SYS_readlink, SYS_readlinkat, SYS_mkdir, SYS_mkdirat, SYS_rmdir, SYS_unlink,
    SYS_unlinkat, SYS_rename, SYS_renameat, SYS_renameat2, SYS_link, SYS_linkat, SYS_symlink, SYS_symlinkat, SYS_mknod,
    SYS_mknodat, SYS_chmod, SYS_fchmod, SYS_fchmodat, SYS_chown, SYS_fchown, SYS_lchown, SYS_fchownat, SYS_truncate,
    SYS_utimensat, SYS_umask, SYS_getcwd, SYS_getxattr, SYS_lgetxattr, SYS_fgetxattr, SYS_listxattr, SYS_flistxattr,
    /* memory; PROT_EXEC is looked at below */
    SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise,
    /* time, numbers, signals of its own, the end */
    SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday, SYS_time, SYS_nanosleep, SYS_clock_nanosleep, SYS_getrandom,
    SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getgroups, SYS_getrusage,
    SYS_sysinfo, SYS_uname, SYS_sched_yield, SYS_futex, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn,
    SYS_sigaltstack, SYS_restart_syscall, SYS_exit, SYS_exit_group,
};
/* clang-format on */

/* Terminals, as sys_ioctl knows them; TIOCSTI would type for the user. */
static const uint32_t allowed_ioctls[] = {TCGETS,     TCSETS,    TCSETSW,  TCSETSF, TIOCGWINSZ,
                                          TIOCSWINSZ, TIOCGPGRP, FIONREAD, FIONBIO};

struct program {
    struct sock_filter code[256];
    unsigned short n;
};

static void emit(struct program *p, uint16_t code, uint32_t k, unsigned yes, unsigned no)
{
    if (p->n < COUNT(p->code))
        p->code[p->n] = (struct sock_filter){code, (uint8_t)yes, (uint8_t)no, k};
    p->n++;
}

enum {
    LOAD = BPF_LD | BPF_W | BPF_ABS,
    EQUAL = BPF_JMP | BPF_JEQ | BPF_K,
    ABOVE = BPF_JMP | BPF_JGE | BPF_K,
    ANY_BIT = BPF_JMP | BPF_JSET | BPF_K,
    RETURN = BPF_RET | BPF_K,
    X32 = 0x40000000, /* bit of the other 64-bit ABI's numbers */
};

static uint32_t argument(unsigned i) { return (uint32_t)(offsetof(struct seccomp_data, args) + 8 * i); }

/* Call `number` passes if its argument's low half is one of the values, else fails with EPERM. */
static void only_with(struct program *p, uint32_t number, unsigned arg, const uint32_t *values, unsigned n)
{
    emit(p, EQUAL, number, 0, n + 3);
    emit(p, LOAD, argument(arg), 0, 0);
    for (unsigned i = 0; i < n; i++)
        emit(p, EQUAL, values[i], n - i, 0);
    emit(p, RETURN, SECCOMP_RET_ERRNO | EPERM, 0, 0);
    emit(p, RETURN, SECCOMP_RET_ALLOW, 0, 0);
}

/* ... unless its argument has one of the bits. */
static void only_without(struct program *p, uint32_t number, unsigned arg, uint32_t bits)
{
    emit(p, EQUAL, number, 0, 4);
    emit(p, LOAD, argument(arg), 0, 0);
    emit(p, ANY_BIT, bits, 0, 1);
    emit(p, RETURN, SECCOMP_RET_ERRNO | EPERM, 0, 0);
    emit(p, RETURN, SECCOMP_RET_ALLOW, 0, 0);
}

static void make_filter(struct program *p)
{
    const uint32_t self = (uint32_t)getpid(), local = AF_UNIX;
    emit(p, LOAD, offsetof(struct seccomp_data, arch), 0, 0);
    emit(p, EQUAL, AUDIT_ARCH_X86_64, 1, 0);
    emit(p, RETURN, SECCOMP_RET_KILL_PROCESS, 0, 0);
    emit(p, LOAD, offsetof(struct seccomp_data, nr), 0, 0);
    emit(p, ABOVE, X32, 0, 1);
    emit(p, RETURN, SECCOMP_RET_KILL_PROCESS, 0, 0);
    only_with(p, SYS_ioctl, 1, allowed_ioctls, COUNT(allowed_ioctls));
    only_with(p, SYS_tgkill, 0, &self, 1); /* abort() */
    only_with(p, SYS_socketpair, 0, &local, 1);
    only_without(p, SYS_mmap, 2, PROT_EXEC);
    only_without(p, SYS_mprotect, 2, PROT_EXEC);
    for (unsigned i = 0; i < COUNT(allowed); i++)
        emit(p, EQUAL, allowed[i], (unsigned)COUNT(allowed) - i, 0);
    emit(p, RETURN, SECCOMP_RET_ERRNO | ENOSYS, 0, 0);
    emit(p, RETURN, SECCOMP_RET_ALLOW, 0, 0);
}

static int seccomp_enter(void)
{
    struct program p = {.n = 0};
    make_filter(&p);
    if (p.n > COUNT(p.code))
        return -E2BIG;
    struct sock_fprog filter = {p.n, p.code};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) ? -errno : 0;
}

/* -------------------------------------------------------------------------------------------------------------------- */

#if defined __SANITIZE_ADDRESS__
#define SANITIZED 1 /* the leak checker runs a thread that stops this one */
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

bool sandbox_enter(const struct sandbox_plan *plan, char *report, size_t size)
{
#ifdef SANITIZED
    snprintf(report, size, "sandbox: none: this program is built with a sanitizer");
    return plan->mode != SANDBOX_REQUIRE;
#endif
    if (plan->mode == SANDBOX_OFF) {
        snprintf(report, size, "sandbox: off");
        return true;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
        snprintf(report, size, "sandbox: none: %s", strerror(errno));
        return plan->mode != SANDBOX_REQUIRE;
    }
    int landlock = landlock_enter(plan), seccomp = seccomp_enter();
    char files[80], calls[80];
    if (landlock > 0)
        snprintf(files, sizeof files, "Landlock version %d", landlock);
    else
        snprintf(files, sizeof files, "no Landlock (%s)",
                 landlock ? strerror(-landlock) : "the host's kernel has none that serves");
    snprintf(calls, sizeof calls, seccomp ? "no seccomp (%s)" : "seccomp", strerror(-seccomp));
    snprintf(report, size, "sandbox: %s, %s", calls, files);
    return plan->mode != SANDBOX_REQUIRE || (landlock > 0 && !seccomp);
}
