"""What a customer's home says of the account: what is due, since when, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, DecimalField, F, Min, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from billing.models import Invoice, Payment
from billing.queries import Filters, page_after
from billing.rows import Row, rows_of
from organizations.models import Customer

LATEST = 6
NOTHING = Value(Decimal(0), output_field=DecimalField(max_digits=14, decimal_places=2))


@dataclass(frozen=True, slots=True)
class Summary:
    """CAD. A credit lowers the balance, which may be negative: the merchant then owes the customer."""

    balance: Decimal
    invoice_count: int
    credit_notes: Decimal
    unallocated: Decimal
    overdue: Decimal
    overdue_count: int
    overdue_since: date | None
    overdue_days: int
    next_due_on: date | None
    next_due: Decimal
    credit_limit: Decimal | None
    latest: list[Row]
    has_more: bool

    @property
    def credits(self) -> Decimal:
        """What lowers the balance: credit notes not used yet, and money that pays no invoice yet."""
        return self.credit_notes + self.unallocated

    @property
    def available_credit(self) -> Decimal | None:
        """What may still be bought on account; nothing once the limit is reached."""
        return None if self.credit_limit is None else max(self.credit_limit - self.balance, Decimal(0))


def account_summary(*, customer: Customer) -> Summary:
    """The figures of one customer today, in three queries whatever their number of documents."""
    today = timezone.localdate()
    figures = _figures(customer=customer, today=today)
    unallocated = _unallocated(customer=customer)
    documents = page_after(customer=customer, filters=Filters(), cursor=None, size=LATEST)
    since = figures["oldest_due_on"]
    return Summary(
        balance=figures["to_pay"] - figures["to_use"] - unallocated,
        invoice_count=figures["invoice_count"],
        credit_notes=figures["to_use"],
        unallocated=unallocated,
        overdue=figures["overdue"],
        overdue_count=figures["overdue_count"],
        overdue_since=since + timedelta(days=1) if since else None,
        overdue_days=(today - since).days if since else 0,
        next_due_on=figures["next_due_on"],
        next_due=figures["next_due"],
        credit_limit=customer.credit_limit,
        latest=rows_of(customer=customer, documents=documents[:LATEST]),
        has_more=len(documents) > LATEST,
    )


def _figures(*, customer: Customer, today: date) -> dict[str, Any]:
    unpaid = F("total") - F("settled_amount")
    invoice, credit = Q(kind=Invoice.Kind.INVOICE), Q(kind=Invoice.Kind.CREDIT_NOTE)
    late, coming = invoice & Q(due_on__lt=today), invoice & Q(due_on__gte=today)
    soonest = Invoice.objects.receivable().filter(customer=customer, due_on__gte=today)
    soonest_day = soonest.order_by("due_on", "pk").values("due_on")[:1]
    return customer.invoices.open().aggregate(
        to_pay=Coalesce(Sum(unpaid, filter=invoice), NOTHING),
        to_use=Coalesce(Sum(unpaid, filter=credit), NOTHING),
        invoice_count=Count("pk", filter=invoice),
        overdue=Coalesce(Sum(unpaid, filter=late), NOTHING),
        overdue_count=Count("pk", filter=late),
        oldest_due_on=Min("due_on", filter=late),
        next_due_on=Min("due_on", filter=coming),
        next_due=Coalesce(Sum(unpaid, filter=coming & Q(due_on=Subquery(soonest_day))), NOTHING),
    )


def _unallocated(*, customer: Customer) -> Decimal:
    """What was received and pays no invoice yet."""
    spare = F("amount") - F("allocated_amount")
    waiting = Payment.objects.filter(customer=customer, allocated_amount__lt=F("amount"))
    return waiting.aggregate(spare=Coalesce(Sum(spare), NOTHING))["spare"]
