/* Encoder and decoder: every op in every form comes back as it was, bad ones are refused, text is as documented. */
#include "duke_disasm.h"
#include "gtest_shim.h"
#include "splitmix64.h"

#include <stdio.h>

static uint64_t rng_state = 1;

static uint64_t rng(void) { return splitmix64(&rng_state); }

/* An immediate that fits the form: a random one cut down, or the least or greatest. */
static int64_t some_imm(unsigned op, unsigned form)
{
    for (;;) {
        unsigned n = (unsigned)(rng() % 63) + 1;
        int64_t v = (int64_t)(rng() << n) >> n;
        if (rng() % 4 == 0)
            v = (int64_t)((rng() & 1) != 0 ? (INT64_C(1) << (n - 1)) - 4 : -(INT64_C(1) << (n - 1)));
        if (duke_imm_fits(op, form, v))
            return v;
        v &= ~(int64_t)3;
        if (duke_imm_fits(op, form, v))
            return v;
    }
}

static bool has_imm(unsigned op, unsigned form) { return !duke_imm_fits(op, form, INT64_MIN); }

/* Fields that a format has, found independently of the emitter from the text of formats.toml. */
static void fill(struct duke_op *o)
{
    unsigned fmt = duke_ops[o->op].fmt, ext = o->form == DUKE_FORM_EXT;
    bool rd = fmt != DUKE_FMT_BC && fmt != DUKE_FMT_BF && fmt != DUKE_FMT_J;
    bool rb = fmt == DUKE_FMT_R4 || fmt == DUKE_FMT_R4X || fmt == DUKE_FMT_MEMP || fmt == DUKE_FMT_MEMC || fmt == DUKE_FMT_BC ||
              (fmt == DUKE_FMT_MEM && ext) || (fmt == DUKE_FMT_R3 && o->form == DUKE_FORM_REG);
    o->rd = rd ? rng() & 63 : 0;
    o->ra = fmt != DUKE_FMT_J && fmt != DUKE_FMT_LI ? rng() & 63 : 0;
    o->rb = rb ? rng() & 63 : 0;
    o->rc = fmt == DUKE_FMT_R4 || fmt == DUKE_FMT_R4X ? rng() & 63 : 0;
    o->cc = fmt == DUKE_FMT_BF || fmt == DUKE_FMT_R4X ? rng() & 15 : 0;
    o->scale = (fmt == DUKE_FMT_MEM && ext) || fmt == DUKE_FMT_MEMP || fmt == DUKE_FMT_MEMC ? rng() & 3 : 0;
    o->entry = fmt == DUKE_FMT_MEMP ? rng() & 15 : 0;
    o->mask = fmt == DUKE_FMT_MEMC ? (uint16_t)rng() : 0;
    if (has_imm(o->op, o->form))
        o->imm = some_imm(o->op, o->form);
}

TEST_CASE(isa_codec, round_trip_of_every_op_and_form)
{
    for (unsigned op = 0; op < DUKE_OP_COUNT; op++) {
        for (unsigned form = 0; form < DUKE_FORM_COUNT; form++) {
            if ((duke_ops[op].forms & (1u << form)) == 0)
                continue;
            for (int k = 0; k < 200; k++) {
                struct duke_op a = {.op = (uint16_t)op, .form = (uint8_t)form, .end = (rng() & 1) != 0}, b;
                uint32_t w[3] = {0, 0, 0};
                fill(&a);
                a.words = (uint8_t)duke_encode(&a, w);
                EXPECT_EQ_U64(a.words, form == DUKE_FORM_EXT ? 2 : 1);
                EXPECT_EQ_U64(duke_decode(w, 3, &b), DUKE_DECODE_OK);
                bool same = a.op == b.op && a.form == b.form && a.rd == b.rd && a.ra == b.ra && a.rb == b.rb && a.rc == b.rc &&
                            a.scale == b.scale && a.cc == b.cc && a.entry == b.entry && a.mask == b.mask && a.imm == b.imm &&
                            a.words == b.words && a.end == b.end;
                EXPECT_MSG(same, "%s form %u: %08" PRIx32 " %08" PRIx32 " comes back otherwise", duke_op_names[op], form, w[0],
                           w[1]);
                if (!same)
                    return;
            }
        }
    }
}

TEST_CASE(isa_codec, encoder_refuses)
{
    uint32_t w[2];
    EXPECT_EQ_U64(duke_encode(&(struct duke_op){.op = DUKE_OP_ADD, .form = DUKE_FORM_IMM, .imm = 31}, w), 1);
    EXPECT_EQ_U64(duke_encode(&(struct duke_op){.op = DUKE_OP_ADD, .form = DUKE_FORM_IMM, .imm = 32}, w), 0);
    EXPECT_EQ_U64(duke_encode(&(struct duke_op){.op = DUKE_OP_ADD, .form = DUKE_FORM_IMM, .imm = -33}, w), 0);
    EXPECT_EQ_U64(duke_encode(&(struct duke_op){.op = DUKE_OP_CLZ, .form = DUKE_FORM_IMM}, w), 0);
    EXPECT_EQ_U64(duke_encode(&(struct duke_op){.op = DUKE_OP_BEQ, .form = DUKE_FORM_IMM, .imm = 6}, w), 0);
    EXPECT_EQ_U64(duke_encode(&(struct duke_op){.op = DUKE_OP_BEQ, .form = DUKE_FORM_IMM, .imm = 8188}, w), 1);
    EXPECT_EQ_U64(duke_encode(&(struct duke_op){.op = DUKE_OP_BEQ, .form = DUKE_FORM_IMM, .imm = 8192}, w), 0);
    EXPECT_EQ_U64(duke_imm_form(DUKE_OP_ADDI, 2047), DUKE_FORM_IMM);
    EXPECT_EQ_U64(duke_imm_form(DUKE_OP_ADDI, 2048), DUKE_FORM_EXT);
    EXPECT_EQ_U64(duke_imm_form(DUKE_OP_ADDI, INT64_C(1) << 40), DUKE_FORM_COUNT);
}

TEST_CASE(isa_codec, decoder_refuses)
{
    struct duke_op o;
    uint32_t bare_ext[] = {0x60000000 | DUKE_END}, no_fn[] = {0x1d00003f | DUKE_END};
    uint32_t absent[] = {DUKE_END}, r4x_without[] = {0x16000000 | DUKE_END}, j_with[] = {0x5f000000, 0xe0000000};
    EXPECT_EQ_U64(duke_decode(bare_ext, 1, &o), DUKE_DECODE_ILLEGAL);
    EXPECT_EQ_U64(duke_decode(no_fn, 1, &o), DUKE_DECODE_ILLEGAL);
    EXPECT_EQ_U64(duke_decode(absent, 1, &o), DUKE_DECODE_ILLEGAL);
    EXPECT_EQ_U64(duke_decode(r4x_without, 1, &o), DUKE_DECODE_ILLEGAL);
    EXPECT_EQ_U64(duke_decode(j_with, 2, &o), DUKE_DECODE_ILLEGAL);
    EXPECT_EQ_U64(duke_decode(j_with, 1, &o), DUKE_DECODE_MORE);
}

static void expect_text(struct duke_op o, const char *want)
{
    char buf[96];
    EXPECT_STR(duke_disassemble(buf, sizeof buf, 0x40010000, &o), want);
}

TEST_CASE(isa_codec, text)
{
    expect_text((struct duke_op){.op = DUKE_OP_ADD, .rd = 1, .ra = 2, .rb = 3}, "add r1, r2, r3");
    expect_text((struct duke_op){.op = DUKE_OP_ADD, .form = DUKE_FORM_IMM, .rd = 1, .ra = 2, .imm = -3}, "add.i r1, r2, -3");
    expect_text((struct duke_op){.op = DUKE_OP_ADD, .form = DUKE_FORM_EXT, .rd = 1, .ra = 2, .imm = 4096},
                "add.x r1, r2, 4096");
    expect_text((struct duke_op){.op = DUKE_OP_CLZ, .rd = 1, .ra = 2}, "clz r1, r2");
    expect_text((struct duke_op){.op = DUKE_OP_LDG_D, .form = DUKE_FORM_IMM, .rd = 1, .ra = 2, .imm = -8},
                "ldg.d r1, [r2 - 8]");
    expect_text((struct duke_op){.op = DUKE_OP_STN_FD, .form = DUKE_FORM_EXT, .rd = 1, .ra = 2, .rb = 3, .scale = 2},
                "stn.fd.x f1, [r2 + r3 << 2]");
    expect_text((struct duke_op){.op = DUKE_OP_LDP_WU, .form = DUKE_FORM_EXT, .rd = 1, .ra = 2, .entry = 5},
                "ldp.wu r1, [r2], 5");
    expect_text((struct duke_op){.op = DUKE_OP_BCC, .form = DUKE_FORM_IMM, .cc = 4, .ra = 2, .imm = -16},
                "bcc 4, r2, 0x4000fff0");
    expect_text((struct duke_op){.op = DUKE_OP_COMMIT, .form = DUKE_FORM_IMM, .imm = 3}, "commit 3");
    expect_text((struct duke_op){.op = DUKE_OP_JR, .ra = 1}, "jr r1");
    expect_text((struct duke_op){.op = DUKE_OP_RDCR, .form = DUKE_FORM_IMM, .rd = 4, .imm = 5}, "rdcr r4, 5");
}

static unsigned check(const struct duke_machine *m, const unsigned *names, unsigned n)
{
    struct duke_op ops[16];
    for (unsigned i = 0; i < n; i++) {
        ops[i] = (struct duke_op){.op = (uint16_t)names[i], .rd = (uint8_t)(i + 1), .words = 1, .end = i == n - 1};
        while ((duke_ops[names[i]].forms & (1u << ops[i].form)) == 0)
            ops[i].form++;
    }
    return duke_bundle_check(m, ops, n);
}
#define CHECK(m, ...) \
    check(&duke_machine_##m, (const unsigned[]){ __VA_ARGS__ }, sizeof((const unsigned[]){ __VA_ARGS__ }) / sizeof(unsigned))

TEST_CASE(isa_codec, bundle_rules)
{
    enum { I = DUKE_OP_ADD, A = DUKE_OP_MUL, M = DUKE_OP_LDN_D, B = DUKE_OP_J, C = DUKE_OP_COMMIT };
    EXPECT_EQ_U64(CHECK(default, I, I, I, I, B, C), DUKE_BUNDLE_OK);
    EXPECT_EQ_U64(CHECK(default, M, M, A, I, B), DUKE_BUNDLE_OK);
    EXPECT_EQ_U64(CHECK(default, I, I, I, I, I), DUKE_BUNDLE_LANES);
    EXPECT_EQ_U64(CHECK(default, M, M, M), DUKE_BUNDLE_LANES);
    EXPECT_EQ_U64(CHECK(default, A, A, A), DUKE_BUNDLE_LANES);
    EXPECT_EQ_U64(CHECK(default, A, A, M, I, I), DUKE_BUNDLE_LANES);
    EXPECT_EQ_U64(CHECK(default, B, B), DUKE_BUNDLE_LANES);
    EXPECT_EQ_U64(CHECK(default, C, C), DUKE_BUNDLE_COMMITS);
    EXPECT_EQ_U64(CHECK(default, DUKE_OP_RFE, C), DUKE_BUNDLE_ALONE);
    EXPECT_EQ_U64(CHECK(default, DUKE_OP_FADD_D), DUKE_BUNDLE_OK);
    EXPECT_EQ_U64(CHECK(default, DUKE_OP_FADD_D, A, DUKE_OP_FMADD_S), DUKE_BUNDLE_LANES);
    EXPECT_EQ_U64(CHECK(default, DUKE_OP_PADD_B, DUKE_OP_FADD_D), DUKE_BUNDLE_OK);
    EXPECT_EQ_U64(CHECK(default, DUKE_OP_PADD_B, A, DUKE_OP_FADD_D), DUKE_BUNDLE_LANES);
    EXPECT_EQ_U64(CHECK(tm5400, DUKE_OP_PADD_B), DUKE_BUNDLE_UNIT);
    EXPECT_EQ_U64(CHECK(tm5400, DUKE_OP_FADD_D), DUKE_BUNDLE_UNIT);
    EXPECT_EQ_U64(CHECK(tm5400, M, I, I, B), DUKE_BUNDLE_OK);
    EXPECT_EQ_U64(CHECK(tm5400, I, I, I), DUKE_BUNDLE_LANES);
    struct duke_op two[2] = {{.op = I, .rd = 5, .words = 1},
                             {.op = M, .form = DUKE_FORM_IMM, .rd = 5, .words = 1, .end = true}};
    EXPECT_EQ_U64(duke_bundle_check(&duke_machine_default, two, 2), DUKE_BUNDLE_WRITERS);
    two[0].rd = two[1].rd = 0;
    EXPECT_EQ_U64(duke_bundle_check(&duke_machine_default, two, 2), DUKE_BUNDLE_OK);
    two[1].rb = 1, two[1].form = DUKE_FORM_EXT;
    EXPECT_EQ_U64(duke_bundle_check(&duke_machine_tm5400, two, 2), DUKE_BUNDLE_ADDRESS);
}
