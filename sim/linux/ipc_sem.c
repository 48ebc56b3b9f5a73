/* Semaphores of System V. The operations of a call are done all or none; one that must wait is tried again at every turn. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#include "ipc.h"
#include "proc.h"
#include "syscalls.h"

enum {
    CTL_SEM_STAT = 18,
    MOST_OPS = 500,
    MOST_IN_SET = 32000,
    MOST_IN_ALL = 128000,
    HIGHEST = 32767,
};

struct semaphore {
    int32_t value;
    int pid; /* of who changed it last */
};

struct sem_set {
    struct ipc_object object;
    uint32_t n;
    int64_t used, changed;
    struct semaphore sem[];
};

/* What a process's end is to add to semaphores of a set. */
struct ipc_undo {
    struct ipc_undo *next;
    const struct linux_group *group;
    struct sem_set *set;
    int16_t add[];
};

static struct sem_set *set_of(struct ipc_object *o) { return (struct sem_set *)o; }

/* Undoing ------------------------------------------------------------------------------------------------------------ */

static struct ipc_undo *undo_of(struct linux_process *p, struct sem_set *s, bool make)
{
    struct ipc_undo *u = p->k->ipc->undos;
    while (u && (u->group != p->group || u->set != s))
        u = u->next;
    if (u || !make || !(u = calloc(1, sizeof *u + s->n * sizeof *u->add)))
        return u;
    *u = (struct ipc_undo){.next = p->k->ipc->undos, .group = p->group, .set = s};
    return p->k->ipc->undos = u;
}

/* Forgets what is of the group, or about the set; `doing`: it is done. */
static void drop_undos(struct linux_kernel *k, const struct linux_group *g, const struct sem_set *s, bool doing)
{
    struct ipc_undo **at = &k->ipc->undos;
    while (*at) {
        struct ipc_undo *u = *at;
        if (u->group != g && u->set != s) {
            at = &u->next;
            continue;
        }
        for (uint32_t i = 0; doing && i < u->set->n; i++) {
            struct semaphore *sem = &u->set->sem[i];
            int32_t v = sem->value + u->add[i];
            if (!u->add[i])
                continue;
            sem->value = v < 0 ? 0 : v > HIGHEST ? HIGHEST : v;
            sem->pid = g->pid;
        }
        *at = u->next;
        free(u);
    }
}

void sem_group_ends(struct linux_kernel *k, const struct linux_group *g)
{
    if (k->ipc)
        drop_undos(k, g, NULL, true);
}

void sem_release(struct linux_kernel *k, struct ipc_object *o)
{
    drop_undos(k, NULL, set_of(o), false);
    k->ipc->semaphores -= set_of(o)->n;
}

/* A new value makes what was to be undone meaningless. */
static void forget_undo(struct linux_kernel *k, const struct sem_set *s, uint32_t first, uint32_t n)
{
    for (struct ipc_undo *u = k->ipc->undos; u; u = u->next)
        if (u->set == s)
            memset(u->add + first, 0, n * sizeof *u->add);
}

/* Operations --------------------------------------------------------------------------------------------------------- */

static struct ipc_object *make(struct linux_process *p, uint64_t n, int64_t *error)
{
    uint64_t *all = &p->k->ipc->semaphores;
    *error = n > 0 && n <= MOST_IN_SET ? *all + n > MOST_IN_ALL ? -ENOSPC : -ENOMEM : -EINVAL;
    struct sem_set *s = *error == -ENOMEM ? calloc(1, sizeof *s + n * sizeof *s->sem) : NULL;
    if (!s)
        return NULL;
    s->n = (uint32_t)n;
    s->changed = ipc_time(p);
    *all += n;
    return &s->object;
}

static bool fits(const struct ipc_object *o, uint64_t n) { return n <= ((const struct sem_set *)o)->n; }

int64_t sys_semget(struct linux_process *p, const uint64_t a[6])
{
    int32_t n = (int32_t)a[1];
    return n < 0 || n > MOST_IN_SET ? -EINVAL : ipc_open(p, IPC_SEM, (int32_t)a[0], (uint32_t)a[2], (uint32_t)n, make, fits);
}

static int16_t *adjustment(struct ipc_undo *u, const struct sembuf *op)
{
    return u && (op->sem_flg & SEM_UNDO) ? &u->add[op->sem_num] : NULL;
}

/* Takes back the first n operations. */
static void take_back(struct sem_set *s, struct ipc_undo *u, const struct sembuf *ops, uint32_t n)
{
    while (n--) {
        int16_t *add = adjustment(u, &ops[n]);
        s->sem[ops[n].sem_num].value -= ops[n].sem_op;
        if (add)
            *add = (int16_t)(*add + ops[n].sem_op);
    }
}

/* 0: all are done. Else none is, and *at is the one that could not be; -EAGAIN: now. */
static int64_t perform(struct sem_set *s, struct ipc_undo *u, const struct sembuf *ops, uint32_t n, uint32_t *at)
{
    int64_t error = 0;
    for (*at = 0; *at < n; ++*at) {
        const struct sembuf *op = &ops[*at];
        struct semaphore *sem = &s->sem[op->sem_num];
        int16_t *add = adjustment(u, op);
        int32_t undo = add ? *add - op->sem_op : 0;
        if (op->sem_op ? sem->value + op->sem_op < 0 : sem->value != 0)
            error = -EAGAIN;
        else if (sem->value + op->sem_op > HIGHEST || undo < -HIGHEST - 1 || undo > HIGHEST)
            error = -ERANGE;
        if (error) {
            take_back(s, u, ops, *at);
            return error;
        }
        sem->value += op->sem_op;
        if (add)
            *add = (int16_t)undo;
    }
    return 0;
}

static int64_t operate(struct linux_process *p, const uint64_t a[6], int64_t timeout)
{
    struct sembuf ops[MOST_OPS];
    uint32_t n = (uint32_t)a[2], at;
    bool alters = false, undoes = false;
    int64_t error;
    if (!n || (int32_t)a[0] < 0 || a[2] > MOST_OPS)
        return a[2] > MOST_OPS && (int32_t)a[0] >= 0 ? -E2BIG : -EINVAL;
    if (!user_get(p, ops, a[1], n * sizeof *ops))
        return -EFAULT;
    for (uint32_t i = 0; i < n; i++) {
        alters |= ops[i].sem_op != 0;
        undoes |= (ops[i].sem_flg & SEM_UNDO) != 0;
    }
    struct ipc_object *o = ipc_get(p, IPC_SEM, (int32_t)a[0], 0, &error);
    if (!o)
        return error;
    struct sem_set *s = set_of(o);
    for (uint32_t i = 0; i < n; i++)
        if (ops[i].sem_num >= s->n)
            return -EFBIG;
    if (!ipc_get(p, IPC_SEM, (int32_t)a[0], alters ? 0222 : 0444, &error))
        return error;
    struct ipc_undo *u = undoes ? undo_of(p, s, true) : NULL;
    if (undoes && !u)
        return -ENOMEM;
    error = perform(s, u, ops, n, &at);
    if (!error) {
        for (uint32_t i = 0; i < n; i++)
            s->sem[ops[i].sem_num].pid = p->group->pid;
        s->used = ipc_time(p);
        return 0;
    }
    if (error != -EAGAIN || (ops[at].sem_flg & IPC_NOWAIT))
        return error;
    int64_t deadline = p->wait.again ? p->wait.deadline : timeout < 0 ? -1 : time_now(p) + timeout;
    if (deadline >= 0 && time_now(p) >= deadline)
        return -EAGAIN;
    p->wait.ipc = s;
    p->wait.ipc_at = (uint32_t)ops[at].sem_num << 1 | (ops[at].sem_op == 0);
    return wait_for(p, "waits for a semaphore", deadline, false);
}

int64_t sys_semop(struct linux_process *p, const uint64_t a[6]) { return operate(p, a, -1); }

static int64_t timed(struct linux_process *p, const uint64_t a[6], bool wide)
{
    struct abi_timespec64 t = {-1, 0};
    int64_t r = a[3] ? time_get(p, a[3], &t, wide) : 0;
    if (r < 0)
        return r;
    return operate(p, a, !a[3] || t.sec > INT32_MAX ? -1 : t.sec * 1000000000 + t.nsec);
}

int64_t sys_semtimedop(struct linux_process *p, const uint64_t a[6]) { return timed(p, a, p->wide); }

int64_t sys_semtimedop64(struct linux_process *p, const uint64_t a[6]) { return timed(p, a, true); }

/* Control ------------------------------------------------------------------------------------------------------------ */

static int64_t waiting(const struct linux_process *p, const struct sem_set *s, uint32_t at)
{
    int64_t n = 0;
    for (const struct linux_process *t = p->k->tasks; t; t = t->next)
        n += !t->dead && t->wait.on && t->wait.ipc == s && t->wait.ipc_at == at;
    return n;
}

static int64_t put_set(struct linux_process *p, struct ipc_object *o, uint64_t to, int64_t result)
{
    struct ipc_out out = {.p = p};
    if (ipc_is_old(p)) {
        out_old_object(&out, o);
        out_int(&out, (uint32_t)set_of(o)->used);
        out_int(&out, (uint32_t)set_of(o)->changed);
        for (int i = 0; i < 4; i++)
            out_int(&out, 0);
        out_int(&out, set_of(o)->n & UINT16_MAX);
        return out_put(&out, to, result);
    }
    out_object(&out, o);
    out_time(&out, set_of(o)->used, true);
    out_time(&out, set_of(o)->changed, true);
    out_word(&out, set_of(o)->n);
    out_word(&out, 0);
    out_word(&out, 0);
    return out_put(&out, to, result);
}

static int64_t put_info(struct linux_process *p, uint64_t to, bool limits)
{
    struct ipc_out o = {.p = p};
    int32_t used, last = ipc_highest(p, IPC_SEM, &used);
    uint32_t all = p->k->ipc ? (uint32_t)p->k->ipc->semaphores : 0;
    const uint32_t info[10] = {MOST_IN_ALL, MOST_IN_SET,
                               MOST_IN_ALL, MOST_IN_ALL,
                               MOST_IN_SET, MOST_OPS,
                               MOST_OPS,    limits ? 20 : (uint32_t)used,
                               HIGHEST,     limits ? HIGHEST : all};
    for (int i = 0; i < 10; i++)
        out_int(&o, info[i]);
    return out_put(&o, to, last);
}

static int64_t move_all(struct linux_process *p, struct sem_set *s, uint64_t at, bool set)
{
    uint16_t *v = malloc(s->n * sizeof *v);
    int64_t r = v ? 0 : -ENOMEM;
    for (uint32_t i = 0; v && i < s->n; i++)
        v[i] = (uint16_t)s->sem[i].value;
    if (v && !(set ? user_get(p, v, at, s->n * sizeof *v) : user_put(p, at, v, s->n * sizeof *v)))
        r = -EFAULT;
    for (uint32_t i = 0; !r && set && i < s->n; i++)
        r = v[i] > HIGHEST ? -ERANGE : 0;
    for (uint32_t i = 0; !r && set && i < s->n; i++)
        s->sem[i] = (struct semaphore){v[i], p->group->pid};
    if (!r && set) {
        forget_undo(p->k, s, 0, s->n);
        s->changed = ipc_time(p);
    }
    free(v);
    return r;
}

static int64_t of_one(struct linux_process *p, struct sem_set *s, uint64_t at, uint32_t command, int32_t value)
{
    if (at >= s->n)
        return -EINVAL;
    struct semaphore *sem = &s->sem[at];
    switch (command) {
    case GETVAL: return sem->value;
    case GETPID: return sem->pid;
    case GETNCNT: return waiting(p, s, (uint32_t)at << 1);
    case GETZCNT: return waiting(p, s, (uint32_t)at << 1 | 1);
    default: break;
    }
    if (value < 0 || value > HIGHEST)
        return -ERANGE;
    *sem = (struct semaphore){value, p->group->pid};
    forget_undo(p->k, s, (uint32_t)at, 1);
    s->changed = ipc_time(p);
    return 0;
}

int64_t sys_semctl(struct linux_process *p, const uint64_t a[6])
{
    static const struct ipc_teller teller = {IPC_SEM, CTL_SEM_STAT, put_set, put_info};
    uint32_t command = ipc_command(p, a[2]);
    int32_t id = (int32_t)a[0];
    int64_t result;
    struct ipc_object *o;
    if (ipc_tell(p, &teller, id, command, a[3], &result))
        return result;
    switch (command) {
    case GETALL:
    case SETALL:
        o = ipc_get(p, IPC_SEM, id, command == SETALL ? 0222 : 0444, &result);
        return o ? move_all(p, set_of(o), a[3], command == SETALL) : result;
    case GETVAL:
    case GETPID:
    case GETNCNT:
    case GETZCNT:
    case SETVAL:
        o = ipc_get(p, IPC_SEM, id, command == SETVAL ? 0222 : 0444, &result);
        return o ? of_one(p, set_of(o), (uint32_t)a[1], command, (int32_t)a[3]) : result;
    case CTL_SET:
    case CTL_RMID: break;
    default: return -EINVAL;
    }
    o = ipc_own(p, IPC_SEM, id, &result);
    if (!o)
        return result;
    if (command == CTL_RMID) {
        ipc_remove(p->k, IPC_SEM, o);
        return 0;
    }
    result = ipc_set(p, o, a[3]);
    set_of(o)->changed = result ? set_of(o)->changed : ipc_time(p);
    return result;
}

void proc_sysvipc_sem(struct linux_process *p, FILE *out)
{
    fputs("       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n", out);
    for (int i = 0; p->k->ipc && i < IPC_MOST; i++) {
        const struct ipc_object *o = p->k->ipc->table[IPC_SEM].at[i];
        const struct sem_set *s = (const struct sem_set *)o;
        if (o)
            fprintf(out, "%10d %10d  %4o %10u %5u %5u %5u %5u %10lld %10lld\n", o->key, o->id, o->mode, s->n, o->uid, o->gid,
                    o->cuid, o->cgid, (long long)s->used, (long long)s->changed);
    }
}
