/* The translation cache under every policy for a full one: random code in a cache that is much too small, and after every step
 * all that its tables say must agree. */
#include <stdlib.h>
#include <string.h>

#include "cache/cache.h"
#include "duke_isa.h"
#include "gtest_shim.h"
#include "policy/policy.h"
#include "rig.h"
#include "splitmix64.h"

enum { BLOCKS = 400, BLOCK_BYTES = 20, STEPS = 1500, ARENA = 4 << 20 };

/* Blocks of some additions and a conditional jump to another block. */
static void make_code(struct rig *r, uint64_t *seed)
{
    uint8_t code[BLOCKS * BLOCK_BYTES];
    memset(code, 0x90, sizeof code);
    for (unsigned i = 0; i < BLOCKS; i++) {
        uint8_t *at = &code[i * BLOCK_BYTES];
        for (unsigned k = (unsigned)(splitmix64(seed) % 3); k-- > 0;) {
            at[0] = 0x81; /* add r32, imm32 */
            at[1] = (uint8_t)(0xc0 + splitmix64(seed) % 8);
            at[2] = (uint8_t)i;
            at[3] = at[4] = at[5] = 0;
            at += 6;
        }
        uint32_t to = RIG_CODE + (uint32_t)(splitmix64(seed) % (BLOCKS - 1)) * BLOCK_BYTES;
        uint32_t rel = to - (RIG_CODE + (uint32_t)(at - code) + 6);
        at[0] = 0x0f; /* jne */
        at[1] = 0x85;
        memcpy(at + 2, &rel, 4);
    }
    code[(BLOCKS - 1) * BLOCK_BYTES] = 0xc3; /* ret: the end of the way down */
    rig_code(r, code, sizeof code);
}

static uint32_t branch_target(const struct tcache *t, uint32_t at)
{
    const uint32_t *w = (const uint32_t *)(const void *)(t->mem + (at - t->native));
    struct duke_op op;
    EXPECT(duke_decode(w, 2, &op) == DUKE_DECODE_OK);
    return at + (uint32_t)op.imm;
}

static bool within(const struct tcache *t, uint32_t tr)
{
    for (uint32_t u = 0; u < t->nunits; u++)
        if (tr >= cache_begin_of(t, u).ntr && tr < cache_fill_of(t, u).ntr)
            return true;
    return false;
}

/* Who is chained to translation n, by its list. */
static unsigned check_incoming(const struct tcache *t, uint32_t n)
{
    unsigned count = 0;
    for (uint32_t x = t->tr[n].incoming; x != CACHE_NONE; x = t->exits[x].link, count++) {
        EXPECT(t->exits[x].chained == n);
        EXPECT(branch_target(t, t->exits[x].branch) == t->tr[n].entry);
    }
    return count;
}

static void check_unit(const struct tcache *t, uint32_t u, unsigned *listed, unsigned *chained, unsigned *pages)
{
    struct cache_fill begin = cache_begin_of(t, u), end = cache_fill_of(t, u), limit = cache_begin_of(t, u + 1);
    uint32_t at = t->native + begin.used;
    EXPECT(end.used <= limit.used && end.ntr <= limit.ntr && end.nexits <= limit.nexits && end.npages <= limit.npages);
    for (uint32_t i = begin.ntr; i < end.ntr; i++) {
        const struct translation *tr = &t->tr[i];
        EXPECT(tr->entry >= at && tr->end > tr->entry && tr->end - t->native <= end.used);
        at = tr->end;
        EXPECT(cache_find(t, tr->entry) == i && cache_find(t, tr->end - 4) == i);
        *listed += check_incoming(t, i);
        EXPECT(!tr->dead || tr->incoming == CACHE_NONE);
    }
    for (uint32_t x = begin.nexits; x < end.nexits; x++) {
        const struct cache_exit *e = &t->exits[x];
        if (e->chained == CACHE_NONE)
            continue;
        ++*chained;
        EXPECT(within(t, e->chained) && !t->tr[e->chained].dead);
    }
    *pages += end.npages - begin.npages;
}

static void check(const struct rig *r)
{
    const struct tcache *t = r->m->tcache;
    const struct block_cache *c = r->m->blocks;
    unsigned listed = 0, chained = 0, pages = 0, linked = 0;
    for (uint32_t u = 0; u < t->nunits; u++)
        check_unit(t, u, &listed, &chained, &pages);
    EXPECT(listed == chained);
    for (unsigned h = 0; h < CACHE_PAGE_HEADS; h++)
        for (uint32_t i = t->page_heads[h]; i != CACHE_NONE; i = t->pages[i].next, linked++)
            EXPECT(t->pages[i].frame % CACHE_PAGE_HEADS == h && within(t, t->pages[i].translation));
    EXPECT(linked == pages);
    for (uint32_t i = 1; i < c->nblocks; i++) {
        const struct gblock *b = &c->blocks[i];
        if (!(b->flags & BLOCK_DEAD) && b->native)
            EXPECT(within(t, b->translation) && !t->tr[b->translation].dead && t->tr[b->translation].entry == b->native);
    }
}

static void step(struct rig *r, uint64_t *seed)
{
    struct tcache *t = r->m->tcache;
    uint32_t n = (uint32_t)(splitmix64(seed) % BLOCKS);
    struct gblock *b = rig_block(r, RIG_CODE + n * BLOCK_BYTES);
    EXPECT(b != NULL);
    if (!b)
        return;
    b->count = (uint32_t)r->sh->params.hot2;
    if (!b->native)
        gear2_translate(r->m, b);
    else if (splitmix64(seed) % 16 == 0)
        cache_drop(r->m, b->translation);
    if (splitmix64(seed) % 256 == 0)
        cache_drop_frame(r->m, RIG_CODE + (uint32_t)(splitmix64(seed) % 2) * 4096);
    if (splitmix64(seed) % 512 == 0) {
        cache_flush(r->m);
        EXPECT(t->used == 0 && t->ntr == 0 && t->unit == 0);
    }
}

/* Runs a policy in so small a cache; returns its statistics. */
static struct morph_stats run(const struct evict_policy *policy, unsigned kib, unsigned units, uint64_t seed)
{
    struct rig *r = rig_make("default");
    void *memory = calloc(1, ARENA);
    struct arena a = {.base = memory, .size = ARENA};
    uint32_t env = r->m->tcache->env;
    uint64_t stop = r->m->tcache->stop_rip;
    r->sh->params.tcache_kib = kib;
    r->sh->params.tcache_units = units;
    r->m->tcache = cache_make(&a, &r->sh->params, policy);
    r->m->tcache->env = env;
    r->m->tcache->stop_rip = stop;
    make_code(r, &seed);
    for (unsigned i = 0; i < STEPS; i++) {
        step(r, &seed);
        check(r);
    }
    struct morph_stats s = r->sh->stats;
    EXPECT(s.tcache_evicted > 100 && s.tcache_again > 50 && s.tcache_again <= s.tcache_evicted);
    free(memory);
    rig_free(r);
    return s;
}

TEST_CASE(cache, flush)
{
    struct morph_stats s = run(&evict_flush, 16, 8, 1);
    EXPECT(s.tcache_flushes > 5 && s.tcache_units == 0);
}

TEST_CASE(cache, fifo)
{
    struct morph_stats s = run(&evict_fifo, 32, 8, 2), two = run(&evict_fifo, 16, 2, 3);
    EXPECT(s.tcache_flushes == 0 && s.tcache_units > 10);
    EXPECT(two.tcache_units > 10);
}

TEST_CASE(cache, generational)
{
    struct morph_stats s = run(&evict_generational, 32, 8, 4), two = run(&evict_generational, 16, 2, 5);
    EXPECT(s.tcache_flushes == 0 && s.tcache_units > 10);
    EXPECT(two.tcache_units > 10);
}

/* A cache too small for two units has one, whatever the policy wants. */
TEST_CASE(cache, one_unit)
{
    struct morph_params p = {.tcache_kib = 16, .tcache_units = 8};
    const struct evict_policy *const all[] = {&evict_flush, &evict_fifo, &evict_generational};
    for (unsigned i = 0; i < 3; i++) {
        EXPECT(all[i]->units(&p, 1) == 1);
        EXPECT(all[i]->units(&p, 64) <= 64);
    }
}
