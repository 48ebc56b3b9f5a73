/* The translation cache: code, where it came from, and the links between translations.
 *
 * The cache is cut into units, and so are its tables. Code is only ever appended to a unit; when that is full, a policy says which
 * unit is emptied, whole, and filled next. A dropped translation keeps its memory until then. Within a unit the numbers of
 * translations and exits go up with native addresses.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "gen/gen.h"
#include "util/arena.h"

struct gblock;
struct morph;
struct morph_params;

enum {
    CACHE_NONE = 0xffffffffu,
    CACHE_PAGE_HEADS = 1024,
    CACHE_FILTER_BITS = 8192,
    CACHE_UNITS_MAX = 64,
    CACHE_GROUPS = 2,
    CACHE_UNIT_MIN = 8192,      /* bytes; a smaller one would not take the longest translations */
    CACHE_NEAR_KIB = 28 * 1024, /* jumps of one word reach 32 MiB, and the firmware's stubs lie before the cache */
};

struct translation {
    uint64_t rip;        /* linear address of its entry */
    uint32_t entry, end; /* native [entry, end) */
    uint32_t block;      /* decoded block that it begins with */
    uint32_t first_exit, nexits;
    uint32_t incoming; /* exits chained to it: list through cache_exit.link; CACHE_NONE ends */
    uint32_t dead;
    uint8_t gear;   /* that made it: 2 or 3 */
    uint8_t round;  /* gear 3: its path comes back to its head */
    uint16_t stack; /* state of the x87's stack that it is good for, + 1; 0: for any */
};

struct cache_exit {
    uint64_t target, next;        /* linear: where it goes, and what follows it in the block */
    uint32_t branch, stub, after; /* native, see struct gen_exit_code */
    uint32_t chained;             /* translation, or CACHE_NONE */
    uint32_t link;
    uint32_t kind; /* enum ir_exit_kind */
};

/* A page that a translation has code from. */
struct cache_page {
    uint64_t page;  /* linear page number */
    uint32_t frame; /* physical page number */
    uint32_t translation, next;
};

/* How far a unit is filled, or where one begins. Positions and numbers are those of the whole cache. */
struct cache_fill {
    uint64_t begun;  /* icount when filling it began */
    uint32_t used;   /* bytes */
    uint32_t synced; /* of them, what instruction fetch may see: see cache_sync */
    uint32_t ntr, nexits, npages;
};

struct tcache {
    uint8_t *mem;
    uint32_t native, size; /* bytes */
    uint32_t used;         /* as in struct cache_fill, of the unit that is being filled */
    uint32_t synced;       /* the same */
    uint32_t end;          /* bytes: where that unit ends */
    uint32_t grouped;      /* there is more than one group of units */
    struct translation *tr;
    struct cache_exit *exits;
    struct cache_page *pages;
    uint32_t ntr, nexits, npages; /* the same, and where the unit's parts of the tables end: */
    uint32_t max_tr, max_exits, max_pages;
    uint32_t max_commit; /* most guest instructions that one commit of any translation counts */
    uint32_t generation; /* counts units emptied: exit numbers are good for one generation */
    uint32_t env;        /* what of the CPU's state translations rely on: run_env */
    uint64_t stop_rip;   /* and the stop address they were made for */
    uint32_t page_heads[CACHE_PAGE_HEADS];
    uint64_t filter[CACHE_FILTER_BITS / 64]; /* linear pages that translations may come from */
    uint64_t begun;                          /* as `used` */
    const struct evict_policy *policy;
    struct cache_fill step;      /* what one unit holds: unit n begins at n times that */
    uint32_t nunits, unit;       /* unit: the one that is being filled */
    uint32_t group;              /* of units: each has one that is being filled */
    uint32_t open[CACHE_GROUPS]; /* that unit, for the other groups */
    struct cache_fill *fill;     /* of all units but the one that is being filled */
};

/* What a policy for a full cache decides. Policies are files of their own: see policy/. */
struct evict_policy {
    /* Units that the cache has, at most `most`. With one all is emptied at once, and nothing below is asked. */
    uint32_t (*units)(const struct morph_params *p, uint32_t most);
    /* How many of n units belong to group 0; the others to group 1. n: there is one group, and group() may be NULL. */
    uint32_t (*split)(uint32_t n);
    /* The group of what `gear` makes now. gone: 0, or 1 + the group that an earlier translation of the code was in when it had to
     * go because the cache was full. */
    uint32_t (*group)(uint32_t gear, uint32_t gone);
    /* The unit of [first, end) that is emptied and filled next; `last` was filled just now. */
    uint32_t (*victim)(const struct tcache *t, uint32_t first, uint32_t end, uint32_t last);
};

/* -- alloc.c */
struct tcache *cache_make(struct arena *a, const struct morph_params *p, const struct evict_policy *policy);
/* Whether jumps within the cache and out of it take two words. */
static inline bool cache_is_far(const struct tcache *t) { return t->size > CACHE_NEAR_KIB * 1024u; }
/* Makes room for a translation of that size, by emptying a unit if need be. False: it would not fit an empty one. */
bool cache_reserve(struct morph *m, uint32_t words, uint32_t exits, uint32_t pages);
/* Where the next translation goes, and the firmware's stubs for its exits. */
struct gen_place cache_place(const struct morph *m, uint32_t words);
/* Enters the code just written at the end of the cache. Its exits are not chained yet. */
uint32_t cache_enter(struct morph *m, const struct ir_block *b, const struct gen_code *code, uint32_t block);
/* Lets new code be run; to be called before any of it is. */
void cache_sync(struct tcache *t);
/* Says that the last translation has code from this page. */
void cache_add_page(struct morph *m, uint64_t lin, uint32_t paddr);

/* -- evict.c */
/* Drops everything. */
void cache_flush(struct morph *m);
/* The current unit has no room for that: empties one, or all, as the policy says. False: it would not fit an empty one. */
bool cache_make_room(struct morph *m, uint32_t words, uint32_t exits, uint32_t pages);
/* Begins anew: nothing is translated. */
void cache_reset(struct tcache *t);
/* Goes on in the unit of the group that the policy puts such a translation in: of block b, by that gear. */
void cache_choose_group(struct morph *m, uint32_t gear, const struct gblock *b);
/* How far unit u is filled; where it begins. */
struct cache_fill cache_fill_of(const struct tcache *t, uint32_t u);
struct cache_fill cache_begin_of(const struct tcache *t, uint32_t u);
/* Whether there may be translations. */
static inline bool cache_live(const struct tcache *t) { return t->ntr || t->nunits > 1; }
/* To be called before room is asked for. */
static inline void cache_aim(struct morph *m, struct tcache *t, uint32_t gear, const struct gblock *b)
{
    if (t->grouped)
        cache_choose_group(m, gear, b);
}

/* -- lookup.c */
/* The translation whose code holds the native address, or CACHE_NONE. */
uint32_t cache_find(const struct tcache *t, uint32_t native);
/* The guest address that a commit PC stands for. r30: guest target register at the commit. */
uint64_t cache_resolve(const struct tcache *t, uint32_t cpc, uint64_t r30);

/* -- chain.c */
void cache_chain(struct morph *m, uint32_t exit, uint32_t to);
/* What went to translation `from` goes to `to` from now on. */
void cache_redirect(struct morph *m, uint32_t from, uint32_t to);
/* What is chained to translation n goes to its stub again, as far as it is not among exits [begin, end), which are gone. */
void cache_unchain(struct tcache *t, uint32_t n, uint32_t begin, uint32_t end);
void cache_drop(struct morph *m, uint32_t tr);
void cache_drop_frame(struct morph *m, uint32_t paddr);
void cache_drop_range(struct morph *m, uint64_t start, uint64_t end); /* linear */
/* Points the branch at a native address of the cache elsewhere. */
void cache_patch(struct tcache *t, uint32_t at, uint32_t target);
