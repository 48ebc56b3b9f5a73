/* Where a region commits. Every commit brings all guest state home and is a wall for stores, so there are as few as possible: a
 * region must commit before the gated stores fill the store buffer, before a commit's count is too big, and where it ends.
 */
#include "opt/opt.h"
#include "region.h"

struct commit_rules {
    unsigned room, per_store;
    bool late;
};

/* What lies before an exit. */
struct stretch {
    uint32_t exit; /* node; b->n: there is none */
    unsigned stores;
    unsigned n;
    uint16_t *node; /* [n] loads, stores and calls */
};

/* Looks ahead from node i to the next exit. */
static void look(const struct ir_block *b, uint32_t i, struct stretch *s)
{
    uint16_t *at = s->node;
    unsigned stores = 0;
    for (; i < b->n; i++) {
        unsigned op = b->node[i].op;
        if (op == IR_EXIT)
            break;
        if (!ir_is_load(op) && !ir_is_store(op) && op != IR_CALL)
            continue;
        stores += ir_is_store(op);
        *at++ = (uint16_t)i;
    }
    s->exit = i;
    s->stores = stores;
    s->n = (unsigned)(at - s->node);
}

/* Whether nothing but the last exit, which counts nothing, follows node i. */
static bool is_last_pair(const struct ir_block *b, uint32_t i)
{
    uint32_t j = b->n - 1;
    if (b->node[j].op != IR_EXIT || b->exit[b->node[j].imm].ninsns)
        return false;
    for (uint32_t k = i + 1; k < j; k++)
        if (b->node[k].op == IR_EXIT || b->node[k].op == IR_SET || ir_is_store(b->node[k].op) || b->node[k].op == IR_FAULT)
            return false;
    return i < j;
}

void region_renumber(struct ir_block *b)
{
    uint32_t n = 0;
    for (uint32_t i = IR_FIRST; i < b->n; i++) {
        struct ir_node *x = &b->node[i];
        if (x->op != IR_EXIT && x->op != IR_CALL)
            continue;
        b->exit[n] = b->exit[x->imm];
        x->imm = (int32_t)n++;
    }
    b->nexits = n;
}

/* Node i, an exit or a call, gets number n of the exits that are left. */
static void number(struct ir_block *b, uint32_t i, uint32_t n)
{
    struct ir_node *x = &b->node[i];
    if ((uint32_t)x->imm == n)
        return;
    b->exit[n] = b->exit[x->imm];
    x->imm = (int32_t)n;
}

/* Loads and stores of the stretch, and its calls' numbers. Returns the stores that count. */
static unsigned pass(struct ir_block *b, const struct stretch *s, struct opt_stores *left, uint32_t *nexits)
{
    unsigned stores = s->stores;
    for (unsigned k = 0; k < s->n; k++) {
        uint32_t i = s->node[k];
        unsigned op = b->node[i].op;
        if (ir_is_load(op))
            opt_stores_load(left, b, i);
        else if (ir_is_store(op))
            stores -= opt_stores_store(left, b, i); /* a stub does no more of them than the way that stays has counted here */
        else
            number(b, i, (*nexits)++);
    }
    return stores;
}

/* Decides on exit i: late, or a commit. *stores and *insns are those since the last commit; both become 0 at one. False: it was only a
 * place to commit, and goes. */
static bool decide(struct ir_block *b, uint32_t i, const struct stretch *ahead, const struct commit_rules *r, unsigned *stores,
                   unsigned *insns, struct opt_stores *left)
{
    struct ir_exit *e = &b->exit[b->node[i].imm];
    if (e->flags & IR_EXIT_LATE) { /* of a repeated instruction: as it was lifted */
        opt_stores_exit(left, true);
        return true;
    }
    *insns += e->ninsns;
    bool stays = e->kind == IR_EXIT_NONE || e->op != IR_ALWAYS;
    bool guess = e->op != IR_ALWAYS && e->kind != IR_EXIT_DIRECT; /* a place to commit follows */
    unsigned more = ahead->exit < b->n ? b->exit[b->node[ahead->exit].imm].ninsns : 0;
    if (guess || (stays && (r->late || e->kind == IR_EXIT_NONE) && (*stores + ahead->stores) * r->per_store <= r->room &&
                  *insns + more <= REGION_COMMIT_INSNS && !is_last_pair(b, i))) {
        if (!guess && e->kind == IR_EXIT_NONE)
            return false;
        e->flags |= IR_EXIT_LATE;
        e->ninsns = (uint8_t)*insns;
        opt_stores_exit(left, true);
        return true;
    }
    e->ninsns = (uint8_t)*insns;
    opt_stores_exit(left, false);
    *stores = *insns = 0;
    return true;
}

void region_commits(struct ir_block *b, unsigned room, unsigned per_store, bool late, struct opt_stores *left)
{
    static uint16_t nodes[2][IR_NODES_MAX]; /* too big for the stack */
    struct commit_rules rules = {room, per_store, late};
    struct stretch here = {.node = nodes[0]}, ahead = {.node = nodes[1]};
    unsigned stores = 0, insns = 0;
    uint32_t nexits = 0;
    look(b, IR_FIRST, &here);
    for (;;) {
        stores += pass(b, &here, left, &nexits);
        if (here.exit == b->n)
            break;
        look(b, here.exit + 1, &ahead);
        if (decide(b, here.exit, &ahead, &rules, &stores, &insns, left))
            number(b, here.exit, nexits++);
        else
            b->node[here.exit] = (struct ir_node){.op = IR_NOP};
        struct stretch t = here;
        here = ahead;
        ahead = t;
    }
    b->nexits = nexits;
}
