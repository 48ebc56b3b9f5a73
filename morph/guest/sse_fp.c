/* Arithmetic of SSE's numbers. Both formats are taken apart into one form, a significand of 64 bits with the top bit set, worked on
 * with a sticky lowest bit, and rounded once.
 */
#include "sse_fp.h"

#include "../port_ops.h"

const struct fp_format fp_single = {23, 4, 127, 255}, fp_double = {52, 8, 1023, 2047};

enum { RC_NEAREST, RC_DOWN, RC_UP, RC_CHOP };
enum kind { ZERO, NUMBER, INFINITE, QUIET, SIGNALING };
#define TOP (UINT64_C(1) << 63)

/* A NUMBER's value is mant * 2^(exp - 63), the top bit of mant set. */
struct num {
    uint64_t mant;
    int32_t exp;
    uint8_t sign, kind, denormal;
};

static uint64_t sign_bit(fp_fmt f, unsigned sign) { return (uint64_t)sign << (8 * f->size - 1); }
static uint64_t infinity(fp_fmt f, unsigned sign) { return sign_bit(f, sign) | (uint64_t)f->max << f->fraction; }
static uint64_t quiet_bit(fp_fmt f) { return UINT64_C(1) << (f->fraction - 1); }
static uint64_t indefinite(fp_fmt f) { return infinity(f, 1) | quiet_bit(f); }

static struct num take(const struct fp_env *e, fp_fmt f, uint64_t bits)
{
    uint64_t fraction = bits & ((UINT64_C(1) << f->fraction) - 1);
    struct num n = {.sign = (uint8_t)(bits >> (8 * f->size - 1) & 1), .kind = NUMBER};
    int32_t exp = (int32_t)(bits >> f->fraction) & f->max;
    if (exp == f->max) {
        n.kind = !fraction ? INFINITE : fraction & quiet_bit(f) ? QUIET : SIGNALING;
    } else if (exp) {
        n.mant = TOP | fraction << (63 - f->fraction);
        n.exp = exp - f->bias;
    } else if (!fraction || e->mxcsr & MX_DAZ) {
        n.kind = ZERO;
    } else {
        unsigned shift = (unsigned)op_clz(fraction);
        n.mant = fraction << shift;
        n.exp = 1 - f->bias + 63 - f->fraction - (int32_t)shift;
        n.denormal = 1;
    }
    return n;
}

static bool is_nan(const struct num *n) { return n->kind >= QUIET; }

static uint64_t shift_jam(uint64_t m, unsigned n)
{
    if (n == 0)
        return m;
    return n > 63 ? m != 0 : m >> n | (m << (64 - n) != 0);
}

static bool rounds_up(unsigned rounding, unsigned sign, uint64_t m, unsigned drop)
{
    uint64_t low = m & ((UINT64_C(1) << drop) - 1), half = UINT64_C(1) << (drop - 1);
    switch (rounding) {
    case RC_NEAREST: return low > half || (low == half && m >> drop & 1);
    case RC_DOWN: return sign && low;
    case RC_UP: return !sign && low;
    default: return false;
    }
}

static bool masked(const struct fp_env *e, uint32_t flag) { return e->mxcsr >> MX_MASKS_AT & flag; }

/* `inexact`: as if the exponent were unbounded, which is what counts if the exception is not masked. */
static uint64_t overflow(struct fp_env *e, fp_fmt f, unsigned sign, bool inexact)
{
    unsigned rc = fp_rounding(e);
    e->raised |= MX_OE | (inexact || masked(e, MX_OE) ? MX_PE : 0);
    return infinity(f, sign) - (rc == RC_CHOP || rc == (sign ? RC_UP : RC_DOWN)); /* else the largest number */
}

/* Rounds mant * 2^(exp - 63), top bit set. */
static uint64_t pack(struct fp_env *e, fp_fmt f, unsigned sign, int32_t exp, uint64_t mant)
{
    unsigned drop = 63u - f->fraction, rc = fp_rounding(e);
    int32_t biased = exp + f->bias;
    uint64_t low = (UINT64_C(1) << drop) - 1;
    bool inexact = mant & low;
    if (biased <= 0) {
        uint64_t unbounded = (mant >> drop) + rounds_up(rc, sign, mant, drop);
        bool tiny = biased < 0 || !(unbounded >> (f->fraction + 1)); /* after rounding */
        if (tiny && masked(e, MX_UE) && e->mxcsr & MX_FTZ) {
            e->raised |= MX_UE | MX_PE;
            return sign_bit(f, sign);
        }
        mant = shift_jam(mant, 1u - (unsigned)biased);
        if (!tiny || masked(e, MX_UE))
            inexact = mant & low;
        if (tiny && (inexact || !masked(e, MX_UE)))
            e->raised |= MX_UE;
        biased = 1; /* a denormal lacks the top bit, which is taken off below */
    }
    uint64_t rounded = (mant >> drop) + rounds_up(rc, sign, mant, drop);
    uint64_t bits = ((uint64_t)(biased - 1) << f->fraction) + rounded; /* a carry and the top bit add to the exponent */
    if (bits >> f->fraction >= (uint64_t)f->max)
        return overflow(e, f, sign, inexact);
    if (inexact)
        e->raised |= MX_PE;
    return sign_bit(f, sign) | bits;
}

static uint64_t invalid(struct fp_env *e, fp_fmt f)
{
    e->raised |= MX_IE;
    return indefinite(f);
}

/* A NaN operand: true, and the result, which is the first that is one. */
static bool nans(struct fp_env *e, fp_fmt f, uint64_t a, uint64_t b, const struct num *x, const struct num *y, uint64_t *result)
{
    if (!is_nan(x) && !is_nan(y))
        return false;
    if (x->kind == SIGNALING || y->kind == SIGNALING)
        e->raised |= MX_IE;
    *result = (is_nan(x) ? a : b) | quiet_bit(f);
    return true;
}

static void denormal(struct fp_env *e, const struct num *x, const struct num *y)
{
    if (x->denormal | y->denormal)
        e->raised |= MX_DE;
}

static uint64_t add(struct fp_env *e, fp_fmt f, uint64_t a, uint64_t b, unsigned negate)
{
    struct num x = take(e, f, a), y = take(e, f, b);
    uint64_t result;
    if (nans(e, f, a, b, &x, &y, &result))
        return result;
    y.sign ^= negate;
    if (x.kind == INFINITE && y.kind == INFINITE && x.sign != y.sign)
        return invalid(e, f);
    denormal(e, &x, &y);
    if (x.kind == INFINITE || y.kind == INFINITE)
        return infinity(f, x.kind == INFINITE ? x.sign : y.sign);
    if (x.kind == ZERO && y.kind == ZERO)
        return sign_bit(f, x.sign == y.sign ? x.sign : fp_rounding(e) == RC_DOWN);
    if (x.kind == ZERO)
        return pack(e, f, y.sign, y.exp, y.mant);
    if (y.kind == ZERO)
        return pack(e, f, x.sign, x.exp, x.mant);
    if (x.exp < y.exp || (x.exp == y.exp && x.mant < y.mant)) {
        struct num t = x;
        x = y;
        y = t;
    }
    uint64_t m = x.mant >> 1, n = shift_jam(y.mant >> 1, (unsigned)(x.exp - y.exp));
    m = x.sign == y.sign ? m + n : m - n;
    if (!m)
        return sign_bit(f, fp_rounding(e) == RC_DOWN);
    unsigned shift = (unsigned)op_clz(m);
    return pack(e, f, x.sign, x.exp + 1 - (int32_t)shift, m << shift);
}

uint64_t fp_add(struct fp_env *e, fp_fmt f, uint64_t a, uint64_t b) { return add(e, f, a, b, 0); }
uint64_t fp_sub(struct fp_env *e, fp_fmt f, uint64_t a, uint64_t b) { return add(e, f, a, b, 1); }

uint64_t fp_mul(struct fp_env *e, fp_fmt f, uint64_t a, uint64_t b)
{
    struct num x = take(e, f, a), y = take(e, f, b);
    unsigned sign = x.sign ^ y.sign;
    uint64_t result;
    if (nans(e, f, a, b, &x, &y, &result))
        return result;
    if ((x.kind == INFINITE && y.kind == ZERO) || (x.kind == ZERO && y.kind == INFINITE))
        return invalid(e, f);
    denormal(e, &x, &y);
    if (x.kind == INFINITE || y.kind == INFINITE)
        return infinity(f, sign);
    if (x.kind == ZERO || y.kind == ZERO)
        return sign_bit(f, sign);
    uint64_t hi = op_mulhu(x.mant, y.mant), lo = x.mant * y.mant;
    int32_t exp = x.exp + y.exp + 1;
    if (!(hi >> 63)) {
        hi = hi << 1 | lo >> 63;
        lo <<= 1;
        exp--;
    }
    return pack(e, f, sign, exp, hi | (lo != 0));
}

uint64_t fp_div(struct fp_env *e, fp_fmt f, uint64_t a, uint64_t b)
{
    struct num x = take(e, f, a), y = take(e, f, b);
    unsigned sign = x.sign ^ y.sign;
    uint64_t result;
    if (nans(e, f, a, b, &x, &y, &result))
        return result;
    if (x.kind == y.kind && x.kind != NUMBER)
        return invalid(e, f);
    if (y.kind == ZERO && x.kind == NUMBER) {
        e->raised |= MX_ZE;
        return infinity(f, sign);
    }
    denormal(e, &x, &y);
    if (x.kind == INFINITE || y.kind == ZERO)
        return infinity(f, sign);
    if (x.kind == ZERO || y.kind == INFINITE)
        return sign_bit(f, sign);
    /* Eleven bits of the quotient a step: both significands have 53 bits at most. */
    uint64_t rem = x.mant >> 11, d = y.mant >> 11, q = op_divu(rem, d);
    rem -= q * d;
    for (unsigned i = 0; i < 5; i++) {
        uint64_t digit = op_divu(rem << 11, d);
        rem = (rem << 11) - digit * d;
        q = q << 11 | digit;
    }
    unsigned shift = (unsigned)op_clz(q); /* of 56 bits, or 55 */
    return pack(e, f, sign, x.exp - y.exp + 8 - (int32_t)shift, q << shift | (rem != 0));
}

/* Root of mant * 2^(exp - 63) as bits of a significand in *root, with a sticky bit; its exponent. */
static int32_t square_root(uint64_t mant, int32_t exp, uint64_t *root)
{
    uint64_t r = 0, rem = 0;
    unsigned odd = (unsigned)exp & 1;
    uint64_t hi = odd ? mant : mant >> 1, lo = odd ? 0 : mant << 63; /* two bits a step from the top: the radicand is hi:lo */
    for (unsigned i = 0; i < 60; i++) {
        rem = rem << 2 | hi >> 62;
        hi = hi << 2 | lo >> 62;
        lo <<= 2;
        uint64_t trial = r << 2 | 1;
        bool fits = rem >= trial;
        rem -= fits ? trial : 0;
        r = r << 1 | fits;
    }
    *root = r << 4 | (rem != 0);
    return (exp - (int32_t)odd) / 2;
}

uint64_t fp_sqrt(struct fp_env *e, fp_fmt f, uint64_t a)
{
    struct num x = take(e, f, a);
    uint64_t result, root;
    if (nans(e, f, a, a, &x, &x, &result))
        return result;
    if (x.kind == ZERO)
        return sign_bit(f, x.sign);
    if (x.sign)
        return invalid(e, f);
    denormal(e, &x, &x);
    if (x.kind == INFINITE)
        return a;
    int32_t exp = square_root(x.mant, x.exp, &root);
    return pack(e, f, 0, exp, root);
}

static enum fp_order order(const struct num *x, const struct num *y)
{
    bool less;
    if (is_nan(x) || is_nan(y))
        return FP_UNORDERED;
    if (x->kind == ZERO && y->kind == ZERO)
        return FP_EQUAL;
    if (x->kind == ZERO || y->kind == ZERO || x->sign != y->sign)
        return (x->kind == ZERO ? !y->sign : x->sign) ? FP_LESS : FP_GREATER;
    if (x->kind != y->kind)
        less = x->kind < y->kind;
    else if (x->exp != y->exp)
        less = x->exp < y->exp;
    else if (x->mant != y->mant)
        less = x->mant < y->mant;
    else
        return FP_EQUAL;
    return less != x->sign ? FP_LESS : FP_GREATER;
}

enum fp_order fp_compare(struct fp_env *e, fp_fmt f, uint64_t a, uint64_t b, bool quiet)
{
    struct num x = take(e, f, a), y = take(e, f, b);
    enum fp_order o = order(&x, &y);
    if (o == FP_UNORDERED) {
        if (!quiet || x.kind == SIGNALING || y.kind == SIGNALING)
            e->raised |= MX_IE;
    } else {
        denormal(e, &x, &y);
    }
    return o;
}

bool fp_predicate(struct fp_env *e, fp_fmt f, uint64_t a, uint64_t b, unsigned predicate)
{
    unsigned kind = predicate & 3;
    enum fp_order o = fp_compare(e, f, a, b, kind == 0 || kind == 3);
    bool holds = kind == 0   ? o == FP_EQUAL
                 : kind == 1 ? o == FP_LESS
                 : kind == 2 ? o == FP_LESS || o == FP_EQUAL
                             : o == FP_UNORDERED;
    return holds != (predicate >> 2 & 1);
}

/* What MIN and MAX give of an operand: a denormal that counts as zero is one. */
static uint64_t flushed(const struct fp_env *e, fp_fmt f, uint64_t a)
{
    struct num x = take(e, f, a);
    return x.kind == ZERO ? sign_bit(f, x.sign) : a;
}

uint64_t fp_min(struct fp_env *e, fp_fmt f, uint64_t a, uint64_t b)
{
    return flushed(e, f, fp_compare(e, f, a, b, false) == FP_LESS ? a : b);
}

uint64_t fp_max(struct fp_env *e, fp_fmt f, uint64_t a, uint64_t b)
{
    return flushed(e, f, fp_compare(e, f, a, b, false) == FP_GREATER ? a : b);
}

/* The integer next to |x| < 2^64 by the rounding mode; *inexact. May wrap to 0. */
static uint64_t integer_part(const struct num *x, unsigned rounding, bool *inexact)
{
    uint64_t whole = 0, rest;
    *inexact = false;
    if (x->kind == ZERO || x->exp >= 63)
        return x->kind == ZERO ? 0 : x->mant;
    if (x->exp >= 0) {
        whole = x->mant >> (63 - x->exp);
        rest = x->mant << (x->exp + 1);
    } else {
        rest = x->exp == -1 ? x->mant : 1; /* 1: less than a half */
    }
    *inexact = rest != 0;
    return whole + rounds_up(rounding, x->sign, shift_jam(rest, 2) | (whole & 1) << 62, 62);
}

uint64_t fp_to_int(struct fp_env *e, fp_fmt f, uint64_t a, unsigned size, unsigned rounding)
{
    struct num x = take(e, f, a);
    uint64_t limit = UINT64_C(1) << (8 * size - 1), v = 0;
    bool inexact = false, fits = x.kind == ZERO || (x.kind == NUMBER && x.exp < 64);
    if (fits) {
        v = integer_part(&x, rounding, &inexact);
        fits = x.exp < 63 || x.kind == ZERO ? v < limit + x.sign : x.sign && v == limit;
    }
    if (!fits) {
        e->raised |= MX_IE;
        return limit;
    }
    if (inexact)
        e->raised |= MX_PE;
    v = x.sign ? -v : v;
    return size == 4 ? (uint32_t)v : v;
}

uint64_t fp_from_int(struct fp_env *e, fp_fmt f, int64_t v)
{
    uint64_t m = v < 0 ? -(uint64_t)v : (uint64_t)v;
    if (!m)
        return 0;
    unsigned shift = (unsigned)op_clz(m);
    return pack(e, f, v < 0, 63 - (int32_t)shift, m << shift);
}

uint64_t fp_convert(struct fp_env *e, fp_fmt from, fp_fmt to, uint64_t a)
{
    struct num x = take(e, from, a);
    if (is_nan(&x)) {
        uint64_t fraction = (a & ((UINT64_C(1) << from->fraction) - 1)) << (63 - from->fraction) >> (63 - to->fraction);
        if (x.kind == SIGNALING)
            e->raised |= MX_IE;
        return infinity(to, x.sign) | fraction | quiet_bit(to);
    }
    denormal(e, &x, &x);
    if (x.kind == INFINITE)
        return infinity(to, x.sign);
    return x.kind == ZERO ? sign_bit(to, x.sign) : pack(e, to, x.sign, x.exp, x.mant);
}

uint64_t fp_round_int(struct fp_env *e, fp_fmt f, uint64_t a, unsigned rounding, bool exact)
{
    struct num x = take(e, f, a);
    uint64_t result;
    bool inexact;
    if (nans(e, f, a, a, &x, &x, &result))
        return result;
    if (x.kind == ZERO)
        return sign_bit(f, x.sign);
    if (x.kind == INFINITE || x.exp >= f->fraction)
        return a;
    uint64_t v = integer_part(&x, rounding, &inexact);
    if (inexact && !exact)
        e->raised |= MX_PE;
    if (!v)
        return sign_bit(f, x.sign);
    unsigned shift = (unsigned)op_clz(v);
    return pack(e, f, x.sign, 63 - (int32_t)shift, v << shift);
}

/* Rounds to 12 bits; tiny results are zeros. */
static uint32_t pack12(unsigned sign, int32_t exp, uint64_t mant)
{
    enum { DROP = 64 - 12 };
    uint64_t m = (mant >> DROP) + rounds_up(RC_NEAREST, sign, mant, DROP);
    int32_t biased = exp + fp_single.bias + (int32_t)(m >> 12);
    if (biased <= 0)
        return (uint32_t)sign_bit(&fp_single, sign);
    return (uint32_t)(sign_bit(&fp_single, sign) | (uint64_t)biased << 23 | (m << 12 & 0x7fffff));
}

uint32_t fp_reciprocal(uint32_t a)
{
    struct fp_env e = {.mxcsr = 0x1f80 | MX_DAZ, .raised = 0};
    struct num x = take(&e, &fp_single, a);
    if (is_nan(&x))
        return a | (uint32_t)quiet_bit(&fp_single);
    if (x.kind != NUMBER)
        return (uint32_t)(x.kind == ZERO ? infinity(&fp_single, x.sign) : sign_bit(&fp_single, x.sign));
    uint64_t q = op_divu(UINT64_MAX, x.mant >> 32); /* 2^64 / d, d in [2^31, 2^32): 33 bits or 32 */
    unsigned shift = (unsigned)op_clz(q);
    return pack12(x.sign, -x.exp + 30 - (int32_t)shift, q << shift | 1);
}

uint32_t fp_reciprocal_root(uint32_t a)
{
    struct fp_env e = {.mxcsr = 0x1f80 | MX_DAZ, .raised = 0};
    struct num x = take(&e, &fp_single, a);
    uint64_t root;
    if (is_nan(&x))
        return a | (uint32_t)quiet_bit(&fp_single);
    if (x.kind == ZERO)
        return (uint32_t)infinity(&fp_single, x.sign);
    if (x.sign)
        return (uint32_t)indefinite(&fp_single);
    if (x.kind == INFINITE)
        return 0;
    int32_t exp = square_root(x.mant, x.exp, &root);
    uint64_t q = op_divu(UINT64_MAX, root >> 32);
    unsigned shift = (unsigned)op_clz(q);
    return pack12(0, -exp + 30 - (int32_t)shift, q << shift | 1);
}
