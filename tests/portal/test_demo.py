"""The demo tells a whole story once: its people, its documents, something waiting for the agents."""

from decimal import Decimal

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.db.models import F, Sum

from accounts.models import User
from billing.models import Allocation, Invoice
from newsletter.models import Campaign, Subscription
from newsletter.review import problems
from organizations.models import AccessRequest, Customer, Merchant
from portal.demo import PASSWORD
from portal.demo.people import LOGINS

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_the_demo_is_told_once_and_adds_up(capsys):
    call_command("seed_demo")
    counts = [model.objects.count() for model in (Customer, User, Invoice, Allocation)]
    call_command("seed_demo")
    assert [model.objects.count() for model in (Customer, User, Invoice, Allocation)] == counts
    assert "already there" in capsys.readouterr().out
    assert Customer.objects.count() >= 40
    assert Merchant.objects.all().default().slug == "boreal"
    for login in LOGINS:
        user = authenticate(None, username=login.email, password=PASSWORD)
        held = set(Customer.objects.for_user(user).values_list("number", flat=True))
        assert {number for number, _role in login.roles} <= held
    ines = User.objects.get(email="ines@example.org")
    assert {customer.merchant.slug for customer in Customer.objects.for_user(ines)} == {"boreal", "riviere"}
    acme = Invoice.objects.filter(customer__number="10482")
    assert {invoice.status for invoice in acme} == set(Invoice.Status)
    assert Invoice.objects.filter(customer__email="nouveau@example.org").exists()
    assert AccessRequest.objects.open().count() == 1
    past, draft = Campaign.objects.order_by("pk")
    assert (past.status, draft.status) == ("sent", "draft")
    assert not problems(campaign=draft)
    assert past.recipients.count() > 3
    assert Subscription.objects.filter(left_at__isnull=False, subscriber__email="charlie@globex.example").exists()
    paid = Allocation.objects.aggregate(paid=Sum("amount"))["paid"]
    settled = Invoice.objects.filter(kind=Invoice.Kind.INVOICE).aggregate(settled=Sum("settled_amount"))["settled"]
    assert paid == settled > Decimal(0)
    assert not Invoice.objects.exclude(total=F("subtotal") + F("gst") + F("qst")).exists()
