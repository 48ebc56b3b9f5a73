/* Makes random system calls with random arguments: fuzz SEED COUNT. The kernel must survive. To be run in a folder of its own.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MEMORY = 0x70000000, SIZE = 8192, NAMES = 10, NAME = 64 };

/* Calls that end the guest, wait for ever, or take its own ground away. */
static const int left_out[] = {
    SYS_exit,       SYS_exit_group,    SYS_rt_sigreturn, SYS_kill,        SYS_tkill,   SYS_tgkill,
    SYS_pause,      SYS_rt_sigsuspend, SYS_futex,        SYS_poll,        SYS_ppoll,   SYS_select,
    SYS_pselect6,   SYS_read,          SYS_readv,        SYS_mknod,       SYS_mknodat, SYS_munmap,
    SYS_mmap,       SYS_mprotect,      SYS_mremap,       SYS_madvise,     SYS_brk,     SYS_set_thread_area,
    SYS_close,      SYS_dup2,          SYS_dup3,         SYS_sigaltstack, SYS_fork,    SYS_vfork,
    SYS_clone,      SYS_clone3,        SYS_execve,       SYS_execveat,    SYS_alarm,   SYS_setitimer,
#ifdef __x86_64__
    SYS_arch_prctl, SYS_epoll_wait,    SYS_epoll_pwait,
#else
    SYS_sigreturn,     SYS_sigsuspend,   SYS_futex_time64, SYS_ppoll_time64,
    SYS__newselect,    SYS_mmap2,        SYS_pselect6_time64,
#endif
};

static uint64_t state;
static char *const memory = (char *)MEMORY;

static uint32_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

static unsigned long argument(void)
{
#ifdef __x86_64__
    switch (draw() % 30) {
    case 0: return (unsigned long)draw() << 32 | draw();
    case 1: return ~0ul << draw() % 64;
    case 2: return 1ul << draw() % 64;
    case 3: return MEMORY | 1ul << (40 + draw() % 24);
    default: break;
    }
#endif
    switch (draw() % 11) {
    case 0: return draw();
    case 1: return MEMORY + draw() % SIZE;
    case 2: return MEMORY + SIZE - draw() % 64; /* runs into the unmapped page */
    case 3: return draw() % 8;
    case 4: return 0;
    case 5: return UINT32_MAX;
    case 6: return 1u << draw() % 32;
    case 7: return (uint32_t)-100; /* AT_FDCWD */
    case 8: return 0x1000 * (draw() % 0x100000);
    case 9: return MEMORY + NAME * (draw() % NAMES);
    default: return draw() % 70000;
    }
}

static int excluded(int number)
{
    for (unsigned i = 0; i < sizeof left_out / sizeof *left_out; i++)
        if (left_out[i] == number)
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    static const char *const names[NAMES] = {"a", "b", "d/x", "d", "../z", "/etc/passwd", "lnk", "", "/dev/ptmx", "/dev/pts/0"};
    long count = argc > 2 ? atol(argv[2]) : 1000;
    state = (argc > 1 ? strtoull(argv[1], NULL, 0) : 1) * 0x9e3779b97f4a7c15u | 1;
    mmap(memory, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    while (count-- > 0) {
        int number = (int)(draw() % 450);
        for (int k = 0; k < NAMES; k++)
            if (draw() % 4 == 0)
                strcpy(memory + NAME * k, names[k]);
        for (int k = 0; k < 20; k++) {
            unsigned long value = argument();
            memcpy(memory + 1024 + 4 * (draw() % 1000), &value, sizeof value);
        }
        if (!excluded(number)) {
            unsigned long a[6];
            for (int k = 0; k < 6; k++)
                a[k] = argument();
            syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
        }
    }
    return 17;
}
