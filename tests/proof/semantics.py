"""What Duke's ops mean, from the tables of isa-spec: as SMT-LIB text for Z3, and as Python functions for trying values out.

Both are made from the `sem` keys and functions.sem, never from code of morph or of the simulator. Every value is a word of 64 bits.
"""
import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "isa-spec/gen"))

from isagen.expr import parse_functions  # noqa: E402
from isagen.load import load_spec  # noqa: E402
from isagen.opinfo import is_opaque, sem_tree  # noqa: E402

MASK = (1 << 64) - 1
OPERANDS = ("ra", "rb", "rc", "cc")


def signed(x, n=64):
    x &= (1 << n) - 1
    return x - (1 << n) if x >> (n - 1) else x


def word(value):
    return f"#x{value & MASK:016x}"


def _div(a, b):
    """Truncating signed division of Python integers."""
    q = abs(a) // abs(b)
    return -q if (a < 0) != (b < 0) else q


PRIMITIVES = {
    "zext": lambda x, n: x & ((1 << n) - 1),
    "sext": lambda x, n: signed(x, n) & MASK,
    "sar": lambda x, n: (signed(x) >> n) & MASK,
    "ltu": lambda a, b: int(a < b),
    "lts": lambda a, b: int(signed(a) < signed(b)),
    "mulhu": lambda a, b: (a * b) >> 64,
    "mulhs": lambda a, b: ((signed(a) * signed(b)) >> 64) & MASK,
    "divu": lambda a, b: a // b if b else MASK,
    "remu": lambda a, b: a % b if b else a,
    "divs": lambda a, b: _div(signed(a), signed(b)) & MASK if b else MASK,
    "rems": lambda a, b: (signed(a) - _div(signed(a), signed(b)) * signed(b)) & MASK if b else a,
    "clz": lambda x: 64 - x.bit_length(),
    "ctz": lambda x: (x & -x).bit_length() - 1 if x else 64,
    "popcnt": lambda x: x.bit_count(),
    "bswap": lambda x: int.from_bytes(x.to_bytes(8, "little"), "big"),
}


class PythonText:
    """Expressions of the semantics language as Python text over unsigned words."""

    BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<",
              ast.RShift: ">>"}
    COMPARE = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}

    def text(self, node):
        if isinstance(node, ast.Name):
            return "rb" if node.id == "imm" else node.id
        if isinstance(node, ast.Constant):
            return str(node.value)
        if isinstance(node, ast.BinOp):
            inner = f"({self.text(node.left)} {self.BINARY[type(node.op)]} {self.text(node.right)})"
            return f"({inner} & {MASK})" if isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.LShift)) else inner
        if isinstance(node, ast.UnaryOp):
            if isinstance(node.op, ast.Not):
                return f"int(not {self.text(node.operand)})"
            return f"(({'~' if isinstance(node.op, ast.Invert) else '-'}{self.text(node.operand)}) & {MASK})"
        if isinstance(node, ast.Compare):
            return f"int({self.text(node.left)} {self.COMPARE[type(node.ops[0])]} {self.text(node.comparators[0])})"
        if isinstance(node, ast.BoolOp):
            word_of = " and " if isinstance(node.op, ast.And) else " or "
            return "int(" + word_of.join(f"bool({self.text(v)})" for v in node.values) + ")"
        if isinstance(node, ast.IfExp):
            return f"({self.text(node.body)} if {self.text(node.test)} else {self.text(node.orelse)})"
        assert isinstance(node, ast.Call)
        return f"{node.func.id}({', '.join(self.text(a) for a in node.args)})"

    def function(self, fn):
        lines = [f"def {fn.name}({', '.join(fn.args)}):"]
        lines += [f"    {name} = {self.text(tree)}" for name, tree in fn.assigns]
        return "\n".join([*lines, f"    return {self.text(fn.result)}"])


class Smt:
    """The same as SMT-LIB. Functions are put in where they are called, so that widths are known when their text is made: an
    environment gives each variable its text, or an integer if it is known."""

    BINARY = {ast.Add: "bvadd", ast.Sub: "bvsub", ast.Mult: "bvmul", ast.BitAnd: "bvand", ast.BitOr: "bvor", ast.BitXor: "bvxor",
              ast.LShift: "bvshl", ast.RShift: "bvlshr"}
    COMPARE = {ast.Eq: "=", ast.Lt: "bvult", ast.LtE: "bvule", ast.Gt: "bvugt", ast.GtE: "bvuge"}

    def __init__(self, functions):
        self.functions = functions
        self.python = {**PRIMITIVES}
        self.fresh = 0

    def known(self, node, env):
        """The value of a node all of whose variables are integers, else None."""
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        called = {n.func.id for n in ast.walk(node) if isinstance(n, ast.Call)}
        if called - PRIMITIVES.keys() or any(not isinstance(env.get(n), int) for n in names - called):
            return None
        text = PythonText().text(node)
        return eval(text, {**PRIMITIVES, "int": int, "bool": bool}, {n: env[n] for n in names - called})  # noqa: S307

    def word(self, node, env):
        value = self.known(node, env)
        if value is not None:
            return word(value)
        if isinstance(node, ast.Name):
            return env["rb" if node.id == "imm" else node.id]
        if isinstance(node, ast.BinOp):
            return f"({self.BINARY[type(node.op)]} {self.word(node.left, env)} {self.word(node.right, env)})"
        if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
            return f"({'bvnot' if isinstance(node.op, ast.Invert) else 'bvneg'} {self.word(node.operand, env)})"
        if isinstance(node, ast.IfExp):
            test = self.known(node.test, env)
            if test is not None:
                return self.word(node.body if test else node.orelse, env)
            return f"(ite {self.truth(node.test, env)} {self.word(node.body, env)} {self.word(node.orelse, env)})"
        if isinstance(node, ast.Call) and node.func.id not in ("ltu", "lts"):
            return self.call(node, env)
        return f"(ite {self.truth(node, env)} {word(1)} {word(0)})"

    def truth(self, node, env):
        if isinstance(node, ast.Compare):
            a, b = self.word(node.left, env), self.word(node.comparators[0], env)
            if isinstance(node.ops[0], ast.NotEq):
                return f"(not (= {a} {b}))"
            return f"({self.COMPARE[type(node.ops[0])]} {a} {b})"
        if isinstance(node, ast.BoolOp):
            name = "and" if isinstance(node.op, ast.And) else "or"
            return f"({name} {' '.join(self.truth(v, env) for v in node.values)})"
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return f"(not {self.truth(node.operand, env)})"
        if isinstance(node, ast.Call) and node.func.id in ("ltu", "lts"):
            a, b = (self.word(x, env) for x in node.args)
            return f"({'bvult' if node.func.id == 'ltu' else 'bvslt'} {a} {b})"
        return f"(not (= {self.word(node, env)} {word(0)}))"

    def call(self, node, env):
        name = node.func.id
        if name in PRIMITIVES:
            known = [self.known(a, env) for a in node.args]
            return self.primitive(name, [self.word(a, env) for a in node.args], known)
        fn = self.functions[name]
        lets, inner = [], {}
        for arg, tree in [*zip(fn.args, node.args), *fn.assigns]:
            outer = env if arg in fn.args else inner
            value = self.known(tree, outer)
            if value is None:
                self.fresh += 1
                text = self.word(tree, outer)
                value = f"{arg}!{self.fresh}"
                lets.append((value, text))
            inner[arg] = value
        text = self.word(fn.result, inner)
        for variable, value in reversed(lets):
            text = f"(let (({variable} {value})) {text})"
        return text

    def primitive(self, name, args, known):
        if name in ("zext", "sext"):
            n = known[1]
            if n == 64:
                return args[0]
            kind = "zero_extend" if name == "zext" else "sign_extend"
            return f"((_ {kind} {64 - n}) ((_ extract {n - 1} 0) {args[0]}))"
        if name == "sar":
            return f"(bvashr {args[0]} {args[1]})"
        if name in ("mulhu", "mulhs"):
            kind = "zero_extend" if name == "mulhu" else "sign_extend"
            return f"((_ extract 127 64) (bvmul ((_ {kind} 64) {args[0]}) ((_ {kind} 64) {args[1]})))"
        if name in ("divu", "remu", "divs", "rems"):
            a, b = args
            op = {"divu": "bvudiv", "remu": "bvurem", "divs": "bvsdiv", "rems": "bvsrem"}[name]
            by_zero = word(MASK) if name.startswith("div") else a
            return f"(ite (= {b} {word(0)}) {by_zero} ({op} {a} {b}))"
        if name == "bswap":
            return "(concat " + " ".join(f"((_ extract {8 * i + 7} {8 * i}) {args[0]})" for i in range(8)) + ")"
        bits = [f"((_ extract {i} {i}) {args[0]})" for i in range(64)]
        if name == "popcnt":
            return "(bvadd " + " ".join(f"((_ zero_extend 63) {b})" for b in bits) + ")"
        text = word(64)
        for i in range(64) if name == "clz" else reversed(range(64)):
            text = f"(ite (= {bits[i]} #b1) {word(63 - i if name == 'clz' else i)} {text})"
        return text


class Semantics:
    """For each op that has a value or a condition: `reads[op]`, of OPERANDS; `python[op](ra, rb, rc, cc)`; definition(op).
    Immediates are rb, but for the ops of `registers_only`, which have none."""

    def __init__(self):
        spec = load_spec(ROOT / "isa-spec")
        functions = parse_functions(spec.functions, "functions.sem")
        scope = {**PRIMITIVES, "int": int, "bool": bool}
        for fn in functions.values():
            exec(PythonText().function(fn), scope)  # noqa: S102
        self.python, self.reads, self.smt, self.registers_only = {}, {}, {}, set()
        for op in spec.ops:
            tree = sem_tree(op, functions) if not is_opaque(op) else None
            if tree is None:
                continue
            called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call)}
            names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - called
            names = {"rb" if n == "imm" else n for n in names}
            if names - set(OPERANDS):
                continue
            self.reads[op.name] = names
            if op.fmt.name in ("R4", "R4X"):
                self.registers_only.add(op.name)
            self.python[op.name] = eval(f"lambda ra, rb, rc, cc: {PythonText().text(tree)}", scope)  # noqa: S307
            self.smt[op.name] = (functions, tree)

    def definition(self, op):
        """SMT-LIB text that defines |op| of four words."""
        functions, tree = self.smt[op]
        body = Smt(functions).word(tree, {n: n for n in OPERANDS})
        args = " ".join(f"({n} (_ BitVec 64))" for n in OPERANDS)
        return f"(define-fun |{op}| ({args}) (_ BitVec 64) {body})"


if __name__ == "__main__":
    s = Semantics()
    for name in s.python:
        print(s.definition(name))
