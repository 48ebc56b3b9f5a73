/* What the two back ends of the guest semantics share. See README.md. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "../ginsn.h"
#include "../../shared.h"

/* Sizes and operand kinds of an instruction. The interpreter's specialised handlers make it a constant. */
struct sem_form {
    uint8_t size;     /* ginsn.opsize */
    uint8_t asize;    /* ginsn.addrsize */
    uint8_t wide;     /* 1 in 64-bit mode */
    uint8_t amode;    /* enum sem_amode: a promise about the memory operand */
    uint8_t kind[3];  /* enum gopnd_kind */
    uint8_t osize[3]; /* bytes */
};

enum sem_amode {
    SEM_ANY,   /* nothing is known */
    SEM_BASE,  /* base + displacement, no index; not GREG_RIP, not FS or GS */
    SEM_NORIP, /* not GREG_RIP */
};

enum sem_jump_kind { SEM_JMP, SEM_CALL, SEM_RET };

enum guest_vector {
    GUEST_DE = 0,
    GUEST_DB = 1,
    GUEST_BP = 3,
    GUEST_OF = 4,
    GUEST_BR = 5,
    GUEST_UD = 6,
    GUEST_NM = 7,
    GUEST_DF = 8,
    GUEST_TS = 10,
    GUEST_NP = 11,
    GUEST_SS_FAULT = 12,
    GUEST_GP = 13,
    GUEST_PF = 14,
    GUEST_MF = 16,
    GUEST_AC = 17,
    GUEST_XM = 19,
};

static inline struct sem_form sem_form_of(const struct ginsn *g, bool wide)
{
    return (struct sem_form){
        .size = g->opsize,
        .asize = g->addrsize,
        .wide = wide,
        .amode = SEM_ANY,
        .kind = {g->opnd[0].kind, g->opnd[1].kind, g->opnd[2].kind},
        .osize = {g->opnd[0].size, g->opnd[1].size, g->opnd[2].size},
    };
}

static inline bool sem_has_mem(const struct sem_form *f)
{
    return f->kind[0] == GO_MEM || f->kind[1] == GO_MEM || f->kind[2] == GO_MEM;
}

static inline uint64_t sem_trunc(uint64_t v, unsigned size) { return size == 8 ? v : v & ((UINT64_C(1) << (8 * size)) - 1); }

static inline bool sem_has_body(unsigned op)
{
    switch (op) {
#define SEM_OP(op, body) case G_##op:
#include "table.def"
#undef SEM_OP
        return true;
    default: return false;
    }
}

/* Whether the instruction, one with a body, stores to its memory operand. */
static inline bool sem_writes_memory(const struct ginsn *g)
{
    if (g->opnd[0].kind != GO_MEM && (g->op != G_XCHG || g->opnd[1].kind != GO_MEM))
        return false;
    switch (g->op) {
    case G_CMP:
    case G_TEST:
    case G_BT:
    case G_PUSH:
    case G_MUL:
    case G_IMUL1:
    case G_DIV:
    case G_IDIV:
    case G_JMP_IND:
    case G_CALL_IND:
    case G_NOP:
    case G_PREFETCH:
    case G_CLFLUSH: return false;
    default: return sem_has_body(g->op);
    }
}

/* CS is never writable: such a store raises #GP. In 64-bit mode the decoder does not give CS as a segment. */
static inline bool sem_stores_to_code_segment(const struct ginsn *g) { return g->seg == GUEST_CS && sem_writes_memory(g); }

/* Whether the instruction has a body that the lifter may use. */
static inline bool sem_liftable(const struct ginsn *g)
{
    bool div128 = g->opsize == 8 && (g->op == G_DIV || g->op == G_IDIV);
    return sem_has_body(g->op) && !div128 && !sem_stores_to_code_segment(g);
}
