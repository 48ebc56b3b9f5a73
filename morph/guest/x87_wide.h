/* Floating-point numbers with 128 bits of significand, for the transcendental instructions: enough that a result rounded to
 * 64 bits is right but for one in 2^50 or so. Nothing overflows or underflows; zero has mant 0.
 */
#pragma once
#include "x87_num.h"

struct wide {
    u128 mant; /* top bit set: the value is mant * 2^(exp - 127) */
    int32_t exp;
    bool neg;
};

/* Fixed point in [0, 2): v / 2^127. */
typedef u128 fixed;
#define FIXED_ONE ((fixed)1 << 127)

static inline u128 u128_make(uint64_t hi, uint64_t lo) { return (u128)hi << 64 | lo; }

/* Shifts by halves: a variable shift of 128 bits would be a call into the compiler's library. n < 128. */
static inline u128 u128_shr(u128 v, unsigned n)
{
    uint64_t hi = (uint64_t)(v >> 64), lo = (uint64_t)v;
    if (n >= 64)
        return hi >> (n - 64);
    return n == 0 ? v : u128_make(hi >> n, lo >> n | hi << (64 - n));
}

static inline u128 u128_shl(u128 v, unsigned n)
{
    uint64_t hi = (uint64_t)(v >> 64), lo = (uint64_t)v;
    if (n >= 64)
        return u128_make(lo << (n - 64), 0);
    return n == 0 ? v : u128_make(hi << n | lo >> (64 - n), lo << n);
}

static inline struct wide wide_constant(uint64_t hi, uint64_t lo, int32_t exp)
{
    return (struct wide){u128_make(hi, lo), exp, false};
}

u128 u128_mul_high(u128 a, u128 b); /* the upper 128 bits of the product, up to 3 units too small */
/* Fixed point, the result cut. */
fixed fixed_mul(fixed a, fixed b);
fixed fixed_div_small(fixed a, uint32_t d);

struct wide wide_make(bool neg, int32_t exp, u128 mant); /* mant of any size */
struct wide wide_of_num(const struct num *a);            /* exact, as the next is */
struct wide wide_of_int(int32_t v);
struct wide wide_add(struct wide a, struct wide b);
struct wide wide_mul(struct wide a, struct wide b);
struct wide wide_div(struct wide a, struct wide b); /* b is not 0 */
/* |a| as fixed point; |a| < 2. */
fixed wide_to_fixed(struct wide a);
/* Rounds to 64 bits; raises what it must. Inexact unless `exact`, which believes the digits. */
struct f80 wide_round(struct x87_env *e, struct wide a, bool exact);
