/* Numbers of interp_x87.c, none of them unusual: taken from memory, given to it, compared. What cannot be done at once is RES_SLOW. */
#pragma once
#include "x87_run.h"

#define ALWAYS static inline __attribute__((always_inline))

/* A number with what its making raised, as status bits, above sign and exponent. */
struct res {
    uint64_t mant, se;
};
enum { RES_RAISED = 16, RES_INEXACT = SW_PE << RES_RAISED, RES_UP = SW_C1 << RES_RAISED, RES_SLOW = 1 << 30 };
static const struct res slow = {0, RES_SLOW};

ALWAYS bool is_zero(struct res v) { return !(v.mant | (v.se & F80_MAX_EXP)); }

ALWAYS bool is_normal(struct res v) { return (v.se & F80_MAX_EXP) - 1 < F80_MAX_EXP - 1 && v.mant >> 63; }

ALWAYS struct res from_f64(uint64_t v)
{
    uint64_t exp = v >> 52 & 0x7ff, sign = v >> 63 << 15;
    if (__builtin_expect(exp - 1 < 0x7fe, 1))
        return (struct res){TOP_BIT | v << 11, sign | (exp + F80_BIAS - 1023)};
    return v << 1 ? slow : (struct res){0, sign};
}

ALWAYS struct res from_f32(uint64_t v)
{
    uint64_t exp = v >> 23 & 0xff, sign = v >> 31 << 15;
    if (__builtin_expect(exp - 1 < 0xfe, 1))
        return (struct res){TOP_BIT | v << 40, sign | (exp + F80_BIAS - 127)};
    return (uint32_t)(v << 1) ? slow : (struct res){0, sign};
}

ALWAYS struct res from_int(int64_t v)
{
    uint64_t mant = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    if (!mant)
        return (struct res){0, 0};
    unsigned shift = count_leading_zeros(mant);
    return (struct res){mant << shift, (v < 0 ? 0x8000u : 0) | (F80_BIAS + 63 - shift)};
}

/* C3 or C0; RES_SLOW. */
static unsigned compare(struct res a, struct res b)
{
    uint64_t ae = a.se & F80_MAX_EXP, be = b.se & F80_MAX_EXP;
    if (!(is_normal(a) || is_zero(a)) || !(is_normal(b) || is_zero(b)))
        return RES_SLOW;
    if (a.mant == b.mant && (a.se == b.se || !a.mant))
        return SW_C3;
    if ((a.se ^ b.se) & 0x8000)
        return a.se & 0x8000 ? SW_C0 : 0;
    bool less = ae < be || (ae == be && a.mant < b.mant);
    return less != (a.se >> 15 & 1) ? SW_C0 : 0;
}

/* `fraction` bits of 64 go to memory, the exponent is biased by `bias`. */
ALWAYS struct res narrowed(struct res v, unsigned fraction, unsigned bias)
{
    unsigned drop = 63 - fraction, exps = 2 * bias;
    uint64_t exp = (v.se & F80_MAX_EXP) - (F80_BIAS - bias), rest = v.mant << (64 - drop);
    uint64_t sign = (v.se >> 15 & 1) << (fraction + (bias == 127 ? 8 : 11)), out = v.mant >> drop;
    if (is_zero(v))
        return (struct res){sign, 0};
    if (!is_normal(v) || exp - 1 >= exps)
        return slow;
    bool up = rest > TOP_BIT || (rest == TOP_BIT && out & 1);
    out += (exp - 1) << fraction;
    out += up;
    if (out >> fraction > exps)
        return slow;
    return (struct res){sign | out, (rest ? (uint64_t)RES_INEXACT : 0) | (up ? (uint64_t)RES_UP : 0)};
}

/* To an integer of `bits` bits, to nearest or cut off. */
ALWAYS struct res to_int(struct res v, unsigned bits, bool cut)
{
    uint64_t down = F80_BIAS + 63 - (v.se & F80_MAX_EXP), hi = 0, lo = 1;
    if (is_zero(v))
        return (struct res){0, 0};
    if (!is_normal(v) || down - 1 >= F80_BIAS + 63) /* 2^63 and more wrap around */
        return slow;
    if (down < 64) {
        hi = v.mant >> down;
        lo = v.mant << (64 - down);
    } else if (down == 64) {
        lo = v.mant;
    }
    bool up = !cut && (lo > TOP_BIT || (lo == TOP_BIT && hi & 1));
    hi += up;
    if (hi >> (bits - 1))
        return slow;
    return (struct res){v.se & 0x8000 ? 0 - hi : hi, (lo ? (uint64_t)RES_INEXACT : 0) | (up ? (uint64_t)RES_UP : 0)};
}
