"""subscribers.csv: evidence or nothing, who left stays out, and a dry run says what would happen."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import OutgoingMessage
from newsletter.models import Consent, Newsletter, Subscriber, Subscription, Topic, Wording
from newsletter.services import subscriptions
from newsletter.services.subscriptions import Trace
from organizations.loader import staging
from organizations.loader.staging import value_of
from tests import factories
from tests.imports import run, write

pytestmark = pytest.mark.django_db
WAITING = """
SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid') FROM pg_sleep(0.01)
"""
COLUMNS = "email,language,topic,basis,consented_on,evidence"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "subscribers.csv"


@pytest.fixture(autouse=True)
def _ready(topic: Topic, today: datetime) -> None:
    """Boréal has its topic, which takes implied consent, and it is November 2026."""
    Topic.objects.update(takes_implied=True)


def line(email: str = "luc@example.org", **cells: object) -> dict[str, object]:
    return {
        "email": email,
        "language": "fr",
        "topic": "offres",
        "basis": "express",
        "consented_on": "2025-01-15",
        "evidence": "Carte signée, salon de l’habitation",
        **cells,
    }


def test_each_line_is_a_consent_with_its_evidence_and_nobody_is_written_to(path):
    begun = value_of("SELECT clock_timestamp()")
    write(
        path, COLUMNS, line(" Luc@Example.org"), line("anne@example.org", basis="purchase", consented_on="2026-02-01")
    )
    assert run("subscribers", path).summary == "created=2 updated=0 unchanged=0 rejected=0"
    luc, anne = Consent.objects.order_by("pk")
    assert (luc.subscriber.email, luc.kind, luc.channel) == ("luc@example.org", "express", "import")
    assert luc.source == "Carte signée, salon de l’habitation"
    assert luc.at == datetime(2025, 1, 15, tzinfo=ZoneInfo("America/Toronto"))
    # By the clock of the database, which nobody stopped.
    assert abs(luc.recorded_at - begun) < timedelta(hours=1)
    assert (anne.kind, anne.expires_at.date()) == ("implied", date(2028, 2, 1))
    assert (luc.basis, anne.basis, luc.by, anne.by) == (None, Consent.Basis.PURCHASE, None, None)
    assert Subscription.objects.active().count() == 2
    assert not OutgoingMessage.objects.exists()


def test_a_second_run_changes_nothing(path):
    write(path, COLUMNS, line())
    run("subscribers", path)
    assert run("subscribers", path).summary == "created=0 updated=0 unchanged=1 rejected=0"
    assert Consent.objects.count() == 1


def test_a_dry_run_says_what_would_happen_and_does_not(path):
    write(path, COLUMNS, line(), line("b@example.org", evidence=""))
    outcome = run("subscribers", path, "--dry-run")
    assert outcome.summary == "created=1 updated=0 unchanged=0 rejected=1"
    assert outcome.codes == [(3, "evidence", "empty")]
    assert not Subscriber.objects.exists()


def test_an_express_consent_is_worth_more_than_an_implied_one(path):
    write(path, COLUMNS, line(basis="inquiry", consented_on="2026-11-01"))
    run("subscribers", path)
    write(path, COLUMNS, line())
    assert run("subscribers", path).summary == "created=0 updated=1 unchanged=0 rejected=0"
    assert Subscription.objects.get().express_at is not None


def test_who_left_never_comes_back_with_a_file(path, topic):
    consent = factories.ConsentFactory(topic=topic, wording=Wording.objects.get(), subscriber__email="luc@example.org")
    subscriptions.leave(subscriber=consent.subscriber, trace=Trace(channel=Consent.Channel.LINK))
    later = factories.TopicFactory(merchant=topic.merchant, slug="autre")
    write(path, COLUMNS, line(), line(topic=later.slug))
    outcome = run("subscribers", path)
    assert outcome.codes == [(2, "email", "consent_withdrawn"), (3, "email", "consent_withdrawn")]
    assert not Subscription.objects.active().exists()


def test_who_left_is_said_before_any_other_reason(path, topic, today):
    consent = factories.ConsentFactory(topic=topic, wording=Wording.objects.get(), subscriber__email="luc@example.org")
    subscriptions.leave(subscriber=consent.subscriber, trace=Trace(channel=Consent.Channel.LINK))
    Subscriber.objects.update(suppressed_at=today, suppressed_for="bounce")
    factories.TopicFactory(merchant=topic.merchant, slug="fermé", closed_at=today)
    past = {"basis": "inquiry", "consented_on": "2020-01-01"}
    others = (line(topic="inconnu"), line(topic="fermé", **past), line(consented_on="2027-01-01"))
    write(path, COLUMNS, *others, line("b@example.org", topic="inconnu", consented_on="2027-01-01"))
    outcome = run("subscribers", path)
    assert outcome.codes == [*((n, "email", "consent_withdrawn") for n in (2, 3, 4)), (5, "topic", "unknown_topic")]


@pytest.mark.parametrize("basis", ["purchase", "inquiry"])
def test_an_implied_consent_is_refused_where_the_topic_takes_express_ones_only(path, topic, basis):
    Topic.objects.update(takes_implied=False)
    write(path, COLUMNS, line(), line("a@example.org", basis=basis, consented_on="2026-11-01"))
    outcome = run("subscribers", path)
    assert outcome.codes == [(3, "basis", "no_implied")]
    assert "offres" in outcome.rejects[0]["reason"]
    assert Consent.objects.get().kind == "express"
    assert Subscriber.objects.get().email == "luc@example.org"


def test_an_implied_consent_needs_no_switch_of_the_merchant(path, topic):
    """The switches draw consents from the books; here the evidence is somewhere else."""
    Newsletter.objects.create(merchant=topic.merchant, takes_invoices=False, takes_inquiries=False)
    write(path, COLUMNS, line(basis="purchase", consented_on="2026-11-01"))
    assert run("subscribers", path).summary == "created=1 updated=0 unchanged=0 rejected=0"


def test_nobody_is_subscribed_to_a_closed_topic(path, topic, today):
    Topic.objects.update(closed_at=today, takes_implied=False)
    write(path, COLUMNS, line(), line("a@example.org", basis="inquiry", consented_on="2026-11-01"))
    outcome = run("subscribers", path)
    assert outcome.codes == [(2, "topic", "topic_closed"), (3, "topic", "topic_closed")]
    assert not Subscriber.objects.exists()


def test_each_reject_says_why(path, topic):
    factories.SubscriberFactory(
        merchant=topic.merchant, email="plainte@example.org", suppressed_at=timezone.now(), suppressed_for="complaint"
    )
    write(
        path,
        COLUMNS,
        line("pas une adresse"),
        line("a@example.org", topic="inconnu"),
        line("b@example.org", basis="friend"),
        line("c@example.org", consented_on="2027-01-01"),
        line("d@example.org", basis="inquiry", consented_on="2026-01-01"),
        line("e@example.org"),
        line("E@example.org"),
        line("plainte@example.org"),
        line("f@example.org", evidence=" "),
    )
    outcome = run("subscribers", path)
    assert sorted(outcome.codes) == [
        (2, "email", "not_an_email"),
        (3, "topic", "unknown_topic"),
        (4, "basis", "unknown_code"),
        (5, "consented_on", "in_future"),
        (6, "consented_on", "consent_expired"),
        (8, "email", "repeated"),
        (9, "email", "suppressed"),
        (10, "evidence", "empty"),
    ]
    assert outcome.exit_code == 3
    assert outcome.summary == "created=1 updated=0 unchanged=0 rejected=8"


def test_who_left_by_one_spelling_of_a_domain_left_by_the_other(path, topic):
    consent = factories.ConsentFactory(
        topic=topic, wording=Wording.objects.get(), subscriber__email="luc@xn--exmple-cua.org"
    )
    write(path, COLUMNS, line("Luc@exämple.org"), line("é@example.org"))
    outcome = run("subscribers", path)
    assert outcome.codes == [(3, "email", "not_an_email")]
    assert outcome.summary == "created=0 updated=0 unchanged=1 rejected=1"
    subscriptions.leave(subscriber=consent.subscriber, trace=Trace(channel=Consent.Channel.LINK))
    assert (2, "email", "consent_withdrawn") in run("subscribers", path).codes


def test_a_topic_of_another_merchant_is_unknown(path, riviere):
    factories.TopicFactory(merchant=riviere, slug="bateaux")
    write(path, COLUMNS, line(topic="bateaux"))
    assert run("subscribers", path).codes == [(2, "topic", "unknown_topic")]


class Leaver(Thread):
    """Leaves on a connection of its own: begun before the import writes, committed once it waits."""

    def __init__(self, subscriber: Subscriber) -> None:
        super().__init__()
        self.subscriber = subscriber
        self.has_left = Event()
        self.saw_it_wait = False

    def run(self) -> None:
        try:
            with transaction.atomic():
                subscriptions.leave(subscriber=self.subscriber, trace=Trace(channel=Consent.Channel.LINK))
                self.has_left.set()
                self.saw_it_wait = any(map(self.is_waited_for, range(1000)))
        finally:
            connection.close()

    def is_waited_for(self, _time: int) -> bool:
        """Asks the database again and again; a hundredth of a second goes by in it each time."""
        return value_of(WAITING)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("has_agreed_before", [True, False])
def test_who_leaves_while_a_file_is_written_is_not_subscribed_again(path, topic, has_agreed_before):
    """The file was judged when they were still there: their withdrawal is waited for, and heard."""
    other = factories.TopicFactory(merchant=topic.merchant, slug="autre")
    held = topic if has_agreed_before else other
    implied = {"kind": "implied", "channel": "invoice", "source": "F-1", "wording": None, "language": ""}
    implied["expires_at"] = datetime(2027, 1, 1, tzinfo=ZoneInfo("UTC"))
    consent = factories.ConsentFactory(topic=held, subscriber__email="luc@example.org", **implied)
    write(path, COLUMNS, line(), line("neuf@example.org"))
    leaver = Leaver(consent.subscriber)
    leaver.start()
    assert leaver.has_left.wait(30)
    assert run("subscribers", path).exit_code == 0
    leaver.join()
    assert leaver.saw_it_wait
    active = Subscription.objects.active().values_list("subscriber__email", flat=True)
    assert list(active) == ["neuf@example.org"]


@pytest.mark.django_db(transaction=True)
def test_two_connections_share_a_file_by_its_addresses(path, topic, monkeypatch):
    """All that one address agreed to is written at once, wherever its lines are."""
    monkeypatch.setattr(staging, "BATCH", 7)
    factories.TopicFactory(merchant=topic.merchant, slug="autre")
    addresses = [f"p{n}@example.org" for n in range(60)]
    write(path, COLUMNS, *(line(email, topic=slug) for slug in ("offres", "autre") for email in addresses))
    assert run("subscribers", path).summary == "created=120 updated=0 unchanged=0 rejected=0"
    assert run("subscribers", path).summary == "created=0 updated=0 unchanged=120 rejected=0"
    moments = set(Consent.objects.values_list("subscriber__email", "recorded_at"))
    assert sorted(email for email, _moment in moments) == sorted(addresses)
    assert len({moment for _email, moment in moments}) == 9
