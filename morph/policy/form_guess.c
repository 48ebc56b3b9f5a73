/* As without a profile: loops go round, and what branches skip is executed. */
#include "policy.h"

static bool takes(const struct form_way *w) { return w->backward; }

static bool goes_on(const struct morph_params *p, uint64_t share)
{
    (void)p;
    (void)share;
    return true;
}

const struct form_policy form_guess = {.takes = takes, .goes_on = goes_on};
