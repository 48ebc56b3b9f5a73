// Unified L2 cache with data, write-back, LRU, and the port to memory. One request at a time: write-backs from L1D first, then
// L1D's misses, then L1I's, for which L1D is snooped so that instruction fetch sees stores. A hit delivers the line so that L1's
// next try is CACHES_L2_HIT cycles after its miss; a miss takes CACHES_MEMORY more. Memory itself is read and written by DPI.
// A read of memory is a burst: the lines that follow in the same block of BURST lines come behind the one that was missed, each
// BURST_CYCLES later, and stay in L2; L1 has its line meanwhile, but its next request waits.
module duke_l2
  import duke_isa_pkg::*;
  import duke_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        init_i,
  input  logic [8:0]  init_idx_i,
  input  logic [63:0] host_i,             // handle of the memory, for DPI

  // L1D
  input  logic        d_req_i,
  input  logic [31:6] d_addr_i,
  output logic        d_fill_o,
  input  logic        d_wb_i,
  input  logic [31:6] d_wb_addr_i,
  input  line_t       d_wb_line_i,
  output logic        d_snoop_o,
  output logic [31:6] d_snoop_addr_o,

  // L1I
  input  logic        i_req_i,
  input  logic        i_prefetch_i,       // not worth a memory access
  input  logic [31:6] i_addr_i,
  output logic        i_fill_o,
  output logic        i_drop_o,           // a prefetch that missed ends so

  output line_t       fill_line_o,   // a register

  output logic        idle_o,        // nothing is under way that was read before and comes to a cache later

  output logic        ev_access_o,
  output logic        ev_miss_o,
  output logic        ev_writeback_o
);
  import "DPI-C" function void duke_line_read(input longint unsigned host, input int unsigned addr,
                                              output bit [511:0] line);
  import "DPI-C" function void duke_line_write(input longint unsigned host, input int unsigned addr,
                                               input bit [511:0] line);

  localparam int SB = $clog2(L2_SETS);
  localparam int WAYS = CACHES_L2_WAYS;
  localparam int WB = $clog2(WAYS);
  localparam int TB = 26 - SB;
  localparam int BURST = 4;         // lines, a power of two
  localparam int BURST_CYCLES = 4;  // at least 3

  typedef enum logic [2:0] {
    IDLE, SNOOP, LOOKUP, WAIT, DELIVER
  } state_e;

  logic [2*WAYS-1:0] set_q [L2_SETS] /* verilator public_flat_rd */;  // dirty bits, valid bits
  logic [TB-1:0] tag_q [L2_SETS * WAYS] /* verilator public_flat_rd */;
  logic [23:0] lru_q [L2_SETS];
  line_t data_q [L2_SETS * WAYS] /* verilator public_flat_rd */;

  state_e state_q;
  logic for_i_q, hit_q, prefetch_q, burst_q;  // burst_q: the line was not asked for
  logic [31:6] addr_q;
  logic [7:0] count_q;

  // Write-back buffer
  logic wbv_q /* verilator public_flat_rd */;
  logic [31:6] wba_q /* verilator public_flat_rd */;
  line_t wbl_q /* verilator public_flat_rd */;

  assign idle_o = state_q == IDLE && !d_req_i && !i_req_i && !wbv_q;
  assign d_fill_o = state_q == DELIVER && !burst_q && !for_i_q;
  assign i_fill_o = state_q == DELIVER && !burst_q && for_i_q;
  assign d_snoop_o = state_q == SNOOP;
  assign d_snoop_addr_o = addr_q;

  // Three things look the tags up: the write-back buffer, a new request, and the installation of a line from memory.
  logic use_wb, use_req, install;
  assign use_wb = wbv_q && (state_q == IDLE || state_q == LOOKUP);
  assign use_req = state_q == LOOKUP && !wbv_q;
  assign install = state_q == DELIVER && !hit_q;

  logic hit;
  logic [31:6] addr;
  logic [SB-1:0] set;
  logic [WB-1:0] way, victim;
  logic evict;
  logic [2*WAYS-1:0] set_wd;
  logic [23:0] lru_wd;
  logic active;
  always_comb begin
    active = use_wb || use_req || install;
    addr = use_wb ? wba_q : addr_q;
    set = addr[6+:SB];
    hit = 1'b0;
    way = '0;
    victim = '0;
    evict = 1'b0;
    set_wd = '0;
    lru_wd = LRU_INIT;
    if (active) begin
      set_wd = set_q[set];
      lru_wd = lru_q[set];
      for (int w = 0; w < WAYS; w++) begin
        if (set_wd[w] && tag_q[{set, WB'(w)}] == addr[31-:TB]) begin
          hit = 1'b1;
          way = WB'(w);
        end
      end
      if (!hit) begin
        victim = lru_wd[3*(WAYS-1)+:WB];
        for (int w = WAYS - 1; w >= 0; w--) if (!set_wd[w]) victim = WB'(w);
        way = victim;
        evict = !use_req && set_wd[{1'b0, victim}] && set_wd[{1'b1, victim}];
      end
      if (hit || !use_req) lru_wd = lru_touch(lru_wd, 3'(way));
      if (!use_req) begin
        set_wd[{1'b0, way}] = 1'b1;
        set_wd[{1'b1, way}] = use_wb || (hit && set_wd[{1'b1, way}]);
      end
    end
  end

  assign ev_access_o = use_req && !burst_q;
  assign ev_miss_o = use_req && !hit && !prefetch_q && !burst_q;
  assign i_drop_o = use_req && !hit && prefetch_q;

  // Whether another line of the burst follows.
  logic more;
  assign more = addr_q[6+:$clog2(BURST)] != '1;
  assign ev_writeback_o = evict;

  logic [31:6] victim_addr;
  assign victim_addr = {tag_q[{set, way}], set};

  always_ff @(posedge clk_i) begin
    automatic bit [511:0] line;
    line = '0;
    if (!rst_ni) begin
      state_q <= IDLE;
      wbv_q <= 1'b0;
      for_i_q <= 1'b0;
      hit_q <= 1'b0;
      prefetch_q <= 1'b0;
      burst_q <= 1'b0;
      count_q <= '0;
      addr_q <= '0;
    end else begin
      case (state_q)
        IDLE: begin
          if (!wbv_q && (d_req_i || i_req_i)) begin
            for_i_q <= !d_req_i;
            prefetch_q <= !d_req_i && i_prefetch_i;
            addr_q <= d_req_i ? d_addr_i : i_addr_i;
            state_q <= d_req_i ? LOOKUP : SNOOP;
          end
        end
        SNOOP: state_q <= LOOKUP;
        LOOKUP: begin
          if (use_req) begin
            hit_q <= hit;
            // Request, this state and the delivery take three cycles of the latency.
            count_q <= burst_q ? 8'(BURST_CYCLES - 3) : hit ? 8'(CACHES_L2_HIT - 5) : 8'(CACHES_L2_HIT + CACHES_MEMORY - 5);
            state_q <= i_drop_o ? IDLE : WAIT;
            if (burst_q && hit) begin  // here already
              addr_q <= addr_q + 26'd1;
              burst_q <= more;
              state_q <= more ? LOOKUP : IDLE;
            end
          end
        end
        WAIT: begin
          count_q <= count_q - 8'd1;
          if (count_q == 8'd0) begin
            state_q <= DELIVER;
            if (!hit_q) begin
              duke_line_read(host_i, {addr_q, 6'd0}, line);
              for (int i = 0; i < LINE_WORDS; i++) fill_line_o[i] <= line[64*i+:64];
            end
          end
        end
        DELIVER: begin
          burst_q <= !hit_q && more;
          state_q <= !hit_q && more ? LOOKUP : IDLE;
          if (!hit_q && more) addr_q <= addr_q + 26'd1;
        end
        default: state_q <= IDLE;
      endcase
      if (d_wb_i) begin
        wbv_q <= 1'b1;
        wba_q <= d_wb_addr_i;
        wbl_q <= d_wb_line_i;
      end else if (use_wb) begin
        wbv_q <= 1'b0;
      end
    end
    if (use_req && hit && !burst_q) begin
      fill_line_o <= data_q[{set, way}];
    end
    if (evict) begin
      for (int i = 0; i < LINE_WORDS; i++) line[64*i+:64] = data_q[{set, way}][i];
      duke_line_write(host_i, {victim_addr, 6'd0}, line);
    end
    if (active || init_i) begin
      set_q[init_i ? init_idx_i[SB-1:0] : set] <= set_wd;
      lru_q[init_i ? init_idx_i[SB-1:0] : set] <= lru_wd;
    end
    if (use_wb || install) begin
      tag_q[{set, way}] <= addr[31-:TB];
      if (use_wb) data_q[{set, way}] <= wbl_q;
      else data_q[{set, way}] <= fill_line_o;
    end
  end
endmodule
