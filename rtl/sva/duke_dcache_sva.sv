// Checker of duke_dcache: a line that hits is in one way; fills and snoops have the cache for themselves.
module duke_dcache_sva
  import duke_isa_pkg::*;
  import duke_pkg::*;
(
  input logic       clk_i,
  input logic       rst_ni,
  input logic [1:0] rd_en_i,
  input pair_dw_t   rd_addr_i,
  input logic       fill_i,
  input logic       snoop_i,
  input logic       wr_hit,
  input logic [1:0] rd_hit_o
);
  localparam int SB = $clog2(L1D_SETS);
  function automatic logic [SB-1:0] set_of(input logic [31:3] a);
    return a[6+:SB];
  endfunction

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      assert (!(fill_i && snoop_i)) else $error("dcache: fill and snoop at once");
      assert (!(fill_i || snoop_i) || (rd_hit_o == '0 && !wr_hit)) else $error("dcache: an access passes a fill");
      for (int l = 0; l < LANES_M; l++) begin
        automatic logic [3:0] n;
        n = '0;
        if (rd_hit_o[l]) begin
          for (int w = 0; w < CACHES_L1D_WAYS; w++) begin
            if (duke_dcache.set_q[set_of(rd_addr_i[l])][w]
                && duke_dcache.tag_q[int'(set_of(rd_addr_i[l])) * CACHES_L1D_WAYS + w] == rd_addr_i[l][31:6+SB]) n = n + 4'd1;
          end
          assert (n == 4'd1) else $error("dcache: %h is in %0d ways", rd_addr_i[l], n);
        end
      end
      for (int l = LANES_M; l < 2; l++) assert (!rd_en_i[l]) else $error("dcache: a lane that is not there reads %h", rd_addr_i[l]);
    end
  end
endmodule

bind duke_dcache duke_dcache_sva dcache_sva (.*);
