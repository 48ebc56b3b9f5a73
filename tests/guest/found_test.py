"""What random runs against the host CPU have found, each as a case with the host's answer, in every gear.

Run: python3 found_test.py SELKIRK
"""
import json
import subprocess
import sys

CODE, DATA, STACK = 0x10000, 0x20000, 0x20800
SS, GP, PF, XM = 12, 13, 14, 19
LOST = 0x95aaef0103e95456  # no address
GEARS = ("interp", "translate", "tcache", "region")


def case(code, regs, mxcsr=0x1f80, xmm=()):
    values = {"rax": 1, "rcx": 1, "rdx": 2, "rbx": 3, "rsp": STACK, "rbp": DATA + 0x900, "rsi": DATA, "rdi": DATA} | regs
    return {"mode": "x86-64", "regs": values | {"rip": CODE}, "end": CODE + len(bytes.fromhex(code)), "fp": True, "mxcsr": mxcsr,
            "xmm": list(xmm), "mem": [{"addr": CODE, "bytes": code + "f4"}, {"addr": DATA, "size": 0x1000, "prot": "rw",
                                                                             "bytes": LOST.to_bytes(8, "little").hex()}]}


def lanes(low, high=0):
    return (low | high << 64).to_bytes(16, "little").hex()


# (what, case, exception: vector, error, address, or None; MXCSR afterwards; registers that change). In each nothing else does.
FOUND = [
    ("a step of DPPD that ends keeps its flags when the next one raises",
     case("660f3a41c111", {}, 0x1800, [lanes(0x002abaa4016a3904), lanes(0x3f00000000000001)]), (XM, 0, 0), 0x1832),
    ("ENTER probes the new top of the stack for writing",
     case("c8001000", {}), (PF, 6, STACK - 8 - 0x1000), None),
    ("an access that ends where no address can be is no page fault",
     case("c8580002", {"rbp": 0x800000000002}), (SS, 0, 0), None),
    ("so it is beside the stack", case("488b07", {"rdi": 0x7ffffffffffa}), (GP, 0, 0), None),
    ("CMPXCHG16B wants to write", case("480fc78f00001000", {}), (PF, 6, DATA + 0x100000), None),
    ("a jump to no address faults where it stands", case("ffe7", {"rdi": LOST}), (GP, 0, 0), None),
    ("so does one through memory", case("ff27", {}), (GP, 0, 0), None),
    ("and a call", case("ffd7", {"rdi": LOST}), (GP, 0, 0), None),
    ("and a return", case("c3", {"rsp": DATA}), (GP, 0, 0), None),
    ("and a return that drops arguments", case("c21000", {"rsp": DATA}), (GP, 0, 0), None),
    ("POP adds to the offset of its operand, which wraps at 32 bits then", case("678f8424f8f7fdff", {}), (PF, 6, 0), None),
    ("SHL by more than 31, of which the low half is wanted", case("48c1e6fa40c1ee40", {"rsi": 0x39}), None, None, {"rsi": 0}),
    ("and SAR of what was sign-extended", case("4863c148c1f82889c2", {"rcx": 0xc0000000}), None, None,
     {"rax": 0xffffffffffffffff, "rdx": 0xffffffff}),
]


def problems(one, want, mxcsr, changed, got):
    expected = one["regs"] | changed | ({} if want else {"rip": one["end"]})
    regs = {k: v for k, v in got["regs"].items() if k in expected and v != expected[k]}
    if got["stop"] != ("exception" if want else "end"):
        yield f"stops with {got['stop']}"
        return
    if want:
        e = got["exception"]
        have = (e["vector"], e.get("error", 0), e["address"] if e["vector"] == PF else 0)
        if have != want:
            yield f"exception {have}, the host has {want}"
    if regs:
        yield f"registers differ: {regs}"
    if mxcsr and got["mxcsr"] != mxcsr:
        yield f"mxcsr {got['mxcsr']:#x}, the host has {mxcsr:#x}"


def main():
    bad = 0
    for gear in GEARS:
        text = "".join(json.dumps(c) + "\n" for _, c, *_ in FOUND for _ in range(2))
        done = subprocess.run([sys.argv[1], "vectors", "--gear", gear], input=text, text=True, capture_output=True, check=False)
        results = [json.loads(line) for line in done.stdout.splitlines()]
        if len(results) != 2 * len(FOUND):
            sys.exit(f"found_test: {gear}: {len(results)} results; {done.stderr}")
        for i, got in enumerate(results):
            what, one, want, mxcsr, *changed = FOUND[i // 2]
            for problem in problems(one, want, mxcsr, changed[0] if changed else {}, got):
                bad += 1
                print(f"FAIL {gear}: {what}: {problem}")
    print(f"{len(FOUND)} cases in {len(GEARS)} gears, {bad} problems")
    sys.exit(bad != 0)


if __name__ == "__main__":
    main()
