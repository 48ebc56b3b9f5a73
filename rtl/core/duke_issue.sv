// I: reads the operands of a bundle and decides whether it may go. A table holds for each register which bundle in flight (by slot)
// and which lane wrote it last; an entry counts only while that lane still is in X, M or W and writes the register, so nothing has
// to be cleared when bundles retire or are killed. After a redirect the bundles older than it have left before the next one reads.
module duke_issue
  import duke_isa_pkg::*;
  import duke_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,

  // Bundle in I
  input  logic        en_i,               // it is valid and X has room
  input  logic [4:0]  lane_i,
  input  uops_t       uop_i,
  input  lanes64_t    imm_i,
  output logic        go_o,               // it issues (unless killed)
  output logic [1:0]  slot_o,
  input  logic        issued_i,           // it did
  output lanes64_t    a_o,
  output lanes64_t    b_o,
  output lanes64_t    c_o,

  // Registers
  input  logic [63:0] bank_r_i,
  input  logic [63:0] bank_f_i,
  input  regfile_t    file_i,

  // Producers. late: the result is not there at the end of this cycle.
  input  logic [1:0]  x_slot_i,
  input  logic [4:0]  x_writes_i,
  input  logic [4:0]  x_late_i,
  input  uops_t       x_uop_i,
  input  lanes64_t    x_value_i,
  input  logic [1:0]  m_slot_i,
  input  logic [4:0]  m_writes_i,
  input  logic [4:0]  m_late_i,
  input  uops_t       m_uop_i,
  input  lanes64_t    m_value_i,
  input  logic [1:0]  w_slot_i,
  input  logic [4:0]  w_writes_i,
  input  uops_t       w_uop_i,
  input  lanes64_t    w_value_i
);
  logic [4:0] writer_q [128];             // slot, lane
  logic [1:0] slot_q;
  assign slot_o = slot_q;

  always_comb begin
    automatic logic [4:0] left;
    automatic logic [2:0] lane, wl, k;
    automatic logic [1:0] ws;
    automatic logic [6:0] r;
    automatic logic [63:0] v;
    automatic logic wait_;
    automatic uop_t u;
    wait_ = 1'b0;
    a_o = '{default: '0};
    b_o = '{default: '0};
    c_o = '{default: '0};
    left = en_i ? lane_i : 5'd0;
    lane = 3'd0;
    while (left != 5'd0 && !wait_) begin
      if (left[0]) begin
        u = uop_i[lane];
        k = 3'd0;
        while (k < 3'd3) begin
          r = (k == 3'd0) ? u.ra : (k == 3'd1) ? u.rb : u.rc;
          v = 64'd0;
          if (r != 7'd0) begin
            {ws, wl} = writer_q[r];
            if (ws == x_slot_i && x_writes_i[wl] && x_uop_i[wl].rd == r) begin
              v = x_value_i[wl];
              wait_ = wait_ || x_late_i[wl];
            end else if (ws == m_slot_i && m_writes_i[wl] && m_uop_i[wl].rd == r) begin
              v = m_value_i[wl];
              wait_ = wait_ || m_late_i[wl];
            end else if (ws == w_slot_i && w_writes_i[wl] && w_uop_i[wl].rd == r) begin
              v = w_value_i[wl];
            end else begin
              v = file_i[{r[6] ? bank_f_i[r[5:0]] : bank_r_i[r[5:0]], r}];
            end
          end
          if (k == 3'd0) a_o[lane] = v;
          else if (k == 3'd1) b_o[lane] = u.use_imm ? imm_i[lane] : v;
          else c_o[lane] = v;
          k = k + 3'd1;
        end
      end
      left = left >> 1;
      lane = lane + 3'd1;
    end
    go_o = en_i && !wait_;
  end

  always_ff @(posedge clk_i) begin
    // Four slots, as at most three bundles are in flight behind the one that issues.
    if (!rst_ni) slot_q <= 2'd0;
    else if (issued_i) slot_q <= slot_q + 2'd1;
    for (int l = 0; l < LANES; l++) begin
      if (issued_i && lane_i[l] && uop_i[l].wr) writer_q[uop_i[l].rd] <= {slot_q, 3'(l)};
    end
  end
endmodule
