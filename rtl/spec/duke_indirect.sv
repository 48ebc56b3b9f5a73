// Guest-to-native targets: the indirect-target cache (direct mapped, flushed in one cycle by epoch) and the dual-address return
// stack. Look-ups are combinational, in M; the stack moves when the bundle retires.
module duke_indirect
  import duke_isa_pkg::*;
  import duke_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        init_i,
  input  logic [8:0]  init_idx_i,

  input  logic        en_i,               // jitc or jras in M
  input  logic        jras_i,
  input  logic [63:0] guest_i,
  output logic        hit_o,
  output logic [31:0] native_o,
  output logic        ras_hit_o,
  output logic        itc_used_o,

  // Retirement
  input  logic        pop_i,              // a jras retires
  input  logic        push_i,
  input  logic        write_i,            // itcw
  input  logic        flush_i,
  input  logic [31:0] op_native_i,        // of push and write; the guest address is guest_i

  // Prediction: fetching runs ahead of retirement, so it counts the jras ops that it has sent on their way.
  input  logic        fetched_i,          // a window with a predicted jras
  input  logic        redirect_i,
  output logic [31:0] top_native_o
);
  localparam int IB = $clog2(SPEC_ITC_ENTRIES);
  localparam int RB = $clog2(SPEC_RAS_ENTRIES);
  localparam int EB = 16;

  logic [63:0] itc_guest_q [SPEC_ITC_ENTRIES];
  logic [EB+32:0] itc_q [SPEC_ITC_ENTRIES] /* verilator public_flat_rd */;  // valid, epoch, native address
  logic [EB-1:0] epoch_q /* verilator public_flat_rd */;
  logic [EB-1:0] epoch_next;
  assign epoch_next = epoch_q + 1'b1;

  logic [63:0] ras_guest_q [SPEC_RAS_ENTRIES];
  logic [31:0] ras_native_q [SPEC_RAS_ENTRIES];
  logic [RB-1:0] top_q;                           // of the youngest entry
  logic [RB:0] depth_q /* verilator public_flat_rd */;

  logic [RB-1:0] ahead_q;
  assign top_native_o = ras_native_q[top_q-ahead_q];

  function automatic logic [IB-1:0] index(input logic [63:0] a);
    return a[IB-1:0] ^ a[9+:IB];
  endfunction

  always_comb begin
    automatic logic [EB+32:0] e;
    hit_o = 1'b0;
    native_o = '0;
    ras_hit_o = 1'b0;
    itc_used_o = 1'b0;
    e = '0;
    if (en_i) begin
      if (jras_i && depth_q != '0 && ras_guest_q[top_q] == guest_i) begin
        ras_hit_o = 1'b1;
        hit_o = 1'b1;
        native_o = ras_native_q[top_q];
      end else begin
        itc_used_o = 1'b1;
        e = itc_q[index(guest_i)];
        hit_o = e[EB+32] && e[32+:EB] == epoch_q && itc_guest_q[index(guest_i)] == guest_i;
        native_o = e[31:0];
      end
    end
  end

  logic itc_we;
  logic [IB-1:0] itc_wi;
  logic [EB+32:0] itc_wd;
  always_comb begin
    itc_we = init_i || flush_i || write_i;
    itc_wi = init_idx_i[IB-1:0];
    itc_wd = '0;
    // Cleaning one entry a flush makes sure that none is left with an epoch that comes round again.
    if (flush_i) itc_wi = epoch_next[IB-1:0];
    if (write_i) begin
      itc_wi = index(guest_i);
      itc_wd = {1'b1, epoch_q, op_native_i};
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      epoch_q <= '0;
      top_q <= '0;
      depth_q <= '0;
      ahead_q <= '0;
    end else begin
      if (redirect_i) ahead_q <= '0;
      else ahead_q <= ahead_q + RB'(fetched_i) - RB'(pop_i && ahead_q != '0);
      if (flush_i) begin
        epoch_q <= epoch_next;
        depth_q <= '0;
      end else if (push_i) begin
        top_q <= top_q + 1'b1;
        if (depth_q != (RB + 1)'(SPEC_RAS_ENTRIES)) depth_q <= depth_q + 1'b1;
      end else if (pop_i && depth_q != '0) begin
        top_q <= top_q - 1'b1;
        depth_q <= depth_q - 1'b1;
      end
    end
    if (itc_we) itc_q[itc_wi] <= itc_wd;
    if (write_i) itc_guest_q[itc_wi] <= guest_i;
    if (push_i) begin
      ras_guest_q[top_q + 1'b1] <= guest_i;
      ras_native_q[top_q + 1'b1] <= op_native_i;
    end
  end
endmodule
