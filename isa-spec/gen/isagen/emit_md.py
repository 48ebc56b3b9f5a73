"""isa.md: the reference manual of Duke. docs/ref/isa.md is a checked-in copy; a test keeps the two equal."""
from . import opinfo

UNIT_TITLES = {"I": "Integer", "A": "Multiply and divide", "M": "Memory", "B": "Branches", "S": "System", "F": "Floating point",
               "V": "Vectors of 64 bits", "X": "Extended precision", "N": "Without a lane"}
FORM_NAMES = {"reg": "registers", "imm": "short immediate", "ext": "extension word"}


def cell(text):
    return str(text).replace("|", "\\|")


def table(head, rows):
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell(c) for c in row) + " |" for row in rows]
    return "\n".join(lines) + "\n\n"


def bits_text(bits):
    return ", ".join(("x" if b.ext else "") + (f"{b.hi}:{b.lo}" if b.hi != b.lo else str(b.hi)) for b in bits)


def formats(spec):
    rows = []
    for fmt in spec.formats.values():
        if fmt.name == "R3I":
            continue
        for form, lay in opinfo.layouts_of(spec.formats, fmt):
            fields = [f"{n} {bits_text((b,))}" for n, b in lay.fields.items()]
            if lay.imm:
                scale = f", times {1 << lay.shift}" if lay.shift else ""
                fields.append(f"imm {bits_text(lay.imm)} ({lay.imm_width} bits{scale})")
            if lay.mask:
                fields.append(f"mask {bits_text(lay.mask)}")
            rows.append((fmt.name, FORM_NAMES[form], "; ".join(fields)))
    return ("## Words and formats\n\n"
            "Bit 31 of an op's last word is its end-of-bundle bit, bits 30:24 are the opcode, x0 to x28 bits of the extension "
            f"word. Opcodes from {spec.ext_min:#x} on mark extension words. The short immediates of R3 have opcode + 1. "
            "Immediates are signed; several ranges are joined, most significant first.\n\n"
            + table(("format", "form", "fields"), rows))


def forms_text(op):
    if op.fmt.name == "R3":
        return ", ".join({"reg": "r", "imm": "i", "ext": "x"}[f] for f in op.forms)
    return {"ext": "x"}.get(op.forms[0], "s") + (", x" if len(op.forms) == 2 else "")


def notes(op):
    out = [k for k in ("commutes", "alone") if op.row.get(k)]
    if op.row.get("e"):
        out.append("writes e")
    if set(op.files) != {"r"}:
        out.append("files " + op.files)
    return ", ".join(out)


def op_row(op):
    code = f"{op.opcode:#04x}" + ("" if op.fn is None else f".{op.fn}")
    sem = f"`{op.row['sem']}`" if "sem" in op.row and not opinfo.is_opaque(op) else ""
    return (f"`{op.name}`", code, op.fmt.name, forms_text(op), op.row.get("lat", "int"), sem, notes(op), op.row["doc"])


def ops(spec):
    text = ("## Ops\n\n"
            "Forms: r registers, i short immediate (mnemonic + `.i`), s the short form of other formats, x with an extension "
            "word (mnemonic + `.x` where there is a shorter form). The latency is a key of the machine's `[latency]`. Where a "
            "value is given it is that of rd, for branches the condition; an immediate stands in rb's place in R3.\n\n")
    for unit, title in UNIT_TITLES.items():
        rows = [op_row(op) for op in spec.ops if op.unit == unit]
        row = spec.hazards["unit"][unit]
        text += f"### {title} (unit {unit})\n\n{row['doc'].capitalize()}. Lanes: {row['lanes']}."
        if "optional" in row:
            text += f" Only on machines with `units.{row['optional']}`; elsewhere these ops are illegal."
        text += "\n\n" + table(("op", "code", "format", "forms", "latency", "value", "notes", "what it does"), rows)
    return text


def registers(spec):
    text = "## Registers\n\n"
    for name, row in spec.regs["file"].items():
        text += f"File {name}: {row['count']} of {row['bits']} bits, {row['shadowed']} shadowed. {row['doc']}\n\n"
    text += table(("register", "role", ""), [(n, r["role"], r.get("doc", "")) for n, r in spec.regs["abi"].items()])
    text += "While translated code runs:\n\n" + table(("register", "holds"), spec.regs["guest"].items())
    text += "### Control registers\n\n" + table(
        ("number", "name", "access", ""), [(r["n"], f"`{n}`", r["rw"], r["doc"]) for n, r in spec.regs["cr"].items()])
    return text


def numbered(title, rows):
    return f"## {title}\n\n" + table(("number", "name", ""), [(r["n"], f"`{n}`", r["doc"]) for n, r in rows.items()])


def bundles(spec):
    b = spec.hazards["bundle"]
    rules = [f"At most {b['max_words']} words up to and including the end bit.", "All ops read registers before any op writes."]
    rules += [b[k][0].upper() + b[k][1:] + "." for k in ("one_writer", "one_branch", "commit", "store_order", "alone")]
    return "## Bundles\n\n" + "".join(f"- {r}\n" for r in rules) + "\n" + table(
        ("unit", "lanes", ""), [(n, r["lanes"], r["doc"]) for n, r in spec.hazards["unit"].items()])


def machine_tables(machines):
    names = list(machines)
    first = machines[names[0]].table
    text = "## Machines\n\n" + "".join(f"- `{n}`: {m.table['machine']['doc']}\n" for n, m in machines.items()) + "\n"
    rows = [(f"`{s}.{k}`", *(str(machines[n].table[s][k]).lower() for n in names))
            for s, row in first.items() if s != "machine" for k in row]
    return text + table(("key", *names), rows)


def functions(spec):
    return "## Functions of the semantics\n\n```python\n" + spec.functions.rstrip("\n") + "\n```\n"


def manual(spec, machines):
    return ("# Duke: reference\n\nGenerated from isa-spec by isagen. Do not edit: run `scripts/update-ref`. What the tables cannot "
            "say is in [core.md](../core.md).\n\n"
            + bundles(spec) + formats(spec) + ops(spec) + registers(spec) + numbered("Traps", spec.traps["cause"])
            + numbered("Cycle categories", spec.events["category"]) + numbered("Cycle reasons", spec.events["reason"])
            + "## Events\n\n" + table(("event", ""), [(f"`{n}`", d) for n, d in spec.events["event"].items()])
            + "## Commit record\n\n" + table(("field", "size", ""), [
                (f"`{n}`", f"{r['bits']} bits" if "bits" in r else f"up to {r['count']}", r["doc"])
                for n, r in spec.commit["record"].items()])
            + machine_tables(machines) + functions(spec))


def emit(spec, machines, _machine, outdir):
    path = outdir / "isa.md"
    text = manual(spec, machines)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
