/* What is done to guest code and IR besides the folding that ir/build.c does on the way: one walk backward over the guest
 * instructions before lifting, one over the nodes after it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "guest/ginsn.h"

struct ir_block;

/* What is known of each guest op: flags that it replaces, whether it can be lifted. */
struct opt_table {
    uint8_t attr[GOP_COUNT];
};
void opt_init(struct opt_table *t);

/* known[i] := LIFT_* of instruction i, all flags being wanted after the last. */
void opt_dead_flags(const struct opt_table *t, const struct ginsn *g, unsigned n, uint32_t null_segs, bool enabled,
                    uint8_t *known);

/* Finds out what is used: ir_block.use and node.kills. Nodes whose `last` stays 0 and that have no effect are dead. */
void opt_liveness(struct ir_block *b);
