/* Single and double precision as SSE computes them, in integers: rounding, flags, DAZ and FTZ by MXCSR. Numbers are their bits.
 *
 * Results are those of masked exceptions; the caller finds in `raised` what was raised, and whether MXCSR masks it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { /* MXCSR */
       MX_IE = 1,
       MX_DE = 2,
       MX_ZE = 4,
       MX_OE = 8,
       MX_UE = 16,
       MX_PE = 32,
       MX_FLAGS = 0x3f,
       MX_BEFORE = MX_IE | MX_DE | MX_ZE,
       MX_DAZ = 0x40,
       MX_MASKS_AT = 7,
       MX_RC_AT = 13,
       MX_FTZ = 0x8000,
       MX_VALID = 0xffff,
};

struct fp_env {
    uint32_t mxcsr;
    uint32_t raised;
};

struct fp_format {
    uint8_t fraction;  /* bits of the stored significand */
    uint8_t size;      /* bytes */
    int16_t bias, max; /* of exponents; max: that of infinities and NaNs */
};
extern const struct fp_format fp_single, fp_double;

typedef const struct fp_format *fp_fmt;

/* One lane, values as their bits; modes and exceptions are those of *e. min and max are those of MINPS and MAXPS. */
uint64_t fp_add(struct fp_env *e, fp_fmt f, uint64_t a, uint64_t b);
uint64_t fp_sub(struct fp_env *e, fp_fmt f, uint64_t a, uint64_t b);
uint64_t fp_mul(struct fp_env *e, fp_fmt f, uint64_t a, uint64_t b);
uint64_t fp_div(struct fp_env *e, fp_fmt f, uint64_t a, uint64_t b);
uint64_t fp_sqrt(struct fp_env *e, fp_fmt f, uint64_t a);
uint64_t fp_min(struct fp_env *e, fp_fmt f, uint64_t a, uint64_t b);
uint64_t fp_max(struct fp_env *e, fp_fmt f, uint64_t a, uint64_t b);

enum fp_order { FP_LESS, FP_EQUAL, FP_GREATER, FP_UNORDERED };
/* `quiet`: a quiet NaN is no invalid operand. */
enum fp_order fp_compare(struct fp_env *e, fp_fmt f, uint64_t a, uint64_t b, bool quiet);
/* Whether predicate 0..7 of CMPPS holds. */
bool fp_predicate(struct fp_env *e, fp_fmt f, uint64_t a, uint64_t b, unsigned predicate);

/* To a signed integer of `size` bytes, 4 or 8; rounding mode 0..3. What does not fit is the integer indefinite. */
uint64_t fp_to_int(struct fp_env *e, fp_fmt f, uint64_t a, unsigned size, unsigned rounding);
uint64_t fp_from_int(struct fp_env *e, fp_fmt f, int64_t v);
uint64_t fp_convert(struct fp_env *e, fp_fmt from, fp_fmt to, uint64_t a);
/* To an integral number; `exact`: without raising the precision exception. */
uint64_t fp_round_int(struct fp_env *e, fp_fmt f, uint64_t a, unsigned rounding, bool exact);
/* Reciprocal and reciprocal square root of a single to 12 bits: correctly rounded to nearest; no exceptions. */
uint32_t fp_reciprocal(uint32_t a);
uint32_t fp_reciprocal_root(uint32_t a);

static inline unsigned fp_rounding(const struct fp_env *e) { return e->mxcsr >> MX_RC_AT & 3; }
