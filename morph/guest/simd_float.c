/* Floating point: arithmetic, compares, conversions, rounding. */
#include "morph.h"
#include "simd.h"

static uint64_t lane(const union simd_value *v, fp_fmt f, unsigned i) { return f->size == 4 ? v->w[i] : v->q[i]; }

static void set_lane(union simd_value *v, fp_fmt f, unsigned i, uint64_t bits)
{
    if (f->size == 4)
        v->w[i] = (uint32_t)bits;
    else
        v->q[i] = bits;
}

typedef uint64_t binary_fn(struct fp_env *e, fp_fmt f, uint64_t a, uint64_t b);
typedef uint64_t unary_fn(struct fp_env *e, fp_fmt f, uint64_t a);

static bool binary(struct simd *x, binary_fn *fn, fp_fmt f, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        set_lane(&x->d, f, i, fn(&x->fp, f, lane(&x->d, f, i), lane(&x->s, f, i)));
    return true;
}

static bool unary(struct simd *x, unary_fn *fn, fp_fmt f, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        set_lane(&x->d, f, i, fn(&x->fp, f, lane(&x->s, f, i)));
    return true;
}

static bool arithmetic(struct simd *x)
{
    switch (x->g->op) {
#define SIMD(op)
#define FLOAT2(op, fn, t, n) \
    case G_##op: return binary(x, fn, &fp_##t, n);
#define FLOAT1(op, fn, t, n) \
    case G_##op: return unary(x, fn, &fp_##t, n);
#include "sem/simd.def"
    default: return false;
    }
}

static bool compare(struct simd *x, fp_fmt f, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        bool holds = fp_predicate(&x->fp, f, lane(&x->d, f, i), lane(&x->s, f, i), x->imm & 7);
        set_lane(&x->d, f, i, holds ? UINT64_MAX : 0);
    }
    return true;
}

static bool compare_flags(struct simd *x, fp_fmt f, bool quiet)
{
    static const uint8_t flags[] = {
        [FP_LESS] = EFL_CF,
        [FP_EQUAL] = EFL_ZF,
        [FP_GREATER] = 0,
        [FP_UNORDERED] = EFL_ZF | EFL_PF | EFL_CF,
    };
    x->flags = flags[fp_compare(&x->fp, f, lane(&x->d, f, 0), lane(&x->s, f, 0), quiet)];
    x->flags_set = x->keep = true;
    return true;
}

/* Neighbours of the destination, then of the source. */
static bool horizontal(struct simd *x, binary_fn *fn, fp_fmt f)
{
    unsigned half = 8 / f->size;
    union simd_value r;
    for (unsigned i = 0; i < 2 * half; i++) {
        const union simd_value *v = i < half ? &x->d : &x->s;
        unsigned at = 2 * (i < half ? i : i - half);
        set_lane(&r, f, i, fn(&x->fp, f, lane(v, f, at), lane(v, f, at + 1)));
    }
    x->d = r;
    return true;
}

static bool subtract_add(struct simd *x, fp_fmt f)
{
    for (unsigned i = 0; i < 16u / f->size; i++)
        set_lane(&x->d, f, i, (i & 1 ? fp_add : fp_sub)(&x->fp, f, lane(&x->d, f, i), lane(&x->s, f, i)));
    return true;
}

/* The end of a step of a dot product: exceptions come step by step, so that what is unmasked in one ends it, and flags of earlier
 * ones stay. */
static bool stopped(struct simd *x)
{
    if (x->fp.raised & ~(x->fp.mxcsr >> MX_MASKS_AT))
        return true;
    x->cpu->mxcsr |= x->fp.raised;
    x->fp.raised = 0;
    return false;
}

static bool dot_product(struct simd *x, fp_fmt f)
{
    unsigned n = 16 / f->size;
    uint64_t p[4] = {0, 0, 0, 0};
    for (unsigned i = 0; i < n; i++)
        if (x->imm >> (4 + i) & 1)
            p[i] = fp_mul(&x->fp, f, lane(&x->d, f, i), lane(&x->s, f, i));
    if (stopped(x))
        return true;
    uint64_t sum = fp_add(&x->fp, f, p[0], p[1]);
    if (n == 4) {
        uint64_t other = fp_add(&x->fp, f, p[2], p[3]);
        if (stopped(x))
            return true;
        sum = fp_add(&x->fp, f, sum, other);
    }
    for (unsigned i = 0; i < n; i++)
        set_lane(&x->d, f, i, x->imm >> i & 1 ? sum : 0);
    return true;
}

static bool round_lanes(struct simd *x, fp_fmt f, unsigned n)
{
    unsigned mode = x->imm & 4 ? fp_rounding(&x->fp) : x->imm & 3;
    for (unsigned i = 0; i < n; i++)
        set_lane(&x->d, f, i, fp_round_int(&x->fp, f, lane(&x->s, f, i), mode, x->imm & 8));
    return true;
}

/* n numbers to integers of 4 bytes; the rest of the destination, if it is an XMM register, becomes zero. */
static bool to_words(struct simd *x, fp_fmt f, unsigned n, bool chop)
{
    union simd_value r = {{0, 0}};
    for (unsigned i = 0; i < n; i++)
        r.w[i] = (uint32_t)fp_to_int(&x->fp, f, lane(&x->s, f, i), 4, chop ? 3 : fp_rounding(&x->fp));
    x->d = r;
    return true;
}

static bool to_register(struct simd *x, fp_fmt f, bool chop)
{
    x->d.q[0] = fp_to_int(&x->fp, f, lane(&x->s, f, 0), x->g->opnd[0].size, chop ? 3 : fp_rounding(&x->fp));
    return true;
}

static bool from_words(struct simd *x, fp_fmt f, unsigned n)
{
    union simd_value s = x->s;
    for (unsigned i = 0; i < n; i++)
        set_lane(&x->d, f, i, fp_from_int(&x->fp, f, (int32_t)s.w[i]));
    return true;
}

static bool from_register(struct simd *x, fp_fmt f)
{
    int64_t v = x->g->opnd[1].size == 8 ? (int64_t)x->s.q[0] : (int32_t)x->s.w[0];
    set_lane(&x->d, f, 0, fp_from_int(&x->fp, f, v));
    return true;
}

static bool between(struct simd *x, fp_fmt from, fp_fmt to, unsigned n)
{
    union simd_value s = x->s;
    for (unsigned i = 0; i < n; i++)
        set_lane(&x->d, to, i, fp_convert(&x->fp, from, to, lane(&s, from, i)));
    if (n == 2 && to->size == 4)
        x->d.q[1] = 0;
    return true;
}

static bool convert(struct simd *x)
{
    fp_fmt s = &fp_single, d = &fp_double;
    switch (x->g->op) {
    case G_CVTPI2PS: return from_words(x, s, 2);
    case G_CVTPI2PD: return from_words(x, d, 2);
    case G_CVTDQ2PS: return from_words(x, s, 4);
    case G_CVTDQ2PD: return from_words(x, d, 2);
    case G_CVTSI2SS: return from_register(x, s);
    case G_CVTSI2SD: return from_register(x, d);
    case G_CVTTPS2PI: return to_words(x, s, 2, true);
    case G_CVTPS2PI: return to_words(x, s, 2, false);
    case G_CVTTPD2PI: return to_words(x, d, 2, true);
    case G_CVTPD2PI: return to_words(x, d, 2, false);
    case G_CVTTPS2DQ: return to_words(x, s, 4, true);
    case G_CVTPS2DQ: return to_words(x, s, 4, false);
    case G_CVTTPD2DQ: return to_words(x, d, 2, true);
    case G_CVTPD2DQ: return to_words(x, d, 2, false);
    case G_CVTTSS2SI: return to_register(x, s, true);
    case G_CVTSS2SI: return to_register(x, s, false);
    case G_CVTTSD2SI: return to_register(x, d, true);
    case G_CVTSD2SI: return to_register(x, d, false);
    case G_CVTPS2PD: return between(x, s, d, 2);
    case G_CVTPD2PS: return between(x, d, s, 2);
    case G_CVTSS2SD: return between(x, s, d, 1);
    case G_CVTSD2SS: return between(x, d, s, 1);
    default: return false;
    }
}

static bool approximate(struct simd *x, uint32_t (*fn)(uint32_t a), unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        x->d.w[i] = fn(x->s.w[i]);
    return true;
}

bool simd_float(struct simd *x)
{
    fp_fmt s = &fp_single, d = &fp_double;
    if (arithmetic(x) || convert(x))
        return true;
    switch (x->g->op) {
    case G_CMPPS: return compare(x, s, 4);
    case G_CMPPD: return compare(x, d, 2);
    case G_CMPSS: return compare(x, s, 1);
    case G_CMPSD: return compare(x, d, 1);
    case G_COMISS: return compare_flags(x, s, false);
    case G_COMISD: return compare_flags(x, d, false);
    case G_UCOMISS: return compare_flags(x, s, true);
    case G_UCOMISD: return compare_flags(x, d, true);
    case G_HADDPS: return horizontal(x, fp_add, s);
    case G_HADDPD: return horizontal(x, fp_add, d);
    case G_HSUBPS: return horizontal(x, fp_sub, s);
    case G_HSUBPD: return horizontal(x, fp_sub, d);
    case G_ADDSUBPS: return subtract_add(x, s);
    case G_ADDSUBPD: return subtract_add(x, d);
    case G_DPPS: return dot_product(x, s);
    case G_DPPD: return dot_product(x, d);
    case G_ROUNDPS: return round_lanes(x, s, 4);
    case G_ROUNDPD: return round_lanes(x, d, 2);
    case G_ROUNDSS: return round_lanes(x, s, 1);
    case G_ROUNDSD: return round_lanes(x, d, 1);
    case G_RCPPS: return approximate(x, fp_reciprocal, 4);
    case G_RCPSS: return approximate(x, fp_reciprocal, 1);
    case G_RSQRTPS: return approximate(x, fp_reciprocal_root, 4);
    case G_RSQRTSS: return approximate(x, fp_reciprocal_root, 1);
    default: return false;
    }
}
