#include "backend.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/MC/MCAsmBackend.h"
#include "llvm/MC/MCAsmInfo.h"
#include "llvm/MC/MCCodeEmitter.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCInstrInfo.h"
#include "llvm/MC/MCObjectFileInfo.h"
#include "llvm/MC/MCObjectWriter.h"
#include "llvm/MC/MCParser/MCAsmParser.h"
#include "llvm/MC/MCParser/MCTargetAsmParser.h"
#include "llvm/MC/MCRegisterInfo.h"
#include "llvm/MC/MCStreamer.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Target/TargetMachine.h"
using namespace llvm;

extern "C" void LLVMInitializeDukeTarget();

static const char TripleName[] = "vliw64-unknown-none-elf";

void initBackend(const char *Program, int Count, const char *const *Options) {
  LLVMInitializeDukeTarget();
  SmallVector<const char *, 8> Args{Program};
  Args.append(Options, Options + Count);
  cl::ParseCommandLineOptions(int(Args.size()), Args.data(), "duke-cc: options of LLVM\n");
}

static const Target &target() {
  std::string Text;
  const Target *T = TargetRegistry::lookupTarget(TripleName, Text);
  if (!T)
    report_fatal_error(Twine(Text));
  return *T;
}

static bool complain(const Twine &Text) {
  errs() << "duke-cc: " << Text << "\n";
  return false;
}

// The IR comes from the RISC-V front end: take away what speaks of RISC-V.
static void retarget(Module &M) {
  M.setTargetTriple(TripleName);
  for (Function &F : M)
    for (const char *Name : {"target-cpu", "target-features", "tune-cpu"})
      F.removeFnAttr(Name);
  for (GlobalVariable &G : M.globals())
    G.setThreadLocalMode(GlobalValue::NotThreadLocal); // there is one thread
  NamedMDNode *Flags = M.getModuleFlagsMetadata();
  if (!Flags)
    return;
  SmallVector<MDNode *, 8> Keep;
  for (MDNode *N : Flags->operands()) {
    auto *Name = dyn_cast<MDString>(N->getOperand(1));
    if (!Name || (Name->getString() != "target-abi" && Name->getString() != "riscv-isa" &&
                  Name->getString() != "SmallDataLimit"))
      Keep.push_back(N);
  }
  Flags->clearOperands();
  for (MDNode *N : Keep)
    Flags->addOperand(N);
}

static void optimize(Module &M, TargetMachine &TM, unsigned Level) {
  PassBuilder PB(&TM);
  LoopAnalysisManager LAM;
  FunctionAnalysisManager FAM;
  CGSCCAnalysisManager CAM;
  ModuleAnalysisManager MAM;
  PB.registerModuleAnalyses(MAM);
  PB.registerCGSCCAnalyses(CAM);
  PB.registerFunctionAnalyses(FAM);
  PB.registerLoopAnalyses(LAM);
  PB.crossRegisterProxies(LAM, FAM, CAM, MAM);
  static const OptimizationLevel Levels[] = {OptimizationLevel::O0, OptimizationLevel::O1, OptimizationLevel::O2,
                                             OptimizationLevel::O3};
  ModulePassManager Passes =
      Level == 0 ? PB.buildO0DefaultPipeline(Levels[0]) : PB.buildPerModuleDefaultPipeline(Levels[Level]);
  Passes.run(M, MAM);
}

bool compileBitcode(const std::string &Input, const std::string &Output, const CodeOptions &Options) {
  TargetOptions TO;
  TO.FunctionSections = TO.DataSections = true; // the linker leaves out what is not used
  TO.ThreadModel = ThreadModel::Single;
  TO.UseInitArray = true;
  TO.MCOptions.AsmVerbose = true;
  std::unique_ptr<TargetMachine> TM(target().createTargetMachine(TripleName, Options.Machine, "", TO, Reloc::Static,
                                                                 CodeModel::Small, CodeGenOptLevel(Options.OptLevel)));
  LLVMContext Context;
  SMDiagnostic Diagnostic;
  std::unique_ptr<Module> M = parseIRFile(Input, Diagnostic, Context);
  if (!M) {
    Diagnostic.print("duke-cc", errs());
    return false;
  }
  if (M->getDataLayout() != TM->createDataLayout())
    return complain(Input + ": IR with data layout " + M->getDataLayoutStr() + ", which is not Duke's");
  retarget(*M);
  optimize(*M, *TM, Options.OptLevel);
  std::error_code Code;
  if (!Options.SaveIR.empty()) {
    raw_fd_ostream OS(Options.SaveIR, Code);
    M->print(OS, nullptr);
  }
  ToolOutputFile Out(Output, Code, sys::fs::OF_None);
  if (Code)
    return complain(Output + ": " + Code.message());
  legacy::PassManager Passes;
  if (TM->addPassesToEmitFile(Passes, Out.os(), nullptr,
                              Options.Assembly ? CodeGenFileType::AssemblyFile : CodeGenFileType::ObjectFile))
    return complain("the target cannot write this kind of file");
  Passes.run(*M);
  Out.keep();
  return true;
}

bool assemble(const std::string &Input, const std::string &ShownName, const std::string &Output,
              const CodeOptions &Options) {
  auto Buffer = MemoryBuffer::getFile(Input, /*IsText*/ true);
  if (!Buffer)
    return complain(Input + ": " + Buffer.getError().message());
  SourceMgr Sources;
  Sources.AddNewSourceBuffer(MemoryBuffer::getMemBufferCopy((*Buffer)->getBuffer(), ShownName), SMLoc());
  const Target &T = target();
  Triple TT(TripleName);
  MCTargetOptions MCOptions;
  std::unique_ptr<MCRegisterInfo> Registers(T.createMCRegInfo(TripleName));
  std::unique_ptr<MCAsmInfo> AsmInfo(T.createMCAsmInfo(*Registers, TripleName, MCOptions));
  std::unique_ptr<MCInstrInfo> Instructions(T.createMCInstrInfo());
  std::unique_ptr<MCSubtargetInfo> Subtarget(T.createMCSubtargetInfo(TripleName, Options.Machine, ""));
  MCContext Context(TT, AsmInfo.get(), Registers.get(), Subtarget.get(), &Sources, &MCOptions);
  std::unique_ptr<MCObjectFileInfo> FileInfo(T.createMCObjectFileInfo(Context, /*PIC*/ false));
  Context.setObjectFileInfo(FileInfo.get());

  std::error_code Code;
  ToolOutputFile Out(Output, Code, sys::fs::OF_None);
  if (Code)
    return complain(Output + ": " + Code.message());
  MCAsmBackend *Backend = T.createMCAsmBackend(*Subtarget, *Registers, MCOptions);
  std::unique_ptr<MCStreamer> Streamer(T.createMCObjectStreamer(
      TT, Context, std::unique_ptr<MCAsmBackend>(Backend), Backend->createObjectWriter(Out.os()),
      std::unique_ptr<MCCodeEmitter>(T.createMCCodeEmitter(*Instructions, Context)), *Subtarget));
  std::unique_ptr<MCAsmParser> Parser(createMCAsmParser(Sources, Context, *Streamer, *AsmInfo));
  std::unique_ptr<MCTargetAsmParser> TargetParser(T.createMCAsmParser(*Subtarget, *Parser, *Instructions, MCOptions));
  Parser->setTargetParser(*TargetParser);
  if (Parser->Run(/*NoInitialTextSection*/ false))
    return false;
  Out.keep();
  return true;
}
