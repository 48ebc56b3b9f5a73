/* Gear 2's quick way: the commonest forms of IA-32 instructions go to cycles without IR. */
#pragma once
#include "gen.h"
#include "guest/lift.h"

/* Lifts n instructions as lift_insns does, but what direct.c knows is placed in l->gen's cycles at once; runs of other
 * instructions become nodes of l->b that are placed when the run ends. */
enum lift_result direct_insns(struct lift *l, const struct ginsn *in, unsigned n, unsigned first, const uint8_t *known,
                              enum lift_follow follow);

/* Places the nodes that are still to be placed: the translation is complete. */
void direct_end(struct lift *l);

/* As lift_commit and lift_leave. */
void direct_commit(struct lift *l);
void direct_leave(struct lift *l);
