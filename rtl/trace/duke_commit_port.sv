// The commit record (isa-spec/duke/commit.toml), by DPI, one cycle after the bundle left M: that is when W has its values.
// Nothing happens here while record_i is low.
module duke_commit_port
  import duke_isa_pkg::*;
  import duke_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic [63:0] host_i,
  input  logic        record_i,

  input  logic        m_done_i,
  input  logic        m_trap_i,
  input  logic [63:0] m_seq_i,
  input  logic [31:0] m_pc_i,
  input  logic [31:0] m_next_i,
  input  logic [4:0]  m_cause_i,
  input  logic [63:0] m_tval_i,
  input  logic        m_commit_i,
  input  logic        m_rollback_i,
  input  logic        m_hcall_i,
  input  logic [1:0]  m_store_i,
  input  uop2_t       m_mem_uop_i,
  input  pair32_t     m_pa_i,
  input  pair64_t     m_data_i,

  input  logic [4:0]  w_writes_i,
  input  uops_t       w_uop_i,
  input  lanes64_t    w_value_i,
  input  logic        w_wre_i,            // lane A0 writes file e too
  input  logic [15:0] w_e_i
);
  // Parts of a record come before duke_record, which completes it. pos orders them as the ops stand in the bundle.
  import "DPI-C" function void duke_record_write(input longint unsigned host, input int unsigned pos,
                                                 input int unsigned reg_number, input longint unsigned value);
  import "DPI-C" function void duke_record_store(input longint unsigned host, input int unsigned addr,
                                                 input int unsigned size, input longint unsigned data);
  import "DPI-C" function void duke_record(input longint unsigned host, input longint unsigned seq, input int unsigned pc,
                                           input int unsigned next_pc, input int unsigned flags, input int unsigned cause,
                                           input longint unsigned tval);

  logic valid_q;
  logic [63:0] seq_q, tval_q;
  logic [31:0] pc_q, next_q;
  logic [3:0] flags_q;
  logic [4:0] cause_q;
  logic [1:0] store_q;
  pair2_t size_q;
  pair32_t pa_q;
  pair64_t data_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= 1'b0;
    else valid_q <= record_i && m_done_i;
    if (record_i && m_done_i) begin
      seq_q <= m_seq_i;
      pc_q <= m_pc_i;
      next_q <= m_next_i;
      flags_q <= {m_hcall_i, m_rollback_i, m_trap_i, m_commit_i};
      cause_q <= m_cause_i;
      tval_q <= m_tval_i;
      store_q <= m_trap_i ? '0 : m_store_i;
      size_q[0] <= m_mem_uop_i[0].size;
      size_q[1] <= m_mem_uop_i[1].size;
      pa_q <= m_pa_i;
      data_q <= m_data_i;
    end
    if (valid_q && rst_ni) begin
      for (int l = 0; l < LANES; l++) begin
        if (w_writes_i[l]) duke_record_write(host_i, {29'd0, w_uop_i[l].pos}, {25'd0, w_uop_i[l].rd}, w_value_i[l]);
      end
      if (w_wre_i) begin
        duke_record_write(host_i, {29'd0, w_uop_i[LANE_A0].pos}, {26'd2, w_uop_i[LANE_A0].rd[5:0]}, {48'd0, w_e_i});
      end
      for (int l = 0; l < 2; l++) begin
        if (store_q[l]) duke_record_store(host_i, pa_q[l], 32'd1 << size_q[l], data_q[l]);
      end
      duke_record(host_i, seq_q, pc_q, next_q, {28'd0, flags_q}, {27'd0, cause_q}, tval_q);
    end
  end
endmodule
