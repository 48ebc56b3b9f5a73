#pragma once
#include "DukeSubtarget.h"
#include "llvm/Target/TargetMachine.h"

namespace llvm {
class DukeTargetMachine : public LLVMTargetMachine {
  std::unique_ptr<TargetLoweringObjectFile> ObjectFile;
  DukeSubtarget Subtarget;

public:
  DukeTargetMachine(const Target &, const Triple &, StringRef CPU, StringRef FS, const TargetOptions &,
                    std::optional<Reloc::Model>, std::optional<CodeModel::Model>, CodeGenOptLevel, bool JIT);
  // One subtarget for everything: target-cpu and target-features of functions are the RISC-V front end's and mean
  // nothing here.
  const DukeSubtarget *getSubtargetImpl(const Function &) const override { return &Subtarget; }
  const DukeSubtarget *getSubtargetImpl() const { return &Subtarget; }
  TargetPassConfig *createPassConfig(PassManagerBase &) override;
  TargetLoweringObjectFile *getObjFileLowering() const override { return ObjectFile.get(); }
  TargetTransformInfo getTargetTransformInfo(const Function &) const override;
  MachineFunctionInfo *createMachineFunctionInfo(BumpPtrAllocator &, const Function &,
                                                 const TargetSubtargetInfo *) const override;
};

struct DukeFunctionInfo : MachineFunctionInfo {
  int VarArgsFrameIndex = 0;
  DukeFunctionInfo(const Function &, const TargetSubtargetInfo *) {}
  MachineFunctionInfo *clone(BumpPtrAllocator &, MachineFunction &Dst,
                             const DenseMap<MachineBasicBlock *, MachineBasicBlock *> &) const override {
    return Dst.cloneInfo<DukeFunctionInfo>(*this);
  }
};
} // namespace llvm
