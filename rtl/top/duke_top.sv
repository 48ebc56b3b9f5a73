// What the simulator sees: the core, and nothing else. Memory is behind DPI (mem/duke_l2.sv).
module duke_top (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic [63:0] host_i,             // passed back in every DPI call
  input  logic [19:0] dram_pages_i,       // memory sizes in 4 KiB pages
  input  logic [19:0] hidden_pages_i,
  input  logic [7:0]  store_buffer_i,     // entries of the store buffer in use, at most SPEC_STORE_BUFFER
  input  logic        irq_i,
  input  logic        resume_i,           // one cycle: go on after a host call
  input  logic        start_i,            // one cycle, while stopped: go to start_pc_i with empty tables
  input  logic [31:0] start_pc_i,
  input  logic        record_i,
  output logic        stopped_o,          // a host call has retired and its record is out
  output logic        double_fault_o,
  output logic [31:0] hcall_o,
  output logic [31:0] pc_o
);
  // Inputs are registered: else the simulator would have to settle what depends on them before every edge.
  logic [19:0] dram_pages_q, hidden_pages_q;
  logic [7:0] store_buffer_q;
  logic irq_q, resume_q, start_q, record_q;
  logic [31:0] start_pc_q;
  always_ff @(posedge clk_i) begin
    dram_pages_q <= dram_pages_i;
    hidden_pages_q <= hidden_pages_i;
    store_buffer_q <= store_buffer_i;
    irq_q <= irq_i;
    resume_q <= resume_i;
    start_q <= start_i;
    start_pc_q <= start_pc_i;
    record_q <= record_i;
  end

  duke_core core (
    .clk_i, .rst_ni, .host_i, .dram_pages_i(dram_pages_q), .hidden_pages_i(hidden_pages_q),
    .store_buffer_i(store_buffer_q), .irq_i(irq_q), .resume_i(resume_q), .start_i(start_q), .start_pc_i(start_pc_q),
    .record_i(record_q), .stopped_o, .double_fault_o, .hcall_o, .pc_o
  );
endmodule
