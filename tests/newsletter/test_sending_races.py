"""People, workers and servers that meet while a campaign leaves: real connections, each in its own transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection

from accounts import mail
from newsletter import sending
from newsletter.letters import Letters, Reader
from newsletter.models import Campaign, Newsletter, Topic
from portal.mailers import mailers
from tests.newsletter.test_sending import FAST, begun, leave, readers, statuses
from tests.sinks import Sink, running

pytestmark = pytest.mark.django_db(transaction=True)
SLOW = sending.FRESH_SECONDS + 0.2


@pytest.fixture(params=[False, True], ids=["step by step", "pipelined"])
def sink(settings, tmp_path: Path, request) -> Iterator[Sink]:
    with running(Sink()) as sink:
        sink.pipelines = request.param
        settings.MAILERS = mailers(url=sink.url.replace("timeout=1", "timeout=10"), folder=tmp_path)
        yield sink
        mail.hang_up()


@pytest.fixture
def campaign(topic: Topic) -> Campaign:
    """Begun, for five readers."""
    Newsletter.objects.create(merchant=topic.merchant, per_minute=FAST)
    readers(topic, 5)
    return begun(topic)


def elsewhere(work: Callable[[], object]) -> None:
    """Done and committed on another connection."""

    def done() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=done)
    thread.start()
    thread.join(timeout=30)


def arrived(sink: Sink) -> list[str]:
    return sorted(received["To"] for received in sink.mails)


def test_who_leaves_while_a_slow_server_takes_the_envelope_receives_nothing(campaign, sink):
    def dawdle(address: str) -> str:
        if address == "p2@example.org":
            elsewhere(lambda: leave(address))
            threading.Event().wait(SLOW)
        return "250 OK"

    sink.on_recipient = dawdle
    assert sending.send(campaign_id=campaign.pk) == 4
    assert arrived(sink) == [f"p{n}@example.org" for n in (0, 1, 3, 4)]
    assert statuses(campaign) == {"sent": 4, "skipped": 1}


@pytest.mark.parametrize("place", [0, 3])
def test_who_leaves_while_their_message_is_being_made_receives_nothing(campaign, sink, monkeypatch, place):
    make, address = Letters.to, f"p{place}@example.org"

    def then_leave(letters: Letters, *, reader: Reader) -> bytes:
        if reader.email == address:
            elsewhere(lambda: leave(address))
        return make(letters, reader=reader)

    monkeypatch.setattr(Letters, "to", then_leave)
    assert sending.send(campaign_id=campaign.pk) == 4
    assert address not in arrived(sink)
    assert statuses(campaign) == {"sent": 4, "skipped": 1}
