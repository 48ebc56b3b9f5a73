// MCInst to words. Field encodings are generated; this file adds fixups for symbols and the end-of-bundle bit.
#include "DukeMCTargetDesc.h"
#include "llvm/MC/MCCodeEmitter.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCExpr.h"
#include "llvm/Support/EndianStream.h"
using namespace llvm;

namespace {
class DukeMCCodeEmitter : public MCCodeEmitter {
  const MCInstrInfo &InstrInfo;
  MCContext &Context;

  uint64_t getBinaryCodeForInstr(const MCInst &MI, SmallVectorImpl<MCFixup> &Fixups, const MCSubtargetInfo &STI) const;

  uint64_t getMachineOpValue(const MCInst &MI, const MCOperand &Op, SmallVectorImpl<MCFixup> &,
                             const MCSubtargetInfo &) const {
    if (Op.isReg())
      return Context.getRegisterInfo()->getEncodingValue(Op.getReg());
    if (Op.isImm())
      return Op.getImm();
    int64_t Value;
    if (Op.isExpr() && Op.getExpr()->evaluateAsAbsolute(Value))
      return Value;
    Context.reportError(MI.getLoc(), "this operand cannot be a symbol; the form with an extension word (.x) takes one");
    return 0;
  }
  template <unsigned Kind>
  uint64_t encodeSymbol(const MCInst &MI, unsigned N, SmallVectorImpl<MCFixup> &Fixups, const MCSubtargetInfo &) const {
    const MCOperand &Op = MI.getOperand(N);
    if (Op.isImm())
      return Op.getImm();
    int64_t Value;
    if (Op.getExpr()->evaluateAsAbsolute(Value))
      return Value;
    Fixups.push_back(MCFixup::create(0, Op.getExpr(), MCFixupKind(Kind), MI.getLoc()));
    return 0;
  }
  // Displacements are counted from the op's own first word, in words.
  template <unsigned Kind>
  uint64_t encodeTarget(const MCInst &MI, unsigned N, SmallVectorImpl<MCFixup> &Fixups, const MCSubtargetInfo &) const {
    const MCOperand &Op = MI.getOperand(N);
    if (Op.isImm())
      return Op.getImm() >> duke::Fields[Kind - Duke::FirstFixup].Shift;
    Fixups.push_back(MCFixup::create(0, Op.getExpr(), MCFixupKind(Kind), MI.getLoc()));
    return 0;
  }

public:
  DukeMCCodeEmitter(const MCInstrInfo &II, MCContext &C) : InstrInfo(II), Context(C) {}

  void encodeInstruction(const MCInst &MI, SmallVectorImpl<char> &Out, SmallVectorImpl<MCFixup> &Fixups,
                         const MCSubtargetInfo &STI) const override {
    uint64_t Bits = getBinaryCodeForInstr(MI, Fixups, STI);
    unsigned Size = InstrInfo.get(MI.getOpcode()).getSize();
    if (MI.getFlags() & Duke::EndOfBundle)
      Bits |= uint64_t(1) << (Size * 8 - 1);
    if (Size == 8)
      support::endian::write<uint64_t>(Out, Bits, endianness::little);
    else
      support::endian::write<uint32_t>(Out, uint32_t(Bits), endianness::little);
  }
};
#include "DukeGenMCCodeEmitter.inc"
} // namespace

MCCodeEmitter *llvm::createDukeMCCodeEmitter(const MCInstrInfo &II, MCContext &C) {
  return new DukeMCCodeEmitter(II, C);
}
