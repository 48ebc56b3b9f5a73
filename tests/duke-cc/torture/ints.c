/* Integers of every width: wrapping, conversions, comparisons, shifts, division, multiplication, bit counts, 128 bits. Every
 * operation over a list of awkward values; a checksum an operation, so that a difference names it.
 */
#include <stdint.h>
#include <stdio.h>

#define NI __attribute__((noinline))
typedef unsigned __int128 u128;
typedef __int128 i128;

static uint64_t mix(uint64_t h, uint64_t v)
{
    h ^= v + 0x9e3779b97f4a7c15u + (h << 6) + (h >> 2);
    return h * 0xff51afd7ed558ccdu;
}

static const int64_t values[] = {
    0,
    1,
    -1,
    2,
    -2,
    3,
    7,
    -7,
    10,
    31,
    32,
    63,
    64,
    100,
    127,
    128,
    -128,
    -129,
    255,
    256,
    1000,
    32767,
    32768,
    -32768,
    65535,
    65536,
    0x7ffffff,
    0x7fffffff,
    0x80000000,
    -0x7fffffff - 1,
    0xffffffff,
    0x100000000,
    0x123456789abcdef,
    INT64_MAX,
    INT64_MIN,
    INT64_MIN + 1,
    0x5555555555555555,
    -0x5555555555555555,
    0xff00ff00ff,
    0x7fffffffffff,
    0x400000000,
    -0x400000001,
};
enum { N = sizeof values / sizeof values[0] };

/* One function an operation and type, called for every pair. */
#define BINARY(name, type, expr)                                    \
    NI static uint64_t name(type a, type b)                         \
    {                                                               \
        return (uint64_t)(expr);                                    \
    }                                                               \
    NI static void name##_all(void)                                 \
    {                                                               \
        uint64_t h = 0;                                             \
        for (int i = 0; i < N; i++)                                 \
            for (int j = 0; j < N; j++)                             \
                h = mix(h, name((type)values[i], (type)values[j])); \
        printf("%s %016llx\n", #name, (unsigned long long)h);       \
    }
#define FOR_TYPE(t, type, utype, bits)                                                 \
    BINARY(add_##t, type, (type)((utype)a + (utype)b))                                 \
    BINARY(sub_##t, type, (type)((utype)a - (utype)b))                                 \
    BINARY(mul_##t, type, (type)((utype)((uint64_t)(utype)a * (utype)b)))              \
    BINARY(div_##t, type, b == 0 || b == (type) - 1 ? 0 : a / b)                       \
    BINARY(rem_##t, type, b == 0 || b == (type) - 1 ? 0 : a % b)                       \
    BINARY(bits_##t, type, (a & b) ^ (a | ~b) ^ (type) ~(a ^ b))                       \
    BINARY(shl_##t, type, (type)((utype)a << ((utype)b % bits)))                       \
    BINARY(shr_##t, type, a >> ((utype)b % bits))                                      \
    BINARY(less_##t, type, (a < b) | (a <= b) << 1 | (a == b) << 2 | (a != b) << 3)    \
    BINARY(select_##t, type, (a < b ? a : b) ^ (a > b ? 3 * a : 5) + (b != 0 ? a : 9)) \
    BINARY(rotate_##t, type, (utype)((utype)a << ((utype)b % bits) | (utype)a >> ((bits - (utype)b % bits) % bits)))

FOR_TYPE(i8, int8_t, uint8_t, 8)
FOR_TYPE(u8, uint8_t, uint8_t, 8)
FOR_TYPE(i16, int16_t, uint16_t, 16)
FOR_TYPE(u16, uint16_t, uint16_t, 16)
FOR_TYPE(i32, int32_t, uint32_t, 32)
FOR_TYPE(u32, uint32_t, uint32_t, 32)
FOR_TYPE(i64, int64_t, uint64_t, 64)
FOR_TYPE(u64, uint64_t, uint64_t, 64)

BINARY(mixed_extend, int64_t, (int64_t)(int32_t)a + (uint32_t)b - (int8_t)a * (int64_t)(uint16_t)b)
BINARY(mixed_shift, int64_t,
       ((uint64_t)a << 40 >> 8) + ((int32_t)b >> 3) + ((uint32_t)b >> 5) + (uint64_t)((int64_t)(int)a << 3))
BINARY(truncated_shift, int64_t, (uint64_t)(int)((uint64_t)a << (b & 63)) + (uint32_t)((uint64_t)a >> (b & 63)))
BINARY(compare_mixed, int64_t, ((int32_t)a < b) | ((uint32_t)a < (uint64_t)b) << 1 | ((int32_t)a >= (int32_t)b) << 2)
BINARY(constants, int64_t,
       (uint64_t)a / 10 + (uint64_t)(a / 7) + (uint64_t)(a % 1000) + (uint32_t)b / 3u + (uint64_t)((int32_t)b / 100) +
           (uint32_t)b % 10u + (a == 0x123456789abcdef) + (a > 0x400000000) + ((uint64_t)b < 0xffffffff))
BINARY(masks, int64_t,
       (a & 0xff) + (b & 0xffff) + (a & 0xffffffff) + (a & 0xfffffffff0) + (b & ~0xffL) + (b >> 8 & 0xff) + (a >> 16 & 0xffff) +
           ((uint64_t)a >> 63) + (a >> 5 & 1) + ((uint64_t)b >> 24 & 0xffffffff))
BINARY(insert, uint64_t, ((a & ~0xffu) | (b & 0xff)) ^ ((a & ~0xffffull) | (uint16_t)b) ^ ((a & ~0xff00ull) | (b & 0xff) << 8))
BINARY(scaled, uint64_t,
       a + b * 2 + (a + b * 4) + (a + b * 8) + (a + (uint32_t)b) + (a + (uint64_t)(uint32_t)b * 8) + (uint32_t)(a * 4 + b))
BINARY(high, uint64_t, (uint64_t)((u128)a *b >> 64) + (uint64_t)((i128)(int64_t)a * (int64_t)b >> 64))
BINARY(overflow, int64_t,
       (uint64_t)(__builtin_add_overflow(a, b, &a) + 2 * __builtin_mul_overflow(a, b, &b)) + (uint64_t)a + (uint64_t)b)
BINARY(overflow32, int32_t,
       (__builtin_sub_overflow(a, b, &a) + 2 * __builtin_mul_overflow(a, b, &b)) + (uint32_t)a + (uint32_t)b)
BINARY(counts, uint64_t,
       (uint64_t)(__builtin_popcountll(a) + (b ? __builtin_clzll(b) * 3 + __builtin_ctzll(b) * 5 : 0)) +
           ((uint32_t)b ? (unsigned)__builtin_clz((uint32_t)b) * 7 + (unsigned)__builtin_ctz((uint32_t)b) : 0) +
           (unsigned)__builtin_popcount((unsigned)a) + __builtin_bswap64(a) + __builtin_bswap32((uint32_t)b) +
           __builtin_bswap16((uint16_t)a) + (uint64_t)__builtin_parityll(b) + (uint64_t)__builtin_ffsll((long long)a))
BINARY(minmax, int64_t,
       (a < b ? a : b) + 3 * (a > b ? a : b) + (uint64_t)((uint64_t)a < (uint64_t)b ? a : b) * 5 +
           (uint64_t)(a < 0 ? -(uint64_t)a : a))

#define WIDE(lo, hi) ((u128)(hi) << 64 | (lo))
BINARY(wide_add, uint64_t, (uint64_t)((WIDE(a, b) + WIDE(b, a)) >> 32) ^ (uint64_t)(WIDE(a, b) - WIDE(b, ~a)))
BINARY(wide_mul, uint64_t, (uint64_t)(WIDE(a, b) * WIDE(b, a + 1) >> 64) ^ (uint64_t)(WIDE(a, b) * 12345u))
BINARY(wide_shift, uint64_t,
       (uint64_t)(WIDE(a, b) >> (b & 127)) ^ (uint64_t)((WIDE(a, b) << (a & 127)) >> 64) ^
           (uint64_t)((i128)WIDE(a, b) >> (a & 127)))
BINARY(wide_div, uint64_t,
       b == 0 ? 0
              : (uint64_t)(WIDE(a, b) / WIDE(b, a & 0xffff)) + 3 * (uint64_t)(WIDE(b, a) % WIDE(b, 0)) +
                    (uint64_t)(WIDE(a, b) / 10))
BINARY(wide_sdiv, uint64_t,
       b == 0 ? 0 : (uint64_t)((i128)WIDE(a, b) / (i128)(int64_t)b) ^ (uint64_t)((i128)WIDE(b, a) % (i128)(int64_t)b))
BINARY(wide_less, uint64_t,
       (WIDE(a, b) < WIDE(b, a)) | ((i128)WIDE(a, b) <= (i128)WIDE(b, a)) << 1 | (WIDE(a, b) == WIDE(b, a)) << 2)

#define ALL(t)                                                                                                              \
    add_##t##_all(), sub_##t##_all(), mul_##t##_all(), div_##t##_all(), rem_##t##_all(), bits_##t##_all(), shl_##t##_all(), \
        shr_##t##_all(), less_##t##_all(), select_##t##_all(), rotate_##t##_all()

int main(void)
{
    ALL(i8), ALL(u8), ALL(i16), ALL(u16), ALL(i32), ALL(u32), ALL(i64), ALL(u64);
    mixed_extend_all(), mixed_shift_all(), truncated_shift_all(), compare_mixed_all(), constants_all(), masks_all();
    insert_all(), scaled_all(), high_all(), overflow_all(), overflow32_all(), counts_all(), minmax_all();
    wide_add_all(), wide_mul_all(), wide_shift_all(), wide_div_all(), wide_sdiv_all(), wide_less_all();
    return 0;
}
