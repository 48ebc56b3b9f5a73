/* What is hot, and where it goes.
 *
 * Gear-2 code counts nothing. Instead the core leaves it now and then (control register ilimit). If that is not in a region, an
 * episode begins: the interpreter executes the next thousand instructions while the dispatcher notes which block follows
 * which. At its end the hottest blocks become heads of regions, heads of loops first, and the ways seen choose the paths.
 *
 * What an episode saw is kept, and counts for less in each that follows: a block that one of them only touches becomes hot
 * in time. Between looks goes a fixed share of the time that has passed, so that short programs are looked at often, and
 * all of them together cost long ones little.
 */
#include "cache/cache.h"
#include "guest/block.h"
#include "morph.h"
#include "port.h"
#include "region.h"

enum { PROBES = 16, NEW_PER_EPISODE = 24, LOOK_SHARE_LOG2 = 6, EPISODE_SHARE_LOG2 = 4, LONGEST = 1 << 22 };

static uint32_t hash(uint64_t rip) { return (uint32_t)(rip ^ rip >> 10); }

static struct region_node *node_of(struct region_profile *p, uint64_t rip, bool make)
{
    uint32_t h = hash(rip);
    for (unsigned k = 0; k < PROBES; k++) {
        struct region_node *n = &p->node[(h + k) & (REGION_NODES - 1)];
        if (n->rip == rip)
            return n;
        if (n->rip)
            continue;
        if (!make)
            return NULL;
        if (p->nused == REGION_NODES_USED)
            return NULL;
        *n = (struct region_node){.rip = rip};
        p->used[p->nused++] = (uint16_t)(n - p->node);
        return n;
    }
    return NULL;
}

const struct region_node *region_seen(const struct region *r, uint64_t rip)
{
    return node_of((struct region_profile *)&r->profile, rip, false);
}

static bool knows_nothing(const struct region_care *c)
{
    return c->level == REGION_BOLD && !c->npins && !(c->traps[0] | c->traps[1] | c->traps[2]);
}

/* Nothing that was learned is ever forgotten, or a program with more heads than there are places would make the same regions,
 * and see the same ones fail, for ever. Sites that find no place share one, and what either does counts for both. */
struct region_care *region_care(struct region *r, uint64_t rip)
{
    uint32_t h = hash(rip);
    struct region_care *blank = NULL;
    for (unsigned k = 0; k < PROBES; k++) {
        struct region_care *c = &r->care[(h + k) & (REGION_CARE - 1)];
        if (c->rip == rip)
            return c;
        if (!blank && knows_nothing(c))
            blank = c;
    }
    if (!blank)
        return &r->care[h & (REGION_CARE - 1)];
    *blank = (struct region_care){.rip = rip};
    return blank;
}

/* The site of the load or store that trapped last; 0: unknown. */
static unsigned trap_site(const struct morph *m)
{
    uint32_t at = (uint32_t)m->sh->trap_pc / 4 + ((uint32_t)m->sh->trap_info >> 8 & 7);
    const struct region_site *s = &m->region->site[at % REGION_SITES];
    return s->tag == at / REGION_SITES ? s->site : 0;
}

static void suspect(struct region_care *c, unsigned site)
{
    if (!site)
        return;
    for (unsigned k = 0; k < c->nsuspects; k++) {
        if (c->suspect[k] == site) {
            c->count[k] += c->count[k] < 255;
            return;
        }
    }
    if (c->nsuspects == REGION_SUSPECTS)
        return;
    c->suspect[c->nsuspects] = (uint16_t)site;
    c->count[c->nsuspects++] = 1;
}

/* Pins sites that trapped often: a quarter of the times. False: there is none that is not pinned yet, or no room. */
static bool pin(struct region_care *c, unsigned most)
{
    unsigned before = c->npins, all = (unsigned)c->traps[0] + c->traps[1] + c->traps[2];
    for (unsigned k = 0; k < c->nsuspects && c->npins < most; k++) {
        bool is = 4u * c->count[k] < all;
        for (unsigned j = 0; j < c->npins; j++)
            is |= c->pin[j] == c->suspect[k];
        if (!is)
            c->pin[c->npins++] = c->suspect[k];
    }
    return c->npins > before;
}

bool region_trapped(struct morph *m, uint64_t head, uint32_t cause)
{
    struct region_care *c = region_care(m->region, head);
    unsigned k = cause == DUKE_TRAP_ALIAS ? 0 : cause == DUKE_TRAP_SB_OVERFLOW ? 1 : 2;
    if (c->traps[k] < 255)
        c->traps[k]++;
    if (k != 1)
        suspect(c, trap_site(m));
    unsigned level = m->policy.spec->after(&m->sh->params, c, k);
    if (level == c->level)
        return false;
    if (k != 1 && pin(c, (unsigned)m->sh->params.region_pins))
        m->sh->stats.gear3_pinned++;
    else
        c->level = (uint8_t)level;
    c->nsuspects = 0;
    for (unsigned i = 0; i < 3; i++)
        c->traps[i] = 0;
    return true;
}

void region_arm(struct morph *m)
{
    const struct morph_params *p = &m->sh->params;
    uint64_t limit = m->region->profile.next_sample;
    if (p->max_insts && p->max_insts - m->tcache->max_commit + 1 < limit)
        limit = p->max_insts - m->tcache->max_commit + 1;
    port_set_ilimit(limit);
}

/* When to look again. A look that finds a region costs little, an episode some thousand cycles. */
static uint64_t next_look(const struct morph *m, uint64_t now, unsigned share_log2)
{
    uint64_t wait = now >> share_log2, least = m->sh->params.sample_insns;
    if (wait > LONGEST)
        wait = LONGEST;
    return now + (wait > least ? wait : least);
}

/* Makes older counts worth less; forgets all if the table has become full. */
static void age(struct region_profile *p)
{
    bool full = p->nused == REGION_NODES_USED;
    for (uint32_t i = 0; i < p->nused; i++) {
        struct region_node *n = &p->node[p->used[i]];
        if (full) {
            n->rip = 0;
            continue;
        }
        n->count -= n->count / 4;
        n->way[0].count -= n->way[0].count / 4;
        n->way[1].count -= n->way[1].count / 4;
    }
    if (full)
        p->nused = 0;
}

void region_sample(struct morph *m, uint32_t native)
{
    struct region_profile *p = &m->region->profile;
    uint64_t now = port_icount();
    if (now < p->next_sample)
        return;
    uint32_t t = cache_find(m->tcache, native);
    m->sh->stats.gear3_samples++;
    if (t != CACHE_NONE && m->tcache->tr[t].gear == 3) {
        p->next_sample = next_look(m, now, LOOK_SHARE_LOG2);
    } else {
        p->next_sample = ~UINT64_C(0);
        age(p);
        struct region_node *n = t != CACHE_NONE ? node_of(p, m->tcache->tr[t].rip, true) : NULL;
        if (n) /* found running: hot, even if a region has it inside */
            n->count += (uint32_t)m->sh->params.hot3;
        p->from = 0;
        p->covered = false;
        p->end = now + m->sh->params.profile_insns;
        m->sh->stats.gear3_episodes++;
        port_cat(DUKE_CAT_PROFILE);
    }
}

static void note_way(struct region_node *n, uint64_t to)
{
    for (unsigned i = 0; i < 2; i++) {
        if (n->way[i].rip == to && n->way[i].count) {
            n->way[i].count++;
            return;
        }
    }
    unsigned i = n->way[1].count < n->way[0].count;
    if (n->way[i].count) /* a third way takes the place of the rarer of the two when it has come as often */
        n->way[i].count--;
    else
        n->way[i] = (struct region_way){to, 1};
}

static bool is_inside(const struct region_profile *p, uint32_t block)
{
    return block < REGION_BLOCKS && p->inside[block / 32] >> block % 32 & 1;
}

static bool is_head(struct morph *m, const struct gblock *b) { return b->native && m->tcache->tr[b->translation].gear == 3; }

/* A repeated string instruction is a translation of its own; it counts as one instruction, however long it takes. */
static void note_repeated(struct morph *m, const struct gblock *b)
{
    const struct ginsn *g = block_insns(m->blocks, b);
    uint64_t rip = b->rip;
    for (unsigned i = 0; i < b->ninsns; i++) {
        if (g[i].prefixes & (GPFX_REP | GPFX_REPNE) && lift_alone(&g[i])) {
            struct region_node *n = node_of(&m->region->profile, rip, true);
            struct gblock *alone = block_peek(m->blocks, rip, b->mode);
            if (n && alone && !is_head(m, alone))
                n->count += 4;
        }
        rip = lift_next(&g[i], rip, b->mode != GUEST_IA32);
    }
}

void region_note(struct morph *m, const struct gblock *b)
{
    struct region_profile *p = &m->region->profile;
    struct region_node *from = p->from ? node_of(p, p->from, false) : NULL;
    if (from)
        note_way(from, b->rip);
    p->covered = is_head(m, b) || (p->covered && is_inside(p, block_index(m->blocks, b)));
    struct region_node *n = node_of(p, b->rip, true);
    if (n && !p->covered)
        n->count++;
    if (n && from && p->from_jumps && b->rip <= from->rip)
        n->backs++;
    note_repeated(m, b);
    p->from = n ? b->rip : 0;
    unsigned op = b->ninsns ? block_insns(m->blocks, b)[b->ninsns - 1].op : G_NOP;
    p->from_jumps = op != G_CALL && op != G_CALL_IND && op != G_RET;
}

static void mark_block(struct region *r, uint32_t block)
{
    if (block < REGION_BLOCKS)
        r->profile.inside[block / 32] |= 1u << block % 32;
}

static void mark_inside(struct region *r)
{
    for (uint32_t i = 0; i < r->nsteps; i++) {
        mark_block(r, r->steps[i].block);
        if (r->steps[i].nover)
            mark_block(r, r->steps[i].over);
    }
}

/* Blocks on the path just taken need no region of their own for having been executed there. */
static void uncount(struct morph *m)
{
    struct region *r = m->region;
    uint64_t head = m->blocks->blocks[r->steps[0].block].rip;
    struct region_node *h = node_of(&r->profile, head, false);
    uint32_t count = h ? h->count : 0;
    for (uint32_t i = 0; i < 2 * r->nsteps; i++) {
        const struct region_step *s = &r->steps[i / 2];
        if (i & 1 && !s->nover)
            continue;
        struct region_node *n = node_of(&r->profile, m->blocks->blocks[i & 1 ? s->over : s->block].rip, false);
        if (n)
            n->count -= n->count < count ? n->count : count;
    }
}

/* Numbers of the nodes that are hot; counts only go down from here. */
static unsigned list_hot(const struct morph *m, uint16_t *list)
{
    const struct region_profile *p = &m->region->profile;
    uint64_t least = m->sh->params.hot3;
    unsigned n = 0;
    for (uint32_t i = 0; i < p->nused; i++)
        if (p->node[p->used[i]].count >= least)
            list[n++] = p->used[i];
    return n;
}

static struct region_node *hottest(struct morph *m, const uint16_t *list, unsigned n, unsigned pass)
{
    struct region_profile *p = &m->region->profile;
    struct region_node *best = NULL;
    for (unsigned i = 0; i < n; i++) {
        struct region_node *x = &p->node[list[i]];
        if (x->count < m->sh->params.hot3 || (best && x->count <= best->count))
            continue;
        if (m->policy.head->fits(x, pass))
            best = x;
    }
    return best;
}

static void make_regions(struct morph *m)
{
    static uint16_t hot[REGION_NODES_USED];
    unsigned made = 0, nhot;
    port_cat(DUKE_CAT_TRANSLATE3);
    nhot = list_hot(m, hot);
    for (unsigned pass = 0; pass < m->policy.head->passes; pass++) {
        struct region_node *n;
        while (made < NEW_PER_EPISODE && (n = hottest(m, hot, nhot, pass))) {
            struct gblock *b = block_peek(m->blocks, n->rip, m->sh->cpu.mode);
            uint32_t generation = m->tcache->generation;
            if (b && !is_head(m, b) && b->epoch == m->blocks->epoch && region_translate(m, b)) {
                made++;
                mark_inside(m->region);
                uncount(m);
            }
            n->count = 0;
            if (m->tcache->generation != generation) { /* flushed: the rest was for another world */
                port_cat(DUKE_CAT_INTERP);
                return;
            }
        }
    }
    port_cat(DUKE_CAT_INTERP);
}

bool region_watch(struct morph *m, struct gblock *b)
{
    struct region_profile *p = &m->region->profile;
    if (p->generation != m->tcache->generation) {
        for (unsigned i = 0; i < REGION_BLOCKS / 32; i++)
            p->inside[i] = 0;
        p->generation = m->tcache->generation;
    }
    if (port_icount() < p->end) {
        region_note(m, b);
        return true;
    }
    p->end = 0;
    make_regions(m);
    p->next_sample = next_look(m, port_icount(), EPISODE_SHARE_LOG2);
    return false;
}

struct region *region_make(struct morph *m)
{
    struct region *r = arena_alloc(&m->arena, sizeof *r, 64);
    if (!r)
        return NULL;
    for (unsigned i = 0; i < REGION_CARE; i++)
        r->care[i] = (struct region_care){.rip = 0};
    for (unsigned i = 0; i < REGION_SITES; i++)
        r->site[i] = (struct region_site){0, 0};
    r->profile.next_sample = m->sh->params.sample_insns;
    r->profile.nused = 0;
    for (unsigned i = 0; i < REGION_NODES; i++)
        r->profile.node[i].rip = 0;
    r->profile.end = 0;
    r->profile.generation = ~0u;
    r->ir.entries_made = 0;
    r->known.round = 0;
    for (unsigned i = 0; i < IR_NODES_MAX; i++)
        r->known.root[i].round = 0;
    return r;
}
