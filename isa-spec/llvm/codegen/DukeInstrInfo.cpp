#include "DukeSubtarget.h"
#include "llvm/CodeGen/DFAPacketizer.h"
#include "llvm/CodeGen/MachineFrameInfo.h"
#include "llvm/CodeGen/MachineInstrBuilder.h"
#include "llvm/CodeGen/MachineMemOperand.h"
#include "llvm/CodeGen/MachineRegisterInfo.h"
#include "llvm/Target/TargetMachine.h"
#define GET_INSTRINFO_CTOR_DTOR
#include "DukeGenInstrInfo.inc"
using namespace llvm;
using Iterator = MachineBasicBlock::iterator;

DukeInstrInfo::DukeInstrInfo() : DukeGenInstrInfo(Duke::ADJCALLSTACKDOWN, Duke::ADJCALLSTACKUP) {}

unsigned Duke::longForm(unsigned Opcode) {
  switch (Opcode) {
#define LONG(name) case Duke::name##_I: return Duke::name##_X;
    LONG(ADDI)
    LONG(LDN_BU)
    LONG(LDN_HU)
    LONG(LDN_WU)
    LONG(LDN_D)
    LONG(LDN_BS)
    LONG(LDN_HS)
    LONG(LDN_WS)
    LONG(LDG_BU)
    LONG(LDG_HU)
    LONG(LDG_WU)
    LONG(LDG_D)
    LONG(LDG_BS)
    LONG(LDG_HS)
    LONG(LDG_WS)
    LONG(STN_B)
    LONG(STN_H)
    LONG(STN_W)
    LONG(STN_D)
    LONG(STG_B)
    LONG(STG_H)
    LONG(STG_W)
    LONG(STG_D)
#undef LONG
  default:
    return 0;
  }
}

bool Duke::isGuestAccess(const MachineInstr &MI) { return spaceOf(MI.getDesc()) == SpaceGuest; }

// ---------------------------------------------------------------- copies and spills

void DukeInstrInfo::copyPhysReg(MachineBasicBlock &B, Iterator I, const DebugLoc &DL, MCRegister Dst, MCRegister Src,
                                bool Kill) const {
  BuildMI(B, I, DL, get(Duke::ADDI_I), Dst).addReg(Src, getKillRegState(Kill)).addImm(0);
}

static MachineMemOperand *slotOperand(MachineFunction &MF, int FI, MachineMemOperand::Flags Flags) {
  const MachineFrameInfo &Frame = MF.getFrameInfo();
  return MF.getMachineMemOperand(MachinePointerInfo::getFixedStack(MF, FI), Flags, Frame.getObjectSize(FI),
                                 Frame.getObjectAlign(FI));
}

void DukeInstrInfo::storeRegToStackSlot(MachineBasicBlock &B, Iterator I, Register Reg, bool Kill, int FI,
                                        const TargetRegisterClass *, const TargetRegisterInfo *, Register) const {
  BuildMI(B, I, DebugLoc(), get(Duke::STN_D_I))
      .addReg(Reg, getKillRegState(Kill))
      .addFrameIndex(FI)
      .addImm(0)
      .addMemOperand(slotOperand(*B.getParent(), FI, MachineMemOperand::MOStore));
}
void DukeInstrInfo::loadRegFromStackSlot(MachineBasicBlock &B, Iterator I, Register Reg, int FI,
                                         const TargetRegisterClass *, const TargetRegisterInfo *, Register) const {
  BuildMI(B, I, DebugLoc(), get(Duke::LDN_D_I), Reg)
      .addFrameIndex(FI)
      .addImm(0)
      .addMemOperand(slotOperand(*B.getParent(), FI, MachineMemOperand::MOLoad));
}

static Register slotAccess(const MachineInstr &MI, unsigned Opcode, int &FI) {
  if (MI.getOpcode() != Opcode || !MI.getOperand(1).isFI() || !MI.getOperand(2).isImm() ||
      MI.getOperand(2).getImm() != 0)
    return 0;
  FI = MI.getOperand(1).getIndex();
  return MI.getOperand(0).getReg();
}
Register DukeInstrInfo::isLoadFromStackSlot(const MachineInstr &MI, int &FI) const {
  return slotAccess(MI, Duke::LDN_D_I, FI);
}
Register DukeInstrInfo::isStoreToStackSlot(const MachineInstr &MI, int &FI) const {
  return slotAccess(MI, Duke::STN_D_I, FI);
}

// ---------------------------------------------------------------- branches

namespace {
// Conditional branches: the opposite, and the op that gives the condition's value (negated if `Not`).
struct Conditional {
  unsigned Branch, Opposite, Set;
  bool Not;
};
const Conditional Conditionals[] = {
    {Duke::BEQ_I, Duke::BNE_I, Duke::SEQ_R, false},       {Duke::BNE_I, Duke::BEQ_I, Duke::SNE_R, false},
    {Duke::BLT_I, Duke::BGE_I, Duke::SLT_R, false},       {Duke::BGE_I, Duke::BLT_I, Duke::SLT_R, true},
    {Duke::BLTU_I, Duke::BGEU_I, Duke::SLTU_R, false},    {Duke::BGEU_I, Duke::BLTU_I, Duke::SLTU_R, true},
    {Duke::BLT_W_I, Duke::BGE_W_I, Duke::SLT_W_R, false}, {Duke::BGE_W_I, Duke::BLT_W_I, Duke::SLT_W_R, true},
};
const Conditional *conditional(unsigned Opcode) {
  for (const Conditional &C : Conditionals)
    if (C.Branch == Opcode)
      return &C;
  return nullptr;
}
} // namespace

// Cond is the opcode and the two registers.
static MachineBasicBlock *parseCondition(const MachineInstr &MI, SmallVectorImpl<MachineOperand> &Cond) {
  Cond.push_back(MachineOperand::CreateImm(MI.getOpcode()));
  for (unsigned I = 0; I < 2; I++)
    Cond.push_back(MachineOperand::CreateReg(MI.getOperand(I).getReg(), false));
  return MI.getOperand(2).getMBB();
}

bool DukeInstrInfo::analyzeBranch(MachineBasicBlock &B, MachineBasicBlock *&True, MachineBasicBlock *&False,
                                  SmallVectorImpl<MachineOperand> &Cond, bool AllowModify) const {
  True = False = nullptr;
  Cond.clear();
  SmallVector<MachineInstr *, 4> Branches;
  for (Iterator I = B.getFirstTerminator(); I != B.end(); ++I) {
    if (I->isDebugInstr())
      continue;
    if (!I->isTerminator())
      return true;
    Branches.push_back(&*I);
    if (I->getOpcode() == Duke::J_I) {
      if (AllowModify)
        while (std::next(I) != B.end())
          std::next(I)->eraseFromParent();
      break;
    }
  }
  if (Branches.empty())
    return false;
  if (Branches.size() > 2)
    return true;
  MachineInstr &First = *Branches[0];
  if (Branches.size() == 1 && First.getOpcode() == Duke::J_I) {
    True = First.getOperand(0).getMBB();
    return false;
  }
  if (!conditional(First.getOpcode()))
    return true;
  if (Branches.size() == 2) {
    if (Branches[1]->getOpcode() != Duke::J_I)
      return true;
    False = Branches[1]->getOperand(0).getMBB();
  }
  True = parseCondition(First, Cond);
  return false;
}

unsigned DukeInstrInfo::removeBranch(MachineBasicBlock &B, int *Bytes) const {
  unsigned Count = 0;
  for (Iterator I = B.end(); I != B.begin();) {
    --I;
    if (I->isDebugInstr())
      continue;
    if (I->getOpcode() != Duke::J_I && !conditional(I->getOpcode()))
      break;
    I->eraseFromParent();
    I = B.end();
    Count++;
  }
  if (Bytes)
    *Bytes = int(Count * 4);
  return Count;
}

unsigned DukeInstrInfo::insertBranch(MachineBasicBlock &B, MachineBasicBlock *True, MachineBasicBlock *False,
                                     ArrayRef<MachineOperand> Cond, const DebugLoc &DL, int *Bytes) const {
  unsigned Count = 0;
  if (!Cond.empty()) {
    BuildMI(&B, DL, get(Cond[0].getImm())).add(Cond[1]).add(Cond[2]).addMBB(True);
    Count++;
    True = False;
  }
  if (True) {
    BuildMI(&B, DL, get(Duke::J_I)).addMBB(True);
    Count++;
  }
  if (Bytes)
    *Bytes = int(Count * 4);
  return Count;
}

bool DukeInstrInfo::reverseBranchCondition(SmallVectorImpl<MachineOperand> &Cond) const {
  Cond[0].setImm(conditional(Cond[0].getImm())->Opposite);
  return false;
}

unsigned DukeInstrInfo::getInstSizeInBytes(const MachineInstr &MI) const {
  if (MI.isInlineAsm())
    return getInlineAsmLength(MI.getOperand(0).getSymbolName(), *MI.getMF()->getTarget().getMCAsmInfo());
  if (MI.isBundle()) {
    unsigned Size = 0;
    for (auto I = std::next(MI.getIterator()), E = MI.getParent()->instr_end(); I != E && I->isBundledWithPred(); ++I)
      Size += getInstSizeInBytes(*I);
    return Size;
  }
  return MI.isMetaInstruction() ? 0 : MI.getDesc().getSize();
}

// ---------------------------------------------------------------- if-conversion

bool DukeInstrInfo::canInsertSelect(const MachineBasicBlock &, ArrayRef<MachineOperand> Cond, Register, Register,
                                    Register, int &CondCycles, int &TrueCycles, int &FalseCycles) const {
  if (Cond.empty())
    return false;
  CondCycles = Cond[2].getReg() == Duke::R0 ? 1 : 2;
  TrueCycles = FalseCycles = 1;
  return true;
}

void DukeInstrInfo::insertSelect(MachineBasicBlock &B, Iterator I, const DebugLoc &DL, Register Dst,
                                 ArrayRef<MachineOperand> Cond, Register True, Register False) const {
  const Conditional &C = *conditional(Cond[0].getImm());
  MachineRegisterInfo &MRI = B.getParent()->getRegInfo();
  Register Value = Cond[1].getReg();
  bool Not = C.Not;
  bool AgainstZero = Cond[2].getReg() == Duke::R0 && (C.Branch == Duke::BNE_I || C.Branch == Duke::BEQ_I);
  if (AgainstZero) {
    Not = C.Branch == Duke::BEQ_I;
  } else {
    Value = MRI.createVirtualRegister(&Duke::GPRRegClass);
    BuildMI(B, I, DL, get(C.Set), Value).add(Cond[1]).add(Cond[2]);
  }
  if (Not)
    std::swap(True, False);
  BuildMI(B, I, DL, get(Duke::SELNZ_R), Dst).addReg(Value).addReg(True).addReg(False);
}

// ---------------------------------------------------------------- memory and scheduling

bool DukeInstrInfo::getMemOperandsWithOffsetWidth(const MachineInstr &MI, SmallVectorImpl<const MachineOperand *> &Base,
                                                  int64_t &Offset, bool &OffsetIsScalable, LocationSize &Width,
                                                  const TargetRegisterInfo *) const {
  if (Duke::spaceOf(MI.getDesc()) == Duke::SpaceNone || !MI.hasOneMemOperand())
    return false;
  bool Indexed = MI.getOperand(2).isReg();
  if (Indexed && MI.getOperand(2).getReg() != Duke::R0)
    return false;
  const MachineOperand &Imm = MI.getOperand(Indexed ? 4 : 2);
  if (!Imm.isImm() || !(MI.getOperand(1).isReg() || MI.getOperand(1).isFI()))
    return false;
  Base.push_back(&MI.getOperand(1));
  Offset = Imm.getImm();
  OffsetIsScalable = false;
  Width = (*MI.memoperands_begin())->getSize();
  return Width.hasValue();
}

bool DukeInstrInfo::areMemAccessesTriviallyDisjoint(const MachineInstr &A, const MachineInstr &B) const {
  if (A.hasUnmodeledSideEffects() || B.hasUnmodeledSideEffects() || A.hasOrderedMemoryRef() || B.hasOrderedMemoryRef())
    return false;
  // A commit matters to guest memory only.
  auto IsNative = [](const MachineInstr &MI) { return Duke::spaceOf(MI.getDesc()) == Duke::SpaceNative; };
  if ((A.getOpcode() == Duke::COMMIT_I && IsNative(B)) || (B.getOpcode() == Duke::COMMIT_I && IsNative(A)))
    return true;
  SmallVector<const MachineOperand *, 1> BaseA, BaseB;
  int64_t OffsetA, OffsetB;
  bool Scalable;
  LocationSize WidthA = LocationSize::precise(0), WidthB = WidthA;
  if (Duke::spaceOf(A.getDesc()) != Duke::spaceOf(B.getDesc()) ||
      !getMemOperandsWithOffsetWidth(A, BaseA, OffsetA, Scalable, WidthA, &RegInfo) ||
      !getMemOperandsWithOffsetWidth(B, BaseB, OffsetB, Scalable, WidthB, &RegInfo) ||
      !BaseA[0]->isIdenticalTo(*BaseB[0]))
    return false;
  if (OffsetA < OffsetB)
    return OffsetA + int64_t(WidthA.getValue().getKnownMinValue()) <= OffsetB;
  return OffsetB + int64_t(WidthB.getValue().getKnownMinValue()) <= OffsetA;
}

DFAPacketizer *DukeInstrInfo::CreateTargetScheduleState(const TargetSubtargetInfo &STI) const {
  return static_cast<const DukeSubtarget &>(STI).createDFAPacketizer(STI.getInstrItineraryData());
}

bool DukeInstrInfo::isSchedulingBoundary(const MachineInstr &MI, const MachineBasicBlock *,
                                         const MachineFunction &) const {
  return MI.isTerminator() || MI.isPosition() || MI.isInlineAsm() || MI.modifiesRegister(Duke::R2, &RegInfo);
}
