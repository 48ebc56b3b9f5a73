/* x87 to IR; see lift_x87.h and ir/x87.c. As everywhere, what may fault comes before what is written.
 *
 * An operation on a number in memory converts it first, by the rules of FLD. Those of FADD and its like differ if it is a
 * denormal or a signaling NaN: `foreign` has the block undone and interpreted then (ir_x87_home).
 */
#include "lift_x87.h"

#include "../shared.h"
#include "x87_home.h"

/* What an instruction wants of the stack and does to it. */
enum {
    WANTS_ST0 = 1,
    WANTS_OTHER = 2, /* the register operand that is not ST0, or ST1 */
    WANTS_FREE = 4,  /* and pushes */
    FILLS = 8,       /* the register operand */
    POPS = 16,
    POPS_TWO = 32,
    EMPTIES = 64, /* the register operand */
    TURNS = 128,  /* the stack: FINCSTP, FDECSTP */
};

/* What is done. The low bits of the arithmetic ones: bit 0 operands the other way round. */
enum kind {
    NONE,
    NOTHING,
    LOAD,
    LOAD_INT,
    LOAD_CONST,
    STORE,
    STORE_INT,
    EXCHANGE,
    ARITH,
    ARITH_REVERSE,
    ARITH_INT,
    ARITH_INT_REVERSE,
    COMPARE,
    COMPARE_INT,
    COMPARE_ZERO,
    COMPARE_FLAGS,
    UNARY,
    SIGN,
    MOVE_IF,
    CLEAR_C1,
    FREE,
    STATUS,
    GET_CONTROL,
    SET_CONTROL,
    WAIT,
};

static const struct rule {
    uint16_t op;
    uint8_t kind, stack;
} rules[GOP_COUNT] = {
#include "lift_x87.inc"
};

struct ctx {
    struct ir_block *b;
    const struct ginsn *g;
    struct ir_val mem;
};

static ir_ref f1(const struct ctx *c, unsigned op, ir_ref a) { return ir_emit(c->b, op, a, 0, 0, 0, 0, 64); }
static ir_ref f2(const struct ctx *c, unsigned op, ir_ref a, ir_ref rb) { return ir_emit(c->b, op, a, rb, 0, 0, 0, 64); }
static struct ir_val val_of(ir_ref r) { return (struct ir_val){0, r, 0, 0}; }
static struct ir_val val_k(int32_t k) { return (struct ir_val){k, 0, 0, 0}; }

static bool is_mem(const struct ginsn *g) { return g->nopnds && g->opnd[0].kind == GO_MEM; }

/* The register operand that is not ST0; without one ST1. */
static unsigned other_of(const struct ginsn *g)
{
    if (!g->nopnds || is_mem(g))
        return 1;
    return g->nopnds == 1 || g->opnd[0].reg ? g->opnd[0].reg : g->opnd[1].reg;
}

/* ---- The stack ------------------------------------------------------------------------------------------------------------ */

static unsigned bit(unsigned stack, unsigned i) { return 1u << (((stack >> X87_TOP_AT) + i) & 7); }

static unsigned turned(unsigned stack, unsigned by)
{
    return (stack & 0xff) | (((stack >> X87_TOP_AT) + by) & 7) << X87_TOP_AT;
}

/* False: the stack would be at fault. */
static bool step(const struct ginsn *g, unsigned *stack)
{
    unsigned s = *stack, what = rules[g->op].stack, other = other_of(g);
    bool other_is_stack = !is_mem(g);
    if (g->op == G_FLD && other_is_stack)
        what |= WANTS_OTHER;
    if (what & WANTS_ST0 && !(s & bit(s, 0)))
        return false;
    if (what & WANTS_OTHER && other_is_stack && !(s & bit(s, other)))
        return false;
    if (what & WANTS_FREE) {
        if (s & bit(s, 7))
            return false;
        s = turned(s, 7);
        s |= bit(s, 0);
    }
    if (what & FILLS && other_is_stack)
        s |= bit(s, other);
    if (what & EMPTIES)
        s &= ~bit(s, other);
    for (unsigned n = what & POPS_TWO ? 2 : what & POPS ? 1 : 0; n; n--) {
        s &= ~bit(s, 0);
        s = turned(s, 1);
    }
    if (what & TURNS)
        s = turned(s, g->op == G_FINCSTP ? 1 : 7);
    *stack = s;
    return true;
}

unsigned lift_x87_reach(const struct ginsn *g, unsigned n, unsigned *stack)
{
    for (unsigned i = 0; i < n; i++)
        if (rules[g[i].op].stack && !step(&g[i], stack))
            return i;
    return n;
}

/* ---- Parts ---------------------------------------------------------------------------------------------------------------- */

static void clear_c1(const struct ctx *c) { c->b->x87.c1 = IR_C1_CLEAR; }

/* Emits an X op that C1 comes from. */
static ir_ref x_op(const struct ctx *c, unsigned op, ir_ref a, ir_ref rb)
{
    ir_ref r = f2(c, op, a, rb);
    ir_c1_by(c->b, r);
    return r;
}

static ir_ref load_real(const struct ctx *c)
{
    unsigned size = c->g->opnd[0].size;
    if (size != 10)
        return x_op(c, size == 4 ? DUKE_OP_FCVT_X_S : DUKE_OP_FCVT_X_D, ir_load_f(c->b, c->mem, size), 0);
    ir_ref significand = ir_load_f(c->b, c->mem, 8);
    struct ir_val exponent = ir_load(c->b, ir_add(c->b, c->mem, val_k(8)), 2, false);
    clear_c1(c);
    return f2(c, DUKE_OP_FMK_E, significand, ir_mat(c->b, exponent));
}

static ir_ref load_int(const struct ctx *c)
{
    ir_ref r = ir_mat(c->b, ir_load(c->b, c->mem, c->g->opnd[0].size, true));
    return x_op(c, DUKE_OP_FCVT_X_L, r, 0);
}

static ir_ref memory_operand(const struct ctx *c, bool integer)
{
    if (integer)
        return load_int(c);
    ir_ref r = load_real(c);
    c->b->x87.foreign = 1;
    c->b->node[r].x |= IR_X_FOREIGN;
    return r;
}

static void load(const struct ctx *c, unsigned kind)
{
    const struct ginsn *g = c->g;
    ir_ref r;
    if (kind == LOAD_INT) {
        r = load_int(c);
    } else if (kind == LOAD_CONST) {
        r = x_op(c, DUKE_OP_FCVT_X_L, ir_mat(c->b, val_k(g->op == G_FLD1)), 0);
    } else if (is_mem(g)) {
        r = load_real(c);
    } else {
        r = ir_get_st(c->b, g->opnd[0].reg);
        clear_c1(c);
    }
    ir_put_st(c->b, 7, r); /* which becomes ST0 */
}

static void store(const struct ctx *c, unsigned kind, unsigned op)
{
    const struct ginsn *g = c->g;
    unsigned size = g->opnd[0].size;
    ir_ref st0 = ir_get_st(c->b, 0);
    if (kind == STORE_INT) {
        /* The ops for 64, 32 and 16 bits follow each other. */
        ir_ref r = x_op(c, op + (size == 8 ? 0 : size == 4 ? 1 : 2), st0, 0);
        ir_store(c->b, c->mem, val_of(r), size);
    } else if (!is_mem(g)) {
        clear_c1(c);
        ir_put_st(c->b, g->opnd[0].reg, st0);
    } else if (size == 10) {
        clear_c1(c);
        ir_store_f(c->b, c->mem, st0, 8);
        ir_store(c->b, ir_add(c->b, c->mem, val_k(8)), val_of(f1(c, DUKE_OP_FMV_E, st0)), 2);
    } else {
        ir_store_f(c->b, c->mem, x_op(c, size == 4 ? DUKE_OP_FCVT_S_X : DUKE_OP_FCVT_D_X, st0, 0), size);
    }
}
_Static_assert(DUKE_OP_FCVT_W_X - DUKE_OP_FCVT_L_X == 1 && DUKE_OP_FCVT_H_X - DUKE_OP_FCVT_L_X == 2 &&
                   DUKE_OP_FCVTT_W_X - DUKE_OP_FCVTT_L_X == 1 && DUKE_OP_FCVTT_H_X - DUKE_OP_FCVTT_L_X == 2,
               "rows of the table in their order");

static void arith(const struct ctx *c, unsigned op, bool integer, bool reverse)
{
    const struct ginsn *g = c->g;
    unsigned to = is_mem(g) ? 0 : g->opnd[0].reg;
    ir_ref src = is_mem(g) ? memory_operand(c, integer) : ir_get_st(c->b, g->opnd[1].reg);
    ir_ref dst = ir_get_st(c->b, to);
    ir_put_st(c->b, to, x_op(c, op, reverse ? src : dst, reverse ? dst : src));
}

static void compare(const struct ctx *c, unsigned kind, unsigned op, bool flags_dead)
{
    ir_ref src;
    if (kind == COMPARE_ZERO)
        src = f1(c, DUKE_OP_FCVT_X_L, 0);
    else
        src = is_mem(c->g) ? memory_operand(c, kind == COMPARE_INT) : ir_get_st(c->b, other_of(c->g));
    ir_ref r = ir_emit(c->b, op, ir_get_st(c->b, 0), src, 0, 0, 0, 12);
    if (kind == COMPARE_FLAGS) { /* C1 stays */
        if (!flags_dead)
            ir_put(c->b, IR_G_FLAGS, val_of(r), 8);
        return;
    }
    clear_c1(c);
    c->b->x87.codes = r;
    c->b->x87.codes_set = 1;
}

static void exchange(const struct ctx *c)
{
    unsigned i = c->g->opnd[0].reg;
    ir_ref a = ir_get_st(c->b, 0);
    ir_put_st(c->b, 0, ir_get_st(c->b, i));
    ir_put_st(c->b, i, a);
    clear_c1(c);
}

/* Significand and exponent go through general registers. C1 stays. */
static void move_if(const struct ctx *c, unsigned cc)
{
    struct ir_block *b = c->b;
    ir_ref a = ir_get_st(b, c->g->opnd[1].reg), z = ir_get_st(b, 0);
    ir_ref flags = ir_mat(b, ir_get(b, IR_G_FLAGS, 8));
    struct ir_val taken = {(int32_t)cc, flags, IR_V_COND, 0};
    struct ir_val m = ir_select(b, taken, val_of(f1(c, DUKE_OP_FMV_X, a)), val_of(f1(c, DUKE_OP_FMV_X, z)));
    struct ir_val e = ir_select(b, taken, val_of(f1(c, DUKE_OP_FMV_E, a)), val_of(f1(c, DUKE_OP_FMV_E, z)));
    ir_put_st(b, 0, f2(c, DUKE_OP_FMK_E, f1(c, DUKE_OP_FMV_F, ir_mat(b, m)), ir_mat(b, e)));
}

/* ---- Control: the pointers to the last instruction stay ------------------------------------------------------------------- */

enum { CW_MASKS = 0x3f, CW_BITS = 0x1f3f, CW_ALWAYS = 0x40, FCSR_MODES = 0xf << 16 };

static void status(const struct ctx *c)
{
    struct ir_block *b = c->b;
    bool c1_clear = b->x87.c1 == IR_C1_CLEAR;
    struct ir_val fcsr = val_of(ir_get_fcsr(b));
    struct ir_val v = ir_logic(b, DUKE_OP_AND, ir_shift(b, DUKE_OP_SHR, fcsr, val_k(24)), val_k(0x3f));
    v = ir_logic(b, DUKE_OP_OR, v, ir_shift(b, DUKE_OP_SHR, val_of(ir_get_control(b)), val_k(16)));
    struct ir_val codes = ir_shift(b, DUKE_OP_SHL, val_of(ir_get_codes(b)), val_k(8));
    codes = ir_logic(b, DUKE_OP_OR, codes, val_k((int32_t)(b->x87.stack >> X87_TOP_AT) << 11));
    if (!c1_clear) {
        struct ir_val c1 = ir_logic(b, DUKE_OP_AND, ir_shift(b, DUKE_OP_SHR, fcsr, val_k(30 - 9)), val_k(1 << 9));
        codes = ir_logic(b, DUKE_OP_OR, codes, c1);
    }
    v = ir_logic(b, DUKE_OP_OR, v, codes);
    if (is_mem(c->g))
        ir_store(b, c->mem, v, 2);
    else
        ir_put(b, GUEST_RAX, v, 2);
}

/* With an exception that is not masked it is the interpreter's. */
static void set_control(const struct ctx *c)
{
    struct ir_block *b = c->b;
    struct ir_val cw = val_of(ir_mat(b, ir_load(b, c->mem, 2, false)));
    struct ir_val masks = ir_logic(b, DUKE_OP_AND, cw, val_k(CW_MASKS));
    ir_fault_if(b, ir_logic(b, DUKE_OP_XOR, masks, val_k(CW_MASKS)));
    struct ir_val kept = ir_logic(b, DUKE_OP_OR, ir_logic(b, DUKE_OP_AND, cw, val_k(CW_BITS)), val_k(CW_ALWAYS));
    b->x87.control = ir_mat(b, ir_alu(b, DUKE_OP_INS_H, val_of(ir_get_control(b)), kept, 32));
    b->x87.control_set = 1;
    struct ir_val rc = ir_shift(b, DUKE_OP_SHL, ir_logic(b, DUKE_OP_AND, cw, val_k(3 << 10)), val_k(16 - 10));
    struct ir_val pc = ir_shift(b, DUKE_OP_SHL, ir_logic(b, DUKE_OP_AND, cw, val_k(3 << 8)), val_k(18 - 8));
    struct ir_val modes = ir_logic(b, DUKE_OP_OR, rc, pc);
    struct ir_val fcsr = ir_logic(b, DUKE_OP_AND, val_of(ir_get_fcsr(b)), val_k(~FCSR_MODES));
    ir_put_fcsr(b, ir_mat(b, ir_logic(b, DUKE_OP_OR, fcsr, modes)));
}

/* ---- Instructions --------------------------------------------------------------------------------------------------------- */

bool lift_x87_op(unsigned op) { return rules[op].kind != NONE; }

bool lift_x87_can(const struct ginsn *g)
{
    enum { FOP_OLD = 0x3e0 }; /* FNENI and its like are no FNOP */
    if (!lift_x87_op(g->op) || (g->op == G_FNOP && g->imm2 >= FOP_OLD))
        return false;
    return !is_mem(g) || (g->seg < GUEST_FS && g->seg != GUEST_CS);
}

/* Pointers to the instruction and its operand. */
static void remember(const struct ctx *c, uint64_t rip)
{
    struct ir_x87 *x = &c->b->x87;
    x->fip_set = 1;
    x->fip = (uint32_t)rip | (uint64_t)(c->g->imm2 & 0x7ff) << 32 | rip >> 32 << 43;
    if (!is_mem(c->g))
        return;
    struct ir_val at = c->b->wide ? c->mem : ir_zext(c->b, c->mem, 4);
    if (c->b->wide && c->g->seg == GUEST_SS)
        at = ir_logic(c->b, DUKE_OP_OR, at, ir_const(c->b, UINT64_C(1) << 62));
    x->fdp = ir_mat(c->b, at);
    x->fdp_set = 1;
}

void lift_x87(struct ir_block *b, const struct ginsn *g, struct ir_val mem, uint64_t rip, bool flags_dead)
{
    struct ctx c = {b, g, mem};
    const struct rule *r = &rules[g->op];
    if (r->kind == WAIT) /* nothing is pending */
        return;
    if (!b->has_x87)
        ir_begin_x87(b);
    unsigned stack = b->x87.stack;
    if (!step(g, &stack)) { /* whoever lifts it has not asked lift_x87_reach */
        b->overflow = 1;
        return;
    }
    switch (r->kind) {
    case LOAD:
    case LOAD_INT:
    case LOAD_CONST: load(&c, r->kind); break;
    case STORE:
    case STORE_INT: store(&c, r->kind, r->op); break;
    case EXCHANGE: exchange(&c); break;
    case ARITH:
    case ARITH_REVERSE: arith(&c, r->op, false, r->kind == ARITH_REVERSE); break;
    case ARITH_INT:
    case ARITH_INT_REVERSE: arith(&c, r->op, true, r->kind == ARITH_INT_REVERSE); break;
    case COMPARE:
    case COMPARE_INT:
    case COMPARE_ZERO:
    case COMPARE_FLAGS: compare(&c, r->kind, r->op, flags_dead); break;
    case UNARY: ir_put_st(b, 0, x_op(&c, r->op, ir_get_st(b, 0), 0)); break;
    case SIGN:
        ir_put_st(b, 0, f1(&c, r->op, ir_get_st(b, 0)));
        clear_c1(&c);
        break;
    case MOVE_IF: move_if(&c, r->op); break;
    case CLEAR_C1:
    case FREE: clear_c1(&c); break;
    case STATUS: status(&c); return;
    case GET_CONTROL: ir_store(b, mem, val_of(ir_get_control(b)), 2); return;
    case SET_CONTROL: set_control(&c); return;
    default: break;
    }
    b->x87.stack = stack;
    remember(&c, rip);
}
