"""What duke-cc -O2 makes of small functions: ops that must appear, in this order, and ops that must not. A large one is
compiled in a time that grows with its size.

usage: codegen.py --bin DIR
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

HEAD = """#include <stdint.h>
#include <duke.h>
#define GUEST(type, a) (*(volatile type DUKE_GUEST *)(a))
extern long table[]; extern int words[]; extern unsigned char bytes[];
long ext(long); void ext2(void);
"""
# Name, C text, patterns in order, patterns that must not occur. "\\b" ends a mnemonic.
CASES = [
    ("scaled index", "long f(long i) { return table[i + 5]; }", [r"ldn\.d\.x r4, \[r0 \+ r4 << 3 \+ table\+40\]"], ["shl", "sh3add"]),
    ("index of unsigned", "int f(int *p, unsigned i) { return p[i]; }", [r"extu\.w|sh2add\.uw", r"ldn\.ws"], []),
    ("global", "void f(int x) { words[3] = x; }", [r"stn\.w\.x r4, \[r0 \+ words\+12\]"], [r"\bli"]),
    ("fixed address", "uint64_t f(void) { return *(uint64_t *)0x40000010; }", [r"ldn\.d\.x r4, \[r0 \+ 1073741840\]"], [r"\bli"]),
    ("compare and branch", "void f(long a, long b) { if (a < b) ext2(); }", [r"bge r4, r5|blt r4, r5"], ["slt"]),
    ("compare words", "void f(long a, long b) { if ((int)a < (int)b) ext2(); }", [r"bge\.w r4, r5|blt\.w r4, r5"], ["slt", "exts"]),
    ("select", "long f(long a, long b, long c) { return a ? b : c; }", [r"selnz r4, r4, r5, r6"], [r"\bb(eq|ne)\b"]),
    ("minimum", "long f(long a, long b) { return a < b ? a : b; }", [r"\bmin r4"], ["selnz", "slt"]),
    ("scaled add", "long f(long a, long b) { return a * 8 + b; }", [r"sh3add r4, r4, r5"], ["shl", r"\bmul"]),
    ("int add", "int f(int a, int b) { return a + b; }", [r"add\.sw r4, r(4, r5|5, r4)"], ["exts"]),
    ("unsigned add", "uint64_t f(uint32_t a, uint32_t b) { return a + b; }", [r"add\.w r4"], ["extu", "exts"]),
    ("int shift", "unsigned f(unsigned a, int n) { return a << n; }", [r"shl\.sw r4, r4, r5"], ["andi"]),
    ("int divide", "int f(int a, int b) { return a / b; }", [r"div\.sw r4, r4, r5"], ["exts"]),
    ("rotate", "unsigned long f(unsigned long a) { return a << 13 | a >> 51; }", [r"ror\.i r4, r4"], ["shl", "shr", r"\bor"]),
    ("rotate words", "unsigned f(unsigned a, unsigned n) { return a >> n | a << (32 - n & 31); }", [r"ror\.w"], ["shl", "shr"]),
    ("swap", "uint64_t f(unsigned a) { return __builtin_bswap32(a); }", [r"bswap\.w r4, r4"], ["shr"]),
    ("counts", "int f(long a) { return __builtin_popcountl(a) + __builtin_ctzl(a) + __builtin_clzl(a); }", ["popcnt|ctz|clz"], ["call"]),
    ("high product", "uint64_t f(uint64_t a, uint64_t b) { return (unsigned __int128)a * b >> 64; }", [r"mulhu r4"], ["call"]),
    ("byte field", "long f(long a) { return a >> 8 & 255; }", [r"extu\.b\.i r4, r4, 8"], ["shr", "andi"]),
    ("insert a byte", "long f(long a, long b) { return (a & ~255L) | (b & 255); }", [r"ins\.b r4, r4, r5"], ["andi", r"\bor"]),
    ("and not", "long f(long a, long b) { return a & ~b; }", [r"andn r4, r4, r5"], ["xor"]),
    ("big constant", "uint64_t f(void) { return 0x123456789abcdef0; }", [r"li(\.x)? r", r"orhi\.x r4"], ["shl", "ldn"]),
    ("jump table", "int g(int); int f(int x) { switch (x) { case 0: return g(5); case 1: return g(9); case 2: return g(1); "
     "case 3: return g(7); case 4: return g(30) * 3; case 5: return g(2) - 1; } return 0; }",
     [r"ldn\.\w+\.x r\d+, \[r0 \+ r\d+ << 2 \+ \.LJTI", r"\bjr r"], []),
    ("tail call", "long f(long a) { return ext(a + 1); }", [r"\bj ext"], ["call", "ret"]),
    ("guest access", "void f(uint64_t a) { GUEST(uint16_t, a + 4) = GUEST(uint8_t, a) + 1; }",
     [r"ldg\.bu r\d+, \[r4\]", r"stg\.h r\d+, \[r4 \+ 4\]"], [r"ldn", r"stn"]),
    ("commit", "void f(uint64_t a) { GUEST(uint32_t, a) = 1; __duke_commit(3); GUEST(uint32_t, a) = 2; }",
     [r"stg\.w", r"commit 3", r"stg\.w"], ["call"]),
    ("guest order", "void f(uint64_t a, long *p) { long v = GUEST(uint32_t, a); *p = 7; GUEST(uint32_t, a) = (unsigned)v; }",
     [r"ldg\.w[us]", r"stn\.d", r"stg\.w"], []),
    ("flags", "unsigned long f(unsigned long a, unsigned long b) { return __duke_subf_w(a, b) | __duke_addf_b(a, 5) | "
     "__duke_tstf_d(a, 100000); }", [r"subf\.w r\d+, r4, r5|addf\.b\.i|tstf\.d\.x"], ["call"]),
    ("condition", "unsigned long f(unsigned long a, unsigned long b) { return __duke_setcc(a, 4) + __duke_selcc(a, b, 7, 12); }",
     [r"setcc\.i r\d+, r4, 4|selcc r\d+, r4, r5, r\d+, 12"], ["call"]),
    ("flags once", "unsigned long f(unsigned long a) { return __duke_addf_w(a, 1) ^ (__duke_addf_w(a, 1) << 1); }",
     [r"addf\.w\.i"], [r"addf[^~]*addf"]),
    ("control registers", "unsigned long f(unsigned long v) { __duke_wrcr(10, v); return __duke_rdcr(21); }",
     [r"wrcr r4, 10", r"rdcr r4, 21"], ["call"]),
    ("system ops", "void f(unsigned long a, unsigned long b) { __duke_tlbi(a); __duke_tlbw(a, b, 0); __duke_itcw(a, b); "
     "__duke_tlbf(); __duke_icf(); __duke_icl(a); __duke_hcall(7); __duke_rollback(); }",
     [r"tlbi r4", r"tlbw r4, r5, r0|tlbw r4, r5", r"itcw r4, r5", r"\btlbf", r"\bicf", r"\bicl r4", r"hcall\.i 7", r"rollback"], ["call "]),
]


# Statements of a block without end. A search from every load through all that comes before it took a minute for so many.
LONG = 4000
LONG_SECONDS = 20  # of processor time; about 2 are needed


def long_block(args, tmp):
    """1 if it takes too long."""
    lines = [f"s ^= words[{i * 37 % 9001}] * x + {i}; v = s; *p[{i % 50}] = s + x;\n" for i in range(LONG)]
    text = "volatile int v; extern int *p[];\nint f(int x) { int s = 0;\n" + "".join(lines) + "return s; }\n"
    pathlib.Path(f"{tmp}/long.c").write_text(HEAD + text)
    r = subprocess.run(["prlimit", f"--cpu={LONG_SECONDS}:{LONG_SECONDS + 5}", args.bin / "duke-cc", "-O2", "-c", f"{tmp}/long.c",
                        "-o", f"{tmp}/long.o"], capture_output=True, text=True)
    if r.returncode:
        print(f"FAIL long block: {r.stderr or 'too slow'} (status {r.returncode})")
    return 1 if r.returncode else 0


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--bin", required=True, type=pathlib.Path)
    args = p.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory() as tmp:
        for name, text, wanted, unwanted in CASES:
            pathlib.Path(f"{tmp}/a.c").write_text(HEAD + text + "\n")
            r = subprocess.run([args.bin / "duke-cc", "-O2", "-w", "-S", f"{tmp}/a.c", "-o", f"{tmp}/a.s"], capture_output=True,
                               text=True)
            if r.returncode:
                print(f"FAIL {name}: {r.stderr}")
                failures += 1
                continue
            asm = pathlib.Path(f"{tmp}/a.s").read_text()
            body = asm[asm.index("\nf:"):asm.index(".Lfunc_end")]
            ops = [" ".join(line.split("#")[0].split()) for line in body.splitlines()[2:]]
            ops = [op for op in ops if op and not op.startswith(".")]
            whole = "\n".join(ops)
            problem, at = "", 0
            for pattern in wanted:
                m = re.compile(pattern).search(whole, at)
                if m is None:
                    problem = f"no \"{pattern}\" (in this place)"
                    break
                at = m.start() + 1
            for pattern in unwanted:
                if re.search(pattern, whole, re.S):
                    problem = problem or f"\"{pattern}\" should not be there"
            if problem:
                failures += 1
                print(f"FAIL {name}: {problem}:\n" + "\n".join("    " + op for op in ops))
        failures += long_block(args, tmp)
    print(f"{len(CASES) + 1} cases, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
