"""What the database refuses about decisions at a counter, whoever writes."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError
from django.utils import timezone

from organizations.models import CounterDecision, Customer
from tests import factories

pytestmark = pytest.mark.django_db
REFUSED = {"answer": "no", "reason": "ended", "act": "refused"}


@pytest.mark.parametrize(
    ("broken", "constraint"),
    [
        ({"answer": "no", "reason": "ended", "act": "picked_up"}, "counter_decision_no_lets_nobody_go"),
        ({"answer": "pick_up", "act": "rented"}, "counter_decision_rents_with_the_right"),
        ({"membership": None}, "counter_decision_on_somebody"),
        ({"reason": ""}, "counter_decision_refusal_has_reason"),
        ({"amount": Decimal("-0.01")}, "counter_decision_amount_not_negative"),
    ],
)
def test_a_decision_that_contradicts_itself_is_refused(acme, sam, broken, constraint):
    member = factories.MembershipFactory(customer=acme)
    row = {"merchant": acme.merchant, "customer": acme, "membership": member, "person": "X", "agent": sam}
    with pytest.raises(IntegrityError, match=constraint):
        CounterDecision.objects.create(**row | REFUSED | broken)


@pytest.mark.parametrize("missing", ["held_at", "held_by", "hold_reason"])
def test_a_hold_has_a_moment_an_agent_and_a_reason(acme, sam, missing):
    hold = {"held_at": timezone.now(), "held_by": sam, "hold_reason": "Compte en souffrance"}
    del hold[missing]
    with pytest.raises(IntegrityError, match="customer_hold_is_whole"):
        Customer.objects.filter(pk=acme.pk).update(**hold)
