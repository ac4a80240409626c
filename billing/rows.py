"""A document as one line of a list: every word and amount written once, so that the template only places them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from html import escape
from typing import NamedTuple
from urllib.parse import quote

from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from accounts import formats
from billing.models import Invoice
from billing.models.invoices import status_of
from billing.queries import Found
from organizations.models import Customer

SAFE_IN_PATH = "!$&'()*+,;=/~:@"  # what django.urls.reverse leaves as it is
SUBJECT_LENGTH = 70
MENTION_LENGTH = 40


class Row(NamedTuple):
    """HTML text: what people wrote is escaped here, once, and the template escapes nothing again."""

    url: SafeString
    number: SafeString
    day: SafeString
    subject: SafeString
    mention: SafeString
    status: SafeString
    words: SafeString
    total: SafeString
    balance: SafeString


def rows_of(*, customer: Customer, documents: Iterable[Found]) -> list[Row]:
    """Documents found by queries.page_after, as lines in the reader's language."""
    language = get_language() or "fr-ca"
    start = reverse("billing:invoice-list", args=[customer.public_id])
    today = timezone.localdate()
    return [_row(document, start=start, today=today, language=language) for document in documents]


def _row(document: Found, *, start: str, today: date, language: str) -> Row:
    kind, total, settled_amount, due_on = document.kind, document.total, document.settled_amount, document.due_on
    status = status_of(kind=kind, total=total, settled_amount=settled_amount, due_on=due_on, today=today)
    sign = -1 if kind == Invoice.Kind.CREDIT_NOTE else 1
    mentions = [_cut(document.po_number, MENTION_LENGTH), _cut(document.project, MENTION_LENGTH)]
    texts = (
        f"{start}{quote(document.number, safe=SAFE_IN_PATH)}/",
        document.number,
        document.issued_on.isoformat(),
        _subject(document),
        " · ".join(filter(None, mentions)),
        status.value,
        status_words(status=status, due_on=due_on, today=today),
        formats.money(sign * total, language),
        formats.money(sign * (total - settled_amount), language),
    )
    return Row._make(SafeString(escape(text)) for text in texts)


def _subject(document: Found) -> str:
    if document.corrected_number:
        return _("Credit note on %(number)s") % {"number": document.corrected_number}
    return _cut(document.subject or "", SUBJECT_LENGTH)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else Truncator(text).chars(length)


def status_words(*, status: Invoice.Status, due_on: date, today: date) -> str:
    """A status as a sentence fragment; an overdue one says by how long."""
    match status:
        case Invoice.Status.OVERDUE:
            days = (today - due_on).days
            return ngettext("Overdue by %(days)d day", "Overdue by %(days)d days", days) % {"days": days}
        case Invoice.Status.PART:
            return _("Partly paid")
        case Invoice.Status.PAID:
            return _("Paid")
        case Invoice.Status.CREDIT:
            return _("Credit")
    return _("Due")
