/* The oldest unit goes. Code that is hot goes with it and comes back, but most of the cache stays. */
#include "cache/cache.h"
#include "policy.h"
#include "shared.h"

uint32_t evict_units(const struct morph_params *p, uint32_t most)
{
    return p->tcache_units < most ? (uint32_t)p->tcache_units : most;
}

static uint32_t split(uint32_t n) { return n; }

uint32_t evict_oldest(const struct tcache *t, uint32_t first, uint32_t end, uint32_t last)
{
    (void)t;
    return last + 1 == end ? first : last + 1;
}

const struct evict_policy evict_fifo = {.units = evict_units, .split = split, .victim = evict_oldest};
