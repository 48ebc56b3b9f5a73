/* From numbers, as params hold them, to policies. */
#include "policy.h"

#include "shared.h"

/* The host checks names; a number too large gets the default. */
#define CHOOSE(table, n) ((table)[(n) < sizeof(table) / sizeof *(table) ? (n) : 0])

const struct evict_policy *policy_evict(const struct morph_params *p)
{
    static const struct evict_policy *const table[] = {
#define EVICT(name, doc) &evict_##name,
#include "policies.def"
    };
    return CHOOSE(table, p->evict);
}
