"""Faults in the middle of a campaign: workers that meet, servers that hang or refuse half, a database that hangs up."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import connection

from accounts import mail
from newsletter import sending
from newsletter.letters import Letters, Reader
from newsletter.models import Campaign, Newsletter, Recipient, Subscriber, Topic
from tests.newsletter.test_sending import FAST, begun, later, readers, statuses
from tests.newsletter.test_sending_races import elsewhere
from tests.sinks import Sink

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def campaign(topic: Topic) -> Campaign:
    """Begun, for eight readers."""
    Newsletter.objects.create(merchant=topic.merchant, per_minute=FAST)
    readers(topic, 8)
    return begun(topic)


def received(sink: Sink) -> Counter[str]:
    return Counter(envelope.rcpt_tos[0] for envelope in sink.received)


def everyone(count: int) -> Counter[str]:
    return Counter(f"p{n}@example.org" for n in range(count))


def at_once(work: Callable[[], object], *, workers: int = 2) -> list[object]:
    """What each of them returned, begun at the same moment on connections of their own."""
    start, done = threading.Barrier(workers), []

    def worker() -> None:
        try:
            connection.ensure_connection()
            start.wait(timeout=30)
            done.append(work())
        finally:
            mail.hang_up()
            connection.close()

    threads = [threading.Thread(target=worker) for _worker in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(done) == workers
    return done


def test_two_workers_that_claim_at_once_share_the_recipients(topic):
    Newsletter.objects.create(merchant=topic.merchant, per_minute=FAST)
    readers(topic, 1000)
    campaign = begun(topic)

    both_claimed = threading.Barrier(2)

    def claims() -> list[int]:
        taken = [reader.recipient_id for reader in sending.claim(campaign=campaign).readers]
        both_claimed.wait(timeout=30)
        while Recipient.objects.filter(status="queued").exists():
            taken += [reader.recipient_id for reader in sending.claim(campaign=campaign).readers]
        return taken

    first, second = at_once(claims)
    assert min(len(first), len(second)) > 0
    assert sorted(first + second) == sorted(Recipient.objects.values_list("pk", flat=True))
    assert statuses(campaign) == {"sending": 1000}


def test_two_workers_that_send_at_once_write_to_each_reader_once(topic, sink, monkeypatch):
    both_claimed, met, write = threading.Barrier(2), threading.local(), Letters.to

    def to(letters: Letters, *, reader: Reader) -> bytes:
        """Nobody begins before both hold recipients."""
        if not hasattr(met, "other"):
            met.other = both_claimed.wait(timeout=30)
        return write(letters, reader=reader)

    monkeypatch.setattr(Letters, "to", to)
    Newsletter.objects.create(merchant=topic.merchant, per_minute=FAST)
    readers(topic, 400)
    campaign = begun(topic)
    counts = at_once(lambda: sending.send(campaign_id=campaign.pk))
    assert min(counts) > 0
    assert sum(counts) == 400
    assert received(sink) == everyone(400)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.tried, statuses(campaign)) == ("sent", 400, {"sent": 400})


def test_a_server_that_hangs_on_a_message_loses_nobody_and_the_campaign_rests(campaign, sink, time_machine):
    sink.hang_after = 3
    assert sending.send(campaign_id=campaign.pk) == 3
    assert sink.has_received.is_set()
    assert statuses(campaign) == {"sent": 3, "queued": 5}
    campaign.refresh_from_db()
    assert campaign.status == "sending"
    # It rests: a call that comes too early asks nothing of the server.
    known = sink.connections
    assert sending.send(campaign_id=campaign.pk) == 0
    assert sink.connections == known
    sink.hang_after = None
    later(time_machine, minutes=5)
    assert sending.send(campaign_id=campaign.pk) == 5
    assert received(sink) == everyone(8)
    campaign.refresh_from_db()
    assert (campaign.status, statuses(campaign), campaign.tried) == ("sent", {"sent": 8}, 8)


def test_a_server_that_takes_a_message_and_never_says_so_repeats_that_one_alone(campaign, sink, time_machine):
    sink.silent_at = 4
    assert sending.send(campaign_id=campaign.pk) == 7
    in_flight = sink.received[3].rcpt_tos[0]
    later(time_machine, minutes=5)
    assert sending.send(campaign_id=campaign.pk) == 1
    assert received(sink) == everyone(8) + Counter([in_flight])
    campaign.refresh_from_db()
    assert (campaign.status, statuses(campaign)) == ("sent", {"sent": 8})


@pytest.mark.parametrize("answer", ["554 5.7.1 not from you", "550 5.1.1 unknown"])
def test_a_server_that_refuses_every_second_one_takes_the_others(campaign, sink, answer):
    half = {f"p{n}@example.org" for n in range(0, 8, 2)}
    sink.on_recipient = lambda address: answer if address in half else "250 OK"
    assert sending.send(campaign_id=campaign.pk) == 4
    assert received(sink) == everyone(8) - Counter(half)
    assert set(Recipient.objects.filter(status="failed").values_list("subscriber__email", flat=True)) == half
    assert {error[:3] for error in Recipient.objects.filter(status="failed").values_list("last_error", flat=True)} == {
        answer[:3]
    }
    campaign.refresh_from_db()
    assert (campaign.status, statuses(campaign)) == ("sent", {"sent": 4, "failed": 4})
    assert (campaign.tried, campaign.bounced + campaign.refused) == (8, 4)
    suppressed = Subscriber.objects.exclude(suppressed_at=None).count()
    assert suppressed == (4 if answer.startswith("550") else 0)


def test_a_server_that_delays_everybody_once_then_takes_them_writes_to_each_once(campaign, sink, time_machine):
    told: set[str] = set()

    def greylist(address: str) -> str:
        if address in told:
            return "250 OK"
        told.add(address)
        return "450 4.2.0 greylisted, come back"

    sink.on_recipient = greylist
    assert sending.send(campaign_id=campaign.pk) == 0
    assert statuses(campaign) == {"queued": 8}
    later(time_machine, minutes=5)
    assert sending.send(campaign_id=campaign.pk) == 8
    assert received(sink) == everyone(8)
    assert set(Recipient.objects.values_list("status", "attempts", "last_error")) == {("sent", 2, "")}
    assert not Subscriber.objects.exclude(soft_bounces=0).exists()


def test_a_server_that_dies_in_the_middle_is_sent_only_what_is_missing(campaign, sink, time_machine):
    sink.drop_after = 5
    assert sending.send(campaign_id=campaign.pk) == 5
    before = set(received(sink))
    sink.drop_after = None
    later(time_machine, minutes=5)
    assert sending.send(campaign_id=campaign.pk) == 3
    assert {envelope.rcpt_tos[0] for envelope in sink.received[5:]} == set(everyone(8)) - before
    assert received(sink) == everyone(8)
    assert statuses(campaign) == {"sent": 8}


def hang_up_the_database(pid: int) -> None:
    """End the worker's session, as an administrator or a failing server would; back only once it is gone."""

    def terminate() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
            assert cursor.fetchone() == (True,)

    elsewhere(terminate)


def session() -> int:
    connection.ensure_connection()
    return connection.connection.info.backend_pid


@pytest.mark.parametrize("moment", ["envelope", "acceptance", "last"])
def test_a_database_that_hangs_up_while_the_server_answers_costs_nobody_anything(campaign, sink, moment):
    """Between two messages, between the acceptance and its mark, and after the last one."""
    worker = session()

    def on_recipient(address: str) -> str:
        if moment == "envelope" and address == "p3@example.org":
            hang_up_the_database(worker)
        return "250 OK"

    def on_data(envelope: object) -> str:
        if len(sink.received) == {"acceptance": 3, "last": 7}.get(moment):
            hang_up_the_database(worker)
        return "250 OK"

    sink.on_recipient, sink.on_data = on_recipient, on_data
    assert sending.send(campaign_id=campaign.pk) == 8
    assert session() != worker
    assert received(sink) == everyone(8)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.tried, statuses(campaign)) == ("sent", 8, {"sent": 8})


def test_a_database_that_hangs_up_while_a_message_is_being_written_costs_nobody_anything(campaign, sink, monkeypatch):
    worker, write, seen = session(), Letters.to, []

    def to(letters: Letters, *, reader: Reader) -> bytes:
        seen.append(reader.email)
        if len(seen) == 4:
            hang_up_the_database(worker)
        return write(letters, reader=reader)

    monkeypatch.setattr(Letters, "to", to)
    assert sending.send(campaign_id=campaign.pk) == 8
    assert session() != worker
    assert received(sink) == everyone(8)
    assert statuses(campaign) == {"sent": 8}


def test_a_worker_whose_sessions_die_one_after_the_other_still_ends(campaign, sink):
    """Each message but the first finds the session dead that marked the one before."""
    killed: list[list[int]] = []

    def on_data(envelope: object) -> str:
        elsewhere(lambda: killed.append(end_sessions_of_the_worker()))
        return "250 OK"

    sink.on_data = on_data
    assert sending.send(campaign_id=campaign.pk) == 8
    # The first time, those that other tests left open besides.
    assert [len(sessions) for sessions in killed[1:]] == [1] * 7
    assert len(killed[0]) >= 1
    assert received(sink) == everyone(8)
    assert statuses(campaign) == {"sent": 8}


def end_sessions_of_the_worker() -> list[int]:
    """Every session on this test's database but the one that asks."""
    with connection.cursor() as cursor:
        # Its own list first: the planner is free to end the one that asks.
        cursor.execute(
            "WITH others AS MATERIALIZED (SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend')"
            " SELECT pid FROM others WHERE pg_terminate_backend(pid, 5000)"
        )
        return [pid for (pid,) in cursor.fetchall()]
