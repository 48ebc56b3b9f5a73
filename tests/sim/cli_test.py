#!/usr/bin/env python3
"""The command line: bad input is refused with one line and status 2, limits and Ctrl-C end a run with its statistics, and
those add up. Run by ctest as sim.cli."""
import json
import os
import re
import signal
import subprocess
import time

import common


def refused(checks, command, wanted, cwd):
    status, out, err = common.run(command, cwd=cwd)
    text = err.decode(errors="replace")
    name = " ".join(str(c) for c in command[1:])
    checks.same(f"{name}: status", status, 2)
    checks.same(f"{name}: lines (\"{text}\")", text.count("\n"), 1)
    checks.expect(wanted in text, f"{name}: says \"{text.strip()}\", not \"{wanted}\"")
    checks.same(f"{name}: output", out, b"")


def bad_options(checks, selkirk, folder, hello):
    cases = [
        ([], "no command named"), (["walk"], "command \"walk\" is unknown"), (["run"], "no program named"),
        (["run", "--colour", hello], "option --colour is unknown"), (["run", "-q", hello], "option -q is unknown"),
        (["run", "--max-insts"], "--max-insts needs a value"),
        (["run", "--max-insts", "many", hello], "--max-insts: \"many\" is no number"),
        (["run", "--max-insts", "0", hello], "--max-insts: \"0\" is no number above 0"),
        (["run", "--engine", "warp", hello], "engine \"warp\" is unknown; this program has func"),
        (["run", "--machine", "crusoe", hello], "crusoe"),
        (["run", "--machine", "tm5400", hello], "is for machine \"default\"; configure with -DSELKIRK_MACHINE=tm5400"),
        (["run", "--memory", "2000", hello], "--memory: memory.dram_mib: 2000 is out of range, 1 to 1024"),
        (["run", "--gear", "7", hello], "--gear: morph.gear_max: 7 is out of range, 1 to 3"),
        (["run", "-c", "morph.hot2", hello], "-c: \"morph.hot2\" is not KEY=VALUE"),
        (["run", "-c", "morph.hott2=1", hello], "did you mean \"morph.hot2\"?"),
        (["run", "-c", "memory.dram_mib=4096", hello], "memory.dram_mib: 4096 is out of range, 1 to 1024"),
        (["run", "--config", "none.toml", hello], "none.toml: No such file"),
        (["run", "--trace=1", hello], "--trace: \"1\" is not START,COUNT"),
        (["run", "--trace-file", "t", hello], "--trace-file: nothing is traced"),
        (["run", "--fst", "w.fst", hello], "--fst: engine \"func\" has no waves"),
        (["run", "--root", "none", hello], "none: No such file"), (["run", "-E", "X", hello], "-E: \"X\" is not VAR=VALUE"),
        (["run", "--progress=often", hello], "--progress: \"often\" is unknown"),
        (["run", "--epoch", "soon", hello], "--epoch: \"soon\""),
        (["run", "--firmware", "none.elf", hello], "none.elf: No such file"),
        (["run", "-d", "full", hello], "--outdir full: exists"), (["vectors", "x"], "cases come on standard input"),
        (["vectors", "--gear", "5"], "--gear: \"5\" is unknown"),
    ]
    (folder / "full").mkdir()
    (folder / "full/file").write_text("mine")
    for arguments, wanted in cases:
        refused(checks, [selkirk, *arguments], wanted, folder)
    checks.same("nothing was written", sorted(os.listdir(folder)), ["full"])


def bad_programs(checks, selkirk, folder, here, build):
    hello = here / "environment"
    good = hello.read_bytes()
    dynamic = bytearray(good)
    phoff, phnum = int.from_bytes(good[28:32], "little"), int.from_bytes(good[44:46], "little")
    last = phoff + 32 * (phnum - 1)
    dynamic[last:last + 4] = bytes([3, 0, 0, 0]) # the last program header becomes PT_INTERP
    huge = ["-c", "memory.dram_mib=3"]
    wide = (build / "bin/selkirk").read_bytes()[:4096]
    files = {"empty": b"", "text": b"# /bin/sh\necho\n", "nobody": b"#! \n", "nowhere": b"#!./none\n",
             "cut": good[:3000], "head": good[:40], "dynamic": bytes(dynamic),
             "wide": wide, "wideforeign": wide[:18] + b"\xb7\0" + wide[20:], "foreign": good[:18] + b"\x28\0" + good[20:]}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    cases = [
        ([], "missing", "missing: No such file"), ([], ".", ".: a directory; an i386 or x86-64 Linux program"),
        ([], "empty", "empty: empty; an i386 or x86-64 Linux program"),
        ([], "text", "text: not an ELF file (starts with 23 20 2f 62)"),
        ([], "nobody", "nobody: its first line names no interpreter"), ([], "nowhere", "./none: No such file"),
        ([], "cut", "cut: truncated"), ([], "head", "head: truncated: 40 bytes are less than an ELF header"),
        ([], "dynamic", "dynamic: corrupt: the name of its interpreter"), ([], "wide", "wide: truncated: segment"),
        ([], "wideforeign", "wideforeign: an ELF file for AArch64 (machine 183); an i386 or x86-64 Linux program is wanted"),
        ([], "foreign", "foreign: an ELF file for ARM"), ([], "/dev/null", "/dev/null: no regular file"),
        (huge, here / "crash", "does not fit: the image needs"),
    ]
    for options, program, wanted in cases:
        refused(checks, [selkirk, "run", *options, "-d", "out", "--", program], wanted, folder)
        checks.expect(not (folder / "out").exists(), f"{program}: an output folder was made")
    for name in files:
        (folder / name).unlink()


def stats(path):
    """stats.txt as gem5's readers take it: name, value, comment."""
    text = path.read_text()
    assert text.startswith("\n---------- Begin Simulation Statistics ----------\n")
    assert text.endswith("\n---------- End Simulation Statistics   ----------\n")
    rows = re.findall(r"^(\S+) +([-0-9.]+) +# (.*)$", text, re.M)
    assert len(rows) == text.count("\n") - 4
    return {name: float(value) for name, value, _ in rows}


def check_stats(checks, folder, status, hot2=3):
    s = stats(folder / "stats.txt")
    j = json.loads((folder / "stats.json").read_text())
    c = json.loads((folder / "config.json").read_text())
    total = sum(v for k, v in s.items() if re.fullmatch(r"core\.cycles\.\w+::total", k))
    parts = sum(v for k, v in s.items() if re.fullmatch(r"core\.cycles\.\w+::\w+", k) and not k.endswith("::total"))
    checks.same("cycles by category", total, s["core.numCycles"])
    checks.same("cycles by reason", parts, s["core.numCycles"])
    checks.expect(s["simInsts"] > 0 and s["simTicks"] == 1000 * s["core.numCycles"], "instructions and ticks")
    checks.same("status in stats.json", (j["schema"], j["exitStatus"]), (1, status))
    for name, value in s.items():
        checks.expect(abs(j["stats"][name]["value"] - value) <= 1e-5 * max(1, abs(value)), f"{name} differs in stats.json")
        checks.expect(j["stats"][name]["doc"] != "" and j["stats"][name]["unit"] != "", f"{name} lacks unit or doc")
    checks.same("config.json", (c["sim.engine"], c["morph.hot2"]), ("func", hot2))
    return s


def limits(checks, selkirk, folder, spin, gear):
    """Gear 1: a loop that the interpreter never leaves by itself."""
    folder = folder / f"gear{gear}"
    folder.mkdir()
    run = [selkirk, "run", "-c", "morph.hot2=3", "--gear", str(gear)]
    status, _, err = common.run([*run, "--max-insts", "5k", "-d", "insts", "--report", "--", spin], cwd=folder)
    checks.same("--max-insts: status", status, 124)
    s = check_stats(checks, folder / "insts", 124)
    checks.same("--max-insts: instructions", s["simInsts"], 5000)
    checks.expect(b"stopped at the limit, 5000 instructions" in err and b"cycles in" in err, f"--max-insts: says {err!r}")
    status, _, err = common.run([*run, "--max-cycles", "3M", "-d", "cycles", "--", spin], cwd=folder)
    checks.same("--max-cycles: status", status, 124)
    s = check_stats(checks, folder / "cycles", 124)
    checks.expect(3e6 <= s["core.numCycles"] <= 3e6 + 100, f"--max-cycles: {s['core.numCycles']}")
    for number in (signal.SIGINT, signal.SIGTERM):
        out = f"stop{number}"
        p = subprocess.Popen([*run, "-d", out, "--", spin], cwd=folder, stderr=subprocess.PIPE)
        time.sleep(1)
        p.send_signal(number)
        err = p.communicate(timeout=30)[1]
        checks.same(f"signal {number}: status", p.returncode, 130)
        checks.expect(b"selkirk: interrupted after" in err, f"signal {number}: says {err!r}")
        s = check_stats(checks, folder / out, 130)
        checks.expect(gear != 1 or s["morph.insns_interp"] == s["simInsts"] > 0, f"signal {number}: instructions interpreted")


def gear3_cycles(checks, selkirk, folder, spin):
    """Code says itself in which gear it was made: what the core counts is what the profile finds by address."""
    run = [selkirk, "run", "--gear=3", "--max-insts=300k", "--profile", "gear3.txt", "-d", "gear3", "--", spin]
    common.run(run, cwd=folder)
    s = stats(folder / "gear3/stats.txt")
    rows = (folder / "gear3.txt").read_text().split("\n\n")[3].splitlines()[2:]
    for gear in "23":
        by_address = sum(int(row.split()[0]) for row in rows if row.split()[-1] == gear)
        counted = s[f"core.cycles.gear{gear}::total"]
        checks.expect(by_address > 1000 and abs(counted - by_address) < 300,
                      f"cycles of gear {gear}: {counted} counted, {by_address} in its code")
    checks.expect(abs(s["morph.gear3.share"] - s["core.cycles.gear3::total"] / s["core.numCycles"]) < 1e-4, "share of gear 3")


def results(checks, selkirk, folder, here):
    again = []
    for name in ("a", "b"):
        common.run([selkirk, "run", "-c", "morph.hot2=3", "--stats", f"{name}.txt", "--", here / "memory"], cwd=folder)
        s = stats(folder / f"{name}.txt")
        again.append({k: v for k, v in s.items() if not k.startswith("host")})
    checks.same("two runs, same statistics", again[0], again[1])
    status, out, _ = common.run([selkirk, "run", "-E", "A=1", "-E", "B=2", "--", here / "environment", "x", "--help"], cwd=folder)
    checks.same("arguments and environment", (status, out), (0, b"x\n--help\nA=1\nB=2\n"))
    status, _, _ = common.run([selkirk, "run", "--stats", "straddle.txt", "--", here / "straddle"], cwd=folder)
    s = stats(folder / "straddle.txt")
    checks.same("stores to two double words each: status", status, 0)
    checks.expect(1 <= int(s["morph.faults_spurious"]) <= 3 and int(s["morph.insns_interp"]) < 5000,
                  f"stores that overflow the store buffer are translated anew: {s['morph.faults_spurious']} times, "
                  f"{s['morph.insns_interp']} instructions interpreted")
    config = folder / "my.toml"
    config.write_text("# mine\n[morph]\nhot2 = 5\n[memory]\ndram_mib = 64\n")
    common.run([selkirk, "run", "--config", config, "-d", "conf", "--", here / "environment"], cwd=folder)
    c = json.loads((folder / "conf/config.json").read_text())
    checks.same("--config", (c["morph.hot2"], c["memory.dram_mib"]), (5, 64))
    status, _, err = common.run([selkirk, "run", "--trace=0,1000000000", "--trace-file", "trace.txt", "--", here / "environment"],
                                cwd=folder)
    trace = (folder / "trace.txt").read_text()
    checks.expect(re.search(r"^-- 08\w+ +([0-9a-f]{2} )+ +\w+", trace, re.M), "guest instructions in the trace")
    checks.expect("~\n" in trace and re.search(r"^ +r\d+ = [0-9a-f]{16}$", trace, re.M), "native bundles in the trace")
    status, _, err = common.run([selkirk, "run", "-c", "morph.hot2=1", "--profile", "profile.txt", "--stats-json", "profile.json",
                                 "--", here / "environment"], cwd=folder)
    profile = (folder / "profile.txt").read_text()
    tables = [[line.split() for line in part.splitlines()] for part in profile.split("\n\n")]
    checks.same("profile: tables", len(tables), 5)
    cycles = [sum(int(row[0]) for row in table[2:] if row[-1] != "all") for table in tables]
    total = [int(row[0]) for row in tables[1] if row[-1] == "all"]
    checks.same("profile: sum of the categories", cycles[1:2], total)
    checks.same("profile: sum over functions and translations", [cycles[2] + cycles[3]], total)
    checks.expect(cycles[3] > 0 and "translate gear2_prepare" in profile, "profile: translations and who made them")
    whole = json.loads((folder / "profile.json").read_text())["stats"]["core.numCycles"]["value"]
    checks.expect(0 < total[0] <= whole, f"profile: {total} of {whole} cycles")
    status, _, err = common.run([selkirk, "run", "--profile", "none/p", "--", here / "environment"], cwd=folder)
    checks.same("profile in no folder: status", status, 2)
    checks.expect(b"--profile none/p: No such file" in err, f"profile in no folder: {err!r}")
    status, _, err = common.run([selkirk, "run", "--strace", "--", here / "environment"], cwd=folder)
    checks.expect(b"exit_group(0)" in err, f"--strace: {err!r}")
    status, _, err = common.run([selkirk, "run", "-d", "missing", "--", here / "missing"], cwd=folder)
    checks.same("instruction that is not implemented: status", status, 120)
    checks.expect(re.search(rb"^selkirk: instruction is not implemented at 0x\w+: ea (\w\w ){4}33 00  \S.*; eax=0*1234 .*\n$", err),
                  f"instruction that is not implemented: {err!r}")
    check_stats(checks, folder / "missing", 120, hot2=16)
    status, _, err = common.run([selkirk, "run", "--", here / "crash"], cwd=folder)
    checks.same("killed: status", status, 139)
    checks.expect(re.search(rb"^selkirk: guest killed by SIGSEGV \(address 0x10\) at 0x\w+: 88 1d 10 00 00 00  mov byte ptr "
                            rb"\[0x10\], bl; eax=.* efl=\w+\n$", err), f"killed: {err!r}")


def listings(checks, selkirk, folder):
    for command, wanted in (("--version", "selkirk 0."), ("--help", "list-params"), ("list-machines", "default"),
                            ("list-params", "morph.hot2"), ("list-engines", "func"),
                            ("list-policies", "morph.evict=fifo")):
        status, out, err = common.run([selkirk, command], cwd=folder)
        checks.expect(status == 0 and wanted in out.decode() and not err, f"{command}: {out!r} {err!r}")
    for command in ("run", "vectors"):
        status, out, err = common.run([selkirk, command, "--help"], cwd=folder)
        checks.expect(status == 0 and out.startswith(b"Usage: selkirk " + command.encode()), f"{command} --help")


def policies(checks, selkirk, folder, program):
    """Each policy of the list can be chosen, by option and by file, and config.json names it. Others are refused with the list."""
    _, out, _ = common.run([selkirk, "list-policies"], cwd=folder)
    listed = re.findall(r"^(morph\.\w+)=(\w+) ", out.decode(), re.M)
    checks.expect(len(listed) > 2, f"list-policies: {out!r}")
    _, text, _ = common.run([selkirk, "run", "--help"], cwd=folder)
    for key in {k for k, _ in listed}:
        names = [n for k, n in listed if k == key]
        checks.expect(len(names) >= 2, f"{key} has a choice: {names}")
        checks.expect(re.search(rf"^  {key} +{' '.join(names)}$", text.decode(), re.M), f"run --help lists {key}")
        for bad in ("none_such", "0", "1", ""):
            status, _, err = common.run([selkirk, "run", "-c", f"{key}={bad}", "--", program], cwd=folder)
            checks.same(f"{key}={bad}: status", status, 2)
            checks.same(f"{key}={bad}", err.decode(),
                        f'selkirk: -c: {key}: policy "{bad}" is unknown; there are {", ".join(names)}\n')
    for key, name in listed:
        config = folder / "policy.toml"
        config.write_text(f"[morph]\n{key.removeprefix('morph.')} = \"{name}\"\n")
        for number, how in enumerate((["-c", f"{key}={name}"], ["--config", config])):
            out = f"{key}.{name}.{number}"
            status, _, err = common.run([selkirk, "run", "--gear=3", *how, "-d", out, "--", program], cwd=folder)
            checks.same(f"{key}={name}: status", (status, err), (0, b""))
            checks.same(f"{key}={name}: config.json", json.loads((folder / out / "config.json").read_text())[key], name)


def test(build, folder, checks):
    selkirk, here = build / "bin/selkirk", build / "tests/sim"
    listings(checks, selkirk, folder)
    bad_options(checks, selkirk, folder, here / "environment")
    bad_programs(checks, selkirk, folder, here, build)
    for gear in (1, 2):
        limits(checks, selkirk, folder, here / "spin", gear)
    gear3_cycles(checks, selkirk, folder, here / "spin")
    results(checks, selkirk, folder, here)
    policies(checks, selkirk, folder, here / "environment")


common.main(test)
