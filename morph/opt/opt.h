/* What is done to guest code and IR besides the folding that ir/build.c does on the way: one walk backward over the guest
 * instructions before lifting, one over the nodes after it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "guest/ginsn.h"
#include "ir/ir.h"

/* What is known of each guest op: flags that it replaces and that it reads, whether it can be lifted. */
struct opt_table {
    uint16_t attr[GOP_COUNT];
};
void opt_init(struct opt_table *t);

/* known[i] := LIFT_* of instruction i, all flags being wanted after the last. */
void opt_dead_flags(const struct opt_table *t, const struct ginsn *g, unsigned n, uint32_t null_segs, bool enabled,
                    uint8_t *known);

/* Finds out what is used: ir_block.use and node.kills. Nodes whose `last` stays 0 and that have no effect are dead. */
void opt_liveness(struct ir_block *b);

/* dead_stores.c: which stores of a region can be left to later ones. over[i] of a store: the node of the store that makes
 * it needless, or 0; of a load: 1 if it must be read under an alias entry, for stores left to later ones. The stub of a late
 * exit between the two does the earlier store. */
enum { OPT_STORES_MAX = 48, OPT_STORES_LOADS = 64 };
struct opt_stores {
    uint32_t n, nloads;
    uint32_t any_guards; /* any load of the block needs an entry */
    bool enabled;
    unsigned max_guards; /* loads between two commits that may need an alias entry */
    uint64_t guarded;    /* those that do */
    uint16_t *over;
    struct opt_store {
        struct ir_known_value where;
        uint64_t loads; /* since then that may meet it; bit k is load[k] */
        uint16_t node;
        uint16_t crossed; /* a store that may meet it came behind it */
    } at[OPT_STORES_MAX];
    uint16_t load[OPT_STORES_LOADS]; /* nodes */
};
/* In one walk, while exits are being decided: before the first node; at each load; at each store, which returns how many earlier
 * ones are left to it; at each exit. */
void opt_stores_begin(struct opt_stores *s, const struct ir_block *b, uint16_t *over, unsigned max_guards);
void opt_stores_load(struct opt_stores *s, const struct ir_block *b, uint32_t i);
unsigned opt_stores_store(struct opt_stores *s, const struct ir_block *b, uint32_t i);
void opt_stores_exit(struct opt_stores *s, bool late);
/* All of it, for a block whose exits have been decided. */
void opt_dead_stores(const struct ir_block *b, unsigned max_guards, uint16_t *over);
