// Floating-point unit against the host's (sim/engine_func_fp.c): every op, every rounding mode, FTZ and DAZ, flags, operands
// with many special values and near each other. Argument +op=N: only the op of that number in duke_isa.h.
#include "Vfpu_bench.h"
#include "bench.h"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers" // a C header
#include "duke_isa.h"

extern "C" {
uint64_t func_fp(unsigned op, const uint64_t operand[4], uint64_t *fcsr);
bool func_fp_host(void);
}

namespace
{

// The core's code of an op: the tables number those of unit F in order, and fmv shares one.
unsigned code_of(unsigned op) { return op - DUKE_OP_FADD_D - (op > DUKE_OP_FMV); }

bool is_single(unsigned op)
{
    const char *name = duke_op_names[op];
    const size_t n = std::strlen(name);
    return std::strcmp(name, "fcvt.s.d") != 0 &&
           (std::strcmp(name, "fcvt.d.s") == 0 || name[n - 1] == 's' || name[n - 1] == 'p');
}

// A number: special, of a small exponent range (so that sums cancel), at the ends of the range, or any bits.
uint64_t number(Bench &b, bool single)
{
    const unsigned ebits = single ? 8 : 11, fbits = single ? 23 : 52;
    const uint64_t emax = (UINT64_C(1) << ebits) - 1, bias = emax / 2;
    uint64_t f = 0, e = bias;
    switch (b.below(4)) {
    case 0: f = b.random(); break;
    case 1: f = b.random() & (~UINT64_C(0) << b.below(fbits + 1)); break; // few high bits
    case 2: f = ~UINT64_C(0) << b.below(fbits + 1) >> b.below(3); break;
    default: f = b.below(4) - 2; break;
    }
    switch (b.below(8)) {
    case 0: e = 0; break;
    case 1: e = emax; break;
    case 2: e = b.below(4); break;
    case 3: e = emax - b.below(4); break;
    case 4: e = b.random() & emax; break;
    case 5: e = bias + b.below(70); break;
    case 6: e = single ? bias - 20 - b.below(60) : bias - 500 - b.below(60); break;
    default: e = bias - 3 + b.below(6); break;
    }
    if (b.chance(15))
        f = b.chance(50) ? 0 : UINT64_C(1) << b.below(fbits);
    const uint64_t x = (b.random() & 1) << (ebits + fbits) | (e & emax) << fbits | (f & ((UINT64_C(1) << fbits) - 1));
    return single ? x | (b.chance(50) ? b.random() << 32 : 0) : x;
}

uint64_t integer(Bench &b)
{
    const uint64_t x = b.random() >> b.below(64);
    return b.chance(50) ? x : b.chance(50) ? -x : (UINT64_C(1) << b.below(64)) - b.below(3);
}

} // namespace

int main(int argc, char **argv)
{
    unsigned only = ~0u;
    if (argc > 1 && std::sscanf(argv[argc - 1], "+op=%u", &only) == 1)
        argc--;
    Bench b(argc, argv, 1000000);
    if (!func_fp_host()) {
        std::printf("this host's processor has no FMA to compare with\n");
        return 77;
    }
    Vfpu_bench top;
    auto clock = [&] {
        top.clk_i = 0;
        top.eval();
        top.clk_i = 1;
        top.eval();
    };
    top.rst_ni = 0;
    clock();
    top.rst_ni = 1;
    uint64_t flags_seen[6] = {};
    uint64_t last[3] = {};
    for (b.cycle = 0; b.cycle < b.cycles; b.cycle++) {
        const unsigned op = DUKE_OP_FADD_D + static_cast<unsigned>(b.below(DUKE_OP_FMADD_S - DUKE_OP_FADD_D + 1));
        const char *name = duke_op_names[op];
        if ((only != ~0u && op != only) || std::strncmp(name, "fmv", 3) == 0)
            continue;
        const bool single = is_single(op);
        uint64_t x[4];
        for (uint64_t &v : x)
            v = number(b, single);
        for (unsigned i = 0; i < 3; i++) { // the same number again, or its neighbour
            if (b.chance(10))
                x[i] = last[b.below(3)] + b.below(3) - 1;
            last[i] = x[i];
        }
        if ((duke_ops[op].flags & DUKE_F_RA) == 0)
            x[0] = integer(b);
        if (std::strncmp(name, "fround", 6) == 0)
            x[1] = b.random();
        const bool pair = name[std::strlen(name) - 1] ==
                          'p'; // this is the lower half's unit; 1.0 in the upper one raises nothing
        for (uint64_t &v : x)
            v = pair ? (v & 0xffffffff) | UINT64_C(0x3f80000000000000) : v;
        const uint64_t modes = b.below(4) | (b.chance(25) ? 4 : 0) | (b.chance(25) ? 8 : 0);
        uint64_t fcsr = modes;
        const uint64_t want = func_fp(op, x, &fcsr) & (pair ? 0xffffffff : ~UINT64_C(0));

        top.x_code_i = static_cast<uint8_t>(code_of(op));
        top.x_a_i = x[0];
        top.x_b_i = x[1];
        top.x_c_i = x[2];
        top.fcsr_i = static_cast<uint16_t>(modes);
        top.x_en_i = 1;
        if (b.chance(5)) { // killed on its way, by another op's redirect
            for (uint64_t n = b.below(8); n-- > 0;)
                clock();
            top.x_take_i = 1;
            clock();
            top.x_take_i = 0;
        }
        top.eval();
        for (unsigned n = 0; top.x_wait_o; n++) {
            b.same("too many cycles", n > 5, 0);
            clock();
        }
        if (b.chance(5)) // M has no room
            for (uint64_t n = b.below(4); n-- > 0;)
                clock();
        top.x_take_i = 1;
        clock();
        top.x_en_i = top.x_take_i = 0;
        top.m_en_i = 1;
        clock();
        top.m_en_i = 0;
        top.w_en_i = 1;
        top.eval();
        const uint64_t got = top.w_value_o & (pair ? 0xffffffff : ~UINT64_C(0));
        if (got != want || top.w_flags_o != fcsr >> 8) {
            std::printf("%s (op %u) of %016" PRIx64 " %016" PRIx64 " %016" PRIx64 " (rd %016" PRIx64 "), modes %" PRIx64
                        ": %016" PRIx64 " flags %02x, the host says %016" PRIx64 " flags %02x\n",
                        name, op, x[0], x[1], x[2], x[3], modes, got, top.w_flags_o, want, static_cast<unsigned>(fcsr >> 8));
            return 1;
        }
        for (unsigned i = 0; i < 6; i++)
            flags_seen[i] += fcsr >> (8 + i) & 1;
        clock();
        top.w_en_i = 0;
    }
    static const char *const names[] = {"invalid", "denormal", "by zero", "overflow", "underflow", "inexact"};
    for (unsigned i = 0; i < 6; i++)
        Bench::reached(names[i], flags_seen[i], only == ~0u ? b.cycles / 1000 : 0);
    top.final();
    return 0;
}
