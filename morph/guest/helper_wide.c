/* 128-bit forms: division of rdx:rax and cmpxchg16b; and PDEP and PEXT, bit by bit. */
#include "helper.h"

/* Quotient and remainder of hi:lo by d, hi < d: one bit a step, with the 129th bit in `carry`. */
static uint64_t divide(uint64_t hi, uint64_t lo, uint64_t d, uint64_t *rem)
{
    for (unsigned i = 0; i < 64; i++) {
        uint64_t carry = hi >> 63;
        hi = hi << 1 | lo >> 63;
        lo <<= 1;
        if (carry || hi >= d) {
            hi -= d;
            lo |= 1;
        }
    }
    *rem = hi;
    return lo;
}

HELPER_FN(div128)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    uint64_t d = rd(&c, 0), rem;
    if (cpu->gpr[GUEST_RDX] >= d)
        return interp_raise(m, GUEST_DE, 0);
    uint64_t q = divide(cpu->gpr[GUEST_RDX], cpu->gpr[GUEST_RAX], d, &rem);
    cpu->gpr[GUEST_RAX] = q;
    cpu->gpr[GUEST_RDX] = rem;
    return INTERP_OK;
}

HELPER_FN(idiv128)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    uint64_t d = rd(&c, 0), hi = cpu->gpr[GUEST_RDX], lo = cpu->gpr[GUEST_RAX], rem;
    bool neg = hi >> 63, negative_quotient = neg != (d >> 63);
    if (neg) {
        hi = ~hi + (lo == 0);
        lo = -lo;
    }
    uint64_t magnitude = d >> 63 ? -d : d;
    if (hi >= magnitude)
        return interp_raise(m, GUEST_DE, 0);
    uint64_t q = divide(hi, lo, magnitude, &rem);
    if (q > (UINT64_C(1) << 63) - !negative_quotient)
        return interp_raise(m, GUEST_DE, 0);
    cpu->gpr[GUEST_RAX] = negative_quotient ? -q : q;
    cpu->gpr[GUEST_RDX] = neg ? -rem : rem;
    return INTERP_OK;
}

HELPER_FN(cmpxchg16b)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    if (c.mem & 15)
        return interp_raise(m, GUEST_GP, 0);
    uint64_t lo = gld64(c.mem), hi = gld64(c.mem + 8);
    bool same = lo == cpu->gpr[GUEST_RAX] && hi == cpu->gpr[GUEST_RDX];
    gst64(c.mem, same ? cpu->gpr[GUEST_RBX] : lo);
    gst64(c.mem + 8, same ? cpu->gpr[GUEST_RCX] : hi);
    set_reg(&c, GUEST_RAX, lo, 8);
    set_reg(&c, GUEST_RDX, hi, 8);
    set_flags(&c, (cpu->flags & ~(uint64_t)EFL_ZF) | (same ? EFL_ZF : 0));
    return INTERP_OK;
}

HELPER_FN(pdep)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    uint64_t from = rdz(&c, 1), mask = rdz(&c, 2), r = 0;
    for (; mask; mask &= mask - 1, from >>= 1)
        if (from & 1)
            r |= mask & -mask;
    wr(&c, 0, r);
    return INTERP_OK;
}

HELPER_FN(pext)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    uint64_t from = rdz(&c, 1), mask = rdz(&c, 2), r = 0, bit = 1;
    for (; mask; mask &= mask - 1, bit <<= 1)
        if (from & mask & -mask)
            r |= bit;
    wr(&c, 0, r);
    return INTERP_OK;
}
