"""Signing up: a link by e-mail, and nothing before it is used."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import OutgoingMessage, User, normalize_email
from tests import factories
from tests.strictness import StrictClient

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


class Counting(MD5PasswordHasher):
    """Says how often a password was hashed: what takes long when somebody signs up."""

    algorithm = "counting"
    hashed = 0

    def encode(self, password, salt):
        Counting.hashed += 1
        return super().encode(password, salt)


def test_a_known_address_takes_as_long_as_a_new_one(client, boreal, alice, settings):
    settings.PASSWORD_HASHERS = ["tests.accounts.test_forms.Counting"]
    hashed = []
    for address in (SIGNUP["email"], alice.email):
        Counting.hashed = 0
        sign_up(client, email=address)
        hashed.append(Counting.hashed)
    assert hashed == [1, 1]


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


def send_again(client):
    return client.post(reverse("accounts:confirmation-resend"), follow=True).content.decode()


def test_the_page_that_says_to_check_ones_mail_sends_a_new_link(client, boreal, today, time_machine):
    sign_up(client)
    assert (
        reverse("accounts:confirmation-resend")
        in client.get(reverse("account_email_verification_sent")).content.decode()
    )
    time_machine.shift(timedelta(minutes=4))
    send_again(client)
    assert OutgoingMessage.objects.count() == 2
    client.post(newest_link())
    assert "chloe@example.org" in client.get(reverse("accounts:profile")).content.decode()


def test_a_second_link_within_three_minutes_does_not_leave_and_the_page_says_so(client, boreal):
    sign_up(client)
    page = send_again(client)
    assert OutgoingMessage.objects.count() == 1
    assert 'data-is="warning"' in page


def test_asking_again_tells_nobody_who_has_a_profile(client, boreal, today, time_machine):
    known = factories.UserFactory()
    other = Client()
    sign_up(client)
    sign_up(other, email=known.email)
    time_machine.shift(timedelta(minutes=4))
    pages = [
        send_again(browser).replace(email, "") for browser, email in ((client, SIGNUP["email"]), (other, known.email))
    ]
    assert "confirm-email" not in OutgoingMessage.objects.filter(recipient=known.email).latest("pk").text
    csrf = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')
    assert csrf.sub("", pages[0]) == csrf.sub("", pages[1])


def test_asking_again_without_a_sign_up_under_way_leads_to_sign_in(client, boreal):
    response = client.post(reverse("accounts:confirmation-resend"))
    assert (response.status_code, response.url) == (303, reverse("account_login"))
    assert not OutgoingMessage.objects.exists()


def test_a_new_sign_in_code_can_be_asked_twice_and_only_the_newest_works(client, ines):
    client.post(reverse("account_request_login_code"), {"email": ines.email})
    page = reverse("account_confirm_login_code")
    codes = []
    for _more in range(3):
        codes.append(re.search(r"^ {4}(\S+)$", OutgoingMessage.objects.latest("pk").text, re.MULTILINE)[1])
        client.post(page, {"action": "resend"})
    assert OutgoingMessage.objects.count() == 3
    client.post(page, {"code": codes[0]})
    assert client.get(reverse("accounts:profile")).status_code == 302
    client.post(page, {"code": codes[2]})
    assert ines.email in client.get(reverse("accounts:profile")).content.decode()


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
    assert normalize_email(" INES@Gro\u00df.example ") == "ines@xn--gro-7ka.example"
    assert normalize_email("ine\u017f@example.org") == "ine\u017f@example.org"


@pytest.mark.parametrize(
    "written", ["luc@xn--exmple-cua.org", "Luc@EX\u00c4MPLE.org", "luc@exa\u0308mple.org", "luc@ex\u00e4mple\u3002org"]
)
def test_an_internationalised_domain_has_one_spelling(written):
    assert normalize_email(written) == "luc@xn--exmple-cua.org"


@pytest.mark.parametrize(
    "written", ["luc@\u2603\ufe0f.example", "luc@-\u00e4.example", "\u00e4", "luc@\u00e4..org", "@"]
)
def test_what_is_no_domain_stays_as_written(written):
    assert normalize_email(written) == written


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


def test_a_button_pressed_twice_confirms_once_and_ends_on_words(client, boreal):
    sign_up(client)
    link = newest_link()
    client.post(link)
    assert client.post(link).headers["Location"] == "/"
    late = StrictClient(headers={"accept-language": "fr-CA"})
    page = late.post(link, follow=True)
    assert page.status_code == 200
    assert reverse("account_login") in page.content.decode()
