/* Gear 3: regions. Hot paths through several guest blocks become one single-entry translation with side exits.
 *
 * profile.c finds out what is hot and where it goes; form.c picks the path and lifts it into one ir_block; commit.c decides which
 * exits commit; live.c finds last uses and what only side exits need; sched.c chooses registers and bundles; emit.c writes the code.
 *
 * A side exit that is late (IR_EXIT_LATE) does not commit on the path that stays. What the guest's registers would hold there
 * is made in the exit's own code, its stub, which commits and goes on.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "gen/gen.h"
#include "guest/lift.h"
#include "ir/ir.h"

struct gblock;
struct morph;

enum {
    REGION_STEPS_MAX = 64,
    REGION_NODES = 1024, /* places for blocks in a profile; a power of two */
    REGION_NODES_USED = 768,
    REGION_BLOCKS = 32768, /* decoded blocks that can be told apart */
    REGION_CARE = 1024,    /* sites that are remembered; a power of two */
    REGION_OPS_MAX = 2048,
    REGION_CYCLES_MAX = 1024,
    REGION_FIXES_MAX = 2048,
    REGION_STORES = 48,
    REGION_PINS = 8,
    REGION_SUSPECTS = 4,
    REGION_SITES = 16384, /* a power of two */
    REGION_WAITING = 8,
    REGION_CROSSING = 16,
    REGION_ALIAS_NUMBERS = 16, /* that protected loads and checked stores have */
    REGION_TAKEN = 0xffff,
    REGION_COMMIT_INSNS = 60, /* what one commit may count, with room for the field's 63 */
};

/* -- profile.c */

struct region_way {
    uint64_t rip;
    uint32_t count;
};
/* What episodes of observed interpretation saw of a block, the latest more than others. */
struct region_node {
    uint64_t rip;             /* 0: unused */
    uint32_t count;           /* executions outside of regions */
    uint32_t backs;           /* times that control came to it backward */
    struct region_way way[2]; /* where it went most */
};

struct region_profile {
    uint64_t next_sample;                /* icount at which translated code is looked at */
    uint64_t end;                        /* icount at which the episode ends; 0: there is none */
    uint64_t from;                       /* block executed before, 0: unknown */
    bool from_jumps;                     /* it does not end in a call or a return */
    bool covered;                        /* it is part of a region that would have been running */
    uint32_t generation;                 /* of the translation cache, for `inside` */
    uint32_t inside[REGION_BLOCKS / 32]; /* decoded blocks that are part of regions */
    uint32_t nused;
    uint16_t used[REGION_NODES_USED]; /* numbers of nodes in use */
    struct region_node node[REGION_NODES];
};

/* What is remembered of a head, beyond its translations. */
struct region_care {
    uint64_t rip;
    uint8_t level;    /* enum region_level */
    uint8_t traps[3]; /* since the region was made, by cause */
    uint8_t npins, nsuspects;
    uint16_t pin[REGION_PINS]; /* sites of loads and stores that are kept in order: nothing passes them, nor they a branch */
    uint16_t suspect[REGION_SUSPECTS]; /* sites that trapped since the region was made, */
    uint8_t count[REGION_SUSPECTS];    /* and how often */
};
#define REGION_WISH_EARLY 128   /* of a wish: other nodes want the value too */
#define REGION_NO_CYCLE UINT32_MAX /* exit_cycle of an exit that is none */

enum region_level {
    REGION_BOLD,     /* all speculation */
    REGION_NEAR,     /* loads pass one branch at most */
    REGION_NO_ALIAS, /* loads stay behind stores that they may meet */
    REGION_NO_HOIST, /* and behind branches; stores count double */
    REGION_NEVER,    /* gear 2 is as far as it goes */
};

/* -- form.c */

struct region_step {
    uint32_t block;
    uint8_t follow; /* enum lift_follow */
    uint8_t taken_likely;
    uint8_t nover; /* of LIFT_OVER: instructions jumped over, the first of block `over` */
    uint32_t over;
    uint64_t guess; /* of LIFT_GUESS */
    uint64_t ret;   /* where the innermost call that was followed so far returns to; 0: there is none */
};

/* -- sched.c */

/* An op of a stub: part of what a late exit owes the guest's registers. */
struct region_fix {
    uint16_t op;
    uint8_t rd, ra, rb, rc, x; /* a store has its data in rc */
    uint16_t entries;          /* and checks these alias entries */
    int32_t imm;
};

struct region_reg {
    uint16_t avail; /* cycle in which it can be read */
    uint16_t wmin;  /* first cycle in which it can be written */
    uint16_t made;  /* cycle of the op that wrote it */
};

/* A store since the last commit, for the loads behind it. */
struct region_store {
    uint32_t key; /* refs of base and index */
    int32_t disp;
    uint32_t cycle;
    uint16_t op;
    uint8_t size, scale;
    bool checkable; /* its displacement fits a store that checks alias entries */
};

/* A store that is left to a later one (opt/dead_stores.c). */
struct region_left {
    struct region_store where;
    uint16_t node, to;
    uint16_t entries; /* of loads that may meet it, which stand instead of it */
    uint32_t after;   /* the last of them */
};

/* A store that waits for its place: until the next exit, or until something must come behind it. */
struct region_waiting {
    struct region_store where;
    uint32_t after;         /* it stands at this cycle or later: loads before it, and what it takes over */
    uint16_t node, entries; /* entries: alias entries that it takes over */
};

/* A load behind stores that wait. */
struct region_crossing {
    uint32_t key, size, cycle;
    int32_t disp;
    uint16_t node, op;
    uint8_t rd, ra, rb, scale;
    uint8_t before;  /* so many of the waiting stores come before it */
    int8_t entry;    /* number of its alias entry; -1: none so far */
    uint16_t stored; /* region_gen.nstored at the load */
};

/* The site of a load or store in translated code. */
struct region_site {
    uint16_t site, tag; /* tag: what of the native address does not choose the place */
};

struct gen_bundle {
    uint16_t free;   /* lanes, with all guards set */
    uint16_t n;      /* ops */
    uint16_t commit; /* guest instructions + 1; 0: no commit */
    uint16_t op[GEN_BUNDLE_OPS];
};

struct region_gen {
    const struct ir_block *ir;
    const struct gen_info *info; /* [DUKE_OP_COUNT] */
    uint32_t nops, ncycles, nfixes, nstores;
    uint32_t overflow;
    uint32_t lanes;                            /* of an empty bundle */
    uint32_t part;                             /* exits to come, for wishes */
    uint32_t base;                             /* nothing stands before this cycle: where the label is, or 0 */
    uint32_t floor;                            /* stores, homes and branches stand at this cycle or later */
    uint32_t load_floor;                       /* loads do */
    uint32_t last;                             /* last cycle with an effect so far */
    uint32_t fault;                            /* exits stand at this cycle or later: an op before it may undo the region */
    uint32_t last_load, last_store, last_call; /* cycles; last_call: + 1 */
    uint32_t nalias, max_alias;                /* numbers of alias entries */
    uint32_t max_pairs; /* the first of them have a second entry, for a load that no store lies between */
    uint32_t nstored;   /* stores so far, wherever they stand */
    uint16_t alias_free
        [REGION_ALIAS_NUMBERS]; /* nstored at the load that has the first entry, if the second is free, or REGION_TAKEN */
    const uint16_t *over;       /* see opt_stores */
    uint32_t nleft,
        guards; /* stores that are now left to a later one; loads up to the next commit that need an entry for that */
    struct region_left left[REGION_STORES];
    uint32_t wait; /* switch: stores wait for the loads behind them */
    uint32_t nwaiting, ncrossing;
    uint64_t held; /* registers that waiting stores read */
    struct region_waiting waiting[REGION_WAITING];
    struct region_crossing crossing[REGION_CROSSING];
    uint32_t first_store, nalias_before, floor_before; /* see store; nalias and load_floor as of the last commit */
    uint32_t any_guards;                               /* guards may be other than 0 somewhere */
    uint32_t over_commits;                             /* switch: loads may pass commits */
    uint32_t hoist, near, reorder; /* switches: loads may pass branches; one at most; loads and stores may pass each other */
    uint32_t early;                /* switch: values for homes too are made above the exits before them, in temporaries */
    uint32_t level;                /* enum region_level */
    struct region_site *site;      /* of struct region: where sites are in the code is noted there */
    uint32_t npins;
    uint16_t pin[REGION_PINS];                 /* see region_care */
    uint32_t aliased, passed, hoisted, waited; /* loads so far: see stats.def */
    uint32_t has_fault;
    uint32_t next;      /* where the search for a temporary starts */
    uint64_t free;      /* temporaries nobody uses */
    uint32_t pending;   /* guest state that is not home */
    uint32_t unsettled; /* of it, what is to be moved there before the commit */
    struct region_pending {
        ir_ref ref; /* 0: imm */
        int32_t imm;
    } pend[IR_G_COUNT];
    struct region_reg reg[64];
    uint16_t content[64]; /* ref that a home holds */
    struct region_store
        store[2 * REGION_STORES]; /* from first_store on: since the last commit; before: since the one before it */
    uint32_t exit_cycle[IR_EXITS_MAX];
    uint16_t fix_first[IR_EXITS_MAX];
    uint8_t fix_count[IR_EXITS_MAX];
    uint8_t owed_first[IR_EXITS_MAX]; /* calls.c: exits of kind IR_EXIT_RETURN that a late exit's stub pushes */
    uint8_t owed_count[IR_EXITS_MAX];
    uint32_t nowed;
    uint8_t loc[IR_NODES_MAX];
    struct gen_bundle bundle[REGION_CYCLES_MAX];
    struct gen_op op[REGION_OPS_MAX];
    struct region_fix fix[REGION_FIXES_MAX];
};

struct region {
    struct region_profile profile;
    struct region_site site[REGION_SITES]; /* by native address; what came first has to give way */
    struct region_care care[REGION_CARE];
    uint32_t nsteps;
    uint32_t lap; /* instructions of a loop's lap, if the path comes back to its head; 0: it does not */
    struct region_step steps[REGION_STEPS_MAX];
    struct lift_calls calls;
    struct ir_known known;
    uint8_t sunk[IR_NODES_MAX];  /* live.c: the node is computed in stubs only */
    uint16_t over[IR_NODES_MAX]; /* see opt_stores */
    struct ir_block ir;
    struct region_gen gen;
    struct gen_code code;
};

/* NULL: no room. */
struct region *region_make(struct morph *m);

/* -- profile.c */
/* Called before translated code is entered: it will be left when the next sample is due. */
void region_arm(struct morph *m);
/* Translated code was left because icount reached the limit; `native` is where it was. May begin an episode. */
void region_sample(struct morph *m, uint32_t native);
/* During an episode: whether the dispatcher shall interpret b, which is at cpu.rip, so that it is seen. Ends the episode, and
 * makes regions of what it saw, when its time has come. */
bool region_watch(struct morph *m, struct gblock *b);
/* Notes that b is executed, after the block noted before. */
void region_note(struct morph *m, const struct gblock *b);
/* The site's memory, made if there is none; with too many sites, one that it shares with another. */
struct region_care *region_care(struct region *r, uint64_t rip);
/* Whether a trap of that cause in the region at `head` is one too many: what it did is then given up, and the region
 * must be dropped. */
bool region_trapped(struct morph *m, uint64_t head, uint32_t cause);

const struct region_node *region_seen(const struct region *r, uint64_t rip);

/* -- form.c: makes and enters the region that begins with b. False: refused; b keeps what it has. */
bool region_translate(struct morph *m, struct gblock *b);
/* The part before emission, for tests and tools: r->ir and r->gen are filled in. */
bool region_prepare(struct morph *m, struct gblock *b, unsigned max_insns, unsigned level);
/* The same for the path in r->steps, which begins with b. */
bool region_prepare_path(struct morph *m, const struct gblock *b, unsigned level);
/* The first step of that: r->ir is the path as it was lifted. False: refused. Steps behind the end of the lifted code go. */
bool region_lift(struct morph *m, const struct gblock *b);

/* -- check.c: the region begins by comparing the code that it is made of with what it was; rolled back if that has changed. */
void region_check(struct morph *m);

/* -- commit.c: which exits commit: as few as the store buffer's `room` for stores allows. Exits that need not become late,
 * commits that need not vanish. late: exits need no commit. Finds out which stores are left to later ones and do not count. */
struct opt_stores;
void region_commits(struct ir_block *b, unsigned room, unsigned per_store, bool late, struct opt_stores *left);

/* Numbers the exits that are left in the order of their nodes. */
void region_renumber(struct ir_block *b);

/* -- calls.c: a call whose return lies in the region pushes nothing on the dual-address stack but in the stubs of the late exits
 * between them. After region_commits; what the stubs owe goes to g. */
void region_calls(struct ir_block *b, const struct lift_calls *calls, struct region_gen *g);

/* -- live.c: last uses, wishes, dead nodes (last is 0), nodes that only stubs need (sunk). Removes SETs that nobody sees. */
void region_liveness(struct ir_block *b, uint8_t *sunk, const uint16_t *over);

/* -- sched.c */
bool region_schedule(struct region_gen *g, const struct ir_block *b, const uint8_t *sunk, const uint16_t *over, unsigned level);

/* -- emit.c */
uint32_t region_worst_words(const struct region_gen *g);
bool region_emit(const struct region_gen *g, const struct gen_place *p, struct gen_code *out);
