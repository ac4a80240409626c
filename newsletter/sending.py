"""Sending a campaign: claim, commit, and for each recipient ask whether they may still be written to, send, mark.

What was accepted is marked before the next message begins: a crash repeats one message at most, and loses none.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from accounts import mail, mime
from accounts.delivery import delay, kept
from accounts.nudges import nudge
from accounts.transports import Deferred, Lost, Refused, Unreachable, Unwelcome
from newsletter.asking import Asking, insist
from newsletter.letters import Letters, LetterUnwritable, Reader
from newsletter.models import Campaign, Newsletter, Recipient
from newsletter.services import campaigns, returns
from newsletter.services.campaigns import SEND
from newsletter.services.returns import is_full, is_hard

logger = logging.getLogger(__name__)
Status = Recipient.Status

CHUNK = 100  # recipients a claim
PORTION_SECONDS = 5.0  # of the throttle, in one claim
CHUNK_SECONDS = 20.0
TASK_SECONDS = 10.0
STALE_AFTER = timedelta(minutes=2)  # longer than a chunk and the slowest dialogue after it
MAX_ATTEMPTS = 10  # with the outbox's delays, most of a day: news is not worth more
MANY_LOST = 2
REST = timedelta(seconds=15)
# A server that makes us wait for its envelope that long may have outlasted the answer: it is asked for again.
FRESH_SECONDS = 0.5
IDLE = timedelta(seconds=20)
GRACE = timedelta(seconds=2)  # a worker that was called, or waited for this moment, is about to claim
SWEEP_SECONDS = 30.0  # the settings wake idle campaigns that often

CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id FROM newsletter_recipient
    WHERE campaign_id = %s AND status = 'queued' AND due_at <= %s
    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
)
UPDATE newsletter_recipient AS r
SET status = 'sending', claimed_at = %s, is_measured = %s AND s.measured_at IS NOT NULL
FROM due, newsletter_subscriber AS s WHERE r.id = due.id AND s.id = r.subscriber_id
RETURNING r.id, s.email, s.key, s.language, r.is_measured
"""


class Claim(NamedTuple):
    """Recipients taken at a moment; none: how many seconds the throttle wants, 0 when nobody waits."""

    at: datetime
    readers: list[Reader]
    wait: float = 0.0


def send(*, campaign_id: int) -> int:
    """Send what is due of one campaign, for ten seconds at most; how many left.

    A full chunk calls another worker to help, whose task goes on where this one stops; a throttled one does it itself.
    """
    requeue_stale()
    campaign = Campaign.objects.select_related("merchant", "topic").get(pk=campaign_id)
    letters = Letters(campaign=campaign)
    deadline, count, has_called = time.monotonic() + TASK_SECONDS, 0, False
    while (seconds := deadline - time.monotonic()) > 0:
        claimed = insist(partial(claim, campaign=campaign))
        if not claimed.readers and not 0 < claimed.wait < TASK_SECONDS:
            break
        if not claimed.readers:
            time.sleep(min(claimed.wait, seconds))
            continue
        if len(claimed.readers) == CHUNK and not has_called:
            has_called = True
            nudge(SEND, campaign_id=campaign_id)
        chunk = Chunk(campaign=campaign, claimed=claimed, letters=letters)
        count += chunk.send()
        insist(partial(returns.note_chunk, campaign=campaign, **chunk.tally()))
    else:
        if not has_called:
            nudge(SEND, campaign_id=campaign_id)
    insist(partial(campaigns.finish_if_done, campaign=campaign))
    return count


def claim(*, campaign: Campaign) -> Claim:
    """Take the next recipients, as many as the throttle allows now; committed before anything is sent.

    One clock for all the campaigns of a merchant: its mail service counts them together.
    """
    now = timezone.now()
    with transaction.atomic():
        rows = Newsletter.objects.select_for_update(of=("self",), no_key=True)
        clock, _made = rows.get_or_create(merchant=campaign.merchant)
        status, rests_until = Campaign.objects.values_list("status", "next_claim_at").get(pk=campaign.pk)
        if status != Campaign.Status.SENDING:
            return Claim(now, [])
        opens_at = max(clock.next_claim_at, rests_until)
        if opens_at > now:
            _say_until(campaign, opens_at)
            return Claim(now, [], (opens_at - now).total_seconds())
        rate = clock.per_minute
        size = max(1, min(CHUNK, int(rate / 60 * PORTION_SECONDS)))
        with connection.cursor() as cursor:
            cursor.execute(CLAIM, [campaign.pk, now, size, now, clock.measures])
            readers = sorted(Reader(*found) for found in cursor.fetchall())
        # Time nobody used is not saved up, but for a portion; or, where a worker does not wait for one message, for
        # the time until the next is called.
        unused = PORTION_SECONDS if 60 / rate < TASK_SECONDS else SWEEP_SECONDS
        since = max(clock.next_claim_at, now - timedelta(seconds=unused))
        clock.next_claim_at = since + timedelta(seconds=len(readers) * 60 / rate)
        clock.save(update_fields=["next_claim_at"])
        _say_until(campaign, clock.next_claim_at)
    return Claim(now, readers)


def _say_until(campaign: Campaign, moment: datetime) -> None:
    """When its next claim is due: until then `wake` calls nobody."""
    Campaign.objects.filter(pk=campaign.pk).exclude(next_claim_at=moment).update(next_claim_at=moment)


def wake() -> int:
    """Call a worker for each campaign that may go on and nobody works at; how many."""
    requeue_stale()
    cancel_late()
    now = timezone.now()
    held = Recipient.objects.filter(campaign=OuterRef("pk"), status=Status.SENDING)
    idle = (Q(next_claim_at__lte=now - GRACE) & ~Exists(held)) | Q(next_claim_at__lte=now - IDLE)
    ids = list(Campaign.objects.leaving().filter(idle).order_by("pk").values_list("pk", flat=True))
    for pk in ids:
        nudge(SEND, campaign_id=pk)
    return len(ids)


def cancel_late() -> int:
    """What a worker held while its campaign was canceled, and gave back or lost with its life, is canceled too."""
    canceled = list(Campaign.objects.filter(status=Campaign.Status.CANCELED).values_list("pk", flat=True))
    late = Recipient.objects.filter(campaign__in=canceled, status=Status.QUEUED)
    return late.update(status=Status.CANCELED)


def requeue_stale() -> int:
    """Recipients whose worker died wait again; no attempt is counted."""
    stale = Recipient.objects.filter(status=Status.SENDING, claimed_at__lt=timezone.now() - STALE_AFTER)
    return stale.update(status=Status.QUEUED, claimed_at=None)


class Made(NamedTuple):
    """The message to one reader as bytes, or why there is none."""

    recipient_id: int
    content: bytes = b""
    failure: Exception | None = None


class Chunk:
    """Claimed recipients on their way; each ends sent, failed, skipped, or queued again."""

    def __init__(self, *, campaign: Campaign, claimed: Claim, letters: Letters) -> None:
        self.campaign = campaign
        self.claimed_at = claimed.at
        self.asking = Asking(claimed_at=claimed.at)
        self.left = deque(claimed.readers)
        self.letters = letters
        self.accepted: Reader | None = None  # by the server, and not marked yet
        self.made: Made | None = None  # ahead of its turn
        self.count = self.bounced = self.refused = 0
        self.last_refusal = ""
        self.lost = 0

    def send(self) -> int:
        begun = time.monotonic()
        try:
            while self.left and time.monotonic() - begun < CHUNK_SECONDS and self._next():
                pass
        finally:
            self._finish()
        return self.count

    def tally(self) -> dict[str, Any]:
        """What it came to, in the words of `returns.note_chunk`."""
        tried = self.count + self.bounced + self.refused
        return {"tried": tried, "bounced": self.bounced, "refused": self.refused, "detail": self.last_refusal}

    def _next(self) -> bool:
        """One reader, and whether another may follow. The envelope is given while the database answers.

        The bytes are ready before the question: whoever leaves while they are being made is not written to.
        """
        reader = self.left[0]
        made = self._made(reader)
        self._ask(reader)
        asked_at = time.monotonic()
        handing, failure = self._begin(reader, made)
        answer = self.asking.answer()
        self.accepted = None
        if time.monotonic() - asked_at > FRESH_SECONDS:
            self._ask(reader)
            answer = self.asking.answer()
        if answer.status != Campaign.Status.SENDING or not (answer.is_ours and answer.may_receive):
            if handing is not None:
                handing.abandon()
            if answer.status != Campaign.Status.SENDING:
                return False
            self.left.popleft()
            if answer.is_ours:
                self._change(reader, status=Status.SKIPPED)
            return True
        if reader.is_measured and not answer.may_measure:
            if handing is not None:
                handing.abandon()
            self._write_unmeasured(reader)
            return True
        self.left.popleft()
        return self._end(reader, handing, failure)

    def _ask(self, reader: Reader) -> None:
        accepted = self.accepted.recipient_id if self.accepted else 0
        self.asking.ask(accepted=accepted, recipient=reader.recipient_id)

    def _made(self, reader: Reader) -> Made:
        """The bytes, unless they were made ahead; what is wrong with them is told in its turn, by `_end`."""
        if self.made is not None and self.made.recipient_id == reader.recipient_id:
            return self.made
        try:
            return Made(reader.recipient_id, self.letters.to(reader=reader))
        except Exception as failure:  # noqa: BLE001 - kept for its turn
            return Made(reader.recipient_id, failure=failure)

    def _write_unmeasured(self, reader: Reader) -> None:
        """Who took that consent back while their message was being made gets another, which asks for nothing."""
        self.made = None
        self.left[0] = reader._replace(is_measured=False)
        ours = Recipient.objects.filter(pk=reader.recipient_id, status=Status.SENDING, claimed_at=self.claimed_at)
        insist(lambda: ours.update(is_measured=False))

    def _make_next(self) -> None:
        """The message after this one, while the server thinks about this one."""
        self.made = self._made(self.left[0]) if self.left else None

    def _begin(self, reader: Reader, made: Made) -> tuple[mail.Handing | None, Exception | None]:
        """The message up to the point where nobody has received it, or why not even that."""
        if made.failure is not None:
            return None, made.failure
        try:
            return mail.Handing(recipient=mime.mailbox(reader.email), content=made.content), None
        except Exception as failure:  # noqa: BLE001 - told by `_end`, once the row is known to be ours
            return None, failure

    def _end(self, reader: Reader, handing: mail.Handing | None, failure: Exception | None) -> bool:
        """Let it be received; whether the next one may follow."""
        if handing is not None:
            try:
                handing.finish(meanwhile=self._make_next)
            except Exception as told:  # noqa: BLE001 - judged below, as what came before
                failure = told
        if failure is not None:
            return self._judge(reader, failure)
        self.accepted, self.lost = reader, 0
        self.count += 1
        return True

    def _judge(self, reader: Reader, failure: Exception) -> bool:
        """What a failure means for this reader, and whether the next one may follow."""
        reason = str(failure)
        match failure:
            case LetterUnwritable():
                return self._stop(reader, reason=reason)
            case Unreachable():
                return self._rest(reader, reason=reason)
            case Refused():
                self._fail(reader, reason=reason, names_mailbox=not isinstance(failure, Unwelcome))
            case Deferred():
                self.lost = self.lost + 1 if isinstance(failure, Lost) else 0
                if self.lost >= MANY_LOST:
                    return self._rest(reader, reason=reason)
                self._postpone(reader, reason=reason, is_theirs=not isinstance(failure, Lost))
            case _:  # whatever is wrong with this one, the others leave
                logger.error("Recipient %s: not sent", reader.recipient_id, exc_info=failure)
                self._give_up(reader, reason=repr(failure))
        return True

    def _fail(self, reader: Reader, *, reason: str, names_mailbox: bool) -> None:
        """The server's last word: the address is wrong, or this message is not wanted."""
        if not is_hard(reason, names_mailbox=names_mailbox):
            self._give_up(reader, reason=reason)
            if is_full(reason):
                self._count_soft(reader)
            return
        self.bounced += 1
        now = timezone.now()
        self._change(reader, status=Status.FAILED, counted=True, last_error=kept(reason), bounced_at=now)
        insist(lambda: returns.suppress_bounced(key=reader.key))

    def _give_up(self, reader: Reader, *, reason: str) -> None:
        self.refused += 1
        self.last_refusal = reason
        self._change(reader, status=Status.FAILED, counted=True, last_error=kept(reason))

    def _count_soft(self, reader: Reader) -> None:
        insist(lambda: returns.count_soft(recipient_id=reader.recipient_id, key=reader.key))

    def _postpone(self, reader: Reader, *, reason: str, is_theirs: bool) -> None:
        """Try it again later; given up, it counts against the mailbox when that is what delayed it."""
        attempts = Recipient.objects.values_list("attempts", flat=True).get(pk=reader.recipient_id) + 1
        if attempts >= MAX_ATTEMPTS:
            self._give_up(reader, reason=reason)
            if is_theirs:
                self._count_soft(reader)
            return
        due_at = timezone.now() + delay(attempts=attempts)
        self._change(reader, status=Status.QUEUED, counted=True, due_at=due_at, last_error=kept(reason))

    def _rest(self, reader: Reader, *, reason: str) -> bool:
        """An absent server fails nobody: the whole campaign waits a little."""
        logger.warning("Campaign %s waits: %s", self.campaign.pk, reason)
        self._change(reader, status=Status.QUEUED, last_error=kept(reason))
        later = timezone.now() + REST
        insist(lambda: Campaign.objects.filter(pk=self.campaign.pk).update(next_claim_at=later))
        return False

    def _stop(self, reader: Reader, *, reason: str) -> bool:
        """What nobody can be sent is no one reader's fault: they wait until somebody corrected it."""
        self._change(reader, status=Status.QUEUED, last_error=kept(reason))
        insist(lambda: campaigns.stop(campaign=self.campaign, why=Campaign.Stop.UNWRITABLE, detail=reason))
        return False

    def _change(self, reader: Reader, *, counted: bool = False, **changes: object) -> None:
        """Only while the claim is ours: another worker may have taken a row we were too slow for."""
        if counted:
            changes["attempts"] = F("attempts") + 1
        ours = Recipient.objects.filter(pk=reader.recipient_id, status=Status.SENDING, claimed_at=self.claimed_at)
        insist(lambda: ours.update(claimed_at=None, **changes))

    def _finish(self) -> None:
        """Mark the last one accepted; what there was no time for waits again as if never taken."""
        if self.accepted is not None:
            self._ask(self.accepted)
            self.asking.answer()
        ids = [reader.recipient_id for reader in self.left]
        ours = Recipient.objects.filter(pk__in=ids, status=Status.SENDING, claimed_at=self.claimed_at)
        if ids:
            insist(lambda: ours.update(status=Status.QUEUED, claimed_at=None))
