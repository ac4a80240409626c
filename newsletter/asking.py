"""One round trip a message: the one before is marked, the next one is asked about.

The question is sent without waiting, so that the database works while the mail server takes the envelope; nobody
receives anything before the answer. Below Django’s cursors, because those wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone
from psycopg.pq import ExecStatus

PATIENCE = 60.0  # seconds: a database that restarts is waited for, what was accepted is not forgotten
NAME = b"newsletter_step"
STEP = b"""
WITH marked AS (
    UPDATE newsletter_recipient
    SET status = 'sent', sent_at = $1::timestamptz, claimed_at = NULL, attempts = attempts + 1, last_error = ''
    WHERE id = $2::bigint AND status IN ('sending', 'queued')
)
SELECT c.status, r.status = 'sending' AND r.claimed_at = $3::timestamptz,
    s.suppressed_at IS NULL AND u.left_at IS NULL
    AND (u.express_at IS NOT NULL OR u.implied_until > $1::timestamptz),
    s.measured_at IS NOT NULL
FROM newsletter_recipient r
JOIN newsletter_campaign c ON c.id = r.campaign_id
JOIN newsletter_subscriber s ON s.id = r.subscriber_id
LEFT JOIN newsletter_subscription u ON u.subscriber_id = r.subscriber_id AND u.topic_id = c.topic_id
WHERE r.id = $4::bigint
"""


class Answer(NamedTuple):
    """The campaign's status, whether the row is still ours, whether its reader may be written to, and measured."""

    status: str
    is_ours: bool
    may_receive: bool
    may_measure: bool


class Asking:
    """The questions of one chunk, one at a time."""

    def __init__(self, *, claimed_at: datetime) -> None:
        self.claimed_at = claimed_at.isoformat().encode()
        self.values: list[bytes] = []
        self.on: Any = None  # the connection the question is prepared on
        self.is_asked = False

    def ask(self, *, accepted: int, recipient: int) -> None:
        """Mark one row as sent (0: none) and ask about another; a failure shows when the answer is wanted."""
        now = timezone.now().isoformat().encode()
        self.values = [now, str(accepted).encode(), self.claimed_at, str(recipient).encode()]
        try:
            self._send()
        except (psycopg.Error, OperationalError, InterfaceError):
            self.is_asked = False

    def answer(self) -> Answer:
        """Wait for it; ask again until the database is back. Marking twice marks once."""
        try:
            return self._received()
        except psycopg.Error as failure:
            if connection.in_atomic_block:
                raise OperationalError(str(failure)) from failure
            connection.close()
            return insist(self._again)

    def _again(self) -> Answer:
        try:
            self._send()
            return self._received()
        except psycopg.Error as failure:
            raise OperationalError(str(failure)) from failure

    def _send(self) -> None:
        connection.ensure_connection()
        current: Any = connection.connection.pgconn
        if self.on is not current:
            # Closing what is not there is no error; psycopg may have dropped it with its own.
            _check(current.close_prepared(NAME))
            _check(current.prepare(NAME, STEP))
            self.on = current
        current.send_query_prepared(NAME, self.values)
        current.flush()
        self.is_asked = True

    def _received(self) -> Answer:
        if not self.is_asked:
            raise psycopg.OperationalError("The question could not be sent.")
        self.is_asked = False
        result = self.on.get_result()
        while self.on.get_result() is not None:
            pass
        _check(result)
        if not result.ntuples:
            return Answer("", is_ours=False, may_receive=False, may_measure=False)
        status, *told = (result.get_value(0, column) for column in range(4))
        is_ours, may_receive, may_measure = (value == b"t" for value in told)
        return Answer((status or b"").decode(), is_ours=is_ours, may_receive=may_receive, may_measure=may_measure)


def insist[Result](work: Callable[[], Result]) -> Result:
    """Do it again until the database is back. Each of these may run twice."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return work()
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or time.monotonic() > deadline:
                raise
            connection.close()
            time.sleep(0.25)


def _check(result: Any) -> None:
    if result is None or result.status not in {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}:
        raise psycopg.OperationalError(result.error_message.decode() if result else "The connection is gone.")
