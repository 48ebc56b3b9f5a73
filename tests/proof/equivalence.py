"""Whether a region's optimized form does what its plain form does.

The plain form is followed first. Then the optimized one, node by node; each of its values that is provably one of the plain form's
becomes that term. Stores are compared one by one, in order. Where the optimized form leaves or commits, the plain one must do so
too, after as many guest instructions, under the same condition, with the same guest registers and flags, and the same memory.

A store that is left to a later one (opt/dead_stores.c) stands in memory for the loads behind it: such a load is read under an alias
entry, or cannot meet it. It is checked that the later store overwrites all of it before the next commit, and that the stub of an exit
between the two may do it last. What the hardware's alias entries, the scheduler and the emitter do is not looked at here.

Every access of the plain form is made by the optimized one too, by the next exit, or another one to the same bytes: so
whatever faults in one rolls back in the other.
"""
from dataclasses import dataclass

from region import GUEST, TARGET, Shape, Walk
from solver import HARD, Question, always_equal
from terms import Terms

PROVEN, UNKNOWN, REFUTED = "proven", "unknown", "refuted"


@dataclass
class Verdict:
    kind: str
    why: str = ""


class Failed(Exception):
    def __init__(self, kind, why):
        super().__init__(why)
        self.kind = kind


class Equivalence:
    def __init__(self, solver, region):
        self.solver, self.region = solver, region
        self.terms = Terms(solver.semantics, solver.bound, region.wide)
        self.by_sig, self.same, self.sums = {}, {}, {}
        self.stores = []        # of the plain form: (address, size, value)
        self.plain_stores = []
        self.past = []          # (term, whether it holds) on the way to where we are

    # -- terms that are equal

    def canon(self, t):
        """The first term that is proven to equal t."""
        if t.op in ("const", "sum"):
            return t
        if t in self.same:
            return self.same[t]
        found = self._by_sum(t)
        if found is t and len(set(t.sig)) == 1:
            k = self.terms.const(t.sig[0])
            if always_equal(self.solver, self.terms, t, k):
                found = k
        if found is t:
            peers = self.by_sig.setdefault(t.sig, [])
            near_by = {a for a in t.args if a.op != "const"}
            likely = [o for o in peers if not near_by.isdisjoint(o.args) or any(not near_by.isdisjoint(a.args) for a in o.args)]
            if t.bits > 1:
                likely += [o for o in peers if o not in likely]
            for other in likely[:6]:
                if always_equal(self.solver, self.terms, t, other):
                    found = other
                    break
            else:
                peers.append(t)
        self.same[t] = found
        return found

    def _by_sum(self, t):
        """The first term that is the same sum of the same terms: that needs no solver."""
        if t.op == "sum" or t.bits > (64 if self.region.wide else 32):
            return t
        atoms, k = self.terms.linear(t)
        if not atoms:
            return self.terms.const(k)
        return self.sums.setdefault((frozenset(atoms.items()), k), t)

    def demand(self, x, y, what):
        """x == y here, or the proof has failed."""
        x, y = self.canon(x), self.canon(y)
        if x is y:
            return
        if always_equal(self.solver, self.terms, x, y):
            return
        answer = "unknown"
        for stores, cut, limit in ((None, lambda t: t.op in HARD, self.solver.quick), (None, lambda t: False, self.solver.quick),
                                   (self.stores, lambda t: False, self.solver.long)):
            q = Question(self.solver, self.terms, stores, cut)
            q.differ(x, y)
            for t, holds in self.past:
                q.require(t, holds)
            answer = q.ask(limit)
            if answer == "unsat":
                return
            if answer == "sat" and not any(t.op == "memory" or cut(t) for t in q.names):  # nothing is hidden
                break
        raise Failed(REFUTED if answer == "sat" else UNKNOWN, f"{what}: {x!r} against {y!r}")

    def impossible(self, condition, what):
        if condition.op == "const" and condition.value == 0:
            return
        self.demand(self.terms.op("sne", condition, self.terms.zero), self.terms.zero, what)

    # -- the two walks

    def prove(self):
        try:
            self._walk()
        except Failed as e:
            return Verdict(e.kind, str(e))
        except Shape as e:
            return Verdict(UNKNOWN, str(e))
        return Verdict(PROVEN)

    def _walk(self):
        t = self.terms
        self.plain = Walk(t, self.region.plain, self.canon, self._plain_load, self._plain_store)
        for _ in self.plain.run():
            pass
        self.opt = Walk(t, self.region.opt, self.canon, self._opt_load, self._opt_store)
        self.left = []          # stores left to later ones that have not come yet: (Store, number)
        self.number = {}        # of the optimized form's stores, by node
        self.at = self.faults_at = self.accesses_at = 0
        for point in self.opt.run():
            self._meet(point)
        for target, value in ((target, value) for value, target in self.opt.calls):
            self.demand(value, t.const(target), "the return address of a call")
        if self.opt.points[-1].exit.op != "always" or self.opt.points[-1].exit.kind == "none":
            raise Shape("the optimized form does not end in an exit")

    def _plain_load(self, walk, n, address, size):
        return [self.terms.load_byte(self.stores, len(self.stores), self.terms.plus(address, i)) for i in range(size)]

    def _plain_store(self, walk, s):
        self.stores.append((s.address, s.size, s.value))
        self.plain_stores.append(s)

    def _opt_load(self, walk, n, address, size):
        for s, _ in self.left:
            if not n.over and not self.terms.disjoint(address, size, s.address, s.size):
                raise Failed(UNKNOWN, f"load {n.ref} may meet store {s.ref}, which has been left to {s.over}, and is not guarded")
        return [self.terms.load_byte(self.stores, walk.nstores, self.terms.plus(address, i)) for i in range(size)]

    def _opt_store(self, walk, s):
        if walk.nstores >= len(self.plain_stores):
            raise Shape(f"store {s.ref} is one too many")
        p = self.plain_stores[walk.nstores]
        what = f"store {s.ref} against {p.ref}"
        if p.size != s.size:
            raise Failed(REFUTED, f"{what}: its size")
        self.demand(s.address, p.address, f"{what}, its address")
        self.demand(self._low(s.value, s.size), self._low(p.value, p.size), f"{what}, what it stores")
        for x, _ in [x for x in self.left if x[0].over == s.ref]:
            d = self.terms.distance(x.address, s.address)
            if d is None or d + x.size > s.size:
                raise Failed(UNKNOWN, f"store {s.ref} does not cover {x.ref}, which was left to it")
        self.left = [x for x in self.left if x[0].over != s.ref]
        if s.over:
            self.left.append((s, walk.nstores))

    def _low(self, value, size):
        t = self.terms
        return self.canon(t.op({1: "extu.b", 2: "extu.h", 4: "extu.w"}[size], value, t.zero)) if size < 8 else value

    # -- exits and commits

    def _meet(self, o):
        """The optimized form has come to exit or commit o."""
        key = (o.insns, o.exit.kind, o.exit.target)
        points = self.plain.points
        while self.at < len(points):
            p = points[self.at]
            self.at += 1
            if (p.insns, p.exit.kind, p.exit.target) == key:
                return self._compare(p, o)
            self._skip(p)
        raise Shape(f"exit at node {o.index} has no counterpart")

    def _skip(self, p):
        """The optimized form does not leave at the plain one's point p."""
        self._compare_faults(p, None)
        if p.exit.kind != "none":
            self.impossible(p.condition, f"exit at node {p.index} of the plain form is missing")

    def _compare(self, p, o):
        what = f"exit at node {o.index}, {p.index} of the plain form"
        if p.nstores != o.nstores:
            raise Failed(UNKNOWN, f"{what}: {o.nstores} stores instead of {p.nstores}")
        self._compare_faults(p, o)
        self._compare_accesses(p, o, what)
        leaves = o.exit.kind != "none"
        if leaves:
            self.demand(self._truth(o.condition), self._truth(p.condition), f"{what}: its condition")
            if o.exit.op != "always" and o.exit.next != p.exit.next:  # nothing follows a jump
                raise Failed(REFUTED, f"{what}: the address that follows it")
        if o.commits or leaves:
            before = len(self.past)
            if not o.commits and p.condition.op != "const":
                self.past.append((p.condition, True))
            self._compare_memory(o, what)
            indirect = o.exit.kind in ("jmp", "ret")
            for g, name in enumerate(GUEST):
                if g != TARGET or indirect:
                    self.demand(o.state[g], p.state[g], f"{what}: {name}")
            del self.past[before:]
        if leaves and p.condition.op != "const":
            self.past.append((p.condition, False))

    def _truth(self, t):
        return self.canon(self.terms.op("sne", t, self.terms.zero)) if t.bits > 1 else t

    def _compare_faults(self, p, o):
        """What the plain form rolls back for, the optimized one does too."""
        ours = {self.canon(f) for f in self.opt.faults}
        for f in self.plain.faults[self.faults_at:p.nfaults]:
            if self.canon(f) not in ours:
                self.impossible(f, f"a condition to roll back before node {p.index} of the plain form")
            elif f.op != "const":
                self.past.append((f, False))
        self.faults_at = max(self.faults_at, p.nfaults)
        theirs = {self.canon(f) for f in self.plain.faults[:p.nfaults]}
        for f in self.opt.faults if o else ():
            if self.canon(f) not in theirs:
                self.impossible(f, f"a condition to roll back before node {o.index}")

    def _compare_accesses(self, p, o, what):
        made = self.opt.accesses[:o.naccesses]
        for address, size, is_store in self.plain.accesses[self.accesses_at:p.naccesses]:
            for at, n, stores in made:
                d = self.terms.distance(address, at)
                if d is not None and d + size <= n and stores >= is_store:
                    break
            else:
                raise Failed(UNKNOWN, f"{what}: an access to {address!r} that the plain form makes is missing")
        self.accesses_at = max(self.accesses_at, p.naccesses)

    def _compare_memory(self, o, what):
        """Stores that are left to later ones are done last, by the exit's stub."""
        if not self.left:
            return
        if o.commits:
            raise Failed(REFUTED, f"{what}: commits, but store {self.left[0][0].ref} is still to be done")
        numbers = {n for _, n in self.left}
        for s, n in self.left:
            for k in range(n + 1, o.nstores):
                at, size, _ = self.stores[k]
                if k not in numbers and not self.terms.disjoint(s.address, s.size, at, size):
                    raise Failed(UNKNOWN, f"{what}: store {s.ref} is done late, behind one that it may meet")


def prove(solver, region):
    return Equivalence(solver, region).prove()

