// Floating point of one A lane. All but divide and square root are pipelined with three cycles' latency: operands are registered
// when the op leaves X, the first stage's result when it leaves M, and W normalizes and rounds. A divide or square root first
// waits in X for its quotient, four bits a cycle; M and W then treat it as the rest. Rounding mode and the other modes are read in
// M, where all control registers are. Flags come out in W.
//
// Nothing happens while no floating-point op is in X, M or W.
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
  output logic        x_done_o,

  // M
  input  logic        m_en_i,             // the op leaves M
  input  logic [13:0] fcsr_i,

  // W
  input  logic        w_en_i,
  output logic [63:0] w_value_o,
  output logic [5:0]  w_flags_o
);
  logic [6:0] code;                       // what an idle unit would see is not worked out: it costs the host time
  always_comb begin
    code = '0;
    if (x_en_i) code = scalar(x_code_i);
  end

  // Divide and square root, bit by bit: 56 bits of quotient or root, and what remains.
  localparam logic [3:0] LAST = 4'd15;    // 0: not begun; 1 to 14: four bits each; then it is there
  logic [3:0] step_q;
  logic root_q;
  logic [63:0] rest_q, divisor_q, more_q;
  logic [55:0] quotient_q;
  logic iterates;
  assign iterates = x_en_i && is_iterative(code);
  assign x_done_o = step_q == LAST || !is_iterative(code);

  always_ff @(posedge clk_i) begin
    automatic num_t a, b;
    automatic logic [63:0] rest, more, t;
    automatic logic [55:0] quotient;
    if (!rst_ni) begin
      step_q <= '0;
    end else if (iterates) begin
      step_q <= x_take_i ? 4'd0 : step_q == LAST ? LAST : step_q + 4'd1;
      if (step_q == 4'd0) begin
        unpack_pair(a, b, x_a_i, x_b_i, is_single(code));
        root_q <= code == FP_FSQRT_D || code == FP_FSQRT_S;
        rest_q <= (code == FP_FSQRT_D || code == FP_FSQRT_S) ? '0 : {11'd0, a.sig};
        // The radicand, in [1, 4): an odd exponent is made even.
        more_q <= a.exp[0] ? {a.sig, 11'd0} : {1'b0, a.sig, 10'd0};
        divisor_q <= {11'd0, b.sig};
        quotient_q <= '0;
      end else if (step_q != LAST) begin
        rest = rest_q;
        more = more_q;
        quotient = quotient_q;
        for (int i = 0; i < 4; i++) begin
          t = divisor_q;
          if (root_q) begin
            rest = {rest[61:0], more[63:62]};
            more = more << 2;
            t = {6'd0, quotient, 2'b01};
          end
          quotient = quotient << 1;
          if (rest >= t) begin
            rest = rest - t;
            quotient[0] = 1'b1;
          end
          if (!root_q) rest = rest << 1;
        end
        rest_q <= rest;
        more_q <= more;
        quotient_q <= quotient;
      end
    end
  end

  // Operands, with the quotient.
  logic [6:0] code_q;
  logic [63:0] a_q, b_q, c_q;
  logic [55:0] m_quotient_q;
  logic m_more_q;
  always_ff @(posedge clk_i) begin
    if (x_en_i && x_take_i) begin
      code_q <= code;
      a_q <= x_a_i;
      b_q <= x_b_i;
      c_q <= x_c_i;
      m_quotient_q <= quotient_q;
      m_more_q <= rest_q != '0;
    end
  end

  mid_t mid_q;
  logic [31:0] upper_q;
  always_ff @(posedge clk_i) begin
    automatic mid_t mid;
    if (m_en_i) begin
      first(mid, code_q, a_q, b_q, c_q, m_quotient_q, m_more_q, fcsr_i);
      mid_q <= mid;
      upper_q <= upper_of(code_q) == 2'd1 ? a_q[63:32] : upper_of(code_q) == 2'd2 ? b_q[63:32] : '0;
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
