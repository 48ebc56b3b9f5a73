/* What the user asked `selkirk run` to do. */
#pragma once
#include "sandbox.h"
#include "selkirk.h"

/* Exit statuses of the simulator's own; others are the guest's. A guest killed by signal n gives 128 + n. */
enum {
    EXIT_USAGE = 2,           /* options, configuration, files: nothing was run */
    EXIT_UNIMPLEMENTED = 120, /* an instruction that morph lacks */
    EXIT_PANIC = 121,         /* the firmware is broken */
    EXIT_DIVERGED = 122,      /* lockstep: engines differ */
    EXIT_STUCK = 123,         /* the guest waits for what can never happen */
    EXIT_LIMIT = 124,         /* --max-insts or --max-cycles reached */
    EXIT_INVARIANT = 125,     /* statistics do not add up */
    EXIT_INTERRUPTED = 130,   /* Ctrl-C */
};

enum when { WHEN_AUTO, WHEN_ALWAYS, WHEN_NEVER };

struct run_options {
    struct selkirk_config cfg;
    uint64_t max_insts, max_cycles;
    const char *outdir, *stats, *stats_json, *root, *trace_file, *profile, *regions;
    bool report, strace, trace, verbose;
    unsigned max_tasks, max_files;
    enum sandbox_mode sandbox;
    uint64_t epoch;                    /* 0: the fixed one */
    uint64_t trace_start, trace_count; /* cycles */
    enum when progress;
    char **env; /* NULL-terminated */
    size_t nenv;
    char **program; /* argv of the guest, NULL-terminated */
};

/* Returns -1 to go on, or the exit status (after --help or an error, which has been printed). */
int options_parse(struct run_options *o, int argc, char *argv[]);
void options_free(struct run_options *o);

/* One line on standard error; returns EXIT_USAGE. */
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool parse_count(const char *text, uint64_t *value); /* 123, 0x7b, 5k, 20M, 1G */
