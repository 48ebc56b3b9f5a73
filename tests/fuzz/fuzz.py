"""Runs a libFuzzer target from its kept corpus, a text file: inputs in hexadecimal, with a blank line between two.

Run: python3 fuzz.py FUZZER CORPUS SECONDS [--keep] [libFuzzer options]; --keep writes what was found to CORPUS, without what adds nothing.
"""
import hashlib
import pathlib
import subprocess
import sys
import tempfile
import textwrap


def unpack(corpus, folder):
    folder.mkdir()
    for text in corpus.read_text().split("\n\n"):
        data = bytes.fromhex(text)
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)


def pack(folder, corpus):
    inputs = sorted((p.read_bytes() for p in folder.iterdir()), key=lambda d: (len(d), d))
    corpus.write_text("\n\n".join("\n".join(textwrap.wrap(d.hex(), 120)) for d in inputs if d) + "\n")
    print(f"{corpus}: {len(inputs)} inputs")


def main():
    fuzzer, corpus, seconds = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), int(sys.argv[3])
    keep = "--keep" in sys.argv
    options = [a for a in sys.argv[4:] if a != "--keep"]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        here = pathlib.Path(name)
        kept, found, least = here / "kept", here / "found", here / "least"
        unpack(corpus, kept)
        for d in (found, least):
            d.mkdir()
        run = [fuzzer, *options, "-timeout=20", "-print_final_stats=1", f"-max_total_time={seconds}", found, kept]
        done = subprocess.run(run, cwd=here, check=False)
        for crash in [p for p in here.iterdir() if p.is_file()]:
            print(f"{crash.name}: {crash.read_bytes().hex()}")
        if done.returncode:
            sys.exit(f"fuzz: {fuzzer.name} found something; the input is above, in hexadecimal")
        if keep:
            subprocess.run([fuzzer, *options, "-merge=1", least, kept, found], cwd=here, check=True)
            pack(least, corpus)


if __name__ == "__main__":
    main()
