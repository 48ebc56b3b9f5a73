// Frees loads from volatile accesses.
//
// LLVM takes a volatile access for a barrier to all of memory. Guest accesses are volatile in C, and so are stores of
// guest state that must not move. What must hold is less: they keep their order among themselves; a guest access may
// trap and not come back, so it keeps its place among all stores. But a load of native memory that is not volatile only
// has to follow stores to the same memory, calls and system ops. Edges through the barrier that do matter are put in
// directly.
#include "Duke.h"
#include "DukeInstrInfo.h"
#include "llvm/CodeGen/MachineInstr.h"
#include "llvm/CodeGen/ScheduleDAGInstrs.h"
#include "llvm/CodeGen/ScheduleDAGMutation.h"
using namespace llvm;

namespace {
constexpr unsigned MaxRegion = 2000; // instructions

bool isSystem(const MachineInstr &MI) { return MI.isCall() || MI.isInlineAsm() || MI.hasUnmodeledSideEffects(); }

bool isPlainNativeLoad(const MachineInstr &MI) {
  return MI.mayLoad() && !MI.mayStore() && Duke::spaceOf(MI.getDesc()) == Duke::SpaceNative &&
         !MI.hasOrderedMemoryRef() && !isSystem(MI);
}
bool isVolatileAccess(const MachineInstr &MI) {
  return MI.mayLoadOrStore() && MI.hasOrderedMemoryRef() && !isSystem(MI);
}

// Whether a plain load must stay behind an earlier instruction. Guest memory and the firmware's own are disjoint.
bool mustFollow(const MachineInstr &Load, const MachineInstr &Before, AAResults *AA) {
  if (isSystem(Before))
    return true;
  return Before.mayStore() && !Duke::isGuestAccess(Before) && Load.mayAlias(AA, Before, /*UseTBAA*/ true);
}

struct LoadOrder : ScheduleDAGMutation {
  AAResults *AA;
  explicit LoadOrder(AAResults *AA) : AA(AA) {}
  void apply(ScheduleDAGInstrs *DAG) override { llvm::relaxLoadOrder(*DAG, AA); }
};
} // namespace

void llvm::relaxLoadOrder(ScheduleDAGInstrs &DAG, AAResults *AA) {
  // Every such load is compared with every store before it: nothing for straight-line code without end.
  if (DAG.SUnits.size() > MaxRegion)
    return;
  SmallVector<SUnit *, 32> Befores; // what a load may have to follow
  for (SUnit &Load : DAG.SUnits) {
    const MachineInstr &MI = *Load.getInstr();
    if (MI.mayStore() || isSystem(MI))
      Befores.push_back(&Load);
    if (!isPlainNativeLoad(MI))
      continue;
    SmallVector<SDep, 4> Needless;
    for (const SDep &D : Load.Preds)
      if (D.getKind() == SDep::Order && !D.isArtificial() && !D.getSUnit()->isBoundaryNode() &&
          isVolatileAccess(*D.getSUnit()->getInstr()))
        Needless.push_back(D);
    if (Needless.empty())
      continue;
    for (const SDep &D : Needless)
      Load.removePred(D);
    // Even if there is another edge already: one for a register that the store reads would let both share a bundle.
    for (SUnit *Before : Befores)
      if (mustFollow(MI, *Before->getInstr(), AA))
        Load.addPred(SDep(Before, SDep::MayAliasMem));
  }
}

std::unique_ptr<ScheduleDAGMutation> llvm::createDukeLoadOrder(AAResults *AA) {
  return std::make_unique<LoadOrder>(AA);
}
