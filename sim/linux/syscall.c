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

int64_t sys_perm(struct linux_process *p, const uint32_t a[6])
{
    (void)p, (void)a;
    return -EPERM;
}

int64_t sys_nosys(struct linux_process *p, const uint32_t a[6])
{
    (void)p, (void)a;
    return -ENOSYS;
}

static void trace_string(struct linux_process *p, uint32_t addr)
{
    char text[LINUX_PATH];
    if (path_copy(p, text, addr) < 0) {
        fprintf(p->k->strace, "%#x", addr);
        return;
    }
    fputc('"', p->k->strace);
    for (const char *c = text; *c; c++)
        fprintf(p->k->strace, *c < ' ' || *c > '~' ? "\\x%02x" : "%c", (unsigned char)*c);
    fputc('"', p->k->strace);
}

static void trace_call(struct linux_process *p, unsigned number, const char *arguments, const uint32_t a[6])
{
    const char *name = linux_syscall_name(number);
    if (p->k->several)
        fprintf(p->k->strace, "[%d] ", p->tid);
    if (name)
        fprintf(p->k->strace, "%s(", name);
    else
        fprintf(p->k->strace, "syscall_%u(", number);
    for (int i = 0; arguments[i]; i++) {
        if (i)
            fputs(", ", p->k->strace);
        switch (arguments[i]) {
        case 's': trace_string(p, a[i]); break;
        case 'x': fprintf(p->k->strace, "%#x", a[i]); break;
        case 'o': fprintf(p->k->strace, "%#o", a[i]); break;
        case 'u': fprintf(p->k->strace, "%u", a[i]); break;
        default: fprintf(p->k->strace, "%d", (int)a[i]); break;
        }
    }
    fputc(')', p->k->strace);
}

static void trace_result(struct linux_process *p, int64_t r)
{
    if (r == LINUX_NO_RESULT)
        fputs(" = ?\n", p->k->strace);
    else if (r == LINUX_WAIT)
        fputs(" waits\n", p->k->strace);
    else if (r < 0)
        fprintf(p->k->strace, " = -%s (%s)\n", strerrorname_np((int)-r), strerror((int)-r));
    else
        fprintf(p->k->strace, r > 0xffff ? " = %#llx\n" : " = %lld\n", (long long)r);
}

static const struct row *row_of(uint32_t number) { return number < NROWS && rows[number].call ? &rows[number] : NULL; }

void linux_call_again(struct linux_process *p)
{
    struct linux_wait *w = &p->wait;
    int64_t r;
    w->again = true;
    if (linux_signal_waits(p)) {
        r = w->done ? w->done : -EINTR;
        p->interrupted = !w->done;
        p->restart = w->restart;
        p->restart_number = w->number;
        time_interrupted(p);
    } else {
        r = row_of(w->number)->call(p, w->args);
    }
    if (r == LINUX_WAIT)
        return;
    w->on = false;
    if (p->k->strace) {
        fprintf(p->k->strace, "[%d] %s goes on", p->tid, linux_syscall_name(w->number));
        trace_result(p, r);
    }
    if (r != LINUX_NO_RESULT)
        p->cpu->gpr[GUEST_RAX] = (uint32_t)r;
}

void linux_syscall(struct linux_kernel *k)
{
    struct linux_process *p = k->current;
    uint64_t *g = k->cpu->gpr;
    uint32_t number = (uint32_t)g[GUEST_RAX];
    const struct row *row = row_of(number);
    int64_t r = -ENOSYS;
    p->wait = (struct linux_wait){
        .deadline = -1,
        .number = number,
        .args = {(uint32_t)g[GUEST_RBX], (uint32_t)g[GUEST_RCX], (uint32_t)g[GUEST_RDX], (uint32_t)g[GUEST_RSI],
                 (uint32_t)g[GUEST_RDI], (uint32_t)g[GUEST_RBP]},
    };
    if (k->strace)
        trace_call(p, number, row ? row->arguments : "xxxxxx", p->wait.args);
    if (row)
        r = row->call(p, p->wait.args);
    else
        k->missing[number < 511 ? number : 511]++;
    if (k->strace)
        trace_result(p, r);
    p->wait.on = r == LINUX_WAIT;
    if (!p->wait.on && r != LINUX_NO_RESULT)
        g[GUEST_RAX] = (uint32_t)r;
    if (!p->wait.on && !p->dead)
        linux_deliver(p);
    if (k->end == LINUX_RUNNING && (p->dead || p->wait.on || p->vfork_wait || p->group->stopped || linux_turn_over(k)))
        linux_schedule(k);
}
