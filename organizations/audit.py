"""The only door to the history: one line a fact, written in the transaction of the change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from organizations.models import AuditEvent, Customer, Merchant

if TYPE_CHECKING:
    from accounts.models import User


def record(
    *,
    event: AuditEvent.Event,
    by: User | None,
    merchant: Merchant | None = None,
    customer: Customer | None = None,
    **data: str | int | None,
) -> AuditEvent:
    """Write one fact; the merchant follows from the customer when there is one.

    Values of data are plain codes, never sentences. Raises ValueError with neither customer nor merchant.
    """
    if customer is not None:
        return AuditEvent.objects.create(
            merchant_id=customer.merchant_id, customer=customer, event=event, by=by, data=data
        )
    if merchant is None:
        raise ValueError("A fact belongs to a customer, or at least to a merchant.")
    return AuditEvent.objects.create(merchant=merchant, event=event, by=by, data=data)
