// The gated store buffer and, beside it, the write buffer of native stores.
//
// Guest stores enter a ring in order; the youngest `gated` of them are not committed. Commit makes gated := 0; rollback drops the
// gated ones; committed ones drain from the head, one double word a cycle. Native stores are architectural when they retire: they
// go to a small ring of their own that drains first. No double word is in both rings with the guest's entry the older one (the
// LSU traps or waits), so a load merges cache, native ring and guest ring in this order and sees the youngest bytes.
module duke_storebuf
  import duke_isa_pkg::*;
  import duke_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,

  // Search, two double words a lane: what to lay over the cache's bytes
  input  logic [1:0]  s_en_i,
  input  logic [1:0]  s_next_i,            // the second double word counts
  input  pair_dw_t    s_lo_i,
  input  pair_dw_t    s_hi_i,
  output pair64_t     s_lo_mask_o,
  output pair64_t     s_lo_data_o,
  output pair64_t     s_hi_mask_o,
  output pair64_t     s_hi_data_o,

  // For native stores: does a double word have guest entries?
  input  logic [1:0]  c_en_i,
  output logic [1:0]  c_gated_o,
  output logic [1:0]  c_committed_o,

  // Allocation by the retiring bundle, in order: lane 0 low, high, lane 1 low, high
  input  logic [3:0]  a_guest_i,
  input  logic [3:0]  a_native_i,
  input  quad_dw_t    a_addr_i,
  input  quad8_t      a_mask_i,
  input  quad64_t     a_data_i,
  input  logic        commit_i,            // after allocation
  input  logic        rollback_i,

  // Drain
  output logic        d_en_o,
  output logic [31:3] d_addr_o,
  output logic [7:0]  d_mask_o,
  output logic [63:0] d_data_o,
  input  logic        d_go_i,              // the cache's port is free
  input  logic        d_done_i,

  output logic [7:0]  gated_o,
  output logic [7:0]  guest_o,             // all guest entries
  output logic [7:0]  native_o
);
  localparam int DEPTH = SPEC_STORE_BUFFER;
  localparam int PB = $clog2(DEPTH);
  localparam int NDEPTH = NATIVE_STORES;
  localparam int NB = $clog2(NDEPTH);

  logic [36:0] sb_q [DEPTH] /* verilator public_flat_rd */;  // mask, address
  logic [63:0] sb_data_q [DEPTH] /* verilator public_flat_rd */;
  logic [36:0] nw_q [NDEPTH] /* verilator public_flat_rd */;
  logic [63:0] nw_data_q [NDEPTH] /* verilator public_flat_rd */;
  logic [PB-1:0] head_q /* verilator public_flat_rd */;
  logic [7:0] count_q /* verilator public_flat_rd */;
  logic [7:0] gated_q /* verilator public_flat_rd */;
  logic [NB-1:0] nhead_q /* verilator public_flat_rd */;
  logic [7:0] ncount_q /* verilator public_flat_rd */;

  assign gated_o = gated_q;
  assign guest_o = count_q;
  assign native_o = ncount_q;

  // Search: double word 2*lane + (0 low, 1 high). From the oldest to the youngest, so that younger bytes win.
  always_comb begin
    automatic logic [31:3] a;
    automatic logic [63:0] m, d, e;
    automatic logic [PB-1:0] p;
    automatic logic [NB-1:0] np;
    automatic logic [7:0] k;
    automatic logic [2:0] q;
    for (int l = 0; l < 2; l++) begin
      s_lo_mask_o[l] = '0;
      s_lo_data_o[l] = '0;
      s_hi_mask_o[l] = '0;
      s_hi_data_o[l] = '0;
    end
    if (s_en_i != '0 && (count_q != '0 || ncount_q != '0)) begin
      q = 3'd0;
      while (q < 3'd4) begin
        if (s_en_i[q[1]] && (!q[0] || s_next_i[q[1]])) begin
          a = q[0] ? s_hi_i[q[1]] : s_lo_i[q[1]];
          m = '0;
          d = '0;
          k = '0;
          np = nhead_q;
          while (k < ncount_q) begin
            if (nw_q[np][28:0] == a) begin
              e = byte_mask(nw_q[np][36:29]);
              d = (d & ~e) | (nw_data_q[np] & e);
              m = m | e;
            end
            np = np + 1'b1;
            k = k + 8'd1;
          end
          k = '0;
          p = head_q;
          while (k < count_q) begin
            if (sb_q[p][28:0] == a) begin
              e = byte_mask(sb_q[p][36:29]);
              d = (d & ~e) | (sb_data_q[p] & e);
              m = m | e;
            end
            p = p + 1'b1;
            k = k + 8'd1;
          end
          if (q[0]) begin
            s_hi_mask_o[q[1]] = m;
            s_hi_data_o[q[1]] = d;
          end else begin
            s_lo_mask_o[q[1]] = m;
            s_lo_data_o[q[1]] = d;
          end
        end
        q = q + 3'd1;
      end
    end
  end

  always_comb begin
    automatic logic [PB-1:0] p;
    automatic logic [7:0] k;
    automatic logic [1:0] l;
    c_gated_o = '0;
    c_committed_o = '0;
    if (c_en_i != '0 && count_q != '0) begin
      l = 2'd0;
      while (l < 2'd2) begin
        if (c_en_i[l[0]]) begin
          k = '0;
          p = head_q;
          while (k < count_q) begin
            if (sb_q[p][28:0] == s_lo_i[l[0]] || (s_next_i[l[0]] && sb_q[p][28:0] == s_hi_i[l[0]])) begin
              if (k >= count_q - gated_q) c_gated_o[l[0]] = 1'b1;
              else c_committed_o[l[0]] = 1'b1;
            end
            p = p + 1'b1;
            k = k + 8'd1;
          end
        end
        l = l + 2'd1;
      end
    end
  end

  // Drain
  logic from_native;
  always_comb begin
    from_native = ncount_q != '0;
    d_en_o = d_go_i && (from_native || count_q != gated_q);
    d_addr_o = '0;
    d_mask_o = '0;
    d_data_o = '0;
    if (d_en_o) begin
      {d_mask_o, d_addr_o} = from_native ? nw_q[nhead_q] : sb_q[head_q];
      d_data_o = from_native ? nw_data_q[nhead_q] : sb_data_q[head_q];
    end
  end

  // Places of the new entries
  logic [PB-1:0] tail;
  logic [NB-1:0] ntail;
  logic [2:0] na, nn;
  logic [PB-1:0] a_at [4];
  logic [NB-1:0] n_at [4];
  always_comb begin
    tail = head_q + count_q[PB-1:0];
    ntail = nhead_q + ncount_q[NB-1:0];
    na = 3'd0;
    nn = 3'd0;
    for (int i = 0; i < 4; i++) begin
      a_at[i] = '0;
      n_at[i] = '0;
    end
    if ((a_guest_i | a_native_i) != '0) begin
      for (int i = 0; i < 4; i++) begin
        a_at[i] = tail + PB'(na);
        n_at[i] = ntail + NB'(nn);
        if (a_guest_i[i]) na = na + 3'd1;
        if (a_native_i[i]) nn = nn + 3'd1;
      end
    end
  end

  logic pop, npop;
  assign npop = d_done_i && from_native;
  assign pop = d_done_i && !from_native;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      head_q <= '0;
      count_q <= '0;
      gated_q <= '0;
      nhead_q <= '0;
      ncount_q <= '0;
    end else begin
      if (pop) head_q <= head_q + 1'b1;
      if (npop) nhead_q <= nhead_q + 1'b1;
      ncount_q <= ncount_q + 8'(nn) - 8'(npop);
      if (rollback_i) begin
        count_q <= count_q - gated_q - 8'(pop);
        gated_q <= '0;
      end else begin
        count_q <= count_q + 8'(na) - 8'(pop);
        gated_q <= commit_i ? '0 : gated_q + 8'(na);
      end
    end
    for (int i = 0; i < 4; i++) begin
      if (a_guest_i[i]) begin
        sb_q[a_at[i]] <= {a_mask_i[i], a_addr_i[i]};
        sb_data_q[a_at[i]] <= a_data_i[i];
      end
      if (a_native_i[i]) begin
        nw_q[n_at[i]] <= {a_mask_i[i], a_addr_i[i]};
        nw_data_q[n_at[i]] <= a_data_i[i];
      end
    end
  end
endmodule
