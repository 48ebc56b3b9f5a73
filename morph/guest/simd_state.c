/* MXCSR, FXSAVE and FXRSTOR, EMMS, masked stores. */
#include "helper.h"

#include "simd.h"
#include "stores.h"
#include "x87_run.h"

enum { AREA_XMM = 160 };

static void masked_store(struct simd *x)
{
    sem_ctx c = {.m = x->m, .cpu = x->cpu, .g = x->g, .f = sem_form_of(x->g, x->cpu->mode == GUEST_X86_64)};
    union simd_value v = {{0, 0}}, mask = {{0, 0}};
    uint64_t lin = sem_lin_of(&c, x->cpu->gpr[GUEST_RDI]);
    bool mmx = x->g->opnd[0].kind == GO_MMX;
    for (unsigned i = 0; i < 2; i++) {
        v.q[i] = mmx ? x->cpu->x87.mant[x->g->opnd[0].reg] : x->cpu->xmm[x->g->opnd[0].reg][i];
        mask.q[i] = mmx ? x->cpu->x87.mant[x->g->opnd[1].reg] : x->cpu->xmm[x->g->opnd[1].reg][i];
    }
    unsigned n = mmx ? 8 : 16;
    if (stores_exceed(x->m->sh, n))
        for (unsigned i = 0; i < n; i++)
            if (mask.b[i] & 0x80)
                stores_try(x->m->sh, lin + i, v.b[i], 1);
    for (unsigned i = 0; i < n; i++)
        if (mask.b[i] & 0x80)
            gst8(lin + i, v.b[i]);
    if (mmx)
        simd_enter_mmx(x->cpu);
}

/* 64-bit mode has sixteen XMM registers; with REX.W the pointers have 64 bits. */
static unsigned area_registers(const struct simd *x) { return x->cpu->mode == GUEST_X86_64 ? 16 : 8; }

/* The store buffer holds less than the area has: both ends are touched first, after which no fault can come, and what is written
 * is committed in parts. A trap for translated code in between has the whole done again, which does no harm. */
static void save(struct simd *x)
{
    const struct guest_x87 *f = &x->cpu->x87;
    uint64_t at = x->mem, used = 0;
    bool wide = x->g->opsize == 8;
    for (unsigned i = 0; i < 8; i++)
        used |= (uint64_t)(x87_tag(f, i) != TAG_EMPTY) << i;
    gst64(at + AREA_XMM + 16 * area_registers(x) - 8, x->cpu->xmm[area_registers(x) - 1][1]);
    gst64(at, (uint64_t)f->cw | (uint64_t)f->sw << 16 | used << 32 | (uint64_t)f->fop << 48);
    gst64(at + 8, wide ? f->fip : (uint32_t)f->fip | (uint64_t)(uint16_t)f->fcs << 32);
    gst64(at + 16, wide ? f->fdp : (uint32_t)f->fdp | (uint64_t)(uint16_t)f->fds << 32);
    gst64(at + 24, x->cpu->mxcsr | (uint64_t)MX_VALID << 32);
    for (unsigned i = 0; i < 8; i++) {
        unsigned phys = (x87_top(f) + i) & 7;
        gst64(at + 32 + 16 * i, f->mant[phys]);
        gst64(at + 40 + 16 * i, f->se[phys]);
    }
    for (unsigned i = 0; i < area_registers(x); i++) {
        if (i % 8 == 0)
            port_commit(0);
        gst64(at + AREA_XMM + 16 * i, x->cpu->xmm[i][0]);
        gst64(at + AREA_XMM + 8 + 16 * i, x->cpu->xmm[i][1]);
    }
}

/* False: MXCSR would get a reserved bit. */
static bool restore(struct simd *x)
{
    struct guest_x87 f = x->cpu->x87;
    uint64_t at = x->mem, first = gld64(at), ip = gld64(at + 8), dp = gld64(at + 16), xmm[16][2];
    uint32_t mxcsr = (uint32_t)gld64(at + 24);
    bool wide = x->g->opsize == 8;
    if (mxcsr & ~(uint32_t)MX_VALID)
        return false;
    x87_load_cw(&f, (uint16_t)first);
    f.sw = (uint16_t)(first >> 16);
    f.fop = first >> 48 & 0x7ff;
    f.fip = wide ? ip : (uint32_t)ip;
    f.fdp = wide ? dp : (uint32_t)dp;
    f.fcs = wide ? 0 : (uint16_t)(ip >> 32);
    f.fds = wide ? 0 : (uint16_t)(dp >> 32);
    for (unsigned i = 0; i < 8; i++) {
        unsigned phys = (x87_top(&f) + i) & 7;
        f.mant[phys] = gld64(at + 32 + 16 * i);
        f.se[phys] = (uint16_t)gld64(at + 40 + 16 * i);
        x87_set_tag(&f, phys,
                    first >> (32 + phys) & 1 ? x87_tag_of((struct f80){f.mant[phys], f.se[phys]}) : (unsigned)TAG_EMPTY);
    }
    for (unsigned i = 0; i < area_registers(x); i++) {
        xmm[i][0] = gld64(at + AREA_XMM + 16 * i);
        xmm[i][1] = gld64(at + AREA_XMM + 8 + 16 * i);
    }
    x87_summarize(&f);
    *(volatile struct guest_x87 *)&x->cpu->x87 = f;
    x->cpu->mxcsr = mxcsr;
    for (unsigned i = 0; i < area_registers(x); i++) {
        x->cpu->xmm[i][0] = xmm[i][0];
        x->cpu->xmm[i][1] = xmm[i][1];
    }
    return true;
}

bool simd_state(struct simd *x, enum interp_result *result)
{
    uint32_t v;
    switch (x->g->op) {
    case G_EMMS:
        x87_set_top(&x->cpu->x87, 0);
        x->cpu->x87.tw = 0xffff;
        return true;
    case G_LDMXCSR:
        v = (uint32_t)gld32(x->mem);
        if (v & ~(uint32_t)MX_VALID)
            *result = interp_raise(x->m, GUEST_GP, 0);
        else
            x->cpu->mxcsr = v;
        return true;
    case G_STMXCSR: gst32(x->mem, x->cpu->mxcsr); return true;
    case G_MASKMOVQ:
    case G_MASKMOVDQU: masked_store(x); return true;
    case G_FXSAVE:
    case G_FXRSTOR:
        if (x->mem & 15)
            *result = interp_raise(x->m, GUEST_GP, 0);
        else if (x->g->op == G_FXSAVE)
            save(x);
        else if (!restore(x))
            *result = interp_raise(x->m, GUEST_GP, 0);
        return true;
    default: return false;
    }
}
