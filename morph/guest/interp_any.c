/* Handlers that serve every form of an op: the semantics with sizes and operand kinds read from the instruction. */
#define SEM static inline
#include "interp_table.h"
#include "interp_val.h"
#include "sem/all.sem.inc"
#undef SEM

static bool begin(sem_ctx *c, struct guest_cpu *cpu, struct morph *m, const struct ginsn *g)
{
    *c = (sem_ctx){
        .m = m,
        .cpu = cpu,
        .g = g,
        .f = sem_form_of(g, cpu->mode == GUEST_X86_64),
        .rip = m->interp.rip + g->offset,
    };
    if (!sem_has_mem(&c->f) || g->op == G_LEA || g->op == G_NOP || g->op == G_PREFETCH) /* no access */
        return true;
    if (interp_null_segment(c) || (!c->f.wide && sem_stores_to_code_segment(g))) {
        if (g->op == G_POP) /* its load comes first */
            mem_ld(c, stack_lin(c, cpu->gpr[GUEST_RSP]), c->f.size);
        c->result = interp_raise(m, GUEST_GP, 0);
        return false;
    }
    c->mem = sem_lin(c);
    return true;
}

#define SEM_OP(op, body) \
    enum interp_result any_##op(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g) \
    { \
        sem_ctx c; \
        if (begin(&c, cpu, m, g)) \
            sem_##body(&c); \
        return c.result; \
    }
#include "sem/table.def"
#undef SEM_OP

uint64_t interp_operand_address(struct morph *m, const struct ginsn *g)
{
    sem_ctx c;
    bool bit_test = g->op == G_BTS || g->op == G_BTR || g->op == G_BTC;
    if (begin(&c, &m->sh->cpu, m, g) && bit_test)
        bit_number(&c);
    return c.mem;
}
