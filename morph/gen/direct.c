/* The quick way from instructions to cycles, for the forms that most of a program consists of.
 *
 * Guest registers are in their homes but for sums with constants and constants, which ir_block.cur knows, as for IR: they
 * become part of addresses and of each other, and are made before something else needs them and at exits. Flags are
 * always at home. What an instruction computes on the way is in temporaries, taken in turn: none outlives the next
 * instruction. There is nothing to look ahead for, so that each op is placed when its instruction is reached.
 *
 * tests/gen compares with the interpreter, the guest oracle with a processor; parameter opt_direct switches it off.
 */
#include "direct.h"

#include "guest/hot_rows.h"
#include "guest/interp_table.h"
#include "opt/opt.h"
#include "place.h"

enum { FLAGS = 31, TARGET = 30, NO_REG = 0xff, FIRST_TEMP = 4, LAST_TEMP = 27 };

/* What a handler returns. */
enum { DID_NOT = 1, DID_GO_ON = 2, DID_END = 4 }; /* nothing was done; l->rip is set; and an unconditional exit was made */

/* dead: the flags that it writes are of no interest; ops: Duke's for it, of its flags << 16. */
typedef unsigned direct_fn(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead);

static inline unsigned home(unsigned r) { return 32 + r; }

static inline unsigned take(struct gen *g)
{
    uint64_t t = g->temp;
    g->temp = t == LAST_TEMP ? FIRST_TEMP : t + 1;
    return (unsigned)t;
}

/* -- Ops */

static __attribute__((noinline)) void place(struct gen *g, const struct gen_op *o, const struct gen_info *t, unsigned rd,
                                            unsigned ra, unsigned rb)
{
    uint64_t c = gen_place_write(g, o, t, rd, gen_max(g->reg[ra].avail, g->reg[rb].avail));
    gen_read_at(g, ra, c);
    gen_read_at(g, rb, c);
}

static void op_rr(struct gen *g, unsigned op, unsigned rd, unsigned ra, unsigned rb)
{
    struct gen_op o;
    words_r3(&o, &g->info[op], rd, ra, rb);
    place(g, &o, &g->info[op], rd, ra, rb);
}

static void op_rk(struct gen *g, unsigned op, unsigned rd, unsigned ra, int32_t k)
{
    struct gen_op o;
    words_r3i(&o, &g->info[op], rd, ra, k);
    place(g, &o, &g->info[op], rd, ra, 0);
}

static void op_addi(struct gen *g, unsigned rd, unsigned ra, int32_t k)
{
    struct gen_op o;
    words_ri(&o, &g->info[DUKE_OP_ADDI_W], rd, ra, k);
    place(g, &o, &g->info[DUKE_OP_ADDI_W], rd, ra, 0);
}

static void op_li(struct gen *g, unsigned rd, int64_t k)
{
    struct gen_op o;
    words_li(&o, &g->info[DUKE_OP_LI], rd, k);
    place(g, &o, &g->info[DUKE_OP_LI], rd, 0, 0);
}

/* The 32-bit constant k in a register. */
static unsigned constant(struct gen *g, int32_t k)
{
    if (k == 0)
        return 0;
    unsigned t = take(g);
    op_li(g, t, (int64_t)(uint32_t)k);
    return t;
}

/* -- Guest registers */

/* Home of register r is overwritten by what was or is going to be placed. */
static inline void now_home(struct lift *l, unsigned r)
{
    l->b->cur[r] = (struct ir_val){0, ir_entry(r), 0, 0};
    l->b->dirty &= ~(1u << r);
    l->gen->made[home(r)]++;
}

static inline void put(struct lift *l, unsigned r, int32_t k, ir_ref ref)
{
    uint32_t bit = 1u << r, dirty = l->b->dirty;
    l->b->cur[r] = (struct ir_val){k, ref, 0, 0};
    l->b->dirty = ref && k == 0 ? dirty & ~bit : dirty | bit;
}

static __attribute__((noinline)) unsigned settle(struct lift *l, unsigned r)
{
    struct ir_val v = l->b->cur[r];
    if (v.ref)
        op_addi(l->gen, home(r), home(r), v.k);
    else
        op_li(l->gen, home(r), (int64_t)(uint32_t)v.k);
    now_home(l, r);
    return home(r);
}

/* A register that holds guest register r. */
static inline unsigned use(struct lift *l, unsigned r)
{
    struct ir_val v = l->b->cur[r];
    return v.k == 0 && v.ref ? home(r) : v.k == 0 ? 0 : settle(l, r);
}

/* -- Memory */

struct address {
    unsigned ra, rb, scale;
    int32_t k;
};

/* False: not for us. */
static inline bool address_of(struct lift *l, const struct ginsn *in, struct address *a)
{
    struct ir_block *b = l->b;
    unsigned base = in->base, index = in->index;
    *a = (struct address){0, 0, 0, (int32_t)in->disp};
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

static inline uint32_t key_of(const struct gen *g, const struct address *a)
{
    return a->ra | a->rb << 6 | (g->made[a->ra] & 0x3ffu) << 12 | (uint32_t)(g->made[a->rb] & 0x3ffu) << 22;
}

static __attribute__((noinline)) void load(struct gen *g, unsigned op, unsigned rd, const struct address *a)
{
    const struct gen_info *t = &g->info[op];
    struct gen_op o;
    uint64_t from = gen_max(g->floor, gen_max(g->reg[a->ra].avail, g->reg[a->rb].avail));
    if (g->nstores | g->last_store)
        from = gen_max(from, gen_after_stores(g, key_of(g, a), a->k, 1u << ir_mem_log2(op), a->scale));
    words_mem(&o, t, rd, a->ra, a->rb, a->scale, a->k);
    uint64_t c = gen_place_write(g, &o, t, rd, from);
    g->last_load = gen_max(g->last_load, c);
    g->last = gen_max(g->last, c);
    gen_read_at(g, a->ra, c);
    gen_read_at(g, a->rb, c);
}

static __attribute__((noinline)) void store(struct gen *g, unsigned op, unsigned rs, const struct address *a)
{
    const struct gen_info *t = &g->info[op];
    struct gen_op o;
    uint64_t from = gen_max(gen_max(g->floor, g->reg[rs].avail), gen_max(g->reg[a->ra].avail, g->reg[a->rb].avail));
    words_mem(&o, t, rs, a->ra, a->rb, a->scale, a->k);
    uint64_t c = gen_put_at(g, &o, gen_max(from, gen_max(g->last_load, g->last_any_store)), t->need);
    g->last_any_store = c;
    gen_remember_store(g, key_of(g, a), a->k, a->scale, 1u << ir_mem_log2(op), c);
    g->last = gen_max(g->last, c);
    gen_read_at(g, a->ra, c);
    gen_read_at(g, a->rb, c);
    gen_read_at(g, rs, c);
}

static inline struct address stack(struct lift *l, int32_t offset)
{
    struct ir_val v = l->b->cur[GUEST_RSP];
    return (struct address){v.ref ? home(GUEST_RSP) : 0, 0, 0, (int32_t)((uint32_t)v.k + (uint32_t)offset)};
}

static inline void move_stack(struct lift *l, int32_t by)
{
    struct ir_val v = l->b->cur[GUEST_RSP];
    put(l, GUEST_RSP, (int32_t)((uint32_t)v.k + (uint32_t)by), v.ref);
}

static inline void push(struct lift *l, unsigned rs)
{
    struct address a = stack(l, -4);
    store(l->gen, DUKE_OP_STG_W, rs, &a);
    move_stack(l, -4);
}

/* -- Exits */

static void leave(struct lift *l, struct ir_exit e, unsigned ra, unsigned rb, unsigned cc)
{
    for (uint32_t m = l->b->dirty; m; m &= m - 1)
        settle(l, (unsigned)__builtin_ctz(m));
    e.ninsns = (uint8_t)l->pending;
    l->pending = 0;
    gen_leave(l->gen, ir_add_exit(l->b, e), ra, rb, cc);
}

static void jump(struct lift *l, uint64_t target)
{
    leave(l, (struct ir_exit){.kind = IR_EXIT_DIRECT, .op = IR_ALWAYS, .target = target}, 0, 0, 0);
}

/* A branch op for condition cc of the flags: one that compares, if they come from the instruction before. */
struct branch {
    unsigned op, ra, rb, cc;
};

static struct branch branch_of(struct lift *l, unsigned cc)
{
    struct gen *g = l->gen;
    const struct gen_compare *p = &g->compare;
    struct branch flags = {DUKE_OP_BCC, FLAGS, 0, cc}, r = {0, 0, 0, 0};
    if (p->at + 1 != l->b->insns || !l->b->fuse)
        return flags;
    bool test = p->op == DUKE_OP_TSTF_W;
    if (test && (p->has_k || p->ra != p->rb))
        return flags;
    if (test && (cc & 14) == 8) /* sign: less than zero */
        cc ^= 8 ^ 12;
    static const uint16_t ops[16] = {
        [2] = DUKE_OP_BLTU, [7] = DUKE_OP_BLTU,   [3] = DUKE_OP_BGEU,   [6] = DUKE_OP_BGEU,   [4] = DUKE_OP_BEQ,
        [5] = DUKE_OP_BNE,  [12] = DUKE_OP_BLT_W, [15] = DUKE_OP_BLT_W, [13] = DUKE_OP_BGE_W, [14] = DUKE_OP_BGE_W,
    };
    r.op = ops[cc];
    if (!r.op)
        return flags;
    unsigned a = p->ra, b = test ? 0 : p->has_k ? constant(g, p->k) : p->rb;
    bool swap = cc == 6 || cc == 7 || cc == 14 || cc == 15; /* be, a, le, g: the other way round */
    r.ra = swap ? b : a;
    r.rb = swap ? a : b;
    return r;
}

/* -- Instructions */

static inline uint64_t next_of(const struct lift *l, const struct ginsn *in) { return (uint32_t)(l->rip + in->len); }
static inline uint64_t target_of(const struct lift *l, const struct ginsn *in)
{
    return (uint32_t)(l->rip + in->len + (uint64_t)in->imm);
}

static inline bool high(const struct ginsn *in, unsigned i) { return in->opnd[i].kind == GO_REGH; }

static unsigned mov_rr(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    unsigned rd = in->opnd[0].reg, rs = in->opnd[1].reg;
    struct ir_val v = l->b->cur[rs];
    if (!v.ref) {
        put(l, rd, v.k, 0);
        return 0;
    }
    if (rd == rs)
        return 0;
    op_addi(l->gen, home(rd), home(rs), v.k);
    now_home(l, rd);
    return 0;
}

static unsigned mov_rr1(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    if (high(in, 0) || high(in, 1))
        return DID_NOT;
    unsigned rs = use(l, in->opnd[1].reg), rd = in->opnd[0].reg, old = use(l, rd);
    op_rr(l->gen, DUKE_OP_INS_B, home(rd), old, rs);
    now_home(l, rd);
    return 0;
}

static unsigned mov_ri(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    put(l, in->opnd[0].reg, (int32_t)in->imm, 0);
    return 0;
}

/* Loads of what fills the register: ops is the load. */
static unsigned load_r(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)dead;
    struct address a;
    if (!address_of(l, in, &a))
        return DID_NOT;
    unsigned rd = in->opnd[0].reg;
    load(l->gen, ops, home(rd), &a);
    now_home(l, rd);
    return 0;
}

static unsigned load_sext(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)dead;
    struct address a;
    if (!address_of(l, in, &a))
        return DID_NOT;
    unsigned rd = in->opnd[0].reg, t = take(l->gen);
    load(l->gen, ops, t, &a);
    op_rk(l->gen, DUKE_OP_EXTU_W, home(rd), t, 0);
    now_home(l, rd);
    return 0;
}

static unsigned load_r1(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    struct address a;
    if (high(in, 0) || !address_of(l, in, &a))
        return DID_NOT;
    unsigned rd = in->opnd[0].reg, t = take(l->gen);
    load(l->gen, DUKE_OP_LDG_BU, t, &a);
    op_rr(l->gen, DUKE_OP_INS_B, home(rd), use(l, rd), t);
    now_home(l, rd);
    return 0;
}

/* Stores of a register: ops is the store. Its address comes before the register is made: making it changes its home. */
static unsigned store_r(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)dead;
    struct address a;
    if (high(in, 1))
        return DID_NOT;
    unsigned rs = in->seg < GUEST_FS ? use(l, in->opnd[1].reg) : 0;
    if (!address_of(l, in, &a))
        return DID_NOT;
    store(l->gen, ops, rs, &a);
    return 0;
}

static unsigned store_k(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)dead;
    struct address a;
    if (!address_of(l, in, &a))
        return DID_NOT;
    store(l->gen, ops, constant(l->gen, (int32_t)in->imm), &a);
    return 0;
}

static unsigned extend_r(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)dead;
    unsigned rd = in->opnd[0].reg, rs = use(l, in->opnd[1].reg);
    op_rk(l->gen, ops, home(rd), rs, high(in, 1) ? 8 : 0);
    now_home(l, rd);
    return 0;
}

static unsigned sext_r(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)dead;
    unsigned rd = in->opnd[0].reg, rs = use(l, in->opnd[1].reg), t = take(l->gen);
    op_rk(l->gen, ops, t, rs, high(in, 1) ? 8 : 0);
    op_rk(l->gen, DUKE_OP_EXTU_W, home(rd), t, 0);
    now_home(l, rd);
    return 0;
}

static unsigned lea_base(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    unsigned rd = in->opnd[0].reg, base = in->base;
    struct ir_val v = l->b->cur[base];
    int32_t k = (int32_t)((uint32_t)v.k + (uint32_t)in->disp);
    if (rd == base || !v.ref) {
        put(l, rd, k, v.ref);
        return 0;
    }
    op_addi(l->gen, home(rd), home(base), k);
    now_home(l, rd);
    return 0;
}

static unsigned lea_index(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
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
        ra = base.ref ? home(in->base) : 0;
    }
    unsigned sum = k ? take(l->gen) : home(rd);
    op_rr(l->gen, sums[k == 0][in->scale], sum, home(in->index), ra);
    if (k)
        op_addi(l->gen, home(rd), sum, k);
    now_home(l, rd);
    return 0;
}

static inline unsigned alu_op(uint32_t ops) { return ops & 0xffff; }
static inline unsigned flags_op(uint32_t ops) { return ops >> 16; }

static inline void note_compare(struct lift *l, uint32_t ops, unsigned ra, unsigned rb, bool has_k, int32_t k)
{
    l->gen->compare = (struct gen_compare){l->b->insns, (uint16_t)flags_op(ops), (uint16_t)ra, (uint16_t)rb, has_k, k};
}

/* Operation with registers; ops without an alu_op compare. */
static unsigned alu_rr(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    unsigned rd = in->opnd[0].reg, rs = in->opnd[1].reg;
    if (rd == rs && alu_op(ops) == DUKE_OP_XOR_W) {
        put(l, rd, 0, 0);
        if (!dead)
            op_rr(l->gen, DUKE_OP_XORF_W, FLAGS, 0, 0);
        return 0;
    }
    unsigned ra = use(l, rd), rb = use(l, rs);
    if (!dead) {
        op_rr(l->gen, flags_op(ops), FLAGS, ra, rb);
        note_compare(l, ops, ra, rb, false, 0);
    }
    if (alu_op(ops)) {
        op_rr(l->gen, alu_op(ops), home(rd), ra, rb);
        now_home(l, rd);
        l->gen->compare.at = GEN_NEVER;
    }
    return 0;
}

static unsigned alu_rk(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    unsigned rd = in->opnd[0].reg, op = alu_op(ops);
    int32_t k = (int32_t)in->imm;
    if (dead && (op == DUKE_OP_ADD_W || op == DUKE_OP_SUB_W)) {
        struct ir_val v = l->b->cur[rd];
        put(l, rd, (int32_t)((uint32_t)v.k + (op == DUKE_OP_ADD_W ? (uint32_t)k : 0 - (uint32_t)k)), v.ref);
        return 0;
    }
    unsigned ra = use(l, rd);
    if (!dead) {
        op_rk(l->gen, flags_op(ops), FLAGS, ra, k);
        note_compare(l, ops, ra, 0, true, k);
    }
    if (!op)
        return 0;
    l->gen->compare.at = GEN_NEVER;
    if (ra && (op == DUKE_OP_ADD_W || op == DUKE_OP_SUB_W)) {
        put(l, rd, op == DUKE_OP_ADD_W ? k : (int32_t)(0 - (uint32_t)k), ir_entry(rd));
        return 0;
    }
    op_rk(l->gen, op, home(rd), ra, k);
    now_home(l, rd);
    return 0;
}

static unsigned alu_rm(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    struct address a;
    unsigned rd = in->opnd[0].reg, ra = in->seg < GUEST_FS ? use(l, rd) : 0;
    if (!address_of(l, in, &a))
        return DID_NOT;
    unsigned t = take(l->gen);
    load(l->gen, DUKE_OP_LDG_WU, t, &a);
    if (!dead) {
        op_rr(l->gen, flags_op(ops), FLAGS, ra, t);
        note_compare(l, ops, ra, t, false, 0);
    }
    if (alu_op(ops)) {
        op_rr(l->gen, alu_op(ops), home(rd), ra, t);
        now_home(l, rd);
        l->gen->compare.at = GEN_NEVER;
    }
    return 0;
}

static unsigned alu_mr(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    struct address a;
    unsigned rb = in->seg < GUEST_FS ? use(l, in->opnd[1].reg) : 0;
    if (!address_of(l, in, &a))
        return DID_NOT;
    unsigned t = take(l->gen);
    load(l->gen, DUKE_OP_LDG_WU, t, &a);
    if (!dead) {
        op_rr(l->gen, flags_op(ops), FLAGS, t, rb);
        note_compare(l, ops, t, rb, false, 0);
    }
    if (alu_op(ops)) {
        unsigned r = take(l->gen);
        op_rr(l->gen, alu_op(ops), r, t, rb);
        store(l->gen, DUKE_OP_STG_W, r, &a);
        l->gen->compare.at = GEN_NEVER;
    }
    return 0;
}

static unsigned alu_mk(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    struct address a;
    if (!address_of(l, in, &a))
        return DID_NOT;
    int32_t k = (int32_t)in->imm;
    unsigned t = take(l->gen);
    load(l->gen, DUKE_OP_LDG_WU, t, &a);
    if (!dead) {
        op_rk(l->gen, flags_op(ops), FLAGS, t, k);
        note_compare(l, ops, t, 0, true, k);
    }
    if (alu_op(ops)) {
        unsigned r = take(l->gen);
        op_rk(l->gen, alu_op(ops), r, t, k);
        store(l->gen, DUKE_OP_STG_W, r, &a);
        l->gen->compare.at = GEN_NEVER;
    }
    return 0;
}

/* Comparisons of bytes: ops is what makes the flags. */
static unsigned compare1_rr(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    if (high(in, 0) || high(in, 1))
        return DID_NOT;
    unsigned ra = use(l, in->opnd[0].reg), rb = use(l, in->opnd[1].reg);
    if (!dead)
        op_rr(l->gen, flags_op(ops), FLAGS, ra, rb);
    return 0;
}

static unsigned compare1_rk(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    if (high(in, 0))
        return DID_NOT;
    unsigned ra = use(l, in->opnd[0].reg);
    if (!dead)
        op_rk(l->gen, flags_op(ops), FLAGS, ra, (int32_t)in->imm);
    return 0;
}

static unsigned compare1_mk(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    struct address a;
    if (!address_of(l, in, &a))
        return DID_NOT;
    unsigned t = take(l->gen);
    load(l->gen, DUKE_OP_LDG_BU, t, &a);
    if (!dead)
        op_rk(l->gen, flags_op(ops), FLAGS, t, (int32_t)in->imm);
    return 0;
}

/* cmp r8, m8 and cmp m8, r8; test m8, r8 */
static unsigned compare1_m(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    struct address a;
    bool first = in->opnd[0].kind == GO_MEM;
    if (high(in, first))
        return DID_NOT;
    unsigned r = in->seg < GUEST_FS ? use(l, in->opnd[first].reg) : 0;
    if (!address_of(l, in, &a))
        return DID_NOT;
    unsigned t = take(l->gen);
    load(l->gen, DUKE_OP_LDG_BU, t, &a);
    if (!dead)
        op_rr(l->gen, flags_op(ops), FLAGS, first ? t : r, first ? r : t);
    return 0;
}

/* inc and dec: ops is what makes the flags, with k for the register. */
static inline unsigned step(struct lift *l, const struct ginsn *in, unsigned flags, int32_t k, bool dead)
{
    unsigned rd = in->opnd[0].reg;
    if (!dead)
        op_rr(l->gen, flags, FLAGS, use(l, rd), FLAGS);
    struct ir_val v = l->b->cur[rd];
    put(l, rd, (int32_t)((uint32_t)v.k + (uint32_t)k), v.ref);
    return 0;
}

static unsigned inc(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    return step(l, in, flags_op(ops), 1, dead);
}

static unsigned dec(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    return step(l, in, flags_op(ops), -1, dead);
}

static unsigned neg(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    unsigned rd = in->opnd[0].reg, ra = use(l, rd);
    if (!dead)
        op_rr(l->gen, flags_op(ops), FLAGS, 0, ra);
    op_rr(l->gen, alu_op(ops), home(rd), 0, ra);
    now_home(l, rd);
    return 0;
}

static unsigned not(struct lift * l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)dead;
    unsigned rd = in->opnd[0].reg;
    op_rk(l->gen, alu_op(ops), home(rd), use(l, rd), -1);
    now_home(l, rd);
    return 0;
}

static unsigned shift(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    unsigned rd = in->opnd[0].reg;
    int32_t n = (int32_t)in->imm & 31;
    if (n == 0)
        return 0;
    unsigned ra = use(l, rd);
    if (!dead)
        op_rk(l->gen, flags_op(ops), FLAGS, ra, n);
    op_rk(l->gen, alu_op(ops), home(rd), ra, n);
    now_home(l, rd);
    return 0;
}

static unsigned imul(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops;
    if (!dead)
        return DID_NOT;
    unsigned rd = in->opnd[0].reg;
    if (in->nopnds == 3)
        op_rk(l->gen, DUKE_OP_MUL_W, home(rd), use(l, in->opnd[1].reg), (int32_t)in->imm);
    else
        op_rr(l->gen, DUKE_OP_MUL_W, home(rd), use(l, rd), use(l, in->opnd[1].reg));
    now_home(l, rd);
    return 0;
}

static unsigned cmov(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    struct gen *g = l->gen;
    unsigned rd = in->opnd[0].reg, ra = use(l, in->opnd[1].reg), rb = use(l, rd);
    const struct gen_info *t = &g->info[DUKE_OP_SELCC];
    struct gen_op o;
    words_r4(&o, t, home(rd), ra, rb, FLAGS, in->cc);
    uint64_t from = gen_max(g->reg[FLAGS].avail, gen_max(g->reg[ra].avail, g->reg[rb].avail));
    uint64_t c = gen_place_write(g, &o, t, home(rd), from);
    gen_read_at(g, ra, c);
    gen_read_at(g, rb, c);
    gen_read_at(g, FLAGS, c);
    now_home(l, rd);
    return 0;
}

static unsigned setcc(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    if (high(in, 0))
        return DID_NOT;
    unsigned rd = in->opnd[0].reg, t = take(l->gen);
    op_rk(l->gen, DUKE_OP_SETCC, t, FLAGS, in->cc);
    op_rr(l->gen, DUKE_OP_INS_B, home(rd), use(l, rd), t);
    now_home(l, rd);
    return 0;
}

static unsigned push_r(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    push(l, use(l, in->opnd[0].reg));
    return 0;
}

static unsigned push_k(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    push(l, constant(l->gen, (int32_t)in->imm));
    return 0;
}

static unsigned push_m(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    struct address a;
    if (!address_of(l, in, &a))
        return DID_NOT;
    unsigned t = take(l->gen);
    load(l->gen, DUKE_OP_LDG_WU, t, &a);
    push(l, t);
    return 0;
}

static unsigned pop_r(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    struct address a = stack(l, 0);
    unsigned rd = in->opnd[0].reg;
    load(l->gen, DUKE_OP_LDG_WU, home(rd), &a);
    now_home(l, rd);
    if (rd != GUEST_RSP)
        move_stack(l, 4);
    return 0;
}

static unsigned leave_frame(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)in, (void)ops, (void)dead;
    unsigned bp = use(l, GUEST_RBP);
    struct address a = {bp, 0, 0, 0};
    op_addi(l->gen, home(GUEST_RSP), bp, 4);
    now_home(l, GUEST_RSP);
    load(l->gen, DUKE_OP_LDG_WU, home(GUEST_RBP), &a);
    now_home(l, GUEST_RBP);
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

static unsigned jmp(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    l->pending++;
    return go_on(l, target_of(l, in));
}

static unsigned call(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
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

static unsigned ret(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)in, (void)ops, (void)dead;
    struct address a = stack(l, 0);
    load(l->gen, DUKE_OP_LDG_WU, TARGET, &a);
    move_stack(l, 4);
    l->pending++;
    leave(l, (struct ir_exit){.kind = IR_EXIT_RET, .op = IR_ALWAYS}, 0, 0, 0);
    return DID_GO_ON | DID_END;
}

static unsigned jcc(struct lift *l, const struct ginsn *in, uint32_t ops, bool dead)
{
    (void)ops, (void)dead;
    bool likely = l->follow == LIFT_STOP ? l->taken_likely : l->follow == LIFT_TAKEN, stop = l->follow == LIFT_STOP;
    uint64_t next = next_of(l, in), target = target_of(l, in), on = likely ? target : next, out = likely ? next : target;
    /* A translation that goes on leaves on the unlikely side; one that ends leaves by the likely side first. */
    struct branch b = branch_of(l, in->cc ^ (stop ? !likely : likely));
    l->pending++;
    leave(l, (struct ir_exit){.kind = IR_EXIT_DIRECT, .op = (uint16_t)b.op, .target = stop ? on : out, .next = stop ? out : on},
          b.ra, b.rb, b.cc);
    l->rip = on;
    if (!stop)
        return DID_GO_ON;
    jump(l, out);
    return DID_GO_ON | DID_END;
}

/* -- Forms */

#define OPS(alu, flags) ((uint32_t)(alu) | (uint32_t)(flags) << 16)

struct form {
    direct_fn *fn;
    uint32_t ops;
};

#define FORM(row, function, alu, flags) [HOT_##row] = {function, OPS(alu, flags)},
#define BINARY_FORMS(row, alu, flags) \
    FORM(row##_RR44, alu_rr, alu, flags) \
    FORM(row##_RI44, alu_rk, alu, flags) \
    FORM(row##_RB44, alu_rm, alu, flags) \
    FORM(row##_RM44, alu_rm, alu, flags) \
    FORM(row##_BR4, alu_mr, alu, flags) \
    FORM(row##_MR4, alu_mr, alu, flags) \
    FORM(row##_BI4, alu_mk, alu, flags) \
    FORM(row##_MI4, alu_mk, alu, flags)
#define BYTE_FORMS(row, flags) \
    FORM(row##_RR11, compare1_rr, 0, flags) \
    FORM(row##_RI11, compare1_rk, 0, flags) \
    FORM(row##_RB11, compare1_m, 0, flags) \
    FORM(row##_RM11, compare1_m, 0, flags) \
    FORM(row##_BR1, compare1_m, 0, flags) \
    FORM(row##_MR1, compare1_m, 0, flags) \
    FORM(row##_BI1, compare1_mk, 0, flags) \
    FORM(row##_MI1, compare1_mk, 0, flags)

static const struct form forms[HOT_COUNT] = {
    FORM(MOV_RR44, mov_rr, 0, 0) FORM(MOV_RI44, mov_ri, 0, 0)                                                        /* */
    FORM(MOV_RB44, load_r, DUKE_OP_LDG_WU, 0) FORM(MOV_RM44, load_r, DUKE_OP_LDG_WU, 0)                              /* */
    FORM(MOV_BR4, store_r, DUKE_OP_STG_W, 0) FORM(MOV_MR4, store_r, DUKE_OP_STG_W, 0)                                /* */
    FORM(MOV_BI4, store_k, DUKE_OP_STG_W, 0) FORM(MOV_MI4, store_k, DUKE_OP_STG_W, 0)                                /* */
    FORM(MOV_RR11, mov_rr1, 0, 0) FORM(MOV_RB11, load_r1, 0, 0) FORM(MOV_RM11, load_r1, 0, 0)                        /* */
    FORM(MOV_BR1, store_r, DUKE_OP_STG_B, 0) FORM(MOV_MR1, store_r, DUKE_OP_STG_B, 0)                                /* */
    FORM(MOV_BI1, store_k, DUKE_OP_STG_B, 0) FORM(MOV_MI1, store_k, DUKE_OP_STG_B, 0)                                /* */
    FORM(MOVZX_RR41, extend_r, DUKE_OP_EXTU_B, 0) FORM(MOVZX_RR42, extend_r, DUKE_OP_EXTU_H, 0)                      /* */
    FORM(MOVZX_RB41, load_r, DUKE_OP_LDG_BU, 0) FORM(MOVZX_RM41, load_r, DUKE_OP_LDG_BU, 0)                          /* */
    FORM(MOVZX_RB42, load_r, DUKE_OP_LDG_HU, 0) FORM(MOVZX_RM42, load_r, DUKE_OP_LDG_HU, 0)                          /* */
    FORM(MOVSX_RR41, sext_r, DUKE_OP_EXTS_B, 0) FORM(MOVSX_RR42, sext_r, DUKE_OP_EXTS_H, 0)                          /* */
    FORM(MOVSX_RB41, load_sext, DUKE_OP_LDG_BS, 0) FORM(MOVSX_RM41, load_sext, DUKE_OP_LDG_BS, 0)                    /* */
    FORM(MOVSX_RB42, load_sext, DUKE_OP_LDG_HS, 0) FORM(MOVSX_RM42, load_sext, DUKE_OP_LDG_HS, 0)                    /* */
    FORM(LEA_RB40, lea_base, 0, 0) FORM(LEA_RM40, lea_index, 0, 0)                                                   /* */
    BINARY_FORMS(ADD, DUKE_OP_ADD_W, DUKE_OP_ADDF_W) BINARY_FORMS(SUB, DUKE_OP_SUB_W, DUKE_OP_SUBF_W)                /* */
    BINARY_FORMS(AND, DUKE_OP_AND_W, DUKE_OP_TSTF_W) BINARY_FORMS(OR, DUKE_OP_OR_W, DUKE_OP_ORF_W)                   /* */
    BINARY_FORMS(XOR, DUKE_OP_XOR_W, DUKE_OP_XORF_W)                                                                 /* */
    BINARY_FORMS(CMP, 0, DUKE_OP_SUBF_W) BINARY_FORMS(TEST, 0, DUKE_OP_TSTF_W)                                       /* */
    BYTE_FORMS(CMP, DUKE_OP_SUBF_B) BYTE_FORMS(TEST, DUKE_OP_TSTF_B)                                                 /* */
    FORM(INC_R4, inc, 0, DUKE_OP_INCF_W) FORM(DEC_R4, dec, 0, DUKE_OP_DECF_W)                                        /* */
    FORM(NEG_R4, neg, DUKE_OP_SUB_W, DUKE_OP_SUBF_W) FORM(NOT_R4, not, DUKE_OP_XOR_W, 0)                             /* */
    FORM(SHL_RI41, shift, DUKE_OP_SHL_W, DUKE_OP_SHLF_W) FORM(SHR_RI41, shift, DUKE_OP_SHR, DUKE_OP_SHRF_W)          /* */
    FORM(SAR_RI41, shift, DUKE_OP_SAR_W, DUKE_OP_SARF_W)                                                             /* */
    FORM(IMUL2_RR44, imul, 0, 0) FORM(IMUL3_RRI4, imul, 0, 0)                                                        /* */
    FORM(CMOVCC_RR44, cmov, 0, 0) FORM(SETCC_R1, setcc, 0, 0)                                                        /* */
    FORM(PUSH_R4, push_r, 0, 0) FORM(PUSH_rel, push_k, 0, 0) FORM(PUSH_B4, push_m, 0, 0) FORM(PUSH_M4, push_m, 0, 0) /* */
    FORM(POP_R4, pop_r, 0, 0) FORM(LEAVE_none4, leave_frame, 0, 0)                                                   /* */
    FORM(JMP_rel, jmp, 0, 0) FORM(JCC_rel, jcc, 0, 0) FORM(CALL_rel, call, 0, 0) FORM(RET_none4, ret, 0, 0)          /* */
};

/* -- Runs */

void direct_end(struct lift *l)
{
    struct ir_block *b = l->b;
    ir_go_home(b);
    if (b->n == IR_FIRST)
        return;
    opt_liveness(b);
    if (!gen_nodes(l->gen))
        b->overflow = 1;
    l->gen->compare.at = GEN_NEVER; /* its temporaries may be gone */
}

/* Ends a run of instructions that went to nodes. */
static void end_run(struct lift *l)
{
    direct_end(l);
    ir_restart(l->b);
    l->in_run = false;
}

void direct_commit(struct lift *l)
{
    if (l->direct && !l->in_run)
        leave(l, (struct ir_exit){.kind = IR_EXIT_NONE, .op = IR_ALWAYS, .next = l->rip}, 0, 0, 0);
    else
        lift_commit(l);
}

void direct_leave(struct lift *l)
{
    if (l->direct && !l->in_run)
        jump(l, l->rip);
    else
        lift_leave(l);
}

enum lift_result direct_insns(struct lift *l, const struct ginsn *in, unsigned n, unsigned first, const uint8_t *known,
                              enum lift_follow follow)
{
    struct ir_block *b = l->b;
    bool wide = b->wide != 0, direct = l->direct;
    l->follow = follow;
    for (unsigned i = 0; i < n; i++, in++) {
        unsigned k = known[i], row = first - HANDLER_HOT, did = DID_NOT;
        first = in->next16;
        if (k & (LIFT_CANNOT | LIFT_ALONE)) {
            l->in_run = true;
            enum lift_result r = lift_before(l, k);
            if (r != LIFT_OPEN)
                return r;
        }
        if (direct && row < HOT_COUNT && forms[row].fn) {
            if (l->in_run)
                end_run(l);
            did = forms[row].fn(l, in, forms[row].ops, k & LIFT_DEAD);
        }
        if (did == DID_NOT) {
            l->in_run = true;
            unsigned r = lift_one(l, in, k);
            did = (r & LIFT_TRANSFERRED ? DID_GO_ON : 0) | (r & LIFT_ENDED ? DID_END : 0);
        }
        b->insns++;
        if (did & DID_GO_ON) /* the last one */
            return did & DID_END ? LIFT_CLOSED : LIFT_OPEN;
        uint64_t next = l->rip + in->len;
        l->rip = wide ? next : (uint32_t)next;
        l->pending++;
    }
    if (follow != LIFT_STOP)
        return LIFT_OPEN;
    direct_leave(l);
    return LIFT_CLOSED;
}
