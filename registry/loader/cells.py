"""What the cells of one column may hold, and how each is written for COPY. Every distinct cell is judged once.

A cell that is not stated, empty or a dash, is empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date

from registry.loader.flaws import Unfit

NOT_STATED = ("", "-")
ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# The registrar's day, with a midnight some exports add.
DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?)?", re.ASCII)
YEAR = re.compile(r"[12]\d{3}", re.ASCII)
# More distinct cells than a column of dates or codes ever has: it is not what we think, and memory has an end.
ROOM = 200_000


class Cells(dict[str, str]):
    """`cells[cell]` is the cell as COPY reads it; Unfit when it cannot be."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(NOT_STATED, ""))

    def __missing__(self, cell: str) -> str:
        kept = self.judged(cell)
        if len(self) < ROOM:
            self[cell] = kept
        return kept

    def judged(self, cell: str) -> str:
        """The cell as it is kept; Unfit when it is none."""
        return cell


class Days(Cells):
    """A date of the calendar."""

    def judged(self, cell: str) -> str:
        match = DAY.fullmatch(cell)
        if match is None:
            raise Unfit("not_a_date", value=cell)
        try:
            date.fromisoformat(match[1])
        except ValueError:
            raise Unfit("no_such_day", value=cell) from None
        return match[1]


class Years(Cells):
    """A year of four figures."""

    def judged(self, cell: str) -> str:
        if not YEAR.fullmatch(cell):
            raise Unfit("not_a_year", value=cell)
        return cell


class Codes(Cells):
    """One of a few codes, never left out."""

    def __init__(self, *, among: Iterable[str]) -> None:
        super().__init__()
        self.clear()
        self.known = ", ".join(among)
        self.update((code, code) for code in among)

    def judged(self, cell: str) -> str:
        raise Unfit("unknown_code", value=cell, known=self.known)


class Flags(Cells):
    """`O` (oui) is true, anything else is false."""

    def __init__(self) -> None:
        super().__init__()
        self.update(dict.fromkeys(NOT_STATED, "f"))
        self["O"] = "t"

    def judged(self, cell: str) -> str:
        return "f"


def judged(columns: Iterable[Sequence[str]], *, shapes: Iterable[Cells], names: Iterable[str]) -> list[list[str]]:
    """Each column as its shape keeps it; Unfit names the column."""
    kept = []
    for column, shape, name in zip(columns, shapes, names, strict=True):
        try:
            kept.append(list(map(shape.__getitem__, column)))
        except Unfit as unfit:
            unfit.column = name
            raise
    return kept
