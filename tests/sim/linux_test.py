#!/usr/bin/env python3
"""Programs that print what system calls, memory and signals do: on the host, under the personality with the host engine, and
on Duke in both gears. Run by ctest as sim.linux."""
import os
import re
import shutil
import subprocess
import time

import common


def without_codes(text):
    """The host engine cannot know error codes, nor the vectors of faults that Linux tells alike."""
    return re.sub(rb"trap \d+ err [0-9a-f]+", b"trap", text)


def test(build, folder, checks):
    here = build / "tests/sim"
    selkirk = build / "bin/selkirk"
    host_engine = [here / "selkirk-host", "run", "--engine=host", "--firmware", here / "host_firmware.elf", "--"]
    ways = {"host engine": host_engine, "func gear 1": [selkirk, "run", "--gear=1", "--"], "func gear 2": [selkirk, "run", "--"]}
    programs = [("calls", 0), ("memory", 0), ("signals", 6), ("dynamic", 0), ("processes", 0), ("waits", 0), ("events", 0),
                ("sockets", 0), ("corners", 0), ("procfs", 0), ("codes", 0), ("threads", 0), ("rseq", 0), ("system", 0), ("tty", 0),
                ("tty_jobs", 0), ("sysvipc", 0), ("attributes", 0), ("filetimes", 0)]
    for program, signal in [*programs, *((name + "64", signal) for name, signal in programs)]:
        results = {}
        if program.endswith("64"): # the host engine runs 32-bit code alone
            ways.pop("host engine", None)
        for way, prefix in ({"host": []} | ways).items():
            work = folder / f"{program}-{way}".replace(" ", "-")
            work.mkdir()
            results[way] = common.run([*prefix, here / program, "argument"], cwd=work)
            left = sorted(os.listdir(work))
            checks.same(f"{program}, {way}: files left behind", left, [])
        status, output, _ = results["host"]
        checks.expect(output.count(b"\n") > 8, f"{program}: the host's run prints little")
        for way in ways:
            got_status, got, errors = results[way]
            want_status = 128 + signal if signal else status
            checks.same(f"{program}, {way}: exit status (errors: {errors[-300:]!r})", got_status, want_status)
            if program.startswith("system"):
                checks.same(f"{program}, {way}: what the simulator says of it", errors, b"")
            clean = without_codes if way == "host engine" else bytes
            for line, (a, b) in enumerate(zip(clean(got).split(b"\n"), clean(output).split(b"\n")), 1):
                checks.same(f"{program}, {way}, line {line}", a, b)
            checks.same(f"{program}, {way}: lines", got.count(b"\n"), output.count(b"\n"))
    for program in ("processes", "threads", "processes64", "threads64"):
        repeats(selkirk, here / program, folder, checks)
    for program in ("waits", "waits64"):
        slow_input(selkirk, here / program, checks)
        for way in "1234":
            status, _, err = common.run([selkirk, "run", "--", here / program, "forever", way], timeout=60)
            checks.expect(status == 123 and b"guest is stuck" in err, f"{program}: forever {way}: {status}, {err!r}")
    missing(selkirk, here, folder, checks)
    scripts(selkirk, here / "environment", folder / "scripts", checks)
    confinement(host_engine, here, folder, checks)
    fuzz("fuzz", host_engine, here, folder, checks)
    fuzz("fuzz64", [selkirk, "run", "--"], here, folder, checks)
    mixed(selkirk, here, folder, checks)


def repeats(selkirk, program, folder, checks):
    """Whose turn it is depends on nothing outside: two runs have the same statistics, whatever path and environment are."""
    texts = []
    for name, env in (("first", {}), ("a-second-folder", {"HOME": "/nowhere", "LANG": "C"})):
        work = folder / f"{program.name}-{name}"
        work.mkdir()
        common.run([selkirk, "run", "--stats", "stats.txt", "--", program], cwd=work, env=env)
        lines = (work / "stats.txt").read_text().splitlines()
        texts.append([line for line in lines if not line.startswith("host")])
    checks.same(f"{program.name}: statistics of two runs", texts[0], texts[1])


def slow_input(selkirk, program, checks):
    """Input that comes late holds up nobody but who waits for it, and time does not run away from it."""
    texts = []
    for prefix in ([], [selkirk, "run", "--"]):
        with subprocess.Popen([*prefix, program, "stdin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as guest:
            for line in (b"first\n", b"second\n", b"third\n"):
                time.sleep(0.6)
                guest.stdin.write(line)
                guest.stdin.flush()
            texts.append((guest.stdout.read(), guest.wait()))
    checks.same(f"{program.name}: input that comes late", texts[1], texts[0])


def missing(selkirk, here, folder, checks):
    """A missing interpreter or library is named."""
    root = folder / "empty-root"
    root.mkdir()
    status, out, err = common.run([selkirk, "run", "--root", root, "--", here / "dynamic"])
    checks.same("no interpreter", (status, out), (2, b""))
    checks.expect(b"its interpreter /lib/ld-linux.so.2 cannot be opened: No such file" in err, f"no interpreter: {err!r}")
    (root / "lib").mkdir()
    shutil.copy("/lib/ld-linux.so.2", root / "lib")
    status, out, err = common.run([selkirk, "run", "--root", root, "--", here / "dynamic"])
    checks.same("no library", (status, out), (127, b""))
    checks.expect(b"libm.so.6: cannot open shared object file: No such file" in err, f"no library: {err!r}")


def scripts(selkirk, program, folder, checks):
    """A script is run by what its first line names, a script that runs scripts too."""
    folder.mkdir()
    for name, text in (("one", f"#!{program}\n"), ("two", f"#! \t{program} \t a b  \nrest"), ("three", "#!./two c"),
                       ("four", "#!./three\n"), ("five", "#!./four d\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
        wanted = common.run([f"./{name}", "x", "y z"], cwd=folder, env={"MODE": "none"})
        checks.same(f"script {name}: the host's run", (wanted[0], wanted[1].endswith(b"x\ny z\nMODE=none\n")), (0, True))
        got = common.run([selkirk, "run", "-E", "MODE=none", "--", f"./{name}", "x", "y z"], cwd=folder)
        checks.same(f"script {name}", got, wanted)
    (folder / "six").write_text("#!./five\n")
    (folder / "six").chmod(0o755)
    status, _, err = common.run([selkirk, "run", "--", "./six"], cwd=folder)
    checks.expect(status == 2 and b"scripts that run scripts, too many" in err, f"too many scripts: {status}, {err!r}")


def confinement(host_engine, here, folder, checks):
    """What a guest may touch: files below its folder or root, and nothing else for writing."""
    inside, outside = folder / "inside", folder / "outside"
    for d in (inside, outside):
        d.mkdir()
    (outside / "secret").write_text("secret\n")
    (inside / "out").symlink_to(outside)
    (inside / "abs").symlink_to("/")
    escape = here / "escape"
    outside.chmod(0o777)
    status, out, err = common.run([*host_engine, escape, "../outside", "out", str(outside)], cwd=inside)
    checks.same("writing outside the current folder", (status, out), (0, b"denied 15 of 15, read 3 of 3\n"))
    checks.same("what was there is still there", sorted(os.listdir(outside)), ["secret"])
    checks.same("and unchanged", (outside / "secret").read_text(), "secret\n")
    relative = os.path.relpath(escape, folder)
    rooted = [*host_engine[:-1], "--root", inside, "--"]
    status, out, err = common.run([*rooted, relative, "../outside", "out", "abs/.." + str(outside), str(outside)], cwd=folder)
    checks.same("nothing of the host is seen from a root", (status, out), (0, b"denied 20 of 20, read 0 of 4\n"))
    checks.same("what was there is still there", sorted(os.listdir(outside)), ["secret"])


def mixed(selkirk, here, folder, checks):
    """Programs of the two word sizes execute one another."""
    for first, second in (("mixed", "mixed64"), ("mixed64", "mixed")):
        command = [here / first, "5", here / second]
        wanted = common.run(command, cwd=folder, env={"MODE": "none"})
        checks.expect(b"4 bytes" in wanted[1] and b"8 bytes" in wanted[1], f"{first}: the host runs both")
        got = common.run([selkirk, "run", "-E", "MODE=none", "--", *command], cwd=folder)
        checks.same(f"{first} executes {second}", got, wanted)


def fuzz(program, prefix, here, folder, checks):
    """Random system calls do not bring the kernel down."""
    for seed in range(1, 6):
        work = folder / f"{program}-{seed}"
        (work / "d").mkdir(parents=True)
        (work / "lnk").symlink_to("/etc")
        status, _, err = common.run([*prefix[:-1], "--root", work, "--", here / program, str(seed), "2000"])
        checks.same(f"{program} {seed} ({err[-200:]!r})", status, 17)


common.main(test)
