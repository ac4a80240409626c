"""The code on a person's card: a QR that turns every thirty seconds on their phone, or stays on paper with a PIN.

Capitals and digits alone: a barcode scanner types them the same on every keyboard.
"""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass
from datetime import datetime

import qrcode
from django.core import signing
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from organizations.models import Card
from organizations.refusals import Refusal

STEP = 30  # seconds
OLD_STEPS = 120  # how far back a code is told to be old rather than unknown: an hour
FOREVER = 0  # the step of paper
PREFIXES = {"CPT": Card.Kind.PHONE, "CPR": Card.Kind.PRINTED}
# At the end: a scanner may type after what was in the field.
CODE = re.compile(r"(CPT|CPR)([2-9B-DF-HJKMNP-TV-XZ]{10})([A-Z2-7]{12})\s*$", re.IGNORECASE)
SEEN = "organizations.card.seen"
SEEN_FOR = 900  # seconds between a scan and the press of a button


class CardRefused(Refusal):
    """Why a code says nothing; the person may still be found by name."""


class CardUnknown(CardRefused):
    sentence: str | Promise = _("This code is not one of ours. Find the person by name, and check their identity.")


class CardExpired(CardRefused):
    sentence: str | Promise = _(
        "This code is old: a picture of the card, perhaps. The person’s own phone shows a new one every 30 seconds."
    )


class CardRevoked(CardRefused):
    sentence: str | Promise = _(
        "This card was withdrawn on %(day)s. Find the person by name, and check their identity."
    )


class CardOfNobody(CardRefused):
    sentence: str | Promise = _(
        "The profile of whoever this card was made for is closed: it is worth nothing any more."
    )


@dataclass(frozen=True, slots=True)
class Scan:
    """A card that was held up, and the step of the code it showed."""

    card: Card
    step: int


def is_code(text: str) -> bool:
    return CODE.search(text) is not None


def step_at(moment: datetime) -> int:
    return int(moment.timestamp()) // STEP


def code_of(*, card: Card, at: datetime | None = None) -> str:
    """What the card shows at that moment (now)."""
    is_phone = card.kind == Card.Kind.PHONE
    step = step_at(at or timezone.now()) if is_phone else FOREVER
    prefix = next(prefix for prefix, kind in PREFIXES.items() if kind == card.kind)
    return f"{prefix}{card.public_id.upper()}{_mark(card, step)}"


def read(*, text: str, merchant_id: int) -> Scan:
    """The card of a scanned code, present or of the step before. One query.

    Raises CardUnknown (forged, or another merchant's), CardExpired, CardRevoked, CardOfNobody.
    """
    found = CODE.search(text)
    if found is None:
        raise CardUnknown
    prefix, public_id, mark = (part.upper() for part in found.groups())
    cards = Card.objects.filter(membership__customer__merchant=merchant_id, kind=PREFIXES[prefix])
    card = cards.select_related("membership__user").filter(public_id=public_id.lower()).first()
    step = None if card is None else _step_of(card, mark)
    if card is None or step is None:
        raise CardUnknown
    if card.revoked_at is not None:
        raise CardRevoked(day=timezone.localdate(card.revoked_at).isoformat())
    if card.membership.user is not None and not card.membership.user.is_active:
        raise CardOfNobody
    if card.kind == Card.Kind.PHONE and step < step_at(timezone.now()) - 1:
        raise CardExpired
    return Scan(card=card, step=step)


def seal(scan: Scan) -> str:
    """A word for the form of the decision: this code was seen in time, though the press comes later."""
    return signing.dumps([scan.card.pk, scan.step], salt=SEEN, compress=False)


def unseal(word: str) -> tuple[int, int] | None:
    """The card's key and the step; None for a word that is not ours or too old."""
    try:
        card, step = signing.loads(word, salt=SEEN, max_age=SEEN_FOR)
    except signing.BadSignature:
        return None
    return card, step


def qr_path(text: str) -> tuple[int, str]:
    """The side of a QR code in modules, its quiet zone included, and the path that draws it."""
    code = qrcode.QRCode(border=4, error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(text)
    code.make(fit=True)
    rows = code.get_matrix()
    dark = (f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, is_dark in enumerate(row) if is_dark)
    return len(rows), "".join(dark)


def _step_of(card: Card, mark: str) -> int | None:
    """Which code of the last hour this is, or of the next step: two clocks differ."""
    if card.kind == Card.Kind.PRINTED:
        return FOREVER if hmac.compare_digest(_mark(card, FOREVER), mark) else None
    now = step_at(timezone.now())
    steps = range(now, now - OLD_STEPS, -1)
    return next((step for step in steps if hmac.compare_digest(_mark(card, step), mark)), None)


def _mark(card: Card, step: int) -> str:
    """Sixty bits nobody makes without the SECRET_KEY and the card's own secret."""
    digest = salted_hmac("organizations.card", f"{card.secret}:{card.kind}:{step}", algorithm="sha256").digest()
    return base64.b32encode(digest)[:12].decode()
