// L1 data cache: physically tagged, write-back, write-allocate, LRU. Each memory lane reads a double word and the next one of the
// same line; one port writes a double word. Hits are combinational. One miss is outstanding at a time; loads go before the write
// port. In the cycle of a fill, which swaps victim and new line, and while L2 snoops, nothing else gets through.
module duke_dcache
  import duke_isa_pkg::*;
  import duke_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        init_i,
  input  logic [8:0]  init_idx_i,

  // Reads, one port a memory lane
  input  logic [1:0]  rd_en_i,
  input  pair_dw_t    rd_addr_i,
  input  logic [1:0]  rd_next_i,          // the next double word too
  output logic [1:0]  rd_hit_o,
  output pair64_t     rd_lo_o,
  output pair64_t     rd_hi_o,
  output logic        miss_busy_o,        // a miss is outstanding

  // Write
  input  logic        wr_en_i,
  input  logic [31:3] wr_addr_i,
  input  logic [7:0]  wr_mask_i,
  input  logic [63:0] wr_data_i,
  output logic        wr_done_o,

  // L2
  output logic        req_o,
  output logic [31:6] req_addr_o,
  input  logic        fill_i,
  input  line_t       fill_line_i,
  output logic        wb_o,
  output logic [31:6] wb_addr_o,
  output line_t       wb_line_o,
  input  logic        snoop_i,
  input  logic [31:6] snoop_addr_i,

  output logic        ev_miss_o
);
  localparam int SB = $clog2(L1D_SETS);
  localparam int WAYS = CACHES_L1D_WAYS;
  localparam int WB = $clog2(WAYS);
  localparam int TB = 26 - SB;

  logic [2*WAYS-1:0] set_q [L1D_SETS] /* verilator public_flat_rd */;  // dirty bits, valid bits
  logic [TB-1:0] tag_q [L1D_SETS * WAYS] /* verilator public_flat_rd */;
  logic [23:0] lru_q [L1D_SETS];
  line_t data_q [L1D_SETS * WAYS] /* verilator public_flat_rd */;
  logic miss_q;
  logic [31:6] miss_addr_q;

  logic blocked;
  assign blocked = fill_i || snoop_i;
  assign miss_busy_o = miss_q && !fill_i;

  // Reads
  logic [1:0] touch;
  logic [23:0] order [2];
  logic [WB-1:0] way [2];
  always_comb begin
    automatic logic [SB-1:0] set;
    automatic logic [WAYS-1:0] valid;
    rd_hit_o = '0;
    touch = '0;
    for (int l = 0; l < LANES_M; l++) begin
      rd_lo_o[l] = '0;
      rd_hi_o[l] = '0;
      order[l] = LRU_INIT;
      way[l] = '0;
      if (rd_en_i[l] && !blocked) begin
        set = rd_addr_i[l][6+:SB];
        valid = set_q[set][WAYS-1:0];
        for (int w = 0; w < WAYS; w++) begin
          if (valid[w] && tag_q[{set, WB'(w)}] == rd_addr_i[l][31-:TB]) begin
            rd_hit_o[l] = 1'b1;
            way[l] = WB'(w);
          end
        end
        if (rd_hit_o[l]) begin
          rd_lo_o[l] = data_q[{set, way[l]}][rd_addr_i[l][5:3]];
          if (rd_next_i[l] && rd_addr_i[l][5:3] != 3'd7) rd_hi_o[l] = data_q[{set, way[l]}][rd_addr_i[l][5:3] + 3'd1];
          order[l] = lru_q[set];
          touch[l] = order[l][WB-1:0] != way[l];
          if (touch[l]) begin
            // Two touches of one set in a cycle: the second works on the first one's order.
            if (l == 1 && touch[0] && set == rd_addr_i[0][6+:SB]) order[l] = order[0];
            order[l] = lru_touch(order[l], 3'(way[l]));
          end
        end
      end
    end
    for (int l = LANES_M; l < 2; l++) begin
      rd_lo_o[l] = '0;
      rd_hi_o[l] = '0;
      order[l] = LRU_INIT;
      way[l] = '0;
    end
  end

  // The write port, the victim of a fill and the snoop share what follows: at most one of them is active.
  logic wr_hit;
  logic [WB-1:0] wr_way;
  always_comb begin
    automatic logic [SB-1:0] set;
    wr_hit = 1'b0;
    wr_way = '0;
    if (wr_en_i && !blocked) begin
      set = wr_addr_i[6+:SB];
      for (int w = 0; w < WAYS; w++) begin
        if (set_q[set][w] && tag_q[{set, WB'(w)}] == wr_addr_i[31-:TB]) begin
          wr_hit = 1'b1;
          wr_way = WB'(w);
        end
      end
    end
  end
  assign wr_done_o = wr_hit;

  logic set_we, fill_en;
  logic [SB-1:0] set_wi;
  logic [2*WAYS-1:0] set_wd;
  logic [WB-1:0] fill_way;
  logic data_we;
  logic [SB+WB-1:0] data_wi;
  logic [2:0] data_wo;
  logic [63:0] data_wd;
  logic lru_we;
  logic [23:0] lru_wd;
  always_comb begin
    automatic logic [63:0] m;
    automatic logic dirty;
    set_we = 1'b0;
    set_wi = init_idx_i[SB-1:0];
    set_wd = '0;
    fill_en = 1'b0;
    fill_way = '0;
    data_we = 1'b0;
    data_wi = '0;
    data_wo = '0;
    data_wd = '0;
    lru_we = 1'b0;
    lru_wd = LRU_INIT;
    wb_o = 1'b0;
    wb_addr_o = snoop_addr_i;
    m = '0;
    dirty = 1'b0;
    for (int i = 0; i < LINE_WORDS; i++) wb_line_o[i] = '0;
    if (init_i) begin
      set_we = 1'b1;
      lru_we = 1'b1;
    end else if (fill_i) begin
      fill_en = 1'b1;
      set_wi = miss_addr_q[6+:SB];
      set_wd = set_q[set_wi];
      lru_wd = lru_q[set_wi];
      fill_way = lru_wd[3*(WAYS-1)+:WB];
      for (int w = WAYS - 1; w >= 0; w--) if (!set_wd[w]) fill_way = WB'(w);
      wb_o = set_wd[{1'b1, fill_way}] && set_wd[{1'b0, fill_way}];
      wb_addr_o = {tag_q[{set_wi, fill_way}], set_wi};
      set_wd[{1'b1, fill_way}] = 1'b0;
      set_wd[{1'b0, fill_way}] = 1'b1;
      set_we = 1'b1;
      lru_we = 1'b1;
      lru_wd = lru_touch(lru_wd, 3'(fill_way));
    end else if (snoop_i) begin
      set_wi = snoop_addr_i[6+:SB];
      set_wd = set_q[set_wi];
      for (int w = 0; w < WAYS; w++) begin
        if (set_wd[w] && set_wd[WAYS+w] && tag_q[{set_wi, WB'(w)}] == snoop_addr_i[31-:TB]) begin
          dirty = 1'b1;
          fill_way = WB'(w);
        end
      end
      wb_o = dirty;
      set_we = dirty;
      set_wd[{1'b1, fill_way}] = 1'b0;
    end else if (wr_hit) begin
      set_wi = wr_addr_i[6+:SB];
      set_wd = set_q[set_wi];
      set_we = !set_wd[{1'b1, wr_way}];
      set_wd[{1'b1, wr_way}] = 1'b1;
      data_we = 1'b1;
      data_wi = {set_wi, wr_way};
      data_wo = wr_addr_i[5:3];
      m = byte_mask(wr_mask_i);
      data_wd = (data_q[data_wi][data_wo] & ~m) | (wr_data_i & m);
      lru_wd = lru_q[set_wi];
      lru_we = lru_wd[WB-1:0] != wr_way;
      if (lru_we) lru_wd = lru_touch(lru_wd, 3'(wr_way));
    end
    if (wb_o) begin
      wb_line_o = data_q[{set_wi, fill_way}];
    end
  end

  // Misses
  logic new_miss;
  logic [31:6] new_addr;
  always_comb begin
    new_miss = 1'b0;
    new_addr = wr_addr_i[31:6];
    if (!miss_q && !blocked) begin
      if (rd_en_i[0] && !rd_hit_o[0]) begin
        new_miss = 1'b1;
        new_addr = rd_addr_i[0][31:6];
      end else if (rd_en_i[1] && !rd_hit_o[1]) begin
        new_miss = 1'b1;
        new_addr = rd_addr_i[1][31:6];
      end else begin
        new_miss = wr_en_i && !wr_hit;
      end
    end
  end
  assign ev_miss_o = new_miss;
  assign req_o = miss_q;
  assign req_addr_o = miss_addr_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      miss_q <= 1'b0;
      miss_addr_q <= '0;
    end else if (fill_i) begin
      miss_q <= 1'b0;
    end else if (new_miss) begin
      miss_q <= 1'b1;
      miss_addr_q <= new_addr;
    end
    if (set_we) set_q[set_wi] <= set_wd;
    if (touch[0]) lru_q[rd_addr_i[0][6+:SB]] <= order[0];
    if (touch[1]) lru_q[rd_addr_i[1][6+:SB]] <= order[1];
    if (lru_we) lru_q[set_wi] <= lru_wd;
    if (data_we) data_q[data_wi][data_wo] <= data_wd;
    if (fill_en) begin
      tag_q[{set_wi, fill_way}] <= miss_addr_q[31-:TB];
      data_q[{set_wi, fill_way}] <= fill_line_i;
    end
  end
endmodule
