"""payments.csv: money received, and the invoices it pays. A payment enters with all its parts or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial

from billing.loader import payments_sql as words
from billing.models import Payment
from organizations.loader import shapes, staging
from organizations.loader.reading import Column, Source
from organizations.loader.shapes import Shape, Unfit
from organizations.loader.staging import Counts, Import, execute, reject_where, rows_of, value_of

# Between the parts of a payment and inside one, where no text can hold them.
NEXT_PART, INSIDE_PART = "\x1e", "\x1f"
LONGEST_NUMBER = 40
# More than nothing, with at most two places.
AMOUNT = r"[1-9]\d{0,9}(?:\.\d\d?)?"
ONE_PART = re.compile(rf"([!-9<-~]{{1,{LONGEST_NUMBER}}}):({AMOUNT})", re.ASCII)


def allocations(cell: str) -> str:
    """`number:amount;number:amount`, each invoice once, as parts the database can take apart."""
    if one := ONE_PART.fullmatch(cell):
        return f"{one[1]}{INSIDE_PART}{one[2]}"
    parts: dict[str, Decimal] = {}
    for part in filter(None, map(str.strip, cell.split(";"))):
        number, colon, amount = part.rpartition(":")
        number = number.strip()
        if not colon or not number or not number.isprintable() or len(number) > LONGEST_NUMBER or number in parts:
            raise Unfit("not_an_allocation")
        parts[number] = shapes.amount(amount)
    return NEXT_PART.join(f"{number}{INSIDE_PART}{amount}" for number, amount in parts.items())


def more_than_nothing(cell: str) -> str:
    """CAD, above zero."""
    return str(shapes.amount(cell))


COLUMNS = (
    Column("payment_number", shapes.text(longest=40, is_required=True)),
    Column("customer_number", shapes.text(longest=40, is_required=True)),
    Column("received_on", shapes.day()),
    Column("method", shapes.choice(among=Payment.Method.values)),
    Column("amount", Shape(more_than_nothing, as_written=AMOUNT)),
    Column("reference", shapes.text(longest=120)),
    Column("allocations", Shape(allocations)),
)
NAMES = [column.name for column in COLUMNS]
TEXTS = ["payment_number", "customer_number", "method", "reference", "allocations"]
TABLES = {"import_payment": words.PAYMENTS, "import_known": "", "import_part": "", "import_new": ""}


def load_payments(*, run: Import) -> Counts:
    """Record the payments of the file that are not recorded yet; one that comes again identical is unchanged."""
    source = Source(run.path, COLUMNS, run.progress)
    with staging.staged(kind="payments", merchant=run.merchant, tables=TABLES):
        staging.copy_rows(
            table="import_payment",
            columns=["record", "line", *NAMES],
            texts=TEXTS,
            rows=_rows(run=run, source=source),
        )
        _judge(run=run)
        staging.report_rejects(run=run)
        if not run.is_dry_run:
            _write(run=run)
    return run.counts


def _rows(*, run: Import, source: Source) -> Iterator[Sequence[object]]:
    for record, line, row in staging.fit_records(run=run, source=source, columns=COLUMNS):
        yield (record, line, *row)


def _judge(*, run: Import) -> None:
    """Refuse what contradicts our tables or the rest of the file, and count the others."""
    merchant = run.merchant.pk
    execute("CREATE INDEX ON import_payment (record)")
    execute("ANALYZE import_payment")
    execute(words.KNOWN, merchant=merchant)
    execute("CREATE INDEX ON import_known (record)")
    execute("ANALYZE import_known")
    execute(words.PARTS, merchant=merchant)
    execute("CREATE INDEX ON import_part (record)")
    execute("CREATE INDEX ON import_part (invoice_id, record)")
    execute("ANALYZE import_part")
    execute(words.REPEATED)
    for table, column, value, code, known, where in words.RULES:
        reject_where(table=table, column=column, value=value, code=code, known=known, where=where)
    execute("ANALYZE import_reject")
    _refuse_beyond_open()
    execute("ANALYZE import_reject")
    for name, where in (("created", "payment_id IS NULL"), ("unchanged", "payment_id IS NOT NULL")):
        count = value_of(f"SELECT count(*) FROM import_known k WHERE {where} AND {words.SOUND}")
        setattr(run.counts, name, count)


def _refuse_beyond_open() -> None:
    """In the order of the file, refuse each payment that would pay an invoice beyond what is then open on it.

    Only invoices that the whole file would overpay are followed, one payment after the other.
    """
    unpaid: dict[int, Decimal] = dict(rows_of(words.OVERPAID))
    if not unpaid:
        return
    refused: list[tuple[int, int, str, Decimal]] = []
    for record, line, numbers, invoices, amounts in rows_of(words.PAYMENTS_IN_QUESTION, invoices=list(unpaid)):
        parts = list(zip(numbers, invoices, amounts, strict=True))
        beyond = [part for part in parts if part[2] > unpaid[part[1]]]
        refused += [(record, line, f"{number}:{amount}", unpaid[key]) for number, key, amount in beyond]
        if not beyond:
            for _number, key, amount in parts:
                unpaid[key] -= amount
    staging.copy_rows(
        table="import_reject",
        columns=["record", "line", "column", "value", "code", "known"],
        texts=["value"],
        rows=(
            (record, line, "allocations", value, "allocated_beyond_invoice", left)
            for record, line, value, left in refused
        ),
    )


def _write(*, run: Import) -> None:
    last = run.counts.created
    if not last:
        return
    execute(words.NEW)
    execute("CREATE INDEX ON import_new (place)")
    execute("ANALYZE import_new (place, record)")
    staging.write_batches(run=run, last=last, write=partial(_write_batch, merchant=run.merchant.pk))


def _write_batch(*, merchant: int, first: int, last: int) -> None:
    window = {"first": first, "last": last}
    # In the order of their keys, as billing.services.record_payment takes them: nobody waits for the other.
    execute(words.LOCK_INVOICES, **window)
    execute(words.INSERT_ALLOCATIONS, **window)
    execute(words.INSERT_PAYMENTS, merchant=merchant, **window)
