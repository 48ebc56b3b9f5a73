// What the machine-code layer offers to the code generator and the tools.
#pragma once
#include "DukeFixups.h"
#include "llvm/MC/MCFixup.h"
#include "llvm/MC/MCInst.h"
#include "llvm/MC/MCInstrInfo.h"
#include "llvm/MC/MCRegisterInfo.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include <memory>

#define GET_REGINFO_ENUM
#include "DukeGenRegisterInfo.inc"
#define GET_INSTRINFO_ENUM
#define GET_INSTRINFO_MC_HELPER_DECLS
#include "DukeGenInstrInfo.inc"
#define GET_SUBTARGETINFO_ENUM
#include "DukeGenSubtargetInfo.inc"

namespace llvm {
class MCAsmBackend;
class MCCodeEmitter;
class MCContext;
class MCDisassembler;
class MCObjectTargetWriter;
class MCTargetOptions;

Target &getTheDukeTarget();

namespace Duke {
enum Fixups {
  FirstFixup = FirstTargetFixupKind,
  BeforeFirst = FirstFixup - 1,
#define DUKE_FIXUP(name, pcrel, width, shift, ...) fixup_##name,
#include "DukeGenFixups.inc"
#undef DUKE_FIXUP
  LastFixup,
  NumFixups = LastFixup - FirstFixup
};

// MCInst::getFlags(): the op is the last of its bundle.
enum { EndOfBundle = 1 };

// TSFlags, see DukeInstrFormats.td. The order of the units is emit_td.py's.
enum DukeUnit { UnitI, UnitA, UnitM, UnitB, UnitS, UnitF, UnitV, UnitN, UnitX };
inline DukeUnit unitOf(const MCInstrDesc &D) { return DukeUnit(D.TSFlags & 15); }
inline bool isAlone(const MCInstrDesc &D) { return D.TSFlags & 16; }
inline bool isCommit(const MCInstrDesc &D) { return D.TSFlags & 128; }
enum DukeSpace { SpaceNone, SpaceGuest, SpaceNative };
inline DukeSpace spaceOf(const MCInstrDesc &D) { return DukeSpace((D.TSFlags >> 5) & 3); }

// The opcode of the same op with an extension word, for branches whose target is too far; 0 if there is none.
unsigned relaxedOpcode(unsigned Opcode);
} // namespace Duke

MCAsmBackend *createDukeAsmBackend(const Target &, const MCSubtargetInfo &, const MCRegisterInfo &,
                                   const MCTargetOptions &);
MCCodeEmitter *createDukeMCCodeEmitter(const MCInstrInfo &, MCContext &);
MCDisassembler *createDukeDisassembler(const Target &, const MCSubtargetInfo &, MCContext &);
void registerDukeAsmParser();
} // namespace llvm
