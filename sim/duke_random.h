/* Random legal programs for Duke, for comparing engines. A program never ends: it wanders among its blocks for as many bundles
 * as one cares to run. The same seed and machine give the same program. */
#pragma once
#include <stdint.h>

#include "duke_isa.h"
#include "engine.h"

enum { DUKE_RANDOM_DRAM = 4 << 20, DUKE_RANDOM_HIDDEN = 2 << 20 };

/* Writes the program of `seed` and its data into an engine made with the sizes above, after reset. */
void duke_random_load(struct engine *e, const struct duke_machine *machine, uint64_t seed);
