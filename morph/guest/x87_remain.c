/* x87: rounding to an integer, scaling, taking apart, and remainders. */
#include "x87_num.h"

struct f80 f80_round_int(struct x87_env *e, struct f80 x)
{
    struct num a = num_take(x);
    struct f80 result;
    if (num_special1(e, x, &a, &result))
        return result;
    num_denormal(e, &a);
    if (a.cls == NUM_INF || a.cls == NUM_ZERO || a.exp >= F80_BIAS + 63)
        return x;
    /* As an integer: shift the fraction out, round, and normalise again. */
    uint64_t hi = a.mant, lo = 0;
    bool inexact, up;
    shift_right_jam(&hi, &lo, (uint32_t)(F80_BIAS + 63 - a.exp));
    up = num_round_at(e, a.sign, &hi, lo, 0, &inexact);
    if (inexact)
        e->raised |= SW_PE | (up ? SW_C1 : 0);
    if (hi == 0)
        return f80_zero(a.sign);
    unsigned shift = count_leading_zeros(hi);
    return f80_make(a.sign, F80_BIAS + 63 - (int32_t)shift, hi << shift);
}

struct f80 f80_scale(struct x87_env *e, struct f80 x, struct f80 y)
{
    struct num a = num_take(x), b = num_take(y);
    struct f80 result;
    int32_t by = 0;
    if (num_special2(e, x, y, &a, &b, &result))
        return result;
    if (b.cls == NUM_INF && a.cls == (b.sign ? NUM_INF : NUM_ZERO))
        return num_invalid(e);
    num_denormal(e, &a);
    num_denormal(e, &b);
    if (a.cls == NUM_ZERO || a.cls == NUM_INF)
        return x;
    if (b.cls == NUM_INF)
        return b.sign ? f80_zero(a.sign) : f80_inf(a.sign);
    if (b.cls != NUM_ZERO && b.exp >= F80_BIAS) /* beyond 2^16 every number over- or underflows */
        by = b.exp > F80_BIAS + 16 ? 0x20000 : (int32_t)(b.mant >> (F80_BIAS + 63 - b.exp));
    return num_round(e, a.sign, a.exp + (b.sign ? -by : by), a.mant, 0, 64);
}

struct f80 f80_extract(struct x87_env *e, struct f80 x, struct f80 *significand)
{
    struct num a = num_take(x);
    struct f80 result;
    if (num_special1(e, x, &a, &result)) {
        *significand = result;
        return result;
    }
    num_denormal(e, &a);
    *significand = x;
    if (a.cls == NUM_INF)
        return f80_inf(0);
    if (a.cls == NUM_ZERO) {
        e->raised |= SW_ZE;
        return f80_inf(1);
    }
    *significand = f80_make(a.sign, F80_BIAS, a.mant);
    return f80_from_int(a.exp - F80_BIAS);
}

/* rest = (rest * 2^n) mod d, returns the low bits of the quotient; d has its top bit set. */
static uint64_t reduce(uint64_t *rest, uint64_t d, int32_t n)
{
    uint64_t r = *rest, quotient = 0;
    bool carry = false;
    for (;; n--) {
        quotient <<= 1;
        if (carry || r >= d) {
            r -= d;
            quotient |= 1;
        }
        if (n == 0)
            break;
        carry = r >> 63;
        r <<= 1;
    }
    *rest = r;
    return quotient;
}

static uint16_t quotient_codes(uint64_t q)
{
    return (uint16_t)((q & 4 ? SW_C0 : 0) | (q & 2 ? SW_C3 : 0) | (q & 1 ? SW_C1 : 0));
}

static struct f80 pack_exact(struct x87_env *e, unsigned sign, int32_t exp, uint64_t mant)
{
    unsigned shift;
    if (mant == 0)
        return f80_zero(sign);
    shift = count_leading_zeros(mant);
    return num_round(e, sign, exp - (int32_t)shift, mant << shift, 0, 64);
}

struct f80 f80_remainder(struct x87_env *e, struct f80 x, struct f80 y, bool nearest, uint16_t *codes)
{
    struct num a = num_take(x), b = num_take(y);
    struct f80 result;
    if (num_special2(e, x, y, &a, &b, &result))
        return result;
    if (a.cls == NUM_INF || b.cls == NUM_ZERO)
        return num_invalid(e);
    *codes = 0;
    num_denormal(e, &a);
    num_denormal(e, &b);
    if (a.cls == NUM_ZERO)
        return x;
    if (b.cls == NUM_INF)
        return pack_exact(e, a.sign, a.exp, a.mant);
    int32_t difference = a.exp - b.exp;
    uint64_t rest = a.mant, quotient = 0;
    unsigned sign = a.sign;
    if (difference < (nearest ? -1 : 0))
        return pack_exact(e, sign, a.exp, a.mant);
    if (difference >= 64) { /* a part of the work: the quotient is not known yet */
        int32_t n = (difference & 31) | 32;
        reduce(&rest, b.mant, n);
        *codes = SW_C2;
        return pack_exact(e, sign, a.exp - n, rest);
    }
    if (difference >= 0)
        quotient = reduce(&rest, b.mant, difference);
    if (nearest) {
        /* Up by one if the rest is more than half the divisor, or half of it and the quotient odd. At difference -1 the
         * dividend counts half: it is at least half the divisor's size only if its significand is. */
        bool more = difference < 0 ? rest > b.mant : rest > b.mant - rest;
        bool tie = difference < 0 ? rest == b.mant : rest == b.mant - rest;
        if (difference < 0 && !more)
            return pack_exact(e, sign, a.exp, a.mant);
        if (more || (tie && quotient & 1)) {
            quotient++;
            sign = !sign;
            if (difference < 0) { /* |b| - |a| in units of half of b's last place: 2 b - a, below b */
                rest = b.mant - (rest - b.mant);
                *codes = quotient_codes(quotient);
                return pack_exact(e, sign, a.exp, rest);
            }
            rest = b.mant - rest;
        }
    }
    *codes = quotient_codes(quotient);
    if (rest == 0)
        return f80_zero(a.sign);
    return pack_exact(e, sign, b.exp, rest);
}
