"""invoices.csv: whole documents or nothing, the same rows the service writes, and every refusal."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from billing import taxes
from billing.loader import documents_sql
from billing.models import Allocation, Invoice, InvoiceLine, Letterhead
from billing.services import LineDraft, issue_invoice
from organizations.loader import staging
from organizations.loader.staging import value_of
from organizations.models import Organization
from tests import factories
from tests.imports import run, write

COLUMNS = (
    "invoice_number,kind,corrects,customer_number,issued_on,due_on,branch,po_number,project,site_address,requested_by,"
    "line_number,sku,description,quantity,unit,unit_price,discount_percent,tax_code"
)
CHOICE = "requisition_number,adviser,subtotal,gst,qst,total"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "invoices.csv"


def line(number="F-1", position=1, **cells):
    return {
        "invoice_number": number,
        "kind": "invoice",
        "customer_number": "10482",
        "issued_on": "2026-11-01",
        "due_on": "2026-12-01",
        "line_number": position,
        "description": "Nacelle articulée de 60 pi",
        "quantity": "3",
        "unit": "day",
        "unit_price": "10.10",
        "discount_percent": "0",
        "tax_code": "standard",
        **cells,
    }


def credit(number="N-1", **cells):
    return line(number, kind="credit_note", **cells)


def rows_of(invoice):
    """A document and its lines without keys, numbers and moments."""
    unlike = {"id", "number", "created_at", "invoice_id"}
    head = {
        name: value for name, value in Invoice.objects.filter(pk=invoice.pk).values()[0].items() if name not in unlike
    }
    lines = InvoiceLine.objects.filter(invoice=invoice).order_by("position").values()
    return head, [{name: value for name, value in row.items() if name not in unlike} for row in lines]


def test_an_imported_document_has_the_very_rows_of_an_issued_one(acme, path):
    branch = factories.BranchFactory(merchant=acme.merchant, code="laval", name="Laval")
    Organization.objects.create(
        customer=acme, legal_name="Acme Construction du Québec inc.", verified_at=timezone.now()
    )
    acme.address_line1, acme.city, acme.province, acme.postal_code = "1, rue Un", "Laval", "QC", "H7A 0A1"
    acme.country = "FR"
    acme.save()
    said = {"po_number": "BC-9", "project": "Pont", "site_address": "Rive \\ nord", "requested_by": "Bob"}
    more = {"requisition_number": "R-1", "adviser": "Sam"}
    issued = issue_invoice(
        customer=acme,
        kind="invoice",
        number="S-1",
        issued_on=date(2026, 11, 1),
        due_on=date(2026, 12, 1),
        branch=branch,
        lines=[
            LineDraft(
                "NAC-60", "Nacelle, « 60 pi »", Decimal("3.5"), "day", Decimal("10.1250"), Decimal("12.5"), "standard"
            ),
            LineDraft("", "Étude \\ plan", Decimal(1), "unit", Decimal("99.99"), Decimal(0), "exempt"),
        ],
        **said,
        **more,
    )
    head = {**said, **more, "branch": "Laval"}
    write(
        path,
        f"{COLUMNS},{CHOICE}",
        line(
            "I-1",
            10,
            sku="NAC-60",
            description="Nacelle, « 60 pi »",
            quantity="3.500",
            unit_price="10.125",
            discount_percent="12.5",
            **head,
        ),
        line(
            "I-1",
            20,
            description="Étude \\ plan",
            quantity="1",
            unit="unit",
            unit_price="99.99",
            tax_code="exempt",
            **head,
        ),
    )
    outcome = run("invoices", path)
    assert (outcome.summary, outcome.rejects) == ("created=1 updated=0 unchanged=0 rejected=0", [])
    assert rows_of(Invoice.objects.get(number="I-1")) == rows_of(issued)
    assert Letterhead.objects.count() == 1


def test_a_document_that_comes_again_is_unchanged_and_a_different_one_is_rejected(acme, path):
    write(path, COLUMNS, line("F-1", 1), line("F-1", 2, description="Autre"), line("F-2"))
    assert run("invoices", path).summary == "created=2 updated=0 unchanged=0 rejected=0"
    assert run("invoices", path).summary == "created=0 updated=0 unchanged=2 rejected=0"
    changes = [
        [line("F-1", 1)],
        [line("F-1", 1), line("F-1", 2, description="Autre mot")],
        [line("F-1", 1, unit_price="10.11"), line("F-1", 2, description="Autre")],
        [line("F-1", 1, po_number="X"), line("F-1", 2, description="Autre", po_number="X")],
        [line("F-1", 1, due_on="2026-12-02"), line("F-1", 2, description="Autre", due_on="2026-12-02")],
    ]
    for changed in changes:
        write(path, COLUMNS, *changed, line("F-2"))
        outcome = run("invoices", path)
        assert outcome.codes == [(2, "invoice_number", "issued_differently")]
        assert (outcome.summary, outcome.exit_code) == ("created=0 updated=0 unchanged=1 rejected=1", 3)
    assert "F-1" in outcome.rejects[0]["value"]


def test_a_dry_run_writes_nothing(acme, path):
    write(path, COLUMNS, line(), credit(corrects="F-1"))
    assert run("invoices", path, "--dry-run").summary == "created=2 updated=0 unchanged=0 rejected=0"
    assert not Invoice.objects.exists()
    assert not Letterhead.objects.exists()


@pytest.mark.parametrize(
    ("cells", "column", "code"),
    [
        ({"customer_number": "nobody"}, "customer_number", "unknown_customer"),
        ({"branch": "nowhere"}, "branch", "unknown_branch"),
        ({"due_on": "2026-10-31"}, "due_on", "due_before_issue"),
        ({"issued_on": "2026-02-30"}, "issued_on", "no_such_day"),
        ({"unit_price": "-1.00"}, "unit_price", "negative"),
        ({"quantity": ""}, "quantity", "empty"),
        ({"quantity": "1.0001"}, "quantity", "too_precise"),
        ({"discount_percent": "100.01"}, "discount_percent", "out_of_range"),
        ({"tax_code": "luxury"}, "tax_code", "unknown_code"),
        ({"kind": "quote"}, "kind", "unknown_code"),
        ({"corrects": "F-0"}, "corrects", "corrects_not_allowed"),
        ({"kind": "credit_note", "corrects": "F-0"}, "corrects", "corrects_missing"),
        ({"description": "x" * 301}, "description", "too_long"),
        ({"po_number": "x" * 61}, "po_number", "too_long"),
        ({"line_number": "0"}, "line_number", "out_of_range"),
        ({"quantity": "999999999", "unit_price": "99999999"}, "invoice_number", "too_large"),
        ({"subtotal": "30.31"}, "subtotal", "differs_from_computed"),
        ({"gst": "1.51"}, "gst", "differs_from_computed"),
        ({"qst": "3.03"}, "qst", "differs_from_computed"),
        ({"total": "34.85"}, "total", "differs_from_computed"),
        ({"description": "a\x00b"}, "description", "control_character"),
        ({"invoice_number": "a\x00b"}, "invoice_number", "control_character"),
    ],
)
def test_one_flaw_rejects_its_document_whole_and_no_other(acme, path, cells, column, code):
    write(path, f"{COLUMNS},{CHOICE}", line("F-1"), line("F-2", **cells), line("F-3"))
    outcome = run("invoices", path)
    assert outcome.codes == [(3, column, code)]
    assert (outcome.summary, outcome.exit_code) == ("created=2 updated=0 unchanged=0 rejected=1", 3)
    assert sorted(Invoice.objects.values_list("number", flat=True)) == ["F-1", "F-3"]


def test_the_flaw_of_a_later_line_rejects_the_document_and_names_that_line(acme, path):
    write(path, COLUMNS, line("F-1", 1), line("F-1", 2, unit_price="-1"), line("F-1", 3, quantity="x"), line("F-2"))
    outcome = run("invoices", path)
    assert outcome.codes == [(3, "unit_price", "negative"), (4, "quantity", "not_a_number")]
    assert Invoice.objects.get().number == "F-2"


def test_totals_that_agree_to_the_cent_are_taken(acme, path):
    write(path, f"{COLUMNS},{CHOICE}", line(subtotal="30.30", gst="1.52", qst="3.02", total="34.84"))
    assert run("invoices", path).exit_code == 0
    assert Invoice.objects.get().total == Decimal("34.84")


def test_lines_of_a_document_that_do_not_follow_each_other_reject_both_halves(acme, path):
    write(
        path,
        COLUMNS,
        line("F-1", 1),
        line("F-2"),
        line("F-1", 2),
        line("F-3", 1),
        line("F-4"),
        line("F-3", 1, quantity="x"),
    )
    outcome = run("invoices", path)
    assert sorted(outcome.codes) == [
        (2, "invoice_number", "not_adjacent"),
        (4, "invoice_number", "not_adjacent"),
        (5, "invoice_number", "not_adjacent"),
        (7, "quantity", "not_a_number"),
    ]
    assert sorted(Invoice.objects.values_list("number", flat=True)) == ["F-2", "F-4"]


def test_a_header_that_changes_inside_a_document_rejects_it(acme, path):
    write(path, COLUMNS, line("F-1", 1, po_number="A"), line("F-1", 2, po_number="B"), line("F-1", 3, po_number="A"))
    outcome = run("invoices", path)
    assert outcome.codes[0] == (3, "po_number", "header_differs")
    assert outcome.summary == "created=0 updated=0 unchanged=0 rejected=1"


def test_line_numbers_that_do_not_increase_reject_the_document(acme, path):
    write(path, COLUMNS, line("F-1", 1), line("F-1", 1))
    assert run("invoices", path).codes == [(3, "line_number", "line_order")]


def test_a_ragged_first_line_does_not_let_the_rest_pass_for_whole(acme, path):
    write(path, COLUMNS, line("F-0"))
    with path.open("a") as file:
        file.write("F-1,invoice,,10482\n")
    tail = write(path.with_name("tail.csv"), COLUMNS, line("F-1", 2), line("F-2")).read_text().split("\n", 1)[1]
    with path.open("a") as file:
        file.write(tail)
    outcome = run("invoices", path)
    assert (3, "", "cells") in outcome.codes
    assert sorted(Invoice.objects.values_list("number", flat=True)) == ["F-0", "F-2"]


def test_a_break_inside_quotes_counts_in_the_line_of_later_rejects(acme, path):
    write(
        path,
        COLUMNS,
        line("F-1", 1, description="deux\nlignes", site_address="a\nb"),
        line("F-1", 2, site_address="a\nb"),
        line("F-2", tax_code="?"),
    )
    outcome = run("invoices", path)
    assert outcome.codes == [(7, "tax_code", "unknown_code")]
    assert list(InvoiceLine.objects.order_by("position").values_list("description", flat=True)) == [
        "deux lignes",
        "Nacelle articulée de 60 pi",
    ]


def test_an_empty_due_date_follows_from_the_terms_of_the_customer(acme, path):
    write(path, COLUMNS, line("F-1", due_on=""), credit("N-1", due_on=""))
    run("invoices", path)
    assert dict(Invoice.objects.values_list("number", "due_on")) == {"F-1": date(2026, 12, 1), "N-1": date(2026, 11, 1)}
    assert run("invoices", path).summary == "created=0 updated=0 unchanged=2 rejected=0"


def test_a_credit_note_at_once_pays_what_it_corrects_up_to_what_is_unpaid(acme, path, monkeypatch):
    monkeypatch.setattr(staging, "BATCH", 2)
    write(
        path,
        COLUMNS,
        credit("N-1", corrects="F-1", quantity="1"),
        line("F-1"),
        credit("N-2", corrects="F-1", quantity="3"),
        credit("N-3", corrects="F-1", quantity="3"),
        credit("N-4"),
    )
    assert run("invoices", path).summary == "created=5 updated=0 unchanged=0 rejected=0"
    used = dict(Allocation.objects.values_list("credit_note__number", "amount"))
    assert used == {"N-1": Decimal("11.62"), "N-2": Decimal("23.22")}
    settled = dict(Invoice.objects.values_list("number", "settled_amount"))
    assert settled == {"F-1": Decimal("34.84"), "N-1": Decimal("11.62"), "N-2": Decimal("23.22"), "N-3": 0, "N-4": 0}
    assert run("invoices", path).summary == "created=0 updated=0 unchanged=5 rejected=0"
    assert Allocation.objects.count() == 2


def test_a_credit_note_corrects_an_invoice_of_its_own_customer_only(acme, globex, path):
    write(
        path,
        COLUMNS,
        line("F-1", customer_number="10977"),
        line("F-2", tax_code="?"),
        credit("N-1", corrects="F-1"),
        credit("N-2", corrects="F-2"),
        credit("N-3", corrects="N-1"),
    )
    outcome = run("invoices", path)
    assert outcome.codes[1:] == [
        (4, "corrects", "corrects_other_customer"),
        (5, "corrects", "corrects_missing"),
        (6, "corrects", "corrects_missing"),
    ]
    assert Invoice.objects.get().number == "F-1"


def test_another_merchant_s_customers_branches_and_numbers_are_not_seen(acme, riviere, path):
    factories.CustomerFactory(merchant=riviere, number="R1")
    factories.BranchFactory(merchant=riviere, code="quai", name="Quai")
    write(path, COLUMNS, line("F-1", customer_number="R1"), line("F-2", branch="quai"))
    assert run("invoices", path).codes == [(2, "customer_number", "unknown_customer"), (3, "branch", "unknown_branch")]
    write(path, COLUMNS, line("F-1"))
    run("invoices", path)
    write(path, COLUMNS, line("F-1", customer_number="R1"))
    assert run("invoices", path, "--merchant", "riviere").summary == "created=1 updated=0 unchanged=0 rejected=0"


def test_columns_in_another_order_give_the_same_documents(acme, path):
    write(path, ",".join(reversed(COLUMNS.split(","))), line("F-1", 1), line("F-1", 2), line("F-2"), separator=";")
    assert run("invoices", path).summary == "created=2 updated=0 unchanged=0 rejected=0"
    assert Invoice.objects.get(number="F-1").line_count == 2


money = st.decimals(min_value=0, max_value=99999, places=4)


@given(
    quantity=st.decimals(min_value=0, max_value=9999, places=3),
    unit_price=money,
    discount=st.decimals(min_value=0, max_value=100, places=2),
)
@pytest.mark.django_db
def test_the_statements_round_as_billing_taxes_does(quantity, unit_price, discount):
    assert "round(quantity * unit_price * (100 - discount_percent) * 0.01, 2)" in documents_sql.LINES
    amount = value_of(
        "SELECT round(%(q)s::numeric * %(p)s::numeric * (100 - %(d)s::numeric) * 0.01, 2)",
        q=quantity,
        p=unit_price,
        d=discount,
    )
    assert amount == taxes.line_amount(quantity=quantity, unit_price=unit_price, discount_percent=discount)
    gst = value_of("SELECT round(%(a)s::numeric * 0.05, 2)", a=amount)
    qst = value_of("SELECT round(%(a)s::numeric * 0.09975, 2)", a=amount)
    assert (gst, qst) == taxes.taxes_on(taxable_subtotal=amount)


ODD = {
    "line_number": ["3", "10", "007", "1", "1000000000", "x", "۱"],
    "sku": ["", " x", "x ", "a b", "a\\b", "\\N", 'a"b', "x" * 60, "x" * 61, "\x1c", "\u00a0x", "é"],
    "description": ["", " ", "x" * 300, "x" * 301, "a\tb", "a\\", "\u2028"],
    "quantity": ["0", "1.50", "007", "1.2340", "1.2345", "999999999", "1000000000", "1e3", "-1", "NaN", ".5", "1."],
    "unit": ["", "x" * 20, "x" * 21],
    "unit_price": ["0.0000", "12345678", "123456789", "1.00001", "+1"],
    "discount_percent": ["", "0", "99.99", "100", "100.00", "100.01", "5.555", "007"],
    "tax_code": ["standard", "exempt", "zero", "Zero", "standard ", ""],
}


def test_a_line_written_plainly_is_kept_or_refused_as_the_same_one_in_quotes(acme, path):
    cases = [(column, cell) for column, cells in ODD.items() for cell in cells]
    found = []
    for name, quoting in (("A", csv.QUOTE_MINIMAL), ("B", csv.QUOTE_ALL)):
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS.split(","), restval="", lineterminator="\n", quoting=quoting)
            writer.writeheader()
            for n, (column, cell) in enumerate(cases):
                odd = line(f"{name}-{n}", 2, project="a\\b")
                writer.writerows([{**odd, "line_number": 1}, {**odd, column: cell}])
        outcome = run("invoices", path)
        kept = Invoice.objects.filter(number__startswith=f"{name}-").order_by("pk")
        numbers = [number.removeprefix(f"{name}-") for number in kept.values_list("number", flat=True)]
        found.append((outcome.summary, outcome.codes, numbers, [rows_of(invoice) for invoice in kept]))
    assert found[0] == found[1]
    assert 0 < len(found[0][2]) < len(cases)
