/* Shared mappings of files, and code that nobody writes to: all address spaces that map a file share the frames of its pages.
 *
 * A page's bytes as the file last had them are kept beside its frame. What the guest has stored since is what differs from them:
 * only that is written to the file, and what others have written to the file in the meantime is taken over where the guest has
 * stored nothing. That is done when a mapping is synchronised or goes away, and before and after the guest reads and writes the
 * file by its descriptors, as Linux has both in one cache.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mm_pages.h"

struct page {
    uint64_t index; /* in the file */
    uint32_t frame;
    uint8_t clean[MM_PAGE]; /* what the file has, as far as known */
};

struct mm_shared {
    struct mm_file *next; /* in the pool's list */
    struct mm access;     /* memory and frames; no address space */
    dev_t dev;
    ino_t ino;
    struct timespec changed; /* the file, when it was looked at last */
    bool writable;
    struct page **pages; /* by index */
    size_t n, cap;
};

static struct mm_file *find(const struct mm_pool *pool, const struct stat *st)
{
    struct mm_file *f = pool->shared;
    while (f && (f->shared->dev != st->st_dev || f->shared->ino != st->st_ino))
        f = f->shared->next;
    return f;
}

/* What somebody else has written to the file since. */
static void refresh(struct mm *mm, const struct mm_file *f, const struct stat *st)
{
    const struct timespec *was = &f->shared->changed;
    if (was->tv_sec != st->st_mtim.tv_sec || was->tv_nsec != st->st_mtim.tv_nsec) {
        mm_file_flush(f);
        mm_after_write(mm, f->fd);
    }
}

struct mm_file *mm_file_shared(struct mm *mm, int fd, bool writable)
{
    struct stat st;
    struct mm_file *f = fstat(fd, &st) ? NULL : find(mm->pool, &st);
    if (f) {
        int spare = fd;
        if (writable && !f->shared->writable) {
            spare = f->fd;
            f->fd = fd;
            f->shared->writable = true;
        }
        close(spare);
        f->refs++;
        refresh(mm, f, &st);
        return f;
    }
    f = mm_file_new(fd);
    struct mm_shared *s = f ? calloc(1, sizeof *s) : NULL;
    if (!s) {
        if (f)
            mm_file_drop(f);
        else
            close(fd);
        return NULL;
    }
    *s = (struct mm_shared){
        .next = mm->pool->shared, .dev = st.st_dev, .ino = st.st_ino, .changed = st.st_mtim, .writable = writable};
    s->access.mem = mm->mem;
    s->access.pool = mm->pool;
    f->shared = s;
    mm->pool->shared = f;
    return f;
}

static size_t place(const struct mm_shared *s, uint64_t index)
{
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (s->pages[mid]->index < index)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* A page of the file that nobody has mapped yet. */
static enum mm_fault bring(const struct mm_file *f, size_t at, uint64_t index)
{
    struct mm_shared *s = f->shared;
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 16;
        struct page **list = realloc(s->pages, cap * sizeof(struct page *));
        if (!list)
            return MM_FAULT_NOMEM;
        s->pages = list;
        s->cap = cap;
    }
    struct page *p = calloc(1, sizeof *p);
    if (!p || !mm_frame_alloc(&s->access, &p->frame)) {
        free(p);
        return MM_FAULT_NOMEM;
    }
    p->index = index;
    if (pread(f->fd, p->clean, MM_PAGE, (off_t)(index * MM_PAGE)) < 0) {
        mm_frame_free(&s->access, p->frame);
        free(p);
        return MM_FAULT_BUS;
    }
    mm_frame_write(&s->access, p->frame * MM_PAGE, p->clean, MM_PAGE);
    memmove(&s->pages[at + 1], &s->pages[at], (s->n - at) * sizeof(struct page *));
    s->pages[at] = p;
    s->n++;
    return MM_FAULT_FIXED;
}

enum mm_fault mm_shared_frame(const struct mm_file *f, uint64_t offset, uint32_t *frame)
{
    struct mm_shared *s = f->shared;
    uint64_t index = offset / MM_PAGE;
    size_t at = place(s, index);
    if (at == s->n || s->pages[at]->index != index) {
        enum mm_fault r = bring(f, at, index);
        if (r != MM_FAULT_FIXED)
            return r;
    }
    *frame = s->pages[at]->frame;
    return mm_frame_share(&s->access, *frame) ? MM_FAULT_FIXED : MM_FAULT_NOMEM;
}

/* Writes the runs of bytes that the guest has stored, as far as the file reaches. */
static bool write_page(const struct mm_file *f, struct page *p, uint64_t file_size)
{
    const struct mm_pool *pool = f->shared->access.pool;
    uint8_t now[MM_PAGE];
    uint64_t start = p->index * MM_PAGE;
    size_t end = file_size <= start ? 0 : file_size - start < MM_PAGE ? (size_t)(file_size - start) : MM_PAGE;
    bool ok = true, wrote = false;
    mm_frame_read(&f->shared->access, p->frame * MM_PAGE, now, MM_PAGE);
    for (size_t at = 0; at < end;) {
        if (now[at] == p->clean[at]) {
            at++;
            continue;
        }
        size_t to = at + 1;
        while (to < end && now[to] != p->clean[to])
            to++;
        if (pwrite(f->fd, now + at, to - at, (off_t)(start + at)) == (ssize_t)(to - at)) {
            memcpy(p->clean + at, now + at, to - at);
            wrote = true;
        } else {
            ok = false;
        }
        at = to;
    }
    if (wrote && pool->wrote)
        pool->wrote(pool->wrote_arg, f->fd);
    return ok;
}

bool mm_file_flush(const struct mm_file *f)
{
    struct stat st;
    bool ok = true;
    if (!f->shared || !f->shared->writable)
        return true;
    if (fstat(f->fd, &st))
        return false;
    for (size_t i = 0; i < f->shared->n; i++)
        ok &= write_page(f, f->shared->pages[i], (uint64_t)st.st_size);
    return ok;
}

bool mm_flush(const struct mm *mm, uint64_t addr, uint64_t size)
{
    bool ok = true;
    for (size_t i = 0; mm->pool->shared && i < mm->nareas; i++)
        if (mm->areas[i].file && mm->areas[i].start - addr < size)
            ok &= mm_file_flush(mm->areas[i].file);
        else if (mm->areas[i].file && mm->areas[i].start < addr && mm->areas[i].end > addr)
            ok &= mm_file_flush(mm->areas[i].file);
    return ok;
}

static struct mm_file *of_host(const struct mm *mm, int fd)
{
    struct stat st;
    return mm->pool->shared && !fstat(fd, &st) ? find(mm->pool, &st) : NULL;
}

void mm_before_access(const struct mm *mm, int fd)
{
    const struct mm_file *f = of_host(mm, fd);
    if (f)
        mm_file_flush(f);
}

void mm_after_write(struct mm *mm, int fd)
{
    const struct mm_file *f = of_host(mm, fd);
    for (size_t i = 0; f && i < mm->nareas; i++)
        if (mm->areas[i].file == f && (mm->areas[i].prot & MM_EXEC))
            mm_note_code(mm, mm->areas[i].start, mm->areas[i].end);
    struct stat st;
    if (f && !fstat(f->fd, &st))
        f->shared->changed = st.st_mtim;
    for (size_t i = 0; f && i < f->shared->n; i++) {
        struct page *p = f->shared->pages[i];
        uint8_t bytes[MM_PAGE] = {0};
        if (pread(f->fd, bytes, MM_PAGE, (off_t)(p->index * MM_PAGE)) < 0 || !memcmp(bytes, p->clean, MM_PAGE))
            continue;
        memcpy(p->clean, bytes, MM_PAGE);
        mm_frame_write(&f->shared->access, p->frame * MM_PAGE, bytes, MM_PAGE);
    }
}

void mm_shared_drop(struct mm_file *f)
{
    struct mm_shared *s = f->shared;
    struct mm_file **at = &s->access.pool->shared;
    mm_file_flush(f);
    while (*at != f)
        at = &(*at)->shared->next;
    *at = s->next;
    for (size_t i = 0; i < s->n; i++) {
        mm_frame_free(&s->access, s->pages[i]->frame);
        free(s->pages[i]);
    }
    free(s->pages);
    free(s);
}
