/* Direct forms: moves, extensions, addresses. Sizes and kinds of operands are those of the rows in direct.def. */
#include "direct_val.h"

unsigned form_mov_rr(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    unsigned rd = in->opnd[0].reg, rs = in->opnd[1].reg;
    if (rd == rs)
        return 0;
    struct ir_val v = l->b->cur[rs];
    put(l, rd, v.k, v.ref);
    l->bytes |= (l->bytes >> rs & 1) << rd;
    return 0;
}

unsigned form_mov_rr1(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    if (high(in, 0) || high(in, 1))
        return DID_NOT;
    unsigned rd = in->opnd[0].reg, rs, old = use2(l, rd, in->opnd[1].reg, &rs);
    op_rr(l->gen, DUKE_OP_INS_B, dest(l, rd), old, rs);
    now_home(l, rd);
    return 0;
}

unsigned form_mov_ri(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    put(l, in->opnd[0].reg, (int32_t)in->imm, 0);
    return 0;
}

/* Loads of what fills the register: ops is the load. */
unsigned form_load_r(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)dead;
    struct direct_address a;
    if (!address_of(l, in, &a))
        return DID_NOT;
    unsigned rd = in->opnd[0].reg;
    direct_load(l, ops, home(rd), &a);
    if (ops == DUKE_OP_LDG_BU)
        l->bytes |= 1u << rd;
    return 0;
}

unsigned form_load_sext(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)dead;
    struct direct_address a;
    if (!address_of(l, in, &a))
        return DID_NOT;
    unsigned rd = in->opnd[0].reg, t = take(l->gen);
    direct_load(l, ops, t, &a);
    op_rk(l->gen, DUKE_OP_EXTU_W, dest(l, rd), t, 0);
    now_home(l, rd);
    return 0;
}

unsigned form_load_r1(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    struct direct_address a;
    if (high(in, 0) || !address_of(l, in, &a))
        return DID_NOT;
    unsigned rd = in->opnd[0].reg, t = take(l->gen);
    direct_load(l, DUKE_OP_LDG_BU, t, &a);
    unsigned old = use(l, rd);
    op_rr(l->gen, DUKE_OP_INS_B, dest(l, rd), old, t);
    now_home(l, rd);
    note_byte(l, rd, t);
    return 0;
}

/* Stores of a register: ops is the store. Its address comes before the register is made: making it changes its home. */
unsigned form_store_r(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)dead;
    struct direct_address a;
    if (high(in, 1))
        return DID_NOT;
    unsigned rs = in->seg < GUEST_FS ? use(l, in->opnd[1].reg) : 0;
    if (!address_of(l, in, &a))
        return DID_NOT;
    direct_store(l->gen, ops, rs, &a);
    return 0;
}

unsigned form_store_k(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)dead;
    struct direct_address a;
    if (!address_of(l, in, &a))
        return DID_NOT;
    direct_store(l->gen, ops, constant(l->gen, (int32_t)in->imm), &a);
    return 0;
}

unsigned form_extend_r(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)dead;
    unsigned rd = in->opnd[0].reg, rs = in->opnd[1].reg;
    unsigned t = ops == DUKE_OP_EXTU_B && !high(in, 1) ? byte_of(l, rs) : 0;
    if (t) {
        op_addi(l->gen, dest(l, rd), t, 0);
    } else {
        rs = use(l, rs);
        op_rk(l->gen, ops, dest(l, rd), rs, high(in, 1) ? 8 : 0);
    }
    now_home(l, rd);
    if (ops == DUKE_OP_EXTU_B)
        l->bytes |= 1u << rd;
    return 0;
}

unsigned form_sext_r(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)dead;
    unsigned rd = in->opnd[0].reg, rs = use(l, in->opnd[1].reg), t = take(l->gen);
    op_rk(l->gen, ops, t, rs, high(in, 1) ? 8 : 0);
    op_rk(l->gen, DUKE_OP_EXTU_W, dest(l, rd), t, 0);
    now_home(l, rd);
    return 0;
}

unsigned form_lea_base(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    struct ir_val v = l->b->cur[in->base];
    put(l, in->opnd[0].reg, (int32_t)((uint32_t)v.k + (uint32_t)in->disp), v.ref);
    return 0;
}

unsigned form_lea_index(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    static const uint16_t sums[2][4] = {
        {DUKE_OP_ADD, DUKE_OP_SH1ADD, DUKE_OP_SH2ADD, DUKE_OP_SH3ADD},
        {DUKE_OP_ADD_W, DUKE_OP_SH1ADD_W, DUKE_OP_SH2ADD_W, DUKE_OP_SH3ADD_W},
    };
    unsigned rd = in->opnd[0].reg, ra = 0;
    int32_t k = (int32_t)in->disp;
    if (in->index >= 16)
        return DID_NOT;
    struct ir_val v = l->b->cur[in->index];
    if (!v.ref)
        return DID_NOT;
    k = (int32_t)((uint32_t)k + ((uint32_t)v.k << in->scale));
    if (in->base < 16) {
        struct ir_val base = l->b->cur[in->base];
        k = (int32_t)((uint32_t)k + (uint32_t)base.k);
        ra = home_of(base);
    }
    unsigned to = dest(l, rd), sum = k ? take(l->gen) : to;
    op_rr(l->gen, sums[k == 0][in->scale], sum, home_of(v), ra);
    if (k)
        op_addi(l->gen, to, sum, k);
    now_home(l, rd);
    return 0;
}
