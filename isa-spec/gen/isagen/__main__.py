"""python3 -m isagen --spec DIR [--machine NAME] --out DIR EMITTER...

Reads and checks the tables, then runs each emitter: module emit_<name> with emit(spec, machines, machine, outdir), where
machines maps names to Machine and machine is the chosen one. Exit status 2 and one line if a table is wrong.
"""
import argparse
import importlib
import pathlib
import sys

from . import check
from .load import SpecError, load_machine, load_spec


def load_all(root):
    """Spec and machines of the folder `root`, checked."""
    spec = load_spec(root)
    machines = {}
    for path in sorted((pathlib.Path(root) / "machines").glob("*.toml")):
        m = load_machine(path)
        if m.name in machines:
            raise SpecError(f'{path}: machine.name: "{m.name}" is also the name of {machines[m.name].path}')
        machines[m.name] = m
    check.check(spec, machines)
    return spec, machines


def main(argv=None):
    p = argparse.ArgumentParser(prog="isagen", description="Makes code and documents from the tables of isa-spec.")
    p.add_argument("--spec", required=True, help="the isa-spec folder")
    p.add_argument("--machine", default="default", help="name of a machine table (default: %(default)s)")
    p.add_argument("--out", help="folder to write to; without emitters the tables are only checked")
    p.add_argument("emitter", nargs="*", help="c, sv, td, md, x86, ...: what to make")
    args = p.parse_args(argv)
    try:
        spec, machines = load_all(args.spec)
        if args.machine not in machines:
            raise SpecError(f'--machine: "{args.machine}" is unknown; there are {", ".join(machines)}')
        if args.emitter and not args.out:
            raise SpecError("--out: the folder to write to is missing")
        for name in args.emitter:
            module = f"{__package__}.emit_{name}"
            try:
                emitter = importlib.import_module(module)
            except ModuleNotFoundError as e:
                if e.name != module:
                    raise
                here = pathlib.Path(__file__).parent
                known = ", ".join(sorted(f.stem.removeprefix("emit_") for f in here.glob("emit_*.py")))
                raise SpecError(f'emitter "{name}" is unknown; there are {known}') from e
            out = pathlib.Path(args.out)
            out.mkdir(parents=True, exist_ok=True)
            emitter.emit(spec, machines, machines[args.machine], out)
    except SpecError as e:
        print(f"isagen: {e}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
