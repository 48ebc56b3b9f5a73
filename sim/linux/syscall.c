/* Dispatch of system calls by number, with a trace line each on demand. */
#include "file_times.h"
#include "syscalls.h"

#include <asm/unistd_32.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static const struct syscall_row rows[] = {
#define SYSCALL(name, function, arguments) [__NR_##name] = {#name, sys_##function, arguments},
#include "syscalls.def"
#undef SYSCALL
};

/* Calls that programs are known to try and that have no implementation, for reports. */
static const struct {
    unsigned number;
    const char *name;
} known[] = {
#define SYSCALL(name) {__NR_##name, #name},
#include "syscalls_known.def"
#undef SYSCALL
};

enum { NROWS = sizeof rows / sizeof *rows };

static const struct syscall_row *row_of(uint32_t number, bool wide)
{
    static const struct syscall_row none;
    if (wide)
        return syscall_row64(number);
    return number < NROWS ? &rows[number] : &none;
}

const char *linux_syscall_name(unsigned number, bool wide)
{
    const char *name = row_of(number, wide)->name;
    for (size_t i = 0; !name && !wide && i < sizeof known / sizeof *known; i++)
        if (known[i].number == number)
            name = known[i].name;
    return name;
}

int64_t sys_zero(struct linux_process *p, const uint64_t a[6])
{
    (void)p, (void)a;
    return 0;
}

int64_t sys_inval(struct linux_process *p, const uint64_t a[6])
{
    (void)p, (void)a;
    return -EINVAL;
}

int64_t sys_perm(struct linux_process *p, const uint64_t a[6])
{
    (void)p, (void)a;
    return -EPERM;
}

int64_t sys_opnotsupp(struct linux_process *p, const uint64_t a[6])
{
    (void)p, (void)a;
    return -EOPNOTSUPP;
}

int64_t sys_nosys(struct linux_process *p, const uint64_t a[6])
{
    (void)p, (void)a;
    return -ENOSYS;
}

static void trace_string(struct linux_process *p, uint64_t addr)
{
    char text[LINUX_PATH];
    if (path_copy(p, text, addr) < 0) {
        fprintf(p->k->strace, "%#llx", (unsigned long long)addr);
        return;
    }
    fputc('"', p->k->strace);
    for (const char *c = text; *c; c++)
        fprintf(p->k->strace, *c < ' ' || *c > '~' ? "\\x%02x" : "%c", (unsigned char)*c);
    fputc('"', p->k->strace);
}

static void trace_call(struct linux_process *p, unsigned number, const char *arguments, const uint64_t a[6])
{
    const char *name = linux_syscall_name(number, p->wide);
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
        case 'x': fprintf(p->k->strace, "%#llx", (unsigned long long)a[i]); break;
        case 'o': fprintf(p->k->strace, "%#o", (unsigned)a[i]); break;
        case 'u': fprintf(p->k->strace, "%llu", (unsigned long long)a[i]); break;
        case 'l': fprintf(p->k->strace, "%lld", (long long)a[i]); break;
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

static void set_result(struct linux_process *p, int64_t r)
{
    p->cpu->gpr[GUEST_RAX] = p->cpu->mode == GUEST_X86_64 ? (uint64_t)r : (uint32_t)r;
}

void linux_call_forget(struct linux_process *p)
{
    if (p->wait.holds)
        close(p->wait.held);
    p->wait.holds = false;
}

void linux_call_ends(struct linux_process *p, int64_t r)
{
    struct linux_wait *w = &p->wait;
    w->on = false;
    linux_call_forget(p);
    if (p->k->strace) {
        fprintf(p->k->strace, "[%d] %s goes on", p->tid, linux_syscall_name(w->number, p->wide));
        trace_result(p, r);
    }
    if (r != LINUX_NO_RESULT)
        set_result(p, r);
}

void linux_call_again(struct linux_process *p)
{
    struct linux_wait *w = &p->wait;
    int64_t r;
    w->again = true;
    times_note(p->k);
    if (linux_signal_waits(p)) {
        r = w->done ? w->done : -EINTR;
        p->interrupted = !w->done;
        p->restart = w->restart;
        p->restart_number = w->number;
        time_interrupted(p);
    } else {
        r = row_of(w->number, p->wide)->call(p, w->args);
    }
    if (r != LINUX_WAIT)
        linux_call_ends(p, r);
}

/* The arguments as the instruction passes them. `syscall` itself leaves the return address in RCX, the flags in R11. */
static struct linux_wait call_of(struct guest_cpu *c, bool wide)
{
    static const uint8_t order[2][6] = {
        {GUEST_RBX, GUEST_RCX, GUEST_RDX, GUEST_RSI, GUEST_RDI, GUEST_RBP},
        {GUEST_RDI, GUEST_RSI, GUEST_RDX, GUEST_R8 + 2, GUEST_R8, GUEST_R8 + 1},
    };
    struct linux_wait w = {.deadline = -1, .number = (uint32_t)c->gpr[GUEST_RAX]};
    for (int i = 0; i < 6; i++)
        w.args[i] = wide ? c->gpr[order[1][i]] : (uint32_t)c->gpr[order[0][i]];
    if (wide) {
        c->gpr[GUEST_RCX] = c->rip;
        c->gpr[GUEST_R8 + 3] = c->flags | c->sysflags;
    }
    return w;
}

void linux_syscall(struct linux_kernel *k, bool wide)
{
    struct linux_process *p = k->current;
    int64_t r = -ENOSYS;
    p->wide = wide;
    times_note(k);
    p->wait = call_of(k->cpu, wide);
    uint32_t number = p->wait.number;
    const struct syscall_row *row = row_of(number, wide);
    if (k->strace)
        trace_call(p, number, row->call ? row->arguments : "xxxxxx", p->wait.args);
    if (row->call)
        r = row->call(p, p->wait.args);
    else
        k->missing[wide][number < 511 ? number : 511]++;
    if (k->strace)
        trace_result(p, r);
    p->wait.on = r == LINUX_WAIT;
    if (!p->wait.on && r != LINUX_NO_RESULT)
        set_result(p, r);
    if (!p->wait.on && !p->dead)
        linux_deliver(p);
    if (k->end == LINUX_RUNNING && (p->dead || p->wait.on || p->vfork_wait || p->group->stopped || linux_turn_over(k)))
        linux_schedule(k);
}
