"""With Valkey down, people still sign in and sign up, at once."""

import socket
import time

import pytest
from django.core.cache import caches
from django.test import override_settings
from django.urls import reverse

from portal.cache import ImpatientConnection
from portal.embedded.processes import free_port
from tests import factories

PASSWORD = "un long mot de passe"


@pytest.fixture
def dead_cache(settings):
    nobody = f"redis://127.0.0.1:{free_port()}/0"
    with override_settings(CACHES={"default": {**settings.CACHES["default"], "LOCATION": nobody}}):
        yield caches["default"]


@pytest.fixture(autouse=True)
def _rested(monkeypatch):
    monkeypatch.setattr(ImpatientConnection, "resting_until", 0.0)


@pytest.fixture
def mute_cache(settings):
    """A server that takes the call and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        with override_settings(CACHES={"default": {**settings.CACHES["default"], "LOCATION": address}}):
            yield caches["default"]


def test_a_cache_that_never_answers_is_waited_for_once(mute_cache):
    mute_cache.get("name")
    begun = time.monotonic()
    assert [mute_cache.add(f"lock{number}", 1) for number in range(20)] == [True] * 20
    assert time.monotonic() - begun < 1


@pytest.mark.django_db
def test_signing_in_needs_no_answer_of_the_cache(client, boreal, mute_cache):
    person = factories.UserFactory(password=PASSWORD)
    answer = client.post(reverse("account_login"), {"login": person.email, "password": PASSWORD})
    assert answer.status_code == 302


def test_a_dead_cache_is_a_miss_and_no_lock_is_held_in_it(dead_cache):
    assert dead_cache.get("name", "nothing") == "nothing"
    assert dead_cache.add("lock", 1) is True


def test_a_living_cache_adds_once():
    caches["default"].delete("lock")
    assert caches["default"].add("lock", 1) is True
    assert caches["default"].add("lock", 1) is False


@pytest.mark.django_db
def test_signing_in_needs_no_cache(client, boreal, dead_cache):
    person = factories.UserFactory(password=PASSWORD)
    begun = time.monotonic()
    answer = client.post(reverse("account_login"), {"login": person.email, "password": PASSWORD})
    assert answer.status_code == 302
    assert client.get(reverse("accounts:profile")).status_code == 200
    assert time.monotonic() - begun < 5


@pytest.mark.django_db
def test_too_many_attempts_are_told_in_our_own_page(client, boreal):
    caches["default"].clear()
    for _ in range(6):
        page = client.post(reverse("account_reset_password"), {"email": "somebody@example.org"})
    caches["default"].clear()
    assert page.status_code == 429
    assert boreal.email in page.content.decode()
