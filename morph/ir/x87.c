/* The x87 as the lifter sees it: R0..R7 are nodes that give f registers with sign and exponent; the state of the stack is known, so that
 * its registers have fixed numbers. What only a commit shows is made there. See enum x87_word and guest/x87_home.c.
 */
#include "ir.h"

#include "shared.h"

enum {
    TOP_AT = 8,
    FCSR_DENORMAL_OR_INVALID = 3 << 24,
};

static struct ir_val val_of(ir_ref r) { return (struct ir_val){0, r, 0, 0}; }
static ir_ref f1(struct ir_block *b, unsigned op, ir_ref a) { return ir_emit(b, op, a, 0, 0, 0, 0, 64); }

/* The value at entry of the home with this number. */
static ir_ref entry_of(struct ir_block *b, unsigned n) { return ir_emit(b, IR_XMM, 0, 0, 0, IR_XMM_HALVES + n, 0, 64); }
static void set(struct ir_block *b, unsigned n, ir_ref r) { ir_emit(b, IR_SET, r, 0, 0, IR_G_X87 + n, 0, 0); }
static void set_word(struct ir_block *b, enum x87_word w, ir_ref bits) { set(b, 8 + w, f1(b, DUKE_OP_FMV_F, bits)); }

void ir_begin_x87(struct ir_block *b)
{
    struct ir_x87 *x = &b->x87;
    unsigned entry = x->entry, stack = x->stack;
    *x = (struct ir_x87){.entry = entry, .stack = stack, .home_stack = stack};
    b->fp = b->has_x87 = 1;
    for (unsigned i = 0; i < 8; i++)
        x->reg[i] = x->home[i] = entry_of(b, i);
    ir_ref now = f1(b, DUKE_OP_FMV_X, entry_of(b, 8 + X87_STACK));
    ir_fault_if(b, ir_add(b, val_of(now), (struct ir_val){-(int32_t)stack, 0, 0, 0}));
    x->codes = f1(b, DUKE_OP_FMV_X, entry_of(b, 8 + X87_CODES));
    x->control = f1(b, DUKE_OP_FMV_X, entry_of(b, 8 + X87_CONTROL));
}

static unsigned physical(const struct ir_block *b, unsigned i) { return ((b->x87.stack >> TOP_AT) + i) & 7; }

ir_ref ir_get_st(struct ir_block *b, unsigned i) { return b->x87.reg[physical(b, i)]; }

void ir_put_st(struct ir_block *b, unsigned i, ir_ref r)
{
    unsigned p = physical(b, i);
    b->x87.reg[p] = r;
    b->x87.dirty |= 1u << p;
}

ir_ref ir_get_codes(struct ir_block *b) { return b->x87.codes; }
ir_ref ir_get_control(struct ir_block *b) { return b->x87.control; }

void ir_c1_by(struct ir_block *b, ir_ref r)
{
    b->x87.c1 = IR_C1_OP;
    b->x87.c1_by = r;
}

/* C1 into fcsr. */
static void c1_home(struct ir_block *b)
{
    struct ir_x87 *x = &b->x87;
    if (x->c1 == IR_C1_CLEAR) /* any exact op does */
        x->c1_by = f1(b, DUKE_OP_FCVT_X_L, 0);
    if (x->c1 != IR_C1_OLD)
        b->node[x->c1_by].x |= IR_X_LAST;
    x->c1 = IR_C1_OLD;
}

ir_ref ir_get_fcsr(struct ir_block *b)
{
    c1_home(b);
    return ir_emit(b, DUKE_OP_RDCR, 0, 0, 0, 0, DUKE_CR_FCSR, 64);
}

void ir_put_fcsr(struct ir_block *b, ir_ref r) { ir_emit(b, DUKE_OP_WRCR, r, 0, 0, 0, DUKE_CR_FCSR, 0); }

void ir_x87_home(struct ir_block *b)
{
    struct ir_x87 *x = &b->x87;
    c1_home(b);
    if (x->foreign) {
        ir_ref fcsr = ir_emit(b, DUKE_OP_RDCR, 0, 0, 0, IR_X_FOREIGN, DUKE_CR_FCSR, 64);
        ir_fault_if(b, ir_logic(b, DUKE_OP_AND, val_of(fcsr), (struct ir_val){FCSR_DENORMAL_OR_INVALID, 0, 0, 0}));
        x->foreign = 0;
    }
    for (uint32_t m = x->dirty; m; m &= m - 1) {
        unsigned i = (unsigned)__builtin_ctz(m);
        if (x->reg[i] != x->home[i])
            set(b, i, x->reg[i]);
        x->home[i] = x->reg[i];
    }
    x->dirty = 0;
    if (x->codes_set)
        set_word(b, X87_CODES, x->codes);
    if (x->control_set)
        set_word(b, X87_CONTROL, x->control);
    if (x->fip_set)
        set_word(b, X87_FIP, ir_mat(b, ir_const(b, x->fip)));
    if (x->fdp_set)
        set_word(b, X87_FDP, x->fdp);
    if (x->stack != x->home_stack)
        set_word(b, X87_STACK, ir_mat(b, ir_const(b, x->stack)));
    x->home_stack = x->stack;
    x->codes_set = x->control_set = x->fip_set = x->fdp_set = 0;
}
