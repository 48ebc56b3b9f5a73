// Unit X against the host's x87 (sim/engine_func_x87.c). First every op on every pair of the numbers below, in every rounding and
// precision; then at random, with special operands and some near each other, while M stalls, ops are killed, and commits and
// rollbacks come. Flags, C1 and file e with its bypasses and waits are compared throughout. Argument +op=N: no pairs, and beside
// what makes operands only the op of that number in duke_isa.h.
#include "Vxfpu_bench.h"
#include "bench.h"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers" // a C header
#pragma GCC diagnostic ignored "-Wpedantic"
extern "C" {
#include "../../x87/operands.h"
}
#include "duke_isa.h"

// What engine_func.h has, without the rest of the engine.
extern "C" {
struct func_x87 {
    uint64_t sig;
    uint16_t exp;
};
struct func_x87 func_x87(unsigned op, struct func_x87 a, struct func_x87 b, uint64_t *fcsr);
}
using Number = struct func_x87;

namespace
{

constexpr unsigned FIRST = DUKE_OP_FADD_X, LAST = DUKE_OP_FABS_X, NONE = ~0u;
constexpr unsigned SHADOWED = 48;

// Where something changes: zero, denormals, the ends of the three formats and of the integers, halves of their last bits, infinity,
// NaNs, and what is no number any more.
constexpr Number corners[] = {
    {0, 0},
    {1, 0},
    {0x7fffffffffffffff, 0},
    {0x8000000000000000, 0}, // pseudo-denormal
    {0x8000000000000000, 1},
    {0xffffffffffffffff, 1},
    {0x8000000000000001, 0x3fff - 1075},
    {0x8000000000000000, 0x3fff - 1074},
    {0xfffffffffffff7ff, 0x3fff - 1023}, // rounds to the least normal double, or not
    {0xfffffffffffffc00, 0x3fff - 1023},
    {0x8000000000000000, 0x3fff - 150},
    {0xffffff8000000000, 0x3fff - 127},
    {0xaaaaaaaaaaaaaaab, 0x3ffd}, // a third
    {0x8000000000000000, 0x3ffe},
    {0xffffffffffffffff, 0x3ffe},
    {0x8000000000000000, 0x3fff},
    {0x8000000000000001, 0x3fff},
    {0x8000000000000400, 0x3fff}, // half of a double's last bit
    {0x8000008000000000, 0x3fff}, // and of a single's
    {0xc000000000000000, 0x3fff},
    {0xfffe000000000000, 0x3fff + 14},
    {0xffff000000000000, 0x3fff + 14}, // 32767.5
    {0xffffffff00000000, 0x3fff + 30},
    {0x8000000080000000, 0x3fff + 31},
    {0xffffffffffffffff, 0x3fff + 62},
    {0x8000000000000000, 0x3fff + 63},
    {0xffffff7fffffffff, 0x3fff + 127},
    {0xffffff8000000000, 0x3fff + 127}, // rounds to an infinite single
    {0xfffffffffffffbff, 0x3fff + 1023},
    {0xfffffffffffffc00, 0x3fff + 1023},
    {0x8000000000000000, 0x7ffe},
    {0xffffffffffffffff, 0x7ffe},
    {0x8000000000000000, 0x7fff},
    {0xc000000000000000, 0x7fff},
    {0xe000000000000000, 0x7fff},
    {0xa000000000000000, 0x7fff}, // signaling
    {0x8000000000000001, 0x7fff},
    {0x0000000000000000, 0x7fff}, // pseudo-infinity
    {0x4000000000000000, 0x7fff}, // pseudo-NaN
    {0x7fffffffffffffff, 0x3fff}, // unnormal
};
constexpr unsigned CORNERS = sizeof corners / sizeof corners[0];

struct File {
    uint16_t e[64], shadow[64];
};

struct Op {
    bool valid = false;
    unsigned op = NONE; // NONE: a bundle without one, which commits or rolls back
    uint8_t rd = 0, ra = 0, rb = 0;
    bool commit = false, rollback = false;
    uint64_t a = 0, b = 0, moved = 0; // moved: a move's value, from X
    uint8_t mode = 0;                 // PC, RC
    Number want = {};
    uint64_t fcsr = 0;
    File after = {};

    bool is(unsigned flag) const { return op != NONE && (duke_ops[op].flags & flag) != 0; }
    bool writes_e() const { return is(DUKE_E_RD); }
    bool late() const { return op != NONE && duke_ops[op].lat != DUKE_LAT_INT; }
    uint8_t code() const { return op == NONE ? 0 : static_cast<uint8_t>(op - FIRST); } // the tables number them in order
    uint8_t reg(unsigned flag, uint8_t n) const { return static_cast<uint8_t>(n | (is(flag) ? 64 : 0)); }
};

struct Stimulus {
    Bench &b;
    unsigned only;
    File now = {}; // in program order
    Op next[3];    // makes two operands, uses them
    unsigned at = 3;
    unsigned pair = 0, sweep_op; // of the sweep; signs and modes are digits of `pair` too

    bool sweeping() const { return sweep_op <= LAST; }

    // Two ops that make the operands, and the one that is tried.
    void sweep_case()
    {
        const bool binary = (duke_ops[sweep_op].flags & DUKE_READS_RB) != 0;
        unsigned n = pair;
        Number x[2] = {};
        for (unsigned i = 0; i < (binary ? 2 : 1); i++) {
            x[i] = corners[n % CORNERS], n /= CORNERS;
            x[i].exp |= static_cast<uint16_t>((n & 1) << 15), n /= 2;
        }
        for (unsigned i = 0; i < 3; i++) {
            Op &o = next[i] = Op();
            o.valid = true;
            o.op = i < 2 ? unsigned(DUKE_OP_FMK_E) : sweep_op;
            o.rd = static_cast<uint8_t>(i + 1), o.ra = 1, o.rb = 2;
            o.mode = static_cast<uint8_t>(n);
            o.a = x[0].sig, o.b = i < 2 ? x[i].exp : x[1].sig;
        }
        at = 0;
        if (++pair == CORNERS * 2 * (binary ? CORNERS * 2 : 1) * 16)
            pair = 0, sweep_op++;
    }

    uint8_t some_register() { return static_cast<uint8_t>(b.chance(70) ? b.below(3) : 46 + b.below(4)); }

    void make_case()
    {
        uint8_t x[10], y[10];
        random_real(&b.state, x);
        random_real(&b.state, y);
        if (b.chance(25)) // the same, or a neighbour
            std::memcpy(y, x, b.chance(50) ? 10 : 8);
        if (b.chance(25))
            y[8] = static_cast<uint8_t>(x[8] + b.below(3) - 1), y[9] = x[9];
        if (b.chance(10)) // far, but not too far, for sticky bits
            y[8] = static_cast<uint8_t>(x[8] + 55 + b.below(16)), y[9] = x[9];
        Number v, w;
        std::memcpy(&v.sig, x, 8), std::memcpy(&v.exp, x + 8, 2);
        std::memcpy(&w.sig, y, 8), std::memcpy(&w.exp, y + 8, 2);
        const uint8_t ra = some_register(), rb = some_register();
        for (unsigned i = 0; i < 3; i++) {
            Op &o = next[i] = Op();
            o.valid = true;
            o.commit = b.chance(10);
            o.rollback = !o.commit && b.chance(3);
            o.op = i < 2                          ? unsigned(DUKE_OP_FMK_E)
                   : only != NONE && b.chance(90) ? only
                                                  : FIRST + unsigned(b.below(LAST - FIRST + 1));
            o.rd = i == 0 ? ra : i == 1 ? rb : some_register();
            o.ra = ra, o.rb = rb;
            o.a = v.sig, o.b = w.sig;
            o.mode = static_cast<uint8_t>(b.below(16));
            if (i < 2)
                o.a = b.random(), o.b = (b.random() << 16) | (i == 0 ? v.exp : w.exp);
            else if (!o.is(DUKE_F_RA) || o.op == DUKE_OP_FCVT_X_D || o.op == DUKE_OP_FCVT_X_S) {
                random_memory_word(o);
            }
            if (o.rollback || (i == 2 && b.chance(3)))
                o.op = NONE;
        }
        at = 0;
    }

    void random_memory_word(Op &o)
    {
        uint8_t m[8];
        random_memory(&b.state, m, 8, o.op == DUKE_OP_FCVT_X_S ? 4 : o.op == DUKE_OP_FCVT_X_D || b.chance(20) ? 8 : 0);
        std::memcpy(&o.a, m, 8);
        if (o.op == DUKE_OP_FCVT_X_L && b.chance(50))
            o.a = static_cast<uint64_t>(static_cast<int64_t>(o.a) >> b.below(64));
    }

    // The next op, with what it must give.
    Op take()
    {
        if (at == 3) {
            if (sweeping())
                sweep_case();
            else
                make_case();
        }
        Op o = next[at++];
        if (o.op != NONE) {
            uint64_t fcsr = uint64_t(o.mode) << 16;
            o.want = func_x87(o.op, {o.a, now.e[o.ra]}, {o.b, now.e[o.rb]}, &fcsr);
            o.fcsr = fcsr;
            if (o.writes_e())
                now.e[o.rd] = o.want.exp;
        }
        if (o.commit)
            std::memcpy(now.shadow, now.e, sizeof now.e);
        if (o.rollback)
            std::memcpy(now.e, now.shadow, SHADOWED * sizeof now.e[0]);
        o.after = now;
        return o;
    }
};

} // namespace

int main(int argc, char **argv)
{
    unsigned only = NONE;
    if (argc > 1 && std::sscanf(argv[argc - 1], "+op=%u", &only) == 1)
        argc--;
    Bench b(argc, argv, 3000000);
    Vxfpu_bench top;
    auto clock = [&] {
        top.clk_i = 1;
        top.eval();
        top.clk_i = 0;
        top.eval();
    };
    top.clk_i = 0;
    top.rst_ni = 0;
    clock();
    clock();
    top.rst_ni = 1;
    for (unsigned i = 0; i < 140; i++)
        clock();

    Stimulus s{b, only};
    s.sweep_op = only == NONE ? FIRST : LAST + 1;
    Op I, X, M, W;
    File retired = {};
    uint64_t seen[8] = {}, done[LAST - FIRST + 1] = {}, waits = 0, kills = 0;
    unsigned in_x = 0, refetch = 0; // a redirect costs the core cycles too
    uint64_t pairs = 0;
    for (b.cycle = 0; b.cycle < b.cycles; b.cycle++) {
        const bool sweep = s.sweeping() || (pairs != 0 && b.cycle < 100); // until its last ops are done nothing is killed
        if (s.sweeping())
            b.cycle = 0, pairs++;
        if (refetch != 0)
            refetch--;
        else if (!I.valid && b.chance(90))
            I = s.take();
        top.i_en_i = I.valid && I.op != NONE;
        top.i_ra_i = I.reg(DUKE_F_RA, I.ra);
        top.i_rb_i = I.reg(DUKE_F_RB, I.rb);
        top.x_en_i = X.valid && X.op != NONE;
        top.x_code_i = X.code(), top.x_rd_i = X.reg(DUKE_F_RD, X.rd), top.x_late_i = X.late();
        top.x_a_i = X.a, top.x_b_i = X.b;
        top.m_en_i = M.valid && M.op != NONE;
        top.m_code_i = M.code(), top.m_rd_i = M.reg(DUKE_F_RD, M.rd), top.m_late_i = M.late();
        top.m_a_i = M.a, top.m_b_i = M.b;
        top.mode_i = M.mode;
        top.w_en_i = W.valid && W.op != NONE;
        top.w_code_i = W.code(), top.w_rd_i = W.reg(DUKE_F_RD, W.rd), top.w_late_i = W.late();
        top.commit_i = W.valid && W.commit;
        top.rollback_i = W.valid && W.rollback;
        const bool trap = M.valid && !sweep && b.chance(2); // the bundle leaves M without effect
        const bool m_done = M.valid && (trap || b.chance(85));
        const bool redirect = m_done && (trap || M.rollback || (!sweep && b.chance(2)));
        top.m_done_i = m_done;
        top.i_go_i = top.x_go_i = top.x_take_i = 0;
        top.eval();
        const bool x_go = X.valid && (!M.valid || m_done) && (X.op == NONE || !top.x_wait_o);
        const bool i_go = I.valid && (!X.valid || x_go) && !top.i_wait_o;
        waits += top.i_wait_o;
        top.x_go_i = x_go;
        top.x_take_i = x_go || redirect;
        top.i_go_i = i_go && !redirect && I.op != NONE;
        top.eval();

        in_x = X.valid && !x_go ? in_x + 1 : 0;
        b.same("in X for ever", in_x > 100, 0);
        if (x_go)
            X.moved = X.op == DUKE_OP_FMV_E ? top.x_e_o : X.a; // what the core does with it
        if (W.valid && W.op != NONE) {
            const char *name = duke_op_names[W.op];
            b.same("late", top.w_late_o, W.late());
            b.same("sets C1", top.w_c1_en_o, W.late() && W.op != DUKE_OP_FCMPF_X && W.op != DUKE_OP_FCOMF_X);
            if (!W.late())
                b.same(name, W.moved, W.want.sig);
            const bool right = (!W.late() || (top.w_value_o == W.want.sig && top.w_flags_o == (W.fcsr >> 24 & 0x3f) &&
                                              top.w_c1_o == (W.fcsr >> 30 & 1))) &&
                               (!W.writes_e() || top.w_e_o == W.want.exp);
            if (!right) {
                std::printf("cycle %" PRIu64 ", %s (op %u) of %016" PRIx64 " %016" PRIx64 ", PC and RC %x: %04x.%016" PRIx64
                            " flags %02x C1 %d, the host says %04x.%016" PRIx64 " flags %02x C1 %d\n",
                            b.cycle, name, W.op, W.a, W.b, W.mode, top.w_e_o, static_cast<uint64_t>(top.w_value_o),
                            top.w_flags_o, top.w_c1_o, W.want.exp, W.want.sig, static_cast<unsigned>(W.fcsr >> 24 & 0x3f),
                            static_cast<int>(W.fcsr >> 30 & 1));
                return 1;
            }
            done[W.op - FIRST]++;
            for (unsigned i = 0; i < 7; i++)
                seen[i] += W.fcsr >> (24 + i) & 1;
        }
        seen[7] += W.valid && W.rollback;
        clock();

        if (W.valid)
            retired = W.after;
        W = m_done && !trap ? M : Op();
        if (m_done)
            M = Op();
        if (redirect) {
            kills += X.valid;
            X = I = Op();
            s.now = W.valid ? W.after : retired;
            s.at = 3;
            refetch = 2;
        } else {
            if (x_go)
                M = X, X = Op();
            if (i_go)
                X = I, I = Op();
        }
    }
    static const char *const names[] = {"invalid",   "denormal", "by zero", "overflow",
                                        "underflow", "inexact",  "C1",      "rollbacks"};
    for (unsigned i = 0; i < 8; i++)
        Bench::reached(names[i], seen[i], only == NONE ? b.cycles / 10000 : 0);
    Bench::reached("waits", waits, b.cycles / 100);
    Bench::reached("killed in X", kills, b.cycles / 1000);
    for (unsigned op = FIRST; op <= LAST; op++)
        Bench::reached(duke_op_names[op], done[op - FIRST], only == NONE ? b.cycles / 1000 : 0);
    top.final();
    return 0;
}
