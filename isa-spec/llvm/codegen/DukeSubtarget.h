#pragma once
#include "DukeBundle.h"
#include "DukeFrameLowering.h"
#include "DukeISelLowering.h"
#include "DukeInstrInfo.h"
#include "llvm/CodeGen/SelectionDAGTargetInfo.h"
#include "llvm/CodeGen/TargetSubtargetInfo.h"
#define GET_SUBTARGETINFO_HEADER
#include "DukeGenSubtargetInfo.inc"

namespace llvm {
class DukeSubtarget : public DukeGenSubtargetInfo {
  bool HasIndexed = false;
  const DukeMachine *Machine;
  DukeInstrInfo InstrInfo;
  DukeFrameLowering FrameLowering;
  DukeTargetLowering Lowering;
  SelectionDAGTargetInfo SelectionInfo;
  InstrItineraryData Itineraries;

  DukeSubtarget &initialize(StringRef CPU);

public:
  DukeSubtarget(const Triple &TT, StringRef CPU, const TargetMachine &TM);
  void ParseSubtargetFeatures(StringRef CPU, StringRef TuneCPU, StringRef FS);

  const DukeMachine &machine() const { return *Machine; }
  bool hasIndexed() const { return HasIndexed; }
  const DukeInstrInfo *getInstrInfo() const override { return &InstrInfo; }
  const DukeFrameLowering *getFrameLowering() const override { return &FrameLowering; }
  const DukeTargetLowering *getTargetLowering() const override { return &Lowering; }
  const DukeRegisterInfo *getRegisterInfo() const override { return &InstrInfo.getRegisterInfo(); }
  const SelectionDAGTargetInfo *getSelectionDAGInfo() const override { return &SelectionInfo; }
  const InstrItineraryData *getInstrItineraryData() const override { return &Itineraries; }
  bool enableMachineScheduler() const override { return true; }
  bool enablePostRAScheduler() const override { return false; }
  bool enableEarlyIfConversion() const override { return true; }
  bool useAA() const override { return true; }
};
} // namespace llvm
