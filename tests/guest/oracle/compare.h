/* Comparing an executor's state with the host's, and saying what differs. */
#pragma once
#include "oracle.h"

/* Writes what differs to `text`; false if nothing does. */
bool oracle_differs(const struct oracle_state *host, const struct oracle_state *got, uint32_t eflags_mask,
                    const uint8_t *host_data, const uint8_t *got_data, char *text, unsigned size);
