/* Which guest code gear 3 made its regions of: a corpus for tools that look at translations outside of the machine. */
#pragma once
#include <stdbool.h>

#include "selkirk.h"

struct regions;

/* Needs HC_TRACE of the run (params.trace_translations). The file at path is made at once; NULL: errno says why. */
struct regions *regions_open(struct selkirk *m, const char *path);
void regions_translation(struct regions *r, const struct selkirk_event *ev);
/* Ends the list, which may be NULL. False: it could not be written. */
bool regions_close(struct regions *r);
