// Puts ops into bundles after register allocation: a list scheduler that goes cycle by cycle.
//
// A bundle reads registers before it writes any, so an op may share a bundle with an earlier reader of its result
// register (latency 0), but not with a writer. Control goes away after the bundle's writes: argument registers may be
// set in the bundle of the call itself. Loads do not see stores of their own bundle. A trap undoes the whole bundle, so
// an op that may trap may share a bundle with what comes after it, but not with a native store that comes before it.
//
// Latencies are interlocked by the core: the scheduler leaves no empty bundles, it only puts something useful in
// between.
#include "DukeScheduler.h"
using namespace llvm;

bool Duke::isControl(const MachineInstr &MI) { return MI.isCall() || MI.isTerminator() || MI.isInlineAsm(); }
static bool isAlone(const MachineInstr &MI) { return MI.isInlineAsm() || Duke::isAlone(MI.getDesc()); }

// Whether MI may join the ops of L, which it then does. Inline assembly has its bundle for itself.
static bool take(DukeBundle &L, const MachineInstr &MI) {
  if (MI.isInlineAsm())
    return L.empty();
  SmallVector<MCRegister, 2> Defs;
  for (const MachineOperand &Op : MI.defs())
    Defs.push_back(Op.getReg());
  if (MI.isCall() && !MI.isReturn())
    Defs.push_back(Duke::R1);
  return L.add(MI.getDesc(), Defs) == DukeBundle::None;
}

static bool readsExplicitly(const MachineInstr &MI, Register Reg) {
  if (MI.getOpcode() == Duke::RET && Reg == Duke::R1)
    return true;
  return any_of(MI.explicit_uses(), [&](const MachineOperand &Op) { return Op.isReg() && Op.getReg() == Reg; });
}

// Bundles from the one of From to the one of D's node, at least.
static int latency(const SUnit &From, const SDep &D) {
  const MachineInstr &First = *From.getInstr(), &Second = *D.getSUnit()->getInstr();
  switch (D.getKind()) {
  case SDep::Data:
    if ((Second.isCall() || Second.isReturn()) && !readsExplicitly(Second, D.getReg()))
      return 0;
    return int(std::max(1u, D.getLatency()));
  case SDep::Anti:
    return 0;
  case SDep::Output: // a call's results are written by the callee, r1 by the call
    return Second.isCall() && D.getReg() != Duke::R1 ? 0 : 1;
  case SDep::Order:
    if (Duke::isControl(First) || First.hasUnmodeledSideEffects() || First.getOpcode() == Duke::COMMIT_I)
      return 1;
    if (Duke::isControl(Second))
      return 0;
    if (First.mayStore() && (Second.mayLoad() || Second.hasUnmodeledSideEffects()))
      return 1;
    if (First.mayStore() && Duke::isGuestAccess(Second) && !Duke::isGuestAccess(First))
      return 1;
    return 0;
  }
  return 1;
}

void DukeScheduler::addEdge(unsigned From, unsigned To, int Latency) {
  Succs[From].push_back({To, Latency});
  Waiting[To]++;
}

// Every op stays before the next control op.
void DukeScheduler::addControlEdges() {
  int Last = -1;
  for (unsigned I = 0; I < SUnits.size(); I++) {
    MachineInstr &MI = *SUnits[I].getInstr();
    if (!Duke::isControl(MI))
      continue;
    for (unsigned J = unsigned(Last + 1); J < I; J++) {
      const MachineInstr &Before = *SUnits[J].getInstr();
      bool ReturnAddress = MI.getOpcode() == Duke::RET && Before.modifiesRegister(Duke::R1, TRI);
      addEdge(J, I, ReturnAddress ? (Before.mayLoad() ? int(ST.getSchedModel().LoadLatency) : 1) : 0);
    }
    if (Last >= 0)
      addEdge(unsigned(Last), I, 1);
    Last = int(I);
  }
}

// The longest path first; then the op that most others wait for; then program order.
bool DukeScheduler::better(unsigned A, unsigned B) const {
  if (Height[A] != Height[B])
    return Height[A] > Height[B];
  if (Succs[A].size() != Succs[B].size())
    return Succs[A].size() > Succs[B].size();
  return A < B;
}

void DukeScheduler::place(unsigned N, int Cycle, SmallVectorImpl<unsigned> &Ready) {
  for (Edge E : Succs[N]) {
    Earliest[E.To] = std::max(Earliest[E.To], Cycle + E.Latency);
    if (--Waiting[E.To] == 0)
      Ready.push_back(E.To);
  }
}

DukeScheduler::DukeScheduler(MachineFunction &MF, const MachineLoopInfo *Loops, AAResults *AA)
    : ScheduleDAGInstrs(MF, Loops, /*RemoveKillFlags*/ true), AA(AA), ST(MF.getSubtarget<DukeSubtarget>()) {
  CanHandleTerminators = true;
}

void DukeScheduler::schedule() {
  Bundles.clear();
  Length = 0;
  buildSchedGraph(AA);
  relaxLoadOrder(*this, AA);
  unsigned N = unsigned(SUnits.size());
  Succs.assign(N, {});
  Waiting.assign(N, 0);
  Height.assign(N, 0);
  Earliest.assign(N, 0);
  for (SUnit &U : SUnits)
    for (SDep &D : U.Succs)
      if (!D.getSUnit()->isBoundaryNode())
        addEdge(U.NodeNum, D.getSUnit()->NodeNum, latency(U, D));
  addControlEdges();
  // Edges go forward in program order, so one sweep gives the heights.
  for (unsigned I = N; I-- > 0;)
    for (Edge E : Succs[I])
      Height[I] = std::max(Height[I], Height[E.To] + E.Latency);

  SmallVector<unsigned, 32> Ready;
  for (unsigned I = 0; I < N; I++)
    if (Waiting[I] == 0)
      Ready.push_back(I);
  for (int Cycle = 0; !Ready.empty(); Cycle++) {
    Bundle B;
    DukeBundle L(ST.machine());
    for (bool Closed = false; !Closed;) {
      int Best = -1;
      for (unsigned I = 0; I < Ready.size(); I++) {
        const MachineInstr &MI = *SUnits[Ready[I]].getInstr();
        if (Earliest[Ready[I]] > Cycle || (Best >= 0 && !better(Ready[I], Ready[Best])))
          continue;
        if (DukeBundle Trial = L; take(Trial, MI))
          Best = int(I);
      }
      if (Best < 0)
        break;
      unsigned Chosen = Ready[Best];
      Ready.erase(Ready.begin() + Best);
      MachineInstr &MI = *SUnits[Chosen].getInstr();
      take(L, MI);
      B.push_back(&MI);
      place(Chosen, Cycle, Ready);
      Closed = Duke::isControl(MI) || isAlone(MI);
    }
    if (!B.empty()) {
      Bundles.push_back(B);
      Length = Cycle + 1;
    }
  }
}
