/* The lifter: the back end of the guest semantics (sem/README.md) whose values are IR references. */
#include "lift.h"

#include "lift_simd.h"
#include "lift_x87.h"
#include "sem/sem.h"

#define SEM static __attribute__((unused))
#define VAL static __attribute__((unused))

typedef struct ir_val val;

typedef struct {
    const struct ginsn *g;
    struct sem_form f;
    uint64_t rip;
    val mem;
    struct ir_block *b;
    struct lift *l;
    bool flags_dead;  /* what this instruction does to the flags is of no interest */
    bool closed;      /* an unconditional exit was made */
    bool transferred; /* l->rip has been set */
} sem_ctx;

VAL val konst(sem_ctx *c, uint64_t k) { return ir_const(c->b, k); }

#define VAL2(name, call) VAL val name(sem_ctx *c, val x, val y) { return call; }
#define VAL1(name, op, bits) VAL val name(sem_ctx *c, val x) { return ir_alu(c->b, op, x, (val){0, 0, 0, 0}, bits); }
VAL2(v_add, ir_add(c->b, x, y))
VAL2(v_sub, ir_sub(c->b, x, y))
VAL2(v_and, ir_logic(c->b, DUKE_OP_AND, x, y))
VAL2(v_or, ir_logic(c->b, DUKE_OP_OR, x, y))
VAL2(v_xor, ir_logic(c->b, DUKE_OP_XOR, x, y))
VAL2(v_andn, ir_logic(c->b, DUKE_OP_ANDN, x, y))
VAL2(v_shl, ir_shift(c->b, DUKE_OP_SHL, x, y))
VAL2(v_shr, ir_shift(c->b, DUKE_OP_SHR, x, y))
VAL2(v_sar, ir_shift(c->b, DUKE_OP_SAR, x, y))
VAL2(v_ror, ir_shift(c->b, DUKE_OP_ROR, x, y))
VAL2(v_rorw, ir_shift(c->b, DUKE_OP_ROR_W, x, y))
VAL2(v_mul, ir_mul(c->b, x, y))
VAL2(v_mulhu, ir_alu2(c->b, DUKE_OP_MULHU, x, y))
VAL2(v_mulhs, ir_alu2(c->b, DUKE_OP_MULH, x, y))
VAL2(v_divu, ir_alu2(c->b, DUKE_OP_DIVU, x, y))
VAL2(v_divs, ir_alu2(c->b, DUKE_OP_DIV, x, y))
VAL2(v_remu, ir_rem(c->b, DUKE_OP_DIVU, DUKE_OP_REMU, x, y))
VAL2(v_rems, ir_rem(c->b, DUKE_OP_DIV, DUKE_OP_REM, x, y))
VAL2(v_eq, ir_alu(c->b, DUKE_OP_SEQ, x, y, 1))
VAL2(v_ne, ir_alu(c->b, DUKE_OP_SNE, x, y, 1))
VAL2(v_ltu, ir_alu(c->b, DUKE_OP_SLTU, x, y, 1))
VAL2(v_lts, ir_alu(c->b, DUKE_OP_SLT, x, y, 1))
VAL1(v_clz, DUKE_OP_CLZ, 7)
VAL1(v_ctz, DUKE_OP_CTZ, 7)
VAL1(v_popcnt, DUKE_OP_POPCNT, 7)
VAL1(v_bswap, DUKE_OP_BSWAP, 64)
#undef VAL1
#undef VAL2

VAL val v_zext(sem_ctx *c, val x, unsigned size) { return ir_zext(c->b, x, size); }
VAL val v_sext(sem_ctx *c, val x, unsigned size) { return ir_sext(c->b, x, size); }
VAL val v_select(sem_ctx *c, val k, val x, val y) { return ir_select(c->b, k, x, y); }

static const val nothing = {0, 0, 0, 0};

#define FLAGS2(name, op) \
    VAL val name(sem_ctx *c, val x, val y, unsigned size) \
    { \
        return c->flags_dead ? nothing : ir_flags2(c->b, op, x, y, size); \
    }
#define FLAGS3(name, op) \
    VAL val name(sem_ctx *c, val x, val y, val fl, unsigned size) \
    { \
        return c->flags_dead ? nothing : ir_flags3(c->b, op, x, y, fl, size); \
    }
FLAGS2(fl_add, DUKE_OP_ADDF_B)
FLAGS2(fl_sub, DUKE_OP_SUBF_B)
FLAGS2(fl_and, DUKE_OP_TSTF_B)
FLAGS2(fl_or, DUKE_OP_ORF_B)
FLAGS2(fl_xor, DUKE_OP_XORF_B)
FLAGS2(fl_inc, DUKE_OP_INCF_B)
FLAGS2(fl_dec, DUKE_OP_DECF_B)
FLAGS2(fl_shl, DUKE_OP_SHLF_B)
FLAGS2(fl_shr, DUKE_OP_SHRF_B)
FLAGS2(fl_sar, DUKE_OP_SARF_B)
FLAGS3(fl_adc, DUKE_OP_ADCF_B)
FLAGS3(fl_sbb, DUKE_OP_SBBF_B)
#undef FLAGS2
#undef FLAGS3

VAL val cond(sem_ctx *c, val fl, unsigned cc)
{
    if (fl.ref == 0)
        return ir_const(c->b, duke_eval(DUKE_OP_SETCC, (uint64_t)fl.k, cc, 0, 0));
    return (val){(int32_t)cc, ir_mat(c->b, fl), IR_V_COND, 0};
}

VAL val selcc(sem_ctx *c, val fl, unsigned cc, val x, val y)
{
    val k = cond(c, fl, cc);
    return ir_select(c->b, k, x, y);
}

VAL val get_flags(sem_ctx *c) { return ir_get(c->b, IR_G_FLAGS, 8); }

VAL void set_flags(sem_ctx *c, val v)
{
    if (!c->flags_dead)
        ir_put(c->b, IR_G_FLAGS, v, 8);
}

VAL val get_reg(sem_ctx *c, unsigned r, unsigned size) { return size < 4 ? ir_get_low(c->b, r, size) : ir_get(c->b, r, size); }
VAL void set_reg(sem_ctx *c, unsigned r, val v, unsigned size) { ir_put(c->b, r, v, size); }

VAL val get_opreg(sem_ctx *c, unsigned i)
{
    const struct gopnd *o = &c->g->opnd[i];
    return o->kind == GO_REGH ? ir_get_high(c->b, o->reg) : get_reg(c, o->reg, o->size);
}

VAL void set_opreg(sem_ctx *c, unsigned i, val v)
{
    const struct gopnd *o = &c->g->opnd[i];
    if (o->kind == GO_REGH)
        ir_put_high(c->b, o->reg, v);
    else
        ir_put(c->b, o->reg, v, o->size);
}

/* ES, CS, SS and DS have base 0 while translated code runs. */
VAL val seg_base(sem_ctx *c, unsigned seg)
{
    (void)c;
    if (seg < GUEST_FS)
        return nothing;
    return (val){0, ir_entry(seg == GUEST_FS ? IR_G_FS : IR_G_GS), 0, 0};
}

VAL val ea_sum(sem_ctx *c)
{
    const struct ginsn *g = c->g;
    val base = nothing;
    if (g->base < 16)
        base = ir_get(c->b, g->base, 4 + 4 * c->f.wide);
    else if (g->base == GREG_RIP)
        base = ir_const(c->b, c->rip + g->len);
    if (g->index < 16) {
        val index = ir_get(c->b, g->index, 4 + 4 * c->f.wide);
        base = ir_scaled(c->b, base, index, g->scale);
    }
    return g->disp ? ir_add(c->b, base, ir_const(c->b, (uint64_t)g->disp)) : base;
}

VAL val mem_ld(sem_ctx *c, val lin, unsigned size) { return ir_load(c->b, lin, size, false); }
VAL val mem_lds(sem_ctx *c, val lin, unsigned size) { return ir_load(c->b, lin, size, true); }
VAL void mem_st(sem_ctx *c, val lin, val v, unsigned size) { ir_store(c->b, lin, v, size); }
VAL unsigned mem_tries(sem_ctx *c, unsigned n)
{
    (void)c, (void)n;
    return 0; /* what traps for want of room is left to the interpreter */
}
VAL void mem_put(sem_ctx *c, val lin, val v, unsigned size, bool trying)
{
    (void)trying;
    mem_st(c, lin, v, size);
}

SEM uint64_t sem_next(sem_ctx *c);

static void leave(sem_ctx *c, val cond, bool invert, enum ir_exit_kind kind, uint64_t target, uint64_t next)
{
    ir_leave(c->b, cond, invert,
             (struct ir_exit){.kind = (uint8_t)kind, .ninsns = (uint8_t)c->l->pending, .target = target, .next = next});
    c->l->pending = 0;
}

static const val always = {1, 0, 0, 0};

static void go_on(sem_ctx *c, uint64_t rip)
{
    c->l->rip = rip;
    c->transferred = true;
}

static void push_return(sem_ctx *c)
{
    uint64_t next = sem_next(c);
    struct lift_calls *s = c->l->calls;
    if (!c->l->itc)
        return;
    ir_call(c->b, ir_const(c->b, next), next);
    if (!s || s->nopen == LIFT_CALLS)
        return;
    s->open[s->nopen++] = (uint8_t)s->n;
    if (s->n < LIFT_CALLS) {
        s->call[s->n].from = (ir_ref)(c->b->n - 1);
        s->call[s->n].to = 0;
        s->n++;
    }
}

VAL void jump_to(sem_ctx *c, uint64_t target, enum sem_jump_kind kind)
{
    c->l->pending++;
    if (kind == SEM_CALL)
        push_return(c);
    go_on(c, target);
    if (c->l->follow == LIFT_STOP) {
        leave(c, always, false, IR_EXIT_DIRECT, target, 0);
        c->closed = true;
    }
}

/* Goes on where it is believed to go. A commit can stand behind the check, but not in it. */
static void guess(sem_ctx *c, val target, enum sem_jump_kind kind)
{
    struct lift *l = c->l;
    if (kind == SEM_CALL)
        push_return(c);
    go_on(c, l->guess);
    val differs = v_ne(c, target, konst(c, l->guess));
    if (differs.ref) {
        ir_put(c->b, IR_G_TARGET, target, 8);
        leave(c, differs, false, kind == SEM_RET ? IR_EXIT_RET : IR_EXIT_JMP, 0, l->guess);
        c->b->pinned[IR_G_TARGET] = 0; /* commits do not keep it */
        lift_commit(l);
    } else if (differs.k) {
        go_on(c, c->b->wide ? (uint64_t)(int64_t)target.k : (uint32_t)target.k);
    }
    if (kind == SEM_RET && l->calls && l->calls->nopen) {
        unsigned k = l->calls->open[--l->calls->nopen];
        if (k < LIFT_CALLS)
            l->calls->call[k].to = (ir_ref)c->b->n;
    }
}

/* For the interpreter: here jump_ind sees to it, as what was done before is undone. */
VAL bool is_lost(sem_ctx *c, val target)
{
    (void)c, (void)target;
    return false;
}

/* 64-bit mode: a jump to where no address can be is a fault of the jump; the interpreter raises it. */
static __attribute__((noinline)) void fault_if_lost(sem_ctx *c, val target)
{
    ir_fault_if(c->b, v_shr(c, v_add(c, target, konst(c, UINT64_C(1) << 47)), konst(c, 48)));
}

VAL void jump_ind(sem_ctx *c, val target, enum sem_jump_kind kind)
{
    if (c->f.wide)
        fault_if_lost(c, target);
    c->l->pending++;
    if (c->l->follow == LIFT_GUESS) {
        guess(c, target, kind);
        return;
    }
    ir_put(c->b, IR_G_TARGET, target, 8);
    if (kind == SEM_CALL)
        push_return(c);
    leave(c, always, false, kind == SEM_RET ? IR_EXIT_RET : IR_EXIT_JMP, 0, 0);
    c->closed = c->transferred = true;
}

VAL void branch(sem_ctx *c, val k, uint64_t target)
{
    uint64_t next = sem_next(c);
    c->l->pending++;
    if (c->l->follow == LIFT_OVER) {
        c->l->over = k;
        go_on(c, next);
        return;
    }
    if (k.ref == 0) { /* decided */
        go_on(c, k.k ? target : next);
        if (c->l->follow != LIFT_STOP)
            return;
        leave(c, always, false, IR_EXIT_DIRECT, c->l->rip, 0);
        c->closed = true;
        return;
    }
    if (c->l->follow != LIFT_STOP) {
        bool taken = c->l->follow == LIFT_TAKEN;
        uint64_t out = taken ? next : target, on = taken ? target : next;
        leave(c, k, taken, IR_EXIT_DIRECT, out, on);
        go_on(c, on);
        return;
    }
    bool likely = c->l->taken_likely;
    leave(c, k, !likely, IR_EXIT_DIRECT, likely ? target : next, likely ? next : target);
    leave(c, always, false, IR_EXIT_DIRECT, likely ? next : target, 0);
    c->closed = c->transferred = true;
}

VAL bool raise_if(sem_ctx *c, val condition, enum guest_vector vector)
{
    (void)vector; /* the interpreter finds out */
    ir_fault_if(c->b, condition);
    return false;
}

#include "sem/all.sem.inc"

#include "lift_string.inc"

static void lift_sse(sem_ctx *c) { lift_simd(c->b, c->g, c->mem, c->flags_dead); }

/* From here on the translation is one list of nodes: what comes home at commits alone would have to at each end of a run. */
static void lift_fpu(sem_ctx *c)
{
    c->l->direct = false;
    lift_x87(c->b, c->g, c->mem, c->rip, c->flags_dead);
}

typedef void lift_fn(sem_ctx *c);
static lift_fn *const lift_fns[GOP_COUNT] = {
#define SIMD(op) [G_##op] = lift_sse,
#include "sem/simd.def"
#define SEM_OP(op, body) [G_##op] = sem_##body,
#include "sem/table.def"
#undef SEM_OP
#define X87(op) [G_##op] = lift_fpu,
#include "lift_x87.def"
#undef X87
    [G_CLD] = sem_nop, /* DF is clear */
    [G_MOVS] = lift_string, [G_STOS] = lift_string, [G_LODS] = lift_string, [G_SCAS] = lift_string, [G_CMPS] = lift_string,
};

bool lift_alone(const struct ginsn *g) { return is_repeated(g); }

bool lift_can(const struct ginsn *g)
{
    if (!lift_fns[g->op])
        return false;
    if (lift_fns[g->op] == lift_sse)
        return lift_simd_can(g);
    if (lift_fns[g->op] == lift_fpu)
        return lift_x87_can(g);
    if (g->op == G_ENTER)
        return (g->imm2 & 31) == 0;
    if (g->op == G_CLD)
        return true;
    if (is_string(g->op))
        return true;
    /* What sem_liftable looks closer at is rare. */
    return (g->opsize < 8 && g->seg != GUEST_CS) || sem_liftable(g);
}

uint64_t lift_next(const struct ginsn *g, uint64_t rip, bool wide) { return wide ? rip + g->len : (uint32_t)(rip + g->len); }

uint64_t lift_target(const struct ginsn *g, uint64_t rip, bool wide)
{
    uint64_t target = rip + g->len + (uint64_t)g->imm;
    return wide ? target : sem_trunc(target, g->opsize == 2 ? 2 : 4);
}

void lift_commit(struct lift *l)
{
    ir_leave(l->b, always, false, (struct ir_exit){.kind = IR_EXIT_NONE, .ninsns = (uint8_t)l->pending, .next = l->rip});
    l->pending = 0;
}

void lift_leave(struct lift *l)
{
    ir_leave(l->b, always, false, (struct ir_exit){.kind = IR_EXIT_DIRECT, .ninsns = (uint8_t)l->pending, .target = l->rip});
    l->pending = 0;
}

bool lift_can_select(const struct ginsn *g)
{
    switch (g->op) {
    case G_MOV:
    case G_MOVZX:
    case G_MOVSX:
    case G_LEA:
    case G_ADD:
    case G_SUB:
    case G_AND:
    case G_OR:
    case G_XOR:
    case G_CMP:
    case G_TEST:
    case G_INC:
    case G_DEC:
    case G_NEG:
    case G_NOT:
    case G_SHL:
    case G_SHR:
    case G_SAR:
    case G_SETCC:
    case G_CMOVCC: break;
    case G_NOP: return true;
    default: return false;
    }
    for (unsigned i = 0; i < g->nopnds; i++)
        if (g->opnd[i].kind == GO_MEM ? g->op != G_LEA : g->opnd[i].kind != GO_REG && g->opnd[i].kind != GO_IMM)
            return false;
    return g->prefixes == 0 && lift_can(g);
}

static bool same_val(struct ir_val x, struct ir_val y) { return x.ref == y.ref && x.k == y.k && x.tag == y.tag; }

void lift_join(struct lift *l, const struct ir_val before[IR_G_COUNT], unsigned n)
{
    struct ir_block *b = l->b;
    for (unsigned g = 0; g <= IR_G_FLAGS; g++) {
        struct ir_val made = b->cur[g];
        if (same_val(made, before[g]))
            continue;
        made = ir_get(b, g, 8);
        b->cur[g] = before[g];
        struct ir_val kept = ir_get(b, g, 8);
        ir_put(b, g, ir_select(b, l->over, kept, made), g < IR_G_FLAGS ? 4 : 8);
    }
    struct ir_val jumped = ir_select(b, l->over, ir_const(b, n), ir_const(b, 0));
    ir_put(b, LIFT_UNCOUNT, ir_add(b, ir_get(b, LIFT_UNCOUNT, 8), jumped), 4);
}

unsigned lift_one(struct lift *l, const struct ginsn *g, unsigned known)
{
    bool wide = l->b->wide != 0;
    sem_ctx c = {.g = g, .f = sem_form_of(g, wide), .rip = l->rip, .b = l->b, .l = l, .flags_dead = known & LIFT_DEAD};
    l->b->site = (uint16_t)(l->rip ^ l->rip >> 16);
    if (sem_has_mem(&c.f)) /* most need neither wrapping nor a base */
        c.mem = !wide && g->addrsize == 4 && g->seg < GUEST_FS ? ea_sum(&c) : sem_lin(&c);
    lift_fns[g->op](&c);
    return c.transferred * LIFT_TRANSFERRED + c.closed * LIFT_ENDED;
}

enum lift_result lift_before(struct lift *l, unsigned known)
{
    bool cannot = known & LIFT_CANNOT;
    sem_ctx c = {.b = l->b, .l = l};
    if (l->b->insns) /* what is alone gets a translation of its own */
        leave(&c, always, false, cannot ? IR_EXIT_INTERP : IR_EXIT_DIRECT, l->rip, 0);
    return cannot ? LIFT_CUT : l->b->insns ? LIFT_CLOSED : LIFT_OPEN;
}
