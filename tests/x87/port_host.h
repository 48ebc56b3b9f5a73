/* A flat port for the x87 tests: a guest linear address is a host address, and nothing faults. */
#pragma once
#include <string.h>

#define FLAT_LOAD(bits)                                        \
    static inline uint64_t gld##bits(uint64_t lin)             \
    {                                                          \
        uint##bits##_t v;                                      \
        memcpy(&v, (const void *)(uintptr_t)lin, sizeof v);    \
        return v;                                              \
    }                                                          \
    static inline void gst##bits(uint64_t lin, uint64_t value) \
    {                                                          \
        uint##bits##_t v = (uint##bits##_t)value;              \
        memcpy((void *)(uintptr_t)lin, &v, sizeof v);          \
    }
FLAT_LOAD(8)
FLAT_LOAD(16)
FLAT_LOAD(32)
FLAT_LOAD(64)
#undef FLAT_LOAD

#define port_commit(n) ((void)(n))
/* Translated code, of which there is none, has left all as x87_leave_home made it. */
static inline void port_x87_save(void) {}
static inline uint64_t port_x87_stack(void) { return 0; }
