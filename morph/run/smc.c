/* Guest code that changes: marking what must not change unseen, and forgetting it when it does.
 *
 * A page is marked whole when its first code is decoded, so that the TLB is flushed once a page and not once a block. A
 * page that has been stored to since is marked chunk by chunk, if the policy says so: it has data and code close together. Code on
 * a page that lost translations again and again has to be executed more often before it is translated: what is translated just to
 * be thrown away costs more than interpreting it.
 */
#include "cache/cache.h"
#include "guest/block.h"
#include "guest/interp.h"
#include "guest/mmu.h"
#include "morph.h"
#include "port.h"
#include "run.h"

static bool is_fine(const struct morph *m, uint64_t frame) { return m->policy.smc->by_chunks && m->written[frame]; }

static void set_mask(struct morph *m, uint64_t frame, uint64_t mask)
{
    if (m->tmask[frame] == mask)
        return;
    m->tmask[frame] = mask;
    if (frame < m->marked_low)
        m->marked_low = frame;
    if (frame >= m->marked_end)
        m->marked_end = frame + 1;
    port_tlb_refill(); /* the page may be mapped in several places */
}

void morph_mark_code(struct morph *m, uint32_t paddr, uint32_t len)
{
    uint64_t frame = paddr >> 12;
    if (frame >= m->frames || !len)
        return;
    if (!is_fine(m, frame)) {
        set_mask(m, frame, ~UINT64_C(0));
        return;
    }
    unsigned first = (paddr & 4095) / 64, last = ((paddr & 4095) + len - 1) / 64;
    if (last > 63)
        last = 63;
    uint64_t bits = (~UINT64_C(0) >> (63 - (last - first))) << first;
    set_mask(m, frame, m->tmask[frame] | bits);
}

void morph_drop_page(struct morph *m, uint32_t paddr)
{
    uint64_t frame = paddr >> 12;
    if (frame >= m->frames)
        return;
    cache_drop_frame(m, paddr);
    block_drop_page(m->blocks, paddr);
    set_mask(m, frame, 0);
}

void morph_drop_all(struct morph *m)
{
    cache_flush(m);
    block_drop_all(m->blocks);
    for (uint64_t i = m->marked_low; i < m->marked_end; i++)
        m->tmask[i] = 0;
    m->marked_low = m->frames;
    m->marked_end = 0;
    port_tlb_refill();
}

/* Frame of a guest address that is stored to; false: it is not mapped. */
static bool frame_of(struct morph *m, uint64_t lin, uint32_t *paddr)
{
    struct mmu_result r = mmu_translate(m->sh, lin, MMU_WRITE);
    *paddr = (uint32_t)r.paddr;
    return r.ok;
}

int smc_step(struct morph *m, uint64_t lin)
{
    struct shared *sh = m->sh;
    uint32_t page[2];
    unsigned n = 0;
    enum interp_result r = INTERP_SMC;

    sh->stats.smc_traps++;
    /* A store that crosses pages may trap once for each. */
    while (r == INTERP_SMC && n < 2 && frame_of(m, lin, &page[n])) {
        uint64_t frame = page[n] >> 12;
        uint64_t lost = sh->stats.tcache_invalidations;
        morph_drop_page(m, page[n++]);
        lost = sh->stats.tcache_invalidations - lost;
        if (!m->written[frame] || (lost && m->written[frame] < UINT8_MAX))
            m->written[frame]++;
        struct block_fault fault;
        struct gblock *b;
        if (block_make(m, sh->cpu.rip, &b, &fault) != BLOCK_OK)
            return INTERP_OK; /* full: the dispatcher makes room and comes back */
        for (unsigned i = 0; i < n; i++)
            set_mask(m, page[i] >> 12, 0);
        r = interp_block(m, b, 1);
        lin = m->interp.addr;
    }
    for (unsigned i = 0; i < n; i++) /* what was decoded there just now may have been written over */
        morph_drop_page(m, page[i]);
    return r;
}
