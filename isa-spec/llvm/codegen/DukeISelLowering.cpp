// What the target can do with which types, and nodes that need more than a pattern. Calls are in DukeCallLowering.cpp.
#include "DukeISelLowering.h"
#include "DukeTargetMachine.h"
#include "llvm/CodeGen/MachineFrameInfo.h"
#include "llvm/CodeGen/MachineJumpTableInfo.h"
#include "llvm/CodeGen/SelectionDAG.h"
#include "llvm/MC/MCContext.h"
using namespace llvm;

DukeTargetLowering::DukeTargetLowering(const TargetMachine &TM, const DukeSubtarget &ST)
    : TargetLowering(TM), Subtarget(ST) {
  addRegisterClass(MVT::i64, &Duke::GPRRegClass);
  computeRegisterProperties(ST.getRegisterInfo());
  setStackPointerRegisterToSaveRestore(Duke::R2);
  setBooleanContents(ZeroOrOneBooleanContent);
  setSchedulingPreference(Sched::Source); // the machine schedulers do the work

  auto Set = [&](MVT Type, LegalizeAction Action, std::initializer_list<unsigned> Ops) {
    for (unsigned Op : Ops)
      setOperationAction(Op, Type, Action);
  };
  Set(MVT::i64, Expand,
      {ISD::SDIVREM, ISD::UDIVREM, ISD::SMUL_LOHI, ISD::UMUL_LOHI, ISD::ROTL, ISD::CTLZ_ZERO_UNDEF,
       ISD::CTTZ_ZERO_UNDEF, ISD::SELECT_CC, ISD::BR_CC, ISD::DYNAMIC_STACKALLOC, ISD::SMAX, ISD::UMAX, ISD::ABS,
       ISD::BITREVERSE});
  Set(MVT::i64, Legal,
      {ISD::ROTR, ISD::BSWAP, ISD::CTPOP, ISD::CTLZ, ISD::CTTZ, ISD::SMIN, ISD::UMIN, ISD::READCYCLECOUNTER, ISD::MULHS,
       ISD::MULHU});
  Set(MVT::i64, Custom,
      {ISD::GlobalAddress, ISD::ExternalSymbol, ISD::BlockAddress, ISD::ConstantPool, ISD::JumpTable, ISD::FRAMEADDR,
       ISD::RETURNADDR, ISD::SHL_PARTS, ISD::SRL_PARTS, ISD::SRA_PARTS});
  // i32 is not legal, but most of its operations exist with a sign-extended result: see ReplaceNodeResults.
  Set(MVT::i32, Custom,
      {ISD::ADD, ISD::SUB, ISD::MUL, ISD::SHL, ISD::SRL, ISD::SRA, ISD::ROTL, ISD::ROTR, ISD::SDIV, ISD::UDIV,
       ISD::SREM, ISD::UREM});
  Set(MVT::Other, Expand,
      {ISD::BR_JT, ISD::VAARG, ISD::VACOPY, ISD::VAEND, ISD::STACKSAVE, ISD::STACKRESTORE, ISD::PREFETCH});
  Set(MVT::Other, Custom, {ISD::VASTART, ISD::ATOMIC_FENCE});
  setOperationAction(ISD::BR_CC, MVT::i1, Expand);
  setOperationAction(ISD::TRAP, MVT::Other, Legal);
  setOperationAction(ISD::SIGN_EXTEND_INREG, MVT::i1, Expand);
  for (unsigned Ext : {ISD::EXTLOAD, ISD::ZEXTLOAD, ISD::SEXTLOAD})
    setLoadExtAction(Ext, MVT::i64, MVT::i1, Promote);
  // Floating point is soft: neither loads that extend nor stores that truncate.
  setLoadExtAction(ISD::EXTLOAD, MVT::f64, MVT::f32, Expand);
  setTruncStoreAction(MVT::f64, MVT::f32, Expand);

  setTargetDAGCombine(ISD::MUL);
  setMaxAtomicSizeInBitsSupported(64);
  setMinFunctionAlignment(Align(4));
  setPrefFunctionAlignment(Align(32)); // the fetch window
  setPrefLoopAlignment(Align(32));
  setMaxBytesForAlignment(16);
  MaxStoresPerMemcpy = MaxStoresPerMemmove = MaxStoresPerMemset = 8;
}

const char *DukeTargetLowering::getTargetNodeName(unsigned Opcode) const {
  switch (Opcode) {
#define NODE(name) case DukeISD::name: return "DukeISD::" #name;
    NODE(CALL)
    NODE(TAIL)
    NODE(RET)
    NODE(ADDR)
    NODE(SHL_SW)
    NODE(SHR_SW)
    NODE(SAR_SW)
    NODE(ROR_W)
    NODE(DIV_SW)
    NODE(DIVU_SW)
    NODE(REM_SW)
    NODE(REMU_SW)
#undef NODE
  }
  return nullptr;
}

unsigned DukeTargetLowering::ComputeNumSignBitsForTargetNode(SDValue Op, const APInt &, const SelectionDAG &,
                                                             unsigned) const {
  switch (Op.getOpcode()) {
  case DukeISD::SHL_SW:
  case DukeISD::SHR_SW:
  case DukeISD::SAR_SW:
  case DukeISD::DIV_SW:
  case DukeISD::DIVU_SW:
  case DukeISD::REM_SW:
  case DukeISD::REMU_SW:
    return 33;
  default:
    return 1;
  }
}

// ---------------------------------------------------------------- addressing and types

bool DukeTargetLowering::isLegalAddressingMode(const DataLayout &, const AddrMode &AM, Type *, unsigned,
                                               Instruction *) const {
  if (!isInt<32>(AM.BaseOffs) || AM.ScalableOffset)
    return false;
  switch (AM.Scale) {
  case 0:
    return true;
  case 1:
    return !AM.HasBaseReg || Subtarget.hasIndexed();
  case 2:
  case 4:
  case 8:
    return Subtarget.hasIndexed();
  default:
    return false;
  }
}

bool DukeTargetLowering::isTruncateFree(Type *Src, Type *Dst) const {
  return Src->isIntegerTy(64) && Dst->isIntegerTy() && Dst->getIntegerBitWidth() < 64;
}
bool DukeTargetLowering::isTruncateFree(EVT Src, EVT Dst) const {
  return Src == MVT::i64 && Dst.isScalarInteger() && Dst.getSizeInBits() < 64;
}
bool DukeTargetLowering::isZExtFree(SDValue Value, EVT To) const {
  if (auto *L = dyn_cast<LoadSDNode>(Value)) {
    EVT Memory = L->getMemoryVT();
    if ((Memory == MVT::i8 || Memory == MVT::i16) && L->getExtensionType() != ISD::SEXTLOAD)
      return true;
  }
  return TargetLowering::isZExtFree(Value, To);
}

std::pair<unsigned, const TargetRegisterClass *>
DukeTargetLowering::getRegForInlineAsmConstraint(const TargetRegisterInfo *TRI, StringRef Constraint, MVT Type) const {
  if (Constraint == "r")
    return {0U, &Duke::GPRRegClass};
  return TargetLowering::getRegForInlineAsmConstraint(TRI, Constraint, Type); // {r12}
}

Register DukeTargetLowering::getRegisterByName(const char *Name, LLT, const MachineFunction &) const {
  if (StringRef(Name) == "sp" || StringRef(Name) == "r2")
    return Duke::R2;
  if (StringRef(Name) == "r3")
    return Duke::R3;
  report_fatal_error("only reserved registers can be named: sp, r3");
}

// ---------------------------------------------------------------- jump tables: 32-bit absolute addresses

unsigned DukeTargetLowering::getJumpTableEncoding() const { return MachineJumpTableInfo::EK_Custom32; }

const MCExpr *DukeTargetLowering::LowerCustomJumpTableEntry(const MachineJumpTableInfo *, const MachineBasicBlock *B,
                                                            unsigned, MCContext &Context) const {
  return MCSymbolRefExpr::create(B->getSymbol(), Context);
}

// ---------------------------------------------------------------- nodes

SDValue DukeTargetLowering::LowerOperation(SDValue Op, SelectionDAG &DAG) const {
  SDLoc DL(Op);
  MachineFunction &MF = DAG.getMachineFunction();
  auto AddressOf = [&](SDValue Target) { return DAG.getNode(DukeISD::ADDR, DL, MVT::i64, Target); };
  switch (Op.getOpcode()) {
  case ISD::GlobalAddress: {
    auto *N = cast<GlobalAddressSDNode>(Op);
    return AddressOf(DAG.getTargetGlobalAddress(N->getGlobal(), DL, MVT::i64, N->getOffset()));
  }
  case ISD::ExternalSymbol:
    return AddressOf(DAG.getTargetExternalSymbol(cast<ExternalSymbolSDNode>(Op)->getSymbol(), MVT::i64));
  case ISD::BlockAddress: {
    auto *N = cast<BlockAddressSDNode>(Op);
    return AddressOf(DAG.getTargetBlockAddress(N->getBlockAddress(), MVT::i64, N->getOffset()));
  }
  case ISD::ConstantPool: {
    auto *N = cast<ConstantPoolSDNode>(Op);
    return AddressOf(DAG.getTargetConstantPool(N->getConstVal(), MVT::i64, N->getAlign(), N->getOffset()));
  }
  case ISD::JumpTable:
    return AddressOf(DAG.getTargetJumpTable(cast<JumpTableSDNode>(Op)->getIndex(), MVT::i64));
  case ISD::VASTART: {
    int FI = MF.getInfo<DukeFunctionInfo>()->VarArgsFrameIndex;
    return DAG.getStore(Op.getOperand(0), DL, DAG.getFrameIndex(FI, MVT::i64), Op.getOperand(1),
                        MachinePointerInfo(cast<SrcValueSDNode>(Op.getOperand(2))->getValue()));
  }
  case ISD::SHL_PARTS: // inline rather than by a library call
  case ISD::SRL_PARTS:
  case ISD::SRA_PARTS: {
    SDValue Low, High;
    expandShiftParts(Op.getNode(), Low, High, DAG);
    return DAG.getMergeValues({Low, High}, DL);
  }
  case ISD::ATOMIC_FENCE: // one core: the order of the chain is enough
    return Op.getOperand(0);
  case ISD::FRAMEADDR:
    MF.getFrameInfo().setFrameAddressIsTaken(true);
    return DAG.getCopyFromReg(DAG.getEntryNode(), DL, Duke::R27, MVT::i64);
  case ISD::RETURNADDR: {
    MF.getFrameInfo().setReturnAddressIsTaken(true);
    Register Reg = MF.addLiveIn(Duke::R1, &Duke::GPRRegClass);
    return DAG.getCopyFromReg(DAG.getEntryNode(), DL, Reg, MVT::i64);
  }
  }
  llvm_unreachable("an operation was marked Custom that is not lowered");
}

// Products by (2**n + 1) << k and (2**n - 1) << k are two or three simple ops, which are faster than a multiplication;
// the shift by k may go into a scaled index. For n of 1 to 3 the addition is one op, sh1add to sh3add.
SDValue DukeTargetLowering::PerformDAGCombine(SDNode *N, DAGCombinerInfo &DCI) const {
  if (N->getOpcode() != ISD::MUL || N->getValueType(0) != MVT::i64 || DCI.isBeforeLegalize())
    return SDValue();
  auto *C = dyn_cast<ConstantSDNode>(N->getOperand(1));
  if (!C)
    return SDValue();
  SelectionDAG &DAG = DCI.DAG;
  SDLoc DL(N);
  uint64_t Factor = C->getZExtValue();
  unsigned Zeros = Factor != 0 ? unsigned(countr_zero(Factor)) : 0;
  uint64_t Odd = Factor >> Zeros;
  SDValue X = N->getOperand(0), Product;
  auto Shift = [&](SDValue V, unsigned Count) {
    return DAG.getNode(ISD::SHL, DL, MVT::i64, V, DAG.getConstant(Count, DL, MVT::i64));
  };
  if (Odd == 3 || Odd == 5 || Odd == 9 || (Zeros == 0 && Odd > 1 && isPowerOf2_64(Odd - 1)))
    Product = DAG.getNode(ISD::ADD, DL, MVT::i64, Shift(X, Log2_64(Odd - 1)), X);
  else if (Zeros == 0 && Odd > 1 && Odd + 1 != 0 && isPowerOf2_64(Odd + 1))
    Product = DAG.getNode(ISD::SUB, DL, MVT::i64, Shift(X, Log2_64(Odd + 1)), X);
  else
    return SDValue();
  return Zeros != 0 ? Shift(Product, Zeros) : Product;
}

// The operation on the low 32 bits of registers whose upper halves do not matter.
SDValue DukeTargetLowering::toLow32(SDNode *N, SelectionDAG &DAG, unsigned Opcode) const {
  SDLoc DL(N);
  SDValue A = DAG.getNode(ISD::ANY_EXTEND, DL, MVT::i64, N->getOperand(0));
  SDValue B = DAG.getNode(ISD::ANY_EXTEND, DL, MVT::i64, N->getOperand(1));
  return DAG.getNode(Opcode, DL, MVT::i64, A, B);
}

void DukeTargetLowering::ReplaceNodeResults(SDNode *N, SmallVectorImpl<SDValue> &Results, SelectionDAG &DAG) const {
  SDLoc DL(N);
  bool ByConstant = isa<ConstantSDNode>(N->getOperand(1));
  SDValue Wide;
  switch (N->getOpcode()) {
  case ISD::ADD:
  case ISD::SUB:
  case ISD::MUL:
    Wide = toLow32(N, DAG, N->getOpcode());
    break;
  case ISD::SHL:
    Wide = toLow32(N, DAG, ByConstant ? unsigned(ISD::SHL) : unsigned(DukeISD::SHL_SW));
    break;
  case ISD::SRL:
  case ISD::SRA:
    if (ByConstant)
      return; // the usual promotion is as good
    Wide = toLow32(N, DAG, N->getOpcode() == ISD::SRL ? DukeISD::SHR_SW : DukeISD::SAR_SW);
    break;
  case ISD::ROTR:
    Wide = toLow32(N, DAG, DukeISD::ROR_W);
    break;
  case ISD::ROTL: {
    SDValue Value = DAG.getNode(ISD::ANY_EXTEND, DL, MVT::i64, N->getOperand(0));
    SDValue Count = DAG.getNode(ISD::ANY_EXTEND, DL, MVT::i64, N->getOperand(1));
    Count = DAG.getNode(ISD::SUB, DL, MVT::i64, DAG.getConstant(ByConstant ? 32 : 0, DL, MVT::i64), Count);
    Wide = DAG.getNode(DukeISD::ROR_W, DL, MVT::i64, Value, Count);
    break;
  }
  case ISD::SDIV:
  case ISD::UDIV:
  case ISD::SREM:
  case ISD::UREM: {
    // Division by a constant becomes a multiplication in 64 bits.
    AttributeList Attributes = DAG.getMachineFunction().getFunction().getAttributes();
    if (ByConstant && !isIntDivCheap(N->getValueType(0), Attributes))
      return;
    unsigned Op = N->getOpcode();
    Wide = toLow32(N, DAG,
                   Op == ISD::SDIV   ? DukeISD::DIV_SW
                   : Op == ISD::UDIV ? DukeISD::DIVU_SW
                   : Op == ISD::SREM ? DukeISD::REM_SW
                                     : DukeISD::REMU_SW);
    break;
  }
  default:
    llvm_unreachable("an i32 operation was marked Custom that is not lowered");
  }
  if (Wide.getOpcode() < ISD::BUILTIN_OP_END)
    Wide = DAG.getNode(ISD::SIGN_EXTEND_INREG, DL, MVT::i64, Wide, DAG.getValueType(MVT::i32));
  Results.push_back(DAG.getNode(ISD::TRUNCATE, DL, MVT::i32, Wide));
}
