/* Restartable sequences: a section that a signal or another thread's turn interrupts goes on at its abort handler. glibc has
 * registered the area of each thread. For both word sizes. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIGNATURE = 0x53053053 };

static volatile int signals;

static struct rseq *area(void) { return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset); }

static void call(const char *what, void *at, unsigned size, unsigned flags, unsigned signature)
{
    errno = 0;
    long r = syscall(SYS_rseq, at, size, flags, signature);
    printf("%s %ld %s\n", what, r, strerrorname_np(errno));
}

static void on_signal(int sig)
{
    (void)sig;
    signals++;
}

/* Spins in a critical section until something takes it out of it. */
static int spin(volatile unsigned *count)
{
    int aborted = 0;
    __asm__ volatile("movl $5f, %0\n"
                     "1: incl %1\n\tjmp 1b\n"
                     "2: jmp 4f\n"
                     ".byte 0x0f, 0xb9, 0x3d\n.long 0x53053053\n"
                     "3: movl $1, %2\n\tjmp 4f\n"
                     ".pushsection .data\n.balign 32\n"
                     "5: .long 0, 0, 1b, 0, 2b - 1b, 0, 3b, 0\n"
                     ".popsection\n"
                     "4:"
                     : "=m"(*(uint32_t *)(uintptr_t)&area()->rseq_cs), "+m"(*count), "+r"(aborted)
                     :
                     : "memory");
    return aborted;
}

static void *thread(void *arg)
{
    unsigned count = 0;
    *(int *)arg = spin(&count) + 10 * (count > 1000) + 100 * (area()->rseq_cs == 0) + 1000 * ((int)area()->cpu_id >= 0);
    return NULL;
}

int main(void)
{
    struct rseq *r = area(), other __attribute__((aligned(32))) = {0};
    unsigned count = 0;
    int result[2] = {0, 0};
    printf("size %u, on a processor %d\n", __rseq_size, (int)r->cpu_id >= 0);
    call("again", r, 32, 0, SIGNATURE);
    call("other signature", r, 32, 0, 1);
    call("other area", &other, 32, 0, SIGNATURE);
    call("flags", &other, 32, 4, SIGNATURE);
    signal(SIGALRM, on_signal);
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 20000}}, NULL);
    int aborted = spin(&count);
    printf("aborted %d, counted %d, section left %d\n", aborted, count > 1000, r->rseq_cs == 0);
    setitimer(ITIMER_REAL, &(struct itimerval){.it_interval = {0, 2000}, .it_value = {0, 2000}}, NULL);
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, thread, &result[i]);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    while (!signals) /* a busy host may be late with the first */
        pause();
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
    printf("threads %d %d, signals %d\n", result[0], result[1], signals > 0);
    call("unregister", r, 32, 1, SIGNATURE);
    printf("processor %d\n", (int)r->cpu_id);
    call("again", r, 32, 1, SIGNATURE);
    call("register", r, 32, 0, SIGNATURE);
    printf("on a processor %d\n", (int)r->cpu_id >= 0);
    fflush(stdout);
    int status;
    if (fork() == 0) { /* a section whose abort handler has another signature */
        static char nonsense[64];
        static uint64_t bad[4] __attribute__((aligned(32)));
        bad[1] = (uintptr_t)nonsense;
        bad[2] = 1;
        bad[3] = (uintptr_t)nonsense + 32;
        r->rseq_cs = (uintptr_t)bad;
        raise(SIGALRM);
        _exit(0);
    }
    wait(&status);
    printf("nonsense: signal %d\n", WTERMSIG(status));
    return 0;
}
