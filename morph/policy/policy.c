/* From numbers, as params hold them, to policies. */
#include "policy.h"

#include "shared.h"

static const struct evict_policy *const evict_table[] = {
#define EVICT(name, doc) &evict_##name,
#include "policies.def"
};
static const struct promote_policy *const promote_table[] = {
#define PROMOTE(name, doc) &promote_##name,
#include "policies.def"
};
static const struct head_policy *const head_table[] = {
#define HEAD(name, doc) &head_##name,
#include "policies.def"
};
static const struct form_policy *const form_table[] = {
#define FORM(name, doc) &form_##name,
#include "policies.def"
};
static const struct spec_policy *const spec_table[] = {
#define SPEC(name, doc) &spec_##name,
#include "policies.def"
};
static const struct smc_policy *const smc_table[] = {
#define SMC(name, doc) &smc_##name,
#include "policies.def"
};

/* The host checks names; a number too large gets the default. */
#define CHOOSE(table, n) ((table)[(n) < sizeof(table) / sizeof *(table) ? (n) : 0])

struct policies policies_chosen(const struct morph_params *p)
{
    return (struct policies){
        .evict = CHOOSE(evict_table, p->evict),
        .promote = CHOOSE(promote_table, p->promote),
        .head = CHOOSE(head_table, p->head),
        .form = CHOOSE(form_table, p->form),
        .spec = CHOOSE(spec_table, p->spec),
        .smc = CHOOSE(smc_table, p->smc),
    };
}
