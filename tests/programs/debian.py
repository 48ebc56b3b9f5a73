"""Cases of run.py: dynamic programs of Debian, each with a real job: amd64 as scripts/install-deps installs them, i386 in the root
folder that scripts/fetch-guests makes, where there is no /proc."""
from dataclasses import dataclass, field


@dataclass
class Job:
    name: str
    program: str
    args: list[str]
    files: dict[str, bytes] = field(default_factory=dict)
    stdin: bytes = b""
    quick: bool = False
    cpu: str = ""  # guest model


BASH = rb"""
set -eu
declare -A seen
for w in one two three two one; do seen[$w]=$(( ${seen[$w]:-0} + 1 )); done
for w in one two three; do echo "$w ${seen[$w]}"; done
seq 1 500 | sort -rn | head -n 3 | tr '\n' ' '; echo
cut -d' ' -f2 text | sort | uniq -c | sort -rn -k1,1 -k2 | head -n 4
sed -E 's/([a-z]+) ([a-z]+)/\2-\1/' text | grep -c -e '-'
awk '{ n[$1]++ } END { for (w in n) t += n[w]; printf "%d %.6f\n", t, sqrt(t) }' text
(exit 9) || echo "status $?"
PIPES
find . -type f | sort
printf '%q %x %e\n' 'a b' 255 3.5
[[ $(date -u -d @1000000000 +%F) == 2001-09-09 ]] && echo date
trap 'echo bye' EXIT
sleep 5 & sleep 0.2; kill $!; wait $! || echo killed $?
mapfile -t lines <text; echo ${#lines[@]}
"""

LUA = rb"""
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
print(fib(17), 7 // 2, -7 // 2, 7 % -3, 7.5 // 2, 1 << 62, math.maxinteger + 1, 3 | 8)
print(1 / 3, 2 ^ 0.5, 1e15, 1e100, math.pi, -0.0, 0 / 0 ~= 0 / 0, math.tointeger(3.0), string.format("%.14g %a", 0.1, 1.5))
local t = {}
for i = 1, 300 do t[i] = (i * 7919) % 1009 end
table.sort(t)
print(t[1], t[150], t[300], #t, table.concat(t, ",", 1, 5))
local words = {}
for line in io.lines("text") do for w in line:gmatch("%a+") do words[w] = (words[w] or 0) + 1 end end
local names = {}
for w in pairs(words) do names[#names + 1] = w end
table.sort(names, function(a, b) return words[a] > words[b] or words[a] == words[b] and a < b end)
for i = 1, 5 do print(names[i], words[names[i]]) end
local co = coroutine.wrap(function(a) for i = 1, 3 do a = coroutine.yield(a * i) end return "done" end)
print(co(2), co(3), co(4), co(5))
print(pcall(error, {1}), select("#", pcall(error, "x")), (("abc"):rep(3):gsub("b", {b = "[%0]"})))
local mt = setmetatable({}, {__index = function(_, k) return k .. "!" end, __add = function(a, b) return 42 end})
print(mt.hello, mt + 1, utf8.char(228, 8364, 0x1F600), #utf8.char(0x1F600), string.pack("<i4d", 7, 0.5):byte(1, -1))
goto out
print("never")
::out:: io.write(string.rep("=", 20), "\n")
os.exit(4)
"""

# Every kind of trace that LuaJIT makes, by its just-in-time compiler: loops, side exits, calls, tables, strings, numbers. It wants SSE2.
LUAJIT = rb"""
local function sieve(n)
  local p, c = {}, 0
  for i = 2, n do p[i] = true end
  for i = 2, n do if p[i] then c = c + 1; for j = i * i, n, i do p[j] = false end end end
  return c
end
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
local t, s = {}, 0
for i = 1, 2000 do t[i] = (i * 7919) % 1009 end
table.sort(t)
for i = 1, #t do s = s + t[i] * i end
local words = {}
for i = 1, 300 do words[#words + 1] = ("%d:%x"):format(i, i * i) end
local x = 0.5
for i = 1, 5000 do x = 3.7 * x * (1 - x) end
print(jit.status() and "compiles", sieve(5000), fib(14), s, #table.concat(words, ","), ("%.10f"):format(x))
for n = 1, 40 do -- functions made, compiled and thrown away
  local f = assert(loadstring("local a = ... for i = 1, 300 do a = (a * " .. n .. " + i) % 65521 end return a"))
  s = s + f(n)
end
print(s, pcall(function() local q; return q.field end))
"""

PERL = rb"""
use strict; use warnings;
open my $f, '<', 'text' or die; my (%n, $bytes);
while (<$f>) { $bytes += length; $n{$_}++ for /\b([a-z]{3,})\b/g }
printf "%d bytes, %d words\n", $bytes, scalar keys %n;
printf "%-12s %d\n", $_, $n{$_} for (sort { $n{$b} <=> $n{$a} || $a cmp $b } keys %n)[0 .. 4];
my @s = map { $_ * $_ } grep { $_ % 3 } 1 .. 20; print "@s[0..5] $#s\n";
printf "%.15g %.3e %s %s\n", 1 / 3, 12345.678, 2 ** 62, 10 / 4;
print 0.1 + 0.2 == 0.3 ? "eq" : "ne", " ", int(-7 / 2), " ", -7 % 3, "\n";
(my $t = "The quick brown fox") =~ s/(\w+) (\w+)/$2 $1/g; print "$t\n";
print join("|", unpack("A3 n C", pack("A3 n C", "abc", 513, 7))), "\n";
my $r = { list => [1, [2, 3]], code => sub { my $x = shift; sub { $x++ } } };
my $c = $r->{code}->(5); $c->(); print $c->(), $r->{list}[1][1], "\n";
print eval { die { code => 7 } } // "died $@->{code}", "\n";
local $_ = "x" x 5; tr/x/y/; print "$_\n"; print `echo from a child`, $? >> 8, "\n";
print sprintf("%s", join ",", sort { $a <=> $b } qw(10 9 2 33 1)), "\n";
my @l = (3, 1, 2); print "last: ", (reverse sort @l)[0], "\n"; exit 6;
"""

PYTHON = rb"""
import json, math, re, struct, sys, zlib, itertools, collections
from decimal import Decimal, getcontext
from fractions import Fraction
text = open("text").read()
count = collections.Counter(re.findall(r"[a-z]{3,}", text))
print(sorted(count.items(), key=lambda p: (-p[1], p[0]))[:4])
getcontext().prec = 40
print(Decimal(2).sqrt(), Fraction(355, 113) + 1, 2 ** 200 % 1000007, 1 / 3, math.exp(1), round(2.675, 2), 1e22, 5e-324)
print(json.dumps({"b": [1, 2.5, None, True], "a": "x\u00e9"}, sort_keys=True), json.loads("[1e3, -0.5]"))
print(zlib.crc32(text.encode()), zlib.decompress(zlib.compress(text.encode(), 6)) == text.encode(), struct.pack("<dq", 0.1, -2).hex())
def gen(n):
    a, b = 0, 1
    for _ in range(n):
        yield a
        a, b = b, a + b
print(list(itertools.islice(gen(100), 90, 95)), sum(x * x for x in range(1000)), sorted("hello world")[-3:])
class P:
    def __init__(self, x): self.x = x
    def __add__(self, o): return P(self.x + o.x)
    def __repr__(self): return f"P({self.x!r:>4})"
print(P(1) + P(2), [*map(str.upper, ["a", "b"])], {**{"k": 1}, "l": 2}, f"{math.pi:.3f} {255:#x} {1234567:,}")
try:
    [][1]
except IndexError as e:
    print(type(e).__name__, e)
sys.exit(9)
"""

SQL = rb"""
create table person(id integer primary key, name text, town integer);
create table town(id integer primary key, name text, height real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 200)
  insert into person select i, 'p' || (i * 37 % 101), i % 7 from n;
insert into town values (0, 'a', 1.5), (1, 'b', 2.25), (2, 'c', 0.1), (3, 'd', 1e10), (4, 'e', null), (5, 'f', -3.0);
create index by_name on person(name);
select t.name, count(*), min(p.name), sum(p.id) from person p join town t on p.town = t.id group by t.name order by 2 desc, 1;
select name, total(height), avg(height), round(height / 3, 3) from town group by name order by height;
begin; update person set town = 9 where id % 2; delete from person where id > 150; commit;
select count(*), count(distinct town) from person left join town on person.town = town.id where town.name is null;
select upper(substr(name, 1, 2)), like('p1%', name), printf('%08.3f', id / 7.0) from person order by name, id limit 5;
pragma integrity_check;
"""

C = rb"""
#include <math.h>
#include <stdio.h>
#include <string.h>
struct node { struct node *next; double value; };
static double sum(const struct node *n) { double s = 0; for (; n; n = n->next) s += n->value; return s; }
int main(int argc, char **argv)
{
    struct node list[50];
    for (int i = 0; i < 50; i++)
        list[i] = (struct node){i < 49 ? &list[i + 1] : NULL, sin(i) * (argc + 1)};
    printf("%.12f %zu\n", sum(list), strlen(argv[0]));
    return 3;
}
"""

BUILD = rb"""
set -e
gcc -O2 -S -o program.s program.c
gcc -c -O1 -o program.o program.c
gcc -o program program.o -lm
./program argument || echo "status $?"
gcc -fsyntax-only broken.c || echo "refused $?"
"""

GIT = rb"""
set -e
export HOME=$PWD GIT_AUTHOR_DATE='2001-09-09T01:46:40Z' GIT_COMMITTER_DATE='2001-09-09T01:46:40Z'
git config --global user.name somebody
git config --global user.email somebody@example.org
git config --global init.defaultBranch main
git init -q work
cd work
cp ../text .
git add text
git commit -q -m 'first commit'
sed -i 2d text
echo more >more
git add -A
git diff --cached --stat
git commit -q -m 'second commit'
git checkout -q -b side HEAD~1
echo side >side
git add side
git commit -q -m 'on the side'
git merge -q -m merged main
git log --oneline --graph
git fsck --strict
git gc -q
git show --stat HEAD^2
git status --short
cd ..
rm -rf work .gitconfig
"""

SQUEEZE = rb"""
set -e
for tool in gzip xz zstd; do
  $tool -c -q <text >text.$tool
  $tool -d -c -q <text.$tool | cmp - text && echo "$tool"
done
tar czf all.tar.gz --sort=name --mtime=@0 --owner=0 --group=0 text text.gzip
tar tzf all.tar.gz
"""


LARGE = rb"""
set -e
for tool in 'gzip -1' 'zstd -1 -q'; do
  $tool -c <text >packed
  $tool -d -c <packed | cmp - text && echo "$tool"
  cksum <packed
done
rm packed
"""

SPEED = rb"""
# A second of the program's own time; what it counts in it differs.
openssl speed -mr -seconds 1 -bytes 64 sha256 2>&1 | sed -n 's/^+F:\([0-9]*\):\([a-z0-9]*\):[0-9.]*$/\1 \2/p'
"""

PYTHON_PROCESSES = rb"""
import multiprocessing as mp, os, signal, subprocess, threading
from multiprocessing import shared_memory
def square(x): return x * x
def main():
    with mp.Pool(2) as pool:
        print(pool.map(square, range(6)))
    queue = mp.Queue()
    child = mp.Process(target=queue.put, args=("queued",))
    child.start()
    print(queue.get())
    child.join()
    print(child.exitcode)
    memory = shared_memory.SharedMemory(create=True, size=100)
    memory.buf[0] = 1
    print(memory.buf[0])
    memory.close()
    memory.unlink()
    done = []
    threads = [threading.Thread(target=done.append, args=(i,)) for i in range(5)]
    for t in threads: t.start()
    for t in threads: t.join()
    print(sorted(done))
    print(subprocess.check_output("echo $((1 + 2))", shell=True))
    signal.signal(signal.SIGALRM, lambda *_: print("alarm"))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    signal.pause()
    print(len(os.sched_getaffinity(0)) > 0, str(os.getpid()) in os.listdir("/proc"))
if __name__ == "__main__":
    main()
"""

MAKEFILE = rb"""
.RECIPEPREFIX = >
objects := $(patsubst %.c,%.o,$(wildcard *.c))
$(info $(words $(objects)) $(shell echo from the shell))
program: $(objects)
> cat $^ >$@
%.o: %.c
> cp $< $@
.PHONY: clean
clean:
> rm -f *.o
"""

# What is younger than what was made of it is made again, and no file is from the future.
MAKE_AGAIN = rb"""
exec 2>&1
make program
make program
make -q program && echo up to date
sleep 1
echo more >>b.c
make -n program
make program
touch -r b.c a.c
make -q program || echo a.o is to be made
sleep 2
touch -d '3 seconds ago' a.c b.c
make program
sleep 1
touch b.o
make program
find . -newer b.o | sort
"""

TOOLS = rb"""
jq -n '([range(10) | . * .] | add), ("abc" | test("b")), (1 / 3), ("x" | @base64), ("2015-03-05T23:51:47Z" | fromdate)'
gawk 'BEGIN { print gensub(/(a)(b)/, "\\2\\1", "g", "abab"), and(12, 10), strtonum("0x1f"), strftime("%Y", 0, 1), sin(1) }'
echo 'define(`f'"'"', `ifelse($1, 0, 1, `eval($1 * f(decr($1)))'"'"')'"'"')f(10) len(abc)' | m4
cp text old; sed -i 's/the/THE/' text
diff old text >changes; patch -s old changes; cmp old text && echo patched
printf '1,3p
g/THE/s//the/
$=
w
q
' | ed -s old
ps -o comm= -p $$; pgrep -c -P $$ sh
"""

IN_ROOT = {"/usr/bin/python3": "/usr/bin/python3.11"}  # names that only an installed package has


def installed_jobs(text: bytes) -> list[Job]:
    """More jobs, for the installed programs alone: they need /dev/shm, /proc, or packages that the root folder has not."""
    return [
        Job("python.processes", "/usr/bin/python3", ["-I", "-B", "script"], {"script": PYTHON_PROCESSES}),
        Job("make", "/usr/bin/make", ["program", "clean"], {"Makefile": MAKEFILE, "a.c": b"a\n", "b.c": b"b\n"}),
        Job("make.again", "/bin/sh", ["script"], {"script": MAKE_AGAIN, "Makefile": MAKEFILE, "a.c": b"a\n", "b.c": b"b\n"}),
        Job("tools", "/bin/sh", ["script"], {"script": TOOLS, "text": text}),
    ]


def jobs(text: bytes, big: bytes, in_root: bool = False) -> list[Job]:
    """The jobs; `in_root`: without what needs /dev/fd."""
    files = {"text": text}
    bash = BASH.replace(b"PIPES", b"seq 1 5 | diff text - | head -n 1" if in_root else b"diff <(seq 1 5) <(seq 2 6) || true")
    alone = [Job("luajit", "/usr/bin/luajit", ["script"], {"script": LUAJIT}, cpu="x86-64")] if in_root else []
    return alone + [
        Job("echo", "/bin/echo", ["a", "b c"], quick=True),
        Job("ls", "/bin/ls", ["-l", "--time-style=+%s"], files, quick=True),
        Job("bash", "/bin/bash", ["script"], {"script": bash, "text": text}),
        Job("sort", "/usr/bin/sort", ["-k2", "text"], files),
        Job("sha", "/usr/bin/sha256sum", ["text"], files, quick=True),
        Job("lua", "/usr/bin/lua5.4", ["script"], {"script": LUA, "text": text}, quick=True),
        Job("perl", "/usr/bin/perl", ["script"], {"script": PERL, "text": text}),
        Job("python", "/usr/bin/python3", ["-I", "-B", "script"], {"script": PYTHON, "text": text}),
        Job("sqlite", "/usr/bin/sqlite3", ["base"], stdin=SQL, quick=True),
        Job("gcc", "/bin/sh", ["script"], {"script": BUILD, "program.c": C, "broken.c": b"int main(void) { return x; }\n"}),
        Job("git", "/bin/bash", ["script"], {"script": GIT, "text": text}),
        Job("squeeze", "/bin/sh", ["script"], {"script": SQUEEZE, "text": big}),
        Job("squeeze.large", "/bin/sh", ["script"], {"script": LARGE, "text": big * (1 + 10_000_000 // len(big))}),
        Job("openssl", "/usr/bin/openssl", ["dgst", "-sha512", "text"], files),
        Job("openssl.speed", "/bin/sh", ["script"], {"script": SPEED}),
        Job("bc", "/usr/bin/bc", ["-l"], stdin=b"scale=30\n4*a(1)\ne(1)\n2^200\nsqrt(2)\n", quick=True),
    ]
