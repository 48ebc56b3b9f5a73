/* The progress line: speed, and the time left where a limit says what there is to do. */
#include "progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

double host_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void progress_start(struct progress *p, const struct run_options *o)
{
    *p = (struct progress){.start = host_seconds()};
    p->last = p->start;
    p->on = o->progress == WHEN_ALWAYS || (o->progress == WHEN_AUTO && isatty(2));
}

static void print_left(double seconds)
{
    if (seconds < 360000)
        fprintf(stderr, ", %d:%02d:%02d left", (int)seconds / 3600, (int)seconds / 60 % 60, (int)seconds % 60);
}

void progress_tick(struct progress *p, struct selkirk *m, const struct run_options *o)
{
    enum { INTERVAL = 1 };
    double now = p->on ? host_seconds() : 0;
    if (!p->on || now - p->last < INTERVAL)
        return;
    uint64_t insts = selkirk_icount(m), cycles = selkirk_cycles(m);
    double elapsed = now - p->start;
    fprintf(stderr, "\r\033[Kselkirk: %.1f M instructions, %.1f M cycles, %.2f M instructions/s", (double)insts * 1e-6,
            (double)cycles * 1e-6, (double)(insts - p->last_insts) / (now - p->last) * 1e-6);
    if (o->max_insts && insts)
        print_left(elapsed * ((double)o->max_insts / (double)insts - 1));
    else if (o->max_cycles && cycles)
        print_left(elapsed * ((double)o->max_cycles / (double)cycles - 1));
    fflush(stderr);
    p->shown = true;
    p->last = now;
    p->last_insts = insts;
}

void progress_end(struct progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
    p->shown = false;
}
