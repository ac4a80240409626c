"""What the signer does: receive the document, ask for a code, sign."""

from __future__ import annotations

from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import Language, OutgoingMessage, User
from accounts.nudges import nudge
from accounts.outbox import queue_sms
from accounts.refusals import Refusal
from signatures import events, otp, signals
from signatures.letters import context_of, write_to_signer
from signatures.models import Document, Seal, SignatureEvent, SignatureRequest
from signatures.parties import Origin
from signatures.services.sealing import SEAL
from signatures.states import State, lock, refuse_others, refuse_when_over
from signatures.wordings import CONSENTS, consent_text

Kind = SignatureEvent.Kind


class LanguageMissing(Refusal):
    sentence: str | Promise = _("This document does not exist in that language.")


class FrenchFirst(Refusal):
    sentence: str | Promise = _("Open the French document first: the law wants it before the English one.")


class NotReceived(Refusal):
    sentence: str | Promise = _("Open the document first: nobody signs what they have not read.")


class ConsentOutdated(Refusal):
    sentence: str | Promise = _("What you agree to has changed meanwhile. Read it again, then sign.")


@transaction.atomic
def hand_over(*, request: SignatureRequest, language: str, by: User | None, origin: Origin) -> Document:
    """Give the signer the document in a language, French before English; each opening is noted.

    Raises LanguageMissing, FrenchFirst, SignerAbsent, SignerOther, or what keeps the document from being signed.
    """
    asked = lock(request=request)
    refuse_others(request=asked, by=by)
    refuse_when_over(request=asked)
    document = asked.document_in(language) if language in Language else None
    if document is None:
        raise LanguageMissing
    received = received_languages(request=asked)
    if language != Language.FRENCH and Language.FRENCH not in received:
        raise FrenchFirst
    note = partial(events.record, request=asked, by=by, origin=origin, document=document, language=language)
    if language not in received:
        note(kind=Kind.HANDED_OVER)
    note(kind=Kind.VIEWED)
    return document


def received_languages(*, request: SignatureRequest) -> set[str]:
    """In which languages the signer has received the document. One query."""
    return set(request.events.filter(kind=Kind.HANDED_OVER).values_list("language", flat=True))


@transaction.atomic
def send_code(*, request: SignatureRequest, language: str, by: User | None, origin: Origin) -> OutgoingMessage:
    """Send a code for the document in the language chosen to sign in; it replaces the one before.

    By text message, or by e-mail where there is none: the evidence says which and why. Raises NotReceived,
    LanguageMissing, TooSoon, TooManyCodes, SignerAbsent, SignerOther, or what keeps the document from being signed.
    """
    asked = lock(request=request)
    refuse_others(request=asked, by=by)
    refuse_when_over(request=asked)
    if language not in Language or asked.document_in(language) is None:
        raise LanguageMissing
    if language not in received_languages(request=asked):
        raise NotReceived
    why_email = why_by_email(request=asked)
    address = asked.signer_email if why_email else asked.signer_phone
    otp.refuse_too_many(request=asked, address=address, ip=origin.ip)
    if asked.language != language:
        asked.language = language
        asked.save(update_fields=["language"])
    message = _send(asked, code=otp.make(request=asked), by_email=bool(why_email))
    data = {"why": why_email} if why_email else {}
    events.record(
        request=asked, kind=Kind.CODE_SENT, by=by, origin=origin, language=language, message=message, data=data
    )
    return message


def why_by_email(*, request: SignatureRequest) -> str:
    """Why the code goes by e-mail, as a code: no text messages here, or no phone that receives them. Empty: by SMS."""
    if not settings.SMS_URL:
        return "no_sms"
    return "" if request.signer_phone else "no_phone"


def sign(*, request: SignatureRequest, code: str, consent: str, by: User | None, origin: Origin) -> SignatureRequest:
    """Sign with the code that was sent, agreeing to the wording of that version; the sealed file is owed from now on.

    `signals.signed` is sent in the same transaction. A wrong code is counted and noted even though it signs nothing.
    Raises CodeRefused, ConsentOutdated, SignerAbsent, SignerOther, or what keeps the document from being signed.
    """
    # Outermost: what a wrong code leaves behind must not be undone by whoever called.
    with transaction.atomic(durable=True):
        asked = lock(request=request)
        refuse_others(request=asked, by=by)
        refuse_when_over(request=asked)
        if consent not in CONSENTS:
            raise ConsentOutdated
        refusal = otp.spend(request=asked, code=code)
        if refusal is None:
            _sign(asked, consent=consent, by=by, origin=origin)
        else:
            _note_wrong(asked, refusal=refusal, by=by, origin=origin)
    if refusal is not None:
        raise refusal
    return asked


def _sign(asked: SignatureRequest, *, consent: str, by: User | None, origin: Origin) -> None:
    spoken = get_language() or Language.FRENCH.value
    note = partial(events.record, request=asked, by=by, origin=origin)
    text = consent_text(version=consent, request=asked, language=asked.language)
    note(kind=Kind.CONSENT_GIVEN, language=spoken, data={"version": consent, "text": text})
    note(kind=Kind.SIGNED, language=asked.language)
    asked.state, asked.signed_at, asked.remind_at = State.SIGNED, timezone.now(), None
    asked.save(update_fields=["state", "signed_at", "remind_at"])
    seal = Seal.objects.create(request=asked)
    signals.signed.send(sender=SignatureRequest, request=asked)
    nudge(SEAL, seal_id=seal.pk)


def _note_wrong(asked: SignatureRequest, *, refusal: otp.CodeRefused, by: User | None, origin: Origin) -> None:
    if isinstance(refusal, otp.CodeWrong):
        events.record(request=asked, kind=Kind.CODE_WRONG, by=by, origin=origin, data={"left": refusal.left})


def _send(asked: SignatureRequest, *, code: str, by_email: bool) -> OutgoingMessage:
    """The code in the signer's language, without the link it opens; blanked once it left."""
    if by_email:
        return write_to_signer(request=asked, letter="code", code=code, action_url="")
    return queue_sms(
        to=asked.signer_phone,
        template="signatures/emails/code",
        context=context_of(request=asked) | {"code": code},
        language=asked.signer_language,
        merchant_slug=asked.merchant_slug,
        is_sensitive=True,
    )
