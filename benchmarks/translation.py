#!/usr/bin/env python3
"""What gear 3 costs and whether it pays for itself, as a table and as build/reports/translation.json.

For each benchmark, the first --insts guest instructions (100 million: a minute each, for a profile is written) on the functional
engine, where a cycle is a bundle:
  regions    made
  insns      guest instructions lifted into regions: one that comes again, in another lap of a loop or in another region, counts
             again, for it is lifted, scheduled and written again
  once       those of a region counted once however often it has them; other regions with the same count again
  ops        native ops of making regions for each of `insns`, those that came to nothing included; /once: for each of `once`
  bundles    the same in bundles, for each of `insns`
and as shares of all cycles, from the core's categories:
  making     translations of gear 2 and regions: categories translate and translate3
  watching   interpreting under observation, to find what to make regions of: profile
  optimized  in regions: gear3. Every cycle from the entry of a region, wherever from, to its last bundle, and those of its stubs;
             not the refills of the TLB that its loads cause
  gear2, interp, tlb: in gear 2's translations, in the interpreter, filling the TLB
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CATEGORIES = ("translate", "translate3", "profile", "interp", "gear2", "gear3", "gear4", "tlb_fill")
NO_OPS = ("nop", "commit", "cat")
# Row of a profile: cycles, share, bundles, one number a reason; then the bundle's category, place, colon and ops.
BUNDLE = re.compile(r"^ *\d+ +[\d.]+ +(\d+)(?: +\d+){7}  (\w+) +\S+: (.*)$")


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
    """Native ops and bundles of making regions."""
    ops = bundles = 0
    with open(path, encoding="ascii") as file:
        for line in file:
            if (found := BUNDLE.match(line)) and found[2] == "translate3":
                names = [op.split()[0].split(".")[0] for op in found[3].split(" | ")]
                ops += int(found[1]) * sum(op not in NO_OPS for op in names)
                bundles += int(found[1])
    return ops, bundles


def measure(args, name):
    work = args.insts // run(args, name, 1, [])["simInsts"] + 1
    with tempfile.TemporaryDirectory() as tmp:
        profile = pathlib.Path(tmp) / "profile"
        stats = run(args, name, work, [f"--max-insts={args.insts}", f"--profile={profile}"])
        ops, bundles = read_profile(profile)
    cycles = {c: stats[f"core.cycles.{c}::total"] for c in CATEGORIES}
    if abs(bundles - cycles["translate3"]) > 100:
        sys.exit(f"translation.py: {name}: the profile has {bundles} bundles of translate3, the statistics {cycles['translate3']}")
    total, insns, once = stats["core.numCycles"], stats["morph.gear3_insns"], stats["morph.gear3_once"]
    return {"name": name, "insts": stats["simInsts"], "cycles": total,
            "gear3_insns": insns, "gear3_once": once, "gear3_regions": stats["morph.gear3_regions"],
            "ops_per_insn": ops / insns if insns else None, "ops_per_once": ops / once if once else None,
            "bundles_per_insn": bundles / insns if insns else None,
            "making": (cycles["translate"] + cycles["translate3"]) / total, "watching": cycles["profile"] / total,
            "optimized": (cycles["gear3"] + cycles["gear4"]) / total, "gear2": cycles["gear2"] / total,
            "interp": cycles["interp"] / total, "tlb": cycles["tlb_fill"] / total}


def text(row):
    ops = (f"{row['ops_per_insn']:6.0f} {row['ops_per_once']:6.0f} {row['bundles_per_insn']:7.0f}" if row["ops_per_insn"]
           else f"{'-':>6} {'-':>6} {'-':>7}")
    return (f"{row['name']:<10} {row['insts'] / 1e6:7.1f} {row['gear3_regions']:7} {row['gear3_insns']:7} {row['gear3_once']:6} {ops}"
            f" {row['making']:7.1%} {row['watching']:8.1%} {row['optimized']:9.1%} {row['gear2']:6.1%} {row['interp']:7.1%}"
            f" {row['tlb']:6.1%}")


def main():
    args = options()
    names = args.benchmark or sorted(p.parent.name for p in (ROOT / "benchmarks").glob("*/expected"))
    print(f"{'benchmark':<10} {'M insts':>7} {'regions':>7} {'insns':>7} {'once':>6} {'ops':>6} {'/once':>6} {'bundles':>7}"
          f" {'making':>7} {'watching':>8} {'optimized':>9} {'gear2':>6} {'interp':>7} {'tlb':>6}")
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
