"""Emptying the outbox: claim, commit, send, mark. At least once: a crash may repeat a message, never lose one."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from accounts import mail, sms
from accounts.mime import one_line
from accounts.models import OutgoingMessage
from accounts.nudges import nudge
from accounts.outbox import DELIVER
from accounts.transports import Deferred, Lost, Refused, Unreachable

logger = logging.getLogger(__name__)
Channel, Status = OutgoingMessage.Channel, OutgoingMessage.Status

BATCH = 100  # rows a claim
TASK_SECONDS = 10.0  # then other tasks have their turn
GROUP = 20  # sent and not yet marked, at most: what a crash may send twice
GROUP_SECONDS = 1.0
BATCH_SECONDS = 20.0
STALE_AFTER = timedelta(minutes=2)  # longer than a batch and the slowest dialogue after it
FIRST_DELAY, LONGEST_DELAY = timedelta(minutes=1), timedelta(hours=4)
MAX_ATTEMPTS = 24  # with these delays, almost three days
MANY_LOST = 2  # dialogues broken one after the other: the server is at fault, not the messages
REST_SECONDS = 15.0
SECRETS_LAST = timedelta(days=7)

TRANSPORTS: dict[str, Callable[[OutgoingMessage], None]] = {Channel.EMAIL: mail.send, Channel.SMS: sms.send}
# Channels this process has just found dead, and until when it leaves them alone.
resting: dict[str, float] = {}

CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id FROM accounts_outgoingmessage
    WHERE status = 'queued' AND due_at <= %s AND channel = ANY(%s)
    ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED
)
UPDATE accounts_outgoingmessage AS message SET status = 'sending', claimed_at = %s
FROM due WHERE message.id = due.id RETURNING message.*
"""


def deliver() -> int:
    """Send what is due, for ten seconds at most, and say how many left; a full batch calls another worker to help."""
    requeue_stale()
    started_at = time.monotonic()
    count = 0
    while True:
        claimed = claim()
        is_full = len(claimed) == BATCH
        if is_full and not count:
            # Its task also goes on where this one stops.
            nudge(DELIVER)
        count += Batch(claimed).send() if claimed else 0
        if not is_full or time.monotonic() - started_at > TASK_SECONDS:
            return count


def claim() -> list[OutgoingMessage]:
    """Take due messages, committed before anything is sent. Two workers never take the same row."""
    channels = [name for name in TRANSPORTS if time.monotonic() >= resting.get(name, 0.0)]
    now = timezone.now()
    # The status is written out: as a parameter it could not use the partial index in a prepared plan.
    rows = OutgoingMessage.objects.raw(CLAIM, [now, channels, BATCH, now])
    return sorted(rows, key=_due_first)


def requeue_stale() -> int:
    """Messages whose worker died are queued again; no attempt is counted."""
    died = timezone.now() - STALE_AFTER
    stale = OutgoingMessage.objects.filter(status=Status.SENDING, claimed_at__lt=died)
    return stale.update(status=Status.QUEUED, claimed_at=None)


def forget_secrets() -> int:
    """Blank the links and codes of messages that failed long ago."""
    old = OutgoingMessage.objects.failed().filter(is_sensitive=True, created_at__lt=timezone.now() - SECRETS_LAST)
    return old.exclude(text="").update(text="", html="")


def delay(*, attempts: int) -> timedelta:
    """How long to wait after so many attempts: twice as long each time, four hours at most."""
    return min(FIRST_DELAY * 2 ** min(attempts - 1, 16), LONGEST_DELAY)


def _due_first(message: OutgoingMessage) -> tuple[Any, int]:
    return message.due_at, message.pk


class Batch:
    """Claimed messages on their way; whatever happens each ends sent, queued again or failed."""

    def __init__(self, claimed: Collection[OutgoingMessage]) -> None:
        self.left = deque(claimed)
        self.held: list[OutgoingMessage] = []  # of a channel found dead meanwhile
        self.sent: list[OutgoingMessage] = []  # not marked yet
        self.count = 0
        self.lost = 0
        self.reasons: dict[str, str] = {}

    def send(self) -> int:
        started_at = self.marked_at = time.monotonic()
        try:
            while self.left and time.monotonic() - started_at < BATCH_SECONDS:
                self._try(self.left.popleft())
                if len(self.sent) >= GROUP or time.monotonic() - self.marked_at > GROUP_SECONDS:
                    self._mark_sent()
        finally:
            self._mark_sent()
            self._give_back()
        return self.count

    def _try(self, message: OutgoingMessage) -> None:
        if message.channel in self.reasons:
            self.held.append(message)
            return
        try:
            TRANSPORTS[message.channel](message)
        except (Refused, Deferred, Unreachable) as failure:
            self._note(message, failure)
        except Exception as bug:  # whatever is wrong with this one, the others leave
            logger.exception("Message %s could not be sent", message.key)
            _postpone(message, reason=repr(bug))
        else:
            self.lost = 0
            self.sent.append(message)

    def _note(self, message: OutgoingMessage, failure: Exception) -> None:
        if isinstance(failure, Lost):
            self.lost += 1
        if isinstance(failure, Refused):
            _fail(message, reason=str(failure))
        elif isinstance(failure, Unreachable) or self.lost >= MANY_LOST:
            self._rest(message, reason=str(failure))
        else:
            _postpone(message, reason=str(failure))

    def _rest(self, message: OutgoingMessage, *, reason: str) -> None:
        """Leave the whole channel alone for a while. An absent server fails no message, however long it lasts."""
        logger.warning("%s does not leave for now: %s", message.channel, reason)
        resting[message.channel] = time.monotonic() + REST_SECONDS
        self.reasons[message.channel] = reason
        _change(
            message,
            status=Status.QUEUED,
            attempts=min(message.attempts + 1, MAX_ATTEMPTS - 1),
            due_at=timezone.now() + timedelta(seconds=REST_SECONDS),
            last_error=kept(reason),
        )

    def _mark_sent(self) -> None:
        if self.sent:
            # A demo shows its links at /outbox/: nobody receives the mail itself.
            secret = {message.pk for message in self.sent if message.is_sensitive and not settings.DEMO}
            _mark_sent({message.pk for message in self.sent} - secret)
            _mark_sent(secret, text="", html="")
            self.count += len(self.sent)
            self.sent = []
        self.marked_at = time.monotonic()

    def _give_back(self) -> None:
        """What this batch had no time for, or no server, waits again as if never taken."""
        alike: dict[tuple[str, datetime | None], list[int]] = {}
        for message in (*self.held, *self.left):
            why = self.reasons.get(message.channel, "")
            alike.setdefault((why, message.claimed_at), []).append(message.pk)
        for (reason, claimed_at), ids in alike.items():
            # Only while the claim is ours, as in `_change`.
            ours = OutgoingMessage.objects.filter(pk__in=ids, status=Status.SENDING, claimed_at=claimed_at)
            ours.update(status=Status.QUEUED, claimed_at=None, last_error=kept(reason))


def _mark_sent(ids: set[int], **blank: str) -> None:
    if ids:
        # Even if a row was thought stale meanwhile: it has left, sending it again helps nobody. The texts of the
        # others are not named: PostgreSQL would write them anew.
        rows = OutgoingMessage.objects.filter(pk__in=ids, status__in=[Status.SENDING, Status.QUEUED])
        now = timezone.now()
        rows.update(
            status=Status.SENT, sent_at=now, claimed_at=None, attempts=F("attempts") + 1, last_error="", **blank
        )


def _postpone(message: OutgoingMessage, *, reason: str) -> None:
    attempts = message.attempts + 1
    if attempts >= MAX_ATTEMPTS:
        _fail(message, reason=reason)
        return
    due_at = timezone.now() + delay(attempts=attempts)
    _change(message, status=Status.QUEUED, attempts=attempts, due_at=due_at, last_error=kept(reason))


def _fail(message: OutgoingMessage, *, reason: str) -> None:
    logger.warning("Message %s failed: %s", message.key, reason)
    _change(message, status=Status.FAILED, attempts=message.attempts + 1, last_error=kept(reason))


def _change(message: OutgoingMessage, **changes: Any) -> None:
    """Only while the claim is ours: another worker may have taken a row we were too slow for."""
    ours = OutgoingMessage.objects.filter(pk=message.pk, status=Status.SENDING, claimed_at=message.claimed_at)
    ours.update(claimed_at=None, **changes)


def kept(reason: str) -> str:
    """What went wrong, as its row holds it."""
    return one_line(reason)[:500]
