/* Heads of loops alone; the rest stays in gear 2. */
#include "policy.h"
#include "region/region.h"

static bool fits(const struct region_node *n, unsigned pass)
{
    (void)pass;
    return n->backs > 1;
}

const struct head_policy head_loops = {.passes = 1, .fits = fits};
