// The integer unit: one op of unit I (or the condition of a branch) from its code and operands. Written for few host instructions:
// one case, and one flags unit behind it that all flag ops share. rtl/sva checks it against isa_eval.
package duke_alu_pkg;
  import duke_isa_pkg::*;

  typedef enum logic [3:0] {
    FK_NONE, FK_ADD, FK_SUB, FK_LOGIC, FK_KEEP_ADD, FK_KEEP_SUB, FK_SHL, FK_SHR, FK_SAR
  } flags_e;

  function automatic logic x86_cond(input logic [63:0] f, input logic [3:0] cc);
    logic r;
    case (cc[3:1])
      3'd0: r = f[11];
      3'd1: r = f[0];
      3'd2: r = f[6];
      3'd3: r = f[0] | f[6];
      3'd4: r = f[7];
      3'd5: r = f[2];
      3'd6: r = f[7] ^ f[11];
      default: r = f[6] | (f[7] ^ f[11]);
    endcase
    return r ^ cc[0];
  endfunction

  // x86's flags of an operation at 8 << size bits. For logic ops `a` is the result; FK_KEEP_* take CF from bit 0 of `keep`.
  function automatic logic [63:0] x86_flags(input logic [3:0] fk, input logic [1:0] size, input logic [63:0] a,
                                            input logic [63:0] b, input logic cin, input logic keep);
    logic [5:0] top, k;
    logic [63:0] r, carry, over, aux, v;
    logic cf, of, af;
    top = {size == 2'd3, size[1], |size, 3'd7};
    k = b[5:0] & {size == 2'd3, 5'h1f};
    r = a;
    carry = '0;
    over = '0;
    aux = '0;
    v = '0;
    case (fk)
      FK_ADD, FK_KEEP_ADD: begin
        r = a + b + {63'd0, cin};
        carry = (a & b) | ((a | b) & ~r);
        over = (a ^ r) & (b ^ r);
        aux = a ^ b ^ r;
      end
      FK_SUB, FK_KEEP_SUB: begin
        r = a - b - {63'd0, cin};
        carry = (~a & b) | ((~a | b) & r);
        over = (a ^ b) & (a ^ r);
        aux = a ^ b ^ r;
      end
      FK_SHL: begin
        v = a & ~(64'hffff_ffff_ffff_fffe << top);
        r = v << k;
        carry = v << (k - 6'd1);
      end
      FK_SHR: begin
        v = a & ~(64'hffff_ffff_ffff_fffe << top);
        r = v >> k;
      end
      FK_SAR: begin
        v = $signed(a << (~top)) >>> (~top);
        r = $signed(v) >>> k;
      end
      default: ;
    endcase
    cf = carry[top];
    of = over[top];
    af = aux[4];
    case (fk)
      FK_KEEP_ADD, FK_KEEP_SUB: cf = keep;
      FK_SHL: begin
        cf = k != 6'd0 && carry[top];
        of = cf ^ r[top];
      end
      FK_SHR: begin
        cf = k != 6'd0 && v[k - 6'd1];
        of = v[top];
      end
      FK_SAR: cf = k != 6'd0 && v[k - 6'd1];
      default: ;
    endcase
    return {52'd0, of, 3'd0, r[top], (r << (~top)) == 64'd0, 1'b0, af, 1'b0, ~^r[7:0], 1'b0, cf};
  endfunction

  function automatic logic [31:0] ror32(input logic [31:0] v, input logic [4:0] k);
    return 32'({v, v} >> k);
  endfunction

  function automatic logic [63:0] sext32(input logic [31:0] v);
    return {{32{v[31]}}, v};
  endfunction

  function automatic logic [6:0] ones(input logic [63:0] x);
    logic [63:0] a, b, c;
    a = x - ((x >> 1) & 64'h5555_5555_5555_5555);
    b = (a & 64'h3333_3333_3333_3333) + ((a >> 2) & 64'h3333_3333_3333_3333);
    c = ((b + (b >> 4)) & 64'h0f0f_0f0f_0f0f_0f0f) * 64'h0101_0101_0101_0101;
    return c[62:56];
  endfunction

  function automatic logic [63:0] bytes_reversed(input logic [63:0] x);
    return {x[7:0], x[15:8], x[23:16], x[31:24], x[39:32], x[47:40], x[55:48], x[63:56]};
  endfunction

  function automatic logic [63:0] alu(input logic [6:0] code, input logic [63:0] a, input logic [63:0] b,
                                      input logic [63:0] c, input logic [3:0] cc);
    logic [63:0] r, s, fa, fb;
    logic [3:0] fk;
    logic [1:0] size;
    logic cin;
    r = '0;
    s = '0;
    fk = FK_NONE;
    size = 2'd0;
    fa = a;
    fb = b;
    cin = 1'b0;
    case (code)
      ALU_ADD: r = a + b;
      ALU_SUB: r = a - b;
      ALU_AND: r = a & b;
      ALU_OR: r = a | b;
      ALU_XOR: r = a ^ b;
      ALU_ANDN: r = a & ~b;
      ALU_SHL: r = a << b[5:0];
      ALU_SHR: r = a >> b[5:0];
      ALU_SAR: r = $signed(a) >>> b[5:0];
      ALU_ROR: r = (a >> b[5:0]) | (a << (6'd0 - b[5:0]));
      ALU_ADD_W: r = {32'd0, a[31:0] + b[31:0]};
      ALU_SUB_W: r = {32'd0, a[31:0] - b[31:0]};
      ALU_AND_W: r = {32'd0, a[31:0] & b[31:0]};
      ALU_OR_W: r = {32'd0, a[31:0] | b[31:0]};
      ALU_XOR_W: r = {32'd0, a[31:0] ^ b[31:0]};
      ALU_SHL_W: r = {32'd0, a[31:0] << b[4:0]};
      ALU_SHR_W: r = {32'd0, a[31:0] >> b[4:0]};
      ALU_SAR_W: r = {32'd0, 32'($signed(a[31:0]) >>> b[4:0])};
      ALU_ROR_W: r = {32'd0, ror32(a[31:0], b[4:0])};
      ALU_ADD_SW: r = sext32(a[31:0] + b[31:0]);
      ALU_SUB_SW: r = sext32(a[31:0] - b[31:0]);
      ALU_SHL_SW: r = sext32(a[31:0] << b[4:0]);
      ALU_SHR_SW: r = sext32(a[31:0] >> b[4:0]);
      ALU_SAR_SW: r = sext32(32'($signed(a[31:0]) >>> b[4:0]));
      ALU_SEQ: r = {63'd0, a == b};
      ALU_SNE: r = {63'd0, a != b};
      ALU_SLT: r = {63'd0, $signed(a) < $signed(b)};
      ALU_SLTU: r = {63'd0, a < b};
      ALU_SLT_W: r = {63'd0, $signed(a[31:0]) < $signed(b[31:0])};
      ALU_SH1ADD: r = (a << 1) + b;
      ALU_SH2ADD: r = (a << 2) + b;
      ALU_SH3ADD: r = (a << 3) + b;
      ALU_SH1ADD_W: r = {32'd0, {a[30:0], 1'd0} + b[31:0]};
      ALU_SH2ADD_W: r = {32'd0, {a[29:0], 2'd0} + b[31:0]};
      ALU_SH3ADD_W: r = {32'd0, {a[28:0], 3'd0} + b[31:0]};
      ALU_ADD_UW: r = {32'd0, a[31:0]} + b;
      ALU_SH1ADD_UW: r = {31'd0, a[31:0], 1'd0} + b;
      ALU_SH2ADD_UW: r = {30'd0, a[31:0], 2'd0} + b;
      ALU_SH3ADD_UW: r = {29'd0, a[31:0], 3'd0} + b;
      ALU_EXTU_B: begin
        s = a >> b[5:0];
        r = {56'd0, s[7:0]};
      end
      ALU_EXTU_H: begin
        s = a >> b[5:0];
        r = {48'd0, s[15:0]};
      end
      ALU_EXTU_W: begin
        s = a >> b[5:0];
        r = {32'd0, s[31:0]};
      end
      ALU_EXTS_B: begin
        s = a >> b[5:0];
        r = {{56{s[7]}}, s[7:0]};
      end
      ALU_EXTS_H: begin
        s = a >> b[5:0];
        r = {{48{s[15]}}, s[15:0]};
      end
      ALU_EXTS_W: begin
        s = a >> b[5:0];
        r = sext32(s[31:0]);
      end
      ALU_INS_B: r = {a[63:8], b[7:0]};
      ALU_INS_BH: r = {a[63:16], b[7:0], a[7:0]};
      ALU_INS_H: r = {a[63:16], b[15:0]};
      ALU_EXT1: r = {63'd0, a[b[5:0]]};
      ALU_SETCC: r = {63'd0, x86_cond(a, b[3:0])} ;
      ALU_BSWAP: r = bytes_reversed(a);
      ALU_BSWAP_W: r = {32'd0, a[7:0], a[15:8], a[23:16], a[31:24]};
      ALU_CLZ: begin
        s = a | (a >> 1);
        s = s | (s >> 2);
        s = s | (s >> 4);
        s = s | (s >> 8);
        s = s | (s >> 16);
        s = s | (s >> 32);
        r = {57'd0, 7'd64 - ones(s)};
      end
      ALU_CTZ: r = {57'd0, ones(~a & (a - 64'd1))};
      ALU_POPCNT: r = {57'd0, ones(a)};
      ALU_MIN: r = ($signed(a) < $signed(b)) ? a : b;
      ALU_MINU: r = (a < b) ? a : b;
      ALU_SELNZ: r = (a != 64'd0) ? b : c;
      ALU_SELCC: r = x86_cond(c, cc) ? a : b;
      ALU_ADC: r = a + b + {63'd0, c[0]};
      ALU_ADC_W: r = {32'd0, a[31:0] + b[31:0] + {31'd0, c[0]}};
      ALU_SBB: r = a - b - {63'd0, c[0]};
      ALU_SBB_W: r = {32'd0, a[31:0] - b[31:0] - {31'd0, c[0]}};
      ALU_LI: r = b;
      ALU_ORHI: r = {b[31:0], a[31:0]};
      ALU_ADDF_B: begin
        fk = FK_ADD;
      end
      ALU_ADDF_H: begin
        fk = FK_ADD;
        size = 2'd1;
      end
      ALU_ADDF_W: begin
        fk = FK_ADD;
        size = 2'd2;
      end
      ALU_ADDF_D: begin
        fk = FK_ADD;
        size = 2'd3;
      end
      ALU_SUBF_B: begin
        fk = FK_SUB;
      end
      ALU_SUBF_H: begin
        fk = FK_SUB;
        size = 2'd1;
      end
      ALU_SUBF_W: begin
        fk = FK_SUB;
        size = 2'd2;
      end
      ALU_SUBF_D: begin
        fk = FK_SUB;
        size = 2'd3;
      end
      ALU_TSTF_B: begin
        fk = FK_LOGIC;
        fa = a & b;
      end
      ALU_TSTF_H: begin
        fk = FK_LOGIC;
        size = 2'd1;
        fa = a & b;
      end
      ALU_TSTF_W: begin
        fk = FK_LOGIC;
        size = 2'd2;
        fa = a & b;
      end
      ALU_TSTF_D: begin
        fk = FK_LOGIC;
        size = 2'd3;
        fa = a & b;
      end
      ALU_ORF_B: begin
        fk = FK_LOGIC;
        fa = a | b;
      end
      ALU_ORF_H: begin
        fk = FK_LOGIC;
        size = 2'd1;
        fa = a | b;
      end
      ALU_ORF_W: begin
        fk = FK_LOGIC;
        size = 2'd2;
        fa = a | b;
      end
      ALU_ORF_D: begin
        fk = FK_LOGIC;
        size = 2'd3;
        fa = a | b;
      end
      ALU_XORF_B: begin
        fk = FK_LOGIC;
        fa = a ^ b;
      end
      ALU_XORF_H: begin
        fk = FK_LOGIC;
        size = 2'd1;
        fa = a ^ b;
      end
      ALU_XORF_W: begin
        fk = FK_LOGIC;
        size = 2'd2;
        fa = a ^ b;
      end
      ALU_XORF_D: begin
        fk = FK_LOGIC;
        size = 2'd3;
        fa = a ^ b;
      end
      ALU_INCF_B: begin
        fk = FK_KEEP_ADD;
        fb = 64'd1;
      end
      ALU_INCF_H: begin
        fk = FK_KEEP_ADD;
        size = 2'd1;
        fb = 64'd1;
      end
      ALU_INCF_W: begin
        fk = FK_KEEP_ADD;
        size = 2'd2;
        fb = 64'd1;
      end
      ALU_INCF_D: begin
        fk = FK_KEEP_ADD;
        size = 2'd3;
        fb = 64'd1;
      end
      ALU_DECF_B: begin
        fk = FK_KEEP_SUB;
        fb = 64'd1;
      end
      ALU_DECF_H: begin
        fk = FK_KEEP_SUB;
        size = 2'd1;
        fb = 64'd1;
      end
      ALU_DECF_W: begin
        fk = FK_KEEP_SUB;
        size = 2'd2;
        fb = 64'd1;
      end
      ALU_DECF_D: begin
        fk = FK_KEEP_SUB;
        size = 2'd3;
        fb = 64'd1;
      end
      ALU_SHLF_B: begin
        fk = FK_SHL;
      end
      ALU_SHLF_H: begin
        fk = FK_SHL;
        size = 2'd1;
      end
      ALU_SHLF_W: begin
        fk = FK_SHL;
        size = 2'd2;
      end
      ALU_SHLF_D: begin
        fk = FK_SHL;
        size = 2'd3;
      end
      ALU_SHRF_B: begin
        fk = FK_SHR;
      end
      ALU_SHRF_H: begin
        fk = FK_SHR;
        size = 2'd1;
      end
      ALU_SHRF_W: begin
        fk = FK_SHR;
        size = 2'd2;
      end
      ALU_SHRF_D: begin
        fk = FK_SHR;
        size = 2'd3;
      end
      ALU_SARF_B: begin
        fk = FK_SAR;
      end
      ALU_SARF_H: begin
        fk = FK_SAR;
        size = 2'd1;
      end
      ALU_SARF_W: begin
        fk = FK_SAR;
        size = 2'd2;
      end
      ALU_SARF_D: begin
        fk = FK_SAR;
        size = 2'd3;
      end
      ALU_ADCF_B: begin
        fk = FK_ADD;
        cin = c[0];
      end
      ALU_ADCF_H: begin
        fk = FK_ADD;
        size = 2'd1;
        cin = c[0];
      end
      ALU_ADCF_W: begin
        fk = FK_ADD;
        size = 2'd2;
        cin = c[0];
      end
      ALU_ADCF_D: begin
        fk = FK_ADD;
        size = 2'd3;
        cin = c[0];
      end
      ALU_SBBF_B: begin
        fk = FK_SUB;
        cin = c[0];
      end
      ALU_SBBF_H: begin
        fk = FK_SUB;
        size = 2'd1;
        cin = c[0];
      end
      ALU_SBBF_W: begin
        fk = FK_SUB;
        size = 2'd2;
        cin = c[0];
      end
      ALU_SBBF_D: begin
        fk = FK_SUB;
        size = 2'd3;
        cin = c[0];
      end
      default: ;
    endcase
    if (fk != FK_NONE) r = x86_flags(fk, size, fa, fb, cin, b[0]);
    return r;
  endfunction

  function automatic logic branch_cond(input logic [6:0] code, input logic [63:0] a, input logic [63:0] b,
                                       input logic [3:0] cc);
    case (code)
      BR_BEQ: return a == b;
      BR_BNE: return a != b;
      BR_BLT: return $signed(a) < $signed(b);
      BR_BGE: return $signed(a) >= $signed(b);
      BR_BLTU: return a < b;
      BR_BGEU: return a >= b;
      BR_BLT_W: return $signed(a[31:0]) < $signed(b[31:0]);
      BR_BGE_W: return $signed(a[31:0]) >= $signed(b[31:0]);
      default: return x86_cond(a, cc);
    endcase
  endfunction
endpackage
