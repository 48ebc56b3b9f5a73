"""The cases of run.py: what runs, on which files, and whether it belongs to the quick set."""
from dataclasses import dataclass, field
from pathlib import Path

import debian

BUSYBOX = "guests/busybox"
I386 = "guests/i386"  # see scripts/fetch-guests
BENCHMARKS = Path(__file__).resolve().parent.parent.parent / "benchmarks"
QUICK_BENCHMARKS = {"sort", "interp", "search"}


@dataclass
class Case:
    name: str
    program: str  # relative to the build folder
    args: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    stdin: bytes = b""
    quick: bool = False
    root: str = ""  # relative to the build folder: the file system that the program lives in; the host's where there is none
    cpu: str = ""  # guest model other than the default
    built: str = ""  # relative to the build folder: a program of ours that the folder has as `built`


def prose(lines: int, seed: int = 1) -> bytes:
    """Text that looks like text: the same for the same arguments."""
    words = ("the a of and core bundle commit translator register when shadow every store rolls back to is was which has "
             "cycle guest native region fault it on before after Duke x86 trap page cache line 17 4096 -3 0x1f").split()
    out, state = [], seed
    for _ in range(lines):
        line = []
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        for _ in range(3 + (state >> 16) % 9):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
            line.append(words[(state >> 16) % len(words)])
        out.append(" ".join(line))
    return ("\n".join(out) + "\n").encode()


def noise(size: int, seed: int = 7) -> bytes:
    out, state = bytearray(), seed
    while len(out) < size:
        state = (state * 6364136223846793005 + 1442695040888963407) & (1 << 64) - 1
        out += (state >> 32).to_bytes(4, "little")
    return bytes(out[:size])


TABLE = "".join(f"{name},{(i * 7919) % 1000},{(i * 104729) % 97}.{i % 10},{'xyz'[i % 3]}\n"
                for i, name in enumerate(f"item{(n * 37) % 101:03}" for n in range(101))).encode()

TREE = {
    "tree/readme": b"a readme\n", "tree/src/main.c": b"int main(void) { return 0; }\n", "tree/src/util.c": b"/* nothing */\n",
    "tree/src/deep/er/note": b"note\n", "tree/empty": b"", "tree/big": prose(300, 5), "tree/bin": noise(3000),
}

SCRIPT = rb"""
# Builtins only: no process is made.
set -u
primes=
n=2
while [ $n -lt 60 ]; do
  is=1
  for p in $primes; do
    [ $((p * p)) -gt $n ] && break
    [ $((n % p)) -eq 0 ] && { is=0; break; }
  done
  [ $is -eq 1 ] && primes="$primes $n"
  n=$((n + 1))
done
echo "primes:$primes"
fact() { if [ $1 -le 1 ]; then r=1; else fact $(($1 - 1)); r=$((r * $1)); fi; }
fact 12; echo "12! = $r"
while IFS=, read -r name number rest; do
  case $name in
    *1) printf '%-10s|%05d|%x\n' "$name" "$number" "$number" ;;
  esac
done <table
word=translation
echo "${word#trans} ${word%tion} ${#word} ${word:-none} ${none:-none}"
f=out.txt
echo first >$f; echo second >>$f
read -r line <$f; echo "read back: $line"
test -f $f && echo "there is $f"; test -d $f || echo "which is no folder"
set -- one 'two words' three; echo $# "$2"; shift; echo "$*"
eval 'x=5; y=$((x << 3 | 1))'; echo $y
trap 'echo leaving' EXIT
echo *
exit 3
"""

AWK_REPORT = r"""
BEGIN { FS = "," }
{ n[$4]++; sum[$4] += $3; if ($2 > max) { max = $2; who = $1 } len += length($1) }
/item0.5/ { found = found " " $1 }
END {
  for (k in n) order = order k
  split("x y z", names, " ")
  for (i = 1; i <= 3; i++) printf "%s %d %.3f %g\n", names[i], n[names[i]], sum[names[i]], sum[names[i]] / n[names[i]]
  print who, max, found, len, length(order)
  print substr("abcdefgh", 3, 4), index("haystack", "st"), toupper("mixed Case"), sprintf("%5.2e|%-6s|%06.2f", 12345.678, "ab", 3.14159)
  print int(7.9), 10 % 3, 1 / 3, 1e300 * 10, -17 / 4
  s = "aXbXc"; print gsub(/X/, "--", s), s
}
"""

AWK_MATH = r"""
BEGIN {
  for (i = 1; i <= 40; i++) { x = i / 7; printf "%.6f %.6f %e\n", x * x * x, x / (i + 1), x - 3 }
  a = 0; b = 1; while (b < 1e15) { t = a + b; a = b; b = t } print a
  printf "%.4f %d\n", 1 - 1 / 3, -7.5
}
"""


PROCESSES = rb"""
# Pipes, subshells, jobs, signals: every command is a process of its own. busybox finds itself by its command line.
IFS= read -r line </proc/$$/cmdline
bb=${line%shscript}
mkdir bin
for name in awk cat cut find grep head kill ls sed seq sh sleep sort tr true uniq wc xargs; do "$bb" ln -s "$bb" bin/$name; done
PATH=$PWD/bin
echo one two | tr a-z A-Z | sed 's/O/0/g'
seq 1 800 | sort -rn | awk '{ s += $1 } END { print NR, s }'
cut -d, -f1 table | sort | uniq | wc -l
x=$(echo sub; (exit 3) || echo "status $?")
echo "$x"
for i in 1 2 3; do (echo in $i; exit $i); echo status $?; done
(sleep 1; echo late) & echo first
wait
cat <<END | while read -r a b; do echo "$b $a"; done
some words
more text
END
trap 'echo trapped' USR1
kill -USR1 $$
sleep 100 & kill $!
wait $!
echo killed $?
sh -c 'kill -9 $$'
echo killed $?
find . -name 'tab*' -exec grep -c item {} \;
seq 1 10 | xargs -n 4 echo args
printf '#!%s sh\necho "script $1"\n' "$bb" >run
chmod +x run
./run here
: | true
seq 1 16000 | head -n 2
for i in 1 2 3 4 5; do echo $i; done | (read a; read b; echo "$a $b"; cat) | tr '\n' ' '
echo
exec sh -c 'echo end; exit 9'
"""


def busybox_cases() -> list[Case]:
    text, big = prose(200), prose(1500, 3)

    def case(name: str, args: list[str], files: dict[str, bytes] | None = None, stdin: bytes = b"", quick: bool = False) -> Case:
        return Case(f"busybox.{name}", BUSYBOX, args, files or {}, stdin, quick)

    return [
        case("echo", ["echo", "-e", r"a\tb\n\101"], quick=True),
        case("true", ["true"], quick=True),
        case("false", ["false"], quick=True),
        case("sha256sum", ["sha256sum", "text", "noise"], {"text": text, "noise": noise(20000)}, quick=True),
        case("sha512sum", ["sha512sum", "text"], {"text": text}),
        case("md5sum", ["md5sum"], stdin=big),
        case("crc32", ["crc32", "noise"], {"noise": noise(40000)}),
        case("sort", ["sort", "big"], {"big": big}),
        case("sort.numeric", ["sort", "-t,", "-k2,2nr", "-k1", "table"], {"table": TABLE}, quick=True),
        case("sort.unique", ["sort", "-u", "-o", "out", "big"], {"big": big}),
        case("uniq", ["uniq", "-c"], stdin=b"a\na\nb\nc\nc\nc\n"),
        case("awk.report", ["awk", AWK_REPORT, "table"], {"table": TABLE}, quick=True),
        case("awk.math", ["awk", AWK_MATH]),
        case("awk.words", ["awk", "{ for (i = 1; i <= NF; i++) c[$i]++ } END { print c[\"the\"], c[\"core\"], NR }", "part"],
             {"part": prose(300, 3)}),
        case("gzip", ["gzip", "-c", "big"], {"big": big}),
        case("gzip.in.place", ["gzip", "-9", "text"], {"text": text}, quick=True),
        case("gunzip", ["gunzip", "text.gz"], {"text.gz": GZIPPED}, quick=True),
        case("bzip2", ["bzip2", "-c", "text"], {"text": text}),
        case("tar.create", ["tar", "cf", "t.tar", "tree"], TREE, quick=True),
        case("tar.extract", ["tar", "xvf", "t.tar"], {"t.tar": TARRED}, quick=True),
        case("tar.list", ["tar", "tf", "t.tar"], {"t.tar": TARRED}),
        case("find", ["find", "tree", "-name", "*.c"], TREE, quick=True),
        case("find.size", ["find", "tree", "-type", "f", "-size", "+1"], TREE),
        case("sed", ["sed", "-E", r"s/(\w+) (\w+)/\2 \1/; /fault/d; 3,5{s/e/E/g}; $a end", "text"], {"text": text}, quick=True),
        case("sed.in.place", ["sed", "-i", "-n", "/commit/{s/commit/COMMIT/gp}", "text"], {"text": text}),
        case("grep", ["grep", "-n", "-E", "^(the|core) .*x86|page cache", "big"], {"big": big}),
        case("grep.none", ["grep", "nothing of the kind", "text"], {"text": text}, quick=True),
        case("bc", ["bc"], stdin=b"scale=30\n355/113\n2^200\nsqrt(2)\nfor (i=1;i<20;i++) i*i%7\n", quick=True),
        case("bc.math", ["bc", "-l"], stdin=b"scale=25\n4*a(1)\ne(1)\nl(10)\ns(1)\n"),
        case("dc", ["dc"], stdin=b"20k 2 v p 3 100 ^ p 7 3 % p f\n"),
        case("sh", ["sh", "script"], {"script": SCRIPT, "table": TABLE}, quick=True),
        case("sh.processes", ["sh", "script"], {"script": PROCESSES, "table": TABLE}, quick=True),
        case("ls", ["ls", "-1pR", "tree"], TREE),
        case("wc", ["wc", "text", "big"], {"text": text, "big": big}),
        case("od", ["od", "-A", "x", "-t", "x1", "noise"], {"noise": noise(2000)}),
        case("base64", ["base64", "noise"], {"noise": noise(3000)}),
        case("diff", ["diff", "-u", "a", "b"], {"a": text, "b": text.replace(b"core", b"CORE", 5)}),
        case("cp", ["cp", "-r", "tree", "copy"], TREE),
        case("sh.inline", ["sh", "-c", ": >x && test -f x && echo made; exit 7"]),
        case("cut", ["cut", "-d,", "-f1,3", "table"], {"table": TABLE}),
        case("tr", ["tr", "a-y", "b-z"], stdin=text),
        case("head", ["head", "-n", "7", "text"], {"text": text}),
        case("tail", ["tail", "-c", "100", "text"], {"text": text}),
        case("fold", ["fold", "-s", "-w", "30", "text"], {"text": text}),
        case("xz", ["unxz", "-c", "text.xz"], {"text.xz": XZED}),
        case("factor", ["factor", "1000000007", "999999999999", "1234567890"]),
        case("cal", ["cal", "2", "2024"]),
        case("date", ["date", "-u", "-d", "@1000000000", "+%Y-%m-%d %H:%M:%S %j %a"]),
        case("no.such.file", ["cat", "missing"], quick=True),
    ]


def _archives() -> tuple[bytes, bytes, bytes]:
    """A gzip, a tar and an xz file, the same whenever they are made."""
    import gzip
    import io
    import lzma
    import tarfile

    text = prose(200)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in sorted(TREE.items()):
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(content), 1_000_000_000, 0o644
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(text, mtime=0), out.getvalue(), lzma.compress(text, check=lzma.CHECK_CRC32)


GZIPPED, TARRED, XZED = _archives()


def all_cases() -> list[Case]:
    names = sorted(p.parent.name for p in BENCHMARKS.glob("*/expected"))
    bench = [Case(f"bench.{n}", f"benchmarks/i386/{n}", quick=n in QUICK_BENCHMARKS) for n in names]
    bench += [Case(f"bench64.{n}", f"benchmarks/x86_64/{n}", quick=n in QUICK_BENCHMARKS) for n in names]
    own = [Case(n + wide, f"tests/programs/{n}{wide}", quick=True)
           for n in ("far", "faults", "floats", "large", "smc") for wide in ("", "64")]
    own += [Case(f"threads.{arch}.{lib}", "/bin/sh", ["-c", "exec ./built"], quick=True,
                 root="" if (arch, lib) == ("x86_64", "glibc") else I386, built=f"tests/programs/threads-{arch}-{lib}")
            for arch in ("i386", "x86_64") for lib in ("glibc", "musl")]
    text, big = prose(60), prose(2000, 9)
    dynamic = [Case(f"debian.{j.name}", j.program, j.args, j.files, j.stdin, j.quick)
               for j in debian.jobs(text, big) + debian.installed_jobs(text)]
    dynamic += [Case(f"debian32.{j.name}", debian.IN_ROOT.get(j.program, j.program), j.args, j.files, j.stdin, j.quick, I386, j.cpu)
                for j in debian.jobs(text, big, in_root=True)]
    return bench + busybox_cases() + own + dynamic
