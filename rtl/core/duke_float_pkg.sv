// What doubles and extended numbers share: flags, rounding, and the sum of two magnitudes. See duke_fp_pkg and duke_xfp_pkg for what
// a number is.
package duke_float_pkg;
  typedef logic signed [17:0] fexp_t;        // holds every exponent there is, and differences of two

  // Flags as in fcsr: PE UE OE ZE DE IE
  localparam logic [5:0] IE = 6'd1;
  localparam logic [5:0] DE = 6'd2;
  localparam logic [5:0] ZE = 6'd4;
  localparam logic [5:0] OE = 6'd8;
  localparam logic [5:0] UE = 6'd16;
  localparam logic [5:0] PE = 6'd32;

  // Moved down by n, which is not negative; bit 0 keeps what falls out.
  function automatic logic [127:0] shift_jam(input logic [127:0] x, input fexp_t n);
    logic [127:0] r;
    if (n >= 18'sd128) return {127'd0, x != '0};
    r = x >> n[6:0];
    r[0] = r[0] | ((r << n[6:0]) != x);
    return r;
  endfunction

  // Whether a magnitude is rounded up, from its last bit and what lies below: half of a unit, more than nothing besides.
  function automatic logic round_up(input logic [1:0] rm, input logic sign, input logic last, input logic half, input logic more);
    case (rm)
      2'd0: return half && (more || last);
      2'd1: return sign && (half || more);
      2'd2: return !sign && (half || more);
      default: return 1'b0;
    endcase
  endfunction

  // An unrounded number; zero: sig is 0.
  typedef struct packed {
    logic         sign;
    fexp_t        exp;
    logic [127:0] sig;
  } wide_t;
  // Their sum; of nothing and something the latter. rm gives the sign of what is left when both cancel.
  function automatic wide_t added(input wide_t a, input wide_t b, input logic [1:0] rm);
    wide_t r;
    r = a;
    if (a.exp >= b.exp) begin
      b.sig = shift_jam(b.sig, a.exp - b.exp);
    end else begin
      r.exp = b.exp;
      a.sig = shift_jam(a.sig, b.exp - a.exp);
    end
    if (a.sign == b.sign) begin
      r.sig = a.sig + b.sig;
    end else if (a.sig == b.sig) begin
      r.sign = rm == 2'd1;
      r.sig = '0;
    end else if (a.sig > b.sig) begin
      r.sig = a.sig - b.sig;
    end else begin
      r.sign = b.sign;
      r.sig = b.sig - a.sig;
    end
    return r;
  endfunction
endpackage
