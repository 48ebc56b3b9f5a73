/* Gear 2: guest blocks to translations. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "gen/gen.h"
#include "ir/ir.h"
#include "opt/opt.h"

struct gblock;
struct morph;

enum {
    GEAR2_BLOCKS_MAX = 16,       /* guest blocks in one translation */
    GEAR2_BATCH_MAX = 24,        /* translations made in one go */
    GEAR2_REFUSED = 0xffffffffu, /* gblock.translation of a block that gear 2 will not take, native being 0 */
};

/* The translator's working memory. */
struct gear2 {
    struct gen gen;
    struct gblock *blocks[GEAR2_BLOCKS_MAX]; /* decoded blocks that are in the translation */
    struct ir_block ir;
    uint32_t nblocks;
    uint32_t part;  /* guest instructions of a block after which there is a commit */
    uint32_t whole; /* if it has more than so many */
    uint32_t nqueue;
    uint32_t queue[GEAR2_BATCH_MAX];       /* blocks to be translated next */
    uint16_t queue_stack[GEAR2_BATCH_MAX]; /* and the state of the x87's stack there + 1, as far as is known; 0: as it is now */
    uint32_t stack;                        /* the same, for the block that is being translated */
    uint32_t short_stack;                  /* set if the translation was cut where that state would be a stack fault */
    struct gen_code code;
    uint8_t known[64];
    struct opt_table table;
};

/* Translates the code that begins with b, and follows the likely way out of it as far as params allow. False: refused; b is
 * marked so. The cache may have been flushed on the way. */
bool gear2_translate(struct morph *m, struct gblock *b);

/* What a block's last instruction does as far as going on is concerned. Addresses are linear. */
struct gear2_way_out {
    uint64_t taken, fall;
    bool has_taken, has_fall;
};
struct gear2_way_out gear2_way_out(const struct gblock *b, const struct ginsn *last);
/* How many of n instructions from rip on come before the stop address; an instruction at rip itself does. */
unsigned gear2_until_stop(struct morph *m, const struct ginsn *insns, unsigned n, uint64_t rip);

/* How many instructions of the block, from its first, the interpreter had better do: those that gear 2 does not know, and few between
 * and behind them, as entering translated code and leaving it takes longer. 0: the block begins with what is worth translating. */
unsigned gear2_span(struct morph *m, struct gblock *b);

/* The part before emission, for tests and tools: m->gear2->ir and ->gen are filled in. */
bool gear2_prepare(struct morph *m, struct gblock *b, unsigned max_blocks, unsigned max_insns);
