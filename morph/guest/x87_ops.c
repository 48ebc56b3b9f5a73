/* x87 instructions that compute: operands, results, and what exceptions do to them. */
#include "x87_run.h"

/* ---- Arithmetic with two operands -------------------------------------------------------------------------------------- */

enum arith { A_ADD, A_MUL, A_SUB, A_SUBR, A_DIV, A_DIVR };

static struct f80 compute(struct x87_env *e, enum arith kind, struct f80 dst, struct f80 src)
{
    switch (kind) {
    case A_ADD: return f80_add(e, dst, src, 0);
    case A_MUL: return f80_mul(e, dst, src);
    case A_SUB: return f80_add(e, dst, src, 1);
    case A_SUBR: return f80_add(e, src, dst, 1);
    case A_DIV: return f80_div(e, dst, src);
    default: return f80_div(e, src, dst);
    }
}

/* Loading a narrow denormal raised DE, which a NaN, an invalid operation or a division by zero hides. */
static void operand_denormal(struct x87_run *r, unsigned raised_by_load)
{
    struct num a = num_take(x87_st(r, 0));
    if (!num_is_nan(&a) && !(r->e.raised & (SW_IE | SW_ZE)))
        r->e.raised |= (uint16_t)raised_by_load;
}

static void arith(struct x87_run *r, enum arith kind, bool integer, bool popping)
{
    bool memory = r->g->opnd[0].kind == GO_MEM;
    unsigned dst = memory ? 0 : r->g->opnd[0].reg, src = memory ? 0 : r->g->opnd[1].reg;
    struct f80 result = f80_indefinite(), value = {0, 0};
    unsigned raised;
    if (memory)
        value = integer ? x87_load_int(r) : x87_load_real(r);
    raised = r->e.raised;
    r->e.raised = 0;
    if (x87_empty(r, dst) || (!memory && x87_empty(r, src))) {
        x87_stack_underflow(r);
    } else if (memory) {
        result = compute(&r->e, kind, x87_st(r, 0), value);
        operand_denormal(r, raised);
    } else {
        result = compute(&r->e, kind, x87_st(r, dst), x87_st(r, src));
    }
    if (x87_settle(r)) {
        x87_set_st(r, dst, result);
        if (popping)
            x87_pop(r);
    }
}

static void compare(struct x87_run *r, bool quiet, unsigned pops)
{
    const struct gopnd *o = r->g->opnd;
    bool memory = o[0].kind == GO_MEM, integer = r->g->op == G_FICOM || r->g->op == G_FICOMP;
    unsigned src = r->g->nopnds == 2 ? o[1].reg : 1, raised;
    struct f80 value = {0, 0};
    uint16_t codes = SW_C3 | SW_C2 | SW_C0;
    if (r->g->op == G_FTST)
        value = f80_zero(0);
    else if (memory)
        value = integer ? x87_load_int(r) : x87_load_real(r);
    else
        value = x87_st(r, src);
    raised = r->e.raised;
    r->e.raised = 0;
    if (x87_empty(r, 0) || (!memory && r->g->op != G_FTST && x87_empty(r, src))) {
        x87_stack_underflow(r);
    } else {
        codes = f80_compare(&r->e, x87_st(r, 0), value, quiet);
        operand_denormal(r, raised);
    }
    x87_set_codes(r, codes); /* even if the exception is not masked */
    if (x87_settle(r)) {
        while (pops--)
            x87_pop(r);
    }
}

/* FCOMI and relatives: the result goes to EFLAGS. */
static void compare_flags(struct x87_run *r, bool quiet, bool popping)
{
    unsigned src = r->g->opnd[1].reg;
    uint16_t codes = SW_C3 | SW_C2 | SW_C0, c1 = r->f->sw & SW_C1;
    if (x87_empty(r, 0) || x87_empty(r, src))
        x87_stack_underflow(r);
    else
        codes = f80_compare(&r->e, x87_st(r, 0), x87_st(r, src), quiet);
    r->cpu->flags = (codes & SW_C3 ? EFL_ZF : 0) | (codes & SW_C2 ? EFL_PF : 0) | (codes & SW_C0 ? EFL_CF : 0);
    bool done = x87_settle(r);
    if (!(r->e.raised & SW_SF)) /* C1 changes only when the stack is at fault */
        r->f->sw |= c1;
    if (done && popping)
        x87_pop(r);
}

typedef struct f80 unary_fn(struct x87_env *e, struct f80 x);
typedef struct f80 binary_fn(struct x87_env *e, struct f80 x, struct f80 y);

static void unary(struct x87_run *r, unary_fn *fn)
{
    struct f80 result = f80_indefinite();
    if (x87_empty(r, 0))
        x87_stack_underflow(r);
    else
        result = fn(&r->e, x87_st(r, 0));
    if (x87_settle(r))
        x87_set_st(r, 0, result);
}

/* Of ST0 and ST1, into ST0; or into ST1, popping. */
static void binary(struct x87_run *r, binary_fn *fn, bool popping)
{
    struct f80 result = f80_indefinite();
    if (x87_empty(r, 0) || x87_empty(r, 1))
        x87_stack_underflow(r);
    else
        result = fn(&r->e, x87_st(r, 0), x87_st(r, 1));
    if (x87_settle(r)) {
        x87_set_st(r, popping, result);
        if (popping)
            x87_pop(r);
    }
}

static void remain(struct x87_run *r, bool nearest)
{
    struct f80 result = f80_indefinite();
    uint16_t codes = r->f->sw & (SW_C0 | SW_C3); /* without a quotient these two stay */
    if (x87_empty(r, 0) || x87_empty(r, 1))
        x87_stack_underflow(r);
    else
        result = f80_remainder(&r->e, x87_st(r, 0), x87_st(r, 1), nearest, &codes);
    bool done = x87_settle(r);
    x87_set_codes(r, done ? codes : r->f->sw & (SW_C0 | SW_C3));
    if (done) {
        r->f->sw |= codes & SW_C1;
        x87_set_st(r, 0, result);
    }
}

/* ---- Instructions that push a second result ---------------------------------------------------------------------------- */

/* C2: the angle was too large. */
static void set_c2(struct x87_run *r, bool reduced)
{
    x87_set_codes(r, (uint16_t)((r->f->sw & ~SW_C2) | (reduced ? 0 : SW_C2)));
}

static void two_results(struct x87_run *r)
{
    struct f80 lower = f80_indefinite(), upper = f80_indefinite();
    bool reduced = true;
    if (x87_empty(r, 0)) {
        x87_stack_underflow(r);
    } else if (!x87_empty(r, 7)) {
        r->e.raised |= SW_IE | SW_SF | SW_C1;
    } else if (r->g->op == G_FXTRACT) {
        lower = f80_extract(&r->e, x87_st(r, 0), &upper);
    } else if (r->g->op == G_FSINCOS) {
        reduced = f80_sincos(&r->e, x87_st(r, 0), &lower, &upper);
    } else {
        reduced = f80_tan(&r->e, x87_st(r, 0), &lower);
        struct num tangent = num_take(lower);
        upper = num_is_nan(&tangent) ? lower : f80_make(0, F80_BIAS, TOP_BIT);
    }
    if (r->g->op != G_FXTRACT)
        set_c2(r, reduced);
    if (x87_settle(r) && reduced) {
        x87_set_st(r, 0, lower);
        x87_set_top(r->f, x87_top(r->f) + 7);
        x87_set_st(r, 0, upper);
    }
}

static void sine(struct x87_run *r)
{
    struct f80 result = f80_indefinite();
    bool reduced = true;
    if (x87_empty(r, 0))
        x87_stack_underflow(r);
    else if (r->g->op == G_FSIN)
        reduced = f80_sincos(&r->e, x87_st(r, 0), &result, 0);
    else
        reduced = f80_sincos(&r->e, x87_st(r, 0), 0, &result);
    set_c2(r, reduced);
    if (x87_settle(r) && reduced)
        x87_set_st(r, 0, result);
}

bool x87_execute_op(struct x87_run *r)
{
    switch (r->g->op) {
    case G_FADD: arith(r, A_ADD, false, false); break;
    case G_FMUL: arith(r, A_MUL, false, false); break;
    case G_FSUB: arith(r, A_SUB, false, false); break;
    case G_FSUBR: arith(r, A_SUBR, false, false); break;
    case G_FDIV: arith(r, A_DIV, false, false); break;
    case G_FDIVR: arith(r, A_DIVR, false, false); break;
    case G_FADDP: arith(r, A_ADD, false, true); break;
    case G_FMULP: arith(r, A_MUL, false, true); break;
    case G_FSUBP: arith(r, A_SUB, false, true); break;
    case G_FSUBRP: arith(r, A_SUBR, false, true); break;
    case G_FDIVP: arith(r, A_DIV, false, true); break;
    case G_FDIVRP: arith(r, A_DIVR, false, true); break;
    case G_FIADD: arith(r, A_ADD, true, false); break;
    case G_FIMUL: arith(r, A_MUL, true, false); break;
    case G_FISUB: arith(r, A_SUB, true, false); break;
    case G_FISUBR: arith(r, A_SUBR, true, false); break;
    case G_FIDIV: arith(r, A_DIV, true, false); break;
    case G_FIDIVR: arith(r, A_DIVR, true, false); break;
    case G_FCOM:
    case G_FICOM:
    case G_FTST: compare(r, false, 0); break;
    case G_FCOMP:
    case G_FICOMP: compare(r, false, 1); break;
    case G_FCOMPP: compare(r, false, 2); break;
    case G_FUCOM: compare(r, true, 0); break;
    case G_FUCOMP: compare(r, true, 1); break;
    case G_FUCOMPP: compare(r, true, 2); break;
    case G_FCOMI: compare_flags(r, false, false); break;
    case G_FCOMIP: compare_flags(r, false, true); break;
    case G_FUCOMI: compare_flags(r, true, false); break;
    case G_FUCOMIP: compare_flags(r, true, true); break;
    case G_FSQRT: unary(r, f80_sqrt); break;
    case G_FRNDINT: unary(r, f80_round_int); break;
    case G_FSCALE: binary(r, f80_scale, false); break;
    case G_FPREM: remain(r, false); break;
    case G_FPREM1: remain(r, true); break;
    case G_F2XM1: unary(r, f80_2xm1); break;
    case G_FYL2X: binary(r, f80_yl2x, true); break;
    case G_FYL2XP1: binary(r, f80_yl2xp1, true); break;
    case G_FPATAN: binary(r, f80_patan, true); break;
    case G_FSIN:
    case G_FCOS: sine(r); break;
    case G_FSINCOS:
    case G_FPTAN:
    case G_FXTRACT: two_results(r); break;
    default: return false;
    }
    return true;
}
