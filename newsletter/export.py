"""The ledger as a file: every column of every line, in the order of writing, however long it is."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator

from accounts.echo import Echo
from newsletter.models import Consent
from organizations.models import Merchant

COLUMNS = (
    *("id", "merchant", "email", "topic", "act", "kind", "at", "recorded_at", "channel", "wording_version", "wording"),
    *("language", "ip", "user_agent", "asked_at", "asked_ip", "asked_user_agent", "by", "source", "expires_at"),
    *("reason", "purpose", "basis"),
)
PIECE = 2000
# Without it, Excel reads the accents of UTF-8 as something else.
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
# What a spreadsheet would take for a formula, also where it parts the cells of a line by another sign than ours.
_FORMULA = re.compile(r"(^|[;\t])(?=[=+\-@\t\r])")


def ledger_rows(*, merchants: Iterable[Merchant]) -> Iterator[str]:
    """Lines of CSV: the header, then one a consent or withdrawal."""
    writer = csv.writer(Echo())
    yield BOM + writer.writerow(COLUMNS)
    lines = Consent.objects.filter(subscriber__merchant__in=list(merchants)).order_by("pk")
    lines = lines.select_related("subscriber__merchant", "topic", "wording", "sign_up", "by")
    for line in lines.iterator(chunk_size=PIECE):
        yield writer.writerow([_safe(cell) for cell in _cells(line)])


def _cells(line: Consent) -> tuple[object, ...]:
    wording, asked = line.wording, line.sign_up
    return (
        line.pk,
        line.subscriber.merchant.slug,
        line.subscriber.email,
        line.topic.slug if line.topic else "",
        line.act,
        line.kind,
        line.at.isoformat(),
        line.recorded_at.isoformat(),
        line.channel,
        wording.version if wording else "",
        wording.text_in(language=line.language) if wording else "",
        line.language,
        line.ip or "",
        line.user_agent,
        asked.created_at.isoformat() if asked else "",
        (asked.ip or "") if asked else "",
        asked.user_agent if asked else "",
        line.by.email if line.by else "",
        line.source,
        line.expires_at.isoformat() if line.expires_at else "",
        line.reason,
        line.purpose,
        line.basis or "",
    )


def _safe(cell: object) -> object:
    return _FORMULA.sub(r"\1'", cell) if isinstance(cell, str) else cell
