/* x87 instructions for the lifter. R0..R7 live in f registers while translated code runs, and X ops compute with them by the x87's own
 * rules. Instructions are lifted only while all exceptions are masked (LIFT_NO_X87, run_env), and for a known state of the stack,
 * with which they raise no stack fault. Transcendental ones, remainders, BCD, images in memory and MMX are not lifted.
 */
#pragma once
#include <stdbool.h>

#include "ginsn.h"
#include "ir/ir.h"

/* Whether ops of this number may be lifted, their operands permitting. */
bool lift_x87_op(unsigned op);
/* Whether the instruction can be lifted. */
bool lift_x87_can(const struct ginsn *g);
/* How many of n instructions come before the one that finds the stack too empty or too full. *stack: its state as in X87_STACK, in
 * and out. */
unsigned lift_x87_reach(const struct ginsn *g, unsigned n, unsigned *stack);
/* Lifts the instruction at rip. mem: linear address of its memory operand. flags_dead: what it does to the flags is of no interest. */
void lift_x87(struct ir_block *b, const struct ginsn *g, struct ir_val mem, uint64_t rip, bool flags_dead);
