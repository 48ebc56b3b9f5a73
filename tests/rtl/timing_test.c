/* Cycles of the core: each case is a piece of code with a known cost, run some times between two readings of the cycle counter;
 * the last, warm reading counts. What the tables promise (latencies) comes from the machine table. */
#include "duke_program.h"
#include "engine.h"
#include "gtest_shim.h"

enum { CODE = ENGINE_RESET_PC, DATA = 0x40018000, REPEAT = 16, RUNS = 6 };

struct run {
    struct duke_program p;
    uint32_t words[4096];
    const struct duke_machine *m;
};

static const struct duke_machine *machine(void) { return duke_machine_find(RTL_TEST_MACHINE); }

static void begin(struct run *t)
{
    t->m = machine();
    t->p = (struct duke_program){.base = CODE, .words = t->words, .capacity = 4096, .machine = t->m};
    D_LI(&t->p, 4, DATA), D_LI(&t->p, 5, RUNS), D_END(&t->p); /* r5 counts the runs */
    D_LI(&t->p, 6, 1), D_LI(&t->p, 7, 0), D_END(&t->p);
    D_MEM(&t->p, STN_D, 4, 4, 0), D_END(&t->p); /* a pointer to itself */
}

/* Code between begin's head and here is the body's setup; returns the address of the loop. */
static uint32_t start(struct run *t)
{
    uint32_t loop = duke_here(&t->p);
    D_RDCR(&t->p, 10, CYCLE), D_END(&t->p);
    return loop;
}

/* Cycles of the body on its last run: difference of the readings, less one for the first reading's own bundle. */
static uint64_t finish(struct run *t, uint32_t loop, struct engine_counters *counters)
{
    struct engine_cfg cfg = {.machine = t->m->name, .dram_size = 1 << 20, .hidden_size = 1 << 20};
    struct duke_state s;
    char err[256];
    D_RDCR(&t->p, 11, CYCLE), D_END(&t->p);
    D_R(&t->p, SUB, 12, 11, 10), D_I(&t->p, ADDI, 5, 5, -1), D_END(&t->p);
    D_B(&t->p, BNE, 5, 0, loop), D_END(&t->p);
    D_HCALL(&t->p, 1), D_END(&t->p);
    struct engine *e = engine_rtl.create(&cfg, err, sizeof err);
    if (e == NULL) {
        shim_fail(__FILE__, __LINE__, "%s", err);
        return 0;
    }
    e->ops->dma_write(e, CODE, t->words, 4 * t->p.n);
    EXPECT(e->ops->run(e, 100000, NULL, NULL) == ENGINE_HCALL);
    e->ops->get_state(e, &s);
    if (counters != NULL)
        e->ops->counters(e, counters);
    e->ops->destroy(e);
    return s.r[12] - 1;
}

TEST_CASE(rtl_timing, dependent_adds_take_one_cycle_each)
{
    struct run t;
    begin(&t);
    uint32_t loop = start(&t);
    for (int i = 0; i < REPEAT; i++)
        D_I(&t.p, ADDI, 6, 6, 1), D_END(&t.p);
    EXPECT_EQ_U64(finish(&t, loop, NULL), REPEAT);
}

TEST_CASE(rtl_timing, loaded_value_is_used_at_the_table_latency)
{
    struct run t;
    begin(&t);
    uint32_t loop = start(&t);
    for (int i = 0; i < REPEAT; i++)
        D_MEM(&t.p, LDN_D, 4, 4, 0), D_END(&t.p);
    D_I(&t.p, ADDI, 6, 4, 1), D_END(&t.p);
    EXPECT_EQ_U64(finish(&t, loop, NULL), (uint64_t)REPEAT * t.m->latency[DUKE_LAT_LOAD] + 1);
}

TEST_CASE(rtl_timing, products_take_the_table_latency_and_are_pipelined)
{
    struct run t;
    begin(&t);
    uint32_t loop = start(&t);
    for (int i = 0; i < REPEAT; i++)
        D_R(&t.p, MUL, 6, 6, 6), D_END(&t.p);
    D_I(&t.p, ADDI, 6, 6, 1), D_END(&t.p);
    EXPECT_EQ_U64(finish(&t, loop, NULL), (uint64_t)REPEAT * t.m->latency[DUKE_LAT_MUL] + 1);
    begin(&t);
    loop = start(&t);
    for (int i = 0; i < REPEAT; i++)
        D_R(&t.p, MUL, 20 + i, 6, 6), D_END(&t.p);
    EXPECT_EQ_U64(finish(&t, loop, NULL), REPEAT);
}

TEST_CASE(rtl_timing, divide_keeps_to_its_bound_and_small_ones_are_faster)
{
    struct run t;
    uint64_t cycles[2];
    for (int small = 0; small < 2; small++) {
        begin(&t);
        D_LI(&t.p, 8, small ? 77 : -1), D_LI(&t.p, 9, 3), D_END(&t.p);
        uint32_t loop = start(&t);
        D_R(&t.p, DIVU, 6, 8, 9), D_END(&t.p);
        D_I(&t.p, ADDI, 6, 6, 1), D_END(&t.p);
        cycles[small] = finish(&t, loop, NULL) - 1;
        EXPECT_MSG(cycles[small] <= t.m->latency[DUKE_LAT_DIV], "%u cycles", (unsigned)cycles[small]);
    }
    EXPECT_MSG(cycles[1] + 10 < cycles[0], "small %u, large %u", (unsigned)cycles[1], (unsigned)cycles[0]);
}

TEST_CASE(rtl_timing, floating_point_takes_the_table_latency_and_is_pipelined)
{
    struct run t;
    begin(&t);
    if (!t.m->units_fp)
        return;
    uint32_t loop = start(&t);
    for (int i = 0; i < REPEAT; i++)
        D_R(&t.p, FADD_D, 6, 6, 6), D_END(&t.p);
    for (int i = 0; i < REPEAT; i++)
        D_R(&t.p, FMUL_S, 6, 6, 6), D_END(&t.p);
    D_R(&t.p, FMV, 6, 6, 0), D_END(&t.p);
    EXPECT_EQ_U64(finish(&t, loop, NULL),
                  (uint64_t)REPEAT * (t.m->latency[DUKE_LAT_FP_ADD] + t.m->latency[DUKE_LAT_FP_MUL]) + 1);
    begin(&t);
    loop = start(&t);
    for (int i = 0; i < REPEAT; i++)
        D_R(&t.p, FMUL_D, 20 + i, 6, 6), D_END(&t.p);
    EXPECT_EQ_U64(finish(&t, loop, NULL), REPEAT);
}

TEST_CASE(rtl_timing, floating_point_divides_take_the_table_latency_and_singles_less)
{
    struct run t;
    begin(&t);
    if (!t.m->units_fp)
        return;
    const uint64_t latency = t.m->latency[DUKE_LAT_FP_DIV];
    uint32_t loop = start(&t);
    D_R(&t.p, FDIV_D, 6, 6, 7), D_END(&t.p);
    D_R(&t.p, FSQRT_D, 6, 6, 0), D_END(&t.p);
    D_R(&t.p, FMV, 6, 6, 0), D_END(&t.p);
    EXPECT_EQ_U64(finish(&t, loop, NULL), 2 * latency + 1);
    begin(&t);
    loop = start(&t);
    D_R(&t.p, FDIV_S, 6, 6, 7), D_END(&t.p);
    D_R(&t.p, FSQRT_P, 6, 6, 0), D_END(&t.p);
    D_R(&t.p, FMV, 6, 6, 0), D_END(&t.p);
    EXPECT_EQ_U64(finish(&t, loop, NULL), 2 * (latency - 3) + 1);
    begin(&t); /* two at once, and a bundle that does not need them: it waits for all but their last two cycles */
    loop = start(&t);
    D_R(&t.p, FDIV_D, 6, 6, 7), D_R(&t.p, FDIV_D, 8, 8, 7), D_END(&t.p);
    D_I(&t.p, ADDI, 6, 6, 1), D_END(&t.p);
    EXPECT_EQ_U64(finish(&t, loop, NULL), latency - 2 + 1);
}

TEST_CASE(rtl_timing, extended_precision_takes_the_table_latency_and_is_pipelined)
{
    struct run t;
    begin(&t);
    if (!t.m->units_x87)
        return;
    const uint64_t add = t.m->latency[DUKE_LAT_X_ADD], mul = t.m->latency[DUKE_LAT_X_MUL];
    uint32_t loop = start(&t);
    for (int i = 0; i < REPEAT; i++)
        D_R(&t.p, FADD_X, 6, 6, 6), D_END(&t.p);
    for (int i = 0; i < REPEAT; i++)
        D_R(&t.p, FMUL_X, 6, 6, 6), D_END(&t.p);
    for (int i = 0; i < REPEAT; i++)
        D_R(&t.p, FCHS_X, 6, 6, 0), D_END(&t.p);
    EXPECT_EQ_U64(finish(&t, loop, NULL), REPEAT * (add + mul + 1));
    begin(&t);
    loop = start(&t);
    for (int i = 0; i < REPEAT; i++)
        D_R(&t.p, FMUL_X, 20 + i, 6, 6), D_END(&t.p);
    EXPECT_EQ_U64(finish(&t, loop, NULL), REPEAT);
    begin(&t);
    loop = start(&t);
    D_R(&t.p, FDIV_X, 6, 6, 7), D_END(&t.p);
    D_R(&t.p, FSQRT_X, 6, 6, 0), D_END(&t.p);
    D_R(&t.p, FMV_EF, 6, 6, 0), D_END(&t.p);
    EXPECT_EQ_U64(finish(&t, loop, NULL), 2 * (uint64_t)t.m->latency[DUKE_LAT_X_DIV] + 1);
    begin(&t); /* the exponent is waited for though the significand is another's */
    loop = start(&t);
    D_R(&t.p, FADD_X, 6, 7, 7), D_END(&t.p);
    D_R(&t.p, FMV_F, 6, 1, 0), D_END(&t.p);
    D_R(&t.p, FMV_E, 9, 6, 0), D_END(&t.p);
    EXPECT_EQ_U64(finish(&t, loop, NULL), add + 1);
}

TEST_CASE(rtl_timing, predicted_jumps_cost_nothing)
{
    struct run t;
    begin(&t);
    uint32_t loop = start(&t);
    /* From window to window, 32 bytes each, so that every one has an entry of its own. */
    for (int i = 0; i < REPEAT; i++) {
        uint32_t next = (duke_here(&t.p) | 31) + 1;
        D_J(&t.p, next), D_END(&t.p);
        while (duke_here(&t.p) < next)
            D_R(&t.p, NOP, 0, 0, 0), D_END(&t.p);
    }
    EXPECT_EQ_U64(finish(&t, loop, NULL), REPEAT);
}

TEST_CASE(rtl_timing, a_mispredicted_branch_costs_what_the_table_says)
{
    struct run t;
    struct engine_counters c = {0};
    begin(&t);
    uint32_t loop = start(&t);
    /* Taken in the last run only, over one bundle: the code is warm, the predictor has learnt the opposite. */
    D_B(&t.p, BEQ, 5, 6, duke_here(&t.p) + 8), D_END(&t.p);
    D_R(&t.p, NOP, 0, 0, 0), D_END(&t.p);
    EXPECT_EQ_U64(finish(&t, loop, &c), t.m->latency[DUKE_LAT_BRANCH_MISPREDICT]);
    EXPECT(c.event[DUKE_EVENT_MISPREDICTS] >= 1);
}

TEST_CASE(rtl_timing, access_across_a_line_takes_one_cycle_more)
{
    struct run t;
    uint64_t cycles[2];
    for (int cross = 0; cross < 2; cross++) {
        begin(&t);
        D_LI(&t.p, 8, DATA + 256 + (cross ? 60 : 3)), D_END(&t.p);
        uint32_t loop = start(&t);
        for (int i = 0; i < REPEAT; i++)
            D_MEM(&t.p, LDN_D, 20 + i, 8, 0), D_END(&t.p);
        cycles[cross] = finish(&t, loop, NULL);
    }
    EXPECT_EQ_U64(cycles[0], REPEAT);
    EXPECT_EQ_U64(cycles[1], 2 * REPEAT);
}

/* The first touch of a line costs L2 and memory, of one that only L1 has lost, L2. The line is the last of its block of four, so
 * that no burst of memory keeps L2 busy. */
TEST_CASE(rtl_timing, misses_take_the_latencies_of_the_table)
{
    struct run t;
    begin(&t);
    /* r8 advances: a new line in every run. */
    D_LI(&t.p, 8, 0x8000 + 192), D_END(&t.p);
    uint32_t loop = start(&t);
    D_MEM(&t.p, LDN_D, 20, 8, 0), D_I(&t.p, ADDI, 8, 8, 4096), D_END(&t.p);
    D_I(&t.p, ADDI, 21, 20, 1), D_END(&t.p);
    uint64_t cold = finish(&t, loop, NULL);
    EXPECT_EQ_U64(cold, t.m->latency[DUKE_LAT_LOAD] + 1 + t.m->caches_l2_hit + t.m->caches_memory);

    /* A line behind the one that memory was read for has come to L2 with it. */
    begin(&t);
    D_LI(&t.p, 8, 0x8000), D_END(&t.p);
    loop = start(&t);
    D_MEM(&t.p, LDN_D, 20, 8, 0), D_I(&t.p, ADDI, 8, 8, 4096), D_END(&t.p);
    D_I(&t.p, ADDI, 21, 20, 1), D_END(&t.p);
    for (int i = 0; i < 20; i++) /* while the burst is under way */
        D_R(&t.p, NOP, 0, 0, 0), D_END(&t.p);
    D_MEM(&t.p, LDN_D, 20, 8, 64 - 4096), D_END(&t.p);
    D_I(&t.p, ADDI, 21, 20, 1), D_END(&t.p);
    EXPECT_EQ_U64(finish(&t, loop, NULL), 2 * (t.m->latency[DUKE_LAT_LOAD] + 1 + t.m->caches_l2_hit) + t.m->caches_memory + 20);

    /* One set of L1D filled with one line more than it has ways, round and round: every one misses there and hits in L2. */
    uint32_t stride = t.m->caches_l1d_kib * 1024 / t.m->caches_l1d_ways;
    begin(&t);
    D_LI(&t.p, 8, 0x8000), D_END(&t.p);
    loop = start(&t);
    for (unsigned w = 0; w <= t.m->caches_l1d_ways; w++) {
        D_MEM(&t.p, LDN_D, 20, 8, 0), D_I(&t.p, ADDI, 8, 8, (int64_t)stride), D_END(&t.p);
        D_I(&t.p, ADDI, 21, 20, 1), D_END(&t.p);
    }
    D_LI(&t.p, 8, 0x8000), D_END(&t.p);
    uint64_t n = t.m->caches_l1d_ways + 1;
    EXPECT_EQ_U64(finish(&t, loop, NULL), n * (t.m->latency[DUKE_LAT_LOAD] + 1 + t.m->caches_l2_hit) + 1);
}

TEST_CASE(rtl_timing, calls_and_returns_are_predicted)
{
    struct run t;
    begin(&t);
    uint32_t function = duke_here(&t.p) + 32;
    D_J(&t.p, function + 32), D_END(&t.p);
    while (duke_here(&t.p) < function)
        D_R(&t.p, NOP, 0, 0, 0), D_END(&t.p);
    D_R(&t.p, RET, 0, 1, 0), D_END(&t.p);
    while (duke_here(&t.p) < function + 32)
        D_R(&t.p, NOP, 0, 0, 0), D_END(&t.p);
    uint32_t loop = start(&t);
    for (int i = 0; i < REPEAT; i++) {
        D_B(&t.p, CALL, 0, 0, function), D_END(&t.p);
        uint32_t next = (duke_here(&t.p) | 31) + 1;
        while (duke_here(&t.p) < next)
            D_I(&t.p, ADDI, 6, 6, 1), D_END(&t.p);
    }
    uint64_t calls = finish(&t, loop, NULL), bundles = (duke_here(&t.p) - loop) / 4;
    /* One bundle a cycle: those of the body and one `ret` a call. The head and tail of the loop are seven bundles. */
    EXPECT_MSG(calls <= bundles - 7 + REPEAT + 2, "%u cycles for %u bundles and %u returns", (unsigned)calls,
               (unsigned)(bundles - 7), (unsigned)REPEAT);
}

/* Not timing, but of this engine alone: what set_state puts in, code finds. */
TEST_CASE(rtl_state, registers_that_are_set_are_there)
{
    uint32_t words[16];
    char err[256];
    struct duke_program p = {.base = CODE, .words = words, .capacity = 16, .machine = machine()};
    D_I(&p, ADDI, 6, 5, 1), D_END(&p);
    D_HCALL(&p, 1), D_END(&p);
    struct engine_cfg cfg = {.machine = p.machine->name, .dram_size = 1 << 20, .hidden_size = 1 << 20};
    struct engine *e = engine_rtl.create(&cfg, err, sizeof err);
    if (e == NULL) {
        shim_fail(__FILE__, __LINE__, "%s", err);
        return;
    }
    e->ops->dma_write(e, CODE, words, 4 * p.n);
    struct duke_state s;
    e->ops->get_state(e, &s);
    s.r[5] = 41;
    s.r[60] = 0x123456789abcdef0;
    s.f[9] = 0x3ff0000000000000;
    s.cr[DUKE_CR_SCR2] = 77;
    s.pc = CODE;
    e->ops->set_state(e, &s);
    EXPECT(e->ops->run(e, 100000, NULL, NULL) == ENGINE_HCALL);
    e->ops->get_state(e, &s);
    EXPECT_EQ_U64(s.r[5], 41);
    EXPECT_EQ_U64(s.r[6], 42);
    EXPECT_EQ_U64(s.r[60], 0x123456789abcdef0);
    EXPECT_EQ_U64(s.f[9], 0x3ff0000000000000);
    EXPECT_EQ_U64(s.cr[DUKE_CR_SCR2], 77);
    e->ops->destroy(e);
}
