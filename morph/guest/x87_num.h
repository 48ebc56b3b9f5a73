/* Numbers of the x87 and what is done with them; internal to x87*.c.
 *
 * An operation takes values as they are in registers (struct f80) and an environment: the control word says how to round and
 * which exceptions are masked, and the status bits that the operation raises are collected in `raised`. Results are those of
 * the masked response, except overflow and underflow, which deliver the result with adjusted exponent when unmasked.
 * x87.c decides what an unmasked exception does to registers, memory and stack.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* status word */
enum {
    SW_IE = 1,
    SW_DE = 2,
    SW_ZE = 4,
    SW_OE = 8,
    SW_UE = 16,
    SW_PE = 32,
    SW_SF = 64,
    SW_ES = 128,
    SW_C0 = 0x100,
    SW_C1 = 0x200,
    SW_C2 = 0x400,
    SW_C3 = 0x4000,
    SW_B = 0x8000,
    SW_EXCEPTIONS = 0x3f,
    SW_CODES = SW_C0 | SW_C1 | SW_C2 | SW_C3,
};
enum { RC_NEAREST, RC_DOWN, RC_UP, RC_CHOP };
enum { F80_BIAS = 0x3fff, F80_MAX_EXP = 0x7fff, F80_UNMASKED_BIAS = 24576 };

#define TOP_BIT   UINT64_C(0x8000000000000000)
#define QUIET_BIT UINT64_C(0x4000000000000000)

typedef unsigned __int128 u128;

struct f80 {
    uint64_t mant;
    uint16_t se; /* sign and biased exponent */
};

enum num_class { NUM_ZERO, NUM_NORMAL, NUM_DENORMAL, NUM_INF, NUM_QNAN, NUM_SNAN, NUM_BAD };

/* A value taken apart. NUM_NORMAL and NUM_DENORMAL: mant has its top bit set, exp is biased and may be below 1. */
struct num {
    uint64_t mant;
    int32_t exp;
    uint8_t sign;
    uint8_t cls; /* enum num_class */
};

struct x87_env {
    uint16_t cw;
    uint16_t raised; /* SW_* */
};

static inline unsigned env_rounding(const struct x87_env *e) { return e->cw >> 10 & 3; }

/* Bits of the significand that FADD, FSUB, FMUL, FDIV and FSQRT keep. */
static inline unsigned env_precision(const struct x87_env *e)
{
    static const uint8_t bits[4] = {24, 64, 53, 64};
    return bits[e->cw >> 8 & 3];
}

static inline struct f80 f80_make(unsigned sign, int32_t exp, uint64_t mant)
{
    return (struct f80){mant, (uint16_t)(sign << 15 | (unsigned)exp)};
}

static inline struct f80 f80_zero(unsigned sign) { return f80_make(sign, 0, 0); }

static inline struct f80 f80_inf(unsigned sign) { return f80_make(sign, F80_MAX_EXP, TOP_BIT); }

static inline struct f80 f80_indefinite(void) { return f80_make(1, F80_MAX_EXP, TOP_BIT | QUIET_BIT); }

static inline unsigned count_leading_zeros(uint64_t v) /* v is not 0 */ { return (unsigned)__builtin_clzll(v); }

/* (hi:lo) >> n with the bits that fall out collected in the lowest bit. */
static inline void shift_right_jam(uint64_t *hi, uint64_t *lo, uint32_t n)
{
    uint64_t lost;
    if (n == 0)
        return;
    if (n < 64) {
        lost = *lo << (64 - n);
        *lo = *hi << (64 - n) | *lo >> n | (lost != 0);
        *hi >>= n;
    } else if (n < 128) {
        lost = *lo | (n > 64 ? *hi << (128 - n) : 0);
        *lo = *hi >> (n - 64) | (lost != 0);
        *hi = 0;
    } else {
        *lo = (*hi | *lo) != 0;
        *hi = 0;
    }
}

/* x87_arith.c */
struct num num_take(struct f80 v);
bool num_is_nan(const struct num *a);
/* Rounds (hi:lo) * 2^(exp - bias - 63 of hi), hi's top bit set, to `precision` bits and packs it. */
struct f80 num_round(struct x87_env *e, unsigned sign, int32_t exp, uint64_t hi, uint64_t lo, unsigned precision);
/* Any NaN or unsupported operand: true, and the result. Else raises DE for denormals if they matter. */
bool num_special1(struct x87_env *e, struct f80 v, const struct num *a, struct f80 *result);
bool num_special2(struct x87_env *e, struct f80 x, struct f80 y, const struct num *a, const struct num *b, struct f80 *result);
struct f80 num_invalid(struct x87_env *e); /* raises IE, gives the indefinite */
void num_denormal(struct x87_env *e, const struct num *a);
/* Rounds hi:lo at bit `drop` of hi (0..63); returns whether it went up. hi may wrap to 0. */
bool num_round_at(const struct x87_env *e, unsigned sign, uint64_t *hi, uint64_t lo, unsigned drop, bool *inexact);

/* Operations with the rounding and precision of the control word; exceptions are collected in *e. */
struct f80 f80_add(struct x87_env *e, struct f80 x, struct f80 y, unsigned negate_y);
struct f80 f80_mul(struct x87_env *e, struct f80 x, struct f80 y);
/* (hi:lo) / d for hi < d and d with its top bit set. */
uint64_t num_divide(uint64_t hi, uint64_t lo, uint64_t d, uint64_t *rest);
/* The square root of hi:lo, of which the leading two bits are not 00, and what is left. */
uint64_t num_root(uint64_t hi, uint64_t lo, u128 *rest);
struct f80 f80_div(struct x87_env *e, struct f80 x, struct f80 y);
struct f80 f80_sqrt(struct x87_env *e, struct f80 x);
/* C3, C2, C0 of comparing x with y. A quiet NaN is invalid unless `quiet`. */
uint16_t f80_compare(struct x87_env *e, struct f80 x, struct f80 y, bool quiet);
uint16_t f80_examine(struct f80 x);

/* x87_remain.c */
struct f80 f80_round_int(struct x87_env *e, struct f80 x);
struct f80 f80_scale(struct x87_env *e, struct f80 x, struct f80 y);
/* Exponent as result, significand in *significand. */
struct f80 f80_extract(struct x87_env *e, struct f80 x, struct f80 *significand);
/* FPREM (nearest = false) and FPREM1; C0..C3 in *codes, which stay if there is no quotient. */
struct f80 f80_remainder(struct x87_env *e, struct f80 x, struct f80 y, bool nearest, uint16_t *codes);

/* x87_convert.c. A narrow denormal raises DE here, as it is none any more; a signaling NaN stays one. */
struct f80 f80_from_f32(struct x87_env *e, uint32_t v);
struct f80 f80_from_f64(struct x87_env *e, uint64_t v);
struct f80 f80_from_int(int64_t v);
struct f80 f80_from_bcd(uint64_t lo, uint16_t hi);
uint32_t f80_to_f32(struct x87_env *e, struct f80 v);
uint64_t f80_to_f64(struct x87_env *e, struct f80 v);
/* To a signed integer of `size` bytes; the integer indefinite if it does not fit. */
uint64_t f80_to_int(struct x87_env *e, struct f80 v, unsigned size, bool chop);
void f80_to_bcd(struct x87_env *e, struct f80 v, uint64_t *lo, uint16_t *hi);

/* x87_trans.c: all of them raise what they must and round to 64 bits. */
struct f80 f80_2xm1(struct x87_env *e, struct f80 x);
struct f80 f80_yl2x(struct x87_env *e, struct f80 x, struct f80 y);
struct f80 f80_yl2xp1(struct x87_env *e, struct f80 x, struct f80 y);
struct f80 f80_patan(struct x87_env *e, struct f80 x, struct f80 y); /* arctan(y / x) */
/* False: |x| >= 2^63, nothing done (C2). The results that are NULL are not wanted. */
bool f80_sincos(struct x87_env *e, struct f80 x, struct f80 *sine, struct f80 *cosine);
bool f80_tan(struct x87_env *e, struct f80 x, struct f80 *tangent);
