/* Registers and time slots of a region in one walk forward, in program order. The ideas are those of gen/sched.c: every op goes
 * into the first bundle that is late enough for its operands and has a lane. What differs:
 *
 * - Nothing but stores, branches and writes of home registers waits for a side exit. Temporaries are free to be computed above
 *   exits, and so are loads: one that faults undoes the region, and the interpreter finds out.
 * - Guest state is brought home at commits only. A late exit notes what it owes as fixes for its stub.
 * - A load may stand above a store that it may meet, if the store then checks the load's alias entry.
 */
#include "region.h"
#include "region_sched.h"

static void place_li(struct region_gen *g, unsigned rd, int64_t k)
{
    const struct gen_info *t = &g->info[DUKE_OP_LI];
    struct gen_op *o = sched_new_op(g);
    bool whole = k == (int64_t)((uint64_t)k << 17) >> 17;
    words_li(o, t, rd, whole ? k : (int64_t)(uint32_t)k);
    uint32_t c = sched_write(g, o, t, rd, 0);
    if (whole)
        return;
    t = &g->info[DUKE_OP_ORHI]; /* the upper half */
    o = sched_new_op(g);
    words_ri(o, t, rd, rd, k >> 32);
    sched_write(g, o, t, rd, c + 1);
}

static void place_alu(struct region_gen *g, const struct ir_node *n, uint32_t i)
{
    const struct gen_info *t = &g->info[n->op];
    sched_keep_held(g, i);
    if (t->fmt == DUKE_FMT_LI) {
        unsigned rd = sched_define(g, i, g->floor);
        place_li(g, rd, n->x == IR_BIG ? g->ir->consts[n->imm] : n->imm);
        return;
    }
    unsigned ra = g->loc[n->a], rb = g->loc[n->b], rc = g->loc[n->c];
    uint32_t from = max_u(g->reg[ra].avail, max_u(g->reg[rb].avail, g->reg[rc].avail));
    unsigned rd = sched_define(g, i, from); /* before its operands are free: see release in gen/sched.c */
    sched_release(g, n, i);
    struct gen_op *o = sched_new_op(g);
    if (t->fmt == DUKE_FMT_R3) {
        if (n->b || n->imm == 0)
            words_r3(o, t, rd, ra, rb);
        else
            words_r3i(o, t, rd, ra, n->imm);
    } else if (t->fmt == DUKE_FMT_RI) {
        words_ri(o, t, rd, ra, n->imm);
    } else {
        words_r4(o, t, rd, ra, rb, rc, n->x);
    }
    uint32_t c = sched_write(g, o, t, rd, from);
    sched_read(g, ra, c);
    sched_read(g, rb, c);
    sched_read(g, rc, c);
}

/* -- Side exits and commits */

static void add_fix(struct region_gen *g, unsigned exit, struct region_fix f)
{
    if (g->nfixes == REGION_FIXES_MAX) {
        g->overflow = 1;
        return;
    }
    if (!g->fix_count[exit])
        g->fix_first[exit] = (uint16_t)g->nfixes;
    g->fix[g->nfixes++] = f;
    g->fix_count[exit]++;
}

/* Notes what the late exit owes. Returns the first cycle in which its branch can stand, as far as that goes. */
static uint32_t owe(struct region_gen *g, unsigned exit, const uint8_t *sunk)
{
    uint32_t from = 0;
    for (uint32_t m = g->pending; m; m &= m - 1) {
        unsigned s = (unsigned)__builtin_ctz(m), home = ir_home(s);
        ir_ref r = g->pend[s].ref;
        struct region_fix f = {.op = DUKE_OP_ADDI, .rd = (uint8_t)home, .ra = g->loc[r]};
        if (!r) {
            f = (struct region_fix){.op = DUKE_OP_LI, .rd = (uint8_t)home, .imm = g->pend[s].imm};
        } else if (sunk[r]) {
            const struct ir_node *n = &g->ir->node[r];
            f = (struct region_fix){n->op, (uint8_t)home, g->loc[n->a], g->loc[n->b], g->loc[n->c], n->x, 0, n->imm};
        } else if (f.ra == home || g->content[home] == r) {
            continue;
        }
        from = max_u(from, max_u(g->reg[f.ra].made, max_u(g->reg[f.rb].made, g->reg[f.rc].made)));
        add_fix(g, exit, f);
    }
    return from;
}

/* Stores that are left to later ones are done in the stub. Returns as owe does. */
static uint32_t owe_stores(struct region_gen *g, unsigned exit)
{
    uint32_t from = 0;
    for (uint32_t k = 0; k < g->nleft; k++) {
        const struct ir_node *n = &g->ir->node[g->left[k].node];
        struct region_fix f = {
            .op = n->op, .ra = g->loc[n->a], .rb = g->loc[n->b], .rc = g->loc[n->c], .x = n->x, .imm = n->imm};
        f.entries = g->left[k].entries;
        from = max_u(from, max_u(g->reg[f.ra].made, max_u(g->reg[f.rb].made, g->reg[f.rc].made)));
        add_fix(g, exit, f);
    }
    return from;
}

/* The branch stands at c: what the stub reads must not be overwritten up to there. */
static void hold_fixes(struct region_gen *g, unsigned exit, uint32_t c)
{
    for (unsigned k = 0; k < g->fix_count[exit]; k++) {
        const struct region_fix *f = &g->fix[g->fix_first[exit] + k];
        sched_read(g, f->ra, c + 1);
        sched_read(g, f->rb, c + 1);
        sched_read(g, f->rc, c + 1);
    }
}

static void free_pending(struct region_gen *g, uint32_t i, const uint8_t *sunk)
{
    for (uint32_t k = 0; k < g->nleft; k++)
        sched_release(g, &g->ir->node[g->left[k].node], i);
    for (uint32_t m = g->pending; m; m &= m - 1) {
        ir_ref r = g->pend[__builtin_ctz(m)].ref;
        if (!r)
            continue;
        if (sunk[r])
            sched_release(g, &g->ir->node[r], i);
        else
            sched_release_ref(g, r, i);
    }
}

static bool wanted_by_other(const struct region_gen *g, unsigned s, uint32_t todo)
{
    unsigned home = ir_home(s);
    for (uint32_t m = todo & ~(1u << s); m; m &= m - 1) {
        ir_ref r = g->pend[__builtin_ctz(m)].ref;
        if (r && g->loc[r] == home)
            return true;
    }
    return false;
}

static void bring_one_home(struct region_gen *g, unsigned s, uint32_t i)
{
    unsigned home = ir_home(s);
    ir_ref r = g->pend[s].ref;
    if (!r) {
        sched_evict(g, home, i);
        g->content[home] = 0;
        place_li(g, home, g->ir->wide ? g->pend[s].imm : (int64_t)(uint32_t)g->pend[s].imm);
        return;
    }
    unsigned from = g->loc[r];
    if (from == home)
        return;
    if (g->content[home] != r) {
        sched_evict(g, home, i);
        sched_move(g, home, from);
        g->content[home] = r;
    }
    if (!sched_is_home(from)) {
        g->loc[r] = (uint8_t)home;
        g->free |= UINT64_C(1) << from;
    }
}

/* Brings all guest state home, for the commit at node i: a parallel move. */
static void bring_home(struct region_gen *g, uint32_t i)
{
    uint32_t todo = g->pending;
    while (todo && !g->overflow) {
        uint32_t before = todo;
        for (uint32_t m = todo; m; m &= m - 1) {
            unsigned s = (unsigned)__builtin_ctz(m);
            if (wanted_by_other(g, s, todo))
                continue;
            bring_one_home(g, s, i);
            todo &= ~(1u << s);
        }
        if (todo == before) { /* a cycle: one of them goes by way of a temporary */
            ir_ref r = g->pend[__builtin_ctz(todo)].ref;
            unsigned t = sched_take_temp(g);
            sched_move(g, t, g->loc[r]);
            g->loc[r] = (uint8_t)t;
        }
    }
    g->pending = 0;
}

static uint32_t place_branch(struct region_gen *g, unsigned op, unsigned ra, unsigned rb, unsigned cc, unsigned use,
                             uint32_t exit, uint32_t from)
{
    const struct gen_info *t = &g->info[op];
    struct gen_op *o = sched_new_op(g);
    if (t->fmt == DUKE_FMT_J) {
        o->w[0] = t->imm;
        o->nwords = 1;
    } else if (t->fmt == DUKE_FMT_R3) {
        words_r3(o, t, 0, ra, 0);
    } else {
        words_branch(o, t, ra, rb, cc);
    }
    o->use = (uint8_t)use;
    o->exit = (uint16_t)exit;
    uint32_t c = sched_put(g, o, max_u(from, max_u(g->reg[ra].avail, g->reg[rb].avail)), t->need);
    sched_read(g, ra, c);
    sched_read(g, rb, c);
    return c;
}

/* Values that were made early and stay in their homes up to the commit go there as soon as nothing has to wait for that. */
static void settle(struct region_gen *g, uint32_t i)
{
    for (uint32_t m = g->unsettled; m; m &= m - 1) {
        unsigned s = (unsigned)__builtin_ctz(m), home = ir_home(s);
        ir_ref r = g->pend[s].ref, old = g->content[home];
        if (g->reg[g->loc[r]].avail > g->floor || g->reg[home].wmin > g->floor)
            continue;
        if ((old && g->loc[old] == home && g->ir->use[old].last > i) || g->held >> home & 1) /* would have to be moved first */
            continue;
        sched_evict(g, home, i + 1);
        sched_move(g, home, g->loc[r]);
        g->content[home] = r;
        g->unsettled &= ~(1u << s);
    }
}

static void place_late(struct region_gen *g, const struct ir_node *n, uint32_t i, const uint8_t *sunk)
{
    const struct ir_exit *e = &g->ir->exit[n->imm];
    uint32_t exit = (uint32_t)n->imm;
    sched_place_stores(g, i);
    uint32_t from = max_u(max_u(g->floor, g->last), g->fault);
    from = max_u(from, owe_stores(g, exit)); /* first: the rest overwrites what they read */
    from = max_u(from, owe(g, exit, sunk));
    uint32_t c = place_branch(g, e->op, g->loc[n->a], g->loc[n->b], n->x, GEN_EXIT, exit, from);
    hold_fixes(g, exit, c);
    free_pending(g, i, sunk);
    if (e->kind != IR_EXIT_DIRECT)
        g->pending &= ~(1u << IR_G_TARGET); /* nobody else wants it */
    sched_release(g, n, i);
    g->exit_cycle[exit] = c;
    g->last = c;
    if (!g->hoist || e->flags & IR_EXIT_WALL)
        g->load_floor = c + 1;
    else if (g->near)
        g->load_floor = g->floor;
    g->floor = c + 1;
    g->part--;
    if (g->unsettled)
        settle(g, i);
}

static void place_exit(struct region_gen *g, const struct ir_node *n, uint32_t i)
{
    const struct ir_exit *e = &g->ir->exit[n->imm];
    uint32_t exit = (uint32_t)n->imm, c;
    bool indirect = e->kind == IR_EXIT_JMP || e->kind == IR_EXIT_RET;
    bool commits = e->ninsns || e->flags & IR_EXIT_ZERO;
    sched_place_stores(g, i);
    if (commits) {
        g->unsettled = 0;
        bring_home(g, i);
    }
    if (e->kind == IR_EXIT_INTERP)
        place_li(g, ir_home(IR_G_TARGET), (int64_t)e->target);
    uint32_t from = max_u(max_u(g->floor, g->last), g->fault);
    if (e->op != IR_ALWAYS) {
        c = place_branch(g, e->op, g->loc[n->a], g->loc[n->b], n->x, GEN_EXIT, exit, from);
        sched_release(g, n, i);
    } else if (indirect) {
        unsigned op = e->kind == IR_EXIT_RET ? DUKE_OP_JRAS : DUKE_OP_JITC;
        c = place_branch(g, op, ir_home(IR_G_TARGET), 0, 0, GEN_DONE, exit, from);
    } else if (e->kind == IR_EXIT_NONE) {
        c = from;
        sched_extend(g, c); /* a mere commit needs its bundle to exist */
    } else {
        c = place_branch(g, DUKE_OP_J, 0, 0, 0, e->kind == IR_EXIT_DIRECT ? GEN_EXIT : GEN_INTERP, exit, from);
    }
    if (g->overflow)
        return;
    if (commits)
        g->bundle[c].commit = (uint8_t)(e->ninsns + 1);
    g->exit_cycle[exit] = c;
    if (indirect)
        c = place_branch(g, DUKE_OP_J, 0, 0, 0, GEN_INDIRECT, exit, c + 1);
    g->last = c;
    g->floor_before = g->load_floor;
    g->floor = g->load_floor = c + 1;
    sched_stores_committed(g, i);
    g->last_load = g->last_store = 0;
    g->part--;
}

static void place_set(struct region_gen *g, const struct ir_node *n, uint32_t i)
{
    uint32_t bit = 1u << n->x;
    g->pend[n->x] = (struct region_pending){n->a, n->imm};
    g->pending |= bit;
    g->unsettled &= ~bit;
    if (n->a && g->ir->use[n->a].wish == (uint16_t)(ir_home(n->x) | REGION_WISH_EARLY | g->part << 8) &&
        !sched_is_home(g->loc[n->a])) {
        g->unsettled |= bit;
        settle(g, i);
    }
    if (n->a && g->content[ir_home(n->x)] == n->a && g->loc[n->a] == ir_home(n->x) && ir_is_entry(n->a))
        g->pending &= ~bit; /* the old value again */
}

static void place_call(struct region_gen *g, const struct ir_node *n, uint32_t i)
{
    uint32_t from = max_u(g->floor, g->last_call);
    uint32_t c = place_branch(g, DUKE_OP_RASP, g->loc[n->a], 0, 0, GEN_EXIT, (uint32_t)n->imm, from);
    sched_release(g, n, i);
    g->exit_cycle[n->imm] = c;
    g->last_call = c + 1;
    g->last = max_u(g->last, c);
}

static void place_fault(struct region_gen *g, const struct ir_node *n, uint32_t i)
{
    uint32_t c = place_branch(g, DUKE_OP_BNE, g->loc[n->a], 0, 0, GEN_FAULT, 0, g->floor);
    sched_release(g, n, i);
    g->fault = max_u(g->fault, c + 1);
    g->has_fault = 1;
}

/* All state is at home. */
static void all_home(struct region_gen *g)
{
    g->pending = g->unsettled = 0;
    g->free = SCHED_TEMPS;
    g->next = 4;
    for (unsigned r = 0; r < 64; r++)
        g->content[r] = 0;
    for (unsigned s = 0; s < IR_G_COUNT; s++) {
        unsigned home = ir_home(s);
        g->loc[ir_entry(s)] = (uint8_t)home;
        g->content[home] = ir_entry(s);
    }
}

/* What comes now has a way in of its own, behind all that stands so far. */
static void place_label(struct region_gen *g)
{
    g->base = g->floor = g->load_floor = g->floor_before = g->last = g->ncycles;
    g->fault = g->last_call = g->nalias_before = 0;
    all_home(g);
}

static void begin(struct region_gen *g, const struct ir_block *b, const uint16_t *over, unsigned level)
{
    g->ir = b;
    g->over = over;
    g->nleft = 0;
    g->guards = sched_guards(g, IR_FIRST);
    g->level = level;
    g->part = b->parts;
    g->nops = g->ncycles = g->overflow = g->nfixes = g->nstores = g->nalias = g->nstored = 0;
    g->nwaiting = g->ncrossing = 0;
    g->held = 0;
    g->first_store = g->nalias_before = g->floor_before = 0;
    g->floor = g->load_floor = g->last = g->fault = g->last_call = 0;
    g->last_load = g->last_store = 0;
    g->aliased = g->passed = g->hoisted = g->waited = 0;
    g->has_fault = g->base = 0;
    for (unsigned r = 0; r < 64; r++)
        g->reg[r] = (struct region_reg){0, 0, 0};
    g->loc[0] = 0;
    all_home(g);
    for (uint32_t e = 0; e < b->nexits; e++) {
        g->exit_cycle[e] = REGION_NO_CYCLE;
        g->fix_count[e] = 0;
    }
}

bool region_schedule(struct region_gen *g, const struct ir_block *b, const uint8_t *sunk, const uint16_t *over, unsigned level)
{
    begin(g, b, over, level);
    for (uint32_t i = IR_FIRST; i < b->n && !g->overflow; i++) {
        const struct ir_node *n = &b->node[i];
        if (ir_is_load(n->op))
            sched_load(g, n, i);
        else if (ir_is_store(n->op))
            sched_store(g, n, i);
        else if (n->op < DUKE_OP_COUNT) {
            if (b->use[i].last && !sunk[i])
                place_alu(g, n, i);
        } else if (n->op == IR_SET)
            place_set(g, n, i);
        else if (n->op == IR_EXIT && b->exit[n->imm].flags & IR_EXIT_LATE)
            place_late(g, n, i, sunk);
        else if (n->op == IR_EXIT)
            place_exit(g, n, i);
        else if (n->op == IR_CALL)
            place_call(g, n, i);
        else if (n->op == IR_FAULT)
            place_fault(g, n, i);
        else if (n->op == IR_LABEL)
            place_label(g);
    }
    return !g->overflow && !b->overflow;
}
