/* Structures of the Linux i386 system call interface, as a 64-bit kernel lays them out for a compatibility-mode process.
 * i386 aligns 64-bit members to 4 bytes, hence the packing. Values of flags and error numbers are those of the host,
 * which are the same on x86-64 and i386 where this file says nothing.
 */
#pragma once
#include <stdint.h>

#define ABI_PACKED __attribute__((packed, aligned(4)))

/* selectors of compatibility mode */
enum {
    ABI_USER_CS = 0x23,
    ABI_USER_DS = 0x2b,
    ABI_GDT_TLS = 12,
    ABI_TLS_ENTRIES = 3,
};

struct abi_stat64 {
    uint64_t dev;
    uint32_t pad0, ino32, mode, nlink, uid, gid;
    uint64_t rdev;
    uint32_t pad1;
    int64_t size;
    uint32_t blksize;
    uint64_t blocks;
    uint32_t atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
    uint64_t ino;
} ABI_PACKED;
_Static_assert(sizeof(struct abi_stat64) == 96, "i386 stat64");

struct abi_stat {
    uint32_t dev, ino;
    uint16_t mode, nlink, uid, gid;
    uint32_t rdev, size, blksize, blocks;
    uint32_t atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
    uint32_t unused[2];
};
_Static_assert(sizeof(struct abi_stat) == 64, "i386 stat");

struct abi_statfs64 {
    uint32_t type, bsize;
    uint64_t blocks, bfree, bavail, files, ffree;
    int32_t fsid[2];
    uint32_t namelen, frsize, flags, spare[4];
} ABI_PACKED;
_Static_assert(sizeof(struct abi_statfs64) == 84, "i386 statfs64");

struct abi_statfs {
    uint32_t type, bsize, blocks, bfree, bavail, files, ffree;
    int32_t fsid[2];
    uint32_t namelen, frsize, flags, spare[4];
};

struct abi_iovec {
    uint32_t base, len;
};
struct abi_timespec {
    int32_t sec, nsec;
};
struct abi_timespec64 {
    int64_t sec, nsec;
};
struct abi_timeval {
    int32_t sec, usec;
};
struct abi_rlimit {
    uint32_t cur, max;
};
struct abi_rlimit64 {
    uint64_t cur, max;
};
struct abi_pollfd {
    int32_t fd;
    int16_t events, revents;
};
struct abi_utsname {
    char field[6][65];
};

struct abi_sysinfo {
    int32_t uptime;
    uint32_t loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
    uint16_t procs, pad;
    uint32_t totalhigh, freehigh, mem_unit;
    char unused[8];
};
_Static_assert(sizeof(struct abi_sysinfo) == 64, "i386 sysinfo");

struct abi_rusage {
    struct abi_timeval utime, stime;
    int32_t other[14];
};
struct abi_tms {
    int32_t utime, stime, cutime, cstime;
};
struct abi_flock {
    int16_t type, whence;
    int32_t start, len, pid;
};
struct abi_flock64 {
    int16_t type, whence;
    int64_t start, len;
    int32_t pid;
} ABI_PACKED;
_Static_assert(sizeof(struct abi_flock64) == 24, "i386 flock64");
struct abi_user_desc {
    uint32_t entry, base, limit, flags;
};
struct abi_sigaction {
    uint32_t handler, flags, restorer;
    uint64_t mask;
} ABI_PACKED;
struct abi_old_sigaction {
    uint32_t handler, mask, flags, restorer;
};
struct abi_stack {
    uint32_t sp;
    int32_t flags;
    uint32_t size;
};
struct abi_mmap_args {
    uint32_t addr, len, prot, flags, fd, offset;
};

struct abi_siginfo {
    int32_t signo, error, code;
    union {
        uint32_t addr;
        struct {
            int32_t pid;
            uint32_t uid;
            int32_t value;
        } kill;
        int32_t pad[29];
    };
};
_Static_assert(sizeof(struct abi_siginfo) == 128, "i386 siginfo");

struct abi_fregs { /* fsave image as the kernel writes it, then the marks */
    uint32_t cw, sw, tag, ipoff, cssel, dataoff, datasel;
    uint8_t st[8][10];
    uint16_t status, magic; /* magic 0: the fxsave image follows */
};
_Static_assert(sizeof(struct abi_fregs) == 112, "legacy part of _fpstate");

struct abi_sigcontext {
    uint32_t gs, fs, es, ds; /* selectors, upper halves zero */
    uint32_t di, si, bp, sp, bx, dx, cx, ax;
    uint32_t trapno, err, ip, cs, flags, sp_at_signal, ss;
    uint32_t fpstate, oldmask, cr2;
};
_Static_assert(sizeof(struct abi_sigcontext) == 88, "i386 sigcontext");

struct abi_ucontext {
    uint32_t flags, link;
    struct abi_stack stack;
    struct abi_sigcontext mcontext;
    uint64_t sigmask;
} ABI_PACKED;
_Static_assert(sizeof(struct abi_ucontext) == 116, "i386 ucontext");

struct abi_sigframe {
    uint32_t pretcode;
    int32_t sig;
    struct abi_sigcontext sc;
    uint8_t fpstate_unused[624];
    uint32_t extramask;
    uint8_t retcode[8];
};
_Static_assert(sizeof(struct abi_sigframe) == 732, "i386 sigframe");

struct abi_rt_sigframe {
    uint32_t pretcode;
    int32_t sig;
    uint32_t pinfo, puc;
    struct abi_siginfo info;
    struct abi_ucontext uc;
    uint8_t retcode[8];
};
_Static_assert(sizeof(struct abi_rt_sigframe) == 268, "i386 rt_sigframe");
