/* From IR to bundles: registers and time slots in one walk forward (sched.c), then words (emit.c). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "duke_isa.h"
#include "ir/ir.h"

enum {
    GEN_FIXES_MAX = 128,
    GEN_CYCLES_MAX = 1024,
    GEN_BUNDLE_OPS = 5,
    GEN_CYCLE_WORDS = 12, /* the hardware's limit: five ops and a commit of two words each */
    GEN_FIRST_HOME = 28,  /* registers 28 to 47 are homes of guest state: ir_home */
    GEN_STORES = 8,       /* stores that a load is compared with */
};

/* An op, encoded but for what depends on its address. */
struct gen_op {
    uint32_t w[2];
    uint16_t nwords; /* no bytes here and below: the compiler takes a store of one for a change of anything */
    uint16_t use;    /* enum gen_use */
    uint16_t exit;   /* number of the exit it has to do with */
    uint16_t site;   /* regions: see ir_node.site */
};
enum gen_use {
    GEN_DONE,
    GEN_EXIT,     /* branch to where the exit goes */
    GEN_FAULT,    /* branch to the stub that undoes the block */
    GEN_INDIRECT, /* jump to the firmware's stub */
    GEN_INTERP,
};

/* What is known of an op beforehand: its words with all operands 0, and what it takes of a bundle. See table.c. */
struct gen_info {
    uint32_t reg, imm, ext[2]; /* forms; imm: the short immediate */
    uint16_t need;             /* lanes, as in gen_bundle.free */
    uint8_t latency;
    uint8_t fmt; /* enum duke_fmt */
};

/* Lanes are counted in fields of four bits with the top bit as guard: bits 0-3 memory, 4-7 multiplier lanes, 8-11 all lanes
 * that do integer work, 12-15 branch. */
enum { GEN_GUARDS = 0x8888 };

/* A cycle of the schedule: the words of its bundle as far as they are placed. */
struct gen_cycle {
    uint16_t free;   /* lanes, with all guards set */
    uint16_t n;      /* words | ops << 8 */
    uint16_t commit; /* guest instructions + 1; 0: no commit */
    uint16_t pad;
    uint32_t at; /* gen_emit: native address of the bundle */
    uint32_t w[GEN_CYCLE_WORDS];
    uint32_t pad2;
};

/* A branch whose target gen_emit fills in: its first word. */
struct gen_fix {
    uint16_t cycle, word;
    uint16_t use; /* enum gen_use: not GEN_EXIT */
    uint16_t pad;
};

/* Where an exit is in the schedule. */
struct gen_exit_at {
    uint16_t after;       /* what comes behind the commit or branch stands in later cycles than this */
    uint16_t cycle, word; /* its branch's first word */
    uint16_t nwords;      /* of the branch; 0: none, or one that is not patched */
};

struct gen_store {
    uint32_t key; /* refs of base and index */
    int32_t disp;
    uint32_t cycle;
    uint16_t size, scale;
};

/* direct.c: the last comparison, for a branch behind it. */
struct gen_compare {
    uint64_t at; /* number of its instruction in the translation */
    uint16_t op; /* of the flags */
    uint16_t ra, rb;
    uint16_t made_a, made_b; /* gen.made of ra and rb: they are as they were */
    uint16_t has_k;          /* b is k */
    int32_t k;
};

/* direct.c: a register whose low byte came from a temporary, which holds it zero-extended. */
struct gen_byte {
    uint64_t at;       /* number of its instruction in the translation */
    uint16_t rd, made; /* the register, and gen.made of it */
    uint16_t temp;
};
#define GEN_NEVER UINT64_C(0x7fffffff)

struct gen_reg {
    uint16_t avail; /* cycle in which the register can be read */
    uint16_t wmin;  /* first cycle in which it can be written */
};

struct gen {
    /* What is used most comes first: short displacements reach it. */
    const struct ir_block *ir;
    uint64_t nfixes, ncycles;
    uint64_t overflow;
    uint64_t part;  /* exits to come, for wishes */
    uint64_t floor; /* nothing with an effect may stand before this cycle */
    uint64_t last;  /* last cycle with an effect so far */
    uint64_t fault; /* commits must stand after the cycle before this one: an op there may undo the block */
    uint64_t last_load, last_store, last_any_store; /* cycles; last_store: + 1, of stores not in the list */
    uint64_t nstores;
    uint64_t has_fault; /* a stub is needed */
    uint64_t has_fp;    /* the second half of reg is valid */
    uint64_t next;      /* where the search for a temporary starts */
    uint64_t temp;      /* direct.c: the next temporary */
    struct gen_compare compare;
    struct gen_byte byte;
    uint16_t empty[4];     /* free, n, commit of a cycle without ops */
    uint64_t free;         /* temporaries nobody uses */
    uint64_t ffree, fnext; /* the same of f registers; see sched_fp.inc */
    /* Cycles: before the first, ops with floating-point flags must not stand; the second comes behind all of them so far, the third
     * behind those of unit X, the last behind those that are IR_X_FOREIGN. */
    uint64_t fcsr_floor, raised, raised_x, foreign;
    struct gen_reg reg[128] __attribute__((aligned(8))); /* cleared in whole double words, as are content and alt */
    uint16_t content[128];                               /* ref that lives in a home */
    uint16_t made[64];                                   /* direct.c: how often a home was written */
    uint16_t alt[64];                                    /* another home that had a copy of what lives in a home; 0 none */
    struct gen_store store[GEN_STORES];
    struct gen_exit_at exit_at[IR_EXITS_MAX] __attribute__((aligned(8)));
    uint16_t loc[IR_NODES_MAX] __attribute__((aligned(8))); /* register of a ref */
    /* Made once by gen_init; entry_*: content of the homes and loc at the start of a block. */
    uint16_t entry_content[IR_G_COUNT] __attribute__((aligned(8)));
    uint16_t entry_loc[IR_FIRST + 3] __attribute__((aligned(8)));
    struct gen_info info[DUKE_OP_COUNT];
    struct gen_fix fix[GEN_FIXES_MAX];
    struct gen_cycle cycle[GEN_CYCLES_MAX] __attribute__((aligned(64)));
};

/* Makes the tables for a machine. far: jumps out of translations go farther than the 32 MiB that one word reaches. */
void gen_init(struct gen *g, const struct duke_machine *machine, bool far);

/* Begins a translation, whose exits are those of b. */
void gen_begin(struct gen *g, const struct ir_block *b);
/* Chooses registers and cycles for the nodes of the block, behind what is there. Guest state is at home before and after
 * it. False: it does not fit the tables. */
bool gen_nodes(struct gen *g);
/* Leaves, or commits, by this exit of the block: its branch op compares ra and rb, or tests flags ra for cc. */
void gen_leave(struct gen *g, uint32_t exit, unsigned ra, unsigned rb, unsigned cc);
/* Pushes a return to guest address ra, which is where the exit goes, on the dual-address stack. */
void gen_push_return(struct gen *g, uint32_t exit, unsigned ra);

/* Where the code goes and what it refers to. Addresses are native. */
struct gen_place {
    uint32_t *words; /* where to write */
    uint32_t max_words;
    uint32_t native;                                  /* address of words[0] */
    uint32_t first_exit;                              /* number of the block's exit 0 */
    uint32_t exit_direct, exit_indirect, exit_interp; /* firmware stubs */
    uint32_t category;                                /* that its cycles are counted in; 0: that of what enters it */
};

/* What came out, for chaining and for finding one's way back from a native address. */
struct gen_exit_code {
    uint32_t branch; /* address of the op that leaves; 0 none */
    uint32_t stub;   /* address of the exit's stub */
    uint32_t after;  /* address of the bundle that follows the commit or branch */
};
struct gen_code {
    uint32_t nwords, nbundles, nops;
    struct gen_exit_code exit[IR_EXITS_MAX]; /* by exit number in the block */
};

/* Words that the scheduled block may need; a rough figure, and quickly found, if it is not above `room`. */
uint32_t gen_worst_words(const struct gen *g, uint32_t room);

/* Writes the scheduled block. False: it needs more than max_words. */
bool gen_emit(struct gen *g, const struct gen_place *p, struct gen_code *out);

/* Rewrites the branch at `at` (words is its memory) to go to `target`. The op must have been made by gen_emit. */
void gen_patch(uint32_t *words, uint32_t at, uint32_t target);
