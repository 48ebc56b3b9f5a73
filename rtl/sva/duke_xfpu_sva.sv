// Checker of duke_xfpu: what is left of a divide or square root on its way, as in duke_fpu_sva; an op reads the exponents that the
// naive look through the pipeline finds; a rollback restores file e as of the last commit.
module duke_xfpu_sva
  import duke_isa_pkg::*;
  import duke_pkg::*;
  import duke_xfp_pkg::*;
(
  input logic        clk_i,
  input logic        rst_ni,
  input logic        i_en_i,
  input logic        i_go_i,
  input logic [6:0]  i_ra_i,
  input logic [6:0]  i_rb_i,
  input logic        x_en_i,
  input uop_t        x_uop_i,
  input logic        m_en_i,
  input uop_t        m_uop_i,
  input logic        w_writes,
  input uop_t        w_uop_i,
  input logic [63:0] x_b_i,
  input logic [15:0] x_ea_q,
  input logic [15:0] x_eb_q,
  input logic [15:0] m_e_q,
  input logic [15:0] w_e_o,
  input logic [15:0] e_q [128],
  input logic [63:0] committed_q,
  input logic [63:0] dirty_q,
  input logic        commit_i,
  input logic        rollback_i,
  input logic        x_take_i,
  input logic        x_wait_o,
  input logic [2:0]  step_q,
  input xdivide_t    divide_q
);
  // The divider's state is assigned without delay: before or after this block, and both must hold.
  logic iterates, waits_q;
  assign iterates = x_en_i && x_is_iterative(x_uop_i.code);
  always_ff @(posedge clk_i) begin
    waits_q <= rst_ni && iterates && !x_take_i;
    if (rst_ni && iterates && step_q != '0) begin
      assert (divide_q.root || !divide_q.divisor[63] || divide_q.rest < {9'd0, divide_q.divisor, 1'b0})
        else $error("xfpu: rest %h of divisor %h", divide_q.rest, divide_q.divisor);
      assert (!divide_q.root || divide_q.rest <= {3'd0, divide_q.quotient, 1'b0})
        else $error("xfpu: rest %h of root %h", divide_q.rest, divide_q.quotient);
    end
    if (rst_ni && step_q != '0) assert (waits_q && iterates) else $error("xfpu: an op went away in mid-divide");
    if (rst_ni) assert (step_q != 3'd7 || !x_wait_o) else $error("xfpu: step %0d", step_q);
  end

  // Bypass: every stage's result, oldest first, also what is not there yet.
  typedef struct packed {
    logic        late;
    logic [15:0] e;
  } found_t;
  function automatic found_t naive_read(input logic [6:0] r);
    found_t f;
    f = '0;
    f.e = e_q[{committed_q[r[5:0]] ^ dirty_q[r[5:0]], r[5:0]}];
    if (w_writes && w_uop_i.rd == r) f = {1'b0, w_e_o};
    if (m_en_i && X_WRITES_E[m_uop_i.code] && m_uop_i.rd == r) f = {m_uop_i.late, m_e_q};
    if (x_en_i && X_WRITES_E[x_uop_i.code] && x_uop_i.rd == r) f = {x_uop_i.late, x_move(x_uop_i.code, x_ea_q, x_b_i[15:0])};
    if (!r[6]) f = '0;
    return f;
  endfunction
  logic check_e_q;
  found_t a_q, b_q;
  always_ff @(posedge clk_i) begin
    check_e_q <= rst_ni && i_en_i && i_go_i;
    a_q <= naive_read(i_ra_i);
    b_q <= naive_read(i_rb_i);
    if (check_e_q) begin
      assert (!a_q.late && x_ea_q == a_q.e) else $error("xfpu: exponent of ra");
      assert (!b_q.late && x_eb_q == b_q.e) else $error("xfpu: exponent of rb");
    end
    if (rst_ni && x_en_i) assert (x_uop_i.unit == UNIT_X) else $error("xfpu: an op of another unit");
  end

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
