"""docs/ref/isa.md is what the tables say. Run: python3 manual_test.py <source folder>"""
import pathlib
import subprocess
import sys
import tempfile

root = pathlib.Path(sys.argv[1])
with tempfile.TemporaryDirectory() as tmp:
    env = {"PYTHONPATH": str(root / "isa-spec/gen"), "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin"}
    subprocess.run([sys.executable, "-m", "isagen", "--spec", root / "isa-spec", "--out", tmp, "md"], env=env, check=True)
    if (pathlib.Path(tmp) / "isa.md").read_text() != (root / "docs/ref/isa.md").read_text():
        sys.exit("docs/ref/isa.md is stale; run scripts/update-ref")
