#include "DukeBundle.h"
using namespace llvm;

static const DukeMachine Machines[] = {
#define DUKE_MACHINE(name, m, a, b, m_does_int, words) {name, m, a, b, m_does_int, words},
#include "DukeGenMachines.inc"
#undef DUKE_MACHINE
};

const DukeMachine *llvm::findDukeMachine(StringRef Name) {
  for (const DukeMachine &M : Machines)
    if (Name == M.Name)
      return &M;
  return nullptr;
}

DukeBundle::Problem DukeBundle::add(const MCInstrDesc &D, ArrayRef<MCRegister> Defs) {
  Ops++;
  Words += D.getSize() / 4;
  Units[Duke::unitOf(D)]++;
  Alone |= Duke::isAlone(D);
  if (Alone && Ops > 1)
    return Company;
  unsigned Alu = Units[Duke::UnitA] + Units[Duke::UnitF] + Units[Duke::UnitV] + Units[Duke::UnitX],
           Mem = Units[Duke::UnitM];
  if (Mem > Machine->LanesM)
    return Memory;
  if (Alu > Machine->LanesA || Units[Duke::UnitX] > 1)
    return Arithmetic;
  if (Units[Duke::UnitB] + Units[Duke::UnitS] > Machine->LanesB)
    return Control;
  if (Units[Duke::UnitI] > Machine->LanesA - Alu + (Machine->MemoryLanesDoInt ? Machine->LanesM - Mem : 0))
    return Integer;
  if (Words > Machine->MaxWords)
    return TooLong;
  if (Duke::isCommit(D)) {
    if (Commit)
      return Commits;
    Commit = true;
  }
  size_t Before = Written.size();
  for (MCRegister R : Defs)
    if (R != Duke::R0)
      Written.push_back(R);
  for (size_t I = Before; I < Written.size(); I++)
    if (is_contained(ArrayRef(Written).take_front(Before), Written[I]))
      return Writers;
  return None;
}

std::string DukeBundle::describe(Problem P) const {
  auto Count = [](unsigned N) { return std::to_string(N); };
  auto Lanes = [&](unsigned N) { return N == 1 ? std::string("a lane for 1") : "lanes for " + Count(N); };
  switch (P) {
  case None:
    return "";
  case Memory:
    return Count(Units[Duke::UnitM]) + " memory ops in a bundle; the machine has " + Lanes(Machine->LanesM);
  case Arithmetic:
    return "more multiply, divide and floating-point ops in a bundle than the machine has lanes for";
  case Control:
    return Count(Units[Duke::UnitB] + Units[Duke::UnitS]) + " branch and system ops in a bundle; the machine has " +
           Lanes(Machine->LanesB);
  case Integer:
    return "more integer ops in a bundle than the machine has lanes for";
  case TooLong:
    return "a bundle of " + Count(Words) + " words; the most is " + Count(Machine->MaxWords);
  case Commits:
    return "a bundle may commit once";
  case Writers:
    return "a register is written twice in a bundle";
  case Company:
    return "an op that must be the only one of its bundle has company";
  }
  return "";
}
