// Alias table against a list of loads for each number. The model knows no entries: a number has the loads since it was last cleared,
// of which the first and the last count.
#include <vector>

#include "Valias_bench.h"
#include "bench.h"

namespace
{

enum { NUMBERS = 16 };

struct Load {
    uint64_t address;
    uint64_t size;
};

bool overlap(const Load &a, const Load &b) { return a.address - b.address < b.size || b.address - a.address < a.size; }

struct Model {
    std::vector<Load> loads[NUMBERS];

    void clear()
    {
        for (std::vector<Load> &l : loads)
            l.clear();
    }
    bool hit(const Load &store, unsigned mask) const
    {
        for (unsigned n = 0; n < NUMBERS; n++)
            if ((mask >> n & 1) != 0 && !loads[n].empty() &&
                (overlap(store, loads[n].front()) || overlap(store, loads[n].back())))
                return true;
        return false;
    }
};

} // namespace

int main(int argc, char **argv)
{
    Bench b(argc, argv, 300000);
    Valias_bench top;
    Model m;
    uint64_t hits = 0, passes = 0, second = 0, third = 0, together = 0;
    reset(top);
    const uint64_t base = b.chance(50) ? b.random() : 0; // addresses may wrap
    for (b.cycle = 0; b.cycle < b.cycles; b.cycle++) {
        edge(top, 0);
        Load at[2];
        unsigned entry[2], mask[2];
        top.c_en_i = top.w_en_i = 0;
        for (unsigned l = 0; l < 2; l++) {
            const unsigned log2 = static_cast<unsigned>(b.below(4));
            at[l] = {base + b.below(200) - 100, UINT64_C(1) << log2};
            entry[l] = static_cast<unsigned>(b.below(b.chance(50) ? NUMBERS : 3));
            mask[l] = static_cast<unsigned>(b.random() & b.random()) & 0xffff;
            top.addr_i[l] = at[l].address;
            top.size_i[l] = static_cast<uint8_t>(log2);
            top.w_entry_i[l] = static_cast<uint8_t>(entry[l]);
            top.mask_i[l] = static_cast<uint16_t>(mask[l]);
            const uint64_t what = b.below(5); // a load, a store, or neither
            top.w_en_i = static_cast<uint8_t>(top.w_en_i | (what < 2) << l);
            top.c_en_i = static_cast<uint8_t>(top.c_en_i | (what == 2 || what == 3) << l);
        }
        top.clear_i = b.chance(1);
        top.end_i = b.chance(4);
        top.eval();
        for (unsigned l = 0; l < 2; l++) {
            const bool want = (top.c_en_i >> l & 1) != 0 && m.hit(at[l], mask[l]);
            b.same("hit", top.hit_o >> l & 1, want);
            hits += want;
            passes += (top.c_en_i >> l & 1) != 0 && !want;
        }

        // The edge.
        if (top.clear_i)
            m.clear();
        together += top.w_en_i == 3 && entry[0] == entry[1];
        for (unsigned l = 0; l < 2; l++)
            if ((top.w_en_i >> l & 1) != 0) {
                std::vector<Load> &list = m.loads[entry[l]];
                second += list.size() == 1;
                third += list.size() > 1;
                list.push_back(at[l]);
            }
        if (top.end_i)
            m.clear();
        edge(top, 1);
    }
    Bench::reached("hits", hits, b.cycles / 20);
    Bench::reached("no hits", passes, b.cycles / 20);
    Bench::reached("second entries", second, b.cycles / 20);
    Bench::reached("second entries again", third, b.cycles / 20);
    Bench::reached("two loads of a number in a bundle", together, b.cycles / 200);
    top.final();
    return 0;
}
