"""Every mail allauth sends here, in both languages: subject, link, reason, who to call, nothing left in English."""

from __future__ import annotations

import re
from pathlib import Path

import allauth
import pytest
from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.core.context import request_context
from django.conf import settings as django_settings
from django.test import RequestFactory
from django.utils import timezone, translation

from accounts.models import OutgoingMessage
from tests.factories import UserFactory

LINK = "http://localhost:8000/accounts/a-link/"
NOTICE = {"ip": "192.0.2.7", "user_agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"}
RESET = "http://localhost:8000/accounts/password/reset/"
# prefix: context, what the text must hold, French subject, English subject
LETTERS = {
    "account/email/email_confirmation_signup": (
        {"activate_url": LINK},
        LINK,
        "Confirmez votre adresse courriel",
        "Confirm your e-mail address",
    ),
    "account/email/email_confirmation": (
        {"activate_url": LINK},
        LINK,
        "Confirmez votre adresse courriel",
        "Confirm your e-mail address",
    ),
    "account/email/account_already_exists": (
        {"password_reset_url": LINK, "signup_url": "http://localhost:8000/other"},
        LINK,
        "Vous avez déjà un profil",
        "You already have a profile",
    ),
    "account/email/unknown_account": (
        {"signup_url": LINK},
        LINK,
        "Aucun profil n’utilise cette adresse",
        "No profile uses this address",
    ),
    "account/email/password_reset_key": (
        {"password_reset_url": LINK},
        LINK,
        "Votre nouveau mot de passe",
        "Your new password",
    ),
    "account/email/login_code": ({"code": "XK7-P2Q"}, "XK7-P2Q", "Votre code d’accès", "Your sign-in code"),
    "account/email/password_reset": (NOTICE, RESET, "Votre mot de passe a changé", "Your password has changed"),
    "account/email/password_changed": (NOTICE, RESET, "Votre mot de passe a changé", "Your password has changed"),
    "account/email/password_set": (NOTICE, RESET, "Votre profil a un mot de passe", "Your profile has a password"),
    "account/email/email_changed": (
        {**NOTICE, "from_email": "old@example.org", "to_email": "new@example.org"},
        "new@example.org",
        "L’adresse de votre profil a changé",
        "Your sign-in address has changed",
    ),
    "account/email/email_deleted": (
        {**NOTICE, "deleted_email": "old@example.org"},
        RESET,
        "Une adresse a été retirée de votre profil",
        "An address has been removed from your profile",
    ),
    "mfa/email/totp_activated": (NOTICE, RESET, "Un code est désormais demandé", "Sign-in now asks for a code"),
    "mfa/email/totp_deactivated": (
        NOTICE,
        RESET,
        "Votre application d’authentification a été retirée",
        "Your authenticator app has been removed",
    ),
    "mfa/email/recovery_codes_generated": (
        NOTICE,
        RESET,
        "Vous avez de nouveaux codes de secours",
        "You have new recovery codes",
    ),
    "mfa/email/webauthn_added": (
        NOTICE,
        RESET,
        "Une clé d’accès a été ajoutée à votre profil",
        "A passkey has been added to your profile",
    ),
    "mfa/email/webauthn_removed": (
        NOTICE,
        RESET,
        "Une clé d’accès a été retirée de votre profil",
        "A passkey has been removed from your profile",
    ),
}
SECRETS = {"email_confirmation_signup", "email_confirmation", "password_reset_key", "login_code"}
# Sent only with features that are off: codes by e-mail instead of links.
OFF = {"account/email/password_reset_code"}
ENGLISH = re.compile(r"\b(the|you|your|this|password|address|message|call|hello|click|sign|from now)\b", re.IGNORECASE)
FRENCH_TOO = re.compile(r"\bmessage\b", re.IGNORECASE)


def letter(prefix: str, language: str, **context: object) -> OutgoingMessage:
    """What the outbox holds after allauth asked for this mail, read on a page in the other language."""
    user = UserFactory(email="lecteur@example.org", language=language)
    request = RequestFactory(SERVER_NAME="localhost:8000").get("/")
    request.user, request.session = user, {}
    other = "en-ca" if language == "fr-ca" else "fr-ca"
    known = {"timestamp": timezone.now()} if "ip" in context else {}
    with request_context(request), translation.override(other):
        get_adapter().send_mail(prefix, "Lecteur@example.org", {**known, **context})
    return OutgoingMessage.objects.get()


@pytest.mark.parametrize("language", ["fr-ca", "en-ca"])
@pytest.mark.parametrize("prefix", LETTERS)
def test_a_letter_says_what_why_where_to_click_and_who_to_call(boreal, prefix, language):
    context, needed, french, english = LETTERS[prefix]
    message = letter(prefix, language, **context)
    assert message.subject == (french if language == "fr-ca" else english)
    assert message.language == language
    assert message.recipient == "lecteur@example.org"
    assert (message.sender_name, message.reply_to) == (boreal.name, boreal.email)
    assert message.is_sensitive is (prefix.rpartition("/")[2] in SECRETS)
    reason = "Vous recevez ce message parce qu" if language == "fr-ca" else "You receive this message because"
    desk = "514\u00a0555-0100, poste\u00a010435" if language == "fr-ca" else "514-555-0100, ext.\u00a010435"
    for body in (message.text, message.html):
        assert needed in body
        assert reason in body
        assert desk in body
        assert boreal.email in body
    assert "\n\n\n" not in message.text
    assert "<" not in message.text
    assert f'<html lang="{"fr" if language == "fr-ca" else "en"}-CA">' in message.html
    if needed.startswith("http"):
        assert message.html.count(f'href="{needed}"') == 2


@pytest.mark.parametrize("prefix", LETTERS)
def test_a_french_letter_holds_no_english_word(boreal, prefix):
    message = letter(prefix, "fr-ca", **LETTERS[prefix][0])
    visible = re.sub(r"(?s)<[^>]*>", " ", message.html) + message.text + message.subject
    visible = re.sub(r"https?://\S+", "", visible)
    assert {word for word in ENGLISH.findall(visible) if not FRENCH_TOO.fullmatch(word)} == set()
    # A no-break space before a colon, none before ; ! ?, curly apostrophes.
    assert re.findall(r"\s[;!?]|\S [:»]|[^\W\d]:\s|\w'\w", visible) == []


def test_every_letter_of_the_library_has_ours():
    """A new release of allauth may bring a mail: it must not leave in its words."""
    root = Path(allauth.__file__).parent
    sent = set()
    for path in root.rglob("*.py"):
        if "tests" not in path.parts and "socialaccount" not in path.parts:
            sent |= set(re.findall(r'"((?:account|mfa)/email/\w+)"', path.read_text()))
    assert sent - OFF == set(LETTERS)


def test_the_delays_our_letters_announce_are_those_of_the_settings():
    assert app_settings.EMAIL_CONFIRMATION_EXPIRE_DAYS == 3
    assert app_settings.LOGIN_BY_CODE_TIMEOUT == 3 * 60
    assert django_settings.PASSWORD_RESET_TIMEOUT == 3 * 24 * 3600


def test_without_any_merchant_a_letter_still_leaves(db):
    message = letter("account/email/password_reset_key", "fr-ca", password_reset_url=LINK)
    assert (message.sender_name, LINK in message.text) == ("", True)


@pytest.mark.django_db(transaction=True)
def test_signing_up_queues_the_confirmation_in_the_language_chosen(client, boreal):
    form = {
        "email": "Nouvelle@Example.org",
        "password1": "correct horse battery",
        "first_name": "Léa",
        "last_name": "Roy",
        "language": "en-ca",
    }
    assert client.post("/accounts/signup/", form).status_code == 302
    message = OutgoingMessage.objects.get()
    assert (message.recipient, message.language) == ("nouvelle@example.org", "en-ca")
    assert message.subject == "Confirm your e-mail address"
    assert "/accounts/confirm-email/" in message.text


def test_a_person_with_markup_in_the_name_or_address_writes_no_html(boreal):
    message = letter("account/email/email_deleted", "fr-ca", **NOTICE, deleted_email="<b>x@example.org")
    assert "<b>x" not in message.html
    assert "&lt;b&gt;x" in message.html
