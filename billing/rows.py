"""A document as one line of a list: every word and amount written once, so that the template only places them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple
from urllib.parse import quote

from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from accounts import formats
from billing.models import Invoice
from organizations.models import Customer

SAFE_IN_PATH = "!$&'()*+,;=/~:@"  # what django.urls.reverse leaves as it is
SUBJECT_LENGTH = 70
MENTION_LENGTH = 40


class Row(NamedTuple):
    url: str
    number: str
    day: str
    subject: str
    mention: str
    status: str
    words: str
    total: str
    balance: str


def rows_of(*, customer: Customer, documents: Iterable[Invoice]) -> list[Row]:
    """Documents fetched by queries.page_after, as lines in the reader's language."""
    language = get_language() or "fr-ca"
    start = reverse("billing:invoice-list", args=[customer.public_id])
    today = timezone.localdate()
    return [_row(document, start=start, today=today, language=language) for document in documents]


def _row(document: Invoice, *, start: str, today: date, language: str) -> Row:
    status = document.status
    mentions = [_cut(document.po_number, MENTION_LENGTH), _cut(document.project, MENTION_LENGTH)]
    return Row(
        url=f"{start}{quote(document.number, safe=SAFE_IN_PATH)}/",
        number=document.number,
        day=document.issued_on.isoformat(),
        subject=_subject(document),
        mention=" · ".join(filter(None, mentions)),
        status=status.value,
        words=status_words(status=status, due_on=document.due_on, today=today),
        total=formats.money(document.signed_total, language),
        balance=formats.money(document.balance, language),
    )


def _subject(document: Invoice) -> str:
    corrected: str | None = getattr(document, "corrected_number", None)
    if corrected:
        return _("Credit note on %(number)s") % {"number": corrected}
    return _cut(getattr(document, "subject", None) or "", SUBJECT_LENGTH)


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
