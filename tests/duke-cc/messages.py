"""Wrong input to duke-cc and its companions is refused with a message that says what is wrong, and leaves no output.

usage: messages.py --bin DIR
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

# Assembly line, what the message must contain.
ASSEMBLY = [
    ("add r1, r2", "too few operands"),
    ("add r1, r2, r3, r4", "wrong operand"),
    ("add r1, r2, r64", "wrong operand"),
    ("frob r1", "unknown instruction"),
    ("add.i r1, r2, 32", "expected an integer from -32 to 31"),
    ("add.i r1, r2, -33", "expected an integer from -32 to 31"),
    ("shl.i r1, r2, 64", "expected an integer from -32 to 63"),
    ("add.x r1, r2, 0x400000000", "expected an integer from -17179869184 to 17179869183 or a symbol"),
    ("addi r1, r2, 2048", "expected an integer from -2048 to 2047"),
    ("li r1, 131072", "expected an integer from -131072 to 131071"),
    ("li r1, symbol", "expected an integer from -131072 to 131071"),
    ("ldn.d r1, [r2 + 2048]", "expected an integer from -2048 to 2047"),
    ("ldn.d r1, [r2 + r3]", "an index needs the form with an extension word"),
    ("ldn.d.x r1, [r2 + r3 << 4 + 0]", "expected an integer from 0 to 3"),
    ("ldn.d r1, [5]", "expected a register"),
    ("ldn.d r1, [r2 + 8", "expected ']'"),
    ("ldp.d r1, [r2 + r3 << 0 + 0], 16", "expected an integer from 0 to 15"),
    ("stc.d r1, [r2 + r3 << 0 + 0], 65536", "expected an integer from 0 to 65535"),
    ("beq r1, r2, 6", "expected a label or a displacement of 14 bits"),
    ("beq r1, r2, 8192", "expected a label or a displacement of 14 bits"),
    ("bcc 16, r1, 0", "expected an integer from 0 to 15"),
    ("commit 64", "expected an integer from -32 to 63"),
    ("fadd.d r1, r2, r3", "wrong operand"),
    ("add r1, r2, r3 r4", "expected a comma or the end"),
    ("ldn.d r1, [r2] ~\nldn.d r2, [r3] ~\nldn.d r5, [r4]", "3 memory ops in a bundle; the machine has lanes for 2"),
    ("rfe ~\nnop", "an op that must be the only one of its bundle has company"),
    ("add r1, r2, r3 ~\nli r1, 4", "a register is written twice in a bundle"),
    ("beq r1, r2, 8 ~\nj 16", "2 branch and system ops in a bundle; the machine has a lane for 1"),
    ("li r1, 1 ~\nli r2, 1 ~\nli r4, 1 ~\nli r5, 1 ~\nli r6, 1", "more integer ops in a bundle than the machine has lanes for"),
    ("commit 1 ~\ncommit 2", "a bundle may commit once"),
    ("nop ~", "the last bundle does not end"),
]

# C source, flags, what the message must contain.
C = [
    ("int main(void) { return x; }", [], "use of undeclared identifier"),
    ("int main(void) { return 0; }", ["-mcpu=z80"], 'there is no machine "z80"'),
    ("int main(void) { return 0; }", ["-frobnicate"], "unknown argument"),
    ("int main(void) { return 0; }", ["--frobnicate"], "unknown option --frobnicate"),
    ("int main(void) { return 0; }", ["-o"], "option -o needs a value"),
    ("int f(void); int main(void) { return f(); }", [], "undefined symbol `f', used by"),
    ("int f(void) { return 0; }", [], "undefined symbol `main', used by"),
    ("void __duke_commit(unsigned); int main(int c, char **v) { __duke_commit((unsigned)c); return 0; }", [],
     "__duke_commit: argument 1 must be a constant"),
    ("void __duke_commit(unsigned); int main(void) { __duke_commit(99); return 0; }", [], "must be from 0 to 63"),
    ("void __duke_wrcr(unsigned, unsigned long); int main(int c, char **v) { __duke_wrcr((unsigned)c, 0); return 0; }", [],
     "__duke_wrcr: argument 1 must be a constant"),
    ("void __duke_frob(void); int main(void) { __duke_frob(); return 0; }", [], "__duke_frob: there is no such builtin"),
    ("void __duke_tlbi(void); int main(void) { __duke_tlbi(); return 0; }", [], "__duke_tlbi: takes 1 arguments"),
    ('int main(void) { __asm__("bogus r1"); return 0; }', [], "unknown instruction"),
]


class Checks:
    def __init__(self, args, tmp):
        self.args, self.tmp, self.failures, self.count = args, pathlib.Path(tmp), 0, 0

    def expect(self, what, command, message, output=None):
        r = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60)
        self.count += 1
        said = r.stderr + r.stdout
        if r.returncode in (0, None) or r.returncode < 0 or message not in said:
            self.failures += 1
            print(f"FAIL {what}: status {r.returncode}, expected \"{message}\", got: {said[:400]}")
        if output is not None and output.exists():
            self.failures += 1
            print(f"FAIL {what}: left {output.name} behind")
            output.unlink()

    def refused(self, what, command):
        """One line on standard error, nothing on standard output, status 2."""
        r = subprocess.run([str(c) for c in command], capture_output=True, timeout=60)
        self.count += 1
        if (r.returncode, r.stdout, r.stderr.count(b"\n")) != (2, b"", 1):
            self.failures += 1
            print(f"FAIL {what}: status {r.returncode}, {r.stderr.decode()[:400]}")

    def file(self, name, data):
        path = self.tmp / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def folder(self, name):
        path = self.tmp / name
        path.mkdir(exist_ok=True)
        return path


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--bin", required=True, type=pathlib.Path)
    args = p.parse_args()
    cc, ld, run, dump = (args.bin / name for name in ("duke-cc", "duke-ld", "duke-run", "duke-objdump"))
    with tempfile.TemporaryDirectory() as tmp:
        c = Checks(args, tmp)
        out = c.tmp / "out"
        for line, message in ASSEMBLY:
            source = c.file("a.s", line + "\n")
            c.expect(line, [cc, "-c", source, "-o", out], message, out)
        for text, flags, message in C:
            source = c.file("a.c", text + "\n")
            c.expect(text, [cc, source, "-o", out, *flags], message, out)

        good, late = c.file("good.c", "int f(void) { return 1; }\n"), c.file("main.c", "int main(void) { return 0; }\n")
        subprocess.run([cc, "-c", good, "-o", c.tmp / "good.o"], check=True)
        subprocess.run([cc, "-c", late, "-o", c.tmp / "main.o"], check=True)
        subprocess.run([cc, late, "-o", c.tmp / "linked"], check=True)
        whole = (c.tmp / "main.o").read_bytes()
        host = c.tmp / "host.o"
        subprocess.run(["gcc", "-c", good, "-o", host], check=True)
        for what, command, message in [
            ("no input", [cc], "no input files"),
            ("missing file", [cc, c.tmp / "none.c"], "No such file or directory"),
            ("kind of file", [cc, c.file("a.txt", "x")], "unknown kind of file"),
            ("two outputs", [cc, "-c", good, late, "-o", out], "-o with several inputs needs linking"),
            ("directory to compile", [cc, c.folder("d.c"), "-o", out], "d.c: is a directory, not a file"),
            ("directory as output", [cc, late, "-o", c.folder("d.out")], "d.out: is a directory, not a file"),
            ("output in no folder", [cc, late, "-o", c.tmp / "none/out"], "none/out: cannot be written: No such file"),
            ("linker's output in no folder", [ld, "-e", "main", c.tmp / "main.o", "-o", c.tmp / "none/out"],
             "none/out: cannot be written: No such file"),
            ("directory", [ld, c.tmp, "-o", out], "is a directory"),
            ("missing object", [ld, c.tmp / "none.o", "-o", out], "No such file or directory"),
            ("no object", [ld, good, "-o", out], "not an ELF object"),
            ("foreign object", [ld, host, "-o", out], "an ELF file for machine 62, not for Duke"),
            ("linked already", [ld, c.tmp / "linked", "-o", out], "it is linked already"),
            ("no entry", [ld, c.tmp / "main.o", "-o", out], "symbol `_start' is not defined"),
            ("twice", [ld, c.tmp / "good.o", c.tmp / "good.o", "-o", out], "symbol `f' is defined twice"),
            ("truncated", [ld, c.file("t.o", whole[:len(whole) // 2]), "-o", out], "truncated or corrupt"),
            ("short", [ld, c.file("t20.o", whole[:20]), "-o", out], "not an ELF object"),
            ("address", [ld, "-Ttext=0x123", c.tmp / "main.o"], "is not an address that is a multiple of 64"),
            ("missing order", [ld, f"--order={c.tmp}/none", c.tmp / "main.o"], "No such file or directory"),
            ("option", [ld, "--frob", c.tmp / "main.o"], "unknown option --frob"),
            ("dump nothing", [dump], "no input files"),
            ("dump a missing file", [dump, c.tmp / "none"], "No such file or directory"),
            ("dump text", [dump, good], "not recognized as a valid object"),
            ("dump with an unknown option", [dump, "--frob", c.tmp / "linked"], "unknown argument '--frob'"),
            ("random programs, unknown option", [args.bin / "duke-random", "--frob"], "option --frob is unknown"),
            ("random programs, no number", [args.bin / "duke-random", "--seed", "x"], "--seed needs a number"),
            ("run nothing", [run], "no program given"),
            ("run a missing file", [run, c.tmp / "none"], "No such file or directory"),
            ("run text", [run, good], "not an ELF file"),
            ("run a host object", [run, host], "not a program for Duke"),
            ("run an object", [run, c.tmp / "main.o"], "not linked for the reset address"),
            ("run truncated", [run, c.file("t", (c.tmp / "linked").read_bytes()[:4100])], "truncated"),
            ("run on a missing engine", [run, "--engine=qemu", c.tmp / "linked"], '"qemu" is unknown'),
            ("run on a missing machine", [run, "--machine=z80", c.tmp / "linked"], "z80"),
            ("run in no memory", [run, "--memory=0", c.tmp / "linked"], "--memory"),
        ]:
            c.expect(what, command, message, out)
            c.refused(what, command)
        # Every truncation and some corruptions of an object are survived.
        for n in range(0, len(whole), 37):
            broken = bytearray(whole)
            broken[n] ^= 0xff
            for data in (whole[:n], bytes(broken)):
                r = subprocess.run([ld, c.file("t.o", data), c.tmp / "good.o", "-e", "main", "-o", out], capture_output=True)
                c.count += 1
                if r.returncode not in (0, 2):
                    c.failures += 1
                    print(f"FAIL duke-ld: status {r.returncode} for an object broken at byte {n}")
        print(f"{c.count} checks, {c.failures} failures")
        return 1 if c.failures else 0


if __name__ == "__main__":
    sys.exit(main())
