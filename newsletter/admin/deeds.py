"""Who did what to a campaign, a topic or the settings, from Django's log of the agents' acts: services and forms write
there.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
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


def deeds_of(*, of: Model) -> list[Deed]:
    """The latest acts of agents on it, newest first."""
    kind = ContentType.objects.get_for_model(of)
    rows = LogEntry.objects.filter(content_type=kind, object_id=str(of.pk)).select_related("user")
    words = _of_campaign if isinstance(of, Campaign) else _as_written
    return [Deed(words(row), str(row.user), row.action_time) for row in rows.order_by("-pk")[:SHOWN]]


def _of_campaign(row: LogEntry) -> str:
    if row.action_flag == ADDITION:
        return _("Draft written")
    return str(WORDS.get(row.change_message) or _("Text or audience changed"))


def _as_written(row: LogEntry) -> str:
    return row.get_change_message()
