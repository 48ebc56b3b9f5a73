/* The dispatcher and what it is made of. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct gblock;
struct morph;
struct shared;

/* -- smc.c: guest code that changes. morph.h has the rest. */
/* The instruction at cpu.rip stores to bytes at linear address `lin` that are marked as code: forgets that code and executes
 * the instruction. Returns an enum interp_result. */
int smc_step(struct morph *m, uint64_t lin);

/* -- host.c: host calls */
/* Does what hc.resume asks for. To be called after every host call that may touch the guest. */
void run_resume(struct morph *m);
/* Tells the core how guest accesses are to be made. */
void run_mode(const struct morph *m);
uint64_t run_stop_key(const struct shared *sh);
void run_trace(struct morph *m, const struct gblock *b);

/* -- init.c */
/* What translations rely on besides the guest's code. Bit 0: the bases of ES, CS, SS, DS are zero; bits 1, 2: FS, GS are null. */
enum {
    RUN_ENV_SIMD = 8, /* SSE is there, and MXCSR masks every exception */
    RUN_ENV_X87 = 16, /* X ops are there, and x87_translatable */
};
uint32_t run_env(const struct morph *m);
