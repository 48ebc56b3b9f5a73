/* One walk backward: last uses, hence dead nodes, and which home register a value is for. */
#include "opt.h"

#include "ir/ir.h"

static inline void use(struct ir_node *nodes, ir_ref r, uint32_t user)
{
    if (r && !nodes[r].last)
        nodes[r].last = (ir_ref)user;
}

void opt_liveness(struct ir_block *b)
{
    struct ir_node *nodes = b->node;
    unsigned part = 0; /* exits from here on: a wish holds for values made since the exit before */
    for (uint32_t i = b->n - 1; i >= IR_FIRST; i--) {
        const struct ir_node n = nodes[i];
        if (n.op == IR_SET) {
            if (n.a)
                b->hint[n.a] = (uint16_t)((n.x + 1) | part << 8);
            use(nodes, n.a, i);
            continue;
        }
        if (n.op == IR_ADDR)
            continue;
        part += n.op == IR_EXIT;
        bool effect = n.op >= DUKE_OP_COUNT || ir_is_load(n.op) || ir_is_store(n.op);
        if (!effect && !n.last)
            continue;
        use(nodes, n.a, i);
        use(nodes, n.b, i);
        use(nodes, n.c, i);
    }
    b->parts = part;
}
