/* morph's port to the host: for tests, fuzzers and tools. See morph/port.h.
 *
 * Guest DRAM is one buffer; linear addresses go through the guest's own page tables in it (guest/mmu.c), with a small
 * direct-mapped cache. Gated stores are made at once and undone by a fault, which is what the core's loads see too.
 * Translated code cannot run here: port_enter panics.
 */
#pragma once
#include <setjmp.h>

#include "shared.h"

enum { PORT_HOST_TLB = 256, PORT_HOST_GATED = 64 };

struct port_host_tlb {
    uint64_t tag; /* page number + 1; 0 empty */
    uint8_t *page;
    uint64_t frame;
    bool writable;
};

struct port_host {
    struct shared *sh;
    uint8_t *ram;
    uint64_t ram_size;
    const uint64_t *tmask; /* one 64-bit mask of translated chunks a page frame, or NULL */
    uint64_t icount, ilimit;
    struct port_fault fault;
    jmp_buf guard;
    struct {
        uint8_t *at;
        uint64_t old;
        unsigned size;
    } gated[PORT_HOST_GATED];
    unsigned ngated;
    struct port_host_tlb tlb[PORT_HOST_TLB];
    void (*hcall)(void *arg, unsigned n); /* serves port_hcall; NULL: ignored */
    void *hcall_arg;
};

extern _Thread_local struct port_host *port_host; /* the machine in use on this thread */

/* Guest memory of the machine in use, through its page tables; faults go to the guard. */
uint64_t port_host_load(uint64_t lin, unsigned size);
void port_host_store(uint64_t lin, uint64_t v, unsigned size);

static inline uint64_t gld8(uint64_t lin) { return port_host_load(lin, 1); }
static inline uint64_t gld16(uint64_t lin) { return port_host_load(lin, 2); }
static inline uint64_t gld32(uint64_t lin) { return port_host_load(lin, 4); }
static inline uint64_t gld64(uint64_t lin) { return port_host_load(lin, 8); }
static inline void gst8(uint64_t lin, uint64_t v) { port_host_store(lin, v, 1); }
static inline void gst16(uint64_t lin, uint64_t v) { port_host_store(lin, v, 2); }
static inline void gst32(uint64_t lin, uint64_t v) { port_host_store(lin, v, 4); }
static inline void gst64(uint64_t lin, uint64_t v) { port_host_store(lin, v, 8); }

static inline void port_commit(unsigned n)
{
    struct port_host *p = port_host;
    p->ngated = 0;
    p->icount += n;
    if (p->icount >= p->ilimit) { /* what the firmware's handler of the interrupt does */
        p->ilimit = UINT64_MAX;
        p->sh->follow_key = 0;
    }
}

enum { PORT_TAIL_CALLS = 0 }; /* not sure at all levels of optimization */
#define port_guard() setjmp(port_host->guard)
static inline struct port_fault port_fault(void) { return port_host->fault; }
static inline uint64_t port_icount(void) { return port_host->icount; }
static inline void port_uncount(uint64_t n) { port_host->icount -= n; }
static inline void port_set_ilimit(uint64_t limit) { port_host->ilimit = limit; }
static inline void port_gctl(unsigned bits) { (void)bits; } /* guest/mmu.c looks at the CPU */
/* The rest of ../port.h. */
void port_tlb_flush(void);
void port_tlb_refill(void);
void port_tlb_inval(uint64_t lin);
uint64_t pld64(uint64_t paddr);
void pst64(uint64_t paddr, uint64_t v);
static inline const uint8_t *port_phys(uint64_t paddr) { return port_host->ram + paddr; }
int port_enter(uint32_t native);
static inline void port_itc_write(uint64_t guest, uint32_t native) { (void)guest, (void)native; }
static inline void port_itc_flush(void) {}
static inline void port_code_sync_range(uint32_t native, uint32_t size)
{
    (void)native;
    (void)size;
}
static inline void port_cat(unsigned category) { (void)category; }
void port_hcall(unsigned n);
void port_xmm_save(void);
void port_x87_save(void);
uint64_t port_x87_stack(void);
static inline uint64_t port_cycles(void) { return 0; }
void port_panic(const char *why) __attribute__((noreturn));

/* For tests: a machine of `ram_size` bytes of DRAM with empty page tables at its start; makes it the thread's. */
struct port_host *port_host_make(struct shared *sh, uint64_t ram_size);
void port_host_free(struct port_host *p);
/* Maps [lin, lin + size), whole pages, at paddr with PORT_HOST_* permissions; 0 unmaps. */
enum { PORT_HOST_READ = 1, PORT_HOST_WRITE = 2, PORT_HOST_EXEC = 4 };
void port_host_map(uint64_t lin, uint64_t paddr, uint64_t size, unsigned prot);
