/* System calls about the process, its limits and the system. */
#include <errno.h>
#include <string.h>
#include <sys/personality.h>
#include <unistd.h>

#include "syscalls.h"

int64_t sys_getpid(struct linux_process *p, const uint64_t a[6])
{
    (void)a;
    return p->group->pid;
}

int64_t sys_gettid(struct linux_process *p, const uint64_t a[6])
{
    (void)a;
    return p->tid;
}

int64_t sys_getppid(struct linux_process *p, const uint64_t a[6])
{
    (void)a;
    return p->group->parent ? p->group->parent->pid : 1;
}

/* The process that a call means; 0 is the caller's. */
static struct linux_group *process(struct linux_process *p, uint32_t pid)
{
    return pid ? group_find(p->k, (int)pid) : p->group;
}

int64_t sys_getpgid(struct linux_process *p, const uint64_t a[6])
{
    const struct linux_group *g = process(p, a[0]);
    return g ? g->pgid : -ESRCH;
}

int64_t sys_getpgrp(struct linux_process *p, const uint64_t a[6])
{
    (void)a;
    return p->group->pgid;
}

int64_t sys_getsid(struct linux_process *p, const uint64_t a[6])
{
    const struct linux_group *g = process(p, a[0]);
    return g ? g->sid : -ESRCH;
}

static bool is_process_group(const struct linux_kernel *k, int pgid)
{
    for (const struct linux_group *g = k->groups; g; g = g->next)
        if (g->pgid == pgid)
            return true;
    return false;
}

int64_t sys_setsid(struct linux_process *p, const uint64_t a[6])
{
    (void)a;
    if (is_process_group(p->k, p->group->pid))
        return -EPERM;
    return p->group->sid = p->group->pgid = p->group->pid;
}

int64_t sys_setpgid(struct linux_process *p, const uint64_t a[6])
{
    struct linux_group *g = process(p, a[0]);
    int pgid = a[1] ? (int)a[1] : g ? g->pid : 0;
    if (pgid < 0)
        return -EINVAL;
    if (!g || (g != p->group && g->parent != p->group))
        return -ESRCH;
    if (g->sid == g->pid || g->sid != p->group->sid || (pgid != g->pid && !is_process_group(p->k, pgid)))
        return -EPERM;
    g->pgid = pgid;
    return 0;
}

/* Of the personalities, which are kept, uname alone knows one: the name of a 32-bit machine. */
int64_t sys_personality(struct linux_process *p, const uint64_t a[6])
{
    uint32_t old = p->group->personality;
    if ((uint32_t)a[0] != UINT32_MAX)
        p->group->personality = (uint32_t)a[0];
    return old;
}

int64_t sys_uname(struct linux_process *p, const uint64_t a[6])
{
    struct abi_utsname name = {
        {"Linux", "selkirk", "6.1.0-selkirk", "#1 SMP", "x86_64", "(none)"},
    };
    if ((p->group->personality & PER_MASK) == PER_LINUX32)
        strcpy(name.field[4], "i686");
    return user_put(p, a[0], &name, sizeof name) ? 0 : -EFAULT;
}

int64_t sys_sysinfo(struct linux_process *p, const uint64_t a[6])
{
    uint64_t total = p->mm->mem.size, left = total - p->mm->pool->frames_used * MM_PAGE;
    struct abi64_sysinfo w = {
        .uptime = time_now(p) / 1000000000,
        .totalram = total,
        .freeram = left,
        .procs = (uint16_t)p->k->ntasks,
        .mem_unit = 1,
    };
    struct abi_sysinfo s = {
        .uptime = (int32_t)(time_now(p) / 1000000000),
        .totalram = (uint32_t)total,
        .freeram = (uint32_t)left,
        .procs = (uint16_t)p->k->ntasks,
        .mem_unit = 1,
    };
    return (p->wide ? user_put(p, a[0], &w, sizeof w) : user_put(p, a[0], &s, sizeof s)) ? 0 : -EFAULT;
}

/* Nobody may look into another process, not even into a child. */
static int64_t foreign(struct linux_process *p, uint32_t pid) { return group_find(p->k, (int)pid) ? -EPERM : -ESRCH; }

int64_t sys_ptrace(struct linux_process *p, const uint64_t a[6]) { return a[0] ? foreign(p, a[1]) : -EPERM; }

int64_t sys_process_vm(struct linux_process *p, const uint64_t a[6]) { return foreign(p, a[0]); }

int64_t sys_set_tid_address(struct linux_process *p, const uint64_t a[6])
{
    p->clear_tid = a[0];
    return p->tid;
}

int64_t sys_getcpu(struct linux_process *p, const uint64_t a[6])
{
    const uint32_t zero = 0;
    for (int i = 0; i < 2; i++)
        if (a[i] && !user_put(p, a[i], &zero, 4))
            return -EFAULT;
    return 0;
}

int64_t sys_getrandom(struct linux_process *p, const uint64_t a[6])
{
    enum { CHUNK = 256 };
    for (uint64_t done = 0; done < a[1];) {
        uint8_t buf[CHUNK];
        uint32_t n = a[1] - done < CHUNK ? (uint32_t)(a[1] - done) : CHUNK;
        for (uint32_t i = 0; i < n; i++)
            buf[i] = (uint8_t)linux_random(p);
        if (!user_put(p, a[0] + done, buf, n))
            return done ? (int64_t)done : -EFAULT;
        done += n;
    }
    return (int64_t)a[1];
}

/* The bases of FS and GS. */
int64_t sys_arch_prctl(struct linux_process *p, const uint64_t a[6])
{
    enum { SET_GS = 0x1001, SET_FS, GET_FS, GET_GS };
    struct guest_cpu *c = p->cpu;
    switch ((uint32_t)a[0]) {
    case SET_GS:
    case SET_FS:
        if (a[1] >= p->space->layout->stack_top)
            return -EPERM;
        c->seg_base[(uint32_t)a[0] == SET_FS ? GUEST_FS : GUEST_GS] = a[1];
        c->seg_sel[(uint32_t)a[0] == SET_FS ? GUEST_FS : GUEST_GS] = 0;
        return 0;
    case GET_FS: return user_put(p, a[1], &c->seg_base[GUEST_FS], 8) ? 0 : -EFAULT;
    case GET_GS: return user_put(p, a[1], &c->seg_base[GUEST_GS], 8) ? 0 : -EFAULT;
    default: return -EINVAL;
    }
}
