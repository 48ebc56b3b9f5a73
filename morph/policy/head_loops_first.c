/* A loop is best entered at its head: a region that begins elsewhere leaves after one lap. */
#include "policy.h"
#include "region/region.h"

static bool fits(const struct region_node *n, unsigned pass) { return pass == 1 || n->backs > 1; }

const struct head_policy head_loops_first = {.passes = 2, .fits = fits};
