#!/usr/bin/env python3
"""A hostile guest (guest/hostile.c) fails in every way it tries; limits hold; a host that lacks Landlock, seccomp or openat2; a
host whose files cannot be written. Run by ctest as sim.confine."""
import os
import resource
import socket
import subprocess

import common

# What the guest says, by attempt. The second text holds with --root, where there is nothing outside.
SAME = None
PATHS = ["..", "many ..", "link to a folder", "link to the root", "absolute", "own link", "own link to /proc/self/root",
         "spelled /proc", "/proc/self/root", "/proc/self/cwd", "folder by its number", "from /proc"]
CHANGES = ["create", "create by link", "mkdir", "mknod", "symlink", "unlink", "rmdir", "rename from", "rename to", "link from",
           "link to", "truncate", "chmod", "chown", "utimes", "moved folder", "removed folder"]
EXPECTED = (
    [(name, "read, EROFS", "ENOENT, ENOENT") for name in PATHS] +
    [("/proc/1/root", "ENOENT, ENOENT", SAME), ("links in circles through /proc", "ELOOP, ELOOP", SAME)] +
    [(name, "EROFS", "ENOENT") for name in CHANGES] + [
        ("device", "EPERM", SAME), ("fchmod", "EROFS", "EBADF"), ("futimens", "EROFS", "EBADF"), ("ftruncate", "EINVAL", "EBADF"),
        ("mode of its input", "EROFS", SAME), ("owner of its input", "EROFS", SAME), ("times of its input", "EROFS", SAME),
        ("input by name", "EROFS", SAME), ("mode of a device", "EROFS", "EBADF"), ("times of a device", "EROFS", "EBADF"),
        ("set-user-ID", "755", SAME), ("descriptors of the simulator", "0 open, 0 by path", SAME),
        ("negative descriptor", "EBADF", SAME), ("huge descriptor", "EBADF", SAME),
        ("/proc/self/mem", "ENOENT", SAME), ("/proc/self/map_files", "ENOENT", SAME), ("/proc/1/environ", "ENOENT", SAME),
        ("/proc/sysrq-trigger", "ENOENT", SAME), ("TIOCSTI", "ENOTTY", SAME),
        ("kill", "ESRCH", SAME), ("kill its group", "ESRCH", SAME), ("tgkill", "ESRCH", SAME), ("sigqueue", "ESRCH", SAME),
        ("ptrace", "ESRCH", SAME), ("ptrace of the parent", "ESRCH", SAME), ("traceme", "EPERM", SAME),
        ("process_vm_readv", "ESRCH", SAME), ("setpriority", "ESRCH", SAME), ("chroot", "EPERM", SAME), ("mount", "EPERM", SAME),
        ("unshare", "EPERM", SAME), ("namespaces", "EPERM", SAME),
        ("socket, IPv4", "EAFNOSUPPORT", SAME), ("socket, IPv6", "EAFNOSUPPORT", SAME), ("socket, Unix", "DONE", SAME),
        ("socket, packet", "EAFNOSUPPORT", SAME), ("socket, netlink", "EAFNOSUPPORT", SAME), ("connect", "ENOTSOCK", SAME),
        ("connect nothing", "EBADF", SAME), ("socketpair", "DONE", SAME), ("through it", "a byte", SAME),
        ("connect outside", "ECONNREFUSED", "ENOENT"), ("connect by a link", "ECONNREFUSED", "ENOENT"),
        ("connect by ..", "ECONNREFUSED", "ENOENT"), ("datagrams outside", "ECONNREFUSED", "ENOENT"),
        ("send a datagram", "ECONNREFUSED", "ENOENT"), ("connect without a folder", "ECONNREFUSED", SAME),
        ("bind outside", "EROFS", "ENOENT"), ("mknod of a socket", "EROFS", "ENOENT"), ("open of a socket", "ENXIO", "ENOENT"),
        ("bind inside", "DONE", SAME), ("sockets in themselves", "ETOOMANYREFS", SAME),
        ("open files", "97, then EMFILE", SAME), ("dup", "EMFILE", SAME), ("dup2 beyond", "EBADF", SAME), ("pipe", "EMFILE", SAME),
        ("memory", "ENOMEM", SAME), ("promised memory", "Killed", SAME), ("areas", "ENOMEM", SAME),
        ("processes", "39, then EAGAIN", SAME), ("fork beside zombies", "EAGAIN", SAME), ("ended", "all", SAME),
        ("beyond the host's limit", "EFBIG", SAME), ("truncate beyond it", "EFBIG", SAME), ("below it", "DONE", SAME),
    ])
# Attempts whose outcome depends on what the host has: whatever it is, they are errors.
REFUSED = ["setxattr", "mapping", "/dev/mem", "/dev/kmsg", "file as a folder"]
LIMITS = ["--max-tasks", "40", "--max-files", "100", "--memory", "64"]
SECCOMP, PRCTL, LANDLOCK, OPENAT2 = 317, 157, 444, 437 # numbers of the host's system calls


def limited_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (20 << 20, 20 << 20))


def attempts(checks, name, command, folder, column):
    """Runs the guest in a new folder beside one that it must not touch."""
    here = folder / name
    inside, outside = here / "inside", here / "outside"
    inside.mkdir(parents=True)
    outside.mkdir()
    (outside / "secret").write_text("secret\n")
    outside.chmod(0o777)
    (inside / "out").symlink_to(outside)
    (inside / "abs").symlink_to("/")
    services = [socket.socket(socket.AF_UNIX, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_STREAM)]
    back = os.open(".", os.O_RDONLY)
    os.chdir(outside) # the name of a socket is short
    hidden = f"selkirk-confine-{os.getpid()}"
    for service, at in zip(services, ("service", "datagrams", "\0" + hidden)):
        service.bind(at)
        service.setblocking(False)
    services[0].listen()
    services[2].listen()
    os.fchdir(back)
    os.close(back)
    before = sorted(os.listdir(inside))
    with subprocess.Popen(["sleep", "1000"]) as victim, open(outside / "secret", "rb") as given:
        command = [str(c) for c in command] + [str(outside), str(victim.pid), hidden]
        r = subprocess.run(command, cwd=inside, capture_output=True, timeout=500, env={}, preexec_fn=limited_files,
                           stdin=given)
        checks.same(f"{name}: the host's process lives", victim.poll(), None)
        victim.kill()
    for service in services:
        try:
            reached = service.recv(1) if service is services[1] else service.accept()
        except BlockingIOError:
            reached = None
        checks.same(f"{name}: a service of the host's is reached", reached, None)
        service.close()
    got = dict(line.split(": ", 1) for line in r.stdout.decode(errors="replace").splitlines() if ": " in line)
    checks.same(f"{name}: status ({r.stderr[-300:]!r})", r.returncode, 0)
    checks.expect(r.stdout.endswith(b"still confined\n"), f"{name}: came to its end: {r.stdout[-200:]!r}")
    for what, here_text, rooted in EXPECTED:
        checks.same(f"{name}: {what}", got.get(what), rooted if column and rooted is not SAME else here_text)
    for what in REFUSED:
        checks.expect(got.get(what, "").startswith("E"), f"{name}: {what}: {got.get(what)}")
    if not column:
        checks.same(f"{name}: full device", got.get("full device"), "ENOSPC")
    checks.same(f"{name}: after each bomb", r.stdout.count(b"and after them: DONE\n"), 4)
    checks.same(f"{name}: outside", sorted(os.listdir(outside)), ["datagrams", "secret", "service"])
    checks.same(f"{name}: the secret's mode", (outside / "secret").stat().st_mode & 0o111, 0)
    checks.same(f"{name}: the secret", (outside / "secret").read_text(), "secret\n")
    checks.same(f"{name}: inside", sorted(os.listdir(inside)), before)


def test(build, folder, checks):
    here = build / "tests/sim"
    selkirk, guest, without = build / "bin/selkirk", here / "hostile", here / "without"
    run = [selkirk, "run", *LIMITS]
    attempts(checks, "host's files", [*run, "--", guest], folder, 0)
    attempts(checks, "root", [*run, "--root", ".", "--", guest], folder, 1)
    attempts(checks, "64 bits, gear 1", [*run, "--gear", "1", "--", here / "hostile64"], folder, 0)
    attempts(checks, "64 bits, root", [*run, "--root", ".", "--", here / "hostile64"], folder, 1)
    # The first wall holds alone.
    attempts(checks, "no sandbox", [*run, "--sandbox", "off", "--", guest], folder, 0)
    sandbox(checks, selkirk, without, here / "environment", folder)
    outputs(checks, selkirk, here / "environment", folder)


def sandbox(checks, selkirk, without, program, folder):
    """What the host lacks is said with --verbose, and only there; what cannot be done without, always."""
    verbose = [selkirk, "run", "--verbose", "--", program]
    _, _, err = common.run(verbose, cwd=folder)
    checks.expect(err.startswith(b"selkirk: sandbox: "), f"--verbose: {err!r}")
    if b"sanitizer" in err:
        return
    status, _, err = common.run([without, LANDLOCK, "--", *verbose], cwd=folder)
    checks.same(f"without Landlock ({err!r})", (status, b"seccomp, no Landlock" in err), (0, True))
    status, _, err = common.run([without, LANDLOCK, "--", selkirk, "run", "--", program], cwd=folder)
    checks.same("without Landlock, quietly", (status, err), (0, b""))
    status, out, err = common.run([without, LANDLOCK, "--", selkirk, "run", "--sandbox=require", "--", program], cwd=folder)
    checks.same(f"without Landlock, required ({err!r})", (status, out, b"no Landlock" in err), (2, b"", True))
    status, _, err = common.run([without, PRCTL, "--", *verbose], cwd=folder)
    checks.same(f"without prctl ({err!r})", (status, b"sandbox: none" in err), (0, True))
    status, out, err = common.run([without, OPENAT2, "--", selkirk, "run", "--", program], cwd=folder)
    checks.same(f"without openat2 ({err!r})", (status, out, b"has no openat2 (Linux 5.6)" in err), (2, b"", True))
    status, _, err = common.run([without, OPENAT2, "--", selkirk, "run", "--sandbox=off", "--", program], cwd=folder)
    checks.same("without openat2, trusted", (status, err), (0, b""))
    status, out, err = common.run([without, OPENAT2, "--", selkirk, "run", "--sandbox=off", "--root", ".", "--", program], cwd=folder)
    checks.same(f"without openat2, a root ({err!r})", (status, out, b"has no openat2 (Linux 5.6)" in err), (2, b"", True))
    status, _, err = common.run([selkirk, "run", "--sandbox=off", "--verbose", "--", program], cwd=folder)
    checks.same("off", (status, err), (0, b"selkirk: sandbox: off\n"))


def outputs(checks, selkirk, program, folder):
    """The simulator's own files are written from inside the sandbox, wherever they are; a full device is an error."""
    work, far = folder / "work", folder / "far"
    work.mkdir()
    far.mkdir()
    options = ["--stats", far / "stats.txt", "--stats-json", "stats.json", "-d", far / "out", "--trace=0,100", "--profile",
               far / "profile.txt"]
    for root in ([], ["--root", "."]):
        status, _, err = common.run([selkirk, "run", *root, *options, "--", program], cwd=work)
        checks.same(f"outputs ({err!r})", (status, err), (0, b""))
        checks.same("files", sorted(os.listdir(far)), ["out", "profile.txt", "stats.txt"])
        checks.same("files of the folder", sorted(os.listdir(far / "out")), ["config.json", "stats.json", "stats.txt", "trace.txt"])
        for name in os.listdir(far / "out"):
            (far / "out" / name).unlink()
    status, _, err = common.run([selkirk, "run", "--stats", "/dev/full", "--", program], cwd=work)
    checks.same(f"statistics to a full device ({err!r})", (status, b"/dev/full: No space left" in err), (2, True))
    checks.expect(not os.path.exists("/dev/full.new"), "something was made in /dev")


common.main(test)
