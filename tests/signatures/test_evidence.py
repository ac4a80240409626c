"""The evidence pages: every event, who, from where, both fingerprints, the words agreed to; in the language signed."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone, translation

from signatures import otp
from signatures.evidence import evidence_html, render_evidence
from signatures.models import SignatureEvent, SignatureRequest
from signatures.parties import Origin
from signatures.sentences import sentence
from signatures.services import requests, sealing, signing
from tests.judges import pages_of, text_of
from tests.signatures.samples import AT_HOME, CONSENT, asked_of, code_sent, signed_by, with_code
from tests.signatures.test_otp import wrong

pytestmark = pytest.mark.django_db
AT_WORK = Origin(ip="198.51.100.20", user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) Safari/605")
Kind = SignatureEvent.Kind


def text_for(asked: SignatureRequest) -> str:
    return text_of(render_evidence(request=SignatureRequest.objects.get(pk=asked.pk)))


def lived(alice: object, bob: object, boreal: object, *, clock: object, start: object) -> SignatureRequest:
    """Asked by another, reminded, opened in both languages, a slip, a second code, signed in English from elsewhere."""
    asked = asked_of(alice, merchant=boreal, by=bob, in_english=True, capacity="Administratrice d’Acme")
    clock.move_to(start + timedelta(days=2, minutes=1), tick=False)
    requests.remind(request=asked, by=bob, origin=AT_HOME)
    code = with_code(asked, by=alice)
    with pytest.raises(otp.CodeWrong):
        signing.sign(request=asked, code=wrong(code), consent=CONSENT, by=alice, origin=AT_HOME)
    clock.move_to(start + timedelta(days=2, hours=1), tick=False)
    signing.hand_over(request=asked, language="en-ca", by=alice, origin=AT_WORK)
    signing.send_code(request=asked, language="en-ca", by=alice, origin=AT_WORK)
    with translation.override("en-ca"):
        return signing.sign(request=asked, code=code_sent(), consent=CONSENT, by=alice, origin=AT_WORK)


def test_every_event_is_told_with_its_moment_its_person_and_its_place(alice, bob, boreal, today, time_machine):
    asked = lived(alice, bob, boreal, clock=time_machine, start=today)
    text = text_for(asked)
    for words in (
        "Certificate of electronic signature",
        "Access mandate · English",
        "Alice Tremblay",
        "Administratrice d’Acme",
        "Location Boréal, Bob Gagnon",
        "Signed in to the profile of Alice Tremblay, alice@acme.example.",
        "The signature was asked for, and the signer was written to at alice@acme.example.",
        "The signer was reminded at alice@acme.example.",
        "The document was handed over in French.",
        "The signer opened the French document.",
        "The document was handed over in English, after the French one.",
        "A six-digit code was sent to alice@acme.example, by e-mail, because this portal sends no text messages.",
        "A wrong code was typed; 4 tries were left.",
        "Signed with the code: it was the one sent, for this document and this signer.",
        "2026-11-22 12:00:00 −05:00",
        "2026-11-24 13:00:00 −05:00",
        AT_HOME.ip,
        AT_WORK.ip,
        f"[1] {AT_HOME.user_agent}",
        f"[2] {AT_WORK.user_agent}",
    ):
        assert words in text, words
    assert asked.events.count() == text.count("−05:00")


def test_the_fingerprints_are_those_of_what_was_handed_over_and_of_what_was_signed(
    alice, bob, boreal, today, time_machine
):
    asked = lived(alice, bob, boreal, clock=time_machine, start=today)
    text = text_for(asked)
    assert f"Handed over in French {asked.french.sha256}" in text
    assert f"Handed over in English {asked.english.sha256}" in text
    assert f"Signed {asked.english.sha256}" in text
    assert f"The first {asked.english.size} bytes of this file" in text
    assert "/verify/" in text


def test_the_words_agreed_to_are_those_that_were_shown(alice, boreal):
    asked = asked_of(alice, merchant=boreal)
    with translation.override("en-ca"):  # the page was read in English, the document signed in French
        signed_by(alice, asked)
    text = text_for(asked)
    assert "Attestation de signature électronique" in text
    assert "I have read “Autorisation d’accès”, I sign it electronically" in text
    event = asked.events.of(Kind.CONSENT_GIVEN).get()
    assert event.data["text"] in text


@pytest.mark.parametrize(
    ("has_sms", "phone", "words"),
    [
        (True, "+15145550123", "Un code à six chiffres a été envoyé par message texte au 514 555-0123."),
        (False, "+15145550123", "par courriel, parce que ce portail n’envoie pas de messages texte."),
        (True, "", "par courriel, parce que le signataire n’a au dossier aucun téléphone"),
    ],
)
def test_the_document_says_how_the_code_was_sent_and_why(alice, boreal, settings, has_sms, phone, words):
    settings.SMS_URL = "twilio://sid:token@+15145550199" if has_sms else ""
    asked = asked_of(alice, merchant=boreal, phone=phone)
    signed_by(alice, asked)
    assert text_for(asked).count(words) == 2  # how the signer was identified, and what happened


def test_a_signer_without_a_profile_is_said_to_have_had_a_link(alice, boreal, sam):
    asked = asked_of(alice, merchant=boreal, by=sam, is_named=False)
    signed_by(alice, asked)
    assert "Par un lien personnel envoyé à alice@acme.example." in text_for(asked)


def test_what_people_wrote_is_printed_and_never_obeyed(alice, boreal):
    asked = asked_of(alice, merchant=boreal, capacity='<img src="http://127.0.0.1/x"/> & « fils » 東京')
    signed_by(alice, asked)
    text = text_for(asked)
    assert '<img src="http://127.0.0.1/x"/> & « fils » ??' in text


def test_a_long_story_flows_over_pages_with_its_heading(asked, alice, time_machine, today):
    signing.hand_over(request=asked, language="fr-ca", by=alice, origin=AT_HOME)
    for minute in range(60):
        time_machine.move_to(today + timedelta(minutes=minute), tick=False)
        signing.hand_over(request=asked, language="fr-ca", by=alice, origin=AT_HOME)
    time_machine.move_to(today + timedelta(hours=2), tick=False)
    signing.send_code(request=asked, language="fr-ca", by=alice, origin=AT_HOME)
    signing.sign(request=asked, code=code_sent(), consent=CONSENT, by=alice, origin=AT_HOME)
    pages = pages_of(render_evidence(request=SignatureRequest.objects.get(pk=asked.pk)))
    assert len(pages) > 2
    assert all("Événement" in page for page in pages[:-1])
    assert f"Page 1 de {len(pages)}" in pages[0]


def test_the_same_evidence_gives_the_same_page(asked, alice):
    signed_by(alice, asked)
    signed = SignatureRequest.objects.get(pk=asked.pk)
    assert render_evidence(request=signed) == render_evidence(request=signed)


def test_the_pages_ask_the_database_once(asked, alice, django_assert_num_queries):
    signed_by(alice, asked)
    signed = SignatureRequest.objects.select_related("french", "english", "signer", "requested_by").get(pk=asked.pk)
    with django_assert_num_queries(1):
        html = evidence_html(request=signed)
    assert "{{" not in html


@pytest.mark.parametrize("language", ["fr-ca", "en-ca"])
def test_every_kind_of_event_reads_as_a_sentence(asked, language):
    kinds = {
        Kind.CODE_SENT: {"address": "+15145550123", "channel": "sms"},
        Kind.DECLINED: {"data": {"reason": "Non merci"}},
        Kind.CONSENT_GIVEN: {"data": {"version": "2026-11", "text": "…"}},
        Kind.HANDED_OVER: {"language": "en-ca"},
        Kind.VIEWED: {"language": "fr-ca"},
    }
    sentences = []
    with translation.override(language):
        for kind in Kind:
            event = SignatureEvent(request=asked, kind=kind, at=timezone.now(), **kinds.get(kind, {}))
            sentences.append(sentence(event=event))
    assert len(set(sentences)) == len(Kind)
    assert not any(re.search(r"%\(|None", words) for words in sentences)
    assert all(words[0].isupper() for words in sentences)


def test_the_seal_itself_is_not_in_the_pages_it_seals(asked, alice, folder):
    signed_by(alice, asked)
    before = text_for(asked)
    assert sealing.seal_owed() == 1
    assert asked.events.of(Kind.SEALED).exists()
    assert text_for(asked) == before
