/* Files without a name, and the seals that keep them as they are. They lie in the guest's folder: what such a file holds counts
 * like any other there, and not as the simulator's memory. So its seals are kept here, and heeded where a file is changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_times.h"
#include "syscalls.h"

enum { SEAL_SEAL = 1, SEAL_SHRINK = 2, SEAL_GROW = 4, SEAL_WRITE = 8, SEAL_FUTURE_WRITE = 16, SEALS = 31 };

/* Of one file; the open files that know it hold it. */
struct linux_seals {
    struct linux_seals *next;
    struct linux_kernel *k;
    unsigned refs;
    uint32_t set;
    uint64_t dev, ino;
};

void seals_drop(struct linux_seals *s)
{
    if (!s || --s->refs)
        return;
    struct linux_seals **at = &s->k->seals;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    free(s);
}

static struct linux_seals *seals_of(const struct linux_kernel *k, int host)
{
    struct stat st;
    struct linux_seals *s = k->seals && !fstat(host, &st) ? k->seals : NULL;
    while (s && (s->dev != st.st_dev || s->ino != st.st_ino))
        s = s->next;
    return s;
}

void seals_note(struct linux_process *p, struct linux_file *f)
{
    struct linux_seals *s = seals_of(p->k, f->host);
    if (s && !f->seals) {
        s->refs++;
        f->seals = s;
    }
}

static int64_t seals_new(struct linux_process *p, struct linux_file *f, uint32_t set)
{
    struct stat st;
    struct linux_seals *s = calloc(1, sizeof *s);
    if (!s || fstat(f->host, &st)) {
        free(s);
        return -ENOMEM;
    }
    *s = (struct linux_seals){.next = p->k->seals, .k = p->k, .refs = 1, .set = set, .dev = st.st_dev, .ino = st.st_ino};
    p->k->seals = f->seals = s;
    return 0;
}

int64_t sys_memfd_create(struct linux_process *p, const uint64_t a[6])
{
    enum { CLOEXEC = 1, ALLOW_SEALING = 2, NOEXEC_SEAL = 8, EXEC = 16 };
    char name[LINUX_PATH];
    int r = path_copy(p, name, a[0]);
    if (r < 0)
        return r == -ENAMETOOLONG ? -EINVAL : r;
    if ((a[1] & ~(uint64_t)(CLOEXEC | ALLOW_SEALING | NOEXEC_SEAL | EXEC)) || strlen(name) > 249)
        return -EINVAL;
    int host = openat(p->k->root_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0700);
    if (host < 0)
        return errno == EOPNOTSUPP ? -ENOSYS : -errno;
    times_changed(p->k, host, TIME_ALL);
    int fd = fd_add(p, host, FD_HOST, 0, a[1] & CLOEXEC);
    int64_t error = fd < 0 ? fd : seals_new(p, fd_file(p, (uint32_t)fd), a[1] & (ALLOW_SEALING | NOEXEC_SEAL) ? 0 : SEAL_SEAL);
    if (fd >= 0 && error < 0)
        fd_close(p, (uint32_t)fd);
    return error < 0 ? error : fd;
}

/* Some process has the file mapped and could store to it. */
static bool is_mapped(const struct linux_kernel *k, const struct linux_seals *s)
{
    struct stat st;
    for (const struct linux_process *t = k->tasks; t; t = t->next) {
        for (size_t i = 0; !t->dead && i < t->mm->nareas; i++) {
            const struct mm_area *a = &t->mm->areas[i];
            if (a->file && a->shared && !a->read_only && !fstat(a->file->fd, &st) && st.st_dev == s->dev && st.st_ino == s->ino)
                return true;
        }
    }
    return false;
}

int64_t seals_get(const struct linux_file *f) { return f->seals ? (int64_t)f->seals->set : -EINVAL; }

int64_t seals_add(struct linux_process *p, const struct linux_file *f, uint64_t set)
{
    if ((fcntl(f->host, F_GETFL) & O_ACCMODE) == O_RDONLY)
        return -EPERM;
    if (!f->seals || (set & ~(uint64_t)SEALS))
        return -EINVAL;
    if (f->seals->set & SEAL_SEAL)
        return -EPERM;
    if ((set & SEAL_WRITE) && !(f->seals->set & SEAL_WRITE) && is_mapped(p->k, f->seals))
        return -EBUSY;
    f->seals->set |= (uint32_t)set;
    return 0;
}

bool seals_forbid_write(const struct linux_file *f) { return f->seals && (f->seals->set & (SEAL_WRITE | SEAL_FUTURE_WRITE)); }

/* Page by page, as Linux has it: one that would end behind the file is not written to. */
int64_t seals_room(const struct linux_file *f, int64_t at, uint64_t size)
{
    struct stat st;
    if (!f->seals || !size)
        return (int64_t)size;
    if (seals_forbid_write(f))
        return -EPERM;
    if (!(f->seals->set & SEAL_GROW) || fstat(f->host, &st))
        return (int64_t)size;
    if (at < 0)
        at = fcntl(f->host, F_GETFL) & O_APPEND ? st.st_size : lseek(f->host, 0, SEEK_CUR);
    if (at <= st.st_size && size <= (uint64_t)(st.st_size - at))
        return (int64_t)size;
    int64_t whole = st.st_size / MM_PAGE * MM_PAGE - at;
    return whole > 0 ? whole : -EPERM;
}

int64_t seals_resize(const struct linux_kernel *k, int host, int64_t size)
{
    const struct linux_seals *s = seals_of(k, host);
    struct stat st;
    if (!s || fstat(host, &st))
        return 0;
    bool bad = (size < st.st_size && (s->set & SEAL_SHRINK)) || (size > st.st_size && (s->set & SEAL_GROW));
    return bad ? -EPERM : 0;
}

int64_t seals_allocate(const struct linux_file *f, int mode, int64_t at, int64_t size)
{
    struct stat st;
    if (!f->seals || fstat(f->host, &st))
        return 0;
    if (mode & FALLOC_FL_PUNCH_HOLE)
        return seals_forbid_write(f) ? -EPERM : 0;
    bool grows = at >= 0 && size > 0 && size > st.st_size - at;
    return grows && (f->seals->set & SEAL_GROW) ? -EPERM : 0;
}
