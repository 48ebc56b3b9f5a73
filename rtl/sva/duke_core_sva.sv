// Checker of duke_core, bound to it: the contract of a bundle, and the naive statement of everything clever in the pipeline.
// Immediate assertions, as they can use the tables; arrays are looked into element by element.
module duke_core_sva
  import duke_isa_pkg::*;
  import duke_pkg::*;
(
  input logic       clk_i,
  input logic       rst_ni,

  // I
  input logic       issued,
  input logic [4:0] i_lane_q,
  input uops_t      i_uop_q,
  input lanes64_t   i_imm_q,
  input lanes64_t   i_a,
  input lanes64_t   i_b,
  input lanes64_t   i_c,
  input logic [63:0] bank_r,
  input logic [63:0] bank_f,
  input regfile_t   file,

  // X
  input logic       x_valid_q,
  input logic       x_go,
  input logic [4:0] x_lane_q,
  input uops_t      x_uop_q,
  input lanes64_t   x_a_q,
  input lanes64_t   x_b_q,
  input lanes64_t   x_c_q,
  input lanes64_t   x_value,
  input logic [4:0] x_writes,
  input logic       x_taken,

  // M
  input logic       m_valid_q,
  input logic       m_done,
  input logic       m_trap,
  input logic       m_retire,
  input logic [4:0] m_writes,
  input uops_t      m_uop_q,
  input lanes64_t   m_value,
  input logic [3:0] sb_guest,
  input logic [3:0] sb_native,
  input logic       commit,
  input logic       rollback,

  // W
  input logic       w_valid_q,
  input logic [4:0] w_writes,
  input uops_t      w_uop_q,
  input lanes64_t   w_value,
  input logic [4:0] w_mul_q,
  input logic       w_commit_q,
  input logic       w_rollback_q
);
  function automatic logic is_divide(input logic [6:0] code);
    return !(code inside {MD_MUL, MD_MULH, MD_MULHU, MD_MUL_W, MD_MUL_SW});
  endfunction

  // Bundles: lanes and writers.
  always_ff @(posedge clk_i) begin
    if (rst_ni && issued) begin
      for (int l = 0; l < LANES; l++) begin
        if (i_lane_q[l]) begin
          case (i_uop_q[l].unit)
            UNIT_M: assert (l < LANES_M) else $error("lane legality: a memory op in lane %0d", l);
            UNIT_A, UNIT_F, UNIT_V: assert (l >= LANE_A0 && l < LANE_A0 + LANES_A) else $error("lane legality: an A op in lane %0d", l);
            UNIT_X: assert (l == LANE_A0) else $error("lane legality: an X op in lane %0d", l);
            UNIT_I: assert ((l >= LANE_A0 && l < LANE_A0 + LANES_A) || (LANES_M_DOES_INT && l < LANES_M))
              else $error("lane legality: a simple op in lane %0d", l);
            UNIT_B, UNIT_S: assert (l == LANE_B) else $error("lane legality: a branch or system op in lane %0d", l);
            default: assert (0) else $error("lane legality: no unit in lane %0d", l);
          endcase
          for (int k = 0; k < l; k++) begin
            assert (!(i_lane_q[k] && i_uop_q[k].wr && i_uop_q[l].wr && i_uop_q[k].rd == i_uop_q[l].rd))
              else $error("one writer: lanes %0d and %0d both write register %0d", k, l, i_uop_q[l].rd);
          end
        end
      end
    end
  end

  // Bypass: the youngest older bundle that writes the register gives the value, else the file.
  function automatic logic [63:0] naive_read(input logic [6:0] r);
    logic [63:0] v;
    v = (r == 7'd0) ? 64'd0 : file[{r[6] ? bank_f[r[5:0]] : bank_r[r[5:0]], r}];
    for (int l = 0; l < LANES; l++) if (w_writes[l] && w_uop_q[l].rd == r) v = w_value[l];
    for (int l = 0; l < LANES; l++) if (m_writes[l] && m_uop_q[l].rd == r) v = m_value[l];
    for (int l = 0; l < LANES; l++) if (x_writes[l] && x_uop_q[l].rd == r) v = x_value[l];
    return v;
  endfunction
  always_ff @(posedge clk_i) begin
    if (rst_ni && issued) begin
      for (int l = 0; l < LANES; l++) begin
        if (i_lane_q[l]) begin
          assert (i_a[l] == naive_read(i_uop_q[l].ra)) else $error("bypass: ra of lane %0d", l);
          assert (i_b[l] == (i_uop_q[l].use_imm ? i_imm_q[l] : naive_read(i_uop_q[l].rb)))
            else $error("bypass: rb of lane %0d", l);
          assert (i_c[l] == naive_read(i_uop_q[l].rc)) else $error("bypass: rc of lane %0d", l);
        end
      end
    end
  end

  // Results: what the tables say.
  always_ff @(posedge clk_i) begin
    if (rst_ni && x_valid_q) begin
      for (int l = 0; l < LANES; l++) begin
        if (x_lane_q[l] && x_uop_q[l].unit == UNIT_I) begin
          assert (x_value[l] == isa_eval_i(x_uop_q[l].code, x_a_q[l], x_b_q[l], x_c_q[l], {60'd0, x_uop_q[l].aux}))
            else $error("alu: code %0d of %h %h %h gives %h", x_uop_q[l].code, x_a_q[l], x_b_q[l], x_c_q[l], x_value[l]);
        end
        if (x_lane_q[l] && x_uop_q[l].unit == UNIT_A && is_divide(x_uop_q[l].code) && x_go) begin
          assert (x_value[l] == isa_eval_a(x_uop_q[l].code, x_a_q[l], x_b_q[l], 64'd0, 64'd0))
            else $error("divide: code %0d of %h %h gives %h", x_uop_q[l].code, x_a_q[l], x_b_q[l], x_value[l]);
        end
      end
      if (x_lane_q[LANE_B] && x_uop_q[LANE_B].kind == KIND_BRANCH) begin
        assert ({63'd0, x_taken} == isa_eval_branch(x_uop_q[LANE_B].code, x_a_q[LANE_B], x_b_q[LANE_B], 64'd0,
                                                    {60'd0, x_uop_q[LANE_B].aux}))
          else $error("branch: code %0d of %h %h", x_uop_q[LANE_B].code, x_a_q[LANE_B], x_b_q[LANE_B]);
      end
    end
  end

  // Products: operands follow the op to W.
  lanes64_t ma_q, mb_q, wa_q, wb_q;
  always_ff @(posedge clk_i) begin
    if (x_go) begin
      ma_q <= x_a_q;
      mb_q <= x_b_q;
    end
    if (m_retire) begin
      wa_q <= ma_q;
      wb_q <= mb_q;
    end
    if (rst_ni && w_valid_q) begin
      for (int l = 0; l < LANES; l++) begin
        if (w_mul_q[l]) begin
          assert (w_value[l] == isa_eval_a(w_uop_q[l].code, wa_q[l], wb_q[l], 64'd0, 64'd0))
            else $error("multiply: code %0d of %h %h gives %h", w_uop_q[l].code, wa_q[l], wb_q[l], w_value[l]);
        end
      end
    end
  end

  // A bundle that traps has no effect; one that is not done has none yet.
  logic trapped_q;
  always_ff @(posedge clk_i) begin
    trapped_q <= rst_ni && m_trap;
    if (rst_ni && (m_trap || !m_done)) begin
      assert (sb_guest == '0 && sb_native == '0 && !commit && !rollback)
        else $error("a bundle that does not retire has effects");
    end
    if (rst_ni && trapped_q) assert (!w_valid_q) else $error("a bundle that trapped writes registers");
    if (rst_ni) assert (!m_done || m_valid_q) else $error("an empty stage is done");
  end

  // Rollback restores exactly the last commit. The copy is what hardware of the plainest kind would keep.
  // Blocking, as Verilator has no delayed assignment to an array in a long loop; nobody else reads it.
  logic [63:0] shadow_q [128];
  logic check_q;
  always_ff @(posedge clk_i) begin
    check_q <= rst_ni && w_valid_q && w_rollback_q;
    if (!rst_ni) for (int r = 0; r < 128; r++) shadow_q[r] = '0;
    if (rst_ni && w_valid_q && w_commit_q) begin
      for (int r = 1; r < 128; r++) shadow_q[r] = file[{r[6] ? bank_f[r[5:0]] : bank_r[r[5:0]], 7'(r)}];
      for (int l = 0; l < LANES; l++) if (w_writes[l]) shadow_q[w_uop_q[l].rd] = w_value[l];
    end
    if (rst_ni && check_q) begin
      for (int r = 1; r < 128; r++) begin
        if (r[5:0] < 6'd48) begin
          assert (file[{r[6] ? bank_f[r[5:0]] : bank_r[r[5:0]], 7'(r)}] == shadow_q[r])
            else $error("rollback: register %0d is not as of the last commit", r);
        end
      end
    end
  end
endmodule

bind duke_core duke_core_sva core_sva (.*);
