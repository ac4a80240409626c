"""The demo tells a whole story once: its people, its documents, something waiting for the agents."""

from decimal import Decimal

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.db.models import F, Sum

from accounts.models import User
from billing.models import Allocation, Invoice
from billing.services import document_name
from newsletter.models import Campaign, Subscription
from newsletter.review import problems
from organizations.models import (
    AccessRequest,
    Card,
    CompanyLink,
    CounterCase,
    CounterDecision,
    Customer,
    Invitation,
    JoinRequest,
    Mandate,
    Merchant,
    Organization,
    RegisterAlert,
    TakeOver,
    Verification,
)
from portal.demo import PASSWORD
from portal.demo.companies import declare_all
from portal.demo.people import LOGINS
from portal.demo.register import REGISTER
from registry import neq
from registry.models import Edition
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def assert_companies_show_every_verdict() -> None:
    """Each verdict, each state and each decision an agent may have to show; only numbers that are nobody’s."""
    verifications = list(Verification.objects.all())
    assert {fact["verdict"] for row in verifications for fact in row.facts} == set(Verification.Verdict)
    assert {row.state for row in verifications} == set(Verification.State) - {Verification.State.SUPERSEDED}
    assert Verification.objects.open().get(customer__email="nadia@noname.example").edition.is_current
    assert {alert.change.kind for alert in RegisterAlert.objects.waiting()} == {"struck_off", "renamed"}
    assert Edition.objects.count() == 2
    entries = [entry.neq for entry in REGISTER]
    assert [number for number in entries if not neq.is_valid(number)] == []
    assert {number for number in entries if number.startswith("22")} == {"2270000005", "2200000018"}
    refused = Organization.objects.get(refused_at__isnull=False)
    assert document_name(customer=refused.customer) == "Sylvie Lapointe"


def assert_a_team_shows_every_state() -> None:
    """In force, invited, waiting for a signature, at the counter only; and what others ask."""
    mandates = Mandate.objects.filter(customer__number="10482")
    assert mandates.filter(effective_at__isnull=False).count() == 2
    assert mandates.unsigned().count() == 1
    assert Invitation.objects.open().count() == 1
    assert JoinRequest.objects.filter(customer__number="10482", decided_at=None).exists()
    assert TakeOver.objects.open().exists()


def assert_the_counter_has_something_to_find(client) -> None:
    """Let go and refused, cards, a hold, a question open and one answered; an agent finds somebody at once."""
    decisions = CounterDecision.objects.filter(merchant__slug="boreal")
    assert set(decisions.values_list("act", flat=True)) == set(CounterDecision.Act)
    assert {"other_branch", "unlisted", "on_hold"} <= set(decisions.refusals().values_list("reason", flat=True))
    assert set(Card.objects.live().values_list("kind", flat=True)) == set(Card.Kind)
    assert Customer.objects.filter(held_at__isnull=False).count() == 1
    assert CounterCase.objects.open().count() == 1
    assert CounterCase.objects.exclude(answer="").count() == 1
    client.force_login(User.objects.get(email="sam@boreal.example"))
    assert "Laval" in client.get("/counter/").text
    assert "Peut louer et ramasser" in client.get("/counter/", {"at": "boreal.laval", "q": "gagnon"}).text


def assert_a_group_is_there(client) -> None:
    link = CompanyLink.objects.in_force().select_related("parent", "subsidiary").get()
    assert link.parent.number == "10482"
    assert CompanyLink.objects.waiting().exists()
    client.force_login(User.objects.get(email="alice@acme.example"))
    assert client.get(f"/c/{link.subsidiary.public_id}/team/").status_code == 200
    assert client.get(link.subsidiary.get_absolute_url()).status_code == 404


def test_a_register_that_is_loaded_is_left_alone():
    factories.EditionFactory()
    declare_all()
    assert (Edition.objects.count(), Verification.objects.count()) == (1, 0)


def test_the_demo_is_told_once_and_adds_up(capsys, client):
    call_command("seed_demo")
    told = (Customer, User, Invoice, Allocation, CounterDecision, CompanyLink)
    counts = [model.objects.count() for model in told]
    call_command("seed_demo")
    assert [model.objects.count() for model in told] == counts
    assert "already there" in capsys.readouterr().out
    assert Customer.objects.count() >= 40
    assert Merchant.objects.all().default().slug == "boreal"
    for login in LOGINS:
        user = authenticate(None, username=login.email, password=PASSWORD)
        held = set(Customer.objects.for_user(user).values_list("number", flat=True))
        assert {number for number, _role in login.roles} <= held
    assert_a_team_shows_every_state()
    assert_the_counter_has_something_to_find(client)
    assert_a_group_is_there(client)
    ines = User.objects.get(email="ines@example.org")
    assert {customer.merchant.slug for customer in Customer.objects.for_user(ines)} == {"boreal", "riviere"}
    acme = Invoice.objects.filter(customer__number="10482")
    assert {invoice.status for invoice in acme} == set(Invoice.Status)
    assert Invoice.objects.filter(customer__email="nouveau@example.org").exists()
    assert AccessRequest.objects.open().count() == 1
    assert_companies_show_every_verdict()
    past, draft = Campaign.objects.order_by("pk")
    assert (past.status, draft.status) == ("sent", "draft")
    assert not problems(campaign=draft)
    assert past.recipients.count() > 3
    assert Subscription.objects.filter(left_at__isnull=False, subscriber__email="charlie@globex.example").exists()
    paid = Allocation.objects.aggregate(paid=Sum("amount"))["paid"]
    settled = Invoice.objects.filter(kind=Invoice.Kind.INVOICE).aggregate(settled=Sum("settled_amount"))["settled"]
    assert paid == settled > Decimal(0)
    assert not Invoice.objects.exclude(total=F("subtotal") + F("gst") + F("qst")).exists()
