"""Facts about an op that follow from its row: what it reads and writes, and how its words are laid out."""
import dataclasses

from .expr import names_used, parse_expr

FORMS = ("reg", "imm", "ext")

# Registers that ops without `sem` read. Loads and stores are worked out from their format.
READS_OF_KIND = {
    "jump": (), "call": (), "nop": (), "commit": (), "rfe": (), "rollback": (), "alias_clear": (), "tlb_flush": (),
    "itc_flush": (), "icache_flush": (), "rdcr": (), "cat": (), "ras_push": ("ra",), "jump_reg": ("ra",), "call_reg": ("ra",),
    "ret": ("ra",), "jitc": ("ra",), "jras": ("ra",), "itc_write": ("ra", "rb"), "tlb_inval": ("ra",),
    "icache_line": ("ra",), "hcall": ("rb",), "trap": ("rb",), "chks": ("ra",), "tlb_write": ("ra", "rb", "rc"), "wrcr": ("ra",),
}
KINDS = ("alu", "load", "store", "branch") + tuple(READS_OF_KIND)
SEM_NAMES = ("ra", "rb", "rc", "imm", "cc", "fa", "fb", "fc", "fd")


OPAQUE = ("F", "V", "X")  # units


def opaque(name):
    """Functions of IEEE 754 and packed arithmetic: named in `sem`, written by hand in each engine."""
    return name.startswith(("f32_", "f64_", "i32_to_f", "i64_to_f", "v_", "x_", "i64_to_x"))


def sem_tree(op, functions):
    """The tree of op's `sem`, or None."""
    if "sem" not in op.row:
        return None
    allowed = opaque if op.unit in OPAQUE else None
    return parse_expr(op.row["sem"], f"{op.where}: sem", SEM_NAMES, functions, allowed)


def is_opaque(op):
    """Whether op's value is not given by expressions of the semantics language."""
    return op.unit in OPAQUE and op.kind == "alu"


def reads(op, functions):
    """Which of ra, rb, rc, rd the op reads in the form that has most operands."""
    if op.kind in ("load", "store"):
        return {"ra", "rb"} | ({"rd"} if op.kind == "store" else set())
    tree = sem_tree(op, functions)
    if tree is None:
        return set(READS_OF_KIND[op.kind])
    return {n.replace("f", "r") for n in names_used(tree) if n not in ("imm", "cc")}


def writes_rd(op):
    return op.kind in ("alu", "load", "rdcr")


@dataclasses.dataclass(frozen=True)
class Layout:
    """Fields of one form: name -> Bits for fields in one piece; imm and mask as tuples of Bits, most significant first."""
    fields: dict
    imm: tuple
    mask: tuple
    shift: int
    unsigned: bool
    words: int

    @property
    def imm_width(self):
        return sum(b.width for b in self.imm)


def layout(formats, fmt, form):
    """Layout of a form of a format."""
    if form == "imm" and fmt.name == "R3":
        fmt = formats["R3I"]
    fields = {k: v for k, v in fmt.fields.items() if k != "imm"}
    if form != "ext":
        return Layout(fields, fmt.imm, (), fmt.imm_shift, fmt.imm_unsigned, 1)
    # An immediate takes the place of a field whose bits it uses: rb of R3.
    taken = [b for b in fmt.imm_ext if not b.ext]
    fields = {k: v for k, v in fields.items() if not any(v == b for b in taken)}
    fields |= fmt.ext_fields
    return Layout(fields, fmt.imm_ext, fmt.mask, fmt.imm_shift, fmt.imm_unsigned, 2)


def layouts_of(formats, fmt):
    """(form, Layout) of every form of a format that some op may have."""
    if fmt.name == "R3":
        forms = FORMS
    else:
        short = "imm" if fmt.imm else "reg"
        forms = {"never": (short,), "must": ("ext",), "may": (short, "ext")}[fmt.ext]
    return [(form, layout(formats, fmt, form)) for form in forms]
