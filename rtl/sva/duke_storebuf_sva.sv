// Checker of duke_storebuf: nothing uncommitted escapes. A gated store has a number of its own; what drains must have been
// committed, in the order of the stores, with the address and bytes that came in.
module duke_storebuf_sva
  import duke_isa_pkg::*;
  import duke_pkg::*;
(
  input logic        clk_i,
  input logic        rst_ni,
  input logic [3:0]  a_guest_i,
  input quad_dw_t    a_addr_i,
  input quad8_t      a_mask_i,
  input quad64_t     a_data_i,
  input logic        commit_i,
  input logic        rollback_i,
  input logic        d_en_o,
  input logic        d_done_i,
  input logic [31:3] d_addr_o,
  input logic [7:0]  d_mask_o,
  input logic [63:0] d_data_o,
  input logic        from_native,
  input logic [7:0]  gated_o,
  input logic [7:0]  guest_o,
  input logic [7:0]  native_o
);
  // A plain log of guest stores: a long ring, committed up to `safe_q`, drained up to `out_q`, next free `in_q`.
  localparam int LOG = 256;
  logic [7:0] in_q, safe_q, out_q;
  logic [100:0] log_q [LOG];

  always_ff @(posedge clk_i) begin
    automatic logic [7:0] n;
    if (!rst_ni) begin
      in_q <= '0;
      safe_q <= '0;
      out_q <= '0;
    end else begin
      n = in_q;
      for (int i = 0; i < 4; i++) begin
        if (a_guest_i[i]) begin
          log_q[n] <= {a_mask_i[i], a_addr_i[i], a_data_i[i]};
          n = n + 8'd1;
        end
      end
      if (commit_i) safe_q <= n;
      in_q <= rollback_i ? safe_q : n;
      if (d_done_i && !from_native) begin
        assert (out_q != safe_q) else $error("storebuf: a gated store escapes, double word %h", d_addr_o);
        assert (log_q[out_q] == {d_mask_o, d_addr_o, d_data_o}) else $error("storebuf: drained out of order or changed");
        out_q <= out_q + 8'd1;
      end
      assert (!d_done_i || d_en_o) else $error("storebuf: drain without request");
      assert (guest_o == in_q - out_q && gated_o == in_q - safe_q) else $error("storebuf: counts");
      assert (guest_o <= 8'(SPEC_STORE_BUFFER) && native_o <= 8'(NATIVE_STORES)) else $error("storebuf: overfull");
    end
  end
endmodule

bind duke_storebuf duke_storebuf_sva storebuf_sva (.*);
