/* Direct forms: arithmetic. Sizes and kinds of operands are those of the rows in direct.def. */
#include "direct_val.h"

static inline unsigned alu_op(uint32_t ops) { return ops & 0xffff; }
static inline unsigned flags_op(uint32_t ops) { return ops >> 16; }

static inline void note_compare(struct lift *l, uint32_t ops, unsigned ra, unsigned rb, bool has_k, int32_t k)
{
    const uint16_t *made = l->gen->made;
    l->gen->compare = (struct gen_compare){
        l->b->insns, (uint16_t)flags_op(ops), (uint16_t)ra, (uint16_t)rb, made[ra], made[rb], has_k, k};
}

/* The flags come from something that no branch does. */
static inline void no_compare(struct lift *l) { l->gen->compare.at = GEN_NEVER; }

/* Flags and the result of ra and rb, the latter in rd; ops without an alu_op compare. */
static void compute(struct lift *l, uint32_t ops, bool dead, unsigned rd, unsigned ra, unsigned rb)
{
    if (!dead) {
        op_rr(l->gen, flags_op(ops), DIRECT_FLAGS, ra, rb);
        note_compare(l, ops, ra, rb, false, 0);
    }
    if (alu_op(ops))
        op_rr(l->gen, alu_op(ops), rd, ra, rb);
}

/* The same of ra and k. */
static void compute_k(struct lift *l, uint32_t ops, bool dead, unsigned rd, unsigned ra, int32_t k)
{
    if (!dead) {
        op_rk(l->gen, flags_op(ops), DIRECT_FLAGS, ra, k);
        note_compare(l, ops, ra, 0, true, k);
    }
    if (alu_op(ops))
        op_rk(l->gen, alu_op(ops), rd, ra, k);
}

unsigned form_alu_rr(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    unsigned rd = in->opnd[0].reg, rs = in->opnd[1].reg;
    if (rd == rs && alu_op(ops) == DUKE_OP_XOR_W) {
        put(l, rd, 0, 0);
        if (!dead) {
            op_rr(l->gen, DUKE_OP_XORF_W, DIRECT_FLAGS, 0, 0);
            no_compare(l);
        }
        return 0;
    }
    unsigned rb, ra = use2(l, rd, rs, &rb);
    if (!alu_op(ops)) {
        compute(l, ops, dead, 0, ra, rb);
        return 0;
    }
    compute(l, ops, dead, dest(l, rd), ra, rb);
    now_home(l, rd);
    return 0;
}

unsigned form_alu_rk(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    unsigned rd = in->opnd[0].reg, op = alu_op(ops);
    int32_t k = (int32_t)in->imm;
    bool sum = op == DUKE_OP_ADD_W || op == DUKE_OP_SUB_W;
    if (sum && !dead) /* the flags want the register as it is */
        compute_k(l, ops & 0xffff0000u, dead, 0, use(l, rd), k);
    if (sum) {
        struct ir_val v = l->b->cur[rd];
        put(l, rd, (int32_t)((uint32_t)v.k + (op == DUKE_OP_ADD_W ? (uint32_t)k : 0 - (uint32_t)k)), v.ref);
        return 0;
    }
    unsigned ra = use(l, rd);
    if (!op) {
        compute_k(l, ops, dead, 0, ra, k);
        return 0;
    }
    compute_k(l, ops, dead, dest(l, rd), ra, k);
    now_home(l, rd);
    return 0;
}

unsigned form_alu_rm(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    struct direct_address a;
    unsigned rd = in->opnd[0].reg, ra = in->seg < GUEST_FS ? use(l, rd) : 0;
    if (!address_of(l, in, &a))
        return DID_NOT;
    unsigned t = take(l->gen);
    direct_load(l, DUKE_OP_LDG_WU, t, &a);
    if (!alu_op(ops)) {
        compute(l, ops, dead, 0, ra, t);
        return 0;
    }
    compute(l, ops, dead, dest(l, rd), ra, t);
    now_home(l, rd);
    return 0;
}

unsigned form_alu_mr(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    struct direct_address a;
    unsigned rb = in->seg < GUEST_FS ? use(l, in->opnd[1].reg) : 0;
    if (!address_of(l, in, &a))
        return DID_NOT;
    unsigned t = take(l->gen);
    direct_load(l, DUKE_OP_LDG_WU, t, &a);
    unsigned r = take(l->gen);
    compute(l, ops, dead, r, t, rb);
    if (alu_op(ops))
        direct_store(l->gen, DUKE_OP_STG_W, r, &a);
    return 0;
}

unsigned form_alu_mk(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    struct direct_address a;
    if (!address_of(l, in, &a))
        return DID_NOT;
    unsigned t = take(l->gen), r = take(l->gen);
    direct_load(l, DUKE_OP_LDG_WU, t, &a);
    compute_k(l, ops, dead, r, t, (int32_t)in->imm);
    if (alu_op(ops))
        direct_store(l->gen, DUKE_OP_STG_W, r, &a);
    return 0;
}

/* Whether the register's upper bytes are zero, so that a branch may compare all of it. */
static inline bool is_byte(const struct lift *l, const struct ginsn *in, unsigned i) { return l->bytes >> in->opnd[i].reg & 1; }

/* A comparison of bytes, for a branch if `bytes` says that nothing is above them. */
static inline void note_bytes(struct lift *l, bool bytes, uint32_t ops, unsigned ra, unsigned rb, bool has_k, int32_t k)
{
    if (bytes)
        note_compare(l, ops, ra, rb, has_k, k);
    else
        no_compare(l);
}

/* Comparisons of bytes: ops is what makes the flags. */
unsigned form_compare1_rr(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    unsigned r0 = in->opnd[0].reg, r1 = in->opnd[1].reg;
    if (high(in, 0) || high(in, 1))
        return DID_NOT;
    if (dead)
        return 0;
    unsigned rb, ra = r0 == r1 ? byte_of(l, r0) : 0;
    bool bytes = ra || (is_byte(l, in, 0) && is_byte(l, in, 1));
    if (ra)
        rb = ra;
    else
        ra = use2(l, r0, r1, &rb);
    op_rr(l->gen, flags_op(ops), DIRECT_FLAGS, ra, rb);
    note_bytes(l, bytes, ops, ra, rb, false, 0);
    return 0;
}

unsigned form_compare1_rk(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    if (high(in, 0))
        return DID_NOT;
    if (dead)
        return 0;
    unsigned t = byte_of(l, in->opnd[0].reg), ra = t ? t : use(l, in->opnd[0].reg);
    op_rk(l->gen, flags_op(ops), DIRECT_FLAGS, ra, (int32_t)in->imm);
    note_bytes(l, t || is_byte(l, in, 0), ops, ra, 0, true, (uint8_t)in->imm);
    return 0;
}

unsigned form_compare1_mk(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    struct direct_address a;
    if (!address_of(l, in, &a))
        return DID_NOT;
    unsigned t = take(l->gen);
    direct_load(l, DUKE_OP_LDG_BU, t, &a);
    if (dead)
        return 0;
    op_rk(l->gen, flags_op(ops), DIRECT_FLAGS, t, (int32_t)in->imm);
    note_compare(l, ops, t, 0, true, (uint8_t)in->imm);
    return 0;
}

/* cmp r8, m8 and cmp m8, r8; test m8, r8 */
unsigned form_compare1_m(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    struct direct_address a;
    bool first = in->opnd[0].kind == GO_MEM;
    if (high(in, first))
        return DID_NOT;
    unsigned r = in->seg < GUEST_FS ? use(l, in->opnd[first].reg) : 0;
    if (!address_of(l, in, &a))
        return DID_NOT;
    unsigned t = take(l->gen);
    direct_load(l, DUKE_OP_LDG_BU, t, &a);
    if (dead)
        return 0;
    unsigned ra = first ? t : r, rb = first ? r : t;
    op_rr(l->gen, flags_op(ops), DIRECT_FLAGS, ra, rb);
    note_bytes(l, is_byte(l, in, first), ops, ra, rb, false, 0);
    return 0;
}

/* inc; with 1 for an op, dec. */
unsigned form_step(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    unsigned rd = in->opnd[0].reg;
    if (!dead) {
        op_rr(l->gen, flags_op(ops), DIRECT_FLAGS, use(l, rd), DIRECT_FLAGS);
        no_compare(l);
    }
    struct ir_val v = l->b->cur[rd];
    put(l, rd, (int32_t)((uint32_t)v.k + (alu_op(ops) ? ~0u : 1u)), v.ref);
    return 0;
}

unsigned form_neg(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    unsigned rd = in->opnd[0].reg, ra = use(l, rd);
    if (!dead) {
        op_rr(l->gen, flags_op(ops), DIRECT_FLAGS, 0, ra);
        no_compare(l);
    }
    op_rr(l->gen, alu_op(ops), dest(l, rd), 0, ra);
    now_home(l, rd);
    return 0;
}

unsigned form_invert(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)dead;
    unsigned rd = in->opnd[0].reg;
    unsigned ra = use(l, rd);
    op_rk(l->gen, alu_op(ops), dest(l, rd), ra, -1);
    now_home(l, rd);
    return 0;
}

unsigned form_shift(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    unsigned rd = in->opnd[0].reg;
    int32_t n = (int32_t)in->imm & 31;
    if (n == 0)
        return 0;
    unsigned ra = use(l, rd);
    if (!dead) {
        op_rk(l->gen, flags_op(ops), DIRECT_FLAGS, ra, n);
        no_compare(l);
    }
    op_rk(l->gen, alu_op(ops), direct_name(l, rd, ra), ra, n);
    return 0;
}

unsigned form_imul(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops;
    if (!dead)
        return DID_NOT;
    unsigned rd = in->opnd[0].reg, rb, ra;
    if (in->nopnds == 3) {
        ra = use(l, in->opnd[1].reg);
        op_rk(l->gen, DUKE_OP_MUL_W, dest(l, rd), ra, (int32_t)in->imm);
    } else {
        ra = use2(l, rd, in->opnd[1].reg, &rb);
        op_rr(l->gen, DUKE_OP_MUL_W, dest(l, rd), ra, rb);
    }
    now_home(l, rd);
    return 0;
}

unsigned form_cmov(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    struct gen *g = l->gen;
    unsigned rd = in->opnd[0].reg, rb, ra = use2(l, in->opnd[1].reg, rd, &rb), to = dest(l, rd);
    const struct gen_info *t = &g->info[DUKE_OP_SELCC];
    struct gen_op o;
    words_r4(&o, t, to, ra, rb, DIRECT_FLAGS, in->cc);
    uint64_t from = gen_max(g->reg[DIRECT_FLAGS].avail, gen_max(g->reg[ra].avail, g->reg[rb].avail));
    uint64_t c = gen_place_write(g, &o, t, to, from);
    gen_read_at(g, ra, c);
    gen_read_at(g, rb, c);
    gen_read_at(g, DIRECT_FLAGS, c);
    now_home(l, rd);
    return 0;
}

unsigned form_setcc(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    if (high(in, 0))
        return DID_NOT;
    unsigned rd = in->opnd[0].reg, t = take(l->gen);
    op_rk(l->gen, DUKE_OP_SETCC, t, DIRECT_FLAGS, in->cc);
    unsigned old = use(l, rd);
    op_rr(l->gen, DUKE_OP_INS_B, dest(l, rd), old, t);
    now_home(l, rd);
    note_byte(l, rd, t);
    return 0;
}
