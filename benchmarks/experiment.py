#!/usr/bin/env python3
"""Experiments on Selkirk's mechanisms and policies: one command each, a table, a plot and the numbers.

    benchmarks/experiment.py alias                     # the experiment over all benchmarks, on the RTL
    benchmarks/experiment.py evict --engine func sort  # on the functional engine, where a cycle is a bundle
    benchmarks/experiment.py evict --policies fifo,generational --gear 2 --set hot2=1,tcache_kib=32
    benchmarks/experiment.py --list

Each experiment runs the same programs under several settings and compares cycles with those of its first setting:
  translated  cycles in translated code and in recovering from its rollbacks, an instruction executed there (gear 3)
  whole       all cycles of the run, an instruction
Runs end after --insts guest instructions. Written to build/reports/: NAME.md, NAME.svg, NAME.json.
"""
import argparse
import concurrent.futures
import json
import math
import pathlib
import subprocess
import sys
import tempfile
from xml.sax.saxutils import escape

ROOT = pathlib.Path(__file__).resolve().parent.parent


def settings(*pairs):
    """(label, "key=value key=value") to (label, options of selkirk run); keys without a dot are morph's."""
    return [(label, [f"-c{pair}" if "." in pair else f"-cmorph.{pair}" for pair in text.split()]) for label, text in pairs]


def policies(kind, names, common=""):
    return settings(*((name, f"{kind}={name} {common}") for name in names.split()))


# name: what it is about, gear, what is compared, settings
EXPERIMENTS = {
    "reorder": ("memory operations in the order of the program", 3, "translated", settings(
        ("all reordering", ""), ("loads behind stores", "region_reorder=0"), ("loads behind branches", "region_hoist=0"),
        ("none", "region_reorder=0 region_hoist=0"))),
    "alias": ("alias entries", 3, "translated", settings(
        ("32 entries", ""), ("16", "region_alias_entries=16"), ("8", "region_alias_entries=8"),
        ("4", "region_alias_entries=4"), ("2", "region_alias_entries=2"), ("0", "region_alias_entries=0"))),
    "commit": ("speculation across commits and side exits", 3, "translated", settings(
        ("all", ""), ("loads behind commits", "region_over_commits=0"), ("exits commit", "region_late=0"),
        ("none", "region_over_commits=0 region_late=0"))),
    "selfcheck": ("code that checks itself against code that the TLB protects", 3, "translated", settings(
        ("protection", ""), ("self-checking", "region_check=1"))),
    "memory": ("loads and stores that a region need not do", 3, "translated", settings(
        ("all", ""), ("loads are done", "region_forward=0"), ("stores are done", "region_dead_stores=0"),
        ("both", "region_forward=0 region_dead_stores=0"))),
    "speculation": ("one mechanism after the other taken away", 3, "translated", settings(
        ("all", ""), ("no alias entries", "region_alias=0"), ("nor over commits", "region_alias=0 region_over_commits=0"),
        ("nor across calls", "region_alias=0 region_over_commits=0 region_calls=0"),
        ("nor laps", "region_alias=0 region_over_commits=0 region_calls=0 region_laps=1"))),
    "promote": ("when gear 2 translates a block", 2, "whole", policies("promote", "count loops")),
    "head": ("which blocks head regions", 3, "whole", policies("head", "loops_first hottest loops")),
    "form": ("how regions are formed", 3, "whole", policies("form", "likely guess block")),
    "spec": ("how much regions speculate", 3, "whole", policies("spec", "bold wary none")),
    "smc": ("code on pages that are written to", 2, "whole", policies("smc", "patient chunks pages")),
    "cache": ("size of the translation cache; above 28 MiB jumps take two words", 2, "whole", settings(
        ("4 MiB", "hot2=1"), ("64 MiB", "hot2=1 tcache_kib=65536 memory.hidden_mib=512"), ("256 KiB", "hot2=1 tcache_kib=256"))),
    "evict": ("policies for a full translation cache, at three sizes", 2, "whole", settings(
        *((f"{name} {kib} KiB", f"hot2=1 evict={name} tcache_kib={kib}") for kib in (256, 64, 32)
          for name in ("flush", "fifo", "generational")))),
}

# Experiments that are not about the benchmarks: what the names stand for, in the build folder.
OWN = {"smc": {way: ["tests/programs/smc", way] for way in ("overlap", "loop_ahead", "data_on_page", "generate", "toggle")}}


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("experiment", nargs="?", help="see --list; or a kind of policy with --policies")
    p.add_argument("benchmark", nargs="*", help="names; all without any")
    p.add_argument("--policies", help="compare these instead, with commas between: policies of the kind `experiment`")
    p.add_argument("--gear", type=int, default=3, help="with --policies")
    p.add_argument("--set", default="", metavar="KEY=VALUE,...", help="with --policies: parameters of morph for all of them")
    p.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    p.add_argument("--engine", default="rtl")
    p.add_argument("--insts", type=int, default=1_000_000)
    p.add_argument("-j", "--jobs", type=int, default=1, help="runs at a time")
    p.add_argument("--list", action="store_true")
    args = p.parse_intermixed_args()
    if not args.list and not args.experiment:
        p.error("no experiment named; --list prints them")
    if not args.list and not args.policies and args.experiment not in EXPERIMENTS:
        p.error(f"experiment \"{args.experiment}\" is unknown; there are {', '.join(EXPERIMENTS)}")
    return args


def run(args, name, gear, extra):
    """Statistics of a run as a flat dictionary."""
    program, *rest = OWN.get(args.experiment, {}).get(name, [f"benchmarks/i386/{name}"])
    with tempfile.TemporaryDirectory() as tmp:
        path = pathlib.Path(tmp) / "stats.json"
        command = [args.build / "bin/selkirk", "run", "--sandbox=off", f"--engine={args.engine}", f"--gear={gear}", *extra,
                   f"--max-insts={args.insts}", f"--stats-json={path}", "--", args.build / program, *rest]
        done = subprocess.run(command, capture_output=True, check=False)
        if not path.exists():
            sys.exit(f"experiment.py: {' '.join(map(str, command))}: status {done.returncode}\n{done.stderr.decode()[-2000:]}")
        return {key: s["value"] for key, s in json.loads(path.read_text())["stats"].items()}


def cost(stats, metric):
    """Cycles an instruction."""
    if metric == "whole":
        return stats["core.numCycles"] / stats["simInsts"]
    cycles = sum(stats[f"core.cycles.{category}::total"] for category in ("gear2", "gear3", "recover"))
    return cycles / max(1, stats["simInsts"] - stats["morph.insns_interp"])


def mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def table(labels, rows):
    lines = ["| benchmark | " + " | ".join(labels) + " |", "|---" * (len(labels) + 1) + "|"]
    for name, first, ratios in rows:
        cells = [f"{first:.3f}" if first else "1"] + [f"{r:.3f}" for r in ratios[1:]]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


COLOURS = ("#30475e", "#f05454", "#e8a33d", "#5b8e7d", "#8d6a9f", "#4f9bd9", "#999999", "#b5651d", "#222222")


def plot(title, labels, rows):
    """A bar a setting and benchmark: cycles as a multiple of the first setting's."""
    bar, gap, left, top, height = 9, 14, 48, 56, 260
    group = bar * len(labels) + gap
    width = left + group * len(rows) + 20
    highest = max(max(ratios) for _, _, ratios in rows)
    step = next(s for s in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 100) if highest / s <= 10)
    scale = height / (step * math.ceil(highest / step))
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top + height + 70}" font-family="sans-serif" '
           f'font-size="11">', '<rect width="100%" height="100%" fill="white"/>',
           f'<text x="{left}" y="18" font-size="14">{escape(title)}</text>']
    at = left
    for i, label in enumerate(labels):
        out.append(f'<rect x="{at}" y="28" width="10" height="10" fill="{COLOURS[i % len(COLOURS)]}"/>'
                   f'<text x="{at + 14}" y="37">{escape(label)}</text>')
        at += 26 + 7 * len(label)
    out[0] = out[0].replace(f'width="{width}"', f'width="{max(width, at)}"')
    for k in range(int(round(height / scale / step)) + 1):
        y = top + height - k * step * scale
        out.append(f'<line x1="{left}" y1="{y:.1f}" x2="{width - 10}" y2="{y:.1f}" stroke="#ddd"/>'
                   f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{k * step:g}</text>')
    for n, (name, _, ratios) in enumerate(rows):
        x = left + gap / 2 + n * group
        for i, ratio in enumerate(ratios):
            h = ratio * scale
            out.append(f'<rect x="{x + i * bar:.1f}" y="{top + height - h:.1f}" width="{bar - 1}" height="{h:.1f}" '
                       f'fill="{COLOURS[i % len(COLOURS)]}"><title>{escape(name)}, {escape(labels[i])}: {ratio:.3f}</title></rect>')
        out.append(f'<text transform="translate({x + group / 2 - gap / 2:.1f},{top + height + 12}) rotate(30)">{escape(name)}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def main():
    args = options()
    if args.list:
        for name, (about, gear, metric, columns) in EXPERIMENTS.items():
            print(f"{name:10} gear {gear}, {metric:10}  {about}: {', '.join(label for label, _ in columns)}")
        return 0
    if args.policies:
        about, gear, metric = f"policies of kind {args.experiment}", args.gear, "whole"
        columns = policies(args.experiment, args.policies.replace(",", " "), args.set.replace(",", " "))
    else:
        about, gear, metric, columns = EXPERIMENTS[args.experiment]
    own = OWN.get(args.experiment, {})
    names = args.benchmark or list(own) or sorted(p.parent.name for p in (ROOT / "benchmarks").glob("*/expected"))
    missing = [n for n in names if n not in own and not (args.build / "benchmarks/i386" / n).exists()]
    if missing:
        sys.exit(f"experiment.py: {args.build}/benchmarks/i386/{missing[0]} does not exist; scripts/build benchmarks makes those there are")
    labels, rows, numbers = [label for label, _ in columns], [], {}
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        jobs = {(name, label): pool.submit(run, args, name, gear, extra) for name in names for label, extra in columns}
        for name in names:
            results = {label: jobs[name, label].result() for label in labels}
            costs = [cost(results[label], metric) for label in labels]
            rows.append((name, costs[0], [c / costs[0] for c in costs]))
            numbers[name] = {label: {"cost": c, "stats": {k: v for k, v in results[label].items() if k.startswith("morph.")}}
                             for label, c in zip(labels, costs)}
            print(f"{name:12}", " ".join(f"{label}: {c:.3f}" for label, c in zip(labels, costs)), flush=True)
    rows.append(("mean", 0, [mean([r[2][i] for r in rows]) for i in range(len(labels))]))
    reports = args.build / "reports"
    reports.mkdir(exist_ok=True)
    title = f"{args.experiment}: {about} ({metric} cycles, gear {gear}, engine {args.engine}, {args.insts:,} instructions)"
    text = f"{title}\n\nFirst column: cycles an instruction; the others: multiples of it.\n\n{table(labels, rows)}"
    (reports / f"{args.experiment}.md").write_text(text)
    (reports / f"{args.experiment}.svg").write_text(plot(title, labels, rows))
    (reports / f"{args.experiment}.json").write_text(json.dumps({
        "experiment": args.experiment, "about": about, "gear": gear, "metric": metric, "engine": args.engine, "insts": args.insts,
        "settings": {label: extra for label, extra in columns}, "benchmarks": numbers}, indent=1) + "\n")
    print(f"\n{text}\nwritten: {reports / args.experiment}.md, .svg, .json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
