// Selection patterns, nodes and pseudo instructions. Loads, stores, calls and constants are selected in DukeISelDAGToDAG.cpp.

def SDT_CallStart : SDCallSeqStart<[SDTCisVT<0, i64>, SDTCisVT<1, i64>]>;
def SDT_CallEnd : SDCallSeqEnd<[SDTCisVT<0, i64>, SDTCisVT<1, i64>]>;
def callseq_start : SDNode<"ISD::CALLSEQ_START", SDT_CallStart, [SDNPHasChain, SDNPOutGlue]>;
def callseq_end : SDNode<"ISD::CALLSEQ_END", SDT_CallEnd, [SDNPHasChain, SDNPOptInGlue, SDNPOutGlue]>;
def duke_ret : SDNode<"DukeISD::RET", SDTNone, [SDNPHasChain, SDNPOptInGlue, SDNPVariadic]>;
def duke_addr : SDNode<"DukeISD::ADDR", SDTypeProfile<1, 1, [SDTCisVT<0, i64>, SDTCisSameAs<0, 1>]>>;

// 32-bit operations whose meaning differs from the 64-bit one by more than an extension of the result.
def duke_shl_sw : SDNode<"DukeISD::SHL_SW", SDTIntBinOp>;
def duke_shr_sw : SDNode<"DukeISD::SHR_SW", SDTIntBinOp>;
def duke_sar_sw : SDNode<"DukeISD::SAR_SW", SDTIntBinOp>;
def duke_ror_w : SDNode<"DukeISD::ROR_W", SDTIntBinOp>;
def duke_div_sw : SDNode<"DukeISD::DIV_SW", SDTIntBinOp>;
def duke_divu_sw : SDNode<"DukeISD::DIVU_SW", SDTIntBinOp>;
def duke_rem_sw : SDNode<"DukeISD::REM_SW", SDTIntBinOp>;
def duke_remu_sw : SDNode<"DukeISD::REMU_SW", SDTIntBinOp>;

let Defs = [R2], Uses = [R2], hasSideEffects = 1 in {
def ADJCALLSTACKDOWN : DukePseudo<(outs), (ins i64imm:$a, i64imm:$b), [(callseq_start timm:$a, timm:$b)]>;
def ADJCALLSTACKUP : DukePseudo<(outs), (ins i64imm:$a, i64imm:$b), [(callseq_end timm:$a, timm:$b)]>;
}
// No use of R1: it is a callee-saved register whose liveness prologue insertion tracks; the scheduler knows that RET reads it.
let isReturn = 1, isTerminator = 1, isBarrier = 1, Unit = 3 in
def RET : DukePseudo<(outs), (ins), [(duke_ret)]>;
def GPRTail : RegisterClass<"Duke", [i64], 64, (add (sequence "R%u", 4, 17), (sequence "R%u", 48, 55))>;
// Tail calls. The target of the register form must not be callee-saved: the epilogue comes first.
let isReturn = 1, isTerminator = 1, isBarrier = 1, isCall = 1, Uses = [R2], Unit = 3 in {
def TAIL : DukePseudo<(outs), (ins i64imm:$t)>;
def TAILR : DukePseudo<(outs), (ins GPRTail:$t)>;
}

// ---------------------------------------------------------------- immediates
def uimm5 : ImmLeaf<i64, [{ return isUInt<5>(Imm); }]>;
def uimm6 : ImmLeaf<i64, [{ return isUInt<6>(Imm); }]>;
defvar Low32 = 0xffffffff;

// ---------------------------------------------------------------- two operands
class RegPat<SDPatternOperator op, string name>
    : Pat<(i64 (op i64:$a, i64:$b)), (!cast<Instruction>(name # "_R") $a, $b)>;

// Register, six-bit and 35-bit immediate.
multiclass AluPat<SDPatternOperator op, string name> {
  def : Pat<(i64 (op i64:$a, SImm6:$i)), (!cast<Instruction>(name # "_I") $a, SImm6:$i)>;
  def : Pat<(i64 (op i64:$a, SImmSym35:$i)), (!cast<Instruction>(name # "_X") $a, SImmSym35:$i)>;
  def : RegPat<op, name>;
}
// The same, but the operation has a 12-bit and 41-bit immediate of its own.
multiclass AluImmPat<SDPatternOperator op, string name, string imm> {
  def : Pat<(i64 (op i64:$a, SImm12:$i)), (!cast<Instruction>(imm # "_I") $a, SImm12:$i)>;
  def : Pat<(i64 (op i64:$a, SImmSym41:$i)), (!cast<Instruction>(imm # "_X") $a, SImmSym41:$i)>;
  def : RegPat<op, name>;
}
multiclass ShiftPat<SDPatternOperator op, string name> {
  def : Pat<(i64 (op i64:$a, (i64 uimm6:$n))), (!cast<Instruction>(name # "_I") $a, uimm6:$n)>;
  def : Pat<(i64 (op i64:$a, (and i64:$n, 63))), (!cast<Instruction>(name # "_R") $a, $n)>;
  def : RegPat<op, name>;
}
defm : AluImmPat<add, "ADD", "ADDI">;
defm : AluImmPat<and, "AND", "ANDI">;
defm : AluImmPat<or, "OR", "ORI">;
defm : AluPat<xor, "XOR">;
defm : AluPat<sub, "SUB">;
defm : AluPat<smin, "MIN">;
defm : AluPat<umin, "MINU">;
defm : AluPat<mul, "MUL">;
defm : AluPat<mulhs, "MULH">;
defm : AluPat<mulhu, "MULHU">;
defm : AluPat<sdiv, "DIV">;
defm : AluPat<udiv, "DIVU">;
defm : AluPat<srem, "REM">;
defm : AluPat<urem, "REMU">;
defm : AluPat<duke_div_sw, "DIV_SW">;
defm : AluPat<duke_divu_sw, "DIVU_SW">;
defm : AluPat<duke_rem_sw, "REM_SW">;
defm : AluPat<duke_remu_sw, "REMU_SW">;
defm : ShiftPat<shl, "SHL">;
defm : ShiftPat<srl, "SHR">;
defm : ShiftPat<sra, "SAR">;
defm : ShiftPat<rotr, "ROR">;
def : Pat<(i64 (and i64:$a, (not i64:$b))), (ANDN_R $a, $b)>;
def : Pat<(i64 (bswap i64:$a)), (BSWAP_R $a)>;
def : Pat<(i64 (srl (bswap i64:$a), (i64 32))), (BSWAP_W_R $a)>;
def : Pat<(i64 (ctlz i64:$a)), (CLZ_R $a)>;
def : Pat<(i64 (cttz i64:$a)), (CTZ_R $a)>;
def : Pat<(i64 (ctpop i64:$a)), (POPCNT_R $a)>;

// ---------------------------------------------------------------- 32-bit results
class SextOf<SDPatternOperator op> : PatFrag<(ops node:$a, node:$b), (sext_inreg (op node:$a, node:$b), i32)>;
class ZextOf<SDPatternOperator op> : PatFrag<(ops node:$a, node:$b), (and (op node:$a, node:$b), Low32)>;
defm : AluPat<SextOf<add>, "ADD_SW">;
defm : AluPat<SextOf<sub>, "SUB_SW">;
defm : AluPat<SextOf<mul>, "MUL_SW">;
defm : AluPat<ZextOf<add>, "ADD_W">;
defm : AluPat<ZextOf<sub>, "SUB_W">;
defm : AluPat<ZextOf<mul>, "MUL_W">;
def : Pat<(i64 (and (add i64:$a, SImm12:$i), Low32)), (ADDI_W_I $a, SImm12:$i)>;
def : Pat<(i64 (sext_inreg (shl i64:$a, (i64 uimm5:$n)), i32)), (SHL_SW_I $a, uimm5:$n)>;
def : Pat<(i64 (and (shl i64:$a, (i64 uimm5:$n)), Low32)), (SHL_W_I $a, uimm5:$n)>;
def : Pat<(i64 (srl (and i64:$a, Low32), (i64 uimm5:$n))), (SHR_W_I $a, uimm5:$n)>;
def : Pat<(i64 (sra (sext_inreg i64:$a, i32), (i64 uimm5:$n))), (SAR_SW_I $a, uimm5:$n)>;
multiclass Shift32Pat<SDPatternOperator op, string sw, string w> {
  def : Pat<(i64 (op i64:$a, (and i64:$b, 31))), (!cast<Instruction>(sw # "_R") $a, $b)>;
  def : Pat<(i64 (and (op i64:$a, i64:$b), Low32)), (!cast<Instruction>(w # "_R") $a, $b)>;
  def : RegPat<op, sw>;
}
defm : Shift32Pat<duke_shl_sw, "SHL_SW", "SHL_W">;
defm : Shift32Pat<duke_shr_sw, "SHR_SW", "SHR_W">;
defm : Shift32Pat<duke_sar_sw, "SAR_SW", "SAR_W">;
defm : Shift32Pat<duke_ror_w, "ROR_W", "ROR_W">;
def : Pat<(i64 (duke_ror_w i64:$a, (i64 uimm5:$n))), (ROR_W_I $a, uimm5:$n)>;

// ---------------------------------------------------------------- fields
def : Pat<(i64 (sext_inreg i64:$a, i8)), (EXTS_B_I $a, 0)>;
def : Pat<(i64 (sext_inreg i64:$a, i16)), (EXTS_H_I $a, 0)>;
def : Pat<(i64 (sext_inreg i64:$a, i32)), (EXTS_W_I $a, 0)>;
def : Pat<(i64 (and i64:$a, 0xffff)), (EXTU_H_I $a, 0)>;
def : Pat<(i64 (and i64:$a, Low32)), (EXTU_W_I $a, 0)>;
multiclass FieldPat<string name, ValueType vt, int mask> {
  defvar S = "EXTS_" # name;
  defvar U = "EXTU_" # name;
  def : Pat<(i64 (sext_inreg (srl i64:$a, (i64 uimm6:$n)), vt)), (!cast<Instruction>(S # "_I") $a, uimm6:$n)>;
  def : Pat<(i64 (sext_inreg (sra i64:$a, (i64 uimm5:$n)), vt)), (!cast<Instruction>(S # "_I") $a, uimm5:$n)>;
  def : Pat<(i64 (sext_inreg (srl i64:$a, i64:$n), vt)), (!cast<Instruction>(S # "_R") $a, $n)>;
  def : Pat<(i64 (and (srl i64:$a, (i64 uimm6:$n)), mask)), (!cast<Instruction>(U # "_I") $a, uimm6:$n)>;
  def : Pat<(i64 (and (srl i64:$a, i64:$n), mask)), (!cast<Instruction>(U # "_R") $a, $n)>;
}
defm : FieldPat<"B", i8, 0xff>;
defm : FieldPat<"H", i16, 0xffff>;
defm : FieldPat<"W", i32, 0xffffffff>;
def : Pat<(i64 (and (srl i64:$a, (i64 uimm6:$n)), 1)), (EXT1_I $a, uimm6:$n)>;
def : Pat<(i64 (and (srl i64:$a, i64:$n), 1)), (EXT1_R $a, $n)>;
def : Pat<(i64 (or (and i64:$a, -256), (and i64:$b, 255))), (INS_B_R $a, $b)>;
def : Pat<(i64 (or (and i64:$a, -65536), (and i64:$b, 65535))), (INS_H_R $a, $b)>;
def : Pat<(i64 (or (and i64:$a, -65281), (and (shl i64:$b, (i64 8)), 0xff00))), (INS_BH_R $a, $b)>;
def : Pat<(i64 (or (and i64:$a, -65281), (shl (and i64:$b, 255), (i64 8)))), (INS_BH_R $a, $b)>;

// ---------------------------------------------------------------- scaled adds
foreach n = 1-3 in {
  defvar I = "SH" # n # "ADD";
  def : Pat<(i64 (add (shl i64:$a, (i64 n)), i64:$b)), (!cast<Instruction>(I # "_R") $a, $b)>;
  def : Pat<(i64 (add (shl i64:$a, (i64 n)), SImm6:$b)), (!cast<Instruction>(I # "_I") $a, SImm6:$b)>;
  def : Pat<(i64 (add (shl i64:$a, (i64 n)), SImmSym35:$b)), (!cast<Instruction>(I # "_X") $a, SImmSym35:$b)>;
  def : Pat<(i64 (and (add (shl i64:$a, (i64 n)), i64:$b), Low32)), (!cast<Instruction>(I # "_W_R") $a, $b)>;
  def : Pat<(i64 (add (shl (and i64:$a, Low32), (i64 n)), i64:$b)), (!cast<Instruction>(I # "_UW_R") $a, $b)>;
  // The combiner writes (shl (and a, 0xffffffff), n) so:
  def : Pat<(i64 (add (and (shl i64:$a, (i64 n)), !shl(Low32, n)), i64:$b)),
            (!cast<Instruction>(I # "_UW_R") $a, $b)>;
}
def : Pat<(i64 (add (and i64:$a, Low32), i64:$b)), (ADD_UW_R $a, $b)>;

// ---------------------------------------------------------------- comparisons and selection
defm : AluPat<seteq, "SEQ">;
defm : AluPat<setne, "SNE">;
defm : AluPat<setlt, "SLT">;
defm : AluPat<setult, "SLTU">;
def : Pat<(i64 (setgt i64:$a, i64:$b)), (SLT_R $b, $a)>;
def : Pat<(i64 (setugt i64:$a, i64:$b)), (SLTU_R $b, $a)>;
def : Pat<(i64 (setge i64:$a, i64:$b)), (XOR_I (SLT_R $a, $b), 1)>;
def : Pat<(i64 (setuge i64:$a, i64:$b)), (XOR_I (SLTU_R $a, $b), 1)>;
def : Pat<(i64 (setle i64:$a, i64:$b)), (XOR_I (SLT_R $b, $a), 1)>;
def : Pat<(i64 (setule i64:$a, i64:$b)), (XOR_I (SLTU_R $b, $a), 1)>;
class Low32Compare<PatFrag cc> : PatFrag<(ops node:$a, node:$b), (cc (sext_inreg node:$a, i32), (sext_inreg node:$b, i32))>;
def : Pat<(i64 (Low32Compare<setlt> i64:$a, i64:$b)), (SLT_W_R $a, $b)>;
def : Pat<(i64 (Low32Compare<setgt> i64:$a, i64:$b)), (SLT_W_R $b, $a)>;
def : Pat<(i64 (setlt (sext_inreg i64:$a, i32), SImm6:$b)), (SLT_W_I $a, SImm6:$b)>;

def : Pat<(i64 (select i64:$c, i64:$a, i64:$b)), (SELNZ_R $c, $a, $b)>;
multiclass SelectPat<PatFrag cc, dag inverse> {
  def : Pat<(i64 (select (i64 (cc i64:$x, i64:$y)), i64:$a, i64:$b)), (SELNZ_R inverse, $b, $a)>;
}
defm : SelectPat<setge, (SLT_R $x, $y)>;
defm : SelectPat<setuge, (SLTU_R $x, $y)>;
defm : SelectPat<setle, (SLT_R $y, $x)>;
defm : SelectPat<setule, (SLTU_R $y, $x)>;
def : Pat<(i64 (select (i64 (seteq i64:$c, 0)), i64:$a, i64:$b)), (SELNZ_R $c, $b, $a)>;
def : Pat<(i64 (select (i64 (setne i64:$c, 0)), i64:$a, i64:$b)), (SELNZ_R $c, $a, $b)>;

// ---------------------------------------------------------------- branches
class BranchPat<PatFrag cc, Instruction I>
    : Pat<(brcond (i64 (cc i64:$a, i64:$b)), bb:$t), (I $a, $b, bb:$t)>;
class BranchSwapPat<PatFrag cc, Instruction I>
    : Pat<(brcond (i64 (cc i64:$a, i64:$b)), bb:$t), (I $b, $a, bb:$t)>;
def : BranchPat<seteq, BEQ_I>;
def : BranchPat<setne, BNE_I>;
def : BranchPat<setlt, BLT_I>;
def : BranchPat<setge, BGE_I>;
def : BranchPat<setult, BLTU_I>;
def : BranchPat<setuge, BGEU_I>;
def : BranchSwapPat<setgt, BLT_I>;
def : BranchSwapPat<setle, BGE_I>;
def : BranchSwapPat<setugt, BLTU_I>;
def : BranchSwapPat<setule, BGEU_I>;
def : BranchPat<Low32Compare<setlt>, BLT_W_I>;
def : BranchPat<Low32Compare<setge>, BGE_W_I>;
def : BranchSwapPat<Low32Compare<setgt>, BLT_W_I>;
def : BranchSwapPat<Low32Compare<setle>, BGE_W_I>;
def : Pat<(brcond i64:$c, bb:$t), (BNE_I $c, R0, bb:$t)>;
def : Pat<(br bb:$t), (J_I bb:$t)>;
def : Pat<(brind i64:$a), (JR_R $a)>;

// ---------------------------------------------------------------- the rest
def : Pat<(duke_addr tglobaladdr:$a), (LI_X tglobaladdr:$a)>;
def : Pat<(duke_addr texternalsym:$a), (LI_X texternalsym:$a)>;
def : Pat<(duke_addr tblockaddress:$a), (LI_X tblockaddress:$a)>;
def : Pat<(duke_addr tconstpool:$a), (LI_X tconstpool:$a)>;
def : Pat<(duke_addr tjumptable:$a), (LI_X tjumptable:$a)>;
def : Pat<(trap), (TRAP_I 0)>;
def : Pat<(readcyclecounter), (RDCR_I DukeCrCycle)>;

// ---------------------------------------------------------------- other spellings
def : InstAlias<"mov $rd, $ra", (ADDI_I GPR:$rd, GPR:$ra, 0), 0>;
def : InstAlias<"ret", (RET_R R1), 0>;
def : InstAlias<"commit.i $imm", (COMMIT_I SImmWrap6:$imm), 0>;
def : InstAlias<"rdcr.i $rd, $imm", (RDCR_I GPR:$rd, SImmWrap6:$imm), 0>;
def : InstAlias<"wrcr.i $ra, $imm", (WRCR_I GPR:$ra, SImmWrap6:$imm), 0>;
