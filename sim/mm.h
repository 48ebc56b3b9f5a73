/* The guest's address space: areas, page frames and the real x86-64 four-level page tables in guest DRAM.
 *
 * Frames are handed out in a fixed order (freed ones first, last freed first), so that a run is repeatable. Small areas get
 * their frames when they are mapped, large ones when they are touched (mm_fault). The tables have accessed and dirty preset:
 * nothing but this file writes them.
 */
#pragma once
#include "pmem.h"

#define MM_PAGE  4096u
#define MM_AREAS 65530u /* of an address space, as Linux has it; what exceeds it fails like a lack of memory */

enum { MM_READ = 1, MM_WRITE = 2, MM_EXEC = 4 };
enum mm_fault { MM_FAULT_FIXED, MM_FAULT_MAPERR, MM_FAULT_ACCERR, MM_FAULT_BUS, MM_FAULT_NOMEM };

/* A file behind an area; the descriptor is owned and closed with the last area. */
struct mm_file {
    int fd;
    unsigned refs;
    struct mm_shared *shared; /* of mm_file_shared: what the mappings have in common, or NULL */
};

struct mm_area {
    uint64_t start, end;
    int prot;        /* MM_* */
    bool grows_down; /* a stack: touched pages below start, down to floor, extend it */
    uint64_t floor;
    bool shared;          /* MAP_SHARED: address spaces that come from this one by mm_fork keep the same pages */
    bool read_only;       /* shared with a file that was opened for reading: never to be written */
    struct mm_file *file; /* NULL: zero pages */
    uint64_t offset;      /* of start in file */
};

struct mm_node; /* host copy of one page table */

/* The page frames of guest DRAM, shared by all address spaces of a machine. */
struct mm_pool {
    unsigned refs; /* address spaces */
    uint64_t next_frame, frames_used, frames_peak;
    uint32_t *free_frames;
    size_t nfree, free_cap;
    struct mm_file *shared;           /* files that are mapped with MAP_SHARED */
    uint16_t *sharers;                /* [frames] address spaces that have the frame besides the first */
    void (*wrote)(void *arg, int fd); /* NULL, or told that a mapped file was written */
    void *wrote_arg;
};

struct mm {
    unsigned refs; /* of mm_new and mm_ref */
    struct pmem mem;
    struct mm_pool *pool;
    struct mm_node *root;
    struct mm_area *areas; /* sorted, disjoint */
    size_t nareas, areas_cap;
    /* What the guest's core must forget before it goes on; taken by mm_take_changes. */
    bool tlb_dirty;
    uint64_t code_start, code_end; /* executable bytes that changed; empty if equal */
};

struct mm_changes {
    bool tlb, code;
    uint64_t code_start, code_end;
};

/* An empty address space over that memory, all of whose frames are free; false: no memory for the tables. */
bool mm_init(struct mm *mm, struct pmem mem);
void mm_free(struct mm *mm);
/* One more address space over the same frames, on the heap; NULL: no memory. mm_fork gives it the areas and contents of
 * another: pages are shared until one side writes to them. */
struct mm *mm_new(struct mm *like);
struct mm *mm_fork(struct mm *from);
struct mm *mm_ref(struct mm *mm);
void mm_drop(struct mm *mm);           /* of mm_new, mm_fork and mm_ref; NULL does nothing */
uint64_t mm_root(const struct mm *mm); /* what CR3 holds */
struct mm_changes mm_take_changes(struct mm *mm);
/* The core goes over from one address space to another. Changes of the first that it has not heard of, and code pages that are not the
 * same in both, become changes of the second: what else the core knows about code stays right. */
void mm_switch(struct mm *from, struct mm *to);

/* Maps [addr, addr+size), replacing what is there. Takes over nothing: `file` gets one more reference. False: no memory. */
bool mm_map(struct mm *mm, uint64_t addr, uint64_t size, int prot, struct mm_file *file, uint64_t offset);
/* The same with MAP_SHARED; a file is one of mm_file_shared. */
bool mm_map_shared(struct mm *mm, uint64_t addr, uint64_t size, int prot, struct mm_file *file, uint64_t offset);
bool mm_map_shared_read_only(struct mm *mm, uint64_t addr, uint64_t size, int prot, struct mm_file *file, uint64_t offset);
bool mm_unmap(struct mm *mm, uint64_t addr, uint64_t size);
bool mm_protect(struct mm *mm, uint64_t addr, uint64_t size, int prot); /* false: a hole in the range */
/* Drops contents: pages read as new again. */
bool mm_discard(struct mm *mm, uint64_t addr, uint64_t size);
/* Moves pages with their frames; the target range must be free. */
bool mm_move(struct mm *mm, uint64_t from, uint64_t to, uint64_t size);
bool mm_populate(struct mm *mm, uint64_t addr, uint64_t size);
bool mm_is_free(const struct mm *mm, uint64_t addr, uint64_t size);
const struct mm_area *mm_find(const struct mm *mm, uint64_t addr); /* the area with addr, or NULL */
/* Highest free range below `top`, or lowest at or above `bottom`; 0 if none. */
uint64_t mm_gap_below(const struct mm *mm, uint64_t top, uint64_t bottom, uint64_t size);
void mm_set_stack(struct mm *mm, uint64_t addr, uint64_t floor);

/* A guest access at addr was refused by the page tables: brings the page in if the areas say it should be there. */
enum mm_fault mm_fault(struct mm *mm, uint64_t addr, int access);

/* Host access that ignores protection. False: some byte is not mapped (earlier bytes may have been copied). */
bool mm_read(struct mm *mm, uint64_t addr, void *buf, uint64_t size);
bool mm_write(struct mm *mm, uint64_t addr, const void *buf, uint64_t size);
/* Access with the guest's rights, as the kernel's copy_from_user and copy_to_user; the result is the bytes copied. */
uint64_t mm_copy_in(struct mm *mm, void *buf, uint64_t addr, uint64_t size);
uint64_t mm_copy_out(struct mm *mm, uint64_t addr, const void *buf, uint64_t size);
/* Physical address of a mapped page's byte; false if no frame is there. */
bool mm_translate(const struct mm *mm, uint64_t addr, uint32_t *paddr);

/* A file that mappings share: counted; the descriptor is its own and is closed with the last user. */
struct mm_file *mm_file_new(int fd);
void mm_file_drop(struct mm_file *f);
/* A file for MAP_SHARED, or for code: one for all of its mappings. Takes fd over. mm_share.c says when stores reach the file. */
struct mm_file *mm_file_shared(struct mm *mm, int fd, bool writable);
bool mm_file_flush(const struct mm_file *f);
bool mm_flush(const struct mm *mm, uint64_t addr, uint64_t size); /* shared files in that range */
/* The guest is about to read or change a file by a descriptor; it has changed one. */
void mm_before_access(const struct mm *mm, int fd);
void mm_after_write(struct mm *mm, int fd);
