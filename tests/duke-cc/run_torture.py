"""Compiles a C file with the host compiler and with duke-cc at -O0 to -O3, runs both, and compares output and exit status.

usage: run_torture.py --bin DIR [--machine NAME]... file.c...
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile


def run(command, **more):
    return subprocess.run(command, capture_output=True, timeout=300, **more)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--bin", required=True, type=pathlib.Path)
    p.add_argument("--machine", action="append")
    p.add_argument("files", nargs="+")
    args = p.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory() as tmp:
        for file in args.files:
            host = run(["gcc", "-w", "-O1", "-fsigned-char", "-fwrapv", "-o", f"{tmp}/host", file])
            if host.returncode:
                print(f"FAIL {file}: the host compiler: {host.stderr.decode()}")
                return 1
            want = run([f"{tmp}/host"])
            for machine in args.machine or ["default"]:
                for level in "0123":
                    what = f"{file} -O{level} -mcpu={machine}"
                    cc = run([args.bin / "duke-cc", "-w", "-fwrapv", f"-O{level}", f"-mcpu={machine}", "-mllvm",
                              "-verify-machineinstrs", "-o", f"{tmp}/duke", file])
                    if cc.returncode:
                        print(f"FAIL {what}: {cc.stderr.decode()[-2000:]}")
                        failures += 1
                        continue
                    got = run([args.bin / "duke-run", f"--machine={machine}", "--max-cycles=1000000000", f"{tmp}/duke"])
                    if (got.stdout, got.returncode) == (want.stdout, want.returncode):
                        print(f"ok   {what}")
                        continue
                    failures += 1
                    print(f"FAIL {what}: exit status {got.returncode}, host {want.returncode}; {got.stderr.decode()[:500]}")
                    pairs = zip(got.stdout.decode().splitlines(), want.stdout.decode().splitlines())
                    for ours, theirs in [(a, b) for a, b in pairs if a != b][:5]:
                        print(f"  duke: {ours}\n  host: {theirs}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
