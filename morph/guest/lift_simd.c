/* SSE to IR; see lift_simd.h. As everywhere, what may fault comes before what is written: a memory operand is read first. */
#include "lift_simd.h"

#include "../shared.h"

/* Operands are halves: what is done with d (destination) and s (source). */
enum kind {
    NONE,
    PAIR,        /* op(d, s) of both halves */
    PAIR1,       /* op(s) of both halves */
    SHIFT,       /* op(d, count) of both halves */
    DOUBLE,      /* op(d, s) of the low half */
    DOUBLE1,     /* op(s) */
    SINGLE,      /* op(d, s) of the low word */
    SINGLE1,     /* op(s), beside d's high word */
    UNPACK_LOW,  /* op of the low halves, and its twin for what is high in them */
    UNPACK_HIGH, /* the same of the high halves */
    PACK,        /* op of d's halves, op of s's halves */
    COMPARE_D,
    COMPARE_S,
    FROM_INT,
    TO_INT,
    FROM_SINGLE,
    TO_SINGLE,
    PREDICATE, /* op and the three rows behind it: a mask of both halves */
    PREDICATE_D,
    PREDICATE_S,
    SPECIAL,
};

static const struct rule {
    uint16_t op;
    uint8_t kind;
} rules[GOP_COUNT] = {
#include "lift_simd.inc"
};

struct ctx {
    struct ir_block *b;
    const struct ginsn *g;
    struct ir_val mem;
    unsigned d; /* number of the destination's low half */
};

/* Both halves of a value. */
struct pair {
    ir_ref lo, hi;
};

static ir_ref f1(const struct ctx *c, unsigned op, ir_ref a) { return ir_emit(c->b, op, a, 0, 0, 0, 0, 64); }
static ir_ref f2(const struct ctx *c, unsigned op, ir_ref a, ir_ref rb) { return ir_emit(c->b, op, a, rb, 0, 0, 0, 64); }
static ir_ref zero(const struct ctx *c) { return f1(c, DUKE_OP_FMV_F, 0); }
static struct ir_val val_of(ir_ref r) { return (struct ir_val){0, r, 0, 0}; }

static bool is_mem(const struct ctx *c, unsigned i) { return c->g->opnd[i].kind == GO_MEM; }
static struct ir_val at(const struct ctx *c, unsigned k)
{
    return k ? ir_add(c->b, c->mem, (struct ir_val){(int32_t)k, 0, 0, 0}) : c->mem;
}

static ir_ref half(const struct ctx *c, unsigned i, unsigned high)
{
    if (is_mem(c, i))
        return ir_load_f(c->b, at(c, 8 * high), 8);
    return ir_get_xmm(c->b, 2u * c->g->opnd[i].reg + high);
}

static struct pair both(const struct ctx *c, unsigned i)
{
    if (is_mem(c, i) && rules[c->g->op].kind != SPECIAL)
        ir_check_aligned(c->b, c->mem);
    ir_ref lo = half(c, i, 0);
    return (struct pair){lo, half(c, i, 1)};
}

/* The low word of operand 1, with anything above. */
static ir_ref single(const struct ctx *c) { return is_mem(c, 1) ? ir_load_f(c->b, c->mem, 4) : half(c, 1, 0); }

static void put_lo(const struct ctx *c, ir_ref r) { ir_put_xmm(c->b, c->d, r); }
static void put_hi(const struct ctx *c, ir_ref r) { ir_put_xmm(c->b, c->d + 1, r); }
static void put(const struct ctx *c, ir_ref lo, ir_ref hi)
{
    put_lo(c, lo);
    put_hi(c, hi);
}

/* Words i of x and j of y, from low to high. */
static ir_ref words(const struct ctx *c, ir_ref x, unsigned i, ir_ref y, unsigned j)
{
    static const uint16_t op[2][2] = {{DUKE_OP_PUNPL_W, DUKE_OP_PWORD_LH}, {DUKE_OP_PWORD_HL, DUKE_OP_PUNPH_W}};
    if (x == y && i == 0 && j == 1)
        return x;
    return f2(c, op[i][j], x, y);
}

/* Word n of a pair, 0 to 3, and word m of another. */
static ir_ref pick(const struct ctx *c, struct pair x, unsigned n, struct pair y, unsigned m)
{
    return words(c, n & 2 ? x.hi : x.lo, n & 1, m & 2 ? y.hi : y.lo, m & 1);
}

static void shift(const struct ctx *c, unsigned op)
{
    const struct gopnd *o = &c->g->opnd[1];
    struct ir_val n = {0, 0, 0, 0};
    unsigned width = op == DUKE_OP_PSLL_D || op == DUKE_OP_PSRL_D                           ? 64
                     : op == DUKE_OP_PSLL_W || op == DUKE_OP_PSRL_W || op == DUKE_OP_PSRA_W ? 32
                                                                                            : 16;
    if (o->kind == GO_IMM) {
        unsigned k = (unsigned)c->g->imm & 0xff;
        n.k = (int32_t)(k < width ? k : width); /* a count of the width is one of all that are too big */
    } else if (o->kind == GO_MEM) {
        ir_check_aligned(c->b, c->mem);
        n = ir_load(c->b, c->mem, 8, false);
        ir_load_f(c->b, at(c, 8), 8); /* it may fault */
    } else {
        n = val_of(f1(c, DUKE_OP_FMV_X, half(c, 1, 0)));
    }
    if (o->kind == GO_IMM && n.k == 0)
        return;
    for (unsigned i = 0; i < 2; i++) {
        ir_ref x = ir_get_xmm(c->b, c->d + i);
        ir_put_xmm(c->b, c->d + i, ir_emit(c->b, op, x, n.ref, 0, 0, n.k, 64));
    }
}

/* Shift of all 16 bytes by n bytes, left or right. */
static void shift_bytes(const struct ctx *c, bool left)
{
    unsigned n = (unsigned)c->g->imm & 0xff, k = 8 * (n & 7);
    ir_ref from[2] = {half(c, 0, 0), half(c, 0, 1)}, to[2];
    if (n == 0)
        return;
    for (unsigned i = 0; i < 2; i++) { /* as if shifted right; a shift left goes the other way round */
        ir_ref x = n + 8 * i < 16 ? from[left ? 1 - (n / 8 + i) : n / 8 + i] : 0;
        ir_ref y = n + 8 * i < 8 ? from[left ? 0 : 1] : 0;
        if (x && k)
            x = ir_emit(c->b, left ? DUKE_OP_PSLL_D : DUKE_OP_PSRL_D, x, 0, 0, 0, (int32_t)k, 64);
        if (y && k)
            x = f2(c, DUKE_OP_POR, x, ir_emit(c->b, left ? DUKE_OP_PSRL_D : DUKE_OP_PSLL_D, y, 0, 0, 0, 64 - (int32_t)k, 64));
        to[left ? 1 - i : i] = x ? x : zero(c);
    }
    put(c, to[0], to[1]);
}

static void move_all(const struct ctx *c)
{
    unsigned op = c->g->op, mem = is_mem(c, 0) ? 0 : 1;
    bool anywhere = op == G_MOVUPS || op == G_MOVUPD || op == G_MOVDQU || op == G_LDDQU;
    if (is_mem(c, mem) && !anywhere)
        ir_check_aligned(c->b, c->mem);
    if (is_mem(c, 0)) {
        ir_store_f(c->b, c->mem, half(c, 1, 0), 8);
        ir_store_f(c->b, at(c, 8), half(c, 1, 1), 8);
        return;
    }
    struct pair s = both(c, 1);
    put(c, s.lo, s.hi);
}

/* The scalar moves and those of halves. */
static void move_part(const struct ctx *c)
{
    ir_ref v;
    switch (c->g->op) {
    case G_MOVSS:
        if (is_mem(c, 0))
            ir_store_f(c->b, c->mem, half(c, 1, 0), 4);
        else if (is_mem(c, 1))
            put(c, single(c), zero(c));
        else
            put_lo(c, words(c, half(c, 1, 0), 0, half(c, 0, 0), 1));
        break;
    case G_MOVSD:
    case G_MOVQ:
        if (is_mem(c, 0)) {
            ir_store_f(c->b, c->mem, half(c, 1, 0), 8);
            break;
        }
        put_lo(c, half(c, 1, 0));
        if (is_mem(c, 1) || c->g->op == G_MOVQ)
            put_hi(c, zero(c));
        break;
    case G_MOVLPS:
    case G_MOVLPD:
        if (is_mem(c, 0))
            ir_store_f(c->b, c->mem, half(c, 1, 0), 8);
        else
            put_lo(c, half(c, 1, 0));
        break;
    case G_MOVHPS:
    case G_MOVHPD:
        if (is_mem(c, 0))
            ir_store_f(c->b, c->mem, half(c, 1, 1), 8);
        else
            put_hi(c, half(c, 1, 0));
        break;
    case G_MOVHLPS: put_lo(c, half(c, 1, 1)); break;
    case G_MOVLHPS: put_hi(c, half(c, 1, 0)); break;
    default: /* movddup */
        v = half(c, 1, 0);
        put(c, v, v);
        break;
    }
}

static void move_general(const struct ctx *c)
{
    const struct gopnd *o = c->g->opnd;
    bool to_xmm = o[0].kind == GO_XMM;
    unsigned size = o[to_xmm ? 1 : 0].size;
    if (is_mem(c, 0)) {
        ir_store_f(c->b, c->mem, half(c, 1, 0), size);
    } else if (is_mem(c, 1)) {
        put(c, ir_load_f(c->b, c->mem, size), zero(c));
    } else if (to_xmm) {
        struct ir_val v = ir_zext(c->b, ir_get(c->b, o[1].reg, size), size);
        put(c, f1(c, DUKE_OP_FMV_F, ir_mat(c->b, v)), zero(c));
    } else {
        struct ir_val v = val_of(f1(c, DUKE_OP_FMV_X, half(c, 1, 0)));
        ir_put(c->b, o[0].reg, ir_zext(c->b, v, size), size);
    }
}

static void shuffle(const struct ctx *c)
{
    unsigned imm = (unsigned)c->g->imm & 0xff, op = c->g->op;
    if (is_mem(c, 1))
        ir_check_aligned(c->b, c->mem);
    struct pair s = both(c, 1), d = s;
    if (op == G_SHUFPS || op == G_SHUFPD || op == G_UNPCKLPD || op == G_UNPCKHPD || op == G_PUNPCKLQDQ || op == G_PUNPCKHQDQ)
        d = both(c, 0);
    switch (op) {
    case G_UNPCKLPD:
    case G_PUNPCKLQDQ: put_hi(c, s.lo); break;
    case G_UNPCKHPD:
    case G_PUNPCKHQDQ: put(c, d.hi, s.hi); break;
    case G_SHUFPD: put(c, imm & 1 ? d.hi : d.lo, imm & 2 ? s.hi : s.lo); break;
    case G_MOVSLDUP: put(c, words(c, s.lo, 0, s.lo, 0), words(c, s.hi, 0, s.hi, 0)); break;
    case G_MOVSHDUP: put(c, words(c, s.lo, 1, s.lo, 1), words(c, s.hi, 1, s.hi, 1)); break;
    case G_PSHUFLW: put(c, ir_emit(c->b, DUKE_OP_PSHUF_H, s.lo, 0, 0, 0, (int32_t)imm, 64), s.hi); break;
    case G_PSHUFHW: put(c, s.lo, ir_emit(c->b, DUKE_OP_PSHUF_H, s.hi, 0, 0, 0, (int32_t)imm, 64)); break;
    default: { /* pshufd, shufps */
        ir_ref lo = pick(c, d, imm & 3, d, imm >> 2 & 3);
        put(c, lo, pick(c, s, imm >> 4 & 3, s, imm >> 6));
        break;
    }
    }
}

/* Conversions of more than one number. */
static void convert(const struct ctx *c)
{
    unsigned op = rules[c->g->op].op;
    bool wide = c->g->op == G_CVTDQ2PD || c->g->op == G_CVTPS2PD; /* of two words to two double words */
    if (is_mem(c, 1) && !wide)
        ir_check_aligned(c->b, c->mem);
    struct pair s = {half(c, 1, 0), 0}, r = {0, 0};
    s.hi = wide ? 0 : half(c, 1, 1);
    ir_ref x[2] = {s.lo, s.hi}, y[2], none = zero(c);
    switch (c->g->op) {
    case G_CVTPS2PD: r = (struct pair){f1(c, op, s.lo), f1(c, op, words(c, s.lo, 1, s.lo, 1))}; break;
    case G_CVTDQ2PD:
        x[0] = f1(c, DUKE_OP_FMV_X, s.lo);
        r.lo = f1(c, op, x[0]);
        r.hi = f1(c, op, ir_emit(c->b, DUKE_OP_SHR, x[0], 0, 0, 0, -32, 32));
        break;
    case G_CVTPD2PS:
        r.lo = words(c, f2(c, op, s.lo, none), 0, f2(c, op, s.hi, none), 0);
        r.hi = none;
        break;
    case G_CVTDQ2PS:
        for (unsigned i = 0; i < 2; i++) {
            ir_ref v = f1(c, DUKE_OP_FMV_X, x[i]);
            ir_ref high = f2(c, op, ir_emit(c->b, DUKE_OP_SHR, v, 0, 0, 0, -32, 32), none);
            y[i] = words(c, f2(c, op, v, none), 0, high, 0);
        }
        r = (struct pair){y[0], y[1]};
        break;
    case G_CVTTPD2DQ:
    case G_CVTPD2DQ:
        for (unsigned i = 0; i < 2; i++)
            y[i] = f1(c, DUKE_OP_FMV_F, f1(c, op, x[i]));
        r = (struct pair){words(c, y[0], 0, y[1], 0), none};
        break;
    default: /* singles to words */
        for (unsigned i = 0; i < 2; i++) {
            ir_ref low = f1(c, DUKE_OP_FMV_F, f1(c, op, x[i]));
            y[i] = words(c, low, 0, f1(c, DUKE_OP_FMV_F, f1(c, op, words(c, x[i], 1, x[i], 1))), 0);
        }
        r = (struct pair){y[0], y[1]};
        break;
    }
    put(c, r.lo, r.hi);
}

static void to_register(const struct ctx *c, struct ir_val v) { ir_put(c->b, c->g->opnd[0].reg, v, c->g->opnd[0].size); }

/* Bits of both halves: those of the low half as `op` gives them, the others above, from bit `n` on. */
static void signs(const struct ctx *c, bool bytes)
{
    ir_ref m[2];
    for (unsigned i = 0; i < 2; i++) {
        ir_ref x = half(c, 1, i);
        m[i] = bytes ? ir_emit(c->b, DUKE_OP_PMSKB, x, 0, 0, 0, 0, 8)
                     : ir_emit(c->b, DUKE_OP_SHR, f1(c, DUKE_OP_FMV_X, x), 0, 0, 0, -1, 1);
    }
    struct ir_val high = ir_shift(c->b, DUKE_OP_SHL, val_of(m[1]), (struct ir_val){bytes ? 8 : 1, 0, 0, 0});
    to_register(c, ir_logic(c->b, DUKE_OP_OR, val_of(m[0]), high));
}

static void special(const struct ctx *c)
{
    unsigned n = (unsigned)c->g->imm & 7;
    struct ir_val v;
    switch (c->g->op) {
    case G_MOVAPS:
    case G_MOVAPD:
    case G_MOVDQA:
    case G_MOVUPS:
    case G_MOVUPD:
    case G_MOVDQU:
    case G_LDDQU:
    case G_MOVNTPS:
    case G_MOVNTPD:
    case G_MOVNTDQ:
    case G_MOVNTDQA: move_all(c); break;
    case G_MOVSS:
    case G_MOVSD:
    case G_MOVQ:
    case G_MOVLPS:
    case G_MOVLPD:
    case G_MOVHPS:
    case G_MOVHPD:
    case G_MOVHLPS:
    case G_MOVLHPS:
    case G_MOVDDUP: move_part(c); break;
    case G_MOVD: move_general(c); break;
    case G_PSLLDQ: shift_bytes(c, true); break;
    case G_PSRLDQ: shift_bytes(c, false); break;
    case G_PMOVMSKB: signs(c, true); break;
    case G_MOVMSKPD: signs(c, false); break;
    case G_PEXTRW:
        v = val_of(f1(c, DUKE_OP_FMV_X, half(c, 1, n >> 2)));
        v = ir_shift(c->b, DUKE_OP_SHR, v, (struct ir_val){(int32_t)(16 * (n & 3)), 0, 0, 0});
        to_register(c, ir_zext(c->b, v, 2));
        break;
    case G_CVTPS2PD:
    case G_CVTPD2PS:
    case G_CVTDQ2PD:
    case G_CVTDQ2PS:
    case G_CVTTPS2DQ:
    case G_CVTPS2DQ:
    case G_CVTTPD2DQ:
    case G_CVTPD2DQ: convert(c); break;
    default: shuffle(c); break;
    }
}

/* A number to a general register, or from one: the ops for 32 bits are each two behind those for 64. */
static void to_int(const struct ctx *c, unsigned op)
{
    bool is_double = op == DUKE_OP_FCVTT_W_D || op == DUKE_OP_FCVT_W_D;
    ir_ref s = is_double ? half(c, 1, 0) : single(c);
    bool wide = c->g->opnd[0].size == 8;
    to_register(c, val_of(ir_emit(c->b, wide ? op - 2 : op, s, 0, 0, 0, 0, wide ? 64 : 32)));
}
_Static_assert(DUKE_OP_FCVT_W_D - DUKE_OP_FCVT_L_D == 2 && DUKE_OP_FCVTT_W_S - DUKE_OP_FCVTT_L_S == 2 &&
                   DUKE_OP_FCVT_S_W - DUKE_OP_FCVT_S_L == 2 && DUKE_OP_FCVT_D_W - DUKE_OP_FCVT_D_L == 2,
               "rows of the table in their order");

static void from_int(const struct ctx *c, unsigned op)
{
    unsigned size = c->g->opnd[1].size;
    struct ir_val v = is_mem(c, 1) ? ir_load(c->b, c->mem, size, false) : ir_get(c->b, c->g->opnd[1].reg, size);
    ir_ref r = ir_mat(c->b, v);
    put_lo(c, f2(c, size == 8 ? op - 2 : op, r, op == DUKE_OP_FCVT_S_W ? half(c, 0, 0) : 0));
}

/* Masks of comparisons; those that are inverses of others by way of the others. */
static void predicate(const struct ctx *c, const struct rule *r)
{
    unsigned op = r->op + ((unsigned)c->g->imm & 3);
    bool invert = c->g->imm & 4;
    struct pair s;
    if (r->kind == PREDICATE)
        s = both(c, 1);
    else
        s = (struct pair){r->kind == PREDICATE_D ? half(c, 1, 0) : single(c), 0};
    for (unsigned i = 0; i < (r->kind == PREDICATE ? 2 : 1); i++) {
        ir_ref d = half(c, 0, i), x = f2(c, op, d, i ? s.hi : s.lo);
        if (invert) {
            x = f2(c, DUKE_OP_PXOR, x, f2(c, DUKE_OP_PCMPEQ_D, d, d));
            x = r->kind == PREDICATE_S ? words(c, x, 0, d, 1) : x;
        }
        ir_put_xmm(c->b, c->d + i, x);
    }
}
_Static_assert(DUKE_OP_FCMPUN_D - DUKE_OP_FCMPEQ_D == 3 && DUKE_OP_FCMPUN_S - DUKE_OP_FCMPEQ_S == 3 &&
                   DUKE_OP_FCMPUN_P - DUKE_OP_FCMPEQ_P == 3,
               "eq, lt, le, un");

static void by_rule(const struct ctx *c, const struct rule *r, bool flags_dead)
{
    struct pair s, d;
    ir_ref x;
    switch (r->kind) {
    case PAIR:
        if (r->op == DUKE_OP_PXOR && c->g->opnd[1].kind == GO_XMM && c->g->opnd[1].reg == c->g->opnd[0].reg) {
            x = zero(c);
            put(c, x, x);
            break;
        }
        s = both(c, 1);
        put(c, f2(c, r->op, half(c, 0, 0), s.lo), f2(c, r->op, half(c, 0, 1), s.hi));
        break;
    case PAIR1:
        s = both(c, 1);
        put(c, f1(c, r->op, s.lo), f1(c, r->op, s.hi));
        break;
    case SHIFT: shift(c, r->op); break;
    case DOUBLE:
        x = half(c, 1, 0);
        put_lo(c, f2(c, r->op, half(c, 0, 0), x));
        break;
    case DOUBLE1: put_lo(c, f1(c, r->op, half(c, 1, 0))); break;
    case SINGLE:
        x = single(c);
        put_lo(c, f2(c, r->op, half(c, 0, 0), x));
        break;
    case SINGLE1:
        x = single(c);
        put_lo(c, f2(c, r->op, x, half(c, 0, 0)));
        break;
    case UNPACK_LOW:
    case UNPACK_HIGH:
        s = both(c, 1);
        d = both(c, 0);
        x = r->kind == UNPACK_LOW ? d.lo : d.hi;
        s.lo = r->kind == UNPACK_LOW ? s.lo : s.hi;
        put(c, f2(c, r->op, x, s.lo), f2(c, r->op + (DUKE_OP_PUNPH_B - DUKE_OP_PUNPL_B), x, s.lo));
        break;
    case PACK:
        s = both(c, 1);
        x = f2(c, r->op, half(c, 0, 0), half(c, 0, 1));
        put(c, x, f2(c, r->op, s.lo, s.hi));
        break;
    case COMPARE_D:
    case COMPARE_S:
        x = r->kind == COMPARE_D ? half(c, 1, 0) : single(c);
        x = ir_emit(c->b, r->op, half(c, 0, 0), x, 0, 0, 0, 12);
        if (!flags_dead)
            ir_put(c->b, IR_G_FLAGS, val_of(x), 8);
        break;
    case PREDICATE:
    case PREDICATE_D:
    case PREDICATE_S: predicate(c, r); break;
    case FROM_INT: from_int(c, r->op); break;
    case TO_INT: to_int(c, r->op); break;
    case FROM_SINGLE: put_lo(c, f1(c, r->op, single(c))); break;
    case TO_SINGLE:
        x = half(c, 1, 0);
        put_lo(c, f2(c, r->op, x, half(c, 0, 0)));
        break;
    default: special(c); break;
    }
}

bool lift_simd_op(unsigned op) { return rules[op].kind != NONE; }

bool lift_simd_can(const struct ginsn *g)
{
    if (!lift_simd_op(g->op) || g->seg == GUEST_CS)
        return false;
    for (unsigned i = 0; i < g->nopnds; i++)
        if (g->opnd[i].kind == GO_MMX)
            return false;
    return g->op != G_PEXTRW || g->opnd[0].kind == GO_REG;
}

void lift_simd(struct ir_block *b, const struct ginsn *g, struct ir_val mem, bool flags_dead)
{
    struct ctx c = {b, g, mem, g->opnd[0].kind == GO_XMM ? 2u * g->opnd[0].reg : 0};
    if (!b->has_xmm)
        ir_begin_xmm(b);
    by_rule(&c, &rules[g->op], flags_dead);
}
