"""Every message to a signer, in both languages: in whose name, why, with which link; codes apart from links."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone, translation

from accounts.models import OutgoingMessage
from signatures import links
from signatures.models import SignatureRequest
from signatures.services import requests, sealing, signing
from tests.signatures.samples import AT_HOME, CONSENT, PHONE, SMS_URL, asked_of, code_sent

pytestmark = pytest.mark.django_db
HAVE_A_LINK = {"asked", "reminder", "sealed"}


@pytest.fixture(params=["fr-ca", "en-ca"])
def letters(
    request, alice, bob, boreal, folder: Path, settings, time_machine, today
) -> tuple[SignatureRequest, dict[str, OutgoingMessage]]:
    """One of each, by the services that send them."""
    title = "Autorisation d’accès"
    asked = asked_of(alice, merchant=boreal, by=bob, in_english=True, language=request.param)
    assert asked.french_title == title
    time_machine.move_to(today + timedelta(days=2), tick=False)
    requests.remind(request=asked, by=bob, origin=AT_HOME)
    signing.hand_over(request=asked, language="fr-ca", by=alice, origin=AT_HOME)
    signing.send_code(request=asked, language="fr-ca", by=alice, origin=AT_HOME)
    time_machine.move_to(today + timedelta(days=2, minutes=5), tick=False)
    settings.SMS_URL = SMS_URL
    signing.send_code(request=asked, language="fr-ca", by=alice, origin=AT_HOME)
    signing.sign(request=asked, code=code_sent(), consent=CONSENT, by=alice, origin=AT_HOME)
    assert sealing.seal_owed() == 1
    sent = OutgoingMessage.objects.all()
    named = {f"{m.template.removeprefix('signatures/emails/')}{'_sms' * (m.channel == 'sms')}": m for m in sent}
    return asked, named


def test_every_message_is_whole_and_in_the_name_of_who_asks(letters, boreal):
    asked, sent = letters
    assert set(sent) == {"asked", "reminder", "code", "code_sms", "sealed"}
    title = asked.title_in(asked.signer_language)
    for name, message in sent.items():
        assert message.language == asked.signer_language
        assert message.is_sensitive, name
        assert message.merchant_slug == boreal.slug
        assert "{" not in message.text, name
        assert "%(" not in message.text, name
        assert title in message.text, name
    for name in set(sent) - {"code_sms"}:
        letter = sent[name]
        assert (letter.sender_name, letter.reply_to) == (boreal.name, boreal.email)
        assert letter.subject
        assert "10435" in letter.text, name  # the phone of a person, with its extension
        assert "{" not in letter.html, name


def test_links_are_in_letters_and_codes_are_in_messages_without_a_link(letters):
    asked, sent = letters
    address = links.address_of(request=asked)
    for name, message in sent.items():
        found = set(re.findall(rf"{re.escape(settings.SITE_URL)}/[^\s\"<]+", message.text + message.html))
        assert found == ({address} if name in HAVE_A_LINK else set()), name
    assert not any(re.search(r"\b\d{6}\b", sent[name].text) for name in HAVE_A_LINK)


def test_every_letter_speaks_one_language(letters):
    asked, sent = letters
    tag = "fr-CA" if asked.signer_language == "fr-ca" else "en-CA"
    with translation.override(asked.signer_language):
        question = str(translation.gettext("A question? A person answers."))
    for name in set(sent) - {"code_sms"}:
        assert f'lang="{tag}"' in sent[name].html, name
        assert question in sent[name].text, name


def test_the_code_is_in_the_text_message_and_never_in_a_subject(letters):
    _asked, sent = letters
    message = sent["code_sms"]
    assert message.recipient == PHONE
    assert re.search(r"\b\d{6}\b", message.text)
    assert len(message.text) < 250
    assert not re.search(r"\d{6}", sent["code"].subject)


def test_dates_in_letters_are_the_request_s_own(letters):
    asked, sent = letters
    year = str(timezone.localtime(asked.expires_at).year)
    assert year in sent["asked"].text
    assert year in sent["sealed"].text


def test_what_people_wrote_is_escaped_in_html_and_plain_in_text(alice, bob, boreal):
    alice.first_name = "L’Érable & <fils>"
    asked_of(alice, merchant=boreal, by=bob)
    letter = OutgoingMessage.objects.get()
    assert "L’Érable & <fils>" in letter.text
    assert "L’Érable &amp; &lt;fils&gt;" in letter.html
