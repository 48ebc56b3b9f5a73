/* Where a region commits. Every commit brings all guest state home and is a wall for stores, so there are as few as possible: a
 * region must commit before the gated stores fill the store buffer, before a commit's count is too big, and where it ends.
 */
#include "opt/opt.h"
#include "region.h"

/* Stores between this node and the next exit. */
static unsigned stores_ahead(const struct ir_block *b, uint32_t i)
{
    unsigned n = 0;
    for (; i < b->n && b->node[i].op != IR_EXIT; i++)
        n += ir_is_store(b->node[i].op);
    return n;
}

static unsigned insns_ahead(const struct ir_block *b, uint32_t i)
{
    while (i < b->n && b->node[i].op != IR_EXIT)
        i++;
    return i < b->n ? b->exit[b->node[i].imm].ninsns : 0;
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

void region_commits(struct ir_block *b, unsigned room, unsigned per_store, bool late, struct opt_stores *left)
{
    unsigned stores = 0, insns = 0;
    for (uint32_t i = IR_FIRST; i < b->n; i++) {
        struct ir_node *n = &b->node[i];
        stores += ir_is_store(n->op);
        stores -= opt_stores_node(left, b, i); /* a stub does no more of them than the way that stays has counted here */
        if (n->op != IR_EXIT)
            continue;
        struct ir_exit *e = &b->exit[n->imm];
        if (e->flags & IR_EXIT_LATE) { /* of a repeated instruction: as it was lifted */
            opt_stores_exit(left, true);
            continue;
        }
        insns += e->ninsns;
        bool stays = e->kind == IR_EXIT_NONE || e->op != IR_ALWAYS;
        if (e->op != IR_ALWAYS && e->kind != IR_EXIT_DIRECT) { /* a guess: a place to commit follows */
            e->flags |= IR_EXIT_LATE;
            e->ninsns = (uint8_t)insns;
            opt_stores_exit(left, true);
            continue;
        }
        if (stays && (late || e->kind == IR_EXIT_NONE) && !is_last_pair(b, i) &&
            (stores + stores_ahead(b, i + 1)) * per_store <= room && insns + insns_ahead(b, i + 1) <= REGION_COMMIT_INSNS) {
            if (e->kind == IR_EXIT_NONE) {
                *n = (struct ir_node){.op = IR_NOP};
            } else {
                e->flags |= IR_EXIT_LATE;
                e->ninsns = (uint8_t)insns;
                opt_stores_exit(left, true);
            }
            continue;
        }
        e->ninsns = (uint8_t)insns;
        opt_stores_exit(left, false);
        stores = insns = 0;
    }
    region_renumber(b);
}
