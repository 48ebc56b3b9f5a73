/* Text of Duke ops and bundles, as LLVM's assembler reads it. Host only. */
#pragma once
#include <stddef.h>
#include "duke_isa.h"

/* One op at native address pc, its place in the bundle not shown. Returns buf. */
char *duke_disassemble(char *buf, size_t size, uint32_t pc, const struct duke_op *op);

/* A bundle, one op a line: address, words, text; all but the last op end in " ~". Words that are no op appear as .word.
 * Returns the number of words used, at most nwords. */
size_t duke_disassemble_bundle(char *buf, size_t size, uint32_t pc, const uint32_t *words, size_t nwords);
