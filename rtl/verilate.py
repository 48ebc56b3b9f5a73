"""verilate.py OUT_DIR PREFIX VERILATOR ARG...: runs Verilator into an empty folder and writes two files that include all it made:
<prefix>_fast.cpp, what runs every cycle, and <prefix>_slow.cpp, what runs once. So the build knows its outputs beforehand."""
import pathlib
import shutil
import subprocess
import sys


def main():
    out, prefix, *command = sys.argv[1:]
    out = pathlib.Path(out)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    done = subprocess.run(command + ["--Mdir", str(out), "--prefix", prefix])
    if done.returncode != 0:
        return done.returncode
    files = sorted(p.name for p in out.glob(f"{prefix}*.cpp"))
    for name, slow in (("slow", True), ("fast", False)):
        text = "".join(f'#include "{f}"\n' for f in files if ("Slow" in f) == slow)
        (out / f"all_{name}.cpp").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
