/* The x87 instructions: when they execute, and control. Operands and stack are in x87_ops.c and x87_move.c, arithmetic in
 * x87_arith.c and its neighbours.
 *
 * Every instruction first works out results and exceptions in r->e, then stores to memory, which may fault, and only then
 * changes registers and status: `settle` merges the exceptions and says whether results may be written, because an unmasked
 * invalid, denormal or divide exception leaves registers, stack and memory as they were.
 */
#include "x87_home.h"
#include "x87_run.h"

static void store_word(struct x87_run *r, uint16_t v)
{
    const struct gopnd *o = &r->g->opnd[0];
    if (o->kind == GO_MEM)
        gst16(r->ea, v);
    else
        r->cpu->gpr[GUEST_RAX] = (r->cpu->gpr[GUEST_RAX] & ~UINT64_C(0xffff)) | v;
}

/* From here on: FNENI, FNDISI, FNSETPM of the 8087 and 80287, which do nothing and do not wait. */
enum { FOP_OLD = 0x3e0 };

/* Instructions that leave the pointers to the last instruction alone and, if their name has an N, do not wait. */
static bool control(struct x87_run *r)
{
    switch (r->g->op) {
    case G_FNINIT: x87_init(r->f); return true;
    case G_FNCLEX: r->f->sw &= 0x7f00; return true;
    case G_FNSTSW: store_word(r, r->f->sw); return true;
    case G_FNSTCW: store_word(r, r->f->cw); return true;
    case G_FNSTENV: x87_store_env(r); return true;
    case G_FNSAVE: x87_save(r); return true;
    case G_FLDCW: x87_load_cw(r->f, (uint16_t)gld16(r->ea)); return true;
    case G_FLDENV: x87_load_env(r); return true;
    case G_FRSTOR: x87_restore(r); return true;
    case G_FNOP: return r->g->imm2 >= FOP_OLD; /* D9 D0 is like any other */
    default: return false;
    }
}

static bool waits(const struct ginsn *g)
{
    switch (g->op) {
    case G_FNOP: return g->imm2 < FOP_OLD;
    case G_FNINIT:
    case G_FNCLEX:
    case G_FNSTSW:
    case G_FNSTCW:
    case G_FNSTENV:
    case G_FNSAVE: return false;
    default: return true;
    }
}

static void remember(struct x87_run *r)
{
    struct guest_x87 *f = r->f;
    f->fip = r->cpu->rip;
    f->fcs = r->cpu->seg_sel[GUEST_CS];
    f->fop = r->g->imm2;
    if (r->g->nopnds && r->g->opnd[0].kind == GO_MEM) {
        f->fdp = r->ea - r->cpu->seg_base[r->g->seg];
        f->fds = r->cpu->seg_sel[r->g->seg];
    }
}

enum x87_result x87_exec(struct morph *m, const struct ginsn *g, uint64_t linear_ea)
{
    enum { CR0_MP = 2, CR0_EM = 4, CR0_TS = 8 };
    struct guest_cpu *cpu = &m->sh->cpu;
    x87_home(m->sh);
    struct x87_run r = {m->sh, cpu, &cpu->x87, g, linear_ea, {cpu->x87.cw, 0}};

    if (g->op == G_FWAIT) {
        if ((cpu->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS))
            return X87_NM;
        return cpu->x87.sw & SW_ES ? X87_MF : X87_DONE;
    }
    if (cpu->cr0 & (CR0_EM | CR0_TS))
        return X87_NM;
    if (waits(g) && cpu->x87.sw & SW_ES)
        return X87_MF;
    if (control(&r))
        return X87_DONE;
    if (!x87_execute_op(&r) && !x87_execute_move(&r))
        return X87_UNIMPLEMENTED;
    remember(&r);
    return X87_DONE;
}
