#!/usr/bin/env python3
"""Cycles of whole benchmarks on two builds, as a table: is the machine of today slower than that of another commit?

    git worktree add ../before COMMIT && ../before/scripts/build
    benchmarks/compare.py ../before/build build

Both builds run the new build's i386 programs on the RTL engine, in gear 2 unless --gear says otherwise, from start to end, what is
translated and what is interpreted included. Cycles do not depend on the host. Exit status 1 if the mean is worse by more than
--tolerance.
"""
import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("before", type=pathlib.Path, help="build folder of the other commit")
    p.add_argument("now", type=pathlib.Path, nargs="?", default=ROOT / "build")
    p.add_argument("--benchmark", action="append", help="only these")
    p.add_argument("--gear", type=int, default=2)
    p.add_argument("--tolerance", type=float, default=0.0, metavar="PERCENT")
    return p.parse_args()


def cycles(build, program, gear):
    with tempfile.TemporaryDirectory() as tmp:
        outdir = pathlib.Path(tmp) / "out"
        command = [build / "bin/selkirk", "run", "--engine=rtl", f"--gear={gear}", "-d", outdir, "--", program]
        done = subprocess.run(command, capture_output=True, cwd=tmp, check=False)
        if done.returncode:
            sys.exit(f"compare.py: {build}: {program.name}: status {done.returncode}: {done.stderr.decode()[-500:]}")
        return int(json.loads((outdir / "stats.json").read_text())["stats"]["core.numCycles"]["value"])


def main():
    args = options()
    programs = args.now.resolve() / "benchmarks/i386"
    names = args.benchmark or sorted(p.parent.name for p in (ROOT / "benchmarks").glob("*/expected"))
    missing = [p for p in (args.before / "bin/selkirk", args.now / "bin/selkirk", *(programs / n for n in names)) if not p.exists()]
    if missing:
        sys.exit(f"compare.py: {missing[0]} does not exist; scripts/build makes it")
    print("| benchmark | before | now | now / before |\n|---|---|---|---|")
    ratios = []
    for name in names:
        before, now = (cycles(build.resolve(), programs / name, args.gear) for build in (args.before, args.now))
        ratios.append(now / before)
        print(f"| {name} | {before:,} | {now:,} | {ratios[-1]:.3f} |", flush=True)
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(f"| geometric mean | | | {mean:.3f} |")
    return 1 if mean > 1 + args.tolerance / 100 else 0


if __name__ == "__main__":
    sys.exit(main())
