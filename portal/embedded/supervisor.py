"""Keeps services running: starts them in order, restarts the dead, stops them in reverse."""

import logging
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from portal.embedded.processes import Service, ServiceFailed

logger = logging.getLogger(__name__)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PAUSE = 0.2
FIRST_WAIT, LONGEST_WAIT = 0.2, 15.0
# A service that lived this long had started well: its next death is a new story.
GOOD_LIFE = 30.0


class Interrupted(Exception):
    """Somebody asked for the end: Ctrl-C, SIGTERM, or the terminal was closed."""


@dataclass
class Watch:
    """One service, and when to start it again."""

    service: Service
    wait: float = FIRST_WAIT
    started_at: float = 0.0
    due_at: float | None = None

    def look(self, *, now: float) -> None:
        """Notice a death, restart when due; a failed restart waits twice as long."""
        if self.due_at is None:
            if not self.service.is_running():
                self._plan(now=now)
        elif now >= self.due_at:
            self.due_at = None
            self.started_at = now
            try:
                self.service.start()
            except ServiceFailed as failure:
                logger.error("%s", failure)  # noqa: TRY400  # the text says all, a traceback nothing
                self._plan(now=time.monotonic())

    def _plan(self, *, now: float) -> None:
        lived = now - self.started_at
        self.wait = FIRST_WAIT if lived > GOOD_LIFE else min(self.wait * 2, LONGEST_WAIT)
        logger.warning("%s has stopped (see %s.log); it starts again in %.1f s.", *([self.service.name] * 2), self.wait)
        self.due_at = now + self.wait


def supervise(*, running: Sequence[Service], starting: Sequence[Service], started: Callable[[Service], None]) -> None:
    """Start `starting`, telling `started` after each, then keep all alive until Interrupted; stops `starting` only.

    `running` are services already started by somebody who stops them too.
    """
    try:
        for service in starting:
            service.start()
            started(service)
        now = time.monotonic()
        watches = [Watch(service=service, started_at=now) for service in (*running, *starting)]
        while True:
            for watch in watches:
                watch.look(now=time.monotonic())
            time.sleep(PAUSE)
    finally:
        for service in reversed(starting):
            service.stop()


@contextmanager
def interruptions() -> Iterator[None]:
    """Within the block, the first Ctrl-C, SIGTERM or closed terminal raises Interrupted; later ones are ignored."""
    before = {number: signal.signal(number, _interrupt) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # An impatient second Ctrl-C must not leave half of the services behind.
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise Interrupted
