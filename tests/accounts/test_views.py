"""My profile: name, phone, language."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.urls import reverse

from accounts.models import OutgoingMessage, User
from tests.factories import PASSWORD
from tests.strictness import StrictClient

pytestmark = pytest.mark.django_db
PROFILE = {
    "first_name": "Inès",
    "last_name": "Lavoie-Roy",
    "phone": "514 555-0123",
    "phone_extension": "10435",
    "language": "en-ca",
}


def save(client, ines, **changes):
    client.force_login(ines)
    return client.post(reverse("accounts:profile"), {**PROFILE, **changes})


def test_the_profile_keeps_name_phone_and_language(client, ines):
    assert save(client, ines).status_code == 303
    ines.refresh_from_db()
    assert (ines.last_name, ines.phone.as_e164, ines.phone_extension) == ("Lavoie-Roy", "+15145550123", "10435")
    assert "Your information is up to date." in client.get(reverse("accounts:profile")).content.decode()


@pytest.mark.parametrize(
    ("field", "value"), [("phone", "514"), ("phone_extension", "poste 12"), ("first_name", " "), ("language", "de")]
)
def test_a_mistake_keeps_everything_typed_and_changes_nothing(client, ines, field, value):
    page = save(client, ines, **{field: value})
    assert page.status_code == 422
    assert "Lavoie-Roy" in page.content.decode()
    assert User.objects.get(pk=ines.pk).last_name == "Lavoie"


@pytest.mark.parametrize("typed", ["1 800 555-0123 poste 99", "800 555-0123, ext. 99", "8005550123x99"])
def test_an_extension_typed_after_the_number_moves_to_its_field(client, ines, typed):
    assert save(client, ines, phone=typed, phone_extension="").status_code == 303
    ines.refresh_from_db()
    assert (ines.phone.as_e164, ines.phone_extension) == ("+18005550123", "99")


def test_a_phone_that_is_none_is_answered_with_a_number_of_here(client, ines):
    page = save(client, ines, phone="514", language="en-ca").content.decode().replace("\xa0", " ")
    assert "514 555-0123" in page
    assert "506" not in page


def test_an_extension_without_a_number_is_refused(client, ines):
    assert save(client, ines, phone="").status_code == 422
    assert User.objects.get(pk=ines.pk).phone_extension == ""


def test_the_profile_cannot_change_the_e_mail(client, ines):
    save(client, ines, email="somebody@else.example")
    assert User.objects.get(pk=ines.pk).email == "ines@example.org"


def test_one_device_is_signed_out_and_the_others_stay(client, ines):
    other, third = StrictClient(), StrictClient()
    for browser in (client, other, third):
        browser.post(reverse("account_login"), {"login": ines.email, "password": PASSWORD})
    ended = UserSession.objects.get(session_key=other.session.session_key)
    page = client.get(reverse("usersessions_list")).content.decode()
    assert reverse("accounts:session-end", args=[ended.pk]) in page
    client.post(reverse("accounts:session-end", args=[ended.pk]))
    assert other.get(reverse("accounts:profile")).status_code == 302
    assert third.get(reverse("accounts:profile")).status_code == 200


def test_nobody_ends_somebody_elses_session(client, ines, alice):
    other = StrictClient()
    other.post(reverse("account_login"), {"login": alice.email, "password": PASSWORD})
    session = UserSession.objects.get(user=alice)
    client.force_login(ines)
    assert client.post(reverse("accounts:session-end", args=[session.pk])).status_code == 404
    assert other.get(reverse("accounts:profile")).status_code == 200


def test_a_person_with_a_second_step_changes_their_e_mail(client, ines):
    Authenticator.objects.create(user=ines, type=Authenticator.Type.TOTP, data={"secret": "unused"})
    client.force_login(ines)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.post(reverse("account_email"), {"email": "ines2@example.org", "action_add": ""})
    assert (page.status_code, page.headers.get("Location")) == (302, reverse("account_email"))
    assert OutgoingMessage.objects.filter(recipient="ines2@example.org").exists()


def test_a_passkey_signs_in_alone_unless_the_person_says_otherwise(client, ines):
    client.force_login(ines)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_add_webauthn")).content.decode()
    assert re.search(r'<input type="checkbox" name="passwordless"[^>]* checked', page)
