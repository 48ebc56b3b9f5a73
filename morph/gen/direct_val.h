/* What direct.c and direct_insn.c share; see direct.c. */
#pragma once
#include "direct.h"
#include "shared.h"
#include "place.h"

enum { DIRECT_FLAGS = 31, DIRECT_TARGET = 30, DIRECT_FIRST_TEMP = 4, DIRECT_LAST_TEMP = 27 }; /* Duke registers */

/* What a handler returns: nothing was done; l->rip is set; and an unconditional exit was made. */
enum { DID_NOT = 4, DID_GO_ON = LIFT_TRANSFERRED, DID_END = LIFT_ENDED };

/* ops: Duke's for the instruction | Duke's for its flags << 16; dead: these are of no interest. */
typedef unsigned direct_fn(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead);

struct direct_form {
    direct_fn *fn; /* NULL: no direct form */
    uint32_t ops;
};
extern const struct direct_form direct_forms[]; /* by row of hot_rows.h */

struct direct_address {
    unsigned ra, rb, scale;
    int32_t k;
};

/* A branch op and what it looks at. */
struct direct_branch {
    unsigned op, ra, rb, cc;
};

/* -- direct.c */
/* Places an op that reads ra and rb and writes rd. */
void direct_place(struct gen *g, const struct gen_op *o, const struct gen_info *t, unsigned rd, unsigned ra, unsigned rb);
void direct_load(struct gen *g, unsigned op, unsigned rd, const struct direct_address *a);
void direct_store(struct gen *g, unsigned op, unsigned rs, const struct direct_address *a);
/* Makes guest register r, which is a constant or a sum, in its home; returns that. */
unsigned direct_settle(struct lift *l, unsigned r);
/* Leaves, or commits, by exit e, all guest state being at home. */
void direct_exit(struct lift *l, struct ir_exit e, unsigned ra, unsigned rb, unsigned cc);
/* A branch for condition cc of the flags: one that compares, if they come from the instruction before. */
struct direct_branch direct_branch(struct lift *l, unsigned cc);

/* -- inline */

static inline unsigned home(unsigned r) { return 32 + r; }

static inline unsigned take(struct gen *g)
{
    uint64_t t = g->temp;
    g->temp = t == DIRECT_LAST_TEMP ? DIRECT_FIRST_TEMP : t + 1;
    return (unsigned)t;
}

static inline void op_rr(struct gen *g, unsigned op, unsigned rd, unsigned ra, unsigned rb)
{
    struct gen_op o;
    words_r3(&o, &g->info[op], rd, ra, rb);
    direct_place(g, &o, &g->info[op], rd, ra, rb);
}

static inline void op_rk(struct gen *g, unsigned op, unsigned rd, unsigned ra, int32_t k)
{
    struct gen_op o;
    words_r3i(&o, &g->info[op], rd, ra, k);
    direct_place(g, &o, &g->info[op], rd, ra, 0);
}

static inline void op_addi(struct gen *g, unsigned rd, unsigned ra, int32_t k)
{
    struct gen_op o;
    words_ri(&o, &g->info[DUKE_OP_ADDI_W], rd, ra, k);
    direct_place(g, &o, &g->info[DUKE_OP_ADDI_W], rd, ra, 0);
}

static inline void op_li(struct gen *g, unsigned rd, int64_t k)
{
    struct gen_op o;
    words_li(&o, &g->info[DUKE_OP_LI], rd, k);
    direct_place(g, &o, &g->info[DUKE_OP_LI], rd, 0, 0);
}

/* The 32-bit constant k in a register. */
static inline unsigned constant(struct gen *g, int32_t k)
{
    if (k == 0)
        return 0;
    unsigned t = take(g);
    op_li(g, t, (int64_t)(uint32_t)k);
    return t;
}

/* Home of register r is overwritten by what was or is going to be placed. */
static inline void now_home(struct lift *l, unsigned r)
{
    l->b->cur[r] = (struct ir_val){0, ir_entry(r), 0, 0};
    l->b->dirty &= ~(1u << r);
    l->bytes &= ~(1u << r);
    l->gen->made[home(r)]++;
}

static inline void put(struct lift *l, unsigned r, int32_t k, ir_ref ref)
{
    uint32_t bit = 1u << r, dirty = l->b->dirty;
    l->b->cur[r] = (struct ir_val){k, ref, 0, 0};
    l->b->dirty = ref && k == 0 ? dirty & ~bit : dirty | bit;
    l->bytes &= ~bit;
}

/* A register that holds guest register r. */
static inline unsigned use(struct lift *l, unsigned r)
{
    struct ir_val v = l->b->cur[r];
    return v.k == 0 && v.ref ? home(r) : v.k == 0 ? 0 : direct_settle(l, r);
}

/* False: not for us. */
static inline bool address_of(struct lift *l, const struct ginsn *in, struct direct_address *a)
{
    struct ir_block *b = l->b;
    unsigned base = in->base, index = in->index;
    *a = (struct direct_address){0, 0, 0, (int32_t)in->disp};
    if (in->seg >= GUEST_FS || (index < 16 && !b->index))
        return false;
    if (base < 16) {
        struct ir_val v = b->cur[base];
        a->k = (int32_t)((uint32_t)a->k + (uint32_t)v.k);
        a->ra = v.ref ? home(base) : 0;
    }
    if (index < 16) {
        struct ir_val v = b->cur[index];
        a->k = (int32_t)((uint32_t)a->k + ((uint32_t)v.k << in->scale));
        a->rb = v.ref ? home(index) : 0;
        a->scale = in->scale;
    }
    return true;
}

static inline struct direct_address stack(struct lift *l, int32_t offset)
{
    struct ir_val v = l->b->cur[GUEST_RSP];
    return (struct direct_address){v.ref ? home(GUEST_RSP) : 0, 0, 0, (int32_t)((uint32_t)v.k + (uint32_t)offset)};
}

static inline void move_stack(struct lift *l, int32_t by)
{
    struct ir_val v = l->b->cur[GUEST_RSP];
    put(l, GUEST_RSP, (int32_t)((uint32_t)v.k + (uint32_t)by), v.ref);
}

static inline void push(struct lift *l, unsigned rs)
{
    struct direct_address a = stack(l, -4);
    direct_store(l->gen, DUKE_OP_STG_W, rs, &a);
    move_stack(l, -4);
}

static inline void jump(struct lift *l, uint64_t target)
{
    direct_exit(l, (struct ir_exit){.kind = IR_EXIT_DIRECT, .op = IR_ALWAYS, .target = target}, 0, 0, 0);
}

static inline bool high(const struct ginsn *in, unsigned i) { return in->opnd[i].kind == GO_REGH; }

/* -- The handlers */
#define FORM(row, function, alu, flags) direct_fn form_##function;
#include "direct.def"
#undef FORM
