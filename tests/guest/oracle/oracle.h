/* The host CPU as oracle for guest semantics: random user-level instructions run on it one by one, and on an executor.
 *
 * A case is a place in memory with code and data, registers, and what the host made of it. Cases are made while the host runs
 * them: each next instruction is chosen from the host's state, so that addresses are mostly good and nothing reads an undefined flag.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "shared.h"

enum {
    ORACLE_CODE = 0x10000000, ORACLE_CODE_SIZE = 0x1000,
    ORACLE_DATA = 0x20000000, ORACLE_RW_SIZE = 0x2000, ORACLE_RO_SIZE = 0x1000, /* read-only bytes follow the writable ones */
    ORACLE_DATA_SIZE = ORACLE_RW_SIZE + ORACLE_RO_SIZE,
    ORACLE_TLS = ORACLE_DATA + 0x1000, /* base of the segment that selector 0x63 names */
    ORACLE_MAX_INSNS = 64,
    ORACLE_PATTERN = 64,
    ORACLE_STEPS = 400, /* steps of a REP instruction before a case is given up */
};

struct oracle_state {
    uint32_t gpr[8];
    uint32_t rip, eflags;
    uint16_t seg[GUEST_SEGS];
    int32_t vector; /* exception that ended the run; -1 none */
    uint32_t addr;  /* of a page fault */
};

struct oracle_memory {
    uint8_t code[ORACLE_CODE_SIZE], data[ORACLE_DATA_SIZE];
};

struct oracle_case {
    uint64_t seed, number;
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
    void *(*open)(void);
    /* Starts from a state and memory. */
    void (*begin)(void *x, const struct oracle_state *s, const struct oracle_memory *mem);
    /* Code bytes have changed. */
    void (*write_code)(void *x, unsigned offset, const uint8_t *bytes, unsigned n);
    /* Executes up to n instructions; fewer if an exception is raised. */
    void (*run)(void *x, unsigned n, struct oracle_state *out);
    const uint8_t *(*data)(void *x);
    void (*close)(void *x);
};
extern const struct oracle_executor oracle_interp;

/* The host's side: a 32-bit process under ptrace. False and a message if the host cannot. */
struct host_cpu;
struct host_cpu *host_open(const char *child_path);
void host_close(struct host_cpu *h);
struct oracle_memory *host_memory(struct host_cpu *h);
void host_set(struct host_cpu *h, const struct oracle_state *s);
/* One instruction; a REP instruction as a whole. False: given up after ORACLE_STEPS iterations. */
bool host_step(struct host_cpu *h, struct oracle_state *out);

/* Random numbers and instructions (generate.c). */
struct random {
    uint64_t s;
};
uint64_t random_next(struct random *r);
uint32_t random_below(struct random *r, uint32_t n);
uint32_t random_value(struct random *r); /* with a liking for edges */

struct generator {
    struct random rng;
    uint8_t used[ORACLE_CODE_SIZE / 8]; /* code bytes that are taken */
    unsigned plan, plan_arg;            /* what a sequence under way wants next */
    uint32_t undefined;                 /* EFLAGS bits without a defined value */
    uint8_t pattern[ORACLE_PATTERN];
};
void generator_begin(struct generator *gen, uint64_t seed, struct oracle_state *s, struct oracle_memory *mem);
/* Writes one instruction for the state at `s->rip` to bytes; returns its length, 0 to end the case. */
unsigned generator_next(struct generator *gen, const struct oracle_state *s, uint8_t bytes[16]);
/* Keeps account of undefined flags after the instruction was executed. */
void generator_done(struct generator *gen, const uint8_t *bytes, unsigned len, const struct oracle_state *before);
