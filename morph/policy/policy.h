/* Policies: decisions that can be taken in several ways, each with a name. Rows: policies.def. */
#pragma once
#include "cache/cache.h"

#define EVICT(name, doc) extern const struct evict_policy evict_##name;
#include "policies.def"

/* -- evict_fifo.c: parts of policies that others may share */
uint32_t evict_units(const struct morph_params *p, uint32_t most);
uint32_t evict_oldest(const struct tcache *t, uint32_t first, uint32_t end, uint32_t last);

/* -- policy.c: the policies that params choose */
const struct evict_policy *policy_evict(const struct morph_params *p);
