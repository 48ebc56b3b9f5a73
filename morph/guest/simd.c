/* MMX and SSE: operands, alignment, exceptions and results; what is done between is in the other simd*.c.
 *
 * As everywhere: all reads and faults, then stores, then registers. XMM registers are pairs of words, MMX registers the significands
 * of the x87 registers.
 */
#include "helper.h"

#include "simd.h"
#include "x87_home.h"
#include "x87_run.h"

/* Memory operands of 16 bytes must be aligned but for these. */
static bool may_be_unaligned(unsigned op)
{
    switch (op) {
    case G_MOVUPS:
    case G_MOVUPD:
    case G_MOVDQU:
    case G_LDDQU:
    case G_PCMPESTRI:
    case G_PCMPESTRM:
    case G_PCMPISTRI:
    case G_PCMPISTRM: return true;
    default: return false;
    }
}

static bool uses_mmx(const struct ginsn *g)
{
    for (unsigned i = 0; i < g->nopnds; i++)
        if (g->opnd[i].kind == GO_MMX)
            return true;
    return g->op == G_EMMS;
}

/* #UD, #NM or #MF as the control registers and a pending x87 exception say; -1 none. */
static int not_available(const struct guest_cpu *cpu, const struct ginsn *g, bool mmx)
{
    enum { CR0_EM = 4, CR0_TS = 8 };
    if (g->op == G_CRC32)
        return -1;
    if (cpu->cr0 & CR0_EM)
        return GUEST_UD;
    if (cpu->cr0 & CR0_TS)
        return GUEST_NM;
    return mmx && cpu->x87.sw & SW_ES ? GUEST_MF : -1;
}

static void load(struct simd *x, const struct gopnd *o, union simd_value *v)
{
    switch (o->kind) {
    case GO_XMM:
        v->q[0] = x->cpu->xmm[o->reg][0];
        v->q[1] = x->cpu->xmm[o->reg][1];
        break;
    case GO_MMX: v->q[0] = x->cpu->x87.mant[o->reg]; break;
    case GO_REG: v->q[0] = x->cpu->gpr[o->reg]; break;
    case GO_REGH: v->q[0] = x->cpu->gpr[o->reg] >> 8; break;
    case GO_IMM: v->q[0] = x->imm; break;
    case GO_MEM:
        switch (o->size) {
        case 1: v->q[0] = gld8(x->mem); break;
        case 2: v->q[0] = gld16(x->mem); break;
        case 4: v->q[0] = gld32(x->mem); break;
        case 16:
            v->q[0] = gld64(x->mem);
            v->q[1] = gld64(x->mem + 8);
            break;
        default: v->q[0] = gld64(x->mem); break;
        }
        break;
    default: break;
    }
}

static void store(struct simd *x)
{
    switch (x->g->opnd[0].size) {
    case 1: gst8(x->mem, x->d.q[0]); break;
    case 2: gst16(x->mem, x->d.q[0]); break;
    case 4: gst32(x->mem, x->d.q[0]); break;
    case 16:
        gst64(x->mem, x->d.q[0]);
        gst64(x->mem + 8, x->d.q[1]);
        break;
    default: gst64(x->mem, x->d.q[0]); break;
    }
}

static void write_register(struct simd *x, sem_ctx *c)
{
    const struct gopnd *o = &x->g->opnd[0];
    switch (o->kind) {
    case GO_XMM:
        *(volatile uint64_t *)&x->cpu->xmm[o->reg][0] = x->d.q[0];
        *(volatile uint64_t *)&x->cpu->xmm[o->reg][1] = x->d.q[1];
        break;
    case GO_MMX:
        x->cpu->x87.mant[o->reg] = x->d.q[0];
        x->cpu->x87.se[o->reg] = 0xffff;
        x87_set_tag(&x->cpu->x87, o->reg, TAG_SPECIAL);
        break;
    case GO_REG: set_reg(c, o->reg, x->d.q[0], o->size); break;
    default: break;
    }
}

void simd_enter_mmx(struct guest_cpu *cpu)
{
    struct guest_x87 *f = &cpu->x87;
    x87_set_top(f, 0);
    for (unsigned i = 0; i < 8; i++)
        if (x87_tag(f, i) == TAG_EMPTY)
            x87_set_tag(f, i, x87_tag_of((struct f80){f->mant[i], f->se[i]}));
}

/* Merges the exceptions into MXCSR; whether an unmasked one forbids the result. */
static bool settle(struct simd *x)
{
    uint32_t raised = x->fp.raised, unmasked = raised & ~(x->fp.mxcsr >> MX_MASKS_AT);
    if (unmasked & MX_BEFORE) /* found before there was anything to round */
        raised &= MX_BEFORE;
    x->cpu->mxcsr |= raised;
    return unmasked != 0;
}

HELPER_FN(simd)
{
    if (m->sh->xmm_state == XMM_IN_REGISTERS)
        port_xmm_save();
    sem_ctx c = helper_ctx(cpu, m, g);
    struct simd x = {.m = m, .cpu = cpu, .g = g, .mem = c.mem, .fp = {.mxcsr = cpu->mxcsr}};
    bool mmx = uses_mmx(g);
    if (mmx || g->op == G_FXSAVE || g->op == G_FXRSTOR)
        x87_home(m->sh);
    enum interp_result result = INTERP_OK;
    int vector = not_available(cpu, g, mmx);

    if (vector >= 0)
        return interp_raise(m, (unsigned)vector, 0);
    if (g->seg == GUEST_CS && simd_stores(g) && !c.f.wide) /* CS is never writable */
        return interp_raise(m, GUEST_GP, 0);
    if (sem_has_mem(&c.f) && c.mem & 15 && g->opnd[g->opnd[0].kind != GO_MEM].size == 16 && !may_be_unaligned(g->op))
        return interp_raise(m, GUEST_GP, 0);
    if (simd_state(&x, &result))
        return result;
    x.halves = g->opnd[0].kind == GO_MMX || g->opnd[1].kind == GO_MMX ? 1 : 2;
    x.imm = g->nopnds && g->opnd[g->nopnds - 1].kind == GO_IMM ? (unsigned)g->imm & 0xff : 0;
    load(&x, &g->opnd[1], &x.s);
    if (g->opnd[0].kind != GO_MEM)
        load(&x, &g->opnd[0], &x.d);
    if (!simd_move(&x) && !simd_integer(&x) && !simd_float(&x) && !simd_shuffle(&x) && !simd_string(&x) && !simd_crypto(&x))
        return INTERP_UNIMPLEMENTED;
    if (g->opnd[0].kind == GO_MEM && !x.keep)
        store(&x);
    if (mmx) /* even if it then raises #XM */
        simd_enter_mmx(cpu);
    if (x.fp.raised && settle(&x))
        return interp_raise(m, GUEST_XM, 0);
    if (!x.keep)
        write_register(&x, &c);
    if (x.flags_set)
        set_flags(&c, x.flags);
    return INTERP_OK;
}
