/* Guest registers, memory and exits as the lifter sees them. Registers are values until an exit needs them at home. */
#include "ir.h"

static struct ir_val val_ref(ir_ref r) { return (struct ir_val){0, r, 0, 0}; }
static struct ir_val val_k(int32_t k) { return (struct ir_val){k, 0, 0, 0}; }

struct ir_val ir_get_slow(struct ir_block *b, unsigned g, unsigned size)
{
    struct ir_val v = b->cur[g];
    if (g >= IR_G_FLAGS)
        return v;
    if (v.tag) {
        v = val_ref(ir_low(b, v.ref));
        b->cur[g] = v;
        return v;
    }
    if (v.ref == 0) /* sign-extended; exact reads want what the register holds */
        return size == 8 ? ir_const(b, (uint32_t)v.k) : v;
    v.tag = IR_V_LOW;
    v.g = (uint8_t)(g + 1);
    return size == 8 ? val_ref(ir_mat(b, v)) : v;
}

/* What was put into the part of a register that an INS_* node replaced. */
static struct ir_val inserted(const struct ir_node *n) { return n->b ? val_ref(n->b) : val_k(n->imm); }

/* The register whose parts v replaced, as far as they are among the low `size` bytes that are going to be replaced anyway. */
static struct ir_val without(const struct ir_block *b, struct ir_val v, unsigned size)
{
    for (;;) {
        unsigned op = b->node[v.ref].op;
        if (!b->see_parts || v.k || v.tag ||
            (op != DUKE_OP_INS_B && (size < 2 || (op != DUKE_OP_INS_BH && op != DUKE_OP_INS_H))))
            return v;
        v = val_ref(b->node[v.ref].a);
    }
}

struct ir_val ir_get_low(struct ir_block *b, unsigned g, unsigned size)
{
    struct ir_val v = ir_get(b, g, size);
    while (b->see_parts && v.k == 0 && !(v.tag & ~IR_V_LOW)) {
        const struct ir_node *n = &b->node[v.ref];
        if (n->op == DUKE_OP_INS_H || (n->op == DUKE_OP_INS_B && size == 1))
            v = inserted(n);
        else if (n->op == DUKE_OP_INS_BH && size == 1)
            v = val_ref(n->a);
        else
            break;
    }
    return v;
}

struct ir_val ir_get_high(struct ir_block *b, unsigned g)
{
    struct ir_val v = ir_get(b, g, 2);
    while (b->see_parts && v.k == 0 && !(v.tag & ~IR_V_LOW)) {
        const struct ir_node *n = &b->node[v.ref];
        if (n->op == DUKE_OP_INS_BH)
            return inserted(n);
        if (n->op == DUKE_OP_INS_H)
            v = inserted(n);
        else if (n->op == DUKE_OP_INS_B)
            v = val_ref(n->a);
        else
            break;
    }
    return ir_shift(b, DUKE_OP_SHR, v, val_k(8));
}

void ir_put_slow(struct ir_block *b, unsigned g, struct ir_val v, unsigned size)
{
    b->dirty |= 1u << g;
    if (size < 4) {
        struct ir_val old = without(b, ir_get(b, g, 8), size);
        if (old.ref == 0 && old.k == 0 && b->fold)
            v = ir_zext(b, v, size);
        else
            v = ir_alu(b, size == 1 ? DUKE_OP_INS_B : DUKE_OP_INS_H, old, v, b->wide ? 64 : 32);
    } else if (g >= IR_G_FLAGS || b->wide) {
        if (size == 4)
            v = ir_zext(b, v, 4);
    } else if (v.ref && v.k == 0 && !(v.tag & (IR_V_ADDR | IR_V_COND)) && b->node[v.ref].bits > 32) {
        b->cur[g] = (struct ir_val){0, v.ref, IR_V_LOW, 0};
        return;
    } else if (v.tag & (IR_V_ADDR | IR_V_COND) || v.k == 0 || !b->fold) {
        if (v.ref) /* a constant stays as it is: its low 32 bits count */
            v = ir_zext(b, v, 4);
    }
    if (v.tag & (IR_V_ADDR | IR_V_COND) || (v.k && v.ref && g >= IR_G_FLAGS) || (!b->fold && v.k && v.ref))
        v = val_ref(ir_mat(b, v));
    b->cur[g] = (struct ir_val){v.k, v.ref, 0, 0};
}

void ir_put_high(struct ir_block *b, unsigned g, struct ir_val v)
{
    struct ir_val old = ir_get(b, g, 8);
    if (b->see_parts && old.k == 0 && old.tag == 0 && b->node[old.ref].op == DUKE_OP_INS_BH)
        old = val_ref(b->node[old.ref].a);
    struct ir_val r = ir_alu(b, DUKE_OP_INS_BH, old, v, b->wide ? 64 : 32);
    b->cur[g] = (struct ir_val){r.k, r.ref, 0, 0};
    b->dirty |= 1u << g;
}

/* Takes an address apart. */
struct where {
    ir_ref base, index;
    unsigned scale;
    int32_t disp;
};

static struct where where_of(struct ir_block *b, struct ir_val addr)
{
    if (addr.tag & IR_V_COND)
        addr = val_ref(ir_mat(b, addr));
    if (!(addr.tag & IR_V_ADDR))
        return (struct where){addr.ref, 0, 0, addr.k};
    const struct ir_node n = b->node[addr.ref];
    if (b->index)
        return (struct where){n.a, n.b, n.x, addr.k};
    struct ir_val bare = {0, addr.ref, IR_V_ADDR, 0};
    return (struct where){ir_mat(b, bare), 0, 0, addr.k};
}

static unsigned size_log2(unsigned size) { return size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3; }

/* The low `size` bytes of r, which were stored or loaded before. */
static struct ir_val known_value(struct ir_block *b, ir_ref r, unsigned size, bool sign)
{
    const struct ir_node *n = &b->node[r];
    struct ir_val v = val_ref(r);
    if (r == 0 || (n->op == DUKE_OP_LI && n->x != IR_BIG))
        v = (struct ir_val){r ? n->imm : 0, 0, 0, 0};
    return sign ? ir_sext(b, v, size) : ir_zext(b, v, size);
}

struct ir_val ir_load(struct ir_block *b, struct ir_val addr, unsigned size, bool sign)
{
    struct where w = where_of(b, addr);
    sign = sign && size < 8;
    unsigned op = (sign ? DUKE_OP_LDG_BS : DUKE_OP_LDG_BU) + size_log2(size);
    ir_ref r = 0;
    struct ir_known_value at;
    if (b->known) {
        struct ir_node n = {.op = (uint16_t)op, .a = w.base, .b = w.index, .imm = w.disp, .x = (uint8_t)w.scale};
        bool found;
        at = ir_where(b, &n);
        r = ir_known_load(b, &at, &found);
        if (found)
            return known_value(b, r, size, sign);
    }
    r = ir_emit(b, op, w.base, w.index, 0, w.scale, w.disp, sign ? 64 : 8 * size);
    b->node[r].site = (uint16_t)b->site;
    if (b->known)
        ir_known_note(b, &at, r, false);
    return val_ref(r);
}

void ir_store(struct ir_block *b, struct ir_val addr, struct ir_val v, unsigned size)
{
    struct where w = where_of(b, addr);
    ir_ref data = ir_mat(b, v);
    ir_ref r = ir_emit(b, DUKE_OP_STG_B + size_log2(size), w.base, w.index, data, w.scale, w.disp, 0);
    b->node[r].site = (uint16_t)b->site;
    if (b->known) {
        struct ir_known_value at = ir_where(b, &b->node[r]);
        ir_known_note(b, &at, data, true);
    }
}

ir_ref ir_load_f(struct ir_block *b, struct ir_val addr, unsigned size)
{
    struct where w = where_of(b, addr);
    return ir_emit(b, size == 8 ? DUKE_OP_LDG_FD : DUKE_OP_LDG_FS, w.base, w.index, 0, w.scale, w.disp, 64);
}

void ir_store_f(struct ir_block *b, struct ir_val addr, ir_ref v, unsigned size)
{
    struct where w = where_of(b, addr);
    ir_emit(b, size == 8 ? DUKE_OP_STG_FD : DUKE_OP_STG_FS, w.base, w.index, v, w.scale, w.disp, 0);
    if (b->known) /* known.c knows nothing of these */
        b->known->n = b->known->next = 0;
}

static void set_home(struct ir_block *b, unsigned g)
{
    struct ir_val v = b->cur[g];
    if (v.tag) {
        v = val_ref(ir_low(b, v.ref));
        b->cur[g] = v;
    } else if (v.ref && v.k) {
        v.tag = b->wide ? 0 : IR_V_LOW;
        v = val_ref(ir_mat(b, v));
        b->cur[g] = v;
    }
    ir_emit(b, IR_SET, v.ref, 0, 0, g, v.k, 0);
    b->pinned[g] = v.ref;
}

/* Brings the guest's state home. Copies of other homes first, then sums, and sums of the own old value last: so a home is
 * mostly overwritten when nobody wants its old value any more. */
void ir_go_home(struct ir_block *b)
{
    uint32_t sums = 0, own = 0;
    for (uint32_t m = b->dirty; m; m &= m - 1) {
        unsigned g = (unsigned)__builtin_ctz(m);
        struct ir_val v = b->cur[g];
        if (v.ref && v.k == 0 && !v.tag) {
            if (v.ref != b->pinned[g])
                set_home(b, g);
        } else if (v.ref == 0 || v.tag || v.ref == b->pinned[g]) {
            own |= 1u << g;
        } else {
            sums |= 1u << g;
        }
    }
    for (; sums; sums &= sums - 1)
        set_home(b, (unsigned)__builtin_ctz(sums));
    for (; own; own &= own - 1)
        set_home(b, (unsigned)__builtin_ctz(own));
    b->dirty = 0;
    if (b->has_xmm)
        ir_xmm_home(b);
    if (b->has_x87)
        ir_x87_home(b);
}

static bool below(const struct ir_block *b, ir_ref r, unsigned bits) { return b->node[r].bits <= bits; }

/* Flags of a comparison that one compare-and-branch op does as well. n gets op, a and b. */
static bool fuse(struct ir_block *b, const struct ir_node *f, unsigned cc, struct ir_node *n)
{
    unsigned op = f->op;
    bool sub = op >= DUKE_OP_SUBF_B && op <= DUKE_OP_SUBF_D;
    bool test = op >= DUKE_OP_TSTF_B && op <= DUKE_OP_TSTF_D && f->a == f->b;
    if (!b->fuse || !(sub || test))
        return false;
    unsigned log2 = op - (sub ? DUKE_OP_SUBF_B : DUKE_OP_TSTF_B), bits = 8u << log2;
    if (test && (cc & 14) == 8) /* sign: less than zero */
        cc ^= 8 ^ 12;
    bool swap = cc == 6 || cc == 7 || cc == 14 || cc == 15; /* be, a, le, g: the other way round */
    switch (cc) {
    case 2:
    case 7: n->op = DUKE_OP_BLTU; break;
    case 3:
    case 6: n->op = DUKE_OP_BGEU; break;
    case 4: n->op = DUKE_OP_BEQ; break;
    case 5: n->op = DUKE_OP_BNE; break;
    case 12:
    case 15: n->op = log2 == 2 ? DUKE_OP_BLT_W : DUKE_OP_BLT; break;
    case 13:
    case 14: n->op = log2 == 2 ? DUKE_OP_BGE_W : DUKE_OP_BGE; break;
    default: return false;
    }
    bool is_signed = cc >= 12;
    if (is_signed ? log2 < 2 : !below(b, f->a, bits) || (sub && f->b && !below(b, f->b, bits)))
        return false;
    ir_ref a = f->a, c = 0;
    if (sub && f->b) {
        c = f->b;
    } else if (sub) {
        int64_t k = f->imm;
        if (!is_signed && log2 < 3)
            k &= (int64_t)((UINT64_C(1) << bits) - 1);
        c = ir_mat(b, ir_const(b, (uint64_t)k));
    }
    n->a = swap ? c : a;
    n->b = swap ? a : c;
    return true;
}

/* What does as well, in regions, where flags are mostly wanted by stubs alone: whether a sum is zero or negative is asked of the
 * sum; INC and DEC have the carry of the flags before. */
static bool fuse_sum(struct ir_block *b, const struct ir_node *f, unsigned cc, struct ir_node *n)
{
    if (!b->fuse || !b->known)
        return false;
    bool inc = f->op >= DUKE_OP_INCF_B && f->op <= DUKE_OP_INCF_D, dec = f->op >= DUKE_OP_DECF_B && f->op <= DUKE_OP_DECF_D;
    if ((inc || dec) && (cc & 14) == 2) {
        struct ir_node old = b->node[f->b];
        if (!fuse(b, &old, cc, n) && !fuse_sum(b, &old, cc, n))
            *n = (struct ir_node){.op = DUKE_OP_BCC, .a = f->b, .x = (uint8_t)cc};
        return true;
    }
    int32_t k = inc ? 1 : dec ? -1 : f->imm;
    if ((f->op != DUKE_OP_INCF_W && f->op != DUKE_OP_DECF_W && (f->op != DUKE_OP_ADDF_W || f->b)) || !k)
        return false;
    switch (cc) {
    case 4: n->op = DUKE_OP_BEQ; break;
    case 5: n->op = DUKE_OP_BNE; break;
    case 8: n->op = DUKE_OP_BLT_W; break;
    case 9: n->op = DUKE_OP_BGE_W; break;
    default: return false;
    }
    n->a = ir_mat(b, (struct ir_val){k, f->a, IR_V_LOW, 0});
    n->b = 0;
    return true;
}

static struct ir_node branch_node(struct ir_block *b, struct ir_val cond, bool invert)
{
    struct ir_node n = {.op = invert ? DUKE_OP_BEQ : DUKE_OP_BNE};
    if (cond.tag & IR_V_COND) {
        unsigned cc = (unsigned)cond.k ^ invert;
        struct ir_node f = b->node[cond.ref];
        if (!fuse(b, &f, cc, &n) && !fuse_sum(b, &f, cc, &n))
            n = (struct ir_node){.op = DUKE_OP_BCC, .a = cond.ref, .x = (uint8_t)cc};
        return n;
    }
    n.a = ir_mat(b, cond);
    const struct ir_node *c = &b->node[n.a];
    if ((c->op == DUKE_OP_SEQ || c->op == DUKE_OP_SNE) && (b->fuse || (c->b == 0 && c->imm == 0))) {
        struct ir_node equal = *c;
        n.op = (c->op == DUKE_OP_SEQ) != invert ? DUKE_OP_BEQ : DUKE_OP_BNE;
        n.a = equal.a;
        n.b = equal.b ? equal.b : equal.imm ? ir_mat(b, (struct ir_val){equal.imm, 0, 0, 0}) : 0;
    }
    return n;
}

uint32_t ir_add_exit(struct ir_block *b, struct ir_exit e)
{
    if (b->nexits == IR_EXITS_MAX) {
        b->overflow = 1;
        return 0;
    }
    b->exit[b->nexits] = e;
    return b->nexits++;
}

/* On the way that stays the exit's comparison was wrong: registers that hold a are the constant k. */
static void learn(struct ir_block *b, ir_ref a, int32_t k)
{
    for (unsigned g = 0; g < IR_G_FLAGS; g++)
        if (b->cur[g].ref == a && b->cur[g].k == 0 && b->cur[g].tag == 0)
            b->cur[g] = (struct ir_val){k, 0, 0, 0};
}

void ir_leave(struct ir_block *b, struct ir_val cond, bool invert, struct ir_exit e)
{
    struct ir_node n = {.op = IR_ALWAYS};
    if (cond.ref)
        n = branch_node(b, cond, invert);
    ir_go_home(b);
    e.op = n.op;
    if (b->has_x87)
        e.stack = (uint16_t)(b->x87.stack + 1);
    uint32_t i = ir_add_exit(b, e);
    ir_emit(b, IR_EXIT, n.a, n.b, 0, n.x, (int32_t)i, 0);
    const struct ir_node *c = &b->node[n.b];
    bool known = n.b == 0 || (c->op == DUKE_OP_LI && c->x != IR_BIG && c->imm > 0);
    if (b->known && b->fold && n.op == DUKE_OP_BNE && n.a && known)
        learn(b, n.a, n.b ? c->imm : 0);
}

void ir_fault_if(struct ir_block *b, struct ir_val cond)
{
    if (cond.ref == 0 && cond.k == 0)
        return;
    ir_ref a = ir_mat(b, cond);
    ir_emit(b, IR_FAULT, a, 0, 0, 0, 0, 0);
}

void ir_call(struct ir_block *b, struct ir_val ret, uint64_t target)
{
    ir_ref a = ir_mat(b, ret);
    uint32_t i = ir_add_exit(b, (struct ir_exit){.kind = IR_EXIT_RETURN, .target = target});
    ir_emit(b, IR_CALL, a, 0, 0, 0, (int32_t)i, 0);
}

void ir_label(struct ir_block *b)
{
    ir_begin_part(b);
    if (b->known)
        b->known->n = b->known->next = 0;
    ir_emit(b, IR_LABEL, 0, 0, 0, 0, 0, 0);
}
