#!/usr/bin/env python3
"""`selkirk vectors`: the format, what it refuses, and that all gears agree. Run by ctest as sim.vectors."""
import json
import random
import subprocess

import common

CODE, DATA = 0x10000, 0x20000


def vectors(selkirk, cases, *options):
    text = "".join(json.dumps(c) + "\n" for c in cases)
    status, out, err = common.run([selkirk, "vectors", *options], stdin=text.encode())
    return status, [json.loads(line) for line in out.splitlines()], err.decode()


def case(code, **more):
    c = {"regs": {"eip": CODE, "esp": DATA + 0x800}, "mem": [{"addr": CODE, "bytes": code + "f4"}, {"addr": DATA, "size": 4096}],
         "end": CODE + len(code) // 2}
    c["regs"] |= more.pop("regs", {})
    return c | more


def known(checks, selkirk):
    # add eax, ecx; setz bl; mov [0x20000], ecx
    plain = case("01c80f94c3890d00000200", regs={"eax": 5, "ecx": "0xfffffffb"}, flags=2)
    divide = case("f7f1", regs={"eax": 1}, id="division")
    store = case("890d00000300", id="store")
    call = case("cd8040", id=[1, {"a": "b"}])
    half = dict(case("4040"), count=1)
    del half["end"]
    loop = case("ebfe", max_insts=1000)
    smc = case("c6050e000100414040404040" "40" "4040", regs={"eax": 0}, id="smc")
    wide = {"mode": "x86-64", "regs": {"rip": CODE, "r9": "0xffffffffffffffff"}, "mem": [{"addr": CODE, "bytes": "49ffc1"}],
            "count": 1}
    away = case("ffe0", regs={"eax": 0x345}, end=0x345)  # where nothing is mapped
    away_count = dict(away, count=1)
    del away_count["end"]
    ask = dict(plain, read=[{"addr": DATA, "size": 5}, {"addr": 0x90000, "size": 1}])
    for gear in ("interp", "translate", "tcache", "region"):
        status, r, err = vectors(selkirk, [plain, divide, store, call, half, loop, smc, wide, ask, away, away_count],
                                 "--gear", gear)
        checks.same(f"{gear}: status ({err})", (status, len(r)), (0, 11))
        checks.same(f"{gear}: registers", (r[0]["regs"]["eax"], r[0]["regs"]["ebx"], r[0]["regs"]["eip"]), (0, 1, plain["end"]))
        checks.same(f"{gear}: flags", r[0]["flags"] & 0x8d5, 0x55)
        checks.same(f"{gear}: memory", r[0]["mem"], [{"addr": DATA, "bytes": "fbffffff"}])
        checks.same(f"{gear}: stop", (r[0]["stop"], r[0]["insts"]), ("end", 3))
        checks.same(f"{gear}: interpreted", r[0]["interpreted"], 3 if gear == "interp" else 0)
        checks.same(f"{gear}: division", (r[1]["id"], r[1]["stop"], r[1]["exception"]["vector"], r[1]["regs"]["eip"]),
                    ("division", "exception", 0, CODE))
        checks.same(f"{gear}: store", r[2]["exception"], {"vector": 14, "error": 6, "address": 0x30000})
        checks.same(f"{gear}: system call", (r[3]["stop"], r[3]["syscall"], r[3]["id"], r[3]["regs"]["eip"]),
                    ("syscall", 128, [1, {"a": "b"}], CODE + 2))
        checks.same(f"{gear}: count", (r[4]["stop"], r[4]["regs"]["eax"], r[4]["insts"]), ("count", 1, 1))
        checks.same(f"{gear}: limit", (r[5]["stop"], r[5]["insts"]), ("limit", 1000))
        checks.same(f"{gear}: changing code", (r[6]["regs"]["eax"], r[6]["regs"]["ecx"]), (7, 1))
        checks.same(f"{gear}: 64 bits", (r[7]["regs"]["r9"], r[7]["regs"]["rip"]), (0, CODE + 3))
        checks.same(f"{gear}: read", r[8]["read"], [{"addr": DATA, "bytes": "fbffffff00"}, {"addr": 0x90000, "bytes": None}])
        checks.same(f"{gear}: end where nothing is", (r[9]["stop"], r[9]["insts"], r[9]["regs"]["eip"]), ("end", 1, 0x345))
        checks.same(f"{gear}: count up to nothing", (r[10]["stop"], r[10]["insts"]), ("count", 1))


def refusals(checks, selkirk):
    cases = [
        ("{", "line 1: column 2"), ("[]", "an object {...} is wanted"), ("{\"regs\":{\"eex\":1}}", "unknown register"),
        ("{\"color\":1}", "unknown key"), ("{}", "neither count nor end"), ("{\"count\":1.5}", "a whole number"),
        ("{\"count\":1,\"mem\":[{\"addr\":0,\"bytes\":\"abc\"}]}", "an even number of hexadecimal digits"),
        ("{\"count\":1,\"mem\":[{\"addr\":\"0xffffffff\",\"bytes\":\"0000\"}]}", "outside the address space"),
        ("{\"count\":1,\"mem\":[{\"addr\":0,\"size\":16777216}]}", "more than 128 pages"),
        ("{\"count\":1,\"mode\":\"z80\"}", "mode is \"ia32\""), ("{\"count\":1,\"gear\":\"top\"}", "gear is"),
        ("{\"count\":1} x", "text follows"),
    ]
    for text, wanted in cases:
        status, out, err = common.run([selkirk, "vectors"], stdin=text.encode() + b"\n")
        said = err.decode()
        checks.expect(status == 2 and said.count("\n") == 1 and wanted in said and not out, f"{text}: {status} \"{said}\"")
    status, out, err = common.run([selkirk, "vectors"], stdin=b"\n" + json.dumps(case("40")).encode() + b"\n{")
    checks.expect(status == 2 and b"line 3" in err and out.count(b"\n") == 1, f"third line: {err!r}")


def agreement(checks, selkirk):
    """Random arithmetic and memory instructions: every gear gives the same, and says how it ran."""
    rng = random.Random(7)
    opcodes = [o for base in range(0, 0x40, 8) for o in (base, base + 1, base + 2, base + 3)] + [0x84, 0x85, 0x88, 0x89, 0x8a, 0x8b]
    cases = []
    for i in range(600):
        code = ""
        for _ in range(rng.randrange(1, 12)):
            op, reg = rng.choice(opcodes), rng.choice([0, 1, 2, 3, 5, 6, 7])
            if rng.random() < 0.4:
                code += f"{op:02x}{reg << 3 | 5:02x}" + (DATA + rng.randrange(4090)).to_bytes(4, "little").hex()
            else:
                code += f"{op:02x}{0xc0 | reg << 3 | rng.choice([0, 1, 2, 3, 5, 6, 7]):02x}"
        regs = {r: rng.getrandbits(32) for r in ("eax", "ecx", "edx", "ebx", "ebp", "esi", "edi")}
        cases.append(case(code, regs=regs, flags=2 | rng.getrandbits(12) & 0x8d5, id=i))
    want = vectors(selkirk, cases, "--gear", "interp")[1]
    checks.same("all interpreted", {r["interpreted"] == r["insts"] > 0 for r in want}, {True})
    for gear in ("translate", "tcache"):
        got = vectors(selkirk, cases, "--gear", gear)[1]
        checks.same(f"{gear}: all translated", {r["interpreted"] for r in got}, {0})
        for a, b in zip(want, got, strict=True):
            same = {k: v for k, v in a.items() if k != "interpreted"} == {k: v for k, v in b.items() if k != "interpreted"}
            checks.expect(same, f"{gear} differs: {cases[a['id']]}\n  {a}\n  {b}")


def answers_at_once(checks, selkirk):
    """A driver may wait for each answer before it sends the next case."""
    p = subprocess.Popen([selkirk, "vectors"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for i in range(3):
        p.stdin.write(json.dumps(case("40", id=i)).encode() + b"\n")
        p.stdin.flush()
        checks.same("answer", json.loads(p.stdout.readline())["id"], i)
    p.stdin.close()
    checks.same("status", p.wait(), 0)


def test(build, folder, checks):
    del folder
    selkirk = build / "bin/selkirk"
    known(checks, selkirk)
    refusals(checks, selkirk)
    agreement(checks, selkirk)
    answers_at_once(checks, selkirk)


common.main(test)
