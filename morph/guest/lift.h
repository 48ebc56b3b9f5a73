/* Guest instructions to IR. The lifter includes the same semantics as the interpreter, with IR values for words. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "ginsn.h"
#include "ir/ir.h"

/* Where a block goes on when the translation does not end with it. */
enum lift_follow {
    LIFT_STOP,
    LIFT_FALL,
    LIFT_TAKEN,
    LIFT_GUESS, /* an indirect transfer: to lift.guess, and out if it goes elsewhere */
    LIFT_OVER,  /* a conditional branch over a few instructions: no exit, see lift_join */
};

/* Calls that the translation follows, with their returns. */
enum { LIFT_CALLS = 16 };
struct lift_calls {
    uint32_t n, nopen;
    struct {
        ir_ref from, to; /* the IR_CALL node, and the first node behind the return; 0: it does not return here */
    } call[LIFT_CALLS];
    uint8_t open[LIFT_CALLS];
};

struct gen;

struct lift {
    struct ir_block *b;
    struct gen *gen;          /* gen/direct.c: where instructions go at once */
    uint32_t bytes;           /* and which registers hold a zero-extended byte */
    uint32_t copied;          /* of which others may be copies */
    uint32_t renamed;         /* how many were loaded elsewhere since the last exit */
    uint64_t rip;             /* in: linear address of the first instruction; out: of the next one to lift */
    uint32_t pending;         /* guest instructions since the last commit */
    uint32_t null_segs;       /* bit s: segment s (FS, GS) has a null selector and every access faults; LIFT_NO_* */
    uint64_t guess;           /* see LIFT_GUESS */
    struct lift_calls *calls; /* NULL: nobody wants to know */
    unsigned rest;            /* see LIFT_REST */
    unsigned elements;        /* of a repeated string instruction, without flags, that one pass does; 0 counts as 1 */
    unsigned copies;          /* and double words that one does if there are as many; 0: it goes by elements alone */
    struct ir_val over;       /* LIFT_OVER: whether what follows is jumped over */
    enum lift_follow follow;  /* of the instructions being lifted */
    bool direct;              /* gen/direct.c may be used */
    bool in_run;              /* it may, but instructions that it does not know are on their way to nodes */
    bool itc;                 /* use the dual-address return stack */
    bool taken_likely;        /* of the conditional branch at the end, if nothing follows */
};

enum lift_result {
    LIFT_OPEN,   /* all lifted; the translation goes on at l->rip, not where `follow` says if the branch was decided */
    LIFT_CLOSED, /* all lifted; the last node is an unconditional exit */
    LIFT_REST,   /* an x87 instruction has switched `direct` off: the last l->rest instructions are to be lifted yet */
    LIFT_CUT,    /* an instruction must be interpreted: the last node exits before it, unless it is the very first */
};

/* What is known of an instruction before it is lifted; see opt_dead_flags. */
enum {
    LIFT_DEAD = 1,   /* nothing reads the flags that it writes */
    LIFT_CANNOT = 2, /* it must be interpreted */
    LIFT_ALONE = 4,  /* it must begin a translation */
};

/* In null_segs: SSE instructions are interpreted, those of the x87 are. */
enum { LIFT_NO_SIMD = 1 << 8, LIFT_NO_X87 = 1 << 9 };

/* One instruction; direct_insns (gen/direct.h) lifts several. */
enum { LIFT_TRANSFERRED = 1, LIFT_ENDED = 2 }; /* l->rip has been set; an unconditional exit was made */
/* Lifts the instruction at l->rip of which `known` is known. Returns LIFT_TRANSFERRED and LIFT_ENDED. */
unsigned lift_one(struct lift *l, const struct ginsn *g, unsigned known);
/* Leaves before an instruction that is LIFT_CANNOT or LIFT_ALONE; LIFT_OPEN: it is the first, and may be lifted. */
enum lift_result lift_before(struct lift *l, unsigned known);

/* Makes everything so far architectural; the block goes on at l->rip. */
void lift_commit(struct lift *l);

/* Whether the instruction can stand between LIFT_OVER's branch and lift_join: it changes registers and flags alone, and cannot fault. */
bool lift_can_select(const struct ginsn *g);

/* The n instructions behind LIFT_OVER's branch have been lifted; `before` is the block's `cur` in front of them. What they changed
 * becomes what they made or what was before. All of them count when the block commits; register LIFT_UNCOUNT, which IA-32
 * code has no other use for, adds up how many were jumped over: port_enter's caller takes them off again. */
enum { LIFT_UNCOUNT = 15 };
void lift_join(struct lift *l, const struct ir_val before[IR_G_COUNT], unsigned n);

/* Ends the block: it is left for l->rip. */
void lift_leave(struct lift *l);

/* Whether the instruction can be lifted, segments apart. */
bool lift_can(const struct ginsn *g);

/* Whether it must begin a translation: repeated string instructions go back to their own start. */
bool lift_alone(const struct ginsn *g);

/* Linear address of a direct transfer's target; `next` of the instruction that follows it. */
uint64_t lift_target(const struct ginsn *g, uint64_t rip, bool wide);
uint64_t lift_next(const struct ginsn *g, uint64_t rip, bool wide);
