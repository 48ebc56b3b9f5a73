// Machine instructions to MCInsts; the last op of a bundle gets the end bit.
#include "Duke.h"
#include "DukeInstPrinter.h"
#include "llvm/CodeGen/AsmPrinter.h"
#include "llvm/CodeGen/MachineInstr.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCExpr.h"
#include "llvm/MC/MCStreamer.h"
using namespace llvm;

namespace {
class DukeAsmPrinter : public AsmPrinter {
  MCOperand symbol(MCSymbol *S, int64_t Offset) {
    const MCExpr *E = MCSymbolRefExpr::create(S, OutContext);
    if (Offset != 0)
      E = MCBinaryExpr::createAdd(E, MCConstantExpr::create(Offset, OutContext), OutContext);
    return MCOperand::createExpr(E);
  }

  MCOperand lower(const MachineOperand &Op) {
    switch (Op.getType()) {
    case MachineOperand::MO_Register:
      return MCOperand::createReg(Op.getReg());
    case MachineOperand::MO_Immediate:
      return MCOperand::createImm(Op.getImm());
    case MachineOperand::MO_MachineBasicBlock:
      return symbol(Op.getMBB()->getSymbol(), 0);
    case MachineOperand::MO_GlobalAddress:
      return symbol(getSymbol(Op.getGlobal()), Op.getOffset());
    case MachineOperand::MO_ExternalSymbol:
      return symbol(GetExternalSymbolSymbol(Op.getSymbolName()), Op.getOffset());
    case MachineOperand::MO_BlockAddress:
      return symbol(GetBlockAddressSymbol(Op.getBlockAddress()), Op.getOffset());
    case MachineOperand::MO_ConstantPoolIndex:
      return symbol(GetCPISymbol(Op.getIndex()), Op.getOffset());
    case MachineOperand::MO_JumpTableIndex:
      return symbol(GetJTISymbol(Op.getIndex()), 0);
    default:
      llvm_unreachable("operand without a machine-code form");
    }
  }

  void lower(const MachineInstr &MI, MCInst &Out) {
    switch (MI.getOpcode()) {
    case Duke::RET:
      Out.setOpcode(Duke::RET_R);
      Out.addOperand(MCOperand::createReg(Duke::R1));
      return;
    case Duke::TAIL:
      Out.setOpcode(Duke::J_I);
      Out.addOperand(lower(MI.getOperand(0)));
      return;
    case Duke::TAILR:
      Out.setOpcode(Duke::JR_R);
      Out.addOperand(lower(MI.getOperand(0)));
      return;
    }
    Out.setOpcode(MI.getOpcode());
    for (const MachineOperand &Op : MI.operands())
      if (!(Op.isReg() && Op.isImplicit()) && !Op.isRegMask())
        Out.addOperand(lower(Op));
  }

public:
  DukeAsmPrinter(TargetMachine &TM, std::unique_ptr<MCStreamer> S) : AsmPrinter(TM, std::move(S)) {}
  StringRef getPassName() const override { return "Duke assembly printer"; }

  void emitInstruction(const MachineInstr *MI) override {
    SmallVector<const MachineInstr *, 8> Ops;
    if (MI->isBundle()) {
      for (auto I = std::next(MI->getIterator()), E = MI->getParent()->instr_end(); I != E && I->isInsideBundle(); ++I)
        if (!I->isMetaInstruction())
          Ops.push_back(&*I);
    } else if (!MI->isMetaInstruction()) {
      Ops.push_back(MI);
    }
    for (const MachineInstr *Op : Ops) {
      MCInst Out;
      lower(*Op, Out);
      Out.setFlags(Op == Ops.back() ? Duke::EndOfBundle : 0);
      EmitToStreamer(*OutStreamer, Out);
    }
  }

  bool PrintAsmOperand(const MachineInstr *MI, unsigned N, const char *Extra, raw_ostream &OS) override {
    const MachineOperand &Op = MI->getOperand(N);
    if (Extra && Extra[0])
      return AsmPrinter::PrintAsmOperand(MI, N, Extra, OS);
    if (Op.isReg())
      OS << DukeInstPrinter::getRegisterName(Op.getReg());
    else if (Op.isImm())
      OS << Op.getImm();
    else if (Op.isGlobal())
      PrintSymbolOperand(Op, OS);
    else
      return AsmPrinter::PrintAsmOperand(MI, N, Extra, OS);
    return false;
  }
  bool PrintAsmMemoryOperand(const MachineInstr *MI, unsigned N, const char *, raw_ostream &OS) override {
    OS << '[' << DukeInstPrinter::getRegisterName(MI->getOperand(N).getReg()) << " + " << MI->getOperand(N + 1).getImm()
       << ']';
    return false;
  }
};
} // namespace

void llvm::registerDukeAsmPrinter() { static RegisterAsmPrinter<DukeAsmPrinter> X(getTheDukeTarget()); }
