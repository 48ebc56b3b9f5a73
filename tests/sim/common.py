"""What the simulator's tests in Python share."""
import argparse
import pathlib
import subprocess
import sys
import tempfile


def options():
    p = argparse.ArgumentParser()
    p.add_argument("--build", required=True, type=pathlib.Path)
    return p.parse_args()


class Checks:
    """Counts failures and prints them; `done` is the exit status."""

    def __init__(self):
        self.failures = 0
        self.count = 0

    def expect(self, ok, what):
        self.count += 1
        if not ok:
            self.failures += 1
            print(f"FAIL {what}")

    def same(self, what, got, want):
        self.expect(got == want, f"{what}:\n  got  {got!r}\n  want {want!r}")

    def done(self):
        print(f"{self.count} checks, {self.failures} failed")
        return 1 if self.failures or not self.count else 0


def run(command, cwd=None, stdin=None, timeout=300, env=None):
    """Exit status (negative: signal), output and errors as bytes."""
    r = subprocess.run([str(c) for c in command], cwd=cwd, input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
                       capture_output=True, timeout=timeout, env=env if env is not None else {})
    return r.returncode, r.stdout, r.stderr


def main(test):
    with tempfile.TemporaryDirectory(prefix="selkirk-") as folder:
        checks = Checks()
        test(options().build.resolve(), pathlib.Path(folder), checks)
        sys.exit(checks.done())
