"""A campaign on its way to a mail server that works, refuses, delays, hangs or goes away; and people who leave."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from accounts import mail
from accounts.models import OutgoingMessage
from newsletter import letters, sending
from newsletter.letters import Letters, Reader, Words
from newsletter.models import Campaign, Consent, Newsletter, Recipient, Subscriber, Topic, Wording
from newsletter.results import results_of
from newsletter.services import campaigns, returns, subscriptions
from newsletter.services.subscriptions import Trace
from portal.embedded.processes import free_port
from portal.mailers import mailers
from tests import factories
from tests.newsletter.measuring import choose, measure
from tests.sinks import Sink, mute

pytestmark = pytest.mark.django_db
Status = Recipient.Status
FAST = 1_000_000


@pytest.fixture
def campaign(topic: Topic) -> Campaign:
    """Begun, for five readers."""
    Newsletter.objects.create(merchant=topic.merchant, per_minute=FAST)
    readers(topic, 5)
    return begun(topic)


def readers(topic: Topic, count: int) -> None:
    wording = Wording.objects.get()
    people = Subscriber.objects.bulk_create(
        Subscriber(merchant=topic.merchant, email=f"p{n}@example.org", language="fr-ca") for n in range(count)
    )
    Consent.objects.bulk_create(
        Consent(
            subscriber=person, topic=topic, act="given", kind="express", channel="web_form", wording=wording,
            language="fr-ca",
        )
        for person in people
    )  # fmt: skip


def begun(topic: Topic, **fields: object) -> Campaign:
    now = timezone.now()
    campaign = factories.CampaignFactory(topic=topic, status="scheduled", scheduled_at=now, **fields)
    campaigns.begin(campaign=campaign)
    campaign.refresh_from_db()
    return campaign


def statuses(campaign: Campaign) -> dict[str, int]:
    return dict(Counter(Recipient.objects.filter(campaign=campaign).values_list("status", flat=True)))


def leave(email: str) -> None:
    subscriptions.leave(subscriber=Subscriber.objects.get(email=email), trace=Trace(channel=Consent.Channel.LINK))


def later(time_machine: object, **span: float) -> None:
    time_machine.move_to(timezone.now() + timedelta(**span))


def test_everyone_receives_it_once_and_the_campaign_is_sent(campaign, sink):
    assert sending.send(campaign_id=campaign.pk) == 5
    assert sending.send(campaign_id=campaign.pk) == 0
    assert sorted(received["To"] for received in sink.mails) == [f"p{n}@example.org" for n in range(5)]
    assert sink.connections == 1
    campaign.refresh_from_db()
    assert (campaign.status, statuses(campaign)) == ("sent", {"sent": 5})


def test_who_left_after_it_began_is_not_written_to(campaign, sink):
    leave("p3@example.org")
    sending.send(campaign_id=campaign.pk)
    assert "p3@example.org" not in {received["To"] for received in sink.mails}
    assert statuses(campaign) == {"sent": 4, "skipped": 1}


def test_who_leaves_while_their_chunk_is_being_sent_is_not_written_to(campaign, sink):
    """The third message makes the fourth reader leave: claimed already, not handed over yet."""
    claimed = sending.claim(campaign=campaign)
    chunk = sending.Chunk(campaign=campaign, claimed=claimed, letters=sending.Letters(campaign=campaign))
    hand_over = chunk._end  # noqa: SLF001 - the moment between two messages

    def then_leave(*parts: object) -> bool:
        done = hand_over(*parts)
        if chunk.count == 3:
            leave(claimed.readers[3].email)
        return done

    chunk._end = then_leave  # noqa: SLF001 - same
    chunk.send()
    assert len(sink.mails) == 4
    assert claimed.readers[3].email not in {received["To"] for received in sink.mails}
    assert statuses(campaign) == {"sent": 4, "skipped": 1}


def test_an_implied_consent_that_ends_before_the_message_leaves_is_respected(topic, sink, today, time_machine):
    Newsletter.objects.create(merchant=topic.merchant, per_minute=FAST)
    factories.ConsentFactory(
        topic=topic, kind="implied", channel="invoice", source="F-1", wording=None, language="",
        expires_at=today + timedelta(hours=1),
    )  # fmt: skip
    campaign = begun(topic)
    later(time_machine, hours=2)
    assert sending.send(campaign_id=campaign.pk) == 0
    assert statuses(campaign) == {"skipped": 1}


def test_an_address_suppressed_meanwhile_is_skipped(campaign, sink):
    Subscriber.objects.filter(email="p0@example.org").update(suppressed_at=timezone.now(), suppressed_for="complaint")
    sending.send(campaign_id=campaign.pk)
    assert statuses(campaign) == {"sent": 4, "skipped": 1}


def test_an_address_the_server_does_not_know_is_a_bounce_and_suppressed(campaign, sink, topic):
    sink.on_recipient = lambda address: "550 5.1.1 unknown" if address.startswith("p1@") else "250 OK"
    sending.send(campaign_id=campaign.pk)
    assert statuses(campaign) == {"sent": 4, "failed": 1}
    bounced = Recipient.objects.get(status="failed")
    assert bounced.bounced_at is not None
    assert Subscriber.objects.exclude(suppressed_at=None).get().email == "p1@example.org"
    again = begun(topic)
    sending.send(campaign_id=again.pk)
    assert statuses(again) == {"sent": 4}


def test_a_message_refused_for_what_it_says_suppresses_nobody(campaign, sink):
    sink.on_data = lambda envelope: "554 5.7.1 looks like spam"
    sending.send(campaign_id=campaign.pk)
    assert statuses(campaign) == {"failed": 5}
    assert not Subscriber.objects.exclude(suppressed_at=None).exists()


def test_a_full_mailbox_counts_and_suppresses_only_at_the_limit(campaign, sink, topic):
    sink.on_data = lambda envelope: "552 5.2.2 mailbox full" if "p1@example.org" in envelope.rcpt_tos else "250 OK"
    sending.send(campaign_id=campaign.pk)
    full = Subscriber.objects.get(email="p1@example.org")
    assert (full.soft_bounces, full.suppressed_at) == (1, None)
    Subscriber.objects.filter(pk=full.pk).update(soft_bounces=returns.MANY_SOFT - 1)
    sending.send(campaign_id=begun(topic).pk)
    full.refresh_from_db()
    assert (full.soft_bounces, full.suppressed_for) == (returns.MANY_SOFT, "bounce")
    assert Subscriber.objects.filter(soft_bounces=0, suppressed_at=None).count() == 4


def test_a_delay_is_tried_again_and_arrives_once(campaign, sink, time_machine):
    answers = iter(["451 later", "451 later"])
    sink.on_data = lambda envelope: next(answers, "250 OK")
    sending.send(campaign_id=campaign.pk)
    assert statuses(campaign) == {"sent": 3, "queued": 2}
    campaign.refresh_from_db()
    assert campaign.status == "sending"
    later(time_machine, minutes=5)
    sending.send(campaign_id=campaign.pk)
    assert statuses(campaign) == {"sent": 5}
    assert set(Counter(received["To"] for received in sink.mails).values()) == {1}


def test_a_server_that_delays_for_ever_is_given_up(campaign, sink, time_machine):
    sink.on_recipient = lambda address: "450 later"
    for _try in range(sending.MAX_ATTEMPTS + 1):
        sending.send(campaign_id=campaign.pk)
        later(time_machine, hours=5)
    assert statuses(campaign) == {"failed": 5}
    campaign.refresh_from_db()
    assert (campaign.status, campaign.stopped_for) == ("stopped", "nobody")
    # However many attempts it took, each mailbox failed once.
    assert set(Subscriber.objects.values_list("soft_bounces", "suppressed_at")) == {(1, None)}


def test_an_absent_server_fails_nobody_and_the_campaign_rests(campaign, sink, settings, tmp_path, time_machine):
    working, settings.MAILERS = settings.MAILERS, mailers(url=f"smtp://127.0.0.1:{free_port()}", folder=tmp_path)
    assert sending.send(campaign_id=campaign.pk) == 0
    assert statuses(campaign) == {"queued": 5}
    assert set(Recipient.objects.values_list("attempts", flat=True)) == {0}
    settings.MAILERS = working
    later(time_machine, seconds=20)
    assert sending.send(campaign_id=campaign.pk) == 5


def test_a_server_that_says_nothing_costs_one_timeout(campaign, settings, tmp_path):
    with mute() as port:
        settings.MAILERS = mailers(url=f"smtp://127.0.0.1:{port}?timeout=0.2", folder=tmp_path)
        assert sending.send(campaign_id=campaign.pk) == 0
        mail.hang_up()
    assert statuses(campaign) == {"queued": 5}


def test_a_server_that_dies_in_the_middle_is_called_again(campaign, sink, time_machine):
    sink.drop_after = 2
    sending.send(campaign_id=campaign.pk)
    sink.drop_after = None
    later(time_machine, minutes=5)
    sending.send(campaign_id=campaign.pk)
    assert statuses(campaign) == {"sent": 5}
    assert set(Counter(received["To"] for received in sink.mails).values()) == {1}


def test_pausing_takes_effect_before_the_next_message(campaign, sink):
    claimed = sending.claim(campaign=campaign)
    chunk = sending.Chunk(campaign=campaign, claimed=claimed, letters=sending.Letters(campaign=campaign))
    hand_over = chunk._end  # noqa: SLF001 - the moment between two messages
    chunk._end = lambda *parts: hand_over(*parts) and bool(campaigns.pause(campaign=campaign))  # noqa: SLF001 - same
    chunk.send()
    assert statuses(campaign) == {"sent": 1, "queued": 4}
    assert sending.send(campaign_id=campaign.pk) == 0
    campaigns.resume(campaign=campaign)
    Campaign.objects.update(next_claim_at=timezone.now())
    assert sending.send(campaign_id=campaign.pk) == 4


def test_canceling_leaves_the_others_unwritten_and_the_counts_add_up(campaign, sink):
    campaigns.cancel(campaign=campaign)
    assert sending.send(campaign_id=campaign.pk) == 0
    assert statuses(campaign) == {"canceled": 5}
    assert sink.mails == []


def test_the_throttle_lets_no_more_leave_than_the_service_takes(topic, sink, today, time_machine):
    Newsletter.objects.create(merchant=topic.merchant, per_minute=120)
    readers(topic, 50)
    campaign = begun(topic)
    sizes = []
    for _second in range(60):
        claimed = sending.claim(campaign=campaign)
        sizes.append(len(claimed.readers))
        later(time_machine, seconds=1)
    assert max(sizes) == 10
    # Two a second for ten seconds, and one portion nobody had used.
    assert sum(sizes[:10]) <= 30
    assert sum(sizes) == 50


def test_two_campaigns_of_a_merchant_leave_together_as_fast_as_one(topic, riviere, today, time_machine):
    Newsletter.objects.create(merchant=topic.merchant, per_minute=120)
    readers(topic, 100)
    both = [begun(topic), begun(topic)]
    sizes: dict[int, int] = dict.fromkeys([campaign.pk for campaign in both], 0)
    for second in range(30):
        for campaign in both if second % 2 else both[::-1]:
            sizes[campaign.pk] += len(sending.claim(campaign=campaign).readers)
        later(time_machine, seconds=1)
    assert 60 <= sum(sizes.values()) <= 2 * 30 + 10
    assert min(sizes.values()) > 0
    # Another merchant has another clock.
    other = factories.CampaignFactory(topic__merchant=riviere, status="sending", started_at=today)
    assert sending.claim(campaign=other).wait == 0


def test_a_campaign_that_waits_for_the_other_is_not_called_again(topic, today, time_machine):
    Newsletter.objects.create(merchant=topic.merchant, per_minute=10)
    readers(topic, 10)
    first, second = begun(topic), begun(topic)
    later(time_machine, seconds=3)
    assert len(sending.claim(campaign=first).readers) == 1
    assert sending.claim(campaign=second).wait > 0
    assert sending.wake() == 0


@pytest.mark.parametrize("rate", [1, 2, 5, 12])
def test_a_slow_throttle_is_as_fast_as_it_promises(topic, sink, today, time_machine, rate, monkeypatch):
    """Ten minutes: a sweep each half minute, and no worker that waits longer than a task lasts."""
    Newsletter.objects.create(merchant=topic.merchant, per_minute=rate)
    readers(topic, rate * 20)
    campaign = begun(topic)
    monkeypatch.setattr(sending.time, "sleep", lambda seconds: later(time_machine, seconds=seconds))
    sent, sweeps = sending.send(campaign_id=campaign.pk), 0
    while sweeps < 20:
        sweeps += 1
        time_machine.move_to(max(timezone.now(), today + timedelta(seconds=30 * sweeps)))
        if sending.wake():
            sent += sending.send(campaign_id=campaign.pk)
    minutes = (timezone.now() - today).total_seconds() / 60
    assert rate * minutes * 0.9 - 1 <= sent <= rate * (minutes + 0.5) + 1


def test_the_end_time_is_honest(campaign, today, time_machine):
    Newsletter.objects.update(per_minute=60)
    now = timezone.now
    campaign.started_at = today

    def end(**known: object) -> float:
        given = {"waiting": 120, "recent": 0, "last_due": None, **known}
        return (campaigns.end_time(campaign=campaign, **given) - now()).total_seconds() / 60

    assert end() == 2
    # Faster than the throttle is a burst, not a pace.
    later(time_machine, minutes=1)
    assert end(recent=600) == 2
    # Two hours of pause say nothing of the pace: 30 left in the last five minutes.
    later(time_machine, hours=2)
    assert end(recent=30) == 20
    campaign.resumed_at = now() - timedelta(minutes=1)
    assert end(recent=30) == 4
    # Ten postponed for an hour.
    assert end(waiting=10, recent=30, last_due=now() + timedelta(hours=1)) == 60


def test_the_page_of_results_tells_the_end_of_what_is_postponed(campaign, sink, today):
    sink.on_data = lambda envelope: "451 later"
    sending.send(campaign_id=campaign.pk)
    campaign.refresh_from_db()
    due = Recipient.objects.order_by("due_at").last().due_at
    assert results_of(campaign=campaign).ends_at == due > timezone.now()


def test_what_a_dead_worker_held_of_a_canceled_campaign_waits_for_nothing(campaign, time_machine):
    sending.claim(campaign=campaign)
    campaigns.cancel(campaign=campaign)
    assert statuses(campaign) == {"sending": 5}
    later(time_machine, minutes=3)
    sending.wake()
    assert statuses(campaign) == {"canceled": 5}


def test_a_row_of_a_dead_worker_waits_again(campaign, sink, time_machine):
    sending.claim(campaign=campaign)
    assert statuses(campaign) == {"sending": 5}
    later(time_machine, minutes=3)
    assert sending.send(campaign_id=campaign.pk) == 5


def test_a_slow_worker_does_not_send_what_another_took(campaign, sink, time_machine):
    slow = sending.claim(campaign=campaign)
    later(time_machine, minutes=3)
    assert sending.send(campaign_id=campaign.pk) == 5
    chunk = sending.Chunk(campaign=campaign, claimed=slow, letters=sending.Letters(campaign=campaign))
    assert chunk.send() == 0
    assert len(sink.mails) == 5


def test_too_many_bounces_stop_it_by_itself_and_the_desk_is_told(topic, sink, time_machine):
    Newsletter.objects.create(merchant=topic.merchant, per_minute=FAST)
    readers(topic, 250)
    campaign = begun(topic)
    sink.on_recipient = lambda address: "550 5.1.1 unknown" if int(address[1:].split("@")[0]) % 2 else "250 OK"
    sending.send(campaign_id=campaign.pk)
    campaign.refresh_from_db()
    assert campaign.status == "stopped"
    assert (campaign.stopped_for, campaign.stopped_count, campaign.stopped_of) == ("bounces", 50, 100)
    assert statuses(campaign)["queued"] == 150
    letter = OutgoingMessage.objects.get()
    assert letter.recipient == topic.merchant.email
    with translation.override("fr-ca"):
        assert campaign.why_stopped in letter.text
        assert "50 adresses sur 100 n’existent pas (50 %)" in campaign.why_stopped.replace("\xa0", " ")
    with translation.override("en-ca"):
        assert campaign.why_stopped == "50 addresses of 100 do not exist (50%)."
    # Somebody found the cause: what bounced before does not stop it again.
    sink.on_recipient = lambda address: "250 OK"
    campaigns.resume(campaign=campaign)
    assert sending.send(campaign_id=campaign.pk) == 150
    campaign.refresh_from_db()
    assert (campaign.status, statuses(campaign)) == ("sent", {"sent": 200, "failed": 50})


def test_messages_refused_for_what_they_say_stop_it_too_with_the_answer(topic, sink):
    Newsletter.objects.create(merchant=topic.merchant, per_minute=FAST)
    readers(topic, 150)
    campaign = begun(topic)
    sink.on_data = lambda envelope: "554 5.7.1 looks like spam"
    assert sending.send(campaign_id=campaign.pk) == 0
    campaign.refresh_from_db()
    assert (campaign.status, campaign.stopped_for, statuses(campaign)) == (
        "stopped", "refusals", {"failed": 100, "queued": 50}
    )  # fmt: skip
    assert "554 5.7.1 looks like spam" in OutgoingMessage.objects.get().text


def test_a_message_refused_without_a_reason_suppresses_nobody(campaign, sink):
    """The mailbox was taken, and what is said after the message is about the message."""
    sink.on_data = lambda envelope: "550 Message rejected as spam"
    assert sending.send(campaign_id=campaign.pk) == 0
    assert statuses(campaign) == {"failed": 5}
    assert not Subscriber.objects.exclude(suppressed_at=None).exists()
    sink.on_data = lambda envelope: "550 5.1.1 no such user"
    Recipient.objects.filter(subscriber__email="p1@example.org").update(status="queued", attempts=0)
    campaign.status = "sending"
    campaign.save()
    sending.send(campaign_id=campaign.pk)
    assert list(Subscriber.objects.exclude(suppressed_at=None).values_list("email", flat=True)) == ["p1@example.org"]


@pytest.mark.parametrize(("bounced", "tried", "is_stopped"), [(9, 10, False), (10, 200, False), (11, 200, True)])
def test_bounces_stop_from_ten_on_and_beyond_the_agents_limit(topic, bounced, tried, is_stopped):
    campaign = factories.CampaignFactory(topic=topic, status="sending", started_at=timezone.now())
    assert returns.note_chunk(campaign=campaign, tried=tried, bounced=bounced, refused=0, detail="") is is_stopped


def test_what_a_chunk_adds_to_the_figures_costs_the_same_after_many(topic, django_assert_num_queries):
    campaign = factories.CampaignFactory(topic=topic, status="sending", started_at=timezone.now())
    for _chunk in range(3):
        with django_assert_num_queries(2):
            returns.note_chunk(campaign=campaign, tried=100, bounced=1, refused=0, detail="")
    campaign.refresh_from_db()
    assert (campaign.tried, campaign.bounced) == (300, 3)


@pytest.fixture
def only_french(monkeypatch) -> None:
    """As after a change of the templates that only one language notices."""
    words_of = letters.words_of

    def words(*, language: str, **parts: object) -> Words:
        if language == "en-ca":
            raise LookupError("{{ price }}")
        return words_of(language=language, **parts)

    monkeypatch.setattr(letters, "words_of", words)


def test_a_language_nobody_reads_is_not_written(campaign, sink, only_french):
    assert sending.send(campaign_id=campaign.pk) == 5


def test_a_letter_that_cannot_be_written_stops_the_campaign_and_the_desk_is_told(campaign, sink, only_french, topic):
    Subscriber.objects.filter(email="p2@example.org").update(language="en-ca")
    assert sending.send(campaign_id=campaign.pk) == 2
    campaign.refresh_from_db()
    assert (campaign.status, campaign.stopped_for) == ("stopped", "unwritable")
    assert statuses(campaign) == {"sent": 2, "queued": 3}
    assert "en-ca: LookupError: {{ price }}" in OutgoingMessage.objects.get().text
    assert sending.wake() == 0


def test_a_key_that_signs_nothing_stops_the_campaign(campaign, sink, settings):
    settings.DKIM_KEY = "-----BEGIN RSA PRIVATE KEY-----\nnothing\n-----END RSA PRIVATE KEY-----"
    assert sending.send(campaign_id=campaign.pk) == 0
    campaign.refresh_from_db()
    assert (campaign.stopped_for, statuses(campaign)) == ("unwritable", {"queued": 5})
    settings.DKIM_KEY = ""
    campaigns.resume(campaign=campaign)
    assert sending.send(campaign_id=campaign.pk) == 5


def test_one_reader_nobody_can_write_to_blocks_no_other(campaign, sink, monkeypatch):
    write = Letters.to

    def to(letters: Letters, *, reader: Reader) -> bytes:
        if reader.email == "p1@example.org":
            raise LookupError("550 5.1.1")
        return write(letters, reader=reader)

    monkeypatch.setattr(Letters, "to", to)
    assert sending.send(campaign_id=campaign.pk) == 4
    failed = Recipient.objects.get(status="failed")
    assert (failed.subscriber.email, failed.last_error) == ("p1@example.org", "LookupError('550 5.1.1')")
    # The fault is ours: the address stays.
    assert not Subscriber.objects.exclude(suppressed_at=None).exists()


def test_a_final_answer_is_told_from_a_wrong_address():
    hard = ["550 5.1.1 unknown", "550 no such user", "553 sorry", "550 5.2.1 disabled"]
    soft = ["554 5.7.1 spam", "552 5.2.2 full", "550 5.7.26 unauthenticated", "554 no"]
    assert [returns.is_hard(answer) for answer in hard] == [True] * 4
    assert [returns.is_hard(answer) for answer in soft] == [False] * 4
    assert [returns.is_hard(answer, names_mailbox=False) for answer in hard] == [True, False, False, True]
    full = ["552 5.2.2 full", "552 storage exceeded", "554 5.2.2 over quota"]
    assert [returns.is_full(answer) for answer in full] == [True] * 3
    assert not any(returns.is_full(answer) for answer in [*hard, "552 5.3.4 too big", "554 5.7.1 spam"])


def test_campaigns_nobody_works_at_are_woken(campaign):
    assert sending.wake() == 0
    Campaign.objects.update(next_claim_at=F("next_claim_at") - timedelta(seconds=3))
    assert sending.wake() == 1
    # A worker is at it; after a while, whatever holds it up, another one helps.
    Recipient.objects.filter(subscriber__email="p0@example.org").update(status="sending", claimed_at=timezone.now())
    assert sending.wake() == 0
    Campaign.objects.update(next_claim_at=F("next_claim_at") - timedelta(seconds=20))
    assert sending.wake() == 1
    campaigns.pause(campaign=campaign)
    assert sending.wake() == 0


def test_a_thousand_recipients_cost_one_statement_to_write(topic, django_assert_num_queries):
    readers(topic, 1000)
    campaign = factories.CampaignFactory(topic=topic, status="scheduled", scheduled_at=timezone.now())
    with django_assert_num_queries(9):
        assert campaigns.begin(campaign=campaign) == 1000


def measured(email: str) -> Subscriber:
    subscriber = Subscriber.objects.get(email=email)
    choose(subscriber, agrees=True)
    return subscriber


def told_to_observe(sink: Sink, *, since: int = 0) -> set[str]:
    return {received["To"] for received in sink.mails[since:] if received["X-PM-TrackOpens"] == "true"}


def test_only_who_agreed_is_measured_and_only_while_the_merchant_measures(campaign, sink, topic):
    measure(topic.merchant)
    measured("p2@example.org")
    sending.send(campaign_id=campaign.pk)
    assert told_to_observe(sink) == {"p2@example.org"}
    assert [row.subscriber.email for row in Recipient.objects.filter(is_measured=True)] == ["p2@example.org"]
    measure(topic.merchant, is_on=False)
    sending.send(campaign_id=begun(topic).pk)
    assert len(sink.mails) == 10
    assert told_to_observe(sink, since=5) == set()


def test_measuring_costs_no_query_a_message(campaign, sink, topic, django_assert_num_queries):
    with CaptureQueriesContext(connection) as before:
        sending.send(campaign_id=campaign.pk)
    measure(topic.merchant)
    for n in range(5):
        measured(f"p{n}@example.org")
    again = begun(topic)
    with django_assert_num_queries(len(before)):
        sending.send(campaign_id=again.pk)
    assert len(told_to_observe(sink)) == 5


def test_who_takes_it_back_while_their_chunk_is_being_sent_is_not_measured(campaign, sink, topic):
    measure(topic.merchant)
    for n in range(5):
        measured(f"p{n}@example.org")
    claimed = sending.claim(campaign=campaign)
    late = Subscriber.objects.get(email=claimed.readers[3].email)
    chunk = sending.Chunk(campaign=campaign, claimed=claimed, letters=sending.Letters(campaign=campaign))
    hand_over = chunk._end  # noqa: SLF001 - the moment between two messages

    def then_take_back(*parts: object) -> bool:
        done = hand_over(*parts)
        if chunk.count == 3:
            choose(late, agrees=False)
        return done

    chunk._end = then_take_back  # noqa: SLF001 - same
    assert chunk.send() == 5
    assert len(sink.mails) == 5
    assert told_to_observe(sink) == {f"p{n}@example.org" for n in range(5)} - {late.email}
    assert statuses(campaign) == {"sent": 5}
    assert Recipient.objects.filter(is_measured=True).count() == 4
