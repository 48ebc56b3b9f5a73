"""The semantics language: functions.sem and the `sem` keys of ops, and what they become in C and SystemVerilog.

Text is parsed with `ast` and never run. Every value is an unsigned 64-bit word. A comparison, `and`, `or` and `not` give
0 or 1. A function is a list of assignments and one return. Backends:

    fns = parse_functions(text, where)             # name -> Function, in order of definition
    tree = parse_expr(text, where, names, fns)     # names: the variables the text may use
    b = CBackend(); b.prelude(); b.function(fn); b.expr(tree, {"ra": "a", ...})

The map of `expr` says how a variable is spelled; variables that are left out keep their names.
"""
import ast
import dataclasses

from .load import SpecError

# Primitives and their numbers of arguments.
PRIMITIVES = {"zext": 2, "sext": 2, "sar": 2, "ltu": 2, "lts": 2, "mulhu": 2, "mulhs": 2, "divu": 2, "divs": 2,
              "remu": 2, "rems": 2, "clz": 1, "ctz": 1, "popcnt": 1, "bswap": 1}
PREDICATES = {"ltu", "lts"}  # primitives that give 0 or 1

BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
          ast.LShift: "<<", ast.RShift: ">>"}
COMPARE = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}


@dataclasses.dataclass(frozen=True)
class Function:
    name: str
    args: tuple
    assigns: tuple        # (variable, tree)
    result: ast.expr


class Checker:
    """Walks a tree and refuses what the language does not have."""

    def __init__(self, where, names, functions, opaque=None):
        self.where, self.names, self.functions, self.opaque = where, set(names), functions, opaque

    def fail(self, node, text):
        line = getattr(node, "lineno", 1)
        raise SpecError(f"{self.where}: line {line}: {text}")

    def check(self, node):
        method = getattr(self, "check_" + type(node).__name__, None)
        if method is None:
            self.fail(node, f"`{ast.unparse(node)}` is not of the semantics language; it has names, integers, calls, "
                      "+ - * & | ^ ~ << >>, comparisons, and, or, not, and `a if c else b`")
        method(node)

    def check_Name(self, node):
        if node.id not in self.names:
            self.fail(node, f"variable `{node.id}` is unknown; here one may use {', '.join(sorted(self.names)) or 'none'}")

    def check_Constant(self, node):
        if type(node.value) is not int or not 0 <= node.value < 1 << 64:
            self.fail(node, f"constant {node.value!r} is not an integer from 0 to 2**64-1")

    def check_BinOp(self, node):
        if type(node.op) not in BINARY:
            self.fail(node, f"operator of `{ast.unparse(node)}` is unknown; there are {' '.join(BINARY.values())}")
        if isinstance(node.op, (ast.LShift, ast.RShift)) and isinstance(node.right, ast.Constant):
            if type(node.right.value) is int and node.right.value > 63:
                self.fail(node, f"shift count {node.right.value} is not below 64")
        self.check(node.left)
        self.check(node.right)

    def check_UnaryOp(self, node):
        if not isinstance(node.op, (ast.Invert, ast.USub, ast.Not)):
            self.fail(node, f"operator of `{ast.unparse(node)}` is unknown; unary ones are ~ - not")
        self.check(node.operand)

    def check_BoolOp(self, node):
        for v in node.values:
            self.check(v)

    def check_Compare(self, node):
        if len(node.ops) != 1 or type(node.ops[0]) not in COMPARE:
            self.fail(node, f"comparison `{ast.unparse(node)}` must have one of {' '.join(COMPARE.values())}")
        self.check(node.left)
        self.check(node.comparators[0])

    def check_IfExp(self, node):
        for v in (node.test, node.body, node.orelse):
            self.check(v)

    def check_Call(self, node):
        if not isinstance(node.func, ast.Name) or node.keywords:
            self.fail(node, f"`{ast.unparse(node)}` is not a plain call")
        name = node.func.id
        for a in node.args:
            self.check(a)
        if name in PRIMITIVES:
            want = PRIMITIVES[name]
        elif name in self.functions:
            want = len(self.functions[name].args)
        elif self.opaque is not None and self.opaque(name):
            return
        else:
            self.fail(node, f"function `{name}` is unknown; primitives are {', '.join(PRIMITIVES)}; "
                      f"functions.sem defines {', '.join(self.functions) or 'none before this one'}")
        if len(node.args) != want:
            self.fail(node, f"`{name}` takes {want} arguments, not {len(node.args)}")


def parse_expr(text, where, names, functions, opaque=None):
    """A checked tree. `opaque` (name -> bool) admits functions that are implemented elsewhere, such as IEEE 754's."""
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError as e:
        raise SpecError(f'{where}: "{text}" is no expression: {e.msg}') from e
    Checker(where, names, functions, opaque).check(tree)
    return tree


def parse_functions(text, where):
    try:
        module = ast.parse(text)
    except SyntaxError as e:
        raise SpecError(f"{where}: line {e.lineno}: {e.msg}") from e
    functions = {}
    for node in module.body:
        at = f"{where}: function {getattr(node, 'name', '?')}"
        if not isinstance(node, ast.FunctionDef):
            raise SpecError(f"{where}: line {node.lineno}: only function definitions may stand here")
        if node.name in functions or node.name in PRIMITIVES:
            raise SpecError(f"{at}: the name is taken")
        args = tuple(a.arg for a in node.args.args)
        names, assigns = list(args), []
        *body, last = node.body
        for st in body:
            if not isinstance(st, ast.Assign) or len(st.targets) != 1 or not isinstance(st.targets[0], ast.Name):
                raise SpecError(f"{at}: line {st.lineno}: a statement before the last must be `name = expression`")
            name = st.targets[0].id
            if name in names:
                raise SpecError(f"{at}: line {st.lineno}: `{name}` is assigned twice; every name has one value")
            Checker(at, names, functions).check(st.value)
            names.append(name)
            assigns.append((name, st.value))
        if not isinstance(last, ast.Return) or last.value is None:
            raise SpecError(f"{at}: line {last.lineno}: the last statement must be `return expression`")
        # Checked against functions defined so far: that also rules out recursion.
        Checker(at, names, functions).check(last.value)
        functions[node.name] = Function(node.name, args, tuple(assigns), last.value)
    return functions


def names_used(tree):
    """Variables of a tree, sorted."""
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call)}
    return sorted({n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - called)


class Backend:
    """What C and SystemVerilog share: everything but literals, calls and booleans as words."""

    def expr(self, tree, names=None):
        """The tree as a 64-bit word."""
        self.names = names or {}
        return self.word(tree)

    def condition(self, tree, names=None):
        """The tree as a condition, true if it is not zero."""
        self.names = names or {}
        return self.truth(tree)

    def is_truth(self, node):
        if isinstance(node, (ast.Compare, ast.BoolOp)):
            return True
        if isinstance(node, ast.UnaryOp):
            return isinstance(node.op, ast.Not)
        return isinstance(node, ast.Call) and node.func.id in PREDICATES

    def truth(self, node):
        if isinstance(node, ast.Compare):
            op = COMPARE[type(node.ops[0])]
            return f"({self.word(node.left)} {op} {self.word(node.comparators[0])})"
        if isinstance(node, ast.BoolOp):
            op = " && " if isinstance(node.op, ast.And) else " || "
            return "(" + op.join(self.truth(v) for v in node.values) + ")"
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return f"(!{self.truth(node.operand)})"
        if isinstance(node, ast.Call) and node.func.id in PREDICATES:
            return self.predicate(node.func.id, *(self.word(a) for a in node.args))
        return f"({self.word(node)} != {self.literal(0)})"

    def word(self, node):
        if isinstance(node, ast.Name):
            return self.names.get(node.id, node.id)
        if isinstance(node, ast.Constant):
            return self.literal(node.value)
        if self.is_truth(node):
            return self.truth_word(self.truth(node))
        if isinstance(node, ast.BinOp):
            return f"({self.word(node.left)} {BINARY[type(node.op)]} {self.word(node.right)})"
        if isinstance(node, ast.UnaryOp):
            sign = "~" if isinstance(node.op, ast.Invert) else "-"
            return f"({sign}{self.word(node.operand)})"
        if isinstance(node, ast.IfExp):
            return f"({self.truth(node.test)} ? {self.word(node.body)} : {self.word(node.orelse)})"
        assert isinstance(node, ast.Call)
        args = node.args
        if node.func.id in ("zext", "sext") and isinstance(args[1], ast.Constant):
            return self.extend(node.func.id, self.word(args[0]), args[1].value)
        return f"isa_{node.func.id}({', '.join(self.word(a) for a in args)})"

    def extend(self, name, x, n):
        """zext or sext with a constant width."""
        if n == 64:
            return x
        if name == "zext":
            return f"({x} & {self.literal((1 << n) - 1)})"
        return f"isa_sext({x}, {self.literal(n)})"


C_PRELUDE = """\
static inline uint64_t isa_zext(uint64_t x, uint64_t n) { return x & (~UINT64_C(0) >> (64 - n)); }
static inline uint64_t isa_sar(uint64_t x, uint64_t n) { return (uint64_t)((int64_t)x >> n); }
static inline uint64_t isa_sext(uint64_t x, uint64_t n) { return isa_sar(x << (64 - n), 64 - n); }
static inline uint64_t isa_mulhu(uint64_t a, uint64_t b)
{
    uint64_t al = a & 0xffffffff, ah = a >> 32, bl = b & 0xffffffff, bh = b >> 32;
    uint64_t m1 = ah * bl + ((al * bl) >> 32);
    uint64_t m2 = al * bh + (m1 & 0xffffffff);
    return ah * bh + (m1 >> 32) + (m2 >> 32);
}
static inline uint64_t isa_mulhs(uint64_t a, uint64_t b)
{
    return isa_mulhu(a, b) - (b & isa_sar(a, 63)) - (a & isa_sar(b, 63));
}
static inline uint64_t isa_divu(uint64_t a, uint64_t b) { return b == 0 ? ~UINT64_C(0) : a / b; }
static inline uint64_t isa_remu(uint64_t a, uint64_t b) { return b == 0 ? a : a % b; }
static inline uint64_t isa_divs(uint64_t a, uint64_t b)
{
    if (b == 0)
        return ~UINT64_C(0);
    return b == ~UINT64_C(0) ? 0 - a : (uint64_t)((int64_t)a / (int64_t)b);
}
static inline uint64_t isa_rems(uint64_t a, uint64_t b)
{
    if (b == 0)
        return a;
    return b == ~UINT64_C(0) ? 0 : (uint64_t)((int64_t)a % (int64_t)b);
}
static inline uint64_t isa_popcnt(uint64_t x)
{
    x -= (x >> 1) & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + ((x >> 2) & UINT64_C(0x3333333333333333));
    return (((x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f)) * UINT64_C(0x0101010101010101)) >> 56;
}
static inline uint64_t isa_clz(uint64_t x) { return x == 0 ? 64 : (uint64_t)__builtin_clzll(x); }
static inline uint64_t isa_ctz(uint64_t x) { return x == 0 ? 64 : (uint64_t)__builtin_ctzll(x); }
static inline uint64_t isa_bswap(uint64_t x) { return __builtin_bswap64(x); }
"""


class CBackend(Backend):
    """C11: functions isa_<name> of uint64_t. __builtin_clz, _ctz, _bswap64 of gcc and clang are used."""

    def literal(self, value):
        return f"UINT64_C({value})" if value < 10 else f"UINT64_C({value:#x})"

    def truth_word(self, text):
        return f"(uint64_t){text}"

    def predicate(self, name, a, b):
        return f"({a} < {b})" if name == "ltu" else f"((int64_t){a} < (int64_t){b})"

    def prelude(self):
        return C_PRELUDE

    def function(self, fn):
        self.names = {}
        args = ", ".join(f"uint64_t {a}" for a in fn.args)
        lines = [f"static inline uint64_t isa_{fn.name}({args})", "{"]
        lines += [f"    uint64_t {name} = {self.word(tree)};" for name, tree in fn.assigns]
        lines += [f"    return {self.word(fn.result)};", "}"]
        return "\n".join(lines) + "\n"


SV_PRELUDE = """\
function automatic logic [63:0] isa_zext(input logic [63:0] x, input logic [63:0] n);
  return x & (64'hffff_ffff_ffff_ffff >> (64'd64 - n));
endfunction
function automatic logic [63:0] isa_sar(input logic [63:0] x, input logic [63:0] n);
  return 64'($signed(x) >>> n);
endfunction
function automatic logic [63:0] isa_sext(input logic [63:0] x, input logic [63:0] n);
  return 64'($signed(x << (64'd64 - n)) >>> (64'd64 - n));
endfunction
function automatic logic [63:0] isa_mulhu(input logic [63:0] a, input logic [63:0] b);
  return 64'(({64'd0, a} * {64'd0, b}) >> 64);
endfunction
function automatic logic [63:0] isa_mulhs(input logic [63:0] a, input logic [63:0] b);
  return 64'(({{64{a[63]}}, a} * {{64{b[63]}}, b}) >> 64);
endfunction
function automatic logic [63:0] isa_divu(input logic [63:0] a, input logic [63:0] b);
  return (b == 64'd0) ? 64'hffff_ffff_ffff_ffff : a / b;
endfunction
function automatic logic [63:0] isa_remu(input logic [63:0] a, input logic [63:0] b);
  return (b == 64'd0) ? a : a % b;
endfunction
function automatic logic [63:0] isa_divs(input logic [63:0] a, input logic [63:0] b);
  logic [63:0] q;
  q = isa_divu(a[63] ? -a : a, b[63] ? -b : b);
  return (b == 64'd0) ? 64'hffff_ffff_ffff_ffff : ((a[63] ^ b[63]) ? -q : q);
endfunction
function automatic logic [63:0] isa_rems(input logic [63:0] a, input logic [63:0] b);
  logic [63:0] r;
  r = isa_remu(a[63] ? -a : a, b[63] ? -b : b);
  return a[63] ? -r : r;
endfunction
function automatic logic [63:0] isa_popcnt(input logic [63:0] x);
  logic [63:0] a, b;
  a = x - ((x >> 1) & 64'h5555_5555_5555_5555);
  b = (a & 64'h3333_3333_3333_3333) + ((a >> 2) & 64'h3333_3333_3333_3333);
  return (((b + (b >> 4)) & 64'h0f0f_0f0f_0f0f_0f0f) * 64'h0101_0101_0101_0101) >> 56;
endfunction
function automatic logic [63:0] isa_clz(input logic [63:0] x);
  logic [63:0] y;
  y = x | (x >> 1);
  y = y | (y >> 2);
  y = y | (y >> 4);
  y = y | (y >> 8);
  y = y | (y >> 16);
  y = y | (y >> 32);
  return 64'd64 - isa_popcnt(y);
endfunction
function automatic logic [63:0] isa_ctz(input logic [63:0] x);
  return isa_popcnt(~x & (x - 64'd1));
endfunction
function automatic logic [63:0] isa_bswap(input logic [63:0] x);
  return {x[7:0], x[15:8], x[23:16], x[31:24], x[39:32], x[47:40], x[55:48], x[63:56]};
endfunction
"""


class SvBackend(Backend):
    """SystemVerilog: automatic functions isa_<name> of logic [63:0], for a package."""

    def literal(self, value):
        return f"64'd{value}" if value < 10 else f"64'h{value:x}"

    def truth_word(self, text):
        return f"{{63'd0, {text}}}"

    def predicate(self, name, a, b):
        return f"({a} < {b})" if name == "ltu" else f"($signed({a}) < $signed({b}))"

    def prelude(self):
        return SV_PRELUDE

    def function(self, fn):
        self.names = {}
        args = ", ".join(f"input logic [63:0] {a}" for a in fn.args)
        lines = [f"function automatic logic [63:0] isa_{fn.name}({args});"]
        lines += [f"  logic [63:0] {name};" for name, _ in fn.assigns]
        lines += [f"  {name} = {self.word(tree)};" for name, tree in fn.assigns]
        lines += [f"  return {self.word(fn.result)};", "endfunction"]
        return "\n".join(lines) + "\n"
