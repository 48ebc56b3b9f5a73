#include "DukeInstPrinter.h"
#include "DukeMCTargetDesc.h"
#include "llvm/MC/MCAsmInfo.h"
#include "llvm/MC/MCExpr.h"
#include "llvm/Support/FormatVariadic.h"
using namespace llvm;

#include "DukeGenAsmWriter.inc"

void DukeInstPrinter::printRegName(raw_ostream &OS, MCRegister Reg) const { OS << getRegisterName(Reg); }

// The table's text of a memory operand is "[ra + rb << scale + imm]"; parts that are zero are left out.
static std::string shortenAddress(StringRef Text) {
  size_t Open = Text.find('['), Close = Text.rfind(']');
  if (Open == StringRef::npos || Close == StringRef::npos)
    return Text.str();
  StringRef Address = Text.slice(Open + 1, Close);
  auto [Base, Rest] = Address.split(" + ");
  std::string Out = Base.str();
  if (size_t Shift = Rest.find(" << "); Shift != StringRef::npos) {
    StringRef Index = Rest.take_front(Shift);
    auto [Scale, Disp] = Rest.drop_front(Shift + 4).split(" + ");
    if (Index != "r0" || Scale != "0")
      Out += (" + " + Index).str();
    if (Scale != "0")
      Out += (" << " + Scale).str();
    Rest = Disp;
  }
  if (Rest.consume_front("-"))
    Out += (" - " + Rest).str();
  else if (Rest != "0")
    Out += (" + " + Rest).str();
  return (Text.take_front(Open + 1) + Out + Text.drop_front(Close)).str();
}

void DukeInstPrinter::printInst(const MCInst *MI, uint64_t Address, StringRef Annot, const MCSubtargetInfo &,
                                raw_ostream &OS) {
  std::string Text;
  raw_string_ostream Stream(Text);
  printInstruction(MI, Address, Stream);
  OS << shortenAddress(Text);
  if (!(MI->getFlags() & Duke::EndOfBundle))
    OS << " ~";
  printAnnotation(OS, Annot);
}

void DukeInstPrinter::printOperand(const MCInst *MI, unsigned N, raw_ostream &OS) {
  const MCOperand &Op = MI->getOperand(N);
  if (Op.isReg())
    printRegName(OS, Op.getReg());
  else if (Op.isImm())
    OS << formatImm(Op.getImm());
  else
    Op.getExpr()->print(OS, &MAI);
}

// Disassemblers that know the address print the target; assembly text has the displacement, which assembles again.
void DukeInstPrinter::printTarget(const MCInst *MI, uint64_t Address, unsigned N, raw_ostream &OS) {
  const MCOperand &Op = MI->getOperand(N);
  if (!Op.isImm())
    Op.getExpr()->print(OS, &MAI);
  else if (PrintBranchImmAsAddress)
    OS << formatv("{0:x}", uint32_t(Address + uint64_t(Op.getImm())));
  else
    OS << formatImm(Op.getImm());
}

template <unsigned Bits> void DukeInstPrinter::printWrapped(const MCInst *MI, unsigned N, raw_ostream &OS) {
  const MCOperand &Op = MI->getOperand(N);
  if (Op.isImm())
    OS << formatImm(SignExtend64<Bits>(uint64_t(Op.getImm())));
  else
    Op.getExpr()->print(OS, &MAI);
}
