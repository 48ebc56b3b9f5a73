/* Operands into the words of gen_info, by format. Field positions are those of isa-spec/duke/formats.toml; tests/gen decodes
 * and re-encodes all that comes out with the generated codec.
 */
#pragma once
#include "gen.h"

static inline uint32_t words_rd(unsigned r) { return (uint32_t)r << 18; }
static inline uint32_t words_ra(unsigned r) { return (uint32_t)r << 12; }
static inline uint32_t words_rb(unsigned r) { return (uint32_t)r << 6; }

static inline void words_r3(struct gen_op *o, const struct gen_info *t, unsigned rd, unsigned ra, unsigned rb)
{
    o->w[0] = t->reg | words_rd(rd) | words_ra(ra) | words_rb(rb);
    o->w[1] = 0;
    o->nwords = 1;
}

/* R3 with an immediate: six bits, or 35. */
static inline void words_r3i(struct gen_op *o, const struct gen_info *t, unsigned rd, unsigned ra, int32_t k)
{
    uint32_t regs = words_rd(rd) | words_ra(ra) | ((uint32_t)k & 63) << 6;
    bool small = k == (int32_t)((uint32_t)k << 26) >> 26;
    o->w[0] = (small ? t->imm : t->ext[0]) | regs;
    o->w[1] = t->ext[1] | ((uint32_t)(k >> 6) & 0x1fffffff);
    o->nwords = small ? 1 : 2;
}

/* RI: 12 bits, or 41. */
static inline void words_ri(struct gen_op *o, const struct gen_info *t, unsigned rd, unsigned ra, int64_t k)
{
    o->w[0] = t->imm | words_rd(rd) | words_ra(ra) | ((uint32_t)k & 0xfff);
    o->w[1] = t->ext[1] | ((uint32_t)(k >> 12) & 0x1fffffff);
    o->nwords = k == (int64_t)((uint64_t)k << 52) >> 52 ? 1 : 2;
}

/* LI: 18 bits, or 47. */
static inline void words_li(struct gen_op *o, const struct gen_info *t, unsigned rd, int64_t k)
{
    o->w[0] = t->imm | words_rd(rd) | ((uint32_t)k & 0x3ffff);
    o->w[1] = t->ext[1] | ((uint32_t)(k >> 18) & 0x1fffffff);
    o->nwords = k == (int64_t)((uint64_t)k << 46) >> 46 ? 1 : 2;
}

static inline void words_r4(struct gen_op *o, const struct gen_info *t, unsigned rd, unsigned ra, unsigned rb, unsigned rc,
                            unsigned cc)
{
    o->w[0] = (t->fmt == DUKE_FMT_R4X ? t->ext[0] : t->reg) | words_rd(rd) | words_ra(ra) | words_rb(rb) | rc;
    o->w[1] = t->ext[1] | cc;
    o->nwords = t->fmt == DUKE_FMT_R4X ? 2 : 1;
}

/* MEM: [ra + simm12], or [ra + (rb << scale) + simm32]. */
static inline void words_mem(struct gen_op *o, const struct gen_info *t, unsigned rd, unsigned ra, unsigned rb, unsigned scale,
                             int32_t k)
{
    uint32_t regs = words_rd(rd) | words_ra(ra);
    if (rb == 0 && k == (int32_t)((uint32_t)k << 20) >> 20) {
        o->w[0] = t->imm | regs | ((uint32_t)k & 0xfff);
        o->w[1] = 0;
        o->nwords = 1;
        return;
    }
    o->w[0] = t->ext[0] | regs | words_rb(rb) | (uint32_t)scale << 4 | ((uint32_t)k & 7);
    o->w[1] = t->ext[1] | ((uint32_t)(k >> 3) & 0x1fffffff);
    o->nwords = 2;
}

/* BC and BF, always with the extension word, so that any target can be patched in. */
static inline void words_branch(struct gen_op *o, const struct gen_info *t, unsigned ra, unsigned rb, unsigned cc)
{
    o->w[0] = t->ext[0] | (t->fmt == DUKE_FMT_BF ? (uint32_t)cc << 20 | words_ra(ra) : words_rd(ra) | words_ra(rb));
    o->w[1] = t->ext[1];
    o->nwords = 2;
}
