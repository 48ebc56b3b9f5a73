"""duke_isa_pkg.sv: what the RTL takes from the tables: machine parameters, codes, the decode ROM, immediates and isa_eval.

Decoding is two look-ups. DUKE_OPCODES[opcode] says whether a function field follows and where the opcode's rows start in
DUKE_ROWS; a row (duke_row_t) is everything the core wants to know of an op. Ops of units that the machine lacks have no row.
"""
from . import opinfo
from .expr import SvBackend, parse_functions
from .load import SpecError

UNITS = ("I", "A", "M", "B", "S", "N", "F", "V", "X")
SPECS = ("no", "speculative", "protect", "check")

# Fields of a row, most significant first: name, width, doc.
ROW = (
    ("legal", 1, "an op of this machine"),
    ("unit", 4, "UNIT_*"),
    ("kind", 5, "KIND_*"),
    ("code", 7, "ALU_*, MD_*, BR_*, FP_*, VEC_* or X_*: what the unit does"),
    ("fmt", 4, "FMT_*"),
    ("forms", 3, "bit 0 register form, bit 1 short immediate, bit 2 extension word"),
    ("reads_ra", 1, ""), ("reads_rb", 1, ""), ("reads_rc", 1, ""), ("reads_rd", 1, "a store's data"),
    ("writes_rd", 1, ""), ("rd_f", 1, "rd is of file f"),
    ("ra_f", 1, ""), ("rb_f", 1, ""), ("rc_f", 1, ""),
    ("late", 1, "the result is not there at the end of X; that of an iterative divide of unit A is"),
    ("alone", 1, "the only op of its bundle"),
    ("size", 2, "memory ops: log2 of the bytes"),
    ("sign", 1, "sign-extending load"),
    ("spec", 2, "SPEC_*"),
    ("guest", 1, "guest space"),
)
OPCODE = (("fn", 2, "0 no function field, 1 in the first word, 2 in the extension word"),
          ("imm", 1, "short-immediate twin of an R3 opcode"),
          ("base", 10, "first row; all zeros is the illegal row"))


def pack(fields, values):
    word = 0
    for name, width, _ in fields:
        value = values.get(name, 0)
        assert 0 <= value < 1 << width, (name, value)
        word = word << width | value
    return word


def width_of(fields):
    return sum(w for _, w, _ in fields)


def struct(name, fields):
    rows = "".join(f"  logic {f'[{w - 1}:0] ' if w > 1 else ''}{n};{'  // ' + d if d else ''}\n" for n, w, d in fields)
    return f"typedef struct packed {{\n{rows}}} {name};\n\n"


def params(prefix, pairs, width):
    return "".join(f"localparam logic [{width - 1}:0] {prefix}{n.upper()} = {width}'d{v};\n" for n, v in pairs) + "\n"


def codes(spec):
    """Dense codes of the ops of units I, A, F, V and X and of the conditional branches; RI ops share the code of a like R3 op."""
    out = {"I": {}, "A": {}, "F": {}, "V": {}, "X": {}, "branch": {}}
    by_sem = {}
    for op in sorted(spec.ops, key=lambda o: o.fmt.name != "R3"):
        group = op.kind if op.kind == "branch" else op.unit
        if group not in out:
            continue
        sem = op.row["sem"].replace("imm", "rb") if op.fmt.name in ("RI", "LI") else op.row["sem"]
        shared = by_sem.get((group, sem))
        out[group][op.ident] = out[group][shared] if shared else len(set(out[group].values()))
        by_sem.setdefault((group, sem), op.ident)
    return out


def row_of(op, code, functions, kinds, fmts):
    reads = opinfo.reads(op, functions)
    group = op.kind if op.kind == "branch" else op.unit
    forms = sum(1 << opinfo.FORMS.index(f) for f in op.forms)
    row = {"legal": 1, "unit": UNITS.index(op.unit), "kind": kinds.index(op.kind), "fmt": fmts.index(op.fmt.name),
           "code": code.get(group, {}).get(op.ident, 0), "forms": forms,
           "writes_rd": opinfo.writes_rd(op), "rd_f": op.files[0] == "f", "alone": bool(op.row.get("alone")),
           "sign": bool(op.row.get("signed")), "guest": op.row.get("space") == "guest",
           "spec": SPECS.index(op.row.get("spec", "no")), "size": (op.row.get("size", 8) // 8).bit_length() - 1}
    quick = {"A": "div", "F": "int", "V": "vec", "X": "int"}  # latency of a unit's ops whose result is there at the end of X
    row["late"] = op.kind in ("load", "rdcr") or op.kind == "alu" and op.unit in quick and op.row["lat"] != quick[op.unit]
    row |= {f"{r}_f": f == "f" for r, f in zip(("ra", "rb", "rc"), op.files[1:])}
    row |= {f"reads_{r}": r in reads for r in ("ra", "rb", "rc", "rd")}
    return pack(ROW, {k: int(v) for k, v in row.items()})


def present(op, machine):
    units = machine.table["units"]
    key = {"F": "fp", "V": "vec", "X": "x87"}.get(op.unit)
    return key is None or units[key]


def rom(spec, machine, functions, code, kinds, fmts):
    """(opcode words, row words)"""
    rows, opcodes = [0], [pack(OPCODE, {})] * 128
    for op in spec.ops:
        if not present(op, machine):
            continue
        word = row_of(op, code, functions, kinds, fmts)
        if op.fn is None:
            opcodes[op.opcode] = pack(OPCODE, {"base": len(rows)})
            rows.append(word)
    for opcode in sorted({op.opcode for op in spec.ops if op.fn is not None}):
        ops = [op for op in spec.ops if op.opcode == opcode and present(op, machine)]
        if not ops:
            continue
        base = len(rows)
        rows += [0] * 64
        for op in ops:
            rows[base + op.fn] = row_of(op, code, functions, kinds, fmts)
        where = 2 if ops[0].fmt.name == "R4X" else 1
        opcodes[opcode] = pack(OPCODE, {"fn": where, "base": base})
        if any("imm" in op.forms for op in ops) and ops[0].fmt.name == "R3":
            opcodes[opcode + 1] = pack(OPCODE, {"fn": where, "imm": 1, "base": base})
    rows += [0] * (513 - len(rows))  # so many that the decoder's index is not wider than the table's
    return opcodes, rows


def table(name, width, words):
    rows = [f"{width}'h{w:x}" for w in words]
    lines = [", ".join(rows[i:i + 8]) for i in range(0, len(rows), 8)]
    return f"localparam logic [{width - 1}:0] {name} [{len(rows)}] = '{{\n  " + ",\n  ".join(lines) + "};\n\n"


def immediates(spec):
    """duke_imm: the immediate of an op, by format and form."""
    out = ("function automatic logic [63:0] duke_imm(input logic [3:0] fmt, input logic [1:0] form, input logic [31:0] w0,\n"
           "                                         input logic [31:0] w1);\n"
           "  logic [63:0] v;\n  v = '0;\n  case ({fmt, form})\n")
    for fmt in spec.formats.values():
        if fmt.name == "R3I":
            continue
        for form, lay in opinfo.layouts_of(spec.formats, fmt):
            if not lay.imm:
                continue
            bits = ", ".join(f"{'w1' if b.ext else 'w0'}[{b.hi}:{b.lo}]" for b in lay.imm)
            bits = f"{{{bits}}}" if len(lay.imm) > 1 else bits
            low = f", {lay.shift}'b0" if lay.shift else ""
            top = f"{'w1' if lay.imm[0].ext else 'w0'}[{lay.imm[0].hi}]"
            fill = "1'b0" if lay.unsigned else top
            up = 64 - lay.imm_width - lay.shift
            out += f"    {{FMT_{fmt.name}, FORM_{form.upper()}}}: v = {{{{{up}{{{fill}}}}}, {bits}{low}}};\n"
    out += "    default: v = '0;\n  endcase\n  return v;\nendfunction\n\n"
    mask = next(f.mask for f in spec.formats.values() if f.mask)
    bits = ", ".join(f"{'w1' if b.ext else 'w0'}[{b.hi}:{b.lo}]" for b in mask)
    out += ("function automatic logic [15:0] duke_mask(input logic [31:0] w0, input logic [31:0] w1);\n"
            f"  return {{{bits}}};\nendfunction\n\n")
    return out


def field_params(spec):
    """Places of the register fields, which every format that has them shares."""
    out = ""
    places = {}
    for fmt in spec.formats.values():
        for name, b in (fmt.fields | fmt.ext_fields).items():
            if name in ("zero", "imm"):
                continue
            places.setdefault((fmt.name, name), b)
    wanted = {"R4": ("rd", "ra", "rb", "rc"), "BC": ("ra", "rb"), "BF": ("ra", "cc"), "R3": ("fn",), "R4X": ("fn", "cc"),
              "MEM": ("rb", "scale"), "MEMP": ("scale", "entry")}
    for fmt, names in wanted.items():
        for name in names:
            b = places[fmt, name]
            out += f"localparam int F_{fmt}_{name.upper()} = {b.lo};\n"
    # The decoder reads rd, ra and rb at one place in all formats but BC and BF.
    for fmt in spec.formats.values():
        for name in ("rd", "ra", "rb"):
            b = fmt.fields.get(name)
            if b and fmt.name not in ("BC", "BF") and b != places["R4", name]:
                raise SpecError(f"format {fmt.name}: {name} must lie where R4 has it; the RTL's decoder relies on it")
    return out + "\n"


def evaluators(spec, functions, code):
    """isa_eval_<group>: the naive statement of each op's result, for the checkers in rtl/sva."""
    sv = SvBackend()
    out = sv.prelude() + "".join(sv.function(f) for f in functions.values())
    for group, prefix in (("I", "ALU_"), ("A", "MD_"), ("branch", "BR_")):
        out += (f"\nfunction automatic logic [63:0] isa_eval_{group.lower()}(input logic [6:0] code, input logic [63:0] ra,\n"
                "    input logic [63:0] rb, input logic [63:0] rc, input logic [63:0] cc);\n"
                "  logic unused;\n  unused = ^{ra, rb, rc, cc};\n  case (code)\n")
        done = set()
        for op in spec.ops:
            if (op.kind if op.kind == "branch" else op.unit) != group or code[group][op.ident] in done:
                continue
            done.add(code[group][op.ident])
            text = sv.expr(opinfo.sem_tree(op, functions), {"imm": "rb"})
            out += f"    {prefix}{op.ident}: return {text};\n"
        out += "    default: return 64'd0;\n  endcase\nendfunction\n"
    return out + "\n"


def machine_params(machine):
    t = machine.table
    out = f"// Machine {machine.name}: {t['machine']['doc']}\n"
    out += f"localparam int MACHINE_ID = {t['machine']['id']};\n"
    for group in ("lanes", "units", "latency", "caches", "tlb", "spec", "predict"):
        for key, value in t[group].items():
            out += f"localparam {'bit' if isinstance(value, bool) else 'int'} {group.upper()}_{key.upper()} = "
            out += (f"1'b{int(value)}" if isinstance(value, bool) else str(value)) + ";\n"
    return out + "\n"


def emit(spec, machines, machine, out):
    functions = parse_functions(spec.functions, "functions.sem")
    code = codes(spec)
    kinds = sorted({op.kind for op in spec.ops})
    fmts = list(spec.formats)
    opcodes, rows = rom(spec, machine, functions, code, kinds, fmts)
    text = "// Generated from isa-spec by isagen. Do not edit.\npackage duke_isa_pkg;\n\n"
    text += machine_params(machine)
    text += params("UNIT_", [(u, i) for i, u in enumerate(UNITS)], 4)
    text += params("KIND_", [(k, i) for i, k in enumerate(kinds)], 5)
    text += params("FMT_", [(f, i) for i, f in enumerate(fmts)], 4)
    text += params("FORM_", [(f, i) for i, f in enumerate(opinfo.FORMS)], 2)
    text += params("SPEC_", [(s, i) for i, s in enumerate(SPECS)], 2)
    text += params("TRAP_", [(n, r["n"]) for n, r in spec.traps["cause"].items()], 5)
    text += params("CR_", [(n, r["n"]) for n, r in spec.regs["cr"].items()], 6)
    text += params("CAT_", [(n, r["n"]) for n, r in spec.events["category"].items()], 4)
    text += params("REASON_", [(n, r["n"]) for n, r in spec.events["reason"].items()], 3)
    text += params("EV_", [(n, i) for i, n in enumerate(spec.events["event"])], 5)
    text += f"localparam int EVENTS = {len(spec.events['event'])};\n"
    text += f"localparam int MAX_WORDS = {spec.hazards['bundle']['max_words']};\n"
    for prefix, group in (("ALU_", "I"), ("MD_", "A"), ("BR_", "branch"), ("FP_", "F"), ("VEC_", "V"), ("X_", "X")):
        text += params(prefix, code[group].items(), 7)
    writes_e = sum(1 << code["X"][op.ident] for op in spec.ops if op.row.get("e"))
    text += f"// By code: ops of unit X that write file e.\nlocalparam logic [127:0] X_WRITES_E = 128'h{writes_e:x};\n\n"
    text += field_params(spec)
    text += struct("duke_row_t", ROW) + struct("duke_opcode_t", OPCODE)
    text += table("DUKE_OPCODES", width_of(OPCODE), opcodes) + table("DUKE_ROWS", width_of(ROW), rows)
    text += immediates(spec) + evaluators(spec, functions, code)
    text += "endpackage\n"
    (out / "duke_isa_pkg.sv").write_text(text)
