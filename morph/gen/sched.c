/* Registers and time slots in one walk over the nodes, in program order.
 *
 * Every op is placed as soon as it is reached: in the first bundle that is late enough for its operands and has a lane. So
 * there is no dependence graph; per register we know when it can be read and written, and that is all. Guest state is
 * written straight to its home register when nobody wants the old value any more; rollback undoes it if the block faults.
 * A commit stands no earlier than anything with an effect before it, and nothing with an effect stands above an earlier one.
 */
#include "gen.h"

#include "ir/ir.h"

static uint32_t max_u(uint32_t a, uint32_t b) { return a > b ? a : b; }

/* r4..r27 and r49..r58; r48 carries exit numbers. */
#define TEMPS (UINT64_C(0x07fe00000ffffff0))

static bool is_home(unsigned r) { return r - 28u < 20u; }

/* -- Bundles */

static bool fits(const struct duke_machine *m, const struct gen_bundle *u, unsigned unit)
{
    unsigned all = u->m + u->a + u->ints;
    switch (unit) {
    case DUKE_UNIT_M: return u->m < m->lanes_m && (!m->lanes_m_does_int || all < m->lanes_m + m->lanes_a);
    case DUKE_UNIT_I: return m->lanes_m_does_int ? all < m->lanes_m + m->lanes_a : u->a + u->ints < (int)m->lanes_a;
    case DUKE_UNIT_A:
        return u->a < m->lanes_a && (m->lanes_m_does_int ? all < m->lanes_m + m->lanes_a : u->a + u->ints < (int)m->lanes_a);
    default: return u->b < 1;
    }
}

/* The first bundle from cycle `from` on that has room for an op of `unit`; takes the room. */
static uint32_t take_slot(struct gen *g, uint32_t from, unsigned unit, unsigned number)
{
    const struct duke_machine *m = g->machine;
    uint32_t c = from;
    for (;; c++) {
        if (c >= GEN_CYCLES_MAX) {
            g->overflow = 1;
            return 0;
        }
        while (g->ncycles <= c)
            g->bundle[g->ncycles++] = (struct gen_bundle){0};
        if (fits(m, &g->bundle[c], unit))
            break;
    }
    struct gen_bundle *u = &g->bundle[c];
    u->op[u->n++] = (uint16_t)number;
    switch (unit) {
    case DUKE_UNIT_M: u->m++; break;
    case DUKE_UNIT_A: u->a++; break;
    case DUKE_UNIT_I: u->ints++; break;
    default: u->b++; break;
    }
    return c;
}

static struct gen_op *new_op(struct gen *g, unsigned op)
{
    if (g->nops == GEN_OPS_MAX) {
        g->overflow = 1;
        g->nops = 0;
    }
    struct gen_op *o = &g->op[g->nops++];
    *o = (struct gen_op){.op = (uint16_t)op};
    return o;
}

/* Immediate operand b, in the shortest form. */
static void set_imm(struct gen_op *o, unsigned fmt, int32_t k)
{
    o->imm = k;
    if (fmt == DUKE_FMT_R3)
        o->form = k == 0 ? DUKE_FORM_REG : k == (k << 26) >> 26 ? DUKE_FORM_IMM : DUKE_FORM_EXT;
    else if (fmt == DUKE_FMT_LI)
        o->form = k == (k << 14) >> 14 ? DUKE_FORM_IMM : DUKE_FORM_EXT;
    else
        o->form = k == (k << 20) >> 20 ? DUKE_FORM_IMM : DUKE_FORM_EXT;
}

/* Places an op whose operands are ready at `from`; it writes o->rd. Returns the cycle. */
static uint32_t place_write(struct gen *g, struct gen_op *o, uint32_t from)
{
    const struct duke_op_info *info = &duke_ops[o->op];
    unsigned rd = o->rd;
    bool home = is_home(rd);
    from = max_u(from, rd ? g->wmin[rd] : 0);
    if (home)
        from = max_u(from, g->floor);
    uint32_t c = take_slot(g, from, info->unit, (unsigned)(o - g->op));
    uint32_t lat = g->machine->latency[info->lat];
    g->avail[rd] = rd ? c + (lat > 8 ? 8 : lat) : 0; /* long ones are waited for by the hardware */
    g->wmin[rd] = rd ? c + 1 : 0;
    if (home)
        g->last = max_u(g->last, c);
    return c;
}

static void read_at(struct gen *g, unsigned r, uint32_t c)
{
    if (g->wmin[r] < c)
        g->wmin[r] = c;
}

/* -- Registers */

static unsigned take_temp(struct gen *g)
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
static void release(struct gen *g, ir_ref r, uint32_t user)
{
    if (r && g->ir->node[r].last == user)
        g->free |= (UINT64_C(1) << g->loc[r]) & TEMPS;
}

static void move(struct gen *g, unsigned rd, unsigned ra)
{
    struct gen_op *o = new_op(g, DUKE_OP_ADDI);
    o->form = DUKE_FORM_IMM;
    o->rd = (uint8_t)rd;
    o->ra = (uint8_t)ra;
    uint32_t c = place_write(g, o, g->avail[ra]);
    read_at(g, ra, c);
}

/* The home of guest state x is going to be overwritten at node i: what lives there and is still wanted moves out. */
static void evict(struct gen *g, unsigned home, uint32_t i)
{
    ir_ref u = g->content[home];
    if (!u || g->ir->node[u].last <= i || g->loc[u] != home)
        return;
    unsigned other = g->alt[u];
    if (other && g->content[other] == u) {
        g->loc[u] = (uint8_t)other;
        g->alt[u] = 0;
        return;
    }
    unsigned hint = g->ir->hint[u], to = 0;
    if (hint && hint >> 8 == g->part) {
        unsigned h = ir_home((hint & 255) - 1);
        ir_ref v = g->content[h];
        if (h != home && (!v || g->ir->node[v].last < i || g->loc[v] != h)) { /* node i may read it yet */
            to = h;
            g->content[h] = u;
        }
    }
    if (!to)
        to = take_temp(g);
    move(g, to, home);
    g->loc[u] = (uint8_t)to;
}

/* The register for the value of node i. */
static unsigned define(struct gen *g, uint32_t i, uint32_t part)
{
    const struct ir_block *b = g->ir;
    unsigned hint = b->hint[i], r;
    if (!b->node[i].last)
        return 0;
    if (hint && hint >> 8 == part) {
        r = ir_home((hint & 255) - 1);
        evict(g, r, i);
        g->content[r] = (uint16_t)i;
    } else {
        r = take_temp(g);
    }
    g->loc[i] = (uint8_t)r;
    return r;
}

/* -- Nodes */

static void place_alu(struct gen *g, const struct ir_node *n, uint32_t i, uint32_t part)
{
    const struct duke_op_info *info = &duke_ops[n->op];
    struct gen_op *o = new_op(g, n->op);
    unsigned ra = g->loc[n->a], rb = g->loc[n->b], rc = g->loc[n->c];
    uint32_t from = max_u(g->avail[ra], max_u(g->avail[rb], g->avail[rc]));
    o->x = n->x;
    switch (info->fmt) {
    case DUKE_FMT_R4X: o->form = DUKE_FORM_EXT; break;
    case DUKE_FMT_R4: o->form = DUKE_FORM_REG; break;
    case DUKE_FMT_LI:
        if (n->x == IR_BIG) {
            int64_t k = g->ir->consts[n->imm];
            o->imm = n->imm;
            o->use = GEN_BIG;
            o->form = DUKE_FORM_EXT;
            if (k < -(INT64_C(1) << 46) || k >= INT64_C(1) << 46)
                o->x = 1; /* the upper half comes with an orhi */
            break;
        }
        /* fall through */
    default:
        if (n->b == 0)
            set_imm(o, info->fmt, n->imm);
        break;
    }
    o->ra = (uint8_t)ra;
    o->rb = (uint8_t)rb;
    o->rc = (uint8_t)rc;
    release(g, n->a, i);
    release(g, n->b, i);
    release(g, n->c, i);
    unsigned rd = define(g, i, part);
    o->rd = (uint8_t)rd;
    uint32_t c = place_write(g, o, from);
    read_at(g, ra, c);
    read_at(g, rb, c);
    read_at(g, rc, c);
    if (o->use == GEN_BIG && o->x) {
        struct gen_op *hi = new_op(g, DUKE_OP_ORHI);
        hi->form = DUKE_FORM_EXT;
        hi->use = GEN_BIG;
        hi->imm = n->imm;
        hi->rd = hi->ra = (uint8_t)rd;
        c = place_write(g, hi, g->avail[rd]);
    }
}

/* The first cycle for a load, as far as the stores before it go. Addresses from the same registers whose displacements
 * differ within a page cannot meet, whatever the page tables say. */
static uint32_t after_stores(const struct gen *g, uint32_t key, int32_t disp, uint32_t size, unsigned scale)
{
    uint32_t from = g->last_store;
    for (uint32_t i = 0; i < g->nstores; i++) {
        const struct gen_store *s = &g->store[i];
        uint32_t d = (uint32_t)disp - (uint32_t)s->disp, up = d & 4095, down = (0 - d) & 4095;
        if (s->key == key && s->scale == scale && up >= s->size && down >= size)
            continue;
        from = max_u(from, s->cycle + 1);
    }
    return from;
}

static void remember_store(struct gen *g, uint32_t key, const struct ir_node *n, uint32_t size, uint32_t c)
{
    if (g->nstores == GEN_STORES) {
        for (uint32_t i = 0; i < GEN_STORES; i++)
            g->last_store = max_u(g->last_store, g->store[i].cycle + 1);
        g->nstores = 0;
    }
    g->store[g->nstores++] = (struct gen_store){key, n->imm, c, (uint8_t)size, n->x};
}

static void place_mem(struct gen *g, const struct ir_node *n, uint32_t i, uint32_t part)
{
    struct gen_op *o = new_op(g, n->op);
    bool store = ir_is_store(n->op);
    unsigned ra = g->loc[n->a], rb = g->loc[n->b], rc = g->loc[n->c];
    uint32_t key = n->a | (uint32_t)n->b << 16, size = 1u << ir_mem_log2(n->op);
    uint32_t from = max_u(g->floor, max_u(g->avail[ra], g->avail[rb]));
    o->ra = (uint8_t)ra;
    o->rb = (uint8_t)rb;
    o->x = n->x;
    o->imm = n->imm;
    o->form = n->b || n->imm != (n->imm << 20) >> 20 ? DUKE_FORM_EXT : DUKE_FORM_IMM;
    release(g, n->a, i);
    release(g, n->b, i);
    release(g, n->c, i);
    uint32_t c;
    if (store) {
        o->rd = (uint8_t)rc;
        from = max_u(max_u(from, g->avail[rc]), max_u(g->last_load, g->last_any_store));
        c = take_slot(g, from, DUKE_UNIT_M, (unsigned)(o - g->op));
        read_at(g, rc, c);
        g->last_any_store = max_u(g->last_any_store, c);
        remember_store(g, key, n, size, c);
    } else {
        if (g->nstores || g->last_store)
            from = max_u(from, after_stores(g, key, n->imm, size, n->x));
        o->rd = (uint8_t)define(g, i, part);
        c = place_write(g, o, from);
        g->last_load = max_u(g->last_load, c);
    }
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
        struct gen_op *o = new_op(g, DUKE_OP_LI);
        set_imm(o, DUKE_FMT_LI, n->imm);
        if (n->imm < 0 && !g->ir->wide) {
            o->form = DUKE_FORM_EXT;
            o->use = GEN_LOW;
        }
        o->rd = (uint8_t)home;
        place_write(g, o, 0);
        return;
    }
    if (g->loc[n->a] != home) {
        evict(g, home, i);
        unsigned from = g->loc[n->a];
        move(g, home, from);
        if (is_home(from))
            g->alt[n->a] = (uint8_t)home;
        else
            g->loc[n->a] = (uint8_t)home, g->free |= UINT64_C(1) << from;
        g->content[home] = n->a;
    }
}

/* A branch-lane op at `from` or later. */
static struct gen_op *place_branch(struct gen *g, unsigned op, unsigned form, uint32_t from, uint32_t *cycle)
{
    struct gen_op *o = new_op(g, op);
    o->form = (uint8_t)form;
    *cycle = take_slot(g, from, DUKE_UNIT_B, (unsigned)(o - g->op));
    return o;
}

/* Loads a number that emit.c fills in, into a register that firmware stubs read. */
static void place_number(struct gen *g, unsigned rd, unsigned use, int32_t exit)
{
    struct gen_op *o = new_op(g, DUKE_OP_LI);
    o->form = DUKE_FORM_EXT;
    o->use = (uint8_t)use;
    o->imm = exit;
    o->rd = (uint8_t)rd;
    place_write(g, o, 0);
}

static void place_exit(struct gen *g, const struct ir_node *n, uint32_t i)
{
    const struct ir_exit *e = &g->ir->exit[n->imm];
    unsigned ra = g->loc[n->a], rb = g->loc[n->b];
    if (e->kind == IR_EXIT_INTERP)
        place_number(g, ir_home(IR_G_TARGET), GEN_TARGET, n->imm);
    uint32_t from = max_u(max_u(g->floor, g->last), g->fault), c = from;
    from = max_u(from, max_u(g->avail[ra], g->avail[rb]));
    struct gen_op *o = 0;
    if (e->op != IR_ALWAYS) {
        o = place_branch(g, e->op, DUKE_FORM_EXT, from, &c);
        o->ra = (uint8_t)ra;
        o->rb = (uint8_t)rb;
        o->x = n->x;
    } else if (e->kind == IR_EXIT_DIRECT || e->kind == IR_EXIT_INTERP) {
        o = place_branch(g, DUKE_OP_J, DUKE_FORM_IMM, from, &c);
    } else if (e->kind == IR_EXIT_JMP || e->kind == IR_EXIT_RET) {
        unsigned r30 = ir_home(IR_G_TARGET);
        o = place_branch(g, e->kind == IR_EXIT_RET ? DUKE_OP_JRAS : DUKE_OP_JITC, DUKE_FORM_REG,
                         max_u(from, g->avail[r30]), &c);
        o->ra = (uint8_t)r30;
        read_at(g, r30, c);
    }
    if (o && (e->kind == IR_EXIT_DIRECT || e->kind == IR_EXIT_INTERP)) {
        o->use = e->kind == IR_EXIT_DIRECT ? GEN_EXIT : GEN_INTERP;
        o->imm = n->imm;
    }
    if (!o) /* a mere commit needs its bundle to exist */
        while (g->ncycles <= c && c < GEN_CYCLES_MAX)
            g->bundle[g->ncycles++] = (struct gen_bundle){0};
    if (g->overflow || c >= GEN_CYCLES_MAX) {
        g->overflow = 1;
        return;
    }
    read_at(g, ra, c);
    read_at(g, rb, c);
    release(g, n->a, i);
    release(g, n->b, i);
    if (e->ninsns)
        g->bundle[c].commit = (uint8_t)(e->ninsns + 1);
    g->exit_cycle[n->imm] = c;
    g->last = c;
    g->floor = c + 1;
    g->nstores = 0;
    g->last_store = g->last_load = g->last_any_store = 0;
    if (e->kind == IR_EXIT_JMP || e->kind == IR_EXIT_RET) {
        o = place_branch(g, DUKE_OP_J, DUKE_FORM_IMM, c + 1, &c);
        o->use = GEN_INDIRECT;
        g->last = c;
    }
}

static void place_call(struct gen *g, const struct ir_node *n, uint32_t i)
{
    unsigned ra = g->loc[n->a];
    uint32_t c;
    struct gen_op *o = place_branch(g, DUKE_OP_RASP, DUKE_FORM_EXT, max_u(g->floor, g->avail[ra]), &c);
    o->ra = (uint8_t)ra;
    o->use = GEN_EXIT;
    o->imm = n->imm;
    read_at(g, ra, c);
    release(g, n->a, i);
    g->exit_cycle[n->imm] = c;
    g->last = max_u(g->last, c);
}

static void place_fault(struct gen *g, const struct ir_node *n, uint32_t i)
{
    unsigned ra = g->loc[n->a];
    uint32_t c;
    struct gen_op *o = place_branch(g, DUKE_OP_BNE, DUKE_FORM_EXT, max_u(g->floor, g->avail[ra]), &c);
    o->ra = (uint8_t)ra;
    o->use = GEN_FAULT;
    read_at(g, ra, c);
    release(g, n->a, i);
    g->fault = max_u(g->fault, c + 1);
    g->has_fault = 1;
}

static void start(struct gen *g, const struct ir_block *b)
{
    g->ir = b;
    g->nops = g->ncycles = g->overflow = 0;
    g->floor = g->last = g->fault = 0;
    g->last_load = g->last_store = g->last_any_store = g->nstores = 0;
    g->has_fault = 0;
    g->free = TEMPS;
    g->next = 4;
    for (unsigned r = 0; r < 64; r++) {
        g->avail[r] = g->wmin[r] = 0;
        g->content[r] = 0;
    }
    g->loc[0] = 0;
    for (unsigned s = 0; s < IR_G_COUNT; s++) {
        ir_ref r = ir_entry(s);
        g->loc[r] = (uint8_t)ir_home(s);
        g->alt[r] = 0;
        g->content[ir_home(s)] = r;
    }
}

bool gen_schedule(struct gen *g, const struct ir_block *b)
{
    uint32_t part = b->parts;
    start(g, b);
    for (uint32_t i = IR_FIRST; i < b->n; i++) {
        const struct ir_node *n = &b->node[i];
        g->part = part;
        g->alt[i] = 0;
        if (n->op < DUKE_OP_COUNT) {
            if (ir_is_load(n->op) || ir_is_store(n->op))
                place_mem(g, n, i, part);
            else if (n->last)
                place_alu(g, n, i, part);
            continue;
        }
        switch (n->op) {
        case IR_SET: place_set(g, n, i); break;
        case IR_EXIT:
            place_exit(g, n, i);
            part--;
            break;
        case IR_CALL: place_call(g, n, i); break;
        case IR_FAULT: place_fault(g, n, i); break;
        default: break;
        }
    }
    return !g->overflow && !b->overflow;
}
