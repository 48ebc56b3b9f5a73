"""duke-ld --order: what the file names comes first and in that order, the rest follows in input order.

usage: order.py --bin DIR
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

SOURCE = """
int one(void) { return 1; }
int two(void) { return 2; }
int three(void) { return 3; }
int (*volatile all[])(void) = {one, two, three};
int main(void) { return all[0]() + all[1]() + all[2]() == 6 ? 0 : 1; }
"""


def order(path):
    listing = subprocess.run(["nm", "-n", path], capture_output=True, text=True, check=True).stdout
    return [line.split()[2] for line in listing.splitlines() if line.split()[-1] in ("one", "two", "three", "main")]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--bin", required=True, type=pathlib.Path)
    args = p.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory() as tmp:
        source, names, out = (pathlib.Path(tmp) / name for name in ("a.c", "order.txt", "out"))
        source.write_text(SOURCE)
        for text, expected in [
            ("", ["one", "two", "three", "main"]),
            ("# all of them\n.text.main\n.text.three # last\n\n.text.two\n.text.one\n", ["main", "three", "two", "one"]),
            (".text.three\n.text.none\n.text.three\n.text.two\n", ["three", "two", "one", "main"]),
        ]:
            names.write_text(text)
            subprocess.run([args.bin / "duke-cc", source, f"-Wl,--order={names}", "-o", out], check=True)
            ran = subprocess.run([args.bin / "duke-run", out], capture_output=True).returncode
            if order(out) != expected or ran != 0:
                failures += 1
                print(f"FAIL {text!r}: {order(out)}, expected {expected}; status {ran}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
