/* Signals: exceptions become them, pending ones are delivered before the guest goes on. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "syscalls.h"

enum { SIG_DEFAULT = 0, SIG_IGNORED = 1, CODE_KERNEL = 0x80 };
enum { F_SIGINFO = 4, F_ONESHOT = 0x80000000, F_NODEFER = 0x40000000 };
enum {
    VEC_DE = 0,
    VEC_DB = 1,
    VEC_BP = 3,
    VEC_UD = 6,
    VEC_NP = 11,
    VEC_SS = 12,
    VEC_PF = 14,
    VEC_MF = 16,
    VEC_AC = 17,
    VEC_XF = 19
};

static uint64_t bit(int signal) { return UINT64_C(1) << (signal - 1); }

#define UNBLOCKABLE (bit(SIGKILL) | bit(SIGSTOP))

const char *linux_signal_name(int signal)
{
    const char *name = signal > 0 && signal < LINUX_SIGNALS ? sigabbrev_np(signal) : NULL;
    return name ? name : "?";
}

static bool ignored_by_default(int signal)
{
    return signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT;
}

static void queue(struct linux_process *p, int signal, const struct abi_siginfo *info)
{
    if (p->pending & bit(signal))
        return;
    p->pending |= bit(signal);
    p->info[signal] = *info;
}

void linux_raise(struct linux_process *p, int signal, int code)
{
    struct abi_siginfo info = {.signo = signal, .code = code};
    info.kill.pid = LINUX_PID;
    info.kill.uid = getuid();
    uint32_t handler = p->action[signal].handler;
    bool ignored = handler == SIG_IGNORED || (handler == SIG_DEFAULT && ignored_by_default(signal));
    if (!ignored || (p->blocked & bit(signal)))
        queue(p, signal, &info);
}

/* A signal that the kernel forces on the process: one that is blocked or ignored kills. */
static void force(struct linux_process *p, int signal, int code, uint32_t addr)
{
    struct abi_siginfo info = {.signo = signal, .code = code};
    info.addr = addr;
    if ((p->blocked & bit(signal)) || p->action[signal].handler == SIG_IGNORED) {
        p->action[signal].handler = SIG_DEFAULT;
        p->blocked &= ~bit(signal);
    }
    p->pending &= ~bit(signal);
    queue(p, signal, &info);
}

/* Exceptions --------------------------------------------------------------------------------------------------------- */

static int fp_code(uint32_t status, uint32_t masked)
{
    uint32_t e = status & ~masked;
    if (e & 1)
        return FPE_FLTINV;
    if (e & 4)
        return FPE_FLTDIV;
    if (e & 8)
        return FPE_FLTOVF;
    if (e & 0x12)
        return FPE_FLTUND;
    return e & 0x20 ? FPE_FLTRES : 0;
}

static void page_fault(struct linux_process *p, uint32_t error, uint32_t address)
{
    enum { ERROR_WRITE = 2, ERROR_FETCH = 16 };
    int access = error & ERROR_FETCH ? MM_EXEC : error & ERROR_WRITE ? MM_WRITE : MM_READ;
    uint32_t paddr;
    enum mm_fault r = MM_FAULT_ACCERR; /* the page is there: it is its protection */
    if (!mm_translate(p->mm, address, &paddr))
        r = mm_fault(p->mm, address, access);
    switch (r) {
    case MM_FAULT_FIXED: return;
    case MM_FAULT_BUS: force(p, SIGBUS, BUS_ADRERR, address); return;
    case MM_FAULT_NOMEM:
        linux_kill(p, SIGKILL);
        snprintf(p->end_text, sizeof p->end_text, "guest memory is used up (%llu MiB); raise memory.dram_mib",
                 (unsigned long long)(p->mm->mem.size >> 20));
        return;
    default: force(p, SIGSEGV, r == MM_FAULT_MAPERR ? SEGV_MAPERR : SEGV_ACCERR, address);
    }
}

void linux_exception(struct linux_process *p, unsigned vector, uint32_t error, uint64_t address)
{
    uint32_t ip = (uint32_t)p->cpu->rip;
    p->trapno = vector;
    p->trap_error = error;
    switch (vector) {
    case VEC_DE: force(p, SIGFPE, FPE_INTDIV, ip); break;
    case VEC_DB: force(p, SIGTRAP, p->cpu->sysflags & EFL_TF ? TRAP_TRACE : TRAP_BRKPT, ip); break;
    case VEC_BP: force(p, SIGTRAP, CODE_KERNEL, 0); break;
    case VEC_UD: force(p, SIGILL, ILL_ILLOPN, ip); break;
    case VEC_NP:
    case VEC_SS: force(p, SIGBUS, CODE_KERNEL, 0); break;
    case VEC_PF: page_fault(p, error, (uint32_t)address); break;
    case VEC_MF: force(p, SIGFPE, fp_code(p->cpu->x87.sw, p->cpu->x87.cw & 0x3f), ip); break;
    case VEC_AC: force(p, SIGBUS, BUS_ADRALN, 0); break;
    case VEC_XF: force(p, SIGFPE, fp_code(p->cpu->mxcsr, p->cpu->mxcsr >> 7 & 0x3f), ip); break;
    default: force(p, SIGSEGV, CODE_KERNEL, 0); break; /* overflow, bound, general protection */
    }
    if (p->end == LINUX_RUNNING)
        linux_deliver(p);
}

/* Delivery ----------------------------------------------------------------------------------------------------------- */

static int next_signal(uint64_t ready)
{
    static const int synchronous[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS};
    uint64_t first = 0;
    for (size_t i = 0; i < sizeof synchronous / sizeof *synchronous; i++)
        first |= bit(synchronous[i]);
    if (ready & first)
        ready &= first;
    return __builtin_ctzll(ready) + 1;
}

static void default_action(struct linux_process *p, int signal)
{
    if (ignored_by_default(signal))
        return;
    if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) {
        p->end = LINUX_STUCK;
        snprintf(p->end_text, sizeof p->end_text, "stopped by SIG%s, and there is nobody to continue it",
                 linux_signal_name(signal));
        return;
    }
    linux_kill(p, signal);
}

static void deliver_one(struct linux_process *p, int signal)
{
    struct linux_action *slot = &p->action[signal], a = *slot;
    p->pending &= ~bit(signal);
    if (a.handler == SIG_IGNORED)
        return;
    if (a.handler == SIG_DEFAULT) {
        default_action(p, signal);
        return;
    }
    if (a.flags & F_ONESHOT)
        slot->handler = SIG_DEFAULT;
    uint64_t old = p->restore_mask ? p->saved_mask : p->blocked;
    p->restore_mask = false;
    if (!sigframe_push(p, signal, &a, old)) {
        if (signal == SIGSEGV || p->action[SIGSEGV].handler <= SIG_IGNORED || (p->blocked & bit(SIGSEGV)))
            linux_kill(p, SIGSEGV);
        else
            force(p, SIGSEGV, CODE_KERNEL, 0);
        return;
    }
    p->blocked |= a.mask | (a.flags & F_NODEFER ? 0 : bit(signal));
    p->blocked &= ~UNBLOCKABLE;
}

void linux_deliver(struct linux_process *p)
{
    while (p->end == LINUX_RUNNING && (p->pending & ~p->blocked))
        deliver_one(p, next_signal(p->pending & ~p->blocked));
    if (p->restore_mask) { /* a wait that no handler ended */
        p->blocked = p->saved_mask;
        p->restore_mask = false;
    }
}
