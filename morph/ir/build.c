/* Makes nodes. Constants, copies and sums with constants are folded on the way, so that no pass has to look for them. */
#include "ir.h"

static struct ir_val val_ref(ir_ref r) { return (struct ir_val){0, r, 0, 0}; }
static struct ir_val val_k(int32_t k) { return (struct ir_val){k, 0, 0, 0}; }
static bool is_k(struct ir_val v) { return v.ref == 0; }

static unsigned bits_of_k(int64_t k) { return k < 0 ? 64 : k == 0 ? 0 : 64 - (unsigned)__builtin_clzll((uint64_t)k); }
static unsigned bits_of(const struct ir_block *b, struct ir_val v) { return is_k(v) ? bits_of_k(v.k) : b->node[v.ref].bits; }
static unsigned min_u(unsigned a, unsigned b) { return a < b ? a : b; }
static unsigned max_u(unsigned a, unsigned b) { return a > b ? a : b; }

static void make_entries(struct ir_block *b)
{
    unsigned width = b->wide ? 64 : 32;
    b->node[0] = (struct ir_node){.op = IR_NOP};
    for (unsigned g = 0; g < IR_G_COUNT; g++) {
        b->node[ir_entry(g)] = (struct ir_node){
            .op = IR_ENTRY, .x = (uint8_t)g, .bits = (uint8_t)(g == IR_G_FLAGS ? 12 : width)};
        b->entry_cur[g] = val_ref(ir_entry(g));
        b->entry_pinned[g] = ir_entry(g);
    }
    b->entries_made = width;
}

void ir_start(struct ir_block *b, uint64_t rip)
{
    if (b->entries_made != (b->wide ? 64 : 32)) /* they are the same for all blocks but for what opt finds out */
        make_entries(b);
    b->nexits = b->overflow = b->insns = 0;
    b->rip = rip;
    b->uses_xmm = 0;
    b->has_x87 = 0;
    ir_restart(b);
}

static inline __attribute__((always_inline)) void begin_part(struct ir_block *b)
{
    b->dirty = b->fp = b->has_xmm = b->nchecks = 0;
    ir_clear(b->seen, sizeof b->seen);
    ir_copy(b->cur, b->entry_cur, sizeof b->cur);
    ir_copy(b->pinned, b->entry_pinned, sizeof b->pinned);
}

void ir_restart(struct ir_block *b)
{
    b->n = IR_FIRST;
    b->nconsts = 0;
    ir_clear(b->use, IR_FIRST * sizeof b->use[0]);
    begin_part(b);
}

void ir_begin_part(struct ir_block *b) { begin_part(b); }

/* A node of `op` with operand a and a constant, made once if it is still remembered. */
static ir_ref sum_node(struct ir_block *b, unsigned op, ir_ref a, int32_t k)
{
    unsigned h = (a * 5u + (uint32_t)k) & 7;
    ir_ref r = b->seen[h];
    const struct ir_node *n = &b->node[r];
    if (r && n->op == op && n->a == a && n->imm == k && n->x == 0)
        return r;
    unsigned bits = op == DUKE_OP_LI ? bits_of_k(k) : op == DUKE_OP_ADDI_W ? 32 : 64;
    r = ir_emit(b, op, a, 0, 0, 0, k, bits);
    b->seen[h] = r;
    return r;
}

static ir_ref big_node(struct ir_block *b, int64_t k)
{
    if (b->nconsts == IR_CONSTS_MAX) {
        b->overflow = 1;
        return 1;
    }
    b->consts[b->nconsts] = k;
    return ir_emit(b, DUKE_OP_LI, 0, 0, 0, IR_BIG, (int32_t)b->nconsts++, bits_of_k(k));
}

struct ir_val ir_const(struct ir_block *b, uint64_t k)
{
    int64_t s = (int64_t)k;
    return s == (int32_t)s ? val_k((int32_t)s) : val_ref(big_node(b, s));
}

/* base + (index << scale), the low 32 bits zero-extended if `low`. */
static ir_ref scaled_sum(struct ir_block *b, ir_ref base, ir_ref index, unsigned scale, bool low)
{
    static const uint16_t op[2][4] = {
        {DUKE_OP_ADD, DUKE_OP_SH1ADD, DUKE_OP_SH2ADD, DUKE_OP_SH3ADD},
        {DUKE_OP_ADD_W, DUKE_OP_SH1ADD_W, DUKE_OP_SH2ADD_W, DUKE_OP_SH3ADD_W},
    };
    if (base == 0 && scale)
        return ir_emit(b, low ? DUKE_OP_SHL_W : DUKE_OP_SHL, index, 0, 0, 0, (int32_t)scale, low ? 32 : 64);
    if (base == 0)
        return ir_emit(b, op[low][0], index, 0, 0, 0, 0, low ? 32 : 64);
    return ir_emit(b, op[low][scale], index, base, 0, 0, 0, low ? 32 : 64);
}

/* Node of an address, k included. */
static ir_ref addr_node(struct ir_block *b, struct ir_val v, bool low)
{
    struct ir_node n = b->node[v.ref];
    if (v.k == 0)
        return scaled_sum(b, n.a, n.b, n.x, low);
    ir_ref sum = scaled_sum(b, n.a, n.b, n.x, false);
    return sum_node(b, low ? DUKE_OP_ADDI_W : DUKE_OP_ADDI, sum, v.k);
}

static bool below(const struct ir_block *b, ir_ref r, unsigned bits) { return b->node[r].bits <= bits; }

/* Whether condition v, of flags that a comparison made, is a comparison of its operands: then what that is, as op a, b or imm. */
static bool compares(const struct ir_block *b, struct ir_val v, struct ir_node *out)
{
    const struct ir_node *f = &b->node[v.ref];
    unsigned cc = (unsigned)v.k, op = f->op, size;
    if (!b->fuse)
        return false;
    if (op >= DUKE_OP_TSTF_B && op <= DUKE_OP_TSTF_D && f->a == f->b && (cc == 4 || cc == 5)) {
        *out = (struct ir_node){.op = cc == 4 ? DUKE_OP_SEQ : DUKE_OP_SNE, .a = f->a};
        return below(b, f->a, 8u << (op - DUKE_OP_TSTF_B));
    }
    if (op < DUKE_OP_SUBF_B || op > DUKE_OP_SUBF_D)
        return false;
    size = op - DUKE_OP_SUBF_B;
    if (!below(b, f->a, 8u << size) || (f->b ? !below(b, f->b, 8u << size) : f->imm < 0 || size == 3))
        return false;
    *out = (struct ir_node){.a = f->a, .b = f->b, .imm = f->imm};
    switch (cc) {
    case 2: out->op = DUKE_OP_SLTU; return true;
    case 4: out->op = DUKE_OP_SEQ; return true;
    case 5: out->op = DUKE_OP_SNE; return true;
    case 7: /* the other way round */ *out = (struct ir_node){.op = DUKE_OP_SLTU, .a = f->b, .b = f->a}; return f->b != 0;
    default: return false;
    }
}

ir_ref ir_mat_slow(struct ir_block *b, struct ir_val v)
{
    struct ir_node n;
    if (v.tag & IR_V_COND && compares(b, v, &n))
        return ir_emit(b, n.op, n.a, n.b, 0, 0, n.imm, 1);
    if (v.tag & IR_V_COND)
        return ir_emit(b, DUKE_OP_SETCC, v.ref, 0, 0, 0, v.k, 1);
    if (v.tag & IR_V_ADDR)
        return addr_node(b, v, (v.tag & IR_V_LOW) != 0);
    if (v.k == 0)
        return v.ref;
    if (is_k(v))
        return sum_node(b, DUKE_OP_LI, 0, v.k);
    ir_ref r = sum_node(b, v.tag & IR_V_LOW ? DUKE_OP_ADDI_W : DUKE_OP_ADDI, v.ref, v.k);
    if (v.g) { /* later uses of the guest register then share it, so that its home need not keep the old value */
        struct ir_val *cur = &b->cur[v.g - 1];
        if (cur->ref == v.ref && cur->k == v.k)
            *cur = val_ref(r);
    }
    return r;
}

/* v as ref or constant: no condition, no address. */
static struct ir_val plain(struct ir_block *b, struct ir_val v)
{
    return v.tag & (IR_V_COND | IR_V_ADDR) ? val_ref(ir_mat(b, v)) : v;
}

/* v + k where that needs no node; false: it does not fit. */
static bool add_k(struct ir_val *v, int64_t k)
{
    int64_t sum = v->k + k;
    if (sum != (int32_t)sum && !(v->tag & IR_V_LOW))
        return false;
    v->k = (int32_t)sum;
    v->g = 0;
    return true;
}

/* The carry operand: and(flags, 1) gives flags. */
static ir_ref carry_of(const struct ir_block *b, struct ir_val v)
{
    const struct ir_node *n = &b->node[v.ref];
    return v.ref && v.k == 0 && n->op == DUKE_OP_ANDI && n->imm == 1 && b->node[n->a].bits == 12 ? n->a : 0;
}

/* x + y of an address and a segment base. */
static struct ir_val add_base(struct ir_block *b, struct ir_val x, ir_ref base)
{
    if (x.tag & IR_V_ADDR) {
        struct ir_node n = b->node[x.ref];
        ir_ref sum = n.a ? ir_emit(b, DUKE_OP_ADD, n.a, base, 0, 0, 0, 64) : base;
        x.ref = ir_emit(b, IR_ADDR, sum, n.b, 0, n.x, 0, 64);
        return x;
    }
    if (is_k(x))
        return (struct ir_val){x.k, base, 0, 0};
    ir_ref r = ir_emit(b, IR_ADDR, base, x.ref, 0, 0, 0, 64);
    return (struct ir_val){x.k, r, (uint8_t)(IR_V_ADDR | (x.tag & IR_V_LOW)), 0};
}

struct ir_val ir_add_slow(struct ir_block *b, struct ir_val x, struct ir_val y)
{
    if (is_k(x) && !is_k(y)) {
        struct ir_val t = x;
        x = y;
        y = t;
        if (b->fold)
            return ir_add(b, x, y);
    }
    if (y.k == 0 && (y.ref == ir_entry(IR_G_FS) || y.ref == ir_entry(IR_G_GS)) && !(x.tag & IR_V_COND))
        return add_base(b, x, y.ref);
    x = plain(b, x);
    y = plain(b, y);
    ir_ref fl = carry_of(b, y);
    if (fl && x.k == 0 && b->node[x.ref].op == DUKE_OP_ADD) {
        const struct ir_node n = b->node[x.ref];
        return val_ref(ir_emit(b, DUKE_OP_ADC, n.a, n.b ? n.b : ir_mat(b, val_k(n.imm)), fl, 0, 0, 64));
    }
    int64_t k = (int64_t)x.k + y.k;
    unsigned tag = (x.tag | y.tag) & IR_V_LOW;
    if (!b->fold || is_k(y) || (k != (int32_t)k && !tag)) {
        ir_ref a = ir_mat(b, x);
        if (is_k(y))
            return val_ref(sum_node(b, DUKE_OP_ADDI, a, y.k));
        ir_ref c = ir_mat(b, y);
        return val_ref(ir_emit(b, DUKE_OP_ADD, a, c, 0, 0, 0, 64));
    }
    unsigned bits = min_u(64, max_u(b->node[x.ref].bits, b->node[y.ref].bits) + 1);
    ir_ref sum = ir_emit(b, DUKE_OP_ADD, x.ref, y.ref, 0, 0, 0, bits);
    return (struct ir_val){(int32_t)k, sum, (uint8_t)(k ? tag : 0), 0};
}

struct ir_val ir_sub(struct ir_block *b, struct ir_val x, struct ir_val y)
{
    x = plain(b, x);
    y = plain(b, y);
    if (is_k(y) && b->fold) {
        struct ir_val v = x;
        if (add_k(&v, -(int64_t)y.k))
            return v;
    }
    ir_ref fl = carry_of(b, y);
    if (fl && x.k == 0 && b->node[x.ref].op == DUKE_OP_SUB) {
        const struct ir_node n = b->node[x.ref];
        return val_ref(ir_emit(b, DUKE_OP_SBB, n.a, n.b ? n.b : ir_mat(b, val_k(n.imm)), fl, 0, 0, 64));
    }
    int64_t k = (int64_t)x.k - y.k;
    unsigned tag = (x.tag | y.tag) & IR_V_LOW;
    if (!b->fold || is_k(y) || (k != (int32_t)k && !tag)) {
        ir_ref a = ir_mat(b, x);
        ir_ref c = ir_mat(b, y);
        return val_ref(ir_emit(b, DUKE_OP_SUB, a, c, 0, 0, 0, 64));
    }
    if (x.ref == y.ref)
        return (struct ir_val){(int32_t)k, 0, (uint8_t)tag, 0};
    ir_ref diff = ir_emit(b, DUKE_OP_SUB, x.ref, y.ref, 0, 0, 0, 64);
    return (struct ir_val){(int32_t)k, diff, (uint8_t)(k ? tag : 0), 0};
}

/* An R3 op on plain values; folded if both are constant. */
struct ir_val ir_alu(struct ir_block *b, unsigned op, struct ir_val x, struct ir_val y, unsigned bits)
{
    x = plain(b, x);
    y = plain(b, y);
    bool k = b->fold && is_k(x) && is_k(y);
    if (k)
        return ir_const(b, duke_eval(op, (uint64_t)(int64_t)x.k, (uint64_t)(int64_t)y.k, 0, 0));
    ir_ref a = ir_mat(b, x);
    if (is_k(y))
        return val_ref(ir_emit(b, op, a, 0, 0, 0, y.k, bits));
    ir_ref c = ir_mat(b, y);
    return val_ref(ir_emit(b, op, a, c, 0, 0, 0, bits));
}

struct ir_val ir_alu2(struct ir_block *b, unsigned op, struct ir_val x, struct ir_val y)
{
    x = plain(b, x);
    y = plain(b, y);
    if (b->fold && is_k(x) && is_k(y))
        return ir_const(b, duke_eval(op, (uint64_t)(int64_t)x.k, (uint64_t)(int64_t)y.k, 0, 0));
    ir_ref rx = ir_mat(b, x);
    ir_ref ry = ir_mat(b, y);
    return val_ref(ir_emit(b, op, rx, ry, 0, 0, 0, 64));
}

struct ir_val ir_mul(struct ir_block *b, struct ir_val x, struct ir_val y)
{
    unsigned bits = min_u(64, bits_of(b, x) + bits_of(b, y));
    if ((x.k && x.ref) || (y.k && y.ref) || (x.tag | y.tag) & IR_V_ADDR)
        bits = 64;
    if (is_k(x)) {
        struct ir_val t = x;
        x = y;
        y = t;
    }
    return ir_alu(b, DUKE_OP_MUL, x, y, bits);
}

struct ir_val ir_scaled(struct ir_block *b, struct ir_val base, struct ir_val index, unsigned scale)
{
    int64_t k = base.k + ((int64_t)index.k << scale);
    bool low = !b->wide; /* the sum counts modulo 2^32 */
    if (k != (int32_t)k && !low) {
        base = val_ref(ir_mat(b, base));
        index = val_ref(ir_mat(b, index));
        k = 0;
    }
    uint8_t tag = low ? IR_V_LOW : 0;
    if (is_k(index))
        return (struct ir_val){(int32_t)k, base.ref, (uint8_t)(base.ref && k ? tag : 0), 0};
    ir_ref r = ir_emit(b, IR_ADDR, base.ref, index.ref, 0, scale, 0, 64);
    return (struct ir_val){(int32_t)k, r, (uint8_t)(IR_V_ADDR | tag), 0};
}

struct ir_val ir_logic(struct ir_block *b, unsigned op, struct ir_val x, struct ir_val y)
{
    x = plain(b, x);
    y = plain(b, y);
    if (is_k(x) && op != DUKE_OP_ANDN) {
        struct ir_val t = x;
        x = y;
        y = t;
    }
    unsigned bx = bits_of(b, x), by = bits_of(b, y);
    bool is_and = op == DUKE_OP_AND, same = x.ref && x.ref == y.ref && x.k == y.k;
    unsigned bits = is_and ? min_u(bx, by) : op == DUKE_OP_ANDN ? bx : max_u(bx, by);
    if (x.k)
        bits = is_and ? by : 64;
    if (b->fold && same && op != DUKE_OP_ANDN)
        return op == DUKE_OP_XOR ? val_k(0) : x;
    if (b->fold && is_k(y)) {
        if (y.k == 0)
            return is_and ? y : x;
        if (y.k == -1 && is_and)
            return x;
        if (is_k(x))
            return ir_const(b, duke_eval(op, (uint64_t)(int64_t)x.k, (uint64_t)(int64_t)y.k, 0, 0));
        if (is_and && y.k > 0 && x.k == 0 && ((uint32_t)y.k & ((uint32_t)y.k + 1)) == 0 && bx <= by)
            return x;
    }
    if (is_k(y) && (is_and || op == DUKE_OP_OR))
        op = is_and ? DUKE_OP_ANDI : DUKE_OP_ORI;
    ir_ref a = ir_mat(b, x);
    if (is_k(y))
        return val_ref(ir_emit(b, op, a, 0, 0, 0, y.k, bits));
    ir_ref c = ir_mat(b, y);
    return val_ref(ir_emit(b, op, a, c, 0, 0, 0, bits));
}

struct ir_val ir_shift(struct ir_block *b, unsigned op, struct ir_val x, struct ir_val n)
{
    x = plain(b, x);
    n = plain(b, n);
    unsigned bits = bits_of(b, x);
    if (x.k && x.ref)
        bits = 64;
    if (!is_k(n))
        return ir_alu(b, op, x, n, op == DUKE_OP_SHR ? bits : op == DUKE_OP_ROR_W ? 32 : 64);
    unsigned k = (uint32_t)n.k & (op == DUKE_OP_ROR_W ? 31 : 63);
    if (b->fold && k == 0 && op != DUKE_OP_ROR_W)
        return x;
    if (op == DUKE_OP_SAR && bits < 64)
        op = DUKE_OP_SHR;
    const struct ir_node *inner = &b->node[x.ref];
    if (b->fold && op == DUKE_OP_SHR && x.k == 0 && inner->op == DUKE_OP_SHR && inner->b == 0 && k + (inner->imm & 63) < 64) {
        k += (unsigned)inner->imm & 63; /* one shift for two */
        x.ref = inner->a;
        bits = b->node[x.ref].bits;
    }
    if (op == DUKE_OP_SHR)
        bits = bits > k ? bits - k : 0;
    else if (op == DUKE_OP_SHL)
        bits = min_u(64, bits + k);
    else
        bits = op == DUKE_OP_ROR_W ? 32 : 64;
    /* Counts from 32 fit the short form as negative numbers. */
    return ir_alu(b, op, x, val_k(k >= 32 ? (int32_t)k - 64 : (int32_t)k), bits);
}

/* The op that computes the low 32 bits of `op`'s result, zero-extended; 0 if there is none. */
static unsigned low_op(unsigned op)
{
    switch (op) {
    case DUKE_OP_ADD: return DUKE_OP_ADD_W;
    case DUKE_OP_SUB: return DUKE_OP_SUB_W;
    case DUKE_OP_AND: return DUKE_OP_AND_W;
    case DUKE_OP_OR: return DUKE_OP_OR_W;
    case DUKE_OP_XOR: return DUKE_OP_XOR_W;
    case DUKE_OP_MUL: return DUKE_OP_MUL_W;
    case DUKE_OP_ADC: return DUKE_OP_ADC_W;
    case DUKE_OP_SBB: return DUKE_OP_SBB_W;
    case DUKE_OP_SH1ADD: return DUKE_OP_SH1ADD_W;
    case DUKE_OP_SH2ADD: return DUKE_OP_SH2ADD_W;
    case DUKE_OP_SH3ADD: return DUKE_OP_SH3ADD_W;
    case DUKE_OP_ADDI: return DUKE_OP_ADDI_W;
    default: return 0;
    }
}

/* Operands whose upper bits do not matter need no extension. */
static ir_ref strip(const struct ir_block *b, ir_ref r)
{
    const struct ir_node *n = &b->node[r];
    return (n->op == DUKE_OP_EXTS_W || n->op == DUKE_OP_EXTU_W) && n->b == 0 && n->imm == 0 ? n->a : r;
}

/* The low 32 bits of node r, zero-extended. The wide node dies if nothing else uses it. */
ir_ref ir_low(struct ir_block *b, ir_ref r)
{
    const struct ir_node n = b->node[r];
    if (n.bits <= 32)
        return r;
    unsigned op = low_op(n.op);
    if (op) {
        ir_ref a = strip(b, n.a), c = strip(b, n.b);
        return ir_emit(b, op, a, c, n.c, n.x, n.imm, 32);
    }
    unsigned small = n.b ? b->node[n.b].bits <= 5 : (n.imm & 63) < 32; /* the op of 32 bits shifts as far */
    if (n.op == DUKE_OP_SHL && small)
        return ir_emit(b, DUKE_OP_SHL_W, strip(b, n.a), n.b, 0, 0, n.imm, 32);
    if (n.op == DUKE_OP_SAR && b->node[n.a].op == DUKE_OP_EXTS_W && b->node[n.a].b == 0 && b->node[n.a].imm == 0 &&
        (small || !n.b)) /* 31 and more: the sign everywhere */
        return ir_emit(b, DUKE_OP_SAR_W, b->node[n.a].a, n.b, 0, 0, small ? n.imm : -1, 32);
    if (n.op == DUKE_OP_EXTS_W && n.b == 0)
        return ir_emit(b, DUKE_OP_EXTU_W, n.a, 0, 0, 0, n.imm, 32);
    if (n.op == DUKE_OP_LDG_WS)
        return ir_emit(b, DUKE_OP_EXTU_W, r, 0, 0, 0, 0, 32);
    return ir_emit(b, DUKE_OP_EXTU_W, r, 0, 0, 0, 0, 32);
}

struct ir_val ir_zext_slow(struct ir_block *b, struct ir_val x, unsigned size)
{
    if (size == 8)
        return x;
    if (size == 4 && (x.tag & IR_V_ADDR))
        return val_ref(addr_node(b, x, true));
    x = plain(b, x);
    if (is_k(x) && b->fold)
        return ir_const(b, size == 4 ? (uint32_t)x.k : (uint32_t)x.k & (size == 1 ? 0xff : 0xffff));
    if (size == 4) {
        if (x.k)
            return val_ref(sum_node(b, DUKE_OP_ADDI_W, x.ref, x.k));
        return val_ref(ir_low(b, x.ref));
    }
    if (x.k == 0 && b->node[x.ref].bits <= 8 * size)
        return x;
    ir_ref r = ir_mat(b, x);
    const struct ir_node n = b->node[r];
    unsigned op = size == 1 ? DUKE_OP_EXTU_B : DUKE_OP_EXTU_H;
    if (n.op == DUKE_OP_SHR && n.b == 0)
        return val_ref(ir_emit(b, op, n.a, 0, 0, 0, n.imm, 8 * size));
    return val_ref(ir_emit(b, op, r, 0, 0, 0, 0, 8 * size));
}

struct ir_val ir_sext(struct ir_block *b, struct ir_val x, unsigned size)
{
    if (size == 8)
        return x;
    x = plain(b, x);
    if (is_k(x) && b->fold)
        return val_k(size == 1 ? (int8_t)x.k : size == 2 ? (int16_t)x.k : x.k);
    if (x.k == 0 && b->node[x.ref].bits < 8 * size)
        return x;
    ir_ref r = ir_mat(b, x);
    unsigned op = size == 1 ? DUKE_OP_EXTS_B : size == 2 ? DUKE_OP_EXTS_H : DUKE_OP_EXTS_W;
    const struct ir_node n = b->node[r];
    if (n.op == DUKE_OP_SHR && n.b == 0)
        return val_ref(ir_emit(b, op, n.a, 0, 0, 0, n.imm, 64));
    return val_ref(ir_emit(b, op, r, 0, 0, 0, 0, 64));
}

struct ir_val ir_select(struct ir_block *b, struct ir_val cond, struct ir_val x, struct ir_val y)
{
    if (cond.ref == 0 && b->fold)
        return cond.k ? x : y;
    unsigned bits = max_u(x.k && x.ref ? 64 : bits_of(b, x), y.k && y.ref ? 64 : bits_of(b, y));
    unsigned tag = (x.tag | y.tag) & (IR_V_COND | IR_V_ADDR) ? 64 : 0;
    ir_ref rx = ir_mat(b, x);
    ir_ref ry = ir_mat(b, y);
    bits = max_u(tag, bits);
    if (!tag) {
        unsigned made = max_u(rx ? b->node[rx].bits : 0, ry ? b->node[ry].bits : 0);
        bits = min_u(bits, made);
    }
    struct ir_node n;
    if (cond.tag & IR_V_COND && compares(b, cond, &n) && n.b == 0 && n.imm == 0 && n.op != DUKE_OP_SLTU) {
        bool equal = n.op == DUKE_OP_SEQ;
        return val_ref(ir_emit(b, DUKE_OP_SELNZ, n.a, equal ? ry : rx, equal ? rx : ry, 0, 0, bits));
    }
    if (cond.tag & IR_V_COND)
        return val_ref(ir_emit(b, DUKE_OP_SELCC, rx, ry, cond.ref, (unsigned)cond.k, 0, bits));
    ir_ref rc = ir_mat(b, plain(b, cond));
    return val_ref(ir_emit(b, DUKE_OP_SELNZ, rc, rx, ry, 0, 0, bits));
}

static unsigned size_log2(unsigned size) { return size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3; }

struct ir_val ir_flags2(struct ir_block *b, unsigned op_b, struct ir_val x, struct ir_val y, unsigned size)
{
    unsigned op = op_b + size_log2(size);
    if (b->fold && op_b == DUKE_OP_XORF_B && x.ref == y.ref && x.k == y.k && !((x.tag | y.tag) & ~IR_V_LOW))
        return val_k((int32_t)duke_eval(op, 0, 0, 0, 0));
    return ir_alu(b, op, x, y, 12);
}

struct ir_val ir_flags3(struct ir_block *b, unsigned op_b, struct ir_val x, struct ir_val y, struct ir_val fl, unsigned size)
{
    ir_ref rx = ir_mat(b, x);
    ir_ref ry = ir_mat(b, y);
    ir_ref rf = ir_mat(b, fl);
    return val_ref(ir_emit(b, op_b + size_log2(size), rx, ry, rf, 0, 0, 12));
}

/* x rem y. A division of the same operands just before makes it a multiplication, the quotient being exact in 64 bits even
 * where RISC-V's special results come in. */
struct ir_val ir_rem(struct ir_block *b, unsigned div, unsigned rem, struct ir_val x, struct ir_val y)
{
    ir_ref rx = ir_mat(b, plain(b, x));
    ir_ref ry = ir_mat(b, plain(b, y));
    uint32_t first = b->n > IR_FIRST + 12 ? b->n - 12 : IR_FIRST;
    for (uint32_t i = b->n; ry && i-- > first;) {
        const struct ir_node *n = &b->node[i];
        if (n->op != div || n->a != rx || n->b != ry)
            continue;
        unsigned bits = div == DUKE_OP_DIVU ? min_u(b->node[rx].bits, 64) : 64;
        ir_ref product = ir_emit(b, DUKE_OP_MUL, (ir_ref)i, ry, 0, 0, 0, 64);
        return val_ref(ir_emit(b, DUKE_OP_SUB, rx, product, 0, 0, 0, bits));
    }
    return val_ref(ir_emit(b, rem, rx, ry, 0, 0, 0, 64));
}
