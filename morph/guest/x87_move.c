/* x87 instructions that move: loads, stores, exchanges, sign changes and the stack itself. */
#include "x87_run.h"

struct f80 x87_load_real(struct x87_run *r)
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

struct f80 x87_load_int(struct x87_run *r)
{
    switch (r->g->opnd[0].size) {
    case 2: return f80_from_int((int16_t)gld16(r->ea));
    case 4: return f80_from_int((int32_t)gld32(r->ea));
    default: return f80_from_int((int64_t)gld64(r->ea));
    }
}

/* ---- Loads and stores -------------------------------------------------------------------------------------------------- */

static void load(struct x87_run *r)
{
    const struct gopnd *o = &r->g->opnd[0];
    struct f80 v = f80_indefinite();
    if (r->g->op == G_FILD) {
        v = x87_load_int(r);
    } else if (r->g->op == G_FBLD) {
        uint64_t lo = gld64(r->ea);
        uint16_t hi = (uint16_t)gld16(r->ea + 8);
        v = f80_from_bcd(lo, hi);
    } else if (o->kind == GO_MEM) {
        v = x87_load_real(r);
        if (o->size != 10 && num_take(v).cls == NUM_SNAN) {
            r->e.raised |= SW_IE;
            v.mant |= QUIET_BIT;
        }
    } else if (x87_empty(r, o->reg)) {
        x87_stack_underflow(r);
    } else {
        v = x87_st(r, o->reg);
    }
    x87_push(r, v);
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
    x87_push(r, v);
}

/* What goes to memory: 80 bits, low part first. */
struct stored {
    uint64_t lo;
    uint16_t hi;
};

static struct stored convert(struct x87_run *r, bool integer)
{
    struct f80 v = x87_empty(r, 0) ? f80_indefinite() : x87_st(r, 0);
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

/* The memory operand is not written, but that it could not be comes before an exception of the unit. */
static void check_writable(const struct x87_run *r)
{
    switch (r->g->opnd[0].size) {
    case 2: gst16(r->ea, gld16(r->ea)); break;
    case 4: gst32(r->ea, gld32(r->ea)); break;
    case 8: gst64(r->ea, gld64(r->ea)); break;
    default:
        gst64(r->ea, gld64(r->ea));
        gst16(r->ea + 8, gld16(r->ea + 8));
        break;
    }
}

static void store(struct x87_run *r, bool integer, bool popping)
{
    struct stored out = convert(r, integer);
    if (x87_empty(r, 0))
        x87_stack_underflow(r);
    if (!x87_blocked(r) && !x87_unmasked(r, SW_OE | SW_UE)) {
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
        check_writable(r);
        popping = false;
    }
    x87_settle(r);
    if (popping)
        x87_pop(r);
}

/* D9 D8..DF is not documented and differs from FSTP: with an empty ST0 it only pops. */
enum { FOP_FSTPNCE = 0x1d8 };

static void store_reg(struct x87_run *r, bool popping)
{
    struct f80 v = x87_st(r, 0);
    if (x87_empty(r, 0)) {
        if ((r->g->imm2 & ~7u) == FOP_FSTPNCE) {
            x87_settle(r);
            x87_pop(r);
            return;
        }
        x87_stack_underflow(r);
        v = f80_indefinite();
    }
    if (x87_settle(r)) {
        x87_set_st(r, r->g->opnd[0].reg, v);
        if (popping)
            x87_pop(r);
    }
}

static void exchange(struct x87_run *r)
{
    unsigned i = r->g->opnd[0].reg;
    struct f80 a = x87_empty(r, 0) ? f80_indefinite() : x87_st(r, 0), b = x87_empty(r, i) ? f80_indefinite() : x87_st(r, i);
    if (x87_empty(r, 0) || x87_empty(r, i))
        x87_stack_underflow(r);
    if (x87_settle(r)) {
        x87_set_st(r, 0, b);
        x87_set_st(r, i, a);
    }
}

static void move_if(struct x87_run *r, uint64_t mask, bool wanted)
{
    unsigned i = r->g->opnd[1].reg;
    bool taken = ((r->cpu->flags & mask) != 0) == wanted;
    if (x87_empty(r, 0) || x87_empty(r, i)) {
        x87_stack_underflow(r);
        if (x87_settle(r))
            x87_set_st(r, 0, f80_indefinite());
    } else if (taken) { /* C1 stays */
        x87_set_st(r, 0, x87_st(r, i));
    }
}

static void change_sign(struct x87_run *r, bool clear)
{
    struct f80 v = x87_st(r, 0);
    v.se = clear ? v.se & F80_MAX_EXP : v.se ^ 0x8000;
    if (x87_empty(r, 0)) {
        x87_stack_underflow(r);
        v = f80_indefinite();
    }
    if (x87_settle(r))
        x87_set_st(r, 0, v);
}

static void examine(struct x87_run *r)
{
    uint16_t codes = f80_examine(x87_st(r, 0));
    if (x87_empty(r, 0))
        codes = (uint16_t)(SW_C3 | SW_C0 | (codes & SW_C1));
    r->f->sw = (uint16_t)((r->f->sw & ~SW_CODES) | codes);
}

static void turn_stack(struct x87_run *r, unsigned by)
{
    x87_set_top(r->f, x87_top(r->f) + by);
    r->f->sw &= (uint16_t)~SW_C1;
}

bool x87_execute_move(struct x87_run *r)
{
    bool memory = r->g->opnd[0].kind == GO_MEM;
    switch (r->g->op) {
    case G_FLD:
    case G_FILD:
    case G_FBLD: load(r); break;
    case G_FLDZ:
    case G_FLD1:
    case G_FLDL2T:
    case G_FLDL2E:
    case G_FLDPI:
    case G_FLDLG2:
    case G_FLDLN2: load_constant(r); break;
    case G_FST:
    case G_FSTP: {
        bool popping = r->g->op == G_FSTP;
        if (memory)
            store(r, false, popping);
        else
            store_reg(r, popping);
        break;
    }
    case G_FIST: store(r, true, false); break;
    case G_FISTP:
    case G_FISTTP: store(r, true, true); break;
    case G_FBSTP: store(r, false, true); break;
    case G_FXCH: exchange(r); break;
    case G_FCHS: change_sign(r, false); break;
    case G_FABS: change_sign(r, true); break;
    case G_FXAM: examine(r); break;
    case G_FFREE:
    case G_FFREEP:
        x87_settle(r); /* clears C1 */
        x87_set_tag(r->f, x87_phys(r, r->g->opnd[0].reg), TAG_EMPTY);
        if (r->g->op == G_FFREEP)
            x87_pop(r);
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
