"""The two servers together: those an address in the environment does not replace."""

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from portal.embedded import register
from portal.embedded.postgres import Postgres
from portal.embedded.processes import free_port
from portal.embedded.valkey import Valkey

# A command that finds no server looks for another command that is starting them, this often and this long.
LONGEST_START = 60
PAUSE = 0.1
NO_SERVERS = frozenset(
    {
        *("check", "collectstatic", "compilemessages", "diffsettings", "findstatic", "help", "makemessages"),
        *("makemigrations", "version"),
    }
)


class Servers:
    """PostgreSQL and Valkey of one folder, on ports chosen once."""

    def __init__(self, *, folder: Path, is_durable: bool) -> None:
        known = register.installation_secrets(var_dir=folder)
        self.services: dict[str, Postgres | Valkey] = {}
        if "DATABASE_URL" not in os.environ:
            self.services["DATABASE_URL"] = Postgres(
                folder=folder,
                port=free_port(),
                password=known["POSTGRES_PASSWORD"],
                is_durable=is_durable,
            )
        if "REDIS_URL" not in os.environ:
            self.services["REDIS_URL"] = Valkey(
                folder=folder,
                port=free_port(),
                password=known["VALKEY_PASSWORD"],
                is_durable=is_durable,
            )

    @property
    def urls(self) -> dict[str, str]:
        return {name: service.url for name, service in self.services.items()}

    def start(self) -> None:
        """Start each server and return when both answer; none is left when one fails."""
        try:
            for service in self.services.values():
                service.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop both, cleanly."""
        for service in reversed(self.services.values()):
            service.stop()


@contextmanager
def owned(*, var_dir: Path, patience: float = 10, told: dict[str, str] | None = None) -> Iterator[Servers]:
    """Servers of `var_dir` that are ours to run and restart; other commands read their addresses and `told`."""
    with register.ownership(var_dir=var_dir, patience=patience):
        servers = Servers(folder=var_dir, is_durable=True)
        servers.start()
        try:
            register.publish(var_dir=var_dir, environment={**(told or {}), **servers.urls})
            yield servers
        finally:
            register.withdraw(var_dir=var_dir)
            servers.stop()


@contextmanager
def throwaway() -> Iterator[dict[str, str]]:
    """Fast servers in a temporary folder, for tests and measurements; yields what to put in the environment."""
    with tempfile.TemporaryDirectory(prefix="comptoir-") as name:
        folder = Path(name)
        # PostgreSQL may have to run as another user than root.
        folder.chmod(0o711)
        servers = Servers(folder=folder, is_durable=False)
        servers.start()
        try:
            yield {
                "VAR_DIR": name,
                "SECRET_KEY": register.installation_secrets(var_dir=folder)["SECRET_KEY"],
                **servers.urls,
            }
        finally:
            servers.stop()


@contextmanager
def running(*, var_dir: Path) -> Iterator[dict[str, str]]:
    """The addresses of servers that last as long as the block: those already running, else our own."""
    if all(name in os.environ for name in register.URLS):
        yield {}
        return
    with ExitStack() as stack:
        users = stack.enter_context(register.open_lock(var_dir=var_dir, name=register.USERS_LOCK))
        fcntl.flock(users, fcntl.LOCK_SH)
        servers = _found_or_own(var_dir=var_dir, stack=stack)
        try:
            yield (register.addresses(var_dir=var_dir) if servers is None else servers.urls)
        finally:
            if servers is not None:
                # Another command may have found our servers in the meantime: let it finish.
                fcntl.flock(users, fcntl.LOCK_EX)


def _found_or_own(*, var_dir: Path, stack: ExitStack) -> Servers | None:
    deadline = time.monotonic() + LONGEST_START
    while not register.addresses(var_dir=var_dir):
        try:
            return stack.enter_context(owned(var_dir=var_dir, patience=PAUSE))
        except register.AlreadyRunning:
            if time.monotonic() > deadline:
                raise
    return None


_mine: list[Servers] = []


def mine() -> Servers:
    """The servers this process owns since before Django was loaded."""
    return _mine[0]


def settings_of_a_run() -> dict[str, str]:
    """What a whole run on one machine needs to know; a demo only on a database of our own."""
    port = os.environ.get("PORT", "8000")
    found = {"PORT": port, "SITE_URL": os.environ.get("SITE_URL", f"http://localhost:{port}")}
    if "DATABASE_URL" not in os.environ:
        found["DEMO"] = os.environ.get("DEMO", "1")
    return found


@contextmanager
def for_command(*, arguments: list[str]) -> Iterator[None]:
    """What `manage.py` puts around a command: a SECRET_KEY, and the servers if the command needs them."""
    var_dir = register.default_var_dir()
    # With servers of its own, an installation has its own SECRET_KEY too: the settings refuse to do without.
    if not all(name in os.environ for name in register.URLS):
        register.installation_secrets(var_dir=var_dir)
    with ExitStack() as stack:
        if arguments and arguments[0] not in NO_SERVERS and not {"-h", "--help"} & set(arguments):
            if arguments[0] == "start":
                found = settings_of_a_run()
                _mine.append(stack.enter_context(owned(var_dir=var_dir, told=found)))
                found.update(mine().urls)
            else:
                found = stack.enter_context(running(var_dir=var_dir))
            os.environ.update({name: value for name, value in found.items() if name not in os.environ})
        yield
