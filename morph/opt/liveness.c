/* One walk backward: last uses, hence dead nodes, and which home register a value is for. */
#include "opt.h"

#include "ir/ir.h"

enum { PLAIN, EFFECT, SET, LEAVE }; /* PLAIN: dead if its value is */

static const uint8_t kinds[IR_OP_COUNT] = {
    [DUKE_OP_LDG_BU] = EFFECT, [DUKE_OP_LDG_HU] = EFFECT,
    [DUKE_OP_LDG_WU] = EFFECT, [DUKE_OP_LDG_D] = EFFECT,
    [DUKE_OP_LDG_BS] = EFFECT, [DUKE_OP_LDG_HS] = EFFECT,
    [DUKE_OP_LDG_WS] = EFFECT, [DUKE_OP_STG_B] = EFFECT,
    [DUKE_OP_STG_H] = EFFECT,  [DUKE_OP_STG_W] = EFFECT,
    [DUKE_OP_STG_D] = EFFECT,  [IR_CALL] = EFFECT,
    [IR_FAULT] = EFFECT,       [IR_SET] = SET,
    [IR_EXIT] = LEAVE,
};

void opt_liveness(struct ir_block *b)
{
    struct ir_use *use = b->use;
    use[0].last = 1;   /* register zero is never used for the last time */
    uint32_t part = 0; /* exits from here on: a wish holds for values made since the exit before */
    for (uint32_t i = b->n - 1; i >= IR_FIRST; i--) {
        struct ir_node *n = &b->node[i];
        unsigned kind = kinds[n->op];
        if (kind == PLAIN && !use[i].last)
            continue;
        uint32_t x = n->a, y = n->b, z = n->c;
        if (kind == SET)
            use[x].wish = (uint16_t)(ir_home(n->x) | part << 8);
        part += kind == LEAVE;
        /* All three are looked up at once; where two are the same register both bits say so, which does no harm. */
        uint32_t last_x = use[x].last, last_y = use[y].last, last_z = use[z].last;
        unsigned kills = (last_x == 0) * IR_KILL_A + (last_y == 0) * IR_KILL_B + (last_z == 0) * IR_KILL_C;
        use[x].last = (ir_ref)(last_x ? last_x : i);
        use[y].last = (ir_ref)(last_y ? last_y : i);
        use[z].last = (ir_ref)(last_z ? last_z : i);
        n->kills = (uint8_t)kills;
    }
    b->parts = part;
}
