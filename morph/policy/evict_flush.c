/* Everything goes. The cheapest policy, and with it the cache is packed as tightly as can be; what is still hot is translated
 * again. */
#include "cache/cache.h"
#include "policy.h"

static uint32_t units(const struct morph_params *p, uint32_t most)
{
    (void)p;
    (void)most;
    return 1;
}

static uint32_t split(uint32_t n) { return n; }

const struct evict_policy evict_flush = {.units = units, .split = split};
