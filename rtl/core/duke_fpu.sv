// Floating point of one A lane. All but divide and square root are pipelined with three cycles' latency: operands are registered
// when the op leaves X, the first stage's result when it leaves M, and W normalizes and rounds. A divide or square root takes its
// operands apart in X and then waits there for its quotient, ten bits a cycle, but for the last ten, which come in M; from there
// on it is as the rest. Rounding mode and the other modes are read in M, where all control registers are. Flags come out in W.
//
// Nothing happens while no floating-point op is in X, M or W; what only one block reads is assigned without delay (as in duke_xfpu).
module duke_fpu
  import duke_isa_pkg::*;
  import duke_fp_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,

  // X
  input  logic        x_en_i,             // an op of this unit, other than a move
  input  logic        x_take_i,           // it leaves X, or is killed
  input  logic [6:0]  x_code_i,
  input  logic [63:0] x_a_i,
  input  logic [63:0] x_b_i,
  input  logic [63:0] x_c_i,              // of fmadd
  output logic        x_wait_o,           // it is not done

  // M
  input  logic        m_en_i,             // the op leaves M
  input  logic [13:0] fcsr_i,

  // W
  input  logic        w_en_i,
  output logic [63:0] w_value_o,
  output logic [5:0]  w_flags_o
);
  // Divide and square root. The ten bits that M works out are the last of 60, or of 30 for a single, which needs 26: 24, one if
  // the first is 0, and one for rounding.
  localparam logic [2:0] HELD = 3'd6;     // 0: not begun; 1 to 5, or 2 for a single: ten bits each; then it waits for M
  logic [2:0] step_q;
  logic [6:0] code;                       // what an idle unit would see is not worked out: it costs the host time
  logic iterates, last;
  always_comb begin
    code = '0;
    iterates = 1'b0;
    last = 1'b0;
    x_wait_o = 1'b0;
    if (x_en_i) begin
      code = scalar(x_code_i);
      iterates = is_iterative(code);
      if (step_q != 3'd0) last = step_q == HELD || step_q == (is_single(code) ? 3'd2 : 3'd5);
      x_wait_o = iterates && !last;
    end
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni) step_q <= '0;
    else if (iterates) step_q <= x_take_i ? 3'd0 : last ? HELD : step_q + 3'd1;
  end

  // State that nobody else reads, of X and then of M: M takes the older op's before X overwrites it.
  logic root_q, m_root_q;
  logic [63:0] rest_q, divisor_q, more_q, m_rest_q, m_divisor_q;
  logic [59:0] quotient_q, m_quotient_q;
  logic [6:0] code_q;
  logic [63:0] a_q, b_q, c_q;
  mid_t mid_q;
  logic [31:0] upper_q;
  always_ff @(posedge clk_i) begin
    automatic mid_t mid;
    automatic num_t a, b;
    automatic logic [63:0] rest;
    automatic logic [59:0] quotient;
    if (m_en_i) begin
      rest = '0;
      quotient = '0;
      if (is_iterative(code_q)) begin
        rest = m_rest_q;
        quotient = m_quotient_q;
        ten_bits(rest, quotient, '0, m_divisor_q, m_root_q);  // X has used up the radicand
        if (is_single(code_q)) quotient = quotient << 30;
      end
      first(mid, code_q, a_q, b_q, c_q, quotient, rest != '0, fcsr_i);
      mid_q <= mid;
      upper_q <= upper_of(code_q) == 2'd1 ? a_q[63:32] : upper_of(code_q) == 2'd2 ? b_q[63:32] : '0;
    end
    if (x_en_i) begin
      if (iterates && step_q == 3'd0) begin
        unpack_pair(a, b, x_a_i, x_b_i, is_single(code));
        root_q = code == FP_FSQRT_D || code == FP_FSQRT_S;
        rest_q = root_q ? '0 : {11'd0, a.sig};
        // The radicand, in [1, 4): an odd exponent is made even.
        more_q = a.exp[0] ? {a.sig, 11'd0} : {1'b0, a.sig, 10'd0};
        divisor_q = {11'd0, b.sig};
        quotient_q = '0;
      end else if (iterates && step_q != HELD) begin
        ten_bits(rest_q, quotient_q, more_q, divisor_q, root_q);
        more_q = more_q << 20;
      end
      if (x_take_i) begin
        if (iterates) begin
          m_root_q = root_q;
          m_rest_q = rest_q;
          m_divisor_q = divisor_q;
          m_quotient_q = quotient_q;
        end
        code_q = code;
        a_q = x_a_i;
        b_q = x_b_i;
        c_q = x_c_i;
      end
    end
  end

  always_comb begin
    w_value_o = '0;
    w_flags_o = '0;
    if (w_en_i) begin
      second(w_value_o, w_flags_o, mid_q);
      w_value_o = w_value_o | {upper_q, 32'd0};
    end
  end
endmodule
