"""One invoice to PDF/A-3a and PDF/UA-1 against plain WeasyPrint on the same page, and two processes against one."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
os.environ.setdefault("SECRET_KEY", "bench")  # no database, no request
os.environ["LOG_LEVEL"] = "ERROR"
django.setup()

from weasyprint import HTML  # noqa: E402 - Django's settings come first

from accounts.pdf import engine  # noqa: E402
from bench.measure import interleave, report  # noqa: E402
from billing.models import Invoice, InvoiceLine, Letterhead  # noqa: E402
from billing.pdf import render_invoice  # noqa: E402
from billing.pdf.invoice import STYLESHEET, invoice_html  # noqa: E402
from billing.taxes import line_amount, taxes_on  # noqa: E402
from organizations.models import Branch, Customer, Merchant  # noqa: E402

TARGETS = {5: 0.65, 200: 0.90}
RUNS = 9
TOGETHER = 1.7
SECONDS = 8
WORDS = (
    "Location d’une nacelle articulée de 60 pi",
    "Exonération de dommages (9,9 %)",
    "Mini-pelle 1,7 t",
    "Carburant",
)


class Unsaved(Invoice):
    """A document that no database holds, with its lines beside it."""

    class Meta:
        proxy = True
        app_label = "billing"

    lines: list[InvoiceLine]


class Lines(list[InvoiceLine]):
    def order_by(self, *_names: str) -> Lines:
        return self


def document(*, lines: int) -> Invoice:
    """A full invoice of as many lines, in memory."""
    merchant = Merchant(name="Location Boréal", legal_name="Location Boréal inc.")
    rows = Lines(
        InvoiceLine(
            position=index + 1,
            sku=f"ART-{index:03}",
            description=WORDS[index % len(WORDS)],
            quantity=Decimal(index % 7 + 1),
            unit="day",
            unit_price=Decimal("412.50"),
            tax_code=InvoiceLine.TaxCode.STANDARD,
            amount=line_amount(
                quantity=Decimal(index % 7 + 1), unit_price=Decimal("412.50"), discount_percent=Decimal(0)
            ),
        )
        for index in range(lines)
    )
    subtotal = sum((row.amount for row in rows), Decimal(0))
    taxes = taxes_on(taxable_subtotal=subtotal)
    Unsaved.lines = rows
    return Unsaved(
        merchant=merchant,
        customer=Customer(merchant=merchant, number="10482", name="Acme Construction inc."),
        letterhead=Letterhead(
            name=merchant.name,
            legal_name=merchant.legal_name,
            address="1, rue du Quai\nLaval (QC)  H7A 0A1",
            phone="+14505550142",
            gst_number="808437370 RT 0001",
            qst_number="1224002901 TQ 0001",
        ),
        branch=Branch(merchant=merchant, name="Laval"),
        kind=Invoice.Kind.INVOICE,
        number="F-104482",
        issued_on=date(2026, 11, 1),
        due_on=date(2026, 12, 1),
        bill_to_name="Acme Construction inc.",
        bill_to_address="455, rue du Marché\nMontréal (QC)  H4N 1J8",
        po_number="PO-88213",
        adviser="Mélanie Ouellet",
        subtotal=subtotal,
        taxable_subtotal=subtotal,
        gst=taxes.gst,
        qst=taxes.qst,
        total=subtotal + taxes.gst + taxes.qst,
    )


def with_its_garbage(work: Callable[[], object]) -> Callable[[], None]:
    """Work that also pays for collecting what it leaves: ours puts the collector off, plain pays as it goes."""

    def both() -> None:
        work()
        gc.collect()

    return both


def against_plain(*, lines: int) -> None:
    invoice = document(lines=lines)
    style = engine.css_source(template=STYLESHEET, hue=invoice.merchant.hue)
    page = f"<!doctype html>{invoice_html(invoice=invoice, language='fr-ca')}"
    page = page.replace("</head>", f"<style>{style}</style></head>")
    pair = interleave(
        ours=with_its_garbage(lambda: render_invoice(invoice=invoice, language="fr-ca")),
        limit=with_its_garbage(lambda: HTML(string=page).write_pdf()),
        runs=RUNS,
    )
    target = TARGETS[lines]
    report(
        f"invoice to PDF, {lines} lines (ours {pair.ours * 1000:.0f} ms)",
        f"{pair.time_ratio:.2f} × plain",
        target=f"≤ {target:.2f}",
        is_met=pair.time_ratio <= target,
    )


def rate(*, processes: int) -> float:
    """Invoices of five lines a second, by so many processes at once."""
    workers = [
        subprocess.Popen([sys.executable, "-m", "bench.pdf", "worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(processes)
    ]
    for worker in workers:
        worker.stdout.readline()  # warm
    for worker in workers:
        worker.stdin.write(b"go\n")
        worker.stdin.flush()
    return sum(float(worker.communicate(timeout=SECONDS * 5)[0]) for worker in workers)


def worker() -> None:
    invoice = document(lines=5)
    render_invoice(invoice=invoice, language="fr-ca")
    print("warm", flush=True)
    sys.stdin.readline()
    begun, made = time.perf_counter(), 0
    while time.perf_counter() - begun < SECONDS:
        render_invoice(invoice=invoice, language="fr-ca")
        made += 1
    print(made / (time.perf_counter() - begun))


def main() -> None:
    gc.freeze()  # what Django and WeasyPrint keep for good is no part of either
    for lines in TARGETS:
        against_plain(lines=lines)
    together = rate(processes=2) / rate(processes=1)
    report("two processes against one", f"{together:.2f} ×", target=f"≥ {TOGETHER}", is_met=together >= TOGETHER)


if __name__ == "__main__":
    worker() if sys.argv[1:] == ["worker"] else main()
