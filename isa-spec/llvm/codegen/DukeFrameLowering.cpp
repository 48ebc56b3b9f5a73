// Stack frames. From the entry's stack pointer down: callee-saved registers and locals, outgoing arguments. r27 holds
// the entry's stack pointer where a frame pointer is needed; r26 is the base of locals if the frame is realigned and
// has variable-sized objects as well.
#include "DukeFrameLowering.h"
#include "DukeSubtarget.h"
#include "llvm/CodeGen/MachineFrameInfo.h"
#include "llvm/CodeGen/MachineFunction.h"
#include "llvm/CodeGen/MachineInstrBuilder.h"
#include "llvm/Target/TargetMachine.h"
using namespace llvm;
using Iterator = MachineBasicBlock::iterator;

bool DukeFrameLowering::hasFP(const MachineFunction &MF) const {
  const MachineFrameInfo &Frame = MF.getFrameInfo();
  return MF.getTarget().Options.DisableFramePointerElim(MF) || Frame.hasVarSizedObjects() ||
         Frame.isFrameAddressTaken() || MF.getSubtarget().getRegisterInfo()->hasStackRealignment(MF);
}

bool DukeFrameLowering::hasBasePointer(const MachineFunction &MF) {
  return MF.getFrameInfo().hasVarSizedObjects() && MF.getSubtarget().getRegisterInfo()->hasStackRealignment(MF);
}

bool DukeFrameLowering::hasReservedCallFrame(const MachineFunction &MF) const {
  return !MF.getFrameInfo().hasVarSizedObjects();
}

void DukeFrameLowering::determineCalleeSaves(MachineFunction &MF, BitVector &Saved, RegScavenger *RS) const {
  TargetFrameLowering::determineCalleeSaves(MF, Saved, RS);
  if (hasFP(MF)) {
    Saved.set(Duke::R1);
    Saved.set(Duke::R27);
  }
  if (hasBasePointer(MF))
    Saved.set(Duke::R26);
}

static void addImmediate(MachineBasicBlock &B, Iterator I, Register Dst, Register Src, int64_t Value,
                         MachineInstr::MIFlag Flag) {
  const TargetInstrInfo &TII = *B.getParent()->getSubtarget().getInstrInfo();
  if (Value == 0 && Dst == Src)
    return;
  BuildMI(B, I, DebugLoc(), TII.get(isInt<12>(Value) ? Duke::ADDI_I : Duke::ADDI_X), Dst)
      .addReg(Src)
      .addImm(Value)
      .setMIFlag(Flag);
}

void DukeFrameLowering::emitPrologue(MachineFunction &MF, MachineBasicBlock &B) const {
  MachineFrameInfo &Frame = MF.getFrameInfo();
  const TargetInstrInfo &TII = *MF.getSubtarget().getInstrInfo();
  uint64_t Size = alignTo(Frame.getStackSize(), 16);
  Frame.setStackSize(Size);
  if (Size == 0 && !hasFP(MF))
    return;
  // Saves of callee-saved registers are there already, one instruction each, addressed by the new stack pointer.
  Iterator AfterSaves = B.begin();
  std::advance(AfterSaves, Frame.getCalleeSavedInfo().size());
  addImmediate(B, B.begin(), Duke::R2, Duke::R2, -int64_t(Size), MachineInstr::FrameSetup);
  if (!hasFP(MF))
    return;
  addImmediate(B, AfterSaves, Duke::R27, Duke::R2, int64_t(Size), MachineInstr::FrameSetup);
  if (MF.getSubtarget().getRegisterInfo()->hasStackRealignment(MF)) {
    int64_t Mask = -int64_t(Frame.getMaxAlign().value());
    BuildMI(B, AfterSaves, DebugLoc(), TII.get(isInt<12>(Mask) ? Duke::ANDI_I : Duke::ANDI_X), Duke::R2)
        .addReg(Duke::R2)
        .addImm(Mask)
        .setMIFlag(MachineInstr::FrameSetup);
  }
  if (hasBasePointer(MF))
    BuildMI(B, AfterSaves, DebugLoc(), TII.get(Duke::ADDI_I), Duke::R26)
        .addReg(Duke::R2)
        .addImm(0)
        .setMIFlag(MachineInstr::FrameSetup);
}

void DukeFrameLowering::emitEpilogue(MachineFunction &MF, MachineBasicBlock &B) const {
  MachineFrameInfo &Frame = MF.getFrameInfo();
  int64_t Size = int64_t(Frame.getStackSize());
  Iterator End = B.getFirstTerminator();
  if (hasFP(MF)) {
    Iterator Restores = End;
    for (size_t I = 0; I < Frame.getCalleeSavedInfo().size(); I++)
      --Restores;
    addImmediate(B, Restores, Duke::R2, Duke::R27, -Size, MachineInstr::FrameDestroy);
  }
  addImmediate(B, End, Duke::R2, Duke::R2, Size, MachineInstr::FrameDestroy);
}

StackOffset DukeFrameLowering::getFrameIndexReference(const MachineFunction &MF, int FI, Register &Reg) const {
  const MachineFrameInfo &Frame = MF.getFrameInfo();
  int64_t Offset = Frame.getObjectOffset(FI);
  bool Saved = any_of(Frame.getCalleeSavedInfo(), [&](const CalleeSavedInfo &I) { return I.getFrameIdx() == FI; });
  bool Realigned = MF.getSubtarget().getRegisterInfo()->hasStackRealignment(MF);
  bool FromEntry = Frame.isFixedObjectIndex(FI) || (Frame.hasVarSizedObjects() && !Realigned);
  if (hasFP(MF) && !Saved && FromEntry) {
    Reg = Duke::R27;
    return StackOffset::getFixed(Offset);
  }
  Reg = hasBasePointer(MF) && !Saved ? Duke::R26 : Duke::R2;
  return StackOffset::getFixed(Offset + int64_t(Frame.getStackSize()));
}

Iterator DukeFrameLowering::eliminateCallFramePseudoInstr(MachineFunction &MF, MachineBasicBlock &B, Iterator I) const {
  int64_t Amount = alignTo(I->getOperand(0).getImm(), 16);
  if (!hasReservedCallFrame(MF) && Amount != 0)
    addImmediate(B, I, Duke::R2, Duke::R2, I->getOpcode() == Duke::ADJCALLSTACKDOWN ? -Amount : Amount,
                 MachineInstr::NoFlags);
  return B.erase(I);
}
