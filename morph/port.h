/* What morph needs of the platform it runs on. Duke: firmware/port_duke.h. Host builds: morph/host/port_host.h. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port_exit.h"

struct morph;

/* A guest access that faulted. */
struct port_fault {
    uint32_t cause; /* trap cause number of isa-spec/duke/traps.toml */
    uint16_t store; /* 1 for a store */
    uint16_t size;  /* bytes of the access */
    uint64_t addr;  /* guest linear address */
};

#if defined(__DUKE__)
#include "port_duke.h"
#else
#include "port_host.h"
#endif

/* Either header gives, as static inline where it matters for speed:
 *
 *   uint64_t gld8/gld16/gld32/gld64(uint64_t lin)          guest load from a linear address
 *   void gst8/gst16/gst32/gst64(uint64_t lin, uint64_t v)  gated guest store
 *     A guest access that faults does not return: control goes to the innermost port_guard with a nonzero value, and
 *     port_fault() describes the fault. Gated stores are dropped then.
 *   void port_commit(unsigned n)  makes gated stores architectural and counts n guest instructions (n a constant 0..31)
 *   PORT_TAIL_CALLS  1 if the compiler makes jumps of calls in tail position
 *   int  port_guard(void)         0 when armed; nonzero when a guest fault arrives later (a setjmp for one place at a time)
 *   struct port_fault port_fault(void)
 *   uint64_t port_icount(void); void port_uncount(uint64_t n)  takes n off it
 *   void port_gctl(unsigned bits)  control register gctl: bit 0 guest addresses wrap at 32 bits, bit 1 user privilege
 *   void port_tlb_flush(void); void port_tlb_inval(uint64_t lin)  the guest's page tables changed, or the entry of one page
 *   void port_tlb_refill(void)    the translated masks changed, and no page table
 *   uint64_t pld64(uint64_t paddr)  physical load
 *   void pst64(uint64_t paddr, uint64_t v)  physical store: no gated store may be pending for that double word
 *   const uint8_t *port_phys(uint64_t paddr)  guest memory itself, to read up to the end of the page
 *   int  port_enter(uint32_t native) runs translated code; enum port_exit
 *   void port_xmm_save(void)  brings XMM registers and MXCSR's flags home to shared.cpu; only in XMM_IN_REGISTERS
 *   void port_x87_save(void)  stores the x87's registers, struct shared's x87_word and x87_fcsr; only in XMM_IN_REGISTERS, which ends
 *   uint64_t port_x87_stack(void)  X87_STACK in its register
 *   void port_itc_write(uint64_t guest, uint32_t native); void port_itc_flush(void)
 *   void port_code_sync_range(uint32_t native, uint32_t size)  before code that was just written is run
 *   void port_cat(unsigned category)   cycle category from here on (generated DUKE_CAT_*)
 *   void port_hcall(unsigned n)        enum hostcall; returns when the host resumes
 *   uint64_t port_cycles(void)
 *   void port_panic(const char *why)   does not return
 */
