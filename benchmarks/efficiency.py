#!/usr/bin/env python3
"""How fast translated code is against code compiled for the same core, as a table and as build/reports/efficiency.json.

For each benchmark, on the RTL (cycles do not depend on the host):
  native      cycles of the program compiled straight to Duke by `duke-cc -O2`
  translated  cycles of the i386 build of the same source under `selkirk run --gear=N`
  efficiency  native / translated
  ipc         guest instructions a cycle, of the same instructions and cycles

Both are *warm*: each program runs twice, with SCALE and with SCALE + 1 times its work, and what counts is the difference, so that
neither start-up nor the first execution of anything is in it. From the translated cycles the categories `translate`,
`translate3` and `profile` are taken off: making translations, and watching what to make regions of. All others are in,
TLB fills, recovery and interpretation of what no translation does included.

--compare runs other settings of the translated side too, one column each, for ablations:
  benchmarks/efficiency.py --compare gear2:--gear=2 --compare noalias:-cmorph.region_alias=0 sort
"""
import argparse
import concurrent.futures
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOT_WARM = ("translate", "translate3", "profile")


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("benchmark", nargs="*", help="names; all without any")
    p.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    p.add_argument("--gear", type=int, default=3)
    p.add_argument("--scale", type=int, default=1, help="work of the shorter run")
    p.add_argument("--engine", default="rtl", help="engine for the cycle figures")
    p.add_argument("--compare", action="append", default=[], metavar="NAME:OPTION[,OPTION...]",
                   help="also with these options of selkirk run")
    p.add_argument("-j", "--jobs", type=int, default=1, help="runs at a time")
    p.add_argument("-o", "--output", type=pathlib.Path)
    return p.parse_args()


def fail(command, done):
    sys.exit(f"efficiency.py: {' '.join(map(str, command))}: status {done.returncode}\n{done.stderr[-2000:]}")


def native_cycles(args, name, scale):
    command = [args.build / "bin/duke-run", f"--engine={args.engine}", "--stats", args.build / "benchmarks/duke" / name, str(scale)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"^cycles (\d+)", done.stderr, re.MULTILINE)
    if done.returncode or not found:
        fail(command, done)
    return int(found[1])


def translated_stats(args, name, scale, extra):
    with tempfile.TemporaryDirectory() as tmp:
        stats = pathlib.Path(tmp) / "stats.json"
        command = [args.build / "bin/selkirk", "run", f"--engine={args.engine}", f"--gear={args.gear}", *extra,
                   f"--stats-json={stats}", "--", args.build / "benchmarks/i386" / name, str(scale)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not stats.exists():
            fail(command, done)
        return {key: s["value"] for key, s in json.loads(stats.read_text())["stats"].items()}


def warm_cycles(stats):
    return stats["core.numCycles"] - sum(stats.get(f"core.cycles.{c}::total", 0) for c in NOT_WARM)


def categories(long, short):
    """Cycles by category and reason of the difference, what is nothing left out."""
    diff = {k.removeprefix("core.cycles."): v - short.get(k, 0) for k, v in long.items() if k.startswith("core.cycles.")}
    return {k: v for k, v in diff.items() if v}


def translated(args, name, extra):
    short, long = (translated_stats(args, name, s, extra) for s in (args.scale, args.scale + 1))
    cycles, insns = warm_cycles(long) - warm_cycles(short), long["simInsts"] - short["simInsts"]
    return {
        "translated_cycles": cycles, "guest_insns": insns, "ipc": insns / cycles,
        "bundles": long["core.bundles_retired"] - short["core.bundles_retired"],
        "total_cycles": long["core.numCycles"],
        "cycles_by_category": categories(long, short),
    }


def measure(args, name, ways):
    for program in (args.build / "benchmarks/i386" / name, args.build / "benchmarks/duke" / name):
        if not program.exists():
            sys.exit(f"efficiency.py: {program} does not exist; build the targets `benchmarks` and `benchmarks_duke` first")
    native = native_cycles(args, name, args.scale + 1) - native_cycles(args, name, args.scale)
    row = {"name": name, "native_cycles": native, **translated(args, name, ())}
    row["efficiency"] = native / row["translated_cycles"]
    row["compare"] = {}
    for way, extra in ways.items():
        other = translated(args, name, extra)
        row["compare"][way] = {**other, "efficiency": native / other["translated_cycles"]}
    return row


def geomean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def waits(row):
    """What the warm cycles that issued nothing waited for, in translated code."""
    reasons = {}
    for key, v in row["cycles_by_category"].items():
        category, reason = key.split("::")
        if category in ("gear2", "gear3") and reason not in ("total", "issue"):
            reasons[reason] = reasons.get(reason, 0) + v
    top = sorted(reasons.items(), key=lambda kv: -kv[1])[:3]
    return ", ".join(f"{k} {v / row['translated_cycles']:.0%}" for k, v in top)


def main():
    args = options()
    names = args.benchmark or sorted(p.parent.name for p in (ROOT / "benchmarks").glob("*/expected"))
    ways = {}
    for c in args.compare:
        way, _, extra = c.partition(":")
        ways[way] = extra.split(",")
    rows = []
    print(f"{'benchmark':<10} {'native':>10} {'translated':>10} {'effic.':>6} {'ipc':>5}"
          + "".join(f" {way:>9}" for way in ways) + "  waits", flush=True)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for r in pool.map(lambda name: measure(args, name, ways), names):
            rows.append(r)
            print(f"{r['name']:<10} {r['native_cycles']:10} {r['translated_cycles']:10} {r['efficiency']:6.3f} {r['ipc']:5.2f}"
                  + "".join(f" {r['compare'][way]['efficiency']:9.3f}" for way in ways) + f"  {waits(r)}", flush=True)
    mean = {"efficiency": geomean([r["efficiency"] for r in rows]), "ipc": geomean([r["ipc"] for r in rows]),
            "compare": {way: geomean([r["compare"][way]["efficiency"] for r in rows]) for way in ways}}
    print(f"{'geo. mean':<10} {'':>10} {'':>10} {mean['efficiency']:6.3f} {mean['ipc']:5.2f}"
          + "".join(f" {mean['compare'][way]:9.3f}" for way in ways))
    output = args.output or args.build / "reports/efficiency.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps({"engine": args.engine, "gear": args.gear, "scale": args.scale, "benchmarks": rows, "mean": mean},
                                 indent=1) + "\n")
    print(f"written: {output}")


if __name__ == "__main__":
    main()
