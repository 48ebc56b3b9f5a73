"""Reads the tables of isa-spec into plain objects. Checking is check.py's job; this only normalises.

A *row* is one op. A *form* is one encoding of a row: reg, imm (short immediate) or ext (extension word).
"""
import dataclasses
import pathlib
import tomllib


class SpecError(Exception):
    """A table breaks a rule. The text names file, row and key, and says what would be right."""


@dataclasses.dataclass(frozen=True)
class Bits:
    """A bit range of the first word, or of the extension word's payload (`ext`)."""
    hi: int
    lo: int
    ext: bool = False

    @property
    def width(self):
        return self.hi - self.lo + 1

    @property
    def mask(self):
        return ((1 << self.width) - 1) << self.lo


def parse_bits(text, where):
    ext = text.startswith("x")
    parts = text.removeprefix("x").split(":")
    if len(parts) != 2 or not all(p.isdigit() for p in parts):
        raise SpecError(f'{where}: "{text}" is not a bit range like "11:6" or "x28:0"')
    hi, lo = map(int, parts)
    top = 28 if ext else 31
    if not 0 <= lo <= hi <= top:
        raise SpecError(f'{where}: "{text}" is out of range, bits go from {top} down to 0')
    return Bits(hi, lo, ext)


@dataclasses.dataclass(frozen=True)
class Format:
    name: str
    fields: dict          # name -> Bits of the first word
    ext: str              # never, may, must
    imm: tuple            # Bits, most significant first, of the short immediate; empty if none
    imm_ext: tuple        # the same with an extension word
    ext_fields: dict      # fields that exist only with an extension word
    mask: tuple           # store-check mask bits
    imm_unsigned: bool
    imm_shift: int
    doc: str


@dataclasses.dataclass(frozen=True)
class Op:
    name: str
    fmt: Format
    opcode: int
    unit: str
    kind: str             # alu unless the row says load, store, branch, ...
    row: dict
    where: str            # file and row, for messages

    @property
    def ident(self):
        """Name as an identifier of C, SystemVerilog and TableGen."""
        return self.name.replace(".", "_").upper()

    @property
    def fn(self):
        return self.row.get("fn")

    @property
    def files(self):
        """Register files of rd, ra, rb, rc: a string of r and f."""
        return self.row.get("files", self.row.get("file", "r") + "rrr")

    @property
    def forms(self):
        """Which encodings exist: subset of ("reg", "imm", "ext"), in that order."""
        f = self.fmt
        if f.name == "R3":
            if self.row.get("noimm") or self.row.get("unary"):
                return ("reg",)
            return ("imm",) if self.row.get("immonly") else ("reg", "imm", "ext")
        short = "imm" if f.imm else "reg"
        return {"never": (short,), "must": ("ext",), "may": (short, "ext")}[f.ext]


@dataclasses.dataclass(frozen=True)
class Spec:
    formats: dict
    ops: list
    regs: dict
    traps: dict
    hazards: dict
    events: dict
    commit: dict
    functions: str
    root: pathlib.Path
    ext_min: int          # opcodes from here on are extension words


@dataclasses.dataclass(frozen=True)
class Machine:
    name: str
    table: dict
    path: pathlib.Path


def read_toml(path):
    try:
        return tomllib.loads(path.read_text())
    except OSError as e:
        raise SpecError(f"{path}: cannot be read: {e.strerror}") from e
    except tomllib.TOMLDecodeError as e:
        raise SpecError(f"{path}: not TOML: {e}") from e


def load_format(name, row, where):
    def ranges(key):
        return tuple(parse_bits(t, f"{where}: {key}") for t in row.get(key, ()))
    def fields(key):
        return {k: parse_bits(v, f"{where}: {key}.{k}") for k, v in row.get(key, {}).items()}
    return Format(name, fields("fields"), row.get("ext", "never"), ranges("imm"), ranges("imm_ext"), fields("ext_fields"),
                  ranges("mask"), row.get("imm_unsigned", False), row.get("imm_shift", 0), row.get("doc", ""))


def load_spec(root):
    """Reads isa-spec/duke below `root`. Raises SpecError."""
    root = pathlib.Path(root)
    duke = root / "duke"
    path = duke / "formats.toml"
    table = read_toml(path)
    formats = {n: load_format(n, r, f"{path}: format.{n}") for n, r in table.get("format", {}).items()}
    if "R3I" not in formats:
        raise SpecError(f"{path}: format.R3I is missing; R3's short immediates need it")
    ops = []
    for path in sorted(duke.glob("ops_*.toml")):
        for name, row in read_toml(path).get("op", {}).items():
            where = f"{path}: op.{name}"
            for key in ("fmt", "op", "unit", "doc"):
                if key not in row:
                    raise SpecError(f"{where}: key `{key}` is missing")
            if row["fmt"] not in formats:
                raise SpecError(f'{where}: fmt "{row["fmt"]}" is unknown; formats are {", ".join(formats)}')
            ops.append(Op(name, formats[row["fmt"]], row["op"], row["unit"], row.get("kind", "alu"), row, where))
    return Spec(formats, ops, read_toml(duke / "regs.toml"), read_toml(duke / "traps.toml"), read_toml(duke / "hazards.toml"),
                read_toml(duke / "events.toml"), read_toml(duke / "commit.toml"), (duke / "functions.sem").read_text(), root,
                table.get("word", {}).get("ext_opcode_min", 0x60))


def load_machine(path):
    path = pathlib.Path(path)
    table = read_toml(path)
    return Machine(table.get("machine", {}).get("name", path.stem), table, path)
