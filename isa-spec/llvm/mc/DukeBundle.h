// The rules of isa-spec/duke/hazards.toml: what may stand in one bundle. Used by the scheduler and the assembler.
#pragma once
#include "DukeMCTargetDesc.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <string>

namespace llvm {
// Lanes of a machine table.
struct DukeMachine {
  const char *Name;
  unsigned LanesM, LanesA, LanesB;
  bool MemoryLanesDoInt;
  unsigned MaxWords;
};

// The machine of that name, or null.
const DukeMachine *findDukeMachine(StringRef Name);

class DukeBundle {
  const DukeMachine *Machine;
  unsigned Units[9] = {}, Words = 0, Ops = 0;
  bool Commit = false, Alone = false;
  SmallVector<MCRegister, 8> Written;

public:
  enum Problem { None, Memory, Arithmetic, Control, Integer, TooLong, Commits, Writers, Company };

  explicit DukeBundle(const DukeMachine &M) : Machine(&M) {}
  bool empty() const { return Ops == 0; }

  // Adds an op that writes the registers Defs. After a problem the bundle is not to be used further.
  Problem add(const MCInstrDesc &D, ArrayRef<MCRegister> Defs);
  std::string describe(Problem P) const;
};
} // namespace llvm
