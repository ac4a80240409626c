"""Making, checking and withdrawing the cards people show at a counter."""

from __future__ import annotations

import secrets

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from organizations import audit, cards
from organizations.models import AuditEvent, Card, Membership
from organizations.models.counter import TRIES

PIN_DIGITS = 6


class PinWrong(cards.CardRefused):
    sentence: str | Promise = _("This is not the PIN of this card. It is withdrawn after five wrong ones.")


class PinTried(cards.CardRefused):
    sentence: str | Promise = _(
        "Five wrong PINs: this card is withdrawn. Find the person by name, and check who it is."
    )


class NoAccess(cards.CardRefused):
    sentence: str | Promise = _("This person’s access ended, or their profile is closed: no card can be made.")


@transaction.atomic
def make_card(*, membership: Membership, kind: Card.Kind, by: User) -> tuple[Card, str]:
    """A card in place of the one of that kind, which stops at once; and the PIN of a printed one, kept nowhere.

    Raises NoAccess: what the page saw may have ended while this waited.
    """
    rows = Membership.objects.select_for_update(of=("self",)).select_related("customer", "user")
    membership = rows.get(pk=membership.pk)
    if membership.removed_at is not None or (membership.user is not None and not membership.user.is_active):
        raise NoAccess
    revoke_cards(membership=membership, kind=kind)
    pin = f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}}" if kind == Card.Kind.PRINTED else ""
    card = Card.objects.create(membership=membership, kind=kind, pin_hash=make_password(pin) if pin else "")
    audit.record(
        event=AuditEvent.Event.CARD_MADE,
        customer=membership.customer,
        by=by,
        member=membership.pk,
        email=membership.email,
        card=kind.value,
    )
    return card, pin


def revoke_cards(*, membership: Membership, kind: Card.Kind | None = None) -> int:
    """Stop the cards of one person from working; how many. Called where access ends, in that transaction."""
    live = Card.objects.live().filter(membership=membership)
    return (live.filter(kind=kind) if kind else live).update(revoked_at=timezone.now())


def check_pin(*, text: str, pin: str, merchant_id: int) -> cards.Scan:
    """The printed card of a code and its PIN, or why not; each wrong PIN is counted, and the fifth withdraws the card.

    Its count is kept although it refuses: the refusal comes after the transaction.
    """
    scan = cards.read(text=text, merchant_id=merchant_id)
    left = _try(scan, pin=pin)
    if left == 0:
        raise PinTried
    if left is not None:
        raise PinWrong
    return scan


@transaction.atomic
def _try(scan: cards.Scan, *, pin: str) -> int | None:
    """How many tries are left after a wrong PIN; None for the right one."""
    card = Card.objects.select_for_update(of=("self",)).get(pk=scan.card.pk)
    if card.revoked_at is not None:
        return 0
    if check_password(pin, card.pin_hash):
        card.tries = 0
        card.save(update_fields=["tries"])
        return None
    card.tries += 1
    if card.tries >= TRIES:
        card.revoked_at = timezone.now()
    card.save(update_fields=["tries", "revoked_at"])
    return TRIES - card.tries
