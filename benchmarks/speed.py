#!/usr/bin/env python3
"""The machine's speed figures over the benchmarks, as a table and as build/reports/speed.json.

For each benchmark, on the RTL (cycles do not depend on the host):
  interp      cycles of gear 1 per guest instruction, interpreter only
  translate   cycles of gear 2's translator per guest instruction translated
  gear2 ipc   guest instructions per cycle spent in gear-2 code
  bound       what most of gear 2's cycles that issued nothing waited for
and, for the host (steady enough to compare on one machine in one run):
  kHz, bundles/s of both engines, and with --callgrind host instructions per simulated cycle on translated code
(those of the second half of the translated run; about two minutes a benchmark with --insts 1000000).
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("benchmark", nargs="*", help="names; all without any")
    p.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    p.add_argument("--fp", choices=("sse2", "x87", "x86_64"), help="the floating-point benchmarks, compiled so")
    p.add_argument("--insts", type=int, default=2_000_000, help="guest instructions of each translated run")
    p.add_argument("--interp-insts", type=int, default=100_000, help="guest instructions of each interpreted run")
    p.add_argument("--engine", default="rtl", help="engine for the cycle figures")
    p.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a parameter for every run, as of selkirk -c")
    p.add_argument("--callgrind", action="store_true", help="also count host instructions per cycle; minutes")
    p.add_argument("-o", "--output", type=pathlib.Path)
    return p.parse_args()


def command(args, program, engine, gear, insts, outdir):
    return [args.build / "bin/selkirk", "run", "--sandbox=off", f"--engine={engine}", f"--gear={gear}", f"--max-insts={insts}",
            "-d", outdir, *(["--guest-cpu=max"] if args.fp else []), *(f"--set={s}" for s in args.set), "--", program]


def run(args, program, engine, gear, insts, prefix=()):
    """One run; returns its statistics as a flat dictionary, with the wall time under `wall`."""
    with tempfile.TemporaryDirectory() as tmp:
        outdir = pathlib.Path(tmp) / "out"
        begin = time.monotonic()
        done = subprocess.run([*prefix, *command(args, program, engine, gear, insts, outdir)], capture_output=True, check=False)
        wall = time.monotonic() - begin
        stats = outdir / "stats.json"
        if not stats.exists():
            sys.exit(f"speed.py: {program} under {engine}, gear {gear}: status {done.returncode}\n{done.stderr.decode()[-2000:]}")
        values = {name: s["value"] for name, s in json.loads(stats.read_text())["stats"].items()}
    values["wall"] = wall
    return values


def callgrind(args, program, insts):
    """Host instructions of a run, by callgrind; repeatable for the same binary and input."""
    with tempfile.TemporaryDirectory() as tmp:
        out = pathlib.Path(tmp) / "callgrind.out"
        stats = run(args, program, "rtl", 2, insts,
                    ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "-q"])
        total = [int(line.split()[1]) for line in out.read_text().splitlines() if line.startswith(("summary:", "totals:"))]
    return total[0], stats["core.numCycles"], stats["core.cycles.gear2::total"]


def bound(stats):
    waits = {name.split("::")[1]: v for name, v in stats.items()
             if name.startswith("core.cycles.gear2::") and not name.endswith(("::total", "::issue"))}
    total = stats["core.cycles.gear2::total"] or 1
    return {k: round(v / total, 3) for k, v in sorted(waits.items(), key=lambda kv: -kv[1]) if v}


def measure(args, name):
    program = args.build / "benchmarks" / (f"fp-{args.fp}" if args.fp else "i386") / name
    if not program.exists():
        sys.exit(f"speed.py: {program} does not exist; build the target `benchmarks` first")
    interp = run(args, program, args.engine, 1, args.interp_insts)
    warm = run(args, program, args.engine, 2, args.insts)
    func = run(args, program, "func", 2, args.insts)
    insts = warm["simInsts"]
    translated = insts - warm["morph.insns_interp"]
    row = {
        "name": name, "insts": insts,
        "interp_cycles_per_inst": interp["core.cycles.interp::total"] / interp["simInsts"],
        "translate_cycles_per_inst": warm["core.cycles.translate::total"] / max(warm["morph.gear2_insns"], 1),
        "gear2_ipc": translated / max(warm["core.cycles.gear2::total"], 1),
        "ops_per_bundle": warm["core.ops_retired"] / max(warm["core.bundles_retired"], 1),
        "gear2_share": warm["core.cycles.gear2::total"] / warm["core.numCycles"],
        "gear2_waits": bound(warm),
        "rtl_khz": warm["core.numCycles"] / warm["wall"] / 1e3,
        "rtl_bundles_per_s": warm["core.bundles_retired"] / warm["wall"],
        "func_bundles_per_s": func["core.bundles_retired"] / func["wall"],
    }
    if args.callgrind:
        # The second half of the run alone: most of it is translated code, which the share shows.
        long, long_cycles, long_gear2 = callgrind(args, program, args.insts)
        short, short_cycles, short_gear2 = callgrind(args, program, args.insts // 2)
        if long_cycles == short_cycles:
            sys.exit(f"speed.py: {name} ends before {args.insts // 2} instructions; give a smaller --insts")
        row["host_insts_per_cycle"] = (long - short) / (long_cycles - short_cycles)
        row["host_insts_gear2_share"] = (long_gear2 - short_gear2) / (long_cycles - short_cycles)
    return row


def main():
    args = options()
    names = args.benchmark or sorted(p.parent.name for p in (ROOT / "benchmarks").glob("fp/*/expected" if args.fp else "*/expected"))
    rows = []
    print(f"{'benchmark':<10} {'interp':>7} {'transl':>7} {'ipc':>6} {'share':>6} {'kHz':>7} {'func/rtl':>8}  waits in gear 2")
    for name in names:
        r = measure(args, name)
        rows.append(r)
        waits = ", ".join(f"{k} {v:.0%}" for k, v in list(r["gear2_waits"].items())[:3])
        print(f"{name:<10} {r['interp_cycles_per_inst']:7.1f} {r['translate_cycles_per_inst']:7.0f} {r['gear2_ipc']:6.2f} "
              f"{r['gear2_share']:6.1%} {r['rtl_khz']:7.0f} {r['func_bundles_per_s'] / r['rtl_bundles_per_s']:8.1f}  {waits}"
              + (f"  {r['host_insts_per_cycle']:.0f} host insts/cycle, {r['host_insts_gear2_share']:.0%} of them in gear 2"
                 if args.callgrind else ""), flush=True)
    mean = {k: sum(r[k] for r in rows) / len(rows) for k in ("interp_cycles_per_inst", "translate_cycles_per_inst", "gear2_ipc")}
    print(f"{'mean':<10} {mean['interp_cycles_per_inst']:7.1f} {mean['translate_cycles_per_inst']:7.0f} {mean['gear2_ipc']:6.2f}")
    output = args.output or args.build / f"reports/speed{'-fp-' + args.fp if args.fp else ''}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps({"benchmarks": rows, "mean": mean}, indent=1) + "\n")
    print(f"written: {output}")


if __name__ == "__main__":
    main()
