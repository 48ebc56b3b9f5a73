/* Stores that a later one overwrites before the next commit: x86 spills, pushed arguments and return addresses.
 *
 * Such a store is left to the later one. Nobody can tell: the interpreter sees what has been committed, and so does the world.
 * Where the region is left between the two, the exit's stub does the earlier store; so no store that may go to the same
 * place may stand between it and the exit. A load between the two that may meet the place, by another base, is read under an
 * alias entry that the later store checks, as if the earlier one had been moved down to it.
 */
#include "opt.h"

#include <string.h>

#include "ir/ir.h"

void opt_stores_begin(struct opt_stores *s, const struct ir_block *b, uint16_t *over, unsigned max_guards)
{
    s->n = s->nloads = s->any_guards = 0;
    s->guarded = 0;
    memset(over, 0, b->n * sizeof *over);
    s->enabled = true;
    s->max_guards = max_guards;
    s->over = over;
}

static void forget(struct opt_stores *s, uint32_t k) { s->at[k] = s->at[--s->n]; }

void opt_stores_load(struct opt_stores *s, const struct ir_block *b, uint32_t i)
{
    if (!s->enabled || !s->n)
        return;
    struct ir_known_value w = ir_where(b, &b->node[i]);
    uint64_t bit = 0;
    for (uint32_t k = s->n; k-- > 0;) {
        struct opt_store *x = &s->at[k];
        if (!ir_may_meet(&x->where, &w))
            continue;
        if (ir_same_base(&x->where, &w) || !s->max_guards || s->nloads == OPT_STORES_LOADS) {
            forget(s, k);
            continue;
        }
        bit = UINT64_C(1) << s->nloads;
        x->loads |= bit;
    }
    if (bit)
        s->load[s->nloads++] = (uint16_t)i;
}

/* Whether a checking store has room for the displacement. */
static bool checkable(const struct ir_node *n) { return n->imm == (int32_t)((uint32_t)n->imm << 15) >> 15; }

static bool covers(const struct ir_known_value *by, const struct ir_known_value *v)
{
    uint32_t d = (uint32_t)v->disp - (uint32_t)by->disp;
    return ir_same_base(by, v) && d < by->size && d + v->size <= by->size;
}

/* Leaves store x to the one at node i, if the loads between them can be guarded. */
static bool leave_to(struct opt_stores *s, const struct ir_block *b, const struct opt_store *x, uint32_t i)
{
    uint64_t guarded = s->guarded | x->loads;
    if (x->loads && (!checkable(&b->node[i]) || !checkable(&b->node[x->node])))
        return false;
    if ((unsigned)__builtin_popcountll(guarded) > s->max_guards && x->loads)
        return false;
    s->guarded = guarded;
    s->any_guards |= x->loads != 0;
    for (uint64_t m = x->loads; m; m &= m - 1)
        s->over[s->load[__builtin_ctzll(m)]] = 1;
    s->over[x->node] = (uint16_t)i;
    return true;
}

unsigned opt_stores_store(struct opt_stores *s, const struct ir_block *b, uint32_t i)
{
    if (!s->enabled)
        return 0;
    struct opt_store new = {.where = ir_where(b, &b->node[i]), .node = (uint16_t)i};
    unsigned gone = 0;
    for (uint32_t k = s->n; k-- > 0;) {
        struct opt_store *x = &s->at[k];
        if (!ir_may_meet(&x->where, &new.where))
            continue;
        if (covers(&new.where, &x->where)) {
            if (leave_to(s, b, x, i)) {
                gone++;
                new.loads |= x->loads;
            }
            forget(s, k);
        } else {
            x->crossed = 1;
        }
    }
    if (s->n == OPT_STORES_MAX)
        forget(s, 0);
    s->at[s->n++] = new;
    return gone;
}

void opt_stores_exit(struct opt_stores *s, bool late)
{
    if (!late) {
        s->n = s->nloads = 0;
        s->guarded = 0;
    }
    for (uint32_t k = s->n; k-- > 0;)
        if (s->at[k].crossed)
            forget(s, k);
}

void opt_dead_stores(const struct ir_block *b, unsigned max_guards, uint16_t *over)
{
    struct opt_stores s;
    opt_stores_begin(&s, b, over, max_guards);
    for (uint32_t i = IR_FIRST; i < b->n; i++) {
        const struct ir_node *n = &b->node[i];
        if (ir_is_load(n->op))
            opt_stores_load(&s, b, i);
        else if (ir_is_store(n->op))
            opt_stores_store(&s, b, i);
        else if (n->op == IR_EXIT)
            opt_stores_exit(&s, (b->exit[n->imm].flags & IR_EXIT_LATE) != 0);
    }
}
