#!/usr/bin/env python3
"""Proves with Z3 that the regions of a corpus do what the guest's code says.

    prove.py [--build DIR] [--limit N] [--program PATH]... [--set KEY=VALUE]... [FILE...]

FILE is what `selkirk run --regions FILE` wrote; a program is run for its regions first, in gear 3. --benchmarks stands for all
programs of benchmarks/, i386 and x86-64. Exit status 1 if a region was refuted, or none proven.
"""
import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from equivalence import PROVEN, REFUTED, UNKNOWN, prove
from region import read_regions
from solver import Solver, SolverError

ROOT = Path(__file__).resolve().parent.parent.parent
WIDTHS = ("i386", "x86_64")


def regions_of(build, path):
    done = subprocess.run([build / "bin/region-ir", path], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"prove.py: {done.stderr.strip()}")
    return list(read_regions(done.stdout.splitlines()))


def collect(args, program, path):
    """Runs the program, and leaves the paths of its regions at `path`."""
    pairs = [f"-c{pair}" for pair in args.set]
    done = subprocess.run([args.build / "bin/selkirk", "run", "--gear=3", *pairs, "--regions", path, "--", program],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False)
    if not path.exists():
        raise SystemExit(f"prove.py: {program}: {done.stderr.strip()}")


def all_benchmarks(build):
    found = sorted(p for width in WIDTHS for p in (build / "benchmarks" / width).iterdir() if p.is_file())
    if not found:
        raise SystemExit("prove.py: there are no benchmarks; scripts/build makes them")
    return found


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("file", nargs="*", type=Path)
    p.add_argument("--build", type=Path, default=ROOT / "build")
    p.add_argument("--program", action="append", type=Path, default=[], help="run this for its regions")
    p.add_argument("--benchmarks", action="store_true", help="all benchmarks")
    p.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="for the runs, as of selkirk run -c")
    p.add_argument("--limit", type=int, default=1 << 30, help="no more than so many regions of each")
    p.add_argument("-v", "--verbose", action="store_true", help="a line for proven regions too")
    return p.parse_args()


def one_corpus(args, solver, name, path, counts):
    here = Counter()
    begin = time.monotonic()
    for i, region in enumerate(regions_of(args.build, path)[:args.limit]):
        where = f"{name}: region {i} at {region.rip:#x}, {region.insns} instructions"
        if region.refused:
            here["not made"] += 1
            print(f"{where}: not made: {region.refused}", flush=True)
            continue
        verdict = prove(solver, region)
        here[verdict.kind] += 1
        here["instructions"] += region.insns
        if verdict.why or args.verbose:
            print(f"{where}: {verdict.kind} {verdict.why}", flush=True)
    print(f"{name}: {summary(here)}; {time.monotonic() - begin:.0f} s", flush=True)
    counts += here


def summary(counts):
    kinds = ", ".join(f"{counts[kind]} {kind}" for kind in (PROVEN, UNKNOWN, REFUTED, "not made"))
    return f"{kinds}; {counts['instructions']} guest instructions"


def main():
    args = options()
    try:
        solver = Solver()
    except SolverError as e:
        raise SystemExit(f"prove.py: {e}") from e
    counts = Counter()
    for path in args.file:
        one_corpus(args, solver, path.name, path, counts)
    with tempfile.TemporaryDirectory(prefix="selkirk-proof-") as folder:
        for program in args.program + (all_benchmarks(args.build) if args.benchmarks else []):
            path = Path(folder) / "regions"
            collect(args, program, path)
            one_corpus(args, solver, f"{program.parent.name}/{program.name}", path, counts)
            path.unlink()
    solver.close()
    print(f"all: {summary(counts)}; {solver.asked} questions to Z3")
    return 1 if counts[REFUTED] or not counts[PROVEN] else 0


if __name__ == "__main__":
    sys.exit(main())
