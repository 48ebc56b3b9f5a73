/* Decimal adjustments (Intel SDM volume 2). Flags that the manual leaves undefined come out as those of the result, or clear. */
#include "helper.h"

static void set_al(struct guest_cpu *cpu, unsigned v) { *(volatile uint8_t *)&cpu->gpr[GUEST_RAX] = (uint8_t)v; }
static void set_ax(struct guest_cpu *cpu, unsigned v) { *(volatile val16 *)&cpu->gpr[GUEST_RAX] = (uint16_t)v; }
static uint64_t pzs(unsigned al) { return op_tstf_b(al, al); }

static void decimal_adjust(struct guest_cpu *cpu, bool subtract)
{
    unsigned al = cpu->gpr[GUEST_RAX] & 0xff, old = al;
    uint64_t flags = 0;
    if ((al & 15) > 9 || cpu->flags & EFL_AF) {
        /* daa takes the carry of al + 6 as well; das the borrow of al - 6 */
        if ((subtract && al < 6) || (!subtract && al > 0xff - 6))
            flags |= EFL_CF;
        al = subtract ? al - 6 : al + 6;
        flags |= EFL_AF;
    }
    flags |= cpu->flags & EFL_CF;
    if (old > 0x99 || cpu->flags & EFL_CF) {
        al = subtract ? al - 0x60 : al + 0x60;
        flags |= EFL_CF;
    } else if (!subtract) {
        flags &= ~(uint64_t)EFL_CF;
    }
    set_al(cpu, al);
    cpu->flags = flags | pzs(al);
}

HELPER_FN(daa)
{
    (void)m, (void)g;
    decimal_adjust(cpu, false);
    return INTERP_OK;
}

HELPER_FN(das)
{
    (void)m, (void)g;
    decimal_adjust(cpu, true);
    return INTERP_OK;
}

static void ascii_adjust(struct guest_cpu *cpu, int sign)
{
    unsigned ax = cpu->gpr[GUEST_RAX] & 0xffff;
    uint64_t flags = 0;
    if ((ax & 15) > 9 || cpu->flags & EFL_AF) {
        ax += (unsigned)sign * 0x106;
        flags = EFL_AF | EFL_CF;
    }
    ax &= 0xff0f;
    set_ax(cpu, ax);
    cpu->flags = flags | pzs(ax);
}

HELPER_FN(aaa)
{
    (void)m, (void)g;
    ascii_adjust(cpu, 1);
    return INTERP_OK;
}

HELPER_FN(aas)
{
    (void)m, (void)g;
    ascii_adjust(cpu, -1);
    return INTERP_OK;
}

HELPER_FN(aam)
{
    unsigned base = g->imm & 0xff, al = cpu->gpr[GUEST_RAX] & 0xff;
    if (!base)
        return interp_raise(m, GUEST_DE, 0);
    set_ax(cpu, al / base << 8 | al % base);
    cpu->flags = pzs(al % base);
    return INTERP_OK;
}

HELPER_FN(aad)
{
    unsigned ax = cpu->gpr[GUEST_RAX] & 0xffff, al = ((ax >> 8) * (g->imm & 0xff) + ax) & 0xff;
    (void)m;
    set_ax(cpu, al);
    cpu->flags = pzs(al);
    return INTERP_OK;
}
