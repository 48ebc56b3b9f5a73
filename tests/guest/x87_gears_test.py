"""x87 code in loops: what translations leave behind is what the interpreter does, pointers to the last instruction included.
Run: python3 x87_gears_test.py SELKIRK [--seed N] [--count N]

The host CPU is the oracle of single instructions and straight sequences (guest-oracle --x87); here it is code that comes by more than
once, with another stack, control word or page than before.
"""
import json
import random
import struct
import subprocess
import sys
import unittest

SELKIRK = sys.argv.pop(1)
SEED, COUNT = 1, 60
for option in ("--seed", "--count"):
    if option in sys.argv:
        at = sys.argv.index(option)
        value = int(sys.argv[at + 1])
        del sys.argv[at:at + 2]
        SEED, COUNT = (value, COUNT) if option == "--seed" else (SEED, value)

CODE, DATA, DATA_SIZE = 0x10000, 0x20000, 0x2000
DOUBLES, SINGLES, INTS, REALS, WORDS, OUT, ENV = 0x000, 0x100, 0x180, 0x200, 0x300, 0x400, 0x800
GEARS = ("translate", "tcache", "region")
ORDINARY = (0.0, 1.0, -1.5, 3.14159265358979, 1e10, -7e-5, 0.1, 123456.75, -0.0, 2.0, 1e100, -3e-20)
SPECIAL = (float("inf"), float("-inf"), float("nan"), 5e-324, -1e-310, 1e308, 1e-320)


def pack_real(x):
    """A double as ten bytes."""
    bits = struct.unpack("<Q", struct.pack("<d", x))[0]
    exponent, fraction, sign = bits >> 52 & 0x7ff, bits & (1 << 52) - 1, bits >> 63 << 15
    if exponent == 0x7ff:
        return struct.pack("<QH", 1 << 63 | fraction << 11, sign | 0x7fff)
    if exponent == 0:
        return struct.pack("<QH", fraction << 11, sign)
    return struct.pack("<QH", 1 << 63 | fraction << 11, sign | exponent - 1023 + 16383)


class Program:
    """Random code whose stack is balanced; `kinds` says what may come."""

    def __init__(self, rng, specials, controls, wide):
        self.rng, self.specials, self.controls, self.wide = rng, specials, controls, wide
        self.code = bytearray()
        self.depth = 0

    def data(self):
        rng = self.rng
        mem = bytearray(rng.randbytes(DATA_SIZE))
        for i in range(32):
            x = rng.choice(SPECIAL if self.specials and rng.random() < 0.3 else ORDINARY) * rng.choice((1, 1, 1.37, -1))
            struct.pack_into("<d", mem, DOUBLES + 8 * i, x)
            if i < 16:
                mem[REALS + 16 * i:REALS + 16 * i + 10] = pack_real(x)
            if abs(x) < 1e38 or x != x or x in (float("inf"), float("-inf")):
                struct.pack_into("<f", mem, SINGLES + 4 * i, x)
        if self.specials:
            struct.pack_into("<Q", mem, DOUBLES + 8, 0x7ff0000000000123)
            struct.pack_into("<I", mem, SINGLES + 8, 0x7f800123)
            struct.pack_into("<QH", mem, REALS + 32, 0x4000000000000000, 0x4000)
        for i in range(16):
            struct.pack_into("<H", mem, WORDS + 2 * i, 0x37f & ~0xf00 | rng.choice((0, 2, 3)) << 8 | rng.randrange(4) << 10)
        if self.specials:
            struct.pack_into("<H", mem, WORDS + 2, 0x37f & ~rng.choice((1, 4, 8, 32)))
        return bytes(mem)

    def memory(self, opcode, reg, offset):
        """opcode /reg [esi + offset]"""
        self.code += bytes((opcode, 0x86 | reg << 3)) + struct.pack("<i", offset)

    def one(self):
        rng = self.rng
        choice = rng.random()
        if choice < 0.25 and self.depth < 7:
            self.push()
        elif choice < 0.5 and self.depth >= 1:
            self.with_memory()
        elif choice < 0.75 and self.depth >= 1:
            self.with_registers()
        elif choice < 0.85 and self.depth >= 1:
            self.pop()
        elif self.depth >= 1:
            self.rest()
        else:
            self.push()

    def push(self):
        rng = self.rng
        self.depth += 1
        match rng.randrange(8):
            case 0: self.memory(0xd9, 0, SINGLES + 4 * rng.randrange(16))
            case 1 | 2: self.memory(0xdd, 0, DOUBLES + 8 * rng.randrange(32))
            case 3: self.memory(0xdb, 5, REALS + 16 * rng.randrange(16))
            case 4: self.memory(*rng.choice(((0xdf, 0), (0xdb, 0), (0xdf, 5))), INTS + 4 * rng.randrange(16))
            case 5: self.code += bytes((0xd9, rng.choice((0xe8, 0xee))))
            case _ if self.depth > 1: self.code += bytes((0xd9, 0xc0 + rng.randrange(self.depth - 1)))
            case _: self.code += b"\xd9\xe8"

    def pop(self):
        rng = self.rng
        out = OUT + 8 * rng.randrange(32)
        match rng.randrange(7):
            case 0: self.memory(0xd9, 3, out)
            case 1: self.memory(0xdd, 3, out)
            case 2: self.memory(0xdb, 7, out)
            case 3: self.memory(*rng.choice(((0xdf, 3), (0xdb, 3), (0xdf, 7))), out)
            case 4: self.memory(*rng.choice(((0xdf, 1), (0xdb, 1), (0xdd, 1))), out)
            case 5: self.code += bytes((0xdd, 0xd8 + rng.randrange(self.depth)))
            case _ if self.depth > 1: self.code += bytes((0xde, 0xc0 + 8 * rng.choice((0, 1, 4, 5, 6, 7)) + rng.randrange(1, self.depth)))
            case _: self.memory(0xdd, 3, out)
        self.depth -= 1

    def with_memory(self):
        rng = self.rng
        op = rng.choice((0, 1, 2, 4, 5, 6, 7))
        match rng.randrange(6):
            case 0: self.memory(0xd8, op, SINGLES + 4 * rng.randrange(16))
            case 1 | 2: self.memory(0xdc, op, DOUBLES + 8 * rng.randrange(32))
            case 3: self.memory(rng.choice((0xda, 0xde)), op, INTS + 4 * rng.randrange(16))
            case 4: self.memory(*rng.choice(((0xd9, 2), (0xdd, 2), (0xdf, 2), (0xdb, 2))), OUT + 8 * rng.randrange(32))
            case _: self.memory(0xd9, 7, OUT + 4 * rng.randrange(32))

    def with_registers(self):
        rng = self.rng
        st = rng.randrange(self.depth)
        match rng.randrange(9):
            case 0 | 1: self.code += bytes((rng.choice((0xd8, 0xdc)), 0xc0 + 8 * rng.choice((0, 1, 4, 5, 6, 7)) + st))
            case 2 | 3: self.code += bytes((0xd9, 0xc8 + st))
            case 4: self.code += bytes((0xdd, 0xd0 + st))
            case 5: self.code += bytes((0xd9, rng.choice((0xe0, 0xe1, 0xe4, 0xfa, 0xfc, 0xd0))))
            case 6: self.code += bytes((rng.choice((0xda, 0xdb)), 0xc0 + 8 * rng.randrange(4) + st))
            case 7: self.branch(bytes((0xdb, rng.choice((0xe8, 0xf0)) + st)), (0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x7a, 0x7b))
            case _: self.branch(bytes((*rng.choice(((0xdd, 0xe0), (0xd8, 0xd0))),)[:1]) + bytes((0xe0 + st,)) + b"\xdf\xe0"
                                if rng.random() < 0.5 else bytes((0xd8, 0xd0 + st)) + b"\xdf\xe0",
                                (0x72, 0x74, 0x75, 0x77), sahf=True)

    def branch(self, compare, jumps, sahf=False):
        self.code += compare
        if sahf and not self.wide:
            self.code += b"\x9e"
        elif sahf:
            self.code += b"\xf6\xc4\x45"
        at = len(self.code)
        self.code += bytes((self.rng.choice(jumps), 0))
        for _ in range(self.rng.randrange(1, 3)):
            depth = self.depth
            self.with_memory()
            assert depth == self.depth
        if len(self.code) - at - 2 < 128:
            self.code[at + 1] = len(self.code) - at - 2

    def rest(self):
        rng = self.rng
        match rng.randrange(7):
            case 0 if self.controls: self.memory(0xd9, 5, WORDS + 2 * rng.randrange(16))
            case 1: self.memory(0xdd, 7, OUT + 4 * rng.randrange(32))
            case 2: self.code += b"\xdf\xe0"
            case 3: self.code += b"\x83\xc3\x07"
            case 4: self.code += b"\x9b"
            case 5: self.code += bytes((0xd9, 0xe5)) if rng.random() < 0.2 else b"\x0f\xaf\xc3"
            case _: self.code += b"\x03\x46\x10"

    def balanced(self, n):
        start = self.depth
        for _ in range(n):
            self.one()
        while self.depth > start:
            self.pop()
        while self.depth < start:
            self.push()

    def loop(self, n, extra=b""):
        """dec edx instead of ecx: nobody else has it."""
        start = len(self.code)
        self.balanced(n)
        self.code += extra + b"\xff\xca\x0f\x85"
        self.code += struct.pack("<i", start - len(self.code) - 4)


def case(rng, name, program, body, iterations, pointer=DATA, stack=(0, 0)):
    body(program)
    program.memory(0xd9, 6, ENV)  # fnstenv
    top, used = stack
    regs = [rng.randbytes(8)[:7] + b"\x80" + struct.pack("<H", 0x3fff + rng.randrange(-20, 20)) for _ in range(8)]
    prefix = "r" if program.wide else "e"
    tw = sum((0 if used >> i & 1 else 3) << 2 * i for i in range(8))
    return {"id": name, "mode": "x86-64" if program.wide else "ia32", "fp": True, "end": CODE + len(program.code), "max_insts": 20000,
            "regs": {prefix + "ip": CODE, prefix + "si": pointer, prefix + "dx": iterations, prefix + "bx": rng.getrandbits(31),
                     prefix + "sp": DATA + 0x1000},
            "mem": [{"addr": CODE, "bytes": (bytes(program.code) + b"\xf4").hex(), "prot": "rx"},
                    {"addr": DATA, "bytes": program.data().hex(), "prot": "rw"}],
            "x87": {"cw": 0x37f, "sw": top << 11 | rng.choice((0, 0x4500, 0x20)), "tw": tw, "regs": [r.hex() for r in regs]}}


def plain_case(rng, i, specials=False, controls=False, wide=False):
    depth, top = rng.randrange(4), rng.randrange(8)
    p = Program(rng, specials, controls, wide)
    p.depth = depth
    used = sum(1 << (top + k) % 8 for k in range(depth))
    return case(rng, f"plain {i}", p, lambda p: p.loop(rng.randrange(3, 25)), rng.randrange(2, 12), stack=(top, used))


def turning_case(rng, i):
    """The stack turns with each pass: a block finds it in eight states."""
    p = Program(rng, False, False, False)
    return case(rng, f"turning {i}", p, lambda p: p.loop(rng.randrange(2, 8), b"\xd9\xf7"), 40, stack=(rng.randrange(8), 0))


def calling_case(rng, i):
    """A function is called with more and more on the stack, and leaves it so."""
    def body(p):
        p.code += b"\xe8\0\0\0\0"
        call = len(p.code)
        p.code += b"\xd9\xe8\xff\xca\x0f\x85" + struct.pack("<i", -call - 10 + 5 - 5)  # fld1; dec edx; jne
        p.code += b"\xe9\0\0\0\0"
        jump = len(p.code)
        struct.pack_into("<i", p.code, call - 4, jump - call)
        struct.pack_into("<i", p.code, call + 6, -(call + 10))
        p.balanced(rng.randrange(2, 8))
        p.code += b"\xc3"
        struct.pack_into("<i", p.code, jump - 4, len(p.code) - jump)
    p = Program(rng, False, False, False)
    return case(rng, f"calling {i}", p, body, rng.randrange(3, 6), stack=(rng.randrange(8), 0))


def faulting_case(rng, i):
    """The pointer walks out of the mapped pages."""
    p = Program(rng, False, False, False)
    return case(rng, f"faulting {i}", p, lambda p: p.loop(rng.randrange(3, 12), b"\x81\xc6\xa0\0\0\0"), 60, DATA + 0x800)


def run(cases, gear):
    lines = "".join(json.dumps(c) + "\n" for c in cases)
    done = subprocess.run([SELKIRK, "vectors", "--gear", gear, "-c", "morph.guest_cpu=3"], input=lines, text=True,
                          capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


class Gears(unittest.TestCase):
    def compare(self, cases, share=None):
        want = run(cases, "interp")
        for gear in GEARS:
            interpreted = insts = 0
            for c, w, g in zip(cases, want, run(cases, gear), strict=True):
                insts += g["insts"]
                interpreted += g["interpreted"]
                with self.subTest(gear=gear, case=c["id"], seed=SEED):
                    self.assertEqual({k: v for k, v in g.items() if k != "interpreted"},
                                     {k: v for k, v in w.items() if k != "interpreted"}, json.dumps(c))
            if share is not None and gear != "region":
                self.assertLess(interpreted, share * insts, f"{gear}: most is interpreted")

    def cases(self, make, *args, **kwargs):
        return [make(random.Random(f"{SEED} {make.__name__} {args} {kwargs} {i}"), i, *args, **kwargs) for i in range(COUNT)]

    def test_plain(self):
        self.compare(self.cases(plain_case), 0.3)

    def test_wide(self):
        self.compare(self.cases(plain_case, wide=True), 0.3)

    def test_control_words(self):
        self.compare(self.cases(plain_case, controls=True), 0.3)

    def test_special_numbers(self):
        self.compare(self.cases(plain_case, specials=True, controls=True))

    def test_turning_stack(self):
        self.compare(self.cases(turning_case))

    def test_calls(self):
        self.compare(self.cases(calling_case))

    def test_page_faults(self):
        self.compare(self.cases(faulting_case))


if __name__ == "__main__":
    unittest.main()
