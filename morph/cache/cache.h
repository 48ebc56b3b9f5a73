/* The translation cache: code, where it came from, and the links between translations.
 *
 * Code is only ever appended; when something is full, everything is dropped at once. A dropped translation keeps its memory
 * until then. Numbers of translations and exits start at 0 and are handed out in the order of native addresses.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "gen/gen.h"
#include "util/arena.h"

struct morph;

enum {
    CACHE_NONE = 0xffffffffu,
    CACHE_PAGE_HEADS = 1024,
    CACHE_FILTER_BITS = 8192,
    CACHE_MAX_KIB = 28 * 1024, /* jumps reach 32 MiB, and the firmware's stubs lie before the cache */
};

struct translation {
    uint64_t rip;        /* linear address of its entry */
    uint32_t entry, end; /* native [entry, end) */
    uint32_t block;      /* decoded block that it begins with */
    uint32_t first_exit, nexits;
    uint32_t incoming; /* exits chained to it: list through cache_exit.link; CACHE_NONE ends */
    uint32_t dead;
    uint16_t gear;  /* that made it: 2 or 3 */
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

struct tcache {
    uint8_t *mem;
    uint32_t native, size, used; /* bytes */
    uint32_t synced;             /* of them, what instruction fetch may see: see cache_sync */
    struct translation *tr;
    struct cache_exit *exits;
    struct cache_page *pages;
    uint32_t ntr, nexits, npages, max_tr, max_exits, max_pages;
    uint32_t max_commit; /* most guest instructions that one commit of any translation counts */
    uint32_t generation; /* counts flushes: exit numbers are good for one generation */
    uint32_t env;        /* what of the CPU's state translations rely on: run_env */
    uint64_t stop_rip;   /* and the stop address they were made for */
    uint32_t page_heads[CACHE_PAGE_HEADS];
    uint64_t filter[CACHE_FILTER_BITS / 64]; /* linear pages that translations may come from */
};

/* -- alloc.c */
struct tcache *cache_make(struct arena *a, uint64_t kib);
/* Drops everything. */
void cache_flush(struct morph *m);
/* Makes room for a translation of that size, by flushing if need be. False: it would not fit an empty cache. */
bool cache_reserve(struct morph *m, uint32_t words, uint32_t exits, uint32_t pages);
/* Where the next translation goes, and the firmware's stubs for its exits. */
struct gen_place cache_place(const struct morph *m, uint32_t words);
/* Enters the code just written at the end of the cache. Its exits are not chained yet. */
uint32_t cache_enter(struct morph *m, const struct ir_block *b, const struct gen_code *code, uint32_t block);
/* Lets new code be run; to be called before any of it is. */
void cache_sync(struct tcache *t);
/* Says that the last translation has code from this page. */
void cache_add_page(struct morph *m, uint64_t lin, uint32_t paddr);

/* -- lookup.c */
/* The translation whose code holds the native address, or CACHE_NONE. */
uint32_t cache_find(const struct tcache *t, uint32_t native);
/* The guest address that a commit PC stands for. r30: guest target register at the commit. */
uint64_t cache_resolve(const struct tcache *t, uint32_t cpc, uint64_t r30);

/* -- chain.c */
void cache_chain(struct morph *m, uint32_t exit, uint32_t to);
/* What went to translation `from` goes to `to` from now on. */
void cache_redirect(struct morph *m, uint32_t from, uint32_t to);
void cache_drop(struct morph *m, uint32_t tr);
void cache_drop_frame(struct morph *m, uint32_t paddr);
void cache_drop_range(struct morph *m, uint64_t start, uint64_t end); /* linear */
