/* What direct.c and direct_*.c share; see direct.c. */
#pragma once
#include "direct.h"
#include "shared.h"
#include "place.h"

/* Duke registers. Guest registers may be in DIRECT_FIRST_NAME and above until the next exit, not longer. */
enum {
    DIRECT_FIRST_TEMP = 4,
    DIRECT_LAST_TEMP = 27,
    DIRECT_TARGET = 30,
    DIRECT_FLAGS = 31,
    DIRECT_FIRST_NAME = 49,
    DIRECT_NAMES = 10,
};

/* What a handler returns: nothing was done; l->rip is set; and an unconditional exit was made. */
enum { DID_NOT = 4, DID_GO_ON = LIFT_TRANSFERRED, DID_END = LIFT_ENDED };

/* ops: Duke's for the instruction | Duke's for its flags << 16; dead: these are of no interest. */
typedef unsigned direct_fn(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead);

struct direct_form {
    direct_fn *fn;
    uint32_t ops;
};
extern const uint8_t direct_number[]; /* by row of hot_rows.h: a third of them have a form; 0: none. Few lines of the cache */
extern const struct direct_form direct_forms[];

struct direct_address {
    unsigned ra, rb, scale;
    int32_t k;
};

/* Temporaries keep their values for so many instructions, none of which takes more than two. */
enum { DIRECT_LASTS = 8 };

/* A branch op and what it looks at. */
struct direct_branch {
    unsigned op, ra, rb, cc;
};

/* -- direct.c */
/* Places an op that reads ra and rb and writes rd. */
void direct_place(struct gen *g, const struct gen_op *o, const struct gen_info *t, unsigned rd, unsigned ra, unsigned rb);
/* Loads rd. If it is a home, its register has the value afterwards, there or elsewhere. */
void direct_load(struct lift *l, unsigned op, unsigned rd, const struct direct_address *a);
void direct_store(struct gen *g, unsigned op, unsigned rs, const struct direct_address *a);
/* The register for guest register r, which an op of latency 1 makes of ra: its home or another. */
unsigned direct_name(struct lift *l, unsigned r, unsigned ra);
/* Makes guest register r, which is a constant, a copy or a sum, in its home; returns that. */
unsigned direct_settle(struct lift *l, unsigned r);
/* Makes the copies of r's home, which is going to be overwritten. */
void direct_keep_copies(struct lift *l, unsigned r);
/* Makes all guest state in its homes. */
void direct_home(struct lift *l);
/* Leaves, or commits, by exit e, all guest state being at home. */
void direct_exit(struct lift *l, struct ir_exit e, unsigned ra, unsigned rb, unsigned cc);
/* A branch for condition cc of the flags: one that compares, if they come from a comparison of what is still there. */
struct direct_branch direct_branch(struct lift *l, unsigned cc);

/* -- inline */

static inline unsigned home(unsigned r) { return 32 + r; }

/* The register that the value of a guest register is in, or is a sum with; 0: none. For other registers than homes there are
 * refs as if they were, which IR does not know. */
static inline unsigned home_of(struct ir_val v) { return v.ref ? home(0) - ir_entry(0) + v.ref : 0; }
static inline ir_ref ref_of(unsigned reg) { return (ir_ref)(reg - home(0) + ir_entry(0)); }

/* The home of r, to be overwritten. */
static inline unsigned dest(struct lift *l, unsigned r)
{
    if (l->copied >> r & 1)
        direct_keep_copies(l, r);
    return home(r);
}

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

/* Guest register r is ref + k, which need not be made yet. What a copy is of is never a copy itself, but for other names. */
static inline void put(struct lift *l, unsigned r, int32_t k, ir_ref ref)
{
    uint32_t bit = 1u << r;
    if (ref && ref != ir_entry(r)) {
        dest(l, r);
        if (ref < ref_of(DIRECT_FIRST_NAME))
            l->copied |= 1u << (ref - ir_entry(0));
    }
    l->b->cur[r] = (struct ir_val){k, ref, 0, 0};
    l->b->dirty = ref == ir_entry(r) && k == 0 ? l->b->dirty & ~bit : l->b->dirty | bit;
    l->bytes &= ~bit;
}

/* A register that holds guest register r. */
static inline unsigned use(struct lift *l, unsigned r)
{
    struct ir_val v = l->b->cur[r];
    return v.k == 0 ? home_of(v) : direct_settle(l, r);
}

/* The same of two: making one overwrites its home, which the other may be a copy of. */
static inline unsigned use2(struct lift *l, unsigned r, unsigned s, unsigned *rs)
{
    unsigned a = use(l, r);
    *rs = use(l, s);
    return l->copied ? use(l, r) : a;
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
        a->ra = home_of(v);
    }
    if (index < 16) {
        struct ir_val v = b->cur[index];
        a->k = (int32_t)((uint32_t)a->k + ((uint32_t)v.k << in->scale));
        a->rb = home_of(v);
        a->scale = in->scale;
    }
    return true;
}

static inline struct direct_address stack(struct lift *l, int32_t offset)
{
    struct ir_val v = l->b->cur[GUEST_RSP];
    return (struct direct_address){home_of(v), 0, 0, (int32_t)((uint32_t)v.k + (uint32_t)offset)};
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

/* The low byte of r came from temporary t. */
static inline void note_byte(struct lift *l, unsigned r, unsigned t)
{
    l->gen->byte = (struct gen_byte){l->b->insns, (uint16_t)r, l->gen->made[home(r)], (uint16_t)t};
}

/* The temporary that the low byte of r came from, 0 if none has it. */
static inline unsigned byte_of(const struct lift *l, unsigned r)
{
    const struct gen_byte *p = &l->gen->byte;
    if (p->rd != r || l->b->insns - p->at >= DIRECT_LASTS || l->b->dirty >> r & 1)
        return 0;
    return l->gen->made[home(r)] == p->made ? p->temp : 0;
}

static inline bool high(const struct ginsn *in, unsigned i) { return in->opnd[i].kind == GO_REGH; }

/* -- The handlers */
#define FORM(row, function, alu, flags) direct_fn form_##function;
#include "direct.def"
#undef FORM
