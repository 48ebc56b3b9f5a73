/* Handlers of system calls: arguments in order of EBX ECX EDX ESI EDI EBP; the result goes to EAX. */
#pragma once
#include "linux.h"

typedef int64_t syscall_fn(struct linux_process *p, const uint32_t a[6]);

#define SYSCALL(name, function, arguments) syscall_fn sys_##function;
#include "syscalls.def"
#undef SYSCALL

static inline uint64_t pair64(uint32_t low, uint32_t high) { return (uint64_t)high << 32 | low; }

/* sys_mem.c: a GDT entry of the thread, whose registers are in cpu. */
void tls_set(struct linux_process *p, struct guest_cpu *cpu, const struct abi_user_desc *d);

/* sys_time.c: a timespec of the guest's, checked; 0 or a negative error number. */
int64_t time_get(struct linux_process *p, uint32_t from, struct abi_timespec64 *t, bool wide);
