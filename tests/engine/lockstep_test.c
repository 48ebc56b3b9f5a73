/* Lockstep finds differences: its RTL here is the functional engine behind a shim that counts cycles otherwise and, when asked,
 * changes one record, one byte of memory or one register. */
#include <stdlib.h>

#include "duke_random.h"
#include "duke_program.h"
#include "engine_func.h"
#include "gtest_shim.h"

enum fault { NONE, WRITE, STORE, NEXT_PC, CAUSE, MEMORY, MISSING };

static struct {
    enum fault fault;
    uint64_t at; /* record from which on the fault may happen */
    bool done;
} plant;

struct fake {
    struct engine base;
    struct engine *inner;
    engine_record_fn *seen;
    void *arg;
    bool stop;
};

static void pass_on(void *arg, const struct engine_record *rec)
{
    struct fake *f = arg;
    struct engine_record r = *rec;
    bool now = plant.fault != NONE && !plant.done && r.seq >= plant.at;
    if (now && plant.fault == WRITE && r.nwrites != 0)
        r.writes[r.nwrites - 1].value ^= 1, plant.done = true;
    if (now && plant.fault == STORE && r.nstores != 0)
        r.stores[0].data ^= 1, plant.done = true;
    if (now && plant.fault == NEXT_PC)
        r.next_pc += 4, plant.done = true;
    if (now && plant.fault == CAUSE && r.cause != 0)
        r.cause++, plant.done = true;
    if (now && plant.fault == MISSING) {
        plant.done = true;
        return;
    }
    if (f->seen != NULL)
        f->seen(f->arg, &r);
}

static enum engine_stop fake_run(struct engine *e, uint64_t max, engine_record_fn *seen, void *arg)
{
    struct fake *f = (struct fake *)e;
    f->seen = seen;
    f->arg = arg;
    for (uint64_t i = 0; i < max; i++) {
        engine_func_feed_cycle(f->inner, 1000 + 7 * i);
        enum engine_stop stop = f->inner->ops->run(f->inner, 1, pass_on, f);
        if (stop != ENGINE_LIMIT)
            return stop;
        if (f->stop)
            return ENGINE_INTERRUPTED;
    }
    return ENGINE_LIMIT;
}

static struct engine *fake_create(const struct engine_cfg *cfg, char *err, size_t n)
{
    struct fake *f = calloc(1, sizeof *f);
    f->base.ops = &engine_rtl;
    f->inner = engine_func.create(cfg, err, n);
    return &f->base;
}
#define INNER(e) (((struct fake *)(void *)(e))->inner)
static void fake_destroy(struct engine *e) { engine_func.destroy(INNER(e)), free(e); }
static void fake_reset(struct engine *e) { engine_func.reset(INNER(e)); }
static uint32_t fake_hcall(const struct engine *e)
{
    return engine_func.hcall_number(((const struct fake *)(const void *)e)->inner);
}
static void fake_get(struct engine *e, struct duke_state *s) { engine_func.get_state(INNER(e), s); }
static void fake_set(struct engine *e, const struct duke_state *s) { engine_func.set_state(INNER(e), s); }
static bool fake_read(struct engine *e, uint32_t a, void *b, size_t n)
{
    bool ok = engine_func.dma_read(INNER(e), a, b, n);
    if (plant.fault == MEMORY)
        ((uint8_t *)b)[n - 1] ^= 4;
    return ok;
}
static bool fake_write(struct engine *e, uint32_t a, const void *b, size_t n)
{
    return engine_func.dma_write(INNER(e), a, b, n);
}
static void fake_counters(const struct engine *e, struct engine_counters *c)
{
    engine_func.counters(((const struct fake *)(const void *)e)->inner, c);
}
static const char *fake_error(const struct engine *e)
{
    return engine_func.error_text(((const struct fake *)(const void *)e)->inner);
}
static void fake_interrupt(struct engine *e) { ((struct fake *)e)->stop = true; }

const struct engine_ops engine_rtl = {
    .name = "rtl",
    .create = fake_create,
    .destroy = fake_destroy,
    .reset = fake_reset,
    .run = fake_run,
    .hcall_number = fake_hcall,
    .get_state = fake_get,
    .set_state = fake_set,
    .dma_read = fake_read,
    .dma_write = fake_write,
    .counters = fake_counters,
    .error_text = fake_error,
    .interrupt = fake_interrupt,
};

static struct engine *start(enum fault fault, uint64_t at)
{
    struct engine_cfg cfg = {.machine = "default", .dram_size = DUKE_RANDOM_DRAM, .hidden_size = DUKE_RANDOM_HIDDEN};
    char err[256];
    plant.fault = fault;
    plant.at = at;
    plant.done = false;
    struct engine *e = engine_lockstep.create(&cfg, err, sizeof err);
    duke_random_load(e, &duke_machine_default, 7);
    return e;
}

/* Runs to `n` cycles since reset. */
static enum engine_stop run(struct engine *e, uint64_t n)
{
    enum engine_stop stop = ENGINE_HCALL;
    struct engine_counters c;
    e->ops->counters(e, &c);
    while (stop == ENGINE_HCALL && c.cycles < n) {
        stop = e->ops->run(e, n - c.cycles, NULL, NULL);
        e->ops->counters(e, &c);
    }
    return stop;
}

TEST_CASE(engine_lockstep, equal_engines_agree)
{
    struct engine *e = start(NONE, 0);
    EXPECT_EQ_U64(run(e, 100000), ENGINE_LIMIT);
    uint8_t page[4096];
    EXPECT(e->ops->dma_read(e, 0x1000, page, sizeof page));
    EXPECT_EQ_U64(e->ops->run(e, 10, NULL, NULL), ENGINE_LIMIT);
    e->ops->destroy(e);
}

static void expect_found(enum fault fault, const char *what)
{
    struct engine *e = start(fault, 500);
    EXPECT_EQ_U64(run(e, 100000), ENGINE_DIVERGED);
    const char *text = e->ops->error_text(e);
    char want[64];
    snprintf(want, sizeof want, "lockstep: %s, after", what);
    EXPECT_MSG(strncmp(text, want, strlen(want)) == 0, "text is %s", text);
    EXPECT(strstr(text, "rtl   record") != NULL && strstr(text, "func  record") != NULL);
    EXPECT_EQ_U64(e->ops->run(e, 10, NULL, NULL), ENGINE_DIVERGED); /* for good */
    e->ops->destroy(e);
}

TEST_CASE(engine_lockstep, finds_register_write) { expect_found(WRITE, "a register write"); }
TEST_CASE(engine_lockstep, finds_store) { expect_found(STORE, "a store"); }
TEST_CASE(engine_lockstep, finds_next_pc) { expect_found(NEXT_PC, "next_pc"); }
TEST_CASE(engine_lockstep, finds_cause) { expect_found(CAUSE, "cause"); }
TEST_CASE(engine_lockstep, finds_lost_bundle) { expect_found(MISSING, "seq"); }

TEST_CASE(engine_lockstep, finds_memory)
{
    struct engine *e = start(NONE, 0);
    EXPECT_EQ_U64(run(e, 1000), ENGINE_LIMIT);
    uint8_t bytes[16];
    plant.fault = MEMORY;
    EXPECT(e->ops->dma_read(e, 0x1000, bytes, sizeof bytes));
    EXPECT_EQ_U64(e->ops->run(e, 10, NULL, NULL), ENGINE_DIVERGED);
    EXPECT(strstr(e->ops->error_text(e), "first at 0000100f") != NULL);
    e->ops->destroy(e);
}
