// What all instructions share. The end-of-bundle bit (bit 31 of the last word) is not a field: the encoder sets it from the
// MCInst's flags.
class DukeInst<dag outs, dag ins, string asm, InstrItinClass itin> : Instruction {
  let Namespace = "Duke";
  let OutOperandList = outs;
  let InOperandList = ins;
  let AsmString = asm;
  let Itinerary = itin;
  let hasSideEffects = 0;
  let mayLoad = 0;
  let mayStore = 0;
  bits<4> Unit = 7;  // enum DukeUnit
  bit Alone = 0;     // the only op of its bundle
  bits<2> Space = 0; // memory ops: 1 guest, 2 native
  let TSFlags{3-0} = Unit;
  let TSFlags{4} = Alone;
  let TSFlags{6-5} = Space;
  bit Commit = 0;
  let TSFlags{7} = Commit;
}

class DukeInst32<dag outs, dag ins, string asm, InstrItinClass itin> : DukeInst<outs, ins, asm, itin> {
  let Size = 4;
  field bits<32> Inst;
  field bits<32> SoftFail = 0;
  let DecoderNamespace = "Duke32";
  let Inst{31} = 0;
}

// An op with its extension word, which is the upper half.
class DukeInst64<dag outs, dag ins, string asm, InstrItinClass itin> : DukeInst<outs, ins, asm, itin> {
  let Size = 8;
  field bits<64> Inst;
  field bits<64> SoftFail = 0;
  let DecoderNamespace = "Duke64";
  let Inst{31} = 0;
  let Inst{63} = 0;
}

class DukePseudo<dag outs, dag ins, list<dag> pattern = []> : DukeInst<outs, ins, "", II_pseudo> {
  let isPseudo = 1;
  let isCodeGenOnly = 1;
  let Pattern = pattern;
  let Size = 4;
}
