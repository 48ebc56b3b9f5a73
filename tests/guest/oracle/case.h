/* The ways a case is made and compared, and what they have in common. */
#pragma once
#include <stdio.h>

#include "compare.h"
#include "coverage.h"
#include "oracle.h"

struct options {
    uint64_t seed, first, count;
    unsigned len, step_every;
    struct oracle_kind kind;
    const char *child, *native_child, *dump, *expect, *vectors, *coverage;
    bool verbose;
};

struct totals {
    uint64_t cases, insns, faults, given_up, stepped;
    struct coverage *coverage; /* NULL: not wanted */
};

/* An instruction that was executed. */
struct trace {
    uint64_t rip;
    uint32_t image; /* where an image of the x87's state is that it may have stored; 0: none */
    uint8_t bytes[16], len;
};

uint64_t case_seed(uint64_t seed, uint64_t number);
/* Flags that are compared. */
uint32_t case_defined_flags(const struct generator *gen);
void case_print_insn(FILE *f, enum guest_mode mode, uint64_t rip, const uint8_t *bytes, unsigned len);
/* --mode and its like, as they must be given to have the case again. */
const char *case_kind_options(const struct options *o);
void case_complain(const struct options *o, const char *what, const char *executor, const struct oracle_case *c,
                   const char *text, const struct trace *trace, unsigned n, const struct oracle_state *before);
bool case_stores_image(enum guest_mode mode, const struct trace *t);
/* Memory that may differ though nothing is wrong, after an instruction that raised or stored an image: `data` gets it from `got`. */
void case_forget_pushes(enum guest_mode mode, uint8_t *data, const struct trace *t, const uint8_t *got);
void case_forget_pointers(enum guest_mode mode, uint8_t *data, const struct trace *t, const uint8_t *got);
/* Of two bad operands of CMPS either may be told: AMD's Zen 4 tells of the source of REP CMPSB, else of the destination, as morph does.
 * `host` gets what `got` tells if that is the other operand. */
void case_forget_order(enum guest_mode mode, const struct trace *t, struct oracle_state *host, const struct oracle_state *got);

/* Makes case c by single steps of the host, each compared with the executor. False: they differ. *complete: false if given up.
 * (steps.c) */
bool case_by_steps(const struct options *o, struct host_cpu *h, const struct oracle_executor *x, void *xs,
                   struct oracle_case *c, struct totals *totals, bool *complete);

/* Cases that the interpreter makes and the host runs natively, many in one go. (batch.c) */
struct batch;
struct batch *batch_open(const struct options *o, const struct oracle_executor *x);
/* Takes case `number` into the batch. False: it is one for single steps: it ends where it was before, or where the runner's own memory is,
 * or differs in the interpreter alone. */
bool batch_add(struct batch *b, uint64_t number, struct totals *totals);
bool batch_full(const struct batch *b);
/* Runs what there is. False and a message: the host cannot. */
bool batch_run(struct batch *b);
unsigned batch_count(const struct batch *b);
/* Compares case i after batch_run. True: no difference; c is the case then, if it is not NULL. Else `text` says what differs. */
bool batch_same(struct batch *b, unsigned i, struct oracle_case *c, char *text, unsigned size);
/* The case's number; whether it stored an image of the x87's state, parts of which the host may fill as it likes. */
uint64_t batch_number(const struct batch *b, unsigned i);
bool batch_stored_image(const struct batch *b, unsigned i);
void batch_complain(const struct batch *b, unsigned i, const char *text);
void batch_clear(struct batch *b);
void batch_close(struct batch *b);
