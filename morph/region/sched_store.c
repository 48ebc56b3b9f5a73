/* Stores of a region. They keep their order, and stand between the exits around them; which of the cycles there is no matter. So a
 * store waits until the next exit, and loads behind it are placed first. What it waits for is what it then may have to be
 * guarded against: a load that came to stand before it and may meet it gets an alias entry, which the store checks. */
#include "region_sched.h"

void sched_protect(const struct region_gen *g, struct gen_op *o, const struct ir_node *n, unsigned rd, unsigned ra, unsigned rb,
                   unsigned entry)
{
    const struct gen_info *t = &g->info[n->op - DUKE_OP_LDG_BU + DUKE_OP_LDP_BU];
    o->w[0] = t->ext[0] | words_rd(rd) | words_ra(ra) | words_rb(rb) | (uint32_t)n->x << 4 | entry;
    o->w[1] = t->ext[1] | ((uint32_t)n->imm & 0x1fffffff);
    o->nwords = 2;
}

/* A store that checks a number checks both its entries. So two loads share one only if no store lies between them in the program's
 * order: a store before both finds the entries of those alone that passed it, and a store behind both checks neither. */
unsigned sched_alias(struct region_gen *g, uint32_t stored, bool alone)
{
    uint32_t k = alone ? g->nalias : sched_half_free(g, stored);
    if (k < g->nalias) {
        g->alias_free[k] = REGION_TAKEN;
        return k;
    }
    if (g->nalias == g->max_alias) {
        g->overflow = 1;
        return 0;
    }
    g->alias_free[g->nalias] = alone ? REGION_TAKEN : (uint16_t)stored;
    return g->nalias++;
}

void sched_check(const struct gen_info *info, struct gen_op *o, unsigned size, int32_t disp, unsigned entries)
{
    unsigned op = DUKE_OP_STC_B + (size == 1 ? 0u : size == 2 ? 1u : size == 4 ? 2u : 3u);
    const struct gen_info *t = &info[op];
    if ((o->w[0] & 0x7f000000u) != (t->ext[0] & 0x7f000000u)) {
        uint32_t regs = o->w[0] & (o->nwords == 1 ? 0x00fff000u : 0x00fffff0u & ~8u);
        o->w[0] = t->ext[0] | regs;
        o->w[1] = t->ext[1] | ((uint32_t)disp & 0x1ffff);
        o->nwords = 2;
    }
    o->w[0] |= entries & 15;
    o->w[1] |= entries >> 4 << 17;
}

/* Store i takes over what was left to it. */
static struct region_left take_over(struct region_gen *g, uint32_t i)
{
    struct region_left all = {.node = (uint16_t)i};
    uint32_t kept = 0;
    for (uint32_t k = 0; k < g->nleft; k++) {
        if (g->left[k].to != i) {
            g->left[kept++] = g->left[k];
            continue;
        }
        all.entries |= g->left[k].entries;
        all.after = max_u(all.after, g->left[k].after);
    }
    g->nleft = kept;
    return all;
}

static bool may_meet(const struct region_store *s, const struct region_crossing *x)
{
    struct sched_where w = {x->key, x->size, x->disp, x->scale};
    return sched_meet(s, &w) != MEET_NEVER;
}

/* The loads behind waiting store k that may meet it, as bits. */
static uint32_t crossing(const struct region_gen *g, uint32_t k)
{
    uint32_t bits = 0;
    for (uint32_t j = 0; j < g->ncrossing; j++)
        if (g->crossing[j].before > k && may_meet(&g->waiting[k].where, &g->crossing[j]))
            bits |= 1u << j;
    return bits;
}

/* Whether one of those loads stands at cycle c. */
static bool crossed_at(const struct region_gen *g, uint32_t bits, uint32_t c)
{
    for (; bits; bits &= bits - 1)
        if (g->crossing[__builtin_ctz(bits)].cycle == c)
            return true;
    return false;
}

/* The alias entries of those loads that stand before cycle c. */
static unsigned crossed_before(struct region_gen *g, uint32_t bits, uint32_t c)
{
    unsigned entries = 0;
    for (; bits; bits &= bits - 1) {
        struct region_crossing *x = &g->crossing[__builtin_ctz(bits)];
        if (x->cycle >= c)
            continue;
        if (x->entry < 0) {
            x->entry = (int8_t)sched_alias(g, x->stored, false);
            sched_protect(g, &g->op[x->op], &g->ir->node[x->node], x->rd, x->ra, x->rb, (unsigned)x->entry);
            g->aliased++;
            g->passed++;
        }
        entries |= 1u << x->entry;
    }
    return entries;
}

static void place(struct region_gen *g, uint32_t k)
{
    const struct region_waiting *q = &g->waiting[k];
    const struct ir_node *n = &g->ir->node[q->node];
    const struct gen_info *t = &g->info[n->op];
    unsigned ra = g->loc[n->a], rb = g->loc[n->b], rc = g->loc[n->c], entries = q->entries;
    uint32_t c = max_u(max_u(g->floor, g->reg[rc].avail), max_u(g->reg[ra].avail, g->reg[rb].avail));
    c = max_u(max_u(c, g->base), max_u(q->after, g->last_store));
    if (g->nstores - g->first_store == REGION_STORES) {
        g->overflow = 1;
        return;
    }
    uint32_t loads = g->ncrossing ? crossing(g, k) : 0;
    while (!sched_fits(g, c, t->need) || crossed_at(g, loads, c))
        c++;
    unsigned crossed = crossed_before(g, loads, c);
    g->waited += crossed != 0;
    entries |= crossed;
    struct gen_op *o = sched_new_op(g);
    words_mem(o, t, rc, ra, rb, n->x, n->imm);
    if (entries)
        sched_check(g->info, o, q->where.size, n->imm, entries);
    o->site = n->site;
    sched_put_at(g, o, c, t->need);
    struct region_store *s = &g->store[g->nstores++];
    *s = q->where;
    s->cycle = c;
    s->op = (uint16_t)(o - g->op);
    g->last_store = c;
    g->last = max_u(g->last, c);
    sched_read(g, ra, c);
    sched_read(g, rb, c);
    sched_read(g, rc, c);
}

/* A register that nothing before node i wants any more; what node i itself is the last to use it frees. */
static void release_before(struct region_gen *g, ir_ref r, uint32_t i)
{
    if (r && g->ir->use[r].last < i)
        g->free |= UINT64_C(1) << g->loc[r] & SCHED_TEMPS;
}

void sched_place_waiting(struct region_gen *g, uint32_t i)
{
    uint32_t n = g->nwaiting;
    for (uint32_t k = 0; k < n; k++)
        place(g, k);
    g->nwaiting = g->ncrossing = 0;
    g->held = 0;
    for (uint32_t k = 0; k < n; k++) {
        const struct ir_node *x = &g->ir->node[g->waiting[k].node];
        release_before(g, x->a, i);
        release_before(g, x->b, i);
        release_before(g, x->c, i);
    }
}

bool sched_may_cross(const struct region_gen *g, const struct ir_node *n, const struct sched_where *w, uint32_t entries_left)
{
    bool may = g->level < REGION_NO_ALIAS && entries_left && g->ncrossing < REGION_CROSSING && sched_fits_bits(n->imm, 29);
    for (uint32_t k = 0; k < g->nwaiting; k++) {
        const struct region_store *s = &g->waiting[k].where;
        enum sched_meet m = g->reorder ? sched_meet(s, w) : MEET_SURELY;
        if (m == MEET_SURELY || (m == MEET_MAYBE && (!may || !s->checkable)))
            return false;
    }
    return true;
}

void sched_cross(struct region_gen *g, uint32_t i, const struct sched_where *w, const struct region_crossing *load)
{
    struct region_crossing x = *load;
    bool any = false;
    x.key = w->key;
    x.size = w->size;
    x.disp = w->disp;
    x.scale = (uint8_t)w->scale;
    x.node = (uint16_t)i;
    x.before = (uint8_t)g->nwaiting;
    x.stored = (uint16_t)g->nstored;
    for (uint32_t k = 0; k < g->nwaiting; k++)
        any |= may_meet(&g->waiting[k].where, &x);
    if (any)
        g->crossing[g->ncrossing++] = x;
}

void sched_store(struct region_gen *g, const struct ir_node *n, uint32_t i)
{
    struct sched_where w = sched_where(n);
    struct region_left left = take_over(g, i);
    g->nstored++;
    struct region_store s = {.key = w.key, .disp = w.disp, .size = (uint8_t)w.size, .scale = (uint8_t)w.scale};
    if (g->over[i]) {
        left.to = g->over[i];
        left.where = s;
        g->left[g->nleft++] = left;
        return;
    }
    s.checkable = sched_fits_bits(w.disp, 17) && !sched_pinned(g, n->site);
    if (g->nwaiting == REGION_WAITING)
        sched_place_stores(g, i);
    struct region_waiting *q = &g->waiting[g->nwaiting++];
    q->where = s;
    q->node = (uint16_t)i;
    q->entries = left.entries;
    q->after = left.entries ? max_u(g->last_load, left.after + 1) : g->last_load;
    g->held |= UINT64_C(1) << g->loc[n->a] | UINT64_C(1) << g->loc[n->b] | UINT64_C(1) << g->loc[n->c];
    if (!g->wait)
        sched_place_stores(g, i + 1);
}
