// M: retirement. Decides whether the bundle in M completes, traps, where execution goes on, and whether that was predicted; keeps
// the control registers. All architectural effects but register writes (W) happen when a bundle leaves M, so traps are precise
// and system ops need no serialization, save those that change what younger bundles have already read: they redirect.
module duke_ctrl
  import duke_isa_pkg::*;
  import duke_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        irq_i,
  input  logic        resume_i,           // go on after a host call
  input  logic        start_i,            // while stopped: forget all translations and go to start_pc_i
  input  logic [31:0] start_pc_i,

  // Bundle in M
  input  logic        valid_i,
  input  logic        illegal_i,
  input  logic        fetch_fault_i,
  input  logic        interrupt_i,        // not a bundle: the interrupt that follows a commit
  input  logic [31:0] pc_i,
  input  logic [31:0] next_i,
  input  logic [31:0] predicted_i,
  input  logic [31:0] word_i,
  input  logic        commit_i,
  input  logic [5:0]  commit_n_i,
  input  logic        cat_en_i,           // op cat
  input  logic [3:0]  cat_i,
  input  logic        b_valid_i,          // an op in lane B
  input  uop_t        b_uop_i,
  input  logic [63:0] b_a_i,
  input  logic [63:0] b_b_i,
  input  logic        b_taken_i,          // for all but jitc and jras
  input  logic [31:0] b_target_i,

  // LSU and buffers
  input  logic        lsu_done_i,
  input  logic [2:0]  lsu_why_i,
  input  logic        lsu_trap_i,
  input  logic [4:0]  lsu_cause_i,
  input  logic [63:0] lsu_tval_i,
  input  logic [10:0] lsu_tinfo_i,
  input  logic [1:0]  poison_set_i,       // by lane
  input  logic [1:0]  poison_clear_i,
  input  pair6_t      poison_reg_i,
  input  logic [5:0]  fp_flags_i,         // of ops in W
  input  logic        xf_en_i,            // an op of unit X in W: its flags and C1
  input  logic [5:0]  xf_flags_i,
  input  logic        xf_c1_en_i,
  input  logic        xf_c1_i,
  input  logic        w_commit_i,         // the bundle in W commits
  input  logic        w_rollback_i,
  output logic [30:0] fcsr_o,             // modes for ops in M
  input  logic [7:0]  gated_i,
  input  logic        drained_i,          // no store is waiting to reach the cache

  // Indirect targets
  output logic        ind_en_o,
  input  logic        ind_hit_i,
  input  logic [31:0] ind_native_i,

  // Decision
  output logic        done_o,             // the bundle leaves M
  output logic        trap_o,
  output logic        retire_o,           // it leaves with its effects
  output logic [2:0]  why_o,              // REASON_* of this cycle if a bundle is in M
  output logic        redirect_o,
  output logic [31:0] redirect_pc_o,
  output logic [31:0] next_o,             // of the record
  output logic [4:0]  cause_o,
  output logic [63:0] tval_o,
  output logic        interrupt_next_o,   // the next thing in M is the interrupt
  output logic        commit_o,
  output logic        rollback_o,

  // Branch training
  output logic        u_en_o,
  output logic [2:0]  u_kind_o,
  output logic        u_taken_o,
  output logic        u_miss_o,

  // System ops of a retiring bundle; their operands are b_a_i, b_b_i
  output logic        tlb_write_o,
  output logic        tlb_inval_o,
  output logic        tlb_flush_o,
  output logic        itc_write_o,
  output logic        itc_flush_o,
  output logic        ras_push_o,
  output logic        ras_pop_o,
  output logic        icache_flush_o,
  output logic        icache_line_o,  // of the address in b_a_i
  output logic        alias_clear_o,
  output logic [63:0] rdcr_value_o,

  // State that others use
  output logic        wrap_o,
  output logic        user_o,
  output logic [3:0]  cat_o,
  output logic        double_fault_now_o, // this trap is no record
  output logic [63:0] seq_o,              // of the next record
  output logic        hold_o,             // do not fetch
  output logic        stopped_o,          // a host call has retired
  output logic        double_fault_o,
  output logic [31:0] double_fault_pc_o,
  input  logic        l2_idle_i,  // the host must not write memory while a line is on its way
  output logic [31:0] hcall_o
);
  logic [63:0] cr_q [32] /* verilator public_flat_rd */;
  logic [30:0] shadow_fcsr_q /* verilator public_flat_rd */;  // fcsr as of the last commit
  logic in_trap_q /* verilator public_flat_rd */;
  logic [63:0] cycle_q /* verilator public_flat_rd */;
  logic [63:0] bundles_q /* verilator public_flat_rd */;
  logic [63:0] traps_q /* verilator public_flat_rd */;
  logic halted_q, halted2_q, dead_q;
  logic [31:0] hcall_q, dead_pc_q;

  assign wrap_o = cr_q[CR_GCTL[4:0]][0];
  assign user_o = cr_q[CR_GCTL[4:0]][1];
  assign fcsr_o = cr_q[CR_FCSR[4:0]][30:0];
  assign cat_o = cr_q[CR_CAT[4:0]][3:0];
  assign seq_o = bundles_q + traps_q;
  assign hold_o = halted_q || dead_q;
  assign stopped_o = halted2_q;
  assign double_fault_o = dead_q;
  assign double_fault_pc_o = dead_pc_q;
  assign hcall_o = hcall_q;

  logic [4:0] kind;
  assign kind = b_uop_i.kind;
  assign ind_en_o = valid_i && b_valid_i && (kind == KIND_JITC || kind == KIND_JRAS);

  // Traps
  logic b_trap, sys_wait, drain_op;
  logic [4:0] b_cause;
  logic [63:0] b_tval;
  always_comb begin
    b_trap = 1'b0;
    b_cause = TRAP_SOFT;
    b_tval = b_b_i;
    drain_op = 1'b0;
    if (valid_i && b_valid_i) begin
      case (kind)
        KIND_CHKS: begin
          b_trap = cr_q[CR_POISON[4:0]][b_uop_i.ra[5:0]];
          b_cause = TRAP_POISON;
          b_tval = {58'd0, b_uop_i.ra[5:0]};
        end
        KIND_TRAP: b_trap = 1'b1;
        KIND_HCALL: begin
          b_trap = gated_i != '0;
          b_cause = TRAP_ILLEGAL;
          b_tval = {32'd0, word_i};
          drain_op = 1'b1;
        end
        KIND_ICACHE_FLUSH, KIND_ICACHE_LINE: drain_op = 1'b1;
        default: ;
      endcase
    end
    sys_wait = drain_op && !b_trap && !drained_i;
  end

  logic [10:0] tinfo;
  always_comb begin
    done_o = 1'b0;
    trap_o = 1'b0;
    cause_o = '0;
    tval_o = '0;
    tinfo = '0;
    why_o = sys_wait ? REASON_SERIAL : lsu_why_i;
    if (valid_i) begin
      if (illegal_i || fetch_fault_i || interrupt_i) begin
        done_o = 1'b1;
        trap_o = 1'b1;
        cause_o = illegal_i ? TRAP_ILLEGAL : fetch_fault_i ? TRAP_FETCH : TRAP_INTERRUPT;
        tval_o = {32'd0, illegal_i ? word_i : fetch_fault_i ? pc_i : 32'd0};
      end else if (lsu_done_i && !sys_wait) begin
        done_o = 1'b1;
        if (lsu_trap_i && !(b_trap && b_uop_i.pos < lsu_tinfo_i[10:8])) begin
          trap_o = 1'b1;
          cause_o = lsu_cause_i;
          tval_o = lsu_tval_i;
          tinfo = lsu_tinfo_i;
        end else if (b_trap) begin
          trap_o = 1'b1;
          cause_o = b_cause;
          tval_o = b_tval;
          tinfo = (b_cause == TRAP_ILLEGAL) ? '0 : {b_uop_i.pos, 8'd0};
        end
      end
      if (done_o) why_o = trap_o ? REASON_BRANCH : REASON_ISSUE;
    end
    retire_o = done_o && !trap_o;
  end

  // Where execution goes on
  logic [63:0] icount;
  logic flush;
  assign icount = cr_q[CR_ICOUNT[4:0]] + {58'd0, commit_n_i};
  always_comb begin
    automatic logic taken;
    automatic logic [31:0] target;
    u_en_o = 1'b0;
    u_kind_o = PK_COND;
    u_taken_o = 1'b0;
    u_miss_o = 1'b0;
    redirect_o = 1'b0;
    next_o = next_i;
    flush = 1'b0;
    taken = 1'b0;
    target = b_target_i;
    interrupt_next_o = 1'b0;
    if (trap_o) begin
      next_o = cr_q[CR_TVEC[4:0]][31:0] + {20'd0, cause_o, 7'd0};
      redirect_o = 1'b1;
    end else if (done_o) begin
      if (b_valid_i) begin
        taken = b_taken_i;
        case (kind)
          KIND_BRANCH: u_en_o = 1'b1;
          KIND_JUMP, KIND_JUMP_REG: begin
            u_en_o = 1'b1;
            u_kind_o = (kind == KIND_JUMP) ? PK_JUMP : PK_INDIRECT;
          end
          KIND_CALL, KIND_CALL_REG: begin
            u_en_o = 1'b1;
            u_kind_o = (kind == KIND_CALL) ? PK_CALL : PK_ICALL;
          end
          KIND_RET: begin
            u_en_o = 1'b1;
            u_kind_o = PK_RET;
          end
          KIND_JITC, KIND_JRAS: begin
            u_en_o = 1'b1;
            u_kind_o = (kind == KIND_JITC) ? PK_INDIRECT : PK_JRAS;
            taken = ind_hit_i;
            target = ind_native_i;
          end
          KIND_RFE: begin
            taken = 1'b1;
            target = cr_q[CR_TPC[4:0]][31:0];
          end
          KIND_HCALL, KIND_ICACHE_FLUSH, KIND_ICACHE_LINE, KIND_ROLLBACK: flush = 1'b1;
          default: ;
        endcase
        if (taken) next_o = target;
      end
      u_taken_o = taken;
      u_miss_o = next_o != predicted_i;
      interrupt_next_o = commit_i && !in_trap_q && (irq_i || icount >= cr_q[CR_ILIMIT[4:0]]);
      redirect_o = u_miss_o || flush || interrupt_next_o;
    end
    redirect_pc_o = next_o;
    if (start_i) begin
      redirect_o = 1'b1;
      redirect_pc_o = start_pc_i;
    end
  end

  assign commit_o = retire_o && commit_i;
  logic sys;
  assign sys = retire_o && b_valid_i;
  assign rollback_o = sys && kind == KIND_ROLLBACK;
  assign tlb_write_o = sys && kind == KIND_TLB_WRITE;
  assign tlb_inval_o = sys && kind == KIND_TLB_INVAL;
  assign tlb_flush_o = start_i || (sys && kind == KIND_TLB_FLUSH);
  assign itc_write_o = sys && kind == KIND_ITC_WRITE;
  assign itc_flush_o = start_i || (sys && kind == KIND_ITC_FLUSH);
  assign ras_push_o = sys && kind == KIND_RAS_PUSH;
  assign ras_pop_o = sys && kind == KIND_JRAS;
  assign icache_flush_o = start_i || (sys && kind == KIND_ICACHE_FLUSH);
  assign icache_line_o = sys && kind == KIND_ICACHE_LINE;
  assign alias_clear_o = start_i || (sys && kind == KIND_ALIAS_CLEAR);

  // fcsr with the flags of the ops in W.
  function automatic logic [30:0] fcsr();
    logic [30:0] v;
    v = cr_q[CR_FCSR[4:0]][30:0];
    v[13:8] = v[13:8] | fp_flags_i;
    if (xf_en_i) v[29:24] = v[29:24] | xf_flags_i;
    if (xf_c1_en_i) v[30] = xf_c1_i;
    return v;
  endfunction

  // Control registers
  logic [5:0] number;
  assign number = b_b_i[5:0];
  always_comb begin
    rdcr_value_o = '0;
    if (valid_i && b_valid_i && kind == KIND_RDCR && !number[5]) begin
      case (number)
        CR_STATUS: rdcr_value_o = {48'd0, gated_i, 7'd0, in_trap_q};
        CR_CYCLE: rdcr_value_o = cycle_q;
        CR_BUNDLES: rdcr_value_o = bundles_q;
        CR_MACHID: rdcr_value_o = 64'(MACHINE_ID);
        CR_FCSR: rdcr_value_o = {33'd0, fcsr()};
        default: rdcr_value_o = cr_q[number[4:0]];
      endcase
    end
  end

  logic cr_we;
  logic [63:0] cr_wd;
  always_comb begin
    cr_we = sys && kind == KIND_WRCR;
    cr_wd = b_a_i;
    if (cr_we) begin
      case (number)
        CR_TVEC: cr_wd = {32'd0, b_a_i[31:7], 7'd0};
        CR_TPC, CR_CPC: cr_wd = {32'd0, b_a_i[31:0]};
        CR_TCAUSE: cr_wd = {59'd0, b_a_i[4:0]};
        CR_TINFO: cr_wd = {53'd0, b_a_i[10:0]};
        CR_GCTL: cr_wd = {62'd0, b_a_i[1:0]};
        CR_CAT, CR_SCAT: cr_wd = {60'd0, b_a_i[3:0]};
        CR_FCSR: cr_wd = {33'd0, b_a_i[30:24], 4'd0, b_a_i[19:16], 2'd0, b_a_i[13:0]};
        CR_TVAL, CR_SCR0, CR_SCR1, CR_SCR2, CR_SCR3, CR_POISON, CR_ICOUNT, CR_ILIMIT: ;
        default: cr_we = 1'b0;
      endcase
    end
  end

  logic poison_we;
  logic [63:0] poison;
  always_comb begin
    poison_we = retire_o && (poison_set_i | poison_clear_i) != '0;
    poison = cr_q[CR_POISON[4:0]];
    if (poison_we) begin
      for (int l = 0; l < 2; l++) begin
        if (poison_set_i[l]) poison[poison_reg_i[l]] = 1'b1;
        if (poison_clear_i[l]) poison[poison_reg_i[l]] = 1'b0;
      end
    end
  end

  logic double_fault;
  assign double_fault = trap_o && in_trap_q;
  assign double_fault_now_o = double_fault;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      cr_q <= '{default: '0};
      cr_q[CR_ILIMIT[4:0]] <= '1;
      shadow_fcsr_q <= '0;
      in_trap_q <= 1'b0;
      cycle_q <= '0;
      bundles_q <= '0;
      traps_q <= '0;
      halted_q <= 1'b0;
      halted2_q <= 1'b0;
      dead_q <= 1'b0;
      hcall_q <= '0;
      dead_pc_q <= '0;
    end else begin
      cycle_q <= cycle_q + 64'd1;
      // Older than the bundle in M: a wrcr there has the last word.
      if (fp_flags_i != '0 || xf_en_i) cr_q[CR_FCSR[4:0]][30:0] <= fcsr();
      if (w_commit_i) shadow_fcsr_q <= fcsr();
      if (w_rollback_i) cr_q[CR_FCSR[4:0]][30:0] <= shadow_fcsr_q;
      halted2_q <= halted_q && !resume_i && l2_idle_i;
      if (resume_i) halted_q <= 1'b0;
      if (double_fault) begin
        dead_q <= 1'b1;
        dead_pc_q <= pc_i;
      end else if (trap_o) begin
        traps_q <= traps_q + 64'd1;
        in_trap_q <= 1'b1;
        cr_q[CR_TCAUSE[4:0]] <= {59'd0, cause_o};
        cr_q[CR_TVAL[4:0]] <= tval_o;
        cr_q[CR_TPC[4:0]] <= {32'd0, pc_i};
        cr_q[CR_TINFO[4:0]] <= {53'd0, tinfo};
        cr_q[CR_SCAT[4:0]] <= cr_q[CR_CAT[4:0]];
        cr_q[CR_CAT[4:0]] <= {60'd0, CAT_TLB_FILL};
      end else if (retire_o) begin
        bundles_q <= bundles_q + 64'd1;
        if (commit_i) begin
          cr_q[CR_CPC[4:0]] <= {32'd0, next_o};
          cr_q[CR_ICOUNT[4:0]] <= icount;
        end
        if (cr_we) cr_q[number[4:0]] <= cr_wd;
        if (cat_en_i) cr_q[CR_CAT[4:0]] <= {60'd0, cat_i};
        if (poison_we) cr_q[CR_POISON[4:0]] <= poison;
        if (sys && kind == KIND_RFE) begin
          cr_q[CR_CAT[4:0]] <= cr_q[CR_SCAT[4:0]];
          in_trap_q <= 1'b0;
        end
        if (sys && kind == KIND_HCALL) begin
          halted_q <= 1'b1;
          hcall_q <= b_b_i[31:0];
        end
      end
    end
  end
endmodule
