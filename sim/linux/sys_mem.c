/* System calls on memory, and the thread areas of the GDT. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "syscalls.h"

static uint64_t page_up(uint64_t a) { return (a + MM_PAGE - 1) & ~(uint64_t)(MM_PAGE - 1); }

static int make_prot(const struct linux_process *p, uint64_t prot)
{
    int out = (prot & PROT_READ ? MM_READ : 0) | (prot & PROT_WRITE ? MM_WRITE : 0) | (prot & PROT_EXEC ? MM_EXEC : 0);
    return p->space->read_implies_exec && (out & MM_READ) ? out | MM_EXEC : out;
}

/* [addr, addr+size) lies where a process may map. */
static bool in_range(const struct linux_process *p, uint64_t addr, uint64_t size)
{
    uint64_t top = p->space->layout->stack_top;
    return addr >= LINUX_MMAP_MIN && size <= top && addr <= top - size;
}

int64_t sys_brk(struct linux_process *p, const uint64_t a[6])
{
    uint64_t old = page_up(p->space->brk), new = page_up(a[0]);
    if (a[0] < p->space->brk_start || new < a[0])
        return (int64_t)p->space->brk;
    if (new > old) {
        if (!in_range(p, old, new - old) || !mm_is_free(p->mm, old, new - old))
            return (int64_t)p->space->brk;
        int prot = make_prot(p, PROT_READ | PROT_WRITE);
        if (!mm_map(p->mm, old, new - old, prot, NULL, 0))
            return (int64_t)p->space->brk;
    } else if (new < old) {
        mm_unmap(p->mm, new, old - new);
    }
    p->space->brk = a[0];
    return (int64_t)p->space->brk;
}

/* Where a mapping goes, or a negative error. */
static int64_t choose(struct linux_process *p, uint64_t hint, uint64_t size, uint32_t flags)
{
    uint64_t addr = hint & ~(uint64_t)(MM_PAGE - 1);
    if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if (hint % MM_PAGE)
            return -EINVAL;
        if (!in_range(p, addr, size))
            return addr < LINUX_MMAP_MIN ? -EPERM : -ENOMEM;
        if (!(flags & MAP_FIXED) && !mm_is_free(p->mm, addr, size))
            return -EEXIST;
        return (int64_t)addr;
    }
    if (hint && in_range(p, addr, size) && mm_is_free(p->mm, addr, size))
        return (int64_t)addr;
    addr = mm_gap_below(p->mm, p->space->mmap_top, LINUX_MMAP_MIN, size);
    return addr ? (int64_t)addr : -ENOMEM;
}

/* Code that nobody writes to has the same pages in all processes, so that what is known about it stays when they take turns. */
static struct mm_file *file_for(struct linux_process *p, int fd, bool shared, bool writable, uint64_t prot)
{
    bool code = (prot & PROT_EXEC) && !(prot & PROT_WRITE);
    return shared || code ? mm_file_shared(p->mm, fd, writable) : mm_file_new(fd);
}

static int64_t map_file(struct linux_process *p, const uint64_t a[6], uint64_t addr, uint64_t size, uint64_t offset)
{
    struct stat st;
    int host = fd_host(p, a[4]);
    if (host < 0)
        return host;
    int mode = fcntl(host, F_GETFL);
    if (fstat(host, &st))
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -ENODEV;
    if (mode < 0 || (mode & O_ACCMODE) == O_WRONLY)
        return -EACCES;
    bool shared = (a[3] & MAP_TYPE) != MAP_PRIVATE, writable = (mode & O_ACCMODE) == O_RDWR;
    if (shared && (a[2] & PROT_WRITE) && !writable)
        return -EACCES;
    if (shared && seals_forbid_write(fd_file(p, (uint32_t)a[4]))) {
        if (a[2] & PROT_WRITE)
            return -EPERM;
        writable = false;
    }
    mm_before_access(p->mm, host);
    int fd = fcntl(host, F_DUPFD_CLOEXEC, 3);
    struct mm_file *file = fd < 0 ? NULL : file_for(p, fd, shared, shared && writable, a[2]);
    if (!file)
        return -ENOMEM;
    bool (*const map)(struct mm *, uint64_t, uint64_t, int, struct mm_file *, uint64_t) = !shared    ? mm_map
                                                                                          : writable ? mm_map_shared
                                                                                                     : mm_map_shared_read_only;
    bool ok = map(p->mm, addr, size, make_prot(p, a[2]), file, offset);
    mm_file_drop(file);
    return ok ? (int64_t)addr : -ENOMEM;
}

static int64_t map(struct linux_process *p, const uint64_t a[6], uint64_t offset)
{
    uint32_t flags = (uint32_t)a[3], kind = flags & MAP_TYPE;
    uint64_t size = page_up(a[1]);
    if (size < a[1])
        return -ENOMEM;
    if (!size || (kind != MAP_PRIVATE && kind != MAP_SHARED && kind != MAP_SHARED_VALIDATE))
        return -EINVAL;
    if (!(flags & MAP_ANONYMOUS) && fd_host(p, a[4]) < 0)
        return -EBADF;
    int64_t addr = choose(p, a[0], size, flags);
    if (addr < 0)
        return addr;
    if (!(flags & MAP_ANONYMOUS))
        return map_file(p, a, (uint64_t)addr, size, offset);
    bool ok = (kind == MAP_PRIVATE ? mm_map : mm_map_shared)(p->mm, (uint64_t)addr, size, make_prot(p, a[2]), NULL, 0);
    return ok ? addr : -ENOMEM;
}

int64_t mem_attach(struct linux_process *p, uint64_t at, uint64_t size, int prot, struct mm_file *file, bool there,
                   bool replace)
{
    int64_t addr = choose(p, at, page_up(size), !there ? 0 : replace ? MAP_FIXED : MAP_FIXED_NOREPLACE);
    if (addr < 0)
        return there ? -EINVAL : addr;
    bool ok = (prot & MM_WRITE ? mm_map_shared : mm_map_shared_read_only)(p->mm, (uint64_t)addr, page_up(size), prot, file, 0);
    return ok ? addr : -ENOMEM;
}

int64_t sys_mmap2(struct linux_process *p, const uint64_t a[6]) { return map(p, a, (uint64_t)a[5] * MM_PAGE); }

int64_t sys_mmap64(struct linux_process *p, const uint64_t a[6])
{
    return a[5] % MM_PAGE || a[5] >> 63 ? -EINVAL : map(p, a, a[5]);
}

int64_t sys_mmap(struct linux_process *p, const uint64_t a[6])
{
    struct abi_mmap_args m;
    if (!user_get(p, &m, a[0], sizeof m))
        return -EFAULT;
    if (m.offset % MM_PAGE)
        return -EINVAL;
    return map(p, (uint64_t[6]){m.addr, m.len, m.prot, m.flags, m.fd, 0}, m.offset);
}

int64_t sys_munmap(struct linux_process *p, const uint64_t a[6])
{
    uint64_t size = page_up(a[1]);
    uint64_t top = p->space->layout->stack_top;
    if (a[0] % MM_PAGE || !size || size < a[1] || size > top || a[0] > top - size)
        return -EINVAL;
    return mm_unmap(p->mm, a[0], size) ? 0 : -ENOMEM;
}

static bool may_be_written(const struct mm *mm, uint64_t addr, uint64_t end)
{
    for (const struct mm_area *a; addr < end && (a = mm_find(mm, addr)); addr = a->end)
        if (a->read_only)
            return false;
    return true;
}

int64_t sys_mprotect(struct linux_process *p, const uint64_t a[6])
{
    uint64_t size = page_up(a[1]);
    if (a[0] % MM_PAGE || (a[2] & ~(uint32_t)(PROT_READ | PROT_WRITE | PROT_EXEC)))
        return -EINVAL;
    if (!size)
        return 0;
    if (!in_range(p, a[0], size))
        return -ENOMEM;
    if ((a[2] & PROT_WRITE) && !may_be_written(p->mm, a[0], a[0] + size))
        return -EACCES;
    return mm_protect(p->mm, a[0], size, make_prot(p, a[2])) ? 0 : -ENOMEM;
}

/* More of the same behind a mapping that was `old` bytes long from `from` on, at `to`. */
static bool map_more(struct mm *mm, const struct mm_area *a, uint64_t from, uint64_t old, uint64_t to, uint64_t size)
{
    return (!a->shared     ? mm_map
            : a->read_only ? mm_map_shared_read_only
                           : mm_map_shared)(mm, to, size, a->prot, a->file, a->offset + (from - a->start) + old);
}

int64_t sys_mremap(struct linux_process *p, const uint64_t a[6])
{
    uint64_t from = a[0], old = page_up(a[1]), new = page_up(a[2]), to;
    const struct mm_area *area = mm_find(p->mm, from);
    if (from % MM_PAGE || !new || new < a[2] || !old || (a[3] & ~(uint32_t)(MREMAP_MAYMOVE | MREMAP_FIXED)))
        return -EINVAL;
    if (!area || area->end - from < old)
        return -EFAULT;
    const struct mm_area as = *area;
    if (a[3] & MREMAP_FIXED) {
        to = a[4];
        if (!(a[3] & MREMAP_MAYMOVE) || to % MM_PAGE || !in_range(p, to, new) || (to < from + old && from < to + new))
            return -EINVAL;
        mm_unmap(p->mm, to, new);
    } else if (new <= old) {
        if (new < old)
            mm_unmap(p->mm, from + new, old - new);
        return (int64_t)from;
    } else if (in_range(p, from, new) && mm_is_free(p->mm, from + old, new - old)) {
        return map_more(p->mm, &as, from, old, from + old, new - old) ? (int64_t)from : -ENOMEM;
    } else {
        if (!(a[3] & MREMAP_MAYMOVE))
            return -ENOMEM;
        to = mm_gap_below(p->mm, p->space->mmap_top, LINUX_MMAP_MIN, new);
        if (!to)
            return -ENOMEM;
    }
    uint64_t moved = new < old ? new : old;
    if (as.file)
        as.file->refs++;
    bool ok = mm_move(p->mm, from, to, moved);
    if (ok)
        mm_unmap(p->mm, from, old);
    ok = ok && (new <= old || map_more(p->mm, &as, from, old, to + old, new - old));
    mm_file_drop(as.file);
    return ok ? (int64_t)to : -ENOMEM;
}

int64_t sys_madvise(struct linux_process *p, const uint64_t a[6])
{
    uint64_t size = page_up(a[1]);
    if (a[0] % MM_PAGE)
        return -EINVAL;
    if (size < a[1] || !in_range(p, a[0], size))
        return size < a[1] ? -EINVAL : -ENOMEM;
    if (a[2] == MADV_DONTNEED || a[2] == MADV_FREE)
        return mm_discard(p->mm, a[0], size) ? 0 : -ENOMEM;
    return a[2] <= MADV_DOFORK ? 0 : -EINVAL;
}

/* Pages that are mapped count as being in memory. */
int64_t sys_mincore(struct linux_process *p, const uint64_t a[6])
{
    static const uint8_t here = 1;
    uint64_t size = page_up(a[1]);
    if (a[0] % MM_PAGE)
        return -EINVAL;
    if (size < a[1] || !in_range(p, a[0], size))
        return -ENOMEM;
    for (uint64_t n = 0; n < size / MM_PAGE; n++) {
        if (!mm_find(p->mm, a[0] + n * MM_PAGE))
            return -ENOMEM;
        if (!user_put(p, a[2] + n, &here, 1))
            return -EFAULT;
    }
    return 0;
}

int64_t sys_mlock2(struct linux_process *p, const uint64_t a[6])
{
    (void)p;
    return a[2] & ~UINT64_C(1) ? -EINVAL : 0; /* nothing is ever swapped out */
}

int64_t sys_msync(struct linux_process *p, const uint64_t a[6])
{
    uint64_t size = page_up(a[1]);
    uint32_t flags = (uint32_t)a[2];
    if (a[0] % MM_PAGE || (flags & ~(uint32_t)(MS_SYNC | MS_ASYNC | MS_INVALIDATE)) || !(~flags & (MS_SYNC | MS_ASYNC)))
        return -EINVAL;
    if (size < a[1])
        return -ENOMEM;
    for (uint64_t at = a[0]; at < a[0] + size;) {
        const struct mm_area *area = mm_find(p->mm, at);
        if (!area)
            return -ENOMEM;
        at = area->end;
    }
    return mm_flush(p->mm, a[0], size) ? 0 : -EIO;
}

/* Thread areas ------------------------------------------------------------------------------------------------------- */

enum { DESC_EMPTY = 0x28 }; /* read_exec_only and seg_not_present: what clears an entry */

static bool desc_empty(const struct abi_user_desc *d) { return !d->base && !d->limit && (d->flags & 0x7f) == DESC_EMPTY; }

void tls_set(struct linux_process *p, struct guest_cpu *cpu, const struct abi_user_desc *d)
{
    uint32_t i = d->entry - ABI_GDT_TLS;
    p->tls_used[i] = !desc_empty(d);
    p->tls_limit[i] = d->limit;
    p->tls_flags[i] = d->flags;
    cpu->tls_base[i] = p->tls_used[i] ? d->base : 0;
    /* A segment register that holds the selector sees the new base at once. */
    for (int s = 0; s < GUEST_SEGS; s++)
        if (cpu->seg_sel[s] >> 3 == d->entry)
            cpu->seg_base[s] = cpu->tls_base[i];
}

int64_t sys_set_thread_area(struct linux_process *p, const uint64_t a[6])
{
    struct abi_user_desc d;
    if (!user_get(p, &d, a[0], sizeof d))
        return -EFAULT;
    uint32_t i = d.entry - ABI_GDT_TLS;
    if (d.entry == UINT32_MAX) {
        for (i = 0; i < ABI_TLS_ENTRIES && p->tls_used[i]; i++)
            ;
        if (i == ABI_TLS_ENTRIES)
            return -ESRCH;
        d.entry = ABI_GDT_TLS + i;
        if (!user_put(p, a[0], &d.entry, 4))
            return -EFAULT;
    }
    if (i >= ABI_TLS_ENTRIES)
        return -EINVAL;
    tls_set(p, p->cpu, &d);
    return 0;
}

int64_t sys_get_thread_area(struct linux_process *p, const uint64_t a[6])
{
    struct abi_user_desc d;
    if (!user_get(p, &d.entry, a[0], 4))
        return -EFAULT;
    uint32_t i = d.entry - ABI_GDT_TLS;
    if (i >= ABI_TLS_ENTRIES)
        return -EINVAL;
    d.base = (uint32_t)p->cpu->tls_base[i];
    d.limit = p->tls_limit[i];
    d.flags = p->tls_used[i] ? p->tls_flags[i] : DESC_EMPTY;
    return user_put(p, a[0], &d, sizeof d) ? 0 : -EFAULT;
}
