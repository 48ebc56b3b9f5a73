/* Most code is cold soon after it was translated. What proves otherwise, by becoming a region or by being translated again after
 * it had to go, is kept in units of its own, through which the rest does not rush. */
#include "cache/cache.h"
#include "policy.h"

static uint32_t split(uint32_t n) { return (n + 1) / 2; }

/* What had to go from there as well begins anew: else all that is hot would crowd into one half. */
static uint32_t group(uint32_t gear, uint32_t gone) { return gear >= 3 || gone == 1; }

const struct evict_policy evict_generational = {.units = evict_units, .split = split, .group = group, .victim = evict_oldest};
