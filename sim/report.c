/* The report at the end of a run: where every cycle went. */
#include <string.h>

#include "duke_events.h"
#include "duke_isa.h"
#include "engine.h"
#include "output.h"

static const char *grouped(char buf[32], uint64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n), at = 0;
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            buf[at++] = ' ';
        buf[at++] = digits[i];
    }
    buf[at] = 0;
    return buf;
}

static double percent(uint64_t part, uint64_t whole) { return whole ? 100.0 * (double)part / (double)whole : 0; }

static void cycle_table(FILE *f, const struct engine_counters *c)
{
    char buf[32];
    fprintf(f, "  %-10s %16s %6s ", "cycles in", "", "");
    for (int r = 0; r < DUKE_REASON_COUNT; r++)
        fprintf(f, " %9s", duke_reason_info[r].name);
    fputc('\n', f);
    for (int cat = 0; cat < DUKE_CAT_COUNT; cat++) {
        uint64_t sum = 0;
        for (int r = 0; r < DUKE_REASON_COUNT; r++)
            sum += c->by_category[cat][r];
        if (!sum)
            continue;
        fprintf(f, "  %-10s %16s %5.1f%% ", duke_category_info[cat].name, grouped(buf, sum), percent(sum, c->cycles));
        for (int r = 0; r < DUKE_REASON_COUNT; r++)
            fprintf(f, " %8.1f%%", percent(c->by_category[cat][r], sum));
        fputc('\n', f);
    }
    fprintf(f, "  %-10s %16s %5.1f%%\n", "total", grouped(buf, c->cycles), 100.0);
}

/* What became of translations, if any had to go. */
static void cache_line(FILE *f, const struct morph_stats *s)
{
    char a[32], b[32], c[32];
    if (!s->tcache_evicted)
        return;
    fprintf(f, "  translation cache: emptied %s times, in parts %s times;", grouped(a, s->tcache_flushes),
            grouped(b, s->tcache_units));
    fprintf(f, " %s of %s translations went,", grouped(a, s->tcache_evicted), grouped(b, s->gear2_blocks + s->gear3_regions));
    fprintf(f, " %s instructions after their unit was begun; %s came again\n",
            grouped(a, s->tcache_residence / s->tcache_evicted), grouped(c, s->tcache_again));
}

void output_report(struct selkirk *m, const struct run_options *o, double host_seconds, FILE *f)
{
    struct engine_counters c;
    struct morph_stats s;
    char a[32], b[32];
    uint64_t insts = selkirk_icount(m);
    selkirk_counters(m, &c);
    selkirk_morph_stats(m, &s);
    uint64_t translated = insts > s.insns_interp ? insts - s.insns_interp : 0;
    fprintf(f, "selkirk: %s on engine %s, machine %s\n", o->program[0], o->cfg.engine, o->cfg.machine);
    fprintf(f, "  %s guest instructions in %s cycles (%.3f per cycle), %.2f s on the host (%.3g instructions/s)\n",
            grouped(a, insts), grouped(b, c.cycles), c.cycles ? (double)insts / (double)c.cycles : 0, host_seconds,
            host_seconds > 0 ? (double)insts / host_seconds : 0);
    cycle_table(f, &c);
    fprintf(f, "  gear 1: %s instructions interpreted;", grouped(a, s.insns_interp));
    fprintf(f, " gear 2: %s run in %s translations", grouped(a, translated), grouped(b, s.gear2_blocks));
    if (s.gear3_regions)
        fprintf(f, " and %s regions", grouped(a, s.gear3_regions));
    fputc('\n', f);
    cache_line(f, &s);
    fprintf(f, "  bundles %s,", grouped(a, c.event[DUKE_EVENT_BUNDLES_RETIRED]));
    fprintf(f, " ops %s (%.2f per bundle); traps %s\n", grouped(a, c.event[DUKE_EVENT_OPS_RETIRED]),
            c.event[DUKE_EVENT_BUNDLES_RETIRED]
                ? (double)c.event[DUKE_EVENT_OPS_RETIRED] / (double)c.event[DUKE_EVENT_BUNDLES_RETIRED]
                : 0,
            grouped(b, c.event[DUKE_EVENT_TRAPS]));
    fprintf(f, "  misses: L1I %.2f%%, L1D %.2f%%, L2 %.2f%%; branches mispredicted %.2f%%\n",
            percent(c.event[DUKE_EVENT_L1I_MISSES], c.event[DUKE_EVENT_L1I_ACCESSES]),
            percent(c.event[DUKE_EVENT_L1D_MISSES], c.event[DUKE_EVENT_L1D_ACCESSES]),
            percent(c.event[DUKE_EVENT_L2_MISSES], c.event[DUKE_EVENT_L2_ACCESSES]),
            percent(c.event[DUKE_EVENT_MISPREDICTS], c.event[DUKE_EVENT_BRANCHES]));
}
