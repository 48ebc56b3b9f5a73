/* What the runtime's own files share. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Host functions: shared.hc.arg[0] of hcall HC_NATIVE; served by sim/duke_run.c. Addresses are native. */
enum rt_host {
    RT_WRITE = 1, /* fd, address, size; gives the number of bytes or -1 */
    RT_EXIT = 2,  /* status */
    RT_READ = 3,  /* fd, address, size; gives the number of bytes or -1 */
    RT_ARG = 4,   /* index, address, size; gives the length of the program's argument, 0 included, or 0 if there is none */
};
uint64_t rt_host(enum rt_host function, uint64_t a, uint64_t b, uint64_t c);

extern char __image_end[]; /* the heap starts here */
