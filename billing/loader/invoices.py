"""invoices.csv: issued documents, one row a line. A document enters whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
LINE_SHAPES = [column.shape for column in LINE]
NO_HEAD = ("",) * len(HEAD)
NO_LINE = ("",) * (len(LINE) - 1)
WHOLE_PRICE = 100
KEYS_OF_HEAD = [column.name for column in HEAD]
STAGED = ["record", "line", "is_first", "is_flawed", "position", *(column.name for column in LINE[1:]), *KEYS_OF_HEAD]
TEXTS = [
    *("sku", "description", "unit", "tax_code"),
    *(name for name in KEYS_OF_HEAD if name not in {"issued_on", "due_on", "subtotal", "gst", "qst", "total"}),
]

Row = tuple[object, ...]


def load_invoices(*, run: Import) -> Counts:
    """Issue the documents of the file that are not issued yet; one that comes again identical is unchanged."""
    source = Source(run.path, COLUMNS, run.progress)
    with staging.staged(kind="invoices", merchant=run.merchant, tables=documents.TABLES):
        rows = Documents(run=run, source=source).rows()
        staging.copy_rows(table="import_line", columns=STAGED, texts=TEXTS, rows=rows)
        execute("CREATE INDEX ON import_line (record, position)")
        execute("ANALYZE import_line")
        documents.judge(run=run)
        staging.report_rejects(run=run)
        documents.count(run=run)
        if not run.is_dry_run:
            documents.write(run=run)
    return run.counts


class Documents:
    """Groups the records of a file into documents and keeps a document back until it is known to be sound."""

    def __init__(self, *, run: Import, source: Source) -> None:
        self.run = run
        self.source = source
        self.pick_head = source.pick(HEAD)
        self.pick_line = source.pick(LINE)
        self.record = 0
        self.number = ""
        self.head: tuple[str, ...] = ()
        self.kept_head: list[str] | None = None
        self.first_line = 0
        self.last_number = 0
        self.waiting: list[Row] = []
        self.flaws: list[Flaw] = []
        self.is_flawed = False

    def rows(self) -> Iterator[Row]:
        """Rows for the staging table: all lines of sound documents, one flawed row for each other."""
        ragged: list[Flaw] = []
        pick_head, pick_line = self.pick_head, self.pick_line
        for line, cells in self.source.records(flaws=ragged):
            if pick_head(cells) != self.head or not self.record:
                yield from self._turn(line, cells)
            if ragged:
                self.flaws += ragged
                ragged.clear()
            else:
                self._keep(line, pick_line(cells))
            if self.flaws:
                self._spoil()
        yield from self._end()

    def _keep(self, line: int, cells: Sequence[str]) -> None:
        """Hold a line until its document is whole, unless it has a flaw."""
        try:
            row = [shape[cell] for shape, cell in zip(LINE_SHAPES, cells, strict=True)]
        except shapes.Unfit:
            reading.kept(cells, columns=LINE, line=line, flaws=self.flaws)
            return
        number = int(row[0])
        if number <= self.last_number:
            self.flaws.append(Flaw(line, "line_number", row[0], "line_order"))
        if len(row[6]) > 2 and float(row[6]) > WHOLE_PRICE:  # noqa: PLR2004 - two digits are below it
            self.flaws.append(Flaw(line, "discount_percent", row[6], "out_of_range", "0–100"))
        self.last_number = number
        position = len(self.waiting) + 1
        if position > MOST_LINES:
            self.flaws.append(Flaw(line, "line_number", row[0], "too_many_lines", str(MOST_LINES)))
        if not self.is_flawed:
            head = NO_HEAD if position > 1 else tuple(self.kept_head or NO_HEAD)
            self.waiting.append((self.record, line, position == 1, False, position, *row[1:], *head))

    def _turn(self, line: int, cells: list[str]) -> Iterator[Row]:
        """Another header: the next document, or the same one that contradicts itself."""
        head = self.pick_head(cells)
        number = head[0].strip()
        if self.record and number and number == self.number:
            if not self.is_flawed:
                differing = [row for row in zip(HEAD, self.head, head, strict=True) if row[1] != row[2]]
                self.flaws += [Flaw(line, column.name, now, "header_differs", was) for column, was, now in differing]
            return
        yield from self._end()
        self.record += 1
        self.number, self.head, self.first_line, self.last_number = number, head, line, 0
        self.kept_head = reading.kept(head, columns=HEAD, line=line, flaws=self.flaws)

    def _spoil(self) -> None:
        """Report what is wrong at once: of a document that cannot enter, nothing needs to wait."""
        for flaw in self.flaws:
            self.run.rejects.add(flaw)
        self.flaws.clear()
        self.waiting.clear()
        self.is_flawed = True

    def _end(self) -> Iterator[Row]:
        """The document is read: all its lines, or only its number when it has a flaw."""
        if self.is_flawed:
            self.run.counts.rejected += 1
            number = self.number if self.number.isprintable() else ""
            yield (self.record, self.first_line, True, True, 1, *NO_LINE, number, *NO_HEAD[1:])
        yield from self.waiting
        self.waiting = []
        self.is_flawed = False
