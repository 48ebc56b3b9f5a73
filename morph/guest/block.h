/* The decode cache: guest blocks as arrays of struct ginsn, made once.
 *
 * A block is found by linear address and mode. It ends after a control transfer (op attribute END), at params.block_insns,
 * at the end of its page - the last instruction may cross into the next page - or before an instruction that cannot be
 * fetched or decoded. Whoever finds no block at such an address asks block_make, which says which fault it is.
 *
 * Blocks and instructions live in two arrays; links are indices, 0 is none. Dropped blocks leave their instructions where
 * they are until block_drop_all, so an interpreter that is in the middle of one can finish the instruction.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "decode.h"
#include "ginsn.h"
#include "shared.h"
#include "util/arena.h"

struct morph;

enum block_end { BLOCK_END_BRANCH, BLOCK_END_LIMIT, BLOCK_END_PAGE, BLOCK_END_UNDECODED };

enum { /* flags */
       BLOCK_DEAD = 1,
       BLOCK_X87 = 2, /* has instructions that gear 2 has no direct forms for, or only the interpreter knows, x87 most of all */
       BLOCK_SHORT = 4,  /* is translated alone, in short parts */
       BLOCK_STACK = 16, /* counts, up to BLOCK_STACKS, translations for another state of the x87's stack than there was */
       BLOCK_STACKS = 8 * BLOCK_STACK,
       BLOCK_GONE = 3 << 16,  /* its translation had to go because the cache was full: 1 + the group it was in (cache.h) */
       BLOCK_ASKED = 1 << 18, /* counts, up to 7 times, how often the promotion policy was asked: see struct promote_policy */
       BLOCK_SPAN_AT = 8,     /* from here on: see block_span */
};

enum {
    BLOCK_NO_KEY = 1,
    BLOCK_MAX_INSNS = 64,
    BLOCK_RECENT = 64,
};

enum { BLOCK_NO_PAGE = 0xffffffffu };

struct gblock {
    /* The first 64 bytes are what the interpreter reads on its way from block to block. */
    uint64_t rip;        /* linear address of the first instruction */
    uint64_t follow_key; /* shared.follow_key for which an interpreter may come here without asking; BLOCK_NO_KEY: none */
    uint64_t end_rip;    /* what follows the last instruction in memory */
    struct ginsn *first;
    struct gblock *succ[2]; /* where it went last; never NULL, but perhaps dead or another block by now: compare rip and key */
    uint32_t count;         /* executions seen by the dispatcher and the interpreter */
    uint32_t native;        /* native address of its translation, 0 if none */
    uint16_t start;         /* number of the first instruction's handler */
    uint16_t ninsns;        /* at least 1 */
    uint16_t len;           /* bytes */
    uint8_t mode;           /* enum guest_mode */
    uint8_t end;            /* enum block_end */
    uint32_t translation;   /* number of its translation in the tcache */
    uint32_t flags;         /* BLOCK_* */
    uint32_t paddr;         /* physical address of the first byte */
    uint32_t paddr2;        /* physical address of the second page, or BLOCK_NO_PAGE */
    uint32_t epoch;         /* mappings were checked in this epoch of the cache */
    uint32_t hash_next;     /* links of the cache */
    uint32_t page_next[2];
};

struct block_cache {
    struct gblock *blocks; /* [max_blocks]; 0 is nowhere, a block that nothing finds */
    struct ginsn *insns;   /* [max_insns] */
    uint32_t *hash;        /* [hash_mask + 1] */
    uint32_t *pages;       /* [page_mask + 1] heads of lists of blocks by physical page */
    uint64_t *lin_filter;  /* bits of hashed linear pages that had code since the last block_drop_all */
    uint32_t hash_mask, page_mask, filter_mask;
    uint32_t max_blocks, nblocks, free; /* free: dropped blocks, through hash_next */
    uint32_t max_insns, ninsns;
    uint32_t epoch;           /* from 1 */
    struct {                  /* the last page that code was looked up on */
        uint64_t page, frame; /* page: its number + 1; 0: none */
        uint32_t epoch, user;
    } fetch;
    struct decode_memo memo;
    struct gblock *recent[BLOCK_RECENT]; /* what block_here found, by address; never NULL, but perhaps dead or another by now */
};

enum block_result {
    BLOCK_OK,
    BLOCK_PAGE_FAULT, /* fetch faults: fault->addr, fault->error */
    BLOCK_UNDEFINED,  /* #UD */
    BLOCK_PROTECTION, /* #GP: instruction too long, non-canonical address or beyond the segment's 4 GiB */
    BLOCK_FULL,       /* no room: morph_drop_all, then try again */
};

struct block_fault {
    uint64_t addr;
    uint32_t error;
    uint8_t nbytes; /* bytes of the instruction that could be read, for messages */
    uint8_t bytes[16];
};

/* A cache for `max_blocks` blocks and `max_insns` instructions in the arena's memory, which is zero; NULL if that is too small. */
struct block_cache *block_cache_make(struct arena *arena, uint32_t max_blocks, uint32_t max_insns);

/* Makes, binds and enters the block at linear address `rip` in the CPU's mode and privilege, unless there is one. Calls
 * morph_mark_code for a new one. */
enum block_result block_make(struct morph *m, uint64_t rip, struct gblock **out, struct block_fault *fault);

/* Where a block is remembered that will soon be asked for again. */
static inline struct gblock **block_recent(struct block_cache *c, uint64_t rip)
{
    return &c->recent[(rip ^ rip >> 6) & (BLOCK_RECENT - 1)];
}

/* Slow path of block_find: the mappings may have changed since the block was last used. Drops it if they have. */
bool block_still_mapped(struct morph *m, struct gblock *b);

/* To be called when linear addresses may map elsewhere (TLB flush, CR3 write): blocks are checked when next found. */
static inline void block_new_epoch(struct block_cache *c) { c->epoch++; }

/* Forgetting: one block; all with a byte in that physical page, in that range, all there are. */
void block_drop(struct block_cache *c, struct gblock *b);
void block_drop_page(struct block_cache *c, uint32_t paddr);
void block_drop_range(struct block_cache *c, uint64_t start, uint64_t end); /* linear [start, end) */
void block_drop_all(struct block_cache *c);
/* Blocks whose `translation` is `refused` may be tried again, and block_span is asked for again. */
void block_retry_refused(struct block_cache *c, uint32_t refused);

/* Blocks that lie, in part, on the page frame of paddr: 0 ends. The next must be asked for before dropping this one. */
uint32_t block_first_on_page(const struct block_cache *c, uint32_t paddr);
uint32_t block_next_on_page(const struct block_cache *c, uint32_t index, uint32_t paddr);

static inline uint32_t block_hash(uint64_t rip)
{
    return (uint32_t)(rip >> 2 ^ rip >> 14); /* blocks that are neighbours are so in the table: fewer cache misses */
}

static inline uint32_t block_index(const struct block_cache *c, const struct gblock *b) { return (uint32_t)(b - c->blocks); }

static inline struct ginsn *block_insns(const struct block_cache *c, const struct gblock *b)
{
    (void)c;
    return b->first;
}

/* What shared.follow_key is while the interpreter may go from block to block: changes with everything that a block's being the
 * right one at its address depends on. */
static inline uint64_t block_key(const struct block_cache *c, const struct guest_cpu *cpu)
{
    return (uint64_t)c->epoch << 2 | cpu->user << 1 | cpu->mode;
}

/* How many instructions from the first the interpreter should do though some could be translated, plus 1; 0: nobody has thought about
 * it. */
static inline unsigned block_span(const struct gblock *b) { return b->flags >> BLOCK_SPAN_AT & 0xff; }

static inline void block_set_span(struct gblock *b, unsigned n) { b->flags |= (n + 1) << BLOCK_SPAN_AT; }

/* The block at linear address `rip`, or NULL. Does not check mappings: see block_find. */
static inline struct gblock *block_peek(const struct block_cache *c, uint64_t rip, unsigned mode)
{
    for (uint32_t i = c->hash[block_hash(rip) & c->hash_mask]; i; i = c->blocks[i].hash_next)
        if (c->blocks[i].rip == rip && c->blocks[i].mode == mode)
            return &c->blocks[i];
    return 0;
}

/* The block at linear address `rip` in the CPU's mode, its mapping checked; NULL: block_make. */
static inline struct gblock *block_find(struct morph *m, struct block_cache *c, uint64_t rip, unsigned mode)
{
    struct gblock *b = block_peek(c, rip, mode);
    return b && (b->epoch == c->epoch || block_still_mapped(m, b)) ? b : 0;
}
