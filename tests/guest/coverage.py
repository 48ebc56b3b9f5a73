#!/usr/bin/env python3
"""What each gear and engine does with each row of the guest's tables: docs/ref/guest.md.

Run: python3 coverage.py SELKIRK ISA_SPEC_DIR DOC [--write] [--engines func,rtl,lockstep]

Every row of isa-spec/x86 runs as one instruction in each of its forms (mode; register or memory operand) through `selkirk
vectors`: in the interpreter, translated by gear 2 and in a region of gear 3. All must leave the same state. The table that comes of it
must be the one in DOC; --write puts it there. Other engines must do the same as func.
"""
import json
import pathlib
import subprocess
import sys

SPEC = pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SPEC / "gen"))
sys.dont_write_bytecode = True
from isagen import emit_x86 as x86  # noqa: E402

CODE, DATA, USER_DATA = 0x10000, 0x20000, 0x2b
X87_FILLER = "7f3f7f3f"  # four bytes: a control word too
GEARS = ("interp", "translate", "region")
PREFIX = (b"", b"\x66", b"\xf3", b"\xf2")
MAP_BYTES = {"one": b"", "0F": b"\x0f", "0F38": b"\x0f\x38", "0F3A": b"\x0f\x3a"}
# What stands for a group in the table, in this order; the others are features.
GROUPS = {"opcodes": "integer and system", "x87": "x87"}
VECTORS = {0: "#DE", 1: "#DB", 3: "#BP", 4: "#OF", 5: "#BR", 6: "#UD", 7: "#NM", 13: "#GP", 14: "#PF"}


def imm_bytes(row, mode, wide):
    log = 3 if wide or ("F64" in row.attrs and mode) else 0 if "BYTE" in row.attrs else 2
    if "MAX4" in row.attrs:
        log = min(log, 2)
    n = x86.IMMS[row.imm][log] + {"FAR": 2, "ENTER": 1}.get(row.imm, 0)
    if row.imm == "MOFFS":
        return DATA.to_bytes(8 if mode else 4, "little")
    # Immediates are 0 where they say where to go, else 1.
    branch = row.op in ("JMP", "CALL", "JCC", "JCXZ", "LOOP", "LOOPE", "LOOPNE")
    return (0 if branch or not n else 1).to_bytes(n, "little")


def encode(row, name, code, mode, memory):
    """The instruction's bytes, or None if the row has no such form."""
    cond = dict(zip((n for n, _ in x86.SELECT), row.cond))
    if cond["mode"] and mode not in cond["mode"] or cond["rexb"] == {1} and not mode:
        return None
    if cond["mod"] and int(not memory) not in cond["mod"]:
        return None
    wide = cond["rexw"] == {1}
    if wide and not mode:
        return None
    modrm = b""
    if "MODRM" in row.attrs:
        reg = min(cond["reg"]) if cond["reg"] else 1
        rm = min(cond["rm"]) if cond["rm"] else 7 if memory else 2
        if row.op == "MOV_TO_SEG":
            reg = 3
        if row.op in ("MOV_FROM_CR", "MOV_TO_CR"):
            reg = 0
        modrm = bytes([(0 if memory else 0xc0) | reg << 3 | rm])
    elif memory:
        return None
    pfx = min(cond["pfx"]) if cond["pfx"] else 0
    tail = modrm + imm_bytes(row, mode, wide)
    if name in x86.VEX_MAPS:
        other = 3 if any(m == "B" for m, _, _ in row.opnds) else 0
        vex = [0, 1, 2, 3][pfx] | (~other & 15) << 3 | wide << 7
        return bytes([0xc4, 0xe0 | x86.VEX_MAPS[name], vex, code]) + tail
    rex = bytes([0x40 | wide << 3 | (cond["rexb"] == {1})]) if wide or cond["rexb"] == {1} else b""
    return PREFIX[pfx] + rex + MAP_BYTES[name] + bytes([code]) + tail


def forms():
    """[(group, row, mode, memory, bytes)], each row of the tables once a form."""
    _, maps, _ = x86.load_x86(SPEC)
    seen, out = set(), []
    for name, rows in maps.items():
        for code, here in enumerate(rows):
            for row in here:
                group = row.feature or pathlib.Path(row.where.split(":")[0]).stem
                for mode in (0, 1):
                    for memory in (False, True):
                        key = (row.where, row.data, mode, memory)
                        data = encode(row, name, code, mode, memory)
                        if data and key not in seen:
                            seen.add(key)
                            out.append((group, row, mode, memory, data))
    return out


def far(op, mode, end):
    """The operand of what loads a segment register: 4,096 bytes; None for other instructions."""
    code = 0x33 if mode else 0x23
    if op in ("LDS", "LES", "LSS", "LFS", "LGS"):
        words = [end, USER_DATA]
    elif op in ("MOV_TO_SEG", "POP_SEG"):
        words = [USER_DATA]
    elif op == "RET_FAR":
        words = [end, code]
    elif op == "IRET":
        words = [end, code, 2, DATA + 0x800, USER_DATA]
    else:
        return None
    one = b"".join(w.to_bytes(4, "little") for w in words)
    before = b"" if op != "IRET" else bytes(0x800)
    return (before + one * (4096 // len(one)))[:4096].ljust(4096, b"\0").hex()


def case(op, mode, data):
    """Memory is full of the address behind the instruction, so that whatever jumps ends there."""
    p, end = "r" if mode else "e", CODE + len(data)
    regs = {"ax": 1, "cx": 1, "dx": 0 if op in ("DIV", "IDIV") else end, "bx": DATA + 0x400, "sp": DATA + 0x800, "bp": DATA + 0x900,
            "si": DATA + 0x200, "di": DATA + 0x100}
    values = {p + k: v for k, v in regs.items()} | {p + "ip": CODE}
    filler = far(op, mode, end) or end.to_bytes(8 if mode else 4, "little").hex() * (512 if mode else 1024)
    if op == "MOV_TO_SEG":
        values |= {p + "dx": USER_DATA}
    x87, behind = {}, b""
    if op.startswith("F"):  # ordinary numbers everywhere, half the stack in use; and enough behind to be worth a translation
        behind = b"\x90" * 8
        filler = X87_FILLER * 1024
        x87 = {"x87": {"cw": 0x37f, "sw": 4 << 11, "tw": 0x00ff, "regs": [f"{i:02x}000000000000c0ff3f" for i in range(8)]}}
    return x87 | {"mode": ("ia32", "x86-64")[mode], "regs": values, "end": end, "max_insts": 1000, "fp": True,
            "xmm": [f"{i:02x}" * 16 for i in range(1, 9)],
            "mem": [{"addr": CODE, "bytes": (data + behind + b"\xf4").hex()}, {"addr": DATA, "bytes": filler, "prot": "rw"}]}


def run(selkirk, engine, gear, cases):
    """Results of the cases, each the second of two runs: by then it is translated."""
    text = "".join(json.dumps(c) + "\n" for c in cases for _ in range(2))
    done = subprocess.run([selkirk, "vectors", "--gear", gear, "-e", engine], input=text, text=True, capture_output=True, check=False)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode or len(results) != 2 * len(cases):
        sys.exit(f"coverage: {engine}, {gear}: {len(results)} of {2 * len(cases)} results; {done.stderr}")
    return results[1::2]


def state(result):
    return {k: v for k, v in result.items() if k not in ("insts", "interpreted", "text")}


def fate(result):
    """done, or the exception, system call or lack that it ends in."""
    stop = result["stop"]
    if stop == "exception":
        vector = result["exception"]["vector"]
        return VECTORS.get(vector, f"exception {vector}")
    return "done" if stop == "end" else stop


def spread(names, width=126):
    lines, line = [], ""
    for name in sorted(names):
        if len(line) + len(name) + 2 > width:
            lines.append(line.rstrip())
            line = ""
        line += name + ", "
    return "\n".join([*lines, line.rstrip(", ")])


def table(all_forms, results):
    groups = {}
    for form, *by_gear in zip(all_forms, *results):
        groups.setdefault(form[0], []).append((form, by_gear))
    order = sorted(groups, key=lambda g: (list(GROUPS).index(g) if g in GROUPS else 9, g))
    out = ["# What the guest's processor executes, by gear\n", "Generated by `tests/guest/coverage.py --write` (scripts/update-ref); "
           "the test guest.coverage keeps it up to date.\n",
           "One form is a row of isa-spec/x86 in one mode (IA-32, 64-bit) with a register or a memory operand. Each runs in every "
           "gear\nand leaves the same state in all. *translated*: gear 2 or gear 3 has native code for it; the rest of the forms is "
           "left to the\ninterpreter. *raises*: it ends in an exception or a system call, as it should in user mode. The engines "
           "func, rtl and\nlockstep run the same firmware: the nightly run of the test compares all forms between them.\n",
           "| group | instructions | forms | interpreted | translated, gear 2 | gear 3 | raises | missing |",
           "|---|---|---|---|---|---|---|---|"]
    left, raising, missing = {}, {}, set()
    for group in order:
        rows = groups[group]
        count = dict.fromkeys(("interp", "translate", "region", "raises", "missing"), 0)
        for (_, row, _, _, _), by_gear in rows:
            what = fate(by_gear[0])
            if what == "unimplemented":
                count["missing"] += 1
                missing.add(row.op)
            elif what != "done":
                count["raises"] += 1
                raising.setdefault(what, set()).add(row.op)
            else:
                count["interp"] += 1
                for gear, result in list(zip(GEARS, by_gear))[1:]:
                    translated = not result["interpreted"]
                    count[gear] += translated
                    if not translated:
                        left.setdefault(group, set()).add(row.op)
        ops = len({row.op for (_, row, _, _, _), _ in rows})
        out.append(f"| {GROUPS.get(group, group)} | {ops} | {len(rows)} | {count['interp']} | {count['translate']} | "
                   f"{count['region']} | {count['raises']} | {count['missing']} |")
    out.append("\n## Left to the interpreter in at least one form")
    for group in order:
        if group in left:
            out.append(f"\n{GROUPS.get(group, group)}:\n{spread(left[group])}")
    out.append("\n## Raise in user mode")
    for what in sorted(raising):
        out.append(f"\n{what}:\n{spread(raising[what])}")
    out.append("\n## Missing\n\nDecoded, but no gear has them; a run stops with the instruction's address and text.\n")
    out.append((spread(missing) or "No form.") + "\n\nThe same holds for operands that form the rare case: IA-32 code that loads DS or ES "
               "with the null selector or a\nsegment that is read-only or limited, and far transfers between 32-bit and 64-bit code.")
    return "\n".join(out) + "\n"


def main():
    selkirk, doc = sys.argv[1], pathlib.Path(sys.argv[3])
    options = sys.argv[4:]
    engines = options[options.index("--engines") + 1].split(",") if "--engines" in options else ["func"]
    all_forms = forms()
    cases = [case(row.op, mode, data) for _, row, mode, _, data in all_forms]
    bad, first = 0, None
    for engine in engines:
        results = [run(selkirk, engine, gear, cases) for gear in GEARS]
        first = first or results
        for gear, here in zip(GEARS, results):
            for (_, row, mode, _, data), want, got in zip(all_forms, first[0], here):
                if state(want) != state(got) and fate(want) not in ("unimplemented",):
                    bad += 1
                    if bad <= 10:
                        print(f"FAIL {engine}, {gear}, mode {mode}: {row.op} {data.hex()}: differs from the interpreter on {engines[0]}\n"
                              f"  {state(want)}\n  {state(got)}")
    text = table(all_forms, first)
    print(f"{len(all_forms)} forms of {len({r.op for _, r, _, _, _ in all_forms})} instructions, {len(engines)} engines, {bad} differ")
    if "--write" in options:
        doc.write_text(text)
    elif not doc.exists() or doc.read_text() != text:
        bad += 1
        print(f"FAIL {doc} is stale; run scripts/update-ref")
    sys.exit(bad != 0)


if __name__ == "__main__":
    main()
