/* morph's public face and its one structure. docs/morph.md says how the parts work together. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "guest/interp.h"
#include "policy/policy.h"
#include "shared.h"
#include "util/arena.h"

struct duke_machine; /* duke_isa.h: lanes, latencies, sizes */
struct block_cache;  /* guest/block.h: decoded guest blocks */
struct gear2;        /* run/gear2.h: the translator's working memory */
struct tcache;       /* cache/cache.h: translations */

struct morph {
    struct shared *sh;
    const struct duke_machine *machine;
    struct interp_state interp;
    struct arena arena; /* what is left of the memory given to morph_init */
    struct block_cache *blocks;
    struct gear2 *gear2;
    struct region *region; /* NULL: gear 3 is not used */
    struct tcache *tcache;
    uint64_t *tmask;  /* one 64-bit mask a guest page frame: 64-byte chunks that hold known code */
    uint8_t *written; /* one a page frame: 0: no store to marked code yet; else 1 + those that cost translations: run/smc.c */
    uint64_t frames;  /* guest page frames */
    uint64_t marked_low, marked_end; /* frames [low, end) hold all that have had code since morph_drop_all */
    /* Native addresses of the firmware's exit stubs, set after morph_init. */
    uint32_t exit_direct, exit_indirect, exit_interp;
    struct policies policy;
};

/* Makes morph's state in the memory at `arena`, which must be zero, as hidden memory is after reset: clearing big tables that a
 * short run hardly uses would cost more than the run. NULL if it does not suffice. sh->params must be filled in. */
struct morph *morph_init(struct shared *sh, void *arena, uint64_t size);

/* Runs the guest from sh->cpu until the host is to be asked something that ends the run (stop conditions); the caller
 * loops, as the host may change everything at a stop and let the guest go on. */
void morph_run(struct morph *m);

/* Bytes [paddr, paddr + len) of guest memory, all on one page, hold code that was decoded: from now on a guest store to
 * them traps with cause `translated`. Called whenever a block enters the decode cache. */
void morph_mark_code(struct morph *m, uint32_t paddr, uint32_t len);

/* Forgets decoded blocks and translations of the page frame that holds paddr. */
void morph_drop_page(struct morph *m, uint32_t paddr);

/* Forgets all decoded blocks and translations. */
void morph_drop_all(struct morph *m);
