// Arguments, results, calls, and the builtins: calls to functions named __duke_* become ops.
#include "DukeISelLowering.h"
#include "DukeTargetMachine.h"
#include "llvm/CodeGen/CallingConvLower.h"
#include "llvm/CodeGen/MachineFrameInfo.h"
#include "llvm/CodeGen/MachineRegisterInfo.h"
#include "llvm/CodeGen/SelectionDAG.h"
#include "llvm/IR/DiagnosticInfo.h"
using namespace llvm;
#include "DukeGenCallingConv.inc"

SDValue DukeTargetLowering::LowerFormalArguments(SDValue Chain, CallingConv::ID CC, bool IsVarArg,
                                                 const SmallVectorImpl<ISD::InputArg> &Ins, const SDLoc &DL,
                                                 SelectionDAG &DAG, SmallVectorImpl<SDValue> &InVals) const {
  MachineFunction &MF = DAG.getMachineFunction();
  MachineFrameInfo &Frame = MF.getFrameInfo();
  SmallVector<CCValAssign, 16> Locs;
  CCState State(CC, IsVarArg, MF, Locs, *DAG.getContext());
  State.AnalyzeFormalArguments(Ins, CC_Duke);
  for (unsigned I = 0; I < Locs.size(); I++) {
    CCValAssign &VA = Locs[I];
    SDValue Value;
    if (VA.isRegLoc()) {
      Register Reg = MF.addLiveIn(VA.getLocReg(), &Duke::GPRRegClass);
      Value = DAG.getCopyFromReg(Chain, DL, Reg, MVT::i64);
      if (VA.getLocInfo() == CCValAssign::SExt)
        Value = DAG.getNode(ISD::AssertSext, DL, MVT::i64, Value, DAG.getValueType(VA.getValVT()));
      if (VA.getLocInfo() == CCValAssign::ZExt)
        Value = DAG.getNode(ISD::AssertZext, DL, MVT::i64, Value, DAG.getValueType(VA.getValVT()));
      if (VA.getValVT() != MVT::i64)
        Value = DAG.getNode(ISD::TRUNCATE, DL, VA.getValVT(), Value);
    } else if (Ins[I].Flags.isByVal()) {
      int FI = Frame.CreateFixedObject(std::max(8u, Ins[I].Flags.getByValSize()), VA.getLocMemOffset(), false);
      Value = DAG.getFrameIndex(FI, MVT::i64);
    } else {
      int FI = Frame.CreateFixedObject(8, VA.getLocMemOffset(), true);
      Value =
          DAG.getLoad(MVT::i64, DL, Chain, DAG.getFrameIndex(FI, MVT::i64), MachinePointerInfo::getFixedStack(MF, FI));
      if (VA.getValVT() != MVT::i64)
        Value = DAG.getNode(ISD::TRUNCATE, DL, VA.getValVT(), Value);
    }
    InVals.push_back(Value);
  }
  if (IsVarArg)
    MF.getInfo<DukeFunctionInfo>()->VarArgsFrameIndex = Frame.CreateFixedObject(8, State.getStackSize(), true);
  return Chain;
}

static SDValue extend(SelectionDAG &DAG, const SDLoc &DL, const CCValAssign &VA, SDValue Value) {
  switch (VA.getLocInfo()) {
  case CCValAssign::SExt:
    return DAG.getNode(ISD::SIGN_EXTEND, DL, MVT::i64, Value);
  case CCValAssign::ZExt:
    return DAG.getNode(ISD::ZERO_EXTEND, DL, MVT::i64, Value);
  case CCValAssign::AExt:
    return DAG.getNode(ISD::ANY_EXTEND, DL, MVT::i64, Value);
  default:
    return Value;
  }
}

// Everything must be in registers: the callee returns with our caller's stack pointer.
bool DukeTargetLowering::isTailCall(CallLoweringInfo &CLI, unsigned StackBytes) const {
  const Function &Caller = CLI.DAG.getMachineFunction().getFunction();
  if (StackBytes != 0 || CLI.IsVarArg || Caller.hasStructRetAttr() || Caller.isVarArg())
    return false;
  return none_of(CLI.Outs, [](const ISD::OutputArg &O) { return O.Flags.isByVal() || O.Flags.isSRet(); });
}

bool DukeTargetLowering::mayBeEmittedAsTailCall(const CallInst *CI) const { return CI->isTailCall(); }

SDValue DukeTargetLowering::LowerCall(CallLoweringInfo &CLI, SmallVectorImpl<SDValue> &InVals) const {
  SelectionDAG &DAG = CLI.DAG;
  SDLoc &DL = CLI.DL;
  MachineFunction &MF = DAG.getMachineFunction();
  auto *Global = dyn_cast<GlobalAddressSDNode>(CLI.Callee);
  if (Global && Global->getGlobal()->isDeclaration()) {
    StringRef Name = Global->getGlobal()->getName();
    if (Name.consume_front("__duke_")) {
      CLI.IsTailCall = false;
      return lowerBuiltin(CLI, Name, InVals);
    }
  }

  SmallVector<CCValAssign, 16> Locs;
  CCState State(CLI.CallConv, CLI.IsVarArg, MF, Locs, *DAG.getContext());
  for (unsigned I = 0; I < CLI.Outs.size(); I++) {
    const ISD::OutputArg &O = CLI.Outs[I];
    auto *Assign = O.IsFixed ? CC_Duke : CC_Duke_Variadic;
    if (Assign(I, O.VT, O.VT, CCValAssign::Full, O.Flags, State))
      report_fatal_error("argument of a type that the calling convention does not have");
  }
  unsigned Bytes = unsigned(alignTo(State.getStackSize(), 16));
  CLI.IsTailCall = CLI.IsTailCall && isTailCall(CLI, Bytes);
  if (!CLI.IsTailCall && CLI.CB && CLI.CB->isMustTailCall())
    report_fatal_error("a call marked musttail cannot be one: arguments on the stack");

  SDValue Chain = CLI.Chain;
  if (!CLI.IsTailCall)
    Chain = DAG.getCALLSEQ_START(Chain, Bytes, 0, DL);
  SmallVector<std::pair<Register, SDValue>, 8> Regs;
  SmallVector<SDValue, 8> Stores;
  SDValue SP;
  for (unsigned I = 0; I < Locs.size(); I++) {
    CCValAssign &VA = Locs[I];
    SDValue Value = extend(DAG, DL, VA, CLI.OutVals[I]);
    if (VA.isRegLoc()) {
      Regs.push_back({VA.getLocReg(), Value});
      continue;
    }
    if (!SP)
      SP = DAG.getCopyFromReg(Chain, DL, Duke::R2, MVT::i64);
    SDValue At = DAG.getMemBasePlusOffset(SP, TypeSize::getFixed(VA.getLocMemOffset()), DL);
    ISD::ArgFlagsTy Flags = CLI.Outs[I].Flags;
    if (Flags.isByVal())
      Stores.push_back(DAG.getMemcpy(Chain, DL, At, Value, DAG.getConstant(Flags.getByValSize(), DL, MVT::i64),
                                     Flags.getNonZeroByValAlign(), /*isVol*/ false, /*AlwaysInline*/ true, nullptr,
                                     std::nullopt, MachinePointerInfo(), MachinePointerInfo()));
    else
      Stores.push_back(DAG.getStore(Chain, DL, Value, At, MachinePointerInfo::getStack(MF, VA.getLocMemOffset())));
  }
  if (!Stores.empty())
    Chain = DAG.getNode(ISD::TokenFactor, DL, MVT::Other, Stores);
  SDValue Glue;
  for (auto &[Reg, Value] : Regs) {
    Chain = DAG.getCopyToReg(Chain, DL, Reg, Value, Glue);
    Glue = Chain.getValue(1);
  }

  SDValue Callee = CLI.Callee;
  if (Global)
    Callee = DAG.getTargetGlobalAddress(Global->getGlobal(), DL, MVT::i64, Global->getOffset());
  else if (auto *Symbol = dyn_cast<ExternalSymbolSDNode>(Callee))
    Callee = DAG.getTargetExternalSymbol(Symbol->getSymbol(), MVT::i64);
  SmallVector<SDValue, 12> Ops{Chain, Callee};
  for (auto &[Reg, Value] : Regs)
    Ops.push_back(DAG.getRegister(Reg, MVT::i64));
  Ops.push_back(DAG.getRegisterMask(Subtarget.getRegisterInfo()->getCallPreservedMask(MF, CLI.CallConv)));
  if (Glue)
    Ops.push_back(Glue);
  if (CLI.IsTailCall) {
    MF.getFrameInfo().setHasTailCall();
    return DAG.getNode(DukeISD::TAIL, DL, DAG.getVTList(MVT::Other, MVT::Glue), Ops);
  }
  Chain = DAG.getNode(DukeISD::CALL, DL, DAG.getVTList(MVT::Other, MVT::Glue), Ops);
  Glue = Chain.getValue(1);
  Chain = DAG.getCALLSEQ_END(Chain, Bytes, 0, Glue, DL);
  Glue = Chain.getValue(1);

  SmallVector<CCValAssign, 4> Results;
  CCState ResultState(CLI.CallConv, CLI.IsVarArg, MF, Results, *DAG.getContext());
  ResultState.AnalyzeCallResult(CLI.Ins, RetCC_Duke);
  for (CCValAssign &VA : Results) {
    SDValue Value = DAG.getCopyFromReg(Chain, DL, VA.getLocReg(), MVT::i64, Glue);
    Chain = Value.getValue(1);
    Glue = Value.getValue(2);
    if (VA.getValVT() != MVT::i64)
      Value = DAG.getNode(ISD::TRUNCATE, DL, VA.getValVT(), Value);
    InVals.push_back(Value);
  }
  return Chain;
}

bool DukeTargetLowering::CanLowerReturn(CallingConv::ID CC, MachineFunction &MF, bool IsVarArg,
                                        const SmallVectorImpl<ISD::OutputArg> &Outs, LLVMContext &Context) const {
  SmallVector<CCValAssign, 4> Locs;
  CCState State(CC, IsVarArg, MF, Locs, Context);
  return State.CheckReturn(Outs, RetCC_Duke);
}

SDValue DukeTargetLowering::LowerReturn(SDValue Chain, CallingConv::ID CC, bool IsVarArg,
                                        const SmallVectorImpl<ISD::OutputArg> &Outs,
                                        const SmallVectorImpl<SDValue> &Values, const SDLoc &DL,
                                        SelectionDAG &DAG) const {
  SmallVector<CCValAssign, 4> Locs;
  CCState State(CC, IsVarArg, DAG.getMachineFunction(), Locs, *DAG.getContext());
  State.AnalyzeReturn(Outs, RetCC_Duke);
  SDValue Glue;
  SmallVector<SDValue, 4> Ops{Chain};
  for (unsigned I = 0; I < Locs.size(); I++) {
    Chain = DAG.getCopyToReg(Chain, DL, Locs[I].getLocReg(), extend(DAG, DL, Locs[I], Values[I]), Glue);
    Glue = Chain.getValue(1);
    Ops.push_back(DAG.getRegister(Locs[I].getLocReg(), MVT::i64));
  }
  Ops[0] = Chain;
  if (Glue)
    Ops.push_back(Glue);
  return DAG.getNode(DukeISD::RET, DL, MVT::Other, Ops);
}

// ---------------------------------------------------------------- builtins

namespace {
struct Builtin {
  const char *Name;
  unsigned Reg, Short, Long; // forms; INSTRUCTION_LIST_END if there is none
  bool Pure;
};
const Builtin Builtins[] = {
#define DUKE_BUILTIN(name, reg, short_imm, long_imm, pure) {name, reg, short_imm, long_imm, pure},
#include "DukeGenBuiltins.inc"
#undef DUKE_BUILTIN
};
} // namespace

// The form of a builtin's op that suits its arguments: the shortest one that takes the last argument as an immediate.
static unsigned builtinForm(const Builtin &B, ArrayRef<SDValue> Args) {
  auto *Last = Args.empty() ? nullptr : dyn_cast<ConstantSDNode>(Args.back());
  auto Exists = [](unsigned Opcode) { return Opcode != unsigned(Duke::INSTRUCTION_LIST_END); };
  if (!Exists(B.Reg))
    return B.Short;
  if (Last && Exists(B.Short) && isInt<6>(Last->getSExtValue()))
    return B.Short;
  if (Last && Exists(B.Long) && isInt<35>(Last->getSExtValue()))
    return B.Long;
  return B.Reg;
}

SDValue DukeTargetLowering::lowerBuiltin(CallLoweringInfo &CLI, StringRef Name,
                                         SmallVectorImpl<SDValue> &InVals) const {
  SelectionDAG &DAG = CLI.DAG;
  SDLoc &DL = CLI.DL;
  MachineFunction &MF = DAG.getMachineFunction();
  auto Fail = [&](const Twine &Text) {
    DAG.getContext()->diagnose(
        DiagnosticInfoUnsupported(MF.getFunction(), "__duke_" + Name + ": " + Text, DL.getDebugLoc()));
    for (const ISD::InputArg &In : CLI.Ins)
      InVals.push_back(DAG.getUNDEF(In.VT));
    return CLI.Chain;
  };
  const Builtin *B = find_if(Builtins, [&](const Builtin &B) { return Name == B.Name; });
  if (B == std::end(Builtins))
    return Fail("there is no such builtin");

  SmallVector<SDValue, 6> Args(CLI.OutVals.begin(), CLI.OutVals.end());
  if (Name == "wrcr" && Args.size() == 2)
    std::swap(Args[0], Args[1]); // in C the number comes first
  unsigned Opcode = builtinForm(*B, Args);
  const MCInstrDesc &Desc = Subtarget.getInstrInfo()->get(Opcode);
  unsigned Defs = Desc.getNumDefs();
  if (Args.size() != Desc.getNumOperands() - Defs)
    return Fail("takes " + Twine(Desc.getNumOperands() - Defs) + " arguments");
  if (CLI.Ins.size() > Defs)
    return Fail("has no result");

  SmallVector<SDValue, 6> Ops;
  for (unsigned I = 0; I < Args.size(); I++) {
    if (Desc.operands()[Defs + I].RegClass >= 0) {
      Ops.push_back(DAG.getAnyExtOrTrunc(Args[I], DL, MVT::i64));
      continue;
    }
    auto *C = dyn_cast<ConstantSDNode>(Args[I]);
    if (!C)
      return Fail("argument " + Twine(Name == "wrcr" ? 1 : I + 1) + " must be a constant");
    int64_t Limit = B->Reg == unsigned(Duke::INSTRUCTION_LIST_END) ? 63 : 15;
    if (Opcode == B->Reg || Limit == 63)
      if (C->getSExtValue() < 0 || C->getSExtValue() > Limit)
        return Fail("argument " + Twine(Name == "wrcr" ? 1 : I + 1) + " must be from 0 to " + Twine(Limit));
    Ops.push_back(DAG.getTargetConstant(C->getSExtValue(), DL, MVT::i64));
  }
  if (B->Pure) {
    SDNode *N = DAG.getMachineNode(Opcode, DL, MVT::i64, Ops);
    if (!CLI.Ins.empty())
      InVals.push_back(DAG.getAnyExtOrTrunc(SDValue(N, 0), DL, CLI.Ins[0].VT));
    return CLI.Chain;
  }
  Ops.push_back(CLI.Chain);
  MachineSDNode *N = Defs ? DAG.getMachineNode(Opcode, DL, MVT::i64, MVT::Other, Ops)
                          : DAG.getMachineNode(Opcode, DL, MVT::Other, Ops);
  if (Opcode == Duke::COMMIT_I) // ordered like a store to all of guest memory
    DAG.setNodeMemRefs(N, {MF.getMachineMemOperand(MachinePointerInfo(GuestAddressSpace), MachineMemOperand::MOStore,
                                                   LocationSize::beforeOrAfterPointer(), Align(1))});
  if (Defs && !CLI.Ins.empty())
    InVals.push_back(DAG.getAnyExtOrTrunc(SDValue(N, 0), DL, CLI.Ins[0].VT));
  return SDValue(N, Defs);
}
