// Registers the machine-code layer with LLVM.
#include "DukeMCTargetDesc.h"
#include "DukeInstPrinter.h"
#include "llvm/MC/MCAsmInfoELF.h"

#define GET_INSTRINFO_MC_DESC
#define ENABLE_INSTR_PREDICATE_VERIFIER
#include "DukeGenInstrInfo.inc"
#define GET_SUBTARGETINFO_MC_DESC
#include "DukeGenSubtargetInfo.inc"
#define GET_REGINFO_MC_DESC
#include "DukeGenRegisterInfo.inc"

using namespace llvm;

namespace {
struct DukeMCAsmInfo : MCAsmInfoELF {
  DukeMCAsmInfo() {
    CodePointerSize = 8;
    CalleeSaveStackSlotSize = 8;
    MinInstAlignment = 4;
    MaxInstLength = 8;
    CommentString = "#";
    SeparatorString = ";";
    Data16bitsDirective = "\t.half\t";
    Data32bitsDirective = "\t.word\t";
    Data64bitsDirective = "\t.dword\t";
    ZeroDirective = "\t.zero\t";
    AlignmentIsInBytes = false;
    SupportsDebugInformation = true;
    ExceptionsType = ExceptionHandling::None;
    UsesELFSectionDirectiveForBSS = true;
  }
};
} // namespace

Target &llvm::getTheDukeTarget() {
  static Target T;
  return T;
}

static MCSubtargetInfo *createSubtargetInfo(const Triple &TT, StringRef CPU, StringRef FS) {
  if (CPU.empty() || CPU.starts_with("generic"))
    CPU = "default";
  return createDukeMCSubtargetInfoImpl(TT, CPU, CPU, FS);
}

// The triple is vliw64-unknown-none-elf: an architecture that LLVM does not know, which is also what llvm-objdump makes
// of our unassigned e_machine.
void registerDukeMC() {
  Target &T = getTheDukeTarget();
  TargetRegistry::RegisterTarget(
      T, "duke", "Duke VLIW", "Duke", [](Triple::ArchType A) { return A == Triple::UnknownArch; }, /*HasJIT*/ false);
  TargetRegistry::RegisterMCAsmInfo(T,
                                    [](const MCRegisterInfo &, const Triple &, const MCTargetOptions &) -> MCAsmInfo * {
                                      return new DukeMCAsmInfo();
                                    });
  TargetRegistry::RegisterMCInstrInfo(T, []() -> MCInstrInfo * {
    auto *Info = new MCInstrInfo();
    InitDukeMCInstrInfo(Info);
    return Info;
  });
  TargetRegistry::RegisterMCRegInfo(T, [](const Triple &) -> MCRegisterInfo * {
    auto *Info = new MCRegisterInfo();
    InitDukeMCRegisterInfo(Info, Duke::R1);
    return Info;
  });
  TargetRegistry::RegisterMCSubtargetInfo(T, createSubtargetInfo);
  TargetRegistry::RegisterMCInstPrinter(
      T,
      [](const Triple &, unsigned, const MCAsmInfo &AI, const MCInstrInfo &II,
         const MCRegisterInfo &RI) -> MCInstPrinter * { return new DukeInstPrinter(AI, II, RI); });
  TargetRegistry::RegisterMCCodeEmitter(T, createDukeMCCodeEmitter);
  TargetRegistry::RegisterMCAsmBackend(T, createDukeAsmBackend);
  TargetRegistry::RegisterMCDisassembler(T, createDukeDisassembler);
  registerDukeAsmParser();
}
