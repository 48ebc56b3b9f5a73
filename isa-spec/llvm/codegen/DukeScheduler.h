// The bundle scheduler: finds the bundles of a run of instructions, but does not move them.
#pragma once
#include "Duke.h"
#include "DukeBundle.h"
#include "DukeTargetMachine.h"
#include "llvm/Analysis/AliasAnalysis.h"
#include "llvm/CodeGen/MachineLoopInfo.h"
#include "llvm/CodeGen/ScheduleDAGInstrs.h"

namespace llvm {
class DukeScheduler : public ScheduleDAGInstrs {
  struct Edge {
    unsigned To;
    int Latency;
  };
  AAResults *AA;
  const DukeSubtarget &ST;
  std::vector<SmallVector<Edge, 4>> Succs;
  std::vector<unsigned> Waiting; // predecessors not yet placed
  std::vector<int> Height, Earliest;

  void addEdge(unsigned From, unsigned To, int Latency);
  void addControlEdges();
  bool better(unsigned A, unsigned B) const;
  void place(unsigned N, int Cycle, SmallVectorImpl<unsigned> &Ready);

public:
  using Bundle = SmallVector<MachineInstr *, 8>;
  std::vector<Bundle> Bundles; // of the region scheduled last
  int Length = 0;              // cycles from its first bundle to its last

  DukeScheduler(MachineFunction &MF, const MachineLoopInfo *Loops, AAResults *AA);
  void schedule() override;
};

// Moves ops up into empty lanes of preceding blocks. Makes the live-in lists anew.
void hoistOps(MachineFunction &MF, DukeScheduler &S, AAResults *AA);

namespace Duke {
// Calls, branches, returns and inline assembly end a bundle, and keep their order.
bool isControl(const MachineInstr &MI);
} // namespace Duke
} // namespace llvm
