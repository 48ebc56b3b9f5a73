#!/usr/bin/env python3
"""Runs programs on the host and compares what each prints with the expected output: check.py EXPECTED PROGRAM..."""
import subprocess
import sys
from pathlib import Path


def main() -> int:
    expected = Path(sys.argv[1]).read_bytes()
    bad = 0
    for program in sys.argv[2:]:
        run = subprocess.run([program], stdout=subprocess.PIPE, timeout=120, check=False)
        if run.returncode != 0 or run.stdout != expected:
            print(f"{program}: exit status {run.returncode}, output differs from {sys.argv[1]}:")
            print(run.stdout.decode(errors="replace"))
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
