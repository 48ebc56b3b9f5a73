// Words to MCInst. An op is two words long if bit 31 of its first is clear and the next is an extension word.
#include "DukeMCTargetDesc.h"
#include "llvm/MC/MCDecoderOps.h"
#include "llvm/MC/MCDisassembler/MCDisassembler.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
using namespace llvm;
using DecodeStatus = MCDisassembler::DecodeStatus;

#define DEBUG_TYPE "duke-disassembler"

static DecodeStatus DecodeGPRRegisterClass(MCInst &MI, uint64_t N, uint64_t, const MCDisassembler *) {
  MI.addOperand(MCOperand::createReg(Duke::R0 + N));
  return MCDisassembler::Success;
}
static DecodeStatus DecodeFPRRegisterClass(MCInst &MI, uint64_t N, uint64_t, const MCDisassembler *) {
  MI.addOperand(MCOperand::createReg(Duke::F0 + N));
  return MCDisassembler::Success;
}
template <unsigned Bits> static DecodeStatus decodeSImm(MCInst &MI, uint64_t V, uint64_t, const MCDisassembler *) {
  MI.addOperand(MCOperand::createImm(SignExtend64<Bits>(V)));
  return MCDisassembler::Success;
}
template <unsigned Bits> static DecodeStatus decodeUImm(MCInst &MI, uint64_t V, uint64_t, const MCDisassembler *) {
  MI.addOperand(MCOperand::createImm(int64_t(V)));
  return MCDisassembler::Success;
}
template <unsigned Bits> static DecodeStatus decodeTarget(MCInst &MI, uint64_t V, uint64_t, const MCDisassembler *) {
  MI.addOperand(MCOperand::createImm(SignExtend64<Bits>(V) * 4));
  return MCDisassembler::Success;
}
#include "DukeGenDisassemblerTables.inc"

namespace {
struct DukeDisassembler : MCDisassembler {
  using MCDisassembler::MCDisassembler;

  DecodeStatus getInstruction(MCInst &MI, uint64_t &Size, ArrayRef<uint8_t> Bytes, uint64_t Address,
                              raw_ostream &) const override {
    Size = std::min<size_t>(Bytes.size(), 4);
    if (Bytes.size() < 4)
      return Fail;
    uint32_t First = support::endian::read32le(Bytes.data());
    uint32_t Second = 0;
    if (!(First >> 31) && Bytes.size() >= 8)
      Second = support::endian::read32le(Bytes.data() + 4);
    bool Extended = ((Second >> 29) & 3) == 3;
    bool End = (Extended ? Second : First) >> 31;
    DecodeStatus Status;
    if (Extended) {
      uint64_t Both = (uint64_t(Second & 0x7fffffff) << 32) | First;
      Status = decodeInstruction(DecoderTableDuke6464, MI, Both, Address, this, STI);
    } else {
      Status = decodeInstruction(DecoderTableDuke3232, MI, First & 0x7fffffff, Address, this, STI);
    }
    if (Status != Fail)
      Size = Extended ? 8 : 4;
    MI.setFlags(End ? Duke::EndOfBundle : 0);
    return Status;
  }
};
} // namespace

MCDisassembler *llvm::createDukeDisassembler(const Target &, const MCSubtargetInfo &STI, MCContext &C) {
  return new DukeDisassembler(STI, C);
}
