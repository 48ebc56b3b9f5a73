/* SSE instructions for the lifter. XMM registers live in pairs of f registers while translated code runs; scalar and packed
 * arithmetic is Duke's, which has x86's rules, under the modes of MXCSR. Instructions are lifted only while all exceptions
 * are masked (LIFT_NO_SIMD, run_env); MMX is not.
 */
#pragma once
#include <stdbool.h>

#include "ginsn.h"
#include "ir/ir.h"

/* Whether ops of this number may be lifted, their operands permitting. */
bool lift_simd_op(unsigned op);
/* Whether the instruction can be lifted. */
bool lift_simd_can(const struct ginsn *g);
/* Lifts it. mem: linear address of its memory operand. flags_dead: what it does to the flags is of no interest. */
void lift_simd(struct ir_block *b, const struct ginsn *g, struct ir_val mem, bool flags_dead);
