// Instruction selection that patterns cannot say well: memory operands, constants, calls.
#include "DukeTargetMachine.h"
#include "llvm/CodeGen/SelectionDAGISel.h"
using namespace llvm;

#define DEBUG_TYPE "duke-isel"

namespace {
// A memory operand: [Base + (Index << Scale) + Symbol + Disp].
struct Address {
  SDValue Base, Index, Symbol;
  unsigned Scale = 0;
  int64_t Disp = 0;
};

class DukeDAGToDAGISel : public SelectionDAGISel {
  bool indexed() const { return MF->getSubtarget<DukeSubtarget>().hasIndexed(); }

public:
  DukeDAGToDAGISel(TargetMachine &TM, CodeGenOptLevel Level) : SelectionDAGISel(TM, Level) {}

  // Adds N to A; false if there is no room for it.
  bool matchAddress(SDValue N, Address &A, unsigned Depth = 0) {
    if (auto *C = dyn_cast<ConstantSDNode>(N); C && isInt<32>(A.Disp + C->getSExtValue())) {
      A.Disp += C->getSExtValue();
      return true;
    }
    if (N.getOpcode() == DukeISD::ADDR && !A.Symbol) {
      A.Symbol = N.getOperand(0);
      return true;
    }
    if (Depth < 4 && CurDAG->isBaseWithConstantOffset(N)) {
      int64_t Offset = cast<ConstantSDNode>(N.getOperand(1))->getSExtValue();
      if (isInt<32>(A.Disp + Offset)) {
        A.Disp += Offset;
        return matchAddress(N.getOperand(0), A, Depth + 1);
      }
    }
    if (Depth < 4 && N.getOpcode() == ISD::ADD) {
      Address Saved = A;
      if (matchAddress(N.getOperand(1), A, Depth + 1) && matchAddress(N.getOperand(0), A, Depth + 1))
        return true;
      A = Saved;
    }
    if (indexed() && !A.Index && N.getOpcode() == ISD::SHL) {
      auto *Count = dyn_cast<ConstantSDNode>(N.getOperand(1));
      if (Count && Count->getZExtValue() >= 1 && Count->getZExtValue() <= 3) {
        A.Index = N.getOperand(0);
        A.Scale = unsigned(Count->getZExtValue());
        return true;
      }
    }
    if (!A.Base) {
      if (auto *FI = dyn_cast<FrameIndexSDNode>(N))
        A.Base = CurDAG->getTargetFrameIndex(FI->getIndex(), MVT::i64);
      else
        A.Base = N;
      return true;
    }
    if (indexed() && !A.Index && !isa<FrameIndexSDNode>(N)) {
      A.Index = N;
      return true;
    }
    return false;
  }

  SDValue symbolWithOffset(SDValue S, int64_t Offset, const SDLoc &DL) {
    if (auto *G = dyn_cast<GlobalAddressSDNode>(S))
      return CurDAG->getTargetGlobalAddress(G->getGlobal(), DL, MVT::i64, G->getOffset() + Offset);
    if (auto *B = dyn_cast<BlockAddressSDNode>(S))
      return CurDAG->getTargetBlockAddress(B->getBlockAddress(), MVT::i64, B->getOffset() + Offset);
    if (auto *C = dyn_cast<ConstantPoolSDNode>(S); C && !C->isMachineConstantPoolEntry())
      return CurDAG->getTargetConstantPool(C->getConstVal(), MVT::i64, C->getAlign(), C->getOffset() + Offset);
    return Offset == 0 ? S : SDValue();
  }

  // Operands of the short form (base, offset) or the long one (base, index, scale, offset).
  bool selectAddress(SDValue N, SmallVectorImpl<SDValue> &Ops) {
    SDLoc DL(N);
    Address A;
    SDValue Offset;
    if (matchAddress(N, A) && A.Symbol)
      Offset = symbolWithOffset(A.Symbol, A.Disp, DL);
    if (A.Symbol && !Offset) { // a symbol that takes no offset
      A = Address();
      A.Base = N;
    }
    if (!Offset)
      Offset = CurDAG->getTargetConstant(A.Disp, DL, MVT::i64);
    SDValue Zero = CurDAG->getRegister(Duke::R0, MVT::i64);
    bool Long = A.Index || A.Symbol || !A.Base || !isInt<12>(A.Disp);
    Ops.push_back(A.Base ? A.Base : Zero);
    if (Long) {
      Ops.push_back(A.Index ? A.Index : Zero);
      Ops.push_back(CurDAG->getTargetConstant(A.Scale, DL, MVT::i64));
    }
    Ops.push_back(Offset);
    return Long;
  }

  bool SelectInlineAsmMemoryOperand(const SDValue &Op, InlineAsm::ConstraintCode, std::vector<SDValue> &Out) override {
    SDLoc DL(Op);
    SDValue Base = Op;
    int64_t Offset = 0;
    if (CurDAG->isBaseWithConstantOffset(Op)) {
      int64_t Value = cast<ConstantSDNode>(Op.getOperand(1))->getSExtValue();
      if (isInt<12>(Value)) {
        Offset = Value;
        Base = Op.getOperand(0);
      }
    }
    if (auto *FI = dyn_cast<FrameIndexSDNode>(Base))
      Base = CurDAG->getTargetFrameIndex(FI->getIndex(), MVT::i64);
    Out.push_back(Base);
    Out.push_back(CurDAG->getTargetConstant(Offset, DL, MVT::i64));
    return false;
  }

  static unsigned loadOpcode(bool Guest, MVT Memory, bool Signed) {
    switch (Memory.SimpleTy) {
    case MVT::i8:
      return Guest ? (Signed ? Duke::LDG_BS_I : Duke::LDG_BU_I) : (Signed ? Duke::LDN_BS_I : Duke::LDN_BU_I);
    case MVT::i16:
      return Guest ? (Signed ? Duke::LDG_HS_I : Duke::LDG_HU_I) : (Signed ? Duke::LDN_HS_I : Duke::LDN_HU_I);
    case MVT::i32:
      return Guest ? (Signed ? Duke::LDG_WS_I : Duke::LDG_WU_I) : (Signed ? Duke::LDN_WS_I : Duke::LDN_WU_I);
    case MVT::i64:
      return Guest ? Duke::LDG_D_I : Duke::LDN_D_I;
    default:
      return 0;
    }
  }
  static unsigned storeOpcode(bool Guest, MVT Memory) {
    switch (Memory.SimpleTy) {
    case MVT::i8:
      return Guest ? Duke::STG_B_I : Duke::STN_B_I;
    case MVT::i16:
      return Guest ? Duke::STG_H_I : Duke::STN_H_I;
    case MVT::i32:
      return Guest ? Duke::STG_W_I : Duke::STN_W_I;
    case MVT::i64:
      return Guest ? Duke::STG_D_I : Duke::STN_D_I;
    default:
      return 0;
    }
  }

  // Any-extending loads of words sign-extend, as int values usually are; of bytes and halves zero-extend.
  bool selectLoad(LoadSDNode *L) {
    MVT Memory = L->getMemoryVT().getSimpleVT();
    bool Signed =
        L->getExtensionType() == ISD::SEXTLOAD || (L->getExtensionType() == ISD::EXTLOAD && Memory == MVT::i32);
    unsigned Opcode = loadOpcode(L->getAddressSpace() == GuestAddressSpace, Memory, Signed);
    if (Opcode == 0 || !L->isUnindexed() || L->getValueType(0) != MVT::i64)
      return false;
    SmallVector<SDValue, 5> Ops;
    if (selectAddress(L->getBasePtr(), Ops))
      Opcode = Duke::longForm(Opcode);
    Ops.push_back(L->getChain());
    replaceMemory(L, CurDAG->getMachineNode(Opcode, SDLoc(L), L->getVTList(), Ops));
    return true;
  }
  bool selectStore(StoreSDNode *S) {
    unsigned Opcode = storeOpcode(S->getAddressSpace() == GuestAddressSpace, S->getMemoryVT().getSimpleVT());
    if (Opcode == 0 || !S->isUnindexed() || S->getValue().getValueType() != MVT::i64)
      return false;
    SmallVector<SDValue, 6> Ops{S->getValue()};
    if (selectAddress(S->getBasePtr(), Ops))
      Opcode = Duke::longForm(Opcode);
    Ops.push_back(S->getChain());
    replaceMemory(S, CurDAG->getMachineNode(Opcode, SDLoc(S), S->getVTList(), Ops));
    return true;
  }
  void replaceMemory(MemSDNode *N, MachineSDNode *New) {
    CurDAG->setNodeMemRefs(New, {N->getMemOperand()});
    ReplaceNode(N, New);
  }

  SDNode *constant(const SDLoc &DL, int64_t Value) {
    auto Imm = [&](int64_t V) { return CurDAG->getTargetConstant(V, DL, MVT::i64); };
    if (isInt<18>(Value))
      return CurDAG->getMachineNode(Duke::LI_I, DL, MVT::i64, Imm(Value));
    unsigned Zeros = unsigned(countr_zero(uint64_t(Value)));
    if (isInt<18>(Value >> Zeros))
      return CurDAG->getMachineNode(Duke::SHL_I, DL, MVT::i64, SDValue(constant(DL, Value >> Zeros), 0), Imm(Zeros));
    if (isInt<47>(Value))
      return CurDAG->getMachineNode(Duke::LI_X, DL, MVT::i64, Imm(Value));
    SDValue Low(constant(DL, int64_t(uint32_t(Value)) << 32 >> 32), 0);
    int64_t High = Value >> 32;
    return CurDAG->getMachineNode(isInt<12>(High) ? Duke::ORHI_I : Duke::ORHI_X, DL, MVT::i64, Low, Imm(High));
  }

  // The callee first, then argument registers, the register mask, chain and glue.
  void selectCall(SDNode *N) {
    bool Tail = N->getOpcode() == DukeISD::TAIL;
    SDValue Callee = N->getOperand(1);
    bool Direct = Callee.getOpcode() == ISD::TargetGlobalAddress || Callee.getOpcode() == ISD::TargetExternalSymbol;
    SmallVector<SDValue, 12> Ops(N->op_begin() + 1, N->op_end());
    SDValue Glue;
    if (Ops.back().getValueType() == MVT::Glue)
      Glue = Ops.pop_back_val();
    Ops.push_back(N->getOperand(0));
    if (Glue)
      Ops.push_back(Glue);
    unsigned Opcode = Tail ? (Direct ? Duke::TAIL : Duke::TAILR) : (Direct ? Duke::CALL_I : Duke::CALLR_R);
    ReplaceNode(N, CurDAG->getMachineNode(Opcode, SDLoc(N), N->getVTList(), Ops));
  }

  void Select(SDNode *N) override {
    if (N->isMachineOpcode()) {
      N->setNodeId(-1);
      return;
    }
    SDLoc DL(N);
    switch (N->getOpcode()) {
    case ISD::LOAD:
      if (selectLoad(cast<LoadSDNode>(N)))
        return;
      break;
    case ISD::STORE:
      if (selectStore(cast<StoreSDNode>(N)))
        return;
      break;
    case DukeISD::CALL:
    case DukeISD::TAIL:
      selectCall(N);
      return;
    case ISD::Constant: {
      int64_t Value = cast<ConstantSDNode>(N)->getSExtValue();
      if (Value == 0)
        ReplaceNode(N, CurDAG->getCopyFromReg(CurDAG->getEntryNode(), DL, Duke::R0, MVT::i64).getNode());
      else
        ReplaceNode(N, constant(DL, Value));
      return;
    }
    case ISD::FrameIndex:
      selectFrameAddress(N, N, 0);
      return;
    case ISD::ADD:
    case ISD::OR:
      if (CurDAG->isBaseWithConstantOffset(SDValue(N, 0)) && isa<FrameIndexSDNode>(N->getOperand(0))) {
        int64_t Offset = cast<ConstantSDNode>(N->getOperand(1))->getSExtValue();
        if (isInt<12>(Offset)) {
          selectFrameAddress(N, N->getOperand(0).getNode(), Offset);
          return;
        }
      }
      break;
    case ISD::AND:
      if (selectShiftAndMask(N))
        return;
      break;
    }
    SelectCode(N);
  }

  void selectFrameAddress(SDNode *N, SDNode *Index, int64_t Offset) {
    SDLoc DL(N);
    SDValue FI = CurDAG->getTargetFrameIndex(cast<FrameIndexSDNode>(Index)->getIndex(), MVT::i64);
    SDValue Imm = CurDAG->getTargetConstant(Offset, DL, MVT::i64);
    ReplaceNode(N, CurDAG->getMachineNode(Duke::ADDI_I, DL, MVT::i64, FI, Imm));
  }

  // (x >> n) & (2**(32-n) - 1) is what the combiner makes of a 32-bit logical shift.
  bool selectShiftAndMask(SDNode *N) {
    auto *Mask = dyn_cast<ConstantSDNode>(N->getOperand(1));
    SDValue Shift = N->getOperand(0);
    if (!Mask || Shift.getOpcode() != ISD::SRL || !Shift.hasOneUse())
      return false;
    auto *Count = dyn_cast<ConstantSDNode>(Shift.getOperand(1));
    if (!Count || Count->getZExtValue() == 0 || Count->getZExtValue() > 31 ||
        Mask->getZExtValue() != maskTrailingOnes<uint64_t>(32 - Count->getZExtValue()))
      return false;
    SDLoc DL(N);
    SDValue Imm = CurDAG->getTargetConstant(Count->getZExtValue(), DL, MVT::i64);
    ReplaceNode(N, CurDAG->getMachineNode(Duke::SHR_W_I, DL, MVT::i64, Shift.getOperand(0), Imm));
    return true;
  }
#include "DukeGenDAGISel.inc"
};

struct DukeISelLegacy : SelectionDAGISelLegacy {
  static char ID;
  DukeISelLegacy(TargetMachine &TM, CodeGenOptLevel Level)
      : SelectionDAGISelLegacy(ID, std::make_unique<DukeDAGToDAGISel>(TM, Level)) {}
};
char DukeISelLegacy::ID = 0;
} // namespace

FunctionPass *llvm::createDukeISelDag(DukeTargetMachine &TM, CodeGenOptLevel Level) {
  return new DukeISelLegacy(TM, Level);
}
