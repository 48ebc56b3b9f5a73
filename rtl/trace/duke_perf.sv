// Counters of events.toml: every cycle under its category and reason, and the events. The host reads the arrays.
module duke_perf
  import duke_isa_pkg::*;
  import duke_pkg::*;
(
  input  logic       clk_i,
  input  logic       rst_ni,
  input  logic [3:0] cat_i,
  input  logic [2:0] reason_i,

  // A bundle leaves M
  input  logic       done_i,
  input  logic       trap_i,
  input  logic [4:0] cause_i,
  input  logic [2:0] ops_i,
  input  logic       commit_i,
  input  logic       rollback_i,
  input  logic [1:0] loads_i,        // by lane
  input  logic [1:0] stores_i,
  input  logic       branch_i,
  input  logic       taken_i,
  input  logic       mispredict_i,
  input  logic       jras_i,
  input  logic       ras_hit_i,
  input  logic       itc_used_i,
  input  logic       itc_hit_i,
  input  logic [1:0] forwards_i,

  // Memory
  input  logic       l1i_access_i,
  input  logic       l1i_miss_i,
  input  logic [1:0] l1d_access_i,
  input  logic       l1d_write_i,
  input  logic       l1d_miss_i,
  input  logic       l1d_writeback_i,
  input  logic       l2_access_i,
  input  logic       l2_miss_i,
  input  logic       l2_writeback_i
);
  logic [63:0] cycles_q [128] /* verilator public_flat_rd */;   // index: category, reason
  logic [63:0] events_q [32] /* verilator public_flat_rd */;

  function automatic logic [63:0] two(input logic [1:0] x);
    return {62'd0, x[1] & x[0], x[1] ^ x[0]};
  endfunction

  // Blocking: nothing else in the design reads the counters, and 30 delayed writes cost the simulator 5 % of its time.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      cycles_q = '{default: '0};
      events_q = '{default: '0};
    end else begin
      cycles_q[{cat_i, reason_i}] = cycles_q[{cat_i, reason_i}] + 64'd1;
      if (done_i) begin
        if (trap_i) begin
          events_q[EV_TRAPS] = events_q[EV_TRAPS] + 64'd1;
          if (cause_i == TRAP_TLB_MISS_LOAD || cause_i == TRAP_TLB_MISS_STORE)
            events_q[EV_TLB_MISSES] = events_q[EV_TLB_MISSES] + 64'd1;
          if (cause_i == TRAP_ALIAS) events_q[EV_ALIAS_HITS] = events_q[EV_ALIAS_HITS] + 64'd1;
        end else begin
          events_q[EV_OPS_RETIRED] = events_q[EV_OPS_RETIRED] + {61'd0, ops_i};
          events_q[EV_BUNDLES_RETIRED] = events_q[EV_BUNDLES_RETIRED] + 64'd1;
          if (commit_i) events_q[EV_COMMITS] = events_q[EV_COMMITS] + 64'd1;
          if (rollback_i) events_q[EV_ROLLBACKS] = events_q[EV_ROLLBACKS] + 64'd1;
          if (loads_i != '0) events_q[EV_LOADS] = events_q[EV_LOADS] + two(loads_i);
          if (stores_i != '0) events_q[EV_STORES] = events_q[EV_STORES] + two(stores_i);
          if (forwards_i != '0) events_q[EV_SB_FORWARDS] = events_q[EV_SB_FORWARDS] + two(forwards_i);
          if (branch_i) begin
            events_q[EV_BRANCHES] = events_q[EV_BRANCHES] + 64'd1;
            if (taken_i) events_q[EV_TAKEN_BRANCHES] = events_q[EV_TAKEN_BRANCHES] + 64'd1;
            if (mispredict_i) events_q[EV_MISPREDICTS] = events_q[EV_MISPREDICTS] + 64'd1;
            if (jras_i) events_q[EV_RAS_LOOKUPS] = events_q[EV_RAS_LOOKUPS] + 64'd1;
            if (ras_hit_i) events_q[EV_RAS_HITS] = events_q[EV_RAS_HITS] + 64'd1;
            if (itc_used_i) events_q[EV_ITC_LOOKUPS] = events_q[EV_ITC_LOOKUPS] + 64'd1;
            if (itc_hit_i) events_q[EV_ITC_HITS] = events_q[EV_ITC_HITS] + 64'd1;
          end
        end
      end
      if (l1i_access_i) events_q[EV_L1I_ACCESSES] = events_q[EV_L1I_ACCESSES] + 64'd1;
      if (l1i_miss_i) events_q[EV_L1I_MISSES] = events_q[EV_L1I_MISSES] + 64'd1;
      if (l1d_access_i != '0 || l1d_write_i)
        events_q[EV_L1D_ACCESSES] = events_q[EV_L1D_ACCESSES] + two(l1d_access_i) + {63'd0, l1d_write_i};
      if (l1d_miss_i) events_q[EV_L1D_MISSES] = events_q[EV_L1D_MISSES] + 64'd1;
      if (l1d_writeback_i) events_q[EV_L1D_WRITEBACKS] = events_q[EV_L1D_WRITEBACKS] + 64'd1;
      if (l2_access_i) events_q[EV_L2_ACCESSES] = events_q[EV_L2_ACCESSES] + 64'd1;
      if (l2_miss_i) events_q[EV_L2_MISSES] = events_q[EV_L2_MISSES] + 64'd1;
      if (l2_writeback_i) events_q[EV_L2_WRITEBACKS] = events_q[EV_L2_WRITEBACKS] + 64'd1;
    end
  end
endmodule
