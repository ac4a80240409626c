"""Staged invoices and credit notes judged as sets, compared with those issued, and issued in batches."""

from __future__ import annotations

import json
from functools import partial

from accounts import countries
from accounts.models import Language
from billing.loader import documents_sql as words
from billing.models import Invoice
from billing.services import letterhead_for
from organizations.loader import staging
from organizations.loader.staging import Import, execute, reject_where, value_of

TABLES = {
    "import_line": words.LINES,
    # One row a document: what its lines add up to, and what it is about in our tables.
    "import_document": "",
    # Those to issue, numbered in the order of issue: invoices before the credit notes that correct them.
    "import_new": "",
}


def judge(*, run: Import) -> None:
    """Refuse what contradicts our tables, the rest of the file, or itself."""
    merchant = run.merchant.pk
    execute(words.DOCUMENTS, merchant=merchant)
    execute("CREATE INDEX ON import_document (number)")
    execute("ANALYZE import_document (number, record, issued_id)")
    execute(words.NOT_ADJACENT)
    for column, value, code, known, where in words.RULES:
        reject_where(
            table="import_document",
            column=column,
            value=value,
            code=code,
            known=known,
            where=f"NOT is_flawed AND {where}",
        )
    for where in words.ISSUED_DIFFERENTLY:
        reject_where(
            table="import_document",
            column="invoice_number",
            value="r.number",
            code="issued_differently",
            where=f"r.issued_id IS NOT NULL AND NOT r.is_flawed AND {where}",
        )
    execute("ANALYZE import_reject")
    execute(words.REFUSED_CORRECTIONS)


def count(*, run: Import) -> None:
    """Count the documents to issue and those that are issued already."""
    run.counts.created = value_of(f"SELECT count(*) FROM import_document d WHERE {words.NEW_ONES}")
    run.counts.unchanged = value_of(
        """
        SELECT count(*) FROM import_document d WHERE d.issued_id IS NOT NULL AND NOT d.is_flawed
        AND NOT EXISTS (SELECT 1 FROM import_reject x WHERE x.record = d.record)
        """
    )


def write(*, run: Import) -> None:
    """Issue the new documents, so many in a transaction: whatever happens, only whole ones are there."""
    last = run.counts.created
    if not last:
        return
    execute(words.NEW)
    execute(words.CORRECTED, merchant=run.merchant.pk)
    execute("CREATE INDEX ON import_new (place)")
    execute("ANALYZE import_new (place, record)")
    letterhead = letterhead_for(merchant=run.merchant).pk
    destinations = json.dumps({code: countries.destinations(language=code) for code in Language.values})
    write = partial(_write_batch, letterhead=letterhead, destinations=destinations)
    credit_notes = value_of(words.FIRST_CREDIT_NOTE, credit_note=Invoice.Kind.CREDIT_NOTE.value) or last + 1
    staging.write_batches(run=run, last=credit_notes - 1, write=write)
    # Each finds what it corrects issued, and what the ones before it left unpaid there.
    staging.write_batches(run=run, first=credit_notes, last=last, write=write, is_ordered=True)


def _write_batch(*, letterhead: int, destinations: str, first: int, last: int) -> None:
    window = {"first": first, "last": last}
    execute(words.INSERT_INVOICES, letterhead=letterhead, destinations=destinations, **window)
    execute(words.INSERT_LINES, **window)
    _use_credits(**window)


def _use_credits(*, first: int, last: int) -> None:
    """Each credit note at once pays what it corrects, up to what is unpaid there, in the order of the file."""
    window = {"first": first, "last": last, "credit_note": Invoice.Kind.CREDIT_NOTE.value}
    if execute(words.LOCK_CORRECTED, **window):
        execute(words.USE_CREDITS, **window)
