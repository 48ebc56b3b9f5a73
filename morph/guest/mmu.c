/* The walk of four-level page tables as SDM volume 3, 4.5 to 4.8 has it. Physical addresses have 32 bits. */
#include "mmu.h"

#include "port.h"
#include "shared.h"

#define PTE_P   UINT64_C(1)
#define PTE_W   UINT64_C(2)
#define PTE_U   UINT64_C(4)
#define PTE_A   UINT64_C(0x20)
#define PTE_D   UINT64_C(0x40)
#define PTE_PS  UINT64_C(0x80)
#define PTE_NX  (UINT64_C(1) << 63)
#define PTE_TOO_HIGH UINT64_C(0x000fffff00000000) /* address bits beyond the physical width */

enum { CR0_WP = 1u << 16, CR4_SMEP = 1u << 20, CR4_SMAP = 1u << 21, EFER_NXE = 1u << 11 };
enum { TOP_SHIFT = 39, LEVEL_BITS = 9, PAGE_SHIFT = 12 };

/* Bits of an entry that must be zero. `shift` is that of the linear address bits above what the entry covers. */
static uint64_t reserved_bits(const struct guest_cpu *cpu, uint64_t entry, unsigned shift)
{
    uint64_t bits = PTE_TOO_HIGH;
    if (!(cpu->efer & EFER_NXE))
        bits |= PTE_NX;
    if (shift == TOP_SHIFT)
        bits |= PTE_PS;
    else if (shift > PAGE_SHIFT && entry & PTE_PS)
        bits |= ((UINT64_C(1) << shift) - 1) & ~UINT64_C(0x1fff);
    return bits;
}

/* Whether a page with these permissions - those of all levels together - may be accessed. */
static bool allowed(const struct guest_cpu *cpu, uint64_t rights, bool nx, enum mmu_access access)
{
    if (access == MMU_EXEC && nx)
        return false;
    if (cpu->user)
        return rights & PTE_U && (access != MMU_WRITE || rights & PTE_W);
    if (rights & PTE_U) {
        if (access == MMU_EXEC && cpu->cr4 & CR4_SMEP)
            return false;
        if (access != MMU_EXEC && cpu->cr4 & CR4_SMAP && !(cpu->sysflags & EFL_AC))
            return false;
    }
    return access != MMU_WRITE || rights & PTE_W || !(cpu->cr0 & CR0_WP);
}

static struct mmu_result fault(const struct guest_cpu *cpu, enum mmu_access access, uint32_t error)
{
    error |= access == MMU_WRITE ? PF_WRITE : 0;
    error |= cpu->user ? PF_USER : 0;
    /* SDM 3, 4.7: the I/D bit is for NXE or SMEP only. */
    if (access == MMU_EXEC && (cpu->efer & EFER_NXE || cpu->cr4 & CR4_SMEP))
        error |= PF_FETCH;
    return (struct mmu_result){.error = error};
}

struct mmu_result mmu_translate(const struct shared *sh, uint64_t lin, enum mmu_access access)
{
    const struct guest_cpu *cpu = &sh->cpu;
    uint64_t rights = PTE_W | PTE_U, table = cpu->cr3 & ~UINT64_C(0xfff);
    uint64_t slots[4], entries[4];
    bool nx = false;
    unsigned depth = 0, shift = TOP_SHIFT;

    for (;; shift -= LEVEL_BITS, depth++) {
        uint64_t slot = table | (lin >> shift & 511) * 8;
        /* A table outside memory reads as ones, so its entries have reserved bits set. */
        uint64_t entry = slot < sh->dram_size ? pld64(slot) : ~UINT64_C(0);
        slots[depth] = slot;
        entries[depth] = entry;
        if (!(entry & PTE_P))
            return fault(cpu, access, 0);
        if (entry & reserved_bits(cpu, entry, shift))
            return fault(cpu, access, PF_PRESENT | PF_RESERVED);
        rights &= entry;
        nx |= entry >> 63;
        table = entry & 0xfffff000;
        if (shift == PAGE_SHIFT || entry & PTE_PS)
            break;
    }
    if (!allowed(cpu, rights, nx, access))
        return fault(cpu, access, PF_PRESENT);
    for (unsigned i = 0; i <= depth; i++) {
        uint64_t set = PTE_A | (i == depth && access == MMU_WRITE ? PTE_D : 0);
        if ((entries[i] & set) != set)
            pst64(slots[i], entries[i] | set);
    }
    uint64_t offset = (UINT64_C(1) << shift) - 1;
    return (struct mmu_result){.paddr = (table & ~offset) | (lin & offset), .page_bits = shift, .ok = true};
}
