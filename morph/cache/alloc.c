/* Room for translations, and their entry into the cache's tables. */
#include "cache.h"

#include "duke_isa.h"
#include "guest/block.h"
#include "morph.h"
#include "port.h"

struct tcache *cache_make(struct arena *a, const struct morph_params *p, const struct evict_policy *policy)
{
    uint32_t size = (uint32_t)p->tcache_kib * 1024, most = size / CACHE_UNIT_MIN;
    uint32_t max_tr = size / 128, max_exits = size / 64;
    uint8_t *mem = arena_alloc(a, size, 64);
    struct tcache *t = arena_alloc(a, sizeof *t, 64);
    struct translation *tr = arena_alloc(a, (uint64_t)max_tr * sizeof *tr, 64);
    struct cache_exit *exits = arena_alloc(a, (uint64_t)max_exits * sizeof *exits, 64);
    struct cache_page *pages = arena_alloc(a, (uint64_t)max_tr * 2 * sizeof *pages, 64);
    uint32_t n = policy->units(p, most < CACHE_UNITS_MAX ? most : CACHE_UNITS_MAX);
    struct cache_fill *fill = arena_alloc(a, n * sizeof *fill, 64);
    if (!mem || !t || !tr || !exits || !pages || !fill)
        return NULL;
    *t = (struct tcache){.mem = mem, .size = size, .tr = tr, .exits = exits, .pages = pages, .policy = policy, .fill = fill};
    t->nunits = n;
    t->grouped = n > 1 && policy->group != NULL;
    t->step = (struct cache_fill){0, size / n & ~63u, 0, max_tr / n, max_exits / n, max_tr * 2 / n};
    cache_reset(t);
    /* On Duke an address is an address. On the host the code is only looked at: any base will do. */
    uint64_t at = (uint64_t)(uintptr_t)mem;
    t->native = at < UINT64_C(0x80000000) ? (uint32_t)at : 0x40100000;
    for (unsigned i = 0; i < CACHE_PAGE_HEADS; i++)
        t->page_heads[i] = CACHE_NONE;
    return t;
}

bool cache_reserve(struct morph *m, uint32_t words, uint32_t exits, uint32_t pages)
{
    struct tcache *t = m->tcache;
    if (t->used + words * 4 <= t->end && t->nexits + exits <= t->max_exits && t->npages + pages <= t->max_pages &&
        t->ntr < t->max_tr)
        return true;
    return cache_make_room(m, words, exits, pages);
}

struct gen_place cache_place(const struct morph *m, uint32_t words)
{
    const struct tcache *t = m->tcache;
    return (struct gen_place){.words = (uint32_t *)(void *)(t->mem + t->used),
                              .max_words = words,
                              .native = t->native + t->used,
                              .first_exit = t->nexits,
                              .exit_direct = m->exit_direct,
                              .exit_indirect = m->exit_indirect,
                              .exit_interp = m->exit_interp};
}

static void enter_exit(struct tcache *t, const struct ir_exit *e, const struct gen_exit_code *c)
{
    struct cache_exit *x = &t->exits[t->nexits++];
    *x = (struct cache_exit){.target = e->target, .next = e->next, .branch = c->branch, .stub = c->stub, .after = c->after};
    x->chained = x->link = CACHE_NONE;
    x->kind = e->kind;
    if (e->ninsns > t->max_commit)
        t->max_commit = e->ninsns;
}

uint32_t cache_enter(struct morph *m, const struct ir_block *b, const struct gen_code *code, uint32_t block)
{
    struct tcache *t = m->tcache;
    uint32_t n = t->ntr++, first = t->nexits;
    struct translation *tr = &t->tr[n];
    tr->rip = b->rip;
    tr->entry = t->native + t->used;
    t->used += code->nwords * 4;
    tr->end = t->native + t->used;
    tr->block = block;
    tr->first_exit = first;
    tr->nexits = b->nexits;
    tr->incoming = CACHE_NONE;
    tr->dead = 0;
    tr->gear = 2;
    tr->stack = 0;
    for (uint32_t i = 0; i < b->nexits; i++)
        enter_exit(t, &b->exit[i], &code->exit[i]);
    struct gblock *g = &m->blocks->blocks[block];
    if (g->flags & BLOCK_GONE) {
        g->flags &= ~(uint32_t)BLOCK_GONE;
        m->sh->stats.tcache_again++;
    }
    g->native = tr->entry;
    g->follow_key = BLOCK_NO_KEY;
    g->translation = n;
    return n;
}

void cache_sync(struct tcache *t)
{
    port_code_sync_range(t->native + t->synced, t->used - t->synced);
    t->synced = t->used;
}

void cache_add_page(struct morph *m, uint64_t lin, uint32_t paddr)
{
    struct tcache *t = m->tcache;
    uint64_t page = lin >> 12;
    uint32_t frame = paddr >> 12, n = t->ntr - 1;
    for (uint32_t i = t->npages; i > 0 && t->pages[i - 1].translation == n; i--)
        if (t->pages[i - 1].page == page && t->pages[i - 1].frame == frame)
            return;
    uint32_t *head = &t->page_heads[frame % CACHE_PAGE_HEADS];
    t->pages[t->npages] = (struct cache_page){page, frame, n, *head};
    *head = t->npages++;
    t->filter[page % CACHE_FILTER_BITS / 64] |= UINT64_C(1) << page % 64;
}
