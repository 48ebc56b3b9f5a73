/* The Verilated core as an engine. Memory is two arrays here; the newest bytes may be in the core's caches, so all access from
 * outside goes through the shim. */
#define _GNU_SOURCE
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "duke_disasm.h"
#include "duke_isa.h"
#include "rtl_shim.h"

static const uint64_t one_gib = (uint64_t)1 << 30;

struct rtl {
    struct engine base;
    struct rtl_host host;
    const struct rtl_ops *ops; /* of the model */
    struct rtl_model *model;
    volatile bool interrupted;
    char error[4096];
};

static struct rtl *self(struct engine *e) { return (struct rtl *)(void *)e; }
static const struct rtl *self_const(const struct engine *e) { return (const struct rtl *)(const void *)e; }

static void destroy(struct engine *base)
{
    struct rtl *e = self(base);
    if (e->model != NULL)
        e->ops->destroy(e->model);
    if (e->host.dram != NULL)
        munmap(e->host.dram, e->host.dram_size);
    if (e->host.hidden != NULL)
        munmap(e->host.hidden, e->host.hidden_size);
    free(e);
}

static uint8_t *map(uint64_t size)
{
    if (size == 0)
        return NULL;
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static struct engine *create(const struct engine_cfg *cfg, char *err, size_t err_size)
{
    if (strcmp(cfg->machine, rtl_plain.machine) != 0) {
        snprintf(err, err_size, "this build's RTL is machine \"%s\", not \"%s\"; configure with -DSELKIRK_MACHINE=%s",
                 rtl_plain.machine, cfg->machine, cfg->machine);
        return NULL;
    }
    if (cfg->dram_size > one_gib || cfg->hidden_size > one_gib || cfg->hidden_size < 2 * 65536 ||
        ((cfg->dram_size | cfg->hidden_size) & 4095) != 0) {
        snprintf(err, err_size, "memory sizes must be multiples of 4 KiB up to 1 GiB, hidden memory at least 128 KiB");
        return NULL;
    }
    const struct rtl_ops *ops = &rtl_plain;
    if (cfg->fst_path != NULL) {
#ifdef SELKIRK_FST
        ops = &rtl_tracing;
#else
        snprintf(err, err_size, "this build writes no waveforms; configure with -DSELKIRK_FST=ON");
        return NULL;
#endif
    }
    struct rtl *e = calloc(1, sizeof *e);
    if (e == NULL) {
        snprintf(err, err_size, "out of memory");
        return NULL;
    }
    e->base.ops = &engine_rtl;
    e->ops = ops;
    e->host.dram_size = cfg->dram_size;
    e->host.hidden_size = cfg->hidden_size;
    e->host.store_buffer = engine_store_buffer(cfg, duke_machine_find(cfg->machine)->spec_store_buffer);
    e->host.dram = map(cfg->dram_size);
    e->host.hidden = map(cfg->hidden_size);
    if ((e->host.dram == NULL && cfg->dram_size != 0) || e->host.hidden == NULL) {
        snprintf(err, err_size, "the host has not enough memory for %llu MiB of guest memory",
                 (unsigned long long)((cfg->dram_size + cfg->hidden_size) >> 20));
        destroy(&e->base);
        return NULL;
    }
    e->model = e->ops->create(&e->host, cfg->fst_path, cfg->fst_start, cfg->fst_end);
    return &e->base;
}

/* Memory stays as it is. A waveform belongs to the first life only. */
static void reset(struct engine *base)
{
    struct rtl *e = self(base);
    e->ops->flush(e->model);
    e->ops->destroy(e->model);
    e->model = e->ops->create(&e->host, NULL, 0, 0);
    e->interrupted = false;
    e->error[0] = 0;
}

static void describe_double_fault(struct rtl *e)
{
    struct duke_state s;
    char text[1536];
    uint32_t words[DUKE_MAX_WORDS];
    size_t n = 0;
    e->ops->get_state(e->model, &s);
    while (n < DUKE_MAX_WORDS && (s.pc & 3) == 0 && e->base.ops->dma_read(&e->base, s.pc + 4 * (uint32_t)n, &words[n], 4))
        n++;
    duke_disassemble_bundle(text, sizeof text, s.pc, words, n);
    int used = snprintf(
        e->error, sizeof e->error, "double fault at %08x, inside the handler of trap cause %u, value %#llx, at %08x\n%s", s.pc,
        (unsigned)s.cr[DUKE_CR_TCAUSE], (unsigned long long)s.cr[DUKE_CR_TVAL], (unsigned)s.cr[DUKE_CR_TPC], text);
    for (unsigned i = 0; i < 64 && used > 0 && (size_t)used < sizeof e->error; i++)
        used += snprintf(e->error + used, sizeof e->error - (size_t)used, "r%-2u %016llx%c", i, (unsigned long long)s.r[i],
                         i % 4 == 3 ? '\n' : ' ');
}

static enum engine_stop run(struct engine *base, uint64_t max_cycles, engine_record_fn *seen, void *arg)
{
    struct rtl *e = self(base);
    e->host.seen = seen;
    e->host.seen_arg = arg;
    enum engine_stop stop = e->ops->run(e->model, max_cycles, &e->interrupted);
    if (stop == ENGINE_DOUBLE_FAULT)
        describe_double_fault(e);
    if (stop == ENGINE_INTERRUPTED)
        e->interrupted = false;
    return stop;
}

static uint32_t hcall_number(const struct engine *base) { return self_const(base)->ops->hcall(self_const(base)->model); }
static void get_state(struct engine *base, struct duke_state *out) { self(base)->ops->get_state(self(base)->model, out); }
static void set_state(struct engine *base, const struct duke_state *in) { self(base)->ops->set_state(self(base)->model, in); }
static void counters(const struct engine *base, struct engine_counters *out)
{
    self_const(base)->ops->counters(self_const(base)->model, out);
}

static bool in_memory(const struct rtl *e, uint32_t paddr, size_t size)
{
    if (paddr < ENGINE_HIDDEN_BASE)
        return paddr <= e->host.dram_size && size <= e->host.dram_size - paddr;
    uint32_t offset = paddr - ENGINE_HIDDEN_BASE;
    return offset <= e->host.hidden_size && size <= e->host.hidden_size - offset;
}

static bool dma_read(struct engine *base, uint32_t paddr, void *buf, size_t size)
{
    struct rtl *e = self(base);
    if (!in_memory(e, paddr, size))
        return false;
    e->ops->read(e->model, paddr, buf, size);
    return true;
}

static bool dma_write(struct engine *base, uint32_t paddr, const void *buf, size_t size)
{
    struct rtl *e = self(base);
    if (!in_memory(e, paddr, size))
        return false;
    e->ops->write(e->model, paddr, buf, size);
    return true;
}

static const char *error_text(const struct engine *base) { return self_const(base)->error; }
static void interrupt(struct engine *base) { self(base)->interrupted = true; }

const struct engine_ops engine_rtl = {
    .name = "rtl",
    .create = create,
    .destroy = destroy,
    .reset = reset,
    .run = run,
    .hcall_number = hcall_number,
    .get_state = get_state,
    .set_state = set_state,
    .dma_read = dma_read,
    .dma_write = dma_write,
    .counters = counters,
    .error_text = error_text,
    .interrupt = interrupt,
};
