/* The Linux kernel as i386 and x86-64 processes on a 64-bit kernel see it. Prototypes are grouped by the file that defines
 * them. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "mm.h"
#include "shared.h"
#include "abi.h"
#include "abi64.h"

enum {
    LINUX_FDS = 1024,
    LINUX_SIGNALS = 65,
    LINUX_PATH = 4096,
    LINUX_PID = 1000, /* of the first process */
    LINUX_TASKS = 256,
};
#define LINUX_STACK_SIZE 0x800000u
#define LINUX_MMAP_MIN   0x10000u
/* Virtual nanoseconds, 73 years: what is to happen later never happens. */
#define LINUX_TIME_END (INT64_MAX / 4)
/* 2030-01-01 00:00:00 UTC: when a run starts, if not told otherwise. No file is newer, and a program of 32 bits can tell it. */
#define LINUX_EPOCH      INT64_C(1893456000)

/* Results of a system call besides numbers: */
#define LINUX_NO_RESULT INT64_MIN       /* it has set every register itself */
#define LINUX_WAIT      (INT64_MIN + 1) /* it cannot be done yet: it is made again until it can; linux_process.wait says when */

/* FD_PIPE: a pipe, a FIFO, a pair of sockets or a counter. Its descriptor of the host never blocks.
 * FD_FIFO, FD_PROC: what path_open says of a FIFO and of a folder in /proc that it has opened; no open file has it. */
enum linux_fd_kind { FD_HOST, FD_RANDOM, FD_PIPE, FD_EPOLL, FD_FIFO, FD_PROC };

/* Positions in a folder. The host's are 64-bit hashes, which an i386 program cannot hold: it gets ordinal numbers. */
struct linux_folder {
    uint32_t at, known;
    bool terminals; /* /dev/pts, where the guest has its own */
    int64_t *host;  /* [known] the host's position behind entry i */
};

struct linux_process;
struct linux_file;
struct linux_socket;
struct linux_parcel;
struct linux_seals;
struct linux_tty;
struct ipc;
struct linux_times;
struct stat;

/* An open file, which several descriptors of several processes may have in common. */
struct linux_file {
    unsigned refs;
    enum linux_fd_kind kind;
    int host;                          /* descriptor of the host, owned */
    bool nonblock;                     /* FD_PIPE: what the guest asked for */
    bool outside;                      /* it may be the host's side that reads or writes its other end */
    struct linux_kernel *locked;       /* has had locks of its own, of that kernel's */
    bool inotify;                      /* FD_PIPE: of the host's inotify */
    struct linux_folder *folder;       /* NULL: not read as a folder yet */
    struct linux_epoll *epoll;         /* FD_EPOLL */
    int socket;                        /* type of a socket of the guest's own, or 0 */
    struct linux_socket *sock;         /* ... and the socket */
    uint64_t id;                       /* each file's own */
    uint64_t pipe;                     /* of the first of a pipe's two ends, or 0 */
    const struct linux_source *source; /* FD_PIPE: who makes it readable, or NULL */
    void *of;                          /* the source's */
    bool told;                         /* that it is readable */
    struct linux_seals *seals;         /* of a memfd, or NULL */
    char *proc;                        /* path of what is in /proc, or NULL */
};

/* A file whose readiness is the personality's to say: source.c. */
struct linux_source {
    bool (*ready)(struct linux_process *p, const struct linux_file *f);
    int64_t (*read)(struct linux_process *p, struct linux_file *f, uint64_t to, uint64_t size); /* NULL: it cannot be */
    void (*drop)(struct linux_file *f);
    short (*events)(struct linux_process *p, const struct linux_file *f); /* poll's; NULL: POLLIN if it is ready */
};

struct linux_fd {
    struct linux_file *file; /* NULL: free */
    bool cloexec;
};

/* What CLONE_FILES and CLONE_FS share. */
struct linux_files {
    unsigned refs;
    int cwd_fd;     /* O_PATH */
    char *cwd_proc; /* it is this folder in /proc; or NULL */
    unsigned umask;
    struct linux_fd fd[LINUX_FDS];
};

/* Where the parts of a program go, as Linux places them without randomisation. */
struct linux_layout {
    uint64_t stack_top; /* nothing is mapped at or above it */
    uint64_t mmap_base; /* mappings lie below it */
    uint64_t pie_base;  /* programs without a place of their own */
};

extern const struct linux_layout linux_layouts[2]; /* [wide] */

/* What CLONE_VM shares: an address space and the program in it. */
struct linux_space {
    unsigned refs;
    struct mm *mm;
    const struct linux_layout *layout;
    bool wide;         /* a 64-bit program */
    uint64_t mmap_top; /* mappings without a place of their own go below it */
    uint64_t brk_start, brk;
    uint64_t sigpage;                     /* i386: trampolines for signal handlers */
    uint64_t arg_start, arg_end, env_end; /* strings on the first stack */
    uint64_t auxv_start, auxv_end;
    bool read_implies_exec;
    bool undumpable, small_pages; /* prctl: kept, without a meaning here */
    char exe_path[LINUX_PATH];    /* the program, as the guest sees it */
    int exe_fd;
};

struct linux_action {
    uint64_t handler, restorer, mask;
    uint32_t flags;
};

/* Signals that wait to be delivered: in order of their sending, those up to 31 once at most. */
struct linux_pending {
    uint64_t set; /* bit n-1 is signal n */
    struct linux_queued *first;
};

struct linux_queued {
    struct linux_queued *next;
    struct abi64_siginfo info;
};

struct linux_timer {
    int64_t at, interval; /* virtual nanoseconds; at 0: not armed */
};

/* A timer of timer_create or of a timerfd: timer.c. */
struct linux_ticker {
    struct linux_ticker *next;
    struct linux_kernel *k;
    struct linux_timer when;
    uint32_t clock;
    int cpu_pid, cpu_tid; /* by whose processor time it goes: a process's, a thread's, or 0 */
    uint64_t ticks;       /* timerfd: since it was read */
    /* timer_create */
    struct linux_group *group; /* NULL: a timerfd's */
    int32_t id, signal, tid;   /* signal 0: tells nobody; tid 0: the whole process */
    uint64_t value;
    int64_t missed;
    int32_t overrun; /* of the signal that was delivered last */
};

/* A process: the threads of one thread group. Stays as a zombie until its parent has waited for it. */
struct linux_group {
    struct linux_group *next, *parent; /* parent NULL: init, which nobody sees */
    int pid, pgid, sid;
    unsigned threads; /* alive */
    struct linux_action action[LINUX_SIGNALS];
    struct linux_pending pending;
    struct linux_timer alarm;
    struct linux_timer cpu_alarm[2]; /* ITIMER_VIRTUAL and ITIMER_PROF, by the processor time of the process */
    int32_t next_timer;
    int exit_signal; /* to the parent */
    bool exiting, zombie;
    int stopped;                     /* the signal that has stopped it, or 0 */
    bool stop_is_news, cont_is_news; /* the parent has not waited for that yet */
    int status;                      /* as wait gives it */
    int64_t cpu_ns, child_ns;        /* of threads that have ended; of children that were waited for */
    struct abi_rlimit64 limit[16];   /* those whose bits are set; the others are as at the start */
    uint32_t limits_set, personality;
    int nice, ioprio;
    bool subreaper; /* orphans among its descendants become its children */
    int64_t start;  /* virtual nanoseconds */
};

struct linux_wait {
    bool on;      /* the task waits */
    bool again;   /* a call is being made again */
    bool restart; /* a handler with SA_RESTART makes it go on */
    bool outside; /* the host may end it: see outside.c */
    bool holds;   /* ... and `held`, a descriptor of the host's, is the call's own */
    int held;
    int64_t deadline;   /* virtual nanoseconds, or -1 */
    int64_t done;       /* bytes moved so far */
    uint64_t remaining; /* where a sleep that is interrupted says how much of it is left; 0: nowhere */
    bool wide;          /* in 64 bits */
    const char *why;    /* for a run that is stuck */
    uint64_t args[6];
    uint32_t number;
    const void *ipc;    /* set of semaphores that it waits for */
    uint32_t ipc_at;    /* which of them, twice; and 1 if that is to become zero */
    const void *locker; /* whose lock on a file it waits for */
    /* futex */
    char text[80];
    bool woken;
    const void *space;
    uint64_t key;
    uint32_t bits, turn;
};

struct linux_kernel;
struct pollfd;

/* A thread, and what it sees of its process. */
struct linux_process {
    struct linux_kernel *k;
    struct linux_process *next;
    struct linux_group *group;
    struct linux_space *space;
    struct linux_files *files;
    struct mm *mm;         /* space->mm */
    struct guest_cpu *cpu; /* the machine's: good while this thread is the current one */
    struct guest_cpu saved;
    int tid;
    bool dead;
    struct linux_wait wait;
    struct linux_process *vfork_parent; /* waits for this thread's execve or exit */
    bool vfork_wait;

    uint32_t tls_limit[ABI_TLS_ENTRIES], tls_flags[ABI_TLS_ENTRIES];
    bool tls_used[ABI_TLS_ENTRIES];
    uint64_t clear_tid, robust_list;
    uint64_t rseq; /* area of restartable sequences, or 0 */
    uint32_t rseq_signature;
    bool wide; /* the system call that is being made is one of the 64-bit interface */

    /* Signals. */
    uint64_t blocked;
    struct linux_pending pending;
    uint64_t saved_mask; /* sigsuspend: mask to put into the frame */
    bool restore_mask;
    bool interrupted, restart; /* the last call, by a signal */
    uint32_t restart_number;
    struct abi64_stack altstack;
    uint32_t trapno, trap_error; /* of the last fault, as frames show them */
    char comm[16];
    int64_t cpu_ns;

    int death_signal;     /* when the parent ends */
    uint64_t timer_slack; /* ns; 0: the default */
    uint32_t policy;      /* of scheduling: a name, there is one core */
    bool keep_caps;
};

/* Why the guest can run no longer. */
enum linux_end { LINUX_RUNNING, LINUX_EXITED, LINUX_KILLED, LINUX_STUCK };

struct linux_kernel {
    struct guest_cpu *cpu;
    uint64_t (*icount)(void *arg); /* virtual nanoseconds since start */
    void (*set_mm)(void *arg, struct mm *mm);
    void *arg;

    struct linux_process *tasks, *current; /* tasks in the order of their creation */
    struct linux_group *groups, *first;
    unsigned ntasks, max_tasks; /* that there are; that there may be, zombies included */
    unsigned max_fds;           /* descriptors of a process */
    int host_fds;               /* descriptors of the host from here on are not for the guest */
    int next_pid;
    uint64_t next_file;
    uint32_t next_turn;
    bool several;       /* there has been more than one task */
    uint64_t slice_end; /* instruction count at which another task gets its turn; UINT64_MAX: none waits */
    uint64_t switched;  /* instruction count at the last switch */
    struct linux_ticker *tickers;
    unsigned ntickers;

    struct linux_shm *shm; /* files in /dev/shm */
    struct linux_tty *ttys;
    struct ipc *ipc; /* ipc.c; NULL: never used */

    struct linux_lock *locks;
    unsigned nlocks;

    struct linux_seals *seals;

    /* sys_unix.c, parcel.c */
    struct linux_socket *sockets;
    uint64_t next_socket;
    struct linux_parcel *parcels; /* under way */
    unsigned nparcels;
    bool sweeping;
    unsigned epoll_depth; /* of those in one another that are being looked at */

    /* outside.c */
    bool asking, retry; /* calls note what they wait for; one of them can only be tried again */
    struct pollfd *outside;
    size_t noutside, outside_cap;

    int root_fd;                /* O_PATH */
    bool confined;              /* paths are resolved inside root_fd; else outside it only reading is allowed */
    bool trusted;               /* a host without openat2 (valgrind is one) will do: magic links are not refused */
    char root_path[LINUX_PATH]; /* canonical host path of root_fd */
    unsigned guest_cpu;         /* struct morph_params.guest_cpu */
    int64_t epoch;              /* Unix time at the start */
    int64_t time_skipped;       /* virtual nanoseconds slept */
    struct linux_times *times;  /* of files: file_times.h */
    uint64_t random_state;

    enum linux_end end;
    int end_value;      /* exit status or signal number */
    char end_text[160]; /* why it is stuck */
    struct abi64_siginfo end_info;
    uint32_t missing[2][512]; /* [wide]: how often a system call without an implementation was made */
    uint32_t exec_refused;    /* execve of programs that cannot run here */
    char exec_text[512];      /* the first of them, and why */
    FILE *strace;
};

/* process.c: creation and end of the kernel and its first process. Descriptors 0, 1 and 2 are copies of the host's. */
bool linux_init(struct linux_kernel *k, struct mm *mm, struct guest_cpu *cpu, const char *root, bool trusted, char *err,
                size_t err_size);
void linux_free(struct linux_kernel *k);
void linux_report_missing(const struct linux_kernel *k, FILE *out);
uint64_t linux_random(struct linux_process *p);

/* task.c: threads and processes, and which of them runs. */
void linux_schedule(struct linux_kernel *k); /* another one's turn, or the end of the run */
bool linux_turn_over(struct linux_kernel *k);
void linux_kill(struct linux_process *p, int signal); /* ends the whole process */
void linux_exit_group(struct linux_process *p, int status);
void linux_exit_others(struct linux_process *p); /* execve: the other threads */
void linux_exit_thread(struct linux_process *p, int status);
void linux_slice(struct linux_kernel *k); /* anew, as there are others now, or an alarm */
void linux_stuck(struct linux_kernel *k, const char *why);
void linux_vfork_done(struct linux_process *p);
struct linux_process *task_make(struct linux_kernel *k, const struct linux_process *like);
void task_free(struct linux_kernel *k, struct linux_process *p);
struct linux_group *group_find(struct linux_kernel *k, int pid);
void group_reap(struct linux_kernel *k, struct linux_group *g);
void group_tell_parent(struct linux_kernel *k, struct linux_group *g, int code, int value);
int64_t wait_for(struct linux_process *p, const char *why, int64_t deadline, bool restart); /* LINUX_WAIT */
struct linux_space *space_new(struct mm *mm);                                               /* takes the reference over */
void space_drop(struct linux_space *s);
struct linux_files *files_copy(const struct linux_files *f);
void files_drop(struct linux_files *f);
bool files_unshare(struct linux_process *p); /* descriptors of its own; false: no memory */

/* rseq.c: out of the critical section that the thread, whose registers are in cpu, is in. False: its area is nonsense. */
bool rseq_leave(struct linux_process *p);

/* futex.c: what the end of a thread means to others. */
void futex_thread_exit(struct linux_process *p);

/* load.c: the program and its interpreter, stack and auxiliary vector (stack.c). */
bool linux_load(struct linux_process *p, const char *path, char *const argv[], char *const envp[], char *err, size_t err_size);

/* syscall.c */
void linux_call_again(struct linux_process *p);             /* the one that waits, by the current task */
void linux_call_ends(struct linux_process *p, int64_t r);   /* ... with that result */
void linux_call_forget(struct linux_process *p);            /* ... is not made again: what it holds is released */
void linux_syscall(struct linux_kernel *k, bool wide);      /* int 0x80 or syscall, registers in cpu; then delivers signals */
const char *linux_syscall_name(unsigned number, bool wide); /* NULL: no such number */

/* signal.c: exceptions and pending signals. */
void linux_exception(struct linux_kernel *k, unsigned vector, uint32_t error, uint64_t address);
void linux_raise(struct linux_process *p, int signal, int code); /* to the thread */
void linux_force_segv(struct linux_process *p);                  /* even if it is blocked or ignored */
void linux_raise_group(struct linux_kernel *k, struct linux_group *g, int signal, int code, const struct linux_process *from);
uint64_t group_blocked(const struct linux_kernel *k, const struct linux_group *g);
/* False: too many wait already. */
bool linux_queue(struct linux_group *g, struct linux_pending *to, uint64_t blocked, const struct abi64_siginfo *info);
int linux_dequeue(struct linux_process *p, uint64_t set, struct abi64_siginfo *info); /* a pending one of the set, or 0 */
bool linux_signal_waits(const struct linux_process *p);                               /* one that would interrupt a call */
void linux_take_timers(struct linux_kernel *k);                                       /* alarms whose time has come */
void linux_unqueue(struct linux_pending *from, uint64_t set);                         /* forgets them */
bool pending_has_timer(const struct linux_pending *q, int signal, int32_t id);
/* A signal to the process would be news to somebody. */
bool linux_signal_tells(const struct linux_kernel *k, const struct linux_group *g, int signal);
bool linux_alarm_tells(const struct linux_kernel *k, const struct linux_group *g); /* its signal would be news to somebody */
void linux_deliver(struct linux_process *p); /* pending signals, before the guest goes on */
const char *linux_signal_name(int signal);

/* sigframe.c and, for 64-bit code, sigframe64.c: false: the frame cannot be written or read. */
bool sigframe_push(struct linux_process *p, int signal, const struct linux_action *a, const struct abi64_siginfo *info,
                   uint64_t oldmask);
bool sigframe64_push(struct linux_process *p, int signal, const struct linux_action *a, const struct abi64_siginfo *info,
                     uint64_t oldmask);
bool sigframe64_pop(struct linux_process *p);
void sigframe_reset_fp(struct guest_cpu *c); /* as a new program and a handler find it */
bool sigframe_pop(struct linux_process *p, bool rt);

/* path.c: guest paths to host descriptors; all results but 0 and up are negative error numbers. */
bool path_works(const struct linux_kernel *k); /* false: the host lacks what the confinement needs */
int path_copy(struct linux_process *p, char path[LINUX_PATH], uint64_t addr);
int path_node(struct linux_process *p, int dirfd, const char *path, bool follow, bool write); /* O_PATH descriptor */
/* Likewise; `where` is the name in /proc that the path leads to, be it there or not, or "". */
int path_find(struct linux_process *p, int dirfd, const char *path, bool follow, bool write, char where[LINUX_PATH]);
int path_parent(struct linux_process *p, int dirfd, const char *path, char name[256]); /* of a writable folder */
int path_open(struct linux_process *p, int dirfd, const char *path, int flags, unsigned mode, enum linux_fd_kind *kind,
              char where[LINUX_PATH]);                                                       /* `where`: as path_find has it */
const struct linux_file *path_special(struct linux_process *p, int dirfd, const char *path); /* one that it names by number */
int path_of(struct linux_process *p, int host_fd, char out[LINUX_PATH]);
/* May the guest change mode, owner or times of what one of its descriptors has open, the ones it was given included? */
int path_may_change(struct linux_process *p, int host_fd);
int path_judge(struct linux_process *p, int host_fd, bool write); /* may the guest use (change) what this opens? */
struct path_link {
    char text[40];
};
bool path_inside(const char *path, const char *root); /* both absolute, without links */
struct path_link path_link(int host_fd);              /* "/proc/self/fd/N" */

/* proc.c: what /proc has. A descriptor of the entry's text, or -ENOENT. */
int proc_node(struct linux_process *p, const char *path);
bool proc_is_exe(struct linux_process *p, const char *path);                    /* the link to the program itself */
int proc_link(struct linux_process *p, const char *path, char out[LINUX_PATH]); /* where a link leads: its length, or -ENOENT */
bool proc_is_folder(struct linux_process *p, const char *path);
/* What is in a folder, each entry its kind as getdents has it and its name, ended by 0. NULL: it is none. */
char *proc_list(struct linux_process *p, const char *path, size_t *size);
/* Where a path leads, if it begins in /proc or dirfd is a folder there: a name in /proc in its one form, its last part followed as
 * asked, or a path elsewhere that a link there leads to. */
const char *proc_path(struct linux_process *p, int dirfd, const char *path, bool follow, char full[LINUX_PATH]);
bool proc_fd(struct linux_process *p, const char *path, struct linux_process **of, uint32_t *fd); /* whose, and which */
bool proc_stat(struct linux_process *p, const char *path, bool follow, struct stat *st); /* false: it is nothing that is here */

/* sys_limit.c: a limit of a process's, and how many descriptors it may have. */
void limit_get(const struct linux_process *p, uint32_t resource, uint64_t *soft, uint64_t *hard);
unsigned limit_fds(const struct linux_process *p);

/* shm.c: /dev/shm. The paths given are those that shm_is says it of; shm_link says EXDEV where one is not. */
bool shm_is(const char *path);
int shm_open_file(struct linux_process *p, const char *path, int flags, unsigned mode); /* descriptor of the host */
int shm_node(struct linux_process *p, const char *path);                                /* likewise, or -ENOENT */
int shm_unlink_name(struct linux_process *p, const char *path);
int shm_link(struct linux_process *p, const char *from, const char *to, bool move); /* move: rename */
void shm_free(struct linux_kernel *k);

/* ipc.c, ipc_sem.c */
void ipc_free(struct linux_kernel *k);
void sem_group_ends(struct linux_kernel *k, const struct linux_group *g);

/* outside.c: waiting for the host's side. `events` are poll's. */
bool outside_is(int host);                                                                  /* no file and no folder */
bool outside_ready(int host, short events);                                                 /* it would not block */
int64_t outside_wait_for(struct linux_process *p, const char *why, int host, short events); /* LINUX_WAIT; host -1: try again */
void outside_note(struct linux_process *p, const struct pollfd *fds, size_t n);             /* for a call that waits */
/* Nobody can go on: waits up to that virtual time, or for ever if negative. False: nothing has happened. */
bool outside_wait(struct linux_kernel *k, int64_t limit);

/* source.c: descriptors whose readiness the personality says. */
int64_t source_open(struct linux_process *p, const struct linux_source *source, void *of, bool nonblock, bool cloexec);
void source_look(struct linux_process *p, struct linux_file *f, short *events); /* before poll does; any file will do */
int64_t source_read(struct linux_process *p, struct linux_file *f, uint64_t to, uint64_t size);
/* After poll: what it would have said of the file itself, that was asked about these events. */
short source_seen(struct linux_process *p, const struct linux_file *f, short asked, short seen);

/* tty.c: pseudo-terminals. */
bool tty_is(const struct linux_file *f);
/* True: the path names a terminal, or the file `given` that it stands for (or NULL) is one; *result is what comes of opening it. */
bool tty_open(struct linux_process *p, const char *path, const struct linux_file *given, uint32_t flags, int64_t *result);
int tty_node(const struct linux_process *p, const char *path);  /* descriptor of what stands for it; -EINVAL: it is none */
char *tty_list(const struct linux_kernel *k, size_t *size);     /* what is in /dev/pts, as proc_list has it */
int tty_file_node(const struct linux_file *f);                  /* likewise */
int tty_name(const struct linux_file *f, char out[LINUX_PATH]); /* its length; likewise */
void tty_stat(const struct linux_kernel *k, struct stat *st);   /* what stands for a terminal looks like one */
void tty_of_session(const struct linux_kernel *k, int sid, int *number, int *pgrp); /* as /proc/PID/stat has it */
void tty_session_ends(struct linux_kernel *k, const struct linux_group *g);         /* a process does */
int64_t tty_read(struct linux_process *p, struct linux_file *f, uint64_t to, uint64_t size);
int64_t tty_write(struct linux_process *p, struct linux_file *f, uint64_t from, uint64_t size);

/* timer.c */
struct linux_ticker *timer_add(struct linux_kernel *k); /* NULL: too many */
void timer_drop(struct linux_ticker *t);
void timer_drop_group(struct linux_kernel *k, const struct linux_group *g);
void timer_taken(struct linux_process *p, struct abi64_siginfo *info); /* a timer's signal, before it is delivered */
bool timer_tells(const struct linux_kernel *k, const struct linux_ticker *t);
void timer_fire(struct linux_kernel *k, int64_t now);
bool timer_clock(uint64_t clock); /* there are timers of it */
int64_t timer_get(struct linux_process *p, const struct linux_ticker *t, uint64_t to, bool wide);
int64_t timer_set(struct linux_process *p, struct linux_ticker *t, bool absolute, uint64_t from, uint64_t old, bool wide);

/* sys_lock.c: locks of records. host -1: on all files. */
enum lock_op { LOCK_ASK, LOCK_TRY, LOCK_WAIT };
int64_t lock_call(struct linux_process *p, struct linux_file *f, enum lock_op op, bool large, bool of_file, uint64_t at);
void lock_drop(struct linux_kernel *k, const void *owner, int host);

/* sys_epoll.c helpers */
void epoll_drop(struct linux_epoll *e);

/* sys_net.c, sys_unix.c, sys_msg.c, parcel.c helpers */
bool socket_is_pipe(
    const struct linux_file *f); /* its descriptor of the host takes what is written to it; no socket is one too */
int64_t socket_write(struct linux_process *p, uint32_t fd, uint64_t from, uint64_t size);
int64_t socket_writev(struct linux_process *p, const struct linux_file *f, uint64_t iov, uint64_t n);
void socket_drop(struct linux_socket *s);  /* NULL does nothing */
void parcel_sweep(struct linux_kernel *k); /* away with those that nobody can receive any more */
void parcel_drop_all(struct linux_kernel *k);

/* sys_memfd.c: may a file be changed so? */
void seals_drop(struct linux_seals *s);
void seals_note(struct linux_process *p, struct linux_file *f); /* another open file of one that may have seals */
int64_t seals_get(const struct linux_file *f);
int64_t seals_add(struct linux_process *p, const struct linux_file *f, uint64_t set);
bool seals_forbid_write(const struct linux_file *f);
int64_t seals_room(const struct linux_file *f, int64_t at, uint64_t size); /* bytes that may be written; at < 0: its position */
int64_t seals_resize(const struct linux_kernel *k, int host, int64_t size);
int64_t seals_allocate(const struct linux_file *f, int mode, int64_t at, int64_t size);

/* sys_folder.c helpers */
void folder_drop(struct linux_folder *d);
bool folder_seek(struct linux_process *p, uint32_t fd, int64_t offset, int whence, int64_t *result); /* false: no folder */

/* files.c */
int fd_host(struct linux_process *p, uint32_t fd);                                                     /* or -EBADF */
int fd_add(struct linux_process *p, int host, enum linux_fd_kind kind, unsigned lowest, bool cloexec); /* takes host over */
int fd_copy(int host);                                            /* another descriptor of the host for the same */
struct linux_file *fd_file(struct linux_process *p, uint32_t fd); /* or NULL */
int fd_put(struct linux_process *p, struct linux_file *f, unsigned lowest, bool cloexec); /* takes the reference over */
void fd_close(struct linux_process *p, uint32_t fd);
void fd_close_on_exec(struct linux_process *p);
void file_drop(struct linux_file *f);

/* sys_time.c helpers */
int64_t time_now(struct linux_process *p); /* virtual nanoseconds since start, sleep included */
void time_skip(struct linux_kernel *k, int64_t ns);
void time_interrupted(struct linux_process *p);        /* a sleep, by a signal */
int64_t linux_cpu_time(const struct linux_process *p); /* of the whole process */
int64_t group_cpu_time(const struct linux_kernel *k, const struct linux_group *g);
int64_t thread_cpu_time(const struct linux_process *p);
/* Whose processor time a clock is: *pid of a process or *tid of a thread. False: it is no such clock, or of nobody. */
bool clock_owner(const struct linux_process *p, uint32_t clock, int *pid, int *tid);
int64_t clock_of_owner(const struct linux_kernel *k, int pid, int tid); /* -1: there is nobody any more */

/* user.c: values that have another form in each word size. */
size_t user_word(const struct linux_process *p); /* bytes of a pointer of the system call that is being made */
bool user_get_word(struct linux_process *p, uint64_t from, uint64_t *value);
bool user_put_word(struct linux_process *p, uint64_t to, uint64_t value);
bool user_get_timeval(struct linux_process *p, uint64_t from, struct abi64_timeval *t);
bool user_put_timeval(struct linux_process *p, uint64_t to, struct abi64_timeval t);
bool user_get_siginfo(struct linux_process *p, uint64_t from, struct abi64_siginfo *info);
bool user_put_siginfo(struct linux_process *p, uint64_t to, const struct abi64_siginfo *info);
struct abi_siginfo siginfo_narrow(const struct abi64_siginfo *info);

/* The guest model that a program sees: a 64-bit one does not run on less than x86-64. */
static inline unsigned linux_model(const struct linux_process *p)
{
    return p->space->wide && !p->k->guest_cpu ? 1 : p->k->guest_cpu;
}

/* User memory: true if all bytes could be copied. */
static inline bool user_get(struct linux_process *p, void *to, uint64_t from, size_t size)
{
    return mm_copy_in(p->mm, to, from, size) == size;
}

static inline bool user_put(struct linux_process *p, uint64_t to, const void *from, size_t size)
{
    return mm_copy_out(p->mm, to, from, size) == size;
}
