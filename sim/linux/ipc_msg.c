/* Queues of messages of System V. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#include "ipc.h"
#include "proc.h"
#include "syscalls.h"

enum {
    CTL_MSG_STAT = 11,
    LONGEST = 8192,
    IN_QUEUE = 16384, /* bytes */
};

struct message {
    struct message *next;
    int64_t type;
    uint32_t size;
    uint8_t text[];
};

struct msg_queue {
    struct ipc_object object;
    struct message *first;
    uint64_t bytes, count, most;
    int64_t sent, received, changed;
    int sender, receiver;
};

static struct msg_queue *queue_of(struct ipc_object *o) { return (struct msg_queue *)o; }

void msg_release(struct ipc_object *o)
{
    for (struct message *m = queue_of(o)->first, *next; m; m = next) {
        next = m->next;
        free(m);
    }
}

static struct ipc_object *make(struct linux_process *p, uint64_t size, int64_t *error)
{
    struct msg_queue *q = calloc(1, sizeof *q);
    (void)size;
    *error = -ENOMEM;
    if (!q)
        return NULL;
    q->most = IN_QUEUE;
    q->changed = ipc_time(p);
    return &q->object;
}

static bool fits(const struct ipc_object *o, uint64_t size)
{
    (void)o, (void)size;
    return true;
}

int64_t sys_msgget(struct linux_process *p, const uint64_t a[6])
{
    return ipc_open(p, IPC_MSG, (int32_t)a[0], (uint32_t)a[1], 0, make, fits);
}

/* A word of the program's with its sign. */
static int64_t signed_word(const struct linux_process *p, uint64_t v) { return p->wide ? (int64_t)v : (int32_t)v; }

int64_t sys_msgsnd(struct linux_process *p, const uint64_t a[6])
{
    uint64_t word;
    int64_t error;
    if (!user_get_word(p, a[1], &word))
        return -EFAULT;
    int64_t type = signed_word(p, word), size = signed_word(p, a[2]);
    if (size < 0 || size > LONGEST || (int32_t)a[0] < 0 || type < 1)
        return -EINVAL;
    struct ipc_object *o = ipc_get(p, IPC_MSG, (int32_t)a[0], 0222, &error);
    if (!o)
        return error;
    struct msg_queue *q = queue_of(o);
    if (q->bytes + (uint64_t)size > q->most || q->count + 1 > q->most)
        return a[3] & IPC_NOWAIT ? -EAGAIN : wait_for(p, "waits for room in a queue of messages", -1, false);
    struct message **end = &q->first, *m = malloc(sizeof *m + (size_t)size);
    if (!m)
        return -ENOMEM;
    *m = (struct message){.type = type, .size = (uint32_t)size};
    if (!user_get(p, m->text, a[1] + user_word(p), (size_t)size)) {
        free(m);
        return -EFAULT;
    }
    while (*end)
        end = &(*end)->next;
    *end = m;
    q->bytes += m->size;
    q->count++;
    q->sent = ipc_time(p);
    q->sender = p->group->pid;
    return 0;
}

/* Where the queue points to the message that a type asks for, or to its end. */
static struct message **choose(struct msg_queue *q, int64_t type, bool except)
{
    struct message **at = &q->first, **least = NULL;
    int64_t most = type == INT64_MIN ? INT64_MAX : -type;
    if (type >= 0) {
        while (*at && type && ((*at)->type == type) == except)
            at = &(*at)->next;
        return at;
    }
    for (; *at; at = &(*at)->next)
        if ((*at)->type <= most && (!least || (*at)->type < (*least)->type))
            least = at;
    return least ? least : at;
}

static int64_t put_message(struct linux_process *p, const struct message *m, uint64_t to, int64_t size)
{
    int64_t n = m->size < size ? m->size : size;
    return user_put_word(p, to, (uint64_t)m->type) && user_put(p, to + user_word(p), m->text, (size_t)n) ? n : -EFAULT;
}

/* MSG_COPY: the message at that place in the queue, which stays there. */
static int64_t copy_message(struct linux_process *p, const struct msg_queue *q, int64_t place, uint64_t to, int64_t size,
                            bool part)
{
    const struct message *m = q->first;
    while (m && place > 0) {
        m = m->next;
        place--;
    }
    if (!m || place)
        return -ENOMSG;
    if (m->size > size) /* nor is a part of it to be had */
        return part ? -EINVAL : -E2BIG;
    return put_message(p, m, to, size);
}

int64_t sys_msgrcv(struct linux_process *p, const uint64_t a[6])
{
    int64_t size = signed_word(p, a[2]), error;
    uint32_t flags = (uint32_t)a[4];
    if ((int32_t)a[0] < 0 || size < 0)
        return -EINVAL;
    if ((flags & MSG_COPY) && ((flags & MSG_EXCEPT) || !(flags & IPC_NOWAIT)))
        return -EINVAL;
    struct ipc_object *o = ipc_get(p, IPC_MSG, (int32_t)a[0], 0444, &error);
    if (!o)
        return error;
    struct msg_queue *q = queue_of(o);
    if (flags & MSG_COPY)
        return copy_message(p, q, signed_word(p, a[3]), a[1], size, flags & MSG_NOERROR);
    struct message **at = choose(q, signed_word(p, a[3]), flags & MSG_EXCEPT), *m = *at;
    if (!m)
        return flags & IPC_NOWAIT ? -ENOMSG : wait_for(p, "waits for a message in a queue", -1, false);
    if (m->size > size && !(flags & MSG_NOERROR))
        return -E2BIG;
    *at = m->next;
    q->bytes -= m->size;
    q->count--;
    q->received = ipc_time(p);
    q->receiver = p->group->pid;
    int64_t r = put_message(p, m, a[1], size);
    free(m);
    return r;
}

/* Control ------------------------------------------------------------------------------------------------------------ */

static int64_t put_queue(struct linux_process *p, struct ipc_object *obj, uint64_t to, int64_t result)
{
    const struct msg_queue *q = queue_of(obj);
    struct ipc_out o = {.p = p};
    if (ipc_is_old(p)) {
        out_old_object(&o, obj);
        out_int(&o, 0);
        out_int(&o, 0);
        out_int(&o, (uint32_t)q->sent);
        out_int(&o, (uint32_t)q->received);
        out_int(&o, (uint32_t)q->changed);
        out_int(&o, 0);
        out_int(&o, 0);
        out_short(&o, q->bytes);
        out_short(&o, q->count);
        out_short(&o, q->most);
        out_short(&o, (uint32_t)q->sender);
        out_short(&o, (uint32_t)q->receiver);
        out_short(&o, 0);
        return out_put(&o, to, result);
    }
    out_object(&o, obj);
    out_time(&o, q->sent, false);
    out_time(&o, q->received, false);
    out_time(&o, q->changed, false);
    out_word(&o, q->bytes);
    out_word(&o, q->count);
    out_word(&o, q->most);
    out_int(&o, (uint32_t)q->sender);
    out_int(&o, (uint32_t)q->receiver);
    out_word(&o, 0);
    out_word(&o, 0);
    return out_put(&o, to, result);
}

static int64_t put_info(struct linux_process *p, uint64_t to, bool limits)
{
    enum { QUEUES = 32000, UNIT = 16 };
    struct ipc_out o = {.p = p};
    int32_t used, last = ipc_highest(p, IPC_MSG, &used);
    uint64_t count = 0, bytes = 0;
    for (int i = 0; p->k->ipc && i < IPC_MOST; i++) {
        const struct msg_queue *q = (const struct msg_queue *)p->k->ipc->table[IPC_MSG].at[i];
        count += q ? q->count : 0;
        bytes += q ? q->bytes : 0;
    }
    out_int(&o, limits ? QUEUES * (IN_QUEUE / 1024) : (uint32_t)used);
    out_int(&o, limits ? IN_QUEUE : (uint32_t)count);
    out_int(&o, LONGEST);
    out_int(&o, IN_QUEUE);
    out_int(&o, QUEUES);
    out_int(&o, UNIT);
    out_int(&o, limits ? IN_QUEUE : (uint32_t)bytes);
    out_int(&o, UINT16_MAX);
    return out_put(&o, to, last);
}

static int64_t set_queue(struct linux_process *p, struct ipc_object *o, uint64_t from)
{
    const uint64_t before = p->wide ? 48 + 3 * 8 + 2 * 8 : 36 + 3 * 8 + 2 * 4;
    enum { OLD = 48 };
    uint64_t most = 0;
    uint16_t few = 0;
    if (ipc_is_old(p) ? !user_get(p, &few, from + OLD, sizeof few) : !user_get_word(p, from + before, &most))
        return -EFAULT;
    if (ipc_is_old(p))
        most = few;
    if (most > IN_QUEUE && ipc_may_own(o))
        return -EPERM;
    int64_t r = ipc_set(p, o, from);
    if (r)
        return r;
    queue_of(o)->most = most;
    queue_of(o)->changed = ipc_time(p);
    return 0;
}

int64_t sys_msgctl(struct linux_process *p, const uint64_t a[6])
{
    static const struct ipc_teller teller = {IPC_MSG, CTL_MSG_STAT, put_queue, put_info};
    uint32_t command = ipc_command(p, a[1]);
    int64_t result;
    if (ipc_tell(p, &teller, (int32_t)a[0], command, a[2], &result))
        return result;
    if (command != CTL_SET && command != CTL_RMID)
        return -EINVAL;
    struct ipc_object *o = ipc_own(p, IPC_MSG, (int32_t)a[0], &result);
    if (!o)
        return result;
    if (command == CTL_SET)
        return set_queue(p, o, a[2]);
    ipc_remove(p->k, IPC_MSG, o);
    return 0;
}

void proc_sysvipc_msg(struct linux_process *p, FILE *out)
{
    fputs("       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      "
          "ctime\n",
          out);
    for (int i = 0; p->k->ipc && i < IPC_MOST; i++) {
        const struct ipc_object *o = p->k->ipc->table[IPC_MSG].at[i];
        const struct msg_queue *q = (const struct msg_queue *)o;
        if (o)
            fprintf(out, "%10d %10d  %4o  %10" PRIu64 " %10" PRIu64 " %5d %5d %5u %5u %5u %5u %10lld %10lld %10lld\n", o->key,
                    o->id, o->mode, q->bytes, q->count, q->sender, q->receiver, o->uid, o->gid, o->cuid, o->cgid,
                    (long long)q->sent, (long long)q->received, (long long)q->changed);
    }
}
