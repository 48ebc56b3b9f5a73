// Alias table: protected loads leave their guest address and size, checked stores compare with the entries of their mask.
// The check is combinational and sees the entries of earlier bundles only.
// There are 16 numbers. With 32 entries each has two, N and N + 16: a load takes the second if the first is valid. With fewer than 16,
// numbers share entries.
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

  // Entry of a protected load, with the lane's address and size; lane 1's comes behind lane 0's
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
  logic [IB-1:0] place [2];

  function automatic logic [N-1:0] entries(input logic [15:0] mask);
    automatic logic [31:0] twice = {mask, mask};
    automatic logic [N-1:0] all = twice[N-1:0];
    for (int k = N; k < 16; k += N) all |= twice[k+:N];
    return all;
  endfunction

  always_comb begin
    automatic logic [N-1:0] left;
    automatic logic [IB-1:0] i;
    automatic logic [63:0] up, down;
    hit_o = '0;
    for (int l = 0; l < 2; l++) begin
      left = c_en_i[l] ? (entries(mask_i[l]) & valid_q) : '0;
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
    valid_d = clear_i ? '0 : valid_q;
    place = '{default: '0};
    for (int l = 0; l < 2; l++) begin
      if (w_en_i[l]) begin
        place[l] = IB'({valid_d[IB'(w_entry_i[l])], w_entry_i[l]}); // the first bit counts with 32 entries only
        valid_d[place[l]] = 1'b1;
      end
    end
    if (end_i) valid_d = '0;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= '0;
    else valid_q <= valid_d;
    for (int l = 0; l < 2; l++) begin
      if (w_en_i[l]) begin
        addr_q[place[l]] <= addr_i[l];
        size_q[place[l]] <= size_i[l];
      end
    end
  end
endmodule
