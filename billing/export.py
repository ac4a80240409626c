"""Documents as a spreadsheet: streamed, and opened by Excel of the reader's language without a question.

French Excel wants semicolons and decimal commas, English Excel commas and points; both need the BOM to see UTF-8.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import cast

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.echo import Echo
from billing.models import Invoice, InvoiceQuerySet

CHUNK = 2000
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
# A cell that starts so is computed by the spreadsheet: somebody else's text must never be.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(*, text: str) -> str:
    return f"'{text}" if text.startswith(FORMULAS) else text


def headings() -> list[str]:
    return [
        _("Number"),
        _("Kind"),
        _("Corrects"),
        _("Date"),
        _("Due date"),
        _("Status"),
        _("Purchase order"),
        _("Project"),
        _("Requisition"),
        _("Site"),
        _("Requested by"),
        _("Subtotal"),
        _("GST"),
        _("QST"),
        _("Total"),
        _("Paid or used"),
        _("Balance"),
    ]


@dataclass(frozen=True, slots=True)
class Writing:
    """The words and signs of one language, chosen while the request is there."""

    kinds: dict[str, str]
    statuses: dict[Invoice.Status, str]
    delimiter: str
    decimal_mark: str


def _writing() -> Writing:
    is_french = (get_language() or "fr-ca").startswith("fr")
    return Writing(
        kinds={kind.value: str(kind.label) for kind in Invoice.Kind},
        statuses={status: str(status.label) for status in Invoice.Status},
        delimiter=";" if is_french else ",",
        decimal_mark="," if is_french else ".",
    )


def spreadsheet(*, documents: InvoiceQuerySet) -> Iterator[str]:
    """Lines of CSV, newest document first, amounts signed by kind; rows are read as they leave."""
    writing = _writing()
    writer = csv.writer(Echo(), delimiter=writing.delimiter)
    rows = documents.newest_first().select_related("corrects").iterator(chunk_size=CHUNK)
    cells = chain([headings()], (cells_of(document=document, writing=writing) for document in rows))
    lines = cast(Iterator[str], map(writer.writerow, cells))  # what Echo hands back
    return chain([BOM], lines)


def cells_of(*, document: Invoice, writing: Writing) -> list[str]:
    texts = [
        document.number,
        writing.kinds[document.kind],
        document.corrects.number if document.corrects else "",
        document.issued_on.isoformat(),
        document.due_on.isoformat(),
        writing.statuses[document.status],
        document.po_number,
        document.project,
        document.requisition_number,
        document.site_address,
        document.requested_by,
    ]
    sizes = (document.subtotal, document.gst, document.qst, document.total, document.settled_amount)
    amounts = [document.sign * size for size in sizes] + [document.balance]
    plain = [f"{amount + 0:.2f}".replace(".", writing.decimal_mark) for amount in amounts]
    return [safe_cell(text=text) for text in texts] + plain
