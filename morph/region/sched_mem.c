/* Loads and stores of a region. Stores keep their order. A load waits for an earlier store only if the two surely meet; if they
 * may meet, it goes ahead under the protection of an alias entry that the store then checks. */
#include "region_sched.h"

/* What stands in a load's way: it cannot stand before cycle `hard`, and not at the cycle of a store that may meet it unless
 * that is behind it; from `soft` on nothing does. */
struct obstacles {
    uint32_t hard, soft;
    uint64_t at; /* cycles modulo 64 of stores behind which it need not be */
};

static struct obstacles obstacles(const struct region_gen *g, const struct sched_where *w, bool may_protect, uint32_t k,
                                  uint32_t end)
{
    struct obstacles o = {0, 0, 0};
    for (; k < end; k++) {
        const struct region_store *s = &g->store[k];
        enum sched_meet m = g->reorder ? sched_meet(s, w) : MEET_SURELY;
        if (m == MEET_NEVER)
            continue;
        if (m == MEET_SURELY || !may_protect || !s->checkable) {
            o.hard = max_u(o.hard, s->cycle + 1);
        } else {
            o.soft = max_u(o.soft, s->cycle + 1);
            o.at |= UINT64_C(1) << (s->cycle & 63);
        }
    }
    return o;
}

/* A store at cycle c that may meet the load does not see an alias entry made in its own bundle. */
static bool meets_at(const struct region_gen *g, const struct sched_where *w, uint32_t c)
{
    for (uint32_t k = 0; k < g->nstores; k++)
        if (g->store[k].cycle == c && sched_meet(&g->store[k], w) != MEET_NEVER)
            return true;
    return false;
}

/* Whether the load may stand before the commit that precedes it: if no store between the two has to do with it, and if its value is
 * for a temporary, which no commit needs. */
static bool passes_commit(const struct region_gen *g, const struct sched_where *w, uint32_t i)
{
    if (!g->over_commits || !g->hoist || g->ir->use[i].wish >> 8 == g->part || g->over[i] ||
        sched_pinned(g, g->ir->node[i].site))
        return false;
    struct obstacles o = obstacles(g, w, true, g->first_store, g->nstores);
    for (uint32_t k = 0; k < g->nwaiting; k++)
        if (!g->reorder || sched_meet(&g->waiting[k].where, w) != MEET_NEVER)
            return false;
    return o.hard == 0 && o.soft == 0;
}

/* The load stands at cycle c, under an alias entry, and not behind the stores that are left to later ones. */
static void guard(struct region_gen *g, const struct sched_where *w, uint32_t c, unsigned entry)
{
    for (uint32_t k = 0; k < g->nleft; k++) {
        struct region_left *l = &g->left[k];
        if (sched_meet(&l->where, w) == MEET_NEVER)
            continue;
        l->entries = (uint16_t)(l->entries | 1u << entry);
        l->after = max_u(l->after, c);
    }
}

uint32_t sched_guards(const struct region_gen *g, uint32_t i)
{
    const struct ir_block *b = g->ir;
    uint32_t n = 0;
    if (!g->any_guards)
        return 0;
    for (; i < b->n; i++) {
        if (b->node[i].op == IR_EXIT && !(b->exit[b->node[i].imm].flags & IR_EXIT_LATE))
            break;
        n += ir_is_load(b->node[i].op) && g->over[i];
    }
    return n;
}

/* Numbers of alias entries that nobody has or is promised. */
static uint32_t entries_left(const struct region_gen *g, bool guarded)
{
    uint32_t used = g->nalias + g->guards - guarded;
    for (uint32_t j = 0; j < g->ncrossing; j++)
        used += g->crossing[j].entry < 0;
    return used < g->max_alias ? g->max_alias - used : 0;
}

void sched_load(struct region_gen *g, const struct ir_node *n, uint32_t i)
{
    const struct gen_info *t = &g->info[n->op];
    struct sched_where w = sched_where(n);
    bool guarded = g->over[i] != 0;
    if (g->nwaiting && !sched_may_cross(g, n, &w, entries_left(g, guarded)))
        sched_place_stores(g, i);
    sched_keep_held(g, i);
    unsigned ra = g->loc[n->a], rb = g->loc[n->b];
    bool early = passes_commit(g, &w, i);
    uint32_t from = max_u(early ? g->floor_before : g->load_floor, max_u(g->reg[ra].avail, g->reg[rb].avail));
    if (sched_pinned(g, n->site))
        from = max_u(from, g->floor);
    uint32_t left = early ? g->max_alias - g->nalias_before : entries_left(g, guarded);
    if (!left && !early && !guarded)
        left = sched_half_free(g, g->nstored) < g->nalias;
    g->guards -= guarded;
    bool may = g->level < REGION_NO_ALIAS && left && sched_fits_bits(n->imm, 29);
    struct obstacles obs = obstacles(g, &w, may, early ? 0 : g->first_store, g->nstores);
    unsigned rd = sched_define(g, i, from);
    sched_release(g, n, i);
    from = sched_writable(g, rd, max_u(from, obs.hard));
    struct gen_op *o = sched_new_op(g);
    uint32_t c = from;
    while (!sched_fits(g, c, t->need) || (c < obs.soft && obs.at >> (c & 63) & 1 && meets_at(g, &w, c)))
        c++;
    words_mem(o, t, rd, ra, rb, n->x, n->imm);
    o->site = n->site;
    int entry = -1;
    if (c < obs.soft || guarded) {
        entry = (int)sched_alias(g, g->nstored, guarded);
        g->aliased++;
        sched_protect(g, o, n, rd, ra, rb, (unsigned)entry);
        for (uint32_t k = 0; k < g->nstores; k++)
            if (g->store[k].cycle > c && sched_meet(&g->store[k], &w) != MEET_NEVER)
                sched_check(g->info, &g->op[g->store[k].op], g->store[k].size, g->store[k].disp, 1u << entry);
        if (guarded)
            guard(g, &w, c, (unsigned)entry);
    }
    if (g->nwaiting)
        sched_cross(g, i, &w,
                    &(struct region_crossing){.cycle = c,
                                              .rd = (uint8_t)rd,
                                              .ra = (uint8_t)ra,
                                              .rb = (uint8_t)rb,
                                              .op = (uint16_t)(o - g->op),
                                              .entry = (int8_t)entry});
    g->passed += g->nstores > g->first_store && c <= g->last_store;
    g->hoisted += c < g->floor;
    sched_put_at(g, o, c, t->need);
    sched_wrote(g, t, rd, c);
    g->last_load = max_u(g->last_load, c);
    g->last = max_u(g->last, c);
    sched_read(g, ra, c);
    sched_read(g, rb, c);
}

void sched_stores_committed(struct region_gen *g, uint32_t i)
{
    uint32_t n = g->nstores - g->first_store;
    for (uint32_t k = 0; k < n; k++)
        g->store[k] = g->store[g->first_store + k];
    g->nstores = g->first_store = n;
    g->nalias_before = g->nalias;
    g->nalias = 0;
    g->nleft = 0;
    g->guards = sched_guards(g, i + 1);
}
