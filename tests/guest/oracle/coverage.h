/* An account of executed instructions by opcode and form. */
#pragma once
#include <stdio.h>

#include "oracle.h"

struct coverage;
struct coverage *coverage_make(void);
/* One instruction was executed, or raised an exception; #UD of what the decoder does not know is left out. */
void coverage_note(struct coverage *c, enum guest_mode mode, const uint8_t *bytes, bool raised);
bool coverage_write(const struct coverage *c, const char *path);
