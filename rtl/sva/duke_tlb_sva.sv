// Checker of duke_tlb: a page that hits is in one way.
module duke_tlb_sva
  import duke_isa_pkg::*;
  import duke_pkg::*;
(
  input logic        clk_i,
  input logic        rst_ni,
  input logic [1:0]  en_i,
  input pair_vpn_t   vpn_i,
  input logic [1:0]  hit_o
);
  localparam int SB = $clog2(TLB_SETS);
  localparam int WB = $clog2(TLB_WAYS);
  always_ff @(posedge clk_i) begin
    for (int l = 0; l < 2; l++) begin
      automatic logic [3:0] n;
      n = '0;
      if (rst_ni && en_i[l] && hit_o[l]) begin
        for (int w = 0; w < TLB_WAYS; w++) begin
          if (duke_tlb.set_q[vpn_i[l][12+:SB]][w] && duke_tlb.vpn_q[{vpn_i[l][12+:SB], WB'(w)}] == vpn_i[l]) n = n + 4'd1;
        end
        assert (n == 4'd1) else $error("tlb: page %h is in %0d ways", vpn_i[l], n);
      end
    end
  end
endmodule

bind duke_tlb duke_tlb_sva tlb_sva (.*);
