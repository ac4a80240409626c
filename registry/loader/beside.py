"""A second process that fills one table on a connection of its own: a processor for the names, one for the rest.

Nothing here, nor in what it imports, is Django's: the process stays small. It speaks through a pipe.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from registry.loader.archive import open_archive
from registry.loader.copying import copy_member
from registry.loader.flaws import Flaw
from registry.loader.layouts import Names

PROGRESS, FLAW, DONE, FAILED = "progress", "flaw", "done", "failed"


class ProcessLost(Exception):
    """The process beside ours ended without a word."""


def _fill_names(*, path: Path, address: str, pipe: Connection) -> None:
    """What the process does: read the names, tell the flaws, answer how many it took."""
    # Ctrl-C is for whoever asked, who then ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with open_archive(path) as archive, psycopg.connect(address) as database:
            taken = copy_member(
                archive=archive,
                layout=Names(),
                database=database,
                on_flaw=lambda flaw: pipe.send((FLAW, flaw)),
                progress=lambda read: pipe.send((PROGRESS, read)),
            )
    except BrokenPipeError:
        # Whoever asked is gone: what was written is rolled back.
        return
    except Exception as error:  # noqa: BLE001 - it is raised again on the other side
        pipe.send((FAILED, error))
    else:
        pipe.send((DONE, taken))


class NamesBeside:
    """The names being filled meanwhile. Leaving it stops the process, whatever it was doing."""

    def __init__(
        self, *, path: Path, address: str, on_flaw: Callable[[Flaw], None], progress: Callable[[int], None]
    ) -> None:
        self.on_flaw, self.progress = on_flaw, progress
        # A fresh interpreter: a fork would share our connection.
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        arguments = {"path": path, "address": address, "pipe": theirs}
        self.process = context.Process(target=_fill_names, kwargs=arguments, daemon=True)
        self.process.start()
        theirs.close()
        self.answer: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        self.process.join()
        self.pipe.close()

    def listen(self) -> None:
        """Pass on what it said since, without waiting; its failure is raised here."""
        while self.answer is None and self.pipe.poll():
            self._hear()

    def result(self) -> int:
        """Wait for its end: how many records it took."""
        while self.answer is None:
            self._hear()
        return self.answer

    def _hear(self) -> None:
        try:
            kind, said = self.pipe.recv()
        except EOFError:
            raise ProcessLost from None
        hear: dict[str, Callable[[Any], None]] = {PROGRESS: self.progress, FLAW: self.on_flaw}
        if kind == FAILED:
            raise said
        if kind == DONE:
            self.answer = said
        else:
            hear[kind](said)
