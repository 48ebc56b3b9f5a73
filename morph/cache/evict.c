/* A full cache: emptying a unit, or everything. */
#include "cache.h"
#include "guest/block.h"
#include "morph.h"
#include "port.h"

struct cache_fill cache_begin_of(const struct tcache *t, uint32_t u)
{
    return (struct cache_fill){port_icount(),   u * t->step.used,   u * t->step.used,
                               u * t->step.ntr, u * t->step.nexits, u * t->step.npages};
}

struct cache_fill cache_fill_of(const struct tcache *t, uint32_t u)
{
    if (u != t->unit)
        return t->fill[u];
    return (struct cache_fill){t->begun, t->used, t->synced, t->ntr, t->nexits, t->npages};
}

/* Goes on in unit u where it was left. */
static void enter_unit(struct tcache *t, uint32_t u)
{
    struct cache_fill from = t->fill[u], end = cache_begin_of(t, u + 1);
    t->unit = u;
    t->begun = from.begun;
    t->used = from.used;
    t->synced = from.synced;
    t->ntr = from.ntr;
    t->nexits = from.nexits;
    t->npages = from.npages;
    t->end = end.used;
    t->max_tr = end.ntr;
    t->max_exits = end.nexits;
    t->max_pages = end.npages;
}

static void leave_unit(struct tcache *t)
{
    cache_sync(t);
    t->fill[t->unit] = cache_fill_of(t, t->unit);
}

void cache_reset(struct tcache *t)
{
    for (uint32_t u = 0; u < t->nunits; u++)
        t->fill[u] = cache_begin_of(t, u);
    t->max_commit = t->group = 0;
    t->open[0] = 0;
    t->open[1] = t->policy->split(t->nunits);
    enter_unit(t, 0);
}

/* The blocks that begin with translations of the unit have none any more. full: room is needed; else what was translated has
 * become wrong. */
static void forget(struct morph *m, uint32_t u, bool full)
{
    struct tcache *t = m->tcache;
    struct morph_stats *s = &m->sh->stats;
    uint32_t gone = (u < t->policy->split(t->nunits) ? 1 : 2) * (BLOCK_GONE / 3);
    struct cache_fill fill = cache_fill_of(t, u);
    uint64_t age = port_icount() - fill.begun;
    for (uint32_t i = cache_begin_of(t, u).ntr; i < fill.ntr; i++) {
        const struct translation *tr = &t->tr[i];
        struct gblock *b = &m->blocks->blocks[tr->block];
        if (tr->dead)
            continue;
        if (full) {
            s->tcache_evicted++;
            s->tcache_evicted_bytes += tr->end - tr->entry;
            s->tcache_residence += age;
        }
        if (b->native && b->translation == i) {
            b->native = 0;
            b->flags |= full ? gone : 0;
        }
    }
}

static void flush(struct morph *m, bool full)
{
    struct tcache *t = m->tcache;
    for (uint32_t u = 0; u < t->nunits; u++) {
        uint32_t end = cache_fill_of(t, u).npages;
        for (uint32_t i = cache_begin_of(t, u).npages; i < end; i++) { /* only what is used: small caches are flushed often */
            t->page_heads[t->pages[i].frame % CACHE_PAGE_HEADS] = CACHE_NONE;
            t->filter[t->pages[i].page % CACHE_FILTER_BITS / 64] = 0;
        }
        forget(m, u, full);
    }
    cache_reset(t);
    t->generation++;
    port_itc_flush();
}

void cache_flush(struct morph *m) { flush(m, false); }

static bool in_unit(uint32_t n, uint32_t begin, uint32_t end) { return n >= begin && n < end; }

/* Undoes the links between the unit and the others, in both directions. */
static void unlink_exits(struct tcache *t, uint32_t u)
{
    struct cache_fill begin = cache_begin_of(t, u), end = cache_fill_of(t, u);
    for (uint32_t i = begin.ntr; i < end.ntr; i++)
        cache_unchain(t, i, begin.nexits, end.nexits);
    for (uint32_t x = begin.nexits; x < end.nexits; x++) { /* what is chained still leads to other units */
        if (t->exits[x].chained == CACHE_NONE)
            continue;
        uint32_t *at = &t->tr[t->exits[x].chained].incoming;
        while (*at != CACHE_NONE) { /* all of this unit's at once: each list is walked once */
            struct cache_exit *e = &t->exits[*at];
            if (in_unit(*at, begin.nexits, end.nexits)) {
                *at = e->link;
                e->chained = e->link = CACHE_NONE;
            } else {
                at = &e->link;
            }
        }
    }
}

/* Takes the unit's pages out of the lists by frame. Their bits in the filter stay: others may have set them too. */
static void unlink_pages(struct tcache *t, uint32_t u)
{
    uint32_t begin = cache_begin_of(t, u).npages, end = cache_fill_of(t, u).npages;
    for (uint32_t i = begin; i < end; i++) {
        uint32_t *at = &t->page_heads[t->pages[i].frame % CACHE_PAGE_HEADS];
        while (*at != CACHE_NONE)
            if (in_unit(*at, begin, end))
                *at = t->pages[*at].next;
            else
                at = &t->pages[*at].next;
    }
}

static void empty_unit(struct morph *m, uint32_t u)
{
    struct tcache *t = m->tcache;
    unlink_exits(t, u);
    unlink_pages(t, u);
    forget(m, u, true);
    t->fill[u] = cache_begin_of(t, u);
    t->generation++;
    port_itc_flush();
    m->sh->stats.tcache_units++;
}

bool cache_make_room(struct morph *m, uint32_t words, uint32_t exits, uint32_t pages)
{
    struct tcache *t = m->tcache;
    if (words * 4 > t->step.used || exits > t->step.nexits || pages > t->step.npages)
        return false;
    if (t->nunits == 1) {
        flush(m, true);
        m->sh->stats.tcache_flushes++;
        return true;
    }
    uint32_t split = t->policy->split(t->nunits), first = t->group ? split : 0, end = t->group ? t->nunits : split;
    uint32_t u = t->policy->victim(t, first, end, t->unit);
    leave_unit(t);
    if (t->fill[u].ntr != cache_begin_of(t, u).ntr)
        empty_unit(m, u);
    enter_unit(t, u);
    return true;
}

void cache_choose_group(struct morph *m, uint32_t gear, const struct gblock *b)
{
    struct tcache *t = m->tcache;
    uint32_t group = t->policy->group(gear, (b->flags & BLOCK_GONE) / (BLOCK_GONE / 3));
    if (group == t->group)
        return;
    leave_unit(t);
    t->open[t->group] = t->unit;
    t->group = group;
    enter_unit(t, t->open[group]);
}
