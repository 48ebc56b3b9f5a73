/* Handlers of system calls: arguments in order of EBX ECX EDX ESI EDI EBP, or of RDI RSI RDX R10 R8 R9; the result goes to EAX
 * or RAX. A handler of both interfaces asks p->wide which one is meant. */
#pragma once
#include "linux.h"

typedef int64_t syscall_fn(struct linux_process *p, const uint64_t a[6]);

syscall_fn sys_semop, sys_semtimedop; /* of i386 by ipc alone */
#define SYSCALL(name, function, arguments) syscall_fn sys_##function;
#include "syscalls.def"
#include "syscalls64.def"
#undef SYSCALL

struct syscall_row {
    const char *name; /* NULL: no such number */
    syscall_fn *call; /* NULL: no implementation */
    const char *arguments;
};

/* syscall64.c: the table of x86-64; a row without a name beyond its end. */
const struct syscall_row *syscall_row64(uint32_t number);

static inline uint64_t pair64(uint64_t low, uint64_t high) { return high << 32 | (low & UINT32_MAX); }

/* sys_mem.c: a GDT entry of the thread, whose registers are in cpu. */
void tls_set(struct linux_process *p, struct guest_cpu *cpu, const struct abi_user_desc *d);

/* sys_mem.c: shmat: `size` bytes of a shared file, at that address or where there is room; `there`: nowhere else, even where
 * something is, if `replace`. The address, or a negative error. */
int64_t mem_attach(struct linux_process *p, uint64_t at, uint64_t size, int prot, struct mm_file *file, bool there,
                   bool replace);

/* sys_poll.c. The timeout is in nanoseconds, negative: for ever. `outside`: the host may end it. */
struct pollfd;
int64_t poll_wait(struct linux_process *p, struct pollfd *fds, uint32_t n, int64_t timeout, bool outside);
/* The signal mask of a call, which holds while that waits. */
int64_t poll_mask_begin(struct linux_process *p, uint64_t at, uint64_t size);
int64_t poll_mask_end(struct linux_process *p, int64_t r);

/* sys_file.c: a pipe is empty or full: `events` are what poll is asked for. The bytes moved so far are kept for when the call is
 * made again. */
int64_t pipe_wait(struct linux_process *p, const struct linux_file *f, short events, int64_t done);

/* sys_file.c: the guest has written to it, if it is a file: its times say so. */
void file_written(struct linux_process *p, const struct linux_file *f);

/* sys_file.c: offset -1: at the file's position. */
typedef int64_t file_fn(struct linux_process *p, uint32_t fd, uint64_t at, uint64_t size, int64_t offset);
file_fn file_read, file_write;

/* sys_vector.c: one after the other, what n iovecs at that address name. */
int64_t vector_do(struct linux_process *p, uint32_t fd, uint64_t at, uint64_t n, int64_t offset, file_fn *fn);

/* sys_net.c: an end of a pair of sockets, or NULL and why not. */
struct linux_file *socket_file(struct linux_process *p, uint64_t fd, int64_t *error);

/* sys_pidfd.c: the process that a pidfd means, or -EBADF. */
int pidfd_pid(struct linux_process *p, uint64_t fd);

/* sys_time.c: a timespec of the guest's, checked; 0 or a negative error number. */
int64_t time_get(struct linux_process *p, uint64_t from, struct abi_timespec64 *t, bool wide);
