#!/usr/bin/env python3
"""The translation cache at its largest, filled beyond the 32 MiB that a jump of one word reaches. Run by ctest as
programs.nightly.largest.

large.c makes that much code; each of its cells may go to any other, so that translations are chained all over the cache. What it
prints must be what it prints on the host. Nothing may be dropped, and code is translated once.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

CELLS = 100000  # of about 365 bytes of translation each
FILLED = 33 << 20
SETTING = ["morph.tcache_kib=65536", "memory.hidden_mib=512", "morph.hot2=1", "morph.hot3=1"]


def check(build, name, gear):
    """What is wrong with a run of tests/programs/NAME, as text; and its statistics."""
    program = build / "tests/programs" / name
    expected = subprocess.run([program, str(CELLS)], capture_output=True, check=True).stdout
    with tempfile.TemporaryDirectory() as tmp:
        path = Path(tmp) / "stats.json"
        command = [build / "bin/selkirk", "run", f"--gear={gear}", f"--stats-json={path}", *(f"-c{pair}" for pair in SETTING)]
        done = subprocess.run([*command, "--", program, str(CELLS)], capture_output=True, check=False)
        if done.returncode or not path.exists():
            return [f"status {done.returncode}: {done.stderr.decode()}"], {}
        stats = {key.removeprefix("morph."): s["value"] for key, s in json.loads(path.read_text())["stats"].items()}
    wrong = [] if done.stdout == expected else ["its output is not the host's"]
    wrong += [f"{key} is {stats[key]}" for key in ("tcache_flushes", "tcache_evicted", "decode_flushes") if stats[key]]
    if stats["gear2_bytes"] + stats["gear3_bytes"] < FILLED:
        wrong.append(f"only {stats['gear2_bytes'] + stats['gear3_bytes']} bytes of the cache were filled")
    if stats["chains"] < 4 * CELLS:
        wrong.append(f"only {stats['chains']} exits were chained")
    if stats["exits_direct"] > stats["chains"]:
        wrong.append(f"left by an unchained exit {stats['exits_direct']} times")
    if stats["gear2_insns"] + stats["gear3_insns"] > 1.1 * stats["insns_decoded"]:
        wrong.append(f"{stats['gear2_insns'] + stats['gear3_insns']} instructions were translated, of {stats['insns_decoded']}")
    return wrong, stats


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", type=Path, default=Path("build"))
    args = p.parse_args()
    bad = 0
    for name, gear in (("large", 2), ("large", 3), ("large64", 2)):
        wrong, stats = check(args.build.resolve(), name, gear)
        bad += bool(wrong)
        print(f"{'FAIL' if wrong else 'ok  '} {name}, gear {gear}: {'; '.join(wrong) + '; ' if wrong else ''}"
              f"{stats.get('gear2_bytes', 0) + stats.get('gear3_bytes', 0) >> 20} MiB, {stats.get('chains', 0)} chains, "
              f"{stats.get('exits_direct', 0)} unchained exits", flush=True)
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
