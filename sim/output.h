/* Files that a run leaves: statistics and configuration. */
#pragma once
#include <stdio.h>

#include "options.h"

/* Checks and makes the output folder. False: an error was printed. */
bool output_prepare(const struct run_options *o);
/* Writes everything that was asked for. host_seconds: time of the run. */
bool output_write(const struct run_options *o, struct selkirk *m, double host_seconds, int exit_status);
bool waves_save(const char *fst, uint64_t start); /* waves.c: writes <fst>.gtkw */
void output_report(struct selkirk *m, const struct run_options *o, double host_seconds, FILE *f);
