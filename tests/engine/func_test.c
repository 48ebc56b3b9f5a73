/* The functional engine, rule by rule of docs/core.md, on its reference and on its fast executor. */
#include "duke_program.h"
#include "duke_random.h"
#include "engine.h"
#include "gtest_shim.h"

enum { BASE = ENGINE_RESET_PC, VECTORS = 0x40018000, SPACE = 0x4000, DATA = 0x40014000 };

struct rig {
    struct engine *e;
    struct duke_program p;
    uint32_t words[SPACE / 4];
    struct engine_record rec[256];
    unsigned nrec;
    bool fast;
};

static void keep(void *arg, const struct engine_record *rec)
{
    struct rig *g = arg;
    if (g->nrec < 256)
        g->rec[g->nrec++] = *rec;
}

static void rig_init(struct rig *g)
{
    struct engine_cfg cfg = {.machine = "default", .dram_size = 1 << 20, .hidden_size = 1 << 20};
    char err[256];
    memset(g, 0, sizeof *g);
    g->e = engine_func.create(&cfg, err, sizeof err);
    g->p = (struct duke_program){.base = BASE, .words = g->words, .capacity = SPACE / 4, .machine = &duke_machine_default};
}

/* Ends the program with host call 1, runs it, and makes sure that it arrived. */
static struct duke_state rig_run(struct rig *g)
{
    struct duke_state s;
    D_HCALL(&g->p, 1), D_END(&g->p);
    g->e->ops->dma_write(g->e, BASE, g->words, 4 * g->p.n);
    enum engine_stop stop = g->e->ops->run(g->e, 100000, g->fast ? NULL : keep, g);
    EXPECT_EQ_U64(stop, ENGINE_HCALL);
    EXPECT_EQ_U64(g->e->ops->hcall_number(g->e), 1);
    g->e->ops->get_state(g->e, &s);
    return s;
}

static void rig_end(struct rig *g) { g->e->ops->destroy(g->e); }

/* A test body on both executors; `p` is the program. */
#define ON_BOTH(name)                                                                              \
    static void body_##name(struct rig *g, struct duke_program *p);                                \
    TEST_CASE(engine_func, name)                                                                   \
    {                                                                                              \
        for (int fast = 0; fast < 2; fast++) {                                                     \
            static struct rig g;                                                                   \
            rig_init(&g);                                                                          \
            g.fast = fast != 0;                                                                    \
            body_##name(&g, &g.p);                                                                 \
            rig_end(&g);                                                                           \
        }                                                                                          \
    }                                                                                              \
    static void body_##name(struct rig *g, struct duke_program *p)

static void map_page(struct duke_program *p, uint64_t va, uint32_t pa, unsigned bits, uint64_t mask)
{
    D_LI(p, 60, (int64_t)va), D_LI(p, 61, pa | bits), D_LI(p, 62, (int64_t)mask), D_END(p);
    duke_put(p, (struct duke_op){.op = DUKE_OP_TLBW, .ra = 60, .rb = 61, .rc = 62}), D_END(p);
}

/* Handlers at VECTORS stop with host call 64 + cause. */
static void trap_handlers(struct rig *g)
{
    uint32_t words[1024] = {0};
    struct duke_program h = {.base = VECTORS, .words = words, .capacity = 1024, .machine = &duke_machine_default};
    for (unsigned cause = 1; cause <= 14; cause++) {
        h.n = 32 * cause;
        D_R(&h, ROLLBACK, 0, 0, 0), D_END(&h); /* or gated stores would make the host call illegal */
        D_HCALL(&h, 64 + cause), D_END(&h);
    }
    g->e->ops->dma_write(g->e, VECTORS, words, sizeof words);
    D_LI(&g->p, 60, VECTORS), D_END(&g->p);
    D_WRCR(&g->p, 60, TVEC), D_END(&g->p);
}

/* Runs a program that must trap with `cause`; returns the state in the handler. */
static struct duke_state run_trap(struct rig *g, unsigned cause, uint64_t tval)
{
    struct duke_state s;
    D_HCALL(&g->p, 1), D_END(&g->p);
    g->e->ops->dma_write(g->e, BASE, g->words, 4 * g->p.n);
    enum engine_stop stop = g->e->ops->run(g->e, 100000, g->fast ? NULL : keep, g);
    EXPECT_EQ_U64(stop, ENGINE_HCALL);
    EXPECT_EQ_U64(g->e->ops->hcall_number(g->e), 64 + cause);
    g->e->ops->get_state(g->e, &s);
    EXPECT_EQ_U64(s.cr[DUKE_CR_TCAUSE], cause);
    EXPECT_EQ_U64(s.cr[DUKE_CR_TVAL], tval);
    EXPECT_EQ_U64(s.cr[DUKE_CR_STATUS], 1);
    return s;
}

ON_BOTH(reads_come_before_writes)
{
    D_LI(p, 4, 1), D_LI(p, 5, 2), D_LI(p, 6, 3), D_END(p);
    D_R(p, OR, 4, 5, 0), D_R(p, OR, 5, 6, 0), D_R(p, OR, 6, 4, 0), D_END(p);       /* rotate */
    D_R(p, ADD, 7, 4, 0), D_R(p, ADD, 4, 4, 5), D_B(p, BEQ, 4, 7, BASE), D_END(p); /* r7 was 0 */
    struct duke_state s = rig_run(g);
    EXPECT_EQ_U64(s.r[4], 5);
    EXPECT_EQ_U64(s.r[5], 3);
    EXPECT_EQ_U64(s.r[6], 1);
    EXPECT_EQ_U64(s.r[7], 2);
}

ON_BOTH(register_zero)
{
    D_LI(p, 0, 5), D_I(p, ADD, 4, 0, 7), D_END(p);
    D_LI(p, 5, DATA), D_END(p);
    D_MEM(p, LDN_D, 0, 5, 0), D_R(p, OR, 6, 0, 0), D_END(p);
    struct duke_state s = rig_run(g);
    EXPECT_EQ_U64(s.r[0], 0);
    EXPECT_EQ_U64(s.r[4], 7);
}

ON_BOTH(load_does_not_see_its_own_bundles_store)
{
    D_LI(p, 4, DATA), D_LI(p, 5, 0x1234), D_END(p);
    D_MEM(p, STN_W, 5, 4, 3), D_MEM(p, LDN_D, 6, 4, 0), D_END(p);
    D_MEM(p, LDN_D, 7, 4, 0), D_MEM(p, LDN_BS, 8, 4, 3), D_END(p);
    struct duke_state s = rig_run(g);
    EXPECT_EQ_U64(s.r[6], 0);
    EXPECT_EQ_U64(s.r[7], 0x1234000000);
    EXPECT_EQ_U64(s.r[8], 0x34);
}

ON_BOTH(call_and_computed_jumps)
{
    D_B(p, CALL, 0, 0, BASE + 8), D_END(p);
    D_J(p, BASE + 16), D_END(p);
    D_LI(p, 4, 9), D_END(p);
    D_R(p, CALLR, 0, 1, 0), D_END(p); /* to word 1, r1 = word 4 */
    D_R(p, OR, 5, 1, 0), D_END(p);
    struct duke_state s = rig_run(g);
    EXPECT_EQ_U64(s.r[4], 9);
    EXPECT_EQ_U64(s.r[5], BASE + 16);
}

ON_BOTH(rollback_restores_registers_and_memory)
{
    map_page(p, 0x5000, 0x1000, 6, 0);
    D_LI(p, 4, 0x5ffc - 0xff8), D_LI(p, 5, 77), D_LI(p, 50, 1), D_END(p);
    D_MEM(p, STG_D, 5, 4, 0), D_COMMIT(p, 3), D_END(p);
    uint32_t cpc = duke_here(p);
    D_LI(p, 5, 88), D_LI(p, 50, 2), D_END(p);
    D_MEM(p, STG_W, 5, 4, 2), D_MEM(p, STG_B, 5, 4, 3), D_END(p);
    D_MEM(p, LDG_D, 6, 4, 0), D_END(p);
    D_R(p, OR, 51, 6, 0), D_RDCR(p, 52, STATUS), D_END(p);
    D_R(p, ROLLBACK, 0, 0, 0), D_END(p);
    D_MEM(p, LDG_D, 7, 4, 0), D_END(p);
    struct duke_state s = rig_run(g);
    EXPECT_EQ_U64(s.r[5], 77);
    EXPECT_EQ_U64(s.r[50], 2);
    EXPECT_EQ_U64(s.r[51], 77 | UINT64_C(88) << 16 | (UINT64_C(88) << 24));
    EXPECT_EQ_U64(s.r[52], 3 << 8); /* the first crosses into a second double word */
    EXPECT_EQ_U64(s.r[7], 77);
    EXPECT_EQ_U64(s.cr[DUKE_CR_CPC], cpc);
    EXPECT_EQ_U64(s.cr[DUKE_CR_ICOUNT], 3);
}

ON_BOTH(host_does_not_see_gated_stores)
{
    map_page(p, 0x5000, 0x1000, 6, 0);
    D_LI(p, 4, 0x5000), D_LI(p, 5, 77), D_COMMIT(p, 0), D_END(p);
    D_MEM(p, STG_D, 5, 4, 0), D_END(p);
    uint32_t loop = duke_here(p);
    D_J(p, loop), D_END(p);
    g->e->ops->dma_write(g->e, BASE, g->words, 4 * p->n);
    EXPECT_EQ_U64(g->e->ops->run(g->e, 1000, g->fast ? NULL : keep, g), ENGINE_LIMIT);
    uint64_t v = 1;
    EXPECT(g->e->ops->dma_read(g->e, 0x1000, &v, 8));
    EXPECT_EQ_U64(v, 0);
    EXPECT(!g->e->ops->dma_read(g->e, 0x40000000 - 4, &v, 8));
}

ON_BOTH(trap_leaves_the_bundle_undone)
{
    trap_handlers(g);
    map_page(p, 0x5000, 0x1000, 6, 0);
    D_LI(p, 4, 0x5000), D_LI(p, 5, 0x9008), D_LI(p, 6, 1), D_COMMIT(p, 0), D_END(p);
    uint32_t at = duke_here(p);
    D_MEM(p, LDG_D, 4, 4, 0), D_MEM(p, STG_D, 6, 5, -2), D_I(p, ADD, 6, 6, 1), D_COMMIT(p, 1), D_J(p, BASE), D_END(p);
    struct duke_state s = run_trap(g, DUKE_TRAP_TLB_MISS_STORE, 0x9006);
    EXPECT_EQ_U64(s.cr[DUKE_CR_TPC], at);
    EXPECT_EQ_U64(s.cr[DUKE_CR_TINFO], 8 | 1 << 4 | 1 << 8);
    EXPECT_EQ_U64(s.cr[DUKE_CR_ICOUNT], 0);
    EXPECT_EQ_U64(s.r[4], 0x5000);
    EXPECT_EQ_U64(s.r[6], 1);
}

ON_BOTH(first_op_in_program_order_traps)
{
    trap_handlers(g);
    D_LI(p, 4, 0x5000), D_LI(p, 5, 0x6000), D_END(p);
    D_MEM(p, STG_D, 0, 4, 0), D_MEM(p, LDG_D, 6, 5, 0), D_END(p);
    run_trap(g, DUKE_TRAP_TLB_MISS_STORE, 0x5000);
}

ON_BOTH(page_checks)
{
    trap_handlers(g);
    map_page(p, 0x5000, 0x1000, 6, 0);
    map_page(p, 0x6000, 0x2000, 6, 1);
    D_LI(p, 4, 0x5ffe), D_END(p);
    D_MEM(p, STG_W, 4, 4, 0), D_END(p); /* the upper page's first chunk is translated */
    run_trap(g, DUKE_TRAP_TRANSLATED, 0x6000);
}

ON_BOTH(page_crossing_store_is_exact)
{
    map_page(p, 0x5000, 0x3000, 6, 0);
    map_page(p, 0x6000, 0x1000, 6, 0);
    D_LI(p, 4, 0x5ffd), D_LI(p, 5, 0x11223344), D_END(p);
    D_MEM(p, STG_W, 5, 4, 0), D_COMMIT(p, 0), D_END(p);
    D_MEM(p, LDG_WU, 6, 4, 0), D_END(p);
    struct duke_state s = rig_run(g);
    uint32_t v;
    EXPECT_EQ_U64(s.r[6], 0x11223344);
    g->e->ops->dma_read(g->e, 0x3ffc, &v, 4);
    EXPECT_EQ_U64(v, 0x22334400);
    g->e->ops->dma_read(g->e, 0x1000, &v, 4);
    EXPECT_EQ_U64(v, 0x11);
}

ON_BOTH(store_buffer_overflow)
{
    trap_handlers(g);
    map_page(p, 0x5000, 0x3000, 6, 0);
    D_LI(p, 4, 0x5000), D_COMMIT(p, 0), D_END(p);
    for (int i = 0; i < 31; i++)
        D_MEM(p, STG_B, 4, 4, i), D_END(p);
    uint32_t at = duke_here(p);
    D_MEM(p, STG_W, 4, 4, 5), D_END(p); /* two double words */
    struct duke_state s = run_trap(g, DUKE_TRAP_SB_OVERFLOW, 0x5005);
    EXPECT_EQ_U64(s.cr[DUKE_CR_TPC], at);
}

ON_BOTH(native_store_to_gated_double_word)
{
    trap_handlers(g);
    map_page(p, 0x5000, 0x3000, 6, 0);
    D_LI(p, 4, 0x5000), D_LI(p, 5, 0x3007), D_COMMIT(p, 0), D_END(p);
    D_MEM(p, STG_B, 4, 4, 0), D_END(p);
    D_MEM(p, STN_B, 4, 5, 1), D_END(p); /* the next double word */
    D_MEM(p, STN_B, 4, 5, 0), D_END(p);
    run_trap(g, DUKE_TRAP_NATIVE, 0x3007);
}

ON_BOTH(alias)
{
    trap_handlers(g);
    map_page(p, 0x5000, 0x3000, 6, 0);
    D_LI(p, 4, 0x5000), D_COMMIT(p, 0), D_END(p);
    duke_put(p, (struct duke_op){.op = DUKE_OP_LDP_D, .form = DUKE_FORM_EXT, .rd = 5, .ra = 4, .entry = 3, .imm = 8}), D_END(p);
    struct duke_op stc = {.op = DUKE_OP_STC_W, .form = DUKE_FORM_EXT, .rd = 5, .ra = 4, .mask = 0xfff7, .imm = 12};
    duke_put(p, stc), D_END(p); /* not in the mask */
    stc.mask = 8, stc.imm = 4;
    duke_put(p, stc), D_END(p); /* just before */
    stc.imm = 5;
    duke_put(p, stc), D_END(p);
    run_trap(g, DUKE_TRAP_ALIAS, 0x5005);
}

/* Loads at these displacements with number 3, two of them in one bundle or each in its own, then stores of a byte that check it:
 * all but the last must pass. */
static void alias_numbers(struct rig *g, struct duke_program *p, bool together, const int *load, unsigned loads,
                          const int *store, unsigned stores)
{
    trap_handlers(g);
    map_page(p, 0x5000, 0x3000, 6, 0);
    D_LI(p, 4, 0x5000), D_COMMIT(p, 0), D_END(p);
    for (unsigned i = 0; i < loads; i++) {
        struct duke_op ldp = {.op = DUKE_OP_LDP_D, .form = DUKE_FORM_EXT, .rd = (uint8_t)(5 + i), .ra = 4, .entry = 3};
        ldp.imm = load[i];
        duke_put(p, ldp);
        if (!together || i % 2 == 1 || i + 1 == loads)
            D_END(p);
    }
    for (unsigned i = 0; i < stores; i++) {
        struct duke_op stc = {.op = DUKE_OP_STC_B, .form = DUKE_FORM_EXT, .rd = 5, .ra = 4, .mask = 8, .imm = store[i]};
        duke_put(p, stc), D_END(p);
    }
    run_trap(g, DUKE_TRAP_ALIAS, 0x5000 + (unsigned)store[stores - 1]);
}

ON_BOTH(alias_first_of_two) { alias_numbers(g, p, false, (int[]){8, 64}, 2, (int[]){7, 16, 63, 72, 15}, 5); }
ON_BOTH(alias_second_of_two) { alias_numbers(g, p, false, (int[]){8, 64}, 2, (int[]){7, 16, 63, 72, 64}, 5); }
ON_BOTH(alias_two_of_a_bundle) { alias_numbers(g, p, true, (int[]){8, 64}, 2, (int[]){7, 16, 63, 72, 8}, 5); }
ON_BOTH(alias_other_of_a_bundle) { alias_numbers(g, p, true, (int[]){8, 64}, 2, (int[]){7, 16, 63, 72, 71}, 5); }
/* The third takes the second's place. */
ON_BOTH(alias_third) { alias_numbers(g, p, false, (int[]){8, 64, 128}, 3, (int[]){64, 71, 127, 128}, 4); }
ON_BOTH(alias_third_of_two_bundles) { alias_numbers(g, p, true, (int[]){8, 64, 128}, 3, (int[]){64, 71, 127, 15}, 4); }

ON_BOTH(speculative_load_poisons)
{
    trap_handlers(g);
    D_LI(p, 4, 0x5000), D_LI(p, 5, 99), D_END(p);
    D_MEM(p, LDS_D, 5, 4, 0), D_END(p);
    D_RDCR(p, 50, POISON), D_END(p);
    D_R(p, CHKS, 0, 4, 0), D_R(p, OR, 51, 5, 0), D_END(p);
    D_R(p, CHKS, 0, 5, 0), D_LI(p, 51, 3), D_END(p);
    struct duke_state s = run_trap(g, DUKE_TRAP_POISON, 5);
    EXPECT_EQ_U64(s.r[50], 1 << 5);
    EXPECT_EQ_U64(s.r[51], 0);
}

ON_BOTH(interrupt_after_commit)
{
    trap_handlers(g);
    D_LI(p, 4, 5), D_END(p);
    D_WRCR(p, 4, ILIMIT), D_END(p);
    D_COMMIT(p, 4), D_END(p);
    D_LI(p, 5, 1), D_COMMIT(p, 1), D_J(p, BASE + 0x1000), D_END(p);
    struct duke_state s = run_trap(g, DUKE_TRAP_INTERRUPT, 0);
    EXPECT_EQ_U64(s.cr[DUKE_CR_TPC], BASE + 0x1000);
    EXPECT_EQ_U64(s.r[5], 1);
    EXPECT_EQ_U64(s.cr[DUKE_CR_CPC], BASE + 0x1000);
}

ON_BOTH(indirect_target_cache_and_return_stack)
{
    D_LI(p, 4, 0x1111), D_LI(p, 5, BASE + 0x800), D_LI(p, 6, 0x2222), D_END(p);
    D_R(p, JITC, 0, 4, 0), D_END(p); /* miss */
    D_R(p, ITCW, 0, 4, 5), D_END(p);
    D_B(p, RASP, 6, 0, BASE + 0x900), D_END(p);
    D_R(p, JITC, 0, 4, 0), D_COMMIT(p, 1), D_END(p);
    p->n = 0x800 / 4;
    D_R(p, JRAS, 0, 6, 0), D_END(p);
    p->n = 0x900 / 4;
    D_LI(p, 7, 5), D_END(p);
    D_R(p, JRAS, 0, 6, 0), D_END(p); /* empty, and not in the cache */
    D_LI(p, 8, 6), D_END(p);
    struct duke_state s = rig_run(g);
    EXPECT_EQ_U64(s.r[7], 5);
    EXPECT_EQ_U64(s.r[8], 6);
    EXPECT_EQ_U64(s.cr[DUKE_CR_CPC], BASE + 0x800);
}

ON_BOTH(illegal_bundles_and_fetch)
{
    trap_handlers(g);
    D_LI(p, 4, 0x10), D_END(p);
    uint32_t at = duke_here(p), word = 0x10041000;
    p->words[p->n++] = word; /* add r1, r1, r0 twice */
    p->words[p->n++] = word | DUKE_END;
    struct duke_state s = run_trap(g, DUKE_TRAP_ILLEGAL, word);
    EXPECT_EQ_U64(s.cr[DUKE_CR_TPC], at);
}

ON_BOTH(fetch_outside_memory)
{
    trap_handlers(g);
    D_LI(p, 4, 0x3ffffffe), D_END(p);
    D_R(p, JR, 0, 4, 0), D_END(p);
    run_trap(g, DUKE_TRAP_FETCH, 0x3ffffffe);
}

/* Code that a program writes is seen after icf: twice at the same place, with a jump from elsewhere that was chained. */
ON_BOTH(icf_shows_new_code)
{
    struct duke_op li = {.op = DUKE_OP_LI, .form = DUKE_FORM_IMM, .rd = 10, .imm = 1, .end = true};
    uint32_t w[2], over, patch = BASE + 0x800;
    duke_encode(&li, w);
    D_LI(p, 4, patch), D_LI(p, 5, w[0]), D_LI(p, 8, 3), D_LI(p, 9, 0), D_END(p);
    uint32_t loop = duke_here(p);
    D_MEM(p, STN_W, 5, 4, 0), D_I(p, ADD, 5, 5, 1), D_I(p, ADD, 8, 8, -1), D_END(p);
    D_R(p, ICF, 0, 0, 0), D_END(p);
    D_J(p, patch), D_END(p);
    over = duke_here(p);
    D_R(p, ADD, 9, 9, 10), D_B(p, BNE, 8, 0, loop), D_END(p);
    D_HCALL(p, 1), D_END(p);
    p->n = 0x800 / 4;
    D_LI(p, 10, 0), D_END(p);
    D_J(p, over), D_END(p);
    struct duke_state s = rig_run(g);
    EXPECT_EQ_U64(s.r[9], 1 + 2 + 3);
}

TEST_CASE(engine_func, double_fault_says_where)
{
    static struct rig g;
    rig_init(&g);
    D_LI(&g.p, 4, 0x5000), D_END(&g.p);
    D_MEM(&g.p, LDG_D, 4, 4, 0), D_END(&g.p); /* tvec is 0: DRAM, all zero, illegal */
    g.e->ops->dma_write(g.e, BASE, g.words, 4 * g.p.n);
    EXPECT_EQ_U64(g.e->ops->run(g.e, 100, NULL, NULL), ENGINE_DOUBLE_FAULT);
    EXPECT(strstr(g.e->ops->error_text(g.e), "double fault: trap cause 1,") != NULL);
    rig_end(&g);
}

TEST_CASE(engine_func, refuses_what_it_cannot_make)
{
    char err[256];
    struct engine_cfg cfg = {.machine = "dfault", .dram_size = 1 << 20, .hidden_size = 1 << 20};
    EXPECT(engine_func.create(&cfg, err, sizeof err) == NULL);
    EXPECT(strstr(err, "\"dfault\" is unknown") != NULL);
    cfg.machine = "default", cfg.dram_size = 4097;
    EXPECT(engine_func.create(&cfg, err, sizeof err) == NULL);
    EXPECT(strstr(err, "multiples of 4 KiB") != NULL);
}

struct census {
    uint64_t cause[32], flags[16];
};

static void count(void *arg, const struct engine_record *rec)
{
    struct census *c = arg;
    c->cause[rec->cause & 31]++;
    c->flags[rec->flags & 15]++;
}

/* Random programs are worth something only if they meet everything. */
TEST_CASE(engine_func, random_programs_meet_every_cause)
{
    struct engine_cfg cfg = {.machine = "default", .dram_size = DUKE_RANDOM_DRAM, .hidden_size = DUKE_RANDOM_HIDDEN};
    char err[256];
    struct census c = {{0}, {0}};
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct engine *e = engine_func.create(&cfg, err, sizeof err);
        duke_random_load(e, &duke_machine_default, seed);
        for (int i = 0; i < 5000; i++)
            e->ops->run(e, 100, count, &c);
        e->ops->destroy(e);
    }
    for (unsigned cause = 1; cause <= 14; cause++)
        EXPECT_MSG(c.cause[cause] >= 10, "cause %u was met %u times", cause, (unsigned)c.cause[cause]);
    EXPECT(c.flags[ENGINE_REC_COMMIT] > 10000 && c.flags[ENGINE_REC_ROLLBACK] > 100 && c.flags[ENGINE_REC_HCALL] > 100);
}
