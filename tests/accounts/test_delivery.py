"""Delivery against real SMTP servers that take, refuse, delay, hang, drop or are not there."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import delivery, mail, tasks
from accounts.models import OutgoingMessage
from portal.embedded.processes import free_port
from portal.mailers import mailers
from tests.factories import OutgoingMessageFactory
from tests.sinks import Sink, mute, running

Status = OutgoingMessage.Status
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _rested() -> Iterator[None]:
    """What this process remembers of servers ends with each test."""
    yield
    mail.hang_up()
    delivery.resting.clear()


@pytest.fixture
def later(time_machine):
    def shift(**delta: float) -> None:
        time_machine.move_to(timezone.now() + timedelta(**delta))

    return shift


@pytest.fixture
def use(settings, tmp_path):
    def to(url: str) -> None:
        settings.MAILERS = mailers(url=url, folder=tmp_path / "mail")

    return to


@pytest.fixture(params=[False, True], ids=["step by step", "pipelined"])
def sink(use, request) -> Iterator[Sink]:
    with running(Sink()) as started:
        started.pipelines = request.param
        use(started.url)
        yield started


def queued(count: int = 1, **fields: object) -> list[OutgoingMessage]:
    return [OutgoingMessageFactory(recipient=f"person{n}@example.org", **fields) for n in range(count)]


def counts() -> Counter[str]:
    return Counter(OutgoingMessage.objects.values_list("status", flat=True))


def fresh(message: OutgoingMessage) -> OutgoingMessage:
    message.refresh_from_db()
    return message


def test_a_due_message_leaves_and_is_marked(sink):
    (message,) = queued(subject="Bonjour", reply_to="desk@example.org")
    tasks.deliver(unknown="ignored")
    (received,) = sink.mails
    assert (received["Subject"], received["To"]) == ("Bonjour", "person0@example.org")
    fresh(message)
    assert (message.status, message.attempts, message.last_error) == (Status.SENT, 1, "")
    assert message.sent_at is not None
    assert message.claimed_at is None


def test_a_message_due_later_waits(sink, later):
    (message,) = queued(due_at=timezone.now() + timedelta(hours=2))
    assert delivery.deliver() == 0
    assert fresh(message).status == Status.QUEUED
    later(hours=3)
    assert delivery.deliver() == 1


def test_a_batch_uses_one_connection_and_the_next_batch_too(sink):
    queued(30)
    delivery.deliver()
    queued(30)
    delivery.deliver()
    assert len(sink.received) == 60
    assert sink.connections == 1


def test_a_burst_drains_in_one_task_which_calls_another_worker_once(
    sink, django_capture_on_commit_callbacks, monkeypatch
):
    monkeypatch.setattr(delivery, "BATCH", 5)
    queued(12)
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        assert delivery.deliver() == 12
    assert [callback.task for callback in callbacks] == ["accounts.deliver"]
    assert counts() == {Status.SENT: 12}


def test_a_task_stops_after_a_while_and_leaves_another_to_go_on(sink, django_capture_on_commit_callbacks, monkeypatch):
    monkeypatch.setattr(delivery, "BATCH", 5)
    monkeypatch.setattr(delivery, "TASK_SECONDS", 0.0)
    queued(12)
    asked = []
    for _ in range(4):
        with django_capture_on_commit_callbacks(execute=True) as callbacks:
            delivery.deliver()
        asked.append(len(callbacks))
    assert asked == [1, 1, 0, 0]
    assert counts() == {Status.SENT: 12}
    assert len(sink.received) == 12


def test_nothing_due_is_a_cheap_no_op(sink, django_assert_num_queries):
    queued(1, status=Status.FAILED)
    with django_assert_num_queries(2):
        assert delivery.deliver() == 0
    assert sink.connections == 0


def test_a_batch_of_any_size_takes_a_few_queries(sink, django_assert_max_num_queries):
    queued(100)
    with django_assert_max_num_queries(3 + 100 // delivery.GROUP):
        assert delivery.deliver() == 100


@pytest.mark.parametrize(
    ("is_sensitive", "demo", "kept"), [(True, False, False), (False, False, True), (True, True, True)]
)
def test_a_secret_is_blanked_once_sent_except_in_a_demo(sink, settings, is_sensitive, demo, kept):
    settings.DEMO = demo
    (message,) = queued(is_sensitive=is_sensitive, text="https://secret", html="<a>secret</a>")
    delivery.deliver()
    assert "secret" in sink.mails[0].get_body(["plain"]).get_content()
    fresh(message)
    assert (bool(message.text), bool(message.html)) == (kept, kept)


def test_a_recipient_refused_for_good_fails_at_once_with_the_reason(sink):
    sink.on_recipient = lambda address: "550 5.1.1 No such user" if "person1@" in address else "250 OK"
    _, refused, _ = queued(3)
    assert delivery.deliver() == 2
    fresh(refused)
    assert (refused.status, refused.attempts) == (Status.FAILED, 1)
    assert refused.last_error == "550 5.1.1 No such user"
    assert refused.text
    assert counts() == {Status.SENT: 2, Status.FAILED: 1}
    assert sink.connections == 1


def test_content_refused_for_good_fails_at_once(sink):
    sink.on_data = lambda envelope: "554 5.7.1 Looks like spam"
    (message,) = queued()
    delivery.deliver()
    assert (fresh(message).status, message.last_error) == (Status.FAILED, "554 5.7.1 Looks like spam")


def test_an_address_nobody_can_write_to_fails_and_blocks_nobody(sink):
    bad, good = OutgoingMessageFactory(recipient="rené@example.org"), OutgoingMessageFactory()
    assert delivery.deliver() == 1
    assert "rené@example.org" in fresh(bad).last_error
    assert (bad.status, fresh(good).status) == (Status.FAILED, Status.SENT)


def test_our_own_mistake_with_one_message_blocks_nobody(sink):
    bad, good = OutgoingMessageFactory(headers={"Bcc": "victim@example.org"}), OutgoingMessageFactory()
    assert delivery.deliver() == 1
    assert (fresh(bad).status, bad.attempts) == (Status.QUEUED, 1)
    assert "Bcc" in bad.last_error
    assert fresh(good).status == Status.SENT


def test_a_message_deferred_leaves_later(sink, later):
    deferred, _ = queued(2)
    sink.on_recipient = lambda address: "451 4.7.1 Greylisted" if "person0@" in address else "250 OK"
    before = timezone.now()
    assert delivery.deliver() == 1
    fresh(deferred)
    assert (deferred.status, deferred.attempts) == (Status.QUEUED, 1)
    assert deferred.last_error == "451 4.7.1 Greylisted"
    assert deferred.due_at >= before + timedelta(seconds=59)
    assert delivery.deliver() == 0
    sink.on_recipient = lambda address: "250 OK"
    later(minutes=2)
    assert delivery.deliver() == 1
    fresh(deferred)
    assert (deferred.status, deferred.attempts, deferred.last_error) == (Status.SENT, 2, "")


def test_waits_grow_and_stay_bounded():
    waits = [delivery.delay(attempts=n) for n in range(1, 30)]
    assert waits[:4] == [timedelta(minutes=n) for n in (1, 2, 4, 8)]
    assert waits == sorted(waits)
    assert max(waits) == timedelta(hours=4)
    assert timedelta(days=2) < sum(waits[: delivery.MAX_ATTEMPTS - 1], timedelta()) < timedelta(days=4)


def test_after_the_last_attempt_a_message_fails(sink):
    sink.on_recipient = lambda address: "451 4.7.1 Later"
    (message,) = queued(attempts=delivery.MAX_ATTEMPTS - 1)
    delivery.deliver()
    assert (fresh(message).status, message.attempts) == (Status.FAILED, delivery.MAX_ATTEMPTS)
    assert message.last_error == "451 4.7.1 Later"


def test_with_no_server_everything_waits_and_one_attempt_is_counted(sink, use, later):
    messages = queued(20)
    use(f"smtp://127.0.0.1:{free_port()}?timeout=1")
    assert delivery.deliver() == 0
    assert counts() == {Status.QUEUED: 20}
    assert sum(fresh(message).attempts for message in messages) == 1
    assert all("Connection refused" in message.last_error for message in messages)
    assert all(message.claimed_at is None for message in messages)
    # The process remembers, and asks nobody for a while.
    use(sink.url)
    assert delivery.deliver() == 0
    delivery.resting.clear()
    later(minutes=1)
    assert delivery.deliver() == 20
    assert counts() == {Status.SENT: 20}


def test_an_absent_server_never_makes_a_message_fail(use):
    use(f"smtp://127.0.0.1:{free_port()}?timeout=1")
    (message,) = queued(attempts=delivery.MAX_ATTEMPTS - 1)
    delivery.deliver()
    assert (fresh(message).status, message.attempts) == (Status.QUEUED, delivery.MAX_ATTEMPTS - 1)


def test_a_server_that_never_answers_costs_one_timeout_for_the_whole_batch(use):
    with mute() as port:
        use(f"smtp://127.0.0.1:{port}?timeout=0.2")
        messages = queued(10)
        assert delivery.deliver() == 0
    assert counts() == {Status.QUEUED: 10}
    assert sum(fresh(message).attempts for message in messages) == 1
    assert "timed out" in messages[0].last_error


def test_wrong_credentials_are_nobodys_fault(sink, use):
    use(sink.url.replace("smtp://", "smtp://user:wrong@"))
    queued(3)
    assert delivery.deliver() == 0
    assert counts() == {Status.QUEUED: 3}
    assert "AUTH" in OutgoingMessage.objects.first().last_error


def test_a_connection_dropped_in_the_middle_loses_nothing(sink, later):
    sink.drop_after = 4
    queued(10)
    assert delivery.deliver() == 4
    assert counts() == {Status.SENT: 4, Status.QUEUED: 6}
    sink.drop_after = None
    delivery.resting.clear()
    later(minutes=5)
    assert delivery.deliver() == 6
    assert {received["To"] for received in sink.mails} == {f"person{n}@example.org" for n in range(10)}


def test_a_message_that_breaks_the_dialogue_does_not_hold_the_others(sink):
    sink.on_data = lambda envelope: "421 Going away" if "person1@" in envelope.rcpt_tos[0] else "250 OK"
    queued(6)
    assert delivery.deliver() == 5
    waiting = OutgoingMessage.objects.get(status=Status.QUEUED)
    assert (waiting.recipient, waiting.attempts) == ("person1@example.org", 1)


def test_a_server_that_closes_kept_connections_is_called_again(sink):
    queued(1)
    delivery.deliver()
    sink.drops = 1
    queued(2)
    assert delivery.deliver() == 2
    assert sink.connections == 2
    assert OutgoingMessage.objects.filter(status=Status.SENT, attempts=1).count() == 3


def test_a_server_that_hangs_during_a_message_gives_the_rest_back(sink, use):
    sink.hang_after = 2
    use(sink.url.replace("timeout=1", "timeout=0.3"))
    queued(10)
    assert delivery.deliver() == 2
    assert counts() == {Status.SENT: 2, Status.QUEUED: 8}
    assert OutgoingMessage.objects.filter(attempts__gt=0, status=Status.QUEUED).count() <= delivery.MANY_LOST


def test_a_slow_server_keeps_no_claim_longer_than_a_batch(sink, monkeypatch):
    monkeypatch.setattr(delivery, "BATCH_SECONDS", 0.0)
    queued(5)
    assert delivery.deliver() == 0
    assert counts() == {Status.QUEUED: 5}
    assert OutgoingMessage.objects.filter(claimed_at=None, attempts=0).count() == 5


def test_a_message_whose_worker_died_is_found_by_the_sweep(sink, later):
    (message,) = queued(status=Status.SENDING, claimed_at=timezone.now())
    assert delivery.deliver() == 0
    later(seconds=delivery.STALE_AFTER.total_seconds() + 1)
    assert delivery.deliver() == 1
    assert (fresh(message).status, message.attempts) == (Status.SENT, 1)


def test_a_stale_claim_does_not_undo_what_another_worker_did(sink):
    (message,) = queued()
    (claimed,) = delivery.claim()
    OutgoingMessage.objects.update(claimed_at=timezone.now() + timedelta(seconds=1))
    sink.on_recipient = lambda address: "451 4.7.1 Later"
    assert delivery.Batch([claimed]).send() == 0
    assert (fresh(message).status, message.last_error) == (Status.SENDING, "")


def test_what_a_slow_worker_had_no_time_for_stays_with_who_has_taken_it_since(sink, later, monkeypatch):
    queued(2)
    slow = delivery.Batch(delivery.claim())
    later(seconds=delivery.STALE_AFTER.total_seconds() + 1)
    delivery.requeue_stale()
    taken = {message.pk: message.claimed_at for message in delivery.claim()}
    monkeypatch.setattr(delivery, "BATCH_SECONDS", 0.0)
    assert slow.send() == 0
    assert counts() == {Status.SENDING: 2}
    assert dict(OutgoingMessage.objects.values_list("pk", "claimed_at")) == taken


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_take_the_same_message(monkeypatch):
    monkeypatch.setattr(delivery, "BATCH", 10)
    queued(20)
    taken: list[list[int]] = []
    barrier = threading.Barrier(2)

    def work() -> None:
        barrier.wait(timeout=10)
        taken.append([message.pk for message in delivery.claim()])
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=20)
    assert sorted(len(ids) for ids in taken) == [10, 10]
    assert len(set(taken[0]) | set(taken[1])) == 20


def test_secrets_of_old_failures_are_blanked(later):
    old, plain = queued(2, status=Status.FAILED, is_sensitive=True)
    OutgoingMessage.objects.filter(pk=plain.pk).update(is_sensitive=False)
    tasks.forget_secrets()
    assert fresh(old).text
    later(days=8)
    tasks.forget_secrets()
    assert (fresh(old).text, old.html) == ("", "")
    assert fresh(plain).text


def test_without_a_mail_server_each_message_is_a_file(use, tmp_path):
    use("")
    (message,) = queued(subject="Été")
    assert delivery.deliver() == 1
    (path,) = (tmp_path / "mail").glob("*.eml")
    assert str(message.key) in path.name
    assert b"person0@example.org" in path.read_bytes()


def test_a_folder_that_cannot_be_written_loses_nothing(use, tmp_path):
    (tmp_path / "mail").write_text("not a folder")
    use("")
    queued(3)
    assert delivery.deliver() == 0
    assert counts() == {Status.QUEUED: 3}
