/* The GTKWave save file beside a waveform: what one wants to see first of Duke's core, grouped. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

#define CORE "TOP.duke_top.core."

/* clang-format off */
/* A group, then its signals; names as rtl/ has them. */
static const char *const signals[] = {
    "-clock", "TOP.clk_i", CORE "cat[3:0]",
    "-fetch", CORE "ic_pc[31:0]", CORE "ic_hit", CORE "icache.miss_q", CORE "q_count[2:0]", CORE "redirect", CORE "redirect_pc[31:0]",
    "-issue", CORE "i_valid_q", CORE "i_bundle_q.pc[31:0]", CORE "i_lane_q[4:0]", CORE "i_why_q[2:0]",
    "-execute", CORE "x_valid_q", CORE "x_bundle_q.pc[31:0]", CORE "x_why_q[2:0]",
    "-memory", CORE "m_valid_q", CORE "m_bundle_q.pc[31:0]", CORE "m_done", CORE "m_taken_q", CORE "tlb_hit[1:0]",
    CORE "dcache.rd_hit_o[1:0]", CORE "dcache.miss_q", CORE "storebuf.count_q[7:0]",
    "-commit", CORE "m_retire", CORE "m_trap", CORE "w_valid_q", CORE "w_commit_q", CORE "w_rollback_q",
};
/* clang-format on */

bool waves_save(const char *fst, uint64_t start)
{
    char path[4200], *full = realpath(fst, NULL);
    snprintf(path, sizeof path, "%s.gtkw", fst);
    FILE *f = fopen(path, "w");
    if (!f) {
        free(full);
        return usage_error("%s: %s", path, strerror(errno)), false;
    }
    fprintf(f, "[*] Selkirk: two time units a cycle, the first with the clock low\n[dumpfile] \"%s\"\n[timestart] %llu\n",
            full ? full : fst, 2 * (unsigned long long)start);
    fprintf(f, "[size] 1600 900\n[treeopen] TOP.\n[treeopen] TOP.duke_top.\n");
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        fprintf(f, signals[i][0] == '-' ? "@200\n%s\n" : strchr(signals[i], '[') ? "@22\n%s\n" : "@28\n%s\n", signals[i]);
    free(full);
    return !fclose(f);
}
