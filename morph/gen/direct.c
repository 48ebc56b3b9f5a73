/* The quick way from instructions to cycles, for the forms that most of a program consists of.
 *
 * Guest registers are in their homes but for constants, copies and sums with constants, which ir_block.cur knows, as for IR:
 * they become part of addresses and of each other, and are made before something else needs them, before what a copy is of is
 * overwritten, and at exits. So is what was loaded under another name. Flags are always at home. What an instruction computes on
 * the way is in temporaries, taken in turn: none outlives the next few instructions. There is nothing to look ahead for, so
 * that each op is placed when its instruction is reached.
 *
 * tests/gen compares with the interpreter, the guest oracle with a processor; parameter opt_direct switches it off.
 */
#include "direct_val.h"

#include "guest/hot_rows.h"
#include "guest/interp_table.h"
#include "opt/opt.h"

void direct_place(struct gen *g, const struct gen_op *o, const struct gen_info *t, unsigned rd, unsigned ra, unsigned rb)
{
    uint64_t c = gen_place_write(g, o, t, rd, gen_max(g->reg[ra].avail, g->reg[rb].avail));
    gen_read_at(g, ra, c);
    gen_read_at(g, rb, c);
}

unsigned direct_settle(struct lift *l, unsigned r)
{
    struct ir_val v = l->b->cur[r];
    unsigned rd = dest(l, r), byte = v.k ? 0 : l->bytes & 1u << r;
    if (v.ref)
        op_addi(l->gen, rd, home_of(v), v.k);
    else
        op_li(l->gen, rd, (int64_t)(uint32_t)v.k);
    now_home(l, r);
    l->bytes |= byte;
    return rd;
}

void direct_keep_copies(struct lift *l, unsigned r)
{
    l->copied &= ~(1u << r);
    for (uint32_t m = l->b->dirty & ~(1u << r); m; m &= m - 1) {
        unsigned copy = (unsigned)__builtin_ctz(m);
        if (l->b->cur[copy].ref == ir_entry(r))
            direct_settle(l, copy);
    }
}

static inline uint32_t key_of(const struct gen *g, const struct direct_address *a)
{
    return a->ra | a->rb << 6 | (g->made[a->ra] & 0x3ffu) << 12 | (uint32_t)(g->made[a->rb] & 0x3ffu) << 22;
}

/* Where guest register r is made, by an op that could be in cycle `from`. Under another name than its home the value is there
 * sooner if the home is in use for long or the last exit stands before it, and home in the cycle in which it could have been made
 * there: an exit does not wait. */
static inline unsigned place_for(struct lift *l, unsigned r, uint64_t from, unsigned latency)
{
    struct gen *g = l->gen;
    if (gen_max(g->reg[home(r)].wmin, g->floor) < from + latency || l->renamed == DIRECT_NAMES) {
        dest(l, r);
        now_home(l, r);
        return home(r);
    }
    unsigned name = DIRECT_FIRST_NAME + l->renamed++;
    g->made[name]++;
    l->b->cur[r] = (struct ir_val){0, ref_of(name), 0, 0};
    l->b->dirty |= 1u << r;
    l->bytes &= ~(1u << r);
    return name;
}

unsigned direct_name(struct lift *l, unsigned r, unsigned ra) { return place_for(l, r, l->gen->reg[ra].avail, 1); }

void direct_load(struct lift *l, unsigned op, unsigned rd, const struct direct_address *a)
{
    struct gen *g = l->gen;
    const struct gen_info *t = &g->info[op];
    struct gen_op o;
    uint64_t from = gen_max(g->floor, gen_max(g->reg[a->ra].avail, g->reg[a->rb].avail));
    if (g->nstores | g->last_store)
        from = gen_max(from, gen_after_stores(g, key_of(g, a), a->k, 1u << ir_mem_log2(op), a->scale));
    if (rd >= home(0))
        rd = place_for(l, rd - home(0), from, t->latency);
    words_mem(&o, t, rd, a->ra, a->rb, a->scale, a->k);
    uint64_t c = gen_place_write(g, &o, t, rd, from);
    g->last_load = gen_max(g->last_load, c);
    g->last = gen_max(g->last, c);
    gen_read_at(g, a->ra, c);
    gen_read_at(g, a->rb, c);
}

void direct_store(struct gen *g, unsigned op, unsigned rs, const struct direct_address *a)
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

void direct_home(struct lift *l)
{
    while (l->b->dirty) /* some may be made on behalf of others */
        direct_settle(l, (unsigned)__builtin_ctz(l->b->dirty));
    l->copied = l->renamed = 0;
}

void direct_exit(struct lift *l, struct ir_exit e, unsigned ra, unsigned rb, unsigned cc)
{
    if (l->b->dirty)
        direct_home(l);
    e.ninsns = (uint8_t)l->pending;
    l->pending = 0;
    gen_leave(l->gen, ir_add_exit(l->b, e), ra, rb, cc);
}

struct direct_branch direct_branch(struct lift *l, unsigned cc)
{
    struct gen *g = l->gen;
    const struct gen_compare *p = &g->compare;
    struct direct_branch flags = {DUKE_OP_BCC, DIRECT_FLAGS, 0, cc}, r = {0, 0, 0, 0};
    if (l->b->insns - p->at >= DIRECT_LASTS || !l->b->fuse || g->made[p->ra] != p->made_a || g->made[p->rb] != p->made_b)
        return flags;
    bool test = p->op == DUKE_OP_TSTF_W || p->op == DUKE_OP_TSTF_B;
    bool byte = p->op == DUKE_OP_SUBF_B || p->op == DUKE_OP_TSTF_B; /* zero-extended */
    if (p->op != DUKE_OP_SUBF_W && !test && !byte)
        return flags;
    if ((test && (p->has_k || p->ra != p->rb)) || (byte && cc >= 8))
        return flags;
    if (test && (cc & 14) == 8) /* sign: less than zero */
        cc ^= 8 ^ 12;
    enum { NONE = 0xffff };
    static const uint16_t ops[16] = {
        NONE, NONE, DUKE_OP_BLTU, DUKE_OP_BGEU, DUKE_OP_BEQ,   DUKE_OP_BNE,   DUKE_OP_BGEU,  DUKE_OP_BLTU,
        NONE, NONE, NONE,         NONE,         DUKE_OP_BLT_W, DUKE_OP_BGE_W, DUKE_OP_BGE_W, DUKE_OP_BLT_W,
    };
    if (ops[cc] == NONE)
        return flags;
    r.op = ops[cc];
    unsigned a = p->ra, b = test ? 0 : p->has_k ? constant(g, p->k) : p->rb;
    bool swap = cc == 6 || cc == 7 || cc == 14 || cc == 15; /* be, a, le, g: the other way round */
    r.ra = swap ? b : a;
    r.rb = swap ? a : b;
    return r;
}

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
    l->gen->compare.at = l->gen->byte.at = GEN_NEVER; /* temporaries may be gone */
}

/* Begins a run of instructions that go to nodes. */
static void begin_run(struct lift *l)
{
    if (l->renamed && !l->in_run)
        direct_home(l);
    l->in_run = true;
}

/* Ends a run of instructions that went to nodes. */
static void end_run(struct lift *l)
{
    direct_end(l);
    ir_restart(l->b);
    l->bytes = l->copied = 0;
    l->in_run = false;
}

void direct_commit(struct lift *l)
{
    if (l->direct && !l->in_run)
        direct_exit(l, (struct ir_exit){.kind = IR_EXIT_NONE, .op = IR_ALWAYS, .next = l->rip}, 0, 0, 0);
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
            begin_run(l);
            enum lift_result r = lift_before(l, k);
            if (r != LIFT_OPEN)
                return r;
        }
        unsigned form = direct && row < HOT_COUNT ? direct_number[row] : 0;
        if (form) {
            if (l->in_run)
                end_run(l);
            did = direct_forms[form].fn(l, in, direct_forms[form].ops, k & LIFT_DEAD);
        }
        if (did == DID_NOT) {
            did = 0;
            if (in->op != G_NOP) {
                begin_run(l);
                did = lift_one(l, in, k);
                if (direct && !l->direct) { /* x87 instructions switch it off */
                    b->insns++;
                    l->rip = lift_next(in, l->rip, wide);
                    l->pending++;
                    l->rest = n - i - 1;
                    return LIFT_REST;
                }
            }
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
