/* IPC of System V: names and numbers of its objects, who may use them, the structures in both word sizes, and i386's one call for
 * all of it. */
#include "ipc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <unistd.h>

#include "syscalls.h"

/* Tables ------------------------------------------------------------------------------------------------------------- */

static struct ipc_table *table_of(const struct linux_process *p, enum ipc_kind kind)
{
    return p->k->ipc ? &p->k->ipc->table[kind] : NULL;
}

struct ipc_object *ipc_find(struct linux_process *p, enum ipc_kind kind, int32_t id)
{
    const struct ipc_table *t = table_of(p, kind);
    struct ipc_object *o = t && id >= 0 && id % IPC_SEQUENCE < IPC_MOST ? t->at[id % IPC_SEQUENCE] : NULL;
    return o && o->id == id ? o : NULL;
}

static int64_t allowed(const struct ipc_object *o, uint32_t access)
{
    uint32_t wanted = (access >> 6 | access >> 3 | access) & 7, uid = geteuid();
    uint32_t granted = uid == o->uid || uid == o->cuid ? o->mode >> 6 : getegid() == o->gid ? o->mode >> 3 : o->mode;
    return (wanted & ~granted) && uid ? -EACCES : 0;
}

struct ipc_object *ipc_get(struct linux_process *p, enum ipc_kind kind, int32_t id, uint32_t access, int64_t *error)
{
    struct ipc_object *o = ipc_find(p, kind, id);
    *error = o ? allowed(o, access) : p->wait.again ? -EIDRM : -EINVAL;
    return *error ? NULL : o;
}

struct ipc_object *ipc_at(struct linux_process *p, enum ipc_kind kind, int32_t index, uint32_t access, int64_t *error)
{
    const struct ipc_table *t = table_of(p, kind);
    struct ipc_object *o = t && index >= 0 && index < IPC_MOST ? t->at[index] : NULL;
    *error = o ? allowed(o, access) : -EINVAL;
    return *error ? NULL : o;
}

static int64_t make_object(struct linux_process *p, enum ipc_kind kind, int32_t key, uint32_t mode, uint64_t size,
                           ipc_make_fn *make)
{
    int64_t error = -ENOMEM;
    int32_t at = 0;
    if (!p->k->ipc && !(p->k->ipc = calloc(1, sizeof *p->k->ipc)))
        return error;
    struct ipc_table *t = &p->k->ipc->table[kind];
    while (at < IPC_MOST && t->at[at])
        at++;
    if (at == IPC_MOST)
        return -ENOSPC;
    struct ipc_object *o = make(p, size, &error);
    if (!o)
        return error;
    o->id = (t->sequence[at] & 0x7fff) * IPC_SEQUENCE + at;
    o->key = key;
    o->mode = mode & 0777;
    o->uid = o->cuid = geteuid();
    o->gid = o->cgid = getegid();
    t->at[at] = o;
    return o->id;
}

int64_t ipc_open(struct linux_process *p, enum ipc_kind kind, int32_t key, uint32_t flags, uint64_t size, ipc_make_fn *make,
                 ipc_fits_fn *fits)
{
    const struct ipc_table *t = table_of(p, kind);
    const struct ipc_object *found = NULL;
    for (int i = 0; t && key != IPC_PRIVATE && i < IPC_MOST; i++)
        if (t->at[i] && t->at[i]->key == key && !t->at[i]->doomed)
            found = t->at[i];
    if (!found)
        return key != IPC_PRIVATE && !(flags & IPC_CREAT) ? -ENOENT : make_object(p, kind, key, flags, size, make);
    if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
        return -EEXIST;
    if (!fits(found, size))
        return -EINVAL;
    int64_t r = allowed(found, flags & 0777);
    return r ? r : found->id;
}

static void release(struct linux_kernel *k, enum ipc_kind kind, struct ipc_object *o)
{
    switch (kind) {
    case IPC_SHM: shm_release(k, o); break;
    case IPC_SEM: sem_release(k, o); break;
    default: msg_release(o); break;
    }
    free(o);
}

void ipc_remove(struct linux_kernel *k, enum ipc_kind kind, struct ipc_object *o)
{
    struct ipc_table *t = &k->ipc->table[kind];
    t->at[o->id % IPC_SEQUENCE] = NULL;
    t->sequence[o->id % IPC_SEQUENCE]++;
    release(k, kind, o);
}

void ipc_free(struct linux_kernel *k)
{
    for (int kind = 0; k->ipc && kind < IPC_KINDS; kind++)
        for (int i = 0; i < IPC_MOST; i++)
            if (k->ipc->table[kind].at[i])
                ipc_remove(k, (enum ipc_kind)kind, k->ipc->table[kind].at[i]);
    free(k->ipc);
    k->ipc = NULL;
}

bool ipc_may_own(const struct ipc_object *o)
{
    uint32_t uid = geteuid();
    return !uid || uid == o->uid || uid == o->cuid;
}

int64_t ipc_time(struct linux_process *p) { return p->k->epoch + time_now(p) / 1000000000; }

int32_t ipc_highest(struct linux_process *p, enum ipc_kind kind, int32_t *used)
{
    const struct ipc_table *t = table_of(p, kind);
    int32_t last = 0;
    *used = 0;
    for (int i = 0; t && i < IPC_MOST; i++) {
        if (t->at[i]) {
            last = i;
            ++*used;
        }
    }
    return last;
}

/* Structures --------------------------------------------------------------------------------------------------------- */

static void out_bytes(struct ipc_out *o, uint64_t v, size_t size)
{
    memcpy(o->bytes + o->n, &v, size);
    o->n += size;
}

void out_int(struct ipc_out *o, uint32_t v) { out_bytes(o, v, 4); }

void out_word(struct ipc_out *o, uint64_t v) { out_bytes(o, v, user_word(o->p)); }

void out_time(struct ipc_out *o, int64_t v, bool padded)
{
    out_bytes(o, (uint64_t)v, 8);
    if (padded && o->p->wide)
        out_bytes(o, 0, 8);
}

void out_object(struct ipc_out *o, const struct ipc_object *obj)
{
    const uint32_t first[] = {(uint32_t)obj->key, obj->uid, obj->gid, obj->cuid, obj->cgid, obj->mode};
    for (int i = 0; i < 6; i++)
        out_int(o, first[i]);
    out_int(o, (uint32_t)(obj->id / IPC_SEQUENCE));
    if (o->p->wide)
        out_int(o, 0);
    out_word(o, 0);
    out_word(o, 0);
}

bool ipc_is_old(const struct linux_process *p) { return p->k->ipc && p->k->ipc->old; }

void out_short(struct ipc_out *o, uint64_t v) { out_bytes(o, v, 2); }

void out_old_object(struct ipc_out *o, const struct ipc_object *obj)
{
    const uint32_t rest[] = {obj->uid, obj->gid, obj->cuid, obj->cgid, obj->mode, (uint32_t)(obj->id / IPC_SEQUENCE)};
    out_int(o, (uint32_t)obj->key);
    for (int i = 0; i < 6; i++)
        out_short(o, rest[i]);
}

int64_t out_put(const struct ipc_out *o, uint64_t to, int64_t result)
{
    return user_put(o->p, to, o->bytes, o->n) ? result : -EFAULT;
}

int64_t ipc_set(struct linux_process *p, struct ipc_object *o, uint64_t from)
{
    uint32_t first[6];
    uint16_t old[8];
    if (ipc_is_old(p) ? !user_get(p, old, from, sizeof old) : !user_get(p, first, from, sizeof first))
        return -EFAULT;
    if (ipc_is_old(p)) { /* behind a key: owner, group, creators, mode */
        first[1] = old[2];
        first[2] = old[3];
        first[5] = old[6];
    }
    if (!ipc_may_own(o))
        return -EPERM;
    o->uid = first[1];
    o->gid = first[2];
    o->mode = (o->mode & ~0777u) | (first[5] & 0777);
    return 0;
}

/* Control commands --------------------------------------------------------------------------------------------------- */

enum { WIDE_FORM = 0x100 };

uint32_t ipc_command(const struct linux_process *p, uint64_t command)
{
    return p->wide ? (uint32_t)command : (uint32_t)command & ~(uint32_t)WIDE_FORM;
}

bool ipc_tell(struct linux_process *p, const struct ipc_teller *t, int32_t id, uint32_t command, uint64_t to, int64_t *result)
{
    bool at = command == t->stat, any = command == t->stat + 2, info = command == CTL_INFO || command == t->stat + 1;
    if (id >= 0 && command != CTL_STAT && !at && !any && !info)
        return false;
    if (id < 0) {
        *result = -EINVAL;
    } else if (info) {
        *result = t->all(p, to, command == CTL_INFO);
    } else {
        struct ipc_object *o = at || any ? ipc_at(p, t->kind, id, at ? 0444 : 0, result)
                                         : ipc_get(p, t->kind, id, 0444, result);
        if (o)
            *result = t->one(p, o, to, at || any ? o->id : 0);
    }
    return true;
}

struct ipc_object *ipc_own(struct linux_process *p, enum ipc_kind kind, int32_t id, int64_t *error)
{
    struct ipc_object *o = ipc_get(p, kind, id, 0, error);
    if (!o || ipc_may_own(o))
        return o;
    *error = -EPERM;
    return NULL;
}

/* i386's one call ---------------------------------------------------------------------------------------------------- */

static int64_t ipc_receive(struct linux_process *p, const uint64_t a[6])
{
    uint32_t pair[2];
    if (a[0] >> 16)
        return sys_msgrcv(p, (uint64_t[6]){a[1], a[4], a[2], a[5], a[3]});
    if (!a[4])
        return -EINVAL;
    if (!user_get(p, pair, a[4], sizeof pair))
        return -EFAULT;
    return sys_msgrcv(p, (uint64_t[6]){a[1], pair[0], a[2], pair[1], a[3]});
}

static int64_t ipc_attach(struct linux_process *p, const uint64_t a[6])
{
    if (a[0] >> 16 == 1)
        return -EINVAL;
    int64_t r = sys_shmat(p, (uint64_t[6]){a[1], a[4], a[2]});
    const uint32_t at = (uint32_t)r;
    if (r < 0)
        return r;
    return user_put(p, a[3], &at, sizeof at) ? 0 : -EFAULT;
}

/* A control call, with the structures that its command asks for. */
static int64_t ipc_control(struct linux_process *p, syscall_fn *call, uint64_t command, const uint64_t a[6])
{
    if (!p->k->ipc && !(p->k->ipc = calloc(1, sizeof *p->k->ipc)))
        return -ENOMEM;
    p->k->ipc->old = !(command & WIDE_FORM);
    int64_t r = call(p, a);
    p->k->ipc->old = false;
    return r;
}

int64_t sys_ipc(struct linux_process *p, const uint64_t a[6])
{
    enum { SEMOP = 1, SEMGET, SEMCTL, SEMTIMEDOP, MSGSND = 11, MSGRCV, MSGGET, MSGCTL, SHMAT = 21, SHMDT, SHMGET, SHMCTL };
    uint32_t arg;
    switch (a[0] & 0xffff) {
    case SEMOP: return sys_semop(p, (uint64_t[6]){a[1], a[4], a[2]});
    case SEMTIMEDOP: return sys_semtimedop(p, (uint64_t[6]){a[1], a[4], a[2], a[5]});
    case SEMGET: return sys_semget(p, (uint64_t[6]){a[1], a[2], a[3]});
    case SEMCTL:
        if (!a[4])
            return -EINVAL;
        if (!user_get(p, &arg, a[4], sizeof arg))
            return -EFAULT;
        return ipc_control(p, sys_semctl, a[3], (uint64_t[6]){a[1], a[2], a[3], arg});
    case MSGSND: return sys_msgsnd(p, (uint64_t[6]){a[1], a[4], a[2], a[3]});
    case MSGRCV: return ipc_receive(p, a);
    case MSGGET: return sys_msgget(p, (uint64_t[6]){a[1], a[2]});
    case MSGCTL: return ipc_control(p, sys_msgctl, a[2], (uint64_t[6]){a[1], a[2], a[4]});
    case SHMAT: return ipc_attach(p, a);
    case SHMDT: return sys_shmdt(p, (uint64_t[6]){a[4]});
    case SHMGET: return sys_shmget(p, (uint64_t[6]){a[1], a[2], a[3]});
    case SHMCTL: return ipc_control(p, sys_shmctl, a[2], (uint64_t[6]){a[1], a[2], a[4]});
    default: return -ENOSYS;
    }
}
