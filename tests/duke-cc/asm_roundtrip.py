"""The assembler, the disassembler and the generated C encoder, or morph's emitter, must agree on every op in every form.

usage: asm_roundtrip.py --bin DIR --gen GEN_OPS [--emitter] [--seed N]

gen_ops writes text and words. Text assembled must be those words; words disassembled must be that text; and that text
assembled again the same words.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

TRIPLE = "--triple=vliw64-unknown-none-elf"


def words_of(args, tmp, source):
    obj, out = f"{tmp}/a.o", f"{tmp}/a.bin"
    subprocess.run([args.bin / "duke-cc", "-c", source, "-o", obj], check=True)
    subprocess.run(["llvm-objcopy-19", "-O", "binary", "-j", ".text", obj, out], check=True)
    return pathlib.Path(out).read_bytes()


def disassemble(args, tmp, data):
    text = " ".join(f"0x{b:02x}" for b in data)
    env = dict(os.environ, LD_PRELOAD=str(args.bin.parent / "lib" / "libDuke.so"))
    r = subprocess.run(["llvm-mc-19", "--disassemble", TRIPLE], input=text, env=env, text=True, capture_output=True)
    if r.returncode or r.stderr:
        sys.exit(f"llvm-mc: {r.stderr[:1000]}")
    return [" ".join(line.split()) for line in r.stdout.splitlines() if line.strip() and line.strip() != ".text"]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--bin", required=True, type=pathlib.Path)
    p.add_argument("--gen", required=True)
    p.add_argument("--emitter", action="store_true", help="words by morph's emitter instead of the generated encoder")
    p.add_argument("--seed", default="1")
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as tmp:
        subprocess.run([args.gen, *["--emitter"] * args.emitter, args.seed, f"{tmp}/ops.s", f"{tmp}/ops.bin"], check=True)
        want = pathlib.Path(f"{tmp}/ops.bin").read_bytes()
        lines = pathlib.Path(f"{tmp}/ops.s").read_text().splitlines()
        got = words_of(args, tmp, f"{tmp}/ops.s")
        if got != want:
            at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
            near = disassemble(args, tmp, want[:at // 4 * 4 + 8])[-2:]
            maker = "emitter" if args.emitter else "encoder"
            sys.exit(f"FAIL: assembler and {maker} differ at byte {at}: {got[at // 4 * 4:][:8].hex()} and "
                     f"{want[at // 4 * 4:][:8].hex()}, near {near}")
        text = disassemble(args, tmp, want)
        differ = [(a, b) for a, b in zip(text, lines) if a != b]
        if differ or len(text) != len(lines):
            sys.exit(f"FAIL: {len(differ)} lines differ ({len(text)} and {len(lines)} lines); llvm-mc and duke_disasm: "
                     + "; ".join(f"{a} | {b}" for a, b in differ[:5]))
        pathlib.Path(f"{tmp}/again.s").write_text("\n".join(text) + "\n")
        if words_of(args, tmp, f"{tmp}/again.s") != want:
            sys.exit("FAIL: the disassembly does not assemble to the same words")
        print(f"{len(lines)} lines, {len(want)} bytes equal")


if __name__ == "__main__":
    main()
