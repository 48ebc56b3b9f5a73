/* The host's side at full speed: a child runs many cases, each from its first instruction to an INT3 at its end, or to an exception. */
#pragma once
#include "oracle.h"

enum {
    NATIVE_CASES = 64, /* in one go */
    /* What the child's memory has besides the guest's. A case that reaches here is none for it: there the guest must find nothing. */
    NATIVE_BEGIN = 0x5b7d0000,
    NATIVE_SHARED = 0x5b800000, /* struct native_shared, writable */
    NATIVE_STACK = 0x5bc00000,
    NATIVE_STACK_SIZE = 0x10000,
    NATIVE_END = NATIVE_STACK + NATIVE_STACK_SIZE,
    NATIVE_SOCKET = 4, /* descriptor: a byte there starts a batch, a byte back ends it */
    NATIVE_HUNG = -2,  /* instead of a vector: the child did not come back, */
    NATIVE_DIED = -3,  /* or is gone */
};

struct native_case {
    struct oracle_state before, after;
    struct oracle_memory mem; /* data: afterwards, too */
};

struct native_shared {
    struct oracle_memory mem; /* what the guest has at ORACLE_CODE and ORACLE_DATA */
    uint32_t count, at;       /* cases; the one under way */
    uint32_t sse;
    _Alignas(8) struct native_case cases[NATIVE_CASES];
};
_Static_assert(sizeof(struct oracle_state) == 520, "the same in 32 and 64 bits");
_Static_assert(sizeof(struct native_shared) < NATIVE_STACK - NATIVE_SHARED, "fits");

struct native;
/* NULL and a message if the host cannot. A case is given up after `patience` seconds without progress. */
struct native *native_open(const char *child_path, const struct oracle_kind *kind, unsigned patience);
struct native_case *native_case(struct native *n, unsigned i);
/* Runs cases 0..count-1. False and a message: no child will start. A case after which the child had to be started again says so in
 * after.vector. after.vector is 3 at the end of a case, and after.rip behind the INT3. */
bool native_run(struct native *n, unsigned count);
void native_close(struct native *n);
