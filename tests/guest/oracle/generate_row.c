/* Instructions from rows: prefixes, ModRM and immediates, with operands chosen from the CPU's state. */
#include <string.h>

#include "oracle.h"
#include "rows.h"

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
    if (!wide && seg == GUEST_GS && s->seg[GUEST_GS] == 0x63 && !(row->what & LEA) && random_below(r, 3)) {
        memmove(p + 1, p, n++);
        p[0] = 0x67;
        gen->addr16 = true;
    }
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
        uint64_t base = generator_segment_base(gen, s, seg), offset = 0;
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
        if (!wide && base && target - (uint32_t)base > UINT32_MAX - 512)
            target += 1024;
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
