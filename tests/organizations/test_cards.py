"""The code on a card: made by us alone, for a minute alone, for one merchant alone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from organizations import cards
from organizations.models import AuditEvent, Card
from organizations.services.cards import NoAccess, check_pin, make_card, revoke_cards
from organizations.services.members import remove_member
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def card(acme, bob, today) -> Card:
    return make_card(membership=bob.memberships.get(), kind=Card.Kind.PHONE, by=bob)[0]


def read(card: Card, text: str | None = None) -> cards.Scan:
    return cards.read(text=text or cards.code_of(card=card), merchant_id=card.membership.customer.merchant_id)


def test_a_code_is_its_card_in_its_step_and_the_next(card, today, time_machine):
    code = cards.code_of(card=card)
    assert re.fullmatch(r"[0-9A-Z]{25}", code)
    assert read(card, code).card == card
    time_machine.move_to(today + timedelta(seconds=59))
    assert read(card, code).card == card
    assert cards.code_of(card=card) != code


@pytest.mark.parametrize("seconds", [60, 90, 3000])
def test_an_old_code_is_said_to_be_old(card, today, time_machine, seconds):
    code = cards.code_of(card=card)
    time_machine.move_to(today + timedelta(seconds=seconds))
    with pytest.raises(cards.CardExpired):
        read(card, code)


def test_a_code_of_the_future_or_of_yesterday_is_unknown(card, today):
    for moment in (today + timedelta(minutes=5), today - timedelta(days=1)):
        with pytest.raises(cards.CardUnknown):
            read(card, cards.code_of(card=card, at=moment))


def test_no_letter_of_a_code_may_change(card):
    code = cards.code_of(card=card)
    for place in range(len(code)):
        for letter in "2B":
            forged = code[:place] + letter + code[place + 1 :]
            if forged != code:
                with pytest.raises(cards.CardUnknown):
                    read(card, forged)


def test_a_code_needs_the_secret_key_and_the_cards_own_secret(card, settings):
    code = cards.code_of(card=card)
    settings.SECRET_KEY = "another"
    with pytest.raises(cards.CardUnknown):
        read(card, code)


def test_a_card_of_another_merchant_is_unknown(card, riviere):
    with pytest.raises(cards.CardUnknown):
        cards.read(text=cards.code_of(card=card), merchant_id=riviere.pk)


def test_a_phone_code_is_no_paper_and_paper_is_no_phone(card, alice):
    code = cards.code_of(card=card)
    with pytest.raises(cards.CardUnknown):
        read(card, code.replace("CPT", "CPR", 1))
    paper, _pin = make_card(membership=card.membership, kind=Card.Kind.PRINTED, by=alice)
    with pytest.raises(cards.CardUnknown):
        read(paper, cards.code_of(card=paper).replace("CPR", "CPT", 1))


def test_a_new_card_replaces_the_old_one_at_once(card, bob):
    code = cards.code_of(card=card)
    new, _pin = make_card(membership=card.membership, kind=Card.Kind.PHONE, by=bob)
    with pytest.raises(cards.CardRevoked):
        read(card, code)
    assert read(new).card == new
    assert AuditEvent.objects.filter(event=AuditEvent.Event.CARD_MADE).count() == 2


def test_a_revoked_card_is_revoked_whatever_its_code(card):
    assert revoke_cards(membership=card.membership) == 1
    assert revoke_cards(membership=card.membership) == 0
    with pytest.raises(cards.CardRevoked):
        read(card)


def test_no_card_of_a_closed_profile_passes_nor_is_made(card, bob, alice, boreal):
    paper, pin = make_card(membership=card.membership, kind=Card.Kind.PRINTED, by=alice)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    with pytest.raises(cards.CardOfNobody):
        read(card)
    with pytest.raises(cards.CardOfNobody):
        check_pin(text=cards.code_of(card=paper), pin=pin, merchant_id=boreal.pk)
    with pytest.raises(NoAccess):
        make_card(membership=card.membership, kind=Card.Kind.PRINTED, by=alice)
    assert Card.objects.live().get(kind=Card.Kind.PRINTED) == paper


def test_an_access_that_ended_while_the_press_waited_makes_no_card(acme, alice, bob):
    membership = bob.memberships.get()
    remove_member(membership=membership, by=alice)
    with pytest.raises(NoAccess):
        make_card(membership=membership, kind=Card.Kind.PHONE, by=bob)
    assert not Card.objects.exists()


def test_the_pin_is_six_digits_and_only_its_hash_is_kept(bob, alice):
    card, pin = make_card(membership=bob.memberships.get(), kind=Card.Kind.PRINTED, by=alice)
    assert re.fullmatch(r"\d{6}", pin)
    assert pin not in card.pin_hash


def test_a_seal_is_ours_and_lasts_a_quarter_of_an_hour(card, today, time_machine):
    word = cards.seal(read(card))
    assert cards.unseal(word) == (card.pk, cards.step_at(today))
    assert cards.unseal(word[:-1]) is None
    assert cards.unseal("") is None
    time_machine.move_to(today + timedelta(minutes=15, seconds=1))
    assert cards.unseal(word) is None


def test_a_qr_code_is_drawn_with_its_quiet_zone():
    side, path = cards.qr_path("CPT2222222222ABCDEFGHIJKL")
    assert side == 33  # 25 modules and 4 around
    assert path.startswith("M4 4h1v1h-1z")
    places = re.findall(r"M(\d+) (\d+)h", path)
    assert all(4 <= int(place) < side - 4 for pair in places for place in pair)


@pytest.mark.parametrize(
    ("broken", "constraint"),
    [
        ({"kind": "printed"}, "card_printed_has_a_pin"),
        ({"kind": "phone", "pin_hash": "x"}, "card_printed_has_a_pin"),
        ({"kind": "phone", "tries": 5}, "card_tries_end"),
    ],
)
def test_a_card_that_means_nothing_is_refused(acme, broken, constraint):
    membership = factories.MembershipFactory(customer=acme)
    with pytest.raises(IntegrityError, match=constraint):
        Card.objects.create(membership=membership, **broken)


def test_a_person_has_one_card_of_a_kind(card):
    with pytest.raises(IntegrityError, match="card_one_of_a_kind"), transaction.atomic():
        Card.objects.create(membership=card.membership, kind=Card.Kind.PHONE)
    assert Card.objects.create(membership=card.membership, kind=Card.Kind.PHONE, revoked_at=timezone.now())
