/* Nothing is tried; what else may roll a region back, a fault of the guest's for example, leaves it as it is. */
#include "policy.h"
#include "region/region.h"
#include "shared.h"

static unsigned after(const struct morph_params *p, const struct region_care *c, unsigned kind)
{
    return c->traps[kind] < (kind == 1 ? 1 : p->region_traps) ? c->level : REGION_NEVER;
}

const struct spec_policy spec_none = {.first = REGION_NO_HOIST, .after = after};
