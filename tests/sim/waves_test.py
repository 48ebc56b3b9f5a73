#!/usr/bin/env python3
"""Waves of the core: the FST file covers the cycles asked for, and every signal of the save file for GTKWave is in it.
Registered as sim.waves if the build has waves (-DSELKIRK_FST=ON)."""
import re
import zlib

import common

HEADER, GZ, LZ4, LZ4_TWICE, SCOPE, UPSCOPE = 0, 4, 6, 7, 254, 255
FIRST_VAR, LAST_VAR = 0, 29  # tags of kinds of variables
ATTRIBUTE, ATTRIBUTE_END = 252, 253


def number(data, at):
    """A number in groups of seven bits, lowest first; and where it ends."""
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def text(data, at):
    end = data.index(0, at)
    return data[at:end].decode(), end + 1


def length(data, at, nibble):
    """A length of LZ4: 15 in the token means that bytes follow, up to one that is not 255; and where it ends."""
    more = 255 if nibble == 15 else 0
    while more == 255:
        more = data[at]
        nibble += more
        at += 1
    return nibble, at


def unlz4(data):
    """One block of LZ4."""
    out, at = bytearray(), 0
    while at < len(data):
        token = data[at]
        literals, at = length(data, at + 1, token >> 4)
        out += data[at:at + literals]
        at += literals
        if at < len(data):
            distance = int.from_bytes(data[at:at + 2], "little")
            copied, at = length(data, at + 2, token & 15)
            for _ in range(copied + 4):
                out.append(out[-distance])
    return bytes(out)


def blocks(data):
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at + 1:at + 9], "big")
        yield data[at], data[at + 9:at + 1 + size]
        at += 1 + size


def hierarchy(data):
    """Names of all variables, with the scopes they are in."""
    at, scopes, names = 0, [], set()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag == SCOPE:
            name, at = text(data, at + 1)
            _, at = text(data, at)
            scopes.append(name)
        elif tag == UPSCOPE:
            scopes.pop()
        elif tag == ATTRIBUTE:
            _, at = text(data, at + 2)
            _, at = number(data, at)
        elif FIRST_VAR <= tag <= LAST_VAR:
            name, at = text(data, at + 1)
            _, at = number(data, at)
            _, at = number(data, at)
            names.add(".".join([*scopes, name.replace(" ", "")]))
        elif tag != ATTRIBUTE_END:
            raise ValueError(f"tag {tag} at {at - 1}")
    return names


def read(path):
    """First and last time, names."""
    times, names = None, set()
    for kind, body in blocks(path.read_bytes()):
        if kind == HEADER:
            times = int.from_bytes(body[0:8], "big"), int.from_bytes(body[8:16], "big")
        elif kind == GZ:
            names = hierarchy(zlib.decompress(body[8:], wbits=31))
        elif kind == LZ4:
            names = hierarchy(unlz4(body[8:]))
        elif kind == LZ4_TWICE:
            size = int.from_bytes(body[8:16], "big")
            names = hierarchy(unlz4(unlz4(body[16:])[:size]))
    return times, names


def test(build, folder, checks):
    selkirk, here = build / "bin/selkirk", build / "tests/sim"
    status, _, err = common.run([selkirk, "run", "--engine", "rtl", "--fst", "w.fst", "--fst-window", "1000,500", "--max-cycles",
                                 "2000", "--", here / "environment"], cwd=folder)
    checks.same(f"status ({err!r})", status, 124)
    times, names = read(folder / "w.fst")
    checks.same("times", times, (2000, 2999))
    save = (folder / "w.fst.gtkw").read_text()
    checks.expect("[timestart] 2000\n" in save, "the save file begins where the waves do")
    wanted = re.findall(r"^TOP\.\S+$", save, re.M)
    checks.expect(len(wanted) > 20, f"signals in the save file: {len(wanted)}")
    for signal in wanted:
        checks.expect(signal in names, f"no signal {signal} in the waves")


if __name__ == "__main__":
    common.main(test)
