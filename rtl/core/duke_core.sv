// The pipeline: F fetch | D decode and disperse | I issue | X execute | M memory, branches and traps | W write registers.
// In order. M decides: a bundle that leaves M without a trap has all its effects, and whatever must go elsewhere (trap, mispredict,
// rollback, ...) redirects from M and kills D to X. A stage moves when the next one has room; bubbles are squeezed out. An empty
// stage carries the reason why it is empty, so that M can say of every cycle what it was spent on.
module duke_core
  import duke_isa_pkg::*;
  import duke_pkg::*;
  import duke_alu_pkg::*;
  import duke_fp_pkg::is_pair;
  import duke_vec_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic [63:0] host_i,             // handle for DPI
  input  logic [19:0] dram_pages_i,
  input  logic [19:0] hidden_pages_i,
  input  logic [7:0]  store_buffer_i,
  input  logic        irq_i,
  input  logic        resume_i,
  input  logic        start_i,
  input  logic [31:0] start_pc_i,
  input  logic        record_i,           // report every bundle by DPI
  output logic        stopped_o,
  output logic        double_fault_o,
  output logic [31:0] hcall_o,
  output logic [31:0] pc_o                // bundle in M, or the next one there
);
  // ---------------------------------------------------------------- clearing tables after reset
  logic init_q /* verilator public_flat_rd */;
  logic [8:0] init_idx_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      init_q <= 1'b1;
      init_idx_q <= '0;
    end else if (init_q) begin
      init_idx_q <= init_idx_q + 9'd1;
      init_q <= init_idx_q != 9'(INIT_CYCLES - 1);
    end
  end

  // ---------------------------------------------------------------- pipeline registers
  logic [31:0] d_pc_q /* verilator public_flat_rd */;                    // of the next bundle in the queue
  logic d_fresh_q /* verilator public_flat_rd */;
  logic [2:0] d_off_q;
  logic refill_q;                         // the queue is empty because of a redirect

  typedef struct packed {
    logic        illegal;
    logic        fetch_fault;
    logic        commit;
    logic [5:0]  commit_n;
    logic        cat_en;
    logic [3:0]  cat;
    logic [2:0]  ops;
    logic [31:0] pc;
  } bundle_t;
  typedef struct packed {
    logic [31:0] next;
    logic [31:0] predicted;
  } path_t;

  logic i_valid_q, x_valid_q, m_valid_q, w_valid_q;
  logic [2:0] i_why_q, x_why_q, m_why_q;
  bundle_t i_bundle_q, x_bundle_q, m_bundle_q;
  path_t i_path_q, x_path_q, m_path_q;
  logic [4:0] i_lane_q, x_lane_q, m_lane_q, w_lane_q;
  uops_t i_uop_q;
  uops_t x_uop_q;
  uops_t m_uop_q;
  uops_t w_uop_q;
  lanes64_t i_imm_q;
  pair16_t i_mask_q;
  pair16_t x_mask_q;
  pair16_t m_mask_q;
  logic [31:0] i_target_q, x_target_q, m_target_q;
  logic [31:0] i_word_q, x_word_q, m_word_q;
  logic [1:0] x_slot_q, m_slot_q, w_slot_q;
  lanes64_t x_a_q;
  lanes64_t x_b_q;
  lanes64_t x_c_q;
  pair64_t x_imm_q;
  lanes64_t m_value_q;         // results; addresses of memory ops
  pair64_t m_data_q;              // of stores
  logic [63:0] m_ma_q [LANES_A];          // multiplier operands
  logic [63:0] m_mb_q [LANES_A];
  logic [63:0] m_ba_q, m_bb_q, m_bc_q;    // lane B's operands
  logic m_taken_q, m_interrupt_q;
  lanes64_t w_value_q;
  logic [4:0] w_mul_q;                    // lanes whose result the multiplier gives in W
  logic [LANES_A-1:0] w_vec_q;            // A lanes whose result is a packed product
  logic [LANES_A-1:0] w_fp_q;             // A lanes whose result the floating-point unit gives in W
  logic w_xf_q;                           // an op of unit X
  logic w_commit_q, w_rollback_q;

  logic redirect, m_done, m_trap, m_retire;
  logic [31:0] redirect_pc;

  // ---------------------------------------------------------------- F
  logic p_en, p_used, p_taken, p_jras, ic_en, ic_hit, ic_busy, ic_miss;
  logic [2:0] p_last;
  logic [31:0] p_target, ic_pc;
  quad64_t ic_data;
  queue_t q_data;
  quad3_t q_first;
  quad3_t q_last;
  logic [3:0] q_taken, q_fault;
  quad32_t q_target;
  logic [1:0] q_head;
  logic [2:0] q_count, q_pop;
  logic d_refetch, d_steer, d_ask, d_ask_taken, hold;
  logic [1:0] p_entry, d_entry;
  logic [2:0] d_steer_kind;
  logic [31:0] d_ask_target, d_predicted, d_next;
  logic [31:0] d_refetch_last, jras_top;
  logic u_en, u_taken, u_miss;
  logic [2:0] u_kind;
  logic [31:0] m_next, m_last;
  logic ic_flush, ic_line, ic_req, ic_fill, ic_prefetch, ic_drop;
  logic [31:6] ic_req_addr;
  line_t fill_line;
  logic l2_idle;

  duke_fetch fetch (
    .clk_i, .rst_ni, .init_i(init_q), .hold_i(hold), .dram_pages_i, .hidden_pages_i,
    .redirect_i(redirect), .redirect_pc_i(redirect_pc), .refetch_i(d_refetch || d_steer),
    .refetch_pc_i(d_steer ? d_predicted : d_pc_q),
    .p_en_o(p_en), .p_used_o(p_used), .p_entry_o(p_entry), .p_taken_i(p_taken), .p_last_i(p_last), .p_target_i(p_target),
    .ic_en_o(ic_en), .ic_pc_o(ic_pc), .ic_hit_i(ic_hit), .ic_busy_i(ic_busy), .ic_data_i(ic_data),
    .q_data_o(q_data), .q_first_o(q_first), .q_last_o(q_last), .q_taken_o(q_taken), .q_fault_o(q_fault),
    .q_target_o(q_target), .q_head_o(q_head), .q_count_o(q_count), .q_pop_i(q_pop)
  );

  duke_predict predict (
    .clk_i, .rst_ni,
    .f_en_i(p_en), .f_pc_i(ic_pc[31:2]), .f_used_i(p_used), .f_taken_o(p_taken), .f_last_o(p_last), .f_target_o(p_target),
    .f_entry_i(p_entry), .f_jras_o(p_jras), .jras_top_i(jras_top),
    .drop_i(d_refetch), .d_entry_i(d_entry), .d_last_i(d_refetch ? d_refetch_last[31:2] : d_last[31:2]),
    .ask_i(d_ask), .ask_taken_o(d_ask_taken), .ask_target_o(d_ask_target),
    .steer_i(d_steer), .steer_kind_i(d_steer_kind), .steer_target_i(d_predicted), .steer_next_i(d_next),
    .u_en_i(u_en), .u_last_i(m_last[31:2]), .u_kind_i(u_kind), .u_taken_i(u_taken), .u_miss_i(u_miss),
    .u_target_i(m_next), .u_next_i(m_path_q.next), .redirect_i(redirect)
  );
  assign m_last = m_path_q.next - 32'd4;

  duke_icache icache (
    .clk_i, .rst_ni, .init_i(init_q), .init_idx_i(init_idx_q),
    .en_i(ic_en), .window_i(ic_pc[31:5]), .hit_o(ic_hit), .data_o(ic_data), .busy_o(ic_busy), .flush_i(ic_flush), .line_i(ic_line),
    .line_addr_i(m_ba_q[31:6]),
    .req_o(ic_req), .prefetch_o(ic_prefetch), .req_addr_o(ic_req_addr), .fill_i(ic_fill), .drop_i(ic_drop),
    .fill_line_i(fill_line), .ev_miss_o(ic_miss)
  );

  // ---------------------------------------------------------------- D
  logic d_go, d_valid, d_fresh, d_illegal, d_fetch_fault, d_commit;
  logic [2:0] d_off, d_ops;
  logic [4:0] d_lane;
  uops_t d_uop;
  lanes64_t d_imm;
  pair16_t d_mask;
  logic [31:0] d_target, d_word, d_last;
  logic [5:0] d_commit_n;
  logic d_cat_en;
  logic [3:0] d_cat;

  duke_decode decode (
    .go_i(d_go), .pc_i(d_pc_q), .fresh_i(d_fresh_q), .off_i(d_off_q),
    .q_data_i(q_data), .q_first_i(q_first), .q_last_i(q_last), .q_taken_i(q_taken), .q_fault_i(q_fault),
    .q_target_i(q_target), .q_head_i(q_head), .q_count_i(q_count), .q_pop_o(q_pop), .fresh_o(d_fresh), .off_o(d_off),
    .valid_o(d_valid), .lane_valid_o(d_lane), .uop_o(d_uop), .imm_o(d_imm), .mask_o(d_mask), .target_o(d_target),
    .next_o(d_next), .predicted_o(d_predicted), .commit_o(d_commit), .commit_n_o(d_commit_n), .cat_en_o(d_cat_en), .cat_o(d_cat),
    .nops_o(d_ops), .illegal_o(d_illegal), .fetch_fault_o(d_fetch_fault), .word_o(d_word),
    .refetch_o(d_refetch), .refetch_last_o(d_refetch_last), .last_entry_o(d_entry), .ask_o(d_ask),
    .ask_taken_i(d_ask_taken), .ask_target_i(d_ask_target), .steer_o(d_steer), .steer_kind_o(d_steer_kind)
  );
  assign d_last = d_next - 32'd4;

  logic i_free, i_go, x_free, x_go, m_free;
  assign d_go = i_free && !redirect && q_count != 3'd0;

  logic [2:0] d_why;
  assign d_why = (refill_q && !ic_busy) ? REASON_BRANCH : REASON_ICACHE;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      d_pc_q <= 32'h4001_0000;
      d_fresh_q <= 1'b1;
      d_off_q <= '0;
      refill_q <= 1'b0;
      i_valid_q <= 1'b0;
      i_why_q <= REASON_SERIAL;
    end else begin
      if (redirect) begin
        d_pc_q <= redirect_pc;
        d_fresh_q <= 1'b1;
        refill_q <= 1'b1;
      end else if (d_refetch) begin
        d_fresh_q <= 1'b1;
        refill_q <= 1'b1;
      end else if (d_valid) begin
        d_pc_q <= d_predicted;
        d_fresh_q <= d_fresh || d_steer;
        d_off_q <= d_off;
        refill_q <= d_steer;
      end
      if (redirect) begin
        i_valid_q <= 1'b0;
        i_why_q <= REASON_BRANCH;
      end else if (i_free) begin
        i_valid_q <= d_valid;
        i_why_q <= init_q ? REASON_SERIAL : d_why;
      end
    end
    if (d_valid) begin
      i_bundle_q <= {d_illegal, d_fetch_fault, d_commit, d_commit_n, d_cat_en, d_cat, d_ops, d_pc_q};
      i_path_q <= {d_next, d_predicted};
      i_lane_q <= d_lane;
      i_uop_q <= d_uop;
      i_imm_q <= d_imm;
      i_mask_q <= d_mask;
      i_target_q <= d_target;
      i_word_q <= d_word;
    end
  end

  // ---------------------------------------------------------------- I
  lanes64_t i_a;
  lanes64_t i_b;
  lanes64_t i_c;
  logic [1:0] i_slot;
  logic [63:0] bank_r, bank_f;
  regfile_t file /* verilator public_flat_rd */;  // a public port would be a copy of it
  logic [4:0] x_writes, x_late, m_writes, m_late, w_writes;
  lanes64_t x_value;
  lanes64_t m_value;
  lanes64_t w_value;
  logic issued;
  lanes7_t w_reg;

  logic i_operands, i_xf, i_xf_wait;
  assign i_xf = UNITS_X87 && i_valid_q && i_lane_q[LANE_A0] && i_uop_q[LANE_A0].unit == UNIT_X;
  assign i_go = i_operands && !i_xf_wait;
  assign i_free = !i_valid_q || i_go;
  assign issued = i_go && !redirect;

  duke_issue issue (
    .clk_i, .rst_ni,
    .en_i(i_valid_q && x_free), .lane_i(i_lane_q), .uop_i(i_uop_q), .imm_i(i_imm_q), .go_o(i_operands), .slot_o(i_slot),
    .issued_i(issued), .a_o(i_a), .b_o(i_b), .c_o(i_c), .bank_r_i(bank_r), .bank_f_i(bank_f), .file_i(file),
    .x_slot_i(x_slot_q), .x_writes_i(x_writes), .x_late_i(x_late), .x_uop_i(x_uop_q), .x_value_i(x_value),
    .m_slot_i(m_slot_q), .m_writes_i(m_writes), .m_late_i(m_late), .m_uop_i(m_uop_q), .m_value_i(m_value),
    .w_slot_i(w_slot_q), .w_writes_i(w_writes), .w_uop_i(w_uop_q), .w_value_i(w_value)
  );

  duke_regs regs (
    .clk_i, .rst_ni, .init_i(init_q), .init_idx_i(init_idx_q), .bank_r_o(bank_r), .bank_f_o(bank_f), .file_o(file),
    .w_en_i(w_writes), .w_reg_i(w_reg), .w_value_i(w_value), .commit_i(w_valid_q && w_commit_q),
    .rollback_i(w_valid_q && w_rollback_q)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      x_valid_q <= 1'b0;
      x_why_q <= REASON_SERIAL;
    end else if (redirect) begin
      x_valid_q <= 1'b0;
      x_why_q <= REASON_BRANCH;
    end else if (x_free) begin
      x_valid_q <= i_go;
      x_why_q <= i_valid_q ? REASON_INTERLOCK : i_why_q;
    end
    if (issued) begin
      x_bundle_q <= i_bundle_q;
      x_path_q <= i_path_q;
      x_lane_q <= i_lane_q;
      x_uop_q <= i_uop_q;
      x_a_q <= i_a;
      x_b_q <= i_b;
      x_c_q <= i_c;
      x_imm_q[0] <= i_imm_q[0];
      x_imm_q[1] <= i_imm_q[1];
      x_mask_q <= i_mask_q;
      x_target_q <= i_target_q;
      x_word_q <= i_word_q;
      x_slot_q <= i_slot;
    end
  end

  // ---------------------------------------------------------------- X
  logic [LANES_A-1:0] div_en, div_done, fp_en, fp_wait;
  logic [63:0] div_result [LANES_A];
  logic xf_en, xf_wait;
  logic [15:0] xf_e;
  logic div_wait, x_take, x_taken;
  logic [31:0] x_target;

  // Which lanes' results exist only later. A divide waits in X, so its result is there when it leaves.
  always_comb begin
    x_writes = 5'd0;
    x_late = 5'd0;
    if (x_valid_q) begin
      for (int l = 0; l < LANES; l++) begin
        x_writes[l] = x_lane_q[l] && x_uop_q[l].wr;
        x_late[l] = x_uop_q[l].late;
      end
    end
  end

  always_comb begin
    div_en = '0;
    fp_en = '0;
    xf_en = 1'b0;
    if (x_valid_q) begin
      for (int l = 0; l < LANES_A; l++) begin
        if (x_lane_q[LANE_A0+l] && x_uop_q[LANE_A0+l].unit != UNIT_I) begin
          case (x_uop_q[LANE_A0+l].unit)
            UNIT_A: div_en[l] = !x_uop_q[LANE_A0+l].late;
            UNIT_F: fp_en[l] = x_uop_q[LANE_A0+l].late;
            UNIT_X: xf_en = UNITS_X87 && l == 0;
            default: ;
          endcase
        end
      end
    end
  end
  always_comb begin
    div_wait = xf_wait;
    if (div_en != '0 && (div_en & ~div_done) != '0) div_wait = 1'b1;
    if (fp_en != '0 && fp_wait != '0) div_wait = 1'b1;
  end
  for (genvar l = 0; l < LANES_A; l++) begin : g_div
    duke_div div (
      .clk_i, .rst_ni, .en_i(div_en[l]), .take_i(x_take), .code_i(x_uop_q[LANE_A0+l].code),
      .a_i(x_a_q[LANE_A0+l]), .b_i(x_b_q[LANE_A0+l]), .done_o(div_done[l]), .result_o(div_result[l])
    );
  end

  assign x_go = x_valid_q && m_free && !div_wait;
  assign x_free = !x_valid_q || x_go;
  assign x_take = x_go || redirect;

  // One ALU text for all lanes: a loop over the lanes in use.
  always_comb begin
    automatic logic [4:0] left;
    automatic logic [2:0] l;
    automatic uop_t u;
    x_value = '{default: '0};
    u = '0;
    left = x_valid_q ? x_lane_q : 5'd0;
    l = 3'd0;
    while (left != 5'd0) begin
      if (left[0]) begin
        u = x_uop_q[l];
        case (u.unit)
          UNIT_I: x_value[l] = alu(u.code, x_a_q[l], x_b_q[l], x_c_q[l], u.aux);
          UNIT_M: x_value[l] = x_a_q[l] + (x_b_q[l] << u.scale) + x_imm_q[l[0]];
          UNIT_A: x_value[l] = div_result[l[0] & (LANES_A > 1)];
          UNIT_F: x_value[l] = x_a_q[l];  // moves
          UNIT_X: x_value[l] = u.code == X_FMV_E ? {48'd0, xf_e} : x_a_q[l];  // moves
          UNIT_V: if (!u.late) x_value[l] = packed_value(u.code, x_a_q[l], x_b_q[l]);
          default: x_value[l] = {32'd0, x_path_q.next};
        endcase
      end
      left = left >> 1;
      l = l + 3'd1;
    end
  end

  always_comb begin
    x_taken = 1'b0;
    x_target = x_target_q;
    if (x_valid_q && x_lane_q[LANE_B]) begin
      case (x_uop_q[LANE_B].kind)
        KIND_BRANCH: x_taken = branch_cond(x_uop_q[LANE_B].code, x_a_q[LANE_B], x_b_q[LANE_B], x_uop_q[LANE_B].aux);
        KIND_JUMP, KIND_CALL: x_taken = 1'b1;
        KIND_JUMP_REG, KIND_CALL_REG, KIND_RET: begin
          x_taken = 1'b1;
          x_target = x_a_q[LANE_B][31:0];
        end
        default: ;
      endcase
    end
  end

  logic interrupt_next;
  assign m_free = !m_valid_q || m_done;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      m_valid_q <= 1'b0;
      m_why_q <= REASON_SERIAL;
      m_interrupt_q <= 1'b0;
    end else if (m_free) begin
      m_valid_q <= interrupt_next || (x_go && !redirect);
      m_interrupt_q <= interrupt_next;
      m_why_q <= redirect ? REASON_BRANCH : x_valid_q ? REASON_INTERLOCK : x_why_q;
    end
    if (interrupt_next) begin
      m_bundle_q <= {17'd0, m_next};
      m_lane_q <= '0;
    end else if (x_go && !redirect) begin
      m_bundle_q <= x_bundle_q;
      m_path_q <= x_path_q;
      m_lane_q <= x_lane_q;
      m_uop_q <= x_uop_q;
      m_value_q <= x_value;
      m_word_q <= x_word_q;
      m_slot_q <= x_slot_q;
      if (x_lane_q[0]) m_data_q[0] <= x_c_q[0];
      if (x_lane_q[1]) m_data_q[1] <= x_c_q[1];
      if (x_lane_q[1:0] != 2'd0) m_mask_q <= x_mask_q;
      if (x_lane_q[LANE_B]) begin
        m_ba_q <= x_a_q[LANE_B];
        m_bb_q <= x_b_q[LANE_B];
        m_bc_q <= x_c_q[LANE_B];
        m_target_q <= x_target;
        m_taken_q <= x_taken;
      end
      for (int l = 0; l < LANES_A; l++) begin
        if (x_lane_q[LANE_A0+l] && x_uop_q[LANE_A0+l].unit != UNIT_I && x_uop_q[LANE_A0+l].unit != UNIT_F) begin
          m_ma_q[l] <= x_a_q[LANE_A0+l];
          m_mb_q[l] <= x_b_q[LANE_A0+l];
        end
      end
    end
  end

  // ---------------------------------------------------------------- M
  logic [1:0] m_mem, m_load;
  logic wrap, user;
  logic lsu_done, lsu_trap;
  logic [2:0] lsu_why;
  logic [4:0] lsu_cause;
  logic [63:0] lsu_tval;
  logic [10:0] lsu_tinfo;
  pair64_t lsu_value;
  pair64_t lsu_va;
  pair32_t lsu_pa;
  logic [1:0] lsu_failed, forwards;
  logic [1:0] tlb_en, tlb_hit, dc_en, dc_next, dc_hit;
  pair_vpn_t tlb_vpn;
  pair32_t tlb_entry;
  pair64_t tlb_mask;
  pair_dw_t dc_addr;
  pair64_t dc_lo;
  pair64_t dc_hi;
  logic dc_busy;
  logic [1:0] sb_search, sb_check, sb_next, sb_gated, sb_committed;
  pair_dw_t sb_lo;
  pair_dw_t sb_hi;
  pair64_t sb_lo_mask;
  pair64_t sb_lo_data;
  pair64_t sb_hi_mask;
  pair64_t sb_hi_data;
  logic [7:0] sb_gated_count, sb_guest_count, sb_native_count;
  logic [3:0] sb_guest, sb_native;
  quad_dw_t sb_addr;
  quad8_t sb_bytes;
  quad64_t sb_data;
  logic [1:0] al_check, al_hit, al_write;
  logic al_clear;
  uop2_t m_mem_uop;
  pair64_t m_ea;
  pair2_t m_size;
  pair4_t m_entry;
  pair6_t m_rd;

  always_comb begin
    for (int l = 0; l < 2; l++) begin
      m_mem_uop[l] = m_uop_q[l];
      m_ea[l] = m_value_q[l];
      m_size[l] = m_uop_q[l].size;
      m_entry[l] = m_uop_q[l].aux;
      m_rd[l] = m_uop_q[l].rd[5:0];
      m_mem[l] = m_valid_q && m_lane_q[l] && m_uop_q[l].unit == UNIT_M;
      m_load[l] = m_mem[l] && m_uop_q[l].kind == KIND_LOAD;
    end
  end

  duke_lsu lsu (
    .clk_i, .rst_ni, .dram_pages_i, .hidden_pages_i, .store_buffer_i,
    .valid_i(m_mem != '0), .lane_i(m_mem), .uop_i(m_mem_uop), .ea_i(m_ea), .data_i(m_data_q),
    .wrap_i(wrap), .user_i(user), .retire_i(m_retire), .leave_i(m_done),
    .done_o(lsu_done), .why_o(lsu_why), .trap_o(lsu_trap), .cause_o(lsu_cause), .tval_o(lsu_tval),
    .tinfo_o(lsu_tinfo), .value_o(lsu_value), .failed_o(lsu_failed), .va_o(lsu_va), .pa_o(lsu_pa),
    .tlb_en_o(tlb_en), .tlb_vpn_o(tlb_vpn), .tlb_hit_i(tlb_hit), .tlb_entry_i(tlb_entry), .tlb_mask_i(tlb_mask),
    .dc_en_o(dc_en), .dc_addr_o(dc_addr), .dc_next_o(dc_next), .dc_hit_i(dc_hit), .dc_lo_i(dc_lo), .dc_hi_i(dc_hi),
    .dc_busy_i(dc_busy),
    .sb_search_o(sb_search), .sb_check_o(sb_check), .sb_next_o(sb_next), .sb_lo_o(sb_lo), .sb_hi_o(sb_hi),
    .sb_lo_mask_i(sb_lo_mask), .sb_lo_data_i(sb_lo_data), .sb_hi_mask_i(sb_hi_mask), .sb_hi_data_i(sb_hi_data),
    .sb_gated_i(sb_gated), .sb_committed_i(sb_committed), .sb_gated_count_i(sb_gated_count),
    .sb_guest_count_i(sb_guest_count), .sb_native_count_i(sb_native_count),
    .sb_guest_o(sb_guest), .sb_native_o(sb_native), .sb_addr_o(sb_addr), .sb_mask_o(sb_bytes), .sb_data_o(sb_data),
    .al_check_o(al_check), .al_hit_i(al_hit), .ev_forward_o(forwards)
  );

  logic tlb_write, tlb_inval, tlb_flush;
  duke_tlb tlb (
    .clk_i, .rst_ni, .init_i(init_q), .init_idx_i(init_idx_q),
    .en_i(tlb_en), .vpn_i(tlb_vpn), .hit_o(tlb_hit), .entry_o(tlb_entry), .mask_o(tlb_mask),
    .write_i(tlb_write), .inval_i(tlb_inval), .flush_i(tlb_flush),
    .op_vpn_i({wrap ? 32'd0 : m_ba_q[63:32], m_ba_q[31:12]}), .op_entry_i(m_bb_q[31:0]), .op_mask_i(m_bc_q)
  );

  always_comb begin
    for (int l = 0; l < 2; l++) al_write[l] = m_retire && m_load[l] && m_uop_q[l].spec == SPEC_PROTECT;
  end
  duke_alias alias_table (
    .clk_i, .rst_ni, .c_en_i(al_check), .addr_i(lsu_va), .size_i(m_size), .mask_i(m_mask_q), .hit_o(al_hit),
    .w_en_i(al_write), .w_entry_i(m_entry), .clear_i(al_clear), .end_i(commit || rollback)
  );

  logic commit, rollback;
  logic dr_en, dr_done, dr_go;
  logic [31:3] dr_addr;
  logic [7:0] dr_bytes;
  logic [63:0] dr_data;
  // The write port is free unless every memory lane reads.
  assign dr_go = !init_q && dc_en[LANES_M-1:0] != '1;
  duke_storebuf storebuf (
    .clk_i, .rst_ni, .s_en_i(sb_search), .s_next_i(sb_next), .s_lo_i(sb_lo), .s_hi_i(sb_hi),
    .s_lo_mask_o(sb_lo_mask), .s_lo_data_o(sb_lo_data), .s_hi_mask_o(sb_hi_mask), .s_hi_data_o(sb_hi_data),
    .c_en_i(sb_check), .c_gated_o(sb_gated), .c_committed_o(sb_committed),
    .a_guest_i(sb_guest), .a_native_i(sb_native), .a_addr_i(sb_addr), .a_mask_i(sb_bytes), .a_data_i(sb_data),
    .commit_i(commit), .rollback_i(rollback),
    .d_en_o(dr_en), .d_addr_o(dr_addr), .d_mask_o(dr_bytes), .d_data_o(dr_data), .d_go_i(dr_go), .d_done_i(dr_done),
    .gated_o(sb_gated_count), .guest_o(sb_guest_count), .native_o(sb_native_count)
  );

  logic dc_req, dc_fill, dc_wb, dc_snoop, dc_miss;
  logic [31:6] dc_req_addr, dc_wb_addr, dc_snoop_addr;
  line_t dc_wb_line;
  duke_dcache dcache (
    .clk_i, .rst_ni, .init_i(init_q), .init_idx_i(init_idx_q),
    .rd_en_i(dc_en), .rd_addr_i(dc_addr), .rd_next_i(dc_next), .rd_hit_o(dc_hit), .rd_lo_o(dc_lo), .rd_hi_o(dc_hi),
    .miss_busy_o(dc_busy), .wr_en_i(dr_en), .wr_addr_i(dr_addr), .wr_mask_i(dr_bytes), .wr_data_i(dr_data),
    .wr_done_o(dr_done), .req_o(dc_req), .req_addr_o(dc_req_addr), .fill_i(dc_fill), .fill_line_i(fill_line),
    .wb_o(dc_wb), .wb_addr_o(dc_wb_addr), .wb_line_o(dc_wb_line), .snoop_i(dc_snoop), .snoop_addr_i(dc_snoop_addr),
    .ev_miss_o(dc_miss)
  );

  logic l2_access, l2_miss, l2_writeback;
  duke_l2 l2 (
    .clk_i, .rst_ni, .init_i(init_q), .init_idx_i(init_idx_q), .host_i,
    .d_req_i(dc_req), .d_addr_i(dc_req_addr), .d_fill_o(dc_fill), .d_wb_i(dc_wb), .d_wb_addr_i(dc_wb_addr),
    .d_wb_line_i(dc_wb_line), .d_snoop_o(dc_snoop), .d_snoop_addr_o(dc_snoop_addr),
    .i_req_i(ic_req), .i_prefetch_i(ic_prefetch), .i_addr_i(ic_req_addr), .i_fill_o(ic_fill), .i_drop_o(ic_drop),
    .fill_line_o(fill_line), .idle_o(l2_idle),
    .ev_access_o(l2_access), .ev_miss_o(l2_miss), .ev_writeback_o(l2_writeback)
  );

  logic ind_en, ind_hit, ind_ras_hit, ind_itc_used;
  logic [31:0] ind_native;
  logic itc_write, itc_flush, ras_push, ras_pop;
  duke_indirect indirect (
    .clk_i, .rst_ni, .init_i(init_q), .init_idx_i(init_idx_q),
    .en_i(ind_en), .jras_i(m_uop_q[LANE_B].kind == KIND_JRAS), .guest_i(m_ba_q),
    .hit_o(ind_hit), .native_o(ind_native), .ras_hit_o(ind_ras_hit), .itc_used_o(ind_itc_used),
    .pop_i(ras_pop), .push_i(ras_push), .write_i(itc_write), .flush_i(itc_flush),
    .fetched_i(p_used && p_jras), .redirect_i(redirect),
    .op_native_i(ras_push ? m_target_q : m_bb_q[31:0]), .top_native_o(jras_top)
  );

  logic [2:0] m_why;
  logic [1:0] spec_ok;
  logic [LANES_A-1:0] m_mul, m_fp, m_vec, m_a_late;
  logic m_xf, w_xf_late, xf_c1_en, xf_c1;
  logic [5:0] xf_flags;
  logic [15:0] w_e;
  logic [5:0] fp_flags;
  logic [30:0] fcsr;
  logic [4:0] cause;
  logic [63:0] tval, rdcr_value, seq;
  logic [3:0] cat;
  logic double_fault_now;
  logic [31:0] dead_pc;
  duke_ctrl ctrl (
    .clk_i, .rst_ni, .irq_i, .resume_i, .start_i, .start_pc_i,
    .valid_i(m_valid_q), .illegal_i(m_bundle_q.illegal), .fetch_fault_i(m_bundle_q.fetch_fault),
    .interrupt_i(m_interrupt_q), .pc_i(m_bundle_q.pc), .next_i(m_path_q.next), .predicted_i(m_path_q.predicted),
    .word_i(m_word_q), .commit_i(m_bundle_q.commit), .commit_n_i(m_bundle_q.commit_n), .cat_en_i(m_bundle_q.cat_en),
    .cat_i(m_bundle_q.cat),
    .b_valid_i(m_lane_q[LANE_B]), .b_uop_i(m_uop_q[LANE_B]), .b_a_i(m_ba_q), .b_b_i(m_bb_q), .b_taken_i(m_taken_q),
    .b_target_i(m_target_q),
    .lsu_done_i(lsu_done), .lsu_why_i(lsu_why), .lsu_trap_i(lsu_trap), .lsu_cause_i(lsu_cause), .lsu_tval_i(lsu_tval),
    .lsu_tinfo_i(lsu_tinfo), .poison_set_i(lsu_failed), .poison_clear_i(spec_ok), .poison_reg_i(m_rd),
    .fp_flags_i(fp_flags), .xf_en_i(w_xf_late), .xf_flags_i(xf_flags), .xf_c1_en_i(xf_c1_en), .xf_c1_i(xf_c1),
    .w_commit_i(w_valid_q && w_commit_q),
    .w_rollback_i(w_valid_q && w_rollback_q),
    .fcsr_o(fcsr), .gated_i(sb_gated_count), .drained_i(sb_guest_count == sb_gated_count && sb_native_count == '0),
    .ind_en_o(ind_en), .ind_hit_i(ind_hit), .ind_native_i(ind_native),
    .done_o(m_done), .trap_o(m_trap), .retire_o(m_retire), .why_o(m_why), .redirect_o(redirect),
    .redirect_pc_o(redirect_pc), .next_o(m_next), .cause_o(cause), .tval_o(tval), .interrupt_next_o(interrupt_next),
    .commit_o(commit), .rollback_o(rollback),
    .u_en_o(u_en), .u_kind_o(u_kind), .u_taken_o(u_taken), .u_miss_o(u_miss),
    .tlb_write_o(tlb_write), .tlb_inval_o(tlb_inval), .tlb_flush_o(tlb_flush), .itc_write_o(itc_write),
    .itc_flush_o(itc_flush), .ras_push_o(ras_push), .ras_pop_o(ras_pop), .icache_flush_o(ic_flush),
    .icache_line_o(ic_line),
    .alias_clear_o(al_clear), .rdcr_value_o(rdcr_value),
    .wrap_o(wrap), .user_o(user), .cat_o(cat),
    .double_fault_now_o(double_fault_now), .seq_o(seq), .hold_o(hold), .stopped_o, .double_fault_o, .double_fault_pc_o(dead_pc),
    .l2_idle_i(l2_idle), .hcall_o
  );
  assign pc_o = double_fault_o ? dead_pc : m_valid_q ? m_bundle_q.pc : x_valid_q ? x_bundle_q.pc : i_valid_q ? i_bundle_q.pc : d_pc_q;

  always_comb begin
    m_writes = 5'd0;
    m_late = 5'd0;
    m_value = m_value_q;
    for (int l = 0; l < 2; l++) begin
      spec_ok[l] = m_load[l] && m_uop_q[l].spec == SPEC_SPECULATIVE && !lsu_failed[l];
      if (m_load[l]) m_value[l] = lsu_value[l];
    end
    if (m_valid_q) begin
      for (int l = 0; l < LANES; l++) m_writes[l] = m_lane_q[l] && m_uop_q[l].wr;
      for (int l = 0; l < 2; l++) m_late[l] = m_load[l] && !m_done;
      for (int l = 0; l < LANES_A; l++) m_late[LANE_A0+l] = m_a_late[l];
      if (m_lane_q[LANE_B] && m_uop_q[LANE_B].kind == KIND_RDCR) m_value[LANE_B] = rdcr_value;
    end
  end

  always_comb begin
    m_mul = '0;
    m_vec = '0;
    m_fp = '0;
    m_xf = 1'b0;
    m_a_late = '0;
    if (m_valid_q) begin
      for (int l = 0; l < LANES_A; l++) begin
        if (m_lane_q[LANE_A0+l] && m_uop_q[LANE_A0+l].unit != UNIT_I) begin
          m_a_late[l] = m_uop_q[LANE_A0+l].late;
          case (m_uop_q[LANE_A0+l].unit)
            UNIT_A: m_mul[l] = m_a_late[l];
            UNIT_V: m_vec[l] = m_a_late[l];
            UNIT_F: m_fp[l] = m_a_late[l];
            UNIT_X: m_xf = UNITS_X87 && l == 0;
            default: ;
          endcase
        end
      end
    end
  end

  // ---------------------------------------------------------------- W
  logic [63:0] mul_value [LANES_A];
  for (genvar l = 0; l < LANES_A; l++) begin : g_mul
    duke_mul mul (
      .clk_i, .m_en_i(m_mul[l] && m_done), .m_code_i(m_uop_q[LANE_A0+l].code), .m_a_i(m_ma_q[l]), .m_b_i(m_mb_q[l]),
      .w_en_i(w_mul_q[LANE_A0+l]), .w_value_o(mul_value[l])
    );
  end

  // Packed products.
  logic [63:0] vec_value_q [LANES_A];
  always_ff @(posedge clk_i) begin
    for (int l = 0; l < LANES_A; l++)
      if (m_vec[l] && m_done) vec_value_q[l] <= packed_product(m_uop_q[LANE_A0+l].code, m_ma_q[l], m_mb_q[l]);
  end

  // Extended precision.
  logic [63:0] xf_value;
  duke_xfpu xfpu (
    .clk_i, .rst_ni, .init_i(init_q), .init_idx_i(init_idx_q),
    .i_en_i(i_xf), .i_go_i(i_xf && issued), .i_ra_i(i_uop_q[LANE_A0].ra), .i_rb_i(i_uop_q[LANE_A0].rb), .i_wait_o(i_xf_wait),
    .x_en_i(xf_en), .x_take_i(x_take), .x_go_i(x_go), .x_uop_i(x_uop_q[LANE_A0]), .x_a_i(x_a_q[LANE_A0]),
    .x_b_i(x_b_q[LANE_A0]), .x_wait_o(xf_wait), .x_e_o(xf_e),
    .m_en_i(m_xf), .m_done_i(m_done), .m_uop_i(m_uop_q[LANE_A0]), .m_a_i(m_ma_q[0]), .m_b_i(m_mb_q[0]),
    .mode_i(fcsr[19:16]),
    .w_en_i(w_xf_q), .w_uop_i(w_uop_q[LANE_A0]), .commit_i(w_valid_q && w_commit_q), .rollback_i(w_valid_q && w_rollback_q),
    .w_late_o(w_xf_late), .w_value_o(xf_value), .w_e_o(w_e), .w_flags_o(xf_flags), .w_c1_en_o(xf_c1_en), .w_c1_o(xf_c1)
  );

  logic [63:0] fp_value [LANES_A];
  logic [5:0] lane_flags [LANES_A];
  if (UNITS_FP) begin : g_fp
    for (genvar l = 0; l < LANES_A; l++) begin : g_lane
      logic [63:0] low_value, upper_value;
      logic [5:0] low_flags, upper_flags;
      logic low_wait, upper_wait, pair, m_pair, w_pair_q;
      duke_fpu fpu (
        .clk_i, .rst_ni, .x_en_i(fp_en[l]), .x_take_i(x_take), .x_code_i(x_uop_q[LANE_A0+l].code),
        .x_a_i(x_a_q[LANE_A0+l]), .x_b_i(x_b_q[LANE_A0+l]), .x_c_i(x_c_q[LANE_A0+l]), .x_wait_o(low_wait),
        .m_en_i(m_fp[l] && m_done), .fcsr_i(fcsr[13:0]),
        .w_en_i(w_fp_q[l]), .w_value_o(low_value), .w_flags_o(low_flags)
      );
      // The upper single of a pair.
      always_comb begin
        pair = 1'b0;
        if (fp_en[l]) pair = is_pair(x_uop_q[LANE_A0+l].code);
        m_pair = 1'b0;
        if (m_fp[l]) m_pair = is_pair(m_uop_q[LANE_A0+l].code);
      end
      assign fp_wait[l] = low_wait || upper_wait;
      duke_fpu upper (
        .clk_i, .rst_ni, .x_en_i(pair), .x_take_i(x_take), .x_code_i(x_uop_q[LANE_A0+l].code),
        .x_a_i({32'd0, x_a_q[LANE_A0+l][63:32]}), .x_b_i({32'd0, x_b_q[LANE_A0+l][63:32]}), .x_c_i('0), .x_wait_o(upper_wait),
        .m_en_i(m_pair && m_done), .fcsr_i(fcsr[13:0]),
        .w_en_i(w_pair_q), .w_value_o(upper_value), .w_flags_o(upper_flags)
      );
      always_comb begin
        fp_value[l] = '0;
        lane_flags[l] = '0;
        if (w_fp_q[l]) begin
          fp_value[l] = low_value;
          lane_flags[l] = low_flags;
          if (w_pair_q) begin
            fp_value[l][63:32] = upper_value[31:0];
            lane_flags[l] = low_flags | upper_flags;
          end
        end
      end
      always_ff @(posedge clk_i) w_pair_q <= rst_ni && m_retire && m_pair;
    end
  end else begin : g_no_fp
    assign fp_wait = '0;
    assign fp_value = '{default: '0};
    assign lane_flags = '{default: '0};
  end
  always_comb begin
    fp_flags = '0;
    if (w_fp_q != '0) for (int l = 0; l < LANES_A; l++) if (w_fp_q[l]) fp_flags = fp_flags | lane_flags[l];
  end

  always_comb begin
    w_writes = 5'd0;
    w_value = w_value_q;
    for (int l = 0; l < LANES; l++) begin
      w_reg[l] = w_uop_q[l].rd;
      if (w_valid_q) w_writes[l] = w_lane_q[l] && w_uop_q[l].wr;
    end
    for (int l = 0; l < LANES_A; l++) if (w_mul_q[LANE_A0+l]) w_value[LANE_A0+l] = mul_value[l];
    if (w_vec_q != '0) for (int l = 0; l < LANES_A; l++) if (w_vec_q[l]) w_value[LANE_A0+l] = vec_value_q[l];
    if (w_fp_q != '0) for (int l = 0; l < LANES_A; l++) if (w_fp_q[l]) w_value[LANE_A0+l] = fp_value[l];
    if (w_xf_late) w_value[LANE_A0] = xf_value;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      w_valid_q <= 1'b0;
      w_mul_q <= '0;
      w_fp_q <= '0;
      w_vec_q <= '0;
      w_xf_q <= 1'b0;
    end else begin
      w_valid_q <= m_retire;
      w_fp_q <= m_retire ? m_fp : '0;
      w_vec_q <= m_retire ? m_vec : '0;
      w_xf_q <= m_retire && m_xf;
      w_mul_q <= '0;
      if (m_retire) for (int l = 0; l < LANES_A; l++) w_mul_q[LANE_A0+l] <= m_mul[l];
    end
    if (m_retire) begin
      w_lane_q <= m_lane_q;
      w_uop_q <= m_uop_q;
      w_value_q <= m_value;
      w_slot_q <= m_slot_q;
      w_commit_q <= commit;
      w_rollback_q <= rollback;
    end
  end

  // ---------------------------------------------------------------- records and counters
  duke_commit_port commit_port (
    .clk_i, .rst_ni, .host_i, .record_i,
    .m_done_i(m_done && !double_fault_now), .m_trap_i(m_trap), .m_seq_i(seq), .m_pc_i(m_bundle_q.pc), .m_next_i(m_next),
    .m_cause_i(cause), .m_tval_i(tval), .m_commit_i(commit), .m_rollback_i(rollback),
    .m_hcall_i(m_retire && m_lane_q[LANE_B] && m_uop_q[LANE_B].kind == KIND_HCALL),
    .m_store_i(m_mem & ~m_load), .m_mem_uop_i(m_mem_uop), .m_pa_i(lsu_pa), .m_data_i(m_data_q),
    .w_writes_i(w_writes), .w_uop_i(w_uop_q), .w_value_i(w_value),
    .w_wre_i(w_xf_q && X_WRITES_E[w_uop_q[LANE_A0].code]), .w_e_i(w_e)
  );

  duke_perf perf (
    .clk_i, .rst_ni, .cat_i(cat > CAT_TRANSLATE3 ? CAT_BOOT : cat), .reason_i(m_valid_q ? m_why : m_why_q),
    .done_i(m_done), .trap_i(m_trap), .cause_i(cause), .ops_i(m_bundle_q.ops), .commit_i(commit), .rollback_i(rollback),
    .loads_i(m_load), .stores_i(m_mem & ~m_load), .branch_i(u_en), .taken_i(u_taken), .mispredict_i(u_miss),
    .jras_i(ras_pop), .ras_hit_i(ind_ras_hit), .itc_used_i(ind_itc_used), .itc_hit_i(ind_itc_used && ind_hit),
    .forwards_i(forwards),
    .l1i_access_i(p_en || ic_miss), .l1i_miss_i(ic_miss),
    .l1d_access_i((dc_en & ~dc_hit) == '0 ? dc_en : '0), .l1d_write_i(dr_done), .l1d_miss_i(dc_miss),
    .l1d_writeback_i(dc_wb), .l2_access_i(l2_access), .l2_miss_i(l2_miss), .l2_writeback_i(l2_writeback)
  );
endmodule
