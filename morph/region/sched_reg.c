/* Bundles and registers of the region scheduler. */
#include "region_sched.h"

enum { TEMPS_KEPT = 10 }; /* temporaries that are left for values with no home to go to */

struct gen_op *sched_new_op(struct region_gen *g)
{
    if (g->nops == REGION_OPS_MAX) {
        g->overflow = 1;
        g->nops = 0;
    }
    struct gen_op *o = &g->op[g->nops++];
    o->use = GEN_DONE;
    o->site = 0;
    return o;
}

void sched_extend(struct region_gen *g, uint32_t c)
{
    if (c >= REGION_CYCLES_MAX) {
        g->overflow = 1;
        return;
    }
    for (uint32_t i = g->ncycles; i <= c; i++) {
        g->bundle[i].free = (uint16_t)g->lanes;
        g->bundle[i].n = g->bundle[i].commit = 0;
    }
    if (g->ncycles <= c)
        g->ncycles = c + 1;
}

unsigned sched_take_temp(struct region_gen *g)
{
    uint64_t m = g->free & (~UINT64_C(0) << g->next);
    if (!m)
        m = g->free;
    if (!m) {
        g->overflow = 1;
        return 4;
    }
    unsigned r = (unsigned)__builtin_ctzll(m);
    g->free &= ~(UINT64_C(1) << r);
    g->next = (r + 1) & 63;
    return r;
}

void sched_move(struct region_gen *g, unsigned rd, unsigned ra)
{
    const struct gen_info *t = &g->info[DUKE_OP_ADDI];
    struct gen_op *o = sched_new_op(g);
    words_ri(o, t, rd, ra, 0);
    uint32_t c = sched_write(g, o, t, rd, g->reg[ra].avail);
    sched_read(g, ra, c);
}

void sched_evict(struct region_gen *g, unsigned home, uint32_t from)
{
    ir_ref u = g->content[home];
    if (!u || g->loc[u] != home || g->ir->use[u].last < from)
        return;
    for (unsigned s = 0; s < IR_G_COUNT; s++) {
        unsigned other = ir_home(s);
        if (other != home && g->content[other] == u) {
            g->loc[u] = (uint8_t)other;
            return;
        }
    }
    unsigned to = sched_take_temp(g);
    sched_move(g, to, home);
    g->loc[u] = (uint8_t)to;
}

/* Whether a value should be made above the exits that its home must wait for, in a temporary, and moved later. */
static bool makes_early(const struct region_gen *g, uint32_t i, uint32_t from)
{
    return g->early && g->ir->use[i].wish & REGION_WISH_EARLY && from < g->floor && __builtin_popcountll(g->free) > TEMPS_KEPT;
}

unsigned sched_define(struct region_gen *g, uint32_t i, uint32_t from)
{
    const struct ir_block *b = g->ir;
    unsigned wish = b->use[i].wish, r;
    if (!b->use[i].last)
        return 0;
    if (wish && wish >> 8 == g->part && !makes_early(g, i, from)) {
        r = wish & 63;
        sched_evict(g, r, i + 1);
        g->content[r] = (uint16_t)i;
    } else {
        r = sched_take_temp(g);
    }
    g->loc[i] = (uint8_t)r;
    return r;
}
