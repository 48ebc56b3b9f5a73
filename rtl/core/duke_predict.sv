// Branch prediction: target buffer (2 ways, one entry a branch, found by the fetch window), two-bit counters, native return stack.
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
  output logic        f_taken_o,
  output logic [2:0]  f_last_o,      // last word of the bundle that is predicted to branch
  output logic [31:0] f_target_o,
  input  logic [31:0] jras_top_i,    // native address on top of the dual-address stack

  // An entry whose branch is no longer there
  input  logic        drop_i,
  input  logic [31:2] drop_pc_i,

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
  localparam int SETS = PREDICT_BTB_ENTRIES / 2;
  localparam int SB = $clog2(SETS);
  localparam int TB = 27 - SB;
  localparam int HB = $clog2(PREDICT_BHT_ENTRIES);
  localparam int RB = $clog2(PREDICT_RAS_ENTRIES);

  typedef struct packed {
    logic          valid;
    logic [2:0]    kind;
    logic [2:0]    last;
    logic [TB-1:0] tag;
    logic [29:0]   target;
  } entry_t;

  entry_t btb_q [2 * SETS];
  logic [1:0] bht_q [PREDICT_BHT_ENTRIES];
  logic [31:0] ras_q [PREDICT_RAS_ENTRIES];
  logic [RB-1:0] sp_q, sp_d, arch_sp_q, arch_sp_d;

  logic f_call, f_ret;
  always_comb begin
    automatic entry_t e;
    f_taken_o = 1'b0;
    f_last_o = 3'd7;
    f_target_o = 32'd0;
    f_call = 1'b0;
    f_ret = 1'b0;
    if (f_en_i) begin
      for (int w = 0; w < 2; w++) begin
        e = btb_q[{f_pc_i[5+:SB], w[0]}];
        if (e.valid && e.tag == f_pc_i[31-:TB] && e.last >= f_pc_i[4:2] && (!f_taken_o || e.last < f_last_o)
            && (e.kind != PK_COND || bht_q[{f_pc_i[HB+1:5], e.last}][1])) begin
          f_taken_o = 1'b1;
          f_last_o = e.last;
          f_call = e.kind == PK_CALL;
          f_ret = e.kind == PK_RET;
          f_target_o = (e.kind == PK_RET) ? ras_q[sp_q] : (e.kind == PK_JRAS) ? jras_top_i : {e.target, 2'd0};
        end
      end
    end
  end

  logic btb_we, bht_we;
  logic [SB:0] btb_wi;
  entry_t btb_wd;
  logic [1:0] bht_wd;
  always_comb begin
    automatic entry_t e0, e1;
    btb_we = 1'b0;
    btb_wi = '0;
    btb_wd = '0;
    bht_we = 1'b0;
    bht_wd = 2'd0;
    if (u_en_i) begin
      if (u_kind_i == PK_COND) begin
        bht_wd = bht_q[u_last_i[HB+1:2]];
        bht_we = u_taken_i ? bht_wd != 2'd3 : bht_wd != 2'd0;
        bht_wd = u_taken_i ? bht_wd + 2'd1 : bht_wd - 2'd1;
      end
      if (u_miss_i && u_taken_i) begin
        e0 = btb_q[{u_last_i[5+:SB], 1'b0}];
        e1 = btb_q[{u_last_i[5+:SB], 1'b1}];
        btb_we = 1'b1;
        btb_wd.valid = 1'b1;
        btb_wd.kind = u_kind_i;
        btb_wd.last = u_last_i[4:2];
        btb_wd.tag = u_last_i[31-:TB];
        btb_wd.target = u_target_i[31:2];
        // The same branch's entry, else an invalid one, else way by a bit of the target: cheap and as good as random.
        if (e0.valid && e0.tag == btb_wd.tag && e0.last == btb_wd.last) btb_wi[0] = 1'b0;
        else if (e1.valid && e1.tag == btb_wd.tag && e1.last == btb_wd.last) btb_wi[0] = 1'b1;
        else if (!e0.valid) btb_wi[0] = 1'b0;
        else if (!e1.valid) btb_wi[0] = 1'b1;
        else btb_wi[0] = ^u_target_i[7:2];
        btb_wi[SB:1] = u_last_i[5+:SB];
      end
    end
    if (drop_i) begin
      e0 = btb_q[{drop_pc_i[5+:SB], 1'b0}];
      btb_we = 1'b1;
      btb_wd = '0;
      btb_wi = {drop_pc_i[5+:SB], !(e0.last == drop_pc_i[4:2] && e0.tag == drop_pc_i[31-:TB])};
    end
  end

  logic ras_we;
  logic [31:0] ras_wd;
  always_comb begin
    arch_sp_d = arch_sp_q;
    if (u_en_i && u_kind_i == PK_CALL) arch_sp_d = arch_sp_q + 1'b1;
    if (u_en_i && u_kind_i == PK_RET) arch_sp_d = arch_sp_q - 1'b1;
    sp_d = sp_q;
    ras_we = 1'b0;
    ras_wd = u_next_i;
    if (redirect_i) begin
      // Wrong-path calls and returns are forgotten; what they overwrote is not restored.
      sp_d = arch_sp_d;
      ras_we = u_en_i && u_kind_i == PK_CALL;
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
    end else begin
      sp_q <= sp_d;
      arch_sp_q <= arch_sp_d;
    end
    if (ras_we) ras_q[sp_d] <= ras_wd;
    if (bht_we) bht_q[u_last_i[HB+1:2]] <= bht_wd;
    if (btb_we) btb_q[btb_wi] <= btb_wd;
  end
endmodule
