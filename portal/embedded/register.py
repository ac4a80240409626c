"""Who runs the servers of var/, and where they listen: one lock and one private file."""

import fcntl
import json
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def var_dir() -> Path:
    """The folder of everything this installation writes: VAR_DIR, else var/ beside manage.py."""
    return (ROOT / os.environ.get("VAR_DIR", "var")).resolve()


def environment() -> dict[str, str]:
    """DATABASE_URL and REDIS_URL of the servers now running under var/, else {}. Starts nothing."""
    run = var_dir() / "run"
    try:
        with (run / "owner.lock").open("rb") as lock:
            if _is_free(lock.fileno()):
                return {}
        published = json.loads((run / "servers.json").read_text())
    except (FileNotFoundError, PermissionError):
        return {}
    return {str(name): str(url) for name, url in published.items()}


def _is_free(descriptor: int) -> bool:
    # The owner holds the lock until it dies, however it dies; a pid could be somebody else's by now.
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
