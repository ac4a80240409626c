"""One-time codes: made, bound to a signer and a document, compared, and counted. Who may ask for one is a service's.

Limits are counted from the evidence in the database: a cache that is down loosens nothing.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.refusals import Refusal
from signatures.models import TRIES, OneTimeCode, SignatureEvent, SignatureRequest
from signatures.turns import take_turns

DIGITS = 6
LASTS = timedelta(minutes=10)
COOL_DOWN = timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TO_AN_ADDRESS = ((5, HOUR), (10, DAY))
FROM_AN_IP = ((20, HOUR),)
# A request lives two weeks: guessing one code of its whole life right stays below one chance in ten thousand.
FOR_A_REQUEST = 15


class CodeRefused(Refusal):
    """The code is not the one; nothing was signed."""


class CodeMissing(CodeRefused):
    sentence: str | Promise = _("No code is waiting to be used for this document. Ask for one.")


class CodeExpired(CodeRefused):
    sentence: str | Promise = _("This code is more than ten minutes old. Ask for a new one.")


class TooManyTries(CodeRefused):
    sentence: str | Promise = _("This code was tried too many times, and no longer works. Ask for a new one.")


class CodeWrong(CodeRefused):
    """With how many tries are left."""

    def __init__(self, *, left: int) -> None:
        super().__init__()
        self.left = left

    def __str__(self) -> str:
        if not self.left:
            return str(TooManyTries.sentence)
        words = ngettext(
            "This is not the code that was sent. %(left)s try is left.",
            "This is not the code that was sent. %(left)s tries are left.",
            self.left,
        )
        return words % {"left": self.left}


class TooSoon(Refusal):
    """A code has just left; with how long to wait."""

    def __init__(self, *, seconds: int) -> None:
        super().__init__()
        self.seconds = seconds

    def __str__(self) -> str:
        words = ngettext(
            "A code has just left. If it does not arrive, ask for another in %(seconds)s second.",
            "A code has just left. If it does not arrive, ask for another in %(seconds)s seconds.",
            self.seconds,
        )
        return words % {"seconds": self.seconds}


class TooManyCodes(Refusal):
    sentence: str | Promise = _("Too many codes were asked for. Try again later, or call us.")


def refuse_too_many(*, request: SignatureRequest, address: str, ip: str | None) -> None:
    """Raise TooSoon or TooManyCodes when one more code may not leave now. In a transaction, on a locked request."""
    sent = SignatureEvent.objects.of(SignatureEvent.Kind.CODE_SENT)
    now = timezone.now()
    mine = list(sent.filter(request=request).order_by("-pk").values_list("at", flat=True)[:FOR_A_REQUEST])
    if mine and mine[0] > now - COOL_DOWN:
        raise TooSoon(seconds=max(1, int((mine[0] + COOL_DOWN - now).total_seconds())))
    if len(mine) >= FOR_A_REQUEST:
        raise TooManyCodes
    # In one order, so that two who wait for each other's address and IP cannot.
    for name, value in sorted({"address": address, "ip": ip or ""}.items()):
        if not value:
            continue
        take_turns(about=f"{name}:{value}")
        limits = TO_AN_ADDRESS if name == "address" else FROM_AN_IP
        for most, period in limits:
            if sent.filter(**{name: value}, at__gt=now - period).count() >= most:
                raise TooManyCodes


def make(*, request: SignatureRequest) -> str:
    """A new code for the document as chosen; the former one stops working. The digits exist nowhere else."""
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    now = timezone.now()
    replace(request=request, at=now)
    OneTimeCode.objects.create(
        request=request, code_hash=_hash(code, request=request), sent_at=now, expires_at=now + LASTS
    )
    return code


def replace(*, request: SignatureRequest, at: datetime) -> None:
    """The code that waits, if any, no longer does."""
    OneTimeCode.objects.filter(request=request, replaced_at=None).update(replaced_at=at)


def live_code(*, request: SignatureRequest) -> OneTimeCode | None:
    """The code that could still sign, for the page that asks for it."""
    waiting = OneTimeCode.objects.filter(request=request, replaced_at=None, used_at=None, tries__lt=TRIES)
    return waiting.filter(expires_at__gt=timezone.now()).first()


def spend(*, request: SignatureRequest, code: str) -> CodeRefused | None:
    """Count one try and compare: nothing when it is the code, which never works again; else why not.

    On a locked request, in a transaction that must be committed whatever the answer: a try is a try.
    """
    waiting = OneTimeCode.objects.filter(request=request, replaced_at=None, used_at=None).first()
    if waiting is None:
        return CodeMissing()
    if waiting.expires_at <= timezone.now():
        return CodeExpired()
    # The database counts: even without the lock two at once could not share a try.
    counted = OneTimeCode.objects.filter(pk=waiting.pk, tries__lt=TRIES, used_at=None).update(tries=F("tries") + 1)
    if not counted:
        return TooManyTries()
    if not hmac.compare_digest(waiting.code_hash, _hash(code, request=request)):
        return CodeWrong(left=max(0, TRIES - 1 - waiting.tries))
    OneTimeCode.objects.filter(pk=waiting.pk).update(used_at=timezone.now())
    return None


def _hash(code: str, *, request: SignatureRequest) -> str:
    """Keyed by a key of its own made from SECRET_KEY, and bound to request, signer and document."""
    signer = f"{request.signer_id or ''}:{request.signer_email}:{request.signer_phone}"
    bound = f"{code}:{request.key}:{signer}:{request.document.sha256}"
    return salted_hmac("signatures.codes", bound, algorithm="sha256").hexdigest()
