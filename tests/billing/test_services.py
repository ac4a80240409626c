"""Issuing documents and recording payments: what is written, and what is refused in words."""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone, translation

from billing import services
from billing.models import Allocation, Invoice, InvoiceLine, InvoicePdf, Letterhead, Payment
from billing.services import invoices, payments, shapes
from organizations.models import Organization
from organizations.refusals import Refusal
from tests import factories


def draft(**changes):
    fields = {
        "sku": "NAC-60",
        "description": "Nacelle articulée de 60 pi",
        "quantity": Decimal(3),
        "unit": "day",
        "unit_price": Decimal("10.10"),
        "discount_percent": Decimal(0),
        "tax_code": "standard",
    }
    return services.LineDraft(**{**fields, **changes})


def issue(customer, **changes):
    fields = {
        "kind": Invoice.Kind.INVOICE,
        "number": "F-1",
        "issued_on": date(2026, 11, 1),
        "due_on": date(2026, 12, 1),
        "lines": [draft()],
    }
    return services.issue_invoice(customer=customer, **{**fields, **changes})


def pay(customer, **changes):
    fields = {
        "number": "P-1",
        "received_on": date(2026, 11, 10),
        "method": Payment.Method.TRANSFER,
        "amount": Decimal("20.00"),
        "allocations": {},
    }
    return services.record_payment(customer=customer, **{**fields, **changes})


# --- issuing ----------------------------------------------------------------------------------


def test_issue_invoice_computes_lines_taxes_and_total(acme):
    invoice = issue(acme, po_number="BC-9", lines=[draft(), draft(description="Étude", tax_code="exempt")])
    invoice.refresh_from_db()
    assert (invoice.subtotal, invoice.taxable_subtotal) == (Decimal("60.60"), Decimal("30.30"))
    assert (invoice.gst, invoice.qst, invoice.total) == (Decimal("1.52"), Decimal("3.02"), Decimal("65.14"))
    assert (invoice.merchant, invoice.po_number, invoice.settled_amount) == (acme.merchant, "BC-9", 0)
    lines = invoice.lines.order_by("position").values_list("position", "description", "amount")
    assert list(lines) == [
        (1, "Nacelle articulée de 60 pi", Decimal("30.30")), (2, "Étude", Decimal("30.30")),
    ]  # fmt: skip


def test_issue_invoice_owes_the_pdf_in_the_customers_language(acme):
    acme.language = "en-ca"
    acme.save()
    invoice = issue(acme)
    assert list(InvoicePdf.objects.owed().values_list("invoice", "language")) == [(invoice.pk, "en-ca")]


@pytest.mark.parametrize("code", ["exempt", "zero"])
def test_only_standard_lines_are_taxed(acme, code):
    invoice = issue(acme, lines=[draft(tax_code=code)])
    assert (invoice.subtotal, invoice.gst, invoice.qst, invoice.total) == (
        Decimal("30.30"), Decimal(0), Decimal(0), Decimal("30.30"),
    )  # fmt: skip


def test_a_document_bears_the_name_in_the_books_until_the_legal_one_is_verified(acme):
    organization = Organization.objects.create(customer=acme, legal_name="9999-0001 Québec inc.")
    before = issue(acme, number="F-1")
    organization.verified_at = timezone.now()
    organization.save()
    after = issue(acme, number="F-2")
    before.refresh_from_db()
    assert (before.bill_to_name, after.bill_to_name) == ("Acme Construction inc.", "9999-0001 Québec inc.")
    assert services.document_name(customer=acme) == "9999-0001 Québec inc."


def test_a_document_keeps_the_address_of_the_day_it_was_issued(acme):
    acme.address_line1, acme.city, acme.province, acme.postal_code = "10, rue du Port", "Laval", "QC", "H7A 0A1"
    acme.save()
    invoice = issue(acme)
    acme.address_line1 = "99, rue Neuve"
    acme.save()
    invoice.refresh_from_db()
    assert invoice.bill_to_address == "10, rue du Port\nLaval (QC)  H7A 0A1"


@pytest.mark.parametrize(("language", "country"), [("fr-ca", "ÉTATS-UNIS"), ("en-ca", "UNITED STATES")])
def test_mail_that_leaves_the_country_names_where_it_goes(acme, language, country):
    acme.address_line1, acme.city, acme.province = "12 Main Street", "Plattsburgh", "NY"
    acme.postal_code, acme.country, acme.language = "12901", "US", language
    acme.save()
    assert issue(acme).bill_to_address == f"12 Main Street\nPlattsburgh (NY)  12901\n{country}"


def test_letterhead_is_written_anew_only_when_something_on_it_changes(boreal):
    first = services.letterhead_for(merchant=boreal)
    assert services.letterhead_for(merchant=boreal) == first
    boreal.gst_number = "123456782 RT 0001"
    boreal.save()
    second = services.letterhead_for(merchant=boreal)
    assert second != first
    assert (first.gst_number, second.gst_number) == ("808437370 RT 0001", "123456782 RT 0001")
    assert second.address == "1, rue du Quai\nLaval (QC)  H7A 0A1"
    assert Letterhead.objects.filter(merchant=boreal).count() == 2


@pytest.mark.parametrize(
    ("changes", "refusal", "words"),
    [
        ({"lines": []}, invoices.DocumentWithoutLines, "at least one line"),
        ({"kind": "receipt"}, invoices.KindUnknown, "receipt"),
        ({"due_on": date(2026, 10, 31)}, invoices.DueBeforeIssue, "2026-10-31"),
        ({"number": " "}, shapes.TextMissing, "empty"),
        ({"number": "F/../1"}, shapes.DocumentNumberUnfit, "F/../1"),
        ({"number": " F-1"}, shapes.DocumentNumberUnfit, " F-1"),
        ({"number": "F" * 41}, shapes.TextTooLong, "at most 40"),
        ({"project": "rue\x00Principale"}, shapes.TextUnprintable, "cannot be printed"),
        ({"lines": [draft(description="")]}, shapes.TextMissing, "empty"),
        ({"lines": [draft(unit_price=Decimal("-0.01"))]}, shapes.NegativeNumber, "-0.01"),
        ({"lines": [draft(quantity=Decimal(-1))]}, shapes.NegativeNumber, "-1"),
        ({"lines": [draft(quantity=Decimal("NaN"))]}, shapes.NotANumber, "NaN"),
        ({"lines": [draft(unit_price=Decimal("1.00001"))]}, shapes.TooManyDecimals, "1.00001"),
        ({"lines": [draft(unit_price=Decimal("1e8"))]}, shapes.NumberTooLarge, "100000000"),
        ({"lines": [draft(quantity=Decimal(200), unit_price=Decimal(99999999))]}, shapes.NumberTooLarge, "19999999"),
        ({"lines": [draft(discount_percent=Decimal("100.01"))]}, invoices.DiscountBeyondPrice, "100.01"),
        ({"lines": [draft(), draft(tax_code="none")]}, invoices.TaxCodeUnknown, "line 2"),
    ],
)
def test_issue_invoice_refuses_in_words_and_writes_nothing(acme, changes, refusal, words):
    with pytest.raises(refusal) as raised, translation.override("en-ca"):
        issue(acme, **changes)
    with translation.override("en-ca"):
        assert words in str(raised.value)
    assert not Invoice.objects.exists()
    assert not InvoiceLine.objects.exists()


def test_each_refusal_is_one_family():
    kinds = [thing for module in (invoices, payments, shapes) for thing in vars(module).values()]
    named = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(named) > 15
    assert all(issubclass(kind, Refusal) for kind in named if kind.__module__.startswith("billing"))


def test_issue_invoice_refuses_a_number_the_merchant_used_even_for_another_customer(acme, globex):
    issue(acme, number="F-1")
    with pytest.raises(invoices.NumberTaken) as raised:
        issue(globex, number="F-1")
    assert "F-1" in str(raised.value)
    assert Invoice.objects.get().customer == acme


def test_two_merchants_may_use_the_same_number(acme, riviere):
    issue(acme, number="F-1")
    issue(factories.CustomerFactory(merchant=riviere), number="F-1")
    assert Invoice.objects.filter(number="F-1").count() == 2


def test_issue_invoice_refuses_a_branch_of_another_merchant(acme, riviere):
    branch = factories.BranchFactory(merchant=riviere, name="Québec")
    with pytest.raises(invoices.BranchOfAnotherMerchant) as raised:
        issue(acme, branch=branch)
    assert "Québec" in str(raised.value)


# --- credit notes -----------------------------------------------------------------------------


def test_a_credit_note_at_once_pays_what_it_corrects(acme):
    invoice = issue(acme, lines=[draft(quantity=Decimal(10))])
    credit = issue(acme, kind=Invoice.Kind.CREDIT_NOTE, number="N-1", corrects=invoice)
    invoice.refresh_from_db()
    assert (invoice.total, invoice.settled_amount) == (Decimal("116.12"), Decimal("34.84"))
    assert (credit.corrects, credit.settled_amount, credit.balance) == (invoice, Decimal("34.84"), 0)
    assert Allocation.objects.get().credit_note == credit


def test_what_a_credit_note_cannot_pay_stays_a_credit(acme):
    invoice = issue(acme)
    pay(acme, amount=Decimal("30.00"), allocations={invoice.pk: Decimal("30.00")})
    credit = issue(acme, kind=Invoice.Kind.CREDIT_NOTE, number="N-1", corrects=invoice)
    invoice.refresh_from_db()
    assert (invoice.status, invoice.balance) == (Invoice.Status.PAID, 0)
    assert (credit.settled_amount, credit.balance) == (Decimal("4.84"), Decimal("-30.00"))
    again = issue(acme, kind=Invoice.Kind.CREDIT_NOTE, number="N-2", corrects=invoice)
    assert (again.settled_amount, again.balance) == (0, Decimal("-34.84"))


def test_a_credit_note_corrects_only_an_invoice_of_the_same_customer(acme, globex):
    theirs = issue(globex, number="F-9")
    with pytest.raises(invoices.CorrectedInvoiceMissing) as raised:
        issue(acme, kind=Invoice.Kind.CREDIT_NOTE, number="N-1", corrects=theirs)
    assert "F-9" in str(raised.value)
    credit = issue(globex, kind=Invoice.Kind.CREDIT_NOTE, number="N-2")
    for kind, corrects in [(Invoice.Kind.INVOICE, theirs), (Invoice.Kind.CREDIT_NOTE, credit)]:
        with pytest.raises(invoices.CorrectionUnfit):
            issue(globex, kind=kind, number="N-3", corrects=corrects)
    theirs.refresh_from_db()
    assert theirs.settled_amount == 0


# --- payments ---------------------------------------------------------------------------------


def test_record_payment_pays_invoices_and_leaves_the_rest_a_credit(acme):
    first, second = issue(acme, number="F-1"), issue(acme, number="F-2")
    payment = pay(
        acme,
        amount=Decimal("50.00"),
        reference="virement 8841",
        allocations={second.pk: Decimal("10.00"), first.pk: Decimal("34.84")},
    )
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.balance) == (Invoice.Status.PAID, 0)
    assert (second.settled_amount, second.balance) == (Decimal("10.00"), Decimal("24.84"))
    assert (payment.merchant, payment.reference) == (acme.merchant, "virement 8841")
    assert payment.allocated_amount == Decimal("44.84")


def test_record_payment_without_invoices_is_a_credit_on_the_account(acme):
    payment = pay(acme)
    payment.refresh_from_db()
    assert (payment.amount, payment.allocated_amount) == (Decimal("20.00"), 0)


def test_record_payment_refuses_to_pay_more_than_it_holds(acme):
    invoice = issue(acme)
    with pytest.raises(payments.PaidBeyondPayment) as raised, translation.override("en-ca"):
        pay(acme, amount=Decimal("20.00"), allocations={invoice.pk: Decimal("20.01")})
    with translation.override("en-ca"):
        assert str(raised.value) == "Payment P-1 holds $20.00; $20.01 is more."
    assert not Payment.objects.exists()


def test_record_payment_refuses_to_pay_more_than_is_open(acme):
    invoice = issue(acme)
    pay(acme, number="P-1", allocations={invoice.pk: Decimal("20.00")})
    with pytest.raises(payments.PaidBeyondInvoice) as raised, translation.override("en-ca"):
        pay(acme, number="P-2", allocations={invoice.pk: Decimal("14.85")})
    with translation.override("en-ca"):
        assert str(raised.value) == "$14.84 is open on invoice F-1; $14.85 is more."
    assert Payment.objects.get().number == "P-1"


def test_record_payment_refuses_the_invoice_of_another_customer(acme, globex):
    theirs = issue(globex, number="F-9")
    with pytest.raises(payments.InvoiceOfAnotherCustomer) as raised:
        pay(acme, allocations={theirs.pk: Decimal("5.00")})
    assert "F-9" in str(raised.value)
    theirs.refresh_from_db()
    assert theirs.settled_amount == 0


def test_record_payment_does_not_pay_a_credit_note(acme):
    credit = issue(acme, kind=Invoice.Kind.CREDIT_NOTE, number="N-1")
    with pytest.raises(payments.InvoiceOfAnotherCustomer):
        pay(acme, allocations={credit.pk: Decimal("5.00")})


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"amount": Decimal(0)}, payments.NothingReceived),
        ({"amount": Decimal(-1)}, shapes.NegativeNumber),
        ({"amount": Decimal("1.001")}, shapes.TooManyDecimals),
        ({"method": "barter"}, payments.MethodUnknown),
        ({"number": ""}, shapes.TextMissing),
        ({"reference": "x" * 121}, shapes.TextTooLong),
    ],
)
def test_record_payment_refuses_what_is_not_money(acme, changes, refusal):
    with pytest.raises(refusal):
        pay(acme, **changes)
    assert not Payment.objects.exists()


def test_record_payment_refuses_a_part_of_nothing(acme):
    with pytest.raises(payments.NothingReceived):
        pay(acme, allocations={issue(acme).pk: Decimal(0)})


def test_record_payment_refuses_a_number_already_recorded(acme):
    pay(acme, number="P-1")
    with pytest.raises(payments.PaymentNumberTaken) as raised:
        pay(acme, number="P-1")
    assert "P-1" in str(raised.value)
    assert Payment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_payments_at_the_same_moment_neither_wait_for_ever_nor_pay_the_same_dollar(acme):
    """Each of eight payments would pay the whole of two invoices, half of them naming the second first."""
    first, second = issue(acme, number="F-1"), issue(acme, number="F-2")
    keys, answers = [first.pk, second.pk], []
    start = threading.Barrier(8)

    def attempt(position):
        start.wait()
        order = keys if position % 2 else keys[::-1]
        try:
            pay(acme, number=f"P-{position}", amount=Decimal("69.68"), allocations=dict.fromkeys(order, first.total))
            answers.append("paid")
        except payments.PaidBeyondInvoice:
            answers.append("refused")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=attempt, args=(position,)) for position in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(answers) == ["paid"] + ["refused"] * 7
    assert list(Invoice.objects.order_by("pk").values_list("settled_amount", flat=True)) == [first.total] * 2
    assert Payment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_credit_note_waits_for_the_payment_under_way(acme):
    invoice = issue(acme)
    done = threading.Event()

    def credit():
        issue(acme, kind=Invoice.Kind.CREDIT_NOTE, number="N-1", corrects=invoice)
        done.set()
        connections.close_all()

    thread = threading.Thread(target=credit)
    with transaction.atomic():
        pay(acme, amount=Decimal("30.00"), allocations={invoice.pk: Decimal("30.00")})
        thread.start()
        assert not done.wait(timeout=0.5)
    thread.join(timeout=30)
    assert done.is_set()
    assert connection.get_autocommit()
    note = Invoice.objects.get(number="N-1")
    assert note.settled_amount == Decimal("4.84")
