// Extended precision, unit X: lane A0's, the only one. As duke_fpu: operands are registered when the op leaves X, the first stage's
// result when it leaves M, and W normalizes and rounds. A divide or square root waits in X for its quotient, ten bits a cycle, but
// for the last ten of 70, which come in M. Moves are done in X. Sign and exponent of the operands come from file e, whose part of
// the pipeline is here too: its registers are read in I, by ops of this unit alone, and written in W.
//
// Nothing happens while no op of this unit is in I, X, M or W.
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
  output logic        x_done_o,
  output logic [63:0] x_value_o,          // of moves

  // M
  input  logic        m_en_i,             // an op of this unit
  input  logic        m_done_i,           // it leaves M
  input  uop_t        m_uop_i,
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
  output logic        w_c1_o
);
  // ---------------------------------------------------------------- file e
  localparam logic [63:0] SHADOWED = 64'h0000_ffff_ffff_ffff;
  logic [15:0] e_q [128] /* verilator public_flat_rd */;           // bank, register; as duke_regs
  logic [63:0] committed_q /* verilator public_flat_rd */;
  logic [63:0] dirty_q /* verilator public_flat_rd */;
  logic [15:0] m_e_q, w_e_q;                                       // of moves
  ext_t x_move_value;
  logic x_writes, m_writes, w_writes;
  assign x_writes = x_en_i && x_uop_i.wre;
  assign m_writes = m_en_i && m_uop_i.wre;
  assign w_writes = w_en_i && w_uop_i.wre;

  // The youngest older op that writes the register gives it. An operand in an r register has no exponent.
  logic [15:0] i_e [2];
  always_comb begin
    automatic logic [6:0] r;
    i_wait_o = 1'b0;
    r = '0;
    i_e = '{default: '0};
    if (i_en_i) begin
      for (int k = 0; k < 2; k++) begin
        r = k == 0 ? i_ra_i : i_rb_i;
        if (r[6]) begin
          if (x_writes && x_uop_i.rd == r) begin
            i_e[k] = x_move_value.e;
            i_wait_o = i_wait_o || x_uop_i.late;
          end else if (m_writes && m_uop_i.rd == r) begin
            i_e[k] = m_e_q;
            i_wait_o = i_wait_o || m_uop_i.late;
          end else if (w_writes && w_uop_i.rd == r) begin
            i_e[k] = w_e_o;
          end else begin
            i_e[k] = e_q[{committed_q[r[5:0]] ^ dirty_q[r[5:0]], r[5:0]}];
          end
        end
      end
    end
  end

  logic [63:0] dirty;
  always_comb begin
    dirty = dirty_q;
    if (w_writes) dirty[w_uop_i.rd[5:0]] = SHADOWED[w_uop_i.rd[5:0]];
  end
  always_ff @(posedge clk_i) begin
    automatic logic [5:0] n;
    if (!rst_ni) begin
      committed_q <= '0;
      dirty_q <= '0;
    end else if (w_writes || commit_i || rollback_i) begin
      dirty_q <= (commit_i || rollback_i) ? '0 : dirty;
      if (commit_i) committed_q <= committed_q ^ dirty;
    end
    n = w_uop_i.rd[5:0];
    if (w_writes) e_q[{SHADOWED[n] && !committed_q[n], n}] <= w_e_o;
    if (init_i) e_q[init_idx_i[6:0]] <= '0;
  end

  // ---------------------------------------------------------------- X
  ext_t x_a, x_b;
  logic [15:0] x_e_q [2];
  always_ff @(posedge clk_i) if (i_go_i) x_e_q <= i_e;
  always_comb begin
    x_a = '0;
    x_b = '0;
    x_move_value = '0;
    if (x_en_i) begin
      x_a = {x_e_q[0], x_a_i};
      x_b = {x_e_q[1], x_b_i};
      if (!x_uop_i.late) x_move_value = x_move(x_uop_i.code, x_a, x_b_i[15:0]);
    end
    x_value_o = x_move_value.s;
  end

  // Divide and square root: as in duke_fpu, but for 70 bits. A quotient needs 66: 64, one if the first is 0, and one for rounding.
  localparam logic [2:0] HELD = 3'd7;     // 0: not begun; 1 to 6: ten bits each; then it waits for M
  logic [2:0] step_q;
  logic root, root_q, iterates, last;
  logic [73:0] rest_q;
  logic [63:0] divisor_q;
  logic [69:0] quotient_q;
  logic [79:0] more_q;
  always_comb begin
    root = 1'b0;
    iterates = 1'b0;
    last = 1'b0;
    if (x_en_i) begin
      root = x_is_root(x_uop_i.code);
      iterates = x_is_iterative(x_uop_i.code);
      last = step_q == 3'd6 || step_q == HELD;
    end
    x_done_o = last || !iterates;
  end

  logic m_root_q;
  logic [73:0] m_rest_q;
  logic [63:0] m_divisor_q;
  logic [69:0] m_quotient_q;
  always_ff @(posedge clk_i) begin
    automatic xnum_t a, b;
    automatic logic [73:0] rest;
    automatic logic [69:0] quotient;
    if (!rst_ni) begin
      step_q <= '0;
    end else if (iterates) begin
      step_q <= x_take_i ? 3'd0 : last ? HELD : step_q + 3'd1;
      if (step_q == 3'd0) begin
        x_unpack_pair(a, b, x_a, x_b);
        root_q <= root;
        rest_q <= root ? '0 : {10'd0, a.sig};
        // The radicand, in [1, 4): an odd exponent is made even.
        more_q <= a.exp[0] ? {a.sig, 16'd0} : {1'b0, a.sig, 15'd0};
        divisor_q <= b.sig;
        quotient_q <= '0;
      end else begin
        rest = rest_q;
        quotient = quotient_q;
        if (step_q != HELD) x_ten_bits(rest, quotient, more_q[79:60], divisor_q, root_q);
        rest_q <= rest;
        more_q <= more_q << 20;
        quotient_q <= quotient;
        if (x_take_i) begin
          m_root_q <= root_q;
          m_rest_q <= rest;
          m_divisor_q <= divisor_q;
          m_quotient_q <= quotient;
        end
      end
    end
  end

  // ---------------------------------------------------------------- M
  ext_t a_q, b_q;
  always_ff @(posedge clk_i) begin
    if (x_en_i && x_go_i) begin
      a_q <= x_a;
      b_q <= x_b;
      m_e_q <= x_move_value.e;
    end
  end

  xmid_t mid_q;
  always_ff @(posedge clk_i) begin
    automatic xmid_t mid;
    automatic logic [73:0] rest;
    automatic logic [69:0] quotient;
    if (m_en_i && m_done_i) begin
      if (m_uop_i.late) begin
        rest = '0;
        quotient = '0;
        if (x_is_iterative(m_uop_i.code)) begin
          rest = m_rest_q;
          quotient = m_quotient_q;
          x_ten_bits(rest, quotient, '0, m_divisor_q, m_root_q);  // X has used up the radicand
        end
        x_first(mid, m_uop_i.code, a_q, b_q, quotient, rest != '0, mode_i[1:0], mode_i[3:2]);
        mid_q <= mid;
      end
      w_e_q <= m_e_q;
    end
  end

  // ---------------------------------------------------------------- W
  always_comb begin
    automatic ext_t value;
    w_late_o = 1'b0;
    w_value_o = '0;
    w_e_o = '0;
    w_flags_o = '0;
    w_c1_o = 1'b0;
    value = '0;
    if (w_en_i) begin
      w_late_o = w_uop_i.late;
      w_e_o = w_e_q;
      if (w_uop_i.late) begin
        x_second(value, w_flags_o, w_c1_o, mid_q);
        w_value_o = value.s;
        w_e_o = value.e;
      end
    end
  end
endmodule
