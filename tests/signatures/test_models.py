"""What must never happen to a request, its evidence, its codes and its seal: the database itself refuses it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from signatures.models import Document, OneTimeCode, Seal, SignatureEvent, SignatureRequest
from tests.signatures.samples import asked_of, signed_by, with_code

pytestmark = pytest.mark.django_db
NOW = timezone.now()
State, Kind = SignatureRequest.State, SignatureEvent.Kind


def refused(match: str, change: object) -> None:
    """The change fails, naming the rule."""
    with pytest.raises(DatabaseError, match=match), transaction.atomic():
        change()


def test_a_state_has_its_moment(asked):
    rows = SignatureRequest.objects.filter(pk=asked.pk)
    for fields in (
        {"signed_at": NOW},
        {"ended_at": NOW},
        {"state": State.SIGNED},
        {"state": State.SIGNED, "signed_at": NOW, "ended_at": NOW},
        {"state": State.DECLINED},
        {"state": State.EXPIRED, "signed_at": NOW},
    ):
        refused("signature_state_has_its_moment", lambda fields=fields: rows.update(**fields))


def copied(asked: SignatureRequest, **fields: object) -> None:
    """Another row like it, but for these fields."""
    fields_ = SignatureRequest._meta.concrete_fields  # noqa: SLF001 - the documented way to read a model
    kept = {field.attname: getattr(asked, field.attname) for field in fields_}
    kept = {name: value for name, value in kept.items() if name not in {"id", "key"}}
    SignatureRequest.objects.create(**(kept | {"token_hash": "f" * 64, "subject_key": "2"} | fields))


def test_a_row_like_another_enters_when_no_rule_is_broken(asked):
    copied(asked)
    assert SignatureRequest.objects.count() == 2


def test_an_english_document_and_its_title_go_together(asked):
    refused("signature_english_is_whole", lambda: copied(asked, english_title=""))
    refused("signature_english_is_whole", lambda: copied(asked, english_id=None))


def test_nobody_signs_in_english_what_has_no_english(asked):
    refused(
        "signature_language_is_there",
        lambda: copied(asked, english_id=None, english_title="", language="en-ca"),
    )


def test_a_request_expires_after_it_is_asked(asked):
    refused("signature_expires_after_asked", lambda: copied(asked, expires_at=asked.requested_at))


def test_addresses_of_signers_are_kept_in_one_spelling(asked):
    refused("signature_email_normalized", lambda: copied(asked, signer_email="Alice@acme.example"))


def test_one_person_is_asked_once_about_one_thing(asked):
    refused("signature_one_waiting", lambda: copied(asked, subject_key=asked.subject_key))
    copied(asked, subject_key=asked.subject_key, signer_email="other@acme.example")


def test_two_requests_never_share_a_link(asked):
    refused("token_hash", lambda: copied(asked, token_hash=asked.token_hash))


def test_what_was_asked_is_never_rewritten(asked, bob):
    rows = SignatureRequest.objects.filter(pk=asked.pk)
    for fields in ({"signer": bob}, {"signer_email": "x@y.example"}, {"french_title": "Autre"}, {"capacity": "Rien"}):
        refused("Cannot update", lambda fields=fields: rows.update(**fields))
    refused("Cannot delete", rows.delete)


def test_a_request_begins_waiting_and_only_goes_forward(asked):
    refused("Cannot insert", lambda: copied(asked, state=State.SIGNED, signed_at=NOW))
    rows = SignatureRequest.objects.filter(pk=asked.pk)
    refused("Invalid transition", lambda: rows.update(state=State.SEALED, signed_at=NOW))
    rows.update(state=State.DECLINED, ended_at=NOW)
    refused("Cannot update", lambda: rows.update(state=State.SIGNED, signed_at=NOW, ended_at=None))
    refused("Cannot update", lambda: rows.update(state=State.WAITING, ended_at=None))
    copied(asked)
    signed = SignatureRequest.objects.filter(subject_key="2")
    signed.update(state=State.SIGNED, signed_at=NOW)
    signed.update(state=State.SEALED)
    refused("Invalid transition", lambda: signed.update(state=State.SIGNED))


def test_a_signature_keeps_its_moment_and_its_language(asked):
    rows = SignatureRequest.objects.filter(pk=asked.pk)
    rows.update(state=State.SIGNED, signed_at=NOW)
    refused("Cannot update", lambda: rows.update(signed_at=NOW + timedelta(hours=1)))
    refused("Cannot update", lambda: rows.update(language="en-ca"))


def test_the_bytes_to_sign_are_never_rewritten():
    document = Document.objects.create(sha256="a" * 64, content=b"%PDF-", size=5, page_count=1)
    refused("Cannot update", lambda: Document.objects.update(content=b"other"))
    refused("Cannot update", document.delete)
    refused("sha256", lambda: Document.objects.create(sha256="a" * 64, content=b"x", size=1, page_count=1))


def test_the_evidence_is_never_rewritten(asked):
    refused("Cannot update", lambda: SignatureEvent.objects.update(ip="198.51.100.1"))
    refused("Cannot update", lambda: SignatureEvent.objects.all().delete())


def event(asked: SignatureRequest, **fields: object) -> None:
    SignatureEvent.objects.create(request=asked, document_sha256="a" * 64, by=None, **fields)


def test_a_code_says_where_it_was_sent(asked):
    refused("signature_event_code_has_address", lambda: event(asked, kind=Kind.CODE_SENT, channel="sms"))
    refused("signature_event_code_has_address", lambda: event(asked, kind=Kind.CODE_SENT, address="+15145550123"))


def test_a_refusal_says_why_and_a_consent_says_its_words(asked):
    refused("signature_event_refusal_has_reason", lambda: event(asked, kind=Kind.DECLINED))
    refused("signature_event_consent_has_words", lambda: event(asked, kind=Kind.CONSENT_GIVEN, data={"text": "Oui"}))


def test_a_request_is_signed_once(asked):
    event(asked, kind=Kind.SIGNED)
    refused("signature_event_signed_once", lambda: event(asked, kind=Kind.SIGNED))


def test_a_code_is_not_tried_for_ever_and_the_last_one_alone_lives(asked, alice):
    with_code(asked, by=alice)
    codes = OneTimeCode.objects.filter(request=asked)
    refused("code_not_tried_for_ever", lambda: codes.update(tries=6))
    refused("code_expires_after_sent", lambda: codes.update(expires_at=timezone.now() - timedelta(days=1)))
    again = {"request": asked, "code_hash": "0" * 64, "expires_at": timezone.now() + timedelta(minutes=1)}
    refused("code_one_live_a_request", lambda: OneTimeCode.objects.create(**again))


def test_a_seal_is_whole_or_owed_and_says_why_it_is_given_up(asked, alice):
    signed_by(alice, asked)
    seals = Seal.objects.filter(request=asked)
    for fields in ({"file": "x.pdf"}, {"sealed_at": NOW}, {"sealed_at": NOW, "file": "x.pdf"}):
        refused("seal_made_is_whole", lambda fields=fields: seals.update(**fields))
    refused("seal_given_up_says_why", lambda: seals.update(due_at=None))
    seals.update(due_at=None, last_error="Horodatage muet")


def test_a_sealed_file_is_final_and_its_own(asked, alice, bob, boreal):
    other = asked_of(bob, merchant=boreal, subject_key="2")
    signed_by(alice, asked)
    signed_by(bob, other)
    made = {"file": "x.pdf", "sha256": "b" * 64, "sealed_at": NOW, "due_at": None}
    seals = Seal.objects.filter(request=asked)
    seals.update(**made)
    refused("Cannot update", lambda: seals.update(file="y.pdf"))
    refused("Cannot update", seals.delete)
    with pytest.raises(IntegrityError, match="seal_sha256_unique"):
        Seal.objects.filter(request=other).update(**made)
