/* x87 arithmetic: taking numbers apart, rounding, NaNs, sum, product, quotient, square root and comparison. */
#include "x87_num.h"

struct num num_take(struct f80 v)
{
    struct num a = {v.mant, v.se & F80_MAX_EXP, (uint8_t)(v.se >> 15), NUM_NORMAL};
    if (a.exp == 0) {
        if (v.mant == 0) {
            a.cls = NUM_ZERO;
            return a;
        }
        unsigned shift = count_leading_zeros(v.mant);
        a.cls = NUM_DENORMAL; /* with the top bit set: a pseudo-denormal, which counts the same */
        a.mant <<= shift;
        a.exp = 1 - (int32_t)shift;
    } else if (!(v.mant & TOP_BIT)) {
        a.cls = NUM_BAD;
    } else if (a.exp == F80_MAX_EXP) {
        a.cls = v.mant == TOP_BIT ? NUM_INF : v.mant & QUIET_BIT ? NUM_QNAN : NUM_SNAN;
    }
    return a;
}

bool num_is_nan(const struct num *a) { return a->cls == NUM_QNAN || a->cls == NUM_SNAN; }

struct f80 num_invalid(struct x87_env *e)
{
    e->raised |= SW_IE;
    return f80_indefinite();
}

void num_denormal(struct x87_env *e, const struct num *a)
{
    if (a->cls == NUM_DENORMAL)
        e->raised |= SW_DE;
}

bool num_special1(struct x87_env *e, struct f80 v, const struct num *a, struct f80 *result)
{
    if (a->cls == NUM_BAD) {
        *result = num_invalid(e);
        return true;
    }
    if (!num_is_nan(a))
        return false;
    if (a->cls == NUM_SNAN)
        e->raised |= SW_IE;
    *result = (struct f80){v.mant | QUIET_BIT, v.se};
    return true;
}

/* Of two NaNs a quiet one wins over a signaling one, then the larger significand, then the positive one. */
bool num_special2(struct x87_env *e, struct f80 x, struct f80 y, const struct num *a, const struct num *b, struct f80 *result)
{
    bool first;
    if (a->cls == NUM_BAD || b->cls == NUM_BAD) {
        *result = num_invalid(e);
        return true;
    }
    if (!num_is_nan(a) && !num_is_nan(b))
        return false;
    if (a->cls == NUM_SNAN || b->cls == NUM_SNAN)
        e->raised |= SW_IE;
    if (!num_is_nan(a) || !num_is_nan(b))
        first = num_is_nan(a);
    else if (a->cls != b->cls)
        first = a->cls == NUM_QNAN;
    else if (x.mant != y.mant)
        first = x.mant > y.mant;
    else
        first = x.se < y.se;
    *result = first ? x : y;
    result->mant |= QUIET_BIT;
    return true;
}

bool num_round_at(const struct x87_env *e, unsigned sign, uint64_t *hi, uint64_t lo, unsigned drop, bool *inexact)
{
    uint64_t unit = UINT64_C(1) << drop, rest = *hi & (unit - 1), half = unit >> 1;
    bool up = false;
    *inexact = (rest | lo) != 0;
    if (*inexact) {
        switch (env_rounding(e)) {
        case RC_NEAREST: {
            bool above = drop ? rest > half || (rest == half && lo) : lo > TOP_BIT;
            bool tie = drop ? rest == half && !lo : lo == TOP_BIT;
            up = above || (tie && *hi & unit);
            break;
        }
        case RC_DOWN: up = sign; break;
        case RC_UP: up = !sign; break;
        default: break;
        }
    }
    *hi -= rest;
    if (up)
        *hi += unit;
    return up;
}

static struct f80 overflow(struct x87_env *e, unsigned sign, unsigned drop)
{
    unsigned rc = env_rounding(e);
    e->raised |= SW_OE | SW_PE;
    if (rc == RC_NEAREST || rc == (sign ? RC_DOWN : RC_UP)) {
        e->raised |= SW_C1;
        return f80_inf(sign);
    }
    return f80_make(sign, F80_MAX_EXP - 1, UINT64_MAX << drop);
}

/* A result below the least normal number. `exp` is below 1. */
static struct f80 underflow(struct x87_env *e, unsigned sign, int32_t exp, uint64_t hi, uint64_t lo, unsigned drop, bool tiny)
{
    bool inexact, up;
    shift_right_jam(&hi, &lo, (uint32_t)(1 - exp));
    up = num_round_at(e, sign, &hi, lo, drop, &inexact);
    if (inexact)
        e->raised |= SW_PE | (tiny ? SW_UE : 0) | (up ? SW_C1 : 0);
    return f80_make(sign, hi & TOP_BIT ? 1 : 0, hi);
}

struct f80 num_round(struct x87_env *e, unsigned sign, int32_t exp, uint64_t hi, uint64_t lo, unsigned precision)
{
    unsigned drop = 64 - precision;
    uint64_t mant = hi;
    int32_t rounded = exp;
    bool inexact, up = num_round_at(e, sign, &mant, lo, drop, &inexact);
    if (mant == 0) { /* carried out of the top */
        mant = TOP_BIT;
        rounded++;
    }
    if (exp < 1) {
        bool tiny = rounded < 1;
        if (!tiny || e->cw & SW_UE)
            return underflow(e, sign, exp, hi, lo, drop, tiny);
        e->raised |= SW_UE;
        rounded += F80_UNMASKED_BIAS;
        if (rounded < 1) { /* only FSCALE gets so far down */
            e->raised |= SW_PE;
            return f80_zero(sign);
        }
    } else if (rounded >= F80_MAX_EXP) {
        if (e->cw & SW_OE)
            return overflow(e, sign, drop);
        e->raised |= SW_OE;
        rounded -= F80_UNMASKED_BIAS;
        if (rounded >= F80_MAX_EXP) {
            e->raised |= SW_PE | SW_C1;
            return f80_inf(sign);
        }
    }
    if (inexact)
        e->raised |= SW_PE | (up ? SW_C1 : 0);
    return f80_make(sign, rounded, mant);
}

static struct f80 add_magnitudes(struct x87_env *e, struct num a, struct num b)
{
    uint64_t hi = b.mant, lo = 0, sum;
    if (a.exp < b.exp) {
        struct num t = a;
        a = b;
        b = t;
        hi = b.mant;
    }
    shift_right_jam(&hi, &lo, (uint32_t)(a.exp - b.exp));
    sum = a.mant + hi;
    if (sum < hi) {
        shift_right_jam(&sum, &lo, 1);
        sum |= TOP_BIT;
        a.exp++;
    }
    return num_round(e, a.sign, a.exp, sum, lo, env_precision(e));
}

static struct f80 subtract_magnitudes(struct x87_env *e, struct num a, struct num b)
{
    uint64_t hi = b.mant, lo = 0;
    unsigned sign = a.sign, shift;
    if (a.exp == b.exp && a.mant == b.mant)
        return f80_zero(env_rounding(e) == RC_DOWN);
    if (a.exp < b.exp || (a.exp == b.exp && a.mant < b.mant)) {
        struct num t = a;
        a = b;
        b = t;
        hi = b.mant;
        sign = !sign;
    }
    shift_right_jam(&hi, &lo, (uint32_t)(a.exp - b.exp));
    hi = a.mant - hi - (lo != 0);
    lo = 0 - lo;
    if (hi == 0) { /* the exponents differ by at most 1 then: one bit of lo at most */
        hi = lo;
        lo = 0;
        a.exp -= 64;
    }
    shift = count_leading_zeros(hi);
    if (shift) {
        hi = hi << shift | lo >> (64 - shift);
        lo <<= shift;
    }
    return num_round(e, sign, a.exp - (int32_t)shift, hi, lo, env_precision(e));
}

struct f80 f80_add(struct x87_env *e, struct f80 x, struct f80 y, unsigned negate_y)
{
    struct num a = num_take(x), b = num_take(y);
    struct f80 result;
    if (num_special2(e, x, y, &a, &b, &result))
        return result;
    b.sign ^= (uint8_t)negate_y;
    if (a.cls == NUM_INF && b.cls == NUM_INF && a.sign != b.sign)
        return num_invalid(e);
    num_denormal(e, &a);
    num_denormal(e, &b);
    if (a.cls == NUM_INF || b.cls == NUM_INF)
        return f80_inf(a.cls == NUM_INF ? a.sign : b.sign);
    if (a.cls == NUM_ZERO && b.cls == NUM_ZERO)
        return f80_zero(a.sign == b.sign ? a.sign : env_rounding(e) == RC_DOWN);
    if (b.cls == NUM_ZERO)
        return num_round(e, a.sign, a.exp, a.mant, 0, env_precision(e));
    if (a.cls == NUM_ZERO)
        return num_round(e, b.sign, b.exp, b.mant, 0, env_precision(e));
    return a.sign == b.sign ? add_magnitudes(e, a, b) : subtract_magnitudes(e, a, b);
}

struct f80 f80_mul(struct x87_env *e, struct f80 x, struct f80 y)
{
    struct num a = num_take(x), b = num_take(y);
    unsigned sign = a.sign ^ b.sign;
    struct f80 result;
    if (num_special2(e, x, y, &a, &b, &result))
        return result;
    if ((a.cls == NUM_INF && b.cls == NUM_ZERO) || (a.cls == NUM_ZERO && b.cls == NUM_INF))
        return num_invalid(e);
    num_denormal(e, &a);
    num_denormal(e, &b);
    if (a.cls == NUM_INF || b.cls == NUM_INF)
        return f80_inf(sign);
    if (a.cls == NUM_ZERO || b.cls == NUM_ZERO)
        return f80_zero(sign);
    u128 product = (u128)a.mant * b.mant;
    int32_t exp = a.exp + b.exp - F80_BIAS + 1;
    if (!(product >> 127)) {
        product <<= 1;
        exp--;
    }
    return num_round(e, sign, exp, (uint64_t)(product >> 64), (uint64_t)product, env_precision(e));
}

/* Two digits of 32 bits, each estimated from the leading half of d. */
uint64_t num_divide(uint64_t hi, uint64_t lo, uint64_t d, uint64_t *rest)
{
    uint64_t d1 = d >> 32, d0 = d & 0xffffffff, quotient = 0;
    for (int half = 0; half < 2; half++) {
        uint64_t digit = hi / d1, left = hi % d1, next = half ? lo & 0xffffffff : lo >> 32;
        while (digit >> 32 || digit * d0 > (left << 32 | next)) {
            digit--;
            left += d1;
            if (left >> 32)
                break;
        }
        hi = (hi << 32 | next) - digit * d;
        quotient = quotient << 32 | digit;
    }
    *rest = hi;
    return quotient;
}

struct f80 f80_div(struct x87_env *e, struct f80 x, struct f80 y)
{
    struct num a = num_take(x), b = num_take(y);
    unsigned sign = a.sign ^ b.sign;
    struct f80 result;
    if (num_special2(e, x, y, &a, &b, &result))
        return result;
    if (a.cls == b.cls && (a.cls == NUM_INF || a.cls == NUM_ZERO))
        return num_invalid(e);
    if (b.cls == NUM_ZERO && a.cls != NUM_INF) {
        e->raised |= SW_ZE;
        return f80_inf(sign);
    }
    num_denormal(e, &a);
    num_denormal(e, &b);
    if (a.cls == NUM_INF)
        return f80_inf(sign);
    if (a.cls == NUM_ZERO || b.cls == NUM_INF)
        return f80_zero(sign);
    int32_t exp = a.exp - b.exp + F80_BIAS - 1;
    uint64_t hi = a.mant, lo = 0, rest, quotient;
    if (hi >= b.mant) {
        lo = hi << 63;
        hi >>= 1;
        exp++;
    }
    quotient = num_divide(hi, lo, b.mant, &rest);
    /* The rest against half the divisor says all that rounding wants to know. */
    lo = rest == 0 ? 0 : rest > b.mant - rest ? TOP_BIT | 1 : rest == b.mant - rest ? TOP_BIT : 1;
    return num_round(e, sign, exp, quotient, lo, env_precision(e));
}

/* The root of 32 bits, the leading two of which are not 00, and what is left. */
static uint32_t root_of_32(uint32_t v, uint32_t *rest)
{
    uint32_t root = 0, left = 0;
    for (unsigned i = 0; i < 16; i++) {
        uint32_t trial = root << 2 | 1;
        left = left << 2 | v >> 30;
        v <<= 2;
        bool fits = left >= trial;
        left -= fits ? trial : 0;
        root = root << 1 | fits;
    }
    *rest = left;
    return root;
}

/* The same of 64 bits and of 128, from the root of their upper half (P. Zimmermann, Karatsuba Square Root). */
static uint64_t root_of_64(uint64_t v, uint64_t *rest)
{
    uint32_t r;
    uint64_t s = root_of_32((uint32_t)(v >> 32), &r), t = (uint64_t)r << 16 | (v >> 16 & 0xffff), q = t / (2 * s);
    int64_t left = (int64_t)(((t - q * 2 * s) << 16 | (v & 0xffff)) - q * q);
    s = (s << 16) + q;
    if (left < 0) {
        left += (int64_t)(2 * s - 1);
        s--;
    }
    *rest = (uint64_t)left;
    return s;
}

uint64_t num_root(uint64_t hi, uint64_t lo, u128 *rest)
{
    uint64_t r, s = root_of_64(hi, &r), half = r << 31 | lo >> 33, q = half / s; /* r has up to 33 bits */
    u128 left = ((u128)(half - q * s) << 1 | (lo >> 32 & 1)) << 32 | (lo & 0xffffffff);
    u128 square = (u128)q * q;
    bool less = left < square;
    left -= square;
    s = (s << 32) + q;
    if (less) {
        left += ((u128)s << 1) - 1 + (s == 0 ? (u128)1 << 65 : 0);
        s--;
    }
    *rest = left;
    return s;
}

struct f80 f80_sqrt(struct x87_env *e, struct f80 x)
{
    struct num a = num_take(x);
    struct f80 result;
    if (num_special1(e, x, &a, &result))
        return result;
    if (a.cls == NUM_ZERO)
        return x;
    if (a.sign)
        return num_invalid(e);
    num_denormal(e, &a);
    if (a.cls == NUM_INF)
        return x;
    /* mant * 2^(63 + odd) has a root of 64 bits. */
    int32_t odd = !(a.exp & 1);
    u128 rest;
    uint64_t root = odd ? num_root(a.mant, 0, &rest) : num_root(a.mant >> 1, a.mant << 63, &rest);
    uint64_t lo = rest == 0 ? 0 : rest > root ? TOP_BIT | 1 : 1; /* a root is never half-way */
    int32_t exp = (a.exp - odd + F80_BIAS) >> 1;
    return num_round(e, 0, exp, root, lo, env_precision(e));
}

uint16_t f80_compare(struct x87_env *e, struct f80 x, struct f80 y, bool quiet)
{
    struct num a = num_take(x), b = num_take(y);
    bool less;
    if (a.cls == NUM_BAD || b.cls == NUM_BAD || num_is_nan(&a) || num_is_nan(&b)) {
        bool quiet_nan_only = a.cls != NUM_BAD && b.cls != NUM_BAD && a.cls != NUM_SNAN && b.cls != NUM_SNAN;
        if (!quiet || !quiet_nan_only)
            e->raised |= SW_IE;
        return SW_C3 | SW_C2 | SW_C0;
    }
    num_denormal(e, &a);
    num_denormal(e, &b);
    if (a.cls == NUM_ZERO && b.cls == NUM_ZERO)
        return SW_C3;
    if (a.sign != b.sign)
        return a.sign ? SW_C0 : 0;
    if (a.cls == NUM_ZERO || b.cls == NUM_ZERO)
        less = a.cls == NUM_ZERO;
    else if (a.exp == b.exp && a.mant == b.mant)
        return SW_C3;
    else
        less = a.exp < b.exp || (a.exp == b.exp && a.mant < b.mant);
    return less != a.sign ? SW_C0 : 0;
}

uint16_t f80_examine(struct f80 x)
{
    static const uint16_t codes[] = {
        [NUM_ZERO] = SW_C3, [NUM_NORMAL] = SW_C2, [NUM_DENORMAL] = SW_C3 | SW_C2, [NUM_INF] = SW_C2 | SW_C0, [NUM_QNAN] = SW_C0,
        [NUM_SNAN] = SW_C0, [NUM_BAD] = 0,
    };
    struct num a = num_take(x);
    return (uint16_t)(codes[a.cls] | (a.sign ? SW_C1 : 0));
}
