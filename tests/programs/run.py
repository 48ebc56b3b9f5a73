#!/usr/bin/env python3
"""Runs whole programs under Selkirk and on the host, and compares output, exit status and the files they leave.

    run.py [--build DIR] [--engine E]... [--gear G]... [--set quick|full] [-j N] [PATTERN...]

PATTERN is a regular expression for names of cases (see --list); all of the set without any. Each case runs in a fresh folder
with the same files, once on the host and once per engine and gear. --host-only runs just the host, twice, and so finds cases that
do not repeat. --bundles ends the runs once so many bundles have been executed, of which the last line gives the sum. Exit status 1
if anything differs; the folders of failed cases are kept and named.
"""
import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cases

ROOT = Path(__file__).resolve().parent.parent.parent
EPOCH = 1_000_000_000  # modification time of all files that a case starts with


@dataclass
class Result:
    status: int
    stdout: bytes
    stderr: bytes
    files: dict[str, tuple]
    seconds: float


def options() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("pattern", nargs="*")
    p.add_argument("--build", type=lambda name: Path(name).resolve(), default=ROOT / "build")
    p.add_argument("--engine", action="append", choices=["func", "rtl", "lockstep"])
    p.add_argument("--gear", action="append", type=int, choices=[1, 2, 3])
    p.add_argument("--param", action="append", default=[], metavar="KEY=VALUE", help="a parameter for every run, as of selkirk -c")
    p.add_argument("--set", choices=["quick", "full"], default="full")
    p.add_argument("-j", "--jobs", type=int, default=1)
    p.add_argument("--timeout", type=float, default=3600, help="seconds for one run")
    p.add_argument("--bundles", type=int, help="start no further case once so many bundles were executed")
    p.add_argument("--list", action="store_true", help="print the cases and end")
    p.add_argument("--host-only", action="store_true")
    return p.parse_args()


def snapshot(folder: Path) -> dict[str, tuple]:
    """What is in the folder: for each name its kind, mode and content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = ("link", os.readlink(path))
        elif path.is_dir():
            found[name] = ("folder", oct(path.stat().st_mode))
        elif path.is_file():
            found[name] = ("file", oct(path.stat().st_mode), path.read_bytes())
        else:
            found[name] = ("special", oct(path.stat().st_mode))
    return found


def prepare(args: argparse.Namespace, case: cases.Case, folder: Path) -> None:
    folder.mkdir()
    for name, content in case.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o644)
    if case.built:
        shutil.copy(args.build / case.built, folder / "built")
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            path.chmod(0o755)
        os.utime(path, (EPOCH, EPOCH))
    os.utime(folder, (EPOCH, EPOCH))


ENVIRONMENT = {"PATH": "/bin", "LC_ALL": "C", "TZ": "UTC"}


def program_of(args: argparse.Namespace, case: cases.Case) -> str:
    """The program as the run names it: a path in its root, or on the host."""
    return case.program if case.root else str(args.build / case.program)


def on_host(args: argparse.Namespace, case: cases.Case, folder: Path, command: list[str]) -> list[str]:
    """The command line that runs `command` on the host, in its root."""
    if not case.root:
        return command
    root = (args.build / case.root).resolve()
    user = [] if os.geteuid() == 0 else ["--user", "--map-current-user"]
    return ["unshare", *user, f"--root={root}", f"--wd=/{folder.resolve().relative_to(root)}", *command]


def execute(command: list[str], case: cases.Case, folder: Path, timeout: float) -> Result:
    begin = time.monotonic()
    try:
        done = subprocess.run(command, cwd=folder, input=case.stdin, capture_output=True, timeout=timeout, check=False,
                              env=ENVIRONMENT, umask=0o022)
        status, out, err = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired as e:
        status, out, err = -999, e.stdout or b"", (e.stderr or b"") + b"\nrun.py: ran out of time\n"
    return Result(status, out, err, snapshot(folder), time.monotonic() - begin)


def under_selkirk(args: argparse.Namespace, case: cases.Case, engine: str, gear: int, outdir: Path, command: list[str]) -> list[str]:
    selkirk = args.build / "bin/selkirk"
    place = [f"--root={(args.build / case.root).resolve()}"] if case.root else []
    place += [f"--guest-cpu={case.cpu}"] if case.cpu else []
    variables = [f"--env={name}={value}" for name, value in ENVIRONMENT.items()]
    return [str(selkirk), "run", f"--engine={engine}", f"--gear={gear}", "-d", str(outdir), *variables,
            *(f"-c{pair}" for pair in args.param), *place, "--", *command]


def differences(host: Result, ours: Result) -> list[str]:
    found = []
    # A shell reports death by signal n as 128 + n; subprocess as -n. Selkirk exits as the shell would.
    expected = 128 - host.status if host.status < 0 else host.status
    if ours.status != expected:
        found.append(f"exit status {ours.status}, on the host {expected}")
    if ours.stdout != host.stdout:
        at = next((i for i, (a, b) in enumerate(zip(host.stdout, ours.stdout)) if a != b), min(len(host.stdout), len(ours.stdout)))
        line = host.stdout[:at].count(b"\n") + 1
        begin = max(0, at - 40)
        found.append(f"output differs at byte {at}, line {line}: {ours.stdout[begin:at + 40]!r}, on the host "
                     f"{host.stdout[begin:at + 40]!r}")
    for name in sorted(host.files.keys() | ours.files.keys()):
        if host.files.get(name) != ours.files.get(name):
            a, b = (str(r.files.get(name, "missing"))[:120] for r in (ours, host))
            found.append(f"file {name}: {a}, on the host {b}")
    return found


def bundles_of(outdir: Path) -> int:
    """Bundles that the run executed, by its statistics; 0 if it left none."""
    stats = outdir / "stats.json"
    return int(json.loads(stats.read_text())["stats"]["core.bundles_retired"]["value"]) if stats.exists() else 0


def run_case(args: argparse.Namespace, case: cases.Case, configs: list[tuple[str, int]]) -> tuple[bool, str, int]:
    work = Path(tempfile.mkdtemp(prefix=f"selkirk-{case.name}-", dir=args.build / case.root / "work" if case.root else None))
    lines, good, bundles = [], True, 0
    # Both run in a folder of the same name, so that a program that prints it prints the same.
    host_dir, outdir = work / "host" / "w", work / "stats"
    outdir.mkdir()
    host_dir.parent.mkdir()
    prepare(args, case, host_dir)
    command = [program_of(args, case), *case.args]
    host = execute(on_host(args, case, host_dir, command), case, host_dir, args.timeout)
    for engine, gear in configs:
        label = f"{engine}, gear {gear}" if engine != "host" else "host again"
        folder = work / f"{engine}{gear}" / "w"
        folder.parent.mkdir()
        prepare(args, case, folder)
        line = (on_host(args, case, folder, command) if engine == "host" else
                under_selkirk(args, case, engine, gear, outdir / f"{engine}{gear}", command))
        ours = execute(line, case, folder, args.timeout)
        bad = differences(host, ours)
        done = bundles_of(outdir / f"{engine}{gear}")
        bundles += done
        lines.append(f"{'FAIL' if bad else 'ok  '} {case.name:28} {label:16} {ours.seconds:8.1f} s {done / 1e6:9.3f} M bundles")
        if bad:
            good = False
            lines += [f"     {b}" for b in bad]
            lines += [f"     stderr: {e}" for e in ours.stderr.decode(errors="replace").splitlines()[-12:]]
            lines.append(f"     in {folder}: {' '.join(line)}")
    if good:
        shutil.rmtree(work)
    return good, "\n".join(lines), bundles


def main() -> int:
    args = options()
    chosen = [c for c in cases.all_cases() if args.set == "full" or c.quick]
    if args.pattern:
        chosen = [c for c in chosen if any(re.fullmatch(p, c.name) for p in args.pattern)]
    if args.list:
        for c in chosen:
            print(f"{c.name:28} {'quick' if c.quick else '     '} {c.program} {' '.join(c.args)}")
        return 0
    if not chosen:
        print("run.py: no case matches; --list prints them", file=sys.stderr)
        return 2
    needed = sorted({c.root + c.program for c in chosen} | {c.built for c in chosen if c.built}
                    | (set() if args.host_only else {"bin/selkirk"}))
    missing = [str(args.build / p) for p in needed if not (args.build / p).exists()]
    if missing:
        print(f"run.py: missing: {', '.join(missing)}; scripts/test builds and fetches all", file=sys.stderr)
        return 2
    configs = [(e, g) for e in args.engine or ["func"] for g in args.gear or [1, 2]]
    if args.host_only:
        configs = [("host", 0)]
    failed = ran = bundles = 0

    def one(case: cases.Case) -> tuple[bool, str, int] | None:
        nonlocal bundles
        if args.bundles and bundles >= args.bundles:
            return None
        result = run_case(args, case, configs)
        bundles += result[2]
        return result

    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for result in pool.map(one, chosen):
            if result is None:
                continue
            good, text, _ = result
            print(text, flush=True)
            failed += not good
            ran += 1
    print(f"{ran - failed} of {ran} cases are as on the host; {bundles / 1e6:.1f} M bundles")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
