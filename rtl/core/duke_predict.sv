// Branch prediction: target buffer (4 ways, one entry a branch, found by the fetch window); for conditional branches two-bit
// counters by address and by address and history, with counters that choose between them; for indirect ones a table of targets
// by address and the history of indirect targets alone; for returns the native stack. History is a hash of the last taken
// branches' targets: one copy runs ahead with fetching and is set back to the retired one by a redirect.
// A look-up is combinational. Training comes from the retiring bundle. Nothing here is cleared by reset but the stack pointers:
// a wrong prediction costs cycles, never correctness.
module duke_predict
  import duke_isa_pkg::*;
  import duke_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,

  // Look-up for the window that holds f_pc_i
  input  logic        f_en_i,
  input  logic [31:2] f_pc_i,
  input  logic        f_used_i,      // the window goes into the queue
  input  logic [1:0]  f_entry_i,     // at this place
  output logic        f_taken_o,
  output logic [2:0]  f_last_o,      // last word of the bundle that is predicted to branch
  output logic [31:0] f_target_o,
  output logic        f_jras_o,      // a jras is predicted
  input  logic [31:0] jras_top_i,    // native address on top of the dual-address stack

  // Decode, for a bundle whose last word is at d_last_i in queue entry d_entry_i.
  input  logic [31:2] d_last_i,
  input  logic [1:0]  d_entry_i,
  input  logic        drop_i,        // the branch of this entry is no longer there
  input  logic        ask_i,         // a branch that was not found in the target buffer: would it be taken?
  output logic        ask_taken_o,
  output logic [31:0] ask_target_o,  // if it is a return
  input  logic        steer_i,       // fetching goes on at its target
  input  logic [2:0]  steer_kind_i,
  input  logic [31:0] steer_target_i,
  input  logic [31:0] steer_next_i,

  // Training by a retiring bundle with a branch
  input  logic        u_en_i,
  input  logic [31:2] u_last_i,      // address of the bundle's last word
  input  logic [2:0]  u_kind_i,      // pkind_e
  input  logic        u_taken_i,
  input  logic        u_miss_i,      // it was predicted wrongly
  input  logic [31:0] u_target_i,
  input  logic [31:0] u_next_i,      // following bundle: what a call pushes
  input  logic        redirect_i
);
  localparam int WAYS = 4;
  localparam int SETS = PREDICT_BTB_ENTRIES / WAYS;
  localparam int SB = $clog2(SETS);
  localparam int TB = 27 - SB;
  localparam int HB = $clog2(PREDICT_BHT_ENTRIES);
  localparam int RB = $clog2(PREDICT_RAS_ENTRIES);
  localparam int XB = $clog2(TARGETS);
  localparam int HIST = 12;

  function automatic logic [HIST-1:0] after_taken(input logic [HIST-1:0] h, input logic [31:0] target);
    return {h[HIST-3:0], 2'd0} ^ target[HIST+1:2] ^ {target[HIST+5:HIST+2], {(HIST - 4) {1'b0}}};
  endfunction
  function automatic logic [HB-1:0] global_index(input logic [HB+1:2] last, input logic [HIST-1:0] h);
    return last ^ h[HB-1:0];
  endfunction
  function automatic logic [XB-1:0] target_index(input logic [XB+1:2] last, input logic [HIST-1:0] h);
    return last ^ h[XB-1:0] ^ XB'(h[HIST-1:XB]);
  endfunction

  typedef struct packed {
    logic          valid;
    logic [2:0]    kind;
    logic [2:0]    last;
    logic [TB-1:0] tag;
    logic [29:0]   target;
  } entry_t;

  entry_t btb_q [WAYS * SETS];
  logic [1:0] victim_q;                  // a clock for a die
  logic [1:0] local_q [PREDICT_BHT_ENTRIES];
  logic [1:0] global_q [PREDICT_BHT_ENTRIES];
  logic [1:0] choice_q [PREDICT_BHT_ENTRIES];  // 2, 3: believe global_q
  logic [31:0] targets_q [TARGETS];
  logic [HIST-1:0] hist_q, hist_d, arch_hist_q, arch_hist_d;
  logic [HIST-1:0] ihist_q, ihist_d, arch_ihist_q, arch_ihist_d;  // of indirect branches only
  logic [31:0] ras_q [PREDICT_RAS_ENTRIES];
  logic [RB-1:0] sp_q, sp_d, arch_sp_q, arch_sp_d;

  function automatic logic [1:0] count(input logic [1:0] c, input logic up);
    return up ? ((c == 2'd3) ? c : c + 2'd1) : ((c == 2'd0) ? c : c - 2'd1);
  endfunction

  logic f_call, f_ret, f_indirect;
  always_comb begin
    automatic entry_t e;
    f_taken_o = 1'b0;
    f_last_o = 3'd7;
    f_target_o = 32'd0;
    f_call = 1'b0;
    f_ret = 1'b0;
    f_jras_o = 1'b0;
    f_indirect = 1'b0;
    if (f_en_i) begin
      for (int w = 0; w < WAYS; w++) begin
        e = btb_q[{f_pc_i[5+:SB], w[1:0]}];
        if (e.valid && e.tag == f_pc_i[31-:TB] && e.last >= f_pc_i[4:2] && (!f_taken_o || e.last < f_last_o)
            && (e.kind != PK_COND
                || (choice_q[{f_pc_i[HB+1:5], e.last}][1] ? global_q[global_index({f_pc_i[HB+1:5], e.last}, hist_q)][1]
                                                          : local_q[{f_pc_i[HB+1:5], e.last}][1]))) begin
          f_taken_o = 1'b1;
          f_last_o = e.last;
          f_call = e.kind == PK_CALL || e.kind == PK_ICALL;
          f_ret = e.kind == PK_RET;
          f_jras_o = e.kind == PK_JRAS;
          f_indirect = e.kind == PK_INDIRECT || e.kind == PK_ICALL;
          case (e.kind)
            PK_RET: f_target_o = ras_q[sp_q];
            PK_JRAS: f_target_o = jras_top_i;
            PK_INDIRECT, PK_ICALL: f_target_o = targets_q[target_index({f_pc_i[XB+1:5], e.last}, ihist_q)];
            default: f_target_o = {e.target, 2'd0};
          endcase
        end
      end
    end
  end

  // Histories and stack pointer as they were when a window was looked up: decode may have to go back there.
  logic [HIST-1:0] entry_hist_q [4], entry_ihist_q [4];
  logic [RB-1:0] entry_sp_q [4];
  logic [RB-1:0] d_sp;
  logic [HIST-1:0] d_hist;
  assign d_sp = entry_sp_q[d_entry_i];
  assign d_hist = entry_hist_q[d_entry_i];
  always_comb begin
    ask_taken_o = 1'b0;
    ask_target_o = 32'd0;
    if (ask_i) begin
      ask_taken_o = choice_q[d_last_i[HB+1:2]][1] ? global_q[global_index(d_last_i[HB+1:2], d_hist)][1]
                                                  : local_q[d_last_i[HB+1:2]][1];
      ask_target_o = ras_q[d_sp];
    end
  end

  logic btb_we, cond_we, choice_we, targets_we;
  logic [1:0] local_wd, global_wd, choice_wd;
  logic [SB+1:0] btb_wi;
  entry_t btb_wd;
  always_comb begin
    automatic entry_t e;
    automatic logic found;
    automatic logic [31:2] wr_last;
    btb_we = 1'b0;
    btb_wi = '0;
    btb_wd = '0;
    e = '0;
    found = 1'b0;
    cond_we = 1'b0;
    choice_we = 1'b0;
    targets_we = 1'b0;
    local_wd = 2'd0;
    global_wd = 2'd0;
    choice_wd = 2'd0;
    if (u_en_i) begin
      if (u_kind_i == PK_COND) begin
        cond_we = 1'b1;
        local_wd = local_q[u_last_i[HB+1:2]];
        global_wd = global_q[global_index(u_last_i[HB+1:2], arch_hist_q)];
        choice_wd = choice_q[u_last_i[HB+1:2]];
        choice_we = local_wd[1] != global_wd[1];
        choice_wd = count(choice_wd, global_wd[1] == u_taken_i);
        local_wd = count(local_wd, u_taken_i);
        global_wd = count(global_wd, u_taken_i);
      end
      targets_we = u_taken_i && (u_kind_i == PK_INDIRECT || u_kind_i == PK_ICALL);
    end
    // A steered branch has not left decode, so nothing in M can be a mispredict at the same time.
    wr_last = steer_i ? d_last_i : u_last_i;
    if (steer_i || (u_en_i && u_miss_i && u_taken_i)) begin
      btb_we = 1'b1;
      btb_wd.valid = 1'b1;
      btb_wd.kind = steer_i ? steer_kind_i : u_kind_i;
      btb_wd.last = wr_last[4:2];
      btb_wd.tag = wr_last[31-:TB];
      btb_wd.target = steer_i ? steer_target_i[31:2] : u_target_i[31:2];
      // The same branch's entry, else an invalid one, else any.
      btb_wi = {wr_last[5+:SB], victim_q};
      for (int w = WAYS - 1; w >= 0; w--) begin
        e = btb_q[{wr_last[5+:SB], w[1:0]}];
        if (!found && !e.valid) btb_wi[1:0] = w[1:0];
        if (e.valid && e.tag == btb_wd.tag && e.last == btb_wd.last) begin
          found = 1'b1;
          btb_wi[1:0] = w[1:0];
        end
      end
    end
    if (drop_i) begin
      btb_wd = '0;
      for (int w = 0; w < WAYS; w++) begin
        e = btb_q[{d_last_i[5+:SB], w[1:0]}];
        if (e.valid && e.last == d_last_i[4:2] && e.tag == d_last_i[31-:TB]) begin
          btb_we = 1'b1;
          btb_wi = {d_last_i[5+:SB], w[1:0]};
        end
      end
    end
  end

  logic ras_we, u_call;
  logic [31:0] ras_wd;
  always_comb begin
    arch_sp_d = arch_sp_q;
    arch_hist_d = (u_en_i && u_taken_i) ? after_taken(arch_hist_q, u_target_i) : arch_hist_q;
    arch_ihist_d = (u_en_i && u_taken_i && (u_kind_i == PK_INDIRECT || u_kind_i == PK_ICALL))
      ? after_taken(arch_ihist_q, u_target_i) : arch_ihist_q;
    hist_d = hist_q;
    ihist_d = ihist_q;
    if (redirect_i) begin
      hist_d = arch_hist_d;
      ihist_d = arch_ihist_d;
    end else if (steer_i || drop_i) begin
      hist_d = steer_i ? after_taken(d_hist, steer_target_i) : d_hist;
      ihist_d = entry_ihist_q[d_entry_i];
    end else if (f_used_i && f_taken_o) begin
      hist_d = after_taken(hist_q, f_target_o);
      if (f_indirect) ihist_d = after_taken(ihist_q, f_target_o);
    end
    u_call = u_en_i && (u_kind_i == PK_CALL || u_kind_i == PK_ICALL);
    if (u_call) arch_sp_d = arch_sp_q + 1'b1;
    if (u_en_i && u_kind_i == PK_RET) arch_sp_d = arch_sp_q - 1'b1;
    sp_d = sp_q;
    ras_we = 1'b0;
    ras_wd = u_next_i;
    if (redirect_i) begin
      // Wrong-path calls and returns are forgotten; what they overwrote is not restored.
      sp_d = arch_sp_d;
      ras_we = u_call;
    end else if (steer_i || drop_i) begin
      sp_d = d_sp;
      if (steer_i && steer_kind_i == PK_CALL) begin
        sp_d = d_sp + 1'b1;
        ras_we = 1'b1;
        ras_wd = steer_next_i;
      end
      if (steer_i && steer_kind_i == PK_RET) sp_d = d_sp - 1'b1;
    end else if (f_used_i && f_call) begin
      sp_d = sp_q + 1'b1;
      ras_we = 1'b1;
      ras_wd = {f_pc_i[31:5], f_last_o, 2'd0} + 32'd4;
    end else if (f_used_i && f_ret) begin
      sp_d = sp_q - 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      sp_q <= '0;
      arch_sp_q <= '0;
      hist_q <= '0;
      arch_hist_q <= '0;
      ihist_q <= '0;
      arch_ihist_q <= '0;
      victim_q <= '0;
    end else begin
      sp_q <= sp_d;
      arch_sp_q <= arch_sp_d;
      hist_q <= hist_d;
      arch_hist_q <= arch_hist_d;
      ihist_q <= ihist_d;
      arch_ihist_q <= arch_ihist_d;
      victim_q <= victim_q + 2'd1;
    end
    if (f_used_i) begin
      entry_hist_q[f_entry_i] <= hist_q;
      entry_ihist_q[f_entry_i] <= ihist_q;
      entry_sp_q[f_entry_i] <= sp_q;
    end
    if (ras_we) ras_q[sp_d] <= ras_wd;
    if (cond_we) begin
      local_q[u_last_i[HB+1:2]] <= local_wd;
      global_q[global_index(u_last_i[HB+1:2], arch_hist_q)] <= global_wd;
    end
    if (choice_we) choice_q[u_last_i[HB+1:2]] <= choice_wd;
    if (targets_we) targets_q[target_index(u_last_i[XB+1:2], arch_ihist_q)] <= u_target_i;
    if (btb_we) btb_q[btb_wi] <= btb_wd;
  end
endmodule
