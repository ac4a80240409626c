"""Which documents a list shows: its filters, and keyset pages that never count nor skip rows."""

from __future__ import annotations

import functools
import re
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan
from django.utils import timezone
from django.utils.http import urlencode

from accounts.spelling import spellings
from accounts.statements import Statement, statement
from billing.amounts import typed_amount
from billing.models import Invoice, InvoiceLine, InvoiceQuerySet
from organizations.models import Customer

PAGE = 25
CURSOR = re.compile(r"(\d{4}-\d{2}-\d{2})\.(\d{1,18})", re.ASCII)
PLACE = Tuple(F("issued_on"), F("pk"))
# Everything still to pay, whatever its word: what the balance on the home page is made of.
OPEN = "open"


@dataclass(frozen=True, slots=True)
class Filters:
    text: str = ""
    status: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def query(self) -> str:
        """As in an address, without what is empty."""
        given = {"q": self.text, "status": self.status, "since": self.since, "until": self.until}
        return urlencode({name: str(value) for name, value in given.items() if value})


class Cursor(NamedTuple):
    """The last row shown; the next page starts after it."""

    issued_on: date
    pk: int

    def __str__(self) -> str:
        return f"{self.issued_on.isoformat()}.{self.pk}"


# Marks in the SQL of a page, where the values of a request go.
CUSTOMER = -1
NOWHERE = Cursor(issued_on=date.min, pk=-2)


def cursor_from(*, text: str) -> Cursor | None:
    """The cursor an address holds; anything else is the first page. It says nothing of whose rows they are."""
    match = CURSOR.fullmatch(text)
    if match is None:
        return None
    try:
        return Cursor(issued_on=date.fromisoformat(match[1]), pk=int(match[2]))
    except ValueError:
        return None


class Found(NamedTuple):
    """The columns of a row, the description of its first line, and the number it corrects."""

    pk: int
    kind: str
    number: str
    issued_on: date
    due_on: date
    po_number: str
    project: str
    total: Decimal
    settled_amount: Decimal
    corrected_number: str | None
    subject: str | None


@functools.cache
def _rows() -> QuerySet:
    """What every list has in common, resolved once."""
    first = InvoiceLine.objects.filter(invoice=OuterRef("pk"), position=1).values("description")
    rows = Invoice.objects.annotate(corrected_number=F("corrects__number"), subject=Subquery(first))
    return rows.newest_first().values_list(*Found._fields)


@functools.cache
def _page(size: int, *, is_first: bool) -> Statement:
    """A page without filters: what nearly everybody asks for."""
    rows = _rows().filter(customer=CUSTOMER)
    return statement(queryset=(rows if is_first else rows.filter(TupleLessThan(PLACE, NOWHERE)))[: size + 1])


def filtered(*, customer: Customer, filters: Filters) -> InvoiceQuerySet:
    """The customer's documents that pass every filter."""
    return _narrow(customer.invoices.all(), filters)


def page_after(*, customer: Customer, filters: Filters, cursor: Cursor | None, size: int = PAGE) -> list[Found]:
    """The newest `size` rows after the cursor, and one more that tells whether there is a next page. One query."""
    if filters == Filters():
        values: dict[Hashable, Any] = {CUSTOMER: customer.pk}
        values |= dict(zip(NOWHERE, cursor, strict=True)) if cursor else {}
        return [Found._make(row) for row in _page(size, is_first=cursor is None).rows(values=values)]
    rows = _narrow(_rows().filter(customer=customer), filters)
    if cursor is not None:
        rows = rows.filter(TupleLessThan(PLACE, cursor))
    return [Found._make(row) for row in rows[: size + 1]]


def _narrow[Documents: QuerySet](documents: Documents, filters: Filters) -> Documents:
    if filters.text:
        documents = documents.filter(_mentioning(filters.text))
    if filters.status:
        documents = documents.filter(_having(filters.status))
    if filters.since:
        documents = documents.filter(issued_on__gte=filters.since)
    if filters.until:
        documents = documents.filter(issued_on__lte=filters.until)
    return documents


def _mentioning(text: str) -> Q:
    words = spellings(text)
    found = Q(number__iregex=words) | Q(po_number__iregex=words) | Q(project__iregex=words)
    amount = typed_amount(text=text)
    if amount:
        found |= Q(total=amount) | Q(total=amount + F("settled_amount"))
    return found


def _having(status: str) -> Q:
    """The rule of Invoice.status, asked of the database."""
    today = timezone.localdate()
    if status == Invoice.Status.CREDIT:
        return Q(kind=Invoice.Kind.CREDIT_NOTE)
    invoice = Q(kind=Invoice.Kind.INVOICE)
    if status == Invoice.Status.PAID:
        return invoice & Q(settled_amount__gte=F("total"))
    unpaid = invoice & Q(settled_amount__lt=F("total"))
    match status:
        case Invoice.Status.OVERDUE:
            return unpaid & Q(due_on__lt=today)
        case Invoice.Status.PART:
            return unpaid & Q(due_on__gte=today, settled_amount__gt=0)
        case Invoice.Status.DUE:
            return unpaid & Q(due_on__gte=today, settled_amount=0)
    return unpaid
