/* Threads and signals, with any C library: a baton that four threads hand on a thousand times, thread-local variables, once-only
 * initialisation, faults that a handler mends or leaves by a long jump, on a stack of its own. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { THREADS = 4, HAND_OVERS = 1000, PAGES = 8, PAGE = 4096 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t handed = PTHREAD_COND_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static __thread unsigned mine = 17;
static unsigned turn, trail, destroyed, initialised;

static void at_exit_of_thread(void *value) { __atomic_fetch_add(&destroyed, *(unsigned *)value, __ATOMIC_RELAXED); }

static void initialise(void)
{
    initialised++;
    pthread_key_create(&key, at_exit_of_thread);
}

static void *runner(void *number)
{
    unsigned me = *(unsigned *)number;
    pthread_once(&once, initialise);
    pthread_setspecific(key, number);
    pthread_mutex_lock(&lock);
    while (turn < HAND_OVERS) {
        if (turn % THREADS == me) {
            trail = trail * 31 + me;
            mine += turn++;
            pthread_cond_broadcast(&handed);
        } else {
            pthread_cond_wait(&handed, &lock);
        }
    }
    pthread_mutex_unlock(&lock);
    return (void *)(uintptr_t)mine;
}

static void threads(void)
{
    pthread_t id[THREADS];
    unsigned number[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        number[i] = i;
        if (pthread_create(&id[i], NULL, runner, &number[i]))
            exit(9);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(id[i], &result);
        printf("thread %u: %lu\n", i, (unsigned long)(uintptr_t)result);
    }
    printf("%u hand-overs, %08x, %u, %u, %u\n", turn, trail, mine, destroyed, initialised);
}

static char *area;
static volatile unsigned mended;
static sigjmp_buf back;

static void mend(int number, siginfo_t *info, void *context)
{
    (void)context;
    uintptr_t at = (uintptr_t)info->si_addr - (uintptr_t)area;
    if (at >= PAGES * PAGE)
        siglongjmp(back, number);
    mended++;
    mprotect(area + at / PAGE * PAGE, PAGE, PROT_READ | PROT_WRITE);
}

static void faults(void)
{
    static char stack[65536];
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = mend;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaltstack(&other, NULL);
    sigaction(SIGSEGV, &action, NULL);
    area = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED)
        exit(8);
    for (unsigned i = 0; i < PAGES * PAGE; i += 512)
        area[i] = (char)(i / 512 + mended);
    unsigned sum = 0;
    for (unsigned i = 0; i < PAGES * PAGE; i++)
        sum = sum * 3 + (unsigned char)area[i];
    printf("%u faults mended, %08x\n", mended, sum);
    volatile unsigned left = 0;
    if (sigsetjmp(back, 1)) {
        left = left + 1;
    }
    if (left < 3)
        *(volatile int *)(uintptr_t)(left * 8) = 1;
    printf("%u faults left\n", left);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(void)
{
    double values[100];
    threads();
    faults();
    for (unsigned i = 0; i < 100; i++)
        values[i] = (double)(i * 7919u % 100u) / 7;
    qsort(values, 100, sizeof values[0], compare);
    printf("%.17g %.17g %a\n", values[1], values[50], values[99]);
    return 0;
}
