"""One-time codes: six digits nobody keeps, for one signer and one document, ten minutes, once, five tries."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import OutgoingMessage
from signatures import otp
from signatures.models import TRIES, Document, OneTimeCode, SignatureEvent, SignatureRequest
from signatures.parties import Origin
from signatures.refusals import AlreadySigned
from signatures.services import requests, signing
from tests.signatures.samples import AT_HOME, CONSENT, PHONE, asked_of, code_sent, with_code

pytestmark = pytest.mark.django_db
State, Kind = SignatureRequest.State, SignatureEvent.Kind


def sign(asked: SignatureRequest, code: str, *, by: object) -> SignatureRequest:
    return signing.sign(request=asked, code=code, consent=CONSENT, by=by, origin=AT_HOME)


def send(asked: SignatureRequest, *, by: object, origin: Origin = AT_HOME) -> str:
    signing.send_code(request=asked, language="fr-ca", by=by, origin=origin)
    return code_sent()


def wrong(code: str) -> str:
    """Another code, surely not that one."""
    return f"{(int(code) + 1) % 10**6:06}"


def refused(refusal: type[Exception], asked: SignatureRequest, code: str, *, by: object) -> Exception:
    with pytest.raises(refusal) as answer:
        sign(asked, code, by=by)
    asked.refresh_from_db()
    assert asked.state == State.WAITING
    return answer.value


def test_a_code_is_six_digits_and_only_its_keyed_hash_is_kept(asked, alice, settings):
    code = with_code(asked, by=alice)
    assert re.fullmatch(r"\d{6}", code)
    kept = OneTimeCode.objects.get()
    assert re.fullmatch(r"[0-9a-f]{64}", kept.code_hash)
    assert code not in str(OneTimeCode.objects.values()) + str(SignatureEvent.objects.values())
    assert kept.expires_at - kept.sent_at == timedelta(minutes=10)
    settings.SECRET_KEY = "another secret"
    refused(otp.CodeWrong, asked, code, by=alice)  # without the key of this installation the hash says nothing


def test_codes_are_drawn_evenly_and_keep_their_first_zeros(asked, alice):
    signing.hand_over(request=asked, language="fr-ca", by=alice, origin=AT_HOME)
    with transaction.atomic():
        drawn = [otp.make(request=asked) for _ in range(300)]
    assert {len(code) for code in drawn} == {6}
    assert len(set(drawn)) > 290
    assert {code[0] for code in drawn} == set("0123456789")


def test_the_message_with_the_code_is_blanked_once_sent_and_shown_to_no_agent(asked, alice):
    code = with_code(asked, by=alice)
    message = OutgoingMessage.objects.get()
    assert message.is_sensitive
    assert code in message.text
    assert code not in message.subject
    assert message.merchant_slug == "boreal"


def test_the_right_code_signs_once(asked, alice):
    code = with_code(asked, by=alice)
    assert sign(asked, code, by=alice).state == State.SIGNED
    assert OneTimeCode.objects.get().used_at is not None
    with pytest.raises(AlreadySigned):
        sign(asked, code, by=alice)


def test_a_wrong_code_signs_nothing_and_says_how_many_tries_are_left(asked, alice):
    code = with_code(asked, by=alice)
    lefts = [refused(otp.CodeWrong, asked, wrong(code), by=alice).left for _ in range(TRIES)]
    assert lefts == [4, 3, 2, 1, 0]
    assert [event.data["left"] for event in asked.events.of(Kind.CODE_WRONG).order_by("pk")] == lefts


def test_after_five_tries_even_the_right_code_is_refused_and_a_new_one_works(asked, alice, time_machine):
    code = with_code(asked, by=alice)
    for _ in range(TRIES):
        refused(otp.CodeWrong, asked, wrong(code), by=alice)
    refused(otp.TooManyTries, asked, code, by=alice)
    assert OneTimeCode.objects.get().tries == TRIES
    assert otp.live_code(request=asked) is None
    time_machine.move_to(timezone.now() + otp.COOL_DOWN)
    assert sign(asked, send(asked, by=alice), by=alice).state == State.SIGNED


def test_the_last_try_may_be_the_right_one(asked, alice):
    code = with_code(asked, by=alice)
    for _ in range(TRIES - 1):
        refused(otp.CodeWrong, asked, wrong(code), by=alice)
    assert sign(asked, code, by=alice).state == State.SIGNED


def test_a_code_is_refused_after_ten_minutes(asked, alice, time_machine, today):
    code = with_code(asked, by=alice)
    time_machine.move_to(today + otp.LASTS, tick=False)
    refused(otp.CodeExpired, asked, code, by=alice)
    assert otp.live_code(request=asked) is None


def test_a_code_still_works_just_before_ten_minutes(asked, alice, time_machine, today):
    code = with_code(asked, by=alice)
    time_machine.move_to(today + otp.LASTS - timedelta(seconds=1), tick=False)
    assert sign(asked, code, by=alice).state == State.SIGNED


def test_a_new_code_replaces_the_former(asked, alice, time_machine, today):
    former = with_code(asked, by=alice)
    time_machine.move_to(today + otp.COOL_DOWN, tick=False)
    newer = send(asked, by=alice)
    if former != newer:
        refused(otp.CodeWrong, asked, former, by=alice)
    assert sign(asked, newer, by=alice).state == State.SIGNED


def test_without_any_code_there_is_nothing_to_compare(asked, alice):
    signing.hand_over(request=asked, language="fr-ca", by=alice, origin=AT_HOME)
    refused(otp.CodeMissing, asked, "123456", by=alice)


def test_the_code_of_another_request_is_refused(alice, boreal):
    """Same signer, same document, same digits: another request is another act."""
    first, second = (asked_of(alice, merchant=boreal, subject_key=key) for key in "12")
    code = with_code(first, by=alice)
    with_code(second, by=alice)
    stolen = OneTimeCode.objects.get(request=first).code_hash
    OneTimeCode.objects.filter(request=second).update(code_hash=stolen)
    refused(otp.CodeWrong, second, code, by=alice)
    assert sign(first, code, by=alice).state == State.SIGNED


def test_the_code_of_another_signer_is_refused(alice, bob, boreal):
    mine, theirs = asked_of(alice, merchant=boreal), asked_of(bob, merchant=boreal)
    code = with_code(mine, by=alice)
    with_code(theirs, by=bob)
    OneTimeCode.objects.filter(request=theirs).update(code_hash=OneTimeCode.objects.get(request=mine).code_hash)
    refused(otp.CodeWrong, theirs, code, by=bob)


def test_a_code_for_the_french_document_does_not_sign_the_english_one(asked, alice):
    code = with_code(asked, by=alice)
    SignatureRequest.objects.filter(pk=asked.pk).update(language="en-ca")
    asked.refresh_from_db()
    refused(otp.CodeWrong, asked, code, by=alice)


def test_choosing_the_other_language_makes_a_new_code_for_it(asked, alice, time_machine, today):
    former = with_code(asked, by=alice)
    signing.hand_over(request=asked, language="en-ca", by=alice, origin=AT_HOME)
    time_machine.move_to(today + otp.COOL_DOWN, tick=False)
    signing.send_code(request=asked, language="en-ca", by=alice, origin=AT_HOME)
    newer = code_sent()
    asked.refresh_from_db()
    assert asked.language == "en-ca"
    if former != newer:
        refused(otp.CodeWrong, asked, former, by=alice)
    signed = sign(asked, newer, by=alice)
    event = signed.events.of(Kind.SIGNED).get()
    assert (event.language, event.document_sha256) == ("en-ca", asked.english.sha256)


def test_another_code_waits_a_minute(asked, alice, time_machine, today):
    with_code(asked, by=alice)
    time_machine.move_to(today + timedelta(seconds=20), tick=False)
    with pytest.raises(otp.TooSoon) as refusal:
        send(asked, by=alice)
    assert refusal.value.seconds == 40
    assert OutgoingMessage.objects.count() == 1
    time_machine.move_to(today + otp.COOL_DOWN, tick=False)
    send(asked, by=alice)


def many(alice: object, boreal: object, *, count: int) -> list[SignatureRequest]:
    """As many requests, all handed over."""
    made = [asked_of(alice, merchant=boreal, subject_key=str(number)) for number in range(count)]
    for asked in made:
        signing.hand_over(request=asked, language="fr-ca", by=alice, origin=AT_HOME)
    return made


def test_an_address_receives_five_codes_an_hour_whatever_they_are_for(alice, boreal, today, time_machine):
    made = many(alice, boreal, count=6)
    for number, asked in enumerate(made[:5]):
        send(asked, by=alice, origin=Origin(ip=f"203.0.113.{number}"))
    with pytest.raises(otp.TooManyCodes):
        send(made[5], by=alice, origin=Origin(ip="198.51.100.9"))
    time_machine.move_to(today + otp.HOUR, tick=False)
    send(made[5], by=alice)


def test_a_phone_receives_five_codes_an_hour_whoever_it_is_said_to_belong_to(sms, alice, bob, boreal):
    made = [*many(alice, boreal, count=5), *many(bob, boreal, count=1)]
    for number, asked in enumerate(made[:5]):
        send(asked, by=alice, origin=Origin(ip=f"203.0.113.{number}"))
    with pytest.raises(otp.TooManyCodes):
        send(made[5], by=bob, origin=Origin(ip="198.51.100.9"))
    assert set(SignatureEvent.objects.of(Kind.CODE_SENT).values_list("address", flat=True)) == {PHONE}


def test_an_address_receives_ten_codes_a_day(alice, boreal, today, time_machine):
    made = many(alice, boreal, count=11)
    for number, asked in enumerate(made[:10]):
        time_machine.move_to(today + number * timedelta(minutes=30), tick=False)
        send(asked, by=alice, origin=Origin(ip=f"203.0.113.{number}"))
    time_machine.move_to(today + timedelta(hours=12), tick=False)
    with pytest.raises(otp.TooManyCodes):
        send(made[10], by=alice)
    time_machine.move_to(today + otp.DAY, tick=False)
    send(made[10], by=alice)


def test_an_ip_address_asks_for_twenty_codes_an_hour(alice, boreal, today):
    asked = asked_of(alice, merchant=boreal)
    told = {"request": asked, "kind": Kind.CODE_SENT, "channel": "email", "document_sha256": "a" * 64, "by": None}
    for number in range(20):
        SignatureEvent.objects.create(
            **told, ip=AT_HOME.ip, address=f"{number}@example.org", at=timezone.now() - timedelta(minutes=2 + number)
        )
    other = many(alice, boreal, count=1)[0]
    with pytest.raises(otp.TooManyCodes):
        send(other, by=alice)
    send(other, by=alice, origin=Origin(ip="198.51.100.9"))


def test_a_request_asks_for_fifteen_codes_in_its_life(asked, alice, today, time_machine):
    signing.hand_over(request=asked, language="fr-ca", by=alice, origin=AT_HOME)
    for number in range(otp.FOR_A_REQUEST):
        time_machine.move_to(today + number * timedelta(hours=3), tick=False)
        send(asked, by=alice)
    time_machine.move_to(today + timedelta(days=10), tick=False)
    with pytest.raises(otp.TooManyCodes):
        send(asked, by=alice)
    assert otp.FOR_A_REQUEST * TRIES / 10**otp.DIGITS < 1 / 10_000


def test_the_limits_hold_while_the_cache_is_dead(asked, alice, settings):
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    code = with_code(asked, by=alice)
    with pytest.raises(otp.TooSoon):
        send(asked, by=alice)
    for _ in range(TRIES):
        refused(otp.CodeWrong, asked, wrong(code), by=alice)
    refused(otp.TooManyTries, asked, code, by=alice)


@pytest.mark.django_db(transaction=True)
def test_tries_at_the_same_instant_are_each_counted(asked, alice):
    code = with_code(asked, by=alice)
    start = threading.Barrier(12)
    answers: list[str] = []

    def guess() -> None:
        start.wait(timeout=20)
        try:
            sign(asked, wrong(code), by=alice)
        except otp.CodeRefused as refusal:
            answers.append(type(refusal).__name__)
        finally:
            connections.close_all()

    people = [threading.Thread(target=guess) for _ in range(12)]
    for person in people:
        person.start()
    for person in people:
        person.join(timeout=60)
    assert sorted(answers) == ["CodeWrong"] * 5 + ["TooManyTries"] * 7
    assert OneTimeCode.objects.get().tries == TRIES
    assert asked.events.of(Kind.CODE_WRONG).count() == TRIES
    refused(otp.TooManyTries, asked, code, by=alice)


@pytest.mark.django_db(transaction=True)
def test_the_right_code_twice_at_the_same_instant_signs_once(asked, alice):
    code = with_code(asked, by=alice)
    start = threading.Barrier(4)
    answers: list[str] = []

    def press() -> None:
        start.wait(timeout=20)
        try:
            sign(asked, code, by=alice)
            answers.append("signed")
        except requests.Refusal as refusal:
            answers.append(type(refusal).__name__)
        finally:
            connections.close_all()

    people = [threading.Thread(target=press) for _ in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join(timeout=60)
    assert sorted(answers) == ["AlreadySigned"] * 3 + ["signed"]
    assert asked.events.of(Kind.SIGNED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_codes_asked_for_at_the_same_instant_stay_within_the_limit(alice, boreal):
    made = many(alice, boreal, count=8)
    start = threading.Barrier(8)
    answers: list[str] = []

    def ask(asked: SignatureRequest) -> None:
        start.wait(timeout=20)
        try:
            signing.send_code(request=asked, language="fr-ca", by=alice, origin=AT_HOME)
            answers.append("sent")
        except otp.TooManyCodes:
            answers.append("refused")
        finally:
            connections.close_all()

    people = [threading.Thread(target=ask, args=[asked]) for asked in made]
    for person in people:
        person.start()
    for person in people:
        person.join(timeout=60)
    assert sorted(answers) == ["refused"] * 3 + ["sent"] * 5


@settings(max_examples=200, deadline=None)
@given(code=st.from_regex(r"\A[0-9]{6}\Z"), other=st.from_regex(r"\A[0-9]{6}\Z"))
def test_two_codes_never_share_a_hash(code, other):
    """Without a database: the request is never saved."""
    asked = SignatureRequest(signer_email="a@example.org", french=Document(sha256="a" * 64))
    same = otp._hash(code, request=asked) == otp._hash(other, request=asked)  # noqa: SLF001 - the binding itself
    assert same == (code == other)
