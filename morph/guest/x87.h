/* The x87 floating-point unit in integer arithmetic: part of the interpreter. */
#pragma once
#include <stdint.h>

struct ginsn;
struct morph;

enum x87_result {
    X87_DONE,
    X87_MF,            /* raise #MF: an unmasked exception of an earlier instruction is pending */
    X87_NM,            /* raise #NM: CR0.EM or CR0.TS is set */
    X87_UNIMPLEMENTED, /* not an x87 instruction, or one that is missing here */
};

/* Executes one x87 instruction (FWAIT included) on m->sh->cpu, whose rip is the instruction's own address. `linear_ea` is the
 * linear address of the memory operand, if there is one. Guest faults leave through port_guard with nothing written.
 * Nothing has changed unless the result is X87_DONE. */
enum x87_result x87_exec(struct morph *m, const struct ginsn *g, uint64_t linear_ea);
