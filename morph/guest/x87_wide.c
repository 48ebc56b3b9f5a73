#include "x87_wide.h"

u128 u128_mul_high(u128 a, u128 b)
{
    uint64_t ah = (uint64_t)(a >> 64), al = (uint64_t)a, bh = (uint64_t)(b >> 64), bl = (uint64_t)b;
    u128 cross1 = (u128)ah * bl, cross2 = (u128)al * bh;
    u128 low = (u128)(uint64_t)cross1 + (uint64_t)cross2 + (uint64_t)(((u128)al * bl) >> 64);
    return (u128)ah * bh + (cross1 >> 64) + (cross2 >> 64) + (low >> 64);
}

fixed fixed_mul(fixed a, fixed b) { return u128_mul_high(a, b) << 1; }

fixed fixed_div_small(fixed a, uint32_t d)
{
    uint64_t hi = (uint64_t)(a >> 64), lo = (uint64_t)a;
    uint64_t q3 = hi / d, rest = hi % d;
    uint64_t part = rest << 32 | lo >> 32;
    uint64_t q1 = part / d;
    part = part % d << 32 | (lo & 0xffffffff);
    return u128_make(q3, q1 << 32) + part / d;
}

struct wide wide_make(bool neg, int32_t exp, u128 mant)
{
    uint64_t hi = (uint64_t)(mant >> 64);
    unsigned shift;
    if (mant == 0)
        return (struct wide){0, 0, neg};
    shift = hi ? count_leading_zeros(hi) : 64 + count_leading_zeros((uint64_t)mant);
    return (struct wide){u128_shl(mant, shift), exp - (int32_t)shift, neg};
}

struct wide wide_of_num(const struct num *a)
{
    if (a->cls == NUM_ZERO)
        return (struct wide){0, 0, a->sign};
    return (struct wide){u128_make(a->mant, 0), a->exp - F80_BIAS, a->sign};
}

struct wide wide_of_int(int32_t v) { return wide_make(v < 0, 127, v < 0 ? (u128)(-(int64_t)v) : (u128)v); }

struct wide wide_add(struct wide a, struct wide b)
{
    u128 small, sum;
    if (a.mant == 0)
        return b;
    if (b.mant == 0)
        return a;
    if (a.exp < b.exp || (a.exp == b.exp && a.mant < b.mant)) {
        struct wide t = a;
        a = b;
        b = t;
    }
    small = a.exp - b.exp < 128 ? u128_shr(b.mant, (unsigned)(a.exp - b.exp)) : 0;
    if (a.neg != b.neg)
        return wide_make(a.neg, a.exp, a.mant - small);
    sum = a.mant + small;
    if (sum < small) { /* carried */
        sum = (sum >> 1) | FIXED_ONE;
        a.exp++;
    }
    return (struct wide){sum, a.exp, a.neg};
}

struct wide wide_mul(struct wide a, struct wide b)
{
    if (a.mant == 0 || b.mant == 0)
        return (struct wide){0, 0, a.neg != b.neg};
    return wide_make(a.neg != b.neg, a.exp + b.exp + 1, u128_mul_high(a.mant, b.mant));
}

struct wide wide_div(struct wide a, struct wide b)
{
    u128 quotient = 0, rest = a.mant;
    int32_t exp = a.exp - b.exp;
    bool carry = false;
    if (a.mant == 0)
        return (struct wide){0, 0, a.neg != b.neg};
    if (rest < b.mant) {
        carry = rest >> 127;
        rest <<= 1;
        exp--;
    }
    for (int i = 0; i < 128; i++) {
        quotient <<= 1;
        if (carry || rest >= b.mant) {
            rest -= b.mant;
            quotient |= 1;
        }
        carry = rest >> 127;
        rest <<= 1;
    }
    return (struct wide){quotient, exp, a.neg != b.neg};
}

fixed wide_to_fixed(struct wide a) { return a.mant == 0 || a.exp <= -128 ? 0 : u128_shr(a.mant, (unsigned)-a.exp); }

struct f80 wide_round(struct x87_env *e, struct wide a, bool exact)
{
    uint64_t lo = (uint64_t)a.mant;
    return num_round(e, a.neg, a.exp + F80_BIAS, (uint64_t)(a.mant >> 64), exact ? lo : lo | 1, 64);
}
