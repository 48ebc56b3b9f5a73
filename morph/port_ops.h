/* Duke's flag, condition and division ops for C code: builtins of duke-cc on Duke, the generated semantics elsewhere.
 * op_addf_w(a, b) is the value that `addf.w` gives, and so on.
 */
#pragma once
#include <stdint.h>

#define PORT_FLAG_OPS(X, name) X(name##_b) X(name##_h) X(name##_w) X(name##_d)
/* X(name): value of two registers. */
#define PORT_OPS2(X) \
    PORT_FLAG_OPS(X, addf) PORT_FLAG_OPS(X, subf) PORT_FLAG_OPS(X, tstf) PORT_FLAG_OPS(X, orf) PORT_FLAG_OPS(X, xorf) \
    PORT_FLAG_OPS(X, incf) PORT_FLAG_OPS(X, decf) PORT_FLAG_OPS(X, shlf) PORT_FLAG_OPS(X, shrf) PORT_FLAG_OPS(X, sarf) \
    X(setcc) X(mulh) X(mulhu) X(div) X(divu) X(rem) X(remu) X(ror) X(ror_w)
/* X(name): value of one register. */
#define PORT_OPS1(X) X(clz) X(ctz) X(popcnt) X(bswap)
/* X(name): value of three registers. */
#define PORT_OPS3(X) PORT_FLAG_OPS(X, adcf) PORT_FLAG_OPS(X, sbbf) X(selnz)

#if defined(__DUKE__)

#define X(name) \
    unsigned long __duke_##name(unsigned long) __attribute__((const)); \
    static inline uint64_t op_##name(uint64_t a) { return __duke_##name(a); }
PORT_OPS1(X)
#undef X
#define X(name) \
    unsigned long __duke_##name(unsigned long, unsigned long) __attribute__((const)); \
    static inline uint64_t op_##name(uint64_t a, uint64_t b) { return __duke_##name(a, b); }
PORT_OPS2(X)
#undef X
#define X(name) \
    unsigned long __duke_##name(unsigned long, unsigned long, unsigned long) __attribute__((const)); \
    static inline uint64_t op_##name(uint64_t a, uint64_t b, uint64_t c) { return __duke_##name(a, b, c); }
PORT_OPS3(X)
#undef X

#else

#include "duke_isa.h"
#define X(name) static inline uint64_t op_##name(uint64_t a) { return duke_sem_##name(a, 0, 0, 0); }
PORT_OPS1(X)
#undef X
#define X(name) static inline uint64_t op_##name(uint64_t a, uint64_t b) { return duke_sem_##name(a, b, 0, 0); }
PORT_OPS2(X)
#undef X
#define X(name) \
    static inline uint64_t op_##name(uint64_t a, uint64_t b, uint64_t c) { return duke_sem_##name(a, b, c, 0); }
PORT_OPS3(X)
#undef X

#endif
