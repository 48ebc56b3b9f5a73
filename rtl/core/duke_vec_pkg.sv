// Packed integer ops of unit V on 64 bits: bytes, halves, words. packed_value is done in X, packed_product comes in W like a
// product. The other statement of what they are is morph/guest/simd_lanes.h, which the functional engine uses.
package duke_vec_pkg;
  import duke_isa_pkg::*;

  // Saturates to n bits, signed or unsigned.
  function automatic logic signed [17:0] clamp(input logic signed [17:0] v, input logic signed [17:0] lo, input logic signed [17:0] hi);
    return v < lo ? lo : v > hi ? hi : v;
  endfunction

  function automatic logic [63:0] by_bytes(input logic [6:0] code, input logic [63:0] a, input logic [63:0] b);
    logic [63:0] r;
    logic signed [7:0] x, y, z;
    logic signed [17:0] sx, sy, ux, uy, v;
    for (int i = 0; i < 8; i++) begin
      x = a[8*i +: 8];
      y = b[8*i +: 8];
      sx = 18'(x);
      sy = 18'(y);
      ux = {10'd0, x};
      uy = {10'd0, y};
      v = '0;
      z = '0;
      case (code)
        VEC_PADD_B: z = x + y;
        VEC_PSUB_B: z = x - y;
        VEC_PCMPEQ_B: z = {8{x == y}};
        VEC_PCMPGT_B: z = {8{x > y}};
        VEC_PMINS_B: z = x < y ? x : y;
        VEC_PMAXS_B: z = x > y ? x : y;
        VEC_PMINU_B: z = $unsigned(x) < $unsigned(y) ? x : y;
        VEC_PMAXU_B: z = $unsigned(x) > $unsigned(y) ? x : y;
        VEC_PSIGN_B: z = y[7] ? -x : y == '0 ? '0 : x;
        VEC_PABS_B: z = x[7] ? -x : x;
        VEC_PADDS_B: v = clamp(sx + sy, -18'sd128, 18'sd127);
        VEC_PADDUS_B: v = clamp(ux + uy, 18'sd0, 18'sd255);
        VEC_PSUBS_B: v = clamp(sx - sy, -18'sd128, 18'sd127);
        VEC_PSUBUS_B: v = clamp(ux - uy, 18'sd0, 18'sd255);
        VEC_PAVG_B: v = (ux + uy + 18'sd1) >> 1;
        default: ;
      endcase
      r[8*i +: 8] = z | v[7:0];
    end
    return r;
  endfunction

  function automatic logic [63:0] by_halves(input logic [6:0] code, input logic [63:0] a, input logic [63:0] b);
    logic [63:0] r;
    logic signed [15:0] x, y, z;
    logic signed [17:0] sx, sy, ux, uy, v;
    for (int i = 0; i < 4; i++) begin
      x = a[16*i +: 16];
      y = b[16*i +: 16];
      sx = 18'(x);
      sy = 18'(y);
      ux = {2'd0, x};
      uy = {2'd0, y};
      v = '0;
      z = '0;
      case (code)
        VEC_PADD_H: z = x + y;
        VEC_PSUB_H: z = x - y;
        VEC_PCMPEQ_H: z = {16{x == y}};
        VEC_PCMPGT_H: z = {16{x > y}};
        VEC_PMINS_H: z = x < y ? x : y;
        VEC_PMAXS_H: z = x > y ? x : y;
        VEC_PMINU_H: z = $unsigned(x) < $unsigned(y) ? x : y;
        VEC_PMAXU_H: z = $unsigned(x) > $unsigned(y) ? x : y;
        VEC_PSIGN_H: z = y[15] ? -x : y == '0 ? '0 : x;
        VEC_PABS_H: z = x[15] ? -x : x;
        VEC_PADDS_H: v = clamp(sx + sy, -18'sd32768, 18'sd32767);
        VEC_PADDUS_H: v = clamp(ux + uy, 18'sd0, 18'sd65535);
        VEC_PSUBS_H: v = clamp(sx - sy, -18'sd32768, 18'sd32767);
        VEC_PSUBUS_H: v = clamp(ux - uy, 18'sd0, 18'sd65535);
        VEC_PAVG_H: v = (ux + uy + 18'sd1) >> 1;
        default: ;
      endcase
      r[16*i +: 16] = z | v[15:0];
    end
    return r;
  endfunction

  function automatic logic [63:0] by_words(input logic [6:0] code, input logic [63:0] a, input logic [63:0] b);
    logic [63:0] r;
    logic signed [31:0] x, y, z;
    for (int i = 0; i < 2; i++) begin
      x = a[32*i +: 32];
      y = b[32*i +: 32];
      z = '0;
      case (code)
        VEC_PADD_W: z = x + y;
        VEC_PSUB_W: z = x - y;
        VEC_PCMPEQ_W: z = {32{x == y}};
        VEC_PCMPGT_W: z = {32{x > y}};
        VEC_PMINS_W: z = x < y ? x : y;
        VEC_PMAXS_W: z = x > y ? x : y;
        VEC_PMINU_W: z = $unsigned(x) < $unsigned(y) ? x : y;
        VEC_PMAXU_W: z = $unsigned(x) > $unsigned(y) ? x : y;
        VEC_PSIGN_W: z = y[31] ? -x : y == '0 ? '0 : x;
        VEC_PABS_W: z = x[31] ? -x : x;
        default: ;
      endcase
      r[32*i +: 32] = z;
    end
    return r;
  endfunction

  // Counts of the width or more give zeros, or signs.
  function automatic logic [63:0] shift(input logic [6:0] code, input logic [63:0] a, input logic [63:0] n);
    logic [63:0] r;
    r = '0;
    case (code)
      VEC_PSLL_H: if (n < 64'd16) for (int i = 0; i < 4; i++) r[16*i +: 16] = a[16*i +: 16] << n[3:0];
      VEC_PSLL_W: if (n < 64'd32) for (int i = 0; i < 2; i++) r[32*i +: 32] = a[32*i +: 32] << n[4:0];
      VEC_PSLL_D: if (n < 64'd64) r = a << n[5:0];
      VEC_PSRL_H: if (n < 64'd16) for (int i = 0; i < 4; i++) r[16*i +: 16] = a[16*i +: 16] >> n[3:0];
      VEC_PSRL_W: if (n < 64'd32) for (int i = 0; i < 2; i++) r[32*i +: 32] = a[32*i +: 32] >> n[4:0];
      VEC_PSRL_D: if (n < 64'd64) r = a >> n[5:0];
      VEC_PSRA_H: for (int i = 0; i < 4; i++) r[16*i +: 16] = $signed(a[16*i +: 16]) >>> (n < 64'd16 ? n[3:0] : 4'd15);
      default: for (int i = 0; i < 2; i++) r[32*i +: 32] = $signed(a[32*i +: 32]) >>> (n < 64'd32 ? n[4:0] : 5'd31);
    endcase
    return r;
  endfunction

  function automatic logic [63:0] packs(input logic [6:0] code, input logic [63:0] a, input logic [63:0] b);
    logic [63:0] r;
    logic signed [31:0] w;
    r = '0;
    for (int i = 0; i < 4; i++) begin
      w = i < 2 ? a[32*i +: 32] : b[32*(i-2) +: 32];
      if (code == VEC_PACKSS_W) r[16*i +: 16] = w < -32'sd32768 ? 16'h8000 : w > 32'sd32767 ? 16'h7fff : w[15:0];
      if (code == VEC_PACKUS_W) r[16*i +: 16] = w < 32'sd0 ? 16'd0 : w > 32'sd65535 ? 16'hffff : w[15:0];
    end
    for (int i = 0; i < 8; i++) begin
      w = 32'($signed(i < 4 ? a[16*i +: 16] : b[16*(i-4) +: 16]));
      if (code == VEC_PACKSS_H) r[8*i +: 8] = w < -32'sd128 ? 8'h80 : w > 32'sd127 ? 8'h7f : w[7:0];
      if (code == VEC_PACKUS_H) r[8*i +: 8] = w < 32'sd0 ? 8'd0 : w > 32'sd255 ? 8'hff : w[7:0];
    end
    return r;
  endfunction

  function automatic logic [63:0] packed_value(input logic [6:0] code, input logic [63:0] a, input logic [63:0] b);
    /* verilator no_inline_task */
    logic [63:0] r;
    r = '0;
    case (code)
      VEC_PAND: r = a & b;
      VEC_PANDN: r = ~a & b;
      VEC_POR: r = a | b;
      VEC_PXOR: r = a ^ b;
      VEC_PADD_D: r = a + b;
      VEC_PSUB_D: r = a - b;
      VEC_PCMPEQ_D: r = {64{a == b}};
      VEC_PCMPGT_D: r = {64{$signed(a) > $signed(b)}};
      VEC_PSLL_H, VEC_PSLL_W, VEC_PSLL_D, VEC_PSRL_H, VEC_PSRL_W, VEC_PSRL_D, VEC_PSRA_H, VEC_PSRA_W: r = shift(code, a, b);
      VEC_PACKSS_H, VEC_PACKSS_W, VEC_PACKUS_H, VEC_PACKUS_W: r = packs(code, a, b);
      VEC_PUNPL_B: for (int i = 0; i < 4; i++) r[16*i +: 16] = {b[8*i +: 8], a[8*i +: 8]};
      VEC_PUNPH_B: for (int i = 0; i < 4; i++) r[16*i +: 16] = {b[8*i+32 +: 8], a[8*i+32 +: 8]};
      VEC_PUNPL_H: r = {b[31:16], a[31:16], b[15:0], a[15:0]};
      VEC_PUNPH_H: r = {b[63:48], a[63:48], b[47:32], a[47:32]};
      VEC_PUNPL_W: r = {b[31:0], a[31:0]};
      VEC_PUNPH_W: r = {b[63:32], a[63:32]};
      VEC_PWORD_LH: r = {b[63:32], a[31:0]};
      VEC_PWORD_HL: r = {b[31:0], a[63:32]};
      VEC_PMSKB: for (int i = 0; i < 8; i++) r[i] = a[8*i+7];
      VEC_PSHUF_H: for (int i = 0; i < 4; i++) r[16*i +: 16] = a[16*b[2*i +: 2] +: 16];
      VEC_PADD_B, VEC_PSUB_B, VEC_PCMPEQ_B, VEC_PCMPGT_B, VEC_PADDS_B, VEC_PADDUS_B, VEC_PSUBS_B,
        VEC_PSUBUS_B, VEC_PMINS_B, VEC_PMAXS_B, VEC_PMINU_B, VEC_PMAXU_B, VEC_PAVG_B, VEC_PSIGN_B, VEC_PABS_B: r = by_bytes(code, a, b);
      VEC_PADD_H, VEC_PSUB_H, VEC_PCMPEQ_H, VEC_PCMPGT_H, VEC_PADDS_H, VEC_PADDUS_H, VEC_PSUBS_H,
        VEC_PSUBUS_H, VEC_PMINS_H, VEC_PMAXS_H, VEC_PMINU_H, VEC_PMAXU_H, VEC_PAVG_H, VEC_PSIGN_H, VEC_PABS_H: r = by_halves(code, a, b);
      VEC_PADD_W, VEC_PSUB_W, VEC_PCMPEQ_W, VEC_PCMPGT_W, VEC_PMINS_W, VEC_PMAXS_W, VEC_PMINU_W, VEC_PMAXU_W,
        VEC_PSIGN_W, VEC_PABS_W: r = by_words(code, a, b);
      default: ;
    endcase
    return r;
  endfunction

  function automatic logic [63:0] packed_product(input logic [6:0] code, input logic [63:0] a, input logic [63:0] b);
    /* verilator no_inline_task */
    logic [63:0] r;
    logic signed [31:0] p, q;
    logic signed [63:0] wide;
    logic signed [17:0] sum;
    r = '0;
    case (code)
      VEC_PMULL_H, VEC_PMULH_H, VEC_PMULHRS_H, VEC_PMULHU_H: begin
        for (int i = 0; i < 4; i++) begin
          p = 32'($signed(a[16*i +: 16])) * 32'($signed(b[16*i +: 16]));
          if (code == VEC_PMULHU_H) p = {16'd0, a[16*i +: 16]} * {16'd0, b[16*i +: 16]};
          q = ((p >>> 14) + 32'sd1) >>> 1;
          r[16*i +: 16] = code == VEC_PMULL_H ? p[15:0] : code == VEC_PMULHRS_H ? q[15:0] : p[31:16];
        end
      end
      VEC_PMADD_HW: begin
        for (int i = 0; i < 2; i++) begin
          p = 32'($signed(a[32*i +: 16])) * 32'($signed(b[32*i +: 16]));
          q = 32'($signed(a[32*i+16 +: 16])) * 32'($signed(b[32*i+16 +: 16]));
          r[32*i +: 32] = p + q;
        end
      end
      VEC_PMADD_UB: begin
        for (int i = 0; i < 4; i++) begin
          p = $signed({24'd0, a[16*i +: 8]}) * 32'($signed(b[16*i +: 8]));
          q = $signed({24'd0, a[16*i+8 +: 8]}) * 32'($signed(b[16*i+8 +: 8]));
          p = p + q;
          sum = clamp(p[17:0], -18'sd32768, 18'sd32767);
          r[16*i +: 16] = sum[15:0];
        end
      end
      VEC_PMULL_W: for (int i = 0; i < 2; i++) r[32*i +: 32] = a[32*i +: 32] * b[32*i +: 32];
      VEC_PMULU_W: r = {32'd0, a[31:0]} * {32'd0, b[31:0]};
      VEC_PMULS_W: begin
        wide = 64'($signed(a[31:0])) * 64'($signed(b[31:0]));
        r = wide;
      end
      default: begin // psad
        for (int i = 0; i < 8; i++)
          r = r + {56'd0, a[8*i +: 8] > b[8*i +: 8] ? a[8*i +: 8] - b[8*i +: 8] : b[8*i +: 8] - a[8*i +: 8]};
      end
    endcase
    return r;
  endfunction
endpackage
