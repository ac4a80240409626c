"""« This person has left »: everything of theirs ends in one act, and a colleague takes over what was open."""

from __future__ import annotations

from uuid import uuid4

import pytest
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.urls import reverse

from accounts.models import OutgoingMessage
from organizations.models import AuditEvent, Card, Membership
from organizations.permissions import Role
from organizations.services import departures
from organizations.services.cards import make_card
from organizations.services.mandates import Invitee, LastAdministrator, write_mandate
from organizations.services.members import remove_member
from organizations.terms import Wish
from tests import factories
from tests.strictness import StrictClient

pytestmark = pytest.mark.django_db


def member(user) -> Membership:
    return Membership.objects.get(user=user)


@pytest.fixture
def olga(acme):
    """The other administrator."""
    user = factories.UserFactory(email="olga@acme.example", first_name="Olga", last_name="Roy", language="en-ca")
    factories.MembershipFactory(customer=acme, user=user, role=Role.ADMINISTRATOR)
    return user


@pytest.fixture
def invited(acme, bob):
    """Bob invited a visitor, who has not answered."""
    person = Invitee(first_name="Luc", last_name="Dion", email="luc@acme.example")
    wish = Wish(role=Role.VISITOR)
    with transaction.atomic():
        return write_mandate(customer=acme, invitee=person, wish=wish, by=bob, batch=uuid4(), proof="")


def left(acme, user) -> str:
    return reverse("organizations:member-left", args=[acme.public_id, member(user).pk])


def browser(user) -> StrictClient:
    client = StrictClient(headers={"accept-language": "fr-CA"})
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    # As signing in with a password writes it.
    UserSession.objects.create(user=user, session_key=client.session.session_key, ip="127.0.0.1", user_agent="Firefox")
    return client


def test_one_press_ends_all_of_it(acme, alice, olga, bob, invited):
    theirs, mine = browser(bob), browser(alice)
    make_card(membership=member(bob), kind=Card.Kind.PHONE, by=bob)
    assert UserSession.objects.filter(user=bob).count() == 1
    asked = mine.get(left(acme, bob)).content.decode()
    assert "Bob Gagnon" in asked
    assert "1 invitation" in asked
    response = mine.post(left(acme, bob), {"successor": member(olga).pk})
    assert response.status_code == 303
    assert not acme.permissions_for(bob)
    assert not Card.objects.live().exists()
    invited.refresh_from_db()
    assert invited.ended_at
    assert not UserSession.objects.filter(user=bob).exists()
    assert theirs.get(acme.get_absolute_url()).status_code == 302  # to sign in again
    letter = OutgoingMessage.objects.get(recipient="olga@acme.example")
    assert "Luc Dion" in letter.text
    event = AuditEvent.objects.get(event=AuditEvent.Event.MEMBER_LEFT)
    assert (event.by, event.data["successor"], event.data["invitations"]) == (alice, "Olga Roy", 1)
    receipt = mine.get(response.url).content.decode()
    assert "Olga Roy" in receipt
    assert "1 carte retirée" in receipt


def test_two_presses_are_one_departure(acme, alice, bob):
    mine = browser(alice)
    for _press in range(2):
        assert mine.post(left(acme, bob), {"successor": ""}).status_code == 303
    assert AuditEvent.objects.filter(event=AuditEvent.Event.MEMBER_LEFT).count() == 1


def test_what_is_open_needs_somebody_who_takes_over(acme, alice, bob, invited):
    response = browser(alice).post(left(acme, bob), {"successor": ""})
    assert response.status_code == 422
    assert acme.permissions_for(bob)
    invited.refresh_from_db()
    assert not invited.ended_at


@pytest.mark.parametrize("heir", ["bob", "rita", "charlie"])
def test_only_who_manages_access_takes_over(request, acme, alice, bob, rita, charlie, invited, heir):
    heir = member(request.getfixturevalue(heir))
    with pytest.raises(departures.SuccessorUnfit):
        departures.declare_gone(membership=member(bob), successor=heir, by=alice)
    assert browser(alice).post(left(acme, bob), {"successor": heir.pk}).status_code == 422
    assert acme.permissions_for(bob)


def test_who_has_another_customer_or_works_for_us_stays_signed_in(acme, globex, alice, bob, rita):
    factories.MembershipFactory(customer=globex, user=bob, role=Role.ACCOUNTANT)
    rita.is_staff = True
    rita.save()
    for user in (bob, rita):
        theirs = browser(user)
        departures.declare_gone(membership=Membership.objects.get(user=user, customer=acme), successor=None, by=alice)
        assert theirs.get(acme.get_absolute_url()).status_code == 404
        assert UserSession.objects.filter(user=user).exists()


def test_the_last_administrator_cannot_be_declared_gone_nor_oneself(acme, alice, olga, sam):
    with pytest.raises(departures.DeclaredByOneself):
        departures.declare_gone(membership=member(alice), successor=None, by=alice)
    remove_member(membership=member(olga), by=alice)
    with pytest.raises(LastAdministrator):
        departures.declare_gone(membership=member(alice), successor=None, by=sam)
    assert acme.permissions_for(alice)


def test_somebody_removed_before_is_completed_with_a_receipt(acme, alice, bob):
    theirs = browser(bob)
    remove_member(membership=member(bob), by=alice)
    assert browser(alice).post(left(acme, bob), {"successor": ""}).status_code == 303
    assert theirs.get("/profile/").status_code == 302


def test_a_person_of_another_company_is_not_found(acme, globex, alice, charlie):
    address = reverse("organizations:member-left", args=[acme.public_id, member(charlie).pk])
    assert browser(alice).post(address, {"successor": ""}).status_code == 404
    assert globex.permissions_for(charlie)
