"""One child process: started, watched, stopped, and never left behind."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from portal.embedded.launch import SELF

LAUNCH = Path(__file__).with_name("launch.py")
# Every child carries this variable; what is left of a killed one is found by it.
MARK = "COMPTOIR_CHILD"
# Below the ports the kernel lends to outgoing connections: still free when a server comes back.
PORTS = range(15_000, 32_000)
LARGEST_LOG = 10_000_000


class ServiceFailed(Exception):
    """A service cannot run; the text says why and what to do."""


class Service(Protocol):
    """What a supervisor needs to know of a service."""

    name: str

    def start(self) -> None: ...
    def is_running(self) -> bool: ...
    def stop(self) -> None: ...


def launch_command(*, command: list[str], identity: str = SELF, death: int = signal.SIGTERM) -> list[str]:
    """The command that runs `command` as `identity`, and sends it `death` when this process dies."""
    return [
        sys.executable,
        "-I",
        "-S",
        str(LAUNCH),
        str(os.getpid()),
        str(int(death)),
        identity,
        *command,
    ]


def free_port() -> int:
    """A port of 127.0.0.1 nobody listens on."""
    while True:
        port = PORTS.start + secrets.randbelow(len(PORTS))
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def write_private(*, path: Path, text: str) -> None:
    """Replace `path` in one step by a file only its owner can read."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@dataclass
class Process:
    """A command with its pid in `folder`/run, its output in `folder`/log, and its own process group."""

    name: str
    command: list[str]
    folder: Path
    environment: dict[str, str] | None = None
    identity: str = SELF
    stop_signal: int = signal.SIGTERM
    death_signal: int = signal.SIGTERM
    patience: float = 10.0  # seconds between the stop signal and SIGKILL
    child: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def pid_file(self) -> Path:
        return self.folder / "run" / f"{self.name}.pid"

    @property
    def log_file(self) -> Path:
        return self.folder / "log" / f"{self.name}.log"

    def start(self) -> None:
        """Start the command, after removing what a killed predecessor left running."""
        for file in (self.pid_file, self.log_file):
            file.parent.mkdir(parents=True, exist_ok=True)
        kill_leftovers(mark=self._mark)
        if self.log_file.exists() and self.log_file.stat().st_size > LARGEST_LOG:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        with self.log_file.open("ab") as log:
            self.child = subprocess.Popen(
                launch_command(
                    command=self.command,
                    identity=self.identity,
                    death=self.death_signal,
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={
                    **(os.environ if self.environment is None else self.environment),
                    MARK: self._mark,
                },
                # Ctrl-C reaches the supervisor alone, which stops its children in order.
                process_group=0,
            )
        write_private(path=self.pid_file, text=f"{self.child.pid}\n")

    @property
    def _mark(self) -> str:
        return f"{self.folder}:{self.name}"

    def is_running(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def stop(self) -> None:
        """Ask, wait, insist; nothing of the process group survives."""
        if self.child is None:
            return
        if self.child.poll() is None:
            self.child.send_signal(self.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(self.patience)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        self.pid_file.unlink(missing_ok=True)

    def last_words(self) -> str:
        """The end of the log, for a message that explains a failed start."""
        lines = self.log_file.read_text(errors="replace").splitlines()
        return "\n".join(lines[-8:])


def kill_leftovers(*, mark: str) -> None:
    """Kill processes that carry `mark`: children whose parent was killed before it could stop them."""
    needle = f"{MARK}={mark}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if needle in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)


def command_line(*, pid: int) -> str:
    """The command line of a living process, else an empty text."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return ""
    answer = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip()


def wait_until(*, ready: Callable[[], bool], patience: float, pause: float = 0.02) -> bool:
    """Call `ready` until it says yes or `patience` seconds have passed."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if ready():
            return True
        time.sleep(pause)
    return False
