"""What becomes of a campaign: scheduled, begun, paused, resumed, canceled, finished."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.mime import one_line
from accounts.nudges import nudge
from newsletter.audience import write_recipients
from newsletter.models import Campaign, Newsletter, Recipient
from newsletter.review import blocking_problems
from newsletter.services.desk import tell_desk
from organizations.models import Merchant
from organizations.refusals import Refusal

if TYPE_CHECKING:
    from accounts.models import User

SEND, BEGIN = "newsletter.send", "newsletter.begin_due"
Status = Campaign.Status
# What an agent writes: what leaves, and to whom. How many people that is may change from one minute to the next.
WRITTEN = (
    *("topic_id", "subject_fr", "subject_en", "preheader_fr", "preheader_en", "body_fr", "body_en"),
    *("to_language", "to_kind", "to_branch_id", "to_purchased_since", "is_public"),
)
PACE_OF = timedelta(minutes=5)  # what left before says little of what leaves now


class CampaignBegun(Refusal):
    sentence: str | Promise = _("This campaign is no longer a draft: its text is what people receive.")


class CampaignChanged(Refusal):
    sentence: str | Promise = _(
        "This campaign has changed since you read this page: nothing was sent. Read it again, then confirm."
    )


class CampaignNotDraft(Refusal):
    sentence: str | Promise = _(
        "This campaign is no longer a draft: somebody scheduled, sent or canceled it meanwhile. Nothing was saved; "
        "what you typed is below."
    )


class CampaignNotReady(Refusal):
    sentence: str | Promise = _("Correct this before sending: %(problems)s")


class NotPossibleNow(Refusal):
    sentence: str | Promise = _("The state of this campaign has changed: look at it again.")


def settings_of(*, merchant: Merchant) -> Newsletter:
    """How the campaigns of this merchant leave; the usual way as long as nobody chose another."""
    return Newsletter.objects.filter(merchant=merchant).first() or Newsletter(merchant=merchant)


def fingerprint_of(*, campaign: Campaign) -> str:
    """The same as long as nobody writes anything else in it."""
    said = [str(getattr(campaign, name)) for name in WRITTEN]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def schedule(*, campaign: Campaign, at: datetime, seen: str, by: User | None) -> Campaign:
    """Let it leave at that moment as it was `seen`; raises CampaignBegun, CampaignChanged, CampaignNotReady."""
    with transaction.atomic():
        row = _locked(campaign)
        if row.status not in {Status.DRAFT, Status.SCHEDULED}:
            raise CampaignBegun
        if fingerprint_of(campaign=row) != seen:
            raise CampaignChanged
        if problems := blocking_problems(campaign=row):
            raise CampaignNotReady(problems=" ".join(str(problem) for problem in problems))
        row.status, row.scheduled_at = Status.SCHEDULED, at
        row.save(update_fields=["status", "scheduled_at"])
        _log(row, deed="schedule", by=by)
        if at <= timezone.now():
            nudge(BEGIN)
    return row


def hold_draft(*, campaign: Campaign) -> Campaign:
    """Keep it a draft, as it is returned, until the transaction of the caller ends; raises CampaignNotDraft."""
    with transaction.atomic():
        row = _locked(campaign)
    if not row.is_editable:
        raise CampaignNotDraft
    return row


def withdraw(*, campaign: Campaign, by: User | None = None) -> Campaign:
    """Back to a draft, as long as it has not begun."""
    with transaction.atomic():
        row = _move(campaign, of={Status.SCHEDULED}, to=Status.DRAFT, scheduled_at=None)
        _log(row, deed="withdraw", by=by)
    return row


def begin(*, campaign: Campaign) -> int:
    """Write one row a recipient and start sending; how many there are. Whoever consents later is not of them.

    What blocks by now takes it back to a draft, and the merchant's desk is told: then none.
    """
    with transaction.atomic():
        row = _locked(campaign)
        if row.status != Status.SCHEDULED:
            raise NotPossibleNow
        if blocking_problems(campaign=row):
            withdraw(campaign=row)
            # Found again while the letter is written, in the language of its reader.
            tell_desk(campaign=row, template="withdrawn", problems=partial(blocking_problems, campaign=row))
            return 0
        now = timezone.now()
        row.status, row.started_at, row.next_claim_at = Status.SENDING, now, now
        row.save(update_fields=["status", "started_at", "next_claim_at"])
        count = write_recipients(campaign=row)
        nudge(SEND, campaign_id=row.pk)
    return count


def begin_due() -> int:
    """Begin every campaign whose time has come; how many did."""
    begun = 0
    for campaign in Campaign.objects.due().order_by("scheduled_at", "pk"):
        try:
            begun += begin(campaign=campaign) > 0
        except NotPossibleNow:  # another worker, or somebody withdrew it
            continue
    return begun


def pause(*, campaign: Campaign, by: User | None = None) -> Campaign:
    """Nothing more leaves, but for the message being handed over at this moment."""
    with transaction.atomic():
        row = _move(campaign, of={Status.SENDING}, to=Status.PAUSED)
        _log(row, deed="pause", by=by)
    return row


def resume(*, campaign: Campaign, by: User | None = None) -> Campaign:
    """Go on where it stopped; somebody has looked: what came back until now counts no more against it.

    What reached nobody is tried again on all but the addresses that do not exist.
    """
    anew = {"stopped_for": "", "resumed_at": timezone.now(), "tried": 0, "bounced": 0, "refused": 0, "complained": 0}
    with transaction.atomic():
        reached_nobody = _locked(campaign).stopped_for == Campaign.Stop.NOBODY
        row = _move(campaign, of={Status.PAUSED, Status.STOPPED}, to=Status.SENDING, **anew)
        _log(row, deed="resume", by=by)
        if reached_nobody:
            failed = Recipient.objects.filter(campaign=row, status=Recipient.Status.FAILED, bounced_at=None)
            failed.update(status=Recipient.Status.QUEUED, attempts=0, due_at=timezone.now())
        nudge(SEND, campaign_id=row.pk)
    return row


def cancel(*, campaign: Campaign, by: User | None = None) -> Campaign:
    """Nobody else receives it, a draft nobody at all; what has left has left."""
    open_states = {Status.DRAFT, Status.SCHEDULED, Status.SENDING, Status.PAUSED, Status.STOPPED}
    with transaction.atomic():
        row = _move(campaign, of=open_states, to=Status.CANCELED, finished_at=timezone.now())
        _log(row, deed="cancel", by=by)
        Recipient.objects.filter(campaign=row, status=Recipient.Status.QUEUED).update(status=Recipient.Status.CANCELED)
    return row


def finish_if_done(*, campaign: Campaign) -> bool:
    """Mark it sent once nobody waits any more; what a worker held while it was canceled is canceled too.

    Tried in vain on everybody, it is not sent: it stops, however few they were, and the merchant's desk is told.
    """
    waiting = Recipient.objects.filter(campaign=campaign.pk).waiting()
    with transaction.atomic():
        row = _locked(campaign)
        if row.status == Status.CANCELED:
            waiting.filter(status=Recipient.Status.QUEUED).update(status=Recipient.Status.CANCELED)
        if row.status != Status.SENDING or waiting.exists():
            return False
        rows = Recipient.objects.filter(campaign=row)
        failed = rows.filter(status=Recipient.Status.FAILED).order_by("-pk")
        if (last := failed.first()) and not rows.filter(status=Recipient.Status.SENT).exists():
            stop(campaign=row, why=Campaign.Stop.NOBODY, count=failed.count(), detail=last.last_error)
            return False
        row.status, row.finished_at = Status.SENT, timezone.now()
        row.save(update_fields=["status", "finished_at"])
    return True


def stop(*, campaign: Campaign, why: Campaign.Stop, count: int = 0, total: int = 0, detail: str = "") -> bool:
    """Nothing more leaves until somebody has looked; the merchant's desk is told, in the language it reads."""
    with transaction.atomic():
        row = _locked(campaign)
        if row.status != Status.SENDING:
            return False
        row.status, row.stopped_for = Status.STOPPED, why
        row.stopped_count, row.stopped_of, row.stopped_detail = count, total, one_line(detail)[:300]
        row.save(update_fields=["status", "stopped_for", "stopped_count", "stopped_of", "stopped_detail"])
        tell_desk(campaign=row, template="stopped")
    return True


def end_time(*, campaign: Campaign, waiting: int, recent: int, last_due: datetime | None) -> datetime | None:
    """When it should end: at the pace of the last minutes (`recent` left in `PACE_OF`), never faster than the
    throttle, and not before the last of those who wait is due.
    """
    if campaign.status != Status.SENDING or not waiting or campaign.started_at is None:
        return None
    now = timezone.now()
    seconds = waiting * 60 / settings_of(merchant=campaign.merchant).per_minute
    if recent:
        span = min(PACE_OF, now - max(campaign.started_at, campaign.resumed_at or campaign.started_at))
        seconds = max(seconds, waiting * span.total_seconds() / recent)
    return max(now + timedelta(seconds=seconds), last_due or now)


def _locked(campaign: Campaign) -> Campaign:
    rows = Campaign.objects.select_for_update(of=("self",)).select_related("merchant", "topic", "created_by")
    return rows.get(pk=campaign.pk)


def _log(campaign: Campaign, *, deed: str, by: User | None) -> None:
    """Beside what the admin itself writes of the drafts; what nobody did is not there."""
    if by is not None:
        LogEntry.objects.log_actions(by.pk, [campaign], CHANGE, change_message=deed)


def _move(campaign: Campaign, *, of: set[Status], to: Status, **changes: object) -> Campaign:
    """From one of some states to another; raises NotPossibleNow."""
    with transaction.atomic():
        row = _locked(campaign)
        if row.status not in of:
            raise NotPossibleNow
        row.status = to
        for name, value in changes.items():
            setattr(row, name, value)
        row.save(update_fields=["status", *changes])
    return row
