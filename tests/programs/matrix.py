#!/usr/bin/env python3
"""Correct under everything: run.py with each switch of morph turned over, alone, everything translated at once.

    matrix.py [--build DIR] [--gear G]... [--only NAME]... CASE...

The switches are read from morph/params.def: each parameter with the values 0 and 1 only, and those of EXTREMES; policies, from
morph/policy/policies.def, but for the default of each kind, are settings like "policy:morph.evict=fifo". CASE is one of run.py.
Exit status 1 if any run was not as on the host.
"""
import argparse
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PARAM = re.compile(r'^PARAM\((\w+), (\d+), (\d+), (\d+), "', re.MULTILINE)
POLICY = re.compile(r'^([A-Z]+)\((\w+), "', re.MULTILINE)
AT_ONCE = ["morph.hot2=1", "morph.hot3=1"]
# Values at the end of what works, with everything else as it is but for what they need. A bundle may take four entries of the store buffer.
EXTREMES = ["morph.tcache_kib=64", "morph.tcache_kib=65536 memory.hidden_mib=512", "morph.block_insns=1",
            "morph.region_insns=8", "morph.region_insns=1000",
            "morph.region_elements=1", "morph.region_alias_entries=0", "morph.region_alias_entries=1", "morph.region_laps=1",
            "morph.region_laps=16", "morph.region_traps=1", "morph.region_share=1", "sim.store_buffer=4"]
# Policies need profiles, and a full cache.
SOON = ["morph.hot2=1", "morph.hot3=2", "morph.sample_insns=1000", "morph.tcache_kib=64"]
NOT_SWITCHES = {"stop_rip_on", "trace_translations"}


def settings():
    """KEY=VALUE, one changed thing each."""
    found = PARAM.findall((ROOT / "morph/params.def").read_text(encoding="ascii"))
    if not found:
        raise SystemExit("matrix.py: morph/params.def has no parameters that it knows how to read")
    known = {f"morph.{name}": (int(low), int(high)) for name, _, low, high in found}
    switches = [f"morph.{name}={1 - int(default)}" for name, default, low, high in found
                if (low, high) == ("0", "1") and name not in NOT_SWITCHES]
    extremes = []
    for setting in EXTREMES:
        pairs = []
        for pair in setting.split():
            key, value = pair.split("=")
            low, high = known.get(key, (0, 1 << 30))
            pairs.append(f"{key}={min(max(int(value), low), high)}")
        extremes.append(" ".join(pairs))
    rows = POLICY.findall((ROOT / "morph/policy/policies.def").read_text(encoding="ascii"))
    firsts = [kind for kind, _ in rows]
    policies = [f"policy:morph.{kind.lower()}={name}" for i, (kind, name) in enumerate(rows) if kind in firsts[:i]]
    return switches + extremes + policies


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("case", nargs="+")
    p.add_argument("--build", type=Path, default=ROOT / "build")
    p.add_argument("--gear", action="append", type=int, choices=[2, 3])
    p.add_argument("--only", action="append", metavar="NAME", help="only settings with this in them")
    args = p.parse_args()
    bad = ran = 0
    for setting in settings():
        if args.only and not any(name in setting for name in args.only):
            continue
        gears = [f"--gear={g}" for g in args.gear or [2, 3]]
        common = SOON if setting.startswith("policy:") else AT_ONCE
        params = [word for pair in [*common, *setting.removeprefix("policy:").split()] for word in ("--param", pair)]
        done = subprocess.run([sys.executable, "-B", ROOT / "tests/programs/run.py", "--build", args.build, "--engine=func", *gears,
                               *params, *args.case], capture_output=True, text=True, check=False)
        ran += 1
        bad += done.returncode != 0
        print(f"{'FAIL' if done.returncode else 'ok  '} {setting}", flush=True)
        if done.returncode:
            print(done.stdout + done.stderr)
    print(f"{ran - bad} of {ran} settings are as on the host")
    return 1 if bad or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
