/* Packed integer operations on 64 bits, under the names of Duke's vector ops where it has them (padd.b is padd_b): lanes are b bytes,
 * h halves (16 bits), w words (32), d all 64.
 */
#pragma once
#include <stdint.h>

#define LANE static inline uint64_t
#define LOW_BITS(n) ((n) == 8 ? UINT64_C(0x0101010101010101) : (n) == 16 ? UINT64_C(0x0001000100010001) : UINT64_C(0x100000001))
#define TOP_BITS(n) (LOW_BITS(n) << ((n) - 1))

/* Sums and differences without carries between lanes. */
#define LANES_ADD(name, n) \
    LANE padd_##name(uint64_t a, uint64_t b) \
    { \
        return ((a & ~TOP_BITS(n)) + (b & ~TOP_BITS(n))) ^ ((a ^ b) & TOP_BITS(n)); \
    } \
    LANE psub_##name(uint64_t a, uint64_t b) \
    { \
        return ((a | TOP_BITS(n)) - (b & ~TOP_BITS(n))) ^ ((a ^ ~b) & TOP_BITS(n)); \
    }
LANES_ADD(b, 8)
LANES_ADD(h, 16)
LANES_ADD(w, 32)
LANE padd_d(uint64_t a, uint64_t b) { return a + b; }
LANE psub_d(uint64_t a, uint64_t b) { return a - b; }

LANE pand(uint64_t a, uint64_t b) { return a & b; }
LANE pandn(uint64_t a, uint64_t b) { return ~a & b; }
LANE por(uint64_t a, uint64_t b) { return a | b; }
LANE pxor(uint64_t a, uint64_t b) { return a ^ b; }

/* name(a, b) with each lane `expr` of x and y, lanes of a and b as type T. */
#define LANES2(name, T, expr) \
    LANE name(uint64_t a, uint64_t b) \
    { \
        uint64_t r = 0; \
        for (unsigned at = 0; at < 64; at += 8 * sizeof(T)) { \
            T x = (T)(a >> at), y = (T)(b >> at); \
            r |= (((uint64_t)(expr)) & (UINT64_MAX >> (64 - 8 * sizeof(T)))) << at; \
        } \
        return r; \
    }
#define LANES1(name, T, expr) \
    LANE name(uint64_t b) \
    { \
        uint64_t r = 0; \
        for (unsigned at = 0; at < 64; at += 8 * sizeof(T)) { \
            T y = (T)(b >> at); \
            r |= (((uint64_t)(expr)) & (UINT64_MAX >> (64 - 8 * sizeof(T)))) << at; \
        } \
        return r; \
    }

static inline int64_t lane_clamp(int64_t v, int64_t lo, int64_t hi) { return v < lo ? lo : v > hi ? hi : v; }

#define EACH_TYPE(X) X(b, int8_t, uint8_t) X(h, int16_t, uint16_t) X(w, int32_t, uint32_t)
#define X(n, S, U) \
    LANES2(pcmpeq_##n, U, x == y ? -1 : 0) \
    LANES2(pcmpgt_##n, S, x > y ? -1 : 0) \
    LANES2(pmins_##n, S, x < y ? x : y) \
    LANES2(pmaxs_##n, S, x > y ? x : y) \
    LANES2(pminu_##n, U, x < y ? x : y) \
    LANES2(pmaxu_##n, U, x > y ? x : y) \
    LANES2(psign_##n, S, y < 0 ? -(int64_t)x : y ? x : 0) \
    LANES1(pabs_##n, S, y < 0 ? -(int64_t)y : y)
EACH_TYPE(X)
#undef X
#undef EACH_TYPE
LANE pcmpeq_d(uint64_t a, uint64_t b) { return a == b ? UINT64_MAX : 0; }
LANE pcmpgt_d(uint64_t a, uint64_t b) { return (int64_t)a > (int64_t)b ? UINT64_MAX : 0; }
LANES2(padds_b, int8_t, lane_clamp((int64_t)x + y, INT8_MIN, INT8_MAX))
LANES2(padds_h, int16_t, lane_clamp((int64_t)x + y, INT16_MIN, INT16_MAX))
LANES2(paddus_b, uint8_t, lane_clamp((int64_t)x + y, 0, UINT8_MAX))
LANES2(paddus_h, uint16_t, lane_clamp((int64_t)x + y, 0, UINT16_MAX))
LANES2(psubs_b, int8_t, lane_clamp((int64_t)x - y, INT8_MIN, INT8_MAX))
LANES2(psubs_h, int16_t, lane_clamp((int64_t)x - y, INT16_MIN, INT16_MAX))
LANES2(psubus_b, uint8_t, lane_clamp((int64_t)x - y, 0, UINT8_MAX))
LANES2(psubus_h, uint16_t, lane_clamp((int64_t)x - y, 0, UINT16_MAX))
LANES2(pavg_b, uint8_t, (x + y + 1u) >> 1)
LANES2(pavg_h, uint16_t, (x + y + 1u) >> 1)
LANES2(pmull_h, int16_t, (int64_t)x *y)
LANES2(pmulh_h, int16_t, (int64_t)x *y >> 16)
LANES2(pmulhu_h, uint16_t, (uint64_t)x *y >> 16)
LANES2(pmulhrs_h, int16_t, (((int64_t)x * y >> 14) + 1) >> 1)
LANES2(pmull_w, int32_t, (int64_t)x *y)
LANE pmulu_w(uint64_t a, uint64_t b) { return (uint64_t)(uint32_t)a * (uint32_t)b; }
LANE pmuls_w(uint64_t a, uint64_t b) { return (uint64_t)((int64_t)(int32_t)a * (int32_t)b); }

LANE pmadd_hw(uint64_t a, uint64_t b)
{
    uint64_t r = 0;
    for (unsigned at = 0; at < 64; at += 32) {
        int64_t sum = (int64_t)(int16_t)(a >> at) * (int16_t)(b >> at) +
                      (int64_t)(int16_t)(a >> (at + 16)) * (int16_t)(b >> (at + 16));
        r |= (uint64_t)(uint32_t)sum << at;
    }
    return r;
}

LANE pmadd_ub(uint64_t a, uint64_t b)
{
    uint64_t r = 0;
    for (unsigned at = 0; at < 64; at += 16) {
        int64_t sum = (int64_t)(uint8_t)(a >> at) * (int8_t)(b >> at) +
                      (int64_t)(uint8_t)(a >> (at + 8)) * (int8_t)(b >> (at + 8));
        r |= (uint64_t)(uint16_t)lane_clamp(sum, INT16_MIN, INT16_MAX) << at;
    }
    return r;
}

LANE psad(uint64_t a, uint64_t b)
{
    uint64_t sum = 0;
    for (unsigned at = 0; at < 64; at += 8) {
        uint8_t x = (uint8_t)(a >> at), y = (uint8_t)(b >> at);
        sum += x > y ? x - y : y - x;
    }
    return sum;
}

/* Shifts of all lanes by b; counts of the width or more give zeros, or signs. */
#define LANES_SHIFT(n, S, U) \
    LANE psll_##n(uint64_t a, uint64_t b) { return b >= 8 * sizeof(U) ? 0 : psll_in_##n(a, b); } \
    LANE psrl_##n(uint64_t a, uint64_t b) { return b >= 8 * sizeof(U) ? 0 : psrl_in_##n(a, b); } \
    LANE psra_##n(uint64_t a, uint64_t b) { return psra_in_##n(a, b >= 8 * sizeof(U) ? 8 * sizeof(U) - 1 : b); }
#define LANES_SHIFT_IN(n, S, U) \
    LANE psll_in_##n(uint64_t a, uint64_t c) \
    { \
        uint64_t r = 0; \
        for (unsigned at = 0; at < 64; at += 8 * sizeof(U)) \
            r |= (uint64_t)(U)((uint64_t)(U)(a >> at) << c) << at; \
        return r; \
    } \
    LANE psrl_in_##n(uint64_t a, uint64_t c) \
    { \
        uint64_t r = 0; \
        for (unsigned at = 0; at < 64; at += 8 * sizeof(U)) \
            r |= (uint64_t)(U)((U)(a >> at) >> c) << at; \
        return r; \
    } \
    LANE psra_in_##n(uint64_t a, uint64_t c) \
    { \
        uint64_t r = 0; \
        for (unsigned at = 0; at < 64; at += 8 * sizeof(U)) \
            r |= (uint64_t)(U)((S)(a >> at) >> c) << at; \
        return r; \
    } \
    LANES_SHIFT(n, S, U)
LANES_SHIFT_IN(h, int16_t, uint16_t)
LANES_SHIFT_IN(w, int32_t, uint32_t)
LANE psll_d(uint64_t a, uint64_t b) { return b >= 64 ? 0 : a << b; }
LANE psrl_d(uint64_t a, uint64_t b) { return b >= 64 ? 0 : a >> b; }
#undef LANES_SHIFT
#undef LANES_SHIFT_IN
#undef LANES1
#undef LANES2
