/* The interpreter's back end of the guest semantics (sem/README.md): a val is a word, guest registers are struct guest_cpu.
 *
 * Registers and flags are written through volatile lvalues: guest accesses are volatile too, so that the compiler cannot move
 * a write above a guest store that may fault.
 */
#pragma once
#include "../morph.h"
#include "../port.h"
#include "../port_ops.h"
#include "interp.h"
#include "interp_table.h"
#include "sem/sem.h"
#include "stores.h"

typedef uint64_t val;
typedef uint16_t __attribute__((may_alias)) val16; /* the low half of the low half of a register */

typedef struct {
    struct morph *m;
    struct guest_cpu *cpu;
    const struct ginsn *g;
    struct sem_form f;
    uint64_t rip;
    val mem;
    enum interp_result result; /* what the handler returns */
} sem_ctx;

#ifndef SEM
#define SEM static inline __attribute__((always_inline))
#endif
#define VAL static inline __attribute__((always_inline))
#define VAL2(name, expr) \
    VAL val name(sem_ctx *c, val a, val b) { (void)c; return expr; }
#define VAL1(name, expr) \
    VAL val name(sem_ctx *c, val a) { (void)c; return expr; }

VAL val konst(sem_ctx *c, uint64_t k)
{
    (void)c;
    return k;
}
VAL2(v_add, a + b)
VAL2(v_sub, a - b)
VAL2(v_and, a &b)
VAL2(v_or, a | b)
VAL2(v_xor, a ^ b)
VAL2(v_andn, a & ~b)
VAL2(v_shl, a << (b & 63))
VAL2(v_shr, a >> (b & 63))
VAL2(v_sar, (uint64_t)((int64_t)a >> (b & 63)))
VAL2(v_ror, op_ror(a, b))
VAL2(v_rorw, op_ror_w(a, b))
VAL2(v_mul, a *b)
VAL2(v_mulhu, op_mulhu(a, b))
VAL2(v_mulhs, op_mulh(a, b))
VAL2(v_divu, op_divu(a, b))
VAL2(v_divs, op_div(a, b))
VAL2(v_remu, op_remu(a, b))
VAL2(v_rems, op_rem(a, b))
VAL2(v_eq, a == b)
VAL2(v_ne, a != b)
VAL2(v_ltu, a < b)
VAL2(v_lts, (int64_t)a < (int64_t)b)
VAL1(v_clz, op_clz(a))
VAL1(v_ctz, op_ctz(a))
VAL1(v_popcnt, op_popcnt(a))
VAL1(v_bswap, op_bswap(a))

VAL val v_zext(sem_ctx *c, val a, unsigned size)
{
    (void)c;
    return size == 1 ? (uint8_t)a : size == 2 ? (uint16_t)a : size == 4 ? (uint32_t)a : a;
}

VAL val v_sext(sem_ctx *c, val a, unsigned size)
{
    (void)c;
    return size == 1 ? (uint64_t)(int8_t)a : size == 2 ? (uint64_t)(int16_t)a : size == 4 ? (uint64_t)(int32_t)a : a;
}

VAL val v_select(sem_ctx *c, val cond, val a, val b)
{
    (void)c;
    return op_selnz(cond, a, b);
}

#define FLAGS2(name, op) \
    VAL val name(sem_ctx *c, val a, val b, unsigned size) \
    { \
        (void)c; \
        return size == 1 ? op##_b(a, b) : size == 2 ? op##_h(a, b) : size == 4 ? op##_w(a, b) : op##_d(a, b); \
    }
#define FLAGS3(name, op) \
    VAL val name(sem_ctx *c, val a, val b, val fl, unsigned size) \
    { \
        (void)c; \
        return size == 1 ? op##_b(a, b, fl) : size == 2 ? op##_h(a, b, fl) : size == 4 ? op##_w(a, b, fl) : op##_d(a, b, fl); \
    }
FLAGS2(fl_add, op_addf)
FLAGS2(fl_sub, op_subf)
FLAGS2(fl_and, op_tstf)
FLAGS2(fl_or, op_orf)
FLAGS2(fl_xor, op_xorf)
FLAGS2(fl_inc, op_incf)
FLAGS2(fl_dec, op_decf)
FLAGS2(fl_shl, op_shlf)
FLAGS2(fl_shr, op_shrf)
FLAGS2(fl_sar, op_sarf)
FLAGS3(fl_adc, op_adcf)
FLAGS3(fl_sbb, op_sbbf)
#undef FLAGS2
#undef FLAGS3
#undef VAL1
#undef VAL2

VAL val cond(sem_ctx *c, val fl, unsigned cc)
{
    (void)c;
    return op_setcc(fl, cc);
}
VAL val selcc(sem_ctx *c, val fl, unsigned cc, val a, val b)
{
    (void)c;
    return op_selnz(op_setcc(fl, cc), a, b);
}

VAL val get_flags(sem_ctx *c) { return c->cpu->flags; }
VAL void set_flags(sem_ctx *c, val v) { *(volatile uint64_t *)&c->cpu->flags = v; }

VAL val get_reg(sem_ctx *c, unsigned r, unsigned size)
{
    (void)size;
    return c->cpu->gpr[r];
}

VAL void set_reg(sem_ctx *c, unsigned r, val v, unsigned size)
{
    volatile uint64_t *reg = &c->cpu->gpr[r];
    switch (size) {
    case 1: *(volatile uint8_t *)reg = (uint8_t)v; break;
    case 2: *(volatile val16 *)reg = (uint16_t)v; break;
    case 4: *reg = (uint32_t)v; break;
    default: *reg = v; break;
    }
}

/* Byte registers are bytes of the register array: high ones need nothing special. A third operand of a byte is CL. */
VAL val get_opreg(sem_ctx *c, unsigned i)
{
    const uint8_t *bytes = (const uint8_t *)c->cpu->gpr;
    return c->f.osize[i] == 1 && i < 2 ? bytes[c->g->byte_reg[i]] : c->cpu->gpr[c->g->opnd[i].reg];
}

VAL void set_opreg(sem_ctx *c, unsigned i, val v)
{
    volatile uint8_t *bytes = (volatile uint8_t *)c->cpu->gpr;
    if (c->f.osize[i] == 1 && i < 2)
        bytes[c->g->byte_reg[i]] = (uint8_t)v;
    else
        set_reg(c, c->g->opnd[i].reg, v, c->f.osize[i]);
}

VAL val seg_base(sem_ctx *c, unsigned seg) { return c->cpu->seg_base[seg]; }

VAL val ea_sum(sem_ctx *c)
{
    const struct ginsn *g = c->g;
    uint64_t a = (uint64_t)g->disp;
    if (c->f.amode == SEM_BASE)
        return a + c->cpu->gpr[g->base];
    uint64_t base = op_selnz(g->base < 16, c->cpu->gpr[g->base & 15], 0);
    uint64_t index = op_selnz(g->index < 16, c->cpu->gpr[g->index & 15], 0);
    if (c->f.amode == SEM_ANY && g->base == GREG_RIP)
        base = c->rip + g->len;
    return a + base + (index << g->scale);
}

VAL val mem_ld(sem_ctx *c, val lin, unsigned size)
{
    (void)c;
    return size == 1 ? gld8(lin) : size == 2 ? gld16(lin) : size == 4 ? gld32(lin) : gld64(lin);
}

VAL val mem_lds(sem_ctx *c, val lin, unsigned size)
{
    val v = mem_ld(c, lin, size);
    return v_sext(c, v, size);
}

VAL void mem_st(sem_ctx *c, val lin, val v, unsigned size)
{
    (void)c;
    switch (size) {
    case 1: gst8(lin, v); break;
    case 2: gst16(lin, v); break;
    case 4: gst32(lin, v); break;
    default: gst64(lin, v); break;
    }
}

VAL unsigned mem_tries(sem_ctx *c, unsigned n) { return stores_exceed(c->m->sh, 2 * n); }
VAL void mem_put(sem_ctx *c, val lin, val v, unsigned size, bool trying)
{
    if (trying)
        stores_try(c->m->sh, lin, v, size);
    else
        mem_st(c, lin, v, size);
}

VAL void jump_to(sem_ctx *c, uint64_t target, enum sem_jump_kind kind)
{
    (void)kind;
    *(volatile uint64_t *)&c->cpu->rip = target;
}

VAL void jump_ind(sem_ctx *c, val target, enum sem_jump_kind kind) { jump_to(c, target, kind); }

VAL bool raise_if(sem_ctx *c, val condition, enum guest_vector vector)
{
    if (__builtin_expect(condition != 0, 0)) {
        c->result = interp_raise(c->m, vector, 0);
        return true;
    }
    return false;
}

SEM uint64_t sem_next(sem_ctx *c);

/* Going on with the next instruction needs nothing within a block, and cpu.rip is set beforehand at its end. */
VAL void branch(sem_ctx *c, val taken, uint64_t target)
{
    uint64_t next = sem_next(c);
    jump_to(c, op_selnz(taken, target, next), SEM_JMP);
}

/* The end of a handler: where calls in tail position are jumps, goes on with the next instruction itself, whose handler is
 * `next`. That is looked up at the handler's start, because no load moves over the commit. */
VAL enum interp_result interp_next(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g, interp_fn *next)
{
    if (!PORT_TAIL_CALLS)
        return INTERP_OK;
    m->interp.insn = ++g;
    port_commit(1);
    return next(cpu, m, g);
}

/* Whether the segment of the memory operand is FS or GS with a null selector: any access raises #GP. */
VAL bool interp_null_segment(sem_ctx *c)
{
    unsigned seg = c->g->seg;
    return __builtin_expect(seg >= GUEST_FS, 0) && !c->f.wide && (c->cpu->seg_sel[seg] & 0xfffc) == 0;
}

/* 64-bit mode: a jump to where no address can be is a fault of the jump, not of what it finds there. True: it was raised. */
VAL bool is_lost(sem_ctx *c, val target) { return c->f.wide && raise_if(c, (target + (UINT64_C(1) << 47)) >> 48, GUEST_GP); }
