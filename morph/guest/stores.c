/* Stores that are tried before they are made: see stores.h. */
#include "stores.h"

#include "../port.h"
#include "mmu.h"

void stores_put(uint64_t lin, uint64_t v, unsigned size)
{
    switch (size) {
    case 1: gst8(lin, v); break;
    case 2: gst16(lin, v); break;
    case 4: gst32(lin, v); break;
    default: gst64(lin, v); break;
    }
}

static bool writable(const struct shared *sh, uint64_t lin)
{
    if (sh->cpu.mode == GUEST_IA32)
        lin = (uint32_t)lin;
    return mmu_canonical(lin) && mmu_translate(sh, lin, MMU_WRITE).ok;
}

void stores_try(struct shared *sh, uint64_t lin, uint64_t v, unsigned size)
{
    if (writable(sh, lin) && writable(sh, lin + size - 1)) /* else v itself: the fault should be a store's, not a load's */
        v = size == 1 ? gld8(lin) : size == 2 ? gld16(lin) : size == 4 ? gld32(lin) : gld64(lin);
    stores_put(lin, v, size);
    port_commit(0);
}
