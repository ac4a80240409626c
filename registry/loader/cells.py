"""What the cells of one column may hold, and how each is written for COPY. Every distinct cell is judged once.

Cells are bytes of UTF-8, as in the file: millions of them are never decoded. One that is not stated, empty or a dash,
is empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date

from registry.loader.flaws import Unfit

NOT_STATED = (b"", b"-")
# The registrar's day, with a midnight some exports add.
DAY = re.compile(rb"(\d{4}-\d{2}-\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?)?")
# More distinct cells than a column of dates or codes ever has: it is not what we think, and memory has an end.
ROOM = 200_000


class Cells(dict[bytes, bytes]):
    """`cells[cell]` is the cell as COPY reads it; Unfit when it cannot be. Those in `kept` are right as they are."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(NOT_STATED, b""))
        self.kept = {b""}

    def __missing__(self, cell: bytes) -> bytes:
        written = self.judged(cell)
        if len(self) < ROOM:
            self[cell] = written
            if written == cell:
                self.kept.add(cell)
        return written

    def judged(self, cell: bytes) -> bytes:
        """The cell as it is written; Unfit when it cannot be."""
        return cell


class Days(Cells):
    """A date of the calendar."""

    def judged(self, cell: bytes) -> bytes:
        match = DAY.fullmatch(cell)
        if match is None:
            raise Unfit("not_a_date", value=cell)
        try:
            date.fromisoformat(match[1].decode())
        except ValueError:
            raise Unfit("no_such_day", value=cell) from None
        return match[1]


class Codes(Cells):
    """One of a few codes, never left out."""

    def __init__(self, *, among: Iterable[str]) -> None:
        super().__init__()
        self.clear()
        self.known = ", ".join(among)
        self.kept = {code.encode() for code in among}

    def judged(self, cell: bytes) -> bytes:
        if cell not in self.kept:
            raise Unfit("unknown_code", value=cell, known=self.known)
        return cell


class Flags(Cells):
    """`O` (oui) is true, anything else is false."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = set()
        self.update({b"O": b"t", **dict.fromkeys(NOT_STATED, b"f")})

    def judged(self, cell: bytes) -> bytes:
        return b"f"


def judged(
    columns: Iterable[Sequence[bytes]], *, shapes: Iterable[Cells], names: Iterable[str]
) -> list[Sequence[bytes]]:
    """Each column as its shape keeps it; Unfit names the column."""
    written: list[Sequence[bytes]] = []
    for column, shape, name in zip(columns, shapes, names, strict=True):
        if shape.kept.issuperset(column):
            written.append(column)
            continue
        try:
            written.append(list(map(shape.__getitem__, column)))
        except Unfit as unfit:
            unfit.column = name
            raise
    return written
