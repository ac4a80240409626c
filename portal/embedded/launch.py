"""Run a command that dies with its parent, as ourselves, as a mapped user or as a named one.

A script of its own, run with `python -I -S`: everything here happens after fork and before exec,
and must import nothing of ours.  Usage: launch.py PARENT SIGNAL IDENTITY COMMAND…
"""

import ctypes
import os
import pwd
import signal
import sys
from pathlib import Path

SET_PARENT_DEATH_SIGNAL = 1
SELF = "self"
# Root seen as uid 1000: PostgreSQL accepts it, files stay root's, and a private home stays private.
MAPPED = "mapped"
MAPPED_ID = 1000


def main() -> None:
    """Become IDENTITY, ask for SIGNAL when PARENT dies, then turn into COMMAND."""
    parent, number, identity, *command = sys.argv[1:]
    if identity == MAPPED:
        _map_user()
    elif identity != SELF:
        _become(identity)
    # After the identity: the kernel forgets this wish when credentials change.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, int(number), 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit("The parent died during the start.")
    # Ignored signals survive exec, and a supervisor may have been started with nohup.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp(command[0], command)


def _map_user() -> None:
    uid, gid = os.getuid(), os.getgid()
    os.unshare(os.CLONE_NEWUSER)
    process = Path("/proc/self")
    (process / "setgroups").write_text("deny")
    (process / "uid_map").write_text(f"{MAPPED_ID} {uid} 1")
    (process / "gid_map").write_text(f"{MAPPED_ID} {gid} 1")


def _become(name: str) -> None:
    person = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(person.pw_gid)
    os.setuid(person.pw_uid)


if __name__ == "__main__":
    main()
