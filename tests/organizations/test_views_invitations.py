"""The page of an invitation: for a new person, a known one, the right one signed in, somebody else; once over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress

from accounts.models import User
from organizations.models import Invitation
from organizations.permissions import Permission
from organizations.services.invitations import accept_invitation
from organizations.services.mandates import cancel_mandate
from tests import factories
from tests.organizations.signing import NEW, invited, only_invitation

pytestmark = pytest.mark.django_db
FORM = {"first_name": "Noé", "last_name": "Roy", "password": "un long mot de passe"}


@pytest.fixture
def link(acme, alice):
    return f"/invitations/{invited(acme, alice)}/"


def test_a_new_person_sees_all_of_it_then_signs_up_with_the_address_locked(client, acme, link):
    page = client.get(link).text
    for words in (
        "Acme Construction inc.",
        "Alice Tremblay",
        "Visiteur",
        "Ramasser et rapporter",
        f'value="{NEW}"',
        "readonly",
    ):
        assert words in page
    answer = client.post(link, FORM | {"email": "autre@example.org"})
    assert (answer.status_code, answer.headers["Location"]) == (303, acme.get_absolute_url())
    user = User.objects.get(email=NEW)
    assert acme.permissions_for(user) == {Permission.PICK_UP}
    assert client.get(acme.get_absolute_url()).status_code == 200


def test_reading_it_changes_nothing_and_a_browser_says_it_was_opened(client, link):
    client.get(link)
    assert only_invitation().state == Invitation.State.SENT
    assert client.get(f"{link}opened/").status_code == 405
    assert client.post(f"{link}opened/").status_code == 204
    assert only_invitation().state == Invitation.State.OPENED


def test_a_weak_password_is_said_and_the_names_are_kept(client, link):
    answer = client.post(link, FORM | {"password": "court"})
    assert answer.status_code == 422
    assert 'value="Noé"' in answer.text
    assert not User.objects.filter(email=NEW).exists()


def test_the_page_names_the_invited_address_and_no_other_of_the_person(client, link):
    known = factories.UserFactory(email="prive@example.org")
    EmailAddress.objects.create(user=known, email=NEW, verified=True)
    page = client.get(link).text
    assert f"Vous avez déjà un profil à l’adresse {NEW}" in page
    assert known.email not in page


def test_a_known_person_signs_in_first(client, link):
    factories.UserFactory(email=NEW)
    page = client.get(link).text
    assert "Vous avez déjà un profil" in page
    assert 'name="password"' not in page
    assert client.post(link, FORM).status_code == 200
    assert User.objects.filter(email=NEW).count() == 1


def test_the_right_person_signed_in_accepts_in_one_press(client, acme, link):
    person = factories.UserFactory(email=NEW)
    client.force_login(person)
    assert "rejoint le profil" in client.get(link).text
    assert not acme.permissions_for(person)
    assert client.post(link).headers["Location"] == acme.get_absolute_url()
    assert acme.permissions_for(person)


def test_somebody_else_signed_in_sees_both_addresses_and_may_continue_as_the_right_one(client, acme, link, charlie):
    client.force_login(charlie)
    page = client.get(link).text
    assert NEW in page
    assert charlie.email in page
    assert f'name="next" value="{link}"' in page
    assert client.post(link).status_code == 200
    assert not acme.permissions_for(charlie)
    answer = client.post("/accounts/logout/", {"next": link})
    assert answer.headers["Location"] == link
    assert 'name="password"' in client.get(link).text


@pytest.mark.parametrize("state", ["unknown", "expired", "revoked", "accepted"])
def test_a_link_that_is_over_says_why_and_lets_nobody_in(client, acme, alice, today, link, state, time_machine):
    if state == "expired":
        time_machine.move_to(today + timedelta(days=15))
    elif state == "revoked":
        cancel_mandate(mandate=only_invitation().mandate, by=alice)
    elif state == "accepted":
        accept_invitation(token=link.split("/")[2], by=factories.UserFactory(email=NEW))
    address = "/invitations/jamais-envoye/" if state == "unknown" else link
    for answer in (client.get(address), client.post(address, FORM)):
        assert answer.status_code == (404 if state == "unknown" else 410)
        assert 'name="password"' not in answer.text
    if state != "unknown":
        assert NEW not in answer.text
    assert User.objects.filter(email=NEW).count() == (1 if state == "accepted" else 0)


def test_a_member_who_comes_back_by_the_link_is_led_home(client, acme, link):
    client.post(link, FORM)
    assert client.get(link).headers["Location"] == acme.get_absolute_url()
