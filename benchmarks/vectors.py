#!/usr/bin/env python3
"""How many cases a second `selkirk vectors` runs, by gear: vectors.py [--build DIR] [--cases N].

Each case is some arithmetic with memory, as a tester of single instructions would send it. Seconds are of processor time, so that
other work on the machine does not count.
"""
import argparse
import json
import pathlib
import random
import resource
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
CODE, DATA = 0x10000, 0x20000
# add eax, ecx; setz bl; mov [DATA], ecx; adc [DATA], eax; shl edx, 5; imul esi, edi
BYTES = "01c8" "0f94c3" "890d00000200" "110500000200" "c1e205" "0faff7"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    p.add_argument("--cases", type=int, default=20000)
    args = p.parse_args()
    rng = random.Random(1)
    lines = []
    for i in range(args.cases):
        regs = {r: rng.getrandbits(32) for r in ("eax", "ecx", "edx", "ebx", "esi", "edi")}
        lines.append(json.dumps({"id": i, "regs": {**regs, "eip": CODE, "esp": DATA + 0x800}, "end": CODE + len(BYTES) // 2,
                                 "mem": [{"addr": CODE, "bytes": BYTES + "f4"}, {"addr": DATA, "size": 4096}]}))
    text = "\n".join(lines).encode()
    for gear in ("interp", "translate", "tcache"):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([args.build / "bin/selkirk", "vectors", "--gear", gear], input=text, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        assert done.stdout.count(b"\n") == args.cases
        print(f"{gear:10} {args.cases / seconds:8.0f} cases a second")


if __name__ == "__main__":
    main()
