#!/usr/bin/env python3
"""What gear 3 costs and whether it pays for itself, as a table and as build/reports/translation.json.

For each benchmark, the first --insts guest instructions (100 million: a minute each, for a profile is written) on the functional
engine, where a cycle is a bundle:
  insns      guest instructions translated by gear 3, repetitions of an instruction in its region included
  ops        native ops of making regions for each of them, those that came to nothing included
  bundles    the same in bundles
and as shares of all cycles:
  making     translations of gear 2 and regions
  watching   interpreting under observation, to find what to make regions of
  optimized  in regions
  gear2, interp: in gear 2's translations, in the interpreter
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
NO_OPS = ("nop", "commit")
# Rows of a profile: cycles, share, bundles, one number a reason; then a bundle's category, place, colon and ops, or a translation's
# addresses, sizes, entries and gear.
BUNDLE = re.compile(r"^ *\d+ +[\d.]+ +(\d+)(?: +\d+){7}  (\w+) +\S+: (.*)$")
TRANSLATION = re.compile(r"^ *(\d+) +[\d.]+ +\d+(?: +\d+){7}  [0-9a-f]{8,} [0-9a-f]{8} +\d+ +\d+ +\d+ (\d)$")


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("benchmark", nargs="*", help="names; all without any")
    p.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    p.add_argument("--insts", type=int, default=100_000_000, help="guest instructions of each run")
    p.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a parameter for every run, as of selkirk -c")
    p.add_argument("-o", "--output", type=pathlib.Path)
    return p.parse_args()


def run(args, name, work, extra):
    """Statistics of a run as a flat dictionary."""
    program = args.build / "benchmarks/i386" / name
    if not program.exists():
        sys.exit(f"translation.py: {program} does not exist; build the target `benchmarks` first")
    with tempfile.TemporaryDirectory() as tmp:
        stats = pathlib.Path(tmp) / "stats.json"
        command = [args.build / "bin/selkirk", "run", "--sandbox=off", "--engine=func", "--gear=3", f"--stats-json={stats}",
                   *(word for pair in args.set for word in ("-c", pair)), *extra, "--", program, str(work)]
        done = subprocess.run(command, capture_output=True, check=False)
        if not stats.exists():
            sys.exit(f"translation.py: {name}: status {done.returncode}\n{done.stderr.decode()[-2000:]}")
        return {key: s["value"] for key, s in json.loads(stats.read_text())["stats"].items()}


def read_profile(path):
    """Native ops and bundles of making regions; cycles of translations by gear."""
    ops = bundles = 0
    gears = {2: 0, 3: 0, 4: 0}
    with open(path, encoding="ascii") as file:
        for line in file:
            if found := BUNDLE.match(line):
                if found[2] == "translate3":
                    names = [op.split()[0].split(".")[0] for op in found[3].split(" | ")]
                    ops += int(found[1]) * sum(op not in NO_OPS for op in names)
                    bundles += int(found[1])
            elif found := TRANSLATION.match(line):
                gears[int(found[2])] += int(found[1])
    return ops, bundles, gears


def measure(args, name):
    work = args.insts // run(args, name, 1, [])["simInsts"] + 1
    with tempfile.TemporaryDirectory() as tmp:
        profile = pathlib.Path(tmp) / "profile"
        stats = run(args, name, work, [f"--max-insts={args.insts}", f"--profile={profile}"])
        ops, bundles, gears = read_profile(profile)
    cycles = {c: stats[f"core.cycles.{c}::total"] for c in ("translate", "translate3", "profile", "interp")}
    if abs(bundles - cycles["translate3"]) > 100:
        sys.exit(f"translation.py: {name}: the profile has {bundles} bundles of translate3, the statistics {cycles['translate3']}")
    total, insns = stats["core.numCycles"], stats["morph.gear3_insns"]
    return {"name": name, "insts": stats["simInsts"], "cycles": total,
            "gear3_insns": insns, "gear3_regions": stats["morph.gear3_regions"],
            "ops_per_insn": ops / insns if insns else None, "bundles_per_insn": bundles / insns if insns else None,
            "making": (cycles["translate"] + cycles["translate3"]) / total, "watching": cycles["profile"] / total,
            "optimized": (gears[3] + gears[4]) / total, "gear2": gears[2] / total, "interp": cycles["interp"] / total}


def text(row):
    ops = f"{row['ops_per_insn']:8.0f} {row['bundles_per_insn']:8.0f}" if row["ops_per_insn"] else f"{'-':>8} {'-':>8}"
    return (f"{row['name']:<10} {row['insts'] / 1e6:7.1f} {row['gear3_insns']:7} {ops} {row['making']:7.1%} {row['watching']:8.1%}"
            f" {row['optimized']:9.1%} {row['gear2']:6.1%} {row['interp']:7.1%}")


def main():
    args = options()
    names = args.benchmark or sorted(p.parent.name for p in (ROOT / "benchmarks").glob("*/expected"))
    print(f"{'benchmark':<10} {'M insts':>7} {'insns':>7} {'ops':>8} {'bundles':>8} {'making':>7} {'watching':>8} {'optimized':>9}"
          f" {'gear2':>6} {'interp':>7}")
    rows = []
    for name in names:
        rows.append(measure(args, name))
        print(text(rows[-1]), flush=True)
    output = args.output or args.build / "reports/translation.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps({"benchmarks": rows}, indent=1) + "\n")
    print(f"written: {output}")


if __name__ == "__main__":
    main()
