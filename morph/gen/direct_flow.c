/* Direct forms: the stack and transfers; and the table of all forms. */
#include "direct_val.h"

#include "guest/hot_rows.h"

static inline uint64_t next_of(const struct lift *l, const struct ginsn *in) { return (uint32_t)(l->rip + in->len); }
static inline uint64_t target_of(const struct lift *l, const struct ginsn *in)
{
    return (uint32_t)(l->rip + in->len + (uint64_t)in->imm);
}

unsigned form_push_r(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    push(l, use(l, in->opnd[0].reg));
    return 0;
}

unsigned form_push_k(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    push(l, constant(l->gen, (int32_t)in->imm));
    return 0;
}

unsigned form_push_m(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    struct direct_address a;
    if (!address_of(l, in, &a))
        return DID_NOT;
    unsigned t = take(l->gen);
    direct_load(l, DUKE_OP_LDG_WU, t, &a);
    push(l, t);
    return 0;
}

unsigned form_pop_r(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    struct direct_address a = stack(l, 0);
    unsigned rd = in->opnd[0].reg;
    direct_load(l, DUKE_OP_LDG_WU, home(rd), &a);
    if (rd != GUEST_RSP)
        move_stack(l, 4);
    return 0;
}

unsigned form_leave_frame(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)in, (void)ops, (void)dead;
    struct ir_val v = l->b->cur[GUEST_RBP];
    struct direct_address a = {home_of(v), 0, 0, v.k};
    put(l, GUEST_RSP, (int32_t)((uint32_t)v.k + 4), v.ref);
    direct_load(l, DUKE_OP_LDG_WU, home(GUEST_RBP), &a);
    return 0;
}

static unsigned go_on(struct lift *l, uint64_t rip)
{
    l->rip = rip;
    if (l->follow != LIFT_STOP)
        return DID_GO_ON;
    jump(l, rip);
    return DID_GO_ON | DID_END;
}

unsigned form_jmp(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    l->pending++;
    return go_on(l, target_of(l, in));
}

unsigned form_call(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    uint64_t next = next_of(l, in);
    unsigned ret = constant(l->gen, (int32_t)next);
    push(l, ret);
    l->pending++;
    if (l->itc)
        gen_push_return(l->gen, ir_add_exit(l->b, (struct ir_exit){.kind = IR_EXIT_RETURN, .target = next}), ret);
    return go_on(l, target_of(l, in));
}

unsigned form_ret(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)in, (void)ops, (void)dead;
    struct direct_address a = stack(l, 0);
    direct_load(l, DUKE_OP_LDG_WU, DIRECT_TARGET, &a);
    move_stack(l, 4);
    l->pending++;
    direct_exit(l, (struct ir_exit){.kind = IR_EXIT_RET, .op = IR_ALWAYS}, 0, 0, 0);
    return DID_GO_ON | DID_END;
}

unsigned form_jcc(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    bool likely = l->follow == LIFT_STOP ? l->taken_likely : l->follow == LIFT_TAKEN, stop = l->follow == LIFT_STOP;
    uint64_t next = next_of(l, in), target = target_of(l, in), on = likely ? target : next, out = likely ? next : target;
    if (l->b->dirty)
        direct_home(l);
    /* A translation that goes on leaves on the unlikely side; one that ends leaves by the likely side first. */
    struct direct_branch b = direct_branch(l, in->cc ^ (stop ? !likely : likely));
    l->pending++;
    direct_exit(
        l, (struct ir_exit){.kind = IR_EXIT_DIRECT, .op = (uint16_t)b.op, .target = stop ? on : out, .next = stop ? out : on},
        b.ra, b.rb, b.cc);
    l->rip = on;
    if (!stop)
        return DID_GO_ON;
    jump(l, out);
    return DID_GO_ON | DID_END;
}

enum {
    FORM_NONE,
#define FORM(row, function, alu, flags) FORM_##row,
#include "direct.def"
#undef FORM
    FORM_COUNT
};

const uint8_t direct_number[HOT_COUNT] = {
#define FORM(row, function, alu, flags) [HOT_##row] = FORM_##row,
#include "direct.def"
#undef FORM
};

const struct direct_form direct_forms[FORM_COUNT] = {
#define FORM(row, function, alu, flags) [FORM_##row] = {form_##function, (uint32_t)(alu) | (uint32_t)(flags) << 16},
#include "direct.def"
#undef FORM
};
_Static_assert(FORM_COUNT < 256, "a byte numbers them");
