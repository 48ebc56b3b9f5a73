// Fixups, branch relaxation and the ELF object writer.
#include "DukeMCTargetDesc.h"
#include "llvm/MC/MCAsmBackend.h"
#include "llvm/MC/MCAssembler.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCELFObjectWriter.h"
#include "llvm/MC/MCFixupKindInfo.h"
#include "llvm/MC/MCObjectWriter.h"
#include "llvm/MC/MCValue.h"
using namespace llvm;

namespace {
const duke::Field &fieldOf(unsigned Kind) { return duke::Fields[Kind - Duke::FirstFixup]; }

class DukeELFWriter : public MCELFObjectTargetWriter {
public:
  DukeELFWriter()
      : MCELFObjectTargetWriter(/*Is64Bit*/ true, /*OSABI*/ 0, duke::EMachine, /*HasRelocationAddend*/ true) {}
  unsigned getRelocType(MCContext &Context, const MCValue &, const MCFixup &Fixup, bool IsPCRel) const override {
    unsigned Kind = Fixup.getKind();
    if (Kind >= FirstTargetFixupKind && Kind < unsigned(Duke::LastFixup))
      return duke::FirstFieldReloc + (Kind - Duke::FirstFixup);
    switch (Kind) {
    case FK_Data_4:
      return IsPCRel ? duke::R_PC32 : duke::R_32;
    case FK_Data_8:
      return IsPCRel ? duke::R_PC64 : duke::R_64;
    case FK_PCRel_4:
      return duke::R_PC32;
    case FK_PCRel_8:
      return duke::R_PC64;
    }
    Context.reportError(Fixup.getLoc(), "there is no relocation for a symbol here: data must be 4 or 8 bytes");
    return duke::R_NONE;
  }
};

class DukeAsmBackend : public MCAsmBackend {
public:
  DukeAsmBackend() : MCAsmBackend(endianness::little) {}

  std::unique_ptr<MCObjectTargetWriter> createObjectTargetWriter() const override {
    return std::make_unique<DukeELFWriter>();
  }
  unsigned getNumFixupKinds() const override { return Duke::NumFixups; }

  const MCFixupKindInfo &getFixupKindInfo(MCFixupKind Kind) const override {
    static const MCFixupKindInfo Info[] = {
#define DUKE_FIXUP(name, pcrel, width, shift, ...)                                                                             \
  {"fixup_" #name, 0, 32, (pcrel) ? unsigned(MCFixupKindInfo::FKF_IsPCRel) : 0u},
#include "DukeGenFixups.inc"
#undef DUKE_FIXUP
    };
    if (Kind < FirstTargetFixupKind)
      return MCAsmBackend::getFixupKindInfo(Kind);
    return Info[Kind - FirstTargetFixupKind];
  }

  void applyFixup(const MCAssembler &Asm, const MCFixup &Fixup, const MCValue &, MutableArrayRef<char> Data,
                  uint64_t Value, bool IsResolved, const MCSubtargetInfo *) const override {
    unsigned Kind = Fixup.getKind(), Bytes = 4;
    uint64_t Bits = Value;
    switch (Kind) {
    case FK_Data_1:
      Bytes = 1;
      break;
    case FK_Data_2:
      Bytes = 2;
      break;
    case FK_Data_4:
    case FK_PCRel_4:
      break;
    case FK_Data_8:
    case FK_PCRel_8:
      Bytes = 8;
      break;
    default: {
      if (!IsResolved)
        return; // the value is in the relocation
      const duke::Field &F = fieldOf(Kind);
      if (!duke::fits(F, int64_t(Value)))
        Asm.getContext().reportError(Fixup.getLoc(), Twine("value ") + Twine(int64_t(Value)) + " does not fit in " +
                                                         Twine(F.Width + F.Shift) + " bits");
      Bits = duke::place(F, int64_t(Value));
      Bytes = duke::hasExtension(F) ? 8 : 4;
    }
    }
    for (unsigned I = 0; I < Bytes; I++)
      Data[Fixup.getOffset() + I] |= char(uint8_t(Bits >> (8 * I)));
  }

  // Branches to symbols start short and get an extension word if their target is out of reach or in another section.
  bool mayNeedRelaxation(const MCInst &MI, const MCSubtargetInfo &) const override {
    return Duke::relaxedOpcode(MI.getOpcode()) != 0 && MI.getOperand(MI.getNumOperands() - 1).isExpr();
  }
  bool fixupNeedsRelaxation(const MCFixup &Fixup, uint64_t Value) const override {
    return !duke::fits(fieldOf(Fixup.getKind()), int64_t(Value));
  }
  void relaxInstruction(MCInst &MI, const MCSubtargetInfo &) const override {
    MI.setOpcode(Duke::relaxedOpcode(MI.getOpcode()));
  }

  // Alignment is reached by falling through, so the nops share bundles, eight to one.
  bool writeNopData(raw_ostream &OS, uint64_t Count, const MCSubtargetInfo *) const override {
    if (Count % 4 != 0)
      return false;
    for (uint64_t Words = Count / 4; Words != 0; Words--)
      OS.write(Words % 8 == 1 ? "\x10\x00\x00\x9d" : "\x10\x00\x00\x1d", 4);
    return true;
  }
};
} // namespace

unsigned Duke::relaxedOpcode(unsigned Opcode) {
  switch (Opcode) {
#define RELAX(name) case Duke::name##_I: return Duke::name##_X;
    RELAX(BEQ)
    RELAX(BNE)
    RELAX(BLT)
    RELAX(BGE)
    RELAX(BLTU)
    RELAX(BGEU)
    RELAX(BLT_W)
    RELAX(BGE_W)
    RELAX(BCC)
    RELAX(RASP)
#undef RELAX
  default:
    return 0;
  }
}

MCAsmBackend *llvm::createDukeAsmBackend(const Target &, const MCSubtargetInfo &, const MCRegisterInfo &,
                                         const MCTargetOptions &) {
  return new DukeAsmBackend();
}
