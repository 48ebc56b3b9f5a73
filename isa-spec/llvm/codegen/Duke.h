// Passes and nodes of the Duke code generator.
#pragma once
#include "DukeMCTargetDesc.h"
#include "llvm/CodeGen/ISDOpcodes.h"
#include "llvm/Support/CodeGen.h"

namespace llvm {
class DukeTargetMachine;
class FunctionPass;

FunctionPass *createDukeISelDag(DukeTargetMachine &TM, CodeGenOptLevel Level);
FunctionPass *createDukePacketizer();
void registerDukeAsmPrinter();

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
