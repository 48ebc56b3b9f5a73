/* Everything is tried. A region that is rolled back too often for a reason that speculation gives is made anew with less of it;
 * the store buffer's overflow is certain to come again. */
#include "policy.h"
#include "region/region.h"
#include "shared.h"

unsigned spec_less(const struct region_care *c, unsigned kind)
{
    unsigned level = kind == 0 ? REGION_NO_ALIAS : kind == 2 && c->level < REGION_NEAR ? REGION_NEAR : REGION_NO_HOIST;
    return level > c->level ? level : c->level + 1u;
}

static unsigned after(const struct morph_params *p, const struct region_care *c, unsigned kind)
{
    return c->traps[kind] < (kind == 1 ? 1 : p->region_traps) ? c->level : spec_less(c, kind);
}

const struct spec_policy spec_bold = {.first = REGION_BOLD, .after = after};
