// Register files r and f in one array of two banks. Of a shadowed register one bank holds the committed value; the working value is
// in the other bank if the register is dirty. So commit and rollback are two vector operations: commit flips the committed bank of
// the dirty registers, rollback only forgets that they are dirty.
module duke_regs
  import duke_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        init_i,
  input  logic [8:0]  init_idx_i,

  // Bank of every register's working value, and the array, for the issue stage's reads
  output logic [63:0] bank_r_o,
  output logic [63:0] bank_f_o,
  output regfile_t    file_o,  // registers; index: bank, file, register

  // A retiring bundle
  input  logic [4:0]  w_en_i,
  input  lanes7_t     w_reg_i,
  input  lanes64_t    w_value_i,
  input  logic        commit_i,
  input  logic        rollback_i
);
  localparam logic [63:0] SHADOWED_R = 64'h0000_ffff_ffff_fffe;
  localparam logic [63:0] SHADOWED_F = 64'h0000_ffff_ffff_ffff;

  logic [63:0] committed_r_q /* verilator public_flat_rd */;
  logic [63:0] committed_f_q /* verilator public_flat_rd */;
  logic [63:0] dirty_r_q /* verilator public_flat_rd */;
  logic [63:0] dirty_f_q /* verilator public_flat_rd */;
  assign bank_r_o = committed_r_q ^ dirty_r_q;
  assign bank_f_o = committed_f_q ^ dirty_f_q;

  logic [63:0] dirty_r, dirty_f;
  logic [7:0] index [LANES];
  always_comb begin
    automatic logic [5:0] n;
    dirty_r = dirty_r_q;
    dirty_f = dirty_f_q;
    for (int l = 0; l < LANES; l++) begin
      index[l] = '0;
      if (w_en_i[l]) begin
        n = w_reg_i[l][5:0];
        if (w_reg_i[l][6]) begin
          index[l] = {SHADOWED_F[n] && !committed_f_q[n], w_reg_i[l]};
          dirty_f[n] = SHADOWED_F[n];
        end else begin
          index[l] = {SHADOWED_R[n] && !committed_r_q[n], w_reg_i[l]};
          dirty_r[n] = SHADOWED_R[n];
        end
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      committed_r_q <= '0;
      committed_f_q <= '0;
      dirty_r_q <= '0;
      dirty_f_q <= '0;
    end else begin
      dirty_r_q <= (commit_i || rollback_i) ? '0 : dirty_r;
      dirty_f_q <= (commit_i || rollback_i) ? '0 : dirty_f;
      if (commit_i) begin
        committed_r_q <= committed_r_q ^ dirty_r;
        committed_f_q <= committed_f_q ^ dirty_f;
      end
    end
    for (int l = 0; l < LANES; l++) if (w_en_i[l]) file_o[index[l]] <= w_value_i[l];
    if (init_i) file_o[init_idx_i[7:0]] <= '0;
  end
endmodule
