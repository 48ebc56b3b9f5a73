/* The process whose registers and memory the oracle sets: 32-bit or 64-bit, no libraries. Descriptor 3 is the shared memory: code, then
 * writable data, then read-only data. All else is unmapped, then it stops for its parent.
 */
#include "child_call.h"

enum { SIGSTOP_ = 19 };

void _start(void)
{
    map_guest();
    long self = call(__NR_getpid, 0, 0, 0, 0, 0, 0);
    call(__NR_ptrace, 0, 0, 0, 0, 0, 0); /* PTRACE_TRACEME */
    call(__NR_kill, self, SIGSTOP_, 0, 0, 0, 0);
    /* The parent lets it go once, to unmap its stack and the vdso; no stack from here on. */
#if defined(__x86_64__)
    __asm__ volatile("mov $11, %%eax\n\tmov $0x60000000, %%edi\n\tmovabs $0x7fff9ffff000, %%rsi\n\tsyscall\n\tint3\n\t" ::
                         : "memory");
#else
    __asm__ volatile("mov $91, %%eax\n\tmov $0x60000000, %%ebx\n\tmov $0x9fffe000, %%ecx\n\tint $0x80\n\tint3\n\t" ::
                         : "memory");
#endif
    for (;;)
        ;
}
