/* The interpreter's handlers, shared by interp.c, interp_hot.c and interp_any.c.
 *
 * A handler's number (ginsn.next16, gblock.start) is the op for one that serves all its forms, and from HANDLER_HOT on for one that is
 * specialised on sizes and operand kinds.
 */
#pragma once
#include "interp.h"
#include "interp_x87.h"
#include "sem/sem.h"

/* A specialised handler serves instructions of its op whose sizes and operand kinds are those of `form`. An address size of 8
 * there means any but 2; 4 means that it is for IA-32 code only. */
struct hot_row {
    uint16_t op;
    struct sem_form form;
};

extern const struct hot_row hot_rows[]; /* rows of one op are neighbours */
extern const uint16_t hot_first[];      /* by op: number of its first row plus 1, or 0 */
extern const uint16_t hot_count;
extern interp_fn *const interp_handlers[]; /* by handler number: GOP_COUNT + row number for specialised ones */

#define SEM_OP(op, body) interp_fn any_##op;
#include "sem/table.def"
#undef SEM_OP
#define HELPER(op, name) interp_fn helper_##name;
#include "sem/helpers.def"
#undef HELPER
#define ROW(n, name) interp_fn x87_##name;
#define MEM ROW
#define REG ROW
#define ONE ROW
#define TWO ROW
#include "interp_x87.def"
#undef ROW
interp_fn helper_div128, helper_idiv128, helper_privileged, helper_iopl, helper_other, helper_odd_segment, helper_simd,
    interp_end;

/* Linear address of the memory operand; for bit tests with a register offset, that of the word tested. (interp_any.c) */
uint64_t interp_operand_address(struct morph *m, const struct ginsn *g);

/* Numbers of handlers that belong to no op. Ops in neither table are HANDLER_OTHER: x87, and what is unimplemented. */
enum {
    HANDLER_DIV128 = GOP_COUNT,
    HANDLER_IDIV128,
    HANDLER_PRIVILEGED,
    HANDLER_IOPL,
    HANDLER_UNDEFINED,
    HANDLER_OTHER,
    HANDLER_ODD_SEGMENT,
    HANDLER_END,
    HANDLER_X87, /* rows of interp_x87.def */
    HANDLER_HOT = HANDLER_X87 + INTERP_X87_ROWS,
};
