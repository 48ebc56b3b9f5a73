// The target machine: data layout, pass pipeline, cost model, registration.
#include "DukeTargetMachine.h"
#include "Duke.h"
#include "llvm/CodeGen/BasicTTIImpl.h"
#include "llvm/CodeGen/DFAPacketizer.h"
#include "llvm/CodeGen/MachineScheduler.h"
#include "llvm/CodeGen/Passes.h"
#include "llvm/CodeGen/TargetLoweringObjectFileImpl.h"
#include "llvm/CodeGen/TargetPassConfig.h"
#include "llvm/CodeGen/VLIWMachineScheduler.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Transforms/Scalar.h"
#define GET_SUBTARGETINFO_TARGET_DESC
#define GET_SUBTARGETINFO_CTOR
#include "DukeGenSubtargetInfo.inc"
using namespace llvm;
#include "DukeGenDFAPacketizer.inc"

static cl::opt<bool> GenericPreSched("duke-generic-presched", cl::Hidden, cl::init(false),
                                     cl::desc("Schedule before register allocation with LLVM's generic scheduler"));

// Names that a front end for another target made up are taken for the default machine.
static StringRef machineName(StringRef CPU) { return findDukeMachine(CPU) ? CPU : StringRef("default"); }

DukeSubtarget &DukeSubtarget::initialize(StringRef CPU) {
  ParseSubtargetFeatures(CPU, CPU, "");
  Machine = findDukeMachine(CPU);
  return *this;
}

DukeSubtarget::DukeSubtarget(const Triple &TT, StringRef CPU, const TargetMachine &TM)
    : DukeGenSubtargetInfo(TT, CPU, CPU, ""), Lowering(TM, initialize(CPU)) {
  Itineraries = getInstrItineraryForCPU(CPU);
}

// RISC-V's lp64 layout, so that IR of clang's riscv64 front end is exact.
static const char Layout[] = "e-m:e-p:64:64-i64:64-i128:128-n32:64-S128";

DukeTargetMachine::DukeTargetMachine(const Target &T, const Triple &TT, StringRef CPU, StringRef,
                                     const TargetOptions &Options, std::optional<Reloc::Model>,
                                     std::optional<CodeModel::Model> CM, CodeGenOptLevel Level, bool)
    : LLVMTargetMachine(T, Layout, TT, machineName(CPU), "", Options, Reloc::Static,
                        getEffectiveCodeModel(CM, CodeModel::Small), Level),
      ObjectFile(std::make_unique<TargetLoweringObjectFileELF>()), Subtarget(TT, machineName(CPU), *this) {
  initAsmInfo();
}

MachineFunctionInfo *DukeTargetMachine::createMachineFunctionInfo(BumpPtrAllocator &A, const Function &F,
                                                                  const TargetSubtargetInfo *STI) const {
  return DukeFunctionInfo::create<DukeFunctionInfo>(A, F, STI);
}

namespace {
class DukeTTI : public BasicTTIImplBase<DukeTTI> {
  using Base = BasicTTIImplBase<DukeTTI>;
  friend Base;
  const DukeSubtarget *ST;
  const DukeTargetLowering *TLI;
  const DukeSubtarget *getST() const { return ST; }
  const DukeTargetLowering *getTLI() const { return TLI; }

public:
  DukeTTI(const DukeTargetMachine *TM, const Function &F)
      : Base(TM, F.getDataLayout()), ST(TM->getSubtargetImpl()), TLI(ST->getTargetLowering()) {}

  unsigned getNumberOfRegisters(unsigned Class) const { return Class == 0 ? 34 : 0; }
  TypeSize getRegisterBitWidth(TargetTransformInfo::RegisterKind K) const {
    return TypeSize::getFixed(K == TargetTransformInfo::RGK_Scalar ? 64 : 0);
  }
  unsigned getMaxInterleaveFactor(ElementCount) { return 1; }
  TargetTransformInfo::PopcntSupportKind getPopcntSupport(unsigned) { return TargetTransformInfo::PSK_FastHardware; }
  // Short loops leave lanes empty: unroll more than the default, but mind the 32 KiB of L1I.
  void getUnrollingPreferences(Loop *, ScalarEvolution &, TargetTransformInfo::UnrollingPreferences &UP,
                               OptimizationRemarkEmitter *) {
    UP.Partial = UP.Runtime = UP.UpperBound = true;
    UP.PartialThreshold = 120;
    UP.Threshold = 200;
    UP.DefaultUnrollRuntimeCount = 4;
  }
};

struct DukePassConfig : TargetPassConfig {
  DukePassConfig(LLVMTargetMachine &TM, PassManagerBase &PM) : TargetPassConfig(TM, PM) {}
  DukeTargetMachine &machine() const { return getTM<DukeTargetMachine>(); }

  ScheduleDAGInstrs *createMachineScheduler(MachineSchedContext *C) const override {
    if (GenericPreSched)
      return nullptr;
    auto *Scheduler = new VLIWMachineScheduler(C, std::make_unique<ConvergingVLIWScheduler>());
    Scheduler->addMutation(createDukeLoadOrder(C->AA));
    return Scheduler;
  }
  void addIRPasses() override {
    addPass(createAtomicExpandLegacyPass());
    TargetPassConfig::addIRPasses();
  }
  bool addInstSelector() override {
    addPass(createDukeISelDag(machine(), getOptLevel()));
    return false;
  }
  bool addILPOpts() override {
    addPass(&EarlyIfConverterID);
    return true;
  }
  void addPreEmitPass() override {
    if (getOptLevel() != CodeGenOptLevel::None)
      addPass(createDukePacketizer());
  }
};
} // namespace

TargetPassConfig *DukeTargetMachine::createPassConfig(PassManagerBase &PM) { return new DukePassConfig(*this, PM); }

TargetTransformInfo DukeTargetMachine::getTargetTransformInfo(const Function &F) const {
  return TargetTransformInfo(DukeTTI(this, F));
}

void registerDukeMC();

extern "C" void LLVMInitializeDukeTarget() {
  static bool Done = false;
  if (Done)
    return;
  Done = true;
  registerDukeMC();
  registerDukeAsmPrinter();
  static RegisterTargetMachine<DukeTargetMachine> X(getTheDukeTarget());
}

// Loading the plugin is enough: -load, -fplugin= or LD_PRELOAD.
namespace {
struct Registration {
  Registration() { LLVMInitializeDukeTarget(); }
} Register;
} // namespace
