// M: memory ops. Checks addresses, reads TLB, cache and store buffer, finds traps, and hands stores to the buffers when the bundle
// retires. An access that crosses a line (so also one that crosses a page) takes a second step for the upper part. A miss is
// waited for and the step tried again. Nothing has an effect before all checks of all ops of the bundle have passed.
module duke_lsu
  import duke_isa_pkg::*;
  import duke_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic [19:0] dram_pages_i,
  input  logic [19:0] hidden_pages_i,
  input  logic [7:0]  store_buffer_i,     // its entries

  // Bundle in M
  input  logic        valid_i,            // with memory ops to do
  input  logic [1:0]  lane_i,             // the lane holds a memory op
  input  uop2_t       uop_i,
  input  pair64_t     ea_i,
  input  pair64_t     data_i,
  input  logic        wrap_i,             // gctl bit 0
  input  logic        user_i,             // gctl bit 1
  input  logic        retire_i,           // the bundle completes without a trap
  input  logic        leave_i,            // it completes, or is killed

  output logic        done_o,             // nothing to wait for
  output logic [2:0]  why_o,              // REASON_* while not done
  output logic        trap_o,
  output logic [4:0]  cause_o,
  output logic [63:0] tval_o,
  output logic [10:0] tinfo_o,
  output pair64_t     value_o,        // of loads
  output logic [1:0]  failed_o,           // speculative load that could not be done
  output pair64_t     va_o,
  output pair32_t     pa_o,           // of the first byte

  // TLB
  output logic [1:0]   tlb_en_o,
  output pair_vpn_t   tlb_vpn_o,
  input  logic [1:0]   tlb_hit_i,
  input  pair32_t     tlb_entry_i,
  input  pair64_t     tlb_mask_i,

  // L1D
  output logic [1:0]  dc_en_o,
  output pair_dw_t    dc_addr_o,
  output logic [1:0]  dc_next_o,
  input  logic [1:0]  dc_hit_i,
  input  pair64_t     dc_lo_i,
  input  pair64_t     dc_hi_i,
  input  logic        dc_busy_i,

  // Store buffer
  output logic [1:0]  sb_search_o,
  output logic [1:0]  sb_check_o,
  output logic [1:0]  sb_next_o,
  output pair_dw_t    sb_lo_o,
  output pair_dw_t    sb_hi_o,
  input  pair64_t     sb_lo_mask_i,
  input  pair64_t     sb_lo_data_i,
  input  pair64_t     sb_hi_mask_i,
  input  pair64_t     sb_hi_data_i,
  input  logic [1:0]  sb_gated_i,
  input  logic [1:0]  sb_committed_i,
  input  logic [7:0]  sb_gated_count_i,
  input  logic [7:0]  sb_guest_count_i,
  input  logic [7:0]  sb_native_count_i,
  output logic [3:0]  sb_guest_o,
  output logic [3:0]  sb_native_o,
  output quad_dw_t    sb_addr_o,
  output quad8_t      sb_mask_o,
  output quad64_t     sb_data_o,

  // Alias table
  output logic [1:0]  al_check_o,
  input  logic [1:0]  al_hit_i,

  output logic [1:0]  ev_forward_o        // a load took bytes from the store buffer
);
  // What the first step leaves for the second.
  logic step_q, wait_q;
  logic [1:0] fail_q, outside_q, forward_q;
  logic [4:0] cause_q [2];
  pair32_t pa_q;
  pair64_t value_q;

  logic go;
  assign go = valid_i && !wait_q;

  // Addresses of this step.
  logic [1:0] is_load, line_cross, page_cross, dword_cross, act;
  pair64_t va;
  pair64_t addr;
  always_comb begin
    automatic logic [3:0] last;
    automatic logic [63:0] up;
    for (int l = 0; l < 2; l++) begin
      is_load[l] = uop_i[l].kind == KIND_LOAD;
      va[l] = '0;
      addr[l] = '0;
      line_cross[l] = 1'b0;
      page_cross[l] = 1'b0;
      dword_cross[l] = 1'b0;
      act[l] = 1'b0;
      tlb_vpn_o[l] = '0;
      if (go && lane_i[l]) begin
        last = (4'd1 << uop_i[l].size) - 4'd1;
        va[l] = ea_i[l];
        if (!uop_i[l].guest || wrap_i) va[l][63:32] = '0;
        dword_cross[l] = {1'b0, va[l][2:0]} + last > 4'd7;
        line_cross[l] = dword_cross[l] && va[l][5:3] == 3'd7;
        page_cross[l] = line_cross[l] && va[l][11:6] == 6'h3f;
        act[l] = !step_q || (line_cross[l] && !fail_q[l]);
        addr[l] = va[l];
        if (step_q) begin
          up = {va[l][63:6] + 58'd1, 6'd0};
          if (!uop_i[l].guest || wrap_i) up[63:32] = '0;
          addr[l] = up;
        end
        tlb_vpn_o[l] = addr[l][63:12];
      end
      tlb_en_o[l] = act[l] && uop_i[l].guest && (!step_q || page_cross[l]);
    end
  end
  assign va_o = va;

  // Translation and the checks of this step's page.
  logic [1:0] page_fail, outside;
  logic [4:0] page_cause [2];
  pair32_t pa;
  always_comb begin
    automatic logic [1:0] chunks;
    for (int l = 0; l < 2; l++) begin
      page_fail[l] = 1'b0;
      page_cause[l] = '0;
      pa[l] = '0;
      outside[l] = 1'b0;
      if (act[l]) begin
        pa[l] = addr[l][31:0];
        if (tlb_en_o[l]) begin
          pa[l] = {tlb_entry_i[l][31:12], addr[l][11:0]};
          chunks[0] = tlb_mask_i[l][addr[l][11:6]];
          chunks[1] = line_cross[l] && !page_cross[l] && tlb_mask_i[l][addr[l][11:6] + 6'd1];
          page_fail[l] = 1'b1;
          if (!tlb_hit_i[l]) page_cause[l] = is_load[l] ? TRAP_TLB_MISS_LOAD : TRAP_TLB_MISS_STORE;
          else if (user_i && !tlb_entry_i[l][2]) page_cause[l] = is_load[l] ? TRAP_PROT_LOAD : TRAP_PROT_STORE;
          else if (!is_load[l] && !tlb_entry_i[l][1]) page_cause[l] = TRAP_PROT_STORE;
          else if (!is_load[l] && chunks != 2'd0) page_cause[l] = TRAP_TRANSLATED;
          else if (tlb_entry_i[l][3] && uop_i[l].spec != SPEC_NO) page_cause[l] = TRAP_DEVICE;
          else page_fail[l] = 1'b0;
        end else if (uop_i[l].guest) begin
          pa[l] = {pa_q[l][31:6] + 26'd1, 6'd0};
        end
        outside[l] = !(pa[l][31:12] < dram_pages_i
                       || (pa[l][31:30] == 2'b01 && {2'b0, pa[l][29:12]} < hidden_pages_i));
      end
    end
  end

  // Cache and store buffer.
  pair32_t first_pa;
  always_comb begin
    for (int l = 0; l < 2; l++) begin
      first_pa[l] = step_q ? pa_q[l] : pa[l];
      dc_en_o[l] = act[l] && is_load[l] && !page_fail[l] && !outside[l] && !outside_q[l];
      dc_addr_o[l] = pa[l][31:3];
      dc_next_o[l] = dword_cross[l] && !line_cross[l];
      sb_search_o[l] = dc_en_o[l];
      sb_lo_o[l] = pa[l][31:3];
      sb_hi_o[l] = pa[l][31:3] + 29'd1;
      sb_next_o[l] = dc_next_o[l];
      al_check_o[l] = go && lane_i[l] && !is_load[l] && uop_i[l].spec == SPEC_CHECK;
      // A native store is looked up whole, in its last step.
      sb_check_o[l] = go && lane_i[l] && !is_load[l] && !uop_i[l].guest;
      if (sb_check_o[l]) begin
        sb_next_o[l] = dword_cross[l];
        sb_lo_o[l] = first_pa[l][31:3];
        sb_hi_o[l] = first_pa[l][31:3] + 29'd1;
      end
    end
  end

  logic [1:0] miss, forward;
  pair64_t raw;
  always_comb begin
    automatic logic [63:0] lo, hi;
    for (int l = 0; l < 2; l++) begin
      miss[l] = dc_en_o[l] && !dc_hit_i[l];
      raw[l] = value_q[l];
      forward[l] = forward_q[l];
      if (dc_en_o[l] && dc_hit_i[l]) begin
        lo = (dc_lo_i[l] & ~sb_lo_mask_i[l]) | (sb_lo_data_i[l] & sb_lo_mask_i[l]);
        hi = (dc_hi_i[l] & ~sb_hi_mask_i[l]) | (sb_hi_data_i[l] & sb_hi_mask_i[l]);
        forward[l] = forward[l] || sb_lo_mask_i[l] != '0 || sb_hi_mask_i[l] != '0;
        if (!step_q) begin
          raw[l] = lo >> {va[l][2:0], 3'd0};
          // The upper part; of a shift by 64 nothing is left, as it must be.
          if (dc_next_o[l]) raw[l] = raw[l] | (hi << {3'd0 - va[l][2:0], 3'd0});
        end else begin
          raw[l] = value_q[l] | (lo << {3'd0 - va[l][2:0], 3'd0});
        end
      end
    end
  end

  // Whether the two lanes' stores share a double word: only asked for a guest store followed by a native one.
  logic overlap;
  pair_dw_t hi_pa;
  always_comb begin
    overlap = 1'b0;
    for (int l = 0; l < 2; l++) begin
      // In the second step pa is the upper part's address.
      hi_pa[l] = (step_q && line_cross[l]) ? pa[l][31:3] : first_pa[l][31:3] + 29'd1;
    end
    if (go && lane_i == 2'b11 && !is_load[0] && !is_load[1]) begin
      overlap = first_pa[0][31:3] == first_pa[1][31:3]
        || (dword_cross[0] && hi_pa[0] == first_pa[1][31:3])
        || (dword_cross[1] && first_pa[0][31:3] == hi_pa[1])
        || (dword_cross[0] && dword_cross[1] && hi_pa[0] == hi_pa[1]);
    end
  end

  // Outcome of the bundle's memory ops, known when the last step is through.
  logic last_step, need_step;
  assign need_step = (line_cross & ~page_fail) != '0;
  assign last_step = step_q || !need_step;

  logic [1:0] fail, beyond;
  logic [4:0] cause [2];
  logic room, order_wait;
  logic [3:0] guest_a, native_a;
  always_comb begin
    automatic logic [7:0] guest_n, native_n;
    automatic logic [1:0] store, guest_store, native_store;
    automatic logic same;
    done_o = 1'b1;
    why_o = REASON_DCACHE;
    trap_o = 1'b0;
    cause_o = '0;
    tval_o = '0;
    tinfo_o = '0;
    failed_o = '0;
    guest_a = '0;
    native_a = '0;
    guest_n = '0;
    native_n = '0;
    fail = fail_q;
    beyond = outside_q;
    room = 1'b1;
    order_wait = 1'b0;
    store = '0;
    guest_store = '0;
    native_store = '0;
    same = 1'b0;
    for (int l = 0; l < 2; l++) cause[l] = cause_q[l];
    if (valid_i) begin
      done_o = 1'b0;
      if (go && miss == '0) begin
        for (int l = 0; l < 2; l++) begin
          if (page_fail[l]) begin
            fail[l] = 1'b1;
            cause[l] = page_cause[l];
          end
          beyond[l] = outside_q[l] || outside[l];
        end
        if (!last_step) begin
          why_o = REASON_SERIAL;
        end else begin
          done_o = 1'b1;
          for (int l = 0; l < 2; l++) begin
            store[l] = lane_i[l] && !is_load[l];
            guest_store[l] = store[l] && uop_i[l].guest;
            native_store[l] = store[l] && !uop_i[l].guest;
            if (lane_i[l] && !fail[l]) begin
              if (guest_store[l]) begin
                guest_n = guest_n + (dword_cross[l] ? 8'd2 : 8'd1);
                if (sb_gated_count_i + guest_n > store_buffer_i) begin
                  fail[l] = 1'b1;
                  cause[l] = TRAP_SB_OVERFLOW;
                end else if (al_hit_i[l]) begin
                  fail[l] = 1'b1;
                  cause[l] = TRAP_ALIAS;
                end
              end
              if (!fail[l] && beyond[l] && (store[l] || uop_i[l].guest)) begin
                fail[l] = 1'b1;
                cause[l] = TRAP_NATIVE;
              end
              if (native_store[l]) begin
                native_n = native_n + (dword_cross[l] ? 8'd2 : 8'd1);
                same = l == 1 && guest_store[0] && overlap;
                if (sb_gated_i[l] || same) begin
                  fail[l] = 1'b1;
                  cause[l] = TRAP_NATIVE;
                end
                order_wait = order_wait || sb_committed_i[l];
              end
            end
            // The second lane's op matters only if the first one's did not trap.
            if (lane_i[l] && fail[l]) begin
              if (uop_i[l].spec == SPEC_SPECULATIVE) begin
                failed_o[l] = 1'b1;
              end else if (!trap_o) begin
                trap_o = 1'b1;
                cause_o = cause[l];
                tval_o = va[l];
                if (step_q && page_fail[l] && page_cross[l]) tval_o = addr[l];
                tinfo_o = {uop_i[l].pos, 3'd0, store[l], 4'd1 << uop_i[l].size};
              end
            end
            guest_a[2*l] = guest_store[l];
            guest_a[2*l+1] = guest_store[l] && dword_cross[l];
            native_a[2*l] = native_store[l];
            native_a[2*l+1] = native_store[l] && dword_cross[l];
          end
          room = sb_guest_count_i + guest_n <= store_buffer_i
              && sb_native_count_i + native_n <= 8'(NATIVE_STORES);
          if (!trap_o && (!room || order_wait)) begin
            done_o = 1'b0;
            why_o = REASON_STOREBUF;
          end
        end
      end
    end
  end

  // Loaded values
  always_comb begin
    for (int l = 0; l < 2; l++) begin
      value_o[l] = '0;
      // A native load outside memory gives zero.
      if (lane_i[l] && is_load[l] && !failed_o[l] && !beyond[l]) begin
        case (uop_i[l].size)
          2'd0: value_o[l] = {{56{uop_i[l].sign && raw[l][7]}}, raw[l][7:0]};
          2'd1: value_o[l] = {{48{uop_i[l].sign && raw[l][15]}}, raw[l][15:0]};
          2'd2: value_o[l] = {{32{uop_i[l].sign && raw[l][31]}}, raw[l][31:0]};
          default: value_o[l] = raw[l];
        endcase
      end
      pa_o[l] = first_pa[l];
    end
  end

  // Stores of a retiring bundle
  always_comb begin
    automatic logic [15:0] m;
    sb_guest_o = retire_i ? guest_a : '0;
    sb_native_o = retire_i ? native_a : '0;
    for (int l = 0; l < 2; l++) begin
      sb_addr_o[2*l] = '0;
      sb_addr_o[2*l+1] = '0;
      sb_mask_o[2*l] = '0;
      sb_mask_o[2*l+1] = '0;
      sb_data_o[2*l] = '0;
      sb_data_o[2*l+1] = '0;
      if (sb_guest_o[2*l] || sb_native_o[2*l]) begin
        m = ((16'd1 << (5'd1 << uop_i[l].size)) - 16'd1) << va[l][2:0];
        sb_addr_o[2*l] = first_pa[l][31:3];
        sb_addr_o[2*l+1] = hi_pa[l];
        sb_mask_o[2*l] = m[7:0];
        sb_mask_o[2*l+1] = m[15:8];
        sb_data_o[2*l] = data_i[l] << {va[l][2:0], 3'd0};
        sb_data_o[2*l+1] = data_i[l] >> {3'd0 - va[l][2:0], 3'd0};
      end
    end
  end

  assign ev_forward_o = retire_i ? forward & lane_i & is_load : '0;

  // Try again as soon as no miss is outstanding.
  logic dc_busy_next;
  assign dc_busy_next = dc_busy_i || miss != '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || leave_i) begin
      step_q <= 1'b0;
      wait_q <= 1'b0;
      fail_q <= '0;
      outside_q <= '0;
      forward_q <= '0;
    end else if (valid_i) begin
      wait_q <= (wait_q || (go && miss != '0)) && dc_busy_next;
      if (go && miss == '0 && !last_step) begin
        step_q <= 1'b1;
        fail_q <= fail;
        outside_q <= beyond;
        forward_q <= forward;
      end
    end
    if (go && miss == '0 && !step_q && need_step) begin
      cause_q <= cause;
      pa_q <= pa;
      value_q <= raw;
    end
  end
endmodule
