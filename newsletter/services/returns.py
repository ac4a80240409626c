"""What comes back: bounces, complaints, deliveries. They silence the newsletter alone, never service mail."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts import receipts
from accounts.models import OutgoingMessage, normalize_email
from newsletter.models import Campaign, Consent, Recipient, Subscriber
from newsletter.services.campaigns import settings_of, stop
from newsletter.services.subscriptions import Trace, leave

MANY_SOFT = 5  # soft bounces in a row: the mailbox is abandoned
LOOKED_AT = 50  # campaigns before this one, for the last that was for the same person
# Returns under these numbers say nothing of a campaign. A complaint is rare, and means more.
FEW_BOUNCES = 10
FEW_COMPLAINTS = 3
# RFC 3463: 5.1.x says that the address is wrong, 5.2.1 that the mailbox is closed.
_ENHANCED = re.compile(r"\b5\.\d{1,3}\.\d{1,3}\b")
_HARD = re.compile(r"\b5\.(1\.\d{1,2}|2\.1)\b")
RECENT = timedelta(days=30)
COLUMNS = {
    "delivered": "delivered_at",
    "bounced": "bounced_at",
    "refused": "bounced_at",
    "complained": "complained_at",
}
_OUR_ID = re.compile(r"\bn(\d{1,18})\.([0-9a-f]{12})@", re.ASCII)
_PLAIN_HARD = re.compile(r"\b55[013]\b")
# RFC 3463: 5.2.2 is a full mailbox; RFC 5321: so is 552, unless it says more.
_FULL, _PLAIN_FULL = re.compile(r"\b5\.2\.2\b"), re.compile(r"\b552\b")


def is_hard(answer: str, *, names_mailbox: bool = True) -> bool:
    """Whether a mail server's final answer says that the address is wrong, rather than the message unwelcome.

    A plain 550 means the address only where that is what was said: not after the message itself.
    """
    if _ENHANCED.search(answer):
        return _HARD.search(answer) is not None
    return names_mailbox and _PLAIN_HARD.search(answer) is not None


def is_full(answer: str) -> bool:
    """Whether a final answer says that the mailbox is full: it may be emptied, and counts first."""
    if _ENHANCED.search(answer):
        return _FULL.search(answer) is not None
    return _PLAIN_FULL.search(answer) is not None


def count_soft(*, recipient_id: int, key: uuid.UUID) -> None:
    """One message did not reach its mailbox: counted once for it, however often it is told; enough suppress.

    A delivery begins the count again; so does an acceptance, where the answer of a mail server is all that is told.
    """
    with transaction.atomic():
        if not Recipient.objects.filter(pk=recipient_id, soft_at=None).update(soft_at=timezone.now()):
            return
        count = 1 if _was_accepted_before(recipient_id=recipient_id) else F("soft_bounces") + 1
        Subscriber.objects.filter(key=key).update(soft_bounces=count)
        if Subscriber.objects.filter(key=key, soft_bounces__gte=MANY_SOFT).exists():
            suppress_bounced(key=key)


def _was_accepted_before(*, recipient_id: int) -> bool:
    """Whether the server that now refused this message took the one before to the same person, and nobody told more.

    Asked here rather than noted with each acceptance, which would cost every message a row. A service that accepts all
    and tells later marks what came back: its acceptance proves nothing, and begins nothing again.
    """
    refused = Recipient.objects.select_related("campaign").filter(pk=recipient_id, status=Recipient.Status.FAILED)
    row = refused.first()
    if row is None:
        return False
    # By campaign and person, because recipients have no index by person alone.
    begun = Campaign.objects.filter(merchant=row.campaign.merchant_id, started_at__isnull=False)
    recent = list(begun.exclude(pk=row.campaign_id).order_by("-pk").values_list("pk", flat=True)[:LOOKED_AT])
    tried = [Recipient.Status.SENT, Recipient.Status.FAILED]
    rows = Recipient.objects.filter(campaign__in=recent, subscriber=row.subscriber_id, status__in=tried)
    before = rows.filter(pk__lt=row.pk).order_by("-pk").first()
    return before is not None and before.status == Recipient.Status.SENT and before.soft_at is None


def suppress_bounced(*, key: uuid.UUID) -> None:
    """No campaign leaves for this address any more."""
    _suppress(key=key, reason=Subscriber.Suppression.BOUNCE)


def note_event(*, kind: str, email: str, message_id: str, is_lasting: bool, reason: str = "") -> None:
    """One fact told by the mail service, in anymail's words; what is about no campaign only silences the newsletter.

    And one word of ours: "refused", where the message was not wanted and the address is not at fault.
    """
    email = normalize_email(email)
    recipient = recipient_of(email=email, message_id=message_id)
    message = receipts.message_of(message_id=message_id)
    if message is None and "@" not in message_id:
        # A number of the service's own: of what left for this address, the latest is meant.
        latest = receipts.latest_to(email=email)
        if latest is not None and (recipient is None or _left_before(recipient, latest)):
            message, recipient = latest, None
    if message is not None:
        _note_on_message(message, kind=kind, is_lasting=is_lasting, reason=reason)
    if recipient is not None:
        _note_on(recipient, kind=kind, is_lasting=is_lasting)
        return
    # A bounce or complaint about service mail: the newsletter stops, service mail does not. A soft one is not counted:
    # it may be told ten times.
    for subscriber in Subscriber.objects.filter(email=email).order_by("pk"):
        _judge(subscriber, kind=kind, is_lasting=is_lasting)


def _left_before(recipient: Recipient, message: OutgoingMessage) -> bool:
    return recipient.sent_at is None or (message.sent_at is not None and recipient.sent_at < message.sent_at)


def _note_on_message(message: OutgoingMessage, *, kind: str, is_lasting: bool, reason: str) -> None:
    if kind == "delivered":
        receipts.note_delivery(message=message)
    elif kind == "refused" or (kind == "bounced" and is_lasting):
        receipts.note_return(message=message, reason=reason)


def recipient_of(*, email: str, message_id: str) -> Recipient | None:
    """By our Message-ID, else the latest message to that address: some services tell only their own number."""
    rows = Recipient.objects.select_related("subscriber", "campaign__merchant")
    if match := _OUR_ID.search(message_id):
        found = rows.filter(pk=int(match[1])).first()
        return found if found and found.subscriber.key.hex.startswith(match[2]) else None
    # Each step has its index; recipients have none by subscriber alone, which would be written for every message.
    people = list(Subscriber.objects.filter(email=email).values_list("pk", flat=True)) if email else []
    campaigns = Campaign.objects.filter(started_at__gt=timezone.now() - RECENT).values_list("pk", flat=True)
    received = rows.filter(campaign__in=list(campaigns), subscriber__in=people, sent_at__isnull=False)
    return received.order_by("-sent_at", "-pk").first()


def _note_on(recipient: Recipient, *, kind: str, is_lasting: bool) -> None:
    column = COLUMNS.get(kind)
    is_new = False
    with transaction.atomic():
        if column and (kind != "bounced" or is_lasting):
            row = Recipient.objects.filter(pk=recipient.pk, **{column: None})
            is_new = bool(row.update(**{column: timezone.now()}))
        if kind == "deferred" or (kind == "bounced" and not is_lasting):
            count_soft(recipient_id=recipient.pk, key=recipient.subscriber.key)
        else:
            _judge(recipient.subscriber, kind=kind, is_lasting=is_lasting)
    if is_new and kind in {"bounced", "refused", "complained"}:
        _count_return(recipient, kind=kind)


def _count_return(recipient: Recipient, *, kind: str) -> None:
    """What comes back of a message that left before somebody looked and resumed is known already."""
    if recipient.sent_at is None:
        return
    running = Q(resumed_at=None) | Q(resumed_at__lte=recipient.sent_at)
    if Campaign.objects.filter(running, pk=recipient.campaign_id).update(**{kind: F(kind) + 1}):
        stop_if_needed(campaign=recipient.campaign)


def _judge(subscriber: Subscriber, *, kind: str, is_lasting: bool) -> None:
    """What the fact means for the address."""
    if kind == "delivered":
        Subscriber.objects.filter(pk=subscriber.pk).update(soft_bounces=0)
    elif kind == "complained":
        _suppress(key=subscriber.key, reason=Subscriber.Suppression.COMPLAINT)
        leave(subscriber=subscriber, trace=Trace(channel=Consent.Channel.COMPLAINT))
    elif kind == "unsubscribed":
        leave(subscriber=subscriber, trace=Trace(channel=Consent.Channel.SERVICE))
    elif kind == "bounced" and is_lasting:
        suppress_bounced(key=subscriber.key)


def _suppress(*, key: uuid.UUID, reason: Subscriber.Suppression) -> None:
    rows = Subscriber.objects.filter(key=key, suppressed_at=None)
    rows.update(suppressed_at=timezone.now(), suppressed_for=reason)


def note_chunk(*, campaign: Campaign, tried: int, bounced: int, refused: int, detail: str) -> bool:
    """Add what became of some recipients to the figures of the campaign; whether that stopped it."""
    if tried:
        Campaign.objects.filter(pk=campaign.pk).update(
            tried=F("tried") + tried, bounced=F("bounced") + bounced, refused=F("refused") + refused
        )
    return stop_if_needed(campaign=campaign, detail=detail)


def stop_if_needed(*, campaign: Campaign, detail: str = "") -> bool:
    """Stop the campaign by itself, and say so to the merchant's desk, once its returns pass a threshold.

    What was tried since it began, or since somebody looked and resumed it, in one row.
    """
    names = ("tried", "bounced", "refused", "complained")
    tried, bounced, refused, complained = Campaign.objects.values_list(*names).get(pk=campaign.pk)
    if bounced + refused < FEW_BOUNCES and complained < FEW_COMPLAINTS:
        return False
    limits = settings_of(merchant=campaign.merchant)
    if complained >= FEW_COMPLAINTS and _is_beyond(complained, limits.most_complaints, tried):
        return stop(campaign=campaign, why=Campaign.Stop.COMPLAINTS, count=complained, total=tried)
    if bounced + refused < FEW_BOUNCES or not _is_beyond(bounced + refused, limits.most_bounces, tried):
        return False
    if bounced >= refused:
        return stop(campaign=campaign, why=Campaign.Stop.BOUNCES, count=bounced, total=tried)
    return stop(campaign=campaign, why=Campaign.Stop.REFUSALS, count=refused, total=tried, detail=detail)


def _is_beyond(count: int, most: Decimal, tried: int) -> bool:
    return count * 100 > most * tried
