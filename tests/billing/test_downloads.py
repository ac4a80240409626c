"""The PDF at its address: the file to who may see it, else the way to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing import files
from billing.models import Invoice, InvoicePdf
from organizations.access import grant_permission
from organizations.models import Customer
from organizations.permissions import Permission, Role
from tests import factories
from tests.billing.pdf_samples import invoice_of
from tests.judges import text_of


@pytest.fixture(autouse=True)
def folder(settings, tmp_path: Path) -> Path:
    default = settings.STORAGES["default"]
    options = {**default["OPTIONS"], "location": str(tmp_path / "files")}
    settings.STORAGES = {**settings.STORAGES, "default": {**default, "OPTIONS": options}}
    return tmp_path / "files"


@pytest.fixture
def invoice(acme: Customer) -> Invoice:
    return invoice_of(customer=acme, lines=2)


@pytest.fixture
def made(invoice: Invoice) -> InvoicePdf:
    files.request_pdf(invoice=invoice, language="fr-ca")
    assert files.render_owed() == 1
    return InvoicePdf.objects.get()


def address(invoice: Invoice, *, language: str = "") -> str:
    path = reverse("billing:invoice-pdf", args=[invoice.customer.public_id, invoice.number])
    assert path.endswith(f"/invoices/{invoice.number}.pdf")
    return f"{path}?language={language}" if language else path


def test_the_stored_file_is_sent_inline_under_its_name(client: Client, alice: User, made: InvoicePdf) -> None:
    client.force_login(alice)
    response = client.get(address(made.invoice))
    content = response.content
    assert response.status_code == 200
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == 'inline; filename="Facture-F-104482.pdf"'
    assert response["Content-Length"] == str(len(content)) == str(made.size)
    assert response["ETag"] == f'"{made.sha256}"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "private" in response["Cache-Control"]
    assert "Net 30 jours" in text_of(content)


def test_the_browser_that_has_it_gets_304_and_head_gets_no_body(client: Client, alice: User, made: InvoicePdf) -> None:
    client.force_login(alice)
    again = client.get(address(made.invoice), headers={"if-none-match": f'"{made.sha256}"'})
    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == f'"{made.sha256}"'
    changed = client.get(address(made.invoice), headers={"if-none-match": '"another"'})
    assert changed.status_code == 200
    head = client.head(address(made.invoice))
    assert (head.status_code, head.content) == (200, b"")
    assert head["Content-Length"] == str(made.size)


def test_a_credit_note_is_named_so_in_the_language_of_the_file(client: Client, alice: User, invoice: Invoice) -> None:
    note = invoice_of(
        customer=invoice.customer, lines=1, number="NC/7 é", kind=Invoice.Kind.CREDIT_NOTE, corrects=invoice
    )
    files.request_pdf(invoice=note, language="en-ca")
    files.render_owed()
    client.force_login(alice)
    url = reverse("billing:invoice-pdf", args=[note.customer.public_id, note.number])
    response = client.get(f"{url}?language=en-ca")
    assert response["Content-Disposition"] == "inline; filename*=utf-8''Credit-note-NC-7-%C3%A9.pdf"
    assert "Credit note" in text_of(response.content)


def test_only_who_may_see_invoices_gets_it(
    client: Client, bob: User, charlie: User, zoe: User, made: InvoicePdf
) -> None:
    for user, status in ((bob, 403), (charlie, 404), (zoe, 404)):
        client.force_login(user)
        for response in (
            client.get(address(made.invoice)),
            client.head(address(made.invoice)),
            client.post(f"{address(made.invoice)}/prepare/"),
        ):
            assert response.status_code == status
            assert b"%PDF" not in response.content
    client.logout()
    assert client.get(address(made.invoice)).status_code == 302


def test_the_number_of_another_customer_is_not_found(
    client: Client, alice: User, acme: Customer, globex: Customer
) -> None:
    theirs = invoice_of(customer=globex, lines=1, number="F-THEIRS")
    files.request_pdf(invoice=theirs, language="fr-ca")
    files.render_owed()
    client.force_login(alice)
    url = reverse("billing:invoice-pdf", args=[acme.public_id, "F-THEIRS"])
    assert client.get(url).status_code == 404
    assert client.post(f"{url}/prepare/").status_code == 404


def test_a_language_we_do_not_write_is_not_found(client: Client, alice: User, made: InvoicePdf) -> None:
    client.force_login(alice)
    assert client.get(address(made.invoice, language="de")).status_code == 404


def test_from_the_button_to_the_file_without_scripts(client: Client, alice: User, invoice: Invoice) -> None:
    client.force_login(alice)
    url = address(invoice, language="en-ca")
    first = client.get(url)
    prepare = reverse("billing:invoice-pdf-prepare", args=[invoice.customer.public_id, invoice.number])
    assert first.status_code == 200
    assert f'action="{prepare}?language=en-ca"' in first.content.decode()
    assert not InvoicePdf.objects.exists()

    for _again in range(2):
        asked = client.post(f"{prepare}?language=en-ca")
        assert (asked.status_code, asked["Location"]) == (303, url)
    assert InvoicePdf.objects.get().language == "en-ca"

    waiting = client.get(url)
    page = waiting.content.decode()
    assert waiting.status_code == 202
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page
    assert f'<a href="{url}">' in page
    assert waiting["Cache-Control"] == "private, no-store"

    files.render_owed()
    assert "Net 30 days" in text_of(client.get(url).content)


def test_the_waiting_page_asks_by_htmx_and_is_sent_to_the_file(client: Client, alice: User, invoice: Invoice) -> None:
    client.force_login(alice)
    files.request_pdf(invoice=invoice, language="fr-ca")
    url = address(invoice)
    assert f'hx-get="{url}"' in client.get(url).content.decode()
    still = client.get(url, headers={"hx-request": "true"})
    assert (still.status_code, still.content) == (204, b"")
    files.render_owed()
    ready = client.get(url, headers={"hx-request": "true"})
    assert ready["HX-Redirect"] == url
    assert "HX-Request" in ready["Vary"]
    assert client.get(url).content.startswith(b"%PDF")


def test_a_pdf_that_cannot_be_made_says_so_and_gives_a_person(
    client: Client, alice: User, invoice: Invoice, folder: Path
) -> None:
    client.force_login(alice)
    folder.mkdir()
    (folder / "invoices").write_text("a file where the folder should be")
    for _try in range(files.BROKEN_AFTER):
        files.request_pdf(invoice=invoice, language="fr-ca")
        files.render_owed()
    page = client.get(address(invoice)).content.decode()
    assert "Nous n’avons pas réussi à produire ce PDF." in page
    assert "514 555-0100, poste 10435" in page.replace("\N{NO-BREAK SPACE}", " ")
    assert invoice.get_absolute_url() in page
    fragment = client.get(address(invoice), headers={"hx-request": "true"}).content.decode()
    assert "Nous n’avons pas réussi" in fragment
    assert "<html" not in fragment


def test_the_file_costs_the_same_few_queries(
    client: Client, alice: User, made: InvoicePdf, django_assert_max_num_queries
) -> None:
    client.force_login(alice)
    client.get(address(made.invoice))
    with django_assert_max_num_queries(6):
        client.get(address(made.invoice))


def test_who_sees_no_prices_is_given_no_pdf_nor_has_one_made(client: Client, alice: User, made: InvoicePdf) -> None:
    """LU-6: nor do they read an amount in a letter, see the refusals of tests/organizations/test_groups.py."""
    blind = factories.UserFactory()
    factories.MembershipFactory(customer=made.invoice.customer, user=blind, role=Role.REQUESTER)
    grant_permission(customer=made.invoice.customer, user=blind, permission=Permission.VIEW_INVOICES)
    other = invoice_of(customer=made.invoice.customer, lines=2, number="F-104483")
    prepare = reverse("billing:invoice-pdf-prepare", args=[other.customer.public_id, other.number])
    client.force_login(blind)
    for response in (client.get(address(made.invoice)), client.post(prepare)):
        assert response.status_code == 403
        assert b"%PDF" not in response.content
        assert "Voir les prix" in response.text
    assert InvoicePdf.objects.count() == 1
    client.force_login(alice)
    assert client.get(address(made.invoice)).content.startswith(b"%PDF")
    assert client.post(prepare).status_code == 303
    assert InvoicePdf.objects.count() == 2
