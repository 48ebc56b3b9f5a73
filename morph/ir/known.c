/* What is known to be in memory, for regions: a load of what was stored or loaded before, with nothing in between that may have
 * changed it, is that value.
 *
 * Addresses are compared as base + (index << scale) + displacement, after sums with constants have been taken apart: so pushes, pops
 * and the frame's slots have one base. Stores to other bases may meet anything. Memory of devices is never read this way:
 * translated code that touches it traps.
 */
#include "ir.h"

/* r without the constants added to it; *k gets (their sum << scale). Addresses of IA-32 count modulo 2^32, so there it does not matter
 * where a sum is cut to 32 bits; in 64-bit code sums count in full, and one that *k has no room for is left as it is. */
static ir_ref root(const struct ir_block *b, ir_ref r, unsigned scale, int32_t *k)
{
    struct ir_known *known = b->known;
    int64_t sum = 0;
    unsigned steps = 0;
    ir_ref at = r;
    for (; at; steps++) {
        const struct ir_node *n = &b->node[at];
        if (n->op != DUKE_OP_ADDI && (n->op != DUKE_OP_ADDI_W || b->wide))
            break;
        if (steps && known && known->root[at].round == known->round) { /* an induction variable has one more term in each lap */
            sum += known->root[at].sum;
            at = known->root[at].ref;
            break;
        }
        sum += n->imm;
        at = n->a;
    }
    if (!steps)
        return at;
    if (b->wide && (sum != (int32_t)sum || *k + (sum << scale) != (int32_t)(*k + (sum << scale))))
        return r; /* as it stands */
    if (known && steps > 1)
        known->root[r] = (struct ir_known_root){known->round, (int32_t)(uint32_t)sum, at};
    *k = (int32_t)(uint32_t)(*k + (sum << scale));
    return at;
}

struct ir_known_value ir_where(const struct ir_block *b, const struct ir_node *n)
{
    struct ir_known_value w = {.disp = n->imm, .scale = n->x, .size = (uint8_t)(1u << ir_mem_log2(n->op))};
    w.base = root(b, n->a, 0, &w.disp);
    w.index = root(b, n->b, n->x, &w.disp);
    if (w.index && !w.scale && w.index < w.base) { /* either order is the same sum */
        ir_ref t = w.base;
        w.base = w.index;
        w.index = t;
    }
    return w;
}

bool ir_same_base(const struct ir_known_value *v, const struct ir_known_value *w)
{
    return v->base == w->base && v->index == w->index && v->scale == w->scale;
}

/* Two addresses of one base that differ within a page cannot meet, whatever the page tables say. */
bool ir_may_meet(const struct ir_known_value *v, const struct ir_known_value *w)
{
    uint32_t d = (uint32_t)w->disp - (uint32_t)v->disp, up = d & 4095, down = (0 - d) & 4095;
    return !ir_same_base(v, w) || up < v->size || down < w->size;
}

static void add(struct ir_known *k, const struct ir_known_value *v, ir_ref value)
{
    uint32_t at = k->n;
    if (at < IR_KNOWN_MAX) {
        k->n++;
    } else {
        at = k->next;
        k->next = (at + 1) % IR_KNOWN_MAX;
    }
    k->value[at] = *v;
    k->value[at].ref = value;
}

ir_ref ir_known_load(const struct ir_block *b, const struct ir_known_value *w, bool *found)
{
    *found = false;
    for (uint32_t i = b->known->n; i-- > 0;) {
        const struct ir_known_value *v = &b->known->value[i];
        if (v->disp != w->disp || !ir_same_base(v, w) || v->size < w->size)
            continue;
        *found = true;
        return v->ref;
    }
    return 0;
}

void ir_known_note(struct ir_block *b, const struct ir_known_value *w, ir_ref value, bool stored)
{
    struct ir_known *k = b->known;
    if (stored) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < k->n; i++)
            if (!ir_may_meet(&k->value[i], w)) {
                if (kept != i)
                    k->value[kept] = k->value[i];
                kept++;
            }
        k->n = kept;
        k->next = 0;
    }
    add(k, w, value);
}
