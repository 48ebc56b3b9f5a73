// Guest TLB: sets x ways, FIFO within the set, written by firmware. Look-ups are combinational, one port a memory lane.
// A flush takes one cycle: a set's valid bits count only in the epoch in which they were made.
module duke_tlb
  import duke_isa_pkg::*;
  import duke_pkg::*;
(
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic         init_i,
  input  logic [8:0]   init_idx_i,

  input  logic [1:0]   en_i,
  input  pair_vpn_t   vpn_i,
  output logic [1:0]   hit_o,
  output pair32_t     entry_o,       // physical page and permission bits as tlbw gave them
  output pair64_t     mask_o,        // translated chunks

  // At most one of these a cycle
  input  logic         write_i,
  input  logic         inval_i,
  input  logic         flush_i,
  input  logic [63:12] op_vpn_i,
  input  logic [31:0]  op_entry_i,
  input  logic [63:0]  op_mask_i
);
  localparam int SB = $clog2(TLB_SETS);
  localparam int WB = $clog2(TLB_WAYS);
  localparam int EB = 8;

  logic [EB+WB+TLB_WAYS-1:0] set_q [TLB_SETS] /* verilator public_flat_rd */;  // epoch, FIFO counter, valid bits
  logic [63:12] vpn_q [TLB_SETS * TLB_WAYS];
  logic [31:0] entry_q [TLB_SETS * TLB_WAYS];
  logic [63:0] mask_q [TLB_SETS * TLB_WAYS];
  logic [EB-1:0] epoch_q /* verilator public_flat_rd */;
  logic [EB-1:0] epoch_next;
  assign epoch_next = epoch_q + 1'b1;

  always_comb begin
    automatic logic [SB-1:0] set;
    automatic logic [EB+WB+TLB_WAYS-1:0] state;
    hit_o = '0;
    for (int l = 0; l < 2; l++) begin
      entry_o[l] = '0;
      mask_o[l] = '0;
      if (en_i[l]) begin
        set = vpn_i[l][12+:SB];
        state = set_q[set];
        if (state[WB+TLB_WAYS+:EB] == epoch_q) begin
          for (int w = 0; w < TLB_WAYS; w++) begin
            if (state[w] && vpn_q[{set, WB'(w)}] == vpn_i[l]) begin
              hit_o[l] = 1'b1;
              entry_o[l] = entry_q[{set, WB'(w)}];
              mask_o[l] = mask_q[{set, WB'(w)}];
            end
          end
        end
      end
    end
  end

  logic set_we;
  logic [SB-1:0] set_wi;
  logic [EB+WB+TLB_WAYS-1:0] set_wd;
  logic [WB-1:0] way;
  always_comb begin
    automatic logic [TLB_WAYS-1:0] valid;
    automatic logic [WB-1:0] fifo;
    automatic logic found;
    set_we = 1'b0;
    set_wi = op_vpn_i[12+:SB];
    set_wd = '0;
    way = '0;
    valid = '0;
    fifo = '0;
    found = 1'b0;
    if (init_i) begin
      set_we = 1'b1;
      set_wi = init_idx_i[SB-1:0];
    end else if (flush_i) begin
      // Cleaning one set a flush makes sure that no set is left with an epoch that comes round again.
      set_we = 1'b1;
      set_wi = epoch_next[SB-1:0];
      set_wd = {epoch_next, {(WB + TLB_WAYS) {1'b0}}};
    end else if (write_i || inval_i) begin
      set_we = 1'b1;
      if (set_q[set_wi][WB+TLB_WAYS+:EB] == epoch_q) {fifo, valid} = set_q[set_wi][WB+TLB_WAYS-1:0];
      for (int w = 0; w < TLB_WAYS; w++) begin
        if (valid[w] && vpn_q[{set_wi, WB'(w)}] == op_vpn_i) begin
          found = 1'b1;
          way = WB'(w);
          if (inval_i) valid[w] = 1'b0;
        end
      end
      if (write_i && !found) begin
        way = fifo;
        fifo = fifo + 1'b1;
        valid[way] = 1'b1;
      end
      set_wd = {epoch_q, fifo, valid};
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) epoch_q <= '0;
    else if (flush_i) epoch_q <= epoch_next;
    if (set_we) set_q[set_wi] <= set_wd;
    if (write_i) begin
      vpn_q[{set_wi, way}] <= op_vpn_i;
      entry_q[{set_wi, way}] <= op_entry_i;
      mask_q[{set_wi, way}] <= op_mask_i;
    end
  end
endmodule
