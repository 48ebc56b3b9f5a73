/* The host CPU as oracle for guest semantics: random user-level instructions run on it one by one, and on an executor.
 *
 * A case is a place in memory with code and data, registers, and what the host made of it. Cases are made while the host runs
 * them: each next instruction is chosen from the host's state, so that addresses are mostly good and nothing reads an undefined flag.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "shared.h"

struct ginsn;

enum {
    ORACLE_CODE = 0x10000000,
    ORACLE_CODE_SIZE = 0x1000,
    ORACLE_DATA = 0x20000000,
    ORACLE_RW_SIZE = 0x2000,
    ORACLE_RO_SIZE = 0x1000, /* read-only bytes follow the writable ones */
    ORACLE_DATA_SIZE = ORACLE_RW_SIZE + ORACLE_RO_SIZE,
    ORACLE_TLS = ORACLE_DATA + 0x1000, /* base of the segment that selector 0x63 names; in 64-bit mode of GS */
    ORACLE_FS = ORACLE_DATA + 0x800,   /* base of FS in 64-bit mode */
    ORACLE_MAX_INSNS = 64,
    ORACLE_PATTERN = 64,
    ORACLE_BLOCK = 32,  /* instructions of a block, unless they are to come one by one */
    ORACLE_STEPS = 400, /* steps of a REP instruction before a case is given up */
};

struct oracle_state {
    _Alignas(8) uint64_t gpr[16]; /* IA-32: eight, zero-extended; aligned for a 32-bit process that shares it */
    uint64_t rip;
    uint32_t eflags;
    uint16_t seg[GUEST_SEGS];
    int32_t vector; /* exception that ended the run; -1 none */
    int32_t error;  /* its error code; -1 not known */
    uint64_t addr;  /* of a page fault */
    /* With SSE: */
    uint64_t xmm[16][2];
    uint64_t st[8]; /* the x87's registers, not relative to TOP: significands, which MMX registers are, too; */
    uint16_t se[8]; /* signs and exponents */
    uint32_t mxcsr;
    uint16_t fcw, fsw;
    uint8_t st_used; /* registers that are not tagged empty */
};

struct oracle_memory {
    uint8_t code[ORACLE_CODE_SIZE], data[ORACLE_DATA_SIZE];
};

/* What is tested. */
struct oracle_kind {
    enum guest_mode mode;
    bool sse; /* MMX and SSE instructions, x87, MMX and SSE state */
    bool x87; /* x87 instructions, too; then sse holds as well */
};

struct oracle_case {
    uint64_t seed, number;
    struct oracle_kind kind;
    struct oracle_state before, after; /* after `ninsns` instructions; the last one raised after.vector if that is not -1 */
    uint32_t eflags_mask;              /* bits of after.eflags that are defined */
    unsigned ninsns;                   /* done, the one that raised left out if it is a fault */
    uint8_t pattern[ORACLE_PATTERN];   /* what data was filled with before a few values were put in */
    struct oracle_memory mem_before;
    uint8_t code_used[ORACLE_CODE_SIZE / 8]; /* which bytes of code are instructions */
    uint8_t data_after[ORACLE_DATA_SIZE];
};

/* Something that executes guest code and is compared with the host. */
struct oracle_executor {
    const char *name;
    void *(*open)(unsigned block_insns); /* most instructions that are decoded in one go */
    /* Starts from a state and memory. */
    void (*begin)(void *x, const struct oracle_kind *kind, const struct oracle_state *s, const struct oracle_memory *mem);
    /* Code bytes have changed. */
    void (*write_code)(void *x, unsigned offset, const uint8_t *bytes, unsigned n);
    /* Executes up to n instructions; fewer if an exception is raised. */
    void (*run)(void *x, unsigned n, struct oracle_state *out);
    const uint8_t *(*data)(void *x);
    void (*close)(void *x);
};
extern const struct oracle_executor oracle_interp;

/* The host's side: a process under ptrace. NULL and a message if the host cannot. */
struct host_cpu;
struct host_cpu *host_open(const char *child_path, const struct oracle_kind *kind);
void host_close(struct host_cpu *h);
struct oracle_memory *host_memory(struct host_cpu *h);
void host_set(struct host_cpu *h, const struct oracle_state *s);
/* One instruction; a REP instruction as a whole. False: given up after ORACLE_STEPS iterations. */
bool host_step(struct host_cpu *h, struct oracle_state *out);

/* Random numbers (random.c). */
struct random {
    uint64_t s;
};
uint64_t random_next(struct random *r);
uint32_t random_below(struct random *r, uint32_t n);
uint32_t random_data(struct random *r, unsigned size); /* an address, mostly of good data for `size` bytes */
uint32_t random_value(struct random *r);               /* with a liking for edges */
uint64_t random_value64(struct random *r);
uint64_t random_double(struct random *r); /* bits with a liking for special numbers, of one double or two singles */

/* Random instructions (generate*.c). */

struct generator {
    struct random rng;
    struct oracle_kind kind;
    uint8_t used[ORACLE_CODE_SIZE / 8]; /* code bytes that are taken */
    unsigned plan, plan_arg;            /* what a sequence under way wants next */
    uint32_t undefined;                 /* EFLAGS bits without a defined value */
    bool addr32, addr16;                /* 64-bit mode, IA-32: the address-size prefix is there */
    uint32_t image;                     /* where a sequence under way keeps an image of the x87's state */
    uint32_t image_op;                  /* and what it is to be next: see generate_x87.c; 0: no sequence */
    uint8_t pattern[ORACLE_PATTERN];
};
void generator_begin(struct generator *gen, const struct oracle_kind *kind, uint64_t seed, struct oracle_state *s,
                     struct oracle_memory *mem);
/* Writes one instruction for the state at `s->rip` to bytes; returns its length, 0 to end the case. */
unsigned generator_next(struct generator *gen, const struct oracle_state *s, uint8_t bytes[16]);
/* Keeps account of undefined flags after the instruction was executed. */
void generator_done(struct generator *gen, const uint8_t *bytes, unsigned len, const struct oracle_state *before);
/* For the generator's parts. ModRM, SIB and displacement of a memory operand whose linear address is `target`, into p; *rex
 * gets the bits that extend registers. `reg` is the ModRM field (0..7); `tail`: bytes of the instruction behind, for RIP-relative
 * addresses, `at` bytes before p. Returns bytes written; 0: the address cannot be reached by 32 bits of displacement. */
unsigned generator_put_mem(struct generator *gen, const struct oracle_state *s, unsigned reg, uint32_t target,
                           uint64_t base_of_seg, unsigned at, unsigned tail, uint8_t *rex, uint8_t *p);
uint32_t generator_segment_base(const struct generator *gen, const struct oracle_state *s, unsigned seg);
/* Now and then prefixes for the memory operand's address; *base of its segment. Returns their number. */
unsigned generator_mem_prefixes(struct generator *gen, const struct oracle_state *s, uint64_t *base, uint8_t *p);
/* An instruction from a row of rows.h; 0: try again. (generate_row.c) */
struct row;
unsigned generator_row(struct generator *gen, const struct oracle_state *s, const struct row *row, uint8_t *p);
/* Instructions as they stand: what user code may not do, fences, hints; jumps through memory, and with 16-bit operands. (generate_raw.c) */
unsigned generator_raw(struct generator *gen, uint8_t *p);
unsigned generator_indirect(struct generator *gen, const struct oracle_state *s, unsigned reg, uint32_t at, uint8_t *p);
unsigned generator_jump16(struct generator *gen, uint8_t *p);
/* A random MMX or SSE instruction; 0: try again. (generate_sse.c) */
unsigned generator_sse(struct generator *gen, const struct oracle_state *s, uint8_t *p);
/* The same of the x87, and the steps of its sequences. (generate_x87.c) */
unsigned generator_x87(struct generator *gen, const struct oracle_state *s, uint8_t *p);
unsigned generator_x87_sequence(struct generator *gen, const struct oracle_state *s, uint8_t *p);
void generator_begin_x87(struct generator *gen, struct oracle_state *s, struct oracle_memory *mem);
/* Bytes of an image in memory that hosts differ in, or lose at a context switch: pointers of the last instruction. Takes over `got`. */
void generator_forget_pointers(const struct ginsn *g, uint32_t at, uint8_t *data, const uint8_t *got);
bool generator_is_x87(const uint8_t *bytes);
/* The full tag word. */
uint16_t oracle_tags(const struct oracle_state *s);
/* A random BMI1 or BMI2 instruction; 0: try again. (generate_bmi.c) */
unsigned generator_bmi(struct generator *gen, const struct oracle_state *s, uint8_t *p);
bool generator_has_bmi(void); /* the host */
