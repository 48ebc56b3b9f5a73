#!/usr/bin/env python3
"""That func.inject does what it says: its events happen, the program does not notice, and wrong values are refused. And that
regions which fail at every bundle come to an end: each head climbs from level to level, and is then left to gear 2."""
import argparse
import json
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
KINDS = {"alias": "morph.faults_spurious", "fault": "morph.faults_spurious", "overflow": "morph.faults_spurious",
         "interrupt": "core.traps"}
LADDERS = ("overflow:0", "overflow:1", "alias:0", "fault:1")
PINS = 4 # as morph.region_pins has it: each load or store kept in order may make a region anew
HEADS_LEAST, REGIONS_MOST = 700, 4 + PINS  # heads of regions in a run, and regions that one of them may have: levels, and one more
                                           # for code that was decoded anew


def run(args, folder, *options):
    stats = folder / "stats.json"
    stats.unlink(missing_ok=True)
    done = subprocess.run([args.build / "bin/selkirk", "run", "--gear=2", "-c", "morph.hot2=1", *options, "--stats-json", stats,
                           "--", args.build / "guests/busybox", "echo", "ok"], capture_output=True, text=True, check=False)
    return done, json.loads(stats.read_text())["stats"] if stats.exists() else {}


def regions_by_head(args, folder, event):
    """How many regions each head has had in a run in which regions fail all the time."""
    path = folder / "regions"
    options = [x for pair in ("hot2=1", "hot3=1", "region_laps=2") for x in ("-c", f"morph.{pair}")]
    done = subprocess.run([args.build / "bin/selkirk", "run", "--gear=3", *options, "-c", f"func.inject={event}", "--regions", path,
                           "--", args.build / "guests/busybox", "sh", "-c", "for i in 1 2 3; do echo $((i * i)); done"],
                          capture_output=True, text=True, check=False)
    made = Counter(line.split()[1] for line in path.read_text().splitlines() if line.startswith("region "))
    return done, made


def check_ladders(args, folder):
    bad = []
    for event in LADDERS:
        done, made = regions_by_head(args, folder, event)
        head, most = made.most_common(1)[0] if made else ("none", 0)
        if done.returncode or done.stdout != "1\n4\n9\n":
            bad.append(f"gear 3, {event}: status {done.returncode}, output {done.stdout!r} {done.stderr!r}")
        elif len(made) < HEADS_LEAST or most > REGIONS_MOST:
            bad.append(f"gear 3, {event}: {len(made)} heads, and the one at {head} has had {most} regions")
    return bad


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--build", type=Path, default=ROOT / "build")
    args = p.parse_args()
    bad = []
    with tempfile.TemporaryDirectory(prefix="selkirk-inject-") as name:
        folder = Path(name)
        _, plain = run(args, folder)
        for kind, stat in KINDS.items():
            done, stats = run(args, folder, "-c", f"func.inject={kind}:0")
            if done.returncode or done.stdout != "ok\n":
                bad.append(f"{kind}:0: status {done.returncode}, output {done.stdout!r} {done.stderr!r}")
            elif stats[stat]["value"] < plain[stat]["value"] + 100:
                bad.append(f"{kind}:0: {stat} is {stats[stat]['value']}, and {plain[stat]['value']} without it")
        for options, text in ((["-c", "func.inject=alias"], "KIND:N"), (["-c", "func.inject=nothing:3"], "KIND:N"),
                              (["-c", "func.inject=alias:3x"], "KIND:N"),
                              (["--engine=rtl", "-c", "func.inject=alias:3"], "only func can"),
                              (["-c", "sim.store_buffer=3"], "4 entries at least")):
            done, _ = run(args, folder, *options)
            if done.returncode != 2 or text not in done.stderr or done.stderr.count("\n") != 1:
                bad.append(f"{' '.join(options)}: status {done.returncode}, {done.stderr!r}")
        bad += check_ladders(args, folder)
    for line in bad:
        print(line)
    print(f"{len(bad)} of {len(KINDS) + 5 + len(LADDERS)} are not as they should be")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
