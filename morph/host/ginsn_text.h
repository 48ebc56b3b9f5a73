/* Decoded instructions as text, for tools and tests: not assembly but what struct ginsn holds. */
#pragma once
#include "ginsn.h"

/* The name of a row of isa-spec/x86. */
const char *guest_op_name(unsigned op);

/* For example "add mem[b4 i-1<<0 +8 seg2 a4].4 r0.4 op4 pfx0 (4 bytes)": operands with size, memory with base and index register
 * (-1 none, -2 rip), displacement, segment and address size; operand size, prefixes, length. */
void ginsn_text(const struct ginsn *g, char *text, unsigned size);

/* Flags of a packed set (bit 0 CF .. 5 OF) as letters, "CPAZSO" or "-" for none; `text` has room for 7. */
void ginsn_flags_text(unsigned flags, char *text);
