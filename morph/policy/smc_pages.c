/* Every store to a page with code is a reason to forget the code: what a machine without chunks would have to do. */
#include "policy.h"

const struct smc_policy smc_pages = {.by_chunks = false, .patience = 1};
