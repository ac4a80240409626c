"""Putting a customer on hold at the counters, and lifting that; the portal itself stays open to it."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from organizations import audit
from organizations.models import AuditEvent, Customer
from organizations.refusals import Refusal


class HoldReasonMissing(Refusal):
    sentence: str | Promise = _("Write the reason: agents read it at the counters, and the history keeps it.")


@transaction.atomic
def hold_customer(*, customer: Customer, reason: str, by: User) -> Customer:
    """Refuse everybody of this customer at every counter from now on; another reason replaces the first."""
    reason = reason.strip()
    if not reason:
        raise HoldReasonMissing
    customer = Customer.objects.select_for_update(of=("self",)).get(pk=customer.pk)
    if customer.hold_reason == reason:
        return customer
    customer.held_at = customer.held_at or timezone.now()
    customer.held_by, customer.hold_reason = by, reason
    customer.save(update_fields=["held_at", "held_by", "hold_reason"])
    audit.record(event=AuditEvent.Event.CUSTOMER_HELD, customer=customer, by=by, reason=reason)
    return customer


@transaction.atomic
def release_customer(*, customer: Customer, by: User) -> Customer:
    """Let its people rent and pick up again; a second time changes nothing."""
    customer = Customer.objects.select_for_update(of=("self",)).get(pk=customer.pk)
    if customer.held_at is None:
        return customer
    customer.held_at, customer.held_by, customer.hold_reason = None, None, ""
    customer.save(update_fields=["held_at", "held_by", "hold_reason"])
    audit.record(event=AuditEvent.Event.CUSTOMER_RELEASED, customer=customer, by=by)
    return customer
