/* Random states and operands for the x87 tests, rich in special cases. */
#pragma once
#include <stdint.h>

#include "host.h"

/* Ten bytes: of any kind, unsupported ones too. */
void random_real(uint64_t *state, uint8_t out[10]);
/* Any stack, tags, rounding and precision; three of four with all exceptions masked; never with an exception pending. */
void random_image(uint64_t *state, struct x87_image *out);
/* Fills memory; the first `size` bytes (4, 8, 10) are often a special number of that size. */
void random_memory(uint64_t *state, uint8_t *memory, unsigned bytes, unsigned size);
