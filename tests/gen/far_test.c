/* Jumps as far as they reach, and a translation cache larger than that. */
#include <stdlib.h>
#include <string.h>

#include "cache/cache.h"
#include "duke_isa.h"
#include "gtest_shim.h"
#include "policy/policy.h"
#include "region/region.h"
#include "rig.h"

enum { KIB = 65536, ARENA = 192 << 20, MIDDLE = 0x44000000, JUMP_REACH = 32 << 20 };

/* Where a patched jump at MIDDLE leads, by the codec. */
static uint32_t patched(const struct gen_info *jump, uint32_t target)
{
    uint32_t w[2] = {jump->imm, jump->ext[1] | DUKE_END};
    struct duke_op op;
    if (jump->fmt == DUKE_FMT_J)
        w[0] |= DUKE_END;
    gen_patch(w, MIDDLE, target);
    EXPECT(duke_decode(w, 2, &op) == DUKE_DECODE_OK);
    EXPECT(op.end && op.words == (jump->fmt == DUKE_FMT_J ? 1 : 2));
    EXPECT(op.op == (jump->fmt == DUKE_FMT_J ? DUKE_OP_J : DUKE_OP_BEQ) && op.ra == 0 && op.rb == 0);
    return MIDDLE + (uint32_t)op.imm;
}

TEST_CASE(far, reach)
{
    static const int32_t near[] = {0, 4, -4, JUMP_REACH - 4, -JUMP_REACH};
    static const int32_t far[] = {JUMP_REACH, -JUMP_REACH - 4, 64 << 20, -(64 << 20), 0x3ffffffc, -0x40000000};
    struct rig *r = rig_make("default");
    struct gen_info *jump = &r->m->gear2->gen.info[DUKE_OP_J];
    for (unsigned i = 0; i < sizeof near / sizeof *near; i++)
        EXPECT(patched(jump, MIDDLE + (uint32_t)near[i]) == MIDDLE + (uint32_t)near[i]);
    for (unsigned i = 0; i < 2; i++) /* which is why there are others */
        EXPECT(patched(jump, MIDDLE + (uint32_t)far[i]) != MIDDLE + (uint32_t)far[i]);
    gen_init(&r->m->gear2->gen, r->m->machine, true);
    for (unsigned i = 0; i < sizeof near / sizeof *near; i++)
        EXPECT(patched(jump, MIDDLE + (uint32_t)near[i]) == MIDDLE + (uint32_t)near[i]);
    for (unsigned i = 0; i < sizeof far / sizeof *far; i++)
        EXPECT(patched(jump, MIDDLE + (uint32_t)far[i]) == MIDDLE + (uint32_t)far[i]);
    rig_free(r);
}

/* The branch at `at` as the codec sees it: its target. */
static uint32_t target(const struct tcache *t, uint32_t at)
{
    struct duke_op op;
    EXPECT(duke_decode((const uint32_t *)(const void *)(t->mem + (at - t->native)), 2, &op) == DUKE_DECODE_OK);
    return at + (uint32_t)op.imm;
}

/* Where the stub of exit x goes: li r48, x; jump. */
static uint32_t stub_target(const struct tcache *t, uint32_t x)
{
    const uint32_t *w = (const uint32_t *)(const void *)(t->mem + (t->exits[x].stub - t->native));
    struct duke_op op;
    EXPECT(duke_decode(w, 2, &op) == DUKE_DECODE_OK && op.op == DUKE_OP_LI && op.imm == (int64_t)x);
    return target(t, t->exits[x].stub + 4u * op.words);
}

static uint32_t translated(struct rig *r, uint32_t rip)
{
    struct gblock *b = rig_block(r, rip);
    b->count = (uint32_t)r->sh->params.hot2;
    EXPECT(r->regions ? region_translate(r->m, b) : gear2_translate(r->m, b));
    return b->translation;
}

/* The exit of translation n that goes to rip. */
static uint32_t exit_to(const struct tcache *t, uint32_t n, uint32_t rip)
{
    for (uint32_t x = t->tr[n].first_exit; x < t->tr[n].first_exit + t->tr[n].nexits; x++)
        if (t->exits[x].target == rip && t->exits[x].branch)
            return x;
    EXPECT(!"an exit goes there");
    return 0;
}

/* Two blocks that go to each other, in a cache that is filled up between them. */
static void across(const struct evict_policy *policy, bool regions)
{
    uint8_t code[64] = {0x83, 0xc0, 1, 0x75, 27, 0xc3}; /* add eax, 1; jne to the other; ret */
    uint8_t other[] = {0x83, 0xc3, 1, 0x75, 0xdb, 0xc3};
    struct rig *r = rig_make("default");
    void *memory = calloc(1, ARENA);
    struct arena a = {.base = memory, .size = ARENA};
    uint32_t env = r->m->tcache->env;
    r->sh->params.tcache_kib = KIB;
    r->sh->params.region_through = 0; /* a region ends where the other begins */
    struct tcache *t = cache_make(&a, &r->sh->params, policy);
    EXPECT(t && cache_is_far(t) && t->size == KIB * 1024u);
    if (!t)
        return;
    t->env = env;
    t->stop_rip = r->m->tcache->stop_rip;
    r->m->tcache = t;
    r->regions = regions;
    gen_init(&r->m->gear2->gen, r->m->machine, true);
    memcpy(code + 32, other, sizeof other);
    rig_code(r, code, sizeof code);
    uint32_t first = translated(r, RIG_CODE), u = t->nunits - 1, end = cache_begin_of(t, t->nunits).used;
    if (u) { /* on in the last unit */
        cache_sync(t);
        t->fill[t->unit] = cache_fill_of(t, t->unit);
        struct cache_fill begin = cache_begin_of(t, u);
        t->unit = u;
        t->ntr = begin.ntr, t->nexits = begin.nexits, t->npages = begin.npages;
        struct cache_fill limit = cache_begin_of(t, u + 1);
        t->end = limit.used;
        t->max_tr = limit.ntr, t->max_exits = limit.nexits, t->max_pages = limit.npages;
    }
    t->used = t->synced = end - 4096; /* as if there were others */
    uint32_t second = translated(r, RIG_CODE + 32);
    uint32_t there = exit_to(t, first, RIG_CODE + 32), back = exit_to(t, second, RIG_CODE);
    EXPECT(t->tr[second].entry - t->tr[first].entry > 2u * JUMP_REACH - 0x100000u - 4096u);
    cache_chain(r->m, there, second);
    cache_chain(r->m, back, first);
    EXPECT(target(t, t->exits[there].branch) == t->tr[second].entry);
    EXPECT(target(t, t->exits[back].branch) == t->tr[first].entry);
    EXPECT(stub_target(t, there) == r->m->exit_direct && stub_target(t, back) == r->m->exit_direct);
    EXPECT(cache_find(t, t->tr[second].entry) == second && cache_find(t, t->tr[first].entry) == first);
    cache_drop(r->m, second);
    EXPECT(target(t, t->exits[there].branch) == t->exits[there].stub);
    cache_drop(r->m, first);
    EXPECT(target(t, t->exits[back].branch) == t->exits[back].stub);
    free(memory);
    rig_free(r);
}

TEST_CASE(far, flush_gear2) { across(&evict_flush, false); }
TEST_CASE(far, flush_region) { across(&evict_flush, true); }
TEST_CASE(far, fifo_gear2) { across(&evict_fifo, false); }
TEST_CASE(far, fifo_region) { across(&evict_fifo, true); }
