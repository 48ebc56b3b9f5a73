/* Areas of the guest's address space, and access to it from the host. Tables and frames: mm_pages.c. */
#include "mm.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mm_pages.h"

enum {
    EAGER_LIMIT = 1 << 20, /* areas up to this get their frames at once: fewer faults, same contents */
    FAULT_AROUND = 16,     /* pages brought in by one fault */
    USER_BITS = 47,        /* of user addresses */
};

bool mm_init(struct mm *mm, struct pmem mem)
{
    memset(mm, 0, sizeof *mm);
    mm->mem = mem;
    if (!mm_pool_make(mm))
        return false;
    mm->root = mm_node_new(mm);
    return mm->root != NULL;
}

void mm_free(struct mm *mm)
{
    for (size_t i = 0; i < mm->nareas; i++)
        mm_file_drop(mm->areas[i].file);
    mm_node_free(mm, mm->root, 3);
    mm_pool_drop(mm->pool);
    free(mm->areas);
    memset(mm, 0, sizeof *mm);
}

struct mm *mm_new(struct mm *like)
{
    struct mm *mm = calloc(1, sizeof *mm);
    if (!mm)
        return NULL;
    mm->refs = 1;
    mm->mem = like->mem;
    mm->pool = like->pool;
    mm->pool->refs++;
    mm->root = mm_node_new(mm);
    if (mm->root)
        return mm;
    mm_drop(mm);
    return NULL;
}

struct mm *mm_ref(struct mm *mm)
{
    mm->refs++;
    return mm;
}

void mm_drop(struct mm *mm)
{
    if (mm && --mm->refs == 0) {
        mm_free(mm);
        free(mm);
    }
}

uint64_t mm_root(const struct mm *mm) { return (uint64_t)mm->root->frame * MM_PAGE; }

struct mm_file *mm_file_new(int fd)
{
    struct mm_file *f = malloc(sizeof *f);
    if (f)
        *f = (struct mm_file){.fd = fd, .refs = 1};
    return f;
}

void mm_file_drop(struct mm_file *f)
{
    if (f && --f->refs == 0) {
        if (f->shared)
            mm_shared_drop(f);
        close(f->fd);
        free(f);
    }
}

struct mm_changes mm_take_changes(struct mm *mm)
{
    struct mm_changes c = {mm->tlb_dirty, mm->code_start != mm->code_end, mm->code_start, mm->code_end};
    mm->tlb_dirty = false;
    mm->code_start = mm->code_end = 0;
    return c;
}

void mm_note_code(struct mm *mm, uint64_t start, uint64_t end)
{
    if (mm->code_start == mm->code_end) {
        mm->code_start = start;
        mm->code_end = end;
        return;
    }
    if (start < mm->code_start)
        mm->code_start = start;
    if (end > mm->code_end)
        mm->code_end = end;
}

/* Every change of a page goes through here, so that the core is told about what it may have cached. */
static bool page_set(struct mm *mm, uint64_t addr, uint64_t pte)
{
    uint64_t old = mm_pte_get(mm, addr);
    if (old == pte)
        return true;
    if (old & PTE_PRESENT) {
        mm->tlb_dirty = true;
        if (!(old & PTE_NX))
            mm_note_code(mm, addr, addr + MM_PAGE);
    }
    return mm_pte_set(mm, addr, pte);
}

static void page_drop(struct mm *mm, uint64_t addr)
{
    uint64_t pte = mm_pte_get(mm, addr);
    if (!(pte & PTE_FRAME))
        return;
    page_set(mm, addr, 0);
    mm_frame_free(mm, (uint32_t)((pte & PTE_ADDR) / MM_PAGE));
}

/* Areas ------------------------------------------------------------------------------------------------------------- */

/* Index of the first area that ends above addr. */
static size_t area_index(const struct mm *mm, uint64_t addr)
{
    size_t lo = 0, hi = mm->nareas;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (mm->areas[mid].end > addr)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

const struct mm_area *mm_find(const struct mm *mm, uint64_t addr)
{
    size_t i = area_index(mm, addr);
    return i < mm->nareas && mm->areas[i].start <= addr ? &mm->areas[i] : NULL;
}

bool mm_is_free(const struct mm *mm, uint64_t addr, uint64_t size)
{
    size_t i = area_index(mm, addr);
    return i == mm->nareas || mm->areas[i].start >= addr + size;
}

static bool area_insert(struct mm *mm, size_t at, struct mm_area area)
{
    if (mm->nareas == MM_AREAS)
        return false;
    if (mm->nareas == mm->areas_cap) {
        size_t cap = mm->areas_cap ? mm->areas_cap * 2 : 32;
        struct mm_area *list = realloc(mm->areas, cap * sizeof *list);
        if (!list)
            return false;
        mm->areas = list;
        mm->areas_cap = cap;
    }
    memmove(&mm->areas[at + 1], &mm->areas[at], (mm->nareas - at) * sizeof area);
    mm->areas[at] = area;
    mm->nareas++;
    if (area.file)
        area.file->refs++;
    return true;
}

static void area_remove(struct mm *mm, size_t at)
{
    mm_file_drop(mm->areas[at].file);
    mm->nareas--;
    memmove(&mm->areas[at], &mm->areas[at + 1], (mm->nareas - at) * sizeof *mm->areas);
}

/* Makes addr a boundary between areas. */
static bool area_split(struct mm *mm, uint64_t addr)
{
    size_t i = area_index(mm, addr);
    if (i == mm->nareas || mm->areas[i].start >= addr)
        return true;
    struct mm_area upper = mm->areas[i];
    upper.start = addr;
    upper.offset += addr - mm->areas[i].start;
    upper.grows_down = false;
    if (!area_insert(mm, i + 1, upper))
        return false;
    mm->areas[i].end = addr;
    return true;
}

static bool mergeable(const struct mm_area *a, const struct mm_area *b)
{
    bool follows = !a->file || b->offset == a->offset + (a->end - a->start);
    return a->end == b->start && a->prot == b->prot && a->shared == b->shared && a->read_only == b->read_only &&
           a->file == b->file && follows && !a->grows_down && !b->grows_down;
}

static void area_merge_around(struct mm *mm, uint64_t start, uint64_t end)
{
    size_t i = area_index(mm, start ? start - 1 : 0);
    while (i + 1 < mm->nareas && mm->areas[i].start <= end) {
        if (!mergeable(&mm->areas[i], &mm->areas[i + 1])) {
            i++;
            continue;
        }
        mm->areas[i].end = mm->areas[i + 1].end;
        area_remove(mm, i + 1);
    }
}

uint64_t mm_gap_below(const struct mm *mm, uint64_t top, uint64_t bottom, uint64_t size)
{
    uint64_t end = top;
    for (size_t i = mm->nareas; i-- > 0;) {
        const struct mm_area *a = &mm->areas[i];
        if (a->start >= end)
            continue;
        if (a->end < end && end - a->end >= size)
            break;
        end = a->start;
    }
    return end >= size && end - size >= bottom ? end - size : 0;
}

void mm_set_stack(struct mm *mm, uint64_t addr, uint64_t floor)
{
    size_t i = area_index(mm, addr);
    mm->areas[i].grows_down = true;
    mm->areas[i].floor = floor;
}

/* Frames ------------------------------------------------------------------------------------------------------------ */

/* The entry for a page of the area. A frame that others have too is written to only in shared areas. */
static uint64_t page_entry(const struct mm *mm, const struct mm_area *a, uint32_t frame)
{
    uint64_t pte = mm_pte_make(frame, a->prot);
    return !a->shared && mm_frame_shared(mm, frame) ? pte & ~(uint64_t)PTE_WRITE : pte;
}

/* Gives the area a page of its own in place of one that it has in common with another address space. */
static enum mm_fault page_separate(struct mm *mm, const struct mm_area *a, uint64_t page)
{
    uint8_t bytes[MM_PAGE];
    uint32_t old = (uint32_t)((mm_pte_get(mm, page) & PTE_ADDR) / MM_PAGE), frame = old;
    if (mm_frame_shared(mm, old)) {
        if (!mm_frame_alloc(mm, &frame))
            return MM_FAULT_NOMEM;
        mm_frame_read(mm, old * MM_PAGE, bytes, sizeof bytes);
        mm_frame_write(mm, frame * MM_PAGE, bytes, sizeof bytes);
        mm_frame_free(mm, old);
    }
    return page_set(mm, page, mm_pte_make(frame, a->prot)) ? MM_FAULT_FIXED : MM_FAULT_NOMEM;
}

/* A page that all who map the file share; a private one is parted from it when it is written to. */
static enum mm_fault page_share(struct mm *mm, const struct mm_area *a, uint64_t addr, uint64_t offset)
{
    uint32_t frame;
    enum mm_fault r = mm_shared_frame(a->file, offset, &frame);
    if (r != MM_FAULT_FIXED || page_set(mm, addr, page_entry(mm, a, frame)))
        return r;
    mm_frame_free(mm, frame);
    return MM_FAULT_NOMEM;
}

static enum mm_fault page_bring(struct mm *mm, const struct mm_area *a, uint64_t addr)
{
    if (mm_pte_get(mm, addr) & PTE_FRAME)
        return MM_FAULT_FIXED;
    uint8_t bytes[MM_PAGE];
    ssize_t got = 0;
    if (a->file) {
        uint64_t offset = a->offset + (addr - a->start);
        struct stat st;
        if (fstat(a->file->fd, &st) || offset >= (uint64_t)st.st_size)
            return MM_FAULT_BUS;
        if (a->file->shared)
            return page_share(mm, a, addr, offset);
        got = pread(a->file->fd, bytes, sizeof bytes, (off_t)offset);
        if (got < 0)
            return MM_FAULT_BUS;
    }
    uint32_t frame;
    if (!mm_frame_alloc(mm, &frame))
        return MM_FAULT_NOMEM;
    if (got > 0)
        mm_frame_write(mm, frame * MM_PAGE, bytes, (size_t)got);
    if (!page_set(mm, addr, mm_pte_make(frame, a->prot))) {
        mm_frame_free(mm, frame);
        return MM_FAULT_NOMEM;
    }
    return MM_FAULT_FIXED;
}

bool mm_populate(struct mm *mm, uint64_t addr, uint64_t size)
{
    uint64_t end = addr + size;
    for (addr &= ~(uint64_t)(MM_PAGE - 1); addr < end; addr += MM_PAGE) {
        const struct mm_area *a = mm_find(mm, addr);
        if (a && page_bring(mm, a, addr) == MM_FAULT_NOMEM)
            return false;
    }
    return true;
}

static bool map_area(struct mm *mm, struct mm_area a)
{
    uint64_t addr = a.start, size = a.end - a.start;
    if (!mm_unmap(mm, addr, size) || !area_insert(mm, area_index(mm, addr), a))
        return false;
    /* An area that cannot be made whole is taken back, so that failure leaves nothing half-mapped. */
    if (a.prot && size <= EAGER_LIMIT && !mm_populate(mm, addr, size)) {
        mm_unmap(mm, addr, size);
        return false;
    }
    area_merge_around(mm, addr, addr + size);
    return true;
}

bool mm_map(struct mm *mm, uint64_t addr, uint64_t size, int prot, struct mm_file *file, uint64_t offset)
{
    return map_area(
        mm, (struct mm_area){.start = addr, .end = addr + size, .prot = prot, .file = file, .offset = file ? offset : 0});
}

bool mm_map_shared(struct mm *mm, uint64_t addr, uint64_t size, int prot, struct mm_file *file, uint64_t offset)
{
    return map_area(
        mm, (struct mm_area){
                .start = addr, .end = addr + size, .prot = prot, .shared = true, .file = file, .offset = file ? offset : 0});
}

bool mm_map_shared_read_only(struct mm *mm, uint64_t addr, uint64_t size, int prot, struct mm_file *file, uint64_t offset)
{
    return map_area(mm, (struct mm_area){.start = addr,
                                         .end = addr + size,
                                         .prot = prot,
                                         .shared = true,
                                         .read_only = true,
                                         .file = file,
                                         .offset = offset});
}

bool mm_unmap(struct mm *mm, uint64_t addr, uint64_t size)
{
    uint64_t end = addr + size;
    if (!area_split(mm, addr) || !area_split(mm, end))
        return false;
    size_t i = area_index(mm, addr);
    while (i < mm->nareas && mm->areas[i].start < end) {
        uint64_t to = mm->areas[i].end;
        for (uint64_t p = mm->areas[i].start; (p = mm_pte_next(mm, p, to)) < to; p += MM_PAGE)
            page_drop(mm, p);
        area_remove(mm, i);
    }
    return true;
}

bool mm_protect(struct mm *mm, uint64_t addr, uint64_t size, int prot)
{
    uint64_t end = addr + size;
    for (uint64_t p = addr; p < end;) {
        const struct mm_area *a = mm_find(mm, p);
        if (!a)
            return false;
        p = a->end;
    }
    if (!area_split(mm, addr) || !area_split(mm, end))
        return false;
    for (size_t i = area_index(mm, addr); i < mm->nareas && mm->areas[i].start < end; i++) {
        struct mm_area *a = &mm->areas[i];
        a->prot = prot;
        for (uint64_t p = a->start; (p = mm_pte_next(mm, p, a->end)) < a->end; p += MM_PAGE) {
            uint64_t pte = mm_pte_get(mm, p);
            if (pte & PTE_FRAME)
                page_set(mm, p, page_entry(mm, a, (uint32_t)((pte & PTE_ADDR) / MM_PAGE)));
        }
    }
    area_merge_around(mm, addr, end);
    return true;
}

bool mm_discard(struct mm *mm, uint64_t addr, uint64_t size)
{
    uint64_t end = addr + size, covered = addr;
    for (size_t i = area_index(mm, addr); i < mm->nareas && mm->areas[i].start <= covered && covered < end; i++)
        covered = mm->areas[i].end;
    for (uint64_t p = addr; (p = mm_pte_next(mm, p, end)) < end; p += MM_PAGE)
        page_drop(mm, p);
    return covered >= end;
}

bool mm_move(struct mm *mm, uint64_t from, uint64_t to, uint64_t size)
{
    if (!area_split(mm, from) || !area_split(mm, from + size))
        return false;
    for (size_t i = area_index(mm, from); i < mm->nareas && mm->areas[i].start < from + size; i++) {
        struct mm_area a = mm->areas[i];
        a.start += to - from;
        a.end += to - from;
        size_t at = area_index(mm, a.start);
        if (!area_insert(mm, at, a))
            return false;
        if (at <= i)
            i++;
    }
    for (uint64_t p = from; (p = mm_pte_next(mm, p, from + size)) < from + size; p += MM_PAGE) {
        uint64_t pte = mm_pte_get(mm, p);
        if (!(pte & PTE_FRAME))
            continue;
        if (!page_set(mm, p + (to - from), pte))
            return false;
        page_set(mm, p, 0);
    }
    return mm_unmap(mm, from, size);
}

/* Shared areas are brought in whole before they get a second owner: pages that come later would come twice. A file's come from
 * what all its mappings have in common. */
static bool fork_area(struct mm *to, struct mm *from, const struct mm_area *a)
{
    if (a->shared && !a->file && !mm_populate(from, a->start, a->end - a->start))
        return false;
    for (uint64_t p = a->start; (p = mm_pte_next(from, p, a->end)) < a->end; p += MM_PAGE) {
        uint64_t pte = mm_pte_get(from, p);
        if (!(pte & PTE_FRAME))
            continue;
        uint32_t frame = (uint32_t)((pte & PTE_ADDR) / MM_PAGE);
        if (!mm_frame_share(from, frame))
            return false;
        pte = a->shared ? pte : pte & ~(uint64_t)PTE_WRITE;
        if (!mm_pte_set(to, p, pte)) {
            mm_frame_free(from, frame);
            return false;
        }
        if (!page_set(from, p, pte))
            return false;
    }
    return true;
}

struct mm *mm_fork(struct mm *from)
{
    struct mm *mm = mm_new(from);
    for (size_t i = 0; mm && i < from->nareas; i++) {
        if (area_insert(mm, i, from->areas[i]) && fork_area(mm, from, &from->areas[i]))
            continue;
        mm_drop(mm);
        mm = NULL;
    }
    return mm;
}

enum mm_fault mm_fault(struct mm *mm, uint64_t addr, int access)
{
    uint64_t page = addr & ~(uint64_t)(MM_PAGE - 1);
    const struct mm_area *a = mm_find(mm, addr);
    if (!a) {
        /* A stack grows down to the page touched. */
        size_t i = area_index(mm, addr);
        if (i == mm->nareas || !mm->areas[i].grows_down || page < mm->areas[i].floor)
            return MM_FAULT_MAPERR;
        if (i > 0 && mm->areas[i - 1].end > page)
            return MM_FAULT_MAPERR;
        mm->areas[i].start = page;
        a = &mm->areas[i];
    }
    /* x86 pages that are present can be read. */
    bool allowed = access == MM_READ ? a->prot != 0 : (a->prot & access) != 0;
    if (!allowed)
        return MM_FAULT_ACCERR;
    uint64_t pte = mm_pte_get(mm, page);
    if (pte & PTE_PRESENT) /* else nothing is missing, so something else is the matter */
        return access == MM_WRITE && !(pte & PTE_WRITE) ? page_separate(mm, a, page) : MM_FAULT_ACCERR;
    enum mm_fault r = page_bring(mm, a, page);
    for (unsigned i = 1; r == MM_FAULT_FIXED && i < FAULT_AROUND; i++) {
        uint64_t near = page + i * MM_PAGE;
        if (near >= a->end || page_bring(mm, a, near) != MM_FAULT_FIXED)
            break;
    }
    return r;
}

/* Going over to another address space ------------------------------------------------------------------------------- */

/* The page is there to be executed. */
static bool is_code(uint64_t pte) { return (pte & (PTE_PRESENT | PTE_NX)) == PTE_PRESENT; }

/* A page that is code in one address space is the same code in the other, be it that it has not been touched there yet. */
static bool same_code(struct mm *to, const struct mm_area *theirs, uint64_t page, uint64_t pte)
{
    const struct mm_area *ours = mm_find(to, page);
    if (ours && (ours->prot & MM_EXEC) && ours->file && ours->file->shared && ours->file == theirs->file &&
        ours->offset - ours->start == theirs->offset - theirs->start)
        page_bring(to, ours, page);
    uint64_t own = mm_pte_get(to, page);
    return is_code(own) && (own & PTE_ADDR) == (pte & PTE_ADDR);
}

void mm_switch(struct mm *from, struct mm *to)
{
    struct mm_changes c = mm_take_changes(from);
    if (c.code)
        mm_note_code(to, c.code_start, c.code_end);
    to->tlb_dirty = true;
    for (size_t i = 0; i < from->nareas; i++) {
        const struct mm_area *a = &from->areas[i];
        for (uint64_t p = a->start; (a->prot & MM_EXEC) && (p = mm_pte_next(from, p, a->end)) < a->end; p += MM_PAGE) {
            uint64_t pte = mm_pte_get(from, p);
            if (is_code(pte) && !same_code(to, a, p, pte))
                mm_note_code(to, p, p + MM_PAGE);
        }
    }
}

/* Access ------------------------------------------------------------------------------------------------------------ */

bool mm_translate(const struct mm *mm, uint64_t addr, uint32_t *paddr)
{
    uint64_t pte = mm_pte_get(mm, addr);
    *paddr = (uint32_t)((pte & PTE_ADDR) | (addr & (MM_PAGE - 1)));
    return (pte & PTE_FRAME) != 0;
}

enum access_kind { HOST_READ, HOST_WRITE, GUEST_READ, GUEST_WRITE };

static uint64_t access_bytes(struct mm *mm, uint64_t addr, uint8_t *buf, uint64_t size, enum access_kind kind)
{
    bool store = kind == HOST_WRITE || kind == GUEST_WRITE;
    uint64_t done = 0;
    while (done < size) {
        uint64_t at = addr + done;
        if (at >> USER_BITS) /* tables know nothing of the bits above */
            break;
        uint64_t n = MM_PAGE - (at & (MM_PAGE - 1));
        if (n > size - done)
            n = size - done;
        uint64_t pte = mm_pte_get(mm, at);
        bool guest = kind >= GUEST_READ;
        if (!(pte & PTE_FRAME) || (guest && !(pte & PTE_PRESENT)) || (kind == GUEST_WRITE && !(pte & PTE_WRITE))) {
            if (guest) {
                if (mm_fault(mm, at, store ? MM_WRITE : MM_READ) != MM_FAULT_FIXED)
                    break;
            } else {
                const struct mm_area *a = mm_find(mm, at);
                if (!a || page_bring(mm, a, at & ~(uint64_t)(MM_PAGE - 1)) != MM_FAULT_FIXED)
                    break;
            }
            pte = mm_pte_get(mm, at);
        }
        if (kind == HOST_WRITE && mm_frame_shared(mm, (uint32_t)((pte & PTE_ADDR) / MM_PAGE))) {
            const struct mm_area *a = mm_find(mm, at);
            if (!a || (!a->shared && page_separate(mm, a, at & ~(uint64_t)(MM_PAGE - 1)) != MM_FAULT_FIXED))
                break;
            pte = mm_pte_get(mm, at);
        }
        uint32_t paddr = (uint32_t)((pte & PTE_ADDR) | (at & (MM_PAGE - 1)));
        if (store) {
            mm_frame_write(mm, paddr, buf + done, n);
            if ((pte & PTE_PRESENT) && !(pte & PTE_NX))
                mm_note_code(mm, at, at + n);
        } else {
            mm_frame_read(mm, paddr, buf + done, n);
        }
        done += n;
    }
    return done;
}

bool mm_read(struct mm *mm, uint64_t addr, void *buf, uint64_t size)
{
    return access_bytes(mm, addr, buf, size, HOST_READ) == size;
}

bool mm_write(struct mm *mm, uint64_t addr, const void *buf, uint64_t size)
{
    return access_bytes(mm, addr, (uint8_t *)(uintptr_t)buf, size, HOST_WRITE) == size;
}

uint64_t mm_copy_in(struct mm *mm, void *buf, uint64_t addr, uint64_t size)
{
    return access_bytes(mm, addr, buf, size, GUEST_READ);
}

uint64_t mm_copy_out(struct mm *mm, uint64_t addr, const void *buf, uint64_t size)
{
    return access_bytes(mm, addr, (uint8_t *)(uintptr_t)buf, size, GUEST_WRITE);
}
