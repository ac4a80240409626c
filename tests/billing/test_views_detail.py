"""One document as a page: everything on it, what paid it, and nothing of anybody else's."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils.html import escape

from billing.models import Invoice
from tests import factories
from tests.billing.test_services import draft, issue, pay

NBSP = "\N{NO-BREAK SPACE}"


def page(client, customer, number):
    response = client.get(reverse("billing:invoice-detail", args=[customer.public_id, number]))
    assert response.status_code == 200
    return response.content.decode()


def words(html):
    """What a person reads, spaces as one."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.fixture
def signed_in(client, alice):
    client.force_login(alice)
    return client


def test_a_document_shows_all_it_was_issued_with(signed_in, acme, today):
    acme.address_line1, acme.city = "1200, rue Notre-Dame", "Montréal"
    acme.save()
    branch = factories.BranchFactory(merchant=acme.merchant, name="Laval", phone="+14505550188", phone_extension="204")
    issue(
        acme,
        number="F-20790",
        branch=branch,
        adviser="Josée Pelletier",
        po_number="BC-4500",
        project="Tour Nord",
        requisition_number="REQ-77",
        site_address="455, boul. Saint-Martin",
        requested_by="Marc Dubé",
        lines=[draft(discount_percent=Decimal("12.5")), draft(description="Étude", tax_code="exempt", unit="hour")],
    )
    html = page(signed_in, acme, "F-20790")
    text = words(html)
    for expected in (
        "F-20790", "2026-11-01", "2026-12-01", "Acme Construction inc.", "1200, rue Notre-Dame", "Laval",
        "Josée Pelletier", "BC-4500", "Tour Nord", "REQ-77", "455, boul. Saint-Martin", "Marc Dubé",
        "Nacelle articulée de 60 pi", "NAC-60", "12,5 %", "10,10 $", "26,51 $", "30,30 $", "808437370 RT 0001",
        "1224002901 TQ 0001", "56,81 $", "1,33 $", "2,64 $", "60,78 $",
    ):  # fmt: skip
        assert expected in text, expected
    assert "tel:+14505550188;ext=204" in html


def test_units_are_words_of_the_reader(client, acme, alice):
    issue(acme, lines=[draft(quantity=Decimal("1.5"), unit="week"), draft(unit="palette bleue")])
    alice.language = "en-ca"
    alice.save()
    client.force_login(alice)
    text = words(page(client, acme, "F-1"))
    assert "1.5 weeks" in text
    assert "3 palette bleue" in text


def test_what_paid_an_invoice_is_named_and_leads_to_the_credit_note(signed_in, acme, today):
    invoice = issue(acme, lines=[draft(quantity=Decimal(10))])
    pay(acme, number="P-77", amount=Decimal("20.00"), reference="virement 8841", allocations={invoice.pk: Decimal(20)})
    credit = issue(acme, kind=Invoice.Kind.CREDIT_NOTE, number="N-1", corrects=invoice)
    html = page(signed_in, acme, "F-1")
    text = words(html)
    for expected in ("P-77", "virement 8841", "2026-11-10", "20,00 $", "34,84 $", "61,28 $", "116,12 $"):
        assert expected in text, expected
    assert html.count(f'href="{credit.get_absolute_url()}"') == 2  # as what paid, and as what corrects
    back = page(signed_in, acme, "N-1")
    assert f'href="{invoice.get_absolute_url()}"' in back
    assert "-34,84 $" in words(back)
    assert 'data-is="credit"' in back


def test_an_overdue_invoice_says_so_in_words(signed_in, acme, today):
    issue(acme, issued_on=date(2026, 10, 1), due_on=date(2026, 11, 12))
    html = page(signed_in, acme, "F-1")
    assert 'data-is="overdue"' in html
    assert 'class="late"' in html
    assert re.search(r"\b10\b", words(html))


def test_the_pdf_comes_in_the_customers_language_first_and_in_the_other(signed_in, acme):
    acme.language = "en-ca"
    acme.save()
    issue(acme)
    url = reverse("billing:invoice-pdf", args=[acme.public_id, "F-1"])
    links = re.findall(rf'data-kind="(\w+)" href="{re.escape(url)}\?language=([\w-]+)"', page(signed_in, acme, "F-1"))
    assert links == [("main", "en-ca"), ("quiet", "fr-ca")]


def test_a_question_reaches_a_person_with_the_number_at_hand(signed_in, acme):
    issue(acme, number="F/1 & 2")
    html = page(signed_in, acme, "F/1 & 2")
    assert "tel:+15145550100;ext=10435" in html
    assert "F%2F1%20%26%202" in re.search(r'href="mailto:([^"]+subject[^"]+)"', html)[1]


@pytest.mark.parametrize("number", ["A/1", "F#2", "50 %", "é?3", "F;4", "O'5", 'G"6', "<b>7", "F-1.pdf", "export.csv"])
def test_any_number_the_books_may_hold_has_its_page(signed_in, acme, number):
    invoice = issue(acme, number=number)
    html = signed_in.get(invoice.get_absolute_url()).content.decode()
    assert escape(number) in html


def test_another_customers_number_is_not_found(signed_in, acme, globex):
    theirs = issue(globex, number="F-9")
    response = signed_in.get(reverse("billing:invoice-detail", args=[acme.public_id, "F-9"]))
    assert response.status_code == 404
    assert signed_in.get(theirs.get_absolute_url()).status_code == 404


def test_a_member_without_the_permission_sees_no_document(client, acme, bob, charlie):
    invoice = issue(acme)
    client.force_login(bob)
    response = client.get(invoice.get_absolute_url())
    assert response.status_code == 403
    assert "34,84" not in response.content.decode()
    client.force_login(charlie)
    assert client.get(invoice.get_absolute_url()).status_code == 404


def test_queries_do_not_grow_with_lines_or_payments(signed_in, acme, django_assert_max_num_queries):
    invoice = issue(acme, lines=[draft() for _line in range(40)])
    for index in range(10):
        pay(acme, number=f"P-{index}", allocations={invoice.pk: Decimal("1.00")})
        issue(acme, kind=Invoice.Kind.CREDIT_NOTE, number=f"N-{index}", corrects=invoice)
    page(signed_in, acme, "F-1")
    with django_assert_max_num_queries(9):
        assert "N-9" in page(signed_in, acme, "F-1")


@pytest.mark.parametrize("name", ["invoice-detail", "invoice-pdf", "invoice-pdf-prepare"])
def test_a_number_that_no_database_holds_is_not_found(signed_in, acme, name):
    address = reverse(f"billing:{name}", args=[acme.public_id, "F-1"]).replace("F-1", "F%001")
    assert signed_in.get(address).status_code == 404
    assert signed_in.post(address).status_code == 404
