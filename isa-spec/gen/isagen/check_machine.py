"""What a machine table may say: every key, its type and range."""
from .load import SpecError

FLAG = "true or false"


class Number:
    def __init__(self, low, high, power=False):
        self.low, self.high, self.power = low, high, power

    def __str__(self):
        kind = "a power of two" if self.power else "an integer"
        return f"{kind} from {self.low} to {self.high}"

    def admits(self, v):
        return type(v) is int and self.low <= v <= self.high and not (self.power and v & (v - 1))


CYCLES = Number(1, 255)
KEYS = {
    "machine": {"name": str, "id": Number(1, 65535), "doc": str},
    "lanes": {"m": Number(1, 2), "a": Number(1, 2), "b": Number(1, 1), "m_does_int": FLAG, "address_modes": FLAG},
    "units": {"fp": FLAG, "vec": FLAG, "x87": FLAG},
    "latency": {"int": Number(1, 1), "load": CYCLES, "mul": CYCLES, "div": CYCLES, "fp_add": CYCLES, "fp_mul": CYCLES,
                "fp_div": CYCLES, "vec": CYCLES, "x_add": CYCLES, "x_mul": CYCLES, "x_div": CYCLES,
                "branch_mispredict": CYCLES},
    "caches": {"line": Number(32, 128, True), "l1i_kib": Number(4, 256, True), "l1i_ways": Number(1, 16, True),
               "l1d_kib": Number(4, 256, True), "l1d_ways": Number(1, 16, True), "l2_kib": Number(16, 8192, True),
               "l2_ways": Number(1, 16, True), "l2_hit": CYCLES, "memory": Number(1, 1000)},
    "tlb": {"sets": Number(1, 1024, True), "ways": Number(1, 8)},
    "spec": {"store_buffer": Number(4, 256), "alias_entries": Number(2, 32, True), "itc_entries": Number(1, 65536, True),
             "ras_entries": Number(1, 256)},
    "predict": {"btb_entries": Number(1, 65536, True), "bht_entries": Number(1, 1 << 20, True), "ras_entries": Number(1, 256)},
}


def check_machine(m):
    for section in m.table:
        if section not in KEYS:
            raise SpecError(f"{m.path}: section [{section}] is unknown; sections are {', '.join(KEYS)}")
    for section, keys in KEYS.items():
        if section not in m.table:
            raise SpecError(f"{m.path}: section [{section}] is missing; it has keys {', '.join(keys)}")
        row = m.table[section]
        for key in row:
            if key not in keys:
                raise SpecError(f"{m.path}: {section}.{key} is unknown; keys are {', '.join(keys)}")
        for key, rule in keys.items():
            if key not in row:
                raise SpecError(f"{m.path}: {section}.{key} is missing; it must be {describe(rule)}")
            if not admits(rule, row[key]):
                raise SpecError(f"{m.path}: {section}.{key} = {row[key]!r} is not right; it must be {describe(rule)}")
    if not m.name.isidentifier():
        raise SpecError(f'{m.path}: machine.name = "{m.name}" is not right; it must be letters, digits and underscores')


def describe(rule):
    return "a text" if rule is str else str(rule)


def admits(rule, value):
    if rule is FLAG:
        return isinstance(value, bool)
    return isinstance(value, str) if rule is str else rule.admits(value)
