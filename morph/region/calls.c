/* Calls that return within the region. The dual-address return stack need not know of them, as nothing pops what they would
 * push: it matters only where the region is left between call and return. There the exit's stub pushes what is owed.
 *
 * Runs after region_commits. An exit between the two that is not late has no stub: then the call pushes as any other does, and
 * the return stack holds one address too many; that costs a misprediction later, no more.
 */
#include <string.h>

#include "region.h"

/* Whether all exits that leave between the nodes are late; *n counts them. */
static bool only_late(const struct ir_block *b, ir_ref from, ir_ref to, uint32_t *n)
{
    *n = 0;
    for (uint32_t i = from; i < to; i++) {
        if (b->node[i].op != IR_EXIT)
            continue;
        const struct ir_exit *e = &b->exit[b->node[i].imm];
        if (e->kind == IR_EXIT_NONE)
            continue;
        if (!(e->flags & IR_EXIT_LATE))
            return false;
        ++*n;
    }
    return true;
}

void region_calls(struct ir_block *b, const struct lift_calls *calls, struct region_gen *g)
{
    uint8_t inside[LIFT_CALLS]; /* calls that return within, outermost first where they nest */
    uint64_t target[LIFT_CALLS];
    uint32_t n = 0, room = IR_EXITS_MAX - b->nexits, want;
    for (uint32_t k = 0; k < calls->n; k++) {
        struct ir_node *call = &b->node[calls->call[k].from];
        if (!calls->call[k].to || !only_late(b, calls->call[k].from, calls->call[k].to, &want) || want > room)
            continue;
        room -= want;
        target[n] = b->exit[call->imm].target;
        inside[n++] = (uint8_t)k;
        *call = (struct ir_node){.op = IR_NOP};
    }
    if (n)
        region_renumber(b);
    uint32_t nexits = b->nexits;
    memset(g->owed_count, 0, sizeof g->owed_count);
    for (uint32_t i = IR_FIRST; n && i < b->n; i++) {
        if (b->node[i].op != IR_EXIT || !(b->exit[b->node[i].imm].flags & IR_EXIT_LATE))
            continue;
        uint32_t e = (uint32_t)b->node[i].imm;
        g->owed_first[e] = (uint8_t)b->nexits;
        for (uint32_t k = 0; k < n; k++) {
            if (i < calls->call[inside[k]].from || i >= calls->call[inside[k]].to)
                continue;
            b->exit[b->nexits++] = (struct ir_exit){.kind = IR_EXIT_RETURN, .op = IR_ALWAYS, .target = target[k]};
            g->owed_count[e]++;
        }
    }
    g->nowed = b->nexits - nexits;
}
