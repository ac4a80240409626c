"""What came of a campaign, as figures, and as the bars of a chart; openings and clicks, of who agreed to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, Max, Q
from django.utils import timezone
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from accounts.formats import percent
from newsletter.audience import counts
from newsletter.models import Campaign, Recipient
from newsletter.services.campaigns import PACE_OF, end_time, settings_of

WIDTH = 400  # of the longest bar, in the units of the drawing


class Bar(NamedTuple):
    label: str
    number: int
    share: str
    width: float
    y: int
    kind: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What they did who had agreed to be measured, and received it."""

    agreed: int
    bars: list[Bar]

    @property
    def height(self) -> int:
        return len(self.bars) * 32


@dataclass(frozen=True, slots=True)
class Results:
    total: int
    waiting: int
    bars: list[Bar]
    ends_at: datetime | None
    measured: Measured | None

    @property
    def height(self) -> int:
        return len(self.bars) * 32


def results_of(*, campaign: Campaign) -> Results:
    """Two counts over the recipients; the states add up to the total."""
    by_status = counts(campaign=campaign)
    mine = Recipient.objects.filter(campaign=campaign)
    returned = mine.aggregate(
        delivered=Count("pk", filter=Q(delivered_at__isnull=False)),
        bounced=Count("pk", filter=Q(bounced_at__isnull=False)),
        delayed=Count("pk", filter=Q(soft_at__isnull=False, delivered_at=None, bounced_at=None)),
        complained=Count("pk", filter=Q(complained_at__isnull=False)),
        left=Count("pk", filter=Q(left_at__isnull=False)),
        agreed=Count("pk", filter=Q(is_measured=True, status=Recipient.Status.SENT)),
        opened=Count("pk", filter=Q(opened_at__isnull=False)),
        clicked=Count("pk", filter=Q(clicked_at__isnull=False)),
        recent=Count("pk", filter=Q(sent_at__gt=timezone.now() - PACE_OF)),
        last_due=Max("due_at", filter=Q(status=Recipient.Status.QUEUED)),
    )
    total = sum(by_status.values())
    waiting = by_status["queued"] + by_status["sending"]
    figures = [
        (_("Sent"), by_status["sent"], "good"),
        (_("Waiting"), waiting, "still"),
        (_("Failed"), by_status["failed"], "bad"),
        (_("Unsubscribed before sending"), by_status["skipped"], "still"),
        (_("Canceled"), by_status["canceled"], "still"),
        (_("Confirmed delivered"), returned["delivered"], "good"),
        (_("Bounced"), returned["bounced"], "bad"),
        (_("Delayed, or the mailbox full"), returned["delayed"], "still"),
        (_("Complained"), returned["complained"], "bad"),
        (_("Unsubscribed from this message"), returned["left"], "still"),
    ]
    bars = [_bar(row, *figure, total=total) for row, figure in enumerate(figures)]
    ends_at = end_time(campaign=campaign, waiting=waiting, recent=returned["recent"], last_due=returned["last_due"])
    return Results(total, waiting, bars, ends_at, _measured(campaign, returned))


def _measured(campaign: Campaign, returned: dict[str, Any]) -> Measured | None:
    """None where the merchant does not measure, unless it did when this campaign left."""
    agreed = returned["agreed"]
    if not agreed and not settings_of(merchant=campaign.merchant).measures:
        return None
    figures = [
        (pgettext("of a message", "Opened"), returned["opened"], "good"),
        (_("A link followed"), returned["clicked"], "good"),
    ]
    return Measured(agreed, [_bar(row, *figure, total=agreed) for row, figure in enumerate(figures)])


def _bar(row: int, label: str, count: int, kind: str, *, total: int) -> Bar:
    share = count / total if total else 0
    return Bar(
        label, count, percent(round(share * 100, 1), get_language() or ""), round(share * WIDTH, 1), row * 32, kind
    )
