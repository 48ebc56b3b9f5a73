// Duke: the VLIW core of Selkirk. Registers, operands, instructions and schedule data are generated from isa-spec
// (DukeGen*.td); this folder adds what the tables cannot say: patterns, the calling convention and pseudo instructions.
include "llvm/Target/Target.td"

def FeatureIndexed : SubtargetFeature<"indexed", "HasIndexed", "true",
    "memory operands may have an index and a scale">;

include "DukeGenRegisters.td"

include "DukeGenSchedule.td"
include "DukeInstrFormats.td"
include "DukeGenInstructions.td"
include "DukePatterns.td"
include "DukeCallingConv.td"

def DukeInstrInfo : InstrInfo { let guessInstructionProperties = 0; }
def DukeAsmParser : AsmParser {
  let ShouldEmitMatchRegisterName = 1;
  let ShouldEmitMatchRegisterAltName = 1;
}
def DukeAsmWriter : AsmWriter {
  string AsmWriterClassName = "InstPrinter";
  bit isMCAsmWriter = 1;
}
def Duke : Target {
  let InstructionSet = DukeInstrInfo;
  let AssemblyParsers = [DukeAsmParser];
  let AssemblyWriters = [DukeAsmWriter];
}
