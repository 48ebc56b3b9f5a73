// Fetch queue and decoder against a plain queue of words: each fetched window puts in its words from the fetch address on, up to
// the predicted branch; a bundle is the words up to the first with the end bit, or twelve. A jump that was not predicted is
// found by the decoder, and fetching goes on at its target.
#include <deque>
#include <vector>

#include "Vfetch_bench.h"
#include "bench.h"

namespace
{

enum : uint32_t { END = 1u << 31, PAGES = 4, BASE = 0x40000000, MAX_WORDS = 12, JUMP = 0x5f };

struct Word {
    uint32_t word;
    bool fault;  // not a word but the end of memory
    bool branch; // the predictor says that the bundle that ends here branches
    uint32_t target;
};

bool inside(uint32_t pc) { return (pc & 3) == 0 && pc >= BASE && pc < BASE + PAGES * 4096; }

} // namespace

int main(int argc, char **argv)
{
    Bench b(argc, argv, 300000);
    Vfetch_bench top;
    std::vector<uint32_t> memory(PAGES * 1024);
    for (uint32_t &w : memory)
        w = static_cast<uint32_t>(b.random()) & ~END;
    for (size_t i = 0, n = 0; i < memory.size(); i++, n++)
        if (b.chance((i >> 6 & 3) == 0 ? 7 : 40)) { // some stretches have long bundles
            memory[i] |= END;
            n = 0;
            if (b.chance(20)) // by up to 512 words, either way
                memory[i] = END | JUMP << 24 | ((static_cast<uint32_t>(b.below(1024)) - 512) & 0xffffff);
        }
    std::deque<Word> queue;
    uint32_t fetch_pc = 0x40010000, pc = fetch_pc;
    uint64_t bundles = 0, across = 0, branches = 0, refetches = 0, faults = 0, redirects = 0, steers = 0;
    size_t windows = 0;           // in the unit's queue: it stops at four
    std::deque<size_t> in_window; // words of each that are still to be taken
    bool dead = false;
    auto any_pc = [&] { return BASE + static_cast<uint32_t>(b.below(PAGES * 1024)) * 4; };
    top.dram_pages_i = 0;
    top.hidden_pages_i = PAGES;
    reset(top);
    for (b.cycle = 0; b.cycle < b.cycles; b.cycle++) {
        edge(top, 0);
        top.redirect_i = b.cycle == 0 || b.chance(pc < BASE || pc >= BASE + PAGES * 4096 ? 20 : 2);
        top.redirect_pc_i = b.chance(3) ? any_pc() + 2 : b.chance(3) ? BASE + PAGES * 4096 - 8 : any_pc();
        top.go_i = b.chance(80);
        top.ic_hit_i = 0;
        top.p_taken_i = 0;
        top.ask_taken_i = b.chance(50);
        top.ask_target_i = any_pc();
        top.eval();

        // What D does follows from the words in the queue.
        size_t n = 0;
        bool complete = false, refetch = false, fault = false, branch = false;
        uint32_t predicted = pc;
        if (!top.redirect_i && top.go_i) {
            while (n < queue.size() && !complete && !refetch) {
                const Word &w = queue[n];
                if (w.fault) {
                    fault = complete = true;
                    break;
                }
                n++;
                complete = (w.word & END) != 0 || n == MAX_WORDS;
                refetch = w.branch && (w.word & END) == 0;
                branch = w.branch;
                predicted = branch ? w.target : pc + 4 * static_cast<uint32_t>(n);
            }
        }
        const bool valid = complete && !refetch;
        // Of lone jumps it is known here what they do, of other bundles only what may be.
        bool steer = top.steer_o;
        if (valid && !fault && n == 1 && (queue[0].word >> 24 & 0x7f) == JUMP) {
            b.same("a jump is found", steer, !branch);
            if (!branch)
                predicted = pc + 4 * static_cast<uint32_t>(static_cast<int32_t>(queue[0].word << 8) >> 8);
        } else if (steer) {
            b.same("only a branch of this bundle steers", valid && !fault && !branch, true);
            predicted = top.predicted_o;
        }
        steers += steer;
        b.same("a bundle is there", top.valid_o, valid);
        b.same("refetch", top.refetch_o, refetch);
        if (refetch)
            b.same("refetch after", top.refetch_last_o, pc + 4 * static_cast<uint32_t>(n - 1));
        if (valid) {
            b.same("address", top.pc_o, pc);
            b.same("fetch fault", top.fetch_fault_o, fault);
            if (!fault) {
                b.same("next", top.next_o, pc + 4 * static_cast<uint32_t>(n));
                b.same("predicted", top.predicted_o, predicted);
                b.same("first word", top.word_o, memory[(pc - BASE) / 4]);
            }
            bundles++;
            across += !fault && pc / 32 != (pc + 4 * static_cast<uint32_t>(n) - 4) / 32;
            branches += branch;
            faults += fault;
        }

        // The window that is fetched.
        const bool want = !dead && windows < 4 && !top.redirect_i && !refetch && !steer;
        const bool good = inside(fetch_pc);
        b.same("reads the cache", top.ic_en_o, want && good);
        bool push = want && !good;
        std::deque<Word> fresh;
        uint32_t next_fetch = fetch_pc;
        if (want && good) {
            b.same("fetch address", top.ic_pc_o, fetch_pc);
            top.ic_hit_i = b.chance(75);
            const uint32_t first = fetch_pc / 4 % 8, line = (fetch_pc - BASE) / 32 * 8;
            for (unsigned i = 0; i < 4; i++)
                top.ic_data_i[i] = memory[line + 2 * i] | static_cast<uint64_t>(memory[line + 2 * i + 1]) << 32;
            uint32_t last = 7;
            if (b.chance(30)) {
                last = first + static_cast<uint32_t>(b.below(8 - first));
                if (b.chance(70)) // as a predictor would: at the end of a bundle
                    while (last < 7 && (memory[line + last] & END) == 0)
                        last++;
                top.p_taken_i = 1;
            }
            top.p_last_i = static_cast<uint8_t>(last);
            top.p_target_i = b.chance(2) ? BASE + PAGES * 4096 - 4 : any_pc();
            top.eval();
            push = top.ic_hit_i;
            for (uint32_t i = first; push && i <= last; i++)
                fresh.push_back({memory[line + i], false, top.p_taken_i && i == last, top.p_target_i});
            next_fetch = top.p_taken_i ? top.p_target_i : (fetch_pc & ~31u) + 32;
        } else if (push) {
            fresh.push_back({0, true, false, 0});
        }
        b.same("window is used", top.p_used_o, push);

        // The edge.
        if (top.redirect_i || refetch || steer) {
            queue.clear();
            in_window.clear();
            windows = 0;
            dead = false;
            fetch_pc = top.redirect_i ? top.redirect_pc_i : steer ? predicted : pc;
            pc = fetch_pc;
            redirects += top.redirect_i;
            refetches += refetch;
        } else {
            if (valid && !fault)
                pc = predicted;
            // A faulting bundle takes whole windows up to the fault, and not the fault itself.
            for (size_t i = 0; valid && i < n; i++) {
                queue.pop_front();
                if (--in_window.front() == 0) {
                    in_window.pop_front();
                    windows--;
                }
            }
            if (push) {
                in_window.push_back(fresh.size());
                windows++;
                dead = !good;
                queue.insert(queue.end(), fresh.begin(), fresh.end());
                fetch_pc = good ? next_fetch : fetch_pc;
            }
            if (valid && fault) { // the core traps: it redirects before it looks again
                edge(top, 1);
                edge(top, 0);
                top.redirect_i = 1;
                top.redirect_pc_i = any_pc();
                top.eval();
                queue.clear();
                in_window.clear();
                windows = 0;
                dead = false;
                fetch_pc = pc = top.redirect_pc_i;
            }
        }
        edge(top, 1);
    }
    Bench::reached("bundles", bundles, b.cycles / 4);
    Bench::reached("across windows", across, b.cycles / 20);
    Bench::reached("predicted branches", branches, b.cycles / 50);
    Bench::reached("refetches", refetches, b.cycles / 200);
    Bench::reached("faults", faults, b.cycles / 2000);
    Bench::reached("branches found by the decoder", steers, b.cycles / 200);
    Bench::reached("redirects", redirects, b.cycles / 100);
    top.final();
    return 0;
}
