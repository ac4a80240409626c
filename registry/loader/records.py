"""A member of the ZIP as records: its encoding, its header, where each record begins, a batch at a time.

Records are counted, not lines: a company's purpose holds line breaks and goes beyond Python's limit for a field.
"""

from __future__ import annotations

import csv
import zipfile
import zlib
from codecs import BOM_UTF8
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, chain, islice
from typing import NamedTuple

from registry.loader.archive import Archive, File
from registry.loader.flaws import Unusable

# Records judged together. Fewer, and Python's own steps weigh more; more, and memory grows.
BATCH = 500
# Of the longest field: two megabytes have been seen. A quote never closed goes beyond.
LONGEST_FIELD = 1 << 22
BLOCK = 1 << 17
QUOTE, SEPARATOR, BREAK = '"', ",", "\n"


class Batch(NamedTuple):
    """Records that follow each other, the line where the first begins, and the one where the next batch will."""

    rows: list[list[str]]
    first: int
    end: int

    @property
    def lines(self) -> Sequence[int]:
        """The line where each record begins."""
        if self.end - self.first == len(self.rows):
            return range(self.first, self.end)
        return list(accumulate(map(_height, self.rows[:-1]), initial=self.first))

    @property
    def halves(self) -> tuple[Batch, Batch]:
        half = len(self.rows) // 2
        middle = self.lines[half]
        return Batch(self.rows[:half], self.first, middle), Batch(self.rows[half:], middle, self.end)


class Member:
    """One file of the ZIP, being read; Unusable when its bytes, its text or its quotes make no sense."""

    def __init__(self, *, archive: Archive, file: File) -> None:
        self.archive = archive.archive
        self.info = archive.members[file]
        self.name = self.info.filename
        self.position = 0  # bytes read, unpacked
        self.line = 0  # the last one read
        self.texts = self._texts()
        self.lines = chain.from_iterable(map(_split, self.texts))
        self.begun = ""  # the line a record with quotes begins with
        self.reader = csv.reader(self._quoted_lines())
        self.header: list[str] = []

    def read_header(self) -> None:
        """What its columns are called."""
        with self._making_sense():
            self.header = next(iter(self._rows(1)), [])
        if not any(self.header):
            raise Unusable("empty_member", name=self.name)

    def places(self, columns: Sequence[str]) -> list[int]:
        """Where each of those columns is; Unusable when one is missing. Others may be there: they are not read."""
        places = {name.strip().upper(): place for place, name in reversed(list(enumerate(self.header)))}
        if missing := [column for column in columns if column not in places]:
            raise Unusable("missing_columns", name=self.name, columns=", ".join(missing))
        return [places[column] for column in columns]

    def batches(self) -> Iterator[Batch]:
        """Every record, blank lines included."""
        while True:
            before = self.line
            with self._making_sense():
                rows = self._rows(BATCH)
            if not rows:
                return
            yield Batch(rows, before + 1, self.line + 1)

    def _rows(self, count: int) -> list[list[str]]:
        """The next records. Most hold no quote: they are cut at commas, three times as fast as the csv module does."""
        rows: list[list[str]] = []
        try:
            for text in islice(self.lines, count):
                rows.append(self._quoted(text) if QUOTE in text else text.split(SEPARATOR))  # noqa: PERF401 - those before a failure are counted
        finally:
            self.line += len(rows)
        return rows

    def _quoted(self, text: str) -> list[str]:
        """The record that begins with this line."""
        self.begun, before = text, self.line
        try:
            return next(self.reader)
        except csv.Error:
            # It is the line where it begins that is told.
            self.line = before
            raise

    def _quoted_lines(self) -> Iterator[str]:
        """What the csv module reads: the line begun, then as many more as its quotes ask for."""
        while True:
            if self.begun:
                text, self.begun = self.begun, ""
            else:
                more = next(self.lines, None)
                if more is None:
                    raise csv.Error("a quote is left open")
                text = more
                self.line += 1
            yield text + BREAK

    def _texts(self) -> Generator[str]:
        """Whole lines, decoded, a block at a time, without their last line break."""
        with self.archive.open(self.info) as stream:
            rest = stream.read(BLOCK)
            self.position = len(rest)
            rest = rest.removeprefix(BOM_UTF8)
            while block := stream.read(BLOCK):
                self.position += len(block)
                whole, found, rest = (rest + block).rpartition(b"\n")
                if found:
                    yield _decoded(whole)
                elif len(rest) > LONGEST_FIELD:
                    raise csv.Error("a line is longer than any field may be")
        if rest:
            yield _decoded(rest.removesuffix(b"\n"))

    @contextmanager
    def _making_sense(self) -> Iterator[None]:
        limit = csv.field_size_limit(LONGEST_FIELD)
        try:
            yield
        except UnicodeDecodeError as error:
            raise Unusable("not_utf8", name=self.name, line=self._undecodable_line()) from error
        except csv.Error as error:
            raise Unusable("not_csv", name=self.name, line=self.line + 1, error=str(error)) from error
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise Unusable("truncated", name=self.name, error=str(error)) from error
        except (NotImplementedError, RuntimeError) as error:
            # A method of compression unknown to Python; a password.
            raise Unusable("locked", name=self.name, error=str(error)) from error
        finally:
            csv.field_size_limit(limit)

    def _undecodable_line(self) -> int:
        """The line that is not UTF-8, found by reading the file once more."""
        with self.archive.open(self.info) as stream:
            for number, line in enumerate(stream, 1):
                try:
                    line.decode()
                except UnicodeDecodeError:
                    return number
        return 0


@contextmanager
def open_member(*, archive: Archive, file: File) -> Iterator[Member]:
    """The file of that kind, its header read, closed at the end."""
    member = Member(archive=archive, file=file)
    try:
        member.read_header()
        yield member
    finally:
        member.texts.close()


def _decoded(lines: bytes) -> str:
    text = lines.decode()
    if "\r" in text:
        text = f"{text}{BREAK}".replace("\r\n", BREAK).replace("\r", " ")[:-1]
    return text


def _split(text: str) -> list[str]:
    return text.split(BREAK)


def _height(row: list[str]) -> int:
    """Lines of a record: a break inside its cells begins another."""
    return 1 + sum(cell.count(BREAK) for cell in row)
