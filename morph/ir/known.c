/* What is known to be in memory, for regions: a load of what was stored or loaded before, with nothing in between that may have
 * changed it, is that value.
 *
 * Addresses are compared as base + (index << scale) + displacement, after sums with constants have been taken apart: so pushes, pops
 * and the frame's slots have one base. Stores to other bases may meet anything. Memory of devices is never read this way:
 * translated code that touches it traps.
 */
#include "ir.h"

/* r without the constants added to it; *k gets (their sum << scale). Addresses of IA-32 count modulo 2^32, so there it does not matter
 * where a sum is cut to 32 bits; in 64-bit code sums count in full. */
static ir_ref root(const struct ir_block *b, ir_ref r, unsigned scale, int32_t *k)
{
    while (r) {
        const struct ir_node *n = &b->node[r];
        if (n->op != DUKE_OP_ADDI && (n->op != DUKE_OP_ADDI_W || b->wide))
            break;
        int64_t sum = *k + ((int64_t)n->imm << scale);
        if (b->wide && sum != (int32_t)sum)
            break;
        *k = (int32_t)(uint32_t)sum;
        r = n->a;
    }
    return r;
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

static void add(struct ir_known *k, struct ir_known_value v)
{
    if (k->n < IR_KNOWN_MAX) {
        k->value[k->n++] = v;
        return;
    }
    k->value[k->next] = v;
    k->next = (k->next + 1) % IR_KNOWN_MAX;
}

ir_ref ir_known_load(const struct ir_block *b, const struct ir_node *n, bool *found)
{
    struct ir_known_value w = ir_where(b, n);
    *found = false;
    for (uint32_t i = b->known->n; i-- > 0;) {
        const struct ir_known_value *v = &b->known->value[i];
        if (!ir_same_base(v, &w) || v->disp != w.disp || v->size < w.size)
            continue;
        *found = true;
        return v->ref;
    }
    return 0;
}

void ir_known_note(struct ir_block *b, const struct ir_node *n, ir_ref value)
{
    struct ir_known *k = b->known;
    struct ir_known_value w = ir_where(b, n);
    w.ref = value;
    if (ir_is_store(n->op)) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < k->n; i++)
            if (!ir_may_meet(&k->value[i], &w))
                k->value[kept++] = k->value[i];
        k->n = kept;
        k->next = 0;
    }
    add(k, w);
}
