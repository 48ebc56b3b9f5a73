"""Instructions with many stores, on a machine whose store buffer has four entries: all they do must be as with the whole buffer,
which is what the oracle compares with the host CPU. In every gear, and some in lockstep with the RTL.

Run: python3 stores_test.py SELKIRK [--lockstep]
"""
import json
import subprocess
import sys

CODE, DATA, END = 0x10000, 0x20000, 0x21000  # pages; what lies before and behind DATA is not mapped, or not writable
GEARS = ("interp", "translate", "tcache", "region")
PATTERN = bytes((37 * i + 11) & 0xff for i in range(END - DATA))
ONES = "ff" * 16
MASKS = ("00" * 16, ONES, "80007f80" * 4, "00" * 11 + "80" * 5, "80" + "00" * 15)


def case(code, regs, mode="ia32", below=None, **more):
    names = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"]
    if mode == "x86-64":
        names = [name.replace("e", "r", 1) for name in names]
    values = {name: 0x1111 * (i + 1) for i, name in enumerate(names)}
    values |= {name if mode == "ia32" else name.replace("e", "r", 1): v for name, v in regs.items()}
    values["eip" if mode == "ia32" else "rip"] = CODE
    mem = [{"addr": CODE, "bytes": code + "f4"}, {"addr": DATA, "size": END - DATA, "prot": "rw", "bytes": PATTERN.hex()}]
    if below:
        mem.append({"addr": DATA - 4096, "size": 4096, "prot": below, "bytes": PATTERN.hex()})
    return {"mode": mode, "regs": values, "end": CODE + len(bytes.fromhex(code)), "fp": True, "mem": mem} | more


def pushes():
    for code in ("60", "6660"):
        for below in (None, "r"):
            for sp in (*range(DATA, DATA + 36, 3), DATA + 0x100, DATA + 0x101):
                yield case(code, {"esp": sp}, below=below)
        for sp in (CODE + 36, CODE + 0x60, CODE + 0x61):  # over known code, in its 64 bytes and behind
            yield case(code, {"esp": sp})


def frames():
    for level in (0, 1, 2, 3, 8, 31):
        for mode in ("ia32", "x86-64"):
            for sp, bp in ((DATA + 0x800, DATA + 0x900), (DATA + 0x803, DATA + 0x809), (DATA + 0x800, DATA + 0x810),
                           (DATA + 0x800, DATA + 0x7f0), (DATA + 0x20, DATA + 0x900), (DATA + 0x21, DATA + 0x900),
                           (DATA + 0x800, DATA + 0x10), (DATA + 0x800, DATA + 0x12), (DATA + 0x60, DATA + 0x10)):
                yield case(f"c81000{level:02x}", {"esp": sp, "ebp": bp}, mode)


def images():
    for code, sizes in (("dd37", (108, 200)), ("66dd37", (94,)), ("d937", (28,)), ("66d937", (14,)), ("0fae07", (512, 416, 1024))):
        for size in sizes:
            for k in (0, 1, 2, 3, 4, 6, 7, 8, 16, 24):
                k &= 0xf0 if code == "0fae07" else 0xff
                for mode in ("ia32", "x86-64"):
                    yield case(code, {"esi": END - size - k, "edi": END - size - k}, mode, x87={
                        "cw": 0x37f, "sw": 0x3800, "tw": 0, "regs": [f"{i:02x}" * 10 for i in range(8)]}, xmm=[ONES] * 8)
                    yield case(code, {"esi": END - size + k, "edi": END - size + k}, mode)


def masked():
    for code in ("660ff7c1", "0ff7c1"):
        for mask in MASKS:
            for at in (DATA + 0x100, DATA + 0x105, *range(END - 16, END + 4, 3)):
                x87 = {"cw": 0x37f, "sw": 0, "tw": 0, "regs": ["a5" * 8 + "ffff", mask[:16] + "ffff"] + ["00" * 10] * 6}
                yield case(code, {"edi": at}, xmm=["5a" * 16, mask], x87=x87)


def single():
    for code in ("0f1107", "db3f", "df37"):
        for at in (DATA + 0x107, DATA + 0x10b, END - 16, END - 15, END - 10, END - 9, END - 3):
            yield case(code, {"edi": at}, xmm=[ONES])


def strings():
    for code in ("f3a4", "f3a5", "66f3a5", "f3aa", "f3ab", "66f3ab"):
        for count in (1, 7, 9, 40, 100):
            for to in (DATA + 0x400, DATA + 0x403, END - 64, END - 61):
                for back in (0x200, 8, 3, 1, -3, -8, -64):
                    yield case(code, {"ecx": count, "edi": to, "esi": to - back})
                yield case("fd" + code, {"ecx": count, "edi": to - 0x3e0, "esi": DATA + 0x800})
    for count in (3, 50):
        yield case("f348a5", {"ecx": count, "edi": END - 100, "esi": DATA}, "x86-64")
        yield case("f3a4", {"ecx": count, "edi": CODE + 8, "esi": DATA})


def answers(options, cases):
    text = "".join(json.dumps(c) + "\n" for c in cases)
    done = subprocess.run([sys.argv[1], "vectors", *options], input=text, text=True, capture_output=True, check=False)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    if len(results) != len(cases):
        sys.exit(f"stores_test: {options}: {len(results)} results of {len(cases)}; {done.stderr}")
    for r in results:
        del r["interpreted"]
    return results


def main():
    cases = [c for kind in (pushes, frames, images, masked, single, strings) for c in kind()]
    bad = 0
    runs = [(cases, "func", gear) for gear in GEARS]
    if "--lockstep" in sys.argv:
        runs = [(cases[::23], "lockstep", gear) for gear in GEARS]
    for some, engine, gear in runs:
        whole = answers(["--gear", gear], some)
        four = answers(["--engine", engine, "--gear", gear, "-c", "sim.store_buffer=4"], some)
        kinds = {r["stop"] for r in whole}
        if not {"end", "exception"} <= kinds <= {"end", "exception"}:
            sys.exit(f"stores_test: {gear}: the cases stop with {kinds}")
        for one, a, b in zip(some, whole, four):
            if a != b:
                bad += 1
                different = {key: (a.get(key), b.get(key)) for key in a.keys() | b.keys() if a.get(key) != b.get(key)}
                print(f"FAIL {engine} {gear}: {one['mem'][0]['bytes']} {one['regs']}: {different}"[:600])
    print(f"{len(runs[0][0])} cases in {len(GEARS)} gears, {bad} differ")
    sys.exit(bad != 0)


if __name__ == "__main__":
    main()
