#!/usr/bin/env python3
"""Plain rules on our files: no trailing space, no tab, no CR, ends in a newline, ASCII in code, lines of a bearable length,
a README in every folder that has code, no link in Markdown to a file that is not there."""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = {".c", ".h", ".cpp", ".inc", ".def", ".sv", ".svh", ".py", ".toml", ".td", ".S", ".sem", ".cmake"}
LONGEST = 140


def own_files() -> list[Path]:
    out = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                         capture_output=True).stdout
    names = [n for n in out.decode().split("\0") if n]
    return [ROOT / n for n in names if (ROOT / n).is_file() and not (ROOT / n).is_symlink()]


def check_text(path: Path, text: str, complain) -> None:
    code = path.suffix in CODE
    if text and not text.endswith("\n"):
        complain(path, 0, "no newline at the end")
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip():
            complain(path, number, "space at the end of the line")
        if not code:
            continue
        if "\t" in line:
            complain(path, number, "a tab")
        if not line.isascii():
            complain(path, number, "not ASCII")
        if len(line) > LONGEST and path.suffix != ".toml":  # a row of a table is one line
            complain(path, number, f"{len(line)} characters in a line, more than {LONGEST}")


def check_links(path: Path, text: str, complain) -> None:
    for number, line in enumerate(text.split("\n"), 1):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", line):
            if "://" not in target and not target.startswith("mailto:") and not (path.parent / target).exists():
                complain(path, number, f"link to {target}, which is not there")


def main() -> int:
    complaints = []

    def complain(path: Path, line: int, what: str) -> None:
        complaints.append(f"{path.relative_to(ROOT)}:{line}: {what}")

    files = own_files()
    folders = set()
    for path in files:
        data = path.read_bytes()
        if b"\0" in data[:4096]:
            continue
        if b"\r" in data:
            complain(path, 0, "carriage returns")
        text = data.decode(errors="replace")
        if path.name not in {"LICENSE"} and path.name != "expected":
            check_text(path, text, complain)
        if path.suffix == ".md":
            check_links(path, text, complain)
        if path.suffix in CODE:
            folders.add(path.parent)
    for folder in sorted(folders):
        # A small folder may be described by the README of a folder above, but not by the project's own.
        above = [folder, *folder.parents]
        if folder != ROOT and not any((f / "README.md").exists() for f in above[:above.index(ROOT)]):
            complain(folder, 0, "no README.md here or above")
    print("\n".join(complaints) if complaints else f"{len(files)} files follow the rules")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
