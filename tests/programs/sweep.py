#!/usr/bin/env python3
"""Runs every program of a system with --version and --help, on the host and under Selkirk, and compares.

    sweep.py [--build DIR] [--root DIR] [--gear G] [-j N] [--only PATTERN]... [--json FILE] [FOLDER...]

FOLDER is /usr/bin, /bin, /usr/sbin and /sbin without any; with --root they are folders of that tree, in which both sides then
run. A program with several names in its folder is run by each, as many look at it; a name elsewhere is run once. Each run has a
fresh empty folder, no input, a fixed environment, and as little power as the host gives away: no network, its own processes, and
if started by root the user nobody. Status, output, errors and files must be the same.

What differs is run on the host again, so that what never repeats is not taken for ours. Results:

    equal          the same on both sides
    different      not the same, and the first line that differs
    slow           Selkirk was not done in --timeout
    varies         the host's own two runs differ
    waits          the host was not done in --host-timeout either
    unsupported    differs for a reason that is by design (UNSUPPORTED below says which)
    skipped        not started at all (SKIPPED below says why)

Exit status 1 if anything is different, or with --small not equal.
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
from dataclasses import asdict, dataclass
from pathlib import Path

from run import ROOT, snapshot

# Names that are not started, as a mistake in reading their arguments would end more than the test.
SKIPPED = {
    r"reboot|halt|poweroff|shutdown|init|telinit|runit.*|kexec|systemctl|killall5?": "acts on the machine",
    r"s?u?login|a?getty|su|sudo.*|chvt|openvt|kbd_mode|setfont|loadkeys": "takes the terminal",
    r"mkfs.*|mke2fs|mkswap|wipefs|blkdiscard|fsfreeze|hwclock|ctrlaltdel": "acts on devices",
    r"X.*|x(init|term|host|set|rand.*|auth|dpyinfo)|gtk.*|gdk.*|wish.*|dbus-.*": "needs a display or a session",
    r"selkirk|duke-.*": "the simulator itself",
}
# Why a difference is by design: programs whose job Selkirk does not offer, by name or by what they then say.
UNSUPPORTED = {
    r"strace|ltrace|pldd|gdb.*|perf|rr|lldb.*": "ptrace",
    r"ping.*|ss|fuser|ip|tc|bridge|nft|.*tables.*|arp|route|ifconfig|plipconfig|netstat|dhclient|bpftool": "network",
    r"lscpu|cpuid|ld\.so|ld-linux.*": "tells of the processor, which is another",
    r"dm(setup|stats)": "devices",
    r"groff": "two processes print at a time",
    r"ipcs|lsipc|lsns|lsof|ps|pstree|top|free|uptime|w|vmstat|slabtop|lslocks|findmnt|lsblk|df|dmesg|readprofile":
        "tells of the machine, which is another",
}
SAID = {
    rb"[Aa]ddress family not supported|socket\(\) failed with errno=97": "network",
    rb"PTRACE_|ptrace": "ptrace",
    rb"Read-only file system": "writes outside its folder, without a root of its own",
    rb"Host CPU: ": "tells of the processor, which is another",
}
# Small programs with much of the C library in them, for a run of seconds; in every Debian 12.
SMALL = ("basename cat chmod cksum comm cp cut date dirname echo env expand expr false fold grep gzip head id join ln ls mkdir mv nl "
         "od paste printf pwd readlink rm sed seq sha256sum sort stat tail tee test touch tr true tsort uname uniq wc bash dash "
         "find mawk xargs which ldd").split()
FOLDERS = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"]
NOBODY = 65534
CONFINED = str(Path(__file__).resolve().parent / "confined.py")


@dataclass
class Outcome:
    program: str
    argument: str
    result: str
    why: str = ""
    host: float = 0.0
    seconds: float = 0.0


@dataclass
class Side:
    status: int | None  # None: out of time
    out: bytes
    err: bytes
    files: dict[str, tuple]
    seconds: float


def options() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder", nargs="*", default=FOLDERS)
    p.add_argument("--build", type=lambda name: Path(name).resolve(), default=ROOT / "build")
    p.add_argument("--root", type=lambda name: Path(name).resolve(), default=Path("/"), help="the tree in which both sides run")
    p.add_argument("--gear", type=int, choices=[1, 2, 3], default=2)
    p.add_argument("--param", action="append", default=[], metavar="KEY=VALUE", help="a parameter, as of selkirk -c")
    p.add_argument("--argument", action="append", help="instead of --version and --help")
    p.add_argument("--only", action="append", metavar="PATTERN", help="a regular expression for the names of programs")
    p.add_argument("--small", action="store_true", help="some small programs that every Debian has")
    p.add_argument("-j", "--jobs", type=int, default=1)
    p.add_argument("--timeout", type=float, default=120, help="seconds for a run under Selkirk")
    p.add_argument("--host-timeout", type=float, default=10)
    p.add_argument("--json", type=Path, help="write all results to this file")
    p.add_argument("--list", action="store_true", help="print the programs and end")
    return p.parse_args()


def programs(args: argparse.Namespace) -> list[str]:
    """The programs of the folders as paths in the root, one for each file and name, in order."""
    found: dict[tuple[str, str], str] = {}
    for folder in args.folder:
        place = args.root / folder.lstrip("/")
        if not place.is_dir():
            sys.exit(f"sweep.py: {place} is no folder")
        for path in sorted(place.iterdir()):
            name = path.name
            if args.small and name not in SMALL or args.only and not any(re.fullmatch(o, name) for o in args.only):
                continue
            real = Path(in_root(args.root, path))
            if real.is_file() and os.access(real, os.X_OK):
                # A link beside its program is a name that the program may look at; one from elsewhere is just another place.
                key = (str(real), name if real.parent == place.resolve() else real.name)
                found.setdefault(key, "/" + str(path.relative_to(args.root)))
    return sorted(set(found.values()))


def in_root(root: Path, path: Path) -> str:
    """The file that a name in a tree leads to, with the tree as the root of links."""
    for _ in range(40):
        parent = os.path.realpath(path.parent)  # /bin -> usr/bin stays inside; no tree has it otherwise
        path = Path(parent) / path.name
        if not path.is_symlink():
            break
        to = os.readlink(path)
        path = root / to.lstrip("/") if to.startswith("/") else path.parent / to
    return str(path)


def confinement() -> list[str]:
    """The command that takes power away, as far as this host allows."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-current-user"]
    for more in (["--net", "--ipc", "--uts"], []):
        line = ["unshare", *user, "--mount", "--pid", "--fork", "--kill-child", *more]
        if subprocess.run([*line, "--mount-proc", "true"], capture_output=True, check=False).returncode == 0:
            return line
    return []


def can_be_nobody(args: argparse.Namespace) -> bool:
    """Whether the programs can run as nobody, who must reach the simulator for that."""
    if os.geteuid() != 0:
        return False
    return subprocess.run(["test", "-x", args.build / "bin/selkirk"], user=NOBODY, group=NOBODY, extra_groups=[],
                          check=False).returncode == 0


def run_side(args: argparse.Namespace, work: Path, keep: str, ours: bool, command: list[str]) -> Side:
    """Runs a command in the folder `w` of `work`, which is renamed to `keep` afterwards."""
    folder = work / "w"
    folder.mkdir()
    if args.user != os.geteuid():
        os.chown(folder, args.user, args.user)
    shown = "/" + str(folder.relative_to(args.root))
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C", "TZ": "UTC", "HOME": shown, "TMPDIR": shown,
           "TERM": "dumb", "COLUMNS": "80", "LINES": "24"}
    root, limit = str(args.root), args.host_timeout
    if ours:
        line = [str(args.build / "bin/selkirk"), "run", "--progress=never", "--engine=func", f"--gear={args.gear}", "--epoch=now"]
        line += [f"-c{pair}" for pair in args.param] + [f"--env={k}={v}" for k, v in env.items()]
        line += [f"--root={args.root}"] if root != "/" else []
        command, root, limit = [*line, "--", *command], "/", args.timeout
    proc = Path(root) / "proc"  # tells of the confined processes, if the root has the folder
    confined = [*args.confinement, f"--mount-proc={proc}"] if args.confinement and proc.is_dir() else args.confinement
    whole = [*confined, sys.executable, "-ISB", CONFINED, root, str(folder) if ours else shown, str(args.user), *command]
    begin = time.monotonic()
    with subprocess.Popen(whole, cwd="/", env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          start_new_session=True) as process:
        try:
            out, err = process.communicate(timeout=limit)
            status: int | None = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            out, err = process.communicate()
            status = None
    side = Side(status, out, err, snapshot(folder), time.monotonic() - begin)
    folder.rename(work / keep)
    return side


def first_line(what: str, ours: bytes, host: bytes) -> str:
    a, b = ours.split(b"\n"), host.split(b"\n")
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    x, y = (side[at].decode(errors="backslashreplace")[:100] if at < len(side) else "nothing more" for side in (a, b))
    return f"{what} line {at + 1}: {x!r}, on the host {y!r}"


def differences(ours: Side, host: Side) -> list[str]:
    found = []
    if ours.status != host.status:
        found.append(f"status {ours.status}, on the host {host.status}")
    if ours.out != host.out:
        found.append(first_line("output", ours.out, host.out))
    if ours.err != host.err:
        found.append(first_line("error", ours.err, host.err))
    for name in sorted(ours.files.keys() | host.files.keys()):
        if ours.files.get(name) != host.files.get(name):
            found.append(f"file {name}: " + ", on the host ".join(str(s.files.get(name, "missing"))[:80] for s in (ours, host)))
    return found


def by_design(program: str, ours: Side) -> str | None:
    name = Path(program).name
    for pattern, why in UNSUPPORTED.items():
        if re.fullmatch(pattern, name):
            return why
    return next((why for said, why in SAID.items() if re.search(said, ours.err + ours.out)), None)


def one(args: argparse.Namespace, program: str, argument: str) -> Outcome:
    name = Path(program).name
    for pattern, why in SKIPPED.items():
        if re.fullmatch(pattern, name):
            return Outcome(program, argument, "skipped", why)
    work = Path(tempfile.mkdtemp(prefix=f"sweep-{name}-", dir=args.work))
    work.chmod(0o755)
    command = [program, argument]
    try:
        host = run_side(args, work, "host", False, command)
        if host.status is None:
            return Outcome(program, argument, "waits", "", host.seconds)
        ours = run_side(args, work, "ours", True, command)
        outcome = Outcome(program, argument, "equal", "", round(host.seconds, 2), round(ours.seconds, 2))
        found = differences(ours, host)
        if ours.status is None:
            outcome.result, outcome.why = "slow", f"not done in {args.timeout:.0f} s"
        elif found:
            again = run_side(args, work, "again", False, command)
            outcome.result, outcome.why = "different", "; ".join(found[:3])
            if differences(again, host):
                outcome.result = "varies"
            elif why := by_design(program, ours):
                outcome.result, outcome.why = "unsupported", f"{why}: {outcome.why}"
        return outcome
    finally:
        shutil.rmtree(work, ignore_errors=True)


def main() -> int:
    args = options()
    chosen = programs(args)
    if args.list:
        print("\n".join(chosen))
        return 0
    if not chosen:
        print("sweep.py: no program matches; --list prints them", file=sys.stderr)
        return 2
    if not (args.build / "bin/selkirk").exists():
        print(f"sweep.py: no {args.build}/bin/selkirk; scripts/build makes it", file=sys.stderr)
        return 2
    args.confinement = confinement()
    args.user = NOBODY if can_be_nobody(args) else os.geteuid()
    tasks = [(program, argument) for program in chosen for argument in args.argument or ["--version", "--help"]]
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="sweep-", dir=args.root / "tmp") as work:
        args.work = work
        os.chmod(work, 0o755)
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            for outcome in pool.map(lambda task: one(args, *task), tasks):
                outcomes.append(outcome)
                if outcome.result != "equal":
                    print(f"{outcome.result:12} {outcome.program} {outcome.argument}  {outcome.why}", flush=True)
                if sys.stderr.isatty():
                    print(f"\r{len(outcomes)} of {len(tasks)} ", end="", file=sys.stderr, flush=True)
                if args.json:
                    args.json.write_text(json.dumps([asdict(o) for o in outcomes], indent=1) + "\n")
    kinds = ["equal", "different", "slow", "varies", "waits", "unsupported", "skipped"]
    counts = {kind: sum(o.result == kind for o in outcomes) for kind in kinds}
    print(f"{len(outcomes)} runs: " + ", ".join(f"{count} {kind}" for kind, count in counts.items() if count))
    return 1 if counts["different"] or args.small and counts["equal"] < len(outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
