"""What a printed document says, in both languages, and that it is one archival, accessible, repeatable file."""

from __future__ import annotations

import hashlib
import http.server
import os
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path

import pytest
from django.db import connection

from accounts.models import Language
from accounts.pdf import engine
from billing.models import Invoice
from billing.pdf import render_invoice
from organizations.models import Customer
from tests import factories
from tests.billing.pdf_samples import invoice_of
from tests.judges import ROOT, judged, pages_of, text_of

COMMON = [
    "Location Boréal",  # business name
    "Boréal inc.",  # legal name
    "1, rue du Quai",
    "Acme Construction inc.",
    "455, rue du Marché",
    "H4N 1J8",
    "F-104482",
    "10482",
    "Laval – Industriel",
    "Mélanie Ouellet",
    "PO-88213",
    "Station Du Ruisseau",
    "RQ-5512",
    "Bob Gagnon",
    "12400, av. du Bois, Montréal",
    "Location d’une nacelle articulée de 60 pi",
    "ART-001",
    "808437370 RT 0001",
    "1224002901 TQ 0001",
]
FRENCH = [
    "Facture",
    "1er novembre 2026",
    "Échéance : 1er décembre 2026",
    "Net 30 jours",
    "450 555-0142, poste 10435",
    "Facturé à",
    "Succursale",
    "Bon de commande",
    "5 jours",
    "1,5 semaine",
    "42,375 l",
    "1,8875 $",
    "10 %",
    "taxable, TPS et TVQ",
    "exonéré",
    "Sous-total 3 736,42 $",
    "dont taxable 3 676,42 $",
    "TPS 5 %",
    "183,82 $",
    "TVQ 9,975 %",
    "366,72 $",
    "Total (CAD) 4 286,96 $",
    "Page 1 de 1",
]
ENGLISH = [
    "Invoice",
    "November 1, 2026",
    "Due December 1, 2026",
    "Net 30 days",
    "450-555-0142, ext. 10435",
    "Billed to",
    "Branch",
    "Purchase order",
    "5 days",
    "1.5 weeks",
    "42.375 l",
    "$1.8875",
    "10%",
    "taxable, GST and QST",
    "exempt",
    "Subtotal $3,736.42",
    "of which taxable $3,676.42",
    "GST 5%",
    "$183.82",
    "QST 9.975%",
    "$366.72",
    "Total (CAD) $4,286.96",
    "Page 1 of 1",
]


@pytest.fixture
def boreal(boreal):
    boreal.legal_name = "Boréal inc."
    boreal.save()
    return boreal


@pytest.fixture
def invoice(acme: Customer) -> Invoice:
    return invoice_of(customer=acme)


@pytest.mark.parametrize(("language", "words"), [(Language.FRENCH, FRENCH), (Language.ENGLISH, ENGLISH)])
def test_an_invoice_prints_every_compulsory_mention(invoice: Invoice, language: str, words: list[str]) -> None:
    text = text_of(render_invoice(invoice=invoice, language=language))
    assert [mention for mention in (*COMMON, *words) if mention not in text] == []


def test_what_is_paid_is_not_printed(invoice: Invoice) -> None:
    before = render_invoice(invoice=invoice, language="fr-ca")
    payment = factories.PaymentFactory(customer=invoice.customer, amount="100")
    factories.AllocationFactory(payment=payment, invoice=invoice, amount="100")
    invoice.refresh_from_db()
    assert invoice.settled_amount == 100
    assert render_invoice(invoice=invoice, language="fr-ca") == before


def test_an_invoice_due_the_day_it_is_issued_says_so(acme: Customer) -> None:
    invoice = invoice_of(customer=acme, due_on=date(2026, 11, 1))
    assert "Payable sur réception" in text_of(render_invoice(invoice=invoice, language="fr-ca"))


def test_a_credit_note_names_what_it_corrects_and_shows_negative_amounts(invoice: Invoice) -> None:
    note = invoice_of(customer=invoice.customer, number="NC-7", kind=Invoice.Kind.CREDIT_NOTE, corrects=invoice)
    french = text_of(render_invoice(invoice=note, language="fr-ca"))
    english = text_of(render_invoice(invoice=note, language="en-ca"))
    assert "Note de crédit NC-7" in french
    assert "Corrige la facture F-104482 du 1er novembre 2026" in french
    assert "Total du crédit (CAD) -4 286,96 $" in french
    assert "-2 062,50 $" in french
    assert "Échéance" not in french
    assert "Corrects invoice F-104482 of November 1, 2026" in english
    assert "Total credit (CAD) -$4,286.96" in english


def test_two_hundred_lines_repeat_the_header_and_keep_the_totals_with_lines(acme: Customer) -> None:
    pages = pages_of(render_invoice(invoice=invoice_of(customer=acme, lines=200), language="fr-ca"))
    assert len(pages) > 4
    for number, page in enumerate(pages, 1):
        assert "Prix unitaire" in page
        assert f"Page {number} de {len(pages)}" in page
        assert "F-104482" in page
    assert "ART-199" in pages[-1]
    assert "ART-200" in pages[-1]
    assert "Total (CAD)" in pages[-1]
    assert "ART-001" in pages[0]


@pytest.mark.parametrize("lines", [*range(9, 15), 40, 41])
def test_totals_are_never_alone_on_a_page(acme: Customer, lines: int) -> None:
    last = pages_of(render_invoice(invoice=invoice_of(customer=acme, lines=lines), language="fr-ca"))[-1]
    assert "Total (CAD)" in last
    assert f"ART-{lines:03}" in last
    assert f"ART-{lines - 1:03}" in last


def test_the_same_file_is_pdf_a_3a_and_pdf_ua_1(acme: Customer, invoice: Invoice, tmp_path: Path) -> None:
    long = invoice_of(customer=acme, number="F-200", lines=60)
    note = invoice_of(customer=acme, number="NC-7", kind=Invoice.Kind.CREDIT_NOTE, corrects=invoice)
    files = []
    for document in (invoice, long, note):
        for language in Language.values:
            files.append(tmp_path / f"{document.number}-{language}.pdf")
            files[-1].write_bytes(render_invoice(invoice=document, language=language))
    for flavour in ("3a", "ua1"):
        is_good, said = judged(flavour=flavour, files=files)
        assert is_good, said
        assert said.count("PASS") == len(files)


def test_the_judge_refuses_a_bad_file(tmp_path: Path) -> None:
    bad = tmp_path / "bad.pdf"
    page = engine.Page(html="<html><head/><body><p>x</p></body></html>")
    bad.write_bytes(page.render().write_pdf())
    for flavour in ("3a", "ua1"):
        is_good, said = judged(flavour=flavour, files=[bad])
        assert not is_good
        assert "FAIL" in said


def test_every_letter_of_a_name_is_printed_or_replaced_without_a_font_of_the_machine(
    acme: Customer, tmp_path: Path
) -> None:
    name = "Œuvre Ñandú Łódź Ελλάς Москва 東京 \u202e\u0007😀"
    invoice = invoice_of(customer=acme, bill_to_name=name)
    content = render_invoice(invoice=invoice, language="fr-ca")
    assert "Œuvre Ñandú Łódź Ελλάς Москва ?? ?" in text_of(content)
    path = tmp_path / "names.pdf"
    path.write_bytes(content)
    for flavour in ("3a", "ua1"):
        is_good, said = judged(flavour=flavour, files=[path])
        assert is_good, said


def test_markup_in_a_name_is_printed_and_no_address_is_fetched(acme: Customer) -> None:
    asked: list[str] = []

    class Trap(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Trap) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        trap = f"http://127.0.0.1:{server.server_port}/trap"
        name = f'<img src="{trap}"/><link rel="stylesheet" href="{trap}"/>'
        invoice = invoice_of(customer=acme, bill_to_name=name, project=f"{{{{ url({trap}) }}}}")
        text = text_of(render_invoice(invoice=invoice, language="fr-ca"))
        # Even a template that let markup through would fetch nothing.
        with pytest.raises(engine.AddressFetched) as refusal:
            engine.render(html=f'<html lang="fr"><body><img src="{trap}"/></body></html>', stylesheet=CSS, hue=1)
        server.shutdown()
        thread.join()
    assert asked == []
    assert "<img src=" in text
    assert "127.0.0.1" in str(refusal.value)


CSS = "billing/pdf/invoice.css"
TWICE = """
import hashlib, os, time
os.environ["TZ"] = {zone!r}; time.tzset()
import django; django.setup()
from django.db import connections
connections["default"].settings_dict["NAME"] = {database!r}
from billing.models import Invoice
from billing.pdf import render_invoice
content = render_invoice(invoice=Invoice.objects.get(pk={pk}), language="fr-ca")
print(hashlib.sha256(content).hexdigest())
"""


@pytest.mark.django_db(transaction=True)
def test_two_processes_on_two_days_make_the_same_bytes(acme: Customer, time_machine: object) -> None:
    invoice = invoice_of(customer=acme)
    database = connection.settings_dict["NAME"]
    render_invoice(invoice=invoice_of(customer=acme, number="F-1", bill_to_name="Ελλάς Москва"), language="en-ca")
    digests = set()
    for zone, seed in (("Asia/Tokyo", "1"), ("America/Vancouver", "2")):
        program = TWICE.format(zone=zone, database=database, pk=invoice.pk)
        made = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        digests.add(made.stdout.strip().splitlines()[-1])
    time_machine.move_to("2031-01-02")
    digests.add(hashlib.sha256(render_invoice(invoice=invoice, language="fr-ca")).hexdigest())
    assert len(digests) == 1


def test_each_merchant_has_its_colour(invoice: Invoice) -> None:
    green = render_invoice(invoice=invoice, language="fr-ca")
    invoice.merchant.hue = 30
    assert render_invoice(invoice=invoice, language="fr-ca") != green
