// F: every cycle one aligned 32-byte window from L1I goes into a queue of four, and the predictor says where the next one lies.
// Latency one cycle. Stalls: queue full, L1I miss, hold. A redirect from M empties the queue; so does a refetch from D, which has
// met a predicted branch where there is none or a branch that was not predicted. A window outside memory enters the
// queue as a fault and ends fetching.
module duke_fetch
  import duke_isa_pkg::*;
  import duke_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        init_i,
  input  logic        hold_i,            // after a host call
  input  logic [19:0] dram_pages_i,
  input  logic [19:0] hidden_pages_i,

  // Redirect (M) and refetch (D)
  input  logic        redirect_i,
  input  logic [31:0] redirect_pc_i,
  input  logic        refetch_i,
  input  logic [31:0] refetch_pc_i,

  // Predictor
  output logic        p_en_o,
  output logic        p_used_o,
  output logic [1:0]  p_entry_o,         // of the queue, where the window goes
  input  logic        p_taken_i,
  input  logic [2:0]  p_last_i,
  input  logic [31:0] p_target_i,

  // L1I
  output logic        ic_en_o,
  output logic [31:0] ic_pc_o,
  input  logic        ic_hit_i,
  input  logic        ic_busy_i,
  input  quad64_t     ic_data_i,

  // Queue, as D sees it: entries from head, `count` of them. The arrays are registers: a copy of them would cost the simulator.
  output queue_t      q_data_o,     // index: entry, double word
  output quad3_t      q_first_o,
  output quad3_t      q_last_o,
  output logic [3:0]  q_taken_o,         // the window ends in a predicted-taken branch
  output logic [3:0]  q_fault_o,
  output quad32_t     q_target_o,
  output logic [1:0]  q_head_o,
  output logic [2:0]  q_count_o,
  input  logic [2:0]  q_pop_i
);
  logic [3:0] taken_q, fault_q;
  logic [1:0] head_q /* verilator public_flat_rd */;
  logic [1:0] tail_q /* verilator public_flat_rd */;
  logic [2:0] count_q /* verilator public_flat_rd */;
  logic [31:0] pc_q /* verilator public_flat_rd */;
  logic [31:0] pc_d;
  logic dead_q /* verilator public_flat_rd */;                   // fetched a fault; only a redirect helps

  assign q_taken_o = taken_q;
  assign q_fault_o = fault_q;
  assign q_head_o = head_q;
  assign q_count_o = count_q;

  logic go, bad, push;
  assign go = !init_i && !hold_i && !dead_q && !redirect_i && !refetch_i && !count_q[2];
  assign bad = pc_q[1:0] != 2'd0
    || !(pc_q[31:12] < dram_pages_i || (pc_q[31:30] == 2'b01 && {2'b0, pc_q[29:12]} < hidden_pages_i));
  assign ic_en_o = go && !bad;
  assign ic_pc_o = pc_q;
  assign p_en_o = ic_en_o && ic_hit_i;
  assign push = go && (bad || ic_hit_i);
  assign p_used_o = push;
  assign p_entry_o = tail_q;

  always_comb begin
    pc_d = pc_q;
    if (redirect_i) pc_d = redirect_pc_i;
    else if (refetch_i) pc_d = refetch_pc_i;
    else if (push && !bad) pc_d = p_taken_i ? p_target_i : {pc_q[31:5] + 27'd1, 5'd0};
  end

  logic unused;
  assign unused = ic_busy_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      pc_q <= 32'h4001_0000;
      head_q <= '0;
      tail_q <= '0;
      count_q <= '0;
      dead_q <= 1'b0;
      taken_q <= '0;
      fault_q <= '0;
    end else begin
      pc_q <= pc_d;
      if (redirect_i || refetch_i) begin
        head_q <= '0;
        tail_q <= '0;
        count_q <= '0;
        dead_q <= 1'b0;
      end else begin
        head_q <= head_q + q_pop_i[1:0];
        count_q <= count_q + {2'd0, push} - q_pop_i;
        if (push) begin
          tail_q <= tail_q + 2'd1;
          dead_q <= bad;
          taken_q[tail_q] <= !bad && p_taken_i;
          fault_q[tail_q] <= bad;
        end
      end
    end
    if (push) begin
      q_first_o[tail_q] <= pc_q[4:2];
      q_last_o[tail_q] <= p_last_i;
      q_target_o[tail_q] <= p_target_i;
      q_data_o[{tail_q, 2'd0}] <= ic_data_i[0];
      q_data_o[{tail_q, 2'd1}] <= ic_data_i[1];
      q_data_o[{tail_q, 2'd2}] <= ic_data_i[2];
      q_data_o[{tail_q, 2'd3}] <= ic_data_i[3];
    end
  end
endmodule
