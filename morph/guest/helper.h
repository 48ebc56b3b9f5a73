/* For the interpreter's helpers: instructions in plain C over struct guest_cpu, with the operand access of the semantics.
 * The rule of the semantics holds here too: all reads and faults, then stores, then registers.
 */
#pragma once
#define SEM static inline
#include "interp_table.h"
#include "interp_val.h"
#include "sem/common.sem.inc"
#undef SEM

enum { GUEST_EFL_NT = 1 << 14 };

#define HELPER_FN(name) enum interp_result helper_##name(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g)

static inline sem_ctx helper_ctx(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g)
{
    sem_ctx c = {
        .m = m,
        .cpu = cpu,
        .g = g,
        .f = sem_form_of(g, cpu->mode == GUEST_X86_64),
        .rip = m->interp.rip + g->offset,
    };
    if (sem_has_mem(&c.f))
        c.mem = sem_lin(&c);
    return c;
}

/* Loads a segment register. INTERP_OK, or the exception it raises; nothing has changed then. (helper_seg.c) */
enum interp_result helper_load_segment(struct morph *m, unsigned seg, unsigned selector);
/* The same without loading: whether it would raise. */
enum interp_result helper_check_segment(struct morph *m, unsigned seg, unsigned selector);
/* EFLAGS from a popped value of `size` bytes at CPL 3. (helper_sys.c) */
void helper_set_eflags(struct morph *m, uint64_t value, unsigned size);
