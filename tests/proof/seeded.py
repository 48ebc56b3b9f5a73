#!/usr/bin/env python3
"""Whether the proof finds what is wrong: the regions of seeded.txt are proven as they are, and none of their changed forms is."""
import copy
import sys
from pathlib import Path

from equivalence import PROVEN, REFUTED, UNKNOWN, prove
from region import Node, read_regions
from solver import Solver

HERE = Path(__file__).resolve().parent


def node(ref, **changes):
    """Changes fields of a node of the optimized form."""
    def change(region):
        for n in region.opt.nodes:
            if n.ref == ref:
                for name, value in changes.items():
                    setattr(n, name, value)
    return change


def leave(number, **changes):
    """Changes fields of an exit of the optimized form."""
    def change(region):
        for name, value in changes.items():
            setattr(region.opt.exits[number], name, value)
    return change


def without(ref):
    def change(region):
        region.opt.nodes = [n for n in region.opt.nodes if n.ref != ref]
    return change


def before(ref, new):
    def change(region):
        at = next(i for i, n in enumerate(region.opt.nodes) if n.ref == ref)
        region.opt.nodes.insert(at, new)
    return change


def plain_before(ref, new):
    def change(region):
        at = next(i for i, n in enumerate(region.plain.nodes) if n.ref == ref)
        region.plain.nodes.insert(at, new)
    return change


def both(*changes):
    def change(region):
        for c in changes:
            c(region)
    return change


# A byte stored by way of rdi, which may hold any address, between a store and the load that took its value.
BETWEEN = both(plain_before(24, Node(40, "stg.b", 8, 0, 2, 0, 0, 0)), before(23, Node(40, "stg.b", 8, 0, 2, 0, 0, 0)))

# (region of seeded.txt, what is wrong, the change, verdict)
SEEDS = [
    (0, "a store is left to one elsewhere", node(23, imm=-8), REFUTED),
    (0, "a store is left to a smaller one", node(23, op="stg.h"), REFUTED),
    (0, "what is stored", node(23, c=1), REFUTED),
    (0, "where it is stored", node(21, imm=-12), REFUTED),
    (0, "a store is left to a later one over a commit", leave(0, flags=0), REFUTED),
    (0, "a store is missing", without(23), UNKNOWN),
    (0, "a load may meet a store that has been left, and is not guarded",
     both(plain_before(22, Node(40, "ldg.w", 8, 0, 0, 0, 0, 0)), before(22, Node(40, "ldg.w", 8, 0, 0, 0, 0, 0))), UNKNOWN),
    (0, "an exit's target", leave(0, target=0x2001), REFUTED),
    (0, "an exit's count", leave(0, ninsns=1), REFUTED),
    (0, "the last exit's count", leave(1, ninsns=4), REFUTED),
    (0, "an exit is missing", without(22), REFUTED),
    (0, "an exit that is always taken", leave(0, op="always"), REFUTED),
    (0, "a register of the last exit", node(24, a=7), REFUTED),
    (0, "a register too early", both(without(24), before(22, Node(24, "set", 6, 0, 0, 3, 0, 0))), REFUTED),
    (1, "the condition turned around", leave(0, op="bgeu"), REFUTED),
    (1, "the condition's operands", node(25, a=2, b=1), REFUTED),
    (1, "a signed condition", leave(0, op="blt.w"), REFUTED),
    (1, "a sum for a difference", node(21, op="add.w"), REFUTED),
    (1, "a difference of 64 bits", node(21, op="sub"), REFUTED),
    (1, "flags of 16 bits", node(22, op="subf.h"), REFUTED),
    (1, "flags that are not set", without(24), REFUTED),
    (1, "the address behind an exit", leave(0, next=0x1108), REFUTED),
    (2, "a value kept over a store that may have changed it", BETWEEN, REFUTED),
    (2, "a condition to roll back is missing", without(25), REFUTED),
    (2, "a condition to roll back is another", node(24, imm=7), REFUTED),
    (2, "a load with its sign", node(23, op="ldg.bs"), REFUTED),
    (2, "a load from elsewhere", node(23, imm=1), REFUTED),
    (2, "stores in the wrong order", both(node(21, op="stg.b", c=2, imm=-8), node(22, op="stg.w", c=1, imm=-4)), REFUTED),
]


def main():
    solver = Solver()
    bad = 0
    with open(HERE / "seeded.txt", encoding="ascii") as f:
        regions = list(read_regions(f))
    for i, region in enumerate(regions):
        verdict = prove(solver, copy.deepcopy(region))
        if verdict.kind != PROVEN:
            print(f"region {i} as it is: {verdict.kind}: {verdict.why}")
            bad += 1
    for i, what, change, expected in SEEDS:
        region = copy.deepcopy(regions[i])
        change(region)
        if region == regions[i]:
            raise SystemExit(f"seeded.py: {what}: nothing was changed")
        verdict = prove(solver, region)
        if verdict.kind != expected:
            print(f"region {i}, {what}: {verdict.kind} {verdict.why}, not {expected}")
            bad += 1
    solver.close()
    print(f"{len(regions)} regions, {len(SEEDS)} wrong forms of them; {bad} verdicts are not as they should be")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
