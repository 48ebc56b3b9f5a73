/* Instructions with more stores than the store buffer may hold between two commits.
 *
 * A store that finds the buffer full commits what is there and goes on (firmware/trap.S), which is right only if no fault can come
 * after it. So such an instruction tries all its stores first.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "../shared.h"

/* Whether stores that take so many entries may be too many. One that is not aligned takes two. */
static inline bool stores_exceed(const struct shared *sh, unsigned entries) { return entries > sh->store_buffer; }

/* A store of v to the linear address, size 1 to 8. */
void stores_put(uint64_t lin, uint64_t v, unsigned size);

/* Tries that store: faults as it would, or changes nothing and makes sure that it cannot fault. Commits. */
void stores_try(struct shared *sh, uint64_t lin, uint64_t v, unsigned size);
