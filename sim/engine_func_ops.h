/* Handlers of the fast executor, in the order of its label table. A handler's number is computed from a base and the variant:
 * see func_load_handler and friends. */
#pragma once
#include "duke_isa.h"

/* X(kind, unsigned type, type that extends it) */
#define FUNC_LOAD_KINDS(X, space)                                                                  \
    X(space, BU, uint8_t, uint8_t)                                                                 \
    X(space, HU, uint16_t, uint16_t)                                                               \
    X(space, WU, uint32_t, uint32_t)                                                               \
    X(space, D, uint64_t, uint64_t)                                                                \
    X(space, BS, uint8_t, int8_t)                                                                  \
    X(space, HS, uint16_t, int16_t)                                                                \
    X(space, WS, uint32_t, int32_t)
#define FUNC_STORE_KINDS(X, space)                                                                 \
    X(space, B, uint8_t)                                                                           \
    X(space, H, uint16_t)                                                                          \
    X(space, W, uint32_t)                                                                          \
    X(space, D, uint64_t)

/* Other handlers. _C: the bundle commits. */
#define FUNC_PLAIN_HANDLERS(X)                                                                     \
    X(MOV) X(F_DIRTY) X(CHKS) X(RDCR) X(CAT) X(RAS_PUSH)                                                  \
    X(COMMIT)   /* of a bundle without a branch */                                                 \
    X(COMMIT_B) /* a branch follows and looks for interrupts */                                    \
    X(J) X(J_C) X(JR) X(JR_C) X(JITC) X(JITC_C) X(JRAS) X(JRAS_C)                                  \
    X(FALL)     /* the trace is as long as it may be */                                            \
    X(SLOW)     /* the reference does this bundle */                                               \
    X(LINK)     /* first execution of an exit: find its target */                                  \
    X(STALE)    /* head of a trace whose code was overwritten */

#define FUNC_ENUM_ALU(OP, low) FH_R_##OP, FH_I_##OP,
#define FUNC_ENUM_BRANCH(OP, low) FH_B_##OP, FH_B_##OP##_C,
#define FUNC_ENUM_LOAD(space, kind, u, s)                                                          \
    FH_LD_##space##_##kind##_A, FH_LD_##space##_##kind##_A_S, FH_LD_##space##_##kind##_X,          \
        FH_LD_##space##_##kind##_X_S,
#define FUNC_ENUM_STORE(space, kind, u)                                                            \
    FH_ST_##space##_##kind##_A, FH_ST_##space##_##kind##_A_S, FH_ST_##space##_##kind##_X,          \
        FH_ST_##space##_##kind##_X_S,
#define FUNC_ENUM_PLAIN(name) FH_##name,

/* clang-format off */
enum func_handler {
    DUKE_ALU_ROWS(FUNC_ENUM_ALU)
    DUKE_BRANCH_ROWS(FUNC_ENUM_BRANCH)
    FUNC_LOAD_KINDS(FUNC_ENUM_LOAD, G)
    FUNC_LOAD_KINDS(FUNC_ENUM_LOAD, N)
    FUNC_STORE_KINDS(FUNC_ENUM_STORE, G)
    FUNC_STORE_KINDS(FUNC_ENUM_STORE, N)
    FUNC_PLAIN_HANDLERS(FUNC_ENUM_PLAIN)
    FH_COUNT,
};
/* clang-format on */

/* aux of a memory op: its place, and whether the bundle's first memory op has been done already. */
enum { FUNC_SECOND = 1u << 31 };
