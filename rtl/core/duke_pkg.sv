// Types and derived parameters that the units of the core share. Facts of encoding and of the machine are in duke_isa_pkg.
package duke_pkg;
  import duke_isa_pkg::*;

  // Lanes have fixed numbers on every machine; lanes a machine lacks stay empty.
  localparam int LANES = 5;
  localparam int LANE_A0 = 2;
  localparam int LANE_B = 4;

  localparam int LINE_WORDS = 8;  // double words of a 64-byte line
  localparam int L1I_SETS = CACHES_L1I_KIB * 16 / CACHES_L1I_WAYS;
  localparam int L1D_SETS = CACHES_L1D_KIB * 16 / CACHES_L1D_WAYS;
  localparam int L2_SETS = CACHES_L2_KIB * 16 / CACHES_L2_WAYS;
  localparam int TARGETS = 512;  // predictor's table of indirect targets
  localparam int NATIVE_STORES = 16;  // write buffer of native stores
  // After reset a counter walks through the sets of all tables and the registers, clearing one a cycle.
  localparam int INIT_CYCLES = 512;

  // An op in flight. Register numbers have bit 6 set for file f; 0 where none is read.
  typedef struct packed {
    logic [2:0] pos;      // position among the ops of the bundle that take a lane
    logic [3:0] unit;     // UNIT_*
    logic [4:0] kind;     // KIND_*
    logic [6:0] code;     // what the unit does
    logic [6:0] rd;
    logic [6:0] ra;
    logic [6:0] rb;
    logic [6:0] rc;       // a store's data register
    logic       wr;       // writes rd
    logic       late;     // the result is not there at the end of X
    logic       use_imm;  // the immediate stands for rb (not memory ops: they add it)
    logic [1:0] size;     // memory: log2 of the bytes
    logic       sign;
    logic [1:0] spec;     // SPEC_*
    logic       guest;
    logic [1:0] scale;
    logic [3:0] aux;      // condition of selcc and bcc, alias entry of ldp
  } uop_t;

  // Arrays that go through ports. Named types, as Verilator copies an array at a port of any other.
  typedef uop_t uops_t [LANES];
  typedef logic [63:0] lanes64_t [LANES];
  typedef logic [6:0] lanes7_t [LANES];
  typedef uop_t uop2_t [2];
  typedef logic [63:0] pair64_t [2];
  typedef logic [31:0] pair32_t [2];
  typedef logic [31:3] pair_dw_t [2];
  typedef logic [15:0] pair16_t [2];
  typedef logic [1:0] pair2_t [2];
  typedef logic [3:0] pair4_t [2];
  typedef logic [5:0] pair6_t [2];
  typedef logic [63:12] pair_vpn_t [2];
  typedef logic [63:0] line_t [LINE_WORDS];
  typedef logic [63:0] queue_t [16];
  typedef logic [63:0] quad64_t [4];
  typedef logic [31:0] quad32_t [4];
  typedef logic [2:0] quad3_t [4];
  typedef logic [31:3] quad_dw_t [4];
  typedef logic [7:0] quad8_t [4];
  typedef logic [63:0] regfile_t [256];

  // Kinds of branch that the predictor tells apart.
  typedef enum logic [2:0] {
    PK_COND,      // by the counters
    PK_JUMP,
    PK_CALL,
    PK_RET,       // by the native return stack
    PK_JRAS,      // by the dual-address return stack
    PK_INDIRECT,  // by the target table
    PK_ICALL
  } pkind_e;

  // Least-recently-used order of up to 8 ways: way numbers from the most recent (low bits) to the oldest.
  function automatic logic [23:0] lru_touch(input logic [23:0] order, input logic [2:0] way);
    logic [23:0] r;
    logic found;
    r = {order[20:0], way};
    found = 1'b0;
    for (int i = 0; i < 8; i++) begin
      if (!found && order[3*i+:3] == way) begin
        found = 1'b1;
        r = (order & ~(24'((25'd1 << (3 * i + 3)) - 25'd1)))
          | ((order << 3) & (24'((25'd1 << (3 * i + 3)) - 25'd1))) | {21'd0, way};
      end
    end
    return r;
  endfunction
  localparam logic [23:0] LRU_INIT = {3'd7, 3'd6, 3'd5, 3'd4, 3'd3, 3'd2, 3'd1, 3'd0};

  // Eight byte enables to a bit mask.
  function automatic logic [63:0] byte_mask(input logic [7:0] m);
    return {{8{m[7]}}, {8{m[6]}}, {8{m[5]}}, {8{m[4]}}, {8{m[3]}}, {8{m[2]}}, {8{m[1]}}, {8{m[0]}}};
  endfunction
endpackage
