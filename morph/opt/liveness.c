/* One walk backward: last uses, hence dead nodes, and which home register a value is for. */
#include "opt.h"

#include "ir/ir.h"

/* Notes that node `user` uses r; returns `bit` if nothing after it does. */
static inline unsigned use(struct ir_node *nodes, ir_ref r, uint32_t user, unsigned bit)
{
    if (nodes[r].last)
        return 0;
    nodes[r].last = (ir_ref)user;
    return bit;
}

void opt_liveness(struct ir_block *b)
{
    struct ir_node *nodes = b->node;
    nodes[0].last = 1; /* register zero is never used for the last time */
    unsigned part = 0; /* exits from here on: a wish holds for values made since the exit before */
    for (uint32_t i = b->n - 1; i >= IR_FIRST; i--) {
        struct ir_node *n = &nodes[i];
        unsigned op = n->op;
        if (op < DUKE_OP_COUNT) {
            if (!n->last && !ir_is_load(op) && !ir_is_store(op))
                continue;
        } else if (op == IR_SET) {
            if (n->a)
                b->hint[n->a] = (uint16_t)((n->x + 1) | part << 8);
        } else if (op == IR_ADDR) {
            continue;
        } else {
            part += op == IR_EXIT;
        }
        unsigned kills = use(nodes, n->a, i, IR_KILL_A);
        kills |= use(nodes, n->b, i, IR_KILL_B);
        kills |= use(nodes, n->c, i, IR_KILL_C);
        n->kills = (uint8_t)kills;
    }
    b->parts = part;
}
