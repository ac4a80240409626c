"""Who runs the servers of a folder, and where they listen: two locks and two private files."""

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from portal.embedded.processes import ServiceFailed, write_private

ROOT = Path(__file__).resolve().parents[2]
URLS = ("DATABASE_URL", "REDIS_URL")
OWNER_LOCK, USERS_LOCK, ADDRESSES = "owner.lock", "users.lock", "servers.json"


class AlreadyRunning(ServiceFailed):
    """Another process runs the servers of the folder."""


def default_var_dir() -> Path:
    """The folder of everything this installation writes: VAR_DIR, else var/ beside manage.py."""
    return Path(os.environ.get("VAR_DIR") or ROOT / "var").resolve()


def environment(*, var_dir: Path) -> dict[str, str]:
    """What the servers now running under `var_dir` want in the environment, and its SECRET_KEY. Starts nothing."""
    found = {}
    with suppress(OSError, KeyError):
        found["SECRET_KEY"] = _read(var_dir / "secrets.json")["SECRET_KEY"]
    return {**found, **addresses(var_dir=var_dir)}


def addresses(*, var_dir: Path) -> dict[str, str]:
    """DATABASE_URL, REDIS_URL and whatever else was published by who runs the servers now, else {}."""
    run = var_dir / "run"
    try:
        with (run / OWNER_LOCK).open("rb") as lock:
            # The owner holds the lock until it dies, however it dies; a pid could be somebody else's by now.
            if take(lock=lock, how=fcntl.LOCK_SH):
                return {}
        return {name: url for name, url in _read(run / ADDRESSES).items() if name != "pid"}
    except OSError:
        return {}


def installation_secrets(*, var_dir: Path) -> dict[str, str]:
    """The passwords and the SECRET_KEY of `var_dir`, made the first time and kept in a private file."""
    var_dir.mkdir(parents=True, exist_ok=True)
    path = var_dir / "secrets.json"
    with (var_dir / ".secrets.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            made = {name: secrets.token_urlsafe(32) for name in ("POSTGRES_PASSWORD", "VALKEY_PASSWORD")}
            write_private(
                path=path,
                text=json.dumps({**made, "SECRET_KEY": secrets.token_urlsafe(50)}),
            )
        return _read(path)


def publish(*, var_dir: Path, environment: dict[str, str]) -> None:
    """Tell the other commands of this folder where the servers listen, and what else the run was told."""
    write_private(
        path=var_dir / "run" / ADDRESSES,
        text=json.dumps({**environment, "pid": str(os.getpid())}),
    )


def withdraw(*, var_dir: Path) -> None:
    """The servers are about to stop."""
    (var_dir / "run" / ADDRESSES).unlink(missing_ok=True)


@contextmanager
def ownership(*, var_dir: Path, patience: float) -> Iterator[None]:
    """The right to run the servers of `var_dir`, until the end or our death; raises AlreadyRunning."""
    with open_lock(var_dir=var_dir, name=OWNER_LOCK) as lock:
        deadline = time.monotonic() + patience
        # Others look at the lock by taking it for an instant: one refusal proves nothing.
        while not take(lock=lock, how=fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise AlreadyRunning(f"The servers of {var_dir} are already running{_owner(var_dir=var_dir)}.")
            time.sleep(0.05)
        yield


def take(*, lock: IO[bytes], how: int) -> bool:
    """Take the lock if it can be had at once."""
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def open_lock(*, var_dir: Path, name: str) -> IO[bytes]:
    """A lock file of `var_dir`, open; closing it gives the lock back."""
    run = var_dir / "run"
    run.mkdir(parents=True, exist_ok=True)
    return (run / name).open("ab")


def _owner(*, var_dir: Path) -> str:
    with suppress(OSError, KeyError):
        return f" (process {_read(var_dir / 'run' / ADDRESSES)['pid']})"
    return ""


def _read(path: Path) -> dict[str, str]:
    content: dict[str, str] = json.loads(path.read_text())
    return content
