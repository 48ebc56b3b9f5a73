/* Arithmetic of interp_x87.c: by unit X where the machine has it; else in software, of normal numbers and zeros, rounded to nearest and
 * to 64 bits, with no exception but a masked inexact result. What neither does is RES_SLOW. */
#pragma once
#include "duke_isa.h"
#include "interp_x87_num.h"

enum { CW_USUAL = 0xf20, CW_IS_USUAL = 0x320 };
enum arith { ADD, MUL, SUB = 4, SUBR, DIV, DIVR }; /* of ST0 and the other operand, as ModRM.reg has them */

#if defined(__DUKE__)
#define UNIT_X DUKE_MACHINE.units_x87
/* `op` of a and b as the control word says. fcsr's fields for SSE stay as they are, those for the x87 belong to nobody here; f48 and
 * f49 are nobody's in C code. */
#define UNIT(op, a, b, cw)                                                                         \
    ({                                                                                             \
        struct res r_;                                                                             \
        uint64_t fcsr_, mode_ = ((uint64_t)(cw) & 0x300) << 10 | ((uint64_t)(cw) & 0xc00) << 6;    \
        __asm__("rdcr.i %[fcsr], %[number] ~\n\tfmv.f f48, %[am] ~\n\tfmv.f f49, %[bm]\n\t"        \
                "fmk.e f48, f48, %[ae]\n\t"                                                        \
                "andi.x %[fcsr], %[fcsr], %[keep] ~\n\tfmk.e f49, f49, %[be]\n\t"                 \
                "or %[fcsr], %[fcsr], %[mode]\n\t"                                                 \
                "wrcr.i %[fcsr], %[number]\n\t" op "\n\t"                                         \
                "rdcr.i %[fcsr], %[number]\n\t"                                                    \
                "fmv.x %[rm], f48 ~\n\tfmv.e %[re], f48"                                           \
                : [rm] "=r"(r_.mant), [re] "=r"(r_.se), [fcsr] "=&r"(fcsr_)                        \
                : [am] "r"((a).mant), [ae] "r"((a).se), [bm] "r"((b).mant), [be] "r"((b).se),      \
                  [mode] "r"(mode_), [number] "i"(DUKE_CR_FCSR), [keep] "i"(FCSR_KEPT));           \
        unit_result(r_, fcsr_, cw);                                                                \
    })
enum { FCSR_FLAGS = 24, FCSR_C1 = 30 };
#define FCSR_KEPT ~INT64_C(0x7f0f0000)

/* Only what `put` and the masked response of all that was raised suit. */
ALWAYS struct res unit_result(struct res r, uint64_t fcsr, unsigned cw)
{
    uint64_t raised = fcsr >> FCSR_FLAGS & SW_EXCEPTIONS;
    if (!(is_normal(r) || is_zero(r)) || raised & ~(uint64_t)cw)
        return slow;
    r.se |= (raised | (fcsr >> FCSR_C1 & 1) * SW_C1) << RES_RAISED;
    return r;
}

#define UNIT_BINARY(op, a, b, cw) UNIT(op " f48, f48, f49", a, b, cw)
#else
#define UNIT_BINARY(op, a, b, cw) slow
#define UNIT(op, a, b, cw)        slow
#define UNIT_X                    false
#endif

/* hi.lo with hi's top bit set, to nearest. */
ALWAYS struct res rounded(uint64_t sign, int64_t exp, uint64_t hi, uint64_t lo)
{
    bool up = lo > TOP_BIT || (lo == TOP_BIT && hi & 1);
    hi += up;
    if (!hi) {
        hi = TOP_BIT;
        exp++;
    }
    if ((uint64_t)exp - 1 >= F80_MAX_EXP - 1)
        return slow;
    return (struct res){hi, sign | (uint64_t)exp | (lo ? (uint64_t)RES_INEXACT : 0) | (up ? (uint64_t)RES_UP : 0)};
}

static struct res subtract(struct res a, struct res b, uint64_t d) /* |a| >= |b| */
{
    uint64_t sign = a.se & 0x8000, hi, lo;
    int64_t exp = (int64_t)(a.se & F80_MAX_EXP);
    if (d == 0) {
        hi = a.mant - b.mant;
        lo = 0;
        if (!hi)
            return (struct res){0, 0};
    } else {
        if (d < 64) {
            hi = b.mant >> d;
            lo = b.mant << (64 - d);
        } else {
            hi = 0;
            lo = d == 64 ? b.mant : d < 128 ? b.mant >> (d - 64) | (b.mant << (128 - d) != 0) : 1;
        }
        hi = a.mant - hi - (lo != 0);
        lo = 0 - lo;
        if (!hi)
            return slow;
    }
    unsigned shift = count_leading_zeros(hi);
    if (shift) {
        hi = hi << shift | lo >> (64 - shift);
        lo <<= shift;
        exp -= shift;
        if (exp < 1)
            return slow;
    }
    return rounded(sign, exp, hi, lo);
}

static struct res add(struct res a, struct res b)
{
    if (!is_normal(a) || !is_normal(b)) {
        if (is_zero(b) && is_normal(a))
            return a;
        return is_zero(a) && is_normal(b) ? b : slow;
    }
    uint64_t ae = a.se & F80_MAX_EXP, be = b.se & F80_MAX_EXP, lo = 0;
    if (ae < be || (ae == be && a.mant < b.mant)) {
        struct res t = a;
        uint64_t e = ae;
        a = b;
        b = t;
        ae = be;
        be = e;
    }
    uint64_t d = ae - be, hi = b.mant;
    if ((a.se ^ b.se) & 0x8000)
        return subtract(a, b, d);
    if (d >= 64) {
        lo = d == 64 ? hi : 1;
        hi = 0;
    } else if (d) {
        lo = hi << (64 - d);
        hi >>= d;
    }
    uint64_t sum = a.mant + hi;
    if (sum < hi) {
        lo = sum << 63 | lo >> 1 | (lo & 1);
        sum = sum >> 1 | TOP_BIT;
        ae++;
    }
    return rounded(a.se & 0x8000, (int64_t)ae, sum, lo);
}

static struct res multiply(struct res a, struct res b)
{
    uint64_t sign = (a.se ^ b.se) & 0x8000;
    if (!is_normal(a) || !is_normal(b)) {
        bool known = (is_zero(a) || is_normal(a)) && (is_zero(b) || is_normal(b));
        return known ? (struct res){0, sign} : slow;
    }
    uint64_t hi = op_mulhu(a.mant, b.mant), lo = a.mant * b.mant;
    int64_t exp = (int64_t)((a.se & F80_MAX_EXP) + (b.se & F80_MAX_EXP)) - F80_BIAS + 1;
    if (!(hi >> 63)) {
        hi = hi << 1 | lo >> 63;
        lo <<= 1;
        exp--;
    }
    return rounded(sign, exp, hi, lo);
}

static struct res divide(struct res a, struct res b)
{
    uint64_t sign = (a.se ^ b.se) & 0x8000, hi = a.mant, lo = 0, rest;
    if (!is_normal(b))
        return slow;
    if (!is_normal(a))
        return is_zero(a) ? (struct res){0, sign} : slow;
    int64_t exp = (int64_t)(a.se & F80_MAX_EXP) - (int64_t)(b.se & F80_MAX_EXP) + F80_BIAS - 1;
    if (hi >= b.mant) {
        lo = hi << 63;
        hi >>= 1;
        exp++;
    }
    uint64_t quotient = num_divide(hi, lo, b.mant, &rest), half = b.mant - rest;
    return rounded(sign, exp, quotient, rest == 0 ? 0 : rest > half ? TOP_BIT | 1 : rest == half ? TOP_BIT : 1);
}

static struct res root_of(struct res a)
{
    bool odd = !(a.se & 1);
    u128 rest;
    if (!is_normal(a) || a.se >> 15)
        return slow;
    uint64_t root = odd ? num_root(a.mant, 0, &rest) : num_root(a.mant >> 1, a.mant << 63, &rest);
    int64_t exp = ((int64_t)a.se - odd + F80_BIAS) >> 1;
    return rounded(0, exp, root, rest == 0 ? 0 : rest > root ? TOP_BIT | 1 : 1);
}

/* Whether software's arithmetic is as the control word says. */
ALWAYS bool usual(unsigned cw) { return (cw & CW_USUAL) == CW_IS_USUAL; }

ALWAYS struct res compute(enum arith kind, struct res a, struct res b, unsigned cw)
{
    if (UNIT_X) {
        switch (kind) {
        case ADD: return UNIT_BINARY("fadd.x", a, b, cw);
        case MUL: return UNIT_BINARY("fmul.x", a, b, cw);
        case SUB: return UNIT_BINARY("fsub.x", a, b, cw);
        case SUBR: return UNIT_BINARY("fsub.x", b, a, cw);
        case DIV: return UNIT_BINARY("fdiv.x", a, b, cw);
        default: return UNIT_BINARY("fdiv.x", b, a, cw);
        }
    }
    if (!usual(cw))
        return slow;
    switch (kind) {
    case ADD: return add(a, b);
    case MUL: return multiply(a, b);
    case SUB: b.se ^= 0x8000; return add(a, b);
    case SUBR: a.se ^= 0x8000; return add(b, a);
    case DIV: return divide(a, b);
    default: return divide(b, a);
    }
}

ALWAYS struct res square_root(struct res a, unsigned cw)
{
    if (UNIT_X)
        return UNIT("fsqrt.x f48, f48", a, a, cw);
    return usual(cw) ? root_of(a) : slow;
}
