#pragma once
#include "llvm/CodeGen/TargetRegisterInfo.h"
#define GET_REGINFO_HEADER
#include "DukeGenRegisterInfo.inc"

namespace llvm {
struct DukeRegisterInfo : DukeGenRegisterInfo {
  DukeRegisterInfo();
  const MCPhysReg *getCalleeSavedRegs(const MachineFunction *) const override;
  const uint32_t *getCallPreservedMask(const MachineFunction &, CallingConv::ID) const override;
  BitVector getReservedRegs(const MachineFunction &) const override;
  bool eliminateFrameIndex(MachineBasicBlock::iterator, int, unsigned, RegScavenger *) const override;
  Register getFrameRegister(const MachineFunction &) const override;
};
} // namespace llvm
