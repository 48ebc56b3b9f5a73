/* Memory operands: addresses made from what the registers hold. */
#include <string.h>

#include "oracle.h"

static void put32(uint8_t *p, uint32_t v) { memcpy(p, &v, 4); }

uint32_t generator_segment_base(const struct generator *gen, const struct oracle_state *s, unsigned seg)
{
    if (gen->kind.mode == GUEST_X86_64)
        return seg == GUEST_FS ? (uint32_t)ORACLE_FS : seg == GUEST_GS ? (uint32_t)ORACLE_TLS : 0;
    return (s->seg[seg] & 0xfffc) == 0x60 ? ORACLE_TLS : 0;
}

/* The same in 64-bit mode, where most registers are too far from anything. */
static unsigned put_mem64(struct generator *gen, const struct oracle_state *s, unsigned reg, uint64_t offset, unsigned behind,
                          uint8_t *rex, uint8_t *p)
{
    struct random *r = &gen->rng;
    unsigned n = 0;
    for (unsigned tries = 0; tries < 12; tries++) {
        unsigned base = random_below(r, 16), index = random_below(r, 2) ? 4 : random_below(r, 16), scale = random_below(r, 4);
        uint64_t disp = offset - s->gpr[base] - (index != 4 ? s->gpr[index] << scale : 0);
        if (gen->addr32)
            disp = (uint64_t)(int32_t)disp;
        if (disp != (uint64_t)(int32_t)disp)
            continue;
        bool sib = index != 4 || (base & 7) == 4, small = disp == (uint64_t)(int8_t)disp && random_below(r, 4);
        unsigned mod = disp == 0 && (base & 7) != 5 && random_below(r, 4) ? 0 : small ? 1 : 2;
        *rex |= (uint8_t)(base >> 3 | (index >> 3) << 1);
        p[n++] = (uint8_t)(mod << 6 | reg << 3 | (sib ? 4 : base & 7));
        if (sib)
            p[n++] = (uint8_t)(scale << 6 | (index & 7) << 3 | (base & 7));
        memcpy(p + n, &disp, 4);
        return n + (mod == 0 ? 0 : mod == 1 ? 1 : 4);
    }
    bool absolute = offset == (uint64_t)(int32_t)offset && random_below(r, 2);
    uint64_t disp = absolute ? offset : offset - (s->rip + behind + 5);
    if (disp != (uint64_t)(int32_t)disp)
        return 0;
    p[n++] = (uint8_t)(reg << 3 | (absolute ? 4 : 5));
    if (absolute)
        p[n++] = 0x25;
    memcpy(p + n, &disp, 4);
    return n + 4;
}

/* 16-bit addresses: only through GS do they reach data. */
static unsigned put_mem16(struct generator *gen, const struct oracle_state *s, unsigned reg, uint16_t offset, uint8_t *p)
{
    static const uint8_t regs[8][2] = {{GUEST_RBX, GUEST_RSI}, {GUEST_RBX, GUEST_RDI}, {GUEST_RBP, GUEST_RSI},
                                       {GUEST_RBP, GUEST_RDI}, {GUEST_RSI, 16},        {GUEST_RDI, 16},
                                       {GUEST_RBP, 16},        {GUEST_RBX, 16}};
    struct random *r = &gen->rng;
    unsigned rm = random_below(r, 9), n = 0;
    uint16_t disp = offset;
    if (rm < 8)
        for (unsigned i = 0; i < 2; i++)
            disp = (uint16_t)(disp - (regs[rm][i] < 16 ? s->gpr[regs[rm][i]] : 0));
    unsigned mod = rm == 8 ? 0 : disp == 0 && rm != 6 ? 0 : disp == (uint16_t)(int8_t)disp ? 1 : 2;
    p[n++] = (uint8_t)(mod << 6 | reg << 3 | (rm == 8 ? 6 : rm));
    memcpy(p + n, &disp, 2);
    return n + (rm == 8 ? 2 : mod);
}

unsigned generator_mem_prefixes(struct generator *gen, const struct oracle_state *s, uint64_t *base, uint8_t *p)
{
    struct random *r = &gen->rng;
    bool wide = gen->kind.mode == GUEST_X86_64;
    unsigned n = 0;
    *base = 0;
    if (wide && random_below(r, 12) == 0) {
        gen->addr32 = true;
        p[n++] = 0x67;
    }
    if (random_below(r, 10) || (!wide && s->seg[GUEST_GS] != 0x63))
        return n;
    if (!wide && random_below(r, 3)) {
        gen->addr16 = true;
        p[n++] = 0x67;
    }
    bool fs = wide && random_below(r, 2);
    p[n++] = fs ? 0x64 : 0x65;
    *base = generator_segment_base(gen, s, fs ? GUEST_FS : GUEST_GS);
    return n;
}

unsigned generator_put_mem(struct generator *gen, const struct oracle_state *s, unsigned reg, uint32_t target,
                           uint64_t base_of_seg, unsigned at, unsigned tail, uint8_t *rex, uint8_t *p)
{
    struct random *r = &gen->rng;
    if (gen->addr16)
        return target - base_of_seg < 0x10000 - 512 ? put_mem16(gen, s, reg, (uint16_t)(target - base_of_seg), p) : 0;
    if (gen->kind.mode == GUEST_X86_64)
        return put_mem64(gen, s, reg, target - base_of_seg, at + tail, rex, p);
    if (base_of_seg && target - (uint32_t)base_of_seg > UINT32_MAX - 512) /* beyond the segment's end: morph wraps around */
        return 0;
    uint32_t offset = target - (uint32_t)base_of_seg;
    unsigned base = random_below(r, 9), index = random_below(r, 3) ? 4 : random_below(r, 8), scale = random_below(r, 4), n = 0;
    if (base == 8 && index == 4 && random_below(r, 2)) { /* disp32 alone */
        p[n++] = (uint8_t)(reg << 3 | 5);
        put32(p + n, offset);
        return n + 4;
    }
    uint32_t sum = (uint32_t)((base < 8 ? s->gpr[base] : 0) + (index != 4 ? s->gpr[index] << scale : 0)), disp = offset - sum;
    bool sib = base == 8 || index != 4 || base == 4 || random_below(r, 8) == 0;
    unsigned mod = base == 8 ? 0 : (int32_t)disp == (int8_t)disp && random_below(r, 4) ? 1 : 2;
    if (base < 8 && base != 5 && disp == 0 && random_below(r, 4))
        mod = 0;
    p[n++] = (uint8_t)(mod << 6 | reg << 3 | (sib ? 4 : base));
    if (sib)
        p[n++] = (uint8_t)(scale << 6 | index << 3 | (base == 8 ? 5 : base));
    if (mod == 1) {
        p[n++] = (uint8_t)disp;
    } else if (mod == 2 || base == 8) {
        put32(p + n, disp);
        n += 4;
    }
    return n;
}
