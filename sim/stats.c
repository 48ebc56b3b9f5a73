/* Every statistic of a machine by name, with unit and meaning; and the sums that must hold. */
#include <stdio.h>
#include <string.h>

#include "duke_events.h"
#include "duke_isa.h"
#include "machine.h"

_Static_assert((int)ENGINE_CATEGORIES == (int)DUKE_CAT_COUNT, "engine.h and events.toml disagree");
_Static_assert((int)ENGINE_REASONS == (int)DUKE_REASON_COUNT, "engine.h and events.toml disagree");
_Static_assert((int)ENGINE_EVENTS == (int)DUKE_EVENT_COUNT, "engine.h and events.toml disagree");

void selkirk_counters(struct selkirk *m, struct engine_counters *out) { m->engine->ops->counters(m->engine, out); }

void selkirk_morph_stats(struct selkirk *m, struct morph_stats *out)
{
    selkirk_read_physical(m, SHARED_ADDR + (uint32_t)offsetof(struct shared, stats), out, sizeof *out);
    uint64_t from = 0;
    selkirk_read_physical(m, SHARED_ADDR + (uint32_t)offsetof(struct shared, interp_from), &from, sizeof from);
    if (from) /* stopped inside the interpreter */
        out->insns_interp += selkirk_icount(m) - (from - 1);
}

static uint64_t category_sum(const struct engine_counters *c, int cat)
{
    uint64_t sum = 0;
    for (int r = 0; r < ENGINE_REASONS; r++)
        sum += c->by_category[cat][r];
    return sum;
}

bool selkirk_stats_check(struct selkirk *m, char *err, size_t err_size)
{
    struct engine_counters c;
    uint64_t sum = 0;
    selkirk_counters(m, &c);
    for (int cat = 0; cat < ENGINE_CATEGORIES; cat++)
        sum += category_sum(&c, cat);
    if (sum == c.cycles)
        return true;
    snprintf(err, err_size, "cycles by category sum to %llu, but %llu cycles have passed", (unsigned long long)sum,
             (unsigned long long)c.cycles);
    return false;
}

struct emitter {
    selkirk_stat_fn *fn;
    void *arg;
};

static void count(const struct emitter *e, const char *name, uint64_t value, const char *unit, const char *doc)
{
    e->fn(e->arg, name, (double)value, true, unit, doc);
}

static void ratio(const struct emitter *e, const char *name, uint64_t a, uint64_t b, const char *doc)
{
    e->fn(e->arg, name, b ? (double)a / (double)b : 0, false, "Ratio", doc);
}

static void emit_cycles(const struct emitter *e, const struct engine_counters *c)
{
    char name[80];
    for (int cat = 0; cat < ENGINE_CATEGORIES; cat++) {
        uint64_t sum = category_sum(c, cat);
        snprintf(name, sizeof name, "core.cycles.%s::total", duke_category_info[cat].name);
        count(e, name, sum, "Cycle", duke_category_info[cat].doc);
        for (int r = 0; sum && r < ENGINE_REASONS; r++) {
            snprintf(name, sizeof name, "core.cycles.%s::%s", duke_category_info[cat].name, duke_reason_info[r].name);
            count(e, name, c->by_category[cat][r], "Cycle", duke_reason_info[r].doc);
        }
    }
}

static void emit_formulas(const struct emitter *e, const struct engine_counters *c, const struct morph_stats *s, uint64_t insts)
{
    const uint64_t *ev = c->event;
    uint64_t interp = category_sum(c, DUKE_CAT_INTERP), translate = category_sum(c, DUKE_CAT_TRANSLATE);
    uint64_t gear3 = category_sum(c, DUKE_CAT_GEAR3) + category_sum(c, DUKE_CAT_GEAR4);
    uint64_t code = category_sum(c, DUKE_CAT_GEAR2) + gear3, making = translate + category_sum(c, DUKE_CAT_TRANSLATE3);
    uint64_t translated = insts > s->insns_interp ? insts - s->insns_interp : 0;
    ratio(e, "core.ipc", insts, c->cycles, "guest instructions per cycle");
    ratio(e, "core.cpi", c->cycles, insts, "cycles per guest instruction");
    ratio(e, "core.opsPerBundle", ev[DUKE_EVENT_OPS_RETIRED], ev[DUKE_EVENT_BUNDLES_RETIRED], "ops per bundle");
    ratio(e, "core.l1i.missRate", ev[DUKE_EVENT_L1I_MISSES], ev[DUKE_EVENT_L1I_ACCESSES], "misses per access");
    ratio(e, "core.l1d.missRate", ev[DUKE_EVENT_L1D_MISSES], ev[DUKE_EVENT_L1D_ACCESSES], "misses per access");
    ratio(e, "core.l2.missRate", ev[DUKE_EVENT_L2_MISSES], ev[DUKE_EVENT_L2_ACCESSES], "misses per access");
    ratio(e, "core.itc.hitRate", ev[DUKE_EVENT_ITC_HITS], ev[DUKE_EVENT_ITC_LOOKUPS], "hits per lookup");
    ratio(e, "morph.interp.cyclesPerInst", interp, s->insns_interp, "cycles of gear 1 per instruction interpreted");
    ratio(e, "morph.gear2.cyclesPerInst", code, translated, "cycles in translated code per instruction run in it");
    ratio(e, "morph.gear2.ipc", translated, code, "guest instructions per cycle in translated code, regions included");
    ratio(e, "morph.gear2.costPerInst", translate, s->gear2_insns, "cycles of translating per instruction translated");
    ratio(e, "morph.tcache.residence", s->tcache_residence, s->tcache_evicted,
          "guest instructions between the first translation of a unit and its being emptied because the cache was full");
    ratio(e, "morph.gear2.share", translated, insts, "share of guest instructions run in translated code");
    ratio(e, "morph.gear3.share", gear3, c->cycles, "share of all cycles in regions");
    ratio(e, "morph.making.share", making, c->cycles, "share of all cycles making translations and regions");
}

void selkirk_stats_each(struct selkirk *m, selkirk_stat_fn *fn, void *arg)
{
    struct emitter e = {fn, arg};
    struct engine_counters c;
    struct morph_stats s;
    char name[80];
    uint64_t insts = selkirk_icount(m);
    selkirk_counters(m, &c);
    selkirk_morph_stats(m, &s);
    count(&e, "core.numCycles", c.cycles, "Cycle", "cycles of the core");
    emit_cycles(&e, &c);
    for (int i = 0; i < ENGINE_EVENTS; i++) {
        snprintf(name, sizeof name, "core.%s", duke_event_info[i].name);
        count(&e, name, c.event[i], "Count", duke_event_info[i].doc);
    }
#define STAT(field, unit, doc) count(&e, "morph." #field, s.field, "Count", doc " (" unit ")");
#include "stats.def"
#undef STAT
    emit_formulas(&e, &c, &s, insts);
    count(&e, "memory.framesUsed", m->mm->pool->frames_used, "Count", "guest page frames in use, page tables included");
    count(&e, "memory.framesPeak", m->mm->pool->frames_peak, "Count", "most guest page frames in use at once");
}
