/* The transcendental x87 instructions.
 *
 * Arguments are exact, so everything is computed with about 120 good bits (x87_wide.h) and rounded once: the results are
 * the correctly rounded ones, but for the rare argument whose result lies closer than that to a tie. Angles are reduced by
 * pi cut to 66 bits of fraction, as all x87 do: that is a property of the instruction set, not an inaccuracy.
 */
#include "x87_trans.h"

#include "x87_wide.h"

static const struct wide *constant(const struct wide_words *w, struct wide *out)
{
    *out = wide_constant(w->hi, w->lo, w->exp);
    return out;
}

/* 1 - z/(a b) (1 - z/(c d) (1 - ...)), where z = r^2: the series of the sine (first = 2: 2 3, 4 5, ...) or of the cosine
 * (first = 1: 1 2, 3 4, ...). Just below 1 for a tiny z. */
static fixed circular_series(fixed z, uint32_t first)
{
    fixed sum = FIXED_ONE;
    for (uint32_t k = first + 34; k + 2 > first + 1; k -= 2) {
        sum = FIXED_ONE - fixed_div_small(fixed_mul(sum, z), k * (k + 1));
        if (k == first)
            break;
    }
    return sum == FIXED_ONE ? FIXED_ONE - 1 : sum;
}

/* The angle modulo pi/2, in [-pi/4, pi/4], and how often pi/2 went into it, modulo 4. |x| < 2^63. */
static struct wide reduce_angle(const struct num *a, unsigned *quadrant)
{
    /* pi / 2 in units of 2^-67. */
    const u128 half_pi = u128_make(0xc, 0x90fdaa22168c234c);
    int32_t steps = a->exp - F80_BIAS + 4; /* the angle is mant * 2^(steps - 67) */
    u128 rest = a->mant;
    uint64_t count = 0;
    bool neg = a->sign;
    *quadrant = 0;
    if (steps < 0) /* below 1/16 */
        return wide_of_num(a);
    for (;; steps--) {
        count <<= 1;
        if (rest >= half_pi) {
            rest -= half_pi;
            count |= 1;
        }
        if (steps == 0)
            break;
        rest <<= 1;
    }
    if (rest > half_pi - rest) {
        rest = half_pi - rest;
        neg = !neg;
        count++;
    }
    *quadrant = (a->sign ? 0 - (unsigned)count : (unsigned)count) & 3;
    return wide_make(neg, 60, rest);
}

struct circle {
    struct wide sine, cosine;
};

static struct circle circular(const struct num *a)
{
    unsigned quadrant;
    struct wide r = reduce_angle(a, &quadrant);
    fixed f = wide_to_fixed(r), z = fixed_mul(f, f);
    struct circle c;
    c.sine = wide_mul(r, wide_make(false, 0, circular_series(z, 2)));
    c.cosine = wide_make(false, 0, circular_series(z, 1));
    if (quadrant & 1) {
        struct wide t = c.sine;
        c.sine = c.cosine;
        c.cosine = t;
        c.cosine.neg = !c.cosine.neg;
    }
    if (quadrant & 2) {
        c.sine.neg = !c.sine.neg;
        c.cosine.neg = !c.cosine.neg;
    }
    return c;
}

enum angle { ANGLE_SPECIAL, ANGLE_TOO_LARGE, ANGLE_ZERO, ANGLE_GOOD };

static enum angle classify_angle(struct x87_env *e, struct f80 x, struct num *a, struct f80 *special)
{
    *a = num_take(x);
    if (num_special1(e, x, a, special))
        return ANGLE_SPECIAL;
    if (a->cls == NUM_INF) {
        *special = num_invalid(e);
        return ANGLE_SPECIAL;
    }
    if (a->cls == NUM_ZERO)
        return ANGLE_ZERO;
    if (a->exp >= F80_BIAS + 63)
        return ANGLE_TOO_LARGE;
    num_denormal(e, a);
    return ANGLE_GOOD;
}

bool f80_sincos(struct x87_env *e, struct f80 x, struct f80 *sine, struct f80 *cosine)
{
    struct num a;
    struct f80 s = x, c = f80_make(0, F80_BIAS, TOP_BIT);
    switch (classify_angle(e, x, &a, &s)) {
    case ANGLE_TOO_LARGE: return false;
    case ANGLE_SPECIAL: c = s; break;
    case ANGLE_ZERO: break;
    case ANGLE_GOOD: {
        struct circle v = circular(&a);
        if (cosine)
            c = wide_round(e, v.cosine, false);
        if (sine) { /* of two, C1 speaks of the sine */
            e->raised &= (uint16_t)~SW_C1;
            s = wide_round(e, v.sine, false);
        }
        break;
    }
    }
    if (sine)
        *sine = s;
    if (cosine)
        *cosine = c;
    return true;
}

bool f80_tan(struct x87_env *e, struct f80 x, struct f80 *tangent)
{
    struct num a;
    *tangent = x;
    switch (classify_angle(e, x, &a, tangent)) {
    case ANGLE_TOO_LARGE: return false;
    case ANGLE_GOOD: {
        struct circle v = circular(&a);
        *tangent = wide_round(e, wide_div(v.sine, v.cosine), false);
        break;
    }
    default: break;
    }
    return true;
}

/* arctan(q) for q in [0, 1]: arctan(i/16) + arctan((q - i/16) / (1 + q i/16)), and a series for what is left. */
static struct wide arctangent(struct wide q)
{
    struct wide one = wide_of_int(1), node = {0, 0, false}, r = q, base;
    fixed f, z, power = FIXED_ONE, sum = FIXED_ONE;
    unsigned i = (unsigned)((wide_to_fixed(q) + (FIXED_ONE >> 5)) >> 123);
    if (i) {
        node = wide_make(false, 123, i);
        node.neg = true;
        struct wide above = wide_add(q, node);
        node.neg = false;
        r = wide_div(above, wide_add(one, wide_mul(q, node)));
    }
    f = wide_to_fixed(r);
    z = fixed_mul(f, f);
    for (uint32_t k = 1; k < 16; k++) {
        fixed term;
        power = fixed_mul(power, z);
        term = fixed_div_small(power, 2 * k + 1);
        sum = k & 1 ? sum - term : sum + term;
    }
    r = wide_mul(r, wide_make(false, 0, sum == FIXED_ONE ? sum - 1 : sum));
    return i ? wide_add(*constant(&arctan_sixteenths[i - 1], &base), r) : r;
}

/* A multiple of pi / 4, n = 1..4. */
static struct f80 quarter_turns(struct x87_env *e, unsigned n, bool neg)
{
    struct wide v = wide_mul(wide_constant(PI_HI, PI_LO, -1), wide_of_int((int32_t)n));
    v.neg = neg;
    return wide_round(e, v, false);
}

struct f80 f80_patan(struct x87_env *e, struct f80 x, struct f80 y)
{
    struct num a = num_take(x), b = num_take(y);
    struct f80 result;
    if (num_special2(e, x, y, &a, &b, &result))
        return result;
    num_denormal(e, &a);
    num_denormal(e, &b);
    if (b.cls == NUM_INF)
        return quarter_turns(e, a.cls != NUM_INF ? 2 : a.sign ? 3 : 1, b.sign);
    if (b.cls == NUM_ZERO || a.cls == NUM_INF)
        return a.sign ? quarter_turns(e, 4, b.sign) : f80_zero(b.sign);
    if (a.cls == NUM_ZERO)
        return quarter_turns(e, 2, b.sign);
    struct wide over = wide_of_num(&b), under = wide_of_num(&a), angle;
    over.neg = under.neg = false;
    if (b.exp > a.exp || (b.exp == a.exp && b.mant > a.mant)) { /* pi/2 -+ arctan(x / y) */
        angle = arctangent(wide_div(under, over));
        angle.neg = !a.sign;
        angle = wide_add(wide_constant(PI_HI, PI_LO, 0), angle);
    } else {
        angle = arctangent(wide_div(over, under));
        if (a.sign) { /* pi - arctan(y / -x) */
            angle.neg = true;
            angle = wide_add(wide_constant(PI_HI, PI_LO, 1), angle);
        }
    }
    angle.neg = b.sign;
    return wide_round(e, angle, false);
}

struct f80 f80_2xm1(struct x87_env *e, struct f80 x)
{
    struct num a = num_take(x);
    struct f80 result;
    if (num_special1(e, x, &a, &result))
        return result;
    if (a.cls == NUM_INF)
        return a.sign ? f80_make(1, F80_BIAS, TOP_BIT) : x;
    num_denormal(e, &a);
    if (a.cls == NUM_ZERO)
        return x;
    if (a.exp > F80_BIAS || (a.exp == F80_BIAS && a.mant != TOP_BIT)) { /* undefined */
        e->raised |= SW_PE;
        return x;
    }
    if (a.exp == F80_BIAS) {
        e->raised |= SW_PE;
        return a.sign ? f80_make(1, F80_BIAS - 1, TOP_BIT) : x;
    }
    /* z (1 + z/2 (1 + z/3 (1 + ...))) for z = x ln 2 */
    struct wide z = wide_mul(wide_of_num(&a), wide_constant(LN2_HI, LN2_LO, -1));
    fixed f = wide_to_fixed(z), sum = FIXED_ONE;
    for (uint32_t k = 34; k > 1; k--) {
        fixed term = fixed_div_small(fixed_mul(sum, f), k);
        sum = z.neg ? FIXED_ONE - term : FIXED_ONE + term;
    }
    return wide_round(e, wide_mul(z, wide_make(false, 0, sum)), false);
}

/* log2(1 + d) for 1 + d in [sqrt(1/2), sqrt(2)]: 2/ln(2) artanh(d / (2 + d)). */
static struct wide log2_near_one(struct wide d)
{
    struct wide s = wide_div(d, wide_add(d, wide_of_int(2)));
    fixed f = wide_to_fixed(s), z = fixed_mul(f, f), power = FIXED_ONE, sum = FIXED_ONE;
    for (uint32_t k = 1; k < 28; k++) {
        power = fixed_mul(power, z);
        sum += fixed_div_small(power, 2 * k + 1);
    }
    s = wide_mul(s, wide_make(false, 0, sum));
    s.exp++;
    return wide_mul(s, wide_constant(LOG2E_HI, LOG2E_LO, 0));
}

/* log2 of a positive number, which is 1 + d if `near` is true. */
static struct wide log2_wide(struct wide x)
{
    const u128 root2 = u128_make(0xb504f333f9de6484, 0);
    struct wide one = wide_of_int(1), m = x;
    int32_t exp = x.exp;
    if (x.mant > root2)
        exp++;
    m.exp -= exp;
    one.neg = true;
    return wide_add(wide_of_int(exp), log2_near_one(wide_add(m, one)));
}

/* y times the logarithm of a number whose logarithm is infinite, zero or not finite; `log_class` is that of the logarithm. */
static struct f80 times_special(struct x87_env *e, const struct num *y, enum num_class log_class, bool log_neg)
{
    bool neg = y->sign != log_neg;
    if ((y->cls == NUM_ZERO && log_class == NUM_INF) || (y->cls == NUM_INF && log_class == NUM_ZERO))
        return num_invalid(e);
    return y->cls == NUM_INF || log_class == NUM_INF ? f80_inf(neg) : f80_zero(neg);
}

struct f80 f80_yl2x(struct x87_env *e, struct f80 x, struct f80 y)
{
    struct num a = num_take(x), b = num_take(y);
    struct f80 result;
    if (num_special2(e, x, y, &a, &b, &result))
        return result;
    if (a.sign && a.cls != NUM_ZERO)
        return num_invalid(e);
    if (a.cls == NUM_ZERO) {
        if (b.cls != NUM_INF && b.cls != NUM_ZERO)
            e->raised |= SW_ZE;
        return times_special(e, &b, NUM_INF, true);
    }
    bool below = a.cls != NUM_INF && a.exp < F80_BIAS, is_one = a.exp == F80_BIAS && a.mant == TOP_BIT;
    if ((b.cls == NUM_ZERO && a.cls == NUM_INF) || (b.cls == NUM_INF && is_one))
        return num_invalid(e);
    num_denormal(e, &a);
    num_denormal(e, &b);
    if (a.cls == NUM_INF || is_one || b.cls == NUM_INF || b.cls == NUM_ZERO)
        return times_special(e, &b, a.cls == NUM_INF ? NUM_INF : is_one ? NUM_ZERO : NUM_NORMAL, below);
    if (a.mant == TOP_BIT) { /* a power of two: exact but for the rounding of the product, and still said to be inexact */
        result = wide_round(e, wide_mul(wide_of_int(a.exp - F80_BIAS), wide_of_num(&b)), true);
        e->raised |= SW_PE | (result.se & F80_MAX_EXP ? 0 : SW_UE);
        return result;
    }
    return wide_round(e, wide_mul(log2_wide(wide_of_num(&a)), wide_of_num(&b)), false);
}

struct f80 f80_yl2xp1(struct x87_env *e, struct f80 x, struct f80 y)
{
    struct num a = num_take(x), b = num_take(y);
    struct f80 result;
    if (num_special2(e, x, y, &a, &b, &result))
        return result;
    if ((a.cls == NUM_INF && (a.sign || b.cls == NUM_ZERO)) || (a.cls == NUM_ZERO && b.cls == NUM_INF))
        return num_invalid(e);
    num_denormal(e, &a);
    num_denormal(e, &b);
    if (a.cls == NUM_INF || a.cls == NUM_ZERO || b.cls == NUM_INF || b.cls == NUM_ZERO)
        return times_special(e, &b, (enum num_class)a.cls, a.sign);
    struct wide d = wide_of_num(&a), sum = wide_add(d, wide_of_int(1)), log;
    if (sum.neg || sum.mant == 0) { /* undefined */
        e->raised |= SW_PE;
        return x;
    }
    log = a.exp < F80_BIAS - 2 ? log2_near_one(d) : log2_wide(sum);
    return wide_round(e, wide_mul(log, wide_of_num(&b)), false);
}
