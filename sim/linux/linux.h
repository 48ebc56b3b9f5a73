/* The Linux kernel as one i386 process on a 64-bit kernel sees it. Prototypes are grouped by the file that defines them. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "mm.h"
#include "shared.h"
#include "abi.h"

enum {
    LINUX_FDS = 1024,
    LINUX_SIGNALS = 65,
    LINUX_PATH = 4096,
    LINUX_PID = 1000,
};
#define LINUX_STACK_TOP  0xffffe000u
#define LINUX_STACK_SIZE 0x800000u
#define LINUX_MMAP_BASE  0xf7ffe000u
#define LINUX_MMAP_MIN   0x10000u
#define LINUX_EPOCH      INT64_C(1704067200) /* 2024-01-01 00:00:00 UTC: when a run starts, if not told otherwise */

/* Result of a system call that has set every register itself. */
#define LINUX_NO_RESULT INT64_MIN

enum linux_fd_kind { FD_FREE, FD_HOST, FD_RANDOM };

/* Positions in a folder. The host's are 64-bit hashes, which an i386 program cannot hold: it gets ordinal numbers. */
struct linux_folder {
    unsigned refs; /* of duplicated descriptors */
    uint32_t at, known;
    int64_t *host; /* [known] the host's position behind entry i */
};

struct linux_fd {
    enum linux_fd_kind kind;
    int host; /* descriptor of the host, owned */
    bool cloexec;
    struct linux_folder *folder; /* NULL: not read as a folder yet */
};

struct linux_action {
    uint32_t handler, flags, restorer;
    uint64_t mask;
};

/* Why a process can run no longer. */
enum linux_end { LINUX_RUNNING, LINUX_EXITED, LINUX_KILLED, LINUX_STUCK };

struct linux_process {
    struct mm *mm;
    struct guest_cpu *cpu;
    uint64_t (*icount)(void *arg); /* virtual nanoseconds since start */
    void *icount_arg;

    /* Memory. */
    uint32_t brk_start, brk, sigpage;
    uint32_t arg_start, arg_end, env_end; /* strings on the first stack */
    bool read_implies_exec;
    uint32_t tls_limit[ABI_TLS_ENTRIES], tls_flags[ABI_TLS_ENTRIES];
    bool tls_used[ABI_TLS_ENTRIES];

    /* Files. */
    struct linux_fd fds[LINUX_FDS];
    int root_fd, cwd_fd;        /* O_PATH */
    bool confined;              /* paths are resolved inside root_fd; else outside it only reading is allowed */
    char root_path[LINUX_PATH]; /* canonical host path of root_fd */
    char exe_path[LINUX_PATH];  /* the program, as the guest sees it */
    int exe_fd;
    unsigned guest_cpu; /* struct morph_params.guest_cpu */

    /* Signals. */
    struct linux_action action[LINUX_SIGNALS];
    uint64_t blocked, pending; /* bit n-1 is signal n */
    uint64_t saved_mask;       /* sigsuspend: mask to put into the frame */
    bool restore_mask;
    struct abi_siginfo info[LINUX_SIGNALS];
    struct abi_stack altstack;
    uint32_t trapno, trap_error; /* of the last fault, as frames show them */

    int64_t epoch;        /* Unix time at the start */
    int64_t time_skipped; /* virtual nanoseconds slept */
    uint64_t random_state;
    uint32_t clear_tid;
    char comm[16];

    enum linux_end end;
    int end_value;         /* exit status or signal number */
    char end_text[160];    /* why it is stuck */
    uint32_t missing[512]; /* how often a system call without an implementation was made */
    FILE *strace;
};

/* process.c: creation and end. Descriptors 0, 1 and 2 are copies of the host's. */
bool linux_init(struct linux_process *p, struct mm *mm, struct guest_cpu *cpu, const char *root, char *err, size_t err_size);
void linux_free(struct linux_process *p);
void linux_report_missing(const struct linux_process *p, FILE *out);
uint64_t linux_random(struct linux_process *p);
void linux_kill(struct linux_process *p, int signal);

/* load.c: the program and its interpreter, stack and auxiliary vector (stack.c). */
bool linux_load(struct linux_process *p, const char *path, char *const argv[], char *const envp[], char *err, size_t err_size);

/* syscall.c */
void linux_syscall(struct linux_process *p);     /* int 0x80 with the registers in cpu; then delivers signals */
const char *linux_syscall_name(unsigned number); /* NULL: no such number */

/* signal.c: exceptions and pending signals. */
void linux_exception(struct linux_process *p, unsigned vector, uint32_t error, uint64_t address);
void linux_raise(struct linux_process *p, int signal, int code);
void linux_deliver(struct linux_process *p); /* pending signals, before the guest goes on */
const char *linux_signal_name(int signal);

/* sigframe.c: false: the frame cannot be written or read. */
bool sigframe_push(struct linux_process *p, int signal, const struct linux_action *a, uint64_t oldmask);
bool sigframe_pop(struct linux_process *p, bool rt);

/* path.c: guest paths to host descriptors; all results but 0 and up are negative error numbers. */
int path_copy(struct linux_process *p, char path[LINUX_PATH], uint32_t addr);
int path_node(struct linux_process *p, int dirfd, const char *path, bool follow, bool write); /* O_PATH descriptor */
int path_parent(struct linux_process *p, int dirfd, const char *path, char name[256]);        /* of a writable folder */
int path_open(struct linux_process *p, int dirfd, const char *path, int flags, unsigned mode, enum linux_fd_kind *kind);
int path_of(struct linux_process *p, int host_fd, char out[LINUX_PATH]);
int path_judge(struct linux_process *p, int host_fd, bool write); /* may the guest use (change) what this opens? */
struct path_link {
    char text[40];
};
struct path_link path_link(int host_fd); /* "/proc/self/fd/N" */

/* proc.c: what /proc has. A descriptor of the entry's text, or -ENOENT. */
int proc_node(struct linux_process *p, const char *path);
bool proc_is_exe(const char *path); /* the link to the program itself */

/* sys_folder.c helpers */
struct linux_folder *folder_share(struct linux_process *p, uint32_t fd); /* one more reference; makes it if there is none */
void folder_drop(struct linux_folder *d);
bool folder_seek(struct linux_process *p, uint32_t fd, int64_t offset, int whence, int64_t *result); /* false: no folder */

/* sys_file.c helpers */
int fd_host(struct linux_process *p, uint32_t fd);                                                     /* or -EBADF */
int fd_add(struct linux_process *p, int host, enum linux_fd_kind kind, unsigned lowest, bool cloexec); /* takes host over */
void fd_close_all(struct linux_process *p);

/* sys_time.c helpers */
int64_t time_now(struct linux_process *p); /* virtual nanoseconds since start, sleep included */
void time_skip(struct linux_process *p, int64_t ns);

/* User memory: true if all bytes could be copied. */
static inline bool user_get(struct linux_process *p, void *to, uint32_t from, size_t size)
{
    return mm_copy_in(p->mm, to, from, size) == size;
}

static inline bool user_put(struct linux_process *p, uint32_t to, const void *from, size_t size)
{
    return mm_copy_out(p->mm, to, from, size) == size;
}
