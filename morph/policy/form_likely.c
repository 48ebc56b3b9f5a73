/* The profile decides. */
#include "policy.h"
#include "shared.h"

static bool takes(const struct form_way *w) { return w->taken > w->fall || (w->taken == w->fall && w->backward); }

static bool goes_on(const struct morph_params *p, uint64_t share) { return share * 100 >= p->region_share << 16; }

const struct form_policy form_likely = {.takes = takes, .goes_on = goes_on};
