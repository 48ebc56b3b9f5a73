/* Data near code is common, and code that changes is small: only what holds code is watched once a page has been written to. */
#include "policy.h"

const struct smc_policy smc_chunks = {.by_chunks = true, .patience = 1};
