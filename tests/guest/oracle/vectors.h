/* Cases as JSON Lines in the format of docs/vectors.md, and an executor that sends them to `selkirk vectors`. */
#pragma once
#include <stdio.h>

#include "oracle.h"

/* The case: state and memory before, code, and where it ends. */
void vectors_write(FILE *f, const struct oracle_case *c);
/* What the host made of it: the result's members, and flags_defined, the flags that count. */
void vectors_write_expected(FILE *f, const struct oracle_case *c);

/* A process that reads cases on standard input and answers each with a line. */
struct vectors_process;
struct vectors_process *vectors_start(const char *command);
/* Runs the case; data_after gets the memory. False: no answer, or one that says neither "end", "count" nor "exception" (then `answer`
 * holds it). */
bool vectors_run(struct vectors_process *p, const struct oracle_case *c, struct oracle_state *out, uint8_t *data_after,
                 char *answer, unsigned size);
void vectors_end(struct vectors_process *p);
