#include "DukeSubtarget.h"
#include "llvm/CodeGen/MachineFunction.h"
#include "llvm/CodeGen/MachineInstrBuilder.h"
#define GET_REGINFO_TARGET_DESC
#include "DukeGenRegisterInfo.inc"
using namespace llvm;
#include "DukeGenReserved.inc"

DukeRegisterInfo::DukeRegisterInfo() : DukeGenRegisterInfo(Duke::R1) {}

const MCPhysReg *DukeRegisterInfo::getCalleeSavedRegs(const MachineFunction *) const { return CSR_Duke_SaveList; }
const uint32_t *DukeRegisterInfo::getCallPreservedMask(const MachineFunction &, CallingConv::ID) const {
  return CSR_Duke_RegMask;
}

BitVector DukeRegisterInfo::getReservedRegs(const MachineFunction &MF) const {
  BitVector Reserved(getNumRegs());
  for (unsigned Reg : DukeReservedRegs)
    Reserved.set(Reg);
  const auto *Frame = MF.getSubtarget<DukeSubtarget>().getFrameLowering();
  if (Frame->hasFP(MF))
    Reserved.set(Duke::R27);
  if (DukeFrameLowering::hasBasePointer(MF))
    Reserved.set(Duke::R26);
  return Reserved;
}

Register DukeRegisterInfo::getFrameRegister(const MachineFunction &MF) const {
  return MF.getSubtarget().getFrameLowering()->hasFP(MF) ? Duke::R27 : Duke::R2;
}

// Short offsets stay; long ones take the op's long form. Only inline assembly needs the frame temporary, r59.
bool DukeRegisterInfo::eliminateFrameIndex(MachineBasicBlock::iterator I, int, unsigned N, RegScavenger *) const {
  MachineInstr &MI = *I;
  MachineFunction &MF = *MI.getMF();
  const TargetInstrInfo &TII = *MF.getSubtarget().getInstrInfo();
  Register Base;
  int64_t Offset =
      MF.getSubtarget().getFrameLowering()->getFrameIndexReference(MF, MI.getOperand(N).getIndex(), Base).getFixed();
  bool Indexed = MI.getOperand(N + 1).isReg();
  MachineOperand &Imm = MI.getOperand(Indexed ? N + 3 : N + 1);
  Offset += Imm.getImm();
  MI.getOperand(N).ChangeToRegister(Base, false);
  Imm.setImm(Offset);
  if (Indexed || isInt<12>(Offset))
    return false;
  if (MI.isInlineAsm()) {
    BuildMI(*MI.getParent(), I, MI.getDebugLoc(), TII.get(Duke::ADDI_X), Duke::R59).addReg(Base).addImm(Offset);
    MI.getOperand(N).setReg(Duke::R59);
    Imm.setImm(0);
    return false;
  }
  MI.setDesc(TII.get(Duke::longForm(MI.getOpcode())));
  if (MI.getOpcode() == Duke::ADDI_X)
    return false;
  Imm.ChangeToRegister(Duke::R0, false); // the index
  MI.addOperand(MF, MachineOperand::CreateImm(0));
  MI.addOperand(MF, MachineOperand::CreateImm(Offset));
  return false;
}
