/* Unit X of the functional engine: every op against the instruction of the host's x87 that it is, and what the engine does with
 * file e and the x87's fields of fcsr. */
#include "../x87/host.h"
#include "../x87/operands.h"
#include "duke_program.h"
#include "engine.h"
#include "engine_func.h"
#include "gtest_shim.h"
#include "splitmix64.h"

enum { CASES = 20000, ST0_EMPTY = 0x4000 }; /* of physical register 7, where a load goes */

/* What an op is on the host: ST0 = fa, ST1 = fb, memory = [rdx]. */
enum where { ST0, FLAGS, MEM16, MEM32, MEM64 };
struct same {
    uint16_t op;
    uint8_t insn[2];
    uint8_t from, to; /* enum where */
};
static const struct same table[] = {
    {DUKE_OP_FADD_X, {0xd8, 0xc1}, ST0, ST0},      {DUKE_OP_FSUB_X, {0xd8, 0xe1}, ST0, ST0},
    {DUKE_OP_FMUL_X, {0xd8, 0xc9}, ST0, ST0},      {DUKE_OP_FDIV_X, {0xd8, 0xf1}, ST0, ST0},
    {DUKE_OP_FSQRT_X, {0xd9, 0xfa}, ST0, ST0},     {DUKE_OP_FROUND_X, {0xd9, 0xfc}, ST0, ST0},
    {DUKE_OP_FCMPF_X, {0xdd, 0xe1}, ST0, FLAGS},   {DUKE_OP_FCOMF_X, {0xd8, 0xd1}, ST0, FLAGS},
    {DUKE_OP_FCVT_X_D, {0xdd, 0x02}, MEM64, ST0},  {DUKE_OP_FCVT_X_S, {0xd9, 0x02}, MEM32, ST0},
    {DUKE_OP_FCVT_X_L, {0xdf, 0x2a}, MEM64, ST0},  {DUKE_OP_FCVT_D_X, {0xdd, 0x12}, ST0, MEM64},
    {DUKE_OP_FCVT_S_X, {0xd9, 0x12}, ST0, MEM32},  {DUKE_OP_FCVT_L_X, {0xdf, 0x3a}, ST0, MEM64},
    {DUKE_OP_FCVT_W_X, {0xdb, 0x12}, ST0, MEM32},  {DUKE_OP_FCVT_H_X, {0xdf, 0x12}, ST0, MEM16},
    {DUKE_OP_FCVTT_L_X, {0xdd, 0x0a}, ST0, MEM64}, {DUKE_OP_FCVTT_W_X, {0xdb, 0x0a}, ST0, MEM32},
    {DUKE_OP_FCVTT_H_X, {0xdf, 0x0a}, ST0, MEM16}, {DUKE_OP_FCHS_X, {0xd9, 0xe0}, ST0, ST0},
    {DUKE_OP_FABS_X, {0xd9, 0xe1}, ST0, ST0},
};

static bool is_move(unsigned op) { return duke_ops[op].lat == DUKE_LAT_INT; }

static struct func_x87 number(const uint8_t bytes[10])
{
    struct func_x87 v;
    memcpy(&v.sig, bytes, 8);
    memcpy(&v.exp, bytes + 8, 2);
    return v;
}

/* The result as the op gives it: narrow integers sign-extended, a single zero-extended. */
static uint64_t from_memory(const struct same *t, const uint8_t *memory)
{
    uint64_t v;
    memcpy(&v, memory, 8);
    if (t->to == MEM64)
        return v;
    if (t->to == MEM32)
        return t->op == DUKE_OP_FCVT_S_X ? (uint32_t)v : (uint64_t)(int32_t)v;
    return (uint64_t)(int16_t)v;
}

static bool one_case(const struct same *t, struct host_stub stub, uint64_t *random)
{
    struct x87_image in, out;
    struct host_frame frame = {0, 0x202};
    uint8_t memory[16];
    random_image(random, &in);
    random_memory(random, memory, sizeof memory, t->from == MEM64 ? 8 : t->from == MEM32 ? 4 : 0);
    in.cw |= 0x3f;
    if (splitmix64(random) % 8 == 0) /* the reserved precision is as the highest */
        in.cw |= 0x300;
    in.sw = (uint16_t)(splitmix64(random) & 0x200); /* C1 comes from before */
    in.tw = t->from == ST0 ? 0 : 0xc000;
    struct func_x87 a = number(in.st[0].byte), b = number(in.st[1].byte);
    uint64_t pc = in.cw >> 8 & 3, rc = in.cw >> 10 & 3;
    if (pc == 3 && splitmix64(random) % 2 == 0)
        pc = 1;
    if (t->from != ST0)
        memcpy(&a.sig, memory, 8);
    /* Flags and fields of the SSE part must stay. */
    const uint64_t before = 0x2a0b | rc << FCSR_X87_RC | pc << FCSR_X87_PC | ((in.sw & 0x200) != 0 ? FCSR_X87_C1 : 0);
    uint64_t fcsr = before;
    const struct func_x87 got = func_x87(t->op, a, b, &fcsr);
    host_x87_run(stub, &in, &out, memory, &frame);

    struct func_x87 want = {.sig = 0};
    uint64_t wanted = before;
    if (t->to == ST0)
        want = number(out.st[0].byte);
    else if (t->to == FLAGS)
        want.sig = (out.sw >> 8 & 1) | (out.sw >> 10 & 1) << 2 | (out.sw >> 14 & 1) << 6;
    else
        want.sig = from_memory(t, memory);
    if (!is_move(t->op)) {
        wanted |= (uint64_t)(out.sw & 0x3f) << FCSR_X87_FLAGS;
        if (t->to != FLAGS) /* as FUCOMI and FCOMI, not FUCOM and FCOM */
            wanted = (wanted & ~FCSR_X87_C1) | ((out.sw & 0x200) != 0 ? FCSR_X87_C1 : 0);
    }
    const bool e = (duke_ops[t->op].flags & DUKE_E_RD) != 0;
    const bool same = got.sig == want.sig && (!e || got.exp == want.exp) && fcsr == wanted;
    EXPECT_MSG(same,
               "%s %04x.%016" PRIx64 " %04x.%016" PRIx64 " fcsr %08" PRIx64 ": %04x.%016" PRIx64 " fcsr %08" PRIx64
               ", the host says %04x.%016" PRIx64 " fcsr %08" PRIx64,
               duke_op_names[t->op], a.exp, a.sig, b.exp, b.sig, before, got.exp, got.sig, fcsr, want.exp, want.sig, wanted);
    return same;
}

TEST_CASE(func_x87, every_op_is_the_hosts_instruction)
{
    uint64_t random = 0x5eed;
    bool tried[DUKE_OP_COUNT] = {false};
    EXPECT(host_x87_init());
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
        const struct host_stub stub = host_x87_stub(table[i].insn, 2);
        tried[table[i].op] = true;
        for (unsigned n = 0; n < CASES; n++) {
            if (!one_case(&table[i], stub, &random))
                break;
        }
    }
    for (unsigned op = 0; op < DUKE_OP_COUNT; op++) {
        bool other = op == DUKE_OP_FMV_E || op == DUKE_OP_FMK_E || op == DUKE_OP_FMV_EF;
        EXPECT_MSG(tried[op] || other || duke_ops[op].unit != DUKE_UNIT_X, "%s was not tried", duke_op_names[op]);
    }
}

/* --- the engine ------------------------------------------------------------------------------------------------------ */

enum { BASE = ENGINE_RESET_PC };

struct rig {
    struct engine *e;
    struct duke_program p;
    uint32_t words[256];
    struct engine_record last; /* of a bundle that writes an f register */
    bool fast;
};

static void keep(void *arg, const struct engine_record *rec)
{
    struct rig *g = arg;
    if (rec->nwrites != 0 && rec->writes[0].reg >= 64)
        g->last = *rec;
}

static struct duke_state rig_run(struct rig *g)
{
    struct duke_state s;
    D_HCALL(&g->p, 1), D_END(&g->p);
    g->e->ops->dma_write(g->e, BASE, g->words, 4 * g->p.n);
    EXPECT_EQ_U64(g->e->ops->run(g->e, 10000, g->fast ? NULL : keep, g), ENGINE_HCALL);
    EXPECT_EQ_U64(g->e->ops->hcall_number(g->e), 1);
    g->e->ops->get_state(g->e, &s);
    return s;
}

/* A test body on both executors; `p` is the program. */
#define ON_BOTH(name)                                                                              \
    static void body_##name(struct rig *g, struct duke_program *p);                                \
    TEST_CASE(func_x87, name)                                                                      \
    {                                                                                              \
        for (int fast = 0; fast < 2; fast++) {                                                     \
            static struct rig g;                                                                   \
            struct engine_cfg cfg = {.machine = "default", .dram_size = 1 << 20, .hidden_size = 1 << 20}; \
            char err[256];                                                                         \
            memset(&g, 0, sizeof g);                                                               \
            g.e = engine_func.create(&cfg, err, sizeof err);                                       \
            g.p = (struct duke_program){                                                           \
                .base = BASE, .words = g.words, .capacity = 256, .machine = &duke_machine_default}; \
            g.fast = fast != 0;                                                                    \
            body_##name(&g, &g.p);                                                                 \
            g.e->ops->destroy(g.e);                                                                \
        }                                                                                          \
    }                                                                                              \
    static void body_##name(struct rig *g, struct duke_program *p)

/* f[n] = the integer v, by fcvt.x.l. */
static void put_integer(struct duke_program *p, uint8_t n, int64_t v)
{
    D_LI(p, 60, v), D_END(p);
    D_R(p, FCVT_X_L, n, 60, 0), D_END(p);
}

ON_BOTH(moves_between_the_files)
{
    D_LI(p, 4, 0x123456), D_LI(p, 5, 77), D_END(p);
    D_R(p, FMV_F, 1, 5, 0), D_END(p);
    D_R(p, FMK_E, 2, 1, 4), D_END(p); /* e takes the low half of r4 */
    D_R(p, FMV_EF, 50, 2, 0), D_END(p);
    D_R(p, FCHS_X, 3, 50, 0), D_END(p);
    D_R(p, FABS_X, 63, 3, 0), D_R(p, FMV_X, 7, 3, 0), D_END(p);
    D_R(p, FMV_E, 6, 3, 0), D_END(p);
    D_R(p, FMV_F, 3, 4, 0), D_END(p); /* leaves e3 alone */
    struct duke_state s = rig_run(g);
    EXPECT_EQ_U64(s.f[2], 77);
    EXPECT_EQ_U64(s.e[2], 0x3456);
    EXPECT_EQ_U64(s.f[50], 77);
    EXPECT_EQ_U64(s.e[50], 0x3456);
    EXPECT_EQ_U64(s.r[6], 0xb456);
    EXPECT_EQ_U64(s.r[7], 77);
    EXPECT_EQ_U64(s.e[3], 0xb456);
    EXPECT_EQ_U64(s.f[3], 0x123456);
    EXPECT_EQ_U64(s.e[63], 0x3456);
    EXPECT_EQ_U64(s.e[1], 0);
    EXPECT_EQ_U64(s.cr[DUKE_CR_FCSR], 0);
}

ON_BOTH(record_has_both_parts)
{
    put_integer(p, 9, -2);
    struct duke_state s = rig_run(g);
    EXPECT_EQ_U64(s.f[9], UINT64_C(1) << 63);
    EXPECT_EQ_U64(s.e[9], 0xc000);
    if (g->fast)
        return;
    EXPECT_EQ_U64(g->last.nwrites, 2);
    EXPECT_EQ_U64(g->last.writes[0].reg, 64 + 9);
    EXPECT_EQ_U64(g->last.writes[0].value, UINT64_C(1) << 63);
    EXPECT_EQ_U64(g->last.writes[1].reg, 128 + 9);
    EXPECT_EQ_U64(g->last.writes[1].value, 0xc000);
}

ON_BOTH(rollback_restores_e_and_all_of_fcsr)
{
    const int64_t modes = INT64_C(0xa) << 16 | 2, other = INT64_C(0x1) << 16 | 1; /* up, double; then down, single */
    put_integer(p, 40, 3);
    put_integer(p, 41, 1);
    put_integer(p, 50, 5);
    D_LI(p, 60, modes), D_END(p);
    D_WRCR(p, 60, FCSR), D_END(p);
    D_R(p, FDIV_X, 42, 41, 40), D_END(p); /* inexact, rounded up */
    D_COMMIT(p, 1), D_END(p);
    D_LI(p, 60, other), D_END(p);
    D_WRCR(p, 60, FCSR), D_END(p);
    D_R(p, FDIV_X, 42, 40, 40), D_END(p); /* 1: C1 goes away */
    D_R(p, FMV_EF, 50, 40, 0), D_END(p);
    D_R(p, FCHS_X, 41, 41, 0), D_END(p);
    D_RDCR(p, 50, FCSR), D_END(p);
    D_R(p, ROLLBACK, 0, 0, 0), D_END(p);
    struct duke_state s = rig_run(g);
    EXPECT_EQ_U64(s.r[50], other);
    EXPECT_EQ_U64(s.cr[DUKE_CR_FCSR], (uint64_t)modes | UINT64_C(0x20) << 24 | UINT64_C(1) << 30);
    EXPECT_EQ_U64(s.f[42], 0xaaaaaaaaaaaab000); /* 53 bits, upwards */
    EXPECT_EQ_U64(s.e[42], 0x3ffd);
    EXPECT_EQ_U64(s.e[41], 0x3fff);
    EXPECT_EQ_U64(s.f[50], UINT64_C(3) << 62);
    EXPECT_EQ_U64(s.e[50], 0x4000); /* not shadowed */
}

ON_BOTH(unused_bits_of_fcsr_are_zero)
{
    D_LI(p, 60, -1), D_END(p);
    D_WRCR(p, 60, FCSR), D_END(p);
    D_RDCR(p, 4, FCSR), D_END(p);
    struct duke_state s = rig_run(g);
    EXPECT_EQ_U64(s.r[4], 0x7f0f3fff);
}

TEST_CASE(func_x87, one_op_a_bundle)
{
    struct duke_op ops[2] = {{.op = DUKE_OP_FADD_X, .rd = 1, .words = 1},
                             {.op = DUKE_OP_FMUL_X, .rd = 2, .words = 1, .end = true}};
    EXPECT_EQ_U64(duke_bundle_check(&duke_machine_default, ops, 2), DUKE_BUNDLE_LANES);
    ops[0].op = DUKE_OP_FADD_D;
    EXPECT_EQ_U64(duke_bundle_check(&duke_machine_default, ops, 2), DUKE_BUNDLE_OK);
    EXPECT_EQ_U64(duke_bundle_check(&duke_machine_tm5400, ops, 2), DUKE_BUNDLE_UNIT);
}
