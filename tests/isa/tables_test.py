"""Tables that must be refused, each with its message. Run: python3 tables_test.py <isa-spec folder>

A case copies the real tables, changes one thing, and looks for words of the message. The real tables must pass.
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SPEC = pathlib.Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else pathlib.Path("isa-spec").resolve()

# file, text, what it becomes, the message from "<file>: " on.
CASES = {
    "unknown unit": (
        "duke/ops_int.toml",
        'fn =  0, unit = "I", lat = "int", sem = "ra + rb"',
        'fn =  0, unit = "Q", lat = "int", sem = "ra + rb"',
        'op.add: unit: "Q" is unknown; it must be one of I, A, M, B, S, F, V, X, N'),
    "unknown format": (
        "duke/ops_int.toml",
        'add      = { fmt = "R3"',
        'add      = { fmt = "R9"',
        'op.add: fmt "R9" is unknown; formats are R3, R3I,'),
    "unknown latency": (
        "duke/ops_int.toml",
        'unit = "A", lat = "mul", sem = "ra * rb"',
        'unit = "A", lat = "mull", sem = "ra * rb"',
        'op.mul: lat: "mull" is unknown; it must be one of int, load, mul,'),
    "unknown lanes": (
        "duke/hazards.toml",
        'A = { lanes = "A"',
        'A = { lanes = "X"',
        'unit.A: lanes: "X" is unknown; it must be one of M or A, A, A0, M, B, none'),
    "unknown kind": (
        "duke/ops_ctl.toml",
        'kind = "jump",',
        'kind = "jmp",',
        'op.j: kind: "jmp" is unknown; it must be one of alu,'),
    "unknown key": (
        "duke/ops_int.toml",
        'sem = "ra + rb", commutes = true',
        'sem = "ra + rb", comutes = true',
        "op.add: key `comutes` is unknown; keys are alone,"),
    "missing key": (
        "duke/ops_int.toml",
        'add      = { fmt = "R3", op = 0x10,',
        'add      = { fmt = "R3",',
        "op.add: key `op` is missing"),
    "missing semantics": (
        "duke/ops_int.toml",
        'sem = "ra + rb", commutes',
        "commutes",
        "op.add: key `sem` is missing; an op of kind alu needs its value or condition"),
    "overlapping function": (
        "duke/ops_int.toml",
        "op = 0x10, fn =  1,",
        "op = 0x10, fn =  0,",
        "op.sub: opcode 0x10 function 0 overlaps"),
    "overlapping opcode": (
        "duke/ops_int.toml",
        'addi     = { fmt = "RI", op = 0x19',
        'addi     = { fmt = "RI", op = 0x1a',
        "op.andi: opcode 0x1a overlaps"),
    "opcode of a short immediate": (
        "duke/ops_int.toml",
        'addi     = { fmt = "RI", op = 0x19',
        'addi     = { fmt = "RI", op = 0x11',
        "op.addi: opcode 0x11 overlaps"),
    "opcode among extension words": (
        "duke/ops_int.toml",
        'addi     = { fmt = "RI", op = 0x19',
        'addi     = { fmt = "RI", op = 0x60',
        "op.addi: op: 96 is out of range; it must be an integer from 1 to 95"),
    "function out of range": (
        "duke/ops_int.toml",
        "op = 0x10, fn =  1,",
        "op = 0x10, fn = 64,",
        "op.sub: fn: 64 is out of range; it must be an integer from 0 to 63"),
    "function missing": (
        "duke/ops_int.toml",
        "op = 0x10, fn =  1,",
        "op = 0x10,",
        "op.sub: fn is missing; format R3 has a function field"),
    "function where none is": (
        "duke/ops_int.toml",
        'addi     = { fmt = "RI", op = 0x19,',
        'addi     = { fmt = "RI", op = 0x19, fn = 1,',
        "op.addi: fn is given; format RI has none"),
    "same identifier": (
        "duke/ops_int.toml",
        "[op]\n",
        '[op]\nadd_w = { fmt = "R3", op = 0x10, fn = 63, unit = "I", sem = "ra", doc = "" '
        "}\n",
        "both become ADD_W"),
    "same name in two files": (
        "duke/ops_ctl.toml",
        "[op]\n",
        '[op]\nadd = { fmt = "R3", op = 0x10, fn = 63, unit = "I", sem = "ra", doc = "" }\n',
        "both become ADD"),
    "same name in one file": (
        "duke/ops_int.toml",
        "[op]\n",
        '[op]\nsub = { fmt = "R3", op = 0x10, fn = 63, unit = "I", sem = "ra", doc = "" }\n',
        "not TOML: Cannot overwrite a value"),
    "unknown variable": (
        "duke/ops_int.toml",
        'sem = "ra + rb", commutes',
        'sem = "ra + rx", commutes',
        "op.add: sem: line 1: variable `rx` is unknown; here one may use cc, fa,"),
    "unknown function": (
        "duke/ops_int.toml",
        'sem = "ra + rb", commutes',
        'sem = "plus(ra, rb)", commutes',
        "op.add: sem: line 1: function `plus` is unknown; primitives are zext,"),
    "wrong number of arguments": (
        "duke/ops_int.toml",
        'sem = "sar(ra, rb & 63)"',
        'sem = "sar(ra)"',
        "op.sar: sem: line 1: `sar` takes 2 arguments, not 1"),
    "no expression": (
        "duke/ops_int.toml",
        'sem = "ra + rb", commutes',
        'sem = "ra +", commutes',
        'op.add: sem: "ra +" is no expression'),
    "not of the language": (
        "duke/ops_int.toml",
        'sem = "ra + rb", commutes',
        'sem = "ra / rb", commutes',
        "op.add: sem: line 1: operator of `ra / rb` is unknown; there are + - *"),
    "attribute": (
        "duke/ops_int.toml",
        'sem = "ra + rb", commutes',
        'sem = "ra.bit", commutes',
        "`ra.bit` is not of the semantics language"),
    "shift too far": (
        "duke/ops_int.toml",
        'sem = "ra + rb", commutes',
        'sem = "ra << 64", commutes',
        "shift count 64 is not below 64"),
    "recursion": (
        "duke/functions.sem",
        "    return (x >> i) & 1",
        "    return bit(x, i)",
        "function `bit` is unknown; primitives are"),
    "assigned twice": (
        "duke/functions.sem",
        "    z = y ^ (y >> 2)\n",
        "    y = y ^ (y >> 2)\n",
        "`y` is assigned twice; every name has one value"),
    "statement": (
        "duke/functions.sem",
        "    z = y ^ (y >> 2)\n",
        "    z += 1\n",
        "must be `name = expression`"),
    "field out of the word": (
        "duke/formats.toml",
        'rd = "23:18", ra = "17:12", rb = "11:6", fn = "5:0"',
        'rd = "33:28", ra = "17:12", rb = "11:6", fn = "5:0"',
        'format.R3: fields.rd: "33:28" is out of range, bits go from 31 down to 0'),
    "field of another width": (
        "duke/formats.toml",
        'rd = "23:18", ra = "17:12", rb = "11:6", fn = "5:0"',
        'rd = "23:19", ra = "17:12", rb = "11:6", fn = "5:0"',
        "format.R3: field rd has 5 bits; it must have 6"),
    "overlapping fields": (
        "duke/formats.toml",
        'rd = "23:18", ra = "17:12", rb = "11:6", fn = "5:0"',
        'rd = "23:18", ra = "18:13", rb = "11:6", fn = "5:0"',
        "format.R3, reg form: field ra overlaps rd in bit 18; fields must be disjoint"),
    "immediate over the opcode": (
        "duke/formats.toml",
        'imm = ["23:0"]',
        'imm = ["24:0"]',
        "format.J, imm form: field imm overlaps opcode in bit 24"),
    "bit without a field": (
        "duke/formats.toml",
        'imm_ext = ["x16:0"]',
        'imm_ext = ["x15:0"]',
        "format.MEMC, ext form: bit x16 belongs to no field; give it to one, or to `zero`"),
    "mask of another width": (
        "duke/formats.toml",
        'mask = ["x28:17", "3:0"]',
        'mask = ["x28:17", "3:1"]',
        "format.MEMC: mask has 15 bits; it must have 16"),
    "not a bit range": (
        "duke/formats.toml",
        'imm = ["23:0"]',
        'imm = ["23-0"]',
        '"23-0" is not a bit range like "11:6" or "x28:0"'),
    "unknown field": (
        "duke/formats.toml",
        'cc = "23:20", zero',
        'ccc = "23:20", zero',
        'format.BF: field ccc: "ccc" is unknown'),
    "memory size": (
        "duke/ops_mem.toml",
        'op = 0x20, unit = "M", lat = "load", kind = "load", space = "guest", size =  8',
        'op = 0x20, unit = "M", lat = "load", kind = "load", space = "guest", size =  9',
        'op.ldg.bu: size: "9" is unknown; it must be one of 8, 16, 32, 64'),
    "memory space": (
        "duke/ops_mem.toml",
        'op = 0x20, unit = "M", lat = "load", kind = "load", space = "guest"',
        'op = 0x20, unit = "M", lat = "load", kind = "load", space = "gast"',
        'op.ldg.bu: space: "gast" is unknown'),
    "speculation and format": (
        "duke/ops_mem.toml",
        '"ldp.bu"   = { fmt = "MEMP"',
        '"ldp.bu"   = { fmt = "MEM"',
        'op.ldp.bu: fmt "MEM" does not suit spec "protect"; it must be MEMP'),
    "control register number": (
        "duke/regs.toml",
        "tcause  = { n = 1,",
        "tcause  = { n = 0,",
        "cr.tcause: n = 0 is also the number of tvec"),
    "control register range": (
        "duke/regs.toml",
        "tcause  = { n = 1,",
        "tcause  = { n = 64,",
        "cr.tcause: n: 64 is out of range; it must be an integer from 0 to 63"),
    "control register access": (
        "duke/regs.toml",
        'n = 1,  rw = "rw"',
        'n = 1,  rw = "w"',
        'cr.tcause: rw: "w" is unknown; it must be one of r, rw'),
    "trap number": (
        "duke/traps.toml",
        "tlb_miss_load  = { n = 2,",
        "tlb_miss_load  = { n = 1,",
        "cause.tlb_miss_load: n = 1 is also the number of illegal"),
    "category number": (
        "duke/events.toml",
        "idle      = { n = 9,",
        "idle      = { n = 12,",
        "category.idle: n: 12 is out of range; it must be an integer from 0 to 11"),
    "machine key missing": (
        "machines/default.toml",
        "l2_hit = 8",
        "#",
        "caches.l2_hit is missing; it must be an integer from 1 to 255"),
    "machine key unknown": (
        "machines/default.toml",
        "l2_hit = 8",
        "l2_hit = 8\nl3_hit = 9",
        "caches.l3_hit is unknown; keys are line, l1i_kib,"),
    "machine section unknown": (
        "machines/default.toml",
        "[units]",
        "[unit]",
        "section [unit] is unknown; sections are machine, lanes, units"),
    "machine value": (
        "machines/default.toml",
        "l1d_ways = 4",
        "l1d_ways = 3",
        "caches.l1d_ways = 3 is not right; it must be a power of two from 1 to 16"),
    "machine flag": (
        "machines/default.toml",
        "m_does_int = true",
        "m_does_int = 1",
        "lanes.m_does_int = 1 is not right; it must be true or false"),
    "machine number": (
        "machines/default.toml",
        "m = 2 ",
        "m = true ",
        "lanes.m = True is not right; it must be an integer from 1 to 2"),
    "machine id": (
        "machines/tm5400.toml",
        "id = 2",
        "id = 1",
        "machine.id: 1 is also the id of machine default"),
    "machine name": (
        "machines/tm5400.toml",
        'name = "tm5400"',
        'name = "default"',
        'machine.name: "default" is also the name of'),
    "broken TOML": (
        "machines/tm5400.toml",
        "[lanes]",
        "[lanes",
        "not TOML:"),
}


class Refused(unittest.TestCase):
    def run_isagen(self, folder, *args):
        env = {"PYTHONPATH": str(SPEC / "gen"), "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin"}
        return subprocess.run([sys.executable, "-m", "isagen", "--spec", folder, *args], env=env, text=True, capture_output=True)

    def test_real_tables_pass(self):
        done = self.run_isagen(SPEC)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_command_line(self):
        for args, want in ((["--machine", "x"], '--machine: "x" is unknown; there are default, tm5400'),
                           (["--out", "/nonexistent", "q"], 'emitter "q" is unknown; there are c, '),
                           (["c"], "--out: the folder to write to is missing")):
            done = self.run_isagen(SPEC, *args)
            self.assertEqual(done.returncode, 2)
            self.assertIn(want, done.stderr)

    def test_missing_folder(self):
        done = self.run_isagen("/nonexistent")
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1))
        self.assertIn("/nonexistent/duke/formats.toml: cannot be read: No such file", done.stderr)


def add_case(name, file, old, new, message):
    def test(self):
        with tempfile.TemporaryDirectory() as tmp:
            for part in ("duke", "machines"):
                shutil.copytree(SPEC / part, pathlib.Path(tmp) / part)
            path = pathlib.Path(tmp) / file
            text = path.read_text()
            self.assertIn(old, text, "the case no longer fits the table")
            path.write_text(text.replace(old, new, 1))
            done = self.run_isagen(tmp)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertIn(message, done.stderr)
        self.assertIn(tmp, done.stderr)
    setattr(Refused, "test_" + name.replace(" ", "_"), test)


for case_name, case in CASES.items():
    add_case(case_name, *case)

if __name__ == "__main__":
    unittest.main()
