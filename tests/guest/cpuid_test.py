"""Features and guest models (isa-spec/x86/features.toml). Run: python3 cpuid_test.py SELKIRK ISA_SPEC_DIR

CPUID runs on the simulated machine, for every guest model, mode and gear, and reports what the table says. An instruction of each
feature runs where the model has it, and raises #UD where it does not; LZCNT and TZCNT are then BSR and BSF.
"""
import json
import pathlib
import subprocess
import sys
import tomllib
import unittest

SPEC = pathlib.Path(sys.argv.pop(2))
SELKIRK = sys.argv.pop(1)
CODE, DATA = 0x10000, 0x20000
FEATURES = tomllib.loads((SPEC / "x86/features.toml").read_text())["feature"]
MODELS = ("i686", "x86-64", "x86-64-v2", "max")
MODES = ("ia32", "x86-64")
LEAVES = (0, 1, 7, 0x80000000, 0x80000001)
INSTEAD = {"lzcnt": "0fbdc1"}  # executed as another instruction by a processor that lacks the feature
# Instructions that no model lacks, whatever its features: hint NOPs, ENDBR, PAUSE, and F3 BSF, which is TZCNT or BSF.
EVERYWHERE = ("0f1f440000", "660f1f840000000000", "f30f1efa", "f30f1efb", "f390", "0f1807", "0f0d07", "f30fbcc1")
# Of features with more than one kind of instruction, the others.
MORE = {"sse": ("0f70c100", "0fae17", "0faef8", "0fd7c1", "f30f58c1"), "mmx": ("0f6f07", "0f77", "0f7ec0"),
        "sse2": ("0fd4c1", "0faef0", "0faee8", "0fc307", "f20f10c1", "0ff4c1", "660ffcc1"), "sse3": ("db0f", "f20ff007"),
        "ssse3": ("0f3800c1", "660f3a0fc101"), "sse4_1": ("660f3a14c000", "660f38 2007".replace(" ", "")),
        "sse4_2": ("f20f38f1c1", "660f3a63c100"), "aes": ("660f3adfc100",), "sha": ("0f3accc100",), "movbe": ("0f38f107",),
        "bmi1": ("c4e278f7c1", "c4e278f3c9", "c4e278f3d1", "c4e278f3d9"), "adx": ("f30f38f6c1",), "cmov": ("dbe9", "dac1"),
        "bmi2": ("c4e278f5c1", "c4e27bf5c1", "c4e27af5c1", "c4e27bf7c1", "c4e27af7c1", "c4e279f7c1", "c4e37bf0c107"),
        "fxsr": ("0fae0f",)}


def model_of(feature):
    return MODELS.index(FEATURES[feature]["model"])


def run(model, mode, cases, gear="interp"):
    """Results of [(registers, code)], each run for one instruction."""
    ip = "rip" if mode == "x86-64" else "eip"
    prefix = ip[0]
    lines = []
    for regs, code in cases:
        values = {prefix + name: value for name, value in regs.items()} | {ip: CODE, prefix + "di": DATA}
        lines.append(json.dumps({"mode": mode, "regs": values, "count": 1, "mem": [
            {"addr": CODE, "bytes": code, "size": 64}, {"addr": DATA, "bytes": "", "size": 1024, "prot": "rw"}]}))
    done = subprocess.run([SELKIRK, "vectors", "--gear", gear, "-c", f"morph.guest_cpu={model}"], input="\n".join(lines) + "\n",
                          text=True, capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def each():
    for mode in MODES:
        for model in range(4):
            yield mode, model, max(model, 1) if mode == "x86-64" else model


class Features(unittest.TestCase):
    def test_cpuid(self):
        for mode, model, counts in each():
            prefix = "r" if mode == "x86-64" else "e"
            with self.subTest(mode=mode, model=MODELS[model]):
                results = run(model, mode, [({"ax": leaf, "cx": 0}, "0fa2") for leaf in LEAVES])
                report = {leaf: {"e" + r: result["regs"][prefix + r] for r in ("ax", "bx", "cx", "dx")}
                          for leaf, result in zip(LEAVES, results)}
                self.assertEqual(report[0]["eax"], 7 if counts == 3 else 1)
                wanted = {leaf: dict.fromkeys(("eax", "ebx", "ecx", "edx"), 0) for leaf in LEAVES}
                for name, f in FEATURES.items():
                    leaf, register, bit = f["cpuid"].split(".")
                    if model_of(name) <= counts:
                        wanted[int(leaf, 16)][register] |= 1 << int(bit)
                for leaf, registers in ((1, ("ecx", "edx")), (7, ("ebx", "ecx", "edx")), (0x80000001, ("ecx", "edx"))):
                    for register in registers:
                        if leaf <= report[0]["eax"] or leaf >= 0x80000000:
                            self.assertEqual(report[leaf][register], wanted[leaf][register], f"leaf {leaf:#x} {register}")

    def test_code(self):
        tried = [(name, code) for name, f in FEATURES.items() if "try" in f for code in (f["try"], *MORE.get(name, ()))]
        self.assertGreater(len(tried), 40)
        for mode, model, counts in each():
            here = [(n, c) for n, c in tried if (mode == "x86-64" or not FEATURES[n].get("only64")) and n != "lahf"]
            for gear in ("interp", "translate"):
                with self.subTest(mode=mode, model=MODELS[model], gear=gear):
                    results = run(model, mode, [({"cx": 1}, code) for _, code in here], gear)
                    for (name, code), result in zip(here, results):
                        has = model_of(name) <= counts or name in INSTEAD
                        stop = (result["stop"], result.get("exception", {}).get("vector"))
                        self.assertEqual(stop, ("count", None) if has else ("exception", 6), f"{name} {code}")

    def test_everywhere(self):
        for mode, model, _ in each():
            with self.subTest(mode=mode, model=MODELS[model]):
                for code, result in zip(EVERYWHERE, run(model, mode, [({"cx": 1}, code) for code in EVERYWHERE])):
                    self.assertEqual(result["stop"], "count", code)

    def test_as_another(self):
        for mode, model, counts in each():
            prefix = "r" if mode == "x86-64" else "e"
            for gear in ("interp", "translate"):
                with self.subTest(mode=mode, model=MODELS[model], gear=gear):
                    cases = [({"cx": 0x100, "ax": 99}, "f30fbdc1"), ({"cx": 0x100, "ax": 99}, "f30fbcc1"),
                             ({"cx": 0, "ax": 99}, "f30fbdc1"), ({"cx": 0, "ax": 99}, "f30fbcc1")]
                    got = [r["regs"].get(prefix + "ax", 99) for r in run(model, mode, cases, gear)]
                    self.assertEqual(got, [23, 8, 32, 32] if counts == 3 else [8, 8, 99, 99])


if __name__ == "__main__":
    unittest.main()
