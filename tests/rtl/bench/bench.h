// What the module benches share: seed, random numbers, clock, check. A bench is a program `name [+seed=N] [+cycles=N]` that
// drives one Verilated unit with random stimulus and compares it with a naive model, every cycle.
#pragma once
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "splitmix64.h"

struct Bench {
    uint64_t seed = 1, cycles, state, cycle = 0;

    Bench(int argc, char **argv, uint64_t default_cycles) : cycles(default_cycles)
    {
        for (int i = 1; i < argc; i++)
            if (std::sscanf(argv[i], "+seed=%" SCNu64, &seed) != 1 && std::sscanf(argv[i], "+cycles=%" SCNu64, &cycles) != 1) {
                std::fprintf(stderr, "usage: %s [+seed=N] [+cycles=N]\n", argv[0]);
                std::exit(2);
            }
        state = seed * UINT64_C(0xd1342543de82ef95); // not random()'s step: seeds shall not be one stream shifted
        std::printf("seed %" PRIu64 "\n", seed);
    }
    uint64_t random() { return splitmix64(&state); }
    uint64_t below(uint64_t n) { return random() % n; }
    bool chance(unsigned percent) { return below(100) < percent; }

    void same(const char *what, uint64_t got, uint64_t want) const
    {
        if (got == want)
            return;
        std::printf("cycle %" PRIu64 ", %s: %" PRIx64 ", the model says %" PRIx64 "\n", cycle, what, got, want);
        std::exit(1);
    }
    // A figure that stimulus must reach: a bench that tests nothing fails.
    static void reached(const char *what, uint64_t n, uint64_t least)
    {
        std::printf("%s %" PRIu64 "\n", what, n);
        if (n < least) {
            std::printf("at least %" PRIu64 " were wanted\n", least);
            std::exit(1);
        }
    }
};

// One level of the unit's clock.
template <class Unit> void edge(Unit &top, int level)
{
    top.clk_i = static_cast<uint8_t>(level);
    top.eval();
}

// Two cycles of reset.
template <class Unit> void reset(Unit &top)
{
    top.rst_ni = 0;
    for (int i = 0; i < 2; i++) {
        edge(top, 0);
        edge(top, 1);
    }
    top.rst_ni = 1;
}
