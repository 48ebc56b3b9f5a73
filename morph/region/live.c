/* One walk backward: last uses, dead nodes, and what is needed only where the region is left.
 *
 * A SET costs nothing where it stands. Its value is wanted at every exit up to the next SET of the same guest register, or up to
 * the first commit, which brings it home. If only late exits want a value and it is cheap, it is not computed on the
 * path that stays at all: it is sunk into their stubs. So go the flags of most comparisons.
 */
#include <string.h>

#include "region.h"

struct live {
    struct ir_block *b;
    uint8_t *sunk;
    uint32_t need[IR_G_COUNT];  /* last exit, so far in the walk, that wants the register's value; 0 none */
    uint32_t needed;            /* bit g: need[g] is not 0 */
    uint32_t commits;           /* and it is a commit */
    uint8_t used[IR_NODES_MAX]; /* by a node that is no SET */
    ir_ref late[IR_NODES_MAX];  /* last exit whose stub wants the value, if that is all that is known */
};

static void use(struct live *l, ir_ref r, uint32_t at)
{
    if (r && l->b->use[r].last < at)
        l->b->use[r].last = (ir_ref)at;
}

/* Whether a stub may compute it: one op, no memory, any lane for integers. */
static bool sinkable(const struct ir_node *n)
{
    if (n->op >= DUKE_OP_COUNT || ir_is_load(n->op) || ir_is_store(n->op))
        return false;
    return duke_ops[n->op].unit == DUKE_UNIT_I && !(n->op == DUKE_OP_LI && n->x == IR_BIG);
}

static void at_set(struct live *l, struct ir_node *n, unsigned part)
{
    unsigned g = n->x;
    uint32_t at = l->need[g], bit = 1u << g;
    bool commits = l->commits & bit;
    l->need[g] = 0;
    l->needed &= ~bit;
    l->commits &= ~bit;
    if (!at) {
        *n = (struct ir_node){.op = IR_NOP};
        return;
    }
    if (!n->a)
        return;
    if (commits) {
        use(l, n->a, at);
        l->b->use[n->a].wish = (uint16_t)(ir_home(g) | part << 8);
    } else if (l->late[n->a] < at) {
        l->late[n->a] = (ir_ref)at;
    }
}

static void at_exit(struct live *l, uint32_t i)
{
    const struct ir_exit *e = &l->b->exit[l->b->node[i].imm];
    bool late = e->flags & IR_EXIT_LATE, indirect = e->kind == IR_EXIT_JMP || e->kind == IR_EXIT_RET;
    if (!late && !e->ninsns && !(e->flags & IR_EXIT_ZERO))
        return; /* everything is home already */
    uint32_t all = (1u << IR_G_COUNT) - 1, want = indirect ? all : all & ~(1u << IR_G_TARGET);
    for (uint32_t m = late ? want & ~l->needed : want; m; m &= m - 1)
        l->need[__builtin_ctz(m)] = i;
    l->needed |= want;
    if (!late)
        l->commits = want;
}

/* The last exit whose stub does store i, which is left to a later one; 0: none does. */
static uint32_t done_last_at(const struct ir_block *b, uint32_t i, uint32_t to)
{
    while (--to > i)
        if (b->node[to].op == IR_EXIT)
            return to;
    return 0;
}

void region_liveness(struct ir_block *b, uint8_t *sunk, const uint16_t *over)
{
    static struct live l; /* too big for the stack */
    unsigned part = 0;
    l.b = b;
    l.sunk = sunk;
    l.commits = l.needed = 0;
    for (unsigned g = 0; g < IR_G_COUNT; g++)
        l.need[g] = 0;
    memset(l.late, 0, b->n * sizeof *l.late);
    memset(l.used, 0, b->n * sizeof *l.used);
    memset(b->use, 0, b->n * sizeof *b->use);
    memset(sunk, 0, b->n * sizeof *sunk);
    for (uint32_t i = b->n - 1; i >= IR_FIRST; i--) {
        struct ir_node *n = &b->node[i];
        if (n->op == IR_SET) {
            at_set(&l, n, part);
            continue;
        }
        if (n->op == IR_NOP || n->op == IR_ADDR)
            continue;
        if (n->op == IR_EXIT) {
            at_exit(&l, i);
            part++;
        }
        uint32_t at = i;
        if (ir_is_store(n->op) && over[i]) {
            at = done_last_at(b, i, over[i]);
            if (!at)
                continue;
        }
        if (n->op < DUKE_OP_COUNT && !ir_is_store(n->op)) {
            if (!b->use[i].last && l.late[i] && sinkable(n)) {
                sunk[i] = 1;
                at = l.late[i];
            } else if (b->use[i].last < l.late[i]) {
                b->use[i].last = l.late[i];
            }
            if (!b->use[i].last && !sunk[i] && !ir_is_load(n->op))
                continue;
        }
        if (at == i)
            l.used[n->a] = l.used[n->b] = l.used[n->c] = 1;
        if (b->use[i].wish && l.used[i])
            b->use[i].wish |= REGION_WISH_EARLY;
        use(&l, n->a, at);
        use(&l, n->b, at);
        use(&l, n->c, at);
    }
    for (unsigned g = 0; g < IR_G_COUNT; g++) { /* entries that are wanted elsewhere than at home */
        ir_ref r = ir_entry(g);
        if (b->use[r].last < l.late[r])
            b->use[r].last = l.late[r];
    }
    b->parts = part;
    b->use[0].last = 1;
}
