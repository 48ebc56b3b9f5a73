"""confined.py ROOT FOLDER USER COMMAND...: the first process of those that sweep.py confines.

Starts the command in the folder of a root, as the user and without a way to get power back, and passes its status on, 128 + n
if signal n killed it. Whatever else it leaves running ends with this process. Imports little, as it is started for each run.
"""
import ctypes
import os
import sys

PR_SET_NO_NEW_PRIVS = 38
FIRST = 1000  # the number of a guest's first process, which shows in names of files and messages


def start(root: str, folder: str, user: int, command: list[str]) -> None:
    """Becomes the command."""
    if root != "/":
        os.chroot(root)
    os.chdir(folder)
    if user != os.geteuid():
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    os.umask(0o022)
    try:
        ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        os.execv(command[0], command)
    except OSError as e:
        sys.stderr.write(f"{command[0]}: {e.strerror}\n")
    os._exit(126)


def number_from_first() -> None:
    """The next process gets the number that a guest's would have, if processes are numbered apart from the host's."""
    if os.getpid() == 1:
        try:
            with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as f:
                f.write(str(FIRST - 1))
        except OSError:
            pass


def main() -> int:
    number_from_first()
    child = os.fork()
    if child == 0:
        start(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:])
    while True:
        pid, status = os.wait()
        if pid == child:
            break
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(main())
