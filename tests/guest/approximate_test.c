/* RCPPS, RCPSS, RSQRTPS, RSQRTSS: processors approximate as each likes, so that the bound of the manual is tested, a relative error of
 * 1.5 * 2^-12, and the results that it fixes. */
#include <math.h>
#include <string.h>

#include "gtest_shim.h"
#include "oracle/oracle.h"
#include "splitmix64.h"

static float as_float(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

enum { QUIET = 0x400000, INF = 0x7f800000, DEFAULT_NAN = 0xffc00000, SIGN = 0x80000000 };

/* Whether `got` is a reciprocal, or the one of the root, of x. */
static bool good(uint32_t x, uint32_t got, bool root)
{
    uint32_t sign = x & SIGN, magnitude = x & ~(uint32_t)SIGN;
    if (magnitude > INF)
        return got == (x | QUIET);
    if (magnitude < 0x800000) /* zero, and denormals count as zero */
        return got == (sign | INF);
    if (root && sign)
        return got == DEFAULT_NAN;
    if (magnitude == INF)
        return got == sign;
    double value = (double)as_float(x), exact = root ? 1 / sqrt(value) : 1 / value, bound = 1.5 / 4096;
    if (fabs(exact) < ldexp(1 + bound, -126) && got == sign) /* tiny results become zero */
        return true;
    return fabs((double)as_float(got) - exact) <= bound * fabs(exact);
}

static void run(bool root, bool scalar)
{
    struct oracle_kind kind = {.mode = GUEST_X86_64, .sse = true};
    static struct oracle_memory mem;
    const uint8_t code[] = {0xf3, 0x0f, root ? 0x52 : 0x53, 0xca}; /* xmm1 from xmm2 */
    void *x = oracle_interp.open(ORACLE_BLOCK);
    uint64_t random = 7;
    memcpy(mem.code, code + !scalar, sizeof code - !scalar);
    for (unsigned i = 0; i < 20000; i++) {
        static const uint32_t special[] = {0,          1,          0x7fffff, 0x800000,   0x7e800000,
                                           0x7effffff, 0x7f7fffff, INF,      0x7f800001, 0x7fc00000};
        uint32_t in[4], out[4], old[4];
        struct oracle_state s = {
            .rip = ORACLE_CODE, .eflags = 0x202, .seg = {0, 0x33, 0x2b}, .vector = -1, .mxcsr = 0x1f80, .fcw = 0x37f};
        for (unsigned j = 0; j < 4; j++) {
            uint64_t r = splitmix64(&random);
            in[j] = i < 20 ? special[(i + j) % 10] | (i >= 10 ? (uint32_t)SIGN : 0) : (uint32_t)(r >> 16);
            in[j] &= r & 1 && i >= 20 ? ~(uint32_t)SIGN : ~0u;
            old[j] = (uint32_t)r;
        }
        memcpy(s.xmm[2], in, 16);
        memcpy(s.xmm[1], old, 16);
        struct oracle_state got;
        oracle_interp.begin(x, &kind, &s, &mem);
        oracle_interp.run(x, 1, &got);
        memcpy(out, got.xmm[1], 16);
        EXPECT(got.vector == -1 && got.mxcsr == 0x1f80);
        for (unsigned j = 0; j < 4; j++) {
            bool fine = scalar && j ? out[j] == old[j] : good(in[j], out[j], root);
            EXPECT_MSG(fine, "%s of %08x is %08x", root ? "rsqrt" : "rcp", in[j], out[j]);
            if (!fine)
                return;
        }
    }
    oracle_interp.close(x);
}

TEST_CASE(approximate, rcpps) { run(false, false); }
TEST_CASE(approximate, rcpss) { run(false, true); }
TEST_CASE(approximate, rsqrtps) { run(true, false); }
TEST_CASE(approximate, rsqrtss) { run(true, true); }
