"""What comes back: bounces, complaints, deliveries. They silence the newsletter alone, never service mail."""

from __future__ import annotations

import re
import uuid

from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.formats import percent
from newsletter.models import Campaign, Recipient, Subscriber
from newsletter.services.campaigns import settings_of
from organizations.letters import absolute, write_to

MANY_SOFT = 5  # soft bounces in a row: the mailbox is abandoned
FEW = 20  # returns under this number say nothing of a campaign
# RFC 3463: 5.1.x says that the address is wrong, 5.2.1 that the mailbox is closed.
_ENHANCED = re.compile(r"\b5\.\d{1,3}\.\d{1,3}\b")
_HARD = re.compile(r"\b5\.(1\.\d{1,2}|2\.1)\b")
_PLAIN_HARD = re.compile(r"\b55[013]\b")


def is_hard(answer: str) -> bool:
    """Whether a mail server's final answer says that the address is wrong, rather than the message unwelcome."""
    if _ENHANCED.search(answer):
        return _HARD.search(answer) is not None
    return _PLAIN_HARD.search(answer) is not None


def suppress_bounced(*, key: uuid.UUID) -> None:
    """No campaign leaves for this address any more."""
    _suppress(key=key, reason=Subscriber.Suppression.BOUNCE)


def _suppress(*, key: uuid.UUID, reason: Subscriber.Suppression) -> None:
    rows = Subscriber.objects.filter(key=key, suppressed_at=None)
    rows.update(suppressed_at=timezone.now(), suppressed_for=reason)


def stop_if_needed(*, campaign: Campaign) -> bool:
    """Stop the campaign by itself, and say so to the merchant's desk, once its returns pass a threshold."""
    mine = Recipient.objects.filter(campaign=campaign.pk)
    bounces = mine.filter(bounced_at__isnull=False).count()
    complaints = mine.filter(complained_at__isnull=False).count()
    limits = settings_of(merchant=campaign.merchant)
    if bounces + complaints < FEW:
        return False
    total = mine.filter(status__in=[Recipient.Status.SENT, Recipient.Status.FAILED]).count()
    shares = ((bounces, limits.most_bounces, "bounces"), (complaints, limits.most_complaints, "complaints"))
    for count, most, what in shares:
        if count >= FEW and count * 100 > most * total:
            return _stop(campaign, what=what, count=count, total=total)
    return False


def _stop(campaign: Campaign, *, what: str, count: int, total: int) -> bool:
    with transaction.atomic():
        row = Campaign.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=campaign.pk)
        if row.status != Campaign.Status.SENDING:
            return False
        language = "fr-ca"
        with translation.override(language):
            words = {"count": count, "total": total, "share": percent(round(count * 100 / total, 2), language)}
            if what == "bounces":
                reason = _("%(count)s addresses of %(total)s do not exist (%(share)s).") % words
            else:
                reason = _("%(count)s people of %(total)s complained (%(share)s).") % words
        row.status, row.stopped_for = Campaign.Status.STOPPED, reason
        row.save(update_fields=["status", "stopped_for"])
        write_to(
            merchant=row.merchant,
            to=row.merchant.email,
            template="newsletter/emails/stopped",
            context={
                "campaign": row,
                "reason": reason,
                "action_url": absolute(reverse("admin:newsletter_campaign_change", args=[row.pk])),
            },
            language=language,
        )
    return True
