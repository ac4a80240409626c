"""One document in words and figures of the reader's language, for a page to place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from babel.numbers import format_decimal
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from accounts import formats
from billing.models import Allocation, Invoice, InvoiceLine
from billing.rows import status_words
from billing.taxes import GST_RATE, QST_RATE
from billing.units import unit_name


class Line(NamedTuple):
    sku: str
    description: str
    quantity: str
    unit_price: str
    discount: str
    tax_mark: str
    amount: str


class Total(NamedTuple):
    label: str
    registration: str
    amount: str


class Settlement(NamedTuple):
    """A payment or credit note that paid the document, or an invoice its credit was used for."""

    day: date
    label: str
    detail: str
    url: str
    amount: str


def quantity_words(*, quantity: Decimal, unit: str, language: str) -> str:
    """A quantity and its unit, never parted at the end of a line: 1,5 jour."""
    number = format_decimal(quantity, format="#,##0.###", locale="en_CA" if language[:2] == "en" else "fr_CA")
    return f"{number} {unit_name(unit=unit, quantity=quantity)}".replace(" ", formats.NO_BREAK_SPACE)


def lines_of(*, document: Invoice) -> list[Line]:
    """The lines in their order, amounts signed by kind. One query."""
    language = get_language() or "fr-ca"
    marks = {code: mark for code, mark, _words in _marks()}
    return [
        Line(
            sku=line.sku,
            description=line.description,
            quantity=quantity_words(quantity=line.quantity, unit=line.unit, language=language),
            unit_price=formats.money(line.unit_price, language),
            discount=formats.percent(line.discount_percent, language) if line.discount_percent else "",
            tax_mark=marks[line.tax_code],
            amount=formats.money(document.sign * line.amount, language),
        )
        for line in document.lines.order_by("position")
    ]


def _marks() -> list[tuple[str, str, str]]:
    """Tax code, the letter on a line, what it means."""
    return [
        (InvoiceLine.TaxCode.STANDARD, pgettext("mark of a taxable line", "T"), _("taxable, GST and QST")),
        (InvoiceLine.TaxCode.EXEMPT, pgettext("mark of an exempt line", "E"), _("exempt")),
        (InvoiceLine.TaxCode.ZERO, pgettext("mark of a zero-rated line", "Z"), _("zero-rated")),
    ]


def legend_of(*, lines: Sequence[Line]) -> list[tuple[str, str]]:
    """The tax marks these lines bear, and what each means."""
    used = {line.tax_mark for line in lines}
    return [(mark, words) for _code, mark, words in _marks() if mark in used]


def totals_of(*, document: Invoice) -> list[Total]:
    """Subtotal and both taxes, each with the supplier's registration number."""
    language = get_language() or "fr-ca"
    letterhead = document.letterhead
    parts = [(_("Subtotal"), "", document.subtotal)]
    if document.taxable_subtotal != document.subtotal:
        parts.append((_("of which taxable"), "", document.taxable_subtotal))
    for label, rate, number, amount in (
        (_("GST"), GST_RATE, letterhead.gst_number, document.gst),
        (_("QST"), QST_RATE, letterhead.qst_number, document.qst),
    ):
        parts.append((f"{label} {formats.percent(rate * 100, language)}", number, amount))
    return [Total(label, number, formats.money(document.sign * amount, language)) for label, number, amount in parts]


def status_of(*, document: Invoice) -> tuple[str, str]:
    """The status as a code, and in words that say by how long it is overdue."""
    status = document.status
    return status.value, status_words(status=status, due_on=document.due_on, today=timezone.localdate())


def terms_of(*, document: Invoice) -> str:
    """When to pay, from the two dates fixed at issue: what the customer's terms are today does not matter."""
    days = (document.due_on - document.issued_on).days
    if days == 0:
        return _("Due on receipt")
    return ngettext("Net %(days)d day", "Net %(days)d days", days) % {"days": days}


def settlements_of(*, document: Invoice) -> list[Settlement]:
    """What paid an invoice, or what a credit note was used for, oldest first. One query."""
    is_credit = document.kind == Invoice.Kind.CREDIT_NOTE
    made = document.allocations_made if is_credit else document.allocations
    rows = made.select_related("payment", "credit_note", "invoice").order_by("created_at", "pk")
    public_id = document.customer.public_id
    return [_used(row, public_id) if is_credit else _paid(row, public_id) for row in rows]


def _paid(row: Allocation, public_id: str) -> Settlement:
    language = get_language() or "fr-ca"
    if row.credit_note is not None:
        label = _("Credit note %(number)s") % {"number": row.credit_note.number}
        return _settlement(row, row.credit_note, label, public_id)
    payment = row.payment
    assert payment is not None  # noqa: S101 - allocation_one_source, in the database
    return Settlement(
        day=payment.received_on,
        label=_("Payment %(number)s") % {"number": payment.number},
        detail=" · ".join(filter(None, [str(payment.get_method_display()), payment.reference])),
        url="",
        amount=formats.money(row.amount, language),
    )


def _used(row: Allocation, public_id: str) -> Settlement:
    label = _("Invoice %(number)s") % {"number": row.invoice.number}
    return _settlement(row, row.invoice, label, public_id)


def _settlement(row: Allocation, other: Invoice, label: str, public_id: str) -> Settlement:
    return Settlement(
        day=timezone.localdate(row.created_at) if other.kind == Invoice.Kind.INVOICE else other.issued_on,
        label=label,
        detail="",
        url=reverse("billing:invoice-detail", args=[public_id, other.number]),
        amount=formats.money(row.amount, get_language() or "fr-ca"),
    )
