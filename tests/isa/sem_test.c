/* Values of every integer op against expectations written independently: C's own types for arithmetic, the host CPU's EFLAGS
 * for flags (on x86-64 hosts), the manual's list for conditions. */
#include "duke_isa.h"
#include "gtest_shim.h"
#include "splitmix64.h"

typedef __int128 i128;
typedef unsigned __int128 u128;

static uint64_t rng_state = 1;

static uint64_t rng(void) { return splitmix64(&rng_state); }

/* Values at the edges, often. */
static uint64_t some(void)
{
    static const uint64_t edge[] = {0,
                                    1,
                                    0x7f,
                                    0x80,
                                    0xff,
                                    0x7fff,
                                    0x8000,
                                    0xffff,
                                    0x7fffffff,
                                    0x80000000,
                                    0xffffffff,
                                    INT64_MAX,
                                    (uint64_t)INT64_MIN,
                                    UINT64_MAX};
    uint64_t v = rng();
    switch (rng() % 5) {
    case 0: return edge[v % (sizeof edge / sizeof edge[0])];
    case 1: return edge[v % (sizeof edge / sizeof edge[0])] + (v >> 60) - 8;
    case 2: return v % 130;
    case 3: return (uint64_t)(int64_t)(int32_t)v;
    default: return v;
    }
}

static uint64_t mul_high_signed(uint64_t a, uint64_t b) { return (uint64_t)(((i128)(int64_t)a * (int64_t)b) >> 64); }

static int64_t quotient(int64_t a, int64_t b, int64_t least) { return b == 0 ? -1 : b == -1 && a == least ? a : a / b; }
static int64_t rest(int64_t a, int64_t b, int64_t least) { return b == 0 ? a : b == -1 && a == least ? 0 : a % b; }

static uint64_t rotate(uint64_t a, unsigned n, unsigned bits)
{
    for (unsigned i = 0; i < n % bits; i++)
        a = (a >> 1) | (a & 1) << (bits - 1);
    return a;
}

static uint64_t reverse(uint64_t a, unsigned bytes)
{
    uint64_t r = 0;
    for (unsigned i = 0; i < bytes; i++)
        r |= (a >> (8 * i) & 255) << (8 * (bytes - 1 - i));
    return r;
}

static uint64_t count(uint64_t a, int from, int to, int step)
{
    uint64_t n = 0;
    for (int i = from; i != to && (a >> i & 1) == 0; i += step)
        n++;
    return n;
}

/* SDM volume 1, appendix B. */
static bool condition(uint64_t f, unsigned cc)
{
    bool cf = f & 1, pf = f & 4, zf = f & 0x40, sf = f & 0x80, of = f & 0x800;
    const bool table[16] = {of, !of, cf, !cf, zf,       !zf,      cf || zf,       !cf && !zf,
                            sf, !sf, pf, !pf, sf != of, sf == of, zf || sf != of, !zf && sf == of};
    return table[cc];
}

#define W(x)  ((uint64_t)(uint32_t)(x))
#define SW(x) ((uint64_t)(int64_t)(int32_t)(x))

/* X(op, value of a, b, c) */
#define ROWS(X)                                                                                    \
    X(ADD, a + b) X(SUB, a - b) X(AND, a & b) X(OR, a | b) X(XOR, a ^ b) X(ANDN, a & ~b)           \
    X(SHL, a << (b & 63)) X(SHR, a >> (b & 63)) X(SAR, (uint64_t)((int64_t)a >> (b & 63)))         \
    X(ROR, rotate(a, b & 63, 64))                                                                  \
    X(ADD_W, W((uint32_t)a + (uint32_t)b)) X(SUB_W, W((uint32_t)a - (uint32_t)b))                  \
    X(AND_W, W(a & b)) X(OR_W, W(a | b)) X(XOR_W, W(a ^ b)) X(SHL_W, W((uint32_t)a << (b & 31)))   \
    X(SHR_W, W((uint32_t)a >> (b & 31))) X(SAR_W, W((int32_t)a >> (b & 31)))                       \
    X(ROR_W, rotate((uint32_t)a, b & 31, 32))                                                      \
    X(ADD_SW, SW((uint32_t)a + (uint32_t)b)) X(SUB_SW, SW((uint32_t)a - (uint32_t)b))              \
    X(SHL_SW, SW((uint32_t)a << (b & 31))) X(SHR_SW, SW((uint32_t)a >> (b & 31)))                  \
    X(SAR_SW, SW((int32_t)a >> (b & 31)))                                                          \
    X(SEQ, a == b) X(SNE, a != b) X(SLT, (int64_t)a < (int64_t)b) X(SLTU, a < b)                   \
    X(SLT_W, (int32_t)a < (int32_t)b)                                                              \
    X(SH1ADD, a * 2 + b) X(SH2ADD, a * 4 + b) X(SH3ADD, a * 8 + b) X(SH1ADD_W, W(a * 2 + b))       \
    X(SH2ADD_W, W(a * 4 + b)) X(SH3ADD_W, W(a * 8 + b)) X(ADD_UW, W(a) + b)                        \
    X(SH1ADD_UW, W(a) * 2 + b) X(SH2ADD_UW, W(a) * 4 + b) X(SH3ADD_UW, W(a) * 8 + b)               \
    X(EXTU_B, (uint8_t)(a >> (b & 63))) X(EXTU_H, (uint16_t)(a >> (b & 63)))                       \
    X(EXTU_W, W(a >> (b & 63))) X(EXTS_B, (uint64_t)(int64_t)(int8_t)(a >> (b & 63)))              \
    X(EXTS_H, (uint64_t)(int64_t)(int16_t)(a >> (b & 63))) X(EXTS_W, SW(a >> (b & 63)))            \
    X(INS_B, a - (a & 0xff) + (b & 0xff)) X(INS_BH, a - (a & 0xff00) + (b & 0xff) * 256)           \
    X(INS_H, a - (a & 0xffff) + (b & 0xffff)) X(EXT1, a >> (b & 63) & 1)                           \
    X(SETCC, condition(a, b & 15)) X(BSWAP, reverse(a, 8)) X(BSWAP_W, reverse(a, 4))               \
    X(CLZ, count(a, 63, -1, -1)) X(CTZ, count(a, 0, 64, 1))                                        \
    X(POPCNT, (uint64_t)__builtin_popcountll(a))                                                   \
    X(MIN, (int64_t)a < (int64_t)b ? a : b) X(MINU, a < b ? a : b)                                 \
    X(MUL, (uint64_t)((u128)a * b)) X(MULHU, (uint64_t)((u128)a * b >> 64))                        \
    X(MULH, mul_high_signed(a, b)) X(MUL_W, W((uint32_t)a * (uint32_t)b))                         \
    X(MUL_SW, SW((uint32_t)a * (uint32_t)b))                                                       \
    X(DIVU, b == 0 ? UINT64_MAX : a / b) X(REMU, b == 0 ? a : a % b)                               \
    X(DIV, (uint64_t)quotient((int64_t)a, (int64_t)b, INT64_MIN))                                 \
    X(REM, (uint64_t)rest((int64_t)a, (int64_t)b, INT64_MIN))                                     \
    X(DIVU_SW, SW((uint32_t)b == 0 ? UINT32_MAX : (uint32_t)a / (uint32_t)b))                      \
    X(REMU_SW, SW((uint32_t)b == 0 ? (uint32_t)a : (uint32_t)a % (uint32_t)b))                     \
    X(DIV_SW, SW(quotient((int32_t)a, (int32_t)b, INT32_MIN)))                                    \
    X(REM_SW, SW(rest((int32_t)a, (int32_t)b, INT32_MIN)))                                        \
    X(SELNZ, a != 0 ? b : c) X(ADC, a + b + (c & 1)) X(ADC_W, W(a + b + (c & 1)))                  \
    X(SBB, a - b - (c & 1)) X(SBB_W, W(a - b - (c & 1)))                                           \
    X(ADDI, a + b) X(ANDI, a & b) X(ORI, a | b) X(ADDI_W, W(a + b)) X(LI, b)                       \
    X(ORHI, W(a) | b << 32)                                                                        \
    X(BEQ, a == b) X(BNE, a != b) X(BLT, (int64_t)a < (int64_t)b) X(BGE, (int64_t)a >= (int64_t)b) \
    X(BLTU, a < b) X(BGEU, a >= b) X(BLT_W, (int32_t)a < (int32_t)b) X(BGE_W, (int32_t)a >= (int32_t)b)

static bool covered[DUKE_OP_COUNT];

TEST_CASE(isa_sem, values)
{
    for (int i = 0; i < 20000; i++) {
        uint64_t a = some(), b = some(), c = some();
        if (i % 8 == 0)
            b = a;
#define X(OP, value)                                                                               \
    {                                                                                              \
        uint64_t got = duke_eval(DUKE_OP_##OP, a, b, c, 0), want = (uint64_t)(value);              \
        covered[DUKE_OP_##OP] = true;                                                              \
        EXPECT_MSG(got == want, #OP "(%#" PRIx64 ", %#" PRIx64 ", %#" PRIx64 ") is %#" PRIx64 ", not %#" PRIx64, a, b, c, got, \
                   want);                                                                          \
    }
        ROWS(X)
#undef X
        if (shim_failed())
            return;
    }
}

TEST_CASE(isa_sem, conditions)
{
    for (unsigned bits = 0; bits < 4096; bits++) {
        for (unsigned cc = 0; cc < 16; cc++) {
            EXPECT_EQ_U64(duke_eval(DUKE_OP_BCC, bits, 0, 0, cc), condition(bits, cc));
            EXPECT_EQ_U64(duke_eval(DUKE_OP_SELCC, 5, 6, bits, cc), condition(bits, cc) ? 5 : 6);
        }
    }
    covered[DUKE_OP_BCC] = covered[DUKE_OP_SELCC] = true;
}

#ifdef __x86_64__
enum { CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, OF = 0x800, ALL = CF | PF | AF | ZF | SF | OF };

/* EFLAGS after one instruction, CF before it being carry's bit 0. */
#define HOST(name, insn, type, reg)                                                                \
    static uint64_t name(uint64_t a, uint64_t b, uint64_t carry)                                   \
    {                                                                                              \
        uint64_t f;                                                                                \
        type x = (type)a, y = (type)b;                                                             \
        __asm__ volatile("bt $0, %3\n\t" insn "\n\tpushfq\n\tpop %1"                               \
                         : "+" reg(x), "=&r"(f)                                                    \
                         : reg(y), "r"(carry)                                                      \
                         : "cc");                                                                  \
        return f & ALL;                                                                            \
    }
#define HOST_SIZES(op, two)                                                                        \
    HOST(host_##op##_b, two("b"), uint8_t, "q") HOST(host_##op##_h, two("w"), uint16_t, "r")       \
    HOST(host_##op##_w, two("l"), uint32_t, "r") HOST(host_##op##_d, two("q"), uint64_t, "r")
#define I_ADD(s) "add" s " %2, %0"
#define I_SUB(s) "sub" s " %2, %0"
#define I_ADC(s) "adc" s " %2, %0"
#define I_SBB(s) "sbb" s " %2, %0"
#define I_AND(s) "test" s " %2, %0"
#define I_OR(s)  "or" s " %2, %0"
#define I_XOR(s) "xor" s " %2, %0"
#define I_INC(s) "inc" s " %0"
#define I_DEC(s) "dec" s " %0"
HOST_SIZES(add, I_ADD)
HOST_SIZES(sub, I_SUB)
HOST_SIZES(adc, I_ADC)
HOST_SIZES(sbb, I_SBB)
HOST_SIZES(and, I_AND)
HOST_SIZES(or, I_OR)
HOST_SIZES(xor, I_XOR)
HOST_SIZES(inc, I_INC)
HOST_SIZES(dec, I_DEC)

#define HOST_SHIFT(name, insn, type)                                                               \
    static uint64_t name(uint64_t a, uint64_t b)                                                   \
    {                                                                                              \
        uint64_t f;                                                                                \
        type x = (type)a;                                                                          \
        __asm__ volatile(insn " %%cl, %0\n\tpushfq\n\tpop %1" : "+q"(x), "=&r"(f) : "c"(b) : "cc"); \
        return f & ALL;                                                                            \
    }
#define SHIFT_SIZES(op)                                                                            \
    HOST_SHIFT(host_##op##_b, #op "b", uint8_t) HOST_SHIFT(host_##op##_h, #op "w", uint16_t)       \
    HOST_SHIFT(host_##op##_w, #op "l", uint32_t) HOST_SHIFT(host_##op##_d, #op "q", uint64_t)
SHIFT_SIZES(shl)
SHIFT_SIZES(shr)
SHIFT_SIZES(sar)

static void expect_flags(unsigned op, const char *name, uint64_t a, uint64_t b, uint64_t c, uint64_t want, uint64_t defined)
{
    uint64_t got = duke_eval(op, a, b, c, 0);
    covered[op] = true;
    EXPECT_MSG((got & defined) == (want & defined) && (got & ~(uint64_t)ALL) == 0,
               "%s(%#" PRIx64 ", %#" PRIx64 ", %#" PRIx64 ") is %#" PRIx64 ", not %#" PRIx64, name, a, b, c, got, want);
}

#define FLAGS(OP, host, size, a, b, c, carry, defined)                                             \
    expect_flags(DUKE_OP_##OP##_##size, #OP "." #size, a, b, c, host(a, b, carry), defined);
#define BY_SIZE(M) M(B, b, 8) M(H, h, 16) M(W, w, 32) M(D, d, 64)

TEST_CASE(isa_sem, flags_as_the_host_has_them)
{
    for (int i = 0; i < 20000 && !shim_failed(); i++) {
        uint64_t a = some(), b = some(), c = some() & ALL, old = some() & ALL;
#define ROW(S, s, n)                                                                               \
    FLAGS(ADDF, host_add_##s, S, a, b, 0, 0, ALL)                                                  \
    FLAGS(SUBF, host_sub_##s, S, a, b, 0, 0, ALL)                                                  \
    FLAGS(ADCF, host_adc_##s, S, a, b, c, c, ALL)                                                  \
    FLAGS(SBBF, host_sbb_##s, S, a, b, c, c, ALL)                                                  \
    FLAGS(TSTF, host_and_##s, S, a, b, 0, 0, ALL & ~AF)                                            \
    FLAGS(ORF, host_or_##s, S, a, b, 0, 0, ALL & ~AF)                                              \
    FLAGS(XORF, host_xor_##s, S, a, b, 0, 0, ALL & ~AF)                                            \
    FLAGS(INCF, host_inc_##s, S, a, old, 0, old, ALL)                                              \
    FLAGS(DECF, host_dec_##s, S, a, old, 0, old, ALL)
        BY_SIZE(ROW)
#undef ROW
    }
}

TEST_CASE(isa_sem, shift_flags_as_the_host_has_them)
{
    for (int i = 0; i < 50000 && !shim_failed(); i++) {
        uint64_t a = some(), b = some() & 127;
#define ROW(S, s, n)                                                                               \
    {                                                                                              \
        unsigned k = b & (n == 64 ? 63 : 31);                                                      \
        uint64_t of = k == 1 ? OF : 0, cf = k < n ? CF : 0; /* else undefined */                   \
        if (k != 0) {                                                                              \
            expect_flags(DUKE_OP_SHLF_##S, "shlf." #s, a, b, 0, host_shl_##s(a, b), PF | ZF | SF | cf | of); \
            expect_flags(DUKE_OP_SHRF_##S, "shrf." #s, a, b, 0, host_shr_##s(a, b), PF | ZF | SF | cf | of); \
            expect_flags(DUKE_OP_SARF_##S, "sarf." #s, a, b, 0, host_sar_##s(a, b), CF | PF | ZF | SF | of); \
        }                                                                                          \
    }
        BY_SIZE(ROW)
#undef ROW
    }
}

/* Runs last: tests run in the order of their text. */
TEST_CASE(isa_sem, every_op_was_tested)
{
    for (unsigned op = 0; op < DUKE_OP_COUNT; op++) {
        const struct duke_op_info *info = &duke_ops[op];
        bool wanted = (info->kind == DUKE_KIND_ALU || info->kind == DUKE_KIND_BRANCH) && info->unit != DUKE_UNIT_F &&
                      info->unit != DUKE_UNIT_V && info->unit != DUKE_UNIT_X;
        EXPECT_MSG(!wanted || covered[op], "%s has no expectation", duke_op_names[op]);
    }
}
#endif
