"""The files of documents: owed as a row, made once by a worker, stored, then only read.

A row is claimed in a short transaction, and nothing is locked while the file is made. A worker that dies leaves its
claim to run out; whoever comes next writes the same bytes at the same place.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.files import store
from accounts.nudges import nudge
from billing.models import Invoice, InvoicePdf

logger = logging.getLogger(__name__)

RENDER = "billing.render_pdf"
# How long a claim holds: far more than a rendering takes, short enough to be made again soon after a kill.
CLAIM = timedelta(seconds=45)
CLAIM_A_LINE = timedelta(milliseconds=50)
FIRST_DELAY = timedelta(seconds=30)
LONGEST_DELAY = timedelta(hours=1)
# From this many failed tries on, people are told; tries go on.
BROKEN_AFTER = 3
# One sweep makes this many at most, so that the next one, on any worker, takes its share.
SWEEP = 200


def request_pdf(*, invoice: Invoice, language: str) -> InvoicePdf:
    """The file of a document in a language, owed from now on unless it exists; one that failed is due now. Nudges."""
    with transaction.atomic():
        pdf, _created = InvoicePdf.objects.get_or_create(invoice=invoice, language=language)
        if pdf.rendered_at is None:
            InvoicePdf.objects.filter(pk=pdf.pk, rendered_at=None).exclude(last_error="").update(due_at=timezone.now())
            nudge(RENDER, pdf_id=pdf.pk)
    return pdf


def path_of(*, pdf: InvoicePdf) -> str:
    """Where a file is kept: always the same for the same row, so a second making overwrites the first."""
    return f"invoices/{pdf.invoice_id // 1000}/{pdf.invoice_id}-{pdf.language}.pdf"


def is_broken(*, pdf: InvoicePdf) -> bool:
    """Whether enough tries failed that a person must be told."""
    return pdf.rendered_at is None and bool(pdf.last_error) and pdf.attempts >= BROKEN_AFTER


def render_pdf(*, pdf_id: int) -> bool:
    """Make one file if it is owed, due and nobody is at it; a failure is kept on the row and tried again later."""
    pdf = _claim(pdf_id=pdf_id)
    if pdf is None:
        return False
    _make(pdf)
    return True


def render_owed() -> int:
    """Make what is owed and due, oldest first; one that fails does not stop the others. The number tried."""
    tried = 0
    while tried < SWEEP and (pdf := _claim()) is not None:
        _make(pdf)
        tried += 1
    return tried


def _claim(*, pdf_id: int | None = None) -> InvoicePdf | None:
    """Take a due row for ourselves until its claim runs out; rows another worker is taking are skipped."""
    with transaction.atomic():
        owed = InvoicePdf.objects.owed() if pdf_id is None else InvoicePdf.objects.owed().filter(pk=pdf_id)
        rows = owed.select_for_update(of=("self",), skip_locked=True)
        pdf = rows.select_related("invoice").order_by("due_at", "pk").first()
        if pdf is not None:
            pdf.attempts += 1
            pdf.due_at = timezone.now() + CLAIM + pdf.invoice.line_count * CLAIM_A_LINE
            pdf.save(update_fields=["attempts", "due_at"])
    return pdf


def _make(pdf: InvoicePdf) -> None:
    owed = InvoicePdf.objects.filter(pk=pdf.pk, rendered_at=None)
    try:
        content = _rendered(pdf)
        path = path_of(pdf=pdf)
        store(storage=pdf.file.storage, path=path, content=content)
    except Exception as failure:  # whatever it is, it is kept on the row, shown in the admin and tried again
        logger.exception("PDF %s was not made, try %s", pdf.pk, pdf.attempts)
        delay = min(FIRST_DELAY * 2 ** min(pdf.attempts - 1, 16), LONGEST_DELAY)
        owed.update(last_error=f"{type(failure).__name__}: {failure}"[:2000], due_at=timezone.now() + delay)
        return
    digest = hashlib.sha256(content).hexdigest()
    owed.update(file=path, sha256=digest, size=len(content), rendered_at=timezone.now(), last_error="")


def _rendered(pdf: InvoicePdf) -> bytes:
    # WeasyPrint takes half a second and 40 MB to load: only workers pay for it.
    from billing.pdf import render_invoice  # noqa: PLC0415 - see above

    related = Invoice.objects.select_related("merchant", "customer", "letterhead", "branch", "corrects")
    return render_invoice(invoice=related.get(pk=pdf.invoice_id), language=pdf.language)
