"""What happened, said in the language being spoken: events are kept as codes, so old evidence reads in either."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from accounts.formats import phone
from accounts.models import Language, OutgoingMessage
from signatures.models import SignatureEvent

Kind = SignatureEvent.Kind
SENTENCES: dict[str, str | Promise] = {
    Kind.CANCELLED: gettext_lazy("The signature was no longer asked for."),
    Kind.EXPIRED: gettext_lazy("The time to sign was over."),
    Kind.SIGNED: gettext_lazy("Signed with the code: it was the one sent, for this document and this signer."),
    Kind.SEALED: gettext_lazy("The sealed file was made."),
}
BY_LANGUAGE: dict[str, dict[str, str | Promise]] = {
    Kind.HANDED_OVER: {
        Language.FRENCH: gettext_lazy("The document was handed over in French."),
        Language.ENGLISH: gettext_lazy("The document was handed over in English, after the French one."),
    },
    Kind.VIEWED: {
        Language.FRENCH: gettext_lazy("The signer opened the French document."),
        Language.ENGLISH: gettext_lazy("The signer opened the English document."),
    },
}
WHY_BY_EMAIL: dict[str, str | Promise] = {
    "no_sms": gettext_lazy("by e-mail, because this portal sends no text messages"),
    "no_phone": gettext_lazy("by e-mail, because the signer has no phone on file that receives text messages"),
}


def sentence(*, event: SignatureEvent) -> str:
    """One fact as a sentence. An event of an older version may lack a detail: the sentence stays readable."""
    kind = event.kind
    if kind in BY_LANGUAGE:
        return str(BY_LANGUAGE[kind].get(event.language, event.get_kind_display()))
    if kind in SENTENCES:
        return str(SENTENCES[kind])
    told = {
        Kind.REQUESTED: _requested,
        Kind.REMINDED: _reminded,
        Kind.CODE_SENT: _code_sent,
        Kind.CODE_WRONG: _code_wrong,
        Kind.CONSENT_GIVEN: _consent_given,
        Kind.DECLINED: _declined,
        Kind.SEAL_FAILED: _seal_failed,
    }
    return told[Kind(kind)](event)


def _requested(event: SignatureEvent) -> str:
    if event.address:
        return _("The signature was asked for, and the signer was written to at %(address)s.") % {
            "address": event.address
        }
    return _("The signature was asked for by the signer.")


def _reminded(event: SignatureEvent) -> str:
    return _("The signer was reminded at %(address)s.") % {"address": event.address}


def _code_sent(event: SignatureEvent) -> str:
    if event.channel == OutgoingMessage.Channel.SMS:
        number = phone(event.address, language=get_language() or "")
        return _("A six-digit code was sent by text message to %(number)s.") % {"number": number}
    why = WHY_BY_EMAIL.get(event.data.get("why", ""), _("by e-mail"))
    return _("A six-digit code was sent to %(address)s, %(why)s.") % {"address": event.address, "why": why}


def _code_wrong(event: SignatureEvent) -> str:
    left = int(event.data.get("left", 0))
    words = ngettext(
        "A wrong code was typed; %(left)s try was left.", "A wrong code was typed; %(left)s tries were left.", left
    )
    return words % {"left": left}


def _consent_given(event: SignatureEvent) -> str:
    return _("The signer ticked the box of the agreement, version %(version)s.") % {
        "version": event.data.get("version", "…")
    }


def _declined(event: SignatureEvent) -> str:
    return _("The signer declined: %(reason)s") % {"reason": event.data.get("reason", "…")}


def _seal_failed(event: SignatureEvent) -> str:
    return _("The sealed file could not be made: %(error)s") % {"error": event.data.get("error", "…")}
