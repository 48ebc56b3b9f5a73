// Moves ops from the top of a block up into its only predecessor, where lanes are empty: code has a branch every few
// ops, and an op that was started before the branch costs nothing there and is missing here.
//
// What is moved is done whether the branch goes there or not. So it must have no effect but its result, its result must
// not be wanted on the other ways out nor by the branch itself, and it must not trap: native loads do not
// (docs/core.md).
#include "DukeScheduler.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/CodeGen/LivePhysRegs.h"
#include "llvm/CodeGen/MachineRegisterInfo.h"
using namespace llvm;
using Iterator = MachineBasicBlock::iterator;

namespace {
constexpr unsigned MaxRegion = 64;  // instructions of the block to be filled
constexpr unsigned MaxFailures = 4; // ops in a row for which there is no room

class Hoister {
  DukeScheduler &S;
  const TargetRegisterInfo &TRI;
  const MachineRegisterInfo &MRI;
  AAResults *AA;

  // Instructions of a block that stay, and what they read, write and store.
  struct Staying {
    SmallSet<Register, 16> Reads, Writes;
    SmallVector<const MachineInstr *, 8> Stores;
    void add(const MachineInstr &MI) {
      for (const MachineOperand &Op : MI.operands())
        if (Op.isReg() && Op.getReg())
          (Op.isDef() ? Writes : Reads).insert(Op.getReg());
      if (MI.mayStore())
        Stores.push_back(&MI);
    }
  };

  static bool isSlow(const MachineInstr &MI) { // holds its lane
    switch (MI.getOpcode()) {
#define SLOW(name) case Duke::name##_R: case Duke::name##_I: case Duke::name##_X:
      SLOW(DIV)
      SLOW(DIVU)
      SLOW(REM)
      SLOW(REMU)
      SLOW(DIV_SW)
      SLOW(DIVU_SW)
      SLOW(REM_SW)
      SLOW(REMU_SW)
#undef SLOW
      return true;
    default:
      return false;
    }
  }

  static bool isCallerSaved(Register R) { return Duke::GPRTailRegClass.contains(R); }

  // Loads of callee-saved registers in epilogues: no instruction says that returning reads them.
  static bool isRestore(const MachineInstr &MI) {
    return MI.getOperand(1).isReg() && MI.getOperand(1).getReg() == Duke::R2 &&
           !isCallerSaved(MI.getOperand(0).getReg());
  }

  // Whether MI may be done in vain.
  bool harmless(const MachineInstr &MI, bool Likely) const {
    if (Duke::isControl(MI) || MI.mayStore() || MI.hasUnmodeledSideEffects() || MI.isPosition() || isSlow(MI) ||
        MI.getOpcode() == Duke::COMMIT_I || MI.getFlag(MachineInstr::FrameSetup) ||
        MI.getFlag(MachineInstr::FrameDestroy))
      return false;
    if (MI.mayLoad() && isRestore(MI))
      return false;
    if (MI.mayLoad())
      return Likely && Duke::spaceOf(MI.getDesc()) == Duke::SpaceNative && !MI.hasOrderedMemoryRef();
    return Duke::spaceOf(MI.getDesc()) == Duke::SpaceNone;
  }

  // The register that MI writes if it is all that MI writes and the allocator's to give away.
  Register result(const MachineInstr &MI) const {
    Register R;
    for (const MachineOperand &Op : MI.operands()) {
      if (Op.isRegMask() || (Op.isReg() && Op.isDef() && (R || Op.isImplicit())))
        return Register();
      if (Op.isReg() && Op.isDef())
        R = Op.getReg();
    }
    return R.isPhysical() && !MRI.isReserved(R) ? R : Register();
  }

  // Whether nothing that MI needs is made by what stays before it.
  bool canLeave(const MachineInstr &MI, const Staying &Before, bool Likely) const {
    if (!result(MI) || !harmless(MI, Likely))
      return false;
    for (const MachineOperand &Op : MI.explicit_uses())
      if (Op.isReg() && Before.Writes.count(Op.getReg()))
        return false;
    return !MI.mayLoad() ||
           none_of(Before.Stores, [&](const MachineInstr *St) { return MI.mayAlias(AA, *St, /*UseTBAA*/ true); });
  }

  // Whether register R can be written in To on behalf of an instruction of From that comes after those in Before.
  bool canWrite(Register R, const Staying &Before, const MachineBasicBlock &To, const MachineBasicBlock &From) const {
    if (Before.Writes.count(R) || Before.Reads.count(R))
      return false;
    for (const MachineBasicBlock *Other : To.successors())
      if (Other != &From && Other->isLiveIn(R))
        return false;
    return none_of(To.terminators(),
                   [&](const MachineInstr &T) { return T.readsRegister(R, &TRI) || T.modifiesRegister(R, &TRI); });
  }

  static bool mentions(const MachineBasicBlock &B, Register R) {
    return any_of(B, [R](const MachineInstr &MI) {
      return any_of(MI.operands(), [R](const MachineOperand &Op) { return Op.isReg() && Op.getReg() == R; });
    });
  }

  // A register for MI's result that nothing else there uses, and the operands that read it; none if they are not all
  // known.
  Register rename(const MachineInstr &MI, const MachineBasicBlock &To, const MachineBasicBlock &From,
                  SmallVectorImpl<MachineOperand *> &Uses) const {
    Register R = result(MI);
    if (!isCallerSaved(R))
      return Register();
    bool Gone = false;
    for (Iterator I = std::next(const_cast<MachineInstr &>(MI).getIterator()); I != MI.getParent()->end() && !Gone; ++I)
      for (MachineOperand &Op : I->operands()) {
        if (Op.isRegMask())
          return Register();
        if (!Op.isReg() || Op.getReg() != R)
          continue;
        if (Op.isImplicit())
          return Register();
        if (Op.isDef())
          Gone = true;
        else
          Uses.push_back(&Op);
      }
    if (!Gone && any_of(From.successors(), [R](const MachineBasicBlock *B) { return B->isLiveIn(R); }))
      return Register();
    for (Register New : Duke::GPRTailRegClass)
      if (none_of(To.successors(), [New](const MachineBasicBlock *B) { return B->isLiveIn(New); }) &&
          !mentions(To, New) && !mentions(From, New))
        return New;
    return Register();
  }

  // Cycles of the last region of B.
  int length(MachineBasicBlock &B) {
    Iterator Begin = B.end();
    unsigned Count = 0;
    while (Begin != B.begin()) {
      Iterator Before = std::prev(Begin);
      if (Before->isPosition() || ((Before->isCall() || Before->isInlineAsm()) && !Before->isTerminator()))
        break;
      Begin = Before;
      Count++;
    }
    if (Count == 0 || Count > MaxRegion)
      return -1;
    S.startBlock(&B);
    S.enterRegion(&B, Begin, B.end(), Count);
    S.schedule();
    S.exitRegion();
    S.finishBlock();
    return S.Length;
  }

  void pull(MachineBasicBlock &To, MachineBasicBlock &From, int Length, bool Likely) {
    Staying Stay;
    unsigned Failures = 0;
    for (Iterator I = From.begin(); I != From.end() && Failures < MaxFailures;) {
      MachineInstr &MI = *I++;
      if (Duke::isControl(MI) || MI.isPosition())
        return;
      if (!canLeave(MI, Stay, Likely)) {
        if (MI.hasUnmodeledSideEffects())
          return;
        Stay.add(MI);
        continue;
      }
      Register Old = result(MI), New = Old;
      SmallVector<MachineOperand *, 4> Uses;
      if (!canWrite(Old, Stay, To, From))
        New = rename(MI, To, From, Uses);
      if (New) {
        To.splice(To.getFirstTerminator(), &From, MI.getIterator());
        MI.getOperand(0).setReg(New);
        if (int L = length(To); L > 0 && L <= Length) {
          for (MachineOperand *Op : Uses)
            Op->setReg(New);
          if (!From.isLiveIn(New))
            From.addLiveIn(New);
          Failures = 0;
          continue;
        }
        MI.getOperand(0).setReg(Old);
        From.splice(I, &To, MI.getIterator());
      }
      Stay.add(MI);
      Failures++;
    }
  }

public:
  Hoister(MachineFunction &MF, DukeScheduler &S, AAResults *AA)
      : S(S), TRI(*MF.getSubtarget().getRegisterInfo()), MRI(MF.getRegInfo()), AA(AA) {}

  void fill(MachineBasicBlock &B) {
    if (B.succ_size() < 2)
      return; // block placement has put single successors of single predecessors together
    SmallVector<MachineBasicBlock *, 4> Targets;
    for (MachineBasicBlock *T : B.successors())
      if (T != &B && T->pred_size() == 1 && !T->hasAddressTaken() && !T->isEHPad() && !T->isInlineAsmBrIndirectTarget())
        Targets.push_back(T);
    stable_sort(Targets, [&](auto *X, auto *Y) { return prob(B, X) > prob(B, Y); });
    for (MachineBasicBlock *T : Targets)
      if (int L = length(B); L > 0)
        pull(B, *T, L, prob(B, T) >= BranchProbability(1, 4));
  }

  static BranchProbability prob(const MachineBasicBlock &B, const MachineBasicBlock *T) {
    return B.getSuccProbability(find(B.successors(), T));
  }
};
} // namespace

void llvm::hoistOps(MachineFunction &MF, DukeScheduler &S, AAResults *AA) {
  SmallVector<MachineBasicBlock *, 32> Blocks;
  for (MachineBasicBlock &B : reverse(MF))
    Blocks.push_back(&B);
  fullyRecomputeLiveIns(Blocks);
  Hoister H(MF, S, AA);
  for (MachineBasicBlock &B : MF)
    H.fill(B);
}
