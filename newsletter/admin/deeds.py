"""Who did what to a campaign, from Django's log of the agents' acts: its services and its form write there."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from newsletter.models import Campaign

SHOWN = 20
WORDS = {
    "schedule": pgettext_lazy("of a campaign", "Scheduled"),
    "withdraw": gettext_lazy("Taken back to a draft"),
    "pause": gettext_lazy("Sending paused"),
    "resume": gettext_lazy("Sending resumed"),
    "cancel": gettext_lazy("Campaign canceled"),
}


class Deed(NamedTuple):
    words: str
    who: str
    at: datetime


def deeds_of(*, campaign: Campaign) -> list[Deed]:
    """The latest acts of agents on it, newest first."""
    kind = ContentType.objects.get_for_model(Campaign)
    rows = LogEntry.objects.filter(content_type=kind, object_id=str(campaign.pk)).select_related("user")
    return [Deed(_words(row), str(row.user), row.action_time) for row in rows.order_by("-pk")[:SHOWN]]


def _words(row: LogEntry) -> str:
    if row.action_flag == ADDITION:
        return _("Draft written")
    return str(WORDS.get(row.change_message) or _("Text or audience changed"))
