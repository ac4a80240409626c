"""The spreadsheet: the same rows as the filter, safe to open, streamed."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from billing import export
from billing.models import Invoice
from tests import factories
from tests.billing.test_services import draft, issue, pay

BOM = "\ufeff"


def download(client, customer, query=""):
    response = client.get(reverse("billing:invoice-export", args=[customer.public_id]) + query)
    return response, b"".join(response.streaming_content).decode("utf-8")


def table(text, delimiter):
    return list(csv.DictReader(io.StringIO(text.removeprefix(BOM)), delimiter=delimiter))


@pytest.fixture
def english(client, alice):
    alice.language = "en-ca"
    alice.save()
    client.force_login(alice)
    return client


def test_english_gets_commas_points_and_signs_by_kind(english, acme, today):
    invoice = issue(acme, number="F-1", po_number="PO 9", lines=[draft(quantity=Decimal(400))])
    pay(acme, amount=Decimal(100), allocations={invoice.pk: Decimal(100)})
    issue(acme, kind=Invoice.Kind.CREDIT_NOTE, number="N-1", corrects=invoice, issued_on=date(2026, 11, 2))
    response, text = download(english, acme)
    assert text.startswith(BOM)
    credit, billed = table(text, ",")
    assert (billed["Number"], billed["Kind"], billed["Purchase order"]) == ("F-1", "Invoice", "PO 9")
    assert (billed["Subtotal"], billed["GST"], billed["QST"]) == ("4040.00", "202.00", "402.99")
    assert (billed["Total"], billed["Paid or used"], billed["Balance"]) == ("4644.99", "134.84", "4510.15")
    assert (billed["Date"], billed["Due date"], billed["Status"]) == ("2026-11-01", "2026-12-01", "Partly paid")
    assert (credit["Corrects"], credit["Total"], credit["Balance"]) == ("F-1", "-34.84", "0.00")
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="invoices-10482-2026-11-22.csv"'


def test_french_gets_semicolons_and_decimal_commas(client, acme, alice):
    client.force_login(alice)
    issue(acme, lines=[draft(description="Échafaudage", quantity=Decimal(400))])
    _response, text = download(client, acme)
    head, row = text.removeprefix(BOM).splitlines()
    assert head.count(";") == row.count(";") == 16
    assert row.endswith(";4040,00;202,00;402,99;4644,99;0,00;4644,99")


def test_a_cell_that_would_be_a_formula_is_text(english, acme):
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "plain"]
    for index, text in enumerate(texts):
        issue(acme, number=f"F-{index}", project=text)
    _response, text = download(english, acme)
    projects = {row["Number"]: row["Project"] for row in table(text, ",")}
    assert projects == {f"F-{index}": text if text == "plain" else f"'{text}" for index, text in enumerate(texts)}
    assert export.safe_cell(text="\t=1") == "'\t=1"


def test_the_export_is_what_the_filter_shows(english, acme, globex, today):
    factories.InvoiceFactory(customer=globex, number="F-GLOBEX")
    factories.InvoiceFactory(customer=acme, number="F-OLD", issued_on=date(2026, 1, 5), due_on=date(2026, 2, 5))
    factories.InvoiceFactory(customer=acme, number="F-NEW", issued_on=date(2026, 11, 5))
    everything = [row["Number"] for row in table(download(english, acme)[1], ",")]
    late = [row["Number"] for row in table(download(english, acme, "?status=overdue&q=F-")[1], ",")]
    assert (everything, late) == (["F-NEW", "F-OLD"], ["F-OLD"])


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?since=hier", "From: This is not a date"),
        ("?until=2026-02-30", "To: This is not a date"),
        ("?since=2026-11-03&until=2026-11-02", "The last day comes before the first."),
        ("?q=" + "x" * 101, "at most 100 characters"),
        ("?q=F-%00", "Search: "),
        ("?status=nothing", "Status: "),
    ],
)
def test_a_filter_that_is_none_exports_nothing_and_says_why(english, acme, query, words):
    factories.InvoiceFactory(customer=acme, number="F-1")
    response = english.get(reverse("billing:invoice-export", args=[acme.public_id]) + query)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert "F-1" not in response.content.decode()


def test_rows_leave_as_they_are_read_in_one_query(english, acme, django_assert_num_queries):
    factories.InvoiceFactory.create_batch(30, customer=acme)
    lines = export.spreadsheet(documents=acme.invoices.all())
    assert next(iter(lines)) == BOM
    with django_assert_num_queries(1):
        assert len(list(lines)) == 31


def test_nobody_exports_what_they_may_not_see(client, acme, bob, charlie):
    factories.InvoiceFactory(customer=acme, number="F-1")
    url = reverse("billing:invoice-export", args=[acme.public_id])
    client.force_login(bob)
    assert client.get(url).status_code == 403
    client.force_login(charlie)
    assert client.get(url).status_code == 404
