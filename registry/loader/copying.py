"""From the records of one file to the rows of one table, through COPY. What cannot be taken is told, and left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from registry.loader.archive import Archive
from registry.loader.flaws import Flaw, Unfit
from registry.loader.layouts import Column, Layout
from registry.loader.records import Block, Member, open_member, restored

# Of the tables that are being filled.
SCHEMA = "registry_next"
TAB, LINE = b"\t", b"\n"
# No cell holds a control character, so none is ever quoted, and an empty one is NULL where the column is no text.
# Nobody sees the table before it is whole, so its rows need no freezing later; it is empty in that very transaction.
COPY = r"COPY {} ({}) FROM STDIN (FORMAT csv, DELIMITER E'\t', QUOTE E'\x01', NULL '', FORCE_NOT_NULL ({}), FREEZE {})"
CONTROLS = bytes([*range(32), 127])
SPACES = dict.fromkeys(map(ord, "\t\n\r\v\f\x85\u2028\u2029"), " ")
LONGEST_VALUE = 200
NOT_SHOWN = "\ufffd"


@dataclass
class Reader:
    """Reads one file for one layout, and calls back with what is wrong and how far it is."""

    layout: Layout
    member: Member
    on_flaw: Callable[[Flaw], None]
    taken: int = 0

    def __post_init__(self) -> None:
        self.places = self.member.places(self.layout.columns)
        self.width = len(self.member.header)

    def rows(self) -> Iterator[bytes]:
        """What COPY reads, a block at a time."""
        for block in self.member.blocks():
            yield from self._rows(block)

    def _rows(self, block: Block) -> Iterator[bytes]:
        """The block as it is; else its halves, down to the records that are wrong."""
        try:
            columns = block.columns(self.width)
            rows = self._written([columns[place] for place in self.places], block=block)
        except Unfit:
            if block.size == 1:
                yield from self._one(block)
                return
            for half in block.halves:
                yield from self._rows(half)
        else:
            self.taken += block.size
            yield rows

    def _one(self, block: Block) -> Iterator[bytes]:
        """A record that is not as written: cleaned, or told as a flaw."""
        if not block.text:
            return
        try:
            columns = block.columns(self.width)
            cells = [
                [_cleaned(columns[place][0], column=column)]
                for place, column in zip(self.places, self.layout.columns, strict=True)
            ]
            rows = self._written(cells, block=block)
        except Unfit as unfit:
            flaw = Flaw(self.member.name, block.first, unfit.column, _shown(unfit.value), unfit.code, unfit.known)
            self.on_flaw(flaw)
        else:
            self.taken += 1
            yield rows

    def _written(self, cells: Sequence[list[bytes]], *, block: Block) -> bytes:
        rows = b"".join(map(written, self.layout.convert(cells, block=block)))
        self.layout.accept(cells)
        return rows


def _cleaned(cell: bytes, *, column: str) -> bytes:
    """One line without control characters; those that are no white space make the record unfit."""
    cell = restored(cell).decode().translate(SPACES).strip().encode()
    if len(cell.translate(None, CONTROLS)) < len(cell):
        raise Unfit("control_character", column=column, value=cell)
    return cell


def _shown(value: bytes) -> str:
    """The beginning of a cell, as it can be stored and printed."""
    return "".join(c if c.isprintable() else NOT_SHOWN for c in restored(value).decode()[:LONGEST_VALUE])


def written(columns: Sequence[Column]) -> bytes:
    """The rows as COPY reads them; Unfit when a cell would break one."""
    rows = restored(LINE.join(map(TAB.join, zip(*columns, strict=True))) + LINE)
    # The tabs and line breaks between the cells, and no other control character.
    if len(rows) - len(rows.translate(None, CONTROLS)) != len(columns[0]) * len(columns):
        raise Unfit("control_character")
    return rows


def copy_member(
    *,
    archive: Archive,
    layout: Layout,
    database: psycopg.Connection,
    on_flaw: Callable[[Flaw], None],
    progress: Callable[[int], None],
) -> int:
    """Fill the table of the layout, in a transaction of its own, and return the number of records taken."""
    done = 0
    with (
        open_member(archive=archive, file=layout.file) as member,
        database.transaction(),
        database.cursor() as cursor,
    ):
        reader = Reader(layout=layout, member=member, on_flaw=on_flaw)
        if layout.is_first:
            cursor.execute(sql.SQL("TRUNCATE {}").format(table_of(layout)))
        with cursor.copy(copy_statement(layout)) as copy:
            for rows in reader.rows():
                copy.write(rows)
                if member.position != done:
                    progress(member.position - done)
                    done = member.position
        return reader.taken


def table_of(layout: Layout) -> sql.Identifier:
    return sql.Identifier(SCHEMA, layout.table)


def copy_statement(layout: Layout) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, layout.targets))
    texts = sql.SQL(", ").join(map(sql.Identifier, layout.texts))
    return sql.SQL(COPY).format(table_of(layout), names, texts, sql.Literal(layout.is_first))
