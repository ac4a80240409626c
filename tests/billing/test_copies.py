"""Whether an invoice is ours, and what is due on it: an answer for whoever holds the very file, and nobody else."""

from __future__ import annotations

import hashlib
from decimal import Decimal

import pytest
from django.utils import translation

from billing import copies, files
from billing.models import Invoice, InvoicePdf
from organizations.models import Customer
from signatures.verify import find
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def invoice(acme: Customer) -> Invoice:
    return factories.InvoiceFactory(customer=acme, number="F-104482")


def pdf_of(invoice: Invoice, *, language: str = "fr-ca", digest: str = "a" * 64) -> str:
    """Its file, as if made; the fingerprint it has."""
    made = {"file": "x.pdf", "sha256": digest, "rendered_at": invoice.created_at}
    InvoicePdf.objects.create(invoice=invoice, language=language, **made)
    return digest


def still_due(invoice: Invoice, digest: str) -> tuple[str, str]:
    return copies.stored_pdf(digest).facts[-1]


def pay(invoice: Invoice, amount: str) -> None:
    payment = factories.PaymentFactory(customer=invoice.customer, amount=Decimal(amount))
    factories.AllocationFactory(payment=payment, invoice=invoice, amount=Decimal(amount))


def test_the_very_file_a_worker_made_is_recognised_with_what_is_due(client, invoice, settings, tmp_path, today):
    default = settings.STORAGES["default"]
    options = {**default["OPTIONS"], "location": str(tmp_path)}
    settings.STORAGES = {**settings.STORAGES, "default": {**default, "OPTIONS": options}}
    pdf = files.request_pdf(invoice=invoice, language="fr-ca")
    files.render_pdf(pdf_id=pdf.pk)
    pdf.refresh_from_db()
    with pdf.file.open("rb") as file:
        content = file.read()
    page = client.post("/verify/", {"sha256": hashlib.sha256(content).hexdigest()}).content.decode()
    for words in ("De nous, intact", "Facture F-104482", "114,98\u00a0$, d’ici le 1er\u00a0décembre\u00a02026"):
        assert words in page, words
    page = client.post("/verify/", {"sha256": hashlib.sha256(content + b" ").hexdigest()}).content.decode()
    assert "F-104482" not in page
    assert "Inconnu" in page


def test_what_is_due_follows_what_was_paid(invoice, today):
    digest = pdf_of(invoice)
    with translation.override("en-ca"):
        assert still_due(invoice, digest) == ("Still due", "$114.98, by December\u00a01,\u00a02026")
        pay(invoice, "14.98")
        assert still_due(invoice, digest) == ("Still due", "$100.00, by December\u00a01,\u00a02026")
        pay(invoice, "100.00")
        assert still_due(invoice, digest) == ("Still due", "Nothing: it is paid")


def test_an_overdue_invoice_says_since_when(invoice, time_machine):
    digest = pdf_of(invoice)
    time_machine.move_to("2027-01-15")
    with translation.override("en-ca"):
        assert still_due(invoice, digest) == ("Still due", "$114.98, overdue since December\u00a01,\u00a02026")


def test_both_languages_of_an_invoice_are_recognised(invoice):
    french, english = pdf_of(invoice), pdf_of(invoice, language="en-ca", digest="b" * 64)
    assert copies.stored_pdf(french) == copies.stored_pdf(english)


def test_a_credit_note_says_what_is_left_of_it(acme, invoice):
    note = factories.InvoiceFactory(
        customer=acme, number="NC-7", kind=Invoice.Kind.CREDIT_NOTE, corrects=invoice, due_on=invoice.issued_on
    )
    finding = copies.stored_pdf(pdf_of(note))
    assert finding.title == "Note de crédit NC-7"
    assert finding.facts[-1] == ("Crédit à utiliser", "114,98\u00a0$")


def test_a_file_owed_and_not_made_is_nobody_s(invoice):
    files.request_pdf(invoice=invoice, language="fr-ca")
    assert copies.stored_pdf("") is None
    assert copies.stored_pdf("a" * 64) is None


def test_the_portal_asks_billing(invoice, django_assert_num_queries):
    digest = pdf_of(invoice)
    assert find(sha256=digest).title == "Facture F-104482"
    with django_assert_num_queries(1):
        copies.stored_pdf(digest)
