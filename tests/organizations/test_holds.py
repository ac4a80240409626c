"""Putting a customer on hold at the counters, from the agents' admin."""

from __future__ import annotations

import pytest
from django.urls import reverse

from organizations.models import AuditEvent, CounterDecision
from organizations.services.holds import HoldReasonMissing, hold_customer, release_customer

pytestmark = pytest.mark.django_db


def test_an_agent_holds_a_customer_with_a_reason_and_lifts_it(client, sam, acme):
    client.force_login(sam)
    address = reverse("admin:organizations_customer_hold", args=[acme.pk])
    assert client.post(address, {"reason": " "}).status_code == 422
    assert client.post(address, {"reason": "Compte en souffrance"}).status_code == 303
    acme.refresh_from_db()
    assert (acme.held_by, acme.hold_reason) == (sam, "Compte en souffrance")
    assert "Compte en souffrance" in client.get(address).content.decode()
    assert client.post(address).status_code == 303
    acme.refresh_from_db()
    assert (acme.held_at, acme.held_by, acme.hold_reason) == (None, None, "")
    events = [event.event for event in AuditEvent.objects.order_by("pk")]
    assert events == [AuditEvent.Event.CUSTOMER_HELD, AuditEvent.Event.CUSTOMER_RELEASED]


def test_an_agent_of_another_merchant_holds_nobody(client, zoe, acme):
    client.force_login(zoe)
    address = reverse("admin:organizations_customer_hold", args=[acme.pk])
    assert client.post(address, {"reason": "X"}).status_code == 404
    acme.refresh_from_db()
    assert acme.held_at is None


def test_the_same_twice_is_once(acme, sam):
    with pytest.raises(HoldReasonMissing):
        hold_customer(customer=acme, reason="  ", by=sam)
    for _time in range(2):
        hold_customer(customer=acme, reason="Compte en souffrance", by=sam)
    for _time in range(2):
        release_customer(customer=acme, by=sam)
    assert AuditEvent.objects.count() == 2


def test_decisions_at_counters_are_listed_for_agents_of_the_merchant(client, sam, acme, alice, boreal):
    row = CounterDecision.objects.create(
        merchant=boreal, customer=acme, person="Julie Dubois", agent=sam, answer="no", reason="unlisted", act="refused"
    )
    client.force_login(sam)
    page = client.get(reverse("admin:organizations_counterdecision_changelist")).content.decode()
    assert "Julie Dubois" in page
    assert client.get(reverse("admin:organizations_counterdecision_change", args=[row.pk])).status_code == 200
