/* x87: conversion from and to the formats in memory. */
#include "x87_num.h"

/* A narrower binary format. */
struct narrow {
    unsigned fraction; /* bits stored */
    int32_t bias, max_exp;
};
static const struct narrow f32 = {23, 127, 255}, f64 = {52, 1023, 2047};

static struct f80 widen(struct x87_env *e, uint64_t v, const struct narrow *n)
{
    uint64_t fraction = v & ((UINT64_C(1) << n->fraction) - 1);
    int32_t exp = (int32_t)(v >> n->fraction) & n->max_exp;
    unsigned sign = v >> n->fraction > (uint64_t)n->max_exp;
    uint64_t mant = fraction << (63 - n->fraction);
    if (exp == n->max_exp)
        return f80_make(sign, F80_MAX_EXP, TOP_BIT | mant);
    if (exp == 0) {
        if (fraction == 0)
            return f80_zero(sign);
        unsigned shift = count_leading_zeros(mant);
        e->raised |= SW_DE;
        return f80_make(sign, F80_BIAS - n->bias + 1 - (int32_t)shift, mant << shift);
    }
    return f80_make(sign, exp - n->bias + F80_BIAS, TOP_BIT | mant);
}

struct f80 f80_from_f32(struct x87_env *e, uint32_t v) { return widen(e, v, &f32); }

struct f80 f80_from_f64(struct x87_env *e, uint64_t v) { return widen(e, v, &f64); }

struct f80 f80_from_int(int64_t v)
{
    uint64_t mant = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    unsigned shift;
    if (mant == 0)
        return f80_zero(0);
    shift = count_leading_zeros(mant);
    return f80_make(v < 0, F80_BIAS + 63 - (int32_t)shift, mant << shift);
}

struct f80 f80_from_bcd(uint64_t lo, uint16_t hi)
{
    uint64_t v = 0;
    for (int i = 17; i >= 0; i--)
        v = v * 10 + (i >= 16 ? hi >> (4 * (i - 16)) & 15u : lo >> (4 * i) & 15u);
    struct f80 result = f80_from_int((int64_t)v);
    result.se |= hi & 0x8000u;
    return result;
}

/* Overflow and underflow that are not masked raise only that flag: nothing is going to be stored. */
static uint64_t narrow_to(struct x87_env *e, struct f80 v, const struct narrow *n)
{
    struct num a = num_take(v);
    uint64_t sign = (uint64_t)a.sign << (n->fraction + (n == &f32 ? 8 : 11));
    uint64_t inf = (uint64_t)n->max_exp << n->fraction, quiet = UINT64_C(1) << (n->fraction - 1);
    unsigned drop = 63 - n->fraction;
    bool inexact, up;

    switch (a.cls) {
    case NUM_ZERO: return sign;
    case NUM_INF: return sign | inf;
    case NUM_BAD: e->raised |= SW_IE; return (UINT64_C(1) << (n->fraction + (n == &f32 ? 8 : 11))) | inf | quiet;
    case NUM_SNAN: e->raised |= SW_IE; /* fall through */
    case NUM_QNAN: return sign | inf | quiet | (v.mant & ~TOP_BIT) >> drop;
    default: break;
    }
    uint64_t hi = a.mant, lo = 0;
    int32_t exp = a.exp - F80_BIAS + n->bias;
    up = num_round_at(e, a.sign, &hi, 0, drop, &inexact);
    int32_t rounded = exp + (hi == 0);
    if (exp < 1) {
        bool tiny = rounded < 1;
        if (tiny && !(e->cw & SW_UE)) {
            e->raised |= SW_UE;
            return 0;
        }
        hi = a.mant;
        shift_right_jam(&hi, &lo, (uint32_t)(1 - exp));
        up = num_round_at(e, a.sign, &hi, lo, drop, &inexact);
        if (inexact)
            e->raised |= SW_PE | (tiny ? SW_UE : 0) | (up ? SW_C1 : 0);
        return sign | hi >> drop; /* a carry into the top bit makes the exponent 1 */
    }
    if (rounded >= n->max_exp) {
        unsigned rc = env_rounding(e);
        e->raised |= SW_OE;
        if (!(e->cw & SW_OE))
            return 0;
        e->raised |= SW_PE;
        if (rc == RC_NEAREST || rc == (a.sign ? RC_DOWN : RC_UP)) {
            e->raised |= SW_C1;
            return sign | inf;
        }
        return sign | (inf - 1);
    }
    if (inexact)
        e->raised |= SW_PE | (up ? SW_C1 : 0);
    return sign | (uint64_t)rounded << n->fraction | (hi & ~TOP_BIT) >> drop;
}

uint32_t f80_to_f32(struct x87_env *e, struct f80 v) { return (uint32_t)narrow_to(e, v, &f32); }

uint64_t f80_to_f64(struct x87_env *e, struct f80 v) { return narrow_to(e, v, &f64); }

/* Magnitude as an integer of at most `limit` (for negative numbers limit_negative); false if it is larger, or no number. */
static bool to_magnitude(struct x87_env *e, struct f80 v, bool chop, uint64_t limit, uint64_t limit_negative, uint64_t *out)
{
    struct num a = num_take(v);
    struct x87_env how = *e;
    uint64_t hi = a.mant, lo = 0;
    bool inexact = false, up = false;
    *out = 0;
    if (a.cls == NUM_ZERO)
        return true;
    if (a.cls != NUM_NORMAL && a.cls != NUM_DENORMAL)
        return false;
    if (a.exp > F80_BIAS + 63)
        return false;
    if (chop)
        how.cw |= RC_CHOP << 10;
    shift_right_jam(&hi, &lo, (uint32_t)(F80_BIAS + 63 - a.exp));
    up = num_round_at(&how, a.sign, &hi, lo, 0, &inexact);
    if ((hi == 0 && up) || hi > (a.sign ? limit_negative : limit))
        return false;
    if (inexact)
        e->raised |= SW_PE | (up ? SW_C1 : 0);
    *out = hi;
    return true;
}

uint64_t f80_to_int(struct x87_env *e, struct f80 v, unsigned size, bool chop)
{
    uint64_t most = UINT64_C(1) << (8 * size - 1), out;
    if (!to_magnitude(e, v, chop, most - 1, most, &out)) {
        e->raised |= SW_IE;
        return most;
    }
    return v.se >> 15 ? 0 - out : out;
}

void f80_to_bcd(struct x87_env *e, struct f80 v, uint64_t *lo, uint16_t *hi)
{
    const uint64_t most = UINT64_C(999999999999999999);
    uint64_t out;
    *lo = UINT64_C(0xc000000000000000);
    *hi = 0xffff;
    if (!to_magnitude(e, v, false, most, most, &out)) {
        e->raised |= SW_IE;
        return;
    }
    *lo = 0;
    *hi = v.se & 0x8000;
    for (unsigned i = 0; i < 18; i++, out /= 10) {
        if (i < 16)
            *lo |= out % 10 << (4 * i);
        else
            *hi = (uint16_t)(*hi | out % 10 << (4 * (i - 16)));
    }
}
