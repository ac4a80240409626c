"""Asking for a signature, reminding of it, giving it up, and declining it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from phonenumber_field.phonenumber import to_python

from accounts.addresses import validate_address
from accounts.models import Language, OutgoingMessage, User, normalize_email
from accounts.refusals import Refusal
from signatures import events, papers, signals
from signatures.letters import write_to_signer
from signatures.links import hash_of, token_of
from signatures.models import SignatureEvent, SignatureRequest
from signatures.parties import Origin, Paper, Sender, Signer
from signatures.refusals import LinkUnknown
from signatures.states import State, end, lock, refuse_others, refuse_when_over
from signatures.turns import take_turns

LASTS = timedelta(days=14)
REMIND_EVERY = timedelta(days=3)
# Between two letters somebody asked for by hand.
REMINDED_LATELY = timedelta(days=1)
Kind = SignatureEvent.Kind
# What makes two requests for the same thing one.
ASKED_AGAIN = (
    *("french_id", "french_title", "english_id", "english_title", "signer_id", "signer_name", "signer_phone"),
    *("signer_email", "signer_language", "capacity", "merchant_slug"),
)


class SignerUnreachable(Refusal):
    sentence: str | Promise = _("The signer needs a name and an e-mail address.")


class AlreadyAsked(Refusal):
    sentence: str | Promise = _("This person is already asked to sign for this. Cancel that request first.")


class RemindedLately(Refusal):
    sentence: str | Promise = _("A message left less than a day ago. Remind this person tomorrow.")


class ReasonMissing(Refusal):
    sentence: str | Promise = _("Write why, in a few words: whoever asked reads it.")


def request_signature(
    *,
    by: User,
    purpose: str,
    subject_key: str,
    signer: Signer,
    sender: Sender,
    french: Paper,
    english: Paper | None = None,
    origin: Origin,
    back_path: str = "",
) -> SignatureRequest:
    """Ask one person to sign one document, in French and in English when there is an English one; write to them.

    Whoever asks themself is at the screen and gets no letter: lead them to `links.path_of`. The same asked twice is
    one request; another document, or the same for who changed since, replaces what they asked of themself. Signed,
    they are led on to `back_path`. Raises AlreadyAsked, SignerUnreachable, DocumentRefused.
    """
    email = _address(signer)
    with transaction.atomic():
        documents = {"french": papers.keep(content=french.content)}
        if english is not None:
            documents["english"] = papers.keep(content=english.content)
        asked = SignatureRequest(
            purpose=purpose,
            subject_key=subject_key,
            **documents,
            french_title=french.title,
            english_title=english.title if english else "",
            **_named(signer, email=email),
            **_in_the_name_of(sender),
            requested_by=by,
            back_path=back_path,
        )
        take_turns(about=f"{purpose}:{subject_key}:{email}")
        if (waiting := _waiting_like(asked, origin=origin)) is not None:
            return waiting
        _save_new(asked)
        events.record(request=asked, kind=Kind.REQUESTED, by=by, origin=origin, message=_letter(asked))
    return asked


def request_of(*, token: str) -> SignatureRequest:
    """The request of a link, whatever its state; raises LinkUnknown. One query."""
    found = SignatureRequest.objects.with_papers().select_related("signer", "requested_by")
    asked = found.filter(token_hash=hash_of(token=token)).first()
    if asked is None:
        raise LinkUnknown
    return asked


@transaction.atomic
def remind(*, request: SignatureRequest, by: User, origin: Origin) -> SignatureRequest:
    """Write to the signer once more; raises RemindedLately, or what keeps the document from being signed."""
    asked = lock(request=request)
    refuse_when_over(request=asked)
    told = asked.events.filter(kind__in=[Kind.REQUESTED, Kind.REMINDED]).exclude(address="").order_by("-pk").first()
    if told is not None and told.at > timezone.now() - REMINDED_LATELY:
        raise RemindedLately
    write_reminder(request=asked, by=by, origin=origin)
    return asked


def write_reminder(*, request: SignatureRequest, by: User | None, origin: Origin) -> None:
    """The letter, its line in the evidence, and the moment of the next one if there is time. In a transaction."""
    token_hash = hash_of(token=token_of(request=request))
    if request.token_hash != token_hash:
        request.token_hash = token_hash  # SECRET_KEY was changed: the former link could not be written again
    following = timezone.now() + REMIND_EVERY
    request.remind_at = following if following < request.expires_at else None
    request.save(update_fields=["token_hash", "remind_at"])
    letter = write_to_signer(request=request, letter="reminder")
    events.record(request=request, kind=Kind.REMINDED, by=by, origin=origin, message=letter)


def expire(*, request: SignatureRequest) -> None:
    """Say that the time to sign is over. In a transaction, on a locked row."""
    end(request=request, state=State.EXPIRED)
    events.record(request=request, kind=Kind.EXPIRED, by=None, origin=Origin())


@transaction.atomic
def cancel(*, request: SignatureRequest, by: User, origin: Origin) -> SignatureRequest:
    """Ask no longer; a second click changes nothing. Raises AlreadySigned, AlreadyDeclined, RequestExpired."""
    asked = lock(request=request)
    if asked.state == State.CANCELLED:
        return asked
    refuse_when_over(request=asked)
    _end_asking(asked, by=by, origin=origin)
    return asked


@transaction.atomic
def decline(*, request: SignatureRequest, reason: str, by: User | None, origin: Origin) -> SignatureRequest:
    """The signer says no, and why; `signals.declined` is sent in the same transaction. A second click changes nothing.

    Raises ReasonMissing, SignerAbsent, SignerOther, or what keeps the document from being signed.
    """
    asked = lock(request=request)
    refuse_others(request=asked, by=by)
    if asked.state == State.DECLINED:
        return asked
    refuse_when_over(request=asked)
    reason = reason.strip()
    if not reason:
        raise ReasonMissing
    end(request=asked, state=State.DECLINED)
    events.record(request=asked, kind=Kind.DECLINED, by=by, origin=origin, data={"reason": reason})
    signals.declined.send(sender=SignatureRequest, request=asked)
    return asked


def _waiting_like(asked: SignatureRequest, *, origin: Origin) -> SignatureRequest | None:
    """The same request, if it waits already; what is out of time, or they asked of themself and changed, makes way.

    Raises AlreadyAsked for another.
    """
    rows = SignatureRequest.objects.with_papers().select_for_update(of=("self",))
    about = rows.about(purpose=asked.purpose, subject_key=asked.subject_key).filter(state=State.WAITING)
    theirs = Q(signer_email=asked.signer_email)
    if asked.signer_id is not None:
        theirs |= Q(signer=asked.signer_id)  # whose address was another one
    for waiting in about.filter(theirs).order_by("pk"):
        if waiting.is_over:
            expire(request=waiting)
        elif all(getattr(waiting, name) == getattr(asked, name) for name in ASKED_AGAIN):
            return waiting
        elif {waiting.requested_by_id, waiting.signer_id} == {asked.requested_by_id}:
            _end_asking(waiting, by=asked.requested_by, origin=origin)
        else:
            raise AlreadyAsked
    return None


def _end_asking(request: SignatureRequest, *, by: User, origin: Origin) -> None:
    end(request=request, state=State.CANCELLED)
    events.record(request=request, kind=Kind.CANCELLED, by=by, origin=origin)


def _save_new(asked: SignatureRequest) -> None:
    asked.expires_at, asked.remind_at = asked.requested_at + LASTS, asked.requested_at + REMIND_EVERY
    asked.token_hash = hash_of(token=token_of(request=asked))
    asked.save(force_insert=True)


def _letter(asked: SignatureRequest) -> OutgoingMessage | None:
    if asked.signer_id is not None and asked.signer_id == asked.requested_by_id:
        return None
    return write_to_signer(request=asked, letter="asked")


def _address(signer: Signer) -> str:
    email = normalize_email(signer.email)
    try:
        validate_address(email)
    except ValidationError as wrong:
        raise SignerUnreachable from wrong
    if not signer.name.strip():
        raise SignerUnreachable
    return email


def _named(signer: Signer, *, email: str) -> dict[str, Any]:
    phone = to_python(signer.phone)
    return {
        "signer": signer.user,
        "signer_name": signer.name.strip(),
        "signer_email": email,
        "signer_phone": phone.as_e164 if phone and phone.is_valid() else "",
        "signer_language": signer.language if signer.language in Language else Language.FRENCH,
        "capacity": signer.capacity.strip(),
    }


def _in_the_name_of(sender: Sender) -> dict[str, Any]:
    return {
        "merchant_slug": sender.slug,
        "sender_name": sender.name,
        "sender_email": sender.email,
        "sender_phone": sender.phone,
        "sender_extension": sender.phone_extension,
        "sender_hue": sender.hue,
    }
