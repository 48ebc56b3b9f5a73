/* morph on the host: see port_host.h. */
#include "port.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duke_isa.h"
#include "guest/mmu.h"

_Thread_local struct port_host *port_host;

enum { PAGE = 4096 };

/* Undoes gated stores and leaves to the guard. */
static _Noreturn void fault(uint64_t lin, bool store, unsigned size, unsigned cause)
{
    struct port_host *p = port_host;
    while (p->ngated) {
        p->ngated--;
        memcpy(p->gated[p->ngated].at, &p->gated[p->ngated].old, p->gated[p->ngated].size);
    }
    p->fault = (struct port_fault){.cause = cause, .store = store, .size = (uint16_t)size, .addr = lin};
    longjmp(p->guard, 1);
}

/* Where the byte at `lin` is. */
static uint8_t *translate(uint64_t lin, bool store, unsigned size)
{
    struct port_host *p = port_host;
    uint64_t page = lin / PAGE;
    struct port_host_tlb *e = &p->tlb[page % PORT_HOST_TLB];
    if (e->tag != page + 1 || (store && !e->writable)) {
        struct mmu_result r = {.ok = false};
        if (p->sh->cpu.mode == GUEST_IA32 || mmu_canonical(lin))
            r = mmu_translate(p->sh, lin, store ? MMU_WRITE : MMU_READ);
        if (!r.ok)
            fault(lin, store, size, store ? DUKE_TRAP_TLB_MISS_STORE : DUKE_TRAP_TLB_MISS_LOAD);
        assert(r.paddr < p->ram_size);
        *e = (struct port_host_tlb){
            .tag = page + 1,
            .page = p->ram + (r.paddr & ~UINT64_C(0xfff)),
            .frame = r.paddr / PAGE,
            .writable = store,
        };
    }
    if (store && p->tmask && p->tmask[e->frame] >> (lin % PAGE / 64) & 1)
        fault(lin, store, size, DUKE_TRAP_TRANSLATED);
    return e->page + lin % PAGE;
}

static uint64_t wrap(uint64_t lin) { return port_host->sh->cpu.mode == GUEST_IA32 ? (uint32_t)lin : lin; }

uint64_t port_host_load(uint64_t lin, unsigned size)
{
    uint64_t v = 0;
    lin = wrap(lin);
    unsigned first = PAGE - lin % PAGE;
    if (first >= size) {
        memcpy(&v, translate(lin, false, size), size);
        return v;
    }
    const uint8_t *low = translate(lin, false, size);
    memcpy(&v, low, first);
    memcpy((uint8_t *)&v + first, translate(wrap(lin + first), false, size), size - first);
    return v;
}

static void store_part(uint8_t *at, const void *data, unsigned size)
{
    struct port_host *p = port_host;
    assert(p->ngated < PORT_HOST_GATED);
    p->gated[p->ngated].at = at;
    p->gated[p->ngated].size = size;
    memcpy(&p->gated[p->ngated].old, at, size);
    p->ngated++;
    memcpy(at, data, size);
}

void port_host_store(uint64_t lin, uint64_t v, unsigned size)
{
    lin = wrap(lin);
    unsigned first = PAGE - lin % PAGE;
    if (first >= size) {
        translate(lin, true, size);
        /* The last byte may lie in another chunk of translated code. */
        if (lin / 64 != (lin + size - 1) / 64)
            translate(lin + size - 1, true, size);
        store_part(translate(lin, true, size), &v, size);
        return;
    }
    translate(lin, true, size); /* a fault of the lower page comes first */
    uint8_t *high = translate(wrap(lin + first), true, size), *low = translate(lin, true, size);
    store_part(low, &v, first);
    store_part(high, (uint8_t *)&v + first, size - first);
}

void port_tlb_refill(void) { port_tlb_flush(); }

void port_tlb_flush(void) { memset(port_host->tlb, 0, sizeof port_host->tlb); }

void port_tlb_inval(uint64_t lin) { port_host->tlb[lin / PAGE % PORT_HOST_TLB].tag = 0; }

uint64_t pld64(uint64_t paddr)
{
    uint64_t v;
    assert(paddr + 8 <= port_host->ram_size);
    memcpy(&v, port_host->ram + paddr, 8);
    return v;
}

void pst64(uint64_t paddr, uint64_t v)
{
    assert(paddr + 8 <= port_host->ram_size);
    memcpy(port_host->ram + paddr, &v, 8);
}

int port_enter(uint32_t native)
{
    (void)native;
    port_panic("the host build cannot run translated code");
}

void port_xmm_save(void) { port_panic("the host has no translated code"); }
void port_x87_save(void) { port_xmm_save(); }
uint64_t port_x87_stack(void) { port_panic("the host has no translated code"); }

void port_hcall(unsigned n)
{
    if (port_host->hcall)
        port_host->hcall(port_host->hcall_arg, n);
}

void port_panic(const char *why)
{
    fprintf(stderr, "morph: %s\n", why);
    abort();
}

/* Page tables grow from the start of DRAM: frame 0 holds the next free frame's number in its last word, frame 1 is the root. */
static uint64_t new_table(void)
{
    struct port_host *p = port_host;
    uint64_t next = pld64(PAGE - 8);
    assert((next + 1) * PAGE <= p->ram_size);
    pst64(PAGE - 8, next + 1);
    memset(p->ram + next * PAGE, 0, PAGE);
    return next * PAGE;
}

struct port_host *port_host_make(struct shared *sh, uint64_t ram_size)
{
    struct port_host *p = calloc(1, sizeof *p);
    if (!p || !(p->ram = calloc(1, ram_size)))
        abort();
    p->sh = sh;
    p->ram_size = ram_size;
    p->ilimit = UINT64_MAX;
    port_host = p;
    pst64(PAGE - 8, 1);
    sh->dram_size = ram_size;
    sh->cpu.cr3 = new_table();
    sh->cpu.cr0 = 0x80050033; /* PG AM WP NE ET MP PE */
    sh->cpu.cr4 = 0x620;      /* OSXMMEXCPT OSFXSR PAE */
    sh->cpu.efer = 0xd01;     /* NXE LMA LME SCE */
    sh->cpu.user = 1;
    return p;
}

void port_host_free(struct port_host *p)
{
    free(p->ram);
    free(p);
}

void port_host_map(uint64_t lin, uint64_t paddr, uint64_t size, unsigned prot)
{
    enum { P = 1, W = 2, U = 4, A = 32, D = 64 };
    for (uint64_t off = 0; off < size; off += PAGE) {
        uint64_t at = port_host->sh->cpu.cr3;
        for (unsigned shift = 39; shift > 12; shift -= 9) {
            uint64_t slot = at + ((lin + off) >> shift & 511) * 8, entry = pld64(slot);
            if (!(entry & P)) {
                entry = new_table() | P | W | U | A;
                pst64(slot, entry);
            }
            at = entry & UINT64_C(0xffffffffff000);
        }
        uint64_t entry = (paddr + off) | P | U | A | D | (prot & PORT_HOST_WRITE ? W : 0) |
                         (prot & PORT_HOST_EXEC ? 0 : UINT64_C(1) << 63);
        pst64(at + ((lin + off) >> 12 & 511) * 8, prot ? entry : 0);
    }
    port_tlb_flush();
}
