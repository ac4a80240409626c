"""What the database itself refuses, each broken once; and what it keeps by itself."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import Error, connection, transaction
from django.utils import timezone

from billing.models import Allocation, Invoice, InvoiceLine, InvoicePdf, Letterhead, Payment
from tests import factories

CREDIT_NOTE = Invoice.Kind.CREDIT_NOTE


def refused(constraint):
    """The database says no, and names the rule."""
    return pytest.raises(Error, match=constraint)


@pytest.fixture
def invoice(acme):
    return factories.InvoiceFactory(customer=acme, number="F-1")


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"subtotal": Decimal(-1), "total": Decimal("13.98")}, "invoice_amounts_not_negative"),
        ({"taxable_subtotal": Decimal(-1)}, "invoice_amounts_not_negative"),
        ({"gst": Decimal(-1)}, "invoice_amounts_not_negative"),
        ({"qst": Decimal(-1)}, "invoice_amounts_not_negative"),
        ({"total": Decimal("114.99")}, "invoice_total_is_the_sum"),
        ({"settled_amount": Decimal("114.99")}, "invoice_not_settled_beyond_total"),
        ({"settled_amount": Decimal("-0.01")}, "invoice_not_settled_beyond_total"),
        ({"due_on": date(2026, 10, 31)}, "invoice_due_after_issue"),
    ],
)
def test_an_invoice_that_breaks_a_rule_is_not_kept(acme, changes, constraint):
    with refused(constraint), transaction.atomic():
        factories.InvoiceFactory(customer=acme, line=False, **changes)
    assert not Invoice.objects.exists()


def test_a_number_is_used_once_a_merchant(invoice, globex):
    with refused("invoice_number_unique"), transaction.atomic():
        factories.InvoiceFactory(customer=globex, number="F-1")


def test_only_a_credit_note_corrects(invoice, acme):
    factories.InvoiceFactory(customer=acme, kind=CREDIT_NOTE, corrects=invoice)
    with refused("invoice_only_credit_notes_correct"), transaction.atomic():
        factories.InvoiceFactory(customer=acme, corrects=invoice)


def test_a_document_its_customer_and_its_letterhead_are_of_one_merchant(acme, riviere):
    elsewhere = factories.LetterheadFactory(merchant=riviere)
    sound = factories.InvoiceFactory(customer=acme, line=False)
    for changes in (
        {"letterhead_id": elsewhere.pk},
        {"merchant_id": riviere.pk},
        {"letterhead_id": elsewhere.pk, "merchant_id": riviere.pk},
        {"letterhead_id": elsewhere.pk + 1000},
    ):
        values = {**Invoice.objects.filter(pk=sound.pk).values().get(), "id": None, "number": "F-2", **changes}
        with refused("are of one merchant"), transaction.atomic():
            Invoice.objects.create(**values)
    assert Invoice.objects.count() == 1


def test_a_merchant_who_has_a_letterhead_stays(db):
    merchant = factories.LetterheadFactory().merchant
    with refused("billing_letterhead"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM organizations_merchant WHERE id = %s", [merchant.pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize("column", ["number", "bill_to_name", "subtotal", "issued_on", "due_on", "po_number", "total"])
def test_an_issued_document_is_never_edited(invoice, column):
    changed = {"issued_on": date(2026, 1, 1), "due_on": date(2027, 1, 1)}.get(column, "1.00")
    with refused("Cannot update rows"), transaction.atomic():
        Invoice.objects.filter(pk=invoice.pk).update(**{column: changed})


def test_an_issued_document_is_never_deleted(acme):
    bare = factories.InvoiceFactory(customer=acme, line=False)
    with refused("Cannot delete rows"), transaction.atomic():
        bare.delete()
    assert Invoice.objects.filter(pk=bare.pk).exists()


def test_a_line_is_never_edited_nor_deleted(invoice):
    line = invoice.lines.get()
    with refused("Cannot update or delete"), transaction.atomic():
        InvoiceLine.objects.filter(pk=line.pk).update(amount=1)
    with refused("Cannot update or delete"), transaction.atomic():
        line.delete()
    assert invoice.lines.get().amount == Decimal("100.00")


def test_no_line_is_added_once_a_document_is_issued(invoice):
    with refused("takes no more lines"), transaction.atomic():
        factories.InvoiceLineFactory(invoice=invoice, position=2)
    assert invoice.lines.count() == 1


def test_a_line_without_its_document_is_refused_alone_and_among_others(acme):
    two = factories.InvoiceFactory(customer=acme, line_count=2, line=False)
    orphan = factories.InvoiceLineFactory.build(invoice=two, position=1)
    orphan.invoice_id = two.pk + 1000
    with refused("a line belongs to a document"), transaction.atomic():
        orphan.save()
    sound = factories.InvoiceLineFactory.build(invoice=two, position=1)
    with refused("a line belongs to a document"), transaction.atomic():
        InvoiceLine.objects.bulk_create([sound, orphan])
    assert not InvoiceLine.objects.exists()


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"position": 1}, "invoice_line_position_unique"),
        ({"position": 0}, "invoice_line_position_from_one"),
        ({"position": 2, "quantity": Decimal(-1)}, "invoice_line_not_negative"),
        ({"position": 2, "unit_price": Decimal(-1)}, "invoice_line_not_negative"),
        ({"position": 2, "amount": Decimal(-1)}, "invoice_line_not_negative"),
        ({"position": 2, "discount_percent": Decimal("100.01")}, "invoice_line_discount_a_share"),
        ({"position": 2, "discount_percent": Decimal("-0.01")}, "invoice_line_discount_a_share"),
    ],
)
def test_a_line_that_breaks_a_rule_is_not_kept(acme, changes, constraint):
    two = factories.InvoiceFactory(customer=acme, line_count=2)
    with refused(constraint), transaction.atomic():
        factories.InvoiceLineFactory(invoice=two, **changes)
    assert two.lines.count() == 1


def test_a_letterhead_that_was_printed_stays(boreal):
    letterhead = factories.LetterheadFactory(merchant=boreal)
    with refused("Cannot update or delete"), transaction.atomic():
        Letterhead.objects.filter(pk=letterhead.pk).update(gst_number="0")
    with refused("Cannot update or delete"), transaction.atomic():
        letterhead.delete()


def test_a_payment_is_more_than_nothing_and_its_number_is_used_once(acme):
    with refused("payment_amount_positive"), transaction.atomic():
        factories.PaymentFactory(customer=acme, amount=Decimal(0))
    factories.PaymentFactory(customer=acme, number="P-1")
    with refused("payment_number_unique"), transaction.atomic():
        factories.PaymentFactory(customer=acme, number="P-1")


def test_a_payment_is_never_edited_nor_deleted(acme):
    payment = factories.PaymentFactory(customer=acme)
    with refused("Cannot update rows"), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(amount=Decimal("999.00"))
    with refused("Cannot delete rows"), transaction.atomic():
        payment.delete()


def test_allocations_keep_the_sums_of_both_sides(invoice, acme):
    payment = factories.PaymentFactory(customer=acme, amount=Decimal("50.00"))
    credit = factories.InvoiceFactory(customer=acme, kind=CREDIT_NOTE)
    Allocation.objects.bulk_create(
        [
            Allocation(payment=payment, invoice=invoice, amount=Decimal("20.00")),
            Allocation(payment=payment, invoice=invoice, amount=Decimal("5.00")),
            Allocation(credit_note=credit, invoice=invoice, amount=Decimal("10.00")),
        ]
    )
    for row in (invoice, payment, credit):
        row.refresh_from_db()
    assert (invoice.settled_amount, credit.settled_amount) == (Decimal("35.00"), Decimal("10.00"))
    assert payment.allocated_amount == Decimal("25.00")


def test_allocations_never_go_beyond_the_invoice_the_payment_or_the_credit(invoice, acme):
    rich = factories.PaymentFactory(customer=acme, amount=Decimal("500.00"))
    with refused("invoice_not_settled_beyond_total"), transaction.atomic():
        factories.AllocationFactory(payment=rich, invoice=invoice, amount=Decimal("114.99"))
    poor = factories.PaymentFactory(customer=acme, amount=Decimal("10.00"))
    with refused("payment_not_allocated_beyond_amount"), transaction.atomic():
        factories.AllocationFactory(payment=poor, invoice=invoice, amount=Decimal("10.01"))
    credit = factories.InvoiceFactory(
        customer=acme,
        kind=CREDIT_NOTE,
        subtotal=Decimal(5),
        taxable_subtotal=Decimal(0),
        gst=Decimal(0),
        qst=Decimal(0),
    )
    with refused("invoice_not_settled_beyond_total"), transaction.atomic():
        factories.AllocationFactory(payment=None, credit_note=credit, invoice=invoice, amount=Decimal("5.01"))
    invoice.refresh_from_db()
    assert invoice.settled_amount == 0
    assert not Allocation.objects.exists()


def test_an_allocation_has_one_source_and_an_amount(invoice, acme):
    payment = factories.PaymentFactory(customer=acme)
    credit = factories.InvoiceFactory(customer=acme, kind=CREDIT_NOTE)
    for source in ({"payment": None}, {"payment": payment, "credit_note": credit}):
        with refused("allocation_one_source"), transaction.atomic():
            factories.AllocationFactory(invoice=invoice, **source)
    with refused("allocation_amount_positive"), transaction.atomic():
        factories.AllocationFactory(payment=payment, invoice=invoice, amount=Decimal(0))


def test_an_allocation_to_or_from_a_document_that_is_not_there_is_refused(invoice, acme):
    payment = factories.PaymentFactory(customer=acme)
    nowhere = invoice.pk + 1000
    for places in (
        {"payment": payment, "invoice_id": nowhere},
        {"credit_note_id": nowhere, "invoice": invoice},
        {"credit_note_id": invoice.pk, "invoice_id": nowhere},
    ):
        sound = Allocation(payment=payment, invoice=invoice, amount=Decimal(1))
        with refused("an allocation is to a document"), transaction.atomic():
            Allocation.objects.bulk_create([sound, Allocation(amount=Decimal(1), **places)])
    assert not Allocation.objects.exists()


def test_an_allocation_of_a_payment_that_is_not_there_is_refused(invoice):
    with refused("billing_allocation_payment_id"), transaction.atomic():
        Allocation.objects.create(payment_id=1000, invoice=invoice, amount=Decimal(1))
        connection.check_constraints()


@pytest.mark.parametrize("said", ["0.00", "4.99", "5.01"])
def test_a_payment_that_comes_after_its_allocations_begins_with_their_sum(invoice, acme, said):
    payment = factories.PaymentFactory.build(pk=1000, customer=acme, amount=Decimal(50), allocated_amount=Decimal(said))
    with refused("the sum of the allocations"), transaction.atomic():
        Allocation.objects.create(payment_id=1000, invoice=invoice, amount=Decimal("5.00"))
        payment.save(force_insert=True)
    payment.allocated_amount = Decimal("5.00")
    with refused("the sum of the allocations"), transaction.atomic():
        payment.save(force_insert=True)
    Allocation.objects.create(payment_id=1000, invoice=invoice, amount=Decimal("5.00"))
    payment.save(force_insert=True)
    assert Payment.objects.get(pk=1000).allocated_amount == Decimal("5.00")


def test_an_allocation_is_never_edited_nor_deleted(invoice, acme):
    allocation = factories.AllocationFactory(payment=factories.PaymentFactory(customer=acme), invoice=invoice)
    with refused("Cannot update or delete"), transaction.atomic():
        Allocation.objects.filter(pk=allocation.pk).update(amount=1)
    with refused("Cannot update or delete"), transaction.atomic():
        allocation.delete()


def test_a_file_is_made_once_a_language_and_is_whole(invoice):
    InvoicePdf.objects.create(invoice=invoice, language="fr-ca")
    with refused("invoice_pdf_once_a_language"), transaction.atomic():
        InvoicePdf.objects.create(invoice=invoice, language="fr-ca")
    with refused("invoice_pdf_made_is_whole"), transaction.atomic():
        InvoicePdf.objects.create(invoice=invoice, language="en-ca", rendered_at=timezone.now())


@pytest.mark.parametrize(
    ("changes", "status", "balance"),
    [
        ({}, "due", "114.98"),
        ({"due_on": date(2026, 11, 22)}, "due", "114.98"),
        ({"due_on": date(2026, 11, 21)}, "overdue", "114.98"),
        ({"settled_amount": Decimal("14.98")}, "part", "100.00"),
        ({"settled_amount": Decimal("14.98"), "due_on": date(2026, 11, 21)}, "overdue", "100.00"),
        ({"settled_amount": Decimal("114.98"), "due_on": date(2026, 11, 21)}, "paid", "0.00"),
        ({"kind": CREDIT_NOTE}, "credit", "-114.98"),
        ({"kind": CREDIT_NOTE, "settled_amount": Decimal("114.98")}, "credit", "0.00"),
    ],
)
def test_status_and_balance_follow_from_kind_amounts_and_today(acme, today, changes, status, balance):
    document = factories.InvoiceFactory(customer=acme, **changes)
    assert (document.status, document.balance) == (status, Decimal(balance))
