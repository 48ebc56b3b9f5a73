#pragma once
#include "Duke.h"
#include "llvm/CodeGen/TargetLowering.h"

namespace llvm {
class DukeSubtarget;

class DukeTargetLowering : public TargetLowering {
  const DukeSubtarget &Subtarget;

  SDValue lowerBuiltin(CallLoweringInfo &CLI, StringRef Name, SmallVectorImpl<SDValue> &InVals) const;
  bool isTailCall(CallLoweringInfo &CLI, unsigned StackBytes) const;
  SDValue toLow32(SDNode *N, SelectionDAG &DAG, unsigned Opcode) const;

public:
  DukeTargetLowering(const TargetMachine &TM, const DukeSubtarget &ST);

  SDValue LowerOperation(SDValue, SelectionDAG &) const override;
  void ReplaceNodeResults(SDNode *, SmallVectorImpl<SDValue> &, SelectionDAG &) const override;
  SDValue PerformDAGCombine(SDNode *, DAGCombinerInfo &) const override;
  const char *getTargetNodeName(unsigned) const override;
  unsigned ComputeNumSignBitsForTargetNode(SDValue, const APInt &, const SelectionDAG &, unsigned) const override;
  unsigned getJumpTableEncoding() const override;
  const MCExpr *LowerCustomJumpTableEntry(const MachineJumpTableInfo *, const MachineBasicBlock *, unsigned,
                                          MCContext &) const override;

  SDValue LowerFormalArguments(SDValue, CallingConv::ID, bool, const SmallVectorImpl<ISD::InputArg> &, const SDLoc &,
                               SelectionDAG &, SmallVectorImpl<SDValue> &) const override;
  SDValue LowerCall(CallLoweringInfo &, SmallVectorImpl<SDValue> &) const override;
  bool CanLowerReturn(CallingConv::ID, MachineFunction &, bool, const SmallVectorImpl<ISD::OutputArg> &,
                      LLVMContext &) const override;
  SDValue LowerReturn(SDValue, CallingConv::ID, bool, const SmallVectorImpl<ISD::OutputArg> &,
                      const SmallVectorImpl<SDValue> &, const SDLoc &, SelectionDAG &) const override;
  bool mayBeEmittedAsTailCall(const CallInst *) const override;

  EVT getSetCCResultType(const DataLayout &, LLVMContext &, EVT) const override { return MVT::i64; }
  bool isLegalAddressingMode(const DataLayout &, const AddrMode &, Type *, unsigned, Instruction *) const override;
  bool isLegalICmpImmediate(int64_t I) const override { return isInt<35>(I); }
  bool isLegalAddImmediate(int64_t I) const override { return isInt<41>(I); }
  bool isTruncateFree(Type *, Type *) const override;
  bool isTruncateFree(EVT, EVT) const override;
  bool isZExtFree(SDValue, EVT) const override;
  bool isSExtCheaperThanZExt(EVT Src, EVT Dst) const override { return Src == MVT::i32 && Dst == MVT::i64; }
  bool signExtendConstant(const ConstantInt *C) const override { return C->getType()->isIntegerTy(32); }
  bool shouldSignExtendTypeInLibCall(EVT T, bool IsSigned) const override { return T == MVT::i32 || IsSigned; }
  bool allowsMisalignedMemoryAccesses(EVT, unsigned, Align, MachineMemOperand::Flags, unsigned *Fast) const override {
    if (Fast)
      *Fast = 1;
    return true;
  }
  bool isCheapToSpeculateCttz(Type *) const override { return true; }
  bool isCheapToSpeculateCtlz(Type *) const override { return true; }
  bool hasAndNotCompare(SDValue) const override { return false; }
  bool hasAndNot(SDValue) const override { return true; }
  bool convertSelectOfConstantsToMath(EVT) const override { return true; }
  bool isOffsetFoldingLegal(const GlobalAddressSDNode *) const override { return true; }
  bool isMulAddWithConstProfitable(SDValue, SDValue) const override { return false; }

  std::pair<unsigned, const TargetRegisterClass *> getRegForInlineAsmConstraint(const TargetRegisterInfo *, StringRef,
                                                                                MVT) const override;
  Register getRegisterByName(const char *, LLT, const MachineFunction &) const override;

  // One core, and no interrupt returns into the middle of C code: atomics are plain accesses.
  AtomicExpansionKind shouldExpandAtomicRMWInIR(AtomicRMWInst *) const override {
    return AtomicExpansionKind::NotAtomic;
  }
  AtomicExpansionKind shouldExpandAtomicCmpXchgInIR(AtomicCmpXchgInst *) const override {
    return AtomicExpansionKind::NotAtomic;
  }
  AtomicExpansionKind shouldExpandAtomicLoadInIR(LoadInst *) const override { return AtomicExpansionKind::NotAtomic; }
  AtomicExpansionKind shouldExpandAtomicStoreInIR(StoreInst *) const override { return AtomicExpansionKind::NotAtomic; }
};
} // namespace llvm
