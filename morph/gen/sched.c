/* Registers and time slots in one walk over the nodes, in program order.
 *
 * Every op is placed as soon as it is reached: in the first cycle that is late enough for its operands and has a lane. So
 * there is no dependence graph; per register we know when it can be read and written, and that is all. Guest state is
 * written straight to its home register when nobody wants the old value any more; rollback undoes it if the block faults.
 * A commit stands no earlier than anything with an effect before it, and nothing with an effect stands above an earlier one.
 */
#include "place.h"

/* r4..r27 and r49..r58; r48 carries exit numbers. */
#define TEMPS (UINT64_C(0x07fe00000ffffff0))

/* -- Registers */

static inline unsigned take_temp(struct gen *g)
{
    uint64_t m = g->free & (~UINT64_C(0) << g->next);
    if (!m)
        m = g->free;
    if (!m) {
        g->overflow = 1;
        return 4;
    }
    unsigned r = (unsigned)__builtin_ctzll(m);
    g->free &= ~(UINT64_C(1) << r);
    g->next = (r + 1) & 63;
    return r;
}

/* Operands are freed at their last use, but not before the result has a register: what has to make room for it must not be
 * moved to where the op still reads. */
static inline void release(struct gen *g, const struct ir_node *n, unsigned ra, unsigned rb, unsigned rc)
{
    uint64_t kills = n->kills;
    uint64_t regs = (kills & 1) << ra | (kills >> 1 & 1) << rb | (kills >> 2) << rc;
    g->free |= regs & TEMPS;
}

static void move(struct gen *g, unsigned rd, unsigned ra)
{
    const struct gen_info *t = &g->info[DUKE_OP_ADDI];
    struct gen_op o;
    words_ri(&o, t, rd, ra, 0);
    uint64_t c = gen_place_write(g, &o, t, rd, g->reg[ra].avail);
    gen_read_at(g, ra, c);
}

/* Moves out u, which lives in `home` and is wanted after node i, because home is going to be overwritten. */
static void move_out(struct gen *g, unsigned home, ir_ref u, uint32_t i)
{
    unsigned other = g->alt[home];
    if (other && g->content[other] == u) {
        g->loc[u] = (uint16_t)other;
        return;
    }
    unsigned wish = g->ir->use[u].wish, to = 0;
    if (wish && wish >> 8 == g->part) {
        unsigned h = wish & 255;
        ir_ref v = g->content[h];
        if (h != home && (!v || g->ir->use[v].last < i || g->loc[v] != h)) { /* node i may read it yet */
            to = h;
            g->content[h] = u;
        }
    }
    if (!to)
        to = take_temp(g);
    move(g, to, home);
    g->loc[u] = (uint16_t)to;
}

static inline void evict(struct gen *g, unsigned home, uint32_t i)
{
    ir_ref u = g->content[home];
    if (u && g->ir->use[u].last > i && g->loc[u] == home)
        move_out(g, home, u, i);
}

/* The register for the value of node i, which is used. */
static inline unsigned define(struct gen *g, uint32_t i)
{
    unsigned wish = g->ir->use[i].wish, r = wish & 255;
    if (wish && wish >> 8 == g->part) {
        evict(g, r, i);
        g->content[r] = (uint16_t)i;
    } else {
        r = take_temp(g);
    }
    g->loc[i] = (uint16_t)r;
    return r;
}

/* -- Nodes */

static void place_li(struct gen *g, unsigned rd, int64_t k)
{
    const struct gen_info *t = &g->info[DUKE_OP_LI];
    struct gen_op o;
    bool whole = k == (int64_t)((uint64_t)k << 17) >> 17;
    words_li(&o, t, rd, whole ? k : (int64_t)(uint32_t)k);
    uint64_t c = gen_place_write(g, &o, t, rd, 0);
    if (whole)
        return;
    t = &g->info[DUKE_OP_ORHI]; /* the upper half */
    words_ri(&o, t, rd, rd, k >> 32);
    gen_place_write(g, &o, t, rd, c + 1);
}

static void place_alu(struct gen *g, const struct ir_node *n, uint32_t i)
{
    const struct gen_info *t = &g->info[n->op];
    if (t->fmt == DUKE_FMT_LI) {
        unsigned rd = define(g, i);
        place_li(g, rd, n->x == IR_BIG ? g->ir->consts[n->imm] : n->imm);
        return;
    }
    unsigned ra = g->loc[n->a], rb = g->loc[n->b], rc = 0;
    uint64_t from = gen_max(g->reg[ra].avail, g->reg[rb].avail);
    struct gen_op o;
    if (t->fmt == DUKE_FMT_R4 || t->fmt == DUKE_FMT_R4X) {
        rc = g->loc[n->c];
        from = gen_max(from, g->reg[rc].avail);
    }
    unsigned rd = define(g, i);
    release(g, n, ra, rb, rc);
    if (t->fmt == DUKE_FMT_R3) {
        if (n->b || n->imm == 0)
            words_r3(&o, t, rd, ra, rb);
        else
            words_r3i(&o, t, rd, ra, n->imm);
    } else if (t->fmt == DUKE_FMT_RI) {
        words_ri(&o, t, rd, ra, n->imm);
    } else {
        words_r4(&o, t, rd, ra, rb, rc, n->x);
    }
    uint64_t c = gen_place_write(g, &o, t, rd, from);
    gen_read_at(g, ra, c);
    gen_read_at(g, rb, c);
    if (rc)
        gen_read_at(g, rc, c);
}

static void place_store(struct gen *g, const struct ir_node *n)
{
    const struct gen_info *t = &g->info[n->op];
    unsigned ra = g->loc[n->a], rb = g->loc[n->b], rc = g->loc[n->c];
    uint64_t from = gen_max(gen_max(g->floor, g->reg[rc].avail), gen_max(g->reg[ra].avail, g->reg[rb].avail));
    struct gen_op o;
    words_mem(&o, t, rc, ra, rb, n->x, n->imm);
    release(g, n, ra, rb, rc);
    from = gen_max(from, gen_max(g->last_load, g->last_any_store));
    uint64_t c = gen_put_at(g, &o, from, t->need);
    g->last_any_store = c;
    gen_remember_store(g, n->a | (uint32_t)n->b << 16, n->imm, n->x, 1u << ir_mem_log2(n->op), c);
    g->last = gen_max(g->last, c);
    gen_read_at(g, ra, c);
    gen_read_at(g, rb, c);
    gen_read_at(g, rc, c);
}

static void place_load(struct gen *g, const struct ir_node *n, uint32_t i)
{
    const struct gen_info *t = &g->info[n->op];
    unsigned ra = g->loc[n->a], rb = g->loc[n->b];
    uint64_t from = gen_max(g->floor, gen_max(g->reg[ra].avail, g->reg[rb].avail));
    if (g->nstores | g->last_store)
        from = gen_max(from, gen_after_stores(g, n->a | (uint32_t)n->b << 16, n->imm, 1u << ir_mem_log2(n->op), n->x));
    unsigned rd = g->ir->use[i].last ? define(g, i) : 0;
    release(g, n, ra, rb, 0);
    struct gen_op o;
    words_mem(&o, t, rd, ra, rb, n->x, n->imm);
    uint64_t c = gen_place_write(g, &o, t, rd, from);
    g->last_load = gen_max(g->last_load, c);
    g->last = gen_max(g->last, c);
    gen_read_at(g, ra, c);
    gen_read_at(g, rb, c);
}

static void place_set(struct gen *g, const struct ir_node *n, uint32_t i)
{
    unsigned home = ir_home(n->x);
    if (n->a == 0) {
        evict(g, home, i);
        g->content[home] = 0;
        place_li(g, home, g->ir->wide ? n->imm : (int64_t)(uint32_t)n->imm);
        return;
    }
    unsigned from = g->loc[n->a];
    if (from == home)
        return;
    evict(g, home, i);
    move(g, home, from);
    if (gen_is_home(from))
        g->alt[from] = (uint16_t)home;
    else
        g->loc[n->a] = (uint16_t)home, g->free |= UINT64_C(1) << from;
    g->content[home] = n->a;
}

/* A branch-lane op at `from` or later. */
static uint64_t place_branch(struct gen *g, unsigned op, unsigned ra, unsigned rb, unsigned cc, unsigned use, uint32_t exit,
                             uint64_t from)
{
    const struct gen_info *t = &g->info[op];
    struct gen_op o;
    if (t->fmt == DUKE_FMT_J) {
        o.w[0] = o.w[1] = t->imm;
        o.nwords = 1;
    } else if (t->fmt == DUKE_FMT_R3) {
        words_r3(&o, t, 0, ra, 0);
    } else {
        words_branch(&o, t, ra, rb, cc);
    }
    uint64_t c = gen_put_at(g, &o, gen_max(from, gen_max(g->reg[ra].avail, g->reg[rb].avail)), t->need);
    if (use != GEN_DONE)
        gen_note_branch(g, c, o.nwords, use, exit);
    gen_read_at(g, ra, c);
    gen_read_at(g, rb, c);
    return c;
}

void gen_leave(struct gen *g, uint32_t exit, unsigned ra, unsigned rb, unsigned cc)
{
    const struct ir_exit *e = &g->ir->exit[exit];
    uint64_t c;
    g->exit_at[exit].nwords = 0;
    bool indirect = e->kind == IR_EXIT_JMP || e->kind == IR_EXIT_RET;
    uint64_t from = gen_max(gen_max(g->floor, g->last), g->fault);
    if (e->op != IR_ALWAYS) {
        c = place_branch(g, e->op, ra, rb, cc, GEN_EXIT, exit, from);
    } else if (indirect) {
        unsigned op = e->kind == IR_EXIT_RET ? DUKE_OP_JRAS : DUKE_OP_JITC;
        c = place_branch(g, op, ir_home(IR_G_TARGET), 0, 0, GEN_DONE, exit, from);
    } else if (e->kind == IR_EXIT_NONE) {
        c = from;
        if (c >= g->ncycles)
            gen_extend(g, c); /* a mere commit needs its bundle to exist */
    } else {
        c = place_branch(g, DUKE_OP_J, 0, 0, 0, e->kind == IR_EXIT_DIRECT ? GEN_EXIT : GEN_INTERP, exit, from);
    }
    if (g->overflow)
        return;
    if ((e->ninsns || e->flags & IR_EXIT_ZERO) && !(e->flags & IR_EXIT_LATE))
        g->cycle[c].commit = (uint16_t)(e->ninsns + 1);
    g->exit_at[exit].after = (uint16_t)c;
    if (indirect)
        c = place_branch(g, DUKE_OP_J, 0, 0, 0, GEN_INDIRECT, exit, c + 1);
    g->last = c;
    g->floor = c + 1;
    g->nstores = 0;
    g->last_store = g->last_load = g->last_any_store = 0;
}

void gen_push_return(struct gen *g, uint32_t exit, unsigned ra)
{
    uint64_t c = place_branch(g, DUKE_OP_RASP, ra, 0, 0, GEN_EXIT, exit, g->floor);
    g->last = gen_max(g->last, c);
}

static void place_exit(struct gen *g, const struct ir_node *n)
{
    const struct ir_exit *e = &g->ir->exit[n->imm];
    unsigned ra = 0, rb = 0;
    if (e->kind == IR_EXIT_INTERP)
        place_li(g, ir_home(IR_G_TARGET), (int64_t)e->target);
    if (e->op != IR_ALWAYS) {
        ra = g->loc[n->a];
        rb = g->loc[n->b];
    }
    gen_leave(g, (uint32_t)n->imm, ra, rb, n->x);
    release(g, n, ra, rb, 0);
    g->part--;
}

static void place_call(struct gen *g, const struct ir_node *n)
{
    unsigned ra = g->loc[n->a];
    gen_push_return(g, (uint32_t)n->imm, ra);
    release(g, n, ra, 0, 0);
}

static void place_fault(struct gen *g, const struct ir_node *n)
{
    unsigned ra = g->loc[n->a];
    uint64_t c = place_branch(g, DUKE_OP_BNE, ra, 0, 0, GEN_FAULT, 0, g->floor);
    release(g, n, ra, 0, 0);
    g->fault = gen_max(g->fault, c + 1);
    g->has_fault = 1;
}

#include "sched_fp.inc"

/* What few blocks need stays out of the way of what all do. */
__attribute__((noinline)) static bool place_other(struct gen *g, const struct ir_node *n, uint32_t i)
{
    return place_if_fp(g, n, i);
}

__attribute__((noinline)) static void prepare_fp(struct gen *g)
{
    if (!g->has_fp)
        ir_clear(g->reg + IR_HOME_F, sizeof g->reg - IR_HOME_F * sizeof g->reg[0]);
    g->has_fp = 1;
    begin_fp(g);
}

void gen_begin(struct gen *g, const struct ir_block *b)
{
    g->ir = b;
    g->nfixes = g->ncycles = g->overflow = 0;
    g->floor = g->last = g->fault = 0;
    g->last_load = g->last_store = g->last_any_store = g->nstores = 0;
    g->has_fault = g->has_fp = 0;
    g->fcsr_floor = g->raised = g->raised_x = g->foreign = 0;
    g->next = g->temp = 4;
    g->compare.at = g->byte.at = GEN_NEVER;
    ir_clear(g->reg, IR_HOME_F * sizeof g->reg[0]);
}

bool gen_nodes(struct gen *g)
{
    const struct ir_block *b = g->ir;
    g->part = b->parts;
    g->free = TEMPS;
    gen_forget_stores(g); /* refs mean something else now */
    ir_clear(g->alt + GEN_FIRST_HOME, IR_G_COUNT * sizeof g->alt[0]);
    ir_copy(g->content + GEN_FIRST_HOME, g->entry_content, sizeof g->entry_content);
    ir_copy(g->loc, g->entry_loc, sizeof g->entry_loc);
    if (b->fp)
        prepare_fp(g);
    for (uint32_t i = IR_FIRST; i < b->n; i++) {
        const struct ir_node *n = &b->node[i];
        unsigned op = n->op;
        if (b->fp && place_other(g, n, i))
            continue;
        if (op == IR_SET)
            place_set(g, n, i);
        else if (ir_is_load(op))
            place_load(g, n, i);
        else if (ir_is_store(op))
            place_store(g, n);
        else if (op == IR_EXIT)
            place_exit(g, n);
        else if (op < DUKE_OP_COUNT) {
            if (b->use[i].last)
                place_alu(g, n, i);
        } else if (op == IR_CALL)
            place_call(g, n);
        else if (op == IR_FAULT)
            place_fault(g, n);
    }
    gen_forget_stores(g);
    return !g->overflow && !b->overflow;
}
