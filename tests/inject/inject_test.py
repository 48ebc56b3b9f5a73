#!/usr/bin/env python3
"""That func.inject does what it says: its events happen, the program does not notice, and wrong values are refused."""
import argparse
import json
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
KINDS = {"alias": "morph.faults_spurious", "fault": "morph.faults_spurious", "overflow": "morph.faults_spurious",
         "interrupt": "core.traps"}


def run(args, folder, *options):
    stats = folder / "stats.json"
    stats.unlink(missing_ok=True)
    done = subprocess.run([args.build / "bin/selkirk", "run", "--gear=2", "-c", "morph.hot2=1", *options, "--stats-json", stats,
                           "--", args.build / "guests/busybox", "echo", "ok"], capture_output=True, text=True, check=False)
    return done, json.loads(stats.read_text())["stats"] if stats.exists() else {}


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
    for line in bad:
        print(line)
    print(f"{len(bad)} of {len(KINDS) + 5} are not as they should be")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
