"""Documents for agents: found, read, never edited; their files opened, and made again when they could not be."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone

from billing.models import Invoice, InvoicePdf
from organizations.models import Customer
from tests import factories

INVOICES = "admin:billing_invoice_changelist"


@pytest.fixture
def invoice(acme: Customer) -> Invoice:
    return factories.InvoiceFactory(customer=acme, number="F-100", po_number="BC-77")


@pytest.fixture
def stored(invoice: Invoice) -> InvoicePdf:
    pdf = InvoicePdf(invoice=invoice, language="fr-ca", sha256="a" * 64, size=8, rendered_at=timezone.now())
    pdf.file.save("F-100.pdf", ContentFile(b"%PDF-1.7"), save=False)
    pdf.save()
    return pdf


def sheet(invoice: Invoice) -> str:
    return reverse("admin:billing_invoice_change", args=[invoice.pk])


@pytest.mark.parametrize("typed", ["F-100", "f-10", "BC-77", "10482"])
def test_a_document_is_found_by_its_number_its_order_or_its_customer(typed, agent, invoice, globex):
    factories.InvoiceFactory(customer=globex, number="G-200")
    content = agent.get(reverse(INVOICES), {"q": typed}).content.decode()
    assert sheet(invoice) in content
    assert "G-200" not in content


def test_the_status_filter_agrees_with_the_status_shown(agent, acme, today):
    def document(number: str, **fields: object) -> Invoice:
        return factories.InvoiceFactory(customer=acme, number=number, **fields)

    document("DUE")
    document("OVERDUE", due_on=date(2026, 11, 2))
    document("CREDIT", kind="credit_note")
    payment = factories.PaymentFactory(customer=acme, amount=Decimal("200.00"))
    factories.AllocationFactory(payment=payment, invoice=document("PART"), amount=Decimal("10.00"))
    factories.AllocationFactory(payment=payment, invoice=document("PAID"), amount=Decimal("114.98"))
    for status in Invoice.Status.values:
        content = agent.get(reverse(INVOICES), {"status": status}).content.decode()
        assert [n for n in ["DUE", "OVERDUE", "CREDIT", "PART", "PAID"] if f">{n}</a>" in content] == [status.upper()]


def test_the_sheet_shows_lines_amounts_and_the_customer(agent, invoice):
    content = agent.get(sheet(invoice)).content.decode()
    assert "nacelle articulée" in content
    assert "114,98" in content
    assert reverse("admin:organizations_customer_change", args=[invoice.customer_id]) in content


def test_an_issued_document_is_not_edited_by_anybody(agent, invoice, root):
    assert agent.post(sheet(invoice), {"number": "X"}).status_code == 403
    agent.force_login(root, backend=settings.AUTHENTICATION_BACKENDS[0])
    assert agent.post(sheet(invoice), {"number": "X"}).status_code == 403
    assert "<input" not in agent.get(sheet(invoice)).content.decode().split("<main")[1].replace(
        '<input type="hidden"', ""
    )


def test_an_agent_opens_the_stored_file(agent, invoice, stored):
    address = reverse("admin:billing_invoice_pdf", args=[invoice.pk, "fr-ca"])
    assert address in agent.get(sheet(invoice)).content.decode()
    response = agent.get(address)
    assert b"".join(response.streaming_content) == b"%PDF-1.7"
    assert response.headers["Content-Type"] == "application/pdf"
    assert {"private", "no-store"} <= set(response.headers["Cache-Control"].split(", "))


def test_a_file_that_is_not_made_is_not_found(agent, invoice, stored):
    assert agent.get(reverse("admin:billing_invoice_pdf", args=[invoice.pk, "en-ca"])).status_code == 404
    assert agent.get(reverse("admin:billing_invoice_pdf", args=[invoice.pk, "xx"])).status_code == 404
    assert agent.get(reverse("admin:billing_invoice_make", args=[invoice.pk, "xx"])).status_code == 404


def test_another_merchants_agent_does_not_get_the_file(client, zoe, invoice, stored):
    client.force_login(zoe, backend=settings.AUTHENTICATION_BACKENDS[0])
    response = client.get(reverse("admin:billing_invoice_pdf", args=[invoice.pk, "fr-ca"]))
    assert response.status_code == 404
    assert b"%PDF" not in response.content


def test_a_file_that_failed_says_why_and_is_due_again_on_demand(agent, invoice):
    later = timezone.now() + timezone.timedelta(days=1)
    failed = InvoicePdf.objects.create(
        invoice=invoice, language="fr-ca", attempts=3, last_error="Traceback\nFonte absente", due_at=later
    )
    assert "Fonte absente" in agent.get(sheet(invoice)).content.decode()
    assert sheet(invoice) in agent.get(reverse(INVOICES), {"pdf": "failed"}).content.decode()
    address = reverse("admin:billing_invoice_make", args=[invoice.pk, "fr-ca"])
    assert agent.get(address).status_code == 200
    assert agent.post(address).status_code == 303
    failed.refresh_from_db()
    assert failed.due_at <= timezone.now()


@pytest.mark.parametrize(("attempts", "words"), [(1, "1 attempt:"), (3, "3 attempts:")])
def test_one_attempt_is_one_attempt(attempts, words, agent, sam, invoice):
    sam.language = "en-ca"
    sam.save()
    due_at = timezone.now() + timezone.timedelta(days=1)
    InvoicePdf.objects.create(
        invoice=invoice, language="fr-ca", attempts=attempts, last_error="Disque plein", due_at=due_at
    )
    assert words in agent.get(sheet(invoice)).content.decode()


def test_the_other_language_is_asked_for_from_the_sheet(agent, invoice, stored):
    agent.post(reverse("admin:billing_invoice_make", args=[invoice.pk, "en-ca"]))
    assert InvoicePdf.objects.get(invoice=invoice, language="en-ca").rendered_at is None


def test_a_payment_shows_what_it_pays_and_what_is_left(agent, acme, invoice):
    payment = factories.PaymentFactory(customer=acme, amount=Decimal("100.00"))
    factories.AllocationFactory(payment=payment, invoice=invoice, amount=Decimal("60.00"))
    content = agent.get(reverse("admin:billing_payment_change", args=[payment.pk])).content.decode()
    assert sheet(invoice) in content
    assert "40,00" in content
    assert agent.post(reverse("admin:billing_payment_change", args=[payment.pk]), {"amount": "1"}).status_code == 403


def test_the_sheet_of_a_long_invoice_takes_few_queries(agent, acme, django_assert_max_num_queries):
    long = factories.InvoiceFactory(customer=acme, number="LONG", line=False, line_count=60)
    for position in range(1, 61):
        factories.InvoiceLineFactory(invoice=long, position=position)
    with django_assert_max_num_queries(10):
        agent.get(sheet(long))
