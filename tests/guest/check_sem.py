"""Checks rule 2 of morph/guest/sem/README.md: no call has two arguments that contain calls, because compilers evaluate
arguments in different orders and the lifter's calls emit IR.

Usage: check_sem.py FILE...   or   check_sem.py --self-test
"""
import re
import sys

CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
PURE = {"sizeof", "if", "while", "for", "switch", "return", "UINT64_C", "stack_size", "sem_next", "sem_target", "int64_t",
        "uint16_t", "uint64_t", "SEM", "attribute"}


def strip_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S)


def arguments(text, start):
    """The arguments of the call whose parenthesis opens at start."""
    depth, args, begin = 0, [], start + 1
    for i in range(start, len(text)):
        if text[i] == "(":
            depth += 1
        elif text[i] == ")":
            depth -= 1
            if not depth:
                return args + [text[begin:i]]
        elif text[i] == "," and depth == 1:
            args.append(text[begin:i])
            begin = i + 1
    return args


def problems(text):
    text = strip_comments(text)
    for m in CALL.finditer(text):
        if m[1] in PURE:
            continue
        emitting = [a for a in arguments(text, m.end() - 1) if any(c[1] not in PURE for c in CALL.finditer(a))]
        if len(emitting) > 1:
            yield text.count("\n", 0, m.start()) + 1, m[1]


def main(args):
    if args == ["--self-test"]:
        assert list(problems("\nx = f(g(a), h(b));")) == [(2, "f")]
        assert not list(problems("x = f(g(h(a)), b, UINT64_C(1)); /* f(g(a), h(b)) */"))
        return 0
    bad = 0
    for path in args:
        with open(path, encoding="ascii") as file:
            for line, name in problems(file.read()):
                print(f"{path}:{line}: call of {name} has two arguments that emit: bind one to a local first")
                bad += 1
    return 1 if bad or not args else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
