"""DukeGen*.td: registers, operands, instructions with encodings, and schedule data for LLVM TableGen; DukeGen*.inc: tables of
fixups, machines and builtins that the code generator and the linker read. Patterns are written by hand in isa-spec/llvm/td.

An instruction is named IDENT_R, IDENT_I or IDENT_X for the forms reg, imm and ext.
"""
import re

from . import opinfo
from .emit_c import write
from .expr import parse_functions

NOTE = "// Generated from isa-spec by isagen. Do not edit.\n"
UNITS = "IAMBSFVNX"            # order of enum DukeUnit in MCTargetDesc
LETTER = {"reg": "R", "imm": "I", "ext": "X"}
# Ops whose second operand counts bits: the six-bit immediate may be written 0..63 as well as -32..31.
COUNT = re.compile(r"rb & (63|31)|ror(32)?\(|shift_count")


# ---------------------------------------------------------------- registers

def role_ranges(abi):
    """(first, last, role) of every row of regs.toml's [abi]."""
    for name, row in abi.items():
        first, _, last = name.replace("r", "").partition("_")
        yield int(first), int(last or first), row["role"]


def emit_registers(spec):
    out = "class DukeReg<bits<6> n, string name, int dwarf, list<string> alt = []> : Register<name, alt> {\n"
    out += '  let Namespace = "Duke";\n  let HWEncoding{5-0} = n;\n  let DwarfNumbers = [dwarf];\n}\n'
    alias = {"ra": "ra", "sp": "sp"}
    order, saved, args, reserved = [], [], [], []
    for first, last, role in role_ranges(spec.regs["abi"]):
        regs = range(first, last + 1)
        for n in regs:
            alt = f', ["{alias[role]}"]' if role in alias else ""
            body = " { let isConstant = 1; }" if role == "zero" else ";"
            out += f'def R{n} : DukeReg<{n}, "r{n}", {n}{alt}>{body}\n'
        order += [(("arg", "temp", "saved").index(role) if role in ("arg", "temp", "saved") else 3, n) for n in regs]
        saved += [n for n in regs if role == "saved"]
        args += [n for n in regs if role == "arg"]
        reserved += [n for n in regs if role in ("zero", "sp", "reserved")]
    out += "".join(f'def F{n} : DukeReg<{n}, "f{n}", {64 + n}>;\n' for n in range(spec.regs["file"]["f"]["count"]))
    def regs(numbers):
        return ", ".join(f"R{n}" for n in numbers)
    # Allocation takes caller-saved registers first.
    out += f'def GPR : RegisterClass<"Duke", [i64], 64, (add {regs(n for _, n in sorted(order))})>;\n'
    out += 'def FPR : RegisterClass<"Duke", [f64], 64, (sequence "F%u", 0, 63)>;\n'
    out += f"defvar DukeArgRegs = [{regs(args)}];\ndefvar DukeRetRegs = [{regs(args[:2])}];\n"
    out += f"defvar DukeCrCycle = {spec.regs['cr']['cycle']['n']};\n"
    out += f"def CSR_Duke : CalleeSavedRegs<(add R1, {regs(saved)})>;\n\n"
    inc = "static const unsigned DukeReservedRegs[] = {" + ", ".join(f"Duke::R{n}" for n in reserved) + "};\n"
    return out, inc


# ---------------------------------------------------------------- operands

class Operands:
    """Immediate operand classes, made as they are asked for."""
    def __init__(self):
        self.defs = {}

    def make(self, name, text):
        self.defs.setdefault(name, text)
        return name

    def imm(self, bits, signed=True, symbol=False, wrap=False):
        kind = ("S" if signed else "U") + "Imm" + ("Sym" if symbol else "Wrap" if wrap else "") + str(bits)
        lo, hi = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        top = (1 << bits) - 1 if wrap else hi
        diag = f"expected an integer from {lo} to {top}" + (" or a symbol" if symbol else "")
        test = f"Imm >= {lo}ll && Imm <= {top}ll"
        lines = [f'def {kind}AsmOperand : AsmOperandClass {{',
                 f'  let Name = "{kind}";',
                 f'  let PredicateMethod = "isImmIn<{lo}ll, {top}ll, {str(symbol).lower()}>";',
                 '  let RenderMethod = "addImmOperands";',
                 f'  let DiagnosticType = "{kind}";',
                 f'  let DiagnosticString = "{diag}";', "}",
                 f"def {kind} : Operand<i64>, ImmLeaf<i64, [{{ return {test}; }}]> {{",
                 f"  let ParserMatchClass = {kind}AsmOperand;",
                 f'  let DecoderMethod = "{"decodeSImm" if signed else "decodeUImm"}<{bits}>";']
        if symbol:
            lines.append(f'  let EncoderMethod = "encodeSymbol<Duke::fixup_imm{bits}>";')
        if wrap:
            lines.append(f'  let PrintMethod = "printWrapped<{bits}>";')
        return self.make(kind, "\n".join(lines + ["}"]))

    def target(self, bits, shift):
        kind = f"Target{bits}"
        text = f"""def {kind}AsmOperand : AsmOperandClass {{
  let Name = "{kind}";
  let PredicateMethod = "isTarget<{bits + shift}>";
  let RenderMethod = "addImmOperands";
  let DiagnosticType = "{kind}";
  let DiagnosticString = "expected a label or a displacement of {bits + shift} bits, a multiple of {1 << shift}";
}}
def {kind} : Operand<OtherVT> {{
  let ParserMatchClass = {kind}AsmOperand;
  let EncoderMethod = "encodeTarget<Duke::fixup_target{bits}>";
  let DecoderMethod = "decodeTarget<{bits}>";
  let PrintMethod = "printTarget";
  let OperandType = "OPERAND_PCREL";
}}"""
        return self.make(kind, text)


# ---------------------------------------------------------------- instructions

def instr_name(op, form):
    return f"{op.ident}_{LETTER[form]}"


def suffix(op, form):
    """As duke_disasm.c: only a form that the mnemonic alone does not tell has one."""
    if len(op.forms) == 1:
        return ""
    return ".x" if form == "ext" else ".i" if form == "imm" and op.fmt.name == "R3" else ""


def piece_rows(bits):
    """(bit of the 64-bit op, width, bit of the value) of an immediate's pieces."""
    offset = sum(b.width for b in bits)
    for b in bits:
        offset -= b.width
        yield b.lo + (32 if b.ext else 0), b.width, offset


class Instructions:
    def __init__(self, spec, functions):
        self.spec, self.functions = spec, functions
        self.operands = Operands()
        self.fixups = {}

    def imm_class(self, op, form, lay):
        if lay.shift:
            self.fixups[f"target{lay.imm_width}"] = (True, lay)
            return self.operands.target(lay.imm_width, lay.shift)
        if form == "ext" and lay.imm_width >= 32:
            self.fixups[f"imm{lay.imm_width}"] = (False, lay)
            return self.operands.imm(lay.imm_width, symbol=True)
        wrap = form == "imm" and op.fmt.name == "R3" and (op.forms == ("imm",) or COUNT.search(op.row.get("sem", "")))
        return self.operands.imm(lay.imm_width, signed=not lay.unsigned, wrap=bool(wrap))

    def operand_list(self, op, form, lay):
        """(field, TableGen class) in the order of the assembly text; and the text."""
        reads = opinfo.reads(op, self.functions)
        files = dict(zip(("rd", "ra", "rb", "rc"), op.files))
        def reg(name):
            return name, "FPR" if files[name] == "f" else "GPR"
        out, text = [], []
        def add(pair):
            out.append(pair)
            text.append(f"${pair[0]}")
        if op.fmt.name == "BF":
            add(("cc", self.operands.imm(4, signed=False)))
        if opinfo.writes_rd(op) or "rd" in reads:
            add(reg("rd"))
        if op.kind in ("load", "store"):
            out.append(reg("ra"))
            if "rb" in lay.fields:
                out += [reg("rb"), ("scale", self.operands.imm(2, signed=False))]
            out.append(("imm", self.imm_class(op, form, lay)))
            text.append("[$ra + $rb << $scale + $imm]" if "rb" in lay.fields else "[$ra + $imm]")
            if "entry" in lay.fields:
                add(("entry", self.operands.imm(lay.fields["entry"].width, signed=False)))
            if lay.mask:
                add(("mask", self.operands.imm(sum(b.width for b in lay.mask), signed=False)))
            return out, text
        for name in ("ra", "rb", "rc"):
            if name in reads and name in lay.fields:
                add(reg(name))
        if op.fmt.name == "R4X" and "cc" in op.row.get("sem", ""):
            add(("cc", self.operands.imm(lay.fields["cc"].width, signed=False)))
        if lay.imm:
            add(("imm", self.imm_class(op, form, lay)))
        return out, text

    @staticmethod
    def properties(op, form):
        flags = {"mayLoad": op.kind == "load", "mayStore": op.kind in ("store", "commit"),
                 "isBranch": op.kind in ("branch", "jump", "jump_reg"), "isCall": op.kind in ("call", "call_reg"),
                 "isTerminator": op.kind in ("branch", "jump", "jump_reg", "ret"),
                 "isBarrier": op.kind in ("jump", "jump_reg", "ret"), "isIndirectBranch": op.kind == "jump_reg",
                 "isReturn": op.kind == "ret", "isCommutable": bool(op.row.get("commutes")) and form == "reg",
                 "isMoveImm": op.fmt.name == "LI",
                 "isReMaterializable": op.fmt.name == "LI" or op.name == "addi",
                 "isAsCheapAsAMove": op.fmt.name == "LI" or op.name == "addi",
                 "hasSideEffects": op.unit == "S" or op.kind in ("jitc", "jras", "ras_push", "alias_clear", "chks", "cat")
                 or op.row.get("spec", "no") != "no"}
        return " ".join(f"let {k} = 1;" for k, v in flags.items() if v)

    def encoding(self, op, form, lay, operands):
        used = {name for name, _ in operands}
        lines = [f"  let Inst{{30-24}} = {op.opcode + (1 if form == 'imm' and op.fmt.name == 'R3' else 0):#x};"]
        if lay.words == 2:
            lines.append("  let Inst{62-61} = 3;")
        for name, b in lay.fields.items():
            at = b.lo + (32 if b.ext else 0)
            span = f"  let Inst{{{at + b.width - 1}-{at}}} = "
            if name in used:
                lines += [f"  bits<{b.width}> {name};", span + f"{name};"]
            else:
                lines.append(span + f"{op.fn if name == 'fn' else 0};")
        for name, bits in (("imm", lay.imm), ("mask", lay.mask)):
            if not bits:
                continue
            if name in used:
                lines.append(f"  bits<{sum(b.width for b in bits)}> {name};")
            for at, width, offset in piece_rows(bits):
                value = f"{name}{{{offset + width - 1}-{offset}}}" if name in used else "0"
                lines.append(f"  let Inst{{{at + width - 1}-{at}}} = {value};")
        return "\n".join(lines)

    def instruction(self, op, form):
        lay = opinfo.layout(self.spec.formats, op.fmt, form)
        operands, text = self.operand_list(op, form, lay)
        outs = [f"{cls}:${n}" for n, cls in operands if n == "rd" and opinfo.writes_rd(op)]
        ins = [f"{cls}:${n}" for n, cls in operands if not (n == "rd" and opinfo.writes_rd(op))]
        asm = op.name + suffix(op, form) + ("\\t" + ", ".join(text) if text else "")
        space = {"guest": 1, "native": 2}.get(op.row.get("space"), 0)
        body = [self.encoding(op, form, lay, operands), f"  let Unit = {UNITS.index(op.unit)};",
                f"  {self.properties(op, form)}"]
        if op.row.get("alone"):
            body.append("  let Alone = 1;")
        if op.kind == "commit":
            body.append("  let Commit = 1;")
        if space:
            body.append(f"  let Space = {space};")
        if op.kind in ("call", "call_reg"):
            body.append("  let Defs = [R1]; let Uses = [R2];")
        return (f'def {instr_name(op, form)} : DukeInst{32 * lay.words}<(outs {", ".join(outs)}), (ins {", ".join(ins)}),\n'
                f'    "{asm}", {itinerary(op)}> {{\n' + "\n".join(b for b in body if b.strip()) + "\n}\n")

    def emit(self):
        text = "".join(self.instruction(op, form) for op in self.spec.ops for form in op.forms)
        return "\n".join(self.operands.defs.values()) + "\n\n" + text

    def emit_fixups(self):
        """DUKE_FIXUP(name, pc-relative, width, shift, pieces of {bit of the op, width, bit of the value})."""
        out = ""
        for name, (pcrel, lay) in sorted(self.fixups.items()):
            pieces = ", ".join(f"{{{at}, {width}, {offset}}}" for at, width, offset in piece_rows(lay.imm))
            out += f"DUKE_FIXUP({name}, {str(pcrel).lower()}, {lay.imm_width}, {lay.shift}, {{{pieces}}})\n"
        return out


# ---------------------------------------------------------------- schedule

def itinerary(op):
    if op.unit in "BSN":
        return f"II_{op.unit}"
    return f"II_{op.unit}_{'store' if op.kind == 'store' else op.row['lat']}"


def emit_schedule(spec, machines):
    classes = sorted({(itinerary(op), op.unit, None if op.kind == "store" else op.row.get("lat")) for op in spec.ops},
                     key=lambda c: c[0])
    out = "".join(f"def {n} : FuncUnit;\n" for n in ("M0", "M1", "A0", "A1", "B0", "N0"))
    out += "".join(f"def {c} : InstrItinClass;\n" for c, _, _ in classes) + "def II_pseudo : InstrItinClass;\n"
    for m in machines.values():
        lanes = m.table["lanes"]
        mem = [f"M{i}" for i in range(lanes["m"])]
        alu = [f"A{i}" for i in range(lanes["a"])]
        units = {"I": (mem if lanes["m_does_int"] else []) + alu, "M": mem, "B": ["B0"], "S": ["B0"], "N": ["N0"], "X": ["A0"]}
        rows = []
        for name, unit, lat in classes:
            cycles = m.table["latency"][lat] if lat else 1
            rows.append(f'  InstrItinData<{name}, [InstrStage<1, [{", ".join(units.get(unit, alu))}]>], '
                        f'[{cycles}, 1, 1, 1, 1, 1]>')
        ident = m.name.capitalize()
        width = lanes["m"] + lanes["a"] + lanes["b"]
        out += f'def {ident}Itineraries : ProcessorItineraries<[M0, M1, A0, A1, B0, N0], [], [\n' + ",\n".join(rows) + "\n]>;\n"
        out += (f"def {ident}Model : SchedMachineModel {{\n  let Itineraries = {ident}Itineraries;\n"
                f"  let IssueWidth = {width};\n  let LoadLatency = {m.table['latency']['load']};\n"
                f"  let MispredictPenalty = {m.table['latency']['branch_mispredict']};\n"
                "  let CompleteModel = 0;\n  let PostRAScheduler = 1;\n}\n")
        features = "[FeatureIndexed]" if lanes["address_modes"] else "[]"
        out += f'def : ProcessorModel<"{m.name}", {ident}Model, {features}>;\n'
    return out


def emit_machines(spec, machines):
    """DUKE_MACHINE(name, lanes_m, lanes_a, lanes_b, m_does_int, max_words)."""
    words = spec.hazards["bundle"]["max_words"]
    return "".join(f'DUKE_MACHINE("{m.name}", {t["m"]}, {t["a"]}, {t["b"]}, {str(t["m_does_int"]).lower()}, {words})\n'
                   for m in machines.values() for t in (m.table["lanes"],))


# ---------------------------------------------------------------- builtins

def emit_builtins(spec, functions):
    """DUKE_BUILTIN(C name after __duke_, register form, short immediate form, long immediate form, pure).

    A form that does not exist is INSTRUCTION_LIST_END. Arguments are the operands in the order of the assembly text.
    """
    out = ""
    for op in spec.ops:
        pure = op.kind == "alu" and op.unit in "IA" and op.fmt.name in ("R3", "R4", "R4X")
        if not (pure or op.unit == "S" or op.kind in ("commit", "alias_clear", "chks")):
            continue
        names = [f"Duke::{instr_name(op, f)}" if f in op.forms else "Duke::INSTRUCTION_LIST_END" for f in opinfo.FORMS]
        if op.fmt.name == "R4X":
            names = [names[2], names[1], names[1]]
        out += f'DUKE_BUILTIN("{op.ident.lower()}", {", ".join(names)}, {str(pure).lower()})\n'
    return out


def emit(spec, machines, machine, outdir):
    functions = parse_functions(spec.functions, f"{spec.root}/duke/functions.sem")
    registers, reserved = emit_registers(spec)
    instructions = Instructions(spec, functions)
    schedule = emit_schedule(spec, machines)
    write(outdir / "DukeGenRegisters.td", NOTE + registers)
    write(outdir / "DukeGenSchedule.td", NOTE + schedule)
    write(outdir / "DukeGenInstructions.td", NOTE + instructions.emit())
    write(outdir / "DukeGenReserved.inc", NOTE + reserved)
    write(outdir / "DukeGenFixups.inc", NOTE + instructions.emit_fixups())
    write(outdir / "DukeGenMachines.inc", NOTE + emit_machines(spec, machines))
    write(outdir / "DukeGenBuiltins.inc", NOTE + emit_builtins(spec, functions))
