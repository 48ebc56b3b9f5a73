// Floating point: what the stages of duke_fpu compute. IEEE 754 with x86's rules (isa-spec/duke/ops_fp.toml). Singles are
// computed like doubles and only rounded differently.
//
// A finite number is (-1)^sign * sig * 2^(exp-52) with bit 52 of sig set: unpacking normalizes denormals. An unrounded result
// has 128 bits, of which bit 125 weighs 2^exp; whatever lies below them is in bit 0 ("jammed"): bit 0 says only whether there is
// more. That is enough for every rounding, as more than 60 bits remain after any cancellation that can be massive.
//
// Functions that are not inlined cost the simulator nothing in cycles that do not call them.
package duke_fp_pkg;
  import duke_isa_pkg::*;
  import duke_float_pkg::*;

  typedef logic signed [15:0] exp_t;
  localparam exp_t EXP_ZERO = -16'sd20000;  // of zero: below everything

  typedef struct packed {
    logic        sign;
    logic        zero;     // also a denormal under DAZ
    logic        inf;
    logic        nan;
    logic        snan;
    logic        denormal; // and not under DAZ
    exp_t        exp;
    logic [52:0] sig;
  } num_t;

  typedef enum logic [2:0] {
    TO_DONE,      // the value is final
    TO_DOUBLE,
    TO_SINGLE,
    TO_I64,
    TO_I32,
    TO_INTEGRAL_D, // round to integral
    TO_INTEGRAL_S
  } to_e;

  // Between the two stages.
  typedef struct packed {
    to_e          to;
    logic [5:0]   flags;
    logic [1:0]   rm;
    logic         ftz;
    logic         quiet;   // no PE
    logic         sign;
    exp_t         exp;
    logic [127:0] sig;     // TO_DONE: the value in the low half
  } mid_t;

  function automatic logic is_single(input logic [6:0] code);
    case (code)
      FP_FADD_S, FP_FSUB_S, FP_FMUL_S, FP_FDIV_S, FP_FMIN_S, FP_FMAX_S, FP_FSQRT_S, FP_FROUND_S, FP_FCMPF_S, FP_FCOMF_S,
      FP_FCMPEQ_S, FP_FCMPLT_S, FP_FCMPLE_S, FP_FCMPUN_S, FP_FCVT_D_S, FP_FCVT_L_S, FP_FCVT_W_S, FP_FCVTT_L_S,
      FP_FCVTT_W_S, FP_FMADD_S: return 1'b1;
      default: return 1'b0;
    endcase
  endfunction
  // Ops on pairs of singles: each half is computed as the single it is.
  function automatic logic is_pair(input logic [6:0] code);
    case (code)
      FP_FADD_P, FP_FSUB_P, FP_FMUL_P, FP_FDIV_P, FP_FMIN_P, FP_FMAX_P, FP_FSQRT_P, FP_FCMPEQ_P, FP_FCMPLT_P,
      FP_FCMPLE_P, FP_FCMPUN_P: return 1'b1;
      default: return 1'b0;
    endcase
  endfunction
  function automatic logic [6:0] scalar(input logic [6:0] code);
    case (code)
      FP_FADD_P: return FP_FADD_S;
      FP_FSUB_P: return FP_FSUB_S;
      FP_FMUL_P: return FP_FMUL_S;
      FP_FDIV_P: return FP_FDIV_S;
      FP_FMIN_P: return FP_FMIN_S;
      FP_FMAX_P: return FP_FMAX_S;
      FP_FSQRT_P: return FP_FSQRT_S;
      FP_FCMPEQ_P: return FP_FCMPEQ_S;
      FP_FCMPLT_P: return FP_FCMPLT_S;
      FP_FCMPLE_P: return FP_FCMPLE_S;
      FP_FCMPUN_P: return FP_FCMPUN_S;
      default: return code;
    endcase
  endfunction
  // What a single result's upper half is: 0 zero, 1 that of fa, 2 that of fb.
  function automatic logic [1:0] upper_of(input logic [6:0] code);
    case (code)
      FP_FADD_S, FP_FSUB_S, FP_FMUL_S, FP_FDIV_S, FP_FMIN_S, FP_FMAX_S, FP_FROUND_S, FP_FMADD_S,
      FP_FCMPEQ_S, FP_FCMPLT_S, FP_FCMPLE_S, FP_FCMPUN_S: return 2'd1;
      FP_FSQRT_S, FP_FCVT_S_D, FP_FCVT_S_L, FP_FCVT_S_W: return 2'd2;
      default: return 2'd0;
    endcase
  endfunction
  function automatic logic is_iterative(input logic [6:0] code);
    return code == FP_FDIV_D || code == FP_FDIV_S || code == FP_FSQRT_D || code == FP_FSQRT_S;
  endfunction

  function automatic num_t unpack(input logic [63:0] x, input logic single, input logic daz);
    num_t n;
    logic [10:0] e;
    logic [51:0] f;
    logic top;
    n = '0;
    n.sign = single ? x[31] : x[63];
    e = single ? {3'd0, x[30:23]} : x[62:52];
    f = single ? {x[22:0], 29'd0} : x[51:0];
    top = e == (single ? 11'h0ff : 11'h7ff);
    n.inf = top && f == '0;
    n.nan = top && f != '0;
    n.snan = n.nan && !f[51];
    n.denormal = e == '0 && f != '0 && !daz;
    n.zero = e == '0 && !n.denormal;
    n.sig = {!n.zero && !n.denormal, f};
    n.exp = exp_t'({5'd0, e}) - (single ? 16'sd127 : 16'sd1023);
    if (n.zero) begin
      n.sig = '0;
      n.exp = EXP_ZERO;
    end else if (n.denormal) begin
      n.exp = n.exp + 16'sd1;
      while (!n.sig[52]) begin
        n.sig = n.sig << 1;
        n.exp = n.exp - 16'sd1;
      end
    end
    return n;
  endfunction

  // Operands of a divide or square root.
  function automatic void unpack_pair(output num_t a, output num_t b, input logic [63:0] av, input logic [63:0] bv,
                                      input logic single);
    /* verilator no_inline_task */
    a = unpack(av, single, 1'b0);
    b = unpack(bv, single, 1'b0);
  endfunction

  // Ten more bits of a quotient (rest / divisor) or of a root, for which 20 bits of the radicand come from the top of `radicand`.
  function automatic void ten_bits(inout logic [63:0] rest, inout logic [59:0] quotient, input logic [63:0] radicand,
                                   input logic [63:0] divisor, input logic root);
    /* verilator no_inline_task */
    logic [63:0] t, more;
    t = divisor;
    more = radicand;
    for (int i = 0; i < 10; i++) begin
      if (root) begin
        rest = {rest[61:0], more[63:62]};
        more = more << 2;
        t = {2'd0, quotient, 2'b01};
      end
      quotient = quotient << 1;
      if (rest >= t) begin
        rest = rest - t;
        quotient[0] = 1'b1;
      end
      if (!root) rest = rest << 1;
    end
  endfunction

  function automatic logic [63:0] quieted(input logic [63:0] x, input logic single);
    return single ? {32'd0, x[31:0] | 32'h0040_0000} : x | 64'h0008_0000_0000_0000;
  endfunction
  function automatic logic [63:0] default_nan(input logic single);
    return single ? 64'h0000_0000_ffc0_0000 : 64'hfff8_0000_0000_0000;
  endfunction
  function automatic logic [63:0] infinity(input logic sign, input logic single);
    return single ? {32'd0, sign, 31'h7f80_0000} : {sign, 63'h7ff0_0000_0000_0000};
  endfunction
  function automatic logic [63:0] zero_of(input logic sign, input logic single);
    return single ? {32'd0, sign, 31'd0} : {sign, 63'd0};
  endfunction

  // a is less than b; both finite or infinite.
  function automatic logic less(input num_t a, input num_t b);
    logic abs_less, abs_equal;
    abs_less = !a.inf && (b.inf || a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig));
    abs_equal = a.inf == b.inf && (a.inf || (a.exp == b.exp && a.sig == b.sig));
    if (a.zero && b.zero) return 1'b0;
    if (a.sign != b.sign) return a.sign;
    return a.sign ? !abs_less && !abs_equal : abs_less;
  endfunction
  function automatic logic equal(input num_t a, input num_t b);
    if (a.zero && b.zero) return 1'b1;
    return a.sign == b.sign && a.inf == b.inf && (a.inf || (a.exp == b.exp && a.sig == b.sig));
  endfunction

  // First stage. q: quotient or root of the iterative unit, 60 bits with the weight of bit 59 that of the exponents' difference
  // (half the exponent), and whether there is more.
  function automatic void first(output mid_t m, input logic [6:0] code, input logic [63:0] av, input logic [63:0] bv,
                                input logic [63:0] cv, input logic [59:0] q, input logic q_more, input logic [13:0] fcsr);
    /* verilator no_inline_task */
    num_t a, b, c, p, s;
    wide_t total;
    logic single, done, nan, snan, lt, eq, un, holds;
    logic [63:0] value, mag;
    logic [127:0] ps, ss;
    logic [105:0] product;
    m = '0;
    single = is_single(code);
    m.rm = fcsr[1:0];
    m.ftz = fcsr[2];
    m.to = single ? TO_SINGLE : TO_DOUBLE;
    done = 1'b0;
    value = '0;
    a = unpack(av, single, fcsr[3]);
    b = unpack(bv, single, fcsr[3]);
    c = '0;
    p = '0;
    s = '0;
    ps = '0;
    ss = '0;
    product = '0;
    total = '0;
    nan = 1'b0;
    snan = 1'b0;
    lt = 1'b0;
    eq = 1'b0;
    un = 1'b0;
    holds = 1'b0;
    mag = '0;
    case (code)
      FP_FADD_D, FP_FADD_S, FP_FSUB_D, FP_FSUB_S, FP_FMUL_D, FP_FMUL_S, FP_FMADD_D, FP_FMADD_S, FP_FDIV_D, FP_FDIV_S: begin
        if (code == FP_FMADD_D || code == FP_FMADD_S) c = unpack(cv, single, fcsr[3]);
        nan = a.nan || b.nan || c.nan;
        snan = a.snan || b.snan || c.snan;
        if (nan) begin
          done = 1'b1;
          m.flags = snan ? IE : 6'd0;
          value = quieted(a.nan ? av : b.nan ? bv : cv, single);
        end else begin
          m.flags = (a.denormal || b.denormal || c.denormal) ? DE : 6'd0;
          case (code)
            FP_FADD_D, FP_FADD_S, FP_FSUB_D, FP_FSUB_S: begin
              p = a;
              s = b;
              s.sign = b.sign ^ (code == FP_FSUB_D || code == FP_FSUB_S);
              ps = {2'd0, a.sig, 73'd0};
              ss = {2'd0, b.sig, 73'd0};
            end
            FP_FDIV_D, FP_FDIV_S: begin
              p.sign = a.sign ^ b.sign;
              p.exp = a.exp - b.exp;
              ps = {2'd0, q, 65'd0, q_more};
              s.sign = p.sign;
              s.exp = EXP_ZERO;
              if ((a.inf && b.inf) || (a.zero && b.zero)) begin
                done = 1'b1;
                m.flags = IE;
                value = default_nan(single);
              end else if (a.inf || b.zero) begin
                done = 1'b1;
                if (!a.inf) m.flags = ZE;
                value = infinity(p.sign, single);
              end else if (a.zero || b.inf) begin
                done = 1'b1;
                value = zero_of(p.sign, single);
              end
            end
            default: begin
              p.sign = a.sign ^ b.sign;
              p.zero = a.zero || b.zero;
              p.inf = a.inf || b.inf;
              p.exp = p.zero ? EXP_ZERO : a.exp + b.exp;
              product = {53'd0, a.sig} * {53'd0, b.sig};
              ps = {1'b0, product, 21'd0};
              s = c;
              ss = {2'd0, c.sig, 73'd0};
              if (code == FP_FMUL_D || code == FP_FMUL_S) begin
                s.sign = p.sign;
                s.exp = EXP_ZERO;
              end
              if ((a.inf && b.zero) || (a.zero && b.inf)) begin
                done = 1'b1;
                m.flags = IE;
                value = default_nan(single);
              end
            end
          endcase
          if (!done && (p.inf || s.inf)) begin
            done = 1'b1;
            value = infinity(p.inf ? p.sign : s.sign, single);
            if (p.inf && s.inf && p.sign != s.sign) begin
              m.flags = IE;
              value = default_nan(single);
            end
          end
          // For products and quotients of something and nothing.
          total = added({p.sign, fexp_t'(p.exp), ps}, {s.sign, fexp_t'(s.exp), ss}, m.rm);
          m.sign = total.sign;
          m.exp = total.exp[15:0];
          m.sig = total.sig;
        end
      end
      FP_FSQRT_D, FP_FSQRT_S: begin
        m.sign = a.sign;
        m.exp = exp_t'(a.exp >>> 1);
        m.sig = {2'd0, q, 65'd0, q_more};
        m.flags = a.denormal ? DE : 6'd0;
        done = a.nan || a.zero || a.inf || a.sign;
        value = zero_of(a.sign, single);
        if (a.nan) begin
          m.flags = a.snan ? IE : 6'd0;
          value = quieted(av, single);
        end else if (a.sign && !a.zero) begin
          m.flags = IE;
          value = default_nan(single);
        end else if (a.inf) begin
          value = infinity(1'b0, single);
        end
      end
      FP_FMIN_D, FP_FMIN_S, FP_FMAX_D, FP_FMAX_S: begin
        done = 1'b1;
        nan = a.nan || b.nan;
        m.flags = nan ? IE : (a.denormal || b.denormal) ? DE : 6'd0;
        lt = (code == FP_FMIN_D || code == FP_FMIN_S) ? less(a, b) : less(b, a);
        value = single ? {32'd0, bv[31:0]} : bv;
        if (b.zero) value = zero_of(b.sign, single);
        if (!nan && lt) begin
          value = single ? {32'd0, av[31:0]} : av;
          if (a.zero) value = zero_of(a.sign, single);
        end
      end
      FP_FCMPF_D, FP_FCMPF_S, FP_FCOMF_D, FP_FCOMF_S, FP_FCMPEQ_D, FP_FCMPEQ_S, FP_FCMPLT_D, FP_FCMPLT_S, FP_FCMPLE_D,
      FP_FCMPLE_S, FP_FCMPUN_D, FP_FCMPUN_S: begin
        done = 1'b1;
        un = a.nan || b.nan;
        lt = !un && less(a, b);
        eq = !un && equal(a, b);
        m.flags = un ? 6'd0 : (a.denormal || b.denormal) ? DE : 6'd0;
        snan = a.snan || b.snan;
        if (code == FP_FCMPF_D || code == FP_FCMPF_S || code == FP_FCOMF_D || code == FP_FCOMF_S) begin
          snan = snan || (un && (code == FP_FCOMF_D || code == FP_FCOMF_S));
          value = {57'd0, un || eq, 3'd0, un, 1'b0, un || lt};
        end else begin
          case (code)
            FP_FCMPEQ_D, FP_FCMPEQ_S: holds = eq;
            FP_FCMPLT_D, FP_FCMPLT_S: holds = lt;
            FP_FCMPLE_D, FP_FCMPLE_S: holds = lt || eq;
            default: holds = un;
          endcase
          if (code == FP_FCMPLT_D || code == FP_FCMPLT_S || code == FP_FCMPLE_D || code == FP_FCMPLE_S) snan = snan || un;
          value = holds ? (single ? 64'hffff_ffff : '1) : '0;
        end
        if (snan) m.flags = IE;
      end
      FP_FCVT_D_S, FP_FCVT_S_D: begin
        m.to = single ? TO_DOUBLE : TO_SINGLE;
        m.sign = a.sign;
        m.exp = a.exp;
        m.sig = {2'd0, a.sig, 73'd0};
        m.flags = a.denormal ? DE : 6'd0;
        done = a.nan || a.inf;
        if (a.nan) begin
          m.flags = a.snan ? IE : 6'd0;
          value = single ? {a.sign, 11'h7ff, 1'b1, av[21:0], 29'd0} : {32'd0, a.sign, 8'hff, 1'b1, av[50:29]};
        end else begin
          value = infinity(a.sign, !single);
        end
      end
      FP_FCVT_D_L, FP_FCVT_S_L, FP_FCVT_D_W, FP_FCVT_S_W: begin
        m.to = (code == FP_FCVT_D_L || code == FP_FCVT_D_W) ? TO_DOUBLE : TO_SINGLE;
        mag = (code == FP_FCVT_D_W || code == FP_FCVT_S_W) ? {{32{av[31]}}, av[31:0]} : av;
        m.sign = mag[63];
        if (mag[63]) mag = -mag;
        m.exp = 16'sd62;
        m.sig = {1'b0, mag, 63'd0};
      end
      FP_FROUND_D, FP_FROUND_S: begin
        m.to = single ? TO_INTEGRAL_S : TO_INTEGRAL_D;
        if (!bv[2]) m.rm = bv[1:0];
        m.quiet = bv[3];
        m.sign = a.sign;
        m.exp = a.exp;
        m.sig = {2'd0, a.sig, 73'd0};
        done = a.nan || a.inf || a.zero || a.exp >= 16'sd52;
        m.flags = a.snan ? IE : 6'd0;
        value = a.nan ? quieted(av, single) : a.zero ? zero_of(a.sign, single) : single ? {32'd0, av[31:0]} : av;
      end
      FP_FCVT_L_D, FP_FCVT_L_S, FP_FCVT_W_D, FP_FCVT_W_S, FP_FCVTT_L_D, FP_FCVTT_L_S, FP_FCVTT_W_D, FP_FCVTT_W_S: begin
        m.to = (code == FP_FCVT_L_D || code == FP_FCVT_L_S || code == FP_FCVTT_L_D || code == FP_FCVTT_L_S) ? TO_I64 : TO_I32;
        if (code == FP_FCVTT_L_D || code == FP_FCVTT_L_S || code == FP_FCVTT_W_D || code == FP_FCVTT_W_S) m.rm = 2'd3;
        m.sign = a.sign;
        m.exp = a.exp;
        m.sig = {2'd0, a.sig, 73'd0};
        done = a.nan || a.inf || a.exp > 16'sd63;
        value = m.to == TO_I64 ? 64'h8000_0000_0000_0000 : 64'h0000_0000_8000_0000;
        m.flags = done ? IE : 6'd0;
      end
      default: begin
        done = 1'b1;
        value = av;
      end
    endcase
    if (done) begin
      m.to = TO_DONE;
      m.sig = {64'd0, value};
    end
  endfunction

  typedef struct packed {
    logic [63:0] value;
    logic [5:0]  flags;
  } result_t;

  // A normalized 64-bit magnitude (bit 63 weighs 2^exp, bit 0 jammed) to a double or single.
  function automatic result_t pack(input logic sign, input exp_t exp_in, input logic [63:0] sig_in, input logic single,
                                   input logic [1:0] rm, input logic ftz);
    result_t r;
    exp_t exp, emin, below;
    logic [63:0] sig;
    logic [53:0] m;
    logic tiny, half, more, to_inf;
    r = '0;
    exp = exp_in;
    sig = sig_in;
    emin = single ? -16'sd126 : -16'sd1022;
    half = single ? sig[39] : sig[10];
    more = single ? sig[38:0] != '0 : sig[9:0] != '0;
    m = single ? {30'd0, sig[63:40]} : {1'b0, sig[63:11]};
    m = m + 54'(round_up(rm, sign, m[0], half, more));
    tiny = exp < emin && !(exp == emin - 16'sd1 && (single ? m[24] : m[53]));
    if (exp < emin) begin
      below = emin - exp;
      if (below > 16'sd63) begin
        sig = 64'd1;
      end else begin
        sig = sig_in >> below[5:0];
        sig[0] = sig[0] | ((sig << below[5:0]) != sig_in);
      end
      half = single ? sig[39] : sig[10];
      more = single ? sig[38:0] != '0 : sig[9:0] != '0;
      m = single ? {30'd0, sig[63:40]} : {1'b0, sig[63:11]};
      m = m + 54'(round_up(rm, sign, m[0], half, more));
      r.value = single ? {32'd0, sign, 7'd0, m[23:0]} : {sign, 10'd0, m[52:0]};
      r.flags = (half || more) ? (tiny ? UE | PE : PE) : 6'd0;
      if (tiny && ftz) begin
        r.value = zero_of(sign, single);
        r.flags = UE | PE;
      end
      return r;
    end
    if (single ? m[24] : m[53]) exp = exp + 16'sd1;
    r.flags = (half || more) ? PE : 6'd0;
    if (exp > (single ? 16'sd127 : 16'sd1023)) begin
      to_inf = rm == 2'd0 || (rm == 2'd1 && sign) || (rm == 2'd2 && !sign);
      r.value = infinity(sign, single);
      if (!to_inf) r.value = r.value - 64'd1;
      r.flags = OE | PE;
    end else begin
      exp = exp + (single ? 16'sd127 : 16'sd1023);
      r.value = single ? {32'd0, sign, exp[7:0], m[22:0]} : {sign, exp[10:0], m[51:0]};
    end
    return r;
  endfunction

  function automatic result_t rounded(input mid_t m);
    result_t r;
    exp_t exp;
    logic [127:0] wide;
    logic [63:0] sig, ip, rest, limit;
    logic [6:0] n;
    logic half, more, up, single;
    r = '0;
    r.flags = m.flags;
    r.value = m.sig[63:0];
    if (m.to == TO_DONE) return r;
    single = m.to == TO_SINGLE || m.to == TO_INTEGRAL_S;
    if (m.sig == '0) begin
      r.value = (m.to == TO_I64 || m.to == TO_I32) ? '0 : zero_of(m.sign, single);
      return r;
    end
    wide = m.sig;
    exp = m.exp + 16'sd2;
    n = '0;
    while (wide[127:120] == '0) begin
      wide = wide << 8;
      n = n + 7'd8;
    end
    while (!wide[127]) begin
      wide = wide << 1;
      n = n + 7'd1;
    end
    exp = exp - exp_t'({9'd0, n});
    sig = wide[127:64];
    sig[0] = sig[0] | (wide[63:0] != '0);
    if (m.to == TO_DOUBLE || m.to == TO_SINGLE) begin
      r = pack(m.sign, exp, sig, single, m.rm, m.ftz);
      r.flags = r.flags | m.flags;
      return r;
    end
    // To an integer: exp is at most 63.
    if (exp < 16'sd0) begin
      ip = '0;
      half = exp == -16'sd1;
      more = exp < -16'sd1 || sig[62:0] != '0;
    end else begin
      ip = sig >> (6'd63 - exp[5:0]);
      rest = (exp == 16'sd63) ? '0 : sig << (exp[5:0] + 6'd1);
      half = rest[63];
      more = rest[62:0] != '0;
    end
    up = round_up(m.rm, m.sign, ip[0], half, more);
    ip = ip + 64'(up);
    if ((half || more) && !m.quiet) r.flags = r.flags | PE;
    if (m.to == TO_I64 || m.to == TO_I32) begin
      limit = m.to == TO_I64 ? 64'h7fff_ffff_ffff_ffff : 64'h7fff_ffff;
      if (ip > limit + 64'(m.sign)) begin
        r.flags = IE;
        r.value = m.to == TO_I64 ? 64'h8000_0000_0000_0000 : 64'h0000_0000_8000_0000;
      end else begin
        r.value = m.sign ? -ip : ip;
        if (m.to == TO_I32) r.value[63:32] = '0;
      end
    end else if (ip == '0) begin
      r.value = zero_of(m.sign, single);
    end else begin
      exp = 16'sd63;
      while (!ip[63]) begin
        ip = ip << 1;
        exp = exp - 16'sd1;
      end
      r.value = single ? {32'd0, m.sign, 8'(exp + 16'sd127), ip[62:40]} : {m.sign, 11'(exp + 16'sd1023), ip[62:11]};
    end
    return r;
  endfunction

  // Second stage: normalizes and rounds.
  function automatic void second(output logic [63:0] value, output logic [5:0] flags, input mid_t m);
    /* verilator no_inline_task */
    result_t r;
    r = rounded(m);
    value = r.value;
    flags = r.flags;
  endfunction
endpackage
