/* The x87 instructions: operands, stack, and what masked and unmasked exceptions do. The arithmetic is in x87_arith.c and
 * its neighbours.
 *
 * Every instruction first works out results and exceptions in r->e, then stores to memory, which may fault, and only then
 * changes registers and status: `settle` merges the exceptions and says whether results may be written, because an unmasked
 * invalid, denormal or divide exception leaves registers, stack and memory as they were.
 */
#include "x87_run.h"

static unsigned phys(const struct x87_run *r, unsigned i)
{
    return (x87_top(r->f) + i) & 7;
}

static bool empty(const struct x87_run *r, unsigned i)
{
    return x87_tag(r->f, phys(r, i)) == TAG_EMPTY;
}

static struct f80 st(const struct x87_run *r, unsigned i)
{
    unsigned p = phys(r, i);
    return (struct f80){r->f->mant[p], r->f->se[p]};
}

static void set_st(struct x87_run *r, unsigned i, struct f80 v)
{
    unsigned p = phys(r, i);
    r->f->mant[p] = v.mant;
    r->f->se[p] = v.se;
    x87_set_tag(r->f, p, x87_tag_of(v));
}

static void pop(struct x87_run *r)
{
    x87_set_tag(r->f, phys(r, 0), TAG_EMPTY);
    x87_set_top(r->f, x87_top(r->f) + 1);
}

static bool unmasked(const struct x87_run *r, unsigned exceptions)
{
    return r->e.raised & ~r->e.cw & exceptions;
}

/* Whether an unmasked exception forbids results; raises nothing yet, so that a store may still fault. */
static bool blocked(const struct x87_run *r)
{
    return unmasked(r, SW_IE | SW_DE | SW_ZE);
}

static bool settle(struct x87_run *r)
{
    bool stop = blocked(r);
    if (stop) /* found before there was anything to round */
        r->e.raised &= SW_IE | SW_DE | SW_ZE | SW_SF | (r->e.raised & SW_SF ? SW_C1 : 0);
    r->f->sw = (uint16_t)((r->f->sw & ~SW_C1) | r->e.raised);
    x87_summarize(r->f);
    return !stop;
}

static void stack_underflow(struct x87_run *r)
{
    r->e.raised |= SW_IE | SW_SF;
}

static void push(struct x87_run *r, struct f80 v)
{
    if (!empty(r, 7) && !(r->e.raised & SW_SF)) {
        r->e.raised = SW_IE | SW_SF | SW_C1;
        v = f80_indefinite();
    }
    settle(r);
    if (!unmasked(r, SW_IE)) { /* a denormal is pushed in any case */
        x87_set_top(r->f, x87_top(r->f) + 7);
        set_st(r, 0, v);
    }
}

static void set_codes(struct x87_run *r, uint16_t codes)
{
    r->f->sw = (uint16_t)((r->f->sw & ~(SW_C0 | SW_C2 | SW_C3)) | (codes & (SW_C0 | SW_C2 | SW_C3)));
}

/* The memory operand as a number. */
static struct f80 load_real(struct x87_run *r)
{
    switch (r->g->opnd[0].size) {
    case 4: return f80_from_f32(&r->e, (uint32_t)gld32(r->ea));
    case 8: return f80_from_f64(&r->e, gld64(r->ea));
    default: {
        uint64_t mant = gld64(r->ea);
        uint16_t se = (uint16_t)gld16(r->ea + 8);
        return (struct f80){mant, se};
    }
    }
}

static struct f80 load_int(struct x87_run *r)
{
    switch (r->g->opnd[0].size) {
    case 2: return f80_from_int((int16_t)gld16(r->ea));
    case 4: return f80_from_int((int32_t)gld32(r->ea));
    default: return f80_from_int((int64_t)gld64(r->ea));
    }
}

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
    struct num a = num_take(st(r, 0));
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
        value = integer ? load_int(r) : load_real(r);
    raised = r->e.raised;
    r->e.raised = 0;
    if (empty(r, dst) || (!memory && empty(r, src))) {
        stack_underflow(r);
    } else if (memory) {
        result = compute(&r->e, kind, st(r, 0), value);
        operand_denormal(r, raised);
    } else {
        result = compute(&r->e, kind, st(r, dst), st(r, src));
    }
    if (settle(r)) {
        set_st(r, dst, result);
        if (popping)
            pop(r);
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
        value = integer ? load_int(r) : load_real(r);
    else
        value = st(r, src);
    raised = r->e.raised;
    r->e.raised = 0;
    if (empty(r, 0) || (!memory && r->g->op != G_FTST && empty(r, src))) {
        stack_underflow(r);
    } else {
        codes = f80_compare(&r->e, st(r, 0), value, quiet);
        operand_denormal(r, raised);
    }
    set_codes(r, codes); /* even if the exception is not masked */
    if (settle(r)) {
        while (pops--)
            pop(r);
    }
}

/* FCOMI and relatives: the result goes to EFLAGS. */
static void compare_flags(struct x87_run *r, bool quiet, bool popping)
{
    unsigned src = r->g->opnd[1].reg;
    uint16_t codes = SW_C3 | SW_C2 | SW_C0, c1 = r->f->sw & SW_C1;
    if (empty(r, 0) || empty(r, src))
        stack_underflow(r);
    else
        codes = f80_compare(&r->e, st(r, 0), st(r, src), quiet);
    r->cpu->flags = (codes & SW_C3 ? EFL_ZF : 0) | (codes & SW_C2 ? EFL_PF : 0) | (codes & SW_C0 ? EFL_CF : 0);
    bool done = settle(r);
    if (!(r->e.raised & SW_SF)) /* C1 changes only when the stack is at fault */
        r->f->sw |= c1;
    if (done && popping)
        pop(r);
}

typedef struct f80 unary_fn(struct x87_env *e, struct f80 x);
typedef struct f80 binary_fn(struct x87_env *e, struct f80 x, struct f80 y);

static void unary(struct x87_run *r, unary_fn *fn)
{
    struct f80 result = f80_indefinite();
    if (empty(r, 0))
        stack_underflow(r);
    else
        result = fn(&r->e, st(r, 0));
    if (settle(r))
        set_st(r, 0, result);
}

/* Of ST0 and ST1, into ST0; or into ST1, popping. */
static void binary(struct x87_run *r, binary_fn *fn, bool popping)
{
    struct f80 result = f80_indefinite();
    if (empty(r, 0) || empty(r, 1))
        stack_underflow(r);
    else
        result = fn(&r->e, st(r, 0), st(r, 1));
    if (settle(r)) {
        set_st(r, popping, result);
        if (popping)
            pop(r);
    }
}

static void remain(struct x87_run *r, bool nearest)
{
    struct f80 result = f80_indefinite();
    uint16_t codes = r->f->sw & (SW_C0 | SW_C3); /* without a quotient these two stay */
    if (empty(r, 0) || empty(r, 1))
        stack_underflow(r);
    else
        result = f80_remainder(&r->e, st(r, 0), st(r, 1), nearest, &codes);
    bool done = settle(r);
    set_codes(r, done ? codes : r->f->sw & (SW_C0 | SW_C3));
    if (done) {
        r->f->sw |= codes & SW_C1;
        set_st(r, 0, result);
    }
}

/* ---- An instruction that pushes a second result ---------------------------------------------------------------------------- */

static void extract(struct x87_run *r)
{
    struct f80 lower = f80_indefinite(), upper = f80_indefinite();
    if (empty(r, 0))
        stack_underflow(r);
    else if (!empty(r, 7))
        r->e.raised |= SW_IE | SW_SF | SW_C1;
    else
        lower = f80_extract(&r->e, st(r, 0), &upper);
    if (settle(r)) {
        set_st(r, 0, lower);
        x87_set_top(r->f, x87_top(r->f) + 7);
        set_st(r, 0, upper);
    }
}

/* ---- Loads and stores -------------------------------------------------------------------------------------------------- */

static void load(struct x87_run *r)
{
    const struct gopnd *o = &r->g->opnd[0];
    struct f80 v = f80_indefinite();
    if (r->g->op == G_FILD) {
        v = load_int(r);
    } else if (r->g->op == G_FBLD) {
        uint64_t lo = gld64(r->ea);
        uint16_t hi = (uint16_t)gld16(r->ea + 8);
        v = f80_from_bcd(lo, hi);
    } else if (o->kind == GO_MEM) {
        v = load_real(r);
        if (o->size != 10 && num_take(v).cls == NUM_SNAN) {
            r->e.raised |= SW_IE;
            v.mant |= QUIET_BIT;
        }
    } else if (empty(r, o->reg)) {
        stack_underflow(r);
    } else {
        v = st(r, o->reg);
    }
    push(r, v);
}

/* The constants lie between two numbers and are rounded as the control word says, without raising anything. */
static void load_constant(struct x87_run *r)
{
    static const struct {
        uint16_t op;
        int16_t exp;
        uint64_t hi, lo;
    } table[] = {
        {G_FLDL2T, 1, 0xd49a784bcd1b8afe, 0x492bf6ff4dafdb4c},  {G_FLDL2E, 0, 0xb8aa3b295c17f0bb, 0xbe87fed0691d3e88},
        {G_FLDPI, 1, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1},   {G_FLDLG2, -2, 0x9a209a84fbcff798, 0x8f8959ac0b7c9178},
        {G_FLDLN2, -1, 0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af}, {G_FLD1, 0, TOP_BIT, 0},
    };
    struct f80 v = f80_zero(0);
    struct x87_env quiet = r->e;
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].op == r->g->op)
            v = num_round(&quiet, 0, table[i].exp + F80_BIAS, table[i].hi, table[i].lo, 64);
    }
    push(r, v);
}

/* What goes to memory: 80 bits, low part first. */
struct stored {
    uint64_t lo;
    uint16_t hi;
};

static struct stored convert(struct x87_run *r, bool integer)
{
    struct f80 v = empty(r, 0) ? f80_indefinite() : st(r, 0);
    unsigned size = r->g->opnd[0].size;
    struct stored out = {0, 0};
    if (r->g->op == G_FBSTP)
        f80_to_bcd(&r->e, v, &out.lo, &out.hi);
    else if (integer)
        out.lo = f80_to_int(&r->e, v, size, r->g->op == G_FISTTP);
    else if (size == 4)
        out.lo = f80_to_f32(&r->e, v);
    else if (size == 8)
        out.lo = f80_to_f64(&r->e, v);
    else
        out = (struct stored){v.mant, v.se};
    return out;
}

static void store(struct x87_run *r, bool integer, bool popping)
{
    struct stored out = convert(r, integer);
    if (empty(r, 0))
        stack_underflow(r);
    if (!blocked(r) && !unmasked(r, SW_OE | SW_UE)) {
        switch (r->g->opnd[0].size) {
        case 2: gst16(r->ea, (uint16_t)out.lo); break;
        case 4: gst32(r->ea, (uint32_t)out.lo); break;
        case 8: gst64(r->ea, out.lo); break;
        default:
            gst64(r->ea, out.lo);
            gst16(r->ea + 8, out.hi);
            break;
        }
    } else {
        popping = false;
    }
    settle(r);
    if (popping)
        pop(r);
}

/* D9 D8..DF is not documented and differs from FSTP: with an empty ST0 it only pops. */
enum { FOP_FSTPNCE = 0x1d8 };

static void store_reg(struct x87_run *r, bool popping)
{
    struct f80 v = st(r, 0);
    if (empty(r, 0)) {
        if ((r->g->imm2 & ~7u) == FOP_FSTPNCE) {
            settle(r);
            pop(r);
            return;
        }
        stack_underflow(r);
        v = f80_indefinite();
    }
    if (settle(r)) {
        set_st(r, r->g->opnd[0].reg, v);
        if (popping)
            pop(r);
    }
}

static void exchange(struct x87_run *r)
{
    unsigned i = r->g->opnd[0].reg;
    struct f80 a = empty(r, 0) ? f80_indefinite() : st(r, 0), b = empty(r, i) ? f80_indefinite() : st(r, i);
    if (empty(r, 0) || empty(r, i))
        stack_underflow(r);
    if (settle(r)) {
        set_st(r, 0, b);
        set_st(r, i, a);
    }
}

static void move_if(struct x87_run *r, uint64_t mask, bool wanted)
{
    unsigned i = r->g->opnd[1].reg;
    bool taken = ((r->cpu->flags & mask) != 0) == wanted;
    if (empty(r, 0) || empty(r, i)) {
        stack_underflow(r);
        if (settle(r))
            set_st(r, 0, f80_indefinite());
    } else if (taken) { /* C1 stays */
        set_st(r, 0, st(r, i));
    }
}

static void change_sign(struct x87_run *r, bool clear)
{
    struct f80 v = st(r, 0);
    v.se = clear ? v.se & F80_MAX_EXP : v.se ^ 0x8000;
    if (empty(r, 0)) {
        stack_underflow(r);
        v = f80_indefinite();
    }
    if (settle(r))
        set_st(r, 0, v);
}

static void examine(struct x87_run *r)
{
    uint16_t codes = f80_examine(st(r, 0));
    if (empty(r, 0))
        codes = (uint16_t)(SW_C3 | SW_C0 | (codes & SW_C1));
    r->f->sw = (uint16_t)((r->f->sw & ~SW_CODES) | codes);
}

static void turn_stack(struct x87_run *r, unsigned by)
{
    x87_set_top(r->f, x87_top(r->f) + by);
    r->f->sw &= (uint16_t)~SW_C1;
}

/* ---- Control ----------------------------------------------------------------------------------------------------------- */

static void store_word(struct x87_run *r, uint16_t v)
{
    const struct gopnd *o = &r->g->opnd[0];
    if (o->kind == GO_MEM)
        gst16(r->ea, v);
    else
        r->cpu->gpr[GUEST_RAX] = (r->cpu->gpr[GUEST_RAX] & ~UINT64_C(0xffff)) | v;
}

/* From here on: FNENI, FNDISI, FNSETPM of the 8087 and 80287, which do nothing and do not wait. */
enum { FOP_OLD = 0x3e0 };

/* Instructions that leave the pointers to the last instruction alone and, if their name has an N, do not wait. */
static bool control(struct x87_run *r)
{
    switch (r->g->op) {
    case G_FNINIT: x87_init(r->f); return true;
    case G_FNCLEX: r->f->sw &= 0x7f00; return true;
    case G_FNSTSW: store_word(r, r->f->sw); return true;
    case G_FNSTCW: store_word(r, r->f->cw); return true;
    case G_FNSTENV: x87_store_env(r); return true;
    case G_FNSAVE: x87_save(r); return true;
    case G_FLDCW: x87_load_cw(r->f, (uint16_t)gld16(r->ea)); return true;
    case G_FLDENV: x87_load_env(r); return true;
    case G_FRSTOR: x87_restore(r); return true;
    case G_FNOP: return r->g->imm2 >= FOP_OLD; /* D9 D0 is like any other */
    default: return false;
    }
}

static bool waits(const struct ginsn *g)
{
    switch (g->op) {
    case G_FNOP: return g->imm2 < FOP_OLD;
    case G_FNINIT: case G_FNCLEX: case G_FNSTSW: case G_FNSTCW: case G_FNSTENV: case G_FNSAVE: return false;
    default: return true;
    }
}

static bool execute_arith(struct x87_run *r)
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
    case G_FCOM: case G_FICOM: case G_FTST: compare(r, false, 0); break;
    case G_FCOMP: case G_FICOMP: compare(r, false, 1); break;
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
    case G_FXTRACT: extract(r); break;
    default: return false;
    }
    return true;
}

static bool execute_move(struct x87_run *r)
{
    bool memory = r->g->opnd[0].kind == GO_MEM;
    switch (r->g->op) {
    case G_FLD: case G_FILD: case G_FBLD: load(r); break;
    case G_FLDZ: case G_FLD1: case G_FLDL2T: case G_FLDL2E: case G_FLDPI: case G_FLDLG2: case G_FLDLN2: load_constant(r); break;
    case G_FST: case G_FSTP: {
        bool popping = r->g->op == G_FSTP;
        if (memory)
            store(r, false, popping);
        else
            store_reg(r, popping);
        break;
    }
    case G_FIST: store(r, true, false); break;
    case G_FISTP: case G_FISTTP: store(r, true, true); break;
    case G_FBSTP: store(r, false, true); break;
    case G_FXCH: exchange(r); break;
    case G_FCHS: change_sign(r, false); break;
    case G_FABS: change_sign(r, true); break;
    case G_FXAM: examine(r); break;
    case G_FFREE: case G_FFREEP:
        settle(r); /* clears C1 */
        x87_set_tag(r->f, phys(r, r->g->opnd[0].reg), TAG_EMPTY);
        if (r->g->op == G_FFREEP)
            pop(r);
        break;
    case G_FINCSTP: turn_stack(r, 1); break;
    case G_FDECSTP: turn_stack(r, 7); break;
    case G_FCMOVB: move_if(r, EFL_CF, true); break;
    case G_FCMOVE: move_if(r, EFL_ZF, true); break;
    case G_FCMOVBE: move_if(r, EFL_CF | EFL_ZF, true); break;
    case G_FCMOVU: move_if(r, EFL_PF, true); break;
    case G_FCMOVNB: move_if(r, EFL_CF, false); break;
    case G_FCMOVNE: move_if(r, EFL_ZF, false); break;
    case G_FCMOVNBE: move_if(r, EFL_CF | EFL_ZF, false); break;
    case G_FCMOVNU: move_if(r, EFL_PF, false); break;
    case G_FNOP: break;
    default: return false;
    }
    return true;
}

static void remember(struct x87_run *r)
{
    struct guest_x87 *f = r->f;
    f->fip = r->cpu->rip;
    f->fcs = r->cpu->seg_sel[GUEST_CS];
    f->fop = r->g->imm2;
    if (r->g->nopnds && r->g->opnd[0].kind == GO_MEM) {
        f->fdp = r->ea - r->cpu->seg_base[r->g->seg];
        f->fds = r->cpu->seg_sel[r->g->seg];
    }
}

enum x87_result x87_exec(struct morph *m, const struct ginsn *g, uint64_t linear_ea)
{
    enum { CR0_MP = 2, CR0_EM = 4, CR0_TS = 8 };
    struct guest_cpu *cpu = &m->sh->cpu;
    struct x87_run r = {cpu, &cpu->x87, g, linear_ea, {cpu->x87.cw, 0}};

    if (g->op == G_FWAIT) {
        if ((cpu->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS))
            return X87_NM;
        return cpu->x87.sw & SW_ES ? X87_MF : X87_DONE;
    }
    if (cpu->cr0 & (CR0_EM | CR0_TS))
        return X87_NM;
    if (waits(g) && cpu->x87.sw & SW_ES)
        return X87_MF;
    if (control(&r))
        return X87_DONE;
    if (!execute_arith(&r) && !execute_move(&r))
        return X87_UNIMPLEMENTED;
    remember(&r);
    return X87_DONE;
}
