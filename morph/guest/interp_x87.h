/* Handlers for the commonest x87 instructions of IA-32 code (interp_x87.c), by row of interp_x87.def. */
#pragma once
#include "ginsn.h"

enum {
#define ROW(n, name) +1
#define MEM ROW
#define REG ROW
#define ONE ROW
#define TWO ROW
    INTERP_X87_ROWS = 0
#include "interp_x87.def"
#undef ROW
};

/* Number of the row for an instruction of IA-32 code, plus 1; 0: none. */
unsigned interp_x87_row(const struct ginsn *g);
