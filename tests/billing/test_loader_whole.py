"""The whole way: a trading company's books twice, and imports killed half-way."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import IntegrityError, connection
from django.db.models import Count, F, Sum

from billing.models import Allocation, Invoice, InvoiceLine, Payment
from organizations.loader import staging
from organizations.models import Customer
from tests import factories
from tests.billing.test_loader_invoices import COLUMNS, line
from tests.imports import run, write

OWN = Path(__file__).resolve().parent.parent / "data"
NORTHWIND = OWN.parent.parent.parent / "shared" / "data" / "northwind"
SUMMARY = "created={} updated=0 unchanged={} rejected=0"


def import_twice(tmp_path, folder, **expected):
    for kind, count in expected.items():
        path = tmp_path / f"{kind}.csv"
        path.write_bytes((folder / f"{kind}.csv").read_bytes())
        for summary in (SUMMARY.format(count, 0), SUMMARY.format(0, count)):
            outcome = run(kind, path)
            assert (outcome.summary, outcome.exit_code, outcome.rejects) == (summary, 0, [])


@pytest.mark.skipif(not NORTHWIND.is_dir(), reason="the Northwind files are not beside the repository")
def test_northwind_is_taken_whole_and_a_second_time_nothing_changes(boreal, tmp_path):
    import_twice(tmp_path, NORTHWIND, customers=91, invoices=830, payments=686)
    assert InvoiceLine.objects.count() == 2985
    invoice = Invoice.objects.get(number="10248")
    assert invoice.customer.number == "VINET"
    amounts = (invoice.subtotal, invoice.gst, invoice.qst, invoice.total)
    assert amounts == (Decimal("472.38"), Decimal("23.62"), Decimal("47.12"), Decimal("543.12"))
    assert invoice.status == Invoice.Status.PAID


def test_a_small_set_of_books_is_taken_whole_and_a_second_time_nothing_changes(boreal, tmp_path):
    import_twice(tmp_path, OWN, customers=4, members=3, invoices=5, payments=3)
    balances = {invoice.number: (invoice.total, invoice.balance) for invoice in Invoice.objects.all()}
    assert balances == {
        "F-1001": (Decimal("34.84"), Decimal("0.00")),
        "F-1002": (Decimal("1149.75"), Decimal("649.75")),
        "F-1003": (Decimal("100.00"), Decimal("77.00")),
        "N-2001": (Decimal("11.50"), Decimal("0.00")),
        "N-2002": (Decimal("11.50"), Decimal("0.00")),
    }


DRIVER = """
import sys, django
django.setup()
from django.core.management import call_command
from organizations.loader import staging
staging.BATCH = 100
call_command("import_invoices", sys.argv[1])
"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_half_way_only_whole_documents_are_there_and_the_next_run_completes(tmp_path):
    documents = 4000
    factories.CustomerFactory(merchant__slug="boreal", merchant__is_default=True, number="10482")
    rows = (line(f"F-{n}", position) for n in range(documents) for position in (1, 2, 3))
    path = write(tmp_path / "invoices.csv", COLUMNS, *rows)
    for seen in (1, 1001, 2001):
        process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", DRIVER, str(path)], env=environment())
        wait_for(lambda seen=seen, process=process: Invoice.objects.count() >= seen or process.poll() is not None)
        process.kill()
        assert process.wait() == -9, "it ended before it was killed"
        assert whole()
    assert staging_schemas() != []
    left = Invoice.objects.count()
    assert 2001 <= left < documents
    outcome = run("invoices", path)
    assert outcome.exit_code == 0
    assert (Invoice.objects.count(), InvoiceLine.objects.count()) == (documents, 3 * documents)
    assert run("invoices", path).summary == SUMMARY.format(0, documents)
    assert whole()
    assert staging_schemas() == []


def staging_schemas() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'import%'")
        return [name for (name,) in cursor.fetchall()]


@pytest.fixture
def books(tmp_path, monkeypatch):
    """Sixty invoices, a credit note on each third, two payments an invoice; by tens, on two connections."""
    monkeypatch.setattr(staging, "BATCH", 10)
    factories.CustomerFactory(merchant__slug="boreal", merchant__is_default=True, number="10482")
    numbers = [f"F-{n:02}" for n in range(60)]
    bills = [line(number, position, unit_price="100.00") for number in numbers for position in (1, 2)]
    notes = [line(f"N{n}", kind="credit_note", corrects=n, unit_price="10.00") for n in numbers[::3]]
    invoices = write(tmp_path / "invoices.csv", COLUMNS, *notes, *bills)
    paid = [f"P{n}-{turn},10482,2026-11-20,transfer,7.00,,{n}:5.00" for turn in (1, 2) for n in numbers]
    header = "payment_number,customer_number,received_on,method,amount,reference,allocations"
    payments = tmp_path / "payments.csv"
    payments.write_text("\n".join([header, *paid, ""]))
    return invoices, payments


@pytest.mark.django_db(transaction=True)
def test_two_connections_write_what_one_would(books):
    invoices, payments = books
    for path, count in ((invoices, 80), (payments, 120)):
        for summary in (SUMMARY.format(count, 0), SUMMARY.format(0, count)):
            assert run(path.stem, path).summary == summary
    assert whole()
    credit = Invoice.objects.get(number="NF-03")
    sums = set(Invoice.objects.filter(kind="invoice").values_list("settled_amount", flat=True))
    assert sums == {Decimal("10.00"), Decimal("10.00") + credit.total}
    assert credit.settled_amount == credit.total
    assert set(Payment.objects.values_list("allocated_amount", flat=True)) == {Decimal("5.00")}
    assert staging_schemas() == []


@pytest.mark.django_db(transaction=True)
def test_when_one_connection_fails_the_other_stops_and_only_whole_documents_are_there(books):
    invoices, _payments = books
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_invoice ADD CONSTRAINT odd CHECK (number <> 'F-25')")
    try:
        with pytest.raises(IntegrityError):
            run("invoices", invoices)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE billing_invoice DROP CONSTRAINT odd")
    assert 0 < Invoice.objects.count() < 60
    assert whole()
    assert staging_schemas() == []
    run("invoices", invoices)
    assert Invoice.objects.count() == 80


def whole() -> bool:
    counted = Invoice.objects.annotate(here=Count("lines"), sum=Sum("lines__amount"))
    return not counted.exclude(here=F("line_count"), sum=F("subtotal")).exists()


def environment() -> dict[str, str]:
    database = connection.settings_dict
    address = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    return {**os.environ, "DATABASE_URL": f"postgres://{address}", "DJANGO_SETTINGS_MODULE": "tests.settings"}


def wait_for(condition) -> None:
    pause = threading.Event()
    for _turn in range(6000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it took longer than a minute")


def test_no_money_is_counted_twice(boreal, tmp_path):
    import_twice(tmp_path, OWN, customers=4, members=3, invoices=5, payments=3)
    allocated = Allocation.objects.aggregate(sum=Sum("amount"))["sum"]
    assert Payment.objects.aggregate(sum=Sum("allocated_amount"))["sum"] + Decimal("23.00") == allocated
    assert Customer.objects.count() == 4
