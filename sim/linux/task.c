/* Threads, processes, and which of them has the one core.
 *
 * A task runs until it waits or, if there are others, until its slice of guest instructions is over; then the next one in
 * order of creation that can go on gets its turn. A system call that cannot be done yet has returned LINUX_WAIT and is simply
 * made again at every turn until it can. When nobody can go on, virtual time passes until somebody can. All of that depends
 * on nothing but the guest, so a run repeats.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "syscalls.h"

enum { SLICE = 200000, LONG_SLICE = 2000000 /* guest instructions */, EXIT_SHIFT = 8, NOCLDWAIT = 2 };

/* Parts of a task ---------------------------------------------------------------------------------------------------- */

struct linux_space *space_new(struct mm *mm)
{
    struct linux_space *s = mm ? calloc(1, sizeof *s) : NULL;
    if (!s) {
        mm_drop(mm);
        return NULL;
    }
    s->refs = 1;
    s->mm = mm;
    s->exe_fd = -1;
    return s;
}

void space_drop(struct linux_space *s)
{
    if (!s || --s->refs)
        return;
    mm_flush(s->mm, 0, UINT64_MAX);
    mm_drop(s->mm);
    if (s->exe_fd >= 0)
        close(s->exe_fd);
    free(s);
}

/* What counts for the limit: threads, and processes that nobody has waited for. */
static unsigned tasks_held(const struct linux_kernel *k)
{
    unsigned n = 0;
    for (const struct linux_process *t = k->tasks; t; t = t->next) /* a dead one is swept away at the next switch */
        n += !t->dead;
    for (const struct linux_group *g = k->groups; g; g = g->next)
        n += g->zombie;
    return n;
}

struct linux_process *task_make(struct linux_kernel *k, const struct linux_process *like)
{
    struct linux_process **end = &k->tasks, *p = tasks_held(k) < k->max_tasks ? calloc(1, sizeof *p) : NULL;
    if (!p)
        return NULL;
    if (like)
        *p = *like;
    p->next = NULL;
    p->k = k;
    p->cpu = k->cpu;
    p->tid = k->next_pid++;
    while (*end)
        end = &(*end)->next;
    *end = p;
    k->several = k->ntasks++ > 0;
    return p;
}

void task_free(struct linux_kernel *k, struct linux_process *p)
{
    struct linux_process **at = &k->tasks;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    k->ntasks--;
    free(p);
}

struct linux_group *group_find(struct linux_kernel *k, int pid)
{
    struct linux_group *g = k->groups;
    while (g && g->pid != pid)
        g = g->next;
    return g;
}

void group_reap(struct linux_kernel *k, struct linux_group *g)
{
    struct linux_group **at = &k->groups;
    if (g == k->first) /* its status is the run's */
        return;
    while (*at && *at != g)
        at = &(*at)->next;
    if (*at)
        *at = g->next;
    free(g);
}

/* End ---------------------------------------------------------------------------------------------------------------- */

void group_tell_parent(struct linux_kernel *k, struct linux_group *g, int code, int value)
{
    struct abi64_siginfo info = {.signo = code == CLD_STOPPED ? SIGCHLD : g->exit_signal, .code = code};
    info.kill.pid = g->pid;
    info.kill.uid = getuid();
    info.kill.value = value;
    if (info.signo)
        linux_queue(g->parent, &g->parent->pending, group_blocked(k, g->parent), &info);
}

/* The parent of a zombie is told, unless there is none or it does not want to know. */
static void announce(struct linux_kernel *k, struct linux_group *g)
{
    const struct linux_action *a = g->parent ? &g->parent->action[SIGCHLD] : NULL;
    bool forgotten = !a || (g->exit_signal == SIGCHLD && (a->handler == 1 || (a->flags & NOCLDWAIT)));
    int signal = g->status & 0x7f;
    if (a)
        group_tell_parent(k, g, signal ? CLD_KILLED : CLD_EXITED, signal ? signal : g->status >> EXIT_SHIFT);
    if (forgotten)
        group_reap(k, g);
}

/* Its children are init's now, or those of the next one above that has asked for them; they may have asked for a signal. */
static void leave_children(struct linux_kernel *k, struct linux_group *g)
{
    struct linux_group *heir = g->parent;
    while (heir && (!heir->subreaper || heir->zombie))
        heir = heir->parent;
    for (const struct linux_process *t = k->tasks; t; t = t->next)
        if (!t->dead && t->group->parent == g && t->death_signal)
            linux_raise_group(k, t->group, t->death_signal, SI_USER, k->current);
    for (struct linux_group *c = k->groups, *next; c; c = next) {
        next = c->next;
        if (c->parent != g)
            continue;
        c->parent = heir;
        c->exit_signal = SIGCHLD;
        if (c->zombie)
            announce(k, c);
    }
}

/* The last thread of a process has gone. */
static void note_exit(struct linux_kernel *k, struct linux_group *g)
{
    g->zombie = true;
    tty_session_ends(k, g);
    sem_group_ends(k, g);
    g->alarm = g->cpu_alarm[0] = g->cpu_alarm[1] = (struct linux_timer){0};
    timer_drop_group(k, g);
    lock_drop(k, g, -1);
    linux_unqueue(&g->pending, UINT64_MAX);
    leave_children(k, g);
    announce(k, g);
}

void linux_vfork_done(struct linux_process *p)
{
    if (p->vfork_parent)
        p->vfork_parent->vfork_wait = false;
    p->vfork_parent = NULL;
}

int64_t thread_cpu_time(const struct linux_process *p)
{
    const struct linux_kernel *k = p->k;
    return p->cpu_ns + (p == k->current ? (int64_t)(k->icount(k->arg) - k->switched) : 0);
}

void linux_exit_thread(struct linux_process *p, int status)
{
    struct linux_group *g = p->group;
    if (p->dead)
        return;
    futex_thread_exit(p);
    linux_vfork_done(p);
    for (struct linux_process *t = p->k->tasks; t; t = t->next)
        if (t->vfork_parent == p)
            t->vfork_parent = NULL;
    p->dead = true;
    p->wait.on = false;
    linux_call_forget(p);
    linux_unqueue(&p->pending, UINT64_MAX);
    files_drop(p->files);
    space_drop(p->space);
    p->files = NULL;
    p->space = NULL;
    p->mm = NULL;
    g->cpu_ns += thread_cpu_time(p);
    if (--g->threads)
        return;
    if (!g->exiting)
        g->status = status;
    note_exit(p->k, g);
}

void linux_exit_others(struct linux_process *p)
{
    for (struct linux_process *t = p->k->tasks; t; t = t->next)
        if (t != p && !t->dead && t->group == p->group)
            linux_exit_thread(t, 0);
}

void linux_exit_group(struct linux_process *p, int status)
{
    p->group->exiting = true;
    p->group->status = status;
    linux_exit_others(p);
    linux_exit_thread(p, status);
}

void linux_kill(struct linux_process *p, int signal)
{
    struct linux_kernel *k = p->k;
    if (p->group == k->first) {
        k->end = LINUX_KILLED;
        k->end_value = signal;
    }
    linux_exit_group(p, signal);
}

void linux_stuck(struct linux_kernel *k, const char *why)
{
    k->end = LINUX_STUCK;
    snprintf(k->end_text, sizeof k->end_text, "%s", why);
}

int64_t group_cpu_time(const struct linux_kernel *k, const struct linux_group *g)
{
    int64_t sum = g->cpu_ns;
    for (const struct linux_process *t = k->tasks; t; t = t->next)
        if (!t->dead && t->group == g)
            sum += thread_cpu_time(t);
    return sum;
}

int64_t linux_cpu_time(const struct linux_process *p) { return group_cpu_time(p->k, p->group); }

/* Scheduling --------------------------------------------------------------------------------------------------------- */

int64_t wait_for(struct linux_process *p, const char *why, int64_t deadline, bool restart)
{
    p->wait.why = why;
    p->wait.deadline = deadline;
    p->wait.restart = restart;
    return LINUX_WAIT;
}

static void slice_until(struct linux_kernel *k, const struct linux_timer *t)
{
    int64_t at = t->at - k->time_skipped; /* in instructions, which take a nanosecond each */
    if (t->at && (at < 0 || (uint64_t)at < k->slice_end))
        k->slice_end = at < 0 ? 0 : (uint64_t)at;
}

/* The same for a timer of processor time, which passes for the current task alone. */
static void slice_until_cpu(struct linux_kernel *k, const struct linux_timer *t, int64_t spent)
{
    uint64_t left = t->at > spent ? (uint64_t)(t->at - spent) : 0, now = k->icount(k->arg);
    if (t->at && now + left < k->slice_end)
        k->slice_end = now + left;
}

static void slice_by_cpu(struct linux_kernel *k)
{
    const struct linux_process *p = k->current;
    const struct linux_timer *own = p->group->cpu_alarm;
    if (own[0].at || own[1].at) {
        slice_until_cpu(k, &own[0], linux_cpu_time(p));
        slice_until_cpu(k, &own[1], linux_cpu_time(p));
    }
    for (const struct linux_ticker *t = k->tickers; t; t = t->next)
        if ((t->cpu_pid == p->group->pid || t->cpu_tid == p->tid) && timer_tells(k, t))
            slice_until_cpu(k, &t->when, clock_of_owner(k, t->cpu_pid, t->cpu_tid));
}

/* A thread of the same process may be who a task spins for, and costs little. Another address space costs what the core has to
 * learn about its code again, so that it waits longer: until somebody's sleep is over. */
static uint64_t slice_of(const struct linux_kernel *k, uint64_t now)
{
    uint64_t most = LONG_SLICE;
    for (const struct linux_process *t = k->tasks; t; t = t->next) {
        if (t == k->current || t->dead)
            continue;
        if (t->mm == k->current->mm)
            return SLICE;
        int64_t left = t->wait.deadline - k->time_skipped - (int64_t)now;
        if (t->wait.on && t->wait.deadline >= 0 && !t->group->stopped && left < (int64_t)most)
            most = left > SLICE ? (uint64_t)left : SLICE;
    }
    return most;
}

void linux_slice(struct linux_kernel *k)
{
    uint64_t now = k->icount(k->arg);
    k->slice_end = k->ntasks > 1 ? now + slice_of(k, now) : UINT64_MAX;
    for (const struct linux_group *g = k->groups; g; g = g->next)
        slice_until(k, &g->alarm);
    for (const struct linux_ticker *t = k->tickers; t; t = t->next)
        if (!t->cpu_pid && !t->cpu_tid && timer_tells(k, t)) /* others fire when somebody looks */
            slice_until(k, &t->when);
    slice_by_cpu(k);
}

bool linux_turn_over(struct linux_kernel *k) { return k->icount(k->arg) >= k->slice_end; }

static void leave(struct linux_kernel *k)
{
    struct linux_process *p = k->current;
    uint64_t now = k->icount(k->arg);
    if (!p->dead) {
        if (!rseq_leave(p))
            linux_force_segv(p);
        p->saved = *k->cpu;
        p->cpu_ns += (int64_t)(now - k->switched);
    }
    k->switched = now;
}

/* p stays where it is: a call that has been made, or a signal that has been delivered, must not be lost. */
static bool save(struct linux_kernel *k, struct linux_process *p)
{
    if (!p->dead)
        p->saved = *k->cpu;
    return false;
}

/* Makes p the current task. False: it cannot go on. */
static bool enter(struct linux_kernel *k, struct linux_process *p)
{
    if (p->dead || p->vfork_wait || p->group->stopped)
        return false;
    *k->cpu = p->saved;
    k->current = p;
    umask(p->files->umask);
    if (p->wait.on)
        linux_call_again(p);
    if (!p->dead && !p->wait.on)
        linux_deliver(p);
    if (p->dead || p->wait.on || p->vfork_wait || p->group->stopped)
        return save(k, p);
    linux_slice(k);
    if (k->set_mm)
        k->set_mm(k->arg, p->mm);
    return true;
}

/* How long it is to the next thing that happens by itself; -1: nothing does. */
static int64_t time_to_next(struct linux_kernel *k)
{
    int64_t first = LINUX_TIME_END, now = (int64_t)k->icount(k->arg) + k->time_skipped;
    for (const struct linux_process *t = k->tasks; t; t = t->next)
        if (!t->dead && t->wait.on && !t->group->stopped && t->wait.deadline >= 0 && t->wait.deadline < first)
            first = t->wait.deadline;
    for (const struct linux_group *g = k->groups; g; g = g->next)
        if (g->alarm.at && g->alarm.at < first && linux_alarm_tells(k, g))
            first = g->alarm.at;
    for (const struct linux_ticker *t = k->tickers; t; t = t->next)
        if (t->when.at && t->when.at < first && !t->cpu_pid && !t->cpu_tid && timer_tells(k, t))
            first = t->when.at;
    if (first == LINUX_TIME_END || now >= LINUX_TIME_END)
        return -1;
    return first > now ? first - now : 1;
}

/* Nobody can go on: the host's side does something, or time passes. */
static bool pass_time(struct linux_kernel *k)
{
    int64_t next = time_to_next(k);
    if (outside_wait(k, next))
        return true;
    if (next < 0)
        return false;
    time_skip(k, next);
    return true;
}

static void run_ends(struct linux_kernel *k)
{
    k->end = LINUX_EXITED;
    k->end_value = k->first->status >> EXIT_SHIFT;
}

static struct linux_process *sweep(struct linux_kernel *k)
{
    for (struct linux_process *t = k->tasks, *next; t; t = next) {
        next = t->next;
        if (t->dead && t != k->current) /* the system call of the current one may still look at it */
            task_free(k, t);
    }
    return k->current->next ? k->current->next : k->tasks;
}

/* Gives t its turn. False: it cannot go on; *moved then: it has done something, so that one who was asked before may. */
static bool turn(struct linux_kernel *k, struct linux_process *t, bool *moved)
{
    bool dead = t->dead;
    int stopped = dead ? 0 : t->group->stopped;
    int64_t done = t->wait.done;
    if (enter(k, t))
        return true;
    *moved |= !dead && (t->dead || t->group->stopped != stopped || t->wait.done != done);
    return false;
}

void linux_schedule(struct linux_kernel *k)
{
    if (k->end != LINUX_RUNNING)
        return;
    leave(k);
    for (;;) {
        struct linux_process *start = sweep(k), *t = start;
        bool alive = false, moved = false;
        linux_take_timers(k);
        do {
            alive |= !t->dead;
            if (turn(k, t, &moved) || k->end != LINUX_RUNNING)
                return;
            t = t->next ? t->next : k->tasks;
        } while (t != start);
        if (!alive) {
            run_ends(k);
            return;
        }
        if (moved || pass_time(k))
            continue;
        if (k->first->zombie) {
            run_ends(k);
            return;
        }
        if (k->first->stopped) {
            char text[80];
            snprintf(text, sizeof text, "stopped by SIG%s, and there is nobody to continue it",
                     linux_signal_name(k->first->stopped));
            linux_stuck(k, text);
            return;
        }
        const char *why = "every process waits for another";
        for (t = k->tasks; t; t = t->next)
            if (t->wait.on && t->wait.why && (t->group == k->first || !k->several))
                why = t->wait.why;
        linux_stuck(k, why);
        return;
    }
}
