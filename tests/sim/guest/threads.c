/* Threads: locks handed over, conditions, barriers, thread-local data, robust locks, signals to one thread, the end of all. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 4, HANDOVERS = 1000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static int turn, total;
static __thread int mine = 3;

/* Each waits until it is its turn: every hand-over is a wait of one and a wake of another. */
static void *hand_over(void *arg)
{
    int me = (int)(long)arg;
    for (int i = 0; i < HANDOVERS / THREADS; i++) {
        pthread_mutex_lock(&lock);
        while (turn % THREADS != me)
            pthread_cond_wait(&changed, &lock);
        turn++;
        mine += me;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
    }
    pthread_barrier_wait(&barrier);
    pthread_mutex_lock(&lock);
    total += mine;
    pthread_mutex_unlock(&lock);
    return (void *)(long)(me * 100);
}

static void handovers(void)
{
    pthread_t t[THREADS];
    long sum = 0;
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (long i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, hand_over, (void *)i);
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(t[i], &result);
        sum += (long)result;
    }
    printf("turns %d, total %d, results %ld, mine %d\n", turn, total, sum, mine);
}

/* Nobody calls the kernel: the turns end by themselves. */
static atomic_int flag;

static void *spin(void *arg)
{
    while (atomic_load(&flag) == 0)
        ;
    atomic_store(&flag, 2);
    return NULL;
}

static void spinning(void)
{
    pthread_t t;
    pthread_create(&t, NULL, spin, NULL);
    for (volatile int i = 0; i < 300000; i++)
        ;
    atomic_store(&flag, 1);
    while (atomic_load(&flag) != 2)
        ;
    pthread_join(t, NULL);
    printf("spun\n");
}

static void *contend(void *arg)
{
    static int counter;
    for (int i = 0; i < 20000; i++) {
        pthread_mutex_lock(&lock);
        counter++;
        pthread_mutex_unlock(&lock);
    }
    return &counter;
}

static void contention(void)
{
    pthread_t t[3];
    void *counter;
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, contend, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], &counter);
    printf("counted %d\n", *(int *)counter);
}

static pthread_mutex_t robust;

static void *die_with_lock(void *arg)
{
    pthread_mutex_lock(&robust);
    return NULL;
}

static void robust_locks(void)
{
    pthread_mutexattr_t a;
    pthread_t t;
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&robust, &a);
    pthread_create(&t, NULL, die_with_lock, NULL);
    pthread_join(t, NULL);
    int r = pthread_mutex_lock(&robust);
    printf("owner died: %s\n", r ? strerrorname_np(r) : "no");
    pthread_mutex_consistent(&robust);
    pthread_mutex_unlock(&robust);
    printf("again: %d\n", pthread_mutex_lock(&robust));
}

static pthread_t signalled;
static volatile sig_atomic_t by_whom;

static void handler(int signal) { by_whom = pthread_equal(pthread_self(), signalled) ? 1 : 2; }

static sem_t ready;

static void *wait_for_signal(void *arg)
{
    sem_post(&ready);
    while (!by_whom)
        usleep(100);
    return NULL;
}

static void *forever(void *arg)
{
    for (;;)
        pause();
}

static void signals(void)
{
    signal(SIGUSR1, handler);
    sem_init(&ready, 0, 0);
    pthread_create(&signalled, NULL, wait_for_signal, NULL);
    sem_wait(&ready);
    pthread_kill(signalled, SIGUSR1);
    pthread_join(signalled, NULL);
    printf("signal handled by %s\n", by_whom == 1 ? "the thread" : "another");
    pthread_t t;
    void *result;
    pthread_create(&t, NULL, forever, NULL);
    pthread_cancel(t);
    pthread_join(t, &result);
    printf("cancelled %d\n", result == PTHREAD_CANCELED);
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_nsec += 1000000;
    if (limit.tv_nsec >= 1000000000)
        limit.tv_sec++, limit.tv_nsec -= 1000000000;
    pthread_mutex_lock(&lock);
    int r = pthread_cond_timedwait(&changed, &lock, &limit);
    pthread_mutex_unlock(&lock);
    printf("timed wait: %s\n", r ? strerrorname_np(r) : "woken");
}

/* A child has the one thread that called fork; exit of a process ends all its threads, and so does a fault in one of them. */
static void *fault(void *arg)
{
    usleep(100);
    *(volatile int *)16 = 1;
    return NULL;
}

static void ends(void)
{
    pthread_t t;
    int status;
    pthread_create(&t, NULL, forever, NULL);
    fflush(stdout);
    if (fork() == 0) {
        pthread_t other;
        pthread_create(&other, NULL, forever, NULL);
        exit(4);
    }
    wait(&status);
    printf("exit: %x\n", status);
    fflush(stdout);
    if (fork() == 0) {
        pthread_t other;
        pthread_create(&other, NULL, fault, NULL);
        for (;;)
            pause();
    }
    wait(&status);
    printf("fault: %x\n", status & 0x7f);
    fflush(stdout);
    if (fork() == 0) { /* the first thread goes before the last */
        pthread_t other;
        pthread_create(&other, NULL, spin, NULL);
        pthread_exit(NULL);
    }
    wait(&status);
    printf("leader first: %x\n", status);
}

int main(void)
{
    handovers();
    spinning();
    contention();
    robust_locks();
    signals();
    flag = 1;
    ends();
    return 6;
}
