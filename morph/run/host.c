/* Host calls that the dispatcher makes, and what the host may want after one. */
#include "cache/cache.h"
#include "guest/block.h"
#include "morph.h"
#include "port.h"
#include "run.h"

/* The stop address is compiled into translations: they end before it. */
uint64_t run_stop_key(const struct shared *sh) { return sh->params.stop_rip_on ? sh->params.stop_rip : ~UINT64_C(0); }

void run_mode(const struct morph *m)
{
    const struct guest_cpu *cpu = &m->sh->cpu;
    port_gctl((cpu->mode == GUEST_IA32 ? 1u : 0) | (cpu->user ? 2u : 0));
}

void run_resume(struct morph *m)
{
    struct shared *sh = m->sh;
    uint64_t want = sh->hc.resume, start = sh->hc.inval_start, end = sh->hc.inval_end;
    sh->hc.resume = 0;
    sh->walk_root = sh->cpu.cr3 & ~UINT64_C(0xfff);
    if (want & RESUME_RESET || (want & RESUME_CODE_FLUSH && start == 0 && end == 0)) {
        morph_drop_all(m);
    } else if (want & RESUME_CODE_FLUSH && start < end) {
        cache_drop_range(m, start, end);
        block_drop_range(m->blocks, start, end);
    }
    if (want & RESUME_TLB_FLUSH) {
        port_tlb_flush();
        block_new_epoch(m->blocks);
    }
    run_mode(m);
    if (m->tcache->stop_rip != run_stop_key(sh)) {
        cache_flush(m);
        block_new_epoch(m->blocks); /* the interpreter asks again which blocks it may go on with */
        m->tcache->stop_rip = run_stop_key(sh);
    }
}

void run_trace(struct morph *m, const struct gblock *b)
{
    struct shared *sh = m->sh;
    const struct translation *t = &m->tcache->tr[m->tcache->ntr - 1];
    sh->hc.arg[0] = b->rip;
    sh->hc.arg[1] = t->entry;
    sh->hc.arg[2] = t->end - t->entry;
    sh->hc.arg[3] = t->gear;
    sh->hc.arg[4] = b->len;
    sh->hc.arg[5] = (uint64_t)(uintptr_t)m;
    port_hcall(HC_TRACE);
}
