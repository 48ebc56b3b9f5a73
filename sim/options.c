/* Options of `selkirk run`. */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guest_ops.h"
#include "linux/linux.h"

int usage_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("selkirk: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return EXIT_USAGE;
}

bool parse_count(const char *text, uint64_t *value)
{
    char *end;
    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    uint64_t n = strtoull(text, &end, 0), scale = 1;
    if (*end == 'k')
        scale = 1000;
    else if (*end == 'M')
        scale = 1000000;
    else if (*end == 'G')
        scale = 1000000000;
    if (errno || (scale > 1 ? end[1] : *end) || n > UINT64_MAX / scale)
        return false;
    *value = n * scale;
    return true;
}

enum {
    O_ENGINE = 256,
    O_MACHINE,
    O_GEAR,
    O_CONFIG,
    O_MAX_INSTS,
    O_MAX_CYCLES,
    O_STATS,
    O_STATS_JSON,
    O_REPORT,
    O_PROGRESS,
    O_TRACE,
    O_TRACE_FILE,
    O_PROFILE,
    O_REGIONS,
    O_FST,
    O_FST_WINDOW,
    O_GUEST_CPU,
    O_ROOT,
    O_MEMORY,
    O_MAX_TASKS,
    O_MAX_FILES,
    O_SANDBOX,
    O_VERBOSE,
    O_STRACE,
    O_EPOCH,
    O_FIRMWARE
};

/* clang-format off */
static const struct row {
    struct option option;
    const char *argument, *doc;
} rows[] = {
    {{"engine", required_argument, NULL, 'e'}, "NAME", "func (fast, default), rtl (cycle-exact) or lockstep (both, compared)"},
    {{"machine", required_argument, NULL, O_MACHINE}, "NAME", "machine table of the core, see selkirk list-machines"},
    {{"gear", required_argument, NULL, O_GEAR}, "N", "highest gear: 1 interprets, 2 translates (default), 3 makes regions"},
    {{"set", required_argument, NULL, 'c'}, "KEY=VALUE", "set a parameter, for example morph.hot2=16; see selkirk list-params"},
    {{"config", required_argument, NULL, O_CONFIG}, "FILE", "read parameters from a file of [section] and key = value"},
    {{"max-insts", required_argument, NULL, O_MAX_INSTS}, "N", "stop after N guest instructions (5k, 20M, 1G)"},
    {{"max-cycles", required_argument, NULL, O_MAX_CYCLES}, "N", "stop after N cycles of the core"},
    {{"outdir", required_argument, NULL, 'd'}, "DIR", "write statistics, configuration and traces to a new folder"},
    {{"stats", required_argument, NULL, O_STATS}, "FILE", "write statistics as text (gem5's grammar)"},
    {{"stats-json", required_argument, NULL, O_STATS_JSON}, "FILE", "write statistics as JSON"},
    {{"report", no_argument, NULL, O_REPORT}, "", "say on standard error at the end where the cycles went"},
    {{"progress", optional_argument, NULL, O_PROGRESS}, "=WHEN", "progress line: auto (default), always, never"},
    {{"trace", optional_argument, NULL, O_TRACE}, "=START,COUNT", "native and guest instructions of COUNT cycles from START on"},
    {{"trace-file", required_argument, NULL, O_TRACE_FILE}, "FILE", "where the trace goes (default: trace.txt of --outdir, or stderr)"},
    {{"profile", required_argument, NULL, O_PROFILE}, "FILE", "write cycles by firmware function, translation and bundle (slow)"},
    {{"regions", required_argument, NULL, O_REGIONS}, "FILE", "write the path of every region (gear 3) through the guest's blocks"},
    {{"fst", required_argument, NULL, O_FST}, "FILE", "rtl: write waves, and a save file for GTKWave beside them"},
    {{"fst-window", required_argument, NULL, O_FST_WINDOW}, "START,COUNT", "rtl: cycles of the waves"},
    {{"guest-cpu", required_argument, NULL, O_GUEST_CPU}, "MODEL", "processor that the guest sees: i686 (default; for 64-bit programs\n"
     "                              x86-64), x86-64, x86-64-v2, max"},
    {{"root", required_argument, NULL, O_ROOT}, "DIR", "the guest's file system is DIR, where the program is looked for\n"
     "                              first (default: the host's, read-only but for the current\n"
     "                              directory)"},
    {{"memory", required_argument, NULL, O_MEMORY}, "MIB", "memory of the guest in MiB (default: 256)"},
    {{"max-tasks", required_argument, NULL, O_MAX_TASKS}, "N", "processes and threads that the guest may have (default and most: 256)"},
    {{"max-files", required_argument, NULL, O_MAX_FILES}, "N", "descriptors of a guest process (default and most: 1024)"},
    {{"sandbox", required_argument, NULL, O_SANDBOX}, "WHEN", "seccomp and Landlock around the simulator: auto (default, what the\n"
     "                              host has), require, off"},
    {{"env", required_argument, NULL, 'E'}, "VAR=VALUE", "environment variable of the guest (default: none)"},
    {{"epoch", required_argument, NULL, O_EPOCH}, "SECONDS", "Unix time at the start, or now (default: 2030-01-01 00:00:00 UTC)"},
    {{"strace", no_argument, NULL, O_STRACE}, "", "show the guest's system calls on standard error"},
    {{"verbose", no_argument, NULL, O_VERBOSE}, "", "say on standard error what the sandbox holds"},
    {{"firmware", required_argument, NULL, O_FIRMWARE}, "FILE", "firmware image (default: $SELKIRK_FIRMWARE, or the one built)"},
    {{"help", no_argument, NULL, 'h'}, "", "this text"},
};
/* clang-format on */

enum { NROWS = sizeof rows / sizeof *rows };

static void help(void)
{
    puts("Usage: selkirk run [options] [--] program [arguments]\n\n"
         "Runs an i386 or x86-64 Linux program on the simulated machine. Standard input and output are the\n"
         "program's; the exit status is the program's (128 + n if signal n killed it).\n\n"
         "Options:");
    for (int i = 0; i < NROWS; i++) {
        const struct row *r = &rows[i];
        char name[64];
        snprintf(name, sizeof name, "--%s%s%s", r->option.name, r->argument[0] && r->argument[0] != '=' ? " " : "",
                 r->argument);
        if (r->option.val < 256)
            printf("  -%c, %-23s %s\n", r->option.val, name, r->doc);
        else
            printf("      %-23s %s\n", name, r->doc);
    }
    size_t npolicies;
    const struct selkirk_policy *p = selkirk_policies(&npolicies);
    fputs("\nPolicies (-c KEY=NAME, the first is the default; selkirk list-policies says more):", stdout);
    for (size_t i = 0; i < npolicies; i++) {
        if (!i || strcmp(p[i].key, p[i - 1].key) != 0)
            printf("\n  %-18s", p[i].key);
        printf(" %s", p[i].name);
    }
    puts("\n\nExit status of the simulator's own: 2 bad input, 120 unimplemented instruction, 121 firmware\n"
         "panic, 122 engines differ, 123 guest stuck, 124 limit reached, 125 statistics do not add up,\n"
         "130 interrupted.");
}

static int parse_pair(const char *option, const char *text, uint64_t *start, uint64_t *count)
{
    char first[32];
    const char *comma = strchr(text, ',');
    size_t n = comma ? (size_t)(comma - text) : sizeof first;
    if (n < sizeof first) {
        memcpy(first, text, n);
        first[n] = 0;
        if (parse_count(first, start) && parse_count(comma + 1, count))
            return -1;
    }
    return usage_error("%s: \"%s\" is not START,COUNT, two numbers like 1M,1000", option, text);
}

/* `option`: what the user wrote, named in a complaint. */
static int set_key(struct run_options *o, const char *option, const char *key, const char *value)
{
    char err[512];
    return selkirk_config_set(&o->cfg, key, value, err, sizeof err) ? -1 : usage_error("%s: %s", option, err);
}

static int set_pair(struct run_options *o, const char *text)
{
    char key[256];
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || (size_t)(equals - text) >= sizeof key)
        return usage_error("-c: \"%s\" is not KEY=VALUE, for example morph.hot2=16", text);
    snprintf(key, sizeof key, "%.*s", (int)(equals - text), text);
    return set_key(o, "-c", key, equals + 1);
}

static int add_env(struct run_options *o, char *text)
{
    if (!strchr(text, '='))
        return usage_error("-E: \"%s\" is not VAR=VALUE", text);
    char **list = realloc(o->env, (o->nenv + 2) * sizeof *list);
    if (!list)
        return usage_error("out of memory");
    o->env = list;
    o->env[o->nenv++] = text;
    o->env[o->nenv] = NULL;
    return -1;
}

static int set_count(const char *option, const char *text, uint64_t *value)
{
    return parse_count(text, value) && *value
               ? -1
               : usage_error("--%s: \"%s\" is no number above 0, like 5000 or 20M", option, text);
}

static int set_progress(struct run_options *o, const char *when)
{
    static const char *const names[] = {"auto", "always", "never"};
    for (int i = 0; i < 3; i++) {
        if (!strcmp(when ? when : "always", names[i])) {
            o->progress = (enum when)i;
            return -1;
        }
    }
    return usage_error("--progress: \"%s\" is unknown; auto, always or never", when);
}

static int set_guest_cpu(struct run_options *o, const char *name)
{
    static const char *const names[] = {GMODEL_NAMES};
    for (unsigned i = 0; i < GMODEL_COUNT; i++) {
        if (!strcmp(name, names[i])) {
            o->cfg.morph.guest_cpu = i;
            return -1;
        }
    }
    return usage_error("--guest-cpu: \"%s\" is unknown; i686, x86-64, x86-64-v2, max", name);
}

static int set_sandbox(struct run_options *o, const char *when)
{
    static const char *const names[] = {"auto", "off", "require"}; /* enum sandbox_mode */
    for (int i = 0; i < 3; i++) {
        if (!strcmp(when, names[i])) {
            o->sandbox = (enum sandbox_mode)i;
            return -1;
        }
    }
    return usage_error("--sandbox: \"%s\" is unknown; auto, require or off", when);
}

static int set_most(const char *option, const char *text, unsigned least, unsigned most, unsigned *value)
{
    uint64_t n;
    if (!parse_count(text, &n) || n < least || n > most)
        return usage_error("--%s: \"%s\" is no number from %u to %u", option, text, least, most);
    *value = (unsigned)n;
    return -1;
}

static int set_one(struct run_options *o, int c, char *arg)
{
    char err[512];
    switch (c) {
    case 'e': return set_key(o, "--engine", "sim.engine", arg);
    case O_MACHINE: return set_key(o, "--machine", "sim.machine", arg);
    case O_GEAR: return set_key(o, "--gear", "morph.gear_max", arg);
    case 'c': return set_pair(o, arg);
    case O_CONFIG: return selkirk_config_read(&o->cfg, arg, err, sizeof err) ? -1 : usage_error("--config: %s", err);
    case O_MAX_INSTS: return set_count("max-insts", arg, &o->max_insts);
    case O_MAX_CYCLES: return set_count("max-cycles", arg, &o->max_cycles);
    case 'd': o->outdir = arg; return -1;
    case O_STATS: o->stats = arg; return -1;
    case O_STATS_JSON: o->stats_json = arg; return -1;
    case O_REPORT: o->report = true; return -1;
    case O_PROGRESS: return set_progress(o, arg);
    case O_TRACE:
        o->trace = true;
        o->trace_count = UINT64_MAX;
        return arg ? parse_pair("--trace", arg, &o->trace_start, &o->trace_count) : -1;
    case O_TRACE_FILE: o->trace_file = arg; return -1;
    case O_PROFILE: o->profile = arg; return -1;
    case O_REGIONS: o->regions = arg; return -1;
    case O_FST: return set_key(o, "--fst", "rtl.fst", arg);
    case O_FST_WINDOW: return parse_pair("--fst-window", arg, &o->cfg.fst_start, &o->cfg.fst_cycles);
    case O_GUEST_CPU: return set_guest_cpu(o, arg);
    case O_ROOT: o->root = arg; return -1;
    case O_MEMORY: return set_key(o, "--memory", "memory.dram_mib", arg);
    case O_MAX_TASKS: return set_most("max-tasks", arg, 1, LINUX_TASKS, &o->max_tasks);
    case O_MAX_FILES: return set_most("max-files", arg, 3, LINUX_FDS, &o->max_files);
    case O_SANDBOX: return set_sandbox(o, arg);
    case O_VERBOSE: o->verbose = true; return -1;
    case 'E': return add_env(o, arg);
    case O_EPOCH:
        if (!strcmp(arg, "now"))
            o->epoch = (uint64_t)time(NULL) + 1; /* not before a file that was written just now */
        else if (!parse_count(arg, &o->epoch) || o->epoch > INT32_MAX)
            return usage_error("--epoch: \"%s\" is neither now nor seconds since 1970 below 2^31", arg);
        return -1;
    case O_STRACE: o->strace = true; return -1;
    case O_FIRMWARE: return set_key(o, "--firmware", "sim.firmware", arg);
    case 'h': help(); return 0;
    default: return EXIT_USAGE;
    }
}

static int check(const struct run_options *o)
{
    if (o->cfg.fst[0] && strcmp(o->cfg.engine, "rtl") != 0)
        return usage_error("--fst: engine \"%s\" has no waves; add --engine rtl", o->cfg.engine);
    if (o->trace_file && !o->trace)
        return usage_error("--trace-file: nothing is traced; add --trace=START,COUNT");
    return -1;
}

int options_parse(struct run_options *o, int argc, char *argv[])
{
    struct option table[NROWS + 1] = {{0}};
    for (int i = 0; i < NROWS; i++)
        table[i] = rows[i].option;
    memset(o, 0, sizeof *o);
    selkirk_config_init(&o->cfg);
    o->max_tasks = LINUX_TASKS;
    o->max_files = LINUX_FDS;
    o->env = calloc(1, sizeof *o->env);
    opterr = 0;
    optind = 1;
    for (;;) {
        int c = getopt_long(argc, argv, "+:e:c:d:E:h", table, NULL);
        if (c == -1)
            break;
        const char *bad = optind > 0 && optind <= argc ? argv[optind - 1] : "?";
        if (c == ':')
            return usage_error("%s needs a value; see selkirk run --help", bad);
        if (c == '?' && optopt && optopt < 256)
            return usage_error("option -%c is unknown; see selkirk run --help", optopt);
        if (c == '?')
            return usage_error("option %s is unknown or needs no value; see selkirk run --help", bad);
        int r = set_one(o, c, optarg);
        if (r >= 0)
            return r;
    }
    if (optind == argc)
        return usage_error("no program named; selkirk run [options] -- program [arguments]");
    o->program = argv + optind;
    return check(o);
}

void options_free(struct run_options *o) { free(o->env); }
