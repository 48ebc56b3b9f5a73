/* Instructions from rows: prefixes, ModRM and immediates, with operands chosen from the CPU's state. */
#include <string.h>

#include "oracle.h"
#include "rows.h"

static void put32(uint8_t *p, uint32_t v) { memcpy(p, &v, 4); }

static uint32_t segment_base(const struct generator *gen, const struct oracle_state *s, unsigned seg)
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

unsigned generator_put_mem(struct generator *gen, const struct oracle_state *s, unsigned reg, uint32_t target,
                           uint64_t base_of_seg, unsigned at, unsigned tail, uint8_t *rex, uint8_t *p)
{
    struct random *r = &gen->rng;
    if (gen->kind.mode == GUEST_X86_64)
        return put_mem64(gen, s, reg, target - base_of_seg, at + tail, rex, p);
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

static unsigned put_imm(struct generator *gen, unsigned size, uint8_t *p)
{
    uint32_t v = random_value(&gen->rng);
    memcpy(p, &v, size);
    return size;
}

/* Prefixes before the opcode; *seg gets the segment of the memory operand. */
static unsigned put_prefixes(struct generator *gen, const struct row *row, bool memory, bool small, unsigned *seg, uint8_t *p)
{
    struct random *r = &gen->rng;
    unsigned n = 0;
    if (memory) {
        if (row->what & LOCK && random_below(r, 8) == 0)
            p[n++] = 0xf0;
        switch (random_below(r, 16)) {
        case 0:
            if (!(row->what & BIT)) { /* else the sum may pass the segment's end, where morph wraps around */
                p[n++] = 0x65;
                *seg = GUEST_GS;
            }
            break;
        case 1: p[n++] = (uint8_t)(0x26 | random_below(r, 4) << 3); break; /* es cs ss ds: all flat */
        case 2:
            if (random_below(r, 8) == 0) {
                p[n++] = 0x64;
                *seg = GUEST_FS;
            }
            break;
        default: break;
        }
    } else if (random_below(r, 500) == 0) {
        p[n++] = 0xf0; /* invalid */
    }
    if (small)
        p[n++] = 0x66;
    if (row->map0f && row->map0f != 0x0f)
        p[n++] = row->map0f;
    return n;
}

unsigned generator_row(struct generator *gen, const struct oracle_state *s, const struct row *row, uint8_t *p)
{
    struct random *r = &gen->rng;
    unsigned form = row->what & 0xf;
    bool wide = gen->kind.mode == GUEST_X86_64;
    bool small = !(row->what & BYTE) && random_below(r, 6) == 0;
    bool memory = form == MEM || (form == RM && random_below(r, 2));
    unsigned reg = row->reg >= 0 ? (unsigned)row->reg : random_below(r, 8);
    unsigned seg = GUEST_DS, rex_at = 0;
    uint8_t rex = 0;

    if (!row->map0f && row->opcode == 0x8c)
        reg = random_below(r, 16) ? random_below(r, 6) : reg;
    if (row->map0f == 0x0f && row->opcode == 0xae)
        small = false;
    unsigned n = put_prefixes(gen, row, memory, small, &seg, p);
    if (wide) {
        gen->addr32 = memory && !(row->what & BIT) && random_below(r, 10) == 0;
        if (gen->addr32) {
            memmove(p + 1, p, n++);
            p[0] = 0x67;
        }
        rex_at = n++;
        rex = (uint8_t)(random_below(r, 3) ? 0x40 | (random_below(r, 2) ? 8 : 0) | random_below(r, 2) << 2 : 0);
        if (row->reg >= 0 || (!row->map0f && row->opcode == 0x8c))
            rex &= 0xfb;
        if (rex && !memory)
            rex |= (uint8_t)random_below(r, 2);
    }
    bool quad = rex & 8 && !(row->what & BYTE);
    if (row->map0f)
        p[n++] = 0x0f;
    uint8_t opcode = row->opcode;
    if (form == OPREG)
        opcode |= (uint8_t)random_below(r, 8);
    if (row->what & CC)
        opcode |= (uint8_t)random_below(r, 16);
    p[n++] = opcode;
    unsigned imm = row->what & 0xf0, imm_size = !imm ? 0 : imm == IMM8 ? 1 : imm == IMM16 || (small && !quad) ? 2 : 4;
    if (imm == IMMZ && quad && !row->map0f && (opcode & 0xf8) == 0xb8)
        imm_size = 8;                                                    /* mov r64, imm64 */
    if (!wide && memory && row->what & LEA && random_below(r, 4) == 0) { /* 16-bit addressing, forms without displacement */
        memmove(p + 1, p, n);
        p[0] = 0x67;
        n++;
        unsigned rm = random_below(r, 8);
        p[n++] = (uint8_t)(reg << 3 | rm);
        if (rm == 6)
            n += put_imm(gen, 2, p + n);
    } else if (memory) {
        uint32_t target = random_data(r, quad ? 8 : small ? 2 : 4);
        if (row->what & LEA)
            target = random_value(r);
        uint64_t base = segment_base(gen, s, seg), offset = 0;
        if (row->what & BIT) {
            unsigned log = quad ? 6 : small ? 4 : 5;
            uint64_t v = s->gpr[reg | (rex & 4) << 1];
            int64_t bit = quad ? (int64_t)v : small ? (int16_t)v : (int32_t)v;
            offset = (uint64_t)((bit >> log) * (1 << (log - 3)));
        }
        if (!wide) {
            target -= (uint32_t)offset;
            offset = 0;
        }
        if (!wide && base && target - (uint32_t)base > UINT32_MAX - 16) /* beyond the segment's end: morph wraps around */
            target += 32;
        unsigned done = generator_put_mem(gen, s, reg, target, base + offset, n - !rex, imm_size, &rex, p + n);
        if (!done)
            return 0;
        if (rex)
            rex |= 0x40;
        n += done;
    } else if (form == RM || form == REG) {
        p[n++] = (uint8_t)(0xc0 | reg << 3 | random_below(r, 8));
    }
    if (imm_size == 8) {
        uint64_t v = random_value64(r);
        memcpy(p + n, &v, 8);
        n += 8;
    } else if (imm_size) {
        n += put_imm(gen, imm_size, p + n);
    }
    if (!wide)
        return n;
    if (rex) {
        p[rex_at] = rex;
        return n;
    }
    memmove(p + rex_at, p + rex_at + 1, n - rex_at - 1);
    return n - 1;
}
