// Extended precision: what the stages of duke_xfpu compute, by the x87's rules (isa-spec/duke/ops_x87.toml).
//
// A finite number is (-1)^sign * sig * 2^(exp-63) with bit 63 of sig set: unpacking normalizes denormals. An unrounded result has
// 128 bits, of which bit 125 weighs 2^exp; whatever lies below them is in bit 0 ("jammed"). As in duke_fp_pkg.
//
// Functions that are not inlined cost the simulator nothing in cycles that do not call them.
package duke_xfp_pkg;
  import duke_isa_pkg::*;
  import duke_float_pkg::*;

  typedef fexp_t xexp_t;
  localparam xexp_t ZERO_EXP = -18'sd60000;  // of zero: below everything
  localparam xexp_t BIAS = 18'sd16383;

  typedef struct packed {
    logic [15:0] e;  // sign and exponent
    logic [63:0] s;  // significand with its integer bit
  } ext_t;
  localparam ext_t INDEFINITE = {16'hffff, 64'hc000_0000_0000_0000};
  localparam logic [63:0] INFINITE = 64'h8000_0000_0000_0000;  // significand

  typedef struct packed {
    logic        sign;
    logic        bad;       // no number of today's format: unnormal, pseudo-infinity, pseudo-NaN
    logic        zero;
    logic        inf;
    logic        nan;
    logic        snan;
    logic        denormal;  // or pseudo-denormal
    xexp_t       exp;
    logic [63:0] sig;
  } xnum_t;

  typedef enum logic [2:0] {
    XTO_DONE,      // the value is final
    XTO_EXT,
    XTO_DOUBLE,
    XTO_SINGLE,
    XTO_I64,
    XTO_I32,
    XTO_I16,
    XTO_INTEGRAL   // round to integral
  } xto_e;

  // Between the two stages.
  typedef struct packed {
    xto_e         to;
    logic [5:0]   flags;
    logic [1:0]   rm;
    logic [1:0]   pc;
    logic         sign;
    xexp_t        exp;
    logic [127:0] sig;     // XTO_DONE: the value, as ext_t
  } xmid_t;

  function automatic logic x_is_root(input logic [6:0] code);
    return code == X_FSQRT_X;
  endfunction
  function automatic logic x_is_iterative(input logic [6:0] code);
    return code == X_FSQRT_X || code == X_FDIV_X;
  endfunction

  // Sign and exponent that the moves give; their significand is fa's.
  function automatic logic [15:0] x_move(input logic [6:0] code, input logic [15:0] a, input logic [15:0] b);
    case (code)
      X_FMK_E: return b;
      X_FCHS_X: return {!a[15], a[14:0]};
      X_FABS_X: return {1'b0, a[14:0]};
      default: return a;
    endcase
  endfunction

  typedef struct packed {
    xexp_t       exp;
    logic [63:0] sig;
  } xscaled_t;
  // Shifts a significand that is not 0 until its bit 63 is set.
  function automatic xscaled_t normalized(input xexp_t exp, input logic [63:0] sig);
    xscaled_t n;
    n.exp = exp;
    n.sig = sig;
    while (n.sig[63:56] == '0) begin
      n.sig = n.sig << 8;
      n.exp = n.exp - 18'sd8;
    end
    while (!n.sig[63]) begin
      n.sig = n.sig << 1;
      n.exp = n.exp - 18'sd1;
    end
    return n;
  endfunction

  function automatic xnum_t x_unpack(input ext_t x);
    xnum_t n;
    xscaled_t scaled;
    logic top, none;
    top = x.e[14:0] == 15'h7fff;
    none = x.e[14:0] == '0;
    n = '0;
    n.sign = x.e[15];
    n.bad = !none && !x.s[63];
    n.inf = top && x.s == INFINITE;
    n.nan = top && x.s[63] && x.s[62:0] != '0;
    n.snan = n.nan && !x.s[62];
    n.zero = none && x.s == '0;
    n.denormal = none && x.s != '0;
    n.sig = x.s;
    n.exp = xexp_t'({3'd0, x.e[14:0]}) - BIAS;
    if (n.zero) begin
      n.exp = ZERO_EXP;
    end else if (n.denormal) begin
      scaled = normalized(18'sd1 - BIAS, x.s);
      n.exp = scaled.exp;
      n.sig = scaled.sig;
    end
    return n;
  endfunction

  // A divide or square root on its way.
  typedef struct packed {
    logic        root;
    logic [73:0] rest;
    logic [69:0] quotient;
    logic [79:0] more;     // what is left of the radicand
    logic [63:0] divisor;
  } xdivide_t;

  // Takes the operands.
  function automatic void x_begin(inout xdivide_t d, input logic [6:0] code, input ext_t av, input ext_t bv);
    /* verilator no_inline_task */
    xnum_t a, b;
    a = x_unpack(av);
    b = x_unpack(bv);
    d.quotient = '0;
    d.root = x_is_root(code);
    d.rest = d.root ? '0 : {10'd0, a.sig};
    // The radicand, in [1, 4): an odd exponent is made even.
    d.more = a.exp[0] ? {a.sig, 16'd0} : {1'b0, a.sig, 15'd0};
    d.divisor = b.sig;
  endfunction

  // Ten more bits of a quotient (rest / divisor) or of a root.
  function automatic void x_ten_bits(inout xdivide_t d);
    /* verilator no_inline_task */
    logic [73:0] rest, t;
    logic [69:0] quotient;
    logic [79:0] more;
    rest = d.rest;
    quotient = d.quotient;
    more = d.more;
    t = {10'd0, d.divisor};
    for (int i = 0; i < 10; i++) begin
      if (d.root) begin
        rest = {rest[71:0], more[79:78]};
        more = more << 2;
        t = {2'd0, quotient, 2'b01};
      end
      quotient = quotient << 1;
      if (rest >= t) begin
        rest = rest - t;
        quotient[0] = 1'b1;
      end
      if (!d.root) rest = rest << 1;
    end
    d.rest = rest;
    d.quotient = quotient;
    d.more = more;
  endfunction

  function automatic ext_t x_quieted(input ext_t x);
    return {x.e, x.s | 64'h4000_0000_0000_0000};
  endfunction
  function automatic ext_t x_infinity(input logic sign);
    return {sign, 15'h7fff, INFINITE};
  endfunction
  function automatic ext_t x_zero(input logic sign);
    return {sign, 15'd0, 64'd0};
  endfunction

  // The NaN of two operands, at least one of which is a NaN: a quiet one before a signaling one, else the larger significand, else
  // the positive one.
  function automatic ext_t x_nan(input xnum_t a, input xnum_t b, input ext_t av, input ext_t bv);
    logic first;
    if (!b.nan) first = 1'b1;
    else if (!a.nan) first = 1'b0;
    else if (a.snan != b.snan) first = b.snan;
    else if (av.s != bv.s) first = av.s > bv.s;
    else first = !a.sign;
    return x_quieted(first ? av : bv);
  endfunction

  // a is less than b; neither is a NaN.
  function automatic logic x_less(input xnum_t a, input xnum_t b);
    logic abs_less, abs_equal;
    abs_less = a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig);
    abs_equal = a.exp == b.exp && a.sig == b.sig;
    if (a.zero && b.zero) return 1'b0;
    if (a.sign != b.sign) return a.sign;
    return a.sign ? !abs_less && !abs_equal : abs_less;
  endfunction
  function automatic logic x_equal(input xnum_t a, input xnum_t b);
    if (a.zero && b.zero) return 1'b1;
    return a.sign == b.sign && a.exp == b.exp && a.sig == b.sig;
  endfunction

  // A double or single as an extended number; every one is one.
  function automatic void x_widen(output ext_t r, output logic [5:0] flags, input logic [63:0] v, input logic single);
    xscaled_t scaled;
    logic sign, top, none;
    logic [10:0] e;
    logic [63:0] sig;
    xexp_t exp;
    sign = single ? v[31] : v[63];
    e = single ? {3'd0, v[30:23]} : v[62:52];
    top = e == (single ? 11'h0ff : 11'h7ff);
    none = e == '0;
    sig = single ? {!none, v[22:0], 40'd0} : {!none, v[51:0], 11'd0};
    flags = '0;
    exp = xexp_t'({7'd0, e}) - (single ? 18'sd127 : 18'sd1023) + BIAS;
    if (top) begin
      exp = 18'sd32767;
      if (sig[62:0] != '0 && !sig[62]) flags = IE;
      if (sig[62:0] != '0) sig[62] = 1'b1;
    end else if (none && sig == '0) begin
      exp = '0;
    end else if (none) begin
      flags = DE;
      scaled = normalized(exp + 18'sd1, sig);
      exp = scaled.exp;
      sig = scaled.sig;
    end
    r = {sign, exp[14:0], sig};
  endfunction

  // First stage. divide: a quotient or root, 70 bits with the weight of bit 69 that of the exponents' difference (half the exponent),
  // and a rest. mode: PC, RC.
  function automatic void x_first(inout xmid_t m, input logic [6:0] code, input ext_t av, input ext_t bv,
                                  input xdivide_t divide, input logic [3:0] mode);
    /* verilator no_inline_task */
    xnum_t a, b, p, s;
    wide_t total;
    xscaled_t scaled;
    logic done, un;
    ext_t value;
    logic [5:0] flags;
    logic [63:0] mag;
    logic [127:0] ps, ss;
    m = '0;
    m.rm = mode[1:0];
    m.pc = 2'd3;
    m.to = XTO_EXT;
    done = 1'b0;
    value = '0;
    a = x_unpack(av);
    b = x_unpack(bv);
    p = '0;
    s = '0;
    ps = '0;
    ss = '0;
    total = '0;
    mag = '0;
    flags = '0;
    un = 1'b0;
    case (code)
      X_FADD_X, X_FSUB_X, X_FMUL_X, X_FDIV_X: begin
        m.pc = mode[3:2];
        if (a.bad || b.bad) begin
          done = 1'b1;
          flags = IE;
          value = INDEFINITE;
        end else if (a.nan || b.nan) begin
          done = 1'b1;
          if (a.snan || b.snan) flags = IE;
          value = x_nan(a, b, av, bv);
        end else begin
          if (a.denormal || b.denormal) flags = DE;
          p.sign = a.sign ^ b.sign;
          s.sign = p.sign;
          s.exp = ZERO_EXP;
          case (code)
            X_FDIV_X: begin
              p.exp = a.exp - b.exp;
              ps = {2'd0, divide.quotient, 55'd0, divide.rest != '0};
              if ((a.inf && b.inf) || (a.zero && b.zero)) begin
                done = 1'b1;
                flags = IE;
                value = INDEFINITE;
              end else if (a.inf || b.zero) begin
                done = 1'b1;
                if (!a.inf) flags = ZE;
                value = x_infinity(p.sign);
              end else if (a.zero || b.inf) begin
                done = 1'b1;
                value = x_zero(p.sign);
              end
            end
            X_FMUL_X: begin
              p.inf = a.inf || b.inf;
              p.zero = a.zero || b.zero;
              p.exp = p.zero ? ZERO_EXP : a.exp + b.exp;
              ss = {64'd0, a.sig} * {64'd0, b.sig};
              ps = {1'b0, ss[127:1]};
              ps[0] = ps[0] | ss[0];
              ss = '0;
              if (p.inf && p.zero) begin
                done = 1'b1;
                flags = IE;
                value = INDEFINITE;
              end
            end
            default: begin
              p = a;
              s = b;
              s.sign = b.sign ^ (code == X_FSUB_X);
              ps = {2'd0, a.sig, 62'd0};
              ss = {2'd0, b.sig, 62'd0};
            end
          endcase
          if (!done && (p.inf || s.inf)) begin
            done = 1'b1;
            value = x_infinity(p.inf ? p.sign : s.sign);
            if (p.inf && s.inf && p.sign != s.sign) begin
              flags = IE;
              value = INDEFINITE;
            end
          end
          // For products and quotients of something and nothing.
          total = added({p.sign, p.exp, ps}, {s.sign, s.exp, ss}, m.rm);
          m.sign = total.sign;
          m.exp = total.exp;
          m.sig = total.sig;
        end
      end
      X_FSQRT_X: begin
        m.pc = mode[3:2];
        m.exp = xexp_t'(a.exp >>> 1);
        m.sig = {2'd0, divide.quotient, 55'd0, divide.rest != '0};
        done = a.bad || a.nan || a.zero || a.inf || a.sign;
        value = x_zero(a.sign);
        if (a.denormal) flags = DE;
        if (a.nan) begin
          if (a.snan) flags = IE;
          value = x_quieted(av);
        end else if (a.bad || (a.sign && !a.zero)) begin
          flags = IE;
          value = INDEFINITE;
        end else if (a.inf) begin
          value = x_infinity(1'b0);
        end
      end
      X_FROUND_X: begin
        m.to = XTO_INTEGRAL;
        m.sign = a.sign;
        m.exp = a.exp;
        m.sig = {2'd0, a.sig, 62'd0};
        done = a.bad || a.nan || a.inf || a.zero || a.exp >= 18'sd63;
        if (a.denormal) flags = DE;
        if (a.bad || a.snan) flags = IE;
        value = a.bad ? INDEFINITE : a.nan ? x_quieted(av) : av;
      end
      X_FCMPF_X, X_FCOMF_X: begin
        done = 1'b1;
        un = a.bad || b.bad || a.nan || b.nan;
        if (a.bad || b.bad || a.snan || b.snan || (un && code == X_FCOMF_X)) flags = IE;
        else if (!un && (a.denormal || b.denormal)) flags = DE;
        value.s = {57'd0, un || x_equal(a, b), 3'd0, un, 1'b0, un || x_less(a, b)};
      end
      X_FCVT_X_D, X_FCVT_X_S: begin
        done = 1'b1;
        x_widen(value, flags, av.s, code == X_FCVT_X_S);
      end
      X_FCVT_X_L: begin
        done = 1'b1;
        mag = av.s[63] ? -av.s : av.s;
        if (mag != '0) begin
          scaled = normalized(BIAS + 18'sd63, mag);
          value = {av.s[63], scaled.exp[14:0], scaled.sig};
        end
      end
      X_FCVT_D_X, X_FCVT_S_X: begin
        m.to = code == X_FCVT_S_X ? XTO_SINGLE : XTO_DOUBLE;
        m.sign = a.sign;
        m.exp = a.exp;
        m.sig = a.zero ? '0 : {2'd0, a.sig, 62'd0};
        done = a.bad || a.nan || a.inf;
        if (a.bad || a.snan) flags = IE;
        if (a.bad) value.s = code == X_FCVT_S_X ? 64'hffc0_0000 : 64'hfff8_0000_0000_0000;
        else if (a.nan) value.s = code == X_FCVT_S_X ? {32'd0, a.sign, 9'h1ff, a.sig[61:40]} : {a.sign, 12'hfff, a.sig[61:11]};
        else value.s = code == X_FCVT_S_X ? {32'd0, a.sign, 31'h7f80_0000} : {a.sign, 63'h7ff0_0000_0000_0000};
      end
      default: begin  // to an integer
        case (code)
          X_FCVT_L_X, X_FCVTT_L_X: m.to = XTO_I64;
          X_FCVT_W_X, X_FCVTT_W_X: m.to = XTO_I32;
          default: m.to = XTO_I16;
        endcase
        if (code == X_FCVTT_L_X || code == X_FCVTT_W_X || code == X_FCVTT_H_X) m.rm = 2'd3;
        m.sign = a.sign;
        m.exp = a.exp;
        m.sig = a.zero ? '0 : {2'd0, a.sig, 62'd0};
        done = a.bad || a.nan || a.inf || a.exp > 18'sd63;
        value.s = x_indefinite_integer(m.to);
        if (done) flags = IE;
      end
    endcase
    m.flags = flags;
    if (done) begin
      m.to = XTO_DONE;
      m.sig = {48'd0, value};
    end
  endfunction

  function automatic logic [63:0] x_indefinite_integer(input xto_e to);
    return to == XTO_I64 ? 64'h8000_0000_0000_0000 : to == XTO_I32 ? 64'hffff_ffff_8000_0000 : 64'hffff_ffff_ffff_8000;
  endfunction

  // The upper bits of a magnitude, rounded: 24, 53 or 64 of them, then zeros. carry: it has become 2^64.
  typedef struct packed {
    logic        carry;
    logic [63:0] sig;
    logic        inexact;
    logic        up;
  } cut_t;
  function automatic cut_t x_cut(input logic [127:0] wide, input logic [1:0] pc, input logic [1:0] rm, input logic sign);
    cut_t c;
    logic last, half, more;
    logic [63:0] unit;
    case (pc)
      2'd0: begin
        unit = 64'd1 << 40;
        c.sig = {wide[127:104], 40'd0};
        last = wide[104];
        half = wide[103];
        more = wide[102:0] != '0;
      end
      2'd2: begin
        unit = 64'd1 << 11;
        c.sig = {wide[127:75], 11'd0};
        last = wide[75];
        half = wide[74];
        more = wide[73:0] != '0;
      end
      default: begin
        unit = 64'd1;
        c.sig = wide[127:64];
        last = wide[64];
        half = wide[63];
        more = wide[62:0] != '0;
      end
    endcase
    c.inexact = half || more;
    c.up = round_up(rm, sign, last, half, more);
    c.carry = 1'b0;
    if (c.up) {c.carry, c.sig} = {1'b0, c.sig} + {1'b0, unit};
    return c;
  endfunction

  typedef struct packed {
    ext_t       value;
    logic [5:0] flags;
    logic       c1;
  } xresult_t;

  // A normalized magnitude (bit 127 weighs 2^exp, bit 0 jammed) to a format of `pc` bits with exponents from emin to emax. Gives
  // the exponent with the bias of the extended format, 0 for a denormal.
  function automatic xresult_t x_pack(input logic sign, input xexp_t exp_in, input logic [127:0] wide, input logic [1:0] pc,
                                      input logic [1:0] rm, input xexp_t emin, input xexp_t emax);
    xresult_t r;
    cut_t c;
    xexp_t exp;
    logic tiny, to_inf;
    r = '0;
    exp = exp_in;
    c = x_cut(wide, pc, rm, sign);
    if (exp < emin) begin
      tiny = !(exp == emin - 18'sd1 && c.carry);
      c = x_cut(shift_jam(wide, emin - exp), pc, rm, sign);
      r.value = {sign, c.sig[63] ? 15'(emin + BIAS) : 15'd0, c.sig};
      if (c.inexact) r.flags = tiny ? UE | PE : PE;
      r.c1 = c.up;
      return r;
    end
    if (c.carry) begin
      exp = exp + 18'sd1;
      c.sig = INFINITE;
    end
    if (exp > emax) begin
      to_inf = rm == 2'd0 || (rm == 2'd1 && sign) || (rm == 2'd2 && !sign);
      r.value = x_infinity(sign);
      if (!to_inf) r.value = {sign, 15'(emax + BIAS), pc == 2'd0 ? {24'hff_ffff, 40'd0} : pc == 2'd2 ? {53'h1f_ffff_ffff_ffff, 11'd0} : '1};
      r.flags = OE | PE;
      r.c1 = to_inf;
    end else begin
      r.value = {sign, 15'(exp + BIAS), c.sig};
      r.flags = c.inexact ? PE : 6'd0;
      r.c1 = c.up;
    end
    return r;
  endfunction

  // What x_pack gave for a double or single, in that format.
  function automatic logic [63:0] x_narrow(input ext_t x, input logic single);
    logic [14:0] e;
    e = x.e[14:0] == '0 ? '0 : x.e[14:0] == 15'h7fff ? '1 : x.e[14:0] - (single ? 15'(16383 - 127) : 15'(16383 - 1023));
    return single ? {32'd0, x.e[15], e[7:0], x.s[62:40]} : {x.e[15], e[10:0], x.s[62:11]};
  endfunction

  function automatic xresult_t x_rounded(input xmid_t m);
    xresult_t r;
    xscaled_t scaled;
    xexp_t exp;
    logic [127:0] wide;
    logic [63:0] ip, rest, limit;
    logic half, more, up;
    r = '0;
    r.flags = m.flags;
    r.value = m.sig[79:0];
    if (m.to == XTO_DONE) return r;
    if (m.sig == '0) begin
      r.value = '0;
      case (m.to)
        XTO_DOUBLE: r.value.s[63] = m.sign;
        XTO_SINGLE: r.value.s[31] = m.sign;
        XTO_EXT: r.value.e[15] = m.sign;
        default: ;
      endcase
      return r;
    end
    wide = m.sig;
    exp = m.exp + 18'sd2;
    while (wide[127:112] == '0) begin
      wide = wide << 16;
      exp = exp - 18'sd16;
    end
    while (!wide[127]) begin
      wide = wide << 1;
      exp = exp - 18'sd1;
    end
    case (m.to)
      XTO_EXT: begin
        r = x_pack(m.sign, exp, wide, m.pc, m.rm, 18'sd1 - BIAS, BIAS);
        r.flags = r.flags | m.flags;
        return r;
      end
      XTO_DOUBLE: begin
        r = x_pack(m.sign, exp, wide, 2'd2, m.rm, -18'sd1022, 18'sd1023);
        r.value = {16'd0, x_narrow(r.value, 1'b0)};
        return r;
      end
      XTO_SINGLE: begin
        r = x_pack(m.sign, exp, wide, 2'd0, m.rm, -18'sd126, 18'sd127);
        r.value = {16'd0, x_narrow(r.value, 1'b1)};
        return r;
      end
      default: ;
    endcase
    // To an integer: exp is at most 63, and all bits are in the upper half.
    if (exp < 18'sd0) begin
      ip = '0;
      half = exp == -18'sd1;
      more = exp < -18'sd1 || wide[126:64] != '0;
    end else begin
      ip = wide[127:64] >> (6'd63 - exp[5:0]);
      rest = (exp == 18'sd63) ? '0 : wide[127:64] << (exp[5:0] + 6'd1);
      half = rest[63];
      more = rest[62:0] != '0;
    end
    up = round_up(m.rm, m.sign, ip[0], half, more);
    ip = ip + 64'(up);
    if (half || more) r.flags = r.flags | PE;
    r.c1 = up;
    r.value = '0;
    if (m.to == XTO_INTEGRAL) begin
      r.value.e[15] = m.sign;
      if (ip != '0) begin
        scaled = normalized(BIAS + 18'sd63, ip);
        r.value = {m.sign, scaled.exp[14:0], scaled.sig};
      end
      return r;
    end
    limit = m.to == XTO_I64 ? 64'h7fff_ffff_ffff_ffff : m.to == XTO_I32 ? 64'h7fff_ffff : 64'h7fff;
    if (ip > limit + 64'(m.sign)) begin
      r.flags = IE;
      r.c1 = 1'b0;
      r.value.s = x_indefinite_integer(m.to);
    end else begin
      r.value.s = m.sign ? -ip : ip;
    end
    return r;
  endfunction

  // Second stage: normalizes and rounds.
  function automatic void x_second(output logic [63:0] value, output logic [15:0] e, output logic [5:0] flags, output logic c1,
                                   input xmid_t m);
    /* verilator no_inline_task */
    xresult_t r;
    r = x_rounded(m);
    value = r.value.s;
    e = r.value.e;
    flags = r.flags;
    c1 = r.c1;
  endfunction
endpackage
