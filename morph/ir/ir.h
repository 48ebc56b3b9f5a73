/* morph's intermediate representation: a straight list of nodes over 64-bit values, made once by the lifter, walked backward
 * once (opt/) and forward once (gen/).
 *
 * A node is a Duke op whose register operands are references to earlier nodes, or one of the pseudo-ops below. Refs
 * 1..IR_ENTRIES are the guest's state at entry; ref 0 means register zero, or that operand b is the immediate.
 * A block is single-entry. It runs down its nodes; exits leave it, commits make everything before them architectural.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "duke_isa.h"

typedef uint16_t ir_ref;

/* Guest state that translated code keeps in registers: number g is Duke register IR_HOME(g). */
enum {
    IR_G_FLAGS = 16,
    IR_G_FS,
    IR_G_GS,     /* read only */
    IR_G_TARGET, /* r30: where an indirect exit goes */
    IR_G_COUNT,
    IR_G_XMM = 32, /* numbers from here on in IR_SET: halves of XMM registers, low one first; see ir_block.xmm */
    IR_XMM_HALVES = 32,
    IR_G_X87 = IR_G_XMM + IR_XMM_HALVES, /* then R0..R7 and the words of enum x87_word; see ir_block.x87 */
    IR_X87_HOMES = 13,
    IR_F_HOMES = IR_XMM_HALVES + IR_X87_HOMES,
    IR_HOME_F = 64, /* registers from here on are Duke's f registers */
    IR_CHECKS_MAX = 8,
    IR_ENTRIES = IR_G_COUNT, /* refs 1..IR_ENTRIES are IR_ENTRY(0..) */
    IR_FIRST = IR_ENTRIES + 1,
    IR_NODES_MAX = 1536,
    IR_EXITS_MAX = 96,
    IR_CONSTS_MAX = 128,
};

static inline unsigned ir_home(unsigned g)
{
    static const uint8_t home[128] = {/* opt looks up whatever ir_node.x holds */
                                      32, 33, 34, 35, 36, 37, 38, 39, 40,  41,  42,  43,  44,  45,  46,  47,  31, 28, 29, 30,
                                      0,  0,  0,  0,  0,  0,  0,  0,  0,   0,   0,   0,   64,  65,  66,  67,  68, 69, 70, 71,
                                      72, 73, 74, 75, 76, 77, 78, 79, 80,  81,  82,  83,  84,  85,  86,  87,  88, 89, 90, 91,
                                      92, 93, 94, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108};
    return home[g];
}
static inline ir_ref ir_entry(unsigned g) { return (ir_ref)(g + 1); }

enum ir_pseudo {
    IR_ENTRY = DUKE_OP_COUNT, /* value of guest state x at entry */
    IR_ADDR,                  /* a + (b << x): an address not yet computed; memory ops take it apart, nothing else uses it */
    IR_SET,                   /* guest state x := a, or imm if a is 0 */
    IR_EXIT,                  /* exit number imm: leaves if it is unconditional or its condition on a, b holds; commits first */
    IR_CALL,  /* exit number imm is where the return to guest address a goes: push both on the dual-address stack */
    IR_FAULT, /* undo everything since the last commit and interpret, if a is not 0 */
    IR_NOP,
    IR_XMM,   /* value of half an XMM register, number x, at entry; from IR_XMM_HALVES on of what IR_G_X87 counts */
    IR_LABEL, /* exits of kind IR_EXIT_LOCAL go on here; all state is at home, and refs 1..IR_ENTRIES mean what is there now */
    IR_OP_COUNT,
};

struct ir_node {
    uint16_t op; /* enum duke_opcode or ir_pseudo */
    ir_ref a, b, c;
    int32_t imm; /* operand b if b is 0 and the op has one; displacement; exit number; LI of a big constant: see IR_BIG */
    uint8_t x;   /* scale, condition code or guest state number; LI: IR_BIG if imm is a number of `consts` */
    union {
        uint8_t bits;  /* build: the value is below 2^bits */
        uint8_t kills; /* from opt on: which operands are used for the last time, IR_KILL_* */
    };
    uint16_t site; /* loads and stores of integers: the guest instruction, see ir_block.site; 0: unknown */
};

/* What opt finds out about a node's value. */
struct ir_use {
    ir_ref last;   /* last user, 0 if dead */
    uint16_t wish; /* home register that it is for | part << 8, or 0 */
};
enum { IR_KILL_A = 1, IR_KILL_B = 2, IR_KILL_C = 4 };
enum { IR_BIG = 1, IR_ALWAYS = 0xffff };

enum ir_exit_kind {
    IR_EXIT_NONE,   /* no exit: a commit inside the block */
    IR_EXIT_DIRECT, /* to guest address target */
    IR_EXIT_JMP,    /* to the address in IR_G_TARGET, by the indirect-target cache */
    IR_EXIT_RET,    /* the same, by the dual-address return stack first */
    IR_EXIT_INTERP, /* the instruction at target must be interpreted */
    IR_EXIT_RETURN, /* not left by a branch: the native side of IR_CALL */
    IR_EXIT_LOCAL,  /* to the block's IR_LABEL; late; `next` is where an interpreter would go on */
};

/* ir_exit.flags */
enum {
    IR_EXIT_LATE = 1, /* commits only if it leaves; the block goes on uncommitted */
    IR_EXIT_ZERO = 2, /* commits although ninsns is 0 */
    IR_EXIT_WALL = 4, /* no load passes it: what it leaves for has no use for them */
};

struct ir_exit {
    uint8_t kind;
    uint8_t flags;
    uint8_t ninsns;  /* guest instructions committed here since the last commit; 0: no commit */
    uint16_t op;     /* compare-and-branch op, or IR_ALWAYS */
    uint16_t stack;  /* state of the x87's stack there + 1; 0: as at entry */
    uint64_t target; /* linear address */
    uint64_t next;   /* linear address of the instruction that follows in the block, for a trap after the commit */
};

/* What the lifter computes with: ref + k, often without a node of its own. */
struct ir_val {
    int32_t k;
    ir_ref ref;  /* 0: the constant k */
    uint8_t tag; /* IR_V_* */
    uint8_t g;   /* guest register that it was read from, plus one; 0 none */
};
enum {
    IR_V_LOW = 1,  /* only the low 32 bits are meant: any value with these will do */
    IR_V_COND = 2, /* 1 if condition k holds for flags ref, else 0 */
    IR_V_ADDR = 4, /* ref is an IR_ADDR node */
};

/* known.c: values that memory is known to hold. */
enum { IR_KNOWN_MAX = 48 };
struct ir_known {
    uint32_t n, next; /* next: the one that gives way when it is full */
    uint32_t round;   /* blocks so far, for `root` */
    struct ir_known_value {
        ir_ref base, index, ref;
        int32_t disp;
        uint8_t scale, size;
    } value[IR_KNOWN_MAX];
    struct ir_known_root { /* of nodes that are sums of several: the node as ref + sum, if it was found in this round */
        uint32_t round;
        int32_t sum;
        ir_ref ref;
    } root[IR_NODES_MAX];
};
/* Begins a block: nothing is known. */
static inline void ir_known_begin(struct ir_known *k)
{
    k->n = k->next = 0;
    k->round++;
}

/* x87.c: the x87 as the instructions so far leave it. The state of the stack is known from the first instruction on. */
struct ir_x87 {
    uint32_t entry, stack;  /* state of the stack as in X87_STACK: assumed at entry, now */
    uint32_t home_stack;    /* and in its home */
    uint32_t dirty;         /* of reg */
    ir_ref reg[8], home[8]; /* R0..R7, and what their homes hold */
    ir_ref codes, control;  /* of enum x87_word: their bits in an r register, 0 not yet asked for */
    uint16_t codes_set, control_set;
    uint16_t fip_set, fdp_set, fdp_ss;
    uint16_t foreign; /* numbers were converted from memory for an operation: it may have to be left to the interpreter */
    uint64_t fip;     /* X87_FIP */
    ir_ref fdp;
    uint16_t c1; /* enum ir_c1 */
    ir_ref c1_by;
};
enum ir_c1 {
    IR_C1_OLD, /* as fcsr had it */
    IR_C1_OP,  /* as node c1_by leaves it in fcsr */
    IR_C1_CLEAR,
};
enum {                /* bits of ir_node.x of an X op, */
       IR_X_LAST = 1, /* which comes behind those before it, for its C1; */
       IR_X_FOREIGN =
           2, /* or converts a number from memory for an operation: see ir_x87.foreign; of RDCR: reads the flags of those */
};

struct ir_block {
    uint32_t n; /* refs below n are in use */
    uint32_t nexits, nconsts;
    uint32_t overflow;      /* set when something did not fit: the block is useless */
    uint32_t entries_made;  /* width that the entry nodes were made for; 0 none */
    uint32_t parts;         /* opt: exits; a wish's part counts the exits from the SET on */
    uint32_t insns;         /* guest instructions, for statistics */
    uint32_t site;          /* what tells the instruction being lifted from others, mostly */
    uint32_t fold;          /* switch: fold constants and copies */
    uint32_t index;         /* the machine has addresses of base + index */
    uint32_t has_x87;       /* x87 is valid: from the first instruction that uses it on, the nodes are one list */
    uint32_t wide;          /* 64-bit guest: addresses do not wrap at 32 bits */
    uint64_t rip;           /* linear address of the first instruction */
    struct ir_known *known; /* loads are looked up here; NULL: they are not */
    uint32_t see_parts;     /* switch: see ir_get_low */
    uint32_t fuse;          /* switch: compare and branch in one op */
    /* Build: guest state as the instructions so far leave it, what of it differs from the home registers, and what these
     * hold. In IA-32 code a register is the low 32 bits of its value, zero-extended; tag is IR_V_LOW if the value of ref has
     * more than 32 bits. The node that cuts it off is made when it is needed: after the flags, which want the old value. */
    struct ir_val cur[IR_G_COUNT] __attribute__((aligned(8)));
    uint32_t dirty;
    ir_ref pinned[IR_G_COUNT] __attribute__((aligned(8)));
    ir_ref seen[8] __attribute__((aligned(8))); /* some ADDI, ADDI_W and LI nodes, by hash */
    struct ir_node node[IR_NODES_MAX] __attribute__((aligned(8)));
    struct ir_use use[IR_NODES_MAX] __attribute__((aligned(8)));
    struct ir_exit exit[IR_EXITS_MAX];
    int64_t consts[IR_CONSTS_MAX];
    /* Floating point. Halves of XMM registers are refs to nodes that give f registers: as the instructions so far leave them,
     * and as the home registers hold them. Valid once `fp` is set, by the first instruction that uses one. */
    uint32_t fp;
    uint32_t uses_xmm; /* set if XMM registers ever were since ir_start */
    uint32_t has_xmm;  /* xmm and xmm_home are valid */
    uint32_t xmm_dirty;
    ir_ref xmm[IR_XMM_HALVES], xmm_home[IR_XMM_HALVES];
    uint32_t nchecks;
    struct ir_check { /* addresses that are known to be multiples of 16, this many bytes further on */
        ir_ref ref;
        uint8_t tag, k;
    } check[IR_CHECKS_MAX];
    struct ir_x87 x87;
    struct ir_val entry_cur[IR_G_COUNT] __attribute__((aligned(8))); /* cur and pinned at the start of a block */
    ir_ref entry_pinned[IR_G_COUNT] __attribute__((aligned(8)));
};

/* -- build.c: nodes, folded as they are made */
void ir_start(struct ir_block *b, uint64_t rip);
/* Goes on with an empty list of nodes; guest state is at home. Exits stay. */
void ir_restart(struct ir_block *b);
/* Guest state is at home, and nothing else is known; nodes stay. */
void ir_begin_part(struct ir_block *b);
ir_ref ir_mat_slow(struct ir_block *b, struct ir_val v); /* see ir_mat */
struct ir_val ir_const(struct ir_block *b, uint64_t k);
struct ir_val ir_add_slow(struct ir_block *b, struct ir_val x, struct ir_val y); /* see ir_add */
struct ir_val ir_sub(struct ir_block *b, struct ir_val x, struct ir_val y);
struct ir_val ir_logic(struct ir_block *b, unsigned op, struct ir_val x, struct ir_val y); /* AND, OR, XOR, ANDN */
struct ir_val ir_shift(struct ir_block *b, unsigned op, struct ir_val x, struct ir_val n); /* SHL, SHR, SAR, ROR, ROR_W */
struct ir_val ir_alu(struct ir_block *b, unsigned op, struct ir_val x, struct ir_val y, unsigned bits); /* any R3 op */
struct ir_val ir_alu2(struct ir_block *b, unsigned op, struct ir_val x, struct ir_val y); /* without immediate form */
struct ir_val ir_mul(struct ir_block *b, struct ir_val x, struct ir_val y);
struct ir_val ir_scaled(struct ir_block *b, struct ir_val base, struct ir_val index, unsigned scale); /* an address */
struct ir_val ir_zext_slow(struct ir_block *b, struct ir_val x, unsigned size);
struct ir_val ir_sext(struct ir_block *b, struct ir_val x, unsigned size);
ir_ref ir_low(struct ir_block *b, ir_ref r); /* the low 32 bits, zero-extended */
struct ir_val ir_select(struct ir_block *b, struct ir_val cond, struct ir_val x, struct ir_val y);
struct ir_val ir_flags2(struct ir_block *b, unsigned op_b, struct ir_val x, struct ir_val y, unsigned size);
struct ir_val ir_flags3(struct ir_block *b, unsigned op_b, struct ir_val x, struct ir_val y, struct ir_val fl, unsigned size);
struct ir_val ir_rem(struct ir_block *b, unsigned div, unsigned rem, struct ir_val x, struct ir_val y);

/* -- state.c: guest registers, memory, exits */
struct ir_val ir_get_slow(struct ir_block *b, unsigned g, unsigned size);
void ir_put_slow(struct ir_block *b, unsigned g, struct ir_val v, unsigned size);
void ir_put_high(struct ir_block *b, unsigned g, struct ir_val v); /* AH, CH, DH, BH */
struct ir_val ir_load(struct ir_block *b, struct ir_val addr, unsigned size, bool sign);
void ir_store(struct ir_block *b, struct ir_val addr, struct ir_val v, unsigned size);
/* Brings guest state home. */
void ir_go_home(struct ir_block *b);
uint32_t ir_add_exit(struct ir_block *b, struct ir_exit e);
/* Adds an exit; all state goes home first. cond is the constant 1 for an unconditional one. invert: if cond is 0. */
void ir_leave(struct ir_block *b, struct ir_val cond, bool invert, struct ir_exit e);
void ir_fault_if(struct ir_block *b, struct ir_val cond);
void ir_call(struct ir_block *b, struct ir_val ret, uint64_t target); /* see IR_CALL */
/* After an unconditional exit: the block's second entry, at most one; see IR_LABEL. */
void ir_label(struct ir_block *b);

/* -- known.c: what a load from w is known to give; `value` was loaded from w, or stored there */
ir_ref ir_known_load(const struct ir_block *b, const struct ir_known_value *w, bool *found);
void ir_known_note(struct ir_block *b, const struct ir_known_value *w, ir_ref value, bool stored);
/* The address of a load or store of integers, sums with constants taken apart. */
struct ir_known_value ir_where(const struct ir_block *b, const struct ir_node *n);
bool ir_same_base(const struct ir_known_value *v, const struct ir_known_value *w);
bool ir_may_meet(const struct ir_known_value *v, const struct ir_known_value *w);

/* -- xmm.c: XMM registers, by halves */
/* To be called before anything that gives an f register: homes may be overwritten from there on. */
void ir_begin_xmm(struct ir_block *b);
ir_ref ir_get_xmm(struct ir_block *b, unsigned half);
void ir_put_xmm(struct ir_block *b, unsigned half, ir_ref r);
void ir_xmm_home(struct ir_block *b);
/* Guest memory to or from an f register, 4 or 8 bytes; a single's upper half is zero. */
ir_ref ir_load_f(struct ir_block *b, struct ir_val addr, unsigned size);
void ir_store_f(struct ir_block *b, struct ir_val addr, ir_ref v, unsigned size);
/* Undoes everything and interprets if the address is no multiple of 16. */
void ir_check_aligned(struct ir_block *b, struct ir_val addr);

/* -- x87.c */
/* Before the first instruction: x87.entry and x87.stack are set. From here on the state of the stack at run time is that. */
void ir_begin_x87(struct ir_block *b);
/* Registers relative to TOP. What is put has sign and exponent. */
ir_ref ir_get_st(struct ir_block *b, unsigned i);
void ir_put_st(struct ir_block *b, unsigned i, ir_ref r);
/* The bits of a word; control: with the flags of X87_CONTROL. */
ir_ref ir_get_codes(struct ir_block *b);
ir_ref ir_get_control(struct ir_block *b);
/* fcsr as the instructions so far leave it. Later ones come behind its being read. */
ir_ref ir_get_fcsr(struct ir_block *b);
void ir_put_fcsr(struct ir_block *b, ir_ref r);
/* The op, one of unit X, that C1 comes from. */
void ir_c1_by(struct ir_block *b, ir_ref r);
void ir_x87_home(struct ir_block *b);

/* -- print.c, parse.c, check.c, eval.c: host only, for tests and tools */
struct ir_text {
    char *buf;
    uint32_t size, used;
};
void ir_print(const struct ir_block *b, struct ir_text *out);
/* Reads what ir_print wrote. False: `err` says line and reason. */
bool ir_parse(const char *text, struct ir_block *b, char *err, uint32_t err_size);
/* False if a rule is broken: refs go backward, operands suit the op, the last node is an unconditional exit, ... */
bool ir_check(const struct ir_block *b, char *err, uint32_t err_size);

struct ir_machine {
    void *arg;
    /* Guest memory; false: fault. Loads give zero-extended values. */
    bool (*load)(void *arg, uint64_t addr, unsigned size, uint64_t *value);
    bool (*store)(void *arg, uint64_t addr, unsigned size, uint64_t value);
    uint64_t g[IR_G_COUNT]; /* in: state at entry; out: state at the exit (at the last commit if it faulted) */
    uint64_t icount;        /* guest instructions committed */
    int32_t exit;           /* number of the exit taken, -1: fault */
    uint64_t next;          /* faulted: address of the instruction after the last commit */
};
/* Stores are passed on at once, so after a fault the caller's memory is as the evaluator left it. */
void ir_eval(const struct ir_block *b, struct ir_machine *m);

/* -- inline */

/* Double words at a time: `bytes` is rounded up. A call of memcpy or memset would cost more than what it does. */
typedef uint64_t __attribute__((may_alias)) ir_dword;
static inline __attribute__((always_inline)) void ir_copy(void *to, const void *from, unsigned bytes)
{
    ir_dword *t = to;
    const ir_dword *f = from;
#pragma GCC unroll 32
    for (unsigned i = 0; i < (bytes + 7) / 8; i++)
        t[i] = f[i];
}
static inline __attribute__((always_inline)) void ir_clear(void *to, unsigned bytes)
{
    ir_dword *t = to;
#pragma GCC unroll 32
    for (unsigned i = 0; i < (bytes + 7) / 8; i++)
        t[i] = 0;
}

static inline ir_ref ir_emit(struct ir_block *b, unsigned op, ir_ref a, ir_ref rb, ir_ref c, unsigned x, int32_t imm,
                             unsigned bits)
{
    uint32_t i = b->n;
    if (i >= IR_NODES_MAX - 1) {
        b->overflow = 1;
        return 1;
    }
    b->n = i + 1;
    b->node[i] = (struct ir_node){(uint16_t)op, a, rb, c, imm, (uint8_t)x, {(uint8_t)bits}, 0};
    b->use[i] = (struct ir_use){0, 0};
    return (ir_ref)i;
}

/* A node that has the value; 0 for the constant 0. */
static inline ir_ref ir_mat(struct ir_block *b, struct ir_val v) { return v.k == 0 && v.tag == 0 ? v.ref : ir_mat_slow(b, v); }

/* The low `size` bytes of x, zero-extended. */
static inline struct ir_val ir_zext(struct ir_block *b, struct ir_val x, unsigned size)
{
    if (size == 8 || (x.k == 0 && x.tag == 0 && x.ref && b->node[x.ref].bits <= 8 * size))
        return x;
    return ir_zext_slow(b, x, size);
}

static inline struct ir_val ir_add(struct ir_block *b, struct ir_val x, struct ir_val y)
{
    if (y.ref == 0 && !(x.tag & IR_V_COND) && b->fold) { /* the sum needs no node, if it fits or may wrap */
        int64_t sum = (int64_t)x.k + y.k;
        if (sum == (int32_t)sum || x.tag & IR_V_LOW || (!b->wide && x.tag & IR_V_ADDR))
            return (struct ir_val){(int32_t)sum, x.ref, x.tag, 0};
    }
    return ir_add_slow(b, x, y);
}

/* Guest register or flags: the low `size` bytes are as they should be, above them may be anything. */
static inline struct ir_val ir_get(struct ir_block *b, unsigned g, unsigned size)
{
    struct ir_val v = b->cur[g];
    return v.tag == 0 && (v.k == 0 || b->wide) ? v : ir_get_slow(b, g, size);
}

/* A value whose low `size` bytes, 1 or 2, are the guest register's, and one whose low byte is the register's second; what else they hold is
 * unknown. They see through what was done to other parts. */
struct ir_val ir_get_low(struct ir_block *b, unsigned g, unsigned size);
struct ir_val ir_get_high(struct ir_block *b, unsigned g);

/* Sets the low `size` bytes of a guest register; 4 clears the upper half. */
static inline void ir_put(struct ir_block *b, unsigned g, struct ir_val v, unsigned size)
{
    if (size < 4 || v.tag || v.k || !v.ref || b->node[v.ref].bits > (b->wide ? 64u : 32u) || (size == 4 && b->wide)) {
        ir_put_slow(b, g, v, size);
        return;
    }
    b->dirty |= 1u << g;
    b->cur[g] = (struct ir_val){0, v.ref, 0, 0};
}

static inline bool ir_is_entry(ir_ref r) { return r - 1u < IR_ENTRIES; }

static inline bool ir_is_store(unsigned op) { return op >= DUKE_OP_STG_B && op <= DUKE_OP_STG_D; }
static inline bool ir_is_load(unsigned op) { return op >= DUKE_OP_LDG_BU && op <= DUKE_OP_LDG_WS; }
/* Ops of unit X, and those of them that raise nothing and leave C1 alone. */
static inline bool ir_is_x87(unsigned op) { return op - DUKE_OP_FADD_X <= (unsigned)DUKE_OP_FABS_X - DUKE_OP_FADD_X; }
static inline bool ir_is_x87_move(unsigned op) { return op - DUKE_OP_FMV_E <= (unsigned)DUKE_OP_FABS_X - DUKE_OP_FMV_E; }
/* Raises floating-point flags: not dead, and stays within its commits. */
static inline bool ir_raises(unsigned op)
{
    return (op - DUKE_OP_FADD_D <= (unsigned)DUKE_OP_FMADD_S - DUKE_OP_FADD_D && op - DUKE_OP_FMV_X > 2u) ||
           (ir_is_x87(op) && !ir_is_x87_move(op));
}
static inline bool ir_is_load_f(unsigned op) { return op == DUKE_OP_LDG_FD || op == DUKE_OP_LDG_FS; }
static inline bool ir_is_store_f(unsigned op) { return op == DUKE_OP_STG_FD || op == DUKE_OP_STG_FS; }
/* log2 of the size in bytes of a guest load or store. */
static inline unsigned ir_mem_log2(unsigned op) { return (op - (ir_is_store(op) ? DUKE_OP_STG_B : DUKE_OP_LDG_BU)) & 3; }
