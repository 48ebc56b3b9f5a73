/* Values of packed ops, by the same words as morph's interpreter: morph/guest/simd_lanes.h. */
#include "engine_func.h"

#include "../morph/guest/simd_lanes.h"

/* Op, function of simd_lanes.h. */
#define TWO_OPERANDS(X) \
    X(PADD_B, padd_b) X(PADD_H, padd_h) X(PADD_W, padd_w) X(PADD_D, padd_d) X(PSUB_B, psub_b) X(PSUB_H, psub_h) \
    X(PSUB_W, psub_w) X(PSUB_D, psub_d) X(PCMPEQ_B, pcmpeq_b) X(PCMPEQ_H, pcmpeq_h) X(PCMPEQ_W, pcmpeq_w) \
    X(PCMPEQ_D, pcmpeq_d) X(PCMPGT_B, pcmpgt_b) X(PCMPGT_H, pcmpgt_h) X(PCMPGT_W, pcmpgt_w) X(PCMPGT_D, pcmpgt_d) \
    X(PADDS_B, padds_b) X(PADDS_H, padds_h) X(PADDUS_B, paddus_b) X(PADDUS_H, paddus_h) X(PSUBS_B, psubs_b) \
    X(PSUBS_H, psubs_h) X(PSUBUS_B, psubus_b) X(PSUBUS_H, psubus_h) X(PMINS_B, pmins_b) X(PMINS_H, pmins_h) \
    X(PMINS_W, pmins_w) X(PMAXS_B, pmaxs_b) X(PMAXS_H, pmaxs_h) X(PMAXS_W, pmaxs_w) X(PMINU_B, pminu_b) X(PMINU_H, \
    pminu_h) X(PMINU_W, pminu_w) X(PMAXU_B, pmaxu_b) X(PMAXU_H, pmaxu_h) X(PMAXU_W, pmaxu_w) X(PAVG_B, pavg_b) \
    X(PAVG_H, pavg_h) X(PSIGN_B, psign_b) X(PSIGN_H, psign_h) X(PSIGN_W, psign_w) X(PAND, pand) X(PANDN, pandn) \
    X(POR, por) X(PXOR, pxor) X(PMULL_H, pmull_h) X(PMULH_H, pmulh_h) X(PMULHU_H, pmulhu_h) X(PMULHRS_H, \
    pmulhrs_h) X(PMULL_W, pmull_w) X(PMULU_W, pmulu_w) X(PMULS_W, pmuls_w) X(PMADD_HW, pmadd_hw) X(PMADD_UB, \
    pmadd_ub) X(PSAD, psad) X(PSLL_H, psll_h) X(PSLL_W, psll_w) X(PSLL_D, psll_d) X(PSRL_H, psrl_h) X(PSRL_W, \
    psrl_w) X(PSRL_D, psrl_d) X(PSRA_H, psra_h) X(PSRA_W, psra_w)

union lanes {
    uint64_t q;
    uint32_t w[2];
    uint16_t h[4];
    uint8_t b[8];
};

static uint64_t pack(union lanes x, union lanes y, bool words, int32_t lo, int32_t hi)
{
    union lanes r = {0};
    for (unsigned i = 0; i < 4 && !words; i++) {
        r.b[i] = (uint8_t)lane_clamp((int16_t)x.h[i], lo, hi);
        r.b[4 + i] = (uint8_t)lane_clamp((int16_t)y.h[i], lo, hi);
    }
    for (unsigned i = 0; i < 2 && words; i++) {
        r.h[i] = (uint16_t)lane_clamp((int32_t)x.w[i], lo, hi);
        r.h[2 + i] = (uint16_t)lane_clamp((int32_t)y.w[i], lo, hi);
    }
    return r.q;
}

static uint64_t unpack(union lanes x, union lanes y, unsigned size, bool high)
{
    union lanes r;
    for (unsigned i = 0; i < 8; i++) {
        unsigned lane = i / size, byte = (high ? 4 : 0) + lane / 2 * size + i % size;
        r.b[i] = lane & 1 ? y.b[byte] : x.b[byte];
    }
    return r.q;
}

static uint64_t byte_mask(uint64_t a)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < 8; i++)
        mask |= (a >> (8 * i + 7) & 1) << i;
    return mask;
}

static uint64_t shuffle_halves(union lanes x, uint64_t order)
{
    union lanes r;
    for (unsigned i = 0; i < 4; i++)
        r.h[i] = x.h[order >> (2 * i) & 3];
    return r.q;
}

uint64_t func_vec(unsigned op, uint64_t a, uint64_t b)
{
    union lanes x = {a}, y = {b};
    switch (op) {
#define X(OP, f) \
    case DUKE_OP_##OP: return f(a, b);
        TWO_OPERANDS(X)
#undef X
    case DUKE_OP_PABS_B: return pabs_b(a);
    case DUKE_OP_PABS_H: return pabs_h(a);
    case DUKE_OP_PABS_W: return pabs_w(a);
    case DUKE_OP_PACKSS_H: return pack(x, y, false, INT8_MIN, INT8_MAX);
    case DUKE_OP_PACKSS_W: return pack(x, y, true, INT16_MIN, INT16_MAX);
    case DUKE_OP_PACKUS_H: return pack(x, y, false, 0, UINT8_MAX);
    case DUKE_OP_PACKUS_W: return pack(x, y, true, 0, UINT16_MAX);
    case DUKE_OP_PUNPL_B: return unpack(x, y, 1, false);
    case DUKE_OP_PUNPL_H: return unpack(x, y, 2, false);
    case DUKE_OP_PUNPL_W: return unpack(x, y, 4, false);
    case DUKE_OP_PUNPH_B: return unpack(x, y, 1, true);
    case DUKE_OP_PUNPH_H: return unpack(x, y, 2, true);
    case DUKE_OP_PUNPH_W: return unpack(x, y, 4, true);
    case DUKE_OP_PWORD_LH: return (uint32_t)a | b >> 32 << 32;
    case DUKE_OP_PWORD_HL: return a >> 32 | b << 32;
    case DUKE_OP_PMSKB: return byte_mask(a);
    case DUKE_OP_PSHUF_H: return shuffle_halves(x, b);
    default: return 0;
    }
}
