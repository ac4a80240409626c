"""A campaign while the worker, PostgreSQL and Valkey of a running portal are killed with -9, and people leave.

At the end the mail sink holds each recipient once, but for at most one repeat a kill, and nobody after they left.
BENCH_RECIPIENTS (100,000), KILLS (12). Everything runs in a temporary folder, on 127.0.0.1.
"""

from __future__ import annotations

import os
import random
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from bench.kills import insist, kill, portal, until
from bench.measure import report
from bench.newsletter import News
from bench.outbox import Discard
from portal.embedded.processes import free_port

RECIPIENTS = int(os.environ.get("BENCH_RECIPIENTS", "100000"))
ROUNDS = int(os.environ.get("KILLS", "12"))
VICTIMS = ("worker", "postgres", "valkey")
LEAVERS = 10  # a round
IN_FLIGHT = 1.0  # seconds: a message being handed over when its reader leaves has left
PATIENCE = 1800


class Sink(Discard):
    """When each recipient's messages arrived."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.latest: dict[str, float] = {}
        self.lock = threading.Lock()

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        with self.lock:
            self.seen[envelope.rcpt_tos[0]] += 1
            self.latest[envelope.rcpt_tos[0]] = time.time()
        return "250 OK"


def main() -> None:
    # The sink is in this process: a line of log for each of its commands would be most of its work.
    os.environ["LOG_LEVEL"] = "ERROR"
    sink, smtp_port = Sink(), free_port()
    controller = Controller(sink, hostname="127.0.0.1", port=smtp_port)
    controller.start()
    with tempfile.TemporaryDirectory(prefix="comptoir-news-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with portal(folder=folder, smtp_port=smtp_port, port=free_port()) as environment:
            work(folder=folder, environment=environment, sink=sink)
    controller.stop()


def work(*, folder: Path, environment: dict[str, str], sink: Sink) -> None:
    from portal.embedded import environment as addresses  # only now do they exist

    os.environ.update(environment | addresses(var_dir=folder), DJANGO_SETTINGS_MODULE="portal.settings")
    import django  # settings need the running database

    django.setup()
    from newsletter.models import Campaign, Recipient  # same
    from newsletter.services import campaigns  # same

    news = News()
    news.fill(RECIPIENTS)
    campaign: Any = news.draft()
    campaigns.begin(campaign=campaign)
    left = harass(folder=folder, sink=sink, campaign=campaign)
    until(
        lambda: insist(lambda: Campaign.objects.get(pk=campaign.pk).status) == "sent",
        patience=PATIENCE,
        what="the end of the campaign",
    )
    states = Counter(Recipient.objects.values_list("status", flat=True))
    repeats = sum(count - 1 for count in sink.seen.values())
    late = [email for email, at in left.items() if sink.latest.get(email, 0) > at + IN_FLIGHT]
    owed = states["sent"]
    report(f"{ROUNDS} kills: recipients in the sink, of those marked sent", f"{len(sink.seen):,} of {owed:,}",
           target="all", is_met=len(sink.seen) == owed)  # fmt: skip
    report("  received twice", str(repeats), target="≤ 1 a kill", is_met=repeats <= ROUNDS)
    report("  who left, and received it afterwards", f"{len(late)} of {len(left)}", target="0", is_met=not late)
    report("  the states add up", str(dict(states)), is_met=sum(states.values()) == RECIPIENTS)


def harass(*, folder: Path, sink: Sink, campaign: Any) -> dict[str, float]:
    """Kill and let people leave, spread over the sending; who left, and when."""
    from newsletter.models import Consent, Subscriber  # settings need the running database
    from newsletter.services.subscriptions import Trace, leave  # same

    dice = random.Random(11)
    left: dict[str, float] = {}
    for turn in range(ROUNDS):
        reached = (turn + 1) * RECIPIENTS // (ROUNDS + 1)
        until(lambda reached=reached: len(sink.seen) >= reached, patience=PATIENCE, what=f"{reached} messages")
        for _person in range(LEAVERS):
            # People whose turn is near, or long over.
            email = f"p{min(RECIPIENTS, reached + dice.randint(-500, 2000))}@example.org"
            subscriber = insist(lambda email=email: Subscriber.objects.get(email=email))
            insist(lambda s=subscriber: leave(subscriber=s, trace=Trace(channel=Consent.Channel.LINK)))
            left.setdefault(email, time.time())
        kill(VICTIMS[turn % len(VICTIMS)], folder=folder)
    return left


if __name__ == "__main__":
    main()
