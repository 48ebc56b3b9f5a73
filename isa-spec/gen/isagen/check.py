"""Refuses bad tables. Every message names file and row, the key, and what would be right."""
from . import opinfo
from .check_machine import check_machine
from .expr import parse_functions
from .load import SpecError

# Fields that a format may have, and their width; 0: any.
FIELD_WIDTHS = {"rd": 6, "ra": 6, "rb": 6, "rc": 6, "fn": 6, "cc": 4, "entry": 4, "scale": 2, "imm": 0, "zero": 0}
OP_KEYS = {"fmt", "op", "fn", "unit", "lat", "kind", "sem", "doc", "files", "file", "commutes", "unary", "noimm", "immonly",
           "alone", "space", "size", "signed", "spec", "e"}
LANES = ("M or A", "A", "A0", "M", "B", "none")
SPECS = ("no", "speculative", "protect", "check")


def one_of(value, allowed, where):
    if value not in allowed:
        raise SpecError(f'{where}: "{value}" is unknown; it must be one of {", ".join(map(str, allowed))}')


def integer(value, low, high, where):
    if type(value) is not int or not low <= value <= high:
        raise SpecError(f"{where}: {value!r} is out of range; it must be an integer from {low} to {high}")


def unique_numbers(rows, low, high, where):
    seen = {}
    for name, row in rows.items():
        if "n" not in row:
            raise SpecError(f"{where}.{name}: key `n`, its number, is missing")
        integer(row["n"], low, high, f"{where}.{name}: n")
        if row["n"] in seen:
            raise SpecError(f"{where}.{name}: n = {row['n']} is also the number of {seen[row['n']]}")
        seen[row["n"]] = name


# --- formats --------------------------------------------------------------------------------------------------------

def check_layout(lay, where):
    """No two fields share a bit, and every bit below the opcode belongs to a field."""
    words = [{31: "end", **{b: "opcode" for b in range(24, 31)}}, {}]
    fields = [(name, b) for name, b in lay.fields.items()]
    fields += [("imm", b) for b in lay.imm] + [("mask", b) for b in lay.mask]
    for name, b in fields:
        word = words[1 if b.ext else 0]
        for i in range(b.lo, b.hi + 1):
            if i in word:
                bit = f"x{i}" if b.ext else str(i)
                raise SpecError(f"{where}: field {name} overlaps {word[i]} in bit {bit}; fields must be disjoint")
            word[i] = name
    for n, (word, top) in enumerate(zip(words[:lay.words], (32, 29))):
        free = [i for i in range(top) if i not in word]
        if free:
            raise SpecError(f"{where}: bit {'x' if n else ''}{free[-1]} belongs to no field; give it to one, or to `zero`")


def check_formats(spec):
    path = f"{spec.root}/duke/formats.toml"
    for fmt in spec.formats.values():
        where = f"{path}: format.{fmt.name}"
        one_of(fmt.ext, ("never", "may", "must"), f"{where}: ext")
        for name, b in [*fmt.fields.items(), *fmt.ext_fields.items()]:
            one_of(name, tuple(FIELD_WIDTHS), f"{where}: field {name}")
            if FIELD_WIDTHS[name] not in (0, b.width):
                raise SpecError(f"{where}: field {name} has {b.width} bits; it must have {FIELD_WIDTHS[name]}")
        for b in (*fmt.imm, *(b for n, b in fmt.fields.items() if n != "imm")):
            if b.ext:
                raise SpecError(f"{where}: the short form may not use extension-word bits like x{b.hi}:{b.lo}")
        if fmt.imm and "imm" not in fmt.fields:
            raise SpecError(f"{where}: imm is given, but fields has no imm")
        if fmt.mask and sum(b.width for b in fmt.mask) != 16:
            raise SpecError(f"{where}: mask has {sum(b.width for b in fmt.mask)} bits; it must have 16")
        for form, lay in opinfo.layouts_of(spec.formats, fmt):
            check_layout(lay, f"{where}, {form} form")


# --- ops ------------------------------------------------------------------------------------------------------------

def check_op(op, spec, latencies, functions):
    row, where = op.row, op.where
    for key in row:
        if key not in OP_KEYS:
            raise SpecError(f"{where}: key `{key}` is unknown; keys are {', '.join(sorted(OP_KEYS))}")
    one_of(op.unit, tuple(spec.hazards["unit"]), f"{where}: unit")
    one_of(op.kind, opinfo.KINDS, f"{where}: kind")
    one_of(row.get("lat", "int"), latencies, f"{where}: lat")
    top = spec.ext_min - 1
    integer(op.opcode, 1, top, f"{where}: op")
    has_fn = "fn" in op.fmt.fields or "fn" in op.fmt.ext_fields
    if has_fn != (op.fn is not None):
        raise SpecError(f"{where}: fn is {'missing' if has_fn else 'given'}; format {op.fmt.name} has "
                        f"{'a function field' if has_fn else 'none'}")
    if has_fn:
        width = (op.fmt.fields.get("fn") or op.fmt.ext_fields["fn"]).width
        integer(op.fn, 0, (1 << width) - 1, f"{where}: fn")
    if op.fmt.name == "R3" and "imm" in op.forms and op.opcode == top:
        raise SpecError(f"{where}: op {op.opcode:#x} leaves no opcode for the short immediate; choose a lower one")
    if set(op.files) - {"r", "f"} or not 3 <= len(op.files) <= 4:
        raise SpecError(f'{where}: files "{op.files}" must be three or four letters r and f, for rd, ra, rb, rc')
    if row.get("e") and (op.unit != "X" or op.files[0] != "f"):
        raise SpecError(f"{where}: only ops of unit X that write an f register may write file e")
    if op.kind in ("load", "store"):
        check_memory_op(op)
    elif op.kind in ("alu", "branch") and "sem" not in row:
        raise SpecError(f"{where}: key `sem` is missing; an op of kind {op.kind} needs its value or condition")
    if "sem" in row:
        opinfo.sem_tree(op, functions)


def check_memory_op(op):
    row, where = op.row, op.where
    for key in ("space", "size", "signed", "spec"):
        if key not in row:
            raise SpecError(f"{where}: key `{key}` is missing; loads and stores need it")
    one_of(row["space"], ("guest", "native"), f"{where}: space")
    one_of(row["size"], (8, 16, 32, 64), f"{where}: size")
    one_of(row["spec"], SPECS, f"{where}: spec")
    one_of(row.get("file", "r"), ("r", "f"), f"{where}: file")
    wanted = {"protect": "MEMP", "check": "MEMC"}.get(row["spec"], "MEM")
    if op.fmt.name != wanted:
        raise SpecError(f'{where}: fmt "{op.fmt.name}" does not suit spec "{row["spec"]}"; it must be {wanted}')
    if row["spec"] != "no" and row["space"] != "guest":
        raise SpecError(f'{where}: spec "{row["spec"]}" needs space = "guest"')


def check_encodings(spec):
    """No two ops share an opcode and function; names stay apart as identifiers."""
    idents, slots = {}, {}  # slots: opcode -> (shape of its words, {function or None: op})
    for op in spec.ops:
        if op.ident in idents:
            raise SpecError(f"{op.where}: the name is also that of {idents[op.ident].where}; both become {op.ident}")
        idents[op.ident] = op
        taken = [(op.opcode, op.fmt.name)]
        if op.fmt.name == "R3" and "imm" in op.forms:
            taken.append((op.opcode + 1, "R3I"))
        for opcode, shape in taken:
            owner_shape, ops = slots.setdefault(opcode, (shape, {}))
            clash = ops.get(op.fn)
            if clash is None and ops and (shape != owner_shape or op.fn is None or None in ops):
                clash = next(iter(ops.values()))
            if clash is not None:
                fn = "" if op.fn is None else f" function {op.fn}"
                what = "short immediate, " if opcode != op.opcode else ""
                raise SpecError(f"{op.where}: {what}opcode {opcode:#x}{fn} overlaps {clash.where}; choose a free one")
            ops[op.fn] = op


# --- everything else ------------------------------------------------------------------------------------------------

def check_rest(spec):
    duke = f"{spec.root}/duke"
    unique_numbers(spec.regs.get("cr", {}), 0, 63, f"{duke}/regs.toml: cr")
    for name, row in spec.regs["cr"].items():
        one_of(row.get("rw"), ("r", "rw"), f"{duke}/regs.toml: cr.{name}: rw")
    for name in ("r", "f", "e"):
        row = spec.regs.get("file", {}).get(name)
        if row is None:
            raise SpecError(f"{duke}/regs.toml: file.{name} is missing; there must be files r, f and e")
        integer(row.get("count"), 64, 64, f"{duke}/regs.toml: file.{name}: count")
    unique_numbers(spec.traps.get("cause", {}), 1, 31, f"{duke}/traps.toml: cause")
    for table in ("category", "reason"):
        rows = spec.events.get(table, {})
        unique_numbers(rows, 0, len(rows) - 1, f"{duke}/events.toml: {table}")
    for name, row in spec.hazards.get("unit", {}).items():
        one_of(row.get("lanes"), LANES, f"{duke}/hazards.toml: unit.{name}: lanes")
        one_of(row.get("optional", "fp"), ("fp", "vec", "x87"), f"{duke}/hazards.toml: unit.{name}: optional")
    integer(spec.hazards.get("bundle", {}).get("max_words"), 6, 16, f"{duke}/hazards.toml: bundle.max_words")


def check(spec, machines):
    """Raises SpecError if a table breaks a rule."""
    check_rest(spec)
    check_formats(spec)
    functions = parse_functions(spec.functions, f"{spec.root}/duke/functions.sem")
    ids = {}
    for m in machines.values():
        check_machine(m)
        number = m.table["machine"]["id"]
        if number in ids:
            raise SpecError(f"{m.path}: machine.id: {number} is also the id of machine {ids[number]}")
        ids[number] = m.name
    if not machines:
        raise SpecError(f"{spec.root}/machines: no machine table; there must be at least default.toml")
    latencies = tuple(next(iter(machines.values())).table["latency"])
    for op in spec.ops:
        check_op(op, spec, latencies, functions)
    check_encodings(spec)
