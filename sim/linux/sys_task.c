/* System calls that make, end and wait for threads and processes. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "syscalls.h"

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

#define CLEAR_SIGHAND (UINT64_C(1) << 32) /* of clone3 alone */
#define INTO_CGROUP   (UINT64_C(1) << 33)

struct clone {
    uint64_t flags;
    uint32_t exit_signal;
    uint64_t stack, parent_tid, child_tid, tls;
};

static bool share_space(struct linux_process *p, struct linux_process *child, bool shared)
{
    struct linux_space *s = p->space;
    if (shared) {
        s->refs++;
        child->space = s;
        return true;
    }
    child->space = space_new(mm_fork(p->mm));
    if (!child->space)
        return false;
    struct linux_space *n = child->space;
    struct mm *mm = n->mm;
    *n = *s;
    n->refs = 1;
    n->mm = mm;
    n->exe_fd = s->exe_fd < 0 ? -1 : fd_copy(s->exe_fd);
    child->mm = mm;
    child->saved.cr3 = mm_root(mm);
    return true;
}

static bool share_files(struct linux_process *p, struct linux_process *child, bool shared)
{
    child->files = shared ? p->files : files_copy(p->files);
    if (child->files && shared)
        child->files->refs++;
    return child->files != NULL;
}

static struct linux_group *new_group(struct linux_process *p, int pid, const struct clone *c)
{
    struct linux_group *g = calloc(1, sizeof *g), **end = &p->k->groups;
    if (!g)
        return NULL;
    g->pid = pid;
    g->pgid = p->group->pgid;
    g->sid = p->group->sid;
    memcpy(g->limit, p->group->limit, sizeof g->limit);
    g->limits_set = p->group->limits_set;
    g->personality = p->group->personality;
    g->nice = p->group->nice;
    g->ioprio = p->group->ioprio;
    g->start = time_now(p);
    g->parent = c->flags & CLONE_PARENT ? p->group->parent : p->group;
    g->exit_signal = (int)c->exit_signal;
    memcpy(g->action, p->group->action, sizeof g->action);
    for (int i = 0; (c->flags & CLEAR_SIGHAND) && i < LINUX_SIGNALS; i++)
        if (g->action[i].handler > 1)
            g->action[i] = (struct linux_action){0};
    while (*end)
        end = &(*end)->next;
    *end = g;
    return g;
}

/* What a new thread does not inherit. */
static void fresh(struct linux_process *p, struct linux_process *child, const struct clone *c)
{
    child->saved = *p->cpu;
    child->saved.gpr[GUEST_RAX] = 0;
    if (c->stack)
        child->saved.gpr[GUEST_RSP] = c->stack;
    child->pending = (struct linux_pending){0};
    child->wait = (struct linux_wait){0};
    child->cpu_ns = 0;
    child->death_signal = 0;
    if (child->policy & SCHED_RESET_ON_FORK)
        child->policy = SCHED_OTHER;
    child->robust_list = child->clear_tid = 0;
    if (c->flags & CLONE_VM)
        child->rseq = 0;
    child->vfork_parent = NULL;
    child->vfork_wait = child->restore_mask = child->interrupted = false;
    if ((c->flags & CLONE_VM) && !(c->flags & CLONE_VFORK))
        child->altstack = (struct abi64_stack){.flags = 2 /* SS_DISABLE */};
}

static bool set_tls(struct linux_process *p, struct linux_process *child, uint64_t at)
{
    struct abi_user_desc d;
    if (p->wide) {
        child->saved.seg_base[GUEST_FS] = at;
        return at < p->space->layout->stack_top;
    }
    if (!user_get(p, &d, at, sizeof d) || d.entry < ABI_GDT_TLS || d.entry >= ABI_GDT_TLS + ABI_TLS_ENTRIES)
        return false;
    tls_set(child, &child->saved, &d);
    return true;
}

/* Takes back a child that could not be made whole. */
static int64_t give_up(struct linux_process *child, int64_t error)
{
    files_drop(child->files);
    space_drop(child->space);
    task_free(child->k, child);
    return error;
}

static int64_t do_clone(struct linux_process *p, const struct clone *c)
{
    if (((c->flags & CLONE_THREAD) && !(c->flags & CLONE_SIGHAND)) || ((c->flags & CLONE_SIGHAND) && !(c->flags & CLONE_VM)) ||
        c->exit_signal >= LINUX_SIGNALS || (c->flags & CLONE_PIDFD))
        return -EINVAL;
    if (c->flags & NAMESPACES)
        return -EPERM;
    struct linux_process *child = task_make(p->k, p);
    if (!child)
        return -EAGAIN;
    fresh(p, child, c);
    child->space = NULL;
    child->files = NULL;
    if (!share_space(p, child, c->flags & CLONE_VM) || !share_files(p, child, c->flags & CLONE_FILES))
        return give_up(child, -ENOMEM);
    if ((c->flags & CLONE_SETTLS) && !set_tls(p, child, c->tls))
        return give_up(child, -EINVAL);
    if (!(c->flags & CLONE_THREAD)) {
        child->group = new_group(p, child->tid, c);
        if (!child->group)
            return give_up(child, -ENOMEM);
    }
    child->group->threads++;
    int32_t tid = child->tid;
    if (c->flags & CLONE_CHILD_CLEARTID)
        child->clear_tid = c->child_tid;
    /* As in Linux, a bad address is no reason to fail any more. */
    if (c->flags & CLONE_CHILD_SETTID)
        mm_copy_out(child->mm, c->child_tid, &tid, sizeof tid);
    if (c->flags & CLONE_PARENT_SETTID)
        mm_copy_out(p->mm, c->parent_tid, &tid, sizeof tid);
    if (c->flags & CLONE_VFORK) {
        child->vfork_parent = p;
        p->vfork_wait = true;
    }
    linux_slice(p->k);
    return tid;
}

int64_t sys_clone(struct linux_process *p, const uint64_t a[6])
{
    struct clone c = {a[0] & 0xffffff00, (uint32_t)a[0] & 255, a[1], a[2], a[p->wide ? 3 : 4], a[p->wide ? 4 : 3]};
    return do_clone(p, &c);
}

int64_t sys_fork(struct linux_process *p, const uint64_t a[6])
{
    (void)a;
    return do_clone(p, &(struct clone){.exit_signal = SIGCHLD});
}

int64_t sys_vfork(struct linux_process *p, const uint64_t a[6])
{
    (void)a;
    return do_clone(p, &(struct clone){.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD});
}

int64_t sys_clone3(struct linux_process *p, const uint64_t a[6])
{
    uint64_t v[11] = {0}; /* flags pidfd child_tid parent_tid exit_signal stack stack_size tls set_tid set_tid_size cgroup */
    enum { FIRST_SIZE = 64 };
    if (a[1] < FIRST_SIZE || a[1] > MM_PAGE)
        return a[1] > MM_PAGE ? -E2BIG : -EINVAL;
    if (!user_get(p, v, a[0], a[1] < sizeof v ? a[1] : sizeof v))
        return -EFAULT;
    if ((v[0] & (0xff | INTO_CGROUP)) || v[4] > 255 || v[8] || v[9] || !v[5] != !v[6])
        return -EINVAL;
    struct clone c = {v[0], (uint32_t)v[4], v[5] + v[6], v[3], v[2], v[7]};
    return do_clone(p, &c);
}

int64_t sys_exit(struct linux_process *p, const uint64_t a[6])
{
    linux_exit_thread(p, (int)(a[0] & 0xff) << 8);
    return LINUX_NO_RESULT;
}

int64_t sys_exit_group(struct linux_process *p, const uint64_t a[6])
{
    linux_exit_group(p, (int)(a[0] & 0xff) << 8);
    return LINUX_NO_RESULT;
}

/* Waiting ------------------------------------------------------------------------------------------------------------ */

enum { KNOWN_OPTIONS = WNOHANG | WUNTRACED | WCONTINUED | (int)__WALL | __WNOTHREAD | (int)__WCLONE };

static bool wanted(const struct linux_group *g, const struct linux_process *p, int32_t pid)
{
    if (g->parent != p->group)
        return false;
    return pid == -1 || (pid == 0 && g->pgid == p->group->pgid) || (pid > 0 && g->pid == pid) || (pid < -1 && g->pgid == -pid);
}

/* The child to report on. NULL with *result 0: none yet. */
static struct linux_group *find_child(struct linux_process *p, int32_t pid, int options, int64_t *result)
{
    *result = -ECHILD;
    for (struct linux_group *g = p->k->groups; g; g = g->next) {
        if (!wanted(g, p, pid))
            continue;
        *result = 0;
        if (g->zombie || (g->stop_is_news && (options & WUNTRACED)) || (g->cont_is_news && (options & WCONTINUED)))
            return g;
    }
    return NULL;
}

static int64_t wait_child(struct linux_process *p, int32_t pid, int options, struct linux_group **child)
{
    int64_t r;
    if (options & ~KNOWN_OPTIONS)
        return -EINVAL;
    if (pid == INT32_MIN)
        return -ESRCH;
    *child = find_child(p, pid, options, &r);
    if (*child || r < 0 || (options & WNOHANG))
        return r;
    return wait_for(p, "waits for a child that does not end", -1, true);
}

static bool put_usage(struct linux_process *p, uint64_t to, int64_t ns)
{
    struct abi64_rusage w;
    struct abi_rusage n;
    memset(&w, 0, sizeof w);
    memset(&n, 0, sizeof n);
    w.utime = (struct abi64_timeval){ns / 1000000000, ns % 1000000000 / 1000};
    n.utime = (struct abi_timeval){(int32_t)w.utime.sec, (int32_t)w.utime.usec};
    return p->wide ? user_put(p, to, &w, sizeof w) : user_put(p, to, &n, sizeof n);
}

/* What happened to the child, as wait gives it. */
static int32_t news(const struct linux_group *g)
{
    enum { CONTINUED = 0xffff, STOPPED = 0x7f };
    return g->zombie ? g->status : g->stop_is_news ? g->stopped << 8 | STOPPED : CONTINUED;
}

/* It has been told: a child that has ended is no more. */
static int64_t reap(struct linux_process *p, struct linux_group *g)
{
    int pid = g->pid;
    if (!g->zombie) {
        g->stop_is_news = g->cont_is_news = false;
        return pid;
    }
    p->group->child_ns += g->cpu_ns + g->child_ns;
    group_reap(p->k, g);
    return pid;
}

int64_t sys_wait4(struct linux_process *p, const uint64_t a[6])
{
    struct linux_group *g = NULL;
    int64_t r = wait_child(p, (int32_t)a[0], (int)a[2], &g);
    if (!g)
        return r;
    int64_t used = g->cpu_ns + g->child_ns;
    int32_t status = news(g);
    r = reap(p, g);
    if (a[1] && !user_put(p, a[1], &status, sizeof status))
        return -EFAULT;
    return a[3] && !put_usage(p, a[3], used) ? -EFAULT : r;
}

int64_t sys_waitpid(struct linux_process *p, const uint64_t a[6]) { return sys_wait4(p, (uint64_t[6]){a[0], a[1], a[2], 0}); }

int64_t sys_waitid(struct linux_process *p, const uint64_t a[6])
{
    struct linux_group *g = NULL;
    struct abi64_siginfo info = {0};
    int32_t id = (int32_t)a[1], pid = a[0] == P_ALL ? -1 : a[0] == P_PID || id < 0 ? id : -id;
    if (a[0] == P_PIDFD && (pid = pidfd_pid(p, a[1])) < 0)
        return pid;
    if (a[0] > P_PIDFD || (a[0] == P_PID && id <= 0) || (a[0] == P_PGID && id < 0) ||
        !(a[3] & (WEXITED | WSTOPPED | WCONTINUED)))
        return -EINVAL;
    int options = (int)(a[3] & (WNOHANG | WCONTINUED)) | (a[3] & WSTOPPED ? WUNTRACED : 0);
    int64_t r = wait_child(p, pid, options, &g);
    if (!g && r)
        return r;
    if (g) {
        int status = news(g), signal = status & 0x7f;
        int code = !g->zombie ? (g->stop_is_news ? CLD_STOPPED : CLD_CONTINUED) : signal ? CLD_KILLED : CLD_EXITED;
        info = (struct abi64_siginfo){.signo = SIGCHLD, .code = code};
        info.kill.pid = g->pid;
        info.kill.uid = getuid();
        info.kill.value = code == CLD_CONTINUED ? SIGCONT : code == CLD_KILLED ? signal : status >> 8;
        if (!(a[3] & WNOWAIT))
            reap(p, g);
    }
    return a[2] && !user_put_siginfo(p, a[2], &info) ? -EFAULT : 0;
}

int64_t sys_getrusage(struct linux_process *p, const uint64_t a[6])
{
    enum { THREAD = 1, SELF = 0, CHILDREN = -1 };
    if ((int32_t)a[0] > THREAD || (int32_t)a[0] < CHILDREN)
        return -EINVAL;
    return put_usage(p, a[1], (int32_t)a[0] == CHILDREN ? p->group->child_ns : linux_cpu_time(p)) ? 0 : -EFAULT;
}
