"""guest_ops.h and guest_decode.inc: the guest's ops and the decoder's tables, from isa-spec/x86/*.toml.

Every opcode of a map has one 16-bit entry: a row number, or the number of a node that selects by mode, prefix, REX bit or
ModRM field among further entries. `tree` builds these; the notation of rows is explained in opcodes.toml.
"""
import dataclasses
import re

from .load import SpecError, read_toml

MODES = ("IA32", "X86_64")
# Selectors in the order in which the decoder applies them: name, number of values.
SELECT = (("mode", 2), ("rexb", 2), ("rexw", 2), ("pfx", 4), ("mod", 2), ("reg", 8), ("rm", 8))
FLAGS = "CPAZSO"
MAPS = ("one", "0F", "0F38", "0F3A", "VEX0F38", "VEX0F3A")
VEX_MAPS = {"VEX0F38": 2, "VEX0F3A": 3}  # number in the prefix

# Operand size in bytes for effective operand sizes 1, 2, 4, 8.
SIZES = {
    "": (0, 0, 0, 0), "b": (1,) * 4, "w": (2,) * 4, "d": (4,) * 4, "q": (8,) * 4, "dq": (16,) * 4, "t": (10,) * 4,
    "v": (1, 2, 4, 8), "z": (1, 2, 4, 4), "y": (4, 4, 4, 8), "p": (0, 4, 6, 10), "a": (0, 4, 8, 16), "s": (0, 6, 6, 10),
    "e": (0, 14, 28, 28), "n": (0, 94, 108, 108),
}
SIZE_IDS = {s: i for i, s in enumerate(SIZES)}
# How an operand is found: kind (enum gopnd_kind), where its register number is, whether ModRM may make it a memory operand.
METHODS = {
    "G": ("REG", "REG", 0), "E": ("REG", "RM", 1), "R": ("REG", "RM", 0), "Z": ("REG", "OPCODE", 0), "B": ("REG", "OPCODE", 0),
    "FIX": ("REG", "FIXED", 0),
    "IMM": ("IMM", "FIXED", 0), "IMM2": ("IMM2", "FIXED", 0), "ONE": ("IMM", "FIXED", 0), "MOFFS": ("MEM", "FIXED", 0),
    "SREG": ("SEG", "REG", 0), "SEGFIX": ("SEG", "FIXED", 0), "CR": ("CR", "REG", 0), "DR": ("DR", "REG", 0),
    "P": ("MMX", "REG", 0), "Q": ("MMX", "RM", 1), "V": ("XMM", "REG", 0), "W": ("XMM", "RM", 1), "ST0": ("ST", "FIXED", 0),
    "STI": ("ST", "RM", 0),
}
SOURCES = ("FIXED", "REG", "RM", "OPCODE")
LETTERS = {"G": "G", "E": "E", "M": "E", "R": "R", "Z": "Z", "B": "B", "O": "MOFFS", "S": "SREG", "C": "CR", "D": "DR", "P": "P",
           "Q": "Q", "N": "Q", "V": "V", "W": "W", "U": "W"}
FIXED = {"AL": (0, "b"), "CL": (1, "b"), "AX": (0, "w"), "DX": (2, "w"), "eAX": (0, "z"), "rAX": (0, "v")}
SEGS = ("ES", "CS", "SS", "DS", "FS", "GS")
# Kinds of immediate: bytes for operand sizes 1, 2, 4, 8. From UB on, more is to be done than to extend the sign.
IMMS = {"NONE": (0,) * 4, "SB": (1,) * 4, "Z": (1, 2, 4, 4), "V": (1, 2, 4, 8), "UB": (1,) * 4, "W": (2,) * 4,
        "FAR": (1, 2, 4, 4), "ENTER": (2,) * 4, "MOFFS": (0,) * 4}
IMM_OF = {"Ib": ("UB", "b"), "sIb": ("SB", "v"), "Jb": ("SB", "v"), "Iw": ("W", "w"), "Iz": ("Z", "v"), "Jz": ("Z", "v"),
          "Iv": ("V", "v")}
ATTRS = ("MODRM", "LOCK", "BYTE", "D64", "F64", "P66", "REPUSED", "NOMEM", "CC", "MAYBE", "MAX4", "X87", "ONE", "CHECK")
OP_ATTRS = ("END", "PRIV", "IOPL", "UNDEF")
MODELS = ("i686", "x86-64", "x86-64-v2", "max")
REGISTERS = ("eax", "ebx", "ecx", "edx")


@dataclasses.dataclass(frozen=True)
class Row:
    op: str
    opnds: tuple   # (method, number, size)
    imm: str
    attrs: frozenset
    feature: str   # of features.toml, or ""
    cond: tuple    # per selector of SELECT: None or a frozenset of values
    where: str

    @property
    def data(self):
        return self.op, self.opnds, self.imm, self.attrs, self.feature


def flag_bits(text, where):
    bad = set(text) - set(FLAGS)
    if bad:
        raise SpecError(f"{where}: flags are letters of {FLAGS}, not {min(bad)}")
    return sum(1 << FLAGS.index(c) for c in set(text))


def parse_encoding(key, where):
    """-> map name, list of opcodes, conditions, op is +cc, ModRM is selected on."""
    cond = dict.fromkeys(n for n, _ in SELECT)
    pfx = {"NP": {0}, "66": {1}, "F3": {2}, "F2": {3}, "NF": {0, 1}}
    words = key.split()
    vex = words[0] == "VEX"
    if vex:
        words.pop(0)
    if len(words) > 1 and words[0] in pfx:
        cond["pfx"] = frozenset(pfx[words.pop(0)])
    name = "one"
    if words[0] == "0F":
        name = "0F"
        words.pop(0)
        if words and words[0] in ("38", "3A") and len(words) > 1 and re.fullmatch(r"[0-9A-F]{2}(\+.*)?", words[1]):
            name += words.pop(0)
    if vex:
        name = "VEX" + name
        if name not in VEX_MAPS:
            raise SpecError(f"{where}: VEX is followed by a prefix, 0F 38 or 0F 3A, and the opcode")
    m = re.fullmatch(r"([0-9A-F]{2})(\+r|\+cc)?", words.pop(0)) if words else None
    if not m:
        raise SpecError(f'{where}: no opcode byte like "8B", "50+r" or "70+cc"')
    first = int(m[1], 16)
    count = {None: 1, "+r": 8, "+cc": 16}[m[2]]
    for w in words:
        if re.fullmatch("/[0-7]", w):
            cond["reg"] = frozenset({int(w[1])})
        elif re.fullmatch("=[C-F][0-9A-F]", w):
            byte = int(w[1:], 16)
            cond["mod"], cond["reg"], cond["rm"] = (frozenset({v}) for v in (1, byte >> 3 & 7, byte & 7))
        elif w in ("m", "r"):
            cond["mod"] = frozenset({int(w == "r")})
        elif w in ("i64", "o64"):
            cond["mode"] = frozenset({int(w == "o64")})
        elif re.fullmatch("[bw][01]", w):
            cond["rex" + w[0]] = frozenset({int(w[1])})
        else:
            raise SpecError(f'{where}: condition "{w}" is unknown; see the head of opcodes.toml')
    return name, range(first, first + count), cond, m[2] == "+cc"


def parse_operand(text, where):
    """-> (method, number, size) or None, immediate kind or None, 1/0 if ModRM.mod must be register/memory."""
    if text in FIXED:
        number, size = FIXED[text]
        return ("FIX", number, size), None, None
    if text in SEGS:
        return ("SEGFIX", SEGS.index(text), "w"), None, None
    if text in ("ST0", "STi"):
        return (text.upper(), 0, "t"), None, None
    if text == "1":
        return ("ONE", 0, "b"), None, None
    if text in IMM_OF:
        kind, size = IMM_OF[text]
        return ("IMM", 0, size), kind, None
    if text == "IIb":
        return ("IMM2", 0, "b"), "ENTER", None
    if text[0] in "XY":
        return None, None, None
    if text[0] not in LETTERS or text[1:] not in SIZES:
        raise SpecError(f'{where}: operand "{text}" is unknown; see the head of opcodes.toml')
    return (LETTERS[text[0]], 0, text[1:]), "MOFFS" if text[0] == "O" else None, {"M": 0, "N": 1, "U": 1}.get(text[0])


def make_row(op, opnds, flags, cond, where, is_cc, op_table, features):
    cond = dict(cond)
    feature = next((f for f in flags if f in features), "")
    attrs = {a.upper() for a in flags if a != feature}
    if attrs - {"LOCK", "D64", "F64"}:
        raise SpecError(f"{where}: attribute {min(attrs - {'LOCK', 'D64', 'F64'}).lower()} is unknown: lock, d64, f64, or one "
                        "feature of features.toml")
    if opnds == ["Ap"]:
        parsed, imm = [("IMM", 0, "v"), ("IMM2", 0, "w")], "FAR"
    else:
        parsed, imm = [], "NONE"
        for text in opnds:
            operand, kind, mod = parse_operand(text, where)
            if operand:
                parsed.append(operand)
            if kind:
                imm = kind
            if mod is not None:
                cond["mod"] = frozenset({mod})
    if len(parsed) > 3:
        raise SpecError(f"{where}: an instruction has at most three operands")
    first = next((o for o in opnds if o[0] not in "IsJ" and o != "DX"), "")
    if first in ("AL",) or first.endswith("b") and first[0] in "EGZOXYM":
        attrs.add("BYTE")
    if {"Xz", "Yz", "eAX"} & set(opnds):
        attrs.add("MAX4")
    methods = {m for m, _, _ in parsed}
    if methods & {"G", "B", "E", "R", "SREG", "CR", "DR", "P", "Q", "V", "W", "STI"} or any(cond[k] for k in ("mod", "reg", "rm")):
        attrs.add("MODRM")
    if "R" in methods:
        attrs.add("NOMEM")
    if "ONE" in methods:
        attrs.add("ONE")
    if methods & {"SREG", "CR", "DR"}:
        attrs.add("CHECK")
    if cond["pfx"] == {1}:
        attrs.add("P66")
    if cond["pfx"] and cond["pfx"] <= {2, 3}:
        attrs.add("REPUSED")
    if is_cc:
        attrs.add("CC")
    if op_table.get(op, {}).get("maybe"):
        attrs.add("MAYBE")
    return Row(op, tuple(parsed), imm, frozenset(attrs), feature, tuple(cond[n] for n, _ in SELECT), where)


def load_features(root):
    """-> {name: {cpuid: (leaf, register, bit) or None, model: number, flag, try, only64}} in the file's order."""
    path = root / "x86/features.toml"
    features = {}
    for name, row in (read_toml(path)["feature"] if path.exists() else {}).items():
        where = f"{path}: {name}"
        bad = set(row) - {"cpuid", "model", "flag", "try", "only64"}
        if bad:
            raise SpecError(f"{where}: key `{min(bad)}` is unknown")
        if row.get("model") not in MODELS:
            raise SpecError(f"{where}: model is one of {', '.join(MODELS)}")
        m = re.fullmatch(r"([0-9a-f]+)\.(e[abcd]x)\.(\d+)", row.get("cpuid", ""))
        if not m or int(m[3]) > 31:
            raise SpecError(f'{where}: cpuid is leaf.register.bit, like "7.ebx.3"')
        features[name] = row | {"cpuid": (int(m[1], 16), REGISTERS.index(m[2]), int(m[3])), "model": MODELS.index(row["model"])}
    if len(features) > 63:
        raise SpecError(f"{path}: more features than bits of a word")
    return features


def load_x86(root):
    """-> op table, {map name: [rows of opcode 0..255]}, names of ops in order of appearance."""
    op_table, ops, seen, features = {}, {}, {}, load_features(root)
    maps = {m: [[] for _ in range(256)] for m in MAPS}
    paths = sorted((root / "x86").glob("*.toml"))
    tables = [(p, read_toml(p)) for p in paths]
    for path, table in tables:
        op_table |= table.get("op", {})
    for path, table in tables:
        for key, value in table.get("insn", {}).items():
            where = f'{path}: "{key}"'
            if not isinstance(value, list) or not 2 <= len(value) <= 3 or not all(isinstance(v, str) for v in value):
                raise SpecError(f"{where}: a row is [op, operands] or [op, operands, attributes]")
            if key in seen:
                raise SpecError(f"{where}: also in {seen[key]}")
            seen[key] = path
            op, opnds, flags = (value + [""])[:3]
            ops.setdefault(op, len(ops))
            name, opcodes, cond, is_cc = parse_encoding(key, where)
            opnds = [o for o in opnds.split(",") if o]
            mixed = next((o for o in opnds if re.fullmatch("R[a-z]+M[a-z]+", o)), None)
            variants = [opnds]
            if mixed:  # RvMw: one row for a register, one for memory
                reg, mem = re.fullmatch("R([a-z]+)M([a-z]+)", mixed).groups()
                variants = [[(text if o == mixed else o) for o in opnds] for text in ("U" + reg, "M" + mem)]
            for v in variants:
                row = make_row(op, v, flags.split(), cond, where, is_cc, op_table, features)
                if mixed and v is variants[0]:  # U gave mod = register; the register is a general one
                    fixed = tuple(("E", n, s) if m == "W" else (m, n, s) for m, n, s in row.opnds)
                    row = dataclasses.replace(row, opnds=fixed)
                if name == "one" and opcodes[0] in range(0xd8, 0xe0):
                    row = dataclasses.replace(row, attrs=row.attrs | {"X87"})
                for code in opcodes:
                    maps[name][code].append(row)
    for op, row in op_table.items():
        where = f"{root}/x86/opcodes.toml: op.{op}"
        if op not in ops:
            raise SpecError(f"{where}: no row of [insn] uses it")
        bad = set(row) - {"r", "w", "u", "maybe", "without"} - {a.lower() for a in OP_ATTRS}
        if bad:
            raise SpecError(f"{where}: key `{min(bad)}` is unknown")
        for key in "rwu":
            flag_bits(row.get(key, ""), where)
        if row.get("without", op) not in ops:
            raise SpecError(f"{where}: there is no op {row['without']}")
    return op_table, maps, ops


class Tables:
    """Rows and nodes, each kept once."""

    def __init__(self):
        self.rows = {None: 0}   # data -> number; 0 is "no such instruction"
        self.nodes = {}         # tuple of entries -> place of the first
        self.node_words = []

    def tree(self, rows, select=0):
        if not rows:
            return 0
        while select < len(SELECT) and not any(r.cond[select] for r in rows):
            select += 1
        if select == len(SELECT):
            def weight(r):
                return sum(c is not None for c in r.cond)
            best = max(map(weight, rows))
            top = {r.data: r for r in rows if weight(r) == best}
            if len(top) > 1:
                a, b = list(top.values())[:2]
                raise SpecError(f"{a.where} and {b.where} overlap, with equally many conditions")
            return self.rows.setdefault(next(iter(top)), len(self.rows))
        values = []
        for v in range(SELECT[select][1]):
            values.append(self.tree([r for r in rows if r.cond[select] is None or v in r.cond[select]], select + 1))
        if len(set(values)) == 1:
            return values[0]
        values = tuple(values)
        if values not in self.nodes:
            self.nodes[values] = len(self.node_words)
            self.node_words += values
        if self.nodes[values] >= 1 << 12:
            raise SpecError("isa-spec/x86: too many nodes for 12 bits")
        return (select + 1) << 12 | self.nodes[values]


def c_array(ctype, name, values, per_line=12):
    values = [f"0x{v:x}" for v in values]
    lines = ("    " + ", ".join(values[i:i + per_line]) + "," for i in range(0, len(values), per_line))
    return f"static const {ctype} {name}[{len(values)}] = {{\n" + "\n".join(lines) + "\n};\n"


def c_enum(prefix, names):
    return "enum { " + ", ".join(f"{prefix}_{n}" for n in names) + " };\n"


def bits(names, wanted, prefix):
    return " | ".join(f"{prefix}_{n}" for n in names if n in wanted) or "0"


def features_text(op_table, features):
    """Features, what each guest model lacks, and what processors do that lack an instruction."""
    out = ["enum gfeat { /* features of processors: isa-spec/x86/features.toml */\n    GF_NONE,\n"]
    out += [f"    GF_{name.upper()},\n" for name in features]
    out.append("    GF_COUNT\n};\n\n/* X(name, name in /proc/cpuinfo, CPUID leaf, register (0 eax, 1 ebx, 2 ecx, 3 edx), bit,"
               " least model) */\n#define GFEAT_TABLE(X) \\\n")
    for name, f in features.items():
        leaf, register, bit = f["cpuid"]
        out.append(f'    X({name.upper()}, "{f["flag"]}", 0x{leaf:x}, {register}, {bit}, {f["model"]}) \\\n')
    lacks = [sum(1 << i for i, f in enumerate(features.values(), 1) if f["model"] > m) for m in range(len(MODELS))]
    out.append("\n#define GMODEL_NAMES " + ", ".join(f'"{m}"' for m in MODELS) + "\nenum { GMODEL_I686, GMODEL_X86_64, "
               "GMODEL_X86_64_V2, GMODEL_MAX, GMODEL_COUNT };\n/* Features that each model lacks, bit by enum gfeat. */\n"
               "#define GMODEL_LACKS " + ", ".join(f"UINT64_C(0x{v:x})" for v in lacks) +
               "\n\n/* X(op, the op that a processor without it executes instead) */\n#define GOP_WITHOUT(X) \\\n")
    out += [f"    X({op}, {t['without']}) \\\n" for op, t in op_table.items() if "without" in t]
    return "".join(out) + "\n"


def ops_header(op_table, ops, features):
    out = ["/* Generated from isa-spec/x86. Do not edit. Ops of guest instructions. */\n#pragma once\n#include <stdint.h>\n\n",
           "enum gop {\n    G_NONE,\n"]
    out += [f"    G_{op},\n" for op in ops]
    out.append("    GOP_COUNT\n};\n\nenum { /* attributes of ops, see isa-spec/x86/opcodes.toml */\n")
    out += [f"    GOPA_{a} = {1 << i},\n" for i, a in enumerate(OP_ATTRS)]
    out.append("};\n\n/* X(name, text, flags read, flags written or undefined, flags undefined, GOPA_*);"
               " flags packed as in struct ginsn. */\n"
               "#define GOP_TABLE(X) \\\n    X(NONE, \"(none)\", 0, 0, 0, 0) \\\n")
    for op in ops:
        t = op_table.get(op, {})
        r, w, u = (flag_bits(t.get(k, ""), op) for k in "rwu")
        attrs = bits(OP_ATTRS, {a for a in OP_ATTRS if t.get(a.lower())}, "GOPA")
        out.append(f'    X({op}, "{op.lower()}", 0x{r:02x}, 0x{w | u:02x}, 0x{u:02x}, {attrs}) \\\n')
    out.append("\n" + features_text(op_table, features))
    return "".join(out)


def operand_word(method, number, size):
    kind, source, mem = METHODS[method]
    return f"GO_{kind} << 12 | OS_{source} << 10 | 0x{mem << 9 | number << 6 | 4 * SIZE_IDS[size]:x}"


def decode_tables(op_table, maps):
    t = Tables()
    roots = {m: [t.tree(maps[m][code]) for code in range(256)] for m in MAPS}
    out = ["/* Generated from isa-spec/x86. Do not edit. Tables of guest/decode.c. */\n",
           "enum { " + ", ".join(f"SEL_{n.upper()} = {i + 1}" for i, (n, _) in enumerate(SELECT)) + " };\n",
           c_enum("OS", SOURCES), c_enum("IK", IMMS),
           "enum { " + ", ".join(f"RA_{a} = {1 << i}" for i, a in enumerate(ATTRS)) + " };\n",
           "\n/* Bytes of an operand for effective operand sizes 1, 2, 4, 8. */\n",
           f"static const uint8_t opnd_sizes[{4 * len(SIZES)}] = {{\n",
           *(f"    {', '.join(map(str, v))}, /* {k or 'none'} */\n" for k, v in SIZES.items()), "};\n\n",
           "/* Bytes of an immediate, the same; those of moffs are the address size. */\n",
           f"static const uint8_t imm_sizes[{4 * len(IMMS)}] = {{\n",
           *(f"    {', '.join(map(str, v))}, /* {k} */\n" for k, v in IMMS.items()), "};\n\n",
           "/* opnd: enum gopnd_kind << 12 | OS_* << 10 | may be memory << 9 | number << 6 | 4 * size class */\n",
           "enum { OPND_MEM = 1 << 9 };\n",
           "struct decode_row {\n    uint16_t op, attr, opnd[3];\n"
           "    uint8_t imm, nopnds, flags_read, flags_written, feature, pad;\n};\n\n",
           f"static const struct decode_row decode_rows[{len(t.rows)}] = {{\n    {{0}},\n"]
    for data in list(t.rows)[1:]:
        op, opnds, imm, attrs, feature = data
        f = op_table.get(op, {})
        words = ", ".join(operand_word(*o) for o in opnds) or "0"
        out.append(f"    {{G_{op}, {bits(ATTRS, attrs, 'RA')}, {{{words}}}, IK_{imm}, {len(opnds)}, "
                   f"0x{flag_bits(f.get('r', ''), op):02x}, 0x{flag_bits(f.get('w', '') + f.get('u', ''), op):02x}, "
                   f"GF_{feature.upper() or 'NONE'}, 0}},\n")
    out.append("};\n\n/* An entry: 0 no instruction; below 0x1000 a row; else selector << 12 | first place in decode_nodes."
               " */\n")
    out.append(c_array("uint16_t", "decode_nodes", t.node_words))
    for m in MAPS:
        if m not in VEX_MAPS:
            out.append(c_array("uint16_t", f"decode_map_{m.lower()}", roots[m]))
    vex = [f"{{{n}, 0x{code:02x}, 0x{roots[m][code]:x}}}" for m, n in VEX_MAPS.items() for code in range(256) if roots[m][code]]
    out.append("/* Opcodes behind a VEX prefix: its map's number, the opcode, the entry. */\n"
               "static const struct {\n    uint8_t map, opcode;\n    uint16_t entry;\n} "
               f"decode_vex_rows[] = {{{', '.join(vex + ['{0, 0, 0}'])}}};\n")
    return "".join(out)


def write(path, text):
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def emit(spec, _machines, _machine, outdir):
    op_table, maps, ops = load_x86(spec.root)
    write(outdir / "guest_ops.h", ops_header(op_table, ops, load_features(spec.root)))
    write(outdir / "guest_decode.inc", decode_tables(op_table, maps))
