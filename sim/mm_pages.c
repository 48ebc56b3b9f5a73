/* Page frames and four-level page tables in guest DRAM, with a host copy so that lookups cost no guest memory access. */
#include "mm_pages.h"

#include <stdlib.h>
#include <string.h>

bool mm_pool_make(struct mm *mm)
{
    struct mm_pool *p = calloc(1, sizeof *p);
    if (!p)
        return false;
    p->refs = 1;
    p->next_frame = 1; /* frame 0 stays unused: a stray physical zero hits nothing of the guest's */
    p->sharers = calloc(mm->mem.size / MM_PAGE + 1, sizeof *p->sharers);
    mm->pool = p;
    return p->sharers != NULL;
}

void mm_pool_drop(struct mm_pool *p)
{
    if (p && --p->refs == 0) {
        free(p->sharers);
        free(p->free_frames);
        free(p);
    }
}

bool mm_frame_alloc(struct mm *mm, uint32_t *frame)
{
    static const uint8_t zeros[MM_PAGE];
    struct mm_pool *pool = mm->pool;
    if (pool->nfree) {
        *frame = pool->free_frames[--pool->nfree];
    } else {
        if ((pool->next_frame + 1) * MM_PAGE > mm->mem.size)
            return false;
        *frame = (uint32_t)pool->next_frame++;
    }
    if (++pool->frames_used > pool->frames_peak)
        pool->frames_peak = pool->frames_used;
    uint8_t *p = mm->mem.direct(mm->mem.arg, *frame * MM_PAGE, MM_PAGE);
    if (p)
        memset(p, 0, MM_PAGE);
    else
        mm->mem.write(mm->mem.arg, *frame * MM_PAGE, zeros, MM_PAGE);
    return true;
}

void mm_frame_free(struct mm *mm, uint32_t frame)
{
    struct mm_pool *pool = mm->pool;
    if (pool->sharers[frame]) {
        pool->sharers[frame]--;
        return;
    }
    if (pool->nfree == pool->free_cap) {
        size_t cap = pool->free_cap ? pool->free_cap * 2 : 1024;
        uint32_t *list = realloc(pool->free_frames, cap * sizeof *list);
        if (!list)
            abort(); /* the host itself is out of memory */
        pool->free_frames = list;
        pool->free_cap = cap;
    }
    pool->free_frames[pool->nfree++] = frame;
    pool->frames_used--;
}

bool mm_frame_share(struct mm *mm, uint32_t frame)
{
    if (mm->pool->sharers[frame] == UINT16_MAX)
        return false;
    mm->pool->sharers[frame]++;
    return true;
}

bool mm_frame_shared(const struct mm *mm, uint32_t frame) { return mm->pool->sharers[frame] != 0; }

bool mm_frame_write(const struct mm *mm, uint32_t paddr, const void *buf, size_t size)
{
    uint8_t *p = mm->mem.direct(mm->mem.arg, paddr, size);
    if (!p)
        return mm->mem.write(mm->mem.arg, paddr, buf, size);
    memcpy(p, buf, size);
    return true;
}

bool mm_frame_read(const struct mm *mm, uint32_t paddr, void *buf, size_t size)
{
    uint8_t *p = mm->mem.direct(mm->mem.arg, paddr, size);
    if (!p)
        return mm->mem.read(mm->mem.arg, paddr, buf, size);
    memcpy(buf, p, size);
    return true;
}

struct mm_node *mm_node_new(struct mm *mm)
{
    struct mm_node *n = calloc(1, sizeof *n);
    if (n && !mm_frame_alloc(mm, &n->frame)) {
        free(n);
        n = NULL;
    }
    return n;
}

void mm_node_free(struct mm *mm, struct mm_node *n, int level)
{
    if (!n)
        return;
    for (int i = 0; i < 512; i++) {
        if (level > 0)
            mm_node_free(mm, n->child[i], level - 1);
        else if (n->entry[i] & PTE_FRAME)
            mm_frame_free(mm, (uint32_t)((n->entry[i] & PTE_ADDR) / MM_PAGE));
    }
    mm_frame_free(mm, n->frame);
    free(n);
}

static unsigned index_at(uint64_t addr, int level) { return (unsigned)(addr >> (12 + 9 * level)) & 511; }

static void entry_write(struct mm *mm, struct mm_node *n, unsigned i, uint64_t value)
{
    n->entry[i] = value;
    mm->mem.write(mm->mem.arg, n->frame * MM_PAGE + i * 8, &value, 8);
}

uint64_t mm_pte_get(const struct mm *mm, uint64_t addr)
{
    const struct mm_node *n = mm->root;
    for (int level = 3; level > 0; level--) {
        n = n->child[index_at(addr, level)];
        if (!n)
            return 0;
    }
    return n->entry[index_at(addr, 0)];
}

uint64_t mm_pte_next(const struct mm *mm, uint64_t addr, uint64_t end)
{
    while (addr < end) {
        const struct mm_node *n = mm->root, *child;
        int level = 3;
        for (; level > 0 && (child = n->child[index_at(addr, level)]); level--)
            n = child;
        if (level == 0 && n->entry[index_at(addr, 0)])
            return addr;
        uint64_t covered = UINT64_C(1) << (12 + 9 * level);
        addr = (addr & ~(covered - 1)) + covered;
    }
    return end;
}

bool mm_pte_set(struct mm *mm, uint64_t addr, uint64_t pte)
{
    struct mm_node *n = mm->root;
    for (int level = 3; level > 0; level--) {
        unsigned i = index_at(addr, level);
        if (!n->child[i]) {
            if (!pte)
                return true;
            struct mm_node *child = mm_node_new(mm);
            if (!child)
                return false;
            n->child[i] = child;
            /* Upper levels allow everything; the last level decides. */
            entry_write(mm, n, i,
                        (uint64_t)child->frame * MM_PAGE | (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED | PTE_DIRTY));
        }
        n = n->child[i];
    }
    entry_write(mm, n, index_at(addr, 0), pte);
    return true;
}

uint64_t mm_pte_make(uint32_t frame, int prot)
{
    uint64_t pte = (uint64_t)frame * MM_PAGE | PTE_FRAME;
    if (prot)
        pte |= PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_DIRTY;
    if (prot & MM_WRITE)
        pte |= PTE_WRITE;
    if (prot && !(prot & MM_EXEC))
        pte |= PTE_NX;
    return pte;
}
