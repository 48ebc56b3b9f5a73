/* A readable window of what the core executes: native bundles and, between them, the guest instructions they belong to. */
#pragma once
#include <stdio.h>

#include "engine.h"
#include "selkirk.h"

struct trace;

/* Shows the records that it is given, with the guest code they belong to, until it is closed; `out` stays open. */
struct trace *trace_open(struct selkirk *m, FILE *out);
void trace_close(struct trace *t);
void trace_record(struct trace *t, const struct engine_record *rec);
/* A translation was made (HC_TRACE): remembered, so that its bundles can be shown beside its guest code. */
void trace_translation(struct trace *t, const struct selkirk_event *ev);
