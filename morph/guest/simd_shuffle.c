/* Shuffles, packs, blends, inserts and extracts. */
#include "morph.h"
#include "simd.h"
#include "simd_lanes.h"

/* Interleaves lanes of `size` bytes of the low or high halves. */
static void unpack(struct simd *x, unsigned size, bool high)
{
    unsigned total = 8 * x->halves, from = high ? total / 2 : 0;
    union simd_value r = x->d;
    for (unsigned i = 0; i < total; i++) {
        unsigned lane = i / size, byte = from + lane / 2 * size + i % size;
        r.b[i] = lane & 1 ? x->s.b[byte] : x->d.b[byte];
    }
    x->d = r;
}

/* Halves to bytes, or words to halves. */
static void pack_bytes(struct simd *x, int lo, int hi)
{
    unsigned n = 4 * x->halves;
    union simd_value r = x->d;
    for (unsigned i = 0; i < 2 * n; i++)
        r.b[i] = (uint8_t)lane_clamp((int16_t)(i < n ? x->d.h[i] : x->s.h[i - n]), lo, hi);
    x->d = r;
}

static void pack_halves(struct simd *x, int lo, int hi)
{
    unsigned n = 2 * x->halves;
    union simd_value r = x->d;
    for (unsigned i = 0; i < 2 * n; i++)
        r.h[i] = (uint16_t)lane_clamp((int32_t)(i < n ? x->d.w[i] : x->s.w[i - n]), lo, hi);
    x->d = r;
}

static void shuffle_bytes(struct simd *x)
{
    unsigned n = 8 * x->halves;
    union simd_value r = x->d;
    for (unsigned i = 0; i < n; i++)
        r.b[i] = x->s.b[i] & 0x80 ? 0 : x->d.b[x->s.b[i] & (n - 1)];
    x->d = r;
}

/* Four halves from `at` on. */
static void shuffle_halves(struct simd *x, unsigned at)
{
    union simd_value r = x->s;
    for (unsigned i = 0; i < 4; i++)
        r.h[at + i] = x->s.h[at + (x->imm >> (2 * i) & 3)];
    x->d = r;
}

static void shuffle_words(struct simd *x, const union simd_value *low)
{
    union simd_value r;
    for (unsigned i = 0; i < 4; i++)
        r.w[i] = (i < 2 ? low : &x->s)->w[x->imm >> (2 * i) & 3];
    x->d = r;
}

/* Bytes of destination:source from the immediate on; beyond are zeros. */
static void align_right(struct simd *x)
{
    unsigned n = 8 * x->halves;
    union simd_value r = x->d;
    for (unsigned i = 0; i < n; i++) {
        unsigned at = i + x->imm;
        r.b[i] = at < n ? x->s.b[at] : at < 2 * n ? x->d.b[at - n] : 0;
    }
    x->d = r;
}

static void shift_bytes(struct simd *x, bool left)
{
    unsigned n = x->imm > 16 ? 16 : x->imm;
    union simd_value r;
    for (unsigned i = 0; i < 16; i++)
        r.b[i] = left ? (i < n ? 0 : x->d.b[i - n]) : (i + n > 15 ? 0 : x->d.b[i + n]);
    x->d = r;
}

/* Lanes of `from` bytes extended to `to` bytes. */
static void extend(struct simd *x, unsigned from, unsigned to, bool is_signed)
{
    union simd_value r;
    for (unsigned i = 0; i < 16; i++) {
        unsigned lane = i / to, byte = i % to;
        bool minus = is_signed && x->s.b[lane * from + from - 1] & 0x80;
        r.b[i] = byte < from ? x->s.b[lane * from + byte] : minus ? 0xff : 0;
    }
    x->d = r;
}

/* Lanes of `size` bytes whose bit in the mask is set come from the source. */
static void blend(struct simd *x, unsigned size, unsigned mask)
{
    for (unsigned i = 0; i < 16; i++)
        if (mask >> (i / size) & 1)
            x->d.b[i] = x->s.b[i];
}

/* The mask of the variable blends: sign bits of XMM0's lanes. */
static unsigned lane_signs(const struct simd *x, unsigned size)
{
    unsigned mask = 0;
    for (unsigned i = size - 1; i < 16; i += size)
        mask |= (unsigned)(x->cpu->xmm[0][i / 8] >> (8 * (i % 8) + 7) & 1) << (i / size);
    return mask;
}

static void insert_single(struct simd *x)
{
    unsigned from = x->g->opnd[1].kind == GO_MEM ? 0 : x->imm >> 6;
    uint32_t v = x->s.w[from];
    x->d.w[x->imm >> 4 & 3] = v;
    for (unsigned i = 0; i < 4; i++)
        if (x->imm >> i & 1)
            x->d.w[i] = 0;
}

static bool extends(struct simd *x)
{
    switch (x->g->op) {
    case G_PMOVSXBW: extend(x, 1, 2, true); return true;
    case G_PMOVSXBD: extend(x, 1, 4, true); return true;
    case G_PMOVSXBQ: extend(x, 1, 8, true); return true;
    case G_PMOVSXWD: extend(x, 2, 4, true); return true;
    case G_PMOVSXWQ: extend(x, 2, 8, true); return true;
    case G_PMOVSXDQ: extend(x, 4, 8, true); return true;
    case G_PMOVZXBW: extend(x, 1, 2, false); return true;
    case G_PMOVZXBD: extend(x, 1, 4, false); return true;
    case G_PMOVZXBQ: extend(x, 1, 8, false); return true;
    case G_PMOVZXWD: extend(x, 2, 4, false); return true;
    case G_PMOVZXWQ: extend(x, 2, 8, false); return true;
    case G_PMOVZXDQ: extend(x, 4, 8, false); return true;
    default: return false;
    }
}

static bool single_lanes(struct simd *x)
{
    const struct gopnd *o = x->g->opnd;
    unsigned half_mask = 4 * x->halves - 1;
    switch (x->g->op) {
    case G_PINSRB: x->d.b[x->imm & 15] = (uint8_t)x->s.q[0]; return true;
    case G_PINSRW: x->d.h[x->imm & half_mask] = (uint16_t)x->s.q[0]; return true;
    case G_PINSRD:
        if (o[1].size == 8)
            x->d.q[x->imm & 1] = x->s.q[0];
        else
            x->d.w[x->imm & 3] = (uint32_t)x->s.q[0];
        return true;
    case G_PEXTRB: x->d.q[0] = x->s.b[x->imm & 15]; return true;
    case G_PEXTRW: x->d.q[0] = x->s.h[x->imm & half_mask]; return true;
    case G_PEXTRD: x->d.q[0] = o[0].size == 8 ? x->s.q[x->imm & 1] : x->s.w[x->imm & 3]; return true;
    case G_EXTRACTPS: x->d.q[0] = x->s.w[x->imm & 3]; return true;
    case G_INSERTPS: insert_single(x); return true;
    default: return false;
    }
}

bool simd_shuffle(struct simd *x)
{
    switch (x->g->op) {
    case G_PUNPCKLBW: unpack(x, 1, false); return true;
    case G_PUNPCKLWD: unpack(x, 2, false); return true;
    case G_UNPCKLPS:
    case G_PUNPCKLDQ: unpack(x, 4, false); return true;
    case G_UNPCKLPD:
    case G_PUNPCKLQDQ: unpack(x, 8, false); return true;
    case G_PUNPCKHBW: unpack(x, 1, true); return true;
    case G_PUNPCKHWD: unpack(x, 2, true); return true;
    case G_UNPCKHPS:
    case G_PUNPCKHDQ: unpack(x, 4, true); return true;
    case G_UNPCKHPD:
    case G_PUNPCKHQDQ: unpack(x, 8, true); return true;
    case G_PACKSSWB: pack_bytes(x, INT8_MIN, INT8_MAX); return true;
    case G_PACKUSWB: pack_bytes(x, 0, UINT8_MAX); return true;
    case G_PACKSSDW: pack_halves(x, INT16_MIN, INT16_MAX); return true;
    case G_PACKUSDW: pack_halves(x, 0, UINT16_MAX); return true;
    case G_PSHUFB: shuffle_bytes(x); return true;
    case G_PSHUFW:
    case G_PSHUFLW: shuffle_halves(x, 0); return true;
    case G_PSHUFHW: shuffle_halves(x, 4); return true;
    case G_PSHUFD: shuffle_words(x, &x->s); return true;
    case G_SHUFPS: shuffle_words(x, &x->d); return true;
    case G_SHUFPD:
        x->d.q[0] = x->d.q[x->imm & 1];
        x->d.q[1] = x->s.q[x->imm >> 1 & 1];
        return true;
    case G_PALIGNR: align_right(x); return true;
    case G_PSLLDQ: shift_bytes(x, true); return true;
    case G_PSRLDQ: shift_bytes(x, false); return true;
    case G_PBLENDW: blend(x, 2, x->imm); return true;
    case G_BLENDPS: blend(x, 4, x->imm); return true;
    case G_BLENDPD: blend(x, 8, x->imm); return true;
    case G_PBLENDVB: blend(x, 1, lane_signs(x, 1)); return true;
    case G_BLENDVPS: blend(x, 4, lane_signs(x, 4)); return true;
    case G_BLENDVPD: blend(x, 8, lane_signs(x, 8)); return true;
    default: return single_lanes(x) || extends(x);
    }
}
