// Assembly text to MCInst. Operands are separated by commas; a memory operand is "[ra + rb << scale + imm]" with parts
// left out; " ~" at the end says that the bundle goes on.
#include "DukeBundle.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCExpr.h"
#include "llvm/MC/MCParser/MCAsmLexer.h"
#include "llvm/MC/MCParser/MCParsedAsmOperand.h"
#include "llvm/MC/MCParser/MCTargetAsmParser.h"
#include "llvm/MC/MCStreamer.h"
using namespace llvm;

namespace {
class DukeOperand : public MCParsedAsmOperand {
  enum { Token, Register, Immediate } Kind;
  StringRef Text;
  MCRegister Reg;
  const MCExpr *Expr = nullptr;
  SMLoc Start, End;

public:
  DukeOperand(StringRef Text, SMLoc Start) : Kind(Token), Text(Text), Start(Start), End(Start) {}
  DukeOperand(MCRegister Reg, SMLoc Start, SMLoc End) : Kind(Register), Reg(Reg), Start(Start), End(End) {}
  DukeOperand(const MCExpr *Expr, SMLoc Start, SMLoc End) : Kind(Immediate), Expr(Expr), Start(Start), End(End) {}

  bool isToken() const override { return Kind == Token; }
  bool isReg() const override { return Kind == Register; }
  bool isImm() const override { return Kind == Immediate; }
  bool isMem() const override { return false; }
  MCRegister getReg() const override { return Reg; }
  StringRef getToken() const { return Text; }
  SMLoc getStartLoc() const override { return Start; }
  SMLoc getEndLoc() const override { return End; }
  void print(raw_ostream &OS) const override {
    if (Kind == Token)
      OS << Text;
    else
      OS << (Kind == Register ? "register" : "immediate");
  }

  template <int64_t Lo, int64_t Hi, bool Symbol> bool isImmIn() const {
    int64_t Value;
    if (Kind != Immediate)
      return false;
    if (Expr->evaluateAsAbsolute(Value))
      return Value >= Lo && Value <= Hi;
    return Symbol;
  }
  template <unsigned Bits> bool isTarget() const {
    int64_t Value;
    if (Kind != Immediate)
      return false;
    return !Expr->evaluateAsAbsolute(Value) || (isIntN(Bits, Value) && Value % 4 == 0);
  }
  void addRegOperands(MCInst &MI, unsigned) const { MI.addOperand(MCOperand::createReg(Reg)); }
  void addImmOperands(MCInst &MI, unsigned) const {
    int64_t Value;
    if (Expr->evaluateAsAbsolute(Value))
      MI.addOperand(MCOperand::createImm(Value));
    else
      MI.addOperand(MCOperand::createExpr(Expr));
  }
};

class DukeAsmParser : public MCTargetAsmParser {
  bool BundleGoesOn = false;
  const DukeMachine &Machine;
  DukeBundle Bundle;

  bool checkBundle(SMLoc Loc, const MCInst &MI);

#define GET_ASSEMBLER_HEADER
#include "DukeGenAsmMatcher.inc"

  static MCRegister matchRegister(StringRef Name);

  MCAsmLexer &lexer() { return getParser().getLexer(); }
  void push(OperandVector &Ops, StringRef Token) {
    Ops.push_back(std::make_unique<DukeOperand>(Token, lexer().getLoc()));
  }
  void pushImm(OperandVector &Ops, int64_t Value) {
    const MCExpr *E = MCConstantExpr::create(Value, getContext());
    Ops.push_back(std::make_unique<DukeOperand>(E, lexer().getLoc(), lexer().getLoc()));
  }

  bool parseExpression(OperandVector &Ops) {
    const MCExpr *E;
    SMLoc Start = lexer().getLoc(), End;
    if (getParser().parseExpression(E, End))
      return true;
    Ops.push_back(std::make_unique<DukeOperand>(E, Start, End));
    return false;
  }

  bool parseOperand(OperandVector &Ops) {
    MCRegister Reg;
    SMLoc Start, End;
    if (tryParseRegister(Reg, Start, End).isSuccess()) {
      Ops.push_back(std::make_unique<DukeOperand>(Reg, Start, End));
      return false;
    }
    return parseExpression(Ops);
  }

  // Always pushes the full list of the table's text, so that one pattern of the matcher suits every spelling. Extended
  // says whether the instruction has an index.
  bool parseAddress(OperandVector &Ops, bool Extended) {
    push(Ops, "[");
    lexer().Lex();
    MCRegister Reg;
    SMLoc Start, End;
    if (parseRegister(Reg, Start, End))
      return true;
    Ops.push_back(std::make_unique<DukeOperand>(Reg, Start, End));
    push(Ops, "+");
    MCRegister Index = Duke::R0;
    int64_t Scale = 0;
    SMLoc IndexStart = lexer().getLoc();
    bool More = lexer().is(AsmToken::Plus) || lexer().is(AsmToken::Minus);
    if (lexer().is(AsmToken::Plus))
      lexer().Lex();
    if (More && tryParseRegister(Index, Start, End).isSuccess()) {
      if (!Extended)
        return Error(IndexStart, "an index needs the form with an extension word (.x)");
      if (lexer().is(AsmToken::LessLess)) {
        lexer().Lex();
        if (!lexer().is(AsmToken::Integer))
          return Error(lexer().getLoc(), "expected a scale from 0 to 3");
        Scale = getTok().getIntVal();
        lexer().Lex();
      }
      More = lexer().is(AsmToken::Plus) || lexer().is(AsmToken::Minus);
      if (lexer().is(AsmToken::Plus))
        lexer().Lex();
    } else {
      Index = Duke::R0;
    }
    if (Extended) {
      Ops.push_back(std::make_unique<DukeOperand>(Index, IndexStart, IndexStart));
      push(Ops, "<<");
      pushImm(Ops, Scale);
      push(Ops, "+");
    }
    if (!More)
      pushImm(Ops, 0);
    else if (parseExpression(Ops))
      return true;
    push(Ops, "]");
    return getParser().parseToken(AsmToken::RBrac, "expected ']'");
  }

public:
  enum DukeMatchResultTy {
    Match_Dummy = FIRST_TARGET_MATCH_RESULT_TY,
#define GET_OPERAND_DIAGNOSTIC_TYPES
#include "DukeGenAsmMatcher.inc"
  };

  DukeAsmParser(const MCSubtargetInfo &STI, MCAsmParser &P, const MCInstrInfo &II, const MCTargetOptions &Options)
      : MCTargetAsmParser(Options, STI, II),
        Machine(*findDukeMachine(findDukeMachine(STI.getCPU()) ? STI.getCPU() : "default")), Bundle(Machine) {
    MCAsmParserExtension::Initialize(P);
    P.addAliasForDirective(".half", ".2byte");
    P.addAliasForDirective(".word", ".4byte");
    P.addAliasForDirective(".dword", ".8byte");
    setAvailableFeatures(ComputeAvailableFeatures(STI.getFeatureBits()));
  }

  ParseStatus tryParseRegister(MCRegister &Reg, SMLoc &Start, SMLoc &End) override {
    Start = lexer().getLoc();
    End = getTok().getEndLoc();
    if (lexer().isNot(AsmToken::Identifier))
      return ParseStatus::NoMatch;
    Reg = matchRegister(getTok().getIdentifier());
    if (!Reg)
      return ParseStatus::NoMatch;
    lexer().Lex();
    return ParseStatus::Success;
  }
  bool parseRegister(MCRegister &Reg, SMLoc &Start, SMLoc &End) override {
    return !tryParseRegister(Reg, Start, End).isSuccess() && Error(Start, "expected a register");
  }

  bool ParseInstruction(ParseInstructionInfo &, StringRef Name, SMLoc Loc, OperandVector &Ops) override {
    Ops.push_back(std::make_unique<DukeOperand>(Name, Loc));
    BundleGoesOn = false;
    bool Extended = Name.ends_with(".x") || Name.starts_with("ldp.") || Name.starts_with("stc.");
    while (lexer().isNot(AsmToken::EndOfStatement)) {
      if (lexer().is(AsmToken::Tilde) && lexer().peekTok().is(AsmToken::EndOfStatement)) {
        BundleGoesOn = true;
        lexer().Lex();
        break;
      }
      if (lexer().is(AsmToken::LBrac) ? parseAddress(Ops, Extended) : parseOperand(Ops))
        return true;
      if (lexer().is(AsmToken::Comma))
        lexer().Lex();
      else if (lexer().isNot(AsmToken::EndOfStatement) && lexer().isNot(AsmToken::Tilde))
        return Error(lexer().getLoc(), "expected a comma or the end of the instruction");
    }
    return getParser().parseToken(AsmToken::EndOfStatement, "expected the end of the instruction");
  }

  bool MatchAndEmitInstruction(SMLoc Loc, unsigned &, OperandVector &Ops, MCStreamer &Out, uint64_t &ErrorInfo,
                               bool InlineAsm) override;
  void onEndOfFile() override;
};
} // namespace

#define GET_REGISTER_MATCHER
#define GET_MATCHER_IMPLEMENTATION
#include "DukeGenAsmMatcher.inc"

MCRegister DukeAsmParser::matchRegister(StringRef Name) {
  MCRegister Reg = MatchRegisterName(Name);
  return Reg ? Reg : MatchRegisterAltName(Name);
}

bool DukeAsmParser::checkBundle(SMLoc Loc, const MCInst &MI) {
  const MCInstrDesc &D = MII.get(MI.getOpcode());
  SmallVector<MCRegister, 2> Defs;
  for (unsigned I = 0; I < D.getNumDefs(); I++)
    Defs.push_back(MI.getOperand(I).getReg());
  if (D.isCall())
    Defs.push_back(Duke::R1);
  DukeBundle::Problem P = Bundle.add(D, Defs);
  std::string Text = Bundle.describe(P);
  if (!BundleGoesOn || P != DukeBundle::None)
    Bundle = DukeBundle(Machine);
  return P != DukeBundle::None && Error(Loc, Text);
}

void DukeAsmParser::onEndOfFile() {
  if (!Bundle.empty())
    Error(lexer().getLoc(), "the last bundle does not end");
}

bool DukeAsmParser::MatchAndEmitInstruction(SMLoc Loc, unsigned &, OperandVector &Ops, MCStreamer &Out,
                                            uint64_t &ErrorInfo, bool InlineAsm) {
  MCInst MI;
  unsigned Result = MatchInstructionImpl(Ops, MI, ErrorInfo, InlineAsm);
  switch (Result) {
  case Match_Success:
    MI.setLoc(Loc);
    MI.setFlags(BundleGoesOn ? 0 : Duke::EndOfBundle);
    if (checkBundle(Loc, MI))
      return true;
    Out.emitInstruction(MI, getSTI());
    return false;
  case Match_MnemonicFail:
    return Error(Loc, "unknown instruction");
  case Match_MissingFeature:
    return Error(Loc, "this machine does not have the instruction");
  }
  if (ErrorInfo != ~0ull && ErrorInfo >= Ops.size())
    return Error(Loc, "too few operands");
  SMLoc Where = ErrorInfo == ~0ull ? Loc : Ops[ErrorInfo]->getStartLoc();
  if (const char *Text = getMatchKindDiag(DukeAsmParser::DukeMatchResultTy(Result)))
    return Error(Where, Text);
  return Error(Where, "wrong operand");
}

void llvm::registerDukeAsmParser() { static RegisterMCAsmParser<DukeAsmParser> X(getTheDukeTarget()); }
