/* Statistics and configuration of a run, as text in gem5's grammar and as JSON. */
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCHEMA = 1 };

bool output_prepare(const struct run_options *o)
{
    if (!o->outdir)
        return true;
    if (!mkdir(o->outdir, 0777))
        return true;
    if (errno != EEXIST)
        return usage_error("--outdir %s: %s", o->outdir, strerror(errno)), false;
    if (!rmdir(o->outdir) && !mkdir(o->outdir, 0777))
        return true; /* it was empty */
    return usage_error("--outdir %s: exists and is not an empty folder; remove it or choose another name", o->outdir), false;
}

/* Files ------------------------------------------------------------------------------------------------------------- */

static void json_string(FILE *f, const char *s)
{
    fputc('"', f);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            fputc('\\', f);
        if ((unsigned char)*s < ' ')
            fprintf(f, "\\u%04x", *s);
        else
            fputc(*s, f);
    }
    fputc('"', f);
}

struct run_facts {
    const struct run_options *o;
    struct selkirk *m;
    double host_seconds;
    int exit_status;
};

/* gem5's own names first, then the machine's. */
static void each_stat(const struct run_facts *r, selkirk_stat_fn *fn, void *arg)
{
    double cycles = (double)selkirk_cycles(r->m), insts = (double)selkirk_icount(r->m);
    double seconds = cycles / ((double)r->o->cfg.clock_mhz * 1e6);
    fn(arg, "simSeconds", seconds, false, "Second", "Number of seconds simulated");
    fn(arg, "simTicks", seconds * 1e12, true, "Tick", "Number of ticks simulated");
    fn(arg, "simFreq", 1e12, true, "Tick/Second", "The number of ticks per simulated second");
    fn(arg, "simInsts", insts, true, "Count", "Number of instructions simulated");
    fn(arg, "hostSeconds", r->host_seconds, false, "Second", "Real time elapsed on the host");
    fn(arg, "hostInstRate", r->host_seconds > 0 ? insts / r->host_seconds : 0, true, "Count/Second",
       "Simulator instruction rate");
    fn(arg, "hostTickRate", r->host_seconds > 0 ? seconds * 1e12 / r->host_seconds : 0, true, "Tick/Second",
       "The number of ticks simulated per host second");
    selkirk_stats_each(r->m, fn, arg);
}

static void text_stat(void *arg, const char *name, double value, bool whole, const char *unit, const char *doc)
{
    fprintf(arg, whole ? "%-40s %20.0f" : "%-40s %20.6f", name, value);
    fprintf(arg, "                       # %s (%s)\n", doc, unit);
}

static void write_text(FILE *f, const struct run_facts *r)
{
    fputs("\n---------- Begin Simulation Statistics ----------\n", f);
    each_stat(r, text_stat, f);
    fputs("\n---------- End Simulation Statistics   ----------\n", f);
}

static void json_stat(void *arg, const char *name, double value, bool whole, const char *unit, const char *doc)
{
    FILE *f = arg;
    fputs(",\n    ", f);
    json_string(f, name);
    fprintf(f, whole ? ": {\"value\": %.0f, \"unit\": " : ": {\"value\": %.9g, \"unit\": ", value);
    json_string(f, unit);
    fputs(", \"doc\": ", f);
    json_string(f, doc);
    fputc('}', f);
}

static void write_json(FILE *f, const struct run_facts *r)
{
    fprintf(f,
            "{\n  \"schema\": %d,\n  \"version\": \"%s\",\n  \"engine\": \"%s\",\n  \"exitStatus\": %d,\n  \"stats\": {\n    ",
            SCHEMA, SELKIRK_VERSION, r->o->cfg.engine, r->exit_status);
    fprintf(f, "\"schema\": {\"value\": %d, \"unit\": \"Unspecified\", \"doc\": \"version of these names\"}", SCHEMA);
    each_stat(r, json_stat, f);
    fputs("\n  }\n}\n", f);
}

static void config_key(void *arg, const char *key, const char *value, const char *doc)
{
    FILE *f = arg;
    char *end;
    (void)doc;
    fputs(",\n  ", f);
    json_string(f, key);
    fputs(": ", f);
    strtoull(value, &end, 10);
    if (*value && !*end)
        fputs(value, f);
    else
        json_string(f, value);
}

static void json_list(FILE *f, char **list)
{
    fputc('[', f);
    for (char **s = list; *s; s++) {
        if (s != list)
            fputs(", ", f);
        json_string(f, *s);
    }
    fputc(']', f);
}

static void write_config(FILE *f, const struct run_facts *r)
{
    fprintf(f, "{\n  \"version\": \"%s\",\n  \"program\": ", SELKIRK_VERSION);
    json_list(f, r->o->program);
    fputs(",\n  \"environment\": ", f);
    json_list(f, r->o->env);
    fprintf(f, ",\n  \"max_insts\": %llu,\n  \"max_cycles\": %llu", (unsigned long long)r->o->max_insts,
            (unsigned long long)r->o->max_cycles);
    selkirk_config_each(&r->o->cfg, config_key, f);
    fputs("\n}\n", f);
}

typedef void write_fn(FILE *f, const struct run_facts *r);

/* Through a file beside it, so that a failure leaves nothing half-written. */
static bool write_file(const char *path, write_fn *write, const struct run_facts *r)
{
    char temporary[4200];
    struct stat st;
    bool in_place = !stat(path, &st) && !S_ISREG(st.st_mode); /* a pipe or a device */
    snprintf(temporary, sizeof temporary, "%s%s", path, in_place ? "" : ".new");
    FILE *f = fopen(temporary, "w");
    if (f) {
        write(f, r);
        bool ok = !ferror(f);
        if (!fclose(f) && ok && (in_place || !rename(temporary, path)))
            return true;
    }
    usage_error("%s: %s", path, strerror(errno));
    if (!in_place)
        unlink(temporary);
    return false;
}

bool output_write(const struct run_options *o, struct selkirk *m, double host_seconds, int exit_status)
{
    static const struct {
        const char *name;
        write_fn *write;
    } files[] = {
        {"stats.txt", write_text},
        {"stats.json", write_json},
        {"config.json", write_config},
    };
    struct run_facts r = {o, m, host_seconds, exit_status};
    bool ok = true;
    for (size_t i = 0; o->outdir && i < sizeof files / sizeof *files; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", o->outdir, files[i].name);
        ok = write_file(path, files[i].write, &r) && ok;
    }
    if (o->stats)
        ok = write_file(o->stats, write_text, &r) && ok;
    if (o->stats_json)
        ok = write_file(o->stats_json, write_json, &r) && ok;
    return ok;
}
