// Iterative divider of one A lane: four quotient bits a cycle, beginning at the dividend's first digit that is not zero. The op
// waits in X until done_o. RISC-V's results for a zero divisor fall out of the algorithm; overflow out of the sign handling.
module duke_div
  import duke_isa_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        en_i,               // a divide is in X
  input  logic        take_i,             // it leaves X, or is killed
  input  logic [6:0]  code_i,
  input  logic [63:0] a_i,
  input  logic [63:0] b_i,
  output logic        done_o,
  output logic [63:0] result_o
);
  logic is_word, is_signed, is_rem;
  assign is_word = code_i == MD_DIV_SW || code_i == MD_DIVU_SW || code_i == MD_REM_SW || code_i == MD_REMU_SW;
  assign is_signed = code_i == MD_DIV || code_i == MD_REM || code_i == MD_DIV_SW || code_i == MD_REM_SW;
  assign is_rem = code_i == MD_REM || code_i == MD_REMU || code_i == MD_REM_SW || code_i == MD_REMU_SW;

  logic busy_q, done_q;
  logic [3:0] left_q;                     // digits to do, minus one
  logic [63:0] divisor_q, quotient_q, rest_q;
  logic neg_q_q, neg_r_q;

  // Digits of the dividend move from quotient_q into rest_q from the left; the quotient's come in from the right.
  logic [63:0] q_d, r_d;
  always_comb begin
    automatic logic [64:0] t;
    q_d = quotient_q;
    r_d = rest_q;
    t = '0;
    if (busy_q) begin
      for (int i = 0; i < 4; i++) begin
        t = {r_d, q_d[63]};
        q_d = q_d << 1;
        if (t >= {1'b0, divisor_q}) begin
          t = t - {1'b0, divisor_q};
          q_d[0] = 1'b1;
        end
        r_d = t[63:0];
      end
    end
  end

  logic [63:0] a_abs, b_abs;
  logic a_neg, b_neg, zero;
  logic [3:0] skip;
  always_comb begin
    automatic logic [63:0] a, b, rest;
    a = a_i;
    b = b_i;
    a_neg = 1'b0;
    b_neg = 1'b0;
    a_abs = '0;
    b_abs = '0;
    zero = 1'b0;
    skip = 4'd0;
    rest = '0;
    if (en_i && !busy_q && !done_q) begin
      if (is_word) begin
        a = {{32{is_signed && a_i[31]}}, a_i[31:0]};
        b = {{32{is_signed && b_i[31]}}, b_i[31:0]};
      end
      a_neg = is_signed && a[63];
      b_neg = is_signed && b[63];
      zero = b == 64'd0;
      a_abs = a_neg ? -a : a;
      b_abs = b_neg ? -b : b;
      rest = a_abs;
      if (!zero) begin
        while (rest[63:60] == 4'd0 && skip != 4'd15) begin
          rest = rest << 4;
          skip = skip + 4'd1;
        end
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || take_i) begin
      busy_q <= 1'b0;
      done_q <= 1'b0;
    end else if (busy_q) begin
      left_q <= left_q - 4'd1;
      if (left_q == 4'd0) begin
        busy_q <= 1'b0;
        done_q <= 1'b1;
      end
    end else if (en_i && !done_q) begin
      busy_q <= 1'b1;
    end
    if (busy_q) begin
      quotient_q <= q_d;
      rest_q <= r_d;
    end else if (en_i && !done_q) begin
      left_q <= 4'd15 - skip;
      divisor_q <= b_abs;
      quotient_q <= a_abs << {skip, 2'd0};
      rest_q <= '0;
      neg_q_q <= (a_neg ^ b_neg) && !zero;
      neg_r_q <= a_neg;
    end
  end

  logic [63:0] result;
  always_comb begin
    result = '0;
    result_o = '0;
    if (done_q) begin
      result = is_rem ? (neg_r_q ? -rest_q : rest_q) : (neg_q_q ? -quotient_q : quotient_q);
      result_o = is_word ? {{32{result[31]}}, result[31:0]} : result;
    end
  end
  assign done_o = done_q;
endmodule
