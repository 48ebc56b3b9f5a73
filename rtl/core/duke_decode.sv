// D: finds the next bundle in the fetch queue, decodes its ops and disperses them to the lanes. Combinational; does nothing when
// the next stage has no room. A bundle that breaks a rule leaves as a fault without ops.
//
// The loops run over the words and ops that are there, not over all that could be: that is what a simulator pays for.
module duke_decode
  import duke_isa_pkg::*;
  import duke_pkg::*;
(
  input  logic        go_i,                // the issue stage takes a bundle
  input  logic [31:0] pc_i,                // of the next bundle
  input  logic        fresh_i,             // the head window is untouched: begin at its first word
  input  logic [2:0]  off_i,               // else here

  // Fetch queue
  input  queue_t      q_data_i,
  input  quad3_t      q_first_i,
  input  quad3_t      q_last_i,
  input  logic [3:0]  q_taken_i,
  input  logic [3:0]  q_fault_i,
  input  quad32_t     q_target_i,
  input  logic [1:0]  q_head_i,
  input  logic [2:0]  q_count_i,
  output logic [2:0]  q_pop_o,
  output logic        fresh_o,
  output logic [2:0]  off_o,

  // Bundle
  output logic        valid_o,
  output logic [4:0]  lane_valid_o,
  output uops_t       uop_o,
  output lanes64_t    imm_o,
  output pair16_t     mask_o,          // alias mask of a checked store, by memory lane
  output logic [31:0] target_o,            // of a direct branch
  output logic [31:0] next_o,              // following bundle
  output logic [31:0] predicted_o,         // where fetching went on
  output logic        commit_o,
  output logic [5:0]  commit_n_o,
  output logic        cat_en_o,            // op cat: category of what follows
  output logic [3:0]  cat_o,
  output logic [2:0]  nops_o,              // ops that count as retired
  output logic        illegal_o,
  output logic        fetch_fault_o,
  output logic [31:0] word_o,              // first word

  // The queue holds a predicted branch in mid-bundle
  output logic        refetch_o,
  output logic [31:0] refetch_last_o,      // address of the word that was taken for the last of a bundle

  // A branch that fetching did not know and that goes away: predicted here
  output logic [1:0]  last_entry_o,        // where the bundle's last word is
  output logic        ask_o,               // a conditional branch or return asks
  input  logic        ask_taken_i,
  input  logic [31:0] ask_target_i,        // of a return
  output logic        steer_o,
  output logic [2:0]  steer_kind_o         // pkind_e
);
  logic [31:0] words [MAX_WORDS + 1];
  logic [3:0] nwords;
  logic complete, taken;
  logic [31:0] taken_target;

  // Which words: up to the end bit, across windows.
  always_comb begin
    automatic logic [1:0] e;
    automatic logic [2:0] o;
    automatic logic [2:0] left;
    automatic logic more;
    automatic logic [31:0] w;
    words = '{default: '0};
    nwords = 4'd0;
    complete = 1'b0;
    taken = 1'b0;
    taken_target = 32'd0;
    fetch_fault_o = 1'b0;
    refetch_o = 1'b0;
    e = q_head_i;
    last_entry_o = q_head_i;
    left = q_count_i;
    o = off_i;
    fresh_o = fresh_i;
    more = go_i;
    while (more) begin
      if (left == 3'd0) begin
        more = 1'b0;
      end else if (q_fault_i[e]) begin
        fetch_fault_o = 1'b1;
        complete = 1'b1;
        more = 1'b0;
      end else begin
        if (fresh_o) o = q_first_i[e];
        w = o[0] ? q_data_i[{e, o[2:1]}][63:32] : q_data_i[{e, o[2:1]}][31:0];
        words[nwords] = w;
        last_entry_o = e;
        nwords = nwords + 4'd1;
        complete = w[31] || nwords == 4'(MAX_WORDS);
        more = !complete;
        if (o == q_last_i[e]) begin
          if (q_taken_i[e]) begin
            taken = w[31];
            taken_target = q_target_i[e];
            refetch_o = !w[31];
            more = 1'b0;
          end
          e = e + 2'd1;
          left = left - 3'd1;
          fresh_o = 1'b1;
        end else begin
          o = o + 3'd1;
          fresh_o = 1'b0;
        end
      end
    end
    off_o = o;
    valid_o = complete && !refetch_o;
    q_pop_o = valid_o ? q_count_i - left : 3'd0;
    refetch_last_o = pc_i + {26'd0, nwords - 4'd1, 2'd0};
    next_o = pc_i + {26'd0, nwords, 2'd0};
  end

  // Which ops, and their lanes. Memory ops take M lanes in order and A ops take A lanes, X the first; simple ones fill what is left,
  // A first.
  always_comb begin
    automatic logic [3:0] i;
    automatic logic [31:0] w, x;
    automatic logic ext;
    automatic duke_opcode_t oc;
    automatic duke_row_t row;
    automatic logic [1:0] form;
    automatic uop_t u;
    automatic logic [63:0] imm;
    automatic logic [2:0] npos, nm, na, nb, ni, lane;
    automatic logic [3:0] nops;
    automatic logic alone, bad, has_x;
    automatic logic [63:0] written_r, written_f;
    automatic uop_t iu [4];
    automatic logic [63:0] ii [4];
    lane_valid_o = 5'd0;
    uop_o = '{default: '0};
    imm_o = '{default: '0};
    mask_o = '{default: '0};
    target_o = 32'd0;
    commit_o = 1'b0;
    commit_n_o = 6'd0;
    cat_en_o = 1'b0;
    cat_o = 4'd0;
    iu = '{default: '0};
    ii = '{default: '0};
    bad = 1'b0;
    npos = 3'd0;
    nm = 3'd0;
    na = 3'd0;
    nb = 3'd0;
    ni = 3'd0;
    nops = 4'd0;
    alone = 1'b0;
    has_x = 1'b0;
    written_r = '0;
    written_f = '0;
    word_o = words[0];
    if (valid_o && !fetch_fault_o) begin
      bad = !words[nwords - 4'd1][31];
      i = 4'd0;
      while (i < nwords && !bad) begin
        w = words[i];
        x = words[i + 4'd1];
        ext = !w[31] && x[30:29] == 2'b11 && i + 4'd1 < nwords;
        oc = duke_opcode_t'(DUKE_OPCODES[w[30:24]]);
        row = duke_row_t'(DUKE_ROWS[oc.base + (oc.fn == 2'd0 ? 10'd0
          : {4'd0, oc.fn == 2'd1 ? w[F_R3_FN+:6] : x[F_R4X_FN+:6]})]);
        form = ext ? FORM_EXT : (oc.imm || row.forms[0] == 1'b0) ? FORM_IMM : FORM_REG;
        bad = !row.legal || !row.forms[form] || (ext && oc.imm);
        imm = duke_imm(row.fmt, form, w, x);
        u = '0;
        u.pos = npos;
        u.unit = row.unit;
        u.kind = row.kind;
        u.code = row.code;
        u.size = row.size;
        u.sign = row.sign;
        u.spec = row.spec;
        u.late = row.late;
        u.guest = row.guest;
        u.rd = {row.rd_f, w[F_R4_RD+:6]};
        u.wr = row.writes_rd && u.rd != 7'd0;
        u.use_imm = form != FORM_REG && row.unit != UNIT_M;
        if (row.reads_ra) u.ra = {row.ra_f, w[F_R4_RA+:6]};
        if (row.reads_rb && (form == FORM_REG || row.fmt == FMT_R4X)) u.rb = {row.rb_f, w[F_R4_RB+:6]};
        if (row.reads_rc) u.rc = {row.rc_f, w[F_R4_RC+:6]};
        if (row.reads_rd) u.rc = u.rd;
        case (row.fmt)
          FMT_R4X: begin
            u.aux = x[F_R4X_CC+:4];
            u.use_imm = 1'b0;
          end
          FMT_BC: begin
            u.ra = {1'b0, w[F_BC_RA+:6]};
            u.rb = row.reads_rb ? {1'b0, w[F_BC_RB+:6]} : 7'd0;
            u.use_imm = 1'b0;
          end
          FMT_BF: begin
            u.ra = {1'b0, w[F_BF_RA+:6]};
            u.aux = w[F_BF_CC+:4];
          end
          FMT_MEM, FMT_MEMP, FMT_MEMC: begin
            if (form == FORM_EXT) begin
              u.rb = {1'b0, w[F_MEM_RB+:6]};
              u.scale = w[F_MEM_SCALE+:2];
              if (!LANES_ADDRESS_MODES && (u.rb != 7'd0 || u.scale != 2'd0)) bad = 1'b1;
            end
            u.aux = w[F_MEMP_ENTRY+:4];
          end
          default: ;
        endcase
        if (row.kind == KIND_CALL || row.kind == KIND_CALL_REG) begin
          u.rd = 7'd1;
          u.wr = 1'b1;
        end
        if (u.wr) begin
          if (u.rd[6] ? written_f[u.rd[5:0]] : written_r[u.rd[5:0]]) bad = 1'b1;
          if (u.rd[6]) written_f[u.rd[5:0]] = 1'b1;
          else written_r[u.rd[5:0]] = 1'b1;
        end
        alone = alone || row.alone;
        if (row.unit != UNIT_N) npos = npos + 3'd1;
        nops = nops + 4'd1;
        case (row.unit)
          UNIT_I: begin
            iu[ni[1:0]] = u;
            ii[ni[1:0]] = imm;
            if (ni == 3'd4) bad = 1'b1;
            ni = ni + 3'd1;
          end
          UNIT_M: begin
            if (nm == 3'(LANES_M)) bad = 1'b1;
            uop_o[{2'd0, nm[0]}] = u;
            imm_o[{2'd0, nm[0]}] = imm;
            mask_o[nm[0]] = duke_mask(w, x);
            lane_valid_o[{2'd0, nm[0]}] = 1'b1;
            nm = nm + 3'd1;
          end
          UNIT_A, UNIT_F, UNIT_V: begin
            if (na == 3'(LANES_A)) bad = 1'b1;
            uop_o[{2'd1, na[0]}] = u;
            imm_o[{2'd1, na[0]}] = imm;
            lane_valid_o[{2'd1, na[0]}] = 1'b1;
            na = na + 3'd1;
          end
          UNIT_X: begin
            if (has_x || na == 3'(LANES_A)) bad = 1'b1;
            has_x = 1'b1;
            uop_o[{2'd1, na[0]}] = uop_o[LANE_A0];
            imm_o[{2'd1, na[0]}] = imm_o[LANE_A0];
            lane_valid_o[{2'd1, na[0]}] = 1'b1;
            uop_o[LANE_A0] = u;
            na = na + 3'd1;
          end
          UNIT_N: begin
            if (row.kind == KIND_COMMIT) begin
              if (commit_o) bad = 1'b1;
              commit_o = 1'b1;
              commit_n_o = imm[5:0];
            end
            if (row.kind == KIND_CAT) begin
              cat_en_o = 1'b1;
              cat_o = imm[3:0];
            end
          end
          default: begin
            if (nb == 3'd1) bad = 1'b1;
            uop_o[LANE_B] = u;
            imm_o[LANE_B] = imm;
            lane_valid_o[LANE_B] = 1'b1;
            target_o = pc_i + {26'd0, i, 2'd0} + imm[31:0];
            nb = nb + 3'd1;
          end
        endcase
        i = i + (ext ? 4'd2 : 4'd1);
      end
      if (alone && nops != 4'd1) bad = 1'b1;
      i = 4'd0;
      while (i < {1'b0, ni} && !bad) begin
        lane = {2'd1, na[0]};
        if (na < 3'(LANES_A)) begin
          na = na + 3'd1;
        end else begin
          lane = {2'd0, nm[0]};
          if (!LANES_M_DOES_INT || nm >= 3'(LANES_M)) bad = 1'b1;
          nm = nm + 3'd1;
        end
        uop_o[lane] = iu[i[1:0]];
        imm_o[lane] = ii[i[1:0]];
        lane_valid_o[lane] = 1'b1;
        i = i + 4'd1;
      end
    end
    illegal_o = bad;
    if (bad) begin
      lane_valid_o = 5'd0;
      commit_o = 1'b0;
    end
    nops_o = npos;
  end

  // Fetching knows only branches that were taken before; here the op itself is known.
  logic unknown;
  logic [4:0] b_kind;
  assign b_kind = uop_o[LANE_B].kind;
  assign unknown = lane_valid_o[LANE_B] && !taken;
  assign ask_o = unknown && (b_kind == KIND_BRANCH || b_kind == KIND_RET);
  always_comb begin
    steer_o = 1'b0;
    steer_kind_o = PK_COND;
    predicted_o = taken ? taken_target : next_o;
    if (unknown) begin
      case (b_kind)
        KIND_JUMP: begin
          steer_o = 1'b1;
          steer_kind_o = PK_JUMP;
          predicted_o = target_o;
        end
        KIND_CALL: begin
          steer_o = 1'b1;
          steer_kind_o = PK_CALL;
          predicted_o = target_o;
        end
        KIND_RET: begin
          steer_o = 1'b1;
          steer_kind_o = PK_RET;
          predicted_o = ask_target_i;
        end
        KIND_BRANCH: begin
          steer_o = ask_taken_i;
          if (ask_taken_i) predicted_o = target_o;
        end
        default: ;
      endcase
    end
  end
endmodule
