/* Data near code is common, and code that changes is small: only what holds code is watched once a page has been written to. Where
 * that goes on, translating is put off: a translation costs as much as some twenty executions by the interpreter, so waiting for a
 * few times as many never costs much, and code that changes more often than that is never translated. */
#include "policy.h"

const struct smc_policy smc_patient = {.by_chunks = true, .patience = 8};
