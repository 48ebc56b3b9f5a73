"""Reads what region-ir prints, and follows a block's nodes: values, stores and exits as terms."""
from dataclasses import dataclass, field

from terms import LOADS

GUEST = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
         "flags", "fs", "gs", "target")
TARGET = GUEST.index("target")
LATE, ZERO = 1, 2
FLAG_BITS = 0x8d5


class Shape(Exception):
    """The blocks differ in a way that the proof has no rule for."""


@dataclass
class Node:
    ref: int
    op: str
    a: int
    b: int
    c: int
    x: int
    imm: int
    over: int


@dataclass
class Exit:
    kind: str
    flags: int
    ninsns: int
    op: str
    target: int
    next: int


@dataclass
class Block:
    nodes: list = field(default_factory=list)
    exits: list = field(default_factory=list)


@dataclass
class Region:
    rip: int
    wide: bool
    level: int
    insns: int
    plain: Block | None = None
    opt: Block | None = None
    refused: str = ""


def read_regions(lines):
    """Yields Regions."""
    region = block = None
    for number, line in enumerate(lines, 1):
        words = line.split()
        try:
            if words[0] == "region":
                if region:
                    yield region
                region = Region(int(words[1], 16), words[2] == "1", int(words[3]), int(words[4]))
            elif words[0] == "refused":
                region.refused = line.split(maxsplit=1)[1].strip()
            elif words[0] in ("plain", "opt"):
                block = Block()
                setattr(region, words[0], block)
            elif words[0] == "n":
                ref, a, b, c, x, imm, over = (int(w) for w in (words[1], *words[3:]))
                block.nodes.append(Node(ref, words[2], a, b, c, x, imm, over))
            elif words[0] == "e":
                block.exits.append(Exit(words[2], int(words[3]), int(words[4]), words[5], int(words[6], 16), int(words[7], 16)))
            elif words[0] != "end":
                raise ValueError(words[0])
        except (IndexError, ValueError, AttributeError) as e:
            raise SystemExit(f"line {number}: not what region-ir prints: {e}") from e
    if region:
        yield region


@dataclass
class Store:
    ref: int
    address: object
    size: int
    value: object
    over: int


@dataclass
class Point:
    """An exit or a commit, as the walk comes to it."""
    index: int         # of its node
    exit: Exit
    insns: int         # guest instructions since the entry
    condition: object  # 1 if it leaves
    commits: bool
    state: dict        # guest state that is seen there
    nstores: int       # stores so far
    naccesses: int
    nfaults: int


class Walk:
    """Follows a block. `load(walk, node, address, size)` and `store(walk, Store)` are the caller's."""

    def __init__(self, terms, block, canon, load, store):
        self.terms, self.block, self.canon = terms, block, canon
        self.load, self.store = load, store
        narrow = not terms.wide
        self.value = {0: terms.zero}
        for g, name in enumerate(GUEST):
            if name == "flags":
                t = terms.entry(name, 12, FLAG_BITS)
            else:
                t = terms.entry(name, 32 if narrow else 64)
            self.value[g + 1] = t
        self.home = {g: self.value[g + 1] for g in range(len(GUEST))}
        self.committed = dict(self.home)
        self.insns = 0
        self.points, self.faults, self.calls, self.accesses = [], [], [], []
        self.nstores = 0

    def run(self):
        """Yields each Point when it is reached."""
        for n in self.block.nodes:
            method = getattr(self, "at_" + n.op, None)
            if method:
                result = method(n)
                if result is not None:
                    yield result
            elif n.op.startswith(("ldg.", "stg.")):
                self.access(n)
            else:
                self.compute(n)

    def operand(self, ref):
        return self.value[ref]

    def compute(self, n):
        t = self.terms
        if n.op == "li":
            self.value[n.ref] = t.const(n.imm)
            return
        if n.op not in t.semantics.reads:
            raise Shape(f"node {n.ref}: no semantics of {n.op}")
        second = self.value[n.b] if n.b or n.op in t.semantics.registers_only else t.const(n.imm)
        self.value[n.ref] = self.canon(t.op(n.op, self.value[n.a], second, self.value[n.c], n.x))

    def address(self, n):
        t = self.terms
        a = t.address(self.value[n.a], self.value[n.b], n.x, n.imm)
        direct = [(x + (y << n.x) + n.imm) % t.modulus for x, y in zip(self.value[n.a].sig, self.value[n.b].sig)]
        assert tuple(direct) == a.sig, "a linear form is wrong"
        return self.canon(a)

    def access(self, n):
        kind = n.op[4:]
        if kind[0] == "f":
            raise Shape(f"node {n.ref}: floating point")
        size = LOADS[kind[0]]
        address = self.address(n)
        if n.op.startswith("stg."):
            self.accesses.append((address, size, True))
            self.store(self, Store(n.ref, address, size, self.value[n.c], n.over))
            self.nstores += 1
            return
        self.accesses.append((address, size, False))
        t = self.terms
        value = t.cat(self.load(self, n, address, size))
        if kind.endswith("s"):
            value = t.op(f"exts.{kind[0]}", value, t.zero)
        self.value[n.ref] = self.canon(value)

    def at_nop(self, n):
        pass

    at_addr = at_nop

    def at_label(self, n):
        raise Shape(f"node {n.ref}: a label")

    def at_set(self, n):
        t = self.terms
        if n.x >= len(GUEST):
            raise Shape(f"node {n.ref}: an XMM register")
        self.home[n.x] = self.value[n.a] if n.a else t.const(n.imm if t.wide else n.imm & 0xffffffff)

    def at_fault(self, n):
        self.faults.append(self.value[n.a])

    def at_call(self, n):
        self.calls.append((self.value[n.a], self.block.exits[n.imm].target))

    def at_exit(self, n):
        t, e = self.terms, self.block.exits[n.imm]
        condition = t.const(1) if e.op == "always" else self.canon(t.op(e.op, self.value[n.a], self.value[n.b], None, n.x))
        late = e.flags & LATE
        insns = self.insns + e.ninsns
        commits = bool(e.ninsns or e.flags & ZERO)
        if not late and commits:
            self.insns = insns
            self.committed = dict(self.home)
        state = dict(self.home) if late else self.committed
        point = Point(n.ref, e, insns, condition, commits and not late, state, self.nstores, len(self.accesses), len(self.faults))
        self.points.append(point)
        return point
