/* Registers and time slots in one walk over the nodes, in program order.
 *
 * Every op is placed as soon as it is reached: in the first cycle that is late enough for its operands and has a lane. So
 * there is no dependence graph; per register we know when it can be read and written, and that is all. Guest state is
 * written straight to its home register when nobody wants the old value any more; rollback undoes it if the block faults.
 * A commit stands no earlier than anything with an effect before it, and nothing with an effect stands above an earlier one.
 */
#include "gen.h"

#include "ir/ir.h"
#include "words.h"

/* Cycles are counted in whole registers: a 32-bit number would have to be cut to size again and again. */
static inline uint64_t max_u(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* r4..r27 and r49..r58; r48 carries exit numbers. */
#define TEMPS (UINT64_C(0x07fe00000ffffff0))

static inline bool is_home(unsigned r) { return r - (unsigned)GEN_FIRST_HOME < IR_G_COUNT; }

/* -- Cycles */

/* Cycles up to c exist afterwards, unless there are too many. */
static inline bool extend(struct gen *g, uint64_t c)
{
    if (c >= GEN_CYCLES_MAX) {
        g->overflow = 1;
        return false;
    }
    uint64_t i = g->ncycles;
    g->ncycles = c + 1;
    do {
        __builtin_memcpy(&g->cycle[i], g->empty, sizeof g->empty);
    } while (i++ < c);
    return true;
}

/* Puts op o into the first cycle from c on that has room. */
static inline uint64_t put_at(struct gen *g, const struct gen_op *o, uint64_t c, uint64_t need)
{
    for (;; c++) {
        if (c >= g->ncycles && !extend(g, c))
            return 0;
        struct gen_cycle *u = &g->cycle[c];
        uint64_t left = u->free - need;
        if ((left & GEN_GUARDS) != GEN_GUARDS)
            continue;
        uint64_t n = u->n;
        uint32_t *w = u->w + (n & 255);
        u->free = (uint16_t)left;
        u->n = (uint16_t)(n + 256 + o->nwords);
        w[0] = o->w[0];
        w[1] = o->w[1]; /* there is room; what follows overwrites it if the op has one word */
        return c;
    }
}

/* Places an op whose operands are ready at `from` and which writes rd. Returns the cycle. */
static inline uint64_t place_write(struct gen *g, const struct gen_op *o, const struct gen_info *t, unsigned rd, uint64_t from)
{
    bool home = is_home(rd);
    uint64_t wmin = g->reg[rd].wmin, floor = home ? g->floor : 0;
    uint64_t c = put_at(g, o, max_u(max_u(from, wmin), floor), t->need);
    uint64_t last = g->last;
    g->reg[rd] = (struct gen_reg){(uint16_t)(c + t->latency), (uint16_t)(c + 1)};
    g->reg[0] = (struct gen_reg){0, 0};
    g->last = home ? max_u(last, c) : last;
    return c;
}

static inline void read_at(struct gen *g, unsigned r, uint64_t c) { g->reg[r].wmin = (uint16_t)max_u(g->reg[r].wmin, c); }

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

/* Operands are freed at their last use: their registers can take the result. */
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
    uint64_t c = place_write(g, &o, t, rd, g->reg[ra].avail);
    read_at(g, ra, c);
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
    uint64_t c = place_write(g, &o, t, rd, 0);
    if (whole)
        return;
    t = &g->info[DUKE_OP_ORHI]; /* the upper half */
    words_ri(&o, t, rd, rd, k >> 32);
    place_write(g, &o, t, rd, c + 1);
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
    uint64_t from = max_u(g->reg[ra].avail, g->reg[rb].avail);
    struct gen_op o;
    if (t->fmt == DUKE_FMT_R4 || t->fmt == DUKE_FMT_R4X) {
        rc = g->loc[n->c];
        from = max_u(from, g->reg[rc].avail);
    }
    release(g, n, ra, rb, rc);
    unsigned rd = define(g, i);
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
    uint64_t c = place_write(g, &o, t, rd, from);
    read_at(g, ra, c);
    read_at(g, rb, c);
    if (rc)
        read_at(g, rc, c);
}

/* The first cycle for a load, as far as the stores before it go. Addresses from the same registers whose displacements
 * differ within a page cannot meet, whatever the page tables say. */
static uint64_t after_stores(const struct gen *g, uint32_t key, int32_t disp, uint32_t size, unsigned scale)
{
    uint64_t from = g->last_store;
    for (uint64_t i = 0; i < g->nstores; i++) {
        const struct gen_store *s = &g->store[i];
        uint32_t d = (uint32_t)disp - (uint32_t)s->disp, up = d & 4095, down = (0 - d) & 4095;
        if (s->key == key && s->scale == scale && up >= s->size && down >= size)
            continue;
        from = max_u(from, s->cycle + 1);
    }
    return from;
}

static void remember_store(struct gen *g, uint32_t key, const struct ir_node *n, uint32_t size, uint64_t c)
{
    if (g->nstores == GEN_STORES) {
        for (uint32_t i = 0; i < GEN_STORES; i++)
            g->last_store = max_u(g->last_store, g->store[i].cycle + 1);
        g->nstores = 0;
    }
    g->store[g->nstores++] = (struct gen_store){key, n->imm, (uint32_t)c, (uint16_t)size, n->x};
}

static void place_store(struct gen *g, const struct ir_node *n)
{
    const struct gen_info *t = &g->info[n->op];
    unsigned ra = g->loc[n->a], rb = g->loc[n->b], rc = g->loc[n->c];
    uint64_t from = max_u(max_u(g->floor, g->reg[rc].avail), max_u(g->reg[ra].avail, g->reg[rb].avail));
    struct gen_op o;
    words_mem(&o, t, rc, ra, rb, n->x, n->imm);
    release(g, n, ra, rb, rc);
    from = max_u(from, max_u(g->last_load, g->last_any_store));
    uint64_t c = put_at(g, &o, from, t->need);
    g->last_any_store = c;
    remember_store(g, n->a | (uint32_t)n->b << 16, n, 1u << ir_mem_log2(n->op), c);
    g->last = max_u(g->last, c);
    read_at(g, ra, c);
    read_at(g, rb, c);
    read_at(g, rc, c);
}

static void place_load(struct gen *g, const struct ir_node *n, uint32_t i)
{
    const struct gen_info *t = &g->info[n->op];
    unsigned ra = g->loc[n->a], rb = g->loc[n->b];
    uint64_t from = max_u(g->floor, max_u(g->reg[ra].avail, g->reg[rb].avail));
    release(g, n, ra, rb, 0);
    if (g->nstores | g->last_store)
        from = max_u(from, after_stores(g, n->a | (uint32_t)n->b << 16, n->imm, 1u << ir_mem_log2(n->op), n->x));
    unsigned rd = g->ir->use[i].last ? define(g, i) : 0;
    struct gen_op o;
    words_mem(&o, t, rd, ra, rb, n->x, n->imm);
    uint64_t c = place_write(g, &o, t, rd, from);
    g->last_load = max_u(g->last_load, c);
    g->last = max_u(g->last, c);
    read_at(g, ra, c);
    read_at(g, rb, c);
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
    if (is_home(from))
        g->alt[from] = (uint16_t)home;
    else
        g->loc[n->a] = (uint16_t)home, g->free |= UINT64_C(1) << from;
    g->content[home] = n->a;
}

/* Whoever emits has to fill in the target of the branch of `nwords` that was just put into cycle c. */
static inline void note_branch(struct gen *g, uint64_t c, unsigned nwords, unsigned use, uint32_t exit)
{
    unsigned word = (g->cycle[c].n & 255u) - nwords;
    if (use == GEN_EXIT) {
        g->exit_at[exit] = (struct gen_exit_at){(uint16_t)c, (uint16_t)c, (uint16_t)word, (uint16_t)nwords};
        return;
    }
    uint64_t i = g->nfixes;
    if (i == GEN_FIXES_MAX) {
        g->overflow = 1;
        return;
    }
    g->nfixes = i + 1;
    g->fix[i] = (struct gen_fix){(uint16_t)c, (uint16_t)word, (uint16_t)use, 0};
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
    uint64_t c = put_at(g, &o, max_u(from, max_u(g->reg[ra].avail, g->reg[rb].avail)), t->need);
    if (use != GEN_DONE)
        note_branch(g, c, o.nwords, use, exit);
    read_at(g, ra, c);
    read_at(g, rb, c);
    return c;
}

static void place_exit(struct gen *g, const struct ir_node *n)
{
    const struct ir_exit *e = &g->ir->exit[n->imm];
    uint32_t exit = (uint32_t)n->imm;
    uint64_t c;
    g->exit_at[exit].nwords = 0;
    bool indirect = e->kind == IR_EXIT_JMP || e->kind == IR_EXIT_RET;
    if (e->kind == IR_EXIT_INTERP)
        place_li(g, ir_home(IR_G_TARGET), (int64_t)e->target);
    uint64_t from = max_u(max_u(g->floor, g->last), g->fault);
    if (e->op != IR_ALWAYS) {
        unsigned ra = g->loc[n->a], rb = g->loc[n->b];
        c = place_branch(g, e->op, ra, rb, n->x, GEN_EXIT, exit, from);
        release(g, n, ra, rb, 0);
    } else if (indirect) {
        unsigned op = e->kind == IR_EXIT_RET ? DUKE_OP_JRAS : DUKE_OP_JITC;
        c = place_branch(g, op, ir_home(IR_G_TARGET), 0, 0, GEN_DONE, exit, from);
    } else if (e->kind == IR_EXIT_NONE) {
        c = from;
        if (c >= g->ncycles)
            extend(g, c); /* a mere commit needs its bundle to exist */
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
    g->part--;
}

static void place_call(struct gen *g, const struct ir_node *n)
{
    unsigned ra = g->loc[n->a];
    uint64_t c = place_branch(g, DUKE_OP_RASP, ra, 0, 0, GEN_EXIT, (uint32_t)n->imm, g->floor);
    release(g, n, ra, 0, 0);
    g->last = max_u(g->last, c);
}

static void place_fault(struct gen *g, const struct ir_node *n)
{
    unsigned ra = g->loc[n->a];
    uint64_t c = place_branch(g, DUKE_OP_BNE, ra, 0, 0, GEN_FAULT, 0, g->floor);
    release(g, n, ra, 0, 0);
    g->fault = max_u(g->fault, c + 1);
    g->has_fault = 1;
}

static void begin(struct gen *g, const struct ir_block *b)
{
    g->ir = b;
    g->part = b->parts;
    g->nfixes = g->ncycles = g->overflow = 0;
    g->floor = g->last = g->fault = 0;
    g->last_load = g->last_store = g->last_any_store = g->nstores = 0;
    g->has_fault = 0;
    g->free = TEMPS;
    g->next = 4;
    ir_clear(g->reg, sizeof g->reg);
    ir_clear(g->alt + GEN_FIRST_HOME, IR_G_COUNT * sizeof g->alt[0]);
    ir_copy(g->content + GEN_FIRST_HOME, g->entry_content, sizeof g->entry_content);
    ir_copy(g->loc, g->entry_loc, sizeof g->entry_loc);
}

bool gen_schedule(struct gen *g, const struct ir_block *b)
{
    begin(g, b);
    for (uint32_t i = IR_FIRST; i < b->n; i++) {
        const struct ir_node *n = &b->node[i];
        unsigned op = n->op;
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
    return !g->overflow && !b->overflow;
}
