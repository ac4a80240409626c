"""From the records of one file to the rows of one table, through COPY. What cannot be taken is told, and left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from registry.loader.archive import Archive
from registry.loader.flaws import Flaw, Unfit
from registry.loader.layouts import Layout
from registry.loader.records import Batch, Member, open_member

# Of the tables that are being filled.
SCHEMA = "registry_next"
TAB, LINE = "\t", "\n"
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

    def blocks(self) -> Iterator[bytes]:
        """What COPY reads, a batch at a time."""
        for batch in self.member.batches():
            yield from self._blocks(batch)

    def _blocks(self, batch: Batch) -> Iterator[bytes]:
        """The batch as it is; else its halves, down to the records that are wrong."""
        try:
            block = self._block(self._picked(batch.rows), batch=batch)
        except Unfit:
            if len(batch.rows) == 1:
                yield from self._one(batch)
                return
            for half in batch.halves:
                yield from self._blocks(half)
        else:
            self.taken += len(batch.rows)
            yield block

    def _one(self, batch: Batch) -> Iterator[bytes]:
        """A record that is not as written: cleaned, or told as a flaw."""
        if not any(batch.rows[0]):
            return
        try:
            cells = zip(self._picked(batch.rows), self.layout.columns, strict=True)
            block = self._block([(_cleaned(cell, column=column),) for (cell,), column in cells], batch=batch)
        except Unfit as unfit:
            value = "".join(c if c.isprintable() else NOT_SHOWN for c in unfit.value[:LONGEST_VALUE])
            self.on_flaw(Flaw(self.member.name, batch.first, unfit.column, value, unfit.code, unfit.known))
        else:
            self.taken += 1
            yield block

    def _picked(self, rows: list[list[str]]) -> list[tuple[str, ...]]:
        """The columns we read."""
        try:
            columns = list(zip(*rows, strict=True))
        except ValueError:
            columns = []
        if len(columns) != self.width:
            raise Unfit("cells", value=str(len(rows[0])), known=str(self.width))
        return [columns[place] for place in self.places]

    def _block(self, cells: Sequence[Sequence[str]], *, batch: Batch) -> bytes:
        columns = self.layout.convert(cells, batch=batch)
        block = written(columns)
        self.layout.accept(cells)
        return block


def _cleaned(cell: str, *, column: str) -> str:
    """One line without control characters; those that are no white space make the record unfit."""
    cell = cell.translate(SPACES).strip()
    if any(character < " " or character == "\x7f" for character in cell):
        raise Unfit("control_character", column=column, value=cell)
    return cell


def written(columns: Sequence[Sequence[str]]) -> bytes:
    """The rows as COPY reads them, a dash for what is not stated left out; Unfit when a cell would break a row."""
    text = LINE.join(map(TAB.join, zip(*columns, strict=True)))
    if "\t-" in text:
        text += LINE
        # Twice: each dash needs its own two tabs.
        for dash, nothing in (("\t-\t", "\t\t"), ("\t-\t", "\t\t"), ("\t-\n", "\t\n")):
            text = text.replace(dash, nothing)
        text = text[:-1]
    block = text.encode()
    # The tabs and line breaks between the cells, and no other control character.
    if len(block) - len(block.translate(None, CONTROLS)) != len(columns[0]) * len(columns) - 1:
        raise Unfit("control_character")
    return block + b"\n"


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
            for block in reader.blocks():
                copy.write(block)
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
