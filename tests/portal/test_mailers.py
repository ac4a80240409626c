"""EMAIL_URL: what it accepts, and a clear answer for the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal.mailers import mailers

FOLDER = Path("mail")


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "ssl"),
    [
        ("smtp://mail.example.org", "mail.example.org", 25, False, False),
        ("smtp://mail.example.org:1025", "mail.example.org", 1025, False, False),
        ("smtp+tls://mail.example.org", "mail.example.org", 587, True, False),
        ("smtps://[::1]", "::1", 465, False, True),
    ],
)
def test_an_address_says_host_port_and_encryption(url, host, port, tls, ssl):
    options = mailers(url=url, folder=FOLDER)["default"]["OPTIONS"]
    assert (options["host"], options["port"], options["use_tls"], options["use_ssl"]) == (host, port, tls, ssl)


def test_user_and_password_may_hold_any_character():
    options = mailers(url="smtp+tls://me%40example.org:p%2Fa%3Ass@mail.example.org", folder=FOLDER)["default"][
        "OPTIONS"
    ]
    assert (options["username"], options["password"]) == ("me@example.org", "p/a:ss")


def test_every_step_has_a_time_limit():
    assert mailers(url="smtp://mail.example.org", folder=FOLDER)["default"]["OPTIONS"]["timeout"] == 10
    assert mailers(url="smtp://mail.example.org?timeout=2.5", folder=FOLDER)["default"]["OPTIONS"]["timeout"] == 2.5


def test_no_address_writes_files():
    assert mailers(url="", folder=FOLDER)["default"] == {
        "BACKEND": "accounts.eml.EmailBackend",
        "OPTIONS": {"folder": "mail"},
    }


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.org",
        "http://u:hunter2@mail.example.org",
        "smtp://u:hunter2@",
        "smtp://u:hunter2@mail:port",
        "smtp://u:hunter2@mail?timeout=0",
        "smtp://u:hunter2@mail?timeout=soon",
    ],
)
def test_anything_else_is_refused_without_showing_the_password(url):
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL") as refusal:
        mailers(url=url, folder=FOLDER)
    assert "hunter2" not in str(refusal.value)
