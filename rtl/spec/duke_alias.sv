// Alias table: protected loads leave their guest address and size, checked stores compare with the entries of their mask.
// The check is combinational and sees the entries of earlier bundles only.
module duke_alias
  import duke_isa_pkg::*;
  import duke_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,

  // Check, one a memory lane
  input  logic [1:0]  c_en_i,
  input  pair64_t     addr_i,
  input  pair2_t      size_i,          // log2 of the bytes
  input  pair16_t     mask_i,
  output logic [1:0]  hit_o,

  // Entry of a protected load, with the lane's address and size
  input  logic [1:0]  w_en_i,
  input  pair4_t      w_entry_i,
  input  logic        clear_i,             // alclr: before this bundle's entries
  input  logic        end_i                // commit, rollback: after them
);
  localparam int N = SPEC_ALIAS_ENTRIES;
  localparam int IB = $clog2(N);

  logic [N-1:0] valid_q /* verilator public_flat_rd */;
  logic [N-1:0] valid_d;
  logic [63:0] addr_q [N];
  logic [1:0] size_q [N];

  always_comb begin
    automatic logic [N-1:0] left;
    automatic logic [IB-1:0] i;
    automatic logic [63:0] up, down;
    hit_o = '0;
    for (int l = 0; l < 2; l++) begin
      left = c_en_i[l] ? (mask_i[l][N-1:0] & valid_q) : '0;
      i = '0;
      while (left != '0) begin
        if (left[0]) begin
          up = addr_i[l] - addr_q[i];
          down = addr_q[i] - addr_i[l];
          if (up < (64'd1 << size_q[i]) || down < (64'd1 << size_i[l])) hit_o[l] = 1'b1;
        end
        left = left >> 1;
        i = i + 1'b1;
      end
    end
  end

  always_comb begin
    valid_d = valid_q;
    if (clear_i) valid_d = '0;
    if (w_en_i[0]) valid_d[w_entry_i[0][IB-1:0]] = 1'b1;
    if (w_en_i[1]) valid_d[w_entry_i[1][IB-1:0]] = 1'b1;
    if (end_i) valid_d = '0;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= '0;
    else valid_q <= valid_d;
    for (int l = 0; l < 2; l++) begin
      if (w_en_i[l]) begin
        addr_q[w_entry_i[l][IB-1:0]] <= addr_i[l];
        size_q[w_entry_i[l][IB-1:0]] <= size_i[l];
      end
    end
  end
endmodule
