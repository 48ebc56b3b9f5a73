/* Builtins of duke-cc: calls to these names become single ops. See docs/core.md for what the ops do. */
#pragma once

#define DUKE_PURE __attribute__((const, nothrow))
/* A pointer to guest memory: loads and stores through it are ldg and stg. */
#define DUKE_GUEST __attribute__((address_space(1)))

/* n and cr are constants. commit is ordered with guest accesses, not with native ones. */
void __duke_commit(unsigned n);
unsigned long __duke_rdcr(unsigned cr);
void __duke_wrcr(unsigned cr, unsigned long value);
void __duke_hcall(unsigned n);
void __duke_trap(unsigned n);
void __duke_rollback(void);
void __duke_tlbf(void);
void __duke_tlbi(unsigned long va);
void __duke_tlbw(unsigned long va, unsigned long pa, unsigned long mask);
void __duke_itcw(unsigned long guest, unsigned long native);
void __duke_itcf(void);
void __duke_icf(void);
void __duke_icl(unsigned long line);
void __duke_alclr(void);

/* Any integer op of formats R3, R4 and R4X is __duke_<name>, dots as underscores. Those that C cannot say: */
#define DUKE_FLAGS2(name)                                                      \
    DUKE_PURE unsigned long __duke_##name##_b(unsigned long a, unsigned long b); \
    DUKE_PURE unsigned long __duke_##name##_h(unsigned long a, unsigned long b); \
    DUKE_PURE unsigned long __duke_##name##_w(unsigned long a, unsigned long b); \
    DUKE_PURE unsigned long __duke_##name##_d(unsigned long a, unsigned long b);
#define DUKE_FLAGS3(name)                                                                       \
    DUKE_PURE unsigned long __duke_##name##_b(unsigned long a, unsigned long b, unsigned long c); \
    DUKE_PURE unsigned long __duke_##name##_h(unsigned long a, unsigned long b, unsigned long c); \
    DUKE_PURE unsigned long __duke_##name##_w(unsigned long a, unsigned long b, unsigned long c); \
    DUKE_PURE unsigned long __duke_##name##_d(unsigned long a, unsigned long b, unsigned long c);
DUKE_FLAGS2(addf) /* x86 flags of a + b, in EFLAGS positions */
DUKE_FLAGS2(subf)
DUKE_FLAGS2(tstf) /* of a & b */
DUKE_FLAGS2(orf)
DUKE_FLAGS2(xorf)
DUKE_FLAGS2(incf) /* b: old flags, for CF */
DUKE_FLAGS2(decf)
DUKE_FLAGS2(shlf)
DUKE_FLAGS2(shrf)
DUKE_FLAGS2(sarf)
DUKE_FLAGS3(adcf) /* c: flags, for CF */
DUKE_FLAGS3(sbbf)
DUKE_PURE unsigned long __duke_adc(unsigned long a, unsigned long b, unsigned long flags);
DUKE_PURE unsigned long __duke_sbb(unsigned long a, unsigned long b, unsigned long flags);
DUKE_PURE unsigned long __duke_setcc(unsigned long flags, unsigned long cc);
/* a if condition cc, a constant, holds for flags, else b. */
DUKE_PURE unsigned long __duke_selcc(unsigned long a, unsigned long b, unsigned long flags, unsigned cc);
DUKE_PURE unsigned long __duke_ins_b(unsigned long a, unsigned long b);
DUKE_PURE unsigned long __duke_ins_bh(unsigned long a, unsigned long b);
DUKE_PURE unsigned long __duke_ins_h(unsigned long a, unsigned long b);
#undef DUKE_FLAGS2
#undef DUKE_FLAGS3
