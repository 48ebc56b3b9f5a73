/* Software walk of the guest's four-level page tables: for faults, code fetch and NX. The TLB is filled elsewhere. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct shared;

enum mmu_access { MMU_READ, MMU_WRITE, MMU_EXEC };

/* page-fault error code */
enum {
    PF_PRESENT = 1,
    PF_WRITE = 2,
    PF_USER = 4,
    PF_RESERVED = 8,
    PF_FETCH = 16,
};

struct mmu_result {
    uint64_t paddr;     /* physical address; valid if ok; below 4 GiB, but perhaps no memory */
    uint32_t error;     /* page-fault error code if not ok */
    uint32_t page_bits; /* 12, 21 or 30; valid if ok */
    bool ok;
};

/* Translates the linear address for an access by the CPU's current privilege (cpu.user) and sets accessed and dirty bits as the
 * processor does. IA-32 addresses must have been wrapped to 32 bits, others be canonical (mmu_canonical). */
struct mmu_result mmu_translate(const struct shared *sh, uint64_t lin, enum mmu_access access);

static inline bool mmu_canonical(uint64_t lin) { return (uint64_t)((int64_t)(lin << 16) >> 16) == lin; }
