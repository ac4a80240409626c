"""Reading an import file: its encoding, separator and header, then its records with the line each starts on."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import IO, NamedTuple

from django.utils.translation import gettext as _

from organizations.loader.shapes import Shape, Unfit

# A physical line, and a field, no honest file goes beyond: a quote never closed would swallow the rest.
LONGEST_LINE = 1_000_000
SEPARATORS = ",;"
BLOCK = 1 << 20

Progress = Callable[[int, int], None]


class Unusable(Exception):
    """The file as a whole cannot be read; `str()` says why, in the language of the command."""


class Column(NamedTuple):
    """A column of the header, what its cells may hold, and whether the file may go without it."""

    name: str
    shape: Shape
    is_optional: bool = False


class Flaw(NamedTuple):
    """One reason to reject: where, what, why."""

    line: int
    column: str
    value: str
    code: str
    known: str = ""


class Record(NamedTuple):
    """The cells of a record as written, with an empty one for what the file lacks, and its first line."""

    line: int
    cells: list[str]


class Source:
    """One file, its header read and its columns found."""

    def __init__(self, path: Path, columns: Sequence[Column], progress: Progress | None = None) -> None:
        self.path = path
        self.columns = columns
        self.progress = progress
        self.size = path.stat().st_size
        self.header, self.separator = self._header()
        places = {name: place for place, name in enumerate(self.header)}
        # A column the file lacks reads the empty cell appended to each record.
        self.places = [places.get(column.name, len(self.header)) for column in columns]

    def pick(self, columns: Sequence[Column]) -> itemgetter:
        """Picks the cells of those columns, in their order, from a record."""
        own = [column.name for column in self.columns]
        return itemgetter(*(self.places[own.index(column.name)] for column in columns))

    def records(self, *, flaws: list[Flaw]) -> Iterator[Record]:
        """Every record but the blank ones; one of another length comes padded, with a flaw added to `flaws`.

        Unusable when the bytes or the quotes make no sense.
        """
        width = len(self.header)
        with self._open() as stream:
            reader = csv.reader(self._lines(stream), delimiter=self.separator)
            begun = 0
            try:
                next(reader)
                begun = reader.line_num
                for cells in reader:
                    if len(cells) == width:
                        cells.append("")
                        yield Record(begun + 1, cells)
                    elif any(cells):
                        flaws.append(Flaw(begun + 1, "", str(len(cells)), "cells", str(width)))
                        yield Record(begun + 1, [*cells[:width], *[""] * (width + 1 - len(cells[:width]))])
                    begun = reader.line_num
            except UnicodeDecodeError:
                raise self._not_utf8() from None
            except csv.Error as error:
                raise Unusable(
                    _("Line %(line)d: this is not CSV (%(error)s). Is a quote left open?")
                    % {"line": begun + 1, "error": error}
                ) from None

    def _open(self) -> IO[str]:
        return self.path.open(encoding="utf-8-sig", newline="")

    def _lines(self, stream: IO[str]) -> Iterator[str]:
        buffer = stream.buffer  # type: ignore[attr-defined] # a text file opened by name has one
        told = 0
        number = 0
        while line := stream.readline(LONGEST_LINE):
            number += 1
            if len(line) == LONGEST_LINE and not line.endswith("\n"):
                raise Unusable(_("Line %(line)d is too long: this is not CSV.") % {"line": number})
            if self.progress is not None and not number % 2000 and (at := buffer.tell()) - told > BLOCK:
                told = at
                self.progress(at, self.size)
            yield line

    def _header(self) -> tuple[list[str], str]:
        try:
            with self._open() as stream:
                first = stream.readline(LONGEST_LINE)
        except UnicodeDecodeError:
            raise self._not_utf8() from None
        if not first.strip():
            raise Unusable(_("The file is empty, or begins with an empty line: a header is required."))
        separator = max(SEPARATORS, key=first.count)
        try:
            header = [cell.strip().lower() for cell in next(csv.reader([first], delimiter=separator))]
        except csv.Error as error:
            raise Unusable(_("Line 1: this is not CSV (%(error)s).") % {"error": error}) from None
        self._refuse_other_columns(header)
        return header, separator

    def _refuse_other_columns(self, header: list[str]) -> None:
        known = {column.name for column in self.columns}
        needed = [column.name for column in self.columns if not column.is_optional]
        if missing := [name for name in needed if name not in header]:
            raise Unusable(_("Missing column: %(names)s.") % {"names": ", ".join(missing)})
        if strange := [name[:60] for name in header if name not in known]:
            raise Unusable(
                _("Unknown column: %(names)s.") % {"names": ", ".join(name or _("(no name)") for name in strange)}
            )
        if len(set(header)) < len(header):
            twice = sorted({name for name in header if header.count(name) > 1})
            raise Unusable(_("Column given twice: %(names)s.") % {"names": ", ".join(twice)})

    def _not_utf8(self) -> Unusable:
        """The first line whose bytes are not UTF-8, found by reading again: it happens once."""
        number = 0
        with self.path.open("rb") as stream:
            while line := stream.readline(LONGEST_LINE * 4):
                number += 1
                try:
                    line.decode()
                except UnicodeDecodeError:
                    break
        return Unusable(
            _("Line %(line)d is not in UTF-8. Save the file again as CSV in UTF-8 (this may be Latin-1).")
            % {"line": number}
        )


def kept(cells: Sequence[str], *, columns: Sequence[Column], line: int, flaws: list[Flaw]) -> list[str] | None:
    """The cells as they are kept; None, with every reason added to `flaws`, when one of them cannot be."""
    try:
        return [column.shape[cell] for column, cell in zip(columns, cells, strict=True)]
    except Unfit:
        pass
    for column, cell in zip(columns, cells, strict=True):
        try:
            column.shape[cell]
        except Unfit as unfit:
            flaws.append(Flaw(line, column.name, cell, unfit.code, unfit.known))
    return None
