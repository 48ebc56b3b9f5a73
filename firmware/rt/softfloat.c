/* IEEE 754 arithmetic in software, under the names that the compiler calls: single and double, round to nearest even, quiet
 * NaNs, no flags. Both formats are unpacked into one form, worked on in 64 bits and packed again.
 */
#include <stdint.h>

typedef unsigned __int128 u128;
typedef __int128 i128;

enum kind { ZERO, NORMAL, INFINITE, NOT_A_NUMBER };

/* Value (-1)**sign * sig * 2**(exp - 62), bit 62 of sig set if NORMAL; bit 0 may be sticky. */
struct num {
    enum kind kind;
    unsigned sign;
    int exp;
    uint64_t sig;
};

struct format {
    int fraction, exponent; /* widths */
};
static const struct format single = {23, 8}, twice = {52, 11};

static inline struct num normalize(unsigned sign, int exp, uint64_t sig)
{
    if (sig == 0)
        return (struct num){ZERO, sign, 0, 0};
    int shift = __builtin_clzl(sig) - 1;
    if (shift < 0)
        return (struct num){NORMAL, sign, exp + 1, sig >> 1 | (sig & 1)};
    return (struct num){NORMAL, sign, exp - shift, sig << shift};
}

static inline struct num unpack(uint64_t bits, struct format f)
{
    unsigned sign = (unsigned)(bits >> (f.fraction + f.exponent)) & 1;
    int max = (1 << f.exponent) - 1, bias = max >> 1, exp = (int)(bits >> f.fraction) & max;
    uint64_t fraction = bits & ((UINT64_C(1) << f.fraction) - 1);
    if (exp == max)
        return (struct num){fraction ? NOT_A_NUMBER : INFINITE, sign, 0, 0};
    if (exp == 0)
        return normalize(sign, 1 - bias + 62 - f.fraction, fraction);
    return (struct num){NORMAL, sign, exp - bias, (fraction | UINT64_C(1) << f.fraction) << (62 - f.fraction)};
}

static inline uint64_t shift_sticky(uint64_t sig, int count)
{
    if (count <= 0)
        return sig;
    if (count > 63)
        return sig != 0;
    return sig >> count | ((sig << (64 - count)) != 0);
}

static inline uint64_t pack(struct num n, struct format f)
{
    int max = (1 << f.exponent) - 1, bias = max >> 1;
    uint64_t sign = (uint64_t)n.sign << (f.fraction + f.exponent), infinity = (uint64_t)max << f.fraction;
    switch (n.kind) {
    case ZERO: return sign;
    case INFINITE: return sign | infinity;
    case NOT_A_NUMBER: return infinity | UINT64_C(1) << (f.fraction - 1);
    case NORMAL: break;
    }
    int exp = n.exp + bias, drop = 62 - f.fraction;
    if (exp >= max)
        return sign | infinity;
    if (exp <= 0) { /* subnormal */
        n.sig = shift_sticky(n.sig, 1 - exp);
        exp = 0;
    }
    uint64_t fraction = n.sig >> drop, rest = n.sig << (64 - drop), half = UINT64_C(1) << 63;
    fraction += rest > half || (rest == half && (fraction & 1));
    /* The leading one of a normal number adds to the exponent; so does a carry out of rounding. */
    return sign | (((uint64_t)(exp ? exp - 1 : 0) << f.fraction) + fraction);
}

static inline struct num nan_num(void) { return (struct num){NOT_A_NUMBER, 0, 0, 0}; }

static inline struct num add(struct num a, struct num b)
{
    if (a.kind == NOT_A_NUMBER || b.kind == NOT_A_NUMBER)
        return nan_num();
    if (a.kind == INFINITE)
        return b.kind == INFINITE && a.sign != b.sign ? nan_num() : a;
    if (b.kind == INFINITE || a.kind == ZERO) {
        if (b.kind == ZERO)
            b.sign &= a.sign;
        return b;
    }
    if (b.kind == ZERO)
        return a;
    if (a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig)) {
        struct num t = a;
        a = b;
        b = t;
    }
    b.sig = shift_sticky(b.sig, a.exp - b.exp);
    if (a.sign == b.sign)
        return normalize(a.sign, a.exp, a.sig + b.sig);
    return normalize(a.sig == b.sig ? 0 : a.sign, a.exp, a.sig - b.sig);
}

static inline struct num multiply(struct num a, struct num b)
{
    unsigned sign = a.sign ^ b.sign;
    if (a.kind == NOT_A_NUMBER || b.kind == NOT_A_NUMBER)
        return nan_num();
    if (a.kind == INFINITE || b.kind == INFINITE)
        return a.kind == ZERO || b.kind == ZERO ? nan_num() : (struct num){INFINITE, sign, 0, 0};
    if (a.kind == ZERO || b.kind == ZERO)
        return (struct num){ZERO, sign, 0, 0};
    u128 product = (u128)a.sig * b.sig;
    return normalize(sign, a.exp + b.exp, (uint64_t)(product >> 62) | ((uint64_t)product << 2 != 0));
}

static inline struct num divide(struct num a, struct num b)
{
    unsigned sign = a.sign ^ b.sign;
    if (a.kind == NOT_A_NUMBER || b.kind == NOT_A_NUMBER || (a.kind == b.kind && a.kind != NORMAL))
        return nan_num();
    if (a.kind == INFINITE || b.kind == ZERO)
        return (struct num){INFINITE, sign, 0, 0};
    if (a.kind == ZERO || b.kind == INFINITE)
        return (struct num){ZERO, sign, 0, 0};
    u128 n = (u128)a.sig << 62;
    uint64_t q = (uint64_t)(n / b.sig);
    return normalize(sign, a.exp - b.exp, q | ((u128)q * b.sig != n));
}

static inline struct num from_integer(unsigned sign, u128 magnitude)
{
    uint64_t high = (uint64_t)(magnitude >> 64), low = (uint64_t)magnitude;
    if (high == 0)
        return normalize(sign, 62, low);
    int shift = 64 - __builtin_clzl(high);
    uint64_t lost = shift == 64 ? low : low & ((UINT64_C(1) << shift) - 1);
    return normalize(sign, 62 + shift, (uint64_t)(magnitude >> shift) | (lost != 0));
}

/* Truncated; what does not fit becomes the nearest number of `bits` bits that there is, NaN zero. */
static inline u128 to_integer(struct num n, int bits, int is_signed)
{
    u128 max = is_signed ? ((u128)1 << (bits - 1)) - 1 : bits == 128 ? ~(u128)0 : ((u128)1 << bits) - 1;
    if (n.kind == ZERO || n.kind == NOT_A_NUMBER || (n.kind == NORMAL && n.exp < 0) || (n.sign && !is_signed))
        return 0;
    if (n.kind == INFINITE || n.exp >= bits - is_signed)
        return n.sign ? -max - 1 : max;
    u128 value = n.exp >= 62 ? (u128)n.sig << (n.exp - 62) : n.sig >> (62 - n.exp);
    return n.sign ? -value : value;
}

/* -1, 0, 1, or 2 if unordered. */
static inline int compare(uint64_t a, uint64_t b, struct format f)
{
    uint64_t sign = UINT64_C(1) << (f.fraction + f.exponent), infinity = ((UINT64_C(1) << f.exponent) - 1) << f.fraction;
    if ((a & ~sign) > infinity || (b & ~sign) > infinity)
        return 2;
    int64_t x = a & sign ? -(int64_t)(a & ~sign) : (int64_t)a, y = b & sign ? -(int64_t)(b & ~sign) : (int64_t)b;
    return x < y ? -1 : x > y;
}

static inline uint64_t bits_df(double x)
{
    union {
        double f;
        uint64_t u;
    } v = {.f = x};
    return v.u;
}
static inline double value_df(uint64_t x)
{
    union {
        uint64_t u;
        double f;
    } v = {.u = x};
    return v.f;
}
static inline uint64_t bits_sf(float x)
{
    union {
        float f;
        uint32_t u;
    } v = {.f = x};
    return v.u;
}
static inline float value_sf(uint64_t x)
{
    union {
        uint32_t u;
        float f;
    } v = {.u = (uint32_t)x};
    return v.f;
}

#define ARITHMETIC(type, t, fmt)                                                                                              \
    type __add##t##3(type a, type b) { return value_##t(pack(add(unpack(bits_##t(a), fmt), unpack(bits_##t(b), fmt)), fmt)); } \
    type __sub##t##3(type a, type b)                                                                                          \
    {                                                                                                                         \
        struct num n = unpack(bits_##t(b), fmt);                                                                              \
        n.sign ^= 1;                                                                                                          \
        return value_##t(pack(add(unpack(bits_##t(a), fmt), n), fmt));                                                        \
    }                                                                                                                         \
    type __mul##t##3(type a, type b)                                                                                          \
    {                                                                                                                         \
        return value_##t(pack(multiply(unpack(bits_##t(a), fmt), unpack(bits_##t(b), fmt)), fmt));                            \
    }                                                                                                                         \
    type __div##t##3(type a, type b)                                                                                          \
    {                                                                                                                         \
        return value_##t(pack(divide(unpack(bits_##t(a), fmt), unpack(bits_##t(b), fmt)), fmt));                              \
    }                                                                                                                         \
    /* The sign of the result answers; an unordered pair answers no. */                                                       \
    int __eq##t##2(type a, type b) { return compare(bits_##t(a), bits_##t(b), fmt); }                                         \
    int __ne##t##2(type a, type b) { return compare(bits_##t(a), bits_##t(b), fmt); }                                         \
    int __lt##t##2(type a, type b) { return compare(bits_##t(a), bits_##t(b), fmt); }                                         \
    int __le##t##2(type a, type b) { return compare(bits_##t(a), bits_##t(b), fmt); }                                         \
    int __gt##t##2(type a, type b)                                                                                            \
    {                                                                                                                         \
        int c = compare(bits_##t(a), bits_##t(b), fmt);                                                                       \
        return c == 2 ? -1 : c;                                                                                               \
    }                                                                                                                         \
    int __ge##t##2(type a, type b)                                                                                            \
    {                                                                                                                         \
        int c = compare(bits_##t(a), bits_##t(b), fmt);                                                                       \
        return c == 2 ? -1 : c;                                                                                               \
    }                                                                                                                         \
    int __unord##t##2(type a, type b) { return compare(bits_##t(a), bits_##t(b), fmt) == 2; }

ARITHMETIC(double, df, twice)
ARITHMETIC(float, sf, single)

#define CONVERSIONS(type, t, fmt, itype, utype, i, bits)                                                                    \
    type __float##i##t(itype x) { return value_##t(pack(from_integer(x < 0, x < 0 ? -(utype)x : (utype)x), fmt)); }          \
    type __floatun##i##t(utype x) { return value_##t(pack(from_integer(0, x), fmt)); }                                       \
    itype __fix##t##i(type x) { return (itype)to_integer(unpack(bits_##t(x), fmt), bits, 1); }                               \
    utype __fixuns##t##i(type x) { return (utype)to_integer(unpack(bits_##t(x), fmt), bits, 0); }

CONVERSIONS(double, df, twice, int32_t, uint32_t, si, 32)
CONVERSIONS(double, df, twice, int64_t, uint64_t, di, 64)
CONVERSIONS(double, df, twice, i128, u128, ti, 128)
CONVERSIONS(float, sf, single, int32_t, uint32_t, si, 32)
CONVERSIONS(float, sf, single, int64_t, uint64_t, di, 64)
CONVERSIONS(float, sf, single, i128, u128, ti, 128)

double __extendsfdf2(float x) { return value_df(pack(unpack(bits_sf(x), single), twice)); }
float __truncdfsf2(double x) { return value_sf(pack(unpack(bits_df(x), twice), single)); }
