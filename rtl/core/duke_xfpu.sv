// Extended precision, unit X: lane A0's, the only one. As duke_fpu: operands are registered when the op leaves X, the first stage's
// result when it leaves M, and W normalizes and rounds. A divide or square root waits in X for its quotient, ten bits a cycle, but
// for the last ten of 70, which come in M. Moves are done in X. Sign and exponent of the operands come from file e, whose part of
// the pipeline is here too: its registers are read in I, by ops of this unit alone, and written in W.
//
// Nothing happens while no op of this unit is in I, X, M or W, and no state is copied: what only one block reads is assigned without
// delay, which is what a simulator does not pay for.
module duke_xfpu
  import duke_isa_pkg::*;
  import duke_pkg::*;
  import duke_xfp_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        init_i,
  input  logic [8:0]  init_idx_i,

  // I
  input  logic        i_en_i,             // an op of this unit
  input  logic        i_go_i,             // it issues
  input  logic [6:0]  i_ra_i,
  input  logic [6:0]  i_rb_i,
  output logic        i_wait_o,           // an operand's exponent is not there yet

  // X
  input  logic        x_en_i,             // an op of this unit
  input  logic        x_take_i,           // it leaves X, or is killed
  input  logic        x_go_i,             // it goes to M
  input  uop_t        x_uop_i,
  input  logic [63:0] x_a_i,
  input  logic [63:0] x_b_i,
  output logic        x_wait_o,           // it is not done
  output logic [15:0] x_e_o,              // of the first operand

  // M
  input  logic        m_en_i,             // an op of this unit
  input  logic        m_done_i,           // it leaves M
  input  uop_t        m_uop_i,
  input  logic [63:0] m_a_i,
  input  logic [63:0] m_b_i,
  input  logic [3:0]  mode_i,             // fcsr's PC and RC

  // W
  input  logic        w_en_i,             // an op of this unit retires
  input  uop_t        w_uop_i,
  input  logic        commit_i,
  input  logic        rollback_i,
  output logic        w_late_o,           // it is no move: value, flags and C1 are from here
  output logic [63:0] w_value_o,
  output logic [15:0] w_e_o,
  output logic [5:0]  w_flags_o,
  output logic        w_c1_en_o,          // it is no compare either
  output logic        w_c1_o
);
  // ---------------------------------------------------------------- file e
  localparam logic [63:0] SHADOWED = 64'h0000_ffff_ffff_ffff;
  logic [15:0] e_q [128] /* verilator public_flat_rd */;           // bank, register; as duke_regs
  logic [63:0] committed_q /* verilator public_flat_rd */;
  logic [63:0] dirty_q /* verilator public_flat_rd */;
  logic [15:0] x_ea_q, x_eb_q, m_ea_q, m_eb_q;                     // operands
  logic [15:0] m_e_q, w_e_q;                                       // moves' results

  // Whether an exponent is on its way, and not there at the end of this cycle.
  function automatic logic late(input logic [6:0] r);
    if (!r[6]) return 1'b0;                                        // an r register has none
    if (x_en_i && X_WRITES_E[x_uop_i.code] && x_uop_i.rd == r) return x_uop_i.late;
    return m_en_i && X_WRITES_E[m_uop_i.code] && m_uop_i.rd == r && m_uop_i.late;
  endfunction
  // The youngest older op that writes the register gives it.
  function automatic logic [15:0] read(input logic [6:0] r);
    if (!r[6]) return '0;
    if (x_en_i && X_WRITES_E[x_uop_i.code] && x_uop_i.rd == r) return x_move(x_uop_i.code, x_ea_q, x_b_i[15:0]);
    if (m_en_i && X_WRITES_E[m_uop_i.code] && m_uop_i.rd == r) return m_e_q;
    if (w_en_i && X_WRITES_E[w_uop_i.code] && w_uop_i.rd == r) return w_e_o;
    return e_q[{committed_q[r[5:0]] ^ dirty_q[r[5:0]], r[5:0]}];
  endfunction

  always_comb begin
    i_wait_o = 1'b0;
    if (i_en_i) i_wait_o = late(i_ra_i) || late(i_rb_i);
  end
  always_ff @(posedge clk_i) begin
    if (i_go_i) begin
      x_ea_q <= read(i_ra_i);
      x_eb_q <= read(i_rb_i);
    end
  end
  assign x_e_o = x_ea_q;

  logic w_writes;
  always_comb begin
    w_writes = 1'b0;
    if (w_en_i) w_writes = X_WRITES_E[w_uop_i.code];
  end
  always_ff @(posedge clk_i) begin
    automatic logic [63:0] dirty;
    automatic logic [5:0] n;
    if (!rst_ni) begin
      committed_q <= '0;
      dirty_q <= '0;
    end else if (w_en_i || dirty_q != '0) begin
      n = w_uop_i.rd[5:0];
      dirty = dirty_q;
      if (w_writes) dirty[n] = SHADOWED[n];
      dirty_q <= (commit_i || rollback_i) ? '0 : dirty;
      if (commit_i) committed_q <= committed_q ^ dirty;
    end
    if (w_writes || init_i) begin
      n = w_uop_i.rd[5:0];
      e_q[init_i ? init_idx_i[6:0] : {SHADOWED[n] && !committed_q[n], n}] <= init_i ? '0 : w_e_o;
    end
  end

  // ---------------------------------------------------------------- X
  // Divide and square root: as in duke_fpu, but for 70 bits. A quotient needs 66: 64, one if the first is 0, and one for rounding.
  localparam logic [2:0] HELD = 3'd7;     // 0: not begun; 1 to 6: ten bits each; then it waits for M
  logic [2:0] step_q;
  always_comb begin
    x_wait_o = 1'b0;
    if (x_en_i) x_wait_o = x_is_iterative(x_uop_i.code) && step_q < 3'd6;
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni) step_q <= '0;
    else if (x_en_i && x_is_iterative(x_uop_i.code)) step_q <= x_take_i ? 3'd0 : x_wait_o ? step_q + 3'd1 : HELD;
    if (x_en_i && x_go_i) begin
      m_e_q <= x_move(x_uop_i.code, x_ea_q, x_b_i[15:0]);
      m_ea_q <= x_ea_q;
      m_eb_q <= x_eb_q;
    end
  end

  // State of the divider that nobody else reads, of X and then of M: M takes the older op's before X overwrites it.
  xdivide_t divide_q, m_divide_q;
  xmid_t mid, mid_q;
  always_ff @(posedge clk_i) begin
    if (m_en_i && m_done_i) begin
      if (m_uop_i.late) begin
        if (x_is_iterative(m_uop_i.code)) x_ten_bits(m_divide_q);
        x_first(mid, m_uop_i.code, {m_ea_q, m_a_i}, {m_eb_q, m_b_i}, m_divide_q, mode_i);
        mid_q <= mid;
      end
      w_e_q <= m_e_q;
    end
    if (x_en_i && x_is_iterative(x_uop_i.code)) begin
      if (step_q == 3'd0) x_begin(divide_q, x_uop_i.code, {x_ea_q, x_a_i}, {x_eb_q, x_b_i});
      else if (step_q != HELD) x_ten_bits(divide_q);
      if (x_take_i) m_divide_q = divide_q;
    end
  end

  // ---------------------------------------------------------------- W
  always_comb begin
    w_late_o = 1'b0;
    w_value_o = '0;
    w_e_o = '0;
    w_flags_o = '0;
    w_c1_en_o = 1'b0;
    w_c1_o = 1'b0;
    if (w_en_i) begin
      w_late_o = w_uop_i.late;
      w_e_o = w_e_q;
      if (w_uop_i.late) begin
        x_second(w_value_o, w_e_o, w_flags_o, w_c1_o, mid_q);
        w_c1_en_o = w_uop_i.code != X_FCMPF_X && w_uop_i.code != X_FCOMF_X;
      end
    end
  end
endmodule
