// Assembly text of an MCInst, the same as the generated C disassembler's (isagen/c/duke_disasm.c).
#pragma once
#include "llvm/MC/MCInstPrinter.h"

namespace llvm {
class DukeInstPrinter : public MCInstPrinter {
public:
  using MCInstPrinter::MCInstPrinter;
  void printInst(const MCInst *MI, uint64_t Address, StringRef Annot, const MCSubtargetInfo &STI,
                 raw_ostream &OS) override;
  void printRegName(raw_ostream &OS, MCRegister Reg) const override;
  static const char *getRegisterName(MCRegister Reg);

private:
  std::pair<const char *, uint64_t> getMnemonic(const MCInst *MI) override;
  void printInstruction(const MCInst *MI, uint64_t Address, raw_ostream &OS);
  void printOperand(const MCInst *MI, unsigned N, raw_ostream &OS);
  void printTarget(const MCInst *MI, uint64_t Address, unsigned N, raw_ostream &OS);
  template <unsigned Bits> void printWrapped(const MCInst *MI, unsigned N, raw_ostream &OS);
};
} // namespace llvm
