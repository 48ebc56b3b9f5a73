"""Random C programs of csmith: what duke-cc makes of them must print what the host's compiler makes of them prints.

usage: csmith.py --bin DIR [--programs N] [--seed FIRST] [--keep DIR] [--jobs N]

Program i has seed FIRST + i. Each is compiled at -O0, -O1, -O2 and -O3 and, at -O2, for the other machine. Programs that run
long on the host are skipped (about one in five). On a difference the program is kept and the command to repeat it shown.
"""
import argparse
import concurrent.futures
import pathlib
import shutil
import subprocess
import sys
import tempfile

CSMITH = ["csmith", "--no-packed-struct", "--no-float", "--no-argc"]
INCLUDE = "-I/usr/include/csmith"
VARIANTS = [("0", "default"), ("1", "default"), ("2", "default"), ("3", "default"), ("2", "tm5400")]
MAX_CYCLES = 200_000_000


def run(command, timeout, cwd=None):
    try:
        return subprocess.run(command, capture_output=True, timeout=timeout, cwd=cwd)
    except subprocess.TimeoutExpired:
        return None


def one(seed, args):
    """List of messages (empty: all equal), or None if the program was skipped."""
    with tempfile.TemporaryDirectory() as tmp:
        source = f"{tmp}/s{seed}.c"
        if run(CSMITH + ["--seed", str(seed), "-o", source], 60, cwd=tmp) is None:  # leaves platform.info where it runs
            return None
        gcc = run(["gcc", "-w", "-O1", "-fwrapv", "-fno-strict-aliasing", INCLUDE, "-o", f"{tmp}/host", source], 120)
        if gcc is None or gcc.returncode:
            return None
        want = run([f"{tmp}/host"], 2)
        if want is None or want.returncode:
            return None
        problems = []
        for level, machine in VARIANTS:
            flags = [f"-O{level}", f"-mcpu={machine}", "-w", "-fwrapv", "-fno-strict-aliasing", INCLUDE]
            cc = run([args.bin / "duke-cc", *flags, "-o", f"{tmp}/duke", source], 300)
            if cc is None or cc.returncode:
                problems.append(f"seed {seed} -O{level} {machine}: duke-cc: {cc.stderr.decode()[-500:] if cc else 'too slow'}")
                continue
            got = run([args.bin / "duke-run", f"--machine={machine}", f"--max-cycles={MAX_CYCLES}", f"{tmp}/duke"], 300)
            if got is not None and b"--max-cycles" in got.stderr:
                continue
            if got is None or (got.stdout, got.returncode) != (want.stdout, want.returncode):
                problems.append(f"seed {seed} -O{level} {machine}: {got.stdout.decode().strip() if got else 'too slow'} "
                                f"{got.stderr.decode().strip() if got else ''}, host {want.stdout.decode().strip()}")
        if problems and args.keep:
            args.keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, args.keep)
        return problems


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--bin", required=True, type=pathlib.Path)
    p.add_argument("--programs", type=int, default=20)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--keep", type=pathlib.Path)
    p.add_argument("--jobs", type=int, default=2)
    args = p.parse_args()
    equal = skipped = different = 0
    seed = args.seed
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        while equal + different < args.programs:
            batch = range(seed, seed + args.programs - equal - different)
            seed = batch.stop
            for result in pool.map(lambda s: one(s, args), batch):
                if result is None:
                    skipped += 1
                elif result:
                    different += 1
                    print("\n".join(result), flush=True)
                else:
                    equal += 1
            if skipped > 20 * args.programs:
                print("too many programs had to be skipped")
                return 1
    print(f"{equal} programs equal, {different} different, {skipped} skipped; seeds {args.seed} to {seed - 1}, "
          f"{len(VARIANTS)} variants each")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
