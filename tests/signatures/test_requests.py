"""Asking for a signature: what is kept, who is written to, what is refused; reminding, giving up, declining."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from django.db import connections, transaction

from accounts.models import OutgoingMessage, User
from signatures import links, papers, signals
from signatures.models import Document, SignatureEvent, SignatureRequest
from signatures.parties import Origin, Paper, Signer
from signatures.refusals import (
    AlreadyDeclined,
    AlreadySigned,
    LinkUnknown,
    RequestCancelled,
    RequestExpired,
    SignerAbsent,
    SignerOther,
)
from signatures.services import requests
from signatures.services.requests import AlreadyAsked, RemindedLately, SignerUnreachable
from tests.signatures.samples import AT_HOME, ENGLISH, FRENCH, asked_of, paper, pdf_of, sender_of, signed_by

pytestmark = pytest.mark.django_db
State, Kind = SignatureRequest.State, SignatureEvent.Kind


def mailed_to(person: User) -> OutgoingMessage:
    return OutgoingMessage.objects.filter(recipient=person.email).latest("pk")


def test_a_request_keeps_the_bytes_the_people_and_the_time(alice, bob, boreal, today):
    asked = asked_of(alice, merchant=boreal, by=bob, in_english=True, capacity="Administratrice")
    asked.refresh_from_db()
    assert bytes(asked.french.content) == pdf_of(*FRENCH[:1], language=FRENCH[1])
    assert bytes(asked.english.content) == pdf_of(*ENGLISH[:1], language=ENGLISH[1])
    assert asked.french.page_count == 1
    assert (asked.signer, asked.signer_name, asked.signer_email) == (alice, "Alice Tremblay", "alice@acme.example")
    assert (asked.signer_phone, asked.capacity, asked.requested_by) == ("+15145550123", "Administratrice", bob)
    assert asked.sender == sender_of(boreal)
    assert (asked.state, asked.language, asked.expires_at) == (State.WAITING, "fr-ca", today + timedelta(days=14))


def test_the_signer_is_written_to_in_the_name_of_who_asks_and_only_the_hash_of_the_link_is_kept(alice, bob, boreal):
    asked = asked_of(alice, merchant=boreal, by=bob)
    mail = mailed_to(alice)
    assert (mail.sender_name, mail.reply_to, mail.is_sensitive) == (boreal.name, boreal.email, True)
    token = re.search(r"/sign/([^/\s]+)/", mail.text)[1]
    assert links.path_of(request=asked) == f"/sign/{token}/"
    assert len(token) == 43
    assert token not in str(SignatureRequest.objects.values())
    assert requests.request_of(token=token) == asked
    event = asked.events.get()
    assert (event.kind, event.by, event.address, event.channel) == (Kind.REQUESTED, bob, alice.email, "email")
    assert (event.ip, event.user_agent) == (AT_HOME.ip, AT_HOME.user_agent)
    assert event.document_sha256 == asked.french.sha256


def test_whoever_asks_themself_is_at_the_screen_and_gets_no_letter(asked):
    assert not OutgoingMessage.objects.exists()
    assert asked.events.get().address == ""


@pytest.mark.parametrize("token", ["", "forged", "é", "a" * 43])
def test_a_link_nobody_was_given_is_refused(asked, token):
    with pytest.raises(LinkUnknown):
        requests.request_of(token=token)


def test_two_requests_for_the_same_bytes_keep_them_once(alice, bob, boreal):
    first, second = asked_of(alice, merchant=boreal), asked_of(bob, merchant=boreal)
    assert first.french_id == second.french_id
    assert Document.objects.count() == 1
    assert links.token_of(request=first) != links.token_of(request=second)


def test_the_same_asked_twice_is_one_request(alice, bob, boreal):
    first, second = (asked_of(alice, merchant=boreal, by=bob) for _ in range(2))
    assert first == second
    assert OutgoingMessage.objects.count() == 1
    assert SignatureEvent.objects.count() == 1


def test_another_document_for_the_same_thing_waits_for_the_first_to_be_given_up(alice, bob, boreal):
    first = asked_of(alice, merchant=boreal, by=bob)
    other = paper("Autre autorisation", "fr-CA")
    for by in (bob, alice):
        with pytest.raises(AlreadyAsked):
            asked_of(alice, merchant=boreal, by=by, french=other)
    requests.cancel(request=first, by=bob, origin=AT_HOME)
    assert asked_of(alice, merchant=boreal, by=bob, french=other) != first


@pytest.mark.parametrize("change", [{"phone": "+15145550177"}, {"language": "en-ca"}, {"capacity": "Propriétaire"},
                                    {"french": paper("Autre autorisation", "fr-CA")}])  # fmt: skip
def test_what_one_asks_of_oneself_otherwise_replaces_what_waited(alice, boreal, change):
    first = asked_of(alice, merchant=boreal)
    second = asked_of(alice, merchant=boreal, **change)
    first.refresh_from_db()
    assert (first.state, second.state) == (State.CANCELLED, State.WAITING)
    event = first.events.latest("pk")
    assert (event.kind, event.by, event.ip) == (Kind.CANCELLED, alice, AT_HOME.ip)
    with pytest.raises(RequestCancelled):
        signed_by(alice, first)


def test_with_another_address_the_request_to_the_former_one_is_over(alice, boreal):
    first = asked_of(alice, merchant=boreal)
    alice.email = "alice.roy@acme.example"
    second = asked_of(alice, merchant=boreal)
    first.refresh_from_db()
    assert (first.state, second.state, second.signer_email) == (State.CANCELLED, State.WAITING, alice.email)


def test_a_request_out_of_time_makes_way(alice, boreal, time_machine):
    first = asked_of(alice, merchant=boreal)
    time_machine.move_to(first.expires_at)
    second = asked_of(alice, merchant=boreal)
    first.refresh_from_db()
    assert (first.state, second.state) == (State.EXPIRED, State.WAITING)
    assert first.events.latest("pk").kind == Kind.EXPIRED


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_make_one_request(alice, bob, boreal):
    start = threading.Barrier(3)
    made: list[int] = []

    def ask() -> None:
        start.wait(timeout=20)
        made.append(asked_of(alice, merchant=boreal, by=bob).pk)
        connections.close_all()

    pdf_of(*FRENCH[:1], language=FRENCH[1])
    people = [threading.Thread(target=ask) for _ in range(3)]
    for person in people:
        person.start()
    for person in people:
        person.join(timeout=60)
    assert len(made) == 3
    assert len(set(made)) == 1
    assert OutgoingMessage.objects.count() == 1


@pytest.mark.parametrize(
    ("phone", "kept"),
    [("514 555-0123", "+15145550123"), ("+33 1 42 68 53 00", "+33142685300"), ("poste 12", ""), ("911", ""), ("", "")],
)
def test_a_phone_is_kept_as_text_messages_need_it_or_not_at_all(alice, boreal, phone, kept):
    assert asked_of(alice, merchant=boreal, phone=phone).signer_phone == kept


@pytest.mark.parametrize(
    "signer", [("", "a@example.org"), ("Luc Roy", ""), ("Luc Roy", "luc"), ("  ", "a@example.org")]
)
def test_a_signer_needs_a_name_and_an_address(alice, boreal, signer):
    name, email = signer
    with pytest.raises(SignerUnreachable):
        requests.request_signature(
            by=alice,
            purpose="agreement",
            subject_key="1",
            signer=Signer(name=name, email=email, language="fr-ca"),
            sender=sender_of(boreal),
            french=paper(*FRENCH),
            origin=AT_HOME,
        )
    assert not SignatureRequest.objects.exists()


def test_an_address_in_other_case_is_the_same_person(alice, boreal):
    first = asked_of(alice, merchant=boreal)
    alice.email = " ALICE@Acme.example "
    assert asked_of(alice, merchant=boreal) == first


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", papers.DocumentUnreadable),
        (b"%PDF-1.7\nrien", papers.DocumentUnreadable),
        (b"PK\x03\x04 un classeur", papers.DocumentUnreadable),
        (b"%PDF-" + b"0" * papers.LARGEST, papers.DocumentTooLarge),
    ],
    ids=["empty", "cut", "zip", "large"],
)
def test_a_file_that_could_not_be_sealed_is_refused_before_anybody_is_written_to(alice, bob, boreal, content, refusal):
    with pytest.raises(refusal):
        asked_of(alice, merchant=boreal, by=bob, french=Paper("Contrat", content))
    assert not SignatureRequest.objects.exists()
    assert not OutgoingMessage.objects.exists()


def test_the_signer_is_reminded_once_a_day_at_most_by_hand(alice, bob, boreal, time_machine, today):
    asked = asked_of(alice, merchant=boreal, by=bob)
    with pytest.raises(RemindedLately):
        requests.remind(request=asked, by=bob, origin=AT_HOME)
    time_machine.move_to(today + timedelta(days=1, minutes=1))
    requests.remind(request=asked, by=bob, origin=AT_HOME)
    assert OutgoingMessage.objects.count() == 2
    mail = mailed_to(alice)
    assert mail.template == "signatures/emails/reminder"
    assert links.address_of(request=asked) in mail.text
    event = asked.events.latest("pk")
    assert (event.kind, event.by, event.address) == (Kind.REMINDED, bob, alice.email)
    with pytest.raises(RemindedLately):
        requests.remind(request=asked, by=bob, origin=AT_HOME)


def test_after_a_change_of_secret_the_former_link_works_until_a_new_one_is_written(alice, bob, boreal, settings, today):
    asked = asked_of(alice, merchant=boreal, by=bob)
    former = links.token_of(request=asked)
    settings.SECRET_KEY = "another secret"
    assert requests.request_of(token=former) == asked
    with transaction.atomic():
        requests.write_reminder(request=asked, by=None, origin=Origin())
    token = re.search(r"/sign/([^/\s]+)/", mailed_to(alice).text)[1]
    assert token != former
    assert requests.request_of(token=token) == asked
    with pytest.raises(LinkUnknown):
        requests.request_of(token=former)


def test_what_is_no_longer_asked_cannot_be_signed_and_says_so_once(asked, alice):
    for _ in range(2):
        requests.cancel(request=asked, by=alice, origin=AT_HOME)
    asked.refresh_from_db()
    assert (asked.state, asked.remind_at) == (State.CANCELLED, None)
    assert asked.events.of(Kind.CANCELLED).count() == 1
    with pytest.raises(RequestCancelled):
        signed_by(alice, asked)


def test_a_signed_document_is_neither_cancelled_declined_nor_reminded_of(asked, alice):
    signed_by(alice, asked)
    with pytest.raises(AlreadySigned):
        requests.cancel(request=asked, by=alice, origin=AT_HOME)
    with pytest.raises(AlreadySigned):
        requests.decline(request=asked, reason="Trop tard", by=alice, origin=AT_HOME)
    with pytest.raises(AlreadySigned):
        requests.remind(request=asked, by=alice, origin=AT_HOME)


def test_declining_keeps_the_reason_and_tells_who_follows(asked, alice):
    told = []

    def follow(sender: object, *, request: SignatureRequest, **_: object) -> None:
        told.append((request.pk, request.state, SignatureRequest.objects.get(pk=request.pk).state))

    signals.declined.connect(follow)
    try:
        for _ in range(2):
            requests.decline(request=asked, reason="  Je ne suis plus administratrice.  ", by=alice, origin=AT_HOME)
    finally:
        signals.declined.disconnect(follow)
    assert told == [(asked.pk, State.DECLINED, State.DECLINED)]
    event = asked.events.of(Kind.DECLINED).get()
    assert event.data == {"reason": "Je ne suis plus administratrice."}
    assert (event.by, event.ip) == (alice, AT_HOME.ip)
    with pytest.raises(AlreadyDeclined):
        signed_by(alice, asked)


def test_declining_needs_a_reason_and_the_signer(asked, alice, bob):
    with pytest.raises(requests.ReasonMissing):
        requests.decline(request=asked, reason="  ", by=alice, origin=AT_HOME)
    with pytest.raises(SignerOther):
        requests.decline(request=asked, reason="Non", by=bob, origin=AT_HOME)
    with pytest.raises(SignerAbsent):
        requests.decline(request=asked, reason="Non", by=None, origin=AT_HOME)
    asked.refresh_from_db()
    assert asked.state == State.WAITING


def test_a_receiver_that_refuses_undoes_the_refusal(asked, alice):
    def refuse(sender: object, **_: object) -> None:
        raise AlreadyAsked

    signals.declined.connect(refuse)
    try:
        with pytest.raises(AlreadyAsked):
            requests.decline(request=asked, reason="Non", by=alice, origin=AT_HOME)
    finally:
        signals.declined.disconnect(refuse)
    asked.refresh_from_db()
    assert asked.state == State.WAITING
    assert not asked.events.of(Kind.DECLINED).exists()


def test_nothing_is_done_out_of_time_even_before_a_sweep_says_so(asked, alice, time_machine):
    time_machine.move_to(asked.expires_at)
    for act in (
        lambda: requests.cancel(request=asked, by=alice, origin=AT_HOME),
        lambda: requests.decline(request=asked, reason="Non", by=alice, origin=AT_HOME),
        lambda: requests.remind(request=asked, by=alice, origin=AT_HOME),
        lambda: signed_by(alice, asked),
    ):
        with pytest.raises(RequestExpired):
            act()


def test_a_queryset_finds_what_is_about_one_thing(alice, bob, boreal):
    mine = asked_of(alice, merchant=boreal, subject_key="7")
    asked_of(bob, merchant=boreal, subject_key="8")
    about = SignatureRequest.objects.about(purpose="agreement", subject_key="7")
    assert list(about) == [mine]
    assert list(about.waiting()) == [mine]
    assert not about.signed().exists()
    signed_by(alice, mine)
    assert list(about.signed()) == [mine]
    assert not about.waiting().exists()
