// Checker of duke_fpu: what is left of a divide or square root on its way. A quotient digit was right if less than twice the divisor
// remains (rest is scaled by two), a root's if no more than twice the root does. What a special operand gives is not used.
module duke_fpu_sva (
  input logic        clk_i,
  input logic        rst_ni,
  input logic        iterates,
  input logic        x_take_i,
  input logic        x_wait_o,
  input logic [2:0]  step_q,
  input logic        root_q,
  input logic [63:0] rest_q,
  input logic [63:0] divisor_q,
  input logic [59:0] quotient_q
);
  logic waits_q;
  always_ff @(posedge clk_i) begin
    waits_q <= rst_ni && iterates && !x_take_i;
    if (rst_ni && iterates && step_q != '0) begin
      assert (root_q || !divisor_q[52] || rest_q < divisor_q << 1) else $error("fpu: rest %h of divisor %h", rest_q, divisor_q);
      assert (!root_q || rest_q <= {3'd0, quotient_q, 1'b0}) else $error("fpu: rest %h of root %h", rest_q, quotient_q);
    end
    if (rst_ni) assert (step_q <= 3'd6 && (step_q != 3'd6 || !x_wait_o)) else $error("fpu: step %0d", step_q);
    if (rst_ni && step_q != '0) assert (waits_q && iterates) else $error("fpu: an op went away in mid-divide");
  end
endmodule

bind duke_fpu duke_fpu_sva fpu_sva (.*);
