"""The counter in a real browser: a card scanned, access withdrawn, and the refusal on the very next scan."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from organizations import cards
from organizations.models import Card, CounterDecision, Customer, Membership
from organizations.permissions import Role
from organizations.services.cards import make_card
from tests import factories

VERDICT = ".verdict strong"


@pytest.fixture
def shop(transactional_db, boreal, acme, alice, bob, rita, sam):
    factories.BranchFactory(merchant=boreal, code="laval", name="Laval")
    factories.BranchFactory(merchant=boreal, code="quebec", name="Québec")
    Customer.objects.update(opened_at=timezone.now())
    olga = factories.UserFactory(email="olga@acme.example", first_name="Olga", last_name="Roy")
    factories.MembershipFactory(customer=acme, user=olga, role=Role.ADMINISTRATOR)
    return acme


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_revoke_then_refused_at_once(browse, shop, alice, bob, sam, width, scheme):
    """By keyboard and scanner alone at the counter: a code typed, then Enter."""
    agent = browse(width=width, scheme=scheme)
    agent.sign_in(sam.email, factories.PASSWORD)
    agent.open("/counter/")
    agent.press("Laval")
    card, _pin = make_card(membership=Membership.objects.get(user=bob), kind=Card.Kind.PHONE, by=bob)

    def scan() -> str:
        agent.page.locator("#q").focus()
        agent.page.keyboard.type(cards.code_of(card=card))
        agent.page.keyboard.press("Enter")
        agent.page.locator(".verdict, .note[data-is=danger]").first.wait_for()
        agent.page.wait_for_function("document.querySelector('#q').value === ''")
        agent.check()
        return agent.page.locator("#results").inner_text()

    assert "Peut louer et ramasser" in scan()
    agent.submit("button[value=rented]")
    assert CounterDecision.objects.get().shown == "phone"

    boss = browse(width=width, scheme=scheme)
    boss.sign_in(alice.email, factories.PASSWORD)
    member = Membership.objects.get(user=bob)
    boss.open(reverse("organizations:member", args=[shop.public_id, member.pk]))
    boss.press("Cette personne est partie")
    boss.submit("main form button[data-kind=danger]")
    assert "reçu" in boss.page.locator("h1").inner_text()

    assert "retirée" in scan()
    agent.page.fill("#q", "gagnon")
    agent.page.locator(VERDICT).wait_for()
    assert agent.page.locator(VERDICT).inner_text() == "Non"
    agent.page.locator("button[value=rented]").wait_for(state="detached")
    agent.submit("button[value=refused]")
    assert CounterDecision.objects.latest("pk").reason == "removed"


@pytest.mark.parametrize(("width", "scheme", "language"), [(360, "light", "fr-ca"), (1280, "dark", "en-ca")])
def test_every_page_of_counter_and_card_is_accessible_and_fits(
    browse, shop, alice, bob, rita, sam, width, scheme, language
):
    for user in (alice, sam, rita):
        user.language = language
        user.save()
    agent = browse(width=width, scheme=scheme)
    agent.sign_in(sam.email, factories.PASSWORD)
    agent.open("/counter/?at=boreal.laval&q=acme")
    for query in ("gagnon", "cote", "inconnu"):
        agent.open(f"/counter/?at=boreal.laval&q={query}")
    agent.open(f"/counter/?at=boreal.laval&company={shop.public_id}")
    agent.open("/counter/list/?at=boreal.laval")
    agent.open(reverse("admin:organizations_customer_hold", args=[shop.pk]))
    person = browse(width=width, scheme=scheme)
    person.sign_in(rita.email, factories.PASSWORD)
    person.open(reverse("organizations:card", args=[shop.public_id]))
    person.submit("main form button[data-kind=main]")
    assert person.page.locator("#card svg").bounding_box()["width"] > 200
    boss = browse(width=width, scheme=scheme)
    boss.sign_in(alice.email, factories.PASSWORD)
    member = Membership.objects.get(user=rita)
    boss.open(reverse("organizations:card-print", args=[shop.public_id, member.pk]))
    boss.submit("main form button[data-kind=main]")
    assert re.search(r"\d{6}", boss.page.locator(".note").inner_text())
    boss.open(reverse("organizations:member-left", args=[shop.public_id, member.pk]))


def test_without_scripts_the_counter_answers_too(chromium, live_server, shop, sam):
    context = chromium.new_context(locale="fr-CA", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/accounts/login/")
    page.fill("[name=login]", sam.email)
    page.fill("[name=password]", factories.PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.goto(f"{live_server.url}/counter/?at=boreal.laval")
    page.locator("#q:focus").wait_for()  # without a click
    page.keyboard.type("gagnon")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator(VERDICT).inner_text() == "Peut louer et ramasser"
    assert "at=boreal.laval" in page.url
    context.close()
