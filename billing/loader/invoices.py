"""invoices.csv: issued documents, one row a line. A document enters whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from operator import getitem

from billing.loader import documents
from billing.models import Invoice, InvoiceLine
from organizations.loader import reading, shapes, staging
from organizations.loader.reading import Column, Flaw, Source
from organizations.loader.staging import Counts, Import, execute

# More than any document holds; its lines wait in memory until the last one is read.
MOST_LINES = 10_000
HEAD = (
    Column("invoice_number", shapes.text(longest=40, is_required=True)),
    Column("kind", shapes.choice(among=Invoice.Kind.values)),
    Column("corrects", shapes.text(longest=40)),
    Column("customer_number", shapes.text(longest=40, is_required=True)),
    Column("issued_on", shapes.day()),
    Column("due_on", shapes.day(is_required=False)),
    Column("branch", shapes.text(longest=120)),
    Column("po_number", shapes.text(longest=60)),
    Column("project", shapes.text(longest=120)),
    Column("site_address", shapes.text(longest=300)),
    Column("requested_by", shapes.text(longest=160)),
    Column("requisition_number", shapes.text(longest=60), is_optional=True),
    Column("adviser", shapes.text(longest=120), is_optional=True),
    Column("subtotal", shapes.decimal(digits=12, places=2, default=""), is_optional=True),
    Column("gst", shapes.decimal(digits=12, places=2, default=""), is_optional=True),
    Column("qst", shapes.decimal(digits=12, places=2, default=""), is_optional=True),
    Column("total", shapes.decimal(digits=12, places=2, default=""), is_optional=True),
)
LINE = (
    Column("line_number", shapes.whole(least=1, most=999_999_999)),
    Column("sku", shapes.text(longest=60)),
    Column("description", shapes.text(longest=300, is_required=True)),
    Column("quantity", shapes.decimal(digits=12, places=3)),
    Column("unit", shapes.text(longest=20, is_required=True)),
    Column("unit_price", shapes.decimal(digits=12, places=4)),
    Column("discount_percent", shapes.decimal(digits=5, places=2, default="0")),
    Column("tax_code", shapes.choice(among=InvoiceLine.TaxCode.values)),
)
COLUMNS = (*HEAD, *LINE)
HEAD_SHAPES = [column.shape for column in HEAD]
LINE_SHAPES = [column.shape for column in LINE]
WHOLE_PRICE = 100
DISCOUNT = 6
# Two digits are below the whole price whatever they are.
SHORT = 2
STAGED = ["record", "line", "position", *(column.name for column in LINE[1:]), "head"]
# Between the cells of a header, where no text can hold it. A header is staged once a document.
INSIDE_HEAD = "\x1f"
# A document that cannot enter leaves its number, so that its other half does not pass for whole.
FLAWED = "{record}\t{line}\t0\t\t\t\\N\t\t\\N\t\\N\t\t{number}\n"


def load_invoices(*, run: Import) -> Counts:
    """Issue the documents of the file that are not issued yet; one that comes again identical is unchanged."""
    source = Source(run.path, COLUMNS, run.progress)
    with staging.staged(kind="invoices", merchant=run.merchant, tables=documents.TABLES):
        rows = Documents(run=run, source=source).rows()
        staging.copy_text(table="import_line", columns=STAGED, rows=rows)
        execute("CREATE INDEX ON import_line (record, position)")
        execute("ANALYZE import_line (record, position)")
        documents.judge(run=run)
        staging.report_rejects(run=run)
        documents.count(run=run)
        if not run.is_dry_run:
            documents.write(run=run)
    return run.counts


def as_written(*, separator: str) -> re.Pattern[str]:
    """The cells of LINE that LINE_SHAPES keep as they are, spaces and control characters apart; the first is a group.

    Not all of them: whoever does not match is looked at closely.
    """
    text = rf'[^{separator}"\\]'
    codes = "|".join(InvoiceLine.TaxCode.values)
    cells = (
        r"([1-9]\d{0,8})",
        f"{text}{{0,60}}",
        f"{text}{{1,300}}",
        r"\d{1,9}(?:\.\d{1,3})?",
        f"{text}{{1,20}}",
        r"\d{1,8}(?:\.\d{1,4})?",
        r"\d\d?(?:\.\d\d?)?",
        f"(?:{codes})",
    )
    return re.compile(separator.join(cells), re.ASCII)


class Documents:
    """Groups the records of a file into documents and keeps a document back until it is known to be sound."""

    def __init__(self, *, run: Import, source: Source) -> None:
        self.run = run
        self.source = source
        self.pick_head = source.pick(HEAD)
        self.pick_line = source.pick(LINE)
        self.as_written = as_written(separator=source.separator)
        # Spaces around a cell are dropped.
        self.before, self.after = f" {source.separator}", f"{source.separator} "
        self.has_lines_last = source.header[-len(LINE) :] == [column.name for column in LINE]
        self.record = 0
        self.number = ""
        self.head: tuple[str, ...] = ()
        self.prefix = "\n"
        self.kept_head = ""
        self.first_line = 0
        self.last_number = 0
        self.waiting: list[str] = []
        self.flaws: list[Flaw] = []
        self.is_flawed = False

    def rows(self) -> Iterator[str]:
        """Rows for the staging table: all lines of sound documents, one flawed row for each other.

        A line that repeats the header of the line before to the letter, as nearly all do, is not parsed but split.
        """
        source, separator, width = self.source, self.source.separator, len(LINE)
        lines = source.lines()
        number = 1
        for text in lines:
            number += 1
            begun = number
            if text.startswith(self.prefix):
                tail = text[len(self.prefix) :].rstrip("\r\n")
                if self._is_kept_as_written(number, tail):
                    continue
                if '"' not in tail and len(cells := tail.split(separator)) == width:
                    self._keep(number, cells)
                    continue
            cells, number = source.cells(text, lines, number)
            ragged: list[Flaw] = []
            if cells := source.fitted(cells, line=begun, flaws=ragged):
                yield from self._take(begun, text, cells, ragged)
        yield from self._end()

    def _take(self, line: int, text: str, cells: list[str], ragged: list[Flaw]) -> Iterator[str]:
        """One parsed record."""
        if (head := self.pick_head(cells)) != self.head or not self.record:
            yield from self._turn(line, head)
        if ragged:
            self.flaws += ragged
            self._spoil()
            return
        own = self.pick_line(cells)
        tail = self.source.separator.join(own)
        written = text.rstrip("\r\n")
        # What stands before the line's own cells, when they stand last and as they are: no quote, no break.
        is_plain = self.has_lines_last and '"' not in tail and written.endswith(self.source.separator + tail)
        self.prefix = written[: len(written) - len(tail)] if is_plain else "\n"
        if self.flaws:
            self._spoil()
        if not (is_plain and self._is_kept_as_written(line, tail)):
            self._keep(line, own)

    def _is_kept_as_written(self, line: int, tail: str) -> bool:
        """Hold a line whose cells need no change, as nearly all do, without taking it apart."""
        match = self.as_written.fullmatch(tail)
        if (
            match is None
            or self.is_flawed
            or not tail.isprintable()
            or self.before in tail
            or self.after in tail
            or int(match[1]) <= self.last_number
            or len(self.waiting) >= MOST_LINES
        ):
            return False
        self.last_number = int(match[1])
        cells = tail[match.end(1) :].replace(self.source.separator, "\t")
        head = "" if self.waiting else self.kept_head
        self.waiting.append(f"{self.record}\t{line}\t{len(self.waiting) + 1}{cells}\t{head}\n")
        return True

    def _keep(self, line: int, cells: Sequence[str]) -> None:
        """Hold a line until its document is whole, unless it has a flaw."""
        try:
            row = list(map(getitem, LINE_SHAPES, cells))
        except shapes.Unfit:
            reading.kept(cells, columns=LINE, line=line, flaws=self.flaws)
            self._spoil()
            return
        number = int(row[0])
        if number <= self.last_number or len(row[DISCOUNT]) > SHORT or len(self.waiting) >= MOST_LINES:
            self._refuse_unfit(line, row)
        self.last_number = number
        if not self.is_flawed:
            # The line's own number gives its place to the position: 10, 20, 30 are 1, 2, 3.
            row[0] = f"{self.record}\t{line}\t{len(self.waiting) + 1}"
            cells_of_line = "\t".join(row).replace("\\", "\\\\")
            head = "" if self.waiting else self.kept_head
            self.waiting.append(f"{cells_of_line}\t{head}\n")

    def _refuse_unfit(self, line: int, row: list[str]) -> None:
        if int(row[0]) <= self.last_number:
            self.flaws.append(Flaw(line, "line_number", row[0], "line_order"))
        if float(row[DISCOUNT]) > WHOLE_PRICE:
            self.flaws.append(Flaw(line, "discount_percent", row[DISCOUNT], "out_of_range", "0–100"))
        if len(self.waiting) >= MOST_LINES:
            self.flaws.append(Flaw(line, "line_number", row[0], "too_many_lines", str(MOST_LINES)))
        if self.flaws:
            self._spoil()

    def _turn(self, line: int, head: tuple[str, ...]) -> Iterator[str]:
        """Another header: the next document, or the same one that contradicts itself."""
        number = head[0].strip()
        if self.record and number and number == self.number:
            if not self.is_flawed:
                differing = [row for row in zip(HEAD, self.head, head, strict=True) if row[1] != row[2]]
                self.flaws += [Flaw(line, column.name, now, "header_differs", was) for column, was, now in differing]
            return
        yield from self._end()
        self.record += 1
        self.number, self.head, self.first_line, self.last_number = number, head, line, 0
        try:
            self.kept_head = INSIDE_HEAD.join(map(getitem, HEAD_SHAPES, head)).replace("\\", "\\\\")
        except shapes.Unfit:
            reading.kept(head, columns=HEAD, line=line, flaws=self.flaws)

    def _spoil(self) -> None:
        """Report what is wrong at once: of a document that cannot enter, nothing needs to wait."""
        for flaw in self.flaws:
            self.run.rejects.add(flaw)
        self.flaws.clear()
        self.waiting.clear()
        self.is_flawed = True

    def _end(self) -> Iterator[str]:
        """The document is read: all its lines, or only its number when it has a flaw."""
        if self.is_flawed:
            self.run.counts.rejected += 1
            number = self.number.replace("\\", "\\\\") if self.number.isprintable() else ""
            yield FLAWED.format(record=self.record, line=self.first_line, number=number)
        yield from self.waiting
        self.waiting = []
        self.is_flawed = False
