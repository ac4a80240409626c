"""The signer's acts: French first, then the code by the channel there is, then the express act, all noted."""

from __future__ import annotations

import threading

import pytest
from django.db import connections
from django.utils import translation

from accounts.models import OutgoingMessage
from signatures import signals
from signatures.models import Seal, SignatureEvent, SignatureRequest
from signatures.parties import Origin
from signatures.refusals import AlreadySigned, RequestCancelled, SignerAbsent, SignerOther
from signatures.services import requests, signing
from signatures.wordings import CONSENTS, CURRENT, consent_text
from tests.signatures.samples import AT_HOME, CONSENT, PHONE, asked_of, code_sent, signed_by, with_code

pytestmark = pytest.mark.django_db
State, Kind = SignatureRequest.State, SignatureEvent.Kind


def hand_over(asked: SignatureRequest, language: str, *, by: object) -> object:
    return signing.hand_over(request=asked, language=language, by=by, origin=AT_HOME)


def told(asked: SignatureRequest) -> list[tuple[str, str]]:
    return list(asked.events.order_by("pk").values_list("kind", "language"))


def test_the_french_document_is_handed_over_first_and_both_moments_are_noted(asked, alice):
    with pytest.raises(signing.FrenchFirst):
        hand_over(asked, "en-ca", by=alice)
    assert hand_over(asked, "fr-ca", by=alice) == asked.french
    assert hand_over(asked, "en-ca", by=alice) == asked.english
    assert told(asked)[1:] == [
        (Kind.HANDED_OVER, "fr-ca"),
        (Kind.VIEWED, "fr-ca"),
        (Kind.HANDED_OVER, "en-ca"),
        (Kind.VIEWED, "en-ca"),
    ]
    english = asked.events.of(Kind.HANDED_OVER).get(language="en-ca")
    assert (english.document_sha256, english.by, english.ip) == (asked.english.sha256, alice, AT_HOME.ip)


def test_a_document_opened_again_is_noted_and_handed_over_once(asked, alice):
    for _ in range(3):
        hand_over(asked, "fr-ca", by=alice)
    kinds = [kind for kind, _language in told(asked)]
    assert (kinds.count(Kind.HANDED_OVER), kinds.count(Kind.VIEWED)) == (1, 3)


def test_a_language_that_does_not_exist_is_refused(alice, bob, boreal):
    french_only = asked_of(bob, merchant=boreal)
    hand_over(french_only, "fr-ca", by=bob)
    for language in ("en-ca", "es-mx", ""):
        with pytest.raises(signing.LanguageMissing):
            hand_over(french_only, language, by=bob)
        with pytest.raises(signing.LanguageMissing):
            signing.send_code(request=french_only, language=language, by=bob, origin=AT_HOME)


def test_no_code_leaves_for_a_document_nobody_opened(asked, alice):
    with pytest.raises(signing.NotReceived):
        signing.send_code(request=asked, language="fr-ca", by=alice, origin=AT_HOME)
    hand_over(asked, "fr-ca", by=alice)
    with pytest.raises(signing.NotReceived):
        signing.send_code(request=asked, language="en-ca", by=alice, origin=AT_HOME)
    assert not OutgoingMessage.objects.exists()


def test_the_code_goes_by_text_message_where_there_are_any(sms, asked, alice):
    with_code(asked, by=alice)
    message = OutgoingMessage.objects.get()
    assert (message.channel, message.recipient, message.is_sensitive) == ("sms", PHONE, True)
    event = asked.events.of(Kind.CODE_SENT).get()
    assert (event.channel, event.address, event.data) == ("sms", PHONE, {})


def test_without_text_messages_it_goes_by_e_mail_and_the_evidence_says_why(asked, alice):
    with_code(asked, by=alice)
    message = OutgoingMessage.objects.get()
    assert (message.channel, message.recipient) == ("email", alice.email)
    event = asked.events.of(Kind.CODE_SENT).get()
    assert (event.channel, event.address, event.data) == ("email", alice.email, {"why": "no_sms"})


def test_without_a_phone_it_goes_by_e_mail_and_the_evidence_says_why(sms, alice, boreal):
    asked = asked_of(alice, merchant=boreal, phone="")
    with_code(asked, by=alice)
    event = asked.events.of(Kind.CODE_SENT).get()
    assert (event.channel, event.address, event.data) == ("email", alice.email, {"why": "no_phone"})


@pytest.mark.parametrize("language", ["fr-ca", "en-ca"])
def test_signing_notes_the_words_agreed_to_then_the_signature(alice, boreal, today, language):
    asked = asked_of(alice, merchant=boreal, in_english=True, capacity="Administratrice d’Acme")
    with translation.override(language):
        signed = signed_by(alice, asked, language=language)
        words = consent_text(version=CURRENT, request=asked, language=language)
    assert (signed.state, signed.signed_at, signed.language, signed.remind_at) == (State.SIGNED, today, language, None)
    consent, signature = signed.events.order_by("-pk")[:2][::-1]
    assert (consent.kind, consent.language) == (Kind.CONSENT_GIVEN, language)
    assert consent.data == {"version": CURRENT, "text": words}
    assert "Administratrice d’Acme" in words
    assert signed.title in words
    assert (signature.kind, signature.by, signature.ip) == (Kind.SIGNED, alice, AT_HOME.ip)
    assert signature.document_sha256 == signed.document.sha256
    assert Seal.objects.get().request == signed


def test_every_wording_ever_shown_still_reads(asked):
    assert CURRENT in CONSENTS
    for version in CONSENTS:
        for language in ("fr-ca", "en-ca"):
            with translation.override(language):
                assert asked.title_in(language) in consent_text(version=version, request=asked, language=language)


def test_agreeing_to_words_that_are_no_longer_shown_signs_nothing_and_costs_no_try(asked, alice):
    code = with_code(asked, by=alice)
    with pytest.raises(signing.ConsentOutdated):
        signing.sign(request=asked, code=code, consent="1999-01", by=alice, origin=AT_HOME)
    assert asked.codes.get().tries == 0
    asked.refresh_from_db()
    assert asked.state == State.WAITING


def test_only_the_person_named_receives_asks_and_signs(asked, alice, bob):
    code = with_code(asked, by=alice)
    for by, refusal in ((bob, SignerOther), (None, SignerAbsent)):
        with pytest.raises(refusal):
            hand_over(asked, "fr-ca", by=by)
        with pytest.raises(refusal):
            signing.send_code(request=asked, language="fr-ca", by=by, origin=AT_HOME)
        with pytest.raises(refusal):
            signing.sign(request=asked, code=code, consent=CONSENT, by=by, origin=AT_HOME)
    assert asked.codes.get().tries == 0


def test_somebody_without_a_profile_signs_by_the_link_and_the_code(alice, boreal, sam):
    asked = asked_of(alice, merchant=boreal, by=sam, is_named=False)
    signed = signed_by(alice, asked)
    assert signed.state == State.SIGNED
    assert signed.events.of(Kind.SIGNED).get().by is None


def test_a_signature_takes_effect_in_its_own_transaction(asked, alice):
    seen = []

    def follow(sender: object, *, request: SignatureRequest, **_: object) -> None:
        seen.append((request.state, request.events.of(Kind.SIGNED).count(), connections["default"].in_atomic_block))

    signals.signed.connect(follow)
    try:
        signed_by(alice, asked)
    finally:
        signals.signed.disconnect(follow)
    assert seen == [(State.SIGNED, 1, True)]


def test_a_receiver_that_refuses_undoes_the_signature_and_the_code_still_works(asked, alice):
    """As when the person to be authorised has left meanwhile: nothing is half-done."""

    def refuse(sender: object, **_: object) -> None:
        raise RequestCancelled

    code = with_code(asked, by=alice)
    signals.signed.connect(refuse)
    try:
        with pytest.raises(RequestCancelled):
            signing.sign(request=asked, code=code, consent=CONSENT, by=alice, origin=AT_HOME)
    finally:
        signals.signed.disconnect(refuse)
    asked.refresh_from_db()
    assert asked.state == State.WAITING
    assert not Seal.objects.exists()
    assert not asked.events.of(Kind.SIGNED).exists()
    assert signing.sign(request=asked, code=code, consent=CONSENT, by=alice, origin=AT_HOME).state == State.SIGNED


@pytest.mark.django_db(transaction=True)
def test_signing_and_cancelling_at_the_same_instant_leave_one_of_the_two(asked, alice, bob):
    code = with_code(asked, by=alice)
    start = threading.Barrier(2)
    answers: list[str] = []

    def act(what: str, work: object) -> None:
        start.wait(timeout=20)
        try:
            work()
            answers.append(what)
        except (AlreadySigned, RequestCancelled):
            pass
        finally:
            connections.close_all()

    signer = threading.Thread(
        target=act,
        args=[
            "signed",
            lambda: signing.sign(request=asked, code=code, consent=CONSENT, by=alice, origin=AT_HOME),
        ],
    )
    other = threading.Thread(
        target=act, args=["cancelled", lambda: requests.cancel(request=asked, by=bob, origin=AT_HOME)]
    )
    for person in (signer, other):
        person.start()
    for person in (signer, other):
        person.join(timeout=60)
    asked.refresh_from_db()
    assert answers == [asked.state]
    assert asked.events.filter(kind__in=["signed", "cancelled"]).count() == 1
    assert Seal.objects.count() == (asked.state == State.SIGNED)


def test_what_a_browser_says_of_itself_is_kept_up_to_a_length(asked, alice):
    signing.hand_over(request=asked, language="fr-ca", by=alice, origin=Origin(ip=None, user_agent="x" * 5000))
    event = asked.events.of(Kind.VIEWED).get()
    assert (event.ip, len(event.user_agent)) == (None, 400)


def test_the_worker_is_nudged_to_seal(asked, alice, django_capture_on_commit_callbacks):
    code = with_code(asked, by=alice)
    with django_capture_on_commit_callbacks() as nudges:
        signing.sign(request=asked, code=code, consent=CONSENT, by=alice, origin=AT_HOME)
    assert ("signatures.seal", {"seal_id": Seal.objects.get().pk}) in [(n.task, n.kwargs) for n in nudges]
    assert code_sent() == code
