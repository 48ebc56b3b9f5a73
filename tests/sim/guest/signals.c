/* What a signal handler sees and can do, printed so that a run on the host CPU and one on Selkirk can be compared; i386 and x86-64.
 * Build: gcc [-m32] -static -O1 -fno-pie -no-pie -fno-stack-protector signals.c */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static volatile siginfo_t seen_info;
static volatile uintptr_t handler_sp, handler_flags;
static volatile uint64_t st0;
static volatile uint32_t skip, seen_sig, have_fp, fp_cw, st0_exp, count;
static volatile int tamper = 1; /* the handler changes the registers of what it has interrupted */
static uint8_t *page;

static void handler(int sig, siginfo_t *info, void *context);

static void plain(int sig);

static volatile int plain_sig;

/* look() and change() for the handler; faults(), others() and only_here(). */
#ifdef __x86_64__
#include "signals_x86_64.h"
#define STACK_POINTER "rsp"
#else
#include "signals_i386.h"
#define STACK_POINTER "esp"
#endif

static void handler(int sig, siginfo_t *info, void *context)
{
    uintptr_t sp, flags;
    __asm__ volatile("mov %%" STACK_POINTER ", %0; pushf; pop %1" : "=r"(sp), "=r"(flags));
    count++;
    seen_sig = (uint32_t)sig;
    handler_sp = sp;
    handler_flags = flags;
    memcpy((void *)&seen_info, info, sizeof seen_info);
    look(context);
    if (tamper)
        change(context);
}

static void catch (int sig, int flags)
{
    struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigemptyset(&a.sa_mask);
    sigaction(sig, &a, NULL);
}

/* Masks, pending signals, alternate stack, nesting, restart ---------------------------------------------------------- */

static volatile int depth, deepest;

static void nested(int sig)
{
    depth++;
    if (depth > deepest)
        deepest = depth;
    if (depth < 3)
        raise(sig);
    depth--;
}

static void plain(int sig) { plain_sig = sig; }

static sigjmp_buf jump;

static void jumper(int sig) { siglongjmp(jump, sig); }

static void masks(void)
{
    sigset_t set, old, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN + 3);
    catch (SIGUSR1, 0);
    catch (SIGRTMIN + 3, 0);
    count = 0;
    tamper = 0;
    sigprocmask(SIG_BLOCK, &set, &old);
    raise(SIGUSR1);
    sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_ptr = (void *)(uintptr_t)0x123456789abc});
    raise(SIGUSR1);
    sigpending(&pending);
    printf("blocked: count %u pending %d %d\n", count, sigismember(&pending, SIGUSR1), sigismember(&pending, SIGRTMIN + 3));
    siginfo_t info;
    struct timespec zero = {0, 0};
    sigset_t rt;
    sigemptyset(&rt);
    sigaddset(&rt, SIGRTMIN + 3);
    int got = sigtimedwait(&rt, &info, &zero);
    printf("sigtimedwait: %d code %d value %p mine %d\n", got - SIGRTMIN, info.si_code, info.si_value.sival_ptr,
           info.si_pid == getpid() && info.si_uid == getuid());
    int again = sigtimedwait(&rt, &info, &zero);
    printf("again: %d %d\n", again, errno == EAGAIN);
    sigprocmask(SIG_SETMASK, &old, NULL);
    printf("unblocked: count %u code %d\n", count, seen_info.si_code);
    sigprocmask(SIG_BLOCK, &set, &old);
    kill(getpid(), SIGUSR1);
    int r = sigsuspend(&old);
    printf("sigsuspend: %d count %u code %d pid %d\n", r, count, seen_info.si_code, seen_info.si_pid == getpid());
    sigpending(&pending);
    printf("still blocked: %d\n", sigismember(&pending, SIGUSR1));
    sigprocmask(SIG_SETMASK, &old, NULL);
    signal(SIGUSR2, SIG_IGN);
    printf("ignored: %d\n", raise(SIGUSR2));
}

static void nesting(void)
{
    struct sigaction a = {.sa_handler = nested, .sa_flags = SA_NODEFER};
    sigaction(SIGUSR2, &a, NULL);
    raise(SIGUSR2);
    printf("nodefer: deepest %d\n", deepest);
    deepest = 0;
    a.sa_flags = 0;
    sigaction(SIGUSR2, &a, NULL);
    depth = 2;
    raise(SIGUSR2);
    printf("defer: deepest %d\n", deepest);
    a.sa_handler = plain;
    a.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGUSR2, &a, NULL);
    raise(SIGUSR2);
    sigaction(SIGUSR2, NULL, &a);
    printf("resethand: got %d, handler now %s\n", plain_sig, a.sa_handler == SIG_DFL ? "default" : "set");
}

static void stacks(void)
{
    static uint8_t space[65536];
    stack_t s = {.ss_sp = space, .ss_size = sizeof space}, old;
    printf("sigaltstack: %d\n", sigaltstack(&s, &old));
    printf("  before: flags %d\n", old.ss_flags);
    catch (SIGUSR1, SA_ONSTACK);
    raise(SIGUSR1);
    uintptr_t base = (uintptr_t)space;
    printf("  handler on it: %d\n", handler_sp > base && handler_sp < base + sizeof space);
    sigaltstack(NULL, &old);
    printf("  as set: %d %zu\n", old.ss_sp == space, old.ss_size);
    s.ss_size = 100;
    printf("  too small: %d\n", sigaltstack(&s, NULL));
    s.ss_flags = SS_DISABLE;
    printf("  off: %d\n", sigaltstack(&s, NULL));
}

static void restart(int flags)
{
    int fd[2], status;
    char c = 0;
    catch (SIGALRM, flags);
    if (pipe(fd))
        return;
    count = 0;
    pid_t child = fork();
    if (!child) {
        usleep(400000);
        if (write(fd[1], "x", 1) != 1)
            _exit(1);
        _exit(7);
    }
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 100000}}, NULL);
    ssize_t n = read(fd[0], &c, 1);
    int e = errno;
    printf("read: %zd %s count %u byte %d\n", n, n < 0 && e == EINTR ? "EINTR" : "", count, c);
    while (waitpid(child, &status, 0) < 0)
        ;
    printf("child: %d\n", WEXITSTATUS(status));
    close(fd[0]);
    close(fd[1]);
}

static void overflow(int depth)
{
    volatile char big[4096];
    big[0] = (char)depth;
    overflow(depth + 1);
    big[1] = big[0];
}

static void stack_overflow(void)
{
    static uint8_t space[65536];
    stack_t s = {.ss_sp = space, .ss_size = sizeof space};
    struct sigaction a = {.sa_handler = jumper, .sa_flags = SA_ONSTACK};
    sigaltstack(&s, NULL);
    sigaction(SIGSEGV, &a, NULL);
    int sig = sigsetjmp(jump, 1);
    if (!sig)
        overflow(0);
    printf("stack overflow: %d\n", sig);
}

int main(void)
{
    const int sigs[] = {SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGBUS};
    for (unsigned i = 0; i < sizeof sigs / sizeof *sigs; i++)
        catch (sigs[i], 0);
    faults();
    others();
    masks();
    nesting();
    stacks();
    only_here();
    fflush(stdout);
    restart(0);
    fflush(stdout);
    restart(SA_RESTART);
    stack_overflow();
    signal(SIGSEGV, jumper);
    int sig = sigsetjmp(jump, 1);
    if (!sig)
        *(volatile int *)16 = 1;
    printf("siglongjmp: %d\n", sig);
    fflush(stdout);
    signal(SIGABRT, SIG_DFL);
    abort();
}
