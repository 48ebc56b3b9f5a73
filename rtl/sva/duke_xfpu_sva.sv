// Checker of duke_xfpu: what is left of a divide or square root on its way, as in duke_fpu_sva; an op reads the exponents that the
// naive look through the pipeline finds; a rollback restores file e as of the last commit.
module duke_xfpu_sva
  import duke_pkg::*;
  import duke_xfp_pkg::*;
(
  input logic        clk_i,
  input logic        rst_ni,
  input logic        i_en_i,
  input logic        i_go_i,
  input logic [6:0]  i_ra_i,
  input logic [6:0]  i_rb_i,
  input logic [15:0] i_e [2],
  input logic        x_en_i,
  input uop_t        x_uop_i,
  input logic        x_writes,
  input logic        m_writes,
  input logic        w_writes,
  input uop_t        m_uop_i,
  input uop_t        w_uop_i,
  input ext_t        x_move_value,
  input logic [15:0] m_e_q,
  input logic [15:0] w_e_o,
  input logic [15:0] e_q [128],
  input logic [63:0] committed_q,
  input logic [63:0] dirty_q,
  input logic        commit_i,
  input logic        rollback_i,
  input logic        iterates,
  input logic        x_take_i,
  input logic        x_done_o,
  input logic [2:0]  step_q,
  input logic        root_q,
  input logic [73:0] rest_q,
  input logic [63:0] divisor_q,
  input logic [69:0] quotient_q
);
  logic waits_q;
  always_ff @(posedge clk_i) begin
    waits_q <= rst_ni && iterates && !x_take_i;
    if (rst_ni && iterates && step_q != '0) begin
      assert (root_q || !divisor_q[63] || rest_q < {9'd0, divisor_q, 1'b0})
        else $error("xfpu: rest %h of divisor %h", rest_q, divisor_q);
      assert (!root_q || rest_q <= {3'd0, quotient_q, 1'b0}) else $error("xfpu: rest %h of root %h", rest_q, quotient_q);
    end
    if (rst_ni && step_q != '0) assert (waits_q && iterates) else $error("xfpu: an op went away in mid-divide");
    if (rst_ni) assert (step_q != 3'd7 || x_done_o) else $error("xfpu: step %0d", step_q);
  end

  function automatic logic [15:0] naive_read(input logic [6:0] r);
    logic [15:0] v;
    v = e_q[{committed_q[r[5:0]] ^ dirty_q[r[5:0]], r[5:0]}];
    if (w_writes && w_uop_i.rd == r) v = w_e_o;
    if (m_writes && m_uop_i.rd == r) v = m_e_q;
    if (x_writes && x_uop_i.rd == r) v = x_move_value.e;
    return v;
  endfunction
  always_ff @(posedge clk_i) begin
    if (rst_ni && i_en_i && i_go_i) begin
      assert (!(x_writes && x_uop_i.late && (x_uop_i.rd == i_ra_i || x_uop_i.rd == i_rb_i)))
        else $error("xfpu: an exponent is read that X does not have");
      assert (!(m_writes && m_uop_i.late && ((m_uop_i.rd == i_ra_i && !x_hides(i_ra_i)) ||
                                              (m_uop_i.rd == i_rb_i && !x_hides(i_rb_i)))))
        else $error("xfpu: an exponent is read that M does not have");
      assert (!i_ra_i[6] || i_e[0] == naive_read(i_ra_i)) else $error("xfpu: exponent of ra");
      assert (!i_rb_i[6] || i_e[1] == naive_read(i_rb_i)) else $error("xfpu: exponent of rb");
    end
    if (rst_ni) assert (!x_en_i || x_uop_i.unit == duke_isa_pkg::UNIT_X) else $error("xfpu: an op of another unit");
  end
  function automatic logic x_hides(input logic [6:0] r);
    return x_writes && x_uop_i.rd == r;
  endfunction

  // Blocking, as in duke_core_sva.
  logic [15:0] shadow_q [64];
  logic check_q;
  always_ff @(posedge clk_i) begin
    check_q <= rst_ni && rollback_i;
    if (!rst_ni) for (int r = 0; r < 64; r++) shadow_q[r] = '0;
    if (rst_ni && commit_i) begin
      for (int r = 0; r < 64; r++) shadow_q[r] = e_q[{committed_q[r] ^ dirty_q[r], 6'(r)}];
      if (w_writes) shadow_q[w_uop_i.rd[5:0]] = w_e_o;
    end
    if (rst_ni && check_q) begin
      for (int r = 0; r < 48; r++) begin
        assert (e_q[{committed_q[r] ^ dirty_q[r], 6'(r)}] == shadow_q[r])
          else $error("rollback: exponent %0d is not as of the last commit", r);
      end
    end
  end
endmodule

bind duke_xfpu duke_xfpu_sva xfpu_sva (.*);
