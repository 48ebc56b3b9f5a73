/* morph's port to Duke: guest accesses are ops of the guest space, the rest are builtins of the compiler or a line of
 * assembly in enter.S. See morph/port.h for what each must do.
 */
#pragma once
#include "duke_isa.h"
#include "shared.h"

#define PORT_SHARED ((struct shared *)(uintptr_t)SHARED_ADDR)
#define PORT_GUEST(type, lin) ((volatile type __attribute__((address_space(1))) *)(lin))

/* Builtins of duke-cc: calls to these names become ops. */
void __duke_commit(unsigned n);
unsigned long __duke_rdcr(unsigned cr);
void __duke_wrcr(unsigned cr, unsigned long value);
void __duke_hcall(unsigned n);
void __duke_tlbf(void);
void __duke_tlbi(unsigned long lin);
void __duke_itcw(unsigned long guest, unsigned long native);
void __duke_itcf(void);
void __duke_icf(void);
void __duke_icl(unsigned long line);

static inline uint64_t gld8(uint64_t lin) { return *PORT_GUEST(uint8_t, lin); }
static inline uint64_t gld16(uint64_t lin) { return *PORT_GUEST(uint16_t, lin); }
static inline uint64_t gld32(uint64_t lin) { return *PORT_GUEST(uint32_t, lin); }
static inline uint64_t gld64(uint64_t lin) { return *PORT_GUEST(uint64_t, lin); }
static inline void gst8(uint64_t lin, uint64_t v) { *PORT_GUEST(uint8_t, lin) = (uint8_t)v; }
static inline void gst16(uint64_t lin, uint64_t v) { *PORT_GUEST(uint16_t, lin) = (uint16_t)v; }
static inline void gst32(uint64_t lin, uint64_t v) { *PORT_GUEST(uint32_t, lin) = (uint32_t)v; }
static inline void gst64(uint64_t lin, uint64_t v) { *PORT_GUEST(uint64_t, lin) = v; }

enum { PORT_TAIL_CALLS = 1 };
#define port_commit(n) __duke_commit(n)
static inline uint64_t port_icount(void) { return __duke_rdcr(DUKE_CR_ICOUNT); }
static inline void port_uncount(uint64_t n) { __duke_wrcr(DUKE_CR_ICOUNT, port_icount() - n); }
static inline void port_set_ilimit(uint64_t limit) { __duke_wrcr(DUKE_CR_ILIMIT, limit); }
static inline void port_gctl(unsigned bits) { __duke_wrcr(DUKE_CR_GCTL, bits); }
static inline void port_tlb_refill(void) { __duke_tlbf(); }
static inline void port_tlb_flush(void)
{
    struct walks *w = &PORT_SHARED->walks;
    w->epoch += WALKS_EPOCH;
    if (!w->epoch) {
        w->epoch = WALKS_EPOCH;
        for (unsigned i = 0; i < WALKS; i++)
            w->found[i].key = 0;
    }
    __duke_tlbf();
}
static inline void port_tlb_inval(uint64_t lin)
{
    PORT_SHARED->walks.found[lin >> 12 & (WALKS - 1)].key = 0;
    __duke_tlbi(lin);
}
static inline uint64_t pld64(uint64_t paddr) { return *(volatile uint64_t *)paddr; }
static inline void pst64(uint64_t paddr, uint64_t v) { *(volatile uint64_t *)paddr = v; }
static inline const uint8_t *port_phys(uint64_t paddr) { return (const uint8_t *)paddr; }
static inline void port_itc_write(uint64_t guest, uint32_t native) { __duke_itcw(guest, native); }
static inline void port_itc_flush(void) { __duke_itcf(); }
/* Line by line: the core keeps what else is in its instruction cache. */
static inline void port_code_sync_range(uint32_t native, uint32_t size)
{
    for (uint32_t line = native & ~63u; line < native + size; line += 64)
        __duke_icl(line);
}
static inline uint64_t port_cycles(void) { return __duke_rdcr(DUKE_CR_CYCLE); }
static inline void port_cat(unsigned category) { __duke_wrcr(DUKE_CR_CAT, category); }
/* The host reads and writes memory during a host call: nothing may be kept in registers across it. */
#define port_hcall(n)                         \
    do {                                      \
        __asm__ volatile("" ::: "memory");    \
        __duke_hcall(n);                      \
        __asm__ volatile("" ::: "memory");    \
    } while (0)

int port_guard(void) __attribute__((returns_twice)); /* enter.S */
int port_enter(uint32_t native);                     /* enter.S */
void port_xmm_save(void);                            /* enter.S */
void port_x87_save(void);                            /* enter.S */
uint64_t port_x87_stack(void);                       /* enter.S */
void port_panic(const char *why) __attribute__((noreturn));

static inline struct port_fault port_fault(void)
{
    const struct shared *sh = PORT_SHARED;
    return (struct port_fault){
        .cause = (uint32_t)sh->trap_cause,
        .store = (uint16_t)(sh->trap_info >> 4 & 1),
        .size = (uint16_t)(sh->trap_info & 15),
        .addr = sh->trap_val,
    };
}
