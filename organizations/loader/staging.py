"""The way of every import: stage the file, judge it as sets, write whole records in batches, report the rejects."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from django.db import connection, transaction
from psycopg import sql

from organizations.loader.reading import Column, Flaw, Progress, Source, kept
from organizations.loader.reasons import sentence
from organizations.models import Merchant

if TYPE_CHECKING:
    from accounts.models import User

# Records of one transaction: what a crash can cost, and what one commit can carry.
BATCH = 10_000
# Rows written to the database at a time while the file is read.
PIECE = 2000
REJECT_COLUMNS = ("line", "column", "value", "code", "reason")
LONGEST_VALUE = 300
REJECTS = """
CREATE UNLOGGED TABLE import_reject (
    record integer NOT NULL, line integer NOT NULL, "column" text NOT NULL, value text NOT NULL,
    code text NOT NULL, known text NOT NULL DEFAULT ''
)
"""


@dataclass
class Counts:
    """Records, not lines: a document of twelve lines counts once."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0

    def __str__(self) -> str:
        return f"created={self.created} updated={self.updated} unchanged={self.unchanged} rejected={self.rejected}"


class Told(Protocol):
    """Whoever hears why something was rejected."""

    def add(self, flaw: Flaw) -> None: ...


class Rejects:
    """Writes each reason once, to the file asked for or to the first lines of the terminal."""

    def __init__(self, *, path: Path | None, terminal: TextIO, shown: int = 20) -> None:
        self.terminal = terminal
        self.shown = shown
        self.count = 0
        self.stream = path.open("w", encoding="utf-8", newline="") if path else None
        self.writer = csv.writer(self.stream, lineterminator="\n") if self.stream else None
        if self.writer is not None:
            self.writer.writerow(REJECT_COLUMNS)

    def add(self, flaw: Flaw) -> None:
        self.count += 1
        value = flaw.value[:LONGEST_VALUE]
        reason = sentence(code=flaw.code, known=flaw.known)
        if self.writer is not None:
            self.writer.writerow((flaw.line, flaw.column, value, flaw.code, reason))
        elif self.count <= self.shown:
            self.terminal.write(f"{flaw.line}: {flaw.column}: {value!r}: {reason}\n")
        elif self.count == self.shown + 1:
            self.terminal.write("…\n")

    def close(self) -> None:
        if self.stream is not None:
            self.stream.close()


@dataclass
class Import:
    """What one run was asked, and what it says while it works."""

    path: Path
    merchant: Merchant
    rejects: Told
    is_dry_run: bool = False
    progress: Progress | None = None
    counts: Counts = field(default_factory=Counts)
    by: User | None = None  # who confirmed it on a page; a command is nobody's


def execute(query: str, **params: Any) -> int:
    """Run one statement; the number of rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(query, params or None)
        return int(cursor.rowcount)


def value_of(query: str, **params: Any) -> Any:
    """The first column of the first row."""
    with connection.cursor() as cursor:
        cursor.execute(query, params or None)
        row = cursor.fetchone()
    return row[0] if row else None


def rows_of(query: str, **params: Any) -> Iterator[tuple[Any, ...]]:
    """Rows of a result that may be long, a piece at a time: psycopg alone would hold them all."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DECLARE import_rows NO SCROLL CURSOR FOR {query}", params or None)
        while True:
            cursor.execute(f"FETCH {PIECE} FROM import_rows")
            rows = cursor.fetchall()
            if not rows:
                break
            yield from rows
        cursor.execute("CLOSE import_rows")


def copy_rows(*, table: str, columns: Sequence[str], texts: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Send rows to the database as they come. An empty cell is NULL, except in `texts`, where it is empty."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    never_null = sql.SQL(", ").join(map(sql.Identifier, texts))
    query = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, FORCE_NOT_NULL ({}))").format(
        sql.Identifier(table), names, never_null
    )
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(query) as copy:
        for piece in batched(rows, PIECE):
            writer.writerows(piece)
            copy.write(buffer.getvalue().encode())
            buffer.seek(0)
            buffer.truncate()


def copy_text(*, table: str, columns: Sequence[str], rows: Iterable[str]) -> None:
    """Send rows that are already lines of COPY's text format: cells apart by tabs, backslashes doubled."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(query) as copy:
        for piece in batched(rows, PIECE):
            copy.write("".join(piece).encode())


def lock_key(*, kind: str) -> int:
    """The first half of the advisory lock; the merchant is the other."""
    return zlib.crc32(f"comptoir import {kind}".encode()) - (1 << 31)


def fit_records(*, run: Import, source: Source, columns: Sequence[Column]) -> Iterator[tuple[int, int, list[str]]]:
    """Each record without a flaw: its number, its line, its cells as they are kept. The others are rejected."""
    pick = source.pick(columns)
    flaws: list[Flaw] = []
    for record, (line, cells) in enumerate(source.records(flaws=flaws), 1):
        row = None if flaws else kept(pick(cells), columns=columns, line=line, flaws=flaws)
        if row is not None:
            yield record, line, row
            continue
        for flaw in flaws:
            run.rejects.add(flaw)
        flaws.clear()
        run.counts.rejected += 1


@contextmanager
def staged(*, kind: str, merchant: Merchant, tables: dict[str, str]) -> Iterator[None]:
    """Alone for this merchant and kind of file, with empty staging tables in a schema of its own, gone at the end.

    A second connection writes half of them: they cannot be temporary. What a killed import left is dropped first.
    """
    key = lock_key(kind=kind)
    schema = f"import_{kind}_{merchant.pk}"
    execute("SELECT pg_advisory_lock(%(key)s::integer, %(merchant)s::integer)", key=key, merchant=merchant.pk)
    try:
        execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        execute(f"CREATE SCHEMA {schema}")
        execute(
            "SELECT set_config('search_path', %(schema)s || ', ' || current_setting('search_path'), false)",
            schema=schema,
        )
        execute("SET work_mem = '64MB'")
        for definition in (REJECTS, *tables.values()):
            if definition:
                execute(definition)
        yield
    finally:
        # After a lost connection the server has already forgotten the lock, and the next import drops the tables.
        if connection.is_usable() and not connection.needs_rollback:
            execute("RESET search_path; RESET work_mem")
            execute(f"DROP SCHEMA {schema} CASCADE")
            execute("SELECT pg_advisory_unlock(%(key)s::integer, %(merchant)s::integer)", key=key, merchant=merchant.pk)


class Windows:
    """The records still to write, a batch at a time for whichever connection asks first."""

    def __init__(self, *, run: Import, first: int, last: int) -> None:
        self.run = run
        self.next, self.last = first, last
        # Two connections share even a small file, but not a few records.
        self.size = min(BATCH, max(-(-(last - first + 1) // 2), PIECE))
        self.lock = Lock()
        self.path = value_of("SELECT current_setting('search_path')")

    def __iter__(self) -> Iterator[dict[str, int]]:
        while True:
            with self.lock:
                if self.next > self.last:
                    return
                window = {"first": self.next, "last": min(self.next + self.size - 1, self.last)}
                self.next = window["last"] + 1
            yield window
            if self.run.progress is not None:
                self.run.progress(window["last"], self.last)

    @property
    def is_long(self) -> bool:
        return self.last - self.next >= self.size

    def stop(self) -> None:
        """After a failure nobody begins another batch."""
        with self.lock:
            self.next = self.last + 1


def write_batches(
    *, run: Import, last: int, write: Callable[..., None], first: int = 1, is_ordered: bool = False
) -> None:
    """Call `write(first=…, last=…)` for windows over the records, each one a transaction, on two connections.

    Where the order counts, and inside a transaction, which no other connection sees into, one does it all.
    """
    windows = Windows(run=run, first=first, last=last)
    if is_ordered or connection.in_atomic_block or not windows.is_long:
        _write(windows=windows, write=write)
        return
    with ThreadPoolExecutor(max_workers=1) as beside:
        other = beside.submit(_write_beside, windows=windows, write=write)
        _write(windows=windows, write=write)
        other.result()


def _write(*, windows: Windows, write: Callable[..., None]) -> None:
    """Triggers keep the plan of their first batch, made before the tables hold much: without the setting it would
    read them whole for every batch.
    """
    try:
        for window in windows:
            with transaction.atomic():
                execute("SET LOCAL enable_seqscan = off")
                write(**window)
    except BaseException:
        windows.stop()
        raise


def _write_beside(*, windows: Windows, write: Callable[..., None]) -> None:
    """The same in a thread, whose connection is its own."""
    try:
        execute("SELECT set_config('search_path', %(path)s, false)", path=windows.path)
        execute("SET work_mem = '64MB'")
        _write(windows=windows, write=write)
    except BaseException:
        windows.stop()
        raise
    finally:
        connection.close()


def reject_where(
    *, table: str, column: str, value: str, code: str, where: str, known: str = "''", **params: Any
) -> None:
    """Add a reject for each staged record of `table` the condition holds for. Names and conditions are our own text."""
    execute(
        f'INSERT INTO import_reject (record, line, "column", value, code, known) '
        f"SELECT r.record, r.line, '{column}', ({value})::text, '{code}', ({known})::text FROM {table} r WHERE {where}",
        **params,
    )


def report_rejects(*, run: Import) -> None:
    """Write what the sets refused to the rejects file and count the records."""
    query = 'SELECT line, "column", value, code, known FROM import_reject ORDER BY line, "column", code'
    for row in rows_of(query):
        run.rejects.add(Flaw(*row))
    run.counts.rejected += int(value_of("SELECT count(DISTINCT record) FROM import_reject"))
