"""Waking a worker once a transaction is committed. A lost nudge costs time only: a sweep finds what is owed."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import Any

from celery import current_app
from django.db import connection, transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# After a broker failed to answer, this process asks it nothing for a while: requests stay fast.
SILENCE_SECONDS = 10.0
silent_until = 0.0


@dataclass
class Nudge:
    """A task to send by name; equal nudges waiting for the same commit are one."""

    task: str
    kwargs: dict[str, Any] = field(default_factory=dict)
    is_waiting: bool = True

    def __call__(self) -> None:
        global silent_until  # noqa: PLW0603 - what this process knows of its broker
        self.is_waiting = False
        if time.monotonic() < silent_until:
            return
        try:
            current_app.send_task(self.task, kwargs=self.kwargs)
        except (OperationalError, RedisError, OSError) as failure:
            silent_until = time.monotonic() + SILENCE_SECONDS
            logger.warning("The broker does not answer, a sweep will do %s: %s", self.task, failure)


def nudge(task: str, **kwargs: Any) -> None:
    """Send a task after commit, once a transaction however often it is asked; a dead broker is only a log line."""
    wanted = Nudge(task=task, kwargs=kwargs)
    # An earlier equal one still listed is tied to savepoints that are ours too, or released: it runs if we would.
    if not any(wanted in entry for entry in connection.run_on_commit):
        transaction.on_commit(wanted, robust=True)
