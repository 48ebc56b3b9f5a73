/* Shared memory, semaphores and queues of messages of System V. Prints what it sees, but for numbers that the host chooses. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void show(const char *what, long r) { printf("%s: %ld %s\n", what, r, r < 0 ? strerrorname_np(errno) : ""); }
#define SHOW(call) show(#call, (long)(call))
#define WORKS(call) show(#call " works", (call) == -1 ? -1 : 0)

enum { BAD = 8 /* an address */ };
#define KEY key

static key_t key; /* this process's own */

/* The line of /proc/sysvipc that has the number, without what the host chooses. */
static void line(const char *name, int id)
{
    char path[64], text[400];
    sprintf(path, "/proc/sysvipc/%s", name);
    FILE *f = fopen(path, "r");
    while (f && fgets(text, sizeof text, f)) {
        long name_of, number, mode, size;
        if (sscanf(text, "%ld %ld %lo %ld", &name_of, &number, &mode, &size) == 4 && number == id)
            printf("%s: %d %lo %ld, %d characters\n", name, name_of == key, mode, size, (int)strlen(text));
        else if (strstr(text, "key"))
            printf("%s", text);
    }
    if (f)
        fclose(f);
}

static void on(int signal) { (void)signal; }

/* Until so many wait for a semaphore: GETNCNT or GETZCNT says it. */
static void until(int id, int at, int what, int n)
{
    while (semctl(id, at, what) != n)
        usleep(1000);
}

static void memory(void)
{
    struct shmid_ds d;
    SHOW(shmget(KEY, 100, 0600));
    SHOW(shmget(IPC_PRIVATE, 0, 0600));
    int id = shmget(KEY, 5000, IPC_CREAT | IPC_EXCL | 0640), other = shmget(IPC_PRIVATE, 4096, 0600);
    SHOW(id >= 0 && other >= 0 && id != other);
    SHOW(shmget(KEY, 100, IPC_CREAT | IPC_EXCL | 0600));
    SHOW(shmget(KEY, 5001, 0600));
    SHOW(shmget(KEY, 100, 0600) == id);
    char *a = shmat(id, NULL, 0), *b = shmat(id, NULL, SHM_RDONLY);
    SHOW(a != (void *)-1 && b != (void *)-1 && a != b);
    strcpy(a, "shared");
    SHOW(strcmp(b, "shared"));
    a[4999] = 'x';
    a[8191] = 'y';
    SHOW(b[8191]);
    SHOW(mprotect(b, 4096, PROT_READ | PROT_WRITE));
    SHOW(shmctl(id, IPC_STAT, &d));
    printf("size %ld, mode %o, attached %d, own %d, key %d, last is self %d, times %d %d\n", (long)d.shm_segsz, d.shm_perm.mode,
           (int)d.shm_nattch, d.shm_perm.uid == geteuid() && d.shm_perm.cgid == getegid(), d.shm_perm.__key == key,
           d.shm_lpid == getpid() && d.shm_cpid == getpid(), d.shm_atime > 0, d.shm_dtime > 0);
    line("shm", id);
    SHOW((long)shmat(id, (void *)12345, 0));
    SHOW((long)shmat(id, a, 0));
    SHOW((long)shmat(-1, NULL, 0));
    SHOW((long)shmat(id + 1000000, NULL, 0));
    SHOW((long)shmat(id, NULL, SHM_REMAP));
    char *c = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(shmat(id, c + 8192, SHM_REMAP) == c + 8192);
    SHOW(strcmp(c + 8192, "shared"));
    SHOW(munmap(c, 1 << 16));
    SHOW(shmat(id, c + 8193, SHM_RND) == c + 8192);
    SHOW(shmdt(c + 8192 + 4096));
    SHOW(shmdt(c + 8193));
    SHOW(shmdt(c + 8192));
    SHOW(shmdt(c + 8192));
    SHOW(shmdt(NULL));
    if (!fork()) {
        strcpy(a, "by the child");
        printf("child: %s\n", b);
        shmctl(id, IPC_STAT, &d);
        printf("attached %d\n", (int)d.shm_nattch);
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    SHOW(strcmp(b, "by the child"));
    d.shm_perm.mode = 0600;
    SHOW(shmctl(id, IPC_SET, &d));
#ifdef __x86_64__ /* else the C library looks at it first */
    SHOW(shmctl(id, IPC_SET, (void *)BAD));
#endif
#ifdef __x86_64__ /* else the C library looks at it first */
    SHOW(shmctl(id, IPC_STAT, (void *)BAD));
#endif
    SHOW(shmctl(id, 999, &d));
    SHOW(shmctl(-1, IPC_STAT, &d));
    SHOW(shmctl(id + 1000000, IPC_RMID, NULL));
    SHOW(shmctl(id, IPC_RMID, NULL));
    SHOW(shmget(KEY, 1, 0600));
    SHOW(shmctl(id, IPC_STAT, &d));
    printf("mode %o, attached %d, key %d\n", d.shm_perm.mode, (int)d.shm_nattch, d.shm_perm.__key);
    SHOW(shmdt(a));
    SHOW(strcmp(b, "by the child"));
    SHOW(shmdt(b));
    SHOW(shmctl(id, IPC_STAT, &d));
    SHOW(shmctl(other, IPC_RMID, NULL));
    SHOW((long)shmat(other, NULL, 0));
    struct shminfo info;
    SHOW(shmctl(0, IPC_INFO, (void *)&info) >= 0);
    printf("%lu\n", info.shmmin);
    struct shm_info used;
    SHOW(shmctl(0, SHM_INFO, (void *)&used) >= 0);
}

union arg {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
};

static int op(int id, int num, int by, int flags)
{
    struct sembuf s = {num, by, flags};
    return semop(id, &s, 1);
}

static void values(int id)
{
    unsigned short v[4] = {9, 9, 9, 9};
    semctl(id, 0, GETALL, (union arg){.array = v});
    printf("values %d %d %d %d\n", v[0], v[1], v[2], v[3]);
}

static void semaphores(void)
{
    struct semid_ds d;
    struct timespec t = {0, 20000000}, odd = {0, 2000000000};
    SHOW(semget(KEY, 1, 0600));
    SHOW(semget(IPC_PRIVATE, 0, 0600));
    SHOW(semget(IPC_PRIVATE, -1, 0600));
    SHOW(semget(IPC_PRIVATE, 100000, 0600));
    int id = semget(KEY, 4, IPC_CREAT | 0600);
    SHOW(id >= 0);
    SHOW(semget(KEY, 5, 0600));
    SHOW(semget(KEY, 0, 0600) == id);
    SHOW(semget(KEY, 4, IPC_CREAT | IPC_EXCL));
    values(id);
    SHOW(semctl(id, 1, SETVAL, (union arg){.val = 3}));
    SHOW(semctl(id, 1, GETVAL));
    SHOW(semctl(id, 4, GETVAL));
    SHOW(semctl(id, 1, SETVAL, (union arg){.val = 40000}));
    SHOW(semctl(id, 1, SETVAL, (union arg){.val = -1}));
    SHOW(semctl(id, 1, GETPID) == getpid());
    SHOW(semctl(id, 2, GETPID));
    unsigned short set[4] = {1, 2, 3, 4}, high[4] = {1, 2, 65535, 4};
    SHOW(semctl(id, 0, SETALL, (union arg){.array = set}));
    SHOW(semctl(id, 0, SETALL, (union arg){.array = high}));
    SHOW(semctl(id, 0, SETALL, (union arg){.array = (void *)BAD}));
    SHOW(semctl(id, 0, GETALL, (union arg){.array = (void *)BAD}));
    values(id);
    SHOW(op(id, 0, -1, 0));
    SHOW(op(id, 0, -1, IPC_NOWAIT));
    SHOW(op(id, 0, 0, IPC_NOWAIT));
    SHOW(op(id, 1, 0, IPC_NOWAIT));
    SHOW(op(id, 9, 1, 0));
    SHOW(op(id, 0, 32767, 0));
    SHOW(op(id, 0, 1, 0));
    SHOW(semop(id, NULL, 0));
    SHOW(semop(id, (void *)BAD, 1));
    SHOW(semop(id, NULL, 501));
    SHOW(op(id + 1000000, 0, 1, 0));
    SHOW(semctl(id, 0, SETALL, (union arg){.array = set}));
    /* All or none. */
    struct sembuf both[3] = {{1, -2, 0}, {2, -3, 0}, {3, -5, IPC_NOWAIT}};
    SHOW(semop(id, both, 3));
    values(id);
    SHOW(semop(id, both, 2));
    values(id);
    struct sembuf one = {1, -1, 0};
    SHOW(semtimedop(id, &one, 1, &t));
    SHOW(semtimedop(id, &one, 1, &odd));
    SHOW(semctl(id, 0, IPC_STAT, (union arg){.buf = &d}));
    printf("n %ld, mode %o, times %d %d\n", (long)d.sem_nsems, d.sem_perm.mode, d.sem_otime > 0, d.sem_ctime > 0);
    line("sem", id);
    /* Who waits, and is waited for. */
    fflush(stdout);
    int pid = fork();
    if (!pid) {
        SHOW(op(id, 1, -1, 0));
        SHOW(op(id, 0, 0, 0));
        fflush(stdout);
        op(id, 2, 1, 0);
        _exit(0);
    }
    until(id, 1, GETNCNT, 1);
    SHOW(semctl(id, 1, GETNCNT));
    fflush(stdout);
    SHOW(op(id, 1, 1, 0));
    until(id, 0, GETZCNT, 1);
    SHOW(semctl(id, 0, GETZCNT));
    SHOW(semctl(id, 1, GETNCNT));
    fflush(stdout);
    SHOW(op(id, 0, -1, 0));
    SHOW(op(id, 2, -1, 0));
    wait(NULL);
    fflush(stdout);
    /* Undone at the end. */
    if (!fork()) {
        op(id, 3, -3, SEM_UNDO);
        op(id, 1, 7, SEM_UNDO);
        op(id, 2, 7, SEM_UNDO);
        semctl(id, 2, SETVAL, (union arg){.val = 5});
        values(id);
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    values(id);
    /* A signal, and the end of the set. */
    signal(SIGALRM, on);
    struct sigaction sa = {.sa_handler = on, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &sa, NULL);
    ualarm(30000, 0);
    SHOW(op(id, 0, -1, 0));
    fflush(stdout);
    if (!fork()) {
        SHOW(op(id, 0, -1, 0));
        fflush(stdout);
        _exit(0);
    }
    until(id, 0, GETNCNT, 1);
    int gone = semctl(id, 0, IPC_RMID);
    wait(NULL);
    SHOW(gone);
    SHOW(op(id, 0, 1, 0));
    SHOW(semctl(id, 0, 77));
    SHOW(semctl(-1, 0, GETVAL));
    struct seminfo info;
    SHOW(semctl(0, 0, IPC_INFO, (union arg){.array = (void *)&info}) >= 0);
    printf("%d %d\n", info.semvmx, info.semopm);
}

struct text {
    long type;
    char text[9000];
};

static int put(int id, long type, const char *text, int flags)
{
    struct text m = {type};
    strcpy(m.text, text);
    return msgsnd(id, &m, strlen(text), flags);
}

static void get(int id, long type, size_t size, int flags)
{
    struct text m = {-1};
    long n = msgrcv(id, &m, size, type, flags);
    printf("get %ld: %ld %s type %ld \"%.*s\"\n", type, n, n < 0 ? strerrorname_np(errno) : "", m.type, (int)(n > 0 ? n : 0),
           m.text);
}

static void messages(void)
{
    struct msqid_ds d;
    static struct text big = {1};
    SHOW(msgget(KEY, 0600));
    int id = msgget(KEY, IPC_CREAT | 0622);
    SHOW(id >= 0);
    SHOW(msgget(KEY, IPC_CREAT | IPC_EXCL | 0600));
    SHOW(msgget(KEY, 0600) == id);
    get(id, 0, 10, IPC_NOWAIT);
    SHOW(put(id, 0, "x", 0));
    SHOW(put(id, -1, "x", 0));
    SHOW(msgsnd(id, &big, 8193, 0));
    SHOW(msgsnd(id, &big, -1, 0));
    SHOW(msgsnd(id, (void *)BAD, 1, 0));
    SHOW(msgsnd(-1, &big, 1, 0));
    SHOW(msgsnd(id + 1000000, &big, 1, 0));
    SHOW(put(id, 5, "five", 0) | put(id, 3, "three", 0) | put(id, 5, "again five", 0) | put(id, 1, "", 0) |
         put(id, 4, "four", 0));
    SHOW(msgctl(id, IPC_STAT, &d));
    printf("bytes %ld, count %ld, most %ld, mode %o, from self %d, to %d\n", (long)d.__msg_cbytes, (long)d.msg_qnum,
           (long)d.msg_qbytes, d.msg_perm.mode, d.msg_lspid == getpid(), d.msg_lrpid);
    line("msg", id);
    get(id, 5, 2, 0);
    get(id, 5, 2, MSG_NOERROR);
    get(id, -3, 10, 0);
    get(id, -4, 10, 0);
    get(id, 5, 10, MSG_EXCEPT);
    get(id, 9, 10, IPC_NOWAIT);
    get(id, 5, 10, 0);
    get(id, 0, (size_t)-1, 0);
    SHOW(msgrcv(id, (void *)BAD, 0, 0, IPC_NOWAIT));
    int n = 0;
    while (n < 100 && msgsnd(id, &big, 1000, IPC_NOWAIT) == 0)
        n++;
    SHOW(n);
    fflush(stdout);
    if (!fork()) {
        usleep(50000);
        for (int i = 0; i < n; i++)
            get(id, 0, 0, MSG_NOERROR);
        get(id, 0, 20, 0);
        fflush(stdout);
        _exit(0);
    }
    int r = put(id, 1, "had to wait", 0);
    wait(NULL);
    SHOW(r);
}

static void the_end(void)
{
    struct msqid_ds d;
    int id = msgget(KEY, 0600);
    struct sigaction sa = {.sa_handler = on, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &sa, NULL);
    ualarm(30000, 0);
    get(id, 7, 10, 0);
    SHOW(msgctl(id, IPC_STAT, &d));
    d.msg_qbytes = 4;
    d.msg_perm.mode = 0644;
    SHOW(msgctl(id, IPC_SET, &d));
    SHOW(put(id, 1, "too much", IPC_NOWAIT));
    SHOW(put(id, 1, "four", IPC_NOWAIT));
#ifdef __x86_64__ /* else the C library looks at it first */
    SHOW(msgctl(id, IPC_SET, (void *)BAD));
#endif
    SHOW(msgctl(id, 99, &d));
    fflush(stdout);
    int ready[2], pid;
    char c = 0;
    if (pipe(ready))
        exit(1);
    if (!(pid = fork())) {
        if (write(ready[1], &c, 1) != 1)
            _exit(1);
        get(id, 7, 10, 0);
        fflush(stdout);
        _exit(0);
    }
    SHOW(read(ready[0], &c, 1));
    fflush(stdout);
    usleep(200000);
    int gone = msgctl(id, IPC_RMID, NULL);
    waitpid(pid, NULL, 0);
    SHOW(gone);
    SHOW(put(id, 1, "x", 0));
    struct msginfo info;
    SHOW(msgctl(0, IPC_INFO, (void *)&info) >= 0);
    printf("%d %d\n", info.msgmax, info.msgmnb);
}

/* The structures that i386's one call gives without the bit for the newer ones. */
static void old_structures(void)
{
#ifdef __i386__
    enum { SEMCTL = 3, MSGCTL = 14, SHMCTL = 24 };
    struct perm {
        int32_t key;
        uint16_t uid, gid, cuid, cgid, mode, seq;
    };
    struct {
        struct perm perm;
        uint32_t first, last, sent, received, changed, lcbytes, lqbytes;
        uint16_t bytes, count, most, sender, receiver;
    } q;
    struct {
        struct perm perm;
        uint32_t size, attached, detached, changed;
        uint16_t creator, last, count, none;
        uint32_t more[2];
    } m;
    struct {
        struct perm perm;
        uint32_t used, changed, parts[4];
        uint16_t n;
    } s;
    int32_t info[9], own = key ^ 0x1000000;
    int id = msgget(own, IPC_CREAT | 0640), shm = shmget(own, 5000, IPC_CREAT | 0604), sem = semget(own, 3, IPC_CREAT | 0460);
    msgsnd(id, &(struct {
               long type;
               char text[5];
           }){1, "four"},
           5, 0);
    memset(&q, 0xee, sizeof q);
    memset(&m, 0xee, sizeof m);
    memset(&s, 0xee, sizeof s);
    memset(info, 0xee, sizeof info);
    SHOW(syscall(SYS_ipc, MSGCTL, id, IPC_STAT, 0, &q));
    printf("%d %o %d %d, %u %u %u, %d %u %d, %d %d %d %d %d\n", q.perm.key == own, q.perm.mode,
           q.perm.uid == (uint16_t)getuid(), q.perm.cgid == (uint16_t)getgid(), q.first, q.last, q.lcbytes, q.sent != 0,
           q.received, q.changed != 0, q.bytes, q.count, q.most, q.sender == (uint16_t)getpid(), q.receiver);
    q.perm.mode = 0600;
    q.most = 1000;
    SHOW(syscall(SYS_ipc, MSGCTL, id, IPC_SET, 0, &q));
    struct msqid_ds now;
    SHOW(msgctl(id, IPC_STAT, &now));
    printf("%o %d\n", now.msg_perm.mode, (int)now.msg_qbytes);
    SHOW(syscall(SYS_ipc, MSGCTL, id, IPC_SET, 0, BAD));
    SHOW(syscall(SYS_ipc, MSGCTL, id, IPC_STAT, 0, BAD));
    SHOW(syscall(SYS_ipc, SHMCTL, shm, IPC_STAT, 0, &m));
    printf("%d %o, %u, %u %u %d, %d %d %d %d %u\n", m.perm.key == own, m.perm.mode, m.size, m.attached, m.detached,
           m.changed != 0, m.creator == (uint16_t)getpid(), m.last, m.count, m.none, m.more[1]);
    m.perm.mode = 0640;
    SHOW(syscall(SYS_ipc, SHMCTL, shm, IPC_SET, 0, &m));
    SHOW(syscall(SYS_ipc, SHMCTL, shm, IPC_STAT, 0, &m));
    printf("%o\n", m.perm.mode);
    SHOW(syscall(SYS_ipc, SHMCTL, 0, IPC_INFO, 0, info) >= 0);
    printf("%d %x\n", info[0], info[5]);
    void *arg = &s;
    SHOW(syscall(SYS_ipc, SEMCTL, sem, 0, IPC_STAT, &arg));
    printf("%d %o %u %d %u %d\n", s.perm.key == own, s.perm.mode, s.used, s.changed != 0, s.parts[3], s.n);
    SHOW(syscall(SYS_ipc, MSGCTL, id, IPC_RMID, 0, 0));
    SHOW(syscall(SYS_ipc, SHMCTL, shm, IPC_RMID, 0, 0));
    SHOW(syscall(SYS_ipc, SEMCTL, sem, 0, IPC_RMID, &arg));
#endif
}

/* Messages that are looked at and stay, where the host's kernel has that. */
static void copies(void)
{
    struct {
        long type;
        char text[16];
    } m = {7, "seven"};
    int id = msgget(IPC_PRIVATE, 0600);
    SHOW(msgrcv(id, &m, 16, 0, MSG_COPY));
    SHOW(msgrcv(id, &m, 16, 0, MSG_COPY | IPC_NOWAIT | MSG_EXCEPT));
    SHOW(msgrcv(id, &m, 16, 0, MSG_COPY | IPC_NOWAIT));
    SHOW(msgsnd(id, &m, 6, 0));
    m.type = 3;
    strcpy(m.text, "three");
    SHOW(msgsnd(id, &m, 6, 0));
    for (int i = -1; i < 3; i++) {
        memset(&m, 0, sizeof m);
        SHOW(msgrcv(id, &m, 16, i, MSG_COPY | IPC_NOWAIT));
        printf("%d: %ld %s\n", i, m.type, m.text);
    }
    SHOW(msgrcv(id, &m, 3, 1, MSG_COPY | IPC_NOWAIT));
    SHOW(msgrcv(id, &m, 3, 1, MSG_COPY | IPC_NOWAIT | MSG_NOERROR));
    struct msqid_ds d;
    SHOW(msgctl(id, IPC_STAT, &d));
    printf("%d %d\n", (int)d.msg_qnum, (int)d.msg_rtime);
    SHOW(msgrcv(id, &m, 16, 0, IPC_NOWAIT));
    printf("%ld\n", m.type);
    SHOW(msgctl(id, IPC_RMID, NULL));
}

int main(void)
{
    key = 0x5e000000 | getpid();
    memory();
    semaphores();
    messages();
    old_structures();
    copies();
    the_end();
    return 0;
}
