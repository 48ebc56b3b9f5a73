// Unit X with the fields of its ops' uop_t as ports.
module xfpu_bench
  import duke_isa_pkg::*;
  import duke_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        i_en_i,
  input  logic        i_go_i,
  input  logic [6:0]  i_ra_i,
  input  logic [6:0]  i_rb_i,
  output logic        i_wait_o,
  input  logic        x_en_i,
  input  logic        x_take_i,
  input  logic        x_go_i,
  input  logic [6:0]  x_code_i,
  input  logic [6:0]  x_rd_i,
  input  logic        x_late_i,
  input  logic [63:0] x_a_i,
  input  logic [63:0] x_b_i,
  output logic        x_wait_o,
  output logic [15:0] x_e_o,
  input  logic        m_en_i,
  input  logic        m_done_i,
  input  logic [6:0]  m_code_i,
  input  logic [6:0]  m_rd_i,
  input  logic        m_late_i,
  input  logic [63:0] m_a_i,
  input  logic [63:0] m_b_i,
  input  logic [3:0]  mode_i,
  input  logic        w_en_i,
  input  logic [6:0]  w_code_i,
  input  logic [6:0]  w_rd_i,
  input  logic        w_late_i,
  input  logic        commit_i,
  input  logic        rollback_i,
  output logic        w_late_o,
  output logic [63:0] w_value_o,
  output logic [15:0] w_e_o,
  output logic [5:0]  w_flags_o,
  output logic        w_c1_en_o,
  output logic        w_c1_o
);
  function automatic uop_t op(input logic [6:0] code, input logic [6:0] rd, input logic late);
    uop_t u;
    u = '0;
    u.unit = UNIT_X;
    u.code = code;
    u.rd = rd;
    u.wr = 1'b1;
    u.late = late;
    return u;
  endfunction

  uop_t x_uop, m_uop, w_uop;
  assign x_uop = op(x_code_i, x_rd_i, x_late_i);
  assign m_uop = op(m_code_i, m_rd_i, m_late_i);
  assign w_uop = op(w_code_i, w_rd_i, w_late_i);

  logic init_q;                           // file e is cleared in 128 cycles
  logic [8:0] init_idx_q;
  always_ff @(posedge clk_i) begin
    init_q <= !rst_ni || (init_q && init_idx_q != 9'd127);
    init_idx_q <= !rst_ni ? '0 : init_idx_q + 9'd1;
  end

  duke_xfpu xfpu (
    .clk_i, .rst_ni, .init_i(init_q), .init_idx_i(init_idx_q),
    .i_en_i, .i_go_i, .i_ra_i, .i_rb_i, .i_wait_o,
    .x_en_i, .x_take_i, .x_go_i, .x_uop_i(x_uop), .x_a_i, .x_b_i, .x_wait_o, .x_e_o,
    .m_en_i, .m_done_i, .m_uop_i(m_uop), .m_a_i, .m_b_i, .mode_i,
    .w_en_i, .w_uop_i(w_uop), .commit_i, .rollback_i, .w_late_o, .w_value_o, .w_e_o, .w_flags_o, .w_c1_en_o, .w_c1_o
  );
endmodule
