/* Policies: decisions that can be taken in several ways, each with a name. Rows: policies.def. A policy decides and changes nothing. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct evict_policy; /* cache/cache.h */
struct gblock;
struct morph_params;
struct region_care;
struct region_node;
struct tcache;

/* When gear 2 translates a block that was executed params.hot2 times. */
struct promote_policy {
    /* How many more executions to wait, at most hot2, before it is asked again; 0: now. asked: how often it was asked before, 7 standing
     * for more. NULL: always now. */
    uint32_t (*wait)(const struct morph_params *p, const struct gblock *b, unsigned asked);
};

/* Which blocks of a profile become heads of regions. */
struct head_policy {
    /* The nodes that fit pass 0 are taken first, the hottest first, then those of pass 1, ... All have reached params.hot3. */
    unsigned passes;
    bool (*fits)(const struct region_node *n, unsigned pass);
};

/* How a region goes on behind a block that ends in a conditional branch. */
struct form_way {
    uint32_t taken, fall; /* how often the profile saw each way */
    bool backward;        /* the branch's target is not behind it */
};
struct form_policy {
    bool (*takes)(const struct form_way *w);
    /* share: of entries that come as far as the next block, 1 << 16 being all. */
    bool (*goes_on)(const struct morph_params *p, uint64_t share);
};

/* How much a region speculates: enum region_level (region/region.h). */
struct spec_policy {
    unsigned first; /* level that a region begins with */
    /* Its level after another rollback without exception, of kind 0 (alias), 1 (store buffer) or 2; c counts them all. */
    unsigned (*after)(const struct morph_params *p, const struct region_care *c, unsigned kind);
};

/* Guest code that is written to. */
struct smc_policy {
    bool by_chunks; /* from the first such store on, the page is watched chunk by chunk */
    /* After the n-th such store that cost translations, gear 2 waits for n + 1 times hot2 executions, at most so many times; 1: it does not
     * care. */
    uint8_t patience;
};

/* What params choose. */
struct policies {
    const struct evict_policy *evict;
    const struct promote_policy *promote;
    const struct head_policy *head;
    const struct form_policy *form;
    const struct spec_policy *spec;
    const struct smc_policy *smc;
};

#define EVICT(name, doc)   extern const struct evict_policy evict_##name;
#define PROMOTE(name, doc) extern const struct promote_policy promote_##name;
#define HEAD(name, doc)    extern const struct head_policy head_##name;
#define FORM(name, doc)    extern const struct form_policy form_##name;
#define SPEC(name, doc)    extern const struct spec_policy spec_##name;
#define SMC(name, doc)     extern const struct smc_policy smc_##name;
#include "policies.def"

/* -- policy.c */
struct policies policies_chosen(const struct morph_params *p);

/* -- parts of policies that others share */
uint32_t evict_units(const struct morph_params *p, uint32_t most); /* evict_fifo.c */
uint32_t evict_oldest(const struct tcache *t, uint32_t first, uint32_t end, uint32_t last);
unsigned spec_less(const struct region_care *c, unsigned kind); /* spec_bold.c: the next level down the ladder */
