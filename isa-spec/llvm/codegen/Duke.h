// Passes and nodes of the Duke code generator.
#pragma once
#include "DukeMCTargetDesc.h"
#include "llvm/CodeGen/ISDOpcodes.h"
#include "llvm/Support/CodeGen.h"
#include <memory>

namespace llvm {
class AAResults;
class DukeTargetMachine;
class FunctionPass;
class ScheduleDAGInstrs;
class ScheduleDAGMutation;

FunctionPass *createDukeISelDag(DukeTargetMachine &TM, CodeGenOptLevel Level);
FunctionPass *createDukePacketizer();
void registerDukeAsmPrinter();

// Drops needless dependences of loads on volatile accesses; as a step of the scheduler before register allocation.
void relaxLoadOrder(ScheduleDAGInstrs &DAG, AAResults *AA);
std::unique_ptr<ScheduleDAGMutation> createDukeLoadOrder(AAResults *AA);

namespace DukeISD {
enum {
  FIRST = ISD::BUILTIN_OP_END,
  CALL,
  TAIL,
  RET,
  ADDR, // address of a symbol
  // 32-bit operations; see DukePatterns.td
  SHL_SW,
  SHR_SW,
  SAR_SW,
  ROR_W,
  DIV_SW,
  DIVU_SW,
  REM_SW,
  REMU_SW,
};
} // namespace DukeISD

// Address spaces of C pointers: 0 native, 1 guest.
constexpr unsigned GuestAddressSpace = 1;
} // namespace llvm
