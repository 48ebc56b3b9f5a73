/* MMX and SSE instructions: internal to simd*.c. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "ginsn.h"
#include "interp.h"
#include "sse_fp.h"

union simd_value {
    uint64_t q[2];
    uint32_t w[4];
    uint16_t h[8];
    uint8_t b[16];
};

/* One instruction on its way. `d` holds the whole destination register before the instruction and becomes what is written. */
struct simd {
    struct morph *m;
    struct guest_cpu *cpu;
    const struct ginsn *g;
    uint64_t mem; /* linear address of the memory operand */
    union simd_value d, s;
    struct fp_env fp;
    unsigned halves; /* 1: MMX, 2: XMM */
    unsigned imm;
    bool keep;      /* the destination is not written */
    bool flags_set; /* `flags` are written */
    uint64_t flags; /* EFLAGS, arithmetic ones */
};

/* Whether the instruction stores to its memory operand. */
static inline bool simd_stores(const struct ginsn *g)
{
    return g->opnd[0].kind == GO_MEM && g->op != G_LDMXCSR && g->op != G_FXRSTOR;
}

/* Each does the instruction if it is among its own. (simd_int.c, simd_shuffle.c, simd_move.c, simd_float.c, simd_string.c,
 * simd_crypto.c) */
bool simd_integer(struct simd *x);
bool simd_shuffle(struct simd *x);
bool simd_move(struct simd *x);
bool simd_float(struct simd *x);
bool simd_string(struct simd *x);
bool simd_crypto(struct simd *x);

/* What is no computation: control register, state, masked stores. False: not among them. (simd_state.c) */
bool simd_state(struct simd *x, enum interp_result *result);
/* MMX state is entered: TOP 0, no register empty. */
void simd_enter_mmx(struct guest_cpu *cpu);
