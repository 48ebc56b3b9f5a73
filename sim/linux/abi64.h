/* Structures of the Linux x86-64 system call interface that differ from the i386 ones of abi.h. */
#pragma once
#include <stdint.h>

enum { ABI64_USER_CS = 0x33, ABI64_USER_DS = 0x2b };

struct abi64_stat {
    uint64_t dev, ino, nlink;
    uint32_t mode, uid, gid, pad;
    uint64_t rdev;
    int64_t size, blksize, blocks;
    int64_t atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
    int64_t unused[3];
};
_Static_assert(sizeof(struct abi64_stat) == 144, "x86-64 stat");

struct abi64_statfs {
    int64_t type, bsize;
    uint64_t blocks, bfree, bavail, files, ffree;
    int32_t fsid[2];
    int64_t namelen, frsize, flags, spare[4];
};
_Static_assert(sizeof(struct abi64_statfs) == 120, "x86-64 statfs");

struct abi64_iovec {
    uint64_t base, len;
};
struct abi64_timeval {
    int64_t sec, usec;
};
struct abi64_tms {
    int64_t utime, stime, cutime, cstime;
};
struct abi64_rusage {
    struct abi64_timeval utime, stime;
    int64_t other[14];
};
_Static_assert(sizeof(struct abi64_rusage) == 144, "x86-64 rusage");

struct abi64_sysinfo {
    int64_t uptime;
    uint64_t loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
    uint16_t procs, pad;
    uint32_t pad2;
    uint64_t totalhigh, freehigh;
    uint32_t mem_unit, pad3;
};
_Static_assert(sizeof(struct abi64_sysinfo) == 112, "x86-64 sysinfo");

struct abi64_sigaction {
    uint64_t handler, flags, restorer, mask;
};

struct abi64_stack {
    uint64_t sp;
    int32_t flags, pad;
    uint64_t size;
};
_Static_assert(sizeof(struct abi64_stack) == 24, "x86-64 stack_t");

/* The personality's own form of a siginfo, too. */
struct abi64_siginfo {
    int32_t signo, error, code, pad;
    union {
        uint64_t addr;
        struct {
            int32_t pid;
            uint32_t uid;
            int64_t value; /* SIGCHLD: the status */
        } kill;
        int32_t words[28];
    };
};
_Static_assert(sizeof(struct abi64_siginfo) == 128, "x86-64 siginfo");

struct abi64_sigcontext {
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t di, si, bp, bx, dx, ax, cx, sp, ip, flags;
    uint16_t cs, gs, fs, ss;
    uint64_t err, trapno, oldmask, cr2, fpstate, reserved[8];
};
_Static_assert(sizeof(struct abi64_sigcontext) == 256, "x86-64 sigcontext");

struct abi64_ucontext {
    uint64_t flags, link;
    struct abi64_stack stack;
    struct abi64_sigcontext mcontext;
    uint64_t sigmask;
};
_Static_assert(sizeof(struct abi64_ucontext) == 304, "x86-64 ucontext");

struct abi64_rt_sigframe {
    uint64_t pretcode;
    struct abi64_ucontext uc;
    struct abi64_siginfo info;
};
_Static_assert(sizeof(struct abi64_rt_sigframe) == 440, "x86-64 rt_sigframe");

struct abi64_fxsave {
    uint16_t cw, sw;
    uint8_t tag, reserved0;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t st[8][16], xmm[16][16];
    uint32_t reserved1[24];
};
_Static_assert(sizeof(struct abi64_fxsave) == 512, "fxsave image");
