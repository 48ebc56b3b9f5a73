// Multiplier of one A lane, three cycles, pipelined: operands are registered when the op enters M, the four 32-bit partial products
// when it leaves M, and W adds them up.
module duke_mul
  import duke_isa_pkg::*;
(
  input  logic        clk_i,
  input  logic        m_en_i,
  input  logic [6:0]  m_code_i,
  input  logic [63:0] m_a_i,
  input  logic [63:0] m_b_i,
  input  logic        w_en_i,
  output logic [63:0] w_value_o
);
  logic [6:0] code_q;
  logic [63:0] ll_q, lh_q, hl_q, hh_q, fix_q;

  always_ff @(posedge clk_i) begin
    if (m_en_i) begin
      code_q <= m_code_i;
      ll_q <= {32'd0, m_a_i[31:0]} * {32'd0, m_b_i[31:0]};
      lh_q <= {32'd0, m_a_i[31:0]} * {32'd0, m_b_i[63:32]};
      hl_q <= {32'd0, m_a_i[63:32]} * {32'd0, m_b_i[31:0]};
      hh_q <= {32'd0, m_a_i[63:32]} * {32'd0, m_b_i[63:32]};
      // What a signed product's high half is less than the unsigned one's.
      fix_q <= (m_a_i[63] ? m_b_i : 64'd0) + (m_b_i[63] ? m_a_i : 64'd0);
    end
  end

  always_comb begin
    automatic logic [63:0] low, mid, high;
    low = '0;
    mid = '0;
    high = '0;
    w_value_o = '0;
    if (w_en_i) begin
      low = ll_q + {lh_q[31:0] + hl_q[31:0], 32'd0};
      mid = {32'd0, ll_q[63:32]} + {32'd0, lh_q[31:0]} + {32'd0, hl_q[31:0]};
      high = hh_q + {32'd0, lh_q[63:32]} + {32'd0, hl_q[63:32]} + {32'd0, mid[63:32]};
      case (code_q)
        MD_MUL: w_value_o = low;
        MD_MULHU: w_value_o = high;
        MD_MULH: w_value_o = high - fix_q;
        MD_MUL_W: w_value_o = {32'd0, low[31:0]};
        default: w_value_o = {{32{low[31]}}, low[31:0]};
      endcase
    end
  end
endmodule
