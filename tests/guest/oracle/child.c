/* The process whose registers and memory the oracle sets: 32-bit, no libraries. Descriptor 3 is the shared memory: code, then
 * writable data, then read-only data. All else is unmapped, then it stops for its parent.
 */
#include "oracle.h"

#include <asm/ldt.h>
#include <asm/unistd_32.h>

enum { READ = 1, WRITE = 2, EXEC = 4, SHARED_FIXED = 0x11, FD = 3, SIGSTOP_ = 19 };

static long call(long n, long a, long b, long c, long d, long e, long f)
{
    long args[2] = {n, f}, r;
    __asm__ volatile("push %%ebp; mov 4(%%eax), %%ebp; mov (%%eax), %%eax; int $0x80; pop %%ebp"
                     : "=a"(r)
                     : "a"(args), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
                     : "memory");
    return r;
}

static void map(unsigned at, unsigned size, int prot, unsigned offset)
{
    if (call(__NR_mmap2, (long)at, (long)size, prot, SHARED_FIXED, FD, offset / 4096) != (long)at)
        call(__NR_exit, 2, 0, 0, 0, 0, 0);
}

void _start(void)
{
    struct user_desc tls = {
        .entry_number = (unsigned)-1,
        .base_addr = ORACLE_TLS,
        .limit = 0xfffff,
        .seg_32bit = 1,
        .limit_in_pages = 1,
        .useable = 1,
    };
    map(ORACLE_CODE, ORACLE_CODE_SIZE, READ | EXEC, 0);
    map(ORACLE_DATA, ORACLE_RW_SIZE, READ | WRITE, ORACLE_CODE_SIZE);
    map(ORACLE_DATA + ORACLE_RW_SIZE, ORACLE_RO_SIZE, READ, ORACLE_CODE_SIZE + ORACLE_RW_SIZE);
    if (call(__NR_set_thread_area, (long)&tls, 0, 0, 0, 0, 0) || tls.entry_number != 12)
        call(__NR_exit, 3, 0, 0, 0, 0, 0);
    long self = call(__NR_getpid, 0, 0, 0, 0, 0, 0);
    call(__NR_ptrace, 0, 0, 0, 0, 0, 0); /* PTRACE_TRACEME */
    call(__NR_kill, self, SIGSTOP_, 0, 0, 0, 0);
    /* The parent lets it go once, to unmap its stack and the vdso; no stack from here on. */
    __asm__ volatile("mov $91, %%eax\n\tmov $0x60000000, %%ebx\n\tmov $0x9fffe000, %%ecx\n\tint $0x80\n\tint3\n\t" ::: "memory");
    for (;;)
        ;
}
