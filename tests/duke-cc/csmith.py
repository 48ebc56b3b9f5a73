#!/usr/bin/env python3
"""Random C programs of csmith: what duke-cc makes of them must print what the host's compiler makes of them prints.

usage: csmith.py --bin DIR [--programs N] [--seed FIRST] [--keep DIR] [--jobs N] [--progress]

Program i has seed FIRST + i. Each is compiled at -O0, -O1, -O2 and -O3 and, at -O2, for the other machine. Programs that run
long on the host are skipped (about one in five). On a difference the program is kept and the command to repeat it shown.
Limits are in processor time, so that a busy machine does not change what is tried.
"""
import argparse
import collections
import concurrent.futures
import dataclasses
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

CSMITH = ["csmith", "--no-packed-struct", "--no-float", "--no-argc"]
INCLUDE = "-I/usr/include/csmith"
VARIANTS = [("0", "default"), ("1", "default"), ("2", "default"), ("3", "default"), ("2", "tm5400")]
MAX_CYCLES = 200_000_000
SLOW = -24  # status of a process that has used up its time: SIGXCPU


@dataclasses.dataclass
class Outcome:
    seed: int
    skipped: str = ""  # why the program is none to compare with
    counts: collections.Counter = dataclasses.field(default_factory=collections.Counter)  # of variants
    problems: list[str] = dataclasses.field(default_factory=list)


def run(command, seconds, cwd=None):
    command = ["prlimit", f"--cpu={seconds}:{seconds + 5}", *command]
    try:
        return subprocess.run(command, capture_output=True, cwd=cwd, timeout=30 * seconds)
    except subprocess.TimeoutExpired:  # waits for something that does not come
        return subprocess.CompletedProcess(command, SLOW, b"", b"")


def host_result(source, tmp):
    """What the host's program does, or why it cannot be used."""
    gcc = run(["gcc", "-w", "-O1", "-fwrapv", "-fno-strict-aliasing", INCLUDE, "-o", f"{tmp}/host", source], 120)
    if gcc.returncode:
        return None, "gcc failed"
    want = run([f"{tmp}/host"], 2)
    if want.returncode:
        return None, "ran long on the host" if want.returncode == SLOW else "failed on the host"
    return want, ""


def variant(level, machine, source, tmp, want, args):
    """What became of one way to compile the program, and a message if it is wrong."""
    flags = [f"-O{level}", f"-mcpu={machine}", "-w", "-fwrapv", "-fno-strict-aliasing", INCLUDE]
    cc = run([args.bin / "duke-cc", *flags, "-o", f"{tmp}/duke", source], 300)
    if cc.returncode:
        return "duke-cc failed", "duke-cc: too slow" if cc.returncode == SLOW else f"duke-cc: {cc.stderr.decode()[-500:]}"
    got = run([args.bin / "duke-run", f"--machine={machine}", f"--max-cycles={MAX_CYCLES}", f"{tmp}/duke"], 300)
    if b"--max-cycles" in got.stderr:
        return "past the cycle limit", ""
    if (got.stdout, got.returncode) == (want.stdout, want.returncode):
        return "equal", ""
    if got.returncode == SLOW:
        return "different", "duke-run: too slow"
    return "different", f"{got.stdout.decode().strip()} {got.stderr.decode().strip()}, host {want.stdout.decode().strip()}"


def one(seed, args):
    outcome = Outcome(seed)
    with tempfile.TemporaryDirectory() as tmp:
        source = f"{tmp}/s{seed}.c"
        made = run(CSMITH + ["--seed", str(seed), "-o", source], 60, cwd=tmp)  # leaves platform.info where it runs
        if made.returncode:
            outcome.skipped = "csmith failed"
            return outcome
        want, outcome.skipped = host_result(source, tmp)
        if want is None:
            return outcome
        for level, machine in VARIANTS:
            what, message = variant(level, machine, source, tmp, want, args)
            outcome.counts[what] += 1
            if message:
                outcome.problems.append(f"seed {seed} -O{level} {machine}: {message}")
        if outcome.problems and args.keep:
            args.keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, args.keep)
    return outcome


def listed(counts):
    return ", ".join(f"{n} {what}" for what, n in sorted(counts.items())) or "none"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--bin", required=True, type=pathlib.Path)
    p.add_argument("--programs", type=int, default=20)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--keep", type=pathlib.Path)
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--progress", action="store_true", help="a line for each program")
    args = p.parse_args()
    equal = different = 0
    skipped, variants = collections.Counter(), collections.Counter()
    seed = args.seed
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        while equal + different < args.programs:
            batch = range(seed, seed + args.programs - equal - different)
            seed = batch.stop
            for result in pool.map(lambda s: one(s, args), batch):
                skipped[result.skipped] += bool(result.skipped)
                equal += not result.skipped and not result.problems
                different += bool(result.problems)
                variants += result.counts
                for line in result.problems:
                    print(line, flush=True)
                if args.progress:
                    print(f"{time.monotonic() - begin:6.0f} s, {equal + different} of {args.programs}: seed {result.seed} "
                          f"{'skipped, ' + result.skipped if result.skipped else listed(result.counts)}", flush=True)
            if skipped.total() > 20 * args.programs:
                print("too many programs had to be skipped")
                return 1
    print(f"{equal} programs equal, {different} different; seeds {args.seed} to {seed - 1}")
    print(f"{variants.total()} programs of duke-cc ({len(VARIANTS)} variants each): {listed(variants)}")
    print(f"{skipped.total()} seeds skipped: {listed(+skipped)}")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
