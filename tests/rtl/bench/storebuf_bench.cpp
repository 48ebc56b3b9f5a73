// Store buffer against two plain lists. The model knows no rings: a guest store is an element that is gated or committed.
#include <deque>

#include "Vstorebuf_bench.h"
#include "bench.h"

namespace
{

enum { DEPTH = 32, NATIVE = 16 };

struct Store {
    uint32_t dword;
    uint8_t mask;
    uint64_t data;
    bool gated;
};

struct Model {
    std::deque<Store> guest, native;

    size_t gated() const
    {
        size_t n = 0;
        for (const Store &s : guest)
            n += s.gated;
        return n;
    }
    // Bytes of a double word as a load has to see them, youngest last.
    void find(uint32_t dword, uint64_t &mask, uint64_t &data) const
    {
        mask = data = 0;
        for (const std::deque<Store> *list : {&native, &guest})
            for (const Store &s : *list)
                for (unsigned b = 0; b < 8; b++)
                    if (s.dword == dword && (s.mask >> b & 1) != 0) {
                        const uint64_t byte = UINT64_C(0xff) << 8 * b;
                        mask |= byte;
                        data = (data & ~byte) | (s.data & byte);
                    }
    }
    bool has(uint32_t dword, bool gated_ones) const
    {
        for (const Store &s : guest)
            if (s.dword == dword && s.gated == gated_ones)
                return true;
        return false;
    }
};

} // namespace

int main(int argc, char **argv)
{
    Bench b(argc, argv, 300000);
    Vstorebuf_bench top;
    Model m;
    uint64_t commits = 0, rollbacks = 0, drains = 0, full = 0, forwards = 0;
    reset(top);
    const uint32_t base = static_cast<uint32_t>(b.random()) & 0x1ffffff0;
    for (b.cycle = 0; b.cycle < b.cycles; b.cycle++) {
        // Phases in which little drains, so that the buffer fills up.
        const bool slow = (b.cycle >> 8 & 3) == 0;
        auto dword = [&] { return base + static_cast<uint32_t>(b.below(12)); };
        edge(top, 0);

        // A bundle's stores: per lane none, one or two double words, guest or native, as far as there is room. Native stores stay
        // off the double words that have guest entries: that is the LSU's duty.
        unsigned guest = 0, native = 0;
        size_t ng = m.guest.size(), nn = m.native.size();
        Store fresh[4] = {};
        for (unsigned lane = 0; lane < 2; lane++) {
            const unsigned n = b.chance(60) ? 1 + b.chance(30) : 0;
            const bool to_guest = b.chance(70);
            const uint32_t at = dword();
            bool ok = to_guest ? ng + n <= DEPTH : nn + n <= NATIVE;
            for (unsigned i = 0; i < n && !to_guest; i++) {
                ok = ok && !m.has(at + i, true) && !m.has(at + i, false);
                for (unsigned k = 0; k < 4; k++)
                    ok = ok && !((guest >> k & 1) != 0 && fresh[k].dword == at + i);
            }
            full += !ok;
            if (!ok)
                continue;
            for (unsigned i = 0; i < n; i++) {
                const unsigned k = 2 * lane + i;
                fresh[k] = {at + i, static_cast<uint8_t>(b.chance(50) ? 0xff : b.random()), b.random(), to_guest};
                (to_guest ? guest : native) |= 1u << k;
            }
            (to_guest ? ng : nn) += n;
        }
        const bool rollback = guest == 0 && native == 0 && b.chance(8), commit = !rollback && b.chance(slow ? 4 : 15);
        top.a_guest_i = static_cast<uint8_t>(guest);
        top.a_native_i = static_cast<uint8_t>(native);
        for (unsigned k = 0; k < 4; k++) {
            top.a_addr_i[k] = fresh[k].dword;
            top.a_mask_i[k] = fresh[k].mask;
            top.a_data_i[k] = fresh[k].data;
        }
        top.commit_i = commit;
        top.rollback_i = rollback;

        // Searches, and the question before a native store.
        uint32_t lo[2], hi[2];
        const unsigned search = static_cast<unsigned>(b.below(4)), next = static_cast<unsigned>(b.below(4));
        const unsigned check = static_cast<unsigned>(b.below(4));
        for (unsigned l = 0; l < 2; l++) {
            top.s_lo_i[l] = lo[l] = dword();
            top.s_hi_i[l] = hi[l] = lo[l] + 1;
        }
        top.s_en_i = static_cast<uint8_t>(search);
        top.s_next_i = static_cast<uint8_t>(next);
        top.c_en_i = static_cast<uint8_t>(check);
        top.d_go_i = b.chance(slow ? 10 : 80);
        top.d_done_i = 0;
        top.eval();

        const bool committed = !m.guest.empty() && !m.guest.front().gated;
        b.same("wants to drain", top.d_en_o, top.d_go_i && (!m.native.empty() || committed));
        std::deque<Store> &source = m.native.empty() ? m.guest : m.native;
        if (top.d_en_o) {
            b.same("drained address", top.d_addr_o, source.front().dword);
            b.same("drained mask", top.d_mask_o, source.front().mask);
            b.same("drained data", top.d_data_o, source.front().data);
            top.d_done_i = b.chance(80);
            top.eval();
        }
        b.same("guest entries", top.guest_o, m.guest.size());
        b.same("gated entries", top.gated_o, m.gated());
        b.same("native entries", top.native_o, m.native.size());
        for (unsigned l = 0; l < 2; l++) {
            uint64_t mask, data;
            if ((search >> l & 1) != 0) {
                m.find(lo[l], mask, data);
                forwards += mask != 0;
                b.same("mask of the low double word", top.s_lo_mask_o[l], mask);
                b.same("low double word", top.s_lo_data_o[l] & mask, data);
                if ((next >> l & 1) != 0) {
                    m.find(hi[l], mask, data);
                    b.same("mask of the high double word", top.s_hi_mask_o[l], mask);
                    b.same("high double word", top.s_hi_data_o[l] & mask, data);
                }
            }
            if ((check >> l & 1) != 0) {
                const bool two = (next >> l & 1) != 0;
                b.same("gated stores there", top.c_gated_o >> l & 1, m.has(lo[l], true) || (two && m.has(hi[l], true)));
                b.same("committed stores there", top.c_committed_o >> l & 1,
                       m.has(lo[l], false) || (two && m.has(hi[l], false)));
            }
        }

        // The edge.
        if (top.d_done_i) {
            source.pop_front();
            drains++;
        }
        for (unsigned k = 0; k < 4; k++)
            if (((guest | native) >> k & 1) != 0)
                ((guest >> k & 1) != 0 ? m.guest : m.native).push_back(fresh[k]);
        if (commit)
            for (Store &s : m.guest)
                s.gated = false;
        while (rollback && !m.guest.empty() && m.guest.back().gated)
            m.guest.pop_back();
        commits += commit;
        rollbacks += rollback;
        edge(top, 1);
    }
    Bench::reached("commits", commits, b.cycles / 50);
    Bench::reached("rollbacks", rollbacks, b.cycles / 200);
    Bench::reached("drained", drains, b.cycles / 10);
    Bench::reached("without room", full, b.cycles / 50);
    Bench::reached("forwarded", forwards, b.cycles / 10);
    top.final();
    return 0;
}
