"""Which rows of isa-spec/x86, in which forms, guest-oracle has executed on the host CPU and in morph.

Run: python3 oracle_coverage.py ISA_SPEC_DIR FILE...

The files are those of guest-oracle --coverage. A form is a row in a mode with a register or memory operand and an operand size; rows
that allow LOCK must have been executed with it. Each form that was never executed must be one of EXEMPT, which says why, and each line
of EXEMPT must be needed.
"""
import collections
import pathlib
import re
import sys

SPEC = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(SPEC / "gen"))
sys.dont_write_bytecode = True
from isagen import emit_x86 as x86  # noqa: E402

KERNEL = "the host's kernel or model shows"
ACCURACY = "processors differ in the last bits: tests/x87 and tests/guest/approximate_test.c have the bounds"
SEGMENTS = "what addresses mean would change, which not all of the host's segments allow"
MODES = "changes the mode, or may"
UNDEFINED = "the manual leaves the result open"
VENDORS = "processors of Intel and AMD differ"
# (op, pattern of forms, why)
EXEMPT = [
    ("CPUID|RDTSC|RDTSCP|RDPMC|RDRAND|RDSEED|SGDT|SIDT|SLDT|SMSW|STR", "", KERNEL),
    ("LAR|LSL|VERR|VERW", "", KERNEL),
    ("F2XM1|FYL2X|FYL2XP1|FPTAN|FPATAN|FSIN|FCOS|FSINCOS|RCPPS|RCPSS|RSQRTPS|RSQRTSS", "", ACCURACY),
    ("LDS|LES|LFS|LGS|LSS|POP_SEG|MOV_TO_SEG", "", SEGMENTS),
    ("CALL_FAR|JMP_FAR|RET_FAR|IRET", "", MODES),
    ("BSWAP", " 2$", UNDEFINED),
    ("MOVSXD", " 2$", UNDEFINED),
    ("NOP", "^0F 0D r", VENDORS),
    ("SYSEXIT", "", VENDORS),
    ("SYSCALL|SYSENTER", "", "system calls"),
    ("INT1", "", "ptrace takes it for the end of a step"),
]


def sizes(row, cond, mode):
    """Operand sizes that make a difference."""
    kinds = {s for _, _, s in row.opnds}
    rexw, pfx = cond["rexw"], cond["pfx"]
    if not kinds & {"v", "z", "y"} or row.attrs & {"P66", "BYTE"}:
        return {0}
    out = {2, 4, 8} if mode else {2, 4}
    if not kinds & {"v", "z"}:
        out.discard(2)
    if kinds <= {"z"} or "MAX4" in row.attrs:
        out.discard(8)
    if mode and "D64" in row.attrs:
        out = {2, 8}
    if mode and "F64" in row.attrs:
        out = {8}
    if pfx and 1 not in pfx and not pfx & {2, 3}:
        out.discard(2)
    if rexw:
        out = out & {8} if rexw == {1} else out - {8}
    return out


def wanted():
    """{(name, code, row): [(mode, memory, size)]}"""
    _, maps, _ = x86.load_x86(SPEC)
    forms = collections.OrderedDict()
    for name, codes in maps.items():
        for code, rows in enumerate(codes):
            for row in rows:
                cond = dict(zip((n for n, _ in x86.SELECT), row.cond))
                either = any(x86.METHODS[m][2] for m, _, _ in row.opnds)
                for mode in cond["mode"] or {0, 1}:
                    if not mode and (cond["rexw"] == {1} or cond["rexb"] == {1}):
                        continue
                    memory = {int(not v) for v in cond["mod"]} if cond["mod"] else {0, 1} if either else {0}
                    for mem in memory:
                        for size in sizes(row, cond, mode):
                            forms.setdefault(row.where, {})[(row, mode, mem, size)] = 0
    return maps, forms


def match(maps, v):
    """The row of a line."""
    rows = maps[x86.MAPS[v["map"]]][v["opcode"]]
    have = {"mode": v["mode"], "rexb": v["rexb"], "rexw": v["rexw"], "pfx": v["prefix"], "mod": int(v["modrm"] >= 0xc0),
            "reg": v["modrm"] >> 3 & 7, "rm": v["modrm"] & 7}
    best = None
    for row in rows:
        cond = dict(zip((n for n, _ in x86.SELECT), row.cond))
        if all(c is None or have[k] in c for k, c in cond.items()):
            weight = sum(c is not None for c in row.cond)
            if not best or weight > best[0]:
                best = (weight, row)
    return best and best[1]


def main():
    maps, forms = wanted()
    extra = collections.Counter()
    total = 0
    for path in sys.argv[2:]:
        lines = pathlib.Path(path).read_text().splitlines()
        names = lines[0].split()
        for line in lines[1:]:
            v = dict(zip(names, map(int, line.split())))
            row = match(maps, v)
            if not row:
                sys.exit(f"oracle_coverage: {path}: no row for {v}")
            n = v["done"] + v["raised"]
            total += n
            for key in forms[row.where]:
                other, mode, mem, size = key
                memory = mem == int(v["modrm"] < 0xc0) or not any(x86.METHODS[m][2] for m, _, _ in row.opnds)
                if other == row and mode == v["mode"] and memory and size in (0, v["opsize"]):
                    forms[row.where][key] += n
            for what in ("lock", "high", "p67", "seg", "ext"):
                extra[(row.where, what)] += n * v[what]
    never = []  # (op, form)
    count = 0
    for where, here in forms.items():
        encoding = where.split(":", 1)[1].strip().strip('"')
        for (row, mode, mem, size), n in here.items():
            count += 1
            if not n:
                never.append((row.op, f"{encoding} {('IA-32', '64-bit')[mode]} {('register', 'memory')[mem]} {size or ''}".strip()))
        row = next(iter(here))[0]
        if "LOCK" in row.attrs and not extra[(where, "lock")]:
            never.append((row.op, f"{encoding} with LOCK"))
    used, bad, exempt = set(), 0, 0
    for op, form in never:
        for i, (ops, pattern, _) in enumerate(EXEMPT):
            if re.fullmatch(ops, op) and re.search(pattern, form):
                used.add(i)
                exempt += 1
                break
        else:
            bad += 1
            if bad <= 40:
                print(f"FAIL never executed: {op} {form}")
    for i, (ops, pattern, _) in enumerate(EXEMPT):
        if i not in used:
            bad += 1
            print(f"FAIL an exemption that nothing needs: {ops} {pattern}")
    print(f"{total} instructions; {count - len(never)} of {count} forms executed, {exempt} exempt, {bad} missing")
    sys.exit(bad != 0)


if __name__ == "__main__":
    main()
