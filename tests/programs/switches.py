#!/usr/bin/env python3
"""Each switch and policy does what it says: a statistic tells, beside the same run without it. Run by ctest as programs.switches.

That results stay right is matrix.py's and run.py's business. The build folder is the guest's root: a program sees its path, and when gear 3
looks where it is depends on every instruction before.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

BIGNUM, HASHTABLE, JSON, LIFE, SORT = (f"benchmarks/i386/{name}" for name in ("bignum", "hashtable", "json", "life", "sort"))
NEAR, OVERLAP = [["tests/programs/smc", way] for way in ("data_on_page", "overlap")]
WARM = "hot3=1"
SMALL = "hot2=1 tcache_kib=32"

GOES_ON = [f"benchmarks/i386/{name}" for name in ("interp", "text")]
MANY = [f"benchmarks/i386/{name}" for name in ("bignum", "graph", "hashtable", "life", "sort")]

# What changes, what is as in the run it is compared with, program and arguments, statistic, and a factor of what it was there below
# which it has to be; None: it has to be 0, where it was not. A set of programs: the statistic's sum.
CASES = [
    ("region_alias=0", WARM, [JSON], "gear3_aliased", None),
    ("region_alias_entries=0", WARM, [JSON], "gear3_aliased", None),
    ("region_alias_entries=2", WARM, [JSON], "gear3_aliased", 1),
    ("region_reorder=0", WARM, [JSON], "gear3_passed", None),
    ("region_hoist=0", WARM, [JSON], "gear3_hoisted", None),
    ("region_early=0", WARM, [JSON], "gear3_hoisted", 1),
    ("region_wait=0", WARM, [JSON], "gear3_waited", None),
    ("region_pins=0", "", [HASHTABLE], "gear3_pinned", None),
    ("region_over_commits=0", WARM, [JSON], "gear3_hoisted", 1),
    ("region_late=0", WARM, [JSON], "gear3_late", 0.5),
    ("region_check=0", WARM + " region_check=1", [JSON], "gear3_checked", None),
    ("region_calls=0", WARM, [JSON], "gear3_insns", 1),
    ("region_laps=1", WARM, [SORT], "gear3_insns", 1),
    ("region_insns=32", WARM, [SORT], "gear3_insns", 0.8),
    ("region_share=100", "", [SORT], "gear3_insns", 0.9),
    ("region_lap_share=100", "", [SORT], "gear3_insns", 0.9),
    ("opt_parts=1", WARM + " opt_parts=0", [JSON], "gear3_ops", 1),
    ("region_through=0", "", [JSON], "gear3_through", None),
    ("region_through=1", "", GOES_ON, "gear3_through", 0.8),
    ("region_over=0", "", [SORT], "gear3_over", None),
    ("region_copies=8", "region_copies=0", [BIGNUM], "gear3.share", 0.7),
    ("region_elements=8", "region_copies=0 region_elements=1", [BIGNUM], "gear3.share", 0.9),
    ("region_forward=1", WARM + " region_forward=0", [JSON], "gear3_ops", 1),
    ("evict=fifo", SMALL, [JSON], "tcache_flushes", None),
    ("evict=flush", SMALL + " evict=fifo", [JSON], "tcache_units", None),
    ("evict=generational", SMALL, [JSON], "tcache_flushes", None),
    ("promote=count", "promote=loops", [JSON], "promote_waits", None),
    ("head=loops", "", [JSON], "gear3_regions", 1),
    ("head=hottest", "", MANY, "gear3_regions", 1),
    ("form=block", WARM, [JSON], "gear3_late", 0.5),
    ("form=guess", "", [SORT], "gear3_insns", 0.8),
    ("spec=none", WARM, [JSON], "gear3_aliased", None),
    ("spec=none", WARM, [JSON], "gear3_hoisted", None),
    ("spec=wary", "", [LIFE], "gear3_traps", 0.5),
    ("smc=chunks", "smc=pages", NEAR, "smc_traps", 0.1),
    ("smc=chunks", "", OVERLAP, "promote_waits", None),
    ("smc=patient", "smc=chunks", OVERLAP, "gear2_blocks", 0.5),
]


def run(build, program, words):
    """morph's statistics of a run."""
    with tempfile.TemporaryDirectory() as tmp:
        path = Path(tmp) / "stats.json"
        command = [build / "bin/selkirk", "run", "--gear=3", "--max-insts=1500000", f"--stats-json={path}", f"--root={build}"]
        command += [f"-cmorph.{word}" for word in words.split()]
        done = subprocess.run([*command, "--", f"/{program[0]}", *program[1:]], capture_output=True, check=False)
        if not path.exists():
            raise SystemExit(f"switches.py: {' '.join(map(str, command))}: {done.stderr.decode()}")
        return {key: s["value"] for key, s in json.loads(path.read_text())["stats"].items()}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", type=Path, default=Path("build"))
    args = p.parse_args()
    build = args.build.resolve()
    runs, bad = {}, 0
    for change, common, program, name, factor in CASES:
        programs = [[one] for one in program] if program in (GOES_ON, MANY) else [program]
        values = []
        for words in (common, f"{common} {change}"):
            keys = [(words, *one) for one in programs]
            for key in keys:
                if key not in runs:
                    runs[key] = run(build, key[1:], words)
            values.append(sum(runs[key][f"morph.{name}"] for key in keys))
        before, after = values
        good = before > 0 and (after == 0 if factor is None else after < factor * before)
        bad += not good
        print(f"{'ok  ' if good else 'FAIL'} {change} ({' '.join(program)}; {common or 'defaults'}): {name} {before} -> {after}")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
