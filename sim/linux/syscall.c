/* Dispatch of system calls by number, with a trace line each on demand. */
#include "syscalls.h"

#include <asm/unistd_32.h>
#include <errno.h>
#include <string.h>

struct row {
    const char *name;
    syscall_fn *call;
    const char *arguments;
};

static const struct row rows[] = {
#define SYSCALL(name, function, arguments) [__NR_##name] = {#name, sys_##function, arguments},
#include "syscalls.def"
#undef SYSCALL
};

/* Names of calls that programs are known to try and that have no implementation, for reports. */
static const struct {
    unsigned number;
    const char *name;
} known[] = {
    {__NR_execve, "execve"},
    {__NR_execveat, "execveat"},
    {__NR_clone3, "clone3"},
    {__NR_ptrace, "ptrace"},
    {__NR_alarm, "alarm"},
    {__NR_setitimer, "setitimer"},
    {__NR_socketcall, "socketcall"},
    {__NR_socket, "socket"},
    {__NR_mount, "mount"},
    {__NR_chroot, "chroot"},
    {__NR_reboot, "reboot"},
    {__NR_ipc, "ipc"},
    {__NR_epoll_create1, "epoll_create1"},
    {__NR_inotify_init1, "inotify_init1"},
    {__NR_eventfd2, "eventfd2"},
    {__NR_timer_create, "timer_create"},
    {__NR_getxattr, "getxattr"},
    {__NR_setxattr, "setxattr"},
    {__NR_listxattr, "listxattr"},
    {__NR_lgetxattr, "lgetxattr"},
    {__NR_copy_file_range, "copy_file_range"},
    {__NR_splice, "splice"},
    {__NR_modify_ldt, "modify_ldt"},
    {__NR_close_range, "close_range"},
    {__NR_openat2, "openat2"},
};

enum { NROWS = sizeof rows / sizeof *rows };

const char *linux_syscall_name(unsigned number)
{
    if (number < NROWS && rows[number].name)
        return rows[number].name;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].number == number)
            return known[i].name;
    return NULL;
}

int64_t sys_zero(struct linux_process *p, const uint32_t a[6])
{
    (void)p, (void)a;
    return 0;
}

int64_t sys_inval(struct linux_process *p, const uint32_t a[6])
{
    (void)p, (void)a;
    return -EINVAL;
}

int64_t sys_nosys(struct linux_process *p, const uint32_t a[6])
{
    (void)p, (void)a;
    return -ENOSYS;
}

int64_t sys_nochild(struct linux_process *p, const uint32_t a[6])
{
    (void)p, (void)a;
    return -ECHILD;
}

int64_t sys_nofork(struct linux_process *p, const uint32_t a[6])
{
    (void)a;
    p->missing[(uint32_t)p->cpu->gpr[GUEST_RAX]]++;
    return -EAGAIN;
}

static void trace_string(struct linux_process *p, uint32_t addr)
{
    char text[LINUX_PATH];
    if (path_copy(p, text, addr) < 0) {
        fprintf(p->strace, "%#x", addr);
        return;
    }
    fputc('"', p->strace);
    for (const char *c = text; *c; c++)
        fprintf(p->strace, *c < ' ' || *c > '~' ? "\\x%02x" : "%c", (unsigned char)*c);
    fputc('"', p->strace);
}

static void trace_call(struct linux_process *p, unsigned number, const char *arguments, const uint32_t a[6])
{
    const char *name = linux_syscall_name(number);
    if (name)
        fprintf(p->strace, "%s(", name);
    else
        fprintf(p->strace, "syscall_%u(", number);
    for (int i = 0; arguments[i]; i++) {
        if (i)
            fputs(", ", p->strace);
        switch (arguments[i]) {
        case 's': trace_string(p, a[i]); break;
        case 'x': fprintf(p->strace, "%#x", a[i]); break;
        case 'o': fprintf(p->strace, "%#o", a[i]); break;
        case 'u': fprintf(p->strace, "%u", a[i]); break;
        default: fprintf(p->strace, "%d", (int)a[i]); break;
        }
    }
    fputc(')', p->strace);
}

static void trace_result(struct linux_process *p, int64_t r)
{
    if (r == LINUX_NO_RESULT)
        fputs(" = ?\n", p->strace);
    else if (r < 0)
        fprintf(p->strace, " = -%s (%s)\n", strerrorname_np((int)-r), strerror((int)-r));
    else
        fprintf(p->strace, r > 0xffff ? " = %#llx\n" : " = %lld\n", (long long)r);
}

void linux_syscall(struct linux_process *p)
{
    uint64_t *g = p->cpu->gpr;
    uint32_t number = (uint32_t)g[GUEST_RAX];
    uint32_t a[6] = {(uint32_t)g[GUEST_RBX], (uint32_t)g[GUEST_RCX], (uint32_t)g[GUEST_RDX],
                     (uint32_t)g[GUEST_RSI], (uint32_t)g[GUEST_RDI], (uint32_t)g[GUEST_RBP]};
    const struct row *row = number < NROWS && rows[number].call ? &rows[number] : NULL;
    int64_t r = -ENOSYS;
    if (p->strace)
        trace_call(p, number, row ? row->arguments : "xxxxxx", a);
    if (row)
        r = row->call(p, a);
    else
        p->missing[number < 511 ? number : 511]++;
    if (p->strace)
        trace_result(p, r);
    if (r != LINUX_NO_RESULT)
        g[GUEST_RAX] = (uint32_t)r;
    if (p->end == LINUX_RUNNING)
        linux_deliver(p);
}
