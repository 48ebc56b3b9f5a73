"""Every program of benchmarks/, compiled by duke-cc -O2, prints what its file `expected` says.

usage: benchmarks.py --bin DIR --source benchmarks
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--bin", required=True, type=pathlib.Path)
    p.add_argument("--source", required=True, type=pathlib.Path)
    args = p.parse_args()
    failures = count = 0
    with tempfile.TemporaryDirectory() as tmp:
        for expected in sorted(args.source.glob("*/expected")):
            name = expected.parent.name
            count += 1
            subprocess.run([args.bin / "duke-cc", "-O2", "-o", f"{tmp}/p", expected.parent / f"{name}.c"], check=True)
            r = subprocess.run([args.bin / "duke-run", "--stats", f"{tmp}/p"], capture_output=True, timeout=300)
            same = r.returncode == 0 and r.stdout == expected.read_bytes()
            failures += not same
            print("ok  " if same else "FAIL", name, r.stderr.decode().splitlines()[0] if r.stderr else "")
    return 1 if failures or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
