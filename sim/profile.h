/* Where the cycles go: by firmware function, by translation, and by bundle, with what they were spent on. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "engine.h"
#include "selkirk.h"

struct profile;

/* Needs every record and HC_TRACE of the run (params.trace_translations). The file at path is made at once. NULL and err on
 * failure. */
struct profile *profile_open(struct selkirk *m, const char *path, const char *firmware, char *err, size_t err_size);
void profile_record(struct profile *p, const struct engine_record *rec);
void profile_translation(struct profile *p, const struct selkirk_event *ev);
/* Writes the tables and ends the profile, which may be NULL. False: they could not be written. */
bool profile_close(struct profile *p);
