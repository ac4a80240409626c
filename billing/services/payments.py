"""Recording money received, and the invoices it pays."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from billing.models import Allocation, Invoice, Payment
from billing.services.shapes import in_money, refuse_unfit_document_number, refuse_unfit_numbers, refuse_unfit_text
from organizations.models import Customer
from organizations.refusals import Refusal


class PaymentNumberTaken(Refusal):
    """The merchant has already recorded a payment of that number."""

    sentence = _("Payment %(number)s is already recorded.")


class NothingReceived(Refusal):
    """A payment, and each part of it, is more than nothing."""

    sentence = _("Payment %(number)s, or a part of it, is of nothing.")


class MethodUnknown(Refusal):
    """A payment came in one of the ways the books know."""

    sentence = _("“%(method)s” is not a way to pay.")


class PaidBeyondPayment(Refusal):
    """A payment cannot pay more than it holds."""

    sentence = _("Payment %(number)s holds %(amount)s; %(spent)s is more.")


class PaidBeyondInvoice(Refusal):
    """An invoice cannot be paid more than what is open on it."""

    sentence = _("%(unpaid)s is open on invoice %(number)s; %(part)s is more.")


class InvoiceOfAnotherCustomer(Refusal):
    """A payment pays only invoices of the customer who made it."""

    sentence = _("Not an invoice of %(customer)s: %(numbers)s.")


@transaction.atomic
def record_payment(
    *,
    customer: Customer,
    number: str,
    received_on: date,
    method: str,
    amount: Decimal,
    reference: str = "",
    allocations: Mapping[int, Decimal],
) -> Payment:
    """Record money received; `allocations` says how much of it pays which invoice (by key), the rest is a credit.

    Invoices are locked in the order of their keys: two payments never wait for each other, nor pay the same dollar.
    """
    refuse_unfit_document_number(model=Payment, number=number)
    refuse_unfit_text(model=Payment, reference=reference)
    refuse_unfit_numbers(model=Payment, amount=amount)
    if method not in Payment.Method:
        raise MethodUnknown(method=method)
    if amount == 0:
        raise NothingReceived(number=number)
    _refuse_beyond_payment(number=number, amount=amount, allocations=allocations)
    payment = _insert(
        Payment(
            merchant_id=customer.merchant_id,
            customer=customer,
            number=number,
            received_on=received_on,
            method=Payment.Method(method),
            amount=amount,
            reference=reference,
        )
    )
    if allocations:
        _allocate(payment=payment, allocations=allocations)
    return payment


def _allocate(*, payment: Payment, allocations: Mapping[int, Decimal]) -> None:
    invoices = _open_invoices(customer=payment.customer, keys=sorted(allocations))
    for invoice in invoices:
        _refuse_beyond_invoice(invoice=invoice, part=allocations[invoice.pk])
    Allocation.objects.bulk_create(
        Allocation(payment=payment, invoice=invoice, amount=allocations[invoice.pk]) for invoice in invoices
    )
    payment.refresh_from_db(fields=["allocated_amount"])


def _refuse_beyond_payment(*, number: str, amount: Decimal, allocations: Mapping[int, Decimal]) -> None:
    for part in allocations.values():
        refuse_unfit_numbers(model=Allocation, amount=part)
        if part == 0:
            raise NothingReceived(number=number)
    spent = sum(allocations.values(), Decimal(0))
    if spent > amount:
        raise PaidBeyondPayment(number=number, amount=in_money(amount), spent=in_money(spent))


def _open_invoices(*, customer: Customer, keys: list[int]) -> list[Invoice]:
    mine = Invoice.objects.filter(pk__in=keys, customer=customer, kind=Invoice.Kind.INVOICE)
    locked = list(mine.select_for_update(of=("self",), no_key=True).order_by("pk")) if keys else []
    if len(locked) < len(keys):
        strays = sorted(set(keys) - {invoice.pk for invoice in locked})
        numbers = Invoice.objects.filter(pk__in=strays, merchant_id=customer.merchant_id).order_by("pk")
        named = ", ".join(numbers.values_list("number", flat=True)) or ", ".join(str(key) for key in strays)
        raise InvoiceOfAnotherCustomer(customer=customer, numbers=named)
    return locked


def _refuse_beyond_invoice(*, invoice: Invoice, part: Decimal) -> None:
    unpaid = invoice.total - invoice.settled_amount
    if part > unpaid:
        raise PaidBeyondInvoice(unpaid=in_money(unpaid), number=invoice.number, part=in_money(part))


def _insert(payment: Payment) -> Payment:
    try:
        with transaction.atomic():
            payment.save(force_insert=True)
    except IntegrityError as error:
        if "payment_number_unique" not in str(error):
            raise
        raise PaymentNumberTaken(number=payment.number) from error
    return payment
