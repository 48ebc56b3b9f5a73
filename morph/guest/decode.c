/* The guest decoder: prefixes, a walk from the opcode's table entry to its row, ModRM, immediates, then operands.
 *
 * An entry of an opcode map is a row of decode_rows or a node that selects among further entries (guest_decode.inc). Most
 * opcodes have a row at once; groups cost one step, SSE's mandatory prefixes another. Prefix bytes have no entry in the
 * one-byte map, so an instruction without prefixes never looks for them.
 */
#include "decode.h"

#include <stddef.h>

#include "guest_decode.inc"

#define X(name, text, read, written, undefined, attr) [G_##name] = {read, written, undefined, attr},
const struct gop_info gop_infos[GOP_COUNT] = {GOP_TABLE(X)};
#undef X

_Static_assert(sizeof decode_rows / sizeof *decode_rows <= DECODE_ROWS, "the table has grown: DECODE_ROWS must too");

enum { REX_B = 1, REX_X = 2, REX_R = 4, REX_W = 8 };
enum { PFX_NONE, PFX_66, PFX_F3, PFX_F2 }; /* values of SEL_PFX */
enum { MODRM_REGISTER = 0xc0 };            /* from here on, rm is a register */

/* What is known of the instruction while it is being decoded. */
struct decoding {
    const uint8_t *bytes;
    unsigned pos, limit; /* limit: bytes that may be read */
    unsigned mode, rex, rep, opsize_prefix, addrsize_prefix;
    unsigned prefixes, opcode, modrm;
    unsigned size_log; /* effective operand size, as a shift */
    bool vex;          /* there is a VEX prefix */
};

/* Flags that conditions read, for each pair of a condition and its negation. */
static const uint8_t cc_flags[8] = {0x20, 0x01, 0x08, 0x09, 0x10, 0x02, 0x30, 0x38};

/* Bits of a register number that count. */
static const uint8_t kind_registers[] = {
    [GO_REG] = 15, [GO_SEG] = 7, [GO_CR] = 15, [GO_DR] = 15, [GO_ST] = 7, [GO_MMX] = 7, [GO_XMM] = 15,
};

static inline bool lacks(const struct decoding *d, unsigned n) { return d->limit - d->pos < n; }

static inline int64_t take(struct decoding *d, unsigned size)
{
    const uint8_t *p = d->bytes + d->pos;
    d->pos += size;
    switch (size) {
    case 1: return (int8_t)*p;
    case 2: {
        int16_t v;
        __builtin_memcpy(&v, p, 2);
        return v;
    }
    case 4: {
        int32_t v;
        __builtin_memcpy(&v, p, 4);
        return v;
    }
    default: {
        int64_t v;
        __builtin_memcpy(&v, p, 8);
        return v;
    }
    }
}

/* Notes the prefix `byte`; false if it is none. */
static bool note_prefix(struct decoding *d, unsigned byte, struct ginsn *out)
{
    unsigned rex = 0;
    switch (byte) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e: /* ES CS SS DS: ignored in 64-bit mode, even after FS or GS */
        if (d->mode == GUEST_IA32) {
            d->prefixes |= GPFX_SEG;
            out->seg = (uint8_t)(byte >> 3 & 3);
        }
        break;
    case 0x64:
    case 0x65:
        d->prefixes |= GPFX_SEG;
        out->seg = (uint8_t)(byte - 0x64 + GUEST_FS);
        break;
    case 0x66: d->opsize_prefix = 1; break;
    case 0x67: d->addrsize_prefix = 1; break;
    case 0xf0: d->prefixes |= GPFX_LOCK; break;
    case 0xf2: d->rep = PFX_F2; break;
    case 0xf3: d->rep = PFX_F3; break;
    default:
        if (d->mode == GUEST_IA32 || (byte & 0xf0) != 0x40)
            return false;
        rex = byte;
    }
    d->rex = rex; /* REX counts only right before the opcode */
    return true;
}

/* Follows selectors from `entry` to a row number: 0 if there is no such instruction, -1 if bytes are lacking. */
static inline int find_row(struct decoding *d, unsigned entry)
{
    while (entry >> 12) {
        unsigned select = entry >> 12, value, modrm = 0;
        if (select >= SEL_MOD) {
            if (lacks(d, 1))
                return -1;
            modrm = d->bytes[d->pos];
        }
        switch (select) {
        case SEL_MODE: value = d->mode; break;
        case SEL_REXB: value = d->rex & REX_B; break;
        case SEL_REXW: value = d->rex >> 3 & 1; break;
        case SEL_PFX: value = d->rep ? d->rep : d->opsize_prefix; break;
        case SEL_MOD: value = modrm >= MODRM_REGISTER; break;
        case SEL_REG: value = modrm >> 3 & 7; break;
        default: value = modrm & 7; break;
        }
        entry = decode_nodes[(entry & 0xfff) + value];
    }
    return (int)entry;
}

/* The rest of a memory operand with 16-bit addressing. False: bytes are lacking. */
static bool take_mem16(struct decoding *d, struct ginsn *out)
{
    static const uint8_t base[8] = {GUEST_RBX, GUEST_RBX, GUEST_RBP, GUEST_RBP, GUEST_RSI, GUEST_RDI, GUEST_RBP, GUEST_RBX};
    static const uint8_t index[8] = {GUEST_RSI, GUEST_RDI, GUEST_RSI, GUEST_RDI, GREG_NONE, GREG_NONE, GREG_NONE, GREG_NONE};
    unsigned mod = d->modrm >> 6, rm = d->modrm & 7, disp = mod;
    out->base = base[rm];
    out->index = index[rm];
    if (mod == 0 && rm == 6) {
        out->base = GREG_NONE;
        disp = 2;
    } else if (out->base == GUEST_RBP && !(d->prefixes & GPFX_SEG)) {
        out->seg = GUEST_SS;
    }
    if (disp) {
        if (lacks(d, disp))
            return false;
        out->disp = take(d, disp);
    }
    return true;
}

/* The rest of a memory operand with 32- or 64-bit addressing. False: bytes are lacking. */
static inline bool take_mem(struct decoding *d, struct ginsn *out)
{
    unsigned mod = d->modrm >> 6, base = d->modrm & 7, disp = mod == 2 ? 4 : mod;
    if (base == 4) {
        if (lacks(d, 1))
            return false;
        unsigned sib = d->bytes[d->pos++];
        unsigned index = (sib >> 3 & 7) | (d->rex & REX_X) << 2;
        base = sib & 7;
        out->scale = (uint8_t)(sib >> 6);
        if (index != 4)
            out->index = (uint8_t)index;
        else
            out->scale = 0;
        if (base == 5 && mod == 0) {
            base = GREG_NONE;
            disp = 4;
        }
    } else if (base == 5 && mod == 0) {
        base = d->mode == GUEST_IA32 ? GREG_NONE : GREG_RIP;
        disp = 4;
    }
    if (base < 8) {
        base |= (d->rex & REX_B) << 3;
        if ((base == GUEST_RSP || base == GUEST_RBP) && !(d->prefixes & GPFX_SEG))
            out->seg = GUEST_SS;
    }
    out->base = (uint8_t)base;
    if (disp) {
        if (lacks(d, disp))
            return false;
        out->disp = take(d, disp);
    }
    return true;
}

/* Immediates and moffs. False: bytes are lacking. */
static inline bool take_imm(struct decoding *d, unsigned kind, struct ginsn *out)
{
    unsigned size = kind == IK_MOFFS ? out->addrsize : imm_sizes[4 * kind + d->size_log];
    if (lacks(d, size))
        return false;
    int64_t v = out->imm = take(d, size);
    if (kind < IK_UB)
        return true;
    uint64_t zero_extended = size == 8 ? (uint64_t)v : (uint64_t)v & ((UINT64_C(1) << 8 * size) - 1);
    if (kind == IK_MOFFS) {
        out->disp = (int64_t)zero_extended;
        out->imm = 0;
        return true;
    }
    out->imm = (int64_t)zero_extended;
    unsigned size2 = kind == IK_FAR ? 2 : kind == IK_ENTER ? 1 : 0;
    if (lacks(d, size2))
        return false;
    if (size2)
        out->imm2 = size2 == 2 ? (uint16_t)take(d, 2) : (uint8_t)take(d, 1);
    return true;
}

/* The operands by their codes of the table. */
static inline void set_operands(const struct decoding *d, const struct decode_row *row, struct ginsn *out)
{
    /* Register numbers by OS_*, a byte each; the fixed number comes from the code. */
    uint32_t numbers = ((d->modrm >> 3 & 7) | (d->rex & REX_R) << 1) << 8 | ((d->modrm & 7) | (d->rex & REX_B) << 3) << 16 |
                       ((d->opcode & 7) | (d->rex & REX_B) << 3) << 24;
    bool mem = d->modrm < MODRM_REGISTER;
    for (unsigned i = 0; i < row->nopnds; i++) {
        unsigned code = row->opnd[i], kind = code >> 12, size = opnd_sizes[(code & 0x3f) + d->size_log];
        unsigned reg = (code >> 6 & 7) | (numbers >> (code >> 10 & 3) * 8 & 15);
        if (code & OPND_MEM && mem) {
            kind = GO_MEM;
            reg = 0;
        } else if (kind == GO_REG) {
            if (size == 1 && reg - 4 < 4 && !d->rex) {
                kind = GO_REGH;
                reg -= 4;
            }
        } else {
            reg &= kind_registers[kind];
        }
        out->opnd[i] = (struct gopnd){(uint8_t)kind, (uint8_t)reg, (uint8_t)size};
    }
}

/* Whether the segment, control or debug register exists and may be written. */
static bool register_exists(const struct ginsn *out)
{
    const struct gopnd *o = out->opnd[0].kind >= GO_SEG && out->opnd[0].kind <= GO_DR ? &out->opnd[0] : &out->opnd[1];
    if (o->kind == GO_SEG)
        return o->reg < GUEST_SEGS && !(out->op == G_MOV_TO_SEG && o->reg == GUEST_CS);
    if (o->kind == GO_CR) /* CR0, 2, 3, 4, 8 */
        return 0x11d >> o->reg & 1;
    return o->reg < 8;
}

static inline unsigned operand_size_log(const struct decoding *d, unsigned attr)
{
    bool small = d->opsize_prefix && !(attr & RA_P66);
    if (attr & RA_BYTE)
        return 0;
    if (d->mode == GUEST_IA32)
        return small ? 1 : 2;
    if (d->rex & REX_W || attr & RA_F64)
        return attr & RA_MAX4 ? 2 : 3;
    return small ? 1 : attr & RA_D64 ? 3 : 2;
}

/* What a condition, a count or a REP prefix change about the flags that the row says. */
static void adjust_flags(const struct decoding *d, const struct decode_row *row, struct ginsn *out)
{
    if (row->attr & RA_CC) {
        out->cc = (uint8_t)(d->opcode & 15);
        out->flags_read = cc_flags[out->cc >> 1];
    } else if (row->imm == IK_UB) {
        if (!(out->imm & (d->size_log == 3 ? 63 : 31)))
            out->flags_read = out->flags_written = 0;
    } else if (row->nopnds ? !(row->attr & RA_ONE) : d->rep) { /* the count is in CL, or REP may execute nothing */
        out->flags_read |= out->flags_written;
    }
}

/* The entry of an opcode after 0F; -1: bytes are lacking. */
static inline int find_opcode_0f(struct decoding *d)
{
    if (lacks(d, 1))
        return -1;
    d->opcode = d->bytes[d->pos++];
    if (d->opcode != 0x38 && d->opcode != 0x3a)
        return decode_map_0f[d->opcode];
    const uint16_t *map = d->opcode == 0x38 ? decode_map_0f38 : decode_map_0f3a;
    if (lacks(d, 1))
        return -1;
    d->opcode = d->bytes[d->pos++];
    return map[d->opcode];
}

/* The opcode's map entry; -1: bytes are lacking. Prefixes are noted on the way. */
static int find_opcode(struct decoding *d, struct ginsn *out)
{
    for (;;) {
        if (lacks(d, 1))
            return -1;
        unsigned byte = d->opcode = d->bytes[d->pos++];
        unsigned entry = decode_map_one[byte];
        if (entry >> 12 == SEL_MODE)
            entry = decode_nodes[(entry & 0xfff) + d->mode];
        if (entry)
            return (int)entry;
        if (byte == 0x0f)
            return find_opcode_0f(d);
        if (!note_prefix(d, byte, out))
            return 0;
    }
}

static enum decode_result decode_vex(const struct decoding *d, struct ginsn *out);

/* All after the opcode. Inlined twice: once for no prefix at all in IA-32, where most of `d` is constant. */
static inline __attribute__((always_inline)) enum decode_result decode_rest(struct decoding d, int entry, struct ginsn *out)
{
    enum decode_result lacking = d.limit < GUEST_INSN_MAX ? DECODE_TOO_SHORT : DECODE_TOO_LONG;
    if (entry > 0)
        entry = find_row(&d, (unsigned)entry);
    if (entry <= 0)
        return entry ? lacking : d.opcode == 0xc4 && !d.vex ? decode_vex(&d, out) : DECODE_INVALID;
    const struct decode_row *row = &decode_rows[entry];
    unsigned attr = row->attr;

    d.size_log = operand_size_log(&d, attr);
    out->addrsize = (uint8_t)((d.mode == GUEST_IA32 ? 4 : 8) >> d.addrsize_prefix);
    if (attr & RA_MODRM) {
        if (lacks(&d, 1))
            return lacking;
        d.modrm = d.bytes[d.pos++];
        if (d.modrm < MODRM_REGISTER && !(attr & RA_NOMEM)) {
            if (!(out->addrsize == 2 ? take_mem16(&d, out) : take_mem(&d, out)))
                return lacking;
        }
    }
    if (row->imm != IK_NONE && !take_imm(&d, row->imm, out))
        return lacking;
    set_operands(&d, row, out);
    out->op = row->op;
    out->len = (uint8_t)d.pos;
    out->opsize = (uint8_t)(1u << d.size_log);
    out->nopnds = row->nopnds;
    out->flags_read = row->flags_read;
    out->flags_written = row->flags_written;
    out->feature = row->feature;
    if (d.prefixes | d.rep) {
        if (d.prefixes & GPFX_LOCK && (!(attr & RA_LOCK) || d.modrm >= MODRM_REGISTER))
            return DECODE_INVALID;
        if (d.rep && !(attr & RA_REPUSED))
            d.prefixes |= d.rep == PFX_F3 ? GPFX_REP : GPFX_REPNE;
        out->prefixes = (uint8_t)d.prefixes;
    }
    if (attr & (RA_CC | RA_MAYBE | RA_X87 | RA_ONE | RA_CHECK)) {
        if (attr & RA_ONE)
            out->imm = 1;
        if (attr & RA_X87) /* what the x87 keeps as the last instruction's opcode */
            out->imm2 = (uint16_t)((d.opcode & 7) << 8 | d.modrm);
        if (attr & RA_CHECK && !register_exists(out))
            return DECODE_INVALID;
        if (attr & (RA_CC | RA_MAYBE))
            adjust_flags(&d, row, out);
    }
    return DECODE_OK;
}

enum decode_result guest_decode(const uint8_t *bytes, unsigned avail, enum guest_mode mode, struct ginsn *out)
{
    unsigned limit = avail < GUEST_INSN_MAX ? avail : GUEST_INSN_MAX;

    *out = (struct ginsn){.base = GREG_NONE, .index = GREG_NONE, .seg = GUEST_DS};
    if (mode == GUEST_IA32 && limit) {
        struct decoding d = {.bytes = bytes, .limit = limit, .pos = 1, .mode = GUEST_IA32, .opcode = bytes[0]};
        int entry = decode_map_one[d.opcode];
        if (entry >> 12 == SEL_MODE)
            entry = decode_nodes[(entry & 0xfff) + GUEST_IA32];
        if (d.opcode == 0x0f)
            entry = find_opcode_0f(&d);
        if (entry)
            return decode_rest(d, entry, out);
    }
    struct decoding d = {.bytes = bytes, .limit = limit, .mode = mode};
    int entry = find_opcode(&d, out);
    return decode_rest(d, entry, out);
}

/* What looks like no instruction and ends in C4: one with a VEX prefix of three bytes? Its fields are put where those of other
 * prefixes are; the register in vvvv takes the place of one in the opcode. Not inlined: rare. */
__attribute__((noinline)) static enum decode_result decode_vex(const struct decoding *d, struct ginsn *out)
{
    enum decode_result lacking = d->limit < GUEST_INSN_MAX ? DECODE_TOO_SHORT : DECODE_TOO_LONG;
    struct decoding v = {.bytes = d->bytes, .limit = d->limit, .mode = d->mode, .vex = true};
    *out = (struct ginsn){.base = GREG_NONE, .index = GREG_NONE, .seg = GUEST_DS};
    while (v.pos < d->pos - 1) /* the bytes before are prefixes, or this is another map's C4 */
        if (!note_prefix(&v, v.bytes[v.pos++], out))
            return DECODE_INVALID;
    if (v.rex | v.rep | v.opsize_prefix || v.prefixes & GPFX_LOCK)
        return DECODE_INVALID;
    if (lacks(d, 3))
        return lacking;
    unsigned fields = d->bytes[d->pos], more = d->bytes[d->pos + 1], other = ~more >> 3 & 15, row = 0;
    v.pos = d->pos + 3;
    v.opcode = d->bytes[d->pos + 2];
    if (v.mode != GUEST_IA32)
        v.rex = (~fields >> 5 & (REX_B | REX_X | REX_R)) | (more >> 4 & REX_W);
    v.opsize_prefix = (more & 3) == 1;
    v.rep = (more & 3) == 2 ? PFX_F3 : (more & 3) == 3 ? PFX_F2 : PFX_NONE;
    if (more & 4) /* L: 256 bits */
        return DECODE_INVALID;
    for (unsigned i = 0; decode_vex_rows[i].map; i++)
        if (decode_vex_rows[i].map == (fields & 31) && decode_vex_rows[i].opcode == v.opcode)
            row = decode_vex_rows[i].entry;
    int found = find_row(&v, row);
    if (found <= 0)
        return found ? lacking : DECODE_INVALID;
    enum decode_result r = decode_rest(v, (int)row, out);
    bool used = false;
    for (unsigned i = 0; i < decode_rows[found].nopnds; i++) {
        if ((decode_rows[found].opnd[i] >> 10 & 3) != OS_OPCODE)
            continue;
        out->opnd[i].reg = (uint8_t)(other & (v.mode == GUEST_IA32 ? 7 : 15));
        used = true;
    }
    return r == DECODE_OK && !used && other ? DECODE_INVALID : r;
}

uint64_t guest_lacks(uint64_t model, enum guest_mode mode)
{
    static const uint64_t lacking[GMODEL_COUNT] = {GMODEL_LACKS};
    if (model == GMODEL_I686 && mode == GUEST_X86_64)
        model = GMODEL_X86_64;
    return lacking[model < GMODEL_COUNT ? model : GMODEL_MAX];
}

enum decode_result guest_decode_without(struct ginsn *g)
{
    switch (g->op) {
#define X(what, instead) case G_##what: g->op = G_##instead; break;
        GOP_WITHOUT(X)
#undef X
    default: return DECODE_INVALID;
    }
    g->feature = GF_NONE;
    g->flags_read = gop_infos[g->op].flags_read;
    g->flags_written = gop_infos[g->op].flags_written;
    return DECODE_OK;
}

#include "decode_quick.inc"
