/* Makes translations: picks the blocks, lifts, schedules, emits. */
#include "gear2.h"

#include "cache/cache.h"
#include "gen/direct.h"
#include "guest/block.h"
#include "guest/lift.h"
#include "guest/lift_x87.h"
#include "guest/sem/sem.h"
#include "guest/x87_home.h"
#include "morph.h"
#include "opt/opt.h"
#include "port.h"
#include "run.h"

enum {
    WHOLE_INSNS = 31,      /* a commit at least after so many; few of them store, fewer to two double words */
    PART_INSNS = 24,       /* and after so many if there are more */
    SHORT_PART_INSNS = 14, /* and if the store buffer overflowed: should every one of them store to two double words */
    PENDING_MAX = 24,
    SPAN_GAP = 8, /* so many instructions are worth an entry */
};
_Static_assert(WHOLE_INSNS < 32 && PENDING_MAX < 32, "a commit that counts them has the short form");

/* Kept out of the translator's own code, which it would push out of the instruction cache. */
__attribute__((noinline)) static unsigned find_span(struct morph *m, struct gblock *b)
{
    const struct ginsn *insns = block_insns(m->blocks, b);
    unsigned span = 0, gap = 0;
    bool no_x87 = !(m->tcache->env & RUN_ENV_X87);
    for (unsigned i = 0; i < b->ninsns && gap < SPAN_GAP; i++) {
        gap++;
        if (!lift_can(&insns[i]) || (no_x87 && lift_x87_op(insns[i].op))) {
            span = i + 1u;
            gap = 0;
        }
    }
    if (span && gap < SPAN_GAP)
        span = b->ninsns;
    block_set_span(b, span);
    return span;
}

unsigned gear2_span(struct morph *m, struct gblock *b) { return block_span(b) ? block_span(b) - 1 : find_span(m, b); }

struct gear2_way_out gear2_way_out(const struct gblock *b, const struct ginsn *last)
{
    struct gear2_way_out w = {.fall = b->end_rip};
    switch (last->op) {
    case G_JCC:
    case G_LOOP:
    case G_LOOPE:
    case G_LOOPNE:
    case G_JCXZ: w.has_fall = w.has_taken = true; break;
    case G_JMP:
    case G_CALL: w.has_taken = true; break;
    default: w.has_fall = b->end != BLOCK_END_BRANCH; break;
    }
    if (w.has_taken)
        w.taken = lift_target(last, b->end_rip - last->len, b->mode != GUEST_IA32);
    return w;
}

static uint32_t executions(struct morph *m, const struct gblock *b)
{
    if (!b)
        return 0;
    return b->native ? (uint32_t)m->sh->params.hot2 : b->count;
}

/* The block at rip, if it can be taken into this translation. */
static struct gblock *usable(struct morph *m, struct gblock *b, unsigned max_insns)
{
    struct gear2 *g = m->gear2;
    if (!b || b->native || b->translation == GEAR2_REFUSED || b->count * 4 < m->sh->params.hot2)
        return NULL;
    if (g->ir.insns + b->ninsns > max_insns || b->epoch != m->blocks->epoch)
        return NULL;
    if (b->flags & BLOCK_X87 && gear2_span(m, b))
        return NULL;
    for (uint32_t i = 0; i < g->nblocks; i++)
        if (g->blocks[i] == b)
            return NULL;
    if (m->sh->params.stop_rip_on && b->rip == m->sh->params.stop_rip)
        return NULL;
    return b;
}

/* The block at rip, which may follow b. Where b went last costs less to look at than the table does. */
static inline struct gblock *follower(struct morph *m, const struct gblock *b, uint64_t rip)
{
    for (unsigned i = 2; i-- > 0;) {
        struct gblock *s = b->succ[i];
        if (s->rip == rip && s->mode == b->mode && s->ninsns && !(s->flags & BLOCK_DEAD))
            return s;
    }
    return block_peek(m->blocks, rip, b->mode);
}

/* Where to go on after block b, whose instructions but the last may have been lifted already; NULL: nowhere. */
static struct gblock *choose(struct morph *m, const struct gblock *b, const struct gear2_way_out *w, unsigned max_insns,
                             enum lift_follow *follow, bool *taken_likely)
{
    struct gblock *t = w->has_taken ? follower(m, b, w->taken) : NULL;
    struct gblock *f = w->has_fall ? follower(m, b, w->fall) : NULL;
    uint32_t nt = executions(m, t), nf = executions(m, f);
    bool backward = w->taken <= b->rip; /* a loop, if nothing else is known */
    bool taken = w->has_taken && (!w->has_fall || nt > nf || (nt == nf && backward));
    *taken_likely = taken;
    *follow = LIFT_STOP;
    struct gblock *next = usable(m, taken ? t : f, max_insns);
    if (next)
        *follow = taken ? LIFT_TAKEN : LIFT_FALL;
    return next;
}

unsigned gear2_until_stop(struct morph *m, const struct ginsn *insns, unsigned n, uint64_t rip)
{
    const struct morph_params *p = &m->sh->params;
    bool wide = m->sh->cpu.mode != GUEST_IA32;
    if (!p->stop_rip_on)
        return n;
    for (unsigned i = 0; i < n; i++) {
        if (i && rip == p->stop_rip)
            return i;
        rip = lift_next(&insns[i], rip, wide);
    }
    return n;
}

/* How many of n instructions can be lifted before one that finds the x87's stack too empty or too full. That one is interpreted, as all
 * behind it. */
__attribute__((noinline)) static unsigned within_stack(struct morph *m, const struct ginsn *insns, unsigned n)
{
    struct gear2 *g = m->gear2;
    struct ir_x87 *x = &g->ir.x87;
    if (!g->ir.has_x87)
        x->entry = x->stack = g->stack ? g->stack - 1 : x87_stack(m->sh);
    unsigned stack = x->stack, reach = lift_x87_reach(insns, n, &stack);
    g->short_stack |= reach < n;
    return reach;
}

/* What direct_insns has left. Numbers of handlers mean nothing any more. */
__attribute__((noinline)) static enum lift_result lift_rest(struct gear2 *g, struct lift *l, const struct ginsn *insns,
                                                            unsigned n, enum lift_follow follow)
{
    unsigned done = n - l->rest;
    return direct_insns(l, insns + done, l->rest, 0, g->known + done, follow);
}

/* Lifts one block. Returns how the translation stands; *next is the block to go on with. */
static enum lift_result lift_block(struct morph *m, struct lift *l, struct gblock *b, unsigned max_insns, struct gblock **next)
{
    struct gear2 *g = m->gear2;
    const bool x87 = b->flags & BLOCK_X87 && m->tcache->env & RUN_ENV_X87;
    const struct ginsn *insns = block_insns(m->blocks, b);
    unsigned n = gear2_until_stop(m, insns, b->ninsns, b->rip);
    unsigned reach = x87 ? within_stack(m, insns, n) : n;
    bool whole = n == b->ninsns && reach == n, cut = reach < n;
    enum lift_follow follow = LIFT_STOP;

    *next = NULL;
    g->blocks[g->nblocks++] = b;
    if (whole && g->nblocks < GEAR2_BLOCKS_MAX) {
        struct gear2_way_out w = gear2_way_out(b, &insns[n - 1]);
        *next = choose(m, b, &w, max_insns > n ? max_insns - n : 0, &follow, &l->taken_likely);
    }
    unsigned first = b->start;
    n = reach;
    while (n > g->whole) { /* parts that commit, so that gated stores have room */
        unsigned part = g->part;
        opt_dead_flags(&g->table, insns, part, l->null_segs, m->sh->params.opt_dead_flags != 0, g->known);
        enum lift_result r = direct_insns(l, insns, part, first, g->known, LIFT_FALL);
        if (__builtin_expect(r == LIFT_REST, 0))
            r = lift_rest(g, l, insns, part, LIFT_FALL);
        if (r == LIFT_CUT)
            return LIFT_CUT;
        first = insns[part - 1].next16;
        direct_commit(l);
        insns += part;
        n -= part;
    }
    opt_dead_flags(&g->table, insns, n, l->null_segs, m->sh->params.opt_dead_flags != 0, g->known);
    if (cut)
        g->known[n++] = LIFT_CANNOT;
    enum lift_result r = direct_insns(l, insns, n, first, g->known, follow);
    return __builtin_expect(r == LIFT_REST, 0) ? lift_rest(g, l, insns, n, follow) : r;
}

bool gear2_prepare(struct morph *m, struct gblock *b, unsigned max_blocks, unsigned max_insns)
{
    struct gear2 *g = m->gear2;
    const struct morph_params *p = &m->sh->params;
    struct lift l = {.b = &g->ir,
                     .rip = b->rip,
                     .itc = p->opt_itc != 0,
                     .gen = &g->gen,
                     .direct = p->opt_direct && p->opt_fold && b->mode == GUEST_IA32};
    unsigned left = max_blocks;

    for (unsigned s = GUEST_FS; s <= GUEST_GS; s++)
        if (b->mode == GUEST_IA32 && (m->sh->cpu.seg_sel[s] & 0xfffc) == 0)
            l.null_segs |= 1u << s;
    l.null_segs |= (~m->tcache->env & (RUN_ENV_SIMD | RUN_ENV_X87)) * (LIFT_NO_SIMD / RUN_ENV_SIMD);
    _Static_assert(LIFT_NO_X87 / RUN_ENV_X87 == LIFT_NO_SIMD / RUN_ENV_SIMD, "they are in the same order");
    g->ir.wide = b->mode != GUEST_IA32;
    g->ir.fold = p->opt_fold != 0;
    g->ir.fuse = p->opt_fuse != 0;
    g->ir.see_parts = p->opt_parts != 0;
    g->ir.index = m->machine->lanes_address_modes;
    g->nblocks = 0;
    g->whole = max_blocks > 1 ? WHOLE_INSNS : SHORT_PART_INSNS;
    g->part = max_blocks > 1 ? PART_INSNS : SHORT_PART_INSNS;
    ir_start(&g->ir, b->rip);
    gen_begin(&g->gen, &g->ir);
    for (;;) {
        struct gblock *next;
        enum lift_result r = lift_block(m, &l, b, --left ? max_insns : 0, &next);
        if (r != LIFT_OPEN)
            break;
        if (!next) /* only a block with a next one is left open */
            __builtin_unreachable();
        if (l.rip != next->rip) { /* what is known of the operands decides the branch, against the profile */
            direct_leave(&l);
            break;
        }
        if (l.pending + next->ninsns > PENDING_MAX)
            direct_commit(&l);
        b = next;
    }
    if (g->ir.insns == 0 || g->ir.overflow)
        return false;
    direct_end(&l);
    return !g->gen.overflow && !g->ir.overflow;
}

static void count(struct morph *m, const struct gear2 *g)
{
    struct morph_stats *s = &m->sh->stats;
    s->gear2_blocks++;
    s->gear2_insns += g->ir.insns;
    s->gear2_bundles += g->code.nbundles;
    s->gear2_ops += g->code.nops;
    s->gear2_bytes += 4 * g->code.nwords;
}

/* Chains the newest translation's exits to what is translated. What they go to and will be hot soon is noted, for being
 * translated at once, while the translator is in the instruction cache. */
static void link_exits(struct morph *m)
{
    struct gear2 *g = m->gear2;
    const struct tcache *t = m->tcache;
    const struct translation *tr = &t->tr[t->ntr - 1];
    for (uint32_t i = tr->first_exit; i < tr->first_exit + tr->nexits; i++) {
        const struct cache_exit *x = &t->exits[i];
        if (x->kind != IR_EXIT_DIRECT && x->kind != IR_EXIT_RETURN)
            continue;
        const struct gblock *to = block_peek(m->blocks, x->target, m->sh->cpu.mode);
        if (!to)
            continue;
        if (!to->native) {
            if (to->count * 4 >= m->sh->params.hot2 && g->nqueue < GEAR2_BATCH_MAX) {
                uint32_t stack = g->ir.exit[i - tr->first_exit].stack;
                g->queue_stack[g->nqueue] = (uint16_t)(stack ? stack : g->stack);
                g->queue[g->nqueue++] = block_index(m->blocks, to);
            }
        } else if (x->branch && m->sh->params.opt_chain && to->epoch == m->blocks->epoch) {
            cache_chain(m, i, to->translation);
        }
    }
}

static bool emit(struct morph *m, struct gblock *b)
{
    struct gear2 *g = m->gear2;
    cache_aim(m, m->tcache, 2, b);
    uint32_t words = gen_worst_words(&g->gen, (m->tcache->end - m->tcache->used) / 4);
    if (!cache_reserve(m, words, g->ir.nexits, 2 * g->nblocks))
        return false;
    struct gen_place place = cache_place(m, words);
    if (m->region) /* else port_enter has said so */
        place.category = DUKE_CAT_GEAR2;
    if (!gen_emit(&g->gen, &place, &g->code))
        return false;
    cache_enter(m, &g->ir, &g->code, block_index(m->blocks, b));
    uint64_t page = 0; /* most blocks are where the one before them is: number of its page + 1, 0 none */
    uint32_t frame = 0;
    for (uint32_t i = 0; i < g->nblocks; i++) {
        const struct gblock *part = g->blocks[i];
        if ((part->rip >> 12) + 1 != page || part->paddr >> 12 != frame) {
            cache_add_page(m, part->rip, part->paddr);
            page = (part->rip >> 12) + 1;
            frame = part->paddr >> 12;
        }
        if (part->paddr2 != BLOCK_NO_PAGE)
            cache_add_page(m, part->rip + part->len - 1, part->paddr2);
    }
    if (g->ir.uses_xmm && m->sh->xmm_state == XMM_UNUSED)
        m->sh->xmm_state = XMM_IN_MEMORY;
    if (g->ir.has_x87 && m->sh->x87_state == XMM_UNUSED)
        m->sh->x87_state = XMM_IN_MEMORY;
    if (g->ir.has_x87)
        m->tcache->tr[m->tcache->ntr - 1].stack = (uint16_t)(g->ir.x87.entry + 1);
    link_exits(m);
    count(m, g);
    if (m->sh->params.trace_translations)
        run_trace(m, b);
    return true;
}

/* One translation, beginning with b. */
static bool translate_one(struct morph *m, struct gblock *b)
{
    unsigned max = m->sh->params.block_insns > 63 ? 63 : (unsigned)m->sh->params.block_insns;
    bool is_short = b->flags & BLOCK_SHORT;
    bool odd = b->flags & BLOCK_X87 && gear2_span(m, b);
    if (!odd && !is_short && gear2_prepare(m, b, GEAR2_BLOCKS_MAX, max) && emit(m, b))
        return true;
    /* Something did not fit: the block alone, in short parts, is smaller. */
    if (!odd && (is_short || m->gear2->ir.insns) && gear2_prepare(m, b, 1, max) && emit(m, b))
        return true;
    if (m->gear2->short_stack && m->gear2->stack) /* which is a guess */
        return false;
    b->translation = GEAR2_REFUSED;
    m->sh->stats.gear2_refused++;
    return false;
}

/* The block and, while the translator is at it, what the new code leads to. */
static bool translate_batch(struct morph *m, struct gblock *b)
{
    const struct morph_params *p = &m->sh->params;
    struct gear2 *g = m->gear2;
    uint32_t generation = m->tcache->generation;
    g->nqueue = g->stack = g->short_stack = 0;
    if (!translate_one(m, b))
        return false;
    for (uint32_t i = 0; i < g->nqueue; i++) {
        struct gblock *next = &m->blocks->blocks[g->queue[i]];
        if (next->native || next->translation == GEAR2_REFUSED || next->epoch != m->blocks->epoch ||
            (p->stop_rip_on && next->rip == p->stop_rip))
            continue;
        g->stack = g->queue_stack[i];
        translate_one(m, next);
        g->stack = 0;
        if (m->tcache->generation != generation) /* flushed: b may have to be done again */
            return b->native != 0 || translate_one(m, b);
    }
    return true;
}

bool gear2_translate(struct morph *m, struct gblock *b)
{
    bool done = translate_batch(m, b);
    cache_sync(m->tcache);
    return done;
}
