"""To whom a campaign goes: consents in force, narrowed by what the merchant's books say of the address."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.utils import timezone

from billing.models import Invoice
from newsletter.models import Campaign, Recipient, Subscription
from organizations.models import Customer, Membership

# A million people joined in memory rather than on disk.
ROOM = "SET LOCAL work_mem = '64MB'"
INSERT = """
INSERT INTO newsletter_recipient (campaign_id, subscriber_id, status, attempts, due_at, last_error)
SELECT %s, audience.subscriber_id, 'queued', 0, %s, '' FROM ({audience}) AS audience ORDER BY audience.subscriber_id
ON CONFLICT (campaign_id, subscriber_id) DO NOTHING
"""


def audience(*, campaign: Campaign) -> QuerySet[Subscription]:
    """The subscriptions of its topic that it reaches now."""
    found = Subscription.objects.active().filter(topic=campaign.topic_id, subscriber__suppressed_at=None)
    if campaign.to_language:
        found = found.filter(subscriber__language=campaign.to_language)
    if campaign.to_kind or campaign.to_branch_id or campaign.to_purchased_since:
        found = found.filter(subscriber__email__in=_addresses(campaign=campaign))
    return found


def sizes(*, campaign: Campaign) -> dict[str, int]:
    """How many people it reaches now, by language."""
    rows = audience(campaign=campaign).values_list("subscriber__language").annotate(count=Count("pk"))
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(ROOM)
        return dict(rows.order_by("subscriber__language"))


def write_recipients(*, campaign: Campaign) -> int:
    """One row for each of them, in one statement: nothing of it passes through this process."""
    sql, params = audience(campaign=campaign).order_by().values("subscriber_id").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(INSERT.format(audience=sql), [campaign.pk, timezone.now(), *params])
        return cursor.rowcount


def counts(*, campaign: Campaign) -> dict[str, int]:
    """How many recipients are in each status."""
    rows = Recipient.objects.filter(campaign=campaign).values_list("status").annotate(count=Count("pk"))
    return dict.fromkeys(Recipient.Status.values, 0) | dict(rows.order_by("status"))


def _addresses(*, campaign: Campaign) -> QuerySet[Any, Any]:
    """Of the open accounts the campaign is meant for, and of the people who act for them today."""
    customers = _customers(campaign=campaign)
    people = Membership.objects.active().filter(user__isnull=False, customer__in=customers)
    return customers.values("email").union(people.values("user__email"))


def _customers(*, campaign: Campaign) -> QuerySet[Customer]:
    customers = Customer.objects.open().filter(merchant=campaign.merchant_id)
    if campaign.to_kind:
        customers = customers.filter(kind=campaign.to_kind)
    if campaign.to_branch_id or campaign.to_purchased_since:
        invoices = Invoice.objects.filter(customer=OuterRef("pk"), kind=Invoice.Kind.INVOICE)
        if campaign.to_branch_id:
            invoices = invoices.filter(branch=campaign.to_branch_id)
        if campaign.to_purchased_since:
            invoices = invoices.filter(issued_on__gte=campaign.to_purchased_since)
        customers = customers.filter(Exists(invoices))
    return customers
