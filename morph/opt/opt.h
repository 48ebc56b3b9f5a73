/* What is done to guest code and IR besides the folding that ir/build.c does on the way: one walk backward over the guest
 * instructions before lifting, one over the nodes after it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct ginsn;
struct ir_block;

/* known[i] := LIFT_* of instruction i, all flags being wanted after the last. */
void opt_dead_flags(const struct ginsn *g, unsigned n, uint32_t null_segs, bool enabled, uint8_t *known);

/* Finds out what is used: node.last and the register wishes. Nodes whose `last` stays 0 and that have no effect are dead. */
void opt_liveness(struct ir_block *b);
