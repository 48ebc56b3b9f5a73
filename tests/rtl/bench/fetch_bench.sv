// Fetch queue and decoder as the core joins them; instruction cache and predictor are the bench's.
module fetch_bench
  import duke_isa_pkg::*;
  import duke_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic [19:0] dram_pages_i,
  input  logic [19:0] hidden_pages_i,
  input  logic        redirect_i,
  input  logic [31:0] redirect_pc_i,
  input  logic        go_i,              // the issue stage has room

  output logic        p_used_o,
  input  logic        p_taken_i,
  input  logic [2:0]  p_last_i,
  input  logic [31:0] p_target_i,
  output logic        ic_en_o,
  output logic [31:0] ic_pc_o,
  input  logic        ic_hit_i,
  input  quad64_t     ic_data_i,

  output logic        valid_o,
  output logic [31:0] pc_o,
  output logic [31:0] next_o,
  output logic [31:0] predicted_o,
  output logic [31:0] word_o,
  output logic        fetch_fault_o,
  output logic        refetch_o,
  output logic [31:0] refetch_last_o,
  input  logic        ask_taken_i,
  input  logic [31:0] ask_target_i,
  output logic        steer_o
);
  logic [31:0] pc_q;
  logic fresh_q, fresh, p_en, illegal, commit;
  logic [2:0] off_q, off, nops;
  queue_t q_data;
  quad3_t q_first;
  quad3_t q_last;
  logic [3:0] q_taken, q_fault;
  quad32_t q_target;
  logic [1:0] q_head;
  logic [2:0] q_count, q_pop;
  logic [4:0] lane;
  uops_t uop;
  lanes64_t imm;
  pair16_t mask;
  logic [31:0] target;
  logic [5:0] commit_n;
  logic cat_en;
  logic [3:0] cat;
  logic [1:0] p_entry, last_entry;
  logic [2:0] steer_kind;
  logic ask;

  duke_fetch fetch (
    .clk_i, .rst_ni, .init_i(1'b0), .hold_i(1'b0), .dram_pages_i, .hidden_pages_i, .redirect_i, .redirect_pc_i,
    .refetch_i(refetch_o || steer_o), .refetch_pc_i(steer_o ? predicted_o : pc_q),
    .p_entry_o(p_entry), .p_en_o(p_en), .p_used_o, .p_taken_i, .p_last_i, .p_target_i,
    .ic_en_o, .ic_pc_o, .ic_hit_i, .ic_busy_i(1'b0), .ic_data_i,
    .q_data_o(q_data), .q_first_o(q_first), .q_last_o(q_last), .q_taken_o(q_taken), .q_fault_o(q_fault),
    .q_target_o(q_target), .q_head_o(q_head), .q_count_o(q_count), .q_pop_i(q_pop)
  );
  duke_decode decode (
    .go_i(go_i && !redirect_i && q_count != 3'd0), .pc_i(pc_q), .fresh_i(fresh_q), .off_i(off_q),
    .q_data_i(q_data), .q_first_i(q_first), .q_last_i(q_last), .q_taken_i(q_taken), .q_fault_i(q_fault),
    .q_target_i(q_target), .q_head_i(q_head), .q_count_i(q_count), .q_pop_o(q_pop), .fresh_o(fresh), .off_o(off),
    .valid_o, .lane_valid_o(lane), .uop_o(uop), .imm_o(imm), .mask_o(mask), .target_o(target),
    .next_o, .predicted_o, .commit_o(commit), .commit_n_o(commit_n), .cat_en_o(cat_en), .cat_o(cat), .nops_o(nops),
    .illegal_o(illegal),
    .fetch_fault_o, .word_o, .refetch_o, .refetch_last_o, .last_entry_o(last_entry), .ask_o(ask),
    .ask_taken_i, .ask_target_i, .steer_o, .steer_kind_o(steer_kind)
  );
  assign pc_o = pc_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      pc_q <= 32'h4001_0000;
      fresh_q <= 1'b1;
      off_q <= '0;
    end else if (redirect_i) begin
      pc_q <= redirect_pc_i;
      fresh_q <= 1'b1;
    end else if (refetch_o) begin
      fresh_q <= 1'b1;
    end else if (valid_o) begin
      pc_q <= predicted_o;
      fresh_q <= fresh || steer_o;
      off_q <= off;
    end
  end

  logic unused;
  assign unused = &{1'b0, p_entry, last_entry, steer_kind, ask, p_en, illegal, commit, cat_en, cat, nops, lane,
                    target, commit_n, uop[0], imm[0], mask[0]};
endmodule
