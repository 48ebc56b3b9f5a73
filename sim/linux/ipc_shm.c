/* Shared memory of System V: files without a name in the guest's folder, which are mapped. How often one is mapped is counted when
 * somebody asks, and one that was removed goes when the last mapping has. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

#include "ipc.h"
#include "proc.h"
#include "syscalls.h"

enum { CTL_SHM_STAT = 13, DOOMED = 01000, SEGMENTS = 4096 /* that the limits say there may be */ };
#define LARGEST (UINT64_C(1) << 32)

struct shm_segment {
    struct ipc_object object;
    struct mm_file *file;
    uint64_t size;
    int64_t attached, detached, changed;
    int creator, last;
};

static struct shm_segment *segment(struct ipc_object *o) { return (struct shm_segment *)o; }

/* The address space of a task, if no task before it has the same. */
static struct mm *space_of(const struct linux_kernel *k, const struct linux_process *t)
{
    if (t->dead)
        return NULL;
    for (const struct linux_process *before = k->tasks; before != t; before = before->next)
        if (!before->dead && before->mm == t->mm)
            return NULL;
    return t->mm;
}

static uint64_t attaches(const struct linux_kernel *k, const struct shm_segment *s)
{
    uint64_t n = 0;
    for (const struct linux_process *t = k->tasks; t; t = t->next) {
        const struct mm *mm = space_of(k, t);
        for (size_t i = 0; mm && i < mm->nareas; i++)
            n += mm->areas[i].file == s->file;
    }
    return n;
}

void shm_sweep(struct linux_kernel *k)
{
    for (int i = 0; k->ipc && i < IPC_MOST; i++) {
        struct ipc_object *o = k->ipc->table[IPC_SHM].at[i];
        if (o && o->doomed && !attaches(k, segment(o)))
            ipc_remove(k, IPC_SHM, o);
    }
}

void shm_release(struct linux_kernel *k, struct ipc_object *o)
{
    (void)k;
    mm_file_drop(segment(o)->file);
}

static struct ipc_object *make(struct linux_process *p, uint64_t size, int64_t *error)
{
    *error = size && size <= LARGEST ? -ENOMEM : size ? -ENOSPC : -EINVAL;
    struct shm_segment *s = size && size <= LARGEST ? calloc(1, sizeof *s) : NULL;
    if (!s)
        return NULL;
    int fd = openat(p->k->root_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 && (fd >= p->k->host_fds || ftruncate(fd, (off_t)((size + MM_PAGE - 1) / MM_PAGE * MM_PAGE)))) {
        close(fd);
        fd = -1;
    }
    s->file = fd < 0 ? NULL : mm_file_shared(p->mm, fd, true); /* which takes the descriptor over */
    if (!s->file) {
        free(s);
        return NULL;
    }
    s->size = size;
    s->changed = ipc_time(p);
    s->creator = p->group->pid;
    return &s->object;
}

static bool fits(const struct ipc_object *o, uint64_t size) { return size <= ((const struct shm_segment *)o)->size; }

int64_t sys_shmget(struct linux_process *p, const uint64_t a[6])
{
    shm_sweep(p->k);
    if (a[2] & SHM_HUGETLB)
        return -ENOMEM;
    return ipc_open(p, IPC_SHM, (int32_t)a[0], (uint32_t)a[2], a[1], make, fits);
}

int64_t sys_shmat(struct linux_process *p, const uint64_t a[6])
{
    int64_t error;
    uint64_t at = a[1];
    uint32_t flags = (uint32_t)a[2];
    uint32_t access = 0444 | (flags & SHM_RDONLY ? 0 : 0222) | (flags & SHM_EXEC ? 0111 : 0);
    shm_sweep(p->k);
    if ((int32_t)a[0] < 0)
        return -EINVAL;
    if (at % MM_PAGE) {
        if (!(flags & SHM_RND))
            return -EINVAL;
        at -= at % MM_PAGE;
    }
    if (!at && (flags & SHM_REMAP))
        return -EINVAL;
    struct ipc_object *o = ipc_get(p, IPC_SHM, (int32_t)a[0], access, &error);
    if (!o)
        return error;
    struct shm_segment *s = segment(o);
    int prot = MM_READ | (flags & SHM_RDONLY ? 0 : MM_WRITE) | (flags & SHM_EXEC ? MM_EXEC : 0);
    int64_t r = mem_attach(p, at, s->size, prot, s->file, a[1] != 0, flags & SHM_REMAP);
    if (r >= 0) {
        s->attached = ipc_time(p);
        s->last = p->group->pid;
    }
    return r;
}

int64_t sys_shmdt(struct linux_process *p, const uint64_t a[6])
{
    const struct mm_area *first = a[0] % MM_PAGE ? NULL : mm_find(p->mm, a[0]);
    struct shm_segment *s = NULL;
    for (int i = 0; first && first->file && p->k->ipc && i < IPC_MOST; i++) {
        struct ipc_object *o = p->k->ipc->table[IPC_SHM].at[i];
        if (o && segment(o)->file == first->file && first->start == a[0] && !first->offset)
            s = segment(o);
    }
    if (!s)
        return -EINVAL;
    uint64_t end = a[0] + s->size;
    for (uint64_t at = a[0]; at < end;) { /* what is left of it */
        const struct mm_area *area = mm_find(p->mm, at);
        uint64_t next = area ? area->end : at + MM_PAGE;
        if (area && area->file == s->file && area->start - a[0] == area->offset)
            mm_unmap(p->mm, area->start, area->end - area->start);
        at = next;
    }
    s->detached = ipc_time(p);
    s->last = p->group->pid;
    shm_sweep(p->k);
    return 0;
}

static int64_t put_segment(struct linux_process *p, struct ipc_object *obj, uint64_t to, int64_t result)
{
    const struct shm_segment *s = segment(obj);
    struct ipc_out o = {.p = p};
    if (ipc_is_old(p)) {
        out_old_object(&o, &s->object);
        out_int(&o, (uint32_t)s->size);
        out_int(&o, (uint32_t)s->attached);
        out_int(&o, (uint32_t)s->detached);
        out_int(&o, (uint32_t)s->changed);
        out_short(&o, (uint32_t)s->creator);
        out_short(&o, (uint32_t)s->last);
        out_short(&o, attaches(p->k, s));
        out_short(&o, 0);
        out_int(&o, 0);
        out_int(&o, 0);
        return out_put(&o, to, result);
    }
    out_object(&o, &s->object);
    out_word(&o, s->size);
    out_time(&o, s->attached, false);
    out_time(&o, s->detached, false);
    out_time(&o, s->changed, false);
    out_int(&o, (uint32_t)s->creator);
    out_int(&o, (uint32_t)s->last);
    out_word(&o, attaches(p->k, s));
    out_word(&o, 0);
    out_word(&o, 0);
    return out_put(&o, to, result);
}

static uint64_t pages(struct linux_process *p)
{
    uint64_t n = 0;
    for (int i = 0; p->k->ipc && i < IPC_MOST; i++)
        if (p->k->ipc->table[IPC_SHM].at[i])
            n += (segment(p->k->ipc->table[IPC_SHM].at[i])->size + MM_PAGE - 1) / MM_PAGE;
    return n;
}

static int64_t put_info(struct linux_process *p, uint64_t to, bool limits)
{
    struct ipc_out o = {.p = p};
    int32_t used, last = ipc_highest(p, IPC_SHM, &used);
    const uint64_t limit[9] = {LARGEST - 1, 1, SEGMENTS, SEGMENTS, LARGEST / MM_PAGE};
    const bool old = ipc_is_old(p);
    for (int i = 0; limits && i < (old ? 5 : 9); i++)
        out_word(&o, i == 0 && !p->wide ? old ? INT32_MAX : UINT32_MAX : limit[i]);
    if (!limits) {
        out_int(&o, (uint32_t)used);
        if (p->wide)
            out_int(&o, 0);
        for (int i = 0; i < 5; i++)
            out_word(&o, i ? 0 : pages(p));
    }
    return out_put(&o, to, last);
}

int64_t sys_shmctl(struct linux_process *p, const uint64_t a[6])
{
    enum { LOCK = 11, UNLOCK = 12 };
    static const struct ipc_teller teller = {IPC_SHM, CTL_SHM_STAT, put_segment, put_info};
    uint32_t command = ipc_command(p, a[1]);
    int64_t result;
    shm_sweep(p->k);
    if (ipc_tell(p, &teller, (int32_t)a[0], command, a[2], &result))
        return result;
    if (command != LOCK && command != UNLOCK && command != CTL_SET && command != CTL_RMID)
        return -EINVAL;
    struct ipc_object *o = ipc_own(p, IPC_SHM, (int32_t)a[0], &result);
    if (!o)
        return result;
    if (command == CTL_SET) {
        result = ipc_set(p, o, a[2]);
        segment(o)->changed = result ? segment(o)->changed : ipc_time(p);
        return result;
    }
    if (command == CTL_RMID) {
        o->doomed = true;
        o->key = IPC_PRIVATE;
        o->mode |= DOOMED;
        shm_sweep(p->k);
    }
    return 0; /* no page ever leaves the memory */
}

void proc_sysvipc_shm(struct linux_process *p, FILE *out)
{
    fputs("       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime"
          "      ctime                   rss                  swap\n",
          out);
    shm_sweep(p->k);
    for (int i = 0; p->k->ipc && i < IPC_MOST; i++) {
        const struct ipc_object *o = p->k->ipc->table[IPC_SHM].at[i];
        const struct shm_segment *s = (const struct shm_segment *)o;
        if (o)
            fprintf(out,
                    "%10d %10d  %4o %21" PRIu64 " %5d %5d  %5" PRIu64 " %5u %5u %5u %5u %10" PRId64 " %10" PRId64 " %10" PRId64
                    " %21d %21d\n",
                    o->key, o->id, o->mode, s->size, s->creator, s->last, attaches(p->k, s), o->uid, o->gid, o->cuid, o->cgid,
                    s->attached, s->detached, s->changed, 0, 0);
    }
}
