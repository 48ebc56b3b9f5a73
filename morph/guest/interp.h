/* Gear 1: interprets decoded blocks. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "shared.h"

struct gblock;
struct ginsn;
struct morph;

enum interp_result {
    INTERP_OK,            /* cpu.rip is the next instruction to execute */
    INTERP_EXCEPTION,     /* m->interp.vector, error, addr; cpu.rip as the guest sees it: the instruction for faults, after
                             it for traps (int3, into, int1), which are counted as executed */
    INTERP_SYSCALL,       /* m->interp.vector: 0x80, 1 syscall, 2 sysenter; cpu.rip is after the instruction */
    INTERP_UNIMPLEMENTED, /* the instruction at cpu.rip is not done by morph */
    INTERP_STOP,          /* m->interp.stop is the enum stop_reason; nothing was executed at cpu.rip */
    INTERP_SMC,           /* the instruction at cpu.rip stores to bytes marked as code: m->interp.addr, linear */
    INTERP_TRAP,          /* the instruction at cpu.rip met another trap of the core: port_fault() */
    /* Between handlers, interp_fault and interp_block only: */
    INTERP_TRAP_AFTER, /* an exception reported after the instruction */
    INTERP_RETRY,      /* the instruction is to be started again */
    INTERP_FOLLOW,     /* go on with m->interp.insn; no instruction was done */
    INTERP_END,        /* the end of the run was reached */
};

/* Part of struct morph. */
struct interp_state {
    const struct ginsn *insn; /* being executed, for faults */
    uint64_t rip;             /* of the block's first instruction */
    struct gblock *block;     /* being executed */
    uint32_t follow;          /* blocks that were executed less often than this may follow without the dispatcher; 0: none */
    uint64_t addr;            /* of a page fault */
    uint32_t vector, error, stop;
};

/* Runs the block from its first instruction, to its end or for `max` instructions. cpu.rip must be the block's address.
 * Whatever the result, cpu is complete and precise. Stops exactly at params.max_insts and stop_rip. */
enum interp_result interp_block(struct morph *m, struct gblock *b, unsigned max);

/* The same from the block on as long as what follows needs no dispatcher: it can be decoded, has no translation, and has been
 * executed less than params.hot2 times (each execution is counted). Returns at a block's end at the latest when
 * shared.follow_key is set to 0: an instruction does so that changes what a block's code means, the trap handler at an
 * interrupt. */
enum interp_result interp_run(struct morph *m, struct gblock *b);

/* Tells the host about an exception, system call or unimplemented instruction (hc.resume is then for the caller). */
void exc_report(struct morph *m, enum interp_result result);

/* For handlers: the exception that the instruction raises. Returns INTERP_EXCEPTION. */
enum interp_result interp_raise(struct morph *m, unsigned vector, unsigned error);

/* What the fault of port_fault() means for the instruction m->interp.insn. */
enum interp_result interp_fault(struct morph *m);

/* The number of the handler that fits the instruction: depends on its op, sizes, prefixes, kinds of operands, segment, and on which
 * parts its address has. */
unsigned interp_handler(const struct ginsn *g, enum guest_mode mode);

/* Sets byte_reg of a decoded instruction. */
void interp_bind(struct ginsn *g);

/* One handler. The result INTERP_OK counts the instruction. */
typedef enum interp_result interp_fn(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g);
