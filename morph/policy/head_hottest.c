/* Whatever is hottest. */
#include "policy.h"

static bool fits(const struct region_node *n, unsigned pass)
{
    (void)n;
    (void)pass;
    return true;
}

const struct head_policy head_hottest = {.passes = 1, .fits = fits};
