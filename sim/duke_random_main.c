/* duke-random: random programs of Duke code on an engine, in lockstep, or on both executors of the functional engine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duke_random.h"

static const char usage[] =
    "usage: duke-random [--engine func|self|rtl|lockstep] [--machine NAME] [--seed N] [--seeds N] [--bundles N]\n"
    "Runs --seeds random programs, from --seed on, for --bundles bundles each. self: the functional engine's fast executor\n"
    "against its reference, by registers and memory. lockstep: RTL against func, by commit records.\n";

struct options {
    const char *engine, *machine;
    uint64_t seed, seeds, bundles;
};

static const struct engine_ops *find_engine(const char *name)
{
    if (strcmp(name, "func") == 0)
        return &engine_func;
#ifdef WITH_RTL
    if (strcmp(name, "rtl") == 0)
        return &engine_rtl;
    if (strcmp(name, "lockstep") == 0)
        return &engine_lockstep;
#endif
    return NULL;
}

static struct engine *make(const struct engine_ops *ops, const struct options *o, uint64_t seed)
{
    struct engine_cfg cfg = {.machine = o->machine, .dram_size = DUKE_RANDOM_DRAM, .hidden_size = DUKE_RANDOM_HIDDEN};
    char err[256];
    struct engine *e = ops->create(&cfg, err, sizeof err);
    if (e == NULL) {
        fprintf(stderr, "duke-random: %s\n", err);
        exit(1);
    }
    duke_random_load(e, duke_machine_find(o->machine), seed);
    return e;
}

static uint64_t cycles(const struct engine *e)
{
    struct engine_counters c;
    e->ops->counters(e, &c);
    return c.cycles;
}

/* Runs until `target` cycles; host calls mean nothing here. */
static enum engine_stop run_to(struct engine *e, uint64_t target, engine_record_fn *seen)
{
    enum engine_stop stop = ENGINE_LIMIT;
    for (uint64_t now = cycles(e); now < target; now = cycles(e)) {
        stop = e->ops->run(e, target - now, seen, NULL);
        if (stop != ENGINE_HCALL && stop != ENGINE_LIMIT)
            return stop;
    }
    return ENGINE_LIMIT;
}

static void ignore(void *arg, const struct engine_record *rec)
{
    (void)arg;
    (void)rec;
}

static bool same(struct engine *a, struct engine *b)
{
    struct duke_state s, t;
    a->ops->get_state(a, &s);
    b->ops->get_state(b, &t);
    bool ok = true;
    for (unsigned i = 0; i < 64; i++) {
        if (s.r[i] != t.r[i] || s.f[i] != t.f[i] || s.cr[i] != t.cr[i] || s.e[i] != t.e[i]) {
            printf("register %u: fast r %016llx f %016llx e %04x cr %016llx, reference r %016llx f %016llx e %04x cr %016llx\n",
                   i, (unsigned long long)s.r[i], (unsigned long long)s.f[i], s.e[i], (unsigned long long)s.cr[i],
                   (unsigned long long)t.r[i], (unsigned long long)t.f[i], t.e[i], (unsigned long long)t.cr[i]);
            ok = false;
        }
    }
    if (s.pc != t.pc) {
        printf("pc: fast %08x, reference %08x\n", s.pc, t.pc);
        ok = false;
    }
    if (memcmp(a->ops->direct(a, 0, DUKE_RANDOM_DRAM), b->ops->direct(b, 0, DUKE_RANDOM_DRAM), DUKE_RANDOM_DRAM) != 0 ||
        memcmp(a->ops->direct(a, ENGINE_HIDDEN_BASE, DUKE_RANDOM_HIDDEN),
               b->ops->direct(b, ENGINE_HIDDEN_BASE, DUKE_RANDOM_HIDDEN), DUKE_RANDOM_HIDDEN) != 0) {
        printf("memory differs\n");
        ok = false;
    }
    struct engine_counters c, d;
    a->ops->counters(a, &c);
    b->ops->counters(b, &d);
    static const unsigned exact[] = {DUKE_EVENT_OPS_RETIRED, DUKE_EVENT_BUNDLES_RETIRED, DUKE_EVENT_COMMITS,
                                     DUKE_EVENT_ROLLBACKS,   DUKE_EVENT_TRAPS,           DUKE_EVENT_LOADS,
                                     DUKE_EVENT_STORES,      DUKE_EVENT_BRANCHES};
    for (unsigned i = 0; i < sizeof exact / sizeof exact[0]; i++) {
        if (c.event[exact[i]] != d.event[exact[i]]) {
            printf("event %u: fast %llu, reference %llu\n", exact[i], (unsigned long long)c.event[exact[i]],
                   (unsigned long long)d.event[exact[i]]);
            ok = false;
        }
    }
    return ok;
}

/* The chunks are odd sizes, so that the fast executor is entered and left everywhere. */
static bool run_self(const struct options *o, uint64_t seed)
{
    struct engine *fast = make(&engine_func, o, seed), *reference = make(&engine_func, o, seed);
    uint64_t done = 0, chunk = seed;
    bool ok = true;
    while (ok && done < o->bundles) {
        chunk = chunk * 6364136223846793005u + 1442695040888963407u;
        uint64_t from = done;
        done += 100 + (chunk >> 33) % 20000;
        enum engine_stop s = run_to(fast, done, NULL), t = run_to(reference, done, ignore);
        if (s != t || s != ENGINE_LIMIT) {
            printf("stops: fast %d, reference %d\n%s", s, t, fast->ops->error_text(fast));
            ok = false;
        }
        ok = same(fast, reference) && ok;
        if (!ok)
            printf("seed %llu: differs between bundles %llu and %llu\n", (unsigned long long)seed, (unsigned long long)from,
                   (unsigned long long)done);
    }
    fast->ops->destroy(fast);
    reference->ops->destroy(reference);
    return ok;
}

static uint64_t retired(const struct engine *e)
{
    struct engine_counters c;
    e->ops->counters(e, &c);
    return c.event[DUKE_EVENT_BUNDLES_RETIRED];
}

/* Counts overflows of the store buffer, which no event does. */
static void count_overflows(void *arg, const struct engine_record *rec)
{
    uint64_t *n = arg;
    *n += (rec->flags & ENGINE_REC_TRAP) != 0 && rec->cause == DUKE_TRAP_SB_OVERFLOW;
}

static bool run_one(const struct options *o, uint64_t seed, struct engine_counters *out, uint64_t *overflows)
{
    struct engine *e = make(find_engine(o->engine), o, seed);
    engine_record_fn *seen = strcmp(o->engine, "func") == 0 ? NULL : count_overflows; /* records make func slow */
    bool ok = true;
    while (ok && retired(e) < o->bundles) {
        enum engine_stop stop = e->ops->run(e, o->bundles - retired(e), seen, overflows);
        ok = stop == ENGINE_HCALL || stop == ENGINE_LIMIT;
    }
    if (!ok)
        printf("seed %llu, bundle %llu:\n%s\n", (unsigned long long)seed, (unsigned long long)retired(e),
               e->ops->error_text(e));
    e->ops->counters(e, out);
    e->ops->destroy(e);
    return ok;
}

static void print_events(const struct engine_counters *c, uint64_t overflows)
{
    static const char *const names[] = {"bundles_retired", "commits",     "rollbacks",      "traps",      "tlb_misses",
                                        "loads",           "stores",      "taken_branches", "itc_hits",   "itc_lookups",
                                        "ras_hits",        "ras_lookups", "alias_hits",     "l1i_misses", "l1d_misses",
                                        "sb_forwards",     "mispredicts"};
    static const unsigned event[] = {DUKE_EVENT_BUNDLES_RETIRED, DUKE_EVENT_COMMITS,        DUKE_EVENT_ROLLBACKS,
                                     DUKE_EVENT_TRAPS,           DUKE_EVENT_TLB_MISSES,     DUKE_EVENT_LOADS,
                                     DUKE_EVENT_STORES,          DUKE_EVENT_TAKEN_BRANCHES, DUKE_EVENT_ITC_HITS,
                                     DUKE_EVENT_ITC_LOOKUPS,     DUKE_EVENT_RAS_HITS,       DUKE_EVENT_RAS_LOOKUPS,
                                     DUKE_EVENT_ALIAS_HITS,      DUKE_EVENT_L1I_MISSES,     DUKE_EVENT_L1D_MISSES,
                                     DUKE_EVENT_SB_FORWARDS,     DUKE_EVENT_MISPREDICTS};
    printf(", %llu cycles", (unsigned long long)c->cycles);
    for (unsigned i = 0; i < sizeof event / sizeof event[0]; i++)
        printf(", %s %llu", names[i], (unsigned long long)c->event[event[i]]);
    printf(", sb_overflows %llu", (unsigned long long)overflows);
}

static uint64_t number(const char *option, const char *text)
{
    char *end;
    uint64_t v = text == NULL ? 0 : strtoull(text, &end, 0);
    if (text == NULL || end == text || *end != 0) {
        fprintf(stderr, "duke-random: %s needs a number; see duke-random --help\n", option);
        exit(2);
    }
    return v;
}

static void parse(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            exit(0);
        }
        if (strcmp(argv[i], "--engine") == 0 && value != NULL)
            o->engine = value;
        else if (strcmp(argv[i], "--machine") == 0 && value != NULL)
            o->machine = value;
        else if (strcmp(argv[i], "--seed") == 0)
            o->seed = number(argv[i], value);
        else if (strcmp(argv[i], "--seeds") == 0)
            o->seeds = number(argv[i], value);
        else if (strcmp(argv[i], "--bundles") == 0)
            o->bundles = number(argv[i], value);
        else {
            fprintf(stderr, "duke-random: option %s is unknown or lacks its value; see duke-random --help\n", argv[i]);
            exit(2);
        }
    }
    if (strcmp(o->engine, "self") != 0 && find_engine(o->engine) == NULL) {
        fprintf(stderr, "duke-random: engine %s is unknown, or not in this build; see duke-random --help\n", o->engine);
        exit(2);
    }
    if (duke_machine_find(o->machine) == NULL) {
        fprintf(stderr, "duke-random: machine %s is unknown; see isa-spec/machines\n", o->machine);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct options o = {.engine = "func", .machine = "default", .seed = 1, .seeds = 1, .bundles = 1000000};
    parse(&o, argc, argv);
    for (uint64_t i = 0; i < o.seeds; i++) {
        struct engine_counters c = {0};
        uint64_t overflows = 0;
        uint64_t seed = o.seed + i;
        bool ok = strcmp(o.engine, "self") == 0 ? run_self(&o, seed) : run_one(&o, seed, &c, &overflows);
        if (!ok)
            return 1;
        printf("seed %llu: ok", (unsigned long long)seed);
        if (c.cycles != 0)
            print_events(&c, overflows);
        printf("\n");
        fflush(stdout);
    }
    return 0;
}
