"""Z3 by its program and SMT-LIB text: whether two terms are equal.

A question is first put with the parts that both sides share taken for anything (values of their width): what is equal then is equal
in any case, and such small questions come again and again, so their answers are kept. Only if that fails, more of the terms is
shown, and in the end all of it, memory included.
"""
import subprocess

from semantics import Semantics, word

WORD = "(_ BitVec 64)"
TOO_BIG = 900  # terms: bigger questions are not asked
HARD = ("mul", "mulh", "mulhu", "div", "divu", "rem", "remu")


class SolverError(Exception):
    pass


class Solver:
    """`quick` and `long` limit the work on one question, in Z3's own unit, so that answers do not depend on the machine."""

    def __init__(self, program="z3", quick=200_000, long=1_500_000):
        self.semantics = Semantics()
        self.quick, self.long = quick, long
        self.answers, self.bounds, self.defined = {}, {}, set()
        self.asked = 0
        try:
            self.z3 = subprocess.Popen([program, "-in", "-smt2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        except OSError as e:
            raise SolverError(f"{program}: {e.strerror}; scripts/install-deps installs it") from e

    def close(self):
        self.z3.stdin.close()
        self.z3.wait()

    def _ask(self, text, limit):
        self.asked += 1
        self.z3.stdin.write(f"(push)\n{text}\n(set-option :rlimit {limit})\n(check-sat)\n(pop)\n")
        self.z3.stdin.flush()
        answer = self.z3.stdout.readline().strip()
        if answer not in ("sat", "unsat", "unknown"):
            raise SolverError(f"z3 says: {answer}\n{text}")
        return answer

    def ask(self, text, limit):
        key = (text, limit)
        if key not in self.answers:
            self.answers[key] = self._ask(text, limit)
        return self.answers[key]

    def define(self, op):
        if op in self.defined:
            return
        self.defined.add(op)
        self.z3.stdin.write(self.semantics.definition(op) + "\n")

    def bound(self, op):
        """The results of op are below 2 to this power, by proof."""
        if op not in self.bounds:
            self.define(op)
            declare = "".join(f"(declare-const {n} {WORD})" for n in "abcd")
            self.bounds[op] = next((n for n in (1, 8, 12, 16, 32) if self.ask(
                f"{declare}(assert (not (= (bvlshr (|{op}| a b c d) {word(n)}) {word(0)})))", self.quick) == "unsat"), 64)
        return self.bounds[op]


class Question:
    """Text of a conjunction, for Z3. Terms of which `cut` holds are free variables."""

    def __init__(self, solver, terms, stores=None, cut=lambda t: False):
        self.solver, self.terms, self.stores, self.cut = solver, terms, stores, cut
        self.names, self.lines, self.asserts = {}, [], []
        self.size = 0
        self.free = 0
        self.mapped = False

    def name(self, root):
        """The SMT name of a term; what it needs is defined before it."""
        stack = [root]
        while stack:
            t = stack[-1]
            if t in self.names:
                stack.pop()
                continue
            if t.op == "const":
                self.names[t] = word(t.value)
                continue
            if t.op == "remu" and t.args[1] not in self.names:
                stack.append(t.args[1])
                continue
            if t.op == "entry" or self.cut(t) or (t.op == "memory" and self.stores is None):
                self._variable(t)
                continue
            needs = self._needs(t)
            missing = [a for a in needs if a not in self.names]
            if missing:
                stack += missing
                continue
            self._define(t)
        return self.names[root]

    def _variable(self, t):
        name = f"v{self.free}"
        self.free += 1
        self.size += 1
        self.lines.append(f"(declare-const {name} {WORD})")
        if t.op == "entry" and t.value == "flags":
            self.lines.append(f"(assert (= (bvand {name} #xfffffffffffff72a) {word(0)}))")
        elif t.bits < 64:
            self.lines.append(f"(assert (= (bvlshr {name} {word(t.bits)}) {word(0)}))")
        elif t.op == "remu":
            by = self.names[t.args[1]]
            self.lines.append(f"(assert (or (= {by} {word(0)}) (bvult {name} {by})))")
        self.names[t] = name

    def _needs(self, t):
        if t.op != "memory" or t.value == 0:
            return t.args
        at, _, value = self.stores[t.value - 1]
        return (*t.args, at, value, self._below(t))

    def _below(self, t):
        return self.terms.memory(t.value - 1, t.args[0])

    def _define(self, t):
        name = f"d{len(self.names)}"
        args = [self.names[a] for a in t.args]
        self.size += 1
        if t.op == "byte":
            text = f"((_ zero_extend 56) ((_ extract {8 * t.value + 7} {8 * t.value}) {args[0]}))"
        elif t.op == "cat":
            parts = " ".join(f"((_ extract 7 0) {a})" for a in reversed(args))
            n = 64 - 8 * len(args)
            text = f"((_ zero_extend {n}) (concat {parts}))" if n else f"(concat {parts})"
        elif t.op == "sum":
            parts = " ".join(a if f == 1 else f"(bvmul {word(f)} {a})" for a, f in zip(args, t.value))
            text = f"(bvadd {parts} {word(t.value[-1])})"
            if not self.terms.wide:
                text = f"((_ zero_extend 32) ((_ extract 31 0) {text}))"
        elif t.op == "memory":
            text = self._memory(t)
        else:
            self.solver.define(t.op)
            text = f"(|{t.op}| {' '.join(args)} {word(t.cc)})"
        self.lines.append(f"(define-fun {name} () {WORD} {text})")
        self.names[t] = name

    def _memory(self, t):
        """The byte at an address, through page tables that are anything."""
        if not self.mapped:
            self.mapped = True
            self.lines.append(f"(declare-fun frame ((_ BitVec 52)) (_ BitVec 52))(declare-fun ram ({WORD}) (_ BitVec 8))"
                              f"(define-fun place ((a {WORD})) {WORD} (concat (frame ((_ extract 63 12) a)) ((_ extract 11 0) a)))")
        at = self.names[t.args[0]]
        if t.value == 0:
            return f"((_ zero_extend 56) (ram (place {at})))"
        to, size, value = self.stores[t.value - 1]
        text = self.names[self._below(t)]
        for i in range(size):
            where = f"(bvadd {self.names[to]} {word(i)})" if i else self.names[to]
            byte = f"((_ zero_extend 56) ((_ extract {8 * i + 7} {8 * i}) {self.names[value]}))"
            text = f"(ite (= (place {at}) (place {where})) {byte} {text})"
        return text

    def differ(self, x, y):
        self.asserts.append(f"(not (= {self.name(x)} {self.name(y)}))")

    def require(self, t, holds):
        name = self.name(t)
        self.asserts.append(f"(= {name} {word(0)})" if not holds else f"(not (= {name} {word(0)}))")

    def ask(self, limit):
        if self.size > TOO_BIG:
            return "unknown"
        return self.solver.ask("\n".join([*self.lines, *(f"(assert {a})" for a in self.asserts)]), limit)


def cone(*roots):
    seen, stack = set(), list(roots)
    while stack:
        t = stack.pop()
        if t not in seen:
            seen.add(t)
            stack += t.args
    return seen


def near(roots, depth):
    """Terms fewer than `depth` steps below one of the roots."""
    found, level = set(roots), set(roots)
    for _ in range(depth - 1):
        level = {a for t in level for a in t.args} - found
        found |= level
    return found


def always_equal(solver, terms, x, y):
    """Whether x and y are proven equal without any assumption and without looking into memory."""
    if x is y:
        return True
    if x.sig != y.sig:
        return False
    shared = cone(x) & cone(y)
    for depth in (1, 3):
        shown = near((x, y), depth)
        q = Question(solver, terms, cut=lambda t, shown=shown: t in shared and t not in shown)
        q.differ(x, y)
        answer = q.ask(solver.quick)
        if answer == "unsat":
            return True
    if len(shared) > 60:
        return False
    q = Question(solver, terms)
    q.differ(x, y)
    return q.ask(solver.quick) == "unsat"
