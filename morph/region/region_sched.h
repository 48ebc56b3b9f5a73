/* What the parts of the region scheduler share: bundles and registers. */
#pragma once
#include "gen/words.h"
#include "region.h"

/* r4..r27 and r49..r58; r48 carries exit numbers. */
#define SCHED_TEMPS (UINT64_C(0x07fe00000ffffff0))

static inline uint32_t max_u(uint32_t a, uint32_t b) { return a > b ? a : b; }
static inline bool sched_is_home(unsigned r) { return r - 28u < 20u; }

/* Where a load or store goes. */
struct sched_where {
    uint32_t key, size;
    int32_t disp;
    unsigned scale;
};

static inline struct sched_where sched_where(const struct ir_node *n)
{
    return (struct sched_where){n->a | (uint32_t)n->b << 16, 1u << ir_mem_log2(n->op), n->imm, n->x};
}

enum sched_meet { MEET_NEVER, MEET_MAYBE, MEET_SURELY };

/* Addresses from the same registers whose displacements differ within a page cannot meet, whatever the page tables say. */
static inline enum sched_meet sched_meet(const struct region_store *s, const struct sched_where *w)
{
    if (s->key != w->key || s->scale != w->scale)
        return MEET_MAYBE;
    uint32_t d = (uint32_t)w->disp - (uint32_t)s->disp, up = d & 4095, down = (0 - d) & 4095;
    return up >= s->size && down >= w->size ? MEET_NEVER : MEET_SURELY;
}

static inline bool sched_fits_bits(int32_t k, unsigned bits)
{
    return k == (int32_t)((uint32_t)k << (32 - bits)) >> (32 - bits);
}

/* -- sched_reg.c */
struct gen_op *sched_new_op(struct region_gen *g);
/* Bundles up to cycle c exist afterwards. */
void sched_extend(struct region_gen *g, uint32_t c);
unsigned sched_take_temp(struct region_gen *g);
void sched_move(struct region_gen *g, unsigned rd, unsigned ra);
/* `home` is going to be overwritten: what lives there and is wanted by node `from` or later goes elsewhere. */
void sched_evict(struct region_gen *g, unsigned home, uint32_t from);
/* The register for the value of node i. */
unsigned sched_define(struct region_gen *g, uint32_t i, uint32_t from);

/* -- sched_mem.c */
void sched_load(struct region_gen *g, const struct ir_node *n, uint32_t i);
/* A commit, node i, stands behind all stores so far. They are kept for loads that pass it. */
void sched_stores_committed(struct region_gen *g, uint32_t i);
/* Loads from node i on, up to the next commit, that need an alias entry for stores left to later ones. */
uint32_t sched_guards(const struct region_gen *g, uint32_t i);
/* -- sched_store.c */
void sched_store(struct region_gen *g, const struct ir_node *n, uint32_t i);
/* Places the stores that wait. i: the node that wants them placed. */
void sched_place_waiting(struct region_gen *g, uint32_t i);
static inline void sched_place_stores(struct region_gen *g, uint32_t i)
{
    if (g->nwaiting)
        sched_place_waiting(g, i);
}
/* Whether a load of w, protected or not, may be placed while stores wait. */
bool sched_may_cross(const struct region_gen *g, const struct ir_node *n, const struct sched_where *w, uint32_t entries_left);
/* The load at node i has been placed: of `load`, cycle, op, registers and alias entry (-1: none) are filled in. */
void sched_cross(struct region_gen *g, uint32_t i, const struct sched_where *w, const struct region_crossing *load);
/* A number that a load behind so many stores may share, or nalias. */
static inline uint32_t sched_half_free(const struct region_gen *g, uint32_t stored)
{
    uint32_t k = 0, n = g->nalias < g->max_pairs ? g->nalias : g->max_pairs;
    while (k < n && g->alias_free[k] != stored)
        k++;
    return k < n ? k : g->nalias;
}
/* The number of an alias entry for a load behind so many stores. alone: nothing else may have that number. */
unsigned sched_alias(struct region_gen *g, uint32_t stored, bool alone);
/* Makes the store, encoded in o, check the alias entries. */
void sched_check(const struct gen_info *info, struct gen_op *o, unsigned size, int32_t disp, unsigned entries);

/* Makes the load of node n, encoded in o, set an alias entry. */
void sched_protect(const struct region_gen *g, struct gen_op *o, const struct ir_node *n, unsigned rd, unsigned ra, unsigned rb,
                   unsigned entry);

/* Whether a load or store is kept in order because it did harm out of order. */
static inline bool sched_pinned(const struct region_gen *g, unsigned site)
{
    for (uint32_t k = 0; k < g->npins; k++)
        if (g->pin[k] == site)
            return true;
    return false;
}

/* If node i will have a home that a waiting store reads, that is placed. */
static inline void sched_keep_held(struct region_gen *g, uint32_t i)
{
    unsigned wish = g->held ? g->ir->use[i].wish : 0;
    if (wish && wish >> 8 == g->part && g->held >> (wish & 63) & 1)
        sched_place_waiting(g, i);
}

/* Whether bundle c, which exists afterwards, has the lanes. */
static inline bool sched_fits(struct region_gen *g, uint32_t c, unsigned need)
{
    if (c >= g->ncycles)
        sched_extend(g, c);
    return g->overflow || (((g->bundle[c].free | GEN_GUARDS) - need) & GEN_GUARDS) == GEN_GUARDS;
}

static inline void sched_put_at(struct region_gen *g, const struct gen_op *o, uint32_t c, unsigned need)
{
    if (g->overflow)
        return;
    struct gen_bundle *u = &g->bundle[c];
    u->free = (uint16_t)(u->free - need);
    u->op[u->n++] = (uint16_t)(o - g->op);
}

/* Puts op o into the first bundle from cycle c on that has room. */
static inline uint32_t sched_put(struct region_gen *g, const struct gen_op *o, uint32_t c, unsigned need)
{
    c = max_u(c, g->base);
    while (!sched_fits(g, c, need))
        c++;
    sched_put_at(g, o, c, need);
    return c;
}

/* The op at cycle c writes rd. */
static inline void sched_wrote(struct region_gen *g, const struct gen_info *t, unsigned rd, uint32_t c)
{
    if (!rd)
        return;
    g->reg[rd] = (struct region_reg){(uint16_t)(c + t->latency), (uint16_t)(c + 1), (uint16_t)c};
    if (sched_is_home(rd))
        g->last = max_u(g->last, c);
}

/* The first cycle from `from` on in which rd may be written. */
static inline uint32_t sched_writable(const struct region_gen *g, unsigned rd, uint32_t from)
{
    from = max_u(from, g->reg[rd].wmin);
    return sched_is_home(rd) ? max_u(from, g->floor) : from;
}

/* Places an op whose operands are ready at `from` and which writes rd. Returns the cycle. */
static inline uint32_t sched_write(struct region_gen *g, const struct gen_op *o, const struct gen_info *t, unsigned rd,
                                   uint32_t from)
{
    uint32_t c = sched_put(g, o, sched_writable(g, rd, from), t->need);
    sched_wrote(g, t, rd, c);
    return c;
}

/* Register r is read at cycle c. */
static inline void sched_read(struct region_gen *g, unsigned r, uint32_t c)
{
    if (r)
        g->reg[r].wmin = (uint16_t)max_u(g->reg[r].wmin, c);
}

/* Node i was the last to use r: its register can take another value. */
static inline void sched_release_ref(struct region_gen *g, ir_ref r, uint32_t i)
{
    if (r && g->ir->use[r].last == i)
        g->free |= UINT64_C(1) << g->loc[r] & SCHED_TEMPS & ~g->held;
}

static inline void sched_release(struct region_gen *g, const struct ir_node *n, uint32_t i)
{
    sched_release_ref(g, n->a, i);
    sched_release_ref(g, n->b, i);
    sched_release_ref(g, n->c, i);
}
