"""Terms: values of a region as functions of the guest's state at its entry. Equal terms are one object.

Operators: Duke's ops (names of isa-spec), and

    const K          a word
    entry NAME       guest state at the region's entry
    byte T K         byte K of T
    cat B0 B1 ...    bytes, low one first, with zeros above
    sum              an address: constants times terms, plus a constant, modulo 2^32 or 2^64
    memory V ADDRESS the byte at an address after the first V stores of the plain region

Each term has a signature: its values for some choices of the entry's state. Terms that differ there differ; terms that do not
may be equal, which is for Z3 to prove (solver.py).
"""
import hashlib
import random

from semantics import MASK, signed

VECTORS = 24
NARROW = (1, 8, 12, 16, 32)
REMAINDER = {"divu": "remu", "div": "rem"}  # a - a / b * b is the remainder, for b = 0 too
LOADS = {"b": 1, "h": 2, "w": 4, "d": 8}


class Term:
    __slots__ = ("op", "args", "cc", "value", "number", "sig", "bits", "size", "linear")

    def __repr__(self):
        if self.op == "const":
            return f"{self.value:#x}"
        if self.op in ("entry", "memory"):
            return f"{self.op}.{self.value}"
        more = [str(v) for v in (self.value, f"cc {self.cc}" if self.cc else None) if v is not None]
        return f"t{self.number} = {self.op}({', '.join([f't{a.number}' for a in self.args] + more)})"


def _random_word(rng, bits, k):
    """Choice k of an entry: wild ones, small ones, and ones near a sign's change."""
    if k % 4 == 1:
        return rng.randrange(256)
    if k % 4 == 2:
        return (signed(rng.randrange(16), 4) + (1 << (bits - 1))) & ((1 << bits) - 1)
    return rng.getrandbits(bits)


class Terms:
    """All terms of one region. `bound(op)` says below which power of two an op's results are, as proven."""

    def __init__(self, semantics, bound, wide):
        self.semantics, self.bound, self.wide = semantics, bound, wide
        self.modulus = 1 << (64 if wide else 32)
        self.table, self.all = {}, []
        self.zero = self.const(0)

    def _make(self, op, args, cc, value, sig, bits):
        key = (op, tuple(a.number for a in args), cc, value)
        t = self.table.get(key)
        if t is None:
            t = Term()
            t.op, t.args, t.cc, t.value, t.number, t.linear = op, args, cc, value, len(self.all), None
            t.sig, t.bits = sig() if callable(sig) else sig, bits
            self.table[key] = t
            self.all.append(t)
        return t

    def const(self, k):
        k &= MASK
        return self._make("const", (), 0, k, (k,) * VECTORS, k.bit_length())

    def entry(self, name, bits, mask=MASK):
        rng = random.Random(name)
        return self._make("entry", (), 0, name, tuple(_random_word(rng, bits, k) & mask for k in range(VECTORS)), bits)

    def op(self, op, a, b=None, c=None, cc=0):
        """Duke's op of terms; operands that it does not read are dropped."""
        op = {"addi": "add", "andi": "and", "ori": "or", "addi.w": "add.w"}.get(op, op)
        reads = self.semantics.reads[op]
        args = tuple(t or self.zero if n in reads else self.zero for n, t in (("ra", a), ("rb", b), ("rc", c)))
        if "cc" not in reads:
            cc = 0
        fn = self.semantics.python[op]
        sig = tuple(fn(x, y, z, cc) for x, y, z in zip(*(t.sig for t in args)))
        if all(t.op == "const" for t in args):
            return self.const(sig[0])
        a, b = args[0], args[1]
        if op in ("add", "sub", "or", "xor") and b is self.zero:
            return a
        if op in ("sub", "sub.w") and b.op == "mul":
            for quotient, by in (b.args[:2], b.args[1::-1]):
                if quotient.op in REMAINDER and quotient.args[0] is a and quotient.args[1] is by:
                    rest = self.op(REMAINDER[quotient.op], a, by)
                    return rest if op == "sub" else self.op("extu.w", rest, self.zero)
        if op in ("extu.b", "extu.h", "extu.w", "add.w", "sub.w", "or.w") and b is self.zero:
            n = LOADS[op[5]] * 8 if op.startswith("extu") else 32
            if a.bits <= n:
                return a
            op = {8: "extu.b", 16: "extu.h", 32: "extu.w"}[n]
        return self._make(op, args, cc, None, sig, self.bound(op))

    # -- bytes

    def byte(self, t, k):
        if t.op == "const":
            return self.const(t.value >> 8 * k & 255)
        if t.op == "cat":
            return t.args[k] if k < len(t.args) else self.zero
        if 8 * k >= t.bits:
            return self.zero
        if t.op in ("extu.b", "extu.h", "extu.w") and t.args[1] is self.zero:
            return self.byte(t.args[0], k)
        return self._make("byte", (t,), 0, k, tuple(v >> 8 * k & 255 for v in t.sig), 8)

    def cat(self, parts):
        if all(p.op == "const" for p in parts):
            return self.const(sum(p.value << 8 * i for i, p in enumerate(parts)))
        whole = parts[0].args[0] if parts[0].op == "byte" else None
        if whole and all(p.op == "byte" and p.args[0] is whole and p.value == i for i, p in enumerate(parts)):
            if 8 * len(parts) >= whole.bits:
                return whole
            if len(parts) in (1, 2, 4):
                return self.op({1: "extu.b", 2: "extu.h", 4: "extu.w"}[len(parts)], whole, self.zero)
        if len(parts) == 1:
            return parts[0]
        sig = tuple(sum(p.sig[k] << 8 * i for i, p in enumerate(parts)) for k in range(VECTORS))
        return self._make("cat", tuple(parts), 0, None, sig, 8 * len(parts))

    # -- addresses: linear forms

    def linear(self, t):
        """{term: factor}, constant: what t is a sum of, modulo self.modulus."""
        if t.linear is None:
            t.linear = self._linear(t)
        return t.linear

    def _linear(self, t):
        m = self.modulus
        if t.op == "const":
            return {}, t.value % m
        narrow = not self.wide
        a, b = (*t.args, None, None)[:2]
        if t.op in ("add", "sub") or (narrow and t.op in ("add.w", "sub.w", "add.sw", "sub.sw", "add.uw")):
            return self._sum((1, a), (-1 if t.op.startswith("sub") else 1, b))
        if t.op in ("sh1add", "sh2add", "sh3add") or (narrow and t.op[:2] == "sh" and t.op[3:6] == "add"):
            return self._sum((1 << int(t.op[2]), a), (1, b))
        if b is not None and b.op == "const" and (t.op == "shl" or (narrow and t.op in ("shl.w", "shl.sw"))):
            return self._sum((1 << (b.value & (63 if t.op == "shl" else 31)), a))
        if narrow and t.op == "extu.w" and b is self.zero:
            return self._sum((1, a))
        if t.op == "sum":
            return dict(zip(t.args, t.value[:-1])), t.value[-1]
        return {t: 1}, 0

    def _sum(self, *parts):
        atoms, k = {}, 0
        for factor, t in parts:
            inner, c = self.linear(t)
            k += factor * c
            for atom, f in inner.items():
                atoms[atom] = (atoms.get(atom, 0) + factor * f) % self.modulus
        return {a: f for a, f in atoms.items() if f}, k % self.modulus

    def address(self, a, b, scale, disp):
        """The term a + (b << scale) + disp as an address: a sum, or a constant."""
        atoms, k = self._sum((1, a), (1 << scale, b), (1, self.const(disp)))
        return self.sum_of(atoms, k)

    def sum_of(self, atoms, k):
        k %= self.modulus
        if not atoms:
            return self.const(k)
        args = tuple(sorted(atoms, key=lambda t: t.number))
        factors = tuple(atoms[t] for t in args)
        sig = tuple((sum(f * t.sig[i] for f, t in zip(factors, args)) + k) % self.modulus for i in range(VECTORS))
        return self._make("sum", args, 0, (*factors, k), sig, 64 if self.wide else 32)

    def plus(self, address, k):
        atoms, c = self.linear(address)
        return self.sum_of(atoms, c + k)

    def distance(self, x, y):
        """x - y if that is a constant whatever the entry's state, from 0 to modulus - 1; else None."""
        (ax, kx), (ay, ky) = self.linear(x), self.linear(y)
        return (kx - ky) % self.modulus if ax == ay else None

    # -- memory

    def memory(self, version, address):
        def value(v):
            digest = hashlib.blake2b(f"{version} {v}".encode(), digest_size=2).digest()
            return digest[0] if digest[1] & 3 else digest[0] & 1
        return self._make("memory", (address,), 0, version, lambda: tuple(value((v, i) if i % 4 else v)
                                                                         for i, v in enumerate(address.sig)), 8)

    def load_byte(self, stores, count, address):
        """The byte at an address after the first `count` of the stores (address, size, value).

        Two addresses that differ by a constant lie on one byte of memory only if they are equal or, with page tables that map
        two pages to one frame, if they differ by a multiple of the page's size.
        """
        for version in range(count, 0, -1):
            at, size, value = stores[version - 1]
            d = self.distance(address, at)
            if d is None:
                return self.memory(version, address)
            if d < size:
                return self.byte(value, d)
            if d % 4096 < size:
                return self.memory(version, address)
        return self.memory(0, address)

    def disjoint(self, x, x_size, y, y_size):
        """Whether accesses to x and y never share a byte, whatever the page tables say."""
        d = self.distance(x, y)
        return d is not None and d % 4096 >= y_size and -d % 4096 >= x_size
