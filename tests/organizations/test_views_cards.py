"""The card on the person's phone, and the printed one."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from accounts.models import User
from organizations import cards
from organizations.models import Card, Membership
from organizations.permissions import Role
from tests import factories

pytestmark = pytest.mark.django_db


def member(user) -> Membership:
    return Membership.objects.get(user=user)


def test_a_person_makes_their_card_and_its_code_turns(client, acme, rita, today, time_machine):
    client.force_login(rita)
    address = reverse("organizations:card", args=[acme.public_id])
    assert 'id="card"' not in client.get(address).content.decode()
    assert client.post(address).status_code == 303
    card = Card.objects.get()
    page = client.get(address).content.decode()
    path = cards.qr_path(cards.code_of(card=card))[1]
    assert path in page
    assert 'hx-trigger="every 10s"' in page
    time_machine.shift(30)
    turned = client.get(address, headers={"hx-request": "true"}).content.decode()
    assert path not in turned
    assert cards.qr_path(cards.code_of(card=card))[1] in turned
    assert "<html" not in turned
    assert card.secret not in page


def test_a_lost_phone_is_a_card_withdrawn(client, acme, rita):
    client.force_login(rita)
    client.post(reverse("organizations:card", args=[acme.public_id]))
    client.post(reverse("organizations:card-revoke", args=[acme.public_id]))
    assert not Card.objects.live().exists()


def test_who_neither_rents_nor_picks_up_has_no_card(client, acme):
    person = factories.UserFactory()
    factories.MembershipFactory(customer=acme, user=person, role=Role.ACCOUNTANT)
    client.force_login(person)
    address = reverse("organizations:card", args=[acme.public_id])
    assert "ni l’un ni l’autre" in client.get(address).content.decode()
    client.post(address)
    assert not Card.objects.exists()


def test_an_administrator_prints_a_card_whose_pin_shows_once(client, acme, alice, rita):
    client.force_login(alice)
    address = reverse("organizations:card-print", args=[acme.public_id, member(rita).pk])
    made = client.post(address).content.decode()
    pin = re.search(r"NIP\N{NO-BREAK SPACE}: (\d{6})", made)[1]
    assert "Rita Côté" in made
    assert pin not in client.get(address).content.decode()
    client.post(address, {"revoke": "1"})
    assert not Card.objects.live().exists()


def test_nobody_prints_a_card_for_another_company_or_who_left(client, acme, alice, charlie, rita):
    client.force_login(alice)
    assert (
        client.post(reverse("organizations:card-print", args=[acme.public_id, member(charlie).pk])).status_code == 404
    )
    Membership.objects.filter(user=rita).update(ends_on="2020-01-01")
    assert client.post(reverse("organizations:card-print", args=[acme.public_id, member(rita).pk])).status_code == 404
    assert not Card.objects.exists()


def test_a_business_that_is_no_member_company_prints_no_card(client, nadia):
    """It has no team: the page says why, as every page of a team."""
    client.force_login(nadia)
    mine = member(nadia)
    address = reverse("organizations:card-print", args=[mine.customer.public_id, mine.pk])
    for answer in (client.get(address), client.post(address)):
        assert "entreprises membres" in answer.content.decode()
    assert not Card.objects.exists()
    client.post(reverse("organizations:card", args=[mine.customer.public_id]))
    assert Card.objects.get().kind == Card.Kind.PHONE


def test_no_card_is_printed_for_a_closed_profile(client, acme, alice, rita):
    User.objects.filter(pk=rita.pk).update(is_active=False)
    client.force_login(alice)
    answer = client.post(reverse("organizations:card-print", args=[acme.public_id, member(rita).pk]))
    assert answer.status_code == 422
    assert "son profil est fermé" in answer.text
    assert not Card.objects.exists()
