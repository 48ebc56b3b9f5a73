/* The functional engine: creation, memory, state, and the choice between its two executors. */
#define _GNU_SOURCE
#include "engine_func.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "duke_disasm.h"

enum { GIB = 1 << 30 };
static const size_t address_space = (size_t)2 * GIB; /* DRAM from 0, hidden memory from 1 GiB */

static struct func *self(struct engine *base) { return (struct func *)((char *)base - offsetof(struct func, base)); }

static const struct func *self_const(const struct engine *base)
{
    return (const struct func *)((const char *)base - offsetof(struct func, base));
}

static void func_destroy(struct engine *base)
{
    struct func *e = self(base);
    func_code_destroy(e);
    func_inject_free(e);
    if (e->memory != NULL)
        munmap(e->memory, address_space);
    free(e->code_page);
    free(e->tlb);
    free(e->tlb_next);
    free(e->itc);
    free(e->ras);
    free(e->decoded);
    free(e);
}

static void reset(struct engine *base)
{
    struct func *e = self(base);
    memset(e->reg, 0, sizeof e->reg);
    memset(e->shadow, 0, sizeof e->shadow);
    memset(e->exponent, 0, sizeof e->exponent);
    memset(e->exponent_shadow, 0, sizeof e->exponent_shadow);
    memset(&e->counters, 0, sizeof e->counters);
    memset(e->alias, 0, sizeof e->alias);
    memset(e->scr, 0, sizeof e->scr);
    memset(e->itc, 0, sizeof *e->itc * e->machine->spec_itc_entries);
    e->address_mask = UINT64_MAX;
    e->ilimit = e->ilimit_now = UINT64_MAX;
    e->pc = ENGINE_RESET_PC;
    e->count = e->traps = e->counted = e->icount = 0;
    e->cpc = e->tpc = e->undo_count = e->gated = e->ras_top = e->ras_depth = 0;
    e->poison = e->tval = e->tvec = e->cat = e->scat = e->tcause = e->tinfo = e->gctl = e->fcsr = e->fcsr_shadow = 0;
    e->f_dirty = e->alias_any = e->in_trap = e->interrupt_due = e->feed_cycle = false;
    e->hcall_number = 0;
    e->error[0] = 0;
    atomic_store(&e->interrupted, false);
    func_tlb_flush(e);
    func_code_reset(e);
}

static bool map_memory(struct func *e, const struct engine_cfg *cfg)
{
    e->memory = mmap(NULL, address_space, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (e->memory == MAP_FAILED) {
        e->memory = NULL;
        return false;
    }
    return (cfg->dram_size == 0 || mprotect(e->memory, cfg->dram_size, PROT_READ | PROT_WRITE) == 0) &&
           mprotect(e->memory + ENGINE_HIDDEN_BASE, cfg->hidden_size, PROT_READ | PROT_WRITE) == 0;
}

static struct engine *create(const struct engine_cfg *cfg, char *err, size_t err_size)
{
    const struct duke_machine *m = duke_machine_find(cfg->machine);
    if (m == NULL) {
        snprintf(err, err_size, "machine \"%s\" is unknown; see selkirk list-machines", cfg->machine);
        return NULL;
    }
    if (cfg->dram_size > GIB || cfg->hidden_size > GIB || cfg->hidden_size < 2 * 65536 ||
        ((cfg->dram_size | cfg->hidden_size) & 4095) != 0) {
        snprintf(err, err_size, "memory sizes must be multiples of 4 KiB up to 1 GiB, hidden memory at least 128 KiB");
        return NULL;
    }
    struct func *e = calloc(1, sizeof *e);
    if (e == NULL) {
        snprintf(err, err_size, "out of memory");
        return NULL;
    }
    e->base.ops = &engine_func;
    e->machine = m;
    e->store_buffer = engine_store_buffer(cfg, m->spec_store_buffer);
    e->dram_size = (uint32_t)cfg->dram_size;
    e->hidden_size = (uint32_t)cfg->hidden_size;
    e->dram_limit = e->dram_size == 0 ? 0 : e->dram_size - 7;
    e->hidden_limit = e->hidden_size - 7;
    e->code_page = calloc(1u << 20, 1);
    e->tlb = calloc((size_t)m->tlb_sets * m->tlb_ways, sizeof *e->tlb);
    e->tlb_next = calloc(m->tlb_sets, sizeof *e->tlb_next);
    e->itc = calloc(m->spec_itc_entries, sizeof *e->itc);
    e->ras = calloc(m->spec_ras_entries, sizeof *e->ras);
    e->decoded = calloc(FUNC_DECODE_CACHE, sizeof *e->decoded);
    if (e->code_page == NULL || e->tlb == NULL || e->tlb_next == NULL || e->itc == NULL || e->ras == NULL ||
        e->decoded == NULL || !map_memory(e, cfg) || !func_code_create(e)) {
        snprintf(err, err_size, "the host has not enough memory for %llu MiB of guest memory",
                 (unsigned long long)((cfg->dram_size + cfg->hidden_size) >> 20));
        func_destroy(&e->base);
        return NULL;
    }
    reset(&e->base);
    return &e->base;
}

/* One record by the reference, passed on. */
static enum func_status step(struct func *e, engine_record_fn *seen, void *arg)
{
    struct engine_record rec;
    enum func_status status = func_step(e, &rec);
    if (status != FUNC_DOUBLE_FAULT && seen != NULL)
        seen(arg, &rec);
    return status;
}

static void double_fault_text(struct func *e)
{
    uint32_t words[DUKE_MAX_WORDS];
    char text[1024] = "";
    unsigned n = 0;
    while (n < DUKE_MAX_WORDS && (e->pc & 3) == 0 && func_in_memory(e, (uint64_t)e->pc + 4 * n, 4)) {
        words[n] = (uint32_t)func_read(e, e->pc + 4 * n, 4);
        n++;
    }
    duke_disassemble_bundle(text, sizeof text, e->pc, words, n);
    size_t used = (size_t)snprintf(
        e->error, sizeof e->error,
        "double fault: trap cause %u, value %#llx, at %08x, inside the handler of the trap at %08x\n%s", (unsigned)e->tcause,
        (unsigned long long)e->tval, e->pc, e->tpc, text);
    for (unsigned i = 0; i < 64 && used < sizeof e->error; i++)
        used += (size_t)snprintf(e->error + used, sizeof e->error - used, "r%-2u %016llx%c", i, (unsigned long long)e->reg[i],
                                 i % 4 == 3 ? '\n' : ' ');
}

static enum engine_stop run(struct engine *base, uint64_t max_cycles, engine_record_fn *seen, void *arg)
{
    struct func *e = self(base);
    uint64_t end = max_cycles > UINT64_MAX - e->count ? UINT64_MAX : e->count + max_cycles;
    while (e->count < end) {
        enum func_status status;
        if (seen != NULL || e->interrupt_due || e->inject != NULL || end - e->count <= 2 * FUNC_TRACE_BUNDLES) {
            status = step(e, seen, arg);
        } else {
            atomic_store(&e->limit, end - 2 * FUNC_TRACE_BUNDLES);
            if (atomic_load(&e->interrupted)) /* engine_interrupt may have come before the limit was set */
                atomic_store(&e->limit, 0);
            status = func_fast(e);
        }
        if (status == FUNC_HCALL)
            return ENGINE_HCALL;
        if (status == FUNC_DOUBLE_FAULT) {
            double_fault_text(e);
            return ENGINE_DOUBLE_FAULT;
        }
        if (atomic_exchange(&e->interrupted, false))
            return ENGINE_INTERRUPTED;
    }
    return ENGINE_LIMIT;
}

static uint32_t hcall_number(const struct engine *base) { return self_const(base)->hcall_number; }

static void get_state(struct engine *base, struct duke_state *out)
{
    struct func *e = self(base);
    *out = (struct duke_state){.pc = e->pc};
    memcpy(out->r, e->reg, sizeof out->r);
    memcpy(out->f, e->reg + 64, sizeof out->f);
    memcpy(out->e, e->exponent, sizeof out->e);
    for (unsigned i = 0; i < 64; i++)
        out->cr[i] = func_read_cr(e, i, 0);
}

static void set_state(struct engine *base, const struct duke_state *in)
{
    struct func *e = self(base);
    memcpy(e->reg, in->r, sizeof in->r);
    memcpy(e->reg + 64, in->f, sizeof in->f);
    e->reg[0] = 0;
    memcpy(e->shadow, e->reg, sizeof e->shadow);
    memcpy(e->exponent, in->e, sizeof in->e);
    memcpy(e->exponent_shadow, in->e, sizeof in->e);
    e->undo_count = e->gated = 0;
    e->f_dirty = e->interrupt_due = false;
    func_alias_clear(e);
    for (unsigned i = 0; i < 64; i++)
        func_write_cr(e, i, in->cr[i]);
    e->fcsr_shadow = e->fcsr;
    func_enter_trap_state(e, (in->cr[DUKE_CR_STATUS] & 1) != 0);
    e->pc = in->pc;
    e->ras_depth = 0;
    memset(e->itc, 0, sizeof *e->itc * e->machine->spec_itc_entries);
    func_tlb_flush(e);
    func_code_flush(e);
}

/* Gated stores are in memory already; nobody outside may see them, nor write over them. */
static bool dma(struct func *e, uint32_t paddr, void *out, const void *in, size_t size)
{
    uint64_t gated[FUNC_MAX_GATED];
    if (!func_in_memory(e, paddr, size))
        return false;
    if (size == 0)
        return true;
    func_gated_lift(e, gated);
    if (out != NULL) {
        memcpy(out, e->memory + paddr, size);
    } else {
        memcpy(e->memory + paddr, in, size);
        bool code = false;
        for (uint64_t page = paddr >> 12; page <= ((uint64_t)paddr + size - 1) >> 12; page++) {
            if (e->code_page[page] == FUNC_PAGE_CODE)
                func_code_dirty(e, (uint32_t)page);
            code = code || e->code_page[page] != FUNC_PAGE_PLAIN;
        }
        if (code)
            func_code_sync(e);
    }
    func_gated_put(e, gated);
    return true;
}

static bool dma_read(struct engine *base, uint32_t paddr, void *buf, size_t size)
{
    return dma(self(base), paddr, buf, NULL, size);
}

static bool dma_write(struct engine *base, uint32_t paddr, const void *buf, size_t size)
{
    return dma(self(base), paddr, NULL, buf, size);
}

static void counters(const struct engine *base, struct engine_counters *out)
{
    const struct func *e = self_const(base);
    *out = e->counters;
    out->cycles = e->count;
    uint64_t cat = e->cat < DUKE_CAT_COUNT ? e->cat : DUKE_CAT_IDLE;
    out->by_category[cat][DUKE_REASON_ISSUE] += e->count - e->counted;
    func_code_events(e, out->event);
}

static uint64_t icount(const struct engine *base) { return self_const(base)->icount; }

static const char *error_text(const struct engine *base) { return self_const(base)->error; }

static void interrupt(struct engine *base)
{
    struct func *e = self(base);
    atomic_store(&e->interrupted, true);
    atomic_store(&e->limit, 0);
}

static uint8_t *direct(struct engine *base, uint32_t paddr, size_t size)
{
    struct func *e = self(base);
    return func_in_memory(e, paddr, size) ? e->memory + paddr : NULL;
}

void engine_func_feed_cycle(struct engine *base, uint64_t value)
{
    struct func *e = self(base);
    e->feed_cycle = true;
    e->cycle_value = value;
}

const struct engine_ops engine_func = {
    .name = "func",
    .create = create,
    .destroy = func_destroy,
    .reset = reset,
    .run = run,
    .hcall_number = hcall_number,
    .get_state = get_state,
    .set_state = set_state,
    .dma_read = dma_read,
    .dma_write = dma_write,
    .counters = counters,
    .icount = icount,
    .error_text = error_text,
    .interrupt = interrupt,
    .direct = direct,
};
_Static_assert((int)DUKE_CAT_COUNT == ENGINE_CATEGORIES && (int)DUKE_REASON_COUNT == ENGINE_REASONS &&
                   (int)DUKE_EVENT_COUNT == ENGINE_EVENTS,
               "engine.h and events.toml disagree");
