/* Runs IR: the meaning of a block, to compare other stages with. Host only. */
#include <string.h>

#include "ir.h"

struct eval {
    const struct ir_block *b;
    struct ir_machine *m;
    uint64_t v[IR_NODES_MAX];  /* values of refs */
    uint64_t home[IR_G_COUNT]; /* guest state as IR_SET leaves it */
};

static uint64_t operand_b(const struct eval *e, const struct ir_node *n)
{
    return n->b ? e->v[n->b] : (uint64_t)(int64_t)n->imm;
}

static uint64_t address(const struct eval *e, const struct ir_node *n)
{
    uint64_t a = e->v[n->a] + (n->b ? e->v[n->b] << n->x : 0) + (uint64_t)(int64_t)n->imm;
    return e->b->wide ? a : (uint32_t)a;
}

static uint64_t sign_extend(uint64_t v, unsigned bits) { return (uint64_t)((int64_t)(v << (64 - bits)) >> (64 - bits)); }

static uint64_t compute(const struct eval *e, const struct ir_node *n)
{
    unsigned fmt = duke_ops[n->op].fmt;
    if (n->op == DUKE_OP_LI)
        return n->x == IR_BIG ? (uint64_t)e->b->consts[n->imm] : (uint64_t)(int64_t)n->imm;
    if (fmt == DUKE_FMT_R4 || fmt == DUKE_FMT_R4X)
        return duke_eval(n->op, e->v[n->a], e->v[n->b], e->v[n->c], n->x);
    return duke_eval(n->op, e->v[n->a], operand_b(e, n), 0, n->x);
}

static bool taken(const struct eval *e, const struct ir_node *n, const struct ir_exit *x)
{
    return x->op == IR_ALWAYS || duke_eval(x->op, e->v[n->a], e->v[n->b], 0, n->x) != 0;
}

static uint64_t set_value(const struct eval *e, const struct ir_node *n)
{
    if (n->a)
        return e->v[n->a];
    return e->b->wide ? (uint64_t)(int64_t)n->imm : (uint32_t)n->imm;
}

/* False: the block ends here, m says how. */
static bool step(struct eval *e, uint32_t i)
{
    const struct ir_node *n = &e->b->node[i];
    struct ir_machine *m = e->m;
    const struct ir_exit *x;
    switch (n->op) {
    case IR_NOP:
    case IR_ADDR:
    case IR_LABEL:
    case IR_CALL: return true;
    case IR_SET: e->home[n->x] = set_value(e, n); return true;
    case IR_FAULT: m->exit = -1; return e->v[n->a] == 0;
    case IR_EXIT:
        x = &e->b->exit[n->imm];
        if (x->flags & IR_EXIT_LATE ? taken(e, n, x) : x->ninsns || x->flags & IR_EXIT_ZERO) {
            m->icount += x->ninsns;
            m->next = x->next;
            memcpy(m->g, e->home, sizeof m->g);
        }
        if (x->kind == IR_EXIT_NONE || !taken(e, n, x))
            return true;
        m->exit = n->imm;
        return false;
    default: break;
    }
    unsigned size = 1u << ir_mem_log2(n->op);
    m->exit = -1;
    if (ir_is_store(n->op))
        return m->store(m->arg, address(e, n), size, e->v[n->c]);
    if (ir_is_load(n->op)) {
        if (!m->load(m->arg, address(e, n), size, &e->v[i]))
            return false;
        if (n->op >= DUKE_OP_LDG_BS)
            e->v[i] = sign_extend(e->v[i], 8 * size);
        return true;
    }
    e->v[i] = compute(e, n);
    return true;
}

void ir_eval(const struct ir_block *b, struct ir_machine *m)
{
    static _Thread_local struct eval e;
    e.b = b;
    e.m = m;
    e.v[0] = 0;
    memcpy(e.home, m->g, sizeof e.home);
    memcpy(&e.v[1], m->g, sizeof m->g);
    m->icount = 0;
    m->next = b->rip;
    for (uint32_t i = IR_FIRST; i < b->n; i++) {
        if (step(&e, i))
            continue;
        if (m->exit < 0 || b->exit[m->exit].kind != IR_EXIT_LOCAL)
            return;
        memcpy(&e.v[1], e.home, sizeof e.home);
        while (i + 1 < b->n && b->node[i + 1].op != IR_LABEL)
            i++;
    }
}
