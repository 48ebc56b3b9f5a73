#!/usr/bin/env python3
"""Runs programs and compares what each prints with the expected output: check.py [--under RUNNER] EXPECTED PROGRAM..."""
import argparse
import subprocess
import sys
from pathlib import Path


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--under", default=[], action="append", help="what runs the program, and its options")
    p.add_argument("expected", type=Path)
    p.add_argument("program", nargs="+")
    args = p.parse_args()
    expected = args.expected.read_bytes()
    bad = 0
    for program in args.program:
        run = subprocess.run([*args.under, program], stdout=subprocess.PIPE, timeout=120, check=False)
        if run.returncode != 0 or run.stdout != expected:
            print(f"{program}: exit status {run.returncode}, output differs from {args.expected}:")
            print(run.stdout.decode(errors="replace"))
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
