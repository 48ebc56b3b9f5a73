/* Loads and stores of a region. Stores keep their order. A load waits for an earlier store only if the two surely meet; if they
 * may meet, it goes ahead under the protection of an alias entry that the store then checks. */
#include "region_sched.h"

struct where {
    uint32_t key, size;
    int32_t disp;
    unsigned scale;
};

static struct where where_of(const struct ir_node *n)
{
    return (struct where){n->a | (uint32_t)n->b << 16, 1u << ir_mem_log2(n->op), n->imm, n->x};
}

enum meet { MEET_NEVER, MEET_MAYBE, MEET_SURELY };

/* Addresses from the same registers whose displacements differ within a page cannot meet, whatever the page tables say. */
static enum meet meet(const struct region_store *s, const struct where *w)
{
    if (s->key != w->key || s->scale != w->scale)
        return MEET_MAYBE;
    uint32_t d = (uint32_t)w->disp - (uint32_t)s->disp, up = d & 4095, down = (0 - d) & 4095;
    return up >= s->size && down >= w->size ? MEET_NEVER : MEET_SURELY;
}

static bool fits_bits(int32_t k, unsigned bits) { return k == (int32_t)((uint32_t)k << (32 - bits)) >> (32 - bits); }

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

static void check(struct region_gen *g, const struct region_store *s, unsigned entries)
{
    sched_check(g->info, &g->op[s->op], s->size, s->disp, entries);
}

static void protect(const struct region_gen *g, struct gen_op *o, const struct ir_node *n, unsigned rd, unsigned ra,
                    unsigned rb, unsigned entry)
{
    const struct gen_info *t = &g->info[n->op - DUKE_OP_LDG_BU + DUKE_OP_LDP_BU];
    o->w[0] = t->ext[0] | words_rd(rd) | words_ra(ra) | words_rb(rb) | (uint32_t)n->x << 4 | entry;
    o->w[1] = t->ext[1] | ((uint32_t)n->imm & 0x1fffffff);
    o->nwords = 2;
}

/* What stands in a load's way: it cannot stand before cycle `hard`, and not at the cycle of a store that may meet it unless
 * that is behind it; from `soft` on nothing does. */
struct obstacles {
    uint32_t hard, soft;
};

static struct obstacles obstacles(const struct region_gen *g, const struct where *w, bool may_protect, uint32_t k, uint32_t end)
{
    struct obstacles o = {0, 0};
    for (; k < end; k++) {
        const struct region_store *s = &g->store[k];
        enum meet m = g->reorder ? meet(s, w) : MEET_SURELY;
        if (m == MEET_NEVER)
            continue;
        if (m == MEET_SURELY || !may_protect || !s->checkable)
            o.hard = max_u(o.hard, s->cycle + 1);
        else
            o.soft = max_u(o.soft, s->cycle + 1);
    }
    return o;
}

/* A store at cycle c that may meet the load does not see an alias entry made in its own bundle. */
static bool meets_at(const struct region_gen *g, const struct where *w, uint32_t c)
{
    for (uint32_t k = 0; k < g->nstores; k++)
        if (g->store[k].cycle == c && meet(&g->store[k], w) != MEET_NEVER)
            return true;
    return false;
}

/* Whether the load may stand before the commit that precedes it: if no store between the two has to do with it, and if its value is
 * for a temporary, which no commit needs. */
static bool passes_commit(const struct region_gen *g, const struct where *w, uint32_t i)
{
    if (!g->over_commits || !g->hoist || g->ir->use[i].wish >> 8 == g->part || g->over[i])
        return false;
    struct obstacles o = obstacles(g, w, true, g->first_store, g->nstores);
    return o.hard == 0 && o.soft == 0;
}

/* The load stands at cycle c, under an alias entry, and not behind the stores that are left to later ones. */
static void guard(struct region_gen *g, const struct where *w, uint32_t c, unsigned entry)
{
    for (uint32_t k = 0; k < g->nleft; k++) {
        struct region_left *l = &g->left[k];
        if (meet(&l->where, w) == MEET_NEVER)
            continue;
        l->entries = (uint16_t)(l->entries | 1u << entry);
        l->after = max_u(l->after, c);
    }
}

uint32_t sched_guards(const struct region_gen *g, uint32_t i)
{
    const struct ir_block *b = g->ir;
    uint32_t n = 0;
    for (; i < b->n; i++) {
        if (b->node[i].op == IR_EXIT && !(b->exit[b->node[i].imm].flags & IR_EXIT_LATE))
            break;
        n += ir_is_load(b->node[i].op) && g->over[i];
    }
    return n;
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

void sched_load(struct region_gen *g, const struct ir_node *n, uint32_t i)
{
    const struct gen_info *t = &g->info[n->op];
    struct where w = where_of(n);
    unsigned ra = g->loc[n->a], rb = g->loc[n->b];
    bool early = passes_commit(g, &w, i);
    uint32_t *nalias = early ? &g->nalias_before : &g->nalias;
    uint32_t from = max_u(early ? g->floor_before : g->load_floor, max_u(g->reg[ra].avail, g->reg[rb].avail));
    bool guarded = g->over[i] != 0;
    uint32_t reserved = early ? 0 : g->guards - guarded;
    g->guards -= guarded;
    bool may = g->level < REGION_NO_ALIAS && *nalias + reserved < g->max_alias && fits_bits(n->imm, 29);
    struct obstacles obs = obstacles(g, &w, may, early ? 0 : g->first_store, g->nstores);
    unsigned rd = sched_define(g, i, from);
    sched_release(g, n, i);
    from = sched_writable(g, rd, max_u(from, obs.hard));
    struct gen_op *o = sched_new_op(g);
    uint32_t c = from;
    while (!sched_fits(g, c, t->need) || (c < obs.soft && meets_at(g, &w, c)))
        c++;
    words_mem(o, t, rd, ra, rb, n->x, n->imm);
    if (c < obs.soft || guarded) {
        unsigned entry = (*nalias)++;
        g->aliased++;
        protect(g, o, n, rd, ra, rb, entry);
        for (uint32_t k = 0; k < g->nstores; k++)
            if (g->store[k].cycle > c && meet(&g->store[k], &w) != MEET_NEVER)
                check(g, &g->store[k], 1u << entry);
        if (guarded)
            guard(g, &w, c, entry);
    }
    g->passed += g->nstores > g->first_store && c <= g->last_store;
    g->hoisted += c < g->floor;
    sched_put_at(g, o, c, t->need);
    sched_wrote(g, t, rd, c);
    g->last_load = max_u(g->last_load, c);
    g->last = max_u(g->last, c);
    sched_read(g, ra, c);
    sched_read(g, rb, c);
}

void sched_store(struct region_gen *g, const struct ir_node *n, uint32_t i)
{
    const struct gen_info *t = &g->info[n->op];
    struct where w = where_of(n);
    struct region_left left = take_over(g, i);
    struct region_store s = {.key = w.key, .disp = w.disp, .size = (uint8_t)w.size, .scale = (uint8_t)w.scale};
    if (g->over[i]) {
        left.to = g->over[i];
        left.where = s;
        g->left[g->nleft++] = left;
        return;
    }
    unsigned ra = g->loc[n->a], rb = g->loc[n->b], rc = g->loc[n->c];
    uint32_t from = max_u(max_u(g->floor, g->reg[rc].avail), max_u(g->reg[ra].avail, g->reg[rb].avail));
    struct gen_op *o = sched_new_op(g);
    words_mem(o, t, rc, ra, rb, n->x, n->imm);
    sched_release(g, n, i);
    if (left.entries)
        from = max_u(from, left.after + 1);
    uint32_t c = sched_put(g, o, max_u(from, max_u(g->last_load, g->last_store)), t->need);
    g->last_store = c;
    if (g->nstores - g->first_store == REGION_STORES) {
        g->overflow = 1;
        return;
    }
    s.cycle = c;
    s.op = (uint16_t)(o - g->op);
    s.checkable = fits_bits(w.disp, 17);
    g->store[g->nstores++] = s;
    if (left.entries)
        check(g, &s, left.entries);
    g->last = max_u(g->last, c);
    sched_read(g, ra, c);
    sched_read(g, rb, c);
    sched_read(g, rc, c);
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
