#pragma once
#include "llvm/CodeGen/TargetFrameLowering.h"

namespace llvm {
struct DukeFrameLowering : TargetFrameLowering {
  DukeFrameLowering() : TargetFrameLowering(StackGrowsDown, Align(16), 0, Align(16)) {}
  void emitPrologue(MachineFunction &, MachineBasicBlock &) const override;
  void emitEpilogue(MachineFunction &, MachineBasicBlock &) const override;
  bool hasFP(const MachineFunction &) const override;
  static bool hasBasePointer(const MachineFunction &);
  void determineCalleeSaves(MachineFunction &, BitVector &, RegScavenger *) const override;
  bool hasReservedCallFrame(const MachineFunction &) const override;
  MachineBasicBlock::iterator eliminateCallFramePseudoInstr(MachineFunction &, MachineBasicBlock &,
                                                            MachineBasicBlock::iterator) const override;
  StackOffset getFrameIndexReference(const MachineFunction &, int FI, Register &) const override;
};
} // namespace llvm
