"""What the mail service says of a message after it took it: delivered, or returned."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

from django.utils import timezone

from accounts.mime import one_line
from accounts.models import OutgoingMessage, normalize_email

_OUR_ID = re.compile(r"<?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})@", re.ASCII)
RECENT = timedelta(days=30)


def message_of(*, message_id: str) -> OutgoingMessage | None:
    """The message with that Message-ID; none when it never was one of ours."""
    match = _OUR_ID.match(message_id)
    return OutgoingMessage.objects.filter(key=uuid.UUID(match[1])).first() if match else None


def latest_to(*, email: str) -> OutgoingMessage | None:
    """The last e-mail that left for an address, for services that tell only a number of their own."""
    sent = OutgoingMessage.objects.filter(
        recipient=normalize_email(email),
        channel=OutgoingMessage.Channel.EMAIL,
        sent_at__gt=timezone.now() - RECENT,
    )
    return sent.order_by("-pk").first() if email else None


def note_delivery(*, message: OutgoingMessage) -> None:
    """It is in the mailbox; told twice, the first time counts."""
    OutgoingMessage.objects.filter(pk=message.pk, delivered_at=None).update(delivered_at=timezone.now())


def note_return(*, message: OutgoingMessage, reason: str) -> None:
    """It reached nobody, whatever was said before."""
    rows = OutgoingMessage.objects.filter(pk=message.pk, returned_at=None)
    rows.update(returned_at=timezone.now(), return_reason=one_line(reason)[:300])
