/* The commonest x87 instructions of IA-32 code, done at once where nothing is unusual: operands and results that are normal numbers
 * or zeros, a stack that is as it should be, no exception that is not masked; where the machine has no unit X, rounding to
 * nearest and to 64 bits and no exception but a masked inexact result. Else helper_other does the instruction (x87.c), and
 * nothing has been changed.
 */
#include "helper.h"
#include "interp_x87.h"
#include "interp_x87_arith.h"

enum { CR0_EM = 4, CR0_TS = 8, CW_ROUND = 0xc00 };

#define X87(name)    enum interp_result x87_##name(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g)
#define SLOW     return helper_other(cpu, m, g)

/* What was read from guest memory has been read, what was written has been: faults are over. */
ALWAYS void faults_done(void) { __asm__ volatile("" ::: "memory"); }

ALWAYS bool usable(const struct guest_cpu *cpu) { return !(cpu->x87.sw & SW_ES) && !(cpu->cr0 & (CR0_EM | CR0_TS)); }

ALWAYS uint64_t address(const struct guest_cpu *cpu, const struct ginsn *g)
{
    uint64_t base = op_selnz(g->base < 16, cpu->gpr[g->base & 15], 0),
             index = op_selnz(g->index < 16, cpu->gpr[g->index & 15], 0);
    return (uint32_t)((uint64_t)g->disp + base + (index << g->scale) + cpu->seg_base[g->seg]);
}

ALWAYS enum interp_result done(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g)
{
    return interp_next(cpu, m, g, interp_handlers[g->next16]);
}

/* Pointers to the last instruction. */
ALWAYS enum interp_result done_st(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g)
{
    cpu->x87.fip = m->interp.rip + g->offset;
    cpu->x87.fcs = cpu->seg_sel[GUEST_CS];
    cpu->x87.fop = g->imm2;
    return done(cpu, m, g);
}

ALWAYS enum interp_result done_mem(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g, uint64_t ea)
{
    cpu->x87.fdp = ea - cpu->seg_base[g->seg];
    cpu->x87.fds = cpu->seg_sel[g->seg];
    return done_st(cpu, m, g);
}

/* ---- The stack ------------------------------------------------------------------------------------------------------------ */

ALWAYS unsigned reg_of(const struct guest_x87 *f, unsigned i) { return ((f->sw >> 11) + i) & 7; }

ALWAYS unsigned tag_at(const struct guest_x87 *f, unsigned p) { return f->tw >> (2 * p) & 3; }

ALWAYS struct res get(const struct guest_x87 *f, unsigned p) { return (struct res){f->mant[p], f->se[p]}; }

/* A normal number or zero. */
ALWAYS void put(struct guest_x87 *f, unsigned p, struct res v)
{
    f->mant[p] = v.mant;
    f->se[p] = (uint16_t)v.se;
    f->tw = (uint16_t)((f->tw & ~(3u << (2 * p))) | (unsigned)!v.mant << (2 * p));
}

/* The status word after a result with these flags; TOP moves by `pops`, and the registers before it are empty then. */
ALWAYS void settle(struct guest_x87 *f, uint64_t flags, unsigned pops)
{
    unsigned sw = f->sw & ~SW_C1, top = f->sw >> 11;
    sw |= (unsigned)(flags >> RES_RAISED) & (SW_EXCEPTIONS | SW_C1);
    if (pops) {
        unsigned empty = 3u << (2 * (top & 7));
        if (pops == 2)
            empty |= 3u << (2 * ((top + 1) & 7));
        f->tw |= (uint16_t)empty;
        sw = (sw & ~0x3800u) | ((top + pops) & 7) << 11;
    }
    f->sw = (uint16_t)sw;
}

ALWAYS bool may_push(const struct guest_x87 *f) { return tag_at(f, reg_of(f, 7)) == TAG_EMPTY; }

ALWAYS void push(struct guest_x87 *f, struct res v)
{
    unsigned p = reg_of(f, 7);
    put(f, p, v);
    f->sw = (uint16_t)((f->sw & ~(SW_C1 | 0x3800u)) | p << 11);
}

ALWAYS struct res load_as(uint64_t ea, unsigned kind)
{
    struct res v;
    switch (kind) {
    case 16: v = from_int((int16_t)gld16(ea)); break;
    case 32: v = from_int((int32_t)gld32(ea)); break;
    case 64: v = from_int((int64_t)gld64(ea)); break;
    case 4: v = from_f32(gld32(ea)); break;
    default: v = from_f64(gld64(ea)); break;
    }
    faults_done();
    return v;
}

/* ---- Arithmetic ----------------------------------------------------------------------------------------------------------- */

ALWAYS enum interp_result arith_mem(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g, enum arith kind,
                                    unsigned operand)
{
    struct guest_x87 *f = &cpu->x87;
    unsigned top = reg_of(f, 0);
    if (!usable(cpu) || tag_at(f, top) == TAG_EMPTY)
        SLOW;
    uint64_t ea = address(cpu, g);
    struct res b = load_as(ea, operand);
    if (b.se & RES_SLOW)
        SLOW;
    struct res r = compute(kind, get(f, top), b, f->cw);
    if (r.se & RES_SLOW)
        SLOW;
    put(f, top, r);
    settle(f, r.se, 0);
    return done_mem(cpu, m, g, ea);
}

/* `to_st0`: the result's place; else the other register. */
ALWAYS enum interp_result arith_st(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g, enum arith kind, bool to_st0,
                                   unsigned pops)
{
    struct guest_x87 *f = &cpu->x87;
    unsigned top = reg_of(f, 0), other = reg_of(f, g->imm2 & 7);
    if (!usable(cpu) || tag_at(f, top) == TAG_EMPTY || tag_at(f, other) == TAG_EMPTY)
        SLOW;
    struct res r = compute(kind, get(f, top), get(f, other), f->cw);
    if (r.se & RES_SLOW)
        SLOW;
    put(f, to_st0 ? top : other, r);
    settle(f, r.se, pops);
    return done_st(cpu, m, g);
}

#define ARITH_ALL(n, op, kind) \
    X87(op##_m32) { return arith_mem(cpu, m, g, kind, 4); } \
    X87(op##_m64) { return arith_mem(cpu, m, g, kind, 8); } \
    X87(op##_i16) { return arith_mem(cpu, m, g, kind, 16); } \
    X87(op##_i32) { return arith_mem(cpu, m, g, kind, 32); } \
    X87(op##_st0) { return arith_st(cpu, m, g, kind, true, 0); } \
    X87(op##_sti) { return arith_st(cpu, m, g, kind, false, 0); } \
    X87(op##_pop) { return arith_st(cpu, m, g, kind, false, 1); }
X87(fsqrt)
{
    struct guest_x87 *f = &cpu->x87;
    unsigned top = reg_of(f, 0);
    if (!usable(cpu) || tag_at(f, top) == TAG_EMPTY)
        SLOW;
    struct res r = square_root(get(f, top), f->cw);
    if (r.se & RES_SLOW)
        SLOW;
    put(f, top, r);
    settle(f, r.se, 0);
    return done_st(cpu, m, g);
}

ARITH_ALL(0, fadd, ADD)
ARITH_ALL(1, fmul, MUL)
ARITH_ALL(4, fsub, SUB)
ARITH_ALL(5, fsubr, SUBR)
ARITH_ALL(6, fdiv, DIV)
ARITH_ALL(7, fdivr, DIVR)

/* ---- Comparisons ---------------------------------------------------------------------------------------------------------- */

ALWAYS void set_codes(struct guest_x87 *f, unsigned codes) { f->sw = (uint16_t)((f->sw & ~(SW_C0 | SW_C2 | SW_C3)) | codes); }

ALWAYS enum interp_result compare_mem(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g, unsigned operand,
                                      unsigned pops)
{
    struct guest_x87 *f = &cpu->x87;
    unsigned top = reg_of(f, 0);
    if (!usable(cpu) || tag_at(f, top) == TAG_EMPTY)
        SLOW;
    uint64_t ea = address(cpu, g);
    struct res b = load_as(ea, operand);
    unsigned codes = b.se & RES_SLOW ? (unsigned)RES_SLOW : compare(get(f, top), b);
    if (codes & RES_SLOW)
        SLOW;
    set_codes(f, codes);
    settle(f, 0, pops);
    return done_mem(cpu, m, g, ea);
}

ALWAYS enum interp_result compare_st(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g, unsigned pops, bool flags)
{
    struct guest_x87 *f = &cpu->x87;
    unsigned top = reg_of(f, 0), other = reg_of(f, g->imm2 & 7), c1 = f->sw & SW_C1;
    if (!usable(cpu) || tag_at(f, top) == TAG_EMPTY || tag_at(f, other) == TAG_EMPTY)
        SLOW;
    unsigned codes = compare(get(f, top), get(f, other));
    if (codes & RES_SLOW)
        SLOW;
    if (flags)
        cpu->flags = (codes & SW_C3 ? (uint64_t)EFL_ZF : 0) | (codes & SW_C0 ? (uint64_t)EFL_CF : 0);
    else
        set_codes(f, codes);
    settle(f, 0, pops);
    if (flags) /* C1 stays */
        f->sw |= (uint16_t)c1;
    return done_st(cpu, m, g);
}

X87(fcom_m32) { return compare_mem(cpu, m, g, 4, 0); }
X87(fcomp_m32) { return compare_mem(cpu, m, g, 4, 1); }
X87(fcom_m64) { return compare_mem(cpu, m, g, 8, 0); }
X87(fcomp_m64) { return compare_mem(cpu, m, g, 8, 1); }
X87(fcom_st) { return compare_st(cpu, m, g, 0, false); }
X87(fcomp_st) { return compare_st(cpu, m, g, 1, false); }
X87(fcompp) { return compare_st(cpu, m, g, 2, false); }
X87(fucom_st) { return compare_st(cpu, m, g, 0, false); }
X87(fucomp_st) { return compare_st(cpu, m, g, 1, false); }
X87(fucompp) { return compare_st(cpu, m, g, 2, false); }
X87(fcomi) { return compare_st(cpu, m, g, 0, true); }
X87(fcomip) { return compare_st(cpu, m, g, 1, true); }
X87(fucomi) { return compare_st(cpu, m, g, 0, true); }
X87(fucomip) { return compare_st(cpu, m, g, 1, true); }

X87(ftst)
{
    struct guest_x87 *f = &cpu->x87;
    unsigned top = reg_of(f, 0);
    if (!usable(cpu) || tag_at(f, top) == TAG_EMPTY)
        SLOW;
    unsigned codes = compare(get(f, top), (struct res){0, 0});
    if (codes & RES_SLOW)
        SLOW;
    set_codes(f, codes);
    settle(f, 0, 0);
    return done_st(cpu, m, g);
}

/* ---- Moves ---------------------------------------------------------------------------------------------------------------- */

ALWAYS enum interp_result load(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g, unsigned operand)
{
    struct guest_x87 *f = &cpu->x87;
    if (!usable(cpu) || !may_push(f))
        SLOW;
    uint64_t ea = address(cpu, g);
    struct res v = load_as(ea, operand);
    if (v.se & RES_SLOW)
        SLOW;
    push(f, v);
    return done_mem(cpu, m, g, ea);
}

X87(fld_m32) { return load(cpu, m, g, 4); }
X87(fld_m64) { return load(cpu, m, g, 8); }
X87(fild_m16) { return load(cpu, m, g, 16); }
X87(fild_m32) { return load(cpu, m, g, 32); }
X87(fild_m64) { return load(cpu, m, g, 64); }

X87(fld_m80)
{
    struct guest_x87 *f = &cpu->x87;
    if (!usable(cpu) || !may_push(f))
        SLOW;
    uint64_t ea = address(cpu, g);
    struct res v = {gld64(ea), gld16((uint32_t)(ea + 8))};
    faults_done();
    if (!is_normal(v) && !is_zero(v))
        SLOW;
    push(f, v);
    return done_mem(cpu, m, g, ea);
}

X87(fld_st)
{
    struct guest_x87 *f = &cpu->x87;
    unsigned from = reg_of(f, g->imm2 & 7), to = reg_of(f, 7);
    unsigned tag = tag_at(f, from);
    if (!usable(cpu) || !may_push(f) || tag == TAG_EMPTY)
        SLOW;
    push(f, get(f, from));
    f->tw = (uint16_t)((f->tw & ~(3u << (2 * to))) | tag << (2 * to));
    return done_st(cpu, m, g);
}

ALWAYS enum interp_result constant(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g, struct res v)
{
    struct guest_x87 *f = &cpu->x87;
    if (!usable(cpu) || !may_push(f))
        SLOW;
    push(f, v);
    return done_st(cpu, m, g);
}

X87(fld1) { return constant(cpu, m, g, (struct res){TOP_BIT, F80_BIAS}); }
X87(fldz) { return constant(cpu, m, g, (struct res){0, 0}); }

ALWAYS enum interp_result store_real(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g, unsigned size,
                                     unsigned pops)
{
    struct guest_x87 *f = &cpu->x87;
    unsigned top = reg_of(f, 0);
    if (!usable(cpu) || f->cw & CW_ROUND || !(f->cw & SW_PE) || tag_at(f, top) == TAG_EMPTY)
        SLOW;
    struct res v = size == 4 ? narrowed(get(f, top), 23, 127) : narrowed(get(f, top), 52, 1023);
    if (v.se & RES_SLOW)
        SLOW;
    uint64_t ea = address(cpu, g);
    if (size == 4)
        gst32(ea, v.mant);
    else
        gst64(ea, v.mant);
    faults_done();
    settle(f, v.se, pops);
    return done_mem(cpu, m, g, ea);
}

X87(fst_m32) { return store_real(cpu, m, g, 4, 0); }
X87(fstp_m32) { return store_real(cpu, m, g, 4, 1); }
X87(fst_m64) { return store_real(cpu, m, g, 8, 0); }
X87(fstp_m64) { return store_real(cpu, m, g, 8, 1); }

X87(fstp_m80)
{
    struct guest_x87 *f = &cpu->x87;
    unsigned top = reg_of(f, 0);
    if (!usable(cpu) || tag_at(f, top) == TAG_EMPTY)
        SLOW;
    uint64_t ea = address(cpu, g);
    gst64(ea, f->mant[top]);
    gst16((uint32_t)(ea + 8), f->se[top]);
    faults_done();
    settle(f, 0, 1);
    return done_mem(cpu, m, g, ea);
}

ALWAYS enum interp_result store_int(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g, unsigned bits, unsigned pops)
{
    struct guest_x87 *f = &cpu->x87;
    unsigned top = reg_of(f, 0), round = f->cw & CW_ROUND;
    if (!usable(cpu) || !(f->cw & SW_PE) || (round && round != CW_ROUND) || tag_at(f, top) == TAG_EMPTY)
        SLOW;
    struct res v = to_int(get(f, top), bits, round != 0);
    if (v.se & RES_SLOW)
        SLOW;
    uint64_t ea = address(cpu, g);
    if (bits == 16)
        gst16(ea, v.mant);
    else if (bits == 32)
        gst32(ea, v.mant);
    else
        gst64(ea, v.mant);
    faults_done();
    settle(f, v.se, pops);
    return done_mem(cpu, m, g, ea);
}

X87(fist_m16) { return store_int(cpu, m, g, 16, 0); }
X87(fistp_m16) { return store_int(cpu, m, g, 16, 1); }
X87(fist_m32) { return store_int(cpu, m, g, 32, 0); }
X87(fistp_m32) { return store_int(cpu, m, g, 32, 1); }
X87(fistp_m64) { return store_int(cpu, m, g, 64, 1); }

X87(fxch)
{
    struct guest_x87 *f = &cpu->x87;
    unsigned top = reg_of(f, 0), other = reg_of(f, g->imm2 & 7), a = tag_at(f, top), b = tag_at(f, other);
    if (!usable(cpu) || a == TAG_EMPTY || b == TAG_EMPTY)
        SLOW;
    struct res v = get(f, top), w = get(f, other);
    f->mant[top] = w.mant;
    f->se[top] = (uint16_t)w.se;
    f->mant[other] = v.mant;
    f->se[other] = (uint16_t)v.se;
    unsigned tw = f->tw & ~(3u << (2 * top)) & ~(3u << (2 * other));
    f->tw = (uint16_t)(tw | b << (2 * top) | a << (2 * other));
    settle(f, 0, 0);
    return done_st(cpu, m, g);
}

ALWAYS enum interp_result store_st(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g, unsigned pops)
{
    struct guest_x87 *f = &cpu->x87;
    unsigned top = reg_of(f, 0), other = reg_of(f, g->imm2 & 7), tag = tag_at(f, top);
    if (!usable(cpu) || tag == TAG_EMPTY)
        SLOW;
    f->mant[other] = f->mant[top];
    f->se[other] = f->se[top];
    f->tw = (uint16_t)((f->tw & ~(3u << (2 * other))) | tag << (2 * other));
    settle(f, 0, pops);
    return done_st(cpu, m, g);
}

X87(fst_st) { return store_st(cpu, m, g, 0); }
X87(fstp_st) { return store_st(cpu, m, g, 1); }

ALWAYS enum interp_result change_sign(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g, unsigned clear,
                                      unsigned flip)
{
    struct guest_x87 *f = &cpu->x87;
    unsigned top = reg_of(f, 0);
    if (!usable(cpu) || tag_at(f, top) == TAG_EMPTY)
        SLOW;
    f->se[top] = (uint16_t)((f->se[top] & ~clear) ^ flip);
    settle(f, 0, 0);
    return done_st(cpu, m, g);
}

X87(fchs) { return change_sign(cpu, m, g, 0, 0x8000); }
X87(fabs) { return change_sign(cpu, m, g, 0x8000, 0); }

/* ---- Control: the pointers to the last instruction stay ------------------------------------------------------------------- */

X87(fnstsw_ax)
{
    if (cpu->cr0 & (CR0_EM | CR0_TS) || m->sh->x87_state == XMM_IN_REGISTERS)
        SLOW;
    cpu->gpr[GUEST_RAX] = (cpu->gpr[GUEST_RAX] & ~UINT64_C(0xffff)) | cpu->x87.sw;
    return done(cpu, m, g);
}

X87(fnstcw)
{
    if (cpu->cr0 & (CR0_EM | CR0_TS) || m->sh->x87_state == XMM_IN_REGISTERS)
        SLOW;
    gst16(address(cpu, g), cpu->x87.cw);
    return done(cpu, m, g);
}

X87(fldcw)
{
    if (!usable(cpu))
        SLOW;
    unsigned cw = (unsigned)gld16(address(cpu, g));
    faults_done();
    if (cpu->x87.sw & ~cw & SW_EXCEPTIONS)
        SLOW;
    cpu->x87.cw = (uint16_t)((cw & 0x1f3f) | 0x40);
    return done(cpu, m, g);
}

/* ---- Which there are ------------------------------------------------------------------------------------------------------ */

enum row {
#define ROW(n, name) ROW_##name,
#define MEM ROW
#define REG ROW
#define ONE ROW
#define TWO ROW
#include "interp_x87.def"
#undef ROW
};

/* By the low bits of the opcode and ModRM.reg: row plus 1. */
static const uint8_t of_memory[64] = {
#define MEM(n, name) [n] = ROW_##name + 1,
#define REG(n, name)
#define ONE(n, name)
#define TWO(n, name)
#include "interp_x87.def"
};
static const uint8_t of_registers[64] = {
#define MEM(n, name)
#define REG(n, name) [n] = ROW_##name + 1,
#define ONE(n, name)
#define TWO(n, name)
#include "interp_x87.def"
};

unsigned interp_x87_row(const struct ginsn *g)
{
    unsigned opcode = g->imm2 >> 8 & 7, modrm = g->imm2 & 0xff, n = opcode << 3 | (modrm >> 3 & 7);
    if (modrm < 0xc0)
        return g->addrsize == 4 && g->seg < GUEST_FS && g->seg != GUEST_CS ? of_memory[n] : 0;
    if (opcode == 1) { /* D9 */
        switch (modrm) {
#define MEM(n, name)
#define REG(n, name)
#define ONE(n, name) \
    case n: return ROW_##name + 1;
#define TWO(n, name)
#include "interp_x87.def"
        default: break;
        }
    }
    switch (opcode << 8 | modrm) {
    case 0x7e0: return ROW_fnstsw_ax + 1;
    case 0x6d9: return ROW_fcompp + 1;
    case 0x2e9: return ROW_fucompp + 1;
    default: return of_registers[n];
    }
}
