/* Gear 2's quick way: the commonest forms of IA-32 instructions go to cycles without IR. */
#pragma once
#include "gen.h"
#include "guest/lift.h"

/* Lifts n instructions of which known[i] is known (LIFT_*); first: number of the first one's handler in the interpreter. What
 * direct.c knows is placed in l->gen's cycles at once; runs of other instructions, or all of them unless l->direct, become nodes
 * of l->b. At most one instruction, the last, is a transfer; `follow` says what happens after it, or after the last if it is none
 * (then anything but LIFT_STOP goes on). */
enum lift_result direct_insns(struct lift *l, const struct ginsn *in, unsigned n, unsigned first, const uint8_t *known,
                              enum lift_follow follow);

/* Places the nodes that are still to be placed: the translation is complete. */
void direct_end(struct lift *l);

/* As lift_commit and lift_leave. */
void direct_commit(struct lift *l);
void direct_leave(struct lift *l);
