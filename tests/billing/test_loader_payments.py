"""payments.csv: whole payments or nothing, never beyond what is open, and every refusal."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from billing.models import Allocation, Invoice, Payment
from billing.services import record_payment
from organizations.loader import staging
from tests import factories
from tests.imports import run, write

COLUMNS = "payment_number,customer_number,received_on,method,amount,reference,allocations"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "payments.csv"


@pytest.fixture
def bill(acme):
    """114.98 to pay, by Acme."""
    return factories.InvoiceFactory(customer=acme, number="F-1")


def paid(number="P-1", **cells):
    return {
        "payment_number": number,
        "customer_number": "10482",
        "received_on": "2026-11-10",
        "method": "transfer",
        "amount": "114.98",
        **cells,
    }


def test_an_imported_payment_has_the_very_rows_of_a_recorded_one(acme, bill, path):
    other = factories.InvoiceFactory(customer=acme, number="F-2")
    record_payment(
        customer=acme,
        number="S-1",
        received_on=date(2026, 11, 10),
        method="transfer",
        amount=Decimal("30.00"),
        reference="Chèque 1",
        allocations={bill.pk: Decimal("10.00"), other.pk: Decimal("15.00")},
    )
    write(path, COLUMNS, paid("I-1", amount="30", reference="Chèque 1", allocations="F-1:10.00; F-2:15;"))
    assert run("payments", path).summary == "created=1 updated=0 unchanged=0 rejected=0"
    unlike = {"id", "number", "created_at"}
    one, two = ({k: v for k, v in row.items() if k not in unlike} for row in Payment.objects.order_by("pk").values())
    assert one == two
    assert one["allocated_amount"] == Decimal("25.00")
    assert dict(Invoice.objects.values_list("number", "settled_amount")) == {"F-1": Decimal(20), "F-2": Decimal(30)}


def test_a_payment_that_comes_again_is_unchanged_and_a_different_one_is_rejected(acme, bill, path):
    factories.InvoiceFactory(customer=acme, number="F-2")
    write(path, COLUMNS, paid("P-1", allocations="F-1:100.00"), paid("P-2"))
    assert run("payments", path).summary == "created=2 updated=0 unchanged=0 rejected=0"
    assert run("payments", path).summary == "created=0 updated=0 unchanged=2 rejected=0"
    for changes in (
        {"amount": "115"},
        {"allocations": "F-1:99.00"},
        {"allocations": ""},
        {"method": "cash"},
        {"allocations": "F-1:100.00;F-2:1.00"},
    ):
        write(path, COLUMNS, paid("P-1", **{"allocations": "F-1:100.00", **changes}), paid("P-2"))
        outcome = run("payments", path)
        assert outcome.codes == [(2, "payment_number", "recorded_differently")]
        assert (outcome.summary, outcome.exit_code) == ("created=0 updated=0 unchanged=1 rejected=1", 3)
    assert Allocation.objects.count() == 1


@pytest.mark.parametrize(
    ("cells", "column", "code"),
    [
        ({"customer_number": "nobody"}, "customer_number", "unknown_customer"),
        ({"received_on": "2026-02-30"}, "received_on", "no_such_day"),
        ({"method": "shells"}, "method", "unknown_code"),
        ({"amount": "-5"}, "amount", "negative"),
        ({"amount": "0.00"}, "amount", "zero"),
        ({"amount": "1.005"}, "amount", "too_precise"),
        ({"allocations": "F-1"}, "allocations", "not_an_allocation"),
        ({"allocations": "F-1:1;F-1:2"}, "allocations", "not_an_allocation"),
        ({"allocations": "F-1:-1"}, "allocations", "negative"),
        ({"allocations": "F-0:1"}, "allocations", "allocated_to_missing"),
        ({"allocations": "N-1:1"}, "allocations", "allocated_to_missing"),
        ({"allocations": "G-1:1"}, "allocations", "allocated_to_other_customer"),
        ({"amount": "10", "allocations": "F-1:10.01"}, "allocations", "allocated_beyond_payment"),
        ({"amount": "500", "allocations": "F-1:114.99"}, "allocations", "allocated_beyond_invoice"),
        ({"reference": "x" * 121}, "reference", "too_long"),
    ],
)
def test_one_flaw_rejects_its_payment_and_no_other(acme, globex, bill, path, cells, column, code):
    factories.InvoiceFactory(customer=globex, number="G-1")
    factories.InvoiceFactory(customer=acme, number="N-1", kind=Invoice.Kind.CREDIT_NOTE)
    write(path, COLUMNS, paid("P-1"), paid("P-2", **cells), paid("P-3"))
    outcome = run("payments", path)
    assert outcome.codes == [(3, column, code)]
    assert (outcome.summary, outcome.exit_code) == ("created=2 updated=0 unchanged=0 rejected=1", 3)
    assert sorted(Payment.objects.values_list("number", flat=True)) == ["P-1", "P-3"]
    assert not Allocation.objects.exists()


def test_an_invoice_is_paid_in_the_order_of_the_file_and_never_beyond_what_is_open(acme, bill, path, monkeypatch):
    monkeypatch.setattr(staging, "BATCH", 2)
    factories.InvoiceFactory(customer=acme, number="F-2")
    write(
        path,
        COLUMNS,
        paid("P-1", allocations="F-1:100.00"),
        paid("P-2", allocations="F-1:50.00;F-2:1.00"),
        paid("P-3", allocations="F-1:14.98"),
        paid("P-4", allocations="F-1:0.01"),
        paid("P-5", allocations="F-2:114.98"),
    )
    outcome = run("payments", path)
    assert outcome.codes == [
        (3, "allocations", "allocated_beyond_invoice"),
        (5, "allocations", "allocated_beyond_invoice"),
    ]
    assert outcome.rejects[0]["value"] == "F-1:50.00"
    assert outcome.summary == "created=3 updated=0 unchanged=0 rejected=2"
    assert set(Invoice.objects.values_list("settled_amount", flat=True)) == {Decimal("114.98")}
    assert run("payments", path).summary == "created=0 updated=0 unchanged=3 rejected=2"


def test_a_number_given_twice_in_a_file_counts_once(acme, path):
    write(path, COLUMNS, paid("P-1"), paid("P-1", amount="1"))
    assert run("payments", path).codes == [(3, "payment_number", "repeated")]
    assert Payment.objects.get().amount == Decimal("114.98")


def test_a_dry_run_writes_nothing(acme, bill, path):
    write(path, COLUMNS, paid(allocations="F-1:1.00"))
    assert run("payments", path, "--dry-run").summary == "created=1 updated=0 unchanged=0 rejected=0"
    assert not Payment.objects.exists()


def test_an_invoice_number_may_hold_a_colon(acme, path):
    factories.InvoiceFactory(customer=acme, number="2026:7")
    write(path, COLUMNS, paid(allocations="2026:7:14.98"))
    assert run("payments", path).exit_code == 0
    assert Allocation.objects.get().invoice.number == "2026:7"
