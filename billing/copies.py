"""Whose file is this: the PDF of a document of ours, and what is still due on it.

The fingerprint is only known to who holds that very file, which says all of this but what was paid since.
"""

from __future__ import annotations

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.formats import long_date, money
from billing.models import Invoice, InvoicePdf
from signatures.verify import Finding


def stored_pdf(sha256: str) -> Finding | None:
    """An invoice or a credit note as we made it, in either language. One query."""
    pdf = InvoicePdf.objects.filter(sha256=sha256).exclude(sha256="").select_related("invoice__letterhead").first()
    if pdf is None:
        return None
    document, language = pdf.invoice, get_language() or ""
    facts = [
        (_("Date"), long_date(document.issued_on, language)),
        (_("Total"), money(document.signed_total, language)),
        _settlement(document, language),
    ]
    return Finding(
        title=f"{document.get_kind_display()} {document.number}",
        issuer=document.letterhead.legal_name,
        facts=tuple(facts),
    )


def _settlement(document: Invoice, language: str) -> tuple[str, str]:
    """What is still due and by when, in words that a paid invoice does not leave in doubt."""
    if document.kind == Invoice.Kind.CREDIT_NOTE:
        return _("Credit left to use"), money(abs(document.balance), language)
    if document.status == Invoice.Status.PAID:
        return _("Still due"), _("Nothing: it is paid")
    words = {"amount": money(document.balance, language), "day": long_date(document.due_on, language)}
    if document.status == Invoice.Status.OVERDUE:
        return _("Still due"), _("%(amount)s, overdue since %(day)s") % words
    return _("Still due"), _("%(amount)s, by %(day)s") % words
