"""Each feature that CPUID reports is there: one instruction of it runs. Run: python3 cpuid_test.py SELKIRK

CPUID itself runs on the simulated machine, for every guest model and mode, and must report what its model is named for.
"""
import json
import subprocess
import sys
import unittest

SELKIRK = sys.argv.pop(1)
CODE, DATA = 0x10000, 0x20000

# leaf, register, bit, name, code; memory operands are [rdi] = [edi] = DATA.
FEATURES = [
    (1, "edx", 0, "FPU", "d9e8"), (1, "edx", 4, "TSC", "0f31"), (1, "edx", 8, "CX8", "0fc70f"), (1, "edx", 15, "CMOV", "0f44c1"),
    (1, "edx", 19, "CLFLUSH", "0fae3f"), (1, "edx", 23, "MMX", "0ffcc1"), (1, "edx", 24, "FXSR", "0fae07"),
    (1, "edx", 25, "SSE", "0f58c1"), (1, "edx", 26, "SSE2", "660f58c1"), (1, "ecx", 0, "SSE3", "f20fd0c1"),
    (1, "ecx", 1, "PCLMULQDQ", "660f3a44c100"), (1, "ecx", 9, "SSSE3", "660f3800c1"), (1, "ecx", 13, "CX16", "480fc70f"),
    (1, "ecx", 19, "SSE4.1", "660f3840c1"), (1, "ecx", 20, "SSE4.2", "660f3837c1"), (1, "ecx", 22, "MOVBE", "0f38f007"),
    (1, "ecx", 23, "POPCNT", "f30fb8c1"), (1, "ecx", 25, "AES", "660f38dcc1"), (1, "ecx", 30, "RDRAND", "0fc7f0"),
    (7, "ebx", 18, "RDSEED", "0fc7f8"), (7, "ebx", 19, "ADX", "660f38f6c1"), (7, "ebx", 29, "SHA", "0f38c8c1"),
    (0x80000001, "ecx", 0, "LAHF", "9f"), (0x80000001, "ecx", 5, "LZCNT", "f30fbdc1"),
    (0x80000001, "edx", 27, "RDTSCP", "0f01f9"),
]
NO_CODE = {(1, "edx", 5), (1, "edx", 6), (1, "edx", 13),  # MSR, PAE, PGE: nothing that user code sees
           (0x80000001, "edx", 11), (0x80000001, "edx", 20), (0x80000001, "edx", 29)}  # SYSCALL, NX, long mode
ONLY_64 = {"CX16"}
V1 = {"FPU", "TSC", "CX8", "CMOV", "CLFLUSH", "MMX", "FXSR", "SSE", "SSE2", "LAHF", "RDTSCP"}
V2 = V1 | {"SSE3", "SSSE3", "CX16", "SSE4.1", "SSE4.2", "POPCNT"}
MODELS = [{"FPU", "TSC", "CX8", "CMOV"}, V1, V2, {f[3] for f in FEATURES}]


def run(model, mode, cases):
    """Results of [(registers, code)], each run to its end."""
    ip = "rip" if mode == "x86-64" else "eip"
    prefix = ip[0]
    lines = []
    for regs, code in cases:
        values = {prefix + name: value for name, value in regs.items()} | {ip: CODE, prefix + "di": DATA}
        lines.append(json.dumps({"mode": mode, "regs": values, "count": 1, "mem": [
            {"addr": CODE, "bytes": code, "size": 64}, {"addr": DATA, "bytes": "", "size": 1024, "prot": "rw"}]}))
    done = subprocess.run([SELKIRK, "vectors", "-c", f"morph.guest_cpu={model}"], input="\n".join(lines) + "\n", text=True,
                          capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


class Cpuid(unittest.TestCase):
    def test_models(self):
        leaves = (0, 1, 7, 0x80000001)
        for mode in ("ia32", "x86-64"):
            prefix = "r" if mode == "x86-64" else "e"
            for model in range(4):
                with self.subTest(mode=mode, model=model):
                    results = run(model, mode, [({"ax": leaf, "cx": 0}, "0fa2") for leaf in leaves])
                    report = {leaf: {"e" + r: result["regs"][prefix + r] for r in ("ax", "bx", "cx", "dx")}
                              for leaf, result in zip(leaves, results)}
                    self.check(mode, model, report)

    def check(self, mode, model, report):
        has7 = report[0]["eax"] >= 7
        named = {(leaf, reg, bit) for leaf, reg, bit, _, _ in FEATURES} | NO_CODE
        for leaf, reg in ((1, "ecx"), (1, "edx"), (7, "ebx"), (7, "ecx"), (7, "edx"), (0x80000001, "ecx"), (0x80000001, "edx")):
            for bit in range(32):
                if report[leaf][reg] >> bit & 1 and (leaf != 7 or has7):
                    self.assertIn((leaf, reg, bit), named, "a feature that this test does not know")
        reported = {name for leaf, reg, bit, name, _ in FEATURES if report[leaf][reg] >> bit & 1 and (leaf != 7 or has7)}
        wanted = MODELS[max(model, 1) if mode == "x86-64" else model]
        self.assertEqual(reported, wanted)
        tried = [f for f in FEATURES if f[3] in reported and (mode == "x86-64" or f[3] not in ONLY_64)]
        for feature, result in zip(tried, run(model, mode, [({}, f[4]) for f in tried])):
            self.assertEqual(result["stop"], "count", feature[3])


if __name__ == "__main__":
    unittest.main()
