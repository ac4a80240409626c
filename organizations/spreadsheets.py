"""The team as a CSV file: how it is written, and how one of the same columns is read back. Nobody is asked here."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import chain, islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NamedTuple, cast

from django.utils import translation
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.echo import Echo
from accounts.formats import iso_date
from accounts.models import Language
from accounts.spelling import plain, plain_amount
from organizations.loader import shapes
from organizations.loader.reading import Column, Flaw, Source, Unusable, kept
from organizations.loader.shapes import Shape, Unfit
from organizations.models import Customer, Membership
from organizations.permissions import Permission, Role
from organizations.team import Filters, described, people_of

AT_ONCE = 500  # lines of a file
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
# A cell that starts so is computed by the spreadsheet: somebody else's text must never be.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
SEVERAL = re.compile(r"[,;|\n]")
YES, NO = ("1", "x", "yes", "oui", "true", "vrai"), ("", "0", "no", "non", "false", "faux")
# What the file of everybody says besides, and nobody can change by sending it back.
READ_ONLY = ("state", "last_sign_in")


class Entry(NamedTuple):
    """A line of a file: its cells as they are understood, and as they are written; with flaws, the latter twice."""

    line: int
    cells: dict[str, str]
    written: dict[str, str]
    flaws: list[Flaw]

    @property
    def name(self) -> str:
        return f"{self.cells['first_name']} {self.cells['last_name']}".strip()

    @property
    def permissions(self) -> frozenset[Permission]:
        return frozenset(map(Permission, filter(None, self.cells["permissions"].split(","))))

    @property
    def branches(self) -> list[str]:
        """Codes or names, as written."""
        return _several(self.cells["branches"])

    @property
    def ceiling(self) -> Decimal | None:
        """No limit is empty: zero allows nothing."""
        return Decimal(self.cells["ceiling"]) if self.cells["ceiling"] else None

    def day(self, column: str) -> date | None:
        return date.fromisoformat(self.cells[column]) if self.cells[column] else None


def read(*, content: bytes) -> list[Entry]:
    """The lines of a file, each with what is wrong in its cells; raises Unusable when it is no such file at all.

    One line more than a file may have tells that it is too long: none is read after it.
    """
    with NamedTemporaryFile() as file:  # the reader of every import reads a file; this one ends with the request
        file.write(content)
        file.flush()
        source = Source(Path(file.name), COLUMNS)
        flaws: list[Flaw] = []
        entries = []
        for line, cells in islice(source.records(flaws=flaws), AT_ONCE + 1):
            if any("\n" in cell.strip() for cell in cells):
                # The lines after an open quote are in that cell: none of them may be lost unsaid.
                words = {"line": line, "error": _("a cell holds a line break")}
                raise Unusable(_("Line %(line)d: this is not CSV (%(error)s). Is a quote left open?") % words)
            raw = [_unquoted(cell) for cell in source.pick(COLUMNS)(cells)]
            understood = None if flaws else kept(raw, columns=COLUMNS, line=line, flaws=flaws)
            as_understood = dict(zip(NAMES, understood or raw, strict=True))
            entries.append(Entry(line, as_understood, dict(zip(NAMES, raw, strict=True)), flaws[:]))
            flaws.clear()
        return entries


def template() -> str:
    """An empty file of the columns that are read, for somebody to fill in."""
    return BOM + _line()([name for name in NAMES if name not in READ_ONLY])


def written(*, customer: Customer, filters: Filters) -> Iterator[str]:
    """Lines of CSV by name; rows are read as they leave. Permissions in the reader's words, all else as codes."""
    rows = people_of(customer=customer, filters=filters).prefetch_related("branches").iterator(chunk_size=2000)
    lines = chain([NAMES], (_cells(row, customer) for row in rows))
    return chain([BOM], map(_line(), lines))


def _line() -> Callable[[Sequence[str]], str]:
    """Makes a line of cells, parted as spreadsheets of the reader's language expect."""
    writer = csv.writer(Echo(), delimiter=";" if (get_language() or "fr-ca").startswith("fr") else ",")
    return cast(Callable[[Sequence[str]], str], writer.writerow)


def _cells(membership: Membership, customer: Customer) -> list[str]:
    person, line = membership.user, described(membership=membership, customer=customer)
    texts = [
        person.first_name if person else membership.first_name,
        person.last_name if person else membership.last_name,
        person.email if person else membership.email,
        membership.phone,
        membership.role,
        ", ".join(line.rights),
        iso_date(membership.starts_on),
        iso_date(membership.ends_on),
        "" if membership.ceiling is None else f"{membership.ceiling:.2f}",
        "1" if membership.requires_purchase_order else "0",
        ", ".join(sorted(branch.code for branch in membership.branches.all())),
        line.words,
        iso_date(line.last_login),
    ]
    return [f"'{text}" if text.startswith(FORMULAS) else text for text in texts]


def _unquoted(cell: str) -> str:
    """A cell without the apostrophe that kept it from being computed."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULAS) else cell


# --- what a cell may hold ---------------------------------------------------------------------


@cache
def _codes(choices: type[Role | Permission]) -> dict[str, str]:
    """Each code by itself and by its words in every language, as they are compared."""
    found = {}
    for choice in choices:
        found[plain(choice.value)] = choice.value
        for language in Language.values:
            with translation.override(language):
                found[plain(str(choice.label))] = choice.value
    return found


def _code(text: str, *, among: type[Role | Permission]) -> str:
    if not text:
        raise Unfit("empty")
    code = _codes(among).get(plain(text))
    if code is None:
        raise Unfit("unknown_code", known=", ".join(str(choice.label) for choice in among))
    return code


def _role(cell: str) -> str:
    return _code(cell.strip(), among=Role)


def _permissions(cell: str) -> str:
    return ",".join(dict.fromkeys(_code(text, among=Permission) for text in _several(cell)))


def _several(cell: str) -> list[str]:
    """Each word of a cell once, in its order."""
    return list(dict.fromkeys(filter(None, map(str.strip, SEVERAL.split(cell)))))


def _yes(cell: str) -> str:
    text = plain(cell.strip())
    if text not in YES + NO:
        raise Unfit("unknown_code", known="1, 0")
    return "1" if text in YES else ""


def _amount(cell: str) -> str:
    return AMOUNT[plain_amount(cell)]


def _phone(cell: str) -> str:
    cell = LINE_OF_PHONE[cell]  # no longer than a phone before anything is looked for in it
    number, extension = shapes.phone(cell, country="CA")
    return cell if extension else number


AMOUNT = shapes.decimal(digits=12, places=2, default="")
LINE_OF_PHONE = shapes.text(longest=shapes.LONGEST_PHONE)
COLUMNS = (
    Column("first_name", shapes.text(longest=80), is_optional=True),
    Column("last_name", shapes.text(longest=80), is_optional=True),
    Column("email", shapes.email()),
    Column("phone", Shape(_phone), is_optional=True),
    Column("role", Shape(_role)),
    Column("permissions", Shape(_permissions), is_optional=True),
    Column("starts_on", shapes.day(is_required=False), is_optional=True),
    Column("ends_on", shapes.day(is_required=False), is_optional=True),
    Column("ceiling", Shape(_amount), is_optional=True),
    Column("purchase_order", Shape(_yes), is_optional=True),
    Column("branches", shapes.text(longest=1000), is_optional=True),
    *(Column(name, shapes.text(longest=200), is_optional=True) for name in READ_ONLY),
)
NAMES = [column.name for column in COLUMNS]
