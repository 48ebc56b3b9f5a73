#pragma once
#include "DukeRegisterInfo.h"
#include "llvm/CodeGen/TargetInstrInfo.h"
#define GET_INSTRINFO_HEADER
#include "DukeGenInstrInfo.inc"

namespace llvm {
class DukeInstrInfo : public DukeGenInstrInfo {
  const DukeRegisterInfo RegInfo;

public:
  DukeInstrInfo();
  const DukeRegisterInfo &getRegisterInfo() const { return RegInfo; }

  void copyPhysReg(MachineBasicBlock &, MachineBasicBlock::iterator, const DebugLoc &, MCRegister Dst, MCRegister Src,
                   bool Kill) const override;
  void storeRegToStackSlot(MachineBasicBlock &, MachineBasicBlock::iterator, Register, bool, int,
                           const TargetRegisterClass *, const TargetRegisterInfo *, Register) const override;
  void loadRegFromStackSlot(MachineBasicBlock &, MachineBasicBlock::iterator, Register, int,
                            const TargetRegisterClass *, const TargetRegisterInfo *, Register) const override;
  Register isLoadFromStackSlot(const MachineInstr &, int &FI) const override;
  Register isStoreToStackSlot(const MachineInstr &, int &FI) const override;

  bool analyzeBranch(MachineBasicBlock &, MachineBasicBlock *&True, MachineBasicBlock *&False,
                     SmallVectorImpl<MachineOperand> &Cond, bool AllowModify) const override;
  unsigned removeBranch(MachineBasicBlock &, int *Bytes) const override;
  unsigned insertBranch(MachineBasicBlock &, MachineBasicBlock *, MachineBasicBlock *, ArrayRef<MachineOperand> Cond,
                        const DebugLoc &, int *Bytes) const override;
  bool reverseBranchCondition(SmallVectorImpl<MachineOperand> &Cond) const override;
  unsigned getInstSizeInBytes(const MachineInstr &) const override;

  bool canInsertSelect(const MachineBasicBlock &, ArrayRef<MachineOperand>, Register, Register, Register, int &, int &,
                       int &) const override;
  void insertSelect(MachineBasicBlock &, MachineBasicBlock::iterator, const DebugLoc &, Register,
                    ArrayRef<MachineOperand>, Register, Register) const override;

  bool getMemOperandsWithOffsetWidth(const MachineInstr &, SmallVectorImpl<const MachineOperand *> &, int64_t &, bool &,
                                     LocationSize &, const TargetRegisterInfo *) const override;
  bool areMemAccessesTriviallyDisjoint(const MachineInstr &, const MachineInstr &) const override;
  DFAPacketizer *CreateTargetScheduleState(const TargetSubtargetInfo &) const override;
  bool isSchedulingBoundary(const MachineInstr &, const MachineBasicBlock *, const MachineFunction &) const override;
};

namespace Duke {
// For a load or store with a short offset the one with an index and a long offset; for addi its long form. 0: none.
unsigned longForm(unsigned Opcode);
// Whether the op may trap because of a guest address. Such an op must not change places with native stores.
bool isGuestAccess(const MachineInstr &MI);
} // namespace Duke
} // namespace llvm
