// Iterative divider of one A lane: four quotient bits a cycle, beginning at the dividend's first digit that is not zero. The op
// waits in X until done_o. RISC-V's results for a zero divisor fall out of the algorithm; overflow out of the sign handling.
//
// Nothing happens while no divide is in X, and what only one block reads is assigned without delay (as in duke_xfpu).
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
  logic busy_q, done_q;
  logic [3:0] left_q;                     // digits to do, minus one
  logic [63:0] divisor_q, quotient_q, rest_q;
  logic neg_q_q, neg_r_q;
  logic [63:0] result_q;

  always_ff @(posedge clk_i) begin
    automatic logic [64:0] t;
    automatic logic [63:0] a, b, rest;
    automatic logic [3:0] skip;
    automatic logic is_word, is_signed, is_rem;
    if (!rst_ni) begin
      busy_q <= 1'b0;
      done_q <= 1'b0;
    end else if (en_i) begin
      is_word = code_i == MD_DIV_SW || code_i == MD_DIVU_SW || code_i == MD_REM_SW || code_i == MD_REMU_SW;
      is_signed = code_i == MD_DIV || code_i == MD_REM || code_i == MD_DIV_SW || code_i == MD_REM_SW;
      is_rem = code_i == MD_REM || code_i == MD_REMU || code_i == MD_REM_SW || code_i == MD_REMU_SW;
      if (busy_q) begin
        // Digits of the dividend move from quotient_q into rest_q from the left; the quotient's come in from the right.
        for (int i = 0; i < 4; i++) begin
          t = {rest_q, quotient_q[63]};
          quotient_q = quotient_q << 1;
          if (t >= {1'b0, divisor_q}) begin
            t = t - {1'b0, divisor_q};
            quotient_q[0] = 1'b1;
          end
          rest_q = t[63:0];
        end
        if (left_q == 4'd0) begin
          a = is_rem ? (neg_r_q ? -rest_q : rest_q) : (neg_q_q ? -quotient_q : quotient_q);
          result_q <= is_word ? {{32{a[31]}}, a[31:0]} : a;
          busy_q <= 1'b0;
          done_q <= 1'b1;
        end
        left_q = left_q - 4'd1;
      end else if (!done_q) begin
        a = a_i;
        b = b_i;
        if (is_word) begin
          a = {{32{is_signed && a_i[31]}}, a_i[31:0]};
          b = {{32{is_signed && b_i[31]}}, b_i[31:0]};
        end
        neg_r_q = is_signed && a[63];
        neg_q_q = is_signed && a[63] != b[63] && b != 64'd0;
        if (is_signed && a[63]) a = -a;
        if (is_signed && b[63]) b = -b;
        rest = a;
        skip = 4'd0;
        if (b != 64'd0) begin
          while (rest[63:60] == 4'd0 && skip != 4'd15) begin
            rest = rest << 4;
            skip = skip + 4'd1;
          end
        end
        left_q = 4'd15 - skip;
        divisor_q = b;
        quotient_q = rest;
        rest_q = '0;
        busy_q <= 1'b1;
      end
      if (take_i) begin
        busy_q <= 1'b0;
        done_q <= 1'b0;
      end
    end
  end
  assign result_o = result_q;             // while done
  assign done_o = done_q;
endmodule
