// Makes bundles, the last step of the code generator: DukeHoist.cpp moves ops up into blocks with room,
// DukeScheduler.cpp says which ops go together.
#include "DukeScheduler.h"
#include "llvm/CodeGen/MachineFunctionPass.h"
#include "llvm/CodeGen/MachineInstrBundle.h"
using namespace llvm;

#define DEBUG_TYPE "duke-packetizer"

namespace {
class DukePacketizer : public MachineFunctionPass {
  // Ops that are nothing, and debug values, which would have to be moved with their op.
  static void removeMeta(MachineBasicBlock &B) {
    for (MachineInstr &MI : make_early_inc_range(B)) {
      bool Empty = MI.isInlineAsm() && StringRef(MI.getOperand(0).getSymbolName()).trim().empty();
      if (MI.isKill() || MI.isImplicitDef() || MI.isDebugInstr() || Empty)
        MI.eraseFromParent();
    }
  }

  static void scheduleBlock(MachineBasicBlock &B, DukeScheduler &S) {
    S.startBlock(&B);
    for (auto I = B.begin(); I != B.end();) {
      if (I->isPosition()) {
        ++I;
        continue;
      }
      auto End = I;
      unsigned Count = 0;
      while (End != B.end() && !End->isPosition()) {
        bool Boundary = End->isCall() || End->isInlineAsm();
        ++End;
        ++Count;
        if (Boundary)
          break;
      }
      S.enterRegion(&B, I, End, Count);
      S.schedule();
      S.exitRegion();
      for (DukeScheduler::Bundle &Ops : S.Bundles)
        for (MachineInstr *MI : Ops)
          B.splice(End, &B, MI->getIterator());
      I = End;
      for (DukeScheduler::Bundle &Ops : S.Bundles)
        if (Ops.size() > 1)
          finalizeBundle(B, Ops.front()->getIterator(), std::next(Ops.back()->getIterator()));
    }
    S.finishBlock();
  }

public:
  static char ID;
  DukePacketizer() : MachineFunctionPass(ID) {}
  StringRef getPassName() const override { return "Duke bundle scheduler"; }
  void getAnalysisUsage(AnalysisUsage &AU) const override {
    AU.setPreservesCFG();
    AU.addRequired<AAResultsWrapperPass>();
    AU.addRequired<MachineLoopInfoWrapperPass>();
    MachineFunctionPass::getAnalysisUsage(AU);
  }
  bool runOnMachineFunction(MachineFunction &MF) override {
    AAResults *AA = &getAnalysis<AAResultsWrapperPass>().getAAResults();
    DukeScheduler S(MF, &getAnalysis<MachineLoopInfoWrapperPass>().getLI(), AA);
    for (MachineBasicBlock &B : MF)
      removeMeta(B);
    hoistOps(MF, S, AA);
    for (MachineBasicBlock &B : MF)
      scheduleBlock(B, S);
    return true;
  }
};
char DukePacketizer::ID = 0;
} // namespace

FunctionPass *llvm::createDukePacketizer() { return new DukePacketizer(); }
