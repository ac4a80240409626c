"""What the PDF of an invoice or credit note says, in one language.

What is paid is not printed: the file never changes.
"""

from __future__ import annotations

from itertools import batched
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.formats import iso_date, long_date, money, phone
from accounts.pdf import engine
from billing import document as words
from billing.models import Invoice

TEMPLATE = "billing/pdf/invoice.html"
STYLESHEET = "billing/pdf/invoice.css"
# The totals never stand alone on a page: this many lines stay with them.
LINES_KEPT_WITH_TOTALS = 2
FACTS_A_ROW = 4


def _terms(invoice: Invoice) -> str:
    """When to pay, from the two dates fixed at issue: what the customer's terms are today does not matter."""
    days = (invoice.due_on - invoice.issued_on).days
    if days == 0:
        return _("Due on receipt")
    return ngettext("Net %(days)d day", "Net %(days)d days", days) % {"days": days}


def _facts(invoice: Invoice, language: str) -> list[tuple[str, str]]:
    """What identifies the document, label and value, empty ones left out."""
    branch = invoice.branch
    facts = [
        (_("Date"), long_date(invoice.issued_on, language)),
        (_("Customer number"), invoice.customer.number),
        (_("Branch"), branch.name if branch else ""),
        (_("Adviser"), invoice.adviser),
        (_("Purchase order"), invoice.po_number),
        (_("Project"), invoice.project),
        (_("Requisition"), invoice.requisition_number),
        (_("Requested by"), invoice.requested_by),
        (_("Site"), invoice.site_address),
    ]
    return [(str(label), value) for label, value in facts if value]


def _context(invoice: Invoice, language: str) -> dict[str, Any]:
    """Everything the template shows, already in words and figures: a page of 200 lines formats nothing."""
    rows = words.lines_of(document=invoice)
    facts = _facts(invoice, language)
    letterhead = invoice.letterhead
    is_credit = invoice.kind == Invoice.Kind.CREDIT_NOTE
    return {
        "language": "en-CA" if language[:2] == "en" else "fr-CA",
        "invoice": invoice,
        "letterhead": letterhead,
        "letterhead_phone": phone(letterhead.phone, letterhead.phone_extension, language),
        "is_credit": is_credit,
        "document": _("Credit note") if is_credit else _("Invoice"),
        "corrected": invoice.corrects,
        "corrected_on": long_date(invoice.corrects.issued_on, language) if invoice.corrects else "",
        "issued_iso": iso_date(invoice.issued_on),
        "due_on": long_date(invoice.due_on, language),
        "terms": "" if is_credit else _terms(invoice),
        "facts": list(batched(facts, FACTS_A_ROW)),
        "rows": rows[:-LINES_KEPT_WITH_TOTALS],
        "last_rows": rows[-LINES_KEPT_WITH_TOTALS:],
        "has_discount": any(row.discount for row in rows),
        "legend": words.legend_of(lines=rows),
        "totals": words.totals_of(document=invoice),
        "total": money(invoice.sign * invoice.total, language),
    }


def invoice_html(*, invoice: Invoice, language: str) -> str:
    """The page of a document, before it becomes a file."""
    with translation.override(language):
        return render_to_string(TEMPLATE, _context(invoice, language))


def render_invoice(*, invoice: Invoice, language: str) -> bytes:
    """The document as a PDF (PDF/A-3a and PDF/UA-1) in a language; the same bytes whenever and wherever it is made."""
    html = invoice_html(invoice=invoice, language=language)
    return engine.render(html=html, stylesheet=STYLESHEET, hue=invoice.merchant.hue)
