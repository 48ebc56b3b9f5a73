/* Links between translations, and taking translations out again. */
#include "cache.h"

#include "duke_isa.h"
#include "guest/block.h"
#include "morph.h"
#include "port.h"

void cache_patch(struct tcache *t, uint32_t at, uint32_t target)
{
    enum { BRANCH_BYTES = 8 };
    uint32_t offset = at - t->native;
    gen_patch((uint32_t *)(void *)(t->mem + offset), at, target);
    if (offset < t->synced || offset >= t->end)
        port_code_sync_range(at, BRANCH_BYTES);
}

/* Makes the exit go straight to translation `to`. */
void cache_chain(struct morph *m, uint32_t exit, uint32_t to)
{
    struct tcache *t = m->tcache;
    struct cache_exit *x = &t->exits[exit];
    if (x->chained != CACHE_NONE || t->tr[to].dead)
        return;
    cache_patch(t, x->branch, t->tr[to].entry);
    x->chained = to;
    x->link = t->tr[to].incoming;
    t->tr[to].incoming = exit;
    m->sh->stats.chains++;
}

void cache_redirect(struct morph *m, uint32_t from, uint32_t to)
{
    struct tcache *t = m->tcache;
    for (uint32_t i = t->tr[from].incoming, next; i != CACHE_NONE; i = next) {
        struct cache_exit *x = &t->exits[i];
        next = x->link;
        cache_patch(t, x->branch, t->tr[to].entry);
        x->chained = to;
        x->link = t->tr[to].incoming;
        t->tr[to].incoming = i;
    }
    t->tr[from].incoming = CACHE_NONE;
}

void cache_unchain(struct tcache *t, uint32_t n, uint32_t begin, uint32_t end)
{
    for (uint32_t i = t->tr[n].incoming, next; i != CACHE_NONE; i = next) {
        struct cache_exit *x = &t->exits[i];
        next = x->link;
        if (i < begin || i >= end)
            cache_patch(t, x->branch, x->stub);
        x->chained = x->link = CACHE_NONE;
    }
    t->tr[n].incoming = CACHE_NONE;
}

void cache_drop(struct morph *m, uint32_t n)
{
    struct tcache *t = m->tcache;
    struct translation *tr = &t->tr[n];
    if (tr->dead)
        return;
    tr->dead = 1;
    struct gblock *b = &m->blocks->blocks[tr->block];
    if (b->native == tr->entry && b->translation == n)
        b->native = 0;
    cache_unchain(t, n, 0, 0);
    m->sh->stats.tcache_invalidations++;
    port_itc_flush();
}

void cache_drop_frame(struct morph *m, uint32_t paddr)
{
    struct tcache *t = m->tcache;
    uint32_t frame = paddr >> 12;
    for (uint32_t i = t->page_heads[frame % CACHE_PAGE_HEADS]; i != CACHE_NONE; i = t->pages[i].next)
        if (t->pages[i].frame == frame)
            cache_drop(m, t->pages[i].translation);
}

void cache_drop_range(struct morph *m, uint64_t start, uint64_t end)
{
    struct tcache *t = m->tcache;
    uint64_t first = start >> 12, last = (end - 1) >> 12;
    bool any = last - first >= CACHE_FILTER_BITS;
    for (uint64_t p = first; !any && p <= last; p++)
        any = t->filter[p % CACHE_FILTER_BITS / 64] >> p % 64 & 1;
    if (!any)
        return;
    for (uint32_t u = 0; u < t->nunits; u++) {
        uint32_t n = cache_fill_of(t, u).npages;
        for (uint32_t i = cache_begin_of(t, u).npages; i < n; i++)
            if (t->pages[i].page >= first && t->pages[i].page <= last)
                cache_drop(m, t->pages[i].translation);
    }
}
