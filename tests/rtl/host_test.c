/* The host writes memory while a line is on its way into a cache: at a host call, some cycles after a load that missed. What
 * code loads afterwards is what the host wrote, wherever the write met the burst that brings the load's block to L2. */
#include "duke_program.h"
#include "engine.h"
#include "gtest_shim.h"

enum { CODE = ENGINE_RESET_PC, MEMORY = 1 << 20, BLOCK = 256, LINE = 64, FIRST = 0x8000, STEP = 4096, RUNS = 3 };

static uint64_t old_value(unsigned line, unsigned run) { return 0x1111 * (line + 1) + run; }

/* Loads the first line of a cold block, waits, lets the host write `line` of it, loads that; RUNS times, each with a new
 * block: in the first run the code is cold too. */
static void host_writes(const struct engine_ops *ops, unsigned line, unsigned wait)
{
    struct engine_cfg cfg = {.machine = RTL_TEST_MACHINE, .dram_size = MEMORY, .hidden_size = MEMORY};
    uint32_t words[256];
    char err[256];
    struct duke_program p = {.base = CODE, .words = words, .capacity = 256, .machine = duke_machine_find(RTL_TEST_MACHINE)};
    D_LI(&p, 8, FIRST), D_END(&p);
    uint32_t loop = duke_here(&p);
    D_MEM(&p, LDN_D, 20, 8, 0), D_END(&p);
    for (unsigned i = 0; i < wait; i++)
        D_R(&p, NOP, 0, 0, 0), D_END(&p);
    D_HCALL(&p, 1), D_END(&p);
    D_MEM(&p, LDN_D, 22, 8, (int64_t)line * LINE), D_END(&p);
    D_I(&p, ADDI, 8, 8, STEP), D_END(&p);
    D_HCALL(&p, 2), D_END(&p);
    D_J(&p, loop), D_END(&p);

    struct engine *e = ops->create(&cfg, err, sizeof err);
    if (e == NULL) {
        shim_fail(__FILE__, __LINE__, "%s", err);
        return;
    }
    e->ops->dma_write(e, CODE, words, 4 * p.n);
    for (unsigned run = 0; run < RUNS; run++)
        for (unsigned l = 0; l < BLOCK / LINE; l++) {
            uint64_t v = old_value(l, run);
            e->ops->dma_write(e, FIRST + run * STEP + l * LINE, &v, sizeof v);
        }
    for (unsigned run = 0; run < RUNS; run++) {
        struct duke_state s;
        uint64_t fresh = 0xfe5400 + run;
        EXPECT_EQ_U64(e->ops->run(e, 100000, NULL, NULL), ENGINE_HCALL);
        EXPECT_EQ_U64(e->ops->hcall_number(e), 1);
        EXPECT(e->ops->dma_write(e, FIRST + run * STEP + line * LINE, &fresh, sizeof fresh));
        EXPECT_EQ_U64(e->ops->run(e, 100000, NULL, NULL), ENGINE_HCALL);
        EXPECT_EQ_U64(e->ops->hcall_number(e), 2);
        e->ops->get_state(e, &s);
        EXPECT_EQ_U64(s.r[20], old_value(0, run));
        EXPECT_MSG(s.r[22] == fresh, "line %u written %u bundles after the load, run %u: loads %#llx", line, wait, run,
                   (unsigned long long)s.r[22]);
    }
    e->ops->destroy(e);
}

/* A burst takes four cycles a line; the waits reach past its end. */
TEST_CASE(rtl_host, a_write_during_a_burst_is_seen_by_loads)
{
    for (unsigned line = 0; line < BLOCK / LINE; line++)
        for (unsigned wait = 0; wait < 24; wait++)
            host_writes(&engine_rtl, line, wait);
}
