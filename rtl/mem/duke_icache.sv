// L1 instruction cache: tags and data, read a 32-byte window at a time. A hit is combinational; a miss asks L2 for the line and
// the fetch unit tries again. After a miss the next line of the page is asked for too, if L2 has it.
// `line` drops one line, `flush` empties it at once: every set carries the epoch in which its valid bits were made.
module duke_icache
  import duke_isa_pkg::*;
  import duke_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        init_i,
  input  logic [8:0]  init_idx_i,

  // Fetch
  input  logic        en_i,
  input  logic [31:5] window_i,
  output logic        hit_o,
  output quad64_t     data_o,
  output logic        busy_o,       // a miss is outstanding
  input  logic        flush_i,
  input  logic        line_i,       // drop the line of line_addr_i
  input  logic [31:6] line_addr_i,

  // L2
  output logic        req_o,
  output logic        prefetch_o,
  output logic [31:6] req_addr_o,
  input  logic        fill_i,
  input  logic        drop_i,       // the prefetch was not worth it
  input  line_t       fill_line_i,

  output logic        ev_miss_o
);
  localparam int SB = $clog2(L1I_SETS);
  localparam int WAYS = CACHES_L1I_WAYS;
  localparam int WB = $clog2(WAYS);
  localparam int TB = 26 - SB;
  localparam int EB = 8;

  logic [EB+WAYS-1:0] set_q [L1I_SETS] /* verilator public_flat_rd */;  // epoch, valid bits
  logic [TB-1:0] tag_q [L1I_SETS * WAYS] /* verilator public_flat_rd */;
  logic [23:0] lru_q [L1I_SETS];
  line_t data_q [L1I_SETS * WAYS];
  logic [EB-1:0] epoch_q, epoch_next;
  logic miss_q, stale_q, prefetch_q, next_q;
  logic [31:6] miss_addr_q;

  assign busy_o = miss_q;
  assign req_o = miss_q;
  assign req_addr_o = miss_addr_q;
  assign prefetch_o = prefetch_q;
  assign epoch_next = epoch_q + 1'b1;

  logic [SB-1:0] set;
  logic [WB-1:0] way;
  logic [23:0] order;
  always_comb begin
    automatic logic [EB+WAYS-1:0] state;
    set = window_i[6+:SB];
    hit_o = 1'b0;
    way = '0;
    order = LRU_INIT;
    data_o[0] = '0;
    data_o[1] = '0;
    data_o[2] = '0;
    data_o[3] = '0;
    if (en_i) begin
      state = set_q[set];
      order = lru_q[set];
      if (state[EB+WAYS-1:WAYS] == epoch_q) begin
        for (int w = 0; w < WAYS; w++) begin
          if (state[w] && tag_q[{set, WB'(w)}] == window_i[31-:TB]) begin
            hit_o = 1'b1;
            way = WB'(w);
          end
        end
      end
      if (hit_o) begin
        data_o[0] = data_q[{set, way}][{window_i[5], 2'd0}];
        data_o[1] = data_q[{set, way}][{window_i[5], 2'd1}];
        data_o[2] = data_q[{set, way}][{window_i[5], 2'd2}];
        data_o[3] = data_q[{set, way}][{window_i[5], 2'd3}];
      end
    end
  end

  assign ev_miss_o = en_i && !hit_o && !miss_q;

  // After the fill of a miss: is the next line there already?
  logic next_go;
  logic [31:6] next_addr;
  always_comb begin
    automatic logic [SB-1:0] s;
    automatic logic there;
    next_addr = miss_addr_q + 26'd1;
    s = next_addr[6+:SB];
    there = 1'b0;
    if (next_q) begin
      for (int w = 0; w < WAYS; w++) begin
        if (set_q[s][EB+WAYS-1:WAYS] == epoch_q && set_q[s][w] && tag_q[{s, WB'(w)}] == next_addr[31-:TB]) there = 1'b1;
      end
    end
    next_go = next_q && !there && next_addr[11:6] != 6'd0;
  end

  // Fill: an invalid way, else the oldest. A line asked for before a flush may be stale and is dropped.
  logic set_we;
  logic [SB-1:0] set_wi;
  logic [EB+WAYS-1:0] set_wd;
  logic fill_en;
  logic [WB-1:0] fill_way;
  logic lru_we;
  logic [SB-1:0] lru_wi;
  logic [23:0] lru_wd;
  always_comb begin
    automatic logic [WAYS-1:0] valid;
    set_we = 1'b0;
    set_wi = init_idx_i[SB-1:0];
    set_wd = '0;
    fill_en = 1'b0;
    fill_way = '0;
    lru_we = en_i && hit_o && order[WB-1:0] != way;
    lru_wi = set;
    lru_wd = LRU_INIT;
    if (lru_we) lru_wd = lru_touch(order, 3'(way));
    valid = '0;
    if (init_i) begin
      set_we = 1'b1;
      lru_we = 1'b1;
      lru_wi = init_idx_i[SB-1:0];
    end else if (flush_i) begin
      // Cleaning one set a flush makes sure that no set is left with an epoch that comes round again.
      set_we = 1'b1;
      set_wi = epoch_next[SB-1:0];
      set_wd = {epoch_next, {WAYS{1'b0}}};
    end else if (line_i) begin
      set_wi = line_addr_i[6+:SB];
      valid = (set_q[set_wi][EB+WAYS-1:WAYS] == epoch_q) ? set_q[set_wi][WAYS-1:0] : '0;
      for (int w = 0; w < WAYS; w++) if (tag_q[{set_wi, WB'(w)}] == line_addr_i[31-:TB]) valid[w] = 1'b0;
      set_we = 1'b1;
      set_wd = {epoch_q, valid};
    end else if (fill_i && !stale_q) begin
      fill_en = 1'b1;
      set_wi = miss_addr_q[6+:SB];
      valid = (set_q[set_wi][EB+WAYS-1:WAYS] == epoch_q) ? set_q[set_wi][WAYS-1:0] : '0;
      lru_wd = lru_q[set_wi];
      fill_way = lru_wd[3*(WAYS-1)+:WB];
      for (int w = WAYS - 1; w >= 0; w--) if (!valid[w]) fill_way = WB'(w);
      valid[fill_way] = 1'b1;
      set_we = 1'b1;
      set_wd = {epoch_q, valid};
      lru_we = 1'b1;
      lru_wi = set_wi;
      lru_wd = lru_touch(lru_wd, 3'(fill_way));
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      epoch_q <= '0;
      miss_q <= 1'b0;
      stale_q <= 1'b0;
      prefetch_q <= 1'b0;
      next_q <= 1'b0;
      miss_addr_q <= '0;
    end else begin
      if (flush_i) epoch_q <= epoch_next;
      next_q <= fill_i && !prefetch_q && !stale_q && !flush_i && !line_i;
      if (fill_i || drop_i) begin
        miss_q <= 1'b0;
      end else if (ev_miss_o) begin
        miss_q <= 1'b1;
        prefetch_q <= 1'b0;
        miss_addr_q <= window_i[31:6];
      end else if (next_go && !flush_i && !line_i) begin
        miss_q <= 1'b1;
        prefetch_q <= 1'b1;
        miss_addr_q <= next_addr;
      end
      stale_q <= miss_q && !fill_i && !drop_i && (stale_q || flush_i || line_i);
    end
    if (set_we) set_q[set_wi] <= set_wd;
    if (lru_we) lru_q[lru_wi] <= lru_wd;
    if (fill_en) begin
      tag_q[{set_wi, fill_way}] <= miss_addr_q[31-:TB];
      data_q[{set_wi, fill_way}] <= fill_line_i;
    end
  end
endmodule
