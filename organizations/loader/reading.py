"""Reading an import file: its encoding, separator and header, then its records with the line each starts on."""

from __future__ import annotations

import csv
import io
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from django.utils.translation import gettext as _

from organizations.loader.shapes import Shape, Unfit

# A physical line, and a field, no honest file goes beyond: a quote never closed would swallow the rest.
LONGEST_LINE = 1_000_000
# Columns a refusal names: a header of a megabyte is not read back to whoever sent it.
NAMED = 10
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
        lines = self.lines()
        number = 1
        for text in lines:
            number += 1
            begun = number
            cells, number = self.cells(text, lines, number)
            if cells := self.fitted(cells, line=begun, flaws=flaws):
                yield Record(begun, cells)

    def lines(self) -> Iterator[str]:
        """The physical lines after the header, their ends included, and the memory of one block."""
        lines = chain.from_iterable(self._blocks())
        self.cells(next(lines, ""), lines, 1)
        return lines

    def cells(self, text: str, lines: Iterator[str], number: int) -> tuple[list[str], int]:
        """The cells of the record that starts with this physical line, and the number of its last line."""
        reader = csv.reader(chain((text,), lines), delimiter=self.separator)
        try:
            cells = next(reader, [])
        except csv.Error as error:
            raise Unusable(
                _("Line %(line)d: this is not CSV (%(error)s). Is a quote left open?")
                % {"line": number, "error": error}
            ) from None
        return cells, number + max(reader.line_num - 1, 0)

    def fitted(self, cells: list[str], *, line: int, flaws: list[Flaw]) -> list[str]:
        """As many cells as the header has and an empty one; none for a blank record."""
        width = len(self.header)
        if len(cells) == width:
            cells.append("")
            return cells
        if not any(cells):
            return []
        flaws.append(Flaw(line, "", str(len(cells)), "cells", str(width)))
        return [*cells[:width], *[""] * (width + 1 - min(len(cells), width))]

    def _blocks(self) -> Iterator[list[str]]:
        """Whole lines, about a megabyte at a time, decoded."""
        number, rest = 1, b""
        with self.path.open("rb") as stream:
            if stream.read(len(BOM_UTF8)) != BOM_UTF8:
                stream.seek(0)
            while block := stream.read(BLOCK):
                whole, newline, rest = (rest + block).rpartition(b"\n")
                if not newline and len(rest) >= LONGEST_LINE:
                    raise Unusable(_("Line %(line)d is too long: this is not CSV.") % {"line": number})
                lines = _decoded(whole + newline, number=number)
                number += len(lines)
                yield lines
                if self.progress is not None:
                    self.progress(stream.tell(), self.size)
            yield _decoded(rest, number=number)

    def _header(self) -> tuple[list[str], str]:
        first = next(chain.from_iterable(self._blocks()), "")
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
        times = Counter(header)
        if strange := [name[:60] or _("(no name)") for name in times if name not in known]:
            names = ", ".join(strange[:NAMED]) + (", …" if len(strange) > NAMED else "")
            raise Unusable(_("Unknown column: %(names)s.") % {"names": names})
        if twice := sorted(name for name, count in times.items() if count > 1):
            raise Unusable(_("Column given twice: %(names)s.") % {"names": ", ".join(twice)})


def _decoded(block: bytes, *, number: int) -> list[str]:
    """The lines of a block whose first is `number`."""
    try:
        text = block.decode()
    except UnicodeDecodeError as error:
        raise Unusable(
            _("Line %(line)d is not in UTF-8. Save the file again as CSV in UTF-8 (this may be Latin-1).")
            % {"line": number + block.count(b"\n", 0, error.start)}
        ) from None
    # Only a line feed ends a line here: str.splitlines knows ten other ends.
    return io.StringIO(text, newline="\n").readlines()


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
