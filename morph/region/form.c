/* Picks a region's path through the blocks, and makes the region. */
#include "cache/cache.h"
#include "guest/block.h"
#include "gen/direct.h"
#include "guest/lift.h"
#include "morph.h"
#include "opt/opt.h"
#include "port.h"
#include "region.h"
#include "run/gear2.h"
#include "run/run.h"

enum { PART_INSNS = 14, GUESS_LEAST = 3, OVER_LEAST = 4, OVER_SHARE = 6 };

/* How a path goes on. */
struct step {
    struct gblock *next; /* NULL: it ends here */
    enum lift_follow follow;
    bool taken_likely;
    uint64_t guess;
    uint32_t seen, of; /* how often it went there */
    uint32_t over;     /* LIFT_OVER: the block whose first `nover` instructions are jumped over */
    uint8_t nover;
};

static uint32_t way_count(const struct region_node *n, uint64_t rip)
{
    if (!n)
        return 0;
    return (n->way[0].rip == rip ? n->way[0].count : 0) + (n->way[1].rip == rip ? n->way[1].count : 0);
}

/* A return is followed to the call that was followed before, other indirect transfers to where nearly all went. */
static struct step step_indirect(struct morph *m, const struct gblock *b, const struct region_node *n, uint64_t ret,
                                 unsigned op)
{
    struct step s = {.follow = LIFT_STOP, .seen = 1, .of = 1};
    if (!m->sh->params.region_calls)
        return s;
    if (op == G_RET) {
        s.guess = ret;
    } else if ((op == G_JMP_IND || op == G_CALL_IND) && n) {
        const struct region_way *w = &n->way[n->way[1].count > n->way[0].count];
        s.seen = w->count;
        s.of = n->way[0].count + n->way[1].count;
        s.guess = s.seen >= GUESS_LEAST && s.seen * 4 >= s.of * 3 ? w->rip : 0;
    }
    if (!s.guess)
        return s;
    s.follow = LIFT_GUESS;
    s.next = block_peek(m->blocks, s.guess, b->mode);
    return s;
}

/* A branch forward over a few instructions that change registers alone, if it goes either way often: both ways are one, which
 * selects. Code that must stop somewhere is left alone. */
static bool step_over(struct morph *m, const struct gblock *b, const struct gear2_way_out *w, uint32_t nt, uint32_t nf,
                      struct step *s)
{
    const struct morph_params *p = &m->sh->params;
    uint32_t rare = nt < nf ? nt : nf;
    if (!p->region_over || p->stop_rip_on || b->mode != GUEST_IA32 || w->taken <= w->fall || nt + nf < OVER_LEAST ||
        rare * OVER_SHARE < nt + nf)
        return false;
    const struct gblock *f = block_peek(m->blocks, w->fall, b->mode);
    struct gblock *t = block_peek(m->blocks, w->taken, b->mode);
    if (!f || !t || f->epoch != m->blocks->epoch)
        return false;
    const struct ginsn *insns = block_insns(m->blocks, f);
    uint64_t rip = w->fall;
    unsigned n = 0;
    for (; rip < w->taken; n++) {
        if (n == f->ninsns || n == p->region_over || !lift_can_select(&insns[n]))
            return false;
        rip = lift_next(&insns[n], rip, false);
    }
    *s = (struct step){
        .next = t, .follow = LIFT_OVER, .seen = 1, .of = 1, .over = block_index(m->blocks, f), .nover = (uint8_t)n};
    return rip == w->taken;
}

/* ret: where the innermost call returns to; 0: there was none. */
static struct step step_from(struct morph *m, const struct gblock *b, uint64_t ret)
{
    const struct ginsn *insns = block_insns(m->blocks, b);
    struct gear2_way_out w = gear2_way_out(b, &insns[b->ninsns - 1]);
    const struct region_node *n = region_seen(m->region, b->rip);
    uint32_t nt = w.has_taken ? way_count(n, w.taken) : 0, nf = w.has_fall ? way_count(n, w.fall) : 0;
    struct step s = {.follow = LIFT_STOP};
    if (!w.has_taken && !w.has_fall)
        return step_indirect(m, b, n, ret, insns[b->ninsns - 1].op);
    bool taken = w.has_taken && (!w.has_fall || m->policy.form->takes(&(struct form_way){nt, nf, w.taken <= b->rip}));
    if (insns[b->ninsns - 1].op == G_JCC && step_over(m, b, &w, nt, nf, &s)) {
        s.taken_likely = taken;
        return s;
    }
    s = (struct step){.taken_likely = taken};
    s.follow = taken ? LIFT_TAKEN : LIFT_FALL;
    s.seen = taken ? nt : nf;
    s.of = nt + nf;
    if (w.has_taken != w.has_fall || !s.of)
        s.seen = s.of = 1;
    s.next = block_peek(m->blocks, taken ? w.taken : w.fall, b->mode);
    return s;
}

static bool is_region(struct morph *m, const struct gblock *b) { return b->native && m->tcache->tr[b->translation].gear == 3; }

/* Whether a path that comes to b ends there because b heads a region. A region that goes round is best entered at its head, and needs
 * its laps; what lies behind another's head is better scheduled together with what leads there. */
static bool ends_before(struct morph *m, const struct gblock *b)
{
    if (!is_region(m, b))
        return false;
    const struct region_node *n = region_seen(m->region, b->rip);
    switch (m->sh->params.region_through) {
    case 0: return true;
    case 1: return !n || n->backs > 1;
    default: return m->tcache->tr[b->translation].round;
    }
}

/* Fills in r->steps: along the likeliest ways until it gets unlikely, long, or comes back to where it was. A loop is gone
 * through several times. */
static void choose_path(struct morph *m, struct gblock *head, unsigned max_insns)
{
    struct region *r = m->region;
    const struct morph_params *p = &m->sh->params;
    struct gblock *b = head;
    uint32_t insns = 0, laps = 1, lap_begin = 0;
    uint64_t lap_share = 1 << 16, share = 1 << 16, rets[LIFT_CALLS + 1] = {0};
    unsigned depth = 0;

    r->nsteps = r->lap = 0;
    for (;;) {
        struct step s = step_from(m, b, rets[depth]);
        struct region_step *out = &r->steps[r->nsteps++];
        *out = (struct region_step){
            .block = block_index(m->blocks, b), .taken_likely = s.taken_likely, .guess = s.guess, .ret = rets[depth]};
        insns += b->ninsns + s.nover;
        share = share * s.seen / (s.of ? s.of : 1);
        if (gear2_until_stop(m, block_insns(m->blocks, b), b->ninsns, b->rip) < b->ninsns)
            return;
        if (p->stop_rip_on && s.next && s.next->rip == p->stop_rip)
            return;
        if (!s.next || s.follow == LIFT_STOP || r->nsteps == REGION_STEPS_MAX || s.next->epoch != m->blocks->epoch)
            return;
        if (insns + s.next->ninsns > max_insns || !m->policy.form->goes_on(p, share))
            return;
        unsigned op = block_insns(m->blocks, b)[b->ninsns - 1].op;
        bool call = op == G_CALL || op == G_CALL_IND;
        if (call && depth == LIFT_CALLS)
            return;
        if (call)
            rets[++depth] = b->end_rip;
        else if (op == G_RET)
            depth--;
        if (s.next == head && depth == 0) {
            r->lap = r->lap ? r->lap : insns;
            lap_share = lap_share * share >> 16;
            if (laps >= p->region_laps || insns + r->lap > max_insns || lap_share * 100 < p->region_lap_share << 16)
                return;
            laps++;
            lap_begin = r->nsteps;
            share = 1 << 16; /* within it, each lap is as likely as the first */
        } else if (ends_before(m, s.next)) {
            return;
        }
        for (uint32_t i = lap_begin; i < r->nsteps; i++)
            if (r->steps[i].block == block_index(m->blocks, s.next) && r->steps[i].ret == rets[depth])
                return;
        out->follow = (uint8_t)s.follow;
        out->over = s.over;
        out->nover = s.nover;
        b = s.next;
    }
}

/* Lifts what LIFT_OVER's branch, the last instruction lifted, jumps over. */
static enum lift_result lift_over(struct morph *m, struct lift *l, const struct region_step *s)
{
    struct gear2 *g = m->gear2;
    const struct ginsn *insns = block_insns(m->blocks, &m->blocks->blocks[s->over]);
    struct ir_val before[IR_G_COUNT];
    for (unsigned i = 0; i < IR_G_COUNT; i++)
        before[i] = l->b->cur[i];
    opt_dead_flags(&g->table, insns, s->nover, l->null_segs, m->sh->params.opt_dead_flags != 0, g->known);
    enum lift_result r = direct_insns(l, insns, s->nover, 0, g->known, LIFT_FALL);
    lift_join(l, before, s->nover);
    return r;
}

/* Lifts a block in parts between which it could commit. */
static enum lift_result lift_block(struct morph *m, struct lift *l, const struct region_step *s)
{
    struct gear2 *g = m->gear2;
    const struct gblock *b = &m->blocks->blocks[s->block];
    const struct ginsn *insns = block_insns(m->blocks, b);
    unsigned n = gear2_until_stop(m, insns, b->ninsns, b->rip);
    bool dead = m->sh->params.opt_dead_flags != 0;
    l->taken_likely = s->taken_likely;
    l->guess = s->guess;
    for (; n > PART_INSNS; n -= PART_INSNS, insns += PART_INSNS) {
        opt_dead_flags(&g->table, insns, PART_INSNS, l->null_segs, dead, g->known);
        if (direct_insns(l, insns, PART_INSNS, 0, g->known, LIFT_FALL) != LIFT_OPEN)
            return LIFT_CUT;
        lift_commit(l);
    }
    opt_dead_flags(&g->table, insns, n, l->null_segs, dead, g->known);
    enum lift_result r = direct_insns(l, insns, n, 0, g->known, (enum lift_follow)s->follow);
    return r == LIFT_OPEN && s->follow == LIFT_OVER ? lift_over(m, l, s) : r;
}

bool region_lift(struct morph *m, const struct gblock *b)
{
    struct region *r = m->region;
    const struct morph_params *p = &m->sh->params;
    struct lift l = {
        .b = &r->ir, .rip = b->rip, .itc = p->opt_itc != 0, .calls = &r->calls, .elements = (unsigned)p->region_elements};
    unsigned room = m->machine->spec_store_buffer;
    l.copies = room / 2 < p->region_copies ? room / 2 : (unsigned)p->region_copies; /* one may touch two entries */

    for (unsigned s = GUEST_FS; s <= GUEST_GS; s++)
        if (b->mode == GUEST_IA32 && (m->sh->cpu.seg_sel[s] & 0xfffc) == 0)
            l.null_segs |= 1u << s;
    if (!(m->tcache->env & RUN_ENV_SIMD))
        l.null_segs |= LIFT_NO_SIMD;
    if (!(m->tcache->env & RUN_ENV_X87))
        l.null_segs |= LIFT_NO_X87;
    r->ir.wide = b->mode != GUEST_IA32;
    r->ir.fold = p->opt_fold != 0;
    r->ir.fuse = p->opt_fuse != 0;
    r->ir.see_parts = p->opt_parts != 0;
    r->ir.index = m->machine->lanes_address_modes;
    r->calls.n = r->calls.nopen = 0;
    ir_known_begin(&r->known);
    r->ir.known = p->region_forward ? &r->known : NULL;
    ir_start(&r->ir, b->rip);
    if (p->region_check)
        region_check(m);
    for (uint32_t i = 0; i < r->nsteps; i++) {
        if (lift_block(m, &l, &r->steps[i]) != LIFT_OPEN) {
            r->nsteps = i + 1;
            break;
        }
        if (i + 1 < r->nsteps && l.rip != m->blocks->blocks[r->steps[i + 1].block].rip) { /* decided, against the profile */
            lift_leave(&l);
            r->nsteps = i + 1;
            break;
        }
        if (l.pending) /* no exit here, but a place to commit */
            lift_commit(&l);
    }
    return r->ir.insns && !r->ir.overflow && !r->ir.uses_xmm && !r->ir.has_x87; /* those two stay in gear 2 */
}

bool region_prepare_path(struct morph *m, const struct gblock *b, unsigned level)
{
    struct region *r = m->region;
    const struct morph_params *p = &m->sh->params;
    if (!region_lift(m, b))
        return false;
    unsigned room = (unsigned)m->sh->store_buffer, entries = m->machine->spec_alias_entries;
    if (entries > p->region_alias_entries)
        entries = (unsigned)p->region_alias_entries;
    unsigned numbers = entries < REGION_ALIAS_NUMBERS ? entries : REGION_ALIAS_NUMBERS;
    struct opt_stores left;
    opt_stores_begin(&left, &r->ir, r->over, level < REGION_NO_ALIAS ? numbers / 2 : 0);
    left.enabled = p->region_dead_stores != 0;
    region_commits(&r->ir, room < REGION_STORES ? room : REGION_STORES, level >= REGION_NO_HOIST ? 2 : 1, p->region_late != 0,
                   &left);
    r->gen.any_guards = left.any_guards;
    region_calls(&r->ir, &r->calls, &r->gen);
    region_liveness(&r->ir, r->sunk, r->over);
    r->gen.info = m->gear2->gen.info;
    r->gen.lanes = m->gear2->gen.empty[0];
    r->gen.max_alias = numbers;
    r->gen.max_pairs = entries - numbers;
    r->gen.over_commits = p->region_over_commits != 0;
    r->gen.hoist = p->region_hoist && level < REGION_NO_HOIST;
    r->gen.near = level >= REGION_NEAR;
    r->gen.reorder = p->region_reorder != 0;
    const struct region_care *care = region_care(r, b->rip);
    r->gen.site = r->site;
    r->gen.npins = care->npins;
    for (uint32_t k = 0; k < care->npins; k++)
        r->gen.pin[k] = care->pin[k];
    r->gen.wait = p->region_wait != 0;
    r->gen.early = p->region_early != 0;
    return region_schedule(&r->gen, &r->ir, r->sunk, r->over, level);
}

bool region_prepare(struct morph *m, struct gblock *b, unsigned max_insns, unsigned level)
{
    choose_path(m, b, max_insns);
    return region_prepare_path(m, b, level);
}

static void count(struct morph *m)
{
    const struct region *r = m->region;
    struct morph_stats *s = &m->sh->stats;
    s->gear3_regions++;
    s->gear3_insns += r->ir.insns;
    s->gear3_once += r->lap && r->lap < r->ir.insns ? r->lap : r->ir.insns;
    s->gear3_bundles += r->code.nbundles;
    s->gear3_ops += r->code.nops;
    s->gear3_bytes += (uint64_t)r->code.nwords * 4;
    s->gear3_aliased += r->gen.aliased;
    s->gear3_passed += r->gen.passed;
    s->gear3_hoisted += r->gen.hoisted;
    s->gear3_waited += r->gen.waited;
    for (uint32_t e = 0; e < r->ir.nexits; e++)
        s->gear3_late += (r->ir.exit[e].flags & IR_EXIT_LATE) != 0;
    s->gear3_checked += m->sh->params.region_check ? r->nsteps : 0;
}

static bool emit(struct morph *m, struct gblock *b)
{
    struct region *r = m->region;
    uint32_t words = region_worst_words(&r->gen);
    cache_aim(m, m->tcache, 3, b);
    if (!cache_reserve(m, words, r->ir.nexits, 2 * r->nsteps))
        return false;
    struct tcache *t = m->tcache;
    uint32_t old = b->native ? b->translation : CACHE_NONE;
    struct gen_place place = cache_place(m, words);
    place.category = DUKE_CAT_GEAR3;
    if (!region_emit(&r->gen, &place, &r->code))
        return false;
    uint32_t n = cache_enter(m, &r->ir, &r->code, block_index(m->blocks, b));
    t->tr[n].gear = 3;
    t->tr[n].round = r->lap != 0;
    for (uint32_t i = 0; i < r->nsteps; i++) {
        const struct gblock *part = &m->blocks->blocks[r->steps[i].block];
        m->sh->stats.gear3_through += part != b && is_region(m, part);
        cache_add_page(m, part->rip, part->paddr);
        if (part->paddr2 != BLOCK_NO_PAGE)
            cache_add_page(m, part->rip + part->len - 1, part->paddr2);
        m->sh->stats.gear3_over += r->steps[i].follow == LIFT_OVER;
    }
    if (old != CACHE_NONE) {
        cache_redirect(m, old, n);
        if (m->sh->params.opt_itc)
            port_itc_write(b->rip, b->native);
    }
    cache_sync(t);
    count(m);
    if (m->sh->params.trace_translations)
        run_trace(m, b);
    return true;
}

bool region_translate(struct morph *m, struct gblock *b)
{
    const struct morph_params *p = &m->sh->params;
    struct region_care *care = region_care(m->region, b->rip);
    if (care->level >= REGION_NEVER || (p->stop_rip_on && p->stop_rip == b->rip))
        return false;
    unsigned level = care->level;
    if (level < REGION_NO_ALIAS && !p->region_alias)
        level = REGION_NO_ALIAS;
    if (level < m->policy.spec->first)
        level = m->policy.spec->first;
    for (unsigned max = (unsigned)p->region_insns; max >= 8; max /= 2)
        if (region_prepare(m, b, max, level) && emit(m, b))
            return true;
    care->level = REGION_NEVER;
    m->sh->stats.gear3_refused++;
    return false;
}
