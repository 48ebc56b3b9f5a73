/* Page tables and frames: the lower half of mm, used by mm.c alone. */
#pragma once
#include "mm.h"

enum {
    PTE_PRESENT = 1,
    PTE_WRITE = 2,
    PTE_USER = 4,
    PTE_ACCESSED = 0x20,
    PTE_DIRTY = 0x40,
    PTE_FRAME = 0x200, /* software bit: a frame belongs to this page even if it is not present (PROT_NONE) */
};
#define PTE_NX   (UINT64_C(1) << 63)
#define PTE_ADDR UINT64_C(0x000ffffffffff000)

struct mm_node {
    uint32_t frame; /* physical page number of the table in guest DRAM */
    uint64_t entry[512];
    struct mm_node *child[512]; /* for the three upper levels */
};

bool mm_frame_alloc(struct mm *mm, uint32_t *frame); /* zeroed */
void mm_frame_free(struct mm *mm, uint32_t frame);   /* one sharer less; the last one's is free */
bool mm_frame_share(struct mm *mm, uint32_t frame);  /* one more; false: too many */
bool mm_frame_shared(const struct mm *mm, uint32_t frame);
bool mm_frame_write(const struct mm *mm, uint32_t paddr, const void *buf, size_t size); /* within a frame */
bool mm_frame_read(const struct mm *mm, uint32_t paddr, void *buf, size_t size);
void mm_note_code(struct mm *mm, uint64_t start, uint64_t end); /* executable bytes have changed */
/* mm_share.c: the frame of a shared file's page, one more sharer of it. */
enum mm_fault mm_shared_frame(const struct mm_file *f, uint64_t offset, uint32_t *frame);
void mm_shared_drop(struct mm_file *f); /* the last mapping of it has gone */
/* The frames that address spaces share, each space holding one reference. */
bool mm_pool_make(struct mm *mm);
void mm_pool_drop(struct mm_pool *pool);
struct mm_node *mm_node_new(struct mm *mm);                     /* a table with its frame, empty; NULL: no memory */
void mm_node_free(struct mm *mm, struct mm_node *n, int level); /* pages that are left, too */
uint64_t mm_pte_get(const struct mm *mm, uint64_t addr);        /* 0 if no table is there */
/* The first page at or above addr that has an entry, or end. Skips what has no tables: a 64-bit program may reserve terabytes. */
uint64_t mm_pte_next(const struct mm *mm, uint64_t addr, uint64_t end);
bool mm_pte_set(struct mm *mm, uint64_t addr, uint64_t pte); /* false: no memory for tables */
uint64_t mm_pte_make(uint32_t frame, int prot);              /* prot: of mmap */
