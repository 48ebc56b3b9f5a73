/* The rules of IR. Host only: tests check every block they make. */
#include <stdio.h>

#include "ir.h"

struct checker {
    const struct ir_block *b;
    char *err;
    uint32_t size;
    uint32_t at;
    uint32_t label; /* node number of the label passed, 0: none so far */
    bool to_label;  /* an exit goes to it */
};

static bool fail(const struct checker *c, const char *what)
{
    snprintf(c->err, c->size, "node %u: %s", c->at, what);
    return false;
}

/* Whether the node has a value that others can use. */
static bool has_value(const struct ir_node *n) { return n->op == IR_ENTRY || (n->op < DUKE_OP_COUNT && !ir_is_store(n->op)); }

static bool check_ref(const struct checker *c, ir_ref r)
{
    if (r == 0)
        return true;
    if (r >= c->at)
        return fail(c, "refers to itself or a later node");
    if (r < c->label && !ir_is_entry(r))
        return fail(c, "refers to a node before the label");
    return has_value(&c->b->node[r]) || fail(c, "refers to a node without value");
}

static bool check_label(struct checker *c)
{
    const struct ir_node *n = &c->b->node[c->at - 1];
    if (c->label || !c->to_label)
        return fail(c, c->label ? "is a second label" : "is a label that nothing goes to");
    if (n->op != IR_EXIT || c->b->exit[n->imm].op != IR_ALWAYS)
        return fail(c, "is a label that is run into");
    c->label = c->at;
    return true;
}

static bool check_exit(struct checker *c, const struct ir_node *n)
{
    if (n->imm < 0 || (uint32_t)n->imm >= c->b->nexits)
        return fail(c, "has no such exit");
    const struct ir_exit *x = &c->b->exit[n->imm];
    if (n->op == IR_CALL)
        return x->kind == IR_EXIT_RETURN || fail(c, "calls through an exit that is no return");
    if (x->kind == IR_EXIT_RETURN)
        return fail(c, "leaves by the exit of a call");
    if (x->kind == IR_EXIT_LOCAL) {
        c->to_label = true;
        if (c->label || !(x->flags & IR_EXIT_LATE))
            return fail(c, c->label ? "goes back to the label" : "goes to the label, and not late");
    }
    if (x->op != IR_ALWAYS && (x->op >= DUKE_OP_COUNT || duke_ops[x->op].kind != DUKE_KIND_BRANCH))
        return fail(c, "leaves on something that is no branch");
    return x->op == IR_ALWAYS || x->kind == IR_EXIT_DIRECT || x->flags & IR_EXIT_LATE ||
           fail(c, "leaves on a condition to nowhere direct, and not late");
}

static bool check_op(const struct checker *c, const struct ir_node *n)
{
    const struct duke_op_info *info = &duke_ops[n->op];
    if (ir_is_load(n->op) || ir_is_store(n->op))
        return n->x < 4 || fail(c, "has a scale above 3");
    if (info->kind != DUKE_KIND_ALU || (info->unit != DUKE_UNIT_I && info->unit != DUKE_UNIT_A))
        return fail(c, "is an op that IR does not use");
    if (n->op == DUKE_OP_LI && n->x == IR_BIG)
        return (n->imm >= 0 && (uint32_t)n->imm < c->b->nconsts) || fail(c, "has no such constant");
    bool regs = info->fmt == DUKE_FMT_R4 || info->fmt == DUKE_FMT_R4X;
    return regs || n->c == 0 || fail(c, "has a third operand");
}

static bool check_node(struct checker *c)
{
    const struct ir_node *n = &c->b->node[c->at];
    if (!check_ref(c, n->a) || !check_ref(c, n->b) || !check_ref(c, n->c))
        return false;
    switch (n->op) {
    case IR_NOP:
    case IR_ADDR:
    case IR_FAULT: return true;
    case IR_LABEL: return check_label(c);
    case IR_SET: return (n->x < IR_G_COUNT && n->x != IR_G_FS && n->x != IR_G_GS) || fail(c, "sets what may not be set");
    case IR_EXIT:
    case IR_CALL: return check_exit(c, n);
    default: return n->op < DUKE_OP_COUNT ? check_op(c, n) : fail(c, "is no node");
    }
}

bool ir_check(const struct ir_block *b, char *err, uint32_t err_size)
{
    struct checker c = {.b = b, .err = err, .size = err_size};
    for (c.at = IR_FIRST; c.at < b->n; c.at++)
        if (!check_node(&c))
            return false;
    if (c.to_label && !c.label)
        return fail(&c, "is last, and the label is missing");
    c.at = b->n - 1;
    const struct ir_node *last = &b->node[c.at];
    if (b->n <= IR_FIRST || last->op != IR_EXIT)
        return fail(&c, "is last and no exit");
    const struct ir_exit *x = &b->exit[last->imm];
    return (x->op == IR_ALWAYS && x->kind != IR_EXIT_NONE) || fail(&c, "is last and may go on");
}
