/* Locks of records: fcntl's, of a process or of an open file. They are kept here and not by the host, for which all processes of
 * the guest are one: it would grant them all. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "syscalls.h"

enum { MOST = 8192 };

struct linux_lock {
    struct linux_lock *next;
    uint64_t dev, ino;
    const void *owner; /* a group or, for F_OFD_SETLK, a linux_file */
    int pid;           /* the group's, or -1 */
    int16_t type;
    int64_t start, last;
};

/* The struct flock of each interface: a short, a short, then numbers, of which a 64-bit program's are aligned to 8 bytes. */
struct form {
    uint8_t number, first; /* sizes in bytes: of a number, of what comes before */
};

static struct form form_of(const struct linux_process *p, bool large)
{
    return p->wide ? (struct form){8, 8} : large ? (struct form){8, 4} : (struct form){4, 4};
}

static int64_t number(const uint8_t *from, uint8_t size)
{
    int64_t v = 0;
    int32_t narrow = 0;
    memcpy(size == 8 ? (void *)&v : (void *)&narrow, from, size);
    return size == 8 ? v : narrow;
}

static int64_t get_lock(struct linux_process *p, const struct linux_file *f, uint64_t at, bool large, struct linux_lock *l)
{
    uint8_t raw[32] = {0};
    struct form form = form_of(p, large);
    struct stat st;
    int16_t whence;
    if (!user_get(p, raw, at, form.first + 2u * form.number + 4))
        return -EFAULT;
    memcpy(&l->type, raw, 2);
    memcpy(&whence, raw + 2, 2);
    if (fstat(f->host, &st))
        return -errno;
    l->dev = st.st_dev;
    l->ino = st.st_ino;
    int64_t start = number(raw + form.first, form.number), size = number(raw + form.first + form.number, form.number), base = 0;
    if (l->type != F_RDLCK && l->type != F_WRLCK && l->type != F_UNLCK)
        return -EINVAL;
    if (whence == SEEK_CUR && (base = lseek(f->host, 0, SEEK_CUR)) < 0)
        base = 0;
    else if (whence == SEEK_END)
        base = st.st_size;
    else if (whence != SEEK_SET && whence != SEEK_CUR)
        return -EINVAL;
    if (start > 0 && base > INT64_MAX - start)
        return -EOVERFLOW;
    start += base;
    if (size < 0) { /* what lies before */
        if (start + size < 0)
            return -EINVAL;
        l->start = start + size;
        l->last = start - 1;
        return 0;
    }
    if (start < 0)
        return -EINVAL;
    if (size && start > INT64_MAX - (size - 1))
        return -EOVERFLOW;
    l->start = start;
    l->last = size ? start + size - 1 : INT64_MAX;
    return 0;
}

static bool same_file(const struct linux_lock *a, const struct linux_lock *b) { return a->dev == b->dev && a->ino == b->ino; }

/* The first of those that do not go with the lock. */
static const struct linux_lock *conflict(const struct linux_kernel *k, const struct linux_lock *l)
{
    const struct linux_lock *first = NULL;
    for (const struct linux_lock *o = k->locks; o; o = o->next) {
        bool apart = !same_file(o, l) || o->owner == l->owner || o->last < l->start || o->start > l->last;
        if (!apart && (o->type == F_WRLCK || l->type == F_WRLCK) && (!first || o->start < first->start))
            first = o;
    }
    return first;
}

static bool add(struct linux_kernel *k, const struct linux_lock *l)
{
    struct linux_lock *n = k->nlocks < MOST ? malloc(sizeof *n) : NULL;
    if (!n)
        return false;
    *n = *l;
    n->next = k->locks;
    k->locks = n;
    k->nlocks++;
    return true;
}

static void drop_at(struct linux_kernel *k, struct linux_lock **at)
{
    struct linux_lock *gone = *at;
    *at = gone->next;
    k->nlocks--;
    free(gone);
}

/* Who waits for a lock of the owner's may have it now, or finds out when it asks again. */
static void let_go(struct linux_kernel *k, const void *owner)
{
    for (struct linux_process *t = k->tasks; t; t = t->next)
        if (t->wait.locker == owner)
            t->wait.locker = NULL;
}

/* The owner's locks in that range make way for the new one; those of the same kind around it become part of it. */
static int64_t set(struct linux_kernel *k, struct linux_lock l)
{
    let_go(k, l.owner);
    for (struct linux_lock **at = &k->locks; *at;) {
        struct linux_lock *o = *at, upper = *o;
        bool merges = o->type == l.type;
        int64_t low = merges && l.start > 0 ? l.start - 1 : l.start, high = merges && l.last < INT64_MAX ? l.last + 1 : l.last;
        if (!same_file(o, &l) || o->owner != l.owner || o->last < low || o->start > high) {
            at = &o->next;
        } else if (merges) {
            l.start = o->start < l.start ? o->start : l.start;
            l.last = o->last > l.last ? o->last : l.last;
            drop_at(k, at);
        } else if (o->start < l.start) {
            o->last = l.start - 1;
            upper.start = l.last + 1;
            if (upper.last > l.last && !add(k, &upper))
                return -ENOLCK;
            at = &o->next;
        } else if (o->last > l.last) {
            o->start = l.last + 1;
            at = &o->next;
        } else {
            drop_at(k, at);
        }
    }
    return l.type == F_UNLCK || add(k, &l) ? 0 : -ENOLCK;
}

static int64_t tell(struct linux_process *p, uint64_t at, bool large, const struct linux_lock *found)
{
    struct form form = form_of(p, large);
    const int16_t none = F_UNLCK, kind[2] = {found ? found->type : none, SEEK_SET};
    if (!found)
        return user_put(p, at, &none, sizeof none) ? 0 : -EFAULT;
    int64_t size = found->last == INT64_MAX ? 0 : found->last - found->start + 1;
    if (form.number == 4 && (found->start > INT32_MAX || size > INT32_MAX))
        return -EOVERFLOW;
    bool ok = user_put(p, at, kind, sizeof kind) && user_put(p, at + form.first, &found->start, form.number) &&
              user_put(p, at + form.first + form.number, &size, form.number) &&
              user_put(p, at + form.first + 2u * form.number, &found->pid, sizeof found->pid);
    return ok ? 0 : -EFAULT;
}

/* The owner waits, itself or through others, for a lock of that process. As in Linux, any thread's waiting counts for its process. */
static bool waits_for(const struct linux_kernel *k, const void *owner, const struct linux_group *g)
{
    for (unsigned n = 0; n < k->ntasks && owner; n++) {
        const struct linux_process *t = k->tasks;
        while (t && (t->dead || t->group != owner || !t->wait.on || !t->wait.locker))
            t = t->next;
        owner = t ? t->wait.locker : NULL;
        if (owner == g)
            return true;
    }
    return false;
}

int64_t lock_call(struct linux_process *p, struct linux_file *f, enum lock_op op, bool large, bool of_file, uint64_t at)
{
    struct linux_lock l = {.owner = of_file ? (const void *)f : p->group, .pid = of_file ? -1 : p->group->pid};
    int64_t r = get_lock(p, f, at, large, &l);
    if (r < 0)
        return r;
    int mode = fcntl(f->host, F_GETFL) & O_ACCMODE;
    if (op == LOCK_ASK)
        return l.type == F_UNLCK ? -EINVAL : tell(p, at, large, conflict(p->k, &l));
    if ((l.type == F_RDLCK && mode == O_WRONLY) || (l.type == F_WRLCK && mode == O_RDONLY))
        return -EBADF;
    const struct linux_lock *other = l.type != F_UNLCK ? conflict(p->k, &l) : NULL;
    p->wait.locker = NULL;
    if (!other)
        return set(p->k, l);
    if (op == LOCK_TRY)
        return -EAGAIN;
    if (!of_file && waits_for(p->k, other->owner, p->group))
        return -EDEADLK;
    p->wait.locker = of_file ? NULL : other->owner; /* who owns locks by files may have others end them */
    return wait_for(p, "waits for a lock on a file", -1, true);
}

void lock_drop(struct linux_kernel *k, const void *owner, int host)
{
    struct stat st;
    if (!k->locks || (host >= 0 && fstat(host, &st)))
        return;
    let_go(k, owner);
    for (struct linux_lock **at = &k->locks; *at;) {
        if ((*at)->owner == owner && (host < 0 || ((*at)->dev == st.st_dev && (*at)->ino == st.st_ino)))
            drop_at(k, at);
        else
            at = &(*at)->next;
    }
}
