/* One walk backward: last uses, hence dead nodes, and which home register a value is for. */
#include "opt.h"

#include "ir/ir.h"

/* Not dead even if its value is. */
static inline bool has_effect(unsigned op)
{
    return (unsigned)ir_is_load(op) | (unsigned)ir_is_store(op) | (op - IR_SET <= IR_FAULT - IR_SET); /* without branches */
}
_Static_assert(IR_EXIT - IR_SET == 1 && IR_CALL - IR_SET == 2 && IR_FAULT - IR_SET == 3, "they are next to each other");

/* The same of what only a dead value makes worth asking about. */
static inline bool fp_effect(unsigned op)
{
    return ir_raises(op) || ir_is_load_f(op) || ir_is_store_f(op) || op == DUKE_OP_WRCR;
}

void opt_liveness(struct ir_block *b)
{
    struct ir_use *use = b->use;
    use[0].last = 1;   /* register zero is never used for the last time */
    uint64_t part = 0; /* exits from here on: a wish holds for values made since the exit before */
    for (uint64_t i = b->n - 1; i >= IR_FIRST; i--) {
        struct ir_node *n = &b->node[i];
        unsigned op = n->op;
        if (!(has_effect(op) | (use[i].last != 0)) && !fp_effect(op))
            continue;
        uint64_t x = n->a, y = n->b, z = n->c;
        use[op == IR_SET ? x : 0].wish = (uint16_t)(ir_home(n->x & 127) | part << 8); /* register zero has no use for it */
        part += op == IR_EXIT;
        /* All three are looked up at once; where two are the same register both bits say so, which does no harm. */
        uint64_t last_x = use[x].last, last_y = use[y].last, last_z = use[z].last;
        unsigned kills = (last_x == 0) * IR_KILL_A + (last_y == 0) * IR_KILL_B + (last_z == 0) * IR_KILL_C;
        use[x].last = (ir_ref)(last_x ? last_x : i);
        use[y].last = (ir_ref)(last_y ? last_y : i);
        use[z].last = (ir_ref)(last_z ? last_z : i);
        n->kills = (uint8_t)kills;
    }
    b->parts = part;
}
