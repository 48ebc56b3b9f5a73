/* Makes struct morph and everything below it. */
#include "cache/cache.h"
#include "duke_isa.h"
#include "gear2.h"
#include "guest/block.h"
#include "guest/x87_home.h"
#include "morph.h"
#include "port.h"
#include "region/region.h"
#include "run.h"

enum { MXCSR_MASKS = 0x1f80, CR0_NO_SIMD = 4 | 8 /* EM, TS */ };
enum { MAX_BLOCKS = 32768, MAX_BLOCKS_KIB = 4096, MIN_BLOCKS = 1024 };

/* Decoded code gets what the tables fit in: a half of what is left, at most MAX_BLOCKS, or in proportion for a translation cache
 * that is larger than MAX_BLOCKS_KIB: what is translated has to be decoded, too. */
static struct block_cache *make_blocks(const struct shared *sh, struct arena *a)
{
    uint64_t left = a->size - a->used, per_block = sizeof(struct gblock) + 6 * sizeof(struct ginsn) + 16;
    uint64_t n = left / 2 / per_block, most = MAX_BLOCKS;
    if (sh->params.tcache_kib > MAX_BLOCKS_KIB)
        most = MAX_BLOCKS * sh->params.tcache_kib / MAX_BLOCKS_KIB;
    if (n > most)
        n = most;
    if (n < MIN_BLOCKS)
        return NULL;
    struct block_cache *c = block_cache_make(a, (uint32_t)n, (uint32_t)n * 6);
    for (unsigned mode = 0; c && mode < 2; mode++)
        c->memo.lacks[mode] = guest_lacks(sh->params.guest_cpu, (enum guest_mode)mode);
    return c;
}

struct morph *morph_init(struct shared *sh, void *base, uint64_t size)
{
    struct arena a = {.base = base, .size = size};
    struct morph *m = arena_alloc(&a, sizeof *m, 64);
    if (!m)
        return NULL;
    *m = (struct morph){.sh = sh, .machine = &DUKE_MACHINE, .frames = sh->dram_size / 4096};
    if (!sh->store_buffer || sh->store_buffer > m->machine->spec_store_buffer)
        sh->store_buffer = m->machine->spec_store_buffer;
    m->policy = policies_chosen(&sh->params);
    m->tcache = cache_make(&a, &sh->params, m->policy.evict); /* first: it must lie near the firmware's stubs */
    m->gear2 = arena_alloc(&a, sizeof *m->gear2, 64);
    m->tmask = arena_alloc(&a, m->frames * sizeof *m->tmask, 64);
    m->written = arena_alloc(&a, m->frames, 64);
    if (!m->tcache || !m->gear2 || !m->tmask || !m->written)
        return NULL;
    m->gear2->ir.entries_made = 0;
    opt_init(&m->gear2->table);
    gen_init(&m->gear2->gen, m->machine, cache_is_far(m->tcache));
    m->arena = a;
    if (sh->params.gear_max >= 3 && !(m->region = region_make(m)))
        return NULL;
    a = m->arena;
    m->blocks = make_blocks(sh, &a);
    if (!m->blocks)
        return NULL;
    m->marked_low = m->frames;
    m->arena = a;
    m->tcache->env = run_env(m);
    m->tcache->stop_rip = run_stop_key(sh);
    sh->tmask_base = (uint64_t)(uintptr_t)m->tmask;
    return m;
}

uint32_t run_env(const struct morph *m)
{
    const struct guest_cpu *cpu = &m->sh->cpu;
    uint64_t bases = cpu->seg_base[GUEST_ES] | cpu->seg_base[GUEST_CS] | cpu->seg_base[GUEST_SS] | cpu->seg_base[GUEST_DS];
    bool off = (~cpu->mxcsr & MXCSR_MASKS) | (cpu->cr0 & CR0_NO_SIMD);
    uint32_t simd = off || !m->machine->units_fp || !m->machine->units_vec ? 0 : RUN_ENV_SIMD;
    if (m->machine->units_x87 && x87_translatable(cpu))
        simd |= RUN_ENV_X87;
    if (cpu->mode != GUEST_IA32)
        return 1 | simd;
    return simd | (bases == 0 ? 1u : 0) | ((cpu->seg_sel[GUEST_FS] & 0xfffc) == 0 ? 2u : 0) |
           ((cpu->seg_sel[GUEST_GS] & 0xfffc) == 0 ? 4u : 0);
}
