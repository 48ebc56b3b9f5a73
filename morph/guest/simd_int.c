/* Packed integers by lanes, horizontal sums, masks. */
#include "morph.h"
#include "port_ops.h"
#include "simd.h"
#include "simd_lanes.h"

static bool by_lanes(struct simd *x)
{
    uint64_t count = x->s.q[0];
    switch (x->g->op) {
#define SIMD(op)
#define LANES(op, f) \
    case G_##op: \
        x->d.q[0] = f(x->d.q[0], x->s.q[0]); \
        x->d.q[1] = f(x->d.q[1], x->s.q[1]); \
        return true;
#define LANES1(op, f) \
    case G_##op: \
        x->d.q[0] = f(x->s.q[0]); \
        x->d.q[1] = f(x->s.q[1]); \
        return true;
#define SHIFTS(op, f) \
    case G_##op: \
        x->d.q[0] = f(x->d.q[0], count); \
        x->d.q[1] = f(x->d.q[1], count); \
        return true;
#include "sem/simd.def"
    default: return false;
    }
}

static int16_t clamp16(int32_t v) { return (int16_t)lane_clamp(v, INT16_MIN, INT16_MAX); }

/* Sums or differences of neighbours, of the destination's and then of the source's. */
static void horizontal16(struct simd *x, bool subtract, bool saturate)
{
    unsigned half = 2 * x->halves;
    union simd_value r = x->d;
    for (unsigned i = 0; i < 2 * half; i++) {
        const union simd_value *v = i < half ? &x->d : &x->s;
        unsigned at = 2 * (i < half ? i : i - half);
        int32_t a = (int16_t)v->h[at], b = (int16_t)v->h[at + 1], sum = subtract ? a - b : a + b;
        r.h[i] = (uint16_t)(saturate ? clamp16(sum) : sum);
    }
    x->d = r;
}

static void horizontal32(struct simd *x, bool subtract)
{
    unsigned half = x->halves;
    union simd_value r = x->d;
    for (unsigned i = 0; i < 2 * half; i++) {
        const union simd_value *v = i < half ? &x->d : &x->s;
        unsigned at = 2 * (i < half ? i : i - half);
        r.w[i] = subtract ? v->w[at] - v->w[at + 1] : v->w[at] + v->w[at + 1];
    }
    x->d = r;
}

static void minimum_position(struct simd *x)
{
    unsigned at = 0;
    for (unsigned i = 1; i < 8; i++)
        at = x->s.h[i] < x->s.h[at] ? i : at;
    x->d.q[0] = x->s.h[at] | at << 16;
    x->d.q[1] = 0;
}

/* Eight sums of differences of four bytes: of the source at imm[1:0], of the destination from imm[2] on. */
static void sums_of_differences(struct simd *x)
{
    unsigned dst = x->imm >> 2 & 1 ? 4 : 0, src = (x->imm & 3) * 4;
    union simd_value r;
    for (unsigned i = 0; i < 8; i++) {
        unsigned sum = 0;
        for (unsigned j = 0; j < 4; j++) {
            unsigned a = x->d.b[dst + i + j], b = x->s.b[src + j];
            sum += a > b ? a - b : b - a;
        }
        r.h[i] = (uint16_t)sum;
    }
    x->d = r;
}

static uint64_t byte_mask(const struct simd *x)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < 8 * x->halves; i++)
        mask |= (uint64_t)(x->s.b[i] >> 7) << i;
    return mask;
}

static uint32_t crc32c(uint32_t crc, uint64_t data, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        crc ^= (uint8_t)(data >> (8 * i));
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return crc;
}

static void test(struct simd *x)
{
    bool zero = !((x->d.q[0] & x->s.q[0]) | (x->d.q[1] & x->s.q[1]));
    bool carry = !((~x->d.q[0] & x->s.q[0]) | (~x->d.q[1] & x->s.q[1]));
    x->flags = (zero ? EFL_ZF : 0) | (carry ? EFL_CF : 0);
    x->flags_set = x->keep = true;
}

bool simd_integer(struct simd *x)
{
    if (by_lanes(x))
        return true;
    switch (x->g->op) {
    case G_PHADDW: horizontal16(x, false, false); return true;
    case G_PHADDSW: horizontal16(x, false, true); return true;
    case G_PHSUBW: horizontal16(x, true, false); return true;
    case G_PHSUBSW: horizontal16(x, true, true); return true;
    case G_PHADDD: horizontal32(x, false); return true;
    case G_PHSUBD: horizontal32(x, true); return true;
    case G_PHMINPOSUW: minimum_position(x); return true;
    case G_MPSADBW: sums_of_differences(x); return true;
    case G_PMOVMSKB: x->d.q[0] = byte_mask(x); return true;
    case G_MOVMSKPS:
        x->d.q[0] = x->s.w[0] >> 31 | x->s.w[1] >> 31 << 1 | x->s.w[2] >> 31 << 2 | x->s.w[3] >> 31 << 3;
        return true;
    case G_MOVMSKPD: x->d.q[0] = x->s.q[0] >> 63 | x->s.q[1] >> 63 << 1; return true;
    case G_CRC32: x->d.q[0] = crc32c(x->d.w[0], x->s.q[0], x->g->opnd[1].size); return true;
    case G_PTEST: test(x); return true;
    default: return false;
    }
}
