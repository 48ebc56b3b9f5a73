/* The progress line on a terminal. */
#pragma once
#include "options.h"

struct progress {
    bool on, shown;
    double start, last; /* host seconds */
    uint64_t last_insts;
};

double host_seconds(void); /* monotonic */
void progress_start(struct progress *p, const struct run_options *o);
/* Shows the line anew if it is time: from a tick hook. */
void progress_tick(struct progress *p, struct selkirk *m, const struct run_options *o);
void progress_end(struct progress *p); /* clears the line */
