"""Runs a libFuzzer target from its kept corpus: inputs in hexadecimal, a line each, the whole compressed by xz and written in base 85.

Run: python3 fuzz.py FUZZER CORPUS SECONDS [--keep] [libFuzzer options]; --keep writes what was found to CORPUS, without what adds nothing.
"""
import base64
import hashlib
import lzma
import pathlib
import subprocess
import sys
import tempfile
import textwrap


def unpack(corpus, folder):
    folder.mkdir()
    for text in lzma.decompress(base64.b85decode("".join(corpus.read_text().split()))).decode().split():
        data = bytes.fromhex(text)
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)


def pack(folder, corpus):
    inputs = sorted((p.read_bytes() for p in folder.iterdir()), key=lambda d: (len(d), d))
    text = "\n".join(d.hex() for d in inputs if d)
    corpus.write_text("\n".join(textwrap.wrap(base64.b85encode(lzma.compress(text.encode())).decode(), 120)) + "\n")
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
            subprocess.run([fuzzer, *options, "-set_cover_merge=1", least, kept, found], cwd=here, check=True)
            pack(least, corpus)


if __name__ == "__main__":
    main()
