// Checker of duke_perf: the cycles of all categories and reasons sum to the cycles that have passed.
module duke_perf_sva
  import duke_isa_pkg::*;
(
  input logic       clk_i,
  input logic       rst_ni,
  input logic [3:0] cat_i,
  input logic [2:0] reason_i
);
  logic [63:0] passed_q;
  always_ff @(posedge clk_i) begin
    passed_q <= rst_ni ? passed_q + 64'd1 : '0;
    if (rst_ni) begin
      assert (cat_i <= CAT_TRANSLATE3 && reason_i <= REASON_SERIAL) else $error("perf: a cycle without category or reason");
      // Summing 128 counters is slow: now and then is enough, as a wrong sum stays wrong. The counters change at this same edge
      // without delay, so whether the sum has this cycle in it already is the simulator's choice.
      if (passed_q[11:0] == '1)
        assert (sum() - passed_q <= 64'd1) else $error("perf: the categories' cycles sum to %0d of %0d", sum(), passed_q);
    end
  end
  function automatic logic [63:0] sum();
    logic [63:0] s;
    s = '0;
    for (int i = 0; i < 128; i++) s = s + duke_perf.cycles_q[i];
    return s;
  endfunction
endmodule

bind duke_perf duke_perf_sva perf_sva (.*);
