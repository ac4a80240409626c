"""A member of the ZIP as records: its encoding, its header, where each record begins, a block at a time.

Records are counted, not lines: a company's purpose holds line breaks and is longer than any other cell.
"""

from __future__ import annotations

import zipfile
import zlib
from codecs import BOM_UTF8
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate

from registry.loader.archive import Archive, File
from registry.loader.flaws import Unfit, Unusable
from registry.loader.quoting import BREAK, COMMA, MARKED_BREAK, MARKED_COMMA, marked

# Bytes read at a time: some hundred records are judged together. More would leave the processor's memory.
BLOCK = 1 << 16
# Of the longest record: two megabytes have been seen. A quote never closed goes beyond.
LONGEST = 1 << 22


class NotCsv(Exception):
    """No record ends where one must."""


class Block:
    """Whole records, one a line once their quotes are taken out, the first on the line `first` of the file."""

    def __init__(self, text: bytes, *, first: int) -> None:
        self.text = text
        self.first = first
        # Each first cell but one keeps its line break. How much longer the text grew counts them, faster than counting.
        self.bordered = text.replace(BREAK, COMMA + BREAK)
        self.size = len(self.bordered) - len(text) + 1

    @property
    def lines(self) -> Sequence[int]:
        """The line of the file where each record begins."""
        if MARKED_BREAK not in self.text:
            return range(self.first, self.first + self.size)
        heights = [1 + record.count(MARKED_BREAK) for record in self.text.split(BREAK)]
        return list(accumulate(heights[:-1], initial=self.first))

    @property
    def end(self) -> int:
        """The line after the last one."""
        return self.first + self.size - 1 + len(self.text.split(MARKED_BREAK))

    @property
    def halves(self) -> tuple[Block, Block]:
        records, half = self.text.split(BREAK), self.size // 2
        return (
            Block(BREAK.join(records[:half]), first=self.first),
            Block(BREAK.join(records[half:]), first=self.lines[half]),
        )

    def columns(self, width: int) -> list[list[bytes]]:
        """All cells, by column; Unfit when a record has not so many."""
        cells = self.bordered.split(COMMA)
        # All line breaks are in first cells: nothing is out of its place.
        firsts = b"".join(cells[::width]).split(BREAK)
        if len(cells) != self.size * width or len(firsts) != self.size:
            raise Unfit("cells", value=b"%d" % len(cells), known=str(width))
        return [firsts, *(cells[place::width] for place in range(1, width))]


def restored(text: bytes) -> bytes:
    """The commas that were inside quotes, and a space for each line break."""
    return text.replace(MARKED_COMMA, COMMA).replace(MARKED_BREAK, b" ")


class Member:
    """One file of the ZIP, being read; Unusable when its bytes, its text or its quotes make no sense."""

    def __init__(self, *, archive: Archive, file: File) -> None:
        self.archive = archive.archive
        self.info = archive.members[file]
        self.name = self.info.filename
        self.position = 0  # bytes read, unpacked
        self.line = 1  # where the next record begins
        self.texts = self._texts()
        self.begun: Block | None = None  # what comes after the header
        self.header: list[str] = []

    def read_header(self) -> None:
        """What its columns are called."""
        block = self._next()
        if block is not None:
            header, _found, rest = block.text.partition(BREAK)
            self.header = [restored(cell).decode().strip().upper() for cell in header.split(COMMA)]
            self.begun = Block(rest, first=2 + header.count(MARKED_BREAK)) if rest else None
        if not any(self.header):
            raise Unusable("empty_member", name=self.name)

    def places(self, columns: Sequence[str]) -> list[int]:
        """Where each of those columns is; Unusable when one is missing. Others may be there: they are not read."""
        places = {name: place for place, name in reversed(list(enumerate(self.header)))}
        if missing := [column for column in columns if column not in places]:
            raise Unusable("missing_columns", name=self.name, columns=", ".join(missing))
        return [places[column] for column in columns]

    def blocks(self) -> Iterator[Block]:
        """Every record after the header, blank lines included."""
        if self.begun is not None:
            yield self.begun
        while (block := self._next()) is not None:
            yield block

    def _next(self) -> Block | None:
        with self._making_sense():
            text = next(self.texts, None)
        if text is None:
            return None
        block = Block(text, first=self.line)
        self.line = block.end
        return block

    def _texts(self) -> Generator[bytes]:
        """Whole records, their quotes taken out, without their last line break."""
        with self.archive.open(self.info) as stream:
            rest = stream.read(BLOCK).removeprefix(BOM_UTF8)
            self.position = len(rest)
            while block := stream.read(BLOCK):
                self.position += len(block)
                text, rest = marked(_plain(rest + block))
                if text:
                    yield _checked(text)
                elif len(rest) > LONGEST:
                    raise NotCsv
            if rest:
                text, rest = marked(_plain(rest), is_last=True)
                if text:
                    yield _checked(text)
                if rest:
                    raise NotCsv

    @contextmanager
    def _making_sense(self) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError as error:
            raise Unusable("not_utf8", name=self.name, line=self._undecodable_line()) from error
        except NotCsv as error:
            raise Unusable("not_csv", name=self.name, line=self.line) from error
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise Unusable("truncated", name=self.name, error=str(error)) from error
        except (NotImplementedError, RuntimeError) as error:
            # A method of compression unknown to Python; a password.
            raise Unusable("locked", name=self.name, error=str(error)) from error

    def _undecodable_line(self) -> int:
        """The line that is not UTF-8, found by reading the file once more."""
        with self.archive.open(self.info) as stream:
            for number, line in enumerate(stream, 1):
                try:
                    line.decode()
                except UnicodeDecodeError:
                    return number
        return 0


def _plain(text: bytes) -> bytes:
    """Windows' line breaks made plain, lone returns made spaces; one that ends the text waits for what follows."""
    if b"\r" not in text:
        return text
    last = b"\r" if text.endswith(b"\r") else b""
    return text.removesuffix(last).replace(b"\r\n", BREAK).replace(b"\r", b" ") + last


def _checked(text: bytes) -> bytes:
    """Without its last line break; UnicodeDecodeError when it is not UTF-8."""
    text.decode()
    return text.removesuffix(BREAK)


@contextmanager
def open_member(*, archive: Archive, file: File) -> Iterator[Member]:
    """The file of that kind, its header read, closed at the end."""
    member = Member(archive=archive, file=file)
    try:
        member.read_header()
        yield member
    finally:
        member.texts.close()
