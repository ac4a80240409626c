"""Signing up: a link by e-mail, and nothing before it is used."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import OutgoingMessage, User, normalize_email
from tests import factories

pytestmark = pytest.mark.django_db
SIGNUP = {
    "first_name": "Chloé",
    "last_name": "Vinet",
    "email": "chloe@example.org",
    "password1": "un long mot de passe",
    "language": "fr-ca",
}


def sign_up(client: Client, **changes: str) -> object:
    return client.post(reverse("account_signup"), {**SIGNUP, **changes})


def newest_link(pattern: str = "confirm-email") -> str:
    text = OutgoingMessage.objects.latest("pk").text
    return re.search(rf"https?://[^/\s]+(/\S*{pattern}\S*)", text)[1]


def test_signing_up_sends_a_link_and_opens_nothing(client, boreal):
    sign_up(client)
    message = OutgoingMessage.objects.get()
    assert (message.recipient, message.language, message.is_sensitive) == ("chloe@example.org", "fr-ca", True)
    assert client.get(reverse("accounts:profile")).status_code == 302
    assert not EmailAddress.objects.get(email="chloe@example.org").verified


def test_the_link_shows_a_page_and_its_button_confirms_and_signs_in(client, boreal):
    sign_up(client)
    link = newest_link()
    assert client.get(link).status_code == 200
    assert client.head(link).status_code == 200
    assert not EmailAddress.objects.get(email="chloe@example.org").verified
    client.post(link)
    assert EmailAddress.objects.get(email="chloe@example.org").verified
    assert "chloe@example.org" in client.get(reverse("accounts:profile")).content.decode()


def test_the_link_opened_in_another_browser_confirms_too(client, boreal):
    sign_up(client)
    Client().post(newest_link())
    assert EmailAddress.objects.get(email="chloe@example.org").verified


def test_a_used_link_explains_itself_and_offers_the_way_on(client, boreal):
    sign_up(client)
    link = newest_link()
    client.post(link)
    page = Client(headers={"accept-language": "fr-CA"}).get(link)
    assert reverse("account_login") in page.content.decode()
    assert page.status_code in {200, 404, 410}


def test_an_expired_link_explains_itself(client, boreal, today, time_machine):
    sign_up(client)
    link = newest_link()
    time_machine.shift(timedelta(days=4))
    page = client.get(link).content.decode()
    client.post(link)
    assert not EmailAddress.objects.get(email="chloe@example.org").verified
    assert reverse("account_login") in page


def test_signing_in_without_having_confirmed_sends_a_new_link(client, boreal, today, time_machine):
    sign_up(client)
    time_machine.shift(timedelta(hours=1))
    Client().post(reverse("account_login"), {"login": SIGNUP["email"], "password": SIGNUP["password1"]})
    assert OutgoingMessage.objects.count() == 2
    client.post(newest_link())
    assert EmailAddress.objects.get(email="chloe@example.org").verified


def test_the_answer_is_the_same_whether_or_not_the_address_is_known(client, boreal):
    unknown = sign_up(client)
    known = sign_up(Client(), email=factories.UserFactory().email)
    assert (unknown.status_code, unknown.url) == (known.status_code, known.url)
    assert User.objects.count() == 2
    assert "confirm-email" not in OutgoingMessage.objects.latest("pk").text


@pytest.mark.parametrize("spelling", ["CHLOE@example.org", " chloe@example.org ", "Chloe@Example.ORG"])
def test_case_and_spaces_never_make_two_people(client, boreal, spelling):
    sign_up(client, email=spelling)
    sign_up(Client())
    assert User.objects.get().email == "chloe@example.org"


def test_english_is_kept_and_used_to_write(client, boreal):
    sign_up(client, language="en-ca")
    assert User.objects.get().language == "en-ca"
    assert OutgoingMessage.objects.get().language == "en-ca"


def test_a_robot_that_fills_the_trap_gets_no_account(client, boreal):
    sign_up(client, website="https://spam.example")
    assert not User.objects.exists()
    assert not OutgoingMessage.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"), [("email", "not an address"), ("password1", "court"), ("first_name", ""), ("language", "xx")]
)
def test_a_mistake_is_said_beside_its_field_and_nothing_typed_is_lost(client, boreal, field, value):
    page = sign_up(client, **{field: value}).content.decode()
    assert 'aria-invalid="true"' in page
    assert "Vinet" in page
    assert not User.objects.exists()


@pytest.mark.parametrize("lookalike", ["ine\u017f@example.org", "\u0131nes@example.org", "ines@gro\u00df.example"])
def test_an_address_that_mail_would_spell_otherwise_is_refused(client, boreal, lookalike):
    factories.UserFactory(email="ines@example.org")
    page = sign_up(client, email=lookalike)
    assert 'aria-invalid="true"' in page.content.decode()
    assert User.objects.count() == 1
    assert not OutgoingMessage.objects.exists()


def test_a_spelling_that_is_another_mailbox_stays_another():
    assert normalize_email(" INES@Gro\u00df.example ") == "ines@gro\u00df.example"


@pytest.mark.django_db(transaction=True)
def test_signing_up_twice_at_the_same_moment_is_once(boreal):
    both = threading.Barrier(4)

    def click() -> int:
        try:
            client = Client()
            both.wait(10)
            return sign_up(client).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as clicks:
        assert {done.result() for done in [clicks.submit(click) for _ in range(4)]} == {302}
    assert User.objects.count() == 1
