/* System calls of the children, which have no libraries. */
#pragma once
#include "oracle.h"

enum { READ = 1, WRITE = 2, EXEC = 4, SHARED_FIXED = 0x11, FD_MEMORY = 3 };

#if defined(__x86_64__)
#include <asm/unistd_64.h>
#define NR_MAP __NR_mmap
enum { MAP_UNIT = 1 };

static inline long call(long n, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    long r;
    __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
    return r;
}
#else
#include <asm/ldt.h>
#include <asm/unistd_32.h>
#define NR_MAP __NR_mmap2
enum { MAP_UNIT = 4096 };

static inline long call(long n, long a, long b, long c, long d, long e, long f)
{
    long args[2] = {n, f}, r;
    __asm__ volatile("push %%ebp; mov 4(%%eax), %%ebp; mov (%%eax), %%eax; int $0x80; pop %%ebp"
                     : "=a"(r)
                     : "a"(args), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
                     : "memory");
    return r;
}
#endif

/* A part of the shared memory. */
static inline void map(unsigned at, unsigned size, int prot, unsigned offset)
{
    static const char text[] =
        "guest-oracle-child: no memory to share; this is a part of guest-oracle, see guest-oracle --help\n";
    if (call(NR_MAP, (long)at, (long)size, prot, SHARED_FIXED, FD_MEMORY, offset / MAP_UNIT) != (long)at) {
        call(__NR_write, 2, (long)text, sizeof text - 1, 0, 0, 0);
        call(__NR_exit, 2, 0, 0, 0, 0, 0);
    }
}

/* The guest's memory, and in IA-32 its thread-local segment. */
static inline void map_guest(void)
{
    map(ORACLE_CODE, ORACLE_CODE_SIZE, READ | EXEC, 0);
    map(ORACLE_DATA, ORACLE_RW_SIZE, READ | WRITE, ORACLE_CODE_SIZE);
    map(ORACLE_DATA + ORACLE_RW_SIZE, ORACLE_RO_SIZE, READ, ORACLE_CODE_SIZE + ORACLE_RW_SIZE);
#if !defined(__x86_64__)
    struct user_desc tls = {
        .entry_number = (unsigned)-1,
        .base_addr = ORACLE_TLS,
        .limit = 0xfffff,
        .seg_32bit = 1,
        .limit_in_pages = 1,
        .useable = 1,
    };
    if (call(__NR_set_thread_area, (long)&tls, 0, 0, 0, 0, 0) || tls.entry_number != 12)
        call(__NR_exit, 3, 0, 0, 0, 0, 0);
#endif
}
