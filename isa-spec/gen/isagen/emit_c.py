"""duke_isa.h: enums, op tables, encoder, decoder, semantics, bundle rules and machine tables in C11; duke_disasm.h/.c.

The header is freestanding (stdint, stddef, stdbool) because morph includes it on Duke. Text that needs no table stands in
c/*.h beside this file and is copied in.
"""
import pathlib

from . import opinfo
from .expr import CBackend, parse_functions

HERE = pathlib.Path(__file__).parent
NOTE = "/* Generated from isa-spec by isagen. Do not edit. */\n"


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def enum(prefix, names, count=None, doc=""):
    """An enum of (name, number or None)."""
    rows = [f"    {prefix}{n.upper()}{'' if v is None else f' = {v}'}," for n, v in names]
    if count:
        rows.append(f"    {prefix}{count},")
    head = f"/* {doc} */\n" if doc else ""
    tag = prefix.lower().rstrip("_")
    return f"{head}enum {tag} {{\n" + "\n".join(rows) + "\n};\n\n"


def latency_keys(machines):
    return list(next(iter(machines.values())).table["latency"])


def emit_enums(spec, machines):
    out = "enum duke_opcode {\n"
    out += "".join(f"    DUKE_OP_{op.ident}, /* {op.row['doc']} */\n" for op in spec.ops)
    out += "    DUKE_OP_COUNT,\n};\n\n"
    out += enum("DUKE_FORM_", [(f, None) for f in opinfo.FORMS], "COUNT",
                "reg; imm: short immediate; ext: with an extension word")
    out += enum("DUKE_FMT_", [(n, None) for n in spec.formats], "COUNT")
    out += enum("DUKE_UNIT_", [(n, None) for n in spec.hazards["unit"]], "COUNT")
    kinds = sorted({op.kind for op in spec.ops})
    out += enum("DUKE_KIND_", [(k, None) for k in kinds], "COUNT")
    out += enum("DUKE_LAT_", [(k, None) for k in latency_keys(machines)], "COUNT", "Index of duke_machine.latency.")
    out += enum("DUKE_TRAP_", [(n, r["n"]) for n, r in spec.traps["cause"].items()])
    out += enum("DUKE_CR_", [(n, r["n"]) for n, r in spec.regs["cr"].items()])
    out += enum("DUKE_CAT_", [(n, r["n"]) for n, r in spec.events["category"].items()], "COUNT")
    out += enum("DUKE_REASON_", [(n, r["n"]) for n, r in spec.events["reason"].items()], "COUNT")
    out += enum("DUKE_EVENT_", [(n, None) for n in spec.events["event"]], "COUNT")
    return out


def emit_info(spec, functions):
    rows, names = "", ""
    for op in spec.ops:
        reads = opinfo.reads(op, functions)
        flags = [f"DUKE_READS_{r.upper()}" for r in ("ra", "rb", "rc", "rd") if r in reads]
        flags += ["DUKE_WRITES_RD"] if opinfo.writes_rd(op) else []
        flags += ["DUKE_WRITES_R1"] if op.kind in ("call", "call_reg") else []
        flags += [f"DUKE_{k.upper()}" for k in ("commutes", "alone", "signed") if op.row.get(k)]
        flags += ["DUKE_E_RD"] if op.row.get("e") else []
        flags += ["DUKE_GUEST"] if op.row.get("space") == "guest" else []
        for reg, file in zip(("RD", "RA", "RB", "RC"), op.files):
            flags += [f"DUKE_F_{reg}"] if file == "f" else []
        spec_of = {"speculative": 1, "protect": 2, "check": 3}.get(op.row.get("spec"), 0)
        forms = sum(1 << opinfo.FORMS.index(f) for f in op.forms)
        rows += (f"    [DUKE_OP_{op.ident}] = {{ DUKE_FMT_{op.fmt.name}, DUKE_UNIT_{op.unit}, "
                 f"DUKE_KIND_{op.kind.upper()}, DUKE_LAT_{op.row.get('lat', 'int').upper()}, {op.opcode:#x}, "
                 f"{op.fn or 0}, {forms}, {op.row.get('size', 0) // 8}, {spec_of}, {' | '.join(flags) or 0} }},\n")
        names += f"    [DUKE_OP_{op.ident}] = {c_string(op.name)},\n"
    text = (HERE / "c" / "info.h").read_text()
    text += "static const struct duke_op_info duke_ops[DUKE_OP_COUNT] = {\n" + rows + "};\n\n"
    text += "/* For text only: a file that does not print does not pay for it. */\n"
    return text + "static const char *const duke_op_names[DUKE_OP_COUNT] = {\n" + names + "};\n\n"


def pieces(bits):
    """(Bits, offset in the value) of a list of ranges, most significant first."""
    offset = sum(b.width for b in bits)
    for b in bits:
        offset -= b.width
        yield b, offset


def put(b, value):
    """C text that puts the low bits of `value` (uint32_t) where b says."""
    text = value if b.width == 32 else f"({value} & {(1 << b.width) - 1:#x})"
    return (1 if b.ext else 0), f"{text} << {b.lo}" if b.lo else text


def take(b):
    word = "w1" if b.ext else "w0"
    text = f"{word} >> {b.lo}" if b.lo else word
    return f"({text} & {(1 << b.width) - 1:#x})"


def emit_encode(spec):
    cases = ""
    for fmt in spec.formats.values():
        if fmt.name == "R3I":
            continue
        for form, lay in opinfo.layouts_of(spec.formats, fmt):
            words = ([f"(uint32_t){'(info->opcode + 1)' if fmt.name == 'R3' and form == 'imm' else 'info->opcode'} << 24"],
                     [])
            for name, b in lay.fields.items():
                if name != "zero":
                    value = "info->fn" if name == "fn" else f"o->{name}"
                    i, text = put(b, f"(uint32_t){value}")
                    words[i].append(text)
            for b, offset in pieces(lay.imm):
                i, text = put(b, f"(uint32_t)(imm >> {offset + lay.shift})" if offset + lay.shift else "(uint32_t)imm")
                words[i].append(text)
            for b, offset in pieces(lay.mask):
                i, text = put(b, f"((uint32_t)o->mask >> {offset})" if offset else "(uint32_t)o->mask")
                words[i].append(text)
            cases += f"    case DUKE_FMT_{fmt.name} * DUKE_FORM_COUNT + DUKE_FORM_{form.upper()}:\n"
            cases += f"        w[0] = {' | '.join(words[0])};\n"
            if lay.words == 2:
                cases += f"        w[1] = {' | '.join(['UINT32_C(0x60000000)'] + words[1])};\n"
            cases += f"        return {lay.words};\n"
    return ("""\
/* Words of an op whose form and immediate are known to be right; the end bit is left clear. */
static inline unsigned duke_encode_words(const struct duke_op *o, uint32_t w[2])
{
    const struct duke_op_info *info = &duke_ops[o->op];
    const uint64_t imm = (uint64_t)o->imm;
    switch (info->fmt * DUKE_FORM_COUNT + o->form) {
""" + cases + """\
    default:
        return 0;
    }
}

""")


def emit_fits(spec):
    cases = ""
    for fmt in spec.formats.values():
        if fmt.name == "R3I":
            continue
        for form, lay in opinfo.layouts_of(spec.formats, fmt):
            if not lay.imm:
                continue
            cases += f"    case DUKE_FMT_{fmt.name} * DUKE_FORM_COUNT + DUKE_FORM_{form.upper()}:\n"
            bits = lay.imm_width + lay.shift
            low = f"(imm & {(1 << lay.shift) - 1}) == 0 && " if lay.shift else ""
            span = f"imm >= 0 && imm < (INT64_C(1) << {bits})" if lay.unsigned else \
                f"imm >= -(INT64_C(1) << {bits - 1}) && imm < (INT64_C(1) << {bits - 1})"
            cases += f"        return {low}{span};\n"
    return ("""\
/* Whether `imm` (for branches: the displacement in bytes) can be written in this form. True if the form has no immediate. */
static inline bool duke_imm_fits(unsigned op, unsigned form, int64_t imm)
{
    switch (duke_ops[op].fmt * DUKE_FORM_COUNT + form) {
""" + cases + """\
    default:
        return true;
    }
}

""")


def emit_decode_tables(spec):
    """duke_primary by opcode: 0xffff none, an op, or 0x8000 + table of functions; 0x4000 marks short immediates."""
    primary = [0xffff] * 128
    tables = {}
    for i, op in enumerate(spec.ops):
        if op.fn is None:
            primary[op.opcode] = i
            continue
        if op.opcode not in tables:
            tables[op.opcode] = [0xffff] * 64
        tables[op.opcode][op.fn] = i
    for n, (opcode, _) in enumerate(tables.items()):
        primary[opcode] = 0x8000 | n
        ops = [op for op in spec.ops if op.opcode == opcode]
        if ops[0].fmt.name == "R3" and any("imm" in op.forms for op in ops):
            primary[opcode + 1] = 0xc000 | n
    def rows(values):
        return "".join("    " + " ".join(f"{v:#06x}," for v in values[i:i + 12]) + "\n" for i in range(0, len(values), 12))
    text = "/* By opcode: 0xffff none; an op; or 0x8000 + function table, 0x4000 set if it has a short immediate. */\n"
    text += "static const uint16_t duke_primary[128] = {\n" + rows(primary) + "};\n"
    text += f"static const uint16_t duke_functions[{len(tables)}][64] = {{\n"
    return text + "".join("    {\n" + rows(t) + "    },\n" for t in tables.values()) + "};\n\n"


def emit_fields(spec):
    cases = ""
    for fmt in spec.formats.values():
        if fmt.name == "R3I":
            continue
        for form, lay in opinfo.layouts_of(spec.formats, fmt):
            cases += f"    case DUKE_FMT_{fmt.name} * DUKE_FORM_COUNT + DUKE_FORM_{form.upper()}:\n"
            for name, b in lay.fields.items():
                if name not in ("zero", "fn"):
                    cases += f"        o->{name} = {take(b)};\n"
            if lay.imm:
                value = " | ".join(f"(uint64_t){take(b)}" + (f" << {offset}" if offset else "") for b, offset in pieces(lay.imm))
                if lay.unsigned:
                    cases += f"        o->imm = (int64_t)(({value}) << {lay.shift});\n"
                else:
                    up = 64 - lay.imm_width
                    cases += f"        o->imm = (int64_t)(({value}) << {up}) >> {up - lay.shift};\n"
            if lay.mask:
                value = " | ".join(take(b) + (f" << {offset}" if offset else "") for b, offset in pieces(lay.mask))
                cases += f"        o->mask = (uint16_t)({value});\n"
            cases += "        break;\n"
    fn = next(b for f in spec.formats.values() for n, b in f.ext_fields.items() if n == "fn")
    short = spec.formats["R3"].fields["fn"]
    return f"""\
static inline unsigned duke_fn_short(uint32_t w0) {{ return {take(short)}; }}
static inline unsigned duke_fn_ext(uint32_t w1) {{ return {take(fn)}; }}
static inline void duke_decode_fields(struct duke_op *o, uint32_t w0, uint32_t w1)
{{
    switch (duke_ops[o->op].fmt * DUKE_FORM_COUNT + o->form) {{
{cases}    default:
        break;
    }}
}}

"""


def emit_sem(spec, functions):
    b = CBackend()
    out = b.prelude() + "".join(b.function(f) for f in functions.values()) + "\n"
    cases, rows = "", {"ALU": "", "BRANCH": ""}
    for op in spec.ops:
        if op.kind not in ("alu", "branch") or opinfo.is_opaque(op):
            continue
        low = op.ident.lower()
        text = b.expr(opinfo.sem_tree(op, functions), {"imm": "rb"})
        used = [n for n in ("ra", "rb", "rc", "cc") if n in opinfo.reads(op, functions) or f"{n}" in text.replace("(", " ")
                .replace(")", " ").replace(",", " ").split()]
        args = ", ".join(f"uint64_t {n}" for n in ("ra", "rb", "rc", "cc"))
        unused = "".join(f" (void){n};" for n in ("ra", "rb", "rc", "cc") if n not in used)
        out += f"static inline uint64_t duke_sem_{low}({args}) {{{unused} return {text}; }}\n"
        cases += f"    case DUKE_OP_{op.ident}: return duke_sem_{low}(ra, rb, rc, cc);\n"
        rows[op.kind.upper()] += f" \\\n    X({op.ident}, {low})"
    out += "\n/* X(OP, function suffix) of every op that duke_sem_* gives the value or condition of. */\n"
    out += "".join(f"#define DUKE_{k}_ROWS(X){v}\n" for k, v in rows.items())
    return out + """
/* Value of an alu op, or condition of a branch. rb is the immediate where a form has one. 0 for other ops and units F, V and X. */
static inline uint64_t duke_eval(unsigned op, uint64_t ra, uint64_t rb, uint64_t rc, uint64_t cc)
{
    switch (op) {
""" + cases + "    default: return 0;\n    }\n}\n\n"


def emit_machines(machines, machine):
    keys = [(s, k, v) for s, row in machine.table.items() if s not in ("machine", "latency") for k, v in row.items()]
    out = "/* A table of isa-spec/machines. Fields are <section>_<key>. */\nstruct duke_machine {\n"
    out += "    const char *name;\n    uint32_t id;\n    uint16_t latency[DUKE_LAT_COUNT];\n"
    out += "".join(f"    {'bool' if isinstance(v, bool) else 'uint32_t'} {s}_{k};\n" for s, k, v in keys) + "};\n\n"
    for m in machines.values():
        out += f"static const struct duke_machine duke_machine_{m.name} = {{\n"
        out += f"    .name = {c_string(m.name)},\n    .id = {m.table['machine']['id']},\n"
        out += "    .latency = { " + ", ".join(f"[DUKE_LAT_{k.upper()}] = {v}" for k, v in m.table["latency"].items()) + " },\n"
        for s, k, _ in keys:
            value = m.table[s][k]
            out += f"    .{s}_{k} = {str(value).lower() if isinstance(value, bool) else value},\n"
        out += "};\n"
    names = ", ".join(f"&duke_machine_{m}" for m in machines)
    return out + f"static const struct duke_machine *const duke_machines[] = {{ {names} }};\n" + \
        f"#define DUKE_MACHINE duke_machine_{machine.name} /* the one this build was made for */\n\n"


def emit_constants(spec):
    b = spec.hazards["bundle"]
    f = spec.regs["file"]["r"]
    lo, hi = f["shadowed"].split(":")
    r4x = next(op.opcode for op in spec.ops if "fn" in op.fmt.ext_fields)
    return (f"#define DUKE_OPCODE_R4X {r4x:#x} /* its function is in the extension word */\n"
            f"#define DUKE_MAX_WORDS {b['max_words']}\n#define DUKE_END UINT32_C(0x80000000)\n"
            f"#define DUKE_SHADOWED {int(hi) + 1} /* registers {lo}..{hi} of each file */\n\n")


def emit(spec, machines, machine, outdir):
    functions = parse_functions(spec.functions, f"{spec.root}/duke/functions.sem")
    text = NOTE + "/* The instruction set of Duke: see docs/core.md and docs/ref/isa.md. */\n#pragma once\n"
    text += "#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n\n"
    text += emit_constants(spec) + emit_enums(spec, machines) + emit_info(spec, functions)
    text += emit_encode(spec) + emit_fits(spec) + emit_decode_tables(spec) + emit_fields(spec)
    text += emit_machines(machines, machine) + (HERE / "c" / "codec.h").read_text() + "\n"
    text += emit_sem(spec, functions)
    write(outdir / "duke_isa.h", text)
    for name in ("duke_disasm.h", "duke_disasm.c"):
        write(outdir / name, NOTE + (HERE / "c" / name).read_text())


def write(path, text):
    """Leaves the file alone if it says so already: what depends on it need not be built again."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
